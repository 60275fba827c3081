"""Invariants of profit and its limits: baselines that forget nothing, halts that are never late (C8)."""

from __future__ import annotations

from collections import deque

from console.backtest.broken import Broken, Patience
from console.backtest.scene import Scene
from console.core.account import DAY
from console.core.checkpoint import EVERY
from console.core.events import AnyEvent, Rearm, RemoveMatch, Resume
from console.core.matches import MatchId
from console.core.units import MILLISECOND, SECOND

_LOST_NS = EVERY + 2 * SECOND  # a crash may lose so much of the baselines: to the last checkpoint's commit
_MARKED_NS = 1200 * MILLISECOND  # profit is marked once a second


class Losses:
    """The day's beginning and the peak of profit, kept a second time from the engine's marks."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._day = -1
        self._day_start = 0
        self._peak = 0
        self._removed_ts = 0
        self._ticked = 0
        self._late: Patience[str] = Patience(_MARKED_NS)
        self._past: deque[tuple[int, int, int, int]] = deque()  # (ts, day, day_start, peak)

    def learn(self, event: AnyEvent) -> None:
        """Take what the operator said and the engine did not refuse."""
        profit = self._scene.state.account.profit
        match event:
            case Rearm() | Resume(match="") if self._scene.state.account.baseline.peak == profit:
                self._peak = profit  # measured from here on
                self._past.clear()
            case RemoveMatch():
                self._removed_ts = event.ts
            case _:
                pass

    def restarted(self) -> None:
        """Baselines survive a crash but for the last moments."""
        base = self._scene.state.account.baseline
        if self._past and self._past[0][0] <= self._ticked - _LOST_NS:
            _, day, day_start, peak = self._past[0]
            if base.day == day and (base.day_start != day_start or base.peak < peak):
                raise Broken("baseline", f"{base} after a crash, was day {day} from {day_start}, peak {peak}")
        self._day, self._day_start, self._peak = base.day, base.day_start, base.peak
        self._past.clear()
        self._late.restart()

    def tick(self, ts: int, wall: int) -> None:
        """Follow the marks; a breach that stands has halted everything."""
        self._ticked = ts
        scene = self._scene
        account, settings = scene.state.account, scene.state.settings
        profit, base = account.profit, account.baseline
        if base.day < 0:
            return
        day = (wall - settings.day_start_utc_s * SECOND) // DAY
        if day != self._day and base.day == day:
            self._day, self._day_start = day, base.day_start
        if profit > self._peak:
            self._peak = profit
        if base.day_start != self._day_start or base.peak != self._peak:
            kept = f"day from {self._day_start}, peak {self._peak}"
            raise Broken("baseline", f"{base}, but marks say {kept}")
        lost, below = self._day_start - profit, self._peak - profit
        breached = lost >= settings.daily_loss or (
            settings.drawdown is not None and below >= settings.drawdown
        )
        unhalted = ["the account"] if breached and not account.halt else []
        halted_matches: dict[MatchId, str] = {}
        for desk in scene.state.desks.values():
            if desk.loss_halt:
                halted_matches[desk.spec.id] = desk.loss_halt
            elif -desk.mark >= desk.settings.max_loss_match:
                unhalted.append(desk.spec.id)
        late = self._late.look(unhalted, ts) if unhalted or self._late else None
        if late is not None:
            raise Broken(
                "loss_limit", f"{late} is past its limit (day {-lost}, peak {-below}) and not halted"
            )
        scene.halted, scene.halted_matches = account.halt, halted_matches
        if not self._past or ts - self._past[-1][0] >= SECOND:
            self._past.append((ts, self._day, self._day_start, self._peak))
            while len(self._past) > 1 and self._past[1][0] <= ts - _LOST_NS:
                self._past.popleft()

    def truth(self, ts: int) -> None:
        """Profit is that of its matches, and each of those is possible."""
        state = self._scene.state
        if ts - self._removed_ts < 2 * SECOND:
            return
        total = state.account.baseline.retired + sum(desk.mark for desk in state.desks.values())
        if state.account.baseline.day >= 0 and total != state.account.profit:
            raise Broken("profit", f"{state.account.profit}, but the matches come to {total}")
