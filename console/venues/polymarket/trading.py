"""Orders on the wire: placed, cancelled, looked up and kept alive; every place has an outcome."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from console.core.commands import (
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    KeepAlive,
    Lookup,
    PlaceOrder,
    TimeInForce,
)
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BalanceUpdate,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    VenueLimits,
)
from console.core.instruments import Action, ClientOrderId, Venue, VenueOrderId
from console.core.units import Cash
from console.venues.base.backoff import Backoff
from console.venues.base.lane import Reply, Request
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.base.throttle import Throttle
from console.venues.polymarket.account import parse_balance, parse_order, parse_trades, standing
from console.venues.polymarket.drafts import Drafts
from console.venues.polymarket.feed import MarketFeed
from console.venues.polymarket.orders import (
    BATCH_MAX,
    CANCELS_MAX,
    Doubtful,
    NotPlaced,
    Outcome,
    Placed,
    batch_body,
    cancel_body,
    cancel_refusal,
    heartbeat_body,
    parse_batch,
    parse_cancels,
    parse_heartbeat,
    parse_place,
    parse_refusal,
    pause_s,
)
from console.venues.polymarket.rest import OK, Rest, Unread, parsed
from console.venues.polymarket.signing import Wallet
from console.venues.polymarket.user import ROUNDING, Lives, OrderMessage, TradeLog, TradeRecord, life
from console.venues.polymarket.wire import ParseError, amount

P: Final = Venue.POLYMARKET
REQUESTS_MAX: Final = 12  # with orders under way at once: one more would wait for a connection
NAMES_KEPT: Final = 50_000
BEAT_S: Final = 3.0  # a heartbeat without an answer for so long is sent anew with the next sign of life
UNHEARD_S: Final = 8.0  # an order the venue accepted, and its stream says nothing of it
CHASE_S: Final = (0.5, 2.0, 5.0, 10.0)  # when to read trades that an order's end speaks of and nobody told
TIERS: Final = {  # orders a second and at once, cancels a second and at once (documentation, 2026-07-24)
    "standard": (40, 60, 80, 120),
    "copper": (60, 90, 120, 180),
    "bronze": (80, 120, 160, 240),
    "silver": (200, 300, 400, 600),
    "gold": (400, 600, 800, 1200),
    "platinum": (450, 675, 900, 1350),
    "diamond": (525, 787, 1050, 1575),
    "elite": (600, 900, 1200, 1800),
}


class Ending:
    """An order that ended with matched contracts we have not been told of as fills."""

    def __init__(self, matched: int, trades: tuple[str, ...]) -> None:
        self.matched = matched
        self.trades = trades
        self.told = asyncio.Event()


class Trading:
    """The order lane of one key. `up` and `put` are set by the client that owns it."""

    def __init__(self, rest: Rest, feed: MarketFeed, wallet: Wallet) -> None:
        self._rest = rest
        self._feed = feed
        self._kind = wallet.kind
        self._drafts = Drafts(rest, feed, wallet)
        self._put: Put | None = None
        self._group: asyncio.TaskGroup | None = None
        self.up = False
        self.log = TradeLog("", feed.leg, self.name)
        self._names: OrderedDict[str, ClientOrderId] = OrderedDict()  # by digest
        self._digests: dict[ClientOrderId, str] = {}
        self._unsent: list[PlaceOrder] = []
        self._uncancelled: list[CancelOrder] = []
        self._under_way = 0
        self._endings: dict[str, Ending] = {}
        self._unheard: dict[str, float] = {}
        self._beat = ""
        self._beating = False
        self._tier = "standard"
        self._cancels = Throttle(80.0, 120.0)
        self._held_until = 0.0  # the venue said 429
        self._restart = Backoff(1.0, 30.0, chance=lambda: 1.0)

    # ---- names

    def name(self, digest: str) -> ClientOrderId:
        """Our id of an order by its digest; empty for one we never heard of."""
        return self._names.get(digest, ClientOrderId(""))

    def _learn(self, digest: str, order_id: ClientOrderId) -> None:
        self._names[digest] = order_id
        self._digests[order_id] = digest
        while len(self._names) > NAMES_KEPT:
            _, old = self._names.popitem(last=False)
            self._digests.pop(old, None)

    # ---- life

    def start(self, put: Put, group: asyncio.TaskGroup) -> None:
        """Work within a group of tasks and put events."""
        self._put, self._group = put, group

    def limits(self) -> VenueLimits:
        """Our write budget; cancels have one of their own and are never held back."""
        per_s, burst, _, _ = TIERS[self._tier]
        return VenueLimits(
            venue=P, write_per_s=per_s, write_burst=burst, place=1, amend=1, cancel=0, dead_man=True
        )

    def unheard(self) -> bool:
        """The venue accepted an order and the stream has told nothing of it for too long."""
        return any(time.monotonic() - since > UNHEARD_S for since in self._unheard.values())

    def went_down(self) -> None:
        """Nothing private reaches us: whatever we were waiting to hear is read anew."""
        self.up = False
        self._unheard.clear()

    def _say(self, event: AnyEvent) -> None:
        assert self._put is not None, "commands are taken while it runs"
        self._put(event)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._group is not None, "commands are taken while it runs"
        self._group.create_task(work)

    def send(self, command: AnyCommand) -> None:
        """Take one command about orders."""
        match command:
            case PlaceOrder():
                self._place(command)
            case CancelOrder():
                self._cancel(command)
            case CancelAll():
                self._drop_unsent()
                self._begin(self._cancel_all())
            case Lookup():
                self._begin(self._look_up(command))
            case KeepAlive():
                if not self._beating:
                    self._begin(self._keep_alive())
            case AmendOrder():
                text = "orders are not amended here"
                self._say(
                    AmendRejected(
                        order_id=command.order_id, amend=command.ts, reason=RejectReason.OTHER, text=text
                    )
                )
            case _:
                return

    def build(self, command: AnyCommand) -> Request:
        """The request a command is sent as; raises Refused for one that cannot be."""
        if isinstance(command, PlaceOrder):
            return self._rest.signed("POST", "/order", self._drafts.order(command)[0].encode())
        if isinstance(command, CancelOrder):
            digest = command.venue_order_id or self._digests.get(command.order_id, "")
            return self._rest.signed("DELETE", "/orders", cancel_body([digest]))
        raise Refused(RejectReason.OTHER, f"{type(command).__name__} is not sent here")

    # ---- placing

    def _place(self, command: PlaceOrder) -> None:
        """Places of one moment leave together; none waits for anything else."""
        self._unsent.append(command)
        if len(self._unsent) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _drop_unsent(self) -> None:
        for command in self._unsent:
            self._rejected(command, RejectReason.KILLED, "")
        self._unsent.clear()

    def _flush(self) -> None:
        orders, self._unsent = self._unsent, []
        for at in range(0, len(orders), BATCH_MAX):
            self._send_batch(orders[at : at + BATCH_MAX])

    def _send_batch(self, commands: Sequence[PlaceOrder]) -> None:
        refusal = self._closed()
        ready: list[tuple[PlaceOrder, str, str]] = []
        for command in commands:
            try:
                if refusal is not None:
                    raise refusal
                body, digest = self._drafts.order(command)
            except Refused as refused:
                self._rejected(command, refused.reason, refused.text)
                continue
            self._learn(digest, command.order_id)
            ready.append((command, body, digest))
        if ready:
            self._under_way += 1
            self._begin(self._post(ready))

    def _closed(self) -> Refused | None:
        if not self.up:
            return Refused(RejectReason.NOT_CONNECTED, "not connected")
        if time.monotonic() < self._held_until:
            return Refused(RejectReason.RATE_LIMITED, "the venue asked us to wait")
        if self._under_way >= REQUESTS_MAX:
            return Refused(RejectReason.RATE_LIMITED, "too many requests under way")
        return None

    async def _post(self, ready: list[tuple[PlaceOrder, str, str]]) -> None:
        digests = [digest for _, _, digest in ready]
        try:
            if len(ready) == 1:
                request = self._rest.signed("POST", "/order", ready[0][1].encode())
            else:
                request = self._rest.signed("POST", "/orders", batch_body([body for _, body, _ in ready]))
            reply = await self._rest.order(request)
        except Refused as refused:
            for command, _, _ in ready:
                self._rejected(command, refused.reason, refused.text)
            return
        except Unanswered as error:
            for command, _, _ in ready:
                self._say(OutcomeUnknown(order_id=command.order_id, text=str(error)))
            return
        finally:
            self._under_way -= 1
        self._heed(reply)
        if len(ready) == 1:
            outcomes = [parse_place(reply.status, reply.body, digests[0])]
        else:
            outcomes = parse_batch(reply.status, reply.body, digests)
        for (command, _, digest), outcome in zip(ready, outcomes, strict=True):
            self._placed(command, digest, outcome)

    def _placed(self, command: PlaceOrder, digest: str, outcome: Outcome) -> None:
        match outcome:
            case Placed():
                self._accepted(digest)
                if outcome.status == "matched" and command.time_in_force is TimeInForce.IOC:
                    taken = outcome.taking if command.action is Action.BUY else outcome.making
                    self._ended(digest, taken, outcome.trades)
                elif outcome.status == "live":
                    self._unheard[digest] = time.monotonic()
            case NotPlaced():
                if "no orders found to match" in outcome.text:  # taken, and over: nobody was there
                    self._accepted(digest)
                    self._say(OrderCanceled(order_id=command.order_id))
                else:
                    self._rejected(command, outcome.reason, outcome.text)
            case Doubtful():
                self._say(OutcomeUnknown(order_id=command.order_id, text=outcome.text))

    def _accepted(self, digest: str) -> None:
        order_id = self.name(digest)
        if order_id:
            self._say(OrderAccepted(order_id=order_id, venue_order_id=VenueOrderId(digest)))

    def _rejected(self, command: PlaceOrder, reason: RejectReason, text: str) -> None:
        self._say(OrderRejected(order_id=command.order_id, reason=reason, text=text))

    def _heed(self, reply: Reply) -> None:
        """What an answer says beside its outcome: our tier, and when to come again."""
        told = _header(reply.headers, "Poly-RateLimit-Tier").lower()
        if told in TIERS and told != self._tier:
            self._tier = told
            _, _, per_s, burst = TIERS[told]
            self._cancels.configure(float(per_s), float(burst))
            self._say(self.limits())
        if reply.status == OK:
            self._restart.worked()
        elif reply.status == 429:
            self._held_until = time.monotonic() + (pause_s(429, reply.body, reply.headers) or 1.0)
        elif reply.status in (425, 503):
            self._begin(self._stand_still(pause_s(reply.status, reply.body, reply.headers)))

    async def _stand_still(self, told_s: float | None) -> None:
        """The matching engine restarts or takes no orders: nothing is quoted until it is worth a try."""
        wait = self._restart.next_s()
        self._feed.pause(held=True)
        await asyncio.sleep(min(told_s, 30.0) if told_s is not None else wait)
        self._feed.pause(held=False)

    # ---- cancelling

    def _cancel(self, command: CancelOrder) -> None:
        """Cancels of one moment leave together."""
        self._uncancelled.append(command)
        if len(self._uncancelled) == 1:
            asyncio.get_running_loop().call_soon(self._flush_cancels)

    def _flush_cancels(self) -> None:
        commands, self._uncancelled = self._uncancelled, []
        known: dict[str, CancelOrder] = {}
        for command in commands:
            digest = command.venue_order_id or self._digests.get(command.order_id, "")
            if digest:
                known[digest] = command
                if command.order_id:
                    self._learn(digest, command.order_id)
            else:
                reason = RejectReason.NOT_FOUND
                self._say(OrderCancelRejected(order_id=command.order_id, reason=reason))
        digests = list(known)
        for at in range(0, len(digests), CANCELS_MAX):
            some = {digest: known[digest] for digest in digests[at : at + CANCELS_MAX]}
            self._begin(self._delete(some))

    async def _delete(self, commands: Mapping[str, CancelOrder]) -> None:
        try:
            await self._cancels.take(float(len(commands)))
            request = self._rest.signed("DELETE", "/orders", cancel_body(list(commands)))
            reply = await self._rest.cancel(request)
        except Refused as refused:
            self._not_cancelled(commands, refused.reason, refused.text)
            return
        except Unanswered as error:
            self._cancels_unknown(commands, str(error))
            return
        if reply.status != OK:
            refusal = parse_refusal(reply.status, reply.body)
            if isinstance(refusal, NotPlaced):
                self._not_cancelled(commands, refusal.reason, refusal.text)
            else:
                self._cancels_unknown(commands, getattr(refusal, "text", ""))
            return
        try:
            done = parse_cancels(reply.body)
        except ParseError as error:
            self._cancels_unknown(commands, str(error))
            return
        for digest in done.canceled:
            if digest in commands:
                self._say(OrderCanceled(order_id=commands[digest].order_id))
        for digest, text in done.not_canceled.items():
            if digest in commands:
                self._not_cancelled({digest: commands[digest]}, cancel_refusal(text), text)
        said = {*done.canceled, *done.not_canceled}
        self._cancels_unknown({d: c for d, c in commands.items() if d not in said}, "no word of it")

    def _not_cancelled(self, commands: Mapping[str, CancelOrder], reason: RejectReason, text: str) -> None:
        for command in commands.values():
            self._say(OrderCancelRejected(order_id=command.order_id, reason=reason, text=text))

    def _cancels_unknown(self, commands: Mapping[str, CancelOrder], text: str) -> None:
        for command in commands.values():
            self._say(OutcomeUnknown(order_id=command.order_id, text=text))

    async def _cancel_all(self) -> None:
        """By account, known to us or not; the engine repeats it until the lists are empty."""
        try:
            reply = await self._rest.cancel(self._rest.signed("DELETE", "/cancel-all"))
            done = parse_cancels(reply.body) if reply.status == OK else None
        except (Refused, Unanswered, ParseError):
            return
        for digest in done.canceled if done is not None else ():
            if self.name(digest):
                self._say(OrderCanceled(order_id=self.name(digest)))

    # ---- looking up

    async def _look_up(self, command: Lookup) -> None:
        """Fills first, then whether the order stands; silence and doubt stay unknown."""
        order_id = command.order_id
        try:
            digest = command.venue_order_id or self._digests.get(order_id) or self._drafts.digest_of(command)
            self._learn(digest, order_id)
            body = await self._rest.account(f"/data/order/{digest}")
            order = parsed(parse_order, body)
            await self._read_trades_since(command)
        except (Unread, Refused) as error:
            self._say(OutcomeUnknown(order_id=order_id, text=str(error)))
            return
        if order is not None and life(order.status) in (Lives.RESTS, Lives.HELD):
            try:
                self._say(standing(order, self.name))
            except ParseError as error:
                self._say(OutcomeUnknown(order_id=order_id, text=str(error)))
        elif command.venue_order_id or self.log.matched(digest):
            self._say(OrderCanceled(order_id=order_id))  # it was there, and is no more
        else:
            self._say(OrderRejected(order_id=order_id, reason=RejectReason.NOT_FOUND))

    async def _read_trades_since(self, command: Lookup) -> None:
        """Every trade on the order's market since it was decided; raises Unread."""
        facts = self._feed.facts(command.instrument.symbol)
        if facts is None:
            return
        after = max(0, command.wall // 1_000_000_000 - 60) if command.wall else 0
        cursor, query = "", f"market={facts.condition}&after={after}"
        while True:
            page = f"{query}&next_cursor={cursor}" if cursor else query
            trades, cursor = parsed(parse_trades, await self._rest.account("/data/trades", page))
            self.learn_trades(trades)
            if not cursor:
                return

    # ---- what the account tells

    def learn_trades(self, trades: Sequence[TradeRecord]) -> None:
        """Take trades from the stream or from a list; raises Unread for one that cannot be read."""
        for trade in trades:
            try:
                events = self.log.take(trade)
            except ParseError as error:
                raise Unread(str(error)) from error
            for event in events:
                self._say(event)
        for digest, ending in list(self._endings.items()):
            if self.log.matched(digest) + ROUNDING >= ending.matched:
                ending.told.set()

    def learn_order(self, message: OrderMessage) -> None:
        """Take news of an order; raises ParseError for a size that cannot be read."""
        self._unheard.pop(message.id, None)
        try:
            matched = amount(message.size_matched or "0")
        except ValueError as error:
            raise ParseError("order message", message.id, str(error)) from error
        stands = life(message.status)
        if stands in (Lives.RESTS, Lives.HELD):
            if message.type == "PLACEMENT":
                self._accepted(message.id)
        elif stands is Lives.ENDED:
            self._ended(message.id, matched, message.associate_trades or ())
            if "NOT_ENOUGH_BALANCE" in message.status:
                self._begin(self._read_cash())
        elif self.name(message.id):
            self._say(OutcomeUnknown(order_id=self.name(message.id), text=message.status))

    def _ended(self, digest: str, matched: int, trades: tuple[str, ...]) -> None:
        """Nothing of an order rests any more; said once its fills are: else it would be quoted again."""
        if not self.name(digest):
            return
        if self.log.matched(digest) + ROUNDING >= matched:
            self._say(OrderCanceled(order_id=self.name(digest)))
        elif digest not in self._endings:
            ending = self._endings[digest] = Ending(matched, trades)
            self._begin(self._wait_for_fills(digest, ending))

    async def _wait_for_fills(self, digest: str, ending: Ending) -> None:
        """The fills come by themselves in a moment; else they are read."""
        for pause in CHASE_S:
            try:
                async with asyncio.timeout(pause):
                    await ending.told.wait()
                break
            except TimeoutError:
                await self._read_trades(ending.trades)
        self._endings.pop(digest, None)
        if ending.told.is_set():
            self._say(OrderCanceled(order_id=self.name(digest)))
        else:
            self._say(OutcomeUnknown(order_id=self.name(digest), text="its fills are not told"))

    async def _read_trades(self, trades: tuple[str, ...]) -> None:
        for trade in trades:
            if not self.log.knows(trade):
                try:
                    body = await self._rest.account("/data/trades", f"id={trade}")
                    self.learn_trades(parsed(parse_trades, body)[0])
                except Unread:
                    return

    async def _read_cash(self) -> None:
        """The venue cancelled for lack of cash: what we believed to have is not there."""
        try:
            cash = await self.cash()
        except Unread:
            return
        self._say(BalanceUpdate(venue=P, cash=cash))

    async def cash(self) -> Cash:
        """Free dollars, purchases that are not on chain yet taken off; raises Unread."""
        query = f"asset_type=COLLATERAL&signature_type={self._kind.value}"
        held, _ = parsed(parse_balance, await self._rest.account("/balance-allowance", query))
        pending = (fill for fills in self.log.unmined.values() for fill in fills)
        spent = sum(fill.cost + fill.fee for fill in pending if fill.action is Action.BUY)
        return Cash(max(0, held - spent))

    # ---- the dead man

    async def _keep_alive(self) -> None:
        """One heartbeat; a wrong id is answered with the right one, which is sent at once."""
        self._beating = True
        try:
            for _ in range(2):
                request = self._rest.signed("POST", "/v1/heartbeats", heartbeat_body(self._beat))
                reply = await self._rest.cancel(request, timeout_s=BEAT_S)
                if reply.status not in (OK, 400):
                    return
                self._beat = parse_heartbeat(reply.body)
                if reply.status == OK:
                    return
        except ParseError:
            self._beat = ""  # no id to go on with: as the first
        except (Refused, Unanswered):
            return  # the next sign of life tries again
        finally:
            self._beating = False


def _header(headers: Mapping[str, str], name: str) -> str:
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), "")
