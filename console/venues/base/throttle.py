"""Reads within a venue's limits: a token bucket that makes the caller wait, and never a cancel behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Throttle:
    """`per_s` tokens a second, `burst` at once; whoever asks first is served first."""

    def __init__(
        self,
        per_s: float,
        burst: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._filled = now()
        self.configure(per_s, burst)
        self._tokens = burst

    def configure(self, per_s: float, burst: float) -> None:
        """Take limits the venue has told."""
        self.per_s, self.burst = per_s, burst
        self._tokens = min(getattr(self, "_tokens", burst), burst)

    def left(self) -> float:
        """Tokens there now."""
        now = self._now()
        self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.per_s)
        self._filled = now
        return self._tokens

    def empty(self) -> None:
        """The venue said 429: what we believed to have is gone."""
        self.left()
        self._tokens = 0.0

    async def take(self, cost: float = 1.0) -> None:
        """Wait until `cost` tokens are there and take them; more than the burst waits for a full bucket."""
        async with self._lock:
            missing = min(cost, self.burst) - self.left()
            if missing > 0.0:
                await self._sleep(missing / self.per_s)
            self.left()
            self._tokens -= cost
