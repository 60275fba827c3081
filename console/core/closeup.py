"""The picture of the one match that is watched: its books, holdings, signals and limits."""

from __future__ import annotations

from collections.abc import Iterable

from console.core.book import NEVER
from console.core.desk import Desk
from console.core.instruments import ASK, BID, Instrument
from console.core.margin import edge_at, imbalance_of, margin_of
from console.core.markets import Market
from console.core.positions import Position
from console.core.state import State
from console.core.units import MILLISECOND, ONE, SECOND, Cash, Nanos, Price, Size
from console.core.view import HoldingView, LadderView, LevelView, LimitView, ListingView, SignalView

LADDER_LEVELS = 60
FILL_RATE_WINDOW = 60 * SECOND


def age_ms(now: Nanos, then: Nanos) -> int:
    """Milliseconds since a moment; -1 for one that never was."""
    return -1 if then == NEVER else max(0, now - then) // MILLISECOND


# ---- ladders


def ladders(state: State, desk: Desk) -> Iterable[LadderView]:
    """One for every symbol that has a book."""
    for instrument, market in desk.markets.items():
        if market.book is not None:
            yield _ladder(state, desk, instrument, market)


def _ladder(state: State, desk: Desk, instrument: Instrument, market: Market) -> LadderView:
    book = market.book
    assert book is not None, "only symbols with a book have a ladder"
    mask = desk.pays[instrument]
    buying, selling = desk.verdicts.get(mask), desk.verdicts.get(desk.full ^ mask)
    floor = selling.ceiling if selling is not None else None
    micro, imbalance = _micro(state, market)
    return LadderView(
        instrument=instrument,
        outcome=" + ".join(name for o, name in enumerate(desk.spec.outcomes) if mask >> o & 1),
        status=market.state,
        levels=tuple(_levels(state, desk, instrument, market)),
        best_bid=book.best_bid_price(),
        best_ask=book.best_ask_price(),
        micro=micro,
        imbalance=imbalance,
        theo=desk.theo.fair[mask] if desk.theo is not None else None,
        ceiling=buying.ceiling if buying is not None else None,
        floor=None if floor is None else Price(ONE - floor),
        breakeven=_breakeven(desk, instrument),
        age_ms=age_ms(state.ts, book.confirmed_ts),
        tick=Price(book.ladder.tick_at(book.best_bid_price() or ONE // 2)),
        stale=book.stale,
        rewards=market.spec.rewards if market.spec is not None else None,
        scoring=_scoring(state, market),
    )


def _scoring(state: State, market: Market) -> Size:
    """Contracts of ours that the venue pays for: large enough, and near enough to the middle."""
    terms = market.spec.rewards if market.spec is not None else None
    middle = market.book.mid() if market.book is not None else None
    if terms is None or middle is None:
        return Size(0)
    orders = state.blotter.on_book(market.instrument)
    near = (o for o in orders if abs(o.yes_price - middle) <= terms.max_spread)
    return Size(sum(order.remaining for order in near if order.remaining >= terms.size_min))


def _micro(state: State, market: Market) -> tuple[Price | None, int | None]:
    """Microprice and imbalance of others' best prices; None while a side is empty."""
    bid = market.face(state.blotter, BID).rival(1)
    ask = market.face(state.blotter, ASK).rival(1)
    if bid is None or ask is None:
        return None, None
    both = bid[1] + ask[1]
    return Price((bid[0] * ask[1] + (ONE - ask[0]) * bid[1]) // both), (bid[1] - ask[1]) * ONE // both


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
    queues = _queues(state, instrument) if own_bids or own_asks else {}
    for rung in range(min(low + LADDER_LEVELS, len(prices)) - 1, low - 1, -1):
        price = prices[rung]
        own_bid, own_ask = own_bids.get(price, 0), own_asks.get(price, 0)
        yield LevelView(
            price=Price(price),
            bid=Size(max(0, book.bid_sizes[rung] - own_bid)),
            ask=Size(max(0, book.ask_sizes[rung] - own_ask)),
            own_bid=Size(own_bid),
            own_ask=Size(own_ask),
            ahead=queues.get(price),
            hedge=_hedge(desk, instrument, price),
        )


def _queues(state: State, instrument: Instrument) -> dict[int, Size]:
    """By price of the YES leg, how much the venue last said to be before the first of our orders."""
    found: dict[int, Size] = {}
    for order in state.blotter.on_book(instrument):
        if order.ahead is not None:
            price = order.price if order.instrument == instrument else ONE - order.price
            found[price] = Size(min(order.ahead, found.get(price, order.ahead)))
    return found


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


# ---- symbols


def listings(desk: Desk) -> Iterable[ListingView]:
    """Every symbol of the match, as the venue defined it."""
    for listing in desk.spec.listings:
        spec = desk.markets[listing.instrument].spec
        yield ListingView(
            instrument=listing.instrument,
            outcome="+".join(desk.spec.outcomes[outcome] for outcome in listing.pays),
            quoted=listing.quote,
            void_rule=spec.void_rule if spec is not None else None,
            rules_hash=spec.rules_hash if spec is not None else "",
        )


# ---- holdings


def holdings(desk: Desk) -> Iterable[HoldingView]:
    """Every symbol of which something is held, by venue."""
    for venue, position in desk.positions.items():
        for instrument, held in position.holdings.items():
            if held.net and instrument.venue is venue:
                yield _holding(desk, position, instrument)


def _holding(desk: Desk, position: Position, instrument: Instrument) -> HoldingView:
    held = position.holdings[instrument]
    names = [name for o, name in enumerate(desk.spec.outcomes) if held.pays >> o & 1]
    worth: int | None = None
    fair = desk.fair_of(instrument)
    if fair is not None:
        worth = held.net * fair // ONE if held.net > 0 else -held.net * (ONE - fair) // ONE
    return HoldingView(
        instrument=instrument if held.net > 0 else instrument.no,
        outcome=f"{'not ' if held.net < 0 else ''}{'+'.join(names)}",
        net=held.net,
        average=Price(-(-held.basis * ONE // abs(held.net))),
        worth=None if worth is None else Cash(worth),
        profit=None if worth is None else Cash(worth - held.basis),
    )


# ---- signals


def signals(state: State, desk: Desk) -> Iterable[SignalView]:
    """Why each outcome is quoted where it is."""
    theo = desk.theo
    if theo is None:
        return
    for outcome, name in enumerate(desk.spec.outcomes):
        mask = 1 << outcome
        margin = margin_of(desk, theo, mask, desk.exposure(mask), state.ts)
        judged = desk.markouts.get(mask)
        yield SignalView(
            name=name,
            margin=margin,
            limit=edge_at(desk, theo, mask, margin).limit,
            imbalance=round(imbalance_of(desk, mask, state.ts) * ONE),
            toxicity=round(judged.toxicity() * ONE) if judged is not None else 0,
            fills=judged.judged if judged is not None else 0,
        )


# ---- limits


def limits(state: State, desk: Desk) -> Iterable[LimitView]:
    """The limits of one match, and how much of each is used."""
    settings = desk.settings
    together = [
        other
        for other in state.desks.values()
        if other is desk or (desk.spec.event and other.spec.event == desk.spec.event)
    ]
    event = sum(other.worst for other in together)
    event_most = min(other.settings.exposure_event for other in together)
    yield LimitView("inventory", abs(desk.exposure(1)), settings.inventory_max, "")
    yield LimitView("match loss", max(0, -desk.mark), settings.max_loss_match)
    yield LimitView("match exposure", desk.worst, settings.exposure_match)
    yield LimitView("event exposure", event, event_most)
    if settings.fill_rate is not None:
        yield LimitView("fill rate", _filled_lately(state, desk), settings.fill_rate)


def _filled_lately(state: State, desk: Desk) -> int:
    """Cash that changed hands within a minute, in the direction with the most."""
    sums = [
        sum(cash for ts, cash, _ in recent if state.ts - ts <= FILL_RATE_WINDOW)
        for recent in desk.recent_fills.values()
    ]
    return max(sums, default=0)
