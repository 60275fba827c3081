"""What could be sold now: hand-made books, hand-made sums."""

from __future__ import annotations

import msgspec

from console.core.instruments import Instrument, Side, Venue
from console.core.units import ONE, Cash, Price, Size
from console.core.view import HoldingView, LadderView, LevelView
from console.tui.exits import exits
from tests.tui.views import cents, dollars, ladder

SYMBOL = Instrument(Venue.KALSHI, "KX-A")


def size(count: int) -> Size:
    return Size(count * ONE)


def book(bids: dict[float, int], asks: dict[float, int], stale: str = "") -> LadderView:
    levels = [
        LevelView(
            cents(price),
            Size(bids.get(price, 0) * ONE),
            Size(asks.get(price, 0) * ONE),
            Size(0),
            Size(0),
            None,
            (),
        )
        for price in sorted({*bids, *asks}, reverse=True)
    ]
    return msgspec.structs.replace(ladder(), instrument=SYMBOL, levels=tuple(levels), stale=stale)


def held(net: int) -> HoldingView:
    leg = SYMBOL if net > 0 else Instrument(SYMBOL.venue, SYMBOL.symbol, Side.NO)
    return HoldingView(leg, "A", net * ONE, Price(500_000), Cash(0), Cash(0))


def test_bids_are_taken_from_the_best_down() -> None:
    (way,) = exits([held(100)], [book({60: 30, 58: 50, 55: 100}, {62: 10})])
    assert (way.best, way.lowest) == (cents(60), cents(55))
    assert way.found == 100 * ONE
    assert way.cash == dollars(30 * 0.60 + 50 * 0.58 + 20 * 0.55)
    assert way.average == cents(58)


def test_nothing_is_sold_below_the_floor() -> None:
    (way,) = exits([held(100)], [book({60: 30, 58: 50, 55: 100}, {})], floor=cents(58))
    assert (way.found, way.lowest) == (80 * ONE, cents(58))
    (none,) = exits([held(100)], [book({60: 30}, {})], floor=cents(61))
    assert (none.found, none.lowest, none.average, none.best) == (0, None, None, cents(60))


def test_who_offers_the_contract_bids_for_its_opposite() -> None:
    (way,) = exits([held(-25)], [book({60: 30}, {62: 10, 65: 100})])
    assert (way.best, way.lowest) == (cents(38), cents(35))
    assert way.cash == dollars(10 * 0.38 + 15 * 0.35)


def test_stale_book_or_none_has_nobody() -> None:
    for books in ([], [book({60: 30}, {}, stale="gap")]):
        (way,) = exits([held(10)], books)
        assert (way.best, way.found, way.cash) == (None, 0, 0)
