"""The console: looks at the engine a few times a second, paints what changed, and opens the dialogs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar, TypeVar, cast

from rich.console import RenderableType
from textual import on
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen

from console.core.events import OnConsoleLost, Stop
from console.core.matches import MatchId
from console.core.view import View
from console.link.messages import Bye, Heartbeat, Watch
from console.tui.actions import Operator
from console.tui.alarm import Alarm
from console.tui.clock import Clock
from console.tui.desk import Desk
from console.tui.dialogs.dialog import Dialog
from console.tui.dialogs.help import help_dialog
from console.tui.dialogs.leave import DETACH, STOP, Stopping, quit_dialog
from console.tui.dialogs.palette import palette
from console.tui.diff import Difference, Shown, switched_off
from console.tui.driver import ConsoleDriver
from console.tui.engine import Engine
from console.tui.format import clean
from console.tui.keys import GLOBAL_KEYS
from console.tui.killswitch import KillSwitch
from console.tui.leave import Code, Leave
from console.tui.pace import BEAT_S, Pace, period_s
from console.tui.picture import Picture, Pulse, Terminal
from console.tui.ping import Ping
from console.tui.places import LADDER

T = TypeVar("T")

SAID_S, REFUSED_S = 3.0, 8.0


class ConsoleApp(App[int]):
    """The app. With `live` False nothing happens by itself: a test calls `tick`."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.label, show=False, priority=True) for key in GLOBAL_KEYS
    ]
    CSS = """
    Toast { width: auto; max-width: 60; padding: 0 1; margin-top: 0; background: #303030; }
    Toast.-information { border-left: outer #5fafff; }
    Toast.-warning { border-left: outer #ffaf00; color: #ffaf5f; }
    ToastRack { margin-bottom: 1; }
    """

    def __init__(
        self,
        engine: Engine,
        kill: KillSwitch,
        leave: Leave,
        clock: Clock,
        live: bool = True,
        bell: bool = True,
    ) -> None:
        super().__init__(driver_class=ConsoleDriver)
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
        self._painted: View | None = None
        self._welcome = engine.welcome
        self._unanswered = 0
        self._leaving = False

    def get_default_screen(self) -> Screen[None]:
        """The panes."""
        return self.desk

    def on_mount(self) -> None:
        """Begin to look and to be heard."""
        self.theme = "textual-dark"
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
            self.screen.paint(picture)
        self._keep_watching(picture)
        if self._alarm.rings(picture, self._clock.monotonic()):
            self.bell()
        if self._kill.unanswered > self._unanswered:
            self._unanswered = self._kill.unanswered
            self.say("no answer to the kill for 500 ms: `mmconsole kill` works without this engine", ok=False)

    def _beat(self) -> None:
        now, driver = self._clock.monotonic(), self._console_driver
        if driver is not None and not driver.ping.may_paint(now):
            return
        on_ladder = self.desk.focused_pane.content.number == LADDER
        covered = isinstance(self.screen, Dialog)
        period = period_s(driver.ping.rtt_s if driver else None, on_ladder, covered)
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
        self.engine.send(Heartbeat(terminal_age_ms=self._terminal().silent_ms))

    def _terminal(self) -> Terminal:
        driver = self._console_driver
        if driver is None:
            return Terminal()
        return Terminal(driver.ping.rtt_ms, driver.ping.silent_ms(self._clock.monotonic()))

    def _keep_watching(self, picture: Picture) -> None:
        """Watch the first match until told otherwise, and again when the line was opened anew."""
        if not self._watched and picture.view.matches:
            self._watched = self.desk.selected or picture.view.matches[0].id
            self.engine.send(Watch(match=self._watched))
        elif self._welcome is not self.engine.welcome:
            self.engine.send(Watch(match=self._watched))
        self._welcome = self.engine.welcome

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
        """The kill key once more, by way of the event loop."""
        self._kill.press()
        if self.picture is None or self.picture.view.kill is None:
            self.say("kill sent; what the venues have proven will stand on top", ok=False)

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
        self._watched = event.match
        self.engine.send(Watch(match=event.match))

    @on(Desk.Opened)
    def _open(self, event: Desk.Opened) -> None:
        self.run_worker(self._show_help() if event.what == "help" else self._show_palette(), group="open")

    async def _show_help(self) -> None:
        await self.answer(help_dialog(self._clock))

    async def _show_palette(self) -> None:
        command = await self.answer(palette(self.engine.view, self._clock))
        if command is None:
            return
        if command.match:
            self.desk.select(command.match)
        else:
            await self.run_action(command.action, self.desk)

    def _handle_exception(self, error: Exception) -> None:
        # Arms the last resort: printing the traceback blocks on a terminal that does not read.
        self.leave.now(f"crashed: {error!r}", Code.CRASHED)
        super()._handle_exception(error)
