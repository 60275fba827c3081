"""The client of Kalshi against the pretended venue: orders, fills, what is lost and what is certain."""

from __future__ import annotations

import asyncio
import time

import pytest
from kalshi_stage import K, client_of, stage, until

from console.config.tables import KalshiTable
from console.core.commands import CancelAll, KeepAlive, TimeInForce
from console.core.events import (
    AmendRejected,
    BalanceUpdate,
    MassStatus,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Action, BookSide
from console.core.units import CENT, ONE
from console.sandbox.kalshi.errors import ApiError


def run(story):
    asyncio.run(story())


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_limits_come_first_then_the_venue_is_up(tmp_path, kind):
    async def story():
        async with stage(tmp_path, kind=kind) as s:
            kinds = [type(event) for event in s.told]
            assert kinds.index(VenueLimits) < kinds.index(VenueUp)
            (told,) = s.of(VenueLimits)
            assert (told.place, told.amend, told.cancel, told.renew, told.dead_man) == (10, 10, 2, 10, True)

    run(story)


def test_a_quote_rests_moves_and_goes(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests(price=10 * CENT, expires=s.wall_in(60))
            (there,) = s.resting()
            assert (there.price, there.size, there.shard, there.on_pause) == (10 * CENT, 5 * ONE, 3, True)
            assert there.group in s.sandbox.house.groups.known
            assert there.expires_s > 0
            s.amend(accepted, 9 * CENT, 5 * ONE)
            await s.hears(OrderAmended, accepted.order_id)
            assert s.resting()[0].price == 9 * CENT
            s.amend(accepted, 9 * CENT, 3 * ONE)
            await s.hears(OrderAmended, accepted.order_id, count=2)
            assert s.resting()[0].left == 3 * ONE
            assert s.sandbox.rest.requests[-1][2].endswith("/decrease")
            s.cancel(accepted)
            await s.hears(OrderCanceled, accepted.order_id)
            assert s.resting() == []

    run(story)


def test_both_shards_and_every_leg_can_be_traded(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed(s.a, s.b, s.shard0)
            for leg, action, cents in (
                (s.a, Action.BUY, 10),
                (s.a.no, Action.BUY, 10),
                (s.b, Action.SELL, 90),
                (s.shard0, Action.BUY, 10),
            ):
                await s.rests(leg, action=action, price=cents * CENT)
            told = {(t.ticker, t.side, t.price) for t in s.resting()}
            assert told == {
                (s.a.symbol, BookSide.BID, 10 * CENT),
                (s.a.symbol, BookSide.ASK, 90 * CENT),
                (s.b.symbol, BookSide.ASK, 90 * CENT),
                (s.shard0.symbol, BookSide.BID, 10 * CENT),
            }
            status = await s.account()
            assert len(status.orders) == 4
            assert status.cash == sum(cash for _, cash in status.pockets) < 1000 * ONE  # less what rests
            assert [name for name, _ in status.pockets] == ["shard 0", "shard 3"]

    run(story)


def test_a_fill_is_told_at_once_with_its_fee_and_counted_once(tmp_path):
    async def story():
        async with stage(tmp_path, faults=["duplicate"]) as s:
            await s.subscribed()
            _, ask = s.best()
            accepted = await s.rests(price=ask - CENT, size=5 * ONE)
            s.take(s.a, BookSide.ASK, 2 * ONE, ask - CENT)
            fill = await s.hears(OrderFilled)
            assert (fill.order_id, fill.size, fill.maker) == (accepted.order_id, 2 * ONE, True)
            assert fill.cost == (ask - CENT) * 2
            assert fill.fee > 0
            await s.hears(BalanceUpdate)
            status = await s.account()
            assert [(i, n) for i, n in status.positions] == [(s.a, 2 * ONE)]
            assert {f.trade_id for f in status.fills} == {fill.trade_id}

    run(story)


def test_a_no_leg_fills_in_its_own_prices(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            bid, _ = s.best()
            await s.rests(s.a.no, price=ONE - bid - CENT, size=3 * ONE)
            s.take(s.a, BookSide.BID, 3 * ONE, bid + CENT)
            fill = await s.hears(OrderFilled)
            assert (fill.instrument, fill.action, fill.price) == (s.a.no, Action.BUY, ONE - bid - CENT)

    run(story)


def test_a_post_only_order_that_would_cross_is_refused(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            order_id = s.place(price=s.best()[1])
            refused = await s.hears(OrderRejected, order_id)
            assert refused.reason is RejectReason.POST_ONLY_CROSS

    run(story)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"price": 10 * CENT + 100}, RejectReason.PRICE),
        ({"price": 40 * CENT, "size": 5000 * ONE}, RejectReason.BALANCE),
        ({"size": ONE // 1000}, RejectReason.SIZE),
    ],
)
def test_refusals_have_their_reason(tmp_path, more, reason):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            order_id = s.place(**more)
            assert (await s.hears(OrderRejected, order_id)).reason is reason

    run(story)


def test_an_unfunded_shard_is_a_matter_of_money(tmp_path):
    async def story():
        async with stage(tmp_path, faults=["unfunded"], table=KalshiTable(fill_backstop=0)) as s:
            await s.subscribed()
            refused = await s.hears(OrderRejected, s.place())
            assert refused.reason is RejectReason.BALANCE
            assert "shard" in refused.text
            status = await s.account()
            assert status.pockets == (("shard 0", status.cash),)  # a healthy total hides nothing

    run(story)


def test_an_exit_takes_what_is_there_and_the_rest_is_told_last(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            await s.rests(price=ask - CENT, size=5 * ONE)
            s.take(s.a, BookSide.ASK, 5 * ONE, ask - CENT)
            await s.hears(OrderFilled)
            bid, _ = s.best()
            exit_id = s.place(
                action=Action.SELL,
                price=bid,
                size=50 * ONE,
                time_in_force=TimeInForce.IOC,
                post_only=False,
                reduce_only=True,
            )
            await s.hears(OrderCanceled, exit_id)
            sold = s.of(OrderFilled, exit_id)
            assert sum(fill.size for fill in sold) == 5 * ONE  # never more than is held
            assert not any(fill.maker for fill in sold)
            kinds = [type(e).__name__ for e in s.told if getattr(e, "order_id", "") == exit_id]
            assert kinds.index("OrderCanceled") > max(i for i, k in enumerate(kinds) if k == "OrderFilled")

    run(story)


def test_an_order_ends_by_itself_unless_the_engine_is_alive(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            left, kept = (
                await s.rests(price=10 * CENT, expires=s.wall_in(2)),
                await s.rests(price=9 * CENT, expires=s.wall_in(3)),
            )
            s.client.send(KeepAlive(venue=K, until=s.wall_in(60)))  # the soonest first, no more than is paid
            await until(lambda: s.client._leases.renewed == 1)
            await s.hears(OrderExpired, kept.order_id)
            assert [t.client_order_id for t in s.resting()] == [left.order_id]
            assert not s.of(OrderExpired, left.order_id)

    run(story)


def test_a_renewal_without_an_answer_is_unknown_and_no_other_price_leaves_until_looked_up(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests(price=10 * CENT, expires=s.wall_in(20))
            s.sandbox.evil.on, strikes = {"drop"}, s.sandbox.evil.strikes
            s.sandbox.evil.strikes = lambda name: name == "drop"
            s.client.send(KeepAlive(venue=K, until=s.wall_in(60)))
            unknown = await s.hears(OutcomeUnknown, accepted.order_id)
            assert "lease" in unknown.text
            s.sandbox.evil.strikes = strikes
            asked = len(s.sandbox.rest.requests)
            s.client.send(KeepAlive(venue=K, until=s.wall_in(90)))
            s.look_up(accepted.order_id, accepted.venue_order_id)
            await s.hears(OrderAccepted, accepted.order_id, count=2)
            assert not [r for r in s.sandbox.rest.requests[asked:] if r[2].endswith("/amend")]
            s.client.send(KeepAlive(venue=K, until=s.wall_in(120)))
            await until(lambda: [r for r in s.sandbox.rest.requests[asked:] if r[2].endswith("/amend")])

    run(story)


def test_while_a_lease_is_renewed_no_other_price_leaves(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests(price=10 * CENT, expires=s.wall_in(10))
            s.client.send(KeepAlive(venue=K, until=s.wall_in(60)))
            s.amend(accepted, 5 * CENT, 5 * ONE)
            await s.hears(OutcomeUnknown, accepted.order_id)
            s.look_up(accepted.order_id, accepted.venue_order_id)
            standing = await s.hears(OrderAccepted, accepted.order_id, count=2)
            assert (standing.price, standing.size) == (10 * CENT, 5 * ONE)

    run(story)


# ---- kill


def test_a_kill_empties_every_shard_and_nothing_rests_for_a_minute(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed(s.a, s.b, s.shard0)
            ids = [s.place(leg, price=n * CENT) for leg in (s.a, s.b, s.shard0) for n in (8, 9, 10)]
            for order_id in ids:
                await s.hears(OrderAccepted, order_id)
            s.client.send(CancelAll(venue=K))
            for order_id in ids:
                await s.hears(OrderCanceled, order_id)
            assert s.resting() == []
            assert (await s.account()).orders == ()
            refused = await s.hears(OrderRejected, s.place())
            assert refused.reason is RejectReason.NOT_CONNECTED
            assert "cancel-all" in (await s.hears(VenueUp, count=2)).held

    run(story)


def test_a_place_that_has_not_left_is_dropped_by_a_kill(tmp_path):
    async def story():
        async with stage(tmp_path, kind="rsa") as s:
            await s.subscribed()
            ids = [s.place(price=n * CENT) for n in range(5, 15)]
            s.client.send(CancelAll(venue=K))
            await until(lambda: len(s.of(OrderRejected)) == 10)
            assert {e.reason for e in s.of(OrderRejected)} == {RejectReason.KILLED}
            assert {e.order_id for e in s.of(OrderRejected)} == set(ids)
            assert s.resting() == []

    run(story)


def test_where_the_sweep_is_refused_everything_is_cancelled_by_id(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            await s.account()  # by now it is listed

            def gone():
                raise ApiError(404, "not_found")

            s.sandbox.rest._calls.cancel_all = gone
            s.client.send(CancelAll(venue=K))
            await s.hears(OrderCanceled, accepted.order_id)

    run(story)


def test_many_of_a_turn_leave_as_batches(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            ids = [s.place(price=n * CENT) for n in range(5, 25)]
            accepted = [await s.hears(OrderAccepted, order_id) for order_id in ids]
            for one in accepted:
                s.cancel(one)
            for one in accepted:
                await s.hears(OrderCanceled, one.order_id)
            batches = [r for r in s.sandbox.rest.requests if r[2].endswith("/batched")]
            assert {r[1] for r in batches} == {"POST", "DELETE"}
            assert len(batches) <= 3

    run(story)


# ---- what is lost


@pytest.mark.parametrize("fault", ["drop", "lose", "unavailable"])
def test_what_gets_no_answer_is_unknown_until_looked_up(tmp_path, fault):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            s.sandbox.evil.on.add(fault)
            s.sandbox.evil.strikes = lambda name: name == fault
            order_id = s.place()
            await s.hears(OutcomeUnknown, order_id)
            s.sandbox.evil.strikes = lambda _: False
            s.look_up(order_id)
            if fault == "lose":
                assert (await s.hears(OrderRejected, order_id)).reason is RejectReason.NOT_FOUND
            else:
                standing = await until(lambda: [e for e in s.of(OrderAccepted, order_id) if e.price])
                assert (standing[0].price, standing[0].size) == (10 * CENT, 5 * ONE)
            assert len(s.resting()) == (0 if fault == "lose" else 1)

    run(story)


def test_a_lookup_tells_fills_before_the_end(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            accepted = await s.rests(price=ask - CENT, size=5 * ONE)
            s.take(s.a, BookSide.ASK, 2 * ONE, ask - CENT)
            s.cancel(accepted)
            await s.hears(OrderCanceled, accepted.order_id)
            before = len(s.told)
            s.look_up(accepted.order_id, accepted.venue_order_id)
            await s.hears(OrderCanceled, accepted.order_id, count=len(s.of(OrderCanceled)) + 1)
            again = [type(e).__name__ for e in s.told[before:] if hasattr(e, "order_id")]
            assert again.index("OrderFilled") < again.index("OrderCanceled")

    run(story)


def test_what_is_gone_is_not_found(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            s.sandbox.house.end(s.resting()[0], "Decrease")
            s.cancel(accepted)
            refused = await s.hears(OrderCancelRejected, accepted.order_id)
            assert refused.reason is RejectReason.NOT_FOUND
            s.amend(accepted, 9 * CENT, 5 * ONE)
            assert (await s.hears(AmendRejected, accepted.order_id)).reason is RejectReason.NOT_FOUND

    run(story)


def test_an_order_the_venue_has_forgotten_is_over_once_reads_cannot_lag_behind_any_more(tmp_path):
    """A demo account that was reset: the order is nowhere, and a name alone is no reason to wait for ever."""

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            await s.account()  # reads have caught up
            del s.sandbox.house.shown.orders[accepted.venue_order_id]
            name = accepted.order_id, accepted.venue_order_id
            s.look_up(*name, placed_s=5)
            assert "lag" in (await s.hears(OutcomeUnknown, accepted.order_id)).text
            assert s.of(OrderCanceled, accepted.order_id) == []
            s.look_up(*name, placed_s=60)
            await s.hears(OrderCanceled, accepted.order_id)

    run(story)


def test_an_order_of_days_ago_is_looked_for_from_when_it_was_placed(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            asked, admit = [], s.sandbox.rest._admit

            async def watched(request):
                if request.path.endswith("/portfolio/orders") and "ticker" in request.query:
                    asked.append(int(request.query["min_ts"]))
                await admit(request)

            s.sandbox.rest._admit = watched
            s.look_up("run-1", placed_s=3 * 24 * 3600)
            await s.hears(OrderRejected, "run-1")
            assert asked[0] < time.time() - 3 * 24 * 3600

    run(story)


def test_fills_missed_by_the_stream_are_read(tmp_path):
    """A private frame carries no number: what is missing shows in the count of the order's own news."""

    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            _, ask = s.best()
            accepted = await s.rests(price=ask - CENT, size=5 * ONE)
            tell = s.sandbox.streams.tell
            s.sandbox.streams.tell = lambda channel, kind, msg: (
                None if kind == "fill" else tell(channel, kind, msg)
            )
            s.take(s.a, BookSide.ASK, 2 * ONE, ask - CENT)
            fill = await s.hears(OrderFilled, accepted.order_id)
            assert fill.size == 2 * ONE

    run(story)


def test_orders_of_an_earlier_run_are_found(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            later = type(s)(s.sandbox, client_of(s.sandbox))
            running = asyncio.create_task(later.client.run(later.told.append))
            await later.hears(VenueUp)
            await later.subscribed()
            status = await later.account()
            assert [(o.order_id, o.venue_order_id) for o in status.orders] == [
                (accepted.order_id, accepted.venue_order_id)
            ]
            later.look_up(accepted.order_id, accepted.venue_order_id)
            assert (await later.hears(OrderAccepted, accepted.order_id)).price == 10 * CENT
            later.cancel(accepted)
            await later.hears(OrderCanceled, accepted.order_id)
            running.cancel()
            await asyncio.wait([running])

    run(story)


def test_an_orphan_on_a_market_nobody_follows_any_more_can_be_cancelled(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            accepted = await s.rests()
            later = type(s)(s.sandbox, client_of(s.sandbox))
            running = asyncio.create_task(later.client.run(later.told.append))
            await later.hears(VenueUp)
            later.cancel(accepted)
            await later.hears(OrderCanceled, accepted.order_id)
            assert s.resting() == []
            running.cancel()
            await asyncio.wait([running])

    run(story)


def test_what_somebody_trades_by_hand_elsewhere_is_not_ours(tmp_path):
    async def story():
        async with stage(tmp_path) as s:
            await s.subscribed()
            house = s.sandbox.house
            _, ask = s.best(s.shard0)
            body = {
                "ticker": s.shard0.symbol,
                "side": "bid",
                "count": "1.00",
                "price": f"{ask / ONE:.4f}",
                "time_in_force": "immediate_or_cancel",
                "self_trade_prevention_type": "taker_at_cross",
            }
            s.sandbox.rest._calls.create(body)
            assert house.bank.nets[s.shard0.symbol] == ONE
            status = await s.account()
            assert isinstance(status, MassStatus)
            assert (status.fills, s.of(OrderFilled)) == ((), [])
            assert (s.shard0, ONE) in status.positions

    run(story)
