"""Market data: listings, books and results of the markets that were asked for, as events."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final, assert_never
from urllib.parse import quote

from msgspec.structs import replace

from console.core.events import AnyEvent, BookStale, InstrumentDefined, MarketStatus, Settled
from console.core.instruments import Instrument, MarketState, Venue
from console.core.ladders import Band
from console.core.matches import MatchSpec
from console.core.units import ONE, SECOND, Price
from console.link.messages import SymbolView
from console.venues.base.protocol import LookupFailed, Put
from console.venues.base.stream import Dead, Line, Stream
from console.venues.polymarket.amounts import AMOUNT_DECIMALS
from console.venues.polymarket.books import (
    BestBidAsk,
    BookMessage,
    LastTrade,
    MarketMessage,
    MarketResolved,
    NewMarket,
    PriceChange,
    TickSizeChange,
    TokenBook,
    books_request,
    more,
    parse_books,
    parse_frame,
    subscription,
)
from console.venues.polymarket.discovery import (
    Facts,
    leg_side,
    match_of,
    matches_of,
    parse_event,
    parse_market,
    parse_markets,
    parse_search,
    wanted,
)
from console.venues.polymarket.rest import Rest, Unread, parsed
from console.venues.polymarket.user import Leg
from console.venues.polymarket.wire import ParseError, amount

MARKETS_A_LINE: Final = 100  # two tokens each; above 500 tokens no dump comes
PING_S: Final = 10.0
SILENCE_S: Final = 30.0
READ_TOGETHER_S: Final = 0.02  # books asked for within this are read in one request
BOOKS_A_READ: Final = 500
FROZEN_S: Final = 3.0  # the stream owes us a change that a read has shown: so long, and it is frozen
LISTED_AGAIN_S: Final = 60.0
LISTED_AGAIN_SOON_S: Final = 20.0  # in the last minutes before the start, which may move
SOON: Final = 600 * SECOND
CLEARED_BEFORE: Final = 20 * SECOND  # we are out before the venue clears its book at the start ...
CLEARED_AFTER: Final = 10 * SECOND  # ... and back when it has
RETRY_S: Final = 5.0
FOUND_MAX: Final = 20


class Listed:
    """One market that was asked for."""

    def __init__(self, facts: Facts) -> None:
        first, second = facts.tokens
        self.facts = facts
        self.book = TokenBook(facts.yes, facts.condition, first, second, facts.tick)
        self.told: MarketState | None = None
        self.settled = False
        self.owed_since = 0.0  # a read showed what the stream had not told


class Shard:
    """One connection of the market channel, and the markets on it."""

    def __init__(self, feed: MarketFeed) -> None:
        self.markets: dict[str, Listed] = {}  # by condition
        self._feed = feed
        self.stream = Stream(
            feed.market_address,
            _no_headers,
            self._opened,
            self._took,
            self._closed,
            silence_s=SILENCE_S,
            ping_s=None,  # the venue's pings are words
        )

    def tokens(self) -> list[str]:
        """Both tokens of every market: a trade is told of one of them."""
        return [token for listed in self.markets.values() for token in listed.facts.tokens]

    async def add(self, listed: Listed) -> None:
        """Begin to stream a market."""
        self.markets[listed.facts.condition] = listed
        await self._say(more(listed.facts.tokens, add=True))

    async def drop(self, listed: Listed) -> None:
        """No longer stream a market."""
        self.markets.pop(listed.facts.condition, None)
        await self._say(more(listed.facts.tokens, add=False))

    async def keep(self) -> None:
        """The words that keep the connection."""
        while True:
            await asyncio.sleep(PING_S)
            await self._say("PING")

    async def _say(self, text: str) -> None:
        try:
            await self.stream.send(text)
        except Dead:
            return  # the next connection begins with everything

    async def _opened(self, line: Line) -> None:
        await line.send(subscription(self.tokens()))

    def _closed(self, why: str) -> None:
        for listed in self.markets.values():
            self._feed.say(listed.book.lost(f"stream: {why}"))

    def _took(self, frame: str | bytes) -> None:
        try:
            messages = parse_frame(frame)
        except ParseError as error:
            self._unreadable(error)
            return
        for message in messages:
            try:
                self._feed.hear(self.markets, message)
            except ParseError as error:
                self._unreadable(error)
            except ValueError as error:
                self._unreadable(ParseError("market message", getattr(message, "market", ""), str(error)))

    def _unreadable(self, error: ParseError) -> None:
        """A message that cannot be read stops its market, or all where it does not even say which."""
        one = self.markets.get(error.subject)
        for listed in [one] if one is not None else list(self.markets.values()):
            self._feed.say(listed.book.lost(str(error)))


class MarketFeed:
    """Every market subscribed to, by symbol; events go where `run` was told to put them."""

    def __init__(self, rest: Rest, market_address: str) -> None:
        self._rest = rest
        self._address = market_address
        self._put: Put | None = None
        self._group: asyncio.TaskGroup | None = None
        self._wanted: dict[str, None] = {}
        self._listed: dict[str, Listed] = {}  # by symbol
        self._legs: dict[str, Leg] = {}  # by token
        self._shards: list[Shard] = []
        self._to_read: dict[str, None] = {}
        self._read = asyncio.Event()
        self._held = False
        self._complete = asyncio.Event()  # every market asked for is listed
        self._complete.set()

    # ---- what others ask

    def market_address(self) -> str:
        """Where the market channel is."""
        return self._address

    def facts(self, symbol: str) -> Facts | None:
        """What is known of a market; None while it is not listed yet."""
        listed = self._listed.get(symbol)
        return listed.facts if listed is not None else None

    def book(self, symbol: str) -> TokenBook | None:
        """The book of a market as the stream tells it."""
        listed = self._listed.get(symbol)
        return listed.book if listed is not None else None

    def leg(self, token: str) -> Leg | None:
        """Which leg of which market a token is; None for one nobody asked for."""
        return self._legs.get(token)

    def tokens(self) -> Mapping[str, Leg]:
        """Every token of the markets asked for."""
        return self._legs

    async def listed(self, patience_s: float) -> None:
        """Wait until every market asked for is listed, or for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._complete.wait()

    def settlements(self) -> list[Settled]:
        """What every market that is decided has paid."""
        return [
            Settled(instrument=listed.facts.yes, payout=Price(listed.facts.payout))
            for listed in self._listed.values()
            if listed.facts.payout is not None
        ]

    def say(self, events: Sequence[AnyEvent]) -> None:
        """Put events."""
        if self._put is not None:
            for event in events:
                self._put(event)

    # ---- what the engine asks

    def subscribe(self, instrument: Instrument) -> None:
        """Begin to tell of a market; of one that is told of already: tell it again from the start."""
        symbol = instrument.symbol
        self._wanted[symbol] = None
        listed = self._listed.get(symbol)
        if listed is not None:
            self._define(listed)
            self.resync(instrument)
            return
        self._complete.clear()
        if self._group is not None:
            self._group.create_task(self._list(symbol))

    def unsubscribe(self, instrument: Instrument) -> None:
        """Tell of it no longer."""
        self._wanted.pop(instrument.symbol, None)
        listed = self._listed.pop(instrument.symbol, None)
        if listed is None:
            return
        for token in listed.facts.tokens:
            self._legs.pop(token, None)
        for shard in self._shards:
            if listed.facts.condition in shard.markets and self._group is not None:
                self._group.create_task(shard.drop(listed))

    def resync(self, instrument: Instrument) -> None:
        """Read a book, together with others asked for at the same time."""
        self._to_read[instrument.symbol] = None
        self._read.set()

    def pause(self, held: bool) -> None:
        """Everything stands still (or goes on): the matching engine restarts."""
        self._held = held
        for listed in self._listed.values():
            self._state(listed)

    # ---- the life of it

    async def run(self, put: Put) -> None:
        """Tell of every market asked for until cancelled."""
        self._put = put
        async with asyncio.TaskGroup() as group:
            self._group = group
            for symbol in list(self._wanted):
                group.create_task(self._list(symbol))
            group.create_task(self._read_books())
            group.create_task(self._watch())
            group.create_task(self._list_all_again())
            await asyncio.Event().wait()

    async def _list(self, symbol: str) -> None:
        """Find a market and begin to stream it; said once when it cannot be found, tried until it is."""
        said = ""
        while symbol in self._wanted and symbol not in self._listed:
            why = await self._try_listing(symbol)
            if why and why != said:
                said = why
                self.say([BookStale(instrument=Instrument(Venue.POLYMARKET, symbol), why=why)])
            if why:
                await asyncio.sleep(RETRY_S)

    async def _try_listing(self, symbol: str) -> str:
        """Why a market cannot be listed; empty once it is."""
        try:
            facts = await self._look(symbol)
        except Unread as error:
            return str(error)
        if facts is None:
            return "no such market"
        if symbol in self._wanted and symbol not in self._listed:
            listed = self._listed[symbol] = Listed(facts)
            for token in facts.tokens:
                self._legs[token] = Leg(self._instrument(facts, token), facts.spec.fees)
            self._define(listed)
            self.resync(facts.yes)
            if all(other in self._listed for other in self._wanted):
                self._complete.set()
            await self._shard().add(listed)
        return ""

    async def _look(self, symbol: str) -> Facts | None:
        """A market by its slug; raises Unread."""
        body = await self._rest.gamma(f"/markets/slug/{symbol}")
        return parsed(parse_market, body) if body is not None else None

    def _instrument(self, facts: Facts, token: str) -> Instrument:
        return Instrument(facts.yes.venue, facts.slug, leg_side(facts, token))

    def _shard(self) -> Shard:
        for shard in self._shards:
            if len(shard.markets) < MARKETS_A_LINE:
                return shard
        shard = Shard(self)
        self._shards.append(shard)
        assert self._group is not None, "markets are listed while it runs"
        self._group.create_task(shard.stream.run())
        self._group.create_task(shard.keep())
        return shard

    def _define(self, listed: Listed) -> None:
        """State the facts of a market, and what it paid once it has."""
        facts = listed.facts
        self.say([InstrumentDefined(instrument=facts.yes, spec=facts.spec)])
        listed.told = None
        self._state(listed)
        if facts.payout is not None:
            self.say([Settled(instrument=facts.yes, payout=Price(facts.payout))])

    def _state(self, listed: Listed) -> None:
        """Say whether the market trades, if that changed; around the start of a game it does not."""
        facts = listed.facts
        state = facts.state
        if state is MarketState.OPEN and (self._held or _being_cleared(facts)):
            state = MarketState.PAUSED
        if state is not listed.told:
            listed.told = state
            self.say([MarketStatus(instrument=facts.yes, state=state)])

    # ---- the stream

    def hear(self, markets: Mapping[str, Listed], message: MarketMessage) -> None:
        """Take one message of the stream; raises ParseError and ValueError for what cannot be read."""
        if isinstance(message, BestBidAsk | NewMarket):
            return
        listed = markets.get(message.market)
        if listed is None:
            return
        listed.owed_since = 0.0
        match message:
            case BookMessage():
                self._regrid(listed, message.tick_size or listed.book.tick_size)
                self.say(listed.book.take(message))
            case PriceChange():
                self.say(listed.book.change(message))
            case LastTrade():
                self.say(listed.book.trade(message))
            case TickSizeChange():
                if self._regrid(listed, message.new_tick_size):  # both tokens are told
                    self.resync(listed.facts.yes)
            case MarketResolved():
                self._resolved(listed, message)
            case _:
                assert_never(message)

    def _regrid(self, listed: Listed, spelled: str) -> bool:
        """Take the grid the venue names; True when it is a new one. Raises ParseError for none of its own."""
        tick = amount(spelled)
        if tick not in AMOUNT_DECIMALS:
            raise ParseError("tick size", listed.facts.condition, f"{spelled} is none the venue has")
        if tick == listed.facts.tick:
            return False
        spec = replace(listed.facts.spec, bands=(Band(0, ONE, tick),))
        listed.facts = replace(listed.facts, spec=spec)
        self.say(listed.book.regrid(tick, spelled))
        self.say([InstrumentDefined(instrument=listed.facts.yes, spec=spec)])
        return True

    def _resolved(self, listed: Listed, message: MarketResolved) -> None:
        """A market is decided; one without a winner among its tokens is read from its listing."""
        first, second = listed.facts.tokens
        payout = {first: ONE, second: 0}.get(message.winning_asset_id)
        if payout is not None:
            self._settle(listed, payout)

    def _settle(self, listed: Listed, payout: int) -> None:
        if listed.facts.payout is not None:
            return
        listed.facts = replace(listed.facts, state=MarketState.RESOLVED, payout=payout)
        self._state(listed)
        self.say([Settled(instrument=listed.facts.yes, payout=Price(payout))])

    # ---- reading books

    async def _read_books(self) -> None:
        while True:
            await self._read.wait()
            await asyncio.sleep(READ_TOGETHER_S)
            self._read.clear()
            asked = [self._listed[symbol] for symbol in self._to_read if symbol in self._listed]
            self._to_read.clear()
            for at in range(0, len(asked), BOOKS_A_READ):
                some = asked[at : at + BOOKS_A_READ]
                try:
                    for events in await self._books(some):
                        self.say(events)
                except Unread:
                    continue  # the books age; the engine asks again

    async def _books(self, asked: list[Listed]) -> list[list[AnyEvent]]:
        """Read books and compare them with what the stream told; raises Unread."""
        by_token = {listed.facts.tokens[0]: listed for listed in asked}
        body = await self._rest.clob("/books", body=books_request(by_token))
        found: list[list[AnyEvent]] = []
        for rest in parsed(parse_books, body):
            listed = by_token.get(rest.asset_id)
            if listed is None:
                continue
            try:
                self._regrid(listed, rest.tick_size)
                events, owes = listed.book.compare(rest)
            except (ParseError, ValueError) as error:
                events, owes = listed.book.lost(str(error)), False
            if owes and not listed.owed_since:
                listed.owed_since = time.monotonic()
            found.append(events)
        return found

    # ---- what time brings

    async def _watch(self) -> None:
        """Starts of games, and streams that answer and tell nothing."""
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for shard in self._shards:
                owed = [m for m in shard.markets.values() if 0 < m.owed_since <= now - FROZEN_S]
                if owed:
                    for listed in shard.markets.values():
                        listed.owed_since = 0.0
                        self.say(listed.book.lost("the stream answers but tells nothing"))
                    shard.stream.drop()
            for listed in self._listed.values():
                self._state(listed)
                if not listed.book.provable:
                    self.resync(listed.facts.yes)

    async def _list_all_again(self) -> None:
        """Listings change: results, rules, rewards, and the starts of games."""
        read_at: dict[str, float] = {}
        while True:
            await asyncio.sleep(1.0)
            for symbol, listed in list(self._listed.items()):
                now = time.monotonic()
                soon = 0 < listed.facts.start - time.time_ns() < SOON
                pause = LISTED_AGAIN_SOON_S if soon else LISTED_AGAIN_S
                if now - read_at.setdefault(symbol, now) >= pause:
                    read_at[symbol] = now
                    await self._list_again(listed)

    async def _list_again(self, listed: Listed) -> None:
        """Read a listing again; its news is told, a failure changes nothing."""
        if listed.facts.payout is not None:
            return
        try:
            facts = await self._look(listed.facts.slug)
        except Unread as error:
            if isinstance(error.__cause__, ParseError):
                self.say(listed.book.lost(str(error)))
            return
        if facts is None or facts.tokens != listed.facts.tokens or facts.condition != listed.facts.condition:
            self.say(listed.book.lost("its slug now names another market"))
            return
        tick = listed.facts.spec.bands  # the stream knows better than a listing that may be cached
        before, listed.facts = listed.facts, replace(facts, spec=replace(facts.spec, bands=tick))
        if listed.facts.spec != before.spec:
            self.say([InstrumentDefined(instrument=facts.yes, spec=listed.facts.spec)])
        self._state(listed)
        if facts.payout is not None:
            self.say([Settled(instrument=facts.yes, payout=Price(facts.payout))])

    # ---- searching

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches that an address, a slug or words mean; raises LookupFailed."""
        look = wanted(text)
        try:
            for slug in look.slugs:
                specs = await self._by_slug(slug)
                if specs:
                    return self._views(specs)
            body = await self._rest.gamma("/public-search", f"q={quote(look.words)}&limit_per_type=10")
            events = parsed(parse_search, body) if body is not None else ()
            return self._views([spec for event in events for spec in matches_of(event)])
        except (Unread, ParseError) as error:
            raise LookupFailed(str(error)) from error

    async def _by_slug(self, slug: str) -> tuple[MatchSpec, ...]:
        body = await self._rest.gamma(f"/events/slug/{slug}", "include_tag=true")
        if body is not None:
            return matches_of(parsed(parse_event, body))
        body = await self._rest.gamma("/markets", f"slug={slug}")
        markets = parsed(parse_markets, body) if body is not None else ()
        return tuple(match_of(market) for market in markets)

    def _views(self, specs: Sequence[MatchSpec]) -> tuple[SymbolView, ...]:
        return tuple(
            SymbolView(spec.listings[0].instrument, spec.title, spec, (), added=False)
            for spec in specs[:FOUND_MAX]
        )


def _being_cleared(facts: Facts) -> bool:
    """Whether the venue is about to clear the book of a game that begins, or has just done so."""
    since = time.time_ns() - facts.start
    return facts.clears_at_start and facts.start > 0 and -CLEARED_BEFORE <= since < CLEARED_AFTER


async def _no_headers() -> Mapping[str, str]:
    return {}
