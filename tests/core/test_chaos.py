"""Random worlds: late, lost and doubled answers, jumping books and fair values, fills at any moment.

After every event: no order above its ceiling, outside the collar, across the book or off the ladder; our
own bids never lock a loss; no limit is passed; fills are counted once; and at the end, when everything is
answered, our records are the venue's.
"""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from console.core import checkpoint, picture
from console.core.commands import AmendOrder, AnyCommand, CancelOrder, CeilingKind, PlaceOrder
from console.core.events import (
    AnyEvent,
    BookDelta,
    BookStale,
    Kill,
    OutcomeUnknown,
    Pause,
    Rearm,
    Resume,
    Trade,
    VenueDown,
    VenueUp,
)
from console.core.fees import KALSHI_MAKER, FeeKind, FeeModel, fee_per_contract
from console.core.instruments import Action, BookSide, Instrument, InstrumentSpec, VoidRule
from console.core.ladders import Band, from_american
from console.core.risk import bound_of, worst_now
from console.core.settings import AccountSettings, BackOff, MatchSettings, Placement
from console.core.units import ONE, Price, Size

from .story import PA, PB, A, B, C, K, M, P, Story, X, cents, contracts, dollars, yes_price

PC = Instrument(P, "token-c")
XA, XB, XC = (Instrument(X, f"selection-{letter}") for letter in "abc")
ALL = (A, B, C, PA, PB, PC, XA, XB, XC)
BETTING = InstrumentSpec(
    prices=from_american("odds", (*range(-2_000, -100, 4), *range(100, 2_001, 4))).prices,
    fees=FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000),
    void_rule=VoidRule.REFUND,
    sellable=False,
)
DIRECT = FeeModel(maker_rate=KALSHI_MAKER, unit=100)
LIMITS = AccountSettings(
    exposure_total=dollars(40),
    exposure_venue=dollars(35),
    daily_loss=dollars(10_000),
    drawdown=None,
    open_orders=30,
)


class Chaos:
    """One seeded world around an engine."""

    def __init__(self, seed: int) -> None:
        self.dice = dice = random.Random(seed)
        self.outcomes = dice.choice([2, 2, 3])
        self.story = Story(K, P, X, account=LIMITS)
        self.settings = self._settings()
        bets = (XA, XB, XC)[: self.outcomes]
        names = ("home", "away", "draw")[: self.outcomes]
        kalshi, poly = (A, B, C)[: self.outcomes], (PA, PB, PC)[: self.outcomes]
        pays = {i: (n,) for n, i in enumerate(kalshi)}
        if dice.random() < 0.6:
            pays |= {i: (n,) for n, i in enumerate(poly)}
        if dice.random() < 0.3:
            pays |= {i: (n,) for n, i in enumerate(bets)}
        step = dice.choice([1_000, 10_000])
        spec = InstrumentSpec(
            bands=(Band(0, ONE, step),),
            fees=dice.choice([FeeModel(), DIRECT]),
            two_sided=True,
            amendable=dice.random() < 0.7,
        )
        plain = InstrumentSpec(bands=(Band(0, ONE, 10_000),))
        self.specs = {i: {K: spec, P: plain, X: BETTING}[i.venue] for i in pays}
        self.story.up()
        self.story.add(
            pays=pays, names=names, settings=self.settings, specs=self.specs, may_none=dice.random() < 0.5
        )
        self.chances = [1.0 / self.outcomes] * self.outcomes
        self.fair()
        for instrument in pays:
            self.move_book(instrument)
        self.instruments = list(pays)
        self.fees = {i: s.fees for i, s in self.specs.items()}
        self.killed = False
        self.one_sided = dice.random() < 0.4

    def _settings(self) -> MatchSettings:
        dice = self.dice
        return MatchSettings(
            placement=dice.choice([Placement.TOP, Placement.TOP, Placement.CEILING]),
            levels=dice.choice([1, 1, 2]),
            no_legs=dice.random() < 0.3,
            back_off=dice.choice(list(BackOff)),
            edge_min=cents(dice.choice([0, 1, 2])),
            contracts=contracts(dice.choice([1, 10, 25])),
            inventory_max=contracts(dice.choice([25, 50])),
            max_position=contracts(60),
            order_size_max=contracts(30),
            exposure_match=dollars(dice.choice([10, 30])),
            exposure_event=dollars(30),
            max_loss_match=dollars(10_000),
            rebalance_over_fair_max=cents(dice.choice([2, 99])),
            requote_threshold=cents(dice.choice([0, 0, 3])),
            rest_min_ms=dice.choice([0, 0, 2_000]),
            retest_s=dice.choice([5, 30]),
            warm_up_s=1,
            shock_score=1_000.0,
            repeated_fills=dice.choice([6, 1_000]),
            depth_share_pct=dice.choice([None, None, 25]),
        )

    # ---- what happens

    def fair(self) -> None:
        dice = self.dice
        moved = [max(0.03, p + dice.uniform(-0.03, 0.03)) for p in self.chances]
        self.chances = [p / sum(moved) for p in moved]
        self.story.fair(*self.chances)

    def chance(self, instrument: Instrument) -> float:
        return self.chances[ALL.index(instrument) % 3]

    def move_book(self, instrument: Instrument) -> None:
        dice = self.dice
        middle = round(100 * self.chance(instrument)) + dice.randint(-3, 3)
        spread = dice.randint(1, 6)
        ladder = self.specs[instrument].ladder()
        bids: dict[float, float] = {}
        asks: dict[float, float] = {}
        for n in range(3):
            low, high = ladder.down(cents(middle - spread - n)), ladder.up(cents(middle + spread + n))
            if low is not None and high is not None:
                bids[low / 10_000], asks[high / 10_000] = dice.randint(1, 60), dice.randint(1, 60)
        if dice.random() < 0.05:
            bids, asks = dice.choice([({}, asks), (bids, {}), ({}, {})])
        self.story.book(instrument, bids, asks)

    def nudge_book(self, instrument: Instrument) -> None:
        books = self.story.clerks[instrument.venue].books
        side = self.dice.choice([BookSide.BID, BookSide.ASK])
        levels = books[instrument][0 if side is BookSide.BID else 1]
        if levels:
            price = self.dice.choice(list(levels))
            change = self.dice.choice([-levels[price], contracts(3)])
            levels[price] += change
            self.story.tell(
                BookDelta(instrument=instrument, side=side, price=Price(price), change=Size(change))
            )

    def fill(self) -> None:
        clerk = self.story.clerks[self.dice.choice([K, P, X])]
        if clerk.orders:
            order_id = self.dice.choice(list(clerk.orders))
            if self.one_sided:  # somebody keeps selling the same outcome to us
                desk = self.story.state.desks[M]
                gains = {
                    i: desk.keys[o.place.instrument, o.place.action].gained for i, o in clerk.orders.items()
                }
                order_id = min(gains, key=lambda i: gains[i])
            left = clerk.orders[order_id].left
            size = left if self.dice.random() < 0.5 else max(ONE, left // 2 // ONE * ONE)
            resting = clerk.orders[order_id]
            fee = fee_per_contract(self.fees[resting.place.instrument.yes], resting.price, 0) * size // ONE
            for event in clerk.fill(order_id, min(left, size), fee):
                self.deliver(event)

    def deliver(self, event: AnyEvent) -> None:
        """A message arrives, sometimes twice."""
        self.story.tell(event)
        if self.dice.random() < 0.1 and not isinstance(event, BookDelta):
            self.story.tell(event)

    def answer_some(self) -> None:
        """Answers come for most requests; some are lost on the way out, some on the way back."""
        waiting = self.story.unanswered
        for _ in range(self.dice.randint(0, len(waiting))):
            command = waiting.popleft()
            instrument = getattr(command, "instrument", None)
            venue = getattr(command, "venue", None) or (instrument.venue if instrument else None)
            if venue is None:
                continue
            lost = self.dice.random()
            if lost < 0.04 and isinstance(command, PlaceOrder | CancelOrder):
                self.deliver(OutcomeUnknown(order_id=command.order_id))
                continue
            events = self.story.clerks[venue].answer(command)
            if lost < 0.08 and isinstance(command, PlaceOrder):
                continue  # taken, but nobody hears of it
            for event in events:
                self.deliver(event)

    def step(self) -> None:
        story, dice = self.story, self.dice
        instrument = dice.choice(self.instruments)
        match dice.randint(0, 19):
            case 0 | 1 | 2:
                self.move_book(instrument)
            case 3 | 4:
                self.nudge_book(instrument)
            case 5 | 6:
                self.fair()
            case 7 | 8 | 9 | 10:
                self.fill()
            case 11 if dice.random() < 0.3:
                story.tell(BookStale(instrument=instrument, why="gap"))
            case 12 if dice.random() < 0.2:
                story.tell(VenueDown(venue=instrument.venue, why="gone"))
            case 13:
                if not story.state.connections[instrument.venue].up:
                    story.tell(VenueUp(venue=instrument.venue))
            case 14 if dice.random() < 0.2:
                story.tell(Pause(match=M))
            case 15:
                story.tell(Resume(match=M))
            case 16 if dice.random() < 0.05:
                story.tell(Kill(by="chaos"))
                self.killed = True
            case 17 if self.killed:
                story.tell(Rearm(word="RESUME", reason="chaos"))
                self.killed = False
            case 18:
                taker = dice.choice([BookSide.BID, BookSide.ASK])
                story.tell(
                    Trade(instrument=instrument, price=Price(500_000), size=contracts(30), taker=taker)
                )
            case _:
                pass
        self.answer_some()
        story.wait(dice.choice([0.1, 0.1, 0.3, 1.0]))

    # ---- what must always hold

    def check_command(self, command: AnyCommand) -> None:
        if not isinstance(command, PlaceOrder | AmendOrder):
            return
        bought = command.action is Action.BUY
        spec = self.specs[command.instrument.yes]
        assert yes_price(command.instrument, command.price) in spec.ladder()
        within = command.price <= command.ceiling if bought else command.price >= command.ceiling
        assert within, f"{command} is beyond its ceiling"
        bid = command.price if bought else ONE - command.price
        basis = command.basis
        assert bid <= basis.fair + self.settings.collar, f"{command} is outside the collar"
        if command.ceiling_kind is CeilingKind.QUOTE:
            assert bid + basis.fee <= basis.fair_lo - basis.edge, f"{command} leaves less than its edge"
        else:
            assert bid <= max(basis.breakeven, basis.fair_lo - basis.edge - basis.fee)
        assert self.settings.edge_floor <= basis.edge
        order = self.story.state.blotter.orders[command.order_id]
        assert command.size - (order.filled if isinstance(command, AmendOrder) else 0) >= ONE

    def check_state(self) -> None:
        state = self.story.state
        desk = state.desks[M]
        blotter = state.blotter
        assert len(blotter.live) <= LIMITS.open_orders
        for order in blotter.live.values():
            assert not order.ended
            assert order.remaining >= 0
        self.check_own_bids()
        worst = worst_now(desk, blotter)
        assert worst <= bound_of(desk, blotter), f"{worst} could be lost, and the bound says less"
        assert worst <= self.most_lost(), f"{worst} could be lost"
        checkpoint.decode(checkpoint.encode(state))

    def check_own_bids(self) -> None:
        """Bids of ours that together pay the same whatever happens cost less than that, fees in."""
        desk = self.story.state.desks[M]
        best: dict[int, int] = {}
        for order in self.story.state.blotter.of_match(M):
            route = desk.keys[order.instrument, order.action]
            for price, left in order.versions():
                if left:
                    bid = route.price_of(price)
                    cost = bid + fee_per_contract(self.fees[order.instrument.yes], bid, 0)
                    best[route.gained] = max(best.get(route.gained, 0), cost)
        for count in range(2, len(best) + 1):
            for masks in combinations(best, count):
                paid = {sum(m >> o & 1 for m in masks) for o in range(self.outcomes)}
                if len(paid) == 1:
                    assert sum(best[m] for m in masks) <= paid.pop() * ONE - 1_000

    def most_lost(self) -> int:
        """The limit, or what moved marks made of a worst case that was inside it when orders left."""
        return self.settings.exposure_match


@pytest.mark.parametrize("seed", range(24))
def test_in_any_world_the_rules_hold_and_the_records_agree_at_the_end(seed: int) -> None:
    world = Chaos(seed)
    story = world.story
    story.answering = False
    told = 0
    for _ in range(120):
        world.step()
        for command in story.sent[told:]:
            world.check_command(command)
        told = len(story.sent)
        world.check_state()
    # calm: everything is answered, nothing happens any more
    story.answering = True
    if world.killed:
        story.tell(Rearm(word="RESUME", reason="calm"))
    for venue in (K, P, X):
        if not story.state.connections[venue].up:
            story.tell(VenueUp(venue=venue))
    story.tell(Pause())
    story.answer()
    for clerk in story.clerks.values():
        for filled in clerk.fills:
            story.tell(filled)  # nothing is counted twice
    story.wait(60)
    assert story.resting() == 0
    assert not story.state.blotter.live
    held: dict[Instrument, int] = {}
    for position in story.state.desks[M].groups():
        held |= {i: h.net for i, h in position.holdings.items() if h.net}
    listed = {i: net for clerk in story.clerks.values() for i, net in clerk.positions.items() if net}
    assert held == listed
    assert not any(connection.mismatch for connection in story.state.connections.values())
    assert story.state.fills == sum(len(clerk.fills) for clerk in story.clerks.values())
    assert picture.view(story.state, M).orders_open == 0
