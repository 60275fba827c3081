"""One order book: learning it, how far it is trusted, and what each side looks like to a bidder."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from console.core.book import (
    Book,
    Face,
    Stream,
    can_wait,
    guard,
    is_guarded,
    purchase_cost,
    sale_value,
)
from console.core.fees import NO_FEES
from console.core.instruments import BookSide, Instrument, InstrumentSpec, MarketState, Venue
from console.core.ladders import Band, even
from console.core.markets import Market
from console.core.orders import Blotter
from console.core.reasons import Reason
from console.core.units import SECOND, Nanos

from .story import cents, contracts, levels

CENTS = even("cents", 10_000)
BID, ASK = BookSide.BID, BookSide.ASK
EMPTY: Mapping[int, int] = {}
T0, T1, T2 = Nanos(100 * SECOND), Nanos(101 * SECOND), Nanos(102 * SECOND)


def book(bids: dict[float, float], asks: dict[float, float]) -> Book:
    made = Book(CENTS, Stream())
    made.snapshot(levels(bids), levels(asks), T0)
    return made


def best(made: Book) -> tuple[int | None, int | None]:
    return made.best_bid_price(), made.best_ask_price()


# ---- learning


def test_a_book_is_not_trusted_before_its_first_snapshot() -> None:
    assert Book(CENTS, Stream()).problem(quote_empty=True) is Reason.NO_BOOK


def test_a_snapshot_replaces_everything_and_finds_the_best_prices() -> None:
    made = book({48: 10, 47: 20}, {52: 5})
    assert best(made) == (cents(48), cents(52))
    made.snapshot(levels({30: 1}), levels({70: 1, 60: 2}), T1)
    assert best(made) == (cents(30), cents(60))
    assert list(made.levels()) == [
        (cents(30), contracts(1), 0),
        (cents(60), 0, contracts(2)),
        (cents(70), 0, contracts(1)),
    ]
    assert made.problem(quote_empty=False) is None


def test_deltas_move_sizes_and_best_prices_both_ways() -> None:
    made = book({48: 10, 47: 20}, {52: 5, 53: 5})
    made.delta(BID, cents(49), contracts(3), T1)
    assert best(made) == (cents(49), cents(52))
    made.delta(BID, cents(49), -contracts(3), T1)
    assert best(made) == (cents(48), cents(52))
    made.delta(BID, cents(48), -contracts(10), T1)
    assert best(made) == (cents(47), cents(52))
    made.delta(ASK, cents(52), -contracts(5), T1)
    assert best(made) == (cents(47), cents(53))
    made.delta(ASK, cents(50), contracts(1), T1)
    assert best(made) == (cents(47), cents(50))
    assert made.problem(quote_empty=False) is None


def test_a_side_can_run_empty() -> None:
    made = book({48: 10}, {52: 5})
    made.delta(BID, cents(48), -contracts(10), T1)
    made.delta(ASK, cents(52), -contracts(5), T1)
    assert best(made) == (None, None)
    assert made.mid() is None
    assert made.problem(quote_empty=False) is Reason.NO_BOOK
    assert made.problem(quote_empty=True) is None


def test_the_mid_is_half_way_rounded_down() -> None:
    assert book({48: 1}, {53: 1}).mid() == 505_000
    assert book({48: 1}, {}).mid() is None


# ---- trust


@pytest.mark.parametrize(("side", "price"), [(BID, 455_000), (ASK, 1_000_000), (BID, 0), (ASK, -10_000)])
def test_a_delta_off_the_ladder_leaves_the_book_untrusted(side: BookSide, price: int) -> None:
    made = book({48: 10}, {52: 5})
    assert made.delta(side, price, contracts(1), T1)
    assert made.problem(quote_empty=False) is Reason.STALE_BOOK


def test_a_snapshot_level_off_the_ladder_leaves_the_book_untrusted() -> None:
    made = book({48: 10}, {52: 5})
    made.snapshot([(455_000, contracts(1))], [], T1)
    assert made.problem(quote_empty=True) is Reason.STALE_BOOK


@pytest.mark.parametrize("side", [BID, ASK])
def test_a_level_below_zero_leaves_the_book_untrusted_until_a_snapshot(side: BookSide) -> None:
    made = book({48: 10}, {52: 10})
    assert made.delta(side, cents(48 if side is BID else 52), -contracts(11), T1)
    assert made.problem(quote_empty=False) is Reason.STALE_BOOK
    made.snapshot(levels({48: 10}), levels({52: 10}), T2)
    assert made.problem(quote_empty=False) is None


def test_a_negative_snapshot_level_leaves_the_book_untrusted() -> None:
    made = book({48: 10}, {52: 10})
    made.snapshot([(cents(48), -1)], [], T1)
    assert made.problem(quote_empty=True) is Reason.STALE_BOOK


@pytest.mark.parametrize("ask", [48, 47])
def test_a_locked_or_crossed_book_is_not_quoted(ask: int) -> None:
    assert book({48: 10}, {ask: 5}).problem(quote_empty=False) is Reason.CROSSED_BOOK


def test_a_crossed_book_that_uncrosses_is_sound_again() -> None:
    made = book({48: 10}, {48: 5, 52: 5})
    assert made.delta(ASK, cents(48), -contracts(5), T1)
    assert made.problem(quote_empty=False) is None


def test_a_distrusted_book_waits_for_its_next_snapshot() -> None:
    made = book({48: 10}, {52: 5})
    made.distrust("sequence gap")
    made.delta(BID, cents(47), contracts(1), T1)
    assert made.problem(quote_empty=False) is Reason.STALE_BOOK
    made.snapshot(levels({48: 10}), levels({52: 5}), T2)
    assert made.problem(quote_empty=False) is None


def test_any_message_of_the_subscription_confirms_a_sound_book() -> None:
    stream = Stream()
    one, other = Book(CENTS, stream), Book(CENTS, stream)
    one.snapshot(levels({48: 1}), levels({52: 1}), T0)
    other.snapshot(levels({30: 1}), levels({40: 1}), T0)
    one.delta(BID, cents(47), contracts(1), T1)
    assert other.confirmed_ts == T1
    stream.ts = T2
    assert one.confirmed_ts == T2


def test_an_untrusted_book_is_as_old_as_its_last_snapshot() -> None:
    made = book({48: 1}, {52: 1})
    made.stream.ts = T2
    made.distrust("hash")
    assert made.confirmed_ts == T0


def test_a_best_price_that_moves_is_a_change_a_size_is_not() -> None:
    made = book({48: 10}, {52: 5})
    made.delta(BID, cents(48), contracts(1), T1)
    assert made.changed_ts == T0
    made.delta(BID, cents(49), contracts(1), T2)
    assert made.changed_ts == T2


# ---- a bidder's face


def test_the_rival_is_where_cumulative_size_first_reaches_the_dust_limit() -> None:
    made = book({50: 2, 49: 2, 48: 30}, {60: 1})
    face = Face(made, BID, {})
    assert face.rival(contracts(1)) == (cents(50), contracts(2))
    assert face.rival(contracts(3)) == (cents(49), contracts(2))
    assert face.rival(contracts(5)) == (cents(48), contracts(30))
    assert face.rival(contracts(35)) is None
    assert face.rival_below(cents(48), contracts(5)) is None
    assert face.rival_below(cents(50), contracts(1)) == (cents(49), contracts(2))


def test_our_own_size_is_no_rival_and_counts_at_most_the_level() -> None:
    made = book({50: 10, 49: 7}, {60: 1})
    assert Face(made, BID, {cents(50): contracts(10)}).rival(contracts(5)) == (cents(49), contracts(7))
    assert Face(made, BID, {cents(50): contracts(90)}).rival(contracts(5)) == (cents(49), contracts(7))
    assert Face(made, BID, {cents(50): contracts(4)}).rival(contracts(5)) == (cents(50), contracts(6))


def test_the_ask_side_is_seen_in_prices_of_the_no_leg() -> None:
    made = book({48: 10}, {52: 6, 53: 9})
    face = Face(made, ASK, {})
    assert face.rival(contracts(5)) == (cents(48), contracts(6))
    assert face.rival(contracts(7)) == (cents(47), contracts(9))
    assert face.opposing({}) == cents(52)  # buying NO at once costs 1 - the best YES bid


def test_the_opposing_price_is_the_best_of_others_however_small() -> None:
    made = book({48: 10}, {52: 1, 53: 9})
    face = Face(made, BID, {})
    assert face.opposing({}) == cents(52)
    assert face.opposing({cents(52): contracts(1)}) == cents(53)
    assert Face(book({48: 1}, {}), BID, {}).opposing({}) is None


def test_depth_counts_others_within_a_span_of_their_best() -> None:
    made = book({50: 4, 48: 6, 45: 9, 44: 100}, {60: 1})
    everything = contracts(1_000)
    assert Face(made, BID, {}).depth(cents(5), everything) == contracts(19)
    assert Face(made, BID, {cents(50): contracts(4)}).depth(cents(4), everything) == contracts(6 + 9 + 100)
    assert Face(book({}, {60: 1}), BID, {}).depth(cents(5), everything) == 0


def test_depth_is_looked_for_no_further_than_it_is_needed() -> None:
    made = book({50: 4, 48: 6, 45: 9, 44: 100}, {60: 1})
    assert Face(made, BID, {}).depth(cents(5), contracts(7)) == contracts(10)
    assert Face(made, BID, {}).depth(cents(5), contracts(4)) == contracts(4)


def test_selling_and_buying_at_once_walk_through_others_only() -> None:
    made = book({50: 10, 49: 10}, {55: 5, 56: 10})
    assert sale_value(made, contracts(15), {}) == (contracts(15), 7_450_000)
    assert sale_value(made, contracts(15), {cents(50): contracts(10)}) == (contracts(10), 4_900_000)
    assert purchase_cost(made, contracts(10), {}) == (contracts(10), 5_550_000)
    assert purchase_cost(made, contracts(100), {}) == (contracts(15), 8_350_000)


# ---- changes that can wait


def guarded(made: Book, own_bids: Mapping[int, int] = EMPTY, own_asks: Mapping[int, int] = EMPTY) -> None:
    """A decision on a sound book; five contracts make a rival."""
    bids, asks = Face(made, BID, own_bids), Face(made, ASK, own_asks)
    guard(made, bids, asks, contracts(5), own_bids, own_asks)
    made.guarded = True


def test_changes_behind_the_rung_looked_at_do_not_ask_for_a_decision() -> None:
    made = book({50: 20, 49: 20, 45: 20}, {52: 20, 65: 20})
    guarded(made)
    assert not made.delta(BID, cents(45), -contracts(20), T1)
    assert not made.delta(BID, cents(49), contracts(5), T1)
    assert not made.delta(ASK, cents(65), contracts(5), T1)
    assert not made.delta(BID, cents(50), -contracts(5), T1)
    assert made.delta(BID, cents(50), -contracts(11), T1)
    assert made.delta(ASK, cents(52), -contracts(20), T1)
    assert made.delta(BID, cents(51), contracts(1), T1)


@pytest.mark.parametrize(
    ("spread", "change", "asks"),
    [
        (2, -9, False),
        (2, -11, True),
        (2, 20, False),
        (2, 21, True),
        (10, -2, False),
        (10, -3, True),
        (10, 4, False),
        (10, 5, True),
    ],
)
def test_a_rival_whose_size_moves_the_microprice_asks_for_a_decision(
    spread: int, change: float, asks: bool
) -> None:
    made = book({50: 20}, {50 + spread: 20})
    guarded(made)
    assert made.delta(BID, cents(50), contracts(change), T1) is asks
    assert made.delta(ASK, cents(50 + spread), contracts(change), T1) is asks
    for side, price in ((BID, 50), (ASK, 50 + spread)):
        assert can_wait(made, side, cents(price), contracts(change), {}, contracts(5)) is not asks


def test_a_rival_leaving_a_level_we_share_asks_for_a_decision() -> None:
    made = book({50: 20, 49: 20}, {60: 20})
    guarded(made, {cents(50): contracts(10)})
    assert made.delta(BID, cents(50), -contracts(6), T1)  # 4 of others are left beside our 10: dust


def test_a_side_without_a_rival_asks_for_a_decision_at_every_change() -> None:
    made = book({50: 2}, {60: 20})
    guarded(made, {cents(50): contracts(2)}, {cents(60): contracts(20)})
    assert made.delta(BID, cents(20), contracts(1), T1)
    assert made.delta(ASK, cents(90), contracts(1), T1)


@pytest.mark.parametrize(
    ("price", "change", "own", "waits"),
    [
        (51, 10, 10, True),  # our order shows
        (51, 10, 9, False),  # and somebody with it
        (51, -3, 10, True),  # our order has gone: it counts as ours for a second yet
        (51, 2, 0, False),  # somebody has come, however small
        (52, -1, 0, True),  # dust that was there, and is
        (52, -3, 0, False),  # dust that has gone
        (52, 1, 0, True),  # dust that is dust yet
        (52, 2, 0, False),  # and a rival now
    ],
)
def test_a_change_can_wait_that_leaves_others_as_they_were(
    price: int, change: float, own: float, waits: bool
) -> None:
    made = book({52: 3, 50: 20}, {60: 20})
    ours = {cents(price): contracts(own)} if own else {}
    if (price, change) == (51, -3):
        made.delta(BID, cents(51), contracts(3), T1)
    guarded(made, ours)
    made.delta(BID, cents(price), contracts(change), T1)
    assert can_wait(made, BID, cents(price), contracts(change), ours, contracts(5)) is waits


def test_nothing_can_wait_on_a_book_that_was_not_sound_when_it_was_decided_on() -> None:
    made = book({50: 20}, {60: 20})
    guarded(made)
    made.guarded = False
    made.delta(BID, cents(51), contracts(10), T1)
    assert not can_wait(made, BID, cents(51), contracts(10), {cents(51): contracts(10)}, contracts(5))


def test_the_best_rival_of_either_side_is_the_one_that_was_seen_or_not() -> None:
    made = book({50: 20}, {60: 20})
    assert not is_guarded(made, BID, {}, contracts(5))  # no decision was made yet
    guarded(made)
    assert is_guarded(made, BID, {}, contracts(5))
    assert is_guarded(made, ASK, {}, contracts(5))
    assert not is_guarded(made, ASK, {cents(60): contracts(20)}, contracts(5))  # it is ours
    guarded(made, {}, {cents(60): contracts(20)})
    assert is_guarded(made, ASK, {cents(60): contracts(20)}, contracts(5))


# ---- markets

GAME = Instrument(Venue.KALSHI, "GAME-A")


def defined(step: int) -> InstrumentSpec:
    return InstrumentSpec(bands=(Band(0, 1_000_000, step),))


def test_levels_carry_over_to_a_finer_tick() -> None:
    market, stream = Market(GAME), Stream()
    market.define(defined(10_000), stream)
    assert market.book is not None
    market.book.snapshot(levels({48: 10}), levels({52: 5}), T0)
    market.define(defined(1_000), stream)
    assert list(market.book.levels()) == [(cents(48), contracts(10), 0), (cents(52), 0, contracts(5))]
    assert market.book.problem(quote_empty=False) is None
    assert market.book.confirmed_ts == T0
    assert market.book.ladder.tick_at(cents(48)) == 1_000


def test_levels_that_do_not_fit_a_coarser_tick_leave_the_book_untrusted() -> None:
    market, stream = Market(GAME), Stream()
    market.define(defined(1_000), stream)
    assert market.book is not None
    market.book.snapshot(levels({48.5: 10}), levels({52: 5}), T0)
    market.define(defined(10_000), stream)
    assert market.book.problem(quote_empty=False) is Reason.STALE_BOOK


def test_the_same_grid_again_keeps_the_book_and_takes_the_new_facts() -> None:
    market, stream = Market(GAME), Stream()
    market.define(defined(10_000), stream)
    kept = market.book
    assert kept is not None
    kept.snapshot(levels({48: 10}), levels({52: 5}), T0)
    market.define(InstrumentSpec(fees=NO_FEES, rules_hash="v2"), stream)
    assert market.book is kept
    assert market.spec is not None
    assert market.spec.rules_hash == "v2"


def test_an_untrusted_book_stays_so_over_a_change_of_tick() -> None:
    market, stream = Market(GAME), Stream()
    market.define(defined(10_000), stream)
    assert market.book is not None
    market.book.snapshot(levels({48: 10}), levels({52: 5}), T0)
    market.book.distrust("gap")
    market.define(defined(1_000), stream)
    assert market.book.problem(quote_empty=False) is Reason.NO_BOOK


def test_a_symbol_is_quoted_only_defined_open_sound_and_fresh() -> None:
    market, stream = Market(GAME), Stream()
    assert market.trouble(T0, 10, quote_empty=False) is Reason.NO_BOOK
    market.define(defined(10_000), stream)
    assert market.trouble(T0, 10, quote_empty=False) is Reason.NO_BOOK
    assert market.book is not None
    market.book.snapshot(levels({48: 10}), levels({52: 5}), T0)
    assert market.trouble(Nanos(T0 + 10 * SECOND), 10, quote_empty=False) is None
    assert market.trouble(Nanos(T0 + 10 * SECOND + 1), 10, quote_empty=False) is Reason.STALE_BOOK
    market.state = MarketState.PAUSED
    assert market.trouble(T0, 10, quote_empty=False) is Reason.NOT_OPEN
    assert market.face(Blotter(), BID).rival(1) == (cents(48), contracts(10))


def test_every_move_of_a_best_price_across_the_other_is_counted() -> None:
    made = book({48: 10}, {52: 1})
    assert made.crossings == 0
    made.delta(BID, cents(52), contracts(3), Nanos(1))  # locked
    made.delta(BID, cents(51), contracts(3), Nanos(2))  # behind it: nothing moved
    made.delta(BID, cents(53), contracts(3), Nanos(3))
    assert made.crossings == 2
    made.delta(BID, cents(53), contracts(-3), Nanos(4))
    made.delta(BID, cents(52), contracts(-3), Nanos(5))  # sound again
    assert made.crossings == 3
    made.snapshot([(cents(60), contracts(1))], [(cents(50), contracts(1))], Nanos(6))
    assert made.crossings == 4
