"""The ladder pane: one order book with our own orders, fair value, ceiling and floor at their prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.core.instruments import MarketState
from console.core.matches import MatchId
from console.core.units import CENT
from console.core.view import LadderView, LevelView, SourceView
from console.tui.format import age, cash, chance, clean, contracts, exact_price, fit, gauge, price, shorten
from console.tui.ink import Ground, Ink
from console.tui.picture import Picture
from console.tui.sheet import BLANK, Line, Room, Span, text
from console.tui.words import VENUES

_BARS_FROM = 46  # width from which sizes are drawn as bars too
_HEDGE_FROM = 47
_SOURCES_FROM = 16  # height from which the sources of the fair value stand below the book


class Ladder:
    """The content of the pane. Prices stand still and sizes move, until the middle drifts too far."""

    number = 2
    name = "Ladder"
    browse = None

    def __init__(self) -> None:
        self.held = False
        self._book = 0
        self._books = 0
        self._symbol = ""
        self._centre = 0
        self._recentre = True
        self._step = 0

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
        """Column titles, prices round the centre, what the marks stand for, sources where there is room."""
        ladder, width, height = self._current(picture), room.width, room.height
        if ladder is None:
            return [text(Span(" Enter on a match shows its book", Ink.DIM))]
        sources = _sources(picture.view.sources, width) if height >= _SOURCES_FROM else []
        foot = [*_foot(ladder, width), *sources]
        rows = max(1, height - 1 - len(foot))
        biggest = max((max(level.bid, level.ask) for level in ladder.levels), default=0)
        shown = self._window(ladder, rows)
        marks = _marks(ladder)
        lines = [_level(level, ladder, marks, width, biggest) for level in shown]
        lines += [BLANK] * (rows - len(lines))
        return [_head(width), *lines, *foot][:height]

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
    mark: int
    bar: int
    hedge: int


def _columns(width: int) -> Columns:
    """What fits: first wider cells, then bars, then the hedge column."""
    own, size, mark = (4, 6, 1) if width < 34 else (5, 7, 2)
    bar = min(16, (width - 36) // 2) if width >= _BARS_FROM else 0
    hedge = 11 if width >= _HEDGE_FROM + 2 * bar else 0
    return Columns(own, size, mark, bar, hedge)


def _head(width: int) -> Line:
    own, size, mark, bar, hedge = _columns(width)
    bids = f"{'own':>{own}}{'':{bar}}{'bid':>{size}} {'price':>6}"
    asks = f"{'':{mark}}{'ask':>{size}}{'':{bar}}{'own':>{own}}"
    return text(Span(f" {bids}{asks}{'if closed' if hedge else '':>{hedge}}", Ink.HEAD))


def _level(level: LevelView, ladder: LadderView, marks: dict[int, str], width: int, biggest: int) -> Line:
    stale = bool(ladder.stale) or ladder.status is not MarketState.OPEN
    own, size, wide, bar, hedge = _columns(width)
    mark, mine = marks.get(level.price, ""), level.own_bid or level.own_ask
    up, down, ours = (Ink.DIM,) * 3 if stale else (Ink.UP, Ink.DOWN, Ink.OWN)
    price_ink = Ink.DIM if stale else Ink.MARK if "T" in mark else Ink.OWN if mine else Ink.PLAIN
    spans = [
        Span(f" {_size(level.own_bid, own):>{own}}", ours),
        Span(_leftward(level.bid, biggest, bar), up),
        Span(f"{_size(level.bid, size - 1):>{size}}", up),
        Span(f" {_price(level.price, _places(ladder)):>6}", price_ink),
        Span(f"{mark[:wide]:{wide}}", Ink.MARK),
        Span(f"{_size(level.ask, size - 1):>{size}}", down),
        Span(gauge(level.ask, biggest, bar), down),
        Span(f"{_size(level.own_ask, own):>{own}}", ours),
    ]
    if hedge:
        worst = min(level.hedge, default=None)
        ink = Ink.DIM if not worst else Ink.UP if worst > 0 else Ink.DOWN
        spans.append(Span(f"{'' if worst is None else cash(worst, hedge - 1):>{hedge}}", ink))
    return Line(tuple(span for span in spans if span.text), Ground.RAISED if mine else Ground.PLAIN)


def _size(size: int, width: int) -> str:
    return contracts(size, width) if size else ""


def _price(value: int, places: int) -> str:
    return f"{price(value, 0)}¢ " if places == 0 else price(value, places)


def _leftward(size: int, biggest: int, width: int) -> str:
    """A bar that grows to the left, in half cells: terminals have no finer blocks on that side."""
    halves = 2 * width * size // biggest if biggest else 0
    return ("▐" * (halves % 2) + "█" * (halves // 2)).rjust(width)


def _foot(ladder: LadderView, width: int) -> list[Line]:
    """What the marks stand for, and how old and how wide the book is, or why it is not trusted."""
    marks = [f"T {chance(ladder.theo, 2)}"]
    for letter, value in (("C", ladder.ceiling), ("F", ladder.floor), ("B", ladder.breakeven)):
        if value is not None:
            marks.append(f"{letter} {exact_price(value).rstrip('¢')}")
    first = text(Span(fit(" " + "  ".join(marks), width), Ink.TITLE))
    if ladder.stale:
        return [first, text(Span(fit(f" STALE {age(ladder.age_ms)} {clean(ladder.stale)}", width), Ink.WARN))]
    if ladder.status is not MarketState.OPEN:
        return [first, text(Span(fit(f" MARKET {ladder.status.value.upper()}", width), Ink.WARN))]
    spread = None
    if ladder.best_bid is not None and ladder.best_ask is not None:
        spread = ladder.best_ask - ladder.best_bid
    about = f" spread {exact_price(spread)}  {age(ladder.age_ms)}{_rewards(ladder)}"
    return [first, text(Span(fit(f"{about}  {clean(ladder.instrument.symbol)}", width), Ink.DIM))]


def _rewards(ladder: LadderView) -> str:
    """What resting liquidity is paid for, and how much of ours is."""
    terms = ladder.rewards
    if terms is None:
        return ""
    band = exact_price(terms.max_spread)
    return f"  rewards {contracts(terms.size_min, 5)}+ within {band}: {contracts(ladder.scoring, 5)} score"


def _sources(sources: Sequence[SourceView], width: int) -> list[Line]:
    """What the fair value is made of: weight, probability of the first outcome, both ages."""
    if not sources:
        return []
    name = max(6, min(12, width - 24))
    lines = [text(Span(f" {fit('source', name)}{'wt':>4}{'fair':>6}{'seen':>6}{'moved':>6}", Ink.HEAD))]
    for source in sources[:5]:
        counts = source.weight > 0 and not source.note
        first = source.probabilities[0] if source.probabilities else None
        lines.append(
            text(
                Span(f" {fit(clean(source.name), name)}", Ink.PLAIN if counts else Ink.DIM),
                Span(f"{source.weight // CENT:>3}%{chance(first, 1):>6}", Ink.MARK if counts else Ink.DIM),
                Span(f"{age(source.confirmed_age_ms):>6}{age(source.change_age_ms):>6}", Ink.DIM),
                Span(f" {clean(source.note)}" if source.note else "", Ink.WARN),
            )
        )
    return lines
