"""Numbers as the pretended venue spells them."""

from __future__ import annotations

from console.core.units import ONE


def text(value: int) -> str:
    """Millionths as the shortest decimal."""
    whole, part = divmod(abs(value), ONE)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}" if not part else f"{sign}{whole}.{part:06d}".rstrip("0")


def three(value: int) -> str:
    """A price with three decimals, as last trade prices are."""
    return f"0.{value // 1000:03d}" if value < ONE else "1.000"


def millionths(words: str) -> int:
    """A decimal text; raises ValueError."""
    sign, plain = (-1, words[1:]) if words.startswith("-") else (1, words)
    whole, _, part = plain.partition(".")
    if not (whole + part).isdigit() or len(part.rstrip("0")) > 6:
        raise ValueError(f"{words!r} is no number")
    return sign * (int(whole or "0") * ONE + int(part[:6].ljust(6, "0")))
