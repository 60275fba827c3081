"""Feeds in tests: a clock that jumps from one wake-up to the next, and the sandbox without sockets."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextlib import asynccontextmanager

import httpx
from aiohttp import web

from console.config.tables import FeedTable
from console.core.units import SECOND, Nanos
from console.keys import Secret
from console.sandbox.odds import the_odds_api
from console.sandbox.odds.card import Event, Quote
from console.sandbox.odds.server import PATHS, OddsServer

KEY = "canary-5f1c/0d9a&6b=4d"  # with characters that a URL spells differently


class VirtualClock:
    """Nothing waits: when everybody sleeps, the time is that of the first to wake."""

    def __init__(self, wall: int) -> None:
        self.now = wall
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def wall(self) -> Nanos:
        return Nanos(self.now)

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.now + round(seconds * SECOND), self._count, waking))
        await waking

    async def run_until(self, moment: int) -> None:
        """Let everything happen up to a moment."""
        while True:
            for _ in range(25):  # until everybody sleeps again
                await asyncio.sleep(0)
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            if not self._sleepers or self._sleepers[0][0] > moment:
                self.now = moment
                return
            at, _, waking = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            waking.set_result(None)


class Listed:
    """A card of events written by a test; every quote is seen now."""

    def __init__(self, *events: Event) -> None:
        self.listed = list(events)

    def events(self, now_ns: int) -> list[Event]:
        return [
            Event(
                number=event.number,
                league=event.league,
                home=event.home,
                away=event.away,
                start_ns=event.start_ns,
                quotes=tuple(
                    Quote(q.book, q.kind, q.line, dict(q.sides), q.changed_ns, now_ns, q.open)
                    for q in event.quotes
                ),
                started=now_ns >= event.start_ns,
            )
            for event in self.listed
            if now_ns < event.start_ns + 4 * 3600 * SECOND
        ]


def event(number: int, league: str, home: str, away: str, start: int, *quotes: Quote) -> Event:
    given = quotes or (Quote("pinnacle", "h2h", 0.0, {"home": 1.8, "away": 2.1}, start - 10**13, 0),)
    return Event(number=number, league=league, home=home, away=away, start_ns=start, quotes=given)


def unwired(server: OddsServer, wall: Callable[[], int]) -> httpx.MockTransport:
    """The Odds API's side of the sandbox as a transport: no socket, no delay."""

    def answer(request: httpx.Request) -> httpx.Response:
        quotas = server.quotas
        quotas.asked["the_odds_api"] += 1
        now = wall()
        params = dict(request.url.params)
        server.keys.add(params.pop("apiKey", ""))
        path = request.url.path.removeprefix(PATHS["the_odds_api"])
        said = the_odds_api.answer(path, params, server.faults.spoil(server.card.events(now), now))
        if said.cost > quotas.left("the_odds_api"):
            text = "Usage quota has been reached."
            said = the_odds_api.error(401, "OUT_OF_USAGE_CREDITS", text)
        quotas.used["the_odds_api"] += said.cost
        headers = {
            "x-requests-remaining": str(quotas.left("the_odds_api")),
            "x-requests-used": str(quotas.used["the_odds_api"]),
            "x-requests-last": str(said.cost),
        }
        return httpx.Response(said.status, json=said.document, headers=headers)

    return httpx.MockTransport(answer)


def table(**facts: object) -> FeedTable:
    return FeedTable(enabled=True, **{"poll_s": 60, **facts})  # type: ignore[arg-type]


def key(name: str = "ODDS_API_KEY") -> Secret:
    return Secret(name, KEY)


@asynccontextmanager
async def served(server: OddsServer):
    """The sandbox on a socket; yields the address of its root."""
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(feed, seen: list):
    """A feed that puts its events into `seen`."""
    task = asyncio.create_task(feed.run(seen.append))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
