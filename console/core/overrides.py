"""Settings changed by the operator: each told with what it was, some for a while only (C27, C33)."""

from __future__ import annotations

from typing import TypeVar

from console.core.commands import Severity
from console.core.desk import Desk
from console.core.events import SetSetting
from console.core.matches import MatchId, Phase, nowhere
from console.core.matches import State as Stage
from console.core.settings import (
    AccountSettings,
    MatchSettings,
    SettingError,
    format_setting,
    with_setting,
)
from console.core.state import Override, State
from console.core.units import SECOND, Nanos


def set_setting(state: State, event: SetSetting) -> None:
    """Change one value as a person typed it; raises SettingError. With `for_s` it returns by itself."""
    key = (event.match, event.key)
    was = _set(state, event.match, event.key, event.value)
    standing = state.overrides.pop(key, None)
    span = ""
    if event.for_s > 0:
        before = standing.was if standing is not None else was
        state.overrides[key] = Override(Nanos(state.ts + event.for_s * SECOND), before)
        span = f" for {event.for_s} s"
    by = f" by {event.by}" if event.by else ""
    why = f" ({event.why})" if event.why else ""
    state.alert(Severity.INFO, f"{event.key}: {was} -> {event.value.strip()}{span}{by}{why}", event.match)


def take_back(state: State) -> None:
    """End every override whose time is over."""
    for key, override in list(state.overrides.items()):
        if state.ts >= override.until:
            del state.overrides[key]
            _take_back(state, *key, override)


def lasting_account(state: State) -> AccountSettings:
    """Settings of the account without what holds for a while only."""
    settings = state.settings
    for (match, name), override in state.overrides.items():
        settings = settings if match else _without(settings, name, override)
    return settings


def lasting(state: State, desk: Desk) -> MatchSettings:
    """Settings of a match without what holds for a while only."""
    settings = desk.settings
    for (match, name), override in state.overrides.items():
        settings = _without(settings, name, override) if match == desk.spec.id else settings
    return settings


S = TypeVar("S", MatchSettings, AccountSettings)


def _without(settings: S, name: str, override: Override) -> S:
    try:
        return with_setting(settings, name, override.was)
    except SettingError:
        return settings


def _take_back(state: State, match: MatchId, name: str, override: Override) -> None:
    if match and match not in state.desks:
        return
    try:
        was = _set(state, match, name, override.was)
    except SettingError as error:
        # What was typed meanwhile stands in the way: better nothing rests than on a limit meant for a while.
        _pause(state, match, f"{name} cannot go back to {override.was}")
        state.alert(Severity.ERROR, f"{name} cannot go back to {override.was}, paused: {error}", match)
        return
    state.alert(Severity.INFO, f"{name}: {was} -> {override.was} (its time is over)", match)


def _pause(state: State, match: MatchId, why: str) -> None:
    if match:
        state.desks[match].paused = why
        state.desks[match].urge(state.ts)
    else:
        state.paused = why
        for desk in state.desks.values():
            desk.urge(state.ts)


def _set(state: State, match: MatchId, name: str, value: str) -> str:
    """Change one value; returns what it was."""
    if match:
        desk = state.desks[match]
        was, changed = format_setting(desk.settings, name), with_setting(desk.settings, name, value)
        defect = nowhere(desk.spec, changed.quote_on, changed.preset)
        if defect is not None:
            raise SettingError(defect)
        apply_match(state, desk, changed)
        return was
    was = format_setting(state.settings, name)
    settings = with_setting(state.settings, name, value)
    state.settings = state.account.settings = settings
    for connection in state.connections.values():
        connection.budget.configure(settings)
    for desk in state.desks.values():
        desk.urge(state.ts)
    return was


def apply_match(state: State, desk: Desk, settings: MatchSettings) -> None:
    """Quote a match by other settings from now on."""
    desk.settings = settings
    reopen(state, desk)
    desk.board.use(settings.ceiling_methods)
    for memory in desk.memories.values():
        memory.retest_s = settings.retest_s
    desk.urge(state.ts)


def reopen(state: State, desk: Desk) -> None:
    """Done, but it may be quoted: postponed, allowed in play, or flattened and wanted again."""
    if desk.stage is Stage.DONE and desk.phase_at(state.wall) is not Phase.STOP_QUOTING:
        desk.stage = Stage.INIT


def changes(before: MatchSettings | AccountSettings, after: MatchSettings | AccountSettings) -> list[str]:
    """Every value that differs, as people read it."""
    names = [name for name in after.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    return [f"{name}: {_shown(before, name)} -> {_shown(after, name)}" for name in names]


def _shown(settings: MatchSettings | AccountSettings, name: str) -> str:
    return str(getattr(settings, name)) if name == "preset" else format_setting(settings, name)
