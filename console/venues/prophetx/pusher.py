"""A small client of the Pusher protocol, version 7: connects, registers, joins channels, notices silence.

What the frames of a channel say is not its business. Every socket has an id, and every permission to join a
channel is made for that id and dies with it: after a reconnect everything is registered anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.venues.base.backoff import Backoff
from console.venues.base.protocol import Refused, Unanswered
from console.venues.base.stream import Dead, Line, Stream
from console.venues.prophetx.neutral import Channel, ConnectionConfig, Registration, SignIn, Unreadable

PROTOCOL: Final = 7
CLIENT: Final = "mmconsole"
ACTIVITY_S: Final = 120.0  # without a word of the server's
PONG_S: Final = 30.0
HANDSHAKE_S: Final = 15.0
CONFIG_S: Final = 30 * 60.0  # the connection's address is read again so often
GIVE_UP_S: Final = 60.0  # a refusal that a reconnect would not change


class Frame(Struct, frozen=True):
    """What any frame has; `data` is JSON inside JSON as a rule, an object now and then."""

    event: str
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Opened(Struct, frozen=True):
    """`pusher:connection_established`."""

    socket_id: str
    activity_timeout: float = ACTIVITY_S


class Trouble(Struct, frozen=True):
    """`pusher:error`."""

    code: int | None = None
    message: str = ""


def parse_frame(text: str | bytes) -> Frame:
    """One frame; raises Unreadable."""
    try:
        return msgspec.json.decode(text, type=Frame)
    except UNREADABLE as error:
        raise Unreadable(f"push frame: {error}") from error


def inner(frame: Frame) -> bytes:
    """The payload of a frame as JSON, whether or not it was wrapped in a string."""
    raw = bytes(frame.data)
    if not raw.startswith(b'"'):
        return raw or b"{}"
    try:
        return msgspec.json.decode(raw, type=str).encode() or b"{}"
    except UNREADABLE as error:
        raise Unreadable(f"push frame {frame.event}: {error}") from error


def told(frame: Frame, kind: type[Opened] | type[Trouble]) -> Opened | Trouble:
    """The payload of a frame of the protocol itself; raises Unreadable."""
    try:
        return msgspec.json.decode(inner(frame), type=kind)
    except UNREADABLE as error:
        raise Unreadable(f"{frame.event}: {error}") from error


def render(event: str, fields: Mapping[str, object]) -> str:
    """A frame of ours: its data is an object."""
    return msgspec.json.encode({"event": event, "data": fields}).decode()


def address(config: ConnectionConfig, scheme: str, host: str = "") -> str:
    """Where to connect; `host` overrides what the configuration says."""
    named = host or config.ws_host or f"ws-{config.cluster}.pusher.com"
    return f"{scheme}://{named}/app/{config.key}?protocol={PROTOCOL}&client={CLIENT}&version=1"


def signature(key: str, secret: str, socket_id: str, what: str) -> str:
    """How a server permits a channel (or ``:user::`` data) to one socket."""
    signed = hmac.new(secret.encode(), f"{socket_id}:{what}".encode(), hashlib.sha256)
    return f"{key}:{signed.hexdigest()}"


def refusal_pause_s(code: int | None) -> float:
    """How long to wait after `pusher:error`: by its hundred, as the protocol has it."""
    if code is None or 4200 <= code < 4300:
        return 0.0
    return 1.0 if 4100 <= code < 4200 else GIVE_UP_S if 4000 <= code < 4100 else 0.0


Register = Callable[[str], Awaitable[Registration]]


class Pusher:
    """One socket for ever. `heard` gets every frame of a channel, `joined` runs when all are subscribed.

    `settings` reads the connection's address, `register` says what a socket may join and how. `lost` is told
    why a socket is gone.
    """

    def __init__(
        self,
        settings: Callable[[], Awaitable[ConnectionConfig]],
        register: Register,
        heard: Callable[[Frame], None],
        joined: Callable[[Registration], None],
        lost: Callable[[str], None],
        *,
        scheme: str = "wss",
        host: str = "",
        handshake_s: float = HANDSHAKE_S,
        pong_s: float = PONG_S,
        backoff: Backoff | None = None,
    ) -> None:
        self._settings = settings
        self._register = register
        self._heard = heard
        self._joined = joined
        self._lost = lost
        self._scheme, self._host = scheme, host
        self._handshake_s = handshake_s
        self._pong_s = pong_s
        self._config: ConnectionConfig | None = None
        self._config_s = 0.0
        self._activity_s = ACTIVITY_S
        self._socket_id = ""
        self._waiting: set[str] = set()  # channels that have not said that we are in
        self._in: dict[str, Channel] = {}
        self._signed_in = asyncio.Event()
        self._all_in = asyncio.Event()
        self._pause_s = 0.0
        self._dropped = False  # by us, and told
        self._again = asyncio.Event()
        self._registered: Registration | None = None
        self._out: asyncio.Queue[str] = asyncio.Queue()
        self._stream = Stream(
            self._address,
            self._prepare,
            self._opened,
            self._took,
            self._closed,
            silence_s=None,
            ping_s=None,
            backoff=backoff or Backoff(0.5, 15.0),
        )

    async def run(self) -> None:
        """Keep a socket until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stream.run())
            group.create_task(self._say())
            group.create_task(self._registering())
            group.create_task(self._watch())

    def register_again(self) -> None:
        """What is wanted has changed: tell the venue, on the same socket."""
        self._again.set()

    def drop(self) -> None:
        """Give the socket up; a new one is made."""
        self._stream.drop()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels we are in."""
        return tuple(self._in.values())

    # ---- one socket

    async def _prepare(self) -> Mapping[str, str]:
        """Before a connection: wait as the last refusal asks, and read the address unless it is young."""
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
            self._pause_s = 0.0
        try:
            await self._read_config()
        except (Refused, Unanswered, Unreadable) as error:
            raise Dead(f"connection settings: {error}") from error
        return {}

    async def _read_config(self) -> bool:
        """Whether the address changed."""
        before = self._config
        self._config = await self._settings()
        self._config_s = time.monotonic()
        return before is not None and before != self._config

    def _address(self) -> str:
        assert self._config is not None, "the settings are read before every connection"
        return address(self._config, self._scheme, self._host)

    async def _opened(self, _: Line) -> None:
        self._forget()

    def _closed(self, why: str) -> None:
        self._forget()
        if not self._dropped:
            self._lost(why)
        self._dropped = False

    def _forget(self) -> None:
        self._socket_id = ""
        self._waiting.clear()
        self._in.clear()
        self._registered = None
        self._signed_in.set()  # whoever waits sees that the socket is another one
        self._all_in.set()
        while not self._out.empty():
            self._out.get_nowait()

    def _took(self, text: str | bytes) -> None:
        try:
            frame = parse_frame(text)
            self._dispatch(frame)
        except Unreadable as error:
            raise Dead(str(error)) from error

    def _dispatch(self, frame: Frame) -> None:
        match frame.event:
            case "pusher:connection_established":
                opened = told(frame, Opened)
                assert isinstance(opened, Opened), "decoded as such"
                self._socket_id = opened.socket_id
                self._activity_s = max(1.0, opened.activity_timeout)
                self._again.set()
            case "pusher:ping":
                self._put("pusher:pong", {})
            case "pusher:pong":
                pass
            case "pusher:error":
                trouble = told(frame, Trouble)
                assert isinstance(trouble, Trouble), "decoded as such"
                self._pause_s = refusal_pause_s(trouble.code)
                raise Dead(f"push error {trouble.code}: {trouble.message}")
            case "pusher:signin_success":
                self._signed_in.set()
            case "pusher_internal:subscription_succeeded":
                self._is_in(frame.channel)
            case "pusher:subscription_error":
                raise Dead(f"not let into {frame.channel}: {inner(frame)[:80].decode(errors='replace')}")
            case _:
                self._heard(frame)

    def _is_in(self, channel: str) -> None:
        self._waiting.discard(channel)
        if not self._waiting and self._registered is not None:
            self._all_in.set()
            self._joined(self._registered)

    # ---- registering

    async def _registering(self) -> None:
        while True:
            await self._again.wait()
            self._again.clear()
            socket_id = self._socket_id
            if not socket_id:
                continue
            try:
                async with asyncio.timeout(self._handshake_s):
                    await self._join(socket_id, await self._register(socket_id))
            except (Refused, Unanswered, Unreadable, TimeoutError) as error:
                if socket_id == self._socket_id:
                    self._why_dropped(f"registration: {str(error) or 'no answer in time'}")

    def _why_dropped(self, why: str) -> None:
        self._dropped = True  # what the socket says when it ends is no news any more
        self._lost(why)
        self._stream.drop()

    async def _join(self, socket_id: str, told: Registration) -> None:
        """Sign in where that is done, and enter what we are not in yet."""
        if socket_id != self._socket_id:
            return
        first = self._registered is None
        self._registered = told
        if first and told.authenticated is not None:
            await self._sign_in(told.authenticated)
            if socket_id != self._socket_id:
                return
        named = {channel.channel_name: channel for channel in told.authorized_channel}
        for name in [name for name in self._in if name not in named]:
            del self._in[name]
            self._put("pusher:unsubscribe", {"channel": name})
        fresh = {name: channel for name, channel in named.items() if name not in self._in}
        self._waiting.update(fresh)
        self._in.update(fresh)
        for name, channel in fresh.items():
            self._put("pusher:subscribe", {"channel": name, "auth": channel.auth})
        if self._waiting:
            self._all_in.clear()
            await self._all_in.wait()
        else:
            self._joined(told)

    async def _sign_in(self, wanted: SignIn) -> None:
        self._signed_in.clear()
        self._put("pusher:signin", {"auth": wanted.auth, "user_data": wanted.user_data})
        await self._signed_in.wait()

    # ---- speaking and listening

    def _put(self, event: str, fields: Mapping[str, object]) -> None:
        self._out.put_nowait(render(event, fields))

    async def _say(self) -> None:
        while True:
            text = await self._out.get()
            try:
                await self._stream.send(text)
            except Dead:
                continue

    async def _watch(self) -> None:
        """Ping a silent server and give it up when it does not answer; look the address up again."""
        asked = 0.0
        while True:
            await asyncio.sleep(0.25)
            if not self._socket_id:
                asked = 0.0
                continue
            silent = time.monotonic() - self._stream.heard
            if silent < self._activity_s:
                asked = 0.0
            elif not asked:
                asked = time.monotonic()
                self._put("pusher:ping", {})
            elif time.monotonic() - asked > self._pong_s:
                self._why_dropped(f"silent for {silent:.0f} s")
                asked = 0.0
            if time.monotonic() - self._config_s > CONFIG_S:
                await self._look_again()

    async def _look_again(self) -> None:
        try:
            if await self._read_config():
                self._why_dropped("the push service moved")
        except (Refused, Unanswered, Unreadable):
            self._config_s = time.monotonic() - CONFIG_S + 60.0  # in a minute
