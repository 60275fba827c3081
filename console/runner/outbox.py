"""What waits to leave: places and amends until their record is on disk, and never past the kill latch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from console.core.commands import AmendOrder, AnyCommand, PlaceOrder
from console.core.events import AmendRejected, AnyEvent, OrderRejected, RejectReason
from console.core.instruments import Venue
from console.folders import Latches

Held = PlaceOrder | AmendOrder


class Outbox:
    """Commands on their way out. `send` passes one on, `answer` tells the engine what did not leave."""

    def __init__(
        self,
        latches: Latches,
        send: Callable[[AnyCommand], None],
        answer: Callable[[AnyEvent], None],
    ) -> None:
        self._latches = latches
        self._send = send
        self._answer = answer
        self._held: deque[tuple[int, Held]] = deque()
        self._broken = ""

    def hold(self, number: int, command: Held) -> None:
        """Keep a place or amend until record `number` is on disk."""
        if self._broken:
            self._refuse(command, RejectReason.OTHER, self._broken)
        else:
            self._held.append((number, command))

    def committed(self, number: int) -> None:
        """Everything up to record `number` is on disk; the latch is read once more before orders leave."""
        if not self._held or self._held[0][0] > number:
            return
        killed: dict[Venue, bool] = {}
        while self._held and self._held[0][0] <= number:
            _, command = self._held.popleft()
            venue = command.instrument.venue
            if venue not in killed:
                killed[venue] = self._latches.engaged(venue)
            if killed[venue]:
                self._refuse(command, RejectReason.KILLED, "")
            else:
                self._send(command)

    def drop(self, venue: Venue) -> None:
        """A cancel-all is about to leave for a venue: nothing unsent may follow it."""
        kept: deque[tuple[int, Held]] = deque()
        for number, command in self._held:
            if command.instrument.venue is venue:
                self._refuse(command, RejectReason.KILLED, "")
            else:
                kept.append((number, command))
        self._held = kept

    def broken(self, why: str) -> None:
        """The journal cannot be written: no order leaves any more, cancels still do."""
        self._broken = why
        for _, command in self._held:
            self._refuse(command, RejectReason.OTHER, why)
        self._held.clear()

    def _refuse(self, command: Held, reason: RejectReason, text: str) -> None:
        if isinstance(command, PlaceOrder):
            self._answer(OrderRejected(order_id=command.order_id, reason=reason, text=text))
        else:
            self._answer(AmendRejected(order_id=command.order_id, reason=reason, text=text))
