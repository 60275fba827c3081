"""Order calls to the byte, their answers, and refusals in every shape."""

from __future__ import annotations

import json

import pytest
from kalshi_samples import LAL, example

from console.core.commands import AmendOrder, Basis, CeilingKind, PlaceOrder, TimeInForce
from console.core.events import RejectReason
from console.core.instruments import Action, BookSide
from console.core.units import CENT, ONE, SECOND
from console.venues.base.lane import Reply
from console.venues.base.protocol import Refused, Unanswered
from console.venues.kalshi.errors import check
from console.venues.kalshi.orders import (
    CancelEntry,
    Created,
    cancel_path,
    parse_batch_canceled,
    parse_batch_created,
    parse_changed,
    parse_created,
    render_amend,
    render_batch,
    render_batch_cancel,
    render_create,
    render_decrease,
    render_renewal,
)

NOTHING = Basis(0, 0, 0, 0, 0, "")
ORDER = "a898a640-4a59-5b53-81c5-c12483e3ead7"


def place(instrument=LAL, action=Action.BUY, price=46 * CENT, size=100 * ONE, **more) -> PlaceOrder:
    return PlaceOrder(
        order_id=more.pop("order_id", "mm-lal-bid-000001"),
        match="m",
        instrument=instrument,
        action=action,
        price=price,
        size=size,
        ceiling=price,
        ceiling_kind=CeilingKind.QUOTE,
        basis=NOTHING,
        **more,
    )


def amend(price=45 * CENT, size=120 * ONE) -> AmendOrder:
    return AmendOrder(
        order_id="mm-lal-bid-000001",
        venue_order_id=ORDER,
        match="m",
        instrument=LAL,
        action=Action.BUY,
        price=price,
        size=size,
        ceiling=price,
        ceiling_kind=CeilingKind.QUOTE,
        basis=NOTHING,
    )


# ---- requests


def test_a_quote_to_the_byte() -> None:
    assert render_create(place(), 3) == (
        b'{"ticker":"KXNBAGAME-26NOV20LALBOS-LAL","client_order_id":"mm-lal-bid-000001","side":"bid",'
        b'"count":"100.00","price":"0.4600","time_in_force":"good_till_canceled",'
        b'"self_trade_prevention_type":"taker_at_cross","post_only":true,"cancel_order_on_pause":true,'
        b'"exchange_index":3}'
    )


@pytest.mark.parametrize(
    ("name", "command", "shard", "group"),
    [
        ("order_create_request_bid_postonly", place(), 3, ""),
        (
            "order_create_request_ioc_reduce_only",
            place(
                action=Action.SELL,
                price=45 * CENT,
                size=40 * ONE,
                order_id="mm-lal-exit-000001",
                time_in_force=TimeInForce.IOC,
                post_only=False,
                reduce_only=True,
            ),
            3,
            "",
        ),
        (
            "order_create_request_ask_gtt_group",
            place(
                instrument=LAL.no, price=51 * CENT, order_id="mm-lal-ask-000001", expires=1795221000 * SECOND
            ),
            3,
            "5fd08a60-3805-5854-b585-d95fc2fad951",
        ),
    ],
)
def test_creates_say_what_the_examples_say(name, command, shard, group) -> None:
    """Ours, besides, never outlive a pause, and an exit goes through an order of our own."""
    ours, theirs = json.loads(render_create(command, shard, group)), example(f"rest/{name}.json")
    for field in ("subaccount", "self_trade_prevention_type", "cancel_order_on_pause"):
        ours.pop(field, None)
        theirs.pop(field, None)
    assert ours == theirs


@pytest.mark.parametrize(
    ("leg", "action", "cents", "side", "price"),
    [
        (LAL, Action.BUY, 46, "bid", "0.4600"),
        (LAL, Action.SELL, 46, "ask", "0.4600"),
        (LAL.no, Action.BUY, 46, "ask", "0.5400"),
        (LAL.no, Action.SELL, 46, "bid", "0.5400"),
    ],
)
def test_every_direction_is_a_side_at_a_yes_price(leg, action, cents, side, price) -> None:
    body = json.loads(render_create(place(leg, action, cents * CENT), 0))
    assert (body["side"], body["price"]) == (side, price)


def test_fractions_and_fine_ticks_are_strings_with_all_their_digits() -> None:
    body = json.loads(render_create(place(price=71_200, size=12_340_000), 0))
    assert (body["price"], body["count"]) == ("0.0712", "12.34")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (place(price=46_050 * 10 + 1), RejectReason.PRICE),
        (place(price=0), RejectReason.PRICE),
        (place(price=ONE), RejectReason.PRICE),
        (place(size=1_001), RejectReason.SIZE),
        (place(size=0), RejectReason.SIZE),
    ],
)
def test_what_the_wire_cannot_carry_is_refused_here(command, reason) -> None:
    with pytest.raises(Refused) as refused:
        render_create(command, 0)
    assert refused.value.reason is reason


def test_an_amend_asks_for_the_total_and_leaves_the_end_alone() -> None:
    body = json.loads(render_amend(amend(), 3))
    theirs = example("rest/order_amend_request.json")
    del theirs["updated_client_order_id"]
    assert body == theirs


def test_a_renewal_moves_nothing_but_the_end() -> None:
    body = json.loads(
        render_renewal("mine", LAL.symbol, BookSide.BID, 46 * CENT, 100 * ONE, 1_795_218_000, 3)
    )
    assert body.pop("client_order_id") == "mine"
    assert body == example("rest/order_amend_request_expiry_only.json")


def test_a_decrease_names_no_price() -> None:
    assert json.loads(render_decrease(30 * ONE, LAL.symbol, 3)) == {
        **example("rest/order_decrease_request_by.json"),
        "exchange_index": 3,
    }


def test_a_cancel_says_where_the_order_is() -> None:
    path = cancel_path(CancelEntry(ORDER, LAL.symbol, 3))
    assert path == (
        f"/portfolio/events/orders/{ORDER}?market_ticker=KXNBAGAME-26NOV20LALBOS-LAL&exchange_index=3"
    )


def test_a_cancel_of_an_order_on_a_shard_nobody_told_is_routed_by_its_ticker() -> None:
    lost = CancelEntry(ORDER, LAL.symbol, None)
    assert cancel_path(lost) == f"/portfolio/events/orders/{ORDER}?market_ticker={LAL.symbol}"
    rows = json.loads(render_batch_cancel([lost]))
    assert rows == {"orders": [{"order_id": ORDER, "market_ticker": LAL.symbol}]}


def test_a_batch_holds_each_order_to_the_byte() -> None:
    one, other = render_create(place(), 3), render_create(place(order_id="b"), 3)
    assert render_batch([one, other]) == b'{"orders":[' + one + b"," + other + b"]}"
    rows = json.loads(render_batch_cancel([CancelEntry(ORDER, LAL.symbol, 3)]))
    assert rows == {"orders": [{"order_id": ORDER, "market_ticker": LAL.symbol, "exchange_index": 3}]}


# ---- answers


def body(name: str) -> bytes:
    return json.dumps(example(f"rest/{name}.json")).encode()


def test_answers_to_a_create() -> None:
    assert parse_created(body("order_create_response_resting")) == Created(ORDER, 0, 100 * ONE, 1795217400000)
    filled = parse_created(body("order_create_response_filled"))
    assert (filled.filled, filled.left) == (25 * ONE, 0)
    nothing = parse_created(body("order_create_response_ioc_no_fill"))
    assert (nothing.filled, nothing.left) == (0, 0)


@pytest.mark.parametrize("field", ["order_id", "fill_count", "remaining_count", "ts_ms"])
def test_a_create_answered_without_a_field_is_not_taken_for_refused(field) -> None:
    told = example("rest/order_create_response_resting.json")
    del told[field]
    with pytest.raises(Unanswered):
        parse_created(json.dumps(told).encode())


def test_answers_to_amends_decreases_and_cancels() -> None:
    for name in ("order_amend_response", "order_decrease_response", "order_cancel_response"):
        assert parse_changed(body(name)).venue_order_id == ORDER
    with pytest.raises(Unanswered):
        parse_changed(b"{}")


def test_each_entry_of_a_batch_stands_alone() -> None:
    asked = ["mm-lal-bid-000001", "mm-lal-ask-000002", "never-mentioned"]
    found = parse_batch_created(body("orders_batch_create_response_mixed"), asked)
    assert found["mm-lal-bid-000001"] == Created(ORDER, 0, 100 * ONE, 1795217400000)
    assert found["mm-lal-ask-000002"].reason is RejectReason.POST_ONLY_CROSS
    assert "never-mentioned" not in found
    cancelled = parse_batch_canceled(body("orders_batch_cancel_response_mixed"))
    assert cancelled[ORDER].ts_ms == 1795217401500
    assert cancelled["34b1aefe-72a2-5bf5-9919-13b6be7f4cbe"].reason is RejectReason.NOT_FOUND


@pytest.mark.parametrize("field", ["order_id", "fill_count", "remaining_count"])
def test_an_entry_of_a_batch_without_a_field_is_unknown_and_never_zero(field) -> None:
    told = json.loads(body("orders_batch_create_response_mixed"))
    del told["orders"][0][field]
    found = parse_batch_created(json.dumps(told).encode(), ["mm-lal-bid-000001", "mm-lal-ask-000002"])
    assert list(found) == ["mm-lal-ask-000002"]


# ---- refusals


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("400_insufficient_balance", RejectReason.BALANCE),
        ("400_invalid_price", RejectReason.PRICE),
        ("400_numeric_instead_of_string", RejectReason.OTHER),
        ("400_parameter_validation", RejectReason.OTHER),
        ("400_post_only_cross", RejectReason.POST_ONLY_CROSS),
        ("401_bad_signature", RejectReason.OTHER),
        ("401_missing_signature", RejectReason.OTHER),
        ("401_timestamp_expired", RejectReason.OTHER),
        ("401_unknown_key", RejectReason.OTHER),
        ("404_market_not_found_wrong_shard", RejectReason.MARKET),
        ("404_not_found_cancel", RejectReason.NOT_FOUND),
        ("404_user_not_found_unfunded_shard", RejectReason.BALANCE),
        ("409_exchange_is_paused", RejectReason.MARKET),
        ("409_fok_no_volume", RejectReason.OTHER),
        ("409_order_already_exists", RejectReason.DUPLICATE),
        ("409_trading_is_paused", RejectReason.MARKET),
        ("410_v1_order_endpoint", RejectReason.OTHER),
        ("429_rate_limited", RejectReason.RATE_LIMITED),
    ],
)
def test_every_error_body_is_a_refusal_with_its_reason(name, reason) -> None:
    told = json.dumps(example(f"errors/{name}.json")).encode()
    with pytest.raises(Refused) as refused:
        check(Reply(int(name[:3]), told))
    assert refused.value.reason is reason
    assert refused.value.text


def test_an_unfunded_shard_is_known_by_its_beginning_whatever_the_status() -> None:
    told = b'{"error":{"code":"user_not_found:_34837801","message":"user not found"}}'
    with pytest.raises(Refused) as refused:
        check(Reply(400, told))
    assert refused.value.reason is RejectReason.BALANCE


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_server_in_trouble_proves_nothing(status) -> None:
    with pytest.raises(Unanswered):
        check(Reply(status, b"<html>"))


def test_an_unreadable_refusal_is_named_by_its_status() -> None:
    with pytest.raises(Refused, match="HTTP status 400"):
        check(Reply(400, b"<html>"))
