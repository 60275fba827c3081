"""Stories of agreement: our records against the venue's account, in both directions."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs

from console.core import checkpoint
from console.core.commands import CancelOrder, Lookup, PlaceOrder, Reconcile
from console.core.events import (
    AcceptPosition,
    BalanceUpdate,
    MarketStatus,
    MassStatus,
    OrderFilled,
    RemoveMatch,
    SetInventory,
    Settled,
    VenueUp,
)
from console.core.instruments import Action, Instrument, MarketState, TradeId, VenueOrderId
from console.core.matches import MatchId
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import ONE, Price

from .story import A, B, K, M, P, Story, cents, contracts, dollars, game


def status(story: Story, **changes: object) -> MassStatus:
    return msgspec.structs.replace(story.clerks[K].status(), **changes)


def positions(**net: float) -> tuple[tuple[Instrument, int], ...]:
    named = {"a": A, "b": B, "other": Instrument(K, "OTHER")}
    return tuple((named[name], contracts(count)) for name, count in net.items())


def differing(**net: float) -> Story:
    """The venue's account of what we hold differs, from now on."""
    story = game()
    story.clerks[K].positions = dict(positions(**net))
    return story


# ---- the routine


def test_the_account_is_read_again_before_silence_would_blind_us() -> None:
    story = game()
    asked = story.all(Reconcile, story.wait(60))
    assert 60 / 15 <= len(asked) <= 60 / 5
    assert story.resting() == 2


def test_an_account_that_agrees_changes_nothing() -> None:
    story = game()
    for _ in range(5):
        assert [
            c for c in story.tell(status(story)) if isinstance(c, CancelOrder | PlaceOrder | Lookup)
        ] == []
        story.wait(3)


def test_a_fill_we_missed_is_booked_from_the_account_once() -> None:
    story = game()
    filled = story.clerks[K].fill(story.order(A), contracts(10))[0]
    for _ in range(3):
        story.tell(status(story, fills=(filled,)))
    position = story.state.desks[M].positions[K]
    assert position.held(A) == contracts(10)
    assert position.fills == 1


# ---- orders


def test_an_order_we_hold_live_that_the_venue_does_not_list_is_looked_up() -> None:
    story = game()
    story.wait(10)
    order_id = story.order(A)
    story.answering = False
    story.clerks[K].orders.pop(order_id)
    sent = story.tell(status(story))
    assert [c.order_id for c in story.all(Lookup, sent)] == [order_id]


def test_a_young_order_the_list_may_not_know_yet_is_left_alone() -> None:
    story = game()
    sent = story.tell(status(story, orders=()))
    assert story.all(Lookup, sent) == []


def test_an_ended_order_that_still_rests_is_cancelled_again() -> None:
    story = game()
    order_id = story.order(A)
    listed = status(story)
    story.clerks[K].orders.pop(order_id)
    story.clerks[K].gone.add(order_id)
    story.wait(16)  # found missing, looked up, proven gone
    sent = story.tell(listed)
    assert order_id in [c.order_id for c in story.all(CancelOrder, sent)]


@pytest.mark.parametrize(("price", "size"), [(53, 10), (49, 25), (40, 10)])
def test_an_order_that_rests_otherwise_than_we_know_is_found_and_put_right(price: float, size: float) -> None:
    """An amend that we were told had been refused was taken after all."""
    story = game()
    story.wait(8)
    order_id = story.order(A)
    resting = story.clerks[K].orders[order_id]
    resting.price, resting.size = cents(price), contracts(size)
    story.wait(40)
    assert story.rests(A) == [(49, 10)]
    assert story.state.blotter.orders[order_id].ended or story.order(A) == order_id


# ---- positions


def test_one_look_at_a_difference_is_no_mismatch() -> None:
    story = differing(a=5)
    story.wait(9)
    assert story.state.connections[K].mismatch == ""
    story.clerks[K].positions = {}
    story.wait(30)
    assert story.state.connections[K].mismatch == ""
    assert story.resting() == 2


def test_two_looks_ten_seconds_apart_are_red_until_the_operator_accepts() -> None:
    story = differing(a=5)
    story.wait(25)
    assert story.state.connections[K].mismatch == "kalshi:GAME-A: +5 contracts"
    assert any("MISMATCH kalshi" in text for text in story.alerts())
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.MISMATCH
    assert story.all(PlaceOrder, story.wait(120)) == []
    story.tell(AcceptPosition(venue=K, reason="bought by hand"))
    story.wait(20)
    assert story.state.desks[M].positions[K].held(A) == contracts(5)
    assert story.rests(A)


def test_the_quotes_are_pulled_with_the_mismatch_not_later() -> None:
    story = differing(a=5)
    for _ in range(300):
        story.wait(0.1)
        if story.state.connections[K].mismatch:
            break
    assert story.resting() == 0


def test_a_difference_is_found_even_while_orders_keep_moving() -> None:
    """Something is in flight at every look, as with thirty matches it always is."""
    story = game()
    one, two, busy = Instrument(K, "X-A"), Instrument(K, "X-B"), MatchId("busy")
    settings = MatchSettings(contracts=contracts(1), repeated_fills=1_000)
    story.add(busy, pays={one: (0,), two: (1,)}, settings=settings)
    story.book(one, {48: 100}, {56: 100})
    story.book(two, {43: 100}, {51: 100})
    story.fair(0.525, 0.475, match=busy)
    story.wait(6)
    story.clerks[K].positions = dict(positions(b=5))
    story.talking = False  # only the accounts told below count
    for _ in range(25):
        story.answering = False
        for order_id in [i for i, o in story.clerks[K].orders.items() if o.place.instrument == one]:
            story.fill(order_id, 1)  # and its successor leaves
        story.tell(status(story))
        story.answering = True
        story.answer()
        story.wait(1)
    assert story.state.connections[K].mismatch


def test_a_position_on_a_symbol_of_no_match_is_left_alone() -> None:
    """The operator's own holdings elsewhere must not stop us for good."""
    story = Story()
    story.clerks[K].positions = dict(positions(other=7))
    story.up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(30)
    assert story.state.connections[K].mismatch == ""
    assert story.resting() == 2


def test_a_position_less_than_a_size_step_apart_agrees() -> None:
    story = differing(a=0.5)
    story.wait(30)
    assert story.state.connections[K].mismatch == ""


def test_accepting_is_refused_when_nothing_differs() -> None:
    story = game()
    assert story.refusals(story.tell(AcceptPosition(venue=K, reason="x"))) == [
        "kalshi has no mismatch to accept"
    ]
    assert story.refusals(story.tell(AcceptPosition(venue=P, reason="x"))) == [
        "polymarket is not configured in this run"
    ]


@pytest.mark.parametrize(("theirs", "basis"), [(0, 0), (4, 1.96), (25, 12.7), (-5, 2.4)])
def test_a_difference_that_is_accepted_changed_hands_at_the_mark(theirs: float, basis: float) -> None:
    """Ten bought at 49, worth 52 at the loss mark: accepting is neither profit nor loss by itself."""
    story = game()
    story.fill(story.order(A), 10)
    story.wait(2)
    before = story.state.account.profit
    assert before == 10 * (520_000 - 490_000)
    story.clerks[K].positions = dict(positions(a=theirs))
    story.wait(30)
    assert story.state.connections[K].mismatch
    story.tell(AcceptPosition(venue=K, reason="traded by hand"))
    story.wait(5)
    position = story.state.desks[M].positions[K]
    assert position.holdings[A].net == contracts(theirs)
    assert position.holdings[A].basis == dollars(basis)
    moved = 5_000 * 5 if theirs < 0 else 0  # NO is marked at 52.5, the worse of theo and mid for it
    assert story.state.account.profit == before - moved
    assert sum(lot.count for lot in position.lots.lots.values()) == contracts(abs(theirs))


def test_without_a_mark_what_is_gone_brought_nothing() -> None:
    before = game()
    before.fill(before.order(A), 10)
    before.wait(2)
    later = before.restart()
    later.clerks[K].books.clear()
    later.clerks[K].positions = {}
    later.up()
    later.wait(30)
    assert later.state.connections[K].mismatch
    later.tell(AcceptPosition(venue=K, reason="settled while away"))
    later.wait(5)
    position = later.state.desks[M].positions[K]
    assert position.flat
    assert position.cash == -dollars(4.9)


# ---- symbols of no match


def by_hand(action: Action, instrument: Instrument, count: float, cost: float, trade: str) -> OrderFilled:
    return OrderFilled(
        venue_order_id=VenueOrderId(f"v-{trade}"),
        trade_id=TradeId(trade),
        instrument=instrument,
        action=action,
        price=Price(round(cost / count * ONE)),
        size=contracts(count),
        cost=dollars(cost),
        fee=dollars(0.1),
        maker=False,
    )


def test_a_fill_on_no_match_of_ours_is_noted_and_halts_nothing() -> None:
    """Bought, paired off with its NO, and settled by hand: our count of the cash there agrees throughout."""
    story = game()
    clerk, other = story.clerks[K], Instrument(K, "ELSEWHERE")

    def cash(change: float, net: float) -> None:
        clerk.cash += dollars(change)
        clerk.positions = dict(positions()) | ({other: contracts(net)} if net else {})
        story.wait(40)
        assert story.state.connections[K].mismatch == ""
        assert story.resting() == 2

    story.tell(by_hand(Action.BUY, other, 10, 4, "1"))
    cash(-4.1, 10)
    story.tell(by_hand(Action.BUY, other.no, 15, 7.5, "2"))  # ten pairs are paid out at once
    cash(-7.6 + 10, -5)
    story.tell(Settled(instrument=other, payout=Price(0)))
    cash(5, 0)
    assert story.state.account.profit == 0
    assert any("no match of ours" in line.text for line in story.state.log)


def test_a_late_fill_for_a_match_that_was_removed_is_said_loudly_and_halts_nothing() -> None:
    story = game()
    order_id = story.order(A)
    story.tell(RemoveMatch(match=M))
    story.tell(RemoveMatch(match=M))
    assert M not in story.state.desks
    filled = by_hand(Action.BUY, A, 10, 4.9, "late")
    story.tell(structs.replace(filled, order_id=order_id, price=cents(49)))
    assert story.state.connections[K].mismatch == ""
    assert any("removed" in text for text in story.alerts())


def test_a_fill_of_our_order_told_on_another_symbol_is_booked_where_it_belongs() -> None:
    story = game()
    other = Instrument(K, "OTHER-A")
    story.add(MatchId("other"), pays={other: (0,)})
    filled = by_hand(Action.BUY, other, 10, 4.9, "strange")
    story.tell(structs.replace(filled, order_id=story.order(A)))
    assert story.state.desks[MatchId("other")].positions[K].held(other) == contracts(10)
    assert story.state.desks[M].positions[K].flat


def test_at_the_start_nothing_is_quoted_before_the_positions_agree() -> None:
    before = game()
    before.fill(before.order(A), 10)
    later = before.restart()
    later.clerks[K].positions = {}  # they say flat
    later.up()
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    assert later.all(PlaceOrder, later.wait(60)) == []
    assert later.state.desks[M].reason in (Reason.RECONCILING, Reason.MISMATCH)
    assert later.state.connections[K].mismatch


def test_a_mismatch_comes_back_after_a_restart() -> None:
    story = differing(a=5)
    story.wait(25)
    later = story.restart()
    later.up()
    assert later.state.connections[K].mismatch
    assert checkpoint.decode(checkpoint.encode(later.state)).mismatches


# ---- settlement


def test_a_settled_symbol_pays_and_ends_the_match() -> None:
    story = game()
    story.fill(story.order(A), 10)
    story.wait(1)
    story.clerks[K].positions = {}
    story.clerks[K].cash += contracts(10)  # a dollar each
    story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    story.tell(Settled(instrument=B, payout=Price(0)))
    story.wait(3)
    position = story.state.desks[M].positions[K]
    assert position.cash == dollars(5.1)
    assert story.resting() == 0
    assert "kalshi:GAME-A settled: pays 1" in story.alerts()
    story.wait(60)
    assert story.state.connections[K].mismatch == ""


def test_a_position_paid_out_before_the_payout_is_told_is_no_mismatch() -> None:
    story = game()
    story.fill(story.order(A), 10)
    story.tell(MarketStatus(instrument=A, state=MarketState.RESOLVED))
    story.clerks[K].positions = {}
    story.wait(60)
    assert story.state.connections[K].mismatch == ""
    story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    assert story.state.desks[M].positions[K].cash == dollars(5.1)


def test_a_settlement_told_twice_pays_once() -> None:
    story = game()
    story.fill(story.order(A), 10)
    for _ in range(2):
        story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    assert story.state.desks[M].positions[K].cash == dollars(5.1)


def test_a_void_symbol_pays_a_fair_price_or_returns_the_stake() -> None:
    for settled, profit in (
        (Settled(instrument=A, payout=Price(370_000)), dollars(-1.2)),
        (Settled(instrument=A, payout=Price(0), refund=True), dollars(0)),
    ):
        story = game()
        story.fill(story.order(A), 10)
        story.tell(settled)
        assert story.state.desks[M].positions[K].cash == profit


def test_a_fill_told_after_the_settlement_is_paid_too() -> None:
    story = game()
    order_id = story.order(A)
    late = story.clerks[K].fill(order_id, contracts(10))[0]
    story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    story.tell(late)
    story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    position = story.state.desks[M].positions[K]
    assert position.cash == dollars(5.1)
    assert position.flat


# ---- overrides


def test_an_inventory_override_is_taken_and_said() -> None:
    story = game()
    sent = story.tell(
        SetInventory(match=M, instrument=A, size=contracts(20), cost=dollars(8), why="bought elsewhere")
    )
    assert story.refusals(sent) == []
    position = story.state.desks[M].positions[K]
    assert position.profits() == (dollars(12), dollars(-8))
    assert "inventory of kalshi:GAME-A overridden: bought elsewhere" in story.alerts()
    assert story.refusals(
        story.tell(SetInventory(match=M, instrument=Instrument(K, "OTHER"), size=1, cost=dollars(0), why=""))
    ) == ["match: kalshi:OTHER is not one of its instruments"]


def test_a_venue_up_twice_asks_twice_and_no_more() -> None:
    story = Story()
    sent = story.tell(VenueUp(venue=K)) + story.tell(VenueUp(venue=K))
    assert len(story.all(Reconcile, sent)) == 2
    story.tell(BalanceUpdate(venue=K, cash=dollars(5)))
    assert story.state.connections[K].cash == dollars(5)
