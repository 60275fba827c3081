from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import console.tui.app
from console.core.commands import Severity
from console.core.events import Mode
from console.core.instruments import Venue
from console.core.matches import State
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from console.tui import words
from console.tui.attention import Need, loudness, mark, need_of
from console.tui.desk import Desk
from console.tui.dialogs.help import entries, searcher
from console.tui.dialogs.palette import commands
from console.tui.ink import Ink
from console.tui.keys import ALL_KEYS, DESK_KEYS, DIALOG_KEYS, GLOBAL_KEYS, LIST_KEYS, Key
from console.tui.panes.listing import Listing
from console.tui.panes.pane import Content
from console.tui.setting_words import ACCOUNT, MATCH
from tests.tui.views import view

assert console.tui.app  # importing the app imports every widget, dialog and pane


def test_every_word_of_the_engine_has_one_of_ours() -> None:
    assert set(words.STATES) == set(State)
    assert set(words.VENUES) == set(Venue)
    assert set(words.ORDER_STATES) == set(OrderState)
    assert set(words.SEVERITIES) == set(Severity)
    assert set(words.MODES) == set(Mode)
    assert set(words.REASONS) == set(Reason)


def test_short_words_fit_their_columns_and_differ() -> None:
    shorts = [short for short, _ in words.REASONS.values()]
    assert max(map(len, shorts)) <= 6
    assert len(set(shorts)) == len(shorts)
    assert max(map(len, words.STATES.values())) <= 4
    assert max(map(len, words.ORDER_STATES.values())) <= 8


def test_reason_is_whole_where_it_fits_and_short_where_not() -> None:
    assert words.reason_word(Reason.STALE_BOOK, "", 11) == "stale book"
    assert words.reason_word(Reason.STALE_BOOK, "", 6) == "stale"
    assert words.reason_word(Reason.LIMIT, "exposure_event", 22) == "limit exposure_event"
    assert words.reason_word(Reason.LIMIT, "exposure_event", 12) == "limit exposure_event"
    assert words.reason_word(Reason.LIMIT, "exposure_event", 6) == "limit"


def bindings_of_our_widgets() -> set[str]:
    """Every key bound by a class of the console."""
    found: set[str] = set()
    todo: list[type[DOMNode]] = [DOMNode]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith("console.tui"):
            for binding in kind.__dict__.get("BINDINGS", ()):
                assert isinstance(binding, Binding)
                found |= set(binding.key.split(","))
    return found


CONTENTS = Desk().contents
ENTRIES = entries(CONTENTS, CONTENTS[0])


def test_every_key_bound_is_in_the_help_and_every_key_of_the_help_is_bound() -> None:
    listed = {key for entry in ALL_KEYS for key in entry.keys.split(",")}
    assert bindings_of_our_widgets() == listed


@pytest.mark.parametrize("scope", [(*GLOBAL_KEYS, *DESK_KEYS, *LIST_KEYS), (*GLOBAL_KEYS, *DIALOG_KEYS)])
def test_a_key_means_one_thing(scope: tuple[Key, ...]) -> None:
    keys = [key for entry in scope for key in entry.keys.split(",")]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("entry", ALL_KEYS, ids=lambda entry: entry.shown)
def test_every_key_is_pressed_in_some_test(entry: Key) -> None:
    pressed = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(__file__).parent.glob("test_*.py")
        if path.stem != "test_words"
    )
    for key in entry.keys.split(","):
        assert f'"{key}"' in pressed or key.isdigit(), key


def test_everything_a_key_does_is_in_the_palette_too() -> None:
    actions = {command.action.removeprefix("app.") for command in commands(view(), CONTENTS)}
    for key in (*GLOBAL_KEYS, *DESK_KEYS):
        moves = key.action.startswith(("next_", "tab", "clear", "palette", "pane"))
        assert moves or key.action in actions, key.shown
    assert {f"pane({content.number})" for content in CONTENTS} <= actions


def test_every_palette_entry_does_something() -> None:
    desk, app = {name for name in dir(Desk) if name.startswith("action_")}, dir(console.tui.app.ConsoleApp)
    for command in commands(view(), CONTENTS):
        name = f"action_{command.action.removeprefix('app.').partition('(')[0]}"
        assert command.match or name in (app if command.action.startswith("app.") else desk), command


def test_help_lists_every_key_and_explains_every_reason() -> None:
    names = {entry.name for entry in ENTRIES}
    assert {key.shown for key in ALL_KEYS} <= names
    assert {reason.value for reason in Reason} <= names
    assert set(words.STATES.values()) <= names
    assert all(
        re.match(r"\[.+\] .{10,}", entry.text)
        for entry in ENTRIES
        if entry.group.startswith("Reasons") and entry.text
    )


def test_every_setting_is_explained_in_a_line_that_fits() -> None:
    assert set(MATCH) == set(MatchSettings.__struct_fields__)
    assert set(ACCOUNT) == set(AccountSettings.__struct_fields__)
    for key, line in (*MATCH.items(), *ACCOUNT.items()):
        assert 0 < len(line) <= 74, key


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content.name)
def test_every_column_of_every_pane_is_explained(content: Content) -> None:
    explained = dict(content.help())
    assert content.about
    assert len(explained) >= 4 or content.number in (7, 0)
    if isinstance(content, Listing):
        for column in (*content._columns, *content._compact):
            assert not column.title or explained.get(column.title), column.title


def test_help_begins_with_the_pane_one_came_from() -> None:
    assert entries(CONTENTS, CONTENTS[4])[0].name.startswith("This pane: 5 Orders")
    headings = [entry.name for entry in ENTRIES if not entry.text]
    assert len(headings) == len(set(headings))


def test_help_search_keeps_the_headings_of_its_hits() -> None:
    search = searcher(CONTENTS, CONTENTS[0])
    found = search("quotes pulled until it is calm")
    assert [entry.name for entry in found] == ["Reasons (short form in brackets)", "shock"]
    assert search("no such thing at all") == []


def test_every_reason_is_loud_enough_and_says_so_without_colour() -> None:
    assert need_of(Reason.MISMATCH) is Need.PERSON
    assert need_of(Reason.STALE_BOOK) is Need.TROUBLE
    assert need_of(Reason.TOP) is Need.QUOTED
    for reason in Reason:
        loud = loudness(reason) in (Ink.ALARM, Ink.WARN)
        assert (mark(reason) == "!") is loud, reason
