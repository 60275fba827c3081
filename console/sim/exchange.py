"""One simulated venue: matches by price and time and keeps our account; see `requests` for what we ask."""

from __future__ import annotations

from console.core.events import (
    AnyEvent,
    BookSnapshot,
    BookStale,
    CashAdjusted,
    InstrumentDefined,
    MarketStatus,
    MassStatus,
    OrderCanceled,
    OrderFilled,
    Settled,
    Trade,
)
from console.core.fees import FeeModel, fee_of_fill
from console.core.instruments import (
    BID,
    BookSide,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    MarketState,
    Side,
    Venue,
    VoidRule,
)
from console.core.units import ONE, Cash, Price, Size
from console.sim.account import Account
from console.sim.clock import Clock
from console.sim.dice import Dice
from console.sim.habits import PLAIN, Habits, Persona
from console.sim.market import Market, Resting
from console.sim.orders import OwnOrder
from console.sim.tape import Tape

US = ""  # the owner of our orders; everybody else has a name
_NOT_OURS = ClientOrderId("")
_OPEN = MarketState.OPEN


class Exchange:
    """A venue. What anybody can see goes to `public` (subscribed symbols only), what happens to us
    without our asking to `private`; whoever carries them to us empties both.
    """

    __slots__ = (
        "_clock",
        "account",
        "ended_tape",
        "fill_tape",
        "habits",
        "markets",
        "private",
        "public",
        "taken",
        "turn",
        "venue",
    )

    def __init__(
        self, venue: Venue, clock: Clock, persona: Persona = PLAIN, dice: Dice | None = None
    ) -> None:
        """`dice` decide over fills and delays of a venue with traits; one without needs none."""
        self.venue = venue
        self._clock = clock
        self.account = Account(venue, clock)
        self.habits = Habits(venue, persona, self.account, dice)
        self.markets: dict[str, Market] = {}
        self.public: list[AnyEvent] = []
        self.private: list[AnyEvent] = []
        self.turn = 0  # orders that ever rested, whoever's
        self.taken = 0  # orders of ours ever accepted
        self.fill_tape = Tape()
        self.ended_tape = Tape()

    # ---- the venue's own doings

    def open_market(self, symbol: str, spec: InstrumentSpec) -> Market:
        """Open a market."""
        assert symbol not in self.markets, f"{symbol} is listed already"
        market = Market(Instrument(self.venue, symbol), spec, self.public)
        self.markets[symbol] = market
        return market

    def pay_in(self, amount: int, why: str) -> None:
        """Move cash into our account (out of it, if negative)."""
        self.account.money.pay_in(amount)
        self.private.append(CashAdjusted(venue=self.venue, amount=Cash(amount), why=why))

    def set_state(self, symbol: str, state: MarketState, wipe: bool = False) -> None:
        """Open, pause or close a market; closing (or `wipe`) takes every resting order out."""
        market = self.markets[symbol]
        if wipe or state in (MarketState.CLOSED, MarketState.RESOLVED):
            self._wipe(market)
        market.state = state
        self._announce(market, MarketStatus(instrument=market.instrument, state=state))

    def step(self) -> None:
        """Do what is due by the habits of the venue."""
        ended, awake, verdicts = self.habits.due(self._clock.now, self._clock.wall)
        for order in ended:
            self.end(order)
            self.private.append(self.habits.why_over(order))
        for order in awake:
            market = self.markets[order.instrument.symbol]
            crosses = market.opposite(order.side).reaches(market.ladder.index[order.yes_price])
            if crosses or market.state is not MarketState.OPEN:
                self.end(order)
                self.private.append(OrderCanceled(order_id=order.order_id))
            else:
                self.put_up(order)
        self.private += verdicts

    def resolve(self, symbol: str, payout: int) -> None:
        """Settle a market at `payout` millionths per YES contract, for good."""
        self.private += self.habits.settle_all(symbol)
        self.account.money.settle(symbol, payout)
        self._settle(symbol, Price(payout), refund=False)

    def void(self, symbol: str, share: int, fair: int) -> None:
        """Settle a market by its void rule: `share` is what it gets of $1 (of a draw all or nothing), `fair`
        its fair price.
        """
        rule = self.markets[symbol].spec.void_rule
        if rule is VoidRule.REFUND:
            self.private += self.habits.settle_all(symbol)
            self.account.money.settle(symbol, 0, refund=True)
            self._settle(symbol, Price(0), refund=True)
        else:
            self.resolve(symbol, fair if rule is VoidRule.FAIR else share)

    def _settle(self, symbol: str, payout: Price, refund: bool) -> None:
        market = self.markets[symbol]
        assert market.settled is None, f"{symbol} has paid already"
        self.set_state(symbol, MarketState.RESOLVED)
        market.settled = Settled(instrument=market.instrument, payout=payout, refund=refund)
        self._announce(market, market.settled)

    # ---- everybody else

    def rest(self, owner: str, symbol: str, side: BookSide, price: int, size: int) -> Resting | None:
        """Limit order of another participant; trades first where it crosses. None if nothing rests."""
        market = self.markets[symbol]
        if market.state is not _OPEN:
            return None
        rung = market.ladder.index[price]
        half, others = (market.bids, market.asks) if side is BID else (market.asks, market.bids)
        left = size
        if others.reaches(rung):
            left -= self._match(market, owner, side, size, rung)
        if left == 0:
            return None
        turn = self.turn = self.turn + 1
        order = Resting(turn, owner, symbol, half, rung, left, _NOT_OURS)
        market.add(order)
        return order

    def pull(self, order: Resting, size: int | None = None) -> None:
        """Take another participant's order out, or `size` contracts off it; no harm if it is gone."""
        assert not order.order_id, "our own orders are cancelled by request"
        left = order.left
        if left:
            self.markets[order.symbol].reduce(order, left if size is None or size > left else size)

    def take(self, owner: str, symbol: str, side: BookSide, size: int, limit: int | None = None) -> int:
        """Immediate-or-cancel order of another participant, down to `limit`; returns the size traded."""
        market = self.markets[symbol]
        if market.state is not _OPEN:
            return 0
        if side is BID:
            price = market.ladder.down(ONE if limit is None else limit)
        else:
            price = market.ladder.up(0 if limit is None else limit)
        return 0 if price is None else self._match(market, owner, side, size, market.ladder.index[price])

    # ---- who listens

    def subscribe(self, instrument: Instrument) -> None:
        """Report a symbol from now on: its facts, state (and payout) and book come first."""
        market = self.markets.get(instrument.symbol)
        if market is None:
            self.public.append(BookStale(instrument=instrument, why="no such symbol"))
            return
        market.streamed = True
        self.public.extend([*self.facts(instrument), market.snapshot()])

    def unsubscribe(self, instrument: Instrument) -> None:
        """Report a symbol no longer."""
        market = self.markets.get(instrument.symbol)
        if market is not None:
            market.streamed = False

    def facts(self, instrument: Instrument) -> list[AnyEvent]:
        """Definition and state of a symbol, and what it paid once it has."""
        market = self.markets[instrument.symbol]
        told: list[AnyEvent] = [
            InstrumentDefined(instrument=market.instrument, spec=market.spec),
            MarketStatus(instrument=market.instrument, state=market.state),
        ]
        if market.settled is not None:
            told.append(market.settled)
        return told

    def settlements(self) -> list[AnyEvent]:
        """What every market that is settled has paid, for those who missed it."""
        return [market.settled for market in self.markets.values() if market.settled is not None]

    def defect(self) -> str | None:
        """Say in one line how books or ledger contradict themselves, or None."""
        lost = self.account.money.imbalance()
        if lost:
            return f"{self.venue.value}: {lost} millionths of a dollar appeared from nowhere"
        for order in self.account.open.values():
            if self.habits.asleep(order.order_id):
                continue
            if order.resting is None or order.resting.left != order.left:
                return f"{self.venue.value}: {order.order_id} does not rest as the account says"
        return next((why for why in (m.defect() for m in self.markets.values()) if why), None)

    # ---- our orders in the book

    def put_up(self, order: OwnOrder) -> None:
        """Let an order of ours rest, last in the queue of its price; it must not cross."""
        market = self.markets[order.instrument.symbol]
        rung = market.ladder.index[order.yes_price]
        assert not market.opposite(order.side).reaches(rung), f"{order.order_id} would take liquidity"
        self.turn += 1
        order.resting = Resting(
            self.turn,
            US,
            order.instrument.symbol,
            market.half(order.side),
            rung,
            order.left,
            order.order_id,
        )
        market.add(order.resting)
        self.account.opened(order)

    def cross(self, order: OwnOrder) -> list[OrderFilled]:
        """Let an order of ours take what rests down to its price, at the prices of those who rest.

        It stops before an order of our own: nobody trades with himself.
        """
        market = self.markets[order.instrument.symbol]
        half, limit = market.opposite(order.side), market.ladder.index[order.yes_price]
        fills: list[OrderFilled] = []
        while order.left and half.reaches(limit):
            maker = next(iter(half.queues[half.best].values()))
            if maker.owner == US:
                break
            price, traded = market.prices[maker.rung], min(order.left, maker.left)
            market.reduce(maker, traded)
            self._report_trade(market, price, traded, order.side)
            charged = fee_of_fill(market.spec.fees, price, traded, maker=True)
            if charged:
                self.account.money.take_fee(charged)
            paid = price if order.instrument.side is Side.YES else ONE - price
            fills.append(self._filled(order, traded, Price(paid), maker=False))
        for fill in fills:
            self.fill_tape.append(fill)
        return fills

    def _filled(self, order: OwnOrder, size: int, price: Price, *, maker: bool) -> OrderFilled:
        provisional = self.habits.provisional
        fill = self.account.fill(order, size, price, maker, provisional)
        if provisional:
            self.habits.matched(fill, self._clock.now)
        return fill

    def rest_later(self, order: OwnOrder) -> bool:
        """Let a taken order wait for its place in the book, where the venue is so; False elsewhere."""
        if not self.habits.sleeps(order, self._clock.now):
            return False
        self.account.opened(order)
        return True

    def keep_alive(self, until: int) -> None:
        """A sign of life: our orders may rest until then (wall clock)."""
        self.habits.keep_alive(until, self._clock.now)

    def listed(self) -> MassStatus:
        """Our account as the lists of the venue show it."""
        return self.habits.listing(self._clock.now)

    def pass_by(self, order: OwnOrder) -> None:
        """An order of ours is over without ever resting."""
        self.account.passed(order)
        self.ended_tape.append(order.order_id)

    def change(self, order: OwnOrder, price: Price, size: int) -> None:
        """Give an order another price and total size; only a pure decrease keeps its turn."""
        resting = order.resting
        assert resting is not None, f"{order.order_id} is open but does not rest"
        market = self.markets[order.instrument.symbol]
        keeps_turn = price == order.price and size <= order.size
        order.price, order.size = price, size
        if order.left == 0:
            self.end(order)
        elif keeps_turn:
            if resting.left > order.left:
                market.reduce(resting, resting.left - order.left)
            self.account.relock(order.instrument.symbol)
        else:
            market.reduce(resting, resting.left)
            self.put_up(order)

    def end(self, order: OwnOrder) -> None:
        """Take what is left of an order of ours out of the market."""
        resting = order.resting
        if resting is not None and resting.left:
            self.markets[order.instrument.symbol].reduce(resting, resting.left)
        self.account.closed(order)
        self.ended_tape.append(order.order_id)

    def _wipe(self, market: Market) -> None:
        """Empty a book; subscribers see it empty rather than every order go."""
        for resting in market.orders():
            resting.half.reduce(resting, resting.left)
            own = self.account.open.get(resting.order_id)
            if own is not None:
                self.end(own)
                self.private.append(OrderCanceled(order_id=own.order_id))
        self._announce(market, BookSnapshot(instrument=market.instrument, bids=(), asks=()))

    def _announce(self, market: Market, event: AnyEvent) -> None:
        if market.streamed:
            self.public.append(event)

    # ---- matching

    def _match(self, market: Market, owner: str, side: BookSide, size: int, limit: int) -> int:
        """Trade against the resting orders down to rung `limit`; nobody trades with himself."""
        half = market.opposite(side)
        left = size
        while left and half.reaches(limit):
            maker = next(iter(half.queues[half.best].values()))
            if maker.owner == owner:
                market.reduce(maker, maker.left)
                continue
            price, traded = market.prices[maker.rung], min(left, maker.left)
            market.reduce(maker, traded)
            self._report_trade(market, price, traded, side)
            self._book(market.spec.fees, maker, price, traded)
            left -= traded
        return size - left

    def _report_trade(self, market: Market, price: int, size: int, taker: BookSide) -> None:
        if market.streamed:
            self.public.append(
                Trade(instrument=market.instrument, price=Price(price), size=Size(size), taker=taker)
            )

    def _book(self, fees: FeeModel, maker: Resting, price: int, size: int) -> None:
        charged: int = fee_of_fill(fees, price, size, maker=False)
        if maker.order_id:
            self._fill_own(self.account.open[maker.order_id], size)
        else:
            charged += fee_of_fill(fees, price, size, maker=True)
        if charged:
            self.account.money.take_fee(charged)

    def _fill_own(self, order: OwnOrder, size: int) -> None:
        fill = self._filled(order, size, order.price, maker=True)
        self.fill_tape.append(fill)
        self.private.append(fill)
        if order.left == 0:
            self.end(order)
        else:
            self.account.relock(order.instrument.symbol)
