"""What Kalshi's refusals mean: four shapes of bodies, and which answers prove that nothing was taken."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from console.core.events import RejectReason
from console.venues.base.lane import Reply
from console.venues.base.protocol import Refused, Unanswered
from console.venues.kalshi.wire import UNREADABLE

R = RejectReason
REASONS: Final = {
    "insufficient_balance": R.BALANCE,
    "available_balance_too_low": R.BALANCE,
    "invalid_price": R.PRICE,
    "invalid_order_size": R.SIZE,
    "not_found": R.NOT_FOUND,
    "order_not_found": R.NOT_FOUND,
    "order_already_exists": R.DUPLICATE,
    "trading_is_paused": R.MARKET,
    "exchange_is_paused": R.MARKET,
    "too many requests": R.RATE_LIMITED,
    "too_many_requests": R.RATE_LIMITED,
}
UNFUNDED: Final = "user_not_found"  # comes with a suffix at times: told by its beginning
MARKET: Final = "market_"  # market_not_found, market_inactive, market_already_closed ...
GROUP: Final = "order_group"
EXPIRED: Final = "header_timestamp_expired"
_PROVES_NOTHING: Final = frozenset({408, 425})


class GroupShut(Refused):
    """The order group an order was to join takes none: it fired, or is gone."""


class Fault(Struct, frozen=True):
    """An error as the venue words it."""

    code: str
    message: str = ""
    details: str = ""

    @property
    def text(self) -> str:
        """For people: one line."""
        words = [self.code, *(w for w in (self.message, self.details) if w and w != self.code)]
        return ": ".join(words)

    def refused(self) -> Refused:
        """The refusal it is."""
        code = self.code.lower()
        if GROUP in f"{code} {self.details.lower()}":
            return GroupShut(R.NOT_CONNECTED, self.text)
        if "post only" in self.details.lower() or code.startswith("post_only"):
            return Refused(R.POST_ONLY_CROSS, self.text)
        if code.startswith(UNFUNDED):
            return Refused(R.BALANCE, f"{self.text}: no collateral on the shard of this market")
        if code.startswith(MARKET):
            return Refused(R.MARKET, self.text)
        return Refused(REASONS.get(code, R.OTHER), self.text)


class _Flat(Struct, frozen=True):
    code: str = ""
    message: str = ""
    details: str = ""


class _Body(Struct, frozen=True):
    error: _Flat | str | None = None
    code: str = ""
    message: str = ""
    details: str = ""
    msg: str = ""


def parse_fault(body: bytes, status: int) -> Fault:
    """Read an error body of any shape; one that cannot be read is named by its status."""
    try:
        told = msgspec.json.decode(body, type=_Body)
    except UNREADABLE:
        return Fault(f"HTTP status {status}")
    if isinstance(told.error, str):
        return Fault(told.error)
    flat = told.error or told
    if flat.code:
        return Fault(flat.code, flat.message, flat.details)
    return Fault(told.msg or f"HTTP status {status}")


def check(reply: Reply) -> bytes:
    """The body of a success; raises Refused for a certain refusal, Unanswered for what proves nothing."""
    if 200 <= reply.status < 300:
        return reply.body
    fault = parse_fault(reply.body, reply.status)
    if reply.status >= 500 or reply.status in _PROVES_NOTHING:
        raise Unanswered(f"HTTP status {reply.status}: {fault.text}")
    if reply.status == 429:
        raise Refused(R.RATE_LIMITED, fault.text)
    raise fault.refused()
