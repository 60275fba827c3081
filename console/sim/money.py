"""Cash and contracts of ours at a pretended venue, in double entry to the millionth.

Cash is kept as a venue pays it: a YES and a NO of one symbol held together turn into $1 at once, so a net
short position has $1 a contract in escrow. `others` and `house` hold what everybody else and the venue
gained: together with cash and escrow they are always what was paid in.
"""

from __future__ import annotations

from msgspec import Struct

from console.core.events import OrderFilled
from console.core.fees import commission_of
from console.core.instruments import BID, BUY, NO, Action, Instrument, book_side
from console.core.units import ONE, ceil_div
from console.sim.orders import OwnOrder


class Money(Struct):
    """One venue's ledger of us."""

    cash: int = 0
    fees: int = 0
    others: int = 0
    house: int = 0
    paid_in: int = 0
    positions: dict[str, int] = {}  # net contracts by symbol, NO held negative
    commissions: dict[str, int] = {}  # due if the symbol's YES pays
    stakes: dict[str, int] = {}  # cash paid for what is held where the venue refunds a void

    def pay_in(self, amount: int) -> None:
        """Move cash into the account (out of it, if negative)."""
        self.cash += amount
        self.paid_in += amount

    def fill(self, order: OwnOrder, size: int, cost: int, fee: int) -> None:
        """Book a fill of ours; `cost` is the cash it moved without the fee."""
        long = order.side is BID
        self._moved(order.instrument, order.action, size, cost, fee, long)
        if not order.spec.two_sided and long:
            symbol = order.instrument.symbol
            self.stakes[symbol] = self.stakes.get(symbol, 0) + cost
            commission = commission_of(order.spec.fees, size, cost)
            self.commissions[symbol] = self.commissions.get(symbol, 0) + commission

    def undo(self, fill: OrderFilled) -> None:
        """A fill failed to settle: it never happened."""
        symbol, long = fill.instrument.symbol, book_side(fill.instrument.side, fill.action) is BID
        self._moved(fill.instrument, fill.action, -fill.size, -fill.cost, -fill.fee, long)
        if long and symbol in self.stakes:
            self.stakes[symbol] -= fill.cost

    def _moved(
        self, instrument: Instrument, action: Action, size: int, cost: int, fee: int, long: bool
    ) -> None:
        """Contracts against cash; all three are negative where it is taken back."""
        symbol = instrument.symbol
        paid = cost if action is BUY else -cost
        if instrument.side is NO:  # as if YES had been traded the other way
            paid += size if long else -size
        before = self.positions.get(symbol, 0)
        after = self.positions[symbol] = before + (size if long else -size)
        self.cash -= paid + max(0, -after) - max(0, -before) + fee
        self.others += paid
        self.house += fee
        self.fees += fee

    def take_fee(self, amount: int) -> None:
        """Book a fee somebody else was charged."""
        self.others -= amount
        self.house += amount

    def settle(self, symbol: str, payout: int, refund: bool = False) -> None:
        """Pay `payout` millionths per YES contract less the commission on what is won, or the stakes back."""
        net, stake = self.positions.pop(symbol, 0), self.stakes.pop(symbol, 0)
        commission = ceil_div(self.commissions.pop(symbol, 0) * payout, ONE)
        due = net * payout // ONE
        if refund:
            due, commission = stake, 0
        self.cash += max(0, -net) + due - commission
        self.others -= due
        self.house += commission
        self.fees += commission

    def imbalance(self) -> int:
        """Millionths of a dollar that appeared from nowhere: 0 unless the venue is wrong."""
        escrow = sum(max(0, -net) for net in self.positions.values())
        return self.cash + escrow + self.others + self.house - self.paid_in
