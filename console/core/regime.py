"""How fair value has been moving lately: hardly, somewhere, or to and fro."""

from __future__ import annotations

import enum
from collections import deque
from itertools import pairwise

from console.core.units import CENT


class Motion(enum.Enum):
    """How fair value has been moving."""

    CALM = "calm"
    TREND = "trend"
    CHOP = "chop"


class Regime:
    """The last 50 fair values, a second apart: calm, going somewhere, or to and fro."""

    WINDOW = 50
    CALM_PATH = CENT // 2  # all moves together
    TREND_SHARE = 0.5  # of them that is left when they are added up with their signs

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: deque[int] = deque(maxlen=self.WINDOW)

    def sample(self, fair: int) -> None:
        """Take a fair value in millionths."""
        self._seen.append(fair)

    @property
    def motion(self) -> Motion | None:
        """What it is; None before the window is full."""
        if len(self._seen) < self.WINDOW:
            return None
        values = list(self._seen)
        path = sum(abs(after - before) for before, after in pairwise(values))
        if path < self.CALM_PATH:
            return Motion.CALM
        return Motion.TREND if abs(values[-1] - values[0]) >= self.TREND_SHARE * path else Motion.CHOP
