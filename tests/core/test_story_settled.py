"""Settlement: in part, wrongly, once more, and with a flattening under way."""

from __future__ import annotations

from console.core.commands import PlaceOrder, TimeInForce
from console.core.events import Flatten, OrderFilled, SetInventory, Settled
from console.core.instruments import Action, Instrument, TradeId, VenueOrderId
from console.core.marks import at_liquidation, at_theo
from console.core.matches import State as Stage
from console.core.picture import view
from console.core.units import ONE, Cash, Price, Size
from tests.core.story import PA, PB, A, B, K, M, P, Story, cents, contracts, dollars


def holding(*, may_none: bool = False, **held: tuple[float, float]) -> Story:
    """So many contracts of a symbol that cost so many dollars in all."""
    symbols = {"a": A, "b": B, "pa": PA, "pb": PB}
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, may_none=may_none)
    for first, second in ((A, B), (PA, PB)):
        story.book(first, {48: 100}, {56: 100})
        story.book(second, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    for name, (count, cost) in held.items():
        instrument = symbols[name]
        story.clerks[instrument.venue].positions[instrument] = contracts(count)
        size, paid = contracts(count), dollars(cost)
        story.tell(SetInventory(match=M, instrument=instrument, size=size, cost=paid, why="story"))
    story.wait(2)
    return story


def settled(story: Story, instrument: Instrument, payout: float) -> list:
    story.clerks[instrument.venue].positions.pop(instrument, None)
    said = story.tell(Settled(instrument=instrument, payout=Price(round(payout * ONE))))
    story.wait(2)
    return said


def profit(story: Story) -> float:
    return story.state.account.profit / ONE


def test_what_is_still_held_is_paired_anew_when_a_part_has_settled() -> None:
    story = holding(a=(10, 4), b=(10, 5))
    position = story.state.desks[M].positions[K]
    assert (position.locked, position.lots.lots) == (dollars(1), {})
    settled(story, B, 0)
    assert position.lots.lots == {}  # A has won: there is nothing left to trade
    assert (position.locked, position.conditional) == (dollars(1), 0)
    settled(story, A, 1)
    assert (position.cash, position.locked) == (dollars(1), dollars(1))


def test_a_void_part_leaves_the_rest_alone() -> None:
    story = holding(a=(10, 4), b=(10, 5))
    position = story.state.desks[M].positions[K]
    settled(story, B, 0.5)
    assert {mask: (lot.count, lot.cost) for mask, lot in position.lots.lots.items()} == {
        1: (contracts(10), dollars(4))
    }
    assert position.locked == 0  # 5 paid, 5 received


def test_a_symbol_is_worth_what_follows_from_the_other_until_it_settles() -> None:
    story = holding(a=(10, 4), b=(20, 9))
    settled(story, A, 0)
    desk = story.state.desks[M]
    assert profit(story) == -4 + 20 - 9
    assert at_theo(desk) == at_liquidation(desk, story.state.blotter) == dollars(7)
    settled(story, B, 1)
    assert profit(story) == 7


def test_it_follows_at_another_venue_too() -> None:
    story = holding(a=(10, 4), pb=(20, 9))
    settled(story, A, 1)
    assert profit(story) == 10 - 4 - 9


def test_where_all_may_settle_at_nothing_a_loser_makes_no_winner() -> None:
    story = holding(may_none=True, a=(10, 4), b=(20, 9))
    settled(story, A, 0)
    assert profit(story) < -4 + 20 - 9
    settled(story, B, 0)
    assert profit(story) == -13


def test_a_flattening_ends_when_the_match_settles() -> None:
    story = holding(a=(10, 4), b=(20, 9))
    story.tell(Flatten(match=M, floor=cents(90)))
    story.wait(1)
    settled(story, A, 0.5)
    story.answering = False
    story.book(B, {95: 100}, {97: 100})
    story.wait(3)
    assert [c for c in story.all(PlaceOrder) if c.time_in_force is TimeInForce.IOC] == []
    desk = story.state.desks[M]
    assert (desk.flattening, desk.stage) == (None, Stage.DONE)
    assert "settled: flattening ended, 20.00 contracts left" in story.alerts()


def test_a_corrected_result_is_paid_and_a_repeated_one_is_not() -> None:
    story = holding(a=(10, 4), b=(20, 9))
    settled(story, A, 1)
    settled(story, B, 0)
    assert profit(story) == 10 - 13
    for _ in range(3):
        settled(story, A, 1)
    assert profit(story) == -3
    for _ in range(2):
        settled(story, A, 0)
    assert profit(story) == -4 - 9
    settled(story, B, 1)
    assert profit(story) == 20 - 13
    shown = view(story.state, M)
    assert shown.parts.net == shown.pnl.net == dollars(7)
    assert any("settled otherwise: pays 0, -10.00 dollars" in text for text in story.alerts())


def test_a_correction_is_paid_after_a_restart_and_to_a_late_fill() -> None:
    story = holding(a=(10, 4))
    settled(story, A, 1)
    later = story.restart().up()
    later.wait(2)
    fill = OrderFilled(
        venue_order_id=VenueOrderId("v"),
        trade_id=TradeId("late"),
        instrument=A,
        action=Action.BUY,
        price=cents(50),
        size=Size(2 * ONE),
        cost=Cash(ONE),
        fee=Cash(0),
        maker=True,
    )
    later.tell(fill)
    settled(later, A, 1)
    assert profit(later) == 12 - 5
    settled(later, A, 0.25)
    assert profit(later) == 3 - 5
    assert later.state.desks[M].positions[K].cash == dollars(-2)
