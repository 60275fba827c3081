"""The lines that are watched: read over REST, kept by the push channels, and compared with each other.

A channel can fall silent while its socket lives, and its messages show no gap. So everything watched is read
again now and then: a book that differs from the pushed one twice in a row means a silent channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from console.core.events import BookSnapshot, BookStale, FeedStatus, InstrumentDefined, MarketStatus
from console.core.instruments import Instrument, InstrumentSpec, MarketState
from console.venues.base.lane import Reply
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.base.throttle import Throttle
from console.venues.prophetx.books import snapshots, trades
from console.venues.prophetx.catalogue import (
    EVENTS_AT_ONCE,
    OPEN_EVENT,
    Offer,
    offers,
    parse_events,
    parse_markets,
    side_of,
    spec_of,
    state_of,
)
from console.venues.prophetx.dialects import Dialect, failure, query
from console.venues.prophetx.ladder import FALLBACK, OddsLadder, parse_ladder
from console.venues.prophetx.neutral import (
    Envelope,
    Level,
    Market,
    MarketUpdate,
    Match,
    SelectionsUpdate,
    SportEvent,
    Unreadable,
)
from console.venues.prophetx.push import EventChanged

PER_S: Final = 1.0  # the venue's own bound for market, event and ladder queries
BURST: Final = 2.0
LADDER_S: Final = 3600.0
LADDER: Final = "prophetx ladder"  # among the feeds, so that a failure is seen
COMPARE_S: Final = 20.0
RETRY_S: Final = 5.0
TRIES: Final = 4
BELIEVED_S: Final = 60.0  # so long channels are believed without a list to compare them with
SILENT_S: Final = 2.0  # so long after a list showed a change, the channel has kept it from us

Get = Callable[[str], Awaitable[Reply]]


class Watched:
    """One line: its sides, the last book of each, and what was last heard of it."""

    __slots__ = ("books", "doubted", "heard", "offer", "sequence", "state")

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.books: tuple[BookSnapshot, BookSnapshot] | None = None
        self.sequence = 0
        self.heard = 0.0  # monotonic seconds of the last push
        self.doubted = 0.0  # when a list first showed what no push had told
        self.state = offer.state

    @property
    def instruments(self) -> tuple[Instrument, Instrument]:
        """Home or over first."""
        return self.offer.sides[0].instrument, self.offer.sides[1].instrument


class Shelf:
    """Everything that is subscribed to.

    `changed` is called when the set of events is another one, `silent` when a channel is found to be.
    """

    def __init__(
        self,
        dialect: Dialect,
        get: Get,
        put: Put,
        commission: int,
        *,
        changed: Callable[[], None],
        silent: Callable[[str], None],
        mirrored_trades: bool = False,
        compare_s: float = COMPARE_S,
        throttle: Throttle | None = None,
    ) -> None:
        """`mirrored_trades`: a trade is told of both sides, for those who pretend to rest there."""
        self._dialect = dialect
        self._get = get
        self._put = put
        self._commission = commission
        self._mirrored = mirrored_trades
        self._changed = changed
        self._silent = silent
        self._compare_s = compare_s
        self._throttle = throttle or Throttle(PER_S, BURST)
        self.ladder: OddsLadder | None = None
        self._ladder_due = 0.0
        self._ladder_why = ""
        self._wanted: dict[int, dict[Instrument, None]] = {}
        self._lines: dict[str, Watched] = {}  # by the id of either side
        self._events: dict[int, SportEvent] = {}
        self._defined: dict[Instrument, InstrumentSpec] = {}
        self._states: dict[Instrument, MarketState] = {}
        self._pushed: set[int] = set()  # events whose channels we are in
        self._pending: dict[int, bool] = {}  # events to read, and whether their books are told in any case
        self._unreadable = ""  # an event that was asked for could not be read
        self._wake = asyncio.Event()
        self._compared = self._compared_well = time.monotonic()

    # ---- what is wanted

    @property
    def events(self) -> tuple[int, ...]:
        """Events something is watched of."""
        return tuple(self._wanted)

    @property
    def tournaments(self) -> tuple[int, ...]:
        """Tournaments of the events watched, as far as they are known."""
        known = (self._events[event].tournament_id for event in self._wanted if event in self._events)
        return tuple(dict.fromkeys(known))

    def subscribe(self, instrument: Instrument) -> None:
        """Watch a side, and tell how it stands."""
        side = side_of(instrument)
        if side is None:
            self._put(BookStale(instrument=instrument, why="no such symbol at ProphetX"))
            return
        fresh = side.event not in self._wanted
        self._defined.pop(instrument, None)
        self._states.pop(instrument, None)
        self._wanted.setdefault(side.event, {})[instrument] = None
        self._read_soon(side.event)
        if fresh:
            self._changed()

    def unsubscribe(self, instrument: Instrument) -> None:
        """No longer."""
        side = side_of(instrument)
        if side is None or side.event not in self._wanted:
            return
        self._wanted[side.event].pop(instrument, None)
        if not self._wanted[side.event]:
            del self._wanted[side.event]
            self._pushed.discard(side.event)
            self._changed()

    def resync(self, instrument: Instrument) -> None:
        """Read a book afresh."""
        side = side_of(instrument)
        if side is not None and side.event in self._wanted:
            self._read_soon(side.event)

    def disconnected(self) -> None:
        """Nothing is pushed any more."""
        self._pushed.clear()

    def joined(self, events: Iterable[int] | None = None, refused: Iterable[int] = ()) -> None:
        """The channels of these events (of all) are joined: what was pushed before is read afresh."""
        for event in refused:
            self._pushed.discard(event)
            self.distrust("the venue lets us into no channel of it", event)
        for event in self._wanted if events is None else events:
            if event not in self._pushed:
                self._pushed.add(event)
                self._read_soon(event)
                for line in self._lines.values():
                    if line.offer.event.event_id == event:
                        line.books, line.doubted, line.sequence = None, 0.0, 0

    def distrust(self, why: str, event: int | None = None) -> None:
        """A message of an event (of any, if that is not known) could not be read: its books are doubtful."""
        for one in self._wanted if event is None else (event,):
            for instrument in self._wanted.get(one, ()):
                self._put(BookStale(instrument=instrument, why=why))

    def _read_soon(self, event: int) -> None:
        self._pending[event] = True
        self._wake.set()

    # ---- reading

    async def run(self) -> None:
        """Read what is asked for, and compare, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(1.0, self._compare_s)):
                    await self._wake.wait()
            if self.ladder is None or time.monotonic() >= self._ladder_due:
                await self._read_ladder()
            await self._read(self._due())

    async def ask(self, path: str) -> bytes:
        """A read at the venue's pace, which others share; raises Refused, Unanswered and Unreadable."""
        for _ in range(TRIES):
            await self._throttle.take()
            reply = await self._get(path)
            if reply.status != 429:
                break
            self._throttle.empty()
        if reply.status != 200:
            said = failure(reply.body)
            why = f"HTTP {reply.status} {said.error or said.message}"
            raise Unanswered(why) if reply.status == 429 or reply.status >= 500 else Unreadable(why)
        return reply.body

    def _due(self) -> dict[int, bool]:
        """Events to read now: those asked for, or all of them when it is time to compare."""
        if time.monotonic() - self._compared > self._compare_s:
            self._compared = time.monotonic()
            for event in self._wanted:
                self._pending.setdefault(event, False)
        due = {event: self._pending.pop(event) for event in list(self._pending)[:EVENTS_AT_ONCE]}
        if not self._pending:
            self._wake.clear()
        return {event: forced for event, forced in due.items() if event in self._wanted}

    async def _read_ladder(self) -> None:
        try:
            body = await self.ask(self._dialect.paths.ladder)
            told = parse_ladder(self._dialect.read(body, Envelope[tuple[int, ...]]).data)
            self._ladder_due = time.monotonic() + LADDER_S
            why = ""
        except (Refused, Unanswered, Unreadable) as error:
            told = self.ladder or FALLBACK
            self._ladder_due = time.monotonic() + RETRY_S
            which = "the last one read" if told.fetched else "the 291 rungs of 2024"
            why = f"{error or 'no answer'}; going on with {which}"
        if why != self._ladder_why:
            self._ladder_why = why
            self._put(FeedStatus(feed=LADDER, up=not why, why=why))
        if told != self.ladder:
            self.ladder = told
            for event in self._wanted:
                self._read_soon(event)

    async def _read(self, events: dict[int, bool]) -> None:
        if not events:
            return
        asked = time.monotonic()
        try:
            await self._read_events([event for event in events if event not in self._events])
            path = query(self._dialect.paths.markets_of_many, event_ids=",".join(map(str, events)))
            troubles: dict[int, str] = {}
            listed = parse_markets(self._dialect, await self.ask(path), troubles)
            for event, forced in events.items():
                why = troubles.get(event, "" if event in self._events else self._unreadable)
                self._listed(event, listed.get(event, ()), asked, forced, why)
            self._compared_well = time.monotonic()
        except (Refused, Unanswered, Unreadable) as error:
            # Without a comparison the channels are believed a while; what was never read is not known.
            believed = time.monotonic() - self._compared_well < BELIEVED_S and not isinstance(
                error, Unreadable
            )
            for event, forced in events.items():
                if forced or not believed:
                    self.distrust(f"markets: {error}", event)
            await asyncio.sleep(min(RETRY_S, self._compare_s))
            for event, forced in events.items():
                self._pending[event] = self._pending.get(event, False) or forced or not believed
            self._wake.set()

    async def _read_events(self, unknown: Iterable[int]) -> None:
        ids = ",".join(map(str, unknown))
        if ids:
            body = await self.ask(query(self._dialect.paths.events, event_ids=ids))
            troubles: list[str] = []
            for event in parse_events(self._dialect, body, troubles):
                self._events[event.event_id] = event
            self._unreadable = troubles[0] if troubles else ""
            self._changed()  # the tournament is known now

    def _listed(
        self, event: int, markets: Iterable[Market], asked: float, forced: bool, trouble: str
    ) -> None:
        """What a list says of an event: facts of its lines, and their books where no push was later.

        `trouble`: something of it could not be read, so that what is not there may only seem to be gone.
        """
        known = self._events.get(event)
        found = {s.instrument: o for o in (offers(known, markets) if known else ()) for s in o.sides}
        for instrument in self._wanted.get(event, ()):
            offer = found.get(instrument)
            if offer is None and trouble:
                self._put(BookStale(instrument=instrument, why=trouble))
            elif offer is None:
                self._tell_state(instrument, MarketState.CLOSED)
                self._put(BookStale(instrument=instrument, why="not listed any more"))
        for offer in {id(offer): offer for offer in found.values()}.values():
            if any(side.instrument in self._wanted.get(event, ()) for side in offer.sides):
                self._take(offer, asked, forced)

    def _take(self, offer: Offer, asked: float, forced: bool) -> None:
        line = self._lines.get(offer.sides[0].side_id)
        if line is None or line.offer.sides != offer.sides:
            line = Watched(offer)
        line.offer, line.state = offer, offer.state
        for side in offer.sides:
            self._lines[side.side_id] = line
        self._define(line)
        if offer.event.event_id not in self._pushed:
            return  # a book nobody keeps up to date is none: it is read again when its channel is joined
        if line.heard > asked:  # a push came while the list was under way: it is the newer one
            line.doubted = 0.0
            if forced and line.books is not None:
                self._show(line, line.books)
            return
        books = snapshots(line.instruments, offer.levels)
        self._compare(line, books)
        if forced or line.books != books:
            self._show(line, books)

    def _compare(self, line: Watched, books: tuple[BookSnapshot, BookSnapshot]) -> None:
        """A list shows what no push told: either one is on its way, or the channel is silent."""
        now = time.monotonic()
        if line.heard >= line.doubted:
            line.doubted = 0.0
        if not line.doubted and line.books is not None and line.books != books:
            line.doubted = now
        elif line.doubted and now - line.doubted > SILENT_S:
            line.doubted = 0.0
            self._silent(f"the channel of event {line.offer.event.event_id} is silent")

    def _define(self, line: Watched) -> None:
        assert self.ladder is not None, "the ladder is read before any market"
        market, sport = line.offer.market, line.offer.event.sport_name
        for side, other in (line.offer.sides, line.offer.sides[::-1]):
            if side.instrument in self._wanted.get(side.event, ()):
                spec = spec_of(self.ladder, self._commission, other, market, sport)
                if self._defined.get(side.instrument) != spec:
                    self._defined[side.instrument] = spec
                    self._put(InstrumentDefined(instrument=side.instrument, spec=spec))
        self._tell_states(line, line.state)

    def _show(self, line: Watched, books: tuple[BookSnapshot, BookSnapshot]) -> None:
        line.books = books
        for book in books:
            side = side_of(book.instrument)
            if side is not None and book.instrument in self._wanted.get(side.event, ()):
                self._put(msgspec.structs.replace(book))  # stamped as it enters the engine: never one of ours

    # ---- pushed

    def selections(self, told: SelectionsUpdate) -> None:
        """A whole picture of one line; raises Unreadable. Of a line nobody watches it is nothing."""
        sides = [side or () for side in told.info.selections or ()]
        line = next((self._lines[x.side_id] for s in sides for x in s if x.side_id in self._lines), None)
        if line is None and told.sport_event_id in self._wanted and not any(sides):
            lines = self._bare(told)
            line = lines[0] if len(lines) == 1 else None
            if len(lines) > 1:
                self.distrust("an empty picture that may be of several lines", told.sport_event_id)
                self._read_soon(told.sport_event_id)
        if line is None or told.info.sequence_number <= line.sequence:
            return
        line.sequence = told.info.sequence_number
        line.heard = time.monotonic()
        self._show(line, snapshots(line.instruments, _by_side(line, sides)))

    def _bare(self, told: SelectionsUpdate) -> list[Watched]:
        """The lines a picture without a single level may be of: by its market and number."""
        return [
            line
            for line in {id(line): line for line in self._lines.values()}.values()
            if (line.offer.event.event_id, line.offer.market.id) == (told.sport_event_id, told.market_id)
            and abs(line.offer.line or 0) == abs(told.info.line or 0)
        ]

    def market(self, told: MarketUpdate) -> None:
        """A market opened or closed."""
        info = told.info
        for line in {id(line): line for line in self._lines.values()}.values():
            if line.offer.market.id == info.id and line.offer.event.event_id == info.sport_event_id:
                known = self._events.get(info.sport_event_id)
                self._tell_states(line, state_of(known, info.status))

    def event(self, told: EventChanged) -> None:
        """A fixture changed; one that was taken down or has begun is closed."""
        if told.event is not None:
            self._events[told.event_id] = told.event
        over = told.event is None or told.event.status != OPEN_EVENT
        for line in {id(line): line for line in self._lines.values()}.values():
            if line.offer.event.event_id == told.event_id:
                if over:
                    self._tell_states(line, MarketState.CLOSED)
                elif line.state is MarketState.CLOSED:
                    self._read_soon(told.event_id)

    def matched(self, told: Match) -> None:
        """A public trade."""
        line = self._lines.get(told.side_id)
        if line is None:
            return
        first, second = line.instruments
        mine, other = (first, second) if line.offer.sides[0].side_id == told.side_id else (second, first)
        for trade in trades(told, mine, other if self._mirrored else None):
            self._put(trade)

    def _tell_states(self, line: Watched, state: MarketState) -> None:
        line.state = state
        for side in line.offer.sides:
            if side.instrument in self._wanted.get(side.event, ()):
                self._tell_state(side.instrument, state)

    def _tell_state(self, instrument: Instrument, state: MarketState) -> None:
        if self._states.get(instrument) is not state:
            self._states[instrument] = state
            self._put(MarketStatus(instrument=instrument, state=state))


def _by_side(line: Watched, sides: list[tuple[Level, ...]]) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """The levels of each side, in our order, whichever came first or is missing."""
    wanted = tuple(side.side_id for side in line.offer.sides)
    found: dict[str, tuple[Level, ...]] = {}
    for side in sides:
        for level in side:
            if level.side_id not in wanted:
                raise Unreadable(f"side {level.side_id} does not belong to line {wanted[0]}")
            found[level.side_id] = (*found.get(level.side_id, ()), level)
    return found.get(wanted[0], ()), found.get(wanted[1], ())
