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

    __slots__ = ("_turn", "clock", "heap")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.heap: list[tuple[int, int, Action]] = []
        self._turn = 0

    def at(self, ts: int, action: Action) -> None:
        """Do `action` at `ts`, or now if that has passed."""
        turn = self._turn = self._turn + 1
        now = self.clock.now
        heappush(self.heap, (now if now > ts else ts, turn, action))

    def run(self, until: int) -> None:
        """Do everything due up to and including `until`; the clock then stands there."""
        heap, clock = self.heap, self.clock
        while heap:
            ts, _, action = heap[0]
            if ts > until:
                break
            heappop(heap)
            clock.now = ts
            action(ts)
        if until > clock.now:
            clock.now = until

    @property
    def next_ts(self) -> Nanos:
        """When the next action is due."""
        return Nanos(self.heap[0][0]) if self.heap else NEVER
