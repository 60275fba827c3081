"""Who watches over the engine, and what may rest at a venue with no dead man's switch while nobody does.

Somebody watches while a console is attached and the watchdog process gives signs of life. Whatever rests
when the machine or its network is lost goes on resting: nobody who could see it means less may rest.
"""

from __future__ import annotations

from console.core.commands import Severity
from console.core.connection import Connection
from console.core.orders import OrderState
from console.core.risk import at_rest, stake
from console.core.state import State


def attended(state: State) -> bool:
    """A person looks on and the watchdog watches."""
    return state.console and not state.unwatched


def watched(state: State, why: str) -> None:
    """The watchdog watches, or not: `why`."""
    if why == state.unwatched:
        return
    state.unwatched = why
    if why:
        state.alert(Severity.WARN, f"nobody watches over the engine: {why}")
    else:
        state.note("the watchdog watches over the engine")
    trim(state)


def trim(state: State) -> None:
    """Take out what may no longer rest, the youngest orders first; a kill takes out everything anyway."""
    if state.kill is not None or attended(state):
        return
    for connection in state.connections.values():
        if connection.unattended_max is not None:
            _trim(state, connection, connection.unattended_max)


def _trim(state: State, connection: Connection, most: int) -> None:
    ours = [o for o in state.blotter.live.values() if o.instrument.venue is connection.venue]
    excess = at_rest(connection, state.blotter) - most
    excess -= sum(stake(order) for order in ours if order.state is OrderState.PENDING_CANCEL)
    for order in reversed(ours):
        if excess <= 0:
            return
        if not order.in_flight:
            excess -= stake(order)
            state.cancel(order)
