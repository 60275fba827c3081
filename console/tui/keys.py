"""Every key of the console in one table: bindings, key bar, help and palette are all made from it."""

from __future__ import annotations

import enum

from msgspec import Struct

KILL_KEYS = frozenset({"ctrl+k", "ctrl+shift+k", "f12"})  # as Textual names them, in every encoding
KILL_BYTES = frozenset({b"\x0b", b"\x1b[24~", b"\x1b[107;5u"})  # the same alone in one read


class Group(enum.Enum):
    """Where the help puts a key."""

    SAFETY = "Safety (these work everywhere, in every dialog)"
    TRADING = "Trading"
    LISTS = "In a list"
    PANES = "Panes"
    SCREEN = "Screen"
    DIALOG = "In a dialog"


class Key(Struct, frozen=True):
    """One key: `keys` as Textual names them, `shown` as people write them.

    `bar` is its place in the key bar, 0 for none; a lower one stays longer on a narrow terminal. `acts`
    keys are answered with one line when this console only looks.
    """

    keys: str
    shown: str
    action: str
    label: str
    help: str
    group: Group
    bar: int = 0
    acts: bool = False
    palette: bool = True


GLOBAL_KEYS = (
    Key(
        "ctrl+k,f12",
        "^K F12",
        "kill",
        "KILL",
        "cancel everything everywhere and prove it; nothing is asked",
        Group.SAFETY,
        bar=1,
    ),
    Key(
        "ctrl+q,ctrl+c",
        "^Q ^C",
        "leave",
        "quit",
        "detach (the engine keeps running) or stop it",
        Group.SAFETY,
        bar=18,
    ),
    Key("ctrl+l", "^L", "redraw", "redraw", "paint the whole screen afresh", Group.SAFETY, bar=17),
)

DESK_KEYS = (
    Key(
        "a",
        "a",
        "act('add')",
        "add",
        "add a match: search the venue, or type it",
        Group.TRADING,
        bar=3,
        acts=True,
    ),
    Key(
        "e",
        "e",
        "act('edit')",
        "edit",
        "change settings and manual odds of the match",
        Group.TRADING,
        bar=8,
        acts=True,
    ),
    Key(
        "E",
        "E",
        "act('account')",
        "account",
        "change limits and timings of the whole account",
        Group.TRADING,
        bar=0,
        acts=True,
    ),
    Key(
        "p",
        "p",
        "act('pause')",
        "pause",
        "pause the match at once; again: resume it (asks)",
        Group.TRADING,
        bar=4,
        acts=True,
    ),
    Key(
        "P",
        "P",
        "act('pause_all')",
        "pause all",
        "pause every match at once; again: resume (asks)",
        Group.TRADING,
        bar=9,
        acts=True,
    ),
    Key(
        "c",
        "c",
        "act('cancel')",
        "cancel",
        "cancel the orders of the match; quoting goes on",
        Group.TRADING,
        bar=5,
        acts=True,
    ),
    Key(
        "x",
        "x",
        "act('remove')",
        "remove",
        "remove the match (asks; refused while it has a position)",
        Group.TRADING,
        bar=12,
        acts=True,
    ),
    Key(
        "D",
        "D",
        "act('dry_run')",
        "dry/live",
        "to dry run at once; to live: type LIVE",
        Group.TRADING,
        bar=6,
        acts=True,
    ),
    Key(
        "R",
        "R",
        "act('rearm')",
        "re-arm",
        "after a kill: type RESUME and a reason",
        Group.TRADING,
        bar=11,
        acts=True,
    ),
    Key(
        "A",
        "A",
        "act('accept')",
        "accept",
        "accept a venue's account of us after a MISMATCH (asks for a reason)",
        Group.TRADING,
        bar=0,
        acts=True,
    ),
    Key(
        "1,2,3,4,5,6,7",
        "1-7",
        "pane",
        "panes",
        "go to matches, ladder, inventory, P&L, orders, fills, log",
        Group.PANES,
        bar=15,
        palette=False,
    ),
    Key("tab", "Tab", "next_pane(1)", "next pane", "go to the next pane", Group.PANES, bar=10, palette=False),
    Key(
        "shift+tab",
        "S-Tab",
        "next_pane(-1)",
        "previous pane",
        "go to the previous pane",
        Group.PANES,
        palette=False,
    ),
    Key(
        "left_square_bracket",
        "[",
        "tab(-1)",
        "tab left",
        "previous tab; in the ladder: previous book",
        Group.PANES,
        bar=0,
        palette=False,
    ),
    Key(
        "right_square_bracket",
        "]",
        "tab(1)",
        "tab right",
        "next tab; in the ladder: next book",
        Group.PANES,
        palette=False,
    ),
    Key("z", "z", "zoom", "zoom", "zoom the pane, again to restore", Group.PANES, bar=13),
    Key(
        "m",
        "m",
        "centre",
        "centre",
        "put the middle of the book in the middle of the ladder",
        Group.PANES,
        bar=16,
    ),
    Key(
        "space",
        "Space",
        "lock_centre",
        "lock",
        "ladder: hold the prices where they are, again: let them follow",
        Group.PANES,
    ),
    Key(
        "slash",
        "/",
        "filter",
        "filter",
        "filter the list as you type; !word leaves out; Esc clears",
        Group.LISTS,
        bar=7,
    ),
    Key("n", "n", "next_hit(1)", "next", "next row of the filter", Group.LISTS, palette=False),
    Key("N", "N", "next_hit(-1)", "previous", "previous row of the filter", Group.LISTS, palette=False),
    Key("escape", "Esc", "clear", "clear", "clear the filter, leave zoom", Group.LISTS, palette=False),
    Key("s", "s", "sort", "sort", "sort by the next column", Group.LISTS, bar=14),
    Key("S", "S", "reverse", "reverse", "turn the sorting round", Group.LISTS),
    Key("y", "y", "copy", "copy", "copy the row to the terminal's clipboard", Group.LISTS, bar=19),
    Key(
        "ctrl+p", "^P", "palette", "palette", "find any of these by name", Group.SCREEN, bar=20, palette=False
    ),
    Key("question_mark", "?", "help", "help", "this page", Group.SCREEN, bar=2),
)

LIST_KEYS = (
    Key("j,down", "j ↓", "move(1)", "down", "next row", Group.LISTS, palette=False),
    Key("k,up", "k ↑", "move(-1)", "up", "previous row", Group.LISTS, palette=False),
    Key("pagedown,ctrl+d", "PgDn ^D", "page(1)", "page down", "a page down", Group.LISTS, palette=False),
    Key("pageup,ctrl+u", "PgUp ^U", "page(-1)", "page up", "a page up", Group.LISTS, palette=False),
    Key("g,home", "g Home", "end(-1000000)", "top", "first row", Group.LISTS, palette=False),
    Key("G,end", "G End", "end(1000000)", "bottom", "last row", Group.LISTS, palette=False),
    Key(
        "enter",
        "Enter",
        "choose",
        "choose",
        "the ladder follows the match of the row",
        Group.LISTS,
        palette=False,
    ),
)

DIALOG_KEYS = (
    Key("escape", "Esc", "back", "back", "leave the dialog, nothing is done", Group.DIALOG, palette=False),
    Key("enter", "Enter", "", "take", "take the marked choice or the field", Group.DIALOG, palette=False),
    Key("tab,left,right", "Tab ← →", "", "move", "next field or choice", Group.DIALOG, palette=False),
    Key(
        "ctrl+s",
        "^S",
        "save",
        "save",
        "send the form (it says what is wrong instead)",
        Group.DIALOG,
        palette=False,
    ),
    Key(
        "ctrl+t",
        "^T",
        "type_it",
        "type it",
        "adding a match: type it instead of searching",
        Group.DIALOG,
        palette=False,
    ),
    Key(
        "ctrl+g",
        "^G",
        "pin",
        "pin",
        "manual odds: pin them (no other source counts) or not",
        Group.DIALOG,
        palette=False,
    ),
)

ALL_KEYS = (*GLOBAL_KEYS, *DESK_KEYS, *LIST_KEYS, *DIALOG_KEYS)
