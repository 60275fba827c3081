"""Odds as people type and read them: American, decimal, probability; one value, three spellings."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Sequence

from console.core.american import american_of_decimal
from console.core.devig import OddsError, check_odds
from console.core.ladders import american_of_price
from console.core.units import ONE

BOOKSUM_MIN, BOOKSUM_MAX = 0.9, 1.25  # of odds typed by hand: fair odds are 1, a book's about 1.05
BARE_BOOKSUM_MAX = 0.5  # decimal odds that add up to less than this were never meant as such
_BARE = re.compile(r"\d+(?:\.\d*)?|\.\d+")


def parse_odds(text: str) -> float:
    """Read one price in any format and return decimal odds above 1.

    ``-110`` and ``+150`` are American (a bare whole number from 100 too), ``1.91`` is decimal, ``52.4%``,
    ``0.524`` and ``52.4c`` are probabilities. Raises OddsError saying what would be right.
    """
    word = text.strip().replace("\N{MINUS SIGN}", "-")
    try:
        if word[-1:] in ("%", "¢", "c"):
            return _of_probability(float(word[:-1]) / 100.0, text)
        value = float(word)
    except ValueError:
        raise OddsError(f"odds: {text.strip()!r} is not a price; type -110, +150, 1.91 or 52.4%") from None
    if not math.isfinite(value):
        raise OddsError(f"odds: {text.strip()!r} is not a finite number")
    if word[0] in "+-" or (abs(value) >= 100.0 and "." not in word):
        return _of_american(value, text)
    if 0.0 < value < 1.0:
        return _of_probability(value, text)
    if value <= 1.0:
        raise OddsError(f"odds: {text.strip()!r}: decimal odds are above 1, for example 1.91")
    return value


def parse_line(text: str, outcomes: int) -> tuple[float, ...]:
    """Read the prices of all outcomes, separated by spaces, commas or slashes; raises OddsError.

    ``58 42`` without a sign are chances in percent: they add up to 100, and as decimal odds to no market.
    Where both readings make sense neither is taken.
    """
    words = text.replace(",", " ").replace("/", " ").split()
    if len(words) != outcomes:
        raise OddsError(f"odds: {len(words)} prices for {outcomes} outcomes")
    odds = tuple(parse_odds(word) for word in words)
    if all(_BARE.fullmatch(word) for word in words):
        chances = [float(word) for word in words]
        booksum = sum(1.0 / price for price in odds)
        if booksum < BARE_BOOKSUM_MAX and BOOKSUM_MIN <= sum(chances) / 100.0 <= BOOKSUM_MAX:
            odds = tuple(parse_odds(f"{word}%") for word in words)
        elif max(chances) > 1.0 and abs(sum(chances) - 100.0) <= 1.0:
            raise OddsError("odds: chances or decimal odds? write chances with %, as 1.5% 98.5%")
    check_booksum(odds)
    return odds


def check_booksum(odds: Sequence[float]) -> None:
    """Refuse prices typed by hand that are no market: chances taken for odds would turn the match round."""
    check_odds(odds)
    booksum = sum(1.0 / price for price in odds)
    if not BOOKSUM_MIN <= booksum <= BOOKSUM_MAX:
        raise OddsError(
            f"odds: the prices add up to {booksum:.0%}, a market's to about 100%; type chances as 52% 48%"
        )


def american(decimal_odds: float) -> str:
    """American spelling of decimal odds, to the nearest whole number: 1.909 -> ``-110``."""
    return f"{american_of_decimal(decimal_odds):+d}"


class OddsStyle(enum.Enum):
    """How a price is written for a person."""

    AMERICAN = "american"
    DECIMAL = "decimal"
    PROBABILITY = "probability"


def spell(price: int, style: OddsStyle) -> str:
    """A price in millionths as a bettor reads it: 476190 -> ``+110``, ``2.1000`` or ``47.62%``."""
    if style is OddsStyle.AMERICAN:
        return f"{american_of_price(price):+d}"
    if style is OddsStyle.DECIMAL:
        return f"{ONE / price:.4f}"
    return f"{price / (ONE // 100):.2f}%"


def _of_american(value: float, text: str) -> float:
    if abs(value) < 100.0:
        raise OddsError(f"odds: {text.strip()!r}: American odds are -100 and below or +100 and above")
    return 1.0 + (value / 100.0 if value > 0 else 100.0 / -value)


def _of_probability(probability: float, text: str) -> float:
    if not 0.0 < probability < 1.0:
        raise OddsError(f"odds: {text.strip()!r}: a probability lies between 0 and 100 %")
    return 1.0 / probability
