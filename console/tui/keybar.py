"""The line at the bottom: the kill key first, help last, the others as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from console.tui.grid import Grid
from console.tui.ink import Ground, Ink
from console.tui.keys import DESK_KEYS, GLOBAL_KEYS, Key
from console.tui.sheet import Line, Span


class KeyBar(Grid):
    """The widget of the line."""

    def on_resize(self) -> None:
        """Fill the new width."""
        self.show([key_line(self.size.width)])


def key_line(width: int) -> Line:
    """As many keys as fit, in the order of the table; kill and help always."""
    ranked = sorted((key for key in (*GLOBAL_KEYS, *DESK_KEYS) if key.bar), key=lambda key: key.bar)
    kept: list[Key] = []
    room = width - 1
    for key in ranked:
        need = cell_len(_word(key)) + 2
        if need <= room:
            kept.append(key)
            room -= need
    first, last = ranked[0], ranked[1]
    middle = [key for key in kept if key not in (first, last)]
    return Line((Span(" "), *_spans([first, *middle, last])), Ground.RAISED)


def _spans(keys: Sequence[Key]) -> list[Span]:
    spans = []
    for key in keys:
        kill = key.label == "KILL"
        spans.append(Span(f" {_short(key)} ", Ink.ALARM if kill else Ink.KEY))
        spans.append(Span(f"{key.label} ", Ink.ALARM if kill else Ink.PLAIN))
    return spans


def _short(key: Key) -> str:
    return key.shown.split()[0] if key.shown.startswith("^") else key.shown


def _word(key: Key) -> str:
    return f"{_short(key)} {key.label}"
