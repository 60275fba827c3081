"""How the console ends: the first reason wins, its exit code tells the truth, and nothing outlives it."""

from __future__ import annotations

import asyncio
import enum
import os
import threading
from collections.abc import Callable

LAST_RESORT_S = 8.0


class Code(enum.IntEnum):
    """What the exit code says; 128 plus its number for a signal."""

    LEFT = 0  # detached on purpose, or everything stopped and proven
    CRASHED = 1
    UNFIT = 2  # no terminal to draw on
    LINE_LOST = 69  # left while the engine did not answer
    STUCK = 70  # the last resort had to end the process
    NOT_PROVEN = 74  # stopped, but not all orders were proven gone
    HUNG_UP = 129


class Leave:
    """Asked for by keys, signals, the terminal's end and a crash alike."""

    def __init__(self, last_resort: Callable[[int], None] = os._exit) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked = asyncio.Event()
        self._timer = threading.Timer(LAST_RESORT_S, last_resort, args=(int(Code.STUCK),))
        self._timer.daemon = True
        self.why = ""
        self.code = 0
        self.hung_up = False

    @property
    def asked(self) -> bool:
        """The end has been asked for."""
        return self._asked.is_set()

    def now(self, why: str, code: int) -> None:
        """End; only the first call counts. From here on the process does not live longer than the timer."""
        if self.asked:
            return
        self.why, self.code = why, code
        self._asked.set()
        self._timer.start()

    def line_dead(self, why: str) -> None:
        """The terminal is gone; may be called from any thread."""
        self.hung_up = True
        self._loop.call_soon_threadsafe(self.now, why, int(Code.HUNG_UP))

    async def wait(self) -> None:
        """Wait until it is asked for."""
        await self._asked.wait()
