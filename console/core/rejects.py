"""Why venues refuse, in our words."""

from __future__ import annotations

import enum


class RejectReason(enum.Enum):
    """Why a request was certainly not taken."""

    POST_ONLY_CROSS = "post only would cross"
    PRICE = "price not on the ladder"
    SIZE = "size below the minimum"
    BALANCE = "insufficient balance"
    MARKET = "market not open"
    DUPLICATE = "client order id used before"
    NOT_FOUND = "no such order"
    RATE_LIMITED = "rate limited"
    NOT_CONNECTED = "venue not connected"
    KILLED = "kill latch engaged"
    OTHER = "refused"
