"""What leaves and what is said of it: bodies in both dialects, answers, and what every refusal means."""

from __future__ import annotations

import json

import pytest

from console.core.american import opposite
from console.core.commands import Basis, CancelOrder, CeilingKind, PlaceOrder, TimeInForce
from console.core.events import RejectReason
from console.core.instruments import Action, Instrument, Side, Venue
from console.core.ladders import price_of_american
from console.core.units import ONE
from console.venues.base.lane import Reply
from console.venues.base.protocol import Refused
from console.venues.prophetx.bets import news_of
from console.venues.prophetx.dialects import LEGACY, V4
from console.venues.prophetx.neutral import Failure, Unreadable
from console.venues.prophetx.orders import (
    bid_of,
    cancel_body,
    cancel_event_body,
    cancel_market_body,
    cancelled,
    place_body,
    placed,
    refusal,
    swept,
)

from .samples import CELTICS, KNICKS, ORDER, OURS, example, raw

DIALECTS = {"v4": V4, "legacy": LEGACY}
both = pytest.mark.parametrize("dialect", [V4, LEGACY], ids=["v4", "legacy"])


def place(odds=120, dollars=100.0, order_id=OURS, instrument=CELTICS, **changes):
    """A place of so many dollars at American odds."""
    price = price_of_american(odds)
    size = round(dollars * 100) * (100 + odds if odds > 0 else 100 - odds) * 10_000
    facts = {
        "order_id": order_id,
        "match": "m",
        "instrument": instrument,
        "action": Action.BUY,
        "price": price,
        "size": size // (100 if odds > 0 else -odds),
        "ceiling": price,
        "ceiling_kind": CeilingKind.QUOTE,
        "basis": Basis(0, 0, 0, 0, 0, ""),
    }
    return PlaceOrder(**{**facts, **changes})


def bids(dialect, *commands):
    return [bid_of(command, dialect.adds_liquidity) for command in commands]


def reply(message, status=200):
    return Reply(status, raw(message))


# ---- out


def test_a_single_order_is_written_as_documented():
    path, body = place_body(V4, bids(V4, place()))
    assert path == "/v4/mm/submit_order"
    assert json.loads(body) == example("v4_submit_order_request")
    path, body = place_body(LEGACY, bids(LEGACY, place()))
    assert path == "/mm/place_wager"
    assert json.loads(body) == example("legacy_place_wager_request")


def test_an_order_stakes_what_the_limits_counted():
    assert bid_of(place(stake=99_990_000), adds_only=True).stake == 99_990_000
    assert bid_of(place(dollars=0.33, odds=150), adds_only=True).stake == 330_000


def test_money_leaves_with_its_cents_and_never_as_a_rounded_double():
    _, body = place_body(V4, bids(V4, place(dollars=100.1)))
    assert b'"quantity":100.10' in body


def test_a_batch_is_written_as_documented():
    orders = [place(o, 25, f"mm-b-{n}") for n, o in enumerate((118, 120, 121))]
    for dialect, name in (
        (V4, "v4_submit_multiple_orders_request"),
        (LEGACY, "legacy_place_multiple_wagers_request"),
    ):
        _, body = place_body(dialect, [bid_of(order, adds_only=False) for order in orders])
        assert json.loads(body) == example(name)


def test_an_order_that_takes_has_two_seconds():
    taking = place(112, 50, "mm-20261120-000002", post_only=False, time_in_force=TimeInForce.IOC)
    _, body = place_body(LEGACY, bids(LEGACY, taking))
    assert json.loads(body) == example("legacy_place_wager_fok_request")


@both
def test_cancels_are_written_as_documented(dialect):
    v4 = dialect is V4
    command = CancelOrder(order_id=OURS, venue_order_id=ORDER, instrument=CELTICS)
    one = "v4_cancel_order_request" if v4 else "legacy_cancel_wager_request"
    assert json.loads(cancel_body(dialect, [(command, ORDER)])[1]) == example(one)
    if v4:
        many = example("v4_cancel_multiple_orders_request")
        body = json.loads(cancel_body(dialect, [(command, ORDER)] * 2)[1])
        assert body == {"data": many["data"] * 2}
    else:
        assert json.loads(cancel_event_body(dialect, 20021871)[1]) == example(
            "legacy_cancel_by_event_request"
        )
    market = "v4_cancel_by_market_request" if v4 else "legacy_cancel_by_market_request"
    side = "93c3f94974543f570ecca97909a67532"
    assert json.loads(cancel_market_body(dialect, 20021871, 219, side)[1]) == example(market)


# ---- the sign test, on the wire


def test_a_sharp_line_is_written_so_that_others_see_it():
    """Sharp -110 / +100: we bet the favourite at +100 and the other side at +110."""
    favourite, other = place(100, 100, "a", KNICKS), place(110, 100, "b", CELTICS)
    _, body = place_body(V4, bids(V4, favourite, other))
    sent = {entry["strike_id"]: entry["price"] for entry in json.loads(body)["data"]}
    assert sent == {"16168ec20ba1f801300d9aff814e6fcf": 100, "93c3f94974543f570ecca97909a67532": 110}
    shown = {KNICKS: opposite(110), CELTICS: opposite(100)}  # on each side what was bet on the other
    assert shown == {KNICKS: -110, CELTICS: 100}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (place(dollars=0.01, odds=-10_000), RejectReason.SIZE),  # wins less than a cent
        (place(stake=99_995_000), RejectReason.SIZE),  # half a cent
        (place(size=5_000), RejectReason.SIZE),
        (place(action=Action.SELL), RejectReason.OTHER),
        (place(instrument=Instrument(Venue.PROPHETX, "nonsense")), RejectReason.MARKET),
        (place(instrument=Instrument(CELTICS.venue, CELTICS.symbol, Side.NO)), RejectReason.MARKET),
        (place(size=10**17), RejectReason.SIZE),
    ],
)
def test_what_is_no_bet_never_leaves(command, reason):
    with pytest.raises(Refused) as refused:
        bid_of(command, adds_only=True)
    assert refused.value.reason is reason


# ---- in


@both
def test_a_place_that_is_taken_is_not_visible_yet(dialect):
    name = "v4_submit_order_response" if dialect is V4 else "legacy_place_wager_response"
    outcome = placed(dialect, bids(dialect, place()), reply(example(name)))[OURS]
    assert outcome.refused is None
    news = news_of(outcome.order)
    assert (news.key, news.external_id, news.status.value, news.open) == (ORDER, OURS, "inactive", 100 * ONE)


@both
def test_a_batch_is_answered_order_by_order(dialect):
    name = {"v4": "v4_submit_multiple_orders_response", "legacy": "legacy_place_multiple_wagers_response"}
    orders = [place(o, 25, f"mm-b-{n}") for n, o in enumerate((118, 120, 121, 122))]
    outcomes = placed(dialect, bids(dialect, *orders), reply(example(name[dialect.name])))
    assert [outcomes[f"mm-b-{n}"].order is not None for n in range(4)] == [True, True, False, False]
    assert outcomes["mm-b-2"].reason is RejectReason.PRICE
    assert outcomes["mm-b-3"] == refusal(500, Failure("x"))  # in neither list: nobody knows


def test_a_failed_entry_that_names_only_its_place_is_found():
    told = example("v4_submit_multiple_orders_response")
    del told["data"]["failed_orders"][0]["request"]
    orders = [place(o, 25, f"mm-b-{n}") for n, o in enumerate((118, 120, 121))]
    assert placed(V4, bids(V4, *orders), reply(told))["mm-b-2"].reason is RejectReason.PRICE


def test_an_answer_that_cannot_be_read_is_no_refusal():
    told = example("v4_submit_order_response")
    del told["data"]["order"]["status"]
    with pytest.raises(Unreadable, match="status"):
        placed(V4, bids(V4, place()), reply(told))


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_price", RejectReason.PRICE),
        (400, "wager_invalid_odds", RejectReason.PRICE),
        (400, "order_invalid_profit", RejectReason.SIZE),
        (403, "insufficient_amount", RejectReason.BALANCE),
        (400, "event_not_available", RejectReason.MARKET),
        (429, "rate_limit_reached", RejectReason.RATE_LIMITED),
        (429, "", RejectReason.RATE_LIMITED),
        (401, "unauthorized", RejectReason.OTHER),
        (400, "something_new", RejectReason.OTHER),
        (400, "order_external_id_existed", None),  # its first use did arrive
        (400, "wager_external_id_existed", None),
        (500, "unknown_error", None),
        (500, "order_unable_to_place", None),
        (502, "", None),
        (408, "", None),
    ],
)
def test_a_refusal_is_certain_or_it_is_none(status, code, expected):
    outcome = refusal(status, Failure(code))
    assert (outcome.reason if outcome.refused is not None else None) is expected


def test_every_documented_error_is_told_apart():
    errors = {one["body"]["error"]: one for one in example("errors")}
    outcomes = {
        code: cancelled(V4, [OURS], reply(one["body"], one["http"]))[OURS] for code, one in errors.items()
    }
    assert outcomes["order_opened_retry"].again
    assert not outcomes["order_is_placing"].again
    assert outcomes["order_is_placing"].reason is RejectReason.OTHER
    assert outcomes["rate_limit_reached"].reason is RejectReason.RATE_LIMITED


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "data_not_found", RejectReason.NOT_FOUND),
        (400, "order_already_cancelled", RejectReason.NOT_FOUND),
        (400, "order_already_filled", RejectReason.NOT_FOUND),
        (400, "wager_already_matched", RejectReason.NOT_FOUND),
        (500, "order_unable_to_cancel", None),
        (503, "", None),
    ],
)
def test_a_cancel_of_what_is_gone_is_looked_up(status, code, reason):
    outcome = cancelled(V4, [OURS], reply({"error": code, "message": ""}, status))[OURS]
    assert (outcome.done, outcome.reason) == (False, reason)


def test_cancels_of_a_batch_are_answered_one_by_one():
    outcomes = cancelled(
        LEGACY, [OURS, "mm-b-9", "mm-x"], reply(example("legacy_cancel_multiple_wagers_response"))
    )
    assert outcomes[OURS].done
    assert outcomes["mm-b-9"].reason is RejectReason.NOT_FOUND
    assert (outcomes["mm-x"].done, outcomes["mm-x"].reason) == (False, None)


@pytest.mark.parametrize("said", [{"success": True}, {"Success": True}])
def test_success_is_read_however_it_is_spelled(said):
    assert cancelled(V4, [OURS], reply({"data": said}))[OURS].done
    assert swept(V4, reply({"data": said}))


def test_an_answer_without_success_is_unknown():
    assert (
        cancelled(V4, [OURS], reply({"data": {"success": False}}))[OURS]
        == cancelled(V4, [OURS], reply({"error": "x"}, 500))[OURS]
    )
    assert not swept(V4, reply({"data": {}}))


def test_nothing_to_cancel_is_success():
    assert swept(V4, reply(example("cancel_all_nothing_open_response_404"), 404))
    assert not swept(V4, reply({"error": "data_not_found"}, 404))
    assert swept(LEGACY, reply(example("cancel_all_response")))
