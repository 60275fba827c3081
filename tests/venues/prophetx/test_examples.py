"""Every example message of both dialects is read, and none is read that lacks what it must say."""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import pytest

from console.core.units import ONE
from console.venues.prophetx.account import Purse, parse_balance, parse_page, purse
from console.venues.prophetx.bets import news_of
from console.venues.prophetx.catalogue import parse_events, parse_markets, parse_tournaments
from console.venues.prophetx.dialects import LEGACY, V4, failure
from console.venues.prophetx.ladder import FALLBACK, parse_ladder
from console.venues.prophetx.neutral import (
    BetUpdate,
    Cancelled,
    ConnectionConfig,
    Envelope,
    Match,
    MatchUpdate,
    Placed,
    PlacedBatch,
    Registration,
    SelectionsUpdate,
    Status,
    Tokens,
    Unreadable,
    Winning,
)
from console.venues.prophetx.push import EventChanged, Health, parse
from console.venues.prophetx.pusher import parse_frame

from .samples import EXAMPLES, ORDER, OURS, dropped, example, raw

DIALECTS = {"v4": V4, "legacy": LEGACY}
ENDINGS = {"v4": ("order", "orders"), "legacy": ("wager", "wagers")}

# Every request is compared with what is rendered in test_orders and test_session; the rest are vectors.
REQUESTS = {path.stem for path in EXAMPLES.glob("*_request.json")}
VECTORS = {"maker_taker_vectors", "ws_signature_vector"}

READERS = {
    "auth_login_response": lambda body, _: V4.read(body, Envelope[Tokens]),
    "auth_refresh_response": lambda body, _: V4.read(body, Envelope[Tokens]),
    "cancel_all_nothing_open_response_404": lambda body, _: failure(body),
    "cancel_all_response": lambda body, d: d.read(body, Envelope[dict[str, object]]),
    "errors": lambda body, d: [failure(raw(one["body"])) for one in json.loads(body)],
    "get_sport_events_empty_response": lambda body, d: parse_events(d, body),
    "get_sport_events_response": lambda body, d: parse_events(d, body),
    "get_tournaments_response": lambda body, d: parse_tournaments(d, body),
    "odds_ladder_291_response": lambda body, d: parse_ladder(d.read(body, Envelope[tuple[int, ...]]).data),
    "ws_connection_config_response": lambda body, d: d.read(body, ConnectionConfig),
    "get_balance_response": lambda body, d: parse_balance(d, body),
    "get_markets_response": lambda body, d: parse_markets(d, body),
    "v2_get_markets_response": lambda body, d: parse_markets(d, body),
    "get_multiple_markets_response": lambda body, d: parse_markets(d, body),
    "place_wager_response": lambda body, d: d.read(body, Envelope[Placed]),
    "submit_order_response": lambda body, d: d.read(body, Envelope[Placed]),
    "place_multiple_wagers_response": lambda body, d: d.read(body, Envelope[PlacedBatch]),
    "submit_multiple_orders_response": lambda body, d: d.read(body, Envelope[PlacedBatch]),
    "cancel_multiple_wagers_response": lambda body, d: d.read(body, Envelope[tuple[Cancelled, ...]]),
    "cancel_wager_response": lambda body, d: d.read(body, Envelope[dict[str, object]]),
    "v2_get_wager_histories_response": lambda body, d: parse_page(d, body),
    "get_order_history_response": lambda body, d: parse_page(d, body),
    "register_response": lambda body, d: d.read(body, Envelope[Registration]),
    "register_rejected": lambda body, d: d.read(body, Envelope[Registration]),
    "market_selections_decoded": lambda body, d: d.read(body, SelectionsUpdate),
    "matched_bet_decoded": lambda body, d: d.read(body, MatchUpdate),
    "matched_order_decoded": lambda body, d: d.read(body, MatchUpdate),
}


def dialect_of(name: str):
    return LEGACY if name.startswith(("legacy_", "ws_legacy_")) else V4


def plain(name: str) -> str:
    return name.removeprefix("ws_").removeprefix("legacy_").removeprefix("v4_")


def reader_of(name: str):
    return READERS.get(name) or READERS[plain(name)]


FRAMES = sorted(path.stem for path in EXAMPLES.glob("ws_*_frame.json"))
LIVES = sorted(path.stem for path in EXAMPLES.glob("ws_*_lifecycle.json"))
DECODED = {
    "ws_sport_event_update_decoded",
    "ws_legacy_market_line_decoded",
}  # read as part of a frame, or unused
BODIES = sorted(
    path.stem
    for path in EXAMPLES.glob("*.json")
    if path.stem not in REQUESTS | VECTORS | DECODED | {"ws_handshake_frames"}
    and not path.stem.endswith(("_frame", "_lifecycle"))
)


def test_no_example_is_left_out():
    named = REQUESTS | VECTORS | DECODED | set(FRAMES) | set(LIVES) | set(BODIES) | {"ws_handshake_frames"}
    assert named == {path.stem for path in EXAMPLES.glob("*.json")}
    assert len(named) == 61


@pytest.mark.parametrize("name", BODIES)
def test_an_example_is_read(name):
    assert reader_of(name)((EXAMPLES / f"{name}.json").read_bytes(), dialect_of(name)) is not None


# ---- what is read


@pytest.mark.parametrize("dialect", ["v4", "legacy"])
def test_both_dialects_say_the_same(dialect):
    other = "legacy" if dialect == "v4" else "v4"
    name = {"v4": "v4_get_multiple_markets_response", "legacy": "legacy_get_multiple_markets_response"}
    mine, theirs = (parse_markets(DIALECTS[d], raw(example(name[d]))) for d in (dialect, other))
    assert mine == theirs
    one = {"v4": "v4_get_markets_response", "legacy": "legacy_v2_get_markets_response"}[dialect]
    assert {**parse_markets(DIALECTS[dialect], raw(example(one))), 20021900: ()} == mine


@pytest.mark.parametrize("dialect", ["v4", "legacy"])
def test_a_market_without_offers_keeps_its_side(dialect):
    markets = parse_markets(DIALECTS[dialect], raw(example(f"{dialect}_get_multiple_markets_response")))
    spread = next(market for market in markets[20021871] if market.type == "spread")
    empty = spread.lines[1].selections[1][0]
    assert (empty.side_id, empty.odds, empty.stake) == ("9e86c1341229730232b89df04fb9788e", None, Decimal(0))


def test_a_flat_list_of_markets_names_their_events():
    markets = example("v4_get_markets_response")["data"]["markets"]
    assert set(parse_markets(V4, raw({"data": markets}))) == {20021871}
    del markets[0]["event_id"]
    with pytest.raises(Unreadable, match="event_id"):
        parse_markets(V4, raw({"data": markets}))


def test_null_is_an_event_without_markets():
    assert parse_markets(V4, raw({"data": {"event_id": 5, "markets": None}})) == {5: ()}
    assert parse_markets(V4, raw({"data": {"5": None, "6": []}})) == {5: (), 6: ()}


@pytest.mark.parametrize("name", LIVES)
def test_the_life_of_a_bet_is_told_alike(name):
    dialect = dialect_of(name)
    told = [parse(dialect, parse_frame(raw(step["frame"]))) for step in example(name)]
    assert all(isinstance(one, BetUpdate) for one in told)
    said = [news_of(one) for one in told]
    assert [(n.filled, n.open, n.status) for n in said] == [
        (0, 100_000_000, Status.OPEN),
        (40_000_000, 60_000_000, Status.OPEN),
        (40_000_000, 0, Status.OPEN),
        (40_000_000, 0, Status.CLOSED),
    ]
    assert said[-1].winning in (Winning.WON, Winning.PROFIT)
    assert {(n.key, n.external_id, n.odds) for n in said} == {(ORDER, OURS, 120)}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_decoded_three_times(name):
    told = parse(dialect_of(name), parse_frame(raw(example(name))))
    kinds = {
        "ws_health_check_frame": Health,
        "ws_sport_event_delete_frame": EventChanged,
        "ws_sport_event_update_frame": EventChanged,
        "ws_legacy_matched_bet_frame": Match,
    }
    assert isinstance(told, kinds.get(name, SelectionsUpdate))


def test_big_numbers_keep_their_last_digit():
    told = parse(V4, parse_frame(raw(example("ws_v4_market_selections_frame"))))
    assert told.info.sequence_number == 1_795_204_800_000_000_010  # beyond what a double holds


def test_a_fixture_taken_down_has_no_facts():
    gone = parse(V4, parse_frame(raw(example("ws_sport_event_delete_frame"))))
    assert gone == EventChanged(20021871, None)
    update = example("ws_sport_event_update_frame")
    told = parse(V4, parse_frame(raw(update)))
    assert (told.event_id, told.event.status) == (20021871, "not_started")


def test_a_change_nobody_needs_is_nothing():
    frame = example("ws_health_check_frame")
    frame["data"] = json.dumps({"change_type": "tournament", "op": "u", "payload": "e30=", "timestamp": 1})
    assert parse(V4, parse_frame(raw(frame))) is None


def test_stale_figures_leave_no_cash():
    told = example("v4_get_balance_response")
    assert purse(parse_balance(V4, raw(told)), on_match=True) == Purse(10_000 * ONE, 0)
    unmatched = round(told["data"]["unmatched_order_balance"] * ONE)
    assert purse(parse_balance(V4, raw(told)), on_match=False) == Purse(10_000 * ONE, unmatched)
    told["data"]["unmatched_order_balance_status"] = "failed"
    assert purse(parse_balance(V4, raw(told)), on_match=True) == Purse(0, None)
    renamed = example("legacy_get_balance_response")  # read in the other dialect: keys are missing, not zero
    assert purse(parse_balance(V4, raw(renamed)), on_match=True) == Purse(0, None)


# ---- what must be there

COMMON = {
    "status",
    "id",
    "type",
    "market_id",
    "sport_event_id",
    "outcome_id",
    "matching_status",
    "winning_status",
}
REQUIRED = {
    "v4": {"price", "quantity", "strike_id", "filled_quantity", "open_quantity"} | COMMON,
    "legacy": {"odds", "stake", "line_id", "matched_stake", "unmatched_stake"} | COMMON,
}
# of these some occurrences are not needed where they stand
FREE = {"data.order.id", "data.wager.id", "data.orders.0.id", "data.wagers.0.id"}


@pytest.mark.parametrize(
    "name",
    [
        "v4_get_multiple_markets_response",
        "legacy_get_multiple_markets_response",
        "v4_submit_order_response",
        "legacy_place_wager_response",
        "v4_get_order_history_response",
        "legacy_v2_get_wager_histories_response",
        "get_sport_events_response",
        "ws_v4_market_selections_decoded",
        "ws_legacy_market_selections_decoded",
    ],
)
def test_a_message_that_lacks_a_needed_field_is_refused_with_its_name(name):
    dialect = dialect_of(name)
    needed = REQUIRED[dialect.name] | {
        "event_id",
        "scheduled",
        "competitors",
        "sequence_number",
        "tournament_id",
    }
    tried = 0
    for path, changed in dropped(example(name), needed):
        key = path.rpartition(".")[2]
        within = path.rpartition(".")[0]
        if path in FREE or _is_free(name, within, key):
            continue
        tried += 1
        with pytest.raises(Unreadable) as refused:
            reader_of(name)(raw(changed), dialect)
        assert f"`{key}`" in str(refused.value), path
    assert tried > 5


def _is_free(name: str, within: str, key: str) -> bool:
    """Fields that stand there and are not needed: ids of lines, types of levels, what a list repeats."""
    if "markets" in name or "selections" in name:
        line = "market_lines" in within.rpartition(".")[0] or "market_strikes" in within.rpartition(".")[0]
        return (
            key in ("event_id",)
            or (line and key in ("id", "type", "status"))
            or (within == "info" and key == "type")
        )
    if key == "outcome_id" or (key == "id" and "order" in name):
        return True
    return key == "id" and "wager" in name


@pytest.mark.parametrize("name", LIVES)
def test_a_private_message_that_lacks_a_needed_field_is_refused(name):
    dialect = dialect_of(name)
    step = example(name)[1]
    total = {"v4": "total_filled_quantity", "legacy": "totally_matched_stake"}[dialect.name]
    needed = (REQUIRED[dialect.name] | {total, "sequence_number"}) - {
        "id",
        "type",
        "outcome_id",
        "filled_quantity",
        "matched_stake",
    }
    tried = 0
    for path, changed in dropped(step["decoded"], needed):
        frame = dict(step["frame"])
        wrapped = json.loads(frame["data"])
        wrapped["payload"] = base64.b64encode(raw(changed)).decode()
        frame["data"] = json.dumps(wrapped)
        tried += 1
        with pytest.raises(Unreadable, match=path.rpartition(".")[2]):
            parse(dialect, parse_frame(raw(frame)))
    assert tried == len(needed)


@pytest.mark.parametrize("word", ["paused", "Open", ""])
def test_a_status_nobody_knows_is_not_guessed(word):
    told = example("v4_get_order_history_response")
    told["data"]["orders"][0]["status"] = word
    with pytest.raises(Unreadable, match="status"):
        parse_page(V4, raw(told))


def test_a_list_that_does_not_say_how_old_it_is_is_none():
    told = example("v4_get_order_history_response")
    del told["last_synced_at"]
    with pytest.raises(Unreadable, match="last_synced_at"):
        parse_page(V4, raw(told))


def test_the_fallback_is_the_vendors_own_list():
    listed = example("odds_ladder_291_response")["data"]
    assert set(FALLBACK.rungs) == set(listed)
    assert len(listed) == 291
    assert not FALLBACK.fetched
    assert parse_ladder(listed).fetched
    assert sum(odds > 0 for odds in listed) == 146


@pytest.mark.parametrize("rungs", [[], [100], [100, 99], [-110, 50, 120]])
def test_a_ladder_that_cannot_be_is_refused(rungs):
    with pytest.raises(Unreadable, match="odds ladder"):
        parse_ladder(rungs)


def test_snapping_goes_by_price_and_never_gives_edge_away():
    assert FALLBACK.longer(-109) == -109
    assert FALLBACK.longer(-121) == -120
    assert FALLBACK.longer(121) == 122
    assert FALLBACK.longer(-100) == 100  # even money has one spelling
    assert FALLBACK.shorter(-100) == 100
    assert FALLBACK.shorter(121) == 120
    assert FALLBACK.shorter(-121) == -122
    assert FALLBACK.longer(10_001) is None
