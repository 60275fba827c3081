"""The console's end of the link: attaches, asks, operates, reattaches; kill has a socket of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from console.core.complaint import Complaint
from console.core.events import Kill, OperatorEvent
from console.core.view import View
from console.link.messages import (
    PROTOCOL,
    Ack,
    Answer,
    Ask,
    Frame,
    Hello,
    Operate,
    Refused,
    Role,
    SetDryRun,
    ToConsole,
    ToEngine,
    Welcome,
)
from console.link.wire import WireError, frame, read_to_console

_A = TypeVar("_A")

REATTACH_PAUSE_S = 0.3
GREETING_S = 5.0
KILL_ACK_S = 0.5


class LinkError(Complaint):
    """The engine cannot be reached or will not have us; one line."""


class LinkClient:
    """One console's line to its engine. Everything but `kill` belongs to the event loop."""

    def __init__(self, path: Path, role: Role, kill_command: Sequence[str]) -> None:
        """`kill_command` is run as a process when a kill is not acknowledged in time."""
        self._path = path
        self._role = role
        self._kill_line = KillLine(path, kill_command)
        self._writer: asyncio.StreamWriter | None = None
        self._requests = 0
        self._acks: dict[int, asyncio.Future[Ack]] = {}
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._view: View | None = None
        self._welcome: Welcome | None = None
        self._closed = "not attached yet"
        self._task: asyncio.Task[None] | None = None

    # ---- what the screen sees

    @property
    def view(self) -> View | None:
        """The latest view, None before the first."""
        return self._view

    @property
    def welcome(self) -> Welcome:
        """What was granted when the line opened, or opened again."""
        assert self._welcome is not None, "attach first"
        return self._welcome

    @property
    def closed(self) -> str:
        """Why the line is gone; empty while it stands."""
        return self._closed

    def send(self, message: ToEngine) -> None:
        """Send a message that has no answer; dropped when the line is gone."""
        if self._writer is not None and not self._writer.is_closing() and not self._closed:
            self._writer.write(frame(message))

    async def ask(self, what: str, argument: str = "") -> Answer:
        """Ask a question that touches no order."""
        request = self._number()
        if self._closed:
            return Answer(request=request, error=self._closed)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request] = future
        self.send(Ask(request=request, what=what, argument=argument))
        return await future

    async def operate(self, event: OperatorEvent) -> Ack:
        """Send an operator event and wait for what became of it."""
        request = self._number()
        return await self._acknowledged(request, Operate(request=request, event=event))

    async def set_dry_run(self, dry_run: bool, word: str = "") -> Ack:
        """Ask for the other ledger and wait for what became of it."""
        request = self._number()
        return await self._acknowledged(request, SetDryRun(request=request, dry_run=dry_run, word=word))

    def kill(self) -> None:
        """Send the kill; from any thread, at once, without waiting and without raising."""
        self._kill_line.kill()

    # ---- the line

    async def attach(self) -> Welcome:
        """Open the line and keep it open; raises LinkError when the engine will not have us."""
        reader, welcome = await self._open()
        self._task = asyncio.create_task(self._keep(reader), name="link")
        self._task.add_done_callback(self._ended)
        return welcome

    async def close(self) -> None:
        """Close the line for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._lost("closed")
        if self._writer is not None:
            self._writer.close()
        self._kill_line.close()

    async def drained(self) -> None:
        """Wait until everything sent has left."""
        if self._writer is not None and not self._closed:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    async def _open(self) -> tuple[asyncio.StreamReader, Welcome]:
        try:
            async with asyncio.timeout(GREETING_S):
                reader, writer = await asyncio.open_unix_connection(self._path)
                writer.write(frame(Hello(protocol=PROTOCOL, role=self._role, pid=os.getpid())))
                first = await read_to_console(reader)
        except TimeoutError as error:  # a stopped process still takes connections
            raise LinkError(f"the engine at {self._path.name} does not answer") from error
        except (OSError, WireError) as error:
            raise LinkError(f"no engine answers at {self._path.name}: {error}") from error
        if isinstance(first, Refused):
            raise LinkError(first.why)
        if not isinstance(first, Welcome):
            raise LinkError("the engine closed the line without a word")
        self._writer, self._welcome, self._closed = writer, first, ""
        await asyncio.to_thread(self._kill_line.connect)
        return reader, first

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A line that broke in a way nobody thought of is lost, not silent."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._lost(f"the line broke: {error!r}")

    async def _keep(self, reader: asyncio.StreamReader) -> None:
        """Read until the line breaks, then try to attach again."""
        while True:
            self._lost(await self._read(reader))
            while True:
                await asyncio.sleep(REATTACH_PAUSE_S)
                with contextlib.suppress(LinkError):
                    reader, _ = await self._open()
                    break

    async def _read(self, reader: asyncio.StreamReader) -> str:
        """Take messages until the line ends; returns why it did."""
        try:
            while (message := await read_to_console(reader)) is not None:
                self._take(message)
        except WireError as error:
            return str(error)
        return "the engine has ended"

    def _take(self, message: ToConsole) -> None:
        match message:
            case Frame():
                self._view = message.view
            case Ack():
                self._settle(self._acks, message.request, message)
            case Answer():
                self._settle(self._answers, message.request, message)
            case Welcome() | Refused():
                pass

    def _lost(self, why: str) -> None:
        self._closed = why
        for request in list(self._acks):
            self._settle(self._acks, request, Ack(request=request, ok=False, text=why))
        for request in list(self._answers):
            self._settle(self._answers, request, Answer(request=request, error=why))

    async def _acknowledged(self, request: int, message: ToEngine) -> Ack:
        if self._closed:
            return Ack(request=request, ok=False, text=self._closed)
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._acks[request] = future
        self.send(message)
        return await future

    def _number(self) -> int:
        self._requests += 1
        return self._requests

    @staticmethod
    def _settle(waiting: dict[int, asyncio.Future[_A]], request: int, message: _A) -> None:
        future = waiting.pop(request, None)
        if future is not None and not future.done():
            future.set_result(message)


class KillLine:
    """A socket that is already connected and carries nothing but kill; used from the input thread."""

    def __init__(self, path: Path, kill_command: Sequence[str]) -> None:
        self._path = path
        self._command = list(kill_command)
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Connect, or connect again after the engine came back; silent when it cannot."""
        self.close()
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(KILL_ACK_S)
        try:
            line.connect(os.fspath(self._path))
            line.sendall(frame(Hello(protocol=PROTOCOL, role=Role.KILL, pid=os.getpid())))
            line.recv(65536)  # the welcome
        except OSError:
            line.close()
            return
        with self._lock:
            self._socket = line

    def close(self) -> None:
        """Let go of the socket."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def kill(self) -> None:
        """Send kill at once; what it led to is checked in a thread of its own."""
        sent = False
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.sendall(frame(Operate(request=0, event=Kill(by="console"))))
                    sent = True
        threading.Thread(target=self._confirm, args=(sent,), name="kill", daemon=True).start()

    def _confirm(self, sent: bool) -> None:
        """No acknowledgement in time: kill from a process that needs nothing of this one."""
        if sent and self._socket is not None:
            with contextlib.suppress(OSError):
                if self._socket.recv(65536):
                    return
        subprocess.Popen(  # noqa: S603 our own command, built by __main__
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
