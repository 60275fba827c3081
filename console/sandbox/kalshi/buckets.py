"""Request budgets: token buckets that admit a request, or a whole batch, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

from console.sandbox.kalshi.errors import too_many


class Bucket:
    """`per_s` tokens a second, at most `capacity`."""

    def __init__(self, per_s: int, capacity: int, now: Callable[[], float] = time.monotonic) -> None:
        self.per_s = per_s
        self.capacity = capacity
        self._now = now
        self._tokens = float(capacity)
        self._filled = now()
        self.refused = 0

    def take(self, cost: int) -> None:
        """Pay for a request; raises ApiError 429 and takes nothing when it is more than is there."""
        now = self._now()
        self._tokens = min(float(self.capacity), self._tokens + (now - self._filled) * self.per_s)
        self._filled = now
        if cost > self._tokens:
            self.refused += 1
            raise too_many()
        self._tokens -= cost
