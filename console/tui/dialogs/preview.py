"""A match before it is added: both sides resolved, orientation proven, fair value, what it would quote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec
from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.core.events import AddMatch
from console.core.matches import MatchSpec
from console.core.view import MatchView, View
from console.link.messages import SymbolView
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Choice, Choices, Dialog, Words
from console.tui.draft import PRESET
from console.tui.engine import Engine
from console.tui.format import age, cash, clean, contracts, exact_price, fair, fit, price, quoted, starts
from console.tui.ink import Ground, Ink
from console.tui.orientation import Sign, Verdict, readings, verdict
from console.tui.picture import Picture
from console.tui.sheet import Line, Span
from console.tui.taste import Odds
from console.tui.words import REASONS, VENUES, reason_word

FORM = "form"
_ROWS = 16
_INKS = {Sign.FITS: Ink.UP, Sign.TURNED: Ink.ALARM, Sign.SILENT: Ink.DIM}


class Preview(Dialog[AddMatch | str]):
    """Answered with the event to send, or FORM to fill in the details first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "preset(1)", show=False),
        Binding("up", "preset(-1)", show=False),
        Binding("ctrl+t", "form", show=False),
        Binding("ctrl+s", "add", show=False),
    ]
    DEFAULT_CSS = "Preview > Vertical { width: 92%; max-width: 96; margin: 1 0; }"

    def __init__(self, engine: Engine, found: SymbolView, picture: Picture, clock: Clock) -> None:
        super().__init__(f"Add {clean(found.spec.title)}", clock)
        self._engine = engine
        self._found = found
        self._picture = picture
        self._profiles = engine.welcome.profiles
        self._presets = list(self._profiles)
        self._preset = self._presets.index(PRESET)
        self._preview: View | None = None
        self._error = ""
        self._asked = 0
        self._choices = Choices(
            [
                Choice("", "Back", None),
                Choice("y", "Add", "add", risky=True),
                Choice("f", "Form (^T)", FORM),
            ],
            self,
        )

    def parts(self) -> Sequence[Widget]:
        """What would be over the answers."""
        return [Words("match", self._lines(), height=_ROWS), self._choices]

    def on_mount(self) -> None:
        """Ask at once."""
        self._choices.focus()
        self._ask()

    @property
    def event(self) -> AddMatch:
        """What would be sent."""
        return AddMatch(spec=self._found.spec, settings=self._profiles[self._presets[self._preset]])

    # ---- keys

    def action_preset(self, steps: int) -> None:
        """Try another preset."""
        self._preset = (self._preset + steps) % len(self._presets)
        self._ask()

    def action_form(self) -> None:
        """Fill in the details."""
        self.dismiss(FORM)

    def action_add(self) -> None:
        """Add it, unless the sides seem to be turned round."""
        if self.ready and self._verdict() is not Verdict.TURNED:
            self.dismiss(self.event)

    def on_key(self, event: events.Key) -> None:
        """Take an answer by its letter."""
        if event.character and self._choices.pick(event.character):
            event.stop()

    @on(Choices.Picked)
    def _picked(self, event: Choices.Picked) -> None:
        if event.value == "add":
            self.action_add()
        else:
            self.dismiss(event.value)

    # ---- asking

    def _ask(self) -> None:
        self._asked += 1
        self._preview, self._error = None, ""
        self._draw()
        self.run_worker(self._rehearse(self._asked), group="preview", exclusive=True)

    async def _rehearse(self, asked: int) -> None:
        wanted = msgspec.structs.replace(self.event, odds=self._found.odds)
        answer = await self._engine.ask("would_quote", msgspec.json.encode(wanted).decode())
        if asked == self._asked:
            self._preview, self._error = answer.preview, answer.error
            self._draw()

    def _draw(self) -> None:
        self.query_one("#match", Words).show(self._lines())

    # ---- drawing

    def _verdict(self) -> Verdict:
        return verdict(readings(self._found.spec, self._preview))

    def _lines(self) -> list[Line]:
        spec, settings = self._found.spec, self.event.settings
        facts = [
            spec.sport,
            spec.league,
            f"starts {starts(spec.start, self._picture.wall)}" if spec.start else "",
        ]
        about = " · ".join(clean(fact) for fact in facts if fact) or "no start time known"
        preset = f"{contracts(settings.contracts)} contracts, edge {exact_price(settings.edge_min)}"
        lines = [
            _line(Span(about, Ink.TITLE)),
            _line(
                Span("preset ", Ink.HEAD),
                Span(self._presets[self._preset], Ink.STRONG),
                Span(f": {preset} · ↑↓ another", Ink.DIM),
            ),
            _line(),
            *self._symbols(spec),
            _line(),
        ]
        if self._error:
            return [*lines, _line(Span(clean(self._error), Ink.WARN))]
        if self._preview is None:
            return [*lines, _line(Span("reading the books and working it out …", Ink.DIM))]
        match = next(iter(self._preview.matches), None)
        return [*lines, *self._sources(self._preview), *self._quotes(match)][:_ROWS]

    def _symbols(self, spec: MatchSpec) -> Iterable[Line]:
        """Every symbol: what it pays on, its book, and what name and price say to that."""
        found, odds = readings(spec, self._preview), self._picture.odds
        ladders = {ladder.instrument: ladder for ladder in self._preview.ladders} if self._preview else {}
        room = max(8, min(34, self.app.size.width * 92 // 100 - 50))
        head = f"{'venue':8}{'symbol':{room}}{'pays on':13}{'bid':>6}{'ask':>6}  name price"
        yield _line(Span(head, Ink.HEAD))
        for each in found[:4]:
            ladder = ladders.get(each.instrument)
            bid, ask = (ladder.best_bid, ladder.best_ask) if ladder is not None else (None, None)
            yield _line(
                Span(f"{VENUES[each.instrument.venue]:8}", Ink.PLAIN),
                Span(f"{fit(clean(each.instrument.symbol), room - 1)} ", Ink.DIM),
                Span(f"{fit(clean(each.outcome), 13)}", Ink.STRONG),
                Span(f"{quoted(bid, odds).strip():>6}", Ink.UP),
                Span(f"{quoted(ask, odds).strip():>6}", Ink.DOWN),
                Span(f"{each.name.value:>4}", _INKS[each.name]),
                Span(f"{each.price.value:>6}", _INKS[each.price]),
            )
        if self._preview is not None:
            said = verdict(found)
            ink = Ink.ALARM if said is Verdict.TURNED else Ink.UP if said is Verdict.PROVEN else Ink.WARN
            yield _line(Span("sides ", Ink.HEAD), Span(said.value, ink))

    def _sources(self, preview: View) -> Iterable[Line]:
        spans = [Span("fair value from ", Ink.HEAD)]
        for source in preview.sources[:3]:
            first = source.probabilities[0] if source.probabilities else None
            words = f"{clean(source.name)} {fair(first, self._picture.odds, 1)}"
            why = f" ({clean(source.note)})" if source.note else f" {age(source.confirmed_age_ms)}"
            spans.append(Span(f"{words}{why}  ", Ink.MARK if source.weight else Ink.DIM))
        if not preview.sources:
            spans.append(Span("nowhere: f and type odds by hand", Ink.WARN))
        yield _line(*spans)

    def _quotes(self, match: MatchView | None) -> Iterable[Line]:
        if match is None:
            return
        odds: Odds = self._picture.odds
        yield _line(Span(f"{'it would bid':21}{'fair':>6}{'bid':>7}{'size':>6}{'edge':>6}  why", Ink.HEAD))
        for outcome in match.outcomes:
            edge = None
            if outcome.quote is not None and outcome.theo is not None:
                edge = outcome.theo - outcome.quote
            size = contracts(outcome.quote_size if outcome.quote is not None else 0)
            why = reason_word(outcome.reason, outcome.limit, 24)
            yield _line(
                Span(f"{fit(clean(outcome.name), 21)}", Ink.STRONG),
                Span(f"{fair(outcome.theo, odds, 1):>6}", Ink.MARK),
                Span(f"{quoted(outcome.quote, odds).strip():>7}", Ink.OWN),
                Span(f"{size:>6}{price(edge, 1).strip():>6}", Ink.PLAIN),
                Span(f"  {why}", Ink.PLAIN if outcome.quote is not None else Ink.WARN),
            )
        if all(outcome.quote is None for outcome in match.outcomes):
            _, sentence = REASONS.get(match.reason, ("", match.reason.value))
            yield _line(Span(f"nothing now: {sentence}", Ink.WARN))
        else:
            worst = cash(match.pnl.worst).lstrip("+")
            yield _line(Span(f"worst case {worst} dollars; added now, it warms up first", Ink.DIM))


def _line(*spans: Span) -> Line:
    return Line(spans, Ground.DIALOG)
