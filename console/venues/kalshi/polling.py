"""Public books and trades without a key: the stream asks for one, so REST is read again and again."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec
from msgspec import Struct

from console.core.events import BookStale, Trade, VenueDown, VenueUp
from console.core.instruments import BookSide, Instrument, Venue
from console.core.units import Price, Size
from console.venues.base.backoff import Backoff
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.kalshi.account import on_bid
from console.venues.kalshi.books import BOOKS_MAX, Books
from console.venues.kalshi.mirror import Mirror, parse_books
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.wire import UNREADABLE, ParseError, change, instrument, leg_price

POLL_S: Final = 1.0
TRADES_S: Final = 2.0


class _Trade(Struct, frozen=True):
    trade_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    taker_book_side: str
    is_block_trade: bool = False


class _Trades(Struct, frozen=True):
    trades: tuple[_Trade, ...]


def parse_trades(body: bytes) -> list[tuple[str, Trade]]:
    """Read ``GET /markets/trades``, oldest first: trades with their ids; block trades took nobody's order."""
    try:
        told = msgspec.json.decode(body, type=_Trades)
    except UNREADABLE as error:
        raise ParseError("trades listing", "", str(error)) from error
    return [(row.trade_id, _trade(row)) for row in reversed(told.trades) if not row.is_block_trade]


def _trade(row: _Trade) -> Trade:
    try:
        return Trade(
            instrument=instrument(row.ticker),
            price=Price(leg_price(row.yes_price_dollars)),
            size=Size(change(row.count_fp)),
            taker=BookSide.BID if on_bid(row.taker_book_side) else BookSide.ASK,
        )
    except ValueError as error:
        raise ParseError("trades listing", row.ticker, str(error)) from error


class Polling:
    """Reads what the markets subscribed to show, once a second."""

    def __init__(self, rest: Rest, books: Books) -> None:
        self._rest = rest
        self._books = books
        self._seen: dict[str, None] = {}
        self._since = int(time.time())
        self._traded = 0.0
        self._up = False

    async def run(self, put: Put) -> None:
        """Put books and trades until cancelled."""
        backoff = Backoff()
        while True:
            try:
                await self._round(put)
                backoff.worked()
                await asyncio.sleep(POLL_S)
            except (Refused, Unanswered, ParseError) as error:
                self._up = False
                put(VenueDown(venue=Venue.KALSHI, why=str(error)))
                await asyncio.sleep(backoff.next_s())

    async def _round(self, put: Put) -> None:
        markets = [m for m in self._books.markets.values() if m.listing is not None]
        if not self._up:
            await self._rest.get("/exchange/status")
            self._up = True
            put(VenueUp(venue=Venue.KALSHI))
        for first in range(0, len(markets), BOOKS_MAX):
            await self._read(markets[first : first + BOOKS_MAX], put)
        if time.monotonic() - self._traded >= TRADES_S:
            self._traded = time.monotonic()
            for market in markets:
                await self._trades(market.instrument, put)
            self._since = int(time.time()) - 5

    async def _read(self, markets: list[Mirror], put: Put) -> None:
        query = "&".join(f"tickers={m.instrument.symbol}" for m in markets)
        told = parse_books(await self._rest.get(f"/markets/orderbooks?{query}"))
        for market in markets:
            levels = told.get(market.instrument)
            if levels is None:
                put(BookStale(instrument=market.instrument, why="the venue does not list its book"))
            else:
                market.levels = levels
                put(market.book())

    async def _trades(self, market: Instrument, put: Put) -> None:
        body = await self._rest.get(f"/markets/trades?ticker={market.symbol}&min_ts={self._since}")
        for trade_id, trade in parse_trades(body):
            if trade_id not in self._seen:
                self._seen[trade_id] = None
                put(trade)
        while len(self._seen) > 10_000:
            del self._seen[next(iter(self._seen))]
