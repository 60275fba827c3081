"""Terminals without our characters: everything on the screen has a stand-in they have."""

from __future__ import annotations

import pytest

from console.tui.glyphs import Shapes, shapes_of, table_of
from tests.tui.fakes import FakeEngine
from tests.tui.stage import in_loop, on_stage
from tests.tui.views import killed, many, view

CP437 = (
    "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■"
)


@pytest.mark.parametrize(
    ("environment", "shapes"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, Shapes.ALL),
        ({"TERM": "tmux-256color"}, Shapes.ALL),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, Shapes.CONSOLE),
        ({"TERM": "xterm", "LANG": "C"}, Shapes.PLAIN),
        ({"TERM": "linux", "LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, Shapes.PLAIN),
    ],
)
def test_shapes_go_by_terminal_and_locale(environment: dict[str, str], shapes: Shapes) -> None:
    assert shapes_of(environment) is shapes


WHERE = {
    Shapes.CONSOLE: {"TERM": "linux", "LC_ALL": "C.UTF-8"},
    Shapes.PLAIN: {"TERM": "xterm", "LC_ALL": "C"},
}


@pytest.mark.parametrize("shapes", WHERE)
@pytest.mark.parametrize("keys", [(), ("4", "z"), ("8", "z"), ("9", "z"), ("question_mark",), ("F",), ("T",)])
@pytest.mark.parametrize("engine", [view, many, killed])
def test_nothing_on_the_screen_is_missing_there(
    shapes: Shapes, keys: tuple[str, ...], engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in WHERE[shapes].items():
        monkeypatch.setenv(name, value)

    @in_loop
    async def look() -> None:
        async with on_stage(FakeEngine(engine()), (160, 50)) as stage:
            await stage.press(*keys)
            known = set(CP437) if shapes is Shapes.CONSOLE else set()
            strange = {c for c in stage.text if not c.isascii()} - known
            assert not strange, strange

    look()


def test_stand_ins_are_as_wide_as_what_they_stand_for() -> None:
    for shapes in WHERE:
        table = table_of(shapes)
        assert table is not None
        assert {len(text) for text in table.values()} == {1}
