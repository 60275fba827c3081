"""From the kill key to the engine and to the first cancel on the wire, in the middle of a flood of quotes.

usage: python -m tests.bench.bench_kill [--rounds 100] [--flood 5000]
Targets: key to engine p99 <= 15 ms; key to the first cancel at the venue <= 50 ms, in 5,000 messages/s.

Three processes and a terminal: the pretended venue and the person (here), the engine with real orders
resting, the console on a pty. The key is typed into the pty; the engine's time is the one its journal
stamps on the kill, the cancel's the one at which the venue has parsed the request. Both are later than what
is asked for, never earlier. On a machine that does other things run it under `chrt -f 1`. The first kill
finds orders resting; the others repeat it once it is proven, and every one of them sends a cancel-all anew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from console.core.events import Kill, SetTheo
from console.core.instruments import BookSide
from console.core.matches import MatchId
from console.core.units import CENT, ONE
from console.core.view import KillPhase
from console.journal import Reader
from console.link.client import LinkClient, LinkError
from console.link.messages import Role
from console.sandbox.kalshi.server import Sandbox
from tests.bench.bench_kalshi import CONFIG
from tests.tui.terminal import Terminal

ROOT = Path(__file__).parents[2]
BURST_S = 0.005
PATIENCE_S = 40.0
START_S = 120.0  # the venue's own cancel-all of the gate may still take orders out for a minute
KILL_KEY = b"\x0b"
MATCH = MatchId("bench")


class Venue:
    """The pretended exchange: floods, and notes when the first cancel of a kill has been parsed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        catalogue = sandbox.house.catalogue
        event = next(name for name in catalogue.matches if name.startswith("KXNBAGAME"))
        self.tickers = catalogue.tickers(event)
        self.sent = 0
        self.cancelled = asyncio.Event()
        self.cancelled_ns = 0
        admit = sandbox.rest._admit

        async def watched(request):  # type: ignore[no-untyped-def]
            pulls = request.method == "DELETE" or request.path.endswith("/trigger")
            if pulls and not self.cancelled.is_set():
                self.cancelled_ns = time.time_ns()
                self.cancelled.set()
            await admit(request)

        sandbox.rest._admit = watched

    async def flood(self, rate: int) -> None:
        """Two messages for every order that comes and goes at the far end of the book."""
        exchange, due = self.sandbox.floor.exchange, time.monotonic()
        while True:
            due += BURST_S
            wanted = int(rate * BURST_S)
            for number in range(wanted // 2):
                order = exchange.rest("flood", self.tickers[number % 2], BookSide.BID, CENT, 7 * ONE)
                if order is not None:
                    exchange.pull(order)
            self.sandbox.floor.step()
            self.sent += wanted
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if due < time.monotonic() - 1.0:
                due = time.monotonic()  # this machine cannot do that many: the figure printed says so

    def resting(self) -> int:
        return len(self.sandbox.house.resting())


async def _until(condition, what: str, terminal: Terminal, seconds: float = PATIENCE_S) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}\n{terminal.screen.text}"
        await asyncio.sleep(0.02)


async def _attached(folder: Path) -> LinkClient:
    end = time.monotonic() + PATIENCE_S
    while True:
        for path in (folder / "mmconsole").glob("*.sock"):
            client = LinkClient(path, Role.CONTROL, ("false",))
            with contextlib.suppress(LinkError):
                await client.attach()
                return client
        assert time.monotonic() < end, "the engine does not answer"
        await asyncio.sleep(0.2)


def _settings(venue: Venue, folder: Path, port: int) -> tuple[Path, tuple[float, float]]:
    names = [venue.sandbox.house.catalogue.listing(t)["yes_sub_title"] for t in venue.tickers]
    market = venue.sandbox.floor.market(venue.tickers[0])
    assert market is not None, "the match is listed"
    fair = (market.snapshot().bids[0][0] + 5 * CENT // 2) / ONE
    odds = (1 / fair, 1 / (1 - fair))
    path = folder / "bench.toml"
    path.write_text(
        CONFIG.format(
            kind="kill",
            port=port,
            a=venue.tickers[0],
            b=venue.tickers[1],
            a_name=names[0],
            b_name=names[1],
            a_odds=odds[0],
            b_odds=odds[1],
        )
    )
    return path, odds


async def _round(venue: Venue, terminal: Terminal, client: LinkClient) -> tuple[int, float]:
    """One kill and its proof: when it was typed, and milliseconds to the first cancel."""
    venue.cancelled.clear()
    typed = time.time_ns()
    terminal.type(KILL_KEY)
    async with asyncio.timeout(PATIENCE_S):
        await venue.cancelled.wait()
    took = (venue.cancelled_ns - typed) / 1e6
    await asyncio.sleep(0.6)  # two views: the proof of the kill before is not taken for this one's

    def proven() -> bool:
        kill = client.view.kill if client.view is not None else None
        return kill is not None and kill.phase is KillPhase.KILLED

    await _until(proven, "no proof", terminal)
    assert venue.resting() == 0, "KILLED while orders rest"
    return typed, took


async def _measure(rounds: int, rate: int, folder: Path) -> None:
    sandbox = Sandbox(7, (), keys=folder / "keys", scale=0.001)
    await sandbox.open()
    sandbox.floor._monotonic = lambda: time.monotonic_ns() + 1_200_000_000
    sandbox.floor.step()
    living = asyncio.create_task(sandbox.live())
    venue = Venue(sandbox)
    key = next(key for key in sandbox.gate.keys if key.kind == "ed25519")
    config, odds = _settings(venue, folder, sandbox.port)
    environment = {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "KALSHI_KEY_ID": key.key_id,
        "KALSHI_PRIVATE_KEY_PATH": str(key.path),
        "PYTHONPATH": str(ROOT),
    }
    command = ["-m", "console", "run", "--headless", "--config", str(config)]
    engine = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, *command],
        env={**os.environ, **environment},
        stdout=(folder / "log").open("w"),
        stderr=subprocess.STDOUT,
    )
    tasks, terminal, client = [living], None, None
    times: list[tuple[int, float]] = []
    try:
        client = await _attached(folder)
        assert (await client.operate(SetTheo(match=MATCH, odds=odds, pinned=True))).ok
        attach = ["-m", "console", "attach", "--view", "--config", str(config)]
        terminal = Terminal(attach, 120, 40, environment)
        await _until(lambda: terminal.shows("1 Matches"), "no console", terminal)
        terminal.type(b"\x1b")  # the tour of a first sitting
        tasks.append(asyncio.create_task(venue.flood(rate)))
        await _until(lambda: venue.resting() > 0, "no order rests", terminal, START_S)
        began, sent, used = time.monotonic(), venue.sent, _processor_s(engine.pid)
        while len(times) < rounds:
            times += [await _round(venue, terminal, client)]
        took = time.monotonic() - began
        rate, share = int((venue.sent - sent) / took), (_processor_s(engine.pid) - used) / took
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        if client is not None:
            await client.close()
        if terminal is not None:
            terminal.close()
        engine.terminate()
        await asyncio.to_thread(engine.wait, 20)
        await sandbox.close()
    _report(times, _kills(folder), rate, share)


def _kills(folder: Path) -> list[int]:
    """When the engine took each kill, by the wall clock, from its journal."""
    (path,) = folder.rglob("*.sqlite")
    reader = Reader(path)
    events = (record.event() for record in reader.account() if record.kind == "event")
    found = [int(event.wall) for event in events if isinstance(event, Kill)]
    reader.close()
    return found


def _processor_s(pid: int) -> float:
    """Seconds of processor a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _report(times: list[tuple[int, float]], kills: list[int], rate: int, share: float) -> None:
    taken = [(min(at for at in kills if at >= typed) - typed) / 1e6 for typed, _ in times]
    load = os.getloadavg()[0]
    print(f"{len(times)} kills, {rate} messages a second, engine {share:.0%} of a processor, load {load:.1f}")
    for name, values in (("key to engine", taken), ("key to first cancel", [ms for _, ms in times])):
        ordered = sorted(values)
        p50, p90, p99 = (ordered[min(len(ordered) - 1, len(ordered) * q // 100)] for q in (50, 90, 99))
        print(f"  {name:20} p50 {p50:5.1f}   p90 {p90:5.1f}   p99 {p99:5.1f}   max {ordered[-1]:5.1f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the kill key under a flood.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--flood", type=int, default=5_000, help="messages a second from the venue")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(arguments.rounds, arguments.flood, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
