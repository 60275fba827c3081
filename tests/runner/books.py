"""Market data made by hand."""

from console.core.events import BookDelta
from console.core.instruments import BookSide, Instrument, Venue


def delta(symbol="A", price=400_000, change=1_000_000):
    return BookDelta(
        instrument=Instrument(Venue.KALSHI, symbol), side=BookSide.BID, price=price, change=change
    )
