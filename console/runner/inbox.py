"""What waits for the engine: events in the order they came, the operator's always first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from console.core.events import AnyEvent, BookDelta, BookSnapshot, BookStale, OperatorEvent
from console.core.instruments import Instrument

BACKLOG_MAX = 20_000  # beyond it books are given up and read afresh; fills are never dropped

Done = Callable[[str], None]  # gets the refusal, empty when the event was taken


class Inbox:
    """A queue with a front door. Filled and emptied on one event loop."""

    def __init__(self) -> None:
        self._first: deque[tuple[AnyEvent, Done | None]] = deque()
        self._rest: deque[AnyEvent] = deque()
        self._given_up: set[Instrument] = set()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._first) + len(self._rest)

    def put(self, event: AnyEvent) -> None:
        """Add an event at the end; a flood of book changes is cut short by distrusting the book."""
        if isinstance(event, BookDelta) and len(self._rest) >= BACKLOG_MAX:
            if event.instrument in self._given_up:
                return
            self._given_up.add(event.instrument)
            event = BookStale(instrument=event.instrument, why="more changes than can be read")
        elif isinstance(event, BookSnapshot):
            self._given_up.discard(event.instrument)  # from here on every change counts again
        self._rest.append(event)
        self._wake.set()

    def put_first(self, event: OperatorEvent, done: Done | None = None) -> None:
        """Add what the operator wants before everything else that waits."""
        self._first.append((event, done))
        self._wake.set()

    def take(self) -> tuple[AnyEvent, Done | None] | None:
        """The next event, None when there is none."""
        if self._first:
            return self._first.popleft()
        if self._rest:
            event = self._rest.popleft()
            if not self._rest:
                self._given_up.clear()
            return event, None
        return None

    async def wait(self) -> None:
        """Wait until there is something."""
        if not len(self):
            self._wake.clear()
            await self._wake.wait()
