"""One evaluation of one match: may it quote, what is wanted, and the orders that get it there."""

from __future__ import annotations

from functools import partial

from console.core import flatten, intake
from console.core.attendance import attended
from console.core.book import NEVER, guard
from console.core.commands import AmendOrder, Basis, PlaceOrder, Resync
from console.core.desk import Desk
from console.core.diff import Amend, Cancel, Place, Refill, diff
from console.core.feehalt import halted
from console.core.instruments import ASK, BID, Venue
from console.core.matches import PREMATCH, STOP_QUOTING
from console.core.matches import State as Stage
from console.core.orders import Order
from console.core.planner import Planner, Wanted
from console.core.reasons import Reason
from console.core.risk import Books, Measure, Verdict, allow
from console.core.sight import Sight
from console.core.state import State
from console.core.theo import Theo
from console.core.units import MILLISECOND, ONE, SECOND, Nanos, Size

TOP, DONE, QUOTING = Reason.TOP, Stage.DONE, Stage.QUOTING  # quicker found than in their classes
CLOCK_SET_PAUSE = 10 * SECOND  # after the wall clock was set by little
RATE_PAUSE = SECOND // 4  # before what the rate limit held back is tried again

BOOK_CAUSES = frozenset({Reason.NO_BOOK, Reason.STALE_BOOK, Reason.CROSSED_BOOK})
THEO_CAUSES = frozenset({Reason.NO_THEO, Reason.STALE_THEO})
DATA_CAUSES = (
    BOOK_CAUSES
    | THEO_CAUSES
    | frozenset(
        {
            Reason.DISAGREEMENT,
            Reason.VENUE_HELD,
            Reason.VENUE_DOWN,
            Reason.FILLS_BLIND,
            Reason.NO_BALANCE,
            Reason.RECONCILING,
            Reason.MISMATCH,
            Reason.NOT_OPEN,
            Reason.UNVALUED,
        }
    )
)


def evaluate(state: State, desk: Desk) -> None:
    """Bring the orders of a match to what the rules want now."""
    if state.recovering:
        return
    ts = state.ts
    valued = desk.theo is not None
    desk.looked(ts)
    desk.phase = desk.phase_at(state.wall)  # first of all: how old a line may be depends on it
    sight = Sight(desk, state.blotter, state.quote_trouble, ts)
    desk.theo = value(state, desk, sight)
    if desk.theo is not None and desk.theo.shocked_ts is not None:
        # Kept here: the source that jumped may be taken down next, and must still pause the rest.
        desk.shocked_ts = max(desk.shocked_ts, desk.theo.shocked_ts)
    if (desk.theo is not None) is not valued:
        state.remeasure(desk)  # what a void match pays is known only with a theo
    if desk.flattening is not None and state.kill is None and not (state.stopping or state.gated):
        flatten.round_of(state, desk)
        _guard_books(state, desk, sight)
        _resync(state, desk)
        desk.wake(ts, Nanos(ts + flatten.ROUND))
        if desk.flattening is not None:
            desk.wake(ts, desk.flattening.next_ts)
        desk.rest(ts)
        return
    reason, limit = standing(state, desk, sight)
    desk.reason, desk.limit = reason or TOP, limit
    if reason is not None:
        _stand_aside(state, desk, reason, limit)
    else:
        _quote(state, desk, sight)
    _guard_books(state, desk, sight)
    _schedule(state, desk, reason)
    done = desk.stage is DONE
    if done and desk.odds_watched and desk.flat():
        state.unwatch_odds(desk)
    elif not done and not desk.odds_watched:
        state.watch_odds(desk)


def _schedule(state: State, desk: Desk, reason: Reason | None) -> None:
    """Have a match looked at again when what holds now may be over, if nothing happens before."""
    ts, settings = state.ts, desk.settings
    anchorless = desk.theo is not None and reason in THEO_CAUSES
    if reason is None or reason in BOOK_CAUSES or anchorless:
        _resync(state, desk)
    if state.blotter.has_orders(desk.spec.id):
        desk.wake(ts, _next_expiry(state, desk))
    elif reason is Reason.WARM_UP and desk.good_since is not None:
        desk.wake(ts, Nanos(desk.good_since + settings.warm_up_s * SECOND))
    elif reason is Reason.SHOCK:
        desk.wake(ts, Nanos(desk.shocked_ts + settings.shock_pause_s * SECOND))
    for pause in desk.side_pauses.values():
        desk.wake(ts, pause.until)
    desk.rest(ts)


def _guard_books(state: State, desk: Desk, sight: Sight) -> None:
    """Tell each book whom this evaluation saw in it; what it sent counts as ours from now on.

    Of a book that several matches are on, each may have seen others: none of its changes can wait.
    """
    dust = desk.settings.rival_size_min
    for instrument, market in desk.markets.items():
        book = market.book
        if book is None:
            continue
        if len(state.on_market[instrument]) > 1:
            book.unguard()
            continue
        book.guarded = book.problem(desk.settings.quote_empty) is None
        own_bids = state.blotter.own_sizes(instrument, BID)
        own_asks = state.blotter.own_sizes(instrument, ASK)
        guard(book, *sight.faces(instrument), dust, own_bids, own_asks)


def _next_expiry(state: State, desk: Desk) -> Nanos:
    """The first moment at which something that lets orders rest now will have run out, if nothing comes."""
    settings, ts = state.settings, state.ts
    first: int = desk.board.next_stale(desk.settings, desk.phase, ts)
    changes = desk.next_phase(state.wall)
    if changes is not None:
        first = min(first, ts + changes - state.wall)
    book_age = desk.age_max_book_s() * SECOND
    for market in desk.markets.values():
        if market.book is not None:
            stale = market.book.confirmed_ts + book_age + 1
            probe = stale - book_age + book_age // 2
            if ts < probe < first:
                first = probe
            elif ts < stale < first:
                first = stale
    for venue in desk.venues:
        connection = state.connections[venue]
        blind = connection.private_ts + settings.fills_blind_s * SECOND + 1
        if ts < blind < first:
            first = blind
        unpaid = connection.cash_ts + settings.balance_age_max_s * SECOND + 1
        if ts < unpaid < first:
            first = unpaid
    return Nanos(first)


def value(state: State, desk: Desk, sight: Sight) -> Theo | None:
    """Refresh the exchange books as sources and blend them all."""
    for venue in desk.venues:
        _book_source(state, desk, venue, sight)
    intake.prove(state, desk)
    return desk.board.blend(desk.settings, desk.phase, state.ts, state.quoting_on(desk))


def _book_source(state: State, desk: Desk, venue: Venue, sight: Sight) -> None:
    """Microprices of a venue's symbols, our own orders and dust taken out."""
    prices: list[float | None] = []
    spread, confirmed = 0, state.ts
    dust, singles = desk.settings.rival_size_min, desk.singles[venue]
    for instrument in singles:
        book = desk.markets[instrument].book
        if book is None or book.stale:
            prices.append(None)
            continue
        if book.confirmed_ts < confirmed:
            confirmed = book.confirmed_ts
        bids, asks = sight.faces(instrument)
        best_bid, best_ask = bids.rival(dust), asks.rival(dust)
        if best_bid is None or best_ask is None:
            prices.append(None)
            continue
        (bid, bid_size), (ask, ask_size) = best_bid, best_ask
        offer = ONE - ask
        if offer - bid > spread:
            spread = offer - bid
        prices.append((bid * ask_size + offer * bid_size) / (bid_size + ask_size) / ONE)
    if len(prices) == 1 and desk.outcomes == 2 and prices[0] is not None:
        first = desk.pays[singles[0]] == 1
        prices = [prices[0], 1.0 - prices[0]] if first else [1.0 - prices[0], prices[0]]
    if prices:
        padded = prices + [None] * (desk.outcomes - len(prices))
        desk.board.book(venue, padded, spread, confirmed)


# ---- may it quote


def standing(state: State, desk: Desk, sight: Sight) -> tuple[Reason | None, str]:
    """Why the whole match stands aside now, or None; moves its phase and stage."""
    if desk.phase is not PREMATCH:  # of a match that has begun, the new theo may have decided it
        desk.phase = desk.phase_at(state.wall)
    reason, limit = _ordered(state, desk)
    if reason is None:
        reason = _data_trouble(desk, sight)
        if reason is None:
            if desk.good_since is None:
                desk.good_since = state.ts
            if state.ts - desk.good_since < desk.settings.warm_up_s * SECOND:
                reason = Reason.WARM_UP
        else:
            desk.good_since = None
    _move(desk, reason)
    return reason, limit


def _ordered(state: State, desk: Desk) -> tuple[Reason | None, str]:
    """Causes that only a person, the clock or a shock's end lifts, the strongest first."""
    if state.kill is not None:
        return Reason.KILLED, ""
    if state.stopping:
        return Reason.STOPPED, ""
    if state.gated:
        return Reason.START_GATE, ""
    if state.reduce_only:
        return Reason.REDUCE_ONLY, ""
    if desk.stage is DONE:
        return Reason.DONE, ""
    if state.account.halt:
        return Reason.LOSS, state.account.halt
    if desk.loss_halt:
        return Reason.LOSS, desk.loss_halt
    wrong_fees = halted(state, desk)
    if wrong_fees:
        return Reason.FEES, wrong_fees
    if state.paused or desk.paused:
        return Reason.PAUSED, state.paused or desk.paused
    if state.ts - state.clock_set_ts < CLOCK_SET_PAUSE:
        return Reason.CLOCK, ""
    if desk.phase is STOP_QUOTING:
        return (Reason.STARTED if desk.started else Reason.STOP_TIME), ""
    if state.ts - desk.shocked_ts < desk.settings.shock_pause_s * SECOND:
        return Reason.SHOCK, ""
    return None, ""


def _data_trouble(desk: Desk, sight: Sight) -> Reason | None:
    """What is missing before any quote can stand: a theo, and one symbol that can be traded."""
    if desk.theo is None:
        return Reason.NO_THEO
    if desk.unvalued:
        return Reason.UNVALUED
    if desk.theo.why is not None:
        return desk.theo.why
    worst: Reason | None = None
    only = desk.settings.quote_on
    for instrument in desk.markets:
        venue = instrument.venue
        if venue not in desk.quoted_venues:
            continue
        if only not in (None, venue) and not desk.positions[venue].holdings[instrument].net:
            continue  # neither quoted nor worked off
        trouble = sight.trouble(instrument)
        if trouble is None:
            return None
        worst = worst or trouble
    return worst


def _move(desk: Desk, reason: Reason | None) -> None:
    """The stage that goes with a reason."""
    if desk.stage is DONE:
        return
    if reason is None:
        desk.stage = QUOTING
    elif reason in (Reason.STARTED, Reason.STOP_TIME):
        desk.stage = Stage.PAUSED
    elif desk.stage in (Stage.INIT, Stage.WAIT_DATA) and (reason in DATA_CAUSES or reason is Reason.WARM_UP):
        desk.stage = Stage.WAIT_DATA
    else:
        desk.stage = Stage.PAUSED


def _stand_aside(state: State, desk: Desk, reason: Reason, limit: str) -> None:
    """Pull every quote; a match past its stop time with nothing out is done."""
    for verdict in desk.verdicts.values():
        verdict.say(reason, limit)
        verdict.ceiling = None
    if state.kill is None:  # kill cancels by account, not by memory
        state.cancel_match(desk)
    over = reason in (Reason.STARTED, Reason.STOP_TIME)
    if over and _gets_out(state, desk):
        return
    if over and not state.blotter.has_orders(desk.spec.id):
        desk.stage = Stage.DONE
        state.note(f"done: {reason.value}, nothing rests", desk.spec.id)


def _gets_out(state: State, desk: Desk) -> bool:
    """At the stop time what is held may be sold a little below fair, where the setting says so."""
    below = desk.settings.stop_flatten
    return below is not None and flatten.begin_below_fair(state, desk, below)


def _resync(state: State, desk: Desk) -> None:
    """Ask for a fresh snapshot of every unsound book, at most once in a while, and look when to ask again."""
    ts, every = state.ts, state.settings.read_probe_s * SECOND
    for market in desk.markets.values():
        book = market.book
        if book is None or not state.connections[market.instrument.venue].up:
            continue
        unsound = book.problem(desk.settings.quote_empty) is not None
        quiet = ts - book.confirmed_ts > desk.age_max_book_s() * SECOND // 2
        if unsound or quiet:
            if ts - market.probed_ts >= every:
                market.probed_ts = ts
                state.send(Resync(instrument=market.instrument))
            desk.wake(ts, Nanos(market.probed_ts + every))


# ---- what is wanted


def _quote(state: State, desk: Desk, sight: Sight) -> None:
    live = state.blotter.of_match(desk.spec.id)
    planner = Planner(desk, live, sight, state.ts)
    wanted = planner.plan()
    desk.short = planner.capped
    steps, settled = diff(wanted, live, desk.markets, desk.settings, state.ts)
    for step in steps:
        match step:
            case Cancel(order):
                state.cancel(order)
            case Amend(order, want, retreat):
                _amend(state, desk, order, want, retreat)
            case Refill(order, want, amendable):
                _refill(state, desk, order, want, amendable)
            case Place(want):
                _place(state, desk, want)
    desk.settled = settled and not desk.short
    desk.reason, desk.limit = _headline(desk)


def _place(state: State, desk: Desk, want: Wanted) -> None:
    verdict = _allowed(state, desk, want, None)
    if verdict.size == 0:
        _held_back(desk, want, verdict.reason, verdict.limit)
        return
    connection = state.connections[want.route.instrument.venue]
    spec, price = desk.markets[want.route.yes].spec, want.route.price_of(want.bid)
    assert spec is not None, "an order is allowed only where the symbol is defined"
    command = PlaceOrder(
        order_id=state.new_order_id(),
        match=desk.spec.id,
        instrument=want.route.instrument,
        action=want.route.action,
        price=price,
        size=Size(verdict.size),
        ceiling=want.route.price_of(want.ceiling),
        ceiling_kind=want.kind,
        basis=_basis(desk, want),
        ts=state.ts,
        expires=state.lease_until(connection),
        wall=state.wall,
        stake=spec.stake(want.route.action, price, verdict.size),
    )
    state.blotter.placed(command, want.level, state.ts)
    budget = connection.budget
    budget.take(budget.costs.place, state.ts)
    desk.placed_at[want.route.instrument, want.route.action, price] = state.ts
    _sent(state, desk, want, command)


def _amend(state: State, desk: Desk, order: Order, want: Wanted, retreat: bool) -> None:
    verdict = _allowed(state, desk, want, order)
    if verdict.size == 0:
        if retreat:
            state.cancel(order)
        else:
            _held_back(desk, want, verdict.reason, verdict.limit)
        return
    command = AmendOrder(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        match=desk.spec.id,
        instrument=order.instrument,
        action=order.action,
        price=want.route.price_of(want.bid),
        size=Size(order.filled + verdict.size),
        ceiling=want.route.price_of(want.ceiling),
        ceiling_kind=want.kind,
        basis=_basis(desk, want),
        ts=state.ts,
    )
    state.blotter.amend_sent(order, command, state.ts)
    budget = state.connections[order.instrument.venue].budget
    budget.take(budget.costs.amend, state.ts)
    _sent(state, desk, want, command)


def _sent(state: State, desk: Desk, want: Wanted, command: PlaceOrder | AmendOrder) -> None:
    desk.active_ts = state.ts
    desk.memory(want.route).rivals.sent(want.bid, state.ts)
    state.send(command)
    state.remeasure(desk)


def _refill(state: State, desk: Desk, order: Order, want: Wanted, amendable: bool) -> None:
    """Top an order up, unless limits would leave about as little of the new one: that would only churn."""
    desk.short = True
    if order.remaining * 100 >= _allowed(state, desk, want, order).size * desk.settings.refill_below_pct:
        return
    if amendable:
        _amend(state, desk, order, want, retreat=False)
    else:
        state.cancel(order)


def _allowed(state: State, desk: Desk, want: Wanted, replaces: Order | None) -> Verdict:
    """How much of what is wanted every limit allows now."""
    state.revalue(desk)  # by the present theo
    verdict = allow(
        desk,
        want,
        replaces,
        state.blotter,
        state.connections[want.route.instrument.venue],
        state.settings,
        partial(_books, state, desk),
        state.ts,
        attended(state),
    )
    if verdict.size < want.size:
        desk.short = True
        desk.wake(state.ts, _again(desk, want, verdict.reason, state.ts))
    return verdict


def _again(desk: Desk, want: Wanted, reason: Reason, ts: Nanos) -> Nanos:
    """When what holds an order back is over by itself, where that is a moment only."""
    if reason is Reason.RATE_LIMITED:
        return Nanos(ts + RATE_PAUSE)
    if reason is not Reason.WAITING:
        return NEVER
    price = want.route.price_of(want.bid)
    placed = desk.placed_at.get((want.route.instrument, want.route.action, price), NEVER)
    return Nanos(placed + desk.settings.refill_min_ms * MILLISECOND)


def _books(state: State, desk: Desk, measure: Measure) -> Books:
    """Worst losses, by `measure`, of everything an order of this match adds to."""
    event = venue = total = 0
    most, shared = desk.settings.exposure_event, desk.spec.event
    for other in state.desks.values():
        worst = measure(other.worst_case)
        total += worst
        if other is desk or (shared and other.spec.event == shared):
            event += worst
            most = min(most, other.settings.exposure_event)
        if not desk.quoted_venues.isdisjoint(other.quoted_venues):
            venue += worst
    return Books(event, venue, total, most)


def _basis(desk: Desk, want: Wanted) -> Basis:
    assert desk.theo is not None, "an order is wanted on a theo"
    sources = "+".join(f"{s.name}:{s.weight:.2f}" for s in desk.theo.sources if s.weight > 0.0)
    edge = want.edge
    return Basis(edge.fair, edge.fair_lo, edge.margin, want.fee, want.even, sources)


def _held_back(desk: Desk, want: Wanted, reason: Reason, limit: str) -> None:
    """Nothing of this set is out and a limit keeps it so."""
    verdict = desk.verdicts[want.route.gained]
    if reason is not Reason.WAITING:
        verdict.say(reason, limit)


def _headline(desk: Desk) -> tuple[Reason, str]:
    """The verdict that most needs a human: the one furthest from a plain quote."""
    worst, furthest = desk.verdicts[1], -1
    for outcome in range(desk.outcomes):
        verdict = desk.verdicts[1 << outcome]
        if verdict.reason.rank > furthest:
            worst, furthest = verdict, verdict.reason.rank
    return worst.reason, worst.limit
