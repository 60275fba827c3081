"""From the engine's state to the frozen view people look at."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec

from console.core import closeup, marks
from console.core.attribution import total
from console.core.book import Face
from console.core.closeup import age_ms
from console.core.connection import Connection
from console.core.desk import Desk
from console.core.devig import Method, OddsError, devig
from console.core.events import FeedStatus, OddsUpdate
from console.core.flatten import unpaired
from console.core.instruments import ASK, BID, NO, Instrument
from console.core.matches import MatchId
from console.core.orders import Order
from console.core.positions import Position
from console.core.signals import cheapest_basket, rivalry
from console.core.sources import Source
from console.core.state import FillRecord, State
from console.core.theo import Weighted
from console.core.units import MILLISECOND, ONE, SECOND, Cash, Price, Size
from console.core.view import (
    FeedView,
    FillView,
    FlattenView,
    KillPhase,
    KillView,
    LimitView,
    LogLine,
    MatchView,
    OrderView,
    OutcomeView,
    PnlView,
    Rivalry,
    SourceView,
    VenueView,
    View,
)

FILLS_SHOWN = 60
LOG_SHOWN = 100
ENDED_SHOWN_MS = 3_000
KILL_PATIENCE = 10 * SECOND


def view(state: State, watched: MatchId) -> View:
    """The whole picture; ladders and sources are those of the watched match."""
    desks = list(state.desks.values())
    desk = state.desks.get(watched)
    account = state.account
    money = [pnl(state, each) for each in desks]
    matches = tuple(_match(state, each, part) for each, part in zip(desks, money, strict=True))
    return View(
        ts=state.ts,
        wall=state.wall,
        mode=state.mode,
        account=state.account_name,
        run_id=state.run_id,
        started_wall=state.started_wall,
        kill=_kill(state),
        paused=state.paused or (f"loss limit {account.halt}" if account.halt else ""),
        stopping=state.stopping,
        gated=state.gated,
        pnl=_sum(money, account.baseline.retired),
        parts=total((account.retired, *(match.parts for match in matches))),
        rewards=Cash(account.baseline.rewards),
        day=Cash(account.day_profit) if account.baseline.day >= 0 else None,
        drawdown=Cash(account.drawdown) if account.baseline.day >= 0 else None,
        orders_open=len(state.blotter.live),
        fills=state.fills,
        rejects=state.rejects,
        limits=_limits(state),
        venues=tuple(_venue(state, connection) for connection in state.connections.values()),
        feeds=tuple(_feed(state, feed) for feed in state.feeds.values()),
        matches=matches,
        watched=watched if desk is not None else MatchId(""),
        sources=_sources(state, desk) if desk is not None else (),
        ladders=tuple(closeup.ladders(state, desk)) if desk is not None else (),
        listings=tuple(closeup.listings(desk)) if desk is not None else (),
        rules_confirmed=desk.rules_confirmed if desk is not None else "",
        holdings=tuple(closeup.holdings(desk)) if desk is not None else (),
        signals=tuple(closeup.signals(state, desk)) if desk is not None else (),
        basket=cheapest_basket(state, desk) if desk is not None else None,
        rivalry=rivalry(desk) if desk is not None else Rivalry(0, 0, None),
        motion=desk.regime.motion if desk is not None else None,
        markouts=desk.attribution.markouts() if desk is not None else (),
        match_limits=tuple(closeup.limits(state, desk)) if desk is not None else (),
        orders=_orders(state),
        recent_fills=tuple(fill(state, record) for record in islice(state.recent_fills, FILLS_SHOWN)),
        log=tuple(
            LogLine(line.wall, line.severity, line.match, line.text) for line in islice(state.log, LOG_SHOWN)
        ),
        curve=tuple(Cash(point) for point in account.curve.points),
        curve_step_s=account.curve.step_s,
        unwatched=state.unwatched,
    )


# ---- money


def pnl(state: State, desk: Desk) -> PnlView:
    """Profit and loss of one match."""
    groups = desk.groups()
    fair, mid = marks.at_theo(desk), marks.at_mid(desk, state.blotter)
    sold = marks.at_liquidation(desk, state.blotter)
    realised = sum(position.locked if not position.flat else position.cash for position in groups)
    return PnlView(
        net=Cash(fair if fair is not None else desk.mark),
        realised=Cash(realised),
        at_theo=None if fair is None else Cash(fair - realised),
        at_mid=None if mid is None else Cash(mid - realised),
        at_liquidation=None if sold is None else Cash(sold - realised),
        locked=Cash(sum(position.locked for position in groups)),
        locked_conditional=Cash(sum(position.conditional for position in groups)),
        fees=Cash(sum(position.fees for position in groups)),
        worst=Cash(desk.worst),
    )


def _sum(parts: Iterable[PnlView], retired: int) -> PnlView:
    """Totals; a part that is unknown makes its total unknown."""
    parts = list(parts)

    def total(name: str) -> Cash:
        return Cash(sum(getattr(part, name) for part in parts))

    def known(name: str) -> Cash | None:
        values = [getattr(part, name) for part in parts]
        return None if None in values else Cash(sum(values))

    return PnlView(
        net=Cash(total("net") + retired),
        realised=Cash(total("realised") + retired),
        at_theo=known("at_theo"),
        at_mid=known("at_mid"),
        at_liquidation=known("at_liquidation"),
        locked=total("locked"),
        locked_conditional=total("locked_conditional"),
        fees=total("fees"),
        worst=total("worst"),
    )


def _limits(state: State) -> tuple[LimitView, ...]:
    settings, account, base = state.settings, state.account, state.account.baseline
    desks = state.desks.values()
    limits = [
        LimitView("exposure total", sum(desk.worst for desk in desks), settings.exposure_total),
        LimitView("daily loss", max(0, -account.day_profit), settings.daily_loss),
    ]
    if settings.drawdown is not None:
        limits.append(LimitView("drawdown", max(0, account.drawdown), settings.drawdown))
    if settings.stop_loss_pct is not None and base.equity_start is not None:
        lost = max(0, base.profit_start - account.profit)
        limits.append(LimitView("stop loss", lost, settings.stop_loss_pct * base.equity_start // 100))
    for venue in state.connections:
        exposed = sum(desk.worst for desk in desks if venue in desk.quoted_venues)
        limits.append(LimitView(f"exposure {venue.value}", exposed, settings.exposure_venue))
    limits.append(LimitView("open orders", len(state.blotter.live) * ONE, settings.open_orders * ONE, ""))
    return tuple(limits)


# ---- kill and venues


def _kill(state: State) -> KillView | None:
    record = state.kill
    if record is None:
        return None
    unproven = tuple(
        c.venue for c in state.connections.values() if c.sweep is not None and not c.sweep.proven
    )
    phase = KillPhase.KILLED
    if unproven:
        late = state.ts - record.ts > KILL_PATIENCE
        phase = KillPhase.INCOMPLETE if late else KillPhase.KILLING
    return KillView(phase, record.by, record.wall, record.at_kill, len(state.blotter.live), unproven)


def _venue(state: State, connection: Connection) -> VenueView:
    halt = ""
    proven = connection.sweep is not None and connection.sweep.proven
    if connection.killed:
        halt = "KILLED, nothing rests" if proven else "KILLED, not proven empty"
    elif connection.mismatch:
        halt = f"MISMATCH {connection.mismatch}"
    elif not connection.up:
        halt = f"down: {connection.why_down}"
    elif connection.reconciling:
        halt = "RECONCILING"
    elif connection.held:
        halt = f"HELD {connection.held}"
    budget = connection.budget
    return VenueView(
        venue=connection.venue,
        up=connection.up,
        halt=halt,
        stream_age_ms=age_ms(state.ts, connection.stream.ts),
        cash=None if connection.cash is None else Cash(connection.cash),
        cash_age_ms=age_ms(state.ts, connection.cash_ts),
        private_age_ms=age_ms(state.ts, connection.private_ts),
        orders=state.orders_at(connection.venue),
        rejects=connection.rejects,
        write_tokens=budget.tokens // SECOND,
        write_burst=budget.burst,
        clock_offset_ms=_ms(connection.clock_offset),
        round_trip_ms=_ms(connection.round_trip),
        answer_ms=_ms(connection.answers.share(50)),
        answer_late_ms=_ms(connection.answers.share(95)),
        dead_man=connection.dead_man,
        killed=connection.killed,
        proven=proven,
        claimable=Cash(connection.claimable),
        pockets=connection.listed_pockets(),
    )


def _ms(nanos: int | None) -> int | None:
    return None if nanos is None else nanos // MILLISECOND


def _feed(state: State, feed: FeedStatus) -> FeedView:
    ahead = feed.next_poll_wall - state.wall
    return FeedView(
        name=feed.feed,
        up=feed.up,
        why=feed.why,
        credits_left=feed.credits_left,
        credits_used=feed.credits_used,
        budget_left=feed.budget_left,
        next_poll_ms=max(0, ahead // MILLISECOND) if feed.next_poll_wall else -1,
    )


# ---- matches


def _match(state: State, desk: Desk, money: PnlView) -> MatchView:
    spec = desk.spec
    books = [m.book for m in desk.markets.values() if m.book is not None]
    halts = tuple(filter(None, (desk.paused and f"paused: {desk.paused}", desk.loss_halt)))
    orders = state.blotter.of_match(spec.id)
    return MatchView(
        id=spec.id,
        title=spec.title,
        sport=spec.sport,
        event=spec.event,
        state=desk.stage,
        phase=desk.phase,
        start=desk.start,
        reason=desk.reason,
        limit=desk.limit,
        reason_age_ms=_stood_ms(state, desk),
        outcomes=tuple(_outcome(state, desk, outcome) for outcome in range(desk.outcomes)),
        exposure=desk.exposure(1),
        inventory_max=desk.settings.inventory_max,
        rebalancing=any(desk.rebalancing.values()),
        edge=_least_edge(desk, orders),
        pnl=money,
        parts=desk.parts(money.net),
        orders=len(orders),
        fills=sum(position.fills for position in desk.groups()),
        theo_age_ms=_theo_age_ms(state, desk),
        book_age_ms=max((age_ms(state.ts, book.confirmed_ts) for book in books), default=-1),
        halts=halts,
        flatten=_flatten(desk),
        venues=desk.venues,
    )


def _stood_ms(state: State, desk: Desk) -> int:
    reason, since = desk.stood or (desk.reason, state.ts)
    return age_ms(state.ts, since) if reason is desk.reason else 0


def _flatten(desk: Desk) -> FlattenView | None:
    flattening = desk.flattening
    if flattening is None:
        return None
    left = min(flattening.open, unpaired(desk))
    return FlattenView(flattening.floor, Size(flattening.open), Size(left), flattening.rounds)


def _outcome(state: State, desk: Desk, outcome: int) -> OutcomeView:
    mask = 1 << outcome
    verdict = desk.verdicts[mask]
    best_bid, best_ask = _best(state, desk, mask)
    quotes = [o for o in state.blotter.of_match(desk.spec.id) if desk.gained_by(o) == mask]
    bids = [(desk.keys[o.instrument, o.action].price_of(o.price), o.remaining, o) for o in quotes]
    quote = max(bids, default=None, key=lambda bid: bid[0])
    groups = desk.groups()
    averages = [a for a in (position.average(mask) for position in groups) if a is not None]
    return OutcomeView(
        name=desk.spec.outcomes[outcome],
        theo=desk.theo.fair[mask] if desk.theo is not None else None,
        fair_lo=desk.theo.low[mask] if desk.theo is not None else None,
        best_bid=best_bid,
        best_ask=best_ask,
        quote=quote[0] if quote is not None else None,
        quote_size=Size(quote[1]) if quote is not None else Size(0),
        rank=_rank(state, desk, quote[2], quote[0]) if quote is not None else None,
        ceiling=verdict.ceiling,
        ceiling_kind=verdict.kind,
        reason=verdict.reason,
        limit=verdict.limit,
        position=sum(_paying(position, mask) for position in groups),
        average=max(averages) if averages else None,
        payout=Cash(sum(position.profits()[outcome] for position in groups)),
    )


def _rank(state: State, desk: Desk, order: Order, bid: int) -> int | None:
    """One more than the prices others bid above ours on the same book."""
    market = desk.markets[order.instrument.yes]
    if market.book is None or market.book.stale:
        return None
    face: Face = market.face(state.blotter, order.book_side)
    return 1 + sum(1 for _ in face.above(bid))


def _paying(position: Position, mask: int) -> int:
    """Net contracts that pay on one outcome."""
    return sum(holding.net if holding.pays & mask else 0 for holding in position.holdings.values()) - sum(
        min(0, holding.net) for holding in position.holdings.values()
    )


def _best(state: State, desk: Desk, mask: int) -> tuple[Price | None, Price | None]:
    """Best bid and ask of an outcome over its own symbols, our orders taken out."""
    bids: list[Price] = []
    asks: list[Price] = []
    for instrument, pays in desk.pays.items():
        market = desk.markets[instrument]
        if pays != mask or market.book is None or market.book.stale:
            continue
        bid = market.face(state.blotter, BID).rival(1)
        ask = market.face(state.blotter, ASK).rival(1)
        if bid is not None:
            bids.append(bid[0])
        if ask is not None:
            asks.append(Price(ONE - ask[0]))
    return (max(bids) if bids else None), (min(asks) if asks else None)


def _least_edge(desk: Desk, orders: Iterable[Order]) -> Price | None:
    if desk.theo is None:
        return None
    edges = []
    for order in orders:
        route = desk.keys[order.instrument, order.action]
        edges.append(desk.theo.fair[route.gained] - route.price_of(order.price))
    return Price(min(edges)) if edges else None


def _sources(state: State, desk: Desk) -> tuple[SourceView, ...]:
    """What the theo is made of, then the lines that wait for a proof, then feeds that have nothing."""
    kept_out: list[SourceView] = []
    for pairing in desk.pairings.values():
        feed = pairing.feed
        if not pairing.counts:
            waiting = [_kept_out(state, update, pairing.why) for update in pairing.latest.values()]
            kept_out += waiting or [SourceView(feed, (), 0, -1, -1, pairing.why, feed)]
        kept_out += [
            SourceView(name, (), 0, -1, -1, why, feed)
            for name, why in pairing.absent.items()
            if name not in desk.board.sources
        ]
    weighted = desk.theo.sources if desk.theo is not None else ()
    total = sum(source.weight for source in weighted)
    blended = [_source(state, desk.board.sources.get(one.name), one, total) for one in weighted]
    apart = {(one.name, one.feed) for one in kept_out}
    unpaired = [SourceView(feed, (), 0, -1, -1, why, feed) for feed, why in desk.unpaired.items()]
    return (*(one for one in blended if (one.name, one.feed) not in apart), *kept_out, *unpaired)


def _theo_age_ms(state: State, desk: Desk) -> int:
    """Since the last of the sources that count was confirmed, of those that have been since the blend too."""
    if desk.theo is None:
        return -1
    counting = [desk.board.sources.get(one.name) for one in desk.theo.sources if one.weight]
    return age_ms(state.ts, max([desk.theo.heard_ts, *(s.confirmed_ts for s in counting if s is not None)]))


def _source(state: State, source: Source | None, one: Weighted, total: float) -> SourceView:
    shown = SourceView(
        name=one.name,
        probabilities=(),
        weight=int(one.weight * ONE / total) if total else 0,
        confirmed_age_ms=-1,
        change_age_ms=-1,
        note=one.note,
    )
    if source is None or not source.probabilities:
        return shown
    stamped = source.provider_wall
    return msgspec.structs.replace(
        shown,
        probabilities=_millionths(source.primary),
        confirmed_age_ms=age_ms(state.ts, source.confirmed_ts),
        change_age_ms=age_ms(state.ts, source.changed_ts),
        feed=source.feed,
        stamp_age_ms=max(0, state.wall - stamped) // MILLISECOND if stamped else -1,
        received_age_ms=age_ms(state.ts, source.received_ts) if source.received_ts else -1,
        odds=source.odds,
        methods=_methods(source.odds),
    )


def _kept_out(state: State, update: OddsUpdate, why: str) -> SourceView:
    """A line that is not believed (yet)."""
    stamped, changed = update.provider_wall, update.changed_wall
    received = age_ms(state.ts, update.ts)
    stamp_age = max(0, state.wall - stamped) // MILLISECOND if stamped else -1
    methods = _methods(update.odds)
    return SourceView(
        name=update.source,
        probabilities=dict(methods).get(Method.MULTIPLICATIVE.value, ()),
        weight=0,
        confirmed_age_ms=stamp_age if stamped else received,
        change_age_ms=max(0, state.wall - changed) // MILLISECOND if changed else -1,
        note=why,
        feed=update.feed,
        stamp_age_ms=stamp_age,
        received_age_ms=received,
        odds=update.odds,
        methods=methods,
    )


def _methods(odds: tuple[float, ...]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Probabilities by every method that has an answer."""
    try:
        found = devig(odds).probabilities
    except OddsError:
        return ()
    return tuple((method.value, _millionths(ps)) for method, ps in found.items())


def _millionths(probabilities: Iterable[float]) -> tuple[int, ...]:
    return tuple(int(p * ONE) for p in probabilities)


# ---- orders and fills


def _orders(state: State) -> tuple[OrderView, ...]:
    shown = [
        order
        for order in state.blotter.orders.values()
        if not order.ended or state.ts - order.ended_ts < ENDED_SHOWN_MS * MILLISECOND
    ]
    return tuple(_order(state, order) for order in shown)


def _order(state: State, order: Order) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        match=order.match,
        instrument=order.instrument,
        outcome=_outcome_name(state, order.match, order.instrument),
        action=order.action,
        price=order.price,
        size=Size(order.size),
        filled=Size(order.filled),
        state=order.state,
        pending=order.pending.value if order.pending is not None else "",
        ahead=None if order.ahead is None else Size(order.ahead),
        ceiling=order.ceiling,
        kind=order.ceiling_kind,
        age_ms=age_ms(state.ts, order.placed_ts),
    )


def fill(state: State, record: FillRecord) -> FillView:
    """One fill as people look at it."""
    return FillView(
        wall=record.wall,
        match=record.match,
        instrument=record.instrument,
        outcome=_outcome_name(state, record.match, record.instrument),
        action=record.action,
        price=record.price,
        size=Size(record.size),
        fee=Cash(record.fee),
        edge=None if record.edge is None else Price(record.edge),
        locked=Cash(record.locked),
    )


def _outcome_name(state: State, match: MatchId, instrument: Instrument) -> str:
    desk = state.desks.get(match)
    if desk is None or instrument.yes not in desk.pays:
        return instrument.symbol
    mask = desk.pays[instrument.yes]
    names = [name for o, name in enumerate(desk.spec.outcomes) if mask >> o & 1]
    joined = "+".join(names)
    return f"not {joined}" if instrument.side is NO else joined
