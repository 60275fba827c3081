"""The console inside tmux, as most run it on a server: painting, resizing, killing, a session that goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.tui.leave import Code

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Session:
    """A tmux server of its own with the console in its only window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._reports = folder / "reports"
        child = f"exec {sys.executable} -m tests.tui.child 3 3>{self._reports}"
        self._do("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "sh", "-c", child)

    def _do(self, *words: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TERM")}
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words],
            env={**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return done.stdout

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self._do("capture-pane", "-p")

    def press(self, key: str) -> None:
        """Type a key, by tmux's name."""
        self._do("send-keys", key)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def end(self) -> None:
        """End the server and everything in it."""
        self._do("kill-server")

    def reported(self, what: str) -> list[dict[str, object]]:
        """What the console's process reported under this name."""
        lines = [json.loads(line) for line in self._reports.read_text().splitlines()]
        return [line for line in lines if line["what"] == what]

    def until(self, true: Callable[[], object]) -> None:
        """Wait for it; fails with the screen."""
        deadline = time.monotonic() + 15
        while not true():
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(tmp_path)
    yield opened
    opened.end()


def test_it_paints_resizes_kills_and_ends_with_the_session(session: Session) -> None:
    session.until(lambda: "1 Matches" in session.text and session.text.rstrip().endswith("? help"))
    session.resize(80, 24)
    session.until(lambda: "4 P&L" in session.text.split("\n")[14])
    assert all(len(line) <= 80 for line in session.text.split("\n"))
    session.press("?")
    session.until(lambda: "─ Help ─" in session.text)
    session.press("C-k")
    session.until(lambda: session.reported("kill"))
    session.until(lambda: "KILLED 42/42" in session.text)
    session.end()
    session.until(lambda: session.reported("returned"))
    assert session.reported("returned")[0]["code"] == Code.HUNG_UP
