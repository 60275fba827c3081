"""Recordings made up for tests: one or more markets, in the shape and proportions of recorded ones.

What was measured on 900,000 deltas of a busy market is in `GAPS_MS` and `BEHIND`; there, 5.6 % of the deltas
moved a best price, and 3 % of the frames were trades.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

BEGAN_MS = 1_795_000_000_000  # 2026-11-18
# Milliseconds between two deltas, by their share in thousandths: half come with the one before.
GAPS_MS = {0: 507, 1: 124, 2: 88, 5: 94, 11: 61, 22: 41, 45: 36, 90: 21, 180: 13, 360: 8, 700: 7}
# Cents behind the best price at which somebody places or cancels, by share in hundredths; -1 improves on it.
BEHIND = {-1: 3, 0: 20, 1: 13, 2: 12, 3: 10, 4: 8, 5: 6, 6: 5, 7: 4, 8: 4, 9: 4, 10: 2, 12: 9}
# Contracts placed or cancelled at once, by share in hundredths.
SIZES = {1: 12, 6: 6, 12: 22, 24: 18, 48: 19, 96: 14, 200: 5, 1500: 4}
Levels = dict[int, int]  # hundredths of a contract by cents of the side's own leg


class MadeUp:
    """One market whose middle walks about; its frames, one at a time, with their times."""

    def __init__(self, ticker: str, seed: int, middle: int = 50) -> None:
        self.ticker = ticker
        self._dice = random.Random(f"{ticker}/{seed}")
        self._middle = middle
        self._ms = BEGAN_MS
        self._seq = 0
        self.yes: Levels = {}
        self.no: Levels = {}
        for depth in range(1, 15):
            self.yes[middle - depth] = self.no[100 - middle - depth] = self._size()

    def _size(self) -> int:
        return self._of(SIZES) * self._dice.randrange(70, 140)

    def _frame(self, kind: str, msg: dict[str, object]) -> dict[str, object]:
        self._seq += 1
        event = {"type": kind, "sid": 1, "seq": self._seq, "msg": {"market_ticker": self.ticker, **msg}}
        return {"recv_ms": self._ms, "event": event}

    def snapshot(self) -> dict[str, object]:
        return self._frame(
            "orderbook_snapshot", {"yes_dollars_fp": _told(self.yes), "no_dollars_fp": _told(self.no)}
        )

    def frames(self, count: int) -> Iterator[dict[str, object]]:
        """At least `count` frames, about 65 a second."""
        until = self._seq + count
        yield self.snapshot()
        while self._seq < until:
            self._ms += self._of(GAPS_MS)
            luck = self._dice.random()
            if luck < 0.03:
                yield from self._trade()
            elif luck < 0.04:
                yield from self._walk()
            else:
                yield from self._flicker()

    def _of(self, shares: dict[int, int]) -> int:
        return self._dice.choices(tuple(shares), tuple(shares.values()))[0]

    def _side(self) -> tuple[str, Levels, Levels]:
        return self._dice.choice((("yes", self.yes, self.no), ("no", self.no, self.yes)))

    def _delta(self, side: str, levels: Levels, cents: int, change: int) -> dict[str, object]:
        size = levels.get(cents, 0) + change
        assert size >= 0, "the made up market takes no more than there is"
        if size:
            levels[cents] = size
        else:
            levels.pop(cents, None)
        told = {"price_dollars": f"{cents / 100:.4f}", "delta_fp": f"{change / 100:.2f}", "side": side}
        return self._frame("orderbook_delta", told)

    def _flicker(self) -> Iterator[dict[str, object]]:
        """Somebody places or cancels, anywhere behind the best offer."""
        side, levels, others = self._side()
        best = 99 - max(others, default=0)
        cents = max(1, min(best, max(levels, default=1) - self._of(BEHIND)))
        size = levels.get(cents, 0)
        if size and self._dice.random() < 0.5:
            yield self._delta(side, levels, cents, -min(size, self._size()))
        elif cents <= best:
            yield self._delta(side, levels, cents, self._size())

    def _trade(self) -> Iterator[dict[str, object]]:
        """Somebody takes at the best price of a side."""
        side, levels, _ = self._side()
        if len(levels) < 2:
            return
        cents = max(levels)
        size = self._dice.randrange(1, levels[cents] + 1)
        trade = {
            "yes_price_dollars": f"{(cents if side == 'yes' else 100 - cents) / 100:.4f}",
            "count_fp": f"{size / 100:.2f}",
            "taker_book_side": "ask" if side == "yes" else "bid",
        }
        trade_first = self._dice.random() < 0.1
        if trade_first:
            yield self._frame("trade", trade)
        yield self._delta(side, levels, cents, -size)
        if not trade_first:
            yield self._frame("trade", trade)

    def _walk(self) -> Iterator[dict[str, object]]:
        """The middle moves a cent: a side loses its best level, the other improves."""
        side, levels, others = self._side()
        if len(levels) < 3 or not 10 < 100 - max(levels) < 90:
            return
        cents = max(levels)
        yield self._delta(side, levels, cents, -levels[cents])
        other = "no" if side == "yes" else "yes"
        yield self._delta(other, others, min(98, 99 - max(levels)), self._size())


def write(path: Path, frames: Iterator[dict[str, object]]) -> Path:
    """A gzipped recording of frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", compresslevel=1) as file:
        for frame in frames:
            file.write(json.dumps(frame, separators=(",", ":")) + "\n")
    return path


def made_up(path: Path, count: int, seed: int = 1, ticker: str = "MADEUP-A") -> Path:
    """A recording of one made up market."""
    return write(path, MadeUp(ticker, seed).frames(count))


def _told(levels: Levels) -> list[list[str]]:
    return [[f"{cents / 100:.4f}", f"{size / 100:.2f}"] for cents, size in sorted(levels.items())]
