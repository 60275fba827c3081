from __future__ import annotations

import re

from textual.binding import Binding
from textual.dom import DOMNode

import console.tui.app
from console.core.commands import Severity
from console.core.events import Mode
from console.core.instruments import Venue
from console.core.matches import State
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.tui import words
from console.tui.dialogs.help import entries, search
from console.tui.keys import ALL_KEYS

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


def test_every_key_bound_is_in_the_help_and_every_key_of_the_help_is_bound() -> None:
    listed = {key for entry in ALL_KEYS for key in entry.keys.split(",")}
    assert bindings_of_our_widgets() == listed


def test_help_lists_every_key_and_explains_every_reason() -> None:
    names = {entry.name for entry in entries()}
    assert {key.shown for key in ALL_KEYS} <= names
    assert {reason.value for reason in Reason} <= names
    assert all(
        re.match(r"\[.+\] .{10,}", entry.text)
        for entry in entries()
        if entry.group.startswith("Reasons") and entry.text
    )


def test_help_search_keeps_the_headings_of_its_hits() -> None:
    found = search("shock")
    assert [entry.name for entry in found] == ["Reasons (short form in brackets)", "shock"]
    assert search("no such thing at all") == []
