"""The provenance of a fair value: price, methods, ages and credits, and never without why a source is out."""

from __future__ import annotations

import msgspec
import pytest

from console.core.view import SourceView
from console.tui.panes.provenance import provenance
from console.tui.picture import Picture, Terminal
from tests.tui.views import WALL, view, welcome


def lines(width: int, spare: int = 9, **changes: object) -> list[str]:
    shown = msgspec.structs.replace(view(), **changes)
    picture = Picture(shown, welcome(), "", 0, WALL, Terminal(44, 0), shown.watched)
    return ["".join(span.text for span in line.spans) for line in provenance(picture, width, spare)]


def of(said: list[str], name: str) -> str:
    return next(line for line in said if line.startswith(f" {name}"))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_source_shows_price_weight_and_its_ages(width: int) -> None:
    said = lines(width)
    assert said[0].split() == ["source", "wt", "fair", "seen", "moved", "got", "stamp", "price"]
    row = of(said, "pinnacle").split()
    assert row[:7] == ["pinnacle", "62%", "62.10", "41s", "6m", "12s", "41s"]
    assert row[7:10] == ["1.56", "2.56", "+3.2%"]


def test_every_method_is_shown_where_there_is_room_and_only_there() -> None:
    methods = "    mul 62.10 add 62.49 pow 62.73 shin 62.49 or 62.45 prob 62.54"
    assert methods in lines(80)
    assert methods not in lines(80, spare=0)


@pytest.mark.parametrize("width", [48, 56, 80, 120, 200])
def test_why_a_source_does_not_count_is_told_at_every_width(width: int) -> None:
    assert "own quotes" in of(lines(width), "kalshi")
    assert max(len(line) for line in lines(width)) <= width


def test_feeds_tell_what_is_left_of_their_credits_and_when_they_are_asked_next() -> None:
    said = lines(80)
    assert of(said, "the_odds_api") == " the_odds_api  412 left · 160 today · next 23s"
    assert of(said, "oddspapi") == " oddspapi  0 left  DOWN monthly quota used up"


def test_a_feed_that_has_nothing_for_the_match_says_why() -> None:
    why = "double-header: events at 17:05 and 23:05"
    none = SourceView("the_odds_api", (), 0, -1, -1, why, "the_odds_api")
    said = lines(120, sources=(none,))
    assert why in said[1]


def test_without_any_source_the_way_to_type_one_is_told() -> None:
    assert lines(80, sources=())[0] == " no source has said anything: e types odds by hand"
