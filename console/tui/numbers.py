"""Numbers as people type them: ``1k``, ``1,000``, ``$2.50``, ``45c``, ``+120``; read exactly."""

from __future__ import annotations

import re

from msgspec import Struct

from console.core.complaint import Complaint
from console.core.odds import parse_odds
from console.core.settings import parse_setting
from console.core.units import CENT, ONE, micros
from console.tui.format import exact_price, spelt
from console.tui.taste import Odds

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


class NumberError(Complaint):
    """A number that cannot be read; the message says what would be right."""


def natural(text: str) -> str:
    """A plain decimal from what was typed: thousands, a k or m behind, a unit around are taken off."""
    word = text.strip().replace("\N{MINUS SIGN}", "-").replace("_", "")
    word = word.replace("$", "", 1).removesuffix("¢").strip()
    if _GROUPED.fullmatch(word):
        word = word.replace(",", "")
    zeros = {"k": 3, "m": 6}.get(word[-1:].lower(), 0)
    if zeros and re.fullmatch(r"[+-]?\d*\.?\d+", word[:-1]):
        sign = "-" if word.startswith("-") else ""
        whole, _, fraction = word[:-1].lstrip("+-").partition(".")
        shifted = fraction.ljust(zeros, "0")
        word = f"{sign}{int(whole + shifted[:zeros])}" + (f".{shifted[zeros:]}" if shifted[zeros:] else "")
    return word


def settled(text: str) -> str:
    """The value of a setting as the engine reads it: a number plain, anything else as it was typed."""
    plain = natural(text)
    return plain if re.fullmatch(r"[+-]?[\d.]+", plain) else text.strip()


def setting(kind: type[Struct], key: str, text: str) -> object:
    """A setting as people type it; raises SettingError."""
    return parse_setting(kind, key, settled(text))


def contracts_of(text: str) -> int:
    """Signed contracts in millionths; raises NumberError."""
    return _micros(text, "contracts, such as 10, -25 or 1.5k")


def dollars_of(text: str) -> int:
    """Dollars in millionths; raises NumberError."""
    return _micros(text, "dollars, such as 12.50 or 1.2k")


def price_of(text: str, odds: Odds = Odds.CENTS) -> int:
    """A price in millionths: cents as such, ``$0.45``, ``45%``, ``+120``; in an odds view also 2.22.

    Raises NumberError; whatever was meant is shown beside the field before anything is done with it.
    """
    word = text.strip()
    wrong = f"{word!r} is no price: type 45, 45.5¢, $0.45 or +120"
    try:
        if word[:1] in ("+", "-", "\N{MINUS SIGN}") or (odds is not Odds.CENTS and word[-1:] not in "¢%c"):
            return _inside(round(ONE / parse_odds(word)), wrong)
        if word.startswith("$"):
            return _inside(micros(word[1:].strip()), wrong)
        cents = micros(word.rstrip("¢c%").strip())
    except ValueError as error:
        raise NumberError(wrong) from error
    value, lost = divmod(cents * CENT, ONE)
    if lost:
        raise NumberError(f"{word!r} has more digits than a price in cents can hold")
    return _inside(value, wrong)


def echoed(value: int) -> str:
    """A price in every spelling, so that nobody is misunderstood."""
    return f"{exact_price(value)} = {spelt(value, Odds.DECIMAL, 8)} = {spelt(value, Odds.AMERICAN, 8)}"


def _inside(value: int, wrong: str) -> int:
    if not 0 < value < ONE:
        raise NumberError(f"{wrong}; a contract pays 100¢")
    return value


def _micros(text: str, wanted: str) -> int:
    try:
        return micros(natural(text))
    except ValueError as error:
        raise NumberError(f"{text.strip()!r} is not {wanted}") from error
