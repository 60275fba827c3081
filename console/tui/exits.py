"""The ways out of what is held, as the books shown stand: what could be sold now, down to a floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from console.core.instruments import Instrument, Side
from console.core.units import ONE
from console.core.view import HoldingView, LadderView


class Exit(Struct, frozen=True):
    """Selling one holding into others' bids: contracts found, what they bring, the lowest price taken.

    `best` is None when nobody bids; fees are not in it.
    """

    instrument: Instrument
    outcome: str
    held: int
    best: int | None
    found: int
    cash: int
    lowest: int | None

    @property
    def average(self) -> int | None:
        """What a contract brings."""
        return self.cash * ONE // self.found if self.found else None


def exits(holdings: Iterable[HoldingView], ladders: Sequence[LadderView], floor: int = 1) -> list[Exit]:
    """One for every holding, not below `floor`."""
    return [_exit(held, ladders, floor) for held in holdings]


def _exit(held: HoldingView, ladders: Sequence[LadderView], floor: int) -> Exit:
    size = abs(held.net)
    ladder = next((each for each in ladders if each.instrument == held.instrument.yes), None)
    found, cash, best, lowest = 0, 0, None, None
    for price, offered in _bids(ladder, held.instrument.side):
        best = price if best is None else best
        if price < floor or found == size:
            break
        taken = min(offered, size - found)
        found += taken
        cash += taken * price // ONE
        lowest = price
    return Exit(held.instrument, held.outcome, size, best, found, cash, lowest)


def _bids(ladder: LadderView | None, side: Side) -> Iterable[tuple[int, int]]:
    """Others' bids for a leg, best first: who offers YES bids for NO."""
    if ladder is None or ladder.stale:
        return
    if side is Side.YES:
        yield from ((level.price, level.bid) for level in ladder.levels if level.bid)
    else:
        yield from ((ONE - level.price, level.ask) for level in reversed(ladder.levels) if level.ask)
