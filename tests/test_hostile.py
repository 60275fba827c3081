"""Broken files and absurd input at every door: a clear line or a finding, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from console.config.read import load
from console.core.commands import PlaceOrder
from console.core.complaint import Complaint
from console.core.events import (
    AcceptPosition,
    AddMatch,
    AnyEvent,
    CancelMatch,
    ConfirmPairing,
    ConfirmRules,
    Flatten,
    Kill,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    SetInventory,
    SetSetting,
    SetTheo,
    Stop,
)
from console.core.odds import parse_odds
from console.core.units import SECOND
from console.journal import Reader
from console.launch.engine import _recovered
from console.verify import verify
from tests.core.story import PA, A, B, K, M, P, Story, game
from tests.test_verify import Session

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.timeout(3600)
EXAMPLES = 3_000 if os.environ.get("TEST_LONG") else 40
RELAXED = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


def refusal(call, *arguments):
    """What is said instead of an answer, a single line; empty when there is one."""
    try:
        call(*arguments)
    except Complaint as refused:
        text = str(refused)
        return text if "\n" not in text and text else f"not one line: {text!r}"
    return ""


# ---- markets.toml

SETTINGS = (ROOT / "markets.toml").read_text()
SLIPS = (
    "=",
    "[",
    "]",
    "'",
    '"',
    "\n",
    "#",
    "-",
    "0",
    "9" * 30,
    "1e999",
    "nan",
    "[[match]]",
    "\x00",
    "ü",
    "\\",
)
CUT = st.tuples(
    st.integers(0, len(SETTINGS)), st.integers(0, 6), st.sampled_from(SLIPS) | st.text(max_size=3)
)


@settings(max_examples=EXAMPLES, **RELAXED)
@given(cuts=st.lists(CUT, min_size=1, max_size=4))
def test_settings_with_slips_are_read_or_refused_in_one_line(tmp_path, cuts):
    text = SETTINGS
    for at, dropped, put in cuts:
        text = text[:at] + put + text[at + dropped :]
    path = tmp_path / "markets.toml"
    path.write_bytes(text.encode("utf-8", "replace"))
    said = refusal(load, path, {})
    assert not said or said.startswith("markets.toml")


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x00" * 100, b"[engine\n", b"a = 1\na = 2\n"])
def test_settings_that_are_no_text_are_refused_in_one_line(tmp_path, body):
    path = tmp_path / "markets.toml"
    path.write_bytes(body)
    assert refusal(load, path, {}).startswith("markets.toml")


# ---- journals


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A journal of some seconds: its path, its bytes, and what it holds."""
    path = Session(tmp_path_factory.mktemp("kept")).run(5 * SECOND)
    assert verify(path).findings == ()
    return path, path.read_bytes(), held(path)


def held(path):
    reader = Reader(path)
    records = [(record.number, record.body) for record in reader.all()]
    reader.close()
    return records


def damaged(folder, path, body):
    """A copy beside its market data."""
    copy = folder / path.name
    copy.write_bytes(body)
    for part in path.parent.glob("*.gz"):
        (folder / part.name).write_bytes(part.read_bytes())
    return copy


def said_of(path):
    """`unreadable` in one line, `findings`, or `clean`."""
    said = refusal(verify, path)
    assert not said.startswith("not one line"), said
    return "unreadable" if said else "findings" if verify(path).findings else "clean"


@settings(max_examples=EXAMPLES // 3, **RELAXED)
@given(share=st.floats(0.0, 1.0), bit=st.integers(0, 7), more=st.integers(0, 40))
@example(share=0.45937352609072135, bit=0, more=18)
@example(share=0.6723991716073342, bit=0, more=10)
@example(share=0.09375, bit=7, more=0)
def test_a_bit_that_flipped_is_found_or_changes_nothing(tmp_path, kept, share, bit, more):
    path, body, records = kept
    at = min(len(body) - 1, int(share * len(body)))
    spoilt = bytearray(body)
    for place in range(at, min(len(body), at + more * 97 + 1), 97):
        spoilt[place] ^= 1 << bit
    copy = damaged(tmp_path, path, bytes(spoilt))
    if said_of(copy) == "clean":
        assert held(copy) == records
    assert not refusal(_recovered, tmp_path, "").startswith("not one line")


@settings(max_examples=EXAMPLES // 3, **RELAXED)
@given(share=st.floats(0.0, 1.0), bit=st.integers(0, 7))
@example(share=0.9337954338407626, bit=5)
def test_market_data_that_changed_is_found(tmp_path, kept, share, bit):
    path, body, records = kept
    copy = damaged(tmp_path, path, body)
    (tape,) = tmp_path.glob("*.gz")
    spoilt = bytearray(tape.read_bytes())
    spoilt[min(len(spoilt) - 1, int(share * len(spoilt)))] ^= 1 << bit
    tape.write_bytes(bytes(spoilt))
    if said_of(copy) == "clean":
        assert held(copy) == records


@settings(max_examples=EXAMPLES // 3, **RELAXED)
@given(share=st.floats(0.0, 1.0))
def test_a_journal_cut_short_is_found_or_a_beginning(tmp_path, kept, share):
    path, body, records = kept
    copy = damaged(tmp_path, path, body[: int(share * len(body))])
    if said_of(copy) == "clean":
        left = held(copy)
        assert left == records[: len(left)]
    assert not refusal(_recovered, tmp_path, "").startswith("not one line")


# ---- what an operator may type

TYPED = ("", " ", "RESUME", "47", "-3", "1e9", "many", "nan", "0.0000001", "ü", "9" * 40)
ODDS = (0.0, 1.0, 1.01, 2.0, -2.0, 1e308, float("inf"), float("nan"))
KEYS = ("edge_min", "contracts", "inventory_max", "daily_loss", "drawdown", "levels", "ceiling_methods")
words = st.sampled_from(TYPED) | st.text(max_size=6)
names = st.lists(words, max_size=3).map(tuple)
numbers = st.sampled_from((0, 1, -1, 10**6, 10**18, -(10**18), 1_000_001)) | st.integers(-(10**20), 10**20)
odds = st.lists(st.sampled_from(ODDS) | st.floats(), max_size=4).map(tuple)
matches = st.sampled_from((M, "", "nobody", "\x00"))
keys = st.sampled_from(KEYS) | st.text(max_size=5)
symbols = st.sampled_from((A, B, A.no, PA))
operator: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(SetSetting, key=keys, value=words, match=matches, why=words, for_s=numbers),
    st.builds(SetTheo, match=matches, odds=odds, pinned=st.booleans()),
    st.builds(SetInventory, match=matches, instrument=symbols, size=numbers, cost=numbers, why=words),
    st.builds(Flatten, match=matches, floor=numbers),
    st.builds(Kill, by=words, venue=st.sampled_from((None, K, P))),
    st.builds(Rearm, word=words, reason=words, reduce_only=st.booleans()),
    st.builds(Pause, match=matches),
    st.builds(Resume, match=matches),
    st.builds(Stop, why=words),
    st.builds(RemoveMatch, match=matches),
    st.builds(CancelMatch, match=matches),
    st.builds(AcceptPosition, venue=st.sampled_from((K, P)), reason=words),
    st.builds(ConfirmRules, match=matches, rules_hash=words),
    st.builds(ConfirmPairing, match=matches, feed=words, event=words, names=names),
)


@settings(max_examples=EXAMPLES, **RELAXED)
@given(said=st.lists(operator, min_size=1, max_size=12))
@example(said=[SetTheo(match=M, odds=(float("nan"), 2.0))])
@example(said=[SetSetting(key="contracts", value="9" * 40, match=M)])
@example(said=[Kill(by="", venue=None), Rearm(word="RESUME", reason="x"), Flatten(match=M, floor=10**18)])
def test_whatever_an_operator_says_the_engine_goes_on_and_can_be_killed(said):
    story: Story = game()
    for event in said:
        story.tell(event)
        story.wait(0.5)
    for place in story.all(PlaceOrder):
        assert 0 < place.price < 1_000_000
        assert place.size > 0
    before = len(story.all(PlaceOrder))
    story.tell(Kill(by="the end"))
    story.wait(5)
    assert len(story.all(PlaceOrder)) == before


@settings(max_examples=10 * EXAMPLES, **RELAXED)
@given(text=st.text(max_size=12) | words)
def test_odds_as_typed_are_odds_or_refused_in_one_line(text):
    said = refusal(parse_odds, text)
    assert not said.startswith("not one line")
    assert said or 1.0 < parse_odds(text) < float("inf")


@pytest.mark.parametrize(
    "odds", [(float("nan"), 2.0), (2.0,), (-1.0, 1e308), (float("inf"), 2.0), (0.0, 0.0)]
)
def test_a_match_with_odds_that_are_none_is_refused(odds):
    story = game()
    desk = story.state.desks[M]
    assert story.refusals(story.tell(AddMatch(spec=desk.spec, settings=desk.settings, odds=odds)))
