"""A broken invariant: its name, one line with the values, and how long things may stay out of line."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Broken(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, line: str) -> None:
        super().__init__(f"{invariant}: {line}")
        self.invariant = invariant
        self.line = line


class Patience(Generic[K]):
    """Things that may be out of line for a while, but not for longer than `most_ns`."""

    __slots__ = ("_most_ns", "_since")

    def __init__(self, most_ns: int) -> None:
        self._most_ns = most_ns
        self._since: dict[K, int] = {}

    def __bool__(self) -> bool:
        """Whether anything was out of line at the last look."""
        return bool(self._since)

    def restart(self) -> None:
        """Nobody was there to mend anything: patience begins anew."""
        self._since.clear()

    def look(self, present: Iterable[K], ts: int) -> K | None:
        """Take what is out of line now; returns one that has been so for too long, without a break."""
        before, oldest = self._since, ts - self._most_ns
        if not before:
            self._since = dict.fromkeys(present, ts)
            return None
        self._since = {key: before.get(key, ts) for key in present}
        for key, since in self._since.items():
            if since < oldest:
                return key
        return None
