"""A sandbox, a client of it, and (where wanted) an engine with a sharp feed, in one loop with the test."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

from console.config.read import load
from console.config.tables import ProphetXTable, SelectTable
from console.core.commands import (
    Basis,
    CancelAll,
    CancelOrder,
    CeilingKind,
    Lookup,
    PlaceOrder,
    Reconcile,
    Subscribe,
)
from console.core.events import AddMatch, MassStatus, Mode, OddsUpdate, VenueUp
from console.core.instruments import Action, Venue
from console.core.ladders import price_of_american
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.units import ONE
from console.folders import Latches
from console.keys import Keys
from console.runner.clock import SystemClock
from console.runner.runner import Beginning, Runner
from console.sandbox.prophetx.server import Sandbox, Scene
from console.venues.connected import Connected
from console.venues.prophetx.kit import client_of, picker_of

X = Venue.PROPHETX
PATIENCE_S = 40.0
KEYS = {"PROPHETX_ACCESS_KEY": "sandbox-access", "PROPHETX_SECRET_KEY": "sandbox-secret"}


async def until(condition, seconds=PATIENCE_S):
    """Wait for something, not for time to pass."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def sandbox(**scene):
    facts = {"events": 3, "crowd": False, "health_s": 0.5, **scene}
    opened = Sandbox(Scene(**facts))
    opened.exchange.delays.activation = opened.exchange.delays.activation_spread = 0.02
    opened.reports.lag_s = 0.1
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


def table(venue, **settings):
    return ProphetXTable(**{"enabled": True, "rest": venue.base, **settings})


class Desk:
    """A client and everything it told, with hands to work it."""

    def __init__(self, venue, client):
        self.venue = venue
        self.client = client
        self.told = []
        self.count = 0
        self._read = {}  # how far each question has read what was told

    def put(self, event):
        self.told.append(event)

    def all(self, *kinds):
        return [event for event in self.told if isinstance(event, kinds)]

    async def next(self, *kinds, order_id=""):
        """The first event of a kind that was not asked for before."""
        asked = order_id or kinds

        def found():
            start = self._read.get(asked, 0)
            for at, event in enumerate(self.told[start:], start):
                if isinstance(event, kinds) and (not order_id or event.order_id == order_id):
                    self._read[asked] = at + 1
                    return event
            return None

        return await until(found)

    async def of(self, order_id, *kinds):
        """The first thing of a kind told of an order after the one asked for before."""
        return await self.next(*kinds, order_id=order_id)

    @property
    def fixture(self):
        return next(iter(self.venue.exchange.fixtures.values()))

    def side(self, number=0, market=0, line=0):
        """An instrument: a side of a line of the first fixture."""
        from console.venues.prophetx.catalogue import Side

        listed = self.fixture.markets[market]
        side = listed.lines[line].sides[number]
        return Side(self.fixture.event_id, listed.market_id, side.side_id).instrument

    def bid(self, odds=150, dollars=10.0, instrument=None, order_id="", **changes):
        self.count += 1
        instrument = instrument or self.side()
        price = price_of_american(odds)
        facts = {
            "order_id": order_id or f"run-{self.count}",
            "match": "m",
            "instrument": instrument,
            "action": Action.BUY,
            "price": price,
            "size": round(dollars * ONE * ONE / price) // 10_000 * 10_000 + 10_000,
            "ceiling": price,
            "ceiling_kind": CeilingKind.QUOTE,
            "basis": Basis(0, 0, 0, 0, 0, ""),
        }
        return PlaceOrder(**{**facts, **changes})

    def send(self, *commands):
        for command in commands:
            self.client.send(command)

    def cancel(self, order_id, venue_order_id=""):
        self.send(CancelOrder(order_id=order_id, venue_order_id=venue_order_id, instrument=self.side()))

    def look_up(self, order_id, venue_order_id="", filled=0):
        self.send(
            Lookup(order_id=order_id, venue_order_id=venue_order_id, instrument=self.side(), filled=filled)
        )

    async def account(self):
        self.send(Reconcile(venue=X))
        return await self.next(MassStatus)

    def cancel_all(self):
        self.send(CancelAll(venue=X))

    async def watch(self, *instruments):
        for instrument in instruments or (self.side(0), self.side(1)):
            self.send(Subscribe(instrument=instrument))


@asynccontextmanager
async def desk(venue, tmp_path, *, trades=True, compare_s=None, health_s=None, **settings):
    """A client that is up."""
    made = table(venue, **settings)
    client = client_of(made, Mode.DEMO, Keys(KEYS, None), tmp_path, trades=trades)
    if compare_s is not None:
        client._shelf._compare_s = compare_s
        client._shelf._throttle.configure(20.0, 20.0)
    if health_s is not None:
        client._health_s = health_s
    opened = Desk(venue, client)
    task = asyncio.create_task(client.run(opened.put))
    try:
        await until(lambda: opened.all(VenueUp))
        yield opened
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class SharpFeed:
    """Pinnacle's line as the sandbox's crowd has it, brought to every match the engine watches."""

    name = "sharp"

    def __init__(self, venue, fixed=None):
        self.venue = venue
        self.fixed = fixed or {}
        self.specs = {}
        self.silent = False

    def send(self, command):
        spec = getattr(command, "spec", None)
        if spec is not None:
            self.specs[spec.id] = spec
        elif hasattr(command, "match"):
            self.specs.pop(command.match, None)

    def line(self, spec):
        if spec.id in self.fixed:
            return self.fixed[spec.id]
        side = spec.listings[0].instrument.symbol.rpartition("-")[2]
        pool, _ = self.venue.exchange.sides[side]
        return self.venue.crowd.sharp(pool.line.key)

    async def run(self, put):
        while True:
            if not self.silent:
                for spec in list(self.specs.values()):
                    put(
                        OddsUpdate(
                            match=spec.id,
                            source="pinnacle",
                            odds=self.line(spec),
                            provider_wall=time.time_ns(),
                        )
                    )
            await asyncio.sleep(0.5)


class House:
    """An engine on the sandbox."""

    def __init__(self, venue, runner, feed, task, said, journals):
        self.venue, self.runner, self.feed, self.task, self.said = venue, runner, feed, task, said
        self.journals = journals

    @property
    def state(self):
        return self.runner._engine.state

    @property
    def view(self):
        return self.runner.view("")

    async def until(self, condition, seconds=PATIENCE_S):
        def checked():
            assert not self.task.done(), self.said
            return condition()

        return await until(checked, seconds)

    async def stop(self):
        if not self.task.done():
            self.runner.stop("the test is over", 0)
        return await asyncio.wait_for(self.task, PATIENCE_S)


@asynccontextmanager
async def house(
    venue,
    tmp_path,
    *,
    run="r1",
    events=3,
    specs=(),
    fixed=None,
    account=None,
    kept=b"",
    dialect="v4",
    debited="on_match",
    preset="sharp_copy",
    select=None,
    **profile,
):
    """An engine with a preset that picks its matches, or makes those named."""
    import msgspec

    config = load(None, {"XDG_STATE_HOME": str(tmp_path)})
    settings = msgspec.structs.replace(PRESETS[preset], warm_up_s=1, **profile)
    config = msgspec.structs.replace(
        config, mode=Mode.DEMO, dry_run=False, account=account or ACCOUNT_PRESETS[preset]
    )
    chosen = SelectTable(**{"enabled": True, "events_max": events, "refresh_s": 10, **(select or {})})
    made = table(venue, dialect=dialect, debited=debited, select=chosen, max_unattended_exposure=1_000_000)
    client = client_of(made, Mode.DEMO, Keys(KEYS, None), tmp_path, trades=True)
    client._shelf._throttle.configure(20.0, 20.0)
    venue.entry.count = lambda user, *, query: None  # the pace of queries is tested elsewhere
    picker = None if specs else picker_of(made, client, settings, [])
    feed = SharpFeed(venue, fixed)
    source = Connected([client], [feed], [picker] if picker is not None else [])
    journals = tmp_path / f"journal-{run}"
    first = [AddMatch(spec=spec, settings=settings) for spec in specs]
    said = []
    beginning = Beginning(run, tmp_path, journals, tmp_path / "s", kept, first, keep_without_console=True)
    runner = Runner(config, beginning, source, Latches(tmp_path, [X]), said.append, SystemClock())
    ready = asyncio.Event()
    task = asyncio.create_task(runner.run(ready.set))
    await asyncio.wait_for(ready.wait(), PATIENCE_S)
    opened = House(venue, runner, feed, task, said, journals)
    try:
        yield opened
    finally:
        await opened.stop()
