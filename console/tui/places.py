"""Where every pane lies: a pure function of the terminal's size, what was opened last, and the zoom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

MATCHES, LADDER, INVENTORY, PNL, ORDERS, FILLS, LOG, THEO, VENUES, ALERTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)
ALL = (MATCHES, LADDER, INVENTORY, PNL, ORDERS, FILLS, LOG, THEO, VENUES, ALERTS)
STATUS_ROWS, BAR_ROWS = 2, 1
WIDTH_MIN, HEIGHT_MIN = 32, 9  # below, words instead of panes
NARROW_FROM, NARROW_ROWS = 80, 20  # below, one pane at a time
NORMAL_FROM, NORMAL_ROWS = 110, 32  # columns; with fewer rows the next narrower layout is used
WIDE_FROM, WIDE_ROWS = 180, 44


class Place(NamedTuple):
    """A rectangle in cells."""

    x: int
    y: int
    width: int
    height: int


class Plan(NamedTuple):
    """Which panes are on the screen and where; the panes of a group share the place of the open one."""

    places: Mapping[int, Place]
    groups: Sequence[Sequence[int]]

    def group_of(self, number: int) -> Sequence[int]:
        """The panes that share a place with this one."""
        return next((group for group in self.groups if number in group), (number,))


def plan(width: int, height: int, opened: Sequence[int] = (), zoomed: int | None = None) -> Plan:
    """Lay the panes out; an empty plan says that the terminal is too small for any.

    `opened` are panes, those opened last first: of every group that one is open.
    """
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return Plan({}, ())
    body = Place(0, STATUS_ROWS, width, height - STATUS_ROWS - BAR_ROWS)
    if zoomed is not None:
        return Plan({zoomed: body}, ())
    if width >= WIDE_FROM and height >= WIDE_ROWS:
        return _wide(body, opened)
    if width >= NORMAL_FROM and height >= NORMAL_ROWS:
        return _normal(body, opened)
    if width >= NARROW_FROM and height >= NARROW_ROWS:
        return _narrow(body, opened)
    return Plan({_open(ALL, opened): body}, (ALL,))


def _narrow(body: Place, opened: Sequence[int]) -> Plan:
    """List and ladder over one area of tabs."""
    tabs = (ORDERS, FILLS, LOG, INVENTORY, PNL, THEO, VENUES, ALERTS)
    top = body.height * 4 // 7
    ladder = 29 + (body.width - NARROW_FROM) // 3
    return Plan(
        {
            MATCHES: Place(0, body.y, body.width - ladder, top),
            LADDER: Place(body.width - ladder, body.y, ladder, top),
            _open(tabs, opened): Place(0, body.y + top, body.width, body.height - top),
        },
        (tabs,),
    )


def _normal(body: Place, opened: Sequence[int]) -> Plan:
    """What is held and what was made stay on the screen too."""
    left, right = (ORDERS, FILLS, LOG, ALERTS, VENUES), (INVENTORY, THEO)
    top = body.height * 11 // 20
    ladder = min(48, 38 + (body.width - 120) // 6) if body.width >= 120 else 34
    side = min(58, 52 + max(0, body.width - 120) // 6)
    sums = max(9, (body.height - top) // 2)
    low, split = body.y + top, body.width - side
    return Plan(
        {
            MATCHES: Place(0, body.y, body.width - ladder - 1, top),
            LADDER: Place(body.width - ladder, body.y, ladder, top),
            _open(left, opened): Place(0, low, split - 1, body.height - top),
            _open(right, opened): Place(split, low, side, body.height - top - sums),
            PNL: Place(split, body.y + body.height - sums, side, sums),
        },
        (left, right),
    )


def _wide(body: Place, opened: Sequence[int]) -> Plan:
    """Everything at once; only the talk shares a place."""
    talk = (LOG, ALERTS, VENUES)
    top = body.height * 13 // 20
    side, ladder = 53, 40 + max(0, body.width - 200) // 6
    matches = body.width - side - ladder - 2
    held = max(11, top * 3 // 10)
    theo = (top - held) // 2
    third = (body.width - 2) // 3
    low, rest, x = body.y + top, body.height - top, body.width - side
    return Plan(
        {
            MATCHES: Place(0, body.y, matches, top),
            LADDER: Place(matches + 1, body.y, ladder, top),
            INVENTORY: Place(x, body.y, side, held),
            THEO: Place(x, body.y + held, side, theo),
            PNL: Place(x, body.y + held + theo, side, top - held - theo),
            ORDERS: Place(0, low, third, rest),
            FILLS: Place(third + 1, low, third, rest),
            _open(talk, opened): Place(2 * third + 2, low, body.width - 2 * third - 2, rest),
        },
        (talk,),
    )


def _open(group: Sequence[int], opened: Sequence[int]) -> int:
    return next((number for number in opened if number in group), group[0])
