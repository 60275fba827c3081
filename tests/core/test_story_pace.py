"""Stories of when a match is looked at again: whenever a decision could come out otherwise, else not."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from console.core import picture
from console.core.commands import AmendOrder, AnyCommand, CancelOrder, PlaceOrder
from console.core.events import (
    AnyEvent,
    BookDelta,
    Kill,
    OddsSuspended,
    OddsUpdate,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
    Pause,
    RejectReason,
    SetSetting,
)
from console.core.instruments import BookSide, ClientOrderId, VenueOrderId
from console.core.matches import MatchId
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import MILLISECOND, ONE, SECOND, Nanos

from .story import A, K, M, Story, cents, contracts, dollars, game

BID, ASK = BookSide.BID, BookSide.ASK


def looked(story: Story, match: MatchId = M) -> Nanos:
    """When a match was looked at last."""
    return story.state.desks[match].evaluated_ts


def asked(story: Story) -> PlaceOrder:
    """The order on A, placed anew just now and not answered yet: the venue had ended the one before."""
    order_id = story.order(A)
    story.answering = False
    story.clerks[K].orders.pop(order_id)
    level(story, BID, 49, -story.state.blotter.orders[order_id].size / ONE)
    (placed,) = story.all(PlaceOrder, story.tell(OrderExpired(order_id=order_id)))
    assert placed.instrument == A
    story.unanswered.clear()
    return placed


def accept(story: Story, placed: PlaceOrder, **told: object) -> list[AnyCommand]:
    venue_id = VenueOrderId(f"v-{placed.order_id}")
    return story.tell(OrderAccepted(order_id=placed.order_id, venue_order_id=venue_id, **told))


def level(story: Story, side: BookSide, price: float, change: float) -> list[AnyCommand]:
    return story.tell(BookDelta(instrument=A, side=side, price=cents(price), change=contracts(change)))


def is_looked_at(story: Story, side: BookSide, price: float, change: float) -> bool:
    """Whether a change of a level leads to a look with the next tick."""
    before = looked(story)
    level(story, side, price, change)
    story.wait(0.1)
    return looked(story) > before


# ---- answers


def test_an_answer_that_was_reckoned_with_leads_to_no_look() -> None:
    story = game()
    placed = asked(story)
    before = looked(story)
    story.wait(0.1)
    accept(story, placed)
    level(story, BID, 49, 10)  # it shows in the public book
    story.wait(1)
    assert looked(story) == before


@pytest.mark.parametrize(
    "told",
    [
        {"price": cents(49), "size": contracts(4)},  # less than was asked for
        {"price": cents(48), "size": contracts(10)},
    ],
)
def test_an_order_that_rests_otherwise_than_asked_is_looked_at(told: dict[str, object]) -> None:
    story = game()
    placed = asked(story)
    before = looked(story)
    accept(story, placed, **told)
    story.wait(0.1)
    assert looked(story) > before


@pytest.mark.parametrize(
    "gone",
    [
        lambda order_id: OrderRejected(order_id=order_id, reason=RejectReason.OTHER),
        lambda order_id: OrderExpired(order_id=order_id),
        lambda order_id: OrderCanceled(order_id=order_id),  # by the venue: nobody had asked for it
    ],
)
def test_an_order_that_is_gone_unasked_is_looked_at(gone: Callable[[ClientOrderId], AnyEvent]) -> None:
    story = game()
    placed = asked(story)
    before = looked(story)
    story.tell(gone(placed.order_id))
    story.wait(0.1)
    assert looked(story) > before


def test_what_changed_while_an_order_was_in_flight_is_acted_on_as_it_arrives() -> None:
    story = game()
    placed = asked(story)
    level(story, BID, 50, 20)
    story.wait(0.2)
    assert not story.all(AmendOrder)
    (amend,) = story.all(AmendOrder, accept(story, placed))
    assert (amend.order_id, amend.price) == (placed.order_id, cents(51))


def test_what_a_threshold_holds_back_is_looked_at_with_the_next_answer() -> None:
    story = game(msgspec.structs.replace(MatchSettings(), requote_threshold=cents(3)))
    placed = asked(story)
    accept(story, placed)
    level(story, BID, 50, 20)
    story.wait(0.1)
    assert not story.all(AmendOrder)
    assert not story.state.desks[M].settled


def test_a_place_waits_for_the_cancel_it_replaces_and_no_longer() -> None:
    """Where orders are not amended the new one is placed when the old one is gone."""
    story = game()
    spec = story.state.markets[A].spec
    assert spec is not None
    story.state.markets[A].spec = msgspec.structs.replace(spec, amendable=False)
    assert [c.instrument for c in story.all(CancelOrder, level(story, BID, 50, 20))] == [A]
    assert [(c.instrument, c.price) for c in story.all(PlaceOrder, story.wait(0.1))] == [(A, cents(51))]


def test_an_amend_taken_as_asked_leads_to_no_look() -> None:
    story = game()
    story.answering = False
    (amend,) = story.all(AmendOrder, level(story, BID, 50, 20))
    assert amend.price == cents(51)
    before = looked(story)
    story.wait(0.1)
    story.tell(OrderAmended(order_id=amend.order_id, price=amend.price, size=amend.size))
    story.wait(0.8)
    assert looked(story) == before


def test_what_a_limit_holds_back_is_looked_at_with_the_next_answer() -> None:
    story = game(msgspec.structs.replace(MatchSettings(), exposure_match=dollars(4)))
    assert story.rests(A)[0][1] < 10
    placed = asked(story)
    before = looked(story)
    accept(story, placed)
    story.wait(0.1)
    assert looked(story) > before


def test_what_is_held_back_for_a_moment_is_tried_again_after_it() -> None:
    story = game()
    story.wait(1)
    story.state.connections[K].budget.empty(story.ts)
    level(story, BID, 50, 20)
    assert not story.all(AmendOrder, story.wait(0.1))
    assert [c.price for c in story.all(AmendOrder, story.wait(0.3))] == [cents(51)]


def test_the_answer_to_a_cancel_that_no_look_sent_is_looked_at() -> None:
    story = game()
    story.wait(1)
    order = story.state.blotter.orders[story.order(A)]
    story.answering = False
    story.state.cancel(order)  # as whoever sheds risk does
    before = looked(story)
    story.tell(OrderCanceled(order_id=order.order_id))
    story.wait(0.1)
    assert looked(story) > before


def test_what_waits_for_another_order_is_not_tried_again_and_again() -> None:
    story = game()
    twin = MatchId("twin")
    story.add(match=twin, pays={A: (0,)})
    story.fair(0.525, 0.475, match=twin)
    story.wait(7)
    assert [o.match for o in story.state.blotter.on_book(A) if o.instrument == A] == [M]  # at one price
    looks = set()
    for _ in range(30):
        story.wait(0.1)
        looks.add(looked(story, twin))
    assert len(looks) <= 3


def test_a_kill_is_said_of_every_match_with_the_next_tick() -> None:
    story = game()
    story.tell(Kill(by="me"))
    story.wait(0.1)
    assert story.state.desks[M].reason is Reason.KILLED


def test_the_same_order_is_sent_again_as_soon_as_it_may() -> None:
    story = game()
    placed = asked(story)
    story.tell(OrderRejected(order_id=placed.order_id, reason=RejectReason.OTHER))
    assert not story.all(PlaceOrder, story.wait(0.2))
    assert [c.price for c in story.all(PlaceOrder, story.wait(0.1))] == [placed.price]


# ---- changes of a book


def test_only_we_have_moved() -> None:
    story = game()
    story.wait(1)
    before = looked(story)
    level(story, BID, 49, -10)  # the public book is behind: our order has gone, and is back
    level(story, BID, 49, 10)
    story.wait(0.2)
    assert looked(story) == before


def test_a_rival_that_joins_or_outbids_or_leaves_is_looked_at() -> None:
    for price, change in ((50, 20), (49, 20), (48, -100)):
        story = game()
        story.wait(1)
        assert is_looked_at(story, BID, price, change), (price, change)


def test_dust_before_the_rival_matters_only_when_it_comes_or_goes() -> None:
    story = game()
    level(story, ASK, 55, 2)  # two contracts are no rival
    story.wait(1)
    assert not is_looked_at(story, ASK, 55, -1)
    assert is_looked_at(story, ASK, 55, -1)


def test_dust_that_grows_into_a_rival_is_outbid() -> None:
    story = game()
    level(story, BID, 50, 2)
    story.wait(1)
    assert story.rests(A) == [(49, 10)]
    level(story, BID, 50, 4)
    story.wait(0.1)
    assert story.rests(A) == [(51, 10)]


def test_a_rival_where_an_order_of_ours_stood_a_moment_ago_is_seen_when_that_is_over() -> None:
    story = game()
    story.wait(1)
    desk, book = story.state.desks[M], story.state.markets[A].book
    assert book is not None
    desk.pause_side(1, Reason.TOXIC, Nanos(story.ts + 60 * SECOND))
    desk.urge(story.ts)
    story.wait(0.1)
    assert story.rests(A) == []
    level(story, BID, 49, 10)  # as many as ours: for a second they are taken for ours
    story.wait(0.8)
    assert book.bid_guard == book.index[cents(48)]
    story.wait(0.4)
    assert book.bid_guard == book.index[cents(49)]


def test_a_match_that_stands_aside_is_looked_at_with_every_change_up_front() -> None:
    story = game()
    level(story, ASK, 55, 2)
    story.tell(Pause(match=M))
    story.wait(1)
    assert is_looked_at(story, ASK, 55, -1)


def test_of_two_matches_on_one_book_both_are_looked_at() -> None:
    """The first one's look tells the book whom it saw: the second one has not seen him yet."""
    story = game()
    twin = MatchId("twin")
    story.add(match=twin, pays={A: (0,)})
    story.fair(0.525, 0.475, match=twin)
    level(story, BID, 50, 2)
    story.wait(6.5)
    before = looked(story), looked(story, twin)
    level(story, BID, 50, 4)
    assert looked(story) > before[0]
    assert looked(story, twin) > before[1]


def test_a_rival_that_shrinks_to_less_than_half_moves_the_microprice_and_is_looked_at() -> None:
    story = game()
    story.book(A, {51: 100}, {53: 100})
    story.wait(1)
    assert not is_looked_at(story, ASK, 53, -40)
    assert is_looked_at(story, ASK, 53, -20)


@pytest.mark.parametrize(("wide", "unseen", "seen"), [(8, -10, -5), (8, 20, 10), (20, -4, -2), (20, 8, 4)])
def test_the_wider_a_book_the_smaller_the_change_of_size_that_is_looked_at(
    wide: int, unseen: int, seen: int
) -> None:
    story = game()
    story.book(A, {48: 100}, {48 + wide: 100})
    story.wait(1)
    assert not is_looked_at(story, ASK, 48 + wide, unseen)
    assert is_looked_at(story, ASK, 48 + wide, seen)


def test_a_bid_held_down_by_our_own_offer_goes_up_as_soon_as_that_is_gone() -> None:
    """Both sides of one book: bids of ours never add up to a dollar, so one goes down before the other up."""
    story = Story()
    story.up()
    story.add(pays={A: (0,)}, settings=msgspec.structs.replace(MatchSettings(), shock_score=1000.0))
    story.book(A, {48: 100}, {50: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A) == [(49, 10)]
    story.fair(0.42, 0.58)
    assert story.rests(A.no) == [(50, 10)]  # 49 of ours and this leave no more
    story.wait(0.9)
    assert story.rests(A.no) == [(50, 10)]
    story.wait(0.2)  # by now our bid of 49 is surely gone from the book
    assert story.rests(A.no) == [(51, 10)]


def test_a_book_that_our_own_order_makes_sound_again_is_looked_at() -> None:
    story = game()
    story.wait(1)
    story.clerks[K].books.clear()  # no snapshot comes
    level(story, ASK, 49, 5)  # what is left of a taker, told before what it took
    assert story.state.desks[M].verdicts[1].reason is Reason.CROSSED_BOOK
    story.wait(0.1)
    assert is_looked_at(story, BID, 49, -10)


# ---- when nothing happens


def test_the_next_look_is_no_later_than_the_end_of_a_pause_of_a_side() -> None:
    story = game()
    desk = story.state.desks[M]
    desk.pause_side(1, Reason.TOXIC, Nanos(story.ts + 700 * MILLISECOND))
    desk.urge(story.ts)
    story.wait(0.1)
    assert story.rests(A) == []
    story.wait(0.7)
    assert story.rests(A)


# ---- odds


def test_a_line_that_is_only_seen_to_stand_can_wait_and_one_that_moved_or_did_not_count_cannot() -> None:
    story = Story().up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.odds(1.9, 2.1)
    story.wait(6.5)
    assert story.rests(A)
    before = looked(story)
    story.odds(1.9, 2.1)
    assert looked(story) == before
    story.odds(1.91, 2.09)
    assert looked(story) == story.ts
    story.wait(0.5)
    story.odds(1.9, 2.1, source="another")
    assert looked(story) == story.ts
    story.wait(0.5)
    story.tell(OddsSuspended(match=M, source="another"))
    story.wait(0.5)
    story.odds(1.9, 2.1, source="another")
    assert looked(story) == story.ts


def test_a_line_that_was_too_old_to_count_is_news() -> None:
    story = Story().up()
    story.add(settings=msgspec.structs.replace(MatchSettings(), age_max_odds_s=40))
    story.book(A, {48: 100}, {56: 100})
    told = OddsUpdate(match=M, source="another", odds=(1.9, 2.1))
    story.tell(told)
    story.odds(1.9, 2.1)  # told again every 30 s
    story.wait(45.5)
    assert story.state.desks[M].reason is not Reason.STALE_THEO
    assert looked(story) < story.ts
    story.tell(told)
    assert looked(story) == story.ts


def test_a_line_seen_to_stand_is_looked_at_while_the_match_stands_aside() -> None:
    story = Story().up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.odds(1.9, 2.1)
    story.wait(2.5)  # it warms up
    story.odds(1.9, 2.1)
    assert looked(story) == story.ts


def quoting_by_two_lines(settings: MatchSettings | None = None) -> Story:
    """A pinnacle line that `wait` repeats, and another one that it does not."""
    story = Story().up()
    story.add(settings=settings)
    story.book(A, {48: 100}, {56: 100})
    story.odds(1.9, 2.0)
    story.tell(OddsUpdate(match=M, source="another", odds=(1.9, 2.0), provider_wall=story.wall))
    story.wait(6.5)
    assert story.rests(A)
    return story


def test_a_line_that_moved_under_the_same_stamp_is_news() -> None:
    story = quoting_by_two_lines()
    stamp = story.state.desks[M].board.sources["another"].provider_wall
    story.tell(OddsUpdate(match=M, source="another", odds=(1.95, 1.95), provider_wall=stamp))
    assert looked(story) == story.ts


def test_odds_that_moved_and_mean_the_same_probability_are_news() -> None:
    """Who copies a line looks at its odds."""
    story = quoting_by_two_lines()
    for odds in ((1.9, 1.9), (1.8, 1.8)):
        story.wait(0.5)
        story.tell(OddsUpdate(match=M, source="another", odds=odds, provider_wall=story.wall))
        assert looked(story) == story.ts


def test_a_line_told_again_after_half_its_time_is_news() -> None:
    story = quoting_by_two_lines()
    told = OddsUpdate(match=M, source="another", odds=(1.9, 2.0))
    story.tell(told)
    for wait_s, news in ((89.5, False), (90.5, True)):
        story.wait(wait_s)
        story.tell(told)
        assert (looked(story) == story.ts) is news, wait_s


def test_a_repeat_that_is_not_looked_at_shows_in_the_ages() -> None:
    story = quoting_by_two_lines()
    story.wait(20)
    story.tell(OddsUpdate(match=M, source="another", odds=(1.9, 2.0), provider_wall=story.wall))
    assert looked(story) < story.ts
    view = picture.view(story.state, M)
    ages = {source.name: source.confirmed_age_ms for source in view.sources}
    assert ages["another"] == 0 < ages["pinnacle"]
    assert view.matches[0].theo_age_ms == 0


def test_a_setting_that_holds_for_a_while_is_back_before_anything_is_decided_by_it_once_more() -> None:
    story = game()
    story.wait(0.5)  # between two full seconds
    story.tell(SetSetting(match=M, key="contracts", value="4", for_s=2))
    story.wait(1.9)
    assert story.state.desks[M].settings.contracts == contracts(4)
    story.wait(0.1)
    assert story.state.desks[M].settings.contracts == contracts(10)
    assert looked(story) == story.ts
