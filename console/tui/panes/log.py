"""The log and the alerts among it: what the engine had to say, newest first."""

from __future__ import annotations

from console.core.commands import Severity
from console.core.view import LogLine
from console.tui.format import clean, clock, shorten
from console.tui.ink import Ink
from console.tui.panes.listing import Listing
from console.tui.panes.orders import match_title
from console.tui.picture import Picture
from console.tui.sheet import Column, Span
from console.tui.words import SEVERITIES


def log() -> Listing[LogLine]:
    """The content of the log's pane."""
    return Listing(
        number=7,
        name="Log",
        about="everything the engine says, newest first; H searches further back",
        columns=COLUMNS,
        compact=(COMPACT, COMPACT_BELOW),
        items=lambda view: view.log,
        key=_key,
        words=words_of,
        match=lambda line: line.match or None,
        marked=is_alert,
        empty="nothing to report",
    )


def alerts() -> Listing[LogLine]:
    """The content of the alerts' pane."""
    return Listing(
        number=0,
        name="Alerts",
        short="Alert",
        about="warnings and errors of the log, newest first",
        columns=COLUMNS,
        compact=(COMPACT, COMPACT_BELOW),
        items=lambda view: [line for line in view.log if is_alert(line)],
        key=_key,
        words=words_of,
        match=lambda line: line.match or None,
        marked=lambda line: line.severity is Severity.ERROR,
        empty="no alert: nothing went wrong",
    )


def is_alert(line: LogLine) -> bool:
    """A line that somebody should have seen."""
    return line.severity is not Severity.INFO


def words_of(line: LogLine) -> str:
    """A line in words, to search and to copy."""
    return f"{clock(line.wall)} {line.severity.value} {line.match} {line.text}"


def _key(line: LogLine) -> str:
    return f"{line.wall}{line.match}{line.text}"


def _severity(line: LogLine, _: Picture) -> Span:
    return Span(*SEVERITIES[line.severity])


def _text(line: LogLine, _: Picture) -> Span:
    return Span(clean(line.text), Ink.STRONG if is_alert(line) else Ink.PLAIN)


def _match(line: LogLine, picture: Picture) -> Span:
    return Span(match_title(line.match, picture.view) if line.match else "", Ink.TITLE)


def _short(line: LogLine, picture: Picture) -> Span:
    words, ink, _ = _text(line, picture)
    about = f"{shorten(match_title(line.match, picture.view), 16)}: " if line.match else ""
    return Span(f"{about}{words}", ink)


_TIME: Column[LogLine] = Column(
    "time", 8, lambda line, _: Span(clock(line.wall), Ink.DIM), right=False, rank=0, help="UTC"
)
COMPACT_BELOW = 90
COMPACT: tuple[Column[LogLine], ...] = (
    _TIME,
    Column("", 4, _severity, right=False, rank=1),
    Column("text", 12, _short, right=False, rank=2, grow=400, help="info, WARN or ERR, in words"),
)
COLUMNS: tuple[Column[LogLine], ...] = (
    _TIME,
    Column("", 4, _severity, right=False, rank=1),
    Column(
        "match", 12, _match, right=False, rank=3, name=True, help="the match it is about, if it is about one"
    ),
    Column("text", 24, _text, right=False, rank=2, grow=400, help="info, WARN or ERR, in words"),
)
