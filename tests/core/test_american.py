"""American odds in whole numbers: winnings, the other side's odds, contracts as stakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.american import (
    american_of_decimal,
    contracts_of,
    opposite,
    stake_of,
    stake_within,
    winnings,
)
from console.core.ladders import american_of_price, from_american, price_of_american
from console.core.odds import OddsStyle, parse_odds, spell
from console.core.units import CENT

from .story import contracts, dollars

EXAMPLES = Path(__file__).parents[1] / "venues" / "prophetx" / "examples"
LADDER = json.loads((EXAMPLES / "odds_ladder_291_response.json").read_text())["data"]
RUNGS = from_american("odds", LADDER)
VECTORS = json.loads((EXAMPLES / "maker_taker_vectors.json").read_text())["cases"]

ODDS = st.integers(100, 10_000) | st.integers(-10_000, -101)
CENTS = st.integers(1, 20_000_000)


@pytest.mark.parametrize(
    ("stake", "odds", "won"),
    [
        (100, 110, 110),
        (100, 100, 100),
        (110, -110, 100),
        (1, -110, 0.9),  # 0.909 dollars: what is not paid is not counted
        (0.01, -110, 0),
        (40, 120, 48),
    ],
)
def test_a_stake_wins_stake_times_the_odds_down_to_the_cent(stake: float, odds: int, won: float) -> None:
    assert winnings(dollars(stake), odds) == dollars(won)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['maker_odds']:+d}")
def test_maker_and_taker_win_what_the_other_stakes(case: dict[str, float]) -> None:
    maker, taker = int(case["maker_odds"]), int(case["taker_odds"])
    assert opposite(maker) == taker
    assert winnings(dollars(case["maker_stake"]), maker) == dollars(case["maker_profit"])
    assert winnings(dollars(case["taker_stake"]), taker) == dollars(case["maker_stake_matched"])
    assert winnings(dollars(case["maker_stake_matched"]), maker) == dollars(case["taker_stake"])


def test_even_money_is_plus_100_on_both_sides() -> None:
    assert opposite(100) == opposite(-100) == 100
    assert american_of_decimal(2.0) == american_of_decimal(1.9999) == 100


@pytest.mark.parametrize("odds", [0, 99, -99])
def test_there_are_no_odds_between_minus_100_and_plus_100(odds: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        winnings(dollars(1), odds)


def test_a_hundred_dollars_at_plus_110_are_210_contracts() -> None:
    assert contracts_of(dollars(100), 110) == contracts(210)
    assert stake_of(contracts(210), 110) == dollars(100)
    assert stake_of(contracts(209.99), 110) == dollars(99.99)


@given(CENTS, ODDS)
def test_a_stake_never_makes_more_contracts_than_asked_and_a_cent_more_would(size: int, odds: int) -> None:
    stake = stake_of(size * CENT, odds)
    assert stake % CENT == 0
    assert contracts_of(stake, odds) <= size * CENT < contracts_of(stake + CENT, odds)


@given(CENTS, ODDS)
def test_contracts_turn_back_into_the_stake_they_came_from(cents: int, odds: int) -> None:
    held = contracts_of(cents * CENT, odds)
    assert contracts_of(stake_of(held, odds), odds) == held


# ---- every rung in every spelling


@pytest.mark.parametrize("odds", LADDER)
def test_a_rung_comes_back_from_every_spelling(odds: int) -> None:
    price = price_of_american(odds)
    assert american_of_price(price) == odds
    for style in OddsStyle:
        typed = 1_000_000 / parse_odds(spell(price, style))
        assert min(RUNGS.prices, key=lambda rung: abs(rung - typed)) == price, style
    assert abs(american_of_price(1_000_000 - price)) == abs(odds)
    assert opposite(opposite(odds)) == odds


def test_a_price_is_spelled_three_ways() -> None:
    assert [spell(476_190, style) for style in OddsStyle] == ["+110", "2.1000", "47.62%"]
    assert [spell(500_000, style) for style in OddsStyle] == ["+100", "2.0000", "50.00%"]
    assert spell(523_810, OddsStyle.AMERICAN) == "-110"


@pytest.mark.parametrize("written", [1.909, 1.91, 1.9091, 1.90909])
def test_a_feed_that_rounds_its_decimals_still_says_minus_110(written: float) -> None:
    assert american_of_decimal(written) == -110


def test_a_stake_within_a_size_never_costs_a_cent_more():
    """82 cents of payout at +150 come of 33 cents staked, but 33 cents are more than 40 % of 82."""
    assert stake_of(820_000, 150) == 330_000
    assert stake_within(820_000, 150) == 320_000
    assert stake_within(210_000_000, 110) == 100_000_000
