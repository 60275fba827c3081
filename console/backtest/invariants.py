"""What must hold after every event, whatever the world and the operator do; cheap, or done now and then."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from console.backtest.broken import Broken
from console.backtest.losses import Losses
from console.backtest.money import Money
from console.backtest.resting import Resting
from console.backtest.scene import Leaving, Scene
from console.backtest.seen import Seen, SeenSource
from console.backtest.sent import check_sent
from console.core.checkpoint import Kept, OrderKept
from console.core.commands import ORDERS, AmendOrder, AnyCommand, PlaceOrder, Refuse
from console.core.events import (
    AddMatch,
    AnyEvent,
    BookDelta,
    FillReversed,
    MassStatus,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    RejectReason,
    RemoveMatch,
    SetTheo,
    Settled,
    Tick,
)
from console.core.instruments import ClientOrderId
from console.core.sources import MANUAL
from console.core.state import State
from console.core.units import MILLISECOND, SECOND
from console.sim.world import World

_TRUTH_NS, _TRUTH_EVENTS = SECOND, 100  # ours is compared with the exchange's when so much has passed
_RESTING_NS = 200 * MILLISECOND  # how often every resting order is looked at
_WORLD_EVENTS = 10_000  # the world checks its own books, which is slow
_LEASE_MAX_MS = 90_000  # of many orders on a small write budget
_STEP_MS = 1_000
_OUR_FAULT = (RejectReason.PRICE, RejectReason.SIZE, RejectReason.DUPLICATE)

# What a replay of account records must bring back; marks and what follows from them is at most a second old
_KEPT = ("runs", "trades", "account_halt", "paused", "killed", "mismatches", "fills")
_MATCH_KEPT = ("spec", "settings", "rules_confirmed", "started", "ended", "paused", "loss_halt", "positions")

Unsent = Callable[[], list[PlaceOrder | AmendOrder]]


class Invariants:
    """Looks at every event and what the engine made of it; raises Broken at the first contradiction."""

    def __init__(self, world: World) -> None:
        self.scene = Scene(world)
        self.money = Money(self.scene)
        self.orders = 0
        self._resting = Resting(self.scene)
        self._losses = Losses(self.scene)
        self._resting_ts = 0
        self._truth_ts = self._truth_turn = self._world_turn = 0

    # ---- runs

    def started(self, state: State, lost: list[int]) -> None:
        """A run began from a checkpoint; the records of the events numbered in `lost` did not survive."""
        self.scene.run(state, Seen())
        self.scene.standing.restarted(lost)
        for desk in state.desks.values():
            if MANUAL in desk.board.sources:
                self.scene.seen.sources[desk.spec.id] = {MANUAL: SeenSource()}
        self._losses.restarted()
        self._resting.restarted()
        self.money.restarted(lost)

    def dead(self, for_ns: int, expiry_s: int) -> None:
        """C15: what a dead engine left behind has ended by itself where the venue takes care of that."""
        world = self.scene.world
        for venue in world.venues:
            persona, account = world.exchange(venue).habits.persona, world.exchange(venue).account
            most_ms = persona.heartbeat_ms or (max(expiry_s * 1000, _LEASE_MAX_MS) if persona.lease else 0)
            if most_ms and for_ns > (most_ms + _STEP_MS) * MILLISECOND and account.open:
                raise Broken("lease", f"{len(account.open)} orders at {venue.value} outlived their engine")

    def recovered(self, alive: Kept, again: Kept) -> None:
        """What a journal that lost nothing gives back is what the engine knew."""
        _same(alive, again, _KEPT)
        if dict(alive.specs) != dict(again.specs):
            raise Broken("recovery", "the facts of a symbol are not those we knew")
        _same(alive.baseline, again.baseline, ("retired",))
        if again.baseline.equity_start is not None:  # else it was first marked less than a second ago
            _same(alive.baseline, again.baseline, ("equity_start", "profit_start"))
        for match, other in zip(alive.matches, again.matches, strict=True):
            _same(match, other, _MATCH_KEPT)
        known, kept = _orders(alive), _orders(again)
        for order_id, order in known.items():
            if kept.get(order_id) != order:
                raise Broken("recovery", f"{order} became {kept.get(order_id)}")

    # ---- one event

    def after(self, turn: int, event: AnyEvent, commands: list[AnyCommand], unsent: Unsent) -> None:
        """Check event number `turn`; `unsent` gives the orders that wait for the journal."""
        if type(event) is BookDelta:
            self.scene.seen.delta(event)
            if not commands:
                return
        else:
            self._learn(turn, event, commands)
        if commands:
            leaving: list[Leaving] = [c for c in commands if isinstance(c, ORDERS)]
            if leaving:
                self.orders += sum(isinstance(order, PlaceOrder) for order in leaving)
                check_sent(self.scene, leaving, event.ts)
                for order in leaving:
                    self.money.leaving(order.match, event.ts)
        if type(event) is Tick:
            self._resting.proven()
            self._resting.clock(event.wall - self.scene.world.wall, event.ts)
            self._losses.tick(event.ts, event.wall)
            if event.ts >= self._resting_ts:
                self._resting_ts = event.ts + _RESTING_NS
                self._resting.tick(event.ts)
            if event.ts >= self._truth_ts and turn >= self._truth_turn:
                self._truth_ts, self._truth_turn = event.ts + _TRUTH_NS, turn + _TRUTH_EVENTS
                self.full(turn, event.ts, unsent())

    def _learn(self, turn: int, event: AnyEvent, commands: list[AnyCommand]) -> None:
        scene = self.scene
        refused = bool(commands) and any(isinstance(command, Refuse) for command in commands)
        if not refused:
            scene.seen.learn(event)
            scene.standing.learn(turn, event)
            self._losses.learn(event)
        match event:
            case OrderFilled() | MassStatus() | Settled() | FillReversed():
                self.money.told(turn, event)
            case OrderCancelRejected():
                self._resting.learn(event)
            case OrderRejected() if event.reason in _OUR_FAULT:
                raise Broken("malformed", f"{event.order_id} refused: {event.reason.value} {event.text}")
            case OrderCanceled() | OrderExpired() | OrderRejected():
                self.money.ended(event)
            case AddMatch() if not refused and event.odds:
                scene.seen.learn(SetTheo(match=event.spec.id, odds=event.odds))
            case RemoveMatch() if not refused:
                self.money.removed(turn, event.match)
            case _:
                pass

    # ---- now and then

    def full(self, turn: int, ts: int, unsent: list[PlaceOrder | AmendOrder]) -> None:
        """Compare ours with the exchange's."""
        state = self.scene.state
        for connection in state.connections.values():
            if connection.mismatch:
                raise Broken("mismatch", f"{connection.venue.value}: {connection.mismatch}")
        self._resting.truth(ts, {order.order_id for order in unsent})
        self._resting.leases(self.scene.world.wall)
        self.money.truth(ts)
        self._losses.truth(ts)
        if turn >= self._world_turn:
            self._world_turn = turn + _WORLD_EVENTS
            defect = self.scene.world.defect()
            if defect is not None:
                raise Broken("world", defect)

    @property
    def profit(self) -> int:
        """Profit as the engine marked it last, matches removed included."""
        return self.scene.state.account.profit

    def at_rest(self) -> str:
        """Check what holds only when nothing moves; why it does not apply yet, empty when it held."""
        why = self.money.quiet()
        if not why:
            self.money.settled()
        return why


def _same(one: Struct, other: Struct, names: tuple[str, ...]) -> None:
    for name in names:
        was, became = getattr(one, name), getattr(other, name)
        if was != became:
            raise Broken("recovery", f"{type(one).__name__}.{name}: {was} became {became}")


def _orders(kept: Kept) -> dict[ClientOrderId, OrderKept]:
    """Orders of a checkpoint, their ages as moments, so that those of two checkpoints compare."""
    return {
        order.order_id: msgspec.structs.replace(
            order, placed_ns=kept.ts - order.placed_ns, amended_ns=kept.ts - order.amended_ns
        )
        for order in kept.orders
    }
