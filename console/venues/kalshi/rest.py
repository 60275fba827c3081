"""Requests to Kalshi: signed, within the read budget, on warm connections; the venue's clock from them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from console.core.events import RejectReason
from console.venues.base.lane import Lane, Reply, Request
from console.venues.base.protocol import Refused, Unanswered
from console.venues.base.throttle import Throttle
from console.venues.base.wall import VenueClock, http_date_s
from console.venues.kalshi.account import Limits
from console.venues.kalshi.errors import check
from console.venues.kalshi.hosts import Hosts
from console.venues.kalshi.orders import ORDERS
from console.venues.kalshi.sign import Ready, Signer

P = TypeVar("P")

READ_COST: Final = 10
UNTOLD_PER_S: Final = 100.0  # tokens a second before the venue has told, and for reads without a key
READ_SHARE: Final = 0.8  # of the told read budget: others may use the same account
TRIES: Final = 3
CLOCK_KEEPS_S: Final = 60.0  # how long an engine stamp is trusted over a date of whole seconds
SET_S: Final = 2.0  # a date this far from what is believed: one of the clocks was set
UNCACHED: Final = ("/portfolio", "/account", "/exchange", "/api_keys")
FINE_S, COARSE_S = 0.1, 0.6  # doubt about the venue's clock by an engine stamp, by dates of whole seconds
JSON: Final = {"Content-Type": "application/json"}
PAGES_MAX: Final = 200


class Rest:
    """Three lanes to one host: reads, writes, and cancels, which wait behind nothing."""

    def __init__(self, hosts: Hosts, signer: Callable[[Callable[[], int]], Signer] | None) -> None:
        """`signer` makes the signer from the clock; None: only what is public can be read."""
        self.hosts = hosts
        self.clock = VenueClock()
        self.signer = None if signer is None else signer(self.clock.now_ms)
        self._reads = Lane(hosts.base, connections=6)
        self._writes = Lane(hosts.base, connections=16)
        self._cancels = Lane(hosts.base, connections=8)
        self._throttle = Throttle(UNTOLD_PER_S, UNTOLD_PER_S)
        self._stamped = float("-inf")
        self.ready = (
            None
            if self.signer is None
            else Ready(self.signer, "POST", hosts.prefix + ORDERS, self.clock.now_ms)
        )

    async def open(self) -> None:
        """Open the lanes."""
        for lane in (self._reads, self._writes, self._cancels):
            await lane.open()

    async def close(self) -> None:
        """Close the lanes."""
        for lane in (self._reads, self._writes, self._cancels):
            await lane.close()

    def told(self, limits: Limits) -> None:
        """The venue told the read budget of the account."""
        self._throttle.configure(limits.read_per_s * READ_SHARE, limits.read_burst * READ_SHARE)

    # ---- reads

    async def get(self, path: str, *, cost: int = READ_COST) -> bytes:
        """The body of a GET, signed where there is a key; waits for its tokens.

        Raises Refused and Unanswered.
        """
        for attempt in range(TRIES):
            await self._throttle.take(cost)
            sent = time.time()
            headers = await self._headers("GET", path)
            reply = await self._reads.send(Request("GET", self.hosts.prefix + path, headers))
            self._measure(path, reply, sent)
            try:
                return check(reply)
            except Refused as refused:
                if refused.reason is not RejectReason.RATE_LIMITED or attempt == TRIES - 1:
                    raise
                self._throttle.empty()
        raise AssertionError("the last try returns or raises")

    async def pages(self, path: str, parse: Callable[[bytes], P], cursor: Callable[[P], str]) -> list[P]:
        """Every page of a listing; raises Unanswered when it never ends (a cursor that is ignored)."""
        pages: list[P] = []
        seen: set[str] = set()
        mark = ""
        while len(pages) < PAGES_MAX:
            joint = "&" if "?" in path else "?"
            page = parse(await self.get(path + (f"{joint}cursor={mark}" if mark else "")))
            pages.append(page)
            mark = cursor(page)
            if not mark:
                return pages
            if mark in seen:
                break
            seen.add(mark)
        raise Unanswered(f"{path.partition('?')[0]}: the pages do not end")

    # ---- writes

    async def write(self, method: str, path: str, body: bytes = b"", *, cancel: bool = False) -> bytes:
        """Send a write once; raises Refused (certain) and Unanswered. Cancels go on their own connections."""
        request = await self.prepared(method, path, body)
        return check(await self.send(request, cancel=cancel))

    async def prepared(self, method: str, path: str, body: bytes) -> Request:
        """The request with a fresh signature: one made ahead of time where there is one."""
        made = self.ready.take() if self.ready is not None and (method, path) == ("POST", ORDERS) else None
        headers = made if made is not None else await self._headers(method, path)
        return Request(method, self.hosts.prefix + path, {**headers, **JSON} if body else headers, body)

    def build(self, method: str, path: str, body: bytes) -> Request:
        """The same request at once, signed on the spot."""
        assert self.signer is not None, "orders need a key"
        headers = self.signer.headers(method, self.hosts.prefix + path)
        return Request(method, self.hosts.prefix + path, {**headers, **JSON} if body else headers, body)

    async def send(self, request: Request, *, cancel: bool = False) -> Reply:
        """Send a prepared write."""
        sent = time.time()
        reply = await (self._cancels if cancel else self._writes).send(request)
        self._measure(request.path.removeprefix(self.hosts.prefix), reply, sent)
        return reply

    @property
    def doubt_s(self) -> float:
        """How far the venue's clock may be from what we believe."""
        return FINE_S if time.monotonic() - self._stamped < CLOCK_KEEPS_S else COARSE_S

    def stamped(self, ts_ms: int, sent: float) -> None:
        """An answer carries the engine's own clock: finer than a date of whole seconds."""
        if ts_ms:
            self._stamped = time.monotonic()
            self.clock.measure(ts_ms / 1000.0, sent, time.time())

    # ---- the rest

    async def keep_ready(self) -> None:
        """Make signatures ahead of time until cancelled; without a slow key there is nothing to do."""
        if self.ready is None or self.signer is None or not self.signer.slow:
            await asyncio.Event().wait()
        else:
            await self.ready.run()

    async def _headers(self, method: str, path: str) -> Mapping[str, str]:
        if self.signer is None:
            return {}
        return await self.signer.signed(method, self.hosts.prefix + path)

    def _measure(self, path: str, reply: Reply, sent: float) -> None:
        """Take the date of an answer where nothing finer is known, or where it shows that a clock was set.

        Answers about markets may come from a cache, and are dated when it was filled.
        """
        if not path.startswith(UNCACHED) or "Age" in reply.headers or "age" in reply.headers:
            return
        told = http_date_s(reply.headers.get("Date", "") or reply.headers.get("date", ""))
        if told is None:
            return
        now = time.time()
        fine = time.monotonic() - self._stamped < CLOCK_KEEPS_S and self.clock.measured
        if not fine or abs(told + 0.5 - (sent + now) / 2.0 - self.clock.offset_s) > SET_S:
            self.clock.measure(told, sent, now, 1.0)
