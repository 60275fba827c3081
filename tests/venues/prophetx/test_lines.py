"""The client against the sandbox: what is listed, pictures of lines, sockets that fail, and paper."""

from __future__ import annotations

import asyncio
import json

import pytest

from console.core.events import (
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    Mode,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    PrivateConfirmed,
    RejectReason,
    Trade,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Instrument, MarketState
from console.core.ladders import price_of_american
from console.core.units import ONE
from console.keys import Keys
from console.venues.base.protocol import Refused
from console.venues.paper import PaperVenue
from console.venues.prophetx.kit import client_of

from .rig import KEYS, Desk, X, desk, sandbox, table, until

both = pytest.mark.parametrize("dialect", ["v4", "legacy"])


def story(work):
    asyncio.run(asyncio.wait_for(work(), 120))


@both
def test_it_comes_up_and_tells_a_line(tmp_path, dialect):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, dialect=dialect) as hands:
            assert isinstance(hands.told[0], VenueLimits)
            assert not hands.told[0].dead_man
            await hands.watch()
            venue.exchange.rest("crowd", hands.side(0).symbol[-32:], 110, 50_00)
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            home, away = hands.side(0), hands.side(1)
            defined = {e.instrument: e.spec for e in hands.all(InstrumentDefined)}
            assert defined[home].mirror == away.symbol
            assert defined[away].mirror == home.symbol
            assert len(defined[home].prices) > 400
            assert {e.state for e in hands.all(MarketStatus)} == {MarketState.OPEN}

            def books():
                last = {e.instrument: e for e in hands.all(BookSnapshot)}
                bid = (price_of_american(110), 105 * ONE)
                return last[home].bids == (bid,) and last[away].asks == ((ONE - bid[0], bid[1]),)

            await until(books)
            await hands.next(PrivateConfirmed)
            await hands.next(BooksConfirmed)

    story(work)


@both
def test_pictures_are_pushed_and_replaced(tmp_path, dialect):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, dialect=dialect) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            asked = len([p for _, p in venue.requests if "get_multiple" in p])
            crowd = venue.exchange.rest("crowd", hands.side(0).symbol[-32:], 110, 50_00)
            await until(lambda: hands.all(BookSnapshot)[-2].bids)
            venue.exchange.cut(crowd)
            await until(lambda: not hands.all(BookSnapshot)[-2].bids and not hands.all(BookSnapshot)[-1].asks)
            assert len([p for _, p in venue.requests if "get_multiple" in p]) == asked  # nothing was polled

    story(work)


def test_a_trade_of_others_is_told(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            venue.exchange.rest("crowd", hands.side(0).symbol[-32:], 120, 100_00)
            venue.exchange.take(hands.side(1).symbol[-32:], 48_00)
            trade = await until(lambda: hands.all(Trade))
            assert [(t.instrument, t.price, t.size) for t in trade] == [
                (hands.side(1), price_of_american(-120), 88 * ONE)
            ]

    story(work)


def test_a_line_that_is_taken_down_or_begins_is_closed(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(MarketStatus)) >= 2)
            venue.exchange.go_live(hands.fixture)
            await until(lambda: [e.state for e in hands.all(MarketStatus)[2:]] == [MarketState.CLOSED] * 2)

    story(work)


def test_a_symbol_of_another_make_is_stale_for_good(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            await hands.watch(Instrument(X, "nonsense"), Instrument(X, "20021000-219-unknown"))
            await until(lambda: len(hands.all(BookStale)) >= 2)
            assert "no such symbol" in hands.all(BookStale)[0].why
            assert "not listed" in hands.all(BookStale)[1].why

    story(work)


# ---- the session and the socket


def test_a_token_that_ends_is_not_noticed(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(order_id="before"))
            await hands.of("before", OrderAccepted)
            venue.entry.expire()
            hands.send(*(hands.bid(160 + 2 * n, order_id=f"after-{n}") for n in range(5)))
            hands.cancel("before")
            await until(lambda: len(hands.all(OrderAccepted)) == 6)
            await hands.of("before", OrderCanceled)
            assert (venue.entry.logins, venue.entry.refreshes) == (1, 1)
            assert hands.all(VenueDown, OrderRejected, OutcomeUnknown) == []

    story(work)


@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_a_socket_that_is_gone_or_mute_is_made_anew(tmp_path, how):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, health_s=2.0) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            hands.send(hands.bid(120, 100.0))
            await hands.of("run-1", OrderAccepted)
            venue.push.cut() if how == "cut" else venue.push.freeze(60)
            venue.exchange.take(hands.side(1).symbol[-32:], 24_00)  # nobody tells us
            down = await hands.next(VenueDown)
            assert ("health" in down.why) is (how == "freeze")
            await until(lambda: len(hands.all(VenueUp)) == 2)
            await hands.account()
            assert [(f.cost, f.size) for f in hands.all(OrderFilled)] == [(20 * ONE, 44 * ONE)]
            before = len(hands.all(BookSnapshot))
            venue.exchange.rest("crowd", hands.side(0).symbol[-32:], 130, 50_00)
            await until(lambda: len(hands.all(BookSnapshot)) > before)

    story(work)


def test_while_the_socket_is_down_no_order_leaves_and_fills_are_looked_for(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(120, 100.0))
            await hands.of("run-1", OrderAccepted)
            venue.push.register = None  # whoever connects is not let in
            venue.push.cut()
            await hands.next(VenueDown)
            hands.send(hands.bid(order_id="late"))
            assert (hands.all(OrderRejected)[-1].order_id, hands.all(OrderRejected)[-1].reason) == (
                "late",
                RejectReason.NOT_CONNECTED,
            )
            venue.exchange.take(hands.side(1).symbol[-32:], 24_00)
            filled = await hands.next(OrderFilled)
            assert filled.cost == 20 * ONE
            hands.cancel("run-1")
            await hands.of("run-1", OrderCanceled)

    story(work)


def test_a_silent_channel_is_found_by_comparing(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, compare_s=0.4) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 4)
            venue.push.silence(hands.fixture.event_id, 30)
            venue.exchange.rest("crowd", hands.side(0).symbol[-32:], 130, 50_00)
            down = await hands.next(VenueDown)
            assert "silent" in down.why
            await until(lambda: len(hands.all(VenueUp)) == 2)
            assert any(book.bids for book in hands.all(BookSnapshot)[-4:])

    story(work)


def test_a_busy_channel_is_never_called_silent(tmp_path):
    async def work():
        async with sandbox(crowd=True, pace=30.0) as venue, desk(venue, tmp_path, compare_s=0.2) as hands:
            await hands.watch(*(hands.side(n, m) for n in (0, 1) for m in (0, 1, 2)))
            await until(lambda: len(hands.all(BookSnapshot)) >= 60)
            assert hands.all(VenueDown) == []

    story(work)


# ---- on paper


def test_on_paper_the_same_lines_are_told_and_nothing_is_sent(tmp_path):
    async def work():
        async with sandbox() as venue:
            client = client_of(table(venue), Mode.DEMO, Keys(KEYS, None), tmp_path, trades=False)
            paper = PaperVenue(client, tmp_path / "paper", 1000 * ONE, builder=client)
            hands = Desk(venue, paper)
            task = asyncio.create_task(paper.run(hands.put))
            await hands.next(VenueUp)
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            defined = hands.all(InstrumentDefined)
            assert {e.spec.mirror for e in defined} == {""}  # a paper order shows in one book only
            limits = hands.all(VenueLimits)[0]
            assert (limits.unattended_max, limits.resting_multiple) == (None, 0)
            hands.send(hands.bid())
            await hands.of("run-1", OrderAccepted)
            assert paper.built == 1
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert not [p for _, p in venue.requests if "submit" in p]

    story(work)


def test_a_request_of_a_dry_run_is_the_one_that_would_leave(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            request = hands.client.build(hands.bid(150, 10.0, order_id="dry"))
            hands.send(hands.bid(150, 10.0, order_id="dry"))
            await hands.of("dry", OrderAccepted)
            assert request.path == "/v4/mm/submit_order"
            assert json.loads(request.body)["quantity"] == venue.user.externals["dry"].stake / 100
            with pytest.raises(Refused):
                hands.client.build(hands.bid(size=5_000))

    story(work)
