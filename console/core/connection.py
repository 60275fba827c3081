"""One venue as the engine knows it: connected or not, what it last told of our account, its write budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from console.core.book import NEVER, Stream
from console.core.events import VenueLimits
from console.core.instruments import Instrument, Venue
from console.core.reasons import Reason
from console.core.settings import AccountSettings
from console.core.units import MILLISECOND, SECOND, Cash, Nanos

RENEWAL_SHARE = 4  # at most one in so many write tokens goes into keeping resting orders alive
KILL_PAUSES_MS = (250, 500, 1000, 2000)
PROOF_GAP = 2 * SECOND
DELAYS_KEPT = 64
NOT_CONFIGURED = "not configured in this run"


class Costs(Struct, frozen=True, array_like=True):
    """Write tokens by kind of request; `renew` is for prolonging one resting order."""

    place: int = 10
    amend: int = 10
    cancel: int = 2
    renew: int = 0


class Budget:
    """Write tokens of a venue: a bucket refilled by time, part of it kept for cancels.

    The venue's own numbers govern once it has told them (C5); until then those of the settings.
    """

    __slots__ = ("_filled_ts", "_told", "burst", "costs", "per_s", "reserve", "tokens")

    def __init__(self, settings: AccountSettings) -> None:
        self._told: VenueLimits | None = None
        self.costs = Costs()
        self.tokens = settings.write_burst * SECOND  # in billionths of a token: exact in whole numbers
        self.configure(settings)
        self._filled_ts = NEVER

    def configure(self, settings: AccountSettings) -> None:
        """Take the refill rate, the size of the bucket and the share kept for cancels."""
        told = self._told
        self.per_s = told.write_per_s if told is not None else settings.write_tokens_per_s
        self.burst = told.write_burst if told is not None else settings.write_burst
        self.reserve = self.burst * settings.cancel_reserve_pct // 100
        self.tokens = min(self.tokens, self.burst * SECOND)

    def told(self, limits: VenueLimits, settings: AccountSettings) -> None:
        """The venue stated its limits; the bucket is as full in parts of its size as it was before."""
        before, tokens, self._told = self.burst, self.tokens, limits
        self.costs = Costs(limits.place, limits.amend, limits.cancel, limits.renew)
        self.configure(settings)
        self.tokens = min(tokens * self.burst // max(1, before), self.burst * SECOND)

    def left(self, ts: Nanos) -> int:
        """Whole tokens in the bucket now."""
        if ts != self._filled_ts:
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


class Delays:
    """How long the last answers of a venue took, from the decision to the acknowledgement."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=DELAYS_KEPT)

    def add(self, nanos: int) -> None:
        """Take one."""
        self._last.append(nanos)

    def share(self, percent: int) -> int | None:
        """What `percent` of them did not exceed, in nanoseconds; None before the first."""
        ranked = sorted(self._last)
        return ranked[min(len(ranked) * percent // 100, len(ranked) - 1)] if ranked else None


class Till:
    """Our cash at one venue by our own count, free and tied up, and what the venue last said of it.

    `expected` is None until the venue first told. `opened` is where this run began, `paid_in` what came
    in or went out since without trading, as told or as accepted by the operator, and `traded` what trading
    moved; `overridden` is what the operator wrote into our books without any cash moving.
    """

    __slots__ = (
        "expected",
        "opened",
        "overridden",
        "paid_in",
        "peak",
        "rounded_to",
        "seen",
        "slack",
        "told",
        "traded",
    )

    def __init__(self) -> None:
        self.expected: int | None = None
        self.told: int | None = None
        self.opened: int | None = None
        self.paid_in = self.traded = self.overridden = 0
        self.rounded_to = 0  # the unit of what the venue tells
        self.slack = 0  # what the rounding of fees may come to
        self.seen: tuple[Nanos, int] | None = None  # a difference seen once, and when
        self.peak = 0  # highest total since the last alert of a drop

    def begin(self, total: int) -> None:
        """Count from what the venue says: at first, and when the operator accepts a difference."""
        if self.expected is not None:
            self.paid_in += total - self.expected
        else:
            self.opened = total - self.paid_in
        self.expected = self.told = total
        self.slack, self.seen = 0, None

    @property
    def tolerated(self) -> int:
        """By how much the venue may be off without anything being wrong; nothing where it tells exactly."""
        return self.rounded_to + self.slack if self.rounded_to else 0

    def restore(self, expected: int, slack: int) -> None:
        """Go on where an earlier run left off."""
        self.expected = self.opened = expected
        self.slack = slack

    def moved(self, amount: int, rounding: int) -> None:
        """Something was traded or paid out."""
        self.traded += amount
        if self.expected is not None:
            self.expected += amount
            self.slack += rounding

    def paid(self, amount: int) -> None:
        """Cash came in or went out without trading."""
        if self.expected is not None:
            self.expected += amount
            self.paid_in += amount


class Purse:
    """Free cash as it was last told, and what fills have taken since: `anew` on orders placed since, too."""

    __slots__ = ("cash", "spent", "spent_anew")

    def __init__(self, cash: int) -> None:
        self.cash = cash
        self.spent = 0
        self.spent_anew = 0  # of it, what nothing was set aside for when the cash was told


class Connection:
    """A venue's state."""

    __slots__ = (
        "absent",
        "accepting",
        "answers",
        "asked_ts",
        "budget",
        "cash",
        "cash_ts",
        "claimable",
        "clock_offset",
        "dead_man",
        "differences",
        "drawn_on",
        "elsewhere",
        "ghosts",
        "held",
        "kept_alive_ts",
        "killed",
        "mismatch",
        "pockets",
        "private_ts",
        "purse",
        "reconciling",
        "rejects",
        "resting_multiple",
        "round_trip",
        "stream",
        "sweep",
        "till",
        "unattended_max",
        "up",
        "venue",
        "why_down",
    )

    def __init__(self, venue: Venue, settings: AccountSettings) -> None:
        self.venue = venue
        self.absent = False  # not configured in this run: positions there are kept, nothing is sent
        self.up = False
        self.why_down = "not connected yet"
        self.held = ""  # why nothing may rest there, though what takes may leave
        self.reconciling = True
        self.mismatch = ""  # red until the operator accepts the venue's account of us
        self.accepting = False  # the next account of us is taken over as it is
        self.differences: dict[Instrument, tuple[Nanos, int]] = {}  # position differences seen once
        self.elsewhere: dict[Instrument, int] = {}  # net contracts held there of no match of ours
        self.stream = Stream()
        self.private_ts = NEVER  # last proof that fills reach us
        self.cash: int | None = None  # free, in all pockets
        self.cash_ts = NEVER
        self.purse = Purse(0)
        self.pockets: dict[str, Purse] = {}  # what the purse is divided into, where that does not mix
        self.drawn_on: dict[Instrument, str] = {}  # the pocket that pays for a symbol (its YES leg)
        self.till = Till()
        self.ghosts = 0  # orders we held live that the venue did not list
        self.claimable = 0  # waits to be merged or redeemed
        self.asked_ts = NEVER  # last reconcile sent
        self.budget = Budget(settings)
        self.clock_offset: int | None = None  # of the venue's clock ahead of ours
        self.round_trip: int | None = None  # of the last measurement of the clock
        self.answers = Delays()
        self.rejects = 0
        self.dead_man = False  # the venue ends our orders when it no longer hears of us
        self.kept_alive_ts = NEVER
        self.resting_multiple = 0  # all that rests may come to so many times the cash; 0: it is paid for
        self.unattended_max: int | None = None  # the most that may rest while nobody watches
        self.killed = ""  # by whom, while nothing may leave for this venue alone
        self.sweep: Sweep | None = None

    def told_cash(self, cash: int, pockets: Iterable[tuple[str, int]], ts: Nanos) -> None:
        """The venue told our free cash: fills told before are in it, whatever comes now is not."""
        self.cash, self.cash_ts, self.purse = cash, ts, Purse(cash)
        self.pockets = {name: Purse(amount) for name, amount in pockets}

    def defined(self, instrument: Instrument, pocket: str) -> None:
        """The venue stated which pocket pays for a symbol; empty: it has but one."""
        if pocket:
            self.drawn_on[instrument] = pocket

    def purse_of(self, instrument: Instrument) -> Purse:
        """What pays for a purchase; a pocket the venue does not list is empty."""
        if not self.pockets:
            return self.purse
        return self.pockets.setdefault(self.drawn_on.get(instrument.yes, ""), Purse(0))

    def listed_pockets(self) -> tuple[tuple[str, Cash], ...]:
        """Every pocket that holds something or pays for a symbol of ours, by name."""
        if not self.pockets:
            return ()
        cash = {name: purse.cash for name, purse in self.pockets.items() if purse.cash}
        names = sorted({*cash, *self.drawn_on.values()})
        return tuple((name, Cash(cash.get(name, 0))) for name in names)

    def paid(self, instrument: Instrument, amount: int, placed_ts: Nanos | None) -> None:
        """A purchase filled; `placed_ts` None: nobody knows since when it rested."""
        purse = self.purse_of(instrument)
        purse.spent += amount
        if placed_ts is None or placed_ts >= self.cash_ts:
            purse.spent_anew += amount

    def trouble(self, settings: AccountSettings, ts: Nanos) -> Reason | None:
        """Why nothing may be sent to the venue now; None when it is sound."""
        if self.killed:
            return Reason.KILLED
        if not self.up:
            return Reason.VENUE_DOWN
        if self.mismatch:
            return Reason.MISMATCH
        if self.reconciling:
            return Reason.RECONCILING
        if (
            self.clock_offset is not None
            and abs(self.clock_offset) > settings.clock_offset_max_ms * MILLISECOND
        ):
            return Reason.CLOCK
        if ts - self.private_ts > settings.fills_blind_s * SECOND:
            return Reason.FILLS_BLIND
        if self.cash is None or ts - self.cash_ts > settings.balance_age_max_s * SECOND:
            return Reason.NO_BALANCE
        return None

    def quote_trouble(self, settings: AccountSettings, ts: Nanos) -> Reason | None:
        """Why nothing may rest at the venue now."""
        return self.trouble(settings, ts) or (Reason.VENUE_HELD if self.held else None)

    def lease(self, settings: AccountSettings, orders: int) -> int:
        """How long from now orders may rest without a sign of life from us, in nanoseconds.

        Longer than asked for where renewing so many orders twice in a lease would eat too much of the
        write budget.
        """
        spent = 2 * RENEWAL_SHARE * orders * self.budget.costs.renew
        return max(settings.expiry_s * SECOND, -(-spent * SECOND // max(1, self.budget.per_s)))
