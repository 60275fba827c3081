"""Looking for lines by words: what is listed in the leagues asked for, kept a few minutes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from console.link.messages import SymbolView
from console.venues.base.protocol import LookupFailed
from console.venues.prophetx.catalogue import (
    EVENTS_AT_ONCE,
    OPEN_EVENT,
    Offer,
    offers,
    parse_events,
    parse_markets,
    parse_tournaments,
    start_of,
)
from console.venues.prophetx.dialects import Dialect, query
from console.venues.prophetx.neutral import SportEvent, Tournament

KEPT_S: Final = 300.0
FOUND_MAX: Final = 60
SOON_S: Final = 7 * 24 * 3600
LEAGUES: Final = ("MLB", "NBA", "NFL", "NHL", "Tennis")


class Finder:
    """Reads the catalogue league by league; `ask` keeps the venue's pace."""

    def __init__(self, dialect: Dialect, ask: Callable[[str], Awaitable[bytes]]) -> None:
        self._dialect = dialect
        self._ask = ask
        self._tournaments: tuple[Tournament, ...] = ()
        self._tournaments_s = -KEPT_S
        self._events: dict[int, tuple[float, tuple[SportEvent, ...], list[str]]] = {}
        self.troubles: list[str] = []  # what could not be read and was left out

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Lines whose event, league or sport contains every word; raises LookupFailed and what `ask` does."""
        words = text.lower().split()
        listed = [event for event in await self.events(LEAGUES) if _means(event, words)]
        if not listed:
            raise LookupFailed(f"ProphetX lists nothing like {text!r} in {', '.join(LEAGUES)}")
        found: list[SymbolView] = []
        for offer in await self.offers(listed[: FOUND_MAX // 3]):
            if offer.spec is not None and offer.main:
                first = offer.sides[0].instrument
                found.append(SymbolView(first, offer.spec.title, offer.spec, (), added=False))
        return tuple(found[:FOUND_MAX])

    async def events(self, leagues: Iterable[str]) -> list[SportEvent]:
        """Events of the leagues (or sports) named that have not started, the next ones first."""
        self.troubles = []
        wanted = [name.lower() for name in leagues]
        found: list[SportEvent] = []
        for tournament in await self._listed():
            if tournament.name.lower() in wanted or tournament.sport.name.lower() in wanted:
                found += await self._of(tournament.id)
        soon = time.time() + SOON_S
        open_ = [e for e in found if e.status == OPEN_EVENT and e.type == "match" and not e.sub_type]
        return sorted((e for e in open_ if start_of(e) < soon * 1e9), key=start_of)

    async def offers(self, events: Iterable[SportEvent]) -> list[Offer]:
        """Every line of these events."""
        named = {event.event_id: event for event in events}
        ids, found = list(named), list[Offer]()
        for first in range(0, len(ids), EVENTS_AT_ONCE):
            batch = ids[first : first + EVENTS_AT_ONCE]
            path = query(self._dialect.paths.markets_of_many, event_ids=",".join(map(str, batch)))
            troubles: dict[int, str] = {}
            listed = parse_markets(self._dialect, await self._ask(path), troubles)
            self.troubles += [f"event {event}, {why}" for event, why in troubles.items()]
            for event in batch:
                found += offers(named[event], listed.get(event, ()))
        return found

    async def _listed(self) -> tuple[Tournament, ...]:
        if time.monotonic() - self._tournaments_s > KEPT_S:
            body = await self._ask(query(self._dialect.paths.tournaments, has_active_events="true"))
            self._tournaments = parse_tournaments(self._dialect, body)
            self._tournaments_s = time.monotonic()
        return self._tournaments

    async def _of(self, tournament: int) -> tuple[SportEvent, ...]:
        kept = self._events.get(tournament)
        if kept is None or time.monotonic() - kept[0] > KEPT_S:
            body = await self._ask(query(self._dialect.paths.events, tournament_id=tournament))
            troubles: list[str] = []
            found = parse_events(self._dialect, body, troubles)
            kept = self._events[tournament] = time.monotonic(), found, troubles
        self.troubles += kept[2]
        return kept[1]


def _means(event: SportEvent, words: Iterable[str]) -> bool:
    said = f"{event.name} {event.tournament_name} {event.sport_name} px-{event.event_id}".lower()
    return all(word in said for word in words)
