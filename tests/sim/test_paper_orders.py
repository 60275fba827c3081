"""What the paper exchange does with our requests, and our money."""

import pytest
from paper_bench import ASK, BID, BUY, KALSHI, NO, SELL, YES, PaperBench, of_kind

from console.core.commands import CancelAll, CancelOrder, Lookup, Resync, Subscribe, Unsubscribe
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
    Trade,
)
from console.core.fees import KALSHI_MAKER, FeeModel
from console.core.instruments import Instrument, InstrumentSpec, MarketState, Venue
from console.core.ladders import Band
from console.core.units import CENT, ONE, Nanos, Size
from console.sim.wallet import ENDED_REMEMBERED


def market(spec=KALSHI, cash=1000 * ONE):
    bench = PaperBench(spec, cash)
    bench.book({50: 100}, {55: 100})
    bench.subscribe()
    return bench


# ---- what can rest


@pytest.mark.parametrize(
    ("instrument", "action", "cents", "contracts", "reason"),
    [
        (YES, BUY, 55, 1, RejectReason.POST_ONLY_CROSS),
        (YES, BUY, 60, 1, RejectReason.POST_ONLY_CROSS),
        (NO, BUY, 50, 1, RejectReason.POST_ONLY_CROSS),
        (YES, SELL, 50, 1, RejectReason.POST_ONLY_CROSS),
        (YES, BUY, 50.5, 1, RejectReason.PRICE),
        (YES, BUY, 50, 0.001, RejectReason.SIZE),
        (YES, BUY, 50, 1.001, RejectReason.SIZE),
        (YES, BUY, 50, 2001, RejectReason.BALANCE),
        (Instrument(Venue.KALSHI, "OTHER"), BUY, 50, 1, RejectReason.MARKET),
    ],
)
def test_order_that_cannot_rest_is_refused(instrument, action, cents, contracts, reason):
    answer = market().place(instrument, action, cents, contracts)
    assert isinstance(answer, OrderRejected)
    assert answer.reason is reason


def test_order_may_cross_nothing_of_our_own_either():
    bench = market()
    bench.buy(53, 1)
    assert bench.sell_by_no(53, 1).reason is RejectReason.POST_ONLY_CROSS
    assert isinstance(bench.sell_by_no(54, 1), OrderAccepted)


def test_offer_that_is_gone_is_crossed_no_more():
    bench = market()
    bench.delta(ASK, 55, -100)
    assert isinstance(bench.buy(60, 1), OrderAccepted)


def test_client_order_id_is_good_for_one_order():
    bench = market()
    bench.place(YES, BUY, 50, 1, "run-a")
    assert bench.place(YES, BUY, 49, 1, "run-a").reason is RejectReason.DUPLICATE
    bench.cancel("run-a")
    assert bench.place(YES, BUY, 49, 1, "run-a").reason is RejectReason.DUPLICATE


@pytest.mark.parametrize("state", [MarketState.PAUSED, MarketState.CLOSED, MarketState.RESOLVED])
def test_nothing_is_placed_on_a_market_that_is_not_open(state):
    bench = market()
    bench.public(MarketStatus(ts=bench.now, instrument=YES, state=state))
    assert bench.buy(50, 1).reason is RejectReason.MARKET


def test_order_on_a_finer_grid_rests_once_the_venue_has_stated_it():
    bench = market()
    finer = InstrumentSpec(bands=(Band(0, ONE, CENT // 2),), two_sided=True)
    bench.public(InstrumentDefined(ts=bench.now, instrument=YES, spec=finer))
    assert isinstance(bench.buy(50.5, 1), OrderAccepted)


# ---- amend and cancel


def test_smaller_order_keeps_its_place():
    bench = market()
    bench.place(YES, BUY, 50, 10, "run-a")
    bench.delta(BID, 50, 100)
    answer = bench.amend("run-a", 50, 4)
    assert isinstance(answer, OrderAmended)
    bench.traded(ASK, 50, 103)
    assert bench.fills() == [(50, 3)]


@pytest.mark.parametrize(("cents", "contracts"), [(50, 11), (49, 10)])
def test_larger_or_moved_order_goes_to_the_end(cents, contracts):
    bench = market()
    bench.place(YES, BUY, 50, 10, "run-a")
    bench.delta(BID, 50, 100)
    bench.delta(BID, 49, 100)
    bench.amend("run-a", cents, contracts)
    bench.traded(ASK, 50, 200)
    if cents == 49:
        bench.traded(ASK, 49, 100)
    assert bench.filled() == 0
    bench.delta(BID, cents, 50)
    bench.traded(ASK, cents, 7)
    assert bench.fills() == [(cents, 7)]


def test_amend_moves_what_is_shown():
    bench = market()
    bench.place(YES, BUY, 50, 10, "run-a")
    bench.amend("run-a", 52, 6)
    assert bench.shown() == ({50: 100, 52: 6}, {55: 100})


def test_amend_across_the_book_is_refused_and_the_order_stands():
    bench = market()
    bench.place(YES, BUY, 50, 10, "run-a")
    answer = bench.amend("run-a", 55, 10)
    assert isinstance(answer, AmendRejected)
    assert answer.reason is RejectReason.POST_ONLY_CROSS
    assert bench.shown() == ({50: 110}, {55: 100})


def test_amend_below_what_has_filled_ends_the_order():
    bench = market()
    bench.place(YES, BUY, 51, 10, "run-a")
    bench.traded(ASK, 50, 4)
    answer = bench.amend("run-a", 51, 2)
    assert (answer.price, answer.size) == (51 * CENT, 4 * ONE)
    assert bench.status().orders == ()
    assert bench.shown() == ({50: 96}, {55: 100})


def test_order_filled_before_the_request_arrives_is_not_found():
    bench = market()
    bench.place(YES, BUY, 51, 10, "run-a")
    bench.traded(ASK, 50, 10)
    (rejected,) = of_kind(bench.cancel("run-a"), OrderCancelRejected)
    assert rejected.reason is RejectReason.NOT_FOUND
    assert bench.amend("run-a", 50, 10).reason is RejectReason.NOT_FOUND


def test_cancel_takes_the_order_out_of_queue_and_stream():
    bench = market()
    bench.place(YES, BUY, 51, 10, "run-a")
    (canceled,) = of_kind(bench.cancel("run-a"), OrderCanceled)
    assert canceled.order_id == "run-a"
    bench.traded(ASK, 50, 50)
    assert bench.filled() == 0
    assert bench.shown() == ({50: 50}, {55: 100})


def test_cancel_all_leaves_nothing():
    bench = market()
    bench.buy(50, 1)
    bench.sell_by_no(55, 1)
    assert len(of_kind(bench.ask(CancelAll(venue=Venue.KALSHI)), OrderCanceled)) == 2
    assert bench.exchange.orders() == ()


# ---- time


def test_order_takes_effect_only_after_its_way_to_the_venue():
    bench = market()
    bench.submit(bench.order(YES, BUY, 51, 10))
    bench.wait(19)
    bench.traded(ASK, 50, 5)
    bench.wait(1)
    bench.traded(ASK, 50, 3)
    assert bench.fills() == [(51, 3)]


def test_cancel_on_its_way_does_not_save_the_order():
    bench = market()
    bench.place(YES, BUY, 51, 10, "run-a")
    bench.submit(CancelOrder(order_id="run-a", venue_order_id="", instrument=YES))
    bench.wait(19)
    bench.traded(ASK, 50, 5)
    assert bench.fills() == [(51, 5)]


# ---- what the venue tells


def test_subscriber_gets_facts_state_and_book_and_then_the_stream():
    bench = PaperBench()
    bench.book({50: 100}, {55: 100})
    assert bench.delta(BID, 49, 5) == []
    told = bench.subscribe()
    assert [type(event) for event in told] == [InstrumentDefined, MarketStatus, BookSnapshot]
    assert told[2].bids == ((50 * CENT, 100 * ONE), (49 * CENT, 5 * ONE))
    assert len(bench.delta(BID, 49, 5)) == 1
    bench.ask(Unsubscribe(instrument=YES))
    assert bench.delta(BID, 49, 5) == []


def test_symbol_that_is_told_of_later_is_streamed_from_then_on():
    """A venue takes its time to list what was asked for."""
    bench = PaperBench()
    other = Instrument(Venue.KALSHI, "OTHER")
    assert bench.ask(Subscribe(instrument=other)) == []
    told: list[AnyEvent] = []
    defined = InstrumentDefined(ts=Nanos(bench.now), instrument=other, spec=KALSHI)
    bench.exchange.take(defined, told)
    bench.exchange.take(BookSnapshot(ts=Nanos(bench.now), instrument=other, bids=(), asks=()), told)
    assert [type(event) for event in told] == [InstrumentDefined, BookSnapshot]


def test_book_is_read_afresh_with_our_orders_in_it():
    bench = market()
    bench.buy(50, 10)
    (snapshot,) = bench.ask(Resync(instrument=YES))
    assert snapshot.bids == ((50 * CENT, 110 * ONE),)


def test_book_that_the_record_lost_cannot_be_read_afresh():
    bench = market()
    (stale,) = bench.public(BookStale(ts=bench.now, instrument=YES, why="gap"))
    assert stale.why == "gap"
    assert bench.ask(Resync(instrument=YES)) == []
    bench.book({40: 1}, {60: 1})
    assert len(bench.ask(Resync(instrument=YES))) == 1


def test_trades_fill_us_while_the_book_is_lost():
    bench = market()
    bench.buy(51, 10)
    bench.public(BookStale(ts=bench.now, instrument=YES, why="gap"))
    bench.trade(ASK, 50, 4)
    assert bench.fills() == [(51, 4)]


def test_level_below_zero_makes_the_book_worthless():
    bench = market()
    seen = bench.delta(BID, 50, -101)
    assert [type(event) for event in seen] == [BookDelta, BookStale]
    assert bench.exchange.markets[YES].negatives == 1
    assert bench.ask(Resync(instrument=YES)) == []


def test_lookup_tells_fills_first_and_then_how_the_order_stands():
    bench = market()
    bench.place(YES, BUY, 51, 10, "run-a")
    bench.traded(ASK, 50, 4)
    bench.wait(100)
    fill, standing = bench.ask(Lookup(order_id="run-a", venue_order_id="", instrument=YES))
    assert (fill.size, standing.price, standing.size) == (4 * ONE, 51 * CENT, 10 * ONE)
    bench.traded(ASK, 50, 6)
    bench.wait(100)
    told = bench.ask(Lookup(order_id="run-a", venue_order_id="", instrument=YES))
    assert [type(event) for event in told] == [OrderFilled, OrderFilled, OrderCanceled]
    (unknown,) = bench.ask(Lookup(order_id="run-b", venue_order_id="", instrument=YES))
    assert unknown.reason is RejectReason.NOT_FOUND


def test_account_lists_orders_fills_positions_and_free_cash():
    bench = market(cash=100 * ONE)
    bench.place(YES, BUY, 51, 10, "run-a")
    bench.traded(ASK, 50, 4)
    status = bench.status()
    (order,) = status.orders
    assert (order.order_id, order.size, order.filled) == ("run-a", 10 * ONE, 4 * ONE)
    assert [fill.size for fill in status.fills] == [4 * ONE]
    assert status.positions == ((YES, 4 * ONE),)
    assert status.cash == 100 * ONE - 10 * 51 * CENT  # four paid for, six reserved


def test_fills_are_reported_for_ten_minutes():
    bench = market()
    bench.buy(51, 10)
    bench.traded(ASK, 50, 4)
    bench.wait(599_000)
    assert len(bench.status().fills) == 1
    bench.wait(2_000)
    assert bench.status().fills == ()


def test_orders_that_ended_long_ago_are_forgotten():
    bench = market()
    for number in range(ENDED_REMEMBERED + 1):
        bench.place(YES, BUY, 50, 1, f"old-{number}")
        bench.cancel(f"old-{number}")
    assert not bench.exchange.wallet.knows("old-0")
    assert bench.exchange.wallet.knows("old-1")


# ---- money


def test_yes_and_no_held_together_are_a_dollar_at_once():
    bench = market(cash=100 * ONE)
    bench.buy(51, 10)
    bench.traded(ASK, 50, 10)  # 10 YES at 51
    bench.sell_by_no(54, 10)
    bench.traded(BID, 55, 10)  # 10 NO at 46
    status = bench.status()
    assert status.positions == ()
    assert status.cash == 100 * ONE + 10 * 3 * CENT
    assert bench.exchange.defect() is None


def test_order_against_what_is_held_reserves_nothing():
    bench = market(cash=6 * ONE)
    bench.buy(51, 10)
    bench.traded(ASK, 50, 10)
    assert bench.status().cash == 6 * ONE - 510 * CENT
    assert isinstance(bench.sell_by_no(54, 10), OrderAccepted)  # 4.60 dollars are not there, and not needed
    assert isinstance(bench.place(YES, BUY, 45, 10), OrderRejected)


def test_fee_is_the_makers_and_fill_ids_are_unique():
    spec = InstrumentSpec(two_sided=True, fees=FeeModel(maker_rate=KALSHI_MAKER, unit=100))
    bench = market(spec)
    bench.buy(51, 10)
    bench.traded(ASK, 50, 4)
    bench.traded(ASK, 50, 6)
    bench.fills()
    told = of_kind(bench.seen, OrderFilled)
    # 0.0175 * 4 * 0.51 * 0.49 = 0.017493, up to 0.0001 dollars; 0.0175 * 6 * 0.51 * 0.49 = 0.0262395
    assert [fill.fee for fill in told] == [17_500, 26_300]
    assert len({fill.trade_id for fill in told}) == 2
    assert bench.exchange.wallet.money.fees == 43_800


@pytest.mark.parametrize(("payout", "cash"), [(ONE, 104.9), (0, 94.9), (ONE // 2, 99.9)])
def test_settlement_pays_what_is_held(payout, cash):
    bench = market(cash=100 * ONE)
    bench.buy(51, 10)
    bench.traded(ASK, 50, 10)
    bench.public(MarketStatus(ts=bench.now, instrument=YES, state=MarketState.RESOLVED))
    (settled,) = bench.public(Settled(ts=bench.now, instrument=YES, payout=payout))
    assert settled.payout == payout
    status = bench.status()
    assert status.positions == ()
    assert status.cash == round(cash * ONE)
    assert bench.exchange.defect() is None


def test_settlement_of_a_short_position_returns_its_escrow():
    bench = market(cash=100 * ONE)
    bench.sell_by_no(54, 10)
    bench.traded(BID, 55, 10)  # 10 NO at 46
    assert bench.status().positions == ((YES, -10 * ONE),)
    bench.public(Settled(ts=bench.now, instrument=YES, payout=0))
    assert bench.status().cash == 100 * ONE + 10 * 54 * CENT
    assert bench.exchange.defect() is None


def test_refund_gives_the_stake_back():
    bet = InstrumentSpec(sellable=False, size_step=Size(1), size_min=Size(1))
    bench = market(bet, cash=100 * ONE)
    bench.buy(51, 10)
    bench.traded(ASK, 50, 10)
    bench.public(Settled(ts=bench.now, instrument=YES, payout=0, refund=True))
    assert bench.status().cash == 100 * ONE
    assert bench.exchange.defect() is None


def test_close_of_trading_cancels_our_orders():
    bench = market()
    bench.place(YES, BUY, 50, 10, "run-a")
    seen = bench.public(MarketStatus(ts=bench.now, instrument=YES, state=MarketState.CLOSED))
    assert [type(event) for event in seen] == [BookDelta, MarketStatus]
    (canceled,) = bench.wait(5)
    assert canceled.order_id == "run-a"


def test_pause_leaves_our_orders_in_the_book():
    bench = market()
    bench.place(YES, BUY, 51, 10, "run-a")
    bench.public(MarketStatus(ts=bench.now, instrument=YES, state=MarketState.PAUSED))
    assert len(bench.exchange.orders()) == 1
    assert len(of_kind(bench.cancel("run-a"), OrderCanceled)) == 1


def test_events_of_unknown_symbols_are_nobodys_business():
    bench = market()
    other = Instrument(Venue.KALSHI, "OTHER")
    assert bench.public(Trade(ts=bench.now, instrument=other, price=1, size=1, taker=BID)) == []
