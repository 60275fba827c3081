"""Kalshi and Polymarket in one pretended world: Polymarket as the fair value of a soccer match at Kalshi, and
the pair of both, which nets only on rules that the trader confirmed and that nobody changed since.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from pm_bench import Bench, P
from pm_hall import end_all, settings, wait

from console.config.tables import KalshiTable
from console.core.commands import Alert, Refuse
from console.core.engine import Engine
from console.core.events import AddMatch, ConfirmRules, Mode, Resume, SetTheo, Started, Tick
from console.core.instruments import BookSide, Instrument, Venue
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.reasons import Reason
from console.core.units import ONE
from console.sandbox.kalshi.server import Sandbox
from console.sandbox.polymarket.faults import Faults
from console.sandbox.polymarket.server import Server
from console.sandbox.polymarket.venue import Venue as Polymarket
from console.sim.listings import at_polymarket
from console.sim.world import World
from console.venues.kalshi.client import Kalshi
from console.venues.kalshi.hosts import Hosts
from console.venues.kalshi.sign import Signer
from console.venues.polymarket import feed as feed_module
from tests.tui.terminal import Terminal

K = Venue.KALSHI
ROOT = Path(__file__).parents[3]
PAIR = ("kalshi", "polymarket")
SEED = 7
SOCCER = replace(PRESETS["soccer"], warm_up_s=0, normal_ms=200)
ACCOUNT = replace(ACCOUNT_PRESETS["soccer"], drawdown=None)


class Session:
    """One engine with a client at each venue, and the world both venues show."""

    def __init__(self, world: World, kalshi: Sandbox, bench: Bench) -> None:
        self.world, self.kalshi, self.bench = world, kalshi, bench
        base = f"127.0.0.1:{kalshi.port}"
        key = next(key for key in kalshi.gate.keys if key.kind == "ed25519")
        hosts = Hosts(f"http://{base}/trade-api/v2", f"ws://{base}/trade-api/ws/v2")
        pem = key.path.read_bytes()
        self.clients = {
            K: Kalshi(hosts, KalshiTable(), lambda now_ms: Signer(key.key_id, pem, now_ms), trading=True),
            P: bench.make(),
        }
        self.engine = Engine()
        self.sent: list = []
        self.tell(Started(run_id="run1", mode=Mode.DEMO, account="t", settings=ACCOUNT, venues=(K, P)))

    def tell(self, event) -> list:
        """Tell the engine of an event; what it asked for."""
        msgspec.structs.force_setattr(event, "ts", time.monotonic_ns())
        msgspec.structs.force_setattr(event, "wall", time.time_ns())
        commands = list(self.engine.on_event(event))
        for command in commands:
            self.sent.append(command)
            instrument = getattr(command, "instrument", None)
            venue = instrument.venue if instrument is not None else getattr(command, "venue", None)
            if venue is not None:
                self.clients[venue].send(command)
        return commands

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for client in self.clients.values():
                group.create_task(client.run(self.tell))
            group.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            self.tell(Tick())
            await asyncio.sleep(0.1)

    def add(self, match: str, *, signal: bool) -> None:
        """Make a market on a match of the world; `signal`: Polymarket is only looked at."""
        spec = next(spec for spec in self.world.listings if spec.id == match)
        listings = [replace(one, quote=one.instrument.venue is K or not signal) for one in spec.listings]
        self.tell(AddMatch(spec=replace(spec, listings=tuple(listings)), settings=SOCCER))

    def desk(self, match: str):
        return self.engine.state.desks[match]

    def rests(self, venue: Venue, match: str) -> set[str]:
        """Symbols on which orders of ours rest, as the venue has it."""
        ours = {one.instrument.symbol for one in self.desk(match).spec.listings}
        if venue is K:
            return ours & {ticket.ticker for ticket in self.kalshi.house.resting()}
        return ours & {order.listing.slug for order in self.bench.venue.ledger.open.values()}

    def symbols(self, venue: Venue, match: str) -> list[str]:
        return [o.instrument.symbol for o in self.desk(match).spec.listings if o.instrument.venue is venue]

    def mids(self, venue: Venue, match: str) -> list[float]:
        """The middle of every book of a match, as probabilities."""
        books = [self.world.exchange(venue).markets[s].snapshot() for s in self.symbols(venue, match)]
        mids = [(book.bids[0][0] + book.asks[0][0]) / 2 / ONE for book in books]
        return [mid / sum(mids) for mid in mids]

    async def bought(self, venue: Venue, match: str, outcome: int) -> None:
        """Somebody takes our bid for an outcome at a venue."""
        state, instrument = self.engine.state, Instrument(venue, self.symbols(venue, match)[outcome])

        def bids():
            orders = [o for o in state.blotter.live.values() if o.instrument == instrument]
            return [order for order in orders if not order.in_flight]

        (bid,) = await self.until(bids, f"a bid for {instrument}")
        everything, symbol = 10**6 * ONE, instrument.symbol
        self.world.exchange(venue).take("tester", symbol, BookSide.ASK, everything, bid.price)
        await self.until(lambda: bid.filled == bid.size, "a fill")

    async def confirmed(self, match: str) -> str:
        """Ask for the hash of the rules as the venues tell them, and confirm that."""
        before = len(self.desk(match).groups())
        (asked,) = self.refusals(ConfirmRules(match=match, rules_hash="agreed"))
        told = re.fullmatch(rf"{match}: the rules that were told have the hash ([0-9a-f]{{12}})", asked)
        assert told, asked
        assert len(self.desk(match).groups()) == before == 2
        assert self.refusals(ConfirmRules(match=match, rules_hash=f"{told[1]}+read both")) == []
        return told[1]

    def refusals(self, event) -> list[str]:
        return [command.text for command in self.tell(event) if isinstance(command, Refuse)]

    def alerts(self) -> list[str]:
        return [command.text for command in self.sent if isinstance(command, Alert)]

    async def until(self, true, why: str, patience_s: float = 40):
        return await self.bench.until(true, why, patience_s)


@asynccontextmanager
async def together(tmp_path):
    """Both sandboxes on one world, each on a port, and an engine that is connected to both."""
    world = World(SEED, ts=time.monotonic_ns(), wall=time.time_ns(), scale=2.0, programme=at_polymarket())
    kalshi = Sandbox(SEED, keys=tmp_path / "keys", world=world)
    server = Server(Polymarket(SEED, Faults((), SEED), world=world))
    await kalshi.open()
    await server.open()
    living = [asyncio.create_task(kalshi.live()), asyncio.create_task(server.run())]
    try:
        async with Bench(server=server, public=True) as bench:
            bench.public = False
            session = Session(world, kalshi, bench)
            running = asyncio.create_task(session.run())
            bench._tasks.append(running)
            try:
                both = session.engine.state.connections
                await session.until(lambda: both[K].up and both[P].up, "both up")
                yield session
            finally:
                bench._tasks.remove(running)
                running.cancel()
                await asyncio.wait([running])
    finally:
        for task in living:
            task.cancel()
        await asyncio.wait(living)
        await kalshi.close()
        await server.close()


SIGNALLED, PAIRED = "epl-nor-ash", "lal-val-cbr"


@pytest.mark.timeout(180)
def test_polymarket_prices_a_soccer_match_at_kalshi_and_nothing_rests_there(tmp_path):
    async def story():
        async with together(tmp_path) as s:
            s.add(SIGNALLED, signal=True)
            await s.until(lambda: len(s.rests(K, SIGNALLED)) == 3, "three tickers quoted")
            fair = [s.desk(SIGNALLED).theo.fair[1 << n] / ONE for n in range(3)]
            for ours, theirs, truth in zip(fair, s.mids(P, SIGNALLED), s.world.truth(SIGNALLED), strict=True):
                assert abs(ours - theirs) < 0.02
                assert abs(ours - truth) < 0.05
            assert not s.bench.venue.ledger.open
            assert not s.bench.venue.ledger.ended
            await s.bench.server.close()
            await s.until(lambda: not s.rests(K, SIGNALLED), "without its signal nothing rests")
            assert s.desk(SIGNALLED).reason is Reason.NO_THEO

    asyncio.run(story())


@pytest.mark.timeout(240)
def test_the_pair_nets_on_confirmed_rules_and_no_longer_once_one_venue_rewords_its_own(tmp_path):
    async def story():
        async with together(tmp_path) as s:
            s.add(PAIRED, signal=False)
            s.tell(SetTheo(match=PAIRED, odds=tuple(1 / p for p in s.mids(P, PAIRED)), pinned=True))
            desk = s.desk(PAIRED)
            await s.until(lambda: len(s.rests(K, PAIRED)) == len(s.rests(P, PAIRED)) == 3, "quoted at both")

            confirmed = await s.confirmed(PAIRED)
            assert len(desk.groups()) == 1
            for venue, outcome in ((K, 0), (P, 1), (P, 2)):  # a whole set, over both
                await s.bought(venue, PAIRED, outcome)
            (merged,) = desk.groups()
            netted = min(merged.profits()[:3])  # of the three results

            s.bench.venue._reword()
            await s.until(lambda: desk.paused, "paused")
            assert desk.paused == "settlement rules changed"
            (line,) = [text for text in s.alerts() if "settlement rules" in text]
            print(line)
            assert line.startswith(f"settlement rules changed: {confirmed} was confirmed, ")
            assert "the venues no longer net, read the rules" in line
            apart = [min(position.profits()[:3]) for position in desk.groups()]
            print(f"at worst {netted / ONE:.2f} together, {[worst / ONE for worst in apart]} apart")
            assert len(apart) == 2
            assert sum(apart) < 3 * netted < 0
            await s.until(lambda: not s.rests(K, PAIRED) and not s.rests(P, PAIRED), "pulled")
            s.tell(Resume(match=PAIRED))
            await asyncio.sleep(2.0)
            assert len(desk.groups()) == 2
            (refused,) = s.refusals(ConfirmRules(match=PAIRED, rules_hash=confirmed))
            assert refused == f"{PAIRED}: confirm the rules while it has no position"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_module, "LISTED_AGAIN_S", 1.0)
        patch.setattr(feed_module, "LISTED_AGAIN_SOON_S", 1.0)
        asyncio.run(story())


# ---- as a process


@pytest.fixture
def sandboxes(tmp_path):
    """What `mmconsole sandbox kalshi,polymarket` says once it serves."""
    log = tmp_path / "sandboxes.log"
    keys = {"MMCONSOLE_SANDBOX_KEYS": str(tmp_path / "keys")}
    command = [sys.executable, "-m", "console", "sandbox", "kalshi,polymarket", "--seed", "11"]
    process = subprocess.Popen(
        command, env={**os.environ, **keys}, cwd=ROOT, stdout=log.open("wb"), stderr=subprocess.STDOUT
    )
    try:
        wait(lambda: "POLY_PASSPHRASE" in log.read_text(), 30, "the sandboxes do not start")
        yield log.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_the_sandboxes_of_one_command_show_the_same_matches_at_the_same_prices(sandboxes):
    base = re.search(r'rest = "(http://\S+/trade-api/v2)"', sandboxes)[1]
    clob = re.search(r'gamma = "(http://\S+)/gamma"', sandboxes)[1]
    time.sleep(2.0)  # everybody acts once in the first second
    matches = tomllib.loads(sandboxes[sandboxes.index("\n[[match]]") : sandboxes.index("# For .env")])[
        "match"
    ]
    assert len(matches) == 8
    for match in matches:
        check_the_same(match, base, clob)


def check_the_same(match, base, clob):
    """Every outcome of a match costs the same at both, and Polymarket is there to look at only."""
    at = {venue: {o["outcomes"][0]: o for o in match["instruments"] if o["venue"] == venue} for venue in PAIR}
    assert list(at["kalshi"]) == match["outcomes"]
    assert all(one["quote"] is False for one in at["polymarket"].values())
    for outcome, one in at["polymarket"].items():
        (market,) = look(f"{clob}/gamma/markets?slug={one['symbol']}")
        tokens = market.get("positionIds") or json.loads(market["clobTokenIds"])
        there = float(look(f"{clob}/midpoint?token_id={tokens[0]}")["mid"])
        kalshi = look(f"{base}/markets/{at['kalshi'][outcome]['symbol']}")["market"]
        bid, ask = float(kalshi["yes_bid_dollars"]), float(kalshi["yes_ask_dollars"])
        assert abs(there - (bid + ask) / 2) < 0.04, (match["id"], outcome, there, bid, ask)


def look(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return json.load(answer)


@pytest.mark.timeout(240)
def test_a_trader_reads_the_rules_of_both_at_the_console_and_the_pair_nets(sandboxes, tmp_path, places):
    """What the sandboxes print is what goes into the settings; Polymarket is traded, too."""
    kalshi = sandboxes[sandboxes.index("  [venues.kalshi]") : sandboxes.index("rsa: ")]
    polymarket = sandboxes[sandboxes.index("[venues.polymarket]") : sandboxes.index("# For .env")]
    venue, *matches = polymarket.split("[[match]]")
    match = next(m for m in matches if PAIRED in m).replace(", quote = false", "")
    config = settings(
        tmp_path / "markets.toml",
        f"{kalshi}{venue}[[match]]{match}profile = 'soccer'\nodds = [2.5, 3.6, 3.1]\n",
    )
    secrets = dict(re.findall(r"^# (POLY_\w+)=(.*)$", sandboxes, re.M))
    named = re.search(r"^rsa: (KALSHI_KEY_ID)=(\S+) (\w+)=(\S+)$", sandboxes, re.M)
    secrets |= {named[1]: named[2], named[3]: named[4]}
    environment = {**places, **secrets, "PYTHONPATH": str(ROOT)}
    terminal = Terminal(["-m", "console", "--config", str(config)], 200, 60, environment)

    def sees(words: str, seconds: float = 20) -> None:
        terminal.until(lambda: terminal.shows(words), seconds, words)

    def types(keys: bytes) -> None:
        time.sleep(0.6)
        terminal.type(keys)

    try:
        sees("in one picture", 60)
        types(b"\r")
        terminal.until(lambda: not terminal.shows("in one picture"), 10, "the tour is over")
        sees("polymarket reconciled", 30)
        types(b"V")
        sees("poly: a win of the draw when it is void, rules ")
        sees("together: ")
        types(b"AGREE")
        sees("AGREE", 5)
        types(b"\t")
        types(b"read both")
        sees("read both", 5)
        types(b"\r")
        sees("rules of Valdoro v Costa Brava confirmed")
        types(b"V")
        sees("are confirmed already")
    finally:
        terminal.close()
        end_all(config)
