"""What every cell of the screen means, as letters under its text: colours that a diff can show.

A letter is an ink; below the letters stand the runs that lie on anything but the plain ground, or that glow.
`~` is what no ink paints: fields and borders.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region

from console.tui.ink import Glow, Ground, Ink
from console.tui.palettes import PALETTES, Paint

LETTERS = dict(zip(Ink, "psdrtThuwomnWkRAcDLbC", strict=True))
FILLED = {Ink.RISK, Ink.ALARM, Ink.CALM, Ink.DRY, Ink.LIVE, Ink.CHOICE}  # their blanks are seen too
Meaning = tuple[Ink, str]


@cache
def meanings(palette: str) -> dict[Style, Meaning]:
    """Every style of a palette, and what it stands for."""
    paint = Paint(PALETTES[palette])
    known: dict[Style, Meaning] = {}
    for frozen in (False, True):
        for glow in Glow:
            for ground in Ground:
                lies = f"{ground.value}{'' if glow is Glow.NONE else f' {glow.value}'}"
                for ink in Ink:
                    known.setdefault(paint.style(ink, ground, frozen, glow), (ink, lies))
    return known


def colours(strips: Iterable[Iterable[Segment]], palette: str, seen: Region | None = None) -> str:
    """The letters of every line, then the runs; of `seen` only, where the rest lies behind a dialog."""
    known, rows, runs = meanings(palette), [], []
    for y, strip in enumerate(strips):
        letters, x = "", 0
        for segment in strip:
            meaning = known.get(segment.style or Style())
            letters += _letters(segment.text, meaning)
            lies = "" if meaning is None or meaning[1] == Ground.PLAIN.value else meaning[1]
            if runs and runs[-1][0] == y and runs[-1][2:] == (x, lies):
                runs[-1] = (y, runs[-1][1], x + segment.cell_length, lies)
            elif lies:
                runs.append((y, x, x + segment.cell_length, lies))
            x += segment.cell_length
        if seen is not None:
            letters = " " * seen.x + letters[seen.x : seen.right] if seen.y <= y < seen.bottom else ""
        rows.append(letters.rstrip())
    return "\n".join((*rows, *(f"{y} {x}-{end} {lies}" for y, x, end, lies in runs)))


def _letters(text: str, meaning: Meaning | None) -> str:
    letter = "~" if meaning is None else LETTERS[meaning[0]]
    if meaning is not None and meaning[0] in FILLED:
        return letter * len(text)
    return "".join(" " if character == " " else letter for character in text)
