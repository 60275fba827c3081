"""The orders pane: what rests, what is in flight, and what ended a moment ago."""

from __future__ import annotations

from console.core.matches import MatchId
from console.core.orders import ENDED, OrderState
from console.core.view import OrderView, View
from console.tui.format import age, clean, contracts, price, quoted
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.picture import Picture
from console.tui.sheet import Column, Span
from console.tui.words import ORDER_STATES, VENUES, side

EMPTY = "no order rests\nthe `why` of each match says what its quotes wait for"


def orders() -> Listing[OrderView]:
    """The content of the pane."""
    return Listing(
        number=5,
        name="Orders",
        short="Ord",
        about="what rests at the venues, what is in flight, and what ended a moment ago",
        columns=COLUMNS,
        items=lambda view: view.orders,
        key=lambda order: order.order_id,
        words=lambda order: " ".join(
            (
                order.order_id,
                order.match,
                str(order.instrument),
                order.outcome,
                order.action.value,
                f"{contracts(order.size)}@{price(order.price, 4).strip()}",
                order.state.value,
                order.pending,
            )
        ),
        match=lambda order: order.match,
        marked=lambda order: order.state is OrderState.UNKNOWN,
        empty=EMPTY,
    )


def match_title(match: MatchId, view: View) -> str:
    """The title of a match by its id; the id itself when the view does not have it."""
    return next((line.title for line in view.matches if line.id == match), match)


def _state(order: OrderView, _: Picture) -> Span:
    if order.state is OrderState.UNKNOWN:
        return Span("UNKNOWN", Ink.ALARM)
    word = f"{order.pending}…" if order.pending else ORDER_STATES[order.state]
    return Span(word, Ink.NOTICE if order.pending else Ink.DIM if order.state in ENDED else Ink.PLAIN)


def _live(order: OrderView, ink: Ink) -> Ink:
    return Ink.DIM if order.state in ENDED else ink


def _side(order: OrderView, _: Picture) -> Span:
    word, ink = side(order.action)
    return Span(word, _live(order, ink))


def _rest(order: OrderView) -> int:
    return 0 if order.state in ENDED else order.size - order.filled


def _ahead(order: OrderView, _: Picture) -> Span:
    return Span(contracts(order.ahead, 6), _live(order, Ink.PLAIN))


COLUMNS: tuple[Column[OrderView], ...] = (
    Column(
        "id",
        6,
        lambda o, _: Span(f"#{o.order_id.rpartition('-')[2]}", Ink.DIM),
        right=False,
        rank=10,
        help="number of the order in this run; y copies the whole id",
    ),
    Column(
        "match",
        12,
        lambda o, p: Span(match_title(o.match, p.view), _live(o, Ink.STRONG)),
        right=False,
        rank=1,
        grow=12,
        name=True,
        sort=lambda o: o.match,
        help="the match it belongs to",
    ),
    Column(
        "outcome",
        7,
        lambda o, _: Span(clean(o.outcome), _live(o, Ink.PLAIN)),
        right=False,
        rank=3,
        grow=10,
        help="the outcome its contract pays on",
    ),
    Column(
        "venue",
        7,
        lambda o, _: Span(VENUES[o.instrument.venue], _live(o, Ink.PLAIN)),
        right=False,
        rank=8,
        help="where it rests",
    ),
    Column("side", 4, _side, right=False, rank=0, sort=lambda o: o.action.value, help="▲ B buys, ▼ S sells"),
    Column(
        "px",
        5,
        lambda o, p: Span(quoted(o.price, p.odds), _live(o, Ink.STRONG)),
        right=False,
        rank=0,
        falling=True,
        sort=lambda o: o.price,
        help="its price",
    ),
    Column(
        "qty",
        6,
        lambda o, _: Span(contracts(o.size, 6), _live(o, Ink.PLAIN)),
        rank=3,
        help="contracts in all",
    ),
    Column(
        "rem",
        6,
        lambda o, _: Span(contracts(_rest(o), 6), _live(o, Ink.PLAIN)),
        rank=2,
        falling=True,
        sort=_rest,
        help="contracts not filled yet",
    ),
    Column("ahead", 6, _ahead, rank=9, help="contracts before it at its price, where the venue tells"),
    Column(
        "ceil",
        5,
        lambda o, p: Span(quoted(o.ceiling, p.odds), Ink.DIM),
        right=False,
        rank=6,
        help="the price it may not pass: highest for a buy, lowest for a sale",
    ),
    Column(
        "kind",
        6,
        lambda o, _: Span(o.kind.value, Ink.DIM),
        right=False,
        rank=11,
        help="which ceiling that is: quote, reduce (breakeven) or flatten (the floor typed)",
    ),
    Column(
        "age",
        5,
        lambda o, _: Span(age(o.age_ms), _live(o, Ink.PLAIN)),
        rank=5,
        falling=True,
        sort=lambda o: o.age_ms,
        help="since it was sent",
    ),
    Column(
        "state",
        7,
        _state,
        right=False,
        rank=4,
        sort=lambda o: o.state.value,
        help="sent, open, part filled, cancel…, gone; UNKNOWN: no answer came, it is being looked up",
    ),
    Column(
        "symbol",
        20,
        lambda o, _: Span(clean(o.instrument.symbol), Ink.DIM),
        right=False,
        rank=12,
        symbol=True,
        grow=16,
        help="the venue's own name of the contract",
    ),
)
