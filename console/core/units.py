"""Numbers that touch money: whole millionths, parsed exactly, rounded against us."""

from __future__ import annotations

from typing import Final, NewType

Price = NewType("Price", int)  # dollars per contract paying $1, in millionths: 450_000 = 45 ¢
Size = NewType("Size", int)  # contracts, in millionths
Cash = NewType("Cash", int)  # dollars, in millionths
Nanos = NewType("Nanos", int)  # nanoseconds, of the monotonic clock or since the Unix epoch

ONE: Final = 1_000_000
CENT: Final = 10_000
BASIS_POINTS: Final = 10_000
SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000

_SCALE_DIGITS: Final = 6


def micros(text: str) -> int:
    """Parse a plain decimal such as ``"0.4500"`` or ``"-40.00"`` into millionths, exactly.

    Raises ValueError for anything else: exponents, spaces, NaN, digits beyond the sixth decimal.
    """
    digits = text[1:] if text[:1] in ("-", "+") else text
    whole, dot, fraction = digits.partition(".")
    if not (whole or fraction) or (dot and not fraction):
        raise ValueError(f"not a decimal number: {text!r}")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit():
        raise ValueError(f"not a decimal number: {text!r}")
    kept = fraction[:_SCALE_DIGITS]
    if fraction[_SCALE_DIGITS:].strip("0"):
        raise ValueError(f"{text!r} has more than {_SCALE_DIGITS} decimals")
    value = int(whole or "0") * ONE + int(kept.ljust(_SCALE_DIGITS, "0"))
    return -value if text[:1] == "-" else value


def decimal(value: int, places: int = _SCALE_DIGITS) -> str:
    """Write millionths as a plain decimal with `places` decimals; raises if digits would be lost."""
    sign, magnitude = ("-", -value) if value < 0 else ("", value)
    whole, fraction = divmod(magnitude, ONE)
    digits = f"{fraction:06d}"
    if digits[places:].strip("0"):
        raise ValueError(f"{value} millionths do not fit {places} decimals")
    return f"{sign}{whole}.{digits[:places]}" if places else f"{sign}{whole}"


def plain(value: int) -> str:
    """Write millionths as the shortest plain decimal: 10, 0.5, 12.25."""
    text = decimal(value)
    return text.rstrip("0").rstrip(".")


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide rounding towards plus infinity."""
    return -(-numerator // denominator)


def cost_of(price: int, size: int) -> Cash:
    """Cash paid for `size` contracts at `price`, rounded up."""
    return Cash(ceil_div(price * size, ONE))


def proceeds_of(price: int, size: int) -> Cash:
    """Cash received for `size` contracts at `price`, rounded down."""
    return Cash(price * size // ONE)


def clip(value: int, low: int, high: int) -> int:
    """Bound `value` to [low, high]."""
    return low if value < low else high if value > high else value
