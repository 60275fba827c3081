"""Engine processes on the pretended Polymarket: hung, killed with a venue down, and on paper without keys."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest
from pm_hall import Engine, Hall, processes, settings, wait

from console.core.events import Mode
from console.core.instruments import BookSide, Side
from console.core.units import CENT, ONE
from console.folders import socket_path
from console.link.client import LinkClient, LinkError
from console.link.messages import Role
from console.sandbox.kalshi.server import Sandbox
from tests.runner.process import seen

LONG = pytest.mark.skipif(not os.environ.get("TEST_LONG"), reason="minutes of waiting: TEST_LONG is not set")


@pytest.fixture
def hall():
    opened = Hall()
    yield opened
    opened.close()


@pytest.fixture
def engine():
    started = []

    def start(*arguments, **options):
        started.append(Engine(*arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.mark.timeout(240)
def test_a_hung_engine_sends_no_heartbeats_and_the_venue_cancels_everything(hall, engine, tmp_path, places):
    """The watchdog is stopped too: nothing of ours acts, only the venue."""
    config = settings(tmp_path / "markets.toml", hall.table(), hall.match())
    running = engine(config, {**places, **hall.secrets()})
    wait(lambda: len(hall.open()) == 2, 60, running.said)
    beats = hall.ask(lambda: hall.venue.beats)
    wait(lambda: hall.ask(lambda: hall.venue.beats) > beats, 12, "no heartbeat")
    assert hall.ask(lambda: hall.venue.expired_beats) == 0
    (watchdog,) = processes(config, " watch ")
    for pid in (watchdog, running.process.pid):
        os.kill(pid, signal.SIGSTOP)
    stopped = time.monotonic()
    beats = hall.ask(lambda: hall.venue.beats)
    wait(lambda: not hall.open(), 20, "orders outlived a hung engine")
    took = time.monotonic() - stopped
    print(f"stopped to empty: {took:.1f} s")
    assert took <= 16.5  # 10 s without a heartbeat and up to 5 s until the venue looks
    assert hall.ask(lambda: hall.venue.beats) <= beats + 1  # at most one was under way
    assert hall.ask(lambda: hall.venue.expired_beats) == 1
    # going on it learns what became of its orders, and nothing is quoted twice
    for pid in (watchdog, running.process.pid):
        os.kill(pid, signal.SIGCONT)
    time.sleep(5)
    assert len(hall.open()) <= 2
    assert running.process.poll() is None, running.said()


@pytest.mark.timeout(240)
def test_a_watchdog_empties_the_venue_when_the_engine_alone_hangs(hall, engine, tmp_path, places):
    config = settings(tmp_path / "markets.toml", hall.table(), hall.match())
    running = engine(config, {**places, **hall.secrets()})
    wait(lambda: len(hall.open()) == 2, 60, running.said)
    running.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    wait(lambda: not hall.open(), 20, "orders outlived a hung engine")
    print(f"stopped to empty: {time.monotonic() - stopped:.1f} s")
    assert time.monotonic() - stopped <= 15


class Kalshi:
    """The other venue on the loop of the hall, until it is gone."""

    def __init__(self, hall: Hall, folder) -> None:
        self._hall = hall
        self.sandbox = hall.do(self._open(folder))
        key = next(key for key in self.sandbox.gate.keys if key.kind == "rsa")
        self.secrets = {"KALSHI_KEY_ID": key.key_id, "KALSHI_PRIVATE_KEY_PATH": str(key.path)}

    async def _open(self, folder):
        sandbox = Sandbox(7, (), keys=folder / "keys", scale=0.02)
        await sandbox.open()
        self._living = asyncio.create_task(sandbox.live())
        return sandbox

    def table(self) -> str:
        at = f"127.0.0.1:{self.sandbox.port}/trade-api"
        return f"[venues.kalshi]\nenabled = true\nrest = 'http://{at}/v2'\nstream = 'ws://{at}/ws/v2'\n"

    def go(self) -> None:
        self._hall.do(self._gone())

    async def _gone(self) -> None:
        self._living.cancel()
        await self.sandbox.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=LONG)], ids=["by the engine", "without"])
def test_a_kill_with_one_venue_down_still_empties_the_other(hall, engine, tmp_path, places, alone):
    kalshi = Kalshi(hall, tmp_path)
    config = settings(tmp_path / "markets.toml", hall.table(), kalshi.table(), hall.match())
    running = engine(config, {**places, **hall.secrets(), **kalshi.secrets})
    wait(lambda: len(hall.open()) == 2, 60, running.said)
    kalshi.go()
    if alone:
        for pid in processes(config):  # the watchdog too
            os.kill(pid, signal.SIGKILL)
        running.process.wait()
    began = time.monotonic()
    killing = subprocess.Popen(
        [sys.executable, "-m", "console", "--config", str(config), "kill"],
        env=running.environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait(lambda: not hall.open(), 30, "the venue that is up was not emptied")
        took = time.monotonic() - began
        told, _ = killing.communicate(timeout=120)
    finally:
        killing.kill()
    print(f"emptied after {took:.1f} s; {time.monotonic() - began:.1f} s until it gave up: {told}")
    assert took < 10  # seven of them may be the start of a process on a busy machine
    assert killing.returncode != 0  # one venue is not proven
    assert "kalshi" in told
    assert hall.open() == []


@pytest.mark.timeout(240)
def test_paper_makes_markets_without_a_key(hall, engine, tmp_path, places):
    """The books are the venue's, the orders and the fill are ours alone."""
    config = settings(tmp_path / "markets.toml", hall.table(), hall.match(), mode="paper")
    running = engine(config, places, mode=Mode.PAPER)

    async def story():
        async with attached(socket_path(places, Mode.PAPER, "main"), running) as client:
            view = await seen(client, lambda v: v.orders_open == 2, 60)
            assert view.mode is Mode.PAPER
            bid = next(order for order in view.orders if order.instrument.side is Side.YES)
            listing = hall.listing()
            below = bid.price - CENT

            def sell() -> None:
                """The public sells down to our bid and through it, to somebody who bids less than we do."""
                hall.venue.floor.exchange.rest("other", listing.slug, BookSide.BID, below, 10 * ONE)
                hall.venue.floor.exchange.take("tester", listing.slug, BookSide.ASK, 10**6 * ONE, below)

            hall.ask(sell)
            view = await seen(client, lambda v: v.fills >= 1, 30)
            assert view.matches[0].exposure > 0

    asyncio.run(story())
    assert hall.open() == []  # nothing reaches the venue
    assert not [path for path in hall.server.books.requests if "order" in path or "auth" in path]


@asynccontextmanager
async def attached(socket, running):
    client = LinkClient(socket, Role.CONTROL, ("false",))
    deadline = time.monotonic() + 60
    while True:
        try:
            await client.attach()
            break
        except LinkError:
            assert running.process.poll() is None, running.said()
            assert time.monotonic() < deadline, running.said()
            await asyncio.sleep(0.1)
    try:
        yield client
    finally:
        await client.close()
