"""What a match would quote if it were added now: an engine of its own plays it and nothing leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from console.core import picture
from console.core.book import Book
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    AnyEvent,
    BooksConfirmed,
    BookSnapshot,
    InstrumentDefined,
    MarketStatus,
    MassStatus,
    OddsUpdate,
    Started,
    Tick,
    VenueUp,
)
from console.core.instruments import BookSide, Instrument, RunId, Venue
from console.core.matches import MatchSpec
from console.core.provisional import bring_back, kept
from console.core.settings import AccountSettings
from console.core.sources import SHARP, SourceKind
from console.core.state import State
from console.core.units import MILLISECOND, ONE, Cash, Nanos
from console.core.view import View
from console.runner.peek import Shown

TICKS = 3  # a tenth of a second apart: enough to be evaluated and to have its orders answered
UNTOLD_CASH = Cash(1_000_000 * ONE)  # where a venue has not told its balance: the limits still hold


def rehearse(state: State, wanted: AddMatch, shown: Mapping[Instrument, Sequence[Shown]]) -> View:
    """The picture of the match alone; `shown` are facts and books of the symbols that are not traded yet.

    Its settings are those wanted but for the warm-up, which is over; what the other matches use of the
    account's limits is taken off. Odds given are taken for the sharp book's, which they are when a feed
    lists them. A match that is there already keeps what it holds.
    """
    spec = wanted.spec
    stage = _Stage(state, spec)
    settings = msgspec.structs.replace(wanted.settings, warm_up_s=0)
    stage.tell(AddMatch(spec=spec, settings=settings))
    for listing in spec.listings:
        for event in _facts(state, listing.instrument, shown.get(listing.instrument, ())):
            stage.tell(event)
    for event in _sources(state, spec):
        stage.tell(event)
    if wanted.odds:
        stage.tell(OddsUpdate(match=spec.id, source=SHARP, odds=wanted.odds))
    stage.hold(state, spec)
    stage.wait()
    return picture.view(stage.engine.state, spec.id)


class _Stage:
    """An engine that trades with nobody."""

    def __init__(self, state: State, spec: MatchSpec) -> None:
        self.engine = Engine()
        self._ts, self._wall = state.ts, state.wall
        venues = tuple(dict.fromkeys(listing.instrument.venue for listing in spec.listings))
        self._venues = tuple(venue for venue in venues if venue in state.connections)
        self.tell(
            Started(
                run_id=RunId("rehearsal"),
                mode=state.mode,
                account=state.account_name,
                settings=_left(state, spec, self._venues),
                venues=self._venues,
            )
        )
        for venue in self._venues:
            self.tell(VenueUp(venue=venue))
            known = state.connections[venue]
            told = UNTOLD_CASH if known.cash is None else Cash(known.cash)
            pockets = tuple((name, Cash(purse.cash)) for name, purse in known.pockets.items())
            self.tell(MassStatus(venue=venue, orders=(), fills=(), positions=(), cash=told, pockets=pockets))

    def tell(self, event: AnyEvent) -> None:
        """Feed one event; what the engine wants to be done stays undone."""
        self.engine.on_event(msgspec.structs.replace(event, ts=self._ts, wall=self._wall))

    def wait(self) -> None:
        """Let it be evaluated."""
        for _ in range(TICKS):
            self._ts = Nanos(self._ts + 100 * MILLISECOND)
            self._wall = Nanos(self._wall + 100 * MILLISECOND)
            for venue in self._venues:
                self.tell(BooksConfirmed(venue=venue))
            self.tell(Tick())

    def hold(self, state: State, spec: MatchSpec) -> None:
        """Take over what the match holds."""
        known, desk = state.desks.get(spec.id), self.engine.state.desks.get(spec.id)
        if known is None or desk is None or known.spec.listings != spec.listings:
            return
        if known.rules_confirmed:
            desk.confirm_rules(known.rules_confirmed)
        for venue, position in known.positions.items():
            bring_back(desk.positions[venue], kept(venue, position))


def _left(state: State, spec: MatchSpec, venues: Iterable[Venue]) -> AccountSettings:
    """The account's limits less what the other matches use of them."""
    settings = state.settings
    others = [desk for desk in state.desks.values() if desk.spec.id != spec.id]
    total = sum(desk.worst for desk in others)
    by_venue = [sum(d.worst for d in others if venue in d.quoted_venues) for venue in venues]
    ours = len(state.blotter.of_match(spec.id))
    return msgspec.structs.replace(
        settings,
        exposure_total=Cash(max(0, settings.exposure_total - total)),
        exposure_venue=Cash(max(0, settings.exposure_venue - max(by_venue, default=0))),
        open_orders=max(1, settings.open_orders - len(state.blotter.live) + ours),
    )


def _facts(state: State, instrument: Instrument, shown: Sequence[Shown]) -> Iterable[AnyEvent]:
    """Facts, status and book of a symbol: as the engine knows it, else as it was shown."""
    market = state.markets.get(instrument)
    if market is None or market.book is None or market.spec is None:
        yield from sorted(shown, key=lambda event: not isinstance(event, InstrumentDefined))
        return
    yield InstrumentDefined(instrument=instrument, spec=market.spec)
    yield MarketStatus(instrument=instrument, state=market.state)
    if not market.book.stale:
        yield _book(state, instrument, market.book)


def _book(state: State, instrument: Instrument, book: Book) -> BookSnapshot:
    """What others show."""
    own_bids = state.blotter.own_sizes(instrument, BookSide.BID)
    own_asks = state.blotter.own_sizes(instrument, BookSide.ASK)
    bids, asks = [], []
    for price, bid, ask in book.levels():
        if bid > own_bids.get(price, 0):
            bids.append((price, bid - own_bids.get(price, 0)))
        if ask > own_asks.get(price, 0):
            asks.append((price, ask - own_asks.get(price, 0)))
    return BookSnapshot(instrument=instrument, bids=tuple(bids), asks=tuple(asks))


def _sources(state: State, spec: MatchSpec) -> Iterable[OddsUpdate]:
    """The odds that the match has already, when it is being made."""
    desk = state.desks.get(spec.id)
    for name, source in desk.board.sources.items() if desk is not None else ():
        if source.kind is not SourceKind.BOOK and source.odds and not source.note:
            yield OddsUpdate(match=spec.id, source=name, odds=source.odds, provider_wall=source.provider_wall)
