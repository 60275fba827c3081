"""Where a person is in a list: the cursor, what scrolled off, the filter and the sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from console.tui.sheet import Column

T = TypeVar("T")


class Browse(Generic[T]):
    """State of one list. The cursor stays on its item while the others move; it is found by `key`."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        key: Callable[[T], str],
        words: Callable[[T], str],
        sorted_by: str = "",
        descending: bool = False,
    ) -> None:
        self._columns = columns
        self._key = key
        self._words = words
        self.sorted_by = sorted_by
        self.descending = descending
        self.needle = ""
        self.index = 0
        self.top = 0
        self.items: list[T] = []
        self.total = 0
        self._held = ""

    @property
    def current(self) -> T | None:
        """The item under the cursor."""
        return self.items[self.index] if self.items else None

    def fill(self, items: Sequence[T]) -> None:
        """Take the latest items: filter, sort, and put the cursor back on its item."""
        self.total = len(items)
        kept = [item for item in items if self._wanted(item)]
        by = next((column.sort for column in self._columns if column.title == self.sorted_by), None)
        if by is not None:
            kept.sort(key=by, reverse=self.descending)
        self.items = kept
        keys = [self._key(item) for item in kept]
        if self._held in keys:
            self.index = keys.index(self._held)
        self._settle()

    def move(self, steps: int) -> None:
        """Move the cursor, as far as there are items."""
        self.index += steps
        self._settle()

    def wrap(self, steps: int) -> None:
        """Move the cursor and go on at the other end."""
        if self.items:
            self.index = (self.index + steps) % len(self.items)
            self._settle()

    def select(self, key: str) -> bool:
        """Put the cursor on the item of `key`, now or when it comes; says whether it is there."""
        self._held = key
        keys = [self._key(item) for item in self.items]
        if key in keys:
            self.index = keys.index(key)
        return key in keys

    def scroll_to_cursor(self, height: int) -> None:
        """Move the window of `height` rows as little as shows the cursor."""
        if self.index < self.top:
            self.top = self.index
        elif self.index >= self.top + height:
            self.top = self.index - height + 1
        self.top = max(0, min(self.top, len(self.items) - height))

    def next_sort(self) -> None:
        """Sort by the next column that can be, the order of arrival being one of them."""
        names = ["", *(column.title for column in self._columns if column.sort is not None)]
        self.sorted_by = names[(names.index(self.sorted_by) + 1) % len(names)]

    def _wanted(self, item: T) -> bool:
        if not self.needle:
            return True
        inverse = self.needle.startswith("!")
        needle = self.needle[inverse:].lower()
        return (needle in self._words(item).lower()) is not inverse or not needle

    def _settle(self) -> None:
        self.index = max(0, min(self.index, len(self.items) - 1))
        if self.items:
            self._held = self._key(self.items[self.index])
