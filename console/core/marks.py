"""Profit of matches at the marks: theo, mid, what selling now would bring, and the loss marks."""

from __future__ import annotations

from collections.abc import Callable

from console.core.book import NEVER, purchase_cost, sale_value
from console.core.commands import Severity
from console.core.desk import Desk
from console.core.fees import fee_of_fill
from console.core.instruments import ASK, BID, Instrument
from console.core.markets import Market
from console.core.orders import Blotter
from console.core.reasons import Reason
from console.core.state import State
from console.core.theo import SUSPECT
from console.core.units import CENT, ONE, SECOND, Cash, Nanos

Mark = Callable[[Instrument, Market, int], int | None]  # (symbol, market, net) -> millionths per YES


def profit(desk: Desk, mark: Mark) -> int | None:
    """Profit if every symbol held were worth its mark; None when one of them has none.

    Once another symbol of the match has settled, one that follows from it is worth what it will pay.
    """
    total = 0
    for position in desk.groups():
        marks: dict[Instrument, int] = {}
        for instrument, holding in position.holdings.items():
            if holding.net:
                worth = desk.known_worth(instrument) if desk.ended else None
                if worth is None:
                    worth = mark(instrument, desk.markets[instrument], holding.net)
                if worth is None:
                    return None
                marks[instrument] = worth
        total += position.value(marks)
    return total


def at_theo(desk: Desk) -> int | None:
    """Profit at fair value."""
    return profit(desk, lambda instrument, _, __: desk.fair_of(instrument))


def at_mid(desk: Desk, blotter: Blotter) -> int | None:
    """Profit half way between others' best prices."""
    return profit(desk, lambda _, market, __: _mid(market, blotter))


def _mid(market: Market, blotter: Blotter) -> int | None:
    """Half way between others' best prices: our own quotes are no mark for what we hold."""
    if market.book is None:
        return None
    bid, ask = market.face(blotter, BID).rival(1), market.face(blotter, ASK).rival(1)
    return None if bid is None or ask is None else (bid[0] + ONE - ask[0]) // 2


def _sold(market: Market, net: int, blotter: Blotter) -> tuple[int, int]:
    """Contracts of `net` that others would take now, and the cash that comes of it, taker fee paid.

    NO contracts are sold by buying their YES back: the cash is then negative, as they count as sold short.
    """
    book, spec, size = market.book, market.spec, abs(net)
    assert book is not None, "what has no book is not sold"
    assert spec is not None, "a symbol with a book is defined"
    if net > 0:
        filled, cash = sale_value(book, size, blotter.own_sizes(market.instrument, BID))
    else:
        filled, cost = purchase_cost(book, size, blotter.own_sizes(market.instrument, ASK))
        cash = Cash(-cost)
    average = abs(cash) * ONE // filled if filled else 0
    return filled, cash - fee_of_fill(spec.fees, min(average, ONE), filled, maker=False)


def at_liquidation(desk: Desk, blotter: Blotter) -> int | None:
    """Profit if everything were sold into others' bids now, taker fees paid; what finds no bid brings 0."""
    total = 0
    for position in desk.groups():
        total += position.cash
        for instrument, holding in position.holdings.items():
            if not holding.net:
                continue
            market = desk.markets[instrument]
            worth = desk.known_worth(instrument) if desk.ended else None
            if worth is not None:
                total += holding.net * worth // ONE
                continue
            if market.book is None or market.spec is None:
                return None
            filled, cash = _sold(market, holding.net, blotter)
            unsold = abs(holding.net) - filled
            total += cash if holding.net > 0 else cash - unsold  # a NO nobody buys is worth nothing
    return total


def at_loss_marks(state: State, desk: Desk) -> int | None:
    """Profit at the loss marks; None when a position has nothing at all to be valued by."""
    return profit(desk, lambda instrument, _, net: loss_mark(state, desk, instrument, net))


def loss_mark(state: State, desk: Desk, instrument: Instrument, net: int) -> int | None:
    """What `net` contracts of a symbol count as for the loss limits, in millionths per YES contract.

    The worse for us of theo and others' mid. While one of them is missing, also what selling all of it into
    others' orders would bring, taker fee paid; what finds nobody there brings nothing, unless both theo and
    book are believed and only one side of the book is empty. None without anything to go by: a missing mark
    is not zero.
    """
    market = desk.markets[instrument]
    book = market.book
    if book is None or book.proof_ts == NEVER:
        return None  # theo alone would flatter us: until a book was seen the last mark stands
    marks: list[int] = []
    fresh = not book.stale and state.ts - book.confirmed_ts <= desk.age_max_book_s() * SECOND
    valued = desk.theo is not None and desk.theo.why is None
    if desk.theo is not None and valued:
        marks.append(desk.theo.fair[desk.pays[instrument]])
    mid = _mid(market, state.blotter) if fresh else None
    if mid is not None:
        marks.append(mid)
    if len(marks) < 2:
        filled, cash = _sold(market, net, state.blotter)
        size = filled if fresh and valued else abs(net)
        if filled and net > 0:
            marks.append(max(0, cash * ONE // size))
        elif filled:
            marks.append(min(ONE, -((cash - (size - filled)) * ONE // size)))
    if not marks:
        return None
    return min(marks) if net > 0 else max(marks)


def mark_all(state: State) -> None:
    """Measure every match and the account against the loss limits (C8)."""
    total = state.account.baseline.retired
    for desk in state.desks.values():
        total += _mark_desk(state, desk)
    breach = state.account.mark(total, state.wall, state.ts)
    equity = _equity(state) if state.account.baseline.equity_start is None else None
    if equity is not None:
        state.account.equity_known(equity)
    if breach and not state.account.halt:
        state.account.halt = breach
        state.alert(Severity.ERROR, f"loss limit {breach}: everything pulled until the operator resumes")
        for desk in state.desks.values():
            desk.urge(state.ts)


def _equity(state: State) -> int | None:
    """What the account is worth: free cash and what is held; None while any of it is unknown."""
    total = 0
    for connection in state.connections.values():
        if connection.absent:
            continue
        if connection.cash is None:
            return None
        total += connection.cash
    for desk in state.desks.values():
        if desk.unvalued:
            return None
        total += desk.mark + sum(position.spent() for position in desk.groups())
    return total


def _mark_desk(state: State, desk: Desk) -> int:
    """Profit of one match; the last one known while it cannot be valued, which stops its quotes."""
    now = at_loss_marks(state, desk)
    if now is None:
        if not desk.unvalued:
            desk.urge(state.ts)
        desk.unvalued = True
        return desk.mark
    desk.unvalued = False
    desk.mark = now
    if -now >= desk.settings.max_loss_match and not desk.loss_halt:
        _halt(state, desk, "max_loss_match")
    return now


def _halt(state: State, desk: Desk, why: str) -> None:
    desk.loss_halt = why
    desk.urge(state.ts)
    state.alert(Severity.ERROR, f"{why}: match pulled until the operator resumes", desk.spec.id)


def sample(state: State, desk: Desk) -> None:
    """Feed a match's estimators, once a second."""
    settings, theo, ts = desk.settings, desk.theo, state.ts
    if desk.stood is None or desk.stood[0] is not desk.reason:
        desk.stood = desk.reason, ts
    if desk.board.sample(ts, settings.shock_score) >= settings.shock_score:
        desk.urge(ts)
    if theo is not None and not desk.board.pinned:
        known = [source.name for source in theo.sources if source.note == SUSPECT]
        if desk.board.suspects(desk.phase, state.quoting_on(desk)) != known:
            desk.urge(ts)
    if theo is None or theo.why is not None:
        return
    desk.volatility.sample(ts, theo.outcomes[0] / ONE)
    desk.regime.sample(theo.outcomes[0])
    for instrument in desk.attribution.symbols():
        desk.attribution.sample(instrument, ts, desk.fair_of(instrument) or 0)
    for gained, markouts in desk.markouts.items():
        judged = markouts.waiting and markouts.mature(ts, theo.fair[gained] / ONE, _tick(desk, gained))
        if judged and markouts.toxicity() >= settings.toxicity_pause:
            until = Nanos(ts + settings.toxicity_pause_s * SECOND)
            desk.pause_side(gained, Reason.TOXIC, until)
            desk.urge(ts)


def _tick(desk: Desk, gained: int) -> float:
    """Tick of the symbol that pays on an outcome set, in cents; 1 where none is listed."""
    for instrument, pays in desk.pays.items():
        book = desk.markets[instrument].book
        if pays == gained and book is not None:
            return book.ladder.tick_at(desk.theo.fair[gained] if desk.theo is not None else ONE // 2) / CENT
    return 1.0
