"""What the pretended world asks of chance; the dice themselves are thrown in `world` alone."""

from __future__ import annotations

from math import log
from typing import Protocol

from console.core.units import MILLISECOND

HOUR_NS = 3_600_000 * MILLISECOND


class Dice(Protocol):
    """Seeded chance, as of `random.Random`."""

    def random(self) -> float:
        """Uniform on [0, 1)."""

    def gauss(self, mu: float, sigma: float) -> float:
        """Normal."""

    def expovariate(self, lambd: float) -> float:
        """Exponential of rate `lambd`."""


def wait_ns(dice: Dice, mean_ns: float) -> int:
    """Time until the next of events that come independently of each other, at least 1 ns."""
    return 1 + int(-log(1.0 - dice.random()) * mean_ns)


def next_in_ns(dice: Dice, per_hour: float) -> int | None:
    """Time until the next of `per_hour` independent events; None if there are none."""
    return None if per_hour <= 0.0 else wait_ns(dice, HOUR_NS / per_hour)
