"""The help: the focused pane, every key, every column of every pane, every reason, every mark; searchable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from console.core.matches import State
from console.tui.attention import loudness
from console.tui.clock import Clock
from console.tui.dialogs.finder import Finder, words_match
from console.tui.format import fit
from console.tui.ink import Ink
from console.tui.keys import ALL_KEYS, Group
from console.tui.panes.pane import Content
from console.tui.sheet import Span
from console.tui.words import REASONS, STATES


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
    State.FLATTENING: "getting out by taking liquidity, bound by the floor that was typed",
    State.DONE: "over for good",
}
_MARKS = (
    ("▲ B  ▼ S", "buy, sell; blue is bid, up and profit, orange ask, down and loss (other themes: t)"),
    ("● ◐ ○", "alive, slow, lost"),
    ("!", "before a reason: it needs a look; behind a bar: it is full"),
    ("·  -", "zero; not known"),
    ("FROZEN", "the engine is silent: everything below is as old as it says"),
    ("NEED YOU", "matches on which nothing goes on without you: MISMATCH, loss limit, no mark"),
    ("LOW WIRE", "the terminal is slow to answer: one frame a second, nothing lights up; w changes it"),
    ("STARTING", "venues, books and matches that are ready, of all of them"),
)


def entries(contents: Sequence[Content], focused: Content) -> list[Entry]:
    """All lines, headings included; the pane that was left comes first."""
    groups: list[tuple[str, list[Entry]]] = [_pane(focused, "This pane: ")]
    groups += [
        (group.value, [Entry(key.shown, key.help) for key in ALL_KEYS if key.group is group])
        for group in Group
    ]
    groups += [_pane(content, "") for content in contents if content is not focused]
    groups += [
        ("States", [Entry(STATES[state], text) for state, text in _STATES.items()]),
        ("Reasons (short form in brackets)", _reasons()),
        ("Marks", [Entry(mark, text) for mark, text in _MARKS]),
    ]
    lines: list[Entry] = []
    for heading, rows in groups:
        lines += [Entry(heading, group=heading), *[row._replace(group=heading) for row in rows]]
    return lines


def _pane(content: Content, prefix: str) -> tuple[str, list[Entry]]:
    heading = f"{prefix}{content.number} {content.name}: {content.about}"
    return heading, [Entry(title, text, Ink.HEAD) for title, text in content.help()]


def _reasons() -> list[Entry]:
    return [
        Entry(reason.value, f"[{short}] {text}", loudness(reason))
        for reason, (short, text) in REASONS.items()
    ]


def searcher(contents: Sequence[Content], focused: Content) -> Callable[[str], Sequence[Entry]]:
    """The lines in which every word typed occurs, under their headings."""
    lines = entries(contents, focused)

    def search(needle: str) -> Sequence[Entry]:
        hits = [entry for entry in lines if entry.text and words_match(needle, f"{entry.name} {entry.text}")]
        groups = {entry.group for entry in hits}
        return [entry for entry in lines if entry in hits or (not entry.text and entry.group in groups)]

    return search


def draw(entry: Entry, width: int) -> Sequence[Span]:
    """One line."""
    if not entry.text:
        return [Span(fit(entry.name, width), Ink.TITLE_FOCUSED)]
    name = 20 if width >= 70 else 14
    return [Span(f"  {fit(entry.name, name)} ", entry.ink), Span(fit(entry.text, width - name - 3))]


def whole(entry: Entry) -> str:
    """A line in full; its heading names the pane it belongs to."""
    return f"{entry.name}: {entry.text}" if entry.text else entry.name


def help_dialog(contents: Sequence[Content], focused: Content, clock: Clock) -> Finder[Entry]:
    """The dialog."""
    hint = "↑↓ PgUp PgDn move · type to search · Esc closes"
    return Finder("Help", clock, searcher(contents, focused), draw, hint, takes=False, whole=whole)
