"""Puts the app on a stage without a terminal: time stands still and nothing paints by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import msgspec
from textual import events
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.widgets import Input

from console.core.units import Nanos
from console.core.view import View
from console.tui.app import ConsoleApp
from console.tui.dialogs.dialog import Dialog
from console.tui.killswitch import KillSwitch
from console.tui.leave import Leave
from console.tui.places import MATCHES
from console.tui.taste import Taste, TasteFile
from tests.tui.colours import colours
from tests.tui.fakes import FakeEngine, StillClock

CHARACTERS = {"slash": "/", "question_mark": "?", "exclamation_mark": "!", "space": " "}
ROUNDS = 4  # message, worker, dialog, repaint: each pause lets every widget take what waits for it


class Stage:
    """The app, its engine and its clock."""

    def __init__(self, app: ConsoleApp, engine: FakeEngine, clock: StillClock, pilot: Pilot[Any]) -> None:
        self.app = app
        self.engine = engine
        self.clock = clock
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What a person sees."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def picture(self) -> str:
        """What a person sees, and under it what every cell means."""
        strips = self.app.screen._compositor.render_strips()
        dialog = self.app.screen if isinstance(self.app.screen, Dialog) else None
        seen = dialog.query_one(Vertical).region if dialog is not None else None
        return f"{self.text}\n\n{colours(strips, self.app.paint.palette.name, seen)}"

    @property
    def said(self) -> list[str]:
        """The lines shown for a moment, oldest first."""
        return [notice.message for notice in self.app._notifications]

    async def press(self, *keys: str) -> None:
        """Press keys and let everything that follows happen."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else CHARACTERS.get(key)))
            for _ in range(ROUNDS):
                await self.pilot.pause(0)
        await self.settle()

    async def write(self, text: str) -> None:
        """Put text into the focused field at once."""
        field = self.app.focused
        assert isinstance(field, Input), f"{field} is no field"
        field.value = text
        await self.settle()

    async def settle(self) -> None:
        """Let messages and workers run, and paint."""
        for _ in range(ROUNDS):
            await self.pilot.pause(0)
        self.app.tick()
        for _ in range(ROUNDS):
            await self.pilot.pause(0)

    async def show(self, view: View) -> None:
        """Let the engine send another view."""
        last = self.engine.view
        self.engine.view = msgspec.structs.replace(view, ts=Nanos((last.ts if last else 0) + 1))
        await self.settle()

    async def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += seconds
        await self.settle()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for something that takes real time."""
        deadline = time.monotonic() + 5
        while not true():
            assert time.monotonic() < deadline, f"it did not happen:\n{self.text}"
            await asyncio.sleep(0.01)
            await self.settle()


class Kept(TasteFile):
    """Keeps the operator's taste in memory; it is no first sitting unless told."""

    def __init__(self, taste: Taste | None = None) -> None:
        super().__init__(None)
        self.taste = taste or Taste(theme="dusk", toured=True)

    def read(self) -> Taste:
        return self.taste

    def write(self, taste: Taste) -> None:
        self.taste = taste


def staged(
    engine: FakeEngine, clock: StillClock, kept: Kept | None = None, sorted_by: str = ""
) -> ConsoleApp:
    """The app, not running yet."""
    app = ConsoleApp(
        engine, KillSwitch(engine), Leave(last_resort=lambda _: None), clock, live=False, kept=kept or Kept()
    )
    browse = app.desk.panes[MATCHES].content.browse
    assert browse is not None
    browse.sorted_by = sorted_by
    return app


@asynccontextmanager
async def on_stage(
    engine: FakeEngine | None = None,
    size: tuple[int, int] = (120, 40),
    kept: Kept | None = None,
    sorted_by: str = "",
) -> AsyncIterator[Stage]:
    """Run the app over a fake engine; matches stand as they come unless they are sorted."""
    engine, clock = engine or FakeEngine(), StillClock()
    app = staged(engine, clock, kept, sorted_by)
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, engine, clock, pilot)
        await stage.settle()
        yield stage


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test in a loop of its own."""

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run
