"""One feed over HTTP: the key put on below everything that logs, requests paid for, retried, told apart.

The key travels in the query string of two feeds. It is added inside the transport, so that no request
object, log line or exception of the HTTP library ever holds it; and whatever a server says is scrubbed of
it before anybody sees it.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol
from urllib.parse import quote

import httpx
from msgspec import Struct

from console.core.complaint import Complaint
from console.core.units import SECOND, Nanos
from console.keys import Secret
from console.venues.base.backoff import Backoff
from console.venues.base.throttle import Throttle
from console.venues.feeds.credits import Credits, next_day, next_month

TIMEOUT_S = 30.0
TRIES = 3
WAIT_MOST_S = 90.0  # a feed that asks for more patience than this is left alone until its next poll
IN_FLIGHT = {
    "the_odds_api": 4,
    "oddspapi": 2,
    "sportsgameodds": 4,
}  # together at most ten (bursts of 8 drew 429)
BODY_MOST = 64 * 1024 * 1024
WORDS_MOST = 200  # of what a server has to say


class KeyUnfit(Complaint):
    """A key with characters no key has."""


class FeedFailed(Exception):
    """A request that brought nothing; one line, without the key. Worth trying again."""


class Slow(FeedFailed):
    """Too fast for the feed: the same after `wait_s` seconds."""

    def __init__(self, wait_s: float, why: str) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class Spent(FeedFailed):
    """The provider's quota is used up: nothing until the next month, or day where nobody knows."""

    def __init__(self, why: str, until_month: bool) -> None:
        super().__init__(why)
        self.until_month = until_month


class Denied(FeedFailed):
    """The key is not taken: no use in asking again."""


class Wrong(FeedFailed):
    """The request makes no sense there, such as a league out of season: not again for a while."""


class Clock(Protocol):
    """Time as a feed lives by it."""

    def wall(self) -> Nanos:
        """Nanoseconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""


class SystemClock:
    """The machine's clock."""

    def wall(self) -> Nanos:
        """Nanoseconds since the Unix epoch."""
        return Nanos(time.time_ns())

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


class Place(enum.Enum):
    """Where a feed wants its key."""

    QUERY = "apiKey"
    HEADER = "x-api-key"


class Reply(Struct, frozen=True):
    """An answer. `received` is when it was complete, on the wall clock."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received: Nanos


class Manner(Struct, frozen=True):
    """How one feed wants to be spoken to.

    `judge` says what an answer means that is no success (None: it is one), `quota` reads (left, used, cost
    of this call) from its headers, `per_s` and `burst` bound how fast it may be asked.
    """

    name: str
    address: str
    place: Place
    judge: Callable[[Reply], FeedFailed | None]
    quota: Callable[[Mapping[str, str]], tuple[int | None, int | None, int | None]]
    per_s: float
    burst: float


class Keyed(httpx.AsyncBaseTransport):
    """A transport that puts the key on every request as it leaves."""

    def __init__(self, inner: httpx.AsyncBaseTransport, key: Secret, place: Place) -> None:
        self._inner = inner
        self._key = key
        self._place = place

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a copy of the request that holds the key."""
        url, headers = request.url, request.headers.copy()
        if self._place is Place.QUERY:
            url = url.copy_add_param(self._place.value, self._key.reveal())
        else:
            headers[self._place.value] = self._key.reveal()
        keyed = httpx.Request(request.method, url, headers=headers, extensions=request.extensions)
        return await self._inner.handle_async_request(keyed)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class Wire:
    """Requests to one feed. Every try is paid for before it leaves."""

    def __init__(
        self,
        manner: Manner,
        key: Secret,
        purse: Credits,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`manner.address` may be a local server's; `transport` replaces the network in tests."""
        text = key.reveal()
        if not text.isascii() or not text.isprintable() or " " in text:
            raise KeyUnfit(f"{key.name}: has characters that no key has")
        self._manner = manner
        self._key = key
        self._purse = purse
        self._clock = clock
        self._chance = chance
        self._timeout_s = timeout_s
        self._transport = transport
        self._throttle = Throttle(manner.per_s, manner.burst, lambda: clock.wall() / SECOND, clock.sleep)
        self._places = asyncio.Semaphore(IN_FLIGHT[manner.name])
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Wire:
        inner = self._transport or httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=IN_FLIGHT[self._manner.name])
        )
        for library in ("httpx", "httpcore"):  # they write down what servers say, and servers repeat keys
            logging.getLogger(library).setLevel(logging.CRITICAL)
        self._client = httpx.AsyncClient(
            transport=Keyed(inner, self._key, self._manner.place),
            timeout=self._timeout_s,
            headers={"Accept": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, path: str, params: Mapping[str, str], cost: int) -> Reply:
        """Ask and pay; raises FeedFailed when no try brought an answer, Unpaid when there is no budget."""
        backoff = Backoff(1.0, 8.0, self._chance)
        for attempt in range(1, TRIES + 1):
            trouble = await self._try(path, params, cost)
            if isinstance(trouble, Reply):
                return trouble
            last = attempt == TRIES
            if isinstance(trouble, Spent):
                self._stop(trouble)
            if last or isinstance(trouble, Spent | Denied | Wrong):
                raise trouble
            wait_s = backoff.next_s()
            if isinstance(trouble, Slow):
                if trouble.wait_s > WAIT_MOST_S:
                    raise trouble
                wait_s = trouble.wait_s * (1.0 + 0.5 * self._chance())
            await self._clock.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    async def _try(self, path: str, params: Mapping[str, str], cost: int) -> Reply | FeedFailed:
        """One request: its answer, or what went wrong in words of ours."""
        await self._throttle.take()
        async with self._places:
            self._purse.take(cost, self._clock.wall())
            reply = await self._send(path, params)
        if isinstance(reply, FeedFailed):
            return reply
        left, used, last = self._manner.quota(reply.headers)
        self._purse.told(reply.received, left, used, last, cost)
        if 300 <= reply.status < 400:
            return FeedFailed(f"status {reply.status}: it sends us elsewhere")
        return self._scrubbed(self._manner.judge(reply)) or reply

    async def _send(self, path: str, params: Mapping[str, str]) -> Reply | FeedFailed:
        assert self._client is not None, "a wire is opened before it is used"
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.get(self._manner.address + path, params=params)
        except (TimeoutError, httpx.TimeoutException):
            return FeedFailed(f"no answer within {self._timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return FeedFailed(f"no answer: {type(error).__name__}")
        if len(response.content) > BODY_MOST:
            return FeedFailed("the answer is too long to be one")
        return Reply(response.status_code, dict(response.headers), response.content, self._clock.wall())

    def _scrubbed(self, trouble: FeedFailed | None) -> FeedFailed | None:
        """What the server said, without the key it may have repeated."""
        if trouble is not None:
            trouble.args = (self.scrub(str(trouble))[:WORDS_MOST],)
        return trouble

    def scrub(self, text: str) -> str:
        """A text of the server's without the key."""
        key = self._key.reveal()
        for secret in (key, quote(key, safe="")):
            text = text.replace(secret, f"<{self._key.name}>")
        return text

    def _stop(self, spent: Spent) -> None:
        now = self._clock.wall()
        self._purse.stop(now, str(spent), next_month(now) if spent.until_month else next_day(now))


def seconds(text: str | None) -> float | None:
    """Seconds to wait as a header or field says; None where it does not."""
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
