"""The matches pane: one line per match, in prices of its first outcome, those that need a person on top."""

from __future__ import annotations

from console.core.matches import State
from console.core.units import ONE
from console.core.view import MatchView, OutcomeView
from console.tui.attention import Need, loudness, mark, need, urgency
from console.tui.browse import Order
from console.tui.format import age, cash, contracts, fair, gauge, price, quoted, until
from console.tui.glow import Glows
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.picture import Picture
from console.tui.sheet import Column, Span
from console.tui.words import BOOK_STALE, STATES, THEO_STALE, VENUES, reason_word

COMPACT_BELOW = 60
NEEDS_YOU = "needs you"
EMPTY = """no match yet
press a, then type a team, or paste a ticker or the address of a market
^P lists everything else that can be done"""


def matches() -> Listing[MatchView]:
    """The content of the pane."""
    glows = Glows()
    return Listing(
        number=1,
        name="Matches",
        short="Match",
        about="one line per match; prices are those of its first outcome",
        columns=_full(glows),
        compact=(_compact(glows), COMPACT_BELOW),
        items=lambda view: view.matches,
        key=lambda match: match.id,
        words=lambda match: " ".join(
            (match.title, match.sport, match.state.value, match.reason.value, match.limit, match.id)
        ),
        match=lambda match: match.id,
        orders=(Order(NEEDS_YOU, urgency),),
        sorted_by=NEEDS_YOU,
        marked=lambda match: need(match) <= Need.TROUBLE,
        empty=EMPTY,
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
        help="what is quoted; the first team named is the one whose prices stand here",
    )


def _state(match: MatchView, _: Picture) -> Span:
    ink = {State.QUOTING: Ink.UP, State.PAUSED: Ink.NOTICE, State.FLATTENING: Ink.WARN}
    return Span(STATES[match.state], ink.get(match.state, Ink.DIM))


def _why(width: int) -> Column[MatchView]:
    def cell(match: MatchView, _: Picture) -> Span:
        words = reason_word(match.reason, match.limit, width - 1)
        return Span(f"{mark(match.reason)}{words}", loudness(match.reason))

    return Column(
        title="why",
        width=width,
        cell=cell,
        right=False,
        rank=4,
        sort=lambda match: match.reason.value,
        help="why the quotes are where they are, or not there; ! needs a look; words: see Reasons",
    )


def _fair(match: MatchView, picture: Picture, places: int) -> Span:
    stale = match.reason in THEO_STALE or match.theo_age_ms < 0
    return Span(fair(_first(match).theo, picture.odds, places), Ink.DIM if stale else Ink.MARK)


def _first(match: MatchView) -> OutcomeView:
    return match.outcomes[0]


def _position(width: int) -> Column[MatchView]:
    def cell(match: MatchView, _: Picture) -> Span:
        ink = Ink.PLAIN if match.exposure == 0 else Ink.UP if match.exposure > 0 else Ink.DOWN
        return Span(contracts(match.exposure, width, signed=True), ink)

    return Column(
        "pos",
        width,
        cell,
        rank=2,
        falling=True,
        sort=lambda match: abs(match.exposure),
        help="net contracts: + long the first outcome, - long the rest",
    )


def _inventory(match: MatchView, _: Picture) -> Span:
    full = match.inventory_max > 0 and abs(match.exposure) >= match.inventory_max
    bar = gauge(abs(match.exposure), match.inventory_max, _BAR)
    return Span(f"{bar}{'!' if full else ' '}", Ink.WARN if full or match.rebalancing else Ink.BAR)


_BAR = 5


def _profit(value: int | None, width: int) -> Span:
    return Span(cash(value, width), Ink.DIM if not value else Ink.UP if value > 0 else Ink.DOWN)


def _net(width: int, glows: Glows) -> Column[MatchView]:
    def cell(match: MatchView, picture: Picture) -> Span:
        span = _profit(match.pnl.net, width)
        return span._replace(glow=glows.of((match.id, "net"), span.text, picture))

    return Column(
        "P&L",
        width,
        cell,
        rank=3,
        falling=True,
        sort=lambda match: match.pnl.net,
        help="profit of the match at fair value, fees inside, dollars",
    )


def _quote(value: int | None, match: MatchView, picture: Picture) -> Span:
    return Span(quoted(value, picture.odds), Ink.OWN if match.state is State.QUOTING else Ink.DIM)


def _market(value: int | None, match: MatchView, picture: Picture, places: int, live: Ink) -> Span:
    return Span(quoted(value, picture.odds, places), book_ink(match, live))


def _rank(match: MatchView, _: Picture) -> Span:
    ranks = [outcome.rank for outcome in match.outcomes]
    if not any(ranks):
        return Span("-", Ink.DIM)
    top = all(rank in (None, 1) for rank in ranks)
    words = "/".join("-" if rank is None else str(rank) for rank in ranks)
    return Span(words, Ink.DIM if top else Ink.STRONG)


def _prices(places: int) -> tuple[Column[MatchView], ...]:
    width = places + 3
    return (
        Column(
            "fair",
            width,
            lambda match, picture: _fair(match, picture, places),
            rank=5,
            help="fair value (theo) of the first outcome",
        ),
        Column(
            "bid",
            width,
            lambda m, p: _market(_first(m).best_bid, m, p, places, Ink.UP),
            right=False,
            rank=6,
            help="best bid of others for the first outcome, over all venues",
        ),
        Column(
            "ask",
            width,
            lambda m, p: _market(_first(m).best_ask, m, p, places, Ink.DOWN),
            right=False,
            rank=6,
            help="best offer of others of the first outcome",
        ),
    )


_STATE = Column(
    "st",
    4,
    _state,
    right=False,
    rank=1,
    sort=lambda match: match.state.value,
    help="WAIT for data, QUOTing, PAUSed, FLATtening, DONE",
)


def _compact(glows: Glows) -> tuple[Column[MatchView], ...]:
    return (_name(8), _STATE, _why(7), *_prices(1), _position(4), _net(6, glows))


def _ours() -> tuple[Column[MatchView], ...]:
    return (
        Column(
            "we bid",
            6,
            lambda m, p: _quote(_first(m).quote, m, p),
            right=False,
            rank=7,
            help="our best bid for the first outcome",
        ),
        Column(
            "we ask",
            6,
            lambda m, p: _quote(our_ask(m), m, p),
            right=False,
            rank=7,
            help="our offer of it: one dollar less what we bid for the second outcome",
        ),
        Column(
            "rank",
            5,
            _rank,
            right=False,
            rank=8,
            help="place of our bid among the prices bid, outcome by outcome; 1 is best",
        ),
    )


_MORE: tuple[Column[MatchView], ...] = (
    Column(
        "book",
        4,
        lambda m, _: Span(age(m.book_age_ms), book_ink(m, Ink.PLAIN)),
        rank=13,
        help="age of the oldest book's last confirmation",
    ),
    Column(
        "theo", 4, lambda m, _: Span(age(m.theo_age_ms), Ink.PLAIN), rank=14, help="age of the fair value"
    ),
    Column(
        "ord",
        3,
        lambda m, _: Span(contracts(m.orders * ONE, 3)),
        rank=15,
        falling=True,
        sort=lambda m: m.orders,
        help="orders resting or in flight",
    ),
    Column(
        "worst",
        8,
        lambda m, _: _profit(-m.pnl.worst, 8),
        rank=16,
        falling=True,
        sort=lambda m: m.pnl.worst,
        help="the result if everything resting fills in the worst way",
    ),
    Column(
        "fills",
        5,
        lambda m, _: Span(contracts(m.fills * ONE, 5)),
        rank=17,
        falling=True,
        sort=lambda m: m.fills,
        help="fills so far",
    ),
    Column(
        "locked",
        8,
        lambda m, _: _profit(m.pnl.locked, 8),
        rank=18,
        falling=True,
        sort=lambda m: m.pnl.locked,
        help="profit that is fixed whatever the result",
    ),
    Column(
        "venues",
        14,
        lambda m, _: Span(" ".join(VENUES[v] for v in m.venues), Ink.DIM),
        right=False,
        rank=19,
        help="where it is listed",
    ),
)


def _full(glows: Glows) -> tuple[Column[MatchView], ...]:
    return (
        _name(12),
        Column(
            "start",
            6,
            lambda m, p: Span(until(m.start, p.view.wall), Ink.DIM),
            rank=12,
            sort=lambda m: m.start or 2**63,
            help="time to the start, or since it (+)",
        ),
        _STATE,
        _why(7),
        Column(
            "for",
            4,
            lambda m, _: Span(age(m.reason_age_ms), Ink.DIM),
            rank=9,
            falling=True,
            sort=lambda m: m.reason_age_ms,
            help="how long that reason has stood",
        ),
        *_prices(2),
        *_ours(),
        _position(5),
        Column(
            "inv",
            _BAR + 1,
            _inventory,
            right=False,
            rank=10,
            help="position against inventory_max; ! is full",
        ),
        _net(8, glows),
        Column(
            "edge",
            5,
            lambda m, _: Span(price(m.edge, 2)),
            right=False,
            rank=11,
            sort=lambda m: m.edge or 0,
            help="least distance of our live quotes below fair value, cents",
        ),
        *_MORE,
    )
