"""The screen explained in one picture, for the first time it is seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual import events, on
from textual.widget import Widget

from console.tui.clock import Clock
from console.tui.dialogs.dialog import Choice, Choices, Dialog, Words
from console.tui.ink import Ground, Ink
from console.tui.sheet import Line, Span

# ‹keys›, «what matters», everything else as it is.
_TEXT = """\
«An engine trades in a process of its own; this screen only looks and asks.»
Close the laptop: the engine notices, and does what on_console_lost says.

 «top»   what is wrong or under way, then money; below it who answers
  ‹1›    matches, those that need you on top: «why» says where quotes rest
  ‹2›    ladder: our orders outermost; «T» fair value «C» ceiling «F» floor
 ‹3 4›   what is held and what it pays; what was made, and of what
 ‹5-7›   orders, fills, log   ‹8› why not higher   ‹9› venues   ‹0› alerts

 ‹j k›   or arrows move; everything follows the match under the cursor
  ‹a›    adds a match: type a team, or paste a ticker or an address
  ‹p›    pauses, again resumes; ‹c› cancels orders; ‹e› edits; ‹F› gets out
  ‹/›    filters, ‹s› sorts, ‹z› zooms, ‹o› cents or odds, ‹t› colours
  ‹^P›   finds everything by name; ‹?› explains keys, columns, reasons

  ‹^K›   «KILL: cancels everything everywhere, at once, and proves it»
"""
_PIECES = re.compile("‹[^›]*›|«[^»]*»|[^‹«]+")


def picture() -> list[Line]:
    """The lines of the picture."""
    return [Line(tuple(map(_span, _PIECES.findall(line))), Ground.DIALOG) for line in _TEXT.splitlines()]


def _span(piece: str) -> Span:
    ink = {"‹": Ink.KEY, "«": Ink.STRONG}.get(piece[0])
    return Span(piece) if ink is None else Span(piece[1:-1], Ink.ALARM if piece == "‹^K›" else ink)


class Tour(Dialog[None]):
    """Read once; Enter or Esc closes it."""

    DEFAULT_CSS = "Tour > Vertical { width: 80; margin: 0; }"

    def __init__(self, clock: Clock) -> None:
        super().__init__("mmconsole in one picture", clock)
        self._choices = Choices([Choice("", "Begin", None)], self)

    def parts(self) -> Sequence[Widget]:
        """The picture over its end."""
        return [Words("text", picture()), self._choices]

    def on_mount(self) -> None:
        """Enter closes it."""
        self._choices.focus()

    def on_key(self, event: events.Key) -> None:
        """T closes it again, as it opened it."""
        if event.character == "T":
            event.stop()
            self.dismiss(None)

    @on(Choices.Picked)
    def _picked(self) -> None:
        self.dismiss(None)
