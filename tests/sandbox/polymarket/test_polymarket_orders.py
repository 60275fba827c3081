"""The client against the sandbox: orders placed, refused, lost, found again, filled, failed and cancelled."""

import asyncio
import time

import pytest
from pm_bench import PATIENCE_S, Bench, P

from console.core.commands import CancelAll, KeepAlive, Reconcile
from console.core.events import (
    BalanceUpdate,
    FillConfirmed,
    FillReversed,
    MarketStatus,
    MassStatus,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Action, MarketState
from console.core.units import ONE
from console.sandbox.polymarket import venue as sandbox


def story(test):
    """Run a coroutine test in a loop of its own."""

    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


# ---- in and out


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
@pytest.mark.parametrize("number", [0, 1, -1], ids=["plain", "neg-risk", "protocol-v2"])
def test_every_wallet_signs_for_every_contract(kind, number):
    async def told():
        async with Bench(kind=kind) as bench:
            at = number % len(bench.venue.listings)
            instrument = await bench.watch(at)
            order = await bench.rest(instrument, 10)
            other = await bench.rest(instrument.no, 10)
            resting = bench.venue.ledger.open
            assert set(resting) == {bench.digest(order), bench.digest(other)}  # the ids we computed ourselves
            assert [o.outcome for o in resting.values()] == [0, 1]

    asyncio.run(told())


@story
async def test_an_api_key_is_derived_from_the_wallet():
    async with Bench(derive=True) as bench:
        instrument = await bench.watch()
        await bench.rest(instrument, 10)


@story
async def test_the_venues_budget_and_dead_man_are_told_first():
    async with Bench() as bench:
        await bench.heard(VenueUp)
        limits = bench.events[0]
        assert isinstance(limits, VenueLimits)
        assert (limits.write_per_s, limits.write_burst, limits.place, limits.dead_man) == (40, 60, 1, True)


@story
async def test_an_order_is_cancelled_by_its_digest():
    async with Bench() as bench:
        order = await bench.rest(await bench.watch(), 10)
        bench.client.send(bench.cancel(order))
        await bench.heard(OrderCanceled, order_id=order.order_id)
        assert not bench.venue.ledger.open
        bench.client.send(bench.cancel(order))
        refused = await bench.heard(OrderCancelRejected, order_id=order.order_id)
        assert refused.reason is RejectReason.NOT_FOUND


@story
async def test_places_of_one_moment_leave_in_batches_of_fifteen():
    async with Bench() as bench:
        instrument = await bench.watch()
        orders = [bench.order(instrument, 10 + 0.1 * n, 5) for n in range(20)]
        for order in orders:
            bench.client.send(order)
        await bench.until(lambda: len(bench.of(OrderAccepted)) >= 20, "twenty acceptances")
        assert bench.server.books.requests["/orders"] == 2
        assert len(bench.venue.ledger.open) == 20
        for order in orders:
            bench.client.send(bench.cancel(order, bench.digest(order)))
        await bench.until(lambda: not bench.venue.ledger.open, "all cancelled")
        assert bench.server.books.requests["/orders"] == 3


@story
async def test_each_order_of_a_batch_is_answered_for_itself():
    async with Bench() as bench:
        instrument = await bench.watch()
        _, ask = bench.best()
        good = bench.order(instrument, 10)
        crossing = bench.order(instrument, ask + 1)
        small = bench.order(instrument, 10.1, 2)
        dear = bench.order(instrument, 20, 9000)
        for order in (good, crossing, small, dear):
            bench.client.send(order)
        await bench.heard(OrderAccepted, order_id=good.order_id)
        reasons = [
            (await bench.heard(OrderRejected, order_id=order.order_id)).reason
            for order in (crossing, small, dear)
        ]
        assert reasons == [RejectReason.POST_ONLY_CROSS, RejectReason.SIZE, RejectReason.BALANCE]


@story
async def test_what_cannot_be_written_never_leaves():
    async with Bench() as bench:
        instrument = await bench.watch(3)  # whole cents
        bench.client.send(bench.order(instrument, 10.5))
        refused = await bench.heard(OrderRejected)
        assert refused.reason is RejectReason.PRICE
        assert "/order" not in bench.server.books.requests


@story
async def test_the_same_cash_backs_every_market_but_each_only_once():
    async with Bench() as bench:
        first, second = await bench.watch(0), await bench.watch(3)
        await bench.rest(first, 10, 8000)
        await bench.rest(second, 10, 8000)  # the same 800 dollars
        more = bench.order(first.no, 10, 3000)  # another 300 in the first market
        bench.client.send(more)
        refused = await bench.heard(OrderRejected, order_id=more.order_id)
        assert refused.reason is RejectReason.BALANCE
        assert "balance: 200000000, order amount: 300000000" in refused.text


# ---- not connected, killed


@story
async def test_before_the_user_stream_stands_nothing_is_sent():
    async with Bench() as bench:
        order = bench.order(bench.instrument(), 10)
        bench.client.send(order)
        refused = await bench.heard(OrderRejected, order_id=order.order_id)
        assert refused.reason is RejectReason.NOT_CONNECTED


@story
async def test_cancel_all_drops_what_has_not_left_and_empties_the_account():
    async with Bench() as bench:
        instrument = await bench.watch()
        resting = [await bench.rest(instrument, 10 + n) for n in range(3)]
        unsent = bench.order(instrument, 30)
        bench.client.send(unsent)
        bench.client.send(CancelAll(venue=P))
        dropped = await bench.heard(OrderRejected, order_id=unsent.order_id)
        assert dropped.reason is RejectReason.KILLED
        for order in resting:
            await bench.heard(OrderCanceled, order_id=order.order_id)
        assert not bench.venue.ledger.open
        assert (await bench.account()).orders == ()


@story
async def test_what_is_asked_before_it_runs_or_between_two_runs_is_done_when_it_runs():
    """An engine begun under the kill latch cancels at once, and a broken client is begun again."""
    async with Bench() as bench:
        instrument = await bench.watch()
        for _ in range(2):
            await bench.rest(instrument, 10)
            early = bench.make()
            early.send(CancelAll(venue=P))
            early.send(Reconcile(venue=P))
            told = []
            running = asyncio.create_task(early.run(told.append))
            await bench.until(lambda: not bench.venue.ledger.open, "empty")
            await bench.until(lambda told=told: [e for e in told if isinstance(e, MassStatus)], "an account")
            running.cancel()
            await asyncio.wait([running])
            early.send(CancelAll(venue=P))
            await bench.rest(instrument, 10)
            running = asyncio.create_task(early.run(told.append))
            await bench.until(lambda: not bench.venue.ledger.open, "empty again")
            running.cancel()
            await asyncio.wait([running])


# ---- unknown outcomes


@story
async def test_an_answer_that_got_lost_is_looked_up_and_found_once():
    async with Bench("lost_answers=1") as bench:
        order = bench.order(await bench.watch(), 10)
        bench.client.send(order)
        await bench.heard(OutcomeUnknown, order_id=order.order_id)
        bench.client.send(bench.lookup(order))
        found = await bench.heard(OrderAccepted, order_id=order.order_id)
        await bench.until(lambda: bench.of(OrderAccepted, price=order.price), "told what rests")
        assert list(bench.venue.ledger.open) == [found.venue_order_id]


@story
async def test_a_request_that_got_lost_was_never_there():
    async with Bench("lost_requests=1") as bench:
        order = bench.order(await bench.watch(), 10)
        bench.client.send(order)
        await bench.heard(OutcomeUnknown, order_id=order.order_id)
        bench.client.send(bench.lookup(order))
        refused = await bench.heard(OrderRejected, order_id=order.order_id)
        assert refused.reason is RejectReason.NOT_FOUND
        assert not bench.venue.ledger.open


@story
async def test_a_server_error_is_no_refusal():
    async with Bench("errors=1") as bench:
        instrument = await bench.watch()
        orders = [bench.order(instrument, 10 + n) for n in range(8)]
        for order in orders:
            bench.client.send(order)
            await bench.heard(OutcomeUnknown, order_id=order.order_id)
            bench.client.send(bench.lookup(order))
            await bench.until(
                lambda order=order: (
                    bench.of(OrderAccepted, order_id=order.order_id)
                    or bench.of(OrderRejected, order_id=order.order_id)
                ),
                "an outcome",
            )
        accepted = {e.order_id for e in bench.of(OrderAccepted)}
        assert len(bench.venue.ledger.open) == len(accepted)  # in or out, as we were told
        assert 0 < len(accepted) < 8


@story
async def test_a_later_process_finds_an_order_by_what_was_asked_for():
    async with Bench("lost_answers=1") as bench:
        order = bench.order(await bench.watch(), 10)
        bench.client.send(order)
        await bench.heard(OutcomeUnknown)
        await bench.restart()
        await bench.watch()
        bench.client.send(bench.lookup(order))  # no digest, no memory: only the command
        found = await bench.heard(OrderAccepted, order_id=order.order_id)
        assert list(bench.venue.ledger.open) == [found.venue_order_id]


# ---- fills


@pytest.mark.parametrize("faults", [(), ("disordered=1",)], ids=["order first", "trade first"])
def test_a_fill_is_told_once_and_confirmed(faults):
    async def told():
        async with Bench(*faults, "duplicated=1") as bench:
            instrument = await bench.watch()
            order = await bench.rest(instrument, bench.best()[0])
            await bench.hit(order)
            fill = await bench.heard(OrderFilled, order_id=order.order_id)
            assert fill.provisional
            assert (fill.price, fill.size, fill.fee) == (order.price, order.size, 0)
            confirmed = await bench.heard(FillConfirmed)
            assert confirmed.trade_id == fill.trade_id
            assert len(bench.of(OrderFilled)) == len(bench.of(FillConfirmed)) == 1
            # Whether the order ended before or after its trade was told: the fill came first.
            ends = [n for n, e in enumerate(bench.events) if isinstance(e, OrderCanceled)]
            assert min(ends, default=10**9) > bench.events.index(fill)

    asyncio.run(told())


@story
async def test_fills_of_the_other_token_are_on_its_leg():
    async with Bench() as bench:
        instrument = await bench.watch()
        _, ask = bench.best()
        order = await bench.rest(instrument.no, 100 - ask)
        await bench.hit(order)
        fill = await bench.heard(OrderFilled, order_id=order.order_id)
        assert (fill.instrument, fill.action) == (instrument.no, Action.BUY)
        (position,) = (await bench.account()).positions
        assert position == (instrument, -order.size)


@story
async def test_a_trade_that_fails_on_chain_is_reversed():
    async with Bench("failed=1", "retrying=1") as bench:
        instrument = await bench.watch()
        order = await bench.rest(instrument, bench.best()[0])
        await bench.hit(order)
        fill = await bench.heard(OrderFilled)
        assert (await bench.account()).positions == ((instrument, order.size),)
        reversal = await bench.heard(FillReversed)
        assert reversal.trade_id == fill.trade_id
        status = await bench.account()
        assert status.positions == ()
        assert status.cash == 1000 * ONE
        assert len(bench.of(OrderFilled)) == 1


@story
async def test_a_fill_while_nobody_listened_is_read_from_the_account():
    async with Bench() as bench:
        instrument = await bench.watch()
        order = await bench.rest(instrument, bench.best()[0])
        bench.server.streams.held = True
        await bench.hit(order)
        status = await bench.account()
        fill = await bench.heard(OrderFilled, order_id=order.order_id)
        assert bench.events.index(fill) < bench.events.index(status)
        assert status.positions == ((instrument, order.size),)


@story
async def test_an_order_that_ends_before_its_trade_is_told_waits_for_it():
    async with Bench() as bench:
        instrument = await bench.watch()
        order = await bench.rest(instrument, bench.best()[0])
        tell, late = bench.venue.to_user, []
        bench.venue.to_user = lambda frames: (
            tell([f for f in frames if f["event_type"] == "order"]),
            late.extend(f for f in frames if f["event_type"] == "trade"),
        )
        await bench.hit(order)
        fill = await bench.heard(OrderFilled, order_id=order.order_id)  # read, as nobody told it
        ended = await bench.heard(OrderCanceled, order_id=order.order_id)
        assert bench.events.index(fill) < bench.events.index(ended)


@story
async def test_small_positions_count_and_cached_balances_are_read_anew():
    async with Bench("stale_balance") as bench:
        instrument = await bench.watch()
        await bench.rest(instrument, bench.best()[0], 5)
        token = bench.listing().tokens[0]
        bench.venue.ledger.tokens[token] = 600_000  # bought by hand: below what the Data API shows unasked
        await asyncio.sleep(0.1)
        assert (await bench.account()).positions == ((instrument, 600_000),)


@story
async def test_more_orders_than_a_page_are_all_listed():
    async with Bench() as bench:
        instrument = await bench.watch()
        for n in range(120):
            bench.client.send(bench.order(instrument, 1 + 0.1 * n, 5))
            if n % 30 == 29:
                await asyncio.sleep(0.9)  # the venue's budget
        await bench.until(lambda: len(bench.venue.ledger.open) == 120, "120 orders")
        assert len((await bench.account()).orders) == 120


# ---- taking


@story
async def test_a_sale_that_takes_sells_what_is_held_and_no_more():
    async with Bench() as bench:
        instrument = await bench.watch()
        bench.venue.ledger.tokens[bench.listing().tokens[0]] = 10 * ONE
        bid, _ = bench.best()
        exit_ = bench.order(instrument, bid - 3, 10, Action.SELL, taking=True)
        bench.client.send(exit_)
        fill = await bench.heard(OrderFilled, order_id=exit_.order_id)
        assert (fill.size, fill.maker, fill.action) == (10 * ONE, False, Action.SELL)
        assert fill.price >= exit_.price
        assert fill.fee > 0
        ended = await bench.heard(OrderCanceled, order_id=exit_.order_id)
        assert bench.events.index(fill) < bench.events.index(ended)


@story
async def test_a_purchase_that_takes_buys_no_more_than_asked_for():
    """It is sized in dollars: at a limit far above the offer it would buy far too much."""
    async with Bench() as bench:
        instrument = await bench.watch()
        bench.client.send(bench.order(instrument, 90, 10, taking=True))
        fill = await bench.heard(OrderFilled)
        bought = sum(f.size for f in bench.of(OrderFilled))
        assert 9 * ONE < bought <= 10 * ONE
        assert fill.cost <= 90 * bought // 100


@story
async def test_nobody_there_is_no_refusal():
    async with Bench() as bench:
        instrument = await bench.watch()
        bench.venue.ledger.tokens[bench.listing().tokens[0]] = 10 * ONE
        miss = bench.order(instrument, 99, 10, Action.SELL, taking=True)
        bench.client.send(miss)
        await bench.heard(OrderCanceled, order_id=miss.order_id)
        assert not bench.of(OrderRejected)


@story
async def test_a_held_order_is_settled_when_its_delay_is_over():
    async with Bench() as bench:
        instrument = await bench.watch(1)  # marketable orders are held a second there
        bench.venue.ledger.tokens[bench.listing(1).tokens[0]] = 10 * ONE
        exit_ = bench.order(instrument, bench.best(1)[0] - 3, 10, Action.SELL, taking=True)
        bench.client.send(exit_)
        await bench.heard(OrderAccepted, order_id=exit_.order_id)
        assert not bench.of(OrderFilled)
        bench.client.send(bench.cancel(exit_, bench.digest(exit_)))
        refused = await bench.heard(OrderCancelRejected, order_id=exit_.order_id)
        assert refused.reason is RejectReason.OTHER  # it stands, and may yet fill
        await bench.heard(OrderFilled, order_id=exit_.order_id)
        await bench.heard(OrderCanceled, order_id=exit_.order_id)


# ---- the dead man


def alive(bench):
    bench.client.send(KeepAlive(venue=P, until=0))


@story
async def test_without_signs_of_life_the_venue_cancels_everything():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "BEAT_S", 1.0)
        patch.setattr(sandbox, "SWEEP_S", 0.5)
        async with Bench() as bench:
            order = await bench.rest(await bench.watch(), 10)
            for _ in range(6):
                alive(bench)
                await asyncio.sleep(0.4)
            assert bench.venue.beats >= 5
            assert bench.venue.ledger.open
            await bench.heard(OrderCanceled, order_id=order.order_id)  # we fell silent
            assert bench.venue.expired_beats == 1
            alive(bench)
            await bench.until(lambda: bench.venue.beats >= 7, "armed again")


@story
async def test_nothing_beats_by_itself():
    async with Bench() as bench:
        await bench.watch()
        await bench.account()
        assert bench.venue.beats == 0
        assert "/v1/heartbeats" not in bench.server.books.requests


@story
async def test_a_wrong_heartbeat_goes_on_with_the_right_one():
    async with Bench() as bench:
        await bench.watch()
        alive(bench)
        await bench.until(lambda: bench.venue.beats == 1, "armed")
        bench.venue.heartbeat(bench.venue._beat)  # somebody else beat meanwhile
        alive(bench)
        await bench.until(lambda: bench.venue.beats == 3, "beaten with the id expected")


# ---- the venue's moods


@story
async def test_while_the_matching_engine_restarts_nothing_is_quoted():
    async with Bench() as bench:
        instrument = await bench.watch()
        bench.venue.mode = "restarting"
        order = bench.order(instrument, 10)
        bench.client.send(order)
        refused = await bench.heard(OrderRejected, order_id=order.order_id)
        assert refused.reason is RejectReason.NOT_CONNECTED
        await bench.heard(MarketStatus, state=MarketState.PAUSED)
        bench.venue.mode = "post_only"
        await bench.until(lambda: bench.of(MarketStatus)[-1].state is MarketState.OPEN, "worth a try again")
        await bench.rest(instrument, 10)  # ours are post-only


@story
async def test_only_cancels_are_taken_for_a_while():
    async with Bench() as bench:
        instrument = await bench.watch()
        order = await bench.rest(instrument, 10)
        bench.venue.mode = "cancel_only"
        late = bench.order(instrument, 11)
        bench.client.send(late)
        refused = await bench.heard(OrderRejected, order_id=late.order_id)
        assert refused.reason is RejectReason.MARKET
        bench.client.send(bench.cancel(order, bench.digest(order)))
        await bench.heard(OrderCanceled, order_id=order.order_id)


@story
async def test_too_many_requests_are_heeded():
    async with Bench("limits=1") as bench:
        instrument = await bench.watch()
        order, next_ = bench.order(instrument, 10), bench.order(instrument, 11)
        bench.client.send(order)
        assert (await bench.heard(OrderRejected, order_id=order.order_id)).reason is RejectReason.RATE_LIMITED
        bench.client.send(next_)
        refused = await bench.heard(OrderRejected, order_id=next_.order_id)
        assert "asked us to wait" in refused.text
        assert bench.server.books.requests.get("/order", 0) == 0  # the second never left


@story
async def test_the_venue_cancels_what_is_no_longer_covered():
    async with Bench() as bench:
        instrument = await bench.watch()
        order = await bench.rest(instrument, 10, 100)
        bench.venue.ledger.cash = 5 * ONE  # spent in another market
        await bench.heard(OrderCanceled, order_id=order.order_id)
        told = await bench.heard(BalanceUpdate)
        assert told.cash == 5 * ONE


# ---- accounts


@story
async def test_an_account_that_cannot_be_read_is_never_an_empty_one():
    async with Bench() as bench:
        await bench.watch()
        bench.client.rest.l2 = None  # every read of the account fails
        bench.client.send(Reconcile(venue=P))
        await asyncio.sleep(0.5)
        assert not [e for e in bench.events if type(e).__name__ == "MassStatus"]


@story
async def test_orders_of_an_earlier_process_are_listed_by_their_digest():
    async with Bench() as bench:
        order = await bench.rest(await bench.watch(), 10)
        digest = bench.digest(order)
        await bench.restart()
        await bench.watch()
        (opened,) = (await bench.account()).orders
        assert (opened.venue_order_id, opened.order_id) == (digest, "")
        assert (opened.price, opened.size) == (order.price, order.size)


@story
async def test_a_lost_user_stream_is_down_and_comes_back():
    async with Bench() as bench:
        await bench.watch()
        await bench.server.streams.hang_up()
        await bench.heard(VenueDown)
        await bench.until(lambda: len(bench.of(VenueUp)) == 2, "up again")


@story
async def test_a_user_stream_that_answers_and_tells_nothing_is_given_up():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("console.venues.polymarket.trading.UNHEARD_S", 1.0)
        async with Bench() as bench:
            instrument = await bench.watch()
            bench.server.streams.held = True
            await bench.rest(instrument, 10)
            began = time.monotonic()
            await bench.heard(VenueDown)
            assert time.monotonic() - began < PATIENCE_S
            bench.server.streams.held = False
            await bench.until(lambda: len(bench.of(VenueUp)) == 2, "up again")


@story
async def test_what_is_mined_while_the_account_is_read_is_in_it_once():
    async with Bench() as bench:
        instrument = await bench.watch(4)
        await bench.hit(await bench.rest(instrument, bench.best(4)[0], 10))
        await bench.heard(OrderFilled)
        unmined, read = bench.client._trading.log.unmined, bench.client._balance

        async def late(token):
            size = await read(token)
            await bench.until(lambda: not unmined, "mined")  # meanwhile
            return size

        assert unmined
        bench.client._balance = late
        status = await bench.account()
        assert dict(status.positions) == {instrument: 10 * ONE}
