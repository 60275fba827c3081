"""One symbol as the engine knows it: the venue's facts, its book, and whether it trades."""

from __future__ import annotations

from console.core.book import NEVER, Book, Face, Stream
from console.core.fees import FeeModel
from console.core.instruments import BookSide, Instrument, InstrumentSpec, MarketState
from console.core.orders import Blotter
from console.core.reasons import Reason
from console.core.units import SECOND, Nanos


class Market:
    """A symbol by its YES leg. Unknown until the venue defines it, then its book waits for a snapshot."""

    __slots__ = ("book", "fees_before", "fees_changed_ts", "instrument", "probed_ts", "spec", "state")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.spec: InstrumentSpec | None = None
        self.book: Book | None = None
        self.state = MarketState.OPEN
        self.probed_ts = Nanos(0)
        self.fees_before: FeeModel | None = None  # the fees until their last change
        self.fees_changed_ts = NEVER

    def define(self, spec: InstrumentSpec, stream: Stream, ts: Nanos = NEVER) -> None:
        """Take the venue's facts; levels carry over to a new price grid as far as they fit it."""
        old = self.book
        if self.spec is not None and self.spec.fees != spec.fees:
            self.fees_before, self.fees_changed_ts = self.spec.fees, ts
        if self.spec is not None and old is not None and spec.ladder().prices == old.ladder.prices:
            self.spec = spec
            return
        self.spec = spec
        self.book = Book(spec.ladder(), stream)
        self.book.crossings = old.crossings if old is not None else 0
        if old is not None and not old.stale:
            levels = list(old.levels())
            bids = [(price, bid) for price, bid, _ in levels if bid]
            asks = [(price, ask) for price, _, ask in levels if ask]
            self.book.snapshot(bids, asks, old.confirmed_ts)

    @property
    def over(self) -> bool:
        """The venue says that it does not trade any more: what is held waits for its settlement."""
        return self.state in (MarketState.CLOSED, MarketState.RESOLVED)

    def face(self, blotter: Blotter, side: BookSide) -> Face:
        """One side of the book with our own orders taken out."""
        assert self.book is not None, f"{self.instrument} has no book yet"
        return Face(self.book, side, blotter.own_sizes(self.instrument, side))

    def trouble(self, ts: Nanos, age_max_s: int, quote_empty: bool) -> Reason | None:
        """Why nothing may rest here now; None when the symbol can be quoted."""
        if self.book is None:
            return Reason.NO_BOOK
        if self.state is not MarketState.OPEN:
            return Reason.NOT_OPEN
        problem = self.book.problem(quote_empty)
        if problem is None and ts - self.book.confirmed_ts > age_max_s * SECOND:
            return Reason.STALE_BOOK
        return problem
