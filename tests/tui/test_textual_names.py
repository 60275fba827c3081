"""The private names of Textual that the console leans on; a new version that moves one fails here first."""

from __future__ import annotations

import inspect

import pytest
import textual
from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Region
from textual.strip import Strip


def test_version_is_the_one_it_was_written_for() -> None:
    assert textual.__version__ == "8.2.8"


@pytest.mark.parametrize(
    "name",
    [
        "_sigcont_application",
        "_query_in_band_window_resize",
        "_get_terminal_size",
        "run_input_thread",
        "process_message",
        "start_application_mode",
        "stop_application_mode",
        "disable_input",
        "close",
        "write",
    ],
)
def test_driver_has_the_methods_that_are_replaced(name: str) -> None:
    assert callable(getattr(LinuxDriver, name))


def test_driver_sets_the_attributes_that_are_used() -> None:
    made = inspect.getsource(LinuxDriver.__init__) + inspect.getsource(Driver.__init__)
    for name in ("_file", "fileno", "exit_event", "_writer_thread", "_must_signal_resume", "_loop", "_debug"):
        assert f"self.{name}" in made, name


def test_stock_writer_is_made_where_ours_takes_its_place() -> None:
    assert "self._writer_thread = WriterThread(self._file)" in inspect.getsource(
        LinuxDriver.start_application_mode
    )


def test_app_has_the_methods_that_are_replaced() -> None:
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]
    assert list(inspect.signature(App._handle_exception).parameters) == ["self", "error"]
    assert "isinstance(renderable, CompositorUpdate)" in inspect.getsource(App._display)


def test_updates_have_the_attributes_that_are_compared() -> None:
    assert issubclass(ChopsUpdate, CompositorUpdate)
    chops = ChopsUpdate([{0: Strip([])}], [(0, 0, 1)], [[1]])
    assert (chops.chops, chops.spans, chops.chop_ends) == ([{0: Strip([])}], [(0, 0, 1)], [[1]])
    layout = LayoutUpdate([[Strip([])]], Region(0, 0, 1, 1))
    assert (layout.strips, layout.region) == ([[Strip([])]], Region(0, 0, 1, 1))


def test_console_knows_its_colours_and_strips_write_them() -> None:
    assert hasattr(Console(), "_color_system")
    assert callable(Strip.render_ansi)


def test_parser_is_fed_and_ticked() -> None:
    parser = XTermParser()
    assert [message.__class__.__name__ for message in parser.feed("\x1b[3;7R")] == ["CursorPosition"]
    assert list(parser.tick()) == []
