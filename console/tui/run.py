"""Starts the console on this terminal and ends it, whatever happens to terminal, engine or process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from console.tui.clock import SystemClock
from console.tui.engine import Engine
from console.tui.killswitch import KillSwitch
from console.tui.leave import Code, Leave
from console.tui.taste import TasteFile

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
EXIT_S = 2.0  # what Textual gets to take its screen down
SETTLED_S = 0.5  # after which what was built at the start stays
LOOK_S, QUIET_LOOKS = 0.01, 50  # half a second for the last answer of the terminal


async def run_console(
    engine: Engine, *, mouse: bool = True, bell: bool = True, taste: Path | None = None
) -> int:
    """Show `engine` on this terminal until the operator leaves or it ends; returns the exit code.

    `taste` is the file in which the operator's likings are kept.
    """
    refusal = unfit()
    if refusal:
        sys.stderr.write(f"{refusal}\n")
        return Code.UNFIT
    settle_environment()
    from console.tui.app import ConsoleApp  # reads the environment as it is imported

    leave = Leave()
    kill = KillSwitch(engine)
    app = ConsoleApp(engine, kill, leave, SystemClock(), bell=bell, kept=TasteFile(taste))
    with _signals(leave):
        screen = asyncio.create_task(app.run_async(mouse=mouse), name="screen")
        asked = asyncio.create_task(leave.wait(), name="leave")
        asyncio.get_running_loop().call_later(SETTLED_S, _settle_garbage)
        await asyncio.wait({screen, asked}, return_when=asyncio.FIRST_COMPLETED)
        code = await _take_down(app, screen, leave)
        asked.cancel()
    kill.close()
    return code


def unfit() -> str:
    """Why nothing can be drawn here, in one line; empty when it can."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "mmconsole: the console needs a terminal; `mmconsole run --headless` runs without one"
    if os.environ.get("TERM", "") in ("dumb", ""):
        return "mmconsole: TERM names no terminal that can draw; set it, for example TERM=xterm-256color"
    return ""


def settle_environment() -> None:
    """Set what Textual reads as it is imported: no animations, a bound on its own repaints, the true size."""
    os.environ.setdefault("TEXTUAL_FPS", "30")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    for stale in ("LINES", "COLUMNS"):
        os.environ.pop(stale, None)


async def _take_down(app: ConsoleApp, screen: asyncio.Task[int | None], leave: Leave) -> int:
    """Give the terminal back; the first reason to leave decides the exit code."""
    if not screen.done():
        if not leave.hung_up:
            await _quiet(app)
        app.exit()
        await asyncio.wait({screen}, timeout=EXIT_S)
    if not screen.done():
        return Code.STUCK
    if app.drained and not leave.hung_up and leave.why:
        sys.stderr.write(f"{leave.why}\n")
        sys.stderr.flush()
    screen.result()
    return leave.code if leave.asked else app.return_code or Code.CRASHED


async def _quiet(app: ConsoleApp) -> None:
    """Ask the terminal nothing more and wait for its last answer, which would end in the user's shell."""
    ping = app.stop_asking()
    for _ in range(QUIET_LOOKS):
        if ping is None or not ping.outstanding:
            return
        await asyncio.sleep(LOOK_S)


def _settle_garbage() -> None:
    # What lives until the end need not be looked at again: a full collection would stop the screen.
    gc.collect()
    gc.freeze()


@contextmanager
def _signals(leave: Leave) -> Iterator[None]:
    """Leave on a signal; a second one neither hurries the process on its way out, where what was typed last
    still goes to the engine, nor changes its exit code.
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, leave.now, number.name, 128 + number)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            if leave.asked:
                signal.signal(number, signal.SIG_IGN)
