"""What the engine has been told of markets and sources, kept apart from it so that it can be checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.core.events import (
    AddMatch,
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    GameEnded,
    GameStarted,
    MarketStatus,
    MassStatus,
    OddsSuspended,
    OddsUpdate,
    OrderFilled,
    RemoveMatch,
    SetTheo,
    VenueDown,
    VenueUp,
)
from console.core.instruments import BID, BookSide, Instrument, MarketState, Venue
from console.core.matches import MatchId

NEVER = -(10**18)


class SeenBook:
    """A book as its messages tell it; deltas are folded in only when somebody looks."""

    __slots__ = ("asks", "bids", "pending", "proof_ts", "stale")

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.pending: list[BookDelta] = []
        self.stale = True
        self.proof_ts = NEVER

    def fold(self) -> int:
        """Take in what is pending; the time of the last message, NEVER if there was none."""
        pending = self.pending
        if not pending:
            return NEVER
        for delta in pending:
            sizes = self.bids if delta.side is BID else self.asks
            size = sizes.get(delta.price, 0) + delta.change
            if size:
                sizes[delta.price] = size
                if size < 0:
                    self.stale = True
            else:
                sizes.pop(delta.price, None)
        last = pending[-1].ts
        pending.clear()
        return last


class SeenSource:
    """What one odds source last said of a match."""

    __slots__ = ("changed_ts", "confirmed_ts", "odds")

    def __init__(self) -> None:
        self.odds: tuple[float, ...] = ()
        self.confirmed_ts = NEVER
        self.changed_ts = NEVER


class Seen:
    """Everything one run of the engine was told by venues and feeds."""

    def __init__(self) -> None:
        self.books: dict[Instrument, SeenBook] = {}
        self.states: dict[Instrument, MarketState] = {}
        self.sources: dict[MatchId, dict[str, SeenSource]] = {}
        self._removed: set[MatchId] = set()  # what comes of them late goes nowhere
        self.begun: set[MatchId] = set()
        self.over: set[MatchId] = set()
        self.up: dict[Venue, bool] = {}
        self.agreed: dict[Venue, bool] = {}  # an account of us has come since the venue is up
        self.stream_ts: dict[Venue, int] = {}
        self.account_ts: dict[Venue, int] = {}  # the last account of us
        self._learn: dict[type, Callable[[Any], None]] = {
            BookSnapshot: self._snapshot,
            BookStale: self._stale,
            BooksConfirmed: self._confirmed,
            MarketStatus: self._status,
            OddsUpdate: self._odds,
            OddsSuspended: self._suspended,
            SetTheo: self._theo,
            AddMatch: lambda event: self._removed.discard(event.spec.id),
            RemoveMatch: self._remove,
            GameStarted: lambda event: self.begun.add(event.match),
            GameEnded: lambda event: self.over.add(event.match),
            VenueUp: self._venue_up,
            VenueDown: self._venue_down,
            MassStatus: self._account,
            OrderFilled: lambda _: None,
        }

    def learn(self, event: AnyEvent) -> None:
        """Take an event that is no book delta."""
        learn = self._learn.get(type(event))
        if learn is not None:
            learn(event)

    def delta(self, event: BookDelta) -> None:
        """Take a book delta."""
        book = self.books.get(event.instrument)
        if book is None:
            book = self.books[event.instrument] = SeenBook()
        book.pending.append(event)

    def fold(self) -> None:
        """Bring every book, and the age of every stream, up to date."""
        for instrument, book in self.books.items():
            if book.pending:
                self._fold(instrument.venue, book)

    def _fold(self, venue: Venue, book: SeenBook) -> None:
        last = book.fold()
        if last > self.stream_ts.get(venue, NEVER):
            self.stream_ts[venue] = last

    def opposing(self, instrument: Instrument, side: BookSide, own: Mapping[int, int]) -> int | None:
        """YES price at which an order resting on `side` would trade with others, `own` being ours there."""
        book = self.books[instrument]
        self._fold(instrument.venue, book)
        others = book.asks if side is BID else book.bids
        prices = [price for price, size in others.items() if size > own.get(price, 0)]
        if not prices:
            return None
        return min(prices) if side is BID else max(prices)

    def confirmed_ts(self, instrument: Instrument) -> int:
        """When the book was last proven to stand; NEVER while it is not to be trusted."""
        book = self.books.get(instrument)
        if book is None or book.stale:
            return NEVER
        proof_ts, stream_ts = book.proof_ts, self.stream_ts.get(instrument.venue, NEVER)
        return proof_ts if proof_ts > stream_ts else stream_ts

    # ---- one event

    def _book(self, instrument: Instrument) -> SeenBook:
        return self.books.setdefault(instrument, SeenBook())

    def _snapshot(self, event: BookSnapshot) -> None:
        book = self._book(event.instrument)
        book.pending.clear()
        book.bids, book.asks = dict(event.bids), dict(event.asks)
        book.stale, book.proof_ts = False, event.ts

    def _stale(self, event: BookStale) -> None:
        self._book(event.instrument).stale = True

    def _confirmed(self, event: BooksConfirmed) -> None:
        self.stream_ts[event.venue] = event.ts

    def _status(self, event: MarketStatus) -> None:
        self.states[event.instrument] = event.state

    def _remove(self, event: RemoveMatch) -> None:
        self.sources.pop(event.match, None)
        self._removed.add(event.match)

    def _odds(self, event: OddsUpdate) -> None:
        if event.match in self._removed:
            return
        source = self.sources.setdefault(event.match, {}).setdefault(event.source, SeenSource())
        source.confirmed_ts = event.ts
        if event.odds != source.odds:
            source.odds, source.changed_ts = event.odds, event.ts

    def _suspended(self, event: OddsSuspended) -> None:
        sources = self.sources.get(event.match, {})
        if event.source in sources:
            sources[event.source].confirmed_ts = NEVER

    def _theo(self, event: SetTheo) -> None:
        sources = self.sources.setdefault(event.match, {})
        if event.odds:
            sources["manual"] = SeenSource()
        else:
            sources.pop("manual", None)

    def _venue_up(self, event: VenueUp) -> None:
        self.up[event.venue], self.agreed[event.venue] = True, False

    def _venue_down(self, event: VenueDown) -> None:
        self.up[event.venue], self.agreed[event.venue] = False, False
        for instrument, book in self.books.items():
            if instrument.venue is event.venue:
                book.stale = True

    def _account(self, event: MassStatus) -> None:
        self.agreed[event.venue] = True
        self.account_ts[event.venue] = event.ts
