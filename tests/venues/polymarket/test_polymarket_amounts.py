"""Amounts: the exact vectors, never those of the SDK's floats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polymarket_samples import VECTORS

from console.core.fees import FeeModel, fee_of_fill
from console.core.units import CENT, ONE, micros
from console.venues.polymarket.amounts import (
    AMOUNT_DECIMALS,
    AmountError,
    accepted_buy,
    limit_amounts,
    market_buy_amounts,
    market_sell_amounts,
    on_grid,
    spend_within,
)
from console.venues.polymarket.signing import OrderSide

ORDERS = [order for order in VECTORS["orders"] if order["inputs"]["exchange_version"] > 1]


def amounts(vector):
    price, tick = micros(vector["price"]), micros(vector["tick_size"])
    if vector["kind"] == "limit":
        return limit_amounts(OrderSide[vector["side"]], price, micros(vector["size"]), tick)
    if vector["side"] == "SELL":
        return market_sell_amounts(price, micros(vector["size"]), tick)
    return market_buy_amounts(price, micros(vector["amount_usd"]), tick)


@pytest.mark.parametrize(
    "vector", VECTORS["amounts"], ids=lambda v: f"{v['kind']}-{v['side']}-{v['tick_size']}"
)
def test_amounts_are_exact(vector):
    ours = amounts(vector)
    assert (str(ours.maker), str(ours.taker)) == (vector["maker_amount"], vector["taker_amount"])
    if "float_sdk" in vector:
        assert [str(ours.maker), str(ours.taker)] != vector["float_sdk"]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order["id"])
def test_amounts_of_the_signed_orders_are_exact(order):
    inputs, expected = order["inputs"], order["expected"]
    ours = amounts(inputs)
    assert (str(ours.maker), str(ours.taker)) == (expected["maker_amount"], expected["taker_amount"])


TICKS = st.sampled_from(sorted(AMOUNT_DECIMALS))


@given(TICKS, st.data(), st.integers(CENT, 10**12))
def test_a_resting_order_is_worth_its_price_to_the_last_millionth(tick, draws, size):
    price = tick * draws.draw(st.integers(1, ONE // tick - 1))
    buy = limit_amounts(OrderSide.BUY, price, size, tick)
    sell = limit_amounts(OrderSide.SELL, price, size, tick)
    assert buy.maker * ONE == buy.taker * price
    assert (sell.maker, sell.taker) == (buy.taker, buy.maker)
    assert size - CENT < buy.taker <= size


@given(st.sampled_from(sorted(set(AMOUNT_DECIMALS) - {100_000})), st.data(), st.integers(ONE, 10**12))
def test_a_purchase_never_offers_a_ten_thousandth_more_than_its_price(tick, draws, spend):
    price = tick * draws.draw(st.integers(1, ONE // tick - 1))
    taken = accepted_buy(market_buy_amounts(price, spend, tick))
    assert taken.maker % CENT == 0
    assert taken.taker % 100 == 0
    assert taken.maker * ONE // taken.taker - price < 100


@pytest.mark.parametrize("price", [0, 530_500, ONE, -10_000])
def test_a_price_off_the_grid_is_refused(price):
    assert not on_grid(price, CENT)
    with pytest.raises(AmountError, match="off the grid"):
        limit_amounts(OrderSide.BUY, price, 10 * ONE, CENT)


def test_dust_is_refused():
    with pytest.raises(AmountError, match="hundredth"):
        limit_amounts(OrderSide.SELL, 500_000, 9_999, CENT)
    with pytest.raises(AmountError, match="cent"):
        market_buy_amounts(500_000, 9_999, CENT)


@pytest.mark.parametrize("vector", VECTORS["buy_amount_with_max_spend"], ids=lambda v: v["max_spend"])
def test_a_purchase_and_its_fee_stay_within_the_most(vector):
    ours = spend_within(
        micros(vector["amount_usd"]),
        micros(vector["price"]),
        micros(vector["max_spend"]),
        micros(vector["rate"]),
        int(vector["exponent"]),
        micros(vector["builder_taker_fee_rate"]),
    )
    assert ours // CENT * CENT == micros(vector["expected_amount_2dp_floor"])


@pytest.mark.parametrize(
    "vector", VECTORS["fees"], ids=lambda v: f"{v['category']}-{v['shares']}-{v['price']}"
)
def test_the_taker_fee_is_the_curve_rounded_against_us(vector):
    model = FeeModel(taker_rate=micros(vector["rate"]), unit=10, exponent=int(vector["exponent"]))
    fee = fee_of_fill(model, micros(vector["price"]), micros(vector["shares"]), maker=False)
    exact_10ths = (
        int(vector["exact"].partition(".")[2].ljust(8, "0")[:8]) + int(float(vector["exact"])) * 10**8
    )
    assert 0 <= fee * 100 - exact_10ths < 1_000  # less than one unit of 0.00001 dollars above the exact fee
    assert fee_of_fill(model, micros(vector["price"]), micros(vector["shares"]), maker=True) == 0
