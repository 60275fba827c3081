"""Looking further back than a pane goes: the engine searches its fills or its log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.widget import Widget

from console.core.view import FillView, LogLine
from console.tui.clock import Clock
from console.tui.dialogs.dialog import Words, plain
from console.tui.dialogs.finder import Finder
from console.tui.engine import Engine
from console.tui.format import clean
from console.tui.ink import Ground, Ink
from console.tui.panes import fills, log
from console.tui.picture import Picture
from console.tui.places import FILLS
from console.tui.sheet import Line, Span, chosen, head, row

TYPING_S = 0.15  # a pause in typing after which the engine is asked
_HINT = "all words must occur · ↑↓ PgUp PgDn move · Esc closes"

Found = FillView | LogLine


def history(number: int, engine: Engine, look: Callable[[], Picture | None], clock: Clock) -> History:
    """The dialog for a pane: fills for the fills' pane, else the log."""
    return History("fills" if number == FILLS else "log", engine, look, clock)


class History(Finder[Found]):
    """Newest first; the engine is asked at every pause."""

    def __init__(self, what: str, engine: Engine, look: Callable[[], Picture | None], clock: Clock) -> None:
        title = "All fills of this run" if what == "fills" else "The whole log of this run"
        search, draw = self._search_engine, self._draw_found
        super().__init__(title, clock, search, draw, _HINT, takes=False, whole=_words)
        self._what = what
        self._engine = engine
        self._look = look
        self._found: Sequence[Found] = ()

    def parts(self) -> Sequence[Widget]:
        """The same, under the titles of the columns."""
        field, *rest = super().parts()
        return [field, Words("heads", height=1), *rest]

    def _tell(self, item: Found | None) -> None:
        super()._tell(item)
        width = self.roll.size.width - 1
        fill = self._what == "fills"
        titles = head(chosen(fills.COLUMNS, width)) if fill else head(chosen(log.COLUMNS, width))
        self.query_one("#heads", Words).show([Line(titles.spans, Ground.DIALOG)])

    def _search_engine(self, needle: str) -> Sequence[Found]:
        self.run_worker(self._ask(needle), group="history", exclusive=True)
        return self._found

    async def _ask(self, needle: str) -> None:
        await asyncio.sleep(TYPING_S if needle else 0)
        answer = await self._engine.ask(self._what, needle)
        self._found = answer.fills if self._what == "fills" else answer.log
        self.roll.fill(self._found)
        count = f"{len(self._found)} found" if self._found else "nothing found"
        words, ink = (clean(answer.error), Ink.WARN) if answer.error else (f"{count} · {_HINT}", Ink.DIM)
        self.query_one("#hint", Words).show(plain(words, ink=ink))

    def _draw_found(self, found: Found, width: int) -> Sequence[Span]:
        picture = self._look()
        if picture is None:
            return []
        if isinstance(found, FillView):
            return row(chosen(fills.COLUMNS, width - 1), found, picture, Ground.DIALOG, marked=False).spans
        return row(chosen(log.COLUMNS, width - 1), found, picture, Ground.DIALOG, marked=False).spans


def _words(found: Found) -> str:
    return fills.words_of(found) if isinstance(found, FillView) else log.words_of(found)
