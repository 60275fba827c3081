"""Kill: cancel by account at every venue, again and again, until each has proven that nothing rests."""

from __future__ import annotations

from console.core import flatten
from console.core.commands import CancelAll, Latch, Reconcile, Severity
from console.core.connection import Connection, Sweep
from console.core.orders import Operation, OrderState
from console.core.state import KillRecord, State
from console.core.units import Nanos

REARM_WORD = "RESUME"
SOMEBODY = "somebody"  # a kill without a name; an empty reason would lift the latch


def kill(state: State, by: str) -> None:
    """Engage the latch and cancel everything everywhere; a second kill does all of it again.

    The latch too: the first may not have been written.
    """
    by = by.strip() or SOMEBODY
    first = state.kill is None
    if state.kill is None:
        state.kill = KillRecord(by, state.ts, state.wall, len(state.blotter.live))
    state.send(Latch(reason=state.kill.by))
    if first:
        state.alert(Severity.ERROR, f"KILLED by {by}: {state.kill.at_kill} orders were out")
    for connection in state.connections.values():
        if not connection.absent:
            connection.sweep = Sweep(state.ts)
            _sweep(state, connection)
    for desk in state.desks.values():
        flatten.abandon(state, desk, "killed")  # a kill takes no liquidity
        desk.wake(state.ts, Nanos(state.ts + 1))  # to say so: not before the cancels have left


def kill_venue(state: State, connection: Connection, by: str) -> None:
    """Engage the latch of one venue and cancel everything there; the others go on."""
    venue = connection.venue
    by = by.strip() or SOMEBODY
    first = not connection.killed
    connection.killed = connection.killed or by
    state.send(Latch(reason=connection.killed, venue=venue))
    if first:
        orders = state.orders_at(venue)
        state.alert(Severity.ERROR, f"{venue.value} KILLED by {by}: {orders} orders were out")
    connection.sweep = Sweep(state.ts)
    _sweep(state, connection)
    state.urge_venue(venue)


def rearm(state: State, word: str, reason: str, reduce_only: bool) -> None:
    """Lift the latch, for all or for getting out only; every venue is reconciled before it is traded."""
    killed = [connection for connection in state.connections.values() if connection.killed]
    if state.kill is None and not state.reduce_only and not killed:
        state.refuse("nothing to re-arm: the kill latch is not engaged")
    elif word != REARM_WORD:
        state.refuse(f"re-arm: type the word {REARM_WORD}")
    elif not reason.strip():
        state.refuse("re-arm: give a reason, it is journalled")
    else:
        state.kill, state.reduce_only = None, reduce_only
        state.account.rearmed()
        state.send(Latch(reason=""))
        for connection in killed:
            connection.killed = ""
            state.send(Latch(reason="", venue=connection.venue))
        state.alert(Severity.WARN, f"re-armed{' to reduce only' * reduce_only}: {reason.strip()}")
        for connection in state.connections.values():
            connection.sweep = None
            connection.reconciling = True
            ask(state, connection)


def sweep_on(state: State) -> None:
    """Repeat the cancel-all of every venue that has not proven itself empty yet."""
    for connection in state.connections.values():
        sweep = connection.sweep
        if sweep is not None and not sweep.proven and state.ts >= sweep.next_ts:
            _sweep(state, connection)


def listed(state: State, connection: Connection, resting: int) -> None:
    """A venue listed `resting` orders of ours while a kill is in force."""
    if connection.sweep is None:
        return
    in_flight = any(
        order.instrument.venue is connection.venue
        and (order.pending is Operation.PLACE or order.state is OrderState.UNKNOWN)
        for order in state.blotter.live.values()
    )
    proven = connection.sweep.proven
    connection.sweep.listed(state.ts, resting, in_flight)
    if connection.sweep.proven and not proven:
        state.note(f"{connection.venue.value}: nothing rests, proven by two empty lists")


def ask(state: State, connection: Connection) -> None:
    """Ask the venue for its whole account of us."""
    connection.asked_ts = state.ts
    state.send(Reconcile(venue=connection.venue))


def _sweep(state: State, connection: Connection) -> None:
    assert connection.sweep is not None, "a sweep is in force"
    state.send(CancelAll(venue=connection.venue))
    for order in list(state.blotter.live.values()):
        if order.instrument.venue is connection.venue and order.state is not OrderState.PENDING_CANCEL:
            state.blotter.cancel_swept(order, state.ts)
    ask(state, connection)
    connection.sweep.repeated(state.ts)
