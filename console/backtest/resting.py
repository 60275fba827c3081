"""Invariants of orders that rest: pulled in time when they must go, proven gone after a kill, all known."""

from __future__ import annotations

from collections.abc import Iterator

from console.backtest.broken import Broken, Patience
from console.backtest.scene import Scene
from console.backtest.sent import past_quoting, stale_market, stale_theo
from console.core.commands import FLATTEN, PlaceOrder
from console.core.desk import Desk
from console.core.events import OrderCancelRejected
from console.core.instruments import Action, ClientOrderId, Instrument, Venue
from console.core.units import MILLISECOND, SECOND

PULLED_NS = 350 * MILLISECOND  # a tick to notice, the fast pace, a tick to be surprised
ANSWERED_NS = 60 * SECOND
KILLED_NS = 45 * SECOND
REFUSED_NS = 1200 * MILLISECOND  # a cancel that was refused is not repeated at once
SEEN_NS = 60 * SECOND
LEASE_NS = 90 * SECOND  # the longest


class Resting:
    """Watches over orders from tick to tick."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._overdue: Patience[tuple[ClientOrderId, str]] = Patience(PULLED_NS)
        self._unanswered: Patience[ClientOrderId] = Patience(ANSWERED_NS)
        self._ghosts: Patience[ClientOrderId] = Patience(SEEN_NS)
        self._refused: dict[ClientOrderId, int] = {}  # when a cancel was refused last
        self._left: Patience[Venue] = Patience(KILLED_NS)
        self._ahead = self._ahead_ts = 0  # how far our clock was ahead at most, of late, and when

    def restarted(self) -> None:
        """A new run has to find out first what rests."""
        for patience in (self._overdue, self._unanswered, self._ghosts, self._left):
            patience.restart()
        self._refused.clear()

    def learn(self, event: OrderCancelRejected) -> None:
        """A cancel was not taken."""
        self._refused[event.order_id] = event.ts

    def clock(self, ahead: int, ts: int) -> None:
        """Our wall clock is so far ahead of the venues'."""
        if ahead >= self._ahead or ts - self._ahead_ts > LEASE_NS:
            self._ahead, self._ahead_ts = ahead, ts

    def tick(self, ts: int) -> None:
        """C9: whatever must not rest any more is being cancelled one tick later."""
        scene = self._scene
        scene.seen.fold()
        late = self._overdue.look(self._must_go(ts), ts)
        if late is not None:
            order_id, why = late
            order = scene.state.blotter.live[order_id]
            raise Broken("stale_rest", f"{order_id} on {order.instrument} rests although {why}")

    def _must_go(self, ts: int) -> Iterator[tuple[ClientOrderId, str]]:
        scene = self._scene
        state, up, refused = scene.state, scene.seen.up, self._refused
        reasons: dict[str, str] = {}
        for order in state.blotter.live.values():
            if order.in_flight or not up.get(order.instrument.venue, False):
                continue  # an answer is awaited, or no cancel would get there
            if refused and ts - refused.get(order.order_id, -REFUSED_NS) < REFUSED_NS:
                continue
            desk = state.desks[order.match]
            if order.ceiling_kind is FLATTEN:
                continue  # it takes what is there and is gone
            why = reasons.get(order.match)
            if why is None:
                why = reasons[order.match] = self._match_stands_aside(desk, ts)
            why = why or stale_market(scene, desk, order, ts)
            if why:
                yield order.order_id, why.split(" at ")[0]

    def _match_stands_aside(self, desk: Desk, ts: int) -> str:
        scene, match = self._scene, desk.spec.id
        standing, state = scene.standing, scene.state
        if standing.killed_ts is not None:
            return "killed"
        if standing.reduce_only:
            return "re-armed for getting out only"
        if standing.stopping:
            return "the run is stopping"
        if standing.paused or match in standing.paused_matches:
            return "paused"
        if state.account.halt or desk.loss_halt:
            return f"a loss limit stopped it ({state.account.halt or desk.loss_halt})"
        return past_quoting(scene, desk, state.wall) or stale_theo(scene, desk, ts)

    # ---- against the exchange

    def truth(self, ts: int, unsent: set[ClientOrderId]) -> None:
        """Every order at a venue is known, at a price we sent, once; nothing is forgotten in flight."""
        left: list[Venue] = []
        lost: list[ClientOrderId] = []
        for venue in self._scene.world.venues:
            self._known(venue)
            if self._scene.world.wire(venue).connected:
                lost += self._lost(venue, unsent)
                if self._scene.standing.killed(venue) and self._at(venue):
                    left.append(venue)
        ghost = self._ghosts.look([order for order in lost if self._ended_there(order)], ts)
        if ghost is not None:
            raise Broken("ghost", f"{ghost} is live for us and gone at the venue for {SEEN_NS // SECOND} s")
        stuck = self._unanswered.look([order for order in lost if not self._ended_there(order)], ts)
        if stuck is not None:
            raise Broken("unanswered", f"{stuck} waits for an answer for {ANSWERED_NS // SECOND} s")
        alive = self._left.look(left, ts)
        if alive is not None:
            raise Broken("killed", f"orders rest at {alive} {KILLED_NS // SECOND} s after the kill")

    def _known(self, venue: Venue) -> None:
        scene = self._scene
        places: dict[tuple[Instrument, Action, int], ClientOrderId] = {}
        for order_id, order in scene.world.exchange(venue).account.open.items():
            sent = scene.sent.get(order_id)
            if sent is None or order.price not in sent.prices:
                raise Broken(
                    "untracked", f"{order_id} rests at {venue.value} at {order.price}, never sent so"
                )
            if order_id not in scene.state.blotter.live:
                raise Broken("untracked", f"{order_id} rests at {venue.value} and we do not count it")
            place = (order.instrument, order.action, order.price)
            if place in places:
                raise Broken("duplicate", f"{order_id} and {places[place]} both rest at {place}")
            places[place] = order_id

    def leases(self, wall: int) -> None:
        """C15: where orders carry an end, each has one, no further off than a lease by our clock."""
        state = self._scene.state
        for venue in self._scene.world.venues:
            exchange = self._scene.world.exchange(venue)
            if not exchange.habits.persona.lease:
                continue
            connection = state.connections[venue]
            most = connection.lease(state.settings, len(exchange.account.open) + len(state.blotter.live))
            for order_id in exchange.account.open:
                left = exchange.habits.end_of(order_id) - wall
                if left > most + max(0, self._ahead) + SECOND:
                    raise Broken("lease", f"{order_id} may rest {left // SECOND} s without us")

    def _at(self, venue: Venue) -> bool:
        """Whether anything of ours rests at a venue or is on its way there."""
        world = self._scene.world
        travelling = any(isinstance(r.command, PlaceOrder) for r in world.wire(venue).travelling())
        return travelling or bool(world.exchange(venue).account.open)

    def proven(self) -> None:
        """What the engine holds to be proven empty is empty."""
        for connection in self._scene.state.connections.values():
            if connection.sweep is not None and connection.sweep.proven and self._at(connection.venue):
                raise Broken("kill_proof", f"{connection.venue.value} is not empty, but held to be proven so")

    def _lost(self, venue: Venue, unsent: set[ClientOrderId]) -> list[ClientOrderId]:
        """Live orders of ours that wait for an answer, or do not rest at the venue."""
        resting = self._scene.world.exchange(venue).account.open
        return [
            order_id
            for order_id, order in self._scene.state.blotter.live.items()
            if order.instrument.venue is venue
            and order_id not in unsent
            and (order.in_flight or order_id not in resting)
        ]

    def _ended_there(self, order_id: ClientOrderId) -> bool:
        return any(
            order_id in self._scene.world.exchange(venue).account.ended for venue in self._scene.world.venues
        )
