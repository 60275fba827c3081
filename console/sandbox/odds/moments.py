"""Moments as the feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND = 1_000_000_000


def whole(moment_ns: int) -> str:
    """2026-11-20T19:58:41Z."""
    return f"{datetime.fromtimestamp(moment_ns // SECOND, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


def thousandths(moment_ns: int) -> str:
    """2026-11-20T19:58:41.123Z."""
    return f"{whole(moment_ns)[:-1]}.{moment_ns % SECOND // 1_000_000:03d}Z"


def nanos(text: str) -> int:
    """Nanoseconds of either, and of a plain date; raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()) * SECOND
