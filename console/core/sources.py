"""One source of a match's fair value: what it says, how old that is, and what it weighs by nature."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

from console.core.devig import MULTIPLICATIVE, Method
from console.core.estimators import Shock
from console.core.instruments import Venue
from console.core.matches import INPLAY, Phase
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

    __hash__ = object.__hash__  # members are single: by identity, where Enum hashes the name in Python


TYPED, ODDS, BOOK = SourceKind


class Source:
    """What one source says of a match, and when it last proved and last changed it."""

    __slots__ = (
        "_bases",
        "_logs",
        "agreed",
        "changed_ts",
        "confirmed_ts",
        "feed",
        "kind",
        "name",
        "note",
        "odds",
        "poll_s",
        "primary",
        "probabilities",
        "provider_wall",
        "received_ts",
        "references",
        "seen_wall",
        "shocked_ts",
        "shocks",
        "spread",
        "venue",
    )

    def __init__(self, name: str, kind: SourceKind, outcomes: int, venue: Venue | None = None) -> None:
        self.name = name
        self.kind = kind
        self.venue = venue
        self._bases = _bases(name, venue if kind is BOOK else None)
        self.feed = ""  # who brought what it says now, where that is not the source itself
        self.probabilities: Mapping[Method, tuple[float, ...]] = {}
        self._logs: dict[Method, tuple[float, ...]] = {}
        self.primary: tuple[float, ...] = ()  # its probabilities by the default method
        self.agreed = True  # every method says the same, as where there is no margin to take out
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
        self.shocked_ts: int | None = None  # the last shock of any outcome
        self.references: dict[str, tuple[float, ...]] = {}  # what others said when it last changed

    def learn(
        self, probabilities: Mapping[Method, tuple[float, ...]], ts: Nanos, changed_ts: Nanos | None = None
    ) -> bool:
        """Take probabilities by method, confirmed at `ts`; True when the price moved.

        `changed_ts`: since when the price stands, where the provider tells.
        """
        moved = self.primary != probabilities[MULTIPLICATIVE]
        self.confirm(ts)
        if moved:
            self.restate(probabilities)
            self.changed_ts = ts if changed_ts is None else changed_ts
        return moved

    def confirm(self, ts: Nanos) -> None:
        """It says what it said before, as seen at `ts`."""
        self.confirmed_ts = ts
        self.note = ""

    def restate(self, probabilities: Mapping[Method, tuple[float, ...]]) -> None:
        """Keep probabilities by method."""
        said = list(probabilities.values())
        self.probabilities = probabilities
        self.primary = probabilities[MULTIPLICATIVE]
        self.agreed = said.count(self.primary) == len(said)
        self._logs.clear()

    def logs(self, method: Method) -> tuple[float, ...]:
        """Logarithms of its probabilities, which the blend needs."""
        logs = self._logs.get(method)
        if logs is None:
            logs = self._logs[method] = tuple([math.log(p) for p in self.probabilities[method]])
        return logs

    def sample(self, ts: Nanos, threshold: float) -> float:
        """Feed the shock estimators and return the highest score."""
        scores = [shock.sample(ts, p, threshold) for shock, p in zip(self.shocks, self.primary, strict=False)]
        score = max(scores)
        if score >= threshold:
            self.shocked_ts = ts
        return score

    # ---- asking

    def base(self, phase: Phase) -> float:
        """Its weight while perfectly fresh."""
        before, inplay = self._bases
        weight = inplay if phase is INPLAY else before
        if self.kind is not BOOK:
            return weight
        if self.spread <= SPREAD_NARROW:
            return weight * SPREAD_NARROW_FACTOR
        return weight * SPREAD_WIDE_FACTOR if self.spread >= SPREAD_WIDE else weight

    @property
    def soft(self) -> bool:
        """A sportsbook that is not the sharp one."""
        return self.kind is ODDS and self.name != SHARP

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


def _bases(name: str, venue: Venue | None) -> tuple[float, float]:
    """What a source weighs while perfectly fresh, before the start and in play; `venue` is that of a book."""
    if venue is not None:
        return WEIGHT_VENUE[venue]
    sharp = name in (SHARP, MANUAL)
    return (WEIGHT_SHARP, WEIGHT_SHARP) if sharp else (WEIGHT_BOOK, WEIGHT_BOOK)


class Limits:
    """How long sources of each kind are believed without being heard of, and how long a line may stand.

    Of some settings in some phase, in nanoseconds.
    """

    __slots__ = ("age", "frozen", "phase", "settings")

    def __init__(self, settings: MatchSettings, phase: Phase) -> None:
        inplay = phase is INPLAY
        book_s = settings.age_max_book_inplay_s if inplay else settings.age_max_book_s
        odds_s = min(ODDS_AGE_INPLAY_S, settings.age_max_odds_s) if inplay else settings.age_max_odds_s
        frozen_s = settings.frozen_inplay_s if inplay else settings.frozen_s
        self.settings = settings
        self.phase = phase
        self.age = {BOOK: book_s * SECOND, ODDS: odds_s * SECOND, TYPED: settings.manual_ttl_s * SECOND}
        self.frozen = frozen_s * SECOND

    def age_of(self, source: Source) -> int:
        """How old the last confirmation of a source may be; a line as old as some polls of its feed."""
        age = self.age[source.kind]
        if source.poll_s and source.kind is ODDS and self.phase is not INPLAY:
            return max(age, min(ODDS_AGE_MOST_S, ODDS_POLLS * source.poll_s) * SECOND)
        return age
