"""The fills pane: what traded, newest first."""

from __future__ import annotations

from console.core.view import FillView, View
from console.tui.format import ZERO, cash, clean, clock, contracts, fixed, price
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.panes.orders import match_title
from console.tui.sheet import Column, Span
from console.tui.words import VENUES, side


def fills() -> Listing[FillView]:
    """The content of the pane."""
    return Listing(
        number=6,
        name="Fills",
        columns=COLUMNS,
        items=lambda view: view.recent_fills,
        key=lambda fill: f"{fill.wall}{fill.instrument}{fill.action.value}{fill.price}{fill.size}",
        words=lambda fill: " ".join(
            (
                clock(fill.wall, millis=True),
                fill.match,
                str(fill.instrument),
                fill.outcome,
                fill.action.value,
                f"{contracts(fill.size)}@{price(fill.price, 4).strip()}",
            )
        ),
        match=lambda fill: fill.match,
        empty="no fill yet",
    )


def _side(fill: FillView, _: View) -> Span:
    return Span(*side(fill.action))


def _edge(fill: FillView, _: View) -> Span:
    if fill.edge is None:
        return Span("-", Ink.DIM)
    if fill.edge == 0:
        return Span(ZERO)
    sign, ink = ("+", Ink.UP) if fill.edge > 0 else ("", Ink.DOWN)
    return Span(f"{sign}{fixed(fill.edge * 100, 1)}", ink)


COLUMNS: tuple[Column[FillView], ...] = (
    Column("time", 8, lambda f, _: Span(clock(f.wall), Ink.DIM), right=False, rank=0, sort=lambda f: f.wall),
    Column(
        "match",
        12,
        lambda f, view: Span(match_title(f.match, view), Ink.STRONG),
        right=False,
        rank=1,
        grow=12,
        name=True,
        sort=lambda f: f.match,
    ),
    Column(
        "outcome",
        9,
        lambda f, _: Span(clean(f.outcome)),
        right=False,
        rank=6,
        grow=6,
    ),
    Column("venue", 7, lambda f, _: Span(VENUES[f.instrument.venue]), right=False, rank=7),
    Column("side", 4, _side, right=False, rank=0),
    Column(
        "px", 5, lambda f, _: Span(price(f.price), Ink.STRONG), right=False, rank=0, sort=lambda f: f.price
    ),
    Column("qty", 6, lambda f, _: Span(contracts(f.size, 6)), rank=2, sort=lambda f: f.size),
    Column("edge", 5, _edge, rank=3, sort=lambda f: f.edge or 0),
    Column("fee", 7, lambda f, _: Span(cash(-f.fee, 7), Ink.DIM), rank=5),
    Column("locked", 8, lambda f, _: Span(cash(f.locked, 8), Ink.UP if f.locked else Ink.DIM), rank=4),
    Column(
        "symbol", 20, lambda f, _: Span(clean(f.instrument.symbol), Ink.DIM), right=False, rank=8, grow=16
    ),
)
