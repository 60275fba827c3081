"""A whole session at the console, on a terminal, with an engine process, against the pretended Kalshi."""

from __future__ import annotations

import os

import pytest
from kalshi_console import Session, Venue, wait

ODDS = b"1.80 2.25"
LONG = pytest.mark.skipif(not os.environ.get("TEST_LONG"), reason="minutes of waiting: TEST_LONG is not set")


@pytest.fixture
def venue(tmp_path):
    opened = Venue(tmp_path)
    yield opened
    opened.kill()


@pytest.fixture
def session(venue, tmp_path, places):
    opened = Session(venue, tmp_path, places)
    yield opened
    opened.close()


@pytest.mark.timeout(420)
def test_add_quote_fill_rebalance_pause_kill_restart_and_rearm(session, venue):
    boston, denver = venue.tickers("KXNBAGAME")
    session.begin()
    session.add(boston, ODDS)
    session.quotes()
    assert {order["ticker"] for order in venue.orders()} == {boston, denver}
    # a quote is filled, and what it left is worked off on either ticker
    venue.act("fill", ticker=boston)
    session.sees("fills 1")
    held = wait(lambda: venue.held(boston), 5)
    assert held >= 5
    session.sees_row(f"+{held:g}")
    session.sees("rebal")
    works_off = ((boston, "ask"), (denver, "bid"))

    def reducing():
        return [order for order in venue.orders() if (order["ticker"], order["side"]) in works_off]

    wait(reducing, 20, "nothing works the position off")
    venue.act("fill", ticker=reducing()[0]["ticker"])
    session.sees("fills 2")
    wait(lambda: abs(venue.held(boston) - venue.held(denver)) < held, 5, "the position did not shrink")
    # paused: all proven gone at the venue
    session.type(b"p")
    session.pulled(20)
    session.sees_row("PAUS")
    session.resume()
    session.quotes(least=1)
    # killed, and proven
    session.type(b"\x0b")
    session.pulled(10)
    session.sees("KILLED", 40)
    # the engine dies; a new one finds its positions, and the latch
    session.kill_engine()
    session.reopen()
    session.sees("KILLED", 40)
    assert not session.terminal.shows("MISMATCH")
    assert venue.empty()
    # re-armed with the word and a reason
    session.rearm()
    session.quotes(180, least=1)  # a cancel-all of Kalshi's may sweep on for a minute


@LONG
@pytest.mark.timeout(540)
def test_every_plug_pulled_at_the_console(session, venue):
    """Quotes are gone within the time each failure allows, the screen says why, and they come back."""
    boston, _ = venue.tickers("KXNBAGAME")
    session.begin()
    session.add(boston, ODDS)
    session.quotes()
    took = {}
    # the streams say nothing though their pings go on
    venue.act("freeze", seconds=60)
    took["freeze"] = session.pulled(12)
    session.quotes()
    # a message is lost
    venue.act("gap")
    took["gap"] = session.pulled(5)
    session.quotes()
    # every request is refused for a while, and somebody pauses in the middle of it
    venue.act("storm", seconds=4)
    session.type(b"p")
    took["pause in a storm"] = session.pulled(20)
    session.resume()
    session.quotes()
    # nothing answers any more, not even with an end
    venue.act("halfopen", seconds=12)
    session.sees_row("PAUS", 15)
    session.quotes(60)
    # the market is paused: its orders are gone, the other's stand or go
    venue.act("pause", ticker=boston, seconds=5)
    wait(lambda: not venue.orders(boston), 5, "orders rest on a paused market")
    wait(lambda: venue.orders(boston), 40, "no quotes on a market that goes on")
    ids = [order["client_order_id"] for order in venue.orders()]
    assert len(ids) == len(set(ids))
    assert not session.terminal.shows("MISMATCH")
    print({name: round(seconds, 1) for name, seconds in took.items()})


@LONG
@pytest.mark.timeout(540)
def test_venue_and_engine_killed_at_the_console(session, venue):
    boston, _ = venue.tickers("KXNBAGAME")
    session.begin()
    session.add(boston, ODDS)
    session.quotes()
    # the venue dies with our quotes in its books, and comes back with none
    venue.kill()
    session.sees_row("!down")
    session.sees("kalshi DOWN")
    venue.open()
    session.quotes(120)
    # the engine is killed: the watchdog empties the venue, and nothing rests until somebody re-arms
    session.kill_engine()
    session.pulled(20)
    session.reopen()
    session.sees("KILLED", 40)
    session.rearm()
    session.quotes(180)
    assert not session.terminal.shows("MISMATCH")
