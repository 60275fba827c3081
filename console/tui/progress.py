"""What is under way and how far it is: a kill, a stop, a flatten, the start of a run; one at a time."""

from __future__ import annotations

from msgspec import Struct

from console.core.matches import State
from console.core.reasons import Reason
from console.core.units import ONE, SECOND
from console.core.view import KillPhase, KillView, MatchView, View
from console.tui.format import clean, clock, contracts, exact_price, gauge, shorten
from console.tui.ink import Ink
from console.tui.sheet import Span
from console.tui.words import BOOK_STALE, VENUES

START_S = 180  # how long after the beginning of a run a match that waits is part of the start
BAR = 10


class Progress(Struct, frozen=True):
    """Something under way: `done` of `whole` steps; 0 steps draw no bar."""

    words: str
    ink: Ink
    done: int = 0
    whole: int = 0


def progress(view: View) -> Progress | None:
    """The most urgent of what is under way."""
    if view.kill is not None:
        return of_kill(view.kill)
    if view.stopping:
        return Progress(f"STOPPING: {clean(view.stopping)} · {view.orders_open} orders left", Ink.RISK)
    flattening = next((match for match in view.matches if match.flatten is not None), None)
    return of_flatten(flattening) if flattening is not None else of_start(view)


def of_kill(kill: KillView) -> Progress:
    """What the venues have proven since the kill; KILLED stands only when all of it is proven."""
    gone, whole = kill.at_kill - kill.left, kill.at_kill
    match kill.phase:
        case KillPhase.KILLING:
            words = f"{kill.left} orders" if kill.left else "proving that nothing rests"
            return Progress(f"KILLING {words}, {gone}/{whole} gone", Ink.ALARM, gone, whole)
        case KillPhase.KILLED:
            return Progress(f"KILLED {gone}/{whole} {clock(kill.wall)}", Ink.ALARM)
        case KillPhase.INCOMPLETE:
            where = ", ".join(VENUES[venue] for venue in kill.unproven)
            unproven = f" not proven: {where}" if where else ""
            return Progress(f"KILL INCOMPLETE {gone}/{whole}{unproven}", Ink.ALARM, gone, whole)


def of_flatten(match: MatchView) -> Progress:
    """Contracts sold of those to be sold."""
    way = match.flatten
    assert way is not None, "only a match that is being flattened has a way to go"
    gone = max(0, way.open - way.left)
    words = f"FLATTENING {shorten(match.title, 16)} {contracts(gone)}/{contracts(way.open)}"
    return Progress(f"{words} not below {exact_price(way.floor)}", Ink.RISK, gone // ONE, way.open // ONE)


def of_start(view: View) -> Progress | None:
    """Venues, books and matches that are ready, while a young run still waits for some of them."""
    if view.wall - view.started_wall > START_S * SECOND or not view.venues or view.paused or view.gated:
        return None
    venues = sum(venue.up and not venue.halt for venue in view.venues)
    waiting = [match for match in view.matches if _waits(match)]
    if venues == len(view.venues) and not waiting:
        return None
    total = len(view.matches)
    books = total - sum(match.reason in BOOK_STALE for match in waiting)
    ready = total - len(waiting)
    words = f"STARTING venues {venues}/{len(view.venues)}"
    if total:
        words += f" books {books}/{total} ready {ready}/{total}"
    return Progress(words, Ink.CALM, venues + books + ready, len(view.venues) + 2 * total)


def _waits(match: MatchView) -> bool:
    """Not ready by itself yet: for data, or for a venue that is not up or not reconciled."""
    return match.state in (State.INIT, State.WAIT_DATA) or match.reason in (
        Reason.VENUE_DOWN,
        Reason.RECONCILING,
    )


def spans_of(now: Progress) -> list[Span]:
    """The words and, where there are steps to count, a bar."""
    spans = [Span(f" {now.words} ", now.ink)]
    if now.whole > 0:
        bar = gauge(now.done, now.whole, BAR)
        spans.append(Span(bar.replace(" ", "░"), Ink.WARN if now.ink is not Ink.CALM else Ink.BAR))
    return spans
