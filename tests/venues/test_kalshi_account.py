"""Our account as REST and the private streams tell it: a missing field never reads as zero."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kalshi_samples import BOS, LAL, example, raw

from console.core.instruments import Action
from console.core.units import CENT, ONE
from console.venues.kalshi.account import (
    Fill,
    parse_as_of,
    parse_balance,
    parse_costs,
    parse_fills,
    parse_limits,
    parse_order,
    parse_orders,
    parse_positions,
    parse_settlements,
    venue_limits,
)
from console.venues.kalshi.mirror import parse_books
from console.venues.kalshi.own import OwnOrder, OwnOrders
from console.venues.kalshi.polling import parse_trades
from console.venues.kalshi.private import GroupNews, OrderNews, PositionNews, parse_private
from console.venues.kalshi.status import parse_status
from console.venues.kalshi.wire import ParseError

MAKER, TAKER = "d6b6aa8d-e75f-5fd1-a00a-2ecfcbe256e7", "125618aa-e93b-5242-ae97-f18102805c2f"
ORDER = "a898a640-4a59-5b53-81c5-c12483e3ead7"

READS: dict[str, tuple[Callable[[bytes], Any], list[str]]] = {
    "orders_list": (
        parse_orders,
        [
            f"orders.0.{f}"
            for f in [
                "order_id",
                "client_order_id",
                "ticker",
                "book_side",
                "status",
                "yes_price_dollars",
                "fill_count_fp",
                "remaining_count_fp",
            ]
        ],
    ),
    "order_resting_partial": (parse_order, ["order", "order.fill_count_fp", "order.book_side"]),
    "fills": (
        parse_fills,
        [
            f"fills.0.{f}"
            for f in [
                "trade_id",
                "order_id",
                "ticker",
                "book_side",
                "count_fp",
                "yes_price_dollars",
                "is_taker",
                "fee_cost",
            ]
        ],
    ),
    "positions": (parse_positions, ["market_positions.0.ticker", "market_positions.0.position_fp"]),
    "settlements": (parse_settlements, [f"settlements.0.{f}" for f in ("ticker", "value", "market_result")]),
    "balance": (parse_balance, ["balance_breakdown", "balance_breakdown.0.balance"]),
    "account_limits": (parse_limits, ["read", "write.refill_rate", "write.bucket_capacity", "usage_tier"]),
    "account_endpoint_costs": (parse_costs, ["default_cost", "endpoint_costs.0.cost"]),
    "user_data_timestamp": (parse_as_of, ["as_of_time"]),
    "exchange_status": (parse_status, ["trading_active", "exchange_index_statuses.0.trading_active"]),
    "orderbooks_batch": (
        parse_books,
        [
            "orderbooks.0.ticker",
            "orderbooks.0.orderbook_fp.yes_dollars",
            "orderbooks.0.orderbook_fp.no_dollars",
        ],
    ),
    "trades": (
        parse_trades,
        [f"trades.0.{f}" for f in ["trade_id", "ticker", "count_fp", "yes_price_dollars", "taker_book_side"]],
    ),
}
FRAMES = {
    "fill_maker": "trade_id order_id market_ticker is_taker yes_price_dollars count_fp fee_cost book_side "
    "post_position_fp",
    "user_order_partial_fill": "order_id ticker status book_side yes_price_dollars fill_count_fp "
    "remaining_count_fp client_order_id",
    "market_position": "market_ticker position_fp",
    "order_group_triggered": "event_type order_group_id",
}


def without(body: Any, path: str) -> Any:
    """A copy lacking one field."""
    body = copy.deepcopy(body)
    *way, last = path.split(".")
    place = body
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    del place[last]
    return body


def drops() -> Iterator[Any]:
    for name, (parse, fields) in READS.items():
        for field in fields:
            yield pytest.param(name, parse, field, id=f"{name}-{field}")


@pytest.mark.parametrize("name", READS)
def test_every_example_is_read(name) -> None:
    READS[name][0](raw(example(f"rest/{name}.json")))


@pytest.mark.parametrize(("name", "parse", "field"), drops())
def test_a_missing_field_is_refused_and_never_zero(name, parse, field) -> None:
    with pytest.raises(ParseError, match=field.rpartition(".")[2]):
        parse(raw(without(example(f"rest/{name}.json"), field)))


@pytest.mark.parametrize(("name", "field"), [(n, f) for n, fields in FRAMES.items() for f in fields.split()])
def test_a_private_frame_without_a_field_is_refused(name, field) -> None:
    with pytest.raises(ParseError, match=field):
        parse_private(raw(without(example(f"ws/{name}.json"), f"msg.{field}")))


def test_public_frames_are_not_private() -> None:
    assert parse_private(raw(example("ws/trade.json"))) is None
    with pytest.raises(ParseError):
        parse_private(b"not json")


# ---- what they say


def test_orders_tell_what_rests_and_what_filled() -> None:
    first, second, third = parse_orders(raw(example("rest/orders_list.json"))).orders
    assert (first.order_id, first.venue_order_id, first.market) == ("mm-lal-bid-000001", ORDER, LAL)
    assert (first.filled, first.left, first.price, first.shard) == (40 * ONE, 60 * ONE, 46 * CENT, 3)
    assert [o.rests for o in (first, second, third)] == [True, False, False]
    assert (third.on_bid, third.ends_s) == (False, 1_795_221_000)


def test_a_fill_is_told_in_terms_of_the_leg_its_order_named() -> None:
    taker, maker = parse_fills(raw(example("rest/fills.json"))).fills
    bare = maker.event(OwnOrders())
    assert (bare.instrument, bare.action, bare.order_id) == (LAL, Action.BUY, "")
    assert (bare.price, bare.size, bare.cost, bare.fee) == (46 * CENT, 40 * ONE, 18_400_000, 173_900)
    assert (bare.maker, taker.event(OwnOrders()).maker) == (True, False)
    own = OwnOrders()
    order = own.add(OwnOrder("mine", LAL.no, Action.SELL, 54 * CENT, 100 * ONE, 3))
    own.name(order, ORDER)
    known = maker.event(own)
    assert (known.instrument, known.action, known.order_id) == (LAL.no, Action.SELL, "mine")
    assert (known.price, known.cost) == (54 * CENT, 21_600_000)


def test_both_ways_of_telling_a_fill_agree() -> None:
    listed = parse_fills(raw(example("rest/fills.json"))).fills[1]
    told = parse_private(raw(example("ws/fill_maker.json")))
    assert isinstance(told, Fill)
    assert told.order_id == "mm-lal-bid-000001"
    assert (told.trade_id, told.price, told.size, told.fee) == (
        listed.trade_id,
        listed.price,
        listed.size,
        listed.fee,
    )


def test_private_news() -> None:
    order = parse_private(raw(example("ws/user_order_canceled_pause.json")))
    assert isinstance(order, OrderNews)
    assert (order.status, order.reason, order.order_id) == ("canceled", "HaltCancel", "mm-lal-ask-000001")
    assert parse_private(raw(example("ws/market_position.json"))) == PositionNews(LAL, 65 * ONE)
    group = parse_private(raw(example("ws/order_group_triggered.json")))
    assert group == GroupNews("5fd08a60-3805-5854-b585-d95fc2fad951", "triggered")


def test_positions_settlements_and_cash() -> None:
    assert parse_positions(raw(example("rest/positions.json"))).positions == ((LAL, 65 * ONE),)
    lost, won = parse_settlements(raw(example("rest/settlements.json"))).settlements
    assert [(lost.market, lost.payout), (won.market, won.payout)] == [(LAL, 0), (BOS, ONE)]
    assert parse_balance(raw(example("rest/balance.json"))) == {0: 734_567_800, 3: 500_000_000}


def test_the_write_budget_and_what_requests_cost() -> None:
    limits = parse_limits(raw(example("rest/account_limits.json")))
    told = venue_limits(limits, parse_costs(raw(example("rest/account_endpoint_costs.json"))))
    assert (told.write_per_s, told.write_burst, told.place, told.amend, told.cancel) == (300, 600, 10, 10, 2)
    assert (told.renew, told.dead_man) == (10, True)
    cheaper = {("", ""): 5, ("POST", "/portfolio/events/orders/:order_id/amend"): 1}
    assert venue_limits(limits, cheaper).renew == 1


def test_a_pause_of_trading_is_seen_by_shard() -> None:
    assert parse_status(raw(example("rest/exchange_status.json"))) == {0: True, 1: True, 2: True, 3: True}
    assert parse_status(raw(example("rest/exchange_status_thursday_pause.json"))) == {0: False, 3: False}


def test_books_by_rest_are_two_ladders_of_bids() -> None:
    books = parse_books(raw(example("rest/orderbooks_batch.json")))
    asks = sorted(price for side, price in books[LAL] if side.value == "ask")
    assert asks == [48 * CENT, 49 * CENT, 50 * CENT]
    assert parse_books(b'{"orderbooks":[]}') == {}


def test_a_value_that_cannot_be_is_refused() -> None:
    told = example("rest/settlements.json")
    told["settlements"][0]["value"] = 101
    with pytest.raises(ParseError, match="value"):
        parse_settlements(json.dumps(told).encode())


def test_a_time_without_its_zone_is_refused_not_guessed() -> None:
    with pytest.raises(ParseError, match="as_of_time"):
        parse_as_of(b'{"as_of_time":"2026-11-19T23:30:00"}')
