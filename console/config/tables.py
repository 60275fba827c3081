"""The tables of markets.toml as they are written: names, types, and bounds a person can be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_PROFILE = "top_of_book"
MarketKind = Literal["h2h", "spread", "total"]
MARKET_KINDS: tuple[MarketKind, ...] = ("h2h", "spread", "total")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EngineTable(_Table):
    """[engine]: what runs, and what happens when nobody looks."""

    mode: str = "sim"
    dry_run: bool = True  # of modes demo and live: orders are built, but go to the paper exchange
    paper_cash: int = Field(default=1000, ge=1)  # dollars at each venue, on paper
    account: str = Field(default="main", pattern=r"^[A-Za-z0-9_-]{1,32}$")
    on_console_lost: str = "stop"
    console_lost_s: int = Field(default=10, ge=1, le=3600)


class SimTable(_Table):
    """[sim]: the built-in exchange."""

    seed: int = Field(default=7, ge=0)
    pace: float = Field(default=4.0, ge=0.1, le=20.0)  # how much busier than life everybody is
    profile: str = "practice"
    matches: list[str] | None = None  # None: all but the last two, which wait to be added
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)  # by match id


class InstrumentTable(_Table):
    """One entry of `instruments`."""

    venue: str
    symbol: str = Field(min_length=1)
    outcomes: list[str] = Field(min_length=1)
    quote: bool = True


class MatchTable(_Table):
    """[[match]]: a match to make."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,48}$")
    title: str = ""
    sport: str = ""
    league: str = ""
    odds_events: list[str] = Field(default_factory=list)
    event: str = ""
    kind: str = "h2h"
    line: str = ""
    outcomes: list[str]
    instruments: list[InstrumentTable] = Field(min_length=1)
    start: datetime | None = None
    end: datetime | None = None
    may_none: bool = True
    profile: str = DEFAULT_PROFILE
    odds: list[str | int | float] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)


class VenueTable(_Table):
    """What every venue's table has. Addresses are the venue's own unless written; never in mode live."""

    enabled: bool = False
    rest: str = ""
    stream: str = ""


class KalshiTable(VenueTable):
    """[venues.kalshi]"""

    precision: Literal["direct", "broker"] = "direct"  # what the account's cash is rounded to
    fee_model: Literal["schedule", "taker10"] = "schedule"  # taker10: 10 % of P(1-P), the worst case
    fill_backstop: int = Field(default=500, ge=0)  # contracts in 15 s at which the venue pulls us; 0: never
    series: list[str] = Field(default_factory=list)  # searched by words beside the well-known ones


class PolymarketTable(VenueTable):
    """[venues.polymarket]"""

    gamma: str = ""
    data: str = ""
    user_stream: str = ""
    signature_type: int = Field(default=3, ge=0, le=3)


class SelectTable(_Table):
    """[venues.prophetx.select]: matches added by themselves, one for each main line."""

    enabled: bool = False
    leagues: list[str] = Field(default_factory=lambda: ["MLB", "NBA", "NFL", "NHL", "Tennis"], min_length=1)
    markets: list[MarketKind] = Field(default_factory=lambda: list(MARKET_KINDS), min_length=1)
    lookahead_h: int = Field(default=24, ge=1, le=168)
    events_max: int = Field(default=30, ge=1, le=100)
    profile: str = "sharp_copy"
    refresh_s: int = Field(default=300, ge=10, le=3600)


class ProphetXTable(VenueTable):
    """[venues.prophetx]"""

    dialect: Literal["v4", "legacy"] = "v4"
    commission_pct: float = Field(default=2.0, ge=0.0, le=20.0)  # on net winnings
    max_unattended_exposure: int = Field(default=500, ge=0)  # dollars that may rest with nobody watching
    debited: Literal["on_match", "on_placement"] = "on_match"  # when the account's cash leaves
    resting_multiple: int = Field(default=10, ge=1, le=10)  # of the cash may rest, where it leaves on a match
    select: SelectTable = SelectTable()


class VenuesTable(_Table):
    """[venues]"""

    kalshi: KalshiTable = KalshiTable()
    polymarket: PolymarketTable = PolymarketTable()
    prophetx: ProphetXTable = ProphetXTable()


class FeedTable(_Table):
    """What every odds feed's table has."""

    enabled: bool = False
    address: str = ""
    poll_s: int = Field(default=60, ge=1)
    credits_day: int | None = Field(default=None, ge=1)  # our own daily budget; None: what the plan leaves
    reserve: int = Field(default=0, ge=0)  # credits never spent
    books: list[str] = Field(default_factory=lambda: ["pinnacle"])


class FeedsTable(_Table):
    """[feeds]"""

    the_odds_api: FeedTable = FeedTable()
    oddspapi: FeedTable = FeedTable()
    sportsgameodds: FeedTable = FeedTable()


class AlertsTable(_Table):
    """[alerts]: where alerts go besides the screen; the address of the webhook is a secret, not a setting."""

    webhook: bool = False
    severity: Literal["info", "warn", "error"] = "warn"  # and above


class File(_Table):
    """The whole file."""

    engine: EngineTable = EngineTable()
    account: dict[str, Any] = Field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict)
    sim: SimTable = SimTable()
    venues: VenuesTable = VenuesTable()
    feeds: FeedsTable = FeedsTable()
    alerts: AlertsTable = AlertsTable()
    match: list[MatchTable] = Field(default_factory=list)
