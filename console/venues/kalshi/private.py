"""The frames of Kalshi's private streams: fills, orders, positions, order groups."""

from __future__ import annotations

from typing import Final, assert_never

import msgspec
from msgspec import Struct

from console.core.instruments import ClientOrderId, Instrument, TradeId, VenueOrderId
from console.core.units import Cash, Price, Size, micros
from console.venues.kalshi.account import Fill, on_bid
from console.venues.kalshi.wire import UNREADABLE, ParseError, change, instrument, leg_price

CHANNELS: Final = ("fill", "user_orders", "market_positions", "order_group_updates")
EXPIRED: Final = "ExpiryCancel"
AMENDED: Final = "Amend"


class OrderNews(Struct, frozen=True, kw_only=True):
    """An order changed; price of the YES leg, `filled` is its total so far."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    market: Instrument
    status: str
    price: Price
    filled: Size
    left: Size
    reason: str


class PositionNews(Struct, frozen=True):
    """A net position changed."""

    market: Instrument
    net: int


class GroupNews(Struct, frozen=True):
    """An order group changed: created, triggered, reset, deleted, limit_updated."""

    group: str
    what: str


News = Fill | OrderNews | PositionNews | GroupNews


class _FillMsg(Struct, frozen=True, kw_only=True):
    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    book_side: str
    post_position_fp: str
    client_order_id: str = ""


class _FillFrame(Struct, frozen=True, tag="fill", tag_field="type"):
    sid: int
    msg: _FillMsg


class _OrderMsg(Struct, frozen=True, kw_only=True):
    order_id: str
    ticker: str
    status: str
    book_side: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    client_order_id: str
    last_update_reason: str = ""


class _OrderFrame(Struct, frozen=True, tag="user_order", tag_field="type"):
    sid: int
    msg: _OrderMsg


class _PositionMsg(Struct, frozen=True):
    market_ticker: str
    position_fp: str


class _PositionFrame(Struct, frozen=True, tag="market_position", tag_field="type"):
    sid: int
    msg: _PositionMsg


class _GroupMsg(Struct, frozen=True):
    event_type: str
    order_group_id: str


class _GroupFrame(Struct, frozen=True, tag="order_group_updates", tag_field="type"):
    sid: int
    msg: _GroupMsg
    seq: int = 0


class _Typed(Struct, frozen=True):
    type: str


_PRIVATE: Final = frozenset({"fill", "user_order", "market_position", "order_group_updates"})
_DECODER: Final = msgspec.json.Decoder(_FillFrame | _OrderFrame | _PositionFrame | _GroupFrame)
_TYPED: Final = msgspec.json.Decoder(_Typed)


def parse_private(raw: bytes) -> News | None:
    """Read one frame; None for a type that is not private. ParseError when a field lacks or lies."""
    try:
        frame = _DECODER.decode(raw)
    except UNREADABLE as error:
        try:
            kind = _TYPED.decode(raw).type
        except UNREADABLE:
            raise ParseError("frame", "", str(error)) from error
        if kind not in _PRIVATE:
            return None
        raise ParseError(kind, "", str(error)) from error
    match frame:
        case _FillFrame(msg=msg):
            return _fill(msg)
        case _OrderFrame(msg=msg):
            return _order(msg)
        case _PositionFrame(msg=msg):
            return _position(msg)
        case _GroupFrame(msg=msg):
            return GroupNews(msg.order_group_id, msg.event_type)
        case _:
            assert_never(frame)


def _fill(msg: _FillMsg) -> Fill:
    field = "book_side"
    try:
        bid = on_bid(msg.book_side)
        field = "yes_price_dollars"
        price = leg_price(msg.yes_price_dollars)
        field = "count_fp"
        size = change(msg.count_fp)
        if size <= 0:
            raise ValueError(f"{msg.count_fp!r} is not above zero")
        field = "fee_cost"
        fee = Cash(micros(msg.fee_cost))
    except ValueError as error:
        raise ParseError("fill", msg.market_ticker, f"{field}: {error}") from error
    return Fill(
        trade_id=TradeId(msg.trade_id),
        venue_order_id=VenueOrderId(msg.order_id),
        market=instrument(msg.market_ticker),
        on_bid=bid,
        price=price,
        size=size,
        fee=fee,
        taker=msg.is_taker,
        order_id=ClientOrderId(msg.client_order_id),
    )


def _order(msg: _OrderMsg) -> OrderNews:
    field = "yes_price_dollars"
    try:
        price = leg_price(msg.yes_price_dollars)
        field = "fill_count_fp"
        filled = change(msg.fill_count_fp)
        field = "remaining_count_fp"
        left = change(msg.remaining_count_fp)
    except ValueError as error:
        raise ParseError("user_order", msg.ticker, f"{field}: {error}") from error
    return OrderNews(
        order_id=ClientOrderId(msg.client_order_id),
        venue_order_id=VenueOrderId(msg.order_id),
        market=instrument(msg.ticker),
        status=msg.status,
        price=price,
        filled=filled,
        left=left,
        reason=msg.last_update_reason,
    )


def _position(msg: _PositionMsg) -> PositionNews:
    try:
        return PositionNews(instrument(msg.market_ticker), micros(msg.position_fp))
    except ValueError as error:
        raise ParseError("market_position", msg.market_ticker, f"position_fp: {error}") from error
