"""What is decided by time alone: pings, pace, bell, silence, and the answer to a kill."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest

from console.core.commands import Severity
from console.core.matches import MatchId
from console.core.units import Cash, Nanos
from console.core.view import LimitView, LogLine, View
from console.tui.alarm import Alarm
from console.tui.killswitch import KillSwitch
from console.tui.pace import Pace, period_s
from console.tui.picture import Picture, Pulse, Terminal
from console.tui.ping import Ping
from tests.tui.fakes import FakeEngine
from tests.tui.views import killed, view, welcome


def test_paint_waits_for_the_answer_of_the_terminal() -> None:
    ping = Ping()
    ping.asked(1.0)
    ping.answered(1.3)
    assert ping.rtt_ms == 300
    ping.asked(2.0)
    assert not ping.may_paint(2.2)
    assert not ping.wanted(2.2)
    ping.answered(2.4)
    assert ping.may_paint(2.4)


def test_silent_terminal_is_given_up_after_ten_seconds_but_not_forgotten() -> None:
    ping = Ping()
    ping.asked(0.0)
    ping.answered(0.1)
    ping.asked(1.0)
    assert not ping.may_paint(10.9)
    assert ping.may_paint(11.1)
    ping.asked(11.1)
    assert ping.silent_ms(13.0) == 12_000
    ping.answered(13.0)
    assert ping.silent_ms(14.0) == 0


def test_terminal_that_never_answers_is_painted_once_a_second_and_proven_by_keys() -> None:
    ping = Ping()
    ping.asked(0.0)
    assert not ping.may_paint(0.9)
    assert ping.may_paint(1.1)
    assert ping.silent_ms(5.0) == 5_000
    ping.heard()
    assert ping.silent_ms(5.1) == 0


def test_terminal_that_answers_is_not_proven_by_keys() -> None:
    ping = Ping()
    ping.asked(0.0)
    ping.answered(0.1)
    ping.asked(1.0)
    ping.heard()
    assert ping.silent_ms(3.0) == 2_000


def test_idle_screen_asks_once_a_second() -> None:
    ping = Ping()
    ping.asked(0.0)
    ping.answered(0.1)
    assert not ping.due(0.9)
    assert ping.due(1.0)
    ping.enabled = False
    assert not ping.due(2.0)


@pytest.mark.parametrize(
    ("rtt_s", "ladder", "period"),
    [(None, False, 0.25), (0.04, False, 0.25), (0.04, True, 0.1), (0.2, True, 0.25), (0.9, True, 0.75)],
)
def test_pace_follows_the_terminal(rtt_s: float | None, ladder: bool, period: float) -> None:
    assert period_s(rtt_s, ladder) == period


def test_fresh_view_may_come_early_and_an_old_one_waits() -> None:
    pace = Pace()
    pace.painted(10.0)
    assert not pace.due(10.15, fresh=True, period=0.25)
    assert pace.due(10.21, fresh=True, period=0.25)
    assert not pace.due(10.30, fresh=False, period=0.25)
    assert pace.due(10.32, fresh=False, period=0.25)


def test_screen_behind_a_dialog_is_painted_once_a_second() -> None:
    assert period_s(0.04, ladder_focused=True, covered=True) == 1.0


def test_only_an_engine_clock_that_moves_is_a_sign_of_life() -> None:
    pulse = Pulse(100.0)
    assert pulse.age_ms(None, 102.0) == 2_000
    first = view(ts=5)
    assert pulse.age_ms(first, 103.0) == 0
    again = msgspec.structs.replace(first, rejects=7)  # another frame of an engine that stands still
    assert pulse.age_ms(again, 105.0) == 2_000
    assert pulse.age_ms(view(ts=6), 105.1) == 0


def picture(shown: View, age_ms: int = 0) -> Picture:
    return Picture(
        view=shown,
        welcome=welcome(),
        closed="",
        age_ms=age_ms,
        wall=Nanos(0),
        terminal=Terminal(),
        selected=shown.matches[0].id,
    )


def test_bell_rings_when_a_kill_a_silence_or_a_limit_begins() -> None:
    over = (LimitView("daily loss", Cash(50), Cash(50)),)
    for loud in (
        picture(killed()),
        picture(view(), age_ms=2_000),
        picture(msgspec.structs.replace(view(), limits=over)),
    ):
        alarm = Alarm()
        assert not alarm.rings(picture(view()), 0.0)
        assert alarm.rings(loud, 1.0)
        assert not alarm.rings(loud, 2.0)


def test_bell_rings_at_most_every_ten_seconds_and_can_be_muted() -> None:
    alarm = Alarm()
    assert alarm.rings(picture(killed()), 0.0)
    assert not alarm.rings(picture(view()), 1.0)
    assert not alarm.rings(picture(killed()), 2.0)
    assert not Alarm(enabled=False).rings(picture(killed()), 0.0)


def test_bell_rings_for_an_error_of_the_engine_but_not_for_those_of_before() -> None:
    alarm, shown = Alarm(), view()
    assert not alarm.rings(picture(shown), 0.0)  # an error stands in its log already
    worse = LogLine(Nanos(shown.wall + 1), Severity.ERROR, MatchId(""), "fill reversed: it failed to settle")
    later = msgspec.structs.replace(shown, log=(worse, *shown.log))
    assert alarm.rings(picture(later), 20.0)
    assert not alarm.rings(picture(later), 40.0)


def wait_for_the_check(switch: KillSwitch) -> None:
    deadline = time.monotonic() + 3
    while any(isinstance(thread, threading.Timer) for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_kill_without_an_answer_is_counted_once() -> None:
    engine = FakeEngine()
    switch = KillSwitch(engine)
    switch.press()
    switch.press()
    assert len(engine.kills) == 2
    wait_for_the_check(switch)
    assert switch.unanswered == 1


def test_kill_that_is_answered_is_not_counted() -> None:
    engine = FakeEngine()
    switch = KillSwitch(engine)
    switch.press()
    engine.view = killed()
    wait_for_the_check(switch)
    assert switch.unanswered == 0


def test_last_view_of_a_lost_engine_is_no_answer() -> None:
    engine = FakeEngine(killed())
    engine.closed = "connection reset"
    switch = KillSwitch(engine)
    switch.press()
    wait_for_the_check(switch)
    assert switch.unanswered == 1
