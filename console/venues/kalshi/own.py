"""Our orders at Kalshi as this client knows them: what names them, where they rest, and what has filled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    Side,
    TradeId,
    VenueOrderId,
    book_side,
)
from console.core.orders import yes_price
from console.core.units import Price

ENDED_REMEMBERED = 5_000  # late fills of an order still find its name


class OwnOrder:
    """One order of ours. `price` is of its instrument, `size` its total.

    `ends_s` is 0 for an order without end, `shard` None where it is not stated.
    """

    __slots__ = (
        "action",
        "busy",
        "doubtful",
        "ends_s",
        "filled",
        "instrument",
        "order_id",
        "over",
        "price",
        "shard",
        "size",
        "trades",
        "venue_order_id",
    )

    def __init__(
        self,
        order_id: ClientOrderId,
        instrument: Instrument,
        action: Action,
        price: Price,
        size: int,
        shard: int | None,
        ends_s: int = 0,
    ) -> None:
        self.order_id = order_id
        self.venue_order_id = VenueOrderId("")
        self.instrument = instrument
        self.action = action
        self.price = price
        self.size = size
        self.shard = shard
        self.ends_s = ends_s
        self.filled = 0
        self.trades: set[TradeId] = set()
        self.over = False
        self.busy = False  # a request that names its price is under way
        self.doubtful = False  # such a request got no answer: it may yet arrive

    @property
    def side(self) -> BookSide:
        """Where it rests."""
        return book_side(self.instrument.side, self.action)

    @property
    def yes_price(self) -> Price:
        """Its price in the book."""
        return yes_price(self.instrument.side, self.price)

    def take(self, trade: TradeId, size: int) -> bool:
        """Count a fill; False for one that was counted before."""
        if trade in self.trades:
            return False
        self.trades.add(trade)
        self.filled += size
        return True


class OwnOrders:
    """Orders by our id and by the venue's; those that are over are forgotten in time."""

    def __init__(self) -> None:
        self._orders: OrderedDict[ClientOrderId, OwnOrder] = OrderedDict()
        self._named: dict[VenueOrderId, OwnOrder] = {}
        self._ended: OrderedDict[ClientOrderId, None] = OrderedDict()

    def add(self, order: OwnOrder) -> OwnOrder:
        """Keep an order."""
        self._orders[order.order_id] = order
        return order

    def name(self, order: OwnOrder, venue_order_id: VenueOrderId) -> None:
        """The venue's name of an order."""
        order.venue_order_id = venue_order_id
        self._named[venue_order_id] = order

    def find(self, order_id: ClientOrderId | str, venue_order_id: VenueOrderId | str = "") -> OwnOrder | None:
        """By our id, else by the venue's."""
        return self._orders.get(ClientOrderId(order_id)) or self._named.get(VenueOrderId(venue_order_id))

    def end(self, order: OwnOrder) -> None:
        """Nothing of it rests any more."""
        if order.over:
            return
        order.over = True
        self._ended[order.order_id] = None
        if len(self._ended) > ENDED_REMEMBERED:
            old, _ = self._ended.popitem(last=False)
            gone = self._orders.pop(old, None)
            if gone is not None:
                self._named.pop(gone.venue_order_id, None)

    def resting(self) -> Iterable[OwnOrder]:
        """Orders that have a name there and are not known to be over."""
        return [order for order in self._orders.values() if order.venue_order_id and not order.over]


def leg_of(ticker_yes: Instrument, on_bid: bool, known: OwnOrder | None) -> tuple[Instrument, Action]:
    """Leg and action of something on one side of the book: as the order meant it, else in terms of YES."""
    if known is not None:
        return known.instrument, known.action
    return ticker_yes, Action.BUY if on_bid else Action.SELL


def action_on(instrument: Instrument, on_bid: bool) -> Action:
    """What an order on this side of the book does with the leg it names."""
    return Action.BUY if on_bid is (instrument.side is Side.YES) else Action.SELL
