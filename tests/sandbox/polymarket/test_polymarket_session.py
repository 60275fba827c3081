"""An engine quoting on the pretended Polymarket: lost answers, failing trades, storms and restarts."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from msgspec.structs import replace
from pm_bench import P
from pm_session import SETTINGS, Session, session

from console.core.commands import PlaceOrder
from console.core.events import FillReversed, Kill, OrderFilled
from console.sandbox.polymarket.venue import CASH

LOST = int(os.environ.get("TEST_LOST") or 40)  # answers lost
FAILED = int(os.environ.get("TEST_FAILED") or 6)  # trades that fail on chain
STORM_S = int(os.environ.get("TEST_STORM_S") or 25)
MATCHES = (0, 4, 5)
BEFORE_THE_START = (1, 2, 3, 4, 5)  # markets that outlast a long run
BRIEFLY = replace(  # neither requests that got lost nor who takes all of it pause a side for a minute
    SETTINGS, error_cooldown_s=1, toxicity_pause=1.0, toxicity_pause_s=1
)


def run(story):
    asyncio.run(story())


async def calm(s: Session) -> None:
    """No misfortune any more; everything comes to rest, and is settled."""
    s.bench.venue.faults._on.clear()
    s.bench.venue.mode = ""
    await s.stand_still(90)
    await s.bench.until(lambda: not s.bench.venue.ledger.open, "empty", 60)
    await s.bench.until(lambda: not s.bench.venue.ledger._unmined(), "mined", 30)
    await s.bench.until(lambda: nonzero(s.held()) == nonzero(s.truth()), "the same positions", 30)


def nonzero(held):
    return {symbol: size for symbol, size in held.items() if size}


def figures(s: Session) -> str:
    fills = sum(isinstance(event, OrderFilled) for event in s.heard)
    reversed_ = sum(isinstance(event, FillReversed) for event in s.heard)
    faults = dict(sorted(s.bench.venue.faults.counts.items()))
    return (
        f"{len(s.of(PlaceOrder))} places, {len(s.everything())} orders at the venue, {fills} fills, "
        f"{reversed_} reversed, {s.doubled()} duplicate, {len(s.untracked())} untracked, faults {faults}"
    )


async def tell(s: Session, seed: int) -> None:
    """How far a long run is, once a minute."""
    while True:
        await asyncio.sleep(60)
        why = [f"{match} {desk.reason.value} {desk.limit}" for match, desk in s.state.desks.items()]
        print(f"account {seed} so far: {figures(s)}; {why}", flush=True)


def check_fills(s: Session) -> None:
    """Every contract the venue matched was told and booked, and each once."""
    told = [event for event in s.heard if isinstance(event, OrderFilled)]
    assert len({event.trade_id for event in told}) == len(told) == s.state.fills
    orders = (*s.bench.venue.ledger.open.values(), *s.bench.venue.ledger.ended.values())
    assert sum(event.size for event in told) == sum(order.matched for order in orders)


async def trade(s: Session, until, patience_s: float, matches=MATCHES) -> None:
    """Quote moving prices on some matches until a condition holds."""
    moving = [asyncio.create_task(s.take())]
    for number in matches:
        s.add(number)
        moving.append(asyncio.create_task(s.wander(number, number)))
    try:
        await s.bench.until(until, "enough", patience_s)
    finally:
        for task in moving:
            task.cancel()


@pytest.mark.timeout(LOST + 300)
def test_lost_answers_lose_no_order_and_double_none():
    """As many accounts beside each other as it takes to be done within the hour."""
    accounts = 1 + LOST // 2000
    share = -(-LOST // accounts)

    async def lose(seed: int) -> None:
        faults = ("lost_answers=0.4", "lost_requests=0.1", "duplicated=0.3")
        async with session(*faults, scale=2.0, seed=seed, settings=BRIEFLY) as s:
            counts, account = s.bench.venue.faults.counts, s.state.connections[P]

            def enough():
                assert not account.mismatch, f"{account.mismatch}: {figures(s)}"
                return counts.get("lost_answers", 0) >= share

            telling = asyncio.create_task(tell(s, seed))
            await trade(s, enough, LOST + 120, BEFORE_THE_START)
            await calm(s)
            telling.cancel()
            print(f"account {seed}: {figures(s)}")
            assert s.doubled() == 0
            assert s.untracked() == set()
            check_fills(s)

    async def story():
        async with asyncio.TaskGroup() as group:
            for number in range(accounts):
                group.create_task(lose(7 + number))

    run(story)


@pytest.mark.timeout(300)
def test_trades_that_fail_on_chain_are_reversed_each_once():
    async def story():
        async with session("failed=0.5", "retrying=0.5", "disordered") as s:
            counts = s.bench.venue.faults.counts
            await trade(s, lambda: counts.get("failed", 0) >= FAILED, 150)
            await calm(s)
            print(figures(s))
            reversed_ = [event.trade_id for event in s.heard if isinstance(event, FillReversed)]
            assert len(reversed_) == len(set(reversed_)) >= FAILED
            ours = sum(p.cash for desk in s.state.desks.values() for p in desk.groups())
            ledger = s.bench.venue.ledger
            others = sum(ledger.tokens.get(x.tokens[1], 0) for x in s.bench.venue.listings)
            assert ours == ledger.cash - CASH + others  # to us a second token is a dollar less a first one
            assert s.state.fee_halts == {}

    run(story)


@pytest.mark.timeout(STORM_S + 300)
def test_a_storm_of_everything_ends_with_nothing_lost_and_nothing_doubled():
    async def story():
        async with session("storm", scale=10.0) as s:
            end = time.monotonic() + STORM_S
            await trade(s, lambda: time.monotonic() > end, STORM_S + 30)
            await calm(s)
            print(figures(s))
            assert s.doubled() == 0
            assert s.untracked() == set()

    run(story)


@pytest.mark.timeout(180)
def test_a_kill_in_the_middle_of_it_is_proven():
    async def story():
        async with session("slow", "lost_answers=0.2", scale=5.0) as s:
            await trade(s, lambda: len(s.bench.venue.ledger.open) >= 4, 60)
            s.put(Kill(by="test"))
            await s.bench.until(lambda: s.state.connections[P].sweep.proven, "proven", 60)
            assert not s.bench.venue.ledger.open
            placed = len(s.of(PlaceOrder))
            await asyncio.sleep(1.0)
            assert len(s.of(PlaceOrder)) == placed

    run(story)


@pytest.mark.timeout(180)
def test_a_restart_finds_its_orders_and_positions():
    async def story():
        async with session(scale=3.0) as s:
            await trade(s, lambda: len(s.bench.venue.ledger.open) >= 4, 60)
            kept = s.kept()
            s.deaf = True
            later = Session(s.bench, "run2", kept)
            running = asyncio.create_task(later.run())
            await s.bench.until(lambda: later.state.connections[P].up, "up")
            await s.bench.until(lambda: not later.state.connections[P].reconciling, "reconciled", 30)
            assert later.untracked() == set()
            await later.stand_still()
            await s.bench.until(lambda: not s.bench.venue.ledger.open, "empty")
            assert nonzero(later.held()) == nonzero(later.truth())
            running.cancel()
            await asyncio.wait([running])

    run(story)
