"""The odds an order may have: the rungs ProphetX lists now, or the ones its own sample once listed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from console.core.ladders import Ladder, american_of_price, from_american, price_of_american
from console.venues.prophetx.neutral import Unreadable

# (from, to, step) of the positive half of the 291 rungs in the vendor's sample client of 2024; the live list
# is longer (555 in September 2026) and changes.
_STEPS = (
    (100, 120, 1),
    (120, 200, 2),
    (200, 300, 5),
    (300, 500, 10),
    (500, 1000, 20),
    (1000, 2000, 100),
    (2000, 3000, 250),
    (3000, 5000, 500),
    (5000, 10_001, 2500),
)


class OddsLadder(Struct, frozen=True):
    """The rungs, ascending by price, and whether the venue told them or we fall back on old ones."""

    rungs: tuple[int, ...]
    fetched: bool

    @property
    def prices(self) -> tuple[int, ...]:
        """The rungs as prices of a contract, ascending."""
        return self.ladder().prices

    def ladder(self) -> Ladder:
        """The rungs as the core keeps them."""
        return from_american("odds", self.rungs)

    def longer(self, odds: int) -> int | None:
        """The rung at these odds, or the next longer one: it gives no edge away; None beyond the longest.

        By price, never by distance in American numbers: -101 and +100 are neighbours.
        """
        price = self.ladder().down(price_of_american(odds))
        return None if price is None else american_of_price(price)

    def shorter(self, odds: int) -> int | None:
        """The rung at these odds, or the next shorter one; None beyond the shortest."""
        price = self.ladder().up(price_of_american(odds))
        return None if price is None else american_of_price(price)


def parse_ladder(rungs: Iterable[int]) -> OddsLadder:
    """The list as the venue told it; raises Unreadable for one that cannot be."""
    listed = tuple(rungs)
    if len(listed) < 2 or any(abs(odds) < 100 for odds in listed):
        raise Unreadable(f"an odds ladder of {len(listed)} rungs with {min(map(abs, listed), default=0)}")
    return OddsLadder(tuple(sorted(set(listed), key=price_of_american)), fetched=True)


def _fallback() -> OddsLadder:
    up = [odds for low, high, step in _STEPS for odds in range(low, high, step)]
    down = [-odds for odds in up if odds != 100]
    return OddsLadder(tuple(sorted((*up, *down), key=price_of_american)), fetched=False)


FALLBACK = _fallback()
