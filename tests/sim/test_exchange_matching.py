"""Other participants at a simulated venue: price, time, partial fills and what the public sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_bench import ASK, BID, TWO_SIDED, Bench

from console.core.events import BookDelta, BookSnapshot, BookStale, InstrumentDefined, MarketStatus, Trade
from console.core.instruments import Instrument, InstrumentSpec, MarketState, Venue
from console.core.ladders import Band
from console.core.units import CENT, ONE


def test_better_price_trades_first():
    bench = Bench()
    bench.rest("far", ASK, 52, 10)
    near = bench.rest("near", ASK, 51, 10)
    assert bench.take(BID, 10) == 10
    assert near.left == 0
    assert bench.levels()[1] == {52: 10}


def test_earlier_order_of_one_price_trades_first():
    bench = Bench()
    first = bench.rest("first", BID, 40, 5)
    second = bench.rest("second", BID, 40, 5)
    bench.take(ASK, 6)
    assert (first.left, second.left) == (0, 4 * ONE)


def test_partly_filled_order_keeps_its_turn():
    bench = Bench()
    first = bench.rest("first", BID, 40, 5)
    second = bench.rest("second", BID, 40, 5)
    bench.take(ASK, 2)
    bench.take(ASK, 2)
    assert (first.left, second.left) == (1 * ONE, 5 * ONE)


def test_order_pulled_in_part_keeps_its_turn():
    bench = Bench()
    first = bench.rest("first", BID, 40, 5)
    bench.rest("second", BID, 40, 5)
    bench.exchange.pull(first, 3 * ONE)
    bench.take(ASK, 2)
    assert first.left == 0
    assert bench.levels()[0] == {40: 5}


@pytest.mark.parametrize(
    ("limit", "taken", "left"),
    [(None, 9, {}), (53, 6, {55: 3}), (51, 2, {52: 4, 55: 3}), (50, 0, {51: 2, 52: 4, 55: 3})],
)
def test_taker_stops_at_its_limit(limit, taken, left):
    bench = Bench()
    for cents, contracts in ((51, 2), (52, 4), (55, 3)):
        bench.rest("maker", ASK, cents, contracts)
    assert bench.take(BID, 100, limit) == taken
    assert bench.levels()[1] == left


def test_limit_between_two_rungs_counts_as_the_worse_for_the_taker():
    bench = Bench()
    bench.rest("maker", ASK, 51, 2)
    bench.rest("maker", BID, 49, 2)
    assert bench.take(BID, 5, 50.7) == 0
    assert bench.take(ASK, 5, 49.3) == 0


def test_limit_order_that_crosses_trades_and_rests_with_the_remainder():
    bench = Bench()
    bench.rest("maker", ASK, 51, 4)
    order = bench.rest("other", BID, 52, 10)
    assert order.left == 6 * ONE
    assert bench.levels() == ({52: 6}, {})
    assert bench.rest("third", ASK, 52, 6) is None
    assert bench.levels() == ({}, {})


def test_nobody_trades_with_himself():
    bench = Bench()
    own = bench.rest("same", ASK, 51, 4)
    other = bench.rest("other", ASK, 51, 4)
    bench.rest("same", BID, 51, 3)
    assert own.left == 0
    assert other.left == 1 * ONE


def test_pulled_order_is_gone_and_pulling_again_does_no_harm():
    bench = Bench()
    order = bench.rest("maker", BID, 40, 5)
    bench.exchange.pull(order)
    bench.exchange.pull(order)
    assert bench.levels() == ({}, {})
    assert bench.market.bids.empty


def test_best_price_falls_back_over_empty_levels():
    bench = Bench()
    bench.rest("deep", BID, 20, 5)
    top = bench.rest("top", BID, 40, 5)
    assert bench.market.prices[bench.market.bids.best] == 40 * CENT
    bench.exchange.pull(top)
    assert bench.market.prices[bench.market.bids.best] == 20 * CENT


def test_subscriber_hears_facts_state_and_book_first():
    bench = Bench()
    bench.rest("maker", BID, 40, 5)
    bench.rest("maker", ASK, 60, 2)
    bench.exchange.subscribe(bench.market.instrument)
    home = Instrument(Venue.KALSHI, "HOME")
    assert bench.exchange.public == [
        InstrumentDefined(instrument=home, spec=TWO_SIDED),
        MarketStatus(instrument=home, state=MarketState.OPEN),
        BookSnapshot(instrument=home, bids=((400_000, 5_000_000),), asks=((600_000, 2_000_000),)),
    ]


def test_unknown_symbol_is_said_to_be_so():
    bench = Bench()
    nowhere = Instrument(Venue.KALSHI, "NOWHERE")
    bench.exchange.subscribe(nowhere)
    assert bench.exchange.public == [BookStale(instrument=nowhere, why="no such symbol")]


def test_every_match_is_a_trade_and_a_change_of_the_book():
    bench = Bench(streamed=True)
    home = bench.market.instrument
    bench.rest("a", BID, 40, 5)
    bench.rest("b", BID, 40, 5)
    bench.take(ASK, 7)
    assert bench.exchange.public == [
        BookDelta(instrument=home, side=BID, price=400_000, change=5_000_000),
        BookDelta(instrument=home, side=BID, price=400_000, change=5_000_000),
        BookDelta(instrument=home, side=BID, price=400_000, change=-5_000_000),
        Trade(instrument=home, price=400_000, size=5_000_000, taker=ASK),
        BookDelta(instrument=home, side=BID, price=400_000, change=-2_000_000),
        Trade(instrument=home, price=400_000, size=2_000_000, taker=ASK),
    ]


def test_nothing_is_reported_to_nobody():
    bench = Bench(streamed=True)
    bench.exchange.unsubscribe(bench.market.instrument)
    bench.rest("a", BID, 40, 5)
    assert bench.exchange.public == []


def test_closed_market_is_empty_and_takes_nothing():
    bench = Bench(streamed=True)
    order = bench.rest("a", BID, 40, 5)
    bench.exchange.public.clear()
    bench.exchange.set_state("HOME", MarketState.CLOSED)
    home = bench.market.instrument
    assert bench.exchange.public == [
        BookSnapshot(instrument=home, bids=(), asks=()),
        MarketStatus(instrument=home, state=MarketState.CLOSED),
    ]
    assert order.left == 0
    assert bench.rest("a", BID, 40, 5) is None
    assert bench.take(ASK, 5) == 0


def test_pause_keeps_the_book_unless_it_wipes():
    bench = Bench()
    bench.rest("a", BID, 40, 5)
    bench.exchange.set_state("HOME", MarketState.PAUSED)
    assert bench.levels() == ({40: 5}, {})
    assert bench.take(ASK, 5) == 0
    bench.exchange.set_state("HOME", MarketState.PAUSED, wipe=True)
    assert bench.levels() == ({}, {})
    bench.exchange.set_state("HOME", MarketState.OPEN)
    assert bench.rest("a", BID, 40, 5) is not None


def test_tapered_grid_takes_tenths_only_at_its_ends():
    tapered = InstrumentSpec(
        bands=(Band(0, 100_000, 1_000), Band(100_000, 900_000, 10_000), Band(900_000, ONE, 1_000)),
        two_sided=True,
    )
    bench = Bench(tapered)
    bench.rest("a", BID, 9.9, 5)
    bench.rest("a", ASK, 90.1, 5)
    assert bench.levels() == ({9.9: 5}, {90.1: 5})
    with pytest.raises(KeyError):
        bench.rest("a", BID, 10.1, 5)


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["rest", "take", "pull"]),
        st.sampled_from(["ann", "bob", "cid"]),
        st.sampled_from([BID, ASK]),
        st.integers(40, 60),
        st.integers(1, 20),
    ),
    max_size=60,
)


@given(_ACTS)
def test_changes_reported_add_up_to_the_book(acts):
    """Whoever folds the deltas holds the book, which is never crossed and never below zero."""
    bench = Bench(streamed=True)
    orders, folded = [], {BID: {}, ASK: {}}
    for what, owner, side, cents, contracts in acts:
        if what == "rest":
            orders.append(bench.rest(owner, side, cents, contracts))
        elif what == "take":
            bench.take(side, contracts, cents)
        elif orders and orders[contracts % len(orders)] is not None:
            bench.exchange.pull(orders[contracts % len(orders)])
        assert bench.market.defect() is None
    for event in bench.exchange.public:
        if isinstance(event, BookDelta):
            sizes = folded[event.side]
            sizes[event.price] = sizes.get(event.price, 0) + event.change
            assert sizes[event.price] >= 0
    book = bench.market.snapshot()
    assert {p: s for p, s in folded[BID].items() if s} == dict(book.bids)
    assert {p: s for p, s in folded[ASK].items() if s} == dict(book.asks)


@given(_ACTS)
def test_contracts_are_neither_made_nor_lost(acts):
    """What makers lose by trading is what takers got."""
    bench = Bench(streamed=True)
    taken = 0.0
    for what, owner, side, cents, contracts in acts:
        if what == "rest":
            order = bench.rest(owner, side, cents, contracts)
            taken += contracts - (0 if order is None else order.left / ONE)
        elif what == "take":
            taken += bench.take(side, contracts, cents)
    trades = sum(e.size for e in bench.exchange.public if isinstance(e, Trade)) / ONE
    assert trades == taken


def test_a_market_may_change_its_grid_while_orders_rest():
    bench = Bench()
    first = bench.rest("first", BID, 48, 10)
    second = bench.rest("second", BID, 48, 5)
    market = next(iter(bench.exchange.markets.values()))
    before = market.snapshot()
    fine = InstrumentSpec(bands=(Band(0, ONE, CENT // 10),), two_sided=True)
    market.regrid(fine)
    assert market.snapshot() == before
    bench.exchange.rest("finer", market.instrument.symbol, BID, 48 * CENT + 1000, ONE)
    assert bench.take(ASK, 12) == 12
    assert (first.left, second.left) == (0, 4 * ONE)  # in turn, as before
    assert market.defect() is None
