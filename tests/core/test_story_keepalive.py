"""Signs of life to the venues, their own limits and clocks, and the gate before real orders."""

from __future__ import annotations

import pytest

from console.core.commands import KeepAlive, PlaceOrder, UnwatchOdds, WatchOdds
from console.core.connection import Budget
from console.core.events import (
    ClockMeasured,
    FeedStatus,
    Kill,
    QueuePosition,
    RemoveMatch,
    RewardPaid,
    StartGatePassed,
    Stop,
    VenueDown,
    VenueLimits,
)
from console.core.picture import view
from console.core.reasons import Reason
from console.core.settings import AccountSettings
from console.core.units import SECOND, Cash, Nanos
from tests.core.story import A, B, K, M, Story, contracts, dollars, game

TIER = VenueLimits(
    venue=K, write_per_s=100, write_burst=200, place=10, amend=10, cancel=2, renew=10, dead_man=True
)


def kept(story: Story, seconds: float) -> list[KeepAlive]:
    return story.all(KeepAlive, story.wait(seconds))


def test_a_healthy_engine_gives_a_sign_of_life_every_five_seconds() -> None:
    story = game()
    assert kept(story, 20) == []  # the venue has no such switch
    story.tell(TIER)
    signs = kept(story, 21)
    assert len(signs) == 5
    assert all(sign.venue is K for sign in signs)
    assert signs[-1].until - story.wall in range(55 * SECOND, 61 * SECOND)


def test_no_sign_of_life_goes_to_a_venue_that_is_down() -> None:
    story = game()
    story.tell(TIER)
    story.tell(VenueDown(venue=K, why="gone"))
    assert kept(story, 20) == []


@pytest.mark.parametrize("order", [Kill(by="me"), Kill(by="me", venue=K), Stop(why="enough")])
def test_nothing_is_kept_alive_that_is_to_go(order: Kill | Stop) -> None:
    story = game()
    story.tell(TIER)
    assert kept(story, 6)
    story.tell(order)
    assert kept(story, 30) == []


def test_orders_carry_the_end_of_their_lease() -> None:
    story = Story()
    story.up()
    story.tell(TIER)
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    placed = story.all(PlaceOrder)
    assert placed
    assert all(55 * SECOND < order.expires - story.wall <= 60 * SECOND for order in placed)


def test_orders_carry_no_end_where_the_venue_takes_none() -> None:
    assert all(order.expires == 0 for order in game().all(PlaceOrder))


def test_many_orders_have_a_longer_lease_than_asked_for() -> None:
    """200 orders renewed twice a lease at 10 tokens: at a quarter of 100 tokens/s that is 160 s."""
    story = game()
    story.tell(TIER)
    connection = story.state.connections[K]
    assert connection.lease(AccountSettings(), 1) == 60 * SECOND
    assert connection.lease(AccountSettings(), 200) == 160 * SECOND


def test_the_venues_own_limits_govern_and_renewals_are_paid_for() -> None:
    settings = AccountSettings(write_tokens_per_s=1, write_burst=1)
    budget = Budget(settings)
    budget.told(TIER, settings)
    assert (budget.per_s, budget.burst, budget.reserve, budget.costs.cancel) == (100, 200, 50, 2)
    assert budget.left(Nanos(SECOND)) == 200  # nothing was sent: the bucket is full, whatever its size
    budget.configure(AccountSettings(cancel_reserve_pct=50))
    assert (budget.per_s, budget.reserve) == (100, 100)


def test_a_clock_too_far_off_pulls_the_quotes_of_its_venue_until_it_is_right() -> None:
    story = game()
    assert story.resting() == 2
    story.tell(ClockMeasured(venue=K, offset=Nanos(2 * SECOND), round_trip=Nanos(0)))
    story.wait(1)
    assert story.resting() == 2
    story.tell(ClockMeasured(venue=K, offset=Nanos(-2 * SECOND - 1), round_trip=Nanos(0)))
    story.wait(1)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.CLOCK
    assert any("our clock is off" in text for text in story.alerts())
    story.tell(ClockMeasured(venue=K, offset=Nanos(0), round_trip=Nanos(0)))
    story.wait(8)
    assert story.resting() == 2


def test_a_gated_run_quotes_only_after_the_gate() -> None:
    story = game()
    story.state.gated = True
    story.wait(3)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.START_GATE
    story.tell(StartGatePassed(checks=("clock", "keys")))
    story.wait(8)
    assert story.resting() == 2
    assert story.refusals(story.tell(StartGatePassed(checks=()))) == ["the start gate is open already"]


def test_killed_stays_killed_at_the_gate() -> None:
    story = game()
    story.state.gated = True
    story.tell(Kill(by="me"))
    story.tell(StartGatePassed(checks=("clock",)))
    assert story.all(PlaceOrder, story.wait(8)) == []


def test_odds_are_watched_while_there_is_a_match() -> None:
    story = game()
    assert [c.spec.id for c in story.all(WatchOdds)] == [M]
    later = story.restart()
    assert [c.spec.id for c in later.all(WatchOdds)] == [M]
    story.fair(0.01, 0.99)  # nothing is quoted any more
    story.wait(3)
    assert story.all(UnwatchOdds, story.tell(RemoveMatch(match=M))) == [UnwatchOdds(match=M)]


def test_feeds_are_shown_and_their_silence_is_told_once() -> None:
    story = game()
    story.tell(
        FeedStatus(feed="odds", up=True, credits_left=5, next_poll_wall=Nanos(story.wall + 2 * SECOND))
    )
    for _ in range(2):
        story.tell(FeedStatus(feed="odds", up=False, why="quota used up"))
    assert [text for text in story.alerts() if "odds" in text] == ["odds down: quota used up"]
    (feed,) = view(story.state, M).feeds
    assert (feed.name, feed.up, feed.why, feed.credits_left) == ("odds", False, "quota used up", None)


def test_rewards_are_profit_of_no_match() -> None:
    story = game()
    story.tell(RewardPaid(venue=K, amount=Cash(1_500_000), why="maker rebate"))
    story.wait(2)
    shown = view(story.state, M)
    assert (shown.rewards, shown.pnl.net) == (dollars(1.5), dollars(1.5))
    assert view(story.restart().state, M).rewards == dollars(1.5)


def test_the_queue_ahead_of_an_order_is_shown() -> None:
    story = game()
    story.tell(QueuePosition(order_id=story.order(A), ahead=contracts(120)))
    shown = {order.order_id: order.ahead for order in view(story.state, M).orders}
    assert shown[story.order(A)] == contracts(120)
    assert shown[story.order(B)] is None
