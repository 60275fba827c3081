"""What outlives a run: positions, orders that may still rest, baselines, halts; encoded and restored."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from console.core import attribution
from console.core.account import Baseline
from console.core.commands import Basis, CeilingKind, PlaceOrder
from console.core.complaint import UNREADABLE, Complaint
from console.core.connection import NOT_CONFIGURED, Connection
from console.core.desk import Desk, SidePause
from console.core.instruments import (
    Action,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    MarketState,
    RunId,
    TradeId,
    Venue,
    VenueOrderId,
)
from console.core.markets import Market
from console.core.matches import MatchId, MatchSpec
from console.core.matches import State as Stage
from console.core.orders import Order, OrderState
from console.core.overrides import lasting_account
from console.core.pairing import Confirmed
from console.core.provisional import PositionKept, Unsettled, bring_back
from console.core.provisional import kept as kept_position
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from console.core.sources import MANUAL, SourceKind
from console.core.state import Override, State
from console.core.units import SECOND, Cash, Nanos, Price, Size

SCHEMA = 1
EVERY = 5 * SECOND  # how old the marks of the last one may be
LATE_FILLS = 60 * SECOND  # later than this after its order ended no fill is told


class MatchKept(Struct, frozen=True, array_like=True):
    """One match."""

    spec: MatchSpec
    settings: MatchSettings
    rules_confirmed: str
    stage: Stage
    started: bool
    ended: bool
    paused: str
    loss_halt: str
    mark: int
    rebalancing: tuple[tuple[int, int], ...]
    positions: tuple[PositionKept, ...]
    manual_odds: tuple[float, ...]
    pinned: bool
    side_pauses: tuple[tuple[int, Reason, int], ...]  # (outcome mask, why, nanoseconds to go)
    unsettled: tuple[tuple[Venue, Unsettled], ...] = ()
    confirmed: tuple[Confirmed, ...] = ()  # pairings the operator vouched for
    manual_age_ns: int = 0  # since the odds by hand were typed
    attribution: attribution.Kept | None = None
    configured_odds: tuple[float, ...] = ()  # by hand, as the match was last added with
    manual_wall: Nanos = Nanos(0)  # when the odds by hand were typed


class OrderKept(Struct, frozen=True, array_like=True):
    """One order that may still rest at its venue; `to_price` and `to_size` are of an amend in flight.

    `placed_ns` and `amended_ns` are how long ago it was placed and last amended.
    """

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    match: MatchId
    instrument: Instrument
    action: Action
    price: Price
    size: Size
    to_price: Price
    to_size: Size
    filled: Size
    ceiling: Price
    ceiling_kind: CeilingKind
    basis: Basis
    placed_ns: int
    amended_ns: int
    placed_wall: Nanos = Nanos(0)
    stake: Cash = Cash(0)
    paid: Cash = Cash(0)


class EndedKept(Struct, frozen=True, array_like=True):
    """One order that ended a moment ago: a fill of it that is told late still finds its match."""

    order: OrderKept
    state: OrderState
    ended_ns: int  # how long ago


class Kept(Struct, frozen=True):
    """A checkpoint; `ts` and `wall` are the moment it was taken."""

    schema: int
    ts: Nanos
    wall: Nanos
    runs: tuple[RunId, ...]
    matches: tuple[MatchKept, ...]
    orders: tuple[OrderKept, ...]
    trades: tuple[tuple[Venue, TradeId], ...]
    specs: tuple[tuple[Instrument, InstrumentSpec], ...]
    baseline: Baseline
    profit: int
    account_halt: str
    paused: str
    killed: str
    reduce_only: bool
    mismatches: tuple[tuple[Venue, str], ...]
    fills: int
    account: AccountSettings | None = None
    overrides: tuple[tuple[MatchId, str, int, str], ...] = ()  # (match, setting, nanoseconds to go, was)
    killed_venues: tuple[tuple[Venue, str], ...] = ()
    undone: tuple[tuple[Venue, TradeId], ...] = ()  # trades that failed to settle
    tills: tuple[tuple[Venue, int, int], ...] = ()  # (venue, cash expected there, rounding it may be off)
    fee_halts: tuple[tuple[str, str], ...] = ()
    retired: attribution.Parts = attribution.Parts()
    curve: tuple[int, ...] = ()
    curve_step_s: int = 1
    closed: tuple[tuple[Instrument, MarketState], ...] = ()  # symbols that did not trade, and why
    ended: tuple[EndedKept, ...] = ()  # orders of the last minute, oldest first
    stopping: str = ""  # of this run alone, as is the start gate: for reading back what it did after
    gated: bool = False


class CheckpointError(Complaint):
    """A checkpoint that cannot be read; the message says why in one line."""


def encode(state: State, with_trades: bool = True) -> bytes:
    """Encode everything that must outlive the run.

    Without the ids of trades it is a tenth as long: whoever reads the records of the run finds them there
    (see `with_trades`).
    """
    kept = Kept(
        schema=SCHEMA,
        ts=state.ts,
        wall=state.wall,
        runs=state.runs,
        matches=tuple(_match_kept(desk, state.ts) for desk in state.desks.values()),
        orders=tuple(_order_kept(order, state.ts) for order in state.blotter.live.values()),
        trades=tuple(state.blotter.trades()) if with_trades else (),
        specs=tuple((i, m.spec) for i, m in state.markets.items() if m.spec is not None),
        baseline=state.account.baseline,
        profit=state.account.profit,
        account_halt=state.account.halt,
        paused=state.paused,
        killed=state.kill.by if state.kill is not None else "",
        reduce_only=state.reduce_only,
        mismatches=tuple((c.venue, c.mismatch) for c in state.connections.values() if c.mismatch),
        fills=state.fills,
        account=lasting_account(state),
        overrides=tuple(
            (match, name, override.until - state.ts, override.was)
            for (match, name), override in state.overrides.items()
            if match
        ),
        killed_venues=tuple((c.venue, c.killed) for c in state.connections.values() if c.killed),
        undone=tuple(state.blotter.undone()),
        tills=tuple(
            (c.venue, c.till.expected, c.till.slack)
            for c in state.connections.values()
            if c.till.expected is not None
        ),
        fee_halts=tuple(sorted(state.fee_halts.items())),
        retired=state.account.retired,
        curve=tuple(state.account.curve.points),
        curve_step_s=state.account.curve.step_s,
        closed=tuple((i, m.state) for i, m in state.markets.items() if m.state is not MarketState.OPEN),
        ended=tuple(
            EndedKept(_order_kept(order, state.ts), order.state, state.ts - order.ended_ts)
            for order in state.blotter.lately_ended(Nanos(state.ts - LATE_FILLS))
        ),
        stopping=state.stopping,
        gated=state.gated,
    )
    return msgspec.json.encode(kept)


def with_trades(data: bytes, trades: Iterable[tuple[Venue, TradeId]]) -> bytes:
    """A checkpoint with the ids of these trades, oldest first, in place of its own."""
    return msgspec.json.encode(msgspec.structs.replace(decode(data), trades=tuple(dict.fromkeys(trades))))


def decode(data: bytes) -> Kept:
    """Read a checkpoint; raises CheckpointError."""
    try:
        kept = msgspec.json.decode(data, type=Kept)
    except UNREADABLE as error:
        raise CheckpointError(f"checkpoint: {error}") from error
    if kept.schema != SCHEMA:
        raise CheckpointError(f"checkpoint: schema {kept.schema}, this program reads {SCHEMA}")
    return kept


def restore(state: State, data: bytes) -> None:
    """Bring a fresh state to where earlier runs left off; their orders count as unknown until looked up.

    What a venue holds that is not configured any more is kept as well, but nothing goes there.
    """
    kept = decode(data)
    _keep_absent(state, kept)
    state.runs = tuple(dict.fromkeys((*kept.runs, state.run_id)))
    state.account.baseline = kept.baseline
    state.account.profit = kept.profit
    state.account.halt = kept.account_halt
    state.account.retired = kept.retired
    state.account.curve.bring_back(kept.curve, kept.curve_step_s)
    state.paused = kept.paused
    state.reduce_only = kept.reduce_only
    state.fills = kept.fills
    state.fee_halts = dict(kept.fee_halts)
    for venue, mismatch in kept.mismatches:
        if venue in state.connections:
            state.connections[venue].mismatch = mismatch
    away = max(0, state.wall - kept.wall)
    for match_id, name, left, was in kept.overrides:
        state.overrides[match_id, name] = Override(Nanos(state.ts + left - away), was)
    for venue, expected, slack in kept.tills:
        if venue in state.connections:
            state.connections[venue].till.restore(expected, slack)
    specs = dict(kept.specs)
    for match in kept.matches:
        _restore_match(state, match, specs)
    for instrument, closed in kept.closed:
        if instrument in state.markets:
            state.markets[instrument].state = closed  # until the venue says otherwise
    for venue, trade_id in kept.trades:
        state.blotter.is_new_trade(venue, trade_id)
    for venue, trade_id in kept.undone:
        state.blotter.undo_trade(venue, trade_id)
    for order in kept.orders:
        _restore_order(state, order)
    for over in kept.ended:
        state.blotter.over(_restore_order(state, over.order), over.state, Nanos(state.ts - over.ended_ns))
    for desk in state.desks.values():
        state.remeasure(desk)


def _keep_absent(state: State, kept: Kept) -> None:
    """A connection that never comes up for every venue that only the checkpoint knows."""
    told = [listing.instrument.venue for match in kept.matches for listing in match.spec.listings]
    told += [order.instrument.venue for order in kept.orders]
    for venue in dict.fromkeys(told):
        if venue not in state.connections:
            connection = state.connections[venue] = Connection(venue, state.settings)
            connection.absent, connection.why_down = True, NOT_CONFIGURED
            connection.killed = dict(kept.killed_venues).get(venue, "")


def _match_kept(desk: Desk, ts: Nanos) -> MatchKept:
    manual = desk.board.sources.get(MANUAL)
    return MatchKept(
        spec=desk.spec,
        settings=desk.settings,
        rules_confirmed=desk.rules_confirmed,
        stage=desk.stage,
        started=desk.started,
        ended=desk.ended,
        paused=desk.paused,
        loss_halt=desk.loss_halt,
        mark=desk.mark,
        rebalancing=tuple(sorted(desk.rebalancing.items())),
        positions=tuple(
            kept_position(venue, position)
            for venue, position in desk.positions.items()
            if not desk.nets_across or venue is desk.venues[0]
        ),
        manual_odds=manual.odds if manual is not None else (),
        pinned=desk.board.pinned,
        side_pauses=tuple((mask, p.reason, p.until - ts) for mask, p in desk.side_pauses.items()),
        unsettled=tuple(desk.unsettled.items()),
        confirmed=desk.confirmed,
        manual_age_ns=ts - manual.confirmed_ts if manual is not None else 0,
        attribution=desk.attribution.kept(ts),
        configured_odds=desk.configured_odds,
        manual_wall=manual.provider_wall if manual is not None else Nanos(0),
    )


def _order_kept(order: Order, ts: Nanos) -> OrderKept:
    return OrderKept(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        match=order.match,
        instrument=order.instrument,
        action=order.action,
        price=order.price,
        size=Size(order.size),
        to_price=order.to_price,
        to_size=Size(order.to_size),
        filled=Size(order.filled),
        ceiling=order.ceiling,
        ceiling_kind=order.ceiling_kind,
        basis=order.basis,
        placed_ns=ts - order.placed_ts,
        amended_ns=ts - order.amended_ts,
        placed_wall=order.placed_wall,
        stake=Cash(order.stake),
        paid=Cash(order.paid),
    )


def _restore_match(state: State, kept: MatchKept, specs: dict[Instrument, InstrumentSpec]) -> None:
    markets: list[Market] = []
    for listing in kept.spec.listings:
        instrument = listing.instrument
        market = state.markets.setdefault(instrument, Market(instrument))
        connection = state.connections.get(instrument.venue)
        if instrument in specs and connection is not None and market.spec is None:
            market.define(specs[instrument], connection.stream)
            connection.defined(instrument, specs[instrument].pocket)
            state.blotter.mirror(instrument, specs[instrument].mirror)
        markets.append(market)
    desk = Desk(kept.spec, kept.settings, markets)
    if kept.rules_confirmed:
        desk.confirm_rules(kept.rules_confirmed)
    desk.stage = Stage.DONE if kept.stage is Stage.DONE else Stage.INIT
    desk.started, desk.ended = kept.started, kept.ended
    desk.paused, desk.loss_halt, desk.mark = kept.paused, kept.loss_halt, kept.mark
    desk.rebalancing = dict(kept.rebalancing)
    for mask, reason, left in kept.side_pauses:
        desk.side_pauses[mask] = SidePause(reason, Nanos(state.ts + left))
    for position in kept.positions:
        bring_back(desk.positions[position.venue], position)
    desk.unsettled = dict(kept.unsettled)
    desk.confirmed = kept.confirmed
    desk.configured_odds = kept.configured_odds
    if kept.attribution is not None:
        desk.attribution.bring_back(kept.attribution, state.ts)
    state.take(desk)
    if kept.manual_odds:
        # A restart is no reason to believe it for longer, nor is the time nobody was running.
        age = max(kept.manual_age_ns, state.wall - kept.manual_wall if kept.manual_wall else 0)
        typed, typed_wall = Nanos(state.ts - age), Nanos(state.wall - age)
        desk.board.odds(MANUAL, SourceKind.MANUAL, kept.manual_odds, typed, typed_wall)
        desk.board.pinned = kept.pinned


def _restore_order(state: State, kept: OrderKept) -> Order:
    command = PlaceOrder(
        order_id=kept.order_id,
        match=kept.match,
        instrument=kept.instrument,
        action=kept.action,
        price=kept.price,
        size=kept.size,
        ceiling=kept.ceiling,
        ceiling_kind=kept.ceiling_kind,
        basis=kept.basis,
        wall=kept.placed_wall,
        stake=kept.stake,
    )
    order = state.blotter.placed(command, 0, Nanos(state.ts - kept.placed_ns))
    order.amended_ts = Nanos(state.ts - kept.amended_ns)
    if kept.venue_order_id:
        state.blotter.accepted(order, kept.venue_order_id, state.ts)
    state.blotter.restored(order, kept.to_price, kept.to_size, kept.filled, kept.paid)
    return order
