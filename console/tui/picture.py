"""One moment as the screen shows it: the engine's view, how old it is, and what else the status lines say."""

from __future__ import annotations

from msgspec import Struct

from console.core.events import Mode
from console.core.matches import MatchId
from console.core.units import Nanos
from console.core.view import View
from console.link.messages import Role, Welcome
from console.tui.taste import Odds

SILENT_AFTER_MS = 1500  # six missed frames


class Terminal(Struct, frozen=True):
    """How the terminal answers: round trip and age of the oldest unanswered question, -1 unknown."""

    rtt_ms: int = -1
    silent_ms: int = 0


class Picture(Struct, frozen=True):
    """Everything panes and status lines are painted from.

    `age_ms` is how long the engine's own clock has not moved as seen from here; `selected` is the match
    under the cursor of the matches pane. `now_ms` is a clock for what fades, `lively` says that the line to
    the terminal carries it.
    """

    view: View
    welcome: Welcome
    closed: str
    age_ms: int
    wall: Nanos
    terminal: Terminal
    selected: MatchId
    odds: Odds = Odds.CENTS
    now_ms: int = 0
    lively: bool = False
    low: bool = False  # the line to the terminal is given little to carry

    @property
    def frozen(self) -> bool:
        """What is shown is old: the engine is silent or gone."""
        return bool(self.closed) or self.age_ms > SILENT_AFTER_MS

    @property
    def risk(self) -> tuple[object, ...]:
        """What the first line warns of: whenever it changes, the screen changes at once."""
        return self.frozen, self.closed, self.view.kill, self.view.paused, self.view.stopping

    @property
    def mode(self) -> str:
        """The mode in one word; a dry run says DRY where orders could go out."""
        if self.welcome.dry_run and self.view.mode in (Mode.DEMO, Mode.LIVE):
            return "DRY"
        return self.view.mode.value.upper()

    @property
    def may_act(self) -> bool:
        """Whether the console controls the engine, or only looks."""
        return self.welcome.role is Role.CONTROL


class Pulse:
    """Measures the engine's silence: only a view whose own clock has moved on counts as a sign of life."""

    def __init__(self, now: float) -> None:
        self._ts = Nanos(-1)
        self._since = now

    def age_ms(self, view: View | None, now: float) -> int:
        """Milliseconds since the engine's clock was last seen to move; `now` is monotonic seconds."""
        if view is not None and view.ts != self._ts:
            self._ts, self._since = view.ts, now
        return int((now - self._since) * 1000)
