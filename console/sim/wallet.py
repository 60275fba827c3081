"""Our money at a pretended venue whose book is other people's: orders, positions, and cash to the millionth.

Unlike `account` it forgets: a tape may be of any length, and what ended long ago is of no use to anybody.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from msgspec import Struct

from console.core.events import MassStatus, OrderFilled
from console.core.instruments import (
    ASK,
    BUY,
    ClientOrderId,
    Instrument,
    TradeId,
    Venue,
    VenueOrderId,
)
from console.core.units import SECOND, Cash, Nanos, Price, Size, cost_of, proceeds_of
from console.sim.money import Money
from console.sim.orders import OwnOrder, tied_up

FILLS_REPORTED = 600 * SECOND  # how far back a mass status lists fills
ENDED_REMEMBERED = 2000  # orders that can still be looked up, and whose ids are taken


class SavedWallet(Struct, frozen=True, array_like=True):
    """A wallet as it outlives its process. Orders do not: whoever loses us takes them out."""

    cash: int
    paid_in: int
    fees: int
    fills: int
    others: int
    house: int
    positions: dict[str, int]
    commissions: dict[str, int]
    stakes: dict[str, int]
    recent: list[OrderFilled]
    ended: list[ClientOrderId]


class Wallet:
    """Our side of one venue: orders and fills as far back as is remembered, and our money."""

    __slots__ = (
        "_ended",
        "_fills",
        "_fills_of",
        "_locks",
        "fills",
        "money",
        "open",
        "venue",
    )

    def __init__(self, venue: Venue, cash: int) -> None:
        self.venue = venue
        self.money = Money()
        self.money.pay_in(cash)
        self.fills = 0
        self.open: dict[ClientOrderId, OwnOrder] = {}
        self._locks: dict[str, int] = {}
        self._fills: deque[OrderFilled] = deque()
        self._fills_of: dict[ClientOrderId, list[OrderFilled]] = {}
        self._ended: OrderedDict[ClientOrderId, None] = OrderedDict()

    def save(self) -> SavedWallet:
        """Everything but the orders that rest, which end with the process."""
        return SavedWallet(
            self.money.cash,
            self.money.paid_in,
            self.money.fees,
            self.fills,
            self.money.others,
            self.money.house,
            dict(self.money.positions),
            dict(self.money.commissions),
            dict(self.money.stakes),
            list(self._fills),
            [*self._ended, *self.open],
        )

    @classmethod
    def load(cls, venue: Venue, saved: SavedWallet) -> Wallet:
        """Go on with what was saved."""
        wallet = cls(venue, saved.cash)
        wallet.fills = saved.fills
        wallet.money = Money(
            saved.cash,
            saved.fees,
            saved.others,
            saved.house,
            saved.paid_in,
            dict(saved.positions),
            dict(saved.commissions),
            dict(saved.stakes),
        )
        for fill in saved.recent:
            wallet._fills.append(fill)
            wallet._fills_of.setdefault(fill.order_id, []).append(fill)
        wallet._ended = OrderedDict.fromkeys(saved.ended)
        return wallet

    # ---- orders

    def find(self, order_id: ClientOrderId, venue_order_id: VenueOrderId) -> OwnOrder | None:
        """An open order by our id, else by the venue's."""
        order = self.open.get(order_id)
        if order is None and venue_order_id:
            order = next((o for o in self.open.values() if o.venue_order_id == venue_order_id), None)
        return order

    def knows(self, order_id: ClientOrderId) -> bool:
        """Whether an order of this id was taken, as far back as is remembered."""
        return order_id in self.open or order_id in self._ended

    def opened(self, order: OwnOrder) -> None:
        """Keep an order that now rests."""
        self.open[order.order_id] = order
        self.relock(order.instrument.symbol)

    def closed(self, order: OwnOrder) -> None:
        """Nothing of the order rests any more."""
        del self.open[order.order_id]
        self._ended[order.order_id] = None
        if len(self._ended) > ENDED_REMEMBERED:
            oldest, _ = self._ended.popitem(last=False)
            self._fills_of.pop(oldest, None)
        self.relock(order.instrument.symbol)

    def passed(self, order: OwnOrder) -> None:
        """Remember an order that never rested."""
        self._ended[order.order_id] = None

    def on_symbol(self, symbol: str) -> list[OwnOrder]:
        """Open orders on a symbol, oldest first."""
        return [order for order in self.open.values() if order.instrument.symbol == symbol]

    # ---- what resting orders tie up

    @property
    def free(self) -> Cash:
        """Cash that no resting order ties up."""
        return Cash(self.money.cash - sum(self._locks.values()))

    def affords(self, order: OwnOrder, instead_of: OwnOrder | None = None) -> bool:
        """Whether `order` could rest beside the others (in place of one of them)."""
        symbol = order.instrument.symbol
        if order.spec.two_sided and order.left <= self.free:
            return True  # though it paid a dollar a contract, and nothing held covered any of it
        orders = [o for o in self.on_symbol(symbol) if o is not instead_of] + [order]
        position = self.money.positions.get(symbol, 0)
        if not order.spec.two_sided:
            asked = sum(o.left for o in orders if o.side is ASK)
            if asked > max(0, position):
                return False
        return tied_up(orders, position) <= self.free + self._locks.get(symbol, 0)

    def relock(self, symbol: str) -> None:
        """Reckon anew what the orders on a symbol tie up."""
        lock = tied_up(self.on_symbol(symbol), self.money.positions.get(symbol, 0))
        if lock:
            self._locks[symbol] = lock
        else:
            self._locks.pop(symbol, None)

    # ---- money

    def fill(self, order: OwnOrder, size: int, price: int, maker: bool, wall: Nanos) -> OrderFilled:
        """Book `size` contracts of an order of ours as filled at `price`, in prices of its instrument."""
        buy = order.action is BUY
        cost = cost_of(price, size) if buy else proceeds_of(price, size)
        fee = order.charge(size, price, maker)
        order.filled += size
        order.fee += fee
        self.fills += 1
        fill = OrderFilled(
            wall=wall,
            venue_order_id=order.venue_order_id,
            trade_id=TradeId(f"{self.venue.value}-t{self.fills}"),
            instrument=order.instrument,
            action=order.action,
            price=Price(price),
            size=Size(size),
            cost=cost,
            fee=fee,
            maker=maker,
            order_id=order.order_id,
        )
        self.money.fill(order, size, cost, fee)
        self._remember(fill)
        return fill

    def defect(self) -> str | None:
        """Say in one line how much money appeared from nowhere, or None."""
        lost = self.money.imbalance()
        return f"{self.venue.value}: {lost} millionths of a dollar appeared from nowhere" if lost else None

    # ---- what the venue tells us

    def fills_of(self, order_id: ClientOrderId) -> list[OrderFilled]:
        """Every fill of one order, oldest first, as far back as is remembered."""
        return self._fills_of.get(order_id, [])

    def mass_status(self, ts: Nanos, wall: Nanos) -> MassStatus:
        """Everything: resting orders, recent fills, positions and free cash."""
        while self._fills and self._fills[0].wall < wall - FILLS_REPORTED:
            self._fills.popleft()
        return MassStatus(
            ts=ts,
            wall=wall,
            venue=self.venue,
            orders=tuple(order.listed() for order in self.open.values()),
            fills=tuple(self._fills),
            positions=tuple(
                (Instrument(self.venue, symbol), net) for symbol, net in self.money.positions.items() if net
            ),
            cash=self.free,
            held=Cash(self.money.cash - self.free),
            rounded_to=Cash(0),
        )

    def _remember(self, fill: OrderFilled) -> None:
        self._fills.append(fill)
        while self._fills[0].wall < fill.wall - FILLS_REPORTED:
            self._fills.popleft()
        self._fills_of.setdefault(fill.order_id, []).append(fill)
