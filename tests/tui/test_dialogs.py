"""The dialogs, from the key that opens them to the event that is sent."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Input, TextArea

from console.core.events import (
    AcceptPosition,
    AddMatch,
    OnConsoleLost,
    Rearm,
    RemoveMatch,
    SetSetting,
    SetTheo,
    Stop,
)
from console.core.instruments import Venue
from console.core.matches import MatchId
from console.core.units import CENT, ONE
from console.core.view import KillPhase
from console.link.messages import Bye, Role
from console.tui.dialogs.leave import Stopping
from console.tui.leave import Code
from tests.tui.fakes import SYMBOLS, FakeEngine
from tests.tui.stage import Stage, in_loop, on_stage
from tests.tui.views import killed, view, welcome

FIRST = MatchId("alcaraz-v-sinner")


async def fill(stage: Stage, **fields: str) -> None:
    for key, text in fields.items():
        stage.app.screen.query_one(f"#{key}", Input).value = text
        await stage.later(1)


# ---- adding a match


@in_loop
async def test_listed_match_is_filled_in_before_it_is_added() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a")
        await stage.write("zver")
        await stage.until(lambda: "Zverev" in stage.text and "Swiatek" not in stage.text)
        assert engine.asked == [("symbols", ""), ("symbols", "zver")]
        await stage.press("enter", "f")
        assert "Add Zverev v Medvedev" in stage.text
        assert "feed: 1.91 2" in stage.text
        await fill(stage, edge_min="1.5", contracts="1k", inventory_max="2,000", other="order_size_max = 1k")
        await fill(stage, other="order_size_max = 1k; max_position = 5k")
        await stage.press("ctrl+s")
        (event,) = engine.events
        assert isinstance(event, AddMatch)
        assert event.spec.listings == SYMBOLS[1].spec.listings
        assert event.odds == ()  # the feed's go on by themselves; only what is typed is by hand
        assert event.settings.edge_min == 3 * CENT // 2
        assert event.settings.contracts == 1_000 * ONE
        assert stage.said == ["Zverev v Medvedev added: it warms up, then quotes"]


@in_loop
async def test_odds_are_judged_as_they_are_typed_and_show_their_fair_values() -> None:
    async with on_stage() as stage:
        await stage.press("a", "ctrl+t")
        await fill(stage, outcomes="Alcaraz / Sinner", odds="-110")
        assert "odds: 1 prices for 2 outcomes" in stage.text
        await fill(stage, odds="-110 +100")
        assert "odds: 1 prices" not in stage.text
        assert "51.16" in stage.text
        assert "48.83" in stage.text
        assert "margin 2.38%" in stage.text


@in_loop
async def test_mistake_keeps_the_form_open() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a", "ctrl+t")
        await fill(stage, contracts="lots")
        assert "contracts: 'lots' is not a number from 0 in contracts" in stage.text
        await stage.press("ctrl+s")
        assert engine.events == []
        await stage.press("escape")
        assert "by hand" not in stage.text


@in_loop
async def test_match_typed_by_hand_is_added() -> None:
    engine = FakeEngine()
    async with on_stage(engine, (80, 24)) as stage:
        await stage.press("a", "ctrl+t")
        stage.app.screen.query_one(
            TextArea
        ).text = "kalshi:KX-H = Home\npolymarket:123 = Draw\nkalshi:KX-A = Away"
        await fill(
            stage,
            title="Home v Away",
            outcomes="Home / Draw / Away",
            start="+90m",
            other="in_play = true; retest_s = 45",
        )
        assert "ready: ^S adds it" in stage.text
        await stage.press("ctrl+s")
        (event,) = engine.events
        assert isinstance(event, AddMatch)
        assert event.spec.id == "home-v-away"
        assert [listing.pays for listing in event.spec.listings] == [(0,), (1,), (2,)]
        assert event.settings.in_play
        assert event.odds == ()


@in_loop
async def test_match_that_is_there_already_asks_before_it_is_replaced() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a", "ctrl+t")
        stage.app.screen.query_one(TextArea).text = "kalshi:KX = Alcaraz"
        await fill(stage, title="Alcaraz v Sinner", outcomes="Alcaraz / Sinner")
        await stage.press("ctrl+s")
        assert "Replace its facts and settings?" in stage.text
        await stage.press("enter")
        assert engine.events == []


@in_loop
async def test_search_that_fails_says_why_and_one_without_hits_says_so() -> None:
    engine = FakeEngine()
    engine.refusal = "kalshi: rate limited"
    async with on_stage(engine) as stage:
        await stage.press("a")
        assert "kalshi: rate limited" in stage.text
        engine.refusal = ""
        await stage.write("nobody")
        await stage.until(lambda: "nothing found" in stage.text)
        await stage.press("enter", "escape")
        assert engine.events == []


# ---- editing


@in_loop
async def test_changed_settings_are_sent_one_by_one() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("e")
        await fill(stage, find="retest_s")
        await stage.press("enter")
        await stage.write("45")
        assert "30 → 45" in stage.text
        assert "1 changed · ^S saves" in stage.text
        await fill(stage, find="edge_min", value="1.25")
        await stage.press("ctrl+s")
        assert engine.asked == [("settings", FIRST)]
        assert engine.events == [
            SetSetting(key="retest_s", value="45", match=FIRST, why="console"),
            SetSetting(key="edge_min", value="1.25", match=FIRST, why="console"),
        ]
        assert stage.said[-1] == "edge_min = 1.25"


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("placement", "bottom", "placement: 'bottom' is not one of top, ceiling"),
        ("retest_s", "1.5", "retest_s: '1.5' is not a whole number from 0 in seconds"),
        (
            "contracts",
            "70",
            "contracts 70 is more than inventory_max 50: one fill would pass the limit",
        ),
    ],
)
@in_loop
async def test_setting_is_judged_as_it_is_typed(key: str, value: str, wrong: str) -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("e")
        await fill(stage, find=key, value=value)
        assert wrong[:70] in stage.text
        await stage.press("ctrl+s")
        assert engine.events == []
        assert "Edit Alcaraz v Sinner" in stage.text


@in_loop
async def test_search_for_a_setting_that_is_none_says_so() -> None:
    async with on_stage() as stage:
        await stage.press("e")
        await fill(stage, find="colour")
        assert "no setting has 'colour' in its name" in stage.text
        await fill(stage, find="edge")
        assert "no setting" not in stage.text


@in_loop
async def test_typing_the_old_value_again_changes_nothing() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("e")
        await fill(stage, find="retest_s", value="45")
        await fill(stage, value="30")
        await stage.press("ctrl+s")
        assert engine.events == []


@in_loop
async def test_odds_by_hand_are_pinned_or_withdrawn() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("e")
        await fill(stage, odds="-110 +100")
        await stage.press("ctrl+g")
        assert "PINNED" in stage.text
        await stage.press("ctrl+s")
        await stage.press("e")
        await fill(stage, odds="none")
        await stage.press("ctrl+s")
        pinned, withdrawn = engine.events
        assert isinstance(pinned, SetTheo)
        assert pinned.pinned
        assert pinned.odds == pytest.approx((1.90909, 2.0), abs=1e-4)
        assert withdrawn == SetTheo(match=FIRST, odds=(), pinned=False)


@in_loop
async def test_refused_change_stops_the_rest() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("e")
        await fill(stage, find="retest_s", value="45")
        await fill(stage, find="edge_min", value="2")
        engine.refusal = "retest_s: not while quoting"
        await stage.press("ctrl+s")
        assert len(engine.events) == 1
        assert stage.said == ["retest_s: not while quoting"]


@in_loop
async def test_limits_of_the_account_are_edited_the_same_way() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("E")
        assert engine.asked == [("settings", "")]
        await fill(stage, find="daily_loss", value="off")
        assert "daily_loss: 'off' is not a number from 0 in dollars" in stage.text
        await fill(stage, value="75")
        await stage.press("ctrl+s")
        assert engine.events == [SetSetting(key="daily_loss", value="75", why="console")]


# ---- risk


@in_loop
async def test_remove_asks_and_shows_what_is_held() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("x")
        assert "position +150, 4 orders, P&L +12.40" in stage.text
        await stage.press("escape", "x")
        await stage.later(1)
        await stage.press("y")
        assert engine.events == [RemoveMatch(match=FIRST)]


@in_loop
async def test_rearm_needs_the_word_and_a_reason() -> None:
    engine = FakeEngine(killed(KillPhase.INCOMPLETE, 2))
    async with on_stage(engine) as stage:
        await stage.press("R")
        assert "NOT PROVEN gone: 2" in stage.text
        await stage.write("RESUME")
        assert "a reason is needed" in stage.text
        await stage.press("enter", "enter")
        assert engine.events == []
        await stage.write("feed is back")
        await stage.press("enter")
        assert engine.events == []  # typed ahead
        await stage.later(1)
        await stage.press("ctrl+s")
        assert engine.events == [Rearm(word="RESUME", reason="feed is back")]


@in_loop
async def test_rearm_without_a_kill_does_nothing() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("R")
        assert stage.said == ["not killed: nothing to re-arm"]


@in_loop
async def test_mismatch_is_accepted_with_a_reason() -> None:
    shown = view()
    venues = (
        msgspec.structs.replace(shown.venues[0], halt="MISMATCH KX-ALC: 10 there, 0 here"),
        *shown.venues[1:],
    )
    engine = FakeEngine(msgspec.structs.replace(shown, venues=venues))
    async with on_stage(engine) as stage:
        await stage.press("A")
        assert "KX-ALC: 10 there, 0 here" in stage.text
        await stage.write("bought by hand")
        await stage.later(1)
        await stage.press("enter")
        assert engine.events == [AcceptPosition(venue=Venue.KALSHI, reason="bought by hand")]


@in_loop
async def test_one_dialog_at_a_time() -> None:
    async with on_stage() as stage:
        await stage.pilot.press("x", "x", "question_mark")
        await stage.settle()
        assert len(stage.app.screen_stack) == 2


# ---- leaving


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+c"])
@in_loop
async def test_detach_says_goodbye_and_keeps_the_engine(key: str) -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press(key)
        assert "34 orders rest" in stage.text
        await stage.press("d")
        assert not stage.app.leave.asked  # typed ahead
        await stage.later(1)
        await stage.press("d")
        assert engine.sent[-1] == Bye(policy=OnConsoleLost.KEEP)
        assert (stage.app.leave.asked, stage.app.leave.code) == (True, Code.LEFT)


@in_loop
async def test_second_ctrl_c_leaves_the_question_open() -> None:
    async with on_stage() as stage:
        await stage.press("ctrl+c", "ctrl+c", "ctrl+q")
        assert "Detach" in stage.text
        assert len(stage.app.screen_stack) == 2
        await stage.press("escape")
        assert not stage.app.leave.asked
        await stage.press("ctrl+c")
        assert "Detach" in stage.text


@in_loop
async def test_stop_stays_until_everything_is_proven_gone() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("ctrl+q", "s")
        assert engine.events == [Stop(why="operator")]
        shown = view()
        await stage.show(msgspec.structs.replace(shown, stopping="operator", orders_open=5))
        assert "5 orders not proven gone yet" in stage.text
        await stage.show(msgspec.structs.replace(shown, stopping="operator", orders_open=0))
        assert not stage.app.leave.asked  # the engine is still there
        engine.closed = "the run has ended"
        await stage.settle()
        assert (stage.app.leave.asked, stage.app.leave.code) == (True, Code.LEFT)


@in_loop
async def test_second_ctrl_c_while_stopping_does_not_skip_the_proof() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("ctrl+c", "s", "ctrl+c", "ctrl+c")
        assert isinstance(stage.app.screen, Stopping)
        assert "Leave without the proof" in stage.text
        await stage.press("enter")  # the marked answer waits on
        assert not stage.app.leave.asked
        await stage.press("ctrl+c")
        await stage.later(1)
        await stage.press("l")
        assert (stage.app.leave.asked, stage.app.leave.code) == (True, Code.NOT_PROVEN)


@in_loop
async def test_engine_that_goes_with_orders_left_is_never_called_stopped() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("ctrl+q", "s")
        await stage.show(msgspec.structs.replace(view(), stopping="operator", orders_open=3))
        engine.closed = "connection reset"
        await stage.settle()
        assert "NOT PROVEN: the engine is gone, 3 orders not proven cancelled" in stage.text
        await stage.later(1)
        await stage.press("l")
        assert stage.app.leave.code == Code.NOT_PROVEN


@in_loop
async def test_refused_stop_leaves_everything_as_it_was() -> None:
    engine = FakeEngine()
    engine.refusal = "stopping already"
    async with on_stage(engine) as stage:
        await stage.press("ctrl+q", "s")
        assert stage.said == ["stopping already"]
        assert len(stage.app.screen_stack) == 1


@in_loop
async def test_viewer_and_a_console_without_engine_just_leave() -> None:
    viewer, lost = FakeEngine(granted=welcome(Role.VIEW)), FakeEngine()
    lost.closed = "connection reset"
    for engine, code in ((viewer, Code.LEFT), (lost, Code.LINE_LOST)):
        async with on_stage(engine) as stage:
            await stage.press("ctrl+q")
            assert "Stop" not in stage.text.split("Leave")[1]
            await stage.press("d")
            assert (stage.app.leave.asked, stage.app.leave.code) == (True, code)
            assert not any(isinstance(message, Bye) for message in engine.sent)


@in_loop
async def test_quit_is_asked_over_an_open_form() -> None:
    async with on_stage() as stage:
        await stage.press("e", "ctrl+c")
        assert "Detach" in stage.text
        await stage.press("escape")
        assert "Edit Alcaraz v Sinner" in stage.text


# ---- lists


@in_loop
async def test_marked_row_of_a_list_stands_below_it_in_full() -> None:
    async with on_stage(size=(80, 24)) as stage:
        await stage.press("question_mark")
        await stage.write("one dollar less")
        await stage.press("down")
        assert "our offer of it: one dollar less what we bid for th…" in stage.text
        assert "│ we ask: our offer of it: one dollar less what we bid for the second   │" in stage.text
        assert "│ outcome  " in stage.text


@in_loop
async def test_history_names_its_columns_and_tells_a_line_in_full() -> None:
    async with on_stage(size=(80, 24)) as stage:
        await stage.press("6", "H")
        await stage.until(lambda: "9 found" in stage.text)
        line = next(line for line in stage.text.split("\n") if "locked" in line)
        assert "edge" in line
        assert "alcaraz-v-sinner kalshi:SYM-0 Alcaraz sell 10@63" in stage.text
