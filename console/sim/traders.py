"""Everybody else at the simulated venues: the crowd, rival quoters, noise takers and informed takers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from console.core.instruments import ASK, BID, BookSide, MarketState
from console.core.units import CENT, ONE, SECOND
from console.sim.dice import Dice, wait_ns
from console.sim.exchange import Exchange
from console.sim.games import Game
from console.sim.market import Resting

CROWD = "crowd"
# (least edge, most edge, error of opinion) of each rival of a symbol, cents
_RIVALS = ((1.0, 2.0, 0.5), (1.6, 2.8, 0.8), (2.3, 4.2, 1.2))
_SIDES = (BID, ASK)
_OUTBID = CENT // 2  # nobody fights over tenths of a cent
_OVERPAID = 1.2 * CENT  # what a keen rival bids above its opinion
_KEEN_CHANCE, _KEEN_ACTS = 0.003, 15
_CROWD_LEVELS = 20
_CROWD_SPAN = 16 * CENT
_CROWD_NEAREST = 3 * CENT // 2


class Pit:
    """One symbol as the traders stand around it."""

    __slots__ = ("_outbids", "_prices", "depth", "exchange", "game", "market", "outcome", "pace", "symbol")

    def __init__(self, exchange: Exchange, symbol: str, game: Game, outcome: int, pace: float) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self.market = exchange.markets[symbol]
        self.game = game
        self.outcome = outcome
        self.pace = pace  # how much faster than usual everybody acts
        self.depth = game.fixture.depth
        self._prices: tuple[int, ...] = ()  # the grid that `_outbids` are of
        self._outbids: tuple[list[int], list[int]] = ([], [])

    @property
    def over(self) -> bool:
        """Nobody will ever trade here again."""
        return self.market.state in (MarketState.CLOSED, MarketState.RESOLVED)

    def known(self) -> float:
        """What the public holds a YES contract to be worth, in millionths."""
        return self.game.believed[self.outcome] * ONE

    def truth(self) -> float:
        """What a YES contract is worth, in millionths."""
        return self.game.fair[self.outcome] * ONE

    def rung(self, side: BookSide, price: float) -> int:
        """The rung at `price`, rounded away from the middle; off the ladder beyond its ends."""
        prices = self.market.prices
        return bisect_right(prices, price) - 1 if side is BID else bisect_left(prices, price)

    def outbids(self) -> tuple[list[int], list[int]]:
        """Of every rung, the one that outbids a bid there, and the one that undercuts an ask there."""
        prices = self.market.prices
        if prices is not self._prices:
            self._prices = prices
            bids = [max(rung + 1, self.rung(BID, p + _OUTBID)) for rung, p in enumerate(prices)]
            asks = [min(rung - 1, self.rung(ASK, p - _OUTBID)) for rung, p in enumerate(prices)]
            self._outbids = bids, asks
        return self._outbids

    def best(self, side: BookSide) -> int | None:
        """Best price at which somebody on `side` would trade."""
        half = self.market.half(side)
        return None if half.empty else self.market.prices[half.best]


class Crowd:
    """Patient orders away from the middle, which make a book look like one."""

    __slots__ = ("_dice", "_orders", "_pit", "_wait")

    def __init__(self, pit: Pit, dice: Dice) -> None:
        self._pit = pit
        self._dice = dice
        self._wait = 1.5 * SECOND / pit.pace
        self._orders: dict[BookSide, list[Resting]] = {side: [] for side in _SIDES}

    def gather(self) -> None:
        """Fill the book at the opening."""
        for side in _SIDES:
            for _ in range(_CROWD_LEVELS):
                self._add(side)

    def adopt(self, order: Resting) -> None:
        """Take over an order of an earlier life."""
        self._orders[order.half.side].append(order)

    def act(self) -> int:
        """Leave where the middle has come too near, else join or move; nanoseconds until the next act."""
        side = _SIDES[self._dice.random() < 0.5]
        orders = self._orders[side] = [order for order in self._orders[side] if order.left]
        known, prices = self._pit.known(), self._pit.market.prices
        if side is BID:
            low, high = known - _CROWD_SPAN - 6 * CENT, known - CENT
        else:
            low, high = known + CENT, known + _CROWD_SPAN + 6 * CENT
        lowest, highest = bisect_left(prices, low), bisect_right(prices, high) - 1
        stray = [order for order in orders if not lowest <= order.rung <= highest]
        if stray:
            for order in stray[:3]:
                self._pull(side, order)
        elif len(orders) >= _CROWD_LEVELS:
            self._pull(side, orders[int(self._dice.random() * len(orders))])
        else:
            self._add(side)
        return wait_ns(self._dice, self._wait)

    def _pull(self, side: BookSide, order: Resting) -> None:
        self._pit.exchange.pull(order)
        self._orders[side].remove(order)

    def _add(self, side: BookSide) -> None:
        """Rest somewhere away from the middle, on whole cents where there are any, the more the deeper."""
        pit, away = self._pit, self._dice.random()
        offset = _CROWD_NEAREST + _CROWD_SPAN * away**1.5
        wanted = pit.known() - offset if side is BID else pit.known() + offset
        rung = pit.rung(side, wanted)
        whole = pit.rung(side, (wanted // CENT + (side is ASK)) * CENT)
        prices = pit.market.prices
        if 0 <= whole < len(prices) and abs(prices[whole] - wanted) < CENT:
            rung = whole
        rung = max(0, min(len(prices) - 1, rung))
        if pit.market.opposite(side).reaches(rung):
            return
        contracts = 5 + int(pit.depth * (0.1 + 2.0 * away) * self._dice.expovariate(1.0))
        order = pit.exchange.rest(CROWD, pit.symbol, side, prices[rung], contracts * ONE)
        if order is not None:
            self._orders[side].append(order)


class Rival:
    """A market maker with an opinion of its own, who outbids by a step as far as its edge allows."""

    __slots__ = (
        "_asking",
        "_bias",
        "_bidding",
        "_dice",
        "_edge",
        "_error",
        "_keen",
        "_pit",
        "_size",
        "_wait",
        "name",
    )

    def __init__(self, name: str, pit: Pit, edge: float, error: float, dice: Dice) -> None:
        self.name = name
        self._pit = pit
        self._edge = edge  # millionths below (above) its opinion at which it bids (asks) at most
        self._error = error  # standard deviation of its opinion, millionths
        self._bias = dice.gauss(0.0, error)
        self._keen = 0  # acts left during which it overpays
        self._size = (10, 25, 50, 100, 150, 250)[int(dice.random() * 6)] * ONE
        self._wait = (0.8 + 1.6 * dice.random()) * SECOND / pit.pace
        self._bidding: Resting | None = None
        self._asking: Resting | None = None
        self._dice = dice

    def adopt(self, order: Resting) -> None:
        """Take over an order of an earlier life."""
        if order.half.side is BID:
            self._bidding = order
        else:
            self._asking = order

    def act(self) -> int:
        """Requote both sides; nanoseconds until the next act."""
        dice, pit, edge = self._dice, self._pit, self._edge
        bias = self._bias
        bias = self._bias = bias + (-0.05 * bias + dice.gauss(0.0, 0.3 * self._error))
        if self._keen:
            self._keen -= 1
        elif dice.random() < _KEEN_CHANCE:
            self._keen = _KEEN_ACTS
        opinion = pit.game.believed[pit.outcome] * ONE + bias
        outbid, undercut = pit.outbids()
        self._bid(opinion + _OVERPAID if self._keen else opinion - edge, outbid)
        self._ask(opinion + edge, undercut)
        return wait_ns(dice, self._wait)

    def _bid(self, limit_price: float, outbid: list[int]) -> None:
        """Rest one step better than the others, no better than the limit, never crossing."""
        market, order = self._pit.market, self._bidding
        if order is not None and not order.left:
            order = None
        limit = bisect_right(market.prices, limit_price) - 1
        behind = market.asks.best - 1
        if behind < limit:
            limit = behind
        best = market.bids.best_without(order)
        wanted = outbid[best] if 0 <= best < len(outbid) else limit
        if wanted > limit:
            wanted = limit
        if order is None or not self._stays(order, wanted, wanted <= order.rung <= limit):
            self._bidding = self._rest(BID, order, wanted)

    def _ask(self, limit_price: float, undercut: list[int]) -> None:
        """The same on the other side."""
        market, order = self._pit.market, self._asking
        if order is not None and not order.left:
            order = None
        limit = bisect_left(market.prices, limit_price)
        behind = market.bids.best + 1
        if behind > limit:
            limit = behind
        best = market.asks.best_without(order)
        wanted = undercut[best] if 0 <= best < len(undercut) else limit
        if wanted < limit:
            wanted = limit
        if order is None or not self._stays(order, wanted, limit <= order.rung <= wanted):
            self._asking = self._rest(ASK, order, wanted)

    def _stays(self, order: Resting, wanted: int, fits: bool) -> bool:
        """Whether an order that `fits` is left alone: large enough, as wanted or not worth the trouble."""
        if not fits or 2 * order.left < self._size:
            return False
        return order.rung == wanted or self._dice.random() < 0.8

    def _rest(self, side: BookSide, order: Resting | None, wanted: int) -> Resting | None:
        """Rest at the rung `wanted`, where there is one, in place of `order`."""
        pit = self._pit
        if order is not None:
            pit.exchange.pull(order)
        prices = pit.market.prices
        if not 0 <= wanted < len(prices):
            return None
        return pit.exchange.rest(self.name, pit.symbol, side, prices[wanted], self._size)


class NoiseTaker:
    """Somebody who wants a bet now; moods last, so that one side is asked for more for a while."""

    __slots__ = ("_dice", "_mood", "_pit", "_wait")

    def __init__(self, pit: Pit, dice: Dice) -> None:
        self._pit = pit
        self._dice = dice
        self._mood = dice.gauss(0.0, 0.15)
        self._wait = 7.0 * SECOND / pit.pace

    def act(self) -> int:
        """Take from the best prices, not at any price; nanoseconds until the next act."""
        pit, dice = self._pit, self._dice
        self._mood = 0.97 * self._mood + dice.gauss(0.0, 0.06)
        side = _SIDES[dice.random() > 0.5 + self._mood]
        contracts = min(200, 1 + int(4.0 / (1.0 - dice.random()) ** 0.8))
        reach = (1.0 + 4.0 * dice.random()) * CENT
        limit = pit.known() + (reach if side is BID else -reach)
        pit.exchange.take("noise", pit.symbol, side, contracts * ONE, int(limit))
        return wait_ns(dice, self._wait)


class InformedTaker:
    """Somebody who watches the match itself and takes what is mispriced against the truth."""

    __slots__ = ("_dice", "_edge", "_pit", "_wait")

    def __init__(self, pit: Pit, dice: Dice) -> None:
        self._pit = pit
        self._dice = dice
        self._edge = (1.0 + dice.random()) * CENT
        self._wait = 2.0 * SECOND / pit.pace

    def act(self) -> int:
        """Take whatever is better than the truth by more than its edge; nanoseconds until the next act."""
        pit = self._pit
        truth, ask, bid = pit.truth(), pit.best(ASK), pit.best(BID)
        size = (10 + int(90 * self._dice.random())) * ONE
        if ask is not None and ask < truth - self._edge:
            pit.exchange.take("informed", pit.symbol, BID, size, int(truth - self._edge))
        elif bid is not None and bid > truth + self._edge:
            pit.exchange.take("informed", pit.symbol, ASK, size, int(truth + self._edge))
        return wait_ns(self._dice, self._wait)


Trader = Crowd | Rival | NoiseTaker | InformedTaker


def crew(pit: Pit, dice: Dice, fresh: bool) -> list[Trader]:
    """Everybody who trades a symbol; they open its book if it is fresh, else take over their orders."""
    crowd = Crowd(pit, dice)
    rivals = [
        Rival(f"rival-{n}", pit, (low + (high - low) * dice.random()) * CENT, error * CENT, dice)
        for n, (low, high, error) in enumerate(_RIVALS)
    ]
    if fresh:
        crowd.gather()
        for rival in rivals:
            rival.act()
    else:
        keepers: dict[str, Crowd | Rival] = {CROWD: crowd, **{rival.name: rival for rival in rivals}}
        for order in pit.market.orders():
            if order.owner in keepers:
                keepers[order.owner].adopt(order)
    return [crowd, *rivals, NoiseTaker(pit, dice), InformedTaker(pit, dice)]
