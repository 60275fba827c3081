"""What became of our requests: acknowledgements, refusals, fills, and answers that never came."""

from __future__ import annotations

from collections import deque
from functools import partial

from console.core import till
from console.core.commands import Lookup, Resync, Severity
from console.core.connection import Connection
from console.core.desk import Desk
from console.core.estimators import Markouts
from console.core.events import (
    AmendRejected,
    FillConfirmed,
    FillReversed,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    QueuePosition,
    RejectReason,
)
from console.core.feehalt import judge
from console.core.fees import NO_FEES
from console.core.instruments import BUY, Instrument, TradeId, Venue
from console.core.lots import Lock
from console.core.orders import Fact, Operation, Order, OrderState
from console.core.provisional import begun, confirmed, undone
from console.core.quoting import Route
from console.core.reasons import Reason
from console.core.state import FillRecord, State
from console.core.till import booked
from console.core.units import CENT, ONE, SECOND, Nanos, Price, Size, plain

CANCEL_RETRY = 1 * SECOND  # a cancel that was not taken is sent again, but in no storm
REJECTS_PAUSE = 3  # of one side within a minute
REJECTS_WINDOW = 60 * SECOND
FILL_RATE_WINDOW = 60 * SECOND
NOT_FOUND_ANSWERS = 2  # an order is not there when that was said so often, and it is old enough
CANCEL_FROM = 2  # an order of unknown fate is cancelled, too, from so many lookups without an outcome on


def learn(state: State, event: OrderEvent) -> None:
    """Take one fact about an order of ours, known or not."""
    if isinstance(event, FillConfirmed | FillReversed):
        _proved(state, event.venue)
        settle_fill(state, event)
        return
    order = state.blotter.orders.get(event.order_id)
    if isinstance(event, OrderFilled):
        _proved(state, event.instrument.venue)
        fill(state, event)
        return
    if order is None:
        state.note(f"{type(event).__name__} for {event.order_id}, an order we do not know")
        return
    ts = state.ts
    blotter = state.blotter
    as_asked = False
    match event:
        case OrderAccepted():
            if order.state is OrderState.SUBMITTED:
                state.connections[order.instrument.venue].answers.add(ts - order.placed_ts)
                as_asked = event.price in (None, order.price) and event.size in (None, order.size)
            told = None if event.price is None or event.size is None else (event.price, event.size)
            if told is None or not _overtaken(state, order, told):
                blotter.accepted(order, event.venue_order_id, ts, told)
            if _killed(state, order) and order.pending is None and not order.ended:
                state.cancel(order)  # it came to rest behind the last sweep: the next may be two seconds away
        case OrderRejected():
            _rejected(state, order, event)
        case OrderAmended() | AmendRejected() if event.amend and event.amend != order.amended_ts:
            return  # told once more, of an amend whose outcome is known
        case OrderAmended():
            as_asked = order.pending is Operation.AMEND and (event.price, event.size) == (
                order.to_price,
                order.to_size,
            )
            blotter.amended(order, event.price, event.size, ts)
        case AmendRejected():
            _amend_refused(state, order, event)
        case OrderCanceled():
            as_asked = order.pending is Operation.CANCEL
            blotter.ended(order, Fact.CANCELED, ts)
        case OrderCancelRejected():
            _cancel_refused(state, order, event)
        case OrderExpired():
            blotter.ended(order, Fact.EXPIRED, ts)
        case QueuePosition():
            order.ahead = event.ahead
            return
        case OutcomeUnknown():
            asked = order.state is OrderState.UNKNOWN
            blotter.unanswered(order, ts)
            if order.state is OrderState.UNKNOWN and not asked:  # else at the next deadline: no storm
                look_up(state, order)
    _changed(state, order, as_asked)


def _killed(state: State, order: Order) -> bool:
    return state.kill is not None or bool(state.connections[order.instrument.venue].killed)


def _overtaken(state: State, order: Order, told: tuple[Price, int]) -> bool:
    """A lookup may overtake an amend: what it tells of the old version is believed after a grace only."""
    young = state.ts - order.amended_ts < state.settings.not_found_grace_s * SECOND
    return order.pending is Operation.AMEND and young and told != (order.to_price, order.to_size)


def _proved(state: State, venue: Venue) -> None:
    """The venue told us of a fill: others would reach us too.

    Answers to what we asked prove the way of requests only.
    """
    connection = state.connections.get(venue)
    if connection is not None:
        connection.private_ts = state.ts


def _changed(state: State, order: Order, as_asked: bool) -> None:
    """Look at its match again, unless the answer is what was reckoned with and nothing waits for it."""
    desk = state.desks.get(order.match)
    if desk is not None:
        state.remeasure(desk)
        if not (as_asked and desk.settled):
            desk.touch(state.ts)


# ---- refusals


def _rejected(state: State, order: Order, event: OrderRejected) -> None:
    if event.reason is RejectReason.NOT_FOUND:
        order.not_found += 1
        young = state.ts - order.placed_ts < state.settings.not_found_grace_s * SECOND
        if young or order.not_found < NOT_FOUND_ANSWERS:
            return  # a lookup may overtake the order itself: ask again at the next deadline
    state.blotter.ended(order, Fact.REJECTED, state.ts)
    _count_reject(state, order, event.reason, event.text)


def _amend_refused(state: State, order: Order, event: AmendRejected) -> None:
    if event.reason is RejectReason.NOT_FOUND:
        state.blotter.unanswered(order, state.ts)
        look_up(state, order)
        return
    state.blotter.amend_refused(order, state.ts)
    _count_reject(state, order, event.reason, event.text)


def _cancel_refused(state: State, order: Order, event: OrderCancelRejected) -> None:
    if event.reason is RejectReason.NOT_FOUND:
        # Gone, but cancelled or filled? And if the place was never acknowledged it may yet arrive.
        if order.state is OrderState.UNKNOWN:
            return  # it is being looked up
        state.blotter.unanswered(order, state.ts)
        look_up(state, order)
        return
    state.blotter.cancel_refused(order, state.ts)
    order.retry_ts = Nanos(state.ts + CANCEL_RETRY)


def _count_reject(state: State, order: Order, reason: RejectReason, text: str) -> None:
    """Expected refusals are counted; three of one side within a minute pause it (C24)."""
    connection = state.connections[order.instrument.venue]
    state.rejects += 1
    connection.rejects += 1
    desk = state.desks.get(order.match)
    state.note(f"{order.instrument} refused: {reason.value} {text}".rstrip(), order.match, Severity.WARN)
    if reason is RejectReason.RATE_LIMITED:
        connection.budget.empty(state.ts)
        return
    if desk is None or reason in (RejectReason.KILLED, RejectReason.NOT_CONNECTED):
        return
    gained = desk.gained_by(order)
    stamps = desk.rejects.setdefault(gained, deque(maxlen=REJECTS_PAUSE))
    stamps.append(state.ts)
    if reason is RejectReason.POST_ONLY_CROSS and len(stamps) > 1:
        state.send(Resync(instrument=order.instrument.yes))  # the book we decided on may be wrong
    if len(stamps) == REJECTS_PAUSE and state.ts - stamps[0] <= REJECTS_WINDOW:
        until = Nanos(state.ts + desk.settings.error_cooldown_s * SECOND)
        desk.pause_side(gained, Reason.REJECTED, until)
        stamps.clear()
        state.alert(Severity.WARN, f"three refusals, side paused: {reason.value}", order.match)


# ---- unknown outcomes


def look_up(state: State, order: Order) -> None:
    """Ask the venue what became of an order."""
    order.lookups += 1
    order.pending_since = state.ts
    state.send(
        Lookup(
            order_id=order.order_id,
            venue_order_id=order.venue_order_id,
            instrument=order.instrument,
            filled=Size(order.filled),
            action=order.action,
            price=order.price,
            size=Size(order.size),
            wall=order.placed_wall,
        )
    )


def chase(state: State) -> None:
    """Look up every order whose request has been without an outcome for too long (C18), and see to those
    nobody has heard of for long (C26).

    What lookups do not find out about, a cancel may: an order of unknown fate is better gone.
    """
    if not state.blotter.live:
        return
    ts = state.ts
    deadline = state.settings.pending_deadline_s * SECOND
    asked, proven = ts - deadline, ts - state.settings.order_proof_max_s * SECOND
    for order in list(state.blotter.live.values()):
        if order.pending_since <= asked and order.in_flight:
            if order.state is not OrderState.UNKNOWN:
                state.blotter.unanswered(order, state.ts)
            look_up(state, order)
            if order.lookups >= CANCEL_FROM:
                state.send_cancel(order)
        elif order.retry_ts is not None and ts >= order.retry_ts:
            order.retry_ts = None
            if order.match in state.desks:
                state.desks[order.match].urge(state.ts)
        elif order.proven_ts < proven:
            _refresh(state, order, deadline)


def _refresh(state: State, order: Order, deadline: int) -> None:
    """A resting order unheard of for too long: looked up where it stands, and cancelled if that is no use."""
    if not state.connections[order.instrument.venue].up:
        return
    unheard = state.ts - order.proven_ts - state.settings.order_proof_max_s * SECOND
    if unheard > deadline:
        state.note(f"{order.order_id} on {order.instrument} is not heard of any more: cancelled", order.match)
        state.cancel(order)
    elif order.pending_since <= order.proven_ts:  # not asked since it was last proven
        look_up(state, order)


# ---- fills


def fill(state: State, event: OrderFilled, late: bool = False) -> None:
    """Book a fill once, by its trade id, whether or not its order is known; `late`: read from a list."""
    venue = event.instrument.venue
    if not state.blotter.is_new_trade(venue, event.trade_id):
        return
    order = state.blotter.find(venue, event.order_id, event.venue_order_id)
    desk = _desk_of(state, event.instrument, order)
    connection = state.connections.get(venue)
    if connection is not None and event.action is BUY:
        connection.paid(
            event.instrument, event.cost + event.fee, order.placed_ts if order is not None else None
        )
    if order is not None:
        state.blotter.filled(order, event.size, state.ts, event.cost)
    if desk is None:
        _elsewhere(state, event, ours=order is not None)
        return
    if order is None:
        state.alert(Severity.WARN, f"fill of an order we do not know: {event.instrument}", desk.spec.id)
    position, group = desk.positions[venue], desk.group_of(venue)
    market = desk.markets[event.instrument.yes]
    unsettled = begun(group, position, desk.unsettled.get(group), event)
    if unsettled is not None:
        desk.unsettled[group] = unsettled
    lock = booked(state, desk, event.instrument, partial(_attributed, state, desk, event))
    judge(state, market, event, late)
    state.fills += 1
    _watch_fill(state, desk, event, lock)
    one_sided = market.spec is not None and not market.spec.two_sided
    if position.holdings[event.instrument.yes].net < 0 and one_sided:
        _mismatch(state, state.connections[venue], f"sold more of {event.instrument} than we hold")
    state.remeasure(desk)
    desk.active_ts = state.ts
    desk.urge(state.ts)


def _elsewhere(state: State, event: OrderFilled, ours: bool) -> None:
    """A fill on a symbol of no match: the operator's own affair, or of an order whose match is gone.

    It is a position of the venue and none of ours; only its cash is counted, so that our count still agrees.
    """
    what = f"{event.action.value} {plain(event.size)} {event.instrument} @ {event.price / CENT:g}¢"
    connection = state.connections.get(event.instrument.venue)
    if connection is None:
        state.note(f"fill {what} at a venue that is not configured in this run")
        return
    till.traded_elsewhere(connection, event)
    if ours:
        state.alert(
            Severity.ERROR, f"an order of a match that was removed has filled: {what}: not in our limits"
        )
    else:
        state.note(f"fill {what}: on no match of ours, a position of the venue")


def _attributed(state: State, desk: Desk, event: OrderFilled) -> Lock:
    """Book a fill and note what it did to cash and contracts, for the attribution."""
    position, instrument = desk.positions[event.instrument.venue], event.instrument.yes
    net, cash = position.holdings[instrument].net, position.cash
    lock = _book(desk, event)
    net, moved = position.holdings[instrument].net - net, position.cash - cash + event.fee
    fair = desk.theo.fair[desk.pays[instrument]] if desk.theo is not None else None
    desk.attribution.filled(instrument, state.ts, net, moved, fair)
    return lock


def _book(desk: Desk, event: OrderFilled) -> Lock:
    market = desk.markets[event.instrument.yes]
    fees = market.spec.fees if market.spec is not None else NO_FEES  # traded by hand before it is defined
    position = desk.positions[event.instrument.venue]
    return position.fill(event.instrument, event.action, event.size, event.cost, event.fee, fees)


def settle_fill(state: State, event: FillConfirmed | FillReversed) -> None:
    """A provisional fill is final, or never happened: then everything since is booked again without it."""
    found = _unsettled(state, event.venue, event.trade_id)
    if found is None:
        if isinstance(event, FillReversed) and state.blotter.undo_trade(event.venue, event.trade_id):
            state.alert(Severity.ERROR, f"trade {event.trade_id} failed to settle after it counted as final")
        return
    desk, group = found
    unsettled = desk.unsettled.pop(group)

    def book_again(fill: OrderFilled) -> None:
        _book(desk, fill)

    if isinstance(event, FillConfirmed):
        left = confirmed(unsettled, event.trade_id)
        desk.touch(state.ts)  # what has settled can be sold
    else:
        failed = next(fill for fill in unsettled.fills if fill.trade_id == event.trade_id)
        undo = partial(undone, desk.positions[group], unsettled, event.trade_id, book_again)
        left = booked(state, desk, failed.instrument, undo)
        state.blotter.undo_trade(event.venue, event.trade_id)
        state.remeasure(desk)
        desk.urge(state.ts)
        state.alert(Severity.ERROR, f"fill reversed: {event.why or 'it failed to settle'}", desk.spec.id)
    if left is not None:
        desk.unsettled[group] = left


def _unsettled(state: State, venue: Venue, trade_id: TradeId) -> tuple[Desk, Venue] | None:
    for desk in state.desks.values():
        for group, unsettled in desk.unsettled.items():
            if any(f.trade_id == trade_id and f.instrument.venue is venue for f in unsettled.fills):
                return (desk, group) if trade_id in unsettled.open else None
    return None


def _desk_of(state: State, instrument: Instrument, order: Order | None) -> Desk | None:
    if order is not None and order.match in state.desks:
        desk = state.desks[order.match]
        if instrument.yes in desk.markets:
            return desk
    desks = state.on_market.get(instrument.yes, ())
    return desks[0] if desks else None


def _mismatch(state: State, connection: Connection, what: str) -> None:
    connection.mismatch = what
    state.alert(Severity.ERROR, what)
    state.urge_venue(connection.venue)


def _watch_fill(state: State, desk: Desk, event: OrderFilled, lock: Lock) -> None:
    """What a fill says about those who trade with us, and the limits on how fast it may happen."""
    route: Route = desk.keys[event.instrument, event.action]
    bid = route.price_of(event.price)
    fair = desk.theo.fair[route.gained] if desk.theo is not None else None
    record = FillRecord(
        ts=state.ts,
        wall=state.wall,
        match=desk.spec.id,
        instrument=event.instrument,
        action=event.action,
        price=event.price,
        size=event.size,
        fee=event.fee,
        edge=None if fair is None else fair - bid,
        locked=lock.profit,
    )
    state.recent_fills.appendleft(record)
    edge = "?" if record.edge is None else f"{record.edge / CENT:+.1f}¢"
    state.note(
        f"fill {event.action.value} {plain(event.size)} @ {event.price / CENT:g}¢ edge {edge} "
        f"{event.instrument}",
        desk.spec.id,
    )
    if fair is not None:
        markouts = desk.markouts.setdefault(route.gained, Markouts())
        markouts.filled(state.ts, fair / ONE, event.size / desk.settings.contracts)
    _pace(state, desk, route.gained, bid * event.size // ONE, fair)


def _pace(state: State, desk: Desk, gained: int, cash: int, fair: int | None) -> None:
    """C6 and C7: too many fills on one side without a move of theo, or too much cash in a minute.

    A theo that is not there has not moved.
    """
    settings = desk.settings
    recent = desk.recent_fills.setdefault(gained, deque(maxlen=1000))
    recent.append((state.ts, cash, fair))
    while recent and state.ts - recent[0][0] > FILL_RATE_WINDOW:
        recent.popleft()
    spent = sum(amount for _, amount, _ in recent)
    if settings.fill_rate is not None and spent > settings.fill_rate:
        _pause_side(state, desk, gained, Reason.FILL_RATE, settings.fill_rate_pause_s)
    window = settings.repeated_fills_s * SECOND
    repeated = [f for ts, _, f in recent if state.ts - ts <= window]
    known = [f for f in repeated if f is not None]
    unmoved = fair is None or all(abs(f - fair) < settings.repeated_fills_move for f in known)
    if len(repeated) >= settings.repeated_fills and unmoved:
        _pause_side(state, desk, gained, Reason.REPEATED_FILLS, settings.repeated_fills_pause_s)


def _pause_side(state: State, desk: Desk, gained: int, reason: Reason, seconds: int) -> None:
    desk.pause_side(gained, reason, Nanos(state.ts + seconds * SECOND))
    desk.recent_fills[gained].clear()
    state.alert(Severity.WARN, f"side paused for {seconds} s: {reason.value}", desk.spec.id)
