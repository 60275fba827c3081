"""The venue from the inside: users and their cash, wagers from placing to settlement, and who is told."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from console.sandbox.prophetx.luck import Luck
from console.sandbox.prophetx.pool import Pool, Result, State, Wager, odds_ratio, profit
from console.sandbox.prophetx.programme import Fixture, LineOf, MarketOf

FOK_S = 2.0
PLACING_S = 5.0
STAKE_MAX = 100_000_000_00
UNMATCHED_MULTIPLE = 10
DELAYED_MULTIPLE = 50
COMMISSION = 2  # per cent of net winnings
NO_USER = ""


class Turned(Exception):
    """A request that is refused: HTTP status and the v4 code."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code
        self.message = message or code.replace("_", " ")


class Delays(Struct):
    """How long things take, in seconds."""

    activation: float = 0.15
    activation_spread: float = 0.15


class User:
    """An account; cash in cents. Money leaves when a wager is matched."""

    def __init__(self, user_id: str, cash: int) -> None:
        self.user_id = user_id
        self.cash = cash
        self.externals: dict[str, Wager] = {}
        self.live: dict[str, Wager] = {}  # something of them may still be matched
        self.transactions: list[dict[str, object]] = []

    @property
    def unmatched(self) -> int:
        """Cents at stake of what may still be matched."""
        return sum(w.open for w in self.live.values())

    @property
    def matched(self) -> int:
        """Cents at stake of what was matched and has not paid."""
        return sum(w.filled for w in self.externals.values() if w.state in (State.OPEN, State.SETTLED))


class Exchange:
    """Everything listed and everything bet. Listeners are told of wagers, pools, trades and fixtures."""

    def __init__(
        self,
        fixtures: Sequence[Fixture],
        ladder: Iterable[int],
        luck: Luck,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.fixtures = {fixture.event_id: fixture for fixture in fixtures}
        self.ladder = sorted(set(ladder), key=odds_ratio)
        self.luck = luck
        self.now = now
        self.delays = Delays()
        self.deducts: Callable[[], bool] = lambda: False  # money leaves when an order is placed
        self.turns_down: Callable[[], bool] = lambda: False  # an order it took, while activating it
        self.pools: dict[str, Pool] = {}
        self.sides: dict[str, tuple[Pool, int]] = {}
        self.users: dict[str, User] = {}
        self.wagers: dict[str, Wager] = {}
        self.on_wager: list[Callable[[Wager, str], None]] = []
        self.on_pool: list[Callable[[Pool], None]] = []
        self.on_trade: list[Callable[[Pool, int, int, int], None]] = []
        self.on_fixture: list[Callable[[Fixture], None]] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._turn = itertools.count(1)
        for fixture in fixtures:
            for market in fixture.markets:
                for line in market.lines:
                    self._open(fixture, market, line)

    def _open(self, fixture: Fixture, market: MarketOf, line: LineOf) -> None:
        pool = Pool(fixture, market, line, self._pool_changed)
        self.pools[line.key] = pool
        for number, side in enumerate(line.sides):
            self.sides[side.side_id] = (pool, number)

    def _pool_changed(self, pool: Pool) -> None:
        pool.sequence = max(pool.sequence + 1, int(self.now() * 1e9))
        for listener in self.on_pool:
            listener(pool)

    def user(self, user_id: str, cash: int = 0) -> User:
        """A user, new ones with so much cash."""
        if user_id not in self.users:
            self.users[user_id] = User(user_id, cash)
        return self.users[user_id]

    # ---- time

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._due, (self.now() + seconds, next(self._turn), act))

    def step(self) -> None:
        """Let everything happen that is due."""
        now = self.now()
        for fixture in self.fixtures.values():
            if fixture.status == "not_started" and now >= fixture.start:
                self.go_live(fixture)
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()

    # ---- placing

    def place(
        self, user: User, external_id: object, side_id: object, odds: object, stake: object, strategy: object
    ) -> Wager:
        """Take a wager; it is inactive until its activation. Raises Turned."""
        if not isinstance(external_id, str) or not 0 < len(external_id) <= 100:
            raise Turned(400, "invalid_external_id")
        if external_id in user.externals:
            said = "given user id already has order with the same external id"
            raise Turned(400, "order_external_id_existed", said)
        if not isinstance(side_id, str) or side_id not in self.sides:
            raise Turned(400, "invalid_strike_id")
        if not isinstance(odds, int) or odds not in self.ladder:
            raise Turned(400, "invalid_price", "invalid price")
        cents = _cents(stake)
        if cents > STAKE_MAX:
            raise Turned(400, "order_quantity_exceeds_max")
        if profit(cents, odds) < 1:
            raise Turned(400, "order_invalid_profit")
        if strategy not in (None, "ALO", "fillOrKill"):
            raise Turned(400, "invalid_param", "invalid strategy")
        pool, side = self.sides[side_id]
        if not pool.fixture.listed or pool.fixture.status not in ("not_started", "live"):
            raise Turned(400, "event_not_available")
        if pool.market.status != "active":
            raise Turned(400, "event_not_available", "market is not active")
        self._affords(user, cents)
        wager = self._wager(user, external_id, pool, side, odds, cents)
        wager.add_only = strategy == "ALO"
        delay = self.delays.activation + self.luck.between(0.0, self.delays.activation_spread)
        if pool.fixture.status == "live":
            delay = PLACING_S
        self.after(delay, lambda: self._activate(wager, fill_or_kill=strategy == "fillOrKill"))
        return wager

    def balance(self, user: User) -> int:
        """Cents he has; money leaves on the match, unless it does on the placing."""
        return user.cash - (user.unmatched if self.deducts() else 0)

    def _affords(self, user: User, cents: int) -> None:
        if self.deducts() and cents > self.balance(user):
            raise Turned(403, "insufficient_amount", "insufficient amount")
        if user.unmatched > DELAYED_MULTIPLE * user.cash:
            raise Turned(429, "too_many_delayed_requests")
        if user.unmatched + cents > UNMATCHED_MULTIPLE * user.cash:
            raise Turned(403, "insufficient_amount", "insufficient amount")

    def _wager(self, user: User, external_id: str, pool: Pool, side: int, odds: int, cents: int) -> Wager:
        number = next(self._turn)
        digits = self.luck.digits(20)
        wager_id = f"{number:08x}-{digits[:4]}-7{digits[4:7]}-8{digits[7:10]}-{digits[:12]}"
        wager = Wager(number, wager_id, user.user_id, external_id, pool, side, odds, cents)
        wager.created = wager.changed = self.now()
        if external_id:  # the crowd's are nobody's to ask about
            self.wagers[wager_id] = user.live[wager_id] = user.externals[external_id] = wager
        return wager

    def _activate(self, wager: Wager, fill_or_kill: bool) -> None:
        if wager.state is not State.INACTIVE:
            return
        if self.turns_down() or self.user(wager.user).cash < 0:
            self._end(wager, State.INVALID)
            return
        fixture = wager.pool.fixture
        if (
            wager.pool.market.status != "active"
            or not fixture.listed
            or fixture.status
            not in (
                "not_started",
                "live",
            )
        ):
            self._end(wager, State.WIPED)
            return
        if wager.add_only and wager.pool.crosses(wager.side, wager.odds) is not None:
            self._end(wager, State.CANCELED)
            return
        wager.state = State.OPEN
        self._told(wager, "status")
        self._take(wager)
        if wager.open and fill_or_kill:
            self.after(FOK_S, lambda: self.cut(wager))
        if wager.open:
            wager.pool.add(wager)

    def _take(self, wager: Wager) -> None:
        """Trade against those resting on the other side, at their prices."""
        while wager.open:
            maker = wager.pool.crosses(wager.side, wager.odds)
            if maker is None:
                return
            before = wager.filled
            if not wager.pool.match(maker, wager):
                wager.stake = wager.filled or wager.stake  # a remainder of less than a cent's worth
                return
            self._booked(maker, maker.latest)
            self._booked(wager, wager.filled - before)
            for listener in self.on_trade:
                listener(wager.pool, wager.side, wager.fill_odds, wager.latest)

    def take(self, side_id: str, risk: int) -> int:
        """Somebody of the crowd takes the best that a side is offered, up to `risk` cents; his stake."""
        pool, side = self.sides[side_id]
        first = next(pool.makers(1 - side), None)
        if first is None or pool.market.status != "active":
            return 0
        odds = 100 if abs(first.odds) == 100 else -first.odds
        taker = self._wager(self.user(NO_USER, 10**12), "", pool, side, odds, risk)
        taker.state = State.OPEN
        self._take(taker)
        taker.stake = taker.filled
        return taker.filled

    def rest(self, user_id: str, side_id: str, odds: int, cents: int) -> Wager:
        """A wager of the crowd, on the book at once; what crosses trades first."""
        pool, side = self.sides[side_id]
        wager = self._wager(self.user(user_id, 10**12), "", pool, side, odds, cents)
        wager.state = State.OPEN
        self._take(wager)
        if wager.open:
            pool.add(wager)
        return wager

    # ---- cancelling

    def cancel(self, wager: Wager) -> None:
        """Take what is left of a wager out; raises Turned."""
        if wager.state is State.INACTIVE:
            if wager.pool.fixture.status == "live":
                said = "cannot cancel a placing order, please try again later"
                raise Turned(409, "order_is_placing", said)
            self._end(wager, State.CANCELED)
            return
        if wager.state is State.CANCELED or (wager.state is State.OPEN and wager.stake == wager.filled):
            filled = wager.filled and wager.state is State.OPEN
            raise Turned(400, "order_already_filled" if filled else "order_already_cancelled")
        if wager.state is not State.OPEN:
            raise Turned(400, "order_is_invalid")
        self.cut(wager)

    def cut(self, wager: Wager) -> None:
        """Take the rest out: untouched it is cancelled, part-matched it shrinks and stays open."""
        if not wager.resting:
            return
        wager.pool.remove(wager)
        if wager.filled:
            wager.stake = wager.filled
            wager.latest = 0
            self._told(wager, "status")
        else:
            self._end(wager, State.CANCELED)

    def cancel_many(self, wagers: Iterable[Wager]) -> int:
        """Whatever of these is on the book; what waits for its activation survives. Returns how many."""
        resting = [wager for wager in wagers if wager.resting]
        for wager in resting:
            self.cut(wager)
        return len(resting)

    def _end(self, wager: Wager, state: State) -> None:
        wager.state = state
        self._told(wager, "status")

    def _told(self, wager: Wager, kind: str) -> None:
        wager.changed = self.now()
        if not wager.open:
            self.user(wager.user).live.pop(wager.wager_id, None)
        for listener in self.on_wager:
            listener(wager, kind)

    def _booked(self, wager: Wager, cents: int) -> None:
        self.user(wager.user).cash -= cents
        self._told(wager, "matching")

    # ---- the course of a game

    def go_live(self, fixture: Fixture) -> None:
        """It begins: everything bet before is wiped."""
        fixture.status = "live"
        for pool in self._pools_of(fixture):
            for wager in pool.all():
                pool.remove(wager)
                if wager.filled:
                    wager.stake = wager.filled
                    self._told(wager, "status")
                else:
                    self._end(wager, State.WIPED)
        for listener in self.on_fixture:
            listener(fixture)

    def settle(self, event_id: int, home_wins: bool | None) -> None:
        """It is over: the first side of every line wins or loses; None is a push: stakes come back."""
        fixture = self.fixtures[event_id]
        if fixture.status == "not_started":
            self.go_live(fixture)
        fixture.status = "finished"
        for wager in list(self.wagers.values()):
            if wager.pool.fixture is fixture and wager.filled and wager.state is State.OPEN:
                self._pay(wager, None if home_wins is None else home_wins is (wager.side == 0))
        for listener in self.on_fixture:
            listener(fixture)

    def void(self, event_id: int) -> None:
        """The venue takes every bet of a game back."""
        fixture = self.fixtures[event_id]
        self.go_live(fixture)
        fixture.status = "finished"
        for wager in list(self.wagers.values()):
            if wager.pool.fixture is fixture and wager.filled and wager.state is State.OPEN:
                self._credit(wager, wager.filled, "VOID")
                self._end(wager, State.VOID)

    def _pay(self, wager: Wager, won: bool | None) -> None:
        if won is None:
            wager.result = Result.PUSH
            self._credit(wager, wager.filled, "PUSH")
        elif won:
            wager.result = Result.WON
            fee = (wager.winnings * COMMISSION + 50) // 100
            self._credit(wager, wager.filled + wager.winnings, "PAY")
            self._credit(wager, -fee, "COMMISSION")
            wager.state = State.SETTLED
            self._told(wager, "status")
        else:
            wager.result = Result.LOST
        self._end(wager, State.CLOSED)

    def _credit(self, wager: Wager, cents: int, kind: str) -> None:
        self.pay(self.user(wager.user), cents, kind, wager.wager_id)

    def pay(self, user: User, cents: int, kind: str, trade_id: str = "") -> None:
        """Move cash in, or out where it is negative; the movement is listed."""
        user.cash += cents
        if user.user_id:
            entry: dict[str, object] = {"transaction_type": kind, "cents": cents, "trade_id": trade_id}
            user.transactions.append(entry)

    def _pools_of(self, fixture: Fixture) -> list[Pool]:
        return [self.pools[line.key] for market in fixture.markets for line in market.lines]


def _cents(stake: object) -> int:
    """Dollars of a request as cents; raises Turned."""
    if isinstance(stake, bool) or not isinstance(stake, int | float):
        raise Turned(400, "invalid_quantity")
    cents = round(stake * 100)
    if cents <= 0 or abs(cents - stake * 100) > 1e-6:
        raise Turned(400, "invalid_quantity", "stakes are whole cents")
    return cents
