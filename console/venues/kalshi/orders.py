"""Order calls as Kalshi spells them (V2), and what their answers say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from console.core.commands import AmendOrder, PlaceOrder, TimeInForce
from console.core.events import RejectReason
from console.core.instruments import BookSide, ClientOrderId, VenueOrderId, book_side
from console.core.orders import yes_price
from console.core.units import ONE, SECOND, Size, decimal
from console.venues.base.protocol import Refused, Unanswered
from console.venues.kalshi.errors import Fault
from console.venues.kalshi.wire import UNREADABLE, change

ORDERS: Final = "/portfolio/events/orders"
BATCHED: Final = "/portfolio/events/orders/batched"
PRICE_GRAIN: Final = 100  # $0.0001
COUNT_GRAIN: Final = ONE // 100  # 0.01 contracts
_SIDES: Final = {BookSide.BID: "bid", BookSide.ASK: "ask"}
_FORCE: Final = {TimeInForce.GTC: "good_till_canceled", TimeInForce.IOC: "immediate_or_cancel"}


class _Create(Struct, frozen=True, omit_defaults=True, kw_only=True):
    ticker: str
    client_order_id: str
    side: str
    count: str
    price: str
    time_in_force: str
    self_trade_prevention_type: str
    expiration_time: int = 0
    post_only: bool = False
    reduce_only: bool = False
    cancel_order_on_pause: bool = False
    order_group_id: str = ""
    exchange_index: int | None = None


class _Amend(Struct, frozen=True, omit_defaults=True, kw_only=True):
    ticker: str
    side: str
    price: str
    count: str
    client_order_id: str
    expiration_time: int | None = None
    exchange_index: int | None = None


class _Decrease(Struct, frozen=True, kw_only=True):
    reduce_by: str
    market_ticker: str
    exchange_index: int


class _CancelEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    order_id: str
    market_ticker: str
    exchange_index: int | None = None


class CancelEntry(Struct, frozen=True, array_like=True):
    """One order to take out, with what routes the request: without any, it would go to shard 0.

    Where the shard is not known, the venue finds it by the ticker.
    """

    venue_order_id: VenueOrderId
    ticker: str
    shard: int | None


# ---- requests


def price_text(price: int) -> str:
    """A price as sent; raises Refused for one the wire cannot carry."""
    if not 0 < price < ONE or price % PRICE_GRAIN:
        raise Refused(RejectReason.PRICE, f"{decimal(price)} dollars is no price here")
    return decimal(price, 4)


def count_text(size: int) -> str:
    """A count as sent; raises Refused for one the wire cannot carry."""
    if size <= 0 or size % COUNT_GRAIN:
        raise Refused(RejectReason.SIZE, f"{decimal(size)} contracts: counts have two decimals")
    return decimal(size, 2)


def render_create(command: PlaceOrder, shard: int, group: str = "") -> bytes:
    """The body of ``POST /portfolio/events/orders``; raises Refused for what cannot be sent.

    A quote never trades with an order of ours (`taker_at_cross`); an exit takes our own resting order
    out of its way (`maker`). Quotes do not outlive a pause of trading.
    """
    resting = command.time_in_force is TimeInForce.GTC
    side = book_side(command.instrument.side, command.action)
    return msgspec.json.encode(
        _Create(
            ticker=command.instrument.symbol,
            client_order_id=command.order_id,
            side=_SIDES[side],
            count=count_text(command.size),
            price=price_text(yes_price(command.instrument.side, command.price)),
            time_in_force=_FORCE[command.time_in_force],
            self_trade_prevention_type="taker_at_cross" if resting else "maker",
            expiration_time=command.expires // SECOND if resting else 0,
            post_only=command.post_only,
            reduce_only=command.reduce_only and not resting,
            cancel_order_on_pause=resting,
            order_group_id=group,
            exchange_index=shard,
        )
    )


def render_amend(command: AmendOrder, shard: int) -> bytes:
    """The body of an amend; `count` is the total, what has filled included. The end of the order stays."""
    side = book_side(command.instrument.side, command.action)
    return msgspec.json.encode(
        _Amend(
            ticker=command.instrument.symbol,
            side=_SIDES[side],
            price=price_text(yes_price(command.instrument.side, command.price)),
            count=count_text(command.size),
            client_order_id=command.order_id,
            exchange_index=shard,
        )
    )


def render_renewal(
    order_id: ClientOrderId,
    ticker: str,
    side: BookSide,
    price: int,
    size: int,
    ends_s: int,
    shard: int | None,
) -> bytes:
    """The body of an amend that moves only the end of an order: price and total as they are."""
    return msgspec.json.encode(
        _Amend(
            ticker=ticker,
            side=_SIDES[side],
            price=price_text(price),
            count=count_text(size),
            client_order_id=order_id,
            expiration_time=ends_s,
            exchange_index=shard,
        )
    )


def render_decrease(by: int, ticker: str, shard: int) -> bytes:
    """The body of a decrease: so many contracts less rest; price and place in the queue stay."""
    return msgspec.json.encode(
        _Decrease(reduce_by=count_text(by), market_ticker=ticker, exchange_index=shard)
    )


def cancel_path(entry: CancelEntry) -> str:
    """Path and query of a cancel."""
    path = f"{ORDERS}/{entry.venue_order_id}?market_ticker={entry.ticker}"
    return path if entry.shard is None else f"{path}&exchange_index={entry.shard}"


def render_batch(creates: Sequence[bytes]) -> bytes:
    """Many creates as one request, each to the byte as it would leave alone."""
    return b'{"orders":[' + b",".join(creates) + b"]}"


def render_batch_cancel(entries: Iterable[CancelEntry]) -> bytes:
    """Many cancels as one request."""
    rows = [
        _CancelEntry(order_id=e.venue_order_id, market_ticker=e.ticker, exchange_index=e.shard)
        for e in entries
    ]
    return msgspec.json.encode({"orders": rows})


# ---- answers


class Created(Struct, frozen=True):
    """An order that was taken: `filled` at once, `left` resting. Neither: it is over already."""

    venue_order_id: VenueOrderId
    filled: Size
    left: Size
    ts_ms: int


class Changed(Struct, frozen=True):
    """An amend, decrease or cancel that was taken; `venue_order_id` is the truth from now on."""

    venue_order_id: VenueOrderId
    ts_ms: int = 0


class _Created(Struct, frozen=True):
    order_id: str
    fill_count: str
    remaining_count: str
    ts_ms: int


class _Changed(Struct, frozen=True):
    order_id: str
    ts_ms: int = 0


class _Entry(Struct, frozen=True):
    order_id: str = ""
    client_order_id: str = ""
    fill_count: str = ""  # of a create it says how the order stands: one without it is not understood
    remaining_count: str = ""
    ts_ms: int = 0
    error: Fault | None = None


class _Entries(Struct, frozen=True):
    orders: tuple[_Entry, ...]


def parse_created(body: bytes) -> Created:
    """Read the answer to a create; raises Unanswered for one that cannot be read: it was taken somehow."""
    try:
        told = msgspec.json.decode(body, type=_Created)
        return Created(
            VenueOrderId(told.order_id), change(told.fill_count), change(told.remaining_count), told.ts_ms
        )
    except (*UNREADABLE, ValueError) as error:
        raise Unanswered(f"the answer cannot be read: {error}") from error


def parse_changed(body: bytes) -> Changed:
    """Read the answer to an amend, decrease or cancel; raises Unanswered for one that cannot be read."""
    try:
        told = msgspec.json.decode(body, type=_Changed)
    except UNREADABLE as error:
        raise Unanswered(f"the answer cannot be read: {error}") from error
    return Changed(VenueOrderId(told.order_id), told.ts_ms)


def parse_batch_created(
    body: bytes, asked: Sequence[ClientOrderId]
) -> dict[ClientOrderId, Created | Refused]:
    """Read the answer to a batch of creates; an order it does not mention is missing in the result."""
    found: dict[ClientOrderId, Created | Refused] = {}
    for entry in _entries(body):
        name = ClientOrderId(entry.client_order_id)
        if name not in asked:
            continue
        if entry.error is not None:
            found[name] = entry.error.refused()
        elif entry.order_id:
            try:
                filled, left = change(entry.fill_count), change(entry.remaining_count)
            except ValueError:
                continue
            found[name] = Created(VenueOrderId(entry.order_id), filled, left, entry.ts_ms)
    return found


def parse_batch_canceled(body: bytes) -> dict[VenueOrderId, Changed | Refused]:
    """Read the answer to a batch of cancels; an order it does not mention is missing in the result."""
    return {
        VenueOrderId(entry.order_id): Changed(VenueOrderId(entry.order_id), entry.ts_ms)
        if entry.error is None
        else entry.error.refused()
        for entry in _entries(body)
        if entry.order_id
    }


def _entries(body: bytes) -> tuple[_Entry, ...]:
    try:
        return msgspec.json.decode(body, type=_Entries).orders
    except UNREADABLE as error:
        raise Unanswered(f"the answer cannot be read: {error}") from error
