"""The matches a feed is to bring odds for, and what one of its answers means for each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from console.core.events import (
    AnyEvent,
    GameStarted,
    OddsPaired,
    OddsSuspended,
    OddsUnpaired,
    OddsUpdate,
)
from console.core.matches import MatchId, MatchSpec
from console.core.sources import EXCHANGES
from console.core.units import Nanos
from console.venues.feeds.leagues import League, league_of
from console.venues.feeds.lines import Line, Parsed, why_missing
from console.venues.feeds.pairing import Paired, Unpaired, line_for, pair, prices


class _Told(Struct, frozen=True):
    """What the engine knows of a match: its event, or why there is none."""

    event: str
    why: str
    names: tuple[str, ...] = ()
    confidence: int = 0
    start: Nanos = Nanos(0)


class Watch:
    """Turns answers into events; remembers what was told, so that a change is told once.

    Sources are named by book: the same book over another feed is the same source.
    """

    def __init__(self, feed: str, books: Sequence[str]) -> None:
        self._feed = feed
        self._books = tuple(book for book in books if book not in EXCHANGES)
        self._wanted: dict[MatchId, MatchSpec] = {}
        # As told, but never the event itself: the engine process stamps events in place.
        self._told: dict[MatchId, _Told] = {}
        self._absent: dict[tuple[MatchId, str], str] = {}  # why a book's line is not there
        self._begun: set[MatchId] = set()

    # ---- the engine's wishes

    def add(self, spec: MatchSpec) -> bool:
        """Bring a match from now on, and tell all of it anew; False when nothing of it changed."""
        changed = self._wanted.get(spec.id) != spec
        self._wanted[spec.id] = spec
        self._told.pop(spec.id, None)
        self._absent = {key: why for key, why in self._absent.items() if key[0] != spec.id}
        return changed

    def drop(self, match: MatchId) -> None:
        """Bring a match no more."""
        self._wanted.pop(match, None)
        self._told.pop(match, None)
        self._absent = {key: why for key, why in self._absent.items() if key[0] != match}
        self._begun.discard(match)

    @property
    def leagues(self) -> dict[str, tuple[League, list[MatchSpec]]]:
        """The matches wanted by league; those of no league known are in none."""
        found: dict[str, tuple[League, list[MatchSpec]]] = {}
        for spec in self._wanted.values():
            league = league_of(spec.league)
            if league is not None:
                found.setdefault(league.id, (league, []))[1].append(spec)
        return found

    def homeless(self) -> list[AnyEvent]:
        """Matches of no league that is known: why nobody is asked for them."""
        events: list[AnyEvent] = []
        for spec in self._wanted.values():
            if league_of(spec.league) is None:
                why = f"league {spec.league!r} is not known" if spec.league else "the match has no league"
                events += self._unpaired(spec, why)
        return events

    def event_of(self, match: MatchId) -> str:
        """The feed's event that was paired with a match, empty when there is none."""
        told = self._told.get(match)
        return told.event if told is not None else ""

    def starts_of(self, spec: MatchSpec) -> tuple[Nanos, ...]:
        """When a match begins, by our start and by that of its pairing; 0 where nobody knows."""
        told = self._told.get(spec.id)
        known = (spec.start, told.start if told is not None else Nanos(0))
        return tuple(start for start in known if start) or (Nanos(0),)

    # ---- what an answer means

    def answer(self, league: League, parsed: Parsed, poll_s: int) -> list[AnyEvent]:
        """Events for every match of a league that was asked for."""
        lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in parsed.lines:
            lines[line.event, line.book].append(line)
        events: list[AnyEvent] = []
        for spec in self._wanted.values():
            if league_of(spec.league) is league:
                events += self._match(spec, league, parsed, lines, poll_s)
        return events

    def failed(self, league: League, why: str) -> list[AnyEvent]:
        """The feed has no such league (now)."""
        return [
            event
            for spec in self._wanted.values()
            if league_of(spec.league) is league
            for event in self._unpaired(spec, why)
        ]

    def _match(
        self,
        spec: MatchSpec,
        league: League,
        parsed: Parsed,
        lines: dict[tuple[str, str], list[Line]],
        poll_s: int,
    ) -> Iterable[AnyEvent]:
        found = pair(spec, league, self._feed, parsed.fixtures)
        if isinstance(found, Unpaired):
            yield from self._unpaired(spec, found.why)
            return
        yield from self._paired(spec, found)
        for book in self._books:
            offered = line_for(spec, found, lines[found.fixture.id, book])
            if isinstance(offered, Line):
                self._absent.pop((spec.id, book), None)
                yield self._update(spec, found, offered, poll_s)
                continue
            why = why_missing(parsed.troubles, found.fixture.id, book, offered)
            if self._absent.get((spec.id, book)) != why:
                self._absent[spec.id, book] = why
                yield OddsSuspended(match=spec.id, source=book, feed=self._feed, why=why)

    def _paired(self, spec: MatchSpec, found: Paired) -> Iterable[AnyEvent]:
        fixture = found.fixture
        told = _Told(fixture.id, found.doubt, found.names, found.confidence, fixture.start)
        if self._told.get(spec.id) != told:
            self._told[spec.id] = told
            yield OddsPaired(
                match=spec.id,
                feed=self._feed,
                event=told.event,
                names=told.names,
                confidence=told.confidence,
                doubt=told.why,
                start=told.start,
            )
        if found.fixture.started and not found.doubt and spec.id not in self._begun:
            self._begun.add(spec.id)
            yield GameStarted(match=spec.id)

    def _unpaired(self, spec: MatchSpec, why: str) -> Iterable[AnyEvent]:
        told = _Told("", why)
        if self._told.get(spec.id) != told:
            self._told[spec.id] = told
            yield OddsUnpaired(match=spec.id, feed=self._feed, why=why)

    def _update(self, spec: MatchSpec, found: Paired, line: Line, poll_s: int) -> OddsUpdate:
        return OddsUpdate(
            match=spec.id,
            source=line.book,
            odds=prices(line, found),
            provider_wall=line.provider_wall,
            feed=self._feed,
            changed_wall=line.changed_wall,
            poll_s=poll_s,
        )
