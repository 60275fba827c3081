"""A whole engine on the pretended Kalshi in one loop: events stamped, commands sent, nothing journalled."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager

import msgspec
from kalshi_stage import K, client_of, sandbox_of, until

from console.core.commands import Alert, CancelOrder, Lookup, PlaceOrder
from console.core.engine import Engine
from console.core.events import AddMatch, Mode, SetTheo, Started, Tick
from console.core.instruments import BookSide
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE
from console.venues.kalshi.discovery import specs_of

SETTINGS = MatchSettings(warm_up_s=0, fast_ms=20, normal_ms=200, refill_min_ms=50, retest_s=2)
LARGE = 10_000 * ONE
ROOMY = msgspec.structs.replace(
    SETTINGS,
    inventory_max=400 * ONE,
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

    def __init__(self, sandbox, client, run_id="run1", kept=b"") -> None:
        self.sandbox, self.client = sandbox, client
        self.engine = Engine()
        self.sent: list = []
        self.took: list[int] = []  # nanoseconds the engine thought about each event
        self.keep = True
        self._feed(
            Started(
                run_id=run_id, mode=Mode.DEMO, account="t", settings=ACCOUNT, venues=(K,), checkpoint=kept
            )
        )

    @property
    def state(self):
        return self.engine.state

    def put(self, event) -> None:
        """Take one event of the client."""
        self._feed(event)

    def _feed(self, event) -> None:
        msgspec.structs.force_setattr(event, "ts", time.monotonic_ns())
        msgspec.structs.force_setattr(event, "wall", time.time_ns())
        for command in self.engine.on_event(event):
            if self.keep:
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

    async def transfer(self, dollars, source, target) -> None:
        """Move collateral from shard to shard, as the operator would."""
        body = {
            "amount": round(dollars * 10_000),
            "source_exchange_shard": source,
            "destination_exchange_shard": target,
        }
        path = "/portfolio/intra_exchange_instance_transfer"
        await self.client._rest.write("POST", path, msgspec.json.encode(body))

    async def add(self, event, chances=None, settings=ROOMY) -> str:
        """Make a market on an event, fair value pinned (at the truth of the book)."""
        listing = await self.client._books._facts.event(event)
        (spec,) = specs_of(listing)
        self._feed(AddMatch(spec=spec, settings=settings))
        self.fair(spec.id, *(chances or self.mids(spec)))
        return spec.id

    def mids(self, spec):
        """Probabilities as the middle of the books has them."""
        mids = []
        for one in spec.listings:
            book = self.sandbox.floor.market(one.instrument.symbol).snapshot()
            mids.append((book.bids[0][0] + book.asks[0][0]) / 2)
        return [mid / sum(mids) for mid in mids]

    def fair(self, match, *chances) -> None:
        """Pin the fair value."""
        self._feed(SetTheo(match=match, odds=tuple(1.0 / chance for chance in chances), pinned=True))

    def of(self, kind):
        """Commands of a kind."""
        return [command for command in self.sent if isinstance(command, kind)]

    def alerts(self):
        """What was alerted."""
        return [command.text for command in self.of(Alert)]

    async def quoting(self, seconds=30.0) -> None:
        """Wait until something rests."""
        await until(lambda: self.sandbox.house.resting() and self.settled(), seconds, "it never quoted")

    async def filled(self, symbol) -> None:
        """Somebody takes the best bid of ours on a symbol and all that rests above it; we hear of it."""

        def bids():
            resting = self.sandbox.house.resting()
            return [t.price for t in resting if t.ticker == symbol and t.side is BookSide.BID]

        price = max(await until(bids, 30, "no bid rests"))
        self.sandbox.floor.exchange.take("x", symbol, BookSide.ASK, LARGE, price)
        self.sandbox.floor.step()
        await until(lambda: self.state.fills >= 1, 20, "no fill was told")

    def settled(self) -> bool:
        """Nothing is in flight."""
        return not any(order.in_flight for order in self.state.blotter.live.values())

    async def stand_still(self, seconds=40.0) -> None:
        """Pull every quote, and wait until nothing is in flight."""
        for desk in self.state.desks.values():
            desk.paused = "by the test"
            desk.urge(self.state.ts)
        await until(lambda: not self.state.blotter.live, seconds, "orders never came to rest")

    # ---- truths

    def check_ids(self) -> None:
        """No order was placed twice, and none rests that the engine does not know."""
        asked = [command.order_id for command in self.of(PlaceOrder)]
        assert len(asked) == len(set(asked))
        there = [ticket.client_order_id for ticket in self.sandbox.house.tickets.values()]
        assert len(there) == len(set(there))
        live = {order.order_id for order in self.state.blotter.live.values()}
        untracked = {ticket.client_order_id for ticket in self.sandbox.house.resting()} - live
        assert not untracked

    def check_positions(self) -> None:
        """What we think we hold is what the venue holds, and cash moved as the venue says."""
        bank = self.sandbox.house.bank
        held = {}
        for desk in self.state.desks.values():
            for instrument, holding in desk.positions[K].holdings.items():
                held[instrument.symbol] = holding.net
        assert {s: n for s, n in held.items() if n} == {s: n for s, n in bank.nets.items() if n}
        assert sum(p.fees for desk in self.state.desks.values() for p in desk.groups()) == sum(
            bank.fees.values()
        )

    async def wander(self, match, chances, step=0.02, pause_s=0.05, seed=1) -> None:
        """Move the fair value about, so that quotes move, until cancelled."""
        dice = random.Random(seed)
        first = chances[0]
        while True:
            at = min(0.9, max(0.1, first + dice.uniform(-step, step)))
            self.fair(match, at, 1.0 - at)
            await asyncio.sleep(pause_s)


@asynccontextmanager
async def session(tmp_path, faults=(), scale=1.0, budget=0, **options):
    """An engine connected to a sandbox; `budget`: tokens a second instead of the usual."""
    async with sandbox_of(tmp_path, faults, scale) as sandbox:
        if budget:
            for bucket in (sandbox.rest.read, sandbox.rest.write):
                bucket.per_s = bucket.capacity = budget
                bucket._tokens = float(budget)
        opened = Session(sandbox, client_of(sandbox, **options))
        running = asyncio.create_task(opened.run())
        try:
            await until(lambda: opened.state.connections[K].up, 20.0, "never up")
            yield opened
            assert not running.done(), running.exception()
        finally:
            running.cancel()
            await asyncio.wait([running])


def commands(session_, kinds=(PlaceOrder, CancelOrder, Lookup)):
    """How many commands of each kind left."""
    return {kind.__name__: len(session_.of(kind)) for kind in kinds}
