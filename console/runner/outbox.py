"""What waits to leave: places and amends until their record is on disk, and never past the kill latch.

A disk that takes too long makes an order old: the market it was decided on is gone, so it stays here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from console.core.commands import AmendOrder, AnyCommand, PlaceOrder
from console.core.events import AmendRejected, AnyEvent, OrderRejected, RejectReason
from console.core.instruments import ClientOrderId, Venue
from console.folders import Latches

Held = PlaceOrder | AmendOrder
HELD_MAX_S = 1.0


class Outbox:
    """Commands on their way out. `send` passes one on, `answer` tells the engine what did not leave."""

    def __init__(
        self,
        latches: Latches,
        send: Callable[[AnyCommand], None],
        answer: Callable[[AnyEvent], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._latches = latches
        self._send = send
        self._answer = answer
        self._monotonic = monotonic
        self._held: deque[tuple[int, float, Held]] = deque()
        self._broken = ""

    def hold(self, number: int, command: Held) -> None:
        """Keep a place or amend until record `number` is on disk."""
        if self._broken:
            self._refuse(command, RejectReason.OTHER, self._broken)
        else:
            self._held.append((number, self._monotonic(), command))

    def holds(self, order_id: ClientOrderId) -> bool:
        """Whether a place of this order has not left yet: nobody out there can know it."""
        return any(isinstance(c, PlaceOrder) and c.order_id == order_id for _, _, c in self._held)

    def withdraw(self, order_id: ClientOrderId) -> bool:
        """A cancel is about to leave: what is held of its order does not; True when it never existed."""
        placed = self.holds(order_id)
        self._refuse_where(lambda held: held.order_id == order_id, RejectReason.OTHER, "withdrawn")
        return placed

    def committed(self, number: int) -> None:
        """Everything up to record `number` is on disk; the latch is read once more before orders leave."""
        if not self._held or self._held[0][0] > number:
            return
        killed: dict[Venue, bool] = {}
        while self._held and self._held[0][0] <= number:
            _, since, command = self._held.popleft()
            venue = command.instrument.venue
            if venue not in killed:
                killed[venue] = self._latches.engaged(venue)
            if killed[venue]:
                self._refuse(command, RejectReason.KILLED, "")
            elif self._monotonic() - since > HELD_MAX_S:
                self._refuse(command, RejectReason.OTHER, "the journal took too long")
            else:
                self._send(command)

    def drop(self, venue: Venue) -> None:
        """A cancel-all is about to leave for a venue: nothing unsent may follow it."""
        self._refuse_where(lambda held: held.instrument.venue is venue, RejectReason.KILLED, "")

    def broken(self, why: str) -> None:
        """The journal cannot be written: no order leaves any more, cancels still do."""
        self._broken = why
        self._refuse_where(lambda _: True, RejectReason.OTHER, why)

    def _refuse_where(self, chosen: Callable[[Held], bool], reason: RejectReason, text: str) -> None:
        waiting, self._held = self._held, deque()
        for entry in waiting:
            if chosen(entry[2]):
                self._refuse(entry[2], reason, text)
            else:
                self._held.append(entry)

    def _refuse(self, command: Held, reason: RejectReason, text: str) -> None:
        if isinstance(command, PlaceOrder):
            self._answer(OrderRejected(order_id=command.order_id, reason=reason, text=text))
        else:
            self._answer(AmendRejected(order_id=command.order_id, amend=command.ts, reason=reason, text=text))
