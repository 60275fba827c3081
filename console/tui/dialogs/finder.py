"""A list that is searched as one types: the command palette, the help and the search for matches."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.tui.clock import Clock
from console.tui.dialogs.dialog import Dialog, Words, plain, text_input
from console.tui.grid import Grid
from console.tui.ink import Ground, Ink
from console.tui.sheet import Line, Span

T = TypeVar("T")

WHOLE_LINES = 2  # for the row under the cursor, in full


class Roll(Grid, Generic[T]):
    """Rows with a cursor in a dialog."""

    GROUND = Ground.DIALOG

    def __init__(
        self,
        name: str,
        draw: Callable[[T, int], Sequence[Span]],
        marked: Callable[[T | None], None] | None = None,
    ) -> None:
        """`marked` is told the item under the cursor whenever that may be another."""
        super().__init__(name)
        self.styles.height = "1fr"
        self._draw = draw
        self._marked = marked
        self.items: Sequence[T] = ()
        self.index = 0
        self._top = 0

    @property
    def current(self) -> T | None:
        """The item under the cursor."""
        return self.items[self.index] if self.items else None

    def fill(self, items: Sequence[T], keep: bool = False) -> None:
        """Show other items, from the first or where the cursor stood."""
        self.items = items
        self.index = min(self.index, max(0, len(items) - 1)) if keep else 0
        self.redraw()

    def move(self, steps: int) -> None:
        """Move the cursor."""
        self.index = max(0, min(self.index + steps, len(self.items) - 1))
        self.redraw()

    def redraw(self) -> None:
        """Draw the window round the cursor."""
        width, height = self.size
        self._top = max(0, min(self._top, self.index, len(self.items) - 1), self.index - height + 1)
        lines = []
        for index in range(self._top, min(len(self.items), self._top + height)):
            here = index == self.index
            ground = Ground.CURSOR_FOCUSED if here else Ground.DIALOG
            lines.append(_filled(self._draw(self.items[index], width), width, ground))
        self.show(lines)
        if self._marked is not None:
            self._marked(self.current)

    def on_resize(self) -> None:
        """Fill the new size."""
        self.redraw()

    def on_mouse_scroll_down(self) -> None:
        """Move down."""
        self.move(3)

    def on_mouse_scroll_up(self) -> None:
        """Move up."""
        self.move(-3)


def _filled(spans: Sequence[Span], width: int, ground: Ground) -> Line:
    used = sum(cell_len(span.text) for span in spans)
    return Line((*spans, Span(" " * max(0, width - used))), ground)


class Finder(Dialog[T], Generic[T]):
    """Type to search, arrows to move, Enter to take; answered with the item.

    `search` returns what to show for the words typed; it is called at every change. `whole` is all there is
    to say about an item: it stands below the list, for what does not fit in its row.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "roll(1)", show=False),
        Binding("up", "roll(-1)", show=False),
        Binding("pagedown", "roll(10)", show=False),
        Binding("pageup", "roll(-10)", show=False),
    ]
    DEFAULT_CSS = "Finder > Vertical { width: 92%; max-width: 110; height: 86%; }"

    def __init__(
        self,
        title: str,
        clock: Clock,
        search: Callable[[str], Sequence[T]],
        draw: Callable[[T, int], Sequence[Span]],
        hint: str,
        takes: bool = True,
        whole: Callable[[T], str] | None = None,
    ) -> None:
        super().__init__(title, clock)
        self._search = search
        self._takes = takes
        self._hint = hint
        self._whole = whole
        self.roll: Roll[T] = Roll("roll", draw, self._tell if whole is not None else None)

    def parts(self) -> Sequence[Widget]:
        """Field, rows, hint."""
        whole = [Words("whole", height=WHOLE_LINES)] if self._whole is not None else []
        hint = Words("hint", plain(self._hint, ink=Ink.DIM))
        return [text_input("find", hint="type to search"), self.roll, *whole, hint]

    def on_mount(self) -> None:
        """Show everything first."""
        self.query_one("#find", Input).focus()
        self.roll.fill(self._search(""))

    def action_roll(self, steps: int) -> None:
        """Move in the rows while the field keeps the focus."""
        self.roll.move(steps)

    def _tell(self, item: T | None) -> None:
        assert self._whole is not None, "told only where there is more to say"
        text = self._whole(item) if item is not None else ""
        width = max(3, self.roll.size.width)
        lines = textwrap.wrap(text, width)
        if len(lines) > WHOLE_LINES:
            lines[WHOLE_LINES - 1 :] = [lines[WHOLE_LINES - 1][: width - 2] + " …"]
        self.query_one("#whole", Words).show(plain(*lines))

    @on(Input.Changed, "#find")
    def _changed(self, event: Input.Changed) -> None:
        self.roll.fill(self._search(event.value))

    @on(Input.Submitted, "#find")
    def _submitted(self) -> None:
        self.take()

    def on_click(self, event: events.Click) -> None:
        """A second click takes the row."""
        if event.widget is self.roll and event.chain == 2:
            self.take()

    def take(self) -> None:
        """Answer with the row under the cursor."""
        if self._takes and self.roll.current is not None:
            self.dismiss(self.roll.current)


def words_match(needle: str, text: str) -> bool:
    """Every word typed occurs."""
    text = text.lower()
    return all(word in text for word in needle.lower().split())
