"""A client and the sandbox in one loop: what was asked, what came back, and how to wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import SimpleNamespace

from console.core.commands import Basis, CancelOrder, CeilingKind, Lookup, PlaceOrder, TimeInForce
from console.core.events import BookSnapshot, MassStatus, OrderAccepted, VenueUp
from console.core.instruments import Action, Instrument, Venue
from console.core.units import CENT, ONE
from console.keys import Keys
from console.sandbox.polymarket.faults import Faults
from console.sandbox.polymarket.server import Server
from console.sandbox.polymarket.venue import Venue as Sandbox
from console.venues.polymarket import kit
from console.venues.polymarket.auth import credentials_of, wallet_of
from console.venues.polymarket.client import Polymarket, PolymarketPublic
from console.venues.polymarket.feed import MarketFeed
from console.venues.polymarket.rest import Addresses, Rest

P = Venue.POLYMARKET
PATIENCE_S = 20.0


class Bench:
    """An open sandbox and a client on it. Use as ``async with Bench(...) as bench``."""

    def __init__(
        self,
        *faults: str,
        seed: int = 7,
        scale: float = 3.0,
        kind: int = 0,
        derive: bool = False,
        public: bool = False,
        server: Server | None = None,
    ) -> None:
        self.server = server or Server(Sandbox(seed, Faults(faults, seed), scale=scale))
        self._owns = server is None
        self.kind, self.derive, self.public = kind, derive, public
        self.events: list[object] = []
        self._tasks: list[asyncio.Task] = []
        self._count = 0
        self.run_id = f"k{time.time_ns() // 1000:x}"

    async def __aenter__(self) -> Bench:
        if self._owns:
            await self.server.open()
            self._tasks.append(asyncio.create_task(self.server.run()))
        self.client = self.make()
        self._tasks.append(asyncio.create_task(self.client.run(self.events.append)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in reversed(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
                await task
        if self._owns:
            await self.server.close()

    # ---- the two ends

    @property
    def venue(self) -> Sandbox:
        return self.server.venue

    def addresses(self) -> Addresses:
        at = f"127.0.0.1:{self.server.port}"
        return Addresses(
            rest=f"http://{at}",
            gamma=f"http://{at}/gamma",
            positions=f"http://{at}/data-api",
            market=f"ws://{at}/ws/market",
            user=f"ws://{at}/ws/user",
            geoblock=f"http://{at}/api/geoblock",
        )

    def keys(self) -> Keys:
        names = dict(line.split("=", 1) for line in self.server.secrets())
        if self.derive:
            names = {"POLY_PRIVATE_KEY": names["POLY_PRIVATE_KEY"]}
        if self.kind == 3:
            names["POLY_FUNDER"] = self.venue.wallets[3][0]
        return Keys(names, None)

    def make(self):
        rest = Rest(self.addresses())
        feed = MarketFeed(rest, self.addresses().market)
        if self.public:
            return PolymarketPublic(rest, feed)
        keys = self.keys()
        return Polymarket(rest, feed, wallet_of(keys, self.kind), credentials_of(keys), self.addresses())

    async def restart(self) -> None:
        """Another process takes over: it knows nothing."""
        self._tasks.pop().cancel()
        self.events.clear()
        self.client = self.make()
        self._tasks.append(asyncio.create_task(self.client.run(self.events.append)))

    # ---- waiting

    def of(self, kind: type, **fields: object) -> list:
        """Events of a kind so far, whose fields are these."""
        return [
            e
            for e in self.events
            if isinstance(e, kind) and all(getattr(e, name) == value for name, value in fields.items())
        ]

    async def until(self, true: Callable[[], object], why: str = "", patience_s: float = PATIENCE_S):
        """Wait for a condition; fails with what has come instead."""
        deadline = time.monotonic() + patience_s
        while not (found := true()):
            self.alive()
            assert time.monotonic() < deadline, f"never {why}: {self.events[-12:]}"
            await asyncio.sleep(0.02)
        return found

    def alive(self) -> None:
        """Nothing broke."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                raise AssertionError(f"broken: {task.exception()!r}") from task.exception()

    async def heard(self, kind: type, **fields: object):
        """Wait for an event and return it."""
        await self.until(lambda: self.of(kind, **fields), f"{kind.__name__} {fields}")
        return self.of(kind, **fields)[-1]

    # ---- asking

    def listing(self, number: int = 0):
        return self.venue.listings[number]

    def instrument(self, number: int = 0) -> Instrument:
        return Instrument(P, self.listing(number).slug)

    async def watch(self, number: int = 0) -> Instrument:
        """Subscribe to a market and wait for its book, and for the venue to be up."""
        from console.core.commands import Subscribe

        instrument = self.instrument(number)
        self.client.send(Subscribe(instrument=instrument))
        await self.heard(BookSnapshot, instrument=instrument)
        await self.heard(VenueUp)
        return instrument

    def order(
        self,
        instrument: Instrument,
        cents: float,
        size: float = 10,
        action: Action = Action.BUY,
        *,
        taking: bool = False,
        post_only: bool = True,
        order_id: str = "",
    ) -> PlaceOrder:
        self._count += 1
        price = round(cents * CENT)
        return PlaceOrder(
            order_id=order_id or f"{self.run_id}-{self._count}",
            match="m",
            instrument=instrument,
            action=action,
            price=price,
            size=round(size * ONE),
            ceiling=price,
            ceiling_kind=CeilingKind.FLATTEN if taking else CeilingKind.QUOTE,
            basis=Basis(0, 0, 0, 0, 0, ""),
            time_in_force=TimeInForce.IOC if taking else TimeInForce.GTC,
            post_only=post_only and not taking,
            wall=time.time_ns(),
        )

    async def rest(
        self, instrument: Instrument, cents: float, size: float = 10, **more: object
    ) -> PlaceOrder:
        """Place an order and wait until it is in."""
        command = self.order(instrument, cents, size, **more)
        self.client.send(command)
        await self.heard(OrderAccepted, order_id=command.order_id)
        return command

    def digest(self, command: PlaceOrder) -> str:
        return self.of(OrderAccepted, order_id=command.order_id)[-1].venue_order_id

    def cancel(self, command: PlaceOrder, digest: str = "") -> CancelOrder:
        return CancelOrder(order_id=command.order_id, venue_order_id=digest, instrument=command.instrument)

    def lookup(self, command: PlaceOrder, digest: str = "") -> Lookup:
        return Lookup(
            order_id=command.order_id,
            venue_order_id=digest,
            instrument=command.instrument,
            action=command.action,
            price=command.price,
            size=command.size,
            wall=command.wall,
        )

    async def account(self) -> MassStatus:
        from console.core.commands import Reconcile

        seen = len(self.of(MassStatus))
        self.client.send(Reconcile(venue=P))
        await self.until(lambda: len(self.of(MassStatus)) > seen, "an account")
        return self.of(MassStatus)[-1]

    def best(self, number: int = 0) -> tuple[float, float]:
        bid, ask = self.venue.publisher.best(self.listing(number))
        return bid / CENT, ask / CENT

    async def hit(self, command: PlaceOrder) -> None:
        """Somebody takes all of an order that rests, and whatever is before it."""
        listing = next(x for x in self.venue.listings if x.slug == command.instrument.symbol)
        from console.core.instruments import BookSide, book_side

        side = book_side(command.instrument.side, command.action)
        other = BookSide.ASK if side is BookSide.BID else BookSide.BID
        yes = command.price if command.instrument.side.value == "yes" else ONE - command.price
        self.venue.floor.exchange.take("tester", listing.slug, other, 10**6 * ONE, yes)
        self.venue.step()


def config(bench: Bench, **fields: object) -> SimpleNamespace:
    """As much of a configuration as the kit reads."""
    a = bench.addresses()
    table = SimpleNamespace(
        rest=a.rest,
        gamma=a.gamma,
        data=a.positions,
        stream=a.market,
        user_stream=a.user,
        geoblock=a.geoblock,
        signature_type=bench.kind,
        session_signer=False,
    )
    for name, value in fields.items():
        setattr(table, name, value)
    return SimpleNamespace(venues=SimpleNamespace(polymarket=table))


__all__ = ["PATIENCE_S", "Bench", "P", "config", "kit"]
