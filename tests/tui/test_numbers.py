"""Numbers as they are typed: natural, exact, and never misunderstood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.settings import AccountSettings, MatchSettings, SettingError
from console.core.units import CENT, ONE, decimal, micros
from console.tui.numbers import (
    NumberError,
    contracts_of,
    dollars_of,
    echoed,
    natural,
    price_of,
    setting,
    settled,
)
from console.tui.taste import Odds


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("10", "10"),
        (" 1,000 ", "1000"),
        ("1,234,567.5", "1234567.5"),
        ("1k", "1000"),
        ("1.5k", "1500"),
        ("2.25m", "2250000"),
        ("1.23456k", "1234.56"),
        ("$50", "50"),
        ("-$12.50", "-12.50"),
        ("\N{MINUS SIGN}25", "-25"),
        (".5k", "500"),
        ("10_000", "10000"),
        ("45¢", "45"),
        ("1,00", "1,00"),  # no grouping anybody uses: left alone, and then refused
        ("off", "off"),
    ],
)
def test_clothes_are_taken_off(typed: str, plain: str) -> None:
    assert natural(typed) == plain


@given(st.integers(-(10**12), 10**12))
def test_grouped_numbers_mean_themselves(millionths: int) -> None:
    plain = decimal(millionths)
    whole, _, fraction = plain.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    grouped = f"{sign}{int(digits):,}.{fraction}"
    assert micros(natural(grouped)) == millionths


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("45", 45),
        ("45¢", 45),
        ("45.5", 45.5),
        ("45c", 45),
        ("45%", 45),
        ("$0.45", 45),
        ("+100", 50),
        ("-300", 75),
    ],
)
def test_price_in_every_spelling(typed: str, cents: float) -> None:
    assert price_of(typed) == round(cents * CENT)


def test_bare_number_is_odds_where_odds_are_shown() -> None:
    assert price_of("2", Odds.DECIMAL) == 50 * CENT
    assert price_of("2") == 2 * CENT
    assert price_of("45¢", Odds.DECIMAL) == 45 * CENT
    assert price_of("150", Odds.AMERICAN) == 40 * CENT


@pytest.mark.parametrize(
    "typed", ["", "0", "100", "101", "-5", "abc", "$1", "$0", "1e3", "45.12345678", "+50"]
)
def test_no_price_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(NumberError) as refused:
        price_of(typed)
    assert "\n" not in str(refused.value)


def test_price_is_echoed_in_every_spelling() -> None:
    assert echoed(40 * CENT) == "40¢ = 2.500 = +150"


def test_contracts_and_dollars_are_signed_and_exact() -> None:
    assert contracts_of("-1.5k") == -1_500 * ONE
    assert dollars_of("$1,234.56") == 1_234_560_000
    for text in ("", "ten", "1.2345678"):
        with pytest.raises(NumberError):
            contracts_of(text)


def test_settings_are_read_in_their_clothes_and_sent_without() -> None:
    assert setting(MatchSettings, "contracts", "1k") == 1_000 * ONE
    assert setting(AccountSettings, "daily_loss", "$1,500") == 1_500 * ONE
    assert setting(MatchSettings, "edge_min", "1.5¢") == 15_000
    assert setting(MatchSettings, "fill_rate", "off") is None
    assert settled("1,500") == "1500"
    assert settled(" multiplicative, power ") == "multiplicative, power"
    with pytest.raises(SettingError):
        setting(MatchSettings, "retest_s", "1.5")
