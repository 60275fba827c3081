"""What a fill costs, against the printed fee tables and against every fragmentation of an order."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.fees import (
    KALSHI_MAKER,
    KALSHI_MAKER_COMBO,
    KALSHI_TAKER,
    KALSHI_UNIT_BROKER,
    KALSHI_UNIT_DIRECT,
    NO_FEES,
    FeeKind,
    FeeModel,
    commission_of,
    fee_of_fill,
    fee_per_contract,
    worst_fee_per_contract,
)

DIRECT = FeeModel(maker_rate=KALSHI_MAKER, taker_rate=KALSHI_TAKER, unit=KALSHI_UNIT_DIRECT)
BROKER = FeeModel(maker_rate=KALSHI_MAKER, taker_rate=KALSHI_TAKER, unit=KALSHI_UNIT_BROKER, per_order=True)
TWO_PERCENT = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000, taker_rate=20_000)

# The exchange's table: contracts, price in cents, then dollars: taker to the cent, taker direct, maker to
# the cent, maker direct.
TABLE = [
    (1, 50, 0.02, 0.0175, 0.01, 0.0044),
    (10, 50, 0.18, 0.1750, 0.05, 0.0438),
    (100, 50, 1.75, 1.7500, 0.44, 0.4375),
    (100, 25, 1.32, 1.3125, 0.33, 0.3282),
    (100, 75, 1.32, 1.3125, 0.33, 0.3282),
    (100, 10, 0.63, 0.6300, 0.16, 0.1575),
    (100, 90, 0.63, 0.6300, 0.16, 0.1575),
    (100, 5, 0.34, 0.3325, 0.09, 0.0832),
    (100, 95, 0.34, 0.3325, 0.09, 0.0832),
    (100, 1, 0.07, 0.0693, 0.02, 0.0174),
    (100, 99, 0.07, 0.0693, 0.02, 0.0174),
]


@pytest.mark.parametrize(("count", "price", "taker_cent", "taker", "maker_cent", "maker"), TABLE)
def test_fees_are_those_of_the_printed_table(
    count: int, price: int, taker_cent: float, taker: float, maker_cent: float, maker: float
) -> None:
    def dollars(model: FeeModel, *, maker: bool) -> float:
        return fee_of_fill(model, price * 10_000, count * 1_000_000, maker) / 1e6

    assert dollars(BROKER, maker=False) == pytest.approx(taker_cent)
    assert dollars(DIRECT, maker=False) == pytest.approx(taker)
    assert dollars(BROKER, maker=True) == pytest.approx(maker_cent)
    # the table prints four decimals of 0.32815625 etc. rounded up
    assert dollars(DIRECT, maker=True) == pytest.approx(maker, abs=1e-9)


def test_combo_makers_pay_half_of_the_taker_rate() -> None:
    combo = FeeModel(maker_rate=KALSHI_MAKER_COMBO, taker_rate=KALSHI_TAKER, unit=KALSHI_UNIT_DIRECT)
    assert fee_of_fill(combo, 500_000, 100_000_000, maker=True) == 875_000


def test_the_expected_fee_of_a_contract_is_rounded_up() -> None:
    # 0.0175 * 0.5 * 0.5 = 0.004375; 0.0175 * 0.33 * 0.67 = 0.003869...
    assert fee_per_contract(DIRECT, 500_000, fair=0) == 4_375
    assert fee_per_contract(DIRECT, 330_000, fair=0) == 3_870
    assert fee_per_contract(DIRECT, 500_000, fair=0, maker=False) == 17_500


def test_no_fee_model_costs_nothing() -> None:
    assert fee_per_contract(NO_FEES, 500_000, 500_000) == 0
    assert fee_of_fill(NO_FEES, 500_000, 10**9, maker=False) == 0
    assert worst_fee_per_contract(NO_FEES, 500_000, 500_000, 10_000_000, 10) == 0


def test_a_commission_weighs_the_net_winnings_with_the_chance_to_win() -> None:
    # the favourite of -110/+100 at even money: .5116 * 2 % * 50 cents = .51 cents
    assert fee_per_contract(TWO_PERCENT, 500_000, fair=511_628) == 5_117
    assert fee_of_fill(TWO_PERCENT, 500_000, 100_000_000, maker=True) == 0
    assert commission_of(TWO_PERCENT, 100_000_000, 50_000_000) == 1_000_000
    assert commission_of(TWO_PERCENT, 210_000_000, 100_000_000) == 2_200_000  # $100 to win $110
    assert commission_of(DIRECT, 100_000_000, 50_000_000) == 0


def test_a_commission_is_rounded_up_to_the_cents_it_is_taken_in() -> None:
    cents = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000, unit=10_000)
    assert commission_of(cents, 66_660_000, 33_330_000) == 670_000  # 2 % of 33.33 is 0.6666
    assert commission_of(cents, 210_000_000, 100_000_000) == 2_200_000
    assert commission_of(cents, 1_000_000, 990_000) == 10_000


PRICES = st.integers(1, 99).map(lambda cents: cents * 10_000)
RATES = st.sampled_from([KALSHI_MAKER, KALSHI_MAKER_COMBO, KALSHI_TAKER])


@given(PRICES, RATES, st.lists(st.integers(1, 500), min_size=1, max_size=10))
def test_the_worst_fee_covers_every_fragmentation_into_the_expected_fills(
    price: int, rate: int, pieces: list[int]
) -> None:
    model = FeeModel(maker_rate=rate, unit=KALSHI_UNIT_DIRECT)
    size = sum(pieces) * 1_000_000
    charged = sum(fee_of_fill(model, price, piece * 1_000_000, maker=True) for piece in pieces)
    promised = worst_fee_per_contract(model, price, 0, size, len(pieces)) * sum(pieces)
    assert charged <= promised


@given(PRICES, RATES, st.integers(1, 500), st.integers(1, 10))
def test_behind_a_broker_one_rounding_an_order_is_covered(
    price: int, rate: int, count: int, fills: int
) -> None:
    model = FeeModel(maker_rate=rate, unit=KALSHI_UNIT_BROKER, per_order=True)
    exact = rate * price * (1_000_000 - price) * count / 1e12
    charged = ceil(exact / 10_000 - 1e-9) * 10_000  # the order as a whole, to the next cent
    assert charged <= worst_fee_per_contract(model, price, 0, count * 1_000_000, fills) * count


@given(PRICES, st.integers(1, 500))
def test_the_fee_is_the_same_from_either_leg(price: int, count: int) -> None:
    size = count * 1_000_000
    assert fee_of_fill(DIRECT, price, size, maker=True) == fee_of_fill(
        DIRECT, 1_000_000 - price, size, maker=True
    )
