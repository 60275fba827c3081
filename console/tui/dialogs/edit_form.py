"""Changing settings, and for a match the odds by hand; what was changed is sent as events, one each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from msgspec import Struct
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from console.core.events import SetSetting, SetTheo
from console.core.matches import MatchId
from console.core.settings import AccountSettings, MatchSettings, parse_setting
from console.core.view import MatchView
from console.link.messages import SettingView
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Choice, Choices, Dialog, Words, plain
from console.tui.dialogs.fields import Field
from console.tui.dialogs.finder import Roll, words_match
from console.tui.draft import parse_odds_line
from console.tui.format import clean, fit
from console.tui.ink import Ink
from console.tui.numbers import setting as read
from console.tui.numbers import settled
from console.tui.setting_words import meaning
from console.tui.sheet import Span

Change = SetSetting | SetTheo
_WITHDRAW = "none"
_FRAME = 9  # lines of the box beside the settings


class Edits(Struct):
    """What was typed so far: settings by key, and the odds (None when untouched)."""

    values: dict[str, str]
    odds: str | None = None
    pinned: bool = False


class EditForm(Dialog[list[Change]]):
    """Settings of a match, or of the account when `match` is None; answered with the changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", show=False),
        Binding("ctrl+g", "pin", show=False),
        Binding("down", "roll(1)", show=False),
        Binding("up", "roll(-1)", show=False),
        Binding("pagedown", "roll(10)", show=False),
        Binding("pageup", "roll(-10)", show=False),
    ]
    DEFAULT_CSS = "EditForm > Vertical { width: 78; height: 100%; max-height: 40; }"

    def __init__(self, match: MatchView | None, settings: Sequence[SettingView], clock: Clock) -> None:
        super().__init__(f"Edit {clean(match.title)}" if match else "Edit the account's limits", clock)
        self._match = match
        self._settings = settings
        self._edits = Edits({})
        known = {setting.key: parse_setting(self._kind, setting.key, setting.value) for setting in settings}
        self._before: MatchSettings | AccountSettings = msgspec.structs.replace(self._kind(), **known)
        self._roll: Roll[SettingView] = Roll("settings", self._draw)

    def parts(self) -> Sequence[Widget]:
        """Odds (of a match), the list and its search, the value of the marked one, answers."""
        odds = [Field("odds", "odds by hand", "", "unchanged; none withdraws them")] if self._match else []
        return [
            *odds,
            Field("find", "find setting", "", "type part of its name"),
            self._roll,
            Words("meaning", plain(""), height=1),
            Field("value", "new value", ""),
            Words("wrong", plain(_hint(self._match)), height=1),
            Choices([Choice("", "Back", False), Choice("", "Save (^S)", True)], self),
        ]

    def on_mount(self) -> None:
        """Show all settings, in a box no higher than they need; begin in the search."""
        self.query_one(Vertical).styles.max_height = min(40, len(self._settings) + _FRAME)
        self._roll.fill(self._settings)
        self.query_one("#find", Input).focus()
        self._show_value()
        self._note_odds()

    # ---- moving

    def action_roll(self, steps: int) -> None:
        """Mark another setting."""
        self._roll.move(steps)
        self._show_value()

    @on(Input.Changed, "#find")
    def _found(self, event: Input.Changed) -> None:
        hits = [
            setting for setting in self._settings if words_match(event.value, self._known_by(setting.key))
        ]
        self._roll.fill(hits)
        self._show_value()
        if not hits:
            words = f"no setting has {clean(event.value)!r} in its name"
            self.query_one("#wrong", Words).show(plain(words, ink=Ink.WARN))
        else:
            self._say_wrong()

    def _known_by(self, key: str) -> str:
        """What a setting is found by: its name, and what it does."""
        return f"{key} {meaning(key, self._match is not None)}"

    @on(Input.Submitted, "#find")
    def _to_value(self) -> None:
        self.query_one("#value", Input).focus()

    # ---- typing

    @on(Input.Changed, "#value")
    def _valued(self, event: Input.Changed) -> None:
        setting = self._roll.current
        if setting is None:
            return
        if event.value.strip() == setting.value:
            self._edits.values.pop(setting.key, None)
        else:
            self._edits.values[setting.key] = event.value
        self._roll.redraw()
        self._say_wrong()

    @on(Input.Submitted, "#value")
    def _back_to_find(self) -> None:
        self.query_one("#find", Input).focus()

    @on(Input.Changed, "#odds")
    def _odds_typed(self, event: Input.Changed) -> None:
        self._edits.odds = event.value.strip() or None
        self._note_odds()
        self._say_wrong()

    def action_pin(self) -> None:
        """Pin the odds by hand, or let them count among the sources."""
        self._edits.pinned = not self._edits.pinned
        self._note_odds()

    # ---- answering

    def action_save(self) -> None:
        """Answer with the changes, unless one of them is wrong."""
        if not self._say_wrong() and self.ready:
            self.dismiss(self._changes())

    @on(Choices.Picked)
    def _picked(self, event: Choices.Picked) -> None:
        if event.value:
            self.action_save()
        else:
            self.dismiss(None)

    def _changes(self) -> list[Change]:
        match = self._match.id if self._match else MatchId("")
        changes: list[Change] = [
            SetSetting(key=key, value=settled(value), match=match, why="console")
            for key, value in self._edits.values.items()
        ]
        if self._match is not None and self._edits.odds is not None:
            odds = _odds(self._edits.odds, len(self._match.outcomes))
            changes.append(SetTheo(match=match, odds=odds, pinned=self._edits.pinned))
        return changes

    def _wrong(self) -> str:
        """The first mistake, or empty."""
        try:
            if self._match is not None and self._edits.odds is not None:
                _odds(self._edits.odds, len(self._match.outcomes))
            values = {key: read(self._kind, key, text) for key, text in self._edits.values.items()}
        except ValueError as error:
            return str(error)
        return msgspec.structs.replace(self._before, **values).defect() or ""

    @property
    def _kind(self) -> type[MatchSettings] | type[AccountSettings]:
        return MatchSettings if self._match is not None else AccountSettings

    def _say_wrong(self) -> str:
        wrong = self._wrong()
        count = len(self._edits.values) + (self._edits.odds is not None)
        words = wrong or (f"{count} changed · ^S saves" if count else _hint(self._match))
        self.query_one("#wrong", Words).show(plain(words, ink=Ink.WARN if wrong else Ink.DIM))
        return wrong

    def _show_value(self) -> None:
        setting, field = self._roll.current, self._value_field()
        with self.prevent(Input.Changed):
            field.input.value = "" if setting is None else self._edits.values.get(setting.key, setting.value)
        unit = "" if setting is None else f"{setting.unit}  default {setting.default}"
        field.note(unit)
        words = "" if setting is None else meaning(setting.key, self._match is not None)
        self.query_one("#meaning", Words).show(plain(words, ink=Ink.TITLE))

    def _value_field(self) -> Field:
        return next(field for field in self.query(Field) if field.key == "value")

    def _note_odds(self) -> None:
        for field in self.query(Field):
            if field.key == "odds":
                pinned = "PINNED: nothing else counts" if self._edits.pinned else "blended with the sources"
                field.note(f"{pinned} (^G)", Ink.WARN if self._edits.pinned else Ink.DIM)

    def _draw(self, setting: SettingView, width: int) -> Sequence[Span]:
        changed = self._edits.values.get(setting.key)
        value = setting.value if changed is None else f"{setting.value} → {changed.strip()}"
        room = width - 52
        return [
            Span(f" {fit(setting.key, 24)}", Ink.STRONG if changed is not None else Ink.PLAIN),
            Span(fit(clean(value), 26), Ink.WARN if changed is not None else Ink.OWN),
            Span(fit(f" {setting.unit}", max(0, room)), Ink.DIM),
        ]


def _odds(text: str, outcomes: int) -> tuple[float, ...]:
    return () if text == _WITHDRAW else parse_odds_line(text, outcomes)


def _hint(match: MatchView | None) -> str:
    where = "odds in any format · " if match else ""
    return f"{where}↑↓ mark a setting · Enter goes to its value"
