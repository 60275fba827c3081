"""One source of a match's fair value: what it says, how old that is, and what it weighs by nature."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

from console.core.devig import Method
from console.core.estimators import Shock
from console.core.instruments import Venue
from console.core.matches import Phase
from console.core.settings import MatchSettings
from console.core.units import CENT, SECOND, Nanos

MANUAL = "manual"
SHARP = "pinnacle"

WEIGHT_SHARP = 1.0  # the sharp book and what a person types
WEIGHT_BOOK = 0.2  # every other sportsbook ...
WEIGHT_BOOKS_MAX = 0.4  # ... and all of them together
WEIGHT_VENUE = {  # exchange books as signals: (before the start, in play)
    Venue.POLYMARKET: (0.70, 0.85),
    Venue.KALSHI: (0.30, 0.15),
    Venue.PROPHETX: (0.20, 0.10),
}
# Exchanges listed as books inside odds feeds: our own quotes would come back to us as fair value.
EXCHANGES = frozenset({*(venue.value for venue in Venue), "novig", "betopenly", "sporttrade"})
SPREAD_NARROW, SPREAD_NARROW_FACTOR = 2 * CENT, 1.05
SPREAD_WIDE, SPREAD_WIDE_FACTOR = 5 * CENT, 0.90
ODDS_AGE_INPLAY_S = 60
ODDS_POLLS = 3  # a line may be as old as so many polls of its feed ...
ODDS_AGE_MOST_S = 900  # ... but never older than this, however slowly a feed is asked
SUSPECT_FLOOR = 0.01
SUSPECT_SIGMAS = 3.0


class SourceKind(enum.Enum):
    """Where a probability comes from, which decides its weight and how it ages."""

    MANUAL = "manual"
    ODDS = "odds"
    BOOK = "book"


class Source:
    """What one source says of a match, and when it last proved and last changed it."""

    __slots__ = (
        "changed_ts",
        "confirmed_ts",
        "feed",
        "kind",
        "logs",
        "name",
        "note",
        "odds",
        "poll_s",
        "probabilities",
        "provider_wall",
        "received_ts",
        "references",
        "seen_wall",
        "shocks",
        "spread",
        "venue",
    )

    def __init__(self, name: str, kind: SourceKind, outcomes: int, venue: Venue | None = None) -> None:
        self.name = name
        self.kind = kind
        self.venue = venue
        self.feed = ""  # who brought what it says now, where that is not the source itself
        self.probabilities: dict[Method, tuple[float, ...]] = {}
        self.logs: dict[Method, tuple[float, ...]] = {}
        self.confirmed_ts = Nanos(0)
        self.changed_ts = Nanos(0)
        self.received_ts = Nanos(0)
        self.provider_wall = Nanos(0)
        self.seen_wall = Nanos(0)  # wall clock of the last look at it, by whichever feed
        self.poll_s = 0  # how often its feed is asked
        self.odds: tuple[float, ...] = ()
        self.note = "nothing yet"  # why it does not count, empty when it does
        self.spread = 0  # of an exchange book, millionths
        self.shocks = tuple(Shock() for _ in range(1 if outcomes == 2 else outcomes))
        self.references: dict[str, tuple[float, ...]] = {}  # what others said when it last changed

    @property
    def primary(self) -> tuple[float, ...]:
        """Its probabilities by the default method."""
        return self.probabilities[Method.MULTIPLICATIVE]

    def learn(
        self, probabilities: Mapping[Method, tuple[float, ...]], ts: Nanos, changed_ts: Nanos | None = None
    ) -> bool:
        """Take probabilities by method, confirmed at `ts`; True when the price moved.

        `changed_ts`: since when the price stands, where the provider tells.
        """
        moved = not self.probabilities or self.primary != probabilities[Method.MULTIPLICATIVE]
        self.confirmed_ts = ts
        self.note = ""
        if moved:
            self.restate(probabilities)
            self.changed_ts = ts if changed_ts is None else changed_ts
        return moved

    def restate(self, probabilities: Mapping[Method, tuple[float, ...]]) -> None:
        """Keep probabilities by method, with the logarithms the blend needs."""
        self.probabilities = dict(probabilities)
        logs = {ps: tuple([math.log(p) for p in ps]) for ps in self.probabilities.values()}
        self.logs = {method: logs[ps] for method, ps in self.probabilities.items()}

    def sample(self, ts: Nanos, threshold: float) -> float:
        """Feed the shock estimators and return the highest score."""
        return max(
            shock.sample(ts, p, threshold) for shock, p in zip(self.shocks, self.primary, strict=False)
        )

    # ---- asking

    def base(self, phase: Phase) -> float:
        """Its weight while perfectly fresh."""
        if self.kind is SourceKind.BOOK:
            assert self.venue is not None, "a book source belongs to a venue"
            before, inplay = WEIGHT_VENUE[self.venue]
            weight = inplay if phase is Phase.INPLAY else before
            if self.spread <= SPREAD_NARROW:
                return weight * SPREAD_NARROW_FACTOR
            return weight * SPREAD_WIDE_FACTOR if self.spread >= SPREAD_WIDE else weight
        return WEIGHT_SHARP if self.name in (SHARP, MANUAL) else WEIGHT_BOOK

    @property
    def soft(self) -> bool:
        """A sportsbook that is not the sharp one."""
        return self.kind is SourceKind.ODDS and self.name != SHARP

    def age_max(self, settings: MatchSettings, phase: Phase) -> int:
        """How old its last confirmation may be, in nanoseconds."""
        inplay = phase is Phase.INPLAY
        if self.kind is SourceKind.BOOK:
            return (settings.age_max_book_inplay_s if inplay else settings.age_max_book_s) * SECOND
        if self.kind is SourceKind.MANUAL:
            return settings.manual_ttl_s * SECOND
        if inplay:
            return min(ODDS_AGE_INPLAY_S, settings.age_max_odds_s) * SECOND
        polls_s = min(ODDS_AGE_MOST_S, ODDS_POLLS * self.poll_s)
        return max(settings.age_max_odds_s, polls_s) * SECOND

    def moved_from(self, then: tuple[float, ...]) -> bool:
        """It has left `then` by more than max(1 ¢, 3 sigma), and stayed away for its last ten seconds."""
        for shock, before in zip(self.shocks, then, strict=False):
            lately = shock.lately
            if lately is None:
                continue
            # All of the last ten seconds on one side: a flicker of one quote is no evidence.
            move = max(lately[0] - before, before - lately[1])
            if move > max(SUSPECT_FLOOR, SUSPECT_SIGMAS * shock.sigma / 100.0):
                return True
        return False
