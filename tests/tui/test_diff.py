from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from console.tui.diff import SWITCH, Difference, Shown, colours_of, switched_off
from tests.tui.terminal import Screen

WIDTH, HEIGHT = 24, 3
CONSOLE = Console(force_terminal=True, color_system="256")
BLUE, RED = Style.parse("blue"), Style.parse("red on black")
STYLES = (BLUE, RED, Style.parse("bold #5fafff on #121212"), Style.parse("#ffaf5f on #121212"), None)


def strip(*pieces: tuple[str, Style | None]) -> Strip:
    return Strip([Segment(text, style) for text, style in pieces])


def whole(lines: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, HEIGHT))


def one_line(y: int, line: Strip, x1: int = 0, x2: int = WIDTH) -> ChopsUpdate:
    chops = [{0: line} if row == y else {0: None} for row in range(HEIGHT)]
    return ChopsUpdate(chops, [(y, x1, x2)], [[WIDTH]] * HEIGHT)


def padded(text: str) -> str:
    return text.ljust(WIDTH)


def written(update: ChopsUpdate | LayoutUpdate, shown: Shown) -> str:
    return Difference(update, shown).render_segments(CONSOLE)


def test_first_frame_is_written_whole() -> None:
    text = written(whole([strip((padded(word), BLUE)) for word in ("one", "two", "three")]), Shown())
    screen = Screen(WIDTH, HEIGHT)
    screen.feed(text)
    assert screen.text == "one\ntwo\nthree"


def test_same_frame_again_writes_nothing() -> None:
    shown, lines = Shown(), [strip((padded("a"), BLUE))] * HEIGHT
    written(whole(lines), shown)
    assert written(whole(lines), shown) == ""


def test_only_the_changed_piece_is_written_at_its_place() -> None:
    shown = Shown()
    written(whole([strip(("left ", BLUE), ("42".rjust(19), RED))] * HEIGHT), shown)
    text = written(one_line(1, strip(("left ", BLUE), ("43".rjust(19), RED))), shown)
    assert text == f"\x1b[2;6H\x1b[31;40m{'43':>19}\x1b[0m"


def test_colour_alone_is_a_change() -> None:
    shown = Shown()
    written(whole([strip((padded("a"), BLUE))] * HEIGHT), shown)
    assert "\x1b[1;1H" in written(one_line(0, strip((padded("a"), RED))), shown)


def test_another_size_forgets_everything() -> None:
    shown = Shown()
    written(whole([strip((padded("a"), BLUE))] * HEIGHT), shown)
    wider = LayoutUpdate([[strip(("a".ljust(WIDTH + 1), BLUE))]], Region(0, 0, WIDTH + 1, 1))
    assert written(wider, shown) != ""


def test_forgotten_screen_is_written_again() -> None:
    shown, lines = Shown(), [strip((padded("a"), BLUE))] * HEIGHT
    first = written(whole(lines), shown)
    shown.forget()
    assert written(whole(lines), shown) == first


def test_switch_turns_it_off() -> None:
    assert switched_off({SWITCH: "1"})
    assert not switched_off({})


PIECES = st.lists(
    st.tuples(st.text("ab·", min_size=1, max_size=9), st.sampled_from(STYLES)),
    min_size=1,
    max_size=8,
)
FRAMES = st.lists(st.tuples(st.integers(0, HEIGHT - 1), PIECES, st.booleans()), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(FRAMES)
def test_terminal_always_shows_the_last_frame(
    frames: list[tuple[int, list[tuple[str, Style | None]], bool]],
) -> None:
    """However the pieces are cut from frame to frame, the screen is what the app painted."""
    shown, screen = Shown(), Screen(WIDTH, HEIGHT)
    model = [strip((padded(""), BLUE))] * HEIGHT
    screen.feed(written(whole(model), shown))
    for y, pieces, full in frames:
        line = strip(*pieces).adjust_cell_length(WIDTH, BLUE)
        model = [line if row == y else old for row, old in enumerate(model)]
        screen.feed(written(whole(model) if full else one_line(y, line), shown))
        assert screen.text == "\n".join(row.text.rstrip() for row in model)
        assert screen.inks == [inks_of(row) for row in model]


def inks_of(row: Strip) -> list[tuple[str, str, str]]:
    inks: list[tuple[str, str, str]] = []
    for text, style, _ in row:
        colours = colours_of(style, ColorSystem.EIGHT_BIT) if style else ("", "", "")
        inks += [tuple(colours)] * len(text)
    return inks
