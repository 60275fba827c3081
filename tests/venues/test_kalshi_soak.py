"""Sixty books at twenty messages a second each, bursts of four hundred, holes: nothing grows or is missed.

Ten seconds in the suite, fifteen minutes with TEST_LONG, as long as TEST_SOAK_S says by hand.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from kalshi_stage import K, until
from test_kalshi_sign import ED, pem

from console.config.tables import KalshiTable
from console.core.commands import Resync, Subscribe
from console.core.engine import Engine
from console.core.events import AddMatch, BookDelta, BookStale, Mode, Started, Tick, VenueDown, VenueUp
from console.core.instruments import Instrument
from console.core.matches import Listing, MatchSpec
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import micros
from console.sandbox.kalshi.recorded import Player
from console.venues.kalshi.client import Kalshi
from console.venues.kalshi.hosts import Hosts
from console.venues.kalshi.sign import Signer

SECONDS = float(os.environ.get("TEST_SOAK_S") or (900 if os.environ.get("TEST_LONG") else 10))
BOOKS, PER_S, BURST = 60, 20, 400
BURST_EVERY_S = 60.0 if SECONDS > 60 else 4.0
HOLE_EVERY = 20_000 if SECONDS > 60 else 3_000
GROWTH_MAX_MB = 25.0


def resident_mb() -> float:
    """Memory of this process, server and all."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Made:
    """A recording without end: random changes of sixty books that never fall below zero."""

    def __init__(self) -> None:
        self.tickers = [f"KXSOAKGAME-26NOV27E{n // 2:02d}-{'AB'[n % 2]}" for n in range(BOOKS)]
        self.books = {t: {"yes": {"0.4500": 10**9}, "no": {"0.4500": 10**9}} for t in self.tickers}
        self.frames_made = 0

    def frames(self):
        dice, at, burst_at = random.Random(1), 0.0, BURST_EVERY_S
        while at < SECONDS:
            at += 1.0 / (BOOKS * PER_S)
            yield at, self._change(dice)
            if at >= burst_at:
                burst_at += BURST_EVERY_S
                for _ in range(BURST):
                    yield at, self._change(dice)

    def _change(self, dice):
        self.frames_made += 1
        ticker, side = dice.choice(self.tickers), dice.choice(("yes", "no"))
        price = f"0.{dice.randrange(20, 46):02d}00"
        there = self.books[ticker][side].get(price, 0) // 10_000
        gone = there > 0 and price != "0.4500" and dice.random() < 0.5
        change = -there if gone else dice.randrange(1, 5000)
        msg = {
            "market_ticker": ticker,
            "price_dollars": price,
            "delta_fp": f"{change / 100:.2f}",
            "side": side,
            "ts_ms": 0,
        }
        return {"type": "orderbook_delta", "msg": msg}

    def fold(self, frame) -> None:
        msg = frame["msg"]
        levels = self.books[msg["market_ticker"]][msg["side"]]
        levels[msg["price_dollars"]] = levels.get(msg["price_dollars"], 0) + micros(msg["delta_fp"])
        if not levels[msg["price_dollars"]]:
            del levels[msg["price_dollars"]]

    def ladder(self, ticker, side, *, yes_price):
        rows = sorted(self.books[ticker][side].items())
        flip = yes_price and side == "no"
        return [[f"{1 - float(p):.4f}" if flip else p, f"{n / 1e6:.2f}"] for p, n in rows]

    def true_book(self, ticker):
        sides = self.books[ticker]
        bids = {micros(p): n for p, n in sides["yes"].items()}
        asks = {1_000_000 - micros(p): n for p, n in sides["no"].items()}
        return bids, asks


class Follower:
    """An engine that follows the books and counts what it was told."""

    def __init__(self, client, tickers) -> None:
        self.client, self.engine = client, Engine()
        self.counts = {BookDelta: 0, BookStale: 0, VenueDown: 0, VenueUp: 0}
        self.put(Started(run_id="r", mode=Mode.PAPER, account="t", settings=AccountSettings(), venues=(K,)))
        for n in range(0, len(tickers), 2):
            listings = tuple(Listing(Instrument(K, tickers[n + i]), (i,)) for i in (0, 1))
            spec = MatchSpec(id=f"m{n}", title="m", outcomes=("a", "b"), listings=listings)
            self.put(AddMatch(spec=spec, settings=MatchSettings()))

    def put(self, event) -> None:
        kind = type(event)
        if kind in self.counts:
            self.counts[kind] += 1
        msgspec.structs.force_setattr(event, "ts", time.monotonic_ns())
        msgspec.structs.force_setattr(event, "wall", time.time_ns())
        for command in self.engine.on_event(event):
            if isinstance(command, Subscribe | Resync):
                self.client.send(command)

    async def tick(self) -> None:
        while True:
            self.put(Tick())
            await asyncio.sleep(0.1)

    def book(self, ticker):
        book = self.engine.state.markets[Instrument(K, ticker)].book
        if book is None or book.stale:
            return None
        levels = list(book.levels())
        return {p: b for p, b, _ in levels if b}, {p: a for p, _, a in levels if a}


@pytest.mark.timeout(SECONDS * 5 + 200)
def test_nothing_grows_and_nothing_is_missed():
    async def story():
        made = Made()
        player = Player(made)
        app = web.Application()
        app.router.add_routes(player.routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"127.0.0.1:{runner.addresses[0][1]}"
        hosts = Hosts(f"http://{base}/trade-api/v2", f"ws://{base}/trade-api/ws/v2")
        client = Kalshi(hosts, KalshiTable(), lambda now: Signer("k", pem(ED), now), trading=False)
        client._rest._throttle.configure(5000.0, 5000.0)
        follower = Follower(client, made.tickers)
        tasks = [asyncio.create_task(client.run(follower.put)), asyncio.create_task(follower.tick())]
        await until(lambda: player._sessions and all(follower.book(t) for t in made.tickers), 60)
        (session,) = player._sessions
        numbered, holes = session._numbered, [0]

        def with_holes(channel, kind, msg):
            if kind == "orderbook_delta" and made.frames_made % HOLE_EVERY == 0:
                session._seq[channel] += 1  # a message that never comes
                holes[0] += 1
                return
            numbered(channel, kind, msg)

        session._numbered = with_holes
        playing = asyncio.create_task(player.play(lambda _: None))
        await asyncio.sleep(min(SECONDS / 3, 60))
        gc.collect()
        began_mb, began = resident_mb(), time.monotonic()
        await until(lambda: made.frames_made >= SECONDS * BOOKS * PER_S, SECONDS * 4 + 60)
        session._numbered = numbered
        agrees = lambda: all(follower.book(t) == made.true_book(t) for t in made.tickers)  # noqa: E731
        await until(agrees, 30, "a book differs")
        gc.collect()
        grown = resident_mb() - began_mb
        print(
            f"{made.frames_made} frames, {follower.counts[BookDelta]} deltas, {holes[0]} holes, "
            f"{follower.counts[BookStale]} books distrusted, {grown:+.1f} MB "
            f"in {time.monotonic() - began:.0f} s"
        )
        assert holes[0] >= 1
        assert follower.counts[BookStale] >= BOOKS  # each hole distrusts every book of the subscription
        assert follower.counts[VenueDown] == 0
        assert grown < GROWTH_MAX_MB
        for task in (*tasks, playing):
            task.cancel()
        await asyncio.wait([*tasks, playing])
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(story(), SECONDS * 5 + 150))
