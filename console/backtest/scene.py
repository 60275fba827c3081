"""What the invariants look at: the engine's state, and everything kept apart from it to check it by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.backtest.ledger import Account, Ledger, Leg, worst_case
from console.backtest.seen import Seen
from console.backtest.standing import Standing
from console.core.commands import FLATTEN, AmendOrder, PlaceOrder
from console.core.desk import Desk
from console.core.instruments import BUY, YES, Action, ClientOrderId, Instrument, InstrumentSpec
from console.core.ladders import Ladder
from console.core.matches import MatchId, MatchSpec
from console.core.orders import Order
from console.core.state import State
from console.core.units import ONE
from console.sim.world import World


class SentOrder:
    """An order of ours as it was sent: its match, and every price it was ever to have."""

    __slots__ = ("match", "prices")

    def __init__(self, match: MatchId, price: int) -> None:
        self.match = match
        self.prices = [price]


class Scene:
    """One simulated run as its invariants see it; `state` is that of the engine now running."""

    state: State

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = Seen()
        self.standing = Standing()
        self.sent: dict[ClientOrderId, SentOrder] = {}
        self.specs: dict[Instrument, InstrumentSpec] = {
            listing.instrument: world.spec_of(listing.instrument)
            for match in world.listings
            for listing in match.listings
        }
        self.ladders: dict[Instrument, Ladder] = {i: spec.ladder() for i, spec in self.specs.items()}
        self.ledger = Ledger(self.specs.__getitem__)
        self.halted = ""  # loss halts in force since the last tick: of the account, of matches
        self.halted_matches: dict[MatchId, str] = {}
        self._paying: dict[MatchId, tuple[MatchSpec, dict[Instrument, int]]] = {}

    def run(self, state: State, seen: Seen) -> None:
        """A run began."""
        self.state = state
        self.seen = seen

    # ---- shared arithmetic

    def gained(self, desk: Desk, instrument: Instrument, action: Action) -> int:
        """The outcome set (mask) that buying or selling `instrument` makes us long."""
        mask = self.pays(desk)[instrument.yes]
        return mask if (instrument.side is YES) is (action is BUY) else desk.full ^ mask

    def pays(self, desk: Desk) -> dict[Instrument, int]:
        """Symbols of a match with the outcomes they pay on."""
        spec = desk.spec
        kept = self._paying.get(spec.id)
        if kept is None or kept[0] is not spec:
            pays = {x.instrument: sum(1 << o for o in x.pays) for x in spec.listings}
            kept = self._paying[spec.id] = (spec, pays)
        return kept[1]

    def groups(self, desk: Desk) -> Iterator[dict[Instrument, int]]:
        """Symbols of a match that net against each other, with the outcomes they pay on."""
        pays = self.pays(desk)
        if len(desk.venues) < 2 or desk.rules_confirmed:
            yield pays
            return
        for venue in desk.venues:
            yield {i: mask for i, mask in pays.items() if i.venue is venue}

    def worst(
        self,
        desk: Desk,
        accounts: dict[Instrument, Account],
        legs: Iterable[Leg],
        fair: dict[int, int] | None,
    ) -> int:
        """Worst case of a match, by branches."""
        legs = list(legs)
        none, outcomes = desk.spec.may_none, desk.outcomes
        total = 0
        for pays in self.groups(desk):
            mine = [leg for leg in legs if leg.instrument.yes in pays]
            held = {i: account for i, account in accounts.items() if i in pays}
            if mine or held:
                total += worst_case(outcomes, none, pays, self.specs, held, mine, fair)
        return total

    def payouts(self, desk: Desk, symbol: Instrument) -> Iterator[list[int]]:
        """Contracts paid in each outcome by the symbols that net with this one."""
        accounts = self.ledger.of_match(desk.spec.id)
        for pays in self.groups(desk):
            if symbol not in pays:
                continue
            held = [(pays[i], account.net) for i, account in accounts.items() if i in pays]
            yield [sum(n for mask, n in held if mask >> outcome & 1) for outcome in range(desk.outcomes)]

    def profits(self, desk: Desk) -> Iterator[list[int]]:
        """Profit in each outcome, by group of symbols that net."""
        accounts = self.ledger.of_match(desk.spec.id)
        for pays in self.groups(desk):
            held = [(pays[i], account) for i, account in accounts.items() if i in pays]
            yield [
                sum(a.cash + (a.net - a.commission if mask >> outcome & 1 else 0) for mask, a in held)
                for outcome in range(desk.outcomes)
            ]


def legs_of(orders: Iterable[Order]) -> list[Leg]:
    """Orders with every version that may be resting."""
    return [leg_of(order, order.versions()) for order in orders]


def leg_of(order: Order, versions: Iterable[tuple[int, int]]) -> Leg:
    """An order with these versions; exits pay the fee of a taker."""
    return Leg(order.instrument, order.action, versions, order.ceiling_kind is FLATTEN)


def bid_of(action: Action, price: int) -> int:
    """What a contract of what an order makes us long costs."""
    return price if action is BUY else ONE - price


def yes_price_of(instrument: Instrument, price: int) -> int:
    """Where an order on `instrument` rests in the book."""
    return price if instrument.side is YES else ONE - price


Leaving = PlaceOrder | AmendOrder
