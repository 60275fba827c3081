"""Query parameters and pages: a limit out of range is refused, a cursor that is garbage is ignored."""

from __future__ import annotations

from typing import TypeVar

from aiohttp import web

from console.sandbox.kalshi.errors import bad_parameter

T = TypeVar("T")


def whole(request: web.Request, name: str, low: int, high: int, usual: int) -> int:
    """A whole number of the query within its range; raises ApiError."""
    text = request.query.get(name)
    if text is None or text == "":
        return usual
    try:
        value = int(text)
    except ValueError:
        raise bad_parameter(name) from None
    if not low <= value <= high:
        raise bad_parameter(name)
    return value


def page(request: web.Request, rows: list[T], *, most: int, usual: int = 100) -> tuple[list[T], str]:
    """One page of a listing and the cursor of the next, empty on the last."""
    limit = whole(request, "limit", 1, most, usual)
    mark = request.query.get("cursor", "")
    first = int(mark.removeprefix("c")) if mark.removeprefix("c").isdigit() else 0
    after = first + limit
    return rows[first:after], f"c{after}" if after < len(rows) else ""
