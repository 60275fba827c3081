"""Whether rivals answer when we take the top of a book, and after how long."""

from __future__ import annotations

from collections import deque

from console.core.units import MILLISECOND, SECOND, Nanos

ANSWER = 10 * SECOND  # later than this it was no answer to us
KEPT = 20


class Rivals:
    """Watches one route: we rest alone on top, and a rival joins or outbids us, or does not."""

    __slots__ = ("_at", "_rival", "_since", "waits")

    def __init__(self) -> None:
        self.waits: deque[int | None] = deque(maxlen=KEPT)  # milliseconds; None: nobody answered
        self._at: int | None = None  # our bid while it is alone on top
        self._rival: int | None = None  # the best rival, as of the last look
        self._since: Nanos | None = None  # when it came there, until that has been answered or not

    def look(self, live: int | None, rival: int | None, ts: Nanos) -> None:
        """Our resting bid and the best rival's, as one evaluation sees them."""
        self._rival = rival
        if live is not None and rival is not None and rival < live:
            if self._at is None or live > self._at:
                self._since = ts
            elif self._since is not None and ts - self._since > ANSWER:
                self.waits.append(None)
                self._since = None
            self._at = live
            return
        if self._since is not None and self._at is not None and rival is not None and rival >= self._at:
            self.waits.append((ts - self._since) // MILLISECOND)
        self._at = self._since = None

    def sent(self, bid: int, ts: Nanos) -> None:
        """We have sent a bid: who answers it may be there before the next look."""
        if self._at is None or bid > self._at:  # going down asks nobody for an answer
            self.look(bid, self._rival, ts)
