"""Our records against the venue's: one path for start, reconnect and the periodic check."""

from __future__ import annotations

from collections.abc import Container

from console.core import till
from console.core.commands import CancelOrder, Severity
from console.core.connection import Connection
from console.core.events import MassStatus, OpenOrder
from console.core.instruments import Instrument, MarketState, RunId
from console.core.killing import ask, listed
from console.core.marks import loss_mark
from console.core.orders import Order, OrderState
from console.core.outcomes import fill, look_up
from console.core.positions import Holding
from console.core.state import State
from console.core.units import CENT, ONE, SECOND, ceil_div

SECOND_LOOK = 10 * SECOND  # a position difference counts when it is seen twice this far apart


def venue_up(state: State, connection: Connection, held: str) -> None:
    """Nothing is sent before the venue's account of us agrees with ours; `held`: then only what takes."""
    connection.up, connection.why_down, connection.held = True, "", held
    connection.reconciling = True
    ask(state, connection)
    if held:
        state.alert(Severity.WARN, f"{connection.venue.value} takes nothing that rests: {held}")
        state.urge_venue(connection.venue)
    state.note(f"{connection.venue.value} up, reconciling")


def venue_down(state: State, connection: Connection, why: str) -> None:
    """Whatever was in flight there is now unknown; its books are blind."""
    connection.up, connection.why_down = False, why
    connection.reconciling = True
    for instrument, market in state.markets.items():
        if instrument.venue is connection.venue and market.book is not None:
            market.book.distrust(f"venue down: {why}")
    state.alert(Severity.WARN, f"{connection.venue.value} down: {why}")


def mass_status(state: State, connection: Connection, status: MassStatus) -> None:
    """Compare and mend: missed fills are booked, orphans cancelled, differences shown red."""
    connection.private_ts = state.ts
    for filled in status.fills:
        fill(state, filled, late=True)
    connection.told_cash(status.cash, status.pockets, state.ts)
    ours, orphans = _match_orders(state, connection, status)
    if orphans and not connection.reconciling:
        connection.reconciling = True
        state.alert(Severity.WARN, f"{connection.venue.value}: {orphans} orphans rest there: reconciling")
        state.urge_venue(connection.venue)
    listed(state, connection, len(status.orders))
    busy = {
        order.instrument.yes: None
        for order in state.blotter.live.values()
        if order.in_flight and order.instrument.venue is connection.venue
    }
    agreed = till.compare(state, connection, status)
    agreed = _match_positions(state, connection, status, busy) and agreed
    if connection.reconciling and agreed and not orphans and not busy and connection.up:
        connection.reconciling = False
        state.note(f"{connection.venue.value} reconciled: {ours} orders, {len(status.positions)} positions")
        for desk in state.desks.values():
            desk.touch(state.ts)


def accept(state: State, connection: Connection, reason: str) -> None:
    """The operator takes the venue's word: the next account of us is compared afresh."""
    if not connection.mismatch:
        state.refuse(f"{connection.venue.value} has no mismatch to accept")
        return
    state.alert(Severity.WARN, f"{connection.venue.value} mismatch accepted: {reason}")
    connection.mismatch = ""
    connection.differences.clear()
    connection.till.seen = None
    connection.reconciling = True
    connection.accepting = True
    ask(state, connection)


def check_due(state: State, connection: Connection) -> None:
    """Keep the account fresh: more often while silence would soon blind us."""
    every = min(state.settings.reconcile_s, max(1, state.settings.fills_blind_s // 2)) * SECOND
    silent = state.ts - connection.private_ts >= every
    old_cash = state.ts - connection.cash_ts >= state.settings.reconcile_s * SECOND
    waiting = connection.reconciling or connection.differences or connection.till.seen
    pause = (2 if waiting else 5) * SECOND
    if connection.up and (silent or old_cash or waiting) and state.ts - connection.asked_ts >= pause:
        ask(state, connection)


# ---- orders


def _match_orders(state: State, connection: Connection, status: MassStatus) -> tuple[int, int]:
    """Orders resting at the venue that are ours, and orphans: those of earlier runs, cancelled on sight.

    While an orphan is listed nothing is quoted: only a list without one proves it gone (C16).
    """
    resting = {opened.venue_order_id: opened for opened in status.orders}
    ours = orphans = 0
    for opened in status.orders:
        order = state.blotter.find(connection.venue, opened.order_id, opened.venue_order_id)
        if order is None or order.ended:
            orphan = _orphan(state, opened, known=order)
            orphans += 0 if order is not None and _may_be_old(state, connection, order) else orphan
        else:
            ours += 1
            order.proven_ts = state.ts
            if not order.venue_order_id:
                state.blotter.accepted(order, opened.venue_order_id, state.ts)
                if order.match in state.desks:
                    state.desks[order.match].urge(state.ts)  # it may have to go again
            if order.state is OrderState.UNKNOWN and connection.reconciling:
                look_up(state, order)  # it rests without our say: do not wait for a deadline
            elif _rests_otherwise(state, order, opened):
                state.note(
                    f"{order.order_id} on {order.instrument} rests otherwise than we know", order.match
                )
                state.blotter.unanswered(order, state.ts)
                look_up(state, order)
    for order in list(state.blotter.live.values()):
        if order.instrument.venue is connection.venue and order.venue_order_id not in resting:
            _absent(state, connection, order)
    return ours, orphans


def _orphan(state: State, opened: OpenOrder, known: Order | None) -> int:
    """An order at the venue that we do not hold live: ours by its run, or somebody else's."""
    run = RunId(opened.order_id.rpartition("-")[0])
    if known is None and run not in state.runs:
        state.note(f"order {opened.venue_order_id} on {opened.instrument} is not ours: left alone")
        return 0
    state.send(
        CancelOrder(
            order_id=opened.order_id, venue_order_id=opened.venue_order_id, instrument=opened.instrument
        )
    )
    state.note(f"orphan {opened.order_id} on {opened.instrument} cancelled")
    return 1


def _rests_otherwise(state: State, order: Order, opened: OpenOrder) -> bool:
    """The venue lists it at another price, or for more, than we believe, and the list is no old one.

    An order that rests where we do not think it does is past its ceiling without our knowing.
    """
    told = (opened.instrument, opened.action) == (order.instrument, order.action)
    moved = max(order.placed_ts, order.amended_ts, order.rest_since)
    if order.in_flight or not told or state.ts - moved < state.settings.not_found_grace_s * SECOND:
        return False
    more = opened.size - order.size
    return opened.price != order.price or more >= _step(state, order.instrument.yes)


def _may_be_old(state: State, connection: Connection, ended: Order) -> bool:
    """A list in the routine may have been written before an order that it names was proven gone."""
    young = state.ts - ended.ended_ts < state.settings.not_found_grace_s * SECOND
    return young and not connection.reconciling


def _absent(state: State, connection: Connection, order: Order) -> None:
    """A live order the venue does not list: the list may be older than the order, so it is looked up."""
    settled_ns = state.settings.not_found_grace_s * SECOND
    if state.ts - max(order.placed_ts, order.pending_since) >= settled_ns or connection.reconciling:
        if not order.in_flight:
            connection.ghosts += 1
            state.note(f"{order.order_id} on {order.instrument}: live for us, not listed by the venue")
            state.blotter.unanswered(order, state.ts)
        look_up(state, order)


# ---- positions


def _match_positions(
    state: State, connection: Connection, status: MassStatus, busy: Container[Instrument]
) -> bool:
    """True when every position agrees; a difference seen twice is a mismatch of the whole venue.

    `busy` symbols have an order in flight, whose fill we may not have been told of yet.
    """
    # What is held of symbols on no match of ours is the operator's own affair, as orders there are.
    theirs = {instrument: net for instrument, net in status.positions if instrument in state.markets}
    connection.elsewhere = {i: net for i, net in status.positions if i not in state.markets}
    held = _our_positions(state, connection)
    for instrument in sorted(set(theirs) | set(held)):
        difference = theirs.get(instrument, 0) - held.get(instrument, 0)
        size_step = _step(state, instrument)
        if abs(difference) < size_step or _resolved(state, instrument):
            connection.differences.pop(instrument, None)
        elif connection.accepting:
            _take_over(state, instrument, theirs.get(instrument, 0))
        else:
            _differs(state, connection, instrument, difference, instrument in busy)
    for instrument in [i for i in connection.differences if i not in theirs and i not in held]:
        del connection.differences[instrument]
    connection.accepting = False
    return not connection.differences and not connection.mismatch


def _resolved(state: State, instrument: Instrument) -> bool:
    """Paid out, or about to be: the venue drops the position before or after it tells us the payout."""
    market = state.markets.get(instrument)
    return market is not None and market.state is MarketState.RESOLVED


def _our_positions(state: State, connection: Connection) -> dict[Instrument, int]:
    held: dict[Instrument, int] = {}
    for desk in state.desks.values():
        position = desk.positions.get(connection.venue)
        if position is not None:
            for instrument, holding in position.holdings.items():
                if instrument.venue is connection.venue and holding.net:
                    held[instrument] = held.get(instrument, 0) + holding.net
    return held


def _step(state: State, instrument: Instrument) -> int:
    market = state.markets.get(instrument)
    return market.spec.size_step if market is not None and market.spec is not None else ONE


def _differs(
    state: State, connection: Connection, instrument: Instrument, difference: int, busy: bool
) -> None:
    seen = connection.differences.get(instrument)
    if seen is None or seen[1] != difference:
        connection.differences[instrument] = (state.ts, difference)
        state.note(f"{instrument}: the venue holds {difference / ONE:+g} contracts more than we know")
    elif not busy and state.ts - seen[0] >= SECOND_LOOK and not connection.mismatch:
        connection.mismatch = f"{instrument}: {difference / ONE:+g} contracts"
        state.alert(Severity.ERROR, f"MISMATCH {connection.venue.value} {connection.mismatch}")
        state.urge_venue(connection.venue)


def _take_over(state: State, instrument: Instrument, net: int) -> None:
    """Book the venue's position as the operator accepted it: what differs changed hands at the loss mark.

    So accepting is neither a profit nor a loss by itself. Without a mark, what is more cost what we paid on
    average, and what is gone brought nothing, so that no loss is forgotten.
    """
    desks = state.on_market[instrument]
    desk = desks[0]
    position = desk.positions[instrument.venue]
    others = sum(d.positions[instrument.venue].holdings[instrument].net for d in desks[1:])
    mine = net - others
    holding = position.holdings[instrument]
    mark = loss_mark(state, desk, instrument, holding.net or mine)

    def write() -> None:
        before = holding.basis + min(0, holding.net)
        cost = _cost_of(holding, mine, mark)
        if mark is not None:
            position.cash += cost + min(0, mine) - before - ceil_div((mine - holding.net) * mark, ONE)
        else:
            position.cash -= max(0, holding.basis - cost)
        position.override(instrument, mine, cost)

    till.overridden(state, desk, instrument, write)
    desk.unsettled.pop(desk.group_of(instrument.venue), None)
    state.remeasure(desk)
    desk.urge(state.ts)
    at = "without a mark" if mark is None else f"at {mark / CENT:g}¢"
    state.note(f"{instrument}: {mine / ONE:+g} contracts taken over {at}", desk.spec.id)


def _cost_of(holding: Holding, net: int, mark: int | None) -> int:
    """What `net` contracts cost in all: what stays held its average, what came the mark of its leg."""
    average = holding.basis * ONE // abs(holding.net) if holding.net else ONE // 2
    if mark is None:
        return average * abs(net) // ONE
    kept = min(abs(net), abs(holding.net)) if net * holding.net > 0 else 0
    price = mark if net > 0 else ONE - mark
    return (average * kept + price * (abs(net) - kept)) // ONE
