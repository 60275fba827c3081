"""Broken disks, lost alerts and ends that do not tie out: quoting stops, cancels leave, nothing is hidden."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from console.config.read import load
from console.core.commands import CancelOrder, PlaceOrder, Severity
from console.core.events import AddMatch, Kill, Mode, Started
from console.core.instruments import RunId
from console.core.settings import AccountSettings
from console.folders import KillLatch, Latches, state_folder
from console.journal import Journal, JournalError
from console.launch.engine import _recovered
from console.runner.clock import SystemClock
from console.runner.runner import EXIT_CRASHED, EXIT_DIFFERS, Beginning, Runner
from console.venues.base.protocol import Check
from tests.runner.process import EngineProcess, run, seen
from tests.runner.test_runner import Watched, until


class Bench:
    """A runner of this process, what it says, whom it calls, and its end."""

    def __init__(self, places, tmp_path, *, gate=None):
        environment = {**places, "MMCONSOLE_PROFILES_TOP_OF_BOOK_WARM_UP_S": "1"}
        config = load(None, environment)
        self.source, self.said, self.called = Watched(), [], []
        profile = config.profiles["top_of_book"]
        first = [AddMatch(spec=spec, settings=profile) for spec in self.source.inner.listings[:4]]
        self.journals = tmp_path / "journal"
        beginning = Beginning("r1", tmp_path, self.journals, tmp_path / "s", b"", first, True, gate=gate)
        beginning.alarm = lambda severity, text: self.called.append((severity, text))
        latches = Latches(tmp_path, self.source.venues)
        self.runner = Runner(config, beginning, self.source, latches, self.said.append, SystemClock())
        self.task = None

    @asynccontextmanager
    async def running(self, quoting=True):
        self.task = asyncio.create_task(self.runner.run(lambda: None))
        try:
            if quoting:
                await self.until(lambda: self.source.count(PlaceOrder) >= 4)
            yield self
        finally:
            if not self.task.done():
                self.runner.stop("the test is over", 0)
            await asyncio.wait_for(self.task, 30)

    async def until(self, condition, seconds=20):
        await until(condition, self.task, seconds)

    def heard(self, words):
        return any(words in line for line in self.said)

    def alarmed(self, words):
        return [severity for severity, text in self.called if words in text]


# ---- C38


def test_journal_that_is_locked_stops_quoting_and_lets_cancels_out(places, tmp_path):
    async def story():
        bench = Bench(places, tmp_path)
        async with bench.running():
            [journal] = bench.journals.glob("*.sqlite")
            other = sqlite3.connect(journal, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            await bench.until(lambda: bench.heard("no order leaves, cancels do"))
            cancelled = bench.source.count(CancelOrder)
            await bench.until(lambda: bench.runner.view("").orders_open == 0)
            assert bench.source.count(CancelOrder) > cancelled
            placed = bench.source.count(PlaceOrder)
            await asyncio.sleep(0.5)
            assert bench.source.count(PlaceOrder) == placed
            assert bench.alarmed("journal:") == [Severity.ERROR]
            assert sum(len(bench.source.inner._world.orders(v)) for v in bench.source.venues) == 0

    asyncio.run(story())


def test_full_disk_stops_quoting_and_a_kill_still_cancels_and_latches(places):
    process = EngineProcess({**places, "MMCONSOLE_PROFILES_TOP_OF_BOOK_WARM_UP_S": "1"}, "--headless")

    async def story():
        async with process.client() as client:
            await seen(client, lambda v: v.orders_open >= 10)
            resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
            view = await seen(client, lambda v: v.paused and v.orders_open == 0)
            assert any("journal" in line.text or "paused" in line.text for line in view.log)
            assert (await client.operate(Kill(by="test"))).ok
            await seen(client, lambda v: v.kill is not None and not v.kill.unproven)

    try:
        asyncio.run(story())
        assert KillLatch(process.folder).reason() == "test"
    finally:
        process.end()


def test_disk_that_is_full_at_the_start_is_one_line(places):
    folder = state_folder(places, Mode.SIM, "main")
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from console.__main__ import main; sys.exit(main(['run', '--headless']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=places, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


# ---- C16: each failing step of the start blocks


def test_journal_of_the_last_run_that_cannot_be_read_blocks_the_start(places):
    folder = state_folder(places, Mode.SIM, "main")
    journals = folder / "journal"
    journals.mkdir(mode=0o700)
    (journals / "zzz.sqlite").write_bytes(b"no database at all" * 300)
    done = run(places, "run", "--headless")
    assert done.returncode == 2
    assert "not a readable journal" in done.stderr
    assert done.stderr.count("\n") == 1


def test_journal_damaged_in_the_middle_blocks_the_start(tmp_path):
    journal = Journal(tmp_path, RunId("run1"), lambda _: None, lambda _: None)
    journal.event(begun())
    for number in range(2000):
        journal.event(Kill(by=f"somebody {number}"))
    journal.close()
    with journal.path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(JournalError, match=r"run1\.sqlite: damaged|cannot be read back"):
        _recovered(tmp_path, "live/main/dry")


def begun():
    return Started(
        run_id=RunId("run1"),
        mode=Mode.LIVE,
        account="main",
        settings=AccountSettings(),
        venues=(),
        ledger="live/main/dry",
    )


def test_journal_of_another_ledger_blocks_the_start(tmp_path):
    """A dry journal refuses a live start (C32)."""
    journal = Journal(tmp_path, RunId("run1"), lambda _: None, lambda _: None)
    journal.event(begun())
    journal.close()
    with pytest.raises(JournalError, match="of live/main/dry, not of live/main"):
        _recovered(tmp_path, "live/main")
    assert _recovered(tmp_path, "live/main/dry")


# ---- C30


@pytest.mark.parametrize(
    "name", ["clock", "keys", "scopes", "funds", "allowance", "fees", "ticks", "orientation", "dead man"]
)
def test_gate_stays_shut_for_each_check_that_fails_and_says_which(places, tmp_path, name):
    async def story():
        async def gate():
            good = [Check(other, True, "fine") for other in ("clock", "keys") if other != name]
            return [*good, Check(name, False, "not good", "mend it")]

        bench = Bench(places, tmp_path, gate=gate)
        async with bench.running(quoting=False):
            await bench.until(lambda: bench.heard(f"start gate: {name}: not good; mend it"))
            await bench.until(lambda: all(not venue.halt for venue in bench.runner.view("").venues))
            await asyncio.sleep(0.3)
            assert bench.source.count(PlaceOrder) == 0
            assert bench.alarmed("start gate") == [Severity.ERROR]

    asyncio.run(story())


def test_gate_opens_when_all_pass_and_a_note_holds_nothing_up(places, tmp_path):
    async def story():
        async def gate():
            return [Check("clock", True, "fine"), Check("queue", False, "unknown", needed=False)]

        bench = Bench(places, tmp_path, gate=gate)
        async with bench.running():
            assert bench.heard("start gate passed: clock")

    asyncio.run(story())


# ---- C39


def test_kill_disconnect_breach_and_death_each_call_somebody(places, tmp_path):
    async def story():
        bench = Bench(places, tmp_path)
        async with bench.running():
            world = bench.source.inner._world
            world.wire(bench.source.venues[0]).cut(world.now, 10**9)
            await bench.until(lambda: bench.alarmed("down: connection lost"))
            bench.runner.operate(Kill(by="me"), lambda ack: None, 1)
            await bench.until(lambda: bench.alarmed("KILLED by me"), 5)
            bench.source.broken.set()
            assert await asyncio.wait_for(bench.task, 30) == EXIT_CRASHED
            assert bench.alarmed("task source broke (RuntimeError): everything is cancelled") == [
                Severity.ERROR
            ]
            assert not bench.alarmed("a frame nobody expected")  # its words may hold anything

    asyncio.run(story())


# ---- C40


def test_clean_end_ties_out_and_a_dollar_missing_does_not(places, tmp_path):
    async def story():
        bench = Bench(places, tmp_path)
        async with bench.running():
            bench.runner.stop("enough", 0)
            assert await asyncio.wait_for(bench.task, 30) == 0
        assert bench.heard("difference 0.000000")

        second = tmp_path / "second"
        second.mkdir()
        bench = Bench(places, second)
        async with bench.running():
            bench.source.inner._world.exchange(bench.source.venues[0]).account.money.cash -= 1_000_000
            bench.runner.stop("enough", 0)
            assert await asyncio.wait_for(bench.task, 30) == EXIT_DIFFERS
        assert bench.heard("-1.000000 from our count")
        assert bench.heard("difference -1.000000")
        assert bench.alarmed(f"the engine ended with status {EXIT_DIFFERS}") == [Severity.ERROR]

    asyncio.run(story())
