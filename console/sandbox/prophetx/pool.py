"""One line: both sides in one pool, first come first served at each price, in whole cents.

Arithmetic is this file's own (fractions), so that no error of the client is shared.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from fractions import Fraction

from msgspec import Struct

from console.sandbox.prophetx.programme import Fixture, LineOf, MarketOf

LEVELS = 10


class State(enum.Enum):
    """The venue's words for where a wager stands."""

    INACTIVE = "inactive"
    OPEN = "open"
    INVALID = "invalid"
    CANCELED = "canceled"
    VOID = "void"
    WIPED = "wiped"
    SETTLED = "settled"
    CLOSED = "closed"


class Result(enum.Enum):
    """How a wager came out."""

    TBD = "tbd"
    WON = "won"
    LOST = "lost"
    PUSH = "push"


class Wager:
    """A bet, in cents; `stake` shrinks when the rest of a part-matched one is cancelled."""

    __slots__ = (
        "add_only",
        "changed",
        "created",
        "external_id",
        "fill_odds",
        "filled",
        "latest",
        "number",
        "odds",
        "pool",
        "result",
        "side",
        "stake",
        "state",
        "user",
        "wager_id",
        "winnings",
    )

    def __init__(
        self,
        number: int,
        wager_id: str,
        user: str,
        external_id: str,
        pool: Pool,
        side: int,
        odds: int,
        stake: int,
    ) -> None:
        self.number = number
        self.wager_id = wager_id
        self.user = user
        self.external_id = external_id
        self.pool = pool
        self.side = side
        self.odds = odds
        self.stake = stake
        self.filled = 0
        self.winnings = 0  # what its matched part wins
        self.latest = 0
        self.fill_odds = 0
        self.state = State.INACTIVE
        self.result = Result.TBD
        self.add_only = False
        self.created = 0.0
        self.changed = 0.0

    @property
    def open(self) -> int:
        """What may still be matched."""
        return self.stake - self.filled if self.state in (State.INACTIVE, State.OPEN) else 0

    @property
    def resting(self) -> bool:
        """On the book."""
        return self.state is State.OPEN and self.open > 0

    @property
    def matching(self) -> str:
        """The venue's word for how much of it is matched."""
        if self.filled == 0:
            return "unmatched"
        return "fully_matched" if self.filled == self.stake else "partially_matched"


def odds_ratio(odds: int) -> Fraction:
    """Profit for each unit staked."""
    return Fraction(odds, 100) if odds > 0 else Fraction(100, -odds)


def other_side(odds: int) -> int:
    """What a wager shows to those on the other side."""
    return 100 if abs(odds) == 100 else -odds


def profit(stake: int, odds: int) -> int:
    """Whole cents a stake wins."""
    return int(stake * odds_ratio(odds))


class Level(Struct, frozen=True):
    """What a taker of a side is offered: odds, what can be won, what can be risked."""

    odds: int
    wins: int
    risks: int


class Pool:
    """The wagers of one line; `changed` is called after every change of what is shown."""

    def __init__(
        self, fixture: Fixture, market: MarketOf, line: LineOf, changed: Callable[[Pool], None]
    ) -> None:
        self.fixture = fixture
        self.market = market
        self.line = line
        self.sequence = 0
        self._changed = changed
        self._resting: tuple[list[Wager], list[Wager]] = ([], [])

    def makers(self, side: int) -> Iterator[Wager]:
        """Resting wagers of a side, those the other side would trade with first at the front."""
        return iter(self._resting[side])

    def add(self, wager: Wager) -> None:
        """Let a wager rest behind those at its price."""
        queue = self._resting[wager.side]
        place = len(queue)
        while place and odds_ratio(queue[place - 1].odds) > odds_ratio(wager.odds):
            place -= 1  # shorter odds of ours are longer odds for the taker: better
        queue.insert(place, wager)
        self._changed(self)

    def remove(self, wager: Wager) -> None:
        """Take a wager out."""
        if wager in self._resting[wager.side]:
            self._resting[wager.side].remove(wager)
            self._changed(self)

    def crosses(self, side: int, odds: int) -> Wager | None:
        """The resting wager that one at these odds would trade with first."""
        first = next(self.makers(1 - side), None)
        if first is None or odds_ratio(first.odds) * odds_ratio(odds) > 1:
            return None
        return first

    def match(self, maker: Wager, taker: Wager) -> int:
        """Match as much as both have left at the maker's odds; returns the maker's stake matched."""
        matched = min(maker.open, self._affordable(maker, taker.open))
        if matched <= 0:
            return 0
        risked = profit(maker.filled + matched, maker.odds) - profit(maker.filled, maker.odds)
        maker.filled += matched
        maker.winnings += risked
        maker.latest, maker.fill_odds = matched, maker.odds
        taker.filled += risked
        taker.winnings += matched
        taker.latest, taker.fill_odds = risked, other_side(maker.odds)
        if not maker.open:
            self._resting[maker.side].remove(maker)
        self._changed(self)
        return matched

    def _affordable(self, maker: Wager, cents: int) -> int:
        """The part of a maker's stake that a taker with so much can match."""
        most = int(cents / odds_ratio(maker.odds))
        while most > 0:
            pays = profit(maker.filled + most, maker.odds) - profit(maker.filled, maker.odds)
            if pays <= cents:
                return most
            most -= 1
        return 0

    def shown(self, side: int) -> list[Level]:
        """What takers of a side see: makers of the other side at their opposite odds, ten prices at most."""
        levels: list[Level] = []
        for maker in self.makers(1 - side):
            odds = other_side(maker.odds)
            wins = maker.open
            risks = profit(wins, maker.odds)
            if levels and levels[-1].odds == odds:
                levels[-1] = Level(odds, levels[-1].wins + wins, levels[-1].risks + risks)
            elif len(levels) == LEVELS:
                break
            else:
                levels.append(Level(odds, wins, risks))
        return levels

    def all(self) -> list[Wager]:
        """Every resting wager."""
        return [*self._resting[0], *self._resting[1]]
