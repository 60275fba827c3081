"""Emptying venues without an engine: cancel by account, again and again, until each list is proven empty."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from console.core.commands import AnyCommand, CancelAll, Reconcile
from console.core.connection import PROOF_GAP
from console.core.events import AnyEvent, MassStatus
from console.core.instruments import Venue
from console.core.units import SECOND

PAUSE_S = 0.5  # between two requests to a venue that is not proven empty
PROOF_GAP_S = PROOF_GAP / SECOND


class Emptying:
    """Watches the lists of a set of venues; `send` lets commands out, `moved` hears each change."""

    def __init__(
        self,
        venues: Iterable[Venue],
        send: Callable[[AnyCommand], None],
        moved: Callable[[Venue, int], None],
    ) -> None:
        self._send = send
        self._moved = moved
        self.listed: dict[Venue, int | None] = dict.fromkeys(venues)  # orders of ours listed last
        self._empty_since: dict[Venue, float] = {}
        self._proven: dict[Venue, None] = {}

    @property
    def left(self) -> list[Venue]:
        """Venues that have not proven that nothing rests there: two empty lists two seconds apart."""
        return [venue for venue in self.listed if venue not in self._proven]

    def take(self, event: AnyEvent) -> None:
        """Look at one event."""
        if not isinstance(event, MassStatus) or event.venue not in self.listed:
            return
        venue, now = event.venue, time.monotonic()
        if self.listed[venue] != len(event.orders):
            self._moved(venue, len(event.orders))
        self.listed[venue] = len(event.orders)
        if event.orders:
            self._empty_since.pop(venue, None)
            self._proven.pop(venue, None)
        elif now - self._empty_since.setdefault(venue, now) >= PROOF_GAP_S:
            self._proven[venue] = None

    async def run(self, patience_s: float, look: Callable[[], None] = lambda: None) -> list[Venue]:
        """Cancel until all is proven or patience ends; `look` brings what waits. Returns the venues left."""
        until = time.monotonic() + patience_s
        while self.left and time.monotonic() < until:
            for venue in self.left:
                self._send(CancelAll(venue=venue))
                self._send(Reconcile(venue=venue))
            await asyncio.sleep(PAUSE_S)
            look()
        return self.left
