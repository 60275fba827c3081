from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.tui.places import (
    ALERTS,
    ALL,
    FILLS,
    INVENTORY,
    LADDER,
    LOG,
    MATCHES,
    ORDERS,
    PNL,
    THEO,
    VENUES,
    Place,
    plan,
)

OPENED = st.lists(st.sampled_from(ALL), max_size=4, unique=True)


@given(st.integers(32, 400), st.integers(9, 120), OPENED)
def test_panes_lie_inside_the_body_and_never_on_each_other(width: int, height: int, opened: list) -> None:
    layout = plan(width, height, opened)
    cells: set[tuple[int, int]] = set()
    for place in layout.places.values():
        assert place.x >= 0
        assert place.x + place.width <= width
        assert place.y >= 2
        assert place.y + place.height <= height - 1
        assert place.height >= 4
        assert place.width >= 28
        covered = {
            (x, y)
            for x in range(place.x, place.x + place.width)
            for y in range(place.y, place.y + place.height)
        }
        assert not covered & cells
        cells |= covered


@given(st.integers(32, 400), st.integers(9, 120), OPENED)
def test_every_pane_is_shown_or_shares_a_place_that_is(width: int, height: int, opened: list) -> None:
    layout = plan(width, height, opened)
    reachable = set(layout.places)
    for group in layout.groups:
        assert sum(number in layout.places for number in group) == 1
        reachable |= set(group)
    assert reachable == set(ALL)


@given(st.integers(32, 400), st.integers(9, 120), st.sampled_from(ALL))
def test_what_was_opened_last_is_on_the_screen(width: int, height: int, number: int) -> None:
    assert number in plan(width, height, [number]).places


@given(st.integers(80, 400), st.integers(20, 120), OPENED)
def test_matches_and_ladder_are_always_there_from_80_columns(width: int, height: int, opened: list) -> None:
    assert {MATCHES, LADDER} <= set(plan(width, height, opened).places)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((79, 24), 1),
        ((80, 19), 1),
        ((80, 20), 3),
        ((109, 40), 3),
        ((110, 40), 5),
        ((179, 60), 5),
        ((180, 43), 5),
        ((180, 44), 8),
        ((200, 31), 3),
    ],
)
def test_more_room_shows_more_panes(size: tuple[int, int], shown: int) -> None:
    assert len(plan(*size).places) == shown


def test_every_group_opens_its_own_last() -> None:
    opened = [THEO, FILLS, INVENTORY, ORDERS]
    assert set(plan(120, 40, opened).places) == {MATCHES, LADDER, FILLS, THEO, PNL}
    assert plan(120, 40).group_of(INVENTORY) == (INVENTORY, THEO)
    assert plan(200, 60).group_of(LOG) == (LOG, ALERTS, VENUES)
    assert plan(200, 60).group_of(ORDERS) == (ORDERS,)


def test_zoomed_pane_takes_the_body() -> None:
    assert plan(120, 40, zoomed=LADDER).places == {LADDER: Place(0, 2, 120, 37)}


def test_too_small_a_terminal_shows_no_pane() -> None:
    assert not plan(31, 24).places
    assert not plan(80, 8).places
