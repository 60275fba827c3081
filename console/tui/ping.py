"""Asks the terminal where its cursor is, to learn how far behind it is and whether it is there at all."""

from __future__ import annotations

QUESTION = "\x1b[6n"
GIVE_UP_S = 10.0  # a question older than this no longer holds back a paint
NEVER_ANSWERED_S = 1.0  # the same for a terminal that has never answered one
IDLE_S = 1.0  # asked this often when nothing is painted


class Ping:
    """One question at a time. Times are monotonic seconds; `answered` comes from the input thread.

    A terminal that has not answered everything before the question cannot have shown it either: holding
    back the next paint until then keeps seconds of old frames out of the buffers between us.
    """

    def __init__(self) -> None:
        self._asked: float | None = None
        self._unanswered_since: float | None = None
        self._last_asked = -IDLE_S
        self.rtt_s: float | None = None
        self.enabled = True

    def wanted(self, now: float) -> bool:
        """Whether a question may go out with the frame being written."""
        return self.enabled and (self._asked is None or self._overdue(now))

    def due(self, now: float) -> bool:
        """Whether one should go out although nothing is painted."""
        return self.wanted(now) and now - self._last_asked >= IDLE_S

    def asked(self, now: float) -> None:
        """The question went out."""
        self._asked = self._last_asked = now
        if self._unanswered_since is None:
            self._unanswered_since = now

    def answered(self, now: float) -> None:
        """The reply came."""
        asked, self._asked, self._unanswered_since = self._asked, None, None
        if asked is not None:
            self.rtt_s = now - asked

    def heard(self) -> None:
        """The terminal sent a key: it is there, even if it never answers the question."""
        if self.rtt_s is None:
            self._unanswered_since = None

    def may_paint(self, now: float) -> bool:
        """Whether the terminal has caught up, or has been waited for long enough."""
        return self._asked is None or self._overdue(now)

    def silent_ms(self, now: float) -> int:
        """How long the oldest unanswered question has been out."""
        since = self._unanswered_since
        return 0 if since is None else int((now - since) * 1000)

    @property
    def rtt_ms(self) -> int:
        """The last round trip, -1 before the first."""
        return -1 if self.rtt_s is None else int(self.rtt_s * 1000)

    @property
    def outstanding(self) -> bool:
        """A reply is still to come: leaving now would put it into the user's shell."""
        return self._asked is not None

    def _overdue(self, now: float) -> bool:
        limit = NEVER_ANSWERED_S if self.rtt_s is None else GIVE_UP_S
        return self._asked is not None and now - self._asked > limit
