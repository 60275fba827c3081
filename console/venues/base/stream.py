"""A WebSocket that comes back: connects, watches for silence, reconnects with jitter, and never raises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from console.venues.base.backoff import Backoff

OPEN_S = 10.0
PING_S = 10.0
FRAME_MAX = 16 * 1024 * 1024


class Dead(Exception):
    """The connection is to be given up; the message says why."""


class Line(Protocol):
    """An open connection, as its owner uses it."""

    async def send(self, message: str, /) -> None:
        """Send one text frame; raises when the connection is gone."""


class Stream:
    """One connection at a time, for ever.

    `address` and `headers` are asked anew for each attempt (a signature ages). `opened` runs when connected
    and subscribes; `took` gets every frame and raises Dead to give the connection up; `closed` is told why
    it ended. Without a frame for `silence_s` the connection is dead, whatever its pings say; a venue that may
    be quiet sets None and watches its data itself.
    """

    def __init__(
        self,
        address: Callable[[], str],
        headers: Callable[[], Awaitable[Mapping[str, str]]],
        opened: Callable[[Line], Awaitable[None]],
        took: Callable[[str | bytes], None],
        closed: Callable[[str], None],
        *,
        silence_s: float | None = 30.0,
        backoff: Backoff | None = None,
        ping_s: float | None = PING_S,
    ) -> None:
        self._address = address
        self._headers = headers
        self._opened = opened
        self._took = took
        self._closed = closed
        self._silence_s = silence_s
        self._backoff = backoff or Backoff()
        self._ping_s = ping_s
        self._line: ClientConnection | None = None
        self.heard = 0.0  # monotonic seconds of the last frame

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        while True:
            why = await self._once()
            self._line = None
            self._closed(why)
            await asyncio.sleep(self._backoff.next_s())

    async def send(self, text: str) -> None:
        """Send a text frame on the present connection; Dead when there is none."""
        line = self._line
        if line is None:
            raise Dead("not connected")
        try:
            await line.send(text)
        except (WebSocketException, OSError) as error:
            raise Dead(_brief(error)) from error

    def drop(self) -> None:
        """Give the present connection up; a new one is made."""
        line = self._line
        if line is not None:
            line.transport.abort()

    async def _once(self) -> str:
        """One connection from its beginning to its end; returns why it ended."""
        try:
            headers = await self._headers()
            async with connect(
                self._address(),
                additional_headers=headers,
                open_timeout=OPEN_S,
                ping_interval=self._ping_s,
                ping_timeout=self._ping_s,
                close_timeout=1.0,
                max_size=FRAME_MAX,
                max_queue=None,
                proxy=None,
            ) as line:
                self._line = line
                self.heard = time.monotonic()
                await self._opened(line)
                return await self._read(line)
        except Dead as dead:
            return str(dead)
        except InvalidStatus as error:
            return f"refused with HTTP status {error.response.status_code}"
        except (WebSocketException, OSError, TimeoutError) as error:
            return _brief(error)

    async def _read(self, line: ClientConnection) -> str:
        while True:
            try:
                async with asyncio.timeout(self._silence_s):
                    frame = await line.recv()
            except TimeoutError:
                return f"silent for {self._silence_s:g} s"
            self.heard = time.monotonic()
            self._backoff.worked()
            self._took(frame)


def _brief(error: BaseException) -> str:
    """An error in words without the address: addresses may carry keys."""
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
