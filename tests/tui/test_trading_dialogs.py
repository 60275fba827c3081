"""Getting out, re-arming, overriding, agreeing, undoing: from the key to the event that is sent."""

from __future__ import annotations

import re

import msgspec
import pytest
from textual.widgets import Input

from console.core.events import (
    AcceptPosition,
    AddMatch,
    ConfirmRules,
    Flatten,
    Rearm,
    SetInventory,
    SetSetting,
)
from console.core.instruments import Venue, VoidRule
from console.core.matches import MatchId
from console.core.presets import PRESETS
from console.core.reasons import Reason
from console.core.rules import pair_hash
from console.core.units import CENT, ONE
from console.core.view import KillPhase
from console.link.messages import Watch
from tests.tui.fakes import SYMBOLS, FakeEngine
from tests.tui.stage import Stage, in_loop, on_stage
from tests.tui.views import LISTINGS, dollars, killed, view

FIRST, SECOND = MatchId("alcaraz-v-sinner"), MatchId("real-madrid-v-barcelona")


async def fill(stage: Stage, **fields: str) -> None:
    for key, text in fields.items():
        stage.app.screen.query_one(f"#{key}", Input).value = text
        await stage.later(1)


# ---- flatten


@in_loop
async def test_flatten_shows_what_is_held_and_what_would_come_of_it() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("F")
        assert "Flatten Alcaraz v Sinner" in stage.text
        assert "+150 net of 200 · if wins: Alcaraz" in stage.text
        assert "all into the bids now: down to 61¢" in stage.text
        await stage.write("62")
        assert "floor 62¢ = 1.613 = -163" in stage.text
        assert "0 of 150 would be sold now" in stage.text.replace("·", "0")
        await stage.write("60.5")
        assert "135 of 150 would be sold now for 82.35, 15 would wait for a better bid" in stage.text
        assert engine.events == []


@in_loop
async def test_flatten_is_sent_with_the_floor_that_was_typed_and_never_by_keys_typed_ahead() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("F", *"58", "enter")
        assert engine.events == []  # typed before the dialog could be read
        await stage.later(1)
        await stage.press("enter")
        assert engine.events == [Flatten(match=FIRST, floor=58 * CENT)]
        assert stage.said == ["flattening Alcaraz v Sinner"]


@pytest.mark.parametrize("text", ["", "0", "100", "abc", "58.123456", "-"])
@in_loop
async def test_flatten_takes_no_floor_that_is_no_price(text: str) -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("F")
        await stage.write(text)
        await stage.later(1)
        await stage.press("enter")
        assert engine.events == []
        assert "Flatten Alcaraz v Sinner" in stage.text


@in_loop
async def test_flatten_reads_the_books_of_its_match_first() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("j", "F")
        assert engine.sent[-1] == Watch(match=SECOND)
        assert "reading its books" in stage.text


@in_loop
async def test_flatten_says_that_a_kill_comes_first() -> None:
    async with on_stage(FakeEngine(killed())) as stage:
        await stage.press("F")
        assert "KILLED: re-arm to reduce only first (R)" in stage.text


# ---- re-arm


@in_loop
async def test_rearm_to_reduce_only_is_a_choice() -> None:
    engine = FakeEngine(killed(KillPhase.KILLED))
    async with on_stage(engine) as stage:
        await stage.press("R")
        assert "▸ quote everything again" in stage.text
        await stage.press("down")
        assert "▸ reduce only" in stage.text
        await fill(stage, word="RESUME", reason="get out")
        await stage.press("enter")
        await stage.press("enter")
        assert engine.events == [Rearm(word="RESUME", reason="get out", reduce_only=True)]
        assert stage.said == ["re-armed to reduce only"]


@in_loop
async def test_reduce_only_is_lifted_by_another_rearm() -> None:
    shown = view()
    matches = tuple(msgspec.structs.replace(match, reason=Reason.REDUCE_ONLY) for match in shown.matches)
    engine = FakeEngine(msgspec.structs.replace(shown, matches=matches))
    async with on_stage(engine) as stage:
        await stage.press("R")
        await fill(stage, word="RESUME", reason="flat now")
        await stage.press("enter")
        await stage.press("enter")
        assert engine.events == [Rearm(word="RESUME", reason="flat now")]


# ---- the account of a venue


@in_loop
async def test_of_two_mismatches_the_one_chosen_is_accepted() -> None:
    shown = view()
    red = tuple(msgspec.structs.replace(v, halt=f"MISMATCH KX: {v.orders} there") for v in shown.venues[:2])
    engine = FakeEngine(msgspec.structs.replace(shown, venues=(*red, shown.venues[2])))
    async with on_stage(engine) as stage:
        await stage.press("A", "down")
        await stage.write("looked at it")
        await stage.later(1)
        await stage.press("enter")
        assert engine.events == [AcceptPosition(venue=Venue.POLYMARKET, reason="looked at it")]


# ---- inventory


@in_loop
async def test_inventory_is_overridden_with_contracts_cost_and_reason() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("I")
        assert "our records hold +110 at 57.2¢" in stage.text
        await fill(stage, contracts="-25", cost="$12.5")
        assert "a reason is needed, it is journalled" in stage.text
        await fill(stage, reason="bought by phone")
        assert "hold -25 at 50¢, 12.50 in all" in stage.text
        await stage.press("ctrl+s")
        assert engine.events == [
            SetInventory(
                match=FIRST,
                instrument=LISTINGS[0].instrument,
                size=-25 * ONE,
                cost=dollars(12.5),
                why="bought by phone",
            )
        ]


@in_loop
async def test_inventory_of_another_symbol_is_a_key_away() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("I", "down")
        assert "our records hold -25 at 60.4¢" in stage.text
        await stage.press("down")
        assert "poly:7132" in stage.text


@pytest.mark.parametrize(
    ("size", "cost", "wrong"),
    [
        ("ten", "1", "'ten' is not contracts, such as 10, -25 or 1.5k"),
        ("10", "11", "11.00 is more than 10 contracts can ever pay"),
        ("0", "1", "nothing held has no cost"),
        ("10", "-1", "what was paid is never negative"),
        ("10", "", "cost: a number is needed, 0 for none"),
    ],
)
@in_loop
async def test_inventory_that_cannot_be_is_not_sent(size: str, cost: str, wrong: str) -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("I")
        await fill(stage, contracts=size, cost=cost, reason="why not")
        assert wrong in stage.text
        await stage.press("ctrl+s")
        assert engine.events == []


# ---- rules


@in_loop
async def test_rules_are_confirmed_by_a_word_and_a_reason() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("V")
        assert "kalshi: a fair price when the match is void, rules a1b2c3d4e5f6" in stage.text
        assert "poly: an equal share for every outcome when it is void" in stage.text
        await fill(stage, word="AGREE", reason="read both on 13 July")
        await stage.press("enter")
        await stage.press("enter")
        assert engine.events == [ConfirmRules(match=FIRST, rules_hash="a1b2c3d4e5f6+read both on 13 July")]


@in_loop
@pytest.mark.parametrize("rule", list(VoidRule))
async def test_every_rule_for_a_void_match_has_its_words(rule: VoidRule) -> None:
    (*kalshi, other) = LISTINGS
    listings = (*kalshi, msgspec.structs.replace(other, void_rule=rule))
    async with on_stage(FakeEngine(msgspec.structs.replace(view(), listings=listings))) as stage:
        await stage.press("V")
        assert re.search(r"poly: .* void", stage.text)


@in_loop
async def test_rules_that_every_venue_told_are_confirmed_by_their_common_hash() -> None:
    """The one the engine asks for: it takes no other."""
    told = tuple(msgspec.structs.replace(one, rules_hash=f"{n}" * 64) for n, one in enumerate(LISTINGS))
    engine = FakeEngine(msgspec.structs.replace(view(), listings=told))
    both = pair_hash({one.instrument: one.rules_hash for one in told})
    async with on_stage(engine) as stage:
        await stage.press("V")
        assert f"together: {both[:12]}" in stage.text
        await fill(stage, word="AGREE", reason="read both")
        await stage.press("enter")
        await stage.press("enter")
        assert engine.events == [ConfirmRules(match=FIRST, rules_hash=f"{both}+read both")]


@in_loop
async def test_rules_of_a_match_on_one_venue_need_no_confirming() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("j", "V")
        assert stage.said == ["Real Madrid v Barcelona is on one venue: its positions net already"]


@in_loop
async def test_screen_says_killed_only_when_the_engine_does() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("ctrl+k")
        assert "KILLED" not in stage.text
        assert "KILLING" not in stage.text
        assert stage.said == ["kill sent; what the venues have proven will stand on top"]


@in_loop
async def test_kill_from_elsewhere_is_said_on_the_frame_of_a_dialog_and_takes_no_typing() -> None:
    engine = FakeEngine()
    async with on_stage(engine, (80, 24)) as stage:
        await stage.press("e", *"edge")
        await stage.show(killed(KillPhase.INCOMPLETE, 2))
        assert " KILL INCOMPLETE 40/42 not proven: kalshi · Esc closes this ─" in stage.text
        assert "edge_min" in stage.text
        await stage.press("escape", "R")
        assert "type RESUME" in stage.text
        assert "Esc closes this" not in stage.text  # it asks about that very kill


# ---- undo


@in_loop
async def test_undo_takes_back_the_last_change_after_a_question() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("e")
        await fill(stage, find="retest_s", value="45")
        await fill(stage, find="edge_min", value="2")
        await stage.press("ctrl+s")
        await stage.press("u")
        assert "edge_min of Alcaraz v Sinner: 1 was changed to 2." in stage.text
        await stage.press("y")
        assert len(engine.events) == 2  # typed ahead
        await stage.later(1)
        await stage.press("y")
        assert engine.events[-1] == SetSetting(key="edge_min", value="1", match=FIRST, why="undo")
        await stage.press("u")
        assert "retest_s of Alcaraz v Sinner: 30 was changed to 45." in stage.text
        await stage.later(1)
        await stage.press("y")
        await stage.press("u")
        assert stage.said[-1] == "no setting was changed from here"


@in_loop
async def test_refused_undo_can_be_tried_again() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("E")
        await fill(stage, find="daily_loss", value="75")
        await stage.press("ctrl+s")
        engine.refusal = "daily_loss: not now"
        await stage.press("u")
        await stage.later(1)
        await stage.press("y")
        assert stage.said[-1] == "daily_loss: not now"
        engine.refusal = ""
        await stage.press("u")
        await stage.later(1)
        await stage.press("y")
        assert engine.events[-1] == SetSetting(key="daily_loss", value="50", why="undo")


# ---- adding a match in seconds


@in_loop
async def test_pasted_address_is_resolved_rehearsed_and_added_with_four_keys() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a")
        await stage.write("https://kalshi.com/markets/KXATP-ZVEMED-ZVE/")
        await stage.until(lambda: "Zverev" in stage.text and "Swiatek" not in stage.text)
        await stage.press("enter")
        await stage.until(lambda: "it would bid" in stage.text)
        assert "KXATP-ZVEMED-ZVE" in stage.text
        assert "fair value from pinnacle 51.0" in stage.text
        await stage.press("y")
        assert engine.events == []  # typed ahead
        await stage.later(1)
        await stage.press("y")
        (event,) = engine.events
        assert event == AddMatch(spec=SYMBOLS[1].spec, settings=PRESETS["top_of_book"])
        assert engine.sent[-1] == Watch(match=SYMBOLS[1].spec.id)


@in_loop
async def test_preview_tries_another_preset() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a")
        await stage.until(lambda: "Zverev" in stage.text)
        await stage.press("enter", "down")
        await stage.until(lambda: "it would bid" in stage.text)
        assert len([what for what, _ in engine.asked if what == "would_quote"]) == 2
        await stage.later(1)
        await stage.press("ctrl+s")
        assert engine.events[0].settings.preset == list(PRESETS)[1]


@in_loop
async def test_preview_without_a_fair_value_says_what_is_missing() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a")
        await stage.until(lambda: "Swiatek" in stage.text)
        await stage.press("down", "enter")
        await stage.until(lambda: "nothing now" in stage.text)
        assert "nowhere: f and type odds by hand" in stage.text
        assert "nothing now: no independent source gives a fair value" in stage.text
        await stage.press("ctrl+t")
        assert "odds by hand" in stage.text


@in_loop
async def test_sides_that_seem_turned_round_are_not_added() -> None:
    engine = FakeEngine()
    turned = SYMBOLS[0].spec.listings
    swapped = msgspec.structs.replace(
        SYMBOLS[0],
        added=False,
        spec=msgspec.structs.replace(
            SYMBOLS[0].spec,
            listings=(
                msgspec.structs.replace(turned[0], pays=(1,)),
                msgspec.structs.replace(turned[1], pays=(0,)),
            ),
        ),
    )
    engine.symbols = (swapped,)
    async with on_stage(engine) as stage:
        await stage.press("a")
        await stage.until(lambda: "Alcaraz" in stage.app.screen.query_one("#roll").lines[0].spans[0].text)
        await stage.press("enter")
        await stage.until(lambda: "it would bid" in stage.text)
        assert "TURNED ROUND" in stage.text
        await stage.later(1)
        await stage.press("y")
        assert engine.events == []


@in_loop
async def test_preview_that_cannot_be_made_says_why() -> None:
    engine = FakeEngine()
    async with on_stage(engine) as stage:
        await stage.press("a")
        await stage.until(lambda: "Zverev" in stage.text)
        engine.refusal = "instruments: venue kalshi is not configured in this run"
        await stage.press("down", "enter")
        await stage.until(lambda: "not configured" in stage.text)
        assert "Form (^T)" in stage.text
