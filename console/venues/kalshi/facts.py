"""The facts of markets as REST tells them: their events, series and fees, kept until they change."""

from __future__ import annotations

import time
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from console.config.tables import KalshiTable
from console.core.fees import KALSHI_UNIT_BROKER, KALSHI_UNIT_DIRECT
from console.core.units import SECOND
from console.venues.kalshi.listings import EventListing, FeeTerms, Listing, parse_event, parse_series
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.wire import UNREADABLE, Moment, ParseError, nanos

S = TypeVar("S", bound=Struct)

TERMS_KEEP_S: Final = 300.0  # how long a series' fees are believed without being read again


class _MarketEvent(Struct, frozen=True):
    event_ticker: str


class _MarketBody(Struct, frozen=True):
    market: _MarketEvent


class _EventSeries(Struct, frozen=True):
    series_ticker: str


class _EventBody(Struct, frozen=True):
    event: _EventSeries


class _SeriesChange(Struct, frozen=True):
    scheduled_ts: Moment


class _SeriesChanges(Struct, frozen=True):
    series_fee_change_arr: tuple[_SeriesChange, ...]


class Facts:
    """Reads what markets are; series are remembered for a while."""

    def __init__(self, rest: Rest, table: KalshiTable) -> None:
        self._rest = rest
        self._unit = KALSHI_UNIT_BROKER if table.precision == "broker" else KALSHI_UNIT_DIRECT
        self._worst = table.fee_model == "taker10"
        self._terms: dict[str, tuple[float, FeeTerms]] = {}
        self._events: dict[str, str] = {}  # market -> event

    async def event_of(self, ticker: str) -> str:
        """The event a market belongs to; raises Refused (NOT_FOUND), Unanswered, ParseError."""
        event = self._events.get(ticker)
        if event is None:
            body = await self._rest.get(f"/markets/{ticker}")
            event = _decode(body, "market", ticker, _MarketBody).market.event_ticker
            self._events[ticker] = event
        return event

    async def event(self, ticker: str) -> EventListing:
        """An event with its markets and their fees; raises Refused, Unanswered, ParseError."""
        body = await self._rest.get(f"/events/{ticker}")
        series = _decode(body, "event", ticker, _EventBody).event.series_ticker
        listing = parse_event(body, await self.terms(series))
        for market in listing.listings:
            self._events[market.instrument.symbol] = listing.ticker
        return listing

    async def market(self, ticker: str) -> Listing:
        """One market; raises Refused, Unanswered, ParseError."""
        event = await self.event(await self.event_of(ticker))
        for market in event.listings:
            if market.instrument.symbol == ticker:
                return market
        raise ParseError("event listing", ticker, f"{event.ticker} does not list it")

    async def terms(self, series: str) -> FeeTerms:
        """The fees of a series; a change that was scheduled ends what is remembered."""
        kept = self._terms.get(series)
        if kept is not None and time.time() < kept[0]:
            return kept[1]
        terms = parse_series(await self._rest.get(f"/series/{series}"), self._unit, worst=self._worst)
        until = min(time.time() + TERMS_KEEP_S, await self._next_change(series))
        self._terms[series] = (until, terms)
        return terms

    async def _next_change(self, series: str) -> float:
        """The next scheduled change of a series' fees, seconds since 1970; far away when there is none."""
        body = await self._rest.get(f"/series/fee_changes?series_ticker={series}")
        changes = _decode(body, "fee changes", series, _SeriesChanges).series_fee_change_arr
        now = time.time()
        ahead = [nanos(change.scheduled_ts) / SECOND for change in changes]
        return min([at for at in ahead if at > now], default=float("inf"))


def _decode(body: bytes, kind: str, market: str, shape: type[S]) -> S:
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        raise ParseError(f"{kind} listing", market, str(error)) from error
