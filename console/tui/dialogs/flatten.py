"""Getting out of a match: what is held, who would take it and for how much, and the floor that is typed."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from console.core.events import Flatten
from console.core.units import Price
from console.core.view import MatchView
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Dialog, Words, plain, text_input
from console.tui.exits import Exit, exits
from console.tui.format import cash, clean, contracts, exact_price, fit, quoted
from console.tui.ink import Ground, Ink
from console.tui.numbers import NumberError, echoed, price_of
from console.tui.picture import Picture
from console.tui.sheet import Line, Span
from console.tui.words import VENUES

_ROWS = 9


class FlattenForm(Dialog[Flatten]):
    """Lives with the market; answered with the event to send."""

    DEFAULT_CSS = "FlattenForm > Vertical { width: 78; }"

    def __init__(self, picture: Picture, match: MatchView, clock: Clock) -> None:
        super().__init__(f"Flatten {clean(match.title)}", clock, risk=True)
        self._picture = picture
        self._match = match.id

    def parts(self) -> Sequence[Widget]:
        """What is held, the ways out, the floor, what it means."""
        return [
            Words("held", self._held(None), height=_ROWS),
            text_input("floor", hint="floor: the lowest price a contract may bring"),
            Words("means", plain(""), height=2),
            Words("wrong", plain(""), height=1),
        ]

    def on_mount(self) -> None:
        """Begin in the field."""
        self.query_one("#floor", Input).focus()
        self._read()

    def paint(self, picture: Picture) -> None:
        """The market moves on while one thinks."""
        self._picture = picture
        self._read()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._read()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        floor = self._read()
        if floor is not None and self.ready:
            self.dismiss(Flatten(match=self._match, floor=Price(floor)))

    # ---- reading

    def _read(self) -> int | None:
        """The floor that was typed, None while it is none; shows what it would mean."""
        text = self.query_one("#floor", Input).value.strip()
        floor, wrong = None, ""
        try:
            floor = price_of(text, self._picture.odds) if text else None
        except NumberError as error:
            wrong = str(error)
        self.query_one("#held", Words).show(self._held(floor))
        self.query_one("#means", Words).show(self._means(floor))
        hint = "Enter: flatten, not below that · Esc: back" if floor else "type a floor · Esc: back"
        ink = Ink.WARN if wrong or floor else Ink.DIM
        self.query_one("#wrong", Words).show(plain(wrong or hint, ink=ink))
        return floor

    def _match_view(self) -> MatchView | None:
        return next((match for match in self._picture.view.matches if match.id == self._match), None)

    def _ways(self, floor: int | None) -> list[Exit] | None:
        """None until the engine tells of this match."""
        view = self._picture.view
        return exits(view.holdings, view.ladders, floor or 1) if view.watched == self._match else None

    def _held(self, floor: int | None) -> list[Line]:
        match, ways, odds = self._match_view(), self._ways(floor), self._picture.odds
        if match is None:
            return plain("", "the match is gone", ink=Ink.WARN)
        lines = [_line(), _line(*_net(match))]
        if self._picture.view.kill is not None:
            lines.append(_line(Span("KILLED: re-arm to reduce only first (R)", Ink.ALARM)))
        if ways is None:
            return [*lines, _line(Span("reading its books …", Ink.DIM))]
        if not ways:
            return [*lines, _line(Span("nothing is held: there is nothing to flatten", Ink.WARN))]
        head = f"{'held':8}{'':15}{'qty':>7}{'best bid':>10}{'sold now':>10}{'down to':>9}{'brings':>10}"
        lines.append(_line(Span(head, Ink.HEAD)))
        for way in ways:
            short = way.found < way.held
            lines.append(
                _line(
                    Span(f"{VENUES[way.instrument.venue]:8}{fit(clean(way.outcome), 15)}", Ink.STRONG),
                    Span(f"{contracts(way.held):>7}", Ink.PLAIN),
                    Span(f"{quoted(way.best, odds).strip():>10}", Ink.UP),
                    Span(f"{contracts(way.found):>10}", Ink.WARN if short else Ink.PLAIN),
                    Span(f"{quoted(way.lowest, odds).strip():>9}", Ink.PLAIN),
                    Span(f"{cash(way.cash, 9).lstrip('+'):>10}", Ink.PLAIN),
                )
            )
        return lines[:_ROWS]

    def _means(self, floor: int | None) -> list[Line]:
        match, ways = self._match_view(), self._ways(floor)
        if match is None or not ways:
            return plain("")
        sold, held = sum(way.found for way in ways), sum(way.held for way in ways)
        brings = sum(way.cash for way in ways)
        if floor is None:
            at = match.pnl.at_liquidation
            result = cash(None if at is None else at + match.pnl.realised)
            lowest = min((way.lowest for way in ways if way.lowest is not None), default=None)
            return plain(
                f"all into the bids now: down to {exact_price(lowest)}, result {result} with fees",
                "pairs are locked and left alone; the rest goes in rounds, by what is there",
                ink=Ink.TITLE,
            )
        rest = f", {contracts(held - sold)} would wait for a better bid" if sold < held else ""
        return plain(
            f"floor {echoed(floor)}",
            f"{contracts(sold)} of {contracts(held)} would be sold now for {cash(brings).lstrip('+')}{rest}",
            ink=Ink.TITLE,
        )


def _net(match: MatchView) -> list[Span]:
    held = f"{contracts(match.exposure, signed=True)} net of {contracts(match.inventory_max)}"
    payouts = "  ".join(f"{clean(o.name)} {cash(o.payout)}" for o in match.outcomes)
    return [Span(f"{held} · if wins: {payouts}", Ink.PLAIN)]


def _line(*spans: Span) -> Line:
    return Line(spans, Ground.DIALOG)
