"""The line at the bottom: the kill key first, help last, between them what is wanted now and what fits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from console.core.events import Mode
from console.tui.grid import Grid
from console.tui.ink import Ground, Ink
from console.tui.keys import DESK_KEYS, GLOBAL_KEYS, PANE_ACTIONS, Key
from console.tui.picture import Picture
from console.tui.sheet import Line, Span


class KeyBar(Grid):
    """The widget of the line; a click on a key is a press."""

    class Pressed(Message):
        """A key of the bar was clicked."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._wanted: Sequence[str] = ()
        self._hidden: frozenset[str] = frozenset()

    def paint(self, picture: Picture, pane: int) -> None:
        """Show what is wanted in this pane at this moment."""
        self._wanted, self._hidden = wanted(picture, pane), useless(picture)
        self._draw()

    def on_resize(self) -> None:
        """Fill the new width."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        x = 1
        for key in kept(self.size.width, self._wanted, self._hidden):
            x += sum(cell_len(span.text) for span in _spans(key))
            if event.x < x:
                self.post_message(self.Pressed(key))
                return

    def _draw(self) -> None:
        self.show([key_line(self.size.width, self._wanted, self._hidden)])


def wanted(picture: Picture, pane: int) -> tuple[str, ...]:
    """Actions that come first now."""
    view = picture.view
    urgent = []
    if view.kill is not None:
        urgent.append("act('rearm')")
    if any(venue.halt.startswith("MISMATCH") for venue in view.venues):
        urgent.append("act('accept')")
    return (*urgent, *PANE_ACTIONS.get(pane, ()))


def useless(picture: Picture) -> frozenset[str]:
    """Actions that would only be answered with a line: not worth the room."""
    view, none = picture.view, set()
    if view.mode not in (Mode.DEMO, Mode.LIVE):
        none.add("act('dry_run')")
    if view.kill is None:
        none.add("act('rearm')")
    if not any(venue.halt.startswith("MISMATCH") for venue in view.venues):
        none.add("act('accept')")
    return frozenset(none)


def key_line(width: int, first: Sequence[str] = (), hidden: frozenset[str] = frozenset()) -> Line:
    """As many keys as fit, in the order of the table; kill and help always."""
    spans = [span for key in kept(width, first, hidden) for span in _spans(key)]
    return Line((Span(" "), *spans), Ground.RAISED)


def kept(width: int, first: Sequence[str], hidden: frozenset[str]) -> list[Key]:
    """The keys that fit, in the order in which they stand."""
    keys = [key for key in (*GLOBAL_KEYS, *DESK_KEYS) if key.bar and key.action not in hidden]
    keys.sort(key=lambda key: key.bar)
    kill, help_, *others = keys
    others.sort(key=lambda key: first.index(key.action) if key.action in first else len(first))
    room, fitting = width - 1, list[Key]()
    for key in (kill, help_, *others):
        need = sum(cell_len(span.text) for span in _spans(key))
        if need <= room:
            fitting.append(key)
            room -= need
    middle = [key for key in fitting if key not in (kill, help_)]
    return [kill, *middle, help_]


def _spans(key: Key) -> tuple[Span, Span]:
    kill = key.label == "KILL"
    shown = key.shown.split()[0] if key.shown.startswith("^") else key.shown
    return (
        Span(f" {shown} ", Ink.ALARM if kill else Ink.KEY),
        Span(f"{key.label} ", Ink.ALARM if kill else Ink.PLAIN),
    )
