"""The time of day at a venue: ours, corrected by what its answers say of theirs."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

SMOOTHING = 0.2


class VenueClock:
    """Our clock plus a measured offset; `now_ms` is what signatures are stamped with."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self.round_trip_s = 0.0
        self.measured = False
        self._resolution_s = float("inf")  # of the finest stamp so far

    def now_ms(self) -> int:
        """Milliseconds since 1970 by the venue's clock, as well as we know it."""
        return int((time.time() + self.offset_s) * 1000)

    def now_s(self) -> int:
        """Seconds since 1970 by the venue's clock."""
        return int(time.time() + self.offset_s)

    def measure(self, theirs_s: float, sent_s: float, received_s: float, resolution_s: float = 0.0) -> None:
        """Take the venue's time as told in an answer; sent and received by our wall clock.

        A stamp of whole seconds is on average half a second old (`resolution_s` 1). Offsets are smoothed, but
        one that jumped (our clock was set) is believed at once, as is the first of a finer stamp.
        """
        offset = theirs_s + resolution_s / 2.0 - (sent_s + received_s) / 2.0
        self.round_trip_s = received_s - sent_s
        finer = resolution_s < self._resolution_s
        if finer or abs(offset - self.offset_s) > max(1.0, resolution_s):
            self.offset_s, self._resolution_s = offset, min(resolution_s, self._resolution_s)
        else:
            self.offset_s += SMOOTHING * (offset - self.offset_s)
        self.measured = True


def http_date_s(text: str) -> float | None:
    """Seconds since 1970 of an HTTP ``Date`` header; None for one that is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
