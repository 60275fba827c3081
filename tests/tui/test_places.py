from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.tui.places import (
    FILLS,
    INVENTORY,
    LADDER,
    LOG,
    MATCHES,
    ORDERS,
    PNL,
    Place,
    plan,
)

ALL = {MATCHES, LADDER, INVENTORY, PNL, ORDERS, FILLS, LOG}


@given(st.integers(80, 400), st.integers(24, 120), st.sampled_from(sorted(ALL)))
def test_panes_lie_inside_the_body_and_never_on_each_other(width: int, height: int, tab: int) -> None:
    layout = plan(width, height, tab)
    cells: set[tuple[int, int]] = set()
    for place in layout.places.values():
        assert place.x >= 0
        assert place.x + place.width <= width
        assert place.y >= 2
        assert place.y + place.height <= height - 1
        assert place.height >= 4
        covered = {
            (x, y)
            for x in range(place.x, place.x + place.width)
            for y in range(place.y, place.y + place.height)
        }
        assert not covered & cells
        cells |= covered


@given(st.integers(80, 400), st.integers(24, 120), st.sampled_from(sorted(ALL)))
def test_every_pane_is_shown_or_a_tab_away(width: int, height: int, tab: int) -> None:
    layout = plan(width, height, tab)
    assert set(layout.places) | set(layout.tabs) == ALL


def test_open_tab_takes_the_place_of_the_tabs() -> None:
    assert FILLS in plan(80, 24, FILLS).places
    assert ORDERS not in plan(80, 24, FILLS).places
    assert INVENTORY in plan(80, 24, INVENTORY).places
    assert ORDERS in plan(80, 24, MATCHES).places


def test_breakpoints_are_110_and_180() -> None:
    assert len(plan(109, 40, ORDERS).places) == 3
    assert len(plan(110, 40, ORDERS).places) == 5
    assert len(plan(179, 40, ORDERS).places) == 5
    assert len(plan(180, 40, ORDERS).places) == 7


def test_few_rows_fall_back_to_the_narrower_layout() -> None:
    assert len(plan(200, 35, ORDERS).places) == 5
    assert len(plan(200, 31, ORDERS).places) == 3


def test_zoomed_pane_takes_the_body() -> None:
    assert plan(120, 40, ORDERS, zoomed=LADDER).places == {LADDER: Place(0, 2, 120, 37)}


def test_too_small_a_terminal_shows_no_pane() -> None:
    assert not plan(79, 24, ORDERS).places
    assert not plan(80, 23, ORDERS).places
