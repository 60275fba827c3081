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


def _trading(key: str, verb: str, label: str, text: str, bar: int = 0) -> Key:
    return Key(key, key, f"act('{verb}')", label, text, Group.TRADING, bar=bar, acts=True)


def _plain(group: Group, keys: str, shown: str, action: str, label: str, text: str, bar: int = 0) -> Key:
    """A key that is not worth a line of the palette."""
    return Key(keys, shown, action, label, text, group, bar=bar, palette=False)


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
        bar=14,
    ),
    Key("ctrl+l", "^L", "redraw", "redraw", "paint the whole screen afresh", Group.SAFETY, bar=28),
)

DESK_KEYS = (
    _trading("a", "add", "add", "add a match: a team, a ticker or the address of a market", bar=3),
    _trading("e", "edit", "edit", "change settings and manual odds of the match", bar=6),
    _trading("E", "account", "account", "change limits and timings of the whole account", bar=22),
    _trading("u", "undo", "undo", "take back the last setting changed here (asks)", bar=21),
    _trading("p", "pause", "pause", "pause the match at once; again: resume it (asks)", bar=4),
    _trading("P", "pause_all", "pause all", "pause every match at once; again: resume (asks)", bar=9),
    _trading("c", "cancel", "cancel", "cancel the orders of the match; quoting goes on", bar=5),
    _trading(
        "F", "flatten", "flatten", "get out of the match by taking: shows the exits, asks for a floor", bar=8
    ),
    _trading("x", "remove", "remove", "remove the match (asks; refused while it has a position)", bar=15),
    _trading("D", "dry_run", "dry/live", "to dry run at once; to live: type LIVE", bar=10),
    _trading(
        "R", "rearm", "re-arm", "after a kill: type RESUME and a reason, for all or to reduce only", bar=16
    ),
    _trading(
        "A", "accept", "accept", "accept a venue's account of us after a MISMATCH (asks for a reason)", bar=24
    ),
    _trading(
        "I",
        "inventory",
        "inventory",
        "override what our records hold of one symbol (asks for a reason)",
        bar=25,
    ),
    _trading(
        "V", "rules", "rules", "confirm that the venues' settlement rules agree: positions then net", bar=26
    ),
    _plain(
        Group.PANES,
        "1,2,3,4,5,6,7,8,9,0",
        "0-9",
        "pane",
        "panes",
        "matches, ladder, inventory, P&L, orders, fills, log, theo, venues; 0 alerts",
        bar=12,
    ),
    _plain(
        Group.PANES, "tab", "Tab", "next_pane(1)", "next pane", "go to the next pane on the screen", bar=11
    ),
    _plain(Group.PANES, "shift+tab", "S-Tab", "next_pane(-1)", "previous pane", "go to the previous pane"),
    _plain(Group.PANES, "left_square_bracket", "[", "tab(-1)", "tab left", "previous pane in the same place"),
    _plain(
        Group.PANES, "right_square_bracket", "]", "tab(1)", "tab right", "next pane in the same place", bar=20
    ),
    Key("z", "z", "zoom", "zoom", "give the pane the whole screen, again to restore", Group.PANES, bar=13),
    Key("b", "b", "book(1)", "book", "ladder: next book of the match", Group.PANES, bar=23),
    Key("B", "B", "book(-1)", "book back", "ladder: previous book of the match", Group.PANES),
    Key(
        "m", "m", "centre", "centre", "ladder: put the middle of the book in the middle", Group.PANES, bar=27
    ),
    Key(
        "space",
        "Space",
        "lock_centre",
        "hold",
        "ladder: hold the prices where they are, again: let them follow",
        Group.PANES,
        bar=29,
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
    _plain(Group.LISTS, "n", "n", "next_hit(1)", "next", "next row of the filter"),
    _plain(Group.LISTS, "N", "N", "next_hit(-1)", "previous", "previous row of the filter"),
    Key(
        "exclamation_mark",
        "!",
        "seek",
        "next trouble",
        "go to the next row that needs a look",
        Group.LISTS,
        bar=18,
    ),
    _plain(Group.LISTS, "escape", "Esc", "clear", "clear", "clear the filter, leave zoom"),
    Key("s", "s", "sort", "sort", "sort by the next column", Group.LISTS, bar=17),
    Key("S", "S", "reverse", "reverse", "turn the sorting round", Group.LISTS),
    Key(
        "H",
        "H",
        "history",
        "history",
        "fills and log: search further back than the pane goes",
        Group.LISTS,
        bar=19,
    ),
    Key("y", "y", "copy", "copy", "copy the row to the terminal's clipboard", Group.LISTS, bar=30),
    Key("o", "o", "odds", "odds", "prices in cents, decimal or American odds", Group.SCREEN, bar=31),
    Key("t", "t", "theme", "theme", "the next colours", Group.SCREEN, bar=32),
    Key(
        "w",
        "w",
        "wire",
        "wire",
        "spare the line to the terminal: by itself, never or always",
        Group.SCREEN,
        bar=33,
    ),
    Key("T", "T", "tour", "tour", "the screen explained in one picture", Group.SCREEN, bar=34),
    _plain(Group.SCREEN, "ctrl+p", "^P", "palette", "palette", "find any of these by name", bar=35),
    Key(
        "question_mark", "?", "help", "help", "this page: keys, columns, reasons, marks", Group.SCREEN, bar=2
    ),
)

LIST_KEYS = (
    _plain(Group.LISTS, "j,down", "j ↓", "move(1)", "down", "next row"),
    _plain(Group.LISTS, "k,up", "k ↑", "move(-1)", "up", "previous row"),
    _plain(Group.LISTS, "pagedown,ctrl+d", "PgDn ^D", "page(1)", "page down", "a page down"),
    _plain(Group.LISTS, "pageup,ctrl+u", "PgUp ^U", "page(-1)", "page up", "a page up"),
    _plain(Group.LISTS, "g,home", "g Home", "end(-1000000)", "top", "first row"),
    _plain(Group.LISTS, "G,end", "G End", "end(1000000)", "bottom", "last row"),
    _plain(
        Group.LISTS,
        "enter",
        "Enter",
        "choose",
        "choose",
        "ladder, inventory and theo follow the match of the row",
    ),
)

DIALOG_KEYS = (
    _plain(Group.DIALOG, "escape", "Esc", "back", "back", "leave the dialog, nothing is done"),
    _plain(Group.DIALOG, "enter", "Enter", "", "take", "take the marked choice or the field"),
    _plain(Group.DIALOG, "tab,left,right", "Tab ← →", "", "move", "next field or choice"),
    _plain(Group.DIALOG, "ctrl+s", "^S", "save", "save", "send the form (it says what is wrong instead)"),
    _plain(
        Group.DIALOG, "ctrl+t", "^T", "type_it", "type it", "adding a match: fill in the form, or type it all"
    ),
    _plain(
        Group.DIALOG, "ctrl+g", "^G", "pin", "pin", "manual odds: pin them (no other source counts) or not"
    ),
    _plain(
        Group.DIALOG,
        "up,down",
        "↑ ↓",
        "choose",
        "choose",
        "another of several: venue, symbol, preset",
    ),
)

ALL_KEYS = (*GLOBAL_KEYS, *DESK_KEYS, *LIST_KEYS, *DIALOG_KEYS)

# What the key bar shows first while it is wanted: by pane, or by what happened.
PANE_ACTIONS: dict[int, tuple[str, ...]] = {
    2: ("book(1)", "centre", "lock_centre"),
    5: ("act('cancel')", "copy"),
    6: ("history", "copy"),
    7: ("history", "seek"),
    0: ("history", "seek"),
}
