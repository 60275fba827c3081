"""The most a match can still lose, with every resting and in-flight order filled in the worst combination.

W(branch) = V(branch) + sum over orders of remaining * min(0, payout - price - fee); worst = -min W over the
outcomes, the branch in which every listed YES settles at nothing (where that can be), and the void branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from console.core.fees import FeeModel, fee_per_contract
from console.core.instruments import Action, Instrument, Side, VoidRule
from console.core.positions import Position
from console.core.units import ONE, Cash


class Terms(Struct, frozen=True):
    """What exposure needs to know of a symbol: YES outcome mask, fees, and what a void match pays."""

    pays: int
    fees: FeeModel
    void_rule: VoidRule


class Risked(Struct, frozen=True, array_like=True):
    """An order as exposure sees it: every version (price, remaining) that may be resting."""

    instrument: Instrument
    action: Action
    versions: tuple[tuple[int, int], ...]


def worst_loss(
    position: Position,
    orders: Iterable[Risked],
    terms: Mapping[Instrument, Terms],
    fair: Mapping[int, int] | None,
) -> Cash:
    """Worst loss of one position and its orders, in cash; never below 0.

    `fair` (theo by outcome mask) values contracts where a venue settles a void match at a fair price;
    None means unknown and counts as nothing.
    """
    outcomes = position.outcomes
    branches = list(position.profits())
    rules = {instrument: terms[instrument].void_rule for instrument in position.holdings}
    branches.append(position.void_profit(rules, fair))
    for order in orders:
        told = terms[order.instrument.yes]
        payouts = _payouts(order.instrument, told, outcomes, position.may_none, fair)
        probability = fair[told.pays] if fair is not None else ONE
        for branch, payout in enumerate(payouts):
            if payout is not None:
                branches[branch] += min(
                    _loss(order.action, price, remaining, payout, told.fees, probability)
                    for price, remaining in order.versions
                )
    return Cash(max(0, -min(branches)))


def cash_at_risk(action: Action, price: int, size: int, fees: FeeModel, fair: int) -> Cash:
    """Most that one order by itself can lose: what it pays, or for a sale what the contract could pay."""
    per_contract = (price if action is Action.BUY else ONE - price) + fee_per_contract(fees, price, fair)
    return Cash(-(-per_contract * size // ONE))


def _payouts(
    instrument: Instrument, terms: Terms, outcomes: int, may_none: bool, fair: Mapping[int, int] | None
) -> list[int | None]:
    """Payout per contract of the leg in each branch, void last; None where the venue returns the stake."""
    yes = [ONE if terms.pays >> outcome & 1 else 0 for outcome in range(outcomes)] + [0] * may_none
    leg: list[int | None] = [payout if instrument.side is Side.YES else ONE - payout for payout in yes]
    if terms.void_rule is VoidRule.REFUND:
        return [*leg, None]
    if terms.void_rule is VoidRule.FAIR and fair is None:
        return [*leg, 0]
    half = ONE * terms.pays.bit_count() // outcomes
    worth = half if terms.void_rule is VoidRule.HALF or fair is None else fair[terms.pays]
    return [*leg, worth if instrument.side is Side.YES else ONE - worth]


def _loss(action: Action, price: int, remaining: int, payout: int, fees: FeeModel, fair: int) -> int:
    """What `remaining` contracts would add to the branch if it is a loss, else 0."""
    fee = fee_per_contract(fees, price, fair)
    gain = payout - price - fee if action is Action.BUY else price - fee - payout
    return remaining * gain // ONE if gain < 0 else 0
