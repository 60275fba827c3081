"""The stream of Kalshi when it lies: gaps, freezes, dead subscriptions, pauses, grids and settlements."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

from kalshi_stage import client_of, sandbox_of, stage, until

from console.config.tables import KalshiTable
from console.core.commands import Resync, Subscribe, Unsubscribe
from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    ClockMeasured,
    InstrumentDefined,
    MarketStatus,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
    Trade,
    VenueDown,
    VenueUp,
)
from console.core.instruments import BookSide, MarketState
from console.core.units import CENT, ONE
from console.sandbox.kalshi.server import VOID
from console.venues.base.protocol import Unanswered
from console.venues.kalshi import client as client_module
from console.venues.kalshi.hosts import Hosts
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.sign import Signer


def run(story):
    asyncio.run(story())


def book_of(told, instrument):
    """The book as an engine would have it."""
    sizes = {}
    for event in told:
        if isinstance(event, BookSnapshot) and event.instrument == instrument:
            sizes = {(BookSide.BID, p): n for p, n in event.bids} | {
                (BookSide.ASK, p): n for p, n in event.asks
            }
        elif isinstance(event, BookDelta) and event.instrument == instrument:
            key = (event.side, event.price)
            sizes[key] = sizes.get(key, 0) + event.change
    return {key: size for key, size in sizes.items() if size}


def true_book(s, instrument):
    book = s.sandbox.floor.market(instrument.symbol).snapshot()
    return {(BookSide.BID, p): n for p, n in book.bids} | {(BookSide.ASK, p): n for p, n in book.asks}


async def agrees(s, instrument):
    await until(lambda: book_of(s.told, instrument) == true_book(s, instrument))


def test_books_follow_the_venue_in_a_busy_world(tmp_path):
    async def story():
        async with stage(tmp_path, scale=20.0) as s:
            await s.subscribed(s.a, s.b, s.shard0)
            await until(lambda: len(s.of(BookDelta)) > 300 and s.of(Trade))
            for one in (s.a, s.b, s.shard0):
                await agrees(s, one)
            assert s.of(BookStale) == []

    run(story)


def test_a_gap_makes_every_book_stale_until_it_is_told_afresh(tmp_path):
    async def story():
        async with stage(tmp_path, scale=5.0) as s:
            await s.subscribed()
            before = len(s.of(BookSnapshot))
            await s.sandbox.act("gap")
            await until(lambda: {e.instrument for e in s.of(BookStale)} >= {s.a, s.b})
            await until(
                lambda: {e.instrument for e in s.of(BookSnapshot)[before:]} >= {s.a, s.b},
            )
            await agrees(s, s.a)
            assert s.of(VenueDown) == []

    run(story)


def test_gap_after_gap_ends_in_the_true_book(tmp_path):
    async def story():
        async with stage(tmp_path, scale=10.0, faults=["gap"]) as s:
            s.sandbox.evil.strikes = lambda name: name == "gap" and time.time_ns() % 11 == 0
            await s.subscribed()
            await until(lambda: len(s.of(BookStale)) > 6)
            s.sandbox.evil.strikes = lambda _: False
            await until(lambda: all(m.sound for m in s.client._books.markets.values()))
            await agrees(s, s.a)

    run(story)


def test_a_stream_that_only_pings_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "IDLE_S", 0.4)
    monkeypatch.setattr(client_module, "SILENT_S", 1.0)

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            await s.sandbox.act("freeze", seconds=2.0)
            down = await s.hears(VenueDown)
            assert down.why.startswith("silent for")
            await s.hears(VenueUp, count=2)
            before = len(s.of(BookSnapshot))
            await until(lambda: len(s.of(BookSnapshot)) > before or before >= 4)

    run(story)


def test_a_quiet_market_is_proven_by_rest(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            before = len(s.of(BookSnapshot))
            s.client.send(Resync(instrument=s.a))
            await until(lambda: len(s.of(BookSnapshot)) == before + 1)
            assert s.of(BookSnapshot)[-1].instrument == s.a
            assert any("/markets/orderbooks" in r[2] for r in s.sandbox.rest.requests)
            assert s.of(BookStale) == []
            await agrees(s, s.a)

    run(story)


def test_a_stream_that_loses_messages_without_a_gap_is_given_up(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            public = s.sandbox.streams.public
            s.sandbox.streams.public = lambda *_: None  # nothing is told, nothing is missing
            s.sandbox.floor.exchange.rest("other", s.a.symbol, BookSide.BID, 2 * CENT, 7 * ONE)
            s.sandbox.floor.step()
            s.sandbox.streams.public = public
            await asyncio.sleep(1.6)  # a book that moved a moment ago is alive, not suspect
            s.client.send(Resync(instrument=s.a))
            assert "loses messages" in (await s.hears(VenueDown)).why
            await s.hears(VenueUp, count=2)
            await agrees(s, s.a)

    run(story)


def test_a_rest_that_lags_behind_costs_nothing(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            await asyncio.sleep(1.6)
            old = s.sandbox.rest.orderbooks
            before = len(s.of(BookSnapshot))

            async def stale(request):
                status, body = await old(request)
                body["orderbooks"][0]["orderbook_fp"]["yes_dollars"] = []
                return status, body

            for route in s.sandbox._runner.app.router.routes():
                if route.resource.canonical.endswith("/markets/orderbooks"):
                    route._handler = s.sandbox.rest._wrapped(stale)
            s.client.send(Resync(instrument=s.a))
            await until(lambda: len(s.of(BookSnapshot)) > before)  # the stream's own, which proves it
            await asyncio.sleep(0.5)
            assert s.of(BookStale) == []
            assert s.of(VenueDown) == []

    run(story)


def test_a_dead_subscription_is_begun_anew(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            before = len(s.of(BookSnapshot))
            await s.sandbox.act("overflow")
            stale = await s.hears(BookStale)
            assert "error 25" in stale.why
            await until(lambda: len(s.of(BookSnapshot)) >= before + 2)
            await agrees(s, s.b)
            assert s.of(VenueDown) == []

    run(story)


def test_a_thursday_disconnect_is_a_venue_down_and_up_again(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            await s.sandbox.act("disconnect")
            down = await s.hears(VenueDown)
            assert "1001" in down.why
            refused = await s.hears(OrderRejected, s.place())
            assert refused.reason is RejectReason.NOT_CONNECTED
            await s.hears(VenueUp, count=2)
            await agrees(s, s.a)
            assert [o.order_id for o in (await s.account()).orders] == [accepted.order_id]
            await s.rests(s.b)

    run(story)


def test_a_venue_that_is_gone_is_said_to_be_down_once(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            opened = s.sandbox.streams.opened
            await s.sandbox.close()
            await until(lambda: len(s.of(VenueDown)) >= 2)  # it broke, and nobody is there any more
            await asyncio.sleep(3.0)
            assert len(s.of(VenueDown)) == len({event.why for event in s.of(VenueDown)})
            assert s.sandbox.streams.opened == opened

    run(story)


def test_fills_while_the_stream_is_down_are_read_by_rest(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT)
            s.sandbox.streams.refused = True
            await s.sandbox.act("disconnect")
            await s.hears(VenueDown)
            s.take(s.a, BookSide.ASK, 5 * ONE, ask - CENT)
            assert (await s.hears(OrderFilled)).size == 5 * ONE

    run(story)


def test_markets_come_and_go(tmp_path):
    async def story():
        async with stage(tmp_path, scale=5.0) as s:
            await s.subscribed(s.a)
            await s.subscribed(s.shard0)
            s.client.send(Unsubscribe(instrument=s.a))
            await until(lambda: s.client._books.markets.keys() == {s.shard0})
            await asyncio.sleep(0.2)
            before = len([e for e in s.of(BookDelta) if e.instrument == s.a])
            await until(lambda: len(s.of(BookDelta)) > before + 30)
            assert len([e for e in s.of(BookDelta) if e.instrument == s.a]) == before
            await s.subscribed(s.b)
            await agrees(s, s.b)

    run(story)


def test_a_market_nobody_knows_is_said_and_tried_again(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            nobody = type(s.a)(s.a.venue, "KXNOBODY-26NOV20AB-A")
            s.client.send(Subscribe(instrument=nobody))
            stale = await s.hears(BookStale)
            assert stale.instrument == nobody
            assert "not_found" in stale.why

    run(story)


# ---- the life of markets


def test_a_pause_wipes_the_orders_of_a_market(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            await s.sandbox.act("pause", s.a.symbol, 0.5)
            await until(lambda: MarketState.PAUSED in [e.state for e in s.of(MarketStatus)])
            refused = await s.hears(OrderRejected, s.place(price=9 * CENT))
            assert refused.reason is RejectReason.MARKET
            await s.hears(OrderCanceled, accepted.order_id)
            states = [e.state for e in s.of(MarketStatus) if e.instrument == s.a]
            assert states == [MarketState.OPEN, MarketState.PAUSED, MarketState.OPEN]
            await s.rests(price=8 * CENT)

    run(story)


def test_a_halt_of_the_exchange_pauses_every_market_and_pulls_our_quotes(tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "TELL_S", 0.2)

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            await s.sandbox.act("halt")
            await s.hears(OrderCanceled, accepted.order_id)
            await until(lambda: [e.state for e in s.of(MarketStatus)][-2:] == [MarketState.PAUSED] * 2)
            await s.sandbox.act("halt")
            await until(lambda: [e.state for e in s.of(MarketStatus)][-2:] == [MarketState.OPEN] * 2)

    run(story)


def test_a_closed_market_takes_our_orders_out_and_pays(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT)
            s.take(s.a, BookSide.ASK, 2 * ONE, ask - CENT)
            await s.hears(OrderFilled)
            accepted = await s.rests(s.b)
            for leg in (s.a, s.b):
                await s.sandbox.act("close", leg.symbol)
            await s.hears(OrderCanceled, accepted.order_id)
            await s.sandbox.act("settle", s.a.symbol)
            paid = await s.hears(Settled)
            assert (paid.instrument, paid.payout) == (s.a, ONE)
            status = await s.account()
            assert status.positions == ()

    run(story)


def test_a_void_market_pays_a_fair_price_to_the_last_digit(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            await s.sandbox.act("void", s.a.symbol)
            assert (await s.hears(Settled)).payout == VOID

    run(story)


def test_what_was_settled_while_we_were_away_is_told_before_the_account(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT)
            s.take(s.a, BookSide.ASK, 5 * ONE, ask - CENT)
            await s.hears(OrderFilled)
            s.sandbox.streams.tell = lambda *_: None
            await s.sandbox.act("void", s.a.symbol)
            await until(lambda: s.sandbox.house.shown.as_of() and s.sandbox.house.shown.settlements)
            await s.account()
            kinds = [type(e).__name__ for e in s.told]
            assert kinds.index("Settled") < len(kinds) - 1 - kinds[::-1].index("MassStatus")
            assert s.of(Settled)[0].payout == VOID

    run(story)


def test_a_fair_price_that_cannot_be_read_now_is_told_once_it_can(tmp_path):
    """The value of a settlement is in whole cents: a void market's exact price is in its listing alone."""

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT)
            s.take(s.a, BookSide.ASK, 5 * ONE, ask - CENT)
            await s.hears(OrderFilled)
            s.sandbox.streams.tell = lambda *_: None
            facts = s.client._books._facts
            market, facts.market = facts.market, unreadable
            s.client._books._learn = lambda *_: None  # a routine reading may be under way
            await s.sandbox.act("void", s.a.symbol)
            await until(lambda: s.sandbox.house.shown.as_of() and s.sandbox.house.shown.settlements)
            await s.account()
            assert s.of(Settled) == []
            facts.market = market
            await s.account()
            assert s.of(Settled)[0].payout == VOID

    run(story)


async def unreadable(_):
    raise Unanswered("no answer in time")


def test_a_finer_grid_and_other_fees_restate_the_market(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            await s.sandbox.act("tick", s.a.symbol)
            await until(lambda: len(s.of(InstrumentDefined)) == 3)
            assert s.of(InstrumentDefined)[-1].spec.bands[0].step == CENT // 10
            accepted = await s.rests(price=10 * CENT + CENT // 10)
            assert s.resting()[0].price == 101_000
            s.cancel(accepted)
            before = s.of(InstrumentDefined)[-1].spec.fees.maker_rate
            await s.sandbox.act("fee", s.a.symbol)
            await until(lambda: len(s.of(InstrumentDefined)) == 5)  # both markets of the event
            assert {e.spec.fees.maker_rate for e in s.of(InstrumentDefined)[-2:]} == {2 * before}

    run(story)


def test_half_the_rate_before_the_first_pitch(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            event = next(e for e in s.sandbox.house.catalogue.matches if e.startswith("KXMLBGAME"))
            market = type(s.a)(s.a.venue, s.sandbox.house.catalogue.tickers(event)[0])
            await s.subscribed(market)
            assert s.of(InstrumentDefined)[0].spec.fees.maker_rate == 8_750

    run(story)


def test_taker10_reckons_with_the_worst(tmp_path):
    async def story():
        async with stage(tmp_path, table=KalshiTable(fee_model="taker10", precision="broker")) as s:
            await s.subscribed(s.a)
            fees = s.of(InstrumentDefined)[0].spec.fees
            assert (fees.maker_rate, fees.unit, fees.per_order, fees.bound) == (100_000, 10_000, True, True)

    run(story)


# ---- keys and clocks


def test_a_key_nobody_knows_is_a_venue_that_is_down_and_says_why(tmp_path):
    async def story():
        async with stage(tmp_path, key_id="nobody", up=False) as s:
            await until(lambda: any("401" in e.why or "NOT_FOUND" in e.why for e in s.of(VenueDown)))

    run(story)


def test_a_wrong_clock_is_measured_and_signatures_are_corrected(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            s.sandbox.gate._now_ms = lambda: int(time.time() * 1000) + 3_600_000
            s.client._rest._measure = lambda *_: None
            s.client._rest.clock.measure(time.time() + 3600, time.time(), time.time())
            await s.subscribed(s.a)
            await s.sandbox.act("disconnect")
            await s.hears(VenueUp, count=2)

    run(story)


def date_by(monkeypatch, ahead_s):
    """The sandbox's clock, as far as its answers are dated, is so far ahead."""

    def date():
        return formatdate(time.time() + ahead_s, usegmt=True)

    monkeypatch.setattr("aiohttp.web_response.rfc822_formatted_time", date)


def test_a_clock_that_is_set_costs_one_refused_request(tmp_path, monkeypatch):
    """The engine's own stamp, a moment old, is no reason to sign with a wrong time for a minute."""

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed(s.a)
            accepted = await s.rests(price=10 * CENT)
            ahead = 3600
            s.sandbox.gate._now_ms = lambda: int((time.time() + ahead) * 1000)
            date_by(monkeypatch, ahead)
            s.cancel(accepted)
            refused = await s.hears(OrderCancelRejected, accepted.order_id)
            assert "header_timestamp_expired" in refused.text
            s.cancel(accepted)
            await s.hears(OrderCanceled, accepted.order_id)

    run(story)


def test_the_date_of_an_answer_from_a_cache_says_nothing_of_the_time(tmp_path, monkeypatch):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            rest = Rest(Hosts(f"http://127.0.0.1:{sandbox.port}/trade-api/v2", ""), None)
            await rest.open()
            await rest.get("/exchange/status")
            date_by(monkeypatch, -15)
            await rest.get(f"/events/{next(iter(sandbox.house.catalogue.matches))}")
            assert abs(rest.clock.offset_s) < 2
            await rest.get("/exchange/status")
            assert rest.clock.offset_s < -10  # this one is fresh
            await rest.close()

    run(story)


def test_the_clock_is_told(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            told = await s.hears(ClockMeasured)
            assert abs(told.offset) < 1_100_000_000

    run(story)


def test_without_a_key_books_and_trades_are_polled(tmp_path):
    async def story():
        async with stage(tmp_path, trading=False, keyless=True, scale=20.0) as s:
            await s.subscribed(s.a, s.b)
            await until(lambda: len(s.of(BookSnapshot)) > 6 and s.of(Trade), 30)
            assert not any(r[2].startswith("/trade-api/v2/portfolio") for r in s.sandbox.rest.requests)

    run(story)


def test_public_only_with_a_key_streams_and_leaves_the_account_alone(tmp_path):
    async def story():
        async with stage(tmp_path, trading=False, scale=10.0) as s:
            await s.subscribed()
            await until(lambda: len(s.of(BookDelta)) > 20)
            channels = {
                x.channel for session in s.sandbox.streams.sessions for x in session.subscriptions.values()
            }
            assert channels == {"orderbook_delta", "trade", "market_lifecycle_v2"}
            assert s.of(OrderAccepted) == []

    run(story)


def test_keys_of_both_kinds_open_the_same_door(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            other = client_of(s.sandbox, kind="rsa", trading=False)
            told = []
            running = asyncio.create_task(other.run(told.append))
            await until(lambda: any(isinstance(e, VenueUp) for e in told))
            running.cancel()
            await asyncio.wait([running])
            assert isinstance(other._rest.signer, Signer)

    run(story)
