"""What a mode trades on: the built-in world, venues on paper, or venues for real; and what checks them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from console.config.read import Config
from console.config.tables import FeedTable
from console.core.commands import AnyCommand
from console.core.events import Mode
from console.core.instruments import Venue
from console.keys import ENV_FILE, Keys
from console.launch.place import LaunchError
from console.runner.source import Source
from console.venues.base.lane import Request
from console.venues.base.protocol import Check, FeedClient, VenueClient
from console.venues.connected import Connected
from console.venues.paper import Builder, PaperVenue
from console.venues.polymarket import kit as polymarket


class Trader(VenueClient, Protocol):
    """A client that trades: it can also say what a command would be sent as."""

    def build(self, command: AnyCommand) -> Request:
        """The request, signature included; raises Refused for a command that cannot be sent."""


class VenueKit(Struct, frozen=True):
    """How to connect to a venue: for its public data, to trade, and to examine both.

    `dry` makes the two ends of a dry run where they must know of each other: public data, and what builds
    the orders that do not leave.
    """

    public: Callable[[Config], VenueClient]
    trading: Callable[[Config, Keys], Trader]
    examine: Callable[[Config, Keys], Awaitable[Sequence[Check]]]
    dry: Callable[[Config, Keys], tuple[VenueClient, Builder]] | None = None


FeedMaker = Callable[[FeedTable, Keys], FeedClient]

VENUES: dict[Venue, VenueKit] = {
    Venue.POLYMARKET: VenueKit(
        public=polymarket.public,
        trading=polymarket.trading,
        examine=polymarket.examine,
        dry=polymarket.dry,
    ),
}
FEEDS: dict[str, FeedMaker] = {}


def keys_of(config: Config) -> Keys:
    """Secrets of this machine: the environment, `.env` beside the settings file, the keyring."""
    folder = Path(config.source).parent if config.source else Path()
    return Keys(os.environ, folder / ENV_FILE)


def enabled(config: Config) -> list[tuple[Venue, VenueKit]]:
    """The venues switched on, with how to connect to them."""
    return [(venue, kit) for venue, kit in VENUES.items() if getattr(config.venues, venue.value).enabled]


def connected(config: Config, books: Path) -> Source:
    """Venues and feeds of a mode other than the simulation; the paper account is kept in `books`."""
    keys = keys_of(config)
    venues = [_client(venue, kit, config, keys, books) for venue, kit in enabled(config)]
    if not venues:
        raise LaunchError(f"mode {config.mode.value}: no venue is enabled; see [venues] in markets.toml")
    return Connected(venues, feeds(config, keys))


def _client(venue: Venue, kit: VenueKit, config: Config, keys: Keys, books: Path) -> VenueClient:
    kept = books / f"{venue.value}.paper"
    if config.mode is Mode.PAPER:
        return PaperVenue(kit.public(config), kept, config.paper_cash)
    if config.dry_run:
        make = kit.dry or _apart(kit)
        public, builder = make(config, keys)
        return PaperVenue(public, kept, config.paper_cash, builder=builder)
    return kit.trading(config, keys)


def _apart(kit: VenueKit) -> Callable[[Config, Keys], tuple[VenueClient, Builder]]:
    return lambda config, keys: (kit.public(config), kit.trading(config, keys))


def feeds(config: Config, keys: Keys) -> list[FeedClient]:
    """The odds feeds switched on."""
    tables = {name: getattr(config.feeds, name) for name in FEEDS}
    return [make(tables[name], keys) for name, make in FEEDS.items() if tables[name].enabled]


async def examine(config: Config, only: Venue | None = None) -> list[Check]:
    """Every check of every venue switched on, or of one venue."""
    keys = keys_of(config)
    checks: list[Check] = []
    for venue, kit in VENUES.items():
        if venue is only or (only is None and getattr(config.venues, venue.value).enabled):
            checks += await kit.examine(config, keys)
    return checks
