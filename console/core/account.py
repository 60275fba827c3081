"""Profit and loss of the account against its baselines: the day, the peak, and the halts they cause."""

from __future__ import annotations

from msgspec import Struct

from console.core.attribution import Parts, total
from console.core.curve import Curve
from console.core.settings import AccountSettings
from console.core.units import SECOND, Nanos

DAY = 86_400 * SECOND


class Baseline(Struct, frozen=True, array_like=True):
    """What loss limits are measured from; survives restarts.

    `day` numbers days since 1970 from the setting's start of day; profits are at the loss marks, so
    deposits and withdrawals are never part of them.
    """

    day: int = -1
    day_start: int = 0  # profit when the day began
    peak: int = 0  # highest profit since the last re-arm
    equity_start: int | None = None  # account equity when first known, deposits excluded later
    profit_start: int = 0  # profit at that moment
    retired: int = 0  # profit of matches no longer kept, and rewards
    rewards: int = 0  # of it, paid for providing liquidity


class Account:
    """Total profit once a second, its baselines, and which loss limit stands breached."""

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings
        self.baseline = Baseline()
        self.profit = 0
        self.halt = ""  # a loss halt of the whole account, until the operator lifts it
        self.curve = Curve()
        self.retired = Parts()  # what the profit of matches no longer kept was made of

    @property
    def day_profit(self) -> int:
        """Profit since the day began."""
        return self.profit - self.baseline.day_start

    @property
    def drawdown(self) -> int:
        """How far profit is below its peak."""
        return self.baseline.peak - self.profit

    def mark(self, profit: int, wall: Nanos, ts: Nanos) -> str:
        """Take the total profit at the loss marks; returns the breach it causes, empty for none."""
        self.profit = profit
        day = (wall - self.settings.day_start_utc_s * SECOND) // DAY
        base = self.baseline
        if day != base.day:
            self.curve.begin()
            base = _replace(base, day=day, day_start=profit)
        if profit > base.peak:
            base = _replace(base, peak=profit)
        self.baseline = base
        self.curve.add(self.day_profit, ts)
        return self.breach()

    def breach(self) -> str:
        """The first loss limit that is breached now, in words; empty for none."""
        settings, base = self.settings, self.baseline
        if -self.day_profit >= settings.daily_loss:
            return "daily_loss"
        if settings.drawdown is not None and self.drawdown >= settings.drawdown:
            return "drawdown"
        if settings.stop_loss_pct is not None and base.equity_start is not None:
            lost = base.profit_start - self.profit
            if lost * 100 >= settings.stop_loss_pct * base.equity_start and lost > 0:
                return "stop_loss_pct"
        return ""

    def equity_known(self, equity: int) -> None:
        """Remember the equity of the account when it is first known."""
        if self.baseline.equity_start is None:
            self.baseline = _replace(self.baseline, equity_start=equity, profit_start=self.profit)

    def retire(self, profit: int, parts: Parts) -> None:
        """Keep the profit of a match that is removed, and what it was made of."""
        self.retired = total((self.retired, parts))
        self.baseline = _replace(self.baseline, retired=self.baseline.retired + profit)

    def reward(self, amount: int) -> None:
        """The venue paid for providing liquidity: profit of no match."""
        base = self.baseline
        self.baseline = _replace(base, retired=base.retired + amount, rewards=base.rewards + amount)

    def rearmed(self) -> None:
        """The operator looked and goes on: the peak is measured from here."""
        self.baseline = _replace(self.baseline, peak=self.profit)


def _replace(baseline: Baseline, **changes: int) -> Baseline:
    fields = {name: getattr(baseline, name) for name in baseline.__struct_fields__}
    return Baseline(**{**fields, **changes})
