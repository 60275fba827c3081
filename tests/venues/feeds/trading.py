"""An engine on a seeded exchange whose odds come over real feed clients from the sandbox, in fast time."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import msgspec

from console.core import picture
from console.core.commands import AnyCommand, PlaceOrder, UnwatchOdds, WatchOdds
from console.core.engine import Engine
from console.core.events import AddMatch, AnyEvent, Mode, OddsSuspended, OddsUpdate, Started, Tick
from console.core.instruments import RunId
from console.core.matches import MatchId
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import SECOND, Nanos
from console.core.view import SourceView
from console.sandbox.odds.card import WorldCard
from console.sandbox.odds.faults import Faults
from console.sandbox.odds.server import PATHS, OddsServer, Quotas
from console.sim.world import World
from console.venues.feeds.oddspapi import OddsPapi
from console.venues.feeds.sportsgameodds import SportsGameOdds
from console.venues.feeds.the_odds_api import TheOddsApi

from .samples import wall
from .worlds import key, served, table

FEEDS = {"the_odds_api": TheOddsApi, "oddspapi": OddsPapi, "sportsgameodds": SportsGameOdds}
TICK = SECOND // 4
ROOMY = AccountSettings(write_tokens_per_s=100_000, write_burst=100_000, reconcile_s=20)


class FastClock:
    """Time that passes `speed` times as fast as the machine's, from a given moment of the day."""

    def __init__(self, speed: float, begins: int) -> None:
        self._speed = speed
        self._began, self._wall = time.monotonic_ns(), begins

    def _passed(self) -> int:
        return round((time.monotonic_ns() - self._began) * self._speed)

    def monotonic(self) -> Nanos:
        return Nanos(self._began + self._passed())

    def wall(self) -> Nanos:
        return Nanos(self._wall + self._passed())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


class Trading:
    """One engine, one world, one sandbox, some feeds. Records every event and command as a journal would."""

    def __init__(
        self,
        tmp_path,
        *feeds: str,
        speed: float = 15.0,
        begins: str = "2026-11-21 12:00",
        matches: tuple[str, ...] = ("nba-bos-den",),
        settings: MatchSettings | None = None,
        quotas: Quotas | None = None,
        **facts,
    ) -> None:
        self.clock = FastClock(speed, wall(begins))
        self.tmp_path = tmp_path
        self.world = World(7, ts=self.clock.monotonic(), wall=self.clock.wall(), scale=0.3, matches=8)
        plenty = Quotas(the_odds_api=100_000, oddspapi=100_000, sportsgameodds=100_000)
        self.server = OddsServer(
            WorldCard(self.world), Faults(), quotas or plenty, wall=self.clock.wall, cooldowns=False
        )
        self.engine = Engine()
        self.names = feeds or ("the_odds_api",)
        self.facts = {"credits_day": 100_000, **facts}
        self.matches = matches
        self.settings = settings or MatchSettings()
        self.inbox: list[AnyEvent] = []
        self.records: list[tuple[AnyEvent, list[AnyCommand]]] = []
        self.feeds: list = []
        self._ticked = Nanos(0)

    # ---- running

    @asynccontextmanager
    async def running(self):
        """Everything on its way; the story is told inside."""
        async with served(self.server) as base:
            for name in self.names:
                made = table(address=base + PATHS[name], **self.facts)
                self.feeds.append(FEEDS[name](made, key(), self.tmp_path, self.clock))
            self._tell(
                Started(
                    run_id=RunId("run1"),
                    mode=Mode.SIM,
                    account="test",
                    settings=ROOMY,
                    venues=self.world.venues,
                )
            )
            for spec in self.world.listings:
                if spec.id in self.matches:
                    self._tell(AddMatch(spec=spec, settings=self.settings))
            tasks = [asyncio.create_task(feed.run(self.inbox.append)) for feed in self.feeds]
            tasks.append(asyncio.create_task(self._go_on()))
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                broken = [e for e in ended if e is not None and not isinstance(e, asyncio.CancelledError)]
                assert not broken, broken

    async def until(self, condition, seconds: float = 60.0) -> None:
        """Wait for something, in real seconds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited in vain; {self.view.log[:6]}"
            await asyncio.sleep(0.02)

    async def _go_on(self) -> None:
        while True:
            for event in self.world.advance(self.clock.monotonic()):
                if not isinstance(event, OddsUpdate | OddsSuspended):  # odds come over the feeds only
                    self._tell(event)
            while self.inbox:
                self._tell(self.inbox.pop(0))
            if self.clock.monotonic() - self._ticked >= TICK:
                self._ticked = self.clock.monotonic()
                self._tell(Tick())
            await asyncio.sleep(0.004)

    def _tell(self, event: AnyEvent) -> None:
        now = max(self.clock.monotonic(), self.engine.state.ts if self.records else Nanos(0))
        stamped = msgspec.structs.replace(event, ts=now, wall=self.clock.wall())
        commands = list(self.engine.on_event(stamped))
        self.records.append((stamped, commands))
        for command in commands:
            if isinstance(command, WatchOdds | UnwatchOdds):
                for feed in self.feeds:
                    feed.send(command)
            self.world.submit(command, self.clock.monotonic())

    # ---- looking

    @property
    def view(self):
        return picture.view(self.engine.state, MatchId(self.matches[0]))

    def desk(self, match: str = ""):
        return self.engine.state.desks[MatchId(match or self.matches[0])]

    def source(self, name: str = "pinnacle") -> SourceView | None:
        return next((source for source in self.view.sources if source.name == name), None)

    @property
    def resting(self) -> int:
        return len(self.engine.state.blotter.of_match(MatchId(self.matches[0])))

    def placed(self) -> list[PlaceOrder]:
        return [c for _, commands in self.records for c in commands if isinstance(c, PlaceOrder)]
