"""The orders pane: what rests, what is in flight, and what ended a moment ago."""

from __future__ import annotations

from console.core.matches import MatchId
from console.core.orders import ENDED, OrderState
from console.core.view import OrderView, View
from console.tui.format import age, clean, contracts, price
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.sheet import Column, Span
from console.tui.words import ORDER_STATES, VENUES, side


def orders() -> Listing[OrderView]:
    """The content of the pane."""
    return Listing(
        number=5,
        name="Orders",
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
        empty="no order",
    )


def match_title(match: MatchId, view: View) -> str:
    """The title of a match by its id; the id itself when the view does not have it."""
    return next((line.title for line in view.matches if line.id == match), match)


def _state(order: OrderView, _: View) -> Span:
    if order.state is OrderState.UNKNOWN:
        return Span("UNKNOWN", Ink.ALARM)
    word = f"{order.pending}…" if order.pending else ORDER_STATES[order.state]
    return Span(word, Ink.WARN if order.pending else Ink.DIM if order.state in ENDED else Ink.PLAIN)


def _live(order: OrderView, ink: Ink) -> Ink:
    return Ink.DIM if order.state in ENDED else ink


def _side(order: OrderView, _: View) -> Span:
    word, ink = side(order.action)
    return Span(word, _live(order, ink))


def _rest(order: OrderView) -> int:
    return 0 if order.state in ENDED else order.size - order.filled


COLUMNS: tuple[Column[OrderView], ...] = (
    Column("id", 6, lambda o, _: Span(f"#{o.order_id.rpartition('-')[2]}", Ink.DIM), right=False, rank=9),
    Column(
        "match",
        12,
        lambda o, view: Span(match_title(o.match, view), _live(o, Ink.STRONG)),
        right=False,
        rank=1,
        grow=12,
        name=True,
        sort=lambda o: o.match,
    ),
    Column(
        "outcome",
        9,
        lambda o, _: Span(clean(o.outcome), _live(o, Ink.PLAIN)),
        right=False,
        rank=7,
        grow=8,
    ),
    Column(
        "venue", 7, lambda o, _: Span(VENUES[o.instrument.venue], _live(o, Ink.PLAIN)), right=False, rank=8
    ),
    Column("side", 4, _side, right=False, rank=0, sort=lambda o: o.action.value),
    Column(
        "px",
        5,
        lambda o, _: Span(price(o.price), _live(o, Ink.STRONG)),
        right=False,
        rank=0,
        sort=lambda o: o.price,
    ),
    Column("qty", 6, lambda o, _: Span(contracts(o.size, 6), _live(o, Ink.PLAIN)), rank=3),
    Column("rem", 6, lambda o, _: Span(contracts(_rest(o), 6), _live(o, Ink.PLAIN)), rank=2, sort=_rest),
    Column("ceil", 5, lambda o, _: Span(price(o.ceiling), Ink.DIM), right=False, rank=6),
    Column("kind", 6, lambda o, _: Span(o.kind.value, Ink.DIM), right=False, rank=10),
    Column("age", 5, lambda o, _: Span(age(o.age_ms), _live(o, Ink.PLAIN)), rank=5, sort=lambda o: o.age_ms),
    Column("state", 8, _state, right=False, rank=4, sort=lambda o: o.state.value),
    Column(
        "symbol", 20, lambda o, _: Span(clean(o.instrument.symbol), Ink.DIM), right=False, rank=11, grow=16
    ),
)
