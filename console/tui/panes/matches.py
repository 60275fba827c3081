"""The matches pane: one line per match, in prices of its first outcome."""

from __future__ import annotations

from console.core.matches import State
from console.core.units import ONE
from console.core.view import MatchView, OutcomeView, View
from console.tui.format import age, cash, chance, contracts, price, until
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.sheet import Column, Span
from console.tui.words import BOOK_STALE, STATES, THEO_STALE, VENUES, reason_ink, reason_word

COMPACT_BELOW = 60
_ARROWS = {1: "▲", -1: "▼"}


def matches() -> Listing[MatchView]:
    """The content of the pane."""
    return Listing(
        number=1,
        name="Matches",
        columns=FULL,
        compact=(COMPACT, COMPACT_BELOW),
        items=lambda view: view.matches,
        key=lambda match: match.id,
        words=lambda match: " ".join(
            (match.title, match.sport, match.state.value, match.reason.value, match.limit, match.id)
        ),
        match=lambda match: match.id,
        empty="no match yet: press a to add one",
    )


def our_ask(match: MatchView) -> int | None:
    """Where we sell the first outcome of two: what we pay for the second, seen from the first."""
    if len(match.outcomes) != 2:
        return None
    quote = match.outcomes[1].quote
    return None if quote is None else ONE - quote


def book_ink(match: MatchView, live: Ink) -> Ink:
    """Prices of a book that is not trusted are never in a live colour."""
    return Ink.DIM if match.reason in BOOK_STALE or match.book_age_ms < 0 else live


def _name(width: int) -> Column[MatchView]:
    return Column(
        title="match",
        width=width,
        cell=lambda match, _: Span(match.title, Ink.STRONG),
        right=False,
        name=True,
        rank=0,
        grow=18,
        sort=lambda match: match.title.lower(),
    )


def _state(match: MatchView, _: View) -> Span:
    ink = {State.QUOTING: Ink.UP, State.PAUSED: Ink.WARN}.get(match.state, Ink.DIM)
    return Span(STATES[match.state], ink)


def _why(width: int) -> Column[MatchView]:
    return Column(
        title="why",
        width=width,
        cell=lambda match, _: Span(reason_word(match.reason, match.limit, width), reason_ink(match.reason)),
        right=False,
        rank=4,
        sort=lambda match: match.reason.value,
    )


def _fair(match: MatchView, places: int) -> Span:
    stale = match.reason in THEO_STALE or match.theo_age_ms < 0
    return Span(chance(_first(match).theo, places), Ink.DIM if stale else Ink.MARK)


def _first(match: MatchView) -> OutcomeView:
    return match.outcomes[0]


def _position(width: int) -> Column[MatchView]:
    def cell(match: MatchView, _: View) -> Span:
        ink = Ink.PLAIN if match.exposure == 0 else Ink.UP if match.exposure > 0 else Ink.DOWN
        return Span(contracts(match.exposure, width, signed=True), ink)

    return Column("pos", width, cell, rank=2, sort=lambda match: abs(match.exposure))


def _profit(value: int | None, width: int) -> Span:
    return Span(cash(value, width), Ink.DIM if not value else Ink.UP if value > 0 else Ink.DOWN)


def _quote(value: int | None, match: MatchView, places: int) -> Span:
    return Span(price(value, places), Ink.OWN if match.state is State.QUOTING else Ink.DIM)


def _market(value: int | None, match: MatchView, places: int, live: Ink) -> Span:
    return Span(price(value, places), book_ink(match, live))


def _prices(places: int) -> tuple[Column[MatchView], ...]:
    width = places + 3
    return (
        Column("fair", width, lambda match, _: _fair(match, places), rank=5),
        Column(
            "bid", width, lambda m, _: _market(_first(m).best_bid, m, places, Ink.UP), right=False, rank=6
        ),
        Column(
            "ask", width, lambda m, _: _market(_first(m).best_ask, m, places, Ink.DOWN), right=False, rank=6
        ),
    )


_STATE = Column("st", 4, _state, right=False, rank=1, sort=lambda match: match.state.value)

COMPACT: tuple[Column[MatchView], ...] = (
    _name(8),
    _STATE,
    _why(6),
    *_prices(1),
    _position(5),
    Column("P&L", 7, lambda m, _: _profit(m.pnl.net, 7), rank=3, sort=lambda match: match.pnl.net),
)
FULL: tuple[Column[MatchView], ...] = (
    _name(13),
    Column(
        "start", 6, lambda m, view: Span(until(m.start, view.wall), Ink.DIM), rank=12, sort=lambda m: m.start
    ),
    _STATE,
    _why(11),
    *_prices(2),
    Column("we bid", 6, lambda m, _: _quote(_first(m).quote, m, 2), right=False, rank=7),
    Column("we ask", 6, lambda m, _: _quote(our_ask(m), m, 2), right=False, rank=7),
    _position(6),
    Column("P&L", 9, lambda m, _: _profit(m.pnl.net, 9), rank=3, sort=lambda match: match.pnl.net),
    Column(
        "ord", 3, lambda m, _: Span(contracts(m.orders * ONE, 3)), rank=9, sort=lambda match: match.orders
    ),
    Column("book", 5, lambda m, _: Span(age(m.book_age_ms), book_ink(m, Ink.PLAIN)), rank=10),
    Column("theo", 5, lambda m, _: Span(age(m.theo_age_ms), Ink.PLAIN), rank=13),
    Column("edge", 5, lambda m, _: Span(price(m.edge, 2)), right=False, rank=11, sort=lambda m: m.edge or 0),
    Column("worst", 9, lambda m, _: _profit(-m.pnl.worst, 9), rank=14, sort=lambda m: m.pnl.worst),
    Column("fills", 5, lambda m, _: Span(contracts(m.fills * ONE, 5)), rank=15, sort=lambda m: m.fills),
    Column("locked", 8, lambda m, _: _profit(m.pnl.locked, 8), rank=16, sort=lambda m: m.pnl.locked),
    Column(
        "venues", 14, lambda m, _: Span(" ".join(VENUES[v] for v in m.venues), Ink.DIM), right=False, rank=17
    ),
)
