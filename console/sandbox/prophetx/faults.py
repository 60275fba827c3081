"""The misfortunes of the sandbox, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from console.sandbox.command import SandboxError
from console.sandbox.prophetx.luck import Luck

FAULTS: Final = {
    "lost_replies": "3 % of orders and cancels are carried out, and their answer never comes",
    "errors": "2 % of orders and cancels end in HTTP 500, half of them carried out",
    "slow": "answers take up to a second and a half",
    "lag": "lists come from a copy that is eight seconds old, instead of one",
    "no_reports": "every tenth read of a list is refused: reporting_not_available",
    "lost_news": "5 % of the private messages never arrive",
    "repeated_news": "private messages come twice, and some of them late",
    "invalid": "3 % of the orders never become visible",
    "slow_activation": "orders become visible after two to four seconds",
    "short_tokens": "access tokens live twenty seconds",
    "few_sessions": "three sessions at once, instead of twenty",
    "cut": "the push socket is cut every half minute or so",
    "frozen": "the push socket now and then says nothing but pong for a minute",
    "silent_channels": "single event channels fall silent while the socket lives",
    "locks": "every fifth cancel meets a locked order: retry",
    "no_add_only": "orders that only add liquidity are refused",
    "stale_balance": "the unmatched figure of the balance is stale",
    "deducts": "money leaves the account when an order is placed, not when it is matched",
    "busy": "every twentieth request is refused: rate_limit_reached",
}


class Faults:
    """Which misfortunes are on. They may be switched while the sandbox runs."""

    def __init__(self, names: Iterable[str], luck: Luck) -> None:
        self._luck = luck
        self._on: set[str] = set()
        self.counts: dict[str, int] = {}
        for name in names:
            self.switch(name, on=True)

    def switch(self, name: str, *, on: bool) -> None:
        """Turn one on or off; raises SandboxError for a name nobody knows."""
        if name not in FAULTS:
            raise SandboxError(f"sandbox prophetx: no fault {name!r}; `--faults help` lists them")
        (self._on.add if on else self._on.discard)(name)

    def on(self, name: str) -> bool:
        """Whether it is on."""
        return name in self._on

    def strikes(self, name: str, chance: float) -> bool:
        """Whether it happens now; counted."""
        if name not in self._on or not self._luck.happens(chance):
            return False
        self.counts[name] = self.counts.get(name, 0) + 1
        return True


def described() -> str:
    """All of them, a line each."""
    return "\n".join(f"  {name:16} {what}" for name, what in FAULTS.items())
