"""The legal prices of an instrument: cent, sub-cent and tapered grids, and odds ladders."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from console.core.units import ONE, Price, clip


class Band(NamedTuple):
    """Prices from `start` (inclusive) to `end` (exclusive, but for the last band) every `step`."""

    start: int
    end: int
    step: int


class Ladder:
    """Every legal price of an instrument in ascending order, strictly between 0 and $1.

    Rungs are numbered from 0. Rounding is always against us: `down` for bids, `up` for asks.
    """

    __slots__ = ("index", "name", "prices", "symmetric")

    def __init__(self, name: str, prices: Iterable[int]) -> None:
        self.name = name
        self.prices: tuple[int, ...] = tuple(sorted(set(prices)))
        if not self.prices:
            raise ValueError(f"price ladder {name!r} has no rungs")
        if self.prices[0] <= 0 or self.prices[-1] >= ONE:
            raise ValueError(f"price ladder {name!r} leaves the open interval 0..1 dollar")
        self.index: dict[int, int] = {price: rung for rung, price in enumerate(self.prices)}
        self.symmetric = all(ONE - price in self.index for price in self.prices)

    def __len__(self) -> int:
        return len(self.prices)

    def __contains__(self, price: int) -> bool:
        return price in self.index

    def down(self, price: int) -> Price | None:
        """Largest legal price at or below `price`; None below the lowest rung."""
        rung = bisect_right(self.prices, price) - 1
        return Price(self.prices[rung]) if rung >= 0 else None

    def up(self, price: int) -> Price | None:
        """Smallest legal price at or above `price`; None above the highest rung."""
        rung = bisect_left(self.prices, price)
        return Price(self.prices[rung]) if rung < len(self.prices) else None

    def below(self, price: int) -> Price | None:
        """Largest legal price strictly below `price`."""
        return self.down(price - 1)

    def above(self, price: int) -> Price | None:
        """Smallest legal price strictly above `price`."""
        return self.up(price + 1)

    def tick_at(self, price: int) -> int:
        """Distance from the rung at or below `price` to the next one up (the last gap at the top)."""
        prices, rung = self.prices, bisect_right(self.prices, price)
        if len(prices) == 1:
            return ONE
        rung = clip(rung, 1, len(prices) - 1)
        return prices[rung] - prices[rung - 1]


def banded(name: str, bands: Sequence[Band]) -> Ladder:
    """Build the grid a venue describes by price bands, leaving out 0 and $1 themselves."""
    prices: list[int] = []
    for band in bands:
        if band.step <= 0 or band.end <= band.start or (band.end - band.start) % band.step:
            raise ValueError(f"price ladder {name!r}: band {tuple(band)} is not a whole number of steps")
        if band.start < 0 or band.end > ONE:
            raise ValueError(f"price ladder {name!r}: band {tuple(band)} leaves 0 to 1 dollar")
        prices.extend(range(band.start, band.end + 1, band.step))
    return Ladder(name, (price for price in prices if 0 < price < ONE))


def even(name: str, step: int) -> Ladder:
    """A grid with one step throughout, such as 10_000 for whole cents."""
    return banded(name, [Band(0, ONE, step)])


def from_american(name: str, odds: Iterable[int]) -> Ladder:
    """An odds ladder: the price of American odds is stake over payout, rounded to the nearest millionth.

    Every whole price up to 9,970 has a millionth of its own and converts back exactly; longer odds do
    where the venue lists them in steps. +100 and -100 are the same rung.
    """
    return Ladder(name, {price_of_american(value) for value in odds})


def price_of_american(odds: int) -> Price:
    """Price of American odds: -110 -> 523810 (110/210), +150 -> 400000 (100/250).

    Half a millionth goes to the even one, so that odds and their opposite always add up to a dollar.
    """
    if abs(odds) < 100:
        raise ValueError(f"American odds are at most -100 or at least +100, not {odds:+d}")
    stake, payout = (100, odds + 100) if odds > 0 else (-odds, 100 - odds)
    whole, rest = divmod(stake * ONE, payout)
    return Price(whole + (2 * rest > payout or (2 * rest == payout and whole % 2 == 1)))


def american_of_price(price: int) -> int:
    """American odds of a rung price, the inverse of `price_of_american`; even money is +100."""
    if not 0 < price < ONE:
        raise ValueError(f"a price lies strictly between 0 and 1 dollar, not {price}")
    if 2 * price > ONE:
        return -((2 * 100 * price + (ONE - price)) // (2 * (ONE - price)))
    return (2 * 100 * (ONE - price) + price) // (2 * price)
