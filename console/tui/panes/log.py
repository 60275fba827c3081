"""The log pane: what the engine had to say, newest first."""

from __future__ import annotations

from console.core.view import LogLine, View
from console.tui.format import clean, clock
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.sheet import Column, Span
from console.tui.words import SEVERITIES


def log() -> Listing[LogLine]:
    """The content of the pane."""
    return Listing(
        number=7,
        name="Log",
        columns=COLUMNS,
        items=lambda view: view.log,
        key=lambda line: f"{line.wall}{line.text}",
        words=lambda line: f"{clock(line.wall)} {line.severity.value} {line.match} {line.text}",
        match=lambda line: line.match or None,
        empty="nothing to report",
    )


def _severity(line: LogLine, _: View) -> Span:
    return Span(*SEVERITIES[line.severity])


COLUMNS: tuple[Column[LogLine], ...] = (
    Column("time", 8, lambda line, _: Span(clock(line.wall), Ink.DIM), right=False, rank=0),
    Column("", 4, _severity, right=False, rank=1),
    Column("text", 24, lambda line, _: Span(clean(line.text)), right=False, rank=2, grow=400),
)
