from __future__ import annotations

import msgspec
import pytest

from console.core.events import Mode
from console.core.instruments import Venue
from console.core.units import Cash
from console.core.view import KillPhase, VenueView, View
from console.link.messages import Role, Welcome
from console.tui.ink import Ink
from console.tui.keybar import key_line
from console.tui.picture import Picture, Terminal
from console.tui.sheet import Line
from console.tui.status import badge_line, money_line
from tests.tui.views import WALL, empty, killed, view, welcome


def picture(
    shown: View | None = None,
    granted: Welcome | None = None,
    closed: str = "",
    age_ms: int = 100,
    terminal: Terminal | None = None,
) -> Picture:
    return Picture(
        view=shown or view(),
        welcome=granted or welcome(),
        closed=closed,
        age_ms=age_ms,
        wall=WALL,
        terminal=terminal or Terminal(44, 0),
        selected=view().matches[0].id,
    )


def text(line: Line) -> str:
    return "".join(span.text for span in line.spans)


def ink_of(line: Line, words: str) -> Ink:
    return next(span.ink for span in line.spans if words in span.text)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_mode_comes_first_and_the_clock_last_at_every_width(width: int) -> None:
    line = text(money_line(picture(), width))
    assert line.startswith(" PAPER ")
    assert line.endswith("21:04:59Z ")
    assert len(line) == width


@pytest.mark.parametrize(
    ("mode", "dry_run", "word"),
    [
        (Mode.SIM, True, "SIM"),
        (Mode.LIVE, True, "DRY"),
        (Mode.LIVE, False, "LIVE"),
        (Mode.DEMO, True, "DRY"),
        (Mode.REPLAY, False, "REPLAY"),
    ],
)
def test_mode_is_a_word(mode: Mode, dry_run: bool, word: str) -> None:
    shown = msgspec.structs.replace(view(), mode=mode)
    assert text(money_line(picture(shown, welcome(mode=mode, dry_run=dry_run)), 80)).startswith(f" {word} ")


@pytest.mark.parametrize(
    ("phase", "left", "words"),
    [
        (KillPhase.KILLING, 2, "KILLING 2 orders, 40/42 gone"),
        (KillPhase.KILLED, 0, "KILLED 42/42 21:04:56"),
        (KillPhase.INCOMPLETE, 2, "KILL INCOMPLETE 40/42 not proven: kalshi"),
    ],
)
def test_kill_says_what_is_proven(phase: KillPhase, left: int, words: str) -> None:
    line = money_line(picture(killed(phase, left)), 80)
    assert words in text(line)
    assert ink_of(line, words) is Ink.ALARM


def test_silent_engine_is_the_first_thing_said() -> None:
    line = money_line(picture(age_ms=3_200), 80)
    assert text(line).startswith(" PAPER   ENGINE SILENT 3.2s · FROZEN ")
    assert ink_of(line, "SILENT") is Ink.ALARM
    assert "○ engine 3.2s" in text(badge_line(picture(age_ms=3_200), 80))


def test_lost_line_says_why() -> None:
    assert "ENGINE GONE: connection reset · FROZEN" in text(
        money_line(picture(closed="connection reset"), 80)
    )


def test_silence_and_kill_are_both_readable_at_80_columns() -> None:
    line = text(money_line(picture(killed(KillPhase.INCOMPLETE, 2), age_ms=3_200), 80))
    assert "ENGINE SILENT 3.2s" in line[:80]
    assert "KILL INCOMPLETE 40/42 not proven: kalshi" in line[:80]


def test_pause_and_stop_say_why() -> None:
    shown = msgspec.structs.replace(view(), paused="by the operator", stopping="console lost")
    line = text(money_line(picture(shown), 120))
    assert "STOPPING: console lost" in line
    assert "PAUSED: by the operator" in line


def test_unknown_is_never_zero() -> None:
    line = text(money_line(picture(empty()), 200))
    assert "day -" in line
    assert "dd -" in line
    assert "free -" in line


def test_free_cash_is_unknown_when_one_venue_is() -> None:
    shown = view()
    venues = (*shown.venues, VenueView(Venue.PROPHETX, True, "", 0, None, 0, 0, 0, None, False))
    assert "free -" in text(money_line(picture(msgspec.structs.replace(shown, venues=venues)), 200))
    assert "free 5,462.50" in text(money_line(picture(), 200))


def test_rejects_stand_out() -> None:
    assert ink_of(money_line(picture(), 200), "rej 1") is Ink.WARN


def test_badges_carry_their_state_in_shape_and_word() -> None:
    line = text(badge_line(picture(), 200))
    assert "● engine 0.1s" in line
    assert "● tty 44ms" in line
    assert "● kalshi 0.4s 92/100" in line
    assert "◐ prophet RECONCILING" in line
    assert "2 STALE" in line
    assert "○ kalshi DOWN no route" in text(badge_line(picture(empty()), 120))


def test_silent_terminal_is_an_alarm() -> None:
    line = badge_line(picture(terminal=Terminal(44, 5_000)), 120)
    assert ink_of(line, "tty silent 5.0s") is Ink.ALARM


def test_terminal_that_has_not_answered_yet_is_unknown() -> None:
    assert "tty ?" in text(badge_line(picture(terminal=Terminal()), 120))


def test_viewer_is_told_so() -> None:
    assert "READ-ONLY" in text(badge_line(picture(granted=welcome(role=Role.VIEW)), 120))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_key_bar_begins_with_kill_and_ends_with_help(width: int) -> None:
    line = text(key_line(width))
    assert line.startswith("  ^K KILL ")
    assert line.rstrip().endswith("? help")
    assert len(line) <= width


def test_money_beyond_its_width_is_cut_short_not_wrong() -> None:
    rich = msgspec.structs.replace(view().pnl, net=Cash(123_456_789_120_000))
    assert "+123,456k net" in text(money_line(picture(msgspec.structs.replace(view(), pnl=rich)), 80))
