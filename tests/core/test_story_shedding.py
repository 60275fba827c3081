"""Stories of orders that fitted under a limit when they were placed, and do not fit any more."""

from __future__ import annotations

import pytest

from console.core.commands import CancelOrder
from console.core.events import OrderFilled, Pause, Resume, SetSetting
from console.core.instruments import Action, TradeId, VenueOrderId
from console.core.settings import MatchSettings

from .story import A, B, K, M, cents, contracts, dollars, game

WIDE = MatchSettings(repeated_fills=1_000, inventory_max=contracts(1_000), max_position=contracts(1_000))


@pytest.mark.parametrize("limit", ["exposure_match", "exposure_event"])
def test_a_lowered_limit_takes_out_what_is_above_it(limit: str) -> None:
    story = game(WIDE)
    desk = story.state.desks[M]
    assert desk.worst == dollars(4.9)
    story.tell(SetSetting(key=limit, value="4.5", match=M))
    story.wait(3)
    assert desk.worst <= dollars(4.5)
    assert story.rests(B) == [(44, 10)]  # which fits by itself


@pytest.mark.parametrize("limit", ["exposure_venue", "exposure_total"])
def test_a_lowered_limit_of_the_account_takes_out_what_is_above_it(limit: str) -> None:
    story = game(WIDE)
    story.tell(SetSetting(key=limit, value="4.5"))
    story.wait(3)
    assert story.state.desks[M].worst <= dollars(4.5)


def test_a_fill_of_an_order_thought_gone_takes_out_what_no_longer_fits() -> None:
    story = game(WIDE)
    desk = story.state.desks[M]
    story.tell(SetSetting(key="exposure_match", value="5", match=M))
    story.wait(2)
    assert (story.rests(A), story.rests(B)) == ([(49, 10)], [(44, 10)])
    story.clerks[K].positions[A] = contracts(4)
    story.tell(
        OrderFilled(
            venue_order_id=VenueOrderId("thought gone"),
            trade_id=TradeId("late"),
            instrument=A,
            action=Action.BUY,
            price=cents(48),
            size=contracts(4),
            cost=dollars(1.92),
            fee=dollars(0),
            maker=True,
        )
    )
    assert desk.worst > dollars(5)
    story.wait(3)
    assert desk.worst <= dollars(5)
    assert story.rests(B)


def test_what_reduces_and_what_is_leaving_is_left_alone() -> None:
    story = game(WIDE)
    story.fill(story.order(A), 10)
    story.wait(3)
    story.tell(SetSetting(key="exposure_match", value="1", match=M))
    sent = story.wait(1.5)
    gone = {cancel.order_id for cancel in story.all(CancelOrder, sent)}
    resting = story.state.blotter.of_match(M)
    assert gone
    assert all(order.action is Action.SELL or order.instrument.yes == B for order in resting)
    story.tell(Pause(match=M))
    story.answering = False
    assert story.all(CancelOrder, story.wait(4)) == []  # each cancel is under way already
    story.answering = True
    story.tell(Resume(match=M))
