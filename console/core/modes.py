"""The modes of a run, and what it does when nobody looks on any more."""

from __future__ import annotations

import enum


class Mode(enum.Enum):
    """Where prices come from and where orders go."""

    SIM = "sim"
    REPLAY = "replay"
    PAPER = "paper"
    DEMO = "demo"
    LIVE = "live"


class OnConsoleLost(enum.Enum):
    """What the engine does when its last controlling console is gone."""

    STOP = "stop"
    PAUSE = "pause"
    KEEP = "keep"
