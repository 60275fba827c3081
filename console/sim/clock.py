"""Simulated time, and what is to happen when."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from console.core.units import Nanos

Action = Callable[[int], None]  # called with its moment, monotonic nanoseconds

NEVER = Nanos(1 << 62)


class Clock:
    """The present moment on both clocks: `now` monotonic, `wall` since the Unix epoch, nanoseconds."""

    __slots__ = ("now", "wall_offset")

    def __init__(self, now: int, wall: int) -> None:
        self.now = now
        self.wall_offset = wall - now

    @property
    def wall(self) -> Nanos:
        """Wall time of `now`."""
        return Nanos(self.now + self.wall_offset)


class Agenda:
    """Actions in order of time; of one moment, in the order in which they were put down."""

    __slots__ = ("_heap", "_turn", "clock")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[int, int, Action]] = []
        self._turn = 0

    def at(self, ts: int, action: Action) -> None:
        """Do `action` at `ts`, or now if that has passed."""
        self._turn += 1
        heappush(self._heap, (max(ts, self.clock.now), self._turn, action))

    def run(self, until: int) -> None:
        """Do everything due up to and including `until`; the clock then stands there."""
        heap, clock = self._heap, self.clock
        while heap and heap[0][0] <= until:
            ts, _, action = heappop(heap)
            clock.now = ts
            action(ts)
        clock.now = max(clock.now, until)

    @property
    def next_ts(self) -> Nanos:
        """When the next action is due."""
        return Nanos(self._heap[0][0]) if self._heap else NEVER
