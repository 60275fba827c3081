"""What a simulated venue knows of us: orders, fills, positions, and cash to the millionth."""

from __future__ import annotations

import msgspec

from console.core.events import MassStatus, OpenOrder, OrderFilled
from console.core.fees import commission_of, fee_of_fill
from console.core.instruments import (
    ASK,
    BID,
    BUY,
    NO,
    YES,
    Action,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    TradeId,
    Venue,
    VenueOrderId,
    book_side,
)
from console.core.units import ONE, Cash, Price, Size, ceil_div, cost_of, proceeds_of
from console.sim.clock import Clock
from console.sim.market import Resting

FILLS_REPORTED_NS = 600 * 1_000_000_000  # how far back a mass status lists fills


class OwnOrder:
    """One order of ours as the venue keeps it; `price` is in prices of its instrument."""

    __slots__ = (
        "action",
        "fee",
        "fee_weight",
        "filled",
        "instrument",
        "order_id",
        "price",
        "resting",
        "side",
        "size",
        "spec",
        "venue_order_id",
    )

    def __init__(
        self,
        order_id: ClientOrderId,
        venue_order_id: VenueOrderId,
        instrument: Instrument,
        action: Action,
        price: Price,
        size: int,
        spec: InstrumentSpec,
    ) -> None:
        self.order_id = order_id
        self.venue_order_id = venue_order_id
        self.instrument = instrument
        self.action = action
        self.side = book_side(instrument.side, action)
        self.price = price
        self.size = size  # total, what has filled included
        self.spec = spec
        self.filled = 0
        self.fee = 0  # charged so far
        self.fee_weight = 0  # sum of rate * price * (1 - price) * size of its fills
        self.resting: Resting | None = None

    @property
    def left(self) -> int:
        """Contracts that can still fill."""
        return self.size - self.filled

    @property
    def yes_price(self) -> int:
        """Where it rests in the book."""
        return self.price if self.instrument.side is YES else ONE - self.price

    def version(self, price: Price, size: int) -> OwnOrder:
        """The same order at another price and total size; the order itself stays as it is."""
        order = OwnOrder(
            self.order_id, self.venue_order_id, self.instrument, self.action, price, size, self.spec
        )
        order.filled = self.filled
        return order

    def charge(self, size: int, price: int, maker: bool) -> Cash:
        """Fee of the next `size` contracts filled, rounded up once a fill or once an order."""
        model = self.spec.fees
        if not model.per_order:
            return fee_of_fill(model, price, size, maker)
        rate = model.maker_rate if maker else model.taker_rate
        self.fee_weight += rate * price * (ONE - price) * size
        return Cash(ceil_div(self.fee_weight, ONE * ONE * ONE * model.unit) * model.unit - self.fee)

    def listed(self) -> OpenOrder:
        """The order as the venue lists it."""
        return OpenOrder(
            self.order_id,
            self.venue_order_id,
            self.instrument,
            self.action,
            self.price,
            Size(self.size),
            Size(self.filled),
        )


class Account:
    """Our side of a venue's ledger, in double entry.

    Cash is kept as the venue pays it: a YES and a NO of one symbol held together turn into $1 at once,
    so a net short position has $1 a contract in escrow. `others` and `house` hold what everybody else
    and the venue gained: together with cash and escrow they are always what was paid in.
    """

    __slots__ = (
        "_clock",
        "_fills_of",
        "_locks",
        "_venue",
        "cash",
        "commissions",
        "ended",
        "fees",
        "fills",
        "house",
        "open",
        "others",
        "paid_in",
        "positions",
        "stakes",
        "undone",
    )

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self._venue = venue
        self._clock = clock
        self.cash = 0
        self.fees = 0
        self.others = 0
        self.house = 0
        self.paid_in = 0
        self.positions: dict[str, int] = {}  # net contracts by symbol, NO held negative
        self.commissions: dict[str, int] = {}  # due if the symbol's YES pays
        self.stakes: dict[str, int] = {}  # cash paid for what is held where the venue refunds a void
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
        position = self.positions.get(symbol, 0)
        if not order.spec.two_sided:
            asked = sum(o.left for o in orders if o.side is ASK)
            if asked > max(0, position):
                return False
        others = self.locked - self._locks.get(symbol, 0)
        return others + _lock(orders, position) <= self.cash

    def locked_on(self, symbol: str) -> Cash:
        """Cash reserved for the orders that rest on one symbol."""
        return Cash(self._locks.get(symbol, 0))

    def lock_with(self, order: OwnOrder, instead_of: OwnOrder | None = None) -> Cash:
        """What the orders on its symbol would tie up with `order` beside them (in place of one)."""
        symbol = order.instrument.symbol
        orders = [o for o in self._orders_on(symbol) if o is not instead_of] + [order]
        return Cash(_lock(orders, self.positions.get(symbol, 0)))

    def relock(self, symbol: str) -> None:
        """Reckon anew what the orders on a symbol tie up."""
        lock = _lock(self._orders_on(symbol), self.positions.get(symbol, 0))
        if lock:
            self._locks[symbol] = lock
        else:
            self._locks.pop(symbol, None)

    def _orders_on(self, symbol: str) -> list[OwnOrder]:
        return [order for order in self.open.values() if order.instrument.symbol == symbol]

    # ---- money

    def pay_in(self, amount: int) -> None:
        """Move cash into the account (out of it, if negative)."""
        self.cash += amount
        self.paid_in += amount

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
        self._move(order, size, cost, fee)
        self.remember(fill)
        return fill

    def _move(self, order: OwnOrder, size: int, cost: int, fee: int) -> None:
        symbol, long = order.instrument.symbol, order.side is BID
        paid = cost if order.action is BUY else -cost
        if order.instrument.side is NO:  # as if YES had been traded the other way
            paid += size if long else -size
        before = self.positions.get(symbol, 0)
        after = before + (size if long else -size)
        self.positions[symbol] = after
        escrow = max(0, -after) - max(0, -before)
        self.cash -= paid + escrow + fee
        self.others += paid
        self.house += fee
        self.fees += fee
        if not order.spec.two_sided and long:
            self.stakes[symbol] = self.stakes.get(symbol, 0) + cost
            commission = commission_of(order.spec.fees, size, cost)
            self.commissions[symbol] = self.commissions.get(symbol, 0) + commission

    def can_undo(self, fill: OrderFilled) -> bool:
        """Whether a fill can still fail: what it brought has not been used for anything else."""
        symbol, long = fill.instrument.symbol, book_side(fill.instrument.side, fill.action) is BID
        if not long:
            return self.cash - self.locked >= fill.cost
        left = self.positions.get(symbol, 0) - fill.size
        return left >= sum(order.left for order in self._orders_on(symbol) if order.side is ASK)

    def undo(self, fill: OrderFilled) -> None:
        """A fill failed to settle: it never happened."""
        symbol, long = fill.instrument.symbol, book_side(fill.instrument.side, fill.action) is BID
        paid = fill.cost if fill.action is BUY else -fill.cost
        if fill.instrument.side is NO:  # as if YES had been traded the other way
            paid += fill.size if long else -fill.size
        before = self.positions.get(symbol, 0)
        after = self.positions[symbol] = before - (fill.size if long else -fill.size)
        self.cash += paid + fill.fee - (max(0, -after) - max(0, -before))
        self.others -= paid
        self.house -= fill.fee
        self.fees -= fill.fee
        if long and symbol in self.stakes:
            self.stakes[symbol] -= fill.cost
        self.undone[fill.trade_id] = None
        kept = [each for each in self.fills_of(fill.order_id) if each.trade_id != fill.trade_id]
        self._fills_of[fill.order_id] = kept
        self.relock(symbol)

    def made_final(self, trade_id: TradeId) -> None:
        """A fill can no longer fail."""
        number = int(trade_id.rpartition("-t")[2]) - 1
        old = self.fills[number]
        final = self.fills[number] = msgspec.structs.replace(old, provisional=False)
        self._fills_of[old.order_id] = [final if f is old else f for f in self.fills_of(old.order_id)]

    def take_fee(self, amount: int) -> None:
        """Book a fee somebody else was charged."""
        self.others -= amount
        self.house += amount

    def settle(self, symbol: str, payout: int) -> None:
        """Pay `payout` millionths per YES contract, less the commission on what is won."""
        net = self.positions.pop(symbol, 0)
        due = net * payout // ONE
        commission = ceil_div(self.commissions.pop(symbol, 0) * payout, ONE)
        self.stakes.pop(symbol, None)
        self.cash += max(0, -net) + due - commission
        self.others -= due
        self.house += commission
        self.fees += commission

    def refund(self, symbol: str) -> None:
        """Give back what was paid for a symbol that cannot be sold."""
        stake = self.stakes.pop(symbol, 0)
        self.positions.pop(symbol, None)
        self.commissions.pop(symbol, None)
        self.cash += stake
        self.others -= stake

    def imbalance(self) -> int:
        """Millionths of a dollar that appeared from nowhere: 0 unless the venue is wrong."""
        escrow = sum(max(0, -net) for net in self.positions.values())
        return self.cash + escrow + self.others + self.house - self.paid_in

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
            positions=tuple((Instrument(self._venue, s), net) for s, net in self.positions.items() if net),
            cash=Cash(self.cash - self.locked),
            held=self.locked,
            rounded_to=Cash(0),
        )

    def remember(self, fill: OrderFilled) -> None:
        """Keep a fill whose money is booked."""
        self.fills.append(fill)
        self._fills_of.setdefault(fill.order_id, []).append(fill)


def _lock(orders: list[OwnOrder], position: int) -> int:
    """Cash tied up by the orders on one symbol; the first to fill uses up what is held first."""
    lock, cover = 0, max(0, -position)
    for order in sorted((o for o in orders if o.side is BID), key=_descending):
        bare = max(0, order.left - cover)
        cover -= order.left - bare
        lock += cost_of(order.yes_price, bare)
    cover = max(0, position)
    for order in sorted((o for o in orders if o.side is ASK), key=_ascending):
        bare = max(0, order.left - cover)
        cover -= order.left - bare
        lock += cost_of(ONE - order.yes_price, bare) if order.spec.two_sided else 0
    return lock


def _ascending(order: OwnOrder) -> int:
    return order.yes_price


def _descending(order: OwnOrder) -> int:
    return -order.yes_price
