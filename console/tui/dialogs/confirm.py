"""Questions about a risk: a yes that must be meant, or a word that must be typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec import Struct
from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.tui.clock import Clock
from console.tui.dialogs.dialog import Choice, Choices, Dialog, Words, plain, text_input
from console.tui.format import clean
from console.tui.ink import Ground, Ink
from console.tui.sheet import Line, Span


class Confirm(Dialog[Any]):
    """Lines of text and a row of answers, the first of them safe."""

    def __init__(self, title: str, lines: Sequence[str], choices: Sequence[Choice], clock: Clock) -> None:
        super().__init__(title, clock, risk=True)
        self._lines = [clean(line) for line in lines]
        self._choices = Choices(choices, self)

    def parts(self) -> Sequence[Widget]:
        """Text over answers."""
        return [Words("text", plain("", *self._lines, "")), self._choices]

    def on_mount(self) -> None:
        """Begin on the safe answer."""
        self._choices.focus()

    def on_key(self, event: events.Key) -> None:
        """Take an answer by its letter."""
        if event.character and self._choices.pick(event.character):
            event.stop()

    @on(Choices.Picked)
    def _picked(self, event: Choices.Picked) -> None:
        self.dismiss(event.value)


def yes_no(title: str, lines: Sequence[str], yes: str, clock: Clock) -> Confirm:
    """A question answered with True, or anything else for no."""
    choices = [Choice("", "Back", None), Choice("y", yes, True, risky=True)]
    return Confirm(title, lines, choices, clock)


class Meant(Struct, frozen=True):
    """What was typed: the word, the reason, and which of several was chosen."""

    word: str
    reason: str
    choice: int


class Typed(Dialog[Meant]):
    """A word that must be typed exactly and, where asked for, a reason; one of `options` by the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "option(1)", show=False),
        Binding("up", "option(-1)", show=False),
        Binding("ctrl+s", "save", show=False),
    ]

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        clock: Clock,
        word: str = "",
        reason: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(title, clock, risk=True)
        self._lines = [clean(line) for line in lines]
        self._word = word
        self._reason = reason
        self._options = options
        self._chosen = 0

    def parts(self) -> Sequence[Widget]:
        """Text, options, fields, and what is still missing."""
        widgets: list[Widget] = [Words("text", plain("", *self._lines, ""))]
        if self._options:
            widgets.append(Words("options", self._option_lines(), height=len(self._options) + 1))
        if self._word:
            widgets.append(text_input("word", hint=f"type {self._word}"))
        if self._reason:
            widgets += [
                Words("gap", plain("")),
                text_input("reason", hint="the reason, for the journal"),
            ]
        return [*widgets, Words("missing", plain(self._missing("", ""), ink=Ink.DIM))]

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query(Input).first().focus()

    def action_option(self, steps: int) -> None:
        """Choose another of several."""
        if self._options:
            self._chosen = (self._chosen + steps) % len(self._options)
            self.query_one("#options", Words).show(self._option_lines())

    def _option_lines(self) -> list[Line]:
        lines = []
        for number, option in enumerate(self._options):
            here = number == self._chosen
            mark = Span("▸ " if here else "  ", Ink.KEY)
            ink = Ink.STRONG if here else Ink.DIM
            more = Span("   ↑↓ another" if here and len(self._options) > 1 else "", Ink.DIM)
            lines.append(Line((mark, Span(clean(option), ink), more), Ground.DIALOG))
        return [*lines, *plain("")]

    @on(Input.Changed)
    def _changed(self) -> None:
        missing = self._missing(*self._typed())
        self.query_one("#missing", Words).show(plain(missing or "Enter: do it", ink=Ink.WARN))

    def action_save(self) -> None:
        """The same as Enter, as in every form."""
        self._submitted()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        word, reason = self._typed()
        if not self._missing(word, reason):
            if self.ready:
                self.dismiss(Meant(word, reason, self._chosen))
        elif word == self._word and self._reason:
            self.query_one("#reason", Input).focus()

    def _typed(self) -> tuple[str, str]:
        word = self.query_one("#word", Input).value.strip() if self._word else ""
        reason = self.query_one("#reason", Input).value.strip() if self._reason else ""
        return word, reason

    def _missing(self, word: str, reason: str) -> str:
        if word != self._word:
            return f"type {self._word} in capitals, Esc to go back"
        return "a reason is needed, Esc to go back" if self._reason and not reason else ""
