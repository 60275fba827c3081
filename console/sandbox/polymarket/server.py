"""`mmconsole sandbox polymarket`: every host of the venue on one port, until interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from console.sandbox.command import Opening, SandboxError
from console.sandbox.polymarket.discovery import Discovery
from console.sandbox.polymarket.faults import Faults, help_text
from console.sandbox.polymarket.listing import settings_lines
from console.sandbox.polymarket.rest import Books
from console.sandbox.polymarket.streams import Streams
from console.sandbox.polymarket.venue import Venue

STEP_S = 0.01
HOST = "127.0.0.1"


class Server:
    """One sandbox: the venue, its hosts, and the port they answer on once it is open."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.streams = Streams(venue)
        self.books = Books(venue)
        self.port = 0
        self._discovery = Discovery(venue)
        self._runner: web.AppRunner | None = None

    async def open(self, port: int = 0) -> None:
        """Begin to answer; raises SandboxError when the port is taken."""
        app = web.Application()
        app.add_routes(self.books.routes())
        app.add_routes(self._discovery.routes())
        app.add_routes(
            [
                web.get("/ws/market", self.streams.serve_market),
                web.get("/ws/user", self.streams.serve_user),
            ]
        )
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, HOST, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise SandboxError(f"sandbox: port {port}: {error.strerror}") from error
        self.port = runner.addresses[0][1]

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def run(self) -> None:
        """Let time pass until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.streams.misbehave())
            group.create_task(self._pass_time())

    async def _pass_time(self) -> None:
        while True:
            self.venue.step()
            self._discovery.remember()
            await asyncio.sleep(STEP_S)

    def settings(self) -> list[str]:
        """Where it is, for markets.toml."""
        at = f"127.0.0.1:{self.port}"
        return [
            "[venues.polymarket]",
            "enabled = true",
            f'rest = "http://{at}"',
            f'gamma = "http://{at}/gamma"',
            f'data = "http://{at}/data-api"',
            f'geoblock = "http://{at}/api/geoblock"',
            f'stream = "ws://{at}/ws/market"',
            f'user_stream = "ws://{at}/ws/user"',
            "signature_type = 0",
        ]

    def secrets(self) -> list[str]:
        """The trader's invented keys, for .env."""
        creds = self.venue.credentials
        return [
            f"POLY_PRIVATE_KEY={self.venue.key}",
            f"POLY_API_KEY={creds['apiKey']}",
            f"POLY_API_SECRET={creds['secret']}",
            f"POLY_PASSPHRASE={creds['passphrase']}",
        ]


async def serve(opening: Opening, say: Callable[[str], None]) -> None:
    """Serve until cancelled; raises SandboxError for what cannot be opened as asked."""
    if "help" in opening.faults:
        for line in help_text():
            say(line)
        return
    if opening.recording:
        raise SandboxError("sandbox: polymarket runs on its seeded world only, not on a recording")
    faults = Faults(opening.faults, opening.seed)
    server = Server(Venue(opening.seed, faults, world=opening.world))
    await server.open(opening.port)
    for line in (
        f"# Polymarket sandbox on port {server.port}, seed {opening.seed}. Ctrl+C ends it.",
        "# For markets.toml:",
        *server.settings(),
        *settings_lines(server.venue.listings),
        "",
        "# For .env beside it (chmod 600); the key is invented:",
        *(f"# {line}" for line in server.secrets()),
    ):
        say(line)
    try:
        await server.run()
    finally:
        await server.close()
