"""Stories of pairings: proven by names and by price before anything of a feed counts."""

from __future__ import annotations

import pytest

from console.core import checkpoint
from console.core.commands import CancelOrder, PlaceOrder
from console.core.events import (
    ConfirmPairing,
    OddsUnpaired,
    SetTheo,
)
from console.core.pairing import Proof, Verdict, judge
from console.core.reasons import Reason

from .feed_story import NAMES, SETTINGS, Feeds, market, tale
from .story import A, B, M, with_values

# ---- orientation


@pytest.mark.parametrize(
    ("said", "market", "verdict"),
    [
        ((0.62, 0.38), (0.60, 0.40), Verdict.AGREE),
        ((0.62, 0.38), (0.40, 0.60), Verdict.REVERSED),
        ((0.52, 0.48), (0.51, 0.49), Verdict.EVEN),  # 1 apart, reversed 3 apart: no telling
        ((0.54, 0.46), (0.49, 0.51), Verdict.EVEN),
        ((0.545, 0.455), (0.485, 0.515), Verdict.APART),  # 6 apart, reversed 3: only 3 better
        ((0.545, 0.455), (0.455, 0.545), Verdict.REVERSED),
        ((0.70, 0.30), (0.55, 0.45), Verdict.APART),
        ((0.90, 0.10), (0.30, 0.70), Verdict.APART),  # neither this way nor the other
        ((0.45, 0.27, 0.28), (0.44, 0.27, 0.29), Verdict.AGREE),  # home and away; the draw has its name
        ((0.28, 0.27, 0.45), (0.44, 0.27, 0.29), Verdict.REVERSED),
        ((0.36, 0.28, 0.36), (0.37, 0.28, 0.35), Verdict.EVEN),
    ],
)
def test_prices_tell_the_order_of_the_outcomes_or_say_that_they_cannot(
    said: tuple[float, ...], market: tuple[float, ...], verdict: Verdict
) -> None:
    outcomes = ("home", "away") if len(said) == 2 else ("home", "Draw", "away")
    assert judge(said, [market], outcomes) is verdict


def test_without_a_price_to_hold_it_against_nothing_is_proven() -> None:
    assert judge((0.5, 0.5), [], ("home", "away")) is None


def test_a_line_proven_by_names_and_price_is_quoted_on() -> None:
    story = tale(62)
    story.pair()
    story.line(0.62, 0.38)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.PROVEN
    assert (story.source().feed, story.note()) == ("feed1", "")
    story.wait(6)
    assert story.resting() == 2


def test_an_even_market_is_taken_on_its_names_and_watched() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49)
    pairing = story.state.desks[M].pairings["feed1"]
    assert pairing.proof is Proof.NAMES
    story.wait(6)
    assert story.resting() == 2
    # The market leaves the middle, the line as its mirror: at once out, at the second poll an alert.
    market(story, 58)
    story.line(0.42, 0.58)
    assert story.resting() == 0
    assert pairing.proof is Proof.WAITING
    story.wait(30)
    story.line(0.42, 0.58)
    assert pairing.proof is Proof.DOUBTED
    assert any("say the reverse" in alert and "kalshi" in alert for alert in story.alerts())


def test_prices_the_wrong_way_round_are_kept_out_until_the_operator_looks() -> None:
    story = tale(62)
    story.pair()
    for _ in range(3):
        story.line(0.38, 0.62)
        story.wait(30)
    assert story.all(PlaceOrder) == []
    assert story.state.desks[M].reason is Reason.NO_THEO
    shown = story.source()
    assert shown.weight == 0
    assert shown.probabilities == pytest.approx((380_000, 620_000), abs=1)
    assert "prices say the reverse of Los Angeles Lakers / Boston Celtics" in shown.note
    story.line(0.62, 0.38)  # a doubt does not go away by itself
    assert story.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
    story.tell(ConfirmPairing(match=M, feed="feed1", event="e1", names=NAMES))
    story.wait(6)
    assert story.resting() == 2


def test_an_unproven_line_values_nothing_and_suspects_nobody() -> None:
    """No mark, no blend, no disagreement, no suspicion may come of it."""
    story = tale(50)
    story.odds(2.0, 2.0)
    story.wait(6)
    assert story.resting() == 2
    story.pair("other", doubt="names only 70 alike")
    for _ in range(20):
        story.line(0.80, 0.20, feed="other", source="softbook")
        story.wait(1)
    assert story.resting() == 2
    assert story.note("softbook") == "names only 70 alike"
    assert set(story.state.desks[M].board.sources) == {"pinnacle", "kalshi"}


def test_no_book_no_proof_until_one_comes() -> None:
    story = tale(62)
    story.book(A, {}, {})
    story.book(B, {}, {})
    story.pair()
    story.line(0.62, 0.38)
    story.wait(10)
    assert story.note() == "orientation: no price to prove it by yet"
    assert story.resting() == 0
    market(story, 62)  # nothing new from the feed is needed
    story.wait(6)
    assert story.resting() == 2


@pytest.mark.parametrize(
    ("books", "quote_empty", "proof"),
    [
        ((({30: 9}, {90: 9}), ({10: 9}, {70: 9})), False, Proof.NAMES),  # too wide to tell
        ((({69: 9}, {95: 9}), ({5: 9}, {31: 9})), False, Proof.WAITING),  # a bid above what it says
        ((({30: 9}, {55: 9}), ({45: 9}, {70: 9})), False, Proof.WAITING),  # an ask below
        ((({30: 9}, {}), ({}, {70: 9})), False, Proof.WAITING),  # one-sided
        ((({30: 9}, {}), ({}, {70: 9})), True, Proof.NAMES),
        ((({}, {}), ({}, {})), True, Proof.NAMES),  # whoever is first finds nobody
        ((({75: 9}, {}), ({}, {})), True, Proof.WAITING),
    ],
)
def test_where_prices_cannot_tell_names_will_do_unless_a_price_speaks_against_them(
    books: tuple[tuple[dict[float, float], dict[float, float]], ...], quote_empty: bool, proof: Proof
) -> None:
    story = tale(62, settings=with_values(SETTINGS, quote_empty=quote_empty))
    for instrument, (bids, asks) in zip((A, B), books, strict=True):
        story.book(instrument, bids, asks)
    story.pair()
    story.line(0.62, 0.38)
    story.wait(1)
    assert story.state.desks[M].pairings["feed1"].proof is proof


def test_odds_by_hand_prove_a_line_where_no_book_does() -> None:
    story = tale(62)
    story.book(A, {}, {})
    story.book(B, {}, {})
    story.tell(SetTheo(match=M, odds=(1 / 0.6, 1 / 0.4)))
    story.pair()
    story.line(0.62, 0.38)
    assert story.note() == ""


def test_a_price_that_agrees_with_nobody_waits() -> None:
    story = tale(62)
    story.pair()
    story.line(0.80, 0.20)
    story.wait(6)
    assert story.note() == "orientation: its price 80/20 agrees with nobody"
    assert story.resting() == 0
    story.line(0.62, 0.38)
    story.wait(6)
    assert story.resting() == 2


def test_a_doubt_about_names_is_settled_by_the_operator_only() -> None:
    story = tale(62)
    story.pair(doubt="names only 71 alike: A's for Athletics", confidence=71)
    story.line(0.62, 0.38)
    story.wait(10)
    assert story.resting() == 0
    assert "feed1: Los Angeles Lakers / Boston Celtics: names only 71 alike" in story.alerts()[-1]
    assert story.refusals(story.tell(ConfirmPairing(match=M, feed="feed1", event="e2", names=NAMES))) == [
        "match: feed1 is not paired with e2 so"
    ]
    story.tell(ConfirmPairing(match=M, feed="feed1", event="e1", names=NAMES))
    story.wait(6)
    assert story.resting() == 2


def test_a_proven_pairing_survives_a_market_that_ran_ahead_but_not_a_mirror_that_stays() -> None:
    story = tale(58)
    story.pair()
    story.line(0.58, 0.42)
    story.wait(6)
    market(story, 42)  # the venue moved first; the feed lags one poll
    story.line(0.58, 0.42)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.PROVEN
    story.wait(0.1)
    assert story.state.desks[M].reason in (Reason.DISAGREEMENT, Reason.STALE_THEO)
    story.line(0.42, 0.58)
    assert story.note() == ""
    for _ in range(3):
        story.wait(30)
        story.line(0.58, 0.42)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
    assert "say the reverse" in story.note()


def test_the_same_pairing_again_keeps_its_proof_another_event_begins_anew() -> None:
    story = tale(62)
    story.pair()
    story.line(0.62, 0.38)
    story.pair(confidence=98)
    assert story.note() == ""
    story.pair(event="e2")
    assert story.state.desks[M].board.sources["pinnacle"].note == "paired anew"
    assert story.state.desks[M].pairings["feed1"].proof is Proof.WAITING
    story.line(0.61, 0.39)
    assert story.note() == ""


def test_what_a_feed_cannot_pair_is_shown_with_its_reason() -> None:
    story = tale(62)
    story.tell(OddsUnpaired(match=M, feed="feed1", why="double-header: two events at 17:05 and 20:10"))
    assert story.note("feed1") == "double-header: two events at 17:05 and 20:10"
    story.pair()
    story.line(0.62, 0.38)
    story.wait(6)
    assert story.resting() == 2
    sent = story.tell(OddsUnpaired(match=M, feed="feed1", why="no longer listed"))
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.note() == "no longer paired"


def test_odds_without_a_pairing_are_not_taken() -> None:
    story = tale(62)
    story.line(0.62, 0.38)
    assert "pinnacle" not in story.state.desks[M].board.sources


def test_a_confirmed_pairing_outlives_a_restart() -> None:
    story = tale(62)
    story.pair(doubt="names only 71 alike")
    story.tell(ConfirmPairing(match=M, feed="feed1", event="e1", names=NAMES))
    kept = checkpoint.decode(checkpoint.encode(story.state))
    assert [one.event for one in kept.matches[0].confirmed] == ["e1"]
    later = Feeds(kept=checkpoint.encode(story.state), run="run2")
    later.pair(doubt="names only 71 alike")
    assert later.state.desks[M].pairings["feed1"].proof is Proof.CONFIRMED
    later.pair(event="e2", doubt="names only 71 alike")
    assert later.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
