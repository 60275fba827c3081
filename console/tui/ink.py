"""The colours, as words for what they mean: blue is bid, up and profit, orange is ask, down and loss.

Every colour sits on the 256-colour cube, so that a terminal without 24-bit colour (the usual case over
SSH) shows the same; blue and orange stay apart for every kind of colour blindness, and no meaning hangs
on colour alone.
"""

from __future__ import annotations

import enum
from functools import cache

from rich.style import Style

BACKGROUND = "#121212"  # 233
RAISED = "#262626"  # 235
CURSOR = "#303030"  # 236
CURSOR_FOCUSED = "#005f87"  # 24
DIALOG = "#1c1c1c"  # 234


class Ink(enum.Enum):
    """What a piece of text means."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"  # secondary, or stale: always with a word beside it
    RULE = "rule"
    TITLE = "title"
    TITLE_FOCUSED = "title focused"
    HEAD = "head"
    UP = "up"
    DOWN = "down"
    OWN = "own"
    MARK = "mark"
    WARN = "warn"
    KEY = "key"
    RISK = "risk"
    ALARM = "alarm"
    CALM = "calm"  # a mode without real money
    DRY = "dry"
    LIVE = "live"
    BAR = "bar"
    CHOICE = "choice"


class Ground(enum.Enum):
    """What a line lies on."""

    PLAIN = "plain"
    RAISED = "raised"
    CURSOR = "cursor"
    CURSOR_FOCUSED = "cursor focused"
    DIALOG = "dialog"


_COLOURS: dict[Ink, Style] = {
    Ink.PLAIN: Style.parse("#d0d0d0"),
    Ink.STRONG: Style.parse("bold #eeeeee"),
    Ink.DIM: Style.parse("#808080"),
    Ink.RULE: Style.parse("#585858"),
    Ink.TITLE: Style.parse("#afafaf"),
    Ink.TITLE_FOCUSED: Style.parse("bold #5fd7ff"),
    Ink.HEAD: Style.parse("#8a8a8a"),
    Ink.UP: Style.parse("#5fafff"),
    Ink.DOWN: Style.parse("#ffaf5f"),
    Ink.OWN: Style.parse("bold #5fffd7"),
    Ink.MARK: Style.parse("#d787ff"),
    Ink.WARN: Style.parse("bold #ffaf00"),
    Ink.KEY: Style.parse("bold #5fd7ff"),
    Ink.RISK: Style.parse("bold #121212 on #ffaf00"),
    Ink.ALARM: Style.parse("bold #ffffff on #d70000"),
    Ink.CALM: Style.parse("bold #121212 on #87afd7"),
    Ink.DRY: Style.parse("bold #121212 on #d7d75f"),
    Ink.LIVE: Style.parse("bold #121212 on #5fd787"),
    Ink.BAR: Style.parse("#5f87af"),
    Ink.CHOICE: Style.parse("bold #121212 on #5fd7ff"),
}
_GROUNDS: dict[Ground, Style] = {
    Ground.PLAIN: Style.parse(f"on {BACKGROUND}"),
    Ground.RAISED: Style.parse(f"on {RAISED}"),
    Ground.CURSOR: Style.parse(f"on {CURSOR}"),
    Ground.CURSOR_FOCUSED: Style.parse(f"bold on {CURSOR_FOCUSED}"),
    Ground.DIALOG: Style.parse(f"on {DIALOG}"),
}
_LOUD = frozenset({Ink.RISK, Ink.ALARM, Ink.CALM, Ink.DRY, Ink.LIVE})


@cache
def style(ink: Ink, ground: Ground = Ground.PLAIN, frozen: bool = False) -> Style:
    """The style of `ink` on `ground`; what is `frozen` loses its colour, but for the words of risk."""
    if frozen and ink not in _LOUD and ink not in (Ink.WARN, Ink.TITLE, Ink.TITLE_FOCUSED):
        ink = Ink.DIM if ink is not Ink.RULE else Ink.RULE
    return _GROUNDS[ground] + _COLOURS[ink]
