"""A pretended venue over somebody else's public book: what became of our orders, argued from the record.

Two delays make it honest, both counted where the public stream is received: a command takes effect
`request_ms` after it was decided, on the book as received by then, and its answer arrives `answer_ms`
later. What happens to us shows in the public stream at once, and privately `answer_ms` later.
"""

from __future__ import annotations

from collections import deque
from typing import assert_never

import msgspec
from msgspec import Struct

from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    KeepAlive,
    Latch,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Resync,
    Subscribe,
    TimeInForce,
    Unsubscribe,
    UnwatchOdds,
    WatchOdds,
)
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    OpenOrder,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
    Trade,
)
from console.core.instruments import (
    BID,
    NO,
    SELL,
    YES,
    BookSide,
    Instrument,
    MarketState,
    Venue,
    VenueOrderId,
    book_side,
    opposite_side,
)
from console.core.units import MILLISECOND, ONE, Cash, Nanos, Price, Size
from console.sim.clock import NEVER
from console.sim.orders import OwnOrder
from console.sim.queues import Fill, Queues
from console.sim.wallet import Wallet

PublicEvent = InstrumentDefined | MarketStatus | BookSnapshot | BookDelta | BookStale | Trade | Settled
CASH = Cash(1000 * ONE)


class PaperDials(Struct, frozen=True, kw_only=True):
    """Delays of our requests and of what the venue tells us alone, in milliseconds."""

    request_ms: int = 25
    answer_ms: int = 10


DELAYS = PaperDials()


class PaperExchange:
    """One venue. Put in what it publishes (`take`) and what we ask (`submit`); out comes what we see.

    `take` wants everything due before its event to have been let happen (`advance`). Events come out
    stamped: `ts`, and `wall` at a fixed distance from it.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        cash: int = CASH,
        dials: PaperDials = DELAYS,
        wall_offset: int = 0,
        wallet: Wallet | None = None,
    ) -> None:
        """`cash` is ours at the start (or a whole `wallet`), `wall_offset` is wall time less `ts`."""
        self.venue = venue
        self.wallet = wallet or Wallet(venue, cash)
        self.markets: dict[Instrument, Queues] = {}
        self._request_ns = dials.request_ms * MILLISECOND
        self._answer_ns = dials.answer_ms * MILLISECOND
        self._offset = wall_offset
        self._requests: deque[tuple[int, AnyCommand]] = deque()
        self._answers: deque[AnyEvent] = deque()  # in order: every delay is the same
        self._taken = 0
        self._awaited: dict[Instrument, None] = {}  # asked for before the venue told of them
        self._missing: dict[Instrument, BookStale] = {}  # why the venue has not told of them
        self.next_ts = NEVER  # when something that is under way arrives

    # ---- time

    def submit(self, command: AnyCommand, ts: int) -> None:
        """Send a command at `ts`."""
        arrival = ts + self._request_ns
        if not self._requests and arrival < self.next_ts:
            self.next_ts = Nanos(arrival)
        self._requests.append((arrival, command))

    def advance(self, ts: int, out: list[AnyEvent]) -> None:
        """Let requests and answers arrive up to and including `ts`; what we see of it is added to `out`."""
        while self.next_ts <= ts:
            if self._answers and self._answers[0].ts == self.next_ts:
                out.append(self._answers.popleft())
            else:
                arrival, command = self._requests.popleft()
                self._execute(command, Nanos(arrival), out)
            self._look_ahead()

    def _look_ahead(self) -> None:
        self.next_ts = self._answers[0].ts if self._answers else NEVER
        if self._requests and self._requests[0][0] < self.next_ts:
            self.next_ts = Nanos(self._requests[0][0])

    def _answer(self, event: AnyEvent, ts: int) -> None:
        home = ts + self._answer_ns
        if not self._answers and home < self.next_ts:
            self.next_ts = Nanos(home)
        self._answers.append(msgspec.structs.replace(event, ts=home, wall=home + self._offset))

    # ---- what the venue publishes

    def take(self, event: PublicEvent, out: list[AnyEvent]) -> None:
        """Take a public event, and add to `out` what we see of it, our own orders in the book included."""
        market = self.markets.get(event.instrument)
        if market is None:
            if isinstance(event, InstrumentDefined):
                market = self.markets[event.instrument] = Queues(event.instrument, event.spec)
                market.streamed = event.instrument in self._awaited
                self._missing.pop(event.instrument, None)
                self._show(market, event, out)
            elif isinstance(event, BookStale):
                self._missing[event.instrument] = event
                if event.instrument in self._awaited:
                    out.append(event)
            return
        if type(event) is BookDelta:  # nearly every event; nearly always nothing of ours is near
            if market.delta(event.side, event.price, event.change):
                if market.streamed:
                    out.append(event)
                return
            self.contested(market, event, out)
        else:
            self._published(market, event, out)

    def contested(self, market: Queues, event: BookDelta, out: list[AnyEvent]) -> None:
        """Take a change of a book that concerns us, as `market.delta` has said."""
        fills, change = market.contested(event.side, event.price, event.change, event.ts)
        self._book(market, fills, event.ts, out)  # first: so the book we see is never crossed
        if change and market.streamed:
            seen = event if change == event.change else msgspec.structs.replace(event, change=Size(change))
            out.append(seen)
        if market.broke:
            market.broke = False
            why = "the record takes a level below zero"
            stale = BookStale(ts=event.ts, wall=event.wall, instrument=event.instrument, why=why)
            self._show(market, stale, out)

    def _published(self, market: Queues, event: PublicEvent, out: list[AnyEvent]) -> None:
        ts = event.ts
        match event:
            case Trade():
                self._show(market, event, out)
                self._book(market, market.trade(event.taker, event.price, event.size, ts), ts, out)
            case BookSnapshot():
                fills = market.snapshot(event.bids, event.asks, ts)
                self._book(market, fills, ts, [])  # no change of a book that is told anew
                self._show(market, self._snapshot(market, ts), out)
            case BookStale():
                market.sound = False
                self._show(market, event, out)
            case InstrumentDefined():
                market.define(event.spec)
                self._show(market, event, out)
            case MarketStatus():
                market.state = event.state
                if event.state in (MarketState.CLOSED, MarketState.RESOLVED):
                    self._wipe(market, ts, out)
                self._show(market, event, out)
            case Settled():
                self._wipe(market, ts, out)
                self.wallet.money.settle(event.instrument.symbol, event.payout, event.refund)
                self._show(market, event, out)
            case BookDelta():
                raise AssertionError("a delta is taken before anything else")
            case _:
                assert_never(event)

    def _show(self, market: Queues, event: AnyEvent, out: list[AnyEvent]) -> None:
        if market.streamed:
            out.append(event)

    def _book(self, market: Queues, fills: list[Fill], ts: Nanos, out: list[AnyEvent]) -> None:
        """Book fills, and show them as the venue would have shown them."""
        for fill in fills:
            order = fill.order
            wall = Nanos(ts + self._offset)
            told = self.wallet.fill(order, fill.size, order.price, maker=True, wall=wall)
            self._answer(told, ts)
            if fill.reached:
                self._show(market, self._trade(market, order, fill.size, ts), out)
            self._resize(market, order, -fill.size, ts, out)
            if order.left == 0:
                market.leave(order)
                self.wallet.closed(order)
            else:
                self.wallet.relock(order.instrument.symbol)

    def _wipe(self, market: Queues, ts: Nanos, out: list[AnyEvent]) -> None:
        """Nothing of ours outlives the market."""
        for order in self.wallet.on_symbol(market.instrument.symbol):
            self._end(market, order, ts, out)
            self._answer(OrderCanceled(order_id=order.order_id), ts)

    # ---- what we ask

    def _execute(self, command: AnyCommand, ts: Nanos, out: list[AnyEvent]) -> None:
        match command:
            case PlaceOrder():
                for answer in self._place(command, ts, out):
                    self._answer(answer, ts)
            case AmendOrder():
                self._answer(self._amend(command, ts, out), ts)
            case CancelOrder():
                self._answer(self._cancel(command, ts, out), ts)
            case CancelAll():
                for order in list(self.wallet.open.values()):
                    self._end(self._market(order), order, ts, out)
                    self._answer(OrderCanceled(order_id=order.order_id), ts)
            case Lookup():
                self._look_up(command, ts)
            case Reconcile():
                self._answer(self.wallet.mass_status(ts, Nanos(ts + self._offset)), ts)
            case Resync():
                market = self.markets.get(command.instrument)
                if market is not None and market.sound:  # in the stream, where it cannot overtake a delta
                    out.append(self._snapshot(market, ts))
            case Subscribe():
                self._subscribe(command.instrument, ts, out)
            case Unsubscribe():
                self._awaited.pop(command.instrument, None)
                market = self.markets.get(command.instrument)
                if market is not None:
                    market.streamed = False
            case Latch() | Alert() | Refuse() | WatchOdds() | UnwatchOdds() | KeepAlive():
                pass
            case _:
                assert_never(command)

    def _place(self, command: PlaceOrder, ts: Nanos, out: list[AnyEvent]) -> list[AnyEvent]:
        def rejected(reason: RejectReason, text: str) -> list[AnyEvent]:
            return [OrderRejected(order_id=command.order_id, reason=reason, text=text)]

        assert command.order_id, "an order of ours has a client order id"
        market = self.markets.get(command.instrument.yes)
        if market is None:
            return rejected(RejectReason.MARKET, "no such symbol")
        if self.wallet.knows(command.order_id):
            return rejected(RejectReason.DUPLICATE, "")
        order = OwnOrder(
            command.order_id,
            VenueOrderId(f"{self.venue.value}-{self._taken + 1}"),
            command.instrument,
            command.action,
            command.price,
            self._allowed(command),
            market.spec,
        )
        if order.size < market.spec.size_min:
            return rejected(RejectReason.SIZE, "below the minimum")
        refusal = self._refusal(market, order, None, command.post_only)
        if refusal is not None:
            return rejected(*refusal)
        self._taken += 1
        accepted = OrderAccepted(order_id=order.order_id, venue_order_id=order.venue_order_id)
        fills = [] if command.post_only else self._cross(market, order, ts, out)
        crosses = market.opposite(order.side).reaches(order.yes_price)
        if order.left and command.time_in_force is TimeInForce.GTC and not crosses:
            market.enter(order)
            self.wallet.opened(order)
            self._resize(market, order, order.left, ts, out)
            return [accepted, *fills]
        self.wallet.passed(order)
        return [accepted, *fills, *([OrderCanceled(order_id=order.order_id)] if order.left else [])]

    def _allowed(self, command: PlaceOrder) -> Size:
        """The size asked for; of a reduce-only order no more than what it would close."""
        if not command.reduce_only:
            return command.size
        net = self.wallet.money.positions.get(command.instrument.symbol, 0)
        long = book_side(command.instrument.side, command.action) is BID
        return Size(min(command.size, max(0, -net if long else net)))

    def _cross(self, market: Queues, order: OwnOrder, ts: Nanos, out: list[AnyEvent]) -> list[OrderFilled]:
        """Take what the public book shows down to the price of an order of ours."""
        wall, fills = Nanos(ts + self._offset), list[OrderFilled]()
        half, yes = market.opposite(order.side), order.instrument.side is YES
        for price, size in half.take(order.yes_price, order.left):
            paid = price if yes else ONE - price
            fills.append(self.wallet.fill(order, size, paid, maker=False, wall=wall))
            if market.streamed:
                out.append(self._level(market, opposite_side(order.side), price, -size, ts))
        return fills

    def _amend(self, command: AmendOrder, ts: Nanos, out: list[AnyEvent]) -> AnyEvent:
        """A total below what has filled already comes to: keep what filled, take the rest out."""
        order = self.wallet.find(command.order_id, command.venue_order_id)
        if order is None:
            return AmendRejected(order_id=command.order_id, amend=command.ts, reason=RejectReason.NOT_FOUND)
        if not order.spec.amendable:
            text = "not amendable here"
            return AmendRejected(
                order_id=command.order_id, amend=command.ts, reason=RejectReason.OTHER, text=text
            )
        market, size = self._market(order), Size(max(command.size, order.filled))
        wanted = order.version(command.price, size)
        refusal = self._refusal(market, wanted, order, post_only=True)
        if refusal is not None:
            return AmendRejected(
                order_id=command.order_id, amend=command.ts, reason=refusal[0], text=refusal[1]
            )
        self._change(market, order, command.price, size, ts, out)
        return OrderAmended(order_id=order.order_id, price=command.price, size=size, amend=command.ts)

    def _change(
        self, market: Queues, order: OwnOrder, price: Price, size: int, ts: Nanos, out: list[AnyEvent]
    ) -> None:
        """Give an order another price and total size; only a pure decrease keeps its place."""
        was = order.left
        if size == order.filled:
            self._end(market, order, ts, out)
            order.size = size
        elif price == order.price and size <= order.size:
            order.size = size
            market.shrink(order)
            self.wallet.relock(order.instrument.symbol)
            self._resize(market, order, order.left - was, ts, out)
        else:
            self._resize(market, order, -was, ts, out)
            market.leave(order)
            order.price, order.size = price, size
            market.enter(order)
            self.wallet.relock(order.instrument.symbol)
            self._resize(market, order, order.left, ts, out)

    def _cancel(self, command: CancelOrder, ts: Nanos, out: list[AnyEvent]) -> AnyEvent:
        order = self.wallet.find(command.order_id, command.venue_order_id)
        if order is None:
            return OrderCancelRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)
        self._end(self._market(order), order, ts, out)
        return OrderCanceled(order_id=order.order_id)

    def _look_up(self, command: Lookup, ts: Nanos) -> None:
        """Fills first, so that they are booked before the order is seen to stand or to have ended."""
        wallet, order_id = self.wallet, command.order_id
        if not wallet.knows(order_id):
            self._answer(OrderRejected(order_id=order_id, reason=RejectReason.NOT_FOUND), ts)
            return
        for fill in wallet.fills_of(order_id):
            self._answer(fill, ts)
        order = wallet.open.get(order_id)
        if order is None:
            self._answer(OrderCanceled(order_id=order_id), ts)
            return
        standing = OrderAccepted(
            order_id=order_id,
            venue_order_id=order.venue_order_id,
            price=order.price,
            size=Size(order.size),
        )
        self._answer(standing, ts)

    def _subscribe(self, instrument: Instrument, ts: Nanos, out: list[AnyEvent]) -> None:
        """Report a symbol from now on: its facts, state and book come first."""
        wall = Nanos(ts + self._offset)
        market = self.markets.get(instrument)
        if market is None:  # the venue has not told its facts yet
            self._awaited[instrument] = None
            if instrument in self._missing:
                out.append(msgspec.structs.replace(self._missing[instrument], ts=ts, wall=wall))
            return
        market.streamed = True
        out.append(InstrumentDefined(ts=ts, wall=wall, instrument=instrument, spec=market.spec))
        out.append(MarketStatus(ts=ts, wall=wall, instrument=instrument, state=market.state))
        if market.sound:
            out.append(self._snapshot(market, ts))

    def _refusal(
        self, market: Queues, order: OwnOrder, replaced: OwnOrder | None, post_only: bool
    ) -> tuple[RejectReason, str] | None:
        """Why an order cannot rest (in place of `replaced`), or None."""
        spec = market.spec
        if market.state is not MarketState.OPEN:
            return RejectReason.MARKET, market.state.value
        if order.instrument.side is NO and not spec.two_sided:
            return RejectReason.OTHER, "no NO leg here"
        if order.action is SELL and not spec.sellable:
            return RejectReason.OTHER, "bets cannot be sold"
        if order.yes_price not in market.legal:
            return RejectReason.PRICE, "off the price ladder"
        if order.size % spec.size_step:
            return RejectReason.SIZE, "off the size step"
        if post_only and order.left and market.opposite(order.side).reaches(order.yes_price):
            return RejectReason.POST_ONLY_CROSS, ""
        if not self.wallet.affords(order, replaced):
            return RejectReason.BALANCE, ""
        return None

    # ---- what shows of it

    def _market(self, order: OwnOrder) -> Queues:
        return self.markets[order.instrument.yes]

    def _end(self, market: Queues, order: OwnOrder, ts: Nanos, out: list[AnyEvent]) -> None:
        """Take what is left of an order of ours out of the market."""
        self._resize(market, order, -order.left, ts, out)
        market.leave(order)
        self.wallet.closed(order)

    def _resize(self, market: Queues, order: OwnOrder, change: int, ts: Nanos, out: list[AnyEvent]) -> None:
        """Show that the level on which an order of ours rests has changed."""
        if market.streamed and change:
            out.append(self._level(market, order.side, order.yes_price, change, ts))

    def _level(self, market: Queues, side: BookSide, price: int, change: int, ts: Nanos) -> BookDelta:
        return BookDelta(
            ts=ts,
            wall=Nanos(ts + self._offset),
            instrument=market.instrument,
            side=side,
            price=Price(price),
            change=Size(change),
        )

    def _trade(self, market: Queues, order: OwnOrder, size: int, ts: Nanos) -> Trade:
        return Trade(
            ts=ts,
            wall=Nanos(ts + self._offset),
            instrument=market.instrument,
            price=Price(order.yes_price),
            size=Size(size),
            taker=opposite_side(order.side),
        )

    def _snapshot(self, market: Queues, ts: Nanos) -> BookSnapshot:
        return BookSnapshot(
            ts=ts,
            wall=Nanos(ts + self._offset),
            instrument=market.instrument,
            bids=market.bids.levels(),
            asks=market.asks.levels(),
        )

    # ---- our account, for those who check

    def orders(self) -> tuple[OpenOrder, ...]:
        """Our orders that rest here."""
        return tuple(order.listed() for order in self.wallet.open.values())

    def defect(self) -> str | None:
        """Say in one line how books or money contradict themselves, or None."""
        for order in self.wallet.open.values():
            if not self._market(order).stands(order):
                return f"{self.venue.value}: {order.order_id} does not rest as the account says"
        return self.wallet.defect()
