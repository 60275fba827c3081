"""The terminal driver: never waits for the terminal, survives what it sends, kills from its own thread.

Textual's own driver blocks the event loop when a terminal stops reading, dies of one invalid byte and
spins when the terminal is gone; this one leans on its private names, which a test watches.
"""

from __future__ import annotations

import os
import selectors
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from console.tui.keys import KILL_BYTES, KILL_KEYS
from console.tui.outlet import Outlet
from console.tui.ping import QUESTION, Ping

READ_BYTES = 4096
POLL_S = 0.1


class Wires(Protocol):
    """What the driver tells the app it is made for; the first two are called from other threads."""

    def kill_pressed(self) -> None:
        """The kill key was pressed."""

    def hung_up(self, why: str) -> None:
        """The terminal is gone."""

    def repaint(self) -> None:
        """Frames were lost: forget what is shown and paint everything."""


class ConsoleDriver(LinuxDriver):
    """Textual's Linux driver with its own writer, input loop and kill key."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.ping = Ping()
        self.drained = True
        self._wires = cast(Wires, app)
        assert self._file is not None, "a console without stderr is refused before it comes here"
        self._screen_fd = self._file.fileno()
        self._outlet: Outlet | None = None
        self._frame: list[str] | None = None
        self._kill_taken = False

    @property
    def dropped(self) -> int:
        """Frames that the terminal was too slow for."""
        return self._outlet.dropped if self._outlet is not None else 0

    # ---- writing

    def write(self, data: str) -> None:
        """Queue `data`: inside a frame it becomes part of it."""
        if self._frame is not None:
            self._frame.append(data)
        elif self._outlet is not None:
            self._outlet.put(data.encode("utf-8", "replace"))

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Join everything written inside into one unit that is sent or dropped as a whole."""
        self._frame = []
        try:
            yield
        finally:
            parts, self._frame = self._frame, None
            self._send_frame(parts)

    def ask_terminal(self) -> None:
        """Send a ping on its own when nothing has been painted for a while."""
        now = time.monotonic()
        if self.ping.due(now):
            self.ping.asked(now)
            self.write(QUESTION)

    def _send_frame(self, parts: list[str]) -> None:
        if not any(parts) or self._outlet is None:
            return
        now = time.monotonic()
        asks = self.ping.wanted(now)
        data = "".join([*parts, QUESTION] if asks else parts).encode("utf-8", "replace")
        if self._outlet.put_frame(data) and asks:
            self.ping.asked(now)

    def _drained(self) -> None:
        self._loop.call_soon_threadsafe(self._resume)

    def _resume(self) -> None:
        if self._outlet is not None:
            self._outlet.resume()
            self._wires.repaint()

    # ---- starting and stopping

    def start_application_mode(self) -> None:
        """Take over the terminal, with our writer in the place of Textual's; also after a stop by signal."""
        again = self._outlet is not None
        self.ping = Ping()
        self._outlet = Outlet(self._screen_fd, self._wires.hung_up, self._drained)
        self._outlet.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is not None:
            self._writer_thread.stop()
            self._writer_thread = None
        if again:
            self._loop.call_soon_threadsafe(self._wires.repaint)

    def close(self) -> None:
        """Write what is left, for at most a second."""
        if self._outlet is not None:
            self.drained = self._outlet.stop()

    def _sigcont_application(self, *_: object) -> None:
        # The kernel sends SIGCONT with every SIGHUP; taking the screen again on a dead terminal hangs.
        if self._must_signal_resume:
            super()._sigcont_application()

    def _query_in_band_window_resize(self) -> None:
        # Textual 8.2.8 would stay in pixel-mouse mode after the first such report; SIGWINCH is enough.
        pass

    def _get_terminal_size(self) -> tuple[int, int]:
        # Asked of the terminal we draw on: COLUMNS and LINES may be old, and stdout may be a file.
        try:
            width, height = os.get_terminal_size(self._screen_fd)
        except OSError:
            return 80, 24
        return width or 80, height or 24

    # ---- reading, in a thread of its own

    def run_input_thread(self) -> None:
        """Read until told to stop; the end of the input means that the terminal is gone."""
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        parser = XTermParser(self._debug)
        try:
            while not self.exit_event.is_set():
                data = b""
                if selector.select(POLL_S):
                    data = os.read(self.fileno, READ_BYTES)
                    if not data:
                        self._wires.hung_up("end of input")
                        return
                self._take_kill(data)
                parser = self._digest(parser, decode(data))
        except OSError as error:
            self._wires.hung_up(f"terminal gone: {error.strerror}")
        finally:
            selector.close()

    def _take_kill(self, data: bytes) -> None:
        # The parser swallows every key after a paste whose end was lost on the line; not this one.
        self._kill_taken = data in KILL_BYTES
        if self._kill_taken:
            self._wires.kill_pressed()

    def _digest(self, parser: XTermParser, text: str) -> XTermParser:
        """Turn input into messages; a sequence that the parser chokes on is lost, what follows is not."""
        for character in text or ("",):
            try:
                for message in parser.feed(character) if character else parser.tick():
                    self.process_message(message)
            except (ValueError, OverflowError):  # absurd code points in a keyboard report
                parser = XTermParser(self._debug)
        return parser

    def process_message(self, message: Message) -> None:
        """Take the kill key and the terminal's answers before anything else sees them."""
        if isinstance(message, events.Key) and message.key in KILL_KEYS and not self._kill_taken:
            self._wires.kill_pressed()
        if isinstance(message, events.CursorPosition):
            self.ping.answered(time.monotonic())
            return
        self.ping.heard()
        super().process_message(message)
