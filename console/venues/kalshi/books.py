"""Books, trades and the life of the markets subscribed to, from one stream; REST proves what is quiet.

Market data of all markets share one numbering: a hole makes every book stale until its fresh snapshot,
asked for in line with the stream. A quiet book is read by REST and compared with what the stream told:
the same book confirms it, another one is a stream that loses messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from console.core.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    Settled,
)
from console.core.instruments import Instrument, MarketState
from console.core.units import SECOND, Nanos, Price
from console.venues.base.backoff import Backoff
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.base.stream import Dead
from console.venues.kalshi.facts import Facts
from console.venues.kalshi.feed import TERMINAL_ERRORS, Feed, Sequence
from console.venues.kalshi.frames import (
    ErrorFrame,
    EventFeeFrame,
    LifecycleFrame,
    OtherFrame,
    Parser,
    PublicEvent,
    SubscribedFrame,
)
from console.venues.kalshi.listings import EventListing, Listing, Result
from console.venues.kalshi.mirror import Mirror, parse_books
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.wire import ParseError

BOOK: Final = "orderbook_delta"
TRADE: Final = "trade"
LIFECYCLE: Final = "market_lifecycle_v2"
SNAPSHOT_PATIENCE_S: Final = 3.0
QUIET_S: Final = 1.5  # REST may be a second behind: a book that moved since is alive, not suspect
GATHER_S: Final = 0.05  # resyncs asked for within this are one read
BOOKS_MAX: Final = 100  # of one batch read
REFRESH_S: Final = 30.0
STREAM_WINS_S: Final = 20.0  # listings may be cached for 15 s: what the stream said since goes first
WATCH_S: Final = 0.25

Command = Callable[[str, dict[str, Any]], int]  # sends one command on the stream, returns its number


class Books:
    """What is subscribed to. `ready` is awaited before a market of a shard is told of."""

    def __init__(
        self,
        rest: Rest,
        facts: Facts,
        command: Command,
        drop: Callable[[str], None],
        ready: Callable[[int], Awaitable[None]],
    ) -> None:
        self._rest = rest
        self._facts = facts
        self._command = command
        self._drop = drop
        self._ready = ready
        self._put: Put | None = None
        self._group: asyncio.TaskGroup | None = None
        self.markets: dict[Instrument, Mirror] = {}
        self._defining: dict[Instrument, asyncio.Task[None]] = {}
        self._feed = Feed(Parser(use_yes_price=True), Sequence())
        self._connected = False
        self._sids: dict[str, int] = {}
        self._asked: set[str] = set()  # tickers asked for on this connection
        self._begun = False  # books were subscribed to on it
        self._wants_proof: dict[Instrument, None] = {}
        self._proof = asyncio.Event()
        self._refreshing = asyncio.Event()
        self._paused_shards: set[int] = set()

    # ---- what is asked of us

    def subscribe(self, instrument: Instrument) -> None:
        """Begin to follow a market: it is defined first, then streamed."""
        if instrument in self.markets:
            return
        self.markets[instrument] = Mirror(instrument)
        if self._group is not None:
            self._define(instrument)

    def unsubscribe(self, instrument: Instrument) -> None:
        """Follow it no longer."""
        self.markets.pop(instrument, None)
        task = self._defining.pop(instrument, None)
        if task is not None:
            task.cancel()
        self._subscribe()

    def resync(self, instrument: Instrument) -> None:
        """Prove a book, or have it told afresh when it is known to be wrong."""
        market = self.markets.get(instrument)
        if market is None or not self._connected:
            return
        if market.sound:
            self._wants_proof[instrument] = None
            self._proof.set()
        elif instrument.symbol in self._asked:
            self._ask_snapshots([market])

    def shard(self, instrument: Instrument) -> int | None:
        """The shard a market lives on; None before it is defined."""
        market = self.markets.get(instrument.yes)
        return None if market is None or market.listing is None else market.listing.shard

    def channels(self) -> set[str]:
        """Every channel whose subscription the venue has acknowledged on this connection."""
        return set(self._sids)

    def pause(self, shard: int, paused: bool) -> None:
        """The venue paused (or resumed) trading on a whole shard."""
        (self._paused_shards.add if paused else self._paused_shards.discard)(shard)
        for market in self.markets.values():
            self._show(market)

    async def payout(self, instrument: Instrument) -> Price | None:
        """What a market paid per YES contract, exactly as it is listed; None when that cannot be had."""
        try:
            return (await self._facts.market(instrument.symbol)).payout
        except (Refused, Unanswered, ParseError):
            return None

    async def run(self, put: Put) -> None:
        """Put what happens until cancelled."""
        self._put = put
        async with asyncio.TaskGroup() as group:
            self._group = group
            for instrument in self.markets:
                self._define(instrument)
            group.create_task(self._prove())
            group.create_task(self._refresh())
            group.create_task(self._watch())

    # ---- the connection

    def opened(self) -> None:
        """A fresh connection: everything is subscribed to again."""
        self._connected = True
        self._command("subscribe", {"channels": [LIFECYCLE]})
        self._subscribe()
        self._refreshing.set()

    def closed(self) -> None:
        """The connection is gone, and with it every number and book."""
        self._connected = False
        self._feed.sequence.end()
        self._feed.gapped.clear()
        self._sids.clear()
        self._asked.clear()
        self._begun = False
        self._wants_proof.clear()
        for market in self.markets.values():
            market.distrust()
            market.asked, market.suspect = None, False

    def took(self, raw: bytes) -> bool:
        """Take one frame; False for one that is not public. Raises Dead to give the connection up."""
        try:
            frame = self._feed.parser.decode(raw)
        except ParseError as error:
            self._tell(self._feed.distrust(error))
            return True
        self._tell(self._feed.take(frame))
        if isinstance(frame, SubscribedFrame):
            self._sids[frame.msg.channel] = frame.msg.sid
            self._subscribe()
        elif isinstance(frame, ErrorFrame):
            self._refused(frame)
        elif isinstance(frame, LifecycleFrame):
            self._lived(frame)
        elif isinstance(frame, EventFeeFrame):
            self._touch(m for m in self._defined() if _event(m) == frame.msg.event_ticker)
        if self._feed.gapped:
            self._mend()
        return not isinstance(frame, OtherFrame)

    def _refused(self, frame: ErrorFrame) -> None:
        """A subscription that is dead is begun anew; on an unknown one the connection is."""
        if frame.msg.code not in TERMINAL_ERRORS:
            return
        dead = [channel for channel, sid in self._sids.items() if sid == frame.sid]
        if not dead or dead[0] not in (BOOK, TRADE, LIFECYCLE):
            raise Dead(f"subscription {frame.sid}: error {frame.msg.code} {frame.msg.msg}")
        del self._sids[dead[0]]
        if dead[0] == LIFECYCLE:
            self._command("subscribe", {"channels": [LIFECYCLE]})
            self._refreshing.set()
        else:
            params = {"channels": dead, "market_tickers": sorted(self._asked), "use_yes_price": True}
            self._command("subscribe", params)

    def _mend(self) -> None:
        """After a gap: books of the subscription by fresh snapshots, what markets are by REST."""
        lost, self._feed.gapped = self._feed.gapped, set()
        if self._sids.get(BOOK) in lost:
            self._ask_snapshots(m for m in self.markets.values() if not m.sound)
        if self._sids.get(LIFECYCLE) in lost:
            self._refreshing.set()

    def _subscribe(self) -> None:
        """Bring the subscription to what is wanted, as far as it is known what there is."""
        if not self._connected:
            return
        wanted = {m.instrument.symbol for m in self._defined()}
        if not self._begun and wanted:
            self._asked, self._begun = wanted, True
            params = {"channels": [BOOK, TRADE], "market_tickers": sorted(wanted), "use_yes_price": True}
            self._command("subscribe", params)
            return
        if BOOK not in self._sids or TRADE not in self._sids:
            return
        changes = (("add_markets", wanted - self._asked), ("delete_markets", self._asked - wanted))
        for action, tickers in changes:
            for channel in (BOOK, TRADE) if tickers else ():
                params = {"sids": [self._sids[channel]], "market_tickers": sorted(tickers), "action": action}
                self._command("update_subscription", params)
        self._asked = wanted

    def _ask_snapshots(self, markets: Iterable[Mirror]) -> None:
        now = time.monotonic()
        due = [m for m in markets if m.asked is None and m.instrument.symbol in self._asked]
        sid = self._sids.get(BOOK)
        if not due or sid is None:
            return
        for market in due:
            market.asked = now
        tickers = [m.instrument.symbol for m in due]
        self._command(
            "update_subscription", {"sids": [sid], "market_tickers": tickers, "action": "get_snapshot"}
        )

    # ---- what the stream tells

    def _tell(self, events: Iterable[PublicEvent]) -> None:
        now = time.monotonic()
        for event in events:
            market = self.markets.get(event.instrument)
            if market is None:
                continue  # the life of every market of the exchange comes in
            match event:
                case BookDelta():
                    market.delta(event, now)
                case BookSnapshot():
                    if not market.snapshot(event, now):
                        raise Dead("the stream loses messages without a gap in its numbers")
                case BookStale():
                    market.distrust()
                case MarketStatus():
                    market.told, market.state = now, event.state
                    self._show(market)
                    continue
                case InstrumentDefined():
                    market.told = now
                    if market.listing is not None:
                        market.listing = msgspec.structs.replace(market.listing, spec=event.spec)
                case Settled():
                    market.settled = True
                case _:
                    pass
            self._emit(event)

    def _lived(self, frame: LifecycleFrame) -> None:
        """Changes whose particulars only the listing tells."""
        market = next((m for m in self._defined() if m.instrument.symbol == frame.msg.market_ticker), None)
        if market is None:
            return
        if frame.msg.event_type == "close_date_updated" and frame.msg.close_ts is not None:
            market.told = time.monotonic()
            market.closes_wall = Nanos(frame.msg.close_ts * SECOND)
        elif frame.msg.event_type in ("metadata_updated", "settled"):
            self._refreshing.set()

    def _touch(self, markets: Iterator[Mirror]) -> None:
        for market in markets:
            market.told = time.monotonic()

    def _show(self, market: Mirror) -> None:
        """Put the state of a market if it changed: its own, or its shard's pause."""
        if market.listing is None:
            return
        state = market.state
        if state is MarketState.OPEN and market.listing.shard in self._paused_shards:
            state = MarketState.PAUSED
        if state is not market.shown:
            market.shown = state
            self._emit(MarketStatus(instrument=market.instrument, state=state))

    def _emit(self, event: AnyEvent) -> None:
        assert self._put is not None, "events come while it runs"
        self._put(event)

    # ---- facts

    def _defined(self) -> Iterator[Mirror]:
        return (market for market in self.markets.values() if market.listing is not None)

    def _define(self, instrument: Instrument) -> None:
        assert self._group is not None, "markets are defined while it runs"
        self._defining[instrument] = self._group.create_task(self._until_defined(instrument))

    async def _until_defined(self, instrument: Instrument) -> None:
        backoff = Backoff()
        while instrument in self.markets:
            try:
                listing = await self._facts.market(instrument.symbol)
                await self._ready(listing.shard)
            except (Refused, Unanswered, ParseError) as error:
                self._emit(BookStale(instrument=instrument, why=str(error)))
                await asyncio.sleep(backoff.next_s())
                continue
            market = self.markets.get(instrument)
            if market is not None:
                self._learn(market, listing)
                self._subscribe()
            return

    async def _refresh(self) -> None:
        """Read the facts of every event again and again: what the stream does not tell, or was lost."""
        while True:
            for event in {_event(market) for market in self._defined()}:
                try:
                    self._learn_event(await self._facts.event(event))
                except (Refused, Unanswered, ParseError):
                    break  # the next round tries again; quoting does not hang on it
            self._refreshing.clear()
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._refreshing.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)

    def _learn_event(self, event: EventListing) -> None:
        now = time.monotonic()
        for listing in event.listings:
            market = self.markets.get(listing.instrument)
            if market is not None and market.listing is not None and now - market.told > STREAM_WINS_S:
                self._learn(market, listing)

    def _learn(self, market: Mirror, listing: Listing) -> None:
        """Take a market as REST tells it; what changed is told."""
        known, market.listing = market.listing, listing
        market.state, market.closes_wall = listing.state, listing.close_wall
        self._feed.parser.define(listing)
        if known is None or known.spec != listing.spec:
            self._emit(InstrumentDefined(instrument=market.instrument, spec=listing.spec))
        self._show(market)
        paid = listing.state is MarketState.RESOLVED and listing.result is not Result.UNKNOWN
        if paid and listing.payout is not None and not market.settled:
            market.settled = True
            self._emit(Settled(instrument=market.instrument, payout=listing.payout))

    # ---- proof

    async def _prove(self) -> None:
        """Compare quiet books with REST; those asked for get their snapshot."""
        while True:
            await self._proof.wait()
            await asyncio.sleep(GATHER_S)
            self._proof.clear()
            asked, self._wants_proof = self._wants_proof, {}
            sound = [m for m in self.markets.values() if m.sound]
            for first in range(0, len(sound), BOOKS_MAX):
                await self._compare(sound[first : first + BOOKS_MAX], set(asked))

    async def _compare(self, markets: list[Mirror], asked: set[Instrument]) -> None:
        began = time.monotonic()
        query = "&".join(f"tickers={m.instrument.symbol}" for m in markets)
        try:
            books = parse_books(await self._rest.get(f"/markets/orderbooks?{query}"))
        except (Refused, Unanswered, ParseError):
            return  # nothing is proven: the books age and are pulled in time
        for market in markets:
            levels = books.get(market.instrument)
            if levels is None or not market.sound or market.instrument not in self.markets:
                continue
            if market.heard <= began - QUIET_S and levels != market.levels:
                market.suspect = True  # one of the two is behind: what the stream says now decides
                self._ask_snapshots([market])
            elif market.instrument in asked:
                self._emit(market.book())

    async def _watch(self) -> None:
        """Snapshots that do not come, and markets whose time is over."""
        while True:
            await asyncio.sleep(WATCH_S)
            now, wall = time.monotonic(), time.time_ns()
            for market in self.markets.values():
                if market.asked is not None and now - market.asked > SNAPSHOT_PATIENCE_S:
                    self._drop("a snapshot asked for did not come")
                    break
                if market.state is MarketState.OPEN and 0 < market.closes_wall <= wall:
                    market.state = MarketState.CLOSED  # there is no event for it
                    self._show(market)


def _event(market: Mirror) -> str:
    return market.listing.event if market.listing is not None else ""
