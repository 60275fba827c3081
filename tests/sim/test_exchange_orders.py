"""Our requests at a simulated venue: what is taken, what is refused, and our place in the queue."""

import pytest
from sim_bench import ASK, BET, BID, BUY, HOME, NO, SELL, TOKEN, TWO_SIDED, YES, Bench, amend, cancel

from console.core.commands import CancelAll, Reconcile, Resync
from console.core.events import (
    AmendRejected,
    BookSnapshot,
    CashAdjusted,
    MassStatus,
    OpenOrder,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    RejectReason,
)
from console.core.instruments import Instrument, InstrumentSpec, MarketState, Venue
from console.core.units import ONE

HOME_YES = Instrument(Venue.KALSHI, HOME)


def reasons(bench, *, name="us-1", action=BUY, leg=YES, cents=40, contracts=10):
    answer = bench.place(name, action, leg, cents, contracts)
    return answer.reason if isinstance(answer, OrderRejected) else None


# ---- placing


def test_order_is_taken_and_rests_in_the_public_book():
    bench = Bench(streamed=True)
    answer = bench.buy("us-1", 40, 10)
    assert answer == OrderAccepted(order_id="us-1", venue_order_id="kalshi-1")
    assert bench.levels() == ({40: 10}, {})
    assert [event.change for event in bench.exchange.public] == [10 * ONE]


@pytest.mark.parametrize(
    ("action", "leg", "cents", "bids", "asks"),
    [
        (BUY, YES, 45, {45: 10}, {}),
        (SELL, YES, 55, {}, {55: 10}),
        (BUY, NO, 45, {}, {55: 10}),
        (SELL, NO, 55, {45: 10}, {}),
    ],
)
def test_every_kind_of_order_rests_on_its_side_of_the_yes_book(action, leg, cents, bids, asks):
    bench = Bench()
    bench.place("us-1", action, leg, cents, 10)
    assert bench.levels() == (bids, asks)


@pytest.mark.parametrize(
    ("action", "leg", "cents", "crosses"),
    [
        (BUY, YES, 59, False),
        (BUY, YES, 60, True),
        (SELL, YES, 41, False),
        (SELL, YES, 40, True),
        (BUY, NO, 59, False),
        (BUY, NO, 60, True),
        (SELL, NO, 41, False),
        (SELL, NO, 40, True),
    ],
)
def test_order_that_would_take_liquidity_is_refused(action, leg, cents, crosses):
    bench = Bench()
    bench.rest("other", BID, 40, 5)
    bench.rest("other", ASK, 60, 5)
    reason = reasons(bench, action=action, leg=leg, cents=cents)
    assert reason is (RejectReason.POST_ONLY_CROSS if crosses else None)


def test_our_orders_never_trade_with_each_other():
    bench = Bench()
    bench.buy("us-1", 50, 10)
    assert reasons(bench, name="us-2", action=BUY, leg=NO, cents=50) is RejectReason.POST_ONLY_CROSS
    assert reasons(bench, name="us-3", action=BUY, leg=NO, cents=49) is None
    assert bench.account.fills == []


@pytest.mark.parametrize(
    ("spec", "order", "reason"),
    [
        (TWO_SIDED, {"cents": 40.5}, RejectReason.PRICE),
        (TWO_SIDED, {"cents": 100}, RejectReason.PRICE),
        (TWO_SIDED, {"cents": 0}, RejectReason.PRICE),
        (TWO_SIDED, {"contracts": 0.5}, RejectReason.SIZE),
        (TWO_SIDED, {"contracts": 1.5}, RejectReason.SIZE),
        (TWO_SIDED, {"contracts": 0}, RejectReason.SIZE),
        (InstrumentSpec(size_min=5 * ONE, size_step=10_000), {"contracts": 5.01}, None),
        (InstrumentSpec(size_min=5 * ONE, size_step=10_000), {"contracts": 4.99}, RejectReason.SIZE),
        (TOKEN, {"leg": NO}, RejectReason.OTHER),
        (BET, {"action": SELL}, RejectReason.OTHER),
        (TOKEN, {"action": SELL}, RejectReason.BALANCE),
        (TWO_SIDED, {"cents": 50, "contracts": 201}, RejectReason.BALANCE),
        (TWO_SIDED, {"cents": 50, "contracts": 200}, None),
    ],
)
def test_order_is_refused_for_the_right_reason(spec, order, reason):
    assert reasons(Bench(spec), **order) is reason


@pytest.mark.parametrize("state", [MarketState.PAUSED, MarketState.CLOSED])
def test_market_that_is_not_open_takes_no_order(state):
    bench = Bench()
    bench.exchange.set_state(HOME, state)
    assert reasons(bench) is RejectReason.MARKET


def test_client_order_id_is_taken_once_and_for_ever():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    assert reasons(bench, name="us-1") is RejectReason.DUPLICATE
    bench.cancel("us-1")
    assert reasons(bench, name="us-1") is RejectReason.DUPLICATE


def test_refused_order_leaves_its_id_free():
    bench = Bench()
    assert reasons(bench, cents=40.5) is RejectReason.PRICE
    assert reasons(bench, cents=40) is None


# ---- queue and fills


def test_our_order_waits_behind_those_before_it():
    bench = Bench()
    bench.rest("before", BID, 40, 10)
    bench.buy("us-1", 40, 10)
    bench.rest("after", BID, 40, 10)
    bench.take(ASK, 13)
    assert bench.position == 3
    bench.take(ASK, 7)
    assert bench.position == 10
    bench.take(ASK, 5)
    assert bench.position == 10


def test_fill_says_everything_about_itself():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    bench.take(ASK, 6)
    first, second = bench.exchange.private
    assert first == OrderFilled(
        wall=1_000_000_000,
        venue_order_id="kalshi-1",
        trade_id="kalshi-t1",
        instrument=HOME_YES,
        action=BUY,
        price=400_000,
        size=4_000_000,
        cost=1_600_000,
        fee=0,
        maker=True,
        order_id="us-1",
    )
    assert (second.trade_id, second.size) == ("kalshi-t2", 6_000_000)
    assert bench.account.open == {}


def test_fill_of_a_no_order_is_in_prices_of_no():
    bench = Bench()
    bench.buy("us-1", 30, 10, leg=NO)
    bench.take(BID, 10)
    [fill] = bench.exchange.private
    assert (fill.instrument.side, fill.action, fill.price, fill.cost) == (NO, BUY, 300_000, 3_000_000)
    assert bench.position == -10


# ---- amending


def test_amend_to_less_keeps_our_turn():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.rest("after", BID, 40, 10)
    assert bench.amend("us-1", 40, 6) == OrderAmended(order_id="us-1", price=400_000, size=6_000_000)
    bench.take(ASK, 6)
    assert bench.position == 6


@pytest.mark.parametrize(("cents", "contracts"), [(40, 12), (41, 10), (41, 5)])
def test_amend_to_more_or_elsewhere_goes_to_the_end(cents, contracts):
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.rest("after", BID, 40, 10)
    bench.rest("after", BID, 41, 10)
    bench.amend("us-1", cents, contracts)
    bench.take(ASK, 10)
    assert bench.position == 0
    bench.take(ASK, 30)
    assert bench.position == contracts


def test_amend_to_the_same_changes_nothing():
    bench = Bench(streamed=True)
    bench.buy("us-1", 40, 10)
    bench.exchange.public.clear()
    assert isinstance(bench.amend("us-1", 40, 10), OrderAmended)
    assert bench.exchange.public == []


def test_amended_size_is_a_total_that_includes_what_filled():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    bench.amend("us-1", 41, 10)
    assert bench.levels() == ({41: 6}, {})


def test_amend_below_what_filled_ends_the_order():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    assert bench.amend("us-1", 40, 3) == OrderAmended(order_id="us-1", price=400_000, size=4_000_000)
    assert bench.levels() == ({}, {})
    assert bench.cancel("us-1").reason is RejectReason.NOT_FOUND


@pytest.mark.parametrize(
    ("cents", "contracts", "reason"),
    [
        (60, 10, RejectReason.POST_ONLY_CROSS),
        (40.5, 10, RejectReason.PRICE),
        (40, 10.5, RejectReason.SIZE),
        (50, 300, RejectReason.BALANCE),
    ],
)
def test_refused_amend_leaves_the_order_as_it_was(cents, contracts, reason):
    bench = Bench()
    bench.rest("other", ASK, 60, 5)
    bench.buy("us-1", 40, 10)
    answer = bench.amend("us-1", cents, contracts)
    assert isinstance(answer, AmendRejected)
    assert answer.reason is reason
    assert bench.levels()[0] == {40: 10}


def test_amend_is_paid_from_the_cash_the_old_version_held():
    bench = Bench(cash=10)
    bench.buy("us-1", 50, 20)
    assert isinstance(bench.amend("us-1", 40, 25), OrderAmended)
    assert bench.account.locked == 10 * ONE


def test_amend_of_what_is_gone_or_cannot_be_amended():
    bench = Bench()
    assert bench.amend("us-1", 40, 10).reason is RejectReason.NOT_FOUND
    fixed = Bench(TOKEN)
    fixed.buy("us-1", 40, 10)
    assert fixed.amend("us-1", 41, 10).reason is RejectReason.OTHER


# ---- cancelling


def test_cancel_takes_the_rest_out():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    assert bench.cancel("us-1") == OrderCanceled(order_id="us-1")
    assert bench.levels() == ({}, {})
    assert bench.position == 4


def test_cancel_of_what_is_gone_is_refused_as_not_found():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 10)
    not_found = RejectReason.NOT_FOUND
    assert bench.cancel("us-1") == OrderCancelRejected(order_id="us-1", reason=not_found)
    assert bench.cancel("never") == OrderCancelRejected(order_id="never", reason=not_found)


def test_order_is_found_by_the_venues_id_too():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    assert bench.ask_for(amend("", 41, 10, "kalshi-1")) == [
        OrderAmended(order_id="us-1", price=410_000, size=10 * ONE)
    ]
    assert bench.ask_for(cancel("", "kalshi-1")) == [OrderCanceled(order_id="us-1")]


def test_cancel_all_takes_everything_of_ours_and_nothing_else():
    bench = Bench()
    bench.rest("other", BID, 40, 5)
    bench.buy("us-1", 40, 10)
    bench.buy("us-2", 30, 10, leg=NO)
    assert bench.ask_for(CancelAll(venue=Venue.KALSHI)) == [
        OrderCanceled(order_id="us-1"),
        OrderCanceled(order_id="us-2"),
    ]
    assert bench.levels() == ({40: 5}, {})
    assert bench.ask_for(CancelAll(venue=Venue.KALSHI)) == []


def test_wiped_orders_are_reported_unasked():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.exchange.set_state(HOME, MarketState.PAUSED, wipe=True)
    assert bench.exchange.private == [OrderCanceled(order_id="us-1")]
    assert bench.account.locked == 0


def test_paused_market_lets_us_cancel_but_not_amend():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.exchange.set_state(HOME, MarketState.PAUSED)
    assert bench.amend("us-1", 39, 10).reason is RejectReason.MARKET
    assert bench.cancel("us-1") == OrderCanceled(order_id="us-1")


# ---- asking


def test_lookup_of_an_open_order_tells_fills_then_that_it_stands():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    fill, standing = bench.look_up("us-1")
    assert (fill.trade_id, fill.size) == ("kalshi-t1", 4_000_000)
    assert standing == OrderAccepted(
        order_id="us-1", venue_order_id="kalshi-1", price=400_000, size=10_000_000
    )


def test_lookup_of_an_amended_order_tells_what_it_is_now():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.amend("us-1", 41, 8)
    assert bench.look_up("us-1") == [
        OrderAccepted(order_id="us-1", venue_order_id="kalshi-1", price=410_000, size=8_000_000)
    ]


@pytest.mark.parametrize("filled", [0, 4, 10])
def test_lookup_of_an_ended_order_tells_fills_then_that_nothing_rests(filled):
    bench = Bench()
    bench.buy("us-1", 40, 10)
    if filled:
        bench.take(ASK, filled)
    bench.cancel("us-1")
    *fills, last = bench.look_up("us-1")
    assert sum(fill.size for fill in fills) == filled * ONE
    assert last == OrderCanceled(order_id="us-1")


def test_lookup_of_an_order_never_taken():
    assert Bench().look_up("us-1") == [OrderRejected(order_id="us-1", reason=RejectReason.NOT_FOUND)]


def test_mass_status_is_the_whole_account():
    bench = Bench(TWO_SIDED)
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    bench.buy("us-2", 30, 5, leg=NO)
    [status] = bench.ask_for(Reconcile(venue=Venue.KALSHI))
    assert isinstance(status, MassStatus)
    assert status.orders == (
        OpenOrder("us-1", "kalshi-1", HOME_YES, BUY, 400_000, 10_000_000, 4_000_000),
        OpenOrder("us-2", "kalshi-2", HOME_YES.no, BUY, 300_000, 5_000_000, 0),
    )
    assert status.positions == ((HOME_YES, 4_000_000),)
    assert status.cash == 95_700_000  # 100 - 1.60 paid - 2.40 for the rest - 0.30 for one NO not covered
    assert [fill.trade_id for fill in status.fills] == ["kalshi-t1"]


def test_mass_status_forgets_fills_of_long_ago():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    bench.clock.now += 600 * 1_000_000_000
    bench.take(ASK, 1)
    [status] = bench.ask_for(Reconcile(venue=Venue.KALSHI))
    assert [fill.trade_id for fill in status.fills] == ["kalshi-t1", "kalshi-t2"]
    bench.clock.now += 1
    [status] = bench.ask_for(Reconcile(venue=Venue.KALSHI))
    assert [fill.trade_id for fill in status.fills] == ["kalshi-t2"]


def test_resync_answers_with_the_book():
    bench = Bench()
    bench.rest("other", BID, 40, 5)
    assert bench.ask_for(Resync(instrument=HOME_YES)) == [
        BookSnapshot(instrument=HOME_YES, bids=((400_000, 5_000_000),), asks=())
    ]


def test_payment_is_reported():
    bench = Bench()
    bench.exchange.pay_in(-5 * ONE, "withdrawal")
    assert bench.exchange.private == [CashAdjusted(venue=Venue.KALSHI, amount=-5_000_000, why="withdrawal")]
    assert bench.cash == 95 * ONE
    assert bench.exchange.defect() is None
