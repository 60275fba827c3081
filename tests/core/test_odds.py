"""What a person types as a price: three spellings, and one clear line for everything else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.devig import OddsError
from console.core.odds import american, parse_line, parse_odds


@pytest.mark.parametrize(
    ("text", "odds"),
    [
        ("-110", 1 + 100 / 110),
        ("\N{MINUS SIGN}110", 1 + 100 / 110),
        ("+150", 2.5),
        ("150", 2.5),
        ("+100", 2.0),
        ("-100", 2.0),
        ("-10000", 1.01),
        ("1.91", 1.91),
        ("2", 2.0),
        ("101.0", 101.0),  # a point makes it decimal
        ("52.4%", 1 / 0.524),
        ("50%", 2.0),
        ("0.5", 2.0),
        (".25", 4.0),
        ("52.4c", 1 / 0.524),
        ("40¢", 2.5),
        ("  1.91  ", 1.91),
    ],
)
def test_every_spelling_is_read(text: str, odds: float) -> None:
    assert parse_odds(text) == pytest.approx(odds, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "abc", "1.9.1", "--110", "%", "c", "0", "1", "1.0", "-1", "-50", "+99", "-99.5"),
        *("0%", "100%", "120%", "-5%", "nan", "inf", "-inf", "1,91", "evens", "1/2", "0.0", "-0.5"),
    ],
)
def test_what_is_no_price_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(OddsError) as refused:
        parse_odds(text)
    message = str(refused.value)
    assert message.startswith("odds: ")
    assert "\n" not in message
    assert 10 < len(message) < 110


@pytest.mark.parametrize(
    ("text", "chances"),
    [
        ("58 42", (0.58, 0.42)),
        ("57.5, 42.5", (0.575, 0.425)),
        ("45 27 28", (0.45, 0.27, 0.28)),
        ("60 44", (0.60, 0.44)),  # with a margin
        ("3 97", (0.03, 0.97)),
        ("58% 42%", (0.58, 0.42)),
        ("58c 42c", (0.58, 0.42)),
        ("0.58 0.42", (0.58, 0.42)),
        ("1.72 2.38", (1 / 1.72, 1 / 2.38)),
        ("1.05 13", (1 / 1.05, 1 / 13)),
        ("1.02 51", (1 / 1.02, 1 / 51)),
    ],
)
def test_chances_typed_naturally_are_never_taken_for_odds(text: str, chances: tuple[float, ...]) -> None:
    assert parse_line(text, len(chances)) == pytest.approx([1 / p for p in chances])


@pytest.mark.parametrize("text", ["1.05 98.95", "1.5 98.5", "99 1.01", "1.3 1.3", "+200 +250", "58% 4"])
def test_a_line_that_could_mean_two_things_or_no_market_is_refused(text: str) -> None:
    with pytest.raises(OddsError) as refused:
        parse_line(text, 2)
    assert 20 < len(str(refused.value)) < 110


@pytest.mark.parametrize("text", ["-110 +100", "-110,+100", "-110/+100", " -110  , +100 ", "1.909091 2.0"])
def test_a_line_has_a_price_for_each_outcome(text: str) -> None:
    assert parse_line(text, 2) == pytest.approx((1.909091, 2.0), abs=1e-6)


@pytest.mark.parametrize(("text", "outcomes"), [("-110", 2), ("1.9 1.9 1.9", 2), ("", 2), ("1.9 1.9", 3)])
def test_a_line_with_another_number_of_prices_is_refused(text: str, outcomes: int) -> None:
    with pytest.raises(OddsError, match=f"for {outcomes} outcomes"):
        parse_line(text, outcomes)


@pytest.mark.parametrize(
    ("odds", "text"),
    [(1 + 100 / 110, "-110"), (2.5, "+150"), (2.0, "+100"), (1.01, "-10000"), (101.0, "+10000")],
)
def test_odds_are_written_the_american_way(odds: float, text: str) -> None:
    assert american(odds) == text


@given(st.integers(101, 9_999), st.booleans())
def test_american_odds_survive_reading_and_writing(value: int, favourite: bool) -> None:
    text = f"-{value}" if favourite else f"+{value}"
    assert american(parse_odds(text)) == text


@given(st.text(max_size=8))
def test_reading_either_works_or_refuses(text: str) -> None:
    with suppress(OddsError):
        assert parse_odds(text) > 1.0
