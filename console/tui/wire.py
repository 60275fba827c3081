"""Notices by itself that the line to the terminal is slow, and that it is quick again."""

from __future__ import annotations

from collections import deque

from console.tui.taste import Wire

SLOW_S, QUICK_S = 0.4, 0.2  # round trips, the middle of the last ones
TRIPS = 5
DROPPED_S = 10.0  # how long after a frame was dropped the line counts as slow
CALM_S = 15.0  # how long it must have been quick before it is trusted again


class WireWatch:
    """Fed with round trips and dropped frames; times are monotonic seconds."""

    def __init__(self) -> None:
        self._trips: deque[float] = deque(maxlen=TRIPS)
        self._dropped = 0
        self._bad_since: float | None = None
        self._quick_since: float | None = None

    def heard(self, rtt_s: float | None, dropped: int, now: float) -> None:
        """Take the last round trip and how many frames were dropped so far."""
        if rtt_s is not None:
            self._trips.append(rtt_s)
        lost, self._dropped = dropped > self._dropped, dropped
        middle = sorted(self._trips)[len(self._trips) // 2] if self._trips else 0.0
        full = len(self._trips) == TRIPS
        if lost or (full and middle > SLOW_S):
            self._bad_since, self._quick_since = now, None
        elif self._bad_since is not None and middle < QUICK_S and now - self._bad_since > DROPPED_S:
            if self._quick_since is None:
                self._quick_since = now
            elif now - self._quick_since >= CALM_S:
                self._bad_since = self._quick_since = None
        else:
            self._quick_since = None

    @property
    def slow(self) -> bool:
        """Whether the line is to be spared."""
        return self._bad_since is not None


def spared(wire: Wire, watch: WireWatch) -> bool:
    """Whether little is sent: by the operator's wish, else by what the line shows."""
    return wire is Wire.LOW or (wire is Wire.AUTO and watch.slow)
