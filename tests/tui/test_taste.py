"""Matters of taste: odds, colours, the share of the line, the tour; kept between two sittings."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from rich.color import ColorSystem

from console.tui.ink import Glow, Ground, Ink
from console.tui.palettes import ANSI, DUSK, MONO, PALETTES, Paint, chosen
from console.tui.taste import Odds, Taste, TasteFile, Wire
from tests.tui.fakes import FakeEngine
from tests.tui.stage import Kept, in_loop, on_stage


@in_loop
async def test_o_spells_every_price_the_next_way_and_back() -> None:
    kept = Kept()
    async with on_stage(kept=kept) as stage:
        assert "62.10 60    64" in stage.text
        await stage.press("o")
        assert "1.610 1.667 1.563" in stage.text
        assert "1.639" in stage.text  # the ladder too
        await stage.press("o")
        assert "-164 -150  -178" in stage.text
        assert kept.taste.odds is Odds.AMERICAN
        await stage.press("o")
        assert "62.10 60    64" in stage.text
        assert set(stage.said) == {"prices as decimal odds", "prices as american odds", "prices as cents"}


@in_loop
async def test_t_takes_the_next_colours_round_and_round() -> None:
    kept = Kept()
    async with on_stage(kept=kept) as stage:
        seen = []
        for _ in range(len(PALETTES) + 1):
            await stage.press("t")
            assert f"theme {stage.app.taste.theme}:" in stage.said[-1]
            seen.append(stage.app.paint.palette.name)
            assert "1 Matches" in stage.text
        assert seen[:4] == ["field", "day", "ansi", "mono"]
        assert kept.taste.theme == "dusk"


@in_loop
async def test_w_spares_the_line_when_told_to() -> None:
    async with on_stage() as stage:
        await stage.press("w")
        assert stage.said[-1] == "line to the terminal: never spared"
        await stage.press("w")
        assert "LOW WIRE [w]" in stage.text
        await stage.press("w")
        assert "LOW WIRE" not in stage.text


@in_loop
async def test_first_sitting_begins_with_the_tour_and_the_second_does_not() -> None:
    kept = Kept(Taste())
    async with on_stage(kept=kept) as stage:
        assert "mmconsole in one picture" in stage.text
        await stage.press("enter")
        assert "mmconsole in one picture" not in stage.text
        assert kept.taste.toured
    async with on_stage(kept=kept) as stage:
        assert "mmconsole in one picture" not in stage.text
        await stage.press("T")
        assert "mmconsole in one picture" in stage.text
        await stage.press("T")
        assert "mmconsole in one picture" not in stage.text


@in_loop
async def test_kill_works_over_the_tour_of_the_first_sitting() -> None:
    engine = FakeEngine()
    async with on_stage(engine, kept=Kept(Taste())) as stage:
        await stage.press("ctrl+k")
        assert len(engine.kills) == 1


@in_loop
async def test_palette_takes_a_theme_by_name() -> None:
    async with on_stage() as stage:
        await stage.press("ctrl+p")
        await stage.write("theme day")
        await stage.press("enter")
        assert stage.app.paint.palette.name == "day"
        await stage.press("ctrl+p")
        await stage.write("prices as decimal")
        await stage.press("enter")
        assert stage.app.taste.odds is Odds.DECIMAL


# ---- the file


def test_taste_is_kept_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    taste = Taste(theme="day", odds=Odds.DECIMAL, wire=Wire.LOW, toured=True)
    TasteFile(path).write(taste)
    assert TasteFile(path).read() == taste
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b'{"odds":"roman"}', b"[]"])
def test_file_that_cannot_be_read_is_no_reason_not_to_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "console.json"
    path.write_bytes(content)
    assert TasteFile(path).read() == Taste()


def test_folder_that_cannot_be_written_costs_the_comfort_only(tmp_path: Path) -> None:
    TasteFile(tmp_path / "nowhere" / "console.json").write(Taste())
    assert TasteFile(None).read() == Taste()


# ---- palettes


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_palette_knows_every_meaning(palette) -> None:
    paint = Paint(palette)
    assert set(palette.inks) == set(Ink)
    assert set(palette.grounds) == set(Ground)
    assert set(palette.glows) == set(Glow) - {Glow.NONE}
    assert set(palette.css) == set(DUSK.css)
    for ink in Ink:
        for ground in Ground:
            assert paint.style(ink, ground) is paint.style(ink, ground)


def test_no_colour_means_none() -> None:
    paint = Paint(MONO)
    for ink in Ink:
        for glow in Glow:
            style = paint.style(ink, Ground.CURSOR_FOCUSED, glow=glow)
            assert style.color is None
            assert style.bgcolor is None


@pytest.mark.parametrize(
    ("name", "no_color", "colours", "palette"),
    [
        ("auto", False, ColorSystem.TRUECOLOR, DUSK),
        ("auto", False, ColorSystem.EIGHT_BIT, DUSK),
        ("auto", False, ColorSystem.STANDARD, ANSI),
        ("auto", True, ColorSystem.TRUECOLOR, MONO),
        ("day", True, ColorSystem.TRUECOLOR, MONO),
        ("day", False, ColorSystem.STANDARD, PALETTES["day"]),
        ("no such theme", False, ColorSystem.TRUECOLOR, DUSK),
    ],
)
def test_theme_suits_the_terminal(name: str, no_color: bool, colours: ColorSystem, palette) -> None:
    assert chosen(name, no_color, colours) is palette


def _on_the_cube(colour: str) -> bool:
    """Whether a 256-colour terminal shows it exactly: the cube, or the ramp of greys."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    cube = all(part in (0, 95, 135, 175, 215, 255) for part in parts)
    grey = len(set(parts)) == 1 and (parts[0] - 8) % 10 == 0
    return cube or grey


@pytest.mark.parametrize("palette", [p for p in PALETTES.values() if not p.ansi], ids=lambda p: p.name)
def test_colours_are_those_of_the_256(palette) -> None:
    words = [
        *palette.inks.values(),
        *palette.grounds.values(),
        *palette.glows.values(),
        *palette.css.values(),
    ]
    colours = {word for text in words for word in text.split() if word.startswith("#")}
    assert not [colour for colour in colours if not _on_the_cube(colour)]


READ = (Ink.PLAIN, Ink.UP, Ink.DOWN, Ink.OWN, Ink.MARK, Ink.NOTICE, Ink.WARN, Ink.DIM)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [p for p in PALETTES.values() if not p.ansi], ids=lambda p: p.name)
@pytest.mark.parametrize("ink", READ)
def test_text_can_be_read_on_its_ground(palette, ink: Ink) -> None:
    front = next(word for word in palette.inks[ink].split() if word.startswith("#"))
    back = palette.grounds[Ground.PLAIN].split()[-1]
    light, dark = sorted((_luminance(front), _luminance(back)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.0


def _seen_by(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    linear = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return tuple(sum(m * c for m, c in zip(row, linear, strict=True)) for row in matrix)


BLINDNESS = {  # Viénot 1999 and Brettel's approximation for the third
    "deuteranopia": ((0.29, 0.71, 0.0), (0.29, 0.71, 0.0), (-0.02, 0.02, 1.0)),
    "protanopia": ((0.11, 0.89, 0.0), (0.11, 0.89, 0.0), (0.0, 0.0, 1.0)),
    "tritanopia": ((1.0, 0.13, -0.13), (0.0, 0.87, 0.13), (0.0, 0.87, 0.13)),
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_up_and_down_of_the_default_differ_for_every_eye(kind: str) -> None:
    up, down = (_seen_by(DUSK.inks[ink], BLINDNESS[kind]) for ink in (Ink.UP, Ink.DOWN))
    assert max(abs(a - b) for a, b in zip(up, down, strict=True)) > 0.3


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", ["dusk", "field", "day"])
@pytest.mark.parametrize("ground", list(Ground))
def test_every_ink_can_be_read_on_every_ground(name: str, ground: Ground) -> None:
    paint = Paint(PALETTES[name])
    for ink in set(Ink) - {Ink.RULE, Ink.BAR}:  # lines, no words
        style = paint.style(ink, ground)
        assert style.color is not None
        assert style.bgcolor is not None
        if ground is Ground.CURSOR_FOCUSED and ink in (Ink.HEAD, Ink.TITLE, Ink.TITLE_FOCUSED):
            continue  # no row has them
        light, dark = sorted(
            (luminance(style.color.get_truecolor()), luminance(style.bgcolor.get_truecolor())), reverse=True
        )
        assert (light + 0.05) / (dark + 0.05) >= 3.0, f"{ink.value} on {ground.value}"
