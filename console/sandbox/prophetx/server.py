"""The sandbox as one server: exchange, door, REST, push, crowd, a sharp book, and levers for tests."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct

from console.sandbox.command import Opening, SandboxError
from console.sandbox.odds.server import PATHS, OddsServer, Quotas
from console.sandbox.prophetx.crowd import Crowd, ladder
from console.sandbox.prophetx.entry import Entry, KeyPair
from console.sandbox.prophetx.exchange import Exchange, Turned
from console.sandbox.prophetx.faults import Faults, described
from console.sandbox.prophetx.luck import Luck
from console.sandbox.prophetx.pool import Wager
from console.sandbox.prophetx.programme import EVENTS, programme
from console.sandbox.prophetx.push import HEALTH_S, PushServer
from console.sandbox.prophetx.reports import Reports
from console.sandbox.prophetx.rest import PREFIX, Rest
from console.sandbox.prophetx.sharp import FixtureCard
from console.sandbox.prophetx.words import LEGACY, V4, Json, row

CASH = 10_000_00  # cents
STEP_S = 0.05
_PLACES = re.compile("/(submit|place)_")
_EXTERNAL_ID = re.compile(r'"external_id": *"([^"]+)"')
USER = "5f0c2a9e-1111-4222-8333-944455556666"
OTHER = "0b7d1c44-2222-4333-8444-955566667777"  # another bettor, to look at the market with his eyes
PAIRS = (
    KeyPair("sandbox-access", "sandbox-secret", USER),
    KeyPair("sandbox-watch-access", "sandbox-watch-secret", USER),
    KeyPair("sandbox-other-access", "sandbox-other-secret", OTHER),
)
PLENTY = Quotas(100_000, 100_000, 100_000)


class Scene(Struct, frozen=True, kw_only=True):
    """How a sandbox is set up; tests have their own."""

    seed: int = 7
    faults: tuple[str, ...] = ()
    events: int = EVENTS
    crowd: bool = True
    pace: float = 1.0
    health_s: float = HEALTH_S
    cash: int = CASH


class Sandbox:
    """One venue. `start` it inside a running loop and `stop` it there."""

    def __init__(self, scene: Scene) -> None:
        luck = Luck(scene.seed, "sandbox")
        self.scene = scene
        self.exchange = Exchange(programme(scene.seed, scene.events), ladder(), Luck(scene.seed, "venue"))
        self.faults = Faults(scene.faults, Luck(scene.seed, "faults"))
        self.exchange.deducts = lambda: self.faults.on("deducts")
        self.exchange.turns_down = lambda: self.faults.strikes("invalid", 0.03)
        self.entry = Entry(PAIRS, luck, time.time)
        self.user = self.exchange.user(USER, scene.cash)
        self.other = self.exchange.user(OTHER, scene.cash)
        self.reports = Reports(self.exchange, self.faults, (V4, LEGACY), time.time)
        self.push = PushServer(self.exchange, self.faults, luck, scene.health_s)
        self.rest = Rest(self.exchange, self.entry, self.push, self.reports, self.faults, luck)
        self.crowd = Crowd(self.exchange, Luck(scene.seed, "crowd"), scene.pace)
        self.card = FixtureCard(self.exchange, self.crowd)
        self.requests: list[tuple[str, str]] = []  # method and path of everything that was asked
        self.placing: Counter[str] = Counter()  # our ids in requests to place that had a valid token
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.base = ""

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        app = web.Application(middlewares=[self._noted])
        app.router.add_routes(self.rest.routes())
        app.router.add_get("/app/{key}", self.push.serve)
        app.router.add_routes(OddsServer(self.card, quotas=PLENTY, cooldowns=False).feeds())
        app.router.add_get("/sandbox/state", self._state)
        app.router.add_post("/sandbox/{lever}", self._lever)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError as error:
            raise SandboxError(f"sandbox prophetx: port {port}: {error.strerror}") from error
        host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.rest.host, self.base = host, f"http://{host}{PREFIX}"
        if self.scene.crowd:
            self.crowd.open()
        self._tasks = [asyncio.ensure_future(work) for work in (self.push.run(), self._pass_time())]

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _pass_time(self) -> None:
        acted = time.monotonic()
        while True:
            await asyncio.sleep(STEP_S)
            self.exchange.step()
            if self.scene.crowd and time.monotonic() - acted >= 1.0:
                acted += 1.0
                self.crowd.step()

    @web.middleware
    async def _noted(self, request: web.Request, handler: Callable[..., Json]) -> web.StreamResponse:
        self.requests.append((request.method, request.path.removeprefix(PREFIX)))
        del self.requests[:-20_000]
        ids = _EXTERNAL_ID.findall(await request.text()) if _PLACES.search(request.path) else []
        answer: web.StreamResponse | None = None
        try:
            answer = await handler(request)
            return answer
        finally:
            if answer is None or answer.status != 401:
                self.placing.update(ids)

    # ---- levers

    def resting(self) -> list[Json]:
        """What of ours is on the book or waits to be."""
        return [row(V4, wager) for wager in self.user.live.values()]

    async def _state(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "resting": self.resting(),
                "cash": self.user.cash / 100,
                "placed": len(self.user.externals),
                "sent_again": sum(count - 1 for count in self.placing.values()),
                "filled": sum(w.filled for w in self.user.externals.values()) / 100,
                "sockets": self.push.sockets,
                "logins": self.entry.logins,
                "refreshes": self.entry.refreshes,
                "refused_by_limits": self.entry.refused,
                "faults": self.faults.counts,
            }
        )

    async def _lever(self, request: web.Request) -> web.StreamResponse:
        fields = await request.json() if request.can_read_body else {}
        try:
            return web.json_response({"done": self.pull(request.match_info["lever"], fields)})
        except (Turned, SandboxError, KeyError, ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)

    def pull(self, lever: str, fields: Json) -> Json:
        """Make something happen: for tests, drills and demonstrations."""
        match lever:
            case "settle":
                return self.exchange.settle(int(fields["event_id"]), fields["home_wins"])
            case "void":
                return self.exchange.void(int(fields["event_id"]))
            case "live":
                return self.exchange.go_live(self.exchange.fixtures[int(fields["event_id"])])
            case "take":
                return self.exchange.take(fields["side_id"], int(float(fields["stake"]) * 100))
            case "fill":
                return self._fill(self.exchange.wagers[fields["order_id"]], float(fields["stake"]))
            case "deposit":
                return self.exchange.pay(self.user, round(float(fields["dollars"]) * 100), "DEPOSIT")
            case "fault":
                return self.faults.switch(fields["name"], on=bool(fields.get("on", True)))
            case "expire":
                return self.entry.expire()
            case "cut":
                return self.push.cut()
            case "freeze":
                return self.push.freeze(float(fields.get("seconds", 60)))
            case "pace":
                self.crowd.pace = float(fields["pace"])
                return self.crowd.pace
        raise ValueError(f"no lever {lever!r}")

    def _fill(self, wager: Wager, dollars: float) -> float:
        """Let bettors come until one takes a part of this wager; returns what is matched of it."""
        other, before = wager.pool.line.sides[1 - wager.side].side_id, wager.filled
        while wager.filled == before and self.exchange.take(other, round(dollars * 100)):
            pass
        return wager.filled / 100


async def serve(opening: Opening, say: Callable[[str], None]) -> None:
    """Serve until cancelled."""
    if opening.faults == ("help",):
        say(f"faults of the prophetx sandbox:\n{described()}")
        return
    if opening.recording:
        raise SandboxError("sandbox prophetx: there are no recordings of this venue")
    sandbox = Sandbox(Scene(seed=opening.seed, faults=opening.faults))
    opening.cards.append(sandbox.card)
    await sandbox.start(opening.port)
    access, secret = PAIRS[0].access_key, PAIRS[0].secret_key
    say(f"ProphetX sandbox at {sandbox.base}: {EVENTS} events, ${CASH / 100:,.0f}, both dialects")
    say(f"  PROPHETX_ACCESS_KEY={access} PROPHETX_SECRET_KEY={secret}")
    say(f'  [venues.prophetx] enabled = true, rest = "{sandbox.base}"')
    root = sandbox.base.removesuffix(PREFIX)
    say(f'  [feeds.the_odds_api] enabled = true, address = "{root}{PATHS["the_odds_api"]}" (any key)')
    say(f"  state and levers: {root}/sandbox/state")
    try:
        await asyncio.Event().wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await sandbox.stop()
