"""Orders as the pretended venue keeps them, and how they are told in lists and in frames."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from console.core.instruments import BookSide, ClientOrderId
from console.core.units import ONE, SECOND
from console.sandbox.kalshi.spelling import Json, count, iso, money, named, price

USER: Final = named("user")


class Status(enum.Enum):
    """Where an order stands."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"


@dataclass
class Ticket:
    """One order. `inner` is what the exchange behind knows it by since its last new place in the queue,
    and `base` what had filled by then.
    """

    order_id: str
    client_order_id: str
    ticker: str
    side: BookSide
    price: int
    size: int  # total
    shard: int
    created: int
    inner: ClientOrderId
    expires_s: int = 0
    group: str = ""
    stp: str = ""
    on_pause: bool = False
    status: Status = Status.RESTING
    filled: int = 0
    left: int = 0
    base: int = 0
    taker_cost: int = 0
    maker_cost: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    updated: int = 0
    reason: str = ""

    def listed(self) -> Json:
        """As ``GET /portfolio/orders`` tells it; the old words of direction say nothing useful."""
        body: Json = {
            "order_id": self.order_id,
            "user_id": USER,
            "client_order_id": self.client_order_id,
            "ticker": self.ticker,
            "side": "yes",
            "action": "buy" if self.side is BookSide.BID else "sell",
            **self._direction(),
            "type": "limit",
            "status": self.status.value,
            "yes_price_dollars": price(self.price),
            "no_price_dollars": price(ONE - self.price),
            **self._sums(),
            "created_time": iso(self.created),
            "last_update_time": iso(self.updated),
            "self_trade_prevention_type": self.stp,
            "cancel_order_on_pause": self.on_pause,
            "subaccount_number": 0,
            "exchange_index": self.shard,
        }
        if self.group:
            body["order_group_id"] = self.group
        if self.expires_s:
            body["expiration_time"] = iso(self.expires_s * SECOND)
        return body

    def news(self) -> Json:
        """As the `user_orders` channel tells it."""
        body: Json = {
            "order_id": self.order_id,
            "user_id": USER,
            "ticker": self.ticker,
            "exchange_index": self.shard,
            "status": self.status.value,
            "side": "yes" if self.side is BookSide.BID else "no",
            "is_yes": self.side is BookSide.BID,
            **self._direction(),
            "yes_price_dollars": price(self.price),
            **self._sums(),
            "client_order_id": self.client_order_id,
            "self_trade_prevention_type": self.stp,
            "created_time": iso(self.created),
            "created_ts_ms": self.created // 1_000_000,
            "last_update_time": iso(self.updated),
            "last_updated_ts_ms": self.updated // 1_000_000,
            "subaccount_number": 0,
        }
        if self.reason:
            body["last_update_reason"] = self.reason
        if self.group:
            body["order_group_id"] = self.group
        if self.expires_s:
            body["expiration_ts_ms"] = self.expires_s * 1000
        return body

    def _direction(self) -> Json:
        bid = self.side is BookSide.BID
        return {"outcome_side": "yes" if bid else "no", "book_side": "bid" if bid else "ask"}

    def _sums(self) -> Json:
        return {
            "fill_count_fp": count(self.filled),
            "remaining_count_fp": count(self.left if self.status is Status.RESTING else 0),
            "initial_count_fp": count(self.size),
            "taker_fill_cost_dollars": money(self.taker_cost),
            "maker_fill_cost_dollars": money(self.maker_cost),
            "taker_fees_dollars": money(self.taker_fees),
            "maker_fees_dollars": money(self.maker_fees),
        }


@dataclass
class OrderGroup:
    """A rolling limit on what may fill: `fills` are (monotonic ns, contracts)."""

    group_id: str
    shard: int
    limit: int
    fills: list[tuple[int, int]]
    triggered: bool = False

    def told(self) -> Json:
        """As the list of groups tells it."""
        return {
            "id": self.group_id,
            "contracts_limit_fp": count(self.limit),
            "is_auto_cancel_enabled": not self.triggered,
            "exchange_index": self.shard,
        }
