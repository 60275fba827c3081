"""The built-in exchange as a source of events in real time; its world outlives the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from console.core.commands import AnyCommand
from console.core.events import (
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    InstrumentDefined,
    MarketStatus,
    OddsUpdate,
    Trade,
)
from console.core.instruments import Venue
from console.core.matches import MatchSpec
from console.folders import keep_file
from console.link.messages import SymbolView
from console.sim.dials import CALM, Dials
from console.sim.habits import Persona
from console.sim.world import World

STEP_S = 0.02
_PUBLIC = (BookDelta, Trade, OddsUpdate, BookSnapshot, BooksConfirmed, InstrumentDefined, MarketStatus)


class SimulatedVenues:
    """A `World` driven by the clock. Like a venue, it remembers our account before it tells us of it."""

    def __init__(
        self,
        seed: int,
        kept: Path | None,
        dials: Dials = CALM,
        scale: float = 1.0,
        personas: Mapping[Venue, Persona] | None = None,
    ) -> None:
        """`kept` is the file the world is saved in; a world found there goes on where it was.

        `personas` give the venues of a new world traits of their own.
        """
        self._kept = kept
        now, wall = time.monotonic_ns(), time.time_ns()
        world: World | None = None
        if kept is not None and kept.is_file():
            world = World.load(kept.read_bytes(), dials, ts=now, wall=wall, scale=scale)
        if world is None or world.over:  # every match of an old world is settled: nothing of it is missed
            world = World(seed, dials, ts=now, wall=wall, scale=scale, personas=personas)
        self._world = world

    @property
    def world(self) -> World:
        """The world itself, for rehearsals that break it and look at what rests there."""
        return self._world

    @property
    def venues(self) -> tuple[Venue, ...]:
        """The venues of the world."""
        return self._world.venues

    @property
    def listings(self) -> tuple[MatchSpec, ...]:
        """Every match of the world."""
        return self._world.listings

    async def run(self, put: Callable[[AnyEvent], None]) -> None:
        """Let the world happen as time passes."""
        while True:
            events = self._world.advance(time.monotonic_ns())
            if any(not isinstance(event, _PUBLIC) for event in events):
                self._save()
            for event in events:
                put(event)
            ahead_s = (self._world.next_ts() - time.monotonic_ns()) / 1e9
            await asyncio.sleep(min(max(ahead_s, 0.001), STEP_S))

    async def close(self) -> None:
        """Nothing runs by itself."""

    def send(self, command: AnyCommand) -> None:
        """Pass a command to the world."""
        self._world.submit(command, time.monotonic_ns())

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches whose title, sport or symbols contain `text`, or the last part of an address."""
        wanted = text.strip().lower().rstrip("/").rpartition("/")[2]
        return tuple(
            SymbolView(
                spec.listings[0].instrument, spec.title, spec, self._world.odds_now(spec.id), added=False
            )
            for spec in self._world.listings
            if wanted in _words(spec)
        )

    def _save(self) -> None:
        """On a full disk the world goes on from memory: cancels and fills must still be told."""
        if self._kept is None:
            return
        keep_file(self._kept, self._world.save())


def _words(spec: MatchSpec) -> str:
    symbols = " ".join(listing.instrument.symbol for listing in spec.listings)
    return f"{spec.id} {spec.title} {spec.sport} {symbols}".lower()
