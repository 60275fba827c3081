"""The main screen: the panes in their places, and the keys that move between and in them."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from console.core.matches import MatchId
from console.core.view import View
from console.tui.dialogs.dialog import text_input
from console.tui.grid import Grid
from console.tui.ink import Ink
from console.tui.keybar import KeyBar
from console.tui.keys import DESK_KEYS, GLOBAL_KEYS
from console.tui.panes.fills import fills
from console.tui.panes.inventory import Inventory
from console.tui.panes.ladder import Ladder
from console.tui.panes.listing import Listing
from console.tui.panes.log import alerts, log
from console.tui.panes.matches import matches
from console.tui.panes.orders import orders
from console.tui.panes.pane import Content, Pane
from console.tui.panes.pnl import Pnl
from console.tui.panes.theo import Theo
from console.tui.panes.venues import Venues
from console.tui.picture import Picture
from console.tui.places import ALERTS, ALL, LADDER, MATCHES, Place, Plan, plan
from console.tui.progress import progress
from console.tui.sheet import Line, Span, said
from console.tui.status import Status


class Desk(Screen[None]):
    """Ten panes between two status lines and a key bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.keys, key.action, key.label, show=False) for key in DESK_KEYS if key.action != "pane"),
        *(Binding(str(number), f"pane({number})", show=False) for number in ALL),
    ]
    DEFAULT_CSS = """
    Desk { background: $ground; layout: vertical; overflow: hidden; }
    Desk > Widget { position: absolute; }
    Desk > #filter { height: 1; border: none; background: $field; padding: 0 1; }
    """

    class Act(Message):
        """An acting key was pressed."""

        def __init__(self, verb: str) -> None:
            super().__init__()
            self.verb = verb

    class Watched(Message):
        """Ladder and close-up shall follow another match."""

        def __init__(self, match: MatchId) -> None:
            super().__init__()
            self.match = match

    class Opened(Message):
        """A page over the panes was asked for, or another look."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__()
        self.ladder = Ladder()
        self.contents: tuple[Content, ...] = (
            matches(),
            self.ladder,
            Inventory(),
            Pnl(),
            orders(),
            fills(),
            log(),
            Theo(),
            Venues(),
            alerts(),
        )
        self.panes = {content.number: Pane(content) for content in self.contents}
        self.status = Status("status")
        self.key_bar = KeyBar("keys")
        self.small = Grid("small")
        self.filter_line = text_input("filter", hint="filter, !word leaves out")
        self.picture: Picture | None = None
        self._opened: list[int] = []  # panes, the last opened first
        self._zoomed: int | None = None
        self._filtered = self.panes[MATCHES]

    def compose(self) -> ComposeResult:
        """Everything lies absolutely; `_arrange` says where."""
        yield self.status
        yield from self.panes.values()
        yield self.small
        yield self.filter_line
        yield self.key_bar

    def on_mount(self) -> None:
        """Begin in the matches."""
        self.filter_line.display = False
        self.small.display = False
        self._go(MATCHES)

    # ---- painting

    def paint(self, picture: Picture) -> None:
        """Show a new moment in everything that is on the screen."""
        self.picture = picture
        if self.panes[ALERTS].display and picture.view.log:
            self.status.seen = picture.view.log[0].wall
        self.status.paint(picture)
        self.key_bar.paint(picture, self.focused_pane.content.number)
        for pane in self.panes.values():
            if pane.display:
                pane.paint(picture)
        if self.small.display:
            self.small.show(_too_small(picture.view, self.app.size.width), picture.frozen)

    def _paint_again(self) -> None:
        if self.picture is not None:
            self.paint(self.picture)

    def wait(self, words: str) -> None:
        """Say what is waited for while there is nothing to show yet."""
        self.status.show([Line((Span(f" {words} ", Ink.RISK),))])

    @property
    def focused_pane(self) -> Pane:
        """The pane the keys go to."""
        return self.focused if isinstance(self.focused, Pane) else self._filtered

    @property
    def selected(self) -> MatchId:
        """The match under the cursor of the matches pane."""
        return self.panes[MATCHES].content.match() or MatchId("")

    def chosen_match(self) -> MatchId | None:
        """The match that an acting key means: of the focused pane's row, else the selected one."""
        return self.focused_pane.content.match() or self.selected or None

    def select(self, match: MatchId) -> None:
        """Put the cursor of the matches on one."""
        browse = self.panes[MATCHES].content.browse
        if browse is not None and not browse.select(match):
            browse.needle = ""  # it is filtered out; the next paint finds it
        self.open(MATCHES)

    # ---- places

    def on_resize(self) -> None:
        """Lay out for the new size."""
        self._arrange()

    def _plan(self, zoomed: int | None = None) -> Plan:
        width, height = self.app.size
        return plan(width, height, self._opened, zoomed)

    def _arrange(self) -> None:
        width, height = self.app.size
        layout = self._plan(self._zoomed)
        for number, pane in self.panes.items():
            place = layout.places.get(number)
            pane.display = place is not None
            group = layout.group_of(number)
            pane.tabs = [self.panes[each].content for each in group] if len(group) > 1 else ()
            if place is not None:
                _put(pane, place)
        self.small.display = not layout.places
        _put(self.small, Place(0, 2, width, max(1, height - 3)))
        _put(self.status, Place(0, 0, width, min(2, height)))
        _put(self.key_bar, Place(0, max(0, height - 1), width, 1))
        _put(self.filter_line, Place(0, max(0, height - 1), width, 1))
        if isinstance(self.focused, Pane) and not self.focused.display and layout.places:
            self._go(next(iter(layout.places)))
        self.call_after_refresh(self._paint_again)

    def open(self, number: int) -> None:
        """Go to a pane, opening it where it shares a place, or moving the zoom."""
        if self._zoomed is not None:
            self._zoomed = number
        self._opened = [number, *(other for other in self._opened if other != number)]
        self._arrange()
        self._hide_filter()
        self._go(number)

    def _go(self, number: int) -> None:
        """Give the keys to a pane at once: the next key may be there already."""
        self.set_focus(self.panes[number])

    # ---- keys

    def action_act(self, verb: str) -> None:
        """Let the operator's verb be done."""
        self.post_message(self.Act(verb))

    def action_pane(self, number: int) -> None:
        """Go to a pane."""
        self.open(number)

    def action_next_pane(self, steps: int) -> None:
        """Go to the next pane on the screen, or the next of all when only one is there."""
        shown = [number for number, pane in self.panes.items() if pane.display]
        shown = shown if len(shown) > 1 else list(self.panes)
        here = self.focused_pane.content.number
        index = shown.index(here) if here in shown else 0
        self.open(shown[(index + steps) % len(shown)])

    def action_tab(self, steps: int) -> None:
        """Next pane in the same place; of a pane that has its own, the next of the first shared place."""
        layout = self._plan()
        if not layout.groups or self._zoomed is not None:
            return
        here = self.focused_pane.content.number
        group = layout.group_of(here)
        if len(group) == 1:
            group = layout.groups[0]
            here = next(number for number in group if number in layout.places)
        self.open(group[(group.index(here) + steps) % len(group)])

    def action_zoom(self) -> None:
        """Give the focused pane the whole screen, or take it back."""
        self._zoomed = None if self._zoomed is not None else self.focused_pane.content.number
        self._arrange()

    def action_book(self, steps: int) -> None:
        """Turn the ladder to another book."""
        self.ladder.next_book(steps)
        self.panes[LADDER].redraw()

    def action_centre(self) -> None:
        """Centre the ladder."""
        self.ladder.centre()
        self.panes[LADDER].redraw()

    def action_lock_centre(self) -> None:
        """Hold the ladder's prices, or let them follow."""
        self.ladder.held = not self.ladder.held
        self.panes[LADDER].redraw()

    def action_sort(self) -> None:
        """Sort by the next column."""
        browse = self.focused_pane.content.browse
        if browse is not None:
            browse.next_sort()
            self.focused_pane.redraw()

    def action_reverse(self) -> None:
        """Turn the sorting round."""
        browse = self.focused_pane.content.browse
        if browse is not None:
            browse.descending = not browse.descending
            self.focused_pane.redraw()

    def action_next_hit(self, steps: int) -> None:
        """Next row of the filter, round and round."""
        browse = self.focused_pane.content.browse
        if browse is not None:
            browse.wrap(steps)
            self.focused_pane.redraw()

    def action_seek(self) -> None:
        """Next row that needs a look; outside of a list, the next such match."""
        pane = self.focused_pane if isinstance(self.focused_pane.content, Listing) else self.panes[MATCHES]
        content = pane.content
        if isinstance(content, Listing) and content.seek():
            self.open(content.number)
            pane.redraw()
        else:
            self.app.notify("nothing here needs a look", timeout=2, markup=False)

    def action_copy(self) -> None:
        """Copy the row."""
        words = self.focused_pane.content.copied()
        if words:
            self.app.copy_to_clipboard(words)
            self.app.notify(f"copied: {words[:60]}", timeout=2, markup=False)

    def action_help(self) -> None:
        """Show the help."""
        self.post_message(self.Opened("help"))

    def action_palette(self) -> None:
        """Show the command palette."""
        self.post_message(self.Opened("palette"))

    def action_tour(self) -> None:
        """Show the tour."""
        self.post_message(self.Opened("tour"))

    def action_history(self) -> None:
        """Search further back in what the pane shows."""
        self.post_message(self.Opened("history"))

    def action_odds(self) -> None:
        """Spell prices the next way."""
        self.post_message(self.Opened("odds"))

    def action_theme(self) -> None:
        """Take the next colours."""
        self.post_message(self.Opened("theme"))

    def action_wire(self) -> None:
        """Give the line to the terminal another share."""
        self.post_message(self.Opened("wire"))

    # ---- filter

    def action_filter(self) -> None:
        """Filter the focused list as one types."""
        pane = self.focused_pane
        if pane.content.browse is None:
            return
        self._filtered = pane
        self.filter_line.value = pane.content.browse.needle
        self.filter_line.display, self.key_bar.display = True, False
        self.filter_line.focus()

    def action_clear(self) -> None:
        """Close and empty the filter; else leave the zoom."""
        pane = self.focused_pane
        browse = pane.content.browse
        if browse is not None and browse.needle:
            browse.needle = ""
        elif not self.filter_line.display and self._zoomed is not None:
            self.action_zoom()
        self.close_filter()
        pane.redraw()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        browse = self._filtered.content.browse
        if browse is not None and self.filter_line.display:
            browse.needle = event.value.strip()
            self._filtered.redraw()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self) -> None:
        self.close_filter()

    def close_filter(self) -> None:
        """Give the keys back to the list."""
        if self.filter_line.display:
            self._hide_filter()
            self.set_focus(self._filtered)

    def _hide_filter(self) -> None:
        self.filter_line.display, self.key_bar.display = False, True

    # ---- what the panes say

    @on(Pane.Chosen)
    def _chosen(self, event: Pane.Chosen) -> None:
        match = event.pane.content.match() or self.selected
        if match:
            self.post_message(self.Watched(match))

    @on(Pane.Focused)
    def _pane_focused(self) -> None:
        if self.picture is not None:
            self.key_bar.paint(self.picture, self.focused_pane.content.number)

    @on(Pane.TabClicked)
    def _tab_clicked(self, event: Pane.TabClicked) -> None:
        self.open(event.number)

    @on(KeyBar.Pressed)
    async def _bar_pressed(self, event: KeyBar.Pressed) -> None:
        action = event.key.action
        if action == "pane":
            self.action_next_pane(1)
        elif event.key in GLOBAL_KEYS:
            await self.app.run_action(action)
        else:
            await self.app.run_action(action, self)


def _put(widget: Widget, place: Place) -> None:
    styles = widget.styles
    styles.offset = (place.x, place.y)
    styles.width, styles.height = place.width, place.height


def _too_small(view: View, width: int) -> list[Line]:
    now = progress(view)
    words = (
        "too small to show the panes",
        "32x9 is the least, 80x24 shows all",
        "the engine is still running",
        "^K kills",
    )
    first = said(now.words if now else f"{view.orders_open} orders rest", width, Ink.STRONG)
    return [*first, *said("\n".join(words), width, Ink.WARN)]
