"""What one venue does that others do not: leases, heartbeats, failing fills, late books, lagging lists."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from console.core.events import (
    AnyEvent,
    FillConfirmed,
    FillReversed,
    MassStatus,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    VenueLimits,
)
from console.core.instruments import ClientOrderId, Venue
from console.core.units import MILLISECOND, SECOND
from console.sim.account import Account
from console.sim.clock import NEVER
from console.sim.dice import Dice
from console.sim.orders import OwnOrder

STEP_NS = 250 * MILLISECOND  # how often a venue looks at what is due
VERDICTS_TOLD_NS = 600 * SECOND  # how far back it repeats how fills ended


class Persona(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Traits of a venue; untouched, it has none of them. Chances are per fill.

    `lease`: orders carry an end that `KeepAlive` moves on. `heartbeat_ms`: without a sign of life for so long
    every order of ours goes. A fill is final about `provisional_ms` later, or `fails`. An accepted order
    reaches the book `activation_ms` later. Lists and lookups show how it was `read_lag_ms` ago.
    """

    lease: bool = False
    heartbeat_ms: int = 0
    provisional_ms: int = 0
    fails: float = 0.0
    activation_ms: int = 0
    read_lag_ms: int = 0

    @property
    def plain(self) -> bool:
        """Nothing sets it apart."""
        return self == PLAIN


PLAIN = Persona()

PERSONAS = {
    Venue.KALSHI: Persona(lease=True),
    Venue.POLYMARKET: Persona(heartbeat_ms=15_000, provisional_ms=5_000, fails=0.06),
    Venue.PROPHETX: Persona(activation_ms=700, read_lag_ms=1_500),
}


class Habits:
    """The traits of one venue at work on our account. `counts` says how often each came to something."""

    def __init__(self, venue: Venue, persona: Persona, account: Account, dice: Dice | None) -> None:
        self.persona = persona
        self.counts: dict[str, int] = {}
        self._venue = venue
        self._account = account
        self._dice = dice
        self._ends: dict[ClientOrderId, int] = {}  # wall clock, by order
        self._heard_ts: int | None = None
        self._sleeping: dict[ClientOrderId, int] = {}  # orders that are not in the book yet, and until when
        self._matched: deque[tuple[int, OrderFilled]] = deque()  # fills whose end is due
        self._verdicts: deque[tuple[int, FillConfirmed | FillReversed]] = deque()
        self._lists: deque[tuple[int, MassStatus]] = deque()

    # ---- what the venue is asked

    def limits(self) -> VenueLimits | None:
        """What it says of itself as it comes up; None where it says nothing."""
        persona = self.persona
        if persona.plain:
            return None
        return VenueLimits(
            venue=self._venue,
            write_per_s=100,
            write_burst=100,
            place=10,
            amend=10,
            cancel=2,
            renew=2 if persona.lease else 0,
            dead_man=persona.lease or bool(persona.heartbeat_ms),
        )

    def ends(self, order_id: ClientOrderId, at: int) -> None:
        """An order was taken that carries an end (wall clock; 0: none)."""
        if self.persona.lease and at:
            self._ends[order_id] = at

    def end_of(self, order_id: ClientOrderId) -> int:
        """When an order ends by itself (wall clock); never, for one that carries no end."""
        return self._ends.get(order_id, NEVER)

    def keep_alive(self, until: int, now: int) -> None:
        """A sign of life."""
        self._heard_ts = now
        for order_id in self._ends:
            if order_id in self._account.open:
                self._ends[order_id] = until

    def sleeps(self, order: OwnOrder, now: int) -> bool:
        """Whether an order stays out of the book yet."""
        if not self.persona.activation_ms:
            return False
        delay = int(self.persona.activation_ms * MILLISECOND * (0.5 + self._luck()))
        self._sleeping[order.order_id] = now + delay
        return True

    def asleep(self, order_id: ClientOrderId) -> bool:
        """Whether an order was taken and is not in the book yet."""
        return order_id in self._sleeping

    @property
    def provisional(self) -> bool:
        """Fills may still fail for a while."""
        return self.persona.provisional_ms > 0

    def matched(self, fill: OrderFilled, now: int) -> None:
        """A fill that may still fail."""
        delay = int(self.persona.provisional_ms * MILLISECOND * (0.4 + 1.2 * self._luck()))
        self._matched.append((now + delay, fill))

    def listing(self, now: int) -> MassStatus:
        """The account as its lists show it."""
        if not self.persona.read_lag_ms:
            return self._account.mass_status()
        while len(self._lists) > 1 and self._lists[1][0] <= now - self.persona.read_lag_ms * MILLISECOND:
            self._lists.popleft()
        return self._lists[0][1] if self._lists else self._account.mass_status()

    def verdicts(self) -> list[AnyEvent]:
        """How fills ended lately, for those who missed it."""
        return [verdict for _, verdict in self._verdicts]

    # ---- what comes of itself

    def due(self, now: int, wall: int) -> tuple[list[OwnOrder], list[OwnOrder], list[AnyEvent]]:
        """Orders to end, orders to put into the book, and verdicts on fills, as of now."""
        account = self._account
        if self.persona.read_lag_ms:
            self._lists.append((now, account.mass_status()))
        ended = [order for order in account.open.values() if self._over(order.order_id, now, wall)]
        awake = [order_id for order_id, at in self._sleeping.items() if at <= now]
        risen = [account.open[order_id] for order_id in awake if order_id in account.open]
        for order_id in awake:
            del self._sleeping[order_id]
        return ended, [order for order in risen if order not in ended], self._judged(now)

    def why_over(self, order: OwnOrder) -> AnyEvent:
        """What the venue says of an order it took out by itself."""
        if order.order_id in self._ends:
            return OrderExpired(order_id=order.order_id)
        return OrderCanceled(order_id=order.order_id)

    def settle_all(self, symbol: str) -> list[AnyEvent]:
        """Before a symbol pays out, every fill on it is final."""
        mine = [fill for _, fill in self._matched if fill.instrument.symbol == symbol]
        self._matched = deque(entry for entry in self._matched if entry[1] not in mine)
        return [self._confirmed(fill, 0) for fill in mine]

    def _luck(self) -> float:
        assert self._dice is not None, "a venue with traits has dice"
        return self._dice.random()

    def count(self, name: str) -> None:
        """Something came of a trait."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def _over(self, order_id: ClientOrderId, now: int, wall: int) -> bool:
        end = self._ends.get(order_id)
        if end is not None and end <= wall:
            self.count("lease_ended")
            return True
        silence = self.persona.heartbeat_ms * MILLISECOND
        if silence and self._heard_ts is None:
            self._heard_ts = now
        if silence and self._heard_ts is not None and now - self._heard_ts > silence:
            self.count("heartbeat_missed")
            return True
        return False

    def _judged(self, now: int) -> list[AnyEvent]:
        verdicts: list[AnyEvent] = []
        due = [fill for at, fill in self._matched if at <= now]
        self._matched = deque(entry for entry in self._matched if entry[0] > now)
        for fill in due:
            if self._luck() < self.persona.fails and self._account.can_undo(fill):
                verdicts.append(self._reversed(fill, now))
            else:
                verdicts.append(self._confirmed(fill, now))
        while self._verdicts and self._verdicts[0][0] < now - VERDICTS_TOLD_NS:
            self._verdicts.popleft()
        return verdicts

    def _confirmed(self, fill: OrderFilled, now: int) -> AnyEvent:
        self._account.made_final(fill.trade_id)
        return self._told(FillConfirmed(venue=self._venue, trade_id=fill.trade_id), now)

    def _reversed(self, fill: OrderFilled, now: int) -> AnyEvent:
        self.count("fill_failed")
        self._account.undo(fill)
        return self._told(FillReversed(venue=self._venue, trade_id=fill.trade_id, why="failed"), now)

    def _told(self, verdict: FillConfirmed | FillReversed, now: int) -> AnyEvent:
        self._verdicts.append((now, verdict))
        return verdict
