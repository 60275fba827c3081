"""The engine: one event in, the commands it leads to out; nothing else ever decides anything.

`Engine.on_event(event) -> list[Command]` reads no clock, no network and no dice: the same events give the
same commands, live, on paper, in a replay and in the simulator. An event first changes what is known
(books, sources, orders, positions), then touches the matches it concerns; a touched match is evaluated
when its pace allows (`quotes.evaluate`): theo, ceilings, placement, limits, and the difference between
what is wanted and what rests becomes commands. Time enters as `Tick`, ten times a second.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from console.core import (
    attendance,
    flatten,
    intake,
    keepalive,
    killing,
    marks,
    nearing,
    netting,
    operating,
    outcomes,
    overrides,
    quotes,
    reconcile,
    shedding,
    till,
)
from console.core.book import Book, can_wait, is_guarded
from console.core.checkpoint import decode, restore
from console.core.closing import opening
from console.core.commands import ORDERS, AmendOrder, AnyCommand, Lookup, PlaceOrder, Severity, Subscribe
from console.core.connection import NOT_CONFIGURED, Connection
from console.core.desk import Desk
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BalanceUpdate,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    CashAdjusted,
    Claimable,
    ClockMeasured,
    FeedStatus,
    FillConfirmed,
    FillReversed,
    GameEnded,
    GameStarted,
    InstrumentDefined,
    MarketStatus,
    MassStatus,
    OddsPaired,
    OddsSuspended,
    OddsUnpaired,
    OddsUpdate,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    PrivateConfirmed,
    QueuePosition,
    RewardPaid,
    Settled,
    Started,
    Sweeping,
    Tick,
    Trade,
    VenueDown,
    VenueLimits,
    VenueUp,
    Watched,
)
from console.core.instruments import BID, BookSide, Instrument, Venue
from console.core.matches import State as Stage
from console.core.state import State
from console.core.units import MILLISECOND, ONE, SECOND, Nanos

CLOCK_JUMP = SECOND // 2
# What it may raise on an event that no venue told: one of a journal that was changed.
REFUSED = (AssertionError, ValueError, LookupError, ArithmeticError)


class Engine:
    """Makes the markets. Feed it every event in order, send every command it returns."""

    def __init__(self) -> None:
        self._state: State | None = None

    @property
    def state(self) -> State:
        """Everything known; for pictures, checkpoints and proofs, not for changing."""
        assert self._state is not None, "the first event of a run is Started"
        return self._state

    def on_event(self, event: AnyEvent) -> list[AnyCommand]:
        """Take one event and return what is to be done about it, in the order to do it."""
        state = self._state
        if type(event) is BookDelta and state is not None:  # nine events in ten: kept short
            ts = event.ts
            assert ts >= state.ts, _backwards(event, state)
            state.ts, state.wall = ts, event.wall
            market = state.markets.get(event.instrument)
            book = market.book if market is not None else None
            if book is None or not book.delta(event.side, event.price, event.change, ts):
                return []
            state.out = []
            _book_moved(state, event.instrument, event)
        else:
            if state is None or type(event) is Started:
                assert isinstance(event, Started), "the first event of a run is Started"
                state = self._state = _begun(event)
            assert event.ts >= state.ts, _backwards(event, state)
            state.ts, state.wall = event.ts, event.wall
            state.out = []
            if type(event) is Tick:
                _tick(state)
            else:
                _dispatch(state, event)
        out = state.out
        if out:
            _assert_nothing_past_the_latch(state)
        return out

    def remember(self, command: AnyCommand) -> None:
        """While recovering: a command an earlier run sent, so that its order is known to be out."""
        state = self.state
        assert state.recovering, "commands are only remembered while recovering"
        if isinstance(command, PlaceOrder) and command.order_id not in state.blotter.orders:
            state.blotter.placed(command, 0, command.ts)
        elif isinstance(command, AmendOrder):
            order = state.blotter.live.get(command.order_id)
            if order is not None:
                order.pending = None  # whatever was asked before had its outcome when this was sent
                state.blotter.amend_sent(order, command, command.ts)
        elif isinstance(command, Lookup):
            order = state.blotter.live.get(command.order_id)
            if order is not None and order.in_flight:  # a deadline had passed: what is told next is believed
                state.blotter.unanswered(order, state.ts)


# ---- one event


def _dispatch(state: State, event: AnyEvent) -> None:
    match event:
        case BookSnapshot() | Trade() | BookStale() | BooksConfirmed() | InstrumentDefined() | MarketStatus():
            _on_market(state, event)
        case BookDelta() | Tick():
            raise AssertionError("a delta or a tick is taken before anything else")
        case OddsUpdate() | OddsSuspended() | OddsPaired() | OddsUnpaired() | GameStarted() | GameEnded():
            _on_match(state, event)
        case (
            OrderAccepted()
            | OrderRejected()
            | OrderAmended()
            | AmendRejected()
            | OrderCanceled()
            | OrderCancelRejected()
            | OrderExpired()
            | OrderFilled()
            | FillConfirmed()
            | FillReversed()
            | QueuePosition()
            | OutcomeUnknown()
        ):
            outcomes.learn(state, event)
            _evaluate_due(state)
        case FeedStatus():
            _on_feed(state, event)
        case (
            VenueUp()
            | VenueDown()
            | VenueLimits()
            | PrivateConfirmed()
            | ClockMeasured()
            | MassStatus()
            | BalanceUpdate()
            | CashAdjusted()
            | Claimable()
            | RewardPaid()
            | Settled()
        ):
            _on_account(state, event)
            _evaluate_due(state)
        case Watched():
            attendance.watched(state, event.why)
            _evaluate_due(state)
        case Sweeping():
            state.note("everything was cancelled without the engine")
        case Started():
            _started(state, event)
        case _:
            operating.operate(state, event)
            _evaluate_due(state)


def _begun(event: Started) -> State:
    """The state a run begins with: nothing, or what the checkpoint kept of earlier ones."""
    state = State(event.run_id, event.mode, event.account, event.settings)
    state.ts, state.wall, state.started_wall = event.ts, event.wall, event.wall
    state.wall_offset = event.wall - event.ts
    state.gated = event.gated
    for venue in event.venues:
        state.connections[venue] = Connection(venue, event.settings)
    if event.checkpoint:
        restore(state, event.checkpoint)
    state.opening = opening(state)
    return state


def _started(state: State, event: Started) -> None:
    state.note(f"run {event.run_id} started in mode {event.mode.value}")
    kept = decode(event.checkpoint) if event.checkpoint else None
    if kept is not None and event.run_id not in kept.runs:
        for desk in state.desks.values():
            flatten.interrupted(state, desk)
    if kept is not None and kept.account is not None:
        for change in overrides.changes(kept.account, event.settings):
            state.alert(Severity.INFO, f"{change} (settings of this run)")
    for connection in state.connections.values():
        if connection.absent:
            _say_absent(state, connection.venue)
    for instrument in state.markets:
        state.send(Subscribe(instrument=instrument))
    for desk in state.desks.values():
        state.watch_odds(desk)
    # The checkpoint knows of a kill whose latch could not be written (disk full).
    latched = event.latched or (kept.killed if kept is not None else "")
    if latched:
        state.note("the kill latch of an earlier run is engaged")
        killing.kill(state, latched)
    of_venues = dict(kept.killed_venues if kept is not None else ()) | dict(event.latched_venues)
    for venue, by in of_venues.items():
        if venue in state.connections and not state.absent(venue):
            killing.kill_venue(state, state.connections[venue], by)


def _say_absent(state: State, venue: Venue) -> None:
    """What stands at a venue that is not configured any more, in one line."""
    held = sum(
        bool(holding.net)
        for desk in state.desks.values()
        for position in desk.groups()
        for instrument, holding in position.holdings.items()
        if instrument.venue is venue
    )
    words = f"{venue.value}: {NOT_CONFIGURED}: {held} positions there are kept and nothing is traded"
    orders = state.orders_at(venue)
    state.alert(Severity.ERROR, words + f"; {orders} orders may still rest there" * bool(orders))


# ---- markets


def _on_market(
    state: State, event: BookSnapshot | Trade | BookStale | BooksConfirmed | InstrumentDefined | MarketStatus
) -> None:
    if isinstance(event, BooksConfirmed):
        connection = state.connections.get(event.venue)
        if connection is not None:
            connection.stream.ts = event.ts
        return
    market = state.markets.get(event.instrument.yes)
    if market is None:
        return
    match event:
        case InstrumentDefined():
            connection = state.connections[event.instrument.venue]
            market.define(event.spec, connection.stream, state.ts)
            connection.defined(market.instrument, event.spec.pocket)
            state.blotter.mirror(market.instrument, event.spec.mirror)
            for desk in state.on_market.get(market.instrument, ()):
                netting.recheck(state, desk)
            _book_moved(state, market.instrument)
        case MarketStatus():
            if market.state is not event.state:
                market.state = event.state
                state.note(f"{event.instrument} is {event.state.value}")
            _urge(state, market.instrument)
        case BookSnapshot():
            if market.book is not None:
                market.book.snapshot(event.bids, event.asks, event.ts)
                _book_moved(state, market.instrument)
        case BookStale():
            state.note(f"{event.instrument}: {event.why}", severity=Severity.WARN)
            if market.book is not None:
                market.book.distrust(event.why)
                _urge(state, market.instrument)
        case Trade():
            _trade(state, event)
        case _:
            assert_never(event)


def _book_moved(state: State, instrument: Instrument, change: BookDelta | None = None) -> None:
    """Evaluate the matches on a book now, or as soon as their pace allows, unless a change can wait."""
    ts = state.ts
    for desk in state.on_market.get(instrument, ()):
        book = desk.markets[instrument].book
        if book is None or book.problem(desk.settings.quote_empty) is not None:
            desk.urge(ts)
        elif not desk.touched and (change is None or not _may_wait(state, desk, book, change)):
            desk.touch(ts)
            desk.active_ts = ts
        if desk.due_ts <= ts:
            quotes.evaluate(state, desk)


def _may_wait(state: State, desk: Desk, book: Book, change: BookDelta) -> bool:
    """Whether a match that quotes would go on as it does after a change of a sound book."""
    own = state.blotter.own_sizes(change.instrument, change.side)
    dust = desk.settings.rival_size_min
    return desk.stage is Stage.QUOTING and can_wait(book, change.side, change.price, change.change, own, dust)


def _uncovered(state: State, instrument: Instrument, side: BookSide) -> None:
    """What rests on a side where an order of ours stood until lately is somebody else's by now: have a look,
    unless the best rival is the one that was seen last and nothing waited for that order to be gone.
    """
    market = state.markets.get(instrument)
    if market is None or market.book is None:
        return
    own = state.blotter.own_sizes(instrument, side)
    for desk in state.on_market.get(instrument, ()):
        dust = desk.settings.rival_size_min
        if not desk.touched and (desk.short or not is_guarded(market.book, side, own, dust)):
            desk.touch(state.ts)


def _urge(state: State, instrument: Instrument) -> None:
    for desk in state.on_market.get(instrument, ()):
        desk.urge(state.ts)
    _evaluate_due(state)


def _trade(state: State, event: Trade) -> None:
    """Taker flow, seen from every outcome the symbol pays on or does not."""
    for desk in state.on_market.get(event.instrument.yes, ()):
        pays = desk.pays[event.instrument.yes]
        bought = event.taker is BID
        if desk.outcomes == 2 or pays.bit_count() == 1:
            for outcome, flow in enumerate(desk.flows):
                inside = bool(pays >> outcome & 1)
                if inside or desk.outcomes == 2:
                    flow.trade(event.ts, event.size / ONE, bought is inside)


# ---- matches


def _on_match(
    state: State,
    event: OddsUpdate | OddsSuspended | OddsPaired | OddsUnpaired | GameStarted | GameEnded,
) -> None:
    desk = state.desks.get(event.match)
    if desk is None:
        return
    match event:
        case OddsUpdate():
            if not intake.updated(state, desk, event) and desk.stage is Stage.QUOTING:
                return  # a repeat: the next look is time enough
        case OddsSuspended():
            intake.suspended(state, desk, event)
        case OddsPaired():
            intake.paired(state, desk, event)
        case OddsUnpaired():
            intake.unpaired(state, desk, event)
        case GameStarted():
            desk.started = True
            state.note("game started", event.match)
        case GameEnded():
            desk.ended = True
            state.note("game over", event.match)
        case _:
            assert_never(event)
    desk.urge(state.ts)
    quotes.evaluate(state, desk)


def _on_feed(state: State, event: FeedStatus) -> None:
    """A feed speaks, or falls silent: its last odds age by themselves."""
    known = state.feeds.get(event.feed)
    if known is None or (known.up, known.why) != (event.up, event.why):
        said = "up" if event.up else f"down: {event.why}"
        if event.up:
            state.note(f"{event.feed} {said}{f' ({event.why})' if event.why else ''}")
        else:
            state.alert(Severity.WARN, f"{event.feed} {said}")
    state.feeds[event.feed] = event


# ---- account


def _on_account(
    state: State,
    event: VenueUp
    | VenueDown
    | VenueLimits
    | PrivateConfirmed
    | ClockMeasured
    | MassStatus
    | BalanceUpdate
    | CashAdjusted
    | Claimable
    | RewardPaid
    | Settled,
) -> None:
    venue: Venue = event.instrument.venue if isinstance(event, Settled) else event.venue
    connection = state.connections.get(venue)
    if connection is None or connection.absent:
        state.note(f"{venue.value} is {NOT_CONFIGURED}")
        return
    match event:
        case VenueUp():
            reconcile.venue_up(state, connection, event.held)
            if state.kill is not None:
                killing.kill(state, state.kill.by)
            elif connection.killed:
                killing.kill_venue(state, connection, connection.killed)
        case VenueDown():
            reconcile.venue_down(state, connection, event.why)
            state.urge_venue(venue)
        case VenueLimits():
            connection.budget.told(event, state.settings)
            connection.dead_man = event.dead_man
            connection.resting_multiple = event.resting_multiple
            connection.unattended_max = event.unattended_max
        case PrivateConfirmed():
            connection.private_ts = event.ts
        case ClockMeasured():
            _clock_measured(state, connection, event)
        case RewardPaid():
            state.account.reward(event.amount)
            connection.till.moved(event.amount, 0)
            state.note(f"{venue.value}: {event.amount / ONE:+.2f} dollars of rewards ({event.why})")
        case Claimable():
            connection.claimable = event.amount
            state.note(f"{venue.value}: to be claimed: {event.why or 'nothing'}")
        case MassStatus():
            reconcile.mass_status(state, connection, event)
        case BalanceUpdate():
            connection.told_cash(event.cash, event.pockets, event.ts)
            connection.private_ts = event.ts
        case CashAdjusted():
            connection.till.paid(event.amount)
            state.note(f"{venue.value}: cash {event.amount / ONE:+.2f} dollars ({event.why})")
        case Settled():
            _settled(state, event)
            if event.instrument.yes not in state.markets and not event.refund:
                till.settled_elsewhere(connection, event.instrument, event.payout)
        case _:
            assert_never(event)


def _clock_measured(state: State, connection: Connection, event: ClockMeasured) -> None:
    """A clock too far off makes every age and every signature doubtful: nothing is quoted there (C23)."""
    most = state.settings.clock_offset_max_ms * MILLISECOND
    was_off = connection.clock_offset is not None and abs(connection.clock_offset) > most
    connection.clock_offset, connection.round_trip = event.offset, event.round_trip
    if (abs(event.offset) > most) is not was_off:
        words = "is off by" if not was_off else "is right again, off by"
        state.alert(Severity.WARN, f"{event.venue.value}: our clock {words} {event.offset / SECOND:+.1f} s")
        state.urge_venue(event.venue)


def _settled(state: State, event: Settled) -> None:
    """A symbol paid out; told again, only what was not paid yet is, or what was paid otherwise before."""
    for desk in state.on_market.get(event.instrument.yes, ()):
        position = desk.positions[event.instrument.venue]
        holding = position.holdings[event.instrument.yes]
        what = "stake returned" if event.refund else f"pays {event.payout / ONE:g}"
        if holding.paid_otherwise(event.payout, event.refund):
            correct = partial(position.correct, event.instrument, event.payout, event.refund)
            moved, commission = till.booked(state, desk, event.instrument, correct)
            desk.attribution.corrected(moved, commission)
            words = f"{event.instrument} settled otherwise: {what}, {moved / ONE:+.2f} dollars"
            state.alert(Severity.ERROR, words, desk.spec.id)
        elif holding.settled and not holding.net:  # a late fill is paid when it is told once more
            continue
        if holding.net or not holding.settled:
            _paid_out(state, desk, event)
            state.alert(Severity.INFO, f"{event.instrument} settled: {what}", desk.spec.id)
        flatten.abandon(state, desk, "settled", Stage.DONE)
        desk.ended = True
        state.remeasure(desk)
        desk.urge(state.ts)


def _paid_out(state: State, desk: Desk, event: Settled) -> None:
    position = desk.positions[event.instrument.venue]
    net, cash = position.holdings[event.instrument.yes].net, position.cash
    settle = partial(position.settle, event.instrument, event.payout, event.refund)
    till.booked(state, desk, event.instrument, settle)
    commission = position.holdings[event.instrument.yes].paid[-1].due
    moved = position.cash - cash + commission
    desk.attribution.settled(event.instrument.yes, net, moved, commission)
    desk.unsettled.pop(desk.group_of(event.instrument.venue), None)  # what paid out has settled


# ---- time


def _evaluate_due(state: State) -> None:
    for desk in state.desks.values():
        if desk.due_ts <= state.ts:
            quotes.evaluate(state, desk)


def _tick(state: State) -> None:
    ts = state.ts
    if state.wall - ts != state.wall_offset:
        _watch_clock(state)
    for instrument, side in state.blotter.forget_echoes(ts):
        _uncovered(state, instrument, side)
    second = ts >= state.next_second
    if second:
        state.next_second = Nanos(ts + SECOND)
        for desk in state.desks.values():
            marks.sample(state, desk)
    if state.overrides and not state.recovering:
        overrides.take_back(state)  # before anything is decided by them once more
    _evaluate_due(state)
    outcomes.chase(state)
    killing.sweep_on(state)
    if second and not state.recovering:
        marks.mark_all(state)
        nearing.tell(state)
        shedding.shed(state)
        for connection in state.connections.values():
            reconcile.check_due(state, connection)
        keepalive.keep_alive(state)
        attendance.trim(state)


def _watch_clock(state: State) -> None:
    """The wall clock was set: whatever hangs on the time of day is looked at now, and quoting stops.

    For a moment where it was set right; until the operator looked when it is further off than our clock
    may be, since starts, stops and stamps of odds can no longer be believed (C23).
    """
    offset = state.wall - state.ts
    jumped = offset - state.wall_offset
    state.wall_offset = offset
    if abs(jumped) <= CLOCK_JUMP:
        return
    state.clock_set_ts = state.ts
    words = f"the wall clock jumped by {jumped / SECOND:+.1f} s"
    if abs(jumped) > state.settings.clock_offset_max_ms * MILLISECOND and not state.recovering:
        state.paused = state.paused or words
        state.alert(Severity.ERROR, f"{words}: paused until you resume")
    else:
        state.alert(Severity.WARN, words)
    for desk in state.desks.values():
        desk.urge(state.ts)


def _backwards(event: AnyEvent, state: State) -> str:
    return f"time runs backwards: {type(event).__name__} at {event.ts} < {state.ts}"


def _assert_nothing_past_the_latch(state: State) -> None:
    """The last line: whatever was decided, no order leaves while a kill is in force."""
    for command in state.out:
        if isinstance(command, ORDERS):
            killed = state.kill is not None or state.connections[command.instrument.venue].killed
            assert not killed, f"an order would leave while the kill latch is engaged: {command}"
