"""Where Kalshi is reached: production, its own sandbox, or addresses written in the settings."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from console.config.tables import KalshiTable
from console.core.events import Mode

REST: Final = "https://external-api.kalshi.com/trade-api/v2"
STREAM: Final = "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
DEMO_REST: Final = "https://external-api.demo.kalshi.co/trade-api/v2"
DEMO_STREAM: Final = "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"


class Hosts(Struct, frozen=True):
    """Addresses; `rest` with its path, which every request's path begins with."""

    rest: str
    stream: str

    @property
    def base(self) -> str:
        """Scheme and host of requests."""
        parts = urlsplit(self.rest)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def prefix(self) -> str:
        """What every request's path begins with, and what is signed with it."""
        return urlsplit(self.rest).path.rstrip("/")

    @property
    def stream_path(self) -> str:
        """The path whose signature opens the stream."""
        return urlsplit(self.stream).path


def hosts(mode: Mode, table: KalshiTable) -> Hosts:
    """The addresses of a mode; those of the settings go first (mode live takes none)."""
    demo = mode is Mode.DEMO
    rest = table.rest or (DEMO_REST if demo else REST)
    return Hosts(rest.rstrip("/"), table.stream or (DEMO_STREAM if demo else STREAM))
