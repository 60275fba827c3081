"""Stories of how a session ends: every dollar accounted for to the millionth, or said and not hidden."""

from __future__ import annotations

import msgspec

from console.core.closing import Closing, closing, words
from console.core.events import (
    AcceptPosition,
    CashAdjusted,
    InstrumentDefined,
    Pause,
    RewardPaid,
    SetInventory,
    Settled,
)
from console.core.fees import KALSHI_MAKER_COMBO, FeeModel
from console.core.settings import MatchSettings
from console.core.units import Cash, Price

from .story import KALSHI, A, B, K, M, Story, contracts, dollars, game


def ended(story: Story) -> Closing:
    """Everything is pulled, the venue is asked once more, and stock is taken."""
    story.tell(Pause())
    story.wait(3)
    story.tell(story.clerks[K].status())
    return closing(story.state, {K: len(story.clerks[K].orders)})


def exactly(story: Story) -> Story:
    """The venue tells its cash to the millionth."""
    story.clerks[K].rounded_to = 0
    return story


def traded() -> Story:
    story = exactly(game(MatchSettings(repeated_fills=1_000)))
    dear = msgspec.structs.replace(KALSHI, fees=FeeModel(maker_rate=KALSHI_MAKER_COMBO, bound=True))
    for instrument in (A, B):
        story.tell(InstrumentDefined(instrument=instrument, spec=dear))
    story.wait(2)
    story.fill(story.order(A), 10, fee=0.07)
    story.wait(2)
    story.fill(story.order(B), 10, fee=0.0613)
    story.wait(2)
    story.fill(story.order(A), 3.5)
    return story


def test_a_session_ties_out_to_the_millionth() -> None:
    story = traded()
    stock = ended(story)
    assert stock.difference == 0
    assert stock.ties_out
    assert stock.cash_change == story.clerks[K].cash - dollars(1_000)
    assert stock.profit == story.state.desks[M].mark
    assert [held.net for held in stock.held] == [story.state.desks[M].exposure(1)]


def test_one_millionth_that_is_missing_is_said_and_is_no_clean_end() -> None:
    story = traded()
    story.clerks[K].cash -= 1
    stock = ended(story)
    assert stock.difference == -1
    assert not stock.ties_out
    assert any("difference -0.000001" in line for line in words(stock))
    assert any("-0.000001 from our count" in line for line in words(stock))


def test_a_venue_that_shows_cents_may_be_half_a_cent_off() -> None:
    story = traded()
    story.clerks[K].rounded_to = 10_000
    story.clerks[K].cash -= 5_000
    stock = ended(story)
    assert stock.difference == -5_000
    assert stock.ties_out


def test_an_order_left_is_no_clean_end() -> None:
    story = traded()
    stock = closing(story.state, {K: 1})
    assert not stock.ties_out
    assert not closing(story.state, {}).ties_out  # it never listed anything
    assert words(closing(story.state, {}))[0].startswith("kalshi: never told us")


def test_deposits_are_no_profit() -> None:
    story = traded()
    story.clerks[K].cash += dollars(250)
    story.tell(CashAdjusted(venue=K, amount=dollars(250), why="deposit"))
    stock = ended(story)
    assert stock.ties_out
    assert stock.difference == 0
    assert stock.profit == story.state.desks[M].mark
    assert any("paid in 250.00" in line for line in words(stock))


def test_rewards_and_payouts_are_profit() -> None:
    story = traded()
    held = story.state.desks[M].positions[K].holdings
    story.clerks[K].cash += dollars(2) + held[A].net
    story.clerks[K].positions = {}
    story.tell(RewardPaid(venue=K, amount=dollars(2), why="liquidity"))
    story.tell(Settled(instrument=A, payout=Price(1_000_000)))
    story.tell(Settled(instrument=B, payout=Price(0)))
    stock = ended(story)
    assert stock.difference == 0
    assert stock.held == ()
    assert stock.profit == stock.cash_change == story.clerks[K].cash - dollars(1_000)


def test_a_second_session_begins_where_the_first_ended() -> None:
    later = traded().restart()
    later.up()
    exactly(later)
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    later.wait(8)
    before = later.state.opening
    assert before is not None
    assert before.value > 0
    later.fill(later.order(A), 5)
    stock = ended(later)
    assert stock.difference == 0
    assert stock.value_before == before.value


def test_what_the_operator_wrote_into_our_books_moved_no_cash() -> None:
    story = traded()
    story.tell(SetInventory(match=M, instrument=A, size=contracts(40), cost=Cash(dollars(3)), why="by hand"))
    story.clerks[K].positions[A] = contracts(40)
    stock = ended(story)
    assert stock.difference == 0


def test_a_position_taken_over_ties_out_too() -> None:
    story = traded()
    story.clerks[K].positions[A] += contracts(5)
    story.clerks[K].cash -= dollars(2)
    story.wait(30)
    assert story.state.connections[K].mismatch
    assert not ended(story).ties_out
    story.tell(AcceptPosition(venue=K, reason="bought by hand"))
    story.wait(10)
    stock = ended(story)
    assert stock.difference == 0
    assert stock.ties_out


def test_a_venue_that_does_not_tell_is_named() -> None:
    story = Story()
    story.clerks[K].held = None
    story.up()
    story.add()
    stock = ended(story)
    assert words(stock)[0] == "kalshi: 0 orders rest, cash not told"
