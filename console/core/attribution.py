"""Where the profit of a match came from: spread captured, adverse selection, drift, settlement, fees.

A fill of n contracts (negative when it made us shorter) at x, everything in prices of the YES leg, with
theo at the fill, 30 s later and now (TRADING 9): captured n(theo_fill - x), adverse n(theo_30 - theo_fill),
drift n(theo_now - theo_30), and of what settles n(payout - theo_last). Sums are kept as whole numbers of
contracts times price, in millionths squared, so that the parts add up to the profit to the millionth.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from msgspec import Struct

from console.core.instruments import Instrument
from console.core.positions import Position
from console.core.units import ONE, SECOND, Cash, Nanos, ceil_div

HORIZONS_S = (1, 5, 30, 300)
ADVERSE = HORIZONS_S.index(30)  # the horizon that parts adverse selection from drift


class Parts(Struct, frozen=True, array_like=True):
    """What a profit is made of, in cash; all but `fees`, which are paid, add up to it.

    `corrections` is what no trade of ours explains: an inventory set by hand, a fill that was reversed.
    """

    captured: Cash = Cash(0)
    adverse: Cash = Cash(0)
    drift: Cash = Cash(0)
    settlement: Cash = Cash(0)
    fees: Cash = Cash(0)
    corrections: Cash = Cash(0)

    @property
    def net(self) -> int:
        """The profit they add up to."""
        return self.captured + self.adverse + self.drift + self.settlement - self.fees + self.corrections


class Fresh(Struct, frozen=True, array_like=True):
    """A fill waiting for a mark-out: when, contracts signed, theo at the fill."""

    due: int
    net: int
    fair: int


class Strand:
    """The fills of one symbol since it last settled."""

    __slots__ = ("basis", "last", "matured", "waiting")

    def __init__(self, fair: int) -> None:
        self.last = fair  # theo when last known
        self.matured = 0  # contracts whose thirty seconds are over ...
        self.basis = 0  # ... and what they were worth then
        self.waiting: tuple[deque[Fresh], ...] = tuple(deque() for _ in HORIZONS_S)

    @property
    def fresh(self) -> deque[Fresh]:
        """Fills that are still being judged."""
        return self.waiting[ADVERSE]

    def adverse(self, fair: int) -> int:
        """What the fresh fills gained or lost so far."""
        return sum(fill.net * (fair - fill.fair) for fill in self.fresh)

    def drift(self, fair: int) -> int:
        """What the matured contracts gained or lost since."""
        return self.matured * fair - self.basis


class Kept(Struct, frozen=True, array_like=True):
    """An attribution as it outlives its run; of fresh fills the time that is left."""

    captured: int
    adverse: int
    drift: int
    settlement: int
    commission: int
    strands: tuple[tuple[Instrument, int, int, int, tuple[Fresh, ...]], ...]


class Attribution:
    """The parts of one match's profit."""

    __slots__ = ("_adverse", "_captured", "_commission", "_drift", "_marked", "_settlement", "_strands")

    def __init__(self) -> None:
        self._captured = self._adverse = self._drift = self._settlement = 0
        self._commission = 0  # of winnings, taken at settlements
        self._strands: dict[Instrument, Strand] = {}
        self._marked = [[0, 0] for _ in HORIZONS_S]  # worth gained, contracts, by horizon

    # ---- learning

    def filled(self, instrument: Instrument, ts: Nanos, net: int, moved: int, fair: int | None) -> None:
        """Contracts of a symbol changed hands: `net` YES contracts came in, `moved` cash with them, fee out.

        Cash counts as positions count it: a NO bought is a YES sold short. Without a theo (None) the price
        itself stands in for it: then nothing is known to have been captured.
        """
        if not net:
            return
        if fair is None:
            fair = -moved * ONE // net
        strand = self._strands.get(instrument)
        if strand is None:
            strand = self._strands[instrument] = Strand(fair)
        self._captured += net * fair + moved * ONE
        for horizon_s, waiting in zip(HORIZONS_S, strand.waiting, strict=True):
            waiting.append(Fresh(ts + horizon_s * SECOND, net, fair))

    def sample(self, instrument: Instrument, ts: Nanos, fair: int) -> None:
        """Theo of the YES leg now: mark out the fills whose time has come."""
        strand = self._strands.get(instrument)
        if strand is None:
            return
        strand.last = fair
        for number, waiting in enumerate(strand.waiting):
            while waiting and waiting[0].due <= ts:
                fill = waiting.popleft()
                gained = fill.net * (fair - fill.fair)
                self._marked[number][0] += gained
                self._marked[number][1] += abs(fill.net)
                if number == ADVERSE:
                    self._adverse += gained
                    strand.matured += fill.net
                    strand.basis += fill.net * fair

    def settled(self, instrument: Instrument, net: int, moved: int, commission: int) -> None:
        """A symbol paid out: `net` contracts became `moved` cash, before `commission` on winnings."""
        strand = self._strands.pop(instrument, None)
        self._commission += commission
        if strand is None:
            return
        self._adverse += strand.adverse(strand.last)
        self._drift += strand.drift(strand.last)
        self._settlement += moved * ONE - net * strand.last

    def corrected(self, moved: int, commission: int) -> None:
        """A settlement was corrected: cash and commission came out by so much otherwise."""
        self._commission += commission
        self._settlement += (moved + commission) * ONE

    # ---- asking

    def symbols(self) -> Iterable[Instrument]:
        """The symbols with fills that have not settled."""
        return self._strands

    def parts(self, positions: Iterable[Position], fair: dict[Instrument, int], net: Cash) -> Parts:
        """What the profit `net` of these positions is made of, at the theo of every symbol.

        Rounding to whole millionths goes into the drift, so that the parts add up to `net` exactly.
        """
        adverse, drift = self._adverse, self._drift
        for instrument, strand in self._strands.items():
            now = fair.get(instrument, strand.last)
            adverse += strand.adverse(now)
            drift += strand.drift(now)
        worth, paid, due = self._worth(positions, fair)
        explained = self._captured + adverse + drift + self._settlement
        corrections = (worth - explained) // ONE
        captured, adverse, settlement = (part // ONE for part in (self._captured, adverse, self._settlement))
        fees = paid + self._commission + due
        rest = net + fees - captured - adverse - settlement - corrections
        return Parts(
            Cash(captured), Cash(adverse), Cash(rest), Cash(settlement), Cash(fees), Cash(corrections)
        )

    def _worth(self, positions: Iterable[Position], fair: dict[Instrument, int]) -> tuple[int, int, int]:
        """Cash and contracts at theo without fees (squared); fees paid; commission due if theo came true."""
        worth = paid = due = 0
        for position in positions:
            worth += (position.cash + position.fees) * ONE
            paid += position.fees
            for instrument, held in position.holdings.items():
                strand = self._strands.get(instrument)
                now = fair.get(instrument, strand.last if strand is not None else 0)
                worth += held.net * now
                due += ceil_div(held.commission * now, ONE)
        return worth + self._commission * ONE, paid, due

    def markouts(self) -> tuple[int | None, ...]:
        """What contracts gained on average after each of `HORIZONS_S`, in millionths; None before any."""
        return tuple(gained // count if count else None for gained, count in self._marked)

    # ---- outliving the run

    def kept(self, ts: Nanos) -> Kept:
        """Everything but the mark-outs that are for display only."""
        return Kept(
            captured=self._captured,
            adverse=self._adverse,
            drift=self._drift,
            settlement=self._settlement,
            commission=self._commission,
            strands=tuple(_strand_kept(self._strands, ts)),
        )

    def bring_back(self, kept: Kept, ts: Nanos) -> None:
        """Go on from where an earlier run left off."""
        self._captured, self._adverse, self._drift = kept.captured, kept.adverse, kept.drift
        self._settlement, self._commission = kept.settlement, kept.commission
        self._strands = {}
        for instrument, matured, basis, last, fresh in kept.strands:
            strand = self._strands[instrument] = Strand(last)
            strand.matured, strand.basis = matured, basis
            strand.fresh.extend(Fresh(ts + fill.due, fill.net, fill.fair) for fill in fresh)


def total(parts: Iterable[Parts]) -> Parts:
    """Parts of several profits together."""
    return Parts(*(Cash(sum(each)) for each in zip(*map(_fields, parts), strict=True)))


def _fields(parts: Parts) -> tuple[int, ...]:
    return tuple(getattr(parts, name) for name in parts.__struct_fields__)


def _strand_kept(
    strands: dict[Instrument, Strand], ts: Nanos
) -> Iterator[tuple[Instrument, int, int, int, tuple[Fresh, ...]]]:
    for instrument, strand in strands.items():
        fresh = tuple(Fresh(fill.due - ts, fill.net, fill.fair) for fill in strand.fresh)
        yield instrument, strand.matured, strand.basis, strand.last, fresh
