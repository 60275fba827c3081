"""The two lines on top: mode, what is under way and money; then who is alive, how fast and how old."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from rich.cells import cell_len

from console.core.reasons import Reason
from console.core.view import FeedView, VenueView, View
from console.tui.attention import Need, need
from console.tui.format import age, cash, clean, clock, duration, fit, milliseconds
from console.tui.grid import Grid
from console.tui.ink import Ground, Ink
from console.tui.panes.log import is_alert
from console.tui.panes.venues import LOST_DATA_MS, LOW_TOKENS_PCT, SLOW_DATA_MS
from console.tui.picture import SILENT_AFTER_MS, Picture
from console.tui.progress import progress, spans_of
from console.tui.sheet import Line, Span
from console.tui.taste import Odds
from console.tui.words import BOOK_STALE, MODES, THEO_STALE, VENUES

_SLOW_TTY_MS, _LOST_TTY_MS = 500, 3_000
TOKENS_FROM = 110  # width from which a venue's write budget stands in its badge
_OK, _SLOW, _LOST = "●", "◐", "○"


class Detail(enum.Enum):
    """How much the badges say, from the most: the first that fits is taken."""

    AGES = "ages and budgets"
    REASONS = "reasons whole, ages of what is not well"
    WORDS = "a word of every reason"
    TROUBLE = "the terminal only when it is not well"
    SHAPES = "shape and name of a venue that is not well"


_DETAILS = tuple(Detail)
_REASONS_TOO = (Detail.AGES, Detail.REASONS)
_CALM_TOO = (*_REASONS_TOO, Detail.WORDS)


class Status(Grid):
    """The widget of both lines. `seen` is the wall clock of the newest alert that was looked at."""

    _picture: Picture | None = None
    seen = 0

    def paint(self, picture: Picture) -> None:
        """Show a new moment."""
        self._picture = picture
        width = self.size.width
        lines = [money_line(picture, width), badge_line(picture, width, self.seen)]
        self.show(lines, picture.frozen)

    def on_resize(self) -> None:
        """Fill the new width."""
        if self._picture is not None:
            self.paint(self._picture)


def money_line(picture: Picture, width: int) -> Line:
    """Mode and what is wrong first, money behind it as far as there is room, the clock at the right."""
    view = picture.view
    ink = Ink.DRY if picture.mode == "DRY" else MODES[view.mode]
    left = [Span(f" {picture.mode} ", ink), Span(" "), *_warnings(picture)]
    right = [Span(f"{clock(picture.wall)}Z ", Ink.TITLE)]
    if picture.low:
        right = [Span(f"{clock(picture.wall)[:5]}Z ", Ink.TITLE)]  # seconds cost bytes too
    if _width(left) > width - _width(right):
        left, right = _within(left, width), []  # what is wrong comes before what time it is
    return Line(_spread(left, _money(view), right, width), Ground.RAISED)


def badge_line(picture: Picture, width: int, seen: int = 0) -> Line:
    """One badge each for engine, terminal and venues; the shape says it too."""
    view = picture.view
    full = width >= TOKENS_FROM
    left: list[Span] = []
    for detail in _DETAILS if full else _DETAILS[1:]:
        left = [Span(" ")]
        for badge in _badges(picture, detail):
            left += [badge, Span("  ")]
        if _width(left) <= width + 2:  # the last gap may go
            break
    return Line(_spread(left, (*_alerts(view, seen), *_account(picture)), [], width), Ground.PLAIN)


def _badges(picture: Picture, detail: Detail) -> Iterable[Span]:
    view, terminal = picture.view, picture.terminal
    yield _badge("engine", picture.age_ms, 1000, SILENT_AFTER_MS, detail is Detail.AGES)
    if terminal.silent_ms > _LOST_TTY_MS:
        yield Span(f"{_LOST} tty silent {age(terminal.silent_ms)}", Ink.ALARM)
    elif detail in _CALM_TOO or terminal.rtt_ms >= _SLOW_TTY_MS:
        yield _badge("tty", terminal.rtt_ms, _SLOW_TTY_MS, _LOST_TTY_MS)
    yield from _counts(view)
    for venue in view.venues:
        calm = venue.up and not venue.halt and 0 <= venue.stream_age_ms < SLOW_DATA_MS
        if not (calm and detail is Detail.SHAPES):
            yield _venue_badge(venue, detail)


def _warnings(picture: Picture) -> list[Span]:
    view, spans = picture.view, []
    if picture.closed:
        spans.append(Span(f" ENGINE GONE: {clean(picture.closed)} · FROZEN ", Ink.ALARM))
    elif picture.frozen:
        spans.append(Span(f" ENGINE SILENT {age(picture.age_ms)} · FROZEN ", Ink.ALARM))
    now = progress(view)
    if now is not None:
        spans += spans_of(now)
    if view.gated:
        spans.append(Span(" WAITS FOR THE START GATE ", Ink.RISK))
    if view.paused:
        spans.append(Span(f" PAUSED: {clean(view.paused)} ", Ink.RISK))
    return [piece for span in spans for piece in (span, Span(" "))]


def _money(view: View) -> Iterable[Span]:
    """Fields in the order in which a narrow terminal gives them up, last first."""
    net = view.pnl.net
    yield Span(f"{cash(net)} net  ", _signed(net))
    yield Span(f"day {cash(view.day)}  ", _signed(view.day))
    yield Span(f"{len(view.matches)} matches  ", Ink.PLAIN)
    yield Span(f"{view.orders_open} ord  ", Ink.PLAIN)
    yield Span(f"dd {cash(None if view.drawdown is None else -view.drawdown)}  ", Ink.PLAIN)
    yield Span(f"worst {cash(-view.pnl.worst)}  ", Ink.PLAIN)
    yield Span(f"fills {view.fills}  ", Ink.PLAIN)
    yield Span(f"rej {view.rejects}  ", Ink.PLAIN if view.rejects == 0 else Ink.NOTICE)
    known = [venue.cash for venue in view.venues if venue.cash is not None]
    free = sum(known) if len(known) == len(view.venues) and known else None
    yield Span(f"free {cash(free, 12).lstrip('+')}  ", Ink.PLAIN)
    claims = sum(venue.claimable for venue in view.venues)
    if claims:
        yield Span(f"claim {cash(claims, 12).lstrip('+')}  ", Ink.PLAIN)


def _account(picture: Picture) -> Iterable[Span]:
    """Feeds and facts, as far as there is room."""
    view = picture.view
    if not picture.may_act:
        yield Span("READ-ONLY  ", Ink.RISK)
    if picture.low:
        yield Span("LOW WIRE [w]  ", Ink.NOTICE)
    if picture.odds is not Odds.CENTS:
        yield Span(f"{picture.odds.value} odds [o]  ", Ink.NOTICE)
    for feed in view.feeds:
        yield _feed_badge(feed)
    yield Span(f"{clean(view.account)}  ", Ink.DIM)
    yield Span(f"up {duration((view.wall - view.started_wall) // 1_000_000)}  ", Ink.DIM)
    yield Span(f"pid {picture.welcome.pid}  ", Ink.DIM)
    yield Span(f"run {view.run_id}  ", Ink.DIM)


def _badge(name: str, ms: int, slow: int, lost: int, full: bool = True) -> Span:
    """Shape and name; where there is little room the age only of what is not well."""
    if ms < 0:
        return Span(f"{_SLOW} {name} ?", Ink.DIM)
    shape, ink = (_OK, Ink.UP) if ms < slow else (_SLOW, Ink.WARN) if ms < lost else (_LOST, Ink.ALARM)
    if ms < slow and not full:
        return Span(f"{shape} {name}", ink)
    return Span(f"{shape} {name} {milliseconds(ms) if name == 'tty' else age(ms)}", ink)


def _venue_badge(venue: VenueView, detail: Detail) -> Span:
    name, full = VENUES[venue.venue], detail is Detail.AGES
    if not venue.up or venue.halt:
        shape = _SLOW if venue.up else _LOST
        halt = clean(venue.halt).removeprefix("down: ")
        loud = not venue.up or halt.startswith("MISMATCH")
        words = halt if venue.up else f"DOWN {halt}".strip()
        if detail not in _REASONS_TOO:
            words = words.partition(" ")[0].rstrip(":") if detail is not Detail.SHAPES else ""
        return Span(f"{shape} {name} {words}".rstrip(), Ink.ALARM if loud else Ink.WARN)
    if venue.stream_age_ms < 0:
        return Span(f"{_SLOW} {name} no data", Ink.WARN)
    if full and 100 * venue.write_tokens < LOW_TOKENS_PCT * venue.write_burst:
        name = f"{name} {venue.write_tokens}/{venue.write_burst} writes"
    return _badge(name, venue.stream_age_ms, SLOW_DATA_MS, LOST_DATA_MS, full)


def _feed_badge(feed: FeedView) -> Span:
    name = clean(feed.name).replace("_", " ")
    if not feed.up:
        return Span(f"{_LOST} {name} DOWN  ", Ink.WARN)
    credits_left = "" if feed.credits_left is None else f" {feed.credits_left} credits"
    return Span(f"{_OK} {name}{credits_left}  ", Ink.DIM)


def _counts(view: View) -> Iterable[Span]:
    reasons = [match.reason for match in view.matches]
    persons = sum(need(match) is Need.PERSON for match in view.matches)
    if persons:
        mismatched = sum(reason is Reason.MISMATCH for reason in reasons)
        words = f" {persons} MISMATCH " if mismatched == persons else f" {persons} NEED YOU "
        yield Span(words, Ink.ALARM)
    stale = sum(reason in BOOK_STALE or reason in THEO_STALE for reason in reasons)
    if stale:
        yield Span(f"{stale} STALE", Ink.WARN)


def _alerts(view: View, seen: int) -> Iterable[Span]:
    """How many came since they were looked at, and the key that shows them."""
    fresh = sum(is_alert(line) and line.wall > seen for line in view.log)
    if fresh:
        yield Span(f"{fresh} alert{'s' * (fresh > 1)} [0]  ", Ink.NOTICE)


def _signed(value: int | None) -> Ink:
    return Ink.PLAIN if not value else Ink.UP if value > 0 else Ink.DOWN


def _width(spans: Iterable[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)


def _within(spans: Iterable[Span], room: int) -> list[Span]:
    """As many as there is room for; the one that passes it is cut and says so."""
    kept = []
    for span in spans:
        length = cell_len(span.text)
        if room > 0:
            kept.append(span if length <= room else span._replace(text=fit(span.text, room)))
        room -= length
    return kept


def _spread(left: list[Span], optional: Iterable[Span], right: list[Span], width: int) -> tuple[Span, ...]:
    """Left and right are always there; of `optional` as much as fits between them."""
    room = width - _width((*left, *right))
    middle = []
    for span in optional:
        if cell_len(span.text) > room:
            break
        middle.append(span)
        room -= cell_len(span.text)
    return (*left, *middle, Span(" " * max(0, room)), *right)
