"""Legal prices: cent, sub-cent and tapered grids, and American odds ladders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.ladders import (
    Band,
    Ladder,
    american_of_price,
    banded,
    even,
    from_american,
    price_of_american,
)

ONE = 1_000_000
CENTS = even("cents", 10_000)
DECI = even("deci-cents", 1_000)
TAPERED = banded(
    "tapered", [Band(0, 100_000, 1_000), Band(100_000, 900_000, 10_000), Band(900_000, 1_000_000, 1_000)]
)
AMERICAN = tuple(range(-9_970, -100)) + tuple(range(100, 9_971))
STEPS = [(100, 120, 1), (120, 200, 2), (200, 300, 5), (300, 500, 10), (500, 1_000, 20), (1_000, 2_000, 100)]
STEPS += [(2_000, 3_000, 250), (3_000, 5_000, 500), (5_000, 10_001, 2_500)]
# a betting exchange lists even money once, as +100
LISTED = [odds for start, end, step in STEPS for odds in range(start, end, step)]
VENUE_ODDS = (*LISTED, *(-odds for odds in LISTED if odds != 100))
ODDS = from_american("odds", VENUE_ODDS)

PRICES = st.integers(min_value=-100_000, max_value=1_100_000)
LADDERS = st.sampled_from([CENTS, DECI, TAPERED, ODDS])


def test_a_cent_grid_has_99_rungs_between_0_and_a_dollar() -> None:
    assert len(CENTS) == 99
    assert (CENTS.prices[0], CENTS.prices[-1]) == (10_000, 990_000)
    assert 0 not in CENTS
    assert 1_000_000 not in CENTS
    assert 455_000 not in CENTS


def test_a_sub_cent_grid_has_999_rungs() -> None:
    assert len(DECI) == 999
    assert 455_000 in DECI
    assert 455_500 not in DECI


def test_a_tapered_grid_is_fine_at_both_ends_and_coarse_between() -> None:
    assert len(TAPERED) == 99 + 81 + 99  # 0.1..9.9, 10..90, 90.1..99.9 cents
    assert TAPERED.down(99_900) == 99_000
    assert TAPERED.down(455_555) == 450_000
    assert TAPERED.up(455_555) == 460_000
    assert TAPERED.above(900_000) == 901_000
    assert TAPERED.below(900_000) == 890_000
    assert TAPERED.tick_at(99_500) == 1_000
    assert TAPERED.tick_at(100_000) == 10_000
    assert TAPERED.tick_at(899_999) == 10_000
    assert TAPERED.tick_at(900_000) == 1_000


def test_bids_round_down_and_asks_up() -> None:
    assert (CENTS.down(459_999), CENTS.up(450_001)) == (450_000, 460_000)
    assert (CENTS.down(450_000), CENTS.up(450_000)) == (450_000, 450_000)


def test_there_is_nothing_below_the_lowest_or_above_the_highest_rung() -> None:
    assert CENTS.down(9_999) is None
    assert CENTS.up(990_001) is None
    assert CENTS.below(10_000) is None
    assert CENTS.above(990_000) is None
    assert CENTS.down(5_000_000) == 990_000
    assert CENTS.up(-5) == 10_000


@given(LADDERS, PRICES)
def test_rounding_finds_the_nearest_legal_price_on_its_side(ladder: Ladder, price: int) -> None:
    assert ladder.down(price) == max((p for p in ladder.prices if p <= price), default=None)
    assert ladder.up(price) == min((p for p in ladder.prices if p >= price), default=None)
    assert ladder.below(price) == max((p for p in ladder.prices if p < price), default=None)
    assert ladder.above(price) == min((p for p in ladder.prices if p > price), default=None)


@given(LADDERS, st.integers(0, 1_000_000))
def test_a_tick_leads_from_a_rung_to_the_next(ladder: Ladder, price: int) -> None:
    rung = ladder.down(price)
    if rung is not None and ladder.above(rung) is not None:
        assert rung + ladder.tick_at(price) == ladder.above(rung)
    else:
        assert ladder.tick_at(price) > 0


def test_cent_grids_are_symmetric_and_the_other_leg_has_the_same_prices() -> None:
    assert CENTS.symmetric
    assert DECI.symmetric
    assert TAPERED.symmetric
    assert not Ladder("lopsided", [300_000, 600_000]).symmetric


@pytest.mark.parametrize(
    "bands",
    [
        [Band(0, 1_000_000, 0)],
        [Band(0, 1_000_000, 30_000)],
        [Band(500_000, 500_000, 10_000)],
        [Band(9, 5, 1)],
    ],
)
def test_a_band_that_is_no_whole_number_of_steps_is_refused(bands: list[Band]) -> None:
    with pytest.raises(ValueError, match="whole number of steps"):
        banded("broken", bands)


@pytest.mark.parametrize("prices", [[], [0], [1_000_000], [-5, 10], [500_000, 1_200_000]])
def test_a_ladder_leaves_no_rung_at_or_beyond_0_and_1(prices: list[int]) -> None:
    with pytest.raises(ValueError):
        Ladder("broken", prices)


# ---- American odds


@pytest.mark.parametrize(
    ("odds", "price"),
    [
        (-110, 523_810),  # 110/210
        (110, 476_190),  # 100/210
        (100, 500_000),
        (-100, 500_000),
        (150, 400_000),  # 100/250
        (-150, 600_000),
        (-10_000, 990_099),  # 10000/10100
        (10_000, 9_901),
    ],
)
def test_american_odds_cost_stake_over_payout(odds: int, price: int) -> None:
    assert price_of_american(odds) == price


def test_every_rung_of_a_venues_odds_ladder_converts_back_exactly() -> None:
    assert len(VENUE_ODDS) == 291
    assert len(ODDS) == 291
    assert [odds for odds in VENUE_ODDS if american_of_price(price_of_american(odds)) != odds] == []


def test_every_whole_american_price_up_to_9970_converts_back_exactly() -> None:
    assert [odds for odds in AMERICAN if american_of_price(price_of_american(odds)) != odds] == []


def test_even_money_is_one_rung_with_two_spellings() -> None:
    assert american_of_price(price_of_american(-100)) == 100
    assert len(from_american("both", (-100, 100))) == 1


def test_longer_odds_are_cheaper_and_no_two_share_a_rung() -> None:
    assert len(from_american("all", AMERICAN)) == len(AMERICAN)
    prices = [price_of_american(odds) for odds in range(100, 9_971)]
    assert prices == sorted(prices, reverse=True)
    favourites = [price_of_american(odds) for odds in range(-9_970, -100)]
    assert favourites == sorted(favourites, reverse=True)


@pytest.mark.parametrize("odds", [0, 99, -99, 1, -1])
def test_american_odds_below_100_do_not_exist(odds: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        price_of_american(odds)


@pytest.mark.parametrize("price", [0, 1_000_000, -1, 1_000_001])
def test_no_odds_belong_to_a_price_outside_the_dollar(price: int) -> None:
    with pytest.raises(ValueError, match="strictly between"):
        american_of_price(price)


@pytest.mark.parametrize(
    "band", [Band(0, 10**30, 10_000), Band(-10_000, ONE, 10_000), Band(0, 2 * ONE, 10_000)]
)
def test_a_band_beyond_a_dollar_is_refused_before_its_rungs_are_counted(band: Band) -> None:
    with pytest.raises(ValueError, match="leaves 0 to 1 dollar"):
        banded("huge", [band])
