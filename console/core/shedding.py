"""Orders that no longer fit under an exposure limit, and go: what fitted when it was placed (C4).

A fill told late, one that is taken back or a lowered limit leaves a match over its limit without any order
being placed. What adds to the worst case is then taken out, the youngest first, until the rest fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.core.commands import CeilingKind
from console.core.desk import Desk
from console.core.orders import OrderState
from console.core.risk import worst_of
from console.core.state import State


def shed(state: State) -> None:
    """Take out what is over each limit; a kill takes out everything anyway."""
    if state.kill is not None:
        return
    for desks, limit in _shared(state):
        if sum([desk.at_most for desk in desks]) <= limit:
            continue
        excess = sum(desk.worst for desk in desks) - limit
        for desk in desks:
            if excess <= 0:
                break
            excess -= _lighten(state, desk, excess)


def _shared(state: State) -> Iterator[tuple[Sequence[Desk], int]]:
    """Matches that share an exposure limit, and the limit."""
    desks = tuple(state.desks.values())
    for desk in desks:
        yield (desk,), desk.settings.exposure_match
        event = desk.spec.event
        together = [other for other in desks if event and other.spec.event == event] or [desk]
        yield together, desk.settings.exposure_event
    for venue in state.connections:
        yield [desk for desk in desks if venue in desk.quoted_venues], state.settings.exposure_venue
    yield desks, state.settings.exposure_total


def _lighten(state: State, desk: Desk, excess: int) -> int:
    """Cancel what adds to a match's worst case; returns by how much it falls once all that goes is gone."""
    staying = [o for o in state.blotter.of_match(desk.spec.id) if o.state is not OrderState.PENDING_CANCEL]
    worst = worst_of(desk, staying)
    for order in reversed(list(staying)):
        if desk.worst - worst >= excess:
            break
        if order.in_flight or order.ceiling_kind is CeilingKind.FLATTEN:
            continue
        rest = [other for other in staying if other is not order]
        less = worst_of(desk, rest)
        if less < worst:
            state.cancel(order)
            staying, worst = rest, less
    return desk.worst - worst
