"""The command palette: the actions of the keys, and the matches to jump to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from console.core.matches import MatchId
from console.core.view import View
from console.tui.clock import Clock
from console.tui.dialogs.finder import Finder, words_match
from console.tui.format import clean, fit
from console.tui.ink import Ink
from console.tui.keys import DESK_KEYS, GLOBAL_KEYS
from console.tui.palettes import PALETTES
from console.tui.panes.pane import Content
from console.tui.sheet import Span
from console.tui.taste import Odds


class Command(NamedTuple):
    """Something to run: an action of a key, or a match to select."""

    name: str
    text: str
    action: str = ""
    match: MatchId = MatchId("")


def commands(view: View | None, panes: Sequence[Content] = ()) -> list[Command]:
    """Everything there is to choose from."""
    keyed = [Command(key.shown, f"{key.label}: {key.help}", key.action) for key in DESK_KEYS if key.palette]
    keyed += [Command(key.shown, f"{key.label}: {key.help}", f"app.{key.action}") for key in GLOBAL_KEYS]
    keyed += [
        Command(str(pane.number), f"pane {pane.name}: {pane.about}", f"pane({pane.number})") for pane in panes
    ]
    keyed += [
        Command("t", f"theme {name}: {PALETTES[name].text}", f"app.theme('{name}')") for name in PALETTES
    ]
    keyed += [Command("o", f"prices as {odds.value}", f"app.odds('{odds.value}')") for odds in Odds]
    jumps = [
        Command("go to", clean(f"{match.title} {match.sport}"), match=match.id)
        for match in (view.matches if view else ())
    ]
    return [*keyed, *jumps]


def palette(view: View | None, panes: Sequence[Content], clock: Clock) -> Finder[Command]:
    """The dialog; answered with the command chosen."""
    hint = "Enter runs it · Esc closes"
    search = _searcher(commands(view, panes))
    return Finder("Commands", clock, search, _draw, hint, whole=lambda command: command.text)


def _searcher(all_commands: Sequence[Command]) -> Callable[[str], Sequence[Command]]:
    def search(needle: str) -> Sequence[Command]:
        hits = [command for command in all_commands if words_match(needle, f"{command.name} {command.text}")]
        return sorted(hits, key=lambda command: not command.text.lower().startswith(needle.lower()))

    return search


def _draw(command: Command, width: int) -> Sequence[Span]:
    return [Span(f" {fit(command.name, 8)} ", Ink.KEY), Span(fit(command.text, width - 10))]
