"""Orders of ours that take liquidity from a recorded book."""

import msgspec
from paper_bench import BUY, NO, SELL, YES, PaperBench, of_kind

from console.core.commands import TimeInForce
from console.core.events import BookDelta, OrderAccepted, OrderCanceled, OrderFilled
from console.core.units import CENT, ONE


def taking(bench, instrument=YES, action=BUY, cents=60, contracts=10, **changes):
    command = bench.order(instrument, action, cents, contracts)
    return bench.ask(
        msgspec.structs.replace(command, **{"time_in_force": TimeInForce.IOC, "post_only": False, **changes})
    )


def bench(bids, asks):
    made = PaperBench()
    made.book(bids, asks)
    made.subscribe()
    return made


def fills(events):
    return [(f.price / CENT, f.size / ONE, f.maker) for f in of_kind(events, OrderFilled)]


def test_it_takes_what_the_book_shows_and_the_rest_is_over():
    made = bench({40: 10}, {50: 4, 52: 3, 70: 9})
    told = taking(made)
    assert [type(e) for e in told if not isinstance(e, BookDelta)] == [
        OrderAccepted,
        OrderFilled,
        OrderFilled,
        OrderCanceled,
    ]
    assert fills(told) == [(50, 4, False), (52, 3, False)]
    assert [(d.price / CENT, d.change / ONE) for d in of_kind(told, BookDelta)] == [(50, -4), (52, -3)]
    assert made.exchange.defect() is None


def test_what_was_taken_is_not_there_a_second_time():
    made = bench({}, {50: 4})
    assert fills(taking(made, contracts=3)) == [(50, 3, False)]
    assert fills(taking(made, contracts=3)) == [(50, 1, False)]
    assert fills(taking(made, contracts=3)) == []


def test_a_no_leg_takes_the_bids():
    made = bench({45: 4}, {})
    assert fills(taking(made, NO, BUY, 60)) == [(55, 4, False)]


def test_reduce_only_stops_at_flat():
    made = bench({45: 50}, {50: 50})
    taking(made, contracts=4)
    assert fills(taking(made, YES, SELL, 40, reduce_only=True)) == [(45, 4, False)]


def test_the_rest_of_a_crossing_limit_order_rests():
    made = bench({}, {50: 4})
    told = taking(made, time_in_force=TimeInForce.GTC)
    assert fills(told) == [(50, 4, False)]
    assert [order.size - order.filled for order in made.exchange.orders()] == [6 * ONE]
