"""Stories of two symbols that are the sides of one pool of bets: our order on one shows in both books."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.book import Face
from console.core.events import BookSnapshot
from console.core.instruments import BookSide
from console.core.ladders import price_of_american
from console.core.settings import MatchSettings

from .story import ONE, M, Story, X, cents, contracts
from .test_story_copy import EXCHANGE, FAVOURITE, OTHER, copying


def pooled(settings: MatchSettings | None = None) -> Story:
    """A fair match at a betting exchange; others bid 45 cents on both sides."""
    story = Story(X)
    story.up()
    pays = {FAVOURITE: (0,), OTHER: (1,)}
    specs = {
        FAVOURITE: msgspec.structs.replace(EXCHANGE, mirror="other"),
        OTHER: msgspec.structs.replace(EXCHANGE, mirror="favourite"),
    }
    story.add(pays=pays, specs=specs, settings=settings)
    story.fair(0.5, 0.5)
    return story


def show(story: Story) -> None:
    """Both books as the venue would show them: others' bids at 45.0 and ours, each also as an ask."""
    bids = {FAVOURITE: {price_of_american(122): contracts(100)}, OTHER: {price_of_american(122): 100 * ONE}}
    for resting in story.clerks[X].orders.values():
        side = bids[resting.place.instrument]
        side[resting.price] = side.get(resting.price, 0) + resting.left
    for instrument, other in ((FAVOURITE, OTHER), (OTHER, FAVOURITE)):
        asks = tuple((ONE - price, size) for price, size in bids[other].items())
        story.tell(BookSnapshot(instrument=instrument, bids=tuple(bids[instrument].items()), asks=asks))


def face(story: Story, side: BookSide) -> Face:
    return story.state.markets[FAVOURITE].face(story.state.blotter, side)


def test_our_order_on_the_other_side_is_no_rival_of_ours() -> None:
    story = pooled()
    show(story)
    story.wait(6)
    show(story)
    (ours,) = story.rests(OTHER)
    assert ours[0] > 45.05  # we are best there, so our ask is the best in the favourite's book
    assert face(story, BookSide.ASK).rival(contracts(5)) == (price_of_american(122), contracts(100))
    own = story.state.blotter.own_sizes(FAVOURITE, BookSide.ASK)
    assert own == {ONE - cents(ours[0]): contracts(ours[1])}


def test_the_book_of_the_pool_is_a_source_without_ourselves() -> None:
    story = pooled()
    show(story)
    story.wait(6)
    show(story)
    story.wait(1)
    assert story.state.desks[M].board.sources["prophetx"].primary == pytest.approx((0.5, 0.5))


def test_a_venue_that_takes_the_mirror_back_is_believed() -> None:
    story = copying(-110, +100)
    assert story.state.blotter.own_sizes(FAVOURITE, BookSide.ASK) == {}
    story.state.blotter.mirror(FAVOURITE, "other")
    assert len(story.state.blotter.own_sizes(FAVOURITE, BookSide.ASK)) == 1
    story.state.blotter.mirror(FAVOURITE, "")
    assert story.state.blotter.own_sizes(FAVOURITE, BookSide.ASK) == {}


def test_the_mirror_outlives_a_restart() -> None:
    story = pooled()
    show(story)
    story.wait(6)
    later = story.restart()
    assert len(later.state.blotter.own_sizes(FAVOURITE, BookSide.ASK)) == 1


@given(st.integers(100, 10_000))
def test_odds_and_their_opposite_are_a_dollar_together(odds: int) -> None:
    assert price_of_american(odds) + price_of_american(-odds) == ONE


@pytest.mark.parametrize("odds", [412, 2460])
def test_half_a_millionth_goes_to_one_side_only(odds: int) -> None:
    assert price_of_american(odds) + price_of_american(-odds) == ONE  # 195312.5 and 804687.5
