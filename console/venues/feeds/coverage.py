"""Which matches of a league a feed covers, and why it does not cover the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from console.core.matches import MatchId, MatchSpec
from console.venues.feeds.leagues import League
from console.venues.feeds.lines import Line, Parsed, why_missing
from console.venues.feeds.pairing import Paired, line_for, pair


class Covered(Struct, frozen=True):
    """One match on one feed. `why` is empty when at least one book prices it and nothing is in doubt."""

    match: MatchId
    title: str
    feed: str
    league: str
    event: str = ""
    names: tuple[str, ...] = ()
    confidence: int = 0
    books: tuple[str, ...] = ()  # that offer its line now
    why: str = ""


class Coverage(Struct, frozen=True):
    """A league on a feed: its matches, and how many of the feed's events are nobody's."""

    feed: str
    league: str
    matches: tuple[Covered, ...]
    events: int = 0
    unlisted: tuple[str, ...] = ()  # events of the feed that no match of ours is paired with
    failed: str = ""  # why the feed could not be asked

    @property
    def covered(self) -> int:
        """Matches that are priced."""
        return sum(not match.why for match in self.matches)


def cover(
    feed: str, books: Sequence[str], league: League, specs: Sequence[MatchSpec], parsed: Parsed
) -> Coverage:
    """Hold one answer of a feed against the matches of a league."""
    lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in parsed.lines:
        lines[line.event, line.book].append(line)
    matches = tuple(_match(feed, books, league, spec, parsed, lines) for spec in specs)
    ours = {match.event for match in matches}
    unlisted = tuple(fixture.title for fixture in parsed.fixtures if fixture.id not in ours)
    return Coverage(feed, league.id, matches, len(parsed.fixtures), unlisted)


def _match(
    feed: str,
    books: Sequence[str],
    league: League,
    spec: MatchSpec,
    parsed: Parsed,
    lines: dict[tuple[str, str], list[Line]],
) -> Covered:
    found = pair(spec, league, feed, parsed.fixtures)
    if not isinstance(found, Paired):
        return Covered(spec.id, spec.title, feed, league.id, why=found.why)
    event = found.fixture.id
    offered = {book: line_for(spec, found, lines[event, book]) for book in books}
    priced = tuple(book for book, line in offered.items() if isinstance(line, Line))
    missing = [
        f"{book}: {why_missing(parsed.troubles, event, book, line)}"
        for book, line in offered.items()
        if isinstance(line, str)
    ]
    why = found.doubt or ("" if priced else "; ".join(missing))
    return Covered(spec.id, spec.title, feed, league.id, event, found.names, found.confidence, priced, why)
