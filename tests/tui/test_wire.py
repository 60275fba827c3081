"""A slow line is noticed, spared, and trusted again only after a while."""

from __future__ import annotations

import msgspec
import pytest

from console.tui.glow import Glows
from console.tui.ink import Glow
from console.tui.pace import COVERED_S, NORMAL_S, period_s
from console.tui.picture import Picture
from console.tui.plot import plot
from console.tui.taste import Wire
from console.tui.wire import CALM_S, DROPPED_S, WireWatch, spared
from tests.tui.test_status import picture


def heard(watch: WireWatch, *trips: float, start: float = 0.0) -> float:
    """One round trip a second."""
    for number, trip in enumerate(trips):
        watch.heard(trip, 0, start + number)
    return start + len(trips)


def test_one_slow_answer_is_no_slow_line() -> None:
    watch = WireWatch()
    heard(watch, 0.03, 0.9, 0.03, 0.9, 0.03)
    assert not watch.slow


def test_answers_that_stay_slow_are() -> None:
    watch = WireWatch()
    now = heard(watch, 0.6, 0.7, 0.5, 0.6, 0.6)
    assert watch.slow
    now = heard(watch, *[0.05] * int(DROPPED_S + CALM_S - 2), start=now)
    assert watch.slow  # not trusted yet
    heard(watch, *[0.05] * 8, start=now)
    assert not watch.slow


def test_quick_and_slow_by_turns_stays_spared() -> None:
    watch = WireWatch()
    now = heard(watch, *[0.6] * 5)
    for _ in range(6):
        now = heard(watch, *[0.05] * 8, start=now)
        now = heard(watch, *[0.6] * 5, start=now)
    assert watch.slow


def test_dropped_frame_is_proof_enough() -> None:
    watch = WireWatch()
    watch.heard(None, 0, 1.0)
    assert not watch.slow
    watch.heard(None, 3, 2.0)
    assert watch.slow


@pytest.mark.parametrize(
    ("wire", "slow", "low"),
    [
        (Wire.AUTO, False, False),
        (Wire.AUTO, True, True),
        (Wire.FULL, True, False),
        (Wire.LOW, False, True),
    ],
)
def test_operator_has_the_last_word(wire: Wire, slow: bool, low: bool) -> None:
    watch = WireWatch()
    if slow:
        watch.heard(None, 1, 1.0)
    assert spared(wire, watch) is low


def test_spared_line_gets_a_frame_a_second() -> None:
    assert period_s(0.02, ladder_focused=True, low=True) == COVERED_S
    assert period_s(0.2, ladder_focused=False) == NORMAL_S


# ---- what lights up


def at(now_ms: int, lively: bool = True) -> Picture:
    return msgspec.structs.replace(picture(), now_ms=now_ms, lively=lively)


def test_change_lights_up_and_fades() -> None:
    glows = Glows()
    seen = [
        glows.of("pnl", value, at(now))
        for value, now in (("+1", 0), ("+1", 250), ("+2", 500), ("+2", 750), ("+2", 1_000), ("+2", 1_250))
    ]
    assert seen == [Glow.NONE, Glow.NONE, Glow.FRESH, Glow.FRESH, Glow.FADING, Glow.NONE]


def test_nothing_lights_up_on_a_spared_line_nor_all_at_once_afterwards() -> None:
    glows = Glows()
    glows.of("pnl", "+1", at(0))
    assert glows.of("pnl", "+2", at(250, lively=False)) is Glow.NONE
    assert glows.of("pnl", "+3", at(500)) is Glow.NONE
    assert glows.of("pnl", "+4", at(750)) is Glow.FRESH


# ---- curve


def test_plot_draws_from_the_left_top_to_the_right_bottom() -> None:
    lines, zero = plot([4, 3, 2, 1, 0, -1, -2, -3], 4, 2)
    assert len(lines) == 2
    assert zero == 1
    assert lines[0][0] != " "
    assert lines[1][-1] != " "
    assert lines[1][0] == " "


def test_plot_of_a_young_day_takes_the_whole_width() -> None:
    lines, zero = plot([5, 5], 10, 3)
    assert lines[0] == "\N{BRAILLE PATTERN DOTS-14}" * 10
    assert zero == 2
    assert plot([], 10, 3) == ([], None)
    assert plot([0, 0, 0], 10, 2)[1] == 0


def test_plot_keeps_both_ends_of_a_long_day() -> None:
    lines, _ = plot(list(range(1_000)), 20, 4)
    assert lines[0][-1] != " "
    assert lines[-1][0] != " "
    assert {len(line) for line in lines} == {20}
