"""Books: worst level first on the wire, changes as new totals, and a hash that proves what we hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.events import AnyEvent, BookDelta, BookSnapshot, BookStale, Trade
from console.core.instruments import BookSide, Instrument
from console.core.units import ONE, Price, Size, decimal
from console.venues.polymarket.wire import ParseError, amount, read

NO_HASH: Final = "0" * 40  # of a book that never had an order
DOUBTS_MAX: Final = 3  # so many books in a row that did not fit their hash say something of the hash


class Level(Struct, frozen=True, gc=False):
    """One price, as it is spelled."""

    price: str
    size: str


class BookMessage(Struct, frozen=True, tag="book", tag_field="event_type"):
    """The whole book of a token, on subscribing and again after trades."""

    market: str
    asset_id: str
    timestamp: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    hash: str = ""
    tick_size: str = ""
    last_trade_price: str = ""


class Change(Struct, frozen=True, gc=False):
    """The new total of one level of one token; `hash` is of that token's book after the whole message."""

    asset_id: str
    price: str
    size: str
    side: str
    hash: str = ""
    best_bid: str = ""
    best_ask: str = ""


class PriceChange(Struct, frozen=True, tag="price_change", tag_field="event_type"):
    """Levels that changed, of both tokens of a market."""

    market: str
    price_changes: tuple[Change, ...]
    timestamp: str


class LastTrade(Struct, frozen=True, tag="last_trade_price", tag_field="event_type"):
    """A match; `side` is the taker's."""

    market: str
    asset_id: str
    price: str
    size: str
    side: str
    timestamp: str
    transaction_hash: str | None = None


class TickSizeChange(Struct, frozen=True, tag="tick_size_change", tag_field="event_type"):
    """The grid changed: the book begins afresh."""

    market: str
    asset_id: str
    old_tick_size: str
    new_tick_size: str
    timestamp: str


class MarketResolved(Struct, frozen=True, tag="market_resolved", tag_field="event_type"):
    """The market is decided."""

    market: str
    assets_ids: tuple[str, ...]
    winning_asset_id: str
    winning_outcome: str = ""


class BestBidAsk(Struct, frozen=True, tag="best_bid_ask", tag_field="event_type"):
    """The best prices; the book says the same."""

    market: str
    asset_id: str


class NewMarket(Struct, frozen=True, tag="new_market", tag_field="event_type"):
    """A market opened somewhere."""

    id: str


MarketMessage = (
    BookMessage | PriceChange | LastTrade | TickSizeChange | MarketResolved | BestBidAsk | NewMarket
)

_ONE_MESSAGE: Final[msgspec.json.Decoder[MarketMessage]] = msgspec.json.Decoder(MarketMessage)
_KIND: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS: Final = frozenset(
    {"book", "price_change", "last_trade_price", "tick_size_change", "market_resolved", "best_bid_ask"}
    | {"new_market"}
)


class RestBook(Struct, frozen=True):
    """``GET /book`` and the entries of ``POST /books``: what the stream leaves out is in here."""

    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    min_order_size: str
    tick_size: str
    neg_risk: bool
    last_trade_price: str = ""


def parse_frame(frame: str | bytes) -> list[MarketMessage]:
    """The messages of one frame: an object or an array of them. Plain words are none.

    Raises ParseError for JSON that is no message; a kind of message we do not know passes as nothing.
    """
    text = frame if isinstance(frame, bytes) else frame.encode()
    if text[:1] == b"{":
        found = _message(text)
        return [] if found is None else [found]
    if text[:1] != b"[":
        return []  # PONG, NO NEW ASSETS
    try:
        parts = msgspec.json.decode(text, type=tuple[msgspec.Raw, ...])
    except UNREADABLE as error:
        raise ParseError("market frame", "", str(error)) from error
    return [found for part in parts if (found := _message(bytes(part))) is not None]


def _message(text: bytes) -> MarketMessage | None:
    try:
        return _ONE_MESSAGE.decode(text)
    except UNREADABLE as error:
        return _unread(text, error)


def _unread(text: bytes, error: Exception) -> MarketMessage | None:
    """Tell a message of an unknown kind from one of ours that does not say what it must."""
    try:
        fields = _KIND.decode(text)
        kind = msgspec.json.decode(fields.get("event_type", b'""'), type=str)
        subject = msgspec.json.decode(fields.get("market", b'""'), type=str)
    except UNREADABLE:
        raise ParseError("market message", "", str(error)) from error
    if kind in _KINDS or not kind:
        raise ParseError(f"{kind or 'market'} message", subject, str(error)) from error
    return None


def parse_book(body: bytes) -> RestBook:
    """Read ``GET /book``; raises ParseError."""
    return read(body, RestBook, "book")


def parse_books(body: bytes) -> tuple[RestBook, ...]:
    """Read ``POST /books``, which answers in an order of its own; raises ParseError."""
    return read(body, tuple[RestBook, ...], "books")


def book_hash(
    market: str,
    token: str,
    timestamp: str,
    bids: Iterable[tuple[str, str]],
    asks: Iterable[tuple[str, str]],
    min_order_size: str,
    tick_size: str,
    neg_risk: bool,
    last_trade_price: str,
) -> str:
    """The venue's hash of a book; levels worst first, every text as it was spelled."""
    text = (
        f'{{"market":"{market}","asset_id":"{token}","timestamp":"{timestamp}","hash":"",'
        f'"bids":[{_spelled(bids)}],"asks":[{_spelled(asks)}],"min_order_size":"{min_order_size}",'
        f'"tick_size":"{tick_size}","neg_risk":{"true" if neg_risk else "false"},'
        f'"last_trade_price":"{last_trade_price}"}}'
    )
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _spelled(levels: Iterable[tuple[str, str]]) -> str:
    return ",".join([f'{{"price":"{price}","size":"{size}"}}' for price, size in levels])


class TokenBook:
    """The book of one market as its first token sees it, kept as the wire spells it.

    Its events are in prices of the YES leg on the grid of the present tick: a level off it, left from a
    finer grid, counts on the rung that is worse for whoever rests there.
    """

    def __init__(self, instrument: Instrument, market: str, token: str, other: str, tick: int) -> None:
        self.instrument = instrument
        self.market = market
        self.token = token
        self.other = other
        self.tick = tick
        self.sound = False
        self.stamp = 0  # of the last state taken, ms
        self.bids: dict[int, tuple[str, str]] = {}
        self.asks: dict[int, tuple[str, str]] = {}
        self.tick_size = ""
        self._min_order_size = ""
        self._neg_risk = False
        self._last_trade = ""
        self._read_stamp = -1  # of the state a read brought, where it is not the stream's own
        self._doubts = 0  # hashes in a row that did not fit
        self._trade: tuple[str, str, int, str, str | None] | None = None

    # ---- what the stream says

    def take(self, message: BookMessage) -> list[AnyEvent]:
        """A whole book. Raises ParseError for levels that cannot be read."""
        if message.asset_id != self.token:
            return []
        self._last_trade = message.last_trade_price
        self.tick_size = message.tick_size or self.tick_size
        self._replace(message.bids, message.asks, int(message.timestamp))
        return [self.snapshot()]

    def change(self, message: PriceChange) -> list[AnyEvent]:
        """Changed levels, then the proof that what we hold is what the venue holds."""
        stamp = int(message.timestamp)
        mine = [change for change in message.price_changes if change.asset_id == self.token]
        if not self.sound or not mine or stamp < self.stamp:  # older than a book read by REST meanwhile
            return []
        self.stamp = stamp
        events: list[AnyEvent] = []
        for change in mine:
            event = self._level(change)
            if event is not None:
                events.append(event)
        # A read may hold more of its own millisecond than the stream has told: totals only, no proof yet.
        why = "" if stamp == self._read_stamp else self._proof(mine[-1], message.timestamp, mine)
        if why:
            self.sound = False
            events.append(BookStale(instrument=self.instrument, why=why))
        return events

    def trade(self, message: LastTrade) -> list[AnyEvent]:
        """A match, in prices of the first token, once: a venue that tells both tokens tells it twice."""
        own = message.asset_id == self.token
        price, size = amount(message.price), amount(message.size)
        yes = price if own else ONE - price
        self._last_trade = message.price
        seen = (message.timestamp, message.asset_id, yes, message.size, message.transaction_hash)
        last = self._trade
        again = last is not None and last[1] != seen[1] and (last[0], *last[2:]) == (seen[0], *seen[2:])
        self._trade = None if again else seen
        if again:
            return []
        bought = (message.side == "BUY") is own
        taker = BookSide.BID if bought else BookSide.ASK
        return [Trade(instrument=self.instrument, price=Price(yes), size=Size(size), taker=taker)]

    def regrid(self, tick: int, spelled: str) -> list[AnyEvent]:
        """The tick changed: nothing of the book is believed before it is told anew."""
        self.tick, self.tick_size, self.sound = tick, spelled, False
        return [BookStale(instrument=self.instrument, why="the tick size changed")]

    def lost(self, why: str) -> list[AnyEvent]:
        """The stream is gone or cannot be read."""
        if not self.sound:
            return []
        self.sound = False
        return [BookStale(instrument=self.instrument, why=why)]

    # ---- what a read says

    def compare(self, rest: RestBook) -> tuple[list[AnyEvent], bool]:
        """Take a book that was read; and whether the stream owes us what it shows and we have not heard."""
        self._min_order_size, self._neg_risk = rest.min_order_size, rest.neg_risk
        self.tick_size = self.tick_size or rest.tick_size
        stamp = int(rest.timestamp)
        if self.sound and (self._same(rest) or stamp < self.stamp):
            return [self.snapshot()], False
        owes = self.sound
        self.tick_size, self._last_trade = rest.tick_size, rest.last_trade_price
        self._replace(rest.bids, rest.asks, stamp)
        self._read_stamp = stamp
        return [self.snapshot()], owes

    def snapshot(self) -> BookSnapshot:
        """The book as it stands."""
        return BookSnapshot(
            instrument=self.instrument,
            bids=self._rungs(self.bids, -1),
            asks=self._rungs(self.asks, 1),
        )

    @property
    def provable(self) -> bool:
        """A read has told what the stream leaves out and the hash needs."""
        return bool(self._min_order_size)

    def best_ask(self) -> int | None:
        """The lowest offer of the first token, own orders included."""
        return min(self.asks, default=None)

    def best_bid(self) -> int | None:
        """The highest bid for the first token, own orders included."""
        return max(self.bids, default=None)

    # ---- inside

    def _replace(self, bids: Iterable[Level], asks: Iterable[Level], stamp: int) -> None:
        try:
            self.bids = {amount(level.price): (level.price, level.size) for level in bids}
            self.asks = {amount(level.price): (level.price, level.size) for level in asks}
            for _, size in (*self.bids.values(), *self.asks.values()):
                amount(size)
        except ValueError as error:
            self.sound = False
            raise ParseError("book", self.market, str(error)) from error
        self.stamp, self.sound = stamp, True

    def _level(self, change: Change) -> BookDelta | None:
        try:
            price, size = amount(change.price), amount(change.size)
        except ValueError as error:
            raise ParseError("price_change", self.market, str(error)) from error
        side = BookSide.BID if change.side == "BUY" else BookSide.ASK
        levels = self.bids if side is BookSide.BID else self.asks
        before = amount(levels[price][1]) if price in levels else 0
        if size:
            levels[price] = (change.price, change.size)
        else:
            levels.pop(price, None)
        if size == before:
            return None
        rung = self._rung(price, -1 if side is BookSide.BID else 1)
        return BookDelta(instrument=self.instrument, side=side, price=Price(rung), change=Size(size - before))

    def _proof(self, last: Change, timestamp: str, changes: list[Change]) -> str:
        """Why what we hold is not what the venue holds; empty when it is.

        The last trade price in the hash may be one we are told of only next: those of this message fit.
        """
        if not last.hash or not self._min_order_size or last.hash == NO_HASH:
            return self._best_differs(last)
        if self._hash(timestamp, self._last_trade) == last.hash:
            self._doubts = 0
            return ""
        for spelled in _trade_prices(changes):
            if self._hash(timestamp, spelled) == last.hash:
                self._last_trade, self._doubts = spelled, 0
                return ""
        self._doubts += 1
        return "the book hash differs" if self._doubts <= DOUBTS_MAX else self._best_differs(last)

    def _hash(self, timestamp: str, last_trade: str) -> str:
        return book_hash(
            self.market,
            self.token,
            timestamp,
            [self.bids[price] for price in sorted(self.bids)],
            [self.asks[price] for price in sorted(self.asks, reverse=True)],
            self._min_order_size,
            self.tick_size,
            self._neg_risk,
            last_trade,
        )

    def _best_differs(self, last: Change) -> str:
        """A weaker proof: the best prices the message names."""
        for told, best in ((last.best_bid, self.best_bid()), (last.best_ask, self.best_ask())):
            if told and amount(told) not in (
                best,
                0 if best is None else best,
                ONE if best is None else best,
            ):
                return "the best price differs"
        return ""

    def _same(self, rest: RestBook) -> bool:
        return all(
            levels == {amount(level.price): (level.price, level.size) for level in told}
            for levels, told in ((self.bids, rest.bids), (self.asks, rest.asks))
        )

    def _rungs(self, levels: dict[int, tuple[str, str]], away: int) -> tuple[tuple[int, int], ...]:
        sizes: dict[int, int] = {}
        for price in sorted(levels, reverse=away < 0):
            rung = self._rung(price, away)
            sizes[rung] = sizes.get(rung, 0) + amount(levels[price][1])
        return tuple(sizes.items())

    def _rung(self, price: int, away: int) -> int:
        """The price on the grid, rounded away from the middle, never off its ends."""
        down = price // self.tick * self.tick
        rung = down if away < 0 or down == price else down + self.tick
        return max(self.tick, min(ONE - self.tick, rung))


def _trade_prices(changes: Iterable[Change]) -> list[str]:
    """How the price of a trade behind these changes may be spelled, of either token."""
    spelled: dict[str, None] = {}
    for change in changes:
        price = amount(change.price)
        for value in (price, ONE - price):
            spelled[decimal(value)[:5]] = spelled[decimal(value)[:6]] = None
        spelled[change.price] = None
    return list(spelled)


def subscription(tokens: Iterable[str]) -> str:
    """The first message of a market connection."""
    return msgspec.json.encode(
        {
            "assets_ids": list(tokens),
            "type": "market",
            "custom_feature_enabled": True,
            "initial_dump": True,
            "level": 2,
        }
    ).decode()


def more(tokens: Iterable[str], *, add: bool) -> str:
    """Add tokens to a connection, or take them off."""
    operation = "subscribe" if add else "unsubscribe"
    return msgspec.json.encode(
        {"operation": operation, "assets_ids": list(tokens), "custom_feature_enabled": True}
    ).decode()


def books_request(tokens: Iterable[str]) -> bytes:
    """The body of ``POST /books``."""
    return msgspec.json.encode([{"token_id": token} for token in tokens])
