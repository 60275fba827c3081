"""The client against the sandbox: fills as exact cash, the account, and settlements."""

from __future__ import annotations

import asyncio

import pytest

from console.core.events import (
    CashAdjusted,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
    VenueDown,
    VenueLimits,
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


def test_cash_that_was_paid_in_is_told_once(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.pull("deposit", {"dollars": 5})  # before anybody asked
            assert (await hands.account()).cash == 10_005 * ONE
            venue.pull("deposit", {"dollars": 250.5})
            status = await hands.account()
            assert (status.cash, status.held) == (10_255_500_000, 0)
            await hands.account()
            assert [(e.amount, e.why) for e in hands.all(CashAdjusted)] == [(250_500_000, "deposit")]

    story(work)


def test_a_list_of_payments_in_another_shape_is_no_reason_to_stop(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.user.transactions.append({"transaction_type": "DEPOSIT", "cents": 100, "amount": [1]})
            assert (await hands.account()).cash == 10_000 * ONE
            assert hands.all(VenueDown, CashAdjusted) == []

    story(work)


def test_where_cash_leaves_with_the_order_it_is_held_by_it(tmp_path):
    async def work():
        placing = sandbox(faults=("deducts",))
        async with placing as venue, desk(venue, tmp_path, debited="on_placement") as hands:
            assert hands.all(VenueLimits)[0].resting_multiple == 0
            hands.send(hands.bid(120, 50.0))
            await hands.of("run-1", OrderAccepted)
            status = await hands.account()
            assert (status.cash + status.held, status.held) == (10_000 * ONE, venue.user.unmatched * 10_000)
            hands.send(hands.bid(120, 9_960.0, order_id="too much"))
            assert (await hands.of("too much", OrderRejected)).reason is RejectReason.BALANCE

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
