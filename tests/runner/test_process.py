"""The engine as a process of its own: quoting, signals, kill -9 and restart, latch, consoles that vanish."""

import asyncio
import signal
import time

import pytest

from console.core.events import Kill, Pause, Rearm, Resume, SetSetting
from console.core.view import KillPhase
from console.journal import Reader
from console.link.messages import Heartbeat, Role
from console.verify import verify
from tests.runner.process import EngineProcess, mode_of, resting, run, seen

QUICK = {  # the same engine with shorter waits, and a smaller edge so that fills come sooner
    "MMCONSOLE_PROFILES_TOP_OF_BOOK_WARM_UP_S": "1",
    "MMCONSOLE_PROFILES_TOP_OF_BOOK_EDGE_MIN": "0.2",
}


@pytest.fixture
def engine(places):
    started = []

    def start(*flags, quick=True, **extra):
        process = EngineProcess({**places, **(QUICK if quick else {}), **extra}, *flags)
        started.append(process)
        return process

    yield start
    for process in started:
        process.end()


def quoting(view):
    return view.orders_open >= 10


def money(view):
    held = [(m.id, [(o.position, o.payout) for o in m.outcomes]) for m in view.matches]
    return (view.fills, view.pnl.realised, view.pnl.locked, held)


def orphans(view):
    """Orders of an earlier run that are not proven gone."""
    return [order for order in view.orders if order.order_id.rpartition("-")[0] != view.run_id]


async def quiet(client):
    """Pause, wait until nothing rests, and return what stands then."""
    assert (await client.operate(Pause())).ok
    view = await seen(client, lambda v: v.orders_open == 0 and v.paused)
    await asyncio.sleep(1.2)  # a checkpoint is written each second
    return client.view or view


def test_newcomer_is_quoting_within_ten_seconds(engine):
    async def story():
        begin = time.monotonic()
        process = engine(quick=False)
        async with process.client() as client:
            await seen(client, quoting, 10)
        assert time.monotonic() - begin < 10

    asyncio.run(story())


def test_begun_paused_it_sends_nothing_until_resumed(engine):
    async def story():
        process = engine("--headless", "--paused")
        async with process.client() as client:
            await seen(client, lambda v: v.paused and all(venue.up and not venue.halt for venue in v.venues))
            await asyncio.sleep(2.5)  # warmed up, were it not for the pause
            assert client.view.paused == "begun paused"
            assert client.view.orders_open == 0
            assert (await client.operate(Resume())).ok
            await seen(client, quoting, 10)

    asyncio.run(story())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signal_cancels_everything_proves_it_and_ends_with_a_status(engine, number):
    process = engine()

    async def story():
        async with process.client() as client:
            await seen(client, quoting)

    asyncio.run(story())
    begin = time.monotonic()
    process.signal(number)
    assert process.wait(10) == 128 + number
    assert time.monotonic() - begin < 10
    assert resting(process.said()) == [0, 0, 0]


def test_killed_process_comes_back_where_it_was(engine):
    first = engine()

    async def before():
        async with first.client() as client:
            await seen(client, lambda v: v.fills >= 1 and quoting(v), 90)
            first.signal(signal.SIGKILL)
            first.wait()
            return client.view

    last_seen = asyncio.run(before())
    second = engine()

    async def after():
        async with second.client() as client:
            view = await seen(client, lambda v: quoting(v) and not orphans(v))
            assert view.fills >= last_seen.fills
            assert view.run_id != last_seen.run_id
            return money(await quiet(client))

    stands = asyncio.run(after())
    second.signal(signal.SIGKILL)
    second.wait()
    third = engine()

    async def again():
        async with third.client() as client:
            view = await seen(client, lambda v: all(venue.up and not venue.halt for venue in v.venues))
            assert money(view) == stands
            assert view.paused  # nobody resumed it

    asyncio.run(again())
    third.signal(signal.SIGTERM)
    third.wait(10)
    assert all(not verify(path).findings for path in third.journals())


def test_limits_baselines_survive_a_kill(engine):
    first = engine()

    async def before():
        async with first.client() as client:
            await seen(client, lambda v: v.fills >= 2 and v.day is not None, 90)
            await quiet(client)
            view = client.view
            first.signal(signal.SIGKILL)
            return view

    stands = asyncio.run(before())
    first.wait()
    [journal] = first.journals()
    kept = Reader(journal).latest_checkpoint()
    assert kept is not None
    second = engine()

    async def after():
        async with second.client() as client:
            view = await seen(client, lambda v: v.day is not None and not any(x.halt for x in v.venues))
            # The day began and the peak stood where they did; only marks moved in between.
            assert abs(view.day - stands.day) < 5_000_000
            assert view.pnl.realised == stands.pnl.realised

    asyncio.run(after())


def test_kill_latch_outlives_the_process(engine):
    first = engine()

    async def before():
        async with first.client() as client:
            await seen(client, quoting)
            assert (await client.operate(Kill(by="me"))).ok
            first.signal(signal.SIGKILL)

    asyncio.run(before())
    first.wait()
    second = engine()

    async def after():
        async with second.client() as client:
            view = await seen(client, lambda v: v.kill is not None and v.kill.phase is KillPhase.KILLED)
            assert view.orders_open == 0
            assert "me" in view.kill.by
            assert not (await client.operate(Rearm(word="resume", reason="x"))).ok
            assert not (await client.operate(Rearm(word="RESUME", reason=" "))).ok
            assert (await client.operate(Resume())).ok  # lifts pauses, not the latch
            await asyncio.sleep(1)
            assert client.view.orders_open == 0
            assert (await client.operate(Rearm(word="RESUME", reason="looked at it"))).ok
            await seen(client, quoting)

    asyncio.run(after())
    placed = [r.command() for r in Reader(second.journals()[-1]).account() if r.kind == "command"]
    assert placed


def test_kill_empties_every_venue_and_shows_the_count(engine):
    process = engine()

    async def story():
        async with process.client() as client:
            await seen(client, quoting)
            begin = time.monotonic()
            client.kill()
            view = await seen(client, lambda v: v.kill is not None)
            assert view.kill.at_kill > 0
            view = await seen(client, lambda v: v.kill.phase is KillPhase.KILLED)
            assert (view.kill.left, view.kill.unproven, view.orders_open) == (0, (), 0)
            assert time.monotonic() - begin < 8  # two empty lists two seconds apart

    asyncio.run(story())


def test_kill_command_needs_no_console(engine, places):
    process = engine()

    async def story():
        async with process.client(Role.VIEW) as client:
            await seen(client, quoting)
            done = await asyncio.to_thread(run, places, "kill")
            assert done.returncode == 0, done.stdout + done.stderr
            assert "KILLED" in done.stdout
            assert client.view.kill is not None

    asyncio.run(story())


def test_kill_command_without_an_engine_engages_the_latch(engine, places):
    done = run(places, "kill")
    assert done.returncode == 0
    assert "latch is engaged" in done.stdout
    process = engine()

    async def story():
        async with process.client() as client:
            view = await seen(client, lambda v: v.kill is not None)
            assert view.orders_open == 0

    asyncio.run(story())


def test_second_engine_is_refused(engine, places):
    process = engine()

    async def story():
        async with process.client():
            done = await asyncio.to_thread(run, places, "run", "--headless")
            assert done.returncode == 2
            assert f"runs already (pid {process.process.pid})" in done.stderr

    asyncio.run(story())


def test_socket_and_records_are_the_owners_alone(engine):
    process = engine()

    async def story():
        async with process.client() as client:
            await seen(client, quoting)
            assert mode_of(process.socket) == 0o600
            kept = [p for p in process.folder.rglob("*") if p.is_file() and p.name != "output"]
            assert {mode_of(path) for path in kept} == {0o600}

    asyncio.run(story())


def test_one_console_controls_and_any_viewer_may_kill(engine):
    process = engine()

    async def story():
        async with process.client() as first, process.client() as second:
            assert (first.welcome.role, second.welcome.role) == (Role.CONTROL, Role.VIEW)
            assert "another console controls" in second.welcome.note
            ack = await second.operate(Pause())
            assert not ack.ok
            assert "read-only" in ack.text
            await seen(second, quoting)
            assert (await second.operate(Kill(by="viewer"))).ok
            await seen(first, lambda v: v.kill is not None)

    asyncio.run(story())


@pytest.mark.parametrize("policy", ["stop", "pause", "keep"])
def test_lost_console_leads_to_what_the_setting_says(engine, policy):
    process = engine(
        "--detached", MMCONSOLE_ENGINE_ON_CONSOLE_LOST=policy, MMCONSOLE_ENGINE_CONSOLE_LOST_S="1"
    )

    async def story():
        async with process.client() as client:
            for _ in range(600):
                client.send(Heartbeat(terminal_age_ms=0))
                await asyncio.sleep(0.1)
                if client.view is not None and quoting(client.view):
                    break
            assert quoting(client.view)
            for _ in range(15):  # heard of, with a terminal that answers: not lost
                client.send(Heartbeat(terminal_age_ms=0))
                await asyncio.sleep(0.1)
            assert not client.view.paused
        if policy == "stop":
            assert await asyncio.to_thread(process.wait, 15) == 0
            assert resting(process.said()) == [0, 0, 0]
            return
        await asyncio.sleep(2.5)
        async with process.client() as client:
            begin = time.monotonic()
            view = await seen(client, lambda v: v.matches)
            assert time.monotonic() - begin < 1
            assert bool(view.paused) == (policy == "pause")

    asyncio.run(story())


def test_console_whose_terminal_is_silent_is_lost_too(engine):
    process = engine(
        "--detached", MMCONSOLE_ENGINE_ON_CONSOLE_LOST="pause", MMCONSOLE_ENGINE_CONSOLE_LOST_S="1"
    )

    async def story():
        async with process.client() as client:
            client.send(Heartbeat(terminal_age_ms=0))
            await seen(client, lambda v: v.matches)
            for _ in range(5):
                client.send(Heartbeat(terminal_age_ms=5000))
                await asyncio.sleep(0.2)
            await seen(client, lambda v: v.paused == "console lost")

    asyncio.run(story())


def test_setting_changed_on_the_screen_is_there_after_a_restart(engine):
    first = engine()

    async def change():
        async with first.client() as client:
            view = await seen(client, lambda v: v.matches)
            match = view.matches[0].id
            refused = await client.operate(SetSetting(match=match, key="edge_min", value="much"))
            assert "edge_min: 'much' is not" in refused.text
            assert (await client.operate(SetSetting(match=match, key="edge_min", value="2.5"))).ok
            return match

    match = asyncio.run(change())
    first.signal(signal.SIGTERM)
    first.wait(10)
    second = engine()

    async def look():
        async with second.client() as client:
            answer = await client.ask("settings", match)
            assert {s.key: s.value for s in answer.settings}["edge_min"] == "2.5"

    asyncio.run(look())
