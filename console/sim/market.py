"""One symbol's book at a simulated venue: a queue at every price, first come first served."""

from __future__ import annotations

from collections.abc import Iterator

from console.core.events import AnyEvent, BookDelta, BookSnapshot, Settled
from console.core.instruments import (
    ASK,
    BID,
    BookSide,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    MarketState,
)
from console.core.units import Price, Size


class Resting:
    """One order in a queue. `order_id` is ours, empty for everybody else's; `number` is its turn."""

    __slots__ = ("half", "left", "number", "order_id", "owner", "rung", "symbol")

    def __init__(
        self,
        number: int,
        owner: str,
        symbol: str,
        half: Half,
        rung: int,
        left: int,
        order_id: ClientOrderId,
    ) -> None:
        self.number = number
        self.owner = owner
        self.symbol = symbol
        self.half = half
        self.rung = rung
        self.left = left  # contracts that still rest, millionths
        self.order_id = order_id


class Half:
    """One side of a book by rung of the ladder; `best` is off the ladder while nothing rests."""

    __slots__ = ("best", "queues", "side", "sizes", "worse")

    def __init__(self, side: BookSide, rungs: int) -> None:
        self.side = side
        self.worse = -1 if side is BID else 1  # the direction of worse prices
        self.best = -1 if side is BID else rungs
        self.sizes = [0] * rungs
        self.queues: list[dict[int, Resting]] = [{} for _ in range(rungs)]

    @property
    def empty(self) -> bool:
        """Nothing rests on this side."""
        return not 0 <= self.best < len(self.sizes)

    def reaches(self, rung: int) -> bool:
        """Whether the best order would trade with somebody whose limit is `rung`."""
        best = self.best
        return (rung - best) * self.worse >= 0 and 0 <= best < len(self.sizes)

    def next_best(self, after: int) -> int:
        """The best rung worse than `after` at which something rests; off the ladder if none."""
        sizes, rungs, worse = self.sizes, len(self.sizes), self.worse
        rung = after + worse
        while 0 <= rung < rungs and not sizes[rung]:
            rung += worse
        return rung

    def best_without(self, order: Resting | None) -> int:
        """The best rung at which anybody but `order` rests; off the ladder if nobody does."""
        if order is None or order.rung != self.best or self.sizes[self.best] > order.left:
            return self.best
        return self.next_best(self.best)

    def add(self, order: Resting) -> None:
        """Put an order at the end of the queue of its price."""
        rung = order.rung
        self.queues[rung][order.number] = order
        self.sizes[rung] += order.left
        if (rung - self.best) * self.worse < 0:
            self.best = rung

    def reduce(self, order: Resting, by: int) -> None:
        """Take `by` contracts off an order, and the order out of its queue when nothing is left."""
        rung = order.rung
        order.left -= by
        self.sizes[rung] -= by
        if order.left == 0:
            del self.queues[rung][order.number]
            if rung == self.best and not self.sizes[rung]:
                self.best = self.next_best(rung)

    def orders(self) -> Iterator[Resting]:
        """Every resting order, best price first, then in turn."""
        rung = self.best
        while 0 <= rung < len(self.sizes):
            yield from self.queues[rung].values()
            rung = self.next_best(rung)

    def levels(self, prices: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """(price, size) of every level, best first."""
        levels, rung = [], self.best
        while 0 <= rung < len(self.sizes):
            levels.append((prices[rung], self.sizes[rung]))
            rung = self.next_best(rung)
        return tuple(levels)


class Market:
    """The book, facts and state of one symbol; while `streamed` it reports every change to `public`."""

    __slots__ = (
        "asks",
        "bids",
        "instrument",
        "ladder",
        "prices",
        "public",
        "settled",
        "spec",
        "state",
        "streamed",
    )

    def __init__(self, instrument: Instrument, spec: InstrumentSpec, public: list[AnyEvent]) -> None:
        self.instrument = instrument
        self.spec = spec
        self.ladder = spec.ladder()
        self.prices = self.ladder.prices
        self.bids = Half(BID, len(self.prices))
        self.asks = Half(ASK, len(self.prices))
        self.state = MarketState.OPEN
        self.settled: Settled | None = None
        self.streamed = False
        self.public = public

    def regrid(self, spec: InstrumentSpec) -> None:
        """Trade on another grid of prices from now on; everything that rests must fit it."""
        resting = self.orders()
        at = {order.number: self.prices[order.rung] for order in resting}
        self.spec, self.ladder = spec, spec.ladder()
        self.prices = self.ladder.prices
        self.bids, self.asks = Half(BID, len(self.prices)), Half(ASK, len(self.prices))
        for order in resting:
            order.half = self.half(order.half.side)
            order.rung = self.ladder.index[at[order.number]]
            order.half.add(order)

    def half(self, side: BookSide) -> Half:
        """The side on which such orders rest."""
        return self.bids if side is BID else self.asks

    def opposite(self, side: BookSide) -> Half:
        """The side with which such orders trade."""
        return self.asks if side is BID else self.bids

    def add(self, order: Resting) -> None:
        """Let an order rest behind the others of its price."""
        half = order.half
        half.add(order)
        if self.streamed:
            self._report(half.side, order.rung, order.left)

    def reduce(self, order: Resting, by: int) -> None:
        """Take `by` contracts off a resting order; with all of it the order leaves."""
        half = order.half
        half.reduce(order, by)
        if self.streamed:
            self._report(half.side, order.rung, -by)

    def snapshot(self) -> BookSnapshot:
        """The whole book as it stands."""
        return BookSnapshot(
            instrument=self.instrument,
            bids=self.bids.levels(self.prices),
            asks=self.asks.levels(self.prices),
        )

    def orders(self) -> list[Resting]:
        """Every resting order of both sides, by turn."""
        return sorted([*self.bids.orders(), *self.asks.orders()], key=_turn)

    def defect(self) -> str | None:
        """Say in one line how the book contradicts itself, or None."""
        if not (self.bids.empty or self.asks.empty) and self.bids.best >= self.asks.best:
            return f"{self.instrument}: crossed at {self.prices[self.bids.best]}"
        for half in (self.bids, self.asks):
            for rung, queue in enumerate(half.queues):
                if not queue and not half.sizes[rung]:
                    continue
                if sum(order.left for order in queue.values()) != half.sizes[rung]:
                    return f"{self.instrument}: the queue at {self.prices[rung]} does not sum to its size"
                if any(order.left <= 0 for order in queue.values()):
                    return f"{self.instrument}: an empty order rests at {self.prices[rung]}"
        return None

    def _report(self, side: BookSide, rung: int, change: int) -> None:
        price = Price(self.prices[rung])
        self.public.append(BookDelta(instrument=self.instrument, side=side, price=price, change=Size(change)))


def _turn(order: Resting) -> int:
    return order.number
