"""ProphetX as a venue client: one session, one push socket, the watched lines, our orders, our account."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from msgspec import Struct

from console.core.commands import (
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    Lookup,
    PlaceOrder,
    Reconcile,
    Resync,
    Subscribe,
    Unsubscribe,
)
from console.core.events import (
    AnyEvent,
    BooksConfirmed,
    ClockMeasured,
    PrivateConfirmed,
    RejectReason,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Venue
from console.core.units import SECOND, Cash, Nanos
from console.link.messages import SymbolView
from console.venues.base.lane import Lane, Reply, Request
from console.venues.base.protocol import LookupFailed, Put, Refused, Unanswered
from console.venues.prophetx.dialects import Dialect
from console.venues.prophetx.finder import Finder
from console.venues.prophetx.ledger import Ledger
from console.venues.prophetx.neutral import (
    BetUpdate,
    MarketUpdate,
    Match,
    Registration,
    SelectionsUpdate,
    Unreadable,
)
from console.venues.prophetx.orders import bid_of, cancel_body, place_body
from console.venues.prophetx.push import EventChanged, Health, parse
from console.venues.prophetx.pusher import Frame, Pusher
from console.venues.prophetx.registering import PRIVATE, check_channels, read_config, register
from console.venues.prophetx.session import JSON, Session
from console.venues.prophetx.shelf import COMPARE_S, Shelf
from console.venues.prophetx.trading import Trading

HEALTH_S: Final = 30.0  # without a sign of health on the private channel the socket is given up
CLOCK_S: Final = 30.0
WRITE_PER_S: Final = 40  # of the fifty requests a second of a user; the rest is for reads and the watchdog


class Terms(Struct, frozen=True, kw_only=True):
    """What is told of the account: commission in millionths, cash rule, and what may rest unattended."""

    commission: int
    resting_multiple: int
    unattended_max: Cash | None


class ProphetX:
    """The client. `trades` False: only the public data is brought, for paper and dry runs."""

    def __init__(
        self,
        dialect: Dialect,
        lane: Lane,
        session: Session,
        terms: Terms,
        *,
        trades: bool,
        scheme: str = "wss",
        host: str = "",
        compare_s: float = COMPARE_S,
        health_s: float = HEALTH_S,
    ) -> None:
        self._dialect = dialect
        self._lane = lane
        self._session = session
        self._terms = terms
        self._trades = trades
        self._health_s = health_s
        self._sink: Put | None = None
        self._up = False
        self._why_down = ""
        self._gave_up = False
        self._asked: tuple[int, ...] = ()  # events whose channels the last registration asked for
        self._healthy = 0.0  # monotonic seconds of the last sign of health
        self._shelf = Shelf(
            dialect,
            self._get,
            self._put,
            terms.commission,
            changed=self._wants_changed,
            silent=self._give_up,
            mirrored_trades=not trades,
            compare_s=compare_s,
        )
        self._trading = Trading(dialect, session, self._put, self._give_up)
        self._ledger = Ledger(
            dialect, session, self._trading, self._put, self._give_up, on_match=terms.resting_multiple > 0
        )
        self._finder = Finder(dialect, self._shelf.ask)
        self._pusher = Pusher(
            lambda: read_config(session, dialect),
            self._register,
            self._heard,
            self._joined,
            self._lost,
            scheme=scheme,
            host=host,
        )

    @property
    def venue(self) -> Venue:
        """Which one it is."""
        return Venue.PROPHETX

    async def run(self, put: Put) -> None:
        """Put events until cancelled."""
        self._sink = put
        put(
            VenueLimits(
                venue=Venue.PROPHETX,
                write_per_s=WRITE_PER_S,
                write_burst=WRITE_PER_S,
                place=1,
                amend=1,
                cancel=1,
                resting_multiple=self._terms.resting_multiple,
                unattended_max=self._terms.unattended_max,
            )
        )
        await self._lane.open()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._session.keep_fresh())
                group.create_task(self._shelf.run())
                group.create_task(self._pusher.run())
                group.create_task(self._watch())
                if self._trades:
                    group.create_task(self._ledger.run())
        finally:
            await self._trading.close()
            await self._lane.close()

    def send(self, command: AnyCommand) -> None:
        """Take one command that concerns this venue."""
        match command:
            case Subscribe():
                self._shelf.subscribe(command.instrument)
            case Unsubscribe():
                self._shelf.unsubscribe(command.instrument)
            case Resync():
                self._shelf.resync(command.instrument)
            case PlaceOrder():
                self._trading.place(command)
            case AmendOrder():
                self._trading.amend(command)
            case CancelOrder():
                self._trading.cancel(command)
            case CancelAll():
                self._trading.cancel_all()
            case Lookup():
                self._trading.look_up(command)
            case Reconcile():
                self._ledger.ask()
            case _:
                pass  # there is no dead man's switch to wind up, and the rest is for others

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Lines listed there that `text` means; raises LookupFailed."""
        try:
            return await self._finder.find(text)
        except (Refused, Unanswered, Unreadable) as error:
            raise LookupFailed(str(error)) from error

    @property
    def finder(self) -> Finder:
        """Its catalogue, for whoever picks from it."""
        return self._finder

    def build(self, command: AnyCommand) -> Request:
        """What a command would be sent as, but for the token of the moment; raises Refused."""
        if isinstance(command, PlaceOrder):
            path, body = place_body(self._dialect, [bid_of(command, self._trading.adds_only)])
        elif isinstance(command, CancelOrder):
            path, body = cancel_body(self._dialect, [(command, command.venue_order_id)])
        else:
            raise Refused(RejectReason.OTHER, "not amendable here")
        return Request("POST", path, JSON, body)

    # ---- the socket

    async def _get(self, path: str) -> Reply:
        return await self._session.send("GET", path)

    async def _register(self, socket_id: str) -> Registration:
        asked, tournaments = self._shelf.events, self._shelf.tournaments
        told = await register(self._session, self._dialect, socket_id, asked, tournaments)
        self._asked = asked
        check_channels(told)
        return told

    def _joined(self, told: Registration) -> None:
        """Everything asked for is subscribed: from here on every change reaches us."""
        scopes = [channel.scope for channel in told.authorized_channel if channel.scope is not None]
        by_event = [scope.event_id for scope in scopes if scope.event_id is not None]
        if self._dialect.lists_signin:
            self._shelf.joined(by_event, [event for event in self._asked if event not in by_event])
        else:
            self._shelf.joined()
        if self._up:
            return
        self._up, self._gave_up = True, False
        self._healthy = time.monotonic()
        self._ledger.listening = True
        self._ledger.reconnected()
        self._trading.listening(self._trades)
        self._put(VenueUp(venue=Venue.PROPHETX))

    def _lost(self, why: str) -> None:
        if not self._up:
            if not self._gave_up:
                self._say_down(why)
            self._gave_up = False
            return
        self._up = self._gave_up = False
        self._trading.listening(False)
        self._ledger.listening = False
        self._shelf.disconnected()
        self._why_down = ""
        self._say_down(why)

    def _say_down(self, why: str) -> None:
        """Once for each reason: attempts that fail alike are one piece of news."""
        if why != self._why_down:
            self._why_down = why
            self._put(VenueDown(venue=Venue.PROPHETX, why=why))

    def _give_up(self, why: str) -> None:
        """Something that should have been pushed was not: a new socket, and everything read afresh."""
        self._lost(why)
        self._gave_up = True  # what the socket says when it ends is no news any more
        self._pusher.drop()

    def _wants_changed(self) -> None:
        self._pusher.register_again()

    def _heard(self, frame: Frame) -> None:
        """A frame of a channel. What cannot be read makes its books doubtful, or all of us blind."""
        private = PRIVATE in frame.channel
        try:
            news = parse(self._dialect, frame)
            match news:
                case None:
                    return
                case SelectionsUpdate():
                    self._shelf.selections(news)
                case MarketUpdate():
                    self._shelf.market(news)
                case EventChanged():
                    self._shelf.event(news)
                case Match():
                    self._shelf.matched(news)
                case BetUpdate():
                    if self._trades:
                        self._trading.learn(news)
                case Health():
                    self._health()
        except Unreadable as error:
            if private:
                self._give_up(str(error))
            else:
                self._shelf.distrust(str(error), self._event_of(frame.channel))

    def _event_of(self, channel: str) -> int | None:
        named = {one.channel_name: one.scope for one in self._pusher.channels}
        scope = named.get(channel)
        return scope.event_id if scope is not None else None

    def _health(self) -> None:
        if self._up:
            self._healthy = time.monotonic()
            self._put(PrivateConfirmed(venue=Venue.PROPHETX))
            self._put(BooksConfirmed(venue=Venue.PROPHETX))

    async def _watch(self) -> None:
        """Health of the private channel, and the venue's clock."""
        told = 0.0
        while True:
            await asyncio.sleep(0.25)
            if self._up and time.monotonic() - self._healthy > self._health_s:
                self._give_up(f"no sign of health for {self._health_s:g} s")
            clock = self._session.clock
            if clock.measured and time.monotonic() - told > CLOCK_S:
                told = time.monotonic()
                offset, round_trip = Nanos(round(clock.offset_s * SECOND)), round(clock.round_trip_s * SECOND)
                self._put(ClockMeasured(venue=Venue.PROPHETX, offset=offset, round_trip=Nanos(round_trip)))

    def _put(self, event: AnyEvent) -> None:
        if self._sink is not None:
            self._sink(event)
