"""Fair value of a match: its sources, their ages and weights, and the blend of them."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from console.core.devig import Devigged, Method, devig
from console.core.estimators import Shock
from console.core.instruments import Venue
from console.core.matches import INPLAY, Phase
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import CENT, MILLISECOND, ONE, SECOND, Nanos, Price

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
SPREAD_NARROW, SPREAD_NARROW_FACTOR = 2 * CENT, 1.05
SPREAD_WIDE, SPREAD_WIDE_FACTOR = 5 * CENT, 0.90
SPREAD_USABLE = 15 * CENT
MICROPRICE_SUM = (0.94, 1.06)
ODDS_AGE_INPLAY_S = 60
OVERROUND_USABLE = 0.20
DISAGREEMENT_WEIGHT_MIN = 0.1
DISAGREEMENT_CAP = 3 * CENT
DISAGREEMENT_STOP = 6 * CENT
SUSPECT_FLOOR = 0.01
SUSPECT_SIGMAS = 3.0
AGE_BUFFER = 1 * CENT


class SourceKind(enum.Enum):
    """Where a probability comes from, which decides its weight and how it ages."""

    MANUAL = "manual"
    ODDS = "odds"
    BOOK = "book"

    __hash__ = object.__hash__  # members are single: by identity, where Enum hashes the name in Python


_TYPED, _ODDS, _BOOK = SourceKind


class Source:
    """What one source says of a match, and when it last proved and last changed it."""

    __slots__ = (
        "_logs",
        "agreed",
        "changed_ts",
        "confirmed_ts",
        "kind",
        "name",
        "note",
        "odds",
        "primary",
        "probabilities",
        "provider_wall",
        "references",
        "shocked_ts",
        "shocks",
        "spread",
        "venue",
    )

    def __init__(self, name: str, kind: SourceKind, outcomes: int, venue: Venue | None = None) -> None:
        self.name = name
        self.kind = kind
        self.venue = venue
        self.probabilities: Mapping[Method, tuple[float, ...]] = {}
        self._logs: dict[Method, tuple[float, ...]] = {}
        self.primary: tuple[float, ...] = ()  # its probabilities by the default method
        self.agreed = True  # every method says the same, as where there is no margin to take out
        self.confirmed_ts = Nanos(0)
        self.changed_ts = Nanos(0)
        self.provider_wall = Nanos(0)
        self.odds: tuple[float, ...] = ()
        self.note = "nothing yet"  # why it does not count, empty when it does
        self.spread = 0  # of an exchange book, millionths
        self.shocks = tuple(Shock() for _ in range(1 if outcomes == 2 else outcomes))
        self.shocked_ts: int | None = None  # the last shock of any outcome
        self.references: dict[str, tuple[float, ...]] = {}  # what others said when it last changed

    def learn(self, probabilities: Mapping[Method, tuple[float, ...]], ts: Nanos) -> bool:
        """Take probabilities by method; True when the price moved."""
        moved = self.primary != probabilities[Method.MULTIPLICATIVE]
        self.confirmed_ts = ts
        self.note = ""
        if moved:
            self.restate(probabilities)
            self.changed_ts = ts
        return moved

    def restate(self, probabilities: Mapping[Method, tuple[float, ...]]) -> None:
        """Keep probabilities by method."""
        said = list(probabilities.values())
        self.probabilities = probabilities
        self.primary = probabilities[Method.MULTIPLICATIVE]
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


class Weighted(Struct, frozen=True, array_like=True):
    """One source as it entered a blend."""

    name: str
    weight: float
    confirmed_age_ms: int
    change_age_ms: int
    note: str


class Theo(Struct, frozen=True):
    """Fair value at one moment, in millionths floored; outcome sets are bit masks.

    `fair[S]` is the probability of the set, `low[S]` the lowest over the ceiling methods; `uncertainty`
    and `age` are the buffers of the trading rules. `why` says why it must not be quoted on.
    """

    fair: dict[int, int]
    low: dict[int, int]
    outcomes: tuple[int, ...]
    uncertainty: Price
    age: Price
    age_ms: int
    sources: tuple[Weighted, ...]
    why: Reason | None
    shocked_ts: Nanos | None


class _Limits:
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
        self.age = {_BOOK: book_s * SECOND, _ODDS: odds_s * SECOND, _TYPED: settings.manual_ttl_s * SECOND}
        self.frozen = frozen_s * SECOND


class Board:
    """All sources of one match."""

    __slots__ = ("_known_limits", "_sums", "methods", "outcomes", "pinned", "sources")

    def __init__(self, outcomes: int, ceiling_methods: Sequence[Method]) -> None:
        self.outcomes = outcomes
        self.sources: dict[str, Source] = {}
        self.pinned = False
        # Every outcome set is a smaller one and one more outcome.
        self._sums = [
            (mask, mask ^ 1 << mask.bit_length() - 1, mask.bit_length() - 1)
            for mask in range(1, (1 << outcomes) - 1)
        ]
        self._known_limits: _Limits | None = None
        self.methods = tuple(dict.fromkeys((Method.MULTIPLICATIVE, *ceiling_methods)))

    # ---- learning

    def odds(self, name: str, kind: SourceKind, odds: Sequence[float], ts: Nanos, wall: Nanos) -> Source:
        """Take decimal odds of every outcome; raises OddsError when they are no odds at all."""
        devigged = devig(odds, dict.fromkeys((*self.methods, Method.POWER)))
        source = self._source(name, kind)
        source.odds = tuple(odds)
        if source.learn(self._by_method(devigged), ts):
            self._refer(source)
        source.provider_wall = wall
        if kind is _ODDS and devigged.underround:
            source.note = "underround"
        elif kind is _ODDS and devigged.overround > OVERROUND_USABLE:
            source.note = "margin too large"
        return source

    def use(self, ceiling_methods: Sequence[Method]) -> None:
        """Change the methods of the ceiling; what is known is worked out afresh by the new ones."""
        methods = tuple(dict.fromkeys((Method.MULTIPLICATIVE, *ceiling_methods)))
        if methods == self.methods:
            return
        self.methods = methods
        for source in self.sources.values():
            if source.odds:
                by_method = self._by_method(devig(source.odds, dict.fromkeys((*methods, Method.POWER))))
            elif source.probabilities:
                by_method = dict.fromkeys(methods, source.primary)
            else:
                continue
            source.restate(by_method)

    def _by_method(self, devigged: Devigged) -> dict[Method, tuple[float, ...]]:
        """Probabilities by method; the power method stands in where one has no answer."""
        spare = devigged.probabilities[Method.POWER]
        return {method: devigged.probabilities.get(method, spare) for method in self.methods}

    def suspend(self, name: str) -> None:
        """The source took its line down."""
        if name in self.sources:
            self.sources[name].note = "suspended"

    def withdraw(self, name: str) -> None:
        """Forget a source."""
        self.sources.pop(name, None)

    def book(self, venue: Venue, microprices: Sequence[float | None], spread: int, ts: Nanos) -> Source:
        """Take the microprices of a venue's symbols, one for each outcome, confirmed at `ts`."""
        source = self._source(venue.value, _BOOK, venue)
        source.spread = spread
        known = [price for price in microprices if price is not None]
        total = sum(known)
        if len(known) < len(microprices):
            source.note = "one-sided book"
        elif not MICROPRICE_SUM[0] <= total <= MICROPRICE_SUM[1]:
            source.note = "prices do not add up"
        elif spread > SPREAD_USABLE:
            source.note = "spread too wide"
        else:
            fair = tuple([price / total for price in known])
            if source.learn(dict.fromkeys(self.methods, fair), ts):
                self._refer(source)
        return source

    def sample(self, ts: Nanos, threshold: float) -> float:
        """Feed every source's shock estimator and return the highest score."""
        heard = [s for s in self.sources.values() if s.probabilities and not s.note]
        return max((source.sample(ts, threshold) for source in heard), default=0.0)

    def _source(self, name: str, kind: SourceKind, venue: Venue | None = None) -> Source:
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = Source(name, kind, self.outcomes, venue)
        return source

    def _refer(self, moved: Source) -> None:
        """Remember what the others say as one moves; one heard for the first time is new to them too."""
        others = [other for other in self.sources.values() if other is not moved and other.probabilities]
        moved.references = {other.name: other.primary for other in others}
        for other in others:
            other.references.setdefault(moved.name, moved.primary)

    # ---- asking

    def blend(
        self, settings: MatchSettings, phase: Phase, ts: Nanos, quoted_on: Iterable[Venue]
    ) -> Theo | None:
        """Weigh the sources together; None when none has ever said anything.

        `quoted_on`: venues whose book holds a live order of ours for this match. Some contributing
        source must be another one, or the market would only tell us our own price.
        """
        ours = frozenset(quoted_on)
        limits = self._limits(settings, phase)
        weighted = [(source, *self._weigh(source, limits, ts, ours)) for source in self.sources.values()]
        weighted = self._cap_books(weighted)
        counting = [(source, weight) for source, weight, _ in weighted if weight > 0.0]
        why: Reason | None = None
        if not counting:
            if not any(source.probabilities for source in self.sources.values()):
                return None
            why = Reason.STALE_THEO
            counting = [(source, 1.0) for source in self.sources.values() if source.probabilities]
        elif all(source.venue in ours for source, _ in counting):
            why = Reason.NO_THEO
        by_method = _pool_all(counting, self.methods)
        fair = by_method[Method.MULTIPLICATIVE]
        ceilings = [by_method[method] for method in settings.ceiling_methods]
        sets = self._sets(fair)
        disagreement = self._disagreement(counting)
        if why is None and disagreement > DISAGREEMENT_STOP:
            why = Reason.DISAGREEMENT
        return Theo(
            fair=sets,
            low=sets if ceilings.count(fair) == len(ceilings) else self._lowest(ceilings),
            outcomes=tuple([sets[1 << outcome] for outcome in range(self.outcomes)]),
            uncertainty=Price(min(DISAGREEMENT_CAP, -(-disagreement // 2))),
            age=self._age_buffer(counting, limits, ts),
            age_ms=max(0, (ts - max([source.confirmed_ts for source, _ in counting])) // MILLISECOND),
            sources=tuple([_weighted(source, weight, note, ts) for source, weight, note in weighted]),
            why=why,
            shocked_ts=_shocked_ts(counting, settings.shock_weight_min),
        )

    def next_stale(self, settings: MatchSettings, phase: Phase, ts: Nanos) -> Nanos:
        """When the first source that counts now will be too old, unless it is heard of again."""
        limits = self._limits(settings, phase)
        moments = [2**62]
        for source in self.sources.values():
            if not source.probabilities or source.note or self._is_standing(source, limits):
                continue
            moments.append(source.confirmed_ts + limits.age[source.kind])
            if source.kind is _ODDS:
                moments.append(source.changed_ts + limits.frozen + 1)
        return Nanos(min([moment for moment in moments if moment > ts]))

    def _limits(self, settings: MatchSettings, phase: Phase) -> _Limits:
        limits = self._known_limits
        if limits is None or limits.settings is not settings or limits.phase is not phase:
            limits = self._known_limits = _Limits(settings, phase)
        return limits

    def _is_standing(self, source: Source, limits: _Limits) -> bool:
        """Typed by a person, to stand until taken back."""
        return source.kind is _TYPED and (self.pinned or not limits.age[_TYPED])

    def _weigh(self, source: Source, limits: _Limits, ts: Nanos, ours: frozenset[Venue]) -> tuple[float, str]:
        if not source.probabilities or source.note:
            return 0.0, source.note
        if self.pinned and source.kind is not _TYPED:
            return 0.0, "manual is pinned"
        if self._is_standing(source, limits):
            return WEIGHT_SHARP, ""
        age, age_max = ts - source.confirmed_ts, limits.age[source.kind]
        if age >= age_max:
            return 0.0, "stale"
        fresh = 1.0 - age / age_max
        if source.kind is _BOOK:
            return _venue_weight(source, limits.phase) * fresh, ""
        if source.kind is _ODDS:
            if ts - source.changed_ts > limits.frozen:
                return 0.0, "frozen"
            if self._is_suspect(source, ours):
                return 0.0, "suspect: others moved"
        return (WEIGHT_SHARP if source.name in (SHARP, MANUAL) else WEIGHT_BOOK) * fresh, ""

    def _is_suspect(self, source: Source, ours: frozenset[Venue]) -> bool:
        """Another source moved more than max(1 ¢, 3 sigma) since this one's price last changed.

        A book we quote on is no independent source: one rival there would talk us out of the sharp line.
        """
        for name, then in source.references.items():
            other = self.sources.get(name)
            if other is None or not other.probabilities or other.note or other.venue in ours:
                continue
            for shock, before in zip(other.shocks, then, strict=False):
                lately = shock.lately
                if lately is None:
                    continue
                # All of the last ten seconds on one side: a flicker of one quote is no evidence.
                move = max(lately[0] - before, before - lately[1])
                if move > max(SUSPECT_FLOOR, SUSPECT_SIGMAS * shock.sigma / 100.0):
                    return True
        return False

    def _cap_books(self, weighted: list[tuple[Source, float, str]]) -> list[tuple[Source, float, str]]:
        if len(weighted) * WEIGHT_BOOK <= WEIGHT_BOOKS_MAX:
            return weighted
        soft = sum(w for s, w, _ in weighted if s.kind is _ODDS and s.name != SHARP)
        if soft <= WEIGHT_BOOKS_MAX:
            return weighted
        scale = WEIGHT_BOOKS_MAX / soft
        return [(s, w * scale if s.kind is _ODDS and s.name != SHARP else w, note) for s, w, note in weighted]

    def _sets(self, probabilities: Sequence[float]) -> dict[int, int]:
        """Probability of every outcome set, floored to millionths."""
        sums = {0: 0.0}
        for mask, smaller, outcome in self._sums:
            sums[mask] = sums[smaller] + probabilities[outcome]
        return {mask: math.floor(ONE * total) for mask, total in sums.items() if mask}

    def _lowest(self, candidates: Sequence[Sequence[float]]) -> dict[int, int]:
        """Lowest probability over the candidates of every outcome set."""
        sets = [self._sets(probabilities) for probabilities in candidates]
        return {mask: min([each[mask] for each in sets]) for mask in sets[0]}

    def _disagreement(self, counting: Sequence[tuple[Source, float]]) -> int:
        """Widest difference of any outcome's probability between sources that matter, millionths."""
        heard = [source.primary for source, weight in counting if weight >= DISAGREEMENT_WEIGHT_MIN]
        if len(heard) < 2:
            return 0
        widest: float = max([max(ps) - min(ps) for ps in zip(*heard, strict=True)])
        return math.ceil(ONE * widest)

    def _age_buffer(self, counting: Sequence[tuple[Source, float]], limits: _Limits, ts: Nanos) -> Price:
        """1 ¢ times how far the confirmed age is through the second half of its limit, by weight."""
        total = late = 0.0
        for source, weight in counting:
            total += weight
            if self._is_standing(source, limits):
                continue
            half = limits.age[source.kind] / 2.0
            over = ts - source.confirmed_ts - half
            if over > 0.0:
                late += weight * min(1.0, over / half)
        return Price(math.ceil(AGE_BUFFER * late / total))


def _shocked_ts(counting: Sequence[tuple[Source, float]], weight_min: float) -> Nanos | None:
    """The last shock of a source that counts enough."""
    stamps = [
        source.shocked_ts
        for source, weight in counting
        if weight >= weight_min and source.shocked_ts is not None
    ]
    return Nanos(max(stamps)) if stamps else None


def _pool_all(
    counting: Sequence[tuple[Source, float]], methods: Sequence[Method]
) -> dict[Method, tuple[float, ...]]:
    """Blend by every method; methods between which no source makes a difference share one blend."""
    if all(source.agreed for source, _ in counting):
        return dict.fromkeys(methods, _pool(counting, Method.MULTIPLICATIVE))
    by_method: dict[Method, tuple[float, ...]] = {}
    blends: list[tuple[list[tuple[float, ...]], tuple[float, ...]]] = []
    for method in methods:
        stated = [source.probabilities[method] for source, _ in counting]
        known = next((blend for said, blend in blends if said == stated), None)
        if known is None:
            known = _pool(counting, method)
            blends.append((stated, known))
        by_method[method] = known
    return by_method


def _pool(counting: Sequence[tuple[Source, float]], method: Method) -> tuple[float, ...]:
    """theta(w) proportional to exp(sum of w_i ln p_i(w) / sum of w_i)."""
    if len(counting) == 1:
        return counting[0][0].probabilities[method]
    total = sum([weight for _, weight in counting])
    stated = [(source.logs(method), weight) for source, weight in counting]
    outcomes = range(len(stated[0][0]))
    raw = [math.exp(sum([weight * logs[o] for logs, weight in stated]) / total) for o in outcomes]
    scale = sum(raw)
    return tuple([value / scale for value in raw])


def _venue_weight(source: Source, phase: Phase) -> float:
    assert source.venue is not None, "a book source belongs to a venue"
    before, inplay = WEIGHT_VENUE[source.venue]
    weight = inplay if phase is INPLAY else before
    if source.spread <= SPREAD_NARROW:
        return weight * SPREAD_NARROW_FACTOR
    return weight * SPREAD_WIDE_FACTOR if source.spread >= SPREAD_WIDE else weight


def _weighted(source: Source, weight: float, note: str, ts: Nanos) -> Weighted:
    if not source.probabilities:
        return Weighted(source.name, weight, -1, -1, note)
    confirmed, changed = ts - source.confirmed_ts, ts - source.changed_ts
    return Weighted(
        source.name, weight, max(0, confirmed) // MILLISECOND, max(0, changed) // MILLISECOND, note
    )
