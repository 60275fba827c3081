"""A whole session at the console, on a terminal, with an engine process, against the pretended Kalshi."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest
from kalshi_stage import until as until_async

from console.core.instruments import BookSide
from console.sandbox.kalshi.server import Sandbox
from tests.tui.terminal import Terminal


class Venue:
    """The sandbox in a thread of its own."""

    def __init__(self, folder) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.sandbox = self.do(self._open(folder))
        self._living = asyncio.run_coroutine_threadsafe(self.sandbox.live(), self._loop)

    async def _open(self, folder):
        sandbox = Sandbox(7, (), keys=folder / "keys", scale=0.5)
        await sandbox.open()
        sandbox.floor._monotonic = lambda: time.monotonic_ns() + 1_200_000_000
        sandbox.floor.step()
        return sandbox

    def do(self, work, seconds=30):
        """Run something on the sandbox's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def resting(self):
        async def look():
            return len(self.sandbox.house.resting())

        return self.do(look())

    def fill_one(self):
        """Somebody takes the first bid of ours; its ticker."""

        async def take():
            ticket = next(t for t in self.sandbox.house.resting() if t.side is BookSide.BID)
            self.sandbox.floor.exchange.take("x", ticket.ticker, BookSide.ASK, 10**10, ticket.price)
            self.sandbox.floor.step()
            await until_async(lambda: self.sandbox.house.bank.nets[ticket.ticker] > 0, 5)
            return ticket.ticker

        return self.do(take())

    def close(self):
        self._living.cancel()
        self.do(self.sandbox.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@pytest.fixture
def venue(tmp_path):
    opened = Venue(tmp_path)
    yield opened
    opened.close()


def settings(venue, tmp_path):
    base = f"127.0.0.1:{venue.sandbox.port}"
    path = tmp_path / "markets.toml"
    path.write_text(
        "[engine]\nmode = 'demo'\ndry_run = false\non_console_lost = 'keep'\n"
        f"[venues.kalshi]\nenabled = true\nrest = 'http://{base}/trade-api/v2'\n"
        f"stream = 'ws://{base}/trade-api/ws/v2'\n[profiles.top_of_book]\nwarm_up_s = 1\n"
    )
    return path


def engine_pids(config) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\0")  # noqa: SIM115
            except OSError:
                continue
            if b"--detached" in words and str(config).encode() in words:
                found.append(int(entry))
    return found


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.timeout(240)
def test_add_quote_fill_pause_kill_rearm_and_restart(venue, tmp_path, places):
    key = next(key for key in venue.sandbox.gate.keys if key.kind == "rsa")
    environment = {
        **places,
        "KALSHI_KEY_ID": key.key_id,
        "KALSHI_PRIVATE_KEY_PATH": str(key.path),
        "PYTHONPATH": os.getcwd(),
    }
    config = settings(venue, tmp_path)
    ticker = venue.sandbox.house.catalogue.tickers(
        next(e for e in venue.sandbox.house.catalogue.matches if e.startswith("KXNBAGAME"))
    )[0]

    def opened():
        terminal = Terminal(["-m", "console", "--config", str(config)], 160, 45, environment)
        terminal.until(lambda: terminal.shows("1 Matches"), 40, "the console")
        return terminal

    terminal = opened()
    try:
        # add a match by its ticker
        terminal.type(b"a")
        terminal.until(lambda: terminal.shows("Add a match"))
        terminal.type(ticker.encode())
        terminal.until(lambda: terminal.shows("Boston at Denver"), 20, "the search")
        time.sleep(0.6)
        terminal.type(b"\r")
        terminal.until(lambda: terminal.shows("Add Boston at Denver"))
        time.sleep(0.6)
        terminal.type(b"1.80 2.25")
        terminal.until(lambda: terminal.shows("1.80 2.25"))
        terminal.type(b"\x13")
        # quotes appear and are filled
        wait(lambda: venue.resting() >= 2, 60, "no quotes")
        filled = venue.fill_one()
        terminal.until(lambda: terminal.shows("fills 1"), 20, "the fill")
        # paused: all proven gone at the venue
        terminal.type(b"p")
        wait(lambda: venue.resting() == 0, 20, "still resting")
        terminal.until(lambda: terminal.shows("paused"), 10, "the pause")
        # killed, and proven
        terminal.type(b"\x0b")
        terminal.until(lambda: terminal.shows("KILLED"), 40, "the proof of the kill")
        assert venue.resting() == 0
        # the engine dies; a new one finds its position, and the latch
        (pid,) = engine_pids(config)
        os.kill(pid, signal.SIGKILL)
        terminal.close()
        terminal = opened()
        terminal.until(lambda: terminal.shows("KILLED"), 40, "the latch was forgotten")
        assert not terminal.shows("MISMATCH")
        assert venue.resting() == 0
        assert venue.sandbox.house.bank.nets[filled] > 0
    finally:
        terminal.close()
        for pid in engine_pids(config):
            os.kill(pid, signal.SIGTERM)
        wait(lambda: not engine_pids(config), 30, "the engine did not end")
