"""How values are written on the wire: dollars, counts, times, names."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from console.core.units import ONE, SECOND, decimal, micros

Json = dict[str, object]

_NAMES: Final = uuid.UUID("5b0c6a2e-9d0e-4f5e-8f33-6d0a5d4f1c77")
PRICE_PLACES: Final = 4


def named(*words: object) -> str:
    """A UUID that belongs to some words."""
    return str(uuid.uuid5(_NAMES, "/".join(map(str, words))))


def price(value: int) -> str:
    """A price or sum with four decimals."""
    return decimal(value, PRICE_PLACES)


def money(value: int) -> str:
    """A sum with six decimals."""
    return decimal(value, 6)


def count(value: int) -> str:
    """Contracts with two decimals."""
    return decimal(value, 2)


def iso(wall_ns: int) -> str:
    """A time as the venue writes it: the zeros at the end of its fraction trimmed."""
    moment = datetime.fromtimestamp(wall_ns // SECOND, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{wall_ns % SECOND // 1000:06d}".rstrip("0")
    return f"{moment}.{fraction}Z" if fraction else f"{moment}Z"


def decimals(text: str) -> int:
    """How many decimals a plain number has."""
    return len(text.partition(".")[2])


def read_price(text: object) -> int | None:
    """A price a client sent: a string of two to four decimals; None for anything else."""
    if not isinstance(text, str) or not 2 <= decimals(text) <= PRICE_PLACES:
        return None
    try:
        value = micros(text)
    except ValueError:
        return None
    return value if 0 < value < ONE else None


def read_count(text: object) -> int | None:
    """A count a client sent: a string above zero with at most two decimals; None for anything else."""
    if not isinstance(text, str) or decimals(text) > 2:
        return None
    try:
        value = micros(text)
    except ValueError:
        return None
    return value if value > 0 else None
