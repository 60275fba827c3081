"""Everybody else: a fair value that moves, a sharp book that follows it, makers around it, takers who bet."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable

from console.sandbox.prophetx.exchange import Exchange
from console.sandbox.prophetx.luck import Luck
from console.sandbox.prophetx.pool import Pool, Wager, odds_ratio

MARGIN = 0.024  # of the sharp book: -110 / +100 adds up to 1.0238
SPREAD = 0.035  # of the crowd's makers around the fair value
DRIFT = 0.0015  # a step of the fair value
JUMP, JUMP_CHANCE = 0.02, 0.004
MOVE = 0.006  # the sharp book moves when it is off by so much
STEP_S = 1.0


class Line:
    """One line as the crowd sees it."""

    __slots__ = ("fair", "home", "pool", "quotes", "sharp")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.fair = self.home = pool.line.fair
        self.sharp = pool.line.fair
        self.quotes: list[Wager] = []


class Crowd:
    """Acts once a second on some of the lines. `pace` multiplies how often."""

    def __init__(self, exchange: Exchange, luck: Luck, pace: float = 1.0) -> None:
        self._exchange = exchange
        self._luck = luck
        self.pace = pace
        self.lines = [Line(pool) for pool in exchange.pools.values()]
        self._by_key = {line.pool.line.key: line for line in self.lines}
        self._rungs = exchange.ladder  # longest odds last
        self._ratios = [odds_ratio(odds) for odds in self._rungs]

    def open(self) -> None:
        """Everybody posts first prices on the main lines; the others begin empty."""
        for line in self.lines:
            if line.pool.line.favourite:
                self._quote(line)

    def step(self) -> None:
        """One second passes."""
        for line in self.lines:
            if line.pool.fixture.status != "not_started":
                continue
            if self._luck.happens(min(1.0, 0.2 * self.pace)):
                self._move(line)
            if self._luck.happens(min(1.0, 0.03 * self.pace)):
                self._quote(line)
            if self._luck.happens(min(1.0, 0.006 * self.pace)):
                self._bet(line)

    def sharp(self, key: str) -> tuple[float, float]:
        """The sharp book's decimal odds on a line now, first side first."""
        line = self._by_key[key]
        return _decimal(line.sharp), _decimal(1.0 - line.sharp)

    # ---- inside

    def _move(self, line: Line) -> None:
        step = self._luck.normal(DRIFT) + 0.01 * (line.home - line.fair)
        if self._luck.happens(JUMP_CHANCE):
            step += self._luck.normal(JUMP)
        line.fair = min(0.93, max(0.07, line.fair + step))
        if abs(line.fair - line.sharp) > MOVE:
            line.sharp = line.fair

    def _quote(self, line: Line) -> None:
        """Two makers take their old prices down and put up new ones around what they believe."""
        for wager in line.quotes:
            self._exchange.cut(wager)
        line.quotes = []
        for maker in ("crowd-1", "crowd-2"):
            believed = line.fair + self._luck.normal(0.004)
            for side, chance in ((0, believed), (1, 1.0 - believed)):
                wanted = chance - SPREAD * self._luck.between(0.5, 1.5)
                odds = self._longer(max(0.02, wanted))
                cents = int(self._luck.between(20.0, 900.0)) * 100
                side_id = line.pool.line.sides[side].side_id
                if line.pool.crosses(side, odds) is None:
                    line.quotes.append(self._exchange.rest(maker, side_id, odds, cents))

    def _bet(self, line: Line) -> None:
        """Somebody bets on one side, the likelier the better its price is."""
        side = int(self._luck.share() < 0.5)
        shown = line.pool.shown(side)
        if not shown:
            return
        chance = line.fair if side == 0 else 1.0 - line.fair
        value = chance * float(1 + odds_ratio(shown[0].odds)) - 1.0
        if self._luck.share() < 1.0 / (1.0 + math.exp(-(value + 0.03) * 60.0)):
            risk = int(self._luck.between(5.0, 140.0) * 100)
            self._exchange.take(line.pool.line.sides[side].side_id, risk)

    def _longer(self, chance: float) -> int:
        """The rung at this price or the next longer one."""
        ratio = (1.0 - chance) / chance
        place = bisect_left(self._ratios, ratio)
        return self._rungs[min(place, len(self._rungs) - 1)]


def _decimal(chance: float) -> float:
    """Decimal odds of a chance with the book's margin, as American odds would round them."""
    price = chance * (1.0 + MARGIN)
    if price >= 0.5:
        american = -round(100.0 * price / (1.0 - price))
        return 1.0 + 100.0 / -american
    american = round(100.0 * (1.0 - price) / price)
    return 1.0 + american / 100.0


def ladder() -> list[int]:
    """The venue's longer ladder: every rung of the old sample and as many again between them."""
    steps = (
        (100, 150, 1),
        (150, 200, 2),
        (200, 300, 4),
        (300, 500, 5),
        (500, 1000, 20),
        (1000, 2000, 50),
        (2000, 5000, 250),
        (5000, 10_001, 2500),
    )
    up = sorted({odds for low, high, step in steps for odds in range(low, high, step)} | set(_old()))
    return [*up, *(-odds for odds in up if odds != 100)]


def _old() -> Iterable[int]:
    for low, high, step in (
        (120, 200, 2),
        (200, 300, 5),
        (300, 500, 10),
        (1000, 2000, 100),
        (3000, 5000, 500),
    ):
        yield from range(low, high, step)
