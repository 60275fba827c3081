"""What needs a person comes first, and nothing jumps about while nothing happens."""

from __future__ import annotations

import msgspec

from console.core.matches import State
from console.core.reasons import Reason
from console.core.units import ONE, Nanos
from console.tui.attention import Need, need, urgency
from tests.tui.sketches import SKETCHES, Sketch, match_view


def sketch(reason: Reason, exposure: int = 0, title: str = "A v B", start_min: int = 90):
    return match_view(Sketch(title, ("A", "B"), 50.0, exposure=exposure, reason=reason, start_min=start_min))


def test_who_waits_for_a_person_stands_above_trouble_limits_quotes_and_the_rest() -> None:
    reasons = [Reason.DONE, Reason.WARM_UP, Reason.TOP, Reason.LIMIT, Reason.STALE_BOOK, Reason.MISMATCH]
    ranked = sorted((sketch(reason) for reason in reasons), key=urgency)
    assert [match.reason for match in ranked] == [
        Reason.MISMATCH,
        Reason.STALE_BOOK,
        Reason.LIMIT,
        Reason.TOP,
        Reason.WARM_UP,
        Reason.DONE,
    ]


def test_matches_that_are_quoted_stand_by_their_start_whatever_their_quotes_do() -> None:
    soon, late = sketch(Reason.STICKY, title="Z", start_min=5), sketch(Reason.TOP, title="A", start_min=50)
    assert urgency(soon) < urgency(late)
    for reason in (Reason.TOP, Reason.JOINED, Reason.OUTBID, Reason.RETESTING, Reason.WAITING):
        assert urgency(msgspec.structs.replace(soon, reason=reason)) == urgency(soon)


def test_no_start_time_comes_after_every_start_time() -> None:
    never = msgspec.structs.replace(sketch(Reason.TOP), start=Nanos(0))
    assert urgency(sketch(Reason.TOP, start_min=5_000)) < urgency(never)


def test_a_full_inventory_and_one_that_nothing_looks_after_need_a_look() -> None:
    assert need(sketch(Reason.TOP, exposure=179)) is Need.QUOTED
    assert need(sketch(Reason.TOP, exposure=-180)) is Need.LIMITED  # nine tenths of 200
    assert need(sketch(Reason.PAUSED)) is Need.STANDING
    assert need(sketch(Reason.PAUSED, exposure=1)) is Need.LIMITED


def test_every_sketch_has_its_place() -> None:
    titles = [match.title for match in sorted(map(match_view, SKETCHES), key=urgency)]
    assert titles[:3] == ["Heat @ Nuggets", "Yankees @ Red Sox", "G2 v T1"]
    assert titles[-1] == "Sinner v Sabalenka"
    assert match_view(SKETCHES[3]).state is State.PAUSED
    assert match_view(SKETCHES[3]).inventory_max == 200 * ONE
