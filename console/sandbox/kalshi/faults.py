"""Misfortunes of the pretended Kalshi: which there are, and whether one strikes now."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Final

from console.sandbox.command import SandboxError

FAULTS: Final = {
    "gap": "one message in 300 of the book stream is lost; its number is missing",
    "freeze": "every 60 s the streams say nothing for 20 s while pings go on",
    "halfopen": "every 90 s the streams die without a word for 30 s: no data, no pings, no answers",
    "drop": "one answer in 20 to an order call is lost after the call was carried out",
    "lose": "one order call in 20 is lost on its way: never carried out, never answered",
    "slow": "one answer in 10 takes up to 4 s",
    "storm": "every 60 s all requests get 429 for 5 s",
    "slowreads": "reads of the account lag 3 to 6 s behind instead of 0.3 to 1",
    "unavailable": "one request in 30 gets a 503 after it was carried out",
    "disconnect": "every 120 s all streams are closed, as on Thursdays",
    "overflow": "every 90 s a subscription dies of error 25",
    "duplicate": "private messages come twice, and late ones once more",
    "pause": "every 90 s a market is paused for 8 s; its orders are gone when it resumes",
    "tick": "after 45 s the first market's grid becomes finer",
    "fees": "fees are charged at twice the rate that is stated",
    "basic": "the budgets of the smallest tier: 200 read and 100 write tokens a second",
    "unfunded": "shard 3 has no collateral",
    "noamend": "amends are refused",
}
ONE_IN: Final = {"gap": 300, "drop": 20, "lose": 20, "slow": 10, "unavailable": 30, "duplicate": 4}


class Mischief:
    """The faults switched on, and dice for those that come by chance."""

    def __init__(self, names: Iterable[str], seed: int) -> None:
        self.on = set(names)
        self.counts: dict[str, int] = {}
        self._dice = random.Random(seed)  # noqa: S311 games, not secrets

    def has(self, name: str) -> bool:
        """Whether a fault is switched on."""
        return name in self.on

    def strikes(self, name: str) -> bool:
        """Whether a fault that comes by chance comes now."""
        if name not in self.on or self._dice.randrange(ONE_IN[name]):
            return False
        self.counts[name] = self.counts.get(name, 0) + 1
        return True

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * self._dice.random()


def chosen(words: Iterable[str]) -> tuple[str, ...]:
    """The faults named; raises SandboxError with the list for `help` and for a name that is none."""
    names = tuple(words)
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        table = "\n".join(f"  {name:12} {what}" for name, what in FAULTS.items())
        told = "" if unknown == ["help"] else f"{unknown[0]!r} is not one; "
        raise SandboxError(f"sandbox kalshi: --faults: {told}there are\n{table}")
    return names
