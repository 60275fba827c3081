"""The most a match can still lose, with every resting and in-flight order filled in the worst combination.

W(branch) = V(branch) + sum over orders of remaining * min(0, payout - price - fee); worst = -min W over the
outcomes, the branch in which every listed YES settles at nothing (where that can be), and the void branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from console.core.fees import WINNINGS, FeeModel, fee_per_contract
from console.core.instruments import BUY, DRAW, FAIR, HALF, REFUND, YES, Action, Instrument, VoidRule
from console.core.positions import DRAWN, Position
from console.core.units import ONE, Cash


class Terms(Struct, frozen=True):
    """What exposure needs to know of a symbol: YES outcome mask, fees, and what a void match pays."""

    pays: int
    fees: FeeModel
    void_rule: VoidRule


class Risked(Struct, frozen=True, array_like=True):
    """An order as exposure sees it: every version (price, remaining) that may be resting, the older first.

    `owed` is the exact cost of a purchase for a round sum, else 0: price times remaining. `takes`: it pays
    the fee of a taker.
    """

    instrument: Instrument
    action: Action
    versions: tuple[tuple[int, int], ...]
    owed: int = 0
    takes: bool = False


TermsOf = Mapping[Instrument, Terms]
Fair = Mapping[int, int] | None  # theo by outcome mask; None while there is none


class WorstCase:
    """The most a match can lose, measured only when somebody asks: most changes are soon followed.

    `measure` finds it by the terms and the fair value of the last change, `bound` what it cannot exceed
    whatever these are.
    """

    __slots__ = ("_at_most", "_bound", "_by", "_measure", "_worst")

    def __init__(
        self,
        bound: Callable[[], int],
        measure: Callable[[TermsOf, Fair], int],
        terms: TermsOf,
        fair: Fair,
    ) -> None:
        self._bound = bound
        self._measure = measure
        self.changed(terms, fair)

    def changed(self, terms: TermsOf, fair: Fair) -> None:
        """Orders or position changed."""
        self._by = (terms, fair)
        self._worst: int | None = None  # not measured since the last change
        self._at_most: int | None = None

    def revalued(self, terms: TermsOf, fair: Fair) -> None:
        """Terms or fair value may have changed, and nothing else."""
        if self._by[0] is not terms or self._by[1] != fair:
            self._by, self._worst = (terms, fair), None

    def measured(self) -> int:
        """The worst loss."""
        if self._worst is None:
            self._worst = self._measure(*self._by)
        return self._worst

    def bounded(self) -> int:
        """No less than that, without measuring it."""
        if self._worst is not None:
            return self._worst
        if self._at_most is None:
            self._at_most = self._bound()
        return self._at_most


def worst_loss(
    position: Position,
    orders: Iterable[Risked],
    terms: TermsOf,
    fair: Fair,
) -> Cash:
    """Worst loss of one position and its orders, in cash; never below 0.

    `fair` (theo by outcome mask) values contracts where a venue settles a void match at a fair price;
    None means unknown and counts as nothing.
    """
    outcomes = position.outcomes
    branches = list(position.profits())
    if position.flat:
        branches.append(position.cash)
    else:
        rules = {instrument: told.void_rule for instrument, told in terms.items()}
        branches.append(position.void_profit(rules, fair))
    for order in orders:
        told = terms[order.instrument.yes]
        pays = told.pays if order.instrument.side is YES else ~told.pays
        probability = fair[told.pays] if fair is not None else ONE
        fees = [_fee_at_risk(told.fees, price, probability, order.takes) for price, _ in order.versions]
        adds = _worst_of(order, 0, fees), _worst_of(order, ONE, fees)
        for branch in range(outcomes + position.may_none):
            branches[branch] += adds[pays >> branch & 1]
        worth = _at_void(order.instrument, told, outcomes, fair)
        if worth is not None:
            branches[-1] += _worst_of(order, worth, fees)
    return Cash(max(0, -min(branches)))


def cash_at_risk(action: Action, price: int, size: int, fees: FeeModel, fair: int) -> Cash:
    """Most that one order by itself can lose: what it pays, or for a sale what the contract could pay."""
    per_contract = (price if action is BUY else ONE - price) + _fee_at_risk(fees, price, fair, takes=False)
    return Cash(-(-per_contract * size // ONE))


def _fee_at_risk(fees: FeeModel, price: int, fair: int, takes: bool) -> int:
    """What a fill costs whatever comes: a commission is due only where the bet wins, and never eats a win."""
    return 0 if fees.kind is WINNINGS else fee_per_contract(fees, price, fair, maker=not takes)


def _at_void(instrument: Instrument, terms: Terms, outcomes: int, fair: Fair) -> int | None:
    """Payout per contract of the leg if the match is void; None where the venue returns the stake."""
    if terms.void_rule is REFUND:
        return None
    if terms.void_rule is FAIR and fair is None:
        return 0
    if terms.void_rule is DRAW:
        return ONE if bool(terms.pays & DRAWN) is (instrument.side is YES) else 0
    half = ONE * terms.pays.bit_count() // outcomes
    worth = half if terms.void_rule is HALF or fair is None else fair[terms.pays]
    return worth if instrument.side is YES else ONE - worth


def _worst_of(order: Risked, payout: int, fees: Sequence[int]) -> int:
    """What the worst filling of an order adds to a branch in which it pays `payout`; `fees` by version.

    An amend in flight asks for a total: the old version may fill first, and the rest of the new one after.
    """
    price, left = order.versions[0]
    if order.owed:
        return min(0, left * (payout - fees[0]) // ONE - order.owed)
    worst = _loss(order.action, price, left, payout, fees[0])
    if len(fees) == 1:  # nearly always
        return worst
    for (new_price, new_left), fee in zip(order.versions[1:], fees[1:], strict=True):
        after = _loss(order.action, new_price, max(0, new_left - left), payout, fee)
        alone = _loss(order.action, new_price, new_left, payout, fee)
        worst = min(alone, worst + after)
    return worst


def _loss(action: Action, price: int, remaining: int, payout: int, fee: int) -> int:
    """What `remaining` contracts would add to the branch if it is a loss, else 0."""
    gain = payout - price - fee if action is BUY else price - fee - payout
    return remaining * gain // ONE if gain < 0 else 0
