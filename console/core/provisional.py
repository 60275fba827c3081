"""Fills that are matched but not settled: booked at once, and taken back exactly when they fail (C20)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from console.core.events import OrderFilled
from console.core.instruments import Instrument, TradeId, Venue
from console.core.lots import Lot
from console.core.positions import Paid, Position


class HoldingKept(Struct, frozen=True, array_like=True):
    """One symbol of a position."""

    instrument: Instrument
    net: int
    basis: int
    commission: int
    settled: bool
    paid: tuple[Paid, ...] = ()


class PositionKept(Struct, frozen=True, array_like=True):
    """One netting group: cash, what it holds, and how it is paired off."""

    venue: Venue
    cash: int
    fees: int
    fills: int
    locked: int
    conditional: int
    holdings: tuple[HoldingKept, ...]
    lots: tuple[tuple[int, int, int, int], ...]  # (outcome mask, contracts, cost, safe)


def kept(venue: Venue, position: Position) -> PositionKept:
    """A position as it stands."""
    return PositionKept(
        venue=venue,
        cash=position.cash,
        fees=position.fees,
        fills=position.fills,
        locked=position.locked,
        conditional=position.conditional,
        holdings=tuple(
            HoldingKept(instrument, held.net, held.basis, held.commission, held.settled, held.paid)
            for instrument, held in position.holdings.items()
        ),
        lots=tuple((mask, lot.count, lot.cost, lot.safe) for mask, lot in position.lots.lots.items()),
    )


def bring_back(position: Position, was: PositionKept) -> None:
    """Make a position what it was."""
    position.cash, position.fees, position.fills = was.cash, was.fees, was.fills
    position.locked, position.conditional = was.locked, was.conditional
    for held in was.holdings:
        holding = position.holdings[held.instrument]
        holding.net, holding.basis = held.net, held.basis
        holding.commission, holding.settled, holding.paid = held.commission, held.settled, held.paid
    position.lots.lots = {mask: Lot(count, cost, safe) for mask, count, cost, safe in was.lots}
    position.forget_branches()


class Unsettled(Struct, frozen=True, array_like=True):
    """A position before its oldest unsettled fill, every fill since, and which of them may still fail."""

    before: PositionKept
    fills: tuple[OrderFilled, ...]
    open: tuple[TradeId, ...]


def begun(
    venue: Venue, position: Position, unsettled: Unsettled | None, fill: OrderFilled
) -> Unsettled | None:
    """Take notice of a fill that is about to be booked; None while nothing may fail."""
    if unsettled is None:
        if not fill.provisional:
            return None
        unsettled = Unsettled(kept(venue, position), (), ())
    still_open = (*unsettled.open, fill.trade_id) if fill.provisional else unsettled.open
    return Unsettled(unsettled.before, (*unsettled.fills, fill), still_open)


def confirmed(unsettled: Unsettled, trade_id: TradeId) -> Unsettled | None:
    """One fill is final; None when no other may fail."""
    still_open = tuple(each for each in unsettled.open if each != trade_id)
    return Unsettled(unsettled.before, unsettled.fills, still_open) if still_open else None


def undone(
    position: Position, unsettled: Unsettled, trade_id: TradeId, book: Callable[[OrderFilled], None]
) -> Unsettled | None:
    """Book everything since again, but for one fill; `book` books one."""
    fills = tuple(fill for fill in unsettled.fills if fill.trade_id != trade_id)
    bring_back(position, unsettled.before)
    for fill in fills:
        book(fill)
    return confirmed(Unsettled(unsettled.before, fills, unsettled.open), trade_id)
