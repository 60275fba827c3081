"""The fills pane: what traded, newest first."""

from __future__ import annotations

from console.core.units import MILLISECOND
from console.core.view import FillView
from console.tui.format import ZERO, cash, clean, clock, contracts, fixed, price, quoted
from console.tui.ink import Glow, Ink
from console.tui.panes.listing import Listing
from console.tui.panes.orders import match_title
from console.tui.picture import Picture
from console.tui.sheet import Column, Span
from console.tui.words import VENUES, side

FRESH_MS, FADING_MS = 1_500, 4_000  # a fill is news for longer than a price


def fills() -> Listing[FillView]:
    """The content of the pane."""
    return Listing(
        number=6,
        name="Fills",
        about="what traded, newest first; H searches further back",
        columns=COLUMNS,
        items=lambda view: view.recent_fills,
        key=lambda fill: f"{fill.wall}{fill.instrument}{fill.action.value}{fill.price}{fill.size}",
        words=words_of,
        match=lambda fill: fill.match,
        empty="no fill yet",
    )


def words_of(fill: FillView) -> str:
    """A fill in words, to search and to copy."""
    return " ".join(
        (
            clock(fill.wall, millis=True),
            fill.match,
            str(fill.instrument),
            fill.outcome,
            fill.action.value,
            f"{contracts(fill.size)}@{price(fill.price, 4).strip()}",
        )
    )


def _side(fill: FillView, _: Picture) -> Span:
    return Span(*side(fill.action))


def _time(fill: FillView, picture: Picture) -> Span:
    ms = (picture.view.wall - fill.wall) // MILLISECOND
    glow = Glow.FRESH if ms < FRESH_MS else Glow.FADING if ms < FADING_MS else Glow.NONE
    return Span(clock(fill.wall), Ink.DIM, glow if picture.lively else Glow.NONE)


def _edge(fill: FillView, _: Picture) -> Span:
    if fill.edge is None:
        return Span("-", Ink.DIM)
    if fill.edge == 0:
        return Span(ZERO)
    sign, ink = ("+", Ink.UP) if fill.edge > 0 else ("", Ink.DOWN)
    return Span(f"{sign}{fixed(fill.edge * 100, 1)}", ink)


COLUMNS: tuple[Column[FillView], ...] = (
    Column("time", 8, _time, right=False, rank=0, falling=True, sort=lambda f: f.wall, help="UTC"),
    Column(
        "match",
        12,
        lambda f, p: Span(match_title(f.match, p.view), Ink.STRONG),
        right=False,
        rank=1,
        grow=12,
        name=True,
        sort=lambda f: f.match,
        help="the match it belongs to",
    ),
    Column(
        "outcome",
        7,
        lambda f, _: Span(clean(f.outcome)),
        right=False,
        rank=2,
        grow=8,
        help="the outcome its contract pays on",
    ),
    Column(
        "venue", 7, lambda f, _: Span(VENUES[f.instrument.venue]), right=False, rank=7, help="where it traded"
    ),
    Column("side", 4, _side, right=False, rank=0, help="▲ B we bought, ▼ S we sold"),
    Column(
        "px",
        5,
        lambda f, p: Span(quoted(f.price, p.odds), Ink.STRONG),
        right=False,
        rank=0,
        falling=True,
        sort=lambda f: f.price,
        help="price",
    ),
    Column(
        "qty",
        6,
        lambda f, _: Span(contracts(f.size, 6)),
        rank=2,
        falling=True,
        sort=lambda f: f.size,
        help="contracts",
    ),
    Column(
        "edge",
        5,
        _edge,
        rank=3,
        falling=True,
        sort=lambda f: f.edge or 0,
        help="fair value at that moment against the price, cents in our favour",
    ),
    Column(
        "fee", 7, lambda f, _: Span(cash(-f.fee, 7), Ink.DIM), rank=5, help="what the venue took, dollars"
    ),
    Column(
        "locked",
        8,
        lambda f, _: Span(cash(f.locked, 8), Ink.UP if f.locked else Ink.DIM),
        rank=4,
        help="profit that this fill fixed whatever the result",
    ),
    Column(
        "symbol",
        20,
        lambda f, _: Span(clean(f.instrument.symbol), Ink.DIM),
        right=False,
        rank=8,
        symbol=True,
        grow=16,
        help="the venue's own name of the contract",
    ),
)
