"""The sandbox of the feeds: one local server with the three of them, their quotas and their misfortunes."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web
from msgspec import Struct

from console.core.units import Nanos
from console.sandbox.command import Opening, SandboxError
from console.sandbox.odds import oddspapi, sportsgameodds, the_odds_api
from console.sandbox.odds.card import Card, Cards, Event, WorldCard
from console.sandbox.odds.faults import Faults
from console.sandbox.odds.recorded import RecordedCard, read_games
from console.sim.world import World

STEP_S = 0.02
PATHS = {
    "the_odds_api": "/the-odds-api/v4",
    "oddspapi": "/oddspapi/v4",
    "sportsgameodds": "/sportsgameodds/v2",
}
KEY_SEEN = web.AppKey("key_seen", list[str])


class Quotas(Struct):
    """What each feed allows a month, and what has been used of it."""

    the_odds_api: int = 500
    oddspapi: int = 250
    sportsgameodds: int = 2500
    used: dict[str, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    asked: dict[str, int] = msgspec.field(default_factory=lambda: defaultdict(int))  # requests, whatever came

    def left(self, feed: str) -> int:
        """Credits left of the month."""
        most: int = getattr(self, feed)
        return max(0, most - self.used[feed])


class OddsServer:
    """Answers the three feeds. `wall` is its clock; `cooldowns` False: as fast as anybody likes."""

    def __init__(
        self,
        card: Card,
        faults: Faults | None = None,
        quotas: Quotas | None = None,
        *,
        wall: Callable[[], int] = time.time_ns,
        cooldowns: bool = True,
    ) -> None:
        self.card = card
        self.faults = faults or Faults()
        self.quotas = quotas or Quotas()
        self.keys: set[str] = set()  # every key it was shown
        self._wall = wall
        self._cooldowns = cooldowns
        self._last: dict[str, float] = {}
        self._minute: deque[float] = deque()
        self._turn = 0

    def app(self) -> web.Application:
        """A server of its own."""
        app = web.Application()
        app.router.add_routes(self.feeds())
        app.router.add_get("/sandbox", self._show)
        app.router.add_post("/sandbox/faults", self._set_faults)
        return app

    def feeds(self) -> list[web.RouteDef]:
        """The routes of the three feeds."""
        answers = {
            PATHS["the_odds_api"]: self._the_odds_api,
            PATHS["oddspapi"]: self._oddspapi,
            PATHS["sportsgameodds"]: self._sportsgameodds,
        }
        return [web.get(base + "/{path:.*}", self._spoilt(answer)) for base, answer in answers.items()]

    # ---- the misfortunes of answers

    def _spoilt(
        self, answer: Callable[[web.Request, str], web.Response]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def spoilt(request: web.Request) -> web.StreamResponse:
            key = request.query.get("apiKey") or request.headers.get("x-api-key") or ""
            self.keys.add(key)
            self._turn += 1
            if "silent" in self.faults:
                await asyncio.sleep(3600)
            if "down" in self.faults:
                return web.json_response({"message": f"try later, {key}"}, status=503)
            if "html" in self.faults:
                return web.Response(
                    text=f"<html>not here: {request.raw_path}</html>", content_type="text/html"
                )
            if "redirect" in self.faults:
                return web.Response(status=302, headers={"Location": f"/elsewhere?apiKey={key}"})
            said = answer(request, key)
            if "cut" in self.faults:
                return await _cut(request, said)
            return said

        return spoilt

    def _events(self) -> list[Event]:
        now = self._wall()
        return self.faults.spoil(self.card.events(now), now)

    def _json(self, status: int, document: object, headers: Mapping[str, str] | None = None) -> web.Response:
        body = msgspec.json.encode(document)
        if "missing-field" in self.faults and status == 200:
            for field in (b'"price":', b'"odds":"'):
                body = body.replace(field, field.replace(b'"p', b'"xp').replace(b'"o', b'"xo'))
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)

    # ---- the feeds

    def _the_odds_api(self, request: web.Request, key: str) -> web.Response:
        feed = "the_odds_api"
        self.quotas.asked[feed] += 1
        said = self._refusal_toa(key)
        if said is None:
            said = the_odds_api.answer(request.match_info["path"], request.query, self._events())
            if said.cost > self.quotas.left(feed):
                said = _out_of_credits()
        self.quotas.used[feed] += said.cost
        headers = {
            "x-requests-remaining": str(self.quotas.left(feed)),
            "x-requests-used": str(self.quotas.used[feed]),
            "x-requests-last": str(said.cost),
        }
        return self._json(said.status, said.document, headers)

    def _refusal_toa(self, key: str) -> the_odds_api.Answer | None:
        if not key:
            return the_odds_api.error(401, "MISSING_KEY", "API key is missing")
        if "denied" in self.faults:
            return the_odds_api.error(401, "INVALID_KEY", f"API key {key} is not valid")
        if "spent" in self.faults:
            return _out_of_credits()
        if "busy" in self.faults and self._turn % 2:
            return the_odds_api.error(429, "EXCEEDED_FREQ_LIMIT", "Requests are too frequent")
        return None

    def _oddspapi(self, request: web.Request, key: str) -> web.Response:
        feed, path = "oddspapi", request.match_info["path"]
        self.quotas.asked[feed] += 1
        if path.strip("/") == "account":
            used, most = self.quotas.used[feed], self.quotas.oddspapi
            return self._json(200, {"subscriptions": [{"request_count": used, "request_limit": most}]})
        said = self._refusal_papi(key, path) or oddspapi.answer(path, request.query, self._events())
        self.quotas.used[feed] += 1
        return self._json(said.status, said.document)

    def _refusal_papi(self, key: str, path: str) -> oddspapi.Answer | None:
        if not key:
            return oddspapi.error(401, "MISSING_API_KEY", "API key is required")
        if "denied" in self.faults:
            return oddspapi.error(401, "INVALID_API_KEY", f"API key {key} is unknown")
        if "spent" in self.faults or not self.quotas.left("oddspapi"):
            return oddspapi.error(429, "REQUEST_LIMIT_EXCEEDED", "You have exceeded your request limit")
        now = time.monotonic()
        soon = self._cooldowns and now - self._last.get(path, 0.0) < 0.88
        if soon or ("busy" in self.faults and self._turn % 2):
            return oddspapi.error(429, "RATE_LIMITED", "Endpoint cooldown", retryMs=880)
        self._last[path] = now
        return None

    def _sportsgameodds(self, request: web.Request, key: str) -> web.Response:
        feed = "sportsgameodds"
        self.quotas.asked[feed] += 1
        said = self._refusal_sgo(key)
        if said is None:
            used, most = self.quotas.used[feed], self.quotas.sportsgameodds
            said = sportsgameodds.answer(
                request.match_info["path"], request.query, self._events(), used, most
            )
        self.quotas.used[feed] += said.objects
        return self._json(said.status, said.document)

    def _refusal_sgo(self, key: str) -> sportsgameodds.Answer | None:
        if not key or "denied" in self.faults:
            return sportsgameodds.error(401, f"Invalid API key {key}")
        now = time.monotonic()
        while self._minute and now - self._minute[0] > 60.0:
            self._minute.popleft()
        full = self._cooldowns and len(self._minute) >= 10
        spent = "spent" in self.faults or not self.quotas.left("sportsgameodds")
        if full or spent or ("busy" in self.faults and self._turn % 2):
            return sportsgameodds.error(429, "Rate limit exceeded")
        self._minute.append(now)
        return None

    # ---- the sandbox itself

    async def _show(self, _request: web.Request) -> web.Response:
        events = self._events()
        return web.json_response(
            {
                "faults": self.faults.names,
                "used": dict(self.quotas.used),
                "asked": dict(self.quotas.asked),
                "events": [f"{event.league} {event.away} at {event.home}" for event in events],
            }
        )

    async def _set_faults(self, request: web.Request) -> web.Response:
        """`POST /sandbox/faults?set=stale,busy`: these and no others from now on."""
        names = [word for word in request.query.get("set", "").split(",") if word]
        try:
            self.faults.set(names)
        except SandboxError as error:
            return web.Response(status=400, text=f"{error}\n")
        return web.json_response({"faults": self.faults.names})


def _out_of_credits() -> the_odds_api.Answer:
    text = "Usage quota has been reached. See usage plans at https://the-odds-api.com"
    return the_odds_api.error(401, "OUT_OF_USAGE_CREDITS", text)


async def _cut(request: web.Request, said: web.Response) -> web.StreamResponse:
    """Half an answer, then nothing."""
    body = said.body if isinstance(said.body, bytes) else b""
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


async def serve(opening: Opening, say: Callable[[str], None]) -> None:
    """`mmconsole sandbox odds`: on the seeded world, or on a season in a folder."""
    names, quotas = _misfortunes(opening.faults)
    world: World | None = None
    card: Card
    if opening.recording:
        games = read_games(Path(opening.recording))
        card = RecordedCard(games, time.time_ns(), opening.speed)
    else:
        world = opening.world or World(opening.seed, ts=time.monotonic_ns(), wall=time.time_ns())
        card = Cards((WorldCard(world),), opening.cards)
    server = OddsServer(card, Faults(names), quotas)
    # An access log would write the keys down; whoever is being kept waiting is not waited for.
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", opening.port)
    await site.start()
    port = runner.addresses[0][1]
    for feed, path in PATHS.items():
        say(f"{feed}: http://127.0.0.1:{port}{path}")
    say(f"faults: POST http://127.0.0.1:{port}/sandbox/faults?set=stale,busy")
    try:
        while True:
            if world is not None:
                world.advance(Nanos(time.monotonic_ns()))
            await asyncio.sleep(STEP_S)
    finally:
        await runner.cleanup()


def _misfortunes(words: tuple[str, ...]) -> tuple[list[str], Quotas]:
    """Faults by name, and `credits=N` for the month's quota of every feed."""
    quotas, names = Quotas(), []
    for word in words:
        name, _, number = word.partition("=")
        if name == "credits" and number.isdigit():
            quotas = Quotas(int(number), int(number), int(number))
        else:
            names.append(word)
    return names, quotas
