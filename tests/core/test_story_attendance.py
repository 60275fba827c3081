"""Stories of who watches: less may rest at a venue without a dead man's switch while nobody does."""

from __future__ import annotations

import msgspec

from console.core import picture
from console.core.commands import CancelOrder
from console.core.events import (
    ConsoleBack,
    ConsoleLost,
    Kill,
    OnConsoleLost,
    PrivateConfirmed,
    VenueLimits,
    Watched,
)
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.reasons import Reason

from .story import M, Story, X, dollars
from .test_story_copy import EXCHANGE, FAVOURITE, OTHER, copying, decimal

LIMITS = VenueLimits(
    venue=X, write_per_s=50, write_burst=50, place=1, amend=1, cancel=1, unattended_max=dollars(150)
)


def attended() -> Story:
    """Two bets of a hundred dollars each rest; a console is attached and the watchdog watches."""
    story = copying(-110, +100)
    story.tell(ConsoleBack())
    story.tell(Watched())
    story.tell(LIMITS)
    story.wait(2)
    assert story.resting() == 2
    return story


def test_with_a_console_and_a_watchdog_the_bound_does_not_hold() -> None:
    story = attended()
    assert story.all(CancelOrder, story.wait(10)) == []


def test_a_lost_console_leaves_no_more_than_the_bound() -> None:
    story = attended()
    sent = story.tell(ConsoleLost(policy=OnConsoleLost.KEEP)) + story.wait(3)
    assert [c.instrument for c in story.all(CancelOrder, sent)] == [OTHER]  # the younger one
    # what fits into the fifty dollars left is quoted again
    assert sum(price * count / 100 for price, count in story.rests(FAVOURITE) + story.rests(OTHER)) <= 150.0
    assert story.rests(FAVOURITE) == [(50.0, 200.0)]


def test_the_limit_has_a_name_where_nothing_fits_any_more() -> None:
    story = attended()
    story.tell(msgspec.structs.replace(LIMITS, unattended_max=dollars(100)))
    story.tell(ConsoleLost(policy=OnConsoleLost.KEEP))
    story.wait(3)
    verdict = story.state.desks[M].verdicts[0b10]
    assert (verdict.reason, verdict.limit) == (Reason.LIMIT, "max_unattended_exposure")
    story.tell(ConsoleBack())
    story.wait(6)
    assert story.resting() == 2


def test_a_watchdog_that_is_gone_is_an_alarm_and_bounds_too() -> None:
    story = attended()
    story.tell(Watched(why="it has given no sign of life for 5 s"))
    story.wait(3)
    assert "nobody watches over the engine: it has given no sign of life for 5 s" in story.alerts()
    assert picture.view(story.state, M).unwatched == "it has given no sign of life for 5 s"
    assert story.rests(FAVOURITE) == [(50.0, 200.0)]
    assert sum(price * count / 100 for price, count in story.rests(OTHER)) <= 50.0
    story.tell(Watched())
    assert picture.view(story.state, M).unwatched == ""


def test_the_same_word_of_the_watchdog_is_no_second_alarm() -> None:
    story = attended()
    for _ in range(3):
        story.tell(Watched(why="not started"))
    assert story.alerts().count("nobody watches over the engine: not started") == 1


def test_nothing_is_trimmed_while_a_kill_sweeps() -> None:
    story = attended()
    story.answering = False
    story.tell(Kill(by="test"))
    assert story.all(CancelOrder, story.tell(Watched(why="gone"))) == []


def test_a_venue_without_the_bound_is_left_alone() -> None:
    story = copying(-110, +100)
    story.tell(Watched(why="gone"))
    assert story.all(CancelOrder, story.wait(5)) == []


# ---- the rest of what a betting exchange tells


def test_what_rests_may_come_to_a_multiple_of_the_cash_where_cash_leaves_on_a_match() -> None:
    for multiple, expected in ((0, [100]), (1, [100]), (2, [100, 100])):
        story = Story(X, account=ACCOUNT_PRESETS["sharp_copy"])
        story.clerks[X].cash = dollars(102)  # the clerk takes nothing out when an order is placed
        story.tell(msgspec.structs.replace(LIMITS, unattended_max=None, resting_multiple=multiple))
        story.up()
        pays = {FAVOURITE: (0,), OTHER: (1,)}
        story.add(pays=pays, settings=PRESETS["sharp_copy"], specs=dict.fromkeys(pays, EXCHANGE))
        for instrument in pays:
            story.book(instrument, {}, {})
        story.odds(decimal(-110), decimal(100))
        story.wait(5.5)
        stakes = [round(price * count / 100) for i in pays for price, count in story.rests(i)]
        assert [stake for stake in stakes if stake > 2] == expected, multiple


def test_a_private_stream_that_is_intact_keeps_us_from_being_blind() -> None:
    story = copying(-110, +100)
    story.talking = False
    for _ in range(4):
        story.wait(5)
        story.tell(PrivateConfirmed(venue=X))
    assert story.state.connections[X].trouble(story.state.settings, story.ts) is None
    story.answering = False
    story.wait(16)
    assert story.state.connections[X].trouble(story.state.settings, story.ts) is Reason.FILLS_BLIND


def test_an_order_that_a_limit_keeps_small_is_not_refilled_in_vain() -> None:
    story = attended()
    story.tell(msgspec.structs.replace(LIMITS, unattended_max=dollars(130)))
    story.tell(ConsoleLost(policy=OnConsoleLost.KEEP))
    story.wait(5)
    assert len(story.rests(OTHER)) == 1  # thirty dollars of the hundred wanted
    assert story.all(CancelOrder, story.wait(30)) == []
