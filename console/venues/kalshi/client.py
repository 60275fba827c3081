"""Kalshi as a venue: one stream for everything public and private, REST for orders and reads.

Private channels have no snapshot: they are subscribed to first, then `VenueUp` makes the engine read the
whole account, and whatever comes twice counts once. Their frames carry no numbers either; what is missing
shows in the counts of the order news and in every reconciliation.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

import msgspec

from console.config.tables import KalshiTable
from console.core.commands import (
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    KeepAlive,
    Lookup,
    PlaceOrder,
    Reconcile,
    Resync,
    Subscribe,
    TimeInForce,
    Unsubscribe,
)
from console.core.events import (
    AmendRejected,
    AnyEvent,
    ClockMeasured,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    VenueDown,
    VenueUp,
)
from console.core.instruments import Venue
from console.core.units import SECOND, Nanos
from console.link.messages import SymbolView
from console.venues.base.backoff import Backoff
from console.venues.base.lane import Request
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.base.stream import Dead, Line, Stream
from console.venues.kalshi.account import Fill, parse_costs, parse_limits, venue_limits
from console.venues.kalshi.books import LIFECYCLE, Books
from console.venues.kalshi.discovery import Discovery
from console.venues.kalshi.facts import Facts
from console.venues.kalshi.groups import PAUSE_S, WINDOW_S, Groups
from console.venues.kalshi.hosts import Hosts
from console.venues.kalshi.leases import Leases
from console.venues.kalshi.own import OwnOrder, OwnOrders
from console.venues.kalshi.polling import Polling
from console.venues.kalshi.private import (
    AMENDED,
    CHANNELS,
    EXPIRED,
    GroupNews,
    OrderNews,
    parse_private,
)
from console.venues.kalshi.reads import Reads
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.sign import Signer
from console.venues.kalshi.status import parse_status
from console.venues.kalshi.trading import Trading
from console.venues.kalshi.wire import ParseError

IDLE_S: Final = 4.0  # without a frame for so long, the stream is asked whether it lives
SILENT_S: Final = 8.0  # and given up, whatever its pings say
WATCH_S: Final = 0.25
TELL_S: Final = 20.0  # status of the exchange and the clock are read this often
LIMITS_S: Final = 600.0
BLIND_POLL_S: Final = 2.0  # fills are read this often while the stream is down
BALANCE_AFTER_S: Final = 1.0  # a fill moves cash; reads lag

SignerOf = Callable[[Callable[[], int]], Signer]


class Kalshi:
    """The client. Without a key it only reads what is public; `trading` False leaves the account alone."""

    def __init__(self, hosts: Hosts, table: KalshiTable, signer: SignerOf | None, *, trading: bool) -> None:
        self._trades = trading
        self._rest = Rest(hosts, signer)
        self._own = OwnOrders()
        self._groups = Groups(table.fill_backstop if trading else 0, self._written)
        facts = Facts(self._rest, table)
        self._books = Books(self._rest, facts, self._command, self._give_up, self._groups.ready)
        self._reads = Reads(self._rest, self._own, self._books)
        self._trading = Trading(self._rest, self._own, self._books, self._groups, self._reads, self._spawned)
        self._leases = Leases(self._own, self._written, self._spawned, self._unanswered)
        self._discovery = Discovery(self._rest, facts, tuple(table.series))
        self._stream = Stream(
            lambda: hosts.stream,
            self._signed,
            self._opened,
            self._took,
            self._closed,
            silence_s=None,
        )
        self._hosts = hosts
        self._ids = itertools.count(1)
        self._put: Put | None = None
        self._group: asyncio.TaskGroup | None = None
        self._connected = False
        self._told = not trading  # limits are known
        self._up = False
        self._down = ""  # why it is not up, as last said
        self._held = ""  # why nothing may rest though all is connected
        self._given_up = ""
        self._idle_asked = False
        self._balance_due = False
        self._ask_status = asyncio.Event()
        self._asked = 0  # reconciliations asked for and not answered

    @property
    def venue(self) -> Venue:
        """Which one it is."""
        return Venue.KALSHI

    async def run(self, put: Put) -> None:
        """Put events until cancelled."""
        self._put, self._held = put, ""
        self._trading.attach(put, self._group_shut)
        await self._rest.open()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._books.run(put))
                if self._rest.signer is None:
                    group.create_task(Polling(self._rest, self._books).run(put))
                else:
                    group.create_task(self._stream.run())
                    group.create_task(self._rest.keep_ready())
                group.create_task(self._stay_told())
                group.create_task(self._watch())
        finally:
            self._group = None
            await self._rest.close()

    def build(self, command: AnyCommand) -> Request:
        """The request, signature included; raises Refused for a command that cannot be sent."""
        return self._trading.built(command)

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches listed there."""
        return await self._discovery.find(text)

    # ---- commands

    def send(self, command: AnyCommand) -> None:
        """Take one command; every outcome comes back as an event."""
        match command:
            case Subscribe():
                self._books.subscribe(command.instrument)
            case Unsubscribe():
                self._books.unsubscribe(command.instrument)
            case _ if self._group is None:
                pass  # it does not run yet: the engine asks again once the venue is up
            case Resync():
                self._books.resync(command.instrument)
            case PlaceOrder():
                self._place(command)
            case AmendOrder() if not self._up or self._held:
                down = RejectReason.NOT_CONNECTED
                self._emit(
                    AmendRejected(order_id=command.order_id, amend=command.ts, reason=down, text=self._held)
                )
            case AmendOrder():
                self._spawned(self._trading.amend(command))
            case CancelOrder():
                self._trading.cancel(command)
            case CancelAll():
                self._trading.drop_unsent()
                self._spawned(self._trading.cancel_all())
            case Lookup():
                self._spawned(self._trading.look_up(command))
            case Reconcile():
                self._spawned(self._reconcile())
            case KeepAlive():
                self._leases.keep_alive(command.until)
            case _:
                pass

    def _place(self, command: PlaceOrder) -> None:
        rests = command.time_in_force is TimeInForce.GTC
        swept_s = self._trading.swept_until - time.monotonic()
        if self._up and rests and swept_s > 0:
            self._hold("a cancel-all of less than a minute ago may take new orders out", swept_s)
        if self._up and not (rests and self._held):
            self._trading.place(command)
        else:
            down = RejectReason.NOT_CONNECTED
            self._emit(OrderRejected(order_id=command.order_id, reason=down, text=self._held))

    async def _reconcile(self) -> None:
        """Answer with everything, or with nothing: a read that failed is asked for again by the engine.

        Asked again while it reads, it reads once more: what it has by then may be older than the question.
        """
        self._asked += 1
        if self._asked > 1:
            return
        while self._asked:
            answering = self._asked
            try:
                events = await self._reads.account()
            except (Refused, Unanswered, ParseError):
                events = []
            for event in events:
                self._emit(event)
            self._asked = 1 if self._asked > answering else 0

    # ---- the stream

    async def _signed(self) -> Mapping[str, str]:
        assert self._rest.signer is not None, "the stream needs a key"
        return await self._rest.signer.signed("GET", self._hosts.stream_path)

    async def _opened(self, _: Line) -> None:
        self._connected, self._idle_asked, self._given_up = True, False, ""
        self._ask_status.set()  # it may have been cut by a pause of trading
        if self._trades:
            self._command("subscribe", {"channels": list(CHANNELS)})
        self._books.opened()

    def _closed(self, why: str) -> None:
        self._connected = False
        self._books.closed()
        self._set_up(self._given_up or why)

    def _command(self, name: str, params: dict[str, Any]) -> int:
        number = next(self._ids)
        text = msgspec.json.encode({"id": number, "cmd": name, "params": params}).decode()
        self._spawned(self._say(text))
        return number

    async def _say(self, text: str) -> None:
        try:
            await self._stream.send(text)
        except Dead:
            return  # the connection is gone: all is subscribed to again on the next one

    def _give_up(self, why: str) -> None:
        self._given_up = why
        self._stream.drop()

    def _took(self, frame: str | bytes) -> None:
        self._idle_asked = False
        raw = frame.encode() if isinstance(frame, str) else frame
        if self._books.took(raw):
            if not self._up:
                self._set_up()
            return
        if not self._trades:
            return
        try:
            news = parse_private(raw)
        except ParseError as error:
            raise Dead(str(error)) from error
        match news:
            case Fill():
                if self._reads.concerns(news):
                    own = self._own.find(news.order_id, news.venue_order_id)
                    if own is not None and not news.taker:  # exits join no group, nor what is traded by hand
                        self._groups.filled(self._books.shard(news.market), news.size)
                    self._emit(self._reads.booked(news))
                    self._read_balance()
            case OrderNews():
                self._order_news(news)
            case GroupNews():
                self._group_news(news)
            case _:
                pass  # positions are compared in every reconciliation

    def _set_up(self, why: str = "") -> None:
        """Say that the venue is up or down whenever that changed."""
        needed = {LIFECYCLE, *(CHANNELS if self._trades else ())}
        joined = self._connected and needed <= self._books.channels()
        up = joined and self._told
        if up and not self._up:
            self._up, self._down = True, ""
            self._emit(VenueUp(venue=Venue.KALSHI, held=self._held))
        elif not up and (self._up or (why and why != self._down)):  # the same failure is said once
            self._up, self._down = False, why or "connection lost"
            self._emit(VenueDown(venue=Venue.KALSHI, why=self._down))

    # ---- private news

    def _order_news(self, news: OrderNews) -> None:
        own = self._own.find(news.order_id, news.venue_order_id)
        if own is None or own.over:
            return  # placed by hand, or by an earlier run: found by reconciliation
        if not own.venue_order_id:
            self._own.name(own, news.venue_order_id)
            named = OrderAccepted(order_id=own.order_id, venue_order_id=news.venue_order_id)
            self._emit(named)
        if news.status == "canceled" and own.filled >= news.filled:
            self._own.end(own)
            over = OrderExpired if news.reason == EXPIRED else OrderCanceled
            self._emit(over(order_id=own.order_id))
        elif news.status in ("canceled", "executed"):
            self._trading.finish(own, news.filled, cancelled=news.status == "canceled")
        else:
            self._trading.missing(own, news.filled)
            moved = (news.price, news.filled + news.left) != (own.yes_price, own.size)
            if moved and news.reason == AMENDED and not own.busy:
                text = "it rests at another price than asked for last"
                self._emit(OutcomeUnknown(order_id=own.order_id, text=text))

    def _group_news(self, news: GroupNews) -> None:
        shard = self._groups.triggered(news)
        if shard is not None:
            why = f"order group fired: more than {self._groups.contracts} contracts filled within 15 s"
            self._hold(why, WINDOW_S, lambda: self._mend(shard))
        gone = self._groups.lost(news)
        if gone is not None:
            self._hold("somebody deleted the order group", 1.0, lambda: self._groups.ready(gone))

    def _group_shut(self, shard: int, why: str) -> None:
        """An order was refused for its group: what befell the group was told while nobody listened."""
        seconds = 1.0 if "not_found" in why else PAUSE_S
        self._hold(f"order group: {why}", seconds, lambda: self._groups.mend(shard))

    def _hold(self, why: str, seconds: float, then: Callable[[], Awaitable[None]] | None = None) -> None:
        """Rest nothing for a while, until `then` is done; exits may leave once the account is read anew."""
        if not self._held:
            self._held = why
            self._tell_held()
            self._spawned(self._release(seconds, then))

    def _tell_held(self) -> None:
        if self._up:
            self._emit(VenueUp(venue=Venue.KALSHI, held=self._held))

    async def _mend(self, shard: int) -> None:
        """A group that fired by what we know to have filled is reset when its window is over, else later."""
        await asyncio.sleep(self._groups.shut_s(shard))
        await self._groups.mend(shard)

    async def _release(self, seconds: float, then: Callable[[], Awaitable[None]] | None) -> None:
        backoff = Backoff()
        await asyncio.sleep(seconds)
        while then is not None:
            try:
                await then()
                break
            except (Refused, Unanswered):
                await asyncio.sleep(backoff.next_s())
        self._held = ""
        self._tell_held()

    def _read_balance(self) -> None:
        if not self._balance_due:
            self._balance_due = True
            self._spawned(self._after_fills())

    async def _after_fills(self) -> None:
        await asyncio.sleep(BALANCE_AFTER_S)
        self._balance_due = False
        try:
            self._emit(await self._reads.cash())
        except (Refused, Unanswered, ParseError):
            return  # the next reconciliation tells

    # ---- what is known of the venue

    async def _stay_told(self) -> None:
        """Limits, the clock, and whether it trades at all, again and again."""
        backoff = Backoff()
        due = float("-inf")
        while True:
            self._ask_status.clear()
            try:
                if self._rest.signer is not None and time.monotonic() >= due:
                    await self._limits()
                    due = time.monotonic() + LIMITS_S
                await self._status()
                backoff.worked()
                pause = TELL_S
            except (Refused, Unanswered, ParseError) as error:
                pause = min(TELL_S, backoff.next_s())
                if not self._told:
                    self._set_up(f"limits cannot be read: {error}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ask_status.wait()

    async def _limits(self) -> None:
        costs = parse_costs(await self._rest.get("/account/endpoint_costs"))
        limits = parse_limits(await self._rest.get("/account/limits"))
        self._rest.told(limits)
        told = venue_limits(limits, costs)
        self._trading.limits(told.write_burst, told.place)
        self._emit(told)
        self._told = True
        self._set_up()

    async def _status(self) -> None:
        shards = parse_status(await self._rest.get("/exchange/status"))
        for shard, trades in shards.items():
            self._books.pause(shard, not trades)
        clock = self._rest.clock
        if clock.measured:
            self._emit(
                ClockMeasured(
                    venue=Venue.KALSHI,
                    offset=Nanos(int(clock.offset_s * SECOND)),
                    round_trip=Nanos(int(clock.round_trip_s * SECOND)),
                )
            )

    async def _watch(self) -> None:
        """A stream that says nothing is asked, then given up; without one, fills are read by REST."""
        polled = 0.0
        while True:
            await asyncio.sleep(WATCH_S)
            now = time.monotonic()
            if self._connected:
                idle = now - self._stream.heard
                if idle > SILENT_S:
                    self._give_up(f"silent for {idle:.0f} s, asked or not")
                elif idle > IDLE_S and not self._idle_asked:
                    self._idle_asked = True
                    self._command("list_subscriptions", {})
            elif self._trades and self._own.resting() and now - polled >= BLIND_POLL_S:
                polled = now
                await self._poll_fills()

    async def _poll_fills(self) -> None:
        try:
            for event in await self._reads.fills(f"min_ts={int(time.time()) - 60}"):
                self._emit(event)
        except (Refused, Unanswered, ParseError):
            return

    # ---- small things

    async def _written(self, method: str, path: str, body: bytes) -> bytes:
        return await self._rest.write(method, path, body)

    def _spawned(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None:
            work.close()
            return
        try:
            self._group.create_task(work)
        except RuntimeError:  # it is about to end
            work.close()

    def _unanswered(self, order: OwnOrder, why: str) -> None:
        self._emit(OutcomeUnknown(order_id=order.order_id, text=why))

    def _emit(self, event: AnyEvent) -> None:
        assert self._put is not None, "events come while it runs"
        self._put(event)
