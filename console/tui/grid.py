"""A pane of lines on Textual's Line API: repaints the rows that changed, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, cast

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.tui.ink import Ground, Ink
from console.tui.palettes import Paint
from console.tui.sheet import Line, Span


class Painted(Protocol):
    """What a grid needs of the app around it."""

    paint: Paint
    glyphs: dict[int, str] | None  # what to write instead of what the terminal cannot show


class Grid(Widget):
    """Shows lines. `show` is the only way in; what did not change is not drawn again.

    A widget with a scroll bar would bring back layout; lists here scroll themselves and say so in their
    title.
    """

    ALLOW_SELECT = False
    GROUND: ClassVar[Ground] = Ground.PLAIN  # of what lies below the last line
    DEFAULT_CSS = "Grid { background: $ground; }"

    def __init__(self, name: str) -> None:
        super().__init__(name=name, id=name)
        self._lines: list[Line] = []
        self._frozen = False

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown now."""
        return self._lines

    def show(self, lines: Sequence[Line], frozen: bool = False) -> None:
        """Show `lines` from the top; `frozen` takes the colour out of everything that is not a warning."""
        before, self._lines = self._lines, list(lines)
        width = self.size.width
        if frozen is not self._frozen:
            self._frozen = frozen
            self.refresh()
            return
        for y in range(max(len(before), len(self._lines))):
            if self._at(before, y) != self._at(self._lines, y):
                self.refresh(Region(0, y, width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one line: a segment per span, so that the segment diff finds what changed."""
        line, width = self._at(self._lines, y), self.size.width
        app = cast(Painted, self.app)
        style, glyphs = app.paint.style, app.glyphs
        segments, used = [], 0
        for text, ink, glow in line.spans:
            if not text.isascii():
                used += cell_len(text)
                text = text if glyphs is None else text.translate(glyphs)
            else:
                used += len(text)
            segments.append(Segment(text, style(ink, line.ground, self._frozen, glow)))
        if used < width:
            segments.append(Segment(" " * (width - used), style(Ink.PLAIN, line.ground, self._frozen)))
        return Strip(segments, max(used, width)).crop(0, width)

    def _at(self, lines: Sequence[Line], y: int) -> Line:
        return lines[y] if y < len(lines) else Line((), self.GROUND)


def rule(title: Sequence[Span], width: int, focused: bool) -> Line:
    """The title line of a pane; the focused pane's is double."""
    dash, ink = ("━", Ink.TITLE_FOCUSED) if focused else ("─", Ink.RULE)
    spans = [Span(dash, ink), *title]
    used = sum(cell_len(span.text) for span in spans)
    if used < width:
        spans.append(Span(dash * (width - used), ink))
    return Line(tuple(spans), Ground.PLAIN)
