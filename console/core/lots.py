"""Which contracts stand alone and which are paired off: cost basis and locked profit.

A lot is what makes us long a set of outcomes: buying the set, or selling its complement (at one minus the
price). Lots of complementary sets pair off, as do single outcomes that together cover all of them; a pair
pays $1 whatever happens, leaves at the average cost of the contracts still unpaired, and its profit is
locked. For two outcomes this is kappa = 1 - unpaired average cost.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from console.core.units import ceil_div


class Lot:
    """Unpaired contracts long one outcome set: `cost` is what they cost in all, fees in.

    `safe` of the `count` contracts also pay when no listed outcome wins (NO legs and sales of YES).
    """

    __slots__ = ("cost", "count", "safe")

    def __init__(self, count: int, cost: int, safe: int) -> None:
        self.count = count
        self.cost = cost
        self.safe = safe

    def take(self, count: int, safe: int) -> int:
        """Remove `count` contracts, `safe` of them safe, at the average cost rounded up; return it."""
        cost = ceil_div(self.cost * count, self.count)
        self.count -= count
        self.cost -= cost
        self.safe -= safe
        return cost


class Lock(Struct, frozen=True, array_like=True):
    """What a fill locked: contracts paired, their profit, and the part of it that is only conditional.

    Conditional profit counts on one of the listed outcomes winning: YES and YES of a pair whose symbols
    may all settle at nothing.
    """

    size: int = 0
    profit: int = 0
    conditional: int = 0


class Lots:
    """The unpaired contracts of a position, by the outcome set they are long (a bit mask)."""

    def __init__(self, outcomes: int, may_none: bool) -> None:
        self.full = (1 << outcomes) - 1
        self.outcomes = outcomes
        self.may_none = may_none
        self.lots: dict[int, Lot] = {}

    def add(self, gained: int, size: int, paid: int, safe: bool) -> Lock:
        """Become long `gained` by `size` contracts that cost `paid` in all; pair off what can be."""
        lot = self.lots.setdefault(gained, Lot(0, 0, 0))
        lot.count += size
        lot.cost += paid
        lot.safe += size if safe else 0
        locks = [self._pair(gained, self.full ^ gained, size if safe else 0)]
        if self.outcomes > 2:
            locks += self._merge_complements()
            locks.append(self._pair_singles())
        self.lots = {mask: kept for mask, kept in self.lots.items() if kept.count}
        return Lock(
            *(sum(parts) for parts in zip(*((k.size, k.profit, k.conditional) for k in locks), strict=True))
        )

    def unpaired(self, mask: int) -> Lot | None:
        """The lot long `mask`, if any."""
        return self.lots.get(mask)

    def profit(self, outcome: int) -> int:
        """What the unpaired contracts bring if `outcome` (a mask) wins."""
        return sum((lot.count if mask & outcome else 0) - lot.cost for mask, lot in self.lots.items())

    def _pair(self, gained: int, opposite: int, new_safe: int) -> Lock:
        """Pair the newest contracts with the complementary lot, safe with unsafe as far as that goes."""
        other, own = self.lots.get(opposite), self.lots[gained]
        size = min(other.count, own.count) if other is not None else 0
        if other is None or size == 0:
            return Lock()
        own_safe = size if new_safe else min(own.safe, max(0, size - (own.count - own.safe)))
        wanted = size - own_safe
        other_safe = min(other.safe, max(wanted, size - (other.count - other.safe)))
        cost = own.take(size, own_safe) + other.take(size, other_safe)
        profit = size - cost
        unsafe = max(0, size - own_safe - other_safe) if self.may_none else 0
        return Lock(size, profit, profit * unsafe // size)

    def _merge_complements(self) -> Iterator[Lock]:
        """NO of one outcome and NO of another pay $1 for sure and $1 more on the third: book them so.

        What they cost less than the dollar for sure is locked: nothing remains to be paid for the rest.
        """
        while True:
            pairs = [mask for mask, lot in self.lots.items() if mask.bit_count() > 1 and lot.count]
            if len(pairs) < 2:
                return
            first, second = pairs[0], pairs[1]
            count = min(self.lots[first].count, self.lots[second].count)
            one, two = self.lots[first], self.lots[second]
            safe = min(one.safe, count), min(two.safe, count)
            cost = one.take(count, safe[0]) + two.take(count, safe[1])
            excess = max(0, count - cost)
            third = self.lots.setdefault(first & second, Lot(0, 0, 0))
            third.count += count
            third.cost += cost - count + excess
            third.safe += max(0, sum(safe) - count)
            unsafe = max(0, count - sum(safe)) if self.may_none else 0
            yield Lock(count if excess else 0, excess, excess * unsafe // count)

    def _pair_singles(self) -> Lock:
        """One contract of every outcome pays $1."""
        lots = [self.lots.get(1 << outcome) for outcome in range(self.outcomes)]
        held = [lot for lot in lots if lot is not None and lot.count]
        if len(held) < self.outcomes:
            return Lock()
        size = min(lot.count for lot in held)
        safe = [min(lot.safe, size) for lot in held]
        profit = size - sum(lot.take(size, part) for lot, part in zip(held, safe, strict=True))
        unsafe = max(0, size - sum(safe)) if self.may_none else 0
        return Lock(size, profit, profit * unsafe // size)
