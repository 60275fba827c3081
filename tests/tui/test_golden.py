"""What the screen looks like, to the character and its colour, at three sizes and in every state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
from textual.pilot import Pilot

from console.core.events import Mode
from console.core.instruments import Venue
from console.core.matches import State
from console.core.reasons import Reason
from console.core.units import ONE, SECOND, Nanos, Size
from console.core.view import FlattenView, KillPhase, View
from console.link.messages import Role
from console.tui.app import ConsoleApp
from console.tui.palettes import PALETTES
from console.tui.panes.matches import NEEDS_YOU
from console.tui.taste import Odds, Taste
from tests.tui.fakes import SYMBOLS, FakeEngine, StillClock
from tests.tui.golden import assert_golden, is_golden
from tests.tui.stage import Kept, Stage, in_loop, on_stage, staged
from tests.tui.views import WALL, cents, empty, killed, ladder, many, venue_view, view, welcome

Compare = Callable[..., bool]  # with the picture kept by pytest-textual-snapshot
SIZES = ((80, 24), (120, 40), (200, 60))


def stale_book() -> View:
    return msgspec.structs.replace(view(), ladders=(ladder(stale="sequence gap"),))


def starting() -> View:
    """A run five seconds old: venues come up, matches wait for their books."""
    shown = view()
    waiting = [
        msgspec.structs.replace(
            match, state=State.WAIT_DATA, reason=Reason.NO_BOOK if n % 2 else Reason.WARM_UP
        )
        for n, match in enumerate(shown.matches)
    ]
    return msgspec.structs.replace(
        shown, started_wall=Nanos(WALL - 5 * SECOND), matches=tuple(waiting), orders=(), recent_fills=()
    )


def flattening() -> View:
    shown = view()
    way = FlattenView(cents(45), Size(150 * ONE), Size(40 * ONE), 3)
    first = msgspec.structs.replace(
        shown.matches[0], state=State.FLATTENING, reason=Reason.FLATTENING, flatten=way
    )
    return msgspec.structs.replace(shown, matches=(first, *shown.matches[1:]))


def needing_a_person() -> View:
    """A mismatch, a loss limit, a venue down: everything that waits for the operator."""
    shown = view()
    changed = {0: (Reason.MISMATCH, ""), 1: (Reason.LOSS, "max_loss_match"), 2: (Reason.UNVALUED, "")}
    matches = tuple(
        msgspec.structs.replace(match, reason=changed[n][0], limit=changed[n][1], state=State.PAUSED)
        if n in changed
        else match
        for n, match in enumerate(shown.matches)
    )
    venues = (
        venue_view(Venue.KALSHI, "MISMATCH KXATP-ALC: 10 there, 0 here", cash=4212.5, orders=34),
        venue_view(Venue.POLYMARKET, stream=21_000, cash=1000, orders=6, offset=2_400, tokens=12),
        venue_view(Venue.PROPHETX, "down: no route to host", -1, None, up=False, offset=None, dead_man=False),
    )
    return msgspec.structs.replace(shown, matches=matches, venues=venues, gated=True)


STATES = {
    "starting": starting,
    "flattening": flattening,
    "needing-a-person": needing_a_person,
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
        async with on_stage(FakeEngine(STATES[state]()), size, sorted_by=NEEDS_YOU) as stage:
            assert_golden(f"{state}-{size[0]}x{size[1]}", stage.picture)

    look()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_screen_of_a_silent_engine_says_so_everywhere(size: tuple[int, int]) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(size=size) as stage:
            await stage.later(3.2)
            assert_golden(f"silent-{size[0]}x{size[1]}", stage.picture)

    look()


@pytest.mark.parametrize("number", range(10))
def test_every_pane_zoomed_and_as_a_tab(number: int) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(size=(80, 24)) as stage:
            await stage.press(str(number))
            assert_golden(f"pane-{number}-80x24", stage.picture)
        for width, height in SIZES[1:]:
            async with on_stage(size=(width, height)) as stage:
                await stage.press(str(number), "z")
                assert_golden(f"pane-{number}-zoomed-{width}x{height}", stage.picture)

    look()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("number", [8, 9])
def test_panes_that_go_loud(number: int, size: tuple[int, int]) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(needing_a_person()), size) as stage:
            await stage.press(str(number), "z")
            assert_golden(f"pane-{number}-loud-{size[0]}x{size[1]}", stage.picture)

    look()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_empty_pane_says_what_to_do(size: tuple[int, int]) -> None:
    @in_loop
    async def look() -> None:
        shown = []
        async with on_stage(FakeEngine(empty()), size) as stage:
            await stage.press("z")
            for number in range(10):
                await stage.press(str(number))
                shown += [line for line in stage.text.split("\n")[2:-1] if line]
        assert_golden(f"empty-panes-{size[0]}x{size[1]}", "\n".join(shown))

    look()


@pytest.mark.parametrize("size", [(60, 20), (40, 14), (32, 9)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("number", [1, 2, 4])
def test_small_terminal_shows_one_pane_at_a_time(size: tuple[int, int], number: int) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(size=size, sorted_by=NEEDS_YOU) as stage:
            await stage.press(str(number))
            assert_golden(f"small-{number}-{size[0]}x{size[1]}", stage.picture)

    look()


@pytest.mark.parametrize("size", [(100, 30), (110, 32), (140, 45), (160, 50), (240, 70)], ids=str)
def test_sizes_between_lose_nothing(size: tuple[int, int]) -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(size=size, sorted_by=NEEDS_YOU) as stage:
            assert_golden(f"between-{size[0]}x{size[1]}", stage.picture)

    look()


@pytest.mark.parametrize("odds", [Odds.DECIMAL, Odds.AMERICAN])
def test_odds_in_every_pane(odds: Odds) -> None:
    @in_loop
    async def look() -> None:
        kept = Kept(Taste(theme="dusk", toured=True, odds=odds))
        for width, height in SIZES:
            async with on_stage(size=(width, height), kept=kept) as stage:
                assert_golden(f"odds-{odds.value}-{width}x{height}", stage.picture)

    look()


WAIT, LOSE = "wait", "lose"  # no keys: a second goes by; the engine goes
MISMATCHED = FakeEngine(needing_a_person())
STOPPING = msgspec.structs.replace(view(), stopping="operator", orders_open=5)
THERE = msgspec.structs.replace(view().matches[0], id=SYMBOLS[1].spec.id, title=SYMBOLS[1].title)
ADDED = ("a", "enter", WAIT, "y")
DIALOGS: dict[str, tuple[FakeEngine, tuple[str, ...]]] = {
    "add-search": (FakeEngine(), ("a",)),
    "add-preview": (FakeEngine(), ("a", "enter")),
    "add-form": (FakeEngine(), ("a", "enter", "f")),
    "add-by-hand": (FakeEngine(), ("a", "ctrl+t")),
    "edit": (FakeEngine(), ("e",)),
    "account": (FakeEngine(), ("E",)),
    "edit-wrong": (FakeEngine(), ("e", *"retest_s", "enter", "backspace", "u")),
    "undo": (FakeEngine(), ("e", *"retest_s", "enter", "backspace", WAIT, "ctrl+s", "u")),
    "add-nothing": (FakeEngine(), ("a", *"curling")),
    "add-replace": (FakeEngine(msgspec.structs.replace(view(), matches=(THERE,))), ADDED),
    "resume": (FakeEngine(), ("j", "j", "j", "p")),
    "resume-all": (FakeEngine(msgspec.structs.replace(view(), paused="by the operator")), ("P",)),
    "flatten": (FakeEngine(), ("F", "6", "0")),
    "inventory": (FakeEngine(), ("I", "1", "0")),
    "rules": (FakeEngine(), ("V",)),
    "accept": (MISMATCHED, ("A",)),
    "remove": (FakeEngine(), ("x",)),
    "rearm-meant": (FakeEngine(killed()), ("R", *"RESUME", "enter", *"looked")),
    "rearm": (FakeEngine(killed(KillPhase.INCOMPLETE, 2)), ("R", "down")),
    "quit": (FakeEngine(), ("ctrl+c",)),
    "quit-viewer": (FakeEngine(granted=welcome(Role.VIEW)), ("ctrl+q",)),
    "quit-gone": (FakeEngine(), (LOSE, "ctrl+q")),
    "stopping": (FakeEngine(), ("ctrl+q", "s")),
    "stopping-way-out": (FakeEngine(STOPPING), ("ctrl+q", "s", "ctrl+q")),
    "stopping-unproven": (FakeEngine(STOPPING), ("ctrl+q", "s", LOSE)),
    "said": (FakeEngine(), ("p", "u", "A")),
    "help": (FakeEngine(), ("question_mark",)),
    "help-of-the-ladder": (FakeEngine(), ("2", "question_mark")),
    "palette": (FakeEngine(), ("ctrl+p",)),
    "history-of-fills": (FakeEngine(), ("6", "H")),
    "history-of-the-log": (FakeEngine(), ("7", "H")),
    "tour": (FakeEngine(), ("T",)),
    "go-live": (
        FakeEngine(msgspec.structs.replace(view(), mode=Mode.LIVE), welcome(mode=Mode.LIVE, dry_run=True)),
        ("D",),
    ),
    "filter": (FakeEngine(), ("slash", "a", "l", "c")),
}
WAITED_FOR = {  # what comes from the engine after a pause in typing
    "add-search": "Zverev",
    "add-preview": "it would bid",
    "add-form": "instruments",
    "add-nothing": "nothing found",
    "add-replace": "is there already",
    "history-of-fills": "9 found",
    "history-of-the-log": "5 found",
}


@pytest.mark.parametrize("name", DIALOGS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_dialog(name: str, size: tuple[int, int]) -> None:
    engine, keys = DIALOGS[name]
    golden = f"dialog-{name}-{size[0]}x{size[1]}"

    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(engine.view, engine.welcome), size) as stage:
            for number, key in enumerate(keys):
                if key == LOSE:
                    stage.engine.closed = "connection reset"
                await (stage.later(1) if key in (WAIT, LOSE) else stage.press(key))
                await stage.later(0)
                if name.startswith("add") and number == 0:
                    await stage.until(lambda: "Zverev" in stage.text)
                    await stage.later(1)
            if name in WAITED_FOR:
                await stage.until(lambda: WAITED_FOR[name] in stage.text)
                with suppress(AssertionError):  # answers come when they come
                    await stage.until(lambda: is_golden(golden, stage.picture))
            assert_golden(golden, stage.picture)

    look()


def test_terminal_too_small_still_says_what_matters() -> None:
    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(killed(KillPhase.INCOMPLETE, 2)), (30, 12)) as stage:
            assert_golden("too-small-30x12", stage.picture)
        async with on_stage(size=(20, 5)) as stage:
            assert "PAPER" in stage.text
        async with on_stage(size=(1, 1)) as stage:
            assert stage.app.is_running

    look()


# ---- colours, where the text cannot say them: pictures to be opened in a browser; --snapshot-update if meant


def outside(engine: FakeEngine, clock: StillClock, kept: Kept | None = None) -> ConsoleApp:
    """The app made where no loop runs yet: the plug-in runs it in one of its own."""

    async def make() -> ConsoleApp:
        return staged(engine, clock, kept, NEEDS_YOU)

    return asyncio.run(make())


@pytest.mark.parametrize("state", ["ordinary", "kill-incomplete", "silent", "needing-a-person"])
def test_colours(state: str, snap_compare: Compare) -> None:
    engine, clock = FakeEngine(STATES.get(state, view)()), StillClock()
    app = outside(engine, clock)

    async def settle(pilot: Pilot[None]) -> None:
        stage = Stage(app, engine, clock, pilot)
        await stage.settle()
        await stage.later(3.2 if state == "silent" else 0)

    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("name", PALETTES)
def test_colours_of_every_theme(name: str, snap_compare: Compare) -> None:
    engine, clock = FakeEngine(), StillClock()
    app = outside(engine, clock, Kept(Taste(theme=name, toured=True)))

    async def ask(pilot: Pilot[None]) -> None:
        await Stage(app, engine, clock, pilot).press("x")

    assert snap_compare(app, terminal_size=(80, 24), run_before=ask)
