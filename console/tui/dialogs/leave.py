"""Leaving: detach or stop, and the proof of a stop that no key press skips."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.widget import Widget

from console.tui.clock import Clock
from console.tui.dialogs.confirm import Confirm
from console.tui.dialogs.dialog import Choice, Choices, Dialog, Words, plain
from console.tui.format import age
from console.tui.ink import Ground, Ink
from console.tui.leave import Code
from console.tui.picture import Picture
from console.tui.sheet import Line, Span
from console.tui.words import VENUES

DETACH, STOP, GO = "detach", "stop", "go"


def quit_dialog(picture: Picture | None, clock: Clock) -> Confirm:
    """What to do with the engine when the screen goes."""
    back = Choice("", "Back", None)
    if picture is None or picture.closed:
        lines = ["The engine does not answer; leaving changes nothing about it."]
        return Confirm("Leave", lines, [back, Choice("d", "Leave", GO)], clock)
    if not picture.may_act:
        lines = ["This console only looks; the engine goes on."]
        return Confirm("Leave", lines, [back, Choice("d", "Leave", GO)], clock)
    view = picture.view
    lines = [
        f"{picture.mode} · {view.orders_open} orders rest · engine process {picture.welcome.pid}",
        "",
        "d  Detach: the screen goes, the engine keeps quoting unattended.",
        "s  Stop: cancel every order, prove it, end the engine.",
    ]
    choices = [back, Choice("d", "Detach", DETACH, risky=True), Choice("s", "Stop", STOP)]
    return Confirm("Leave", lines, choices, clock)


class Stopping(Dialog[int]):
    """Stays until the engine has proven that nothing rests and has ended; answered with the exit code."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("Stopping", clock, risk=True)
        self._choices = Choices(
            [Choice("", "Keep waiting", None), Choice("l", "Leave without the proof", True, risky=True)], self
        )
        self._picture: Picture | None = None

    def parts(self) -> Sequence[Widget]:
        """Progress; the answers appear only when asked for."""
        return [Words("progress", plain("", "asking the engine to stop", "", ""), height=4), self._choices]

    def on_mount(self) -> None:
        """Hide the way out."""
        self._choices.display = False

    def paint(self, picture: Picture) -> None:
        """Show how far the proof is; leave when it is complete."""
        self._picture = picture
        rest = picture.view.orders_open
        if picture.closed and rest == 0:
            self.dismiss(int(Code.LEFT))
            return
        self.query_one("#progress", Words).show(_progress(picture))
        if picture.closed and not self._choices.display:
            self.ask_out()

    def ask_out(self) -> None:
        """Offer the way out; the proof goes on meanwhile."""
        if not self._choices.display:
            self._choices.display = True
            self._opened = self._clock.monotonic()
        self._choices.focus()

    def action_back(self) -> None:
        """Esc hides the way out again."""
        self._choices.display = self._picture is not None and bool(self._picture.closed)

    def on_key(self, event: events.Key) -> None:
        """Take an answer by its letter."""
        if self._choices.display and event.character and self._choices.pick(event.character):
            event.stop()

    @on(Choices.Picked)
    def _picked(self, event: Choices.Picked) -> None:
        if event.value is None:
            self.action_back()
        else:
            self.dismiss(int(Code.NOT_PROVEN))


def _progress(picture: Picture) -> list[Line]:
    view = picture.view
    by_venue = "  ".join(f"{VENUES[venue.venue]} {venue.orders}" for venue in view.venues)
    if picture.closed:
        words = f"NOT PROVEN: the engine is gone, {view.orders_open} orders not proven cancelled"
        more = "Check the venue yourself, or run `mmconsole kill`."
    elif view.stopping:
        words = f"{view.orders_open} orders not proven gone yet   {by_venue}"
        more = f"the engine says: {view.stopping}"
    else:
        words, more = f"waiting for the engine to begin   {by_venue}", ""
    if picture.frozen and not picture.closed:
        more = f"ENGINE SILENT {age(picture.age_ms)}"
    loud = Ink.ALARM if picture.closed else Ink.STRONG
    return [
        Line((Span(text, ink),), Ground.DIALOG) for text, ink in (("", loud), (words, loud), (more, Ink.DIM))
    ]
