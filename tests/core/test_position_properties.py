"""The book-keeping of positions against a brute-force recomputation from the list of fills."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from console.core.fees import NO_FEES
from console.core.instruments import Action, Instrument, Side
from console.core.positions import Position
from console.core.units import ONE

from .story import A, B, C

TICKERS = (A, B, C)


class Fill(NamedTuple):
    instrument: Instrument
    action: Action
    size: int
    cost: int
    fee: int


def random_fill(dice: random.Random, outcomes: int) -> Fill:
    ticker = dice.choice(TICKERS[:outcomes])
    instrument = dice.choice([ticker, Instrument(ticker.venue, ticker.symbol, Side.NO)])
    action = Action.BUY if dice.random() < 0.7 else Action.SELL
    size = dice.choice([1, 2, 5, 10, 33]) * ONE + dice.choice([0, 0, 0, 333_333])
    price = dice.randint(1, 99) * 10_000
    cost = -(-price * size // ONE) if action is Action.BUY else price * size // ONE
    return Fill(instrument, action, size, cost, dice.choice([0, 0, 100, 4_375]))


def payout(fill: Fill, winner: int | None) -> int:
    """What one contract of the leg pays when `winner` wins (None: no listed outcome does)."""
    wins = TICKERS.index(fill.instrument.yes) == winner
    return int(wins is (fill.instrument.side is Side.YES))


def brute_force(fills: list[Fill], winner: int | None) -> int:
    """Profit from the list of fills: what was received, less what was paid, plus what is paid out."""
    total = 0
    for fill in fills:
        sign = 1 if fill.action is Action.BUY else -1
        total += sign * (payout(fill, winner) * fill.size - fill.cost) - fill.fee
    return total


def build(fills: list[Fill], outcomes: int, *, may_none: bool) -> Position:
    position = Position(outcomes, may_none)
    for outcome, ticker in enumerate(TICKERS[:outcomes]):
        position.list(ticker, (outcome,))
    for fill in fills:
        position.fill(fill.instrument, fill.action, fill.size, fill.cost, fill.fee, NO_FEES)
    return position


@pytest.mark.parametrize("outcomes", [2, 3])
@pytest.mark.parametrize("may_none", [False, True])
def test_profit_in_every_branch_is_that_of_the_fills(outcomes: int, may_none: bool) -> None:
    dice = random.Random(outcomes)
    for _ in range(400):
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 12))]
        position = build(fills, outcomes, may_none=may_none)
        winners: list[int | None] = [*range(outcomes), *([None] if may_none else [])]
        assert position.profits() == tuple(brute_force(fills, winner) for winner in winners)
        assert position.fees == sum(fill.fee for fill in fills)


@pytest.mark.parametrize("outcomes", [2, 3])
def test_cash_and_value_make_the_profit_whatever_the_marks(outcomes: int) -> None:
    dice = random.Random(10 + outcomes)
    for _ in range(300):
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 12))]
        position = build(fills, outcomes, may_none=False)
        marks = {ticker: dice.randint(0, 100) * 10_000 for ticker in TICKERS[:outcomes]}
        paid = sum((f.cost if f.action is Action.BUY else -f.cost) + f.fee for f in fills)
        # a leg is worth its mark, the other leg the rest of the dollar
        worth = 0
        for fill in fills:
            mark = marks[fill.instrument.yes]
            leg = mark if fill.instrument.side is Side.YES else ONE - mark
            worth += (fill.size if fill.action is Action.BUY else -fill.size) * leg
        assert abs(position.value(marks) - (worth // ONE - paid)) <= outcomes  # rounded down per symbol
        # what the venue's balance is lower by: payments less what YES and NO pairs returned at once
        free = {ticker: [0, 0] for ticker in TICKERS[:outcomes]}
        for fill in fills:
            leg_held = free[fill.instrument.yes]
            leg_held[fill.instrument.side is Side.NO] += (
                fill.size if fill.action is Action.BUY else -fill.size
            )
        returned = sum(min(held) for held in free.values())
        assert position.spent() == paid - returned


@pytest.mark.parametrize("outcomes", [2, 3])
def test_profit_is_what_is_locked_plus_what_the_unpaired_contracts_bring(outcomes: int) -> None:
    dice = random.Random(20 + outcomes)
    for _ in range(400):
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 14))]
        position = build(fills, outcomes, may_none=dice.random() < 0.5)
        for outcome in range(outcomes):
            assert position.profits()[outcome] == position.locked + position.lots.profit(1 << outcome)


@pytest.mark.parametrize("outcomes", [2, 3])
def test_everything_that_can_pair_off_is_paired_off(outcomes: int) -> None:
    dice = random.Random(30 + outcomes)
    for _ in range(600):
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 14))]
        lots = build(fills, outcomes, may_none=True).lots
        masks = [mask for mask, lot in lots.lots.items() if lot.count]
        assert all(lots.lots[mask].count > 0 for mask in masks)
        assert not any(lots.full ^ mask in masks for mask in masks)
        assert sum(mask.bit_count() > 1 for mask in masks) <= 1
        assert sum(mask.bit_count() == 1 for mask in masks) < outcomes


def test_no_more_contracts_are_safe_than_there_are_and_the_empty_branch_proves_it() -> None:
    dice = random.Random(40)
    for _ in range(600):
        outcomes = dice.choice([2, 3])
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 14))]
        position = build(fills, outcomes, may_none=True)
        assert all(0 <= lot.safe <= lot.count for lot in position.lots.lots.values())
        # with nothing left unpaired the empty branch differs from the lock only where it was conditional
        if not any(lot.count for lot in position.lots.lots.values()) and not position.conditional:
            assert position.profits()[-1] >= position.locked


@pytest.mark.parametrize("outcomes", [2, 3])
def test_overriding_a_symbol_with_what_is_held_changes_no_branch(outcomes: int) -> None:
    dice = random.Random(50 + outcomes)
    for _ in range(200):
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 10))]
        position = build(fills, outcomes, may_none=True)
        before = position.profits()
        ticker = dice.choice(TICKERS[:outcomes])
        holding = position.holdings[ticker]
        position.override(ticker, holding.net, holding.basis)
        assert position.profits() == before
        for outcome in range(outcomes):
            assert before[outcome] == position.locked + position.lots.profit(1 << outcome)


def test_settling_every_symbol_leaves_the_profit_of_the_winners_branch() -> None:
    dice = random.Random(60)
    for _ in range(300):
        outcomes = dice.choice([2, 3])
        fills = [random_fill(dice, outcomes) for _ in range(dice.randint(1, 12))]
        position = build(fills, outcomes, may_none=True)
        winner = dice.choice([*range(outcomes), None])
        expected = brute_force(fills, winner)
        for outcome, ticker in enumerate(TICKERS[:outcomes]):
            position.settle(ticker, ONE if outcome == winner else 0, refund=False)
        assert position.flat
        assert position.cash == position.locked == expected
        assert position.profits() == (expected,) * (outcomes + 1)
