"""A small venue to try things on, spoken to in whole cents and contracts."""

from __future__ import annotations

from console.core.commands import AmendOrder, AnyCommand, Basis, CancelOrder, CeilingKind, Lookup, PlaceOrder
from console.core.events import AnyEvent
from console.core.fees import KALSHI_MAKER, KALSHI_TAKER, FeeKind, FeeModel
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    Side,
    Venue,
    VenueOrderId,
    VoidRule,
)
from console.core.matches import MatchId
from console.core.units import CENT, ONE, Price, Size
from console.sim.clock import Clock
from console.sim.exchange import Exchange
from console.sim.market import Market, Resting
from console.sim.requests import execute

BID, ASK = BookSide.BID, BookSide.ASK
YES, NO = Side.YES, Side.NO
BUY, SELL = Action.BUY, Action.SELL

KALSHI_FEES = FeeModel(maker_rate=KALSHI_MAKER, taker_rate=KALSHI_TAKER, unit=100)
TWO_SIDED = InstrumentSpec(two_sided=True, amendable=True)
TOKEN = InstrumentSpec(void_rule=VoidRule.HALF)
BET = InstrumentSpec(
    fees=FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000), void_rule=VoidRule.REFUND, sellable=False
)

HOME = "HOME"
BASIS = Basis(0, 0, 0, 0, 0, "")


class Bench:
    """One exchange with the symbol HOME on it, and $100 of ours."""

    def __init__(self, spec: InstrumentSpec = TWO_SIDED, cash: int = 100, streamed: bool = False) -> None:
        self.clock = Clock(0, 1_000_000_000)
        self.exchange = Exchange(Venue.KALSHI, self.clock)
        self.market: Market = self.exchange.open_market(HOME, spec)
        self.exchange.account.money.pay_in(cash * ONE)
        if streamed:
            self.exchange.subscribe(self.market.instrument)
            self.exchange.public.clear()

    @property
    def account(self):
        return self.exchange.account

    @property
    def position(self) -> float:
        """Net YES contracts."""
        return self.account.money.positions.get(HOME, 0) / ONE

    @property
    def cash(self) -> int:
        """Millionths of a dollar."""
        return self.account.money.cash

    # ---- others

    def rest(self, owner: str, side: BookSide, cents: float, contracts: float) -> Resting | None:
        return self.exchange.rest(owner, HOME, side, int(cents * CENT), int(contracts * ONE))

    def take(self, side: BookSide, contracts: float, cents: float | None = None) -> float:
        limit = None if cents is None else int(cents * CENT)
        return self.exchange.take("taker", HOME, side, int(contracts * ONE), limit) / ONE

    # ---- us

    def ask_for(self, command: AnyCommand) -> list[AnyEvent]:
        return execute(self.exchange, command)

    def place(self, name: str, action: Action, leg: Side, cents: float, contracts: float) -> AnyEvent:
        [answer] = self.ask_for(place(name, action, leg, cents, contracts))
        return answer

    def buy(self, name: str, cents: float, contracts: float, leg: Side = YES) -> AnyEvent:
        return self.place(name, BUY, leg, cents, contracts)

    def sell(self, name: str, cents: float, contracts: float, leg: Side = YES) -> AnyEvent:
        return self.place(name, SELL, leg, cents, contracts)

    def amend(self, name: str, cents: float, contracts: float) -> AnyEvent:
        [answer] = self.ask_for(amend(name, cents, contracts))
        return answer

    def cancel(self, name: str) -> AnyEvent:
        [answer] = self.ask_for(cancel(name))
        return answer

    def look_up(self, name: str) -> list[AnyEvent]:
        return self.ask_for(look_up(name))

    def hold(self, contracts: float, cents: float = 50, leg: Side = YES) -> None:
        """Come to hold contracts through a fill of our own bid, if the book allows."""
        name = f"hold-{self.exchange.taken}"
        self.buy(name, cents, contracts, leg)
        self.take(ASK if leg is YES else BID, contracts)
        self.exchange.private.clear()

    def levels(self) -> tuple[dict[float, float], dict[float, float]]:
        """Contracts by cents: (bids, asks)."""
        book = self.market.snapshot()
        bids, asks = ({p / CENT: s / ONE for p, s in side} for side in (book.bids, book.asks))
        return bids, asks


def place(name: str, action: Action, leg: Side, cents: float, contracts: float) -> PlaceOrder:
    price = Price(int(cents * CENT))
    return PlaceOrder(
        order_id=ClientOrderId(name),
        match=MatchId("m"),
        instrument=Instrument(Venue.KALSHI, HOME, leg),
        action=action,
        price=price,
        size=Size(int(contracts * ONE)),
        ceiling=price,
        ceiling_kind=CeilingKind.QUOTE,
        basis=BASIS,
    )


def amend(name: str, cents: float, contracts: float, venue_order_id: str = "") -> AmendOrder:
    price = Price(int(cents * CENT))
    return AmendOrder(
        order_id=ClientOrderId(name),
        venue_order_id=VenueOrderId(venue_order_id),
        match=MatchId("m"),
        instrument=Instrument(Venue.KALSHI, HOME),
        action=BUY,
        price=price,
        size=Size(int(contracts * ONE)),
        ceiling=price,
        ceiling_kind=CeilingKind.QUOTE,
        basis=BASIS,
    )


def cancel(name: str, venue_order_id: str = "") -> CancelOrder:
    return CancelOrder(
        order_id=ClientOrderId(name),
        venue_order_id=VenueOrderId(venue_order_id),
        instrument=Instrument(Venue.KALSHI, HOME),
    )


def look_up(name: str) -> Lookup:
    return Lookup(
        order_id=ClientOrderId(name),
        venue_order_id=VenueOrderId(""),
        instrument=Instrument(Venue.KALSHI, HOME),
    )
