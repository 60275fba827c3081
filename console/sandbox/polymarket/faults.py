"""What can go wrong at the pretended venue, by name, and how often."""

from __future__ import annotations

import random
from collections.abc import Sequence

from console.sandbox.command import SandboxError

FAULTS: dict[str, tuple[float, str]] = {
    "lost_answers": (0.08, "a request about orders is carried out, its answer never comes"),
    "lost_requests": (0.04, "a request about orders is cut off before it is carried out"),
    "slow": (0.15, "an answer takes up to two seconds"),
    "errors": (0.05, "an order is answered with status 500; half of them are in the book all the same"),
    "limits": (0.03, "a request is answered with status 429 and Retry-After"),
    "refusals": (0.03, "one order of a batch is refused for its balance"),
    "retrying": (0.30, "a trade is tried again before it is mined"),
    "failed": (0.15, "a trade fails on chain after it was matched"),
    "dropped": (0.01, "a frame of the market channel is lost"),
    "duplicated": (0.10, "a frame of either channel comes twice"),
    "disordered": (0.50, "the trade comes before the order it filled"),
    "bad_hash": (0.01, "a change carries a wrong book hash"),
    "unreadable": (0.005, "a change lacks its size"),
    "disconnects": (30.0, "sockets are closed, seconds between"),
    "freezes": (45.0, "sockets answer pings and tell nothing for 15 s, seconds between"),
    "restart": (
        60.0,
        "the matching engine restarts (425), then takes post-only orders; seconds between",
    ),
    "cancel_only": (90.0, "for 10 s only cancels are taken, seconds between"),
    "stale_balance": (1.0, "token balances are cached until an update is asked for"),
    "early_start": (1.0, "games begin 90 s before the listed start, and their books are cleared then"),
    "late_clear": (1.0, "books are cleared only 20 s after the start"),
    "tick": (20.0, "the tick of a market becomes a tenth of a cent, seconds after the opening"),
    "rules": (40.0, "the rules of every market are reworded, seconds after the opening"),
    "geoblock": (1.0, "orders are not taken from where we are"),
    "closed_only": (1.0, "the account may only close"),
    "no_allowance": (1.0, "the exchanges may not move our dollars"),
}
STORM = (
    "lost_answers,lost_requests,slow,errors,limits,refusals,retrying,failed,dropped,duplicated,disordered,"
    "bad_hash,unreadable,disconnects,freezes,restart,stale_balance"
)


class Faults:
    """The misfortunes that were asked for; dice of their own, so that the world plays on as it would."""

    def __init__(self, names: Sequence[str], seed: int) -> None:
        """`names` may hold ``name``, ``name=chance`` or ``storm``; raises SandboxError for others."""
        self._dice = random.Random(f"polymarket faults {seed}")  # noqa: S311 - games, not secrets
        self._on: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        for word in [w for name in names for w in (STORM.split(",") if name == "storm" else [name])]:
            name, _, chance = word.partition("=")
            if name not in FAULTS:
                raise SandboxError(f"faults: {name!r} is not one of {', '.join(FAULTS)}, storm")
            try:
                self._on[name] = float(chance) if chance else FAULTS[name][0]
            except ValueError:
                raise SandboxError(f"faults: {word!r}: write {name}=NUMBER") from None

    def on(self, name: str) -> bool:
        """Whether a lasting fault is switched on."""
        return name in self._on

    def strikes(self, name: str) -> bool:
        """Whether it happens this time; counted."""
        chance = self._on.get(name, 0.0)
        if not chance or self._dice.random() >= chance:
            return False
        self.counts[name] = self.counts.get(name, 0) + 1
        return True

    def every(self, name: str) -> float | None:
        """Seconds to the next of those that come by themselves; None when it never does."""
        seconds = self._on.get(name)
        return None if seconds is None else seconds * (0.5 + self._dice.random())

    def struck(self, name: str) -> None:
        """Count one that came by itself."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def between(self, low: float, high: float) -> float:
        """A number in a range."""
        return low + (high - low) * self._dice.random()

    def token(self) -> str:
        """32 hexadecimal digits nobody has seen before."""
        return f"{self._dice.getrandbits(128):032x}"

    def uuid(self) -> str:
        """An id in five groups."""
        t = self.token()
        return f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}"


def help_text() -> list[str]:
    """Every fault in one line each."""
    return [f"{name:14} {text} ({chance:g})" for name, (chance, text) in FAULTS.items()] + [
        f"{'storm':14} {STORM}",
        "write name=number for another chance or time",
    ]
