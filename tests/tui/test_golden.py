"""What the screen looks like, to the character, at the three sizes and in every state that matters."""

from __future__ import annotations

import msgspec
import pytest

from console.core.events import Mode
from console.core.view import KillPhase, View
from console.link.messages import Role
from tests.tui.fakes import FakeEngine
from tests.tui.golden import assert_golden
from tests.tui.stage import in_loop, on_stage
from tests.tui.views import empty, killed, ladder, many, view, welcome

SIZES = ((80, 24), (120, 40), (200, 60))


def stale_book() -> View:
    return msgspec.structs.replace(view(), ladders=(ladder(stale="sequence gap"),))


STATES = {
    "ordinary": view,
    "many": many,
    "killing": lambda: killed(KillPhase.KILLING, 7),
    "killed": killed,
    "kill-incomplete": lambda: killed(KillPhase.INCOMPLETE, 2),
    "empty": empty,
    "paused-stopping": lambda: msgspec.structs.replace(
        view(), paused="by the operator", stopping="console lost"
    ),
    "stale-book": stale_book,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_screen(state: str, size: tuple[int, int]) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(STATES[state]()), size) as stage:
            assert_golden(f"{state}-{size[0]}x{size[1]}", stage.text)

    look()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_screen_of_a_silent_engine_says_so_everywhere(size: tuple[int, int]) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(size=size) as stage:
            await stage.later(3.2)
            assert_golden(f"silent-{size[0]}x{size[1]}", stage.text)

    look()


@pytest.mark.parametrize("number", range(1, 8))
def test_every_pane_zoomed_and_as_a_tab(number: int) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(size=(80, 24)) as stage:
            await stage.press(str(number))
            assert_golden(f"pane-{number}-80x24", stage.text)
        async with on_stage(size=(120, 40)) as stage:
            await stage.press(str(number), "z")
            assert_golden(f"pane-{number}-zoomed-120x40", stage.text)

    look()


DIALOGS: dict[str, tuple[FakeEngine, tuple[str, ...]]] = {
    "add-search": (FakeEngine(), ("a",)),
    "add-form": (FakeEngine(), ("a", "down", "enter")),
    "add-by-hand": (FakeEngine(), ("a", "ctrl+t")),
    "edit": (FakeEngine(), ("e",)),
    "account": (FakeEngine(), ("E",)),
    "remove": (FakeEngine(), ("x",)),
    "rearm": (FakeEngine(killed(KillPhase.INCOMPLETE, 2)), ("R",)),
    "quit": (FakeEngine(), ("ctrl+c",)),
    "quit-viewer": (FakeEngine(granted=welcome(Role.VIEW)), ("ctrl+q",)),
    "stopping": (FakeEngine(), ("ctrl+q", "s")),
    "help": (FakeEngine(), ("question_mark",)),
    "palette": (FakeEngine(), ("ctrl+p",)),
    "go-live": (
        FakeEngine(msgspec.structs.replace(view(), mode=Mode.LIVE), welcome(mode=Mode.LIVE, dry_run=True)),
        ("D",),
    ),
    "filter": (FakeEngine(), ("slash", "a", "l", "c")),
}


@pytest.mark.parametrize("name", DIALOGS)
@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_dialog(name: str, size: tuple[int, int]) -> None:
    engine, keys = DIALOGS[name]

    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(engine.view, engine.welcome), size) as stage:
            for key in keys:
                await stage.press(key)
                await stage.later(0)
            if "add" in name:
                await stage.until(lambda: "Zverev" in stage.text or name == "add-by-hand")
            assert_golden(f"dialog-{name}-{size[0]}x{size[1]}", stage.text)

    look()


def test_terminal_too_small_still_says_what_matters() -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(killed(KillPhase.INCOMPLETE, 2)), (60, 12)) as stage:
            assert_golden("too-small-60x12", stage.text)
        async with on_stage(size=(20, 5)) as stage:
            assert "PAPER" in stage.text
        async with on_stage(size=(1, 1)) as stage:
            assert stage.app.is_running

    look()


@pytest.mark.parametrize("state", ["ordinary", "kill-incomplete", "silent"])
def test_colours(state: str) -> None:
    """Colours, where the text cannot say them: one picture each, to be opened in a browser."""

    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(STATES.get(state, view)()), (120, 40)) as stage:
            await stage.later(3.2 if state == "silent" else 0)
            assert_golden(state, stage.app.export_screenshot(title="mmconsole"), "svg")

    look()
