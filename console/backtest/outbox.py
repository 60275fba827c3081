"""The journal of a simulated run and the way out of the engine: orders leave when their records are written.

Cancels and reads leave at once and are written afterwards, as in the real process. A crash loses what is
not written yet, together with the orders in it, and may fall between writing and sending.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import msgspec

from console.backtest.chain import Record
from console.core.commands import ORDERS, AmendOrder, AnyCommand, Lookup, PlaceOrder, Refuse
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    OddsUpdate,
    OrderRejected,
    RejectReason,
    Started,
    Tick,
    Trade,
)
from console.core.instruments import Venue
from console.core.units import MILLISECOND
from console.sim.clock import Agenda

UNRECORDED = frozenset((BookDelta, Tick, Trade, BookSnapshot, BooksConfirmed, OddsUpdate))
_COMMIT_MS = (0.3, 3.0)  # a group commit, and the way from there to the wire
_STALL_MS, _STALL_CHANCE = 80.0, 0.01  # the disk thinks about it
_SEND_MS = 0.5

Order = PlaceOrder | AmendOrder


class _Batch:
    """What one event led to: records to be written, then orders to be sent."""

    __slots__ = ("checkpoint", "orders", "records", "turn")

    def __init__(self, turn: int, records: list[Record], orders: list[Order], checkpoint: bytes) -> None:
        self.turn = turn
        self.records = records
        self.orders = orders
        self.checkpoint = checkpoint


class Outbox:
    """One run's records. `written` is what would be read after a crash, from the last checkpoint on."""

    def __init__(
        self,
        send: Callable[[AnyCommand, int], None],
        agenda: Agenda,
        dice: random.Random,
        started: Started,
    ) -> None:
        self.started = started  # with the last checkpoint written
        self.written: list[Record] = []
        self._send = send
        self._agenda = agenda
        self._dice = dice
        self._open = True
        self._written_ts = 0
        self._sent_ts = 0
        self._unwritten: list[_Batch] = []
        self._unsent: list[_Batch] = []

    # ---- one step of the engine

    def step(self, turn: int, event: AnyEvent, commands: list[AnyCommand], now: int) -> None:
        """Take event number `turn` and its commands: send what need not wait, queue the rest."""
        orders: list[Order] = []
        records: list[Record] = [] if type(event) in UNRECORDED else [event]
        for command in commands:
            if isinstance(command, ORDERS):
                orders.append(command)
                records.append(command)
                continue
            if isinstance(command, (Lookup, Refuse)):
                records.append(command)
            self._send(command, now)
        if records:
            self._queue(_Batch(turn, records, orders, b""), now)

    def checkpoint(self, encoded: bytes, now: int) -> None:
        """Keep a checkpoint of the state after everything taken so far."""
        self._queue(_Batch(0, [], [], encoded), now)

    def drop(self, venue: Venue) -> list[AnyEvent]:
        """Take back every order for a venue that has not left; the answers say so."""
        answers: list[AnyEvent] = []
        for batch in (*self._unsent, *self._unwritten):
            for order in [order for order in batch.orders if order.instrument.venue is venue]:
                batch.orders.remove(order)
                refused = OrderRejected if isinstance(order, PlaceOrder) else AmendRejected
                answers.append(refused(order_id=order.order_id, reason=RejectReason.KILLED))
        return answers

    def unsent(self) -> list[Order]:
        """Places and amends that have not left yet."""
        return [order for batch in (*self._unsent, *self._unwritten) for order in batch.orders]

    # ---- the end of a run

    def crash(self) -> tuple[Started, list[Record], list[int]]:
        """Nothing more is written or sent; returns what a journal that lost nothing would hold, from its
        last checkpoint on, and the turns whose records are lost.
        """
        self._open = False
        started, records = self.started, list(self.written)
        for batch in self._unwritten:
            if batch.checkpoint:
                started, records = msgspec.structs.replace(started, checkpoint=batch.checkpoint), []
            records += batch.records
        return started, records, [batch.turn for batch in self._unwritten if batch.records]

    # ---- in its own time

    def _queue(self, batch: _Batch, now: int) -> None:
        low, high = _COMMIT_MS
        delay_ms = low + (high - low) * self._dice.random()
        if self._dice.random() < _STALL_CHANCE:
            delay_ms += _STALL_MS * self._dice.random()
        self._written_ts = max(self._written_ts, now + int(delay_ms * MILLISECOND))
        self._unwritten.append(batch)
        self._agenda.at(self._written_ts, partial(self._write, batch))

    def _write(self, batch: _Batch, now: int) -> None:
        if not self._open:
            return
        self._unwritten.remove(batch)
        if batch.checkpoint:
            self.written.clear()
            self.started = msgspec.structs.replace(self.started, checkpoint=batch.checkpoint)
        self.written += batch.records
        if batch.orders:
            delay = int(_SEND_MS * MILLISECOND * self._dice.random())
            self._sent_ts = max(self._sent_ts, now + delay)
            self._unsent.append(batch)
            self._agenda.at(self._sent_ts, partial(self._leave, batch))

    def _leave(self, batch: _Batch, now: int) -> None:
        if not self._open:
            return
        self._unsent.remove(batch)
        for order in batch.orders:
            self._send(order, now)
