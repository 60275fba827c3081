"""The dead man's switch: while the engine is healthy, venues are told that our orders may go on resting."""

from __future__ import annotations

from console.core.commands import KeepAlive
from console.core.connection import Connection
from console.core.state import State
from console.core.units import SECOND, Nanos


def keep_alive(state: State) -> None:
    """Tell every venue that listens for it; the write budget is charged for what it renews meanwhile.

    Nothing is kept alive that is to go: what a lost cancel leaves there then ends by itself.
    """
    if state.kill is not None or state.stopping:
        return
    for connection in state.connections.values():
        due = state.ts - connection.kept_alive_ts >= state.settings.keep_alive_s * SECOND
        if connection.dead_man and connection.up and due and not connection.killed:
            _keep(state, connection)


def _keep(state: State, connection: Connection) -> None:
    orders = state.orders_at(connection.venue)
    lease = connection.lease(state.settings, orders)
    connection.kept_alive_ts = state.ts
    costs = connection.budget.costs
    # Each order is renewed twice in a lease: what that comes to between two signs of life.
    renewed = 2 * orders * costs.renew * state.settings.keep_alive_s * SECOND // lease
    connection.budget.take(renewed, state.ts)
    state.send(KeepAlive(venue=connection.venue, until=Nanos(state.wall + lease)))
