"""Everything the engine keeps about one match: sources, estimates, position, quotes and their reasons."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from console.core.attribution import Attribution, Parts
from console.core.book import NEVER
from console.core.commands import QUOTE, CeilingKind, PlaceOrder
from console.core.estimators import Flow, Markouts, Volatility
from console.core.exposure import Terms, WorstCase
from console.core.instruments import BUY, NO, SELL, Action, Instrument, InstrumentSpec, Venue
from console.core.markets import Market
from console.core.matches import INPLAY, PREMATCH, STOP_QUOTING, MatchSpec, Phase
from console.core.matches import State as Stage
from console.core.orders import Order
from console.core.pairing import Confirmed, Pairing
from console.core.positions import Position, worth
from console.core.provisional import Unsettled
from console.core.quoting import Memory, Route
from console.core.reasons import Reason
from console.core.regime import Regime
from console.core.settings import MatchSettings
from console.core.theo import Board, Theo
from console.core.units import ONE, SECOND, Cash, Nanos, Price

Key = tuple[Instrument, Action]
FOREVER = Nanos(2**62)  # after any clock


class Verdict:
    """What the last evaluation said of one outcome set: bid, ceiling and why."""

    __slots__ = ("bid", "ceiling", "kind", "limit", "reason", "size")

    def __init__(self) -> None:
        self.reason = Reason.WARM_UP
        self.limit = ""
        self.ceiling: Price | None = None
        self.kind: CeilingKind = QUOTE
        self.bid: Price | None = None
        self.size = 0

    def say(self, reason: Reason, limit: str = "") -> None:
        """Nothing is bid for this set, and this is why."""
        self.reason, self.limit = reason, limit
        self.bid, self.size = None, 0


class SidePause:
    """Why and until when nothing makes us longer an outcome set."""

    __slots__ = ("reason", "until")

    def __init__(self, reason: Reason, until: Nanos) -> None:
        self.reason = reason
        self.until = until


class Flattening:
    """A match being flattened: the least its contracts may bring, and what the last exit came to.

    `open` contracts stood unpaired when it began. With `below`, the floor of every lot is so far below its
    present fair value, and `floor` the last one looked at. `waiting` of them are left out: their markets are
    over.
    """

    __slots__ = ("below", "floor", "last", "next_ts", "open", "refused", "rounds", "waiting")

    def __init__(self, floor: Price, open_: int = 0, below: Price | None = None) -> None:
        self.floor = floor
        self.open = open_
        self.below = below
        self.rounds = 0
        self.waiting = 0
        self.next_ts = Nanos(0)
        self.last: PlaceOrder | None = None
        self.refused: dict[Instrument, Nanos] = {}  # until when a way out is left alone


class Desk:
    """One match being made. Changed by the engine and its planner, in single steps."""

    __slots__ = (
        "_groups",
        "_terms",
        "_terms_of",
        "active_ts",
        "attribution",
        "board",
        "configured_odds",
        "confirmed",
        "due_ts",
        "ended",
        "evaluated_ts",
        "flattening",
        "flows",
        "full",
        "good_since",
        "keys",
        "limit",
        "loss_halt",
        "mark",
        "markets",
        "markouts",
        "memories",
        "odds_watched",
        "outcomes",
        "pairings",
        "paused",
        "pays",
        "phase",
        "placed_at",
        "positions",
        "quoted_venues",
        "reason",
        "rebalancing",
        "recent_fills",
        "regime",
        "rejects",
        "routes",
        "rules_confirmed",
        "settings",
        "settled",
        "shocked_ts",
        "short",
        "side_pauses",
        "singles",
        "spec",
        "stage",
        "started",
        "stood",
        "theo",
        "touched",
        "unpaired",
        "unsettled",
        "unvalued",
        "venues",
        "verdicts",
        "volatility",
        "worst_case",
    )

    def __init__(self, spec: MatchSpec, settings: MatchSettings, markets: list[Market]) -> None:
        self.spec = spec
        self.settings = settings
        self.markets = {market.instrument: market for market in markets}
        self.outcomes = len(spec.outcomes)
        self.full = (1 << self.outcomes) - 1
        self.venues = tuple(dict.fromkeys(listing.instrument.venue for listing in spec.listings))
        self.quoted_venues = frozenset(listing.instrument.venue for listing in spec.listings if listing.quote)
        self.pays = {
            listing.instrument: sum(1 << outcome for outcome in listing.pays) for listing in spec.listings
        }
        # By venue, the symbol to tell each single outcome's probability by, as far as there is one.
        self.singles = {venue: self._singles(venue) for venue in self.venues}
        # Every way contracts can change hands, also by hand on a symbol we only watch; `routes` are ours,
        # by the outcome set they make us long.
        self.keys = {(route.instrument, route.action): route for route in _routes(self.pays, self.full)}
        self.routes = {gained: self._ours(gained) for gained in self.sets()}
        self.rules_confirmed = ""
        self.positions = self._positions()
        self._groups = _distinct(self.positions.values())
        self._terms: dict[Instrument, Terms] = {}
        self._terms_of: list[InstrumentSpec | None] = []  # the facts they were made of

        self.board = Board(self.outcomes, settings.ceiling_methods)
        self.pairings: dict[str, Pairing] = {}  # by feed
        self.unpaired: dict[str, str] = {}  # why a feed has nothing for us
        self.confirmed: tuple[Confirmed, ...] = ()  # pairings the operator vouched for
        self.configured_odds: tuple[float, ...] = ()  # by hand, as the match was last added with
        self.odds_watched = True  # feeds are asked to bring its odds
        self.theo: Theo | None = None
        self.volatility = Volatility()
        self.regime = Regime()
        self.flows = tuple(Flow() for _ in range(self.outcomes))
        self.markouts: dict[int, Markouts] = {}
        self.attribution = Attribution()

        self.stage = Stage.INIT
        self.phase = PREMATCH
        self.started = False
        self.ended = False
        self.paused = ""  # by the operator
        self.loss_halt = ""  # falls only by the operator
        self.flattening: Flattening | None = None
        self.good_since: Nanos | None = None
        self.shocked_ts = NEVER  # the last shock of a source that counted then
        # Sign of the exposure worked off by outcome mask, the number of the netting group above its bits.
        self.rebalancing: dict[int, int] = {}
        self.side_pauses: dict[int, SidePause] = {}
        self.unsettled: dict[Venue, Unsettled] = {}  # by the first venue of the netting group

        self.memories: dict[Route, Memory] = {}
        self.verdicts = {gained: Verdict() for gained in self.sets()}
        self.reason = Reason.WARM_UP
        self.limit = ""
        self.stood: tuple[Reason, Nanos] | None = None  # the reason seen last, and since when
        self.evaluated_ts = NEVER
        self.due_ts = Nanos(0)  # when to evaluate next
        self.touched = False  # an evaluation has been asked for since the last one
        self.settled = False  # the last one left nothing to do but to wait for the answers it expects
        self.short = False  # it wanted more than limits, or our own orders on the other side, let leave
        self.active_ts = Nanos(0)  # last sign of life: a fill, a requote, a rival that moved

        self.worst_case: WorstCase  # of whoever takes the match (`State.take`), who knows its orders
        self.mark = 0  # last profit at the loss marks
        self.unvalued = False  # some position has no mark now
        self.recent_fills: dict[int, deque[tuple[Nanos, int, int | None]]] = {}  # (ts, cash, fair) by set
        self.rejects: dict[int, deque[Nanos]] = {}
        self.placed_at: dict[tuple[Instrument, Action, int], Nanos] = {}

    # ---- shape

    def sets(self) -> Iterator[int]:
        """Every outcome set something can be long of: single outcomes first, then their complements."""
        singles = [1 << outcome for outcome in range(self.outcomes)]
        yield from singles
        if self.outcomes > 2:
            yield from (self.full ^ single for single in singles)

    def _singles(self, venue: Venue) -> tuple[Instrument, ...]:
        listed = {
            pays: instrument for instrument, pays in reversed(self.pays.items()) if instrument.venue is venue
        }
        return tuple(listed[1 << outcome] for outcome in range(self.outcomes) if 1 << outcome in listed)

    def _ours(self, gained: int) -> tuple[Route, ...]:
        quoted = {listing.instrument for listing in self.spec.listings if listing.quote}
        return tuple(r for r in self.keys.values() if r.gained == gained and r.yes in quoted)

    def _positions(self) -> dict[Venue, Position]:
        shared = Position(self.outcomes, self.spec.may_none) if self.nets_across else None
        positions: dict[Venue, Position] = {}
        for listing in self.spec.listings:
            venue = listing.instrument.venue
            position = positions.setdefault(venue, shared or Position(self.outcomes, self.spec.may_none))
            position.list(listing.instrument, listing.pays)
        return positions

    def confirm_rules(self, rules_hash: str) -> None:
        """The venues' settlement rules agree: one position over all of them, begun flat."""
        assert self.flat(), "rules are confirmed while nothing is held"
        before = self.groups()
        self.rules_confirmed = rules_hash
        self.rebalancing.clear()  # its keys count netting groups
        self.positions = self._positions()
        self._groups = _distinct(self.positions.values())
        merged = self.groups()[0]
        merged.cash = merged.locked = sum(position.cash for position in before)
        merged.fees = sum(position.fees for position in before)
        merged.fills = sum(position.fills for position in before)

    def part(self, positions: dict[Venue, Position]) -> None:
        """The rules no longer agree: a position for each venue."""
        self.rules_confirmed = ""
        self.rebalancing.clear()
        self.positions = dict(positions)
        self._groups = _distinct(self.positions.values())

    @property
    def nets_across(self) -> bool:
        """Positions on different venues offset each other: one venue, or rules read and confirmed."""
        return len(self.venues) < 2 or bool(self.rules_confirmed)

    def group_of(self, venue: Venue) -> Venue:
        """The first venue of those that net with this one."""
        return next(v for v, position in self.positions.items() if position is self.positions[venue])

    def groups(self) -> tuple[Position, ...]:
        """The positions that do not net against each other."""
        return self._groups

    def terms(self) -> dict[Instrument, Terms]:
        """What exposure needs of every symbol; the plainest facts for one the venue has not defined yet."""
        specs = [market.spec for market in self.markets.values()]
        if specs != self._terms_of:
            told = zip(self.markets, (spec or InstrumentSpec() for spec in specs), strict=True)
            self._terms = {i: Terms(self.pays[i], spec.fees, spec.void_rule) for i, spec in told}
            self._terms_of = specs
        return self._terms

    # ---- asking

    @property
    def worst(self) -> int:
        """The most the match can still lose, as of the last change of its orders or position."""
        return self.worst_case.measured()

    @property
    def at_most(self) -> int:
        """No less than `worst`, and quicker told: enough to see that a limit is far."""
        return self.worst_case.bounded()

    def exposure(self, gained: int) -> int:
        """Net contracts long `gained` against the rest, over all venues."""
        outcomes = self.theo.outcomes if self.theo is not None else None
        if len(self._groups) == 1:
            return self._groups[0].exposure(gained, outcomes)
        return sum([position.exposure(gained, outcomes) for position in self._groups])

    def exposures(self) -> dict[int, int]:
        """Net contracts long every outcome set against the rest, over all venues."""
        if self.outcomes == 2:
            exposed = self.exposure(1)
            return {1: exposed, 2: -exposed}
        singles = {1 << outcome: self.exposure(1 << outcome) for outcome in range(self.outcomes)}
        return singles | {self.full ^ single: -exposed for single, exposed in singles.items()}

    def raises(self, gained: int, mask: int) -> int:
        """How much a contract long `gained` adds to the exposure of `mask`, in millionths (may be negative).

        P(gained | mask) - P(gained | the rest), by theo; exact for two outcomes.
        """
        if self.outcomes == 2:
            return ONE if gained == mask else -ONE
        weights = self.theo.outcomes if self.theo is not None else (1,) * self.outcomes
        inside = gained_inside = outside = gained_outside = 0
        for outcome, weight in enumerate(weights):
            if mask >> outcome & 1:
                inside += weight
                if gained >> outcome & 1:
                    gained_inside += weight
            else:
                outside += weight
                if gained >> outcome & 1:
                    gained_outside += weight
        return gained_inside * ONE // (inside or 1) - gained_outside * ONE // (outside or 1)

    def taken(self, mask: int, venue: Venue, orders: Sequence[Order] = ()) -> int:
        """Exposure of `mask` that stands against the inventory limit for an order at a venue.

        What nets with that venue and what these orders would add to it if all filled, and on top the
        exposure of venues that do not net with it: what is held there the other way round offsets nothing.
        """
        if not orders and len(self._groups) == 1:
            return self.exposure(mask)
        mine = self.positions[venue]
        outcomes = self.theo.outcomes if self.theo is not None else None
        total = 0
        for position in self._groups:
            exposed = position.exposure(mask, outcomes)
            for order in orders:
                if self.positions[order.instrument.venue] is position:
                    share = self.raises(self.gained_by(order), mask)
                    exposed += max(0, -(-order.remaining * share // ONE))
            total += exposed if position is mine else max(0, exposed)
        return total

    def flat(self) -> bool:
        """Nothing is held anywhere."""
        return all(position.flat for position in self.positions.values())

    def known_worth(self, instrument: Instrument) -> int | None:
        """What a symbol (YES leg) will pay by what others of the match settled at, where that is certain."""
        possible, none = self.full, self.spec.may_none
        for position in self._groups:
            these, neither = position.possible()
            possible, none = possible & these, none and neither
        if not possible and not none:  # venues that settled apart
            possible, none = self.positions[instrument.venue].possible()
        return worth(self.pays[instrument], (possible, none))

    def fair_of(self, instrument: Instrument) -> int | None:
        """Fair value of a symbol (YES leg): what it will pay where that is certain, else by theo."""
        known = self.known_worth(instrument) if self.ended else None
        if known is not None or self.theo is None:
            return known
        return self.theo.fair[self.pays[instrument]]

    def held(self, instrument: Instrument) -> int:
        """Contracts of this leg we hold."""
        return self.positions[instrument.venue].held(instrument)

    def sellable(self, instrument: Instrument) -> int:
        """Contracts of this leg we can deliver: what was bought and has not settled cannot be sold."""
        unsettled = self.unsettled.get(self.group_of(instrument.venue)) if self.unsettled else None
        if unsettled is None:
            return self.held(instrument)
        coming = sum(
            fill.size
            for fill in unsettled.fills
            if fill.trade_id in unsettled.open and fill.instrument == instrument and fill.action is BUY
        )
        return max(0, self.held(instrument) - coming)

    def age_max_book_s(self) -> int:
        """How old a book's confirmation may be."""
        settings = self.settings
        return settings.age_max_book_inplay_s if self.phase is INPLAY else settings.age_max_book_s

    def parts(self, net: Cash) -> Parts:
        """What the profit `net` of the match is made of."""
        told = {instrument: self.fair_of(instrument) for instrument in self.pays}
        fair = {instrument: price for instrument, price in told.items() if price is not None}
        return self.attribution.parts(self.groups(), fair, net)

    def gained_by(self, order: Order) -> int:
        """The outcome set an order makes us longer."""
        return self.keys[order.instrument, order.action].gained

    def memory(self, route: Route) -> Memory:
        """What placement remembers of a route."""
        memory = self.memories.get(route)
        if memory is None:
            memory = self.memories[route] = Memory(self.settings.retest_s)
        return memory

    def pause_side(self, gained: int, reason: Reason, until: Nanos) -> None:
        """Let nothing make us longer an outcome set until then; of two pauses the longer one stands."""
        standing = self.side_pauses.get(gained)
        if standing is None or until > standing.until:
            self.side_pauses[gained] = SidePause(reason, until)

    def side_pause(self, gained: int, ts: Nanos) -> SidePause | None:
        """The pause in force on an outcome set, if any."""
        pause = self.side_pauses.get(gained)
        if pause is not None and pause.until <= ts:
            del self.side_pauses[gained]
            return None
        return pause

    # ---- time

    def touch(self, ts: Nanos) -> None:
        """Ask for an evaluation: now, or as soon as the fast interval since the last one allows."""
        if self.touched:  # as soon as it can be anyway
            return
        self.touched = True
        due = self.evaluated_ts + self.settings.fast_ms * 1_000_000
        if due < ts:
            due = ts
        if due < self.due_ts:
            self.due_ts = Nanos(due)

    def urge(self, ts: Nanos) -> None:
        """Ask for an evaluation at once: something may have to retreat."""
        self.touched = True
        self.due_ts = ts

    def looked(self, ts: Nanos) -> None:
        """An evaluation begins: whatever it finds asks for the next one."""
        self.evaluated_ts, self.due_ts = ts, FOREVER
        self.touched = self.settled = False

    def wake(self, ts: Nanos, at: Nanos) -> None:
        """Have the next evaluation no later than `at`, where that is still to come."""
        if ts < at < self.due_ts:
            self.due_ts = at

    def rest(self, ts: Nanos) -> None:
        """Let the next evaluation be as late as the pace allows, if nothing has asked for an earlier one."""
        quiet = ts - self.active_ts > self.settings.quiet_s * SECOND
        pace_ms = self.settings.sleep_ms if quiet else self.settings.normal_ms
        self.wake(ts, Nanos(ts + pace_ms * 1_000_000))

    @property
    def start(self) -> Nanos:
        """When the match begins on the wall clock: ours, or an earlier start of a feed that is believed."""
        if not self.pairings:
            return self.spec.start
        told = [pairing.start for pairing in self.pairings.values() if pairing.counts]
        return min((moment for moment in (self.spec.start, *told) if moment), default=Nanos(0))

    def phase_at(self, wall: Nanos) -> Phase:
        """The phase by our clock and by what the venue or feed said of the game."""
        spec, settings, start = self.spec, self.settings, self.start
        begun = self.started or (start > 0 and wall >= start)
        if self.ended:
            return STOP_QUOTING
        if not settings.in_play:
            stop = start - settings.stop_before_start_s * SECOND
            return STOP_QUOTING if begun or (start > 0 and wall >= stop) else PREMATCH
        if spec.end > 0 and wall >= spec.end - settings.stop_before_end_s * SECOND:
            return STOP_QUOTING
        decided = self.theo is not None and max(self.theo.outcomes) > settings.stop_theo
        if begun and spec.end == 0 and decided:
            return STOP_QUOTING
        return INPLAY if begun else PREMATCH

    def next_phase(self, wall: Nanos) -> Nanos | None:
        """The next moment on the wall clock at which the phase changes by itself."""
        spec, settings, start = self.spec, self.settings, self.start
        moments = [Nanos(start - settings.stop_before_start_s * SECOND), start] if start else []
        if spec.end:
            moments.append(Nanos(spec.end - settings.stop_before_end_s * SECOND))
        return min([moment for moment in moments if moment > wall], default=None)


def _distinct(positions: Iterable[Position]) -> tuple[Position, ...]:
    return tuple({id(position): position for position in positions}.values())


def _routes(pays: dict[Instrument, int], full: int) -> Iterator[Route]:
    """Every way to trade the match: the YES leg bought and sold, and the NO leg of each symbol."""
    for yes, mask in pays.items():
        yield Route(yes, BUY, mask, safe=False)
        yield Route(yes, SELL, full ^ mask, safe=True)
        no = Instrument(yes.venue, yes.symbol, NO)
        yield Route(no, BUY, full ^ mask, safe=True)
        yield Route(no, SELL, mask, safe=False)
