"""Sends the terminal only the pieces of a frame that differ from what it already shows.

Textual repaints a dirty line from the left edge of its widget; with cells of fixed width the segments
keep their places, so comparing them one by one takes three quarters of the bytes away.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

SWITCH = "MMCONSOLE_NO_DIFF"  # set to 1: every frame is sent as Textual made it


def switched_off(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the operator wants frames as they are."""
    return environment.get(SWITCH) == "1"


class Shown:
    """What the terminal shows, as far as we wrote it: pieces by screen line, none overlapping another."""

    def __init__(self) -> None:
        self._starts: list[list[int]] = []
        self._pieces: list[dict[int, tuple[int, str, Style | None]]] = []
        self._size = (0, 0)

    def forget(self) -> None:
        """Know nothing: everything is written again."""
        self._size, self._starts, self._pieces = (0, 0), [], []

    def resize(self, width: int, height: int) -> None:
        """Forget everything when the screen has another size."""
        if self._size != (width, height):
            self._size = (width, height)
            self._starts = [[] for _ in range(height)]
            self._pieces = [{} for _ in range(height)]

    def differs(self, x: int, y: int, width: int, text: str, style: Style | None) -> bool:
        """Whether a piece has to be written; remembers it as written."""
        while y >= len(self._pieces):
            self._starts.append([])
            self._pieces.append({})
        pieces, piece = self._pieces[y], (x + width, text, style)
        known = pieces.get(x)
        if known == piece:
            return False
        if known is None or known[0] != x + width:
            self._make_room(y, x, x + width)
        pieces[x] = piece
        return True

    def _make_room(self, y: int, start: int, end: int) -> None:
        starts, pieces = self._starts[y], self._pieces[y]
        first = bisect_left(starts, start)
        if first and pieces[starts[first - 1]][0] > start:
            first -= 1
        last = bisect_left(starts, end)
        for x in starts[first:last]:
            del pieces[x]
        starts[first:last] = [start]


class Colours(NamedTuple):
    """The codes of a style: attributes such as bold, foreground, background."""

    attributes: str
    front: str
    back: str


@lru_cache(maxsize=1024)
def colours_of(style: Style, system: ColorSystem) -> Colours:
    """Take the codes of a style apart."""
    codes = [code for code in Strip.render_ansi(style, system).split(";") if code]
    kinds: dict[str, list[str]] = {"attributes": [], "front": [], "back": []}
    while codes:
        code = codes[0]
        taken = 1 if code not in ("38", "48") else 3 if codes[1] == "5" else 5
        number = int(code)
        kind = "front" if number in _FRONT else "back" if number in _BACK else "attributes"
        kinds[kind] += codes[:taken]
        codes = codes[taken:]
    return Colours(*(";".join(kinds[name]) for name in Colours._fields))


_FRONT = frozenset({*range(30, 40), *range(90, 98)})
_BACK = frozenset({*range(40, 50), *range(100, 108)})
_NONE = Colours("", "", "")


class Pen:
    """Writes pieces with no more cursor moves and changes of colour than needed."""

    def __init__(self, system: ColorSystem) -> None:
        self._system = system
        self._parts: list[str] = []
        self._at = (-1, -1)
        self._colours = _NONE

    def write(self, x: int, y: int, width: int, text: str, style: Style | None) -> None:
        """Write a piece at its place in its style."""
        if self._at != (x, y):
            self._parts.append(f"\x1b[{y + 1};{x + 1}H")
        self._at = (x + width, y)
        wanted = _NONE if style is None else colours_of(style, self._system)
        if wanted != self._colours:
            self._parts.append(_turn(self._colours, wanted))
            self._colours = wanted
        self._parts.append(text)

    def lift(self) -> str:
        """Everything written, ending without a colour."""
        if self._colours != _NONE:
            self._parts.append("\x1b[0m")
        return "".join(self._parts)


def _turn(old: Colours, new: Colours) -> str:
    """Change from one style to another; what is only added or replaced needs no reset."""
    if old.attributes == new.attributes and new.front and new.back:
        changed = [now for was, now in zip(old[1:], new[1:], strict=True) if was != now]
        return f"\x1b[{';'.join(changed)}m"
    return f"\x1b[{';'.join(['0', *filter(None, new)])}m"


class Difference(CompositorUpdate):
    """A frame of Textual's, written as its difference to what is shown."""

    def __init__(self, update: ChopsUpdate | LayoutUpdate, shown: Shown) -> None:
        self._update = update
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """Write the pieces that differ."""
        update, shown = self._update, self._shown
        if isinstance(update, LayoutUpdate):
            shown.resize(update.region.right, update.region.bottom)
        pen = Pen(console._color_system or ColorSystem.TRUECOLOR)
        for y, x, strip in strips_of(update):
            for text, style, control in strip:
                if control or not text:
                    continue
                width = len(text) if text.isascii() else cell_len(text)
                if shown.differs(x, y, width, text, style):
                    pen.write(x, y, width, text, style)
                x += width
        return pen.lift()


def strips_of(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """The strips an update repaints, each with its line and first column."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            yield from _placed(y, update.region.x, line)
        return
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= x2 and end > x1:
                yield y, x, strip


def _placed(y: int, x: int, line: Iterable[Strip]) -> Iterator[tuple[int, int, Strip]]:
    for strip in line:
        yield y, x, strip
        x += strip.cell_length
