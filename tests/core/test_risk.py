"""The last look at an order: every limit by itself, one contract over is refused or shrunk to fit."""

from __future__ import annotations

import pytest
from msgspec import structs

from console.core.commands import Basis, CeilingKind, PlaceOrder
from console.core.connection import Budget, Costs
from console.core.desk import Desk
from console.core.events import BalanceUpdate, OrderFilled
from console.core.fees import KALSHI_MAKER, NO_FEES, FeeModel
from console.core.instruments import (
    Action,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    Side,
    TradeId,
    VenueOrderId,
)
from console.core.matches import MatchId
from console.core.orders import Fact, Order
from console.core.planner import Wanted
from console.core.quoting import Edge
from console.core.reasons import Reason
from console.core.risk import Books, Verdict, allow, risked, worst_now
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import MILLISECOND, ONE, SECOND, Cash, Nanos

from .story import KALSHI, A, B, C, K, M, Story, cents, contracts, dollars, with_values

NO_A = Instrument(A.venue, A.symbol, Side.NO)
NOTHING = Books(0, 0, 0)
WIDE = MatchSettings(
    order_size_max=contracts(1_000),
    order_cash_max=dollars(10_000),
    inventory_max=contracts(1_000),
    max_position=contracts(1_000),
    exposure_match=dollars(10_000),
    exposure_event=dollars(10_000),
)
RICH = AccountSettings(exposure_venue=dollars(10_000), exposure_total=dollars(10_000))


class Gate:
    """A match nothing rests on, and the question whether an order may leave."""

    def __init__(
        self,
        settings: MatchSettings = WIDE,
        account: AccountSettings = RICH,
        outcomes: int = 2,
        specs: dict[Instrument, InstrumentSpec] | None = None,
    ) -> None:
        self.story = Story(account=account)
        self.story.up()
        pays = {instrument: (outcome,) for outcome, instrument in enumerate((A, B, C)[:outcomes])}
        self.story.add(pays=pays, names=("home", "away", "draw")[:outcomes], settings=settings, specs=specs)
        for instrument in pays:
            self.story.book(instrument, {20: 100}, {90: 100})
        self.story.fair(*((0.6, 0.4) if outcomes == 2 else (0.4, 0.3, 0.3)))
        self.placed = 0

    @property
    def desk(self) -> Desk:
        return self.story.state.desks[M]

    def wanted(
        self,
        instrument: Instrument = A,
        price: float = 45,
        size: float = 10,
        *,
        action: Action = Action.BUY,
        ceiling: float = 60,
        fair: float = 60,
    ) -> Wanted:
        route = self.desk.keys[instrument, action]
        edge = Edge(cents(fair), cents(fair), cents(fair), 0, cents(fair))
        return Wanted(
            route=route,
            level=0,
            bid=route.price_of(cents(price)),
            size=contracts(size),
            ceiling=cents(ceiling),
            kind=CeilingKind.QUOTE,
            edge=edge,
            fee=0,
            even=0,
            closes=0,
            reason=Reason.TOP,
        )

    def ask(self, wanted: Wanted, *, replaces: Order | None = None, books: Books = NOTHING) -> Verdict:
        state = self.story.state
        return allow(
            self.desk,
            wanted,
            replaces,
            state.blotter,
            state.connections[K],
            state.settings,
            lambda _: books,
            state.ts,
        )

    def rest(
        self,
        instrument: Instrument,
        price: float,
        size: float,
        action: Action = Action.BUY,
        ago_s: float = 10,
        match: MatchId = M,
    ) -> Order:
        """An order of ours in flight."""
        self.placed += 1
        state = self.story.state
        command = PlaceOrder(
            order_id=ClientOrderId(f"run1-{900 + self.placed}"),
            match=match,
            instrument=instrument,
            action=action,
            price=cents(price),
            size=contracts(size),
            ceiling=cents(price),
            ceiling_kind=CeilingKind.QUOTE,
            basis=Basis(0, 0, 0, 0, 0, ""),
        )
        order = state.blotter.placed(command, 0, Nanos(state.ts - round(ago_s * SECOND)))
        state.remeasure(self.desk)
        return order

    def hold(self, instrument: Instrument, count: float, price: float) -> None:
        position = self.desk.positions[instrument.venue]
        net = contracts(count) if instrument.side is Side.YES else -contracts(count)
        position.override(instrument.yes, net, dollars(count * price / 100))
        self.story.state.remeasure(self.desk)


def test_an_order_inside_every_limit_may_leave() -> None:
    assert Gate().ask(Gate().wanted()) == Verdict(contracts(10))


# ---- C1: order size


def test_no_order_is_larger_than_order_size_max() -> None:
    gate = Gate(with_values(WIDE, order_size_max=contracts(10)))
    assert gate.ask(gate.wanted(size=10)).size == contracts(10)
    assert gate.ask(gate.wanted(size=11)) == Verdict(contracts(10), Reason.LIMIT, "order_size_max")


def test_no_order_risks_more_than_order_cash_max() -> None:
    gate = Gate(with_values(WIDE, order_cash_max=dollars(4.5)))
    assert gate.ask(gate.wanted(size=10)).size == contracts(10)
    assert gate.ask(gate.wanted(size=11)) == Verdict(contracts(10), Reason.LIMIT, "order_cash_max")
    assert gate.ask(gate.wanted(size=11, price=46)).size == contracts(9)


def test_the_fee_is_part_of_the_cash_at_risk() -> None:
    gate = Gate(with_values(WIDE, order_cash_max=dollars(45)))
    fees = KALSHI.__class__(two_sided=True, fees=FeeModel(maker_rate=KALSHI_MAKER))
    for instrument in (A, B):
        gate.desk.markets[instrument].spec = fees
    # 45 + .0175 * .45 * .55 = 45.43 cents: 99.04 contracts
    assert gate.ask(gate.wanted(size=100)).size == contracts(99)


# ---- C2: collar


def test_nothing_leaves_above_its_ceiling() -> None:
    gate = Gate()
    assert gate.ask(gate.wanted(price=45, ceiling=45)).size == contracts(10)
    assert gate.ask(gate.wanted(price=45, ceiling=44)) == Verdict(0, Reason.LIMIT, "collar")


def test_nothing_leaves_far_through_theo_whatever_its_ceiling() -> None:
    gate = Gate()
    assert gate.ask(gate.wanted(price=45, fair=35)).size == contracts(10)
    assert gate.ask(gate.wanted(price=45, fair=34.99)) == Verdict(0, Reason.LIMIT, "collar")


def test_nothing_leaves_across_the_book() -> None:
    gate = Gate()
    gate.story.book(A, {20: 100}, {46: 1, 90: 100})
    assert gate.ask(gate.wanted(price=45)).size == contracts(10)
    assert gate.ask(gate.wanted(price=46)) == Verdict(0, Reason.LIMIT, "collar")


# ---- C3: duplicates


def test_a_second_order_at_the_same_price_waits_for_the_first() -> None:
    gate = Gate()
    gate.rest(A, 45, 10)
    assert gate.ask(gate.wanted(price=45)) == Verdict(0, Reason.WAITING)
    assert gate.ask(gate.wanted(price=44)).size == contracts(10)


def test_an_amend_in_flight_to_that_price_counts_too() -> None:
    gate = Gate()
    order = gate.rest(A, 40, 10)
    order.to_price = cents(45)
    assert gate.ask(gate.wanted(price=45)) == Verdict(0, Reason.WAITING)


def test_a_filled_order_is_replaced_not_before_the_refill_pause() -> None:
    gate = Gate()
    gate.desk.placed_at[A, Action.BUY, cents(45)] = Nanos(gate.story.ts - 249 * MILLISECOND)
    assert gate.ask(gate.wanted(price=45)) == Verdict(0, Reason.WAITING)
    gate.desk.placed_at[A, Action.BUY, cents(45)] = Nanos(gate.story.ts - 250 * MILLISECOND)
    assert gate.ask(gate.wanted(price=45)).size == contracts(10)


# ---- our own bids against each other


def test_bids_that_cover_every_outcome_stay_a_tick_below_a_dollar() -> None:
    gate = Gate()
    gate.rest(B, 54, 10)
    assert gate.ask(gate.wanted(price=45)).size == contracts(10)
    assert gate.ask(gate.wanted(price=46)) == Verdict(0, Reason.WAITING)


def test_three_bids_that_cover_every_outcome_do_too() -> None:
    gate = Gate(outcomes=3)
    gate.rest(B, 30, 10)
    gate.rest(C, 24, 10)
    assert gate.ask(gate.wanted(price=45)).size == contracts(10)
    assert gate.ask(gate.wanted(price=46)) == Verdict(0, Reason.WAITING)


def test_bids_on_two_of_three_outcomes_pay_a_dollar_at_most() -> None:
    gate = Gate(outcomes=3)
    gate.rest(C, 90, 10)
    assert gate.ask(gate.wanted(price=9)).size == contracts(10)
    assert gate.ask(gate.wanted(price=10)) == Verdict(0, Reason.WAITING)


def test_no_legs_that_overlap_are_no_cover_of_a_dollar() -> None:
    # NO home and NO away both pay when the draw wins: 60 and 70 cents are a position, not a loss
    gate = Gate(outcomes=3)
    gate.rest(Instrument(B.venue, B.symbol, Side.NO), 70, 10)
    assert gate.ask(gate.wanted(NO_A, 60)).size == contracts(10)


def test_all_three_no_legs_pay_two_dollars() -> None:
    gate = Gate(outcomes=3)
    gate.rest(Instrument(B.venue, B.symbol, Side.NO), 70, 10)
    gate.rest(Instrument(C.venue, C.symbol, Side.NO), 70, 10)
    assert gate.ask(gate.wanted(NO_A, 59)).size == contracts(10)
    assert gate.ask(gate.wanted(NO_A, 60)) == Verdict(0, Reason.WAITING)


def test_buying_and_selling_one_symbol_stay_apart() -> None:
    gate = Gate()
    gate.hold(A, 10, 40)
    gate.rest(A, 50, 10, Action.SELL)
    assert gate.ask(gate.wanted(price=49)).size == contracts(10)
    assert gate.ask(gate.wanted(price=50)) == Verdict(0, Reason.WAITING)


def test_two_matches_on_one_symbol_do_not_meet() -> None:
    gate = Gate()
    gate.story.add(MatchId("other"), settings=WIDE)
    gate.rest(NO_A, 50, 10, match=MatchId("other"))
    assert gate.ask(gate.wanted(price=49)).size == contracts(10)
    assert gate.ask(gate.wanted(price=50)) == Verdict(0, Reason.WAITING)


def test_an_amended_order_does_not_stand_in_its_own_way() -> None:
    gate = Gate()
    order = gate.rest(A, 45, 10)
    assert gate.ask(gate.wanted(price=45, size=12), replaces=order).size == contracts(12)


# ---- counts, tokens, balance


def test_no_more_orders_than_open_orders() -> None:
    gate = Gate(account=with_account(open_orders=2))
    gate.rest(A, 30, 1)
    assert gate.ask(gate.wanted()).size == contracts(10)
    order = gate.rest(A, 31, 1)
    assert gate.ask(gate.wanted()) == Verdict(0, Reason.LIMIT, "open_orders")
    assert gate.ask(gate.wanted(), replaces=order).size == contracts(10)  # an amend adds none


def test_a_quarter_of_the_write_tokens_is_kept_for_cancels() -> None:
    gate = Gate()
    budget, ts = gate.story.state.connections[K].budget, gate.story.ts
    for _ in range(6):
        budget.take(Costs().place, ts)
    assert gate.ask(gate.wanted()).size == contracts(10)  # 40 left, 30 after it
    budget.take(Costs().place, ts)
    assert gate.ask(gate.wanted()) == Verdict(0, Reason.RATE_LIMITED)  # 20 after it: the reserve is 25


def test_no_purchase_beyond_the_free_cash() -> None:
    gate = Gate()
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(4.5)))
    assert gate.ask(gate.wanted(size=10)).size == contracts(10)
    assert gate.ask(gate.wanted(size=11)) == Verdict(contracts(10), Reason.NO_BALANCE)
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(0.44)))
    assert gate.ask(gate.wanted(size=11)) == Verdict(0, Reason.NO_BALANCE)


def test_orders_the_balance_does_not_know_of_yet_tie_up_cash() -> None:
    gate = Gate()
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(9)))
    gate.rest(B, 50, 10, ago_s=-1)  # decided after the balance was read
    assert gate.ask(gate.wanted(size=11)).size == contracts(8)  # $4 left at 45 cents
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(9)))


def test_an_order_of_the_very_moment_of_the_balance_ties_up_cash() -> None:
    gate = Gate()
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(9)))
    gate.rest(B, 50, 10, ago_s=0)
    assert gate.ask(gate.wanted(size=11)).size == contracts(8)


def bought(gate: Gate, order: Order, count: float, fee: float = 0.0) -> OrderFilled:
    gate.placed += 1
    return OrderFilled(
        venue_order_id=VenueOrderId("v"),
        trade_id=TradeId(f"t{gate.placed}"),
        instrument=order.instrument,
        action=order.action,
        price=order.price,
        size=contracts(count),
        cost=Cash(order.price * contracts(count) // ONE),
        fee=dollars(fee),
        maker=True,
        order_id=order.order_id,
    )


def test_what_filled_since_the_balance_was_read_is_spent_once() -> None:
    """A new order that filled is gone from the cash; for an older one the venue had set it aside already."""
    gate = Gate()
    older = gate.rest(B, 50, 10, ago_s=5)
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(9)))
    gate.story.tell(bought(gate, older, 10))
    assert gate.ask(gate.wanted(size=20)).size == contracts(20)
    newer = gate.rest(B, 50, 10, ago_s=0)
    gate.story.tell(bought(gate, newer, 4, fee=0.05))
    assert gate.ask(gate.wanted(size=20)).size == contracts((9 - 2.05 - 3) / 0.45 // 1)
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(9)))  # told after the fill: it is in there
    assert gate.ask(gate.wanted(size=20)) == Verdict(contracts(13), Reason.NO_BALANCE)  # 6 rest, told anew


def test_where_nothing_is_set_aside_every_fill_since_is_spent() -> None:
    gate = Gate()
    connection = gate.story.state.connections[K]
    connection.resting_multiple = 2
    order = gate.rest(B, 50, 10, ago_s=5)
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(5)))
    gate.story.tell(bought(gate, order, 10))
    assert gate.ask(gate.wanted(size=11)).size == 0
    kept_apart = Gate(specs=dict.fromkeys((A, B), structs.replace(KALSHI, kept_apart=True)))
    order = kept_apart.rest(B, 50, 10, ago_s=5)
    kept_apart.story.tell(BalanceUpdate(venue=K, cash=dollars(9.5)))
    kept_apart.story.tell(bought(kept_apart, order, 10))
    assert kept_apart.ask(kept_apart.wanted(size=11)).size == contracts(10)


def test_a_sale_needs_no_cash() -> None:
    gate = Gate()
    gate.hold(A, 10, 40)
    gate.story.tell(BalanceUpdate(venue=K, cash=dollars(0)))
    assert gate.ask(gate.wanted(price=50, action=Action.SELL, fair=55)).size == contracts(10)


# ---- inventory and position


def test_resting_orders_of_one_direction_fill_the_inventory_room() -> None:
    gate = Gate(with_values(WIDE, inventory_max=contracts(50)))
    gate.hold(A, 20, 40)
    gate.rest(A, 30, 15)
    assert gate.ask(gate.wanted(size=15)).size == contracts(15)
    assert gate.ask(gate.wanted(size=16)) == Verdict(contracts(15), Reason.OVEREXPOSED, "inventory_max")
    assert gate.ask(gate.wanted(B, size=70, price=35)).size == contracts(70)  # the other way: 50 + 20


def test_no_instrument_is_held_beyond_max_position() -> None:
    gate = Gate(with_values(WIDE, inventory_max=contracts(30), max_position=contracts(30)))
    gate.hold(A, 12, 40)
    gate.hold(B, 40, 40)  # the other way there is room for 50
    gate.rest(A, 30, 8)
    assert gate.ask(gate.wanted(size=10)).size == contracts(10)
    assert gate.ask(gate.wanted(size=11)) == Verdict(contracts(10), Reason.LIMIT, "max_position")


def test_no_more_is_offered_than_is_held() -> None:
    gate = Gate()
    gate.hold(A, 12, 40)
    gate.rest(A, 70, 5, Action.SELL)
    assert gate.ask(gate.wanted(price=50, size=8, action=Action.SELL, fair=55)) == Verdict(
        contracts(7), Reason.LIMIT, "held"
    )


def test_reducing_orders_and_what_rests_beside_them_close_no_more_than_there_is() -> None:
    gate = Gate()
    gate.hold(A, 50, 40)
    gate.rest(B, 40, 30)  # may fill before it is gone
    reducing = structs.replace(
        gate.wanted(B, price=50, size=25), kind=CeilingKind.REDUCE, closes=contracts(50)
    )
    assert gate.ask(reducing) == Verdict(contracts(20), Reason.LIMIT, "closing")
    assert gate.ask(gate.wanted(B, price=50, size=25)).size == contracts(25)  # a plain quote may pass flat


# ---- C4: exposure


@pytest.mark.parametrize("limit", ["exposure_match", "exposure_event", "exposure_venue", "exposure_total"])
def test_the_worst_case_never_passes_a_limit_by_one_contract(limit: str) -> None:
    used = dollars(5.5)
    books = {
        "exposure_event": Books(used, 0, 0),
        "exposure_venue": Books(0, used, 0),
        "exposure_total": Books(0, 0, used),
    }.get(limit, NOTHING)
    if limit in ("exposure_match", "exposure_event"):
        gate = Gate(with_values(WIDE, **{limit: dollars(10)}))
    else:
        gate = Gate(account=with_account(**{limit: dollars(10)}))
    if limit == "exposure_match":
        gate.rest(A, 55, 10)
    assert gate.ask(gate.wanted(size=10), books=books).size == contracts(10)
    assert gate.ask(gate.wanted(size=11), books=books) == Verdict(contracts(10), Reason.LIMIT, limit)


def test_what_does_not_add_to_the_worst_case_is_never_held_back() -> None:
    gate = Gate(with_values(WIDE, exposure_match=dollars(20)))
    gate.hold(A, 50, 40)  # 20 can be lost: full
    assert gate.ask(gate.wanted(A)) == Verdict(0, Reason.LIMIT, "exposure_match")
    assert gate.ask(gate.wanted(B, price=50, size=50)).size == contracts(50)


def test_over_a_limit_nothing_hides_behind_an_order_that_is_to_go() -> None:
    gate = Gate(with_values(WIDE, exposure_match=dollars(12)))
    resting = gate.rest(B, 60, 20)
    other = gate.rest(A, 30, 10)
    gate.desk.settings = with_values(gate.desk.settings, exposure_match=dollars(10))
    assert gate.ask(gate.wanted(A, price=35)) == Verdict(0, Reason.LIMIT, "exposure_match")
    cheaper = gate.wanted(A, price=29)
    assert gate.ask(cheaper, replaces=other).size == contracts(10)  # an amend that adds nothing
    gate.story.state.blotter.ended(resting, Fact.CANCELED, gate.story.ts)
    gate.hold(B, 20, 60)
    assert gate.ask(gate.wanted(A, price=35)).size == contracts(10)  # it works off what is held


def test_a_limit_passed_already_lets_nothing_more_in() -> None:
    gate = Gate()
    assert gate.ask(gate.wanted(), books=Books(0, 0, dollars(99_999))) == Verdict(
        0, Reason.LIMIT, "exposure_total"
    )


def test_worst_cases_are_asked_for_only_when_no_other_limit_holds_the_order_back() -> None:
    gate = Gate(account=with_account(open_orders=1))
    state, asked = gate.story.state, []

    def books(_: object) -> Books:
        asked.append(1)
        return NOTHING

    def ask() -> Verdict:
        connection = state.connections[K]
        return allow(
            gate.desk, gate.wanted(), None, state.blotter, connection, state.settings, books, state.ts
        )

    assert ask().size == contracts(10)
    assert len(asked) == 1
    gate.rest(A, 30, 1)
    assert ask().limit == "open_orders"
    assert len(asked) == 1


def test_an_exit_risks_the_fee_of_a_taker_and_a_quote_does_not() -> None:
    gate = Gate()
    quote, exits = gate.rest(A, 45, 10), gate.rest(A, 44, 10)
    exits.ceiling_kind = CeilingKind.FLATTEN
    assert [order.takes for order in risked([quote, exits])] == [False, True]


def test_a_worst_case_measured_later_is_that_of_its_last_change() -> None:
    gate = Gate()
    gate.desk.markets[A].spec = structs.replace(KALSHI, fees=FeeModel(maker_rate=70_000))
    gate.rest(A, 45, 10)
    state = gate.story.state
    then = worst_now(gate.desk, state.blotter)
    gate.desk.markets[A].spec = structs.replace(KALSHI, fees=NO_FEES)
    assert then == dollars(4.67325)  # 45 cents, and 0.07 * 0.45 * 0.55
    assert worst_now(gate.desk, state.blotter) == dollars(4.5)
    assert gate.desk.worst == then
    state.revalue(gate.desk)
    assert gate.desk.worst == dollars(4.5)


def test_a_size_that_no_longer_reaches_the_venues_minimum_is_nothing() -> None:
    gate = Gate(with_values(WIDE, exposure_match=dollars(0.44)))
    assert gate.ask(gate.wanted(size=10)) == Verdict(0, Reason.LIMIT, "exposure_match")


# ---- the bucket of write tokens


def test_tokens_refill_with_time_up_to_the_burst() -> None:
    budget = Budget(AccountSettings(write_tokens_per_s=10, write_burst=30))
    assert budget.left(Nanos(SECOND)) == 30
    budget.take(30, Nanos(SECOND))
    assert budget.left(Nanos(SECOND)) == 0
    assert budget.left(Nanos(SECOND + 150 * MILLISECOND)) == 1
    assert budget.left(Nanos(SECOND + 200 * MILLISECOND)) == 2  # nothing is lost between two looks
    assert budget.left(Nanos(60 * SECOND)) == 30


def test_a_smaller_bucket_holds_no_more_from_that_moment_on() -> None:
    budget = Budget(AccountSettings(write_tokens_per_s=10, write_burst=100))
    assert budget.left(Nanos(SECOND)) == 100
    budget.configure(AccountSettings(write_tokens_per_s=10, write_burst=10))
    assert budget.left(Nanos(SECOND)) == 10


def test_cancels_may_overdraw_and_a_429_empties_the_bucket() -> None:
    budget = Budget(AccountSettings(write_tokens_per_s=10, write_burst=30))
    budget.take(31, Nanos(SECOND))
    assert budget.left(Nanos(SECOND)) == 0
    budget.empty(Nanos(10 * SECOND))
    assert budget.left(Nanos(10 * SECOND)) == 0
    assert not budget.allows(1, Nanos(10 * SECOND))


def with_account(**values: int) -> AccountSettings:
    return AccountSettings(
        **{"exposure_venue": dollars(10_000), "exposure_total": dollars(10_000), **values}  # type: ignore[arg-type]
    )
