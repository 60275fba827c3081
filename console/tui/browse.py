"""Where a person is in a list: the cursor, what scrolled off, the filter and the sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Order(NamedTuple):
    """One way to sort."""

    name: str
    by: Callable[[Any], Any]
    descending: bool = False  # at first; a key turns it round


class Browse(Generic[T]):
    """State of one list. The cursor stays on its item while the others move; it is found by `key`."""

    def __init__(
        self, orders: Sequence[Order], key: Callable[[T], str], words: Callable[[T], str], sorted_by: str = ""
    ) -> None:
        """`orders` are the ways to sort; by none the items stand as they come."""
        self._orders = orders
        self._key = key
        self._words = words
        self.sorted_by = sorted_by
        self.descending = False
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
        order = next((order for order in self._orders if order.name == self.sorted_by), None)
        if order is not None:
            kept.sort(key=order.by, reverse=self.descending)
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

    def seek(self, wanted: Callable[[T], bool]) -> bool:
        """Move the cursor to the next item that is wanted, round the end; says whether there is one."""
        count = len(self.items)
        for step in range(1, count + 1):
            at = (self.index + step) % count
            if wanted(self.items[at]):
                self.index = at
                self._settle()
                return True
        return False

    def scroll_to_cursor(self, height: int) -> None:
        """Move the window of `height` rows as little as shows the cursor."""
        if self.index < self.top:
            self.top = self.index
        elif self.index >= self.top + height:
            self.top = self.index - height + 1
        self.top = max(0, min(self.top, len(self.items) - height))

    def next_sort(self) -> None:
        """Sort the next way, the order of arrival being one of them."""
        names = ["", *(order.name for order in self._orders)]
        self.sorted_by = names[(names.index(self.sorted_by) + 1) % len(names)]
        self.descending = any(order.descending for order in self._orders if order.name == self.sorted_by)

    def _wanted(self, item: T) -> bool:
        """Every word typed occurs, and none of those that begin with an exclamation mark."""
        if not self.needle:
            return True
        text = self._words(item).lower()
        for word in self.needle.lower().split():
            if word.startswith("!"):
                if len(word) > 1 and word[1:] in text:
                    return False
            elif word not in text:
                return False
        return True

    def _settle(self) -> None:
        self.index = max(0, min(self.index, len(self.items) - 1))
        if self.items:
            self._held = self._key(self.items[self.index])
