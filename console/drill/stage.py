"""Where a failure is rehearsed: one engine in this process, its own pretended venues, a clock to be set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from console.config.read import Config, load
from console.core.events import AddMatch, OperatorEvent
from console.core.instruments import Venue
from console.core.settings import MatchSettings
from console.core.state import State
from console.core.units import CENT, ONE, SECOND, Nanos, Price
from console.folders import Latches
from console.launch.engine import new_run_id
from console.runner.clock import TICK_S
from console.runner.runner import Beginning, Runner
from console.sim.habits import PERSONAS
from console.sim.world import World
from console.venues.simulated import SimulatedVenues

SEED = 11
PACE = 8.0
MATCHES = 6
STEP_S = 0.02


class DrillError(Exception):
    """A rehearsal that did not come to where it could begin, or did not become safe in time."""


class Pace(Struct, frozen=True):
    """How long everything may last: as in life, or as short as a test has patience for."""

    book_s: int
    odds_s: int
    blind_s: int
    balance_s: int
    expiry_s: int
    heartbeat_ms: int


LIFE = Pace(book_s=10, odds_s=20, blind_s=15, balance_s=60, expiry_s=60, heartbeat_ms=15_000)
SHORT = Pace(book_s=2, odds_s=3, blind_s=4, balance_s=8, expiry_s=5, heartbeat_ms=5_000)


class SetClock:
    """The machine's clocks, the time of day shifted at will."""

    tick_s = TICK_S

    def __init__(self) -> None:
        self.shift_s = 0.0

    def now(self) -> Nanos:
        """Nanoseconds of the monotonic clock."""
        return Nanos(time.monotonic_ns())

    def wall(self) -> Nanos:
        """Nanoseconds since 1970, as far as this clock is right."""
        return Nanos(time.time_ns() + int(self.shift_s * SECOND))


class Stage:
    """An engine that quotes, and what rests at its venues from moment to moment."""

    def __init__(self, folder: Path, pace: Pace) -> None:
        self.folder = folder
        self.pace = pace
        self.clock = SetClock()
        self.said: list[str] = []
        personas = dict(PERSONAS)
        slow = personas[Venue.POLYMARKET]
        personas[Venue.POLYMARKET] = msgspec.structs.replace(slow, heartbeat_ms=pace.heartbeat_ms)
        self._venues = SimulatedVenues(SEED, None, scale=PACE, personas=personas)
        config = _config(pace)
        settings = MatchSettings(
            warm_up_s=0,
            edge_min=Price(CENT // 5),
            age_max_book_s=pace.book_s,
            age_max_odds_s=pace.odds_s,
            in_play=True,
        )
        first: list[OperatorEvent] = [
            AddMatch(spec=spec, settings=settings) for spec in self._venues.listings[:MATCHES]
        ]
        beginning = Beginning(
            run_id=new_run_id(),
            folder=folder,
            journals=folder / "journal",
            socket=folder / "s",
            checkpoint=b"",
            first=first,
            keep_without_console=True,
        )
        latches = Latches(folder, self._venues.venues)
        self.runner = Runner(config, beginning, self._venues, latches, self.said.append, self.clock)

    @property
    def world(self) -> World:
        """The venues from the inside."""
        return self._venues.world

    @property
    def state(self) -> State:
        """What the engine knows."""
        return self.runner.state

    @property
    def now(self) -> int:
        """The moment in the world."""
        return time.monotonic_ns()

    def resting(self, *venues: Venue) -> int:
        """Orders of ours that rest at venues, or at all of them."""
        return sum(len(self.world.orders(venue)) for venue in venues or self.world.venues)

    def dollars(self, *venues: Venue) -> float:
        """What they could cost."""
        orders = [order for venue in venues or self.world.venues for order in self.world.orders(venue)]
        return sum(order.price * (order.size - order.filled) for order in orders) / ONE / ONE

    async def until(self, condition: Callable[[], bool], seconds: float, what: str) -> float:
        """Seconds until a condition holds; raises DrillError when it does not in time."""
        begun = time.monotonic()
        while True:
            passed = time.monotonic() - begun
            if condition():
                return passed
            if passed > seconds:
                raise DrillError(f"not within {seconds:g} s: {what}")
            await asyncio.sleep(STEP_S)

    async def quoting(self) -> None:
        """Wait until every venue holds orders of ours."""
        await self.until(
            lambda: all(self.resting(venue) for venue in self.world.venues), 60.0, "quotes at every venue"
        )

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[Stage]:
        """Run the engine for as long as the rehearsal lasts."""
        task = asyncio.create_task(self.runner.run(lambda: None), name="rehearsal")
        try:
            await self.quoting()
            yield self
        finally:
            if not task.done():
                self.runner.stop("the rehearsal is over", 0)
            await asyncio.wait_for(task, 60.0)


def _config(pace: Pace) -> Config:
    config = load(None, {})
    account = msgspec.structs.replace(
        config.account,
        fills_blind_s=pace.blind_s,
        balance_age_max_s=pace.balance_s,
        reconcile_s=max(2, pace.balance_s // 3),
        expiry_s=pace.expiry_s,
        keep_alive_s=max(1, pace.expiry_s // 4),
        pending_deadline_s=2,
        not_found_grace_s=3,
    )
    return msgspec.structs.replace(config, account=account)
