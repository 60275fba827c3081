"""The frame round every pane: title line, tabs, the word FROZEN, and keys that move in the content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from console.core.matches import MatchId
from console.tui.browse import Browse
from console.tui.format import age, fit
from console.tui.grid import Grid, rule
from console.tui.ink import Ink
from console.tui.keys import LIST_KEYS
from console.tui.picture import Picture
from console.tui.sheet import Line, Room, Span


class Content(Protocol):
    """What a pane shows."""

    number: int
    name: str
    short: str  # the name where there is little room
    about: str  # one line for the help

    @property
    def browse(self) -> Browse[Any] | None:
        """The list of it, when it is one: then it can be moved in, filtered and sorted."""

    def title(self, picture: Picture, /) -> str:
        """What stands behind the name in the title line."""

    def body(self, picture: Picture, room: Room, /) -> list[Line]:
        """The lines below the title, as many as there is room for."""

    def help(self) -> Sequence[tuple[str, str]]:
        """What its columns and words mean."""

    def move(self, steps: int) -> None:
        """Move the cursor or the window."""

    def copied(self) -> str:
        """What `y` copies."""

    def match(self) -> MatchId | None:
        """The match that a key means when this pane has the focus; None: the selected one."""


class Pane(Grid):
    """A pane of the main screen."""

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(entry.keys, entry.action, entry.label, show=False) for entry in LIST_KEYS
    ]

    class Chosen(Message):
        """Enter was pressed, or a row clicked twice."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    class Moved(Message):
        """The cursor stands on another item."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    class TabClicked(Message):
        """Another tab of the title line was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class Focused(Message):
        """The keys go to another pane."""

    def __init__(self, content: Content) -> None:
        super().__init__(content.name.lower().replace("&", ""))
        self.content = content
        self.tabs: Sequence[Content] = ()
        self._picture: Picture | None = None
        self._tab_ends: list[tuple[int, int]] = []

    def paint(self, picture: Picture) -> None:
        """Show a new moment."""
        self._picture = picture
        self.redraw()

    def redraw(self) -> None:
        """Show the same moment again, after a key moved something."""
        picture, (width, height) = self._picture, self.size
        if picture is None or width == 0:
            return
        body = self.content.body(picture, Room(width, height - 1, self.has_focus))
        self.show([rule(self._title(picture), width, self.has_focus), *body], picture.frozen)

    @property
    def page(self) -> int:
        """Rows a page key moves."""
        return max(1, self.size.height - 3)

    def action_move(self, steps: int) -> None:
        """Move by rows."""
        self._move(steps)

    def action_page(self, pages: float) -> None:
        """Move by pages."""
        self._move(int(pages * self.page))

    def action_end(self, steps: int) -> None:
        """Move to the first or last row."""
        self._move(steps)

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        self.post_message(self.Chosen(self))

    def _move(self, steps: int) -> None:
        self.content.move(steps)
        self.redraw()
        self.post_message(self.Moved(self))

    def _title(self, picture: Picture) -> list[Span]:
        ink = Ink.TITLE_FOCUSED if self.has_focus else Ink.TITLE
        old = [Span(f"FROZEN {age(picture.age_ms)} ", Ink.WARN)] if picture.frozen else []
        mine = f" {self.content.number} {self.content.name}{_after(self.content.title(picture))} "
        spans, x = old, 1 + sum(len(span.text) for span in old)
        self._tab_ends = []
        for content, word in self._tab_words(mine, self.size.width - x):
            here = content is self.content
            spans.append(Span(word, ink if here else Ink.RULE))
            x += cell_len(word)
            self._tab_ends.append((x, content.number))
            if content is not self._row_of_tabs[-1]:
                spans.append(Span("│", Ink.RULE))
                x += 1
        return spans

    @property
    def _row_of_tabs(self) -> Sequence[Content]:
        return self.tabs or (self.content,)

    def _tab_words(self, mine: str, room: int) -> list[tuple[Content, str]]:
        """Every tab with its word: whole names, else short ones, else numbers; ours is cut last."""
        mine = mine.lstrip() if self._row_of_tabs[0] is self.content else mine
        for word in _SPELLINGS:
            words = [(tab, mine if tab is self.content else word(tab)) for tab in self._row_of_tabs]
            words[0] = (words[0][0], words[0][1].lstrip())
            used = sum(cell_len(text) for _, text in words) + len(words) - 1
            if used <= room:
                return words
        spare = max(4, room - (used - cell_len(mine)))
        return [(tab, fit(mine, spare) if tab is self.content else text) for tab, text in words]

    def on_focus(self) -> None:
        """Draw the title of the focused."""
        self.redraw()
        self.post_message(self.Focused())

    def on_blur(self) -> None:
        """Draw the title of the others."""
        self.redraw()

    def on_resize(self) -> None:
        """Fill the new size."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row clicked; a second click chooses it."""
        if event.y == 0:
            number = next((number for end, number in self._tab_ends if event.x < end), None)
            if self.tabs and number is not None:
                self.post_message(self.TabClicked(number))
            return
        browse = self.content.browse
        if browse is not None and event.y >= 2 and browse.items:
            self._move(browse.top + event.y - 2 - browse.index)
            if event.chain == 2:
                self.action_choose()

    def on_mouse_scroll_down(self) -> None:
        """Move down."""
        self._move(3)

    def on_mouse_scroll_up(self) -> None:
        """Move up."""
        self._move(-3)


_SPELLINGS: tuple[Callable[[Content], str], ...] = (  # of a tab that is not open, as room gets less
    lambda tab: f" {tab.number} {tab.name} ",
    lambda tab: f" {tab.number} {tab.short} ",
    lambda tab: f"{tab.number} {tab.short}",
    lambda tab: f"{tab.number}",
)


def _after(title: str) -> str:
    return f" {title}" if title else ""
