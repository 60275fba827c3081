"""Seeded chance for the sandbox: the same seed, the same luck."""

from __future__ import annotations

import hashlib
import math


class Luck:
    """A stream of chance named by words."""

    def __init__(self, *words: object) -> None:
        self._name = "/".join(map(str, words)).encode()
        self._drawn = 0

    def share(self) -> float:
        """Uniform on [0, 1)."""
        self._drawn += 1
        digest = hashlib.blake2b(self._name + self._drawn.to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2.0**64

    def between(self, low: float, high: float) -> float:
        """Uniform on [low, high)."""
        return low + (high - low) * self.share()

    def normal(self, sigma: float) -> float:
        """Normal with mean 0."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.share()))
        return sigma * radius * math.cos(2.0 * math.pi * self.share())

    def waits(self, mean: float) -> float:
        """Time until the next of events that come independently of each other."""
        return -mean * math.log(1.0 - self.share())

    def happens(self, chance: float) -> bool:
        """Whether it does."""
        return self.share() < chance

    def digits(self, count: int) -> str:
        """Hexadecimal digits."""
        self._drawn += 1
        return hashlib.blake2b(self._name + self._drawn.to_bytes(8, "big")).hexdigest()[:count]
