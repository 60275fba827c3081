"""Without an engine: cancel everything by account until every venue has proven itself empty."""

from __future__ import annotations

import asyncio
import time

import msgspec

from console.core.commands import CancelAll, Reconcile
from console.core.events import BookDelta, BookSnapshot, MassStatus, Tick, Trade
from console.core.instruments import Venue
from console.journal import Journal
from console.runner.clock import RunClock
from console.runner.inbox import Inbox
from console.runner.outbox import Outbox
from console.runner.source import Source

PATIENCE_S = 12.0
PAUSE_S = 0.5
SETTLE_S = 1.0  # by then a place that left just before has arrived
PROOF_GAP_S = 2.0  # between the first empty list and one that proves it
_PUBLIC = BookDelta | BookSnapshot | Trade | Tick


class Sweep:
    """Cancels and lists, again and again; what the venues say meanwhile is journalled, not decided upon."""

    def __init__(
        self, source: Source, outbox: Outbox, inbox: Inbox, journal: Journal, clock: RunClock
    ) -> None:
        self._source = source
        self._outbox = outbox
        self._inbox = inbox
        self._journal = journal
        self._clock = clock
        self._empty_since: dict[Venue, float | None] = dict.fromkeys(source.venues)
        self._proven: dict[Venue, bool] = dict.fromkeys(source.venues, False)
        self.resting: dict[Venue, int] = {}  # orders by the last list of each venue

    async def run(self) -> list[Venue]:
        """Sweep until proven or out of patience; returns the venues that may still hold an order."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S and not all(self._proven.values()):
            for venue, proven in self._proven.items():
                if not proven:
                    self._outbox.drop(venue)
                    self._source.send(CancelAll(venue=venue))
                    self._source.send(Reconcile(venue=venue))
            await asyncio.sleep(PAUSE_S)
            self._hear(settled=time.monotonic() - began >= SETTLE_S)
        return [venue for venue, proven in self._proven.items() if not proven]

    def _hear(self, settled: bool) -> None:
        while (waiting := self._inbox.take()) is not None:
            event = waiting[0]
            if isinstance(event, _PUBLIC):
                continue
            msgspec.structs.force_setattr(event, "ts", self._clock.now())
            msgspec.structs.force_setattr(event, "wall", self._clock.wall())
            self._journal.event(event)
            if isinstance(event, MassStatus):
                self._listed(event, settled)

    def _listed(self, status: MassStatus, settled: bool) -> None:
        now, venue = time.monotonic(), status.venue
        self.resting[venue] = len(status.orders)
        if status.orders or not settled:
            self._empty_since[venue], self._proven[venue] = None, False
            return
        since = self._empty_since[venue]
        if since is None:
            self._empty_since[venue] = now
        elif now - since >= PROOF_GAP_S:
            self._proven[venue] = True
