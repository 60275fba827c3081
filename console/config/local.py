"""What the screen changes: written atomically to a file of its own, laid over markets.toml."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from console.config.layers import overlay, read_file
from console.core.matches import MatchSpec
from console.core.settings import MatchSettings, format_setting
from console.core.units import SECOND


def remember(local: Path, change: dict[str, Any]) -> None:
    """Lay a change over markets.local.toml, atomically; raises OSError."""
    below = read_file(local) if local.is_file() else {}
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
    merged = overlay(_without_matches(below), _without_matches(above))
    matches = {table["id"]: table for table in below.get("match", [])}
    for table in above.get("match", []):
        known = matches.get(table["id"], {})
        afresh = table.get("removed") or known.get("removed")
        matches[table["id"]] = table if afresh else overlay(known, table)
    return {**merged, "match": list(matches.values())} if matches else merged


def _without_matches(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key != "match"}


def match_table(
    spec: MatchSpec, settings: MatchSettings, odds: tuple[float, ...], profile: MatchSettings
) -> dict[str, Any]:
    """A match as it is written to the local file: facts, profile and what differs from it, odds by hand."""
    table: dict[str, Any] = {
        "id": spec.id,
        "title": spec.title,
        "sport": spec.sport,
        "league": spec.league,
        "odds_events": list(spec.odds_events),
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
    changed = {
        key: format_setting(settings, key)
        for key in settings.__struct_fields__
        if key != "preset" and getattr(settings, key) != getattr(profile, key)
    }
    if changed:
        table["settings"] = changed
    if odds:
        table["odds"] = [f"{price:.6f}" for price in odds]
    for key, moment in (("start", spec.start), ("end", spec.end)):
        if moment:
            table[key] = datetime.fromtimestamp(moment // SECOND, UTC)
    return table
