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
from console.folders import SignOfLife, state_folder
from console.keys import ENV_FILE, Keys
from console.launch.place import LaunchError
from console.runner.source import Source
from console.runner.watching import WATCH, missing
from console.venues.base.lane import Request
from console.venues.base.protocol import Check, FeedClient, Picker, VenueClient
from console.venues.connected import Connected
from console.venues.kalshi import opening as kalshi
from console.venues.paper import PaperVenue
from console.venues.prophetx import kit as prophetx
from console.venues.prophetx.client import ProphetX
from console.venues.prophetx.doctor import examine as examine_prophetx


class Trader(VenueClient, Protocol):
    """A client that trades: it can also say what a command would be sent as."""

    def build(self, command: AnyCommand) -> Request:
        """The request, signature included; raises Refused for a command that cannot be sent."""


class VenueKit(Struct, frozen=True):
    """How to connect to a venue: for its public data, to trade, and to examine both.

    `rehearsing`: one client for a dry run that reads what is public and builds what would be sent, where
    building needs what was read.
    """

    public: Callable[[Config], VenueClient]
    trading: Callable[[Config, Keys], Trader]
    examine: Callable[[Config, Keys], Awaitable[Sequence[Check]]]
    rehearsing: Callable[[Config, Keys], Trader] | None = None  # a dry run's one client; None: two of them
    pick: Callable[[Config, VenueClient], Picker | None] = lambda _, __: None  # from what a client lists


WATCH_PREFIX = "WATCH_"
FeedMaker = Callable[[FeedTable, Keys], FeedClient]


def _prophetx_public(config: Config) -> VenueClient:
    """There is no public data without keys at this venue."""
    table, keys = config.venues.prophetx, keys_of(config)
    return prophetx.client_of(table, config.mode, keys, folder_of(config), trades=False)


def _prophetx_trading(config: Config, keys: Keys) -> Trader:
    return prophetx.client_of(config.venues.prophetx, config.mode, keys, folder_of(config), trades=True)


def _prophetx_picker(config: Config, client: VenueClient) -> Picker | None:
    assert isinstance(client, ProphetX), "the kit picks from its own clients"
    table = config.venues.prophetx
    settings = config.profiles[table.select.profile]
    return prophetx.picker_of(table, client, settings, [match.spec.id for match in config.matches])


def _prophetx_examine(config: Config, keys: Keys) -> Awaitable[Sequence[Check]]:
    return examine_prophetx(config.venues.prophetx, config.mode, keys, folder_of(config))


VENUES: dict[Venue, VenueKit] = {
    Venue.KALSHI: VenueKit(
        public=lambda config: kalshi.public(config, keys_of(config)),
        trading=kalshi.trading,
        examine=kalshi.examine,
        rehearsing=kalshi.rehearsing,
    ),
    Venue.PROPHETX: VenueKit(
        public=_prophetx_public, trading=_prophetx_trading, examine=_prophetx_examine, pick=_prophetx_picker
    ),
}
FEEDS: dict[str, FeedMaker] = {}


def folder_of(config: Config) -> Path:
    """Where this mode and account keep their state."""
    return state_folder(os.environ, config.mode, config.account_name)


def keys_of(config: Config) -> Keys:
    """Secrets of this machine: the environment, `.env` beside the settings file, the keyring."""
    folder = Path(config.source).parent if config.source else Path()
    return Keys(os.environ, folder / ENV_FILE)


def watch_keys(config: Config) -> Keys:
    """Secrets of the watchdog: WATCH_<NAME> where there is one, else the engine's own."""
    folder = Path(config.source).parent if config.source else Path()
    return Keys(os.environ, folder / ENV_FILE, prefix=WATCH_PREFIX)


def enabled(config: Config) -> list[tuple[Venue, VenueKit]]:
    """The venues switched on, with how to connect to them."""
    return [(venue, kit) for venue, kit in VENUES.items() if getattr(config.venues, venue.value).enabled]


def connected(config: Config, books: Path) -> Source:
    """Venues and feeds of a mode other than the simulation; the paper account is kept in `books`."""
    keys = keys_of(config)
    venues, pickers = list[VenueClient](), list[Picker]()
    for venue, kit in enabled(config):
        client, builder = _client(kit, config, keys)
        picker = kit.pick(config, client)
        pickers += [picker] if picker is not None else []
        if config.mode is Mode.PAPER or config.dry_run:
            kept = books / f"{venue.value}.paper"
            client = PaperVenue(client, kept, config.paper_cash, builder=builder)
        venues.append(client)
    if not venues:
        raise LaunchError(f"mode {config.mode.value}: no venue is enabled; see [venues] in markets.toml")
    return Connected(venues, feeds(config, keys), pickers)


def _client(kit: VenueKit, config: Config, keys: Keys) -> tuple[VenueClient, Trader | None]:
    """What connects to a venue, and in a dry run what builds the requests that are not sent."""
    if config.mode is Mode.PAPER:
        return kit.public(config), None
    if not config.dry_run:
        return kit.trading(config, keys), None
    if kit.rehearsing is not None:
        rehearsal = kit.rehearsing(config, keys)
        return rehearsal, rehearsal
    return kit.public(config), kit.trading(config, keys)


def feeds(config: Config, keys: Keys) -> list[FeedClient]:
    """The odds feeds switched on."""
    tables = {name: getattr(config.feeds, name) for name in FEEDS}
    return [make(tables[name], keys) for name, make in FEEDS.items() if tables[name].enabled]


def watchdog_check(folder: Path) -> Check:
    """Whether somebody would empty the venues if this engine died or hung (C15)."""
    sign = SignOfLife(folder, WATCH)
    why = missing(sign)
    sign.close()
    remedy = "run `mmconsole watch` beside the engine; real orders start one by themselves"
    return Check("watchdog", not why, why or "it watches and reaches every venue", remedy)


async def examine(config: Config, only: Venue | None = None) -> list[Check]:
    """Every check of every venue switched on, or of one venue."""
    keys = keys_of(config)
    checks: list[Check] = []
    for venue, kit in VENUES.items():
        if venue is only or (only is None and getattr(config.venues, venue.value).enabled):
            checks += await kit.examine(config, keys)
    return checks
