"""Our orders: one transition table, fills counted once, and what is wanted turned into operations."""

from __future__ import annotations

import enum
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from console.core.commands import AmendOrder, PlaceOrder
from console.core.instruments import (
    YES,
    BookSide,
    ClientOrderId,
    Instrument,
    Side,
    TradeId,
    Venue,
    VenueOrderId,
    book_side,
    opposite_side,
)
from console.core.matches import MatchId
from console.core.units import ONE, SECOND, Nanos, Price


class OrderState(enum.Enum):
    """Where an order stands, as far as the venue has proven it."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially filled"
    PENDING_CANCEL = "pending cancel"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # members are single: by identity, where Enum hashes the name in Python


class Fact(enum.Enum):
    """What can become known about an order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILLED_PART = "filled in part"
    FILLED_ALL = "filled"
    CANCEL_SENT = "cancel sent"
    CANCEL_REFUSED = "cancel refused"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNANSWERED = "unanswered"

    __hash__ = object.__hash__


_S, _F = OrderState, Fact
ENDED = frozenset({_S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})

_UNPROVEN = frozenset({_S.UNKNOWN, _S.PENDING_CANCEL})

# A pair that is not listed leaves the order as it is: a late acknowledgement of a cancelled order, a
# second cancel, a repeated expiry. What has ended may still fill, and an order written off may turn out live.
TRANSITIONS: dict[tuple[OrderState, Fact], OrderState] = {
    (_S.SUBMITTED, _F.ACCEPTED): _S.ACCEPTED,
    (_S.SUBMITTED, _F.REJECTED): _S.REJECTED,
    (_S.SUBMITTED, _F.FILLED_PART): _S.PARTIALLY_FILLED,  # a fill may overtake the acknowledgement
    (_S.SUBMITTED, _F.FILLED_ALL): _S.FILLED,
    (_S.SUBMITTED, _F.CANCEL_SENT): _S.PENDING_CANCEL,  # kill does not wait for the acknowledgement
    (_S.SUBMITTED, _F.CANCELED): _S.CANCELED,
    (_S.SUBMITTED, _F.EXPIRED): _S.EXPIRED,
    (_S.SUBMITTED, _F.UNANSWERED): _S.UNKNOWN,
    (_S.UNKNOWN, _F.ACCEPTED): _S.ACCEPTED,
    (_S.UNKNOWN, _F.REJECTED): _S.REJECTED,
    (_S.UNKNOWN, _F.FILLED_PART): _S.UNKNOWN,  # it filled in part: whether the rest stands is not known
    (_S.UNKNOWN, _F.FILLED_ALL): _S.FILLED,
    (_S.UNKNOWN, _F.CANCEL_SENT): _S.PENDING_CANCEL,
    (_S.UNKNOWN, _F.CANCELED): _S.CANCELED,
    (_S.UNKNOWN, _F.EXPIRED): _S.EXPIRED,
    (_S.ACCEPTED, _F.FILLED_PART): _S.PARTIALLY_FILLED,
    (_S.ACCEPTED, _F.FILLED_ALL): _S.FILLED,
    (_S.ACCEPTED, _F.CANCEL_SENT): _S.PENDING_CANCEL,
    (_S.ACCEPTED, _F.CANCELED): _S.CANCELED,
    (_S.ACCEPTED, _F.EXPIRED): _S.EXPIRED,
    (_S.ACCEPTED, _F.UNANSWERED): _S.UNKNOWN,
    (_S.PARTIALLY_FILLED, _F.FILLED_ALL): _S.FILLED,
    (_S.PARTIALLY_FILLED, _F.CANCEL_SENT): _S.PENDING_CANCEL,
    (_S.PARTIALLY_FILLED, _F.CANCELED): _S.CANCELED,
    (_S.PARTIALLY_FILLED, _F.EXPIRED): _S.EXPIRED,
    (_S.PARTIALLY_FILLED, _F.UNANSWERED): _S.UNKNOWN,
    (_S.PENDING_CANCEL, _F.REJECTED): _S.REJECTED,
    (_S.PENDING_CANCEL, _F.FILLED_ALL): _S.FILLED,
    (_S.PENDING_CANCEL, _F.CANCEL_REFUSED): _S.ACCEPTED,
    (_S.PENDING_CANCEL, _F.CANCELED): _S.CANCELED,
    (_S.PENDING_CANCEL, _F.EXPIRED): _S.EXPIRED,
    (_S.PENDING_CANCEL, _F.UNANSWERED): _S.UNKNOWN,
    (_S.CANCELED, _F.FILLED_ALL): _S.FILLED,
    (_S.EXPIRED, _F.FILLED_ALL): _S.FILLED,
    (_S.REJECTED, _F.FILLED_PART): _S.PARTIALLY_FILLED,
    (_S.REJECTED, _F.FILLED_ALL): _S.FILLED,
    (_S.REJECTED, _F.ACCEPTED): _S.ACCEPTED,
}


class Operation(enum.Enum):
    """A request about an order that has no outcome yet."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


class Order:
    """One order of ours. Changed only by the blotter; prices are those of its instrument."""

    __slots__ = (
        "action",
        "ahead",
        "amended_ts",
        "basis",
        "book_side",
        "ceiling",
        "ceiling_kind",
        "ended_ts",
        "filled",
        "instrument",
        "level",
        "lookups",
        "match",
        "not_found",
        "order_id",
        "paid",
        "pending",
        "pending_since",
        "placed_ts",
        "placed_wall",
        "price",
        "proven_ts",
        "rest_since",
        "retry_ts",
        "size",
        "stake",
        "state",
        "to_price",
        "to_size",
        "venue_order_id",
        "yes_price",
    )

    def __init__(self, command: PlaceOrder, level: int, ts: Nanos) -> None:
        self.order_id = command.order_id
        self.match = command.match
        self.instrument = command.instrument
        self.action = command.action
        self.book_side = book_side(command.instrument.side, command.action)
        self.price = command.price
        self.yes_price = yes_price(command.instrument.side, command.price)
        self.size: int = command.size
        self.filled = 0
        self.stake: int = command.stake  # what all of it costs, where that is a round sum
        self.paid = 0  # for what was filled, fees aside
        self.level = level
        self.ahead: int | None = None  # contracts before it at its price, as the venue last said
        self.state = OrderState.SUBMITTED
        self.venue_order_id = VenueOrderId("")
        self.ceiling = command.ceiling
        self.ceiling_kind = command.ceiling_kind
        self.basis = command.basis
        self.placed_ts = ts
        self.placed_wall = command.wall
        self.amended_ts = ts  # when the last amend was sent
        self.rest_since = ts
        self.proven_ts = ts  # when the venue last proved that it rests
        self.ended_ts = Nanos(0)
        self.pending: Operation | None = Operation.PLACE
        self.pending_since = ts
        self.lookups = 0  # without an outcome
        self.not_found = 0  # how often a lookup did not find it
        self.retry_ts: Nanos | None = None  # a cancel was refused: not sent again before
        self.to_price = command.price  # what an amend in flight would make of it
        self.to_size: int = command.size

    @property
    def ended(self) -> bool:
        """Nothing of it can rest any more, as far as is proven."""
        return self.state in ENDED

    @property
    def remaining(self) -> int:
        """Contracts that can still fill: the larger version while an amend is in flight; 0 when ended."""
        if self.state in ENDED:
            return 0
        left = (self.size if self.size > self.to_size else self.to_size) - self.filled
        return left if left > 0 else 0

    @property
    def owed(self) -> int:
        """Cash that what is left of a purchase may take, to the last millionth, fees aside."""
        if not self.stake:
            return -(-self.price * self.remaining // ONE)
        return max(0, self.stake - self.paid) if self.state not in ENDED else 0

    @property
    def in_flight(self) -> bool:
        """An operation on it has no outcome yet."""
        return self.pending is not None or self.state in _UNPROVEN

    def versions(self) -> tuple[tuple[Price, int], ...]:
        """(price, remaining) of every version that may rest at the venue now."""
        left = self.size - self.filled
        standing = (self.price, left if left > 0 else 0)
        if self.to_price == self.price and self.to_size == self.size:
            return (standing,)
        return standing, (self.to_price, max(0, self.to_size - self.filled))


def yes_price(side: Side, price: int) -> Price:
    """The price of the YES leg at which an order on `side` rests in the book."""
    return Price(price if side is YES else ONE - price)


K = TypeVar("K")

ECHO = 1 * SECOND  # how long the public book may lag behind what we were told of our own orders


class _Echo(NamedTuple):
    """Size of ours that was filled, cancelled or moved, but may still stand in the public book."""

    until: int
    instrument: Instrument
    side: BookSide
    yes_price: Price
    size: int


TRADES_REMEMBERED = 20_000
ENDED_REMEMBERED = 500
UNDONE_REMEMBERED = 500


class Blotter:
    """All our orders: the live ones by match and by book, the last ended ones, and every trade counted."""

    __slots__ = (
        "_by_book",
        "_by_match",
        "_by_venue_id",
        "_echoed",
        "_echoes",
        "_ended",
        "_mirrors",
        "_own_sizes",
        "_trades",
        "_undone",
        "live",
        "orders",
    )

    def __init__(self) -> None:
        self.orders: dict[ClientOrderId, Order] = {}
        self.live: dict[ClientOrderId, Order] = {}
        self._by_match: dict[MatchId, dict[ClientOrderId, Order]] = {}
        self._by_book: dict[Instrument, dict[ClientOrderId, Order]] = {}
        self._by_venue_id: dict[tuple[Venue, VenueOrderId], Order] = {}
        self._trades: OrderedDict[tuple[Venue, TradeId], None] = OrderedDict()
        self._undone: OrderedDict[tuple[Venue, TradeId], None] = OrderedDict()
        self._ended: OrderedDict[ClientOrderId, None] = OrderedDict()
        self._echoes: deque[_Echo] = deque()
        self._echoed: dict[tuple[Instrument, BookSide], dict[int, int]] = {}  # their sizes by price
        self._own_sizes: dict[tuple[Instrument, BookSide], dict[int, int]] = {}  # since their last change
        self._mirrors: dict[Instrument, Instrument] = {}

    # ---- asking

    def of_match(self, match: MatchId) -> list[Order]:
        """Live orders of a match, oldest first."""
        orders = self._by_match.get(match)
        return list(orders.values()) if orders else []

    def has_orders(self, match: MatchId) -> bool:
        """Whether any order of a match is live."""
        return bool(self._by_match.get(match))

    def on_book(self, instrument: Instrument) -> list[Order]:
        """Live orders on the book of a symbol (either leg, any match), oldest first."""
        orders = self._by_book.get(instrument.yes)
        return list(orders.values()) if orders else []

    def own_sizes(self, instrument: Instrument, side: BookSide) -> Mapping[int, int]:
        """Our size by YES price on one side of a book, in every state that may be in the public book.

        What was just filled, cancelled or moved counts a moment longer: the public book may show it yet,
        and we would outbid ourselves.
        """
        book = instrument.yes, side
        sizes = self._own_sizes.get(book)
        if sizes is None:  # asked for many times between two changes
            sizes = self._own_sizes[book] = self._add_up(*book)
        return sizes

    def _add_up(self, yes: Instrument, side: BookSide) -> dict[int, int]:
        sizes = self._sizes_on(yes, side)
        other = self._mirrors.get(yes) if self._mirrors else None
        if other is not None:
            for at, size in self._sizes_on(other, opposite_side(side)).items():
                sizes[ONE - at] = sizes.get(ONE - at, 0) + size
        return sizes

    def _sizes_on(self, yes: Instrument, side: BookSide) -> dict[int, int]:
        sizes: dict[int, int] = {}
        for order in self._by_book.get(yes, {}).values():
            if order.book_side is not side:
                continue
            if order.to_price == order.price and order.to_size == order.size:  # nearly always
                at, left = order.yes_price, order.size - order.filled
                sizes[at] = sizes.get(at, 0) + (left if left > 0 else 0)
            else:
                for price, left in order.versions():
                    at = yes_price(order.instrument.side, price)
                    sizes[at] = sizes.get(at, 0) + left
        for shown, size in self._echoed.get((yes, side), {}).items():
            sizes[shown] = sizes.get(shown, 0) + size
        return sizes

    def mirror(self, instrument: Instrument, symbol: str) -> None:
        """Our orders on `symbol` show in the other side of the book of `instrument`; empty: no longer."""
        if symbol:
            self._mirrors[instrument.yes] = Instrument(instrument.venue, symbol)
        else:
            self._mirrors.pop(instrument.yes, None)
        self._own_sizes.clear()

    def find(self, venue: Venue, order_id: ClientOrderId, venue_order_id: VenueOrderId) -> Order | None:
        """The order meant by an event, by our id, else by the venue's."""
        return self.orders.get(order_id) or self._by_venue_id.get((venue, venue_order_id))

    # ---- sending

    def placed(self, command: PlaceOrder, level: int, ts: Nanos) -> Order:
        """Record an order as it is decided; it counts from this moment."""
        assert command.order_id not in self.orders, f"client order id {command.order_id} used twice"
        order = Order(command, level, ts)
        self.orders[order.order_id] = order
        self._enlist(order)
        return order

    def restored(self, order: Order, to_price: Price, to_size: int, filled: int, paid: int = 0) -> None:
        """An earlier run left it so, perhaps with an amend in flight: unknown until it is looked up."""
        order.to_price, order.to_size, order.filled, order.paid = to_price, to_size, filled, paid
        if (to_price, to_size) != (order.price, order.size):
            order.pending = Operation.AMEND
        order.state = OrderState.UNKNOWN
        self._resized(order)

    def over(self, order: Order, state: OrderState, ended_ts: Nanos) -> None:
        """An order of an earlier run had ended so."""
        order.pending, order.state, order.ended_ts = None, state, ended_ts
        self._delist(order)

    def amend_sent(self, order: Order, command: AmendOrder, ts: Nanos) -> None:
        """Record an amend as it is decided: until its outcome both versions may rest."""
        assert order.pending is None, f"{order.order_id}: {order.pending} is still in flight"
        assert not order.stake, f"{order.order_id}: what costs a round sum is not amended"
        order.pending, order.pending_since, order.amended_ts = Operation.AMEND, ts, ts
        order.to_price, order.to_size = command.price, command.size
        order.ceiling, order.ceiling_kind, order.basis = command.ceiling, command.ceiling_kind, command.basis
        self._resized(order)

    def cancel_sent(self, order: Order, ts: Nanos) -> None:
        """Record a cancel as it is decided; the order counts until the venue proves it gone."""
        order.pending, order.pending_since = Operation.CANCEL, ts
        self._learn(order, Fact.CANCEL_SENT, ts)

    # ---- learning

    def accepted(
        self, order: Order, venue_order_id: VenueOrderId, ts: Nanos, told: tuple[Price, int] | None = None
    ) -> None:
        """The venue has it; `told` is its price and total size when looked up, believed if in doubt."""
        if venue_order_id:
            order.venue_order_id = venue_order_id
            self._by_venue_id[order.instrument.venue, venue_order_id] = order
        if told is not None and (order.state is OrderState.UNKNOWN or order.pending is Operation.PLACE):
            self._as_told(order, *told)  # a venue that counts in whole cents may have taken a little less
        elif order.pending is Operation.PLACE:
            order.pending = None
        order.proven_ts = ts
        order.lookups = order.not_found = 0
        self._learn(order, Fact.ACCEPTED, ts)
        if order.state is OrderState.ACCEPTED and order.filled:
            order.state = OrderState.PARTIALLY_FILLED
        if told is not None:
            self._all_filled(order, ts)

    def _as_told(self, order: Order, price: Price, size: int) -> None:
        """It rests as the venue says: whatever else was asked of it has not been taken."""
        order.pending = None
        order.price = order.to_price = price
        order.yes_price = yes_price(order.instrument.side, price)
        order.size = order.to_size = size
        self._resized(order)

    def amended(self, order: Order, price: Price, size: int, ts: Nanos) -> None:
        """The venue proved the price and total size asked for; a late repeat of an earlier amend is none.

        Where more had filled than was asked for, what filled is the total: less than the whole of the order,
        or there would have been none to amend. As much as the whole is a repeat.
        """
        more_had_filled = order.pending is Operation.AMEND and order.to_size < size < order.size
        if price != order.to_price or (size != order.to_size and not more_had_filled):
            return
        if more_had_filled:
            price = order.price  # at which it filled: nothing is left to rest at another
        if (price, size) != (order.price, order.size):
            self._echo(order, order.price, order.size - order.filled, ts)
        order.price = order.to_price = price
        order.yes_price = yes_price(order.instrument.side, price)
        order.size = order.to_size = size
        order.rest_since = order.proven_ts = ts
        self._resized(order)
        if order.pending is Operation.AMEND:
            order.pending = None
        if order.state is OrderState.UNKNOWN:
            self._learn(order, Fact.ACCEPTED, ts)
        self._all_filled(order, ts)

    def amend_refused(self, order: Order, ts: Nanos) -> None:
        """The order stands as it was."""
        if order.pending is Operation.AMEND:
            order.pending = None
            order.to_price, order.to_size = order.price, order.size
            self._resized(order)
            self._all_filled(order, ts)

    def cancel_refused(self, order: Order, ts: Nanos) -> None:
        """The order still rests."""
        if order.pending is Operation.CANCEL:
            order.pending = None
        self._learn(order, Fact.CANCEL_REFUSED, ts)
        if order.state is OrderState.ACCEPTED and order.filled:
            order.state = OrderState.PARTIALLY_FILLED

    def ended(self, order: Order, fact: Fact, ts: Nanos) -> None:
        """The venue proved it cancelled, expired or refused."""
        self._learn(order, fact, ts)

    def cancel_swept(self, order: Order, ts: Nanos) -> None:
        """A cancel of everything left; a place still in flight stays so until it has an outcome."""
        if order.pending is not Operation.PLACE:
            order.pending, order.pending_since = Operation.CANCEL, ts
        self._learn(order, Fact.CANCEL_SENT, ts)

    def unanswered(self, order: Order, ts: Nanos) -> None:
        """A request about it got no proof either way: it counts as in flight until looked up."""
        self._learn(order, Fact.UNANSWERED, ts)

    def is_new_trade(self, venue: Venue, trade_id: TradeId) -> bool:
        """Whether a trade is seen for the first time; remembers it."""
        key = (venue, trade_id)
        if key in self._trades:
            return False
        self._trades[key] = None
        if len(self._trades) > TRADES_REMEMBERED:
            self._trades.popitem(last=False)
        return True

    def undo_trade(self, venue: Venue, trade_id: TradeId) -> bool:
        """A trade failed; True when it was counted and nobody had said so before.

        One that was never told is remembered too: its fill may still be on the way, and is none.
        """
        key = (venue, trade_id)
        if key in self._undone:
            return False
        self._undone[key] = None
        if len(self._undone) > UNDONE_REMEMBERED:
            self._undone.popitem(last=False)
        return not self.is_new_trade(venue, trade_id)

    def undone(self) -> list[tuple[Venue, TradeId]]:
        """Trades that failed, oldest first."""
        return list(self._undone)

    def filled(self, order: Order, size: int, ts: Nanos, cost: int = 0) -> None:
        """Count a fill, whatever state the order is in."""
        order.filled += size
        order.paid += cost
        self._resized(order)
        self._echo(order, order.price, size, ts)
        fact = Fact.FILLED_ALL if order.filled >= max(order.size, order.to_size) else Fact.FILLED_PART
        if order.pending is Operation.PLACE:
            order.pending = None
        self._learn(order, fact, ts)

    def trades(self) -> list[tuple[Venue, TradeId]]:
        """Trades remembered, oldest first."""
        return list(self._trades)

    def lately_ended(self, since: Nanos) -> list[Order]:
        """Orders that ended after a moment, oldest first."""
        found: list[Order] = []
        for order_id in reversed(self._ended):
            order = self.orders[order_id]
            if order.ended_ts <= since:
                break
            found.append(order)
        return found[::-1]

    # ---- keeping

    def forget_echoes(self, ts: Nanos) -> list[tuple[Instrument, BookSide]]:
        """By now the public book shows what became of our orders: the sides where less of it is ours."""
        changed: list[tuple[Instrument, BookSide]] = []
        while self._echoes and self._echoes[0].until <= ts:
            over = self._echoes.popleft()
            echoed = self._echoed[over.instrument, over.side]
            echoed[over.yes_price] -= over.size
            if not echoed[over.yes_price]:
                del echoed[over.yes_price]
            self._forget_sizes(over.instrument, over.side)
            changed.append((over.instrument, over.side))
            changed += [
                (book, opposite_side(over.side))
                for book, at in self._mirrors.items()
                if at == over.instrument
            ]
        return changed

    def _echo(self, order: Order, price: Price, size: int, ts: Nanos) -> None:
        if size > 0:
            at = yes_price(order.instrument.side, price)
            self._echoes.append(_Echo(ts + ECHO, order.instrument.yes, order.book_side, at, size))
            echoed = self._echoed.setdefault((order.instrument.yes, order.book_side), {})
            echoed[at] = echoed.get(at, 0) + size
            self._resized(order)

    def _resized(self, order: Order) -> None:
        """What an order puts into its book has changed."""
        self._forget_sizes(order.instrument.yes, order.book_side)

    def _forget_sizes(self, yes: Instrument, side: BookSide) -> None:
        if self._mirrors:  # they show in another book as well
            self._own_sizes.clear()
        else:
            self._own_sizes.pop((yes, side), None)

    def _all_filled(self, order: Order, ts: Nanos) -> None:
        """Nothing is left of the only version there is: a fill came before its outcome."""
        if order.filled >= max(order.size, order.to_size) and not order.ended:
            self._learn(order, Fact.FILLED_ALL, ts)

    def _learn(self, order: Order, fact: Fact, ts: Nanos) -> None:
        was_ended = order.state in ENDED
        if fact in (Fact.CANCELED, Fact.EXPIRED) and not was_ended:
            for price, left in order.versions():
                self._echo(order, price, left, ts)
        order.state = TRANSITIONS.get((order.state, fact), order.state)
        is_ended = order.state in ENDED
        if is_ended and not was_ended:
            order.pending, order.ended_ts = None, ts
            self._delist(order)
        elif was_ended and not is_ended:
            self._enlist(order)

    def _enlist(self, order: Order) -> None:
        self._ended.pop(order.order_id, None)
        self.live[order.order_id] = order
        self._by_match.setdefault(order.match, {})[order.order_id] = order
        self._by_book.setdefault(order.instrument.yes, {})[order.order_id] = order
        self._resized(order)

    def _delist(self, order: Order) -> None:
        self.live.pop(order.order_id, None)
        _drop(self._by_match, order.match, order.order_id)
        _drop(self._by_book, order.instrument.yes, order.order_id)
        self._resized(order)
        self._ended[order.order_id] = None
        if len(self._ended) > ENDED_REMEMBERED:
            old_id, _ = self._ended.popitem(last=False)
            old = self.orders.pop(old_id)
            self._by_venue_id.pop((old.instrument.venue, old.venue_order_id), None)


def _drop(index: dict[K, dict[ClientOrderId, Order]], key: K, order_id: ClientOrderId) -> None:
    """Take an order out of an index, and its key with the last one."""
    orders = index.get(key, {})
    orders.pop(order_id, None)
    if not orders:
        index.pop(key, None)
