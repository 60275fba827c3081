"""The help: every key, every reason, every mark; searchable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.core.matches import State
from console.tui.clock import Clock
from console.tui.dialogs.finder import Finder, words_match
from console.tui.format import fit
from console.tui.ink import Ink
from console.tui.keys import ALL_KEYS, Group
from console.tui.sheet import Span
from console.tui.words import REASONS, STATES, reason_ink


class Entry(NamedTuple):
    """A line of the help; a heading has no text."""

    name: str
    text: str = ""
    ink: Ink = Ink.KEY
    group: str = ""


_STATES = {
    State.INIT: "just added",
    State.WAIT_DATA: "waiting until every needed source is fresh and the venue reconciled",
    State.QUOTING: "quotes are maintained; the reason says where they rest",
    State.PAUSED: "no quotes; the reason says why and whether the operator is needed",
    State.DONE: "over for good",
}
_MARKS = (
    ("T", "ladder: fair value (theo)"),
    ("C", "ladder: our ceiling, the highest price we pay"),
    ("F", "ladder: our floor, the lowest price we sell at"),
    ("B", "ladder: breakeven of the reducing side"),
    ("▲ B  ▼ S", "buy, sell; blue is bid, up and profit, orange ask, down and loss"),
    ("● ◐ ○", "alive, slow, lost"),
    ("·  -", "zero; not known"),
    ("FROZEN", "the engine is silent: everything below is as old as it says"),
)


def entries() -> list[Entry]:
    """All lines, headings included."""
    lines: list[Entry] = []
    for group in Group:
        lines.append(Entry(group.value, group=group.value))
        lines += [Entry(key.shown, key.help, group=group.value) for key in ALL_KEYS if key.group is group]
    for heading, rows in (
        ("States", [Entry(STATES[state], text) for state, text in _STATES.items()]),
        (
            "Reasons (short form in brackets)",
            [
                Entry(reason.value, f"[{short}] {text}", reason_ink(reason))
                for reason, (short, text) in REASONS.items()
            ],
        ),
        ("Marks", [Entry(mark, text) for mark, text in _MARKS]),
    ):
        lines += [Entry(heading, group=heading), *[row._replace(group=heading) for row in rows]]
    return lines


def search(needle: str) -> list[Entry]:
    """The lines in which every word typed occurs, under their headings."""
    hits = [entry for entry in entries() if entry.text and words_match(needle, f"{entry.name} {entry.text}")]
    groups = {entry.group for entry in hits}
    return [entry for entry in entries() if entry in hits or (not entry.text and entry.group in groups)]


def draw(entry: Entry, width: int) -> Sequence[Span]:
    """One line."""
    if not entry.text:
        return [Span(entry.name, Ink.TITLE_FOCUSED)]
    return [Span(f"  {fit(entry.name, 20)} ", entry.ink), Span(fit(entry.text, width - 23))]


def help_dialog(clock: Clock) -> Finder[Entry]:
    """The dialog."""
    return Finder("Help", clock, search, draw, "↑↓ PgUp PgDn move · type to search · Esc closes", takes=False)
