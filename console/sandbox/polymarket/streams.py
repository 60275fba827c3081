"""The two sockets of the pretended venue: who listens, what they are told, and how lines fail."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from console.sandbox.polymarket.faults import Faults
from console.sandbox.polymarket.venue import Venue

FROZEN_S = 15.0
LATE_S = 0.004  # between what happened and its frame


class Line:
    """One connection: its frames leave in order, a little late."""

    def __init__(self, socket: web.WebSocketResponse, faults: Faults) -> None:
        self._socket = socket
        self._faults = faults
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self.frozen_until = 0.0
        self.wanted: set[str] = set()

    def tell(self, message: dict[str, Any] | list[Any]) -> None:
        """Send a message, unless the line is frozen."""
        if time.monotonic() >= self.frozen_until:
            frame = json.dumps(message, separators=(",", ":"))
            self._frames.put_nowait(frame)
            if self._faults.strikes("duplicated"):
                self._frames.put_nowait(frame)

    def say(self, words: str) -> None:
        """Send plain words, frozen or not."""
        self._frames.put_nowait(words)

    async def write(self) -> None:
        """Write until the socket closes."""
        while not self._socket.closed:
            frames = [await self._frames.get()]
            await asyncio.sleep(LATE_S)
            while not self._frames.empty():
                frames.append(self._frames.get_nowait())
            try:
                for frame in frames:
                    await self._socket.send_str(frame)
            except ConnectionError:
                return

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()


class Streams:
    """Everybody who listens to a venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._faults = venue.faults
        self.market: set[Line] = set()
        self.user: set[Line] = set()
        self.held = False  # by hand: nothing is told on any line
        venue.to_market = self._to_market
        venue.to_user = self._to_user

    # ---- what happens

    def _to_market(self, frames: list[dict[str, Any]]) -> None:
        for frame in frames:
            told = frame
            if frame["event_type"] == "price_change":
                if self._faults.strikes("dropped"):
                    continue
                told = self._spoiled(frame)
            about = {c["asset_id"] for c in frame.get("price_changes", ())} or set(
                frame.get("assets_ids", ()) or {frame["asset_id"]}
            )
            for line in self.market:
                if about & line.wanted and not self.held:
                    line.tell(told)

    def _spoiled(self, frame: dict[str, Any]) -> dict[str, Any]:
        first, *others = frame["price_changes"]
        if self._faults.strikes("bad_hash"):
            return {**frame, "price_changes": [{**first, "hash": "0" * 39 + "1"}, *others]}
        if self._faults.strikes("unreadable"):
            return {**frame, "price_changes": [{k: v for k, v in first.items() if k != "size"}, *others]}
        return frame

    def _to_user(self, frames: list[dict[str, Any]]) -> None:
        for line in self.user:
            for frame in frames:
                if not self.held:
                    line.tell(frame)

    # ---- connections

    async def serve_market(self, request: web.Request) -> web.WebSocketResponse:
        """The market channel."""
        return await self._serve(request, self.market, self._market_words)

    async def serve_user(self, request: web.Request) -> web.WebSocketResponse:
        """The user channel: thrown out without a word unless the first message proves who it is."""
        return await self._serve(request, self.user, self._user_words)

    async def _serve(
        self, request: web.Request, lines: set[Line], words: Callable[[Line, dict[str, Any]], bool]
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        line = Line(socket, self._faults)
        writing = asyncio.create_task(line.write())
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                if message.data == "PING":
                    line.say("PONG")
                    continue
                try:
                    told = json.loads(message.data)
                except ValueError:
                    break
                if not words(line, told):
                    break
                lines.add(line)
        finally:
            lines.discard(line)
            writing.cancel()
        return socket

    def _market_words(self, line: Line, told: dict[str, Any]) -> bool:
        tokens = [token for token in told.get("assets_ids", ()) if token in self._venue.by_token]
        if told.get("operation") == "unsubscribe":
            line.wanted -= set(tokens)
            return True
        fresh = [token for token in tokens if token not in line.wanted]
        line.wanted |= set(tokens)
        if not tokens:
            line.say("[]")
        elif fresh:
            line.tell([self._dump(token) for token in fresh])
        return True

    def _dump(self, token: str) -> dict[str, Any]:
        listing = self._venue.by_token[token]
        return self._venue.publisher.frame(listing, listing.outcome_of(token))

    def _user_words(self, _line: Line, told: dict[str, Any]) -> bool:
        return "operation" in told or told.get("auth") == self._venue.credentials

    # ---- misfortunes

    async def misbehave(self) -> None:
        """Close and freeze lines now and then, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, act in (("disconnects", self.hang_up), ("freezes", self.freeze)):
                if self._faults.every(name) is not None:
                    group.create_task(self._now_and_then(name, act))

    async def _now_and_then(self, name: str, act: Callable[[], Any]) -> None:
        while True:
            await asyncio.sleep(self._faults.every(name) or 1.0)
            self._faults.struck(name)
            done = act()
            if asyncio.iscoroutine(done):
                await done

    def freeze(self, seconds: float = FROZEN_S) -> None:
        """Answer pings and tell nothing for a while."""
        for line in (*self.market, *self.user):
            line.frozen_until = time.monotonic() + seconds

    async def hang_up(self) -> None:
        """Close every socket."""
        for line in (*self.market, *self.user):
            await line.close()
