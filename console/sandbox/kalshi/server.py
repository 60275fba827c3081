"""`mmconsole sandbox kalshi`: the pretended venue on a port of this machine, with its misfortunes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from console.core.instruments import MarketState, Venue, opposite_side
from console.core.ladders import Band
from console.core.units import CENT, ONE
from console.sandbox.command import Opening, SandboxError
from console.sandbox.floor import Floor
from console.sandbox.kalshi.catalogue import Fees, event_of, grid_words
from console.sandbox.kalshi.errors import ApiError
from console.sandbox.kalshi.faults import Mischief, chosen
from console.sandbox.kalshi.house import House
from console.sandbox.kalshi.keys import Gatekeeper
from console.sandbox.kalshi.rest import Rest
from console.sandbox.kalshi.spelling import count, price
from console.sandbox.kalshi.stream import PATH, Streams
from console.sim.world import World

TICK_S: Final = 0.05
HOST: Final = "127.0.0.1"
VOID: Final = 47 * CENT + CENT // 4  # a fair price finer than the cents of a settlement's value
EVERYTHING: Final = 10**6 * ONE  # contracts
KEYS: Final = "MMCONSOLE_SANDBOX_KEYS"  # a folder for the test keys, instead of the usual one


class Sandbox:
    """One pretended venue and its servers."""

    def __init__(
        self,
        seed: int,
        faults: tuple[str, ...] = (),
        *,
        keys: Path,
        scale: float = 1.0,
        world: World | None = None,
    ) -> None:
        """`keys` is the folder of the test keys; `scale` multiplies how often everybody acts; `world` is one
        shared with other sandboxes.
        """
        self.evil = Mischief(chosen(faults), seed)
        self.floor = Floor(Venue.KALSHI, seed, scale=scale, world=world)
        self.house = House(self.floor, time.time_ns, time.monotonic_ns, self.evil)
        self.gate = Gatekeeper(keys, lambda: time.time_ns() // 1_000_000)
        self.rest = Rest(self.house, self.gate)
        self.streams = Streams(self.house, self.gate, self.rest.traded)
        self.port = 0
        self._runner: web.AppRunner | None = None
        if self.evil.has("fees"):
            for event in self.house.catalogue.matches:
                fees = self.house.catalogue.fees_of(event)
                self.house.charge(event, Fees(fees.fee_type, 2 * fees.multiplier))

    async def open(self, port: int = 0) -> None:
        """Listen; raises SandboxError when the port is taken."""
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_get(PATH, self.streams.handle)
        app.router.add_get("/sandbox/account", self._account)
        app.router.add_post("/sandbox/{act}", self._act)
        app.router.add_routes(list(self.rest.routes()))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError as error:
            raise SandboxError(f"sandbox: port {port}: {error.strerror}") from error
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Listen no longer; connections are cut."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def live(self) -> None:
        """Let time pass, and misfortunes come, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.floor.run())
            group.create_task(self._tick())
            for name, every_s in (
                ("freeze", 60.0),
                ("halfopen", 90.0),
                ("storm", 60.0),
                ("disconnect", 120.0),
                ("overflow", 90.0),
                ("pause", 90.0),
                ("tick", 45.0),
            ):
                if self.evil.has(name):
                    group.create_task(self._again(name, every_s))

    async def _tick(self) -> None:
        while True:
            self.house.tick()
            await asyncio.sleep(TICK_S)

    async def _again(self, name: str, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self.act(name)
            if name == "tick":
                return

    # ---- misfortunes on demand

    async def _act(self, request: web.Request) -> web.StreamResponse:
        """``POST /sandbox/NAME?ticker=..&seconds=..``: let something happen now."""
        ticker, text = request.query.get("ticker", ""), request.query.get("seconds", "")
        try:
            said = await self.act(
                request.match_info["act"], ticker, float(text) if text.replace(".", "", 1).isdigit() else None
            )
        except (KeyError, ApiError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"done": said})

    async def _account(self, _: web.Request) -> web.StreamResponse:
        """``GET /sandbox/account``: what rests and what is held at this moment, without the lag of reads."""
        orders = [
            {
                "client_order_id": ticket.client_order_id,
                "ticker": ticket.ticker,
                "side": ticket.side.value,
                "price": price(ticket.price),
                "left": count(ticket.left),
            }
            for ticket in self.house.resting()
        ]
        nets = self.house.bank.nets
        return web.json_response({"orders": orders, "held": {t: count(n) for t, n in nets.items() if n}})

    async def act(self, name: str, ticker: str = "", seconds: float | None = None) -> str:
        """Let something happen; raises KeyError for a name or ticker nobody knows."""
        first = next(t for e in self.house.catalogue.matches for t in self.house.catalogue.tickers(e))
        ticker = ticker or first
        market = self.house.catalogue.market(ticker)
        match name:
            case "freeze":
                await self._stilled("frozen", 20.0 if seconds is None else seconds)
            case "halfopen":
                await self._half_open(30.0 if seconds is None else seconds)
            case "storm":
                self.rest.storm_until = time.monotonic() + (5.0 if seconds is None else seconds)
            case "disconnect":
                await self.streams.close_all()
            case "overflow":
                for session in self.streams.sessions:
                    session.overflow()
            case "gap":
                for session in self.streams.sessions:
                    for subscription in session.subscriptions.values():
                        subscription.next_seq()
            case "pause":
                asyncio.get_running_loop().create_task(self._pause(ticker, seconds or 8.0))
            case "halt":
                self.house.paused = not self.house.paused
                self._wipe_on_halt()
            case "fill":
                self._fill(ticker)
            case "close":
                self.floor.exchange.set_state(ticker, MarketState.CLOSED)
            case "settle" | "void":
                payout = VOID if name == "void" else ONE
                self.floor.exchange.resolve(ticker, payout)
            case "tick":
                bands = (Band(0, ONE, CENT // 10),)
                market.regrid(msgspec.structs.replace(market.spec, bands=bands))
                self.house.regridded(ticker, grid_words(market.spec))
            case "fee":
                fees = self.house.catalogue.fees_of(event_of(ticker))
                self.house.change_fees(event_of(ticker), Fees(fees.fee_type, fees.multiplier * 2))
            case _:
                raise KeyError(f"{name}: nothing of that name can happen")
        self.floor.step()
        return f"{name} {ticker}".strip()

    def _fill(self, ticker: str) -> None:
        """Somebody takes everything down to our own orders of a market, and them too."""
        for ticket in [ticket for ticket in self.house.resting() if ticket.ticker == ticker]:
            taker = opposite_side(ticket.side)
            self.floor.exchange.take("taker", ticker, taker, EVERYTHING, ticket.price)

    def _wipe_on_halt(self) -> None:
        """A pause of trading takes out the orders that asked for it."""
        if self.house.paused:
            for ticket in self.house.resting():
                if ticket.on_pause:
                    self.house.end(ticket, "HaltCancel")

    async def _stilled(self, how: str, seconds: float) -> None:
        for session in self.streams.sessions:
            setattr(session, how, True)
        asyncio.get_running_loop().call_later(seconds, self._thaw)

    def _thaw(self) -> None:
        for session in self.streams.sessions:
            session.frozen = False

    async def _half_open(self, seconds: float) -> None:
        """Nothing more on these connections, not even an end."""
        self.rest.dead_until = time.monotonic() + seconds
        for session in self.streams.sessions:
            session.frozen = True
        self.streams.refused = True
        asyncio.get_running_loop().call_later(seconds, self._alive)

    def _alive(self) -> None:
        self.streams.refused = False

    async def _pause(self, ticker: str, seconds: float) -> None:
        """A market is halted; when it goes on, its orders are gone."""
        exchange = self.floor.exchange
        exchange.set_state(ticker, MarketState.PAUSED)
        await asyncio.sleep(seconds)
        if self.house.catalogue.market(ticker).state is MarketState.PAUSED:
            exchange.set_state(ticker, MarketState.OPEN, wipe=True)


async def serve(opening: Opening, say: Callable[[str], None]) -> None:
    """Serve until cancelled, and say how it is reached."""
    if opening.recording:
        from console.sandbox.kalshi.recorded import serve_recording

        await serve_recording(opening, say)
        return
    sandbox = Sandbox(opening.seed, opening.faults, keys=keys_folder(), world=opening.world)
    await sandbox.open(opening.port)
    base = f"{HOST}:{sandbox.port}"
    say(
        f"kalshi sandbox on http://{base}, seed {opening.seed}, faults: {', '.join(opening.faults) or 'none'}"
    )
    say("in the settings file:")
    say(f'  [venues.kalshi]\n  enabled = true\n  rest = "http://{base}/trade-api/v2"')
    say(f'  stream = "ws://{base}{PATH}"')
    for key in sandbox.gate.keys:
        say(f"{key.kind}: KALSHI_KEY_ID={key.key_id} KALSHI_PRIVATE_KEY_PATH={key.path}")
    for event in sandbox.house.catalogue.matches:
        say(f"  {event}: {', '.join(sandbox.house.catalogue.tickers(event))}")
    say(f"pull a plug: curl -X POST 'http://{base}/sandbox/freeze?seconds=20'")
    say("  freeze halfopen storm disconnect overflow gap fill pause halt close settle void tick fee")
    say(f"what rests and what is held: curl http://{base}/sandbox/account")
    try:
        await sandbox.live()
    finally:
        await sandbox.close()


def keys_folder() -> Path:
    """Where test keys are kept: named by the environment, else in the state folder."""
    named = os.environ.get(KEYS)
    if named:
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "mmconsole" / "sandbox-kalshi"
