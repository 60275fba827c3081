"""The client against the sandbox: books followed, proven, doubted and read anew; markets and results."""

import asyncio
import json
import time

import pytest
from pm_bench import Bench, P, config
from test_polymarket_orders import story

from console.core.commands import Resync, Subscribe, Unsubscribe
from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    ClockMeasured,
    InstrumentDefined,
    MarketStatus,
    Settled,
    Trade,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import BookSide, Instrument, MarketState
from console.core.units import CENT, ONE, SECOND
from console.sandbox.polymarket.faults import Faults
from console.sandbox.polymarket.listing import PROGRAMME
from console.sandbox.polymarket.server import Server
from console.sandbox.polymarket.venue import Venue
from console.sim.listings import Card
from console.venues.base.protocol import LookupFailed
from console.venues.polymarket import feed as feed_module
from console.venues.polymarket import kit


def levels(events, instrument):
    """The book that the events come to."""
    bids, asks = {}, {}
    for event in events:
        if getattr(event, "instrument", None) != instrument:
            continue
        if isinstance(event, BookSnapshot):
            bids, asks = dict(event.bids), dict(event.asks)
        elif isinstance(event, BookDelta):
            side = bids if event.side is BookSide.BID else asks
            side[event.price] = side.get(event.price, 0) + event.change
            assert side[event.price] >= 0
    return {p: n for p, n in bids.items() if n}, {p: n for p, n in asks.items() if n}


def truth(bench, number):
    snapshot = bench.listing(number).market.snapshot()
    return dict(snapshot.bids), dict(snapshot.asks)


# ---- books


@story
async def test_the_books_are_followed_to_the_last_contract_and_every_hash_fits():
    async with Bench(scale=20.0) as bench:
        numbers = range(len(bench.venue.listings))
        instruments = [await bench.watch(n) for n in numbers]
        await bench.until(lambda: len(bench.of(BookDelta)) > 1500 and len(bench.of(Trade)) > 5, "busy books")
        assert not bench.of(BookStale)
        bench.venue.floor.step = lambda: None  # the world stands still
        for number, instrument in zip(numbers, instruments, strict=True):
            await bench.until(
                lambda number=number, instrument=instrument: (
                    levels(bench.events, instrument) == truth(bench, number)
                ),
                "the same book",
            )


@story
async def test_a_change_that_was_lost_shows_at_once_and_the_book_is_read_anew():
    async with Bench("dropped=0.05", scale=20.0) as bench:
        instrument = await bench.watch()
        stale = await bench.heard(BookStale, instrument=instrument)
        assert "hash" in stale.why
        at = bench.events.index(stale)
        bench.client.send(Resync(instrument=instrument))
        await bench.until(
            lambda: any(isinstance(e, BookSnapshot) for e in bench.events[at:]), "a book to go on with"
        )


@story
async def test_a_wrong_hash_is_noticed():
    async with Bench("bad_hash=0.05", scale=20.0) as bench:
        stale = await bench.heard(BookStale, instrument=await bench.watch())
        assert stale.why == "the book hash differs"


@story
async def test_a_field_that_went_missing_stops_the_market_and_is_named():
    async with Bench("unreadable=0.2", scale=20.0) as bench:
        instrument = await bench.watch()
        stale = await bench.heard(BookStale, instrument=instrument)
        assert "size" in stale.why
        assert "price_change" in stale.why


@story
async def test_a_lost_market_stream_is_stale_until_its_next_dump():
    async with Bench() as bench:
        instrument = await bench.watch()
        await bench.server.streams.hang_up()
        stale = await bench.heard(BookStale, instrument=instrument)
        at = bench.events.index(stale)
        assert "stream" in stale.why
        await bench.until(
            lambda: any(isinstance(e, BookSnapshot) for e in bench.events[at:]),
            "the dump of a new connection",
        )


@story
async def test_a_stream_that_answers_and_tells_nothing_is_found_out_by_a_read():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_module, "FROZEN_S", 1.0)
        async with Bench(scale=20.0) as bench:
            instrument = await bench.watch()
            other = await bench.watch(3)
            bench.server.streams.held = True
            began = time.monotonic()
            while not bench.of(BookStale) and time.monotonic() - began < 15:
                bench.client.send(Resync(instrument=instrument))  # as the engine does with a quiet book
                await asyncio.sleep(0.5)
            assert {e.instrument for e in bench.of(BookStale)} == {instrument, other}
            assert "tells nothing" in bench.of(BookStale)[0].why
            bench.server.streams.held = False
            at = len(bench.events)
            await bench.until(
                lambda: any(isinstance(e, BookDelta) for e in bench.events[at:]), "the new stream speaks"
            )


@story
async def test_a_read_of_a_quiet_book_confirms_it():
    async with Bench(scale=0.0001) as bench:
        instrument = await bench.watch()
        seen = len(bench.of(BookSnapshot))
        bench.client.send(Resync(instrument=instrument))
        await bench.until(lambda: len(bench.of(BookSnapshot)) > seen, "confirmed")
        await asyncio.sleep(4.0)
        assert not bench.of(BookStale)


@story
async def test_a_finer_tick_is_taken_over_with_its_book():
    async with Bench(scale=20.0) as bench:
        instrument = await bench.watch(3)
        assert bench.of(InstrumentDefined, instrument=instrument)[-1].spec.bands[0].step == CENT
        bench.venue.refine(bench.listing(3))
        await bench.until(
            lambda: bench.of(InstrumentDefined, instrument=instrument)[-1].spec.bands[0].step == 1_000,
            "the new grid",
        )
        await bench.until(
            lambda: isinstance(
                [e for e in bench.events if isinstance(e, BookSnapshot | BookStale)][-1], BookSnapshot
            ),
            "its book",
        )
        await bench.until(
            lambda: any(p % CENT for p in levels(bench.events, instrument)[0]), "prices between the cents"
        )
        order = await bench.rest(instrument, 10.1)
        assert bench.venue.ledger.open[bench.digest(order)].price == 101_000


@story
async def test_trades_come_once_whichever_token_they_are_told_of():
    async with Bench("duplicated=0", scale=20.0) as bench:
        instrument = await bench.watch()
        sold = []
        bench.venue.floor.listen(
            lambda e: sold.append(e) if isinstance(e, Trade) and e.instrument == instrument else None
        )
        begun = len(bench.of(Trade))
        await bench.until(lambda: len(sold) >= 12, "trades")
        await bench.until(lambda: len(bench.of(Trade)) - begun >= 12, "told")
        told = bench.of(Trade)[begun:]
        assert [(t.price, t.size, t.taker) for t in told[:12]] == [
            (t.price, t.size, t.taker) for t in sold[:12]
        ]


@story
async def test_nobody_is_told_of_a_market_nobody_asks_for_any_more():
    async with Bench(scale=20.0) as bench:
        instrument = await bench.watch()
        bench.client.send(Unsubscribe(instrument=instrument))
        await asyncio.sleep(0.5)
        seen = len(bench.events)
        await asyncio.sleep(1.0)
        assert not [e for e in bench.events[seen:] if isinstance(e, BookDelta | Trade)]


@story
async def test_a_market_that_does_not_exist_says_so():
    async with Bench() as bench:
        nowhere = Instrument(P, "no-such-market")
        bench.client.send(Subscribe(instrument=nowhere))
        stale = await bench.heard(BookStale, instrument=nowhere)
        assert stale.why == "no such market"


@pytest.mark.parametrize("field", ["feeSchedule", "clobTokenIds", "orderPriceMinTickSize", "negRisk"])
def test_a_listing_without_a_field_is_never_traded(field):
    async def told():
        async with Bench() as bench:
            from console.sandbox.polymarket import discovery

            whole = discovery.gamma_market
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    discovery, "gamma_market", lambda m: {k: v for k, v in whole(m).items() if k != field}
                )
                bench.client.send(Subscribe(instrument=bench.instrument(1)))
                stale = await bench.heard(BookStale)
                assert field in stale.why
                assert not bench.of(InstrumentDefined)

    asyncio.run(told())


# ---- what becomes of markets


SHORT = (
    Card(
        "CS2",
        "KXCS2GAME",
        "Fast vs Short",
        ("Fast", "Short"),
        ("FST", "SHT"),
        (P,),
        4,
        4,
        strength=2.5,
        bands=PROGRAMME[0].bands,
        paired=True,
    ),
)


def short(*faults):
    return Server(Venue(3, Faults(faults, 3), programme=SHORT, scale=3.0))


async def opened(server):
    await server.open()
    return asyncio.create_task(server.run())


def test_a_match_is_left_before_its_start_cleared_played_and_paid():
    async def told():
        server = short()
        task = await opened(server)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feed_module, "CLEARED_BEFORE", 2 * SECOND)
            patch.setattr(feed_module, "CLEARED_AFTER", 1 * SECOND)
            patch.setattr("console.sim.season._SETTLED_AFTER_NS", SECOND)
            async with Bench(server=server) as bench:
                instrument = await bench.watch()
                start = bench.listing().starts
                paused = await bench.heard(MarketStatus, state=MarketState.PAUSED)
                assert time.time_ns() < start  # we are out before the venue clears
                await bench.until(
                    lambda: [s.state for s in bench.of(MarketStatus)][-1] is MarketState.OPEN, "in play"
                )
                assert bench.listing().cleared
                settled = await bench.heard(Settled, instrument=instrument)
                assert settled.payout == bench.listing().payout in (0, ONE)
                states = [s.state for s in bench.of(MarketStatus)]
                assert states[-1] is MarketState.RESOLVED
                assert bench.events.index(bench.of(MarketStatus)[-1]) < bench.events.index(settled)
                assert paused
                account = await bench.account()
                told_again = [n for n, e in enumerate(bench.events) if isinstance(e, Settled)]
                assert max(told_again) < bench.events.index(account)  # before every account of us
        task.cancel()
        await server.close()

    asyncio.run(told())


@story
async def test_rules_that_are_reworded_are_told():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed_module, "LISTED_AGAIN_SOON_S", 0.5)
        async with Bench("rules=1.5") as bench:
            instrument = await bench.watch()
            await bench.until(
                lambda: (
                    len({e.spec.rules_hash for e in bench.of(InstrumentDefined, instrument=instrument)}) == 2
                ),
                "other rules",
            )


# ---- the public side


@story
async def test_without_a_key_there_are_books_and_a_clock():
    async with Bench(public=True) as bench:
        instrument = await bench.watch()
        assert isinstance(bench.events[0], VenueLimits)
        assert not bench.events[0].dead_man
        assert bench.of(ClockMeasured)
        await bench.heard(BookDelta, instrument=instrument)


@story
async def test_a_venue_that_is_gone_is_down():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.venues.polymarket.client.CLOCK_S", 0.3)
        async with Bench(public=True) as bench:
            await bench.heard(VenueUp)
            await bench.server.close()
            await bench.heard(VenueDown)


@story
async def test_matches_are_found_by_address_slug_and_words():
    async with Bench(public=True) as bench:
        await bench.heard(VenueUp)
        event = bench.listing(1).slug.rpartition("-")[0]
        for text in (event, f"https://polymarket.com/event/{event}?tid=7", "northgate ashbourne"):
            first = (await bench.client.find(text))[0]
            assert first.spec.outcomes == ("Northgate", "Draw", "Ashbourne")
            assert [x.instrument.symbol for x in first.spec.listings] == [
                m.slug for m in bench.venue.listings[1:4]
            ]
        (single,) = await bench.client.find(bench.listing(2).slug)
        assert single.spec.outcomes == ("Yes", "No")
        (teams,) = await bench.client.find("Nordlys")
        assert teams.spec.outcomes == ("Nordlys", "Kestrel")
        assert await bench.client.find("zzz nobody") == ()
        await bench.server.close()
        with pytest.raises(LookupFailed):
            await bench.client.find("Nordlys")


# ---- the doctor


def examined(*faults, **fields):
    async def run():
        async with Bench(*faults, public=True) as bench:
            checks = await kit.examine(config(bench, **fields), bench.keys())
            return {check.name: check for check in checks}

    return asyncio.run(run())


def test_the_doctor_passes_a_sound_account():
    checks = examined()
    assert all(check.passed for check in checks.values()), checks
    assert list(checks) == [
        "place",
        "exchange version",
        "clock",
        "wallet",
        "API key",
        "account",
        "balance",
        "buying, exchange",
        "buying, neg-risk exchange",
        "buying, exchange V3",
        "selling, exchange",
        "selling, neg-risk exchange",
        "selling, exchange V3",
        "dead man",
    ]


@pytest.mark.parametrize(
    ("fault", "name"),
    [("geoblock", "place"), ("closed_only", "account"), ("no_allowance", "buying, exchange")],
)
def test_the_doctor_names_what_is_wrong(fault, name):
    check = examined(fault)[name]
    assert not check.passed
    assert check.needed
    assert check.remedy


def test_the_doctor_knows_a_wallet_of_another_kind():
    check = examined(signature_type=3)["wallet"]
    assert not check.passed
    assert "POLY_FUNDER" in check.seen


def test_the_doctor_does_not_arm_a_key_on_which_orders_rest():
    async def run():
        async with Bench() as bench:
            await bench.rest(await bench.watch(), 10)
            checks = {c.name: c for c in await kit.examine(config(bench), bench.keys())}
            assert not checks["dead man"].passed
            assert "1 orders rest" in checks["dead man"].seen
            assert bench.venue.beats == 0

    asyncio.run(run())


def test_nothing_of_the_keys_is_in_what_the_doctor_says():
    async def run():
        async with Bench(public=True) as bench:
            said = json.dumps([c.seen + c.remedy for c in await kit.examine(config(bench), bench.keys())])
            for line in bench.server.secrets():
                assert line.partition("=")[2] not in said

    asyncio.run(run())
