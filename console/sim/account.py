"""What a simulated venue knows of us: orders, fills, positions, and cash to the millionth."""

from __future__ import annotations

import msgspec

from console.core.events import MassStatus, OrderFilled
from console.core.instruments import (
    ASK,
    BID,
    BUY,
    ClientOrderId,
    Instrument,
    TradeId,
    Venue,
    VenueOrderId,
    book_side,
)
from console.core.units import Cash, Price, Size, cost_of, proceeds_of
from console.sim.clock import Clock
from console.sim.money import Money
from console.sim.orders import OwnOrder, tied_up

FILLS_REPORTED_NS = 600 * 1_000_000_000  # how far back a mass status lists fills


class Account:
    """Our side of a venue: what it remembers of orders and fills, for ever, and our money."""

    __slots__ = (
        "_clock",
        "_fills_of",
        "_locks",
        "_venue",
        "ended",
        "fills",
        "money",
        "open",
        "undone",
    )

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock
        self.money = Money()
        self.open: dict[ClientOrderId, OwnOrder] = {}
        self.ended: dict[ClientOrderId, None] = {}
        self.fills: list[OrderFilled] = []
        self.undone: dict[TradeId, None] = {}  # fills that failed to settle
        self._fills_of: dict[ClientOrderId, list[OrderFilled]] = {}
        self._locks: dict[str, int] = {}

    # ---- orders

    def find(self, order_id: ClientOrderId, venue_order_id: VenueOrderId) -> OwnOrder | None:
        """An open order by our id, else by the venue's."""
        order = self.open.get(order_id)
        if order is None and venue_order_id:
            order = next((o for o in self.open.values() if o.venue_order_id == venue_order_id), None)
        return order

    def knows(self, order_id: ClientOrderId) -> bool:
        """Whether an order of this id was ever taken."""
        return order_id in self.open or order_id in self.ended

    def opened(self, order: OwnOrder) -> None:
        """Keep an order that now rests."""
        self.open[order.order_id] = order
        self.relock(order.instrument.symbol)

    def closed(self, order: OwnOrder) -> None:
        """Nothing of the order rests any more."""
        del self.open[order.order_id]
        self.ended[order.order_id] = None
        order.resting = None
        self.relock(order.instrument.symbol)

    def passed(self, order: OwnOrder) -> None:
        """Remember an order that never rested."""
        self.ended[order.order_id] = None

    # ---- what resting orders tie up

    @property
    def locked(self) -> Cash:
        """Cash reserved for resting orders, fees not included."""
        return Cash(sum(self._locks.values()))

    def affords(self, order: OwnOrder, instead_of: OwnOrder | None = None) -> bool:
        """Whether `order` could rest beside the others (in place of one of them)."""
        symbol = order.instrument.symbol
        orders = [o for o in self._orders_on(symbol) if o is not instead_of] + [order]
        position = self.money.positions.get(symbol, 0)
        if not order.spec.two_sided:
            asked = sum(o.left for o in orders if o.side is ASK)
            if asked > max(0, position):
                return False
        others = self.locked - self._locks.get(symbol, 0)
        return others + tied_up(orders, position) <= self.money.cash

    def locked_on(self, symbol: str) -> Cash:
        """Cash reserved for the orders that rest on one symbol."""
        return Cash(self._locks.get(symbol, 0))

    def lock_with(self, order: OwnOrder, instead_of: OwnOrder | None = None) -> Cash:
        """What the orders on its symbol would tie up with `order` beside them (in place of one)."""
        symbol = order.instrument.symbol
        orders = [o for o in self._orders_on(symbol) if o is not instead_of] + [order]
        return Cash(tied_up(orders, self.money.positions.get(symbol, 0)))

    def relock(self, symbol: str) -> None:
        """Reckon anew what the orders on a symbol tie up."""
        lock = tied_up(self._orders_on(symbol), self.money.positions.get(symbol, 0))
        if lock:
            self._locks[symbol] = lock
        else:
            self._locks.pop(symbol, None)

    def _orders_on(self, symbol: str) -> list[OwnOrder]:
        return [order for order in self.open.values() if order.instrument.symbol == symbol]

    # ---- money

    def fill(
        self, order: OwnOrder, size: int, price: Price, maker: bool, provisional: bool = False
    ) -> OrderFilled:
        """Book `size` contracts of an order of ours as filled at `price`, in prices of its instrument."""
        buy = order.action is BUY
        cost = cost_of(price, size) if buy else proceeds_of(price, size)
        fee = order.charge(size, price, maker)
        order.filled += size
        order.fee += fee
        fill = OrderFilled(
            wall=self._clock.wall,
            venue_order_id=order.venue_order_id,
            trade_id=TradeId(f"{self._venue.value}-t{len(self.fills) + 1}"),
            instrument=order.instrument,
            action=order.action,
            price=price,
            size=Size(size),
            cost=cost,
            fee=fee,
            maker=maker,
            order_id=order.order_id,
            provisional=provisional,
        )
        self.money.fill(order, size, cost, fee)
        self.remember(fill)
        return fill

    def can_undo(self, fill: OrderFilled) -> bool:
        """Whether a fill can still fail: what it brought has not been used for anything else."""
        symbol, long = fill.instrument.symbol, book_side(fill.instrument.side, fill.action) is BID
        if not long:
            return self.money.cash - self.locked >= fill.cost
        left = self.money.positions.get(symbol, 0) - fill.size
        return left >= sum(order.left for order in self._orders_on(symbol) if order.side is ASK)

    def undo(self, fill: OrderFilled) -> None:
        """A fill failed to settle: it never happened."""
        self.money.undo(fill)
        self.undone[fill.trade_id] = None
        kept = [each for each in self.fills_of(fill.order_id) if each.trade_id != fill.trade_id]
        self._fills_of[fill.order_id] = kept
        self.relock(fill.instrument.symbol)

    def made_final(self, trade_id: TradeId) -> None:
        """A fill can no longer fail."""
        number = int(trade_id.rpartition("-t")[2]) - 1
        old = self.fills[number]
        final = self.fills[number] = msgspec.structs.replace(old, provisional=False)
        self._fills_of[old.order_id] = [final if f is old else f for f in self.fills_of(old.order_id)]

    # ---- what the venue tells us

    def fills_of(self, order_id: ClientOrderId) -> list[OrderFilled]:
        """Every fill of one order, oldest first."""
        return self._fills_of.get(order_id, [])

    def mass_status(self) -> MassStatus:
        """Everything: resting orders, recent fills, positions and free cash (what rests is deducted)."""
        since = self._clock.wall - FILLS_REPORTED_NS
        first = len(self.fills)
        while first and self.fills[first - 1].wall >= since:
            first -= 1
        return MassStatus(
            venue=self._venue,
            orders=tuple(order.listed() for order in self.open.values()),
            fills=tuple([fill for fill in self.fills[first:] if fill.trade_id not in self.undone]),
            positions=tuple(
                (Instrument(self._venue, s), net) for s, net in self.money.positions.items() if net
            ),
            cash=Cash(self.money.cash - self.locked),
            held=self.locked,
            rounded_to=Cash(0),
        )

    def remember(self, fill: OrderFilled) -> None:
        """Keep a fill whose money is booked."""
        self.fills.append(fill)
        self._fills_of.setdefault(fill.order_id, []).append(fill)
