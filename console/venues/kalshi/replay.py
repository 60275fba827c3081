"""Recorded frames as events to believe: markets defined before they are mentioned, books sound or stale."""

from __future__ import annotations

import enum
import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    Settled,
    Trade,
)
from console.core.instruments import Instrument, InstrumentSpec, MarketState
from console.core.ladders import Band
from console.core.units import MILLISECOND, Nanos
from console.venues.kalshi import grids
from console.venues.kalshi.feed import Feed
from console.venues.kalshi.frames import DeltaFrame, Frame, KnownFrame, Parser, PublicEvent
from console.venues.kalshi.listings import FeeTerms, Listing, spec
from console.venues.kalshi.wire import ParseError


class Line(Struct, frozen=True, gc=False):
    """A frame as most recordings have it, decoded together with the time at which it was received."""

    recv_ms: int
    event: KnownFrame


class Received(Struct, frozen=True):
    """What came at a time, whatever it was."""

    recv_ms: int
    event: Frame | ParseError


Batch = list[Line] | list[Received]
NEVER: Final = Nanos(1 << 62)


class _Trust(enum.Enum):
    UNSEEN = "no snapshot yet"
    SOUND = "a snapshot, and every frame since"
    STALE = "said to be stale, until the next snapshot"


_SOUND = _Trust.SOUND


class _Market:
    """A market met in the recordings; `legal` are the prices of its grid, `source` the file it is in."""

    __slots__ = ("_left", "legal", "listing", "paid", "source", "trust")

    def __init__(self, listing: Listing, source: int) -> None:
        self.trust = _Trust.UNSEEN
        self.paid = False
        self.source = source
        self._left: set[int] = set()
        self.learn(listing)

    def goes_on_in(self, source: int) -> bool:
        """Whether a book may follow this file: one it has left for another is a second record of the same."""
        if source in self._left:
            return False
        if source != self.source:
            self._left.add(self.source)
            self.source = source
        return True

    def learn(self, listing: Listing) -> None:
        self.listing = listing
        self.legal = listing.spec.ladder().index


class Replay:
    """Turns the frames of recordings, in time order, into events.

    A market without a listing gets the coarsest known grid that holds its prices, and a finer one when a
    price off it comes. What a listing says of its end is told at its time.
    """

    def __init__(
        self, parser: Parser, feeds: list[Feed], listings: Mapping[Instrument, Listing], terms: FeeTerms
    ) -> None:
        """`feeds` by number of the file; `terms` are the fees of markets without a listing."""
        self._parser = parser
        self._feeds = feeds
        self._listings = listings
        self._terms = terms
        self._markets: dict[Instrument, _Market] = {}
        self._endings: list[tuple[Nanos, int, MarketStatus | Settled]] = []
        self._told = itertools.count()
        self._now = Nanos(0)

    def run(
        self, frames: Batch, place: int, source: int, now: Nanos, until: int
    ) -> tuple[list[PublicEvent], int, Nanos]:
        """Events of the frames of file `source` from `place` on that came up to `until`; where and when it
        stopped. `now`, their `ts`, never runs backwards, and neither does what is compared with `until`.
        """
        events: list[PublicEvent] = []
        delta, sequence, due = self._parser.delta, self._feeds[source].sequence, self._due()
        for at in range(place, len(frames)):
            stored = frames[at]
            wall, frame = Nanos(stored.recv_ms * MILLISECOND), stored.event
            if wall > now:
                if wall > until:
                    return events, at, now
                now = wall
            if type(frame) is DeltaFrame and now < due:  # nearly every frame of a recording
                try:
                    event = delta(frame, now, wall)
                except ParseError:
                    market = None
                else:
                    market = self._markets.get(event.instrument)
                if (
                    market is not None
                    and market.trust is _SOUND
                    and market.source == source
                    and event.price in market.legal
                    and (not frame.seq or sequence.follows(frame.sid, frame.seq))
                ):
                    self._now = now
                    events.append(event)
                    continue
            events += self._take(frame, source, now, wall)
            due = self._due()
        return events, len(frames), now

    def _due(self) -> Nanos:
        return self._endings[0][0] if self._endings else NEVER

    def _take(self, frame: Frame | ParseError, source: int, now: Nanos, wall: Nanos) -> list[PublicEvent]:
        events: list[PublicEvent] = []
        if self._due() <= now:
            events += self._ended(now)
        self._now = now
        feed = self._feeds[source]
        if isinstance(frame, ParseError):
            found: tuple[PublicEvent, ...] = feed.distrust(frame, now, wall)
        else:
            found = feed.take(frame, now, wall)
        for event in found:
            events += self._admit(event, self._markets.get(event.instrument), source)
        return events

    def finish(self) -> Iterator[PublicEvent]:
        """What the listings say of the time after the last frame."""
        while self._endings:
            yield from self._ended(self._endings[0][0])

    def _ended(self, now: Nanos) -> Iterator[PublicEvent]:
        while self._endings and self._endings[0][0] <= now:
            wall, _, event = heapq.heappop(self._endings)
            self._now = max(self._now, wall)
            due = msgspec.structs.replace(event, ts=self._now, wall=wall)
            market = self._markets[event.instrument]
            yield from self._admit(due, market, market.source)

    def _admit(self, event: PublicEvent, market: _Market | None, source: int) -> Iterator[PublicEvent]:
        """The event after what must be said before it, or nothing where it is not to be believed."""
        if market is None:
            if not isinstance(event, BookSnapshot | BookDelta | Trade):
                return  # the life of markets is told of the whole exchange, not only of the recorded ones
            market = self._meet(event, source)
            yield _defined(event, market)
            yield MarketStatus(
                ts=event.ts, wall=event.wall, instrument=event.instrument, state=MarketState.OPEN
            )
        match event:
            case BookSnapshot() | BookDelta() if not market.goes_on_in(source):
                yield from _distrusted(event, market, "two files recorded it at once")
            case BookSnapshot():
                market.trust = _Trust.SOUND
                yield from self._on_grid(event, market)
            case BookDelta() if market.trust is _Trust.SOUND:
                yield from self._on_grid(event, market)
            case BookDelta():
                yield from _distrusted(event, market, "no snapshot since the recording began or lost frames")
            case BookStale():
                yield from _distrusted(event, market, event.why)
            case InstrumentDefined():
                market.learn(msgspec.structs.replace(market.listing, spec=event.spec))
                yield event
            case Settled() if market.paid:
                return
            case Settled():
                market.paid = True
                yield event
            case Trade() | MarketStatus():
                yield event

    def _on_grid(self, event: BookSnapshot | BookDelta, market: _Market) -> Iterator[PublicEvent]:
        """The event on a grid that holds its prices; a grid only ever becomes finer."""
        prices = _prices(event)
        if not market.legal.keys() >= prices:
            finer = grids.smallest(prices | market.legal.keys())
            if finer is None:
                yield from _distrusted(event, market, "a price is on no known grid")
                return
            self._learn(market, finer)
            yield _defined(event, market)
        yield event

    def _meet(self, event: BookSnapshot | BookDelta | Trade, source: int) -> _Market:
        listing = self._listings.get(event.instrument)
        if listing is None:
            grid = grids.smallest(_prices(event)) or grids.named("linear_cent").bands
            listing = Listing(
                instrument=event.instrument, spec=spec(grid, self._terms.model()), terms=self._terms
            )
        market = self._markets[event.instrument] = _Market(listing, source)
        self._parser.define(listing)
        for wall, ending in _endings(listing):
            heapq.heappush(self._endings, (wall, next(self._told), ending))
        return market

    def _learn(self, market: _Market, bands: tuple[Band, ...]) -> None:
        finer: InstrumentSpec = msgspec.structs.replace(market.listing.spec, bands=bands)
        market.learn(msgspec.structs.replace(market.listing, spec=finer))
        self._parser.define(market.listing)


def _prices(event: BookSnapshot | BookDelta | Trade) -> set[int]:
    if isinstance(event, BookSnapshot):
        return {price for price, _ in (*event.bids, *event.asks)}
    return {event.price}


def _defined(event: PublicEvent, market: _Market) -> InstrumentDefined:
    return InstrumentDefined(
        ts=event.ts, wall=event.wall, instrument=event.instrument, spec=market.listing.spec
    )


def _distrusted(event: PublicEvent, market: _Market, why: str) -> Iterable[BookStale]:
    """Say once that the book is stale."""
    if market.trust is _Trust.STALE:
        return ()
    market.trust = _Trust.STALE
    return (BookStale(ts=event.ts, wall=event.wall, instrument=event.instrument, why=why),)


def _endings(listing: Listing) -> Iterator[tuple[Nanos, MarketStatus | Settled]]:
    """When, by a listing read afterwards, trading closed and what was paid."""
    market = listing.instrument
    if listing.state in (MarketState.CLOSED, MarketState.RESOLVED):
        yield listing.close_wall, MarketStatus(instrument=market, state=MarketState.CLOSED)
    if listing.state is MarketState.RESOLVED and listing.payout is not None:
        paid = listing.settled_wall or listing.close_wall
        yield paid, MarketStatus(instrument=market, state=MarketState.RESOLVED)
        yield paid, Settled(instrument=market, payout=listing.payout)
