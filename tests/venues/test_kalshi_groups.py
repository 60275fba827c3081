"""Order groups, the venue's own backstop: what fires, what it keeps out, and how long."""

from __future__ import annotations

import asyncio
import time

import pytest
from kalshi_stage import Stage, stage

from console.config.tables import KalshiTable
from console.core.commands import TimeInForce
from console.core.events import (
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RejectReason,
    VenueDown,
    VenueUp,
)
from console.core.instruments import Action, BookSide
from console.core.units import CENT, ONE


async def fire(s: Stage) -> float:
    """The venue's groups fire, by whatever filled; when they had."""
    groups = s.sandbox.house.groups
    for group in groups.known.values():
        groups.trigger(group)
    assert (await s.hears(VenueUp, count=2)).held
    return time.monotonic()


def test_the_order_group_pulls_everything_when_too_much_fills(tmp_path):
    async def story():
        async with stage(tmp_path, table=KalshiTable(fill_backstop=3)) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT, size=5 * ONE)
            other = await s.rests(s.b, price=10 * CENT)
            s.take(s.a, BookSide.ASK, 4 * ONE, ask - CENT)
            held = await s.hears(VenueUp, count=2)
            assert "order group fired: more than 3 contracts" in held.held
            await s.hears(OrderCanceled, other.order_id)
            assert s.resting() == []
            refused = await s.hears(OrderRejected, s.place(s.b))
            assert refused.reason is RejectReason.NOT_CONNECTED

    asyncio.run(story())


@pytest.mark.parametrize("what", ["delete", "trigger"])
def test_an_order_group_that_is_gone_or_fired_unheard_is_mended(tmp_path, what, monkeypatch):
    """Its frame is lost with the connection: the first refusal tells, and orders rest again."""
    monkeypatch.setattr("console.venues.kalshi.client.PAUSE_S", 1.0)

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            groups = s.sandbox.house.groups
            s.sandbox.streams.tell, tell = (lambda *_: None), s.sandbox.streams.tell
            for group in list(groups.known.values()):
                getattr(groups, what)(group)
            s.sandbox.streams.tell = tell
            refused = await s.hears(OrderRejected, s.place(price=10 * CENT))
            assert refused.reason is RejectReason.NOT_CONNECTED
            assert "order group" in (await s.hears(VenueUp, count=2)).held
            assert (await s.hears(VenueUp, count=3)).held == ""
            await s.rests(price=10 * CENT)

    asyncio.run(story())


def test_exits_leave_while_a_group_that_fired_keeps_quotes_out(tmp_path, monkeypatch):
    """No group holds an exit back; what we know to have filled explains the trigger: 15 s, not a minute."""
    for module in ("client", "groups"):
        monkeypatch.setattr(f"console.venues.kalshi.{module}.WINDOW_S", 2.0)

    async def story():
        async with stage(tmp_path, table=KalshiTable(fill_backstop=3)) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT, size=5 * ONE)
            s.take(s.a, BookSide.ASK, 4 * ONE, ask - CENT)
            assert (await s.hears(VenueUp, count=2)).held
            fired = time.monotonic()
            bid, _ = s.best()
            exit_id = s.place(
                action=Action.SELL,
                price=bid,
                size=4 * ONE,
                time_in_force=TimeInForce.IOC,
                post_only=False,
                reduce_only=True,
            )
            sold = await s.hears(OrderFilled, exit_id)
            assert (sold.maker, time.monotonic() - fired < 2.0) == (False, True)
            assert (
                await s.hears(OrderRejected, s.place(price=10 * CENT))
            ).reason is RejectReason.NOT_CONNECTED
            assert (await s.hears(VenueUp, count=3)).held == ""
            assert 1.9 < time.monotonic() - fired < 6.0
            await s.rests(price=10 * CENT)
            assert s.of(VenueDown) == []

    asyncio.run(story())


def test_a_group_that_fired_by_more_than_we_know_of_stays_shut_for_longer(tmp_path, monkeypatch):
    for module in ("client", "groups"):
        monkeypatch.setattr(f"console.venues.kalshi.{module}.WINDOW_S", 0.5)
    monkeypatch.setattr("console.venues.kalshi.groups.PAUSE_S", 4.0)

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            fired = await fire(s)
            assert (await s.hears(VenueUp, count=3)).held == ""
            assert time.monotonic() - fired > 3.8
            await s.rests(price=10 * CENT)

    asyncio.run(story())


def test_only_what_is_in_a_group_explains_that_it_fired(tmp_path, monkeypatch):
    """An exit joins no group: however much of it fills, somebody else's fills fired the group."""
    for module in ("client", "groups"):
        monkeypatch.setattr(f"console.venues.kalshi.{module}.WINDOW_S", 1.0)
    monkeypatch.setattr("console.venues.kalshi.groups.PAUSE_S", 5.0)

    async def story():
        async with stage(tmp_path, table=KalshiTable(fill_backstop=3)) as s:
            await s.subscribed()
            fired = await fire(s)
            _, ask = s.best()
            exit_id = s.place(price=ask, size=4 * ONE, time_in_force=TimeInForce.IOC, post_only=False)
            await s.hears(OrderFilled, exit_id)
            assert (await s.hears(VenueUp, count=3)).held == ""
            assert time.monotonic() - fired > 4.8

    asyncio.run(story())
