"""The queue model of the paper exchange: stories on a public tape, their fills worked out by hand."""

import pytest
from paper_bench import ASK, BID, BUY, YES, PaperBench, of_kind

from console.core.events import BookDelta, OrderFilled, Trade
from console.core.units import CENT, ONE

EITHER_ORDER = pytest.mark.parametrize("first", ["delta", "trade"])


def resting(bids=None, asks=None):
    bench = PaperBench()
    bench.book({50: 100} if bids is None else bids, {55: 100} if asks is None else asks)
    bench.subscribe()
    return bench


# ---- the queue


@EITHER_ORDER
def test_trades_eat_the_queue_ahead_before_us(first):
    bench = resting()
    bench.buy(50, 10)  # behind 100
    bench.traded(ASK, 50, 60, first)
    assert bench.filled() == 0  # 40 still ahead
    bench.traded(ASK, 50, 40, first)
    assert bench.filled() == 0  # now we are first
    bench.delta(BID, 50, 30)
    bench.traded(ASK, 50, 4, first)
    assert bench.fills() == [(50, 4)]
    bench.traded(ASK, 50, 20, first)
    assert bench.fills() == [(50, 4), (50, 6)]  # never more than ours


@EITHER_ORDER
def test_one_trade_that_ends_the_queue_fills_us_in_part(first):
    bench = resting()
    bench.buy(50, 10)
    bench.delta(BID, 50, 50)  # behind us
    bench.traded(ASK, 50, 107, first)
    assert bench.fills() == [(50, 7)]


@EITHER_ORDER
def test_what_joins_later_stands_behind_us(first):
    bench = resting(bids={50: 5})
    bench.buy(50, 10)
    bench.delta(BID, 50, 1000)
    bench.traded(ASK, 50, 15, first)
    assert bench.fills() == [(50, 10)]


@EITHER_ORDER
def test_trade_and_its_change_of_the_level_are_the_same_contracts(first):
    """100 ahead; three trades of 30 leave 10 ahead, not none."""
    bench = resting()
    bench.buy(50, 10)
    bench.delta(BID, 50, 200)
    for _ in range(3):
        bench.traded(ASK, 50, 30, first)
        bench.wait(2)
    assert bench.filled() == 0
    bench.traded(ASK, 50, 10, first)
    assert bench.filled() == 0
    bench.traded(ASK, 50, 1, first)
    assert bench.filled() == 1


@EITHER_ORDER
def test_the_same_with_nobody_behind_us(first):
    """The level falls to what is ahead with every trade: it must not move us up twice."""
    bench = resting()
    bench.buy(50, 10)
    for _ in range(3):
        bench.traded(ASK, 50, 30, first)
        bench.wait(2)
    bench.delta(BID, 50, 500)
    bench.traded(ASK, 50, 10, first)
    assert bench.filled() == 0
    bench.traded(ASK, 50, 1, first)
    assert bench.filled() == 1


def test_changes_first_and_their_trades_later_all_at_once():
    bench = resting()
    bench.buy(50, 10)
    for size in (30, 20, 50):
        bench.delta(BID, 50, -size)
    for size in (30, 20, 50):
        bench.trade(ASK, 50, size)
    assert bench.filled() == 0
    bench.delta(BID, 50, 5)
    bench.traded(ASK, 50, 5)
    assert bench.filled() == 5


def test_cancellations_come_from_behind_us_first():
    bench = resting()
    bench.buy(50, 10)
    bench.delta(BID, 50, 100)  # 100 ahead, 100 behind
    bench.delta(BID, 50, -100)
    bench.wait(2000)
    bench.traded(ASK, 50, 100)
    assert bench.filled() == 0
    assert bench.fills() == []


def test_cancellations_beyond_what_is_behind_move_us_up():
    bench = resting()
    bench.buy(50, 10)
    bench.delta(BID, 50, -70)  # nobody is behind: 30 ahead
    bench.wait(2000)
    bench.delta(BID, 50, 40)
    bench.traded(ASK, 50, 33)
    assert bench.fills() == [(50, 3)]


def test_a_cancellation_long_ago_does_not_stand_for_a_trade_of_today():
    bench = resting()
    bench.buy(50, 10)
    bench.delta(BID, 50, -100)
    bench.wait(251)
    bench.delta(BID, 50, 20)
    bench.traded(ASK, 50, 8)
    assert bench.fills() == [(50, 8)]


@EITHER_ORDER
def test_alone_at_a_better_price_we_are_first(first):
    bench = resting()
    bench.buy(51, 10)
    bench.traded(ASK, 50, 4, first)
    assert bench.fills() == [(51, 4)]  # at our price: nobody improves it
    bench.traded(ASK, 50, 40, first)
    assert bench.fills() == [(51, 4), (51, 6)]


def test_trade_at_a_better_price_than_ours_is_not_ours():
    bench = resting()
    bench.buy(49, 10)
    bench.traded(ASK, 50, 100)
    assert bench.filled() == 0


def test_trade_of_the_other_side_is_not_ours():
    bench = resting()
    bench.buy(50, 10)
    bench.traded(BID, 55, 100)
    bench.trade(BID, 50, 100)
    assert bench.filled() == 0


@EITHER_ORDER
def test_asks_are_the_mirror_of_bids(first):
    bench = resting(asks={55: 20})
    bench.sell_by_no(55, 10)
    bench.delta(ASK, 55, 40)
    bench.traded(BID, 55, 25, first)
    assert bench.fills() == [(55, 5)]
    bench.traded(BID, 56, 3, first)
    assert bench.fills() == [(55, 5), (55, 3)]


def test_two_orders_of_ours_fill_in_turn():
    """10 public, our first 5, 10 public, our second 5: 12 traded leave 2 for the first, 23 more end both."""
    bench = resting(bids={50: 10})
    bench.buy(50, 5)
    bench.delta(BID, 50, 10)
    bench.buy(50, 5)
    bench.delta(BID, 50, 100)
    bench.traded(ASK, 50, 12, first="trade")
    assert bench.fills() == [(50, 2)]
    bench.traded(ASK, 50, 23, first="trade")
    assert bench.fills() == [(50, 2), (50, 3), (50, 5)]


def test_better_order_of_ours_fills_before_the_worse():
    bench = resting(bids={48: 100})
    bench.buy(49, 5)
    bench.buy(50, 5)
    bench.trade(ASK, 48, 7)
    assert bench.fills() == [(50, 5), (49, 2)]


# ---- public orders across our price


def test_public_order_across_our_price_fills_us_at_our_price():
    bench = resting(bids={49: 100}, asks={52: 100})
    bench.buy(50, 10)
    seen = bench.delta(ASK, 48, 25)
    assert bench.fills() == [(50, 10)]
    assert [(t.price, t.size, t.taker) for t in of_kind(seen, Trade)] == [(50 * CENT, 10 * ONE, ASK)]
    assert bench.shown() == ({49: 100}, {48: 15, 52: 100})  # what it gave us is not there any more


def test_fill_is_limited_to_what_came_across():
    bench = resting(bids={49: 100}, asks={52: 100})
    bench.buy(50, 10)
    bench.delta(ASK, 50, 4)
    assert bench.fills() == [(50, 4)]
    assert bench.shown() == ({49: 100, 50: 6}, {52: 100})  # no crossed book
    bench.delta(ASK, 50, 3)
    assert bench.fills() == [(50, 4), (50, 3)]
    bench.delta(ASK, 50, -7)  # the record takes out what we took long before
    assert bench.shown() == ({49: 100, 50: 3}, {52: 100})
    bench.delta(ASK, 51, 8)
    assert bench.filled() == 7


def test_what_we_took_is_not_taken_again_by_the_next_order():
    bench = resting(bids={49: 100}, asks={52: 100})
    bench.buy(50, 10)
    bench.delta(ASK, 50, 10)
    answer = bench.buy(50, 5)  # the record still shows 10 offered at 50: they were ours
    assert type(answer).__name__ == "OrderAccepted"
    assert bench.filled() == 10
    assert bench.shown() == ({49: 100, 50: 5}, {52: 100})


def test_snapshot_across_our_price_fills_us_best_offers_first():
    bench = resting(bids={49: 100}, asks={52: 100})
    bench.buy(50, 10)
    bench.buy(51, 2)
    bench.book({47: 5}, {48: 3, 49: 4, 50: 4, 51: 9})
    assert bench.fills() == [(51, 2), (50, 1), (50, 4), (50, 4)]
    assert bench.shown() == ({47: 5, 50: 1}, {51: 9})


def test_snapshot_shows_our_orders_in_the_book():
    bench = resting(bids={49: 100}, asks={52: 100})
    bench.buy(49, 10)
    bench.sell_by_no(51, 3)
    bench.book({49: 60}, {52: 7})
    assert bench.shown() == ({49: 70}, {51: 3, 52: 7})


def test_snapshot_that_lowers_our_level_moves_us_up():
    bench = resting()
    bench.buy(50, 10)
    bench.book({50: 30}, {55: 100})
    bench.wait(2000)
    bench.delta(BID, 50, 10)
    bench.traded(ASK, 50, 31)
    assert bench.filled() == 1


# ---- what is seen


def test_our_orders_show_in_the_stream_before_they_are_acknowledged():
    bench = resting()
    command = bench.order(YES, BUY, 50, 10)
    bench.submit(command)
    (delta,) = bench.wait(20)
    assert isinstance(delta, BookDelta)
    assert (delta.side, delta.price, delta.change) == (BID, 50 * CENT, 10 * ONE)
    (accepted,) = bench.wait(5)
    assert accepted.order_id == command.order_id
    assert bench.shown() == ({50: 110}, {55: 100})


def test_fill_shows_in_the_stream_and_is_told_later():
    bench = resting()
    bench.buy(51, 10)
    seen = bench.trade(ASK, 50, 4)
    assert [type(event).__name__ for event in seen] == ["Trade", "BookDelta"]
    assert seen[1].change == -4 * ONE
    assert bench.wait(4) == []
    (fill,) = bench.wait(1)
    assert isinstance(fill, OrderFilled)
    assert fill.maker


def test_public_messages_that_do_not_concern_us_pass_untouched():
    bench = resting()
    bench.buy(50, 10)
    message = BookDelta(ts=bench.now, instrument=YES, side=BID, price=48 * CENT, change=5 * ONE)
    assert bench.public(message)[0] is message
