"""Liquidity rewards: which orders score, and how much, by the documented formula.

S(v, s) = ((v - s) / v)^2 for an order s away from the midpoint, v the most that counts. Q1 adds up bids for
the first token and offers of the second, Q2 the others; a maker is paid by the smaller, outside the middle of
the price range strictly, within it at least by a third of the larger. Exact fractions: nothing here is money.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final

from msgspec import Struct

from console.core.events import RewardPaid
from console.core.instruments import Action, Side, Venue
from console.core.units import CENT, ONE, Cash
from console.venues.polymarket.wire import floor_number, read

MIDDLE: Final = (10 * CENT, 90 * CENT)
ONE_SIDED: Final = 3  # what a quote on one side only counts less


class Quote(Struct, frozen=True, array_like=True):
    """A resting order: which token, which side, price and size in millionths."""

    side: Side
    action: Action
    price: int
    size: int


class Score(Struct, frozen=True, array_like=True):
    """One sample: both sums, and what counts."""

    one: Fraction
    two: Fraction
    counts: Fraction


def order_score(max_spread: int, distance: int) -> Fraction:
    """S of an order `distance` away from the midpoint; 0 beyond `max_spread`."""
    if distance > max_spread or max_spread <= 0:
        return Fraction(0)
    return Fraction(max_spread - distance, max_spread) ** 2


def score(quotes: Iterable[Quote], mid: int, max_spread: int, size_min: int = 0) -> Score:
    """What a set of quotes scores around the midpoint of the first token, all in millionths."""
    one = two = Fraction(0)
    for quote in quotes:
        if quote.size < size_min:
            continue
        centre = mid if quote.side is Side.YES else ONE - mid
        below = quote.action is Action.BUY
        distance = centre - quote.price if below else quote.price - centre
        worth = order_score(max_spread, abs(distance)) * Fraction(quote.size, ONE)
        if below is (quote.side is Side.YES):
            one += worth
        else:
            two += worth
    lesser = min(one, two)
    inside = MIDDLE[0] <= mid <= MIDDLE[1]
    return Score(one, two, max(lesser, max(one, two) / ONE_SIDED) if inside else lesser)


class Earning(Struct, frozen=True):
    """What one market paid on one day."""

    date: str
    condition_id: str
    earnings: Decimal


class _EarningsPage(Struct, frozen=True):
    next_cursor: str
    data: tuple[Earning, ...]


def parse_earnings(body: bytes) -> dict[tuple[str, str], int]:
    """Millionths of a dollar by day and market, of ``GET /rewards/user``. Raises ParseError."""
    page = read(body, _EarningsPage, "rewards")
    paid: dict[tuple[str, str], int] = {}
    for earning in page.data:
        key = (earning.date, earning.condition_id)
        paid[key] = paid.get(key, 0) + floor_number(earning.earnings)
    return paid


def newly_paid(before: dict[tuple[str, str], int], now: dict[tuple[str, str], int]) -> list[RewardPaid]:
    """What was paid since the last look, day by day."""
    days: dict[str, int] = {}
    for key, value in now.items():
        more = value - before.get(key, 0)
        if more > 0:
            days[key[0]] = days.get(key[0], 0) + more
    return [
        RewardPaid(venue=Venue.POLYMARKET, amount=Cash(value), why=f"liquidity rewards of {day}")
        for day, value in days.items()
    ]
