"""One symbol's public book, in which we have no order, and where ours would stand in its queues.

The record shows what others did without us, so a fill of ours has to be argued from it:

- An order joins behind everything public at its price (`ahead`).
- A trade at its price eats the queue ahead of it first, then the order; a trade at a worse price came past
  it, and fills it. Never more than what traded, always at the order's own price.
- A public order that arrives across our price would have traded with ours. What ours took of it stays out of
  the book that is shown (`taken`), though the record goes on to show it.
- A cancellation at our price is taken to come from behind us. Who cancels is not told; those at the back
  have least to lose by it, and to believe otherwise would fill us sooner than we deserve.

A trade also takes its contracts off the level, in a message of its own before or after it. Where that
message came first it was taken for a cancellation, and moved us up as far as the level forced it to; the
trade that follows finds this advance in `spare` and does not move us a second time.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from console.core.instruments import BID, BookSide, Instrument, InstrumentSpec, MarketState
from console.core.units import ONE, SECOND
from console.sim.orders import OwnOrder

NOWHERE = 2 * ONE  # beyond every price
MATCH_NS = SECOND // 4  # a trade and its change of the book are closer than this (recorded: 20 ms)


class Fill(Struct, frozen=True, array_like=True):
    """Contracts of ours that traded; `reached` says that a public order came across to us."""

    order: OwnOrder
    size: int
    reached: bool


class Place:
    """Where one order of ours stands: behind `ahead` public contracts; its turn among our own is `number`."""

    __slots__ = ("ahead", "left", "number", "order", "price", "spare", "spare_ts")

    def __init__(self, order: OwnOrder, number: int, ahead: int) -> None:
        self.order = order
        self.number = number
        self.price = order.yes_price
        self.left = order.left
        self.ahead = ahead
        self.spare = 0  # moved up by level changes that a trade has still to explain
        self.spare_ts = 0

    def bound(self, level: int, ts: int) -> None:
        """No more can be ahead than there is."""
        if self.ahead > level:
            if ts - self.spare_ts > MATCH_NS:
                self.spare = 0
            self.spare += self.ahead - level
            self.spare_ts = ts
            self.ahead = level

    def pushed(self, size: int, ts: int) -> int:
        """A trade of `size` at this price; returns what is left of it for the order."""
        if self.spare and ts - self.spare_ts <= MATCH_NS:
            explained = min(self.spare, size)
            self.spare -= explained
            size -= explained
        eaten = min(self.ahead, size)
        self.ahead -= eaten
        return size - eaten


class Half:
    """One side: public sizes by price, and our places, the best first; `best` is NOWHERE without one.

    `sign` is 1 for bids and -1 for asks, so that a larger `sign * price` is the better price on both sides.
    `peak` is the best public price, and the best there could be while it has to be looked for again.
    """

    __slots__ = ("best", "peak", "places", "sign", "sizes", "taken", "watched")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.sizes: dict[int, int] = {}  # emptied levels stay, as 0: there are only so many prices
        self.taken: dict[int, int] = {}  # public contracts that ours traded with and the record still shows
        self.places: list[Place] = []
        self.watched: dict[int, int] = {}  # own size by price; 0 where only something is taken
        self.best = -sign * NOWHERE
        self.peak = -sign * NOWHERE

    # ---- asking

    def top(self) -> int:
        """The best price of the record, as if we were not there; NOWHERE, the worst, while it is empty."""
        sign = self.sign
        if self.peak == sign * NOWHERE:
            prices = [sign * price for price, size in self.sizes.items() if size]
            self.peak = sign * max(prices, default=-NOWHERE)
        return self.peak

    def shown(self, price: int) -> int:
        """What others rest at a price, as far as we have not taken it."""
        return self.sizes.get(price, 0) - self.taken.get(price, 0)

    def levels(self) -> tuple[tuple[int, int], ...]:
        """(price, size) of every level, ours included, best first."""
        prices = {price for price, size in self.sizes.items() if size} | self.watched.keys()
        levels = ((price, self.shown(price) + self.watched.get(price, 0)) for price in prices)
        return tuple(sorted(((p, n) for p, n in levels if n > 0), reverse=self.sign > 0))

    def public_best(self) -> tuple[int, int] | None:
        """The best price of the record and the size at it, as if we were not there."""
        price = self.top()
        return (price, self.sizes[price]) if price in self.sizes else None

    def reaches(self, price: int) -> bool:
        """Whether an order of the other side at `price` would trade here, with others or with us."""
        sign, taken = self.sign, self.taken
        bound = sign * price
        if sign * self.best >= bound:
            return True
        if sign * self.top() < bound:
            return False
        near = [at for at, size in self.sizes.items() if size and sign * at >= bound]
        return any(self.sizes[at] > taken.get(at, 0) for at in near)

    # ---- others

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Take a new public side; what we took of a level is still gone from it."""
        self.sizes, self.peak = dict(levels), self.sign * NOWHERE
        for price in list(self.taken):
            self.forget_taken(price)

    def forget_taken(self, price: int) -> None:
        """What has left a level cannot be missing from it any more."""
        taken = min(self.taken.pop(price, 0), self.sizes.get(price, 0))
        if taken:
            self.taken[price] = taken
        self._index()

    def bound(self, price: int, ts: int) -> None:
        """A public level changed: nobody stands behind more than there is."""
        for place in self.places:
            if place.price == price:
                place.bound(self.shown(price), ts)

    def traded(self, price: int, size: int, ts: int) -> list[Fill]:
        """Somebody took `size` at `price` of this side; what of it would have been ours."""
        fills: list[Fill] = []
        for place in list(self.places):
            if size == 0 or self.sign * (place.price - price) < 0:
                break
            reaching = size if place.price != price else place.pushed(size, ts)
            ours = min(place.left, reaching)
            if ours:
                self.reduce(place, ours)
                fills.append(Fill(place.order, ours, reached=False))
                size -= ours
        return fills

    def met(self, price: int, other: Half) -> list[Fill]:
        """Public contracts of `other` at `price` trade with our orders of this side that they reach."""
        fills: list[Fill] = []
        arrived = other.shown(price)
        for place in list(self.places):
            if arrived <= 0 or self.sign * (place.price - price) < 0:
                break
            ours = min(place.left, arrived)
            self.reduce(place, ours)
            fills.append(Fill(place.order, ours, reached=True))
            arrived -= ours
        if fills:
            other.taken[price] = other.taken.get(price, 0) + sum(fill.size for fill in fills)
            other._index()
        return fills

    def take(self, limit: int, size: int) -> list[tuple[int, int]]:
        """Contracts of ours that take what others show, down to `limit`: (price, size) of each level.

        It stops before an order of our own: nobody trades with himself.
        """
        sign = self.sign
        taken: list[tuple[int, int]] = []
        for price in sorted(self.sizes, reverse=sign > 0):
            if size == 0 or sign * (price - limit) < 0 or sign * (self.best - price) >= 0:
                break
            ours = min(size, max(0, self.shown(price)))
            if ours:
                self.taken[price] = self.taken.get(price, 0) + ours
                taken.append((price, ours))
                size -= ours
        if taken:
            self._index()
        return taken

    # ---- ours

    def join(self, place: Place) -> None:
        """Stand in line."""
        self.places.append(place)
        self._index()

    def reduce(self, place: Place, by: int) -> None:
        """Take contracts off an order of ours, and the order out of the line when nothing is left."""
        place.left -= by
        if place.left == 0:
            self.places.remove(place)
        self._index()

    def _index(self) -> None:
        sign = self.sign
        if len(self.places) > 1:
            self.places.sort(key=lambda place: (-sign * place.price, place.number))
        self.best = self.places[0].price if self.places else -sign * NOWHERE
        self.watched = dict.fromkeys(self.taken, 0)
        for place in self.places:
            self.watched[place.price] = self.watched.get(place.price, 0) + place.left


class Queues:
    """The public book of a symbol, and our places in it."""

    __slots__ = (
        "_places",
        "_turn",
        "asks",
        "bids",
        "broke",
        "instrument",
        "legal",
        "negatives",
        "sound",
        "spec",
        "state",
        "streamed",
    )

    def __init__(self, instrument: Instrument, spec: InstrumentSpec) -> None:
        self.instrument = instrument
        self.bids = Half(1)
        self.asks = Half(-1)
        self.state = MarketState.OPEN
        self.streamed = False
        self.sound = False  # a snapshot has come, and nothing that makes it worthless since
        self.broke = False  # the last delta took a level below zero
        self.negatives = 0  # how many did
        self._places: dict[str, Place] = {}  # by client order id
        self._turn = 0
        self.define(spec)

    def define(self, spec: InstrumentSpec) -> None:
        """Take the venue's facts."""
        self.spec = spec
        self.legal = spec.ladder().index

    def half(self, side: BookSide) -> Half:
        """The side on which such orders rest."""
        return self.bids if side is BID else self.asks

    def opposite(self, side: BookSide) -> Half:
        """The side with which such orders trade."""
        return self.asks if side is BID else self.bids

    # ---- what others did

    def delta(self, side: BookSide, price: int, change: int) -> bool:
        """Change a public level; True when nothing of ours is near, and the message goes on as it is."""
        if side is BID:
            half = self.bids
            apart = price < self.asks.best
            better = price > half.peak
        else:
            half = self.asks
            apart = price > self.bids.best
            better = price < half.peak
        sizes = half.sizes
        try:
            size = sizes[price] + change
        except KeyError:
            size = change
        sizes[price] = size
        if size > 0:
            if better:
                half.peak = price
        elif price == half.peak:
            half.peak = half.sign * NOWHERE
        if size < 0:
            sizes[price] = 0
            self.negatives += 1
            self.sound, self.broke = False, True
            return False
        return apart and price not in half.watched

    def contested(self, side: BookSide, price: int, change: int, ts: int) -> tuple[list[Fill], int]:
        """After a delta that concerns us: what of ours traded, and the change of the level as it is shown."""
        half = self.half(side)
        size, taken = half.sizes[price], half.taken.get(price, 0)
        before = size - change - taken
        if taken > size:
            half.forget_taken(price)
        fills = self.opposite(side).met(price, half)
        half.bound(price, ts)
        return fills, half.shown(price) - before

    def snapshot(
        self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]], ts: int
    ) -> list[Fill]:
        """Replace the public book; what of ours trades with what it brings."""
        self.sound = True
        self.bids.replace(bids)
        self.asks.replace(asks)
        fills: list[Fill] = []
        for half, other in ((self.bids, self.asks), (self.asks, self.bids)):
            if half.places:
                for price in sorted(other.sizes, reverse=other.sign > 0):
                    fills += half.met(price, other)
        for half in (self.bids, self.asks):
            for price in half.watched:
                half.bound(price, ts)
        return fills

    def trade(self, taker: BookSide, price: int, size: int, ts: int) -> list[Fill]:
        """Somebody took `size` at `price`; what of it would have been ours."""
        half = self.opposite(taker)
        return half.traded(price, size, ts) if half.sign * (half.best - price) >= 0 else []

    def stands(self, order: OwnOrder) -> bool:
        """Whether an order stands here with all that is left of it."""
        place = self._places.get(order.order_id)
        return place is not None and place.left == order.left

    # ---- what we do

    def enter(self, order: OwnOrder) -> None:
        """Let an order of ours rest, last in the queue of its price."""
        self._turn += 1
        half = self.half(order.side)
        place = Place(order, self._turn, max(0, half.shown(order.yes_price)))
        self._places[order.order_id] = place
        half.join(place)

    def shrink(self, order: OwnOrder) -> None:
        """Let an order that has become smaller stand where it stood."""
        place = self._places[order.order_id]
        self.half(order.side).reduce(place, place.left - order.left)

    def leave(self, order: OwnOrder) -> None:
        """Take an order of ours out, if it still stands."""
        place = self._places.pop(order.order_id)
        if place.left:
            self.half(order.side).reduce(place, place.left)
