"""A guaranteed lock never loses: any prices, sizes from 1 to 500, fees, and fills in pieces."""

from __future__ import annotations

import random

import pytest

from console.core.book import Book, Face, Stream
from console.core.fees import (
    KALSHI_MAKER,
    KALSHI_MAKER_COMBO,
    KALSHI_UNIT_BROKER,
    KALSHI_UNIT_DIRECT,
    NO_FEES,
    FeeKind,
    FeeModel,
    fee_of_fill,
)
from console.core.instruments import Action, BookSide, Instrument, Side
from console.core.ladders import Ladder, even, from_american
from console.core.positions import Position
from console.core.quoting import Route
from console.core.rebalance import breakeven
from console.core.units import CENT, ONE, Nanos, cost_of, proceeds_of

from .story import A, B

CENTS, DECI = even("cents", 10_000), even("deci", 1_000)
DIRECT = FeeModel(maker_rate=KALSHI_MAKER, unit=KALSHI_UNIT_DIRECT)
COMBO = FeeModel(maker_rate=KALSHI_MAKER_COMBO, unit=KALSHI_UNIT_DIRECT)
BROKER = FeeModel(maker_rate=KALSHI_MAKER, unit=KALSHI_UNIT_BROKER, per_order=True)
CONSERVATIVE = FeeModel(maker_rate=100_000, unit=KALSHI_UNIT_DIRECT)
ODDS = from_american("odds", (*range(-1_000, -100, 5), *range(100, 1_001, 5)))
NO_A = Instrument(A.venue, A.symbol, Side.NO)
WAYS = (
    Route(A, Action.SELL, 0b10, safe=True),
    Route(NO_A, Action.BUY, 0b10, safe=True),
    Route(B, Action.BUY, 0b10, safe=False),
)
EXPECTED_FILLS = 10


def pieces(dice: random.Random, count: int, most: int) -> list[int]:
    """`count` contracts in at most `most` pieces."""
    cuts = sorted(dice.sample(range(1, count), min(count - 1, dice.randint(0, most - 1))))
    return [end - start for start, end in zip([0, *cuts], [*cuts, count], strict=True)]


def buy(position: Position, route: Route, bid: int, count: int, fees: FeeModel, *, first: bool) -> None:
    """One fill of a route at a bid price; behind a broker the order's rounding comes with its first fill."""
    size, price = count * ONE, route.price_of(bid)
    fee = fee_of_fill(fees, price, size, maker=True)
    if fees.per_order:
        exact = FeeModel(maker_rate=fees.maker_rate, unit=1)
        fee = fee_of_fill(exact, price, size, maker=True)
        fee = type(fee)(fee + (fees.unit if first else 0))
    cost = cost_of(price, size) if route.action is Action.BUY else proceeds_of(price, size)
    position.fill(route.instrument, route.action, size, cost, fee, fees)


def held(dice: random.Random, fees: FeeModel, ladder: Ladder) -> Position:
    """Between 1 and 500 contracts of A, bought at one or two prices, perhaps partly closed already."""
    position = Position(2, False)
    position.list(A, (0,))
    position.list(B, (1,))
    bought = Route(A, Action.BUY, 0b01, safe=False)
    for count in pieces(dice, dice.randint(1, 500), 2):
        buy(position, bought, dice.choice(ladder.prices), count, fees, first=True)
    return position


@pytest.mark.parametrize("fees", [NO_FEES, DIRECT, COMBO, CONSERVATIVE, BROKER], ids=str)
@pytest.mark.parametrize("ladder", [CENTS, DECI], ids=["cents", "deci-cents"])
def test_a_reducing_fill_at_breakeven_locks_at_least_the_minimum(fees: FeeModel, ladder: Ladder) -> None:
    dice = random.Random(3)
    proven = 0
    for _ in range(500):
        position, route = held(dice, fees, ladder), dice.choice(WAYS)
        lock_min = dice.choice([0, CENT // 2, CENT])
        closing = position.reducible(0b10)
        book = Book(ladder, Stream())
        book.snapshot([], [], Nanos(1))
        face = Face(book, route.side, {})
        bid = breakeven(face, fees, closing, dice.randint(1, ONE - 1), lock_min, EXPECTED_FILLS)
        if bid is None:
            continue
        before = position.locked
        for number, count in enumerate(pieces(dice, closing.size // ONE, EXPECTED_FILLS)):
            buy(position, route, bid, count, fees, first=number == 0)
        assert position.locked - before >= lock_min * closing.size // ONE
        assert min(position.profits()) >= position.locked
        proven += 1
    assert proven > 200


def test_the_breakeven_is_the_highest_legal_price_that_locks() -> None:
    """One tick more would not lock the minimum, whatever was paid."""
    dice = random.Random(4)
    for _ in range(300):
        position = held(dice, NO_FEES, CENTS)
        book = Book(CENTS, Stream())
        book.snapshot([], [], Nanos(1))
        closing = position.reducible(0b10)
        bid = breakeven(Face(book, BookSide.BID, {}), NO_FEES, closing, ONE // 2, CENT, EXPECTED_FILLS)
        average = position.average(0b01)
        assert average is not None
        highest = CENTS.down(ONE - average - CENT)
        assert bid in (highest, CENTS.below(highest) if highest is not None else None)


@pytest.mark.parametrize("percent", [1, 2, 5])
def test_on_a_betting_exchange_both_ways_to_win_keep_the_minimum(percent: int) -> None:
    fees = FeeModel(kind=FeeKind.WINNINGS, maker_rate=percent * 10_000)
    dice = random.Random(5)
    proven = 0
    for _ in range(500):
        position, lock_min = held(dice, fees, ODDS), dice.choice([0, CENT])
        closing = position.reducible(0b10)
        book = Book(ODDS, Stream())
        book.snapshot([], [], Nanos(1))
        bid = breakeven(Face(book, BookSide.BID, {}), fees, closing, ONE // 2, lock_min, EXPECTED_FILLS)
        if bid is None:
            continue
        for count in pieces(dice, closing.size // ONE, EXPECTED_FILLS):
            buy(position, WAYS[2], bid, count, fees, first=False)
        slack = 3 * EXPECTED_FILLS  # commissions are rounded up once a fill, a millionth each
        assert min(position.profits()) >= lock_min * closing.size // ONE - slack
        proven += 1
    assert proven > 200


def test_closing_in_steps_never_loses_either() -> None:
    """Each step has its own breakeven from what is left; the sum of the steps locks a profit too."""
    dice = random.Random(6)
    for _ in range(300):
        position = held(dice, DIRECT, CENTS)
        book = Book(CENTS, Stream())
        book.snapshot([], [], Nanos(1))
        while (closing := position.reducible(0b10)).size >= ONE:
            route = dice.choice(WAYS)
            face = Face(book, route.side, {})
            bid = breakeven(face, DIRECT, closing, ONE // 2, CENT, EXPECTED_FILLS)
            if bid is None:
                break
            count = dice.randint(1, closing.size // ONE)
            before = position.locked
            buy(position, route, bid, count, DIRECT, first=False)
            assert position.locked >= before
        assert position.locked >= 0


def test_a_fair_value_far_off_does_not_move_the_breakeven_of_a_quadratic_fee() -> None:
    position = held(random.Random(8), DIRECT, CENTS)
    book = Book(CENTS, Stream())
    book.snapshot([], [], Nanos(1))
    face, closing = Face(book, BookSide.BID, {}), position.reducible(0b10)
    bids = {breakeven(face, DIRECT, closing, fair, CENT, EXPECTED_FILLS) for fair in (1, ONE // 2, ONE - 1)}
    assert len(bids) == 1
