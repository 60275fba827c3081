"""The settings as the program uses them: found, layered, validated, built."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from console.config.error import ConfigError
from console.config.layers import from_environment, overlay, read_file
from console.config.tables import (
    DEFAULT_PROFILE,
    AlertsTable,
    FeedsTable,
    File,
    InstrumentTable,
    MatchTable,
    VenuesTable,
)
from console.core.devig import OddsError
from console.core.events import Mode, OnConsoleLost
from console.core.instruments import Instrument, Venue
from console.core.matches import Kind, Listing, MatchId, MatchSpec, nowhere
from console.core.odds import parse_odds
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.settings import AccountSettings, MatchSettings, SettingError, parse_setting
from console.core.units import ONE, SECOND, Cash, Nanos
from console.folders import state_root

FILE = "markets.toml"
LOCAL = "markets.local.toml"
ADDRESSES = frozenset({"rest", "stream", "gamma", "data", "user_stream", "geoblock"})
BUILT_IN: dict[str, Any] = {"account": {"write_tokens_per_s": 300, "write_burst": 600}}  # no file at all


class MatchConfig(msgspec.Struct, frozen=True):
    """One configured match, ready for `AddMatch`."""

    spec: MatchSpec
    settings: MatchSettings
    odds: tuple[float, ...]


class Config(msgspec.Struct, frozen=True):
    """Everything configured."""

    source: str  # the file read, or empty for the built-in set-up
    mode: Mode
    dry_run: bool  # of modes demo and live: what is built goes to the paper exchange
    account_name: str
    on_console_lost: OnConsoleLost
    console_lost_s: int
    account: AccountSettings
    profiles: dict[str, MatchSettings]
    sim_seed: int
    sim_pace: float
    sim_profile: str
    sim_matches: tuple[str, ...] | None
    sim_settings: dict[str, MatchSettings]  # of matches whose settings differ from the profile's
    matches: tuple[MatchConfig, ...]
    venues: VenuesTable
    feeds: FeedsTable
    alerts: AlertsTable
    paper_cash: Cash  # at each venue
    local: Path  # where changes made on the screen are kept

    @property
    def ledger(self) -> str:
        """Whose books a run of this is in: mode, account, and whether what leaves goes to paper."""
        return f"{self.mode.value}/{self.account_name}{'/dry' if self.dry_run else ''}"


def find(explicit: str | None, environment: Mapping[str, str]) -> Path | None:
    """The settings file: the one named, else ./markets.toml, else the user's; None: the built-in set-up."""
    named = explicit or environment.get("MMCONSOLE_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise ConfigError(f"{named}: no such file")
        return path
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in (Path(FILE), home / "mmconsole" / FILE):
        if path.is_file():
            return path
    return None


def load(path: Path | None, environment: Mapping[str, str]) -> Config:
    """Read and validate; raises ConfigError with one line.

    Changes made on the screen are kept beside the file, or in the state folder when there is none.
    """
    name = path.name if path is not None else "built-in settings"
    raw = read_file(path) if path is not None else BUILT_IN
    local = path.with_name(LOCAL) if path is not None else state_root(environment) / LOCAL
    if local.is_file():
        raw = overlay(raw, read_file(local))
    raw = from_environment(raw, environment)
    try:
        file = File.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_first(name, error)) from error
    return _build(file, name, str(path or ""), local)


def _first(name: str, error: ValidationError) -> str:
    """The first complaint as file, table, key and what would be right."""
    issue = error.errors()[0]
    where = ".".join(str(part) for part in issue["loc"])
    if issue["type"] == "extra_forbidden":
        return f"{name}: {where}: unknown key"
    return f"{name}: {where}: {issue['msg'][0].lower()}{issue['msg'][1:]}"


def _build(file: File, name: str, source: str, local: Path) -> Config:
    def choice(kind: Any, value: str, where: str) -> Any:
        try:
            return kind(value)
        except ValueError:
            known = ", ".join(member.value for member in kind)
            raise ConfigError(f"{name}: {where}: {value!r} is not one of {known}") from None

    mode = choice(Mode, file.engine.mode, "engine.mode")
    _check_mode(mode, file, name)
    profiles = _profiles(file, name)
    if file.sim.profile not in profiles:
        raise ConfigError(f"{name}: sim.profile: {file.sim.profile!r} is not one of {', '.join(profiles)}")
    picked = file.venues.prophetx.select.profile
    if picked not in profiles:
        raise ConfigError(
            f"{name}: venues.prophetx.select.profile: {picked!r} is not one of {', '.join(profiles)}"
        )
    return Config(
        source=source,
        mode=mode,
        dry_run=file.engine.dry_run and mode in (Mode.DEMO, Mode.LIVE),
        account_name=file.engine.account,
        on_console_lost=choice(OnConsoleLost, file.engine.on_console_lost, "engine.on_console_lost"),
        console_lost_s=file.engine.console_lost_s,
        account=_account(file.account, name),
        profiles=profiles,
        sim_seed=file.sim.seed,
        sim_pace=file.sim.pace,
        sim_profile=file.sim.profile,
        sim_matches=tuple(file.sim.matches) if file.sim.matches is not None else None,
        sim_settings={
            match: _settings(profiles[file.sim.profile], table, f"{name}: [sim.settings.{match}]")
            for match, table in file.sim.settings.items()
        },
        matches=tuple(_match(table, profiles, name) for table in file.match),
        venues=_venues(mode, file),
        feeds=file.feeds,
        alerts=file.alerts,
        paper_cash=Cash(file.engine.paper_cash * ONE),
        local=local,
    )


def _check_mode(mode: Mode, file: File, name: str) -> None:
    """A mode that trades needs a venue, and the live one only the venues' own addresses."""
    if mode is Mode.REPLAY:
        raise ConfigError(f"{name}: engine.mode: a replay is started with `mmconsole replay FILE`")
    if mode is Mode.SIM:
        return
    tables = {venue: getattr(_venues(mode, file), venue.value) for venue in Venue}
    if not any(table.enabled for table in tables.values()):
        known = ", ".join(f"[venues.{venue.value}]" for venue in Venue)
        raise ConfigError(
            f'{name}: engine.mode: "{mode.value}" needs a venue: enabled = true in one of {known}'
        )
    for feed, source in file.feeds:
        if mode is Mode.LIVE and source.enabled and source.address:
            raise ConfigError(f"{name}: feeds.{feed}.address: mode live goes to the feed's own address only")
    for venue, table in tables.items():
        written = [key for key, value in table if key in ADDRESSES and value]
        if mode is Mode.LIVE and table.enabled and written:
            raise ConfigError(
                f"{name}: venues.{venue.value}.{written[0]}: mode live goes to the venue's own address only"
            )


def _venues(mode: Mode, file: File) -> VenuesTable:
    """The venues as they are configured; paper needs no key at Polymarket, so it is there when nothing is."""
    venues = file.venues
    if mode is not Mode.PAPER or any(getattr(venues, venue.value).enabled for venue in Venue):
        return venues
    keyless = venues.polymarket.model_copy(update={"enabled": True})
    return venues.model_copy(update={"polymarket": keyless})


def _account(table: Mapping[str, Any], name: str) -> AccountSettings:
    table = dict(table)
    preset = str(table.pop("preset", DEFAULT_PROFILE))
    if preset not in ACCOUNT_PRESETS:
        known = ", ".join(ACCOUNT_PRESETS)
        raise ConfigError(f"{name}: [account] preset: {preset!r} is not one of {known}")
    settings = ACCOUNT_PRESETS[preset]
    changes = _changes(AccountSettings, table, f"{name}: [account]")
    built = msgspec.structs.replace(settings, **changes)
    defect = built.defect()
    if defect is not None:
        raise ConfigError(f"{name}: [account] {defect}")
    return built


def _profiles(file: File, name: str) -> dict[str, MatchSettings]:
    """The presets with the file's changes, and the file's own profiles on top of the one they name."""
    profiles = dict(PRESETS)
    for profile, table in file.profiles.items():
        where = f"{name}: [profiles.{profile}]"
        table = dict(table)
        base = str(table.pop("based_on", profile if profile in PRESETS else DEFAULT_PROFILE))
        if base not in profiles:
            raise ConfigError(f"{where} based_on: {base!r} is not one of {', '.join(profiles)}")
        profiles[profile] = _settings(profiles[base], {**table, "preset": profile}, where)
    return profiles


def _settings(base: MatchSettings, table: Mapping[str, Any], where: str) -> MatchSettings:
    built = msgspec.structs.replace(base, **_changes(MatchSettings, table, where))
    defect = built.defect()
    if defect is not None:
        raise ConfigError(f"{where} {defect}")
    return built


def _changes(kind: type[msgspec.Struct], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    try:
        return {key: parse_setting(kind, key, typed(value)) for key, value in table.items()}
    except SettingError as error:
        raise ConfigError(f"{where} {error}") from error


def typed(value: object) -> str:
    """A TOML value as a person would type it on the screen."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(member) for member in value)
    return str(value)


def _match(table: MatchTable, profiles: Mapping[str, MatchSettings], name: str) -> MatchConfig:
    where = f"{name}: match {table.id}:"
    if table.profile not in profiles:
        raise ConfigError(f"{where} profile: {table.profile!r} is not one of {', '.join(profiles)}")
    kinds = {kind.value: kind for kind in Kind}
    if table.kind not in kinds:
        raise ConfigError(f"{where} kind: {table.kind!r} is not one of {', '.join(kinds)}")
    spec = MatchSpec(
        id=MatchId(table.id),
        title=table.title or " v ".join(table.outcomes),
        outcomes=tuple(table.outcomes),
        listings=tuple(_listing(one, table.outcomes, where) for one in table.instruments),
        event=table.event or table.id,
        sport=table.sport,
        league=table.league,
        odds_events=tuple(table.odds_events),
        kind=kinds[table.kind],
        line=table.line,
        start=_nanos(table.start),
        end=_nanos(table.end),
        may_none=table.may_none,
    )
    defect = spec.defect()
    if defect is not None:
        raise ConfigError(f"{where} {defect}")
    try:
        odds = tuple(parse_odds(str(price)) for price in table.odds or ())
    except OddsError as error:
        raise ConfigError(f"{where} {error}") from error
    if odds and len(odds) != len(table.outcomes):
        raise ConfigError(f"{where} odds: {len(odds)} prices for {len(table.outcomes)} outcomes")
    settings = _settings(profiles[table.profile], table.settings, f"{where} settings:")
    defect = nowhere(spec, settings.quote_on, settings.preset)
    if defect is not None:
        raise ConfigError(f"{where} {defect}")
    return MatchConfig(spec, settings, odds)


def _listing(table: InstrumentTable, outcomes: list[str], where: str) -> Listing:
    try:
        venue = Venue(table.venue)
    except ValueError:
        known = ", ".join(member.value for member in Venue)
        raise ConfigError(f"{where} instruments: venue {table.venue!r} is not one of {known}") from None
    for outcome in table.outcomes:
        if outcome not in outcomes:
            known = ", ".join(outcomes)
            raise ConfigError(f"{where} {table.symbol}: outcome {outcome!r} is not one of {known}")
    pays = tuple(outcomes.index(outcome) for outcome in table.outcomes)
    return Listing(Instrument(venue, table.symbol), pays, table.quote)


def _nanos(moment: datetime | None) -> Nanos:
    """Wall-clock nanoseconds of a moment; one without a zone is UTC."""
    if moment is None:
        return Nanos(0)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return Nanos(int(aware.timestamp()) * SECOND)
