"""The inventory pane: the profit vector of a match, what it holds by venue, then every position."""

from __future__ import annotations

from collections.abc import Sequence

from console.core.matches import MatchId
from console.core.view import HoldingView, MatchView, OutcomeView
from console.tui.attention import loudness
from console.tui.format import cash, clean, contracts, fair, fit, gauge, percent, quoted, shorten
from console.tui.ink import Ground, Ink
from console.tui.picture import Picture
from console.tui.sheet import Line, Room, Span, said, text
from console.tui.words import THEO_STALE, VENUES, reason_word

_QUOTES_FROM = 52  # width from which our quote and its reason stand beside each outcome
_HOLDINGS_FROM = 10  # height from which what is held stands there by venue
HELP = (
    ("pos", "net contracts that pay on the outcome, over all venues"),
    ("avg", "average cost of the contracts that stand alone, fees in"),
    ("fair", "fair value"),
    ("quote why", "our best bid for the outcome, and why it is there"),
    ("if wins", "profit of the match if this outcome wins: the profit vector"),
    ("net", "net contracts against inventory_max"),
    ("locked", "profit that is fixed whatever the result; unless void (no void): if one outcome wins"),
    ("held", "contracts by venue and leg, their average cost, worth at fair value, unrealised profit"),
    ("of max", "position against inventory_max"),
)


class Inventory:
    """The content of the pane."""

    number = 3
    name = "Inventory"
    short = "Inv"
    about = "what is held, by outcome and by venue, and what it pays"
    browse = None

    def __init__(self) -> None:
        self._first = 0

    def title(self, picture: Picture) -> str:
        """How many matches have a position, and the selected match."""
        open_ = sum(match.exposure != 0 for match in picture.view.matches)
        match = _selected(picture)
        return f"{open_} open" + (f" · {shorten(match.title, 20)}" if match else "")

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Outcomes of the selected match on top, what it holds, positions below."""
        width, height = room.width, room.height
        match = _selected(picture)
        lines = _vector(match, picture, width) if match else []
        if match is not None and match.id == picture.view.watched and height >= _HOLDINGS_FROM:
            lines += _holdings(picture.view.holdings, picture, width)
        held = sorted(
            (other for other in picture.view.matches if other.exposure),
            key=lambda other: (-_share(other), other.title),
        )
        rows = height - len(lines) - 1
        self._first = max(0, min(self._first, len(held) - rows))
        if rows > 0 and held:
            lines.append(_positions_head(width))
            lines += [_position(other, picture, width) for other in held[self._first : self._first + rows]]
        elif rows > 0:
            lines += said("flat: nothing is held on any match", width)
        return lines[:height]

    def help(self) -> Sequence[tuple[str, str]]:
        """What every column means."""
        return HELP

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


def _vector(match: MatchView, picture: Picture, width: int) -> list[Line]:
    wide = width >= _QUOTES_FROM
    name = max(8, min(20, width - (44 if wide else 30)))
    quotes = " quote why    " if wide else ""
    head = f" {fit('outcome', name)}{'pos':>6} avg  {'fair':>6}{quotes}{'if wins':>10}"
    lines = [text(Span(head, Ink.HEAD))]
    lines += [_outcome(match, outcome, picture, name, wide) for outcome in match.outcomes]
    lines.append(_sum_line(match, width))
    return lines


def _outcome(match: MatchView, outcome: OutcomeView, picture: Picture, name: int, wide: bool) -> Line:
    theo = Ink.DIM if match.reason in THEO_STALE else Ink.MARK
    spans = [
        Span(f" {fit(clean(outcome.name), name)}", Ink.STRONG),
        Span(f"{contracts(outcome.position, 6, signed=True):>6}", _direction(outcome.position)),
        Span(f" {fit(quoted(outcome.average, picture.odds, 1), 4)}", Ink.PLAIN),
        Span(f"{fair(outcome.theo, picture.odds, 1):>6}", theo),
    ]
    if wide:
        why = fit(reason_word(outcome.reason, outcome.limit, 7), 7)
        spans += [
            Span(f" {fit(quoted(outcome.quote, picture.odds), 5)}", Ink.OWN),
            Span(f" {why}", loudness(outcome.reason)),
        ]
    spans.append(Span(f"{cash(outcome.payout, 10):>10}", _direction(outcome.payout)))
    return Line(tuple(spans))


def _sum_line(match: MatchView, width: int) -> Line:
    share = percent(abs(match.exposure), match.inventory_max)
    spans = [
        Span(" net ", Ink.HEAD),
        Span(f"{contracts(match.exposure, 7, signed=True)}", _direction(match.exposure)),
        Span(f" of {contracts(match.inventory_max)} ({share})", Ink.PLAIN),
    ]
    if match.rebalancing:
        spans.append(Span("  REBALANCING", Ink.NOTICE))
    spans += [
        Span("  locked ", Ink.HEAD),
        Span(cash(match.pnl.locked, 8), _direction(match.pnl.locked)),
    ]
    if match.pnl.locked_conditional:
        words = f" {cash(match.pnl.locked_conditional, 8)}"
        room = width - sum(len(span.text) for span in spans) - len(words)
        spans.append(Span(f"{words} {'unless void' if room > 11 else 'no void'}", Ink.DIM))
    return Line(tuple(spans), Ground.PLAIN)


def _holdings(holdings: Sequence[HoldingView], picture: Picture, width: int) -> list[Line]:
    """By venue and leg; nothing when nothing is held."""
    if not holdings:
        return []
    name = max(8, min(20, width - 42))
    head = f" {'held':8}{fit('', name)}{'qty':>6} avg  {'worth':>9}{'profit':>9}"
    return [text(Span(head, Ink.HEAD)), *(_holding(held, picture, name) for held in holdings)]


def _holding(held: HoldingView, picture: Picture, name: int) -> Line:
    return text(
        Span(f" {fit(VENUES[held.instrument.venue], 8)}", Ink.PLAIN),
        Span(fit(clean(held.outcome), name), Ink.STRONG),
        Span(f"{contracts(abs(held.net), 6):>6}", Ink.PLAIN),
        Span(f" {fit(quoted(held.average, picture.odds, 1), 4)}", Ink.PLAIN),
        Span(f"{cash(held.worth, 9).lstrip('+'):>9}", Ink.PLAIN),
        Span(f"{cash(held.profit, 9):>9}", _direction(held.profit or 0)),
    )


def _positions_head(width: int) -> Line:
    name = _name_width(width)
    return text(Span(f" {fit('all positions', name)}{'net':>7}{'fair':>6}{'P&L':>9}{'of max':>8}", Ink.HEAD))


def _position(match: MatchView, picture: Picture, width: int) -> Line:
    name, share = _name_width(width), _share(match)
    bar = max(0, min(16, width - name - 32))
    ink = Ink.NOTICE if share >= 100 or match.rebalancing else Ink.PLAIN
    stale = match.reason in THEO_STALE
    return text(
        Span(f" {fit(shorten(match.title, name - 1), name)}", Ink.PLAIN),
        Span(f"{contracts(match.exposure, 7, signed=True):>7}", _direction(match.exposure)),
        Span(f"{fair(match.outcomes[0].theo, picture.odds, 1):>6}", Ink.DIM if stale else Ink.MARK),
        Span(f"{cash(match.pnl.net, 8):>9}", _direction(match.pnl.net)),
        Span(f"{percent(abs(match.exposure), match.inventory_max):>8} ", ink),
        Span(gauge(abs(match.exposure), match.inventory_max, bar), Ink.WARN if share >= 100 else Ink.BAR),
    )


def _name_width(width: int) -> int:
    return max(14, min(24, width - 42))


def _share(match: MatchView) -> int:
    return 100 * abs(match.exposure) // match.inventory_max if match.inventory_max else 0


def _direction(value: int) -> Ink:
    return Ink.PLAIN if value == 0 else Ink.UP if value > 0 else Ink.DOWN
