"""One market as this client follows it: its facts, its state, and the book as the stream has told it."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from console.core.events import BookDelta, BookSnapshot
from console.core.instruments import BookSide, Instrument, MarketState
from console.core.units import ONE, Nanos
from console.venues.kalshi.listings import Listing
from console.venues.kalshi.wire import UNREADABLE, ParseError, change, instrument, leg_price

S = TypeVar("S")
Levels = dict[tuple[BookSide, int], int]  # contracts by side and YES price

NEVER: Final = float("-inf")


class Mirror:
    """A market somebody subscribed to. Times are monotonic seconds."""

    __slots__ = (
        "asked",
        "closes_wall",
        "heard",
        "instrument",
        "levels",
        "listing",
        "settled",
        "shown",
        "sound",
        "state",
        "suspect",
        "told",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.listing: Listing | None = None
        self.state = MarketState.OPEN  # the market's own, whatever its shard does
        self.shown: MarketState | None = None  # what was last put
        self.told = NEVER  # when the stream last said something of its facts or state
        self.closes_wall = Nanos(0)
        self.settled = False
        self.levels: Levels = {}
        self.sound = False  # the levels follow the stream without a gap
        self.heard = NEVER  # when the stream last told of its book
        self.asked: float | None = None  # when a snapshot was asked for that has not come
        self.suspect = False  # REST showed another book than the stream

    def snapshot(self, event: BookSnapshot, now: float) -> bool:
        """Take a snapshot; False when a stream without a gap had told another book: it loses messages."""
        fresh: Levels = {}
        for side, levels in ((BookSide.BID, event.bids), (BookSide.ASK, event.asks)):
            for price, size in levels:
                fresh[side, price] = fresh.get((side, price), 0) + size
        honest = not self.suspect or fresh == self.levels
        self.levels, self.sound, self.heard = fresh, True, now
        self.asked, self.suspect = None, False
        return honest

    def delta(self, event: BookDelta, now: float) -> None:
        """Take a change."""
        key = (event.side, event.price)
        left = self.levels.get(key, 0) + event.change
        if left > 0:
            self.levels[key] = left
        else:
            self.levels.pop(key, None)
        self.heard = now

    def distrust(self) -> None:
        """The levels no longer follow the stream."""
        self.sound = False

    def book(self) -> BookSnapshot:
        """The book as it stands."""
        sides: dict[BookSide, list[tuple[int, int]]] = {BookSide.BID: [], BookSide.ASK: []}
        for (side, price), size in self.levels.items():
            sides[side].append((price, size))
        return BookSnapshot(
            instrument=self.instrument, bids=tuple(sides[BookSide.BID]), asks=tuple(sides[BookSide.ASK])
        )


class _Ladders(Struct, frozen=True):
    yes_dollars: tuple[tuple[str, str], ...]
    no_dollars: tuple[tuple[str, str], ...]


class _Book(Struct, frozen=True):
    ticker: str
    orderbook_fp: _Ladders


class _Books(Struct, frozen=True):
    orderbooks: tuple[_Book, ...]


def parse_books(body: bytes) -> dict[Instrument, Levels]:
    """Read ``GET /markets/orderbooks``: both ladders are bids, each in prices of its own leg."""
    try:
        told = msgspec.json.decode(body, type=_Books)
    except UNREADABLE as error:
        raise ParseError("orderbooks listing", "", str(error)) from error
    return {instrument(book.ticker): _levels(book) for book in told.orderbooks}


def _levels(book: _Book) -> Levels:
    levels: Levels = {}
    try:
        for price, size in book.orderbook_fp.yes_dollars:
            levels[BookSide.BID, leg_price(price)] = change(size)
        for price, size in book.orderbook_fp.no_dollars:
            levels[BookSide.ASK, ONE - leg_price(price)] = change(size)
    except ValueError as error:
        raise ParseError("orderbooks listing", book.ticker, str(error)) from error
    return {key: size for key, size in levels.items() if size}
