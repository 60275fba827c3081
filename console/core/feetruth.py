"""Fees as charged against fees as predicted, counted by series of a venue."""

from __future__ import annotations

from console.core.events import OrderFilled
from console.core.fees import WINNINGS, FeeModel
from console.core.instruments import Instrument
from console.core.units import ONE, ceil_div, decimal


class FeeTally:
    """What the fills of one series should have cost and did, in millionths of a dollar.

    `least` and `most` bound what any rounding may make of the model: a unit less once something is paid
    back, two more where fee and cash are rounded one after the other.
    """

    __slots__ = ("charged", "fills", "least", "most")

    def __init__(self) -> None:
        self.charged = self.least = self.most = self.fills = 0

    def add(self, model: FeeModel, event: OrderFilled) -> None:
        """Count a fill."""
        least, most = bounds(model, event)
        self.charged += event.fee
        self.least += least
        self.most += most
        self.fills += 1

    def defect(self) -> str:
        """What is wrong in words; empty while the fees are as predicted."""
        if self.least <= self.charged <= self.most:
            return ""
        predicted = (self.least + self.most) // 2
        return (
            f"charged ${decimal(self.charged)} for {self.fills} fills, "
            f"predicted about ${decimal(max(0, predicted))}"
        )


def series_of(instrument: Instrument) -> str:
    """The venue's series a symbol belongs to: what shares a fee schedule."""
    return f"{instrument.venue.value}:{instrument.symbol.partition('-')[0]}"


def bounds(model: FeeModel, event: OrderFilled) -> tuple[int, int]:
    """Least and most that a fill may be charged by a model, whatever is rounded and paid back."""
    rate = model.maker_rate if event.maker else model.taker_rate
    if rate == 0 or model.kind is WINNINGS:
        return 0, 0
    exact = ceil_div(rate * event.price * (ONE - event.price) * event.size, ONE * ONE * ONE)
    return 0 if model.bound else max(0, exact - model.unit), exact + 2 * model.unit


def distance(model: FeeModel, event: OrderFilled) -> int:
    """How far what was charged is outside of what a model allows."""
    least, most = bounds(model, event)
    return max(0, least - event.fee, event.fee - most)
