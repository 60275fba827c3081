"""The ladder pane: one order book with our own orders, fair value, ceiling and floor at their prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.core.instruments import MarketState
from console.core.matches import MatchId
from console.core.units import CENT, ONE
from console.core.view import LadderView, LevelView
from console.tui.format import (
    age,
    cash,
    clean,
    contracts,
    fair,
    fit,
    gauge,
    joined,
    price,
    quoted,
    shorten,
    tail,
)
from console.tui.glow import Glows
from console.tui.ink import Glow, Ground, Ink
from console.tui.picture import Picture
from console.tui.sheet import BLANK, Line, Room, Span, said, text
from console.tui.taste import Odds
from console.tui.words import VENUES

_WIDE_FROM = 34  # width from which cells are wider
_HEDGE_FROM = 37  # ... and from which the result of closing stands at every price
_SYMBOL_FROM = 8  # cells from which the end of a symbol says something
_BARS_FROM = 64  # ... and from which sizes are drawn as bars too
HELP = (
    ("own", "our own orders at the price, outermost on either side"),
    ("bid ask", "what others bid and offer there; our own size is taken out"),
    ("T C F B", "fair value; our ceiling (highest bid); our floor (lowest offer); breakeven of what we hold"),
    ("if closed", "the worst result of the match if what is held of this symbol were closed at that price"),
    ("ahead", "price: contracts before our order there, where the venue tells; else others' size"),
    ("spread", "best offer less best bid"),
    ("age", "how old the book's last confirmation is"),
    ("tilt", "microprice of the best prices, and which side is heavier"),
    ("HELD", "the prices stand where you put them: m centres, Space lets them follow again"),
)


class Ladder:
    """The content of the pane. Prices stand still and sizes move, until the middle drifts too far."""

    number = 2
    name = "Ladder"
    short = "Lad"
    about = "one order book of the match; b and B turn to its other books"
    browse = None

    def __init__(self) -> None:
        self.held = False
        self._book = 0
        self._books = 0
        self._symbol = ""
        self._centre = 0
        self._recentre = True
        self._step = 0
        self._glows = Glows()

    def title(self, picture: Picture) -> str:
        """Whose book this is: said by the book itself, never by what was asked for."""
        ladder = self._current(picture)
        if ladder is None:
            return ""
        which = f"{self._book + 1}/{self._books} " if self._books > 1 else ""
        held = "HELD " if self.held else ""
        outcome = clean(ladder.outcome)
        title = next((m.title for m in picture.view.matches if m.id == picture.view.watched), outcome)
        of_match = "" if outcome in title else f"{shorten(title, 10)} "  # a draw could be anybody's
        return f"{which}{held}{of_match}{outcome} {VENUES[ladder.instrument.venue]}"

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Column titles, prices round the centre, what the marks stand for."""
        ladder, width, height = self._current(picture), room.width, room.height
        if ladder is None:
            empty = (
                "press a to add a match" if not picture.view.matches else "Enter on a match shows its book"
            )
            return said(empty, width)
        foot = _foot(ladder, picture, width, tall=height >= 16)
        rows = max(1, height - 1 - len(foot))
        biggest = max((max(level.bid, level.ask) for level in ladder.levels), default=0)
        shown = self._window(ladder, rows)
        face = _Face(ladder, picture.odds, width, biggest)
        lines = [face.level(level, self._glow(level, picture)) for level in shown]
        lines += [BLANK] * (rows - len(lines))
        return [face.head(), *lines, *foot][:height]

    def help(self) -> Sequence[tuple[str, str]]:
        """What every column and mark means."""
        return HELP

    def move(self, steps: int) -> None:
        """Move the window; it then stays where it was put until centred again."""
        self.held = True
        self._centre -= steps * self._step

    def centre(self) -> None:
        """Put the middle of the book in the middle, and follow it."""
        self.held, self._recentre = False, True

    def next_book(self, steps: int) -> None:
        """Show another book of the match."""
        self._book += steps
        self.centre()

    def copied(self) -> str:
        """The symbol shown."""
        return self._symbol

    def match(self) -> MatchId | None:
        """The selected one."""
        return None

    def _glow(self, level: LevelView, picture: Picture) -> Glow:
        """Our own orders light up when they come, go or fill; the market moves all the time."""
        return self._glows.of((self._symbol, level.price), (level.own_bid, level.own_ask), picture)

    def _current(self, picture: Picture) -> LadderView | None:
        ladders = picture.view.ladders
        self._books = len(ladders)
        if not ladders:
            return None
        self._book %= len(ladders)
        ladder = ladders[self._book]
        if str(ladder.instrument) != self._symbol:
            self._symbol, self._recentre, self.held = str(ladder.instrument), True, False
        self._step = ladder.tick
        return ladder

    def _window(self, ladder: LadderView, rows: int) -> Sequence[LevelView]:
        levels = ladder.levels
        if not levels:
            return ()
        middle = _middle(ladder)
        drifted = abs(middle - self._centre) > ladder.tick * max(1, rows // 4)
        if self._recentre or (drifted and not self.held):
            self._centre, self._recentre = middle, False
        self._centre = max(levels[-1].price, min(levels[0].price, self._centre))
        nearest = min(range(len(levels)), key=lambda i: abs(levels[i].price - self._centre))
        top = max(0, min(nearest - rows // 2, len(levels) - rows))
        return levels[top : top + rows]


def _middle(ladder: LadderView) -> int:
    known = [value for value in (ladder.best_bid, ladder.best_ask) if value is not None]
    if known:
        return sum(known) // len(known)
    return ladder.theo if ladder.theo is not None else ladder.levels[len(ladder.levels) // 2].price


def _places(ladder: LadderView) -> int:
    return 0 if ladder.tick % CENT == 0 else 1 if ladder.tick % (CENT // 10) == 0 else 2


def _marks(ladder: LadderView) -> dict[int, str]:
    """Letters by price: T the fair value, C our ceiling, F our floor, B the breakeven."""
    marks: dict[int, str] = {}
    wanted = (("T", ladder.theo), ("C", ladder.ceiling), ("F", ladder.floor), ("B", ladder.breakeven))
    for letter, value in wanted:
        if value is not None and ladder.levels:
            at = min((level.price for level in ladder.levels), key=lambda price: abs(price - value))
            marks[at] = marks.get(at, "") + letter
    return marks


class Columns(NamedTuple):
    """Widths of the columns of a ladder."""

    own: int
    size: int
    price: int
    mark: int
    bar: int
    hedge: int


def columns_of(width: int) -> Columns:
    """What fits: first wider cells, then the result of closing, then bars."""
    own, size, mark = (4, 6, 1) if width < _WIDE_FROM else (4, 6, 2)
    if width >= _HEDGE_FROM + 4:
        own, size, mark = 5, 7, 2
    base = 1 + 2 * own + 2 * size + 7 + mark
    hedge = min(11, width - base) if width >= _HEDGE_FROM else 0
    bar = min(16, (width - base - hedge) // 2) if width >= _BARS_FROM else 0
    return Columns(own, size, 7, mark, bar, hedge)


class _Face:
    """How the levels of one book are drawn."""

    def __init__(self, ladder: LadderView, odds: Odds, width: int, biggest: int) -> None:
        self._columns = columns_of(width)
        self._odds = odds
        self._places = _places(ladder)
        self._marks = _marks(ladder)
        self._biggest = biggest
        self._stale = bool(ladder.stale) or ladder.status is not MarketState.OPEN

    def head(self) -> Line:
        """The titles."""
        own, size, at, mark, bar, hedge = self._columns
        bids = f"{'own':>{own}}{'':{bar}}{'bid':>{size}}{'price':>{at}}"
        asks = f"{'':{mark}}{'ask':>{size}}{'':{bar}}{'own':>{own}}"
        title = "if closed" if hedge > 9 else "closed"
        return text(Span(f" {bids}{asks}{title if hedge else '':>{hedge}}", Ink.HEAD))

    def level(self, level: LevelView, glow: Glow) -> Line:
        """One price."""
        own, size, at, wide, bar, hedge = self._columns
        mark, mine = self._marks.get(level.price, ""), level.own_bid or level.own_ask
        up, down, ours = (Ink.DIM,) * 3 if self._stale else (Ink.UP, Ink.DOWN, Ink.OWN)
        ink = Ink.DIM if self._stale else Ink.MARK if "T" in mark else Ink.OWN if mine else Ink.PLAIN
        spans = [
            Span(f" {_size(level.own_bid, own):>{own}}", ours, glow if level.own_bid else Glow.NONE),
            Span(_leftward(level.bid, self._biggest, bar), up),
            Span(f"{_size(level.bid, size - 1):>{size}}", up),
            Span(f"{self._price(level.price):>{at}}", ink),
            Span(f"{mark[:wide]:{wide}}", Ink.MARK),
            Span(f"{_size(level.ask, size - 1):>{size}}", down),
            Span(gauge(level.ask, self._biggest, bar), down),
            Span(f"{_size(level.own_ask, own):>{own}}", ours, glow if level.own_ask else Glow.NONE),
        ]
        if hedge:
            worst = min(level.hedge, default=None)
            ink = Ink.DIM if not worst else Ink.BAR if worst > 0 else Ink.NOTICE
            spans.append(Span(f"{'' if worst is None else cash(worst, hedge - 1):>{hedge}}", ink))
        return Line(tuple(span for span in spans if span.text), Ground.RAISED if mine else Ground.PLAIN)

    def _price(self, value: int) -> str:
        if self._odds is not Odds.CENTS:
            return f"{quoted(value, self._odds, 3)} "
        if self._places == 0:
            return f"{price(value, 0)}¢ "
        words = price(value, self._places).lstrip()
        return f"{words} " if len(words) < self._columns.price else words  # the mark stands apart


def _size(size: int, width: int) -> str:
    return contracts(size, width) if size else ""


def _leftward(size: int, biggest: int, width: int) -> str:
    """A bar that grows to the left, in half cells: terminals have no finer blocks on that side."""
    halves = 2 * width * size // biggest if biggest else 0
    return ("▐" * (halves % 2) + "█" * (halves // 2)).rjust(width)


def _foot(ladder: LadderView, picture: Picture, width: int, tall: bool) -> list[Line]:
    """What the marks stand for; how old and how wide the book is, or why it is not trusted; the queue."""
    lines = [text(Span(f" {_legend(ladder, picture.odds, width - 1)}", Ink.TITLE))]
    queue = _queue(ladder, picture.odds, width - 1) if tall else ""
    if queue:
        lines.append(text(Span(f" {queue}", Ink.DIM)))
    if ladder.stale:
        words = f" STALE {age(ladder.age_ms)} {clean(ladder.stale)}"
        return [*lines, text(Span(fit(words, width), Ink.WARN))]
    if ladder.status is not MarketState.OPEN:
        return [*lines, text(Span(fit(f" MARKET {ladder.status.value.upper()}", width), Ink.WARN))]
    tilt = "" if ladder.imbalance is None else f"tilt {round(100 * ladder.imbalance / ONE):+d}%"
    facts = (f"spread {_spread(ladder)}", f"age {age(ladder.age_ms)}", _rewards(ladder), tilt)
    about = joined(facts, width - 1)
    room = width - 3 - len(about)
    if room >= _SYMBOL_FROM:
        about = f"{about}  {tail(clean(ladder.instrument.symbol), room)}"
    return [*lines, text(Span(f" {about}", Ink.DIM))]


def _legend(ladder: LadderView, odds: Odds, width: int) -> str:
    """The value of every mark; with fewer decimals before one is left out."""
    for places in (2, 1):
        marks = [f"T {fair(ladder.theo, odds, places)}"]
        for letter, value in (("C", ladder.ceiling), ("F", ladder.floor), ("B", ladder.breakeven)):
            if value is not None:
                marks.append(f"{letter} {quoted(value, odds, places).strip()}")
        if len(" ".join(marks)) <= width:
            break
    return joined(marks, width)


def _rewards(ladder: LadderView) -> str:
    """What resting liquidity is paid for, and how much of ours is."""
    terms = ladder.rewards
    if terms is None:
        return ""
    band = price(terms.max_spread, 4).strip() + "¢"
    return f"rewards {contracts(terms.size_min, 5)}+ within {band}: {contracts(ladder.scoring, 5)} score"


def _spread(ladder: LadderView) -> str:
    if ladder.best_bid is None or ladder.best_ask is None:
        return "-"
    return price(ladder.best_ask - ladder.best_bid, 4).strip() + "¢"


def _queue(ladder: LadderView, odds: Odds, width: int) -> str:
    """Where our orders stand in the queue at their prices."""
    words = []
    for level in ladder.levels:
        for own, others in ((level.own_bid, level.bid), (level.own_ask, level.ask)):
            if own:
                ahead = (
                    f"{contracts(others)} others"
                    if level.ahead is None
                    else f"{contracts(level.ahead)} ahead"
                )
                words.append(f"{quoted(level.price, odds).strip()}: {ahead}")
    both = " · ".join(words[:2])
    return both if len(both) <= width else joined(words[:2], width)
