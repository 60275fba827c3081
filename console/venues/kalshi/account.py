"""What Kalshi's REST says of our account: orders, fills, positions, settlements, cash, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from console.core.events import OrderFilled, VenueLimits
from console.core.instruments import Action, ClientOrderId, Instrument, TradeId, Venue, VenueOrderId
from console.core.orders import yes_price
from console.core.units import CENT, Cash, Nanos, Price, Size, cost_of, micros, proceeds_of
from console.venues.kalshi.own import OwnOrders, leg_of
from console.venues.kalshi.wire import (
    UNREADABLE,
    Moment,
    ParseError,
    change,
    instrument,
    leg_price,
    nanos,
)

T = TypeVar("T")
OWN_PATHS: Final = "/trade-api/v2"
PLACE: Final = ("POST", "/portfolio/events/orders")
AMEND: Final = ("POST", "/portfolio/events/orders/:order_id/amend")
CANCEL: Final = ("DELETE", "/portfolio/events/orders/:order_id")


class ListedOrder(Struct, frozen=True, kw_only=True):
    """An order as the venue lists it; `size` is what filled and what is left, price of the YES leg."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    market: Instrument
    on_bid: bool
    status: str
    price: Price
    filled: Size
    left: Size
    shard: int | None  # None where it is not stated: the ticker leads to it
    ends_s: int

    @property
    def rests(self) -> bool:
        """It is in the book."""
        return self.status == "resting"


class Page(Struct, frozen=True):
    """One page of something; `cursor` is empty on the last."""

    cursor: str


class OrdersPage(Page, frozen=True):
    """Orders."""

    orders: tuple[ListedOrder, ...]


class Fill(Struct, frozen=True, kw_only=True):
    """One fill of ours; price of the YES leg."""

    trade_id: TradeId
    venue_order_id: VenueOrderId
    market: Instrument
    on_bid: bool
    price: Price
    size: Size
    fee: Cash
    taker: bool
    order_id: ClientOrderId = ClientOrderId("")

    def event(self, own: OwnOrders) -> OrderFilled:
        """The fill in terms of the leg its order named."""
        known = own.find(self.order_id, self.venue_order_id)
        leg, action = leg_of(self.market, self.on_bid, known)
        price = yes_price(leg.side, self.price)
        cost = (cost_of if action is Action.BUY else proceeds_of)(price, self.size)
        return OrderFilled(
            venue_order_id=self.venue_order_id,
            trade_id=self.trade_id,
            instrument=leg,
            action=action,
            price=price,
            size=self.size,
            cost=cost,
            fee=self.fee,
            maker=not self.taker,
            order_id=known.order_id if known is not None else self.order_id,
        )


class FillsPage(Page, frozen=True):
    """Fills."""

    fills: tuple[Fill, ...]


class PositionsPage(Page, frozen=True):
    """Net contracts by YES leg, NO negative."""

    positions: tuple[tuple[Instrument, int], ...]


class Settlement(Struct, frozen=True):
    """What a market paid per YES contract, in whole cents; not `exact`: a fair price may have been finer."""

    market: Instrument
    payout: Price
    settled_wall: Nanos
    exact: bool


class SettlementsPage(Page, frozen=True):
    """Settlements."""

    settlements: tuple[Settlement, ...]


class Limits(Struct, frozen=True):
    """Request budgets of the account, tokens a second and at once."""

    tier: str
    read_per_s: int
    read_burst: int
    write_per_s: int
    write_burst: int


# ---- bodies


class _Order(Struct, frozen=True, kw_only=True):
    order_id: str
    client_order_id: str
    ticker: str
    book_side: str
    status: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    exchange_index: int | None = None
    expiration_time: Moment | None = None


class _OrderBody(Struct, frozen=True):
    order: _Order


class _OrdersBody(Struct, frozen=True):
    orders: tuple[_Order, ...]
    cursor: str | None = None


class _Fill(Struct, frozen=True, kw_only=True):
    trade_id: str
    order_id: str
    ticker: str
    book_side: str
    count_fp: str
    yes_price_dollars: str
    is_taker: bool
    fee_cost: str


class _FillsBody(Struct, frozen=True):
    fills: tuple[_Fill, ...]
    cursor: str | None = None


class _Position(Struct, frozen=True):
    ticker: str
    position_fp: str


class _PositionsBody(Struct, frozen=True):
    market_positions: tuple[_Position, ...]
    cursor: str | None = None


class _Settlement(Struct, frozen=True):
    ticker: str
    market_result: str
    value: int
    settled_time: Moment


class _SettlementsBody(Struct, frozen=True):
    settlements: tuple[_Settlement, ...]
    cursor: str | None = None


class _Shard(Struct, frozen=True):
    exchange_index: int
    balance: str


class _BalanceBody(Struct, frozen=True):
    balance_dollars: str
    balance_breakdown: tuple[_Shard, ...]


class _Bucket(Struct, frozen=True):
    refill_rate: int
    bucket_capacity: int


class _LimitsBody(Struct, frozen=True):
    usage_tier: str
    read: _Bucket
    write: _Bucket


class _Cost(Struct, frozen=True):
    method: str
    path: str
    cost: int


class _CostsBody(Struct, frozen=True):
    default_cost: int
    endpoint_costs: tuple[_Cost, ...]


class _AsOf(Struct, frozen=True):
    as_of_time: Moment


# ---- parsers


def parse_order(body: bytes) -> ListedOrder:
    """Read ``GET /portfolio/orders/{id}``."""
    return _order(_read(body, "order", _OrderBody).order)


def parse_orders(body: bytes) -> OrdersPage:
    """Read one page of ``GET /portfolio/orders``."""
    told = _read(body, "orders", _OrdersBody)
    return OrdersPage(told.cursor or "", tuple(map(_order, told.orders)))


def parse_fills(body: bytes) -> FillsPage:
    """Read one page of ``GET /portfolio/fills``."""
    told = _read(body, "fills", _FillsBody)
    return FillsPage(told.cursor or "", tuple(map(_fill, told.fills)))


def parse_positions(body: bytes) -> PositionsPage:
    """Read one page of ``GET /portfolio/positions``."""
    told = _read(body, "positions", _PositionsBody)
    held = []
    for row in told.market_positions:
        try:
            held.append((instrument(row.ticker), micros(row.position_fp)))
        except ValueError as error:
            raise ParseError("position", row.ticker, f"position_fp: {error}") from error
    return PositionsPage(told.cursor or "", tuple(held))


def parse_settlements(body: bytes) -> SettlementsPage:
    """Read one page of ``GET /portfolio/settlements``."""
    told = _read(body, "settlements", _SettlementsBody)
    paid = []
    for row in told.settlements:
        if not 0 <= row.value <= 100:
            raise ParseError("settlement", row.ticker, f"value: {row.value} is not from 0 to 100 cents")
        paid.append(
            Settlement(
                market=instrument(row.ticker),
                payout=Price(row.value * CENT),
                settled_wall=nanos(row.settled_time),
                exact=row.market_result in ("yes", "no"),
            )
        )
    return SettlementsPage(told.cursor or "", tuple(paid))


def parse_balance(body: bytes) -> dict[int, Cash]:
    """Read the free cash of each shard in ``GET /portfolio/balance``."""
    told = _read(body, "balance", _BalanceBody)
    try:
        return {row.exchange_index: Cash(micros(row.balance)) for row in told.balance_breakdown}
    except ValueError as error:
        raise ParseError("balance", "", f"balance_breakdown: {error}") from error


def parse_limits(body: bytes) -> Limits:
    """Read ``GET /account/limits``."""
    told = _read(body, "limits", _LimitsBody)
    return Limits(
        told.usage_tier,
        told.read.refill_rate,
        told.read.bucket_capacity,
        told.write.refill_rate,
        told.write.bucket_capacity,
    )


def parse_costs(body: bytes) -> dict[tuple[str, str], int]:
    """Read ``GET /account/endpoint_costs``: tokens by method and path; the default under an empty pair."""
    told = _read(body, "endpoint costs", _CostsBody)
    costs = {(row.method, row.path.removeprefix(OWN_PATHS)): row.cost for row in told.endpoint_costs}
    return {**costs, ("", ""): told.default_cost}


def parse_as_of(body: bytes) -> Nanos:
    """Read how fresh the account's reads are (``GET /exchange/user_data_timestamp``)."""
    return nanos(_read(body, "user data timestamp", _AsOf).as_of_time)


def venue_limits(limits: Limits, costs: Mapping[tuple[str, str], int]) -> VenueLimits:
    """What the engine must know of our write budget; a lease is prolonged by an amend."""
    default = costs[("", "")]
    amend = costs.get(AMEND, default)
    return VenueLimits(
        venue=Venue.KALSHI,
        write_per_s=limits.write_per_s,
        write_burst=limits.write_burst,
        place=costs.get(PLACE, default),
        amend=amend,
        cancel=costs.get(CANCEL, default),
        renew=amend,
        dead_man=True,
    )


def _read(body: bytes, kind: str, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        raise ParseError(f"{kind} listing", "", str(error)) from error


def on_bid(side: str) -> bool:
    """Whether `book_side` says bid; ValueError for a word that is neither."""
    if side not in ("bid", "ask"):
        raise ValueError(f"{side!r} is neither bid nor ask")
    return side == "bid"


def _order(row: _Order) -> ListedOrder:
    field = "book_side"
    try:
        bid = on_bid(row.book_side)
        field = "yes_price_dollars"
        price = leg_price(row.yes_price_dollars)
        field = "fill_count_fp"
        filled = change(row.fill_count_fp)
        field = "remaining_count_fp"
        left = change(row.remaining_count_fp)
    except ValueError as error:
        raise ParseError("order", row.ticker, f"{field}: {error}") from error
    return ListedOrder(
        order_id=ClientOrderId(row.client_order_id),
        venue_order_id=VenueOrderId(row.order_id),
        market=instrument(row.ticker),
        on_bid=bid,
        status=row.status,
        price=price,
        filled=filled,
        left=left,
        shard=row.exchange_index,
        ends_s=nanos(row.expiration_time) // 1_000_000_000,
    )


def _fill(row: _Fill) -> Fill:
    field = "book_side"
    try:
        bid = on_bid(row.book_side)
        field = "yes_price_dollars"
        price = leg_price(row.yes_price_dollars)
        field = "count_fp"
        size = change(row.count_fp)
        if size <= 0:
            raise ValueError(f"{row.count_fp!r} is not above zero")
        field = "fee_cost"
        fee = Cash(micros(row.fee_cost))
    except ValueError as error:
        raise ParseError("fill", row.ticker, f"{field}: {error}") from error
    return Fill(
        trade_id=TradeId(row.trade_id),
        venue_order_id=VenueOrderId(row.order_id),
        market=instrument(row.ticker),
        on_bid=bid,
        price=price,
        size=size,
        fee=fee,
        taker=row.is_taker,
    )
