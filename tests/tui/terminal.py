"""A terminal for tests: runs a program on a pty, keeps the screen it paints, answers and stalls at will."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence

CURSOR_QUESTION = b"\x1b[6n"
_SEQUENCE = re.compile(
    r"\x1b\[([?<>=]?)([0-9;]*)[ -/]*([@-~])|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x1b[^\[\]()]"
)


class Screen:
    """What a person would see: characters and their colours, placed by the sequences the console uses."""

    def __init__(self, width: int, height: int) -> None:
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Begin afresh: terminals differ in what they keep."""
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.inks = [[("", "", "")] * width for _ in range(height)]
        self.x = self.y = 0
        self._ink = ("", "", "")  # attributes, foreground, background

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def feed(self, data: str) -> str:
        """Take output; returns the rest that ends within a sequence."""
        at = 0
        while at < len(data):
            if data[at] == "\x1b":
                found = _SEQUENCE.match(data, at)
                if found is None:
                    return data[at:]
                self._obey(found)
                at = found.end()
            else:
                self._print(data[at])
                at += 1
        return ""

    def _obey(self, found: re.Match[str]) -> None:
        if found[3] == "H" and not found[1]:
            row, _, column = (found[2] or "1;1").partition(";")
            self.y, self.x = int(row or 1) - 1, int(column or 1) - 1
        elif found[3] == "J":
            self.resize(self.width, self.height)
        elif found[3] == "m":
            self._colour([int(code or 0) for code in found[2].split(";")])

    def _colour(self, codes: list[int]) -> None:
        attributes, front, back = self._ink
        while codes:
            taken = 1 if codes[0] not in (38, 48) else 3 if codes[1] == 5 else 5
            word = ";".join(map(str, codes[:taken]))
            if codes[0] == 0:
                attributes, front, back = "", "", ""
            elif codes[0] < 30:
                attributes = ";".join(filter(None, (attributes, word)))
            elif codes[0] < 40 or 90 <= codes[0] < 100:
                front = word
            else:
                back = word
            codes = codes[taken:]
        self._ink = (attributes, front, back)

    def _print(self, character: str) -> None:
        if character == "\n":
            self.y, self.x = self.y + 1, 0
        elif character >= " ":
            if self.y < self.height and self.x < self.width:
                self.cells[self.y][self.x] = character
                self.inks[self.y][self.x] = self._ink
            self.x += 1


class Terminal:
    """A program on a pty of its own, with a thread in the place of the person's terminal."""

    def __init__(
        self,
        command: Sequence[str],
        width: int = 120,
        height: int = 40,
        environment: dict[str, str] | None = None,
    ) -> None:
        reports, report_to = os.pipe()
        os.set_inheritable(report_to, True)
        self._folder = tempfile.TemporaryDirectory(prefix="mmconsole-test-")  # killed, it leaves things there
        env = {"PATH": os.environ["PATH"], "HOME": "/", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        env["TMPDIR"] = self._folder.name
        env |= environment or {}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(
                sys.executable, [sys.executable, *(w.replace("{fd}", str(report_to)) for w in command)], env
            )
        os.close(report_to)
        self.screen = Screen(width, height)
        self.set_size(width, height)
        self.received = bytearray()
        self.answers = True
        self.answers_after = 0.0  # seconds a slow line takes to bring a question and its answer
        self.stalled = threading.Event()
        self.reports: list[dict[str, object]] = []
        self._reports_fd = reports
        self._closing = threading.Event()
        self._code: int | None = None
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    # ---- acting

    def type(self, keys: bytes) -> float:
        """Type; returns when."""
        at = time.monotonic()
        os.write(self.fd, keys)
        return at

    def set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(width, height)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        self._closing.set()
        self._threads[0].join(2)
        os.close(self.fd)

    def close(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        if self._code is None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        self._closing.set()
        for thread in self._threads:
            thread.join(2)
        with contextlib.suppress(OSError):
            os.close(self.fd)
        os.close(self._reports_fd)
        self._folder.cleanup()

    # ---- looking

    def until(self, true: Callable[[], object], seconds: float = 8.0, what: str = "") -> None:
        """Wait for a condition; fails with what is on the screen."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, (
                f"{what or 'condition'} not met:\n{self.screen.text}\n{self.reports[-5:]}"
            )
            time.sleep(0.01)

    def shows(self, words: str) -> bool:
        return words in self.screen.text

    def reported(self, what: str) -> list[dict[str, object]]:
        return [report for report in list(self.reports) if report["what"] == what]

    def exit_code(self, seconds: float = 8.0) -> int:
        """Wait for the end."""
        deadline = time.monotonic() + seconds
        while self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
                break
            assert time.monotonic() < deadline, f"still running:\n{self.screen.text}\n{self.reports[-5:]}"
            time.sleep(0.01)
        if not self.stalled.is_set():
            self._threads[0].join(2)  # what it wrote last is read before anything is said about it
        return self._code

    # ---- threads

    def _read(self) -> None:
        rest, tail, decode = "", b"", getincrementaldecoder("utf-8")("replace").decode
        while not self._closing.is_set():
            if self.stalled.is_set():
                time.sleep(0.01)
                continue
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            self.received += data
            rest = self.screen.feed(rest + decode(data))
            questions = (tail + data).count(CURSOR_QUESTION) - tail.count(CURSOR_QUESTION)
            tail = (tail + data)[-3:]
            if questions and self.answers:
                self._answer(b"\x1b[1;1R" * questions)

    def _answer(self, data: bytes) -> None:
        def write() -> None:
            with contextlib.suppress(OSError):
                os.write(self.fd, data)

        if self.answers_after:
            timer = threading.Timer(self.answers_after, write)
            timer.daemon = True
            timer.start()
        else:
            write()

    def _listen(self) -> None:
        rest = b""
        while not self._closing.is_set():
            if not select.select([self._reports_fd], [], [], 0.05)[0]:
                continue
            data = os.read(self._reports_fd, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            self.reports += [json.loads(line) for line in lines]
