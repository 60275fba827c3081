"""The one clock of a run: what the time is, and how often it ticks."""

from __future__ import annotations

import time
from typing import Protocol

from console.core.units import Nanos

TICK_S = 0.1


class RunClock(Protocol):
    """Stamps every event of a run."""

    @property
    def tick_s(self) -> float:
        """Seconds of ours between two ticks."""

    def now(self) -> Nanos:
        """The time of the run, which never runs backwards."""

    def wall(self) -> Nanos:
        """The time of day, which may be set."""


class SystemClock:
    """The machine's clocks."""

    tick_s = TICK_S

    def now(self) -> Nanos:
        """Nanoseconds of the monotonic clock."""
        return Nanos(time.monotonic_ns())

    def wall(self) -> Nanos:
        """Nanoseconds since 1970."""
        return Nanos(time.time_ns())
