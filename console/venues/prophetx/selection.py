"""Picking what to make: the next events of the leagues wished for, one match for each main line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec
from msgspec import Struct

from console.core.events import AddMatch, FeedStatus, RemoveMatch
from console.core.matches import Kind, MatchId, MatchSpec
from console.core.settings import MatchSettings
from console.core.units import SECOND
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.prophetx.catalogue import Offer, start_of
from console.venues.prophetx.finder import Finder
from console.venues.prophetx.neutral import SportEvent, Unreadable

HOUR: Final = 3600 * SECOND
OVER_H: Final = 8  # after its start a match is dropped, unless something is held of it
RETRY_S: Final = 10.0
NAME: Final = "prophetx picks"  # among the feeds, so that a failure is seen


class Wish(Struct, frozen=True, kw_only=True):
    """What to pick: leagues or sports by name, kinds of markets, how far ahead, and how many events."""

    leagues: tuple[str, ...]
    kinds: tuple[Kind, ...]
    lookahead_h: int
    events_max: int


def choose_events(listed: Iterable[SportEvent], wish: Wish, wall: int, lead: int) -> list[SportEvent]:
    """The next events within the lookahead that start no sooner than `lead` from now (nanoseconds)."""
    near = [e for e in listed if wall + lead < start_of(e) <= wall + wish.lookahead_h * HOUR]
    return sorted(near, key=lambda event: (start_of(event), event.event_id))[: wish.events_max]


def choose(offers: Iterable[Offer], wish: Wish) -> list[MatchSpec]:
    """One match for each main line of the kinds wished for; of several main lines of a market, the first."""
    found: dict[tuple[int, int], MatchSpec] = {}
    for offer in offers:
        if offer.spec is not None and offer.main and offer.spec.kind in wish.kinds:
            found.setdefault((offer.event.event_id, offer.market.id), offer.spec)
    return list(found.values())


class Picker:
    """Adds what is chosen, again and again, and drops what is over."""

    def __init__(
        self,
        finder: Finder,
        wish: Wish,
        settings: MatchSettings,
        taken: Collection[MatchId],
        refresh_s: float,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        """`taken` are matches of the settings file: they are left as they are."""
        self._finder = finder
        self._wish = wish
        self._settings = settings
        self._taken = frozenset(taken)
        self._refresh_s = refresh_s
        self._wall = wall
        self._added: dict[MatchId, MatchSpec] = {}

    @property
    def name(self) -> str:
        """As in journal and screen."""
        return NAME

    async def run(self, put: Put) -> None:
        """Pick until cancelled."""
        while True:
            why, pause_s = "", self._refresh_s
            try:
                await self.pick(put)
                why = "left out: " + self._finder.troubles[0] if self._finder.troubles else ""
            except (Refused, Unanswered, Unreadable) as error:
                why, pause_s = str(error) or "no answer", min(RETRY_S, self._refresh_s)
            put(FeedStatus(feed=NAME, up=not why, why=why))
            await asyncio.sleep(pause_s)

    async def pick(self, put: Put) -> None:
        """Look once; raises what the finder does."""
        lead = self._settings.stop_before_start_s * SECOND
        listed = await self._finder.events(self._wish.leagues)
        events = choose_events(listed, self._wish, self._wall(), lead)
        for spec in choose(await self._finder.offers(events), self._wish):
            known = self._added.get(spec.id)
            if spec.id not in self._taken and (known is None or _moved(known, spec)):
                self._added[spec.id] = spec
                put(AddMatch(spec=spec, settings=self._settings))
        for match, spec in list(self._added.items()):
            if spec.start + OVER_H * HOUR < self._wall():
                del self._added[match]
                put(RemoveMatch(match=match))


def _moved(known: MatchSpec, spec: MatchSpec) -> bool:
    """Its start or name changed; a match whose sides changed is another one, which the engine refuses."""
    return msgspec.structs.replace(known, start=spec.start, title=spec.title) == spec and known != spec
