"""A Python process of our own beside this one: what a replay reads and writes takes its engine no time."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import IO, Any, Final

ROOM: Final = 1 << 20  # bytes


class ChildError(Exception):
    """The child has ended, without being asked to."""


class Child:
    """Runs `main` of a module, and talks to it over its standard input and output.

    It does not outlive whoever started it: it reads, or writes, to the end of the pipe.
    """

    def __init__(self, module: str) -> None:
        # It finds modules where we do, and none in whatever folder we stand in.
        program = (sys.executable, "-P", "-c", f"from {module} import main; main()")
        paths = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(program, stdin=pipe, stdout=pipe, env=paths)  # noqa: S603 our own
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None, "it is a pipe"
        assert stdout is not None, "it is a pipe"
        self._to = Connection(_roomy(stdin), readable=False)
        self._from = Connection(_roomy(stdout), writable=False)
        stdin.close()
        stdout.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def send(self, what: object) -> None:
        """Hand something over, and wait while it is behind; raises ChildError when it has ended."""
        try:
            self._to.send(what)
        except BrokenPipeError:
            raise ChildError from None

    def send_bytes(self, what: bytes) -> None:
        """The same for bytes as they are."""
        try:
            self._to.send_bytes(what)
        except BrokenPipeError:
            raise ChildError from None

    def receive(self) -> Any:
        """What it said next; raises ChildError when it has ended."""
        try:
            return self._from.recv()
        except (EOFError, OSError):  # between two messages, or in the middle of one
            raise ChildError from None

    def end(self) -> None:
        """Put it away, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()


def _roomy(pipe: IO[bytes]) -> int:
    """The pipe's number, once more; a whole batch fits into it, so that nobody waits half way."""
    with suppress(OSError, AttributeError):  # more than this user may have; Linux only
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ROOM)
    return os.dup(pipe.fileno())


def parent() -> tuple[Connection, Connection]:
    """In the child: what it is told comes from the one, what it says goes into the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever started us ends us
    return Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
