"""How long to wait before the next attempt: longer each time, never all at once."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 0.5
MOST_S = 30.0


class Backoff:
    """Full jitter: a random part of a bound that doubles, until something worked."""

    def __init__(
        self,
        first_s: float = FIRST_S,
        most_s: float = MOST_S,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._chance = chance
        self._failures = 0

    def worked(self) -> None:
        """Begin from the start."""
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure; at least a tenth of the bound."""
        bound = min(self._most_s, self._first_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return bound * (0.1 + 0.9 * self._chance())
