"""The console: looks at the engine a few times a second, paints what changed, and opens the dialogs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, TypeVar, cast

import msgspec
from rich.console import RenderableType
from textual import on
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter, NoColor
from textual.notifications import SeverityLevel
from textual.screen import Screen

from console.core.commands import Severity
from console.core.events import OnConsoleLost, Stop
from console.core.matches import MatchId
from console.core.units import Nanos
from console.core.view import View
from console.link.messages import Bye, Heartbeat, Watch
from console.tui.actions import Operator
from console.tui.alarm import Alarm
from console.tui.clock import Clock
from console.tui.desk import Desk
from console.tui.dialogs.dialog import Dialog
from console.tui.dialogs.help import help_dialog
from console.tui.dialogs.history import history
from console.tui.dialogs.leave import DETACH, STOP, Stopping, quit_dialog
from console.tui.dialogs.palette import palette
from console.tui.dialogs.tour import Tour
from console.tui.diff import Difference, Shown, switched_off
from console.tui.driver import ConsoleDriver
from console.tui.engine import Engine
from console.tui.format import clean
from console.tui.glyphs import shapes_of, table_of
from console.tui.grid import Grid
from console.tui.keys import GLOBAL_KEYS
from console.tui.killswitch import KillSwitch
from console.tui.leave import Code, Leave
from console.tui.pace import BEAT_S, Pace, period_s
from console.tui.palettes import DUSK, MONO, PALETTES, Paint, chosen, theme_of
from console.tui.picture import Picture, Pulse, Terminal
from console.tui.ping import Ping
from console.tui.places import LADDER
from console.tui.taste import AUTO, Odds, Taste, TasteFile, Wire
from console.tui.wire import WireWatch, spared

T = TypeVar("T")

SAID_S, REFUSED_S = 3.0, 8.0
FOLLOW_S = 0.3  # the ladder follows the cursor once it rests


class ConsoleApp(App[int]):
    """The app. With `live` False nothing happens by itself: a test calls `tick`."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.label, show=False, priority=True) for key in GLOBAL_KEYS
    ]
    CSS = """
    Toast { width: auto; max-width: 64; padding: 0 1; margin-top: 0; background: $toast; color: $type; }
    Toast.-information { border-left: outer $toast-edge; }
    Toast.-warning { border-left: outer $toast-risk; color: $toast-risk; }
    Toast.-error { border-left: outer $toast-risk; color: $toast-risk; text-style: bold; }
    ToastRack { margin-bottom: 1; }
    .shapes-console Dialog > Vertical { border: solid $edge; }
    .shapes-console Dialog.risk > Vertical { border: solid $edge-risk; }
    .shapes-plain Dialog > Vertical { border: ascii $edge; }
    .shapes-plain Dialog.risk > Vertical { border: ascii $edge-risk; }
    """

    def __init__(
        self,
        engine: Engine,
        kill: KillSwitch,
        leave: Leave,
        clock: Clock,
        live: bool = True,
        bell: bool = True,
        kept: TasteFile | None = None,
    ) -> None:
        super().__init__(driver_class=ConsoleDriver)
        self._kept = kept or TasteFile(None)
        self.taste = self._kept.read()
        self.paint = Paint(chosen(self.taste.theme, self.no_color, self.console._color_system))
        shapes = shapes_of(os.environ)
        self.glyphs = table_of(shapes)
        self.add_class(f"shapes-{shapes.value}")
        self.engine = engine
        self.leave = leave
        self.desk = Desk()
        self.shown = Shown()
        self._kill = kill
        self._clock = clock
        self._live = live
        self._operator = Operator(engine, self, clock)
        self._pulse = Pulse(clock.monotonic())
        self._pace = Pace()
        self._alarm = Alarm(bell)
        self._watched = MatchId("")
        self._cursor = MatchId("")  # the match under it, followed when it rests there
        self._follow_at: float | None = None
        self._wire = WireWatch()
        self._painted: View | None = None
        self._welcome = engine.welcome
        self._unanswered = 0
        self._leaving = False
        self._touring = False
        self._heard: Nanos | None = None  # the newest error that was said

    def get_default_screen(self) -> Screen[None]:
        """The panes."""
        return self.desk

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the style sheets name before a theme is chosen."""
        return dict(DUSK.css)

    def on_mount(self) -> None:
        """Begin to look and to be heard."""
        for palette_ in PALETTES.values():
            self.register_theme(theme_of(palette_))
        self.theme = self.paint.palette.name
        if self._live:
            self.set_interval(BEAT_S, self._beat, name="beat")
            self.set_interval(1.0, self._each_second, name="second")

    # ---- looking and painting

    @property
    def picture(self) -> Picture | None:
        """What the operator sees now."""
        return self.desk.picture

    def look(self) -> Picture | None:
        """Put one moment together; None before the first view."""
        view = self.engine.view
        age_ms = self._pulse.age_ms(view, self._clock.monotonic())
        if view is None:
            return None
        return Picture(
            view=view,
            welcome=self.engine.welcome,
            closed=self.engine.closed,
            age_ms=age_ms,
            wall=self._clock.wall(),
            terminal=self._terminal(),
            selected=self.desk.selected,
            odds=self.taste.odds,
            now_ms=int(self._clock.monotonic() * 1000),
            lively=not self.spared and not self.no_color,
            low=self.spared,
        )

    def tick(self) -> None:
        """Paint one moment."""
        picture = self.look()
        if picture is None:
            closed = self.engine.closed
            self.desk.wait(f"ENGINE GONE: {clean(closed)}" if closed else "waiting for the engine")
            return
        self._painted = picture.view
        self.desk.paint(picture)
        if isinstance(self.screen, Dialog):
            self.screen.tell(picture)
            self.screen.paint(picture)
        self._keep_watching()
        self._announce(picture.view)
        self._tour_once()
        if self._alarm.rings(picture, self._clock.monotonic()):
            self.bell()
        if self._kill.unanswered > self._unanswered:
            self._unanswered = self._kill.unanswered
            self.say("no answer to the kill for 500 ms: `mmconsole kill` works without this engine", ok=False)

    def _announce(self, view: View) -> None:
        """Say the newest error aloud, once; what happened before this screen opened is in the alerts."""
        errors = [line for line in view.log if line.severity is Severity.ERROR]
        newest = errors[0].wall if errors else Nanos(0)
        if self._heard is not None and newest > self._heard:
            title = next((m.title for m in view.matches if m.id == errors[0].match), "")
            about = f"{title}: " if title else ""
            self.notify(clean(f"{about}{errors[0].text}"), severity="error", timeout=REFUSED_S, markup=False)
        self._heard = newest

    def _tour_once(self) -> None:
        """Explain the screen to somebody who sees it for the first time."""
        if not self.taste.toured and not self._touring and not isinstance(self.screen, Dialog):
            self._touring = True
            self.run_worker(self._show_tour(), group="open")

    def _beat(self) -> None:
        now, driver = self._clock.monotonic(), self._console_driver
        if driver is not None and not driver.ping.may_paint(now):
            return
        on_ladder = self.desk.focused_pane.content.number == LADDER
        covered = isinstance(self.screen, Dialog)
        period = period_s(driver.ping.rtt_s if driver else None, on_ladder, covered, self.spared)
        if self._urgent() or self._pace.due(now, self.engine.view is not self._painted, period):
            self._pace.painted(now)
            self.tick()

    def _urgent(self) -> bool:
        """Whether something began or ended that must not wait for the next paint."""
        now, before = self.look(), self.picture
        return now is not None and (before is None or now.risk != before.risk)

    def _each_second(self) -> None:
        if self.leave.asked:
            return  # a sign of life after the goodbye would take it back
        driver = self._console_driver
        if driver is not None:
            driver.ask_terminal()
            self._wire.heard(driver.ping.rtt_s, driver.dropped, self._clock.monotonic())
        self.engine.send(Heartbeat(terminal_age_ms=self._terminal().silent_ms))

    def _terminal(self) -> Terminal:
        driver = self._console_driver
        if driver is None:
            return Terminal()
        return Terminal(driver.ping.rtt_ms, driver.ping.silent_ms(self._clock.monotonic()))

    def _keep_watching(self) -> None:
        """Watch what the cursor of the matches rests on, and again when the line was opened anew."""
        selected, now = self.desk.selected, self._clock.monotonic()
        if self._cursor != selected:
            self._cursor = selected
            self._follow_at = now + FOLLOW_S if self._watched else now
        if self._follow_at is not None and now >= self._follow_at:
            self._follow_at = None
            self.watch_match(selected)
        elif self._welcome is not self.engine.welcome and self._watched:
            self.engine.send(Watch(match=self._watched))
        self._welcome = self.engine.welcome

    def watch_match(self, match: MatchId) -> None:
        """Let the close-up follow a match."""
        if match and match != self._watched:
            self._watched = match
            self.engine.send(Watch(match=match))

    @property
    def _console_driver(self) -> ConsoleDriver | None:
        return self._driver if isinstance(self._driver, ConsoleDriver) else None

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send a frame as one unit, and of it only what the terminal does not show yet."""
        driver = self._console_driver
        if isinstance(renderable, ChopsUpdate | LayoutUpdate) and not switched_off():
            # No renderable to mypy, but a CompositorUpdate is what Textual hands over here.
            renderable = cast(RenderableType, Difference(renderable, self.shown))
        with driver.frame() if driver else nullcontext():
            super()._display(screen, renderable)

    def on_resize(self) -> None:
        """A terminal rearranges what it showed, even when it comes back to the same size."""
        self.repaint()

    @property
    def drained(self) -> bool:
        """The terminal took everything that was written to it."""
        driver = self._console_driver
        return driver is not None and driver.drained

    def stop_asking(self) -> Ping | None:
        """Ask the terminal nothing any more; its state, to wait for the last answer."""
        driver = self._console_driver
        if driver is None:
            return None
        driver.ping.enabled = False
        return driver.ping

    # ---- what the driver says

    def kill_pressed(self) -> None:
        """The kill key, in the input thread."""
        self._kill.press()

    def hung_up(self, why: str) -> None:
        """The terminal is gone, in the input or output thread."""
        self.leave.line_dead(why)

    def repaint(self) -> None:
        """Forget what is shown and paint everything."""
        self.shown.forget()
        self.screen.refresh()

    # ---- keys that work everywhere

    def action_kill(self) -> None:
        """The kill key once more, by way of the event loop; what was being asked is over."""
        self._kill.press()
        self._close_dialogs()
        if self.picture is None or self.picture.view.kill is None:
            self.say("kill sent; what the venues have proven will stand on top", ok=False)

    def _close_dialogs(self) -> None:
        """Show what the kill does, and give its keys back; the proof of a stop goes on."""
        while isinstance(self.screen, Dialog) and not isinstance(self.screen, Stopping):
            self.screen.dismiss(None)
        self.desk.close_filter()

    def action_redraw(self) -> None:
        """Paint the whole screen afresh."""
        self.repaint()

    def action_leave(self) -> None:
        """Ask how to leave; while a stop is being proven, offer the way out but never take it."""
        if isinstance(self.screen, Stopping):
            self.screen.ask_out()
        elif not self._leaving:
            self._leaving = True
            self.run_worker(self._ask_to_leave(), group="leave")

    async def _ask_to_leave(self) -> None:
        choice = await self.push_screen_wait(quit_dialog(self.look(), self._clock))
        self._leaving = False
        if choice == DETACH:
            self.engine.send(Bye(policy=OnConsoleLost.KEEP))
            self.leave.now("detached: the engine keeps running", Code.LEFT)
        elif choice == STOP:
            await self._stop()
        elif choice is not None:
            gone = bool(self.engine.closed)
            self.leave.now("left", Code.LINE_LOST if gone else Code.LEFT)

    async def _stop(self) -> None:
        dialog = Stopping(self._clock)
        self.run_worker(self._ask_to_stop(dialog), group="stop")
        code = await self.push_screen_wait(dialog)
        if code is not None:
            proven = code == Code.LEFT
            self.leave.now("stopped: no order rests, proven" if proven else "stopped WITHOUT PROOF", code)

    async def _ask_to_stop(self, dialog: Stopping) -> None:
        ack = await self.engine.operate(Stop(why="operator"))
        if not ack.ok and not self.engine.closed:
            dialog.dismiss(None)
            self.say(ack.text or "the engine refused to stop", ok=False)

    # ---- dialogs and lines

    async def answer(self, dialog: Dialog[T]) -> T | None:
        """Show a dialog and wait for its answer; one at a time."""
        if isinstance(self.screen, Dialog):
            return None
        return await self.push_screen_wait(dialog)

    def chosen_match(self) -> MatchId | None:
        """The match the operator means."""
        return self.desk.chosen_match()

    def say(self, text: str, ok: bool = True) -> None:
        """Show one line for a moment; a refusal stays longer, in orange."""
        seconds = SAID_S if ok else REFUSED_S
        severity: SeverityLevel = "information" if ok else "warning"
        self.notify(clean(text), severity=severity, timeout=seconds, markup=False)

    @on(Desk.Act)
    def _act(self, event: Desk.Act) -> None:
        self.run_worker(self._operator.act(event.verb), group="act")

    @on(Desk.Watched)
    def _watch(self, event: Desk.Watched) -> None:
        self.watch_match(event.match)

    @on(Desk.Opened)
    def _open(self, event: Desk.Opened) -> None:
        match event.what:
            case "odds" | "theme" | "wire":
                self._next_taste(event.what)
            case "help":
                self.run_worker(self._show_help(), group="open")
            case "tour":
                self.run_worker(self._show_tour(), group="open")
            case "history":
                self.run_worker(self._show_history(), group="open")
            case _:
                self.run_worker(self._show_palette(), group="open")

    async def _show_help(self) -> None:
        await self.answer(help_dialog(self.desk.contents, self.desk.focused_pane.content, self._clock))

    async def _show_tour(self) -> None:
        await self.answer(Tour(self._clock))
        if not self.taste.toured:
            self._like(msgspec.structs.replace(self.taste, toured=True))

    async def _show_history(self) -> None:
        number = self.desk.focused_pane.content.number
        await self.answer(history(number, self.engine, lambda: self.picture, self._clock))

    async def _show_palette(self) -> None:
        command = await self.answer(palette(self.engine.view, self.desk.contents, self._clock))
        if command is None:
            return
        if command.match:
            self.desk.select(command.match)
        else:
            await self.run_action(command.action, self.desk)

    # ---- matters of taste

    @property
    def spared(self) -> bool:
        """Little is sent to the terminal."""
        return spared(self.taste.wire, self._wire)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colour nothing is left of any; Textual would make it grey."""
        return (NoColor(),) if self.paint.palette is MONO else super().get_line_filters()

    def _next_taste(self, what: str) -> None:
        taste = self.taste
        match what:
            case "odds":
                self.action_odds(_after(taste.odds.value, [odds.value for odds in Odds]))
            case "wire":
                self.action_wire(_after(taste.wire.value, [wire.value for wire in Wire]))
            case _:
                self.action_theme(_after(taste.theme, THEMES))

    def action_odds(self, name: str) -> None:
        """Spell prices like this."""
        self._like(msgspec.structs.replace(self.taste, odds=Odds(name)))
        self.say(f"prices as {name}{'' if name == Odds.CENTS.value else ' odds'}")

    def action_wire(self, name: str) -> None:
        """Give the line to the terminal this share."""
        self._like(msgspec.structs.replace(self.taste, wire=Wire(name)))
        self.say(f"line to the terminal: {_WIRES[self.taste.wire]}")

    def action_theme(self, name: str) -> None:
        """Take these colours."""
        self._like(msgspec.structs.replace(self.taste, theme=name))
        self._repaint_in(name)

    def _like(self, taste: Taste) -> None:
        self.taste = taste
        self._kept.write(taste)
        self.tick()

    def _repaint_in(self, name: str) -> None:
        palette_ = chosen(name, self.no_color, self.console._color_system)
        self.paint = Paint(palette_)
        self.theme = palette_.name
        for grid in (*self.desk.query(Grid), *self.screen.query(Grid)):
            grid.refresh()
        self.repaint()
        obeyed = " (NO_COLOR is set)" if self.no_color else ""
        self.say(f"theme {name}{obeyed}: {palette_.text}")

    def _handle_exception(self, error: Exception) -> None:
        # Arms the last resort: printing the traceback blocks on a terminal that does not read.
        self.leave.now(f"crashed: {error!r}", Code.CRASHED)
        super()._handle_exception(error)


def _after(name: str, names: Sequence[str]) -> str:
    """The next of several, round and round; the first after one that is none of them."""
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]


THEMES = (AUTO, *PALETTES)
_WIRES = {
    Wire.AUTO: "spared while it is slow",
    Wire.FULL: "never spared",
    Wire.LOW: "always spared",
}
