"""Our cash at each venue, counted from what happened there, against what the venue says (C19, C25)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from console.core.commands import Severity
from console.core.connection import Connection
from console.core.desk import Desk
from console.core.events import MassStatus, OrderFilled
from console.core.instruments import BUY, YES, Instrument
from console.core.orders import OrderState
from console.core.state import State
from console.core.units import CENT, ONE, SECOND, decimal

SECOND_LOOK = 10 * SECOND  # a difference counts when it is seen twice this far apart
DROP_PCT = 20  # of the highest balance since the last alert

T = TypeVar("T")


def booked(state: State, desk: Desk, instrument: Instrument, book: Callable[[], T]) -> T:
    """Run a booking on one symbol and count what it moves of the venue's cash."""
    before = _moved_by(state, desk, instrument)
    result = book()
    till = state.connections[instrument.venue].till
    spec = desk.markets[instrument.yes].spec
    till.moved(_moved_by(state, desk, instrument) - before, spec.fees.unit if spec is not None else CENT)
    return result


def _moved_by(state: State, desk: Desk, instrument: Instrument) -> int:
    """Cash of the match, less the rest of the dollar of every NO contract at the venue."""
    venue, yes = instrument.venue, instrument.yes
    listed = state.on_market.get(yes, (desk,))
    net = sum(each.positions[venue].holdings[yes].net for each in listed)
    return desk.positions[venue].cash - max(0, -net)


def overridden(state: State, desk: Desk, instrument: Instrument, write: Callable[[], T]) -> T:
    """Run a correction of our books by the operator, which moves no cash."""
    before = _moved_by(state, desk, instrument)
    result = write()
    till = state.connections[instrument.venue].till
    till.overridden += _moved_by(state, desk, instrument) - before
    return result


def traded_elsewhere(connection: Connection, fill: OrderFilled) -> None:
    """Contracts of no match of ours changed hands at the venue: their cash is paid in or out."""
    yes, bought = fill.instrument.yes, fill.action is BUY
    before = connection.elsewhere.get(yes, 0)
    long = bought is (fill.instrument.side is YES)
    after = connection.elsewhere[yes] = before + (fill.size if long else -fill.size)
    dollar = 0 if fill.instrument.side is YES else fill.size if bought else -fill.size
    cash = dollar + (-fill.cost if bought else fill.cost) - fill.fee
    connection.till.paid(cash - max(0, -after) + max(0, -before))


def settled_elsewhere(connection: Connection, instrument: Instrument, payout: int) -> None:
    """A symbol of no match of ours paid out what the venue said was held of it."""
    net = connection.elsewhere.pop(instrument.yes, 0)
    connection.till.paid(net * payout // ONE + max(0, -net))


def compare(state: State, connection: Connection, status: MassStatus) -> bool:
    """Whether the venue's cash is what we count; a difference seen twice is a mismatch of the whole venue."""
    if status.held is None:
        return True
    till, total = connection.till, status.cash + status.held
    _watch_drop(state, connection, total)
    if till.expected is None or connection.accepting:
        till.begin(total)
        return True
    difference = total - till.expected
    till.told, till.rounded_to = total, status.rounded_to
    if abs(difference) <= till.tolerated:
        till.seen = None
        return True
    if till.seen is None or till.seen[1] != difference:
        till.seen = (state.ts, difference)
        state.note(f"{connection.venue.value}: the cash there is {difference / ONE:+.2f} dollars from ours")
    elif _certain(state, connection) and state.ts - till.seen[0] >= SECOND_LOOK and not connection.mismatch:
        connection.mismatch = f"cash: {decimal(difference)} dollars"
        state.alert(Severity.ERROR, f"MISMATCH {connection.venue.value} {connection.mismatch}")
        state.urge_venue(connection.venue)
    return False


def _certain(state: State, connection: Connection) -> bool:
    """No fill there may still be unknown to us, or fail.

    An order under way changes what is tied up, never the total; one whose fate is unknown may have traded.
    """
    venue = connection.venue
    unknown = any(
        order.instrument.venue is venue and order.state is OrderState.UNKNOWN
        for order in state.blotter.live.values()
    )
    return not unknown and not any(
        fill.instrument.venue is venue
        for desk in state.desks.values()
        for unsettled in desk.unsettled.values()
        for fill in unsettled.fills
    )


def _watch_drop(state: State, connection: Connection, total: int) -> None:
    """C25: a balance a fifth below its highest is told, once; the next alert counts from there."""
    till = connection.till
    if total * 100 <= till.peak * (100 - DROP_PCT):
        state.alert(
            Severity.WARN,
            f"{connection.venue.value}: balance fell from {till.peak / ONE:.2f} to {total / ONE:.2f} dollars",
        )
        till.peak = total
    till.peak = max(till.peak, total)
