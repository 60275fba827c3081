"""Orders of ours that take liquidity: at whose price, how much, and what is left of them."""

import msgspec
import pytest
from sim_bench import ASK, BID, BUY, NO, SELL, TWO_SIDED, YES, Bench, place

from console.core.commands import TimeInForce
from console.core.events import OrderAccepted, OrderCanceled, OrderFilled, OrderRejected, Trade
from console.core.fees import KALSHI_MAKER, KALSHI_TAKER, FeeModel
from console.core.units import CENT, ONE


def taking(bench, name="us-1", action=BUY, leg=YES, cents=60.0, contracts=10.0, **changes):
    """An immediate-or-cancel order and all its answers."""
    order = msgspec.structs.replace(
        place(name, action, leg, cents, contracts),
        **{"time_in_force": TimeInForce.IOC, "post_only": False, **changes},
    )
    return bench.ask_for(order)


def kinds(answers):
    return [type(answer).__name__ for answer in answers]


def test_it_takes_the_best_first_at_the_price_of_those_who_rest():
    bench = Bench(streamed=True)
    bench.rest("r", ASK, 50, 4)
    bench.rest("r", ASK, 52, 4)
    bench.rest("r", ASK, 61, 4)
    answers = taking(bench, contracts=10)
    assert kinds(answers) == ["OrderAccepted", "OrderFilled", "OrderFilled", "OrderCanceled"]
    fills = [answer for answer in answers if isinstance(answer, OrderFilled)]
    assert [(f.price / CENT, f.size / ONE, f.maker) for f in fills] == [(50, 4, False), (52, 4, False)]
    assert bench.position == 8
    assert bench.levels() == ({}, {61: 4})
    assert [(t.price / CENT, t.taker) for t in bench.exchange.public if isinstance(t, Trade)] == [
        (50, BID),
        (52, BID),
    ]
    assert bench.exchange.defect() is None


@pytest.mark.parametrize(("action", "leg", "cents"), [(SELL, YES, 40), (BUY, NO, 60)])
def test_selling_yes_and_buying_no_take_the_bids(action, leg, cents):
    bench = Bench()
    if action is SELL:
        bench.hold(10)
    bench.rest("r", BID, 45, 20)
    fills = [a for a in taking(bench, action=action, leg=leg, cents=cents) if isinstance(a, OrderFilled)]
    assert [(f.price / CENT, f.size / ONE) for f in fills] == [(45 if action is SELL else 55, 10)]
    assert bench.exchange.defect() is None


def test_nothing_there_is_accepted_and_cancelled():
    answers = taking(Bench())
    assert kinds(answers) == ["OrderAccepted", "OrderCanceled"]


def test_it_never_trades_with_our_own_order():
    bench = Bench()
    bench.hold(10)
    bench.sell("ours", 52, 10)
    bench.rest("r", ASK, 50, 4)
    bench.rest("r", ASK, 53, 4)
    answers = taking(bench)
    assert kinds(answers) == ["OrderAccepted", "OrderFilled", "OrderCanceled"]
    assert bench.levels() == ({}, {52: 10, 53: 4})


def test_the_rest_of_a_crossing_limit_order_rests():
    bench = Bench()
    bench.rest("r", ASK, 50, 4)
    answers = taking(bench, time_in_force=TimeInForce.GTC)
    assert kinds(answers) == ["OrderAccepted", "OrderFilled"]
    assert bench.levels() == ({60: 6}, {})
    assert bench.account.open["us-1"].left == 6 * ONE


def test_takers_pay_the_taker_fee_and_makers_theirs():
    fees = FeeModel(maker_rate=KALSHI_MAKER, taker_rate=KALSHI_TAKER, unit=100)
    bench = Bench(msgspec.structs.replace(TWO_SIDED, fees=fees))
    bench.rest("r", ASK, 50, 10)
    (fill,) = [a for a in taking(bench) if isinstance(a, OrderFilled)]
    assert fill.fee == 175_000  # 0.07 * 10 * 0.5 * 0.5
    assert bench.exchange.defect() is None


@pytest.mark.parametrize(("held", "sold"), [(4.0, 4.0), (15.0, 10.0)])
def test_reduce_only_never_sells_more_than_is_held(held, sold):
    bench = Bench()
    bench.hold(held)
    bench.rest("r", BID, 45, 20)
    taking(bench, action=SELL, cents=40, reduce_only=True)
    assert bench.position == held - sold


def test_reduce_only_with_nothing_to_reduce_is_refused():
    (answer,) = taking(Bench(), action=SELL, cents=40, reduce_only=True)
    assert isinstance(answer, OrderRejected)


def test_it_is_looked_up_like_any_other():
    bench = Bench()
    bench.rest("r", ASK, 50, 4)
    taking(bench)
    assert kinds(bench.look_up("us-1")) == ["OrderFilled", "OrderCanceled"]
    assert isinstance(taking(bench)[0], OrderRejected)  # the id was used


def test_a_post_only_order_still_never_takes():
    bench = Bench()
    bench.rest("r", ASK, 50, 4)
    assert isinstance(bench.buy("us-1", 50, 1), OrderRejected)
    assert isinstance(bench.buy("us-2", 49, 1), OrderAccepted)
    assert OrderCanceled not in map(type, bench.exchange.private)
