"""All mutable state of the engine, and the few things everybody who changes it needs."""

from __future__ import annotations

from collections import deque
from functools import partial

from msgspec import Struct

from console.core.account import Account
from console.core.book import NEVER
from console.core.commands import Alert, AnyCommand, CancelOrder, Refuse, Severity, UnwatchOdds, WatchOdds
from console.core.connection import Connection
from console.core.desk import Desk
from console.core.events import FeedStatus, Mode
from console.core.exposure import WorstCase
from console.core.feetruth import FeeTally
from console.core.instruments import Action, ClientOrderId, Instrument, RunId, Venue
from console.core.markets import Market
from console.core.matches import MatchId
from console.core.orders import Blotter, Order
from console.core.reasons import Reason
from console.core.risk import bound_of, fair_of, worst_by
from console.core.settings import AccountSettings
from console.core.units import Nanos, Price

LOG_LINES = 2000
FILLS_KEPT = 2000


class FillRecord(Struct, frozen=True):
    """One fill as people look at it; `fair` is the theo of what was gained at that moment."""

    ts: Nanos
    wall: Nanos
    match: MatchId
    instrument: Instrument
    action: Action
    price: Price
    size: int
    fee: int
    edge: int | None
    locked: int


class Line(Struct, frozen=True, array_like=True):
    """One line of the log."""

    wall: Nanos
    severity: Severity
    match: MatchId
    text: str


class Override(Struct, frozen=True, array_like=True):
    """A setting that is changed for a while: until when (this run's clock), and what it was before."""

    until: Nanos
    was: str


class Opening(Struct, frozen=True):
    """What a session begins with: profit by our books, and what is held at the same marks."""

    profit: int
    value: int


class KillRecord(Struct, frozen=True):
    """A kill in force: who, when, and how many orders were out."""

    by: str
    ts: Nanos
    wall: Nanos
    at_kill: int


class State:
    """Everything the engine knows. Created by `Started`, changed within one event at a time."""

    __slots__ = (
        "account",
        "account_name",
        "blotter",
        "clock_set_ts",
        "connections",
        "console",
        "desks",
        "fee_halts",
        "fee_tallies",
        "feeds",
        "fills",
        "gated",
        "kill",
        "log",
        "markets",
        "mode",
        "neared",
        "next_order",
        "next_second",
        "on_market",
        "opening",
        "out",
        "overrides",
        "paused",
        "recent_fills",
        "recovering",
        "reduce_only",
        "rejects",
        "run_id",
        "runs",
        "settings",
        "started_wall",
        "stopping",
        "ts",
        "unwatched",
        "wall",
        "wall_offset",
    )

    def __init__(self, run_id: RunId, mode: Mode, account_name: str, settings: AccountSettings) -> None:
        self.run_id = run_id
        self.mode = mode
        self.account_name = account_name
        self.settings = settings
        self.ts = Nanos(0)
        self.wall = Nanos(0)
        self.started_wall = Nanos(0)
        self.wall_offset = 0  # of the wall clock from the monotonic one, at the last tick
        self.clock_set_ts = NEVER  # when it last jumped
        self.out: list[AnyCommand] = []

        self.markets: dict[Instrument, Market] = {}
        self.desks: dict[MatchId, Desk] = {}
        self.on_market: dict[Instrument, tuple[Desk, ...]] = {}
        self.connections: dict[Venue, Connection] = {}
        self.blotter = Blotter()
        self.account = Account(settings)

        self.kill: KillRecord | None = None
        self.paused = ""
        self.stopping = ""
        self.reduce_only = False  # re-armed after a kill for getting out only
        self.gated = False  # real orders wait for the start gate
        self.console = False  # a controlling console is attached
        self.unwatched = ""  # why the watchdog does not watch; empty when it does, or when none is needed
        self.feeds: dict[str, FeedStatus] = {}
        self.neared: dict[tuple[str, str], None] = {}  # limits told to be neared
        self.overrides: dict[tuple[MatchId, str], Override] = {}  # settings changed for a while
        self.fee_tallies: dict[str, FeeTally] = {}  # by series
        self.fee_halts: dict[str, str] = {}  # why a series is not quoted; falls only by the operator
        self.recovering = False  # an earlier run's records are being read: nothing is decided
        self.opening: Opening | None = None  # how this session began
        self.next_order = 1
        self.runs: tuple[RunId, ...] = (run_id,)  # ours and earlier ones: their orders are orphans
        self.next_second = Nanos(0)

        self.fills = 0
        self.rejects = 0
        self.recent_fills: deque[FillRecord] = deque(maxlen=FILLS_KEPT)
        self.log: deque[Line] = deque(maxlen=LOG_LINES)

    # ---- speaking

    def send(self, command: AnyCommand) -> None:
        """Ask the world for something; of a venue that is not configured there is nobody to ask."""
        venue = getattr(command, "venue", None) or getattr(
            getattr(command, "instrument", None), "venue", None
        )
        if venue is None or not self.absent(venue):
            self.out.append(command)

    def absent(self, venue: Venue) -> bool:
        """Whether a venue is known from earlier runs only."""
        connection = self.connections.get(venue)
        return connection is not None and connection.absent

    def note(self, text: str, match: MatchId | str = "", severity: Severity = Severity.INFO) -> None:
        """Write a line to the log."""
        self.log.appendleft(Line(self.wall, severity, MatchId(match), text))

    def alert(self, severity: Severity, text: str, match: MatchId | str = "") -> None:
        """Write a line to the log and tell the operator."""
        self.note(text, match, severity)
        self.send(Alert(severity=severity, text=text, match=MatchId(match)))

    def refuse(self, text: str) -> None:
        """Say why the operator's event cannot be taken."""
        self.send(Refuse(text=text))

    # ---- shared moves

    def new_order_id(self) -> ClientOrderId:
        """The next client order id of this run."""
        number = self.next_order
        self.next_order += 1
        return ClientOrderId(f"{self.run_id}-{number}")

    def cancel(self, order: Order) -> None:
        """Send a cancel for one order, but for one that was refused a moment ago."""
        if order.retry_ts is not None:
            return
        desk = self.desks.get(order.match)
        if desk is not None:
            desk.settled = False  # unless an evaluation sends it, which knows what is to follow
        self.blotter.cancel_sent(order, self.ts)
        self.send_cancel(order)

    def send_cancel(self, order: Order) -> None:
        """Send a cancel and leave the order as it is: of unknown fate, until the venue tells."""
        budget = self.connections[order.instrument.venue].budget
        budget.take(budget.costs.cancel, self.ts)
        self.send(
            CancelOrder(
                order_id=order.order_id, venue_order_id=order.venue_order_id, instrument=order.instrument
            )
        )

    def cancel_match(self, desk: Desk) -> None:
        """Send a cancel for every order of a match that does not wait for an answer already."""
        for order in self.blotter.of_match(desk.spec.id):
            if not order.in_flight:
                self.cancel(order)

    def watch_odds(self, desk: Desk) -> None:
        """Have the feeds bring the odds of a match, by its facts as they are now."""
        desk.odds_watched = True
        self.send(WatchOdds(spec=desk.spec))

    def unwatch_odds(self, desk: Desk) -> None:
        """Spend no more credits of the feeds on a match."""
        desk.odds_watched = False
        self.send(UnwatchOdds(match=desk.spec.id))

    def quoting_on(self, desk: Desk) -> frozenset[Venue]:
        """Venues whose book may tell us our own price: those quoted on, or with an order of ours left."""
        only = desk.settings.quote_on
        if only is None:
            return desk.quoted_venues
        return frozenset([only, *[order.instrument.venue for order in self.blotter.of_match(desk.spec.id)]])

    def quote_trouble(self, venue: Venue) -> Reason | None:
        """Why nothing may rest at a venue now."""
        return self.connections[venue].quote_trouble(self.settings, self.ts)

    def urge_venue(self, venue: Venue) -> None:
        """Have every match on a venue evaluated at once."""
        for desk in self.desks.values():
            if venue in desk.venues:
                desk.urge(self.ts)

    def orders_at(self, venue: Venue) -> int:
        """How many of our orders may rest at a venue."""
        return sum(order.instrument.venue is venue for order in self.blotter.live.values())

    def lease_until(self, connection: Connection) -> Nanos:
        """When an order placed now ends by itself (wall clock); 0 where orders do not carry an end."""
        if not connection.budget.costs.renew:
            return Nanos(0)
        orders = self.orders_at(connection.venue) + 1
        return Nanos(self.wall + connection.lease(self.settings, orders))

    def take(self, desk: Desk) -> None:
        """Make a match from now on, and know how its worst case is found."""
        self.desks[desk.spec.id] = desk
        bound, measure = partial(bound_of, desk, self.blotter), partial(worst_by, desk, self.blotter)
        desk.worst_case = WorstCase(bound, measure, desk.terms(), fair_of(desk))
        self.relist()

    def remeasure(self, desk: Desk) -> None:
        """Have a match's worst case measured after anything about its orders or position changed."""
        desk.worst_case.changed(desk.terms(), fair_of(desk))

    def revalue(self, desk: Desk) -> None:
        """Have it measured again where fair value or fees are not those of the last measurement."""
        desk.worst_case.revalued(desk.terms(), fair_of(desk))

    def relist(self) -> None:
        """Rebuild the index from symbols to the matches listed on them."""
        found: dict[Instrument, list[Desk]] = {}
        for desk in self.desks.values():
            for instrument in desk.markets:
                found.setdefault(instrument, []).append(desk)
        self.on_market = {instrument: tuple(desks) for instrument, desks in found.items()}
