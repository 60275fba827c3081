"""Labelled fields of a form, each with a line beside it for what is wrong or what it means."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, TextArea

from console.tui.dialogs.dialog import Words, plain, text_input
from console.tui.format import clean, fit
from console.tui.ink import Ink

LABEL_WIDTH = 15


class Field(Horizontal):
    """One line: label, input, note."""

    DEFAULT_CSS = """
    Field { height: 1; background: $dialog; }
    Field Input { width: 26; }
    Field.wide Input { width: 1fr; }
    Field .label { width: 15; }
    Field .note { width: 1fr; }
    Field.wide .note { width: 0; display: none; }
    """

    def __init__(self, key: str, label: str, value: str = "", hint: str = "", wide: bool = False) -> None:
        super().__init__(classes="wide" if wide else None)
        self.key = key
        self._label = label
        self.input: Input = text_input(key, value, hint)
        self._note = Words(f"{key}-note", plain(""))

    def compose(self) -> ComposeResult:
        """Label, input, note."""
        label = Words(f"{self.key}-label", plain(fit(self._label, LABEL_WIDTH), ink=Ink.HEAD))
        label.add_class("label")
        self._note.add_class("note")
        yield label
        yield self.input
        yield self._note

    def note(self, text: str, ink: Ink = Ink.DIM) -> None:
        """Write beside the field."""
        self._note.show(plain(f" {clean(text)}", ink=ink))


class TextField(Horizontal):
    """Several lines of text with a label; nothing beside it."""

    DEFAULT_CSS = """
    TextField { height: 3; background: $dialog; }
    TextField TextArea { width: 1fr; height: 3; border: none; padding: 0; background: $field; }
    TextField TextArea:focus { border: none; background: $field-focused; }
    TextField TextArea .text-area--cursor-line { background: transparent; }
    TextField Grid { width: 15; height: 3; }
    """

    def __init__(self, key: str, label: str, value: str = "") -> None:
        super().__init__()
        self.key = key
        self._label = label
        self.area = TextArea(value, id=key, compact=True, soft_wrap=False, tab_behavior="focus")
        self.area.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Label and text."""
        yield Words(f"{self.key}-label", plain(fit(self._label, LABEL_WIDTH), ink=Ink.HEAD), height=3)
        yield self.area
