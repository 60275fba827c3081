"""The inside of a sandbox: one venue of the seeded world in real time."""

from console.core.commands import Basis, CancelOrder, CeilingKind, PlaceOrder
from console.core.events import BookDelta, OrderAccepted, OrderCanceled, OrderFilled, Trade
from console.core.instruments import Action, Instrument, Venue
from console.core.units import CENT, ONE, SECOND
from console.sandbox.floor import Floor

NOON = 1_795_284_000 * SECOND


class Time:
    def __init__(self):
        self.now = 1_000 * SECOND

    def later(self, seconds):
        self.now += round(seconds * SECOND)


def floor(scale=5.0):
    clock = Time()
    opened = Floor(Venue.KALSHI, 7, scale=scale, monotonic=lambda: clock.now, wall=lambda: NOON + clock.now)
    return opened, clock


def bid(opened, price, size=10, order_id="r-1"):
    symbol = opened.matches[0].listings[0].instrument.symbol
    return PlaceOrder(
        order_id=order_id,
        match="m",
        instrument=Instrument(Venue.KALSHI, symbol),
        action=Action.BUY,
        price=price * CENT,
        size=size * ONE,
        ceiling=price * CENT,
        ceiling_kind=CeilingKind.QUOTE,
        basis=Basis(0, 0, 0, 0, 0, ""),
    )


def test_everybody_acts_and_the_listener_misses_nothing():
    opened, clock = floor()
    told = []
    opened.listen(told.append)
    for _ in range(600):
        clock.later(0.1)
        opened.step()
    assert any(isinstance(event, Trade) for event in told)
    symbol = opened.matches[0].listings[0].instrument
    seen = sum(e.change for e in told if isinstance(e, BookDelta) and e.instrument == symbol)
    market = opened.market(symbol.symbol)
    now = sum(size for side in (market.snapshot().bids, market.snapshot().asks) for _, size in side)
    fresh, _ = floor()
    before = fresh.market(symbol.symbol).snapshot()
    assert now - sum(s for side in (before.bids, before.asks) for _, s in side) == seen


def test_a_request_is_answered_at_once_and_shows_in_the_book():
    opened, _ = floor()
    told = []
    end = opened.listen(told.append)
    (accepted,) = opened.ask(bid(opened, 1))
    assert isinstance(accepted, OrderAccepted)
    assert [event.change for event in told if isinstance(event, BookDelta)] == [10 * ONE]
    end()
    cancel = CancelOrder(order_id="r-1", venue_order_id="", instrument=bid(opened, 1).instrument)
    assert [type(e) for e in opened.ask(cancel)] == [OrderCanceled]
    assert len(told) == 1


def test_our_fills_are_told():
    opened, clock = floor()
    told = []
    opened.listen(told.append)
    best = max(price for price, _ in opened.market(bid(opened, 1).instrument.symbol).snapshot().bids)
    opened.ask(bid(opened, best // CENT))
    for _ in range(3000):
        clock.later(0.1)
        opened.step()
    assert any(isinstance(event, OrderFilled) for event in told)


def test_an_unknown_market_is_none():
    opened, _ = floor()
    assert opened.market("NOT-LISTED") is None
