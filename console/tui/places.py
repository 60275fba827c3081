"""Where every pane lies: a pure function of the terminal's size, the open tab and the zoom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

MATCHES, LADDER, INVENTORY, PNL, ORDERS, FILLS, LOG = range(1, 8)
STATUS_ROWS, BAR_ROWS = 2, 1
WIDTH_MIN, HEIGHT_MIN = 80, 24
NORMAL_FROM, WIDE_FROM = 110, 180  # columns
NORMAL_ROWS, WIDE_ROWS = 32, 36  # with fewer rows the next narrower layout is used


class Place(NamedTuple):
    """A rectangle in cells."""

    x: int
    y: int
    width: int
    height: int


class Plan(NamedTuple):
    """Which panes are on the screen and where; `tabs` share the place of the one of them that is open."""

    places: Mapping[int, Place]
    tabs: Sequence[int]


def plan(width: int, height: int, tab: int, zoomed: int | None = None) -> Plan:
    """Lay the panes out; an empty plan says that the terminal is too small for any."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return Plan({}, ())
    body = Place(0, STATUS_ROWS, width, height - STATUS_ROWS - BAR_ROWS)
    if zoomed is not None:
        return Plan({zoomed: body}, ())
    if width >= WIDE_FROM and height >= WIDE_ROWS:
        return _wide(body)
    if width >= NORMAL_FROM and height >= NORMAL_ROWS:
        return _normal(body, tab)
    return _narrow(body, tab)


def _narrow(body: Place, tab: int) -> Plan:
    tabs = (ORDERS, FILLS, LOG, INVENTORY, PNL)
    top = body.height * 4 // 7
    left = 51 + (body.width - WIDTH_MIN) * 2 // 3
    return Plan(
        {
            MATCHES: Place(0, body.y, left, top),
            LADDER: Place(left, body.y, body.width - left, top),
            _open(tab, tabs): Place(0, body.y + top, body.width, body.height - top),
        },
        tabs,
    )


def _normal(body: Place, tab: int) -> Plan:
    tabs = (ORDERS, FILLS, LOG)
    top = body.height * 11 // 20
    right = 34
    low, split = body.y + top, (body.width - 50)
    sums = 8
    return Plan(
        {
            MATCHES: Place(0, body.y, body.width - right - 1, top),
            LADDER: Place(body.width - right, body.y, right, top),
            _open(tab, tabs): Place(0, low, split - 1, body.height - top),
            INVENTORY: Place(split, low, 50, body.height - top - sums),
            PNL: Place(split, body.y + body.height - sums, 50, sums),
        },
        tabs,
    )


def _wide(body: Place) -> Plan:
    top = body.height * 7 // 10
    side, ladder = 54, 36
    matches = body.width - side - ladder - 2
    sums = 15
    third = (body.width - 2) // 3
    low, rest = body.y + top, body.height - top
    return Plan(
        {
            MATCHES: Place(0, body.y, matches, top),
            LADDER: Place(matches + 1, body.y, ladder, top),
            INVENTORY: Place(body.width - side, body.y, side, top - sums),
            PNL: Place(body.width - side, body.y + top - sums, side, sums),
            ORDERS: Place(0, low, third, rest),
            FILLS: Place(third + 1, low, third, rest),
            LOG: Place(2 * third + 2, low, body.width - 2 * third - 2, rest),
        },
        (),
    )


def _open(tab: int, tabs: Sequence[int]) -> int:
    return tab if tab in tabs else tabs[0]
