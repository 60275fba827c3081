"""Running estimates of one match: shock, volatility, order flow, adverse selection, toxicity.

Floats live here; what leaves is whole millionths of a dollar, rounded against us. Probabilities are in
cents per contract (0 to 100) inside, as in the trading rules.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from console.core.units import CENT, SECOND, Nanos, Price

VOL_TAU_S = 300.0
VOL_HORIZON_S = 5.0
VOL_CAP = 5.0  # ¢
VOL_FLOOR = 0.1  # ¢, below it the market is calm
USUAL_EVERY_S = 60
USUAL_SAMPLES = 24 * 60  # a day of minutes
USUAL_SAMPLES_MIN = 30  # before that nothing is known of what is usual
SHOCK_LOOKBACK_S = 10
SHOCK_FLOOR = 1.0  # ¢
FLOW_WINDOW_S = 60
FLOW_MIN_CONTRACTS = 20.0
FLOW_FREE = 0.15
FLOW_WEIGHT = 2.0  # ¢ at full imbalance
MARKOUT_S = 30
ADVERSE_DECAY = 0.97
ADVERSE_PRIOR_QUOTES = 20.0
ADVERSE_CAP = 5.0  # ¢
TOXIC_FILLS = 50
TOXIC_FILLS_MIN = 10


def cents(amount: float) -> Price:
    """Cents as millionths of a dollar, rounded up: a buffer is never understated."""
    return Price(math.ceil(amount * CENT - 1e-9))


class Shock:
    """Sudden moves of one source's probability, scored against its own recent moves.

    A sample a second: d = p - p(10 s ago), scored as |d| / max(sigma, 1 ¢) with sigma squared the EWMA
    (time constant 300 s) of d squared before this move; a shocked d enters it clipped at 3 sigma. The
    average is over the time seen so far, so that it does not start too low.
    """

    __slots__ = ("_last_ts", "_lately", "_past", "_seen", "_variance", "last_shock_ts", "score")

    def __init__(self) -> None:
        self._past: deque[tuple[int, float]] = deque()
        self._variance = 0.0
        self._seen = 0.0  # weight of the time seen, towards 1
        self._last_ts: int | None = None
        self.score = 0.0
        self.last_shock_ts: int | None = None
        self._lately: tuple[float, float] | None = None

    def sample(self, ts: Nanos, probability: float, threshold: float) -> float:
        """Take a probability (0 to 1) and return its score; a score from `threshold` up is a shock."""
        while len(self._past) > 1 and self._past[1][0] <= ts - SHOCK_LOOKBACK_S * SECOND:
            self._past.popleft()
        move = 100.0 * (probability - self._past[0][1]) if self._past else 0.0
        self._past.append((ts, probability))
        self._lately = None
        sigma = self.sigma
        self.score = abs(move) / max(sigma, SHOCK_FLOOR)
        elapsed = 0.0 if self._last_ts is None else (ts - self._last_ts) / SECOND
        self._last_ts = ts
        kept = min(abs(move), threshold * max(sigma, SHOCK_FLOOR)) if self.score >= threshold else abs(move)
        decay = math.exp(-elapsed / VOL_TAU_S)
        self._variance = decay * self._variance + (1.0 - decay) * kept * kept
        self._seen = decay * self._seen + 1.0 - decay
        if self.score >= threshold:
            self.last_shock_ts = ts
        return self.score

    @property
    def lately(self) -> tuple[float, float] | None:
        """Lowest and highest probability of the last ten seconds; None before the first."""
        if self._lately is None and self._past:
            recent = [past for _, past in self._past]
            self._lately = min(recent), max(recent)
        return self._lately

    @property
    def sigma(self) -> float:
        """Root of the EWMA of squared ten-second moves, in cents."""
        return math.sqrt(self._variance / self._seen) if self._seen > 0.0 else 0.0


class Volatility:
    """Variance per second of a probability on a one-second grid, EWMA with time constant 300 s.

    What is usual is the median over the last 24 hours, a sample a minute.
    """

    __slots__ = ("_buffer", "_last", "_next_ts", "_past", "_past_ts", "_seen", "_variance", "ratio", "sigma")

    def __init__(self) -> None:
        self._last: float | None = None
        self._variance = 0.0
        self._seen = 0.0
        self._next_ts = 0
        self._past: deque[float] = deque(maxlen=USUAL_SAMPLES)
        self._past_ts = 0
        self.ratio = 1.0  # sigma as a multiple of the usual one, as of the last minute
        self.sigma = 0.0  # root of the variance over five seconds, in cents
        self._buffer = (0.0, 0.0, Price(0))  # factor, sigma, and what the buffer is for them

    def sample(self, ts: Nanos, probability: float) -> None:
        """Take a probability; samples closer than a second to the last one are ignored."""
        if ts < self._next_ts:
            return
        if self._last is not None:
            seconds = 1.0 + (ts - self._next_ts) / SECOND
            move = 100.0 * (probability - self._last)
            decay = math.exp(-seconds / VOL_TAU_S)
            self._variance = decay * self._variance + (1.0 - decay) * move * move / seconds
            self._seen = decay * self._seen + 1.0 - decay
            self.sigma = math.sqrt(self._variance / self._seen * VOL_HORIZON_S)
            if ts >= self._past_ts:
                self._compare(ts)
        self._last = probability
        self._next_ts = ts + SECOND

    def _compare(self, ts: Nanos) -> None:
        """Once a minute: a calm market is a calm one, however much calmer it gets."""
        self._past_ts = ts + USUAL_EVERY_S * SECOND
        sigma = max(VOL_FLOOR, self.sigma)
        self._past.append(sigma)
        if len(self._past) >= USUAL_SAMPLES_MIN:
            self.ratio = sigma / median(self._past)

    def buffer(self, factor: float) -> Price:
        """min(5, k * sqrt(v * 5 s)) cents; 0 below 0.1 ¢."""
        of_factor, of_sigma, buffer = self._buffer
        if of_factor != factor or of_sigma != self.sigma:  # asked for more often than it changes
            amount = factor * self.sigma
            buffer = cents(min(VOL_CAP, amount)) if amount >= VOL_FLOOR else Price(0)
            self._buffer = (factor, self.sigma, buffer)
        return buffer


class Flow:
    """Taker buying and selling of the first outcome over the last 60 s, in contracts."""

    __slots__ = ("_bought", "_forgotten", "_seconds", "_sold")

    def __init__(self) -> None:
        self._seconds: deque[list[float]] = deque()  # [second, bought, sold]
        self._forgotten = -1.0  # seconds up to this one are
        self._bought = 0.0
        self._sold = 0.0

    def trade(self, ts: Nanos, contracts: float, bought: bool) -> None:
        """Count a taker trade."""
        second = float(ts // SECOND)
        if not self._seconds or self._seconds[-1][0] != second:
            self._forget(ts)
            self._seconds.append([second, 0.0, 0.0])
        if bought:
            self._seconds[-1][1] += contracts
            self._bought += contracts
        else:
            self._seconds[-1][2] += contracts
            self._sold += contracts

    def imbalance(self, ts: Nanos) -> float:
        """(buys - sells) / total of the last 60 s; 0 under 20 contracts."""
        if not self._seconds:
            return 0.0
        self._forget(ts)
        total = self._bought + self._sold
        return 0.0 if total < FLOW_MIN_CONTRACTS else (self._bought - self._sold) / total

    def _forget(self, ts: Nanos) -> None:
        oldest = float(ts // SECOND - FLOW_WINDOW_S)
        if oldest == self._forgotten:  # asked for more often than once a second
            return
        self._forgotten = oldest
        while self._seconds and self._seconds[0][0] <= oldest:
            _, bought, sold = self._seconds.popleft()
            self._bought -= bought
            self._sold -= sold
        if not self._seconds:
            self._bought = self._sold = 0.0


def flow_buffer(imbalance: float) -> Price:
    """2 * max(0, -I - 0.15) / 0.85 cents: selling pressure on what we would buy."""
    return cents(FLOW_WEIGHT * max(0.0, -imbalance - FLOW_FREE) / (1.0 - FLOW_FREE))


class Markouts:
    """What fills of one direction were worth 30 s later.

    m = theo at the fill - theo 30 s later for a buy, in cents: positive means that we lost.
    """

    __slots__ = ("_recent", "_toxicity", "_waiting", "_weight", "_weighted")

    def __init__(self) -> None:
        self._toxicity = 0.0
        self._waiting: deque[tuple[int, float, float]] = deque()  # (due, probability, quotes)
        self._recent: deque[bool] = deque(maxlen=TOXIC_FILLS)
        self._weighted = 0.0
        self._weight = 0.0

    def filled(self, ts: Nanos, probability: float, quotes: float) -> None:
        """Remember a fill that made us long at this probability of the paying set; its size in quotes."""
        self._waiting.append((ts + MARKOUT_S * SECOND, probability, quotes))

    def mature(self, ts: Nanos, probability: float, tick: float) -> bool:
        """Mark out the fills whose time has come, and say whether there were any.

        `tick` in cents: a fill that lost more than half of it counts as toxic.
        """
        matured = False
        while self._waiting and self._waiting[0][0] <= ts:
            _, then, quotes = self._waiting.popleft()
            lost = 100.0 * (then - probability)
            self._weighted = ADVERSE_DECAY * self._weighted + quotes * lost
            self._weight = ADVERSE_DECAY * self._weight + quotes
            self._recent.append(lost > tick / 2.0)
            matured = True
        if matured and len(self._recent) >= TOXIC_FILLS_MIN:
            self._toxicity = sum(self._recent) / len(self._recent)
        return matured

    @property
    def waiting(self) -> bool:
        """Some fills have not been marked out yet."""
        return bool(self._waiting)

    @property
    def judged(self) -> int:
        """How many fills the toxicity is the share of."""
        return len(self._recent)

    def adverse(self, prior: Price) -> float:
        """Expected loss to informed takers in cents, shrunk to `prior`, between it and 5 ¢."""
        floor = prior / CENT
        mean = (ADVERSE_PRIOR_QUOTES * floor + self._weighted) / (ADVERSE_PRIOR_QUOTES + self._weight)
        mean = mean if mean > floor else floor
        return mean if mean < ADVERSE_CAP else ADVERSE_CAP

    def toxicity(self) -> float:
        """Share of the last 50 fills that lost more than half a tick; 0 under 10 fills."""
        return self._toxicity


def kelly_size(percent: int, bankroll: int, fair: int, cost: int) -> int:
    """Contracts of a fractional Kelly bet: k * bankroll * (p - c) / (c * (1 - c)), in millionths.

    `fair` is the low fair value less adverse selection and uncertainty, `cost` price plus fee.
    """
    if not 0 < cost < 1_000_000 or fair <= cost:
        return 0
    p, c = fair / 1e6, cost / 1e6
    return int(percent / 100.0 * bankroll * (p - c) / (c * (1.0 - c)))
