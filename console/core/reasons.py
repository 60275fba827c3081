"""Why a quote is where it is, or is not there at all: one word for screen, journal and code."""

from __future__ import annotations

import enum


class Reason(enum.Enum):
    """Reasons, in the words of the screen; the later ones stop quoting."""

    TOP = "top"
    JOINED = "joined"
    AT_CEILING = "at ceiling"
    COPIED = "sharp copy"
    OUTBID = "outbid above ceiling"
    RETESTING = "retesting"
    STICKY = "sticky"
    EMPTY_BOOK = "empty book"
    REBALANCING = "rebalancing"
    CONDITIONAL_LOCK = "conditional lock"
    OVEREXPOSED = "overexposed"
    KELLY = "kelly"
    THIN_MARGIN = "thin sharp margin"
    PRICE_RANGE = "price out of range"
    WAITING = "waiting for a cancel"
    LIMIT = "limit"
    RATE_LIMITED = "rate limited"
    NO_BALANCE = "no balance"
    REJECTED = "rejected"
    TOXIC = "toxic flow"
    FILL_RATE = "fill rate"
    REPEATED_FILLS = "repeated fills"
    WARM_UP = "warm-up"
    NO_BOOK = "no book"
    STALE_BOOK = "stale book"
    CROSSED_BOOK = "crossed book"
    NO_THEO = "no theo"
    NO_SHARP = "no sharp line"
    STALE_THEO = "stale theo"
    DISAGREEMENT = "sources disagree"
    SHOCK = "shock"
    UNVALUED = "position without a mark"
    NOT_OPEN = "not open"
    STARTED = "started"
    STOP_TIME = "stop time"
    VENUE_HELD = "venue held"
    VENUE_DOWN = "venue down"
    CLOCK = "clock off"
    FILLS_BLIND = "blind to fills"
    RECONCILING = "reconciling"
    MISMATCH = "mismatch"
    FEES = "fees not as predicted"
    LOSS = "loss limit"
    REDUCE_ONLY = "reduce only"
    FLATTENING = "flattening"
    PAUSED = "paused"
    START_GATE = "start gate"
    STOPPED = "stopped"
    KILLED = "killed"
    DONE = "done"

    __hash__ = object.__hash__  # members are single: by identity, where Enum hashes the name in Python

    @property
    def rank(self) -> int:
        """How far it is from a plain quote."""
        return _RANKS[self]


_RANKS = {reason: rank for rank, reason in enumerate(Reason)}
