"""A pane's content that is a list: columns that fit, rows in the window, cursor, filter and sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from console.core.matches import MatchId
from console.core.view import View
from console.tui.browse import Browse, Order
from console.tui.ink import Ground
from console.tui.picture import Picture
from console.tui.sheet import Column, Line, Room, chosen, head, row, said

T = TypeVar("T")


class Listing(Generic[T]):
    """A list of items of the view.

    `match` names the match of an item for the keys that act on one; `compact` are the columns shown below
    the width beside them; `orders` are ways to sort that are no column; `marked` says whether the key that
    seeks what needs a look stops at an item.
    """

    def __init__(
        self,
        number: int,
        name: str,
        columns: Sequence[Column[T]],
        items: Callable[[View], Sequence[T]],
        key: Callable[[T], str],
        words: Callable[[T], str],
        match: Callable[[T], MatchId | None],
        empty: str,
        orders: Sequence[Order] = (),
        sorted_by: str = "",
        compact: tuple[Sequence[Column[T]], int] = ((), 0),
        marked: Callable[[T], bool] = lambda _: False,
        short: str = "",
        about: str = "",
    ) -> None:
        self.number = number
        self.name = name
        self.short = short or name
        self.about = about
        by_column = [Order(c.title, c.sort, c.falling) for c in columns if c.sort is not None and c.title]
        self.browse: Browse[T] = Browse((*orders, *by_column), key, words, sorted_by)
        self._columns = columns
        self._compact, self._compact_below = compact
        self._items = items
        self._key = key
        self._words = words
        self._match = match
        self._marked = marked
        self._empty = empty
        self._rows = 0

    def title(self, _picture: Picture) -> str:
        """Which rows are shown of how many, filter and sorting, as `body` left them."""
        browse = self.browse
        shown = len(browse.items)
        count = str(shown) if shown == browse.total else f"{shown}/{browse.total}"
        if self._rows < shown:
            count = f"{browse.top + 1}-{browse.top + self._rows} of {count}"
        filtered = f" · filter: {browse.needle}" if browse.needle else ""
        arrow = "▾" if browse.descending else "▴"
        return f"{count}{filtered}" + (f" · sort: {browse.sorted_by}{arrow}" if browse.sorted_by else "")

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Column titles and the rows in the window."""
        browse = self.browse
        browse.fill(self._items(picture.view))
        columns = chosen(self._compact if room.width < self._compact_below else self._columns, room.width - 1)
        self._rows = max(0, room.height - 1)
        browse.scroll_to_cursor(self._rows)
        lines = [head(columns, browse.sorted_by, browse.descending)]
        cursor = Ground.CURSOR_FOCUSED if room.focused else Ground.CURSOR
        for index in range(browse.top, min(len(browse.items), browse.top + self._rows)):
            here = index == browse.index
            ground = cursor if here else Ground.PLAIN
            lines.append(row(columns, browse.items[index], picture, ground, here))
        if not browse.items:
            hidden = f"nothing matches {browse.needle!r}: Esc clears the filter"
            word = hidden if browse.needle and browse.total else self._empty
            lines += said(word, room.width)
        return lines[: room.height]

    def help(self) -> Sequence[tuple[str, str]]:
        """What every column means."""
        titled = {column.title: column.help for column in (*self._columns, *self._compact)}
        return [(title, words) for title, words in titled.items() if title and words]

    def move(self, steps: int) -> None:
        """Move the cursor."""
        self.browse.move(steps)

    def seek(self) -> bool:
        """Move the cursor to the next row that needs a look."""
        return self.browse.seek(self._marked)

    def copied(self) -> str:
        """The words of the row under the cursor."""
        item = self.browse.current
        return "" if item is None else self._words(item)

    def match(self) -> MatchId | None:
        """The match of the row under the cursor."""
        item = self.browse.current
        return None if item is None else self._match(item)
