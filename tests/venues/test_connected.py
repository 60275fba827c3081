"""Clients of venues and feeds as one source, and a venue traded on paper."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from console.core.commands import (
    Basis,
    CancelAll,
    CeilingKind,
    KeepAlive,
    PlaceOrder,
    Reconcile,
    Subscribe,
    UnwatchOdds,
    WatchOdds,
)
from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MassStatus,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Trade,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Action, BookSide, Instrument, InstrumentSpec, Venue
from console.core.matches import Listing, MatchSpec
from console.core.units import CENT, ONE
from console.venues.base.protocol import LookupFailed, Refused
from console.venues.connected import Connected
from console.venues.paper import PaperVenue

K, P = Venue.KALSHI, Venue.POLYMARKET
SYMBOL = Instrument(K, "HOME")
SPEC = MatchSpec(id="m", title="m", outcomes=("a", "b"), listings=(Listing(SYMBOL, (0,)),))


class Client:
    """A venue or feed that says what the test lets it say."""

    def __init__(self, venue=K, found=()):
        self.venue = venue
        self.name = "feed"
        self.sent = []
        self.found = found
        self.put = None
        self.broken = asyncio.Event()
        self.ended = False

    async def run(self, put):
        self.put, self.ended = put, False
        try:
            await self.broken.wait()
            self.broken.clear()
        finally:
            self.ended = True
        raise RuntimeError("a frame nobody expected")

    def send(self, command):
        self.sent.append(command)

    async def find(self, text):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def place(order_id="r-1", cents=40, contracts=10):
    return PlaceOrder(
        order_id=order_id,
        match="m",
        instrument=SYMBOL,
        action=Action.BUY,
        price=cents * CENT,
        size=contracts * ONE,
        ceiling=cents * CENT,
        ceiling_kind=CeilingKind.QUOTE,
        basis=Basis(0, 0, 0, 0, 0, ""),
    )


async def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


# ---- together


def test_commands_go_to_the_client_they_concern():
    async def story():
        kalshi, poly, feed = Client(K), Client(P), Client()
        source = Connected([kalshi, poly], [feed])
        assert source.venues == (K, P)
        watch, unwatch = WatchOdds(spec=SPEC), UnwatchOdds(match="m")
        for command in (place(), CancelAll(venue=P), KeepAlive(venue=K, until=1), watch, unwatch):
            source.send(command)
        assert [type(c).__name__ for c in kalshi.sent] == ["PlaceOrder", "KeepAlive"]
        assert [type(c).__name__ for c in poly.sent] == ["CancelAll"]
        assert feed.sent == [watch, unwatch]

    asyncio.run(story())


def test_a_client_that_breaks_is_told_and_begun_again_for_the_sweep():
    async def story():
        kalshi, poly = Client(K), Client(P)
        source = Connected([kalshi, poly], [])
        task = asyncio.create_task(source.run(lambda _: None))
        await until(lambda: poly.put is not None)
        kalshi.broken.set()
        with pytest.raises(RuntimeError, match="a frame nobody expected"):
            await task
        await until(lambda: not kalshi.ended)
        assert not poly.ended
        await source.close()
        assert poly.ended
        assert kalshi.ended

    asyncio.run(story())


def test_a_feed_that_breaks_is_said_to_be_down_and_ends_nobody():
    async def story():
        kalshi, feed, said = Client(K), Client(), []
        source = Connected([kalshi], [feed])
        task = asyncio.create_task(source.run(said.append))
        await until(lambda: feed.put is not None)
        feed.broken.set()
        await until(lambda: said)
        assert (said[0].feed, said[0].up) == ("feed", False)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
        assert kalshi.ended

    asyncio.run(story())


def test_a_search_fails_only_when_nobody_found_anything():
    async def story():
        down = Client(K, LookupFailed("no route"))
        assert await Connected([down, Client(P, ("match",))], []).find("x") == ("match",)
        with pytest.raises(LookupFailed, match="kalshi: no route"):
            await Connected([down, Client(P)], []).find("x")

    asyncio.run(story())


# ---- on paper


class Built:
    def __init__(self, refusal=None):
        self.commands = []
        self.refusal = refusal

    def build(self, command):
        if self.refusal is not None:
            raise self.refusal
        self.commands.append(command)


@asynccontextmanager
async def paper(tmp_path, **options):
    public, told = Client(), []
    venue = PaperVenue(public, tmp_path / "kalshi.paper", 100 * ONE, **options)
    task = asyncio.create_task(venue.run(told.append))
    await until(lambda: public.put is not None)
    public.put(VenueUp(venue=K))
    public.put(InstrumentDefined(instrument=SYMBOL, spec=InstrumentSpec(two_sided=True)))
    public.put(BookSnapshot(instrument=SYMBOL, bids=((40 * CENT, 5 * ONE),), asks=((50 * CENT, 5 * ONE),)))
    venue.send(Subscribe(instrument=SYMBOL))
    await until(lambda: any(isinstance(e, BookSnapshot) for e in told))
    try:
        yield venue, public, told
    finally:
        task.cancel()
        await asyncio.wait([task])


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]


@pytest.mark.parametrize("pause_s", [0.0, 0.1], ids=["before the request arrives", "after it"])
def test_a_symbol_subscribed_to_before_it_is_defined_is_shown_once_it_is(tmp_path, pause_s):
    async def story():
        public, told = Client(), []
        venue = PaperVenue(public, tmp_path / "kalshi.paper", 100 * ONE)
        task = asyncio.create_task(venue.run(told.append))
        await until(lambda: public.put is not None)
        venue.send(Subscribe(instrument=SYMBOL))
        await asyncio.sleep(pause_s)
        public.put(InstrumentDefined(instrument=SYMBOL, spec=InstrumentSpec(two_sided=True)))
        public.put(BookSnapshot(instrument=SYMBOL, bids=((40 * CENT, ONE),), asks=()))
        await until(lambda: of(told, InstrumentDefined) and of(told, BookSnapshot))
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(story())


@pytest.mark.parametrize("pause_s", [0.0, 0.1], ids=["before the request arrives", "after it"])
def test_why_a_symbol_is_not_there_is_shown_on_paper_too(tmp_path, pause_s):
    async def story():
        public, told = Client(), []
        venue = PaperVenue(public, tmp_path / "kalshi.paper", 100 * ONE)
        task = asyncio.create_task(venue.run(told.append))
        await until(lambda: public.put is not None)
        venue.send(Subscribe(instrument=SYMBOL))
        await asyncio.sleep(pause_s)
        public.put(BookStale(instrument=SYMBOL, why="no such market"))
        await until(lambda: of(told, BookStale))
        assert [(e.instrument, e.why) for e in of(told, BookStale)] == [(SYMBOL, "no such market")]
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(story())


def test_orders_stop_at_the_paper_exchange_and_fill_behind_the_queue(tmp_path):
    async def story():
        async with paper(tmp_path) as (venue, public, told):
            venue.send(place())
            await until(lambda: of(told, OrderAccepted))
            assert [type(c) for c in public.sent] == [Subscribe]
            assert [d.change for d in of(told, BookDelta)] == [10 * ONE]  # our order shows in the book
            public.put(Trade(instrument=SYMBOL, price=40 * CENT, size=8 * ONE, taker=BookSide.ASK))
            await until(lambda: of(told, OrderFilled))
            assert [fill.size for fill in of(told, OrderFilled)] == [3 * ONE]  # five were before us

    asyncio.run(story())


def test_the_paper_account_outlives_the_process_and_its_orders_do_not(tmp_path):
    async def story():
        async with paper(tmp_path) as (venue, public, told):
            venue.send(place())
            await until(lambda: of(told, OrderAccepted))
            public.put(Trade(instrument=SYMBOL, price=40 * CENT, size=8 * ONE, taker=BookSide.ASK))
            await until(lambda: of(told, OrderFilled))
        async with paper(tmp_path) as (venue, _, told):
            venue.send(Reconcile(venue=K))
            await until(lambda: of(told, MassStatus))
            (status,) = of(told, MassStatus)
            assert status.positions == ((SYMBOL, 3 * ONE),)
            assert status.cash == 100 * ONE - 3 * 400_000
            assert status.orders == ()
            assert [fill.trade_id for fill in status.fills] == ["kalshi-t1"]

    asyncio.run(story())


def test_a_dry_run_builds_every_order_as_it_would_leave(tmp_path):
    async def story():
        built = Built()
        async with paper(tmp_path, builder=built) as (venue, public, told):
            venue.send(place())
            await until(lambda: of(told, OrderAccepted))
            assert built.commands == [place()]
            assert public.sent == [Subscribe(instrument=SYMBOL)]

    asyncio.run(story())


def test_what_cannot_be_built_is_refused_as_it_would_be(tmp_path):
    async def story():
        built = Built(Refused(RejectReason.PRICE, "off the grid"))
        async with paper(tmp_path, builder=built) as (venue, _, told):
            venue.send(place())
            await until(lambda: of(told, OrderRejected))
            assert [(r.reason, r.text) for r in of(told, OrderRejected)] == [
                (RejectReason.PRICE, "off the grid")
            ]

    asyncio.run(story())


def test_paper_orders_need_no_dead_man(tmp_path):
    async def story():
        async with paper(tmp_path) as (_, public, told):
            public.put(
                VenueLimits(
                    venue=K, write_per_s=1, write_burst=1, place=1, amend=1, cancel=1, renew=1, dead_man=True
                )
            )
            await until(lambda: of(told, VenueLimits))
            assert [(x.renew, x.dead_man) for x in of(told, VenueLimits)] == [(0, False)]

    asyncio.run(story())
