"""What a list shows: cells in inks, columns with their widths, and which columns a pane has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from console.tui.format import fit, shorten, tail
from console.tui.ink import Glow, Ground, Ink
from console.tui.picture import Picture

T = TypeVar("T")


class Span(NamedTuple):
    """A piece of a line, already as wide as it shall be."""

    text: str
    ink: Ink = Ink.PLAIN
    glow: Glow = Glow.NONE


class Line(NamedTuple):
    """A line of a pane."""

    spans: tuple[Span, ...] = ()
    ground: Ground = Ground.PLAIN


class Room(NamedTuple):
    """What a pane's content is drawn into."""

    width: int
    height: int
    focused: bool = False


class Column(Struct, Generic[T], frozen=True):
    """One column: how a cell of it is written, and how the list is sorted by it.

    Columns of a lower `rank` are given up last when a pane is narrow; `grow` is how many cells the column
    takes of the room that is left over. A `name` too long loses letters in the middle, not its end; a
    `symbol` its beginning. Sorted by a `falling` one, the highest comes first. `help` is its line on the help
    page.
    """

    title: str
    width: int
    cell: Callable[[T, Picture], Span]
    right: bool = True
    rank: int = 0
    grow: int = 0
    sort: Callable[[T], Any] | None = None
    falling: bool = False
    name: bool = False
    symbol: bool = False
    help: str = ""


BLANK = Line()


def chosen(columns: Sequence[Column[T]], width: int) -> list[tuple[Column[T], int]]:
    """The columns that fit in `width` cells, in their order, each with its width."""
    room, kept = width, []
    for column in sorted(columns, key=lambda column: column.rank):
        if column.width + 1 <= room:
            kept.append(column)
            room -= column.width + 1
    sized = []
    for column in columns:
        if column in kept:
            more = min(column.grow, room)
            room -= more
            sized.append((column, column.width + more))
    return sized


def head(columns: Sequence[tuple[Column[T], int]], sorted_by: str = "", descending: bool = False) -> Line:
    """The line of column titles; the sorted one carries an arrow."""
    spans = [Span(" ")]
    for column, width in columns:
        here = bool(sorted_by) and column.title == sorted_by
        title = f"{column.title}{'▾' if descending else '▴'}" if here else column.title
        spans.append(Span(fit(title, width, column.right) + " ", Ink.TITLE if here else Ink.HEAD))
    return Line(tuple(spans))


def row(
    columns: Sequence[tuple[Column[T], int]], item: T, picture: Picture, ground: Ground, marked: bool
) -> Line:
    """The line of one item."""
    spans = [Span("▌" if marked else " ", Ink.KEY)]
    for column, width in columns:
        text, ink, glow = column.cell(item, picture)
        if column.name:
            text = shorten(text, width)
        elif column.symbol:
            text = tail(text, width)
        spans.append(Span(fit(text, width, column.right) + " ", ink, glow))
    return Line(tuple(spans), ground)


def said(words: str, width: int, ink: Ink = Ink.DIM) -> list[Line]:
    """Sentences, one on each line of `words`, broken where the pane ends."""
    room = max(8, width - 2)
    return [text(Span(f" {part}", ink)) for line in words.split("\n") for part in wrap(line, room)]


def text(*pieces: Span | str) -> Line:
    """A line of pieces as they come."""
    return Line(tuple(piece if isinstance(piece, Span) else Span(piece) for piece in pieces))
