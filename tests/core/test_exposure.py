"""The worst case of a match against brute force over every combination of fills."""

from __future__ import annotations

import random
from itertools import product

import msgspec
import pytest

from console.core.exposure import Risked, Terms, cash_at_risk, worst_loss
from console.core.fees import KALSHI_MAKER, NO_FEES, FeeKind, FeeModel, fee_per_contract
from console.core.instruments import Action, Instrument, Side, VoidRule
from console.core.positions import Position
from console.core.units import ONE

from .story import A, B, C, cents, contracts, dollars

TICKERS = (A, B, C)
MAKER = FeeModel(maker_rate=KALSHI_MAKER, unit=100)
NO_A = Instrument(A.venue, A.symbol, Side.NO)
FAIR = {0b01: cents(60), 0b10: cents(40)}


def terms(outcomes: int, fees: FeeModel = NO_FEES, rule: VoidRule = VoidRule.HALF) -> dict[Instrument, Terms]:
    return {ticker: Terms(1 << outcome, fees, rule) for outcome, ticker in enumerate(TICKERS[:outcomes])}


def position(outcomes: int = 2, *, may_none: bool = False) -> Position:
    made = Position(outcomes, may_none)
    for outcome, ticker in enumerate(TICKERS[:outcomes]):
        made.list(ticker, (outcome,))
    return made


def bid(instrument: Instrument, price: float, count: float, action: Action = Action.BUY) -> Risked:
    return Risked(instrument, action, ((cents(price), contracts(count)),))


def take(made: Position, instrument: Instrument, count: float, price: float) -> None:
    made.fill(instrument, Action.BUY, contracts(count), dollars(count * price / 100), 0, NO_FEES)


# ---- by hand


def test_a_resting_bid_may_lose_its_price() -> None:
    assert worst_loss(position(), [bid(A, 45, 10)], terms(2), None) == dollars(4.5)


def test_bids_on_both_sides_lose_the_dearer_one() -> None:
    # if A wins the B bid is lost and the A bid need not have filled, and the other way round
    orders = [bid(A, 45, 10), bid(B, 50, 10)]
    assert worst_loss(position(), orders, terms(2), None) == dollars(5)


def test_bids_on_both_sides_may_both_be_lost_when_neither_wins() -> None:
    orders = [bid(A, 45, 10), bid(B, 50, 10)]
    assert worst_loss(position(may_none=True), orders, terms(2), None) == dollars(9.5)


def test_fees_are_part_of_what_can_be_lost() -> None:
    # 0.0175 * .5 * .5 = .4375 cents on each of 100
    assert worst_loss(position(), [bid(A, 50, 100)], terms(2, MAKER), None) == dollars(50.4375)


def test_an_order_that_takes_pays_the_fee_of_a_taker() -> None:
    exits = msgspec.structs.replace(bid(A, 50, 100), takes=True)
    told = terms(2, msgspec.structs.replace(MAKER, taker_rate=70_000))  # 0.07 * .5 * .5 = 1.75 cents
    assert worst_loss(position(), [exits], told, None) == dollars(51.75)


def test_a_hedge_in_the_market_does_not_lower_the_worst_case_before_it_fills() -> None:
    held = position()
    take(held, A, 50, 40)
    assert worst_loss(held, [], terms(2), None) == dollars(20)
    assert worst_loss(held, [bid(B, 55, 50)], terms(2), None) == dollars(20)
    assert worst_loss(held, [bid(B, 55, 200)], terms(2), None) == dollars(80)  # A wins: 30 - 110


def test_an_amend_in_flight_counts_its_worse_version_once() -> None:
    both = Risked(A, Action.BUY, ((cents(45), contracts(10)), (cents(47), contracts(8))))
    assert worst_loss(position(), [both], terms(2), None) == dollars(4.5)


def test_an_amend_to_a_larger_size_may_fill_the_old_version_first() -> None:
    # ten at 45 and then, as the amend lands, the two more of the new version at 40
    both = Risked(A, Action.BUY, ((cents(45), contracts(10)), (cents(40), contracts(12))))
    assert worst_loss(position(), [both], terms(2), None) == dollars(4.5 + 0.8)
    dearer = Risked(A, Action.BUY, ((cents(45), contracts(10)), (cents(50), contracts(12))))
    assert worst_loss(position(), [dearer], terms(2), None) == dollars(6)


def test_a_void_match_counts() -> None:
    held = position()
    take(held, A, 10, 70)
    take(held, B, 10, 70)
    # either way 10 - 14; a half each: 10 - 14; a fair price the same; the stakes back: 0
    assert worst_loss(held, [], terms(2), FAIR) == dollars(4)
    one = position()
    take(one, A, 10, 40)
    take(one, NO_A, 10, 50)  # one dollar whatever happens
    assert worst_loss(one, [], terms(2, rule=VoidRule.FAIR), FAIR) == 0


def test_a_void_fair_price_nobody_knows_counts_as_nothing() -> None:
    held = position()
    take(held, A, 10, 40)
    take(held, B, 10, 30)
    assert worst_loss(held, [], terms(2, rule=VoidRule.FAIR), FAIR) == 0
    assert worst_loss(held, [], terms(2, rule=VoidRule.FAIR), None) == dollars(7)


def test_a_sale_of_what_is_held_risks_the_payout_it_gives_up() -> None:
    held = position()
    take(held, A, 10, 40)
    # if A wins 6 less the 4.5 given up; if B wins it loses 4 and the sale need not fill
    assert worst_loss(held, [bid(A, 55, 10, Action.SELL)], terms(2), None) == dollars(4)
    assert worst_loss(held, [bid(A, 20, 10, Action.SELL)], terms(2), None) == dollars(4)


def test_the_most_one_order_can_lose_by_itself() -> None:
    assert cash_at_risk(Action.BUY, cents(45), contracts(10), NO_FEES, 0) == dollars(4.5)
    assert cash_at_risk(Action.SELL, cents(45), contracts(10), NO_FEES, 0) == dollars(5.5)
    two_percent = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000)
    # a bet that loses pays no commission
    assert cash_at_risk(Action.BUY, cents(45), contracts(100), two_percent, cents(50)) == dollars(45)


def test_symbols_the_venue_never_defined_hold_nothing_and_cost_nothing() -> None:
    known = {A: Terms(0b01, NO_FEES, VoidRule.FAIR)}
    assert worst_loss(position(), [bid(A, 45, 10)], known, None) == dollars(4.5)


# ---- brute force


def filled(made: Position, order: Risked, version: int, size: int, fees: FeeModel) -> None:
    price, left = order.versions[min(version, 1)]
    if version == 2:  # the old version first, then what the new one has more
        filled(made, order, 0, order.versions[0][1], fees)
        size = left - order.versions[0][1]
    cost = price * size // ONE
    fee = fee_per_contract(fees, price, ONE) * size // ONE
    made.fill(order.instrument, order.action, size, cost, fee, NO_FEES)


def brute_force(
    fills: list[tuple[Instrument, int, int]],
    orders: list[Risked],
    outcomes: int,
    *,
    may_none: bool,
    rule: VoidRule,
    fees: FeeModel,
    fair: dict[int, int],
) -> int:
    """The least profit over every combination of versions and of nothing, half and all filled."""
    ways: list[list[tuple[int, int]]] = []
    for order in orders:
        found = [(0, 0)]
        for number, (_, remaining) in enumerate(order.versions):
            found += [(number, remaining // 2), (number, remaining)]
        if len(order.versions) > 1 and order.versions[1][1] > order.versions[0][1]:
            found.append((2, order.versions[1][1]))
        ways.append(found)
    worst = 0
    for combination in product(*ways):
        made = position(outcomes, may_none=may_none)
        for instrument, price, size in fills:
            made.fill(instrument, Action.BUY, size, price * size // ONE, 0, NO_FEES)
        for order, (version, size) in zip(orders, combination, strict=True):
            if size:
                filled(made, order, version, size, fees)
        rules = dict.fromkeys(TICKERS[:outcomes], rule)
        worst = min(worst, *made.profits(), made.void_profit(rules, fair))
    return -worst


@pytest.mark.parametrize("outcomes", [2, 3])
@pytest.mark.parametrize("rule", [VoidRule.HALF, VoidRule.FAIR])
def test_the_worst_case_is_the_worst_over_all_combinations_of_fills(outcomes: int, rule: VoidRule) -> None:
    dice = random.Random(outcomes)
    full = (1 << outcomes) - 1
    for _ in range(150):
        fees, may_none = dice.choice([NO_FEES, MAKER]), dice.random() < 0.5
        cuts = sorted(dice.sample(range(1, 100), outcomes - 1))
        chances = [cents(b - a) for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
        fair = {m: sum(p for o, p in enumerate(chances) if m >> o & 1) for m in range(1, full)}
        fills, orders = [], []
        for _ in range(dice.randint(0, 3)):
            ticker = dice.choice(TICKERS[:outcomes])
            leg = dice.choice([ticker, Instrument(ticker.venue, ticker.symbol, Side.NO)])
            fills.append((leg, cents(dice.randint(1, 99)), contracts(dice.randint(1, 30))))
        for _ in range(dice.randint(1, 3)):
            ticker = dice.choice(TICKERS[:outcomes])
            leg = dice.choice([ticker, Instrument(ticker.venue, ticker.symbol, Side.NO)])
            action = dice.choice([Action.BUY, Action.BUY, Action.SELL])
            versions = [
                (cents(dice.randint(1, 99)), contracts(dice.randint(1, 30)))
                for _ in range(dice.choice([1, 1, 2]))
            ]
            orders.append(Risked(leg, action, tuple(versions)))
        made = position(outcomes, may_none=may_none)
        for leg, price, size in fills:
            made.fill(leg, Action.BUY, size, price * size // ONE, 0, NO_FEES)
        found = worst_loss(made, orders, terms(outcomes, fees, rule), fair)
        expected = brute_force(fills, orders, outcomes, may_none=may_none, rule=rule, fees=fees, fair=fair)
        assert found == pytest.approx(expected, abs=10)  # roundings of a millionth, against us
        assert found >= expected - 2


COMMISSION = FeeModel(FeeKind.WINNINGS, maker_rate=20_000)


@pytest.mark.parametrize("rule", list(VoidRule))
@pytest.mark.parametrize("fees", [NO_FEES, MAKER, COMMISSION])
def test_an_order_adds_at_most_what_it_can_lose_by_itself(fees: FeeModel, rule: VoidRule) -> None:
    # what lets `risk.allow` skip the worst case with the order in it while there is room for all of that
    dice = random.Random(7)
    told = terms(2, fees, rule)
    for _ in range(300):
        made = position(may_none=dice.random() < 0.5)
        take(made, dice.choice([A, B, NO_A]), dice.randint(1, 30), dice.randint(1, 99))
        resting = [bid(B, dice.randint(1, 99), dice.randint(1, 30))]
        leg, action = dice.choice([A, B, NO_A]), dice.choice([Action.BUY, Action.SELL])
        price, size = cents(dice.randint(1, 99)), contracts(dice.randint(1, 30))
        standing = ((cents(dice.randint(1, 99)), contracts(dice.randint(1, 30))),)
        most = cash_at_risk(action, price, size, fees, ONE)
        for before in ((), standing):  # placed, or amended
            others = [*resting, Risked(leg, action, before)] if before else resting
            without = worst_loss(made, others, told, FAIR)
            with_it = worst_loss(made, [*resting, Risked(leg, action, (*before, (price, size)))], told, FAIR)
            assert with_it - without <= most
