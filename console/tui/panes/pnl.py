"""The P&L pane: what was made and what is at stake, the day as a curve, every limit as a bar."""

from __future__ import annotations

from collections.abc import Sequence

from console.core.matches import MatchId
from console.core.view import LimitView, View
from console.tui.format import cash, fit, fixed, gauge, percent, spark
from console.tui.ink import Ink
from console.tui.picture import Picture
from console.tui.sheet import BLANK, Line, Room, Span, text

_SUMS_WIDTH = 41
_WARN_SHARE = 70  # per cent of a limit from which it is marked


class Pnl:
    """The content of the pane; it has no cursor, only a first limit shown."""

    number = 4
    name = "P&L"
    browse = None

    def __init__(self) -> None:
        self._first = 0

    def title(self, picture: Picture) -> str:
        """The net result."""
        return cash(picture.view.pnl.net)

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Sums on the left, limits beside them where there is room, else below."""
        view, width, height = picture.view, room.width, room.height
        if width >= 2 * _SUMS_WIDTH - 5:
            right = self._limits(view.limits, width - _SUMS_WIDTH - 1, height - 1)
            return [*_beside(_sums(view), right, _SUMS_WIDTH)[: height - 1], curve_line(view, width)]
        top = [*_sums(view), curve_line(view, width)][:height]
        return [*top, *self._limits(view.limits, width, height - len(top))]

    def move(self, steps: int) -> None:
        """Scroll the limits."""
        self._first = max(0, self._first + steps)

    def copied(self) -> str:
        """Nothing stands under a cursor here."""
        return ""

    def match(self) -> MatchId | None:
        """The selected one."""
        return None

    def _limits(self, limits: Sequence[LimitView], width: int, height: int) -> list[Line]:
        ranked = sorted(limits, key=lambda limit: -_share(limit))
        self._first = max(0, min(self._first, len(ranked) - height))
        return [_limit_line(limit, width) for limit in ranked[self._first : self._first + max(0, height)]]


def _sums(view: View) -> list[Line]:
    pnl, drawdown = view.pnl, None if view.drawdown is None else -view.drawdown
    rows = (
        ("net", pnl.net, "realised", pnl.realised),
        ("day", view.day, "at theo", pnl.at_theo),
        ("drawdown", drawdown, "at mid", pnl.at_mid),
        ("worst", -pnl.worst, "at liquid.", pnl.at_liquidation),
        ("fees", -pnl.fees, "locked", pnl.locked),
    )
    lines = [
        text(Span(f" {name:9}", Ink.HEAD), _money(value), Span(f"  {other:10}", Ink.HEAD), _money(more))
        for name, value, other, more in rows
    ]
    if pnl.locked_conditional:
        lines.append(text(Span(" locked unless void  ", Ink.HEAD), _money(pnl.locked_conditional)))
    return lines


def _money(value: int | None) -> Span:
    ink = Ink.PLAIN if not value else Ink.UP if value > 0 else Ink.DOWN
    return Span(f"{cash(value, 10):>10}", ink)


def curve_line(view: View, width: int) -> Line:
    """The day's profit as block characters, its extremes beside it."""
    if not view.curve:
        return BLANK
    ends = f" {cash(min(view.curve), 8)} to {cash(max(view.curve), 8)}"
    ink = Ink.UP if view.curve[-1] >= 0 else Ink.DOWN
    return text(" ", Span(spark(view.curve, width - len(ends) - 2), ink), Span(ends, Ink.DIM))


def _share(limit: LimitView) -> int:
    return 100 * limit.used // limit.limit if limit.limit > 0 else 0


def _limit_line(limit: LimitView, width: int) -> Line:
    share = _share(limit)
    ink = Ink.ALARM if share >= 100 else Ink.WARN if share >= _WARN_SHARE else Ink.PLAIN
    amounts = f"{fixed(limit.used, 2)}/{fixed(limit.limit, 0)}"
    bar = max(0, min(20, width - 39))
    return text(
        Span(f" {fit(limit.name, 16)}", Ink.HEAD),
        Span(f"{amounts:>15} ", ink),
        Span(f"{percent(limit.used, limit.limit):>5} ", ink),
        Span(gauge(limit.used, limit.limit, bar), Ink.WARN if share >= _WARN_SHARE else Ink.BAR),
    )


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    lines = []
    for y in range(max(len(left), len(right))):
        spans = left[y].spans if y < len(left) else ()
        gap = width - sum(len(span.text) for span in spans)
        more = right[y].spans if y < len(right) else ()
        lines.append(Line((*spans, Span(" " * max(0, gap)), *more)))
    return lines
