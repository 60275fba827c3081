"""A terminal that goes while the engine quotes: the console ends or is given up, and the orders leave."""

import os
import signal
import time

import pytest

from console.core.events import Mode
from console.folders import Lock, LockedError, state_folder
from tests.tui.terminal import Terminal

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def terminal(places):
    """The console on the engine it started, which quotes."""
    environment = {
        **places,
        "PYTHONPATH": ROOT,
        "MMCONSOLE_ENGINE_CONSOLE_LOST_S": "2",
        "MMCONSOLE_PROFILES_PRACTICE_WARM_UP_S": "1",
    }
    shown = Terminal(["-m", "console"], 120, 40, environment)
    shown.until(lambda: shown.shows("mmconsole in one picture"), 30, "the console")
    shown.type(b"\x1b")
    shown.until(lambda: shown.screen.text.count("QUOT") >= 3, 30, "quotes")
    yield shown
    shown.signal(signal.SIGCONT)
    shown.close()


def ended(places):
    """The engine has let go of its state folder."""
    try:
        Lock(state_folder(places, Mode.SIM, "main")).release()
    except LockedError:
        return False
    return True


@pytest.mark.parametrize("how", ["closed", "killed", "frozen", "unread"])
def test_engine_notices_stops_and_proves_it(terminal, places, how):
    match how:
        case "closed":
            terminal.hang_up()
        case "killed":
            terminal.signal(signal.SIGKILL)
        case "frozen":
            terminal.signal(signal.SIGSTOP)
        case "unread":
            terminal.stalled.set()
    until = time.monotonic() + 30
    while not ended(places):
        assert time.monotonic() < until, "the engine still runs"
        time.sleep(0.1)
    log = (state_folder(places, Mode.SIM, "main") / "engine.log").read_text()
    assert log.count(" 0 orders rest") == 3
