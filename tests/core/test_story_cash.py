"""Stories of cash: counted by us and told by the venue, to agree; falling, kept back, and never guessed."""

from __future__ import annotations

import msgspec
import pytest

from console.core.commands import PlaceOrder
from console.core.events import (
    AcceptPosition,
    CashAdjusted,
    FillReversed,
    OrderFilled,
    RewardPaid,
    Settled,
)
from console.core.instruments import Action, Instrument, Side, TradeId, VenueOrderId
from console.core.reasons import Reason
from console.core.settings import AccountSettings
from console.core.units import Cash, Price, Size

from .story import A, B, K, M, Story, cents, contracts, dollars, game


def mismatch(story: Story) -> str:
    return story.state.connections[K].mismatch


def test_cash_that_moves_as_we_traded_agrees() -> None:
    story = game()
    story.fill(story.order(A), 10, fee=0.07)
    story.wait(40)
    assert mismatch(story) == ""
    assert story.state.connections[K].till.expected == dollars(1_000 - 4.90 - 0.07)


def test_a_difference_in_cash_seen_twice_halts_the_venue_until_accepted() -> None:
    """A fill we deleted, on the side of the money."""
    story = game()
    story.clerks[K].cash -= dollars(5)
    story.wait(9)
    assert mismatch(story) == ""
    story.wait(16)
    assert mismatch(story) == "cash: -5.000000 dollars"
    assert "MISMATCH kalshi cash: -5.000000 dollars" in story.alerts()
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.MISMATCH
    assert story.all(PlaceOrder, story.wait(60)) == []
    story.tell(AcceptPosition(venue=K, reason="a withdrawal"))
    story.wait(20)
    assert mismatch(story) == ""
    assert story.state.connections[K].till.paid_in == dollars(-5)
    assert story.resting() > 0


def test_a_difference_that_passes_is_none() -> None:
    """The balance was read before a fill that was told first."""
    story = game()
    story.clerks[K].cash -= dollars(5)
    story.wait(9)
    story.clerks[K].cash += dollars(5)
    story.wait(40)
    assert mismatch(story) == ""


def test_a_difference_that_changes_begins_anew() -> None:
    story = game()
    for _ in range(6):
        story.clerks[K].cash -= dollars(1)
        story.wait(8)
    assert mismatch(story) == ""
    story.wait(20)
    assert mismatch(story) == "cash: -6.000000 dollars"


def test_half_a_cent_is_the_rounding_of_the_venue() -> None:
    story = game()
    story.clerks[K].cash -= dollars(0.005)
    story.wait(60)
    assert mismatch(story) == ""


def test_nothing_counts_while_an_outcome_is_unknown() -> None:
    """An order whose fate nobody knows may have traded."""
    story = game()
    story.wait(30)
    story.answering = False
    story.book(A, {49: 100}, {56: 100})
    story.wait(6)  # the amend is unanswered, looked up, unanswered again
    story.clerks[K].cash -= dollars(5)
    for _ in range(30):
        story.tell(story.clerks[K].status())
        story.wait(1)
    assert mismatch(story) == ""
    story.answering = True
    story.answer()
    story.wait(30)
    assert mismatch(story)


def test_a_venue_that_does_not_tell_what_it_holds_is_not_compared() -> None:
    story = Story()
    story.clerks[K].held = None
    story.up()
    story.clerks[K].cash -= dollars(5)
    story.wait(60)
    assert mismatch(story) == ""


def test_what_resting_orders_tie_up_is_ours() -> None:
    story = game()
    story.clerks[K].cash -= dollars(9.2)
    story.clerks[K].held = dollars(9.2)
    story.wait(60)
    assert mismatch(story) == ""


def test_deposits_and_rewards_that_are_told_are_no_difference() -> None:
    story = game()
    story.clerks[K].cash += dollars(101)
    story.tell(CashAdjusted(venue=K, amount=dollars(100), why="deposit"))
    story.tell(RewardPaid(venue=K, amount=dollars(1), why="liquidity"))
    story.wait(60)
    assert mismatch(story) == ""
    assert story.state.connections[K].till.paid_in == dollars(100)


def test_a_payout_is_expected() -> None:
    story = game()
    story.fill(story.order(A), 10)
    story.clerks[K].positions = {}
    story.clerks[K].cash += contracts(10)
    story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    story.tell(Settled(instrument=B, payout=Price(0)))
    story.wait(60)
    assert mismatch(story) == ""
    assert story.state.connections[K].till.expected == dollars(1_005.10)


def by_hand(instrument: Instrument, action: Action, price: float, count: float, trade: str) -> OrderFilled:
    return OrderFilled(
        venue_order_id=VenueOrderId("hand"),
        trade_id=TradeId(trade),
        instrument=instrument,
        action=action,
        price=cents(price),
        size=Size(contracts(count)),
        cost=Cash(contracts(count) * cents(price) // 1_000_000),
        fee=Cash(0),
        maker=True,
    )


def test_yes_and_no_of_one_symbol_are_paid_out_at_once() -> None:
    """Ten YES at 40 and ten NO at 50: nine dollars went out, ten came back."""
    story = game()
    no = Instrument(A.venue, A.symbol, Side.NO)
    till = story.state.connections[K].till
    story.tell(by_hand(A, Action.BUY, 40, 10, "t1"))
    assert till.expected == dollars(996)
    story.tell(by_hand(no, Action.BUY, 50, 10, "t2"))
    assert till.expected == dollars(1_001)
    story.tell(by_hand(no, Action.BUY, 50, 4, "t3"))
    assert till.expected == dollars(999)


def test_a_fill_that_fails_gives_the_cash_back() -> None:
    story = game()
    till = story.state.connections[K].till
    filled = by_hand(A, Action.BUY, 40, 10, "t1")
    story.tell(msgspec.structs.replace(filled, provisional=True))
    assert till.expected == dollars(996)
    story.tell(FillReversed(venue=K, trade_id=TradeId("t1"), why="failed"))
    assert till.expected == dollars(1_000)


def test_what_is_expected_outlives_the_process() -> None:
    story = game()
    story.fill(story.order(A), 10)
    later = story.restart()
    later.clerks[K].cash -= dollars(3)  # while nobody looked
    later.up()
    later.wait(30)
    assert mismatch(later) == "cash: -3.000000 dollars"
    assert later.all(PlaceOrder) == []


# ---- C25


def test_a_balance_a_fifth_lower_is_told_once() -> None:
    story = game()
    story.wait(30)
    story.tell(CashAdjusted(venue=K, amount=dollars(-199), why="withdrawal"))
    story.clerks[K].cash -= dollars(199)
    story.wait(30)
    assert not any("balance fell" in text for text in story.alerts())
    story.tell(CashAdjusted(venue=K, amount=dollars(-1), why="withdrawal"))
    story.clerks[K].cash -= dollars(1)
    story.wait(60)
    fell = [text for text in story.alerts() if "balance fell" in text]
    assert fell == ["kalshi: balance fell from 1000.00 to 800.00 dollars"]


@pytest.mark.parametrize(("reserve", "bought"), [(0, 2), (994, 1), (1_000, 0)])
def test_a_reserve_is_never_spent_on_quotes(reserve: int, bought: int) -> None:
    """Six dollars are one quote of ten at 49, but not two."""
    story = game(account=AccountSettings(cash_reserve=dollars(reserve)))
    assert len([order for order in story.rests(A) + story.rests(B) if order[1] == 10]) == bought
