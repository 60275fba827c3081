"""One venue of a seeded world from the inside, in real time: what a sandbox server puts a wire format on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from console.core.commands import AnyCommand
from console.core.events import AnyEvent
from console.core.instruments import Instrument, Venue
from console.core.matches import MatchSpec
from console.core.units import Nanos
from console.sim.exchange import Exchange
from console.sim.listings import PROGRAMME, Card
from console.sim.market import Market
from console.sim.requests import execute
from console.sim.world import World

STEP_S = 0.02
Listener = Callable[[AnyEvent], None]


class Floor:
    """The trading floor of a venue. Everything public and everything of our account reaches the listeners.

    Lateness, losses and lies of the wire are the server's business: here all is told at once and truly.
    """

    def __init__(
        self,
        venue: Venue,
        seed: int,
        *,
        scale: float = 1.0,
        programme: tuple[Card, ...] = PROGRAMME,
        monotonic: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
        world: World | None = None,
    ) -> None:
        """`scale` multiplies how often everybody in the world acts; `programme` is what is played.

        `world` is one that is shared with others.
        """
        self.venue = venue
        self._monotonic = monotonic
        self._listeners: list[Listener] = []
        self.world = world or World(seed, ts=monotonic(), wall=wall(), scale=scale, programme=programme)
        for symbol in self.exchange.markets:
            self.exchange.subscribe(Instrument(venue, symbol))
        self.exchange.public.clear()  # whoever comes later reads the markets as they are
        self.world.wire(venue).witness = self._tell

    @property
    def exchange(self) -> Exchange:
        """The venue itself."""
        return self.world.exchange(self.venue)

    @property
    def matches(self) -> tuple[MatchSpec, ...]:
        """Matches that have an instrument here."""
        return tuple(
            spec
            for spec in self.world.listings
            if any(listing.instrument.venue is self.venue for listing in spec.listings)
        )

    def market(self, symbol: str) -> Market | None:
        """One market, None for an unknown symbol."""
        return self.exchange.markets.get(symbol)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` everything from now on; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def ask(self, command: AnyCommand) -> list[AnyEvent]:
        """Carry out one request and return its answers; what it leads to in the book is told on the way."""
        self.step()
        answers = execute(self.exchange, command)
        self.step()
        return answers

    def step(self) -> None:
        """Let everything happen that is due."""
        self.world.advance(Nanos(self._monotonic()))

    async def run(self) -> None:
        """Let time pass until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(STEP_S)

    def _tell(self, event: AnyEvent) -> None:
        for listener in list(self._listeners):
            listener(event)
