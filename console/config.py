"""markets.toml, its local overlay and the environment, made into frozen and validated settings."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.core.complaint import Complaint
from console.core.devig import OddsError
from console.core.events import Mode, OnConsoleLost
from console.core.instruments import Instrument, Venue
from console.core.matches import Kind, Listing, MatchId, MatchSpec
from console.core.odds import parse_odds
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.settings import AccountSettings, MatchSettings, SettingError, parse_setting
from console.core.units import SECOND, Nanos
from console.folders import state_root

FILE = "markets.toml"
LOCAL = "markets.local.toml"
PREFIX = "MMCONSOLE_"
NOT_SETTINGS = frozenset({"MMCONSOLE_RECORDINGS", "MMCONSOLE_CONFIG", "MMCONSOLE_NO_DIFF"})
DEFAULT_PROFILE = "top_of_book"
BUILT_IN: dict[str, Any] = {"account": {"write_tokens_per_s": 300, "write_burst": 600}}  # no file at all


class ConfigError(Complaint):
    """Something a person configured cannot be taken; one line: file, table, key, what would be right."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EngineTable(_Table):
    """[engine]: what runs, and what happens when nobody looks."""

    mode: str = "sim"
    account: str = Field(default="main", pattern=r"^[A-Za-z0-9_-]{1,32}$")
    on_console_lost: str = "stop"
    console_lost_s: int = Field(default=10, ge=1, le=3600)


class SimTable(_Table):
    """[sim]: the built-in exchange."""

    seed: int = Field(default=7, ge=0)
    profile: str = DEFAULT_PROFILE
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


class File(_Table):
    """The whole file."""

    engine: EngineTable = EngineTable()
    account: dict[str, Any] = Field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = Field(default_factory=dict)
    sim: SimTable = SimTable()
    match: list[MatchTable] = Field(default_factory=list)


class MatchConfig(msgspec.Struct, frozen=True):
    """One configured match, ready for `AddMatch`."""

    spec: MatchSpec
    settings: MatchSettings
    odds: tuple[float, ...]


class Config(msgspec.Struct, frozen=True):
    """Everything configured."""

    source: str  # the file read, or empty for the built-in set-up
    mode: Mode
    account_name: str
    on_console_lost: OnConsoleLost
    console_lost_s: int
    account: AccountSettings
    profiles: dict[str, MatchSettings]
    sim_seed: int
    sim_profile: str
    sim_matches: tuple[str, ...] | None
    sim_settings: dict[str, MatchSettings]  # of matches whose settings differ from the profile's
    matches: tuple[MatchConfig, ...]
    local: Path  # where changes made on the screen are kept


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
    raw = _read(path) if path is not None else BUILT_IN
    local = path.with_name(LOCAL) if path is not None else state_root(environment) / LOCAL
    if local.is_file():
        raw = _overlay(raw, _read(local))
    raw = _from_environment(raw, environment)
    try:
        file = File.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_first(name, error)) from error
    return _build(file, name, str(path or ""), local)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}") from error


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
    if mode is not Mode.SIM:
        raise ConfigError(f'{name}: engine.mode: "{mode.value}" needs a venue; this build runs mode "sim"')
    profiles = _profiles(file, name)
    if file.sim.profile not in profiles:
        raise ConfigError(f"{name}: sim.profile: {file.sim.profile!r} is not one of {', '.join(profiles)}")
    return Config(
        source=source,
        mode=mode,
        account_name=file.engine.account,
        on_console_lost=choice(OnConsoleLost, file.engine.on_console_lost, "engine.on_console_lost"),
        console_lost_s=file.engine.console_lost_s,
        account=_account(file.account, name),
        profiles=profiles,
        sim_seed=file.sim.seed,
        sim_profile=file.sim.profile,
        sim_matches=tuple(file.sim.matches) if file.sim.matches is not None else None,
        sim_settings={
            match: _settings(profiles[file.sim.profile], table, f"{name}: [sim.settings.{match}]")
            for match, table in file.sim.settings.items()
        },
        matches=tuple(_match(table, profiles, name) for table in file.match),
        local=local,
    )


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


# ---- layers


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one file over another: tables merge key by key, matches by their id."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _overlay(old, value)
        elif key == "match" and isinstance(old, list) and isinstance(value, list):
            merged[key] = _overlay_matches(old, value)
        else:
            merged[key] = value
    return merged


def _overlay_matches(below: list[dict[str, Any]], above: list[dict[str, Any]]) -> list[dict[str, Any]]:
    matches = {table.get("id"): table for table in below}
    for table in above:
        known = matches.get(table.get("id"))
        matches[table.get("id")] = _overlay(known, table) if known is not None else table
    return [table for table in matches.values() if not table.get("removed")]


def _from_environment(raw: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """MMCONSOLE_<TABLE>_<KEY> over everything: MMCONSOLE_ACCOUNT_DAILY_LOSS=20."""
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        words = variable.removeprefix(PREFIX).lower()
        table, _, key = words.partition("_")
        text = environment[variable]
        if table in ("engine", "sim"):
            model = EngineTable if table == "engine" else SimTable
            value: Any = text
            if key in model.model_fields and model.model_fields[key].annotation is int:
                value = int(text) if text.isdigit() else text
            raw = _overlay(raw, {table: {key: value}})
        elif table == "account":
            raw = _overlay(raw, {table: {key: text}})
        elif table == "profiles":
            raw = _overlay(raw, {"profiles": _profile_variable(raw, key, text, variable)})
        else:
            raise ConfigError(
                f"{variable}: no table {table!r}; ENGINE, ACCOUNT, PROFILES or SIM would be right"
            )
    return raw


def _profile_variable(raw: dict[str, Any], words: str, text: str, variable: str) -> dict[str, Any]:
    names = sorted({*PRESETS, *raw.get("profiles", {})}, key=len, reverse=True)
    for profile in names:
        if words.startswith(f"{profile}_"):
            return {profile: {words.removeprefix(f"{profile}_"): text}}
    raise ConfigError(f"{variable}: names no profile; one of {', '.join(sorted(names))} would be right")


# ---- what the screen changes


def remember(local: Path, change: dict[str, Any]) -> None:
    """Lay a change over markets.local.toml, atomically; raises OSError."""
    below = _read(local) if local.is_file() else {}
    document = tomli_w.dumps(_lay_over(below, change))
    handle, temporary = tempfile.mkstemp(dir=local.parent, prefix=f".{local.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Written by mmconsole: what was changed on the screen, laid over markets.toml.\n")
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(local)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _lay_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Like an overlay, but a removed match keeps its mark, so that it hides the one of the main file."""
    merged = _overlay(_without_matches(below), _without_matches(above))
    matches = {table["id"]: table for table in below.get("match", [])}
    for table in above.get("match", []):
        known = matches.get(table["id"], {})
        afresh = table.get("removed") or known.get("removed")
        matches[table["id"]] = table if afresh else _overlay(known, table)
    return {**merged, "match": list(matches.values())} if matches else merged


def _without_matches(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key != "match"}


def match_table(spec: MatchSpec, settings: MatchSettings, odds: tuple[float, ...]) -> dict[str, Any]:
    """A match as it is written to the local file: facts, profile, and the odds given by hand."""
    table: dict[str, Any] = {
        "id": spec.id,
        "title": spec.title,
        "sport": spec.sport,
        "event": spec.event,
        "kind": spec.kind.value,
        "line": spec.line,
        "outcomes": list(spec.outcomes),
        "may_none": spec.may_none,
        "profile": settings.preset,
        "instruments": [
            {
                "venue": listing.instrument.venue.value,
                "symbol": listing.instrument.symbol,
                "outcomes": [spec.outcomes[outcome] for outcome in listing.pays],
                "quote": listing.quote,
            }
            for listing in spec.listings
        ],
    }
    if odds:
        table["odds"] = [f"{price:.6f}" for price in odds]
    for key, moment in (("start", spec.start), ("end", spec.end)):
        if moment:
            table[key] = datetime.fromtimestamp(moment // SECOND, UTC)
    return table
