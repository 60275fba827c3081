"""Stand-ins for the characters that the Linux console and terminals without UTF-8 do not have."""

from __future__ import annotations

import enum
from collections.abc import Mapping

_CONSOLE = {  # what its built-in fonts have is code page 437
    "●": "*",
    "◐": "~",
    "○": "o",
    "▸": ">",
    "…": ".",
    "▾": "v",
    "▴": "^",
    "━": "═",
    "▏": " ",
    "▎": " ",
    "▍": "▌",
    "▋": "▌",
    "▊": "█",
    "▉": "█",
    "▁": "_",
    "▂": "_",
    "▃": "▄",
    "▅": "▄",
    "▆": "█",
    "▇": "█",
    "\N{MINUS SIGN}": "-",
    "×": "x",
    "✓": "+",
    "✗": "x",
    "╱": "/",
    "╲": "\\",
}
_PLAIN = {
    **_CONSOLE,
    "━": "=",
    "─": "-",
    "═": "=",
    "│": "|",
    "▌": "|",
    "▐": "|",
    "█": "#",
    "▄": "-",
    "▀": "-",
    "▃": "-",
    "▅": "=",
    "▆": "#",
    "▇": "#",
    "▍": "|",
    "▋": "|",
    "▊": "#",
    "▉": "#",
    "▲": "^",
    "▼": "v",
    "·": ".",
    "¢": "c",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "┤": "|",
    "├": "|",
    "└": "+",
    "┴": "+",
    "┼": "+",
}


_BRAILLE = {chr(code): "." for code in range(0x2801, 0x2900)}


class Shapes(enum.Enum):
    """Which characters a terminal has: all of them, those of the Linux console, or ASCII."""

    ALL = "all"
    CONSOLE = "console"
    PLAIN = "plain"


def shapes_of(environment: Mapping[str, str]) -> Shapes:
    """What the terminal can show, by its name and the locale."""
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    if locale and "UTF" not in locale.upper():
        return Shapes.PLAIN
    return Shapes.CONSOLE if environment.get("TERM") == "linux" else Shapes.ALL


def table_of(shapes: Shapes) -> dict[int, str] | None:
    """What to write instead of what, for `str.translate`; None where everything can be shown."""
    if shapes is Shapes.ALL:
        return None
    return str.maketrans({**_BRAILLE, **(_CONSOLE if shapes is Shapes.CONSOLE else _PLAIN)})
