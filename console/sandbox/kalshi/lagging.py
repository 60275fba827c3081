"""What reads of the account show: the truth of a little while ago."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from console.sandbox.kalshi.spelling import Json


class Lagging:
    """Orders, fills, positions, settlements, balances as reads tell them, each change late but in order."""

    def __init__(self, now: Callable[[], float], delay: Callable[[], float]) -> None:
        """`now` in seconds since 1970, `delay` how late the next change shows."""
        self._now = now
        self._delay = delay
        self._coming: deque[tuple[float, float, Callable[[], None]]] = deque()
        self.orders: dict[str, Json] = {}
        self.fills: list[Json] = []
        self.positions: dict[str, Json] = {}
        self.settlements: list[Json] = []
        self.balances: dict[int, int] = {}

    def later(self, change: Callable[[], None]) -> None:
        """Let a change show after the delay, and not before what changed earlier."""
        now = self._now()
        due = max(now + self._delay(), self._coming[-1][0] if self._coming else 0.0)
        self._coming.append((due, now, change))

    def settle(self) -> None:
        """Show everything that is due."""
        now = self._now()
        while self._coming and self._coming[0][0] <= now:
            _, _, change = self._coming.popleft()
            change()

    def as_of(self) -> float:
        """The moment up to which everything shows, seconds since 1970."""
        self.settle()
        return self._coming[0][1] - 1e-6 if self._coming else self._now()
