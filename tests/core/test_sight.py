"""One look at the symbols of a match: what others show, and what is wrong, each found once."""

from __future__ import annotations

from console.core.instruments import Venue
from console.core.reasons import Reason
from console.core.sight import Sight
from console.core.units import SECOND, Nanos

from .story import A, B, M, Story, cents, contracts


def quoting() -> Story:
    story = Story()
    story.up()
    story.add()
    for instrument in (A, B):
        story.book(instrument, {40: 100}, {50: 100})
    return story


def look(story: Story, asked: list[Venue], down: Reason | None = None, later_s: int = 0) -> Sight:
    def trouble(venue: Venue) -> Reason | None:
        asked.append(venue)
        return down

    state = story.state
    return Sight(state.desks[M], state.blotter, trouble, Nanos(state.ts + later_s * SECOND))


def test_a_symbol_is_looked_at_once() -> None:
    asked: list[Venue] = []
    sight = look(quoting(), asked)
    assert [sight.trouble(A), sight.trouble(A), sight.trouble(B)] == [None, None, None]
    assert asked == [A.venue, B.venue]
    assert sight.faces(A) is sight.faces(A)


def test_bids_and_asks_are_those_of_others() -> None:
    bids, asks = look(quoting(), []).faces(A)
    assert bids.rival(1) == (cents(40), contracts(100))
    assert asks.rival(1) == (cents(50), contracts(100))  # in prices of the NO leg


def test_trouble_of_the_venue_comes_before_that_of_the_book() -> None:
    story = quoting()
    assert look(story, [], later_s=60).trouble(A) is Reason.STALE_BOOK
    assert look(story, [], down=Reason.VENUE_DOWN, later_s=60).trouble(A) is Reason.VENUE_DOWN
