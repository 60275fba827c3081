from __future__ import annotations

import msgspec
import pytest

from console.core.events import Mode
from console.core.instruments import Venue
from console.core.reasons import Reason
from console.core.units import Cash
from console.core.view import KillPhase, View
from console.link.messages import Role, Welcome
from console.tui.ink import Ink
from console.tui.keybar import key_line, useless, wanted
from console.tui.picture import Picture, Terminal
from console.tui.sheet import Line
from console.tui.status import badge_line, money_line
from console.tui.taste import Odds
from tests.tui.views import WALL, empty, killed, venue_view, view, welcome


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
    venues = (*shown.venues, venue_view(Venue.PROPHETX, "", 0, None))
    assert "free -" in text(money_line(picture(msgspec.structs.replace(shown, venues=venues)), 200))
    assert "free 5,462.50" in text(money_line(picture(), 200))


def test_rejects_stand_out() -> None:
    assert ink_of(money_line(picture(), 200), "rej 1") is Ink.NOTICE


def test_badges_carry_their_state_in_shape_and_word() -> None:
    line = text(badge_line(picture(), 200))
    assert "● engine <1s" in line
    assert "● tty 44ms" in line
    assert "● kalshi <1s  ● poly 1.2s" in line
    assert "◐ prophet RECONCILING" in line
    assert "2 STALE" in line
    assert "○ kalshi DOWN no route" in text(badge_line(picture(empty()), 120))


def test_little_room_shows_ages_of_what_is_not_well_only() -> None:
    shown = view()
    slow = (venue_view(Venue.KALSHI, stream=4_200), *shown.venues[1:])
    line = text(badge_line(picture(msgspec.structs.replace(shown, venues=slow)), 80))
    assert "● engine  ● tty 44ms  2 STALE  ◐ kalshi 4.2s  ● poly  ◐ prophet RECONCILING" in line


def test_write_budget_is_told_when_it_runs_low() -> None:
    shown = view()
    low = (venue_view(Venue.KALSHI, tokens=20), *shown.venues[1:])
    assert "kalshi 20/100 writes" in text(
        badge_line(picture(msgspec.structs.replace(shown, venues=low)), 200)
    )


def test_alerts_are_counted_until_they_are_looked_at() -> None:
    shown = view()
    assert "2 alerts [0]" in text(badge_line(picture(), 200))
    assert "1 alert [0]" in text(badge_line(picture(), 200, seen=shown.log[3].wall))
    assert "alert" not in text(badge_line(picture(), 200, seen=shown.log[0].wall))


def test_matches_that_wait_for_a_person_are_counted_loudest() -> None:
    shown = view()
    matches = tuple(
        msgspec.structs.replace(match, reason=reason)
        for match, reason in zip(shown.matches, (Reason.MISMATCH, Reason.MISMATCH, Reason.TOP), strict=False)
    )
    line = badge_line(picture(msgspec.structs.replace(shown, matches=matches)), 200)
    assert ink_of(line, "2 MISMATCH") is Ink.ALARM
    mixed = (msgspec.structs.replace(matches[0], reason=Reason.LOSS), *matches[1:])
    assert "2 NEED YOU" in text(badge_line(picture(msgspec.structs.replace(shown, matches=mixed)), 200))


def test_start_gate_is_said_on_top() -> None:
    line = money_line(picture(msgspec.structs.replace(view(), gated=True)), 120)
    assert ink_of(line, "WAITS FOR THE START GATE") is Ink.RISK


def test_odds_and_a_spared_line_are_said_with_their_keys() -> None:
    shown = msgspec.structs.replace(picture(), odds=Odds.AMERICAN, low=True)
    line = text(badge_line(shown, 200))
    assert "american odds [o]" in line
    assert "LOW WIRE [w]" in line
    assert text(money_line(shown, 120)).rstrip().endswith("21:04Z")  # seconds would cost a line a second


def test_feeds_are_told_with_their_credits_where_there_is_room() -> None:
    line = text(badge_line(picture(), 200))
    assert "● the odds api 412 credits" in line
    assert "○ oddspapi DOWN" in line


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


def test_key_bar_shows_first_what_is_wanted_now() -> None:
    shown = picture(killed())
    line = text(key_line(80, wanted(shown, 1), useless(shown)))
    assert "^K KILL  R re-arm  a add" in line
    calm = picture()
    assert "R re-arm" not in text(key_line(200, wanted(calm, 1), useless(calm)))
    assert "D dry/live" not in text(key_line(200, wanted(calm, 1), useless(calm)))
    live = picture(msgspec.structs.replace(view(), mode=Mode.LIVE))
    assert "D dry/live" in text(key_line(200, wanted(live, 1), useless(live)))
    assert "^K KILL  b book  m centre" in text(key_line(80, wanted(calm, 2), useless(calm)))


def test_money_beyond_its_width_is_cut_short_not_wrong() -> None:
    rich = msgspec.structs.replace(view().pnl, net=Cash(123_456_789_120_000))
    assert "+123,456k net" in text(money_line(picture(msgspec.structs.replace(view(), pnl=rich)), 80))


def troubled() -> Picture:
    shown = view()
    venues = (
        venue_view(Venue.KALSHI, "MISMATCH KXATP-ALC: 10 there, 0 here"),
        venue_view(Venue.POLYMARKET, stream=21_000),
        venue_view(Venue.PROPHETX, "down: no route to host", -1, None, up=False, offset=None),
    )
    matches = (msgspec.structs.replace(shown.matches[0], reason=Reason.LOSS), *shown.matches[1:])
    return picture(msgspec.structs.replace(shown, venues=venues, matches=matches))


def test_every_venue_in_trouble_is_named_at_every_width() -> None:
    for width in (80, 100, 120, 200):
        line = text(badge_line(troubled(), width))[:width]
        assert "1 NEED YOU" in line
        assert "◐ kalshi MISMATCH" in line
        assert "○ poly 21s" in line
        assert "○ prophet DOWN" in line
    assert "MISMATCH KXATP-ALC: 10 there, 0 here" in text(badge_line(troubled(), 200))
    assert "DOWN no route to host" in text(badge_line(troubled(), 200))
    bare = text(badge_line(troubled(), 70))[:70]
    assert "◐ kalshi  ○ poly 21s  ○ prophet" in bare


def test_two_badges_are_never_one_block_of_colour() -> None:
    spans = badge_line(troubled(), 120).spans
    loud = [span.text for span in spans if span.ink is Ink.ALARM]
    assert loud[1:] == ["◐ kalshi MISMATCH", "○ poly 21s", "○ prophet DOWN"]


def test_what_is_wrong_comes_before_the_clock_and_is_cut_only_with_an_ellipsis() -> None:
    shown = msgspec.structs.replace(view(), paused="by the operator", stopping="console lost")
    line = text(money_line(picture(shown), 80))
    assert "STOPPING: console lost · 34 orders left   PAUSED: by the operator" in line
    assert len(line) == 80
    assert "21:0" not in line
    narrow = text(money_line(picture(shown), 60))
    assert len(narrow) == 60
    assert "…" in narrow


def test_the_narrowest_line_still_names_the_venue_in_trouble() -> None:
    line = text(badge_line(picture(), 40))[:40]
    assert "◐ prophet" in line
    assert "2 STALE" in line
