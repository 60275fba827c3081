"""The book of each side of a line: what takers are offered on it, and on the other side, mirrored."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from console.core.american import contracts_of, opposite
from console.core.events import BookSnapshot, Trade
from console.core.instruments import BookSide, Instrument
from console.core.ladders import price_of_american
from console.core.units import CENT, ONE, Cash, Price, Size
from console.venues.prophetx.neutral import Level, Match, Unreadable

Levels = tuple[tuple[int, int], ...]


def cash(amount: Decimal) -> Cash:
    """Dollars as millionths; raises Unreadable for fractions of a millionth."""
    scaled = amount * ONE
    if scaled != int(scaled):
        raise Unreadable(f"an amount of {amount} dollars has more than six decimals")
    return Cash(int(scaled))


def whole_cents(amount: Decimal) -> Cash:
    """Dollars as millionths, down to the cent."""
    return Cash(int(amount * 100) * CENT)


def snapshots(
    instruments: tuple[Instrument, Instrument], levels: tuple[Iterable[Level], Iterable[Level]]
) -> tuple[BookSnapshot, BookSnapshot]:
    """The books of both sides of a line.

    What takers of a side are offered are asks of it. It is what makers bet on the other side, at the opposite
    odds: bids of that one.
    """
    shown = tuple(_makers(side) for side in levels)
    first = BookSnapshot(instrument=instruments[0], bids=_bids(shown[1]), asks=_asks(shown[0]))
    second = BookSnapshot(instrument=instruments[1], bids=_bids(shown[0]), asks=_asks(shown[1]))
    return first, second


def _makers(levels: Iterable[Level]) -> list[tuple[int, int]]:
    """(odds the makers bet at, contracts) of what a taker is offered; a level without odds is nobody's."""
    found = []
    for level in levels:
        if not level.odds:
            continue
        if abs(level.odds) < 100:
            raise Unreadable(f"odds of {level.odds} on {level.side_id} are not American")
        stake = whole_cents(level.stake) if level.stake is not None else 0
        if stake > 0:
            maker = opposite(level.odds)
            found.append((maker, int(contracts_of(stake, maker))))
    return found


def _bids(makers: Iterable[tuple[int, int]]) -> Levels:
    return tuple((int(price_of_american(odds)), size) for odds, size in makers)


def _asks(makers: Iterable[tuple[int, int]]) -> Levels:
    return tuple((ONE - price_of_american(odds), size) for odds, size in makers)


def trades(match: Match, instrument: Instrument, mirrored: Instrument | None) -> list[Trade]:
    """A public trade: somebody took this side; `mirrored` is told that its makers were taken, if wanted."""
    size = Size(contracts_of(whole_cents(match.filled), match.fill_odds))
    if size <= 0:
        return []
    price = price_of_american(match.fill_odds)
    told = [Trade(instrument=instrument, price=price, size=size, taker=BookSide.BID)]
    if mirrored is not None:
        told.append(
            Trade(instrument=mirrored, price=Price(ONE - price), size=size, taker=BookSide.ASK),
        )
    return told
