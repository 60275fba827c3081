"""The client against the sandbox: orders, cancels, and what nobody answered."""

from __future__ import annotations

import asyncio

import pytest

from console.core.american import stake_of
from console.core.commands import TimeInForce
from console.core.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    VenueDown,
)
from console.core.ladders import price_of_american
from console.core.units import ONE

from .rig import desk, sandbox, until

both = pytest.mark.parametrize("dialect", ["v4", "legacy"])


def story(work):
    asyncio.run(asyncio.wait_for(work(), 120))


# ---- orders


@both
def test_an_order_is_accepted_when_it_is_visible_and_rests(tmp_path, dialect):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, dialect=dialect) as hands:
            venue.exchange.delays.activation = 0.4
            hands.send(hands.bid(150, 10.0))
            await until(lambda: ("POST", "/v4/mm/submit_order") in venue.requests or dialect == "legacy")
            assert hands.all(OrderAccepted) == []
            accepted = await hands.of("run-1", OrderAccepted)
            (wager,) = venue.user.live.values()
            assert (accepted.venue_order_id, accepted.price) == (wager.wager_id, price_of_american(150))
            assert wager.stake == stake_of(hands.bid(150, 10.0).size, 150) // 10_000
            assert (wager.external_id, wager.odds, wager.add_only) == ("run-1", 150, dialect == "v4")
            status = await hands.account()
            assert [(o.order_id, o.venue_order_id, o.size) for o in status.orders] == [
                ("run-1", wager.wager_id, accepted.size)
            ]

    story(work)


def test_orders_of_one_moment_leave_in_one_request_of_twenty(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(*(hands.bid(150 + 2 * n, 5.0) for n in range(25)))
            await until(lambda: len(hands.all(OrderAccepted)) == 25)
            posts = [path for method, path in venue.requests if method == "POST" and "submit" in path]
            assert posts == ["/v4/mm/submit_multiple_orders"] * 2
            for number in range(25):
                hands.cancel(f"run-{number + 1}")
            await until(lambda: len(hands.all(OrderCanceled)) == 25)
            posts = [path for method, path in venue.requests if method == "POST" and "cancel" in path]
            assert posts == ["/v4/mm/cancel_multiple_orders"] * 2
            assert venue.user.live == {}

    story(work)


def test_the_bad_orders_of_a_batch_are_refused_and_the_good_ones_rest(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(150, order_id="good"), hands.bid(9_999, order_id="off the ladder"))
            assert (await hands.of("off the ladder", OrderRejected)).reason is RejectReason.PRICE
            await hands.of("good", OrderAccepted)
            assert [path for _, path in venue.requests if "submit" in path] == [
                "/v4/mm/submit_multiple_orders"
            ]
            assert list(venue.user.externals) == ["good"]

    story(work)


def test_what_cannot_be_a_bet_is_refused_here(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(order_id="tiny", size=5_000))
            assert hands.all(OrderRejected)[-1].reason is RejectReason.SIZE
            assert not [path for _, path in venue.requests if "submit" in path]

    story(work)


@pytest.mark.parametrize(
    ("odds", "dollars", "reason"), [(150, 200_000.0, RejectReason.BALANCE), (9999, 10.0, RejectReason.PRICE)]
)
def test_a_refusal_of_the_venue_has_its_reason(tmp_path, odds, dollars, reason):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(odds, dollars))
            refused = await hands.of("run-1", OrderRejected)
            assert refused.reason is reason
            assert venue.user.live == {}

    story(work)


def test_an_order_that_never_becomes_visible_is_refused(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.exchange.turns_down = lambda: True
            hands.send(hands.bid())
            assert (await hands.of("run-1", OrderRejected)).reason is RejectReason.BALANCE

    story(work)


def test_a_venue_without_add_only_orders_gets_plain_ones(tmp_path):
    async def work():
        async with sandbox(faults=("no_add_only",)) as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(order_id="first"))
            await hands.of("first", OrderRejected)
            hands.send(hands.bid(order_id="second"))
            await hands.of("second", OrderAccepted)
            (wager,) = venue.user.live.values()
            assert not wager.add_only

    story(work)


def test_an_order_that_takes_is_over_after_two_seconds(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.exchange.rest("crowd", hands.side(1).symbol[-32:], -130, 13_00)
            takes = {"post_only": False, "time_in_force": TimeInForce.IOC}
            hands.send(hands.bid(120, 20.0, order_id="ioc", **takes))
            filled = await hands.of("ioc", OrderFilled)
            assert (filled.price, filled.cost, filled.size) == (price_of_american(130), 10 * ONE, 23 * ONE)
            assert not filled.maker
            await hands.of("ioc", OrderCanceled)
            assert venue.user.live == {}

    story(work)


# ---- cancels and kill


def test_a_locked_order_is_cancelled_after_a_moment(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid())
            await hands.of("run-1", OrderAccepted)
            strikes = iter([True, True, False, False])
            venue.faults.strikes = lambda name, chance: name == "locks" and next(strikes)
            hands.cancel("run-1")
            await hands.of("run-1", OrderCanceled)
            assert len([p for _, p in venue.requests if p == "/v4/mm/cancel_order"]) == 3

    story(work)


@both
def test_a_cancelled_order_is_over_when_it_is_known_what_was_matched_of_it(tmp_path, dialect):
    """The answer to a cancel does not say: what is not told on the private channel is read."""

    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, dialect=dialect) as hands:
            hands.send(hands.bid(120, 100.0))
            await hands.of("run-1", OrderAccepted)
            venue.push._private = lambda *arguments: None
            venue.exchange.take(hands.side(1).symbol[-32:], 48_00)
            hands.cancel("run-1")
            await until(lambda: not venue.user.live)
            hands.look_up("run-1")
            told = await hands.of("run-1", OutcomeUnknown, OrderAccepted, OrderCanceled)
            assert isinstance(told, OutcomeUnknown)  # the copy is older than the cancel
            await hands.of("run-1", OrderCanceled)
            assert [(f.cost, f.size) for f in hands.all(OrderFilled)] == [(40 * ONE, 88 * ONE)]
            kinds = [type(event) for event in hands.told]
            assert kinds.index(OrderFilled) < kinds.index(OrderCanceled)
            assert "private channel did not tell" in (await hands.next(VenueDown)).why

    story(work)


def test_an_order_of_a_live_game_is_placing_and_says_so(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.exchange.go_live(hands.fixture)
            hands.send(hands.bid())
            await until(lambda: venue.user.live)
            (wager,) = venue.user.live.values()
            await until(lambda: hands.client._trading.bets.find("run-1").key)
            hands.cancel("run-1")
            refused = await hands.of("run-1", OrderCancelRejected)
            assert (refused.reason, refused.text) == (RejectReason.OTHER, "still being placed")
            assert wager.wager_id in venue.user.live

    story(work)


def test_a_cancel_of_what_is_gone_is_not_found(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.cancel("never-placed")
            assert (await hands.of("never-placed", OrderCancelRejected)).reason is RejectReason.NOT_FOUND
            hands.send(hands.bid())
            await hands.of("run-1", OrderAccepted)
            hands.cancel("run-1")
            await hands.of("run-1", OrderCanceled)
            hands.cancel("run-1")
            assert (await hands.of("run-1", OrderCancelRejected)).reason is RejectReason.NOT_FOUND

    story(work)


@both
def test_a_cancel_of_everything_with_nothing_open_is_no_error(tmp_path, dialect):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path, dialect=dialect) as hands:
            hands.cancel_all()
            assert (await hands.account()).orders == ()
            assert [p for _, p in venue.requests if "cancel_all" in p]

    story(work)


def test_nothing_unsent_follows_a_cancel_of_everything(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            hands.send(hands.bid(order_id="resting"))
            await hands.of("resting", OrderAccepted)
            hands.send(hands.bid(order_id="unsent"))
            hands.cancel_all()  # in the same moment: the place has not left
            assert [(e.order_id, e.reason) for e in hands.all(OrderRejected)] == [
                ("unsent", RejectReason.KILLED)
            ]
            await hands.of("resting", OrderCanceled)
            assert (await hands.account()).orders == ()
            assert "unsent" not in venue.user.externals

    story(work)


def test_what_survives_in_the_activation_queue_is_listed_until_it_is_gone(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.exchange.delays.activation = 1.0
            hands.send(hands.bid())
            await until(lambda: venue.user.live)
            hands.cancel_all()
            assert [o.order_id for o in (await hands.account()).orders] == ["run-1"]
            await hands.of("run-1", OrderAccepted)
            hands.cancel_all()
            await hands.of("run-1", OrderCanceled)
            assert (await hands.account()).orders == ()

    story(work)


# ---- unknown outcomes


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_place_without_an_answer_is_looked_up_and_never_sent_again(tmp_path, carried_out):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            fault = "lost_replies" if carried_out else "errors"
            strikes = iter([True])
            venue.faults.strikes = lambda name, chance: name == fault and next(strikes, False)
            venue.push._private = lambda *arguments: None  # and the private channel is mute
            hands.send(hands.bid())
            await hands.of("run-1", OutcomeUnknown)
            hands.look_up("run-1")
            if carried_out:
                accepted = await found(hands, "run-1")
                assert accepted.venue_order_id in venue.user.live
            else:
                told = await hands.of("run-1", OutcomeUnknown, OrderRejected)
                assert isinstance(told, OutcomeUnknown)  # the list is too young to prove anything
            assert len([p for _, p in venue.requests if "submit" in p]) == 1

    story(work)


async def found(hands, order_id):
    """Ask until it is known, as the engine does."""
    while True:
        told = await hands.of(order_id, OutcomeUnknown, OrderAccepted)
        if isinstance(told, OrderAccepted):
            return told
        await asyncio.sleep(0.1)
        hands.look_up(order_id)


def test_an_order_in_no_list_that_is_old_enough_never_arrived(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            record = hands.client._trading.bets.sent("lost", None, 120, 10 * ONE, 0.0)
            record.placed_s = hands.client._trading._now_s() - 60.0
            hands.look_up("lost")
            assert (await hands.of("lost", OrderRejected)).reason is RejectReason.NOT_FOUND

    story(work)


def test_an_id_used_before_is_an_order_that_arrived(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            side = hands.side().symbol[-32:]
            venue.exchange.place(venue.user, "run-1", side, 150, 10.0, None)
            hands.send(hands.bid(150, 10.0))
            await hands.of("run-1", OutcomeUnknown, OrderAccepted)
            hands.look_up("run-1")
            await hands.of("run-1", OrderAccepted)
            assert len(venue.user.externals) == 1

    story(work)


def test_an_order_of_an_earlier_run_is_told_beyond_what_was_booked(tmp_path):
    async def work():
        async with sandbox() as venue:
            async with desk(venue, tmp_path) as hands:
                hands.send(hands.bid(120, 100.0))
                await hands.of("run-1", OrderAccepted)
            venue.exchange.take(hands.side(1).symbol[-32:], 48_00)
            async with desk(venue, tmp_path) as later:
                status = await later.account()
                assert [o.filled for o in status.orders] == [88 * ONE]
                assert later.all(OrderFilled) == []
                later.look_up("run-1", status.orders[0].venue_order_id, filled=22 * ONE)
                filled = await later.next(OrderFilled)
                assert (filled.cost, filled.size) == (30 * ONE, 66 * ONE)
                await later.of("run-1", OrderAccepted)

    story(work)
