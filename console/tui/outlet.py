"""Writes to the terminal from a thread of its own: a terminal that stops reading stops nobody else."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

PENDING_MAX = 32 * 1024  # bytes; a frame that finds more waiting is dropped
PENDING_HARD_MAX = 256 * 1024  # beyond this even control sequences are dropped
CHUNK = 4096  # bytes per write: what a stalled terminal can hold back at most
BLOCKED_S = 0.5
STOP_S = 1.0


class Outlet:
    """A bounded queue of bytes in front of a file descriptor.

    `on_failed` (terminal gone) and `on_drained` (empty again after frames were dropped) are called from
    the writing thread.
    """

    def __init__(self, fd: int, on_failed: Callable[[str], None], on_drained: Callable[[], None]) -> None:
        self._fd = fd
        self._on_failed = on_failed
        self._on_drained = on_drained
        self._queue: deque[bytes] = deque()
        self._pending = 0
        self._dropping = False
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="terminal-out", daemon=True)
        self.dropped = 0

    @property
    def pending(self) -> int:
        """Bytes not taken by the terminal yet."""
        return self._pending

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, data: bytes) -> None:
        """Queue a control sequence; it is kept unless the terminal has been deaf for very long."""
        with self._changed:
            if self._pending <= PENDING_HARD_MAX:
                self._append(data)

    def put_frame(self, data: bytes) -> bool:
        """Queue a frame, or drop it; after a drop every frame is dropped until `resume`.

        A frame is a difference to the one before: painting one after a gap would leave a false screen.
        """
        with self._changed:
            if self._dropping or self._pending > PENDING_MAX:
                self._dropping = True
                self.dropped += 1
                return False
            self._append(data)
            return True

    def resume(self) -> None:
        """Take frames again: the next one paints everything."""
        with self._changed:
            self._dropping = False

    def stop(self) -> bool:
        """Write what is queued, but wait no longer than a second; says whether all of it went out."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)
        return not self._thread.is_alive()

    def _append(self, data: bytes) -> None:
        self._queue.append(data)
        self._pending += len(data)
        self._changed.notify()

    def _take(self) -> bytes | None:
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            return self._queue.popleft() if self._queue else None

    def _run(self) -> None:
        while (data := self._take()) is not None:
            try:
                self._write(data)
            except OSError as error:
                if not self._stopping:
                    self._on_failed(f"terminal gone: {error.strerror}")
                return
            if self._dropping and not self._queue and not self._stopping:
                self._on_drained()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                sent = os.write(self._fd, rest[:CHUNK])
            except BlockingIOError:  # another program on this terminal made it non-blocking
                select.select([], [self._fd], [], BLOCKED_S)
                continue
            rest = rest[sent:]
            with self._changed:
                self._pending -= sent
