"""From the engine's state to the frozen view people look at."""

from __future__ import annotations

from collections.abc import Iterable

from console.core import marks
from console.core.book import NEVER
from console.core.connection import Connection
from console.core.desk import Desk
from console.core.events import FeedStatus
from console.core.instruments import ASK, BID, NO, Instrument
from console.core.markets import Market
from console.core.matches import MatchId
from console.core.orders import Order
from console.core.positions import Position
from console.core.state import FillRecord, State
from console.core.units import MILLISECOND, ONE, SECOND, Cash, Nanos, Price, Size
from console.core.view import (
    FeedView,
    FillView,
    KillPhase,
    KillView,
    LadderView,
    LevelView,
    LimitView,
    LogLine,
    MatchView,
    OrderView,
    OutcomeView,
    PnlView,
    SourceView,
    VenueView,
    View,
)

LADDER_LEVELS = 60
FILLS_SHOWN = 60
LOG_SHOWN = 100
ENDED_SHOWN_MS = 3_000
KILL_PATIENCE = 10 * SECOND


def view(state: State, watched: MatchId) -> View:
    """The whole picture; ladders and sources are those of the watched match."""
    desks = list(state.desks.values())
    desk = state.desks.get(watched)
    account = state.account
    parts = [pnl(state, each) for each in desks]
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
        pnl=_sum(parts, account.baseline.retired),
        rewards=Cash(account.baseline.rewards),
        day=Cash(account.day_profit) if account.baseline.day >= 0 else None,
        drawdown=Cash(account.drawdown) if account.baseline.day >= 0 else None,
        orders_open=len(state.blotter.live),
        fills=state.fills,
        rejects=state.rejects,
        limits=_limits(state),
        venues=tuple(_venue(state, connection) for connection in state.connections.values()),
        feeds=tuple(_feed(state, feed) for feed in state.feeds.values()),
        matches=tuple(_match(state, each, part) for each, part in zip(desks, parts, strict=True)),
        watched=watched if desk is not None else MatchId(""),
        sources=_sources(desk) if desk is not None else (),
        ladders=tuple(_ladders(state, desk)) if desk is not None else (),
        orders=_orders(state),
        recent_fills=tuple(_fill(state, record) for record in list(state.recent_fills)[:FILLS_SHOWN]),
        log=tuple(
            LogLine(line.wall, line.severity, line.match, line.text) for line in list(state.log)[:LOG_SHOWN]
        ),
        curve=tuple(Cash(point) for point in account.curve),
        unwatched=state.unwatched,
    )


# ---- money


def pnl(state: State, desk: Desk) -> PnlView:
    """Profit and loss of one match."""
    groups = desk.groups()
    fair, mid = marks.at_theo(desk), marks.at_mid(desk)
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
    settings, account = state.settings, state.account
    exposed = sum(desk.worst for desk in state.desks.values())
    limits = [
        LimitView("exposure total", Cash(exposed), settings.exposure_total),
        LimitView("daily loss", Cash(max(0, -account.day_profit)), settings.daily_loss),
    ]
    if settings.drawdown is not None:
        limits.append(LimitView("drawdown", Cash(max(0, account.drawdown)), settings.drawdown))
    orders = LimitView("open orders", Cash(len(state.blotter.live) * ONE), Cash(settings.open_orders * ONE))
    return (*limits, orders)


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
    budget = connection.budget
    return VenueView(
        venue=connection.venue,
        up=connection.up,
        halt=halt,
        stream_age_ms=_age_ms(state.ts, connection.stream.ts),
        cash=None if connection.cash is None else Cash(connection.cash),
        orders=sum(1 for o in state.blotter.live.values() if o.instrument.venue is connection.venue),
        write_tokens=budget.tokens // SECOND,
        write_burst=budget.burst,
        clock_offset_ms=None if connection.clock_offset is None else connection.clock_offset // MILLISECOND,
        dead_man=connection.dead_man,
        killed=connection.killed,
        proven=proven,
    )


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
    halts = tuple(filter(None, (desk.paused and f"paused {desk.paused}", desk.loss_halt)))
    orders = state.blotter.of_match(spec.id)
    return MatchView(
        id=spec.id,
        title=spec.title,
        sport=spec.sport,
        event=spec.event,
        state=desk.stage,
        phase=desk.phase,
        start=spec.start,
        reason=desk.reason,
        limit=desk.limit,
        outcomes=tuple(_outcome(state, desk, outcome) for outcome in range(desk.outcomes)),
        exposure=desk.exposure(1),
        inventory_max=desk.settings.inventory_max,
        rebalancing=any(desk.rebalancing.values()),
        edge=_least_edge(desk, orders),
        pnl=money,
        orders=len(orders),
        fills=sum(position.fills for position in desk.groups()),
        theo_age_ms=-1 if desk.theo is None else desk.theo.age_ms,
        book_age_ms=max((_age_ms(state.ts, book.confirmed_ts) for book in books), default=-1),
        halts=halts,
        venues=desk.venues,
    )


def _outcome(state: State, desk: Desk, outcome: int) -> OutcomeView:
    mask = 1 << outcome
    verdict = desk.verdicts[mask]
    best_bid, best_ask = _best(state, desk, mask)
    quotes = [o for o in state.blotter.of_match(desk.spec.id) if desk.gained_by(o) == mask]
    bids = [(desk.keys[o.instrument, o.action].price_of(o.price), o.remaining) for o in quotes]
    quote = max(bids, default=None)
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
        ceiling=verdict.ceiling,
        ceiling_kind=verdict.kind,
        reason=verdict.reason,
        limit=verdict.limit,
        position=sum(_paying(position, mask) for position in groups),
        average=max(averages) if averages else None,
        payout=Cash(sum(position.profits()[outcome] for position in groups)),
    )


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


def _sources(desk: Desk) -> tuple[SourceView, ...]:
    if desk.theo is None:
        return ()
    total = sum(source.weight for source in desk.theo.sources)
    return tuple(
        SourceView(
            name=source.name,
            probabilities=tuple(int(p * ONE) for p in _probabilities(desk, source.name)),
            weight=int(source.weight * ONE / total) if total else 0,
            confirmed_age_ms=source.confirmed_age_ms,
            change_age_ms=source.change_age_ms,
            note=source.note,
        )
        for source in desk.theo.sources
    )


def _probabilities(desk: Desk, name: str) -> tuple[float, ...]:
    source = desk.board.sources.get(name)
    return source.primary if source is not None and source.probabilities else ()


# ---- ladders


def _ladders(state: State, desk: Desk) -> Iterable[LadderView]:
    for instrument, market in desk.markets.items():
        if market.book is not None:
            yield _ladder(state, desk, instrument, market)


def _ladder(state: State, desk: Desk, instrument: Instrument, market: Market) -> LadderView:
    book = market.book
    assert book is not None, "only symbols with a book have a ladder"
    mask = desk.pays[instrument]
    buying, selling = desk.verdicts.get(mask), desk.verdicts.get(desk.full ^ mask)
    floor = selling.ceiling if selling is not None else None
    return LadderView(
        instrument=instrument,
        outcome=" + ".join(name for o, name in enumerate(desk.spec.outcomes) if mask >> o & 1),
        status=market.state,
        levels=tuple(_levels(state, desk, instrument, market)),
        best_bid=book.best_bid_price(),
        best_ask=book.best_ask_price(),
        theo=desk.theo.fair[mask] if desk.theo is not None else None,
        ceiling=buying.ceiling if buying is not None else None,
        floor=None if floor is None else Price(ONE - floor),
        breakeven=_breakeven(desk, instrument),
        age_ms=_age_ms(state.ts, book.confirmed_ts),
        tick=Price(book.ladder.tick_at(book.best_bid_price() or ONE // 2)),
        stale=book.stale,
    )


def _levels(state: State, desk: Desk, instrument: Instrument, market: Market) -> Iterable[LevelView]:
    """Rungs around the middle, highest price first."""
    book = market.book
    assert book is not None, "only symbols with a book have levels"
    prices = book.ladder.prices
    fair = desk.theo.fair[desk.pays[instrument]] if desk.theo is not None else ONE // 2
    centre_price = book.mid() or book.best_bid_price() or book.best_ask_price() or fair
    down = book.ladder.down(centre_price)
    centre = book.index[down] if down is not None else 0
    low = max(0, min(centre - LADDER_LEVELS // 2, len(prices) - LADDER_LEVELS))
    own_bids = state.blotter.own_sizes(instrument, BID)
    own_asks = state.blotter.own_sizes(instrument, ASK)
    for rung in range(min(low + LADDER_LEVELS, len(prices)) - 1, low - 1, -1):
        price = prices[rung]
        own_bid, own_ask = own_bids.get(price, 0), own_asks.get(price, 0)
        yield LevelView(
            price=Price(price),
            bid=Size(max(0, book.bid_sizes[rung] - own_bid)),
            ask=Size(max(0, book.ask_sizes[rung] - own_ask)),
            own_bid=Size(own_bid),
            own_ask=Size(own_ask),
            hedge=_hedge(desk, instrument, price),
        )


def _hedge(desk: Desk, instrument: Instrument, price: int) -> tuple[Cash, ...]:
    """Profit per outcome if what is held of this symbol were closed at this price, fees aside."""
    position = desk.positions[instrument.venue]
    holding = position.holdings[instrument]
    if not holding.net:
        return ()
    closed = holding.net * price // ONE
    return tuple(
        Cash(profit - (holding.net if holding.pays >> outcome & 1 else 0) + closed)
        for outcome, profit in enumerate(position.profits()[: desk.outcomes])
    )


def _breakeven(desk: Desk, instrument: Instrument) -> Price | None:
    """The YES price at which closing what is held of this symbol locks nothing and loses nothing."""
    position = desk.positions[instrument.venue]
    net = position.holdings[instrument].net
    if not net:
        return None
    mask = desk.pays[instrument]
    closing = position.reducible(desk.full ^ mask if net > 0 else mask)
    if not closing.size:
        return None
    even = closing.value * ONE // closing.size
    return Price(ONE - even if net > 0 else even)


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
        age_ms=_age_ms(state.ts, order.placed_ts),
    )


def _fill(state: State, record: FillRecord) -> FillView:
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


def _age_ms(now: Nanos, then: Nanos) -> int:
    return -1 if then == NEVER else max(0, now - then) // MILLISECOND
