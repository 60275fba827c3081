"""A client of Kalshi and the pretended venue it talks to, over real sockets in one loop."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

from console.config.tables import KalshiTable
from console.core.commands import (
    AmendOrder,
    Basis,
    CancelOrder,
    CeilingKind,
    Lookup,
    PlaceOrder,
    Reconcile,
    Subscribe,
)
from console.core.events import BookSnapshot, InstrumentDefined, MassStatus, OrderAccepted, VenueUp
from console.core.instruments import Action, Instrument, Venue
from console.core.units import CENT, ONE, SECOND
from console.sandbox.kalshi.server import Sandbox
from console.venues.kalshi.client import Kalshi
from console.venues.kalshi.hosts import Hosts
from console.venues.kalshi.sign import Signer

K = Venue.KALSHI
QUIET = 0.02  # nobody else does much
NOTHING = Basis(0, 0, 0, 0, 0, "")


async def until(condition, seconds=20.0, why=""):
    """Wait for a condition and return what it said."""
    end = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < end, why or "it never came"
        await asyncio.sleep(0.005)
    return said


class Stage:
    """What a test sees: the sandbox, the client, and every event the client put."""

    def __init__(self, sandbox: Sandbox, client: Kalshi) -> None:
        self.sandbox = sandbox
        self.client = client
        self.told: list = []
        self.numbers = 0
        events = sandbox.house.catalogue.matches
        self.event = next(event for event in events if event.startswith("KXNBAGAME"))
        self.a, self.b = (Instrument(K, t) for t in sandbox.house.catalogue.tickers(self.event))
        self.shard0 = Instrument(
            K, next(sandbox.house.catalogue.tickers(e)[0] for e in events if e.startswith("KXNHLGAME"))
        )

    def of(self, kind, order_id=None):
        """Events of a kind, about one order if named."""
        found = [event for event in self.told if isinstance(event, kind)]
        return found if order_id is None else [e for e in found if e.order_id == order_id]

    async def hears(self, kind, order_id=None, count=1, seconds=20.0):
        """Wait until so many events of a kind have come; the last of them."""
        await until(lambda: len(self.of(kind, order_id)) >= count, seconds, f"no {kind.__name__}")
        return self.of(kind, order_id)[count - 1]

    async def subscribed(self, *instruments):
        """Follow markets until their books are there."""
        for one in instruments or (self.a, self.b):
            self.client.send(Subscribe(instrument=one))
        wanted = set(instruments or (self.a, self.b))
        await until(lambda: wanted <= {event.instrument for event in self.of(BookSnapshot)})
        assert wanted <= {event.instrument for event in self.of(InstrumentDefined)}

    def order(self, instrument=None, action=Action.BUY, price=10 * CENT, size=5 * ONE, **more) -> PlaceOrder:
        """A place with a fresh id."""
        self.numbers += 1
        return PlaceOrder(
            order_id=more.pop("order_id", f"run-{self.numbers}"),
            match="m",
            instrument=instrument or self.a,
            action=action,
            price=price,
            size=size,
            ceiling=price,
            ceiling_kind=CeilingKind.QUOTE,
            basis=NOTHING,
            **more,
        )

    def place(self, instrument=None, **more) -> str:
        """Send a place; its id."""
        command = self.order(instrument, **more)
        self.client.send(command)
        return command.order_id

    async def rests(self, instrument=None, **more) -> OrderAccepted:
        """Place an order and wait for its acceptance."""
        return await self.hears(OrderAccepted, self.place(instrument, **more))

    def cancel(self, accepted, instrument=None):
        """Send a cancel."""
        command = CancelOrder(
            order_id=accepted.order_id,
            venue_order_id=accepted.venue_order_id,
            instrument=instrument or self.a,
        )
        self.client.send(command)

    def amend(self, accepted, price, size, instrument=None):
        """Send an amend."""
        self.client.send(
            AmendOrder(
                order_id=accepted.order_id,
                venue_order_id=accepted.venue_order_id,
                match="m",
                instrument=instrument or self.a,
                action=Action.BUY,
                price=price,
                size=size,
                ceiling=price,
                ceiling_kind=CeilingKind.QUOTE,
                basis=NOTHING,
            )
        )

    def look_up(self, order_id, venue_order_id="", instrument=None, placed_s=0):
        """Send a lookup, of an order placed so long ago where that is known."""
        self.client.send(
            Lookup(
                order_id=order_id,
                venue_order_id=venue_order_id,
                instrument=instrument or self.a,
                wall=self.wall_in(-placed_s) if placed_s else 0,
            )
        )

    async def account(self) -> MassStatus:
        """The venue's whole account of us, read now."""
        before = len(self.of(MassStatus))
        self.client.send(Reconcile(venue=K))
        return await self.hears(MassStatus, count=before + 1)

    def resting(self):
        """Orders that rest at the venue, in truth."""
        return self.sandbox.house.resting()

    def best(self, instrument=None):
        """Best bid and ask of a market, in truth."""
        book = self.sandbox.floor.market((instrument or self.a).symbol).snapshot()
        return book.bids[0][0], book.asks[0][0]

    def take(self, instrument, side, size, limit):
        """Somebody else takes liquidity."""
        self.sandbox.floor.exchange.take("somebody", instrument.symbol, side, size, limit)
        self.sandbox.floor.step()

    def wall_in(self, seconds) -> int:
        """A wall-clock moment so many seconds from now, nanoseconds."""
        return time.time_ns() + int(seconds * SECOND)


@asynccontextmanager
async def sandbox_of(tmp_path, faults=(), scale=QUIET, seed=7, port=0):
    """An open sandbox."""
    sandbox = Sandbox(seed, tuple(faults), keys=tmp_path / "keys", scale=scale)
    await sandbox.open(port)
    ahead = 1_200_000_000  # everybody acts once in the first second, however quiet the world
    sandbox.floor._monotonic = lambda: time.monotonic_ns() + ahead
    sandbox.floor.step()
    living = asyncio.create_task(sandbox.live())
    try:
        yield sandbox
    finally:
        living.cancel()
        await asyncio.wait([living])
        await sandbox.close()


def client_of(sandbox, kind="ed25519", trading=True, table=None, key_id=None, keyless=False):
    """A client of a sandbox."""
    base = f"127.0.0.1:{sandbox.port}"
    hosts = Hosts(f"http://{base}/trade-api/v2", f"ws://{base}/trade-api/ws/v2")
    key = next(key for key in sandbox.gate.keys if key.kind == kind)
    pem = key.path.read_bytes()

    def signer(now_ms):
        return Signer(key_id or key.key_id, pem, now_ms)

    return Kalshi(hosts, table or KalshiTable(), None if keyless else signer, trading=trading)


@asynccontextmanager
async def stage(tmp_path, faults=(), scale=QUIET, up=True, **options):
    """A client connected to a sandbox; `up`: wait until it says so."""
    async with sandbox_of(tmp_path, faults, scale) as sandbox:
        opened = Stage(sandbox, client_of(sandbox, **options))
        running = asyncio.create_task(opened.client.run(opened.told.append))
        try:
            if up:
                await opened.hears(VenueUp)
            yield opened
            assert not running.done() or running.exception() is None
        finally:
            running.cancel()
            await asyncio.wait([running])
