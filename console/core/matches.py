"""What a match is: its outcomes, the instruments on it, and the branches in which it can end."""

from __future__ import annotations

import enum
from typing import NewType

from msgspec import Struct

from console.core.instruments import YES, Instrument, Venue
from console.core.units import Nanos

MatchId = NewType("MatchId", str)

OUTCOMES_MIN = 2
OUTCOMES_MAX = 3


class Kind(enum.Enum):
    """The question a match asks."""

    H2H = "h2h"
    SPREAD = "spread"
    TOTAL = "total"


class Phase(enum.Enum):
    """Where the clock stands."""

    PREMATCH = "PREMATCH"
    INPLAY = "INPLAY"
    STOP_QUOTING = "STOP_QUOTING"


PREMATCH, INPLAY, STOP_QUOTING = Phase  # by themselves, as in instruments


class State(enum.Enum):
    """What we are doing about it."""

    INIT = "INIT"
    WAIT_DATA = "WAIT_DATA"
    QUOTING = "QUOTING"
    PAUSED = "PAUSED"
    FLATTENING = "FLATTENING"
    DONE = "DONE"


class Listing(Struct, frozen=True, array_like=True):
    """One symbol on a match: its YES leg pays when the result is one of `pays` (outcome numbers).

    `quote` False: the book is only a signal, nothing is ever traded on it.
    """

    instrument: Instrument
    pays: tuple[int, ...]
    quote: bool = True


class MatchSpec(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One question with mutually exclusive outcomes, and where it can be traded.

    `event` groups matches that share a fixture for the event limit; `start` and `end` are wall-clock
    nanoseconds, 0 when unknown. `league` is where odds feeds look for it; `odds_events` name its events
    there outright, as ``feed:id``.

    `may_none`: every listed YES may settle at nothing, as at a draw or a game called off where each team has
    a ticker of its own; then no pair of them is a lock. False only where one of the outcomes must be paid,
    or the stake comes back: both tokens of one condition, one ticker and its NO, a bet that is void.
    """

    id: MatchId
    title: str
    outcomes: tuple[str, ...]
    listings: tuple[Listing, ...]
    event: str = ""
    sport: str = ""
    league: str = ""
    kind: Kind = Kind.H2H
    line: str = ""
    start: Nanos = Nanos(0)
    end: Nanos = Nanos(0)
    may_none: bool = True
    odds_events: tuple[str, ...] = ()

    def defect(self) -> str | None:
        """Say in one line what is wrong with this match, or None."""
        n = len(self.outcomes)
        if not OUTCOMES_MIN <= n <= OUTCOMES_MAX:
            return f"outcomes: a match has {OUTCOMES_MIN} or {OUTCOMES_MAX}, not {n}"
        if len(set(self.outcomes)) != n or not all(self.outcomes):
            return "outcomes: every outcome needs a name of its own"
        if not self.listings:
            return "instruments: name at least one instrument to trade"
        seen = [listing.instrument for listing in self.listings]
        if len(set(seen)) != len(seen):
            return "instruments: the same instrument is listed twice"
        for listing in self.listings:
            if listing.instrument.side is not YES:
                return f"instruments: list {listing.instrument.symbol} by its YES leg"
            if not listing.pays or len(listing.pays) >= n or not set(listing.pays) <= set(range(n)):
                return f"instruments: {listing.instrument.symbol} must pay on some outcomes but not on all"
        if self.start and self.end and self.end <= self.start:
            return "end: the match would end before it starts"
        return None

    def pays(self, instrument: Instrument) -> tuple[int, ...]:
        """Outcomes on which `instrument` pays, either leg; raises KeyError when it is not listed."""
        for listing in self.listings:
            if listing.instrument == instrument.yes:
                if instrument.side is YES:
                    return listing.pays
                return tuple(o for o in range(len(self.outcomes)) if o not in listing.pays)
        raise KeyError(str(instrument))


def nowhere(spec: MatchSpec, only: Venue | None, preset: str) -> str | None:
    """Why no venue is left to quote on, as for a canary without a Kalshi ticker; None if one is."""
    if only is None or any(listing.quote and listing.instrument.venue is only for listing in spec.listings):
        return None
    return f"quote_on is {only.value} ({preset}), where no instrument of it is quoted"
