"""The order lane: warm keep-alive connections for requests whose outcome must be told apart from silence."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from msgspec import Struct
from yarl import URL

from console.core.events import RejectReason
from console.venues.base.protocol import Refused, Unanswered

TIMEOUT_S = 5.0
CONNECT_S = 3.0
KEEP_ALIVE_S = 75.0
BODY_MAX = 8 * 1024 * 1024


class Request(Struct, frozen=True):
    """One HTTP request, complete to the byte; `path` begins at the root and includes the query."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class Lane:
    """Requests to one host. Open it inside a running loop and close it there."""

    def __init__(self, base: str, *, timeout_s: float = TIMEOUT_S, connections: int = 8) -> None:
        """`base` is scheme and host, such as ``https://example.org``."""
        self._base = base.rstrip("/")
        self._timeout_s = timeout_s
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; nothing is connected yet."""
        connector = aiohttp.TCPConnector(
            limit=self._connections, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=300
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, connect=CONNECT_S),
            auto_decompress=True,
            raise_for_status=False,
        )

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request, *, timeout_s: float | None = None) -> Reply:
        """Send one request once.

        Raises Refused (NOT_CONNECTED) when it certainly never left, Unanswered when nobody can tell.
        """
        if self._session is None:
            raise Refused(RejectReason.NOT_CONNECTED, "the connection is not open")
        try:
            async with asyncio.timeout(timeout_s or self._timeout_s):
                async with self._session.request(
                    request.method,
                    URL(self._base + request.path, encoded=True),  # what was signed, to the byte
                    data=request.body or None,
                    headers=request.headers,
                    allow_redirects=False,
                ) as answer:
                    return Reply(answer.status, await _body(answer), dict(answer.headers))
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, ssl.SSLCertVerificationError) as error:
            raise Refused(RejectReason.NOT_CONNECTED, _brief(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unanswered(_brief(error)) from error


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """All of a body; raises Unanswered for one that no list of orders could be."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(1 << 16):
        size += len(part)
        if size > BODY_MAX:
            raise Unanswered(f"an answer of more than {BODY_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


def _brief(error: BaseException) -> str:
    """An error in words without its address: addresses may carry keys."""
    return type(error).__name__ if not isinstance(error, TimeoutError) else "no answer in time"
