"""How Kalshi spells values: dollar and count strings, price ranges, times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from console.core.complaint import UNREADABLE as UNREADABLE
from console.core.instruments import Instrument, Venue
from console.core.ladders import Band, banded
from console.core.units import ONE, Nanos, Price, Size, micros

Moment = Annotated[datetime, Meta(tz=True)]  # a time without its zone is no moment
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ParseError(ValueError):
    """A frame or body that cannot be trusted: one line naming message type, market and field.

    `market` is the ticker, empty when not even that could be read; `sid` and `seq` are 0 when absent.
    """

    def __init__(self, kind: str, market: str, why: str, sid: int = 0, seq: int = 0) -> None:
        super().__init__(f"kalshi {kind} of {market or 'an unnamed market'}: {why}")
        self.market = market
        self.sid = sid
        self.seq = seq


class PriceRange(Struct, frozen=True):
    """A band of the price grid; the ranges are the only truth, structure names multiply."""

    start: str
    end: str
    step: str


def instrument(ticker: str) -> Instrument:
    """The YES leg of a market."""
    return Instrument(Venue.KALSHI, ticker)


def leg_price(text: str) -> Price:
    """A price in its own leg, strictly between 0 and 1 dollar; ValueError for anything else."""
    price = micros(text)
    if not 0 < price < ONE:
        raise ValueError(f"{text!r} is not between 0 and 1 dollar")
    return Price(price)


def mirrored_price(text: str) -> Price:
    """The price of the YES leg that a price of the NO leg stands for."""
    return Price(ONE - leg_price(text))


def change(text: str) -> Size:
    """Contracts that came (or went, negative); ValueError for anything but a plain decimal."""
    return Size(micros(text))


def payout(text: str) -> Price:
    """What a YES contract is paid, from 0 to 1 dollar; ValueError for anything else."""
    value = micros(text)
    if not 0 <= value <= ONE:
        raise ValueError(f"{text!r} is not from 0 to 1 dollar")
    return Price(value)


def bands(ranges: Iterable[PriceRange]) -> tuple[Band, ...]:
    """The bands of a price grid; ValueError for one that makes no sense."""
    grid = tuple(Band(micros(band.start), micros(band.end), micros(band.step)) for band in ranges)
    banded("price_ranges", grid)
    return grid


def nanos(moment: datetime | None) -> Nanos:
    """Nanoseconds since the Unix epoch, 0 for a time not stated."""
    return Nanos(0 if moment is None else (moment - _EPOCH) // timedelta(microseconds=1) * 1_000)
