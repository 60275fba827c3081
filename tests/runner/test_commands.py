"""`mmconsole kill` and `mmconsole flatten` as processes: beside an engine, after one, and instead of one."""

import asyncio
import signal

import pytest

from console.core.events import Mode
from console.core.instruments import Venue
from console.folders import KillLatch, Lock, state_folder
from console.verify import verify
from tests.runner.process import EngineProcess, run, seen

FAST = {
    "MMCONSOLE_SIM_PACE": "20",
    "MMCONSOLE_PROFILES_PRACTICE_WARM_UP_S": "1",
    "MMCONSOLE_PROFILES_PRACTICE_EDGE_MIN": "0",
}


@pytest.fixture
def engine(places):
    started = []

    def start():
        process = EngineProcess({**places, **FAST}, "--headless")
        started.append(process)
        return process

    yield start
    for process in started:
        process.end()


def held(view):
    """Matches with a position that is not paired off."""
    return [match.id for match in view.matches if any(one.position for one in match.outcomes)]


def quoting(view):
    return view.orders_open >= 10


async def look(process, condition, seconds=60):
    async with process.client() as client:
        return await seen(client, condition, seconds)


def test_one_venue_is_killed_and_the_others_go_on(engine, places):
    process = engine()
    asyncio.run(look(process, quoting))
    done = run(places, "kill", "--venue", "kalshi")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kalshi has proven that nothing rests" in done.stdout

    def others(view):
        there = {order.instrument.venue for order in view.orders if order.state.value == "accepted"}
        return view.kill is None and there and Venue.KALSHI not in there

    asyncio.run(look(process, others))
    process.signal(signal.SIGKILL)
    process.wait()
    latch = KillLatch(process.folder, "kalshi")
    assert latch.reason() == "mmconsole kill"  # and the next run finds it
    second = engine()
    view = asyncio.run(look(second, lambda v: quoting(v) or any(x.killed for x in v.venues)))
    assert [venue.venue for venue in view.venues if venue.killed] == [Venue.KALSHI]


def test_kill_without_an_engine_empties_the_venues_itself(engine, places):
    process = engine()
    asyncio.run(look(process, quoting))
    process.signal(signal.SIGKILL)
    process.wait()
    done = run(places, "kill")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("nothing rests, proven by two empty lists") == 3
    assert "KILLED after" in done.stdout
    latch = KillLatch(process.folder)
    assert latch.engaged()


def test_latch_engaged_by_somebody_else_is_a_kill(engine):
    process = engine()
    asyncio.run(look(process, quoting))
    latch = KillLatch(process.folder)
    latch.write("a hand on the file")
    view = asyncio.run(look(process, lambda v: v.kill is not None and v.orders_open == 0, 20))
    assert view.kill.by == "a hand on the file"


def test_hung_engine_is_said_and_its_latch_holds(engine, places):
    process = engine()
    asyncio.run(look(process, quoting))
    process.signal(signal.SIGSTOP)
    done = run(places, "kill")
    assert done.returncode == 74
    assert "does not answer" in done.stdout
    process.signal(signal.SIGCONT)
    asyncio.run(look(process, lambda v: v.kill is not None and v.orders_open == 0, 20))


def test_flatten_gets_out_beside_an_engine_and_without_one(engine, places):
    process = engine()
    view = asyncio.run(look(process, lambda v: len(held(v)) >= 2, 90))
    first, *_ = held(view)
    done = run({**places, **FAST}, "flatten", first, "--floor", "2", "--patience", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "flattened" in done.stdout
    second = next(match for match in held(asyncio.run(look(process, lambda v: v.matches))) if match != first)
    process.signal(signal.SIGKILL)
    process.wait()

    assert run({**places, **FAST}, "kill").returncode == 0
    refused = run({**places, **FAST}, "flatten", second, "--floor", "2", "--patience", "20")
    assert refused.returncode == 1
    assert "--reduce-only REASON lifts it" in refused.stdout
    out = ("flatten", second, "--floor", "2", "--patience", "20", "--reduce-only", "rain")
    done = run({**places, **FAST}, *out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "re-armed to reduce only: rain" in done.stdout
    assert done.stdout.count("\n") > 5
    assert not any(verify(path).findings for path in process.journals())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("flatten", "m", "--floor", "0"), "the floor is a price between 0 and 100 cents"),
        (("flatten", "m", "--floor", "x"), "'x' is no price in cents"),
        (("flatten", "m", "--floor", "5", "--reduce-only", " "), "--reduce-only needs a reason"),
        (("kill", "--venue", "nyse"), "venue 'nyse' is not one of kalshi, polymarket, prophetx"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(places, arguments, line):
    done = run(places, *arguments)
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_flatten_without_an_engine_takes_the_lock(places):
    lock = Lock(state_folder(places, Mode.SIM, "main"))
    done = run(places, "flatten", "mlb-sea-hou", "--floor", "5")
    lock.release()
    assert done.returncode == 2
    assert "runs already" in done.stderr
