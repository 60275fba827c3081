"""Cash at a simulated venue: what is reserved, paid, netted, charged and settled, to the millionth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_bench import (
    ASK,
    BET,
    BID,
    BUY,
    HOME,
    KALSHI_FEES,
    NO,
    SELL,
    TOKEN,
    TWO_SIDED,
    YES,
    Bench,
)

from console.core.events import OrderRejected, RejectReason, Settled
from console.core.fees import KALSHI_MAKER, FeeModel
from console.core.instruments import InstrumentSpec, MarketState
from console.core.units import CENT, ONE

FINE = InstrumentSpec(size_min=10_000, size_step=10_000, two_sided=True, amendable=True)


def refused(answer) -> bool:
    return isinstance(answer, OrderRejected) and answer.reason is RejectReason.BALANCE


# ---- reservation


@pytest.mark.parametrize(
    ("action", "leg", "cents", "locked"),
    [(BUY, YES, 40, 4.0), (SELL, YES, 60, 4.0), (BUY, NO, 30, 3.0), (SELL, NO, 70, 3.0)],
)
def test_resting_order_ties_up_what_it_may_cost(action, leg, cents, locked):
    bench = Bench()
    bench.place("us-1", action, leg, cents, 10)
    assert bench.account.locked == locked * ONE
    assert bench.cash == 100 * ONE


def test_order_beyond_the_free_cash_is_refused():
    bench = Bench(cash=10)
    bench.buy("us-1", 40, 20)
    assert refused(bench.buy("us-2", 40, 6))
    assert not refused(bench.buy("us-3", 40, 5))
    assert bench.account.locked == 10 * ONE


def test_filled_part_of_an_order_is_paid_and_no_longer_reserved():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.take(ASK, 4)
    assert bench.account.locked == 2_400_000
    assert bench.cash == 98_400_000


def test_cancel_frees_the_cash():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.cancel("us-1")
    assert bench.account.locked == 0


def test_sale_of_what_is_held_ties_up_nothing_and_what_goes_beyond_its_complement():
    bench = Bench()
    bench.hold(10)
    bench.sell("us-1", 60, 10)
    assert bench.account.locked == 0
    bench.sell("us-2", 70, 10)
    assert bench.account.locked == 3 * ONE


def test_purchase_that_pairs_off_held_no_contracts_ties_up_nothing():
    bench = Bench()
    bench.hold(10, leg=NO)
    bench.buy("us-1", 45, 10)
    assert bench.account.locked == 0
    bench.buy("us-2", 40, 10)
    assert bench.account.locked == 4 * ONE


def test_token_that_is_not_held_cannot_be_sold():
    bench = Bench(TOKEN)
    bench.hold(10)
    assert refused(bench.sell("us-1", 60, 11))
    assert not refused(bench.sell("us-2", 60, 6))
    assert refused(bench.sell("us-3", 70, 5))
    assert not refused(bench.sell("us-4", 70, 4))


# ---- paying


@pytest.mark.parametrize(
    ("action", "cents", "contracts", "cost"),
    [
        (BUY, 45, 10, 4_500_000),
        (BUY, 33, 0.01, 3_300),
        (SELL, 45, 10, 4_500_000),
        (SELL, 67, 0.01, 6_700),
    ],
)
def test_cost_is_price_times_size(action, cents, contracts, cost):
    bench = Bench(FINE)
    bench.place("us-1", action, YES, cents, contracts)
    bench.take(ASK if action is BUY else BID, contracts)
    [fill] = bench.exchange.private
    assert fill.cost == cost


@pytest.mark.parametrize(("action", "cost"), [(BUY, 523_810 * 12_345 // 1_000_000 + 1), (SELL, 6_466)])
def test_cost_is_rounded_against_us(action, cost):
    """523,810 * 12,345 / 1,000,000 = 6,466.43."""
    odds = InstrumentSpec(prices=(476_190, 523_810), size_min=1, size_step=1, two_sided=True)
    bench = Bench(odds)
    bench.place("us-1", action, YES, 52.381, 0.012345)
    bench.take(ASK if action is BUY else BID, 0.012345)
    assert bench.exchange.private[0].cost == cost
    assert bench.account.money.imbalance() == 0


@pytest.mark.parametrize(
    ("cents", "contracts", "fee"),
    [
        (45, 10, 43_400),  # 0.0175 * 10 * .45 * .55 = 0.0433125, up to the next $0.0001
        (50, 1, 4_400),  # 0.004375
        (1, 1, 200),  # 0.00017325
        (50, 16, 70_000),  # exact
    ],
)
def test_maker_fee_is_rounded_up_once_a_fill(cents, contracts, fee):
    bench = Bench(InstrumentSpec(fees=KALSHI_FEES, two_sided=True))
    bench.buy("us-1", cents, contracts)
    bench.take(ASK, contracts)
    assert bench.exchange.private[0].fee == fee
    assert bench.account.money.fees == fee
    assert bench.cash == 100 * ONE - cents * CENT * contracts - fee


def test_fee_behind_a_broker_is_rounded_up_once_an_order():
    """0.0175 * 5 * .45 * .55 = 0.02165625 twice: 3 cents, then 5 cents in all."""
    fees = FeeModel(maker_rate=KALSHI_MAKER, unit=10_000, per_order=True)
    bench = Bench(InstrumentSpec(fees=fees, two_sided=True))
    bench.buy("us-1", 45, 10)
    bench.take(ASK, 5)
    bench.take(ASK, 5)
    assert [fill.fee for fill in bench.exchange.private] == [30_000, 20_000]


def test_taker_pays_the_taker_fee_to_the_house():
    """0.07 * 10 * .45 * .55 = 0.17325, up to 0.1733; ours is 0.0434."""
    bench = Bench(InstrumentSpec(fees=KALSHI_FEES, two_sided=True))
    bench.buy("us-1", 45, 10)
    bench.take(ASK, 10)
    assert bench.account.money.house == 173_300 + 43_400
    assert bench.account.money.fees == 43_400
    assert bench.account.money.imbalance() == 0


# ---- netting


@pytest.mark.parametrize(
    ("first", "second", "cash"),
    [
        ((BUY, YES, 40), (SELL, YES, 55), 101_500_000),
        ((BUY, YES, 40), (BUY, NO, 45), 101_500_000),
        ((BUY, NO, 40), (SELL, NO, 55), 101_500_000),
        ((BUY, NO, 40), (BUY, YES, 45), 101_500_000),
        ((SELL, YES, 60), (BUY, YES, 45), 101_500_000),
        ((SELL, NO, 60), (BUY, NO, 45), 101_500_000),
    ],
)
def test_round_trip_pays_out_at_once_whatever_legs_it_takes(first, second, cash):
    """Ten contracts long at 40 and out at 55, in every spelling: $1.50."""
    bench = Bench()
    for name, (action, leg, cents) in (("us-1", first), ("us-2", second)):
        bench.place(name, action, leg, cents, 10)
        bench.take(ASK if bench.levels()[0] else BID, 10)
    assert bench.position == 0
    assert bench.cash == cash


def test_naked_sale_of_yes_is_a_purchase_of_no():
    bench = Bench()
    bench.sell("us-1", 60, 10)
    bench.take(BID, 10)
    assert bench.position == -10
    assert bench.cash == 96 * ONE
    assert bench.exchange.private[0].cost == 6 * ONE


def test_reducing_fill_beyond_the_position_turns_it():
    bench = Bench()
    bench.hold(4, cents=50)
    bench.buy("us-1", 40, 10, leg=NO)
    bench.take(BID, 10)
    assert bench.position == -6
    assert bench.cash == (100 - 2 - 4 + 4) * ONE


# ---- settlement


@pytest.mark.parametrize(
    ("leg", "payout", "cash"),
    [
        (YES, ONE, 105.0),
        (YES, 0, 95.0),
        (NO, 0, 105.0),
        (NO, ONE, 95.0),
        (YES, 330_000, 98.3),
        (NO, 330_000, 101.7),
    ],
)
def test_settlement_pays_what_the_position_is_worth(leg, payout, cash):
    bench = Bench(streamed=True)
    bench.hold(10, leg=leg)
    bench.exchange.resolve(HOME, payout)
    assert bench.cash == round(cash * ONE)
    assert bench.position == 0
    assert bench.exchange.public[-1] == Settled(instrument=bench.market.instrument, payout=payout)
    assert bench.market.state is MarketState.RESOLVED
    assert bench.exchange.defect() is None


def test_settlement_takes_resting_orders_out_first():
    bench = Bench()
    bench.buy("us-1", 40, 10)
    bench.exchange.resolve(HOME, ONE)
    assert bench.account.open == {}
    assert bench.cash == 100 * ONE


def test_whoever_subscribes_late_still_hears_what_was_paid():
    bench = Bench()
    bench.exchange.resolve(HOME, ONE)
    bench.exchange.subscribe(bench.market.instrument)
    assert Settled(instrument=bench.market.instrument, payout=ONE) in bench.exchange.public


def test_commission_is_charged_on_winnings_only():
    """Ten at 40 win $6.00: 2 % is 12 cents."""
    won, lost = Bench(BET), Bench(BET)
    for bench, payout in ((won, ONE), (lost, 0)):
        bench.hold(10, cents=40)
        assert bench.account.money.fees == 0
        bench.exchange.resolve(HOME, payout)
    assert (won.cash, won.account.money.fees) == (105_880_000, 120_000)
    assert (lost.cash, lost.account.money.fees) == (96 * ONE, 0)
    assert won.account.money.imbalance() == lost.account.money.imbalance() == 0


@pytest.mark.parametrize(
    ("spec", "payout", "refund", "cash"),
    [
        (TWO_SIDED, 430_000, False, 100.3),  # a fair price
        (TOKEN, 500_000, False, 101.0),  # an equal share
        (BET, 0, True, 100.0),  # the stake
    ],
)
def test_void_follows_the_rule_of_the_venue(spec, payout, refund, cash):
    bench = Bench(spec, streamed=True)
    bench.hold(10, cents=40)
    bench.exchange.void(HOME, share=500_000, fair=430_000)
    assert bench.exchange.public[-1] == Settled(
        instrument=bench.market.instrument, payout=payout, refund=refund
    )
    assert bench.cash == round(cash * ONE)
    assert bench.account.money.fees == 0
    assert bench.exchange.defect() is None


def test_market_pays_once():
    bench = Bench()
    bench.exchange.resolve(HOME, ONE)
    with pytest.raises(AssertionError, match="paid already"):
        bench.exchange.resolve(HOME, ONE)


# ---- nothing appears from nowhere

_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["place", "place", "amend", "cancel", "rest", "take", "take"]),
        st.sampled_from([BUY, SELL]),
        st.sampled_from([YES, NO]),
        st.integers(30, 70),
        st.integers(1, 25),
    ),
    max_size=80,
)


@given(
    _ACTS,
    st.sampled_from(
        [TWO_SIDED, TOKEN, BET, InstrumentSpec(fees=KALSHI_FEES, two_sided=True, amendable=True)]
    ),
)
def test_cash_is_conserved_and_never_overdrawn(acts, spec):
    """Whatever happens: ledger balanced, free cash not negative but for fees, shares never sold short."""
    bench = Bench(spec, cash=20)
    for number, (what, action, leg, cents, contracts) in enumerate(acts):
        side = BID if action is BUY else ASK
        names = list(bench.account.open)
        if what == "place":
            bench.place(f"us-{number}", action, leg, cents, contracts)
        elif what == "amend" and names:
            bench.amend(names[contracts % len(names)], cents, contracts)
        elif what == "cancel" and names:
            bench.cancel(names[contracts % len(names)])
        elif what == "rest":
            bench.rest("other", side, cents, contracts)
        elif what == "take":
            bench.take(side, contracts, cents)
        assert bench.exchange.defect() is None
        assert bench.cash + bench.account.money.fees >= bench.account.locked
        if not spec.two_sided:
            assert bench.position >= 0
    bench.exchange.resolve(HOME, ONE)
    assert bench.exchange.defect() is None


@given(_ACTS)
def test_fills_alone_explain_cash_and_position(acts):
    """Booking every fill as it is reported gives the venue's own figures, pairs counted as $1."""
    bench = Bench(InstrumentSpec(fees=KALSHI_FEES, two_sided=True, amendable=True))
    for number, (what, action, leg, cents, contracts) in enumerate(acts):
        if what in ("place", "rest"):
            bench.place(f"us-{number}", action, leg, cents, contracts)
        else:
            bench.take(BID if action is BUY else ASK, contracts)
    held = {YES: 0, NO: 0}
    cash = 100 * ONE
    for fill in bench.exchange.private:
        sign = 1 if fill.action is BUY else -1
        held[fill.instrument.side] += sign * fill.size
        cash -= sign * fill.cost + fill.fee
    net = held[YES] - held[NO]
    pairs = held[YES] - max(0, net)
    assert net == bench.account.money.positions.get(HOME, 0)
    assert cash + pairs == bench.cash
    assert len({fill.trade_id for fill in bench.exchange.private}) == len(bench.exchange.private)
