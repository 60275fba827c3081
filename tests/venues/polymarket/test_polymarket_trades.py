"""Trades from the match to the chain, and the venue's own account of us."""

import pytest
from polymarket_samples import (
    DIGEST,
    NO,
    OWNER,
    SLUG,
    YES,
    as_bytes,
    example,
    loaded,
)

from console.core.events import FillConfirmed, FillReversed, OrderFilled
from console.core.fees import FeeModel
from console.core.instruments import Action, Instrument, Venue
from console.core.units import ONE, micros
from console.venues.polymarket.account import (
    claimable,
    net_positions,
    open_order,
    parse_balance,
    parse_open_orders,
    parse_order,
    parse_positions,
    parse_trades,
    standing,
)
from console.venues.polymarket.user import (
    Leg,
    Lives,
    TradeLog,
    Trades,
    life,
    parse_user_frame,
    stage,
)
from console.venues.polymarket.wire import ParseError

P = Venue.POLYMARKET
HOME = Instrument(P, SLUG)
FEES = FeeModel(taker_rate=50_000, unit=10)


def leg(token):
    return {YES: Leg(HOME, FEES), NO: Leg(HOME.no, FEES)}.get(token)


def name(digest):
    return "k3x9-1" if digest == DIGEST else ""


def every_trade(body):
    return parse_trades(body)[0]


# ---- trades


def log():
    return TradeLog(OWNER, leg, name)


def trade(which):
    (message,) = parse_user_frame(example(which))
    return message


def test_a_match_is_a_fill_that_may_still_fail():
    (fill,) = log().take(trade("ws_user_trade_matched"))
    assert isinstance(fill, OrderFilled)
    assert fill.provisional
    assert (fill.instrument, fill.action, fill.price, fill.size) == (HOME, Action.BUY, 470_000, 25 * ONE)
    assert (fill.cost, fill.fee, fill.maker) == (11_750_000, 0, True)
    assert (fill.order_id, fill.venue_order_id) == ("k3x9-1", DIGEST)


LIFE = ["ws_user_trade_matched", "ws_user_trade_mined", "ws_user_trade_retrying", "ws_user_trade_confirmed"]


def test_a_trade_is_told_once_and_confirmed_once():
    told = log()
    events = [event for which in (*LIFE, *LIFE) for event in told.take(trade(which))]
    assert [type(event) for event in events] == [OrderFilled, FillConfirmed]
    assert events[0].trade_id == events[1].trade_id
    assert told.matched(DIGEST) == 25 * ONE


def test_a_failed_trade_is_taken_back_and_never_comes_again():
    told = log()
    told.take(trade("ws_user_trade_matched"))
    (reversal,) = told.take(trade("ws_user_trade_failed"))
    assert isinstance(reversal, FillReversed)
    assert told.matched(DIGEST) == 25 * ONE  # the order is no longer there, whatever the chain says
    assert told.unmined == {}
    for which in (*LIFE, "ws_user_trade_failed"):
        assert told.take(trade(which)) == []


def test_a_failure_heard_of_first_keeps_the_match_out():
    told = log()
    assert [type(event) for event in told.take(trade("ws_user_trade_failed"))] == [FillReversed]
    assert told.take(trade("ws_user_trade_matched")) == []


def test_what_is_matched_but_not_mined_is_not_in_the_balances_yet():
    told = log()
    told.take(trade("ws_user_trade_matched"))
    assert [fill.size for fills in told.unmined.values() for fill in fills] == [25 * ONE]
    told.take(trade("ws_user_trade_mined"))
    assert told.unmined == {}


def test_a_trade_first_seen_confirmed_is_final_at_once():
    fill, confirmed = log().take(trade("ws_user_trade_confirmed"))
    assert not fill.provisional
    assert confirmed.trade_id == fill.trade_id


def test_rest_and_stream_name_a_fill_alike():
    (listed,) = every_trade(example("rest_data_trades_response"))
    assert log().take(listed)[0].trade_id == log().take(trade("ws_user_trade_matched"))[0].trade_id


def test_a_taker_pays_each_maker_its_own_price():
    (fill,) = log().take(trade("ws_user_trade_mint_match_as_taker"))
    assert (fill.instrument, fill.action, fill.maker) == (HOME, Action.BUY, False)
    assert fill.cost == 25 * 490_000  # the maker bid 51 for the other token
    assert fill.fee == 312_380  # 25 * 0.05 * 0.49 * 0.51 = 0.312375, rounded up at five decimals
    assert fill.venue_order_id == DIGEST


def test_a_maker_on_the_other_token_fills_there():
    message = loaded("ws_user_trade_mint_match_as_taker")
    message["owner"], message["maker_orders"][0]["owner"] = "somebody", OWNER
    (found,) = parse_user_frame(as_bytes(message))
    (fill,) = log().take(found)
    assert (fill.instrument, fill.action, fill.price) == (HOME.no, Action.BUY, 510_000)


@pytest.mark.parametrize(
    ("on", "taker", "made"), [(YES, "SELL", Action.BUY), (YES, "BUY", Action.SELL), (NO, "BUY", Action.BUY)]
)
def test_a_maker_that_does_not_say_its_side_took_the_other(on, taker, made):
    message = loaded("ws_user_trade_matched")
    message["side"], message["asset_id"] = taker, YES
    message["maker_orders"][0].pop("side")
    message["maker_orders"][0]["asset_id"] = on
    (found,) = parse_user_frame(as_bytes(message))
    assert log().take(found)[0].action is made


def test_two_orders_of_ours_in_one_trade_are_two_fills():
    message = loaded("ws_user_trade_matched")
    message["maker_orders"].append({**message["maker_orders"][0], "order_id": "0x" + "ab" * 32})
    (found,) = parse_user_frame(as_bytes(message))
    first, second = log().take(found)
    assert first.trade_id != second.trade_id


def test_a_trade_of_others_or_elsewhere_is_not_ours():
    message = loaded("ws_user_trade_matched")
    message["maker_orders"][0]["owner"] = "somebody"
    (found,) = parse_user_frame(as_bytes(message))
    assert log().take(found) == []
    elsewhere = loaded("ws_user_trade_matched")
    elsewhere["maker_orders"][0]["asset_id"] = "12345"
    (found,) = parse_user_frame(as_bytes(elsewhere))
    told = log()
    assert told.take(found) == []
    assert not told.knows(elsewhere["id"])  # its market may become one of ours


def test_a_status_we_do_not_know_is_not_guessed():
    with pytest.raises(ParseError, match="LOST"):
        stage("LOST")
    assert stage("TRADE_STATUS_MATCHED_NOT_BROADCASTED") is Trades.OPEN


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("LIVE", Lives.RESTS),
        ("ORDER_STATUS_LIVE", Lives.RESTS),
        ("DELAYED", Lives.HELD),
        ("MATCHED", Lives.ENDED),
        ("CANCELED", Lives.ENDED),
        ("CANCELED_NOT_ENOUGH_BALANCE", Lives.ENDED),
        ("CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed.", Lives.ENDED),
        ("INVALID", Lives.ENDED),
        ("UNMATCHED", Lives.UNSURE),
        ("", Lives.UNSURE),
    ],
)
def test_an_order_status_is_read_by_its_beginning(status, says):
    assert life(status) is says


# ---- the account


def test_an_open_order_is_ours_by_its_digest():
    orders, following = parse_open_orders(example("rest_data_orders_response"))
    opened = open_order(orders[0], leg, name)
    assert following == ""
    assert (opened.order_id, opened.instrument, opened.price) == ("k3x9-1", HOME, 470_000)
    assert (opened.size, opened.filled) == (100 * ONE, 25 * ONE)


def test_no_order_is_told_from_an_open_one():
    assert parse_order(b"null") is parse_order(b"") is parse_order(b"{}") is None
    told = standing(parse_order(example("rest_data_order_response")), name)
    assert (told.order_id, told.price, told.size) == ("k3x9-1", 470_000, 100 * ONE)


def test_balances_are_whole_millionths():
    balance, allowances = parse_balance(example("rest_balance_allowance_collateral_response"))
    assert balance == micros("1250.5")
    assert allowances["0xd91e80cf2e7be2e162c6513ced06f1dd0da35296"] == 0


def test_both_tokens_held_are_one_net_position():
    held = [(HOME, 50 * ONE), (HOME.no, 30 * ONE), (Instrument(P, "dust"), 9_999)]
    assert net_positions(held) == ((HOME, 20 * ONE),)


def test_what_waits_to_be_claimed_is_added_up():
    first = loaded("data_positions_response")[0]
    second = {**first, "asset": NO, "outcomeIndex": 1, "size": 40.25}
    won = {**first, "asset": "1", "conditionId": "0x2", "redeemable": True, "size": 10, "curPrice": 1}
    positions = parse_positions(as_bytes([first, second, won]))
    assert claimable(positions, lambda _token: None) == (micros("50.25"), "merge 40.25, redeem 10.00")
    assert claimable(positions, lambda token: 0 if token == NO else None)[0] == micros("10")
