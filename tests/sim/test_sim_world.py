"""The pretended world as a whole: repeatable, alive, and without a cent from nowhere."""

import hashlib
import os
import random
import subprocess
import sys
from collections import Counter

import msgspec
import pytest
from sim_bench import BASIS, BUY, SELL

from console.core.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    CeilingKind,
    Lookup,
    PlaceOrder,
    Reconcile,
    Resync,
    Subscribe,
)
from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    GameEnded,
    GameStarted,
    MarketStatus,
    OddsUpdate,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    Settled,
    VenueDown,
)
from console.core.instruments import BookSide, MarketState, Venue, VenueOrderId
from console.core.units import CENT, MILLISECOND, ONE, SECOND
from console.sim.dials import CALM, STORMY, Dials
from console.sim.world import World

NO_ID = VenueOrderId("")


def subscribed(seed=1, dials=CALM, **more) -> World:
    world = World(seed, dials, **more)
    for match in world.listings:
        for listing in match.listings:
            world.submit(Subscribe(instrument=listing.instrument), world.now)
    return world


def run(world: World, seconds: float, act=None) -> list:
    """Advance event by event, letting `act(event)` send commands; everything that reached us."""
    seen, end = [], world.now + int(seconds * SECOND)
    while world.next_ts() <= end:
        for event in world.advance(world.next_ts()):
            seen.append(event)
            for command in act(event) if act else ():
                world.submit(command, event.ts)
    seen += world.advance(end)
    return seen


def digest(events) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(events)).hexdigest()


class Monkey:
    """Sends every kind of request about every symbol, whatever the world answers."""

    def __init__(self, world: World, seed: int, share: float = 0.05) -> None:
        self.world, self.dice, self.share, self.count = world, random.Random(seed), share, 0
        self.instruments = [listing.instrument for match in world.listings for listing in match.listings]
        self.sent = {}

    def act(self, event) -> list:
        if isinstance(event, BookStale):
            return [Resync(instrument=event.instrument)]
        if self.dice.random() > self.share:
            return []
        choice = self.dice.random()
        if choice < 0.6 or not self.sent:
            return [self._place()]
        name = self.dice.choice(list(self.sent))
        leg = self.sent[name]
        if choice < 0.75:
            return [CancelOrder(order_id=name, venue_order_id=NO_ID, instrument=leg)]
        if choice < 0.90:
            return [self._amend(name, leg)]
        if choice < 0.97:
            return [Lookup(order_id=name, venue_order_id=NO_ID, instrument=leg)]
        venue = self.dice.choice(self.world.venues)
        return [CancelAll(venue=venue) if choice < 0.975 else Reconcile(venue=venue)]

    def _place(self) -> PlaceOrder:
        self.count += 1
        leg = self.dice.choice(self.instruments)
        if self.world.spec_of(leg).two_sided and self.dice.random() < 0.3:
            leg = leg.no
        name, price = f"m-{self.count}", self._price(leg)
        self.sent[name] = leg
        return PlaceOrder(
            order_id=name, match="m", instrument=leg, action=SELL if self.dice.random() < 0.3 else BUY,
            price=price, size=self.dice.randrange(5, 30) * ONE, ceiling=price,
            ceiling_kind=CeilingKind.QUOTE, basis=BASIS,
        )  # fmt: skip

    def _amend(self, name, leg) -> AmendOrder:
        price = self._price(leg)
        return AmendOrder(
            order_id=name, venue_order_id=NO_ID, match="m", instrument=leg, action=BUY, price=price,
            size=self.dice.randrange(1, 30) * ONE, ceiling=price, ceiling_kind=CeilingKind.QUOTE, basis=BASIS,
        )  # fmt: skip

    def _price(self, leg) -> int:
        prices = self.world.exchange(leg.venue).markets[leg.symbol].prices
        return self.dice.choice(prices[len(prices) // 4 : 3 * len(prices) // 4])


class Quoter:
    """A newcomer: one bid of ten contracts on each symbol of a match, a cent below the sharp price."""

    def __init__(self, world: World, match: str) -> None:
        self.world, self.count, self.live = world, 0, {}
        self.match = next(spec for spec in world.listings if spec.id == match)

    def act(self, event) -> list:
        if isinstance(event, OrderRejected | OrderCanceled):
            self.live.pop(event.order_id, None)
        if isinstance(event, OrderFilled) and self.done(event.order_id):
            self.live.pop(event.order_id, None)
        if not isinstance(event, OddsUpdate) or event.source != "pinnacle" or event.match != self.match.id:
            return []
        implied = [1 / price for price in event.odds]
        commands = []
        for listing in self.match.listings:
            fair = implied[listing.pays[0]] / sum(implied)
            commands += self._requote(listing.instrument, int(fair * 100) * CENT - CENT)
        return commands

    def done(self, name) -> bool:
        return name not in {order.order_id for order in self.world.orders(Venue.KALSHI)}

    def _requote(self, instrument, price) -> list:
        for name, (where, at) in self.live.items():
            if where == instrument:
                stale = at != price
                return [CancelOrder(order_id=name, venue_order_id=NO_ID, instrument=where)] if stale else []
        self.count += 1
        name = f"q-{self.count}"
        self.live[name] = (instrument, price)
        return [
            PlaceOrder(
                order_id=name, match=self.match.id, instrument=instrument, action=BUY, price=price,
                size=10 * ONE, ceiling=price, ceiling_kind=CeilingKind.QUOTE, basis=BASIS,
            )
        ]  # fmt: skip


# ---- what there is


def test_world_opens_with_books_that_look_like_books():
    world = subscribed()
    books = {e.instrument: e for e in run(world, 1) if isinstance(e, BookSnapshot)}
    assert len(books) == 22
    for book in books.values():
        spread = book.asks[0][0] - book.bids[0][0]
        assert 0 < spread <= 8 * CENT
        assert min(len(book.bids), len(book.asks)) >= 6
    sizes = [size // ONE for book in books.values() for _, size in (*book.bids, *book.asks)]
    assert min(sizes) >= 5
    assert max(sizes) > 1000


def test_typical_spread_is_two_to_four_cents():
    world = subscribed()
    spreads = []
    for _ in range(60):
        run(world, 5)
        for match in world.listings[2:]:
            for listing in match.listings:
                market = world.exchange(listing.instrument.venue).markets[listing.instrument.symbol]
                if not (market.bids.empty or market.asks.empty):
                    spreads.append(market.prices[market.asks.best] - market.prices[market.bids.best])
    spreads.sort()
    assert 2 * CENT <= spreads[len(spreads) // 2] <= 4 * CENT


def test_sharp_odds_arrive_about_every_two_seconds():
    seen = run(subscribed(), 60)
    polls = Counter((e.match, e.source) for e in seen if isinstance(e, OddsUpdate))
    assert len([key for key in polls if key[1] == "pinnacle"]) == 9
    assert len([key for key in polls if key[1] != "pinnacle"]) == 4
    assert all(25 <= count <= 31 for count in polls.values())


def test_facts_can_be_asked_for_beforehand():
    world = World(1)
    assert world.venues == (Venue.KALSHI, Venue.POLYMARKET, Venue.PROPHETX)
    for match in world.listings:
        odds = world.odds_now(match.id)
        assert 1.02 < sum(1 / price for price in odds) < 1.05
        assert sum(world.truth(match.id)) == pytest.approx(1.0)
        for listing in match.listings:
            assert world.spec_of(listing.instrument.no) == world.spec_of(listing.instrument)
    with pytest.raises(KeyError):
        world.odds_now("nowhere")


def test_smaller_world_has_the_first_matches_only():
    world = World(1, matches=2)
    assert [match.sport for match in world.listings] == ["MLB", "CS2"]
    assert world.venues == (Venue.KALSHI,)


# ---- repeatable


def test_same_seed_same_events():
    first, second = (digest(run(subscribed(7, STORMY), 60)) for _ in range(2))
    other = digest(run(subscribed(8, STORMY), 60))
    assert first == second != other


def test_same_seed_and_same_requests_same_events():
    digests = []
    for _ in range(2):
        world = subscribed(7, STORMY)
        digests.append(digest(run(world, 60, Monkey(world, 3).act)))
    assert digests[0] == digests[1]


def test_looking_at_the_world_changes_nothing():
    curious = subscribed(5, STORMY)
    for match in curious.listings:
        curious.odds_now(match.id)
    curious.save()
    assert digest(run(curious, 30)) == digest(run(subscribed(5, STORMY), 30))


def test_events_do_not_depend_on_how_finely_time_is_cut():
    fine = run(subscribed(5, STORMY), 30)
    world, coarse = subscribed(5, STORMY), []
    for tenth in range(1, 301):
        coarse += world.advance(tenth * SECOND // 10)
    assert digest(fine) == digest(coarse)


def test_events_come_in_order_of_time_and_carry_both_clocks():
    events = run(subscribed(5, STORMY, ts=3 * SECOND, wall=1_800_000_000 * SECOND), 30)
    assert [e.ts for e in events] == sorted(e.ts for e in events)
    assert {e.wall - e.ts for e in events} == {1_799_999_997 * SECOND}


def test_luck_does_not_hang_on_hash_order():
    code = (
        "import hashlib, msgspec\n"
        "from console.core.commands import Subscribe\n"
        "from console.sim.dials import STORMY\n"
        "from console.sim.world import World\n"
        "w = World(3, STORMY, matches=5)\n"
        "for m in w.listings:\n"
        "    for l in m.listings: w.submit(Subscribe(instrument=l.instrument), 0)\n"
        "print(hashlib.sha256(msgspec.msgpack.encode(w.advance(20 * 10**9)) + w.save()).hexdigest())\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(answers) == 1
    assert len(answers.pop()) == 65


# ---- alive


@pytest.mark.parametrize("seed", range(4))
def test_newcomer_is_filled_within_a_minute_and_sees_inventory_move(seed):
    world = subscribed(seed)
    quoter = Quoter(world, "nba-bos-den")
    seen = run(world, 240, quoter.act)
    fills = [event for event in seen if isinstance(event, OrderFilled)]
    assert fills[0].ts < 75 * SECOND
    assert len({fill.instrument for fill in fills}) == 2
    assert world.positions(Venue.KALSHI)
    assert world.fees(Venue.KALSHI) > 0
    assert world.cash(Venue.KALSHI) != 1000 * ONE
    assert [fill.trade_id for fill in world.fills(Venue.KALSHI)] == [fill.trade_id for fill in fills]


def test_match_lives_a_whole_life_within_a_quarter_of_an_hour():
    world = subscribed(1)
    seen = run(world, 15 * 60)
    match = world.listings[0]
    news = [type(e) for e in seen if isinstance(e, GameStarted | GameEnded) and e.match == match.id]
    assert news == [GameStarted, GameEnded]
    paid = []
    for listing in match.listings:
        told = [
            e.state if isinstance(e, MarketStatus) else "settled"
            for e in seen
            if isinstance(e, MarketStatus | Settled) and e.instrument == listing.instrument
        ]
        assert told == [MarketState.OPEN, MarketState.CLOSED, MarketState.RESOLVED, "settled"]
        paid += [e.payout for e in seen if isinstance(e, Settled) and e.instrument == listing.instrument]
    assert sorted(paid) == [0, ONE]


def test_world_is_over_when_its_last_match_is_settled():
    world = World(1, matches=1)
    run(world, 12 * 60)
    assert not world.over
    run(world, 60)
    assert world.over


def test_void_match_is_settled_by_each_venues_rule():
    world = subscribed(1, Dials(match_void=1.0))
    seen = run(world, 15 * 60)
    settled = [event for event in seen if isinstance(event, Settled)]
    assert len(settled) == 4
    assert sum(event.payout for event in settled) == pytest.approx(2 * ONE, abs=2 * CENT)
    assert world.counts() == {"match_void": 2}


def test_scale_makes_everybody_act_more_often():
    slow, fast = (len(run(subscribed(1, scale=scale), 30)) for scale in (1.0, 4.0))
    assert 2.5 * slow < fast < 4.5 * slow


# ---- storms


@pytest.mark.parametrize("seed", range(3))
def test_no_cent_appears_from_nowhere_in_any_storm(seed):
    world = subscribed(seed, STORMY, scale=3.0)
    monkey = Monkey(world, seed)
    for _ in range(30):
        run(world, 10, monkey.act)
        assert world.defect() is None
        for venue in world.venues:
            account = world.exchange(venue).account
            assert account.money.cash + account.money.fees >= account.locked
    fills = [fill for venue in world.venues for fill in world.fills(venue)]
    assert len(fills) > 50
    assert len({(fill.instrument.venue, fill.trade_id) for fill in fills}) == len(fills)


def test_storm_brings_every_misfortune():
    dials = msgspec.structs.replace(
        STORMY,
        gap=0.005,
        disconnects_per_hour=60.0,
        freezes_per_hour=60.0,
        pauses_per_hour=20.0,
        odds_silences_per_hour=60.0,
    )
    world = subscribed(2, dials, scale=3.0)
    run(world, 200, Monkey(world, 2, share=0.2).act)
    assert set(world.counts()) >= {
        "request_lost", "reply_lost", "rejected", "rate_limited", "duplicated", "reordered", "late_fill",
        "slow_cancel", "gap", "disconnect", "freeze", "pause", "odds_silence", "fill_unseen",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_followed_book_is_the_venues_book_whenever_it_is_read(seed):
    """Whoever folds snapshots and deltas, and reads afresh what is stale, holds what a reading shows."""
    dials = msgspec.structs.replace(STORMY, freezes_per_hour=0.0, pauses_per_hour=0.0, gap=0.002)
    world = subscribed(seed, dials, scale=3.0)
    symbols = [listing.instrument for match in world.listings for listing in match.listings]
    books, dice, compared = {}, random.Random(seed), 0

    def follow(event) -> list:
        nonlocal compared
        if isinstance(event, BookSnapshot):
            if event.instrument in books:
                compared += 1
                bids, asks = ({p: s for p, s in side.items() if s} for side in books[event.instrument])
                assert (bids, asks) == (dict(event.bids), dict(event.asks))
            books[event.instrument] = (dict(event.bids), dict(event.asks))
        elif isinstance(event, BookDelta):
            sizes = books[event.instrument][event.side is BookSide.ASK]
            sizes[event.price] = sizes.get(event.price, 0) + event.change
            assert sizes[event.price] >= 0
        elif isinstance(event, VenueDown):
            for instrument in [known for known in books if known.venue is event.venue]:
                del books[instrument]
        elif isinstance(event, BookStale):
            del books[event.instrument]
            return [Resync(instrument=event.instrument)]
        return [Resync(instrument=dice.choice(symbols))] if dice.random() < 0.02 else []

    run(world, 200, follow)
    assert compared > 200


# ---- surviving the process


def account(world: World) -> list:
    return [
        (
            world.orders(venue),
            world.positions(venue),
            world.cash(venue),
            world.fees(venue),
            world.fills(venue),
            world.exchange(venue).account.locked,
            [(m.snapshot(), m.state) for m in world.exchange(venue).markets.values()],
        )
        for venue in world.venues
    ]


def worn(seed=4, seconds=60) -> World:
    world = subscribed(seed, STORMY)
    run(world, seconds, Monkey(world, seed).act)
    return world


def test_saved_world_goes_on_exactly_where_it_stood():
    world = worn()
    loaded = World.load(world.save(), STORMY, ts=5, wall=world.listings[0].start - SECOND)
    assert account(loaded) == account(world)
    assert [loaded.truth(m.id) for m in loaded.listings] == [world.truth(m.id) for m in world.listings]
    assert loaded.listings == world.listings
    assert loaded.defect() is None


def test_saving_a_loaded_world_gives_the_same_account_again():
    world = worn()
    again = World.load(world.save(), ts=0, wall=world.listings[0].start)
    third = World.load(again.save(), ts=0, wall=world.listings[0].start)
    assert account(third) == account(world)


def test_queue_position_survives():
    world = World(1, matches=1)
    instrument = world.listings[0].listings[0].instrument
    venue = world.exchange(instrument.venue)
    before = venue.rest("before", instrument.symbol, BookSide.BID, 5 * CENT, 10 * ONE)
    run(world, 1)
    world.submit(order("us-1", instrument, 5), world.now)
    run(world, 1)
    venue.rest("after", instrument.symbol, BookSide.BID, 5 * CENT, 10 * ONE)
    loaded = World.load(world.save(), ts=0, wall=world.listings[0].start)
    queue = loaded.exchange(instrument.venue).markets[instrument.symbol].bids.queues[4].values()
    ours = [entry.owner for entry in queue if entry.owner in ("before", "", "after")]
    assert before.left == 10 * ONE
    assert ours == ["before", "", "after"]


def order(name, instrument, cents) -> PlaceOrder:
    return PlaceOrder(
        order_id=name, match="m", instrument=instrument, action=BUY, price=cents * CENT, size=10 * ONE,
        ceiling=cents * CENT, ceiling_kind=CeilingKind.QUOTE, basis=BASIS,
    )  # fmt: skip


def test_ids_and_fills_are_remembered_for_ever():
    world = worn()
    loaded = World.load(world.save(), ts=0, wall=world.listings[0].start - SECOND)
    fill = world.fills(Venue.KALSHI)[0]
    run(loaded, 1)
    lookup = Lookup(order_id=fill.order_id, venue_order_id=NO_ID, instrument=fill.instrument)
    loaded.submit(lookup, loaded.now)
    loaded.submit(order(fill.order_id, fill.instrument, 5), loaded.now)
    seen = run(loaded, 1)
    assert fill.trade_id in [event.trade_id for event in seen if isinstance(event, OrderFilled)]
    assert "DUPLICATE" in [event.reason.name for event in seen if isinstance(event, OrderRejected)]
    new = [f.trade_id for f in run_until_filled(loaded)]
    assert set(new).isdisjoint(f.trade_id for f in world.fills(Venue.KALSHI))


def run_until_filled(world: World) -> list:
    quoter = Quoter(world, "nba-bos-den")
    return [event for event in run(world, 120, quoter.act) if isinstance(event, OrderFilled)]


def test_request_under_way_at_the_kill_still_arrives():
    world = World(1, matches=1)
    instrument = world.listings[0].listings[0].instrument
    run(world, 1)
    world.submit(order("us-1", instrument, 5), world.now)
    loaded = World.load(world.save(), ts=0, wall=world.listings[0].start)
    assert loaded.orders(Venue.KALSHI) == ()
    seen = run(loaded, 1)
    assert [resting.order_id for resting in loaded.orders(Venue.KALSHI)] == ["us-1"]
    assert not [event for event in seen if isinstance(event, OrderAccepted)]


def test_match_that_should_be_over_ends_soon_after_loading():
    world = World(1)
    run(world, 10)
    loaded = World.load(world.save(), ts=0, wall=world.listings[0].end + SECOND)
    for listing in loaded.listings[0].listings:
        loaded.submit(Subscribe(instrument=listing.instrument), loaded.now)
    seen = run(loaded, 60)
    assert [type(e) for e in seen if isinstance(e, GameStarted | GameEnded)][:2] == [GameStarted, GameEnded]
    assert len([event for event in seen if isinstance(event, Settled)]) == 2


def test_settled_and_paused_markets_stay_so_and_reopen():
    world = World(1, matches=2)
    symbols = [listing.instrument.symbol for match in world.listings for listing in match.listings]
    kalshi = world.exchange(Venue.KALSHI)
    kalshi.resolve(symbols[0], ONE)
    kalshi.set_state(symbols[1], MarketState.PAUSED)
    loaded = World.load(world.save(), ts=0, wall=world.listings[0].start - 60 * SECOND)
    markets = loaded.exchange(Venue.KALSHI).markets
    assert markets[symbols[0]].state is MarketState.RESOLVED
    assert markets[symbols[0]].settled.payout == ONE
    assert markets[symbols[1]].state is MarketState.PAUSED
    run(loaded, 1)
    assert markets[symbols[1]].state is MarketState.OPEN


@pytest.mark.parametrize("rubbish", [b"", b"\x93\x01", msgspec.msgpack.encode([99, 1, 1, 1, [], [], []])])
def test_what_is_no_saved_world_is_refused(rubbish):
    with pytest.raises(msgspec.DecodeError):
        World.load(rubbish, ts=0, wall=0)


def test_clock_never_runs_backwards():
    world = World(1)
    world.advance(10 * SECOND)
    world.submit(Reconcile(venue=Venue.KALSHI), 3 * SECOND)
    assert world.now == 10 * SECOND
    assert world.advance(5 * SECOND) == []
    assert world.next_ts() >= 10 * SECOND - 100 * MILLISECOND
