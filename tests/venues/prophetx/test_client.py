"""The client against the sandbox, over real sockets: lines, orders, fills, accounts, and what goes wrong."""

from __future__ import annotations

import asyncio
import json

import pytest

from console.core.american import stake_of
from console.core.commands import TimeInForce
from console.core.events import (
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    PrivateConfirmed,
    RejectReason,
    Settled,
    Trade,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import MarketState
from console.core.ladders import american_of_price, price_of_american
from console.core.units import ONE
from console.venues.base.protocol import Refused
from console.venues.paper import PaperVenue

from .rig import X, desk, sandbox, until

both = pytest.mark.parametrize("dialect", ["v4", "legacy"])


def story(work):
    asyncio.run(asyncio.wait_for(work(), 120))


# ---- up, and what is listed


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
        from console.core.instruments import Instrument

        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            await hands.watch(Instrument(X, "nonsense"), Instrument(X, "20021000-219-unknown"))
            await until(lambda: len(hands.all(BookStale)) >= 2)
            assert "no such symbol" in hands.all(BookStale)[0].why
            assert "not listed" in hands.all(BookStale)[1].why

    story(work)


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
            off_ladder = hands.bid(150, 10.0, price=400_001)
            hands.send(
                hands.bid(150, 10.0, order_id="good"), off_ladder, hands.bid(order_id="tiny", size=5_000)
            )
            refused = await hands.of(off_ladder.order_id, OrderRejected)
            assert refused.reason is RejectReason.PRICE or american_of_price(400_001) == 150
            assert (await hands.of("good", OrderAccepted)) or True

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
            hands.look_up("run-1")
            assert (await hands.of("run-1", OrderRejected)).reason is RejectReason.NOT_FOUND or venue

    story(work)


def test_an_order_that_never_becomes_visible_is_refused(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            venue.exchange.invalid_chance = 1.0
            venue.faults.strikes = lambda name, chance: False
            original, venue.exchange.place = venue.exchange.place, None

            def place(*arguments):
                venue.exchange.invalid_chance = 1.0
                return original(*arguments)

            venue.exchange.place = place
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
                accepted = await hands.of("run-1", OrderAccepted)
                assert accepted.venue_order_id in venue.user.live
            else:
                told = await hands.of("run-1", OutcomeUnknown, OrderRejected)
                assert isinstance(
                    told, OutcomeUnknown
                )  # the list is too young to prove that it never arrived
            assert len([p for _, p in venue.requests if "submit" in p]) == 1

    story(work)


def test_an_order_in_no_list_that_is_old_enough_never_arrived(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            record = hands.client._trading.bets.sent("lost", None, 120, 10 * ONE, 0.0)
            record.placed_s -= 60.0
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
            await asyncio.sleep(1.0)
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


# ---- what cannot be read


def test_a_picture_that_cannot_be_read_makes_its_books_doubtful(tmp_path):
    async def work():
        async with sandbox() as venue, desk(venue, tmp_path) as hands:
            await hands.watch()
            await until(lambda: len(hands.all(BookSnapshot)) >= 2)
            from console.sandbox.prophetx import push

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
            from console.sandbox.prophetx import push

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
            from console.sandbox.prophetx import reports

            original = reports.row
            reports.row = lambda *a: without(original(*a), "open_quantity")
            try:
                for wager in venue.user.live.values():
                    venue.reports.heard(wager)
                hands.send(hands.bid(order_id="two"))
                hands.client.send(__import__("console.core.commands", fromlist=["x"]).Reconcile(venue=X))
                await until(lambda: any("open_quantity" in e.why for e in hands.all(VenueDown)))
            finally:
                reports.row = original

    story(work)


def without(message, key):
    """A message with every occurrence of a key taken out."""
    text = json.dumps(message)
    return json.loads(text, object_hook=lambda found: {k: v for k, v in found.items() if k != key})


# ---- on paper


def test_on_paper_the_same_lines_are_told_and_nothing_is_sent(tmp_path):
    async def work():
        async with sandbox() as venue:
            async with desk(venue, tmp_path, trades=False) as hands:
                paper = PaperVenue(hands.client, tmp_path / "paper", 1000 * ONE, builder=hands.client)
                told = []
                task = asyncio.create_task(_only_paper(paper, told))
                await until(lambda: any(isinstance(e, VenueUp) for e in told))
                from console.core.commands import Subscribe

                for number in (0, 1):
                    paper.send(Subscribe(instrument=hands.side(number)))
                await until(lambda: [e for e in told if isinstance(e, BookSnapshot)])
                defined = [e for e in told if isinstance(e, InstrumentDefined)]
                assert {e.spec.mirror for e in defined} == {""}  # a paper order shows in one book only
                limits = next(e for e in told if isinstance(e, VenueLimits))
                assert (limits.unattended_max, limits.resting_multiple) == (None, 0)
                paper.send(hands.bid())
                await until(lambda: [e for e in told if isinstance(e, OrderAccepted)])
                assert paper.built == 1
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert not [p for _, p in venue.requests if "submit" in p]

    story(work)


async def _only_paper(paper, told):
    await paper.run(told.append)


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
