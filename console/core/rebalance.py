"""Turning exposure into locked profit: when to rebalance, and how much the reducing side may pay."""

from __future__ import annotations

from collections.abc import Mapping

from console.core.book import Face
from console.core.fees import WINNINGS, FeeModel, worst_fee_per_contract
from console.core.positions import Closing, Position
from console.core.settings import MatchSettings
from console.core.units import BASIS_POINTS, ONE, Price, ceil_div

# Of ten thousand matches of a sport so many are void: retirements and walkovers, technical forfeits, weather.
VOID_BP = {"tennis": 200, "esports": 100}
VOID_BP_ELSEWHERE = 50


def next_rebalancing(exposure: int, rebalancing: int, settings: MatchSettings, size_min: int = 1) -> int:
    """Sign of the exposure being worked off, 0 for none: entered at inventory_max, left at half of it.

    It is entered too where the room left is less than the smallest order: a commission on winnings leaves
    the exposure a little below the contracts held, so that inventory_max itself would never be reached.
    """
    if abs(exposure) + size_min > settings.inventory_max:
        return 1 if exposure > 0 else -1
    if rebalancing and exposure * rebalancing > settings.inventory_max // 2:
        return rebalancing
    return 0


def breakeven(
    face: Face, fees: FeeModel, closing: Closing, fair: int, lock_min: int, fills: int
) -> Price | None:
    """Largest legal x whose pair with the closed contracts locks `lock_min` a contract, fees in.

    x + fee(x) <= kappa - lock_min with kappa = value / size and the fee the worst over `fills` pieces.
    With a commission on winnings the two ways to win are bounded apart: if the new leg wins, its own
    commission f * (1 - x) is due, if the held one wins, what is `due` on it.
    """
    if closing.size <= 0:
        return None
    budget = closing.value * ONE // closing.size - lock_min
    paid_by_held = budget - ceil_div(closing.due * ONE, closing.size)
    certain = ONE if fees.kind is WINNINGS else fair
    bid = face.down(min(budget, paid_by_held))
    while bid is not None and bid + worst_fee_per_contract(fees, bid, certain, closing.size, fills) > budget:
        bid = face.down(bid - 1)
    return bid


def reduce_ceiling(
    face: Face, normal: Price | None, even: Price | None, fair: int, over_fair: int
) -> Price | None:
    """max(normal ceiling, min(breakeven, tick_down(fair + rebalance_over_fair_max)))."""
    near_fair = face.down(fair + over_fair)
    raised = None if even is None or near_fair is None else Price(min(even, near_fair))
    bids = [bid for bid in (normal, raised) if bid is not None]
    return max(bids) if bids else None


def basket_leg(position: Position, over: int, leg: int, asks: Mapping[int, int]) -> Closing:
    """What outcome `leg` may cost as one of the equal-size basket that closes outcome `over`.

    The other legs count at what was paid for those held, else at their best ask; an outcome nobody offers
    leaves no basket: one missing leg is never a lock.
    """
    held = position.lots.unpaired(over)
    got = position.lots.unpaired(leg)
    size = held.count - (got.count if got is not None else 0) if held is not None else 0
    if held is None or size <= 0:
        return Closing()
    spent = ceil_div(held.cost * size, held.count)
    for outcome in range(position.outcomes):
        mask = 1 << outcome
        if mask in (over, leg):
            continue
        lot = position.lots.unpaired(mask)
        covered = min(size, lot.count) if lot is not None else 0
        if lot is not None and covered:
            spent += ceil_div(lot.cost * covered, lot.count)
        if covered < size:
            if mask not in asks:
                return Closing()
            spent += ceil_div(asks[mask] * (size - covered), ONE)
    return Closing(size, size - spent)


def void_probability_bp(settings: MatchSettings, sport: str) -> int:
    """How often a match is void, in basis points: as set, else as it is in its sport."""
    if settings.void_probability_bp is not None:
        return settings.void_probability_bp
    return VOID_BP.get(sport.lower(), VOID_BP_ELSEWHERE)


def lock_minimum(settings: MatchSettings, sport: str, at_void: int, size: int) -> int:
    """lock_min plus p_void times what a void match would cost per contract closed across venues.

    `at_void` is the profit locked less the profit in the worst void branch, 0 on a single venue.
    """
    if at_void <= 0 or size <= 0:
        return settings.lock_min
    chance = void_probability_bp(settings, sport)
    return settings.lock_min + ceil_div(chance * at_void * ONE, BASIS_POINTS * size)
