"""Dry runs, paper and searches: what is built is what would leave, and nothing does."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from kalshi_stage import Stage, client_of, sandbox_of, stage, until

from console.config.read import load
from console.config.tables import KalshiTable
from console.core.commands import CancelOrder, Reconcile, Resync, Subscribe
from console.core.complaint import Complaint
from console.core.events import (
    BookSnapshot,
    InstrumentDefined,
    MassStatus,
    Mode,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import BookSide, Venue
from console.core.matches import Kind
from console.core.units import CENT, ONE
from console.keys import Keys
from console.launch.sources import VENUES, connected
from console.venues.base.protocol import LookupFailed
from console.venues.kalshi import opening
from console.venues.kalshi.discovery import ticker_in
from console.venues.kalshi.hosts import DEMO_REST, REST, hosts
from console.venues.paper import PaperVenue, _wallet

K = Venue.KALSHI
NO_GROUP = KalshiTable(fill_backstop=0)


def run(story):
    asyncio.run(story())


def settings_of(sandbox, tmp_path, **engine):
    lines = [f"{key} = {json.dumps(value)}" for key, value in engine.items()]
    base = f"127.0.0.1:{sandbox.port}"
    path = tmp_path / "markets.toml"
    path.write_text(
        "[engine]\n" + "\n".join(lines) + "\n[venues.kalshi]\nenabled = true\nfill_backstop = 0\n"
        f'rest = "http://{base}/trade-api/v2"\nstream = "ws://{base}/trade-api/ws/v2"\n'
    )
    return load(path, {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)})


def keys_of(sandbox, kind="ed25519"):
    key = next(key for key in sandbox.gate.keys if key.kind == kind)
    return Keys({"KALSHI_KEY_ID": key.key_id, "KALSHI_PRIVATE_KEY_PATH": str(key.path)}, None)


# ---- the same to the byte


def test_what_a_dry_run_builds_is_what_leaves_to_the_byte(tmp_path):
    """Method, path, headers and body: with one clock and a key whose signatures are not random."""

    async def story():
        async with stage(tmp_path, table=NO_GROUP) as s:
            await s.subscribed()
            dry = client_of(s.sandbox, trading=False, table=NO_GROUP)
            told = []
            running = asyncio.create_task(dry.run(told.append))
            for leg in (s.a, s.b):
                dry.send(Subscribe(instrument=leg))
            await until(lambda: len([e for e in told if isinstance(e, InstrumentDefined)]) == 2)
            fixed = s.client._rest.clock.now_ms()
            for client in (s.client, dry):
                client._rest.clock.now_ms = lambda: fixed
                client._rest.signer._now_ms = lambda: fixed
                client._rest.ready = None
            left = []
            send = s.client._rest.send

            async def watched(request, **options):
                left.append(request)
                return await send(request, **options)

            s.client._rest.send = watched
            built = []
            for command in (
                s.order(price=10 * CENT, expires=s.wall_in(60)),
                s.order(s.b.no, price=12 * CENT, size=12_340_000),
            ):
                built.append(dry.build(command))
                s.client.send(command)
                accepted = await s.hears(OrderAccepted, command.order_id)
                cancel = CancelOrder(
                    order_id=command.order_id,
                    venue_order_id=accepted.venue_order_id,
                    instrument=command.instrument,
                )
                built.append(dry.build(cancel))
                s.client.send(cancel)
                await until(lambda: len(left) == len(built))
            assert left == built
            running.cancel()
            await asyncio.wait([running])

    run(story)


@pytest.mark.parametrize(("mode", "dry"), [("demo", True), ("paper", False)])
def test_nothing_leaves_in_a_dry_run_or_on_paper(tmp_path, mode, dry):
    async def story():
        async with sandbox_of(tmp_path, scale=2.0) as sandbox:
            config = settings_of(sandbox, tmp_path, mode=mode, dry_run=dry)
            environment = {k: v.reveal() for k in ("KALSHI_KEY_ID",) if (v := keys_of(sandbox).find(k))}
            environment["KALSHI_PRIVATE_KEY_PATH"] = str(sandbox.gate.keys[1].path)
            os.environ.update(environment)
            try:
                source = connected(config, tmp_path)
            finally:
                for name in environment:
                    del os.environ[name]
            (client,) = source._clients.values()
            assert isinstance(client, PaperVenue)
            told = []
            running = asyncio.create_task(source.run(told.append))
            s = Stage(sandbox, source)
            s.told = told
            await s.subscribed()
            bid, _ = s.best()
            source.send(s.order(price=bid))
            await s.hears(OrderAccepted)
            await until(lambda: s.of(BookSnapshot))
            assert client.built == (1 if dry else 0)
            sandbox.floor.exchange.take("x", s.a.symbol, BookSide.ASK, 9_000 * ONE, bid - 3 * CENT)
            sandbox.floor.step()
            await s.hears(OrderFilled)
            source.send(Reconcile(venue=K))
            await s.hears(MassStatus)
            assert sandbox.house.tickets == {}
            assert not any("/portfolio" in request[2] for request in sandbox.rest.requests)
            assert all(not e.dead_man for e in s.of(VenueLimits))
            source.send(Resync(instrument=s.a))
            running.cancel()
            await asyncio.wait([running])

    run(story)


def test_real_orders_of_the_same_settings_do_leave(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            config = settings_of(sandbox, tmp_path, mode="demo", dry_run=False)
            client = VENUES[K].trading(config, keys_of(sandbox))
            s = Stage(sandbox, client)
            running = asyncio.create_task(client.run(s.told.append))
            await s.hears(VenueUp)
            await s.subscribed()
            await s.rests()
            assert len(sandbox.house.resting()) == 1
            running.cancel()
            await asyncio.wait([running])

    run(story)


def test_an_order_that_cannot_be_built_is_refused_in_a_dry_run(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            config = settings_of(sandbox, tmp_path, mode="demo", dry_run=True)
            rehearsal = opening.rehearsing(config, keys_of(sandbox))
            paper = PaperVenue(rehearsal, tmp_path / "k.paper", 100 * ONE, builder=rehearsal)
            s = Stage(sandbox, paper)
            running = asyncio.create_task(paper.run(s.told.append))
            await s.subscribed()
            paper.send(s.order(size=1))
            await s.hears(OrderRejected)
            running.cancel()
            await asyncio.wait([running])

    run(story)


# ---- where


def test_modes_have_their_addresses():
    assert hosts(Mode.LIVE, KalshiTable()).rest == hosts(Mode.PAPER, KalshiTable()).rest == REST
    demo = hosts(Mode.DEMO, KalshiTable())
    assert demo.rest == DEMO_REST
    assert (demo.base, demo.prefix) == ("https://external-api.demo.kalshi.co", "/trade-api/v2")
    assert demo.stream_path == "/trade-api/ws/v2"
    assert hosts(Mode.DEMO, KalshiTable(rest="http://127.0.0.1:1/x/")).prefix == "/x"


# ---- searches


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        ("KXNBAGAME-26NOV20LALBOS", "KXNBAGAME-26NOV20LALBOS"),
        ("kxnbagame-26nov20lalbos-lal", "KXNBAGAME-26NOV20LALBOS-LAL"),
        (
            "https://kalshi.com/markets/kxnbagame/pro-basketball-game/kxnbagame-26nov20lalbos?x=1#top",
            "KXNBAGAME-26NOV20LALBOS",
        ),
        ("lakers boston", ""),
        ("nba", ""),
    ],
)
def test_tickers_are_told_from_words(text, ticker):
    assert ticker_in(text) == ticker


def test_both_tickers_of_an_event_are_one_match(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            for text in (s.event, s.a.symbol, f"https://kalshi.com/markets/x/y/{s.event.lower()}"):
                (found,) = await s.client.find(text)
                spec = found.spec
                assert [(one.instrument, one.pays) for one in spec.listings] == [(s.a, (0,)), (s.b, (1,))]
                assert (spec.outcomes, spec.sport, spec.league) == (("Boston", "Denver"), "Basketball", "NBA")
                assert (spec.may_none, spec.event) == (True, s.event)
                assert spec.start == s.sandbox.house.catalogue.matches[s.event].start
                assert spec.defect() is None
            for words in ("nba", "boston", "Boston Denver", "basketball"):
                assert [view.spec.event for view in await s.client.find(words)] == [s.event]
            assert len(await s.client.find("soccer")) == 2
            assert await s.client.find("nobody at all") == ()
            assert await s.client.find("  ") == ()

    run(story)


def test_a_tie_stands_between_the_teams(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            (found,) = await s.client.find("Northgate")
            assert found.spec.outcomes == ("Northgate", "Draw", "Ashbourne")
            assert [one.instrument.symbol.rpartition("-")[2] for one in found.spec.listings] == [
                "NOR",
                "TIE",
                "ASH",
            ]
            assert found.spec.kind is Kind.H2H

    run(story)


def test_a_search_for_what_is_not_listed_fails_in_one_line(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            with pytest.raises(LookupFailed, match="KXNOBODY-26NOV20AB"):
                await s.client.find("KXNOBODY-26NOV20AB")

    run(story)


def test_a_paper_account_that_cannot_be_read_is_one_line(tmp_path):
    kept = tmp_path / "k.paper"
    kept.write_text("{trunc")
    with pytest.raises(Complaint, match=r"k\.paper: the paper account cannot be read: .*; move it away"):
        _wallet(Venue.KALSHI, kept, 100 * ONE)
