"""What is held on a match: profit in every branch, cost basis, locks, settlement and overrides."""

from __future__ import annotations

import pytest

from console.core.book import Book, Face, Stream
from console.core.fees import NO_FEES, FeeKind, FeeModel
from console.core.instruments import Action, BookSide, Instrument, Side, VoidRule
from console.core.ladders import even
from console.core.lots import Lock
from console.core.positions import Position
from console.core.rebalance import basket_leg, breakeven, lock_minimum, next_rebalancing, reduce_ceiling
from console.core.settings import MatchSettings
from console.core.units import Nanos

from .story import PA, PB, A, B, C, cents, contracts, dollars, with_values

HOME, DRAW, AWAY = 0b001, 0b010, 0b100
NO_A = Instrument(A.venue, A.symbol, Side.NO)
TWO_PERCENT = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000)
SETTINGS = MatchSettings()


def two_way(*, may_none: bool = False) -> Position:
    position = Position(2, may_none)
    position.list(A, (0,))
    position.list(B, (1,))
    return position


def three_way(*, may_none: bool = False) -> Position:
    position = Position(3, may_none)
    for outcome, instrument in enumerate((A, B, C)):
        position.list(instrument, (outcome,))
    return position


def trade(
    position: Position,
    instrument: Instrument,
    count: float,
    price: float,
    *,
    sell: bool = False,
    fee: float = 0.0,
    fees: FeeModel = NO_FEES,
) -> Lock:
    return position.fill(
        instrument,
        Action.SELL if sell else Action.BUY,
        contracts(count),
        dollars(count * price / 100),
        dollars(fee),
        fees,
    )


def even_bid(
    position: Position, gained: int, *, side: BookSide = BookSide.BID, lock_min: float = 1
) -> int | None:
    """Breakeven without fees on a cent grid."""
    book = Book(even("cents", 10_000), Stream())
    book.snapshot([], [], Nanos(1))
    closing = position.reducible(gained)
    return breakeven(Face(book, side, {}), NO_FEES, closing, cents(50), cents(lock_min), 10)


# ---- profit in every branch


def test_a_purchase_costs_its_price_and_pays_on_its_outcome() -> None:
    position = two_way()
    trade(position, A, 50, 40, fee=0.5)
    assert position.profits() == (dollars(29.5), dollars(-20.5))
    assert position.exposure(0b01, None) == contracts(50)
    assert position.exposure(0b10, None) == -contracts(50)


def test_the_no_leg_pays_when_the_outcome_does_not_win() -> None:
    position = two_way(may_none=True)
    trade(position, NO_A, 10, 40)
    assert position.profits() == (dollars(-4), dollars(6), dollars(6))
    assert position.held(NO_A) == contracts(10)
    assert position.held(A) == 0


def test_yes_of_both_tickers_loses_everything_when_neither_wins() -> None:
    position = two_way(may_none=True)
    trade(position, A, 10, 45)
    trade(position, B, 10, 50)
    assert position.profits() == (dollars(0.5), dollars(0.5), dollars(-9.5))
    assert position.locked == dollars(0.5)
    assert position.conditional == dollars(0.5)


def test_yes_and_no_of_one_ticker_are_paid_out_whatever_happens() -> None:
    position = two_way(may_none=True)
    trade(position, A, 10, 45)
    lock = trade(position, NO_A, 10, 50)
    assert lock == Lock(contracts(10), dollars(0.5), 0)
    assert position.profits() == (dollars(0.5),) * 3
    assert position.conditional == 0
    assert position.flat
    assert position.spent() == dollars(-0.5)  # cash returned at once: the balance is up


def test_a_sale_of_what_is_held_locks_the_difference() -> None:
    position = two_way()
    trade(position, A, 10, 40)
    lock = trade(position, A, 4, 55, sell=True, fee=0.01)
    assert lock.profit == dollars(0.59)  # 4 * 15 cents less the fee
    assert position.held(A) == contracts(6)
    assert position.average(0b01) == cents(40)
    assert position.profits() == (dollars(4 * 0.55 - 0.01 - 4 + 6), dollars(4 * 0.55 - 0.01 - 4))


def test_a_sale_below_cost_locks_the_loss() -> None:
    position = two_way()
    trade(position, A, 10, 40)
    assert trade(position, A, 10, 30, sell=True).profit == dollars(-1)
    assert position.profits() == (dollars(-1), dollars(-1))


def test_selling_more_than_is_held_of_a_two_sided_symbol_leaves_the_other_leg() -> None:
    position = two_way()
    trade(position, A, 5, 40)
    trade(position, A, 8, 60, sell=True)
    assert position.held(NO_A) == contracts(3)
    assert position.average(0b10) == cents(40)
    assert position.profits() == (dollars(1 - 3 * 0.4), dollars(1 + 3 * 0.6))


def test_positions_on_two_tokens_of_one_condition_pair_off_for_sure() -> None:
    position = Position(2, False)
    position.list(PA, (0,))
    position.list(PB, (1,))
    trade(position, PA, 10, 48)
    assert trade(position, PB, 10, 50) == Lock(contracts(10), dollars(0.2), 0)


# ---- the golden numbers of rebalancing


def test_breakeven_uses_the_average_of_the_unpaired_contracts_only() -> None:
    position = two_way()
    trade(position, A, 50, 40)
    assert even_bid(position, 0b10) == cents(59)
    lock = trade(position, B, 30, 50)
    assert lock == Lock(contracts(30), dollars(3), 0)
    assert position.reducible(0b10).size == contracts(20)
    trade(position, A, 30, 60)
    assert position.average(0b01) == cents(52)  # (20 * 40 + 30 * 60) / 50
    assert even_bid(position, 0b10) == cents(47)  # not 51.5, the average over all 80
    assert position.locked == dollars(3)


def test_partial_fills_lock_their_share() -> None:
    position = two_way()
    trade(position, A, 50, 40)
    assert [trade(position, B, 10, 55).profit for _ in range(5)] == [dollars(0.5)] * 5
    assert position.locked == dollars(2.5)
    assert position.profits() == (dollars(2.5), dollars(2.5))
    assert position.reducible(0b10).size == 0
    assert position.reducible(0b01).size == 0


def test_the_long_side_reduces_nothing() -> None:
    position = two_way()
    trade(position, A, 50, 40)
    assert position.reducible(0b01).size == 0
    assert even_bid(position, 0b01) is None


def test_fees_paid_count_in_the_basis() -> None:
    position = two_way()
    trade(position, A, 10, 40, fee=0.10)  # a cent a contract
    assert position.average(0b01) == cents(41)
    assert even_bid(position, 0b10) == cents(58)


def test_three_way_only_the_complement_of_what_is_held_reduces() -> None:
    position = three_way()
    trade(position, A, 50, 40)
    assert position.reducible(AWAY).size == 0
    assert position.reducible(DRAW).size == 0
    assert position.reducible(DRAW | AWAY).size == contracts(50)
    assert even_bid(position, DRAW | AWAY, side=BookSide.ASK) == cents(59)


def test_a_basket_of_three_locks_when_its_last_leg_arrives() -> None:
    position = three_way()
    trade(position, A, 20, 40)
    assert trade(position, B, 20, 25).profit == 0
    assert position.reducible(AWAY).size == 0  # home and draw are no single lot
    lock = trade(position, C, 15, 30)
    assert lock == Lock(contracts(15), dollars(0.75), 0)
    assert position.profits() == (dollars(20 - 17.5), dollars(20 - 17.5), dollars(15 - 17.5))


def test_a_basket_leg_may_cost_what_the_others_cost_or_are_offered_at() -> None:
    position = three_way()
    trade(position, A, 50, 40)
    asks = {DRAW: cents(30), AWAY: cents(28)}
    closing = basket_leg(position, HOME, DRAW, asks)
    assert (closing.size, closing.value) == (contracts(50), dollars(50 - 20 - 14))  # 32 cents each
    trade(position, C, 20, 25)  # 20 of the away legs cost 25, the other 30 would cost 28
    closing = basket_leg(position, HOME, DRAW, asks)
    assert (closing.size, closing.value) == (contracts(50), dollars(50 - 20 - 5 - 8.4))


def test_a_basket_with_a_leg_nobody_offers_is_never_a_lock() -> None:
    position = three_way()
    trade(position, A, 50, 40)
    assert basket_leg(position, HOME, DRAW, {DRAW: cents(30)}).size == 0


def test_no_of_two_outcomes_is_a_dollar_and_the_third_outcome() -> None:
    position = three_way()
    no_b = Instrument(B.venue, B.symbol, Side.NO)
    trade(position, NO_A, 10, 60)
    trade(position, no_b, 10, 70)
    assert position.profits() == (dollars(-3), dollars(-3), dollars(7))
    assert position.average(AWAY) == cents(30)  # 60 + 70 - 100
    assert trade(position, C, 10, 50, sell=True).profit == dollars(2)
    assert position.profits() == (dollars(2),) * 3


@pytest.mark.parametrize("may_none", [False, True])
def test_no_of_two_outcomes_for_less_than_a_dollar_is_locked_at_once(may_none: bool) -> None:
    """30 and 45 for a dollar whatever happens: 25 are won, and the third outcome costs nothing."""
    position = three_way(may_none=may_none)
    no_b = Instrument(B.venue, B.symbol, Side.NO)
    trade(position, NO_A, 10, 30)
    lock = trade(position, no_b, 10, 45)
    assert (lock.profit, lock.conditional) == (dollars(2.5), 0)
    assert position.locked == dollars(2.5)
    assert position.average(AWAY) == 0
    assert position.profits()[:3] == (dollars(2.5), dollars(2.5), dollars(12.5))
    assert trade(position, C, 10, 50, sell=True).profit == dollars(5)
    assert position.profits()[:3] == (dollars(7.5),) * 3
    assert position.locked == dollars(7.5)


def test_sets_of_two_outcomes_lock_on_condition_where_all_may_settle_at_nothing() -> None:
    """YES of {home, draw} and YES of {draw, away}: a dollar, unless none of the outcomes is declared."""
    position = Position(3, may_none=True)
    position.list(A, (0, 1))
    position.list(B, (1, 2))
    trade(position, A, 10, 30)
    lock = trade(position, B, 10, 45)
    assert (lock.profit, lock.conditional) == (dollars(2.5), dollars(2.5))
    assert min(position.profits()) == dollars(-7.5)


# ---- when to rebalance


@pytest.mark.parametrize(
    ("exposure", "before", "after"),
    [(49, 0, 0), (50, 0, 1), (-50, 0, -1), (26, 1, 1), (25, 1, 0), (-26, -1, -1), (-25, -1, 0), (-60, 1, -1)],
)
def test_rebalancing_begins_at_the_maximum_and_ends_at_half_of_it(
    exposure: int, before: int, after: int
) -> None:
    assert next_rebalancing(contracts(exposure), before, SETTINGS) == after


def test_the_reduce_ceiling_stops_near_fair_and_is_never_below_the_normal_one() -> None:
    book = Book(even("cents", 10_000), Stream())
    book.snapshot([], [], Nanos(1))
    face = Face(book, BookSide.BID, {})
    two = cents(2)
    assert reduce_ceiling(face, cents(46), cents(47), cents(47.5), two) == cents(47)
    assert reduce_ceiling(face, cents(46), cents(59), cents(47.5), two) == cents(49)
    assert reduce_ceiling(face, cents(46), cents(30), cents(47.5), two) == cents(46)
    assert reduce_ceiling(face, cents(46), None, cents(47.5), two) == cents(46)
    assert reduce_ceiling(face, None, cents(47), cents(47.5), two) == cents(47)
    assert reduce_ceiling(face, None, None, cents(47.5), two) is None
    assert reduce_ceiling(face, cents(46), cents(59), cents(47.5), cents(99)) == cents(59)  # the old rule


def test_across_venues_a_lock_pays_for_the_chance_of_a_void_match() -> None:
    assert lock_minimum(SETTINGS, "Baseball", 0, contracts(50)) == cents(1)
    # 0.5 % of $40 over 50 contracts is 0.4 cents
    assert lock_minimum(SETTINGS, "Baseball", dollars(40), contracts(50)) == cents(1.4)
    assert lock_minimum(SETTINGS, "Tennis", dollars(40), contracts(50)) == cents(2.6)  # 2 %: they retire
    assert lock_minimum(SETTINGS, "Esports", dollars(40), contracts(50)) == cents(1.8)  # 1 %
    typed = with_values(SETTINGS, void_probability_bp=300)
    assert lock_minimum(typed, "Tennis", dollars(40), contracts(50)) == cents(3.4)


# ---- commissions on winnings


def test_a_commission_is_due_only_where_the_bet_wins() -> None:
    position = two_way()
    trade(position, A, 100, 50, fees=TWO_PERCENT)
    assert position.profits() == (dollars(49), dollars(-50))
    trade(position, B, 100, 47, fees=TWO_PERCENT)
    assert position.profits() == (dollars(2), dollars(1.94))


def test_a_bid_against_a_held_bet_covers_both_commissions() -> None:
    # x <= 1 - f(1-a) - a - l = 1 - .01 - .5 - .01 = 48 and x <= (1 - f - a - l)/(1 - f) = 47/.98 = 47.96
    position = two_way()
    trade(position, A, 100, 50, fees=TWO_PERCENT)
    book = Book(even("deci", 1_000), Stream())
    book.snapshot([], [], Nanos(1))
    face = Face(book, BookSide.BID, {})
    bid = breakeven(face, TWO_PERCENT, position.reducible(0b10), cents(50), cents(1), 10)
    assert bid == cents(47.9)
    held_dear = two_way()
    trade(held_dear, A, 100, 20, fees=TWO_PERCENT)
    # x <= 1 - .016 - .2 - .01 = 77.4 and x <= .77/.98 = 78.57: the held leg binds
    bid = breakeven(face, TWO_PERCENT, held_dear.reducible(0b10), cents(50), cents(1), 10)
    assert bid == cents(77.4)


# ---- settlement


def test_a_win_pays_a_dollar_and_a_loss_nothing() -> None:
    position = two_way()
    trade(position, A, 10, 40)
    trade(position, B, 4, 30)
    position.settle(A, 1_000_000, refund=False)
    position.settle(B, 0, refund=False)
    assert position.flat
    assert position.profits() == (dollars(10 - 4 - 1.2),) * 2
    assert position.locked == dollars(4.8)


def test_a_no_leg_pays_when_yes_loses() -> None:
    position = two_way()
    trade(position, NO_A, 10, 40)
    position.settle(A, 0, refund=False)
    assert position.cash == dollars(6)
    other = two_way()
    trade(other, NO_A, 10, 40)
    other.settle(A, 1_000_000, refund=False)
    assert other.cash == dollars(-4)


def test_a_void_match_pays_a_fair_price_or_gives_the_stake_back() -> None:
    fair = two_way()
    trade(fair, A, 10, 40, fee=0.05)
    fair.settle(A, 370_000, refund=False)
    assert fair.cash == dollars(-0.35)
    refunded = two_way()
    trade(refunded, A, 10, 40, fees=TWO_PERCENT)
    refunded.settle(A, 0, refund=True)
    assert refunded.cash == 0
    no_leg = two_way()
    trade(no_leg, NO_A, 10, 40)
    no_leg.settle(A, 0, refund=True)
    assert no_leg.cash == 0


def test_the_commission_is_taken_from_a_bet_that_wins() -> None:
    position = two_way()
    trade(position, A, 100, 50, fees=TWO_PERCENT)
    position.settle(A, 1_000_000, refund=False)
    assert position.cash == dollars(49)


@pytest.mark.parametrize(
    ("rule", "profit"),
    [(VoidRule.REFUND, 0.0), (VoidRule.HALF, 1.0), (VoidRule.FAIR, 2.5)],
)
def test_profit_of_a_void_match_follows_the_venues_rule(rule: VoidRule, profit: float) -> None:
    position = two_way()
    trade(position, A, 10, 40)
    fair = {0b01: cents(65), 0b10: cents(35)}
    assert position.void_profit({A: rule, B: rule}, fair) == dollars(profit)


def test_the_stake_of_a_no_leg_comes_back_too_when_the_match_is_void() -> None:
    position = two_way()
    trade(position, NO_A, 10, 40)
    assert position.void_profit({A: VoidRule.REFUND}, None) == 0
    position.settle(A, 0, refund=True)
    assert position.cash == 0


def test_an_unknown_fair_price_counts_as_nothing() -> None:
    position = two_way()
    trade(position, A, 10, 40)
    trade(position, Instrument(B.venue, B.symbol, Side.NO), 10, 30)
    assert position.void_profit({A: VoidRule.FAIR, B: VoidRule.FAIR}, None) == dollars(-7)


def test_a_symbol_nobody_defined_does_not_hide_the_others() -> None:
    position = two_way()
    trade(position, A, 10, 40)
    assert position.void_profit({A: VoidRule.REFUND}, None) == 0


# ---- overrides


@pytest.mark.parametrize(("count", "due"), [(100, 1.0), (50, 0.5), (150, 1.5), (0, 0.0)])
def test_an_override_takes_the_commission_with_the_contracts(count: float, due: float) -> None:
    position = two_way()
    trade(position, A, 100, 50, fees=TWO_PERCENT)
    position.override(A, contracts(count), dollars(count * 0.5))
    assert position.holdings[A].commission == dollars(due)
    position.settle(A, 1_000_000, refund=False)
    assert position.cash == dollars(count * 0.5 - due)


def test_an_override_replaces_holding_and_cost() -> None:
    position = two_way()
    trade(position, A, 50, 40)
    position.override(A, contracts(20), dollars(7))
    assert position.profits() == (dollars(13), dollars(-7))
    assert position.average(0b01) == cents(35)
    position.override(A, -contracts(10), dollars(4))  # NO held
    assert position.profits() == (dollars(-4), dollars(6))
    position.override(A, 0, 0)
    assert position.profits() == (0, 0)


def test_an_override_keeps_what_was_realised_and_restates_what_is_locked() -> None:
    position = two_way()
    trade(position, A, 50, 40)
    trade(position, B, 30, 50)
    position.override(B, 0, 0)
    assert position.locked == 0
    assert position.profits() == (dollars(30), dollars(-20))
    position.override(B, contracts(30), dollars(15))
    assert position.locked == dollars(3)
    assert position.reducible(0b10).size == contracts(20)


# ---- marks


def test_value_is_cash_plus_what_the_holdings_are_worth() -> None:
    position = two_way()
    trade(position, A, 10, 40)
    trade(position, NO_A, 4, 50)
    assert position.value({A: cents(45), B: cents(50)}) == dollars(-4 + 2 + 6 * 0.45)
    assert position.spent() == dollars(4 + 2 - 4)  # four pairs were paid out


def test_value_counts_the_commission_a_winner_will_owe() -> None:
    position = two_way()
    trade(position, A, 100, 50, fees=TWO_PERCENT)
    assert position.value({A: cents(60), B: cents(40)}) == dollars(60 - 50 - 0.6)
