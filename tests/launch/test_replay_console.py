"""A recording played to the console: a real engine process, on a real terminal."""

import os
import time

import pytest

from console.core.events import Mode
from console.folders import Lock, LockedError, state_folder
from tests.backtest.tapes import made_up
from tests.tui.terminal import Terminal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def terminal(places, tmp_path):
    recording = made_up(tmp_path / "tape.gz", 20_000)
    command = ["-m", "console", "replay", str(recording), "--speed", "20", "--set", "warm_up_s=1"]
    shown = Terminal(command, 120, 40, {**places, "PYTHONPATH": ROOT})
    yield shown
    shown.close()


def is_over(places):
    try:
        Lock(state_folder(places, Mode.REPLAY, "tape")).release()
    except LockedError:
        return False
    return True


def test_recording_is_made_a_market_on_the_screen_and_ends_with_it(terminal, places):
    terminal.until(lambda: terminal.shows("1 Matches"), 20, "the console")
    terminal.until(lambda: terminal.shows("REPLAY") and terminal.shows("QUOT"), 20, "quotes")
    terminal.until(lambda: terminal.shows("MADEUP-A"), 5, "the market")
    terminal.type(b"\x11")
    terminal.until(lambda: terminal.shows("Detach"))
    terminal.type(b"s")
    assert terminal.exit_code(20) == 0
    until = time.monotonic() + 15
    while not is_over(places):
        assert time.monotonic() < until
        time.sleep(0.1)
