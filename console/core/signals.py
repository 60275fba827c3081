"""What a market maker watches beside the price: rivals that answer, the regime, and what a whole set costs.

Shown, never traded on: none of it moves a quote.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from console.core.desk import Desk
from console.core.fees import fee_per_contract
from console.core.instruments import Action, Side, opposite_side
from console.core.quoting import Route
from console.core.state import State
from console.core.view import Basket, Leg, Rivalry


def cheapest_basket(state: State, desk: Desk) -> Basket | None:
    """The cheapest set over all listed books now; None while some outcome is not on offer (parity check)."""
    cheapest = dict[int, tuple[int, Leg]]()
    for cost, gained, leg in _offers(state, desk):
        if gained not in cheapest or cost < cheapest[gained][0]:
            cheapest[gained] = cost, leg
    singles = tuple(1 << outcome for outcome in range(desk.outcomes))
    covers = {singles, *((single, desk.full ^ single) for single in singles)}
    found = [
        (sum(cheapest[gained][0] for gained in cover), cover)
        for cover in covers
        if all(gained in cheapest for gained in cover)
    ]
    if not found:
        return None
    cost, cover = min(found)
    legs = tuple(cheapest[gained][1] for gained in cover)
    return Basket(cost, legs, len({leg.instrument.venue for leg in legs}) > 1)


def _offers(state: State, desk: Desk) -> Iterator[tuple[int, int, Leg]]:
    """(cost, outcome set, purchase) of everything that others offer on a sound book."""
    for route in desk.keys.values():
        market = desk.markets[route.yes]
        if route.action is not Action.BUY or market.spec is None or not _sound(desk, route):
            continue
        if route.instrument.side is Side.NO and not market.spec.two_sided:
            continue
        opposite = opposite_side(route.side)
        ask = market.face(state.blotter, route.side).opposing(
            state.blotter.own_sizes(market.instrument, opposite)
        )
        if ask is not None:
            fair = desk.theo.fair[route.gained] if desk.theo is not None else ask
            fee = fee_per_contract(market.spec.fees, ask, fair, maker=False)
            yield ask + fee, route.gained, Leg(route.instrument, ask)


def _sound(desk: Desk, route: Route) -> bool:
    market = desk.markets[route.yes]
    return market.book is not None and market.book.problem(quote_empty=True) is None


def rivalry(desk: Desk) -> Rivalry:
    """Over all routes of a match, the last twenty times of each."""
    waits = [wait for memory in desk.memories.values() for wait in memory.rivals.waits]
    answers = [wait for wait in waits if wait is not None]
    return Rivalry(len(waits), len(answers), round(median(answers)) if answers else None)
