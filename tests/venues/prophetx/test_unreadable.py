"""What cannot be read, or is kept from us, makes its market doubtful, and nothing else; and it is said."""

from __future__ import annotations

import asyncio
import json
import time

from console.core.commands import Reconcile
from console.core.events import (
    BookSnapshot,
    BookStale,
    FeedStatus,
    MarketStatus,
    MassStatus,
    OrderAccepted,
    VenueDown,
    VenueUp,
)
from console.core.instruments import MarketState
from console.sandbox.prophetx import push, reports, rest
from console.sandbox.prophetx.exchange import Turned
from console.venues.prophetx import shelf

from .rig import X, desk, sandbox, until


def story(work):
    asyncio.run(asyncio.wait_for(work(), 120))


def test_a_picture_that_cannot_be_read_makes_its_books_doubtful(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            original = push.selections_change
            push.selections_change = lambda *a: without(original(*a), "price")
            try:
                venue.exchange.rest("crowd", hands.side(0).symbol[-32:], 130, 50_00)
                stale = await hands.next(BookStale)
                assert "`price`" in stale.why
            finally:
                push.selections_change = original

    story(work)


def test_a_private_message_that_cannot_be_read_takes_the_venue_down(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            original = push.update
            push.update = lambda *a: without(original(*a), "total_filled_quantity")
            try:
                hands.send(hands.bid())
                down = await hands.next(VenueDown)
                assert "`total_filled_quantity`" in down.why
            finally:
                push.update = original

    story(work)


def test_a_list_that_cannot_be_read_takes_the_venue_down(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid())
            await hands.of("run-1", OrderAccepted)
            original = reports.row
            reports.row = lambda *a: without(original(*a), "open_quantity")
            try:
                for wager in venue.user.live.values():
                    venue.reports.heard(wager)
                hands.send(hands.bid(order_id="two"))
                hands.send(Reconcile(venue=X))
                await until(lambda: any("open_quantity" in e.why for e in hands.all(VenueDown)))
            finally:
                reports.row = original

    story(work)


def without(message, key):
    """A message with every occurrence of a key taken out."""
    text = json.dumps(message)
    return json.loads(text, object_hook=lambda found: {k: v for k, v in found.items() if k != key})


def test_a_market_that_cannot_be_read_is_doubtful_and_its_neighbour_is_not(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, compare_s=0.3) as hands:
            venue.entry.count = lambda user, *, query: None
            await hands.watch(hands.side(0), hands.side(0, market=1))
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            original = rest.market
            broken = hands.fixture.markets[0].market_id

            def market(*a):
                told = original(*a)
                return without(told, "status") if told["id"] == broken else told

            rest.market = market
            try:
                stale = await hands.next(BookStale)
                assert stale.instrument == hands.side(0)
                assert "`status`" in stale.why, stale.why
                await asyncio.sleep(1.0)
                assert {e.instrument for e in hands.all(BookStale)} == {hands.side(0)}
                assert MarketState.CLOSED not in {e.state for e in hands.all(MarketStatus)}
            finally:
                rest.market = original

    story(work)


def test_a_list_that_is_refused_for_a_moment_costs_no_book_that_is_pushed(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "BELIEVED_S", 2.0)

    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, compare_s=0.3) as hands:
            venue.entry.count = lambda user, *, query: None
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            await asyncio.sleep(1.0)  # joined, and read again for it
            busy = time.monotonic()

            def refuses(user, *, query):
                if query:
                    raise Turned(429, "rate_limit_reached")

            venue.entry.count = refuses
            stale = await hands.next(BookStale)
            assert time.monotonic() - busy > 1.5
            assert stale.why == "markets: HTTP 429 rate_limit_reached"
            venue.entry.count = lambda user, *, query: None
            books = len(hands.all(BookSnapshot))
            await until(lambda: len(hands.all(BookSnapshot)) >= books + 2)

    story(work)


def test_an_event_whose_channel_is_refused_has_no_book(tmp_path):
    async def work():
        async with sandbox() as venue:
            wanted = venue.push._wanted
            venue.push._wanted = lambda asked: ([], wanted(asked)[1])
            async with desk(venue, tmp_path, compare_s=0.3) as hands:
                await hands.watch()
                stale = await hands.next(BookStale)
                assert stale.why == "the venue lets us into no channel of it"
                await asyncio.sleep(1.0)
                assert hands.all(BookSnapshot) == []

    story(work)


def test_an_empty_picture_of_one_of_two_lines_makes_both_doubtful(tmp_path):
    """Runs of -1.5 and +1.5 are two lines: the number alone does not say which one is empty."""

    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            sides = [hands.side(number, market=1, line=line) for line in (0, 1) for number in (0, 1)]
            await hands.watch(*sides)
            await until(lambda: len(hands.all(BookSnapshot)) >= 4)
            original = push.selections_change

            def bare(*a):
                told = original(*a)
                told["info"]["selections"] = [None, None]
                return told

            push.selections_change = bare
            try:
                venue.exchange.rest("crowd", sides[0].symbol[-32:], 130, 50_00)
                await until(lambda: {e.instrument for e in hands.all(BookStale)} == set(sides))
                books = len(hands.all(BookSnapshot))
                await until(lambda: len(hands.all(BookSnapshot)) > books)  # and reads them
            finally:
                push.selections_change = original

    story(work)


def test_what_is_gone_on_without_is_said_where_feeds_are(tmp_path):
    async def work():
        async with sandbox(faults=("no_reports",)) as venue:
            venue.faults.strikes = lambda name, chance: name == "no_reports"
            venue.exchange.ladder = []
            async with desk(venue, tmp_path) as hands:
                said = await hands.next(FeedStatus)
                assert (said.feed, said.up) == ("prophetx ladder", False)
                assert "the 291 rungs of 2024" in said.why
                hands.send(Reconcile(venue=X))
                await until(lambda: any(e.feed == "prophetx account" for e in hands.all(FeedStatus)))
                venue.faults.strikes = lambda name, chance: False
                await hands.next(MassStatus)
                ups = [e.up for e in hands.all(FeedStatus) if e.feed == "prophetx account"]
                assert ups == [False, True]

    story(work)


def test_a_socket_that_is_given_up_is_one_piece_of_news(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, health_s=1.0) as hands:
            venue.push.freeze(2.0)
            await until(lambda: len(hands.all(VenueUp)) == 2)
            assert [e.why for e in hands.all(VenueDown)] == ["no sign of health for 1 s"]

    story(work)
