"""Matches that can be made on Kalshi: found by ticker, address or words, an event's tickers together."""

from __future__ import annotations

import re
import time
from typing import Final

import msgspec
from msgspec import Struct

from console.core.events import RejectReason
from console.core.instruments import MarketState
from console.core.matches import Kind, MatchId, MatchSpec
from console.core.matches import Listing as Quoted
from console.core.units import Nanos
from console.link.messages import SymbolView
from console.venues.base.protocol import LookupFailed, Refused, Unanswered
from console.venues.kalshi.facts import Facts
from console.venues.kalshi.listings import EventListing, Listing, parse_event
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.wire import UNREADABLE, ParseError

TIE: Final = "-TIE"
KEEP_S: Final = 60.0
FOUND_MAX: Final = 40
_SLUG: Final = re.compile(r"[^A-Za-z0-9_.-]+")

# series -> sport and league, as odds feeds and people call them
SERIES: Final = {
    "KXNBAGAME": ("Basketball", "NBA"),
    "KXWNBAGAME": ("Basketball", "WNBA"),
    "KXNCAAMBGAME": ("Basketball", "NCAAB"),
    "KXNFLGAME": ("American football", "NFL"),
    "KXNCAAFGAME": ("American football", "NCAAF"),
    "KXMLBGAME": ("Baseball", "MLB"),
    "KXNHLGAME": ("Ice hockey", "NHL"),
    "KXATPMATCH": ("Tennis", "ATP"),
    "KXWTAMATCH": ("Tennis", "WTA"),
    "KXATPCHALLENGERMATCH": ("Tennis", "ATP Challenger"),
    "KXEPLGAME": ("Soccer", "EPL"),
    "KXLALIGAGAME": ("Soccer", "La Liga"),
    "KXSERIEAGAME": ("Soccer", "Serie A"),
    "KXBUNDESLIGAGAME": ("Soccer", "Bundesliga"),
    "KXLIGUE1GAME": ("Soccer", "Ligue 1"),
    "KXUCLGAME": ("Soccer", "Champions League"),
    "KXUFCFIGHT": ("MMA", "UFC"),
    "KXCS2GAME": ("Esports", "CS2"),
    "KXLOLGAME": ("Esports", "LoL"),
    "KXVALORANTGAME": ("Esports", "Valorant"),
    "KXDOTA2GAME": ("Esports", "Dota 2"),
    "KXCODGAME": ("Esports", "CoD"),
    "KXTTELITEGAME": ("Table tennis", "TT Elite"),
}


class _Events(Struct, frozen=True):
    events: tuple[msgspec.Raw, ...]
    cursor: str | None = None


class Discovery:
    """Searches what the venue lists. Events of a series are remembered for a minute."""

    def __init__(self, rest: Rest, facts: Facts, more: tuple[str, ...] = ()) -> None:
        """`more` are series searched beside the well-known ones."""
        self._rest = rest
        self._facts = facts
        self._series = tuple(dict.fromkeys((*SERIES, *more)))
        self._kept: dict[str, tuple[float, list[EventListing]]] = {}

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches meant by a ticker, an address or words; raises LookupFailed with one line."""
        words = text.strip()
        if not words:
            return ()
        try:
            ticker = ticker_in(words)
            if ticker:
                return await self._by_ticker(ticker)
            return await self._by_words(words.lower().split())
        except (Refused, Unanswered, ParseError) as error:
            raise LookupFailed(str(error)) from error

    async def _by_ticker(self, ticker: str) -> tuple[SymbolView, ...]:
        """An event, or a market: then the match of its event that it belongs to."""
        try:
            event = await self._facts.event(ticker)
        except Refused as refused:
            if refused.reason is not RejectReason.NOT_FOUND:
                raise
            try:
                event = await self._facts.event(await self._facts.event_of(ticker))
            except Refused as again:
                raise LookupFailed(f"{ticker}: {again}") from again
        found = [spec for spec in specs_of(event) if event.ticker == ticker or _lists(spec, ticker)]
        return tuple(map(_view, found))

    async def _by_words(self, words: list[str]) -> tuple[SymbolView, ...]:
        named = [s for s in self._series if any(_names(s, word) for word in words)]
        found: list[MatchSpec] = []
        for series in named or self._series:
            for event in await self._open_events(series):
                found += [spec for spec in specs_of(event) if _means(spec, series, words)]
            if len(found) >= FOUND_MAX:
                break
        return tuple(map(_view, found[:FOUND_MAX]))

    async def _open_events(self, series: str) -> list[EventListing]:
        kept = self._kept.get(series)
        if kept is not None and time.monotonic() - kept[0] < KEEP_S:
            return kept[1]
        path = f"/events?series_ticker={series}&status=open&with_nested_markets=true&limit=200"
        events: list[EventListing] = []
        rows = [row for page in await self._rest.pages(path, _page, _cursor) for row in page.events]
        terms = await self._facts.terms(series) if rows else None
        for row in rows:
            assert terms is not None, "there are events"
            try:
                events.append(parse_event(b'{"event":' + bytes(row) + b"}", terms))
            except ParseError:
                continue  # a market we could not trade is not offered
        self._kept[series] = (time.monotonic(), events)
        return events


def ticker_in(text: str) -> str:
    """The ticker that is meant: the text itself, or the last part of an address; empty for words."""
    last = text.rstrip("/").rpartition("/")[2].partition("?")[0].partition("#")[0].upper()
    shaped = re.fullmatch(r"[A-Z0-9]+-[A-Z0-9.-]+", last) is not None
    return last if shaped and (" " not in text) else ""


def specs_of(event: EventListing) -> list[MatchSpec]:
    """The matches of an event: one of all its exclusive markets, else one for each market."""
    listings = [m for m in event.listings if m.state is not MarketState.RESOLVED] or list(event.listings)
    if event.exclusive and 2 <= len(listings) <= 3:
        spec = _together(event, listings)
        return [spec] if spec.defect() is None else []
    return [spec for spec in (_alone(event, listing) for listing in listings) if spec.defect() is None]


def _together(event: EventListing, listings: list[Listing]) -> MatchSpec:
    """Both (or all three) markets as one match; a tie stands between the teams."""
    teams = [listing for listing in listings if not listing.instrument.symbol.endswith(TIE)]
    ties = [listing for listing in listings if listing.instrument.symbol.endswith(TIE)]
    ordered = [*teams[:1], *ties, *teams[1:]] if len(teams) == 2 else listings
    sport, league = SERIES.get(event.series, ("", event.series))
    return MatchSpec(
        id=MatchId(_SLUG.sub("-", event.ticker.lower())[:48]),
        title=event.title,
        outcomes=tuple("Draw" if listing in ties else listing.outcome for listing in ordered),
        listings=tuple(Quoted(listing.instrument, (n,)) for n, listing in enumerate(ordered)),
        event=event.ticker,
        sport=sport,
        league=league,
        start=ordered[0].occurs_wall,
        end=_end(ordered[0]),
        may_none=True,  # exclusive says at most one: all may settle NO
    )


def _alone(event: EventListing, listing: Listing) -> MatchSpec:
    """One market by itself: its YES against everything else."""
    sport, league = SERIES.get(event.series, ("", event.series))
    kind = Kind.TOTAL if "TOTAL" in event.series else Kind.SPREAD if "SPREAD" in event.series else Kind.H2H
    yes = listing.outcome or "Yes"
    return MatchSpec(
        id=MatchId(_SLUG.sub("-", listing.instrument.symbol.lower())[:48]),
        title=f"{event.title}: {yes}" if yes not in event.title else event.title,
        outcomes=(yes, f"not {yes}"),
        listings=(Quoted(listing.instrument, (0,)),),
        event=event.ticker,
        sport=sport,
        league=league,
        kind=kind,
        line=yes if kind is not Kind.H2H else "",
        start=listing.occurs_wall,
        end=_end(listing),
        may_none=False,
    )


def _end(listing: Listing) -> Nanos:
    """When it should be over: the expected expiration, where that makes sense after the start."""
    return listing.expires_wall if listing.expires_wall > listing.occurs_wall > 0 else Nanos(0)


def _lists(spec: MatchSpec, ticker: str) -> bool:
    return any(listing.instrument.symbol == ticker for listing in spec.listings)


def _names(series: str, word: str) -> bool:
    sport, league = SERIES.get(series, ("", ""))
    return word in (league.lower(), sport.lower(), series.lower())


def _means(spec: MatchSpec, series: str, words: list[str]) -> bool:
    symbols = " ".join(listing.instrument.symbol for listing in spec.listings)
    hay = " ".join((spec.title, *spec.outcomes, spec.league, spec.sport, series, symbols)).lower()
    return all(word in hay for word in words)


def _view(spec: MatchSpec) -> SymbolView:
    return SymbolView(spec.listings[0].instrument, spec.title, spec, (), added=False)


def _page(body: bytes) -> _Events:
    try:
        return msgspec.json.decode(body, type=_Events)
    except UNREADABLE as error:
        raise ParseError("events listing", "", str(error)) from error


def _cursor(page: _Events) -> str:
    return page.cursor or ""
