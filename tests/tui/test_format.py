from __future__ import annotations

import pytest

from console.core.units import Nanos
from console.tui import format as fmt

HOUR = 3_600 * 10**9


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (620_000, 2, "62   "),
        (615_000, 2, "61.5 "),
        (523_810, 2, "52.38"),
        (73_800, 2, " 7.38"),
        (620_000, 0, "62"),
        (999_900, 1, "99.9"),
        (-7_000, 1, "-0.7"),
        (None, 2, " -"),
    ],
)
def test_prices_line_up_at_their_point_and_are_cut_against_us(
    value: int | None, places: int, text: str
) -> None:
    assert fmt.price(value, places) == text


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (12_400_000, 9, "+12.40"),
        (-3_101_000, 9, "-3.11"),  # a loss is never shown smaller than it is
        (0, 9, "·"),
        (None, 9, "-"),
        (1_234_567_890_000, 13, "+1,234,567.89"),
        (1_234_567_890_000, 10, "+1,234,567"),
        (1_234_567_890_000, 7, "+1,234k"),
    ],
)
def test_cash_is_signed_and_drops_cents_rather_than_pass_its_width(
    value: int | None, width: int, text: str
) -> None:
    assert fmt.cash(value, width) == text


@pytest.mark.parametrize(
    ("value", "width", "signed", "text"),
    [
        (150_000_000, 7, True, "+150"),
        (-80_000_000, 7, True, "-80"),
        (7_500_000, 6, False, "7.5"),
        (1_234_560_000, 7, False, "1,234.5"),
        (12_345_678_000_000, 5, False, "12,345k"),
        (0, 7, True, "·"),
        (1_000, 7, False, "0"),
    ],
)
def test_contracts_are_whole_when_they_are(value: int, width: int, signed: bool, text: str) -> None:
    assert fmt.contracts(value, width, signed) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-1, "-"),
        (0, "<1s"),
        (340, "<1s"),
        (9_999, "10.0s"),
        (42_000, "42s"),
        (125_000, "2m"),
        (7_200_000 * 3, "6h"),
        (400_000_000, "4d"),
    ],
)
def test_ages_take_four_cells_at_most(ms: int, text: str) -> None:
    assert fmt.age(ms) == text
    assert len(text) <= 5


def test_time_of_day_is_utc() -> None:
    assert fmt.clock(21 * HOUR + 4 * 60 * 10**9 + 59 * 10**9 + 250_000_000) == "21:04:59"
    assert fmt.clock(21 * HOUR + 250_000_000, millis=True) == "21:00:00.250"


def test_start_is_said_from_where_we_stand() -> None:
    assert fmt.until(Nanos(3 * HOUR), Nanos(2 * HOUR)) == "60m"
    assert fmt.until(Nanos(4 * HOUR - 1), Nanos(2 * HOUR)) == "1h59m"
    assert fmt.until(Nanos(14 * HOUR), Nanos(2 * HOUR)) == "12h"
    assert fmt.until(Nanos(2 * HOUR), Nanos(3 * HOUR)) == "+60m"
    assert fmt.until(Nanos(0), Nanos(3 * HOUR)) == "-"
    assert fmt.starts(Nanos(4 * HOUR), Nanos(2 * HOUR)) == "in 2h00m"
    assert fmt.starts(Nanos(2 * HOUR), Nanos(3 * HOUR)) == "+60m"


def test_share_of_a_limit_is_rounded_up() -> None:
    assert fmt.percent(991, 1000) == "100%"
    assert fmt.percent(0, 1000) == "0%"
    assert fmt.percent(5, 0) == "-"


def test_bar_never_leaves_its_width() -> None:
    assert fmt.gauge(50, 100, 4) == "██  "
    assert fmt.gauge(130, 100, 4) == "████"
    assert fmt.gauge(-5, 100, 4) == "    "
    assert fmt.gauge(5, 100, 8) == "▍       "


def test_curve_spans_its_extremes() -> None:
    assert fmt.spark([0, 7], 10) == "▁█"
    assert fmt.spark([3, 3, 3], 10) == "▁▁▁"
    assert len(fmt.spark(list(range(1000)), 40)) <= 40
    assert fmt.spark([], 10) == ""


def test_venue_text_cannot_move_the_cursor() -> None:
    assert fmt.clean("a\x1b[2Jb\nc\x9b") == "a [2Jb c "


def test_both_sides_of_a_long_title_keep_their_beginning() -> None:
    assert fmt.shorten("Carlos Alcaraz v Jannik Sinner", 13) == "Carlos-Jannik"
    assert fmt.shorten("G2 v T1", 13) == "G2 v T1"
    assert fmt.shorten("PSG @ Marseille", 9) == "PSG-Marse"
    assert fmt.shorten("a tournament winner", 8) == "a tourn…"


def test_fit_counts_cells_not_characters() -> None:
    assert fmt.fit("日本", 3) == "日…"
    assert fmt.fit("ab", 4, right=True) == "  ab"


def test_symbol_too_long_keeps_the_end_that_tells_it_apart() -> None:
    assert fmt.tail("KXATPMATCH-26JUL14ALCSIN-ALC", 9) == "…CSIN-ALC"
    assert fmt.tail("KXATP-ALC", 9) == "KXATP-ALC"
    assert fmt.tail("KXATP", 0) == ""


def test_parts_come_closer_before_one_is_left_out_and_none_is_cut() -> None:
    assert fmt.joined(["spread 2¢", "", "age <1s"], 18) == "spread 2¢  age <1s"
    assert fmt.joined(["spread 2¢", "age <1s"], 17) == "spread 2¢ age <1s"
    assert fmt.joined(["spread 2¢", "age <1s"], 16) == "spread 2¢"
    assert fmt.joined(["spread 2¢"], 3) == ""
