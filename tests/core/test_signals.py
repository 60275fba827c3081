"""What is shown beside the price: rivals that answer, the regime, and what a whole set costs."""

from __future__ import annotations

from console.core.regime import Motion, Regime
from console.core.rivals import Rivals
from console.core.settings import MatchSettings
from console.core.signals import cheapest_basket, rivalry
from console.core.units import MILLISECOND, ONE, SECOND, Nanos

from .story import PA, PB, A, B, K, M, P, Story, cents, dollars, game


def at(seconds: float) -> Nanos:
    return Nanos(round(seconds * SECOND))


# ---- rivals


def test_a_rival_that_outbids_or_joins_within_ten_seconds_has_answered() -> None:
    rivals = Rivals()
    rivals.look(50, 49, at(0))
    rivals.look(50, 49, at(1))
    rivals.look(50, 51, at(1.5))
    assert list(rivals.waits) == [1500]
    rivals.look(52, 51, at(2))
    rivals.look(52, 52, at(4))
    assert list(rivals.waits) == [1500, 2000]


def test_a_top_left_alone_is_counted_once() -> None:
    rivals = Rivals()
    for second in range(60):
        rivals.look(50, 49, at(second))
    rivals.look(50, 51, at(60))  # too late to be an answer
    assert list(rivals.waits) == [None]


def test_leaving_by_ourselves_teaches_nothing() -> None:
    rivals = Rivals()
    rivals.look(50, 49, at(0))
    rivals.look(48, 49, at(1))  # a retest
    rivals.look(50, 49, at(2))
    rivals.look(None, 49, at(3))
    rivals.look(50, None, at(4))
    assert not rivals.waits


def test_rivals_are_told_of_a_match() -> None:
    story = game()  # bids 49 over 48, and 44 over 43
    story.book(A, {50: 100}, {56: 100})
    story.wait(1)
    told = rivalry(story.state.desks[M])
    assert (told.taken, told.answered) == (1, 1)
    assert told.median_ms is not None
    assert told.median_ms * MILLISECOND < 10 * SECOND


def test_who_outbids_an_order_that_was_never_sent_has_not_answered() -> None:
    story = game(MatchSettings(exposure_match=dollars(0.3)))
    assert story.rests(A) == []
    for best in (47, 48, 50, 51):
        story.book(A, {best: 100}, {56: 100})
        story.wait(1)
    assert rivalry(story.state.desks[M]).taken == 0


# ---- regime


def moved(*moves: int) -> Motion | None:
    regime, fair = Regime(), 500_000
    for number in range(Regime.WINDOW):
        fair += moves[number % len(moves)]
        regime.sample(fair)
    return regime.motion


def test_fair_value_is_calm_going_somewhere_or_to_and_fro() -> None:
    assert moved(10, -10) is Motion.CALM
    assert moved(2_000, -500) is Motion.TREND
    assert moved(2_000, -1_900) is Motion.CHOP


def test_nothing_is_said_before_there_are_fifty() -> None:
    regime = Regime()
    for _ in range(Regime.WINDOW - 1):
        regime.sample(ONE // 2)
    assert regime.motion is None


# ---- a full set


def test_a_full_set_is_bought_where_it_is_cheapest_legs_of_no_included() -> None:
    story = game()  # A is offered at 56, or by NO of B at 57; B at 54, or by NO of A at 52
    story.book(B, {43: 100}, {54: 100})
    basket = cheapest_basket(story.state, story.state.desks[M])
    assert basket is not None
    assert basket.cost == cents(56 + 52)
    assert basket.profit < 0
    assert not basket.across


def test_two_venues_apart_may_be_an_arbitrage_and_a_stale_book_is_none() -> None:
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    story.book(A, {40: 100}, {45: 100})
    story.book(B, {53: 100}, {58: 100})
    story.book(PA, {49: 100}, {55: 100})
    story.book(PB, {46: 100}, {50: 100})
    basket = cheapest_basket(story.state, story.state.desks[M])
    assert basket is not None
    assert [leg.instrument for leg in basket.legs] == [A, PB]
    assert (basket.profit, basket.across) == (cents(5), True)
    for symbol in (A, B):
        story.clerks[K].books.clear()
        story.state.markets[symbol].book.distrust("gap")
    apart = cheapest_basket(story.state, story.state.desks[M])
    assert apart is not None
    assert [leg.instrument for leg in apart.legs] == [PA, PB]
