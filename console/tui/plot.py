"""A curve drawn in braille dots, two to a cell across and four down."""

from __future__ import annotations

from collections.abc import Sequence

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row, then column, in a cell
_BRAILLE = 0x2800


def plot(values: Sequence[int], width: int, height: int) -> tuple[list[str], int | None]:
    """Lines of the curve from the top, and the row in which zero lies (None: outside).

    Zero is always among what is shown when it is near: a day is judged against it.
    """
    if not values or width <= 0 or height <= 0:
        return [], None
    columns, rows = 2 * width, 4 * height
    shown = _stretched(values, columns)
    low, high = min(*shown, 0), max(*shown, 0)
    span = max(1, high - low)
    cells = [[0] * width for _ in range(height)]
    before: int | None = None
    for x, value in enumerate(shown):
        y = (high - value) * (rows - 1) // span
        first, last = sorted((y if before is None else before, y))
        for dot in range(first, last + 1) if before is not None else (y,):
            cells[dot // 4][x // 2] |= _DOTS[dot % 4][x % 2]
        before = y
    lines = ["".join(chr(_BRAILLE + cell) if cell else " " for cell in row) for row in cells]
    return lines, high * (rows - 1) // span // 4


def _stretched(values: Sequence[int], columns: int) -> list[int]:
    """As many values as there are columns; both ends are kept."""
    count = len(values)
    return [values[index * (count - 1) // max(1, columns - 1)] for index in range(columns)]
