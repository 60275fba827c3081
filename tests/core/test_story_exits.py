"""Exits wait for what a quote would wait for: a venue that agrees with us and a book that is believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs

from console.core.commands import PlaceOrder, Resync, TimeInForce
from console.core.events import (
    AnyEvent,
    BookStale,
    ConsoleLost,
    Flatten,
    Kill,
    MarketStatus,
    OnConsoleLost,
    Pause,
    Resume,
    Stop,
)
from console.core.instruments import Action, MarketState
from console.core.matches import MatchId
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from tests.core.story import PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, game


def exits(story: Story, commands=None) -> list[PlaceOrder]:
    return [c for c in story.all(PlaceOrder, commands) if c.time_in_force is TimeInForce.IOC]


def flatten(story: Story, floor: float = 40) -> list:
    return story.tell(Flatten(match=M, floor=cents(floor)))


def two_venues() -> Story:
    """Kalshi and Polymarket, their rules not confirmed, 10 contracts of A held at Kalshi."""
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    for first, second in ((A, B), (PA, PB)):
        story.book(first, {48: 100}, {56: 100})
        story.book(second, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 10)
    story.wait(1)
    return story


def test_an_exit_is_never_sought_at_a_venue_that_does_not_net_with_what_is_held() -> None:
    """Nobody buys at Kalshi; buying the other side at Polymarket would hold both until the settlement."""
    story = two_venues()
    story.book(A, {30: 100}, {56: 100})
    story.book(B, {43: 100}, {70: 100})
    story.book(PB, {43: 100}, {45: 100})
    assert exits(story, flatten(story) + story.wait(5)) == []
    story.answering = False
    story.book(A, {46: 100}, {56: 100})
    (out,) = exits(story, story.wait(3))
    assert (out.instrument, out.action, out.size) == (A, Action.SELL, contracts(10))


def held() -> Story:
    story = game()
    story.fill(story.order(A), 10)
    story.wait(1)
    return story


def mismatch(story: Story) -> None:
    story.state.connections[K].mismatch = "cash: 3 dollars"


def gap(story: Story) -> None:
    story.clerks[K].books.clear()  # it does not answer the resync
    for instrument in (A, B):
        story.tell(BookStale(instrument=instrument, why="a gap in the sequence"))


def frozen(story: Story) -> None:
    story.clerks[K].books.clear()
    story.alive = False
    story.wait(10.5)


def crossed(story: Story) -> None:
    story.book(A, {58: 100}, {56: 100})
    story.book(B, {58: 100}, {56: 100})


def closed(story: Story) -> None:
    for instrument in (A, B):
        story.tell(MarketStatus(instrument=instrument, state=MarketState.PAUSED))


def blind(story: Story) -> None:
    story.tell(Pause(match=M))  # nothing is left whose cancel would prove that we hear
    story.talking = False
    story.wait(16)


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (mismatch, Reason.MISMATCH),
        (gap, Reason.STALE_BOOK),
        (frozen, Reason.STALE_BOOK),
        (crossed, Reason.CROSSED_BOOK),
        (closed, Reason.NOT_OPEN),
        (blind, Reason.FILLS_BLIND),
    ],
)
def test_nothing_is_taken_on_what_is_not_believed(trouble: Callable[[Story], None], why: Reason) -> None:
    story = held()
    trouble(story)
    assert exits(story, flatten(story) + story.wait(4)) == []
    desk = story.state.desks[M]
    assert (desk.reason, desk.limit) == (Reason.FLATTENING, why.value)


def test_an_exit_waits_for_a_snapshot_and_asks_for_it() -> None:
    story = held()
    gap(story)
    said = flatten(story) + story.wait(4)
    assert story.all(Resync, said)
    story.book(A, {48: 100}, {56: 100})
    assert len(exits(story, story.wait(2))) == 1


def test_why_no_exit_leaves_is_said() -> None:
    story = held()
    flatten(story, floor=60)
    story.wait(2)
    assert story.state.desks[M].limit == "nobody at the floor"


def test_an_exit_never_reaches_what_another_match_of_ours_offers() -> None:
    """The floor is 40, but our other match has the best bid of the book: the way out is the other ticker."""
    story = game()
    other = MatchId("other")
    story.add(other)
    story.fair(0.525, 0.475, match=other)
    story.fill(story.order(A), 10)
    story.wait(8)
    story.tell(Pause(match=M))
    story.wait(8)
    story.book(A, {48: 100}, {56: 100})
    assert story.rests(A) == [(49, 10)]
    story.answering = False
    (out,) = exits(story, flatten(story) + story.wait(0.5))
    assert (out.instrument, out.action) == (B, Action.BUY)
    assert out.price == cents(60)


def test_no_exit_is_larger_than_an_order_may_be() -> None:
    settings = MatchSettings(contracts=contracts(10), order_size_max=contracts(15))
    story = game(settings)
    for _ in range(3):
        story.fill(story.order(A), 10)
        story.wait(2)
    story.tell(Pause(match=M))
    story.answering = False
    (out,) = exits(story, flatten(story) + story.wait(1))
    assert out.size == contracts(15)


@pytest.mark.parametrize(
    ("bid", "ask", "may_none", "sold"),
    [(48, 51, False, True), (45, 52, False, False), (45, 52, True, False), (45, 53, True, True)],
)
def test_the_cheaper_way_out_is_taken_where_it_is_worth_its_drawback(
    bid: float, ask: float, may_none: bool, sold: bool
) -> None:
    """A sale at 45 costs 55; the other team at 52 is three cents cheaper, two (or 2.5) are asked for it."""
    story = Story().up()
    story.add(may_none=may_none)
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 10)
    story.tell(Pause(match=M))
    story.wait(2)
    story.book(A, {bid: 100}, {56: 100})
    story.book(B, {40: 100}, {ask: 100})
    story.answering = False
    (out,) = exits(story, flatten(story) + story.wait(1))
    assert (out.instrument == A) is sold


# ---- what ends it, and what does not


def under_way(account: AccountSettings | None = None) -> Story:
    """10 contracts of A, being flattened; nobody bids as much as the floor."""
    story = game(account=account)
    story.fill(story.order(A), 10)
    story.wait(1)
    flatten(story, floor=60)
    story.wait(2)
    story.answering = False
    return story


def better(story: Story) -> list[PlaceOrder]:
    story.book(A, {61: 100}, {70: 100})
    return exits(story, story.wait(3))


@pytest.mark.parametrize("event", [Pause(), ConsoleLost(policy=OnConsoleLost.PAUSE)])
def test_a_pause_of_everything_pulls_quotes_and_lets_a_flattening_go_on(event: AnyEvent) -> None:
    story = under_way()
    story.tell(event)
    assert story.alerts()[-1].endswith("; match is flattened on, pausing the match ends that")
    assert len(better(story)) == 1


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (Pause(match=M), "paused"),
        (Resume(match=M), "resumed"),
        (Stop(why="enough"), "stopping"),
        (Kill(by="me"), "killed"),
        (ConsoleLost(policy=OnConsoleLost.STOP), "stopping"),
    ],
)
def test_what_ends_a_flattening_says_what_is_left(event: AnyEvent, word: str) -> None:
    story = under_way()
    story.tell(event)
    assert f"{word}: flattening ended, 10.00 contracts left" in story.alerts()
    assert story.state.desks[M].flattening is None
    assert better(story) == []


def test_nothing_begins_to_be_flattened_while_nothing_could_leave() -> None:
    story = held()
    story.state.gated = True
    assert story.refusals(flatten(story)) == ["flatten: the start gate is closed; pass its checks first"]
    story.state.gated = False
    story.tell(Kill(by="me", venue=K))
    assert story.refusals(flatten(story)) == ["flatten: kalshi killed; re-arm to reduce only first"]
    assert story.state.desks[M].flattening is None
    stopped = held()
    stopped.tell(Stop(why="enough"))
    assert stopped.refusals(flatten(stopped)) == ["flatten: the run is stopping; start it again first"]


def test_a_stop_loss_since_the_start_does_not_promise_that_a_day_ends_it() -> None:
    story = game(account=AccountSettings(stop_loss_pct=1, daily_loss=dollars(500), drawdown=None))
    story.wait(2)
    story.fill(story.order(A), 10)
    account = story.state.account
    account.baseline = structs.replace(account.baseline, profit_start=dollars(20))
    story.wait(2)
    assert account.halt == "stop_loss_pct"
    (refusal,) = story.refusals(story.tell(Resume()))
    assert "raise the limit first" in refusal
    assert "next day" not in refusal
