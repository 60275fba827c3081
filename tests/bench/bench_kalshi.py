"""Time from a change of a book to the order request it leads to, the real engine against the least possible.

`python tests/bench/bench_kalshi.py [ROUNDS]`. A rival far above our ceiling stands in the way (`back_off =
"out"`: we leave); it is pulled, and the time runs until our order request is parsed at the venue. Engine,
floor client and venue are three processes on the same machine; the floor client writes one durable commit
an order and has signed ahead. Both kinds of key, in turns, in one run.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from console.core.events import SetTheo
from console.core.instruments import BookSide
from console.core.matches import MatchId
from console.core.units import CENT, ONE
from console.link.client import LinkClient, LinkError
from console.link.messages import Role
from console.sandbox.kalshi.server import Sandbox

BLOCK = 25
PAUSE_S = 0.25
AIM = 2.5
PINNED: set[str] = set()

CONFIG = """
[engine]
mode = "demo"
dry_run = false
on_console_lost = "keep"
account = "bench{kind}"
[venues.kalshi]
enabled = true
rest = "http://127.0.0.1:{port}/trade-api/v2"
stream = "ws://127.0.0.1:{port}/trade-api/ws/v2"
[[match]]
id = "bench"
title = "bench"
outcomes = ["{a_name}", "{b_name}"]
odds = ["{a_odds:.4f}", "{b_odds:.4f}"]
profile = "top_of_book"
instruments = [
  {{ venue = "kalshi", symbol = "{a}", outcomes = ["{a_name}"] }},
  {{ venue = "kalshi", symbol = "{b}", outcomes = ["{b_name}"], quote = false }},
]
[match.settings]
back_off = "out"
fast_ms = 0
refill_min_ms = 0
stop_before_start_s = 0
"""


class Bench:
    """The venue's side: it makes the moves and holds the watch."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        catalogue = sandbox.house.catalogue
        self.event = next(e for e in catalogue.matches if e.startswith("KXNBAGAME"))
        self.a, self.b = catalogue.tickers(self.event)
        self.price = 0
        self.began = 0.0
        self.times: dict[str, list[float]] = {}
        self.waiting: dict[str, asyncio.Event] = {}
        self._watch()

    def _watch(self) -> None:
        """Stop the watch as soon as a create is parsed, before it is checked."""
        admit = self.sandbox.rest._admit

        async def watched(request):
            if request.method == "POST" and request.path.endswith("/events/orders"):
                stopped = time.perf_counter()
                who = "floor" if b"floor-" in await request.read() else "engine"
                if who in self.waiting and not self.waiting[who].is_set():
                    self.times.setdefault(who, []).append(stopped - self.began)
                    self.waiting[who].set()
            await admit(request)

        self.sandbox.rest._admit = watched

    def chances(self) -> tuple[float, float]:
        """A fair value whose ceiling is a tick over the best bid, and below the rival."""
        fair = (self.sandbox.floor.market(self.a).snapshot().bids[0][0] + 5 * CENT // 2) / ONE
        return fair, 1.0 - fair

    def ours_rests(self) -> bool:
        return any(t.ticker == self.a and t.size > ONE for t in self.sandbox.house.resting())

    async def round(self, who: str) -> None:
        """Put the rival up, wait until we are gone, pull it, wait for the order."""
        exchange = self.sandbox.floor.exchange
        rival = exchange.rest("bench", self.a, BookSide.BID, self.price, 50 * ONE)
        self.sandbox.floor.step()
        assert rival is not None
        end = time.monotonic() + 10
        while who == "engine" and self.ours_rests():
            assert time.monotonic() < end, "our order did not leave"
            await asyncio.sleep(0.005)
        await asyncio.sleep(PAUSE_S)
        self.waiting = {who: asyncio.Event()}
        self.began = time.perf_counter()
        exchange.pull(rival)
        self.sandbox.floor.step()
        async with asyncio.timeout(10):
            await self.waiting[who].wait()
        await asyncio.sleep(PAUSE_S / 2)


async def pin(folder: Path, kind: str, *odds: float) -> None:
    """Pin the fair value, so that it is the rival alone that moves us."""
    end = time.monotonic() + 30
    while True:
        found = [path for path in (folder / "mmconsole").glob("*.sock") if path.name not in PINNED]
        try:
            client = LinkClient(found[0], Role.CONTROL, ())
            await client.attach()
            break
        except (IndexError, LinkError):
            assert time.monotonic() < end, "the engine does not answer"
            await asyncio.sleep(0.2)
    PINNED.add(found[0].name)
    ack = await client.operate(SetTheo(match=MatchId("bench"), odds=odds, pinned=True))
    assert ack.ok, ack.text
    await client.close()


async def measure(kind: str, rounds: int, folder: Path) -> dict[str, list[float]]:
    sandbox = Sandbox(7, (), keys=folder / "keys", scale=0.001)
    await sandbox.open()
    sandbox.floor._monotonic = lambda: time.monotonic_ns() + 1_200_000_000
    sandbox.floor.step()
    living = asyncio.create_task(sandbox.live())
    bench = Bench(sandbox)
    key = next(key for key in sandbox.gate.keys if key.kind == kind)
    names = [sandbox.house.catalogue.listing(t)["yes_sub_title"] for t in (bench.a, bench.b)]
    mid, other = bench.chances()
    config = folder / f"{kind}.toml"
    config.write_text(
        CONFIG.format(
            kind=kind,
            port=sandbox.port,
            a=bench.a,
            b=bench.b,
            a_name=names[0],
            b_name=names[1],
            a_odds=1 / mid,
            b_odds=1 / other,
        )
    )
    book = sandbox.floor.market(bench.a).snapshot()
    bench.price = book.asks[0][0] - CENT
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_RUNTIME_DIR": str(folder),
        "KALSHI_KEY_ID": key.key_id,
        "KALSHI_PRIVATE_KEY_PATH": str(key.path),
    }
    python = sys.executable
    engine = subprocess.Popen(  # noqa: ASYNC220
        [python, "-m", "console", "run", "--headless", "--config", str(config)],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=(folder / f"{kind}.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    price = f"{bench.price / ONE:.4f}"
    floor = subprocess.Popen(  # noqa: ASYNC220
        [
            python,
            str(Path(__file__).with_name("kalshi_floor.py")),
            str(sandbox.port),
            key.key_id,
            str(key.path),
            bench.a,
            price,
            str(folder),
        ]
    )
    try:
        await pin(folder, kind, 1 / mid, 1 / other)
        end = time.monotonic() + 60
        while not bench.ours_rests():
            assert time.monotonic() < end, (folder / f"{kind}.log").read_text()
            await asyncio.sleep(0.1)
        done = 0
        while done < rounds:
            for who in ("floor", "engine"):
                for _ in range(BLOCK):
                    await bench.round(who)
            done += BLOCK
    finally:
        for process in (engine, floor):
            process.terminate()
        await asyncio.to_thread(engine.wait, 60)  # it proves that nothing rests, with our answers
        living.cancel()
        await asyncio.wait([living])
        await sandbox.close()
    return bench.times


def line(name: str, times: list[float]) -> float:
    ordered = sorted(seconds * 1e3 for seconds in times)
    p50 = statistics.median(ordered)
    p90, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.9, 0.99))
    print(f"{name:18} p50 {p50:6.2f} ms   p90 {p90:6.2f} ms   p99 {p99:6.2f} ms   n {len(ordered)}")
    return p50


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("ed25519", "rsa"):
            times = asyncio.run(measure(kind, rounds, Path(folder)))
            floor, engine = line(f"{kind} floor", times["floor"]), line(f"{kind} engine", times["engine"])
            print(f"{kind}: engine is {engine / floor:.2f} x the floor (aim: {AIM})")


if __name__ == "__main__":
    main()
