"""What we hold on a match: the profit in every way it can end, cost basis, and profit already locked.

A two-sided symbol is kept as net YES contracts (NO held counts negative), as the venue keeps it. Cash is
kept as if a NO contract were a YES contract sold short, so that the profit in a branch is simply
cash + sum(net * payout of YES), whatever leg was traded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from console.core.fees import FeeModel, commission_of
from console.core.instruments import BUY, DRAW, HALF, REFUND, YES, Action, Instrument, VoidRule
from console.core.lots import Lock, Lots
from console.core.units import ONE, Price, ceil_div

DRAWN = 2  # mask of the middle outcome of three


class Paid(Struct, frozen=True, array_like=True):
    """What a symbol paid for contracts we held: `moved` is the cash, `due` the commission taken of it."""

    payout: int
    refund: bool
    net: int
    basis: int
    commission: int
    moved: int
    due: int


def _pay(net: int, basis: int, commission: int, payout: int, refund: bool) -> Paid:
    due = 0 if refund else ceil_div(commission * payout, ONE)
    moved = basis + min(0, net) if refund else net * payout // ONE - due
    return Paid(payout, refund, net, basis, commission, moved, due)


class Holding:
    """One symbol: net YES contracts and what they cost on average, fees included."""

    __slots__ = ("basis", "commission", "net", "paid", "pays", "settled")

    def __init__(self, pays: int) -> None:
        self.pays = pays  # outcome mask of the YES leg
        self.net = 0
        self.basis = 0  # cash paid for the contracts held, of whichever leg, fees in
        self.commission = 0  # due if YES pays, commissions on winnings only
        self.settled = False
        self.paid: tuple[Paid, ...] = ()  # once more for fills that were told after it had settled

    def paid_otherwise(self, payout: int, refund: bool) -> bool:
        """It has settled, but not at this result."""
        return any(p.refund is not refund or (not refund and p.payout != payout) for p in self.paid)


class Closing(Struct, frozen=True, array_like=True):
    """Contracts that a route would close: they may cost `value` in all to break even (kappa * size).

    `due` is the commission the held contracts owe if they win.
    """

    size: int = 0
    value: int = 0
    due: int = 0


Possible = tuple[int, bool]  # outcomes (a mask) that can still be, and whether none of them can


def worth(pays: int, known: Possible) -> int | None:
    """What a YES contract on these outcomes pays, where the result known so far leaves no doubt."""
    possible, none = known
    if not possible & pays:
        return 0
    return ONE if not none and not possible & ~pays else None


class Position:
    """Everything we hold on one match, on venues that net against each other.

    `locked` is profit fixed by reducing fills, whatever the result; of it `conditional` counts on one
    of the listed outcomes winning.
    """

    __slots__ = (
        "_branches",
        "cash",
        "conditional",
        "fees",
        "fills",
        "holdings",
        "locked",
        "lots",
        "may_none",
        "outcomes",
    )

    def __init__(self, outcomes: int, may_none: bool) -> None:
        self.outcomes = outcomes
        self.may_none = may_none
        self.holdings: dict[Instrument, Holding] = {}  # by YES leg
        self.cash = 0
        self.fees = 0
        self.fills = 0
        self.lots = Lots(outcomes, may_none)
        self.locked = 0
        self.conditional = 0
        self._branches: tuple[int, ...] | None = None

    # ---- learning

    def list(self, instrument: Instrument, pays: Iterable[int]) -> None:
        """Make a symbol known by its YES leg and the outcomes it pays on."""
        mask = sum(1 << outcome for outcome in pays)
        holding = self.holdings.setdefault(instrument.yes, Holding(mask))
        holding.pays = mask

    def fill(
        self,
        instrument: Instrument,
        action: Action,
        size: int,
        cost: int,
        fee: int,
        fees: FeeModel,
    ) -> Lock:
        """Book a fill; `cost` is the exact cash paid (buy) or received (sell), without the fee."""
        holding = self.holdings[instrument.yes]
        bought = action is BUY
        gained = self._mask(instrument) if bought else self.full ^ self._mask(instrument)
        paid = (cost if bought else size - cost) + fee  # per contract of what we became long
        lock = self.lots.add(gained, size, paid, safe=bought is not (instrument.side is YES))
        signed = size if bought is (instrument.side is YES) else -size
        self._carry(holding, signed, paid, size)
        if bought:
            self.cash += (0 if signed > 0 else size) - cost - fee
            holding.commission += commission_of(fees, size, cost)
        else:
            self.cash += cost - fee - (0 if signed < 0 else size)
        self.fees += fee
        self.fills += 1
        self._branches = None
        self.locked += lock.profit
        self.conditional += lock.conditional
        return lock

    def settle(self, instrument: Instrument, payout: int, refund: bool) -> None:
        """The symbol paid `payout` millionths per YES contract, or gave the stake back."""
        holding = self.holdings[instrument.yes]
        paid = _pay(holding.net, holding.basis, holding.commission, payout, refund)
        self.cash += paid.moved
        holding.paid = (*holding.paid, paid)
        holding.net = holding.basis = holding.commission = 0
        holding.settled = True
        self._paired_anew()

    def correct(self, instrument: Instrument, payout: int, refund: bool) -> tuple[int, int]:
        """It settled before at another result: take that back and pay this one.

        Returns by how much the cash moved, and the commission.
        """
        holding = self.holdings[instrument.yes]
        before = holding.paid
        holding.paid = tuple(_pay(p.net, p.basis, p.commission, payout, refund) for p in before)
        moved = sum(p.moved for p in holding.paid) - sum(p.moved for p in before)
        self.cash += moved
        self._paired_anew()
        return moved, sum(p.due for p in holding.paid) - sum(p.due for p in before)

    def override(self, instrument: Instrument, net: int, cost: int) -> None:
        """Replace what is held of one symbol: net YES contracts that cost `cost` cash in all, fees in.

        A commission on winnings is due on so many of them as were held before.
        """
        holding = self.holdings[instrument.yes]
        same = holding.net * net > 0
        holding.commission = ceil_div(holding.commission * abs(net), abs(holding.net)) if same else 0
        self.cash += holding.basis if holding.net >= 0 else holding.basis + holding.net
        self.cash -= cost if net >= 0 else cost + net
        holding.net, holding.basis = net, cost
        self._paired_anew()

    def _paired_anew(self) -> None:
        """Holdings were set, or some have settled: pair off what is held and still open by its average cost.

        Whatever any outcome that can still be would bring beyond what the unpaired lots do is fixed.
        """
        self._branches = None
        self.lots = Lots(self.outcomes, self.may_none)
        self.conditional = 0
        possible, _ = known = self.possible()
        for held in self.holdings.values():
            if held.net and worth(held.pays, known) is None:
                gained = held.pays if held.net > 0 else self.full ^ held.pays
                lock = self.lots.add(gained, abs(held.net), held.basis, safe=held.net < 0)
                self.conditional += lock.conditional
        one = possible & -possible
        won = sum(held.net for held in self.holdings.values() if held.pays & one)
        self.locked = self.cash + won - self.lots.profit(one)

    def _carry(self, holding: Holding, signed: int, paid: int, size: int) -> None:
        """Keep the average cost of what stays held; what is closed leaves at the average."""
        if holding.net * signed >= 0:
            holding.net += signed
            holding.basis += paid
            return
        held = abs(holding.net)
        closed = min(size, held)
        holding.basis -= holding.basis * closed // held
        if size > closed:
            holding.basis = paid * (size - closed) // size
        holding.net += signed

    def forget_branches(self) -> None:
        """Cash or holdings were set from outside: profits are reckoned anew."""
        self._branches = None

    # ---- asking

    def possible(self) -> Possible:
        """Outcomes that what has settled so far leaves open, and whether all may still settle at nothing."""
        possible, none = self.full, self.may_none
        for held in self.holdings.values():
            for paid in held.paid[-1:]:
                if not paid.refund and paid.payout in (0, ONE):
                    possible &= held.pays if paid.payout else ~held.pays
                    none = none and not paid.payout
        return (possible, none) if possible or none else (self.full, self.may_none)

    @property
    def full(self) -> int:
        """Mask of all outcomes."""
        return (1 << self.outcomes) - 1

    @property
    def flat(self) -> bool:
        """Nothing is held."""
        return not any(holding.net for holding in self.holdings.values())

    def profits(self) -> tuple[int, ...]:
        """Profit in each outcome, then (if it can be) when every YES settles at nothing."""
        if self._branches is None:
            masks = [1 << outcome for outcome in range(self.outcomes)] + ([0] if self.may_none else [])
            self._branches = tuple(
                self.cash
                + sum(held.net - held.commission for held in self.holdings.values() if held.pays & mask)
                for mask in masks
            )
        return self._branches

    def void_profit(self, rules: Mapping[Instrument, VoidRule], fair: Mapping[int, int] | None) -> int:
        """Profit if the match is void, each symbol by its venue's rule; unknown fair value counts as 0."""
        total = self.cash
        for instrument, held in self.holdings.items():
            if not held.net:
                continue
            rule = rules[instrument]
            if rule is REFUND:
                total += held.basis + min(0, held.net)
            elif rule is DRAW:
                total += held.net if held.pays & DRAWN else 0
            elif rule is HALF:
                total += held.net * held.pays.bit_count() // self.outcomes
            elif fair is not None:
                total += held.net * fair[held.pays] // ONE
            else:
                total += min(0, held.net)
        return total

    def exposure(self, gained: int, theo: Sequence[int] | None) -> int:
        """E[payout | S] - E[payout | not S] in contracts; exact for two outcomes, else weighed by theo."""
        profits = self._branches
        if profits is None:
            profits = self.profits()
        if self.outcomes == 2:
            return profits[0] - profits[1] if gained == 1 else profits[1] - profits[0]
        if profits.count(profits[0]) == len(profits):  # nothing that hangs on the outcome is held
            return 0
        inside = [o for o in range(self.outcomes) if gained >> o & 1]
        outside = [o for o in range(self.outcomes) if not gained >> o & 1]
        return _mean(profits, inside, theo) - _mean(profits, outside, theo)

    def reducible(self, gained: int) -> Closing:
        """What becoming long `gained` would close.

        Over the outcomes of profit less what is locked, reducing means that `gained` holds every worst
        outcome and no best one; q* = min outside - min inside, kappa = min outside / q*. Bounded by the
        lot it pairs with: it can neither close more contracts nor pay more than kappa of that lot.
        """
        lot = self.lots.unpaired(self.full ^ gained)
        if lot is None:
            return Closing()
        due = [
            sum(h.commission for h in self.holdings.values() if h.pays >> o & 1) for o in range(self.outcomes)
        ]
        profits = [p + d - self.locked for p, d in zip(self.profits(), due, strict=False)]
        inside = [p for o, p in enumerate(profits) if gained >> o & 1]
        outside = [p for o, p in enumerate(profits) if not gained >> o & 1]
        if min(outside) <= min(profits) or max(inside) >= max(profits):
            return Closing()
        reach = min(outside) - min(inside)
        size = min(reach, lot.count)
        value = min(size * min(outside) // reach, size - ceil_div(lot.cost * size, lot.count))
        owed = max(d for o, d in enumerate(due) if not gained >> o & 1)
        return Closing(size, value, ceil_div(owed * size, lot.count))

    def held(self, instrument: Instrument) -> int:
        """Contracts of this leg that are held and could be sold."""
        net = self.holdings[instrument.yes].net
        held = net if instrument.side is YES else -net
        return held if held > 0 else 0

    def average(self, gained: int) -> Price | None:
        """Average cost, fees in, of the unpaired contracts long `gained`; None if there are none."""
        lot = self.lots.unpaired(gained)
        return Price(ceil_div(lot.cost * ONE, lot.count)) if lot is not None else None

    def spent(self) -> int:
        """Cash that left the account, to come back or not: what the venue's balance is lower by."""
        return -(self.cash + sum(min(0, held.net) for held in self.holdings.values()))

    def value(self, marks: Mapping[Instrument, int]) -> int:
        """Profit if every symbol held were worth its mark (millionths per YES contract)."""
        total = self.cash
        for instrument, held in self.holdings.items():
            if held.net:
                total += held.net * marks[instrument] // ONE
                total -= ceil_div(held.commission * marks[instrument], ONE)
        return total

    def _mask(self, instrument: Instrument) -> int:
        pays = self.holdings[instrument.yes].pays
        return pays if instrument.side is YES else self.full ^ pays


def _mean(profits: Sequence[int], outcomes: Sequence[int], theo: Sequence[int] | None) -> int:
    if len(outcomes) == 1:
        return profits[outcomes[0]]
    weights = [theo[o] for o in outcomes] if theo is not None else [1 for _ in outcomes]
    return sum(w * profits[o] for w, o in zip(weights, outcomes, strict=True)) // max(1, sum(weights))
