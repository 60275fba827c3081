"""The way out of the engine: orders wait for their records, cancels do not; a crash takes both or none."""

from __future__ import annotations

import random

import pytest

from console.backtest.outbox import Outbox
from console.core.commands import (
    AmendOrder,
    AnyCommand,
    Basis,
    CancelOrder,
    CeilingKind,
    PlaceOrder,
    Reconcile,
)
from console.core.events import (
    AmendRejected,
    BookDelta,
    Mode,
    OrderRejected,
    Pause,
    RejectReason,
    Started,
    Tick,
)
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    RunId,
    Venue,
    VenueOrderId,
)
from console.core.matches import MatchId
from console.core.settings import AccountSettings
from console.core.units import MILLISECOND, Nanos, Price, Size
from console.sim.clock import Agenda, Clock

K, P = Venue.KALSHI, Venue.POLYMARKET
STARTED = Started(run_id=RunId("run"), mode=Mode.SIM, account="a", settings=AccountSettings(), venues=(K, P))


def place(number: int, venue: Venue = K) -> PlaceOrder:
    return PlaceOrder(
        order_id=ClientOrderId(f"run-{number}"),
        match=MatchId("match"),
        instrument=Instrument(venue, "GAME-A"),
        action=Action.BUY,
        price=Price(450_000),
        size=Size(1_000_000),
        ceiling=Price(460_000),
        ceiling_kind=CeilingKind.QUOTE,
        basis=Basis(500_000, 490_000, 10_000, 0, 0, ""),
    )


def amend(number: int) -> AmendOrder:
    wanted = place(number)
    return AmendOrder(
        order_id=wanted.order_id,
        venue_order_id=VenueOrderId("v"),
        match=wanted.match,
        instrument=wanted.instrument,
        action=wanted.action,
        price=wanted.price,
        size=wanted.size,
        ceiling=wanted.ceiling,
        ceiling_kind=wanted.ceiling_kind,
        basis=wanted.basis,
    )


def cancel(number: int) -> CancelOrder:
    order = place(number)
    return CancelOrder(order_id=order.order_id, venue_order_id=VenueOrderId("v"), instrument=order.instrument)


class Bench:
    """An outbox, and what has left it."""

    def __init__(self) -> None:
        self.left: list[AnyCommand] = []
        self.agenda = Agenda(Clock(0, 0))
        self.outbox = Outbox(
            lambda command, _: self.left.append(command), self.agenda, random.Random(1), STARTED
        )

    def wait(self, ms: float) -> None:
        self.agenda.run(self.agenda.clock.now + int(ms * MILLISECOND))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_order_leaves_after_its_record_is_written(bench):
    bench.outbox.step(1, Tick(), [place(1), amend(2)], 0)
    assert bench.left == []
    assert bench.outbox.written == []
    assert bench.outbox.unsent() == [place(1), amend(2)]
    bench.wait(100)
    assert bench.left == [place(1), amend(2)]
    assert bench.outbox.written == [place(1), amend(2)]
    assert bench.outbox.unsent() == []


def test_cancels_and_reads_leave_at_once(bench):
    bench.outbox.step(1, Tick(), [place(1), cancel(2), Reconcile(venue=K)], 0)
    assert bench.left == [cancel(2), Reconcile(venue=K)]


def test_market_data_is_not_recorded_and_account_events_are(bench):
    delta = BookDelta(
        instrument=Instrument(K, "GAME-A"), side=BookSide.BID, price=Price(450_000), change=Size(1)
    )
    bench.outbox.step(1, delta, [], 0)
    bench.outbox.step(2, Pause(), [], 0)
    bench.wait(100)
    assert bench.outbox.written == [Pause()]


def test_records_are_written_in_order(bench):
    events = [Pause(ts=Nanos(ts)) for ts in range(50)]
    for event in events:
        bench.outbox.step(event.ts, event, [], event.ts)
    bench.wait(500)
    assert bench.outbox.written == events


def test_a_crash_loses_what_is_not_written_with_its_orders_but_no_cancel(bench):
    bench.outbox.step(1, Pause(), [], 0)
    bench.wait(100)
    bench.outbox.step(2, Pause(), [place(1), cancel(2)], bench.agenda.clock.now)
    _, records, turns = bench.outbox.crash()
    bench.wait(100)
    assert (records, turns) == ([Pause(), Pause(), place(1)], [2])
    assert bench.outbox.written == [Pause()]
    assert bench.left == [cancel(2)]


def test_a_crash_may_fall_between_writing_and_sending(bench):
    bench.outbox.step(1, Tick(), [place(1)], 0)
    while not bench.outbox.written:
        bench.agenda.run(bench.agenda.next_ts)
    assert bench.left == []
    assert bench.outbox.crash() == (bench.outbox.started, [place(1)], [])
    bench.wait(100)
    assert bench.left == []
    assert bench.outbox.written == [place(1)]


def test_what_a_journal_that_lost_nothing_holds_begins_at_its_last_checkpoint(bench):
    bench.outbox.step(1, Pause(), [], 0)
    bench.outbox.checkpoint(b"all of it", 0)
    bench.outbox.step(2, Tick(), [place(1)], 0)
    started, records, turns = bench.outbox.crash()
    assert (started.checkpoint, records, turns) == (b"all of it", [place(1)], [1, 2])


def test_a_kill_takes_back_the_unsent_orders_of_its_venue(bench):
    bench.outbox.step(1, Tick(), [place(1), place(2, P), amend(3)], 0)
    assert bench.outbox.drop(K) == [
        OrderRejected(order_id=ClientOrderId("run-1"), reason=RejectReason.KILLED),
        AmendRejected(order_id=ClientOrderId("run-3"), reason=RejectReason.KILLED),
    ]
    bench.wait(100)
    assert bench.left == [place(2, P)]


def test_a_checkpoint_replaces_the_records_before_it(bench):
    bench.outbox.step(1, Pause(), [], 0)
    bench.outbox.checkpoint(b"everything", 0)
    bench.outbox.step(2, Pause(), [place(1)], 0)
    bench.wait(100)
    assert bench.outbox.started.checkpoint == b"everything"
    assert bench.outbox.written == [Pause(), place(1)]
