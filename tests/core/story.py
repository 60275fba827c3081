"""Telling the engine a story: events by hand, a clerk who answers its commands as a venue would."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from console.core import checkpoint
from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Resync,
)
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    AmendRejected,
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    InstrumentDefined,
    MassStatus,
    Mode,
    OddsUpdate,
    OpenOrder,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    RejectReason,
    SetTheo,
    Started,
    Tick,
    VenueUp,
)
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    RunId,
    Side,
    TradeId,
    Venue,
    VenueOrderId,
    book_side,
)
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.settings import AccountSettings, MatchSettings
from console.core.state import State
from console.core.units import ONE, SECOND, Cash, Nanos, Price, Size, cost_of, proceeds_of

K, P, X = Venue.KALSHI, Venue.POLYMARKET, Venue.PROPHETX
A, B, C = Instrument(K, "GAME-A"), Instrument(K, "GAME-B"), Instrument(K, "GAME-C")
PA, PB = Instrument(P, "token-a"), Instrument(P, "token-b")
M = MatchId("match")
NOON = Nanos(1_795_262_400 * SECOND)  # 2026-11-21 12:00 UTC
BOOT = Nanos(1_000 * SECOND)  # the monotonic clock does not begin at zero
KALSHI = InstrumentSpec(two_sided=True, amendable=True)
POLYMARKET = InstrumentSpec()

C_ = TypeVar("C_", bound=AnyCommand)


def cents(amount: float) -> Price:
    """Cents to millionths of a dollar: 47.5 -> 475000."""
    return Price(round(amount * 10_000))


def contracts(count: float) -> Size:
    """Contracts to millionths."""
    return Size(round(count * ONE))


def dollars(amount: float) -> Cash:
    """Dollars to millionths."""
    return Cash(round(amount * ONE))


def levels(side: Mapping[float, float]) -> tuple[tuple[int, int], ...]:
    """{cents: contracts} to book levels."""
    return tuple((cents(price), contracts(size)) for price, size in side.items())


def yes_price(instrument: Instrument, price: int) -> Price:
    return Price(price if instrument.side is Side.YES else ONE - price)


@dataclass
class Resting:
    """An order as the venue has it."""

    place: PlaceOrder
    venue_order_id: VenueOrderId
    price: Price
    size: int
    filled: int = 0

    @property
    def left(self) -> int:
        return self.size - self.filled


@dataclass
class Clerk:
    """One venue: what rests there, what it thinks we hold, and how it answers."""

    venue: Venue
    cash: int = 1_000 * ONE
    held: int | None = 0  # cash besides the free one; None: it does not tell
    rounded_to: int = 10_000
    pockets: tuple[tuple[str, Cash], ...] = ()  # where its cash lies, when that does not mix
    orders: dict[ClientOrderId, Resting] = field(default_factory=dict)
    gone: set[ClientOrderId] = field(default_factory=set)
    positions: dict[Instrument, int] = field(default_factory=dict)
    fills: list[OrderFilled] = field(default_factory=list)
    books: dict[Instrument, tuple[dict[int, int], dict[int, int]]] = field(default_factory=dict)
    refusing: dict[Instrument, RejectReason] = field(default_factory=dict)
    trades: int = 0

    def answer(self, command: AnyCommand) -> list[AnyEvent]:
        match command:
            case PlaceOrder():
                return self._place(command)
            case AmendOrder():
                return self._amend(command)
            case CancelOrder():
                return self._cancel(command.order_id)
            case CancelAll():
                return [event for order_id in list(self.orders) for event in self._cancel(order_id)]
            case Lookup():
                return self._look_up(command)
            case Reconcile():
                return [self.status()]
            case Resync():
                return [self.snapshot(command.instrument)] if command.instrument in self.books else []
            case _:
                return []

    def status(self) -> MassStatus:
        """Its whole account of us."""
        orders = tuple(
            OpenOrder(
                order_id,
                resting.venue_order_id,
                resting.place.instrument,
                resting.place.action,
                resting.price,
                Size(resting.size),
                Size(resting.filled),
            )
            for order_id, resting in self.orders.items()
        )
        held = tuple((instrument, net) for instrument, net in self.positions.items() if net)
        return MassStatus(
            venue=self.venue,
            orders=orders,
            fills=(),
            positions=held,
            cash=Cash(self.cash),
            held=None if self.held is None else Cash(self.held),
            rounded_to=Cash(self.rounded_to),
            pockets=self.pockets,
        )

    def snapshot(self, instrument: Instrument) -> BookSnapshot:
        """The public book: what others show and our own orders."""
        bids, asks = (dict(side) for side in self.books[instrument])
        for resting in self.orders.values():
            place = resting.place
            if place.instrument.yes == instrument:
                at = yes_price(place.instrument, resting.price)
                side = bids if book_side(place.instrument.side, place.action) is BookSide.BID else asks
                side[at] = side.get(at, 0) + resting.left
        return BookSnapshot(instrument=instrument, bids=tuple(bids.items()), asks=tuple(asks.items()))

    def fill(self, order_id: ClientOrderId, size: int, fee: int = 0) -> list[AnyEvent]:
        """Somebody takes `size` of a resting order."""
        resting = self.orders[order_id]
        place, price = resting.place, resting.price
        resting.filled += size
        bought = place.action is Action.BUY
        cost = cost_of(price, size) if bought else proceeds_of(price, size)
        gained = size if bought is (place.instrument.side is Side.YES) else -size
        before = self.positions.get(place.instrument.yes, 0)
        after = self.positions[place.instrument.yes] = before + gained
        self.cash += (-cost if bought else cost) - fee
        if place.instrument.side is Side.NO:  # as if YES had been traded the other way
            self.cash += -size if gained > 0 else size
        self.cash -= max(0, -after) - max(0, -before)
        self.trades += 1
        filled = OrderFilled(
            venue_order_id=resting.venue_order_id,
            trade_id=TradeId(f"{self.venue.value}-{self.trades}"),
            instrument=place.instrument,
            action=place.action,
            price=price,
            size=Size(size),
            cost=cost,
            fee=Cash(fee),
            maker=True,
            order_id=order_id,
        )
        self.fills.append(filled)
        shown = self._show(resting, -size)
        if resting.left <= 0:
            del self.orders[order_id]
            self.gone.add(order_id)
        return [filled, *shown]

    def _place(self, command: PlaceOrder) -> list[AnyEvent]:
        if command.instrument in self.refusing:
            reason = self.refusing[command.instrument]
            return [OrderRejected(order_id=command.order_id, reason=reason)]
        venue_order_id = VenueOrderId(f"v-{command.order_id}")
        resting = self.orders[command.order_id] = Resting(
            command, venue_order_id, command.price, command.size
        )
        accepted = OrderAccepted(order_id=command.order_id, venue_order_id=venue_order_id)
        return [accepted, *self._show(resting, command.size)]

    def _amend(self, command: AmendOrder) -> list[AnyEvent]:
        resting = self.orders.get(command.order_id)
        if resting is None:
            return [AmendRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)]
        taken = self._show(resting, -resting.left)
        resting.price, resting.size = command.price, command.size
        amended = OrderAmended(order_id=command.order_id, price=command.price, size=command.size)
        return [*taken, amended, *self._show(resting, resting.left)]

    def _cancel(self, order_id: ClientOrderId) -> list[AnyEvent]:
        resting = self.orders.pop(order_id, None)
        if resting is None:
            return [OrderCancelRejected(order_id=order_id, reason=RejectReason.NOT_FOUND)]
        self.gone.add(order_id)
        return [OrderCanceled(order_id=order_id), *self._show(resting, -resting.left)]

    def _look_up(self, command: Lookup) -> list[AnyEvent]:
        resting = self.orders.get(command.order_id)
        if resting is not None:
            return [
                OrderAccepted(
                    order_id=command.order_id,
                    venue_order_id=resting.venue_order_id,
                    price=resting.price,
                    size=Size(resting.size),
                )
            ]
        if command.order_id in self.gone:
            return [OrderCanceled(order_id=command.order_id)]
        return [OrderRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)]

    def _show(self, resting: Resting, change: int) -> list[AnyEvent]:
        """How the public book moves with our own order."""
        place = resting.place
        instrument = place.instrument.yes
        if instrument not in self.books:
            return []
        return [
            BookDelta(
                instrument=instrument,
                side=book_side(place.instrument.side, place.action),
                price=yes_price(place.instrument, resting.price),
                change=Size(change),
            )
        ]


class Story:
    """An engine, its clerks and a clock in one place.

    `answering` False leaves commands unanswered until `answer()`; `alive` False freezes market data
    (nothing confirms the books), `talking` False silences the venues' accounts, and `lag_s` is how far
    the public book is behind what the venue tells us of our own orders.
    """

    def __init__(
        self,
        *venues: Venue,
        account: AccountSettings | None = None,
        run: str = "run1",
        mode: Mode = Mode.SIM,
        kept: bytes = b"",
        latched: str = "",
        ts: int = BOOT,
        wall: int = NOON,
    ) -> None:
        self.engine = Engine()
        self.ts, self.wall = Nanos(ts), Nanos(wall)
        self.clerks = {venue: Clerk(venue) for venue in venues or (K,)}
        self.sent: list[AnyCommand] = []
        self.unanswered: deque[AnyCommand] = deque()
        self.answering = self.alive = self.talking = True
        self.lag_s = 0.0
        self.late: deque[tuple[Nanos, AnyEvent]] = deque()
        self.lines: dict[tuple[MatchId, str], tuple[float, ...]] = {}
        self.tell(
            Started(
                run_id=RunId(run),
                mode=mode,
                account="test",
                settings=account or AccountSettings(),
                venues=tuple(self.clerks),
                latched=latched,
                checkpoint=kept,
            )
        )

    @property
    def state(self) -> State:
        return self.engine.state

    # ---- events

    def tell(self, event: AnyEvent) -> list[AnyCommand]:
        """Feed one event now, and the clerks' answers; returns every command that came of it."""
        before = len(self.sent)
        self._feed(event)
        self.answer(only_if_answering=True)
        return self.sent[before:]

    def answer(self, *, only_if_answering: bool = False) -> list[AnyCommand]:
        """Answer what waits for an answer, and what comes of that."""
        before = len(self.sent)
        while self.unanswered and (self.answering or not only_if_answering):
            command = self.unanswered.popleft()
            clerk = self._clerk(command)
            if clerk is not None and (self.talking or not isinstance(command, Reconcile)):
                for event in clerk.answer(command):
                    self._publish(event)
        return self.sent[before:]

    def wait(self, seconds: float) -> list[AnyCommand]:
        """Let time pass, a tick every 100 ms; a live world confirms its books and odds."""
        before = len(self.sent)
        for _ in range(round(seconds * 10)):
            self.ts, self.wall = Nanos(self.ts + SECOND // 10), Nanos(self.wall + SECOND // 10)
            if self.alive and self.ts % SECOND == 0:
                for venue in self.clerks:
                    self.tell(BooksConfirmed(venue=venue))
                if self.ts % (30 * SECOND) == 0:
                    for (match, source), odds in list(self.lines.items()):
                        self.tell(OddsUpdate(match=match, source=source, odds=odds, provider_wall=self.wall))
            while self.late and self.late[0][0] <= self.ts:
                self.tell(self.late.popleft()[1])
            self.tell(Tick())
        return self.sent[before:]

    def up(self, *venues: Venue) -> Story:
        """Venues connect and reconcile."""
        for venue in venues or tuple(self.clerks):
            self.tell(VenueUp(venue=venue))
        return self

    def add(
        self,
        match: MatchId = M,
        pays: Mapping[Instrument, Iterable[int]] | None = None,
        names: tuple[str, ...] = ("home", "away"),
        settings: MatchSettings | None = None,
        specs: Mapping[Instrument, InstrumentSpec] | None = None,
        signals: Iterable[Instrument] = (),
        undefined: Iterable[Instrument] = (),
        **facts: object,
    ) -> list[AnyCommand]:
        """Add a match and let the venue define its symbols; by default two Kalshi tickers."""
        listed = {A: (0,), B: (1,)} if pays is None else pays
        listings = tuple(
            Listing(instrument, tuple(outcomes), quote=instrument not in signals)
            for instrument, outcomes in listed.items()
        )
        told = {"may_none": False, **facts}
        spec = MatchSpec(id=match, title=str(match), outcomes=names, listings=listings, **told)  # type: ignore[arg-type]
        said = self.tell(AddMatch(spec=spec, settings=settings or MatchSettings()))
        for instrument in listed.keys() - set(undefined):
            default = POLYMARKET if instrument.venue is P else KALSHI
            terms = (specs or {}).get(instrument, default)
            self.tell(InstrumentDefined(instrument=instrument, spec=terms))
        return said

    def book(
        self, instrument: Instrument, bids: Mapping[float, float], asks: Mapping[float, float]
    ) -> list[AnyCommand]:
        """What others show, in cents and contracts; our own orders are added."""
        clerk = self.clerks[instrument.venue]
        clerk.books[instrument] = dict(levels(bids)), dict(levels(asks))
        return self.tell(clerk.snapshot(instrument))

    def odds(self, *odds: float, source: str = "pinnacle", match: MatchId = M) -> list[AnyCommand]:
        """A source's decimal odds, repeated by `wait` until they change."""
        self.lines[match, source] = odds
        return self.tell(OddsUpdate(match=match, source=source, odds=odds, provider_wall=self.wall))

    def fair(self, *chances: float, match: MatchId = M) -> list[AnyCommand]:
        """Pin the fair value: no other source counts."""
        return self.tell(SetTheo(match=match, odds=tuple(1.0 / p for p in chances), pinned=True))

    def fill(self, order_id: ClientOrderId, count: float, fee: float = 0.0) -> list[AnyCommand]:
        """Somebody takes some contracts of a resting order of ours."""
        before = len(self.sent)
        for clerk in self.clerks.values():
            if order_id in clerk.orders:
                for event in clerk.fill(order_id, contracts(count), dollars(fee)):
                    self._publish(event)
                self.answer(only_if_answering=True)
                return self.sent[before:]
        raise AssertionError(f"{order_id} does not rest at any venue")

    def restart(self, run: str = "run2", *venues: Venue, latched: str = "", pause_s: float = 1.0) -> Story:
        """A new engine from this one's checkpoint, with these venues only; they keep what they have."""
        kept = checkpoint.encode(self.state)
        configured = venues or tuple(self.clerks)
        later = Story(
            *configured,
            account=self.state.settings,
            run=run,
            kept=kept,
            latched=latched,
            ts=BOOT,
            wall=self.wall + round(pause_s * SECOND),
        )
        later.clerks = {venue: self.clerks[venue] for venue in configured}
        return later

    # ---- looking

    def all(self, kind: type[C_], commands: Iterable[AnyCommand] | None = None) -> list[C_]:
        """The commands of one kind, of those given or of the whole story."""
        return [c for c in (self.sent if commands is None else commands) if isinstance(c, kind)]

    def rests(self, instrument: Instrument, action: Action = Action.BUY) -> list[tuple[float, float]]:
        """(cents, contracts) resting at the venue, best first as the bidder sees it."""
        found = [
            (resting.price / 10_000, resting.left / ONE)
            for resting in self.clerks[instrument.venue].orders.values()
            if resting.place.instrument == instrument and resting.place.action is action
        ]
        return sorted(found, reverse=action is Action.BUY)

    def resting(self) -> int:
        """How many orders rest at all venues."""
        return sum(len(clerk.orders) for clerk in self.clerks.values())

    def order(self, instrument: Instrument, action: Action = Action.BUY) -> ClientOrderId:
        """The id of our one order of a kind."""
        (found,) = [
            order_id
            for order_id, resting in self.clerks[instrument.venue].orders.items()
            if resting.place.instrument == instrument and resting.place.action is action
        ]
        return found

    def refusals(self, commands: Iterable[AnyCommand]) -> list[str]:
        """What was refused to the operator."""
        return [refused.text for refused in self.all(Refuse, commands)]

    def alerts(self) -> list[str]:
        """Every alert so far."""
        return [alert.text for alert in self.all(Alert)]

    # ---- inside

    def _feed(self, event: AnyEvent) -> None:
        stamped = msgspec.structs.replace(event, ts=self.ts, wall=self.wall)
        commands = list(self.engine.on_event(stamped))
        self.sent += commands
        self.unanswered += commands

    def _publish(self, event: AnyEvent) -> None:
        """Private messages at once, the public book after its lag."""
        if self.lag_s and isinstance(event, BookDelta):
            self.late.append((Nanos(self.ts + round(self.lag_s * SECOND)), event))
        else:
            self._feed(event)

    def _clerk(self, command: AnyCommand) -> Clerk | None:
        venue = getattr(command, "venue", None)
        instrument = getattr(command, "instrument", None)
        return self.clerks.get(venue or (instrument.venue if instrument is not None else K))


def game(settings: MatchSettings | None = None, account: AccountSettings | None = None) -> Story:
    """Two Kalshi tickers, fair value pinned at 52.5 / 47.5, quoting: A bid 49 under a ceiling of 51."""
    story = Story(account=account)
    story.up()
    story.add(settings=settings)
    story.book(A, {48: 100, 47: 100}, {56: 100, 57: 100})
    story.book(B, {43: 100, 42: 100}, {51: 100, 52: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    return story


def with_values(settings: MatchSettings, **values: object) -> MatchSettings:
    return msgspec.structs.replace(settings, **values)
