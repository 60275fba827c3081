"""How Polymarket spells values, and how a message that cannot be read is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from console.core.complaint import UNREADABLE
from console.core.units import MILLISECOND, ONE, SECOND, Nanos, decimal, micros

T = TypeVar("T")

REMEMBERED: Final = 1 << 14


class ParseError(Exception):
    """A message that does not say what it must: which, about what, and why."""

    def __init__(self, kind: str, subject: str, why: str) -> None:
        super().__init__(f"{kind}{f' of {subject}' if subject else ''}: {why}")
        self.kind = kind
        self.subject = subject
        self.why = why


def read(body: bytes | str, shape: type[T], kind: str) -> T:
    """Decode JSON strictly: unknown fields pass, a missing or malformed one raises ParseError."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (*UNREADABLE, ValueError) as error:
        raise ParseError(kind, "", str(error)) from error


@lru_cache(REMEMBERED)
def amount(text: str) -> int:
    """A decimal text in millionths; digits beyond the sixth must be zeros. Raises ValueError."""
    return micros(text)


DIGITS_MOST: Final = 20  # before the point


def number(value: Decimal) -> int:
    """A JSON number in millionths, exactly; raises ValueError for more digits than there are."""
    scaled = _scaled(value)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more than 6 decimals")
    return int(scaled)


def floor_number(value: Decimal) -> int:
    """A JSON number in millionths, rounded down: a report's floats carry digits that mean nothing.

    Raises ParseError for one that no report can mean.
    """
    try:
        return int(_scaled(value).to_integral_value(rounding="ROUND_FLOOR"))
    except ValueError as error:
        raise ParseError("number", "", str(error)) from error


def _scaled(value: Decimal) -> Decimal:
    if not value.is_finite() or value.adjusted() > DIGITS_MOST:
        raise ValueError(f"{value:.3e} is out of all proportion")
    return value.scaleb(6)


def plain(value: int) -> str:
    """Millionths as the shortest decimal text."""
    text = decimal(value)
    return text.rstrip("0").rstrip(".") if value % ONE else text.partition(".")[0]


def moment(text: str) -> Nanos:
    """Wall-clock nanoseconds of ISO time with Z, or of ``2026-04-05 15:10:00+00``; 0 for none.

    Raises ValueError for any other text.
    """
    if not text:
        return Nanos(0)
    tail = text[-3:]
    spelled = f"{text}:00" if tail[:1] in "+-" and tail[1:].isdigit() else text
    parsed = datetime.fromisoformat(spelled)
    aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return Nanos((delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * 1_000)


def stamp_ns(text: str) -> Nanos:
    """Wall-clock nanoseconds of a stamp in seconds or milliseconds, told apart by its length; 0 for none."""
    if not text:
        return Nanos(0)
    value = int(text)
    return Nanos(value * (MILLISECOND if value > 10**11 else SECOND))
