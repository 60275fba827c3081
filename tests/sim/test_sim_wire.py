"""Between us and a simulated venue: every delay and every misfortune, one at a time."""

import math

import msgspec
import pytest
from sim_bench import ASK, BID, BUY, HOME, TWO_SIDED, YES, amend, cancel, look_up, place

from console.core.commands import (
    Alert,
    CancelAll,
    Latch,
    Reconcile,
    Refuse,
    Resync,
    Severity,
    Subscribe,
    Unsubscribe,
)
from console.core.events import (
    AmendRejected,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    MassStatus,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    Settled,
    Trade,
    VenueDown,
    VenueUp,
)
from console.core.instruments import Instrument, MarketState, Venue
from console.core.units import CENT, MILLISECOND, ONE
from console.sim.clock import Agenda, Clock
from console.sim.dials import CALM, Dials
from console.sim.exchange import Exchange
from console.sim.mail import Mail
from console.sim.wire import Wire

HOME_YES = Instrument(Venue.KALSHI, HOME)
SUBSCRIBE = Subscribe(instrument=HOME_YES)
RECONCILE = Reconcile(venue=Venue.KALSHI)
WALL = 1_000 * MILLISECOND
SEEN_MS = 8  # market data: 6 ms and half the jitter of 4
SENT_MS, ANSWERED_MS = 16, 11  # 12 and half of 8; 8 and half of 6
AVERAGE = 1.0 - 1.0 / math.e  # a throw of the dice by which whatever comes by chance takes its mean time


class MiddlingDice:
    """Chance without surprises: always the middle, or what a test puts in its place."""

    def __init__(self) -> None:
        self.middle = 0.5

    def random(self) -> float:
        return self.middle

    def gauss(self, mu: float, sigma: float) -> float:
        return mu

    def expovariate(self, lambd: float) -> float:
        return 1.0 / lambd


class Line:
    """A wire to a venue with one symbol, and others who trade there; times in milliseconds."""

    def __init__(self, dials: Dials = CALM, *, subscribed: bool = True) -> None:
        self.clock = Clock(0, WALL)
        self.agenda, self.mail, self.dice = Agenda(self.clock), Mail(self.clock), MiddlingDice()
        self.exchange = Exchange(Venue.KALSHI, self.clock)
        self.exchange.open_market(HOME, TWO_SIDED)
        self.exchange.account.money.pay_in(100 * ONE)
        self.wire = Wire(self.exchange, dials, self.dice, self.agenda, self.mail)
        self.seen = []
        self.until(500)
        if subscribed:
            self.send(SUBSCRIBE)
            self.until(900)
        self.until(1000)
        self.seen = []

    @property
    def now_ms(self) -> float:
        return self.clock.now / MILLISECOND

    def send(self, command) -> None:
        self.wire.submit(command, self.clock.now)

    def until(self, ms: float) -> list:
        """Everything that arrives up to `ms`."""
        self.wire.carry(self.clock.now)
        self.agenda.run(int(ms * MILLISECOND))
        arrived = self.mail.collect(int(ms * MILLISECOND))
        self.seen += arrived
        return arrived

    def rest(self, side, cents, contracts) -> None:
        self.exchange.rest("other", HOME, side, cents * CENT, contracts * ONE)
        self.wire.carry(self.clock.now)

    def take(self, side, contracts) -> None:
        self.exchange.take("other", HOME, side, contracts * ONE)
        self.wire.carry(self.clock.now)

    def kinds(self) -> list:
        """Types of what has been seen, confirmations left out."""
        return [type(event) for event in self.seen if not isinstance(event, BooksConfirmed)]

    def of(self, kind) -> list:
        return [event for event in self.seen if isinstance(event, kind)]

    def resting(self) -> list[str]:
        return list(self.exchange.account.open)


def buy(name="us-1", cents=40, contracts=10):
    return place(name, BUY, YES, cents, contracts)


# ---- when nothing goes wrong


def test_venue_comes_up_and_subscriber_gets_facts_state_and_book():
    line = Line(subscribed=False)
    line.send(SUBSCRIBE)
    line.until(2000)
    assert line.kinds() == [InstrumentDefined, MarketStatus, BookSnapshot]


def test_answer_takes_the_way_there_and_back_and_the_book_shows_first():
    line = Line()
    line.send(buy())
    line.until(2000)
    delta, accepted = line.of(BookDelta)[0], line.of(OrderAccepted)[0]
    assert delta.ts == (1000 + SENT_MS + SEEN_MS) * MILLISECOND
    assert accepted.ts == (1000 + SENT_MS + ANSWERED_MS) * MILLISECOND
    assert accepted.wall == accepted.ts + WALL
    assert line.kinds() == [BookDelta, OrderAccepted]


def test_whole_life_of_an_order():
    line = Line()
    for command in (buy(), amend("us-1", 41, 8), cancel("us-1")):
        line.send(command)
        line.until(line.now_ms + 100)
    kinds = [kind for kind in line.kinds() if kind is not BookDelta]
    assert kinds == [OrderAccepted, OrderAmended, OrderCanceled]


def test_fill_reaches_us_unasked():
    line = Line()
    line.send(buy())
    line.until(1100)
    line.take(ASK, 4)
    line.until(1200)
    assert line.kinds() == [BookDelta, OrderAccepted, BookDelta, Trade, OrderFilled]


def test_intact_stream_is_confirmed_every_two_seconds():
    line = Line()
    line.until(10_500)
    assert [event.ts // (100 * MILLISECOND) for event in line.of(BooksConfirmed)] == [21, 41, 61, 81, 101]


def test_unsubscribed_symbol_falls_silent():
    line = Line()
    line.send(Unsubscribe(instrument=HOME_YES))
    line.until(1100)
    line.rest(BID, 40, 5)
    line.until(1200)
    assert line.kinds() == []


@pytest.mark.parametrize(
    "command", [Latch(reason="kill"), Alert(severity=Severity.WARN, text="!"), Refuse(text="no")]
)
def test_what_is_not_meant_for_a_venue_does_not_go_there(command):
    line = Line()
    line.send(command)
    line.until(2000)
    assert line.kinds() == []
    assert line.wire.travelling() == []


def test_calm_dials_count_no_misfortune():
    line = Line()
    line.send(buy())
    line.until(60_000)
    assert line.wire.counts == {}


# ---- requests


def test_lost_request_is_unknown_after_the_time_out_and_nothing_rests():
    line = Line(Dials(request_lost=1.0))
    line.send(buy())
    line.until(2999)
    assert line.kinds() == []
    line.until(3000)
    assert line.of(OutcomeUnknown)[0].order_id == "us-1"
    assert line.resting() == []
    assert line.wire.counts == {"request_lost": 1}


def test_lost_reply_is_unknown_after_the_time_out_and_the_order_is_live():
    line = Line(Dials(reply_lost=1.0))
    line.send(buy())
    line.until(3000)
    assert line.kinds() == [BookDelta, OutcomeUnknown]
    assert line.resting() == ["us-1"]
    assert line.wire.counts == {"reply_lost": 1}


def test_order_behind_a_lost_reply_fills_and_is_found_by_lookup():
    line = Line(Dials(reply_lost=0.4))
    line.dice.middle = 0.3
    line.send(buy())
    line.dice.middle = 0.5
    line.until(3000)
    line.take(ASK, 4)
    line.send(look_up("us-1"))
    line.until(3100)
    told = [event for event in line.seen if isinstance(event, OutcomeUnknown | OrderFilled | OrderAccepted)]
    assert [type(event) for event in told] == [OutcomeUnknown, OrderFilled, OrderFilled, OrderAccepted]
    assert told[1].trade_id == told[2].trade_id


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (buy(), OrderRejected),
        (amend("us-1", 41, 10), AmendRejected),
        (cancel("us-1"), OrderCancelRejected),
    ],
)
@pytest.mark.parametrize(
    ("dials", "reason", "name"),
    [
        (Dials(rejected=1.0), RejectReason.OTHER, "rejected"),
        (Dials(rate_limited=1.0), RejectReason.RATE_LIMITED, "rate_limited"),
    ],
)
def test_refused_request_is_answered_for_certain(command, kind, dials, reason, name):
    line = Line(dials)
    line.send(command)
    line.until(2000)
    assert [(type(event), event.reason) for event in line.of(kind)] == [(kind, reason)]
    assert line.resting() == []
    assert line.wire.counts == {name: 1}


def test_lookup_that_is_not_answered_leaves_the_outcome_unknown():
    line = Line(Dials(rate_limited=1.0))
    line.send(look_up("us-1"))
    line.until(2000)
    assert line.kinds() == [OutcomeUnknown]


def test_read_that_is_lost_gets_no_answer():
    line = Line(Dials(reply_lost=1.0))
    line.send(RECONCILE)
    line.send(Resync(instrument=HOME_YES))
    line.until(10_000)
    assert line.kinds() == []


def test_lost_cancel_all_still_cancels():
    line = Line(Dials(reply_lost=0.4))
    line.send(buy())
    line.until(1100)
    line.dice.middle = 0.3
    line.send(CancelAll(venue=Venue.KALSHI))
    line.until(5000)
    assert line.of(OrderCanceled) == []
    assert line.resting() == []


# ---- answers and fills


def test_duplicated_fill_is_the_same_trade_twice():
    line = Line(Dials(duplicated=1.0))
    line.send(buy())
    line.until(2000)
    line.take(ASK, 4)
    line.until(3000)
    first, second = line.of(OrderFilled)
    assert second.ts > first.ts
    assert msgspec.structs.replace(second, ts=first.ts, wall=first.wall) == first
    assert len(line.of(OrderAccepted)) == 2
    assert line.wire.counts == {"duplicated": 2}


def test_account_of_us_is_never_duplicated_or_delayed():
    line = Line(Dials(duplicated=1.0, reordered=1.0))
    line.send(RECONCILE)
    line.until(5000)
    assert [event.ts for event in line.of(MassStatus)] == [(1000 + SENT_MS + ANSWERED_MS) * MILLISECOND]


def test_reordered_answer_is_overtaken_by_a_later_one():
    line = Line(Dials(reordered=0.6, reordered_ms=400))
    line.send(buy("us-1"))
    line.until(1017)
    line.dice.middle = 0.7
    line.send(buy("us-2"))
    line.until(2000)
    assert [event.order_id for event in line.of(OrderAccepted)] == ["us-2", "us-1"]
    assert line.wire.counts == {"reordered": 1}


def test_late_fill_arrives_after_the_cancel_was_proven():
    line = Line(Dials(late_fill=1.0, late_fill_ms=6000))
    line.send(buy())
    line.until(1100)
    line.take(ASK, 4)
    line.send(cancel("us-1"))
    line.until(1200)
    assert [type(event) for event in line.seen if not isinstance(event, BookDelta | Trade)] == [
        OrderAccepted,
        OrderCanceled,
    ]
    line.until(6000)
    assert [event.ts for event in line.of(OrderFilled)] == [(1100 + ANSWERED_MS + 3000) * MILLISECOND + 1]
    assert line.wire.counts == {"late_fill": 1}


def test_slow_cancel_is_done_long_before_it_is_acknowledged():
    line = Line(Dials(slow_cancel=1.0, slow_cancel_ms=4000))
    line.send(buy())
    line.until(1100)
    line.send(cancel("us-1"))
    line.until(1200)
    assert line.resting() == []
    assert line.of(OrderCanceled) == []
    line.until(4000)
    assert len(line.of(OrderCanceled)) == 1
    assert line.wire.counts == {"slow_cancel": 1}


# ---- market data


def test_gap_voids_the_symbol_until_it_is_read_afresh():
    line = Line(Dials(gap=0.4))
    line.dice.middle = 0.3
    line.rest(BID, 40, 5)
    line.dice.middle = 0.5
    line.rest(BID, 41, 5)
    line.until(2000)
    assert line.kinds() == [BookStale]
    line.send(Resync(instrument=HOME_YES))
    line.until(2100)
    line.rest(BID, 42, 5)
    line.until(2200)
    assert line.kinds() == [BookStale, BookSnapshot, BookDelta]
    assert dict(line.of(BookSnapshot)[0].bids) == {400_000: 5 * ONE, 410_000: 5 * ONE}
    assert line.wire.counts == {"gap": 1}


def test_book_read_afresh_stands_in_line_with_the_stream():
    """Changes before the reading are in it and arrive before it, changes after it arrive after it."""
    line = Line(Dials(market_data_ms=300))
    line.send(Resync(instrument=HOME_YES))
    line.rest(BID, 40, 5)
    line.until(1050)
    line.rest(BID, 41, 5)
    line.until(3000)
    assert line.kinds() == [BookDelta, BookSnapshot, BookDelta]
    assert dict(line.of(BookSnapshot)[0].bids) == {400_000: 5 * ONE}


def test_frozen_stream_is_silent_while_requests_are_answered():
    line = Line()
    line.send(buy())
    line.until(1100)
    line.seen.clear()
    line.wire.freeze(line.clock.now, 5000 * MILLISECOND)
    line.take(ASK, 4)
    line.rest(BID, 39, 5)
    line.send(RECONCILE)
    line.until(6099)
    assert [type(event) for event in line.seen] == [MassStatus]
    assert [fill.size for fill in line.seen[0].fills] == [4 * ONE]
    line.rest(BID, 38, 5)
    line.until(6200)
    assert line.kinds() == [MassStatus, BookStale, InstrumentDefined, MarketStatus]
    line.rest(BID, 37, 5)
    line.send(Resync(instrument=HOME_YES))
    line.until(6300)
    assert dict(line.of(BookSnapshot)[0].bids).keys() == {400_000, 390_000, 380_000, 370_000}
    assert line.wire.counts == {"freeze": 1, "fill_unseen": 1}


def test_book_can_be_read_during_a_freeze_but_is_void_after_it():
    line = Line()
    line.wire.freeze(line.clock.now, 5000 * MILLISECOND)
    line.send(Resync(instrument=HOME_YES))
    line.until(2000)
    assert line.kinds() == [BookSnapshot]
    line.rest(BID, 40, 5)
    line.until(7000)
    assert line.kinds() == [BookSnapshot, BookStale, InstrumentDefined, MarketStatus]


def test_settlement_during_a_freeze_is_told_at_its_end():
    line = Line()
    line.wire.freeze(line.clock.now, 5000 * MILLISECOND)
    line.exchange.resolve(HOME, ONE)
    line.until(7000)
    assert line.of(MarketStatus)[-1].state is MarketState.RESOLVED
    assert line.of(Settled)[-1].payout == ONE


def test_symbol_subscribed_during_a_freeze_is_defined_at_its_end():
    line = Line(subscribed=False)
    line.wire.freeze(line.clock.now, 5000 * MILLISECOND)
    line.send(SUBSCRIBE)
    line.until(5999)
    assert line.kinds() == []
    line.until(7000)
    assert line.kinds() == [BookStale, InstrumentDefined, MarketStatus]


# ---- the connection


def test_cut_line_goes_down_and_comes_back_with_snapshots():
    line = Line()
    line.wire.cut(line.clock.now, 5000 * MILLISECOND)
    line.rest(BID, 40, 5)
    line.until(5999)
    assert line.kinds() == [VenueDown]
    assert line.seen[0].ts == 1000 * MILLISECOND
    line.until(6100)
    assert line.kinds() == [VenueDown, VenueUp, InstrumentDefined, MarketStatus, BookSnapshot]
    assert line.of(BookSnapshot)[0].bids == ((400_000, 5 * ONE),)
    assert line.wire.counts == {"disconnect": 1}


def test_requests_under_way_at_the_cut_are_unknown_but_may_arrive():
    line = Line()
    line.send(buy("us-1"))
    line.until(1020)
    line.send(buy("us-2"))
    line.wire.cut(line.clock.now, 5000 * MILLISECOND)
    line.until(1020)
    assert [event.order_id for event in line.of(OutcomeUnknown)] == ["us-1", "us-2"]
    line.until(5000)
    assert line.of(OrderAccepted) == []
    assert line.resting() == ["us-1", "us-2"]


def test_time_out_running_at_the_cut_ends_there():
    line = Line(Dials(reply_lost=1.0))
    line.send(buy())
    line.until(1100)
    line.wire.cut(line.clock.now, 5000 * MILLISECOND)
    line.until(4000)
    assert [event.ts for event in line.of(OutcomeUnknown)] == [1100 * MILLISECOND]


def test_resting_order_fills_while_the_line_is_cut_and_the_fill_is_found_afterwards():
    line = Line()
    line.send(buy())
    line.until(1100)
    line.wire.cut(line.clock.now, 5000 * MILLISECOND)
    line.take(ASK, 4)
    line.until(6200)
    assert line.of(OrderFilled) == []
    line.send(RECONCILE)
    line.send(look_up("us-1"))
    line.until(6300)
    [status], [found] = line.of(MassStatus), line.of(OrderFilled)
    assert [fill.trade_id for fill in status.fills] == [found.trade_id]
    assert status.positions == ((HOME_YES, 4 * ONE),)
    assert line.wire.counts == {"disconnect": 1, "fill_unseen": 1}


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (buy(), OrderRejected),
        (amend("us-1", 41, 10), AmendRejected),
        (cancel("us-1"), OrderCancelRejected),
        (look_up("us-1"), OutcomeUnknown),
    ],
)
def test_request_without_a_line_is_answered_at_once(command, kind):
    line = Line()
    line.wire.cut(line.clock.now, 5000 * MILLISECOND)
    line.send(command)
    line.until(1001)
    [answer] = line.of(kind)
    assert getattr(answer, "reason", RejectReason.NOT_CONNECTED) is RejectReason.NOT_CONNECTED
    line.until(10_000)
    assert line.resting() == []


def test_subscription_made_without_a_line_begins_with_it():
    line = Line(subscribed=False)
    line.wire.cut(line.clock.now, 5000 * MILLISECOND)
    line.send(SUBSCRIBE)
    line.until(6100)
    assert line.kinds() == [VenueDown, VenueUp, InstrumentDefined, MarketStatus, BookSnapshot]


def test_cut_during_a_freeze_ends_the_freeze():
    line = Line()
    line.wire.freeze(line.clock.now, 60_000 * MILLISECOND)
    line.wire.cut(line.clock.now, 1000 * MILLISECOND)
    line.until(2100)
    line.rest(BID, 40, 5)
    line.until(2200)
    assert line.kinds()[-1] is BookDelta


def test_cut_and_freeze_come_by_chance_too():
    line = Line(Dials(disconnects_per_hour=60.0, disconnect_ms_mean=1000))
    line.dice.middle = AVERAGE
    line.until(600_000)
    assert 8 <= line.wire.counts["disconnect"] <= 10
    frozen = Line(Dials(freezes_per_hour=60.0, freeze_ms_mean=1000))
    frozen.dice.middle = AVERAGE
    frozen.until(600_000)
    assert 8 <= frozen.wire.counts["freeze"] <= 10
