"""Events on their way to us, each with the moment of its arrival."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import msgspec

from console.core.events import AnyEvent
from console.core.units import Nanos
from console.sim.clock import NEVER, Clock


class Lane:
    """One kind of message of one connection; `last` is the latest arrival so far, which keeps order."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0


class Mail:
    """Everything under way; of one moment, in the order in which it was posted."""

    __slots__ = ("_clock", "_turn", "heap")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.heap: list[tuple[int, int, AnyEvent, Lane]] = []
        self._turn = 0

    def post(self, event: AnyEvent, lane: Lane, arrival: int) -> None:
        """Let `event` arrive at `arrival`, overtaking whatever comes later."""
        self._turn += 1
        heappush(self.heap, (arrival, self._turn, event, lane))

    def post_in_order(self, event: AnyEvent, lane: Lane, arrival: int) -> None:
        """Let `event` arrive at `arrival`, but not before what was posted to the lane before it."""
        if arrival < lane.last:
            arrival = lane.last
        else:
            lane.last = arrival
        self._turn += 1
        heappush(self.heap, (arrival, self._turn, event, lane))

    def recall(self, lane: Lane) -> list[AnyEvent]:
        """Take back everything of a lane that has not arrived, in order of arrival."""
        recalled = sorted(entry[:3] for entry in self.heap if entry[3] is lane)
        self.heap[:] = [entry for entry in self.heap if entry[3] is not lane]
        heapify(self.heap)
        lane.last = 0
        return [event for _, _, event in recalled]

    def collect(self, until: int) -> list[AnyEvent]:
        """Deliver, stamped with both clocks, what arrives up to and including `until`."""
        heap, offset = self.heap, self._clock.wall_offset
        replace = msgspec.structs.replace
        arrived: list[AnyEvent] = []
        while heap and heap[0][0] <= until:
            ts, _, event, _ = heappop(heap)
            arrived.append(replace(event, ts=ts, wall=ts + offset))
        return arrived

    @property
    def next_ts(self) -> Nanos:
        """When the next event arrives."""
        return Nanos(self.heap[0][0]) if self.heap else NEVER
