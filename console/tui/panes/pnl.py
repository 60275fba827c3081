"""The P&L pane: what was made and of what, what is at stake, the day as a curve, every limit as a bar."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from console.core.matches import MatchId
from console.core.units import SECOND
from console.core.view import LimitView, View
from console.tui.format import cash, clock, fit, fixed, gauge, percent, spark
from console.tui.glow import Glows
from console.tui.ink import Ink
from console.tui.picture import Picture
from console.tui.plot import plot
from console.tui.sheet import BLANK, Line, Room, Span, text
from console.tui.words import in_short

_SUMS_WIDTH = 44
_THIRD, _PAIR = 17, 41  # width of one column of three, and below which two are narrower
_SHORT = {"at liquid.": "liquid", "unless void": "no void"}
_WARN_SHARE = 70  # per cent of a limit from which it is marked
_PLOT_ROWS = 5  # the least that makes a plot better than a line of blocks
HELP = (
    ("net", "profit at fair value, everything in: realised, unrealised, fees, rewards"),
    ("day", "profit since the day began, at the marks of the loss limits (the worse of fair value and mid)"),
    ("drawdown", "how far that is below its peak since the last re-arm"),
    ("worst", "the result if everything resting fills in the worst way"),
    ("realised", "profit of what is closed or locked"),
    ("locked", "profit that is fixed whatever the result; unless void (no void): if one outcome wins"),
    ("at theo", "unrealised, at fair value"),
    ("at mid", "unrealised, half way between the best prices"),
    ("at liquid.", "(liquid) unrealised, if everything were sold into the bids now, taker fees paid"),
    ("captured", "attribution: fair value at the fill against the price paid"),
    ("adverse", "attribution: what fair value did in the 30 s after a fill"),
    ("drift", "attribution: what it did later, while we held"),
    ("settled", "attribution: payouts against the last fair value"),
    ("fees", "what the venues took"),
    ("rewards", "what the venues paid for providing liquidity"),
    ("by hand", "attribution: what no trade explains: an inventory typed in, a fill reversed"),
    ("limits", "used of the limit, its share, and what is left; from 70 % it is marked"),
)

_Row = tuple[str, int | None]


class Pnl:
    """The content of the pane; it has no cursor, only a first limit shown."""

    number = 4
    name = "P&L"
    short = "P&L"
    about = "what was made and of what; what is at stake; every limit"
    browse = None

    def __init__(self) -> None:
        self._first = 0
        self._glows = Glows()

    def title(self, picture: Picture) -> str:
        """The net result."""
        return cash(picture.view.pnl.net)

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Sums, parts, curve, limits; beside each other where there is room."""
        width, height = room.width, room.height
        beside = width >= 2 * _SUMS_WIDTH - 5
        sums = self._sums(picture, 0 if beside else width)
        limits = [*picture.view.limits, *(() if height < 14 else picture.view.match_limits)]
        if beside:
            right = self._limits(limits, width - _SUMS_WIDTH - 1, len(sums))
            top = _beside(sums, right, _SUMS_WIDTH)[:height]
            return [*top, *self._curve(picture, width, height - len(top))]
        kept = sums[: max(3, min(len(sums), height - 2))]
        free = height - len(kept)
        drawn = min(max(1, free - len(limits)), free, 12)
        lines = [*kept, *self._curve(picture, width, drawn)]
        return [*lines, *self._limits(limits, width, height - len(lines))][:height]

    def help(self) -> Sequence[tuple[str, str]]:
        """What every word means."""
        return HELP

    def move(self, steps: int) -> None:
        """Scroll the limits."""
        self._first = max(0, self._first + steps)

    def copied(self) -> str:
        """Nothing stands under a cursor here."""
        return ""

    def match(self) -> MatchId | None:
        """The selected one."""
        return None

    # ---- sums

    def _sums(self, picture: Picture, width: int) -> list[Line]:
        """Totals, what is not realised, and the parts: in three columns where they fit, else in two."""
        view = picture.view
        pnl, parts = view.pnl, view.parts
        totals: list[_Row] = [
            ("net", pnl.net),
            ("day", view.day),
            ("drawdown", None if view.drawdown is None else -view.drawdown),
            ("worst", -pnl.worst),
            ("locked", pnl.locked),
        ]
        open_: list[_Row] = [
            ("realised", pnl.realised),
            ("at theo", pnl.at_theo),
            ("at mid", pnl.at_mid),
            ("at liquid.", pnl.at_liquidation),
            ("unless void", pnl.locked_conditional),
        ]
        made: list[_Row] = [
            ("captured", parts.captured),
            ("adverse", parts.adverse),
            ("drift", parts.drift),
            ("settled", parts.settlement),
            ("fees", -parts.fees),
        ]
        if view.rewards:
            totals.append(("rewards", view.rewards))
        if parts.corrections:
            made.append(("by hand", parts.corrections))
        if width >= 3 * _THIRD:
            return self._columns(picture, (totals, 8, 8), (open_, 8, 8), (made, 8, 8))
        rest: list[_Row] = [] if len(totals) == len(open_) else [("", None)]
        if 0 < width < _PAIR:
            return self._columns(picture, ([*totals, *made[:3]], 9, 8), ([*open_, *rest, *made[3:]], 8, 8))
        return self._columns(picture, ([*totals, *made[:3]], 9, 10), ([*open_, *rest, *made[3:]], 11, 9))

    def _columns(self, picture: Picture, *columns: tuple[list[_Row], int, int]) -> list[Line]:
        lines = []
        for number in range(max(len(rows) for rows, _, _ in columns)):
            spans: list[Span] = [Span(" ")]
            for rows, name_width, width in columns:
                if number < len(rows) and rows[number][0]:
                    name, value = rows[number]
                    shown = _SHORT.get(name, name) if len(name) > name_width else name
                    spans += [
                        Span(f"{shown:{name_width}}", Ink.HEAD),
                        self._money(picture, name, value, width),
                    ]
                else:
                    spans.append(Span(" " * (name_width + width)))
                spans.append(Span(" "))
            lines.append(text(*spans[:-1]))
        return lines

    def _money(self, picture: Picture, name: str, value: int | None, width: int) -> Span:
        ink = Ink.PLAIN if not value else Ink.UP if value > 0 else Ink.DOWN
        words = f"{cash(value, width):>{width}}"
        return Span(words, ink, self._glows.of(name, value, picture))

    # ---- curve

    def _curve(self, picture: Picture, width: int, height: int) -> list[Line]:
        """The day's profit: a plot where there is room, else one line of blocks."""
        view = picture.view
        if height <= 0:
            return []
        if len(view.curve) < 2:
            return [text(Span(" the day's curve appears here", Ink.DIM))]
        if height < _PLOT_ROWS:
            return [curve_line(view, width)]
        return _plot(view, width, height)

    # ---- limits

    def _limits(self, limits: Sequence[LimitView], width: int, height: int) -> list[Line]:
        ranked = sorted(limits, key=lambda limit: -_share(limit))
        self._first = max(0, min(self._first, len(ranked) - height))
        return [limit_line(limit, width) for limit in ranked[self._first : self._first + max(0, height)]]


def curve_line(view: View, width: int) -> Line:
    """The day's profit as block characters, its extremes beside it."""
    if not view.curve:
        return BLANK
    ends = f" {cash(min(view.curve), 8)} to {cash(max(view.curve), 8)}"
    ink = Ink.UP if view.curve[-1] >= 0 else Ink.DOWN
    return text(" ", Span(spark(view.curve, width - len(ends) - 2), ink), Span(ends, Ink.DIM))


def _plot(view: View, width: int, height: int) -> list[Line]:
    """Dots, amounts at the right, times below."""
    curve = view.curve
    rows, zero = plot(curve, width - 11, height - 1)
    ink = Ink.UP if curve[-1] >= 0 else Ink.DOWN
    lines = []
    for number, row in enumerate(rows):
        label = ""
        if number == 0:
            label = cash(max(*curve, 0), 8)
        elif number == len(rows) - 1:
            label = cash(min(*curve, 0), 8)
        elif number == zero:
            label = "0"
        dots = row.ljust(width - 11)
        if number == zero:
            dots = dots.replace(" ", "·")
        lines.append(text(" ", Span(dots, ink), Span(f" {label:>8}", Ink.DIM)))
    began = view.wall - view.curve_step_s * (len(curve) - 1) * SECOND
    now = clock(view.wall)[:5]
    lines.append(text(Span(f" {fit(clock(began)[:5], max(0, width - 16))}{now}", Ink.DIM)))
    return lines


def _share(limit: LimitView) -> int:
    return 100 * limit.used // limit.limit if limit.limit > 0 else 0


def limit_line(limit: LimitView, width: int) -> Line:
    """One limit: how much of it is used, as a bar, and how far away it is."""
    share = _share(limit)
    ink = Ink.ALARM if share >= 100 else Ink.WARN if share >= _WARN_SHARE else Ink.PLAIN
    dollars = limit.unit == "$"
    left = max(0, limit.limit - limit.used)
    amounts = f"{fixed(limit.used, 2 if dollars else 0)}/{fixed(limit.limit, 0)}"
    away = f"{'$' if dollars else ''}{fixed(left, 0)} left"
    room = width - 52
    bar = max(0, min(24, width - 40 - (len(away) + 1 if room >= 0 else 0)))
    spans = [
        Span(f" {fit(in_short(limit.name), 18)}", Ink.HEAD),
        Span(f"{amounts:>14} ", ink),
        Span(f"{percent(limit.used, limit.limit):>4} ", ink),
        Span(gauge(limit.used, limit.limit, bar), Ink.WARN if share >= _WARN_SHARE else Ink.BAR),
    ]
    if room >= 0:
        spans.append(Span(f" {away}", Ink.DIM if share < _WARN_SHARE else ink))
    return text(*spans)


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    lines = []
    for y in range(max(len(left), len(right))):
        spans = left[y].spans if y < len(left) else ()
        gap = width - sum(cell_len(span.text) for span in spans)
        more = right[y].spans if y < len(right) else ()
        lines.append(Line((*spans, Span(" " * max(0, gap)), *more)))
    return lines
