"""The venue's own account of us: open orders, trades, balances, positions, what waits to be claimed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from msgspec import Struct

from console.core.events import OpenOrder, OrderAccepted
from console.core.instruments import Action, Instrument, Side, Venue, VenueOrderId
from console.core.units import ONE, Cash, Price, Size
from console.venues.polymarket.user import Lives, Name, Resolve, TradeRecord, life
from console.venues.polymarket.wire import ParseError, amount, floor_number, read

LAST_PAGE: Final = "LTE="
FIRST_PAGE: Final = "MA=="
DUST: Final = 10_000  # a hundredth of a share: rounding in matching


class RestOrder(Struct, frozen=True):
    """An open order of ours, of ``GET /data/orders`` and ``GET /data/order/{id}``."""

    id: str
    status: str
    market: str
    asset_id: str
    side: str
    original_size: str
    size_matched: str
    price: str
    associate_trades: tuple[str, ...] | None = None


class _OrdersPage(Struct, frozen=True):
    next_cursor: str
    data: tuple[RestOrder, ...]


class _TradesPage(Struct, frozen=True):
    next_cursor: str
    data: tuple[TradeRecord, ...]


class Balance(Struct, frozen=True):
    """``GET /balance-allowance``, base units of six decimals."""

    balance: str
    allowances: dict[str, str] = {}


class RestPosition(Struct, frozen=True, rename="camel"):
    """One entry of the Data API's positions; it lags the venue."""

    asset: str
    condition_id: str
    size: Decimal
    cur_price: Decimal
    redeemable: bool
    mergeable: bool
    slug: str
    outcome_index: int
    opposite_asset: str = ""


def parse_open_orders(body: bytes) -> tuple[tuple[RestOrder, ...], str]:
    """A page of open orders and the cursor of the next, empty after the last. Raises ParseError."""
    page = read(body, _OrdersPage, "open orders")
    return page.data, _next(page.next_cursor)


def parse_trades(body: bytes) -> tuple[tuple[TradeRecord, ...], str]:
    """A page of our trades and the cursor of the next, empty after the last. Raises ParseError."""
    page = read(body, _TradesPage, "trades")
    return page.data, _next(page.next_cursor)


def _next(cursor: str) -> str:
    return "" if cursor in (LAST_PAGE, "") else cursor


def parse_order(body: bytes) -> RestOrder | None:
    """One open order; None for one that is filled, cancelled or was never there. Raises ParseError."""
    if body.strip() in (b"", b"null", b"{}"):
        return None
    return read(body, RestOrder, "order")


def parse_balance(body: bytes) -> tuple[int, dict[str, int]]:
    """What is held, and how much of it each spender may move; millionths. Raises ParseError."""
    told = read(body, Balance, "balance")
    try:
        return int(told.balance), {spender.lower(): int(most) for spender, most in told.allowances.items()}
    except ValueError as error:
        raise ParseError("balance", "", str(error)) from error


def parse_positions(body: bytes) -> tuple[RestPosition, ...]:
    """What the Data API says we hold. Raises ParseError."""
    return read(body, tuple[RestPosition, ...], "positions")


def open_order(order: RestOrder, leg: Resolve, name: Name) -> OpenOrder:
    """An open order as the engine compares it; of a token we do not know, by its id alone.

    Raises ParseError for numbers it cannot read.
    """
    known = leg(order.asset_id)
    instrument = known.instrument if known is not None else Instrument(Venue.POLYMARKET, order.asset_id)
    try:
        return OpenOrder(
            order_id=name(order.id),
            venue_order_id=VenueOrderId(order.id),
            instrument=instrument,
            action=Action.BUY if order.side == "BUY" else Action.SELL,
            price=Price(amount(order.price)),
            size=Size(amount(order.original_size)),
            filled=Size(amount(order.size_matched or "0")),
        )
    except ValueError as error:
        raise ParseError("open order", order.id, str(error)) from error


def standing(order: RestOrder, name: Name) -> OrderAccepted:
    """An order that was looked up and rests."""
    if life(order.status) not in (Lives.RESTS, Lives.HELD):
        raise ParseError("order", order.id, f"open with status {order.status!r}")
    try:
        price, size = amount(order.price), amount(order.original_size)
    except ValueError as error:
        raise ParseError("order", order.id, str(error)) from error
    return OrderAccepted(
        order_id=name(order.id), venue_order_id=VenueOrderId(order.id), price=Price(price), size=Size(size)
    )


def net_positions(held: Iterable[tuple[Instrument, int]]) -> tuple[tuple[Instrument, int], ...]:
    """Net contracts by YES leg of what is held of both tokens; dust is nothing."""
    net: dict[Instrument, int] = {}
    for instrument, size in held:
        signed = size if instrument.side is Side.YES else -size
        net[instrument.yes] = net.get(instrument.yes, 0) + signed
    return tuple((instrument, size) for instrument, size in net.items() if abs(size) >= DUST)


def claimable(positions: Iterable[RestPosition], live: Callable[[str], int | None]) -> tuple[Cash, str]:
    """Cash that a merge or a redemption would bring, and what it consists of in words.

    `live` is what the venue itself says is held of a token, where that is known: the Data API lags.
    """
    merge = redeem = 0
    sizes: dict[str, dict[int, int]] = {}
    for position in positions:
        told = live(position.asset)
        size = floor_number(position.size) if told is None else told
        if position.redeemable:
            redeem += size * floor_number(position.cur_price) // ONE
        else:
            sizes.setdefault(position.condition_id, {})[position.outcome_index] = size
    merge = sum(min(pair.values()) for pair in sizes.values() if len(pair) == 2)
    words = [f"{what} {value / ONE:.2f}" for what, value in (("merge", merge), ("redeem", redeem)) if value]
    return Cash(merge + redeem), ", ".join(words)
