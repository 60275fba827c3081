"""The client against the sandbox: fills as exact cash, the account, and settlements."""

from __future__ import annotations

import asyncio

import pytest

from console.core.events import (
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    Settled,
)
from console.core.units import ONE

from .rig import desk, sandbox, until

both = pytest.mark.parametrize("dialect", ["v4", "legacy"])


def story(work):
    asyncio.run(asyncio.wait_for(work(), 120))


# ---- fills and settlement


@both
def test_fills_are_exact_cash_and_told_once(tmp_path, dialect):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, dialect=dialect) as hands:
            hands.send(hands.bid(120, 100.0))
            await hands.of("run-1", OrderAccepted)
            for _ in range(2):
                venue.exchange.take(hands.side(1).symbol[-32:], 24_00)
            await until(lambda: len(hands.all(OrderFilled)) == 2)
            fills = hands.all(OrderFilled)
            assert [(f.cost, f.size, f.fee, f.maker) for f in fills] == [(20 * ONE, 44 * ONE, 0, True)] * 2
            status = await hands.account()
            assert status.positions == ((hands.side(), 88 * ONE),)
            assert status.cash == 9_960 * ONE
            assert [o.filled for o in status.orders] == [88 * ONE]
            hands.cancel("run-1")
            await hands.of("run-1", OrderCanceled)
            status = await hands.account()
            assert (status.orders, status.positions) == ((), ((hands.side(), 88 * ONE),))
            assert len(hands.all(OrderFilled)) == 2

    story(work)


@pytest.mark.parametrize(
    ("home_wins", "payout", "refund"), [(True, ONE, False), (False, 0, False), (None, 0, True)]
)
def test_a_settlement_is_told_before_the_account(tmp_path, home_wins, payout, refund):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(120, 100.0))
            await hands.of("run-1", OrderAccepted)
            venue.exchange.take(hands.side(1).symbol[-32:], 120_00)
            await hands.next(OrderFilled)
            venue.exchange.settle(hands.fixture.event_id, home_wins)
            settled = await until(lambda: hands.all(Settled))
            assert [(s.instrument, s.payout, s.refund) for s in settled] == [(hands.side(), payout, refund)]
            status = await hands.account()
            assert status.positions == ()
            expected = {True: 9_900_00 + 220_00 - 2_40, False: 9_900_00, None: 10_000_00}[home_wins]
            assert status.cash == expected * 10_000

    story(work)


def test_a_settlement_while_we_were_away_is_found(tmp_path):
    async def work():
        async with sandbox() as venue:
            async with desk(venue, tmp_path) as hands:
                hands.send(hands.bid(120, 100.0))
                await hands.of("run-1", OrderAccepted)
                venue.exchange.take(hands.side(1).symbol[-32:], 120_00)
                await hands.next(OrderFilled)
            venue.exchange.settle(next(iter(venue.exchange.fixtures)), True)
            async with desk(venue, tmp_path) as later:
                await later.account()
                assert [s.payout for s in later.all(Settled)] == [ONE]
                assert later.all(OrderFilled) == []

    story(work)
