"""Fair value of a match: the weights of its sources, and the blend of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import sub

from msgspec import Struct

from console.core.book import NEVER
from console.core.devig import MULTIPLICATIVE, Devigged, Method, devig
from console.core.instruments import Venue
from console.core.matches import Phase
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.sources import (
    BOOK,
    ODDS,
    TYPED,
    WEIGHT_BOOK,
    WEIGHT_BOOKS_MAX,
    WEIGHT_SHARP,
    Limits,
    Source,
    SourceKind,
)
from console.core.units import CENT, ONE, SECOND, Nanos, Price

SPREAD_USABLE = 15 * CENT
MICROPRICE_SUM = (0.94, 1.06)
OVERROUND_USABLE = 0.20
DISAGREEMENT_WEIGHT_MIN = 0.1
DISAGREEMENT_CAP = 3 * CENT
DISAGREEMENT_STOP = 6 * CENT
AGE_BUFFER = 1 * CENT
EVIDENCE_MIN = 0.25  # weight of those that must have moved before a line that stands is suspect
SUSPECT = "suspect: others moved"
ROUNDING = 0.0015  # of a probability: what feeds differ by for one price, American whole numbers above all
LOOK_KEEPS = 180 * SECOND  # a look at a book by one feed is held against the looks of others so long


class Weighted(Struct, frozen=True, array_like=True, gc=False):
    """One source as it entered a blend."""

    name: str
    weight: float
    note: str


class Look(Struct, frozen=True, array_like=True):
    """How a line reached us: by which feed, when that feed saw it, and since when its price stands.

    `seen_wall` is the provider's stamp or else the receipt; `changed_ts` None: the provider does not tell.
    """

    feed: str = ""
    seen_wall: Nanos = Nanos(0)
    received_ts: Nanos = Nanos(0)
    changed_ts: Nanos | None = None
    poll_s: int = 0


PLAIN = Look()
NEVER_SEEN = Nanos(0)


class Theo(Struct, frozen=True, gc=False):
    """Fair value at one moment, in millionths floored; outcome sets are bit masks.

    `fair[S]` is the probability of the set, `low[S]` the lowest over the ceiling methods; `uncertainty`
    and `age` are the buffers of the trading rules; `heard_ts` is when the last of its sources was confirmed.
    `why` says why it must not be quoted on.
    """

    fair: dict[int, int]
    low: dict[int, int]
    outcomes: tuple[int, ...]
    uncertainty: Price
    age: Price
    heard_ts: Nanos
    sources: tuple[Weighted, ...]
    why: Reason | None
    shocked_ts: Nanos | None


_Weight = tuple[Source, float, str]  # what a source weighs in a blend, and why it does not count


class Board:
    """All sources of one match."""

    __slots__ = ("_known_limits", "_singles", "_stamps", "_sums", "methods", "outcomes", "pinned", "sources")

    def __init__(self, outcomes: int, ceiling_methods: Sequence[Method]) -> None:
        self.outcomes = outcomes
        self._singles = tuple(1 << outcome for outcome in range(outcomes))
        self.sources: dict[str, Source] = {}
        self.pinned = False
        self._stamps: dict[tuple[str, str], tuple[Nanos, Nanos]] = {}  # newest by (source, feed): wall, ts
        # Every outcome set is a smaller one and one more outcome.
        self._sums = [
            (mask, mask ^ 1 << mask.bit_length() - 1, mask.bit_length() - 1)
            for mask in range(1, (1 << outcomes) - 1)
        ]
        self._known_limits: Limits | None = None
        self.methods = tuple(dict.fromkeys((MULTIPLICATIVE, *ceiling_methods)))

    # ---- learning

    def stamped(self, name: str, feed: str, wall: Nanos, ts: Nanos) -> Nanos:
        """Remember a provider's stamp of a source; returns when it was first seen.

        0 is no stamp: seen now. One older than the newest is no sight of anything since.
        """
        newest, first = self._stamps.get((name, feed), (NEVER_SEEN, ts))
        if wall > newest:
            newest, first = wall, ts
            self._stamps[name, feed] = newest, first
        return first if wall else ts

    def odds(
        self,
        name: str,
        kind: SourceKind,
        odds: Sequence[float],
        ts: Nanos,
        wall: Nanos,
        look: Look = PLAIN,
    ) -> Source:
        """Take decimal odds of every outcome; raises OddsError when they are no odds at all.

        `ts` is when they were last seen to stand, `wall` the provider's stamp. A look at the same book
        that is behind another one changes nothing.
        """
        devigged = devig(odds, dict.fromkeys((*self.methods, Method.POWER)))
        source = self._source(name, kind)
        if kind is ODDS and _is_behind(source, devigged.odds, wall, look):
            return source
        other = bool(look.feed and source.feed and look.feed != source.feed)
        if other and not source.note and _is_rounding(devigged.probabilities[MULTIPLICATIVE], source):
            devigged = devig(source.odds, dict.fromkeys((*self.methods, Method.POWER)))
        source.odds = devigged.odds
        if source.learn(self._by_method(devigged), ts, look.changed_ts):
            self._refer(source)
        source.provider_wall = wall
        source.feed, source.poll_s = look.feed, look.poll_s
        source.seen_wall, source.received_ts = look.seen_wall, look.received_ts
        if kind is ODDS and devigged.underround:
            source.note = "underround"
        elif kind is ODDS and devigged.overround > OVERROUND_USABLE:
            source.note = "margin too large"
        return source

    def use(self, ceiling_methods: Sequence[Method]) -> None:
        """Change the methods of the ceiling; what is known is worked out afresh by the new ones."""
        methods = tuple(dict.fromkeys((MULTIPLICATIVE, *ceiling_methods)))
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

    def suspend(self, name: str, why: str = "suspended", wall: Nanos = NEVER_SEEN, feed: str = "") -> None:
        """The source took its line down; another feed brings it back by what it saw after `wall` only."""
        source = self.sources.get(name)
        if source is not None:
            source.note = why
            source.seen_wall = max(source.seen_wall, wall)
            if feed and feed != source.feed:
                source.feed, source.provider_wall = feed, NEVER_SEEN

    def withdraw(self, name: str) -> None:
        """Forget a source."""
        self.sources.pop(name, None)

    def book(self, venue: Venue, microprices: Sequence[float | None], spread: int, ts: Nanos) -> Source:
        """Take the microprices of a venue's symbols, one for each outcome, confirmed at `ts`."""
        source = self._source(venue.value, BOOK, venue)
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
            if fair == source.primary:
                source.confirm(ts)
            else:
                source.learn(dict.fromkeys(self.methods, fair), ts)
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
        if moved.kind is ODDS:  # the only ones that are ever suspect
            moved.references = {other.name: other.primary for other in others}
        for other in others:
            other.references.setdefault(moved.name, moved.primary)

    # ---- asking

    def blend(
        self, settings: MatchSettings, phase: Phase, ts: Nanos, quoted_on: Iterable[Venue]
    ) -> Theo | None:
        """Weigh the sources together; None when none has ever given a price.

        `quoted_on`: venues whose book holds a live order of ours for this match. Where they are all that
        counts, the market would only tell us our own price: `why` is NO_THEO. Where nothing counts, or what
        was left out weighs more than what is left, `why` is STALE_THEO; where the sources are too far
        apart, DISAGREEMENT. With a `why` the value is for looking at and never for quoting; where nothing
        counts it is the blend of all that was ever said, each alike.
        """
        ours = frozenset(quoted_on)
        limits = self._limits(settings, phase)
        weighted = self._cap_books(
            [self._weigh(source, limits, ts, ours) for source in self.sources.values()]
        )
        counting: list[tuple[Source, float]] = []
        total = suspected = 0.0
        alone = True
        for source, weight, note in weighted:
            if weight > 0.0:
                counting.append((source, weight))
                total += weight
                if source.venue not in ours:
                    alone = False
            elif note is SUSPECT:
                suspected += _fresh(source, limits, ts)
        why: Reason | None = None
        if not counting:
            counting = [(source, 1.0) for source in self.sources.values() if source.probabilities]
            if not counting:
                return None
            why, total = Reason.STALE_THEO, float(len(counting))
        elif alone:
            why = Reason.NO_THEO
        elif suspected > total:
            why = Reason.STALE_THEO  # what carried the fair value is in doubt: the rest is no anchor
        newest, late, shocked_ts, widest, agreed = self._known(
            counting, limits, ts, settings.shock_weight_min
        )
        disagreement = math.ceil(ONE * widest)
        if why is None and disagreement > DISAGREEMENT_STOP:
            why = Reason.DISAGREEMENT
        if agreed:
            sets = low = self._sets(_pool(counting, total, MULTIPLICATIVE))
        else:
            by_method = _pool_all(counting, total, self.methods)
            sets = self._sets(by_method[MULTIPLICATIVE])
            low = self._lowest([by_method[method] for method in settings.ceiling_methods])
        return Theo(
            fair=sets,
            low=low,
            outcomes=tuple([sets[single] for single in self._singles]),
            uncertainty=Price(min(DISAGREEMENT_CAP, -(-disagreement // 2))),
            age=Price(math.ceil(AGE_BUFFER * late / total)),
            heard_ts=newest,
            sources=tuple([Weighted(source.name, weight, note) for source, weight, note in weighted]),
            why=why,
            shocked_ts=shocked_ts,
        )

    def next_stale(self, settings: MatchSettings, phase: Phase, ts: Nanos) -> Nanos:
        """When the first source that counts now will be too old, unless it is heard of again."""
        limits = self._limits(settings, phase)
        first = 2**62
        for source in self.sources.values():
            if not source.probabilities or source.note or self._is_standing(source, limits):
                continue
            stale = source.confirmed_ts + limits.age_of(source)
            if ts < stale < first:
                first = stale
            if source.kind is ODDS:
                frozen = source.changed_ts + limits.frozen + 1
                if ts < frozen < first:
                    first = frozen
        return Nanos(first)

    def _limits(self, settings: MatchSettings, phase: Phase) -> Limits:
        limits = self._known_limits
        if limits is None or limits.settings is not settings or limits.phase is not phase:
            limits = self._known_limits = Limits(settings, phase)
        return limits

    def is_fresh(self, source: Source, settings: MatchSettings, phase: Phase, ts: Nanos) -> bool:
        """Whether a source was heard of lately enough, or stands until taken back."""
        limits = self._limits(settings, phase)
        return self._is_standing(source, limits) or ts - source.confirmed_ts < limits.age_of(source)

    def is_young(self, source: Source, settings: MatchSettings, phase: Phase, ts: Nanos) -> bool:
        """Whether it was heard of within half the time it is believed for, where the age buffer begins."""
        limits = self._limits(settings, phase)
        return self._is_standing(source, limits) or 2 * (ts - source.confirmed_ts) <= limits.age_of(source)

    def _is_standing(self, source: Source, limits: Limits) -> bool:
        """Typed by a person, to stand until taken back."""
        return source.kind is TYPED and (self.pinned or not limits.age[TYPED])

    def _weigh(self, source: Source, limits: Limits, ts: Nanos, ours: frozenset[Venue]) -> _Weight:
        if not source.probabilities or source.note:
            return source, 0.0, source.note
        kind = source.kind
        if kind is TYPED:
            if self._is_standing(source, limits):
                return source, WEIGHT_SHARP, ""
        elif self.pinned:
            return source, 0.0, "manual is pinned"
        age, most = ts - source.confirmed_ts, limits.age_of(source)
        if age >= most:
            return source, 0.0, "stale"
        if kind is ODDS:
            if ts - source.changed_ts > limits.frozen:
                return source, 0.0, "frozen"
            if source.references and self._is_suspect(source, limits.phase, ours):
                return source, 0.0, SUSPECT
        return source, source.base(limits.phase) * (1.0 - age / most), ""

    def suspects(self, phase: Phase, quoted_on: Iterable[Venue]) -> list[str]:
        """Lines that stand although others have moved."""
        ours = frozenset(quoted_on)
        return [
            source.name
            for source in self.sources.values()
            if source.kind is ODDS and not source.note and self._is_suspect(source, phase, ours)
        ]

    def _is_suspect(self, source: Source, phase: Phase, ours: frozenset[Venue]) -> bool:
        """Others of enough weight moved more than max(1 ¢, 3 sigma) since this one's price last changed.

        A book we quote on is no independent source: one rival there would talk us out of the sharp line.
        Nor is one soft book alone: every step of its coarse prices would.
        """
        evidence = 0.0
        for name, then in source.references.items():
            other = self.sources.get(name)
            if other is None or not other.probabilities or other.note or other.venue in ours:
                continue
            if other.moved_from(then):
                evidence += other.base(phase)
        return evidence >= EVIDENCE_MIN

    def _cap_books(self, weighted: list[_Weight]) -> list[_Weight]:
        if len(weighted) * WEIGHT_BOOK <= WEIGHT_BOOKS_MAX:
            return weighted
        soft = sum(w for s, w, _ in weighted if s.soft)
        if soft <= WEIGHT_BOOKS_MAX:
            return weighted
        scale = WEIGHT_BOOKS_MAX / soft
        return [(s, w * scale if s.soft else w, note) for s, w, note in weighted]

    def _sets(self, probabilities: Sequence[float]) -> dict[int, int]:
        """Probability of every outcome set, floored to millionths."""
        if self.outcomes == 2:
            return {1: math.floor(ONE * probabilities[0]), 2: math.floor(ONE * probabilities[1])}
        sums = {0: 0.0}
        for mask, smaller, outcome in self._sums:
            sums[mask] = sums[smaller] + probabilities[outcome]
        return {mask: math.floor(ONE * total) for mask, total in sums.items() if mask}

    def _lowest(self, candidates: Sequence[Sequence[float]]) -> dict[int, int]:
        """Lowest probability over the candidates of every outcome set."""
        sets = [self._sets(probabilities) for probabilities in candidates]
        return {mask: min([each[mask] for each in sets]) for mask in sets[0]}

    def _known(
        self, counting: Sequence[tuple[Source, float]], limits: Limits, ts: Nanos, shock_weight_min: float
    ) -> tuple[Nanos, float, Nanos | None, float, bool]:
        """Everything about the sources that count but what they say.

        When the last of them was confirmed; how far the confirmed age is through the second half of its
        limit, times the weight; the last shock of one that counts enough; the widest difference of any
        outcome's probability between those that matter; whether each says the same by every method.
        """
        newest, late, agreed = NEVER, 0.0, True
        shocked_ts: Nanos | None = None
        heard: list[tuple[float, ...]] = []
        for source, weight in counting:
            confirmed, shock = source.confirmed_ts, source.shocked_ts
            if confirmed > newest:
                newest = confirmed
            half = limits.age_of(source) / 2.0
            over = ts - confirmed - half
            if over > 0.0 and not self._is_standing(source, limits):
                late += weight * min(1.0, over / half)
            if (
                shock is not None
                and weight >= shock_weight_min
                and (shocked_ts is None or shock > shocked_ts)
            ):
                shocked_ts = Nanos(shock)
            if weight >= DISAGREEMENT_WEIGHT_MIN:
                heard.append(source.primary)
            if not source.agreed:
                agreed = False
        widest: float = 0.0
        if len(heard) == 2:
            widest = max(map(abs, map(sub, *heard)))
        elif len(heard) > 2:
            widest = max([max(ps) - min(ps) for ps in zip(*heard, strict=True)])
        return newest, late, shocked_ts, widest, agreed


def _pool_all(
    counting: Sequence[tuple[Source, float]], total: float, methods: Sequence[Method]
) -> dict[Method, tuple[float, ...]]:
    """Blend by every method; methods between which no source makes a difference share one blend."""
    by_method: dict[Method, tuple[float, ...]] = {}
    blends: list[tuple[list[tuple[float, ...]], tuple[float, ...]]] = []
    for method in methods:
        stated = [source.probabilities[method] for source, _ in counting]
        known = next((blend for said, blend in blends if said == stated), None)
        if known is None:
            known = _pool(counting, total, method)
            blends.append((stated, known))
        by_method[method] = known
    return by_method


def _pool(counting: Sequence[tuple[Source, float]], total: float, method: Method) -> tuple[float, ...]:
    """theta(w) proportional to exp(sum of w_i ln p_i(w) / sum of w_i); `total` is the sum of the weights."""
    if len(counting) == 1:
        return counting[0][0].probabilities[method]
    if len(counting[0][0].primary) == 2:  # nearly always; the same sums as below, at half the price
        first = second = 0.0
        for source, weight in counting:
            log_first, log_second = source.logs(method)
            first += weight * log_first
            second += weight * log_second
        one, other = math.exp(first / total), math.exp(second / total)
        scale = one + other
        return one / scale, other / scale
    stated = [(source.logs(method), weight) for source, weight in counting]
    outcomes = range(len(stated[0][0]))
    raw = [math.exp(sum([weight * logs[o] for logs, weight in stated]) / total) for o in outcomes]
    scale = sum(raw)
    return tuple([value / scale for value in raw])


def _fresh(source: Source, limits: Limits, ts: Nanos) -> float:
    """What a source weighs by its nature and its confirmed age."""
    return source.base(limits.phase) * (1.0 - (ts - source.confirmed_ts) / limits.age_of(source))


def _is_rounding(probabilities: Sequence[float], source: Source) -> bool:
    """The same price as another feed writes it."""
    return all(abs(p - known) <= ROUNDING for p, known in zip(probabilities, source.primary, strict=True))


def _is_behind(source: Source, odds: tuple[float, ...], wall: Nanos, look: Look) -> bool:
    """Whether something newer is known of the same book, from another feed or from the same.

    A feed without stamps of its own proves nothing by answering: where it differs, its price must have
    changed after the one we know.
    """
    if 0 < wall < source.provider_wall:
        return True
    if not source.feed or look.feed == source.feed:
        return False
    lately = look.received_ts - source.received_ts <= LOOK_KEEPS  # our wall clock may have been set back
    if lately and look.seen_wall < source.seen_wall:
        return True
    return odds != source.odds and look.changed_ts is not None and look.changed_ts < source.changed_ts
