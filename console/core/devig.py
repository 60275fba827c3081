"""Fair probabilities from one book's decimal odds: six ways to take the margin out.

Input is one complete market of one book at one moment. With pi = 1/odds and B = sum(pi), every method
returns probabilities that sum to 1. Sources: Clarke, Kovalchik and Ingram 2017 (additive, power),
Jullien and Salanie 1994 (Shin), Cheung 2015 (odds ratio), Wang 2000 (probit).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from console.core.complaint import Complaint


class Method(enum.Enum):
    """A way to take the margin out of a book's odds."""

    MULTIPLICATIVE = "multiplicative"
    ADDITIVE = "additive"
    POWER = "power"
    SHIN = "shin"
    ODDS_RATIO = "odds_ratio"
    PROBIT = "probit"

    __hash__ = object.__hash__  # members are single: by identity, where Enum hashes the name in Python


MULTIPLICATIVE = Method.MULTIPLICATIVE  # asked for in every blend, and an enum's attributes are slow


class Devigged(Struct, frozen=True):
    """Probabilities by method; a method without a usable answer has a reason instead.

    `underround`: the implied probabilities sum to less than 1, the sign of a mixed or stale quote; Shin's
    insider fraction is then negative and means nothing, though the numbers still sum to 1.
    """

    odds: tuple[float, ...]
    overround: float
    probabilities: dict[Method, tuple[float, ...]]
    refused: dict[Method, str]
    underround: bool


class OddsError(Complaint):
    """Odds that no method can work with; the message is one line saying what would be right."""


def devig(odds: Sequence[float], methods: Iterable[Method] = tuple(Method)) -> Devigged:
    """Take the margin out of `odds` (decimal, all outcomes of one market) by each of `methods`.

    Raises OddsError for fewer than two outcomes and for odds that are not finite numbers above 1.
    """
    return _devig(tuple(odds), tuple(methods))


@lru_cache(256)  # nine in ten polls of a line repeat it
def _devig(odds: tuple[float, ...], methods: tuple[Method, ...]) -> Devigged:
    check_odds(odds)
    implied = [1.0 / price for price in odds]
    booksum = math.fsum(implied)
    probabilities: dict[Method, tuple[float, ...]] = {}
    refused: dict[Method, str] = {}
    for method in methods:
        answer = tuple(implied) if abs(booksum - 1.0) <= _EVEN else tuple(_SOLVERS[method](implied, booksum))
        if min(answer) <= 0.0:
            refused[method] = "negative probability for a longshot"
        else:
            probabilities[method] = answer
    return Devigged(odds, booksum - 1.0, probabilities, refused, booksum < 1.0 - _EVEN)


def check_odds(odds: Sequence[float]) -> None:
    """Raise OddsError unless `odds` are at least two finite decimal odds above 1."""
    if len(odds) < 2:
        raise OddsError("odds: give one price for each outcome, at least two")
    for price in odds:
        if not math.isfinite(price) or price <= 1.0:
            raise OddsError(f"odds: {price:g} is not decimal odds; they are above 1, for example 1.91")


_EVEN = 1e-13


def _multiplicative(implied: Sequence[float], booksum: float) -> list[float]:
    return [pi / booksum for pi in implied]


def _additive(implied: Sequence[float], booksum: float) -> list[float]:
    share = (booksum - 1.0) / len(implied)
    return [pi - share for pi in implied]


def _power(implied: Sequence[float], booksum: float) -> list[float]:
    logs = [math.log(pi) for pi in implied]

    def excess(k: float) -> float:
        return math.fsum(math.exp(k * log) for log in logs) - 1.0

    low, high = (1.0, 2.0) if booksum > 1.0 else (0.0, 1.0)
    while booksum > 1.0 and excess(high) > 0.0:
        low, high = high, 2.0 * high
    k = _root(excess, low, high)
    return _sum_to_one([math.exp(k * log) for log in logs])


def _shin(implied: Sequence[float], booksum: float) -> list[float]:
    def probabilities(z: float) -> list[float]:
        return [
            (math.sqrt(z * z + 4.0 * (1.0 - z) * pi * pi / booksum) - z) / (2.0 * (1.0 - z)) for pi in implied
        ]

    low = 0.0 if booksum > 1.0 else -1.0
    while math.fsum(probabilities(low)) < 1.0 and booksum < 1.0:
        low *= 2.0
    high = 1.0 - 1e-9 if booksum > 1.0 else 0.0
    z = _root(lambda z: math.fsum(probabilities(z)) - 1.0, low, high)
    return _sum_to_one(probabilities(z))


def _odds_ratio(implied: Sequence[float], _booksum: float) -> list[float]:
    def probabilities(log_c: float) -> list[float]:
        c = math.exp(log_c)
        return [pi / (c + pi - c * pi) for pi in implied]

    log_c = _root(lambda x: math.fsum(probabilities(x)) - 1.0, -50.0, 50.0)
    return _sum_to_one(probabilities(log_c))


def _probit(implied: Sequence[float], _booksum: float) -> list[float]:
    quantiles = [_quantile(pi) for pi in implied]

    def probabilities(shift: float) -> list[float]:
        return [0.5 * math.erfc((shift - q) / math.sqrt(2.0)) for q in quantiles]

    shift = _root(lambda s: math.fsum(probabilities(s)) - 1.0, -10.0, 10.0)
    return _sum_to_one(probabilities(shift))


def _quantile(probability: float) -> float:
    """Normal quantile through the tail function, which keeps its digits near 0 and 1."""
    tail, sign = (probability, -1.0) if probability < 0.5 else (1.0 - probability, 1.0)
    return sign * _root(lambda q: 0.5 * math.erfc(q / math.sqrt(2.0)) - tail, 0.0, 40.0)


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    """Bisect a decreasing `f` with f(low) >= 0 >= f(high) until the bracket cannot shrink."""
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return middle
        if f(middle) > 0.0:
            low = middle
        else:
            high = middle


def _sum_to_one(probabilities: Sequence[float]) -> list[float]:
    """Remove the last rounding error of a root (about 1e-16) from the sum."""
    total = math.fsum(probabilities)
    return [p / total for p in probabilities]


_SOLVERS: dict[Method, Callable[[Sequence[float], float], list[float]]] = {
    Method.MULTIPLICATIVE: _multiplicative,
    Method.ADDITIVE: _additive,
    Method.POWER: _power,
    Method.SHIN: _shin,
    Method.ODDS_RATIO: _odds_ratio,
    Method.PROBIT: _probit,
}
