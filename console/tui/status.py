"""The two lines on top: mode, latch and money; then whether engine, terminal and venues are alive."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from console.core.reasons import Reason
from console.core.view import KillPhase, KillView, VenueView, View
from console.tui.format import age, cash, clean, clock, duration, milliseconds
from console.tui.grid import Grid
from console.tui.ink import Ground, Ink
from console.tui.picture import SILENT_AFTER_MS, Picture
from console.tui.sheet import Line, Span
from console.tui.words import BOOK_STALE, MODES, THEO_STALE, VENUES

_SLOW_STREAM_MS, _LOST_STREAM_MS = 3_000, 15_000
_SLOW_TTY_MS, _LOST_TTY_MS = 500, 3_000
TOKENS_FROM = 110  # width from which a venue's write budget stands in its badge
_OK, _SLOW, _LOST = "●", "◐", "○"


class Status(Grid):
    """The widget of both lines."""

    _picture: Picture | None = None

    def paint(self, picture: Picture) -> None:
        """Show a new moment."""
        self._picture = picture
        width = self.size.width
        self.show([money_line(picture, width), badge_line(picture, width)], picture.frozen)

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
    return Line(_spread(left, _money(view), right, width), Ground.RAISED)


def badge_line(picture: Picture, width: int) -> Line:
    """One badge each for engine, terminal and venues; the shape says it too."""
    view = picture.view
    left = [Span(" "), _badge("engine", picture.age_ms, 1000, SILENT_AFTER_MS)]
    if picture.terminal.silent_ms > _LOST_TTY_MS:
        left.append(Span(f"{_LOST} tty silent {age(picture.terminal.silent_ms)}  ", Ink.ALARM))
    else:
        left.append(_badge("tty", picture.terminal.rtt_ms, _SLOW_TTY_MS, _LOST_TTY_MS))
    left += [Span(f"{words}  ", Ink.WARN) for words in _stale_counts(view)]
    left += [_venue_badge(venue, tokens=width >= TOKENS_FROM) for venue in view.venues]
    return Line(_spread(left, _account(picture), [], width), Ground.PLAIN)


def kill_words(kill: KillView) -> tuple[str, Ink]:
    """What the venues have proven since the kill; KILLED stands only when all of it is proven."""
    gone = f"{kill.at_kill - kill.left}/{kill.at_kill}"
    match kill.phase:
        case KillPhase.KILLING:
            return f"KILLING {kill.left} orders, {gone} gone", Ink.ALARM
        case KillPhase.KILLED:
            return f"KILLED {gone} {clock(kill.wall)}", Ink.ALARM
        case KillPhase.INCOMPLETE:
            where = ", ".join(VENUES[venue] for venue in kill.unproven)
            return f"KILL INCOMPLETE {gone}" + (f" not proven: {where}" if where else ""), Ink.ALARM


def _warnings(picture: Picture) -> list[Span]:
    view, spans = picture.view, []
    if picture.closed:
        spans.append(Span(f" ENGINE GONE: {clean(picture.closed)} · FROZEN ", Ink.ALARM))
    elif picture.frozen:
        spans.append(Span(f" ENGINE SILENT {age(picture.age_ms)} · FROZEN ", Ink.ALARM))
    if view.kill is not None:
        words, ink = kill_words(view.kill)
        spans.append(Span(f" {words} ", ink))
    if view.stopping:
        spans.append(Span(f" STOPPING: {clean(view.stopping)} ", Ink.RISK))
    if view.paused:
        spans.append(Span(f" PAUSED: {clean(view.paused)} ", Ink.RISK))
    return [piece for span in spans for piece in (span, Span(" "))]


def _money(view: View) -> Iterable[Span]:
    """Fields in the order in which a narrow terminal gives them up, last first."""
    net = view.pnl.net
    yield Span(f"{cash(net)} net  ", _signed(net))
    yield Span(f"{len(view.matches)} matches  ", Ink.PLAIN)
    yield Span(f"{view.orders_open} ord  ", Ink.PLAIN)
    yield Span(f"day {cash(view.day)}  ", _signed(view.day))
    yield Span(f"dd {cash(None if view.drawdown is None else -view.drawdown)}  ", Ink.PLAIN)
    yield Span(f"worst {cash(-view.pnl.worst)}  ", Ink.PLAIN)
    yield Span(f"fills {view.fills}  ", Ink.PLAIN)
    yield Span(f"rej {view.rejects}  ", Ink.PLAIN if view.rejects == 0 else Ink.WARN)
    known = [venue.cash for venue in view.venues if venue.cash is not None]
    free = sum(known) if len(known) == len(view.venues) and known else None
    yield Span(f"free {cash(free, 12).lstrip('+')}  ", Ink.PLAIN)
    claims = sum(venue.claimable for venue in view.venues)
    if claims:
        yield Span(f"claim {cash(claims, 12).lstrip('+')}  ", Ink.PLAIN)


def _account(picture: Picture) -> Iterable[Span]:
    view = picture.view
    if not picture.may_act:
        yield Span("READ-ONLY  ", Ink.RISK)
    yield Span(f"{clean(view.account)}  ", Ink.DIM)
    yield Span(f"up {duration((view.wall - view.started_wall) // 1_000_000)}  ", Ink.DIM)
    yield Span(f"pid {picture.welcome.pid}  ", Ink.DIM)
    yield Span(f"run {view.run_id}  ", Ink.DIM)


def _badge(name: str, ms: int, slow: int, lost: int) -> Span:
    if ms < 0:
        return Span(f"{_SLOW} {name} ?  ", Ink.DIM)
    shape, ink = (_OK, Ink.UP) if ms < slow else (_SLOW, Ink.WARN) if ms < lost else (_LOST, Ink.ALARM)
    return Span(f"{shape} {name} {milliseconds(ms) if name == 'tty' else age(ms)}  ", ink)


def _venue_badge(venue: VenueView, tokens: bool) -> Span:
    name = VENUES[venue.venue]
    if not venue.up:
        why = clean(venue.halt).removeprefix("down: ")
        return Span(f"{_LOST} {name} DOWN {why}  ", Ink.ALARM)
    if venue.halt:
        return Span(f"{_SLOW} {name} {clean(venue.halt)}  ", Ink.WARN)
    ms, left = venue.stream_age_ms, f" {venue.write_tokens}/{venue.write_burst}" if tokens else ""
    if ms < 0:
        return Span(f"{_SLOW} {name} no data  ", Ink.WARN)
    shape, ink = (
        (_OK, Ink.UP)
        if ms < _SLOW_STREAM_MS
        else (_SLOW, Ink.WARN)
        if ms < _LOST_STREAM_MS
        else (_LOST, Ink.ALARM)
    )
    return Span(f"{shape} {name} {age(ms)}{left}  ", ink)


def _stale_counts(view: View) -> Iterable[str]:
    reasons = [match.reason for match in view.matches]
    stale = sum(reason in BOOK_STALE or reason in THEO_STALE for reason in reasons)
    if stale:
        yield f"{stale} STALE"
    mismatched = sum(reason is Reason.MISMATCH for reason in reasons)
    if mismatched:
        yield f"{mismatched} MISMATCH"


def _signed(value: int | None) -> Ink:
    return Ink.PLAIN if not value else Ink.UP if value > 0 else Ink.DOWN


def _spread(left: list[Span], optional: Iterable[Span], right: list[Span], width: int) -> tuple[Span, ...]:
    """Left and right are always there; of `optional` as much as fits between them."""
    room = width - sum(cell_len(span.text) for span in (*left, *right))
    middle = []
    for span in optional:
        if cell_len(span.text) > room:
            break
        middle.append(span)
        room -= cell_len(span.text)
    return (*left, *middle, Span(" " * max(0, room)), *right)
