"""Whether Kalshi trades at all: the status of its shards."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from console.venues.kalshi.wire import UNREADABLE, ParseError


class _Row(Struct, frozen=True):
    exchange_index: int
    exchange_active: bool
    trading_active: bool


class _Body(Struct, frozen=True):
    exchange_active: bool
    trading_active: bool
    exchange_index_statuses: tuple[_Row, ...] = ()


def parse_status(body: bytes) -> dict[int, bool]:
    """Whether each shard trades, from ``GET /exchange/status``; the top of the body is shard 0."""
    try:
        told = msgspec.json.decode(body, type=_Body)
    except UNREADABLE as error:
        raise ParseError("exchange status", "", str(error)) from error
    rows = {0: told.exchange_active and told.trading_active}
    rows.update(
        {
            row.exchange_index: row.exchange_active and row.trading_active
            for row in told.exchange_index_statuses
        }
    )
    return rows
