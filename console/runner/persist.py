"""What the operator changed on the screen, kept for the next start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.config.error import ConfigError
from console.config.local import match_table, remember
from console.config.read import Config
from console.core.events import AddMatch, Mode, OperatorEvent, RemoveMatch, SetSetting
from console.core.settings import MatchSettings
from console.core.state import State


def keep(config: Config, change: dict[str, Any], say: Callable[[str], None]) -> None:
    """Lay a change over the local settings file; waits for the disk. What cannot be written is said."""
    try:
        remember(config.local, change)
    except (OSError, ConfigError) as error:
        say(f"WARN {config.local.name}: the change holds for this run only: {error}")


def change_of(config: Config, state: State, event: OperatorEvent) -> dict[str, Any] | None:
    """What an accepted event changes of the settings for the next start; None when nothing."""
    if config.mode is Mode.REPLAY:
        return None  # a replay leaves no settings behind
    simulated = config.mode is Mode.SIM
    configured = {match.spec.id for match in config.matches}
    match event:
        case SetSetting() if event.for_s:
            return None  # it returns by itself
        case SetSetting() if not event.match:
            return {"account": {event.key: event.value.strip()}}
        case SetSetting() if simulated and event.match not in configured:
            return {"sim": {"settings": {event.match: {event.key: event.value.strip()}}}}
        case SetSetting():
            return {"match": [{"id": event.match, "settings": {event.key: event.value.strip()}}]}
        case AddMatch() | RemoveMatch() if simulated:
            return {"sim": {"matches": [m for m in state.desks if m not in configured]}}
        case AddMatch():
            profile = config.profiles.get(event.settings.preset, MatchSettings())
            return {"match": [match_table(event.spec, event.settings, event.odds, profile)]}
        case RemoveMatch():
            return {"match": [{"id": event.match, "removed": True}]}
        case _:
            return None
