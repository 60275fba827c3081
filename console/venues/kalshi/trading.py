"""Orders on their way to Kalshi and what became of them: accepted, refused for certain, or unknown.

What one turn of the loop asks for is sent together: a few requests side by side, many as one batch.
Nothing is ever sent twice. While a request that names the price of an order is under way, or was never
answered, no other such request leaves: the later one could be overtaken by the earlier.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from console.core.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    Lookup,
    PlaceOrder,
    TimeInForce,
)
from console.core.events import (
    AmendRejected,
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
)
from console.core.instruments import ClientOrderId
from console.core.units import SECOND
from console.venues.base.lane import Request
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.kalshi.books import Books
from console.venues.kalshi.errors import GroupShut, check
from console.venues.kalshi.groups import Groups
from console.venues.kalshi.orders import (
    BATCHED,
    ORDERS,
    CancelEntry,
    Created,
    cancel_path,
    parse_batch_canceled,
    parse_batch_created,
    parse_changed,
    parse_created,
    render_amend,
    render_batch,
    render_batch_cancel,
    render_create,
    render_decrease,
)
from console.venues.kalshi.own import OwnOrder, OwnOrders
from console.venues.kalshi.reads import Reads
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.wire import ParseError

SIDE_BY_SIDE: Final = 4  # so many requests of a turn go one by one, more of them as a batch
BATCH_MAX: Final = 10  # a batch must fit the write bucket whole; the smallest tier's holds ten places
CANCEL_BATCH_MAX: Final = 40
SWEEP_S: Final = 60.0  # a cancel-all may take out what is placed during the minute after it
FILLS_TRIES: Final = 8
FILLS_PAUSE_S: Final = 0.25

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Trading:
    """The order side of the client. Everything it learns goes to `put`."""

    def __init__(
        self, rest: Rest, own: OwnOrders, books: Books, groups: Groups, reads: Reads, spawn: Spawn
    ) -> None:
        self._rest = rest
        self._own = own
        self._books = books
        self._groups = groups
        self._reads = reads
        self._spawn = spawn
        self._put: Put = _nowhere
        self._shut: Callable[[int, str], None] = _unheard
        self._places: list[PlaceOrder] = []
        self._cancels: list[CancelOrder] = []
        self._turn = False
        self._sweeps = 0  # cancel-alls so far: a place prepared before one does not leave after it
        self._sent: dict[ClientOrderId, float] = {}  # when places without an answer left
        self._chased: set[ClientOrderId] = set()
        self.swept_until = float("-inf")  # monotonic
        self.bursts = BATCH_MAX

    def attach(self, put: Put, shut: Callable[[int, str], None]) -> None:
        """Where events go from now on, and who is told that the order group of a shard takes no orders."""
        self._put, self._shut = put, shut

    def limits(self, write_burst: int, place: int) -> None:
        """The write budget: no batch is larger than what the bucket can hold."""
        self.bursts = max(1, min(BATCH_MAX * 5, write_burst // max(1, place)))

    # ---- building

    def built(self, command: AnyCommand) -> Request:
        """The request a command is sent as, alone; raises Refused for what cannot be sent.

        It is remembered as if it had left, since what leaves next depends on it.
        """
        method, path, body = self._parts(command)
        if isinstance(command, PlaceOrder):
            self._own.add(_own(command, self._shard(command)))
        elif isinstance(command, AmendOrder):
            known = self._own.find(command.order_id)
            if known is not None:
                known.price, known.size = command.price, command.size
        elif isinstance(command, CancelOrder):
            known = self._own.find(command.order_id)
            if known is not None:
                self._own.end(known)
        return self._rest.build(method, path, body)

    def _parts(self, command: AnyCommand) -> tuple[str, str, bytes]:
        match command:
            case PlaceOrder():
                return "POST", ORDERS, self._create(command)
            case AmendOrder():
                return self._amendment(command)
            case CancelOrder():
                return "DELETE", cancel_path(self._entry(command)), b""
            case _:
                raise Refused(RejectReason.OTHER, f"{type(command).__name__} is no order call")

    def _create(self, command: PlaceOrder) -> bytes:
        shard = self._shard(command)
        group = self._groups.of(shard) if command.time_in_force is TimeInForce.GTC else ""
        return render_create(command, shard, group)

    def _amendment(self, command: AmendOrder) -> tuple[str, str, bytes]:
        """Only fewer contracts: a decrease, which names no price. Anything else: an amend."""
        shard, known = self._shard(command), self._own.find(command.order_id, command.venue_order_id)
        path = f"{ORDERS}/{command.venue_order_id}"
        if known is not None and command.price == known.price and command.size < known.size:
            body = render_decrease(known.size - command.size, command.instrument.symbol, shard)
            return "POST", f"{path}/decrease", body
        return "POST", f"{path}/amend", render_amend(command, shard)

    def _entry(self, command: CancelOrder) -> CancelEntry:
        if not command.venue_order_id:
            raise Refused(RejectReason.OTHER, "the venue has not named this order yet")
        return CancelEntry(command.venue_order_id, command.instrument.symbol, self._known_shard(command))

    def _shard(self, command: PlaceOrder | AmendOrder) -> int:
        shard = self._known_shard(command)
        if shard is None:
            raise Refused(RejectReason.MARKET, f"{command.instrument.symbol}: its shard is not known yet")
        return shard

    def _known_shard(self, command: PlaceOrder | AmendOrder | CancelOrder) -> int | None:
        shard, known = self._books.shard(command.instrument), self._own.find(command.order_id)
        return known.shard if shard is None and known is not None else shard

    # ---- places

    def place(self, command: PlaceOrder) -> None:
        """Send a place with everything else of this turn."""
        self._places.append(command)
        self._end_turn()

    def cancel(self, command: CancelOrder) -> None:
        """Send a cancel with everything else of this turn."""
        self._cancels.append(command)
        self._end_turn()

    def drop_unsent(self) -> None:
        """Nothing that has not left yet may leave."""
        self._sweeps += 1
        places, self._places = self._places, []
        for command in places:
            self._reject(command, Refused(RejectReason.KILLED))

    def _end_turn(self) -> None:
        if not self._turn:
            self._turn = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._turn = False
        cancels, self._cancels = self._cancels, []
        places, self._places = self._places, []
        for batch in _parts(cancels, CANCEL_BATCH_MAX):
            self._spawn(self._send_cancels(batch))
        for part in _parts(places, self.bursts):
            self._spawn(self._send_places(part))

    async def _send_places(self, commands: Sequence[PlaceOrder]) -> None:
        ready: list[tuple[PlaceOrder, bytes]] = []
        for command in commands:
            try:
                ready.append((command, self._create(command)))
            except Refused as refused:
                self._reject(command, refused)
        for command, _ in ready:
            self._own.add(_own(command, self._books.shard(command.instrument) or 0))
        if len(ready) > SIDE_BY_SIDE:
            await self._place_batch(ready)
        elif len(ready) == 1:
            await self._place_one(*ready[0])
        else:
            for command, body in ready:
                self._spawn(self._place_one(command, body))

    async def _place_one(self, command: PlaceOrder, body: bytes) -> None:
        sweeps = self._sweeps
        request = await self._rest.prepared("POST", ORDERS, body)
        if sweeps != self._sweeps:  # killed while it was being signed
            self._reject(command, Refused(RejectReason.KILLED))
            return
        sent = self._sent[command.order_id] = time.time()
        try:
            created = parse_created(check(await self._rest.send(request)))
        except Refused as refused:
            self._refused(command, refused)
        except Unanswered as error:
            self._put(OutcomeUnknown(order_id=command.order_id, text=str(error)))
        else:
            self._rest.stamped(created.ts_ms, sent)
            self._created(command, created)

    async def _place_batch(self, ready: Sequence[tuple[PlaceOrder, bytes]]) -> None:
        sweeps = self._sweeps
        request = await self._rest.prepared("POST", BATCHED, render_batch([body for _, body in ready]))
        if sweeps != self._sweeps:
            for command, _ in ready:
                self._reject(command, Refused(RejectReason.KILLED))
            return
        asked = [command.order_id for command, _ in ready]
        self._sent.update(dict.fromkeys(asked, time.time()))
        try:
            found = parse_batch_created(check(await self._rest.send(request)), asked)
        except Refused as refused:
            found = dict.fromkeys(asked, refused)
        except Unanswered as error:
            for order_id in asked:
                self._put(OutcomeUnknown(order_id=order_id, text=str(error)))
            return
        for command, _ in ready:
            told = found.get(command.order_id)
            if isinstance(told, Created):
                self._created(command, told)
            elif told is not None:
                self._refused(command, told)
            else:
                self._put(OutcomeUnknown(order_id=command.order_id, text="the batch's answer omits it"))

    def _created(self, command: PlaceOrder, created: Created) -> None:
        self._sent.pop(command.order_id, None)
        own = self._own.find(command.order_id)
        assert own is not None, "a place is known before it is sent"
        self._own.name(own, created.venue_order_id)
        self._put(OrderAccepted(order_id=command.order_id, venue_order_id=created.venue_order_id))
        if created.left == 0:
            self.finish(own, created.filled, cancelled=created.filled < command.size)
        elif created.filled > own.filled:
            self.missing(own, created.filled)

    def _refused(self, command: PlaceOrder, refused: Refused) -> None:
        if refused.reason is RejectReason.DUPLICATE:  # ids are never used twice: so this one arrived before
            self._put(OutcomeUnknown(order_id=command.order_id, text=str(refused)))
            return
        self._sent.pop(command.order_id, None)
        if isinstance(refused, GroupShut):  # its frame was missed: nobody else tells
            self._shut(self._shard(command), refused.text)
        self._reject(command, refused)

    def _reject(self, command: PlaceOrder, refused: Refused) -> None:
        own = self._own.find(command.order_id)
        if own is not None:
            self._own.end(own)
        self._put(OrderRejected(order_id=command.order_id, reason=refused.reason, text=refused.text))

    # ---- amends

    async def amend(self, command: AmendOrder) -> None:
        """Change an order, unless an earlier change may still arrive after this one."""
        own, order_id = self._own.find(command.order_id, command.venue_order_id), command.order_id
        if own is not None and (own.busy or own.doubtful):
            own.doubtful = False  # the lookup that follows tells how it stands
            text = "its lease is being renewed: looked up first"
            self._put(OutcomeUnknown(order_id=order_id, text=text))
            return
        try:
            method, path, body = self._parts(command)
        except Refused as refused:
            self._put(
                AmendRejected(order_id=order_id, amend=command.ts, reason=refused.reason, text=refused.text)
            )
            return
        if own is not None:
            own.busy = True
        sent = time.time()
        try:
            changed = parse_changed(await self._rest.write(method, path, body))
        except Refused as refused:
            self._put(
                AmendRejected(order_id=order_id, amend=command.ts, reason=refused.reason, text=refused.text)
            )
        except Unanswered as error:
            if own is not None:
                own.doubtful = True
            self._put(OutcomeUnknown(order_id=order_id, text=str(error)))
        else:
            self._rest.stamped(changed.ts_ms, sent)
            if own is not None:
                own.price, own.size = command.price, command.size
            if changed.venue_order_id != command.venue_order_id:
                if own is not None:
                    self._own.name(own, changed.venue_order_id)
                self._put(OrderAccepted(order_id=order_id, venue_order_id=changed.venue_order_id))
            price, size = command.price, command.size
            self._put(OrderAmended(order_id=order_id, price=price, size=size, amend=command.ts))
        finally:
            if own is not None:
                own.busy = False

    # ---- cancels

    async def _send_cancels(self, commands: Sequence[CancelOrder]) -> None:
        ready: list[tuple[CancelOrder, CancelEntry]] = []
        for command in commands:
            try:
                ready.append((command, self._entry(command)))
            except Refused as refused:
                self._not_cancelled(command, refused)
        if len(ready) > SIDE_BY_SIDE:
            await self._cancel_batch(ready)
        else:
            for command, entry in ready:
                self._spawn(self._cancel_one(command, entry))

    async def _cancel_one(self, command: CancelOrder, entry: CancelEntry) -> None:
        try:
            parse_changed(await self._rest.write("DELETE", cancel_path(entry), cancel=True))
        except Refused as refused:
            self._not_cancelled(command, refused)
        except Unanswered as error:
            self._put(OutcomeUnknown(order_id=command.order_id, text=str(error)))
        else:
            self._cancelled(command)

    async def _cancel_batch(self, ready: Sequence[tuple[CancelOrder, CancelEntry]]) -> None:
        body = render_batch_cancel(entry for _, entry in ready)
        try:
            found = parse_batch_canceled(await self._rest.write("DELETE", BATCHED, body, cancel=True))
        except Refused as refused:
            for command, _ in ready:
                self._not_cancelled(command, refused)
            return
        except Unanswered as error:
            for command, _ in ready:
                self._put(OutcomeUnknown(order_id=command.order_id, text=str(error)))
            return
        for command, entry in ready:
            told = found.get(entry.venue_order_id)
            if isinstance(told, Refused):
                self._not_cancelled(command, told)
            elif told is not None:
                self._cancelled(command)
            else:
                self._put(OutcomeUnknown(order_id=command.order_id, text="the batch's answer omits it"))

    def _cancelled(self, command: CancelOrder) -> None:
        own = self._own.find(command.order_id, command.venue_order_id)
        if own is not None:
            self._own.end(own)
        self._put(OrderCanceled(order_id=command.order_id))

    def _not_cancelled(self, command: CancelOrder, refused: Refused) -> None:
        self._put(OrderCancelRejected(order_id=command.order_id, reason=refused.reason, text=refused.text))

    async def cancel_all(self) -> None:
        """Every order of the account on every shard by one request; by id where that is refused."""
        self.swept_until = time.monotonic() + SWEEP_S
        try:
            await self._rest.write("DELETE", ORDERS, cancel=True)
        except (Refused, Unanswered):
            await self._cancel_listed()

    async def _cancel_listed(self) -> None:
        """Without the venue's own sweep: list what rests and cancel it by id; the engine repeats it."""
        try:
            resting = await self._reads.resting()
        except (Refused, Unanswered, ParseError):
            return
        entries = [CancelEntry(o.venue_order_id, o.market.symbol, o.shard) for o in resting]
        for part in _parts(entries, CANCEL_BATCH_MAX):
            try:
                await self._rest.write("DELETE", BATCHED, render_batch_cancel(part), cancel=True)
            except (Refused, Unanswered):
                return

    # ---- what became of them

    async def look_up(self, command: Lookup) -> None:
        """Find out what became of an order."""
        stated = command.wall / SECOND if command.wall else time.time() - 3600.0
        sent = self._sent.get(command.order_id, stated)
        try:
            events: list[AnyEvent] = await self._reads.lookup(command, sent)
        except (Refused, Unanswered, ParseError) as error:
            events = [OutcomeUnknown(order_id=command.order_id, text=str(error))]
        for event in events:
            if not isinstance(event, OutcomeUnknown):
                self._sent.pop(command.order_id, None)
            self._put(event)

    def missing(self, own: OwnOrder, filled: int) -> None:
        """The venue counts more fills of an order than were told: read them unless they come."""
        if own.order_id not in self._chased and own.filled < filled:
            self._chased.add(own.order_id)
            self._spawn(self._chase(own, filled, cancelled=False))

    def finish(self, own: OwnOrder, filled: int, *, cancelled: bool) -> None:
        """An order is over: said once its fills have been told, so that what they leave is known first."""
        self._spawn(self._chase(own, filled, cancelled=cancelled, over=True))

    async def _chase(self, own: OwnOrder, filled: int, *, cancelled: bool, over: bool = False) -> None:
        for attempt in range(FILLS_TRIES):
            if own.filled >= filled:
                break
            await asyncio.sleep(FILLS_PAUSE_S)
            if own.filled >= filled or attempt == 0:
                continue
            try:
                for event in await self._reads.fills(f"order_id={own.venue_order_id}"):
                    self._put(event)
            except (Refused, Unanswered, ParseError):
                continue
        self._chased.discard(own.order_id)
        if own.filled < filled:
            self._put(OutcomeUnknown(order_id=own.order_id, text="its fills are not told"))
        elif over:
            self._own.end(own)
            if cancelled:
                self._put(OrderCanceled(order_id=own.order_id))


def _own(command: PlaceOrder, shard: int) -> OwnOrder:
    ends_s = command.expires // 1_000_000_000
    return OwnOrder(
        command.order_id,
        command.instrument,
        command.action,
        command.price,
        command.size,
        shard,
        ends_s if command.time_in_force is TimeInForce.GTC else 0,
    )


def _parts(items: list[Any], size: int) -> list[list[Any]]:
    return [items[first : first + size] for first in range(0, len(items), size)]


def _unheard(_shard: int, _why: str) -> None:
    raise AssertionError("nothing is refused before it runs")


def _nowhere(_: AnyEvent) -> None:
    raise AssertionError("nothing is sent before it runs")
