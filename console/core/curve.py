"""The profit of a day as a curve of bounded length: a sample a second, coarser as the day grows."""

from __future__ import annotations

from collections.abc import Sequence

from console.core.units import SECOND, Nanos

POINTS_MAX = 480


class Curve:
    """Samples `step_s` seconds apart, oldest first; when there are too many, every other one goes."""

    __slots__ = ("_next_ts", "points", "step_s")

    def __init__(self) -> None:
        self.points: list[int] = []
        self.step_s = 1
        self._next_ts: Nanos | None = None

    def add(self, value: int, ts: Nanos) -> None:
        """Take the profit now; between two samples it is not kept."""
        if self._next_ts is not None and ts < self._next_ts:
            return
        self.points.append(value)
        self._next_ts = Nanos(ts + self.step_s * SECOND)
        if len(self.points) > POINTS_MAX:
            self.points = self.points[::2]
            self.step_s *= 2
            self._next_ts = Nanos(ts + self.step_s * SECOND)

    def begin(self) -> None:
        """A new day: nothing yet."""
        self.points, self.step_s, self._next_ts = [], 1, None

    def bring_back(self, points: Sequence[int], step_s: int) -> None:
        """Go on with what an earlier run of the same day left."""
        self.points, self.step_s = list(points), max(1, step_s)
