"""Time as the screen reads it, so that tests can hold it still."""

from __future__ import annotations

import time
from typing import Protocol

from console.core.units import Nanos


class Clock(Protocol):
    """Where the screen gets its time from."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def wall(self) -> Nanos:
        """Nanoseconds since the epoch."""


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def wall(self) -> Nanos:
        """Nanoseconds since the epoch."""
        return Nanos(time.time_ns())
