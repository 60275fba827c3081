"""The engine's end of the link: who is attached, who controls, what each sees; a lost console is noticed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Protocol

from console.core.events import (
    ConsoleBack,
    ConsoleLost,
    Flatten,
    Kill,
    OnConsoleLost,
    OperatorEvent,
    Rearm,
    StartGateFailed,
    StartGatePassed,
)
from console.core.matches import MatchId
from console.core.view import View
from console.link.messages import (
    PROTOCOL,
    Ack,
    Answer,
    Ask,
    Bye,
    Frame,
    Heartbeat,
    Hello,
    Operate,
    Refused,
    Role,
    SetDryRun,
    ToConsole,
    ToEngine,
    Watch,
    Welcome,
)
from console.link.wire import WireError, frame, read_to_engine

VIEW_INTERVAL_S = 0.25
BACKLOG_MAX = 1024 * 1024  # bytes waiting for one console; beyond it views are skipped, not queued
HELLO_TIMEOUT_S = 5.0


class Host(Protocol):
    """What the link needs of the engine process."""

    def view(self, watched: MatchId) -> View:
        """The picture as it is now."""

    def welcome(self, role: Role, note: str) -> Welcome:
        """The greeting of a console that was let in."""

    def operate(self, event: OperatorEvent, done: Callable[[Ack], None], request: int) -> None:
        """Put an operator event at the front of the inbox; `done` gets what became of it."""

    async def ask(self, question: Ask) -> Answer:
        """Answer a question outside the engine."""

    async def set_dry_run(self, wanted: SetDryRun) -> Ack:
        """Change the ledger, or say why not."""

    def console_gone(self, policy: OnConsoleLost | None) -> None:
        """The controlling console is lost (None: by the setting), or left with a wish."""

    def console_back(self) -> None:
        """A controlling console is there."""


class _Client:
    def __init__(self, writer: asyncio.StreamWriter, role: Role, pid: int) -> None:
        self.writer = writer
        self.role = role
        self.pid = pid
        self.watched = MatchId("")
        self.heard = time.monotonic()
        self.terminal_age_s = 0.0

    def send(self, data: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(data)

    @property
    def backlog(self) -> int:
        return self.writer.transport.get_write_buffer_size()


class LinkServer:
    """Serves one socket until cancelled."""

    def __init__(self, host: Host, path: Path, lost_after_s: float) -> None:
        self._host = host
        self._path = path
        self._lost_after_s = lost_after_s
        self._clients: set[_Client] = set()
        self._lost = True  # nobody has attached yet: nothing to lose
        self._gone_since: float | None = None
        self._ever = False
        self._answering: set[asyncio.Task[ToConsole]] = set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen, serve views, and watch the controlling console; `ready` is called when listening."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(self._path))
        self._path.chmod(0o600)  # before it listens; a umask would reach the files of other threads
        server = await asyncio.start_unix_server(self._serve, sock=listening)
        try:
            ready()
            while True:
                await asyncio.sleep(VIEW_INTERVAL_S)
                self._broadcast()
                self._watch_control()
        finally:
            server.close()
            for task in self._answering:
                task.cancel()
            self._broadcast()  # how it ended: a stop may be proven between two views
            for client in list(self._clients):
                client.writer.close()
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    # ---- views

    def _broadcast(self) -> None:
        """One view per watched match, encoded once; a console that does not keep up skips frames."""
        frames: dict[MatchId, bytes] = {}
        for client in self._clients:
            if client.role is Role.KILL or client.backlog > BACKLOG_MAX:
                continue
            data = frames.get(client.watched)
            if data is None:
                data = frames[client.watched] = frame(Frame(view=self._host.view(client.watched)))
            client.send(data)

    # ---- who controls

    def _control(self) -> _Client | None:
        return next((client for client in self._clients if client.role is Role.CONTROL), None)

    def _watch_control(self) -> None:
        """A console that is gone, or whose terminal is silent, for long enough is lost."""
        if not self._ever:
            return
        control, now = self._control(), time.monotonic()
        silent = 0.0
        if control is not None:
            self._gone_since = None
            silent = max(now - control.heard, control.terminal_age_s)
        else:
            self._gone_since = self._gone_since or now
            silent = now - self._gone_since
        if silent > self._lost_after_s and not self._lost:
            self._lost = True
            self._host.console_gone(None)
        elif silent <= self._lost_after_s and control is not None and self._lost:
            self._lost = False
            self._host.console_back()

    # ---- one connection

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client: _Client | None = None
        try:
            client = await self._greet(reader, writer)
            while client is not None:
                message = await read_to_engine(reader)
                if message is None or not await self._take(client, message):
                    break
        except (WireError, ConnectionError, TimeoutError):
            pass  # the line is gone; what that means is decided by _watch_control
        finally:
            if client is not None:
                self._clients.discard(client)
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Client | None:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            hello = await read_to_engine(reader)
        if not isinstance(hello, Hello):
            return None
        if hello.protocol != PROTOCOL:
            why = f"protocol {hello.protocol}; this engine speaks {PROTOCOL}: use the same version"
            writer.write(frame(Refused(why=why)))
            return None
        role, note = hello.role, ""
        control = self._control()
        if role is Role.CONTROL and control is not None:
            role, note = Role.VIEW, f"another console controls (pid {control.pid}): this one only looks"
        client = _Client(writer, role, hello.pid)
        self._clients.add(client)
        if role is Role.CONTROL:
            self._ever = True
            self._watch_control()
        self._say(client, self._host.welcome(role, note))
        return client

    def _answer(
        self, client: _Client, question: Ask | SetDryRun, answer: Coroutine[None, None, ToConsole]
    ) -> None:
        """Answer when the answer is there: a venue may take its time, heartbeats must be heard meanwhile."""

        def done(task: asyncio.Task[ToConsole]) -> None:
            self._answering.discard(task)
            if task.cancelled():
                return
            error = task.exception()
            if error is None:
                self._say(client, task.result())
            elif isinstance(question, Ask):
                self._say(client, Answer(request=question.request, error=f"cannot be answered: {error!r}"))
            else:
                self._say(client, Ack(request=question.request, ok=False, text=f"cannot be done: {error!r}"))

        task = asyncio.get_running_loop().create_task(answer)
        self._answering.add(task)
        task.add_done_callback(done)

    async def _take(self, client: _Client, message: ToEngine) -> bool:
        """Act on one message; False when the console said good-bye."""
        client.heard = time.monotonic()
        match message:
            case Heartbeat():
                client.terminal_age_s = message.terminal_age_ms / 1000.0
            case Watch():
                client.watched = message.match
            case Operate():
                self._operate(client, message)
            case Ask():
                self._answer(client, message, self._host.ask(message))
            case SetDryRun():
                refused = self._allowed(client, message.request)
                if refused is not None:
                    self._say(client, refused)
                else:
                    self._answer(client, message, self._host.set_dry_run(message))
            case Bye():
                if client.role is Role.CONTROL:
                    self._lost = True
                    self._host.console_gone(message.policy)
                return False
            case Hello():
                return False
        return True

    def _operate(self, client: _Client, message: Operate) -> None:
        refused = None if _always(client.role, message.event) else self._allowed(client, message.request)
        if isinstance(message.event, StartGatePassed | StartGateFailed | ConsoleLost | ConsoleBack):
            refused = Ack(request=message.request, ok=False, text="this is not a console's to say")
        if refused is not None:
            self._say(client, refused)
        else:
            self._host.operate(message.event, lambda ack: self._say(client, ack), message.request)

    def _allowed(self, client: _Client, request: int) -> Ack | None:
        if client.role is Role.CONTROL:
            return None
        return Ack(request=request, ok=False, text="read-only viewer: only kill is taken from here")

    def _say(self, client: _Client, message: ToConsole) -> None:
        client.send(frame(message))


def _always(role: Role, event: OperatorEvent) -> bool:
    """What needs no control: killing, and getting out by a command that was typed with its floor."""
    gets_out = isinstance(event, Flatten) or (isinstance(event, Rearm) and event.reduce_only)
    return isinstance(event, Kill) or (role is Role.COMMAND and gets_out)
