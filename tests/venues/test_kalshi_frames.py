from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kalshi_samples import BOS, EXAMPLES, LAL, Json, delta, example, lifecycle, raw, snapshot, trade

from console.core.events import (
    BookDelta,
    BookSnapshot,
    InstrumentDefined,
    MarketStatus,
    Settled,
    Trade,
)
from console.core.instruments import BookSide, MarketState
from console.core.ladders import Band
from console.core.units import Nanos, Price, Size, micros
from console.venues.kalshi.frames import Parser, PublicEvent
from console.venues.kalshi.listings import FeeTerms, parse_event
from console.venues.kalshi.wire import ParseError

STREAM = [
    (path.name, frame)
    for path in sorted((EXAMPLES / "ws").glob("*.json"))
    if not path.name.startswith("cmd_")
    for frame in example(f"ws/{path.name}").get("frames", [example(f"ws/{path.name}")])
]
REQUIRED = {
    "orderbook_snapshot": ["sid", "seq", "msg", "msg.market_ticker"],
    "orderbook_delta": [
        *("sid", "seq", "msg", "msg.market_ticker", "msg.price_dollars", "msg.delta_fp", "msg.side"),
    ],
    "trade": [
        *("sid", "msg", "msg.market_ticker", "msg.yes_price_dollars", "msg.count_fp", "msg.taker_book_side"),
    ],
    "market_lifecycle_v2": ["sid", "msg", "msg.market_ticker", "msg.event_type"],
    "market_lifecycle_v2 determined": ["msg.settlement_value"],
    "market_lifecycle_v2 price_level_structure_updated": ["msg.price_ranges"],
    "event_fee_update": [
        *("sid", "msg", "msg.event_ticker", "msg.fee_type_override", "msg.fee_multiplier_override"),
    ],
    "subscribed": ["msg", "msg.channel", "msg.sid"],
    "unsubscribed": ["sid"],
    "error": ["msg", "msg.code"],
}


def read(frame: Any, *, use_yes_price: bool = False) -> tuple[PublicEvent, ...]:
    parser = Parser(use_yes_price=use_yes_price)
    return parser.translate(parser.decode(raw(frame)))


def drops() -> Iterator[Any]:
    for name, frame in STREAM:
        kind = frame["type"]
        event_type = frame["msg"].get("event_type") if isinstance(frame.get("msg"), dict) else None
        fields = ["type", *REQUIRED.get(kind, []), *REQUIRED.get(f"{kind} {event_type}", [])]
        for field in fields if kind in REQUIRED else ():
            yield pytest.param(frame, field, id=f"{name}-{frame.get('seq', 0)}-{field}")


# ---- examples


@pytest.mark.parametrize(("name", "frame"), STREAM, ids=[f"{name}-{n}" for n, (name, _) in enumerate(STREAM)])
def test_every_example_frame_is_read(name: str, frame: Json) -> None:
    read(frame)


def test_delta_of_a_yes_bid() -> None:
    assert read(example("ws/orderbook_delta.json")) == (
        BookDelta(instrument=LAL, side=BookSide.BID, price=Price(460_000), change=Size(-40_000_000)),
    )


def test_delta_of_a_no_bid_is_an_ask_at_the_complement() -> None:
    (event,) = read(delta(1, price="0.5200", change="12.34", side="no"))
    assert event == BookDelta(
        instrument=LAL, side=BookSide.ASK, price=Price(480_000), change=Size(12_340_000)
    )


def test_delta_of_a_no_bid_in_yes_prices_is_an_ask_as_it_stands() -> None:
    (event,) = read(delta(1, price="0.4800", change="12.34", side="no"), use_yes_price=True)
    assert event == BookDelta(
        instrument=LAL, side=BookSide.ASK, price=Price(480_000), change=Size(12_340_000)
    )


@pytest.mark.parametrize(
    ("name", "use_yes_price"),
    [("orderbook_snapshot_no_leg", False), ("orderbook_snapshot_yes_leg", True)],
)
def test_snapshot_is_the_same_book_in_both_price_modes(name: str, use_yes_price: bool) -> None:
    (event,) = read(example(f"ws/{name}.json"), use_yes_price=use_yes_price)
    assert isinstance(event, BookSnapshot)
    assert event.instrument == LAL
    assert event.bids == ((440_000, 2_000_000_000), (450_000, 850_500_000), (460_000, 1_200_000_000))
    assert event.asks == ((500_000, 640_250_000), (490_000, 1_500_000_000), (480_000, 900_000_000))


def test_missing_key_is_an_empty_side() -> None:
    (event,) = read(example("ws/orderbook_snapshot_one_sided.json"))
    assert event == BookSnapshot(instrument=BOS, bids=((510_000, 1_000_000_000),), asks=())


def test_snapshot_of_an_emptied_book() -> None:
    assert read(snapshot(1, yes=(), no=())) == (BookSnapshot(instrument=LAL, bids=(), asks=()),)


def test_trade_tells_who_took() -> None:
    assert read(example("ws/trade.json")) == (
        Trade(instrument=LAL, price=Price(480_000), size=Size(25_000_000), taker=BookSide.BID),
    )
    (event,) = read(trade(2, taker_book_side="ask"))
    assert isinstance(event, Trade)
    assert event.taker is BookSide.ASK


def test_block_trade_took_nothing_from_the_book() -> None:
    assert read(trade(1, is_block_trade=True)) == ()


def test_events_are_stamped_as_told() -> None:
    parser = Parser(use_yes_price=False)
    for frame in (snapshot(1), delta(2), trade(3), lifecycle("activated")):
        (event,) = parser.translate(parser.decode(raw(frame)), Nanos(7), Nanos(9))
        assert (event.ts, event.wall) == (7, 9)


# ---- strictness


@pytest.mark.parametrize(("frame", "field"), list(drops()))
def test_missing_required_field_is_named(frame: Json, field: str) -> None:
    cut = copy.deepcopy(frame)
    *above, last = field.split(".")
    del (cut[above[0]] if above else cut)[last]
    with pytest.raises(ParseError) as caught:
        read(cut)
    text = str(caught.value)
    assert f"`{last}`" in text
    assert "\n" not in text
    if field != "type":
        assert text.startswith(f"kalshi {frame['type']}")
        market = frame["msg"].get("market_ticker", "") if isinstance(frame.get("msg"), dict) else ""
        assert caught.value.market == ("" if field in ("msg", "msg.market_ticker") else market)
        assert caught.value.market in text


@pytest.mark.parametrize(("name", "frame"), STREAM, ids=[f"{name}-{n}" for n, (name, _) in enumerate(STREAM)])
def test_unknown_extra_fields_pass(name: str, frame: Json) -> None:
    more = copy.deepcopy(frame)
    more["note"] = {"deep": [1, None]}
    if isinstance(more.get("msg"), dict):
        more["msg"]["note"] = ["new", {"field": 1.5}]
        more["msg"]["notional_value_dollars"] = "1.0000"
    assert read(more) == read(frame)


@pytest.mark.parametrize(
    "frame", [{"type": "perpetual_funding", "sid": 9, "seq": 3}, {"type": "x", "msg": 1}]
)
def test_unknown_message_types_pass(frame: Json) -> None:
    assert read(frame) == ()


@pytest.mark.parametrize("key", ["yes", "no", "yes_dollars", "no_dollars", "yes_levels_fp"])
def test_renamed_ladder_does_not_read_as_an_empty_side(key: str) -> None:
    frame = snapshot(1, yes=())
    frame["msg"][key] = [["0.4600", "1200.00"]]
    with pytest.raises(ParseError, match=f"kalshi orderbook_snapshot of {LAL.symbol}: {key}: "):
        read(frame)


BAD_DECIMALS = ["", "-", ".", "1.", "abc", "0.46.0", "1e-1", "0,46", " 0.46", "0.46 ", "0_4.6", "NaN", "٠.٤"]
BAD_PRICES: list[Any] = [
    *BAD_DECIMALS,
    "0.0000",
    "1.0000",
    "-0.4600",
    "1.5",
    "0.4600001",
    0.46,
    46,
    None,
    ["0.46"],
]
BAD_SIZES: list[Any] = [*BAD_DECIMALS, "Infinity", "1.0000001", 5, 5.5, None, {}]


@pytest.mark.parametrize("value", BAD_PRICES, ids=repr)
def test_malformed_price_is_refused(value: Any) -> None:
    for frame, field in (
        (delta(1), "price_dollars"),
        (delta(1, side="no"), "price_dollars"),
        (trade(1), "yes_price_dollars"),
    ):
        frame["msg"][field] = value
        with pytest.raises(ParseError, match=f"of {LAL.symbol}: .*{field}"):
            read(frame)
    for ladder in ("yes_dollars_fp", "no_dollars_fp"):
        frame = snapshot(1)
        frame["msg"][ladder] = [[value, "5.00"]]
        with pytest.raises(ParseError, match=f"of {LAL.symbol}: .*{ladder}"):
            read(frame)


@pytest.mark.parametrize("value", BAD_SIZES, ids=repr)
def test_malformed_size_is_refused(value: Any) -> None:
    for frame, field in ((delta(1), "delta_fp"), (trade(1), "count_fp")):
        frame["msg"][field] = value
        with pytest.raises(ParseError, match=f"of {LAL.symbol}: .*{field}"):
            read(frame)
    frame = snapshot(1)
    frame["msg"]["no_dollars_fp"] = [["0.5200", value]]
    with pytest.raises(ParseError, match=f"of {LAL.symbol}: .*no_dollars_fp"):
        read(frame)


def test_sizes_below_zero_are_changes_only() -> None:
    with pytest.raises(ParseError, match=r"yes_dollars_fp: '-1\.00' is below zero"):
        read(snapshot(1, yes=(("0.4600", "-1.00"),)))
    with pytest.raises(ParseError, match=r"count_fp: '-1\.00' is below zero"):
        read(trade(1, count_fp="-1.00"))


@pytest.mark.parametrize("level", [["0.4600"], ["0.4600", "1.00", "2.00"], [46, 1200], "0.4600", None])
def test_level_of_another_shape_is_refused(level: Any) -> None:
    frame = snapshot(1)
    frame["msg"]["yes_dollars_fp"] = [level]
    with pytest.raises(ParseError, match="yes_dollars_fp"):
        read(frame)


@pytest.mark.parametrize(
    ("field", "value"),
    [("side", "maybe"), ("side", None), ("market_ticker", 5), ("sid", "1"), ("seq", "2"), ("seq", 2.5)],
)
def test_field_of_another_kind_is_refused(field: str, value: Any) -> None:
    frame = delta(2)
    (frame if field in frame else frame["msg"])[field] = value
    with pytest.raises(ParseError, match=re.escape(field)):
        read(frame)


@pytest.mark.parametrize(
    "wire", [b"", b"{", b"[]", b"null", b'"x"', b'{"type": 5}', b'{"type": "trade\xff"}', b"[" * 200_000]
)
def test_what_is_no_frame_is_refused(wire: bytes) -> None:
    with pytest.raises(ParseError, match="kalshi frame of an unnamed market: "):
        Parser(use_yes_price=False).decode(wire)


def test_error_tells_the_number_of_the_frame() -> None:
    with pytest.raises(ParseError) as caught:
        read(delta(7, sid=3, price="x"))
    assert (caught.value.sid, caught.value.seq) == (3, 7)
    frame = delta(7, sid=3)
    del frame["msg"]["side"]
    with pytest.raises(ParseError) as caught:
        read(frame)
    assert (caught.value.sid, caught.value.seq) == (3, 7)


# ---- the decimals of the hot path


def outcome_of(text: str) -> int | None:
    try:
        return micros(text)
    except ValueError:
        return None


decimals = st.one_of(
    st.from_regex(r"[+-]?[0-9]{0,9}\.?[0-9]{0,8}", fullmatch=True),
    st.decimals(min_value=-(10**7), max_value=10**7, places=2).map(str),
    st.integers(0, 9_999).map(lambda tick: f"0.{tick:04d}"),
    st.text(max_size=8),
)
KEPT = Parser(use_yes_price=False)
KEPT_YES_PRICES = Parser(use_yes_price=True)


@given(decimals)
def test_sizes_equal_the_reference_the_first_and_every_later_time(text: str) -> None:
    wire = raw(delta(1, change=text))
    for _ in range(2):
        try:
            (event,) = KEPT.translate(KEPT.decode(wire))
        except ParseError:
            assert outcome_of(text) is None
        else:
            assert isinstance(event, BookDelta)
            assert event.change == outcome_of(text)


@given(decimals, st.sampled_from(["yes", "no"]), st.sampled_from([KEPT, KEPT_YES_PRICES]))
def test_prices_equal_the_reference_the_first_and_every_later_time(
    text: str, side: str, parser: Parser
) -> None:
    reference = outcome_of(text)
    wire = raw(delta(1, price=text, side=side))
    for _ in range(2):
        try:
            (event,) = parser.translate(parser.decode(wire))
        except ParseError:
            assert reference is None or not 0 < reference < 1_000_000
        else:
            assert isinstance(event, BookDelta)
            assert reference is not None
            mirrored = side == "no" and parser is KEPT
            assert event.price == (1_000_000 - reference if mirrored else reference)


# ---- the life of a market


def told_of_the_event(terms: FeeTerms = FeeTerms()) -> Parser:  # noqa: B008 - frozen
    parser = Parser(use_yes_price=False)
    for listing in parse_event((EXAMPLES / "rest/event_two_outcome.json").read_bytes(), terms).listings:
        parser.define(listing)
    return parser


def life(parser: Parser, *frames: Json) -> list[PublicEvent]:
    return [event for frame in frames for event in parser.translate(parser.decode(raw(frame)))]


def test_pause_and_resumption() -> None:
    assert life(
        Parser(use_yes_price=False),
        example("ws/lifecycle_deactivated.json"),
        example("ws/lifecycle_activated.json"),
    ) == [
        MarketStatus(instrument=LAL, state=MarketState.PAUSED),
        MarketStatus(instrument=LAL, state=MarketState.OPEN),
    ]


def test_settlement_pays_what_was_determined_last() -> None:
    parser = Parser(use_yes_price=False)
    assert life(
        parser,
        lifecycle("determined", result="yes", settlement_value="1.0000"),
        lifecycle("determined", result="scalar", settlement_value="0.4700"),
        lifecycle("settled", settled_ts=1795230302),
        lifecycle("settled", settled_ts=1795230302),
    ) == [
        MarketStatus(instrument=LAL, state=MarketState.CLOSED),
        MarketStatus(instrument=LAL, state=MarketState.CLOSED),
        MarketStatus(instrument=LAL, state=MarketState.RESOLVED),
        Settled(instrument=LAL, payout=Price(470_000)),
        MarketStatus(instrument=LAL, state=MarketState.RESOLVED),
    ]


@pytest.mark.parametrize("value", ["", "-0.1000", "1.0001", "yes"])
def test_settlement_value_outside_the_contract_is_refused(value: str) -> None:
    with pytest.raises(
        ParseError, match=f"market_lifecycle_v2 determined of {LAL.symbol}: settlement_value: "
    ):
        read(lifecycle("determined", settlement_value=value))


def test_new_price_grid_restates_the_market_whole() -> None:
    parser = told_of_the_event(FeeTerms("quadratic_with_maker_fees"))
    (event,) = life(parser, example("ws/lifecycle_price_level_structure_updated.json"))
    assert isinstance(event, InstrumentDefined)
    assert event.instrument == LAL
    assert event.spec.bands == (
        Band(0, 100_000, 1_000),
        Band(100_000, 900_000, 10_000),
        Band(900_000, 1_000_000, 1_000),
    )
    assert event.spec.fees.maker_rate == 17_500
    assert event.spec.rules_hash


def test_new_price_grid_of_a_market_that_is_not_ours_is_nothing() -> None:
    assert read(example("ws/lifecycle_price_level_structure_updated.json")) == ()


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [{"start": "0.0000", "end": "1.0000"}],
        [{"start": "0.0000", "end": "1.0000", "step": "0.0000"}],
        [{"start": "0.0000", "end": "1.0000", "step": "0.0300"}],
        [{"start": "0.0000", "end": "1.0000", "step": 0.01}],
        "linear_cent",
    ],
)
def test_price_grid_that_makes_no_sense_is_refused(ranges: Any) -> None:
    with pytest.raises(ParseError, match=r"price_ranges|price ladder"):
        read(lifecycle("price_level_structure_updated", price_ranges=ranges))


def test_fees_of_an_event_change_and_change_back_for_all_its_markets() -> None:
    parser = told_of_the_event(FeeTerms("quadratic_with_maker_fees"))
    half = {"event_ticker": "KXNBAGAME-26NOV20LALBOS", "fee_type_override": None}
    update = {"type": "event_fee_update", "sid": 4, "seq": 1}
    events = life(
        parser,
        {**update, "msg": {**half, "fee_multiplier_override": 0.5}},
        {**update, "msg": {**half, "fee_multiplier_override": None}},
        {**update, "msg": {**half, "event_ticker": "KXOTHER", "fee_multiplier_override": 0}},
    )
    told = [
        (event.instrument, event.spec.fees.maker_rate, event.spec.fees.taker_rate)
        for event in events
        if isinstance(event, InstrumentDefined)
    ]
    assert told == [
        (LAL, 8_750, 35_000),
        (BOS, 8_750, 35_000),
        (LAL, 17_500, 70_000),
        (BOS, 17_500, 70_000),
    ]


def test_fee_type_nobody_explains_is_refused() -> None:
    frame = example("ws/event_fee_update.json")
    frame["msg"]["fee_type_override"] = "flat"
    with pytest.raises(ParseError, match=f"event_fee_update of {LAL.symbol}: fee_type_override: 'flat'"):
        life(told_of_the_event(), frame)
