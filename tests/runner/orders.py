"""Orders made by hand."""

from console.core.commands import Basis, CeilingKind, PlaceOrder
from console.core.instruments import Action, Instrument, Venue


def place_order(order_id, venue=Venue.KALSHI):
    return PlaceOrder(
        order_id=order_id,
        match="m",
        instrument=Instrument(venue, "A"),
        action=Action.BUY,
        price=400_000,
        size=10_000_000,
        ceiling=410_000,
        ceiling_kind=CeilingKind.QUOTE,
        basis=Basis(430_000, 425_000, 10_000, 0, 0, "pinnacle:1.00"),
    )
