"""The themes: every meaning in colours, or without any; no meaning ever hangs on colour alone.

Colours sit on the 256-colour cube, so that a terminal without 24-bit colour (the usual case over SSH)
shows the same. Blue is bid, up and profit, orange is ask, down and loss: they stay apart for every kind of
colour blindness.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from rich.color import ColorSystem
from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from console.tui.ink import Glow, Ground, Ink

_LOUD = frozenset({Ink.RISK, Ink.ALARM, Ink.CALM, Ink.DRY, Ink.LIVE})
_KEPT = _LOUD | {Ink.WARN, Ink.TITLE, Ink.TITLE_FOCUSED, Ink.RULE}  # when everything else is frozen


class Palette(Struct, frozen=True):
    """What every meaning looks like, in the words of Rich; `css` colours what Textual draws itself."""

    name: str
    text: str  # one line for the person who chooses
    inks: Mapping[Ink, str]
    grounds: Mapping[Ground, str]
    glows: Mapping[Glow, str]
    css: Mapping[str, str]
    raised: Mapping[Ink, str]  # inks that must be louder to be read on the cursor
    dark: bool = True
    ansi: bool = False  # the sixteen colours of the terminal itself


class Paint:
    """Turns meanings into styles by one palette."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._inks = {ink: Style.parse(words) for ink, words in palette.inks.items()}
        self._raised = {ink: Style.parse(words) for ink, words in palette.raised.items()}
        self._grounds = {ground: Style.parse(words) for ground, words in palette.grounds.items()}
        self._glows = {glow: Style.parse(words) for glow, words in palette.glows.items()}
        self._known: dict[tuple[Ink, Ground, bool, Glow], Style] = {}

    def style(
        self, ink: Ink, ground: Ground = Ground.PLAIN, frozen: bool = False, glow: Glow = Glow.NONE
    ) -> Style:
        """The style of `ink` on `ground`; what is `frozen` loses its colour, but for words of risk."""
        key = (ink, ground, frozen, glow)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._mix(*key)
        return found

    def _mix(self, ink: Ink, ground: Ground, frozen: bool, glow: Glow) -> Style:
        if frozen and ink not in _KEPT:
            ink = Ink.DIM
        mixed = self._grounds[ground]
        if self.palette.ansi and ground is Ground.CURSOR_FOCUSED and ink not in _LOUD:
            return mixed  # of sixteen colours too few can be read on another
        if glow is not Glow.NONE and not frozen and ink not in _LOUD:
            mixed += self._glows[glow]
        if ground is Ground.CURSOR_FOCUSED and ink in self._raised and not frozen:
            return mixed + self._raised[ink]
        return mixed + self._inks[ink]


def _dark(up: str, down: str) -> dict[Ink, str]:
    return {
        Ink.PLAIN: "#d0d0d0",
        Ink.STRONG: "bold #eeeeee",
        Ink.DIM: "#808080",
        Ink.RULE: "#585858",
        Ink.TITLE: "#afafaf",
        Ink.TITLE_FOCUSED: "bold #5fd7ff",
        Ink.HEAD: "#8a8a8a",
        Ink.UP: up,
        Ink.DOWN: down,
        Ink.OWN: "bold #5fffd7",
        Ink.MARK: "#d787ff",
        Ink.NOTICE: "#d7af5f",
        Ink.WARN: "bold #ffaf00",
        Ink.KEY: "bold #5fd7ff",
        Ink.RISK: "bold #121212 on #ffaf00",
        Ink.ALARM: "bold #ffffff on #d70000",
        Ink.CALM: "bold #121212 on #87afd7",
        Ink.DRY: "bold #121212 on #d7d75f",
        Ink.LIVE: "bold #ffffff on #870087",
        Ink.BAR: "#5f87af",
        Ink.CHOICE: "bold #121212 on #5fd7ff",
    }


def _raised(up: str, down: str) -> dict[Ink, str]:
    return {
        Ink.DIM: "#bcbcbc",
        Ink.UP: up,
        Ink.DOWN: down,
        Ink.MARK: "#ffd7ff",
        Ink.NOTICE: "#ffd787",
        Ink.BAR: "#87afd7",
    }


_DARK_GROUNDS = {
    Ground.PLAIN: "on #121212",
    Ground.RAISED: "on #262626",
    Ground.CURSOR: "on #303030",
    Ground.CURSOR_FOCUSED: "bold on #005f87",
    Ground.DIALOG: "on #1c1c1c",
}
_DARK_GLOWS = {Glow.FRESH: "on #444444", Glow.FADING: "on #303030"}
_DARK_CSS = {
    "ground": "#121212",
    "dialog": "#1c1c1c",
    "field": "#303030",
    "field-focused": "#005f87",
    "edge": "#5f87af",
    "edge-risk": "#ffaf00",
    "edge-title": "#5fd7ff",
    "veil": "#000000 45%",
    "toast": "#303030",
    "toast-edge": "#5fafff",
    "toast-risk": "#ffaf5f",
    "type": "#eeeeee",
    "hint": "#808080",
}

DUSK = Palette(
    "dusk",
    "dark; blue is up and bid, orange down and ask: safe for every kind of colour blindness",
    _dark("#5fafff", "#ffaf5f"),
    _DARK_GROUNDS,
    _DARK_GLOWS,
    _DARK_CSS,
    _raised("#afd7ff", "#ffd7af"),
)
FIELD = Palette(
    "field",
    "dark; green is up and bid, red down and ask",
    _dark("#5fd75f", "#ff5f5f"),
    _DARK_GROUNDS,
    _DARK_GLOWS,
    _DARK_CSS,
    _raised("#afffaf", "#ffafaf"),
)
DAY = Palette(
    "day",
    "light; blue is up and bid, brown down and ask",
    {
        Ink.PLAIN: "#262626",
        Ink.STRONG: "bold #000000",
        Ink.DIM: "#767676",
        Ink.RULE: "#a8a8a8",
        Ink.TITLE: "#444444",
        Ink.TITLE_FOCUSED: "bold #005f87",
        Ink.HEAD: "#626262",
        Ink.UP: "#005fd7",
        Ink.DOWN: "#af5f00",
        Ink.OWN: "bold #00875f",
        Ink.MARK: "#8700af",
        Ink.NOTICE: "#875f00",
        Ink.WARN: "bold #af5f00",
        Ink.KEY: "bold #005f87",
        Ink.RISK: "bold #000000 on #ffaf00",
        Ink.ALARM: "bold #ffffff on #d70000",
        Ink.CALM: "bold #ffffff on #5f87af",
        Ink.DRY: "bold #000000 on #d7d75f",
        Ink.LIVE: "bold #ffffff on #870087",
        Ink.BAR: "#5f87af",
        Ink.CHOICE: "bold #ffffff on #005f87",
    },
    {
        Ground.PLAIN: "on #ffffff",
        Ground.RAISED: "on #e4e4e4",
        Ground.CURSOR: "on #dadada",
        Ground.CURSOR_FOCUSED: "bold on #afd7ff",
        Ground.DIALOG: "on #eeeeee",
    },
    {Glow.FRESH: "on #ffffaf", Glow.FADING: "on #ffffd7"},
    {
        "ground": "#ffffff",
        "dialog": "#eeeeee",
        "field": "#dadada",
        "field-focused": "#afd7ff",
        "edge": "#5f87af",
        "edge-risk": "#af5f00",
        "edge-title": "#005f87",
        "veil": "#000000 25%",
        "toast": "#e4e4e4",
        "toast-edge": "#005fd7",
        "toast-risk": "#af5f00",
        "type": "#000000",
        "hint": "#767676",
    },
    {
        Ink.DIM: "#4e4e4e",
        Ink.UP: "#0000af",
        Ink.DOWN: "#870000",
        Ink.OWN: "bold #005f5f",
        Ink.NOTICE: "#5f5f00",
        Ink.WARN: "bold #870000",
        Ink.BAR: "#005f87",
    },
    dark=False,
)
ANSI = Palette(
    "ansi",
    "the sixteen colours of the terminal itself, on its own background: fewest bytes",
    {
        Ink.PLAIN: "default",
        Ink.STRONG: "bold default",
        Ink.DIM: "bright_black",
        Ink.RULE: "bright_black",
        Ink.TITLE: "default",
        Ink.TITLE_FOCUSED: "bold bright_cyan",
        Ink.HEAD: "cyan",
        Ink.UP: "bright_blue",
        Ink.DOWN: "yellow",
        Ink.OWN: "bold bright_green",
        Ink.MARK: "bright_magenta",
        Ink.NOTICE: "yellow",
        Ink.WARN: "bold bright_yellow",
        Ink.KEY: "bold bright_cyan",
        Ink.RISK: "black on yellow",
        Ink.ALARM: "bold bright_white on red",
        Ink.CALM: "black on cyan",
        Ink.DRY: "black on yellow",
        Ink.LIVE: "bold bright_white on magenta",
        Ink.BAR: "blue",
        Ink.CHOICE: "black on cyan",
    },
    {
        Ground.PLAIN: "on default",
        Ground.RAISED: "on default",
        Ground.CURSOR: "underline on default",
        Ground.CURSOR_FOCUSED: "bold bright_white on blue",
        Ground.DIALOG: "on default",
    },
    {Glow.FRESH: "bold underline", Glow.FADING: "underline"},
    {
        "ground": "ansi_default",
        "dialog": "ansi_default",
        "field": "ansi_default",
        "field-focused": "ansi_blue",
        "edge": "ansi_cyan",
        "edge-risk": "ansi_yellow",
        "edge-title": "ansi_bright_cyan",
        "veil": "ansi_default",
        "toast": "ansi_default",
        "toast-edge": "ansi_cyan",
        "toast-risk": "ansi_yellow",
        "type": "ansi_default",
        "hint": "ansi_bright_black",
    },
    {},
    ansi=True,
)
MONO = Palette(
    "mono",
    "no colour at all: bold, dim, underlined and reversed",
    {
        **dict.fromkeys(Ink, ""),
        Ink.STRONG: "bold",
        Ink.DIM: "dim",
        Ink.RULE: "dim",
        Ink.TITLE_FOCUSED: "bold",
        Ink.HEAD: "dim",
        Ink.OWN: "bold",
        Ink.MARK: "bold",
        Ink.WARN: "bold",
        Ink.KEY: "bold",
        **dict.fromkeys((Ink.RISK, Ink.ALARM, Ink.DRY, Ink.LIVE, Ink.CHOICE), "bold reverse"),
        Ink.CALM: "reverse",
    },
    {
        **dict.fromkeys(Ground, ""),
        Ground.CURSOR: "underline",
        Ground.CURSOR_FOCUSED: "reverse",
    },
    {Glow.FRESH: "bold", Glow.FADING: ""},
    {**ANSI.css, "field-focused": "ansi_default", "edge": "ansi_default", "hint": "ansi_default"},
    {},
    ansi=True,
)

PALETTES = {palette.name: palette for palette in (DUSK, FIELD, DAY, ANSI, MONO)}


def chosen(name: str, no_color: bool, colours: ColorSystem | None) -> Palette:
    """The palette of a name; for `auto` the best that the terminal shows. NO_COLOR is always obeyed."""
    if no_color:
        return MONO
    if name in PALETTES:
        return PALETTES[name]
    return (
        ANSI if colours in (ColorSystem.STANDARD, ColorSystem.WINDOWS) else MONO if colours is None else DUSK
    )


def theme_of(palette: Palette) -> Theme:
    """The palette for what Textual draws by itself: fields, borders, toasts."""
    css = palette.css
    if palette.ansi:
        variables = {**BUILTIN_THEMES["ansi-dark"].variables, **css}
    else:
        cursor = {"input-cursor-background": css["type"], "input-cursor-foreground": css["ground"]}
        variables = {**css, **cursor}
    return Theme(
        name=palette.name,
        primary="ansi_blue" if palette.ansi else "#5f87af",
        foreground=css["type"],
        background=css["ground"],
        surface=css["dialog"],
        dark=palette.dark,
        ansi=palette.ansi,
        variables=variables,
    )
