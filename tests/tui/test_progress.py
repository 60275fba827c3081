"""What is under way on the first line: kill, stop, flatten, start; one at a time, the most urgent."""

from __future__ import annotations

import msgspec

from console.core.matches import State
from console.core.reasons import Reason
from console.core.units import ONE, SECOND, Nanos, Size
from console.core.view import FlattenView, KillPhase
from console.tui.ink import Ink
from console.tui.progress import Progress, progress, spans_of
from tests.tui.views import WALL, cents, killed, view


def young(**changes: object):
    return msgspec.structs.replace(view(), started_wall=Nanos(WALL - 5 * SECOND), **changes)


def words(now: Progress | None) -> str:
    return "" if now is None else "".join(span.text for span in spans_of(now)).strip()


def test_kill_counts_what_is_gone_and_stands_only_when_all_of_it_is_proven() -> None:
    assert words(progress(killed(KillPhase.KILLING, 7))) == "KILLING 7 orders, 35/42 gone ████████▎░"
    assert words(progress(killed())) == "KILLED 42/42 21:04:56"
    incomplete = progress(killed(KillPhase.INCOMPLETE, 2))
    assert words(incomplete) == "KILL INCOMPLETE 40/42 not proven: kalshi █████████▌"
    assert incomplete is not None
    assert incomplete.ink is Ink.ALARM


def test_kill_with_nothing_left_is_being_proven() -> None:
    now = words(progress(killed(KillPhase.KILLING, 0)))
    assert now == "KILLING proving that nothing rests, 42/42 gone ██████████"


def test_kill_comes_before_everything_else() -> None:
    busy = msgspec.structs.replace(killed(), stopping="operator")
    assert words(progress(busy)).startswith("KILLED")
    stopping = msgspec.structs.replace(flattening(30), stopping="operator", orders_open=3)
    assert words(progress(stopping)) == "STOPPING: operator · 3 orders left"


def flattening(left: int):
    shown = view()
    way = FlattenView(cents(45), Size(120 * ONE), Size(left * ONE), 4)
    first = msgspec.structs.replace(
        shown.matches[0], flatten=way, state=State.FLATTENING, reason=Reason.FLATTENING
    )
    return msgspec.structs.replace(shown, matches=(first, *shown.matches[1:]))


def test_flatten_counts_contracts() -> None:
    assert words(
        progress(flattening(30))
    ) == "FLATTENING Alcaraz-Sinner 90/120 not below 45¢ ███████▌░░".replace(
        "Alcaraz-Sinner", "Alcaraz v Sinner"
    )


def test_young_run_counts_venues_books_and_matches_that_are_ready() -> None:
    assert words(progress(young())) == "STARTING venues 2/3 books 12/12 ready 11/12 █████████▎"
    shown = view()
    waiting = tuple(
        msgspec.structs.replace(match, state=State.WAIT_DATA, reason=Reason.NO_BOOK)
        for match in shown.matches
    )
    assert words(progress(young(matches=waiting))).startswith("STARTING venues 2/3 books 0/12 ready 0/12")


def test_matches_of_a_venue_that_is_not_up_are_not_ready() -> None:
    down = tuple(
        msgspec.structs.replace(match, state=State.PAUSED, reason=Reason.VENUE_DOWN)
        for match in view().matches
    )
    assert words(progress(young(matches=down))).startswith("STARTING venues 2/3 books 0/12 ready 0/12")


def test_old_run_and_one_in_which_all_is_ready_start_no_more() -> None:
    assert progress(view()) is None
    shown = view()
    fine = tuple(msgspec.structs.replace(venue, halt="") for venue in shown.venues)
    ready = tuple(m for m in shown.matches if m.state is State.QUOTING)
    assert progress(young(venues=fine, matches=ready)) is None


def test_paused_and_gated_runs_say_that_instead() -> None:
    assert progress(young(paused="by the operator")) is None
    assert progress(young(gated=True)) is None
