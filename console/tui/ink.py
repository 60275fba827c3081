"""What a piece of text means and what it lies on, in words; `palettes` says what that looks like."""

from __future__ import annotations

import enum


class Ink(enum.Enum):
    """What a piece of text means."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"  # secondary, or stale: always with a word beside it
    RULE = "rule"
    TITLE = "title"
    TITLE_FOCUSED = "title focused"
    HEAD = "head"
    UP = "up"  # bid, up, profit
    DOWN = "down"  # ask, down, loss
    OWN = "own"
    MARK = "mark"  # fair value
    NOTICE = "notice"  # out of the ordinary, and it heals by itself
    WARN = "warn"  # worth a look now
    KEY = "key"
    RISK = "risk"
    ALARM = "alarm"  # waits for a person
    CALM = "calm"  # a mode without real money
    DRY = "dry"
    LIVE = "live"
    BAR = "bar"
    CHOICE = "choice"

    __hash__ = object.__hash__


class Ground(enum.Enum):
    """What a line lies on."""

    PLAIN = "plain"
    RAISED = "raised"
    CURSOR = "cursor"
    CURSOR_FOCUSED = "cursor focused"
    DIALOG = "dialog"

    __hash__ = object.__hash__


class Glow(enum.Enum):
    """How lately a piece of text changed."""

    NONE = "none"
    FRESH = "fresh"
    FADING = "fading"

    __hash__ = object.__hash__
