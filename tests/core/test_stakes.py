"""Where a purchase costs a round sum every limit counts that: not a cent less, whatever has filled of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core import checkpoint
from console.core.american import contracts_of, stake_within
from console.core.commands import Basis, CeilingKind, PlaceOrder
from console.core.events import BalanceUpdate, OrderFilled, VenueLimits
from console.core.fees import FeeKind, FeeModel
from console.core.instruments import (
    Action,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    TradeId,
    VenueOrderId,
    VoidRule,
)
from console.core.ladders import price_of_american
from console.core.orders import Order
from console.core.risk import at_rest, stake, worst_now
from console.core.units import CENT, ONE, Cash, Size

from .story import KALSHI, A, B, K, M, dollars, game, with_values
from .test_risk import RICH, WIDE, Gate

ODDS = [*range(-1000, -100, 7), *range(100, 1000, 7)]
BETS = InstrumentSpec(
    prices=tuple(sorted({int(price_of_american(odds)) for odds in ODDS})),
    size_min=Size(CENT),
    size_step=Size(CENT),
    fees=FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000, unit=CENT),
    void_rule=VoidRule.REFUND,
    sellable=False,
    cost_step=Cash(CENT),
)
SIDES = {A: BETS, B: BETS}
american = st.sampled_from(ODDS)


def gate(**limits: int) -> Gate:
    made = Gate(with_values(WIDE, **limits) if limits else WIDE, RICH, specs=SIDES)
    made.story.book(A, {}, {})
    made.story.book(B, {}, {})
    return made


def bet(at: Gate, odds: int, staked: int, instrument: Instrument = A) -> Order:
    """An order the venue took and told of: its contracts are stake and winnings in whole cents."""
    at.placed += 1
    command = PlaceOrder(
        order_id=ClientOrderId(f"run1-{900 + at.placed}"),
        match=M,
        instrument=instrument,
        action=Action.BUY,
        price=price_of_american(odds),
        size=contracts_of(staked, odds),
        ceiling=price_of_american(odds),
        ceiling_kind=CeilingKind.QUOTE,
        basis=Basis(0, 0, 0, 0, 0, ""),
        stake=Cash(staked),
    )
    state = at.story.state
    order = state.blotter.placed(command, 0, state.ts)
    state.blotter.accepted(order, VenueOrderId(f"v{at.placed}"), state.ts, (order.price, Size(order.size)))
    state.remeasure(at.desk)
    return order


def matched(at: Gate, order: Order, odds: int, before: int, total: int) -> None:
    """The total matched of a bet rose, as a venue tells it."""
    at.placed += 1
    fill = OrderFilled(
        venue_order_id=order.venue_order_id,
        trade_id=TradeId(f"t{at.placed}"),
        instrument=order.instrument,
        action=Action.BUY,
        price=order.price,
        size=Size(contracts_of(total, odds) - contracts_of(before, odds)),
        cost=Cash(total - before),
        fee=Cash(0),
        maker=True,
        order_id=order.order_id,
    )
    at.story.tell(fill)


def test_thirty_three_cents_at_plus_150_are_counted_as_thirty_three() -> None:
    """They win 49 of 49.5 cents: 82 cents of payout, and 40 % of those would be 32.8."""
    at = gate()
    order = bet(at, 150, 33 * CENT)
    assert order.size == 82 * CENT
    assert (order.owed, worst_now(at.desk, at.story.state.blotter)) == (33 * CENT, 33 * CENT)


@given(american, st.lists(st.integers(1, 300_00), min_size=1, max_size=4, unique=True), st.integers(0, 99))
def test_what_is_left_and_what_was_matched_cost_the_stake_together(
    odds: int, totals: list[int], rest: int
) -> None:
    at = gate()
    connection, blotter = at.story.state.connections[K], at.story.state.blotter
    staked = (max(totals) + rest) * CENT
    order, before = bet(at, odds, staked), 0
    for total in sorted(totals):
        matched(at, order, odds, before, total * CENT)
        before = total * CENT
        if order.ended:  # the last contracts: nothing of it rests
            assert contracts_of(before, odds) >= contracts_of(staked, odds)
            return
        assert order.owed == stake(order) == at_rest(connection, blotter) == staked - before
        assert at.desk.worst == worst_now(at.desk, blotter) == staked


@given(american, st.integers(1, 400_00), st.sampled_from(["exposure_match", "order_cash_max"]))
def test_no_order_costs_a_millionth_more_than_its_limit_nor_wastes_it(odds: int, cap: int, name: str) -> None:
    price = price_of_american(odds)
    at = gate(**{name: cap * CENT})
    wanted = at.wanted(price=price / CENT, size=990, ceiling=99, fair=99)
    verdict = at.ask(wanted)
    staked = BETS.stake(Action.BUY, price, verdict.size)
    assert staked <= cap * CENT
    if name == "order_cash_max" and verdict.size < wanted.size:
        assert staked >= (cap - 2) * CENT


@pytest.mark.parametrize("seed", range(20))
def test_many_orders_at_a_limit_never_pass_it(seed: int) -> None:
    dice = random.Random(seed)
    limit = dice.randint(50_00, 300_00) * CENT
    at, all_of_it = gate(exposure_match=limit), 0
    for _ in range(60):
        odds = dice.choice(ODDS)
        price = price_of_american(odds)
        wanted = at.wanted(A, price=price / CENT, size=dice.randint(1, 80), ceiling=99, fair=99)
        verdict = at.ask(wanted)
        staked = BETS.stake(Action.BUY, price, verdict.size)
        if verdict.size == 0 or staked < CENT:
            continue
        order, half = bet(at, odds, staked), staked // (2 * CENT) * CENT
        all_of_it += staked
        if half and dice.random() < 0.5:
            matched(at, order, odds, 0, half)
        assert at.desk.worst == all_of_it <= limit
    assert all_of_it > limit * 9 // 10  # sizes shrink on the way there


def test_cash_is_reserved_to_the_cent() -> None:
    at = gate()
    at.story.tell(BalanceUpdate(venue=K, cash=dollars(2)))
    for _ in range(6):
        bet(at, 150, 33 * CENT)
    price = price_of_american(ODDS[-1])
    wanted = at.wanted(B, price=price / CENT, size=100, ceiling=99, fair=99)
    staked = BETS.stake(Action.BUY, price, at.ask(wanted).size)
    assert CENT <= staked <= 2 * CENT  # which are left, and not 3.2


def test_what_may_rest_unwatched_is_counted_to_the_cent() -> None:
    at = gate()
    connection = at.story.state.connections[K]
    at.story.tell(
        VenueLimits(
            venue=K, write_per_s=100, write_burst=100, place=10, amend=10, cancel=2, unattended_max=dollars(1)
        )
    )
    bet(at, 150, 33 * CENT)
    bet(at, 150, 33 * CENT, B)
    assert at_rest(connection, at.story.state.blotter) == 66 * CENT


@given(american, st.integers(1, 500_00))
def test_a_stake_is_the_largest_round_sum_its_contracts_cost_at_most(odds: int, size: int) -> None:
    price = price_of_american(odds)
    staked = BETS.stake(Action.BUY, price, size * CENT)
    assert staked == stake_within(size * CENT, odds)
    assert contracts_of(staked, odds) <= size * CENT


def test_round_sums_need_no_odds() -> None:
    nickels = InstrumentSpec(cost_step=Cash(5 * CENT))
    assert nickels.stake(Action.BUY, 330_000, 10 * ONE) == 330 * CENT
    assert nickels.stake(Action.BUY, 330_000, 11 * ONE) == 360 * CENT  # of 363
    assert nickels.stake(Action.SELL, 330_000, 11 * ONE) == 0
    assert KALSHI.stake(Action.BUY, 330_000, 11 * ONE) == 0


def test_what_a_stake_has_left_survives_a_restart() -> None:
    at = gate()
    order = bet(at, 150, 33 * CENT)
    matched(at, order, 150, 0, 7 * CENT)
    assert order.owed == 26 * CENT
    kept = checkpoint.decode(checkpoint.encode(at.story.state)).orders[0]
    assert (kept.stake, kept.paid) == (33 * CENT, 7 * CENT)
    later = at.story.restart()
    (again,) = later.state.blotter.live.values()
    assert (again.owed, later.state.desks[M].worst) == (26 * CENT, 33 * CENT)


def test_only_orders_for_round_sums_say_what_they_stake() -> None:
    assert {command.stake for command in game().all(PlaceOrder)} == {0}
