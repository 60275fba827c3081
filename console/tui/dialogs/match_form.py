"""The form of a match to add: every field is read as it is typed, with the fair values it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, TextArea

from console.core.events import AddMatch
from console.core.matches import MatchSpec
from console.core.odds import american
from console.core.settings import MatchSettings, Placement, format_setting, unit_of
from console.core.units import CENT, ONE, ceil_div
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Choice, Choices, Dialog, Words, plain
from console.tui.dialogs.fields import Field, TextField
from console.tui.draft import DIRECT_SETTINGS, PRESET, Draft, Reading, draft_of, read
from console.tui.format import chance, clean, exact_price, fit, joined
from console.tui.ink import Ground, Ink
from console.tui.sheet import Line, Span

_HINTS = {
    "start": "18:30 UTC, +90m, or with a date",
    "odds": "-110 +100, 1.91 2.05, 52% 48%",
}
_FAIR_ROWS = 4
_HINT_WIDTH = 32


class MatchForm(Dialog[AddMatch]):
    """Answered with the event to send."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", show=False)]
    DEFAULT_CSS = "MatchForm > Vertical { width: 78; }"

    def __init__(
        self,
        listed: MatchSpec | None,
        odds: tuple[float, ...],
        profiles: Mapping[str, MatchSettings],
        clock: Clock,
    ) -> None:
        super().__init__(f"Add {clean(listed.title)}" if listed else "Add a match by hand", clock)
        self._listed = listed
        self._profiles = profiles
        self._draft = draft_of(listed)
        self._told = " ".join(f"{price:.4g}" for price in odds)
        self._choices = Choices([Choice("", "Back", False), Choice("", "Add (^S)", True)], self)
        self._touched: set[str] = set()

    def parts(self) -> Sequence[Widget]:
        """Fields, fair values, the first mistake, answers."""
        draft = self._draft
        return [
            Field("title", "title", draft.title, "Alcaraz v Sinner", wide=True),
            Field("outcomes", "outcomes", draft.outcomes, "Alcaraz / Sinner", wide=True),
            TextField("instruments", "instruments", draft.instruments),
            Field("start", "start", draft.start, "unknown"),
            Field("odds", "odds by hand", draft.odds, f"feed: {self._told}" if self._told else "none"),
            Field("preset", "preset", draft.preset),
            Field("edge_min", "edge", hint="of the preset"),
            Field("contracts", "contracts", hint="of the preset"),
            Field("inventory_max", "inventory max", hint="of the preset"),
            Field("other", "other settings", "", "key = value; key = value", wide=True),
            Words("fair", height=_FAIR_ROWS),
            Words("wrong", plain(""), height=1),
            self._choices,
        ]

    def on_mount(self) -> None:
        """Begin where something is missing."""
        self.query_one("#odds" if self._listed else "#title", Input).focus()
        self._read()

    def action_save(self) -> None:
        """Send the form, or say what is wrong."""
        reading = self._read(all_fields=True)
        if reading.event is not None and self.ready:
            self.dismiss(reading.event)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._touched.add(event.input.id or "")
        self._read()

    @on(TextArea.Changed)
    def _typed_lines(self) -> None:
        self._touched.add("instruments")
        self._read()

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    @on(Choices.Picked)
    def _picked(self, event: Choices.Picked) -> None:
        if event.value:
            self.action_save()
        else:
            self.dismiss(None)

    def _text(self, key: str) -> str:
        return self.query_one(f"#{key}", Input).value

    def _read(self, all_fields: bool = False) -> Reading:
        keys = [key for key in Draft.__struct_fields__ if key != "instruments"]
        draft = Draft(
            instruments=self.query_one("#instruments", TextArea).text,
            **{key: self._text(key) for key in keys},
        )
        reading = read(draft, self._listed, self._clock.wall(), self._profiles)
        for field in self.query(Field):
            wrong = reading.wrong.get(field.key, "")
            field.note(wrong or self._hint(field.key, reading.settings), Ink.WARN if wrong else Ink.DIM)
        shown = {key: text for key, text in reading.wrong.items() if all_fields or key in self._touched}
        self._show_wrong(shown, reading)
        self.query_one("#fair", Words).show(fair_lines(reading))
        return reading

    def _hint(self, key: str, settings: MatchSettings) -> str:
        if key in DIRECT_SETTINGS:
            value, unit = format_setting(settings, key), unit_of(MatchSettings, key)
            return f"{value} {unit.removesuffix('s') if value == '1' else unit}"
        if key == "preset":
            others = [name for name in self._profiles if name != PRESET]
            shown = joined(others, _HINT_WIDTH - 2)
            return shown if len(shown.split()) == len(others) else f"{shown} …"
        return _HINTS.get(key, "")

    def _show_wrong(self, shown: dict[str, str], reading: Reading) -> None:
        first = next(iter(shown.values()), "")
        if not first and reading.event is not None:
            self.query_one("#wrong", Words).show(plain("ready: ^S adds it", ink=Ink.UP))
        else:
            self.query_one("#wrong", Words).show(plain(clean(first), ink=Ink.WARN))


def _buy_below(value: int | None) -> str:
    return exact_price(None if value is None else value - value % (CENT // 100))


def _margin_asked(settings: MatchSettings) -> int:
    """Below the lowest fair value, while the market is as calm as usual."""
    if settings.placement is not Placement.CEILING:
        return settings.edge_min
    return settings.half_spread if settings.spread_usual is None else ceil_div(settings.spread_usual, 2)


def fair_lines(reading: Reading) -> list[Line]:
    """What the odds mean: fair value by the first ceiling method, its lowest, and what we would pay."""
    fair = reading.fair
    if fair is None:
        return [Line((Span("fair values appear here as odds are typed", Ink.DIM),), Ground.DIALOG)]
    margin = f"margin {fair.overround * 100:.2f}%" + ("  UNDERROUND: mixed or old" if fair.underround else "")
    head = f"{fit('', 14)}{'odds':>7}{'american':>10}{'fair':>8}{'lowest':>8}{'pay below':>11}   {margin}"
    lines = [Line((Span(head, Ink.HEAD),), Ground.DIALOG)]
    settings = reading.settings
    margin_asked = _margin_asked(settings)
    methods = [method for method in settings.ceiling_methods if method in fair.probabilities]
    for number, name in enumerate(reading.outcomes):
        values = [int(fair.probabilities[method][number] * ONE) for method in methods]
        first, low = (values[0], min(values)) if values else (None, None)
        ceiling = None if low is None else max(0, low - margin_asked)
        lines.append(
            Line(
                (
                    Span(fit(clean(name), 14), Ink.STRONG),
                    Span(f"{fair.odds[number]:>7.3f}{american(fair.odds[number]):>10}"),
                    Span(f"{chance(first, 2):>8}{chance(low, 2):>8}", Ink.MARK),
                    Span(f"{_buy_below(ceiling):>11}", Ink.OWN),
                ),
                Ground.DIALOG,
            )
        )
    return lines
