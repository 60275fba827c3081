"""A bench for the paper exchange: a public tape told by hand in cents and contracts, and orders of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from console.core.commands import (
    AmendOrder,
    AnyCommand,
    Basis,
    CancelOrder,
    CeilingKind,
    PlaceOrder,
    Reconcile,
    Subscribe,
)
from console.core.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    Event,
    InstrumentDefined,
    MassStatus,
    OrderFilled,
    Trade,
)
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    Side,
    Venue,
    VenueOrderId,
)
from console.core.matches import MatchId
from console.core.units import CENT, MILLISECOND, ONE, SECOND, Nanos, Price, Size
from console.sim.paper import CASH, PaperDials, PaperExchange, PublicEvent

BID, ASK = BookSide.BID, BookSide.ASK
BUY, SELL = Action.BUY, Action.SELL
YES = Instrument(Venue.KALSHI, "T")
NO = YES.no
KALSHI = InstrumentSpec(two_sided=True, amendable=True, size_min=Size(ONE // 100), size_step=Size(ONE // 100))
REQUEST_MS, ANSWER_MS = 20, 5
E = TypeVar("E", bound=Event)
Levels = dict[int, float]  # contracts by cents


class PaperBench:
    """The exchange, a clock in milliseconds, and everything that was seen so far."""

    def __init__(self, spec: InstrumentSpec = KALSHI, cash: int = CASH) -> None:
        dials = PaperDials(request_ms=REQUEST_MS, answer_ms=ANSWER_MS)
        self.exchange = PaperExchange(Venue.KALSHI, cash=cash, dials=dials)
        self.now = 1000 * SECOND
        self.seen: list[AnyEvent] = []
        self.orders = 0
        self.public(InstrumentDefined(ts=Nanos(self.now), instrument=YES, spec=spec))

    # ---- time

    def wait(self, ms: int) -> list[AnyEvent]:
        """Let time pass; what was seen meanwhile."""
        self.now += ms * MILLISECOND
        fresh: list[AnyEvent] = []
        self.exchange.advance(self.now, fresh)
        self.seen += fresh
        return fresh

    # ---- the tape

    def public(self, event: PublicEvent) -> list[AnyEvent]:
        fresh: list[AnyEvent] = []
        self.exchange.take(event, fresh)
        self.seen += fresh
        return fresh

    def book(self, bids: Mapping[int, float], asks: Mapping[int, float]) -> list[AnyEvent]:
        """The whole public book."""
        return self.public(
            BookSnapshot(ts=Nanos(self.now), instrument=YES, bids=_levels(bids), asks=_levels(asks))
        )

    def delta(self, side: BookSide, cents: float, contracts: float) -> list[AnyEvent]:
        return self.public(
            BookDelta(
                ts=Nanos(self.now),
                instrument=YES,
                side=side,
                price=Price(round(cents * CENT)),
                change=Size(round(contracts * ONE)),
            )
        )

    def trade(self, taker: BookSide, cents: float, contracts: float) -> list[AnyEvent]:
        return self.public(
            Trade(
                ts=Nanos(self.now),
                instrument=YES,
                price=Price(round(cents * CENT)),
                size=Size(round(contracts * ONE)),
                taker=taker,
            )
        )

    def traded(self, taker: BookSide, cents: float, contracts: float, first: str = "delta") -> None:
        """A trade and the change of the level it is made of, in either order."""
        maker = BID if taker is ASK else ASK
        if first == "trade":
            self.trade(taker, cents, contracts)
        self.delta(maker, cents, -contracts)
        if first != "trade":
            self.trade(taker, cents, contracts)

    # ---- we

    def submit(self, command: AnyCommand) -> None:
        self.exchange.submit(command, self.now)

    def ask(self, command: AnyCommand) -> list[AnyEvent]:
        """Send a command and wait for its answer."""
        self.submit(command)
        return self.wait(REQUEST_MS) + self.wait(ANSWER_MS)

    def subscribe(self) -> list[AnyEvent]:
        return self.ask(Subscribe(instrument=YES))

    def order(
        self,
        instrument: Instrument,
        action: Action,
        cents: float,
        contracts: float,
        order_id: str = "",
    ) -> PlaceOrder:
        self.orders += 1
        price = Price(round(cents * CENT))
        return PlaceOrder(
            order_id=ClientOrderId(order_id or f"run-{self.orders}"),
            match=MatchId("T"),
            instrument=instrument,
            action=action,
            price=price,
            size=Size(round(contracts * ONE)),
            ceiling=price,
            ceiling_kind=CeilingKind.QUOTE,
            basis=Basis(0, 0, 0, 0, 0, ""),
        )

    def place(
        self, instrument: Instrument, action: Action, cents: float, contracts: float, order_id: str = ""
    ) -> AnyEvent:
        """Place an order and return the answer to it."""
        command = self.order(instrument, action, cents, contracts, order_id)
        return next(e for e in self.ask(command) if getattr(e, "order_id", "") == command.order_id)

    def buy(self, cents: float, contracts: float) -> AnyEvent:
        return self.place(YES, BUY, cents, contracts)

    def sell_by_no(self, cents: float, contracts: float) -> AnyEvent:
        """An ask at `cents` of YES: NO bought at the rest of the dollar."""
        return self.place(NO, BUY, 100 - cents, contracts)

    def amend(self, order_id: str, cents: float, contracts: float, instrument: Instrument = YES) -> AnyEvent:
        place = self.order(instrument, BUY, cents, contracts)
        command = AmendOrder(
            order_id=ClientOrderId(order_id),
            venue_order_id=VenueOrderId(""),
            match=place.match,
            instrument=instrument,
            action=BUY,
            price=place.price,
            size=place.size,
            ceiling=place.price,
            ceiling_kind=place.ceiling_kind,
            basis=place.basis,
        )
        return next(e for e in self.ask(command) if getattr(e, "order_id", "") == order_id)

    def cancel(self, order_id: str) -> list[AnyEvent]:
        return self.ask(
            CancelOrder(order_id=ClientOrderId(order_id), venue_order_id=VenueOrderId(""), instrument=YES)
        )

    def status(self) -> MassStatus:
        return next(e for e in self.ask(Reconcile(venue=Venue.KALSHI)) if isinstance(e, MassStatus))

    # ---- what came of it

    def fills(self) -> list[tuple[float, float]]:
        """(cents of YES, contracts) of every fill told so far, answers under way waited for."""
        self.wait(ANSWER_MS)
        return [
            (_yes(fill.instrument, fill.price) / CENT, fill.size / ONE)
            for fill in self.seen
            if isinstance(fill, OrderFilled)
        ]

    def filled(self) -> float:
        return sum(size for _, size in self.fills())

    def shown(self) -> tuple[Levels, Levels]:
        """The book as its messages tell it, (bids, asks)."""
        sides: dict[BookSide, dict[int, int]] = {BID: {}, ASK: {}}
        for event in self.seen:
            if isinstance(event, BookSnapshot):
                sides = {BID: dict(event.bids), ASK: dict(event.asks)}
            elif isinstance(event, BookDelta):
                level = sides[event.side]
                level[event.price] = level.get(event.price, 0) + event.change
        return _cents(sides[BID]), _cents(sides[ASK])


def of_kind(events: list[AnyEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def _levels(side: Mapping[int, float]) -> tuple[tuple[int, int], ...]:
    return tuple((round(cents * CENT), round(contracts * ONE)) for cents, contracts in side.items())


def _cents(side: dict[int, int]) -> Levels:
    return {price // CENT: size / ONE for price, size in side.items() if size}


def _yes(instrument: Instrument, price: int) -> int:
    return price if instrument.side is Side.YES else ONE - price
