"""Matches of the pretended world: the catalogue, the truth as it moves, and the bookmakers' view of it."""

import math
import random

import pytest

from console.core.devig import Method, devig
from console.core.events import OddsSuspended, OddsUpdate
from console.core.instruments import Venue, VoidRule
from console.core.ladders import american_of_price, price_of_american
from console.core.units import ONE, SECOND
from console.sim.bookmakers import Bookmaker
from console.sim.games import Game, Stage
from console.sim.listings import catalogue, prophetx_odds

WALL = 1_795_284_000 * SECOND  # 2026-11-21 18:00 UTC
FIXTURES = catalogue(WALL)
BY_ID = {fixture.match.id: fixture for fixture in FIXTURES}


def game(match: str = "nba-bos-den", seed: int = 1) -> tuple[Game, random.Random]:
    return Game(BY_ID[match], form=0.0, void=False), random.Random(seed)


def play(course: Game, dice: random.Random, steps: int = 400) -> None:
    """Play a match from its start to its end."""
    match = course.fixture.match
    length = match.end - match.start
    course.stage = Stage.LIVE
    for step in range(1, steps + 1):
        course.step(match.start + length * step // steps, length / steps / SECOND, dice)


# ---- the catalogue


@pytest.mark.parametrize("fixture", FIXTURES, ids=list(BY_ID))
def test_every_match_makes_sense(fixture):
    assert fixture.match.defect() is None
    assert set(fixture.specs) == {listing.instrument for listing in fixture.match.listings}
    for spec in fixture.specs.values():
        assert len(spec.ladder()) >= 99
        assert spec.rules_hash


def test_catalogue_covers_what_a_trader_meets():
    assert len(FIXTURES) == 9
    assert {fixture.match.sport for fixture in FIXTURES} == {
        "MLB", "CS2", "La Liga", "NBA", "Tennis", "NHL", "EPL", "NFL",
    }  # fmt: skip
    assert sum(len(fixture.match.outcomes) == 3 for fixture in FIXTURES) == 2
    rules = {(i.venue, s.void_rule, s.two_sided) for f in FIXTURES for i, s in f.specs.items()}
    assert rules == {
        (Venue.KALSHI, VoidRule.FAIR, True),
        (Venue.POLYMARKET, VoidRule.HALF, False),
        (Venue.PROPHETX, VoidRule.REFUND, False),
    }


def test_symbols_look_like_those_of_their_venues():
    symbols = [listing.instrument.symbol for fixture in FIXTURES for listing in fixture.match.listings]
    assert len(set(symbols)) == len(symbols)
    assert "KXNBAGAME-26NOV21BOSDEN-BOS" in symbols
    assert "KXLALIGAGAME-26NOV21VALCBR-TIE" in symbols
    assert "KXNFLGAME-26NOV22DALGB-GB" in symbols  # six hours later it is the next day
    assert "atp-nov-alv-2026-11-21-nov" in symbols


def test_two_matches_start_within_minutes_and_most_in_hours():
    minutes = sorted((fixture.match.start - WALL) // (60 * SECOND) for fixture in FIXTURES)
    assert minutes[:2] == [5, 9]
    assert sum(start >= 120 for start in minutes) == 6
    assert max(f.match.end - WALL for f in FIXTURES if f.match.start - WALL < 600 * SECOND) == 1020 * SECOND


def test_prophetx_ladder_is_the_venues():
    odds = prophetx_odds()
    assert len(odds) == len(set(odds)) == 291
    assert (odds[0], odds[-1]) == (-10_000, 10_000)
    assert -100 not in odds
    assert all(american_of_price(price_of_american(value)) == value for value in odds)


# ---- the truth


def test_probabilities_follow_from_the_lead():
    """Lead of 0.10 standard deviations: 53.98 %; with a tie band of 0.36 and 0.25: 45.62 / 27.29 / 27.09."""
    two, _ = game()
    three, _ = game("lal-val-cbr")
    assert two.fair == pytest.approx([0.539828, 0.460172], abs=1e-6)
    assert three.fair == pytest.approx([0.456205, 0.272864, 0.270931], abs=1e-6)


@pytest.mark.parametrize("match", list(BY_ID))
def test_match_ends_in_certainty(match):
    sure = 0
    for seed in range(20):
        course, dice = game(match, seed)
        play(course, dice)
        assert course.fair[course.result] == max(course.fair)
        assert math.fsum(course.fair) == pytest.approx(1.0)
        assert sum(course.payout((outcome,)) for outcome in range(len(course.fair))) == ONE
        sure += max(course.fair) > 0.99
    assert sure >= 17  # the others are decided by the last moment itself


def test_match_is_a_fair_game():
    """Over many plays the first outcome wins as often as was said before the start: 600 plays, 3 sigma."""
    wins = 0
    for seed in range(600):
        course, dice = game("mlb-sea-hou", seed)
        play(course, dice)
        wins += course.result == 0
    expected = game("mlb-sea-hou")[0].fair[0]
    assert abs(wins / 600 - expected) < 3 * math.sqrt(expected * (1 - expected) / 600)


def test_prematch_price_wanders_a_few_cents_an_hour():
    moves = []
    for seed in range(60):
        course, dice = game("nba-bos-den", seed)
        before = course.fair[0]
        for _ in range(3600):
            course.step(WALL, 1.0, dice)
        moves.append(course.fair[0] - before)
    deviation = math.sqrt(sum(move * move for move in moves) / len(moves))
    assert 0.04 < deviation < 0.14
    assert abs(sum(moves) / len(moves)) < 3 * deviation / math.sqrt(len(moves))


def test_public_follows_the_truth_with_a_delay():
    course, dice = game()
    course.strength = 0.5
    course.step(WALL, 0.001, dice)
    assert course.shocked
    assert course.believed[0] == pytest.approx(0.54, abs=0.01)
    for _ in range(30):
        course.step(WALL, 1.0, dice)
    assert not course.shocked
    assert course.believed == pytest.approx(course.fair, abs=0.01)


# ---- the bookmakers


def open_book(course: Game, dice: random.Random, error: float = 0.0) -> Bookmaker:
    pinnacle = Bookmaker("pinnacle", margin=0.035, step=0.004, error=error, dice=dice)
    pinnacle.open_line(course)
    return pinnacle


def test_odds_carry_the_margin_and_nothing_else():
    course, dice = game()
    update = open_book(course, dice).poll(course, WALL)
    assert isinstance(update, OddsUpdate)
    assert (update.source, update.match, update.provider_wall) == ("pinnacle", "nba-bos-den", WALL)
    answer = devig(update.odds)
    assert answer.overround == pytest.approx(0.035, abs=0.001)
    assert answer.probabilities[Method.MULTIPLICATIVE] == pytest.approx(course.believed, abs=0.001)


def test_line_stands_until_the_public_is_a_step_away():
    course, dice = game()
    pinnacle = open_book(course, dice)
    first = pinnacle.poll(course, WALL).odds
    course.believed = [course.believed[0] + 0.003, course.believed[1] - 0.003]
    assert pinnacle.poll(course, WALL).odds == first
    course.believed = [course.believed[0] + 0.003, course.believed[1] - 0.003]
    assert pinnacle.poll(course, WALL).odds != first


def test_line_comes_down_once_while_the_match_is_shocked_and_after_its_end():
    course, dice = game()
    pinnacle = open_book(course, dice)
    pinnacle.poll(course, WALL)
    course.fair = [course.fair[0] + 0.1, course.fair[1] - 0.1]
    assert pinnacle.poll(course, WALL) == OddsSuspended(match="nba-bos-den", source="pinnacle")
    assert pinnacle.poll(course, WALL) is None
    course.believed = list(course.fair)
    assert isinstance(pinnacle.poll(course, WALL), OddsUpdate)
    course.stage = Stage.ENDED
    assert isinstance(pinnacle.poll(course, WALL), OddsSuspended)


def test_opinions_of_a_book_differ_from_the_publics():
    course, dice = game()
    odds = open_book(course, dice, error=0.01).odds(course)
    implied = [1 / price for price in odds]
    assert abs(implied[0] / sum(implied) - course.believed[0]) > 0.001
