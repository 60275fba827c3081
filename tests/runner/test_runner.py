"""The runner in one loop with the test: what breaks, and what still leaves when it does."""

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager

import pytest

from console.config.read import load
from console.core.commands import AmendOrder, CancelAll, CancelOrder, PlaceOrder
from console.core.events import AddMatch, BookSnapshot, Kill, OrderRejected, RejectReason, SetTheo, Tick
from console.core.instruments import Instrument, Venue
from console.folders import Latches
from console.runner.clock import SystemClock
from console.runner.inbox import BACKLOG_MAX, Inbox
from console.runner.outbox import Outbox
from console.runner.runner import EXIT_CRASHED, Beginning, Runner
from console.venues.simulated import SimulatedVenues
from console.verify import verify
from tests.runner.books import delta
from tests.runner.orders import place_order


class Watched:
    """The simulated venues, with what was sent to them written down and a way to break them."""

    def __init__(self):
        self.inner = SimulatedVenues(7, None)
        self.sent = []
        self.put = None
        self.broken = asyncio.Event()

    @property
    def venues(self):
        return self.inner.venues

    async def run(self, put):
        self.put = put
        world = asyncio.create_task(self.inner.run(put))
        try:
            await self.broken.wait()
            raise RuntimeError("a frame nobody expected")
        finally:
            if not self.broken.is_set():
                world.cancel()

    async def close(self):
        await self.inner.close()

    def send(self, command):
        self.sent.append(command)
        self.inner.send(command)

    async def find(self, text):
        return await self.inner.find(text)

    def count(self, *kinds):
        return sum(isinstance(command, kinds) for command in self.sent)


@asynccontextmanager
async def running(places, tmp_path):
    """A runner that quotes, its source and what it says; `ended` is its exit status."""
    environment = {**places, "MMCONSOLE_PROFILES_TOP_OF_BOOK_WARM_UP_S": "1"}
    config = load(None, environment)
    source, said = Watched(), []
    profile = config.profiles["top_of_book"]
    first = [AddMatch(spec=spec, settings=profile) for spec in source.inner.listings[:4]]
    journals, socket = tmp_path / "journal", tmp_path / "s"
    beginning = Beginning("r1", tmp_path, journals, socket, b"", first, keep_without_console=True)
    runner = Runner(config, beginning, source, Latches(tmp_path, source.venues), said.append, SystemClock())
    task = asyncio.create_task(runner.run(lambda: None))
    try:
        await until(lambda: source.count(PlaceOrder) >= 4, task)
        yield runner, source, said, task
    finally:
        if not task.done():
            runner.stop("the test is over", 0)
        await asyncio.wait_for(task, 20)


async def until(condition, task=None, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        assert task is None or not task.done(), task.result()
        await asyncio.sleep(0.01)


def test_broken_source_ends_in_a_sweep_and_a_status(places, tmp_path):
    async def story():
        async with running(places, tmp_path) as (_, source, said, task):
            source.broken.set()
            assert await asyncio.wait_for(task, 15) == EXIT_CRASHED
            assert source.count(CancelAll) >= 3
            assert any("a frame nobody expected" in line for line in said)
            assert [line for line in said if "orders rest" in line] == [
                f"{venue.value}: 0 orders rest" for venue in source.venues
            ]
        [journal] = (tmp_path / "journal").glob("*.sqlite")
        verdict = verify(journal)  # what was heard in the sweep is on record, and decided nothing
        assert (verdict.findings, verdict.replayed, verdict.swept) == ((), True, True)

    asyncio.run(story())


def test_engine_that_contradicts_itself_is_not_asked_any_more(places, tmp_path):
    async def story():
        async with running(places, tmp_path) as (runner, source, said, task):
            source.put(object())  # nothing the engine knows
            assert await asyncio.wait_for(task, 15) == EXIT_CRASHED
            placed = source.count(PlaceOrder)
            assert source.count(CancelAll) >= 3
            assert any("engine broke" in line for line in said)
            assert source.count(PlaceOrder) == placed
            assert all(line.endswith("0 orders rest") for line in said if "orders rest" in line)
            assert runner

    asyncio.run(story())


def test_journal_that_cannot_be_written_stops_places_and_lets_cancels_out(places, tmp_path):
    async def story():
        async with running(places, tmp_path) as (runner, source, said, task):
            [journal] = (tmp_path / "journal").glob("*.sqlite")
            database = sqlite3.connect(journal, isolation_level=None)
            cancelled = source.count(CancelOrder)
            database.execute("DROP TABLE records")
            await until(lambda: any("no order leaves, cancels do" in line for line in said), task)
            placed = source.count(PlaceOrder, AmendOrder)
            await until(lambda: runner.view("").orders_open == 0, task)
            assert source.count(PlaceOrder, AmendOrder) == placed
            assert source.count(CancelOrder) > cancelled
            assert runner.view("").paused

    asyncio.run(story())


def test_kill_is_taken_before_everything_that_waits(places, tmp_path):
    async def story():
        async with running(places, tmp_path) as (runner, source, _, task):
            for _ in range(5000):
                source.put(Tick())
            begin = time.monotonic()
            runner.operate(Kill(by="me"), lambda ack: None, 1)
            await until(lambda: source.count(CancelAll) == 3, task, 1)
            assert time.monotonic() - begin < 0.5

    asyncio.run(story())


# ---- the parts


def test_flood_of_book_changes_is_cut_short_but_fills_are_kept():
    inbox = Inbox()
    for _ in range(BACKLOG_MAX + 500):
        inbox.put(delta())
    fill = OrderRejected(order_id="r1-1", reason=RejectReason.OTHER)
    inbox.put(fill)
    assert len(inbox) == BACKLOG_MAX + 2  # one BookStale for the rest, and the fill
    events = []
    while (waiting := inbox.take()) is not None:
        events.append(waiting[0])
    assert events[-1] is fill
    assert type(events[BACKLOG_MAX]).__name__ == "BookStale"
    inbox.put(BookSnapshot(instrument=Instrument(Venue.KALSHI, "A"), bids=(), asks=()))
    assert len(inbox) == 1


@pytest.fixture
def outbox(tmp_path):
    sent, answered = [], []
    latches = Latches(tmp_path, tuple(Venue))
    clock = [100.0]
    box = Outbox(latches, sent.append, answered.append, lambda: clock[0])
    box.clock = clock
    return box, latches, sent, answered


def test_place_leaves_only_when_its_record_is_on_disk(outbox):
    box, _, sent, _ = outbox
    first, second = place_order("r1-1"), place_order("r1-2")
    box.hold(3, first)
    box.hold(5, second)
    box.committed(4)
    assert sent == [first]
    box.committed(9)
    assert sent == [first, second]


def test_latch_is_read_once_more_before_places_leave(outbox):
    box, latches, sent, answered = outbox
    box.hold(3, place_order("r1-1"))
    latches.all.write("somebody else")
    box.committed(3)
    assert not sent
    assert [(a.order_id, a.reason) for a in answered] == [("r1-1", RejectReason.KILLED)]


def test_latch_of_one_venue_holds_back_its_orders_only(outbox):
    box, latches, sent, answered = outbox
    box.hold(3, place_order("r1-1"))
    box.hold(4, place_order("r1-2", venue=Venue.POLYMARKET))
    latches.of[Venue.KALSHI].write("somebody else")
    box.committed(4)
    assert [command.order_id for command in sent] == ["r1-2"]
    assert [a.order_id for a in answered] == ["r1-1"]


def test_cancel_all_drops_what_has_not_left(outbox):
    box, _, sent, answered = outbox
    box.hold(3, place_order("r1-1"))
    box.hold(4, place_order("r1-2", venue=Venue.POLYMARKET))
    box.drop(Venue.KALSHI)
    box.committed(9)
    assert [command.order_id for command in sent] == ["r1-2"]
    assert [a.order_id for a in answered] == ["r1-1"]


def test_what_waited_too_long_for_the_disk_does_not_leave(outbox):
    box, _, sent, answered = outbox
    box.hold(3, place_order("r1-1"))
    box.clock[0] += 1.5
    box.hold(4, place_order("r1-2"))
    box.committed(9)
    assert [command.order_id for command in sent] == ["r1-2"]
    assert [(a.order_id, a.text) for a in answered] == [("r1-1", "the journal took too long")]


def test_cancelled_before_it_left_it_never_existed(outbox):
    box, _, sent, answered = outbox
    box.hold(3, place_order("r1-1"))
    assert box.holds("r1-1")
    assert box.withdraw("r1-1")
    assert not box.withdraw("r1-9")
    box.committed(9)
    assert sent == []
    assert [a.order_id for a in answered] == ["r1-1"]


def test_fair_values_given_by_hand_go_with_the_matches_to_the_next_run(places, tmp_path):
    async def story():
        async with running(places, tmp_path) as (runner, source, _, __):
            match = source.inner.listings[0].id
            source.put(SetTheo(match=match, odds=(2.0, 2.0), pinned=True))
            await until(lambda: [e for e in runner.carried() if isinstance(e, SetTheo)])
            (pinned,) = [e for e in runner.carried() if isinstance(e, SetTheo)]
            assert (pinned.match, pinned.odds, pinned.pinned) == (match, (2.0, 2.0), True)
            added = {e.spec.id: e.odds for e in runner.carried() if isinstance(e, AddMatch)}
            assert added[match] == ()  # not a word of the settings
            assert len(added) == 4

    asyncio.run(story())
