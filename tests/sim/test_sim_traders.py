"""Everybody else at the simulated venues: what makes them bid, outbid, take and leave."""

import random

import pytest
from sim_bench import ASK, BID, Bench

from console.core.instruments import InstrumentSpec, MarketState
from console.core.ladders import Band
from console.core.units import CENT, ONE
from console.sim.games import Game
from console.sim.listings import catalogue
from console.sim.traders import Crowd, InformedTaker, NoiseTaker, Pit, Rival, crew

FIXTURE = next(fixture for fixture in catalogue(0) if fixture.match.id == "nba-bos-den")


def ring(spec: InstrumentSpec | None = None, fair: float = 0.5) -> tuple[Bench, Pit]:
    """A symbol whose YES is worth `fair`, with nobody there yet."""
    bench = Bench() if spec is None else Bench(spec)
    game = Game(FIXTURE, form=0.0, void=False)
    game.fair = [fair, 1 - fair]
    game.believed = [fair, 1 - fair]
    return bench, Pit(bench.exchange, "HOME", game, 0, 1.0)


def rival(pit: Pit, edge_cents: float = 2.0) -> Rival:
    """A market maker who knows what everybody knows, and never overpays."""
    return Rival("rival", pit, edge_cents * CENT, 0.0, FixedDice())


class FixedDice:
    def random(self) -> float:
        return 0.5

    def gauss(self, mu: float, sigma: float) -> float:
        return mu

    def expovariate(self, lambd: float) -> float:
        return 1.0 / lambd


def best(bench: Bench) -> tuple[float, float]:
    bids, asks = bench.levels()
    return max(bids, default=0), min(asks, default=100)


def test_rival_outbids_by_one_step():
    bench, pit = ring()
    bench.rest("other", BID, 45, 10)
    bench.rest("other", ASK, 55, 10)
    rival(pit).act()
    assert best(bench) == (46, 54)


@pytest.mark.parametrize(("other", "bids"), [(48, {48: 110}), (49, {49: 10, 48: 100})])
def test_rival_never_bids_above_its_limit(other, bids):
    bench, pit = ring()
    bench.rest("other", BID, other, 10)
    rival(pit).act()
    assert bench.levels()[0] == bids


def test_rival_alone_rests_at_its_limit():
    bench, pit = ring()
    rival(pit).act()
    assert best(bench) == (48, 52)


def test_rival_does_not_outbid_itself():
    bench, pit = ring()
    bench.rest("other", BID, 45, 10)
    maker = rival(pit)
    for _ in range(5):
        maker.act()
    assert best(bench)[0] == 46


def test_rival_does_not_fight_over_tenths_of_a_cent():
    fine = InstrumentSpec(bands=(Band(0, ONE, CENT // 10),), two_sided=True)
    bench, pit = ring(fine)
    bench.rest("other", BID, 45, 10)
    rival(pit).act()
    assert best(bench)[0] == 45.5


def test_rival_retreats_with_the_price():
    bench, pit = ring()
    maker = rival(pit)
    maker.act()
    pit.game.believed = [0.4, 0.6]
    maker.act()
    assert best(bench) == (38, 42)


def test_rival_never_crosses():
    bench, pit = ring()
    bench.rest("other", ASK, 45, 10)
    rival(pit).act()
    assert best(bench) == (44, 45)
    assert bench.market.defect() is None


def test_rival_replaces_an_order_that_is_mostly_filled():
    bench, pit = ring()
    maker = rival(pit)
    maker.act()
    bench.take(ASK, 40)
    maker.act()
    assert bench.levels()[0] == {48: 60}
    bench.take(ASK, 20)
    maker.act()
    assert bench.levels()[0] == {48: 100}


def test_informed_taker_takes_what_is_wrong_against_the_truth_only():
    bench, pit = ring()
    bench.rest("slow", ASK, 52, 30)
    taker = InformedTaker(pit, FixedDice())
    taker.act()
    assert bench.levels()[1] == {52: 30}
    pit.game.fair = [0.6, 0.4]
    taker.act()
    assert bench.levels()[1] == {}


def test_informed_taker_sells_to_who_bids_too_much():
    bench, pit = ring()
    bench.rest("keen", BID, 52, 30)
    InformedTaker(pit, FixedDice()).act()
    assert bench.levels()[0] == {}


def test_noise_takers_hit_both_sides_but_not_at_any_price():
    bench, pit = ring()
    dice = random.Random(1)
    taker = NoiseTaker(pit, dice)
    hits = {BID: 0, ASK: 0}
    for _ in range(300):
        near = {side: bench.rest("maker", side, cents, 500) for side, cents in ((BID, 49), (ASK, 51))}
        taker.act()
        for side, order in near.items():
            hits[side] += order.left < 500 * ONE
            bench.exchange.pull(order)
    assert min(hits.values()) > 50
    far = bench.rest("maker", BID, 40, 10)
    for _ in range(100):
        taker.act()
    assert far.left == 10 * ONE


def test_crowd_fills_a_book_away_from_the_middle_and_moves_with_it():
    bench, pit = ring()
    crowd = Crowd(pit, random.Random(1))
    crowd.gather()
    bids, asks = bench.levels()
    assert min(len(bids), len(asks)) >= 8
    assert max(bids) <= 49
    assert min(asks) >= 51
    pit.game.believed = [0.4, 0.6]
    for _ in range(400):
        crowd.act()
    assert max(bench.levels()[0]) <= 39
    assert bench.market.defect() is None


def test_crew_takes_over_the_orders_of_an_earlier_life():
    bench, pit = ring()
    for trader in crew(pit, random.Random(1), fresh=True):
        trader.act()
    before = bench.market.snapshot()
    again = crew(pit, random.Random(2), fresh=False)
    assert bench.market.snapshot() == before
    for _ in range(50):
        for trader in again:
            trader.act()
    rivals = [order.owner for order in bench.market.orders() if order.owner.startswith("rival")]
    assert len(rivals) == len(set(rivals)) * 2  # one bid and one ask each
    assert bench.market.defect() is None


def test_traders_leave_a_market_that_is_not_open_alone():
    bench, pit = ring()
    traders = crew(pit, random.Random(1), fresh=True)
    bench.exchange.set_state("HOME", MarketState.PAUSED, wipe=True)
    for trader in traders:
        for _ in range(20):
            assert trader.act() > 0
    assert bench.levels() == ({}, {})
    assert not pit.over
    bench.exchange.set_state("HOME", MarketState.CLOSED)
    assert pit.over
