"""A recording as a world to trade in: its public stream, the paper exchange over it, and a fair value.

Where no fair value is given, the tape's own microprice stands in as a source of odds. Live that would be
our own price told back to us; here it is not, because a recorded book never held an order of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from console.backtest.ahead import How, batches, here
from console.core.commands import Alert, AnyCommand, Latch, Refuse, UnwatchOdds, WatchOdds
from console.core.events import (
    AddMatch,
    AnyEvent,
    BookDelta,
    InstrumentDefined,
    OddsSuspended,
    OddsUpdate,
    SetTheo,
    VenueUp,
)
from console.core.instruments import Instrument, InstrumentSpec, MarketState, Venue
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.settings import MatchSettings
from console.core.theo import SPREAD_USABLE
from console.core.units import MILLISECOND, ONE, SECOND, Nanos
from console.sim.clock import NEVER
from console.sim.paper import CASH, DELAYS, PaperDials, PaperExchange
from console.sim.queues import Queues
from console.venues.kalshi.listings import STANDARD_TERMS, FeeTerms
from console.venues.kalshi.listings import Listing as VenueListing
from console.venues.recording import metadata

SOURCE = "tape"
OUTCOMES = ("Yes", "No")
QUOTE_EVERY = SECOND
_OURS_ALONE = frozenset((Latch, Alert, Refuse, WatchOdds, UnwatchOdds))  # commands that no venue gets
CONFIRM_EVERY = 10 * SECOND  # an unmoved price is told again, so that it does not look forgotten


class Quoted:
    """What the tape last said of a match; no odds: nothing, or that it withdrew them."""

    __slots__ = ("odds", "ts")

    def __init__(self) -> None:
        self.odds: tuple[float, ...] = ()
        self.ts = 0


class Tape:
    """Everything outside the engine, driven by whoever holds the clock, as `sim.world.World` is.

    `advance` to a moment and everything that has reached us by then comes back in order; a command
    submitted on the way takes effect after the paper exchange's delay. Its clock is the recording's: `ts`
    and `wall` are both receive times. Every ticker is a match of its own, added when it is first seen.
    """

    def __init__(
        self,
        files: Iterable[Path],
        settings: MatchSettings,
        *,
        odds: Sequence[float] = (),
        dials: PaperDials = DELAYS,
        cash: int = CASH,
        whole: bool = False,
        use_yes_price: bool = False,
        terms: FeeTerms = STANDARD_TERMS,
        ahead: bool = False,
    ) -> None:
        """`odds` of YES and NO are pinned; without, the tape's microprice is told.

        `ahead`: far more is read than is asked for, where it can be by another process, which is quicker.
        `whole`, `use_yes_price` and `terms` are what `recording.read` wants to know. Raises RecordingError.
        """
        paths = list(files)
        self._settings = settings
        self._odds = tuple(odds)
        self._known = _listings(paths, terms)
        how = How(use_yes_price, whole, terms)
        self._batches = batches(paths, how) if ahead else here(paths, how, burst=1)
        self._exchange = PaperExchange(Venue.KALSHI, cash=cash, dials=dials)
        self.request_ns = dials.request_ms * MILLISECOND  # before that no command has any effect
        self._matches: dict[MatchId, MatchSpec] = {}
        self._quoted: dict[Instrument, Quoted] = {}
        self._quote_ts = 0
        self.recorded_ts = 0  # when the last event of the recording that has happened did
        self._batch = next(self._batches, [])  # what comes next, from `_place` on; empty at the end
        self._place = 0
        self._passed = 0  # events of the batches before
        self.began = self._batch[0].ts if self._batch else Nanos(0)
        self._now = self.began
        self._greeting: list[AnyEvent] = [VenueUp(ts=self.began, wall=self.began, venue=Venue.KALSHI)]

    # ---- what there is

    @property
    def listings(self) -> tuple[MatchSpec, ...]:
        """Every match met so far."""
        return tuple(self._matches.values())

    @property
    def venues(self) -> tuple[Venue, ...]:
        """The venue of the recording."""
        return (self._exchange.venue,)

    @property
    def over(self) -> bool:
        """The recording is at its end and nothing is under way."""
        return self.next_ts() == NEVER

    @property
    def exchange(self) -> PaperExchange:
        """The venue from the inside, for those who check."""
        return self._exchange

    def spec_of(self, instrument: Instrument) -> InstrumentSpec:
        """Facts of a symbol; raises KeyError for an unknown one."""
        return self._exchange.markets[instrument.yes].spec

    def odds_now(self, match: MatchId) -> tuple[float, ...]:
        """The odds pinned or last told on a match, empty without; raises KeyError for an unknown one."""
        listed = self._matches[match].listings[0].instrument
        return self._odds or self._quoted[listed].odds

    # ---- time

    @property
    def recorded(self) -> int:
        """Events of the recording that have happened."""
        return self._passed + self._place

    @property
    def now(self) -> Nanos:
        """The moment up to which everything has happened."""
        return self._now

    def next_ts(self) -> Nanos:
        """The next moment at which something happens; NEVER at the end."""
        if self._greeting:
            return self.began
        due = self._exchange.next_ts
        if self._batch:
            head = self._batch[self._place].ts
            return head if head < due else due
        return due

    def submit(self, command: AnyCommand, ts: int) -> None:
        """Send a command decided at `ts`; it takes effect `request_ns` later, or now if that has passed."""
        if type(command) not in _OURS_ALONE:
            self._exchange.submit(command, max(ts, self._now - self.request_ns))

    def advance(self, ts: int) -> list[AnyEvent]:
        """Let everything happen up to and including `ts`; what reached us by then, in order."""
        return list(self.happen(ts))

    def happen(self, ts: int) -> Iterator[AnyEvent]:
        """The same, each event as it reaches us: what is submitted between two of them takes effect in time.

        To be taken to its end: how far the tape has come is known only then.
        """
        exchange, batch, place = self._exchange, self._batch, self._place
        out, self._greeting = self._greeting, []
        while True:
            yield from out
            out = []
            due = min(ts, exchange.next_ts - 1)
            head = batch[place] if batch else None
            if head is None or head.ts > due:
                if exchange.next_ts > ts:
                    break
                exchange.advance(exchange.next_ts, out)
                continue
            if head.ts >= self._quote_ts:
                self._quote(head.ts, out)
                continue
            if type(head) is not BookDelta:
                exchange.take(head, out)
                if isinstance(head, InstrumentDefined):
                    self._meet(head, out)
                place += 1
            else:  # and more of them: nine events in ten, kept short
                until = min(due, self._quote_ts - 1)
                market_of = exchange.markets.get
                for at in range(place, len(batch)):
                    event = batch[at]
                    if type(event) is not BookDelta or event.ts > until:
                        place = at
                        break
                    market = market_of(event.instrument)
                    if market is None:
                        continue
                    if not market.delta(event.side, event.price, event.change):
                        exchange.contested(market, event, out)
                        place = at + 1
                        break
                    if market.streamed:
                        yield event
                        if exchange.next_ts <= until:
                            until = exchange.next_ts - 1
                else:
                    place = len(batch)
            if place == len(batch):
                self.recorded_ts = batch[-1].ts
                self._passed += place
                batch, place = next(self._batches, []), 0
                self._batch = batch
        if place:
            self.recorded_ts = batch[place - 1].ts
        self._place = place
        if ts > self._now:
            self._now = Nanos(ts)

    # ---- matches and their fair value

    def _meet(self, event: InstrumentDefined, out: list[AnyEvent]) -> None:
        """A ticker seen for the first time is a match of two outcomes, which its YES leg tells apart."""
        if event.instrument in self._quoted:
            return
        spec = _match(event.instrument, self._known.get(event.instrument))
        self._matches[spec.id] = spec
        self._quoted[event.instrument] = Quoted()
        out.append(AddMatch(ts=event.ts, wall=event.ts, spec=spec, settings=self._settings))
        if self._odds:
            out.append(SetTheo(ts=event.ts, wall=event.ts, match=spec.id, odds=self._odds, pinned=True))

    def _quote(self, ts: Nanos, out: list[AnyEvent]) -> None:
        """Tell every microprice that moved, at most once a second."""
        self._quote_ts = ts + QUOTE_EVERY
        if self._odds:
            return
        for instrument, quoted in self._quoted.items():
            market = self._exchange.markets[instrument]
            if not market.streamed or market.state is not MarketState.OPEN:
                continue
            odds, match = _microprice_odds(market), MatchId(instrument.symbol)
            if not odds and quoted.odds:
                quoted.odds = ()
                out.append(OddsSuspended(ts=ts, wall=ts, match=match, source=SOURCE))
            elif odds and (odds != quoted.odds or ts - quoted.ts >= CONFIRM_EVERY):
                quoted.odds, quoted.ts = odds, ts
                out.append(OddsUpdate(ts=ts, wall=ts, match=match, source=SOURCE, odds=odds))


def _listings(paths: Iterable[Path], terms: FeeTerms) -> dict[Instrument, VenueListing]:
    known = [event for event in (metadata(path, terms) for path in paths) if event is not None]
    return {listing.instrument: listing for event in known for listing in event.listings}


def _match(instrument: Instrument, listing: VenueListing | None) -> MatchSpec:
    """The match of a ticker; a start only where the listing states one before the close."""
    ticker = instrument.symbol
    start, end = (listing.occurs_wall, listing.close_wall) if listing is not None else (Nanos(0), Nanos(0))
    return MatchSpec(
        id=MatchId(ticker),
        title=(listing.title or ticker) if listing is not None else ticker,
        outcomes=OUTCOMES,
        listings=(Listing(instrument, (0,)),),
        event=listing.event if listing is not None else "",
        start=start if start < end else Nanos(0),
        end=end,
        may_none=False,  # one ticker, and its NO
    )


def _microprice_odds(market: Queues) -> tuple[float, ...]:
    """Fair odds at the recorded book's microprice; none while it is one-sided, wide, crossed or unsound."""
    bid, ask = market.bids.public_best(), market.asks.public_best()
    if not market.sound or bid is None or ask is None or not 0 < ask[0] - bid[0] <= SPREAD_USABLE:
        return ()
    yes = (bid[0] * ask[1] + ask[0] * bid[1]) / (bid[1] + ask[1]) / ONE
    return 1.0 / yes, 1.0 / (1.0 - yes)
