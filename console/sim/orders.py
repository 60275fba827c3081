"""An order of ours as a pretended venue keeps it, and the cash that the ones that rest tie up."""

from __future__ import annotations

from console.core.events import OpenOrder
from console.core.fees import fee_of_fill
from console.core.instruments import (
    ASK,
    BID,
    YES,
    Action,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    VenueOrderId,
    book_side,
)
from console.core.units import ONE, Cash, Price, Size, ceil_div, cost_of
from console.sim.market import Resting


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


def tied_up(orders: list[OwnOrder], position: int) -> int:
    """Cash that the orders on one symbol reserve; the first to fill uses up what is held first."""
    bids = [order for order in orders if order.side is BID]
    lock, cover = 0, max(0, -position)
    if cover:  # only then does it matter who fills first
        bids.sort(key=_descending)
    for order in bids:
        left = order.left
        bare = left - cover if left > cover else 0
        cover -= left - bare
        lock += cost_of(order.yes_price, bare)
    asks = [order for order in orders if order.side is ASK]
    cover = max(0, position)
    if cover:
        asks.sort(key=_ascending)
    for order in asks:
        left = order.left
        bare = left - cover if left > cover else 0
        cover -= left - bare
        lock += cost_of(ONE - order.yes_price, bare) if order.spec.two_sided else 0
    return lock


def _ascending(order: OwnOrder) -> int:
    return order.yes_price


def _descending(order: OwnOrder) -> int:
    return -order.yes_price
