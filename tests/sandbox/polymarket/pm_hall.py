"""The sandbox in a thread of its own, and processes of `mmconsole` that trade on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from console.core.events import Mode
from console.core.instruments import Action, BookSide, Side, book_side
from console.core.units import CENT, ONE
from console.folders import state_folder
from console.sandbox.polymarket.faults import Faults
from console.sandbox.polymarket.server import Server
from console.sandbox.polymarket.venue import Venue

REPOSITORY = Path(__file__).parents[3]
NBA = 4  # the listing of Boston vs Denver: two teams, whole cents


class Hall:
    """One sandbox; every look and every act happens on its own loop."""

    def __init__(self, *faults: str, scale: float = 0.3, seed: int = 7) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server: Server = self.do(self._open(faults, scale, seed))
        self._living = asyncio.run_coroutine_threadsafe(self.server.run(), self._loop)

    async def _open(self, faults, scale, seed):
        server = Server(Venue(seed, Faults(faults, seed), scale=scale))
        ahead = 1_200_000_000  # everybody acts once in the first second, however quiet the world
        server.venue.floor._monotonic = lambda: time.monotonic_ns() + ahead
        server.venue.step()
        await server.open()
        return server

    @property
    def venue(self) -> Venue:
        return self.server.venue

    def do(self, work, seconds=30):
        """Run something on the sandbox's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def ask(self, question):
        """What a function says on the sandbox's loop."""

        async def answer():
            return question()

        return self.do(answer())

    def listing(self, number: int = NBA):
        return self.venue.listings[number]

    def open(self):
        """Orders that rest, as (side, outcome, price in cents, contracts left)."""
        return self.ask(
            lambda: [
                (o.side, o.outcome, o.price / CENT, o.left / ONE) for o in self.venue.ledger.open.values()
            ]
        )

    def take(self, side: str, outcome: int):
        """Somebody takes all of one order of ours; its price in cents."""

        def act():
            order = next(o for o in self.venue.ledger.open.values() if (o.side, o.outcome) == (side, outcome))
            leg = Side.YES if outcome == 0 else Side.NO
            ours = book_side(leg, Action[side])
            other = BookSide.ASK if ours is BookSide.BID else BookSide.BID
            yes = order.price if outcome == 0 else ONE - order.price
            self.venue.floor.exchange.take("tester", order.listing.slug, other, 10**6 * ONE, yes)
            self.venue.step()
            return order.price / CENT

        return self.ask(act)

    def middle(self, number: int = NBA) -> float:
        """Between the best prices, as a probability."""
        bid, ask = self.ask(lambda: self.venue.publisher.best(self.listing(number)))
        return (bid + ask) / 2 / ONE

    def net(self, number: int = NBA) -> float:
        return self.ask(lambda: self.venue.ledger.net(self.listing(number))) / ONE

    def table(self) -> str:
        """Its table of the settings."""
        return "\n".join(self.server.settings()) + "\n"

    def secrets(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.server.secrets())

    def match(self, number: int = NBA) -> str:
        """A match of two outcomes for the settings, its odds in the middle of its book."""
        listing, chance = self.listing(number), self.middle(number)
        first, second = listing.match.outcomes
        return (
            f"[[match]]\nid = 'm{number}'\ntitle = '{listing.match.title}'\n"
            f"outcomes = ['{first}', '{second}']\nmay_none = false\n"
            f"odds = [{1 / chance:.3f}, {1 / (1 - chance):.3f}]\n"
            f"instruments = [{{ venue = 'polymarket', symbol = '{listing.slug}', outcomes = ['{first}'] }}]\n"
        )

    def close(self) -> None:
        self._living.cancel()
        self.do(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


def settings(path: Path, *tables: str, mode: str = "demo", profile: str = "") -> Path:
    """A settings file for real orders at the sandbox."""
    path.write_text(
        f"[engine]\nmode = '{mode}'\ndry_run = false\non_console_lost = 'keep'\n"
        + "".join(tables)
        + f"\n[profiles.top_of_book]\nwarm_up_s = 1\n{profile}\n",
        encoding="utf-8",
    )
    return path


def processes(config: Path, word: str = "") -> dict[int, str]:
    """Processes of `mmconsole` on these settings by id, those whose command has the word."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                line = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(config) in line and word in line:
                found[int(entry)] = line
    return found


def end_all(config: Path) -> None:
    """End every process of these settings and wait until they are gone."""
    for number in (signal.SIGCONT, signal.SIGTERM):
        for pid in processes(config):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    deadline = time.monotonic() + 20
    while processes(config) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in processes(config):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Engine:
    """`mmconsole run --headless` on some settings."""

    def __init__(self, config: Path, environment: dict[str, str], mode: Mode = Mode.DEMO) -> None:
        self.config = config
        self.environment = {**environment, "PYTHONPATH": str(REPOSITORY)}
        self.output = config.parent / "engine.log"
        self.folder = state_folder(environment, mode, "main")
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "console", "--config", str(config), "run", "--headless"],
                env=self.environment,
                cwd=config.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def command(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Another command of `mmconsole` on the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "console", "--config", str(self.config), *words],
            env=self.environment,
            cwd=self.config.parent,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def end(self) -> None:
        end_all(self.config)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


def wait(condition, seconds: float, what: str = ""):
    """Wait for a condition and return what it said; `what` is the complaint, or makes it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.05)
    return found
