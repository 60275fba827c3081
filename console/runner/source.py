"""What the engine process trades on: a source of events that takes commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from console.core.commands import AnyCommand
from console.core.events import AnyEvent
from console.core.instruments import Venue
from console.link.messages import SymbolView


class Source(Protocol):
    """A set of venues and feeds; live connections or a pretended world."""

    @property
    def venues(self) -> tuple[Venue, ...]:
        """The venues it connects to."""

    async def run(self, put: Callable[[AnyEvent], None]) -> None:
        """Put events until cancelled; connects and reconnects by itself."""

    async def close(self) -> None:
        """End whatever still runs after `run` broke."""

    def send(self, command: AnyCommand) -> None:
        """Take one command; what becomes of it comes back as events."""

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches listed that `text` means, and what the sharpest source says of them.

        Raises LookupFailed with a line for the person who searched.
        """
