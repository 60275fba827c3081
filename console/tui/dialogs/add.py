"""Finding a match to add among those the venues list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.core.units import Nanos
from console.link.messages import SymbolView
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Words, plain
from console.tui.dialogs.finder import Finder
from console.tui.engine import Engine
from console.tui.format import clean, fit, starts
from console.tui.ink import Ink
from console.tui.sheet import Span
from console.tui.words import VENUES

TYPING_S = 0.15  # a pause in typing after which the engine is asked
_HINT = "Enter shows what it would quote · ^T type a match instead · Esc closes"


class AddSearch(Finder[SymbolView | bool]):
    """The engine is asked at every pause; answered with a symbol, or True for typing it by hand."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "type_it", show=False)]

    def __init__(self, engine: Engine, clock: Clock) -> None:
        super().__init__("Add a match", clock, self._search_engine, self._draw_symbol, _HINT)
        self._engine = engine
        self._wall = clock.wall()
        self._known: Sequence[SymbolView] = ()

    def action_type_it(self) -> None:
        """Go on without the venue's list."""
        self.dismiss(True)

    def _search_engine(self, needle: str) -> Sequence[SymbolView | bool]:
        self.run_worker(self._ask(needle), group="symbols", exclusive=True)
        return self._known

    async def _ask(self, needle: str) -> None:
        await asyncio.sleep(TYPING_S if needle else 0)
        answer = await self._engine.ask("symbols", needle)
        self._known = sorted(answer.symbols, key=lambda symbol: symbol.added)  # new ones first
        self.roll.fill(self._known)
        words, ink = (
            (_HINT, Ink.DIM) if answer.symbols else ("nothing found · ^T type a match instead", Ink.WARN)
        )
        if answer.error:
            words, ink = clean(answer.error), Ink.WARN
        self.query_one("#hint", Words).show(plain(words, ink=ink))

    def _draw_symbol(self, symbol: SymbolView | bool, width: int) -> Sequence[Span]:
        if isinstance(symbol, bool):
            return []
        name = max(16, width - 50)
        return [
            Span(f" {fit(clean(symbol.title), name)}", Ink.DIM if symbol.added else Ink.STRONG),
            Span(f" {fit(VENUES[symbol.instrument.venue], 7)}", Ink.PLAIN),
            Span(f" {fit(starts(symbol.spec.start, Nanos(self._wall)), 8)}", Ink.DIM),
            Span(f" {fit(clean(symbol.spec.sport), 10)}", Ink.DIM),
            Span(f" {fit(' '.join(f'{price:.2f}' for price in symbol.odds), 14)}", Ink.MARK),
            Span(" added" if symbol.added else "", Ink.WARN),
        ]
