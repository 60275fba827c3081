"""Our positions and cash counted a second time, from fills and settlements alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from console.core.events import OrderFilled, Settled
from console.core.fees import QUADRATIC, FeeKind, FeeModel
from console.core.instruments import (
    BUY,
    NO,
    YES,
    Action,
    Instrument,
    InstrumentSpec,
    TradeId,
    Venue,
    VoidRule,
)
from console.core.matches import MatchId
from console.core.positions import DRAWN
from console.core.units import ONE, ceil_div


class Account:
    """What was traded of one symbol for one match: contracts, cash and what is still due.

    `net` below 0 means NO contracts held; `cash` is counted as if each of them were a YES sold short, so
    that $1 of it is still to be paid when YES wins.
    """

    __slots__ = ("cash", "commission", "net", "paid", "settled")

    def __init__(self) -> None:
        self.net = 0
        self.cash = 0  # received less paid, fees included
        self.paid = 0  # for purchases, where stakes are refunded
        self.commission = 0  # due if YES pays
        self.settled = False

    def fill(self, fill: OrderFilled, fees: FeeModel) -> None:
        """Count a fill."""
        bought, dollar = fill.action is BUY, 0
        if fill.instrument.side is NO:
            dollar = fill.size if bought else -fill.size
        self.net += fill.size if bought is (fill.instrument.side is YES) else -fill.size
        self.cash += dollar - fill.fee + (-fill.cost if bought else fill.cost)
        self.paid += fill.cost if bought else 0
        if fees.kind is FeeKind.WINNINGS and bought:
            self.commission += ceil_div(fees.maker_rate * (fill.size - fill.cost), ONE)

    def settle(self, payout: int, refund: bool) -> None:
        """Count what the symbol paid."""
        if refund:
            self.cash += self.paid
        else:
            self.cash += self.net * payout // ONE - ceil_div(self.commission * payout, ONE)
        self.net = self.paid = self.commission = 0
        self.settled = True

    @property
    def at_venue(self) -> int:
        """By how much the venue's balance has moved: a NO held has cost the rest of its dollar."""
        return self.cash - max(0, -self.net)


Key = tuple[MatchId, Instrument]
Trade = tuple[Venue, TradeId]
# (turn of the event it came with, match, fact); no fact: the match was removed
_Entry = tuple[int, MatchId, OrderFilled | Settled | None]


class Ledger:
    """Every fill the engine has been told, once by its trade id, by match and symbol (YES leg)."""

    def __init__(self, spec_of: Callable[[Instrument], InstrumentSpec]) -> None:
        self.accounts: dict[Key, Account] = {}
        self.trades: dict[Trade, OrderFilled] = {}  # those that stand
        self.undone: dict[Trade, int] = {}  # those that failed, by the turn that told so
        self.retired = 0  # cash of matches removed
        self._spec_of = spec_of
        self._entries: list[_Entry] = []
        self._seen: set[Trade] = set()

    def fill(self, turn: int, match: MatchId, fill: OrderFilled) -> bool:
        """Count a fill told by event number `turn`; False when it is known, or known to have failed."""
        key = (fill.instrument.venue, fill.trade_id)
        if key in self._seen:
            return False
        self._entries.append((turn, match, fill))
        return self._count(match, fill)

    def settle(self, turn: int, match: MatchId, event: Settled) -> None:
        """Count a settlement told by event number `turn`, once; again only for fills told after it."""
        account = self._account(match, event.instrument)
        if not account.settled or account.net:
            self._entries.append((turn, match, event))
            account.settle(event.payout, event.refund)

    def reverse(self, turn: int, trade: Trade) -> MatchId | None:
        """A fill failed, told by event number `turn`; returns the match that had counted it."""
        if trade in self.undone:
            return None
        self.undone[trade] = turn
        if trade not in self.trades:
            return None
        fills = ((match, fact) for _, match, fact in self._entries if isinstance(fact, OrderFilled))
        match = next(match for match, fill in fills if _key(fill) == trade)
        self._recount()
        return match

    def drop(self, turn: int, match: MatchId) -> None:
        """Forget a match that event number `turn` removed, but not its trades."""
        self._entries.append((turn, match, None))
        self._retire(match)

    def forget(self, turns: Iterable[int]) -> None:
        """A crash lost the records of these events: count again without them."""
        lost = set(turns)
        kept = [entry for entry in self._entries if entry[0] not in lost]
        undone = {trade: turn for trade, turn in self.undone.items() if turn not in lost}
        if len(kept) == len(self._entries) and len(undone) == len(self.undone):
            return
        self._entries, self.undone = kept, undone
        self._recount()

    def _recount(self) -> None:
        self.accounts, self.trades, self.retired, self._seen = {}, {}, 0, set()
        for _, match, fact in self._entries:
            if fact is None:
                self._retire(match)
            elif isinstance(fact, OrderFilled):
                self._count(match, fact)
            else:
                self._account(match, fact.instrument).settle(fact.payout, fact.refund)

    def _count(self, match: MatchId, fill: OrderFilled) -> bool:
        key = _key(fill)
        self._seen.add(key)
        if key in self.undone:
            return False
        self.trades[key] = fill
        self._account(match, fill.instrument.yes).fill(fill, self._spec_of(fill.instrument.yes).fees)
        return True

    def _retire(self, match: MatchId) -> None:
        gone = [key for key in self.accounts if key[0] == match]
        self.retired += sum(self.accounts.pop(key).cash for key in gone)

    def of_match(self, match: MatchId) -> dict[Instrument, Account]:
        """Accounts of one match by symbol."""
        return {instrument: account for (m, instrument), account in self.accounts.items() if m == match}

    def _account(self, match: MatchId, instrument: Instrument) -> Account:
        account = self.accounts.get((match, instrument))
        if account is None:
            account = self.accounts[match, instrument] = Account()
        return account


# ---- the worst case, branch by branch


class Leg:
    """An order as the worst case sees it: every version (price, contracts) that may be resting.

    `takes`: it pays the fee of a taker.
    """

    __slots__ = ("action", "instrument", "takes", "versions")

    def __init__(
        self,
        instrument: Instrument,
        action: Action,
        versions: Iterable[tuple[int, int]],
        takes: bool = False,
    ) -> None:
        self.instrument = instrument
        self.action = action
        self.versions = tuple(versions)
        self.takes = takes


def worst_case(
    outcomes: int,
    may_none: bool,
    pays: dict[Instrument, int],
    specs: dict[Instrument, InstrumentSpec],
    accounts: dict[Instrument, Account],
    legs: Iterable[Leg],
    fair: dict[int, int] | None,
) -> int:
    """Most that can be lost on symbols that net against each other, every order filled as badly as can be.

    Branches: each outcome, none of them, and (where `fair` is known) void. Every order is taken to fill
    exactly where that hurts.
    """
    totals = [0] * (outcomes + may_none + (fair is not None))
    worth: dict[Instrument, list[int | None]] = {}
    for instrument, account in accounts.items():
        payouts = _payouts(specs[instrument], pays[instrument], outcomes, may_none, fair)
        worth[instrument] = payouts
        for branch, payout in enumerate(payouts):
            if payout is None:  # the stake comes back
                totals[branch] += account.cash + account.paid
            else:
                totals[branch] += account.cash + account.net * payout // ONE
                totals[branch] -= ceil_div(account.commission * payout, ONE)
    for leg in legs:
        symbol = leg.instrument.yes
        spec = specs[symbol]
        if symbol not in worth:
            worth[symbol] = _payouts(spec, pays[symbol], outcomes, may_none, fair)
        lost: dict[int | None, int] = {None: 0}  # by what the symbol pays
        for branch, payout in enumerate(worth[symbol]):
            if payout not in lost:
                assert payout is not None
                paid_out = payout if leg.instrument.side is YES else ONE - payout
                lost[payout] = _worst_fill(leg, paid_out, spec.fees)
            totals[branch] += lost[payout]
    return max(0, -min(totals))


def _payouts(
    spec: InstrumentSpec, mask: int, outcomes: int, may_none: bool, fair: dict[int, int] | None
) -> list[int | None]:
    """What a symbol pays in each branch; None where the stake comes back."""
    payouts: list[int | None] = [ONE if mask >> outcome & 1 else 0 for outcome in range(outcomes)]
    if may_none:
        payouts.append(0)
    if fair is not None:
        payouts.append(_at_void(spec, mask, outcomes, fair))
    return payouts


def _worst_fill(leg: Leg, payout: int, fees: FeeModel) -> int:
    """What the worst filling of an order adds: of one version, or of the older first and the rest after."""
    rate = fees.taker_rate if leg.takes else fees.maker_rate
    if fees.kind is not QUADRATIC:
        rate = 0  # a commission is due only where it wins, and never more than the win
    if len(leg.versions) == 1:
        ((price, size),) = leg.versions
        return _gain(leg.action, price, size, payout, rate)
    alone = min(_gain(leg.action, price, size, payout, rate) for price, size in leg.versions)
    total = filled = 0
    for price, size in leg.versions:
        total += _gain(leg.action, price, size - filled, payout, rate)
        filled = max(filled, size)
    return min(alone, total)


def _gain(action: Action, price: int, size: int, payout: int, rate: int) -> int:
    """What an order would add where it loses, 0 where it does not; `rate` is that of a quadratic fee."""
    each = payout - price if action is BUY else price - payout
    each -= ceil_div(rate * price * (ONE - price), ONE * ONE)
    return size * each // ONE if size > 0 > each else 0


def _at_void(spec: InstrumentSpec, mask: int, outcomes: int, fair: dict[int, int]) -> int | None:
    if spec.void_rule is VoidRule.REFUND:
        return None
    if spec.void_rule is VoidRule.DRAW:
        return ONE if mask & DRAWN else 0
    return ONE * mask.bit_count() // outcomes if spec.void_rule is VoidRule.HALF else fair[mask]


def _key(fill: OrderFilled) -> Trade:
    return fill.instrument.venue, fill.trade_id
