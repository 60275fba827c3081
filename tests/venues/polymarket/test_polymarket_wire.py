"""Every example message through the parser that reads it, and each required field missed when it is gone."""

import contextlib
import json
from decimal import Decimal

import pytest
from polymarket_samples import (
    CONDITION,
    DIGEST,
    EXAMPLES,
    NO,
    OWNER,
    SLUG,
    VECTORS,
    YES,
    as_bytes,
    example,
    loaded,
)

from console.core.events import RejectReason
from console.core.fees import FeeModel
from console.core.instruments import Instrument, Venue
from console.core.units import ONE, SECOND, micros
from console.venues.polymarket.account import (
    open_order,
    parse_balance,
    parse_open_orders,
    parse_order,
    parse_positions,
    parse_trades,
    standing,
)
from console.venues.polymarket.auth import CredentialError, Credentials, parse_api_key
from console.venues.polymarket.books import (
    books_request,
    more,
    parse_book,
    parse_books,
    parse_frame,
    subscription,
)
from console.venues.polymarket.discovery import (
    matches_of,
    parse_event,
    parse_market,
)
from console.venues.polymarket.orders import (
    Doubtful,
    NotPlaced,
    Placed,
    batch_body,
    cancel_body,
    cancel_refusal,
    heartbeat_body,
    parse_batch,
    parse_cancels,
    parse_heartbeat,
    parse_place,
    pause_s,
)
from console.venues.polymarket.rewards import parse_earnings
from console.venues.polymarket.user import (
    Leg,
    parse_user_frame,
    user_subscription,
)
from console.venues.polymarket.wire import ParseError, moment, number, plain

P = Venue.POLYMARKET
HOME = Instrument(P, SLUG)
FEES = FeeModel(taker_rate=50_000, unit=10)


def leg(token):
    return {YES: Leg(HOME, FEES), NO: Leg(HOME.no, FEES)}.get(token)


def name(digest):
    return "k3x9-1" if digest == DIGEST else ""


def every_trade(body):
    return parse_trades(body)[0]


READERS = {  # what the client reads, and with what
    "data_positions_response": parse_positions,
    "gamma_event_soccer_three_way": lambda body: matches_of(parse_event(body)),
    "gamma_market_protocol_v2": parse_market,
    "gamma_market_sports_neg_risk": parse_market,
    "gamma_market_sports_two_team": parse_market,
    "rest_auth_api_key_response": parse_api_key,
    "rest_balance_allowance_collateral_response": parse_balance,
    "rest_balance_allowance_conditional_response": parse_balance,
    "rest_book_response": parse_book,
    "rest_book_empty_side_response": parse_book,
    "rest_books_response": parse_books,
    "rest_cancel_response": parse_cancels,
    "rest_cancel_partial_response": parse_cancels,
    "rest_data_order_response": lambda body: standing(parse_order(body), name),
    "rest_data_orders_response": lambda body: [open_order(o, leg, name) for o in parse_open_orders(body)[0]],
    "rest_data_trades_response": every_trade,
    "rest_heartbeat_response": parse_heartbeat,
    "rest_heartbeat_mismatch_400": parse_heartbeat,
    "rest_rewards_user_response": parse_earnings,
    "ws_market_book_initial_dump": parse_frame,
    "ws_market_book_after_trade": parse_frame,
    "ws_market_price_change": parse_frame,
    "ws_market_price_change_level_removed": parse_frame,
    "ws_market_last_trade_price": parse_frame,
    "ws_market_tick_size_change": parse_frame,
    "ws_market_best_bid_ask": parse_frame,
    "ws_market_new_market": parse_frame,
    "ws_market_resolved": parse_frame,
    "ws_user_order_placement": parse_user_frame,
    "ws_user_order_update_partial_fill": parse_user_frame,
    "ws_user_order_update_filled": parse_user_frame,
    "ws_user_order_cancellation": parse_user_frame,
    "ws_user_order_cancellation_by_venue": parse_user_frame,
    "ws_user_order_fok_killed": parse_user_frame,
    "ws_user_trade_matched": parse_user_frame,
    "ws_user_trade_mined": parse_user_frame,
    "ws_user_trade_confirmed": parse_user_frame,
    "ws_user_trade_failed": parse_user_frame,
    "ws_user_trade_retrying": parse_user_frame,
    "ws_user_trade_mint_match_as_taker": parse_user_frame,
}


@pytest.mark.parametrize("which", READERS)
def test_example_is_read(which):
    assert READERS[which](example(which))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_no_example_breaks_a_stream(path):
    """Whatever a stream may carry is read, passed by or refused in words; nothing else comes out."""
    for read in (parse_frame, parse_user_frame):
        with contextlib.suppress(ParseError):
            read(path.read_bytes())


def pieces():
    """(example, key) of everything whose absence must be noticed."""
    optional = {  # absent in some messages of the venue, or of no use to us
        "ws_market_book_after_trade": {"hash", "tick_size", "last_trade_price"},
        "ws_market_last_trade_price": {"fee_rate_bps", "transaction_hash"},
        "ws_market_resolved": {"id", "winning_outcome", "timestamp", "tags"},
    }
    used = {
        "ws_market_book_after_trade": {"market", "asset_id", "timestamp", "bids", "asks"},
        "ws_market_price_change": {"market", "price_changes", "timestamp"},
        "ws_market_last_trade_price": {"market", "asset_id", "price", "size", "side", "timestamp"},
        "ws_market_tick_size_change": {"market", "asset_id", "old_tick_size", "new_tick_size"},
        "ws_market_resolved": {"market", "assets_ids", "winning_asset_id"},
        "rest_book_response": {"market", "asset_id", "timestamp", "hash", "bids", "asks"}
        | {"min_order_size", "tick_size", "neg_risk"},
        "ws_user_order_placement": {"id", "type", "status", "market", "asset_id", "side", "original_size"}
        | {"price"},
        "ws_user_trade_matched": {"id", "status", "taker_order_id", "market", "asset_id", "side", "size"}
        | {"price", "owner"},
        "rest_data_order_response": {"id", "status", "market", "asset_id", "side", "original_size"}
        | {"size_matched", "price"},
        "gamma_market_sports_two_team": {"slug", "question", "conditionId", "outcomes", "clobTokenIds"}
        | {"closed", "active", "orderPriceMinTickSize", "orderMinSize", "feesEnabled", "feeSchedule"},
        "data_positions_response": {"asset", "conditionId", "size", "curPrice", "redeemable", "mergeable"}
        | {"slug", "outcomeIndex"},
        "rest_heartbeat_response": {"heartbeat_id"},
        "rest_cancel_response": {"canceled"},
    }
    for which, keys in used.items():
        assert not keys & optional.get(which, set())
        for key in sorted(keys):
            yield which, key


@pytest.mark.parametrize(("which", "key"), pieces(), ids=lambda piece: piece)
def test_a_missing_field_is_refused_by_name(which, key):
    message = loaded(which)
    del (message[0] if isinstance(message, list) else message)[key]
    with pytest.raises(ParseError) as refused:
        READERS[which](as_bytes(message))
    assert key in str(refused.value) or key == "event_type"


@pytest.mark.parametrize("key", ["asset_id", "price", "size", "side"])
def test_a_change_without_a_field_is_refused(key):
    message = loaded("ws_market_price_change")
    del message["price_changes"][0][key]
    with pytest.raises(ParseError, match=key):
        parse_frame(as_bytes(message))


@pytest.mark.parametrize("key", ["order_id", "owner", "matched_amount", "price", "asset_id"])
def test_a_maker_order_without_a_field_is_refused(key):
    message = loaded("ws_user_trade_matched")
    del message["maker_orders"][0][key]
    with pytest.raises(ParseError, match=key):
        parse_user_frame(as_bytes(message))


def test_what_we_do_not_know_passes():
    message = loaded("ws_market_price_change")
    message["price_changes"][0]["new_field"] = {"anything": [1]}
    assert parse_frame(as_bytes(message))
    assert parse_frame(b'{"event_type": "brand_new", "market": "0x1"}') == []
    assert parse_frame(b"PONG") == parse_frame(b"NO NEW ASSETS") == parse_frame(b"[]") == []
    assert parse_user_frame(b"PONG") == parse_user_frame(b'{"event_type": "news"}') == []


def test_the_message_of_before_september_2025_is_refused_not_misread():
    with pytest.raises(ParseError, match="price_changes"):
        parse_frame(example("ws_market_price_change_before_2025_09_15"))


# ---- requests


def test_requests_are_spelled_as_the_examples():
    assert json.loads(subscription([YES, NO])) == loaded("ws_market_subscribe")
    assert json.loads(more([NO], add=True)) == loaded("ws_market_add")
    assert json.loads(more([NO], add=False)) | loaded("ws_market_remove") == json.loads(more([NO], add=False))
    assert json.loads(books_request([YES, NO])) == loaded("rest_books_request")
    ids = loaded("rest_cancel_orders_request")
    assert json.loads(cancel_body(ids)) == ids
    assert json.loads(heartbeat_body("")) == loaded("rest_heartbeat_first_request")
    auth = loaded("ws_user_subscribe")["auth"]
    told = json.loads(user_subscription(auth["apiKey"], auth["secret"], auth["passphrase"]))
    assert told == {**loaded("ws_user_subscribe"), "markets": []}
    one = json.dumps(loaded("rest_post_order_request"), separators=(",", ":"))
    assert one == VECTORS["orders"][0]["expected"]["posted_body"]
    assert json.loads(batch_body([one, one])) == [loaded("rest_post_order_request")] * 2


# ---- answers to orders


def test_acceptance_is_more_than_success():
    live = parse_place(200, example("rest_post_order_live_response"), DIGEST)
    assert isinstance(live, Placed)
    assert live.status == "live"
    matched = parse_place(
        200,
        example("rest_post_order_matched_response"),
        loaded("rest_post_order_matched_response")["orderID"],
    )
    assert (matched.making, matched.taking) == (100 * ONE, micros("178.5714"))
    assert parse_place(200, example("rest_post_order_delayed_response"), DIGEST).status == "delayed"
    refused = parse_place(200, example("rest_post_order_rejected_200_response"), DIGEST)
    assert refused == NotPlaced(RejectReason.BALANCE, "not enough balance / allowance")


def test_each_order_of_a_batch_has_an_answer_of_its_own():
    first, second = parse_batch(200, example("rest_post_orders_mixed_response"), [DIGEST, "0xother"])
    assert isinstance(first, Placed)
    assert second == NotPlaced(RejectReason.BALANCE, "not enough balance / allowance")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>",
        b'{"success": true, "orderID": "0xsomebody-elses", "errorMsg": "", "status": "live"}',
        as_bytes({"success": True, "orderID": DIGEST, "errorMsg": "", "status": "unmatched"}),
        as_bytes({"success": True, "orderID": DIGEST, "errorMsg": "", "status": ""}),
        as_bytes({"success": True, "orderID": DIGEST, "status": "live", "makingAmount": "a lot"}),
    ],
)
def test_an_answer_that_proves_nothing_is_not_taken_for_a_refusal(body):
    assert isinstance(parse_place(200, body, DIGEST), Doubtful)


def test_a_batch_answered_short_proves_nothing():
    assert all(isinstance(o, Doubtful) for o in parse_batch(200, b"[]", ["0x1", "0x2"]))


@pytest.mark.parametrize("error", loaded("rest_errors"), ids=lambda e: str(e["body"])[:60])
def test_every_error_text_is_told_apart(error):
    outcome = parse_place(error["status"], as_bytes(error["body"]), DIGEST)
    text = error["body"].get("error", "")
    expected = {
        "not enough": RejectReason.BALANCE,
        "breaks minimum tick": RejectReason.PRICE,
        "lower than the minimum": RejectReason.SIZE,
        "crosses book": RejectReason.POST_ONLY_CROSS,
        "invalid amount": RejectReason.SIZE,
        "Too Early": RejectReason.NOT_CONNECTED,
        "Too Many Requests": RejectReason.RATE_LIMITED,
        "market not found": RejectReason.MARKET,
        "cancel-only": RejectReason.MARKET,
        "disabled": RejectReason.MARKET,
        "post-only mode": RejectReason.MARKET,
    }
    if "Duplicated" in text or error["status"] == 500:
        assert isinstance(outcome, Doubtful)
        return
    assert isinstance(outcome, NotPlaced)
    assert outcome.reason is next((r for words, r in expected.items() if words in text), RejectReason.OTHER)


def test_a_server_error_of_unknown_words_proves_nothing():
    for status in (500, 502, 503, 504):
        assert isinstance(parse_place(status, b'{"error": "upstream"}', DIGEST), Doubtful)


def test_an_answer_of_somebody_on_the_way_proves_nothing():
    for status in (408, 499):
        assert isinstance(parse_place(status, b"", DIGEST), Doubtful)


def test_how_long_to_wait_is_read_from_header_and_body():
    assert pause_s(429, b"", {"Retry-After": "2"}) == 2.0
    assert pause_s(503, b'{"error": "x", "retry_after_seconds": 90}', {}) == 90.0
    assert pause_s(429, b"", {}) is None
    assert pause_s(429, b"", {"retry-after": "soon"}) is None


def test_cancels_prove_what_is_gone_and_what_never_was_there():
    partly = parse_cancels(example("rest_cancel_partial_response"))
    assert partly.canceled == (DIGEST,)
    assert [cancel_refusal(text) for text in partly.not_canceled.values()] == [RejectReason.NOT_FOUND]
    assert cancel_refusal("order is delayed") is RejectReason.OTHER


# ---- spelling


def test_times_are_read_in_both_spellings():
    assert moment("2026-04-05 15:10:00+00") == moment("2026-04-05T15:10:00Z") == 1_775_401_800 * SECOND
    assert moment("2026-09-12T04:08:18.75Z") % SECOND == 750_000_000
    assert moment("") == 0


def test_numbers_are_exact():
    assert number(Decimal("0.0025")) == 2_500
    assert number(Decimal("150.5")) == micros("150.5")
    with pytest.raises(ValueError, match="6 decimals"):
        number(Decimal("0.00000012"))
    assert [plain(n) for n in (0, 5 * ONE, 1_500_000, 490_000)] == ["0", "5", "1.5", "0.49"]


def test_an_api_key_that_cannot_be_read_is_not_shown():
    with pytest.raises(CredentialError) as refused:
        parse_api_key(b'{"apiKey": "k", "secret": "the-secret"}')
    assert "the-secret" not in str(refused.value)
    assert parse_api_key(example("rest_auth_api_key_response")) == Credentials(
        OWNER,
        "NwGKfArHStEBVQuu_34e6Vt8TWqr701GMW-yiKO2FsI=",
        loaded("rest_auth_api_key_response")["passphrase"],
    )


def test_the_condition_of_the_examples_is_the_one_they_share():
    assert loaded("rest_book_response")["market"] == CONDITION
