"""A whole engine on the pretended Polymarket in one loop: events stamped, commands sent, no journal."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager

import msgspec
from pm_bench import Bench, P

from console.core import checkpoint
from console.core.commands import Alert, PlaceOrder
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    FillConfirmed,
    FillReversed,
    Mode,
    OrderFilled,
    SetTheo,
    Started,
    Tick,
)
from console.core.instruments import Action, BookSide, Side, book_side
from console.core.matches import Listing, MatchSpec
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE

LARGE = 10_000 * ONE
SETTINGS = MatchSettings(
    warm_up_s=0,
    fast_ms=20,
    normal_ms=200,
    refill_min_ms=50,
    retest_s=2,
    inventory_max=200 * ONE,
    max_position=1000 * ONE,
    max_loss_match=LARGE,
    exposure_match=LARGE,
    exposure_event=LARGE,
    repeated_fills=1000,
)
ACCOUNT = AccountSettings(
    exposure_venue=LARGE, exposure_total=LARGE, daily_loss=LARGE, drawdown=None, open_orders=500
)


class Session:
    """The engine, its client, and what left and came."""

    def __init__(
        self, bench: Bench, run_id: str = "run1", kept: bytes = b"", settings: MatchSettings = SETTINGS
    ) -> None:
        self.bench = bench
        self.settings = settings
        bench.public = False  # the bench has one of its own that only looks
        self.client = bench.make()
        self.engine = Engine()
        self.sent: list = []
        self.heard: list = []
        self.deaf = False  # nothing of it reaches the venue any more
        self._feed(
            Started(
                run_id=run_id, mode=Mode.DEMO, account="t", settings=ACCOUNT, venues=(P,), checkpoint=kept
            )
        )

    @property
    def state(self):
        return self.engine.state

    def put(self, event) -> None:
        """Take one event of the client."""
        if isinstance(event, OrderFilled | FillConfirmed | FillReversed):
            self.heard.append(event)
        self._feed(event)

    def _feed(self, event) -> None:
        if self.deaf:
            return
        msgspec.structs.force_setattr(event, "ts", time.monotonic_ns())
        msgspec.structs.force_setattr(event, "wall", time.time_ns())
        for command in self.engine.on_event(event):
            self.sent.append(command)
            self.client.send(command)

    async def run(self) -> None:
        """Connect and let time pass, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.client.run(self.put))
            group.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self._feed(Tick())
            await asyncio.sleep(0.1)

    # ---- what a test asks for

    def add(self, number: int) -> str:
        """Make a market on one listing of two sides, fair value pinned at the middle of its book."""
        listing = self.bench.listing(number)
        spec = MatchSpec(
            id=f"m{number}",
            title=listing.title(),
            outcomes=listing.outcomes,
            listings=(Listing(self.bench.instrument(number), (0,)),),
            may_none=False,
        )
        self._feed(AddMatch(spec=spec, settings=self.settings))
        self.fair(spec.id, self.middle(number))
        return spec.id

    def middle(self, number: int) -> float:
        return sum(self.bench.best(number)) / 200

    def fair(self, match: str, chance: float) -> None:
        self._feed(SetTheo(match=match, odds=(1 / chance, 1 / (1 - chance)), pinned=True))

    def of(self, kind):
        """Commands of a kind."""
        return [command for command in self.sent if isinstance(command, kind)]

    def alerts(self) -> list[str]:
        return [command.text for command in self.of(Alert)]

    async def wander(self, number: int, seed: int) -> None:
        """Move the fair value about the middle of the book, so that quotes move, until cancelled."""
        dice = random.Random(seed)
        while True:
            self.fair(f"m{number}", min(0.9, max(0.1, self.middle(number) + dice.uniform(-0.03, 0.03))))
            await asyncio.sleep(0.15)

    async def take(self, every_s: float = 0.5) -> None:
        """Somebody takes the order of ours that rests longest, again and again, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            order = next(iter(self.bench.venue.ledger.open.values()), None)
            if order is not None and order.status == "LIVE":
                leg = Side.YES if order.outcome == 0 else Side.NO
                ours = book_side(leg, Action[order.side])
                other = BookSide.ASK if ours is BookSide.BID else BookSide.BID
                yes = order.price if order.outcome == 0 else ONE - order.price
                self.bench.venue.floor.exchange.take("tester", order.listing.slug, other, 10**6 * ONE, yes)
                self.bench.venue.step()

    async def stand_still(self, patience_s: float = 60) -> None:
        """Pull every quote, and wait until nothing is in flight and nothing rests."""
        for desk in self.state.desks.values():
            desk.paused = "by the test"
            desk.urge(self.state.ts)
        await self.bench.until(lambda: not self.state.blotter.live, "still", patience_s)

    # ---- truths

    def untracked(self) -> set[str]:
        """Orders that rest at the venue and are none the engine knows of as live."""
        live = {order.venue_order_id for order in self.state.blotter.live.values()}
        named = {self.client._trading._digests.get(o.order_id, "") for o in self.state.blotter.live.values()}
        return set(self.bench.venue.ledger.open) - live - named

    def doubled(self) -> int:
        """Orders that exist at the venue more than once for one decision of ours."""
        asked = [command.order_id for command in self.of(PlaceOrder)]
        names = [self.client._trading.name(d) for d in self.everything()]
        known = [name for name in names if name]
        return len(asked) - len(set(asked)) + len(known) - len(set(known))

    def everything(self) -> list[str]:
        ledger = self.bench.venue.ledger
        return [*ledger.open, *ledger.ended]

    def held(self) -> dict[str, int]:
        found = {}
        for desk in self.state.desks.values():
            for instrument, holding in desk.positions[P].holdings.items():
                found[instrument.symbol] = holding.net
        return found

    def truth(self) -> dict[str, int]:
        return {x.slug: self.bench.venue.ledger.net(x) for x in self.bench.venue.listings}

    def kept(self) -> bytes:
        return checkpoint.encode(self.state)


@asynccontextmanager
async def session(*faults: str, scale: float = 3.0, seed: int = 7, settings: MatchSettings = SETTINGS):
    """An engine connected to a sandbox."""
    async with Bench(*faults, scale=scale, seed=seed, public=True) as bench:
        opened = Session(bench, settings=settings)
        running = asyncio.create_task(opened.run())
        bench._tasks.append(running)  # while it waits for anything the bench sees whether this broke
        try:
            await bench.until(lambda: opened.state.connections[P].up, "up")
            yield opened
        finally:
            bench._tasks.remove(running)
            running.cancel()
            await asyncio.wait([running])
