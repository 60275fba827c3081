"""Every key of the main screen, pressed."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Input

from console.core.commands import Severity
from console.core.events import CancelMatch, Mode, Pause, Resume
from console.core.matches import MatchId
from console.core.units import Nanos
from console.core.view import LogLine, View
from console.link.messages import Role, Watch
from console.tui.keys import DESK_KEYS
from tests.tui.fakes import FakeEngine
from tests.tui.stage import in_loop, on_stage
from tests.tui.views import killed, many, view, welcome

FIRST, SECOND = MatchId("alcaraz-v-sinner"), MatchId("real-madrid-v-barcelona")


def cursor_row(text: str, pane: str) -> str:
    """The row under the cursor of a pane that fills the screen."""
    lines = text.split("\n")
    top = next(index for index, line in enumerate(lines) if f" {pane}" in line and "━" in line)
    return next(line for line in lines[top:] if line.startswith("▌"))


@pytest.mark.parametrize("number", range(10))
@in_loop
async def test_digits_go_to_panes(number: int) -> None:
    async with on_stage(size=(80, 24)) as stage:
        await stage.press(str(number))
        assert stage.app.desk.focused_pane.content.number == number
        assert stage.app.desk.focused_pane.display


@in_loop
async def test_tab_goes_round_the_panes_on_the_screen() -> None:
    async with on_stage(size=(120, 40)) as stage:
        seen = []
        for _ in range(6):
            seen.append(stage.app.desk.focused_pane.content.number)
            await stage.press("tab")
        assert seen == [1, 2, 3, 4, 5, 1]
        await stage.press("shift+tab", "shift+tab")
        assert stage.app.desk.focused_pane.content.number == 5


@in_loop
async def test_brackets_turn_the_tabs_of_the_lower_area() -> None:
    async with on_stage(size=(80, 24)) as stage:
        seen = []
        for _ in range(8):
            await stage.press("right_square_bracket")
            seen.append(stage.app.desk.focused_pane.content.number)
        assert seen == [6, 7, 3, 4, 8, 9, 0, 5]
        await stage.press("left_square_bracket")
        assert stage.app.desk.focused_pane.content.number == 0


@in_loop
async def test_brackets_turn_the_panes_that_share_a_place_with_this_one() -> None:
    async with on_stage(size=(120, 40)) as stage:
        await stage.press("3", "right_square_bracket")
        assert stage.app.desk.focused_pane.content.number == 8
        await stage.press("right_square_bracket")
        assert stage.app.desk.focused_pane.content.number == 3
        await stage.press("5", "left_square_bracket")
        assert stage.app.desk.focused_pane.content.number == 9


@in_loop
async def test_b_turns_the_books_of_the_ladder_from_anywhere() -> None:
    async with on_stage() as stage:
        await stage.press("b")
        assert "2 Ladder 2/3 Sinner kalshi" in stage.text
        await stage.press("b")
        assert "2 Ladder 3/3 Alcaraz poly" in stage.text
        assert "62.1 " in stage.text  # a tenth-cent book shows its tenths
        await stage.press("B", "B", "B")
        assert "2 Ladder 3/3 Alcaraz poly" in stage.text


@in_loop
async def test_zoom_and_back() -> None:
    async with on_stage() as stage:
        await stage.press("5", "z")
        assert "Matches" not in stage.text
        assert "5 Orders" in stage.text
        await stage.press("6")
        assert "6 Fills" in stage.text
        await stage.press("escape")
        assert "1 Matches" in stage.text


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (("j",), "Real"),
        (("down", "down"), "Navi"),
        (("j", "j", "k"), "Real"),
        (("down", "up"), "Alca"),
        (("G",), "Sent"),
        (("end", "g"), "Alca"),
        (("end", "home"), "Alca"),
        (("pagedown",), "Sent"),
        (("ctrl+d", "pageup"), "Alca"),
        (("G", "ctrl+u"), "Alca"),
        (("k",), "Alca"),
    ],
)
@in_loop
async def test_cursor_keys_move(keys: tuple[str, ...], row: str) -> None:
    async with on_stage(size=(120, 40)) as stage:
        await stage.press(*keys)
        assert cursor_row(stage.text, "Matches").startswith(f"▌{row}")


@in_loop
async def test_long_list_scrolls_with_its_cursor_and_says_where_it_is() -> None:
    async with on_stage(FakeEngine(many(50)), (120, 40)) as stage:
        assert "1 Matches 1-18 of 50" in stage.text
        await stage.press("G")
        assert "1 Matches 33-50 of 50" in stage.text


@in_loop
async def test_enter_lets_the_ladder_follow() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        assert engine.sent == [Watch(match=FIRST)]
        await stage.press("j", "enter")
        assert engine.sent[-1] == Watch(match=SECOND)
        await stage.press("5", "enter")
        assert engine.sent[-1] == Watch(match=FIRST)


@in_loop
async def test_close_up_follows_the_cursor_once_it_rests() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("j", "j", "k")
        assert engine.sent == [Watch(match=FIRST)]
        await stage.later(0.4)
        assert engine.sent == [Watch(match=FIRST), Watch(match=SECOND)]
        await stage.later(5)
        assert len(engine.sent) == 2


@in_loop
async def test_watch_is_sent_again_when_the_line_was_opened_anew() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("j", "enter")
        engine.welcome = welcome()
        await stage.settle()
        assert engine.sent == [Watch(match=FIRST), Watch(match=SECOND), Watch(match=SECOND)]


@in_loop
async def test_filter_as_one_types_then_hits_then_clear() -> None:
    async with on_stage() as stage:
        await stage.press("slash", "A", "l", "c")
        assert "1 Matches 2/12 · filter: Alc" in stage.text
        await stage.press("enter", "n")
        assert cursor_row(stage.text, "Matches").startswith("▌Djok")
        await stage.press("n")
        assert cursor_row(stage.text, "Matches").startswith("▌Alca")
        await stage.press("N")
        assert cursor_row(stage.text, "Matches").startswith("▌Djok")
        await stage.press("escape")
        assert "1 Matches 12 " in stage.text


@in_loop
async def test_leaving_the_filter_by_tab_gives_the_key_bar_back() -> None:
    async with on_stage() as stage:
        await stage.press("slash", "a", "tab")
        assert "filter: a" in stage.text
        assert stage.text.rstrip().endswith("? help")


@in_loop
async def test_inverse_filter_and_a_filter_without_hits() -> None:
    async with on_stage() as stage:
        await stage.press("slash", "exclamation_mark", "v")
        assert "filter: !v" in stage.text
        await stage.press("escape", "slash", "q", "q")
        assert "nothing matches 'qq'" in stage.text


@in_loop
async def test_filter_finds_reasons_too() -> None:
    async with on_stage() as stage:
        await stage.press("slash", *"stale")
        assert "1 Matches 1/12" in stage.text


@in_loop
async def test_sort_by_column_and_turned_round() -> None:
    async with on_stage() as stage:
        await stage.press("s")
        assert "· sort: needs you▴" in stage.text
        assert cursor_row(stage.text, "Matches").startswith("▌Alca")  # the cursor stays on its match
        await stage.press("g")
        assert cursor_row(stage.text, "Matches").startswith("▌Heat")
        await stage.press("s")
        assert "· sort: match▴" in stage.text
        assert "match▴" in stage.text
        await stage.press("S")
        assert "· sort: match▾" in stage.text
        await stage.press("g")
        assert cursor_row(stage.text, "Matches").startswith("▌Yank")


@in_loop
async def test_copy_puts_the_row_on_the_clipboard() -> None:
    async with on_stage() as stage:
        await stage.press("5", "y")
        assert stage.app.clipboard.startswith("mdk3x9ab12-120 alcaraz-v-sinner")
        assert stage.said[-1].startswith("copied: mdk3x9ab12-120")


@in_loop
async def test_ladder_holds_where_it_was_put_until_centred() -> None:
    async with on_stage() as stage:
        await stage.press("2", "k", "k", "k", "k", "k")
        assert "HELD" in stage.text
        assert "73¢" in stage.text
        await stage.press("m")
        assert "HELD" not in stage.text
        assert "73¢" not in stage.text
        await stage.press("space")
        assert "HELD" in stage.text
        await stage.press("space")
        assert "HELD" not in stage.text


@in_loop
async def test_ladder_keeps_its_prices_while_the_middle_moves_a_little() -> None:
    def moved(cents: int) -> View:
        shown = view()
        book = shown.ladders[0]
        bid, ask = book.best_bid, book.best_ask
        assert bid is not None
        assert ask is not None
        drifted = msgspec.structs.replace(book, best_bid=bid + cents * 10_000, best_ask=ask + cents * 10_000)
        return msgspec.structs.replace(shown, ladders=(drifted,))

    def top_price(text: str) -> str:
        return next(word for word in text.split("\n")[4].split() if word.endswith("¢"))

    async with on_stage() as stage:
        at_first = top_price(stage.text)
        await stage.show(moved(2))
        assert top_price(stage.text) == at_first
        await stage.show(moved(8))
        assert top_price(stage.text) != at_first


@in_loop
async def test_pause_needs_no_question() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("p")
        assert engine.events == [Pause(match=FIRST)]
        assert stage.said == ["Alcaraz v Sinner paused"]
        await stage.press("P")
        assert engine.events[-1] == Pause()


@in_loop
async def test_resume_asks_first() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("j", "j", "j", "p")
        assert "Quote G2 v T1 again?" in stage.text
        assert "paused: by the operator" in stage.text
        await stage.press("enter")  # the marked answer is the safe one
        assert engine.events == []
        await stage.press("p")
        await stage.later(1)
        await stage.press("y")
        assert engine.events == [Resume(match=MatchId("g2-v-t1"))]


@in_loop
async def test_resume_of_all_asks_first() -> None:
    engine = FakeEngine(msgspec.structs.replace(view(), paused="by the operator"))
    async with on_stage(engine) as stage:
        await stage.press("P")
        await stage.later(1)
        await stage.press("right", "enter")
        assert engine.events == [Resume()]


@in_loop
async def test_keys_typed_ahead_confirm_nothing() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("j", "j", "j", "p", "y")
        assert engine.events == []
        assert "Quote G2 v T1 again?" in stage.text
        await stage.later(0.6)
        await stage.press("y")
        assert engine.events == [Resume(match=MatchId("g2-v-t1"))]


@in_loop
async def test_cancel_takes_the_match_of_the_focused_row() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("c")
        assert engine.events == [CancelMatch(match=FIRST)]
        await stage.press("5", "j", "j", "c")
        assert engine.events[-1] == CancelMatch(match=SECOND)
        await stage.press("2", "c")
        assert engine.events[-1] == CancelMatch(match=FIRST)


@in_loop
async def test_refusal_is_shown_with_the_engines_words() -> None:
    engine = FakeEngine()
    engine.refusal = "alcaraz-v-sinner: no such match"
    async with on_stage(engine) as stage:
        await stage.press("p")
        assert stage.said == ["alcaraz-v-sinner: no such match"]
        assert next(iter(stage.app._notifications)).severity == "warning"


ACTING = tuple(key.keys for key in DESK_KEYS if key.acts)


@pytest.mark.parametrize("key", ACTING)
@in_loop
async def test_viewer_may_look_and_kill_only(key: str) -> None:
    engine = FakeEngine(granted=welcome(Role.VIEW))
    async with on_stage(engine) as stage:
        await stage.press(key)
        assert stage.said == ["read-only viewer: only kill works here"]
        assert engine.events == []
        await stage.press("ctrl+k")
        assert len(engine.kills) == 1


@pytest.mark.parametrize("key", ACTING)
@in_loop
async def test_nothing_is_sent_into_a_lost_line(key: str) -> None:
    engine = FakeEngine()
    engine.closed = "connection reset"
    async with on_stage(engine) as stage:
        await stage.press(key)
        assert stage.said == ["the engine does not answer: nothing was done"]


@pytest.mark.parametrize(
    "before",
    [
        (),
        ("slash",),
        ("question_mark",),
        ("ctrl+p",),
        ("a",),
        ("a", "ctrl+t"),
        ("e",),
        ("x",),
        ("ctrl+q",),
        ("ctrl+q", "s"),
    ],
)
@pytest.mark.parametrize("key", ["ctrl+k", "f12"])
@in_loop
async def test_kill_works_from_everywhere(before: tuple[str, ...], key: str) -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        for step in before:
            await stage.press(step)
        await stage.press(key)
        assert len(engine.kills) == 1
        if before[-1:] != ("s",):  # the proof of a stop goes on
            await stage.show(killed())
            await stage.press("R")
            assert "type RESUME" in stage.text


@in_loop
async def test_error_of_the_engine_is_said_aloud_once() -> None:
    async with on_stage() as stage:
        assert stage.said == []  # what happened before is in the alerts
        shown = view()
        line = LogLine(Nanos(shown.wall + 1), Severity.ERROR, FIRST, "fill reversed: it failed to settle")
        worse = msgspec.structs.replace(shown, log=(line, *shown.log))
        await stage.show(worse)
        await stage.show(worse)
        assert stage.said == ["Alcaraz v Sinner: fill reversed: it failed to settle"]
        assert next(iter(stage.app._notifications)).severity == "error"


@in_loop
async def test_alerts_count_as_seen_once_their_pane_is_open() -> None:
    async with on_stage() as stage:
        assert "2 alerts [0]" in stage.text
        await stage.press("0")
        assert "alerts [0]" not in stage.text


@in_loop
async def test_dry_run_key_outside_of_live_shows_the_engines_line() -> None:
    engine = FakeEngine()
    engine.refusal = "sim has no dry run"
    async with on_stage(engine) as stage:
        await stage.press("D")
        assert stage.said == ["sim has no dry run"]


@in_loop
async def test_going_dry_asks_nothing() -> None:
    engine = FakeEngine(msgspec.structs.replace(view(), mode=Mode.LIVE), welcome(mode=Mode.LIVE))
    async with on_stage(engine) as stage:
        assert stage.text.startswith(" LIVE ")
        await stage.press("D")
        assert engine.dry_runs == [(True, "")]


@in_loop
async def test_going_live_needs_the_word() -> None:
    engine = FakeEngine(
        msgspec.structs.replace(view(), mode=Mode.LIVE), welcome(mode=Mode.LIVE, dry_run=True)
    )
    async with on_stage(engine) as stage:
        await stage.press("D", *"live", "enter")
        assert engine.dry_runs == []
        await stage.write("LIVE")
        await stage.later(1)
        await stage.press("enter")
        assert engine.dry_runs == [(False, "LIVE")]


@in_loop
async def test_redraw_forgets_what_is_shown() -> None:
    async with on_stage() as stage:
        stage.app.shown.resize(10, 1)
        stage.app.shown.differs(0, 0, 1, "a", None)
        await stage.press("ctrl+l")
        stage.app.shown.resize(10, 1)
        assert stage.app.shown.differs(0, 0, 1, "a", None)


@in_loop
async def test_palette_runs_an_action_and_jumps_to_a_match() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("ctrl+p")
        await stage.write("pause the match")
        await stage.press("enter")
        assert engine.events == [Pause(match=FIRST)]
        await stage.press("ctrl+p")
        await stage.write("go to heat")
        await stage.press("enter")
        assert cursor_row(stage.text, "Matches").startswith("▌Heat")
        await stage.press("ctrl+p")
        await stage.write("kill")
        await stage.press("enter")
        assert len(engine.kills) == 1


@in_loop
async def test_help_is_searched_scrolled_and_closed() -> None:
    async with on_stage() as stage:
        await stage.press("question_mark")
        assert "Safety (these work everywhere" in stage.text
        await stage.press(*["pagedown"] * 30)
        assert "FROZEN" in stage.text
        await stage.press("up", "pageup", "down")
        await stage.write("retest")
        assert "dropped to one step over the next rival" in stage.text
        await stage.press("escape")
        assert "Help" not in stage.text


@in_loop
async def test_letters_typed_into_a_field_are_no_keys() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("slash", "p", "c", "x")
        assert engine.events == []
        assert isinstance(stage.app.focused, Input)


@in_loop
async def test_exclamation_mark_goes_to_what_needs_a_look() -> None:
    async with on_stage() as stage:
        await stage.press("exclamation_mark")
        assert cursor_row(stage.text, "Matches").startswith("▌Yank")
        await stage.press("exclamation_mark")
        assert cursor_row(stage.text, "Matches").startswith("▌Heat")
        await stage.press("5", "exclamation_mark")
        assert "UNKNOWN" in cursor_row(stage.text, "Orders") if "━5" in stage.text else True
        await stage.press("6", "exclamation_mark")
        assert stage.said[-1] == "nothing here needs a look"


@in_loop
async def test_history_searches_further_back_by_the_engine() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("6", "H")
        assert "All fills of this run" in stage.text
        await stage.until(lambda: "9 found" in stage.text)
        await stage.write("alcaraz")
        await stage.until(lambda: "2 found" in stage.text)
        assert ("fills", "alcaraz") in engine.asked
        await stage.press("escape", "7", "H")
        await stage.write("rejected")
        await stage.until(lambda: "1 found" in stage.text)
        assert "The whole log of this run" in stage.text
        assert "order rejected: size below the minimum" in stage.text


@in_loop
async def test_key_bar_is_clicked_like_a_key() -> None:
    engine = FakeEngine()
    async with on_stage(engine, size=(120, 40)) as stage:
        bar = stage.text.split("\n")[39]
        await stage.pilot.click("#keys", offset=(bar.index("p pause") + 2, 0))
        await stage.settle()
        assert engine.events == [Pause(match=FIRST)]
        await stage.pilot.click("#keys", offset=(bar.index("KILL"), 0))
        await stage.settle()
        assert len(engine.kills) == 1
        await stage.pilot.click("#keys", offset=(bar.index("? help"), 0))
        await stage.settle()
        assert "This pane: 1 Matches" in stage.text


@in_loop
async def test_choice_of_a_dialog_is_clicked_once_it_could_be_read() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("x")
        await stage.pilot.click("#choices", offset=(16, 0))
        await stage.settle()
        assert engine.events == []
        await stage.later(1)
        await stage.pilot.click("#choices", offset=(16, 0))
        await stage.settle()
        assert len(engine.events) == 1


@in_loop
async def test_mouse_moves_the_cursor_and_opens_tabs() -> None:
    async with on_stage(size=(120, 40)) as stage:
        await stage.pilot.click("#matches", offset=(5, 4))
        await stage.settle()
        assert cursor_row(stage.text, "Matches").startswith("▌Navi")
        await stage.pilot.click("#orders", offset=(26, 0))
        await stage.settle()
        assert stage.app.desk.focused_pane.content.number == 6


@in_loop
async def test_nothing_to_show_yet_says_what_is_waited_for() -> None:
    engine = FakeEngine()
    engine.view = None
    async with on_stage(engine) as stage:
        assert "waiting for the engine" in stage.text
        engine.closed = "refused: another console controls"
        await stage.settle()
        assert "ENGINE GONE: refused: another console controls" in stage.text
        await stage.press("p", "slash", "z", "j", "m", "s")
        assert stage.app.is_running


@in_loop
async def test_resize_changes_the_layout_and_keeps_a_visible_focus() -> None:
    async with on_stage(size=(200, 60)) as stage:
        await stage.press("3")
        await stage.pilot.resize_terminal(80, 24)
        await stage.settle()
        assert stage.app.desk.focused_pane.content.number == 3
        assert "3 Inventory" in stage.text.split("\n")[14]
        await stage.pilot.resize_terminal(60, 12)
        await stage.settle()
        assert "3 Inventory" in stage.text
        assert stage.app.desk.focused_pane.content.number == 3
        await stage.pilot.resize_terminal(30, 12)
        await stage.settle()
        assert "too small" in stage.text
        await stage.pilot.resize_terminal(120, 40)
        await stage.settle()
        assert "3 Inventory" in stage.text
