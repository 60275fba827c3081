"""Our orders at ProphetX: what leaves, in batches of what was decided at once, and what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final

from console.core.commands import AmendOrder, CancelOrder, Lookup, PlaceOrder
from console.core.events import (
    AmendRejected,
    AnyEvent,
    OrderCancelRejected,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
)
from console.core.instruments import ClientOrderId, VenueOrderId
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.prophetx.account import LAG_MARGIN_S, Page, history_path, parse_page, synced_s
from console.venues.prophetx.bets import Bets, Record, news_of
from console.venues.prophetx.catalogue import side_of
from console.venues.prophetx.dialects import Dialect, failure
from console.venues.prophetx.neutral import Bet, BetUpdate, Envelope, Status, Unreadable
from console.venues.prophetx.orders import (
    BATCH_MAX,
    NO_ADD_ONLY,
    Bid,
    CancelOutcome,
    bid_of,
    cancel_body,
    cancelled,
    place_body,
    placed,
)
from console.venues.prophetx.session import Session

LOCKED_PAUSE_S: Final = 0.3  # an order in its first matching queue
LOCKED_TRIES: Final = 4
CONFIRMED_S: Final = 3.0  # a cancel that is not told on the private channel by then
VISIBLE_S: Final = 10.0  # without a word by then the private channel has lost something
LOOK_BACK_S: Final = 120
UNSEEN_S: Final = 24 * 3600


class Trading:
    """Sends orders and cancels, looks orders up, and learns from every answer and message.

    `doubt` is called when the private channel should have told something and did not.
    """

    def __init__(self, dialect: Dialect, session: Session, put: Put, doubt: Callable[[str], None]) -> None:
        self._dialect = dialect
        self._session = session
        self._put = put
        self._doubt = doubt
        self.bets = Bets()
        self.ready = False  # places may leave
        self._listens_s = 0.0  # since when the private channel tells, by the venue's clock
        self.adds_only = dialect.adds_liquidity
        self._began_s = time.time()
        self._places: list[tuple[PlaceOrder, Bid]] = []
        self._cancels: list[CancelOrder] = []
        self._flushing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._searching = asyncio.Lock()

    # ---- commands

    def place(self, command: PlaceOrder) -> None:
        """Send an order with whatever else is decided at this moment, or answer that it did not leave."""
        try:
            if not self.ready:
                raise Refused(RejectReason.NOT_CONNECTED, "the private channel is down")
            bid = bid_of(command, self.adds_only)
        except Refused as refused:
            self._put(OrderRejected(order_id=command.order_id, reason=refused.reason, text=refused.text))
            return
        side = side_of(command.instrument)
        assert side is not None, "a bid has a side"
        self.bets.sent(command.order_id, side, bid.odds, bid.stake, self._now_s())
        self._places.append((command, bid))
        self._flush_soon()

    def amend(self, command: AmendOrder) -> None:
        """Bets are not amended here."""
        text = "not amendable here"
        self._put(
            AmendRejected(order_id=command.order_id, amend=command.ts, reason=RejectReason.OTHER, text=text)
        )

    def cancel(self, command: CancelOrder) -> None:
        """Take an order out."""
        self._cancels.append(command)
        self._flush_soon()

    def cancel_all(self) -> None:
        """Take everything out; nothing unsent may follow it."""
        for command, _ in self._places:
            self.bets.refused(command.order_id)
            self._put(OrderRejected(order_id=command.order_id, reason=RejectReason.KILLED))
        self._places.clear()
        self._spawn(self._cancel_all())

    def look_up(self, command: Lookup) -> None:
        """Find out what became of an order."""
        self._spawn(self._look_up(command))

    def learn(self, bet: Bet | BetUpdate) -> None:
        """Take what an answer, a list or a message says of a bet; raises Unreadable."""
        for event in self.bets.learn(news_of(bet), self._now_s()):
            self._put(event)

    def listening(self, now: bool) -> None:
        """The private channel tells what happens from now on, or no more."""
        self.ready = now
        self._listens_s = self._now_s()

    async def close(self) -> None:
        """Let go of what is under way; its outcome is unknown."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- batches

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Everything of this moment leaves now: nothing waits for anything."""
        self._flushing = False
        cancels, places = self._cancels, self._places
        self._cancels, self._places = [], []
        known: list[tuple[CancelOrder, VenueOrderId]] = []
        for command in cancels:
            record = self.bets.find(command.order_id, command.venue_order_id)
            key = command.venue_order_id or (record.key if record is not None else "")
            if key:
                known.append((command, VenueOrderId(key)))
            else:
                self._cancel_answer(command.order_id, CancelOutcome(reason=RejectReason.NOT_FOUND))
        for first in range(0, len(known), BATCH_MAX):
            self._spawn(self._cancel(known[first : first + BATCH_MAX]))
        for first in range(0, len(places), BATCH_MAX):
            self._spawn(self._place([bid for _, bid in places[first : first + BATCH_MAX]]))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- places

    async def _place(self, bids: Sequence[Bid]) -> None:
        """One request, once: what it may have done without an answer is found out, never done again."""
        path, body = place_body(self._dialect, bids)
        try:
            reply = await self._session.send("POST", path, body)
            outcomes = placed(self._dialect, bids, reply)
        except Refused as refused:
            for bid in bids:
                self._place_refused(bid.external_id, refused.reason, refused.text)
            return
        except (Unanswered, Unreadable) as error:
            for bid in bids:
                self._put(OutcomeUnknown(order_id=bid.external_id, text=str(error)))
            return
        for order_id, outcome in outcomes.items():
            if outcome.refused is not None:
                if outcome.refused.error == NO_ADD_ONLY:
                    self.adds_only = False
                said = outcome.refused.message or outcome.refused.error
                self._place_refused(order_id, outcome.reason, said)
            elif outcome.order is None:
                self._put(OutcomeUnknown(order_id=order_id, text=f"HTTP {reply.status}"))
            else:
                self._taken(order_id, outcome.order)

    def _place_refused(self, order_id: ClientOrderId, reason: RejectReason, text: str) -> None:
        self.bets.refused(order_id)
        self._put(OrderRejected(order_id=order_id, reason=reason, text=text))

    def _taken(self, order_id: ClientOrderId, order: Bet) -> None:
        try:
            self.learn(order)
        except Unreadable as error:
            self._put(OutcomeUnknown(order_id=order_id, text=str(error)))

    # ---- cancels

    async def _cancel(self, cancels: Sequence[tuple[CancelOrder, VenueOrderId]]) -> None:
        left = list(cancels)
        for attempt in range(LOCKED_TRIES):
            ids = [command.order_id for command, _ in left]
            path, body = cancel_body(self._dialect, left)
            try:
                reply = await self._session.send("POST", path, body)
                outcomes = cancelled(self._dialect, ids, reply)
            except Refused as refused:
                outcomes = dict.fromkeys(ids, CancelOutcome(reason=refused.reason, text=refused.text))
            except (Unanswered, Unreadable) as error:
                outcomes = dict.fromkeys(ids, CancelOutcome(text=str(error)))
            self._spawn(self._confirm([order_id for order_id in ids if outcomes[order_id].done]))
            last = attempt == LOCKED_TRIES - 1
            again = [pair for pair in left if outcomes[pair[0].order_id].again and not last]
            for command, _ in left:
                if not outcomes[command.order_id].again or last:
                    self._cancel_answer(command.order_id, outcomes[command.order_id])
            left = again
            if not left:
                return
            await asyncio.sleep(LOCKED_PAUSE_S)

    def _cancel_answer(self, order_id: ClientOrderId, outcome: CancelOutcome) -> None:
        event: AnyEvent
        if outcome.done:
            record = self.bets.find(order_id)
            if record is not None:  # nothing more of it can be matched; the private channel says what was
                record.cancelled_s = record.cancelled_s or self._now_s()
                return
            event = OutcomeUnknown(order_id=order_id, text="a cancelled order of which nothing is known")
        elif outcome.reason is not None:
            event = OrderCancelRejected(order_id=order_id, reason=outcome.reason, text=outcome.text)
        else:
            event = OutcomeUnknown(order_id=order_id, text=outcome.text)
        self._put(event)

    async def _confirm(self, order_ids: Sequence[ClientOrderId]) -> None:
        """Cancels that the private channel does not tell of in time are read; the engine asks again later."""
        await asyncio.sleep(CONFIRMED_S)
        left = [r for r in map(self.bets.find, order_ids) if r is not None and not r.ended]
        if not left:
            return
        window = {
            "updated_at_from": int(min(record.cancelled_s for record in left) - LOOK_BACK_S),
            "updated_at_to": int(self._now_s() + LOOK_BACK_S),
        }
        with contextlib.suppress(Refused, Unanswered, Unreadable):
            async for page in self.pages(**window):
                for bet in page.bets:
                    self.learn(bet)
        if any(record.ended and record.cancelled_s > self._listens_s for record in left):
            self._doubt("an order was cancelled and the private channel did not tell")

    async def _cancel_all(self) -> None:
        """Once; whoever wants it proven asks again. A failure shows by what goes on resting."""
        with contextlib.suppress(Refused, Unanswered):
            await self._session.send("POST", self._dialect.paths.cancel_all, b"{}")

    # ---- look-ups

    async def _look_up(self, command: Lookup) -> None:
        try:
            record, synced = await self._find(command)
        except (Refused, Unanswered, Unreadable) as error:
            self._put(OutcomeUnknown(order_id=command.order_id, text=str(error)))
            return
        if record is None:
            reason = RejectReason.NOT_FOUND
            self._put(OrderRejected(order_id=command.order_id, reason=reason, text="in no list of the venue"))
            return
        for event in self.bets.adopt(record, command.filled):
            self._put(event)
        standing = self.bets.standing(record)
        if record.cancelled_s and not record.ended and synced < record.cancelled_s + LAG_MARGIN_S:
            standing = [OutcomeUnknown(order_id=command.order_id, text="read before its cancel")]
        elif not standing:
            standing = [OutcomeUnknown(order_id=command.order_id, text="received, not visible yet")]
        for event in standing:
            self._put(event)

    async def _find(self, command: Lookup) -> tuple[Record | None, float]:
        """The bet as the venue has it, and as of when; None when it certainly never arrived.

        Raises Refused, Unanswered and Unreadable.
        """
        record = self.bets.find(command.order_id, command.venue_order_id)
        key = command.venue_order_id or (record.key if record is not None else "")
        if not key:
            return await self._search(command.order_id, record)
        before = record.status if record is not None else None
        synced = await self._read(key)
        found = self.bets.find(command.order_id, VenueOrderId(key))
        if before is Status.INACTIVE and found is not None and found.status is Status.OPEN:
            sent = found.placed_s
            if sent > self._listens_s and self._now_s() - sent > VISIBLE_S:
                self._doubt("an order became visible and the private channel did not tell")
        return found, synced

    async def _read(self, key: str) -> float:
        """Read an order; returns as of when (epoch seconds), 0 where that is not told."""
        reply = await self._session.send("GET", self._dialect.paths.order + key)
        if reply.status != 200:
            raise Unanswered(f"order {key}: HTTP {reply.status} {failure(reply.body).error}")
        told = self._dialect.read(reply.body, Envelope[Bet])
        self.learn(told.data)
        return synced_s(told.last_synced_at) if told.last_synced_at else 0.0

    async def _search(self, order_id: ClientOrderId, record: Record | None) -> tuple[Record | None, float]:
        """An order whose placing had no answer: no filter finds it by our id, so the list is gone through.

        One search at a time: it learns of every order on the way, which is what the others wait for.
        """
        sent_s = record.placed_s if record is not None else self._began_s
        back = LOOK_BACK_S if record is not None else UNSEEN_S
        synced = 0.0
        async with self._searching:
            if record is None or not record.key:
                begin, end = int(sent_s - back), int(self._now_s() + LOOK_BACK_S)
                async for page in self.pages(from_=begin, to=end):
                    synced = page.synced_s
                    for bet in page.bets:
                        self.learn(bet)
        record = self.bets.find(order_id)
        if record is not None and record.key:
            return record, synced
        if synced < sent_s + VISIBLE_S + LAG_MARGIN_S:
            raise Unanswered("the venue's list is older than the order")
        return None, synced

    async def pages(self, **window: object) -> AsyncIterator[Page]:
        """Every page of a list; raises Refused, Unanswered and Unreadable."""
        cursor, seen = "", set[str]()
        while True:
            reply = await self._session.send("GET", history_path(self._dialect, cursor=cursor, **window))
            if reply.status != 200:
                raise Unanswered(f"history: HTTP {reply.status} {failure(reply.body).error}")
            page = parse_page(self._dialect, reply.body)
            yield page
            if not page.cursor or page.cursor in seen:  # a repeated cursor would lead round for ever
                return
            seen.add(page.cursor)
            cursor = page.cursor

    def _now_s(self) -> float:
        """Now, by the venue's clock."""
        return time.time() + self._session.clock.offset_s
