"""One layer of settings over another: local file over main file, environment over both."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from console.config.error import ConfigError
from console.config.tables import AlertsTable, EngineTable, FeedsTable, SimTable, VenuesTable
from console.core.presets import PRESETS

PREFIX = "MMCONSOLE_"
_PLAIN: dict[str, type[BaseModel]] = {"engine": EngineTable, "sim": SimTable, "alerts": AlertsTable}
NOT_SETTINGS = frozenset({"MMCONSOLE_RECORDINGS", "MMCONSOLE_CONFIG", "MMCONSOLE_NO_DIFF"})


def read_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {error}") from error


def overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one file over another: tables merge key by key, matches by their id."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = overlay(old, value)
        elif key == "match" and isinstance(old, list) and isinstance(value, list):
            merged[key] = _overlay_matches(old, value)
        else:
            merged[key] = value
    return merged


def _overlay_matches(below: list[dict[str, Any]], above: list[dict[str, Any]]) -> list[dict[str, Any]]:
    matches = {table.get("id"): table for table in below}
    for table in above:
        known = matches.get(table.get("id"))
        matches[table.get("id")] = overlay(known, table) if known is not None else table
    return [table for table in matches.values() if not table.get("removed")]


def from_environment(raw: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """MMCONSOLE_<TABLE>_<KEY> over everything: MMCONSOLE_ACCOUNT_DAILY_LOSS=20."""
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            words = variable.removeprefix(PREFIX).lower()
            raw = overlay(raw, _from_variable(raw, words, environment[variable], variable))
    return raw


def _from_variable(raw: dict[str, Any], words: str, text: str, variable: str) -> dict[str, Any]:
    table, _, key = words.partition("_")
    if table in _PLAIN:
        return {table: {key: _typed(_PLAIN[table], key, text)}}
    if table in ("venues", "feeds"):
        model = VenuesTable if table == "venues" else FeedsTable
        return {table: _nested_variable(model, key, text, variable)}
    if table == "account":
        return {table: {key: text}}
    if table == "profiles":
        return {table: _profile_variable(raw, key, text, variable)}
    known = ", ".join(name.upper() for name in (*_PLAIN, "account", "profiles", "venues", "feeds"))
    raise ConfigError(f"{variable}: no table {table!r}; one of {known} would be right")


def _nested_variable(model: type[BaseModel], words: str, text: str, variable: str) -> dict[str, Any]:
    """MMCONSOLE_VENUES_KALSHI_REST: the table within a table, then its key."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if words.startswith(f"{name}_") and isinstance(inner, type) and issubclass(inner, BaseModel):
            key = words.removeprefix(f"{name}_")
            return {name: {key: _typed(inner, key, text)}}
    known = ", ".join(name.upper() for name in model.model_fields)
    raise ConfigError(f"{variable}: names none of {known}")


def _typed(model: type[BaseModel], key: str, text: str) -> Any:
    """The text of a variable as the file would have it; what does not fit is left for the model to refuse."""
    field = model.model_fields.get(key)
    kind = str(field.annotation) if field is not None else ""
    if "bool" in kind:
        return {"true": True, "false": False}.get(text.lower(), text)
    if "int" in kind and text.lstrip("-").isdigit():
        return int(text)
    if "float" in kind and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    return [word.strip() for word in text.split(",")] if "list[str]" in kind else text


def _profile_variable(raw: dict[str, Any], words: str, text: str, variable: str) -> dict[str, Any]:
    names = sorted({*PRESETS, *raw.get("profiles", {})}, key=len, reverse=True)
    for profile in names:
        if words.startswith(f"{profile}_"):
            return {profile: {words.removeprefix(f"{profile}_"): text}}
    raise ConfigError(f"{variable}: names no profile; one of {', '.join(sorted(names))} would be right")
