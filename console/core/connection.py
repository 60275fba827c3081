"""One venue as the engine knows it: connected or not, what it last told of our account, its write budget."""

from __future__ import annotations

from console.core.book import NEVER, Stream
from console.core.instruments import Instrument, Venue
from console.core.reasons import Reason
from console.core.settings import AccountSettings
from console.core.units import SECOND, Nanos

PLACE_COST = 10
AMEND_COST = 10
CANCEL_COST = 2
KILL_PAUSES_MS = (250, 500, 1000, 2000)
PROOF_GAP = 2 * SECOND


class Budget:
    """Write tokens of a venue: a bucket refilled by time, part of it kept for cancels."""

    __slots__ = ("_filled_ts", "burst", "per_s", "reserve", "tokens")

    def __init__(self, settings: AccountSettings) -> None:
        self.configure(settings)
        self.tokens = self.burst * SECOND  # in billionths of a token: exact in whole numbers
        self._filled_ts = NEVER

    def configure(self, settings: AccountSettings) -> None:
        """Take the refill rate, the size of the bucket and the share kept for cancels."""
        self.per_s = settings.write_tokens_per_s
        self.burst = settings.write_burst
        self.reserve = settings.write_burst * settings.cancel_reserve_pct // 100

    def left(self, ts: Nanos) -> int:
        """Whole tokens in the bucket now."""
        if self._filled_ts != NEVER:
            self.tokens = min(self.burst * SECOND, self.tokens + (ts - self._filled_ts) * self.per_s)
        self._filled_ts = ts
        return self.tokens // SECOND

    def allows(self, cost: int, ts: Nanos) -> bool:
        """Whether a place or amend leaves the reserve for cancels untouched."""
        return self.left(ts) - cost >= self.reserve

    def take(self, cost: int, ts: Nanos) -> None:
        """Spend tokens; cancels may overdraw, they are never held back."""
        self.left(ts)
        self.tokens = max(0, self.tokens - cost * SECOND)

    def empty(self, ts: Nanos) -> None:
        """The venue said 429: what we believed to have is gone."""
        self.left(ts)
        self.tokens = 0


class Sweep:
    """The proof that nothing rests at a venue after a kill: two empty lists two seconds apart."""

    __slots__ = ("attempts", "empty_since", "next_ts", "proven")

    def __init__(self, ts: Nanos) -> None:
        self.attempts = 0
        self.next_ts = ts
        self.empty_since: Nanos | None = None
        self.proven = False

    def repeated(self, ts: Nanos) -> None:
        """A cancel-all left; the next is due after 0.25, 0.5, 1, 2, 2 ... seconds."""
        pause = KILL_PAUSES_MS[min(self.attempts, len(KILL_PAUSES_MS) - 1)]
        self.attempts += 1
        self.next_ts = Nanos(ts + pause * 1_000_000)

    def listed(self, ts: Nanos, resting: int, in_flight: bool) -> None:
        """The venue listed our orders, asked after the last place had an outcome (or not)."""
        if resting or in_flight:
            self.empty_since, self.proven = None, False
        elif self.empty_since is None:
            self.empty_since = ts
        elif ts - self.empty_since >= PROOF_GAP:
            self.proven = True


class Connection:
    """A venue's state."""

    __slots__ = (
        "accepting",
        "asked_ts",
        "budget",
        "cash",
        "cash_ts",
        "differences",
        "mismatch",
        "private_ts",
        "reconciling",
        "stream",
        "sweep",
        "up",
        "venue",
        "why_down",
    )

    def __init__(self, venue: Venue, settings: AccountSettings) -> None:
        self.venue = venue
        self.up = False
        self.why_down = "not connected yet"
        self.reconciling = True
        self.mismatch = ""  # red until the operator accepts the venue's account of us
        self.accepting = False  # the next account of us is taken over as it is
        self.differences: dict[Instrument, tuple[Nanos, int]] = {}  # position differences seen once
        self.stream = Stream()
        self.private_ts = NEVER  # last proof that fills reach us
        self.cash: int | None = None
        self.cash_ts = NEVER
        self.asked_ts = NEVER  # last reconcile sent
        self.budget = Budget(settings)
        self.sweep: Sweep | None = None

    def trouble(self, settings: AccountSettings, ts: Nanos) -> Reason | None:
        """Why nothing may be sent to the venue now; None when it is sound."""
        if not self.up:
            return Reason.VENUE_DOWN
        if self.mismatch:
            return Reason.MISMATCH
        if self.reconciling:
            return Reason.RECONCILING
        if ts - self.private_ts > settings.fills_blind_s * SECOND:
            return Reason.FILLS_BLIND
        if self.cash is None or ts - self.cash_ts > settings.balance_age_max_s * SECOND:
            return Reason.NO_BALANCE
        return None
