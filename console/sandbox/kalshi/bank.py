"""Money by shard: each stands alone, though the exchange behind knows only one purse."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from console.core.events import OrderFilled
from console.core.instruments import Action
from console.core.units import CENT, ONE
from console.sandbox.floor import Floor
from console.sandbox.kalshi.catalogue import shard_of
from console.sandbox.kalshi.errors import ApiError
from console.sandbox.kalshi.spelling import Json, money
from console.sim.orders import OwnOrder

CENTI_CENT: Final = 100  # millionths of a dollar


class Bank:
    """Cash of each shard and what every position cost."""

    def __init__(self, floor: Floor, funded: bool) -> None:
        """Half of the cash lies on shard 3, unless it is left without any."""
        self._account = floor.exchange.account
        total = self._account.money.cash
        self.cash: dict[int, int] = {0: total // 2, 3: total - total // 2} if funded else {0: total}
        self.nets: dict[str, int] = defaultdict(int)
        self.costs: dict[str, int] = defaultdict(int)  # of what is held
        self.fees: dict[str, int] = defaultdict(int)
        self.traded: dict[str, int] = defaultdict(int)
        self.realized: dict[str, int] = defaultdict(int)

    def free(self, shard: int) -> int:
        """Cash of a shard that no resting order ties up; raises ApiError for one never funded."""
        if shard not in self.cash:
            raise ApiError(404, "user_not_found")
        return self.cash[shard] - sum(
            self._account.locked_on(symbol) for symbol in self._symbols() if shard_of(symbol) == shard
        )

    def afford(self, order: OwnOrder, instead_of: OwnOrder | None = None) -> None:
        """Raise ApiError unless the order's own shard can pay for it."""
        symbol = order.instrument.symbol
        more = self._account.lock_with(order, instead_of) - self._account.locked_on(symbol)
        if more > self.free(shard_of(symbol)):
            raise ApiError(400, "insufficient_balance")

    def filled(self, fill: OrderFilled) -> None:
        """Move the money of a fill, told in terms of YES."""
        symbol, buys = fill.instrument.symbol, fill.action is Action.BUY
        before = self.nets[symbol]
        after = before + (fill.size if buys else -fill.size)
        paid = fill.cost if buys else -fill.cost
        escrow = max(0, -after) - max(0, -before)  # a pair pays its dollar at once
        self.cash[shard_of(symbol)] -= paid + escrow + fill.fee
        self.nets[symbol] = after
        self.fees[symbol] += fill.fee
        self.traded[symbol] += fill.cost
        self._carry(symbol, before, after, fill.price)

    def _carry(self, symbol: str, before: int, after: int, price: int) -> None:
        """Cost of what is held: more of it adds, less of it leaves at the average and is realised."""
        long = before > 0 or (before == 0 and after > 0)
        each = price if long else ONE - price
        if before * after >= 0 and abs(after) >= abs(before):
            self.costs[symbol] += (abs(after) - abs(before)) * each // ONE
            return
        closed = min(abs(before), abs(after - before))
        gone = self.costs[symbol] * closed // max(1, abs(before))
        self.realized[symbol] += closed * each // ONE - gone
        self.costs[symbol] -= gone
        if before * after < 0:
            self.costs[symbol] = abs(after) * (ONE - each) // ONE

    def settled(self, symbol: str, payout: int) -> Json | None:
        """Pay a market out; what the list of settlements says of it, None when nothing was held."""
        net = self.nets.pop(symbol, 0)
        if net:
            self.cash[shard_of(symbol)] += max(0, -net) + net * payout // ONE
        if not self.traded[symbol]:
            return None
        won = net * payout // ONE if net > 0 else -net * (ONE - payout) // ONE
        yes, no = max(0, net), max(0, -net)
        return {
            "yes_count_fp": f"{yes / ONE:.2f}",
            "yes_total_cost_dollars": money(self.costs[symbol] if yes else 0),
            "no_count_fp": f"{no / ONE:.2f}",
            "no_total_cost_dollars": money(self.costs[symbol] if no else 0),
            "revenue": won // CENT,
            "fee_cost": money(self.fees[symbol]),
            "value": payout // CENT,
        }

    def move(self, amount_centi_cents: int, source: int, target: int) -> None:
        """Transfer collateral between shards; raises ApiError."""
        amount = amount_centi_cents * CENTI_CENT
        if amount <= 0 or amount > self.free(source):
            raise ApiError(400, "insufficient_balance")
        self.cash[source] -= amount
        self.cash[target] = self.cash.get(target, 0) + amount

    def balances(self) -> dict[int, int]:
        """Free cash by shard."""
        return {shard: self.free(shard) for shard in self.cash}

    def defect(self) -> str:
        """Say how the shards together differ from the purse behind them, empty when they do not."""
        lost = self._account.money.cash - sum(self.cash.values())
        return f"{lost} millionths of a dollar differ" if lost else ""

    def _symbols(self) -> set[str]:
        return {order.instrument.symbol for order in self._account.open.values()}
