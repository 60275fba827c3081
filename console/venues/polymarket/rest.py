"""Requests to the venue's hosts: signed where they are about the account, and within their limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.events import ClockMeasured, RejectReason
from console.core.instruments import Venue
from console.core.units import SECOND, Nanos
from console.venues.base.lane import Lane, Reply, Request
from console.venues.base.protocol import Refused, Unanswered
from console.venues.base.throttle import Throttle
from console.venues.base.wall import VenueClock
from console.venues.polymarket.auth import L2
from console.venues.polymarket.orders import error_text
from console.venues.polymarket.wire import ParseError

T = TypeVar("T")

OK: Final = 200
_JSON: Final = {"Content-Type": "application/json"}
WRITE_CONNECTIONS: Final = 16


class Addresses(Struct, frozen=True):
    """Where the venue is; `user` and `market` are WebSockets."""

    rest: str = "https://clob.polymarket.com"
    gamma: str = "https://gamma-api.polymarket.com"
    positions: str = "https://data-api.polymarket.com"
    market: str = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    user: str = "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    geoblock: str = "https://polymarket.com/api/geoblock"


class Unread(Exception):
    """A read that brought nothing to rely on; one line that says why."""


class Rest:
    """One venue's REST hosts. Open it inside a running loop and close it there."""

    def __init__(self, addresses: Addresses) -> None:
        self.clock = VenueClock()
        self.l2: L2 | None = None  # once there is an API key
        self._orders = Lane(addresses.rest, connections=WRITE_CONNECTIONS)
        self._cancels = Lane(addresses.rest, connections=WRITE_CONNECTIONS)  # never behind an order
        self._reads = Lane(addresses.rest, timeout_s=8.0)
        self._gamma = Lane(addresses.gamma, timeout_s=10.0)
        self._positions = Lane(addresses.positions, timeout_s=10.0)
        self._clob_reads = Throttle(60.0, 300.0)  # of 900 in 10 s for orders and trades together
        self._balance_reads = Throttle(15.0, 100.0)  # of 200 in 10 s
        self._balance_updates = Throttle(4.0, 25.0)  # of 50 in 10 s
        self._gamma_reads = Throttle(20.0, 100.0)  # of 300 in 10 s for markets

    async def open(self) -> None:
        """Make the connection pools."""
        for lane in self._lanes():
            await lane.open()

    async def close(self) -> None:
        """Let go of every connection."""
        for lane in self._lanes():
            await lane.close()

    def _lanes(self) -> tuple[Lane, ...]:
        return (self._orders, self._cancels, self._reads, self._gamma, self._positions)

    # ---- writes

    def signed(self, method: str, path: str, body: bytes = b"", query: str = "") -> Request:
        """A request about the account; raises Refused while there is no API key."""
        if self.l2 is None:
            raise Refused(RejectReason.NOT_CONNECTED, "no API key yet")
        headers = self.l2.headers(self.clock.now_s(), method, path, body)
        return Request(method, f"{path}?{query}" if query else path, {**headers, **_JSON}, body)

    async def order(self, request: Request) -> Reply:
        """Send an order once; raises Refused and Unanswered."""
        return await self._orders.send(request)

    async def cancel(self, request: Request, timeout_s: float | None = None) -> Reply:
        """Send a cancel or a heartbeat; raises Refused and Unanswered."""
        return await self._cancels.send(request, timeout_s=timeout_s)

    async def plain(self, request: Request) -> Reply:
        """Send a request that says itself who we are (L1); raises Refused and Unanswered."""
        return await self._reads.send(request)

    # ---- reads

    async def account(self, path: str, query: str = "") -> bytes:
        """Read something of the account; raises Unread."""
        throttle = self._clob_reads
        if path.startswith("/balance-allowance"):
            throttle = self._balance_updates if path.endswith("/update") else self._balance_reads
        await throttle.take()
        try:
            request = self.signed("GET", path, query=query)
        except Refused as refused:
            raise Unread(str(refused)) from refused
        return await _read(self._reads, request)

    async def clob(self, path: str, query: str = "", body: bytes = b"") -> bytes:
        """Read something public of the order book host; raises Unread."""
        method = "POST" if body else "GET"
        request = Request(method, f"{path}?{query}" if query else path, _JSON if body else {}, body)
        return await _read(self._reads, request)

    async def gamma(self, path: str, query: str = "") -> bytes | None:
        """Read a listing; None when there is none of that name. Raises Unread."""
        await self._gamma_reads.take()
        request = Request("GET", f"{path}?{query}" if query else path)
        reply = await _sent(self._gamma, request)
        if reply.status == 404:
            return None
        return _body(reply, path)

    async def positions(self, query: str) -> bytes:
        """Read what the Data API says we hold; raises Unread."""
        return await _read(self._positions, Request("GET", f"/positions?{query}"))

    async def measure(self) -> ClockMeasured:
        """Compare the clocks; raises Unread."""
        sent = time.time()
        body = await self.clob("/time")
        received = time.time()
        try:
            theirs = msgspec.json.decode(body, type=int)
        except UNREADABLE as error:
            raise Unread(f"/time: {error}") from error
        self.clock.measure(float(theirs), sent, received, resolution_s=1.0)
        return ClockMeasured(
            venue=Venue.POLYMARKET,
            offset=Nanos(int(self.clock.offset_s * SECOND)),
            round_trip=Nanos(int(self.clock.round_trip_s * SECOND)),
        )


async def _read(lane: Lane, request: Request) -> bytes:
    return _body(await _sent(lane, request), request.path.partition("?")[0])


async def _sent(lane: Lane, request: Request) -> Reply:
    try:
        return await lane.send(request)
    except (Refused, Unanswered) as error:
        raise Unread(f"{request.path.partition('?')[0]}: {error}") from error


def _body(reply: Reply, path: str) -> bytes:
    if reply.status != OK:
        raise Unread(f"{path}: HTTP status {reply.status} {error_text(reply.body)}".rstrip())
    return reply.body


def parsed(parse: Callable[[bytes], T], body: bytes) -> T:
    """Parse what was read; raises Unread for what cannot be."""
    try:
        return parse(body)
    except ParseError as error:
        raise Unread(str(error)) from error
