"""A person at the console, an engine process, and `mmconsole sandbox kalshi` as the venue, each a process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.tui.terminal import Terminal

ROOT = Path(__file__).parents[2]


def wait(condition, seconds, what=""):
    """Wait for a condition and return what it said."""
    end = time.monotonic() + seconds
    while not (said := condition()):
        assert time.monotonic() < end, what or "it never came"
        time.sleep(0.05)
    return said


class Venue:
    """`mmconsole sandbox kalshi` on a port of its own: it can die and come back."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.open()

    def open(self) -> None:
        """Start it and wait until it answers."""
        log = self._folder / "sandbox.log"
        command = [sys.executable, "-m", "console", "sandbox", "kalshi", "--port", str(self.port)]
        keys = {"MMCONSOLE_SANDBOX_KEYS": str(self._folder / "keys")}
        self._process = subprocess.Popen(
            command, env={**os.environ, **keys}, cwd=ROOT, stdout=log.open("wb"), stderr=subprocess.STDOUT
        )
        wait(lambda: b"curl http" in log.read_bytes(), 30, "the sandbox does not start")
        said = log.read_text()
        self.key_id, self.key_file = re.search(r"^rsa: KALSHI_KEY_ID=(\S+) \w+=(\S+)$", said, re.M).groups()
        self.events = dict(re.findall(r"^  (KX\S+): (.+)$", said, re.M))

    def tickers(self, series: str) -> list[str]:
        return next(row for event, row in self.events.items() if event.startswith(series)).split(", ")

    def kill(self) -> None:
        """As by kill -9."""
        self._process.kill()
        self._process.wait(10)

    def act(self, name: str, **query: object) -> None:
        """Let something happen there."""
        text = "&".join(f"{key}={value}" for key, value in query.items())
        request = urllib.request.Request(f"{self.address}/sandbox/{name}?{text}", method="POST")
        urllib.request.urlopen(request, timeout=5).close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def account(self):
        with urllib.request.urlopen(f"{self.address}/sandbox/account", timeout=5) as answer:
            return json.load(answer)

    def orders(self, ticker=""):
        """What rests, but for the orders by which the start gate proves the dead man."""
        orders = [order for order in self.account()["orders"] if order["ticker"].startswith(ticker)]
        return [order for order in orders if not order["client_order_id"].startswith("doctor-")]

    def held(self, ticker: str) -> float:
        return float(self.account()["held"].get(ticker, 0))

    def empty(self) -> bool:
        return not self.orders()


class Session:
    """The console on a pty, its engine, and the venue they reach."""

    def __init__(self, venue: Venue, folder: Path, places: dict[str, str], **engine: object) -> None:
        self.venue = venue
        self.config = folder / "markets.toml"
        more = "".join(f"{key} = {value}\n" for key, value in engine.items())
        self.config.write_text(
            f"[engine]\nmode = 'demo'\ndry_run = false\non_console_lost = 'keep'\n{more}"
            f"[venues.kalshi]\nenabled = true\nrest = '{venue.address}/trade-api/v2'\n"
            f"stream = 'ws://127.0.0.1:{venue.port}/trade-api/ws/v2'\n"
            "[profiles.top_of_book]\nwarm_up_s = 1\n"
        )
        self._environment = {
            **places,
            "KALSHI_KEY_ID": venue.key_id,
            "KALSHI_PRIVATE_KEY_PATH": venue.key_file,
            "PYTHONPATH": str(ROOT),
        }
        self.terminal = self.opened()

    def opened(self) -> Terminal:
        """A console; it starts an engine where there is none."""
        terminal = Terminal(["-m", "console", "--config", str(self.config)], 160, 45, self._environment)
        terminal.until(lambda: terminal.shows("1 Matches"), 60, "the console")
        return terminal

    def reopen(self) -> None:
        """Another console in place of this one."""
        self.terminal.close()
        self.terminal = self.opened()

    # ---- what a person does and sees

    def sees(self, words: str, seconds: float = 20) -> None:
        self.terminal.until(lambda: self.terminal.shows(words), seconds, words)

    def row(self) -> str:
        """The line of the match."""
        rows = self.terminal.screen.text.split("\n")
        return next((row for row in rows if "Bosto-Denver" in row), "")

    def sees_row(self, words: str, seconds: float = 20) -> None:
        self.terminal.until(lambda: words in self.row(), seconds, f"{words} in the row of the match")

    def type(self, keys: bytes, pause_s: float = 0.7) -> None:
        """Type; dialogs take no answer typed ahead of them."""
        time.sleep(pause_s)
        self.terminal.type(keys)

    def begin(self) -> None:
        """Put away the picture that is shown once."""
        self.sees("in one picture")
        self.type(b"\r")
        self.terminal.until(lambda: not self.terminal.shows("in one picture"), 10)

    def add(self, ticker: str, odds: bytes, inventory: bytes = b"10") -> None:
        """Add a match by a ticker, at a fair value of our own; one fill is all it wants to hold."""
        self.type(b"a")
        self.sees("Add a match")
        self.terminal.type(ticker.encode())
        self.sees("Boston at Denver")
        self.type(b"\r")
        self.sees("f Form")
        self.type(b"f")
        time.sleep(1.0)
        self.terminal.type(odds)
        self.sees(odds.decode())
        for keys in (b"\t", b"\t", b"\t", b"\t", inventory):  # preset, edge, contracts, inventory max
            self.type(keys, 0.3)
        self.sees(f"inventory max  {inventory.decode()}")
        self.terminal.type(b"\x13")

    def resume(self) -> None:
        """After a pause."""
        self.sees_row("paused")
        self.type(b"p")
        self.sees("again?")
        self.type(b"y")

    def rearm(self) -> None:
        """After a kill: the word, a reason, and once more."""
        self.type(b"R")
        self.sees("Re-arm")
        self.type(b"RESUME\r")
        self.type(b"the drill is over")
        self.type(b"\r", 1.5)
        self.terminal.until(lambda: not self.terminal.shows("KILLED"), 20, "re-armed")

    def quotes(self, seconds: float = 60, least: int = 2) -> None:
        """Wait until quotes rest at the venue, and the screen says so."""

        def there() -> bool:
            return len(self.venue.orders()) >= least and "QUOT" in self.row()

        self.terminal.until(there, seconds, "quotes")

    def pulled(self, seconds: float) -> float:
        """Wait until nothing rests at the venue; seconds taken."""
        began = time.monotonic()
        self.terminal.until(self.venue.empty, seconds, "nothing rests")
        return time.monotonic() - began

    # ---- processes

    def pids(self, *words: str) -> list[int]:
        """Processes of ours on these settings with all these words in their command."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = Path(f"/proc/{entry}/cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if {str(self.config), *words} <= set(command):
                found.append(int(entry))
        return found

    def kill_engine(self) -> None:
        (pid,) = self.pids("--detached")
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End all of it."""
        self.terminal.close()
        for pid in self.pids("--detached"):
            os.kill(pid, signal.SIGTERM)
        wait(lambda: not self.pids("--detached"), 40, "the engine did not end")
        for pid in self.pids("watch"):
            os.kill(pid, signal.SIGTERM)
        wait(lambda: not self.pids(), 20, "a process is left")
