"""What all dialogs share: a box in the middle, Esc to leave, and a moment in which nothing is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from console.tui.clock import Clock
from console.tui.grid import Grid
from console.tui.ink import Ground, Ink
from console.tui.picture import Picture
from console.tui.progress import of_kill
from console.tui.sheet import Line, Span

T = TypeVar("T")

TYPE_AHEAD_S = 0.5  # keys typed before the dialog could be read must not confirm a risk


class Dialog(ModalScreen[T], Generic[T]):
    """A question; dismissed with its answer, or with None by Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "back", show=False)]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $veil; }
    Dialog > Vertical {
        width: 72; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; margin: 2 0 1 0;
        background: $dialog; border: round $edge; border-title-color: $edge-title; border-title-style: bold;
    }
    Dialog > Vertical { border-subtitle-color: $edge-risk; border-subtitle-style: bold reverse; }
    Dialog.risk > Vertical { border: round $edge-risk; border-title-color: $edge-risk; }
    Dialog Grid { height: 1; background: $dialog; }
    Dialog Input { height: 1; border: none; padding: 0 1; background: $field; color: $type; }
    Dialog Input:focus { border: none; background: $field-focused; }
    Dialog Input:nocolor:focus { text-style: reverse; }
    """

    def __init__(self, title: str, clock: Clock, risk: bool = False) -> None:
        super().__init__(classes="risk" if risk else None)
        self._box_title = title
        self._clock = clock
        self._opened = clock.monotonic()
        self._box = Vertical()
        self._asked_killed: bool | None = None  # whether a kill stood when the question was asked

    def compose(self) -> ComposeResult:
        """Put the parts into the box."""
        self._box.border_title = self._box_title
        with self._box:
            yield from self.parts()

    def parts(self) -> Sequence[Widget]:
        """The widgets of the box, from the top."""
        return ()

    @property
    def ready(self) -> bool:
        """Enough time has passed for a key to be an answer to this question."""
        return self._clock.monotonic() - self._opened >= TYPE_AHEAD_S

    def paint(self, picture: Picture) -> None:
        """Show a new moment; most dialogs do not change with it."""

    def tell(self, picture: Picture) -> None:
        """Say on the frame what a kill that came from elsewhere does meanwhile."""
        kill = picture.view.kill
        if self._asked_killed is None:
            self._asked_killed = kill is not None
        if not self._asked_killed:
            words = f"{of_kill(kill).words} · Esc closes this" if kill is not None else ""
            if self._box.border_subtitle != words:
                self._box.border_subtitle = words

    def action_back(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)


class Words(Grid):
    """Lines of text in a dialog, as many as it is given."""

    GROUND = Ground.DIALOG

    def __init__(self, name: str, lines: Sequence[Line] = (), height: int | None = None) -> None:
        super().__init__(name)
        self._given = lines
        self._height = height

    def on_mount(self) -> None:
        """Take the height of the text."""
        self.styles.height = self._height if self._height is not None else max(1, len(self._given))
        self.show(self._given)


def plain(*texts: str, ink: Ink = Ink.PLAIN) -> list[Line]:
    """Lines of plain text on a dialog's ground."""
    return [Line((Span(text, ink),), Ground.DIALOG) for text in texts]


class Choice:
    """One answer of several; `risky` ones wait until the dialog could be read."""

    def __init__(self, letter: str, label: str, value: Any, risky: bool = False) -> None:
        self.letter = letter
        self.label = label
        self.value = value
        self.risky = risky


class Choices(Grid):
    """A row of answers; the first one is marked at the start, so it must be the safe one."""

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("enter", "pick", show=False),
    ]

    class Picked(Message):
        """An answer was given."""

        def __init__(self, value: Any) -> None:
            super().__init__()
            self.value = value

    def __init__(self, choices: Sequence[Choice], ready: Dialog[Any]) -> None:
        super().__init__("choices")
        self._choices = choices
        self._dialog = ready
        self._marked = 0

    def on_mount(self) -> None:
        """Draw."""
        self._draw()

    def on_focus(self) -> None:
        """Draw the mark bright."""
        self._draw()

    def on_blur(self) -> None:
        """Draw the mark dim."""
        self._draw()

    def action_step(self, steps: int) -> None:
        """Mark another answer."""
        self._marked = (self._marked + steps) % len(self._choices)
        self._draw()

    def action_pick(self) -> None:
        """Give the marked answer."""
        self._give(self._choices[self._marked])

    def pick(self, letter: str) -> bool:
        """Give the answer of a letter; says whether there is one."""
        choice = next((choice for choice in self._choices if choice.letter == letter), None)
        if choice is not None:
            self._give(choice)
        return choice is not None

    def _give(self, choice: Choice) -> None:
        if not choice.risky or self._dialog.ready:
            self.post_message(self.Picked(choice.value))

    def on_click(self, event: events.Click) -> None:
        """Give the answer under the pointer."""
        x = 1
        for choice in self._choices:
            width = cell_len(self._word(choice, marked=False))
            if x <= event.x < x + width:
                self._give(choice)
            x += width + 2

    @staticmethod
    def _word(choice: Choice, marked: bool) -> str:
        word = f"{choice.letter} {choice.label}" if choice.letter else choice.label
        return f" {'▸' if marked else ' '}{word} "

    def _draw(self) -> None:
        spans = [Span(" ")]
        for index, choice in enumerate(self._choices):
            marked = index == self._marked
            ink = Ink.CHOICE if marked and self.has_focus else Ink.TITLE if marked else Ink.PLAIN
            spans += [Span(self._word(choice, marked), ink), Span("  ")]
        self.show([Line(tuple(spans), Ground.DIALOG)])


def text_input(name: str, value: str = "", hint: str = "") -> Input:
    """A field for text; no blinking, which would cost bytes for ever."""
    field = Input(value, hint, id=name, compact=True, select_on_focus=False)
    field.cursor_blink = False
    return field
