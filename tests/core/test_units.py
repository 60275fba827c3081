"""Parsing and writing of money is exact; rounding is always against us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.units import ceil_div, clip, cost_of, decimal, micros, proceeds_of

AMOUNTS = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.29", 290_000),  # int(0.29 * 100) is 28: nothing here goes through a float
        ("0.4500", 450_000),
        ("1", 1_000_000),
        ("-40.00", -40_000_000),
        ("+1.5", 1_500_000),
        (".5", 500_000),
        ("0.000001", 1),
        ("0.0000010", 1),  # zeros beyond the scale lose nothing
        ("0.1000000000", 100_000),
        ("007.50", 7_500_000),
        ("123456789.123456", 123_456_789_123_456),
        ("-0.000001", -1),
        ("-0", 0),
    ],
)
def test_decimals_are_read_exactly(text: str, value: int) -> None:
    assert micros(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "+", ".", "1.", "-.", "1e3", "0.1e1", " 1", "1 ", "1,000", "1_000", "nan", "inf"),
        *("--1", "+-1", "0x1", "1.2.3", "½", "١٢", "1.²", "$1", "1.-5", "0.0000001", "0.1234567"),
    ],
)
def test_anything_but_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        micros(text)


def test_a_digit_beyond_the_sixth_is_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match="more than 6 decimals"):
        micros("0.4500001")


@given(AMOUNTS)
def test_writing_and_reading_returns_the_same_amount(value: int) -> None:
    assert micros(decimal(value)) == value


@given(AMOUNTS, st.integers(min_value=0, max_value=6))
def test_fewer_places_are_written_only_when_nothing_is_lost(value: int, places: int) -> None:
    if value % 10 ** (6 - places):
        with pytest.raises(ValueError):
            decimal(value, places)
    else:
        assert micros(decimal(value, places)) == value


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (450_000, 2, "0.45"),
        (-450_000, 4, "-0.4500"),
        (1_000_000, 0, "1"),
        (0, 2, "0.00"),
        (-3_000_000, 0, "-3"),
    ],
)
def test_amounts_are_written_with_the_places_asked_for(value: int, places: int, text: str) -> None:
    assert decimal(value, places) == text


def test_costs_round_up_and_proceeds_down() -> None:
    # a third of a contract at 45 cents: 0.333333 * 0.45 = 0.14999985 dollars
    assert cost_of(450_000, 333_333) == 150_000
    assert proceeds_of(450_000, 333_333) == 149_999
    assert cost_of(450_000, 10_000_000) == proceeds_of(450_000, 10_000_000) == 4_500_000


@given(st.integers(0, 10**6), st.integers(0, 10**12))
def test_a_round_trip_never_makes_money(price: int, size: int) -> None:
    assert 0 <= cost_of(price, size) - proceeds_of(price, size) <= 1


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**9))
def test_ceil_div_is_the_smallest_whole_number_not_below(numerator: int, denominator: int) -> None:
    quotient = ceil_div(numerator, denominator)
    assert (quotient - 1) * denominator < numerator <= quotient * denominator


def test_clip_bounds_both_ways() -> None:
    assert [clip(value, -2, 5) for value in (-3, -2, 0, 5, 6)] == [-2, -2, 0, 5, 5]
