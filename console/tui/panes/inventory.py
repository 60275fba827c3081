"""The inventory pane: the profit vector of the selected match, then every position against its limit."""

from __future__ import annotations

from console.core.matches import MatchId
from console.core.view import MatchView, OutcomeView
from console.tui.format import cash, chance, clean, contracts, fit, gauge, percent, price, shorten
from console.tui.ink import Ground, Ink
from console.tui.picture import Picture
from console.tui.sheet import Line, Room, Span, text
from console.tui.words import THEO_STALE, reason_ink, reason_word

_QUOTES_FROM = 52  # width from which our quote and its reason stand beside each outcome


class Inventory:
    """The content of the pane."""

    number = 3
    name = "Inventory"
    browse = None

    def __init__(self) -> None:
        self._first = 0

    def title(self, picture: Picture) -> str:
        """How many matches have a position, and the selected match."""
        open_ = sum(match.exposure != 0 for match in picture.view.matches)
        match = _selected(picture)
        return f"{open_} open" + (f" · {shorten(match.title, 26)}" if match else "")

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Outcomes of the selected match on top, positions below."""
        width, height = room.width, room.height
        match = _selected(picture)
        lines = _vector(match, width) if match else []
        held = sorted(
            (other for other in picture.view.matches if other.exposure),
            key=lambda other: (-_share(other), other.title),
        )
        rows = height - len(lines) - 1
        self._first = max(0, min(self._first, len(held) - rows))
        if rows > 0 and held:
            lines.append(_positions_head(width))
            lines += [_position(other, width) for other in held[self._first : self._first + rows]]
        elif rows > 0:
            lines.append(text(Span(" no position", Ink.DIM)))
        return lines[:height]

    def move(self, steps: int) -> None:
        """Scroll the positions."""
        self._first = max(0, self._first + steps)

    def copied(self) -> str:
        """Nothing stands under a cursor here."""
        return ""

    def match(self) -> MatchId | None:
        """The selected one."""
        return None


def _selected(picture: Picture) -> MatchView | None:
    return next((match for match in picture.view.matches if match.id == picture.selected), None)


def _vector(match: MatchView, width: int) -> list[Line]:
    wide = width >= _QUOTES_FROM
    name = max(8, min(20, width - (43 if wide else 30)))
    quotes = " quote why   " if wide else ""
    head = f" {fit('outcome', name)}{'pos':>6} avg  {'fair':>5}{quotes}{'if wins':>11}"
    lines = [text(Span(head, Ink.HEAD))]
    lines += [_outcome(match, outcome, name, wide) for outcome in match.outcomes]
    lines.append(_sum_line(match))
    return lines


def _outcome(match: MatchView, outcome: OutcomeView, name: int, wide: bool) -> Line:
    theo = Ink.DIM if match.reason in THEO_STALE else Ink.MARK
    spans = [
        Span(f" {fit(clean(outcome.name), name)}", Ink.STRONG),
        Span(f"{contracts(outcome.position, 6, signed=True):>6}", _direction(outcome.position)),
        Span(f" {fit(price(outcome.average, 1), 4)}", Ink.PLAIN),
        Span(f"{chance(outcome.theo, 1):>6}", theo),
    ]
    if wide:
        spans += [
            Span(f" {fit(price(outcome.quote), 5)}", Ink.OWN),
            Span(f" {fit(reason_word(outcome.reason, outcome.limit, 6), 6)}", reason_ink(outcome.reason)),
        ]
    spans.append(Span(f"{cash(outcome.payout, 10):>11}", _direction(outcome.payout)))
    return Line(tuple(spans))


def _sum_line(match: MatchView) -> Line:
    share = percent(abs(match.exposure), match.inventory_max)
    spans = [
        Span(" net ", Ink.HEAD),
        Span(f"{contracts(match.exposure, 7, signed=True)}", _direction(match.exposure)),
        Span(f" of {contracts(match.inventory_max)} ({share})", Ink.PLAIN),
        Span("  locked ", Ink.HEAD),
        Span(cash(match.pnl.locked, 8), _direction(match.pnl.locked)),
    ]
    if match.pnl.locked_conditional:
        spans.append(Span(f" {cash(match.pnl.locked_conditional, 8)} unless void", Ink.DIM))
    if match.rebalancing:
        spans.append(Span("  REBALANCING", Ink.WARN))
    return Line(tuple(spans), Ground.PLAIN)


def _positions_head(width: int) -> Line:
    name = _name_width(width)
    return text(Span(f" {fit('match', name)}{'net':>8}{'fair':>6}{'P&L':>10}{'of max':>8}", Ink.HEAD))


def _position(match: MatchView, width: int) -> Line:
    name, share = _name_width(width), _share(match)
    bar = max(0, min(16, width - name - 34))
    ink = Ink.WARN if share >= 100 or match.rebalancing else Ink.PLAIN
    return text(
        Span(f" {fit(shorten(match.title, name - 1), name)}", Ink.PLAIN),
        Span(f"{contracts(match.exposure, 7, signed=True):>8}", _direction(match.exposure)),
        Span(f"{chance(match.outcomes[0].theo, 1):>6}", Ink.DIM if match.reason in THEO_STALE else Ink.MARK),
        Span(f"{cash(match.pnl.net, 9):>10}", _direction(match.pnl.net)),
        Span(f"{percent(abs(match.exposure), match.inventory_max):>8} ", ink),
        Span(gauge(abs(match.exposure), match.inventory_max, bar), Ink.WARN if share >= 100 else Ink.BAR),
    )


def _name_width(width: int) -> int:
    return max(9, min(24, width - 44))


def _share(match: MatchView) -> int:
    return 100 * abs(match.exposure) // match.inventory_max if match.inventory_max else 0


def _direction(value: int) -> Ink:
    return Ink.PLAIN if value == 0 else Ink.UP if value > 0 else Ink.DOWN
