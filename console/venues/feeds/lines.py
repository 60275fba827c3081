"""What every feed's answer is turned into: events with their names, and complete lines of single books."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from console.core.matches import Kind
from console.core.units import SECOND, Nanos

BOOKSUM_MIN, BOOKSUM_MAX = 0.98, 1.25  # of one book's complete two- or three-way market


class Side(enum.Enum):
    """What a price is for, in the feed's own order of the teams."""

    HOME = "home"
    DRAW = "draw"
    AWAY = "away"
    OVER = "over"
    UNDER = "under"


class Fixture(Struct, frozen=True, kw_only=True):
    """One event as a feed lists it. Home is only a label: at neutral venues and in tennis it means nothing.

    `started` is None where nobody tells.
    """

    feed: str
    id: str
    home: str
    away: str
    start: Nanos
    key: str = ""  # where the feed keeps it: its own name of the league or tournament
    started: bool | None = None

    @property
    def title(self) -> str:
        """The two names."""
        return f"{self.home} v {self.away}"


class Line(Struct, frozen=True, kw_only=True):
    """All sides of one market of one book, as seen at one time. Odds are decimal.

    `line` is the handicap of the home side or the total, "" for the winner. Three stamps on the wall clock:
    since when the price stands (0: nobody tells), when the provider last saw it (0 likewise), and when it
    reached us.
    """

    feed: str
    book: str
    event: str
    kind: Kind
    line: str
    odds: dict[Side, float]
    changed_wall: Nanos
    provider_wall: Nanos
    received_wall: Nanos


class Trouble(Struct, frozen=True, array_like=True):
    """Something that could not be taken as a line: where, and what is wrong with it.

    `broken`: it is not what the feed promises, where a suspended or one-sided market is.
    """

    event: str
    book: str
    market: str
    text: str
    broken: bool = True

    def __str__(self) -> str:
        where = " ".join(filter(None, (self.event, self.book, self.market)))
        return f"{where}: {self.text}" if where else self.text


class Parsed(Struct, frozen=True):
    """One answer of a feed."""

    fixtures: tuple[Fixture, ...] = ()
    lines: tuple[Line, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    def merged(self, other: Parsed) -> Parsed:
        """Both answers together; of an event that is in both, what the other says of it counts."""
        fixtures = {fixture.id: fixture for fixture in (*self.fixtures, *other.fixtures)}
        return Parsed(tuple(fixtures.values()), self.lines + other.lines, self.troubles + other.troubles)


SIDES = {
    Kind.H2H: ({Side.HOME, Side.AWAY}, {Side.HOME, Side.DRAW, Side.AWAY}),
    Kind.SPREAD: ({Side.HOME, Side.AWAY},),
    Kind.TOTAL: ({Side.OVER, Side.UNDER},),
}


def unfit(kind: Kind, odds: Mapping[Side, float]) -> str | None:
    """Say why prices are no complete market that is open, or None."""
    if set(odds) not in SIDES[kind]:
        return f"only {' and '.join(side.value for side in odds) or 'nothing'} is offered"
    closed = [side.value for side, price in odds.items() if not 1.0 < price < float("inf")]
    if closed:
        return f"the price of {closed[0]} is {odds[Side(closed[0])]:g}: suspended or not offered"
    booksum = sum(1.0 / price for price in odds.values())
    if not BOOKSUM_MIN <= booksum <= BOOKSUM_MAX:
        return f"the prices add up to {booksum:.1%}: not one market of one book"
    return None


def handicap(point: float) -> str:
    """A line as everybody here writes it: 2.5, -1.5, 0."""
    return f"{point:g}" if point else "0"


def decimal_odds(american: str) -> float:
    """Decimal odds of an American price such as "-131" or "+114"; raises ValueError for anything else."""
    value = int(american)
    if abs(value) < 100:
        raise ValueError(f"{american!r} is not American odds")
    return 1.0 + (value / 100.0 if value > 0 else 100.0 / -value)


def nanos(moment: datetime) -> Nanos:
    """Wall-clock nanoseconds; a moment without a zone is UTC, as all feeds write."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    whole = int(aware.replace(microsecond=0).timestamp())
    return Nanos(whole * SECOND + aware.microsecond * 1_000)


def why_missing(troubles: Iterable[Trouble], event: str, book: str, otherwise: str) -> str:
    """Why a line did not come: the trouble of its book in that event, else what is otherwise known."""
    near = [trouble for trouble in troubles if trouble.event == event and trouble.book in (book, "")]
    return f"{near[0].market} {near[0].text}".strip() if near else otherwise
