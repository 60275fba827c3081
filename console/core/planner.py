"""From fair value and books to the orders wanted on one match, with a reason for every outcome set."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from console.core.book import Face
from console.core.commands import QUOTE, REDUCE, CeilingKind
from console.core.desk import Desk, Verdict
from console.core.estimators import kelly_size
from console.core.fees import fee_per_contract
from console.core.instruments import (
    BID,
    BUY,
    SELL,
    YES,
    Action,
    Instrument,
    InstrumentSpec,
    Venue,
)
from console.core.margin import edge_at, margin_of
from console.core.markets import Market
from console.core.orders import Order
from console.core.positions import Closing, Position
from console.core.quoting import (
    Edge,
    Placed,
    Route,
    Situation,
    copied_bid,
    highest_bid,
    place_ceiling,
    place_copy,
    place_top,
)
from console.core.reasons import Reason
from console.core.rebalance import basket_leg, breakeven, lock_minimum, next_rebalancing, reduce_ceiling
from console.core.settings import CEILING, COPY, TOP
from console.core.sight import Sight
from console.core.sources import MANUAL, SHARP
from console.core.theo import Theo
from console.core.units import ONE, Nanos, Price, ceil_div

THIN_MARGIN, OVEREXPOSED = Reason.THIN_MARGIN, Reason.OVEREXPOSED  # quicker found than in their class


class Wanted(Struct, frozen=True, gc=False):
    """An order that should be resting, in bid prices (see quoting); `level` numbers a ladder of them."""

    route: Route
    level: int
    bid: Price
    size: int
    ceiling: Price
    kind: CeilingKind
    edge: Edge
    fee: int
    even: int  # breakeven bid, 0 when not reducing
    closes: int  # contracts that a reducing order and those beside it may close in all
    reason: Reason
    kelly: int | None = None  # how long of the set we may be in all


class _Candidate(Struct, frozen=True, gc=False):
    route: Route
    spec: InstrumentSpec
    bid: Price
    reason: Reason
    level: int
    ceiling: Price
    kind: CeilingKind
    fee: int
    even: int
    net: int  # what is left below the limit, the larger the better
    face: Face
    size_max: int
    edge: Edge
    reducing: bool


class Planner:
    """One evaluation of one match."""

    __slots__ = (
        "alone",
        "busy",
        "capped",
        "desk",
        "edges",
        "exposures",
        "live",
        "rebalancing",
        "settings",
        "sight",
        "theo",
        "ts",
        "working",
    )

    def __init__(self, desk: Desk, orders: Iterable[Order], sight: Sight, ts: Nanos) -> None:
        """`orders` are ours on the match."""
        assert desk.theo is not None, "a match is planned on a theo"
        self.desk = desk
        self.theo: Theo = desk.theo
        self.settings = desk.settings
        self.sight = sight
        self.ts = ts
        self.live: dict[tuple[Instrument, Action, int], Order] = {}
        self.busy: set[Instrument] = set()
        for order in orders:
            self.live[order.instrument, order.action, order.level] = order
            if order.in_flight:
                self.busy.add(order.instrument.yes)
        self.alone = len(desk.groups()) == 1  # everything nets
        self.capped = False  # a bid is held down by an order of ours on the other side of its book
        self.exposures = desk.exposures()
        self.edges: dict[tuple[int, int], Edge] = {}  # by outcome set and netting group
        self.working: dict[int, list[tuple[int, int]]] = {}  # by netting group: (outcome mask, sign)

    def plan(self) -> list[Wanted]:
        """Every order wanted; leaves the reasons in the desk's verdicts."""
        desk = self.desk
        self._rebalancing()
        wanted: list[Wanted] = []
        for gained, verdict in desk.verdicts.items():
            wanted += self._plan_set(gained, verdict)
        return wanted

    # ---- one outcome set

    def _plan_set(self, gained: int, verdict: Verdict) -> list[Wanted]:
        desk, fair = self.desk, self.theo.fair[gained]
        verdict.ceiling, verdict.kind = None, QUOTE
        pause = desk.side_pause(gained, self.ts) if desk.side_pauses else None
        if pause is not None:
            verdict.say(pause.reason)
            return []
        routes = desk.routes[gained]
        if self.rebalancing:
            routes = tuple(route for route in routes if not self._over_long(route))
            if not routes:
                verdict.say(OVEREXPOSED)
                return []
        if not self.settings.price_min <= fair <= self.settings.price_max:
            routes = tuple(route for route in routes if self.rebalancing and self._reduces(route))
            if not routes:
                verdict.say(Reason.PRICE_RANGE)
                return []
        candidates: list[_Candidate] = []
        verdict.say(THIN_MARGIN)
        edge: Edge | None = None
        for route in routes:
            reducing = self.rebalancing and self._reduces(route)
            if self._usable(route, reducing):
                if edge is None or not self.alone:
                    edge = self._edge(route)
                candidates += self._candidates(route, edge, reducing, verdict)
        if self.rebalancing:
            candidates = self._surest(candidates)
        return self._sized(candidates, gained, verdict)

    def _edge(self, route: Route) -> Edge:
        """What may be paid, by the exposure that stands against the route's venue."""
        desk, gained, venue = self.desk, route.gained, route.instrument.venue
        key = gained, id(desk.positions[venue])
        edge = self.edges.get(key)
        if edge is None:
            exposed = self.exposures[gained] if self.alone else desk.taken(gained, venue)
            margin = margin_of(desk, self.theo, gained, exposed, self.ts)
            edge = self.edges[key] = edge_at(desk, self.theo, gained, margin)
        return edge

    def _usable(self, route: Route, reducing: bool) -> bool:
        """Whether the route exists: sales need contracts held, NO legs a two-sided symbol and a wish."""
        desk, settings, instrument = self.desk, self.settings, route.instrument
        only = settings.quote_on
        if only is not None and instrument.venue is not only and not reducing:
            return False
        spec = desk.markets[route.yes].spec
        if route.action is SELL:
            held = desk.positions[instrument.venue].holdings[route.yes].net
            return bool(held) and spec is not None and spec.sellable and desk.sellable(instrument) > 0
        if instrument.side is YES:
            return True
        if spec is None or not spec.two_sided:
            return False
        if settings.no_legs:
            return True
        if desk.outcomes == 2:
            return route.gained not in desk.pays.values()
        return reducing

    def _candidates(self, route: Route, edge: Edge, reducing: bool, verdict: Verdict) -> list[_Candidate]:
        settings, yes = self.settings, route.yes
        trouble = self.sight.trouble(yes)
        if trouble is not None:
            if verdict.reason is THIN_MARGIN:
                verdict.say(trouble)
            return []
        market = self.desk.markets[yes]
        spec = market.spec
        assert spec is not None, "a market without trouble is defined"
        bids, asks = self.sight.faces(yes)
        face, opposite = (bids, asks) if route.side is BID else (asks, bids)
        ceiling = normal = highest_bid(face, spec.fees, edge.limit, edge.fair)
        even, size_max = self._even(route, face, market, edge.fair) if reducing else (None, 0)
        if even is not None:
            ceiling = reduce_ceiling(face, normal, even, edge.fair, settings.rebalance_over_fair_max)
        if ceiling is None:
            return []
        kind = QUOTE if normal is not None and ceiling <= normal else REDUCE
        if verdict.ceiling is None or ceiling > verdict.ceiling:
            verdict.ceiling = ceiling
        verdict.kind = kind
        levels = settings.levels if settings.placement is CEILING and not reducing else 1
        found: list[_Candidate] = []
        for level in range(levels):
            placed = self._place(route, face, opposite, ceiling, level, reducing)
            bid = placed.bid
            if bid is None:
                if verdict.bid is None:
                    verdict.say(placed.reason)
                continue
            fee = fee_per_contract(spec.fees, bid, edge.fair)
            net = edge.limit - bid - fee
            if reducing and self._conditional(route):
                net -= settings.lock_leg_premium
            found.append(
                _Candidate(
                    route=route,
                    spec=spec,
                    bid=bid,
                    reason=placed.reason,
                    level=level,
                    ceiling=ceiling,
                    kind=kind,
                    fee=fee,
                    even=even or 0,
                    net=net,
                    face=face,
                    size_max=size_max,
                    edge=edge,
                    reducing=reducing,
                )
            )
        return found

    def _place(
        self, route: Route, face: Face, opposite: Face, ceiling: Price, level: int, reducing: bool
    ) -> Placed:
        order = self.live.get((route.instrument, route.action, level))
        live = route.price_of(order.price) if order is not None else None
        held_back = route.yes in self.busy
        opposing = opposite.best_own()
        if opposing is not None and ONE - opposing <= ceiling:
            self.capped = True
        now = Situation(face, opposite.own, ceiling, live, opposing, held_back)
        if self.settings.placement is TOP:
            placed = place_top(now, self.desk.memory(route), self.settings, self.ts)
        else:
            placed = self._placed(route, now, level, reducing)
        return placed

    def _placed(self, route: Route, situation: Situation, level: int, reducing: bool) -> Placed:
        """By the placement of the match; the reducing side rests on top, but no lower than it would copy."""
        settings = self.settings
        if settings.placement is CEILING and not reducing:
            return place_ceiling(situation, settings, level)
        if settings.placement is COPY:
            copied = place_copy(situation, self._copied(route.gained), settings)
            if not reducing:
                return copied
            top = place_top(situation, self.desk.memory(route), settings, self.ts)
            return copied if (copied.bid or 0) > (top.bid or 0) else top
        return place_top(situation, self.desk.memory(route), settings, self.ts)

    def _copied(self, gained: int) -> Price | None:
        """The bid that copies the sharp line, or one typed by hand while the sharp book has none."""
        counting = {source.name for source in self.theo.sources if source.weight > 0.0}
        for name in (SHARP, MANUAL):
            if name in counting:
                return copied_bid(self.desk.board.sources[name].odds, gained)
        return None

    # ---- reducing

    def _rebalancing(self) -> None:
        """Enter and leave it, for each netting group by what stands against its inventory limit."""
        desk = self.desk
        smallest = min((m.spec.size_min for m in desk.markets.values() if m.spec is not None), default=1)
        for number, position in enumerate(desk.groups()):
            for outcome in range(1 if desk.outcomes == 2 else desk.outcomes):
                mask = 1 << outcome
                key = number << desk.outcomes | mask
                exposed, before = self._exposed(mask, position), desk.rebalancing.get(key, 0)
                sign = next_rebalancing(exposed, before, self.settings, smallest)
                desk.rebalancing[key] = sign
                if sign:
                    self.working.setdefault(id(position), []).append((mask, sign))
        self.rebalancing = bool(self.working)

    def _exposed(self, mask: int, position: Position) -> int:
        """Exposure of a netting group, with what others that do not net with it add the same way round."""
        desk = self.desk
        if self.alone:
            return self.exposures[mask]
        venue = next(venue for venue in desk.venues if desk.positions[venue] is position)
        own = position.exposure(mask, self.theo.outcomes)
        if own == 0:
            return 0
        return desk.taken(mask, venue) if own > 0 else -desk.taken(desk.full ^ mask, venue)

    def _over_long(self, route: Route) -> bool:
        """What it gains is what its netting group has too much of."""
        working, full = self.working.get(id(self.desk.positions[route.instrument.venue]), ()), self.desk.full
        return any(
            (sign > 0 and route.gained == mask) or (sign < 0 and route.gained == full ^ mask)
            for mask, sign in working
        )

    def _reduces(self, route: Route) -> bool:
        """It works off what its netting group has too much of."""
        position, full, gained = self.desk.positions[route.instrument.venue], self.desk.full, route.gained
        return any(
            (sign > 0 and gained == full ^ mask)
            or (sign < 0 and gained == mask)
            or (sign > 0 and gained != mask and self._needs_basket(mask, position))
            for mask, sign in self.working.get(id(position), ())
        )

    def _needs_basket(self, over: int, position: Position) -> bool:
        """Three outcomes, and what is held can neither be sold nor closed by its NO leg."""
        desk = self.desk
        if desk.outcomes < 3:
            return False
        return not any(
            desk.positions[route.instrument.venue] is position and self._usable(route, reducing=True)
            for route in desk.routes[desk.full ^ over]
        )

    def _basket(self, position: Position, leg: int) -> Closing:
        """What a leg of the basket of all other outcomes may cost, the missing legs at their best ask."""
        working = self.working.get(id(position), ())
        over = next((mask for mask, sign in working if sign > 0 and mask != leg), 0)
        if not over or leg.bit_count() > 1 or not self._needs_basket(over, position):
            return Closing()
        return basket_leg(position, over, leg, self._asks(position))

    def _asks(self, position: Position) -> dict[int, int]:
        """Others' best ask by outcome set, fees aside, on sound books of venues that net with `position`."""
        asks: dict[int, int] = {}
        for instrument in self.desk.markets:
            netted = self.desk.positions[instrument.venue] is position
            if not netted or self.sight.trouble(instrument) is not None:
                continue
            bids, offers = self.sight.faces(instrument)
            ask, mask = bids.opposing(offers.own), self.desk.pays[instrument]
            if ask is not None and ask < asks.get(mask, ONE):
                asks[mask] = ask
        return asks

    def _even(self, route: Route, face: Face, market: Market, fair: int) -> tuple[Price | None, int]:
        """Breakeven of a reducing route, and how many contracts it may close."""
        desk = self.desk
        assert market.spec is not None, "a market without trouble is defined"
        position = desk.positions[route.instrument.venue]
        closing = position.reducible(route.gained)
        if closing.size == 0 and route.action is BUY:
            closing = self._basket(position, route.gained)
        at_void = self._at_void(position) if len(desk.venues) > 1 else 0
        lock_min = lock_minimum(self.settings, desk.spec.sport, at_void, closing.size)
        even = breakeven(face, market.spec.fees, closing, fair, lock_min, self.settings.fills_expected)
        return even, closing.size

    def _at_void(self, position: Position) -> int:
        rules = {instrument: terms.void_rule for instrument, terms in self.desk.terms().items()}
        return position.locked - position.void_profit(rules, self.theo.fair)

    def _conditional(self, route: Route) -> bool:
        """Its pair with what is held pays only if one of the listed outcomes wins, and only then."""
        pairs_off = route.safe or route.action is SELL or self.desk.held(route.instrument.no) > 0
        return self.desk.spec.may_none and not pairs_off

    def _surest(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """Ways of reducing without those whose lock is conditional, unless cheaper by at least the premium.

        Where nothing can be locked for certain, a lock on condition is better than none.
        """
        certain = [
            c.net
            for c in candidates
            if c.reducing
            and not self._conditional(c.route)
            and (c.route.action is not SELL or self.desk.held(c.route.instrument) >= c.spec.size_min)
        ]
        least = max(certain, default=None)  # the premium is taken off the net of the others already
        return [
            c
            for c in candidates
            if not c.reducing or least is None or c.net >= least or not self._conditional(c.route)
        ]

    # ---- size

    def _sized(self, candidates: list[_Candidate], gained: int, verdict: Verdict) -> list[Wanted]:
        """Share the room among the routes: the best net edge first, then what is safe, then the shorter
        queue, then what ties up less cash, then as listed.
        """
        if not candidates:
            return []
        settings, positions = self.settings, self.desk.positions
        if len(candidates) > 1:
            candidates.sort(key=lambda c: (-c.net, not c.route.safe, self._queue(c), _tied_up(c), c.level))
            _sales_first(candidates)
        whole = left = settings.contracts * settings.legs_max * (settings.levels or 1)
        rooms: dict[Venue, int] = {}
        wanted: list[Wanted] = []
        closed: dict[int, int] = {}  # contracts already being closed, by netting group
        taken: dict[tuple[Instrument, int], int] = {}  # never both legs of a book for the same contracts
        for candidate in candidates:
            route, spec, bid = candidate.route, candidate.spec, candidate.bid
            venue, placed = route.instrument.venue, whole - left
            room = rooms.get(venue)
            if room is None:
                room = rooms[venue] = self._room(gained, venue)
            room = left if left < room - placed else room - placed
            if spec.kept_apart:
                room = min(room, settings.contracts - taken.get((route.yes, candidate.level), 0))
            reduces = candidate.kind is REDUCE
            if reduces:
                room = min(room, candidate.size_max - closed.get(id(positions[venue]), 0))
            size, why, kelly = self._size(candidate, room), OVEREXPOSED, None
            if settings.kelly_pct is not None and not candidate.reducing:
                kelly = self._kelly(candidate)
                if kelly is not None and kelly - self.desk.taken(gained, venue) - placed < size:
                    size, why = kelly - self.desk.taken(gained, venue) - placed, Reason.KELLY
            size = size // spec.size_step * spec.size_step
            if size < spec.size_min or size <= 0:
                if verdict.bid is None:
                    verdict.say(why)
                continue
            left -= size
            if self.rebalancing:
                group = id(positions[venue])
                closed[group] = closed.get(group, 0) + size
            if spec.kept_apart:
                rung = route.yes, candidate.level
                taken[rung] = taken.get(rung, 0) + size
            reason = candidate.reason
            if reduces:
                waits = self._conditional(route)
                reason = Reason.CONDITIONAL_LOCK if waits else Reason.REBALANCING
            wanted.append(_wanted(candidate, size, reason, kelly))
            if verdict.bid is None or bid > verdict.bid:
                verdict.say(reason)
                verdict.bid, verdict.size = bid, size
                verdict.ceiling, verdict.kind = candidate.ceiling, candidate.kind
        return wanted

    def _queue(self, candidate: _Candidate) -> int:
        """Contracts that fill before ours. An order that rests there keeps its place: nothing is before it
        where the venue does not say, or every change of a queue would move us.
        """
        route, bid = candidate.route, candidate.bid
        live = self.live.get((route.instrument, route.action, candidate.level))
        if live is not None and live.price == route.price_of(bid):
            return live.ahead or 0
        bids, asks = self.sight.faces(route.yes)
        return (bids if route.side is BID else asks).queue(bid)

    def _room(self, gained: int, venue: Venue) -> int:
        """Contracts of a set, at a venue, until the first exposure they raise is at `inventory_max`."""
        most = self.settings.inventory_max
        if self.desk.outcomes == 2:
            return most - (self.exposures[gained] if self.alone else self.desk.taken(gained, venue))
        raised = ((mask, self.desk.raises(gained, mask)) for mask in self.exposures)
        return min(
            (most - self.desk.taken(mask, venue)) * ONE // share for mask, share in raised if share > 0
        )

    def _kelly(self, candidate: _Candidate) -> int | None:
        """How long a fraction of Kelly's bet would be at this price, all legs of the match together."""
        settings = self.settings
        if settings.kelly_pct is None or settings.bankroll is None:
            return None
        cost = candidate.bid + candidate.fee
        return kelly_size(settings.kelly_pct, settings.bankroll, candidate.edge.sober, cost)

    def _size(self, candidate: _Candidate, left: int) -> int:
        """Contracts of an order within `left` that the settings and what others show allow."""
        settings, route = self.settings, candidate.route
        size = settings.contracts if settings.contracts < left else left
        if route.action is SELL:
            size = min(size, self.desk.sellable(route.instrument))
        if settings.notional is not None:
            rounded = bool(candidate.spec.prices)  # odds come to no whole millionths: half of one either way
            size = min(size, 2 * settings.notional * ONE // (2 * candidate.bid - rounded))
        share = settings.depth_share_pct
        if share is not None and not candidate.reducing:
            enough = ceil_div(size * 100, share) if share else 1
            depth = candidate.face.depth(settings.depth_span, enough)
            if depth:
                size = min(size, max(depth * share // 100, candidate.spec.size_min))
        return size


def _wanted(candidate: _Candidate, size: int, reason: Reason, kelly: int | None) -> Wanted:
    return Wanted(
        route=candidate.route,
        level=candidate.level,
        bid=candidate.bid,
        size=size,
        ceiling=candidate.ceiling,
        kind=candidate.kind,
        edge=candidate.edge,
        fee=candidate.fee,
        even=candidate.even,
        closes=candidate.size_max,
        reason=reason,
        kelly=kelly,
    )


def _tied_up(candidate: _Candidate) -> int:
    """Cash that an order on a route ties up per contract: nothing where what is held is sold."""
    return candidate.bid if candidate.route.action is not SELL else 0


def _sales_first(candidates: list[_Candidate]) -> None:
    """Where pairs are not paid out, selling what is held goes before buying the other leg of its book."""
    for at, sale in enumerate(candidates):
        if sale.spec.kept_apart and sale.route.action is SELL:
            yes = sale.route.instrument.yes
            first = next(n for n, c in enumerate(candidates) if c.route.instrument.yes == yes)
            if first < at:
                candidates.insert(first, candidates.pop(at))
