"""The push service: sockets of the Pusher protocol 7, signed channels, and what is said on them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web
from msgspec import Struct

from console.sandbox.prophetx.exchange import Exchange, Turned
from console.sandbox.prophetx.faults import Faults
from console.sandbox.prophetx.luck import Luck
from console.sandbox.prophetx.pool import Pool, Wager
from console.sandbox.prophetx.programme import Fixture
from console.sandbox.prophetx.words import (
    V4,
    Words,
    event_change,
    selections_change,
    trade_change,
    update,
    wrapped,
)

APP_ID = "1000000"
KEY = "sandboxappkey0000001"
SHARED = "private-broadcast-service=3-device_type=5"
ACTIVITY_S = 30.0
PONG_S = 30.0
HEALTH_S = 5.0
CHANNEL_LIMIT = 400
COALESCE_S = 0.05
CUT_S = 30.0
QUIET_S = 60.0

Json = Any


class Signer(Struct, frozen=True):
    """How a channel is permitted to a socket."""

    key: str
    secret: str

    def sign(self, socket_id: str, what: str) -> str:
        """Permission for a channel, or (``:user::`` and what is known of him) for a user."""
        signed = hmac.new(self.secret.encode(), f"{socket_id}:{what}".encode(), hashlib.sha256)
        return f"{self.key}:{signed.hexdigest()}"


class Socket:
    """One connection."""

    def __init__(
        self, line: web.WebSocketResponse, transport: asyncio.Transport | None, socket_id: str
    ) -> None:
        self.line = line
        self.transport = transport
        self.socket_id = socket_id
        self.user = ""
        self.words: Words = V4
        self.authorized: set[str] = set()
        self.channels: set[str] = set()
        self.counted: set[str] = set()  # channels over the life of the socket
        self.heard = time.monotonic()
        self.asked = 0.0
        self.frozen_until = 0.0
        self.out: asyncio.Queue[str] = asyncio.Queue()


class PushServer:
    """All sockets. Hang it on an exchange and it tells what happens there."""

    def __init__(self, exchange: Exchange, faults: Faults, luck: Luck, health_s: float = HEALTH_S) -> None:
        self._exchange = exchange
        self._faults = faults
        self._luck = luck
        self._health_s = health_s
        self._signer = Signer(KEY, luck.digits(20))
        self._sockets: dict[str, Socket] = {}
        self._dirty: dict[str, Pool] = {}
        self._silent: dict[int, float] = {}  # events whose channel says nothing, until when
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        exchange.on_wager.append(self._wager)
        exchange.on_pool.append(lambda pool: self._dirty.__setitem__(pool.line.key, pool))
        exchange.on_trade.append(self._trade)
        exchange.on_fixture.append(self.fixture)

    # ---- registration

    def register(self, user: str, socket_id: object, wanted: list[dict[str, Json]], words: Words) -> Json:
        """What a socket may join; raises Turned."""
        socket = self._sockets.get(str(socket_id))
        if socket is None:
            raise Turned(400, "invalid_param", "no such socket")
        events, rejected = self._wanted(wanted)
        names = [f"{SHARED}-event={event}" for event in events]
        if len(socket.counted | set(names)) > CHANNEL_LIMIT:
            raise Turned(400, "exceed_subscription_count")
        socket.counted |= set(names)
        socket.user, socket.words = user, words
        private = f"private-service=3-device_type=5-user={user}"
        tournaments = sorted({f.league.tournament for f in self._exchange.fixtures.values()})
        shared = [{"name": f"tournament_{one}", "type": f"tournament_{one}"} for one in tournaments]
        channels = [
            self._channel(socket, SHARED, [*shared, {"name": "general", "type": "general"}]),
            self._channel(
                socket,
                private,
                [
                    {"name": "wagers", "type": "wagers"},
                    {"name": "health_check", "type": "private_system_signal"},
                ],
            ),
        ]
        selections = [{"name": "market_selections", "type": "market_selections"}]
        for event, name in zip(events, names, strict=True):
            channels.append({**self._channel(socket, name, selections), "scope": {"event_id": event}})
        socket.authorized = {channel["channel_name"] for channel in channels}
        told: dict[str, Json] = {
            "success": True,
            "status": "CONNECTED",
            "updated_at": int(time.time()),
            "subscriptions": wanted,
            "authorized_channel": channels,
        }
        if words.v4:
            user_data = json.dumps({"id": user}, separators=(",", ":"))
            told["channel_count"], told["channel_limit"] = len(names), CHANNEL_LIMIT
            told["authenticated"] = {
                "auth": self._signer.sign(socket.socket_id, f":user::{user_data}"),
                "user_data": user_data,
            }
            if rejected:
                told["rejected"] = rejected
        return {"auth": channels[0]["auth"], "data": told}

    def _wanted(self, wanted: list[dict[str, Json]]) -> tuple[list[int], list[Json]]:
        events, rejected = [], []
        for one in wanted:
            for name in one.get("ids", []):
                if one.get("type") not in ("tournament", "event", "event_subtype"):
                    rejected.append({"type": one.get("type"), "id": name, "reason": "unknown_type"})
                elif name == "all":
                    rejected.append({"type": one["type"], "id": name, "reason": "wildcard_not_allowed"})
                elif not str(name).partition(":")[0].isdecimal():
                    rejected.append({"type": one["type"], "id": name, "reason": "malformed_id"})
                elif one["type"] == "event":
                    events.append(int(name))
        return events, rejected

    def _channel(self, socket: Socket, name: str, events: list[dict[str, str]]) -> dict[str, Json]:
        return {
            "channel_name": name,
            "auth": self._signer.sign(socket.socket_id, name),
            "binding_events": events,
        }

    # ---- one socket

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """A connection from its beginning to its end."""
        line = web.WebSocketResponse()
        await line.prepare(request)
        if request.match_info["key"] != KEY:
            return await self._refuse(line, 4001, "no such app")
        if request.query.get("protocol") != "7":
            return await self._refuse(line, 4007, "unsupported protocol version")
        socket_id = f"{int(self._luck.between(10_000, 99_999))}.{self._luck.digits(7)}"
        socket = Socket(line, request.transport, socket_id)
        self._sockets[socket.socket_id] = socket
        opened = {"socket_id": socket.socket_id, "activity_timeout": int(ACTIVITY_S)}
        self._say(socket, "pusher:connection_established", opened)
        sender = asyncio.ensure_future(self._send(socket))
        try:
            async for message in line:
                socket.heard, socket.asked = time.monotonic(), 0.0
                if message.type is WSMsgType.TEXT:
                    self._hear(socket, json.loads(message.data))
        finally:
            sender.cancel()
            self._sockets.pop(socket.socket_id, None)
        return line

    async def _refuse(self, line: web.WebSocketResponse, code: int, why: str) -> web.WebSocketResponse:
        await line.send_str(json.dumps({"event": "pusher:error", "data": {"code": code, "message": why}}))
        await line.close(code=code)
        return line

    async def _send(self, socket: Socket) -> None:
        while True:
            text = await socket.out.get()
            try:
                await socket.line.send_str(text)
            except ConnectionError:
                return

    def _hear(self, socket: Socket, frame: Json) -> None:
        event, fields = frame.get("event"), frame.get("data") or {}
        if event == "pusher:ping":
            self._say(socket, "pusher:pong", {}, past_freeze=True)
        elif event == "pusher:signin":
            good = fields.get("auth") == self._signer.sign(
                socket.socket_id, f":user::{fields.get('user_data')}"
            )
            if good:
                self._say(socket, "pusher:signin_success", {"user_data": fields["user_data"]})
            else:
                self._error(socket, 4009, "unauthorized")
        elif event == "pusher:subscribe":
            name = fields.get("channel", "")
            if (
                fields.get("auth") != self._signer.sign(socket.socket_id, name)
                or name not in socket.authorized
            ):
                self._error(socket, 4009, f"not authorized for {name}")
                return
            socket.channels.add(name)
            self._say(socket, "pusher_internal:subscription_succeeded", {}, name)
        elif event == "pusher:unsubscribe":
            socket.channels.discard(fields.get("channel", ""))

    def _error(self, socket: Socket, code: int, why: str) -> None:
        self._say(socket, "pusher:error", {"code": code, "message": why})
        self._later(0.05, lambda: self._close(socket, code))

    def _close(self, socket: Socket, code: int) -> None:
        task = asyncio.ensure_future(socket.line.close(code=code))
        self._keep(task)

    def _say(
        self, socket: Socket, event: str, payload: Json, channel: str = "", past_freeze: bool = False
    ) -> None:
        """A frame; its data is a string of JSON, as the service writes it."""
        if time.monotonic() < socket.frozen_until and not past_freeze:
            return
        text = payload if isinstance(payload, str) else json.dumps(payload)
        frame = {"event": event, "data": text}
        if channel:
            frame["channel"] = channel
        socket.out.put_nowait(json.dumps(frame))

    # ---- what happens

    def _wager(self, wager: Wager, kind: str) -> None:
        if not wager.external_id or self._faults.strikes("lost_news", 0.05):
            return
        self._sequence += 1
        name = f"private-service=3-device_type=5-user={wager.user}"
        for socket in self._of(name):
            change = update(socket.words, wager, kind, self._stamp())
            text = wrapped(socket.words.order, "u", change, time.time())
            self._private(socket, name, text)

    def _private(self, socket: Socket, name: str, text: str) -> None:
        self._say(socket, "wagers", text, name)
        if self._faults.strikes("repeated_news", 0.5):
            delay = self._luck.between(0.0, 1.5)
            self._later(delay, lambda: self._say(socket, "wagers", text, name))

    def _trade(self, pool: Pool, side: int, odds: int, cents: int) -> None:
        for socket in self._of(SHARED):
            change = trade_change(socket.words, pool, side, odds, cents, self._stamp())
            text = wrapped(socket.words.match, "c", change, time.time())
            self._say(socket, f"tournament_{pool.fixture.league.tournament}", text, SHARED)

    def fixture(self, fixture: Fixture) -> None:
        """A fixture changed."""
        for socket in self._of(SHARED):
            op = "u" if fixture.listed else "d"
            text = wrapped("sport_event", op, event_change(fixture, time.time()), time.time())
            self._say(socket, f"tournament_{fixture.league.tournament}", text, SHARED)

    def market(self, fixture: Fixture, market_id: int, status: str) -> None:
        """A market changed its standing."""
        info = {
            "id": market_id,
            "sport_event_id": fixture.event_id,
            "name": "",
            "status": status,
            "sequence_number": self._stamp(),
        }
        text = wrapped("market", "u", {"id": str(fixture.event_id), "info": info}, time.time())
        for socket in self._of(SHARED):
            self._say(socket, f"tournament_{fixture.league.tournament}", text, SHARED)

    def _tell_pools(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for pool in dirty.values():
            event = pool.fixture.event_id
            if self._silent.get(event, 0.0) > time.monotonic():
                continue
            own = f"{SHARED}-event={event}"
            for socket in list(self._sockets.values()):
                legacy = not socket.words.v4 and SHARED in socket.channels
                if own not in socket.channels and not legacy:
                    continue
                text = wrapped(
                    "market_selections", "u", selections_change(socket.words, pool, time.time()), time.time()
                )
                if legacy:
                    self._say(socket, f"tournament_{pool.fixture.league.tournament}", text, SHARED)
                else:
                    self._say(socket, "market_selections", text, own)

    def _stamp(self) -> int:
        self._sequence = max(self._sequence + 1, time.time_ns())
        return self._sequence

    def _of(self, channel: str) -> list[Socket]:
        return [socket for socket in self._sockets.values() if channel in socket.channels]

    # ---- time

    async def run(self) -> None:
        """Tell of pools, of health, and of misfortune, until cancelled."""
        health = cut = time.monotonic()
        while True:
            await asyncio.sleep(COALESCE_S)
            self._tell_pools()
            now = time.monotonic()
            if now - health >= self._health_s:
                health = now
                self._healthy()
                self._misfortune()
            if now - cut >= CUT_S * (0.5 + self._luck.share()):
                cut = now
                if self._faults.on("cut"):
                    self.cut()
            self._watch()

    def _healthy(self) -> None:
        for socket in self._sockets.values():
            name = f"private-service=3-device_type=5-user={socket.user}"
            if name in socket.channels:
                self._say(
                    socket, "health_check", wrapped("private_system_signal", "u", {}, time.time()), name
                )

    def _misfortune(self) -> None:
        now = time.monotonic()
        for socket in self._sockets.values():
            if self._faults.strikes("frozen", 0.05):
                socket.frozen_until = now + QUIET_S
        if self._faults.strikes("silent_channels", 0.3):
            events = list(self._exchange.fixtures)
            self._silent[events[int(self._luck.between(0, len(events)))]] = now + QUIET_S

    def _watch(self) -> None:
        """Ping whoever is silent; without a pong the connection ends with 4201."""
        now = time.monotonic()
        for socket in list(self._sockets.values()):
            if socket.asked and now - socket.asked > PONG_S:
                self._error(socket, 4201, "Pong reply not received in time")
            elif not socket.asked and now - socket.heard > ACTIVITY_S:
                socket.asked = now
                self._say(socket, "pusher:ping", {}, past_freeze=True)

    # ---- levers

    def cut(self) -> None:
        """Cut every socket without a word."""
        for socket in list(self._sockets.values()):
            if socket.transport is not None:
                socket.transport.abort()

    def freeze(self, seconds: float) -> None:
        """Let every socket say nothing but pong."""
        for socket in self._sockets.values():
            socket.frozen_until = time.monotonic() + seconds

    def silence(self, event: int, seconds: float) -> None:
        """Let the channel of an event say nothing."""
        self._silent[event] = time.monotonic() + seconds

    @property
    def sockets(self) -> list[int]:
        """How many channels each connected socket is in."""
        return [len(socket.channels) for socket in self._sockets.values()]

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, act)

    def _keep(self, task: asyncio.Future[Any]) -> None:
        held = asyncio.ensure_future(task)
        self._tasks.add(held)
        held.add_done_callback(self._tasks.discard)
