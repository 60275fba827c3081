"""Odds as people type and read them: American, decimal, probability; one value, three spellings."""

from __future__ import annotations

import math

from console.core.devig import OddsError


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
    """Read the prices of all outcomes, separated by spaces, commas or slashes; raises OddsError."""
    words = text.replace(",", " ").replace("/", " ").split()
    if len(words) != outcomes:
        raise OddsError(f"odds: {len(words)} prices for {outcomes} outcomes")
    return tuple(parse_odds(word) for word in words)


def american(decimal_odds: float) -> str:
    """American spelling of decimal odds, to the nearest whole number: 1.909 -> ``-110``."""
    if decimal_odds >= 2.0:
        return f"+{round((decimal_odds - 1.0) * 100.0)}"
    return f"-{round(100.0 / (decimal_odds - 1.0))}"


def _of_american(value: float, text: str) -> float:
    if abs(value) < 100.0:
        raise OddsError(f"odds: {text.strip()!r}: American odds are -100 and below or +100 and above")
    return 1.0 + (value / 100.0 if value > 0 else 100.0 / -value)


def _of_probability(probability: float, text: str) -> float:
    if not 0.0 < probability < 1.0:
        raise OddsError(f"odds: {text.strip()!r}: a probability lies between 0 and 100 %")
    return 1.0 / probability
