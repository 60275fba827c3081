"""The second count of positions, cash and the worst case, by hand."""

from __future__ import annotations

from console.backtest.ledger import Account, Ledger, Leg, worst_case
from console.core.events import OrderFilled, Settled
from console.core.fees import NO_FEES, FeeKind, FeeModel
from console.core.instruments import (
    Action,
    Instrument,
    InstrumentSpec,
    TradeId,
    Venue,
    VenueOrderId,
    VoidRule,
)
from console.core.matches import MatchId
from console.core.units import ONE, Cash, Price, Size

A, B = Instrument(Venue.KALSHI, "GAME-A"), Instrument(Venue.KALSHI, "GAME-B")
M = MatchId("match")
SPEC = InstrumentSpec(two_sided=True)
PAYS = {A: 0b01, B: 0b10}
SPECS = {A: SPEC, B: SPEC}


def cents(amount: float) -> int:
    return round(amount * 10_000)


def fill(instrument: Instrument, action: Action, price: float, size: int, fee: int = 0, trade: str = "t"):
    return OrderFilled(
        venue_order_id=VenueOrderId("v"),
        trade_id=TradeId(trade),
        instrument=instrument,
        action=action,
        price=Price(cents(price)),
        size=Size(size * ONE),
        cost=Cash(cents(price) * size),
        fee=Cash(fee),
        maker=True,
    )


def account(*fills: OrderFilled, fees: FeeModel = NO_FEES) -> Account:
    counted = Account()
    for one in fills:
        counted.fill(one, fees)
    return counted


def test_a_yes_bought_is_held_and_paid():
    held = account(fill(A, Action.BUY, 40, 10, fee=5000))
    assert (held.net, held.at_venue) == (10 * ONE, -4_005_000)


def test_a_no_bought_costs_its_price_at_the_venue():
    held = account(fill(A.no, Action.BUY, 60, 10))
    assert (held.net, held.cash, held.at_venue) == (-10 * ONE, 4 * ONE, -6 * ONE)


def test_a_no_against_a_yes_frees_a_dollar():
    held = account(fill(A, Action.BUY, 40, 10), fill(A.no, Action.BUY, 55, 10))
    assert (held.net, held.at_venue) == (0, 500_000)


def test_a_settlement_pays_yes_or_no():
    won = account(fill(A, Action.BUY, 40, 10))
    won.settle(ONE, refund=False)
    short = account(fill(A.no, Action.BUY, 60, 10))
    short.settle(0, refund=False)
    assert (won.at_venue, short.at_venue) == (6 * ONE, 4 * ONE)


def test_a_commission_is_due_from_the_winnings_and_a_refund_costs_nothing():
    fees = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000)
    won, void = (account(fill(A, Action.BUY, 40, 10), fees=fees) for _ in range(2))
    won.settle(ONE, refund=False)
    void.settle(0, refund=True)
    assert (won.at_venue, void.at_venue) == (6 * ONE - 120_000, 0)


def test_the_worst_case_is_that_of_the_worst_outcome():
    held = {A: account(fill(A, Action.BUY, 40, 10)), B: account(fill(B, Action.BUY, 50, 4))}
    assert worst_case(2, False, PAYS, SPECS, held, [], None) == 2 * ONE  # B wins: 4 - 6
    assert worst_case(2, True, PAYS, SPECS, held, [], None) == 6 * ONE  # none wins


def test_orders_fill_where_it_hurts_and_in_the_worse_version():
    held = {A: account(fill(A, Action.BUY, 40, 10))}
    legs = [Leg(A, Action.BUY, [(cents(30), 10 * ONE), (cents(35), 10 * ONE)])]
    assert worst_case(2, False, PAYS, SPECS, held, legs, None) == 7_500_000  # 4 + 3.5 if B wins
    legs.append(Leg(B, Action.BUY, [(cents(50), 4 * ONE)]))  # fills only if A wins, which costs 2
    assert worst_case(2, False, PAYS, SPECS, held, legs, None) == 7_500_000


def test_a_void_match_pays_by_the_rule_of_each_symbol():
    """Ten A for 4 and ten B for 3: whoever wins, 3 are won; void, A is worth 20 cents or half a dollar."""
    held = {A: account(fill(A, Action.BUY, 40, 10)), B: account(fill(B, Action.BUY, 30, 10))}
    fair = {0b01: cents(20), 0b10: cents(20)}
    half = InstrumentSpec(void_rule=VoidRule.HALF)
    refund = InstrumentSpec(void_rule=VoidRule.REFUND)
    assert worst_case(2, False, PAYS, SPECS, held, [], fair) == 3 * ONE
    assert worst_case(2, False, PAYS, {A: half, B: SPEC}, held, [], fair) == 0
    assert worst_case(2, False, PAYS, {A: refund, B: SPEC}, held, [], fair) == ONE


def ledger() -> Ledger:
    return Ledger(lambda _: SPEC)


def test_a_fill_counts_once_however_often_it_is_told():
    counted = ledger()
    assert counted.fill(1, M, fill(A, Action.BUY, 40, 10))
    assert not counted.fill(2, M, fill(A, Action.BUY, 40, 10))
    assert counted.of_match(M)[A].net == 10 * ONE


def test_a_crash_takes_back_what_it_lost():
    counted = ledger()
    counted.fill(1, M, fill(A, Action.BUY, 40, 10, trade="one"))
    counted.fill(2, M, fill(A, Action.BUY, 40, 5, trade="two"))
    counted.settle(3, M, Settled(instrument=A, payout=Price(ONE)))
    counted.forget([2, 3])
    assert counted.of_match(M)[A].net == 10 * ONE
    assert counted.fill(4, M, fill(A, Action.BUY, 40, 5, trade="two"))


def test_a_removed_match_leaves_its_cash_behind():
    counted = ledger()
    counted.fill(1, M, fill(A, Action.BUY, 40, 10, trade="one"))
    counted.fill(2, M, fill(A, Action.SELL, 45, 10, trade="two"))
    counted.drop(3, M)
    assert (counted.of_match(M), counted.retired) == ({}, 500_000)
    counted.forget([3])
    assert (counted.of_match(M)[A].cash, counted.retired) == (500_000, 0)
