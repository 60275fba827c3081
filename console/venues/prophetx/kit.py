"""How to connect to ProphetX for a configuration: addresses by mode, keys, and the three ways to use it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from console.config.tables import ProphetXTable
from console.core.complaint import Complaint
from console.core.events import Mode
from console.core.matches import Kind, MatchId
from console.core.settings import MatchSettings
from console.core.units import ONE, Cash
from console.keys import Keys
from console.venues.base.lane import Lane
from console.venues.prophetx.client import ProphetX, Terms
from console.venues.prophetx.dialects import DIALECTS
from console.venues.prophetx.selection import Picker, Wish
from console.venues.prophetx.session import Session

PRODUCTION = "https://cash.api.prophetx.co/partner"
SANDBOX = "https://api.sandbox.prophetx.dev/partner"
REAL_MONEY = ".prophetx.co"  # in the host: what is traded there is real
KEPT = "prophetx.session"  # each process that has keys of its own name keeps its own
TEN_THOUSANDTHS = 10_000  # of a percent's hundredth: percent to millionths


class AddressError(Complaint):
    """An address that does not belong to the mode."""


def base_of(table: ProphetXTable, mode: Mode) -> str:
    """Where requests go; raises AddressError when practice would reach real money."""
    base = (table.rest or (SANDBOX if mode is Mode.DEMO else PRODUCTION)).rstrip("/")
    host = urlsplit(base).hostname or ""
    if mode is Mode.DEMO and host.endswith(REAL_MONEY):
        raise AddressError(f"venues.prophetx.rest: {host} trades real money; mode demo goes to a sandbox")
    return base


def push_of(table: ProphetXTable, base: str) -> tuple[str, str]:
    """Scheme and (if the settings override it) host of the push service."""
    written = urlsplit(table.stream) if table.stream else None
    if written is not None:
        return written.scheme or "wss", written.netloc
    return ("wss" if base.startswith("https") else "ws"), ""


def session_of(table: ProphetXTable, mode: Mode, keys: Keys, lane: Lane, folder: Path | None) -> Session:
    """A session with the keys of this machine, kept in `folder`; raises KeyMissing."""
    return Session(
        lane,
        base_of(table, mode),
        keys.need("PROPHETX_ACCESS_KEY"),
        keys.need("PROPHETX_SECRET_KEY"),
        folder / f"{keys.prefix.lower()}{KEPT}" if folder is not None else None,
    )


def picker_of(
    table: ProphetXTable, client: ProphetX, settings: MatchSettings, taken: Collection[MatchId]
) -> Picker | None:
    """What adds matches by itself, where the settings ask for it."""
    chosen = table.select
    if not chosen.enabled:
        return None
    wish = Wish(
        leagues=tuple(chosen.leagues),
        kinds=tuple(Kind(name) for name in chosen.markets),
        lookahead_h=chosen.lookahead_h,
        events_max=chosen.events_max,
    )
    return Picker(client.finder, wish, settings, taken, chosen.refresh_s)


def client_of(table: ProphetXTable, mode: Mode, keys: Keys, folder: Path | None, *, trades: bool) -> ProphetX:
    """A client; `trades` False brings the public data only, which needs keys here too."""
    base = base_of(table, mode)
    lane = Lane(base)
    scheme, host = push_of(table, base)
    return ProphetX(
        DIALECTS[table.dialect],
        lane,
        session_of(table, mode, keys, lane, folder),
        Terms(
            commission=round(table.commission_pct * TEN_THOUSANDTHS),
            resting_multiple=table.resting_multiple if table.debited == "on_match" else 0,
            unattended_max=Cash(table.max_unattended_exposure * ONE),
        ),
        trades=trades,
        scheme=scheme,
        host=host,
    )
