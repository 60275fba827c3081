"""The life of a match: each state, what leads into it, and who may lead out of it again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.core.commands import CancelOrder, PlaceOrder
from console.core.events import (
    BookStale,
    GameEnded,
    GameStarted,
    Kill,
    OddsSuspended,
    Pause,
    Rearm,
    Resume,
    VenueDown,
    VenueUp,
)
from console.core.matches import Phase
from console.core.matches import State as Stage
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import SECOND, Nanos

from .story import NOON, A, B, K, M, Story, with_values

SETTINGS = MatchSettings()
MINUTE = 60 * SECOND


def match(settings: MatchSettings = SETTINGS, **facts: object) -> Story:
    """Connected, its books and its line there, nothing said to the engine for a while yet."""
    story = Story()
    story.up()
    story.add(settings=settings, **facts)
    sound(story)
    return story


def sound(story: Story) -> None:
    """Everything is as it should be."""
    story.book(A, {48: 100, 47: 100}, {56: 100})
    story.book(B, {43: 100, 42: 100}, {51: 100})
    story.odds(1 / 0.525, 1 / 0.475)


def quoting(settings: MatchSettings = SETTINGS, **facts: object) -> Story:
    story = match(settings, **facts)
    story.wait(6)
    assert stage(story) is Stage.QUOTING
    return story


def stage(story: Story) -> Stage:
    return story.state.desks[M].stage


# ---- in


def test_a_new_match_waits_for_its_data_then_warms_up_then_quotes() -> None:
    story = Story()
    story.up()
    story.add()
    story.wait(1)
    assert stage(story) is Stage.WAIT_DATA
    sound(story)
    story.wait(4.8)
    assert (stage(story), story.state.desks[M].reason) == (Stage.WAIT_DATA, Reason.WARM_UP)
    story.wait(0.5)
    assert stage(story) is Stage.QUOTING


def test_data_that_comes_and_goes_begins_the_warm_up_anew() -> None:
    story = match()
    story.wait(4)
    story.tell(BookStale(instrument=A, why="gap"))
    story.tell(BookStale(instrument=B, why="gap"))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    assert story.all(PlaceOrder, story.wait(4.5)) == []
    story.wait(1)
    assert stage(story) is Stage.QUOTING


# ---- out and back again

Deed = Callable[[Story], object]


def both_stale(story: Story) -> None:
    story.clerks[K].books.clear()
    story.tell(BookStale(instrument=A, why="gap"))
    story.tell(BookStale(instrument=B, why="gap"))


def line_down(story: Story) -> None:
    story.lines.clear()
    story.tell(OddsSuspended(match=M, source="pinnacle"))


def shock(story: Story) -> None:
    story.odds(1 / 0.565, 1 / 0.435)


def down(story: Story) -> None:
    story.tell(VenueDown(venue=K, why="gone"))


def disagree(story: Story) -> None:
    story.odds(1 / 0.60, 1 / 0.40, source="book1")


def agree(story: Story) -> None:
    story.odds(1 / 0.525, 1 / 0.475, source="book1")


@pytest.mark.parametrize(
    ("trouble", "reason", "mend", "pause_s"),
    [
        (both_stale, Reason.STALE_BOOK, sound, 5),
        (line_down, None, sound, 5),
        (disagree, Reason.DISAGREEMENT, agree, 5),
        (down, Reason.VENUE_DOWN, lambda s: (s.tell(VenueUp(venue=K)), sound(s)), 5),
        (shock, Reason.SHOCK, lambda s: None, 19),  # ten seconds after the last shocked sample
    ],
    ids=["books", "line", "sources", "venue", "shock"],
)
def test_causes_in_the_data_lift_by_themselves_after_a_while(
    trouble: Deed, reason: Reason | None, mend: Deed, pause_s: int
) -> None:
    story = quoting()
    story.wait(60)
    trouble(story)
    story.wait(0.2)
    assert (stage(story), story.resting()) == (Stage.PAUSED, 0)
    assert reason is None or story.state.desks[M].reason is reason
    mend(story)
    assert story.all(PlaceOrder, story.wait(pause_s - 0.5)) == []
    story.wait(3)
    assert stage(story) is Stage.QUOTING
    assert story.resting() == 2


@pytest.mark.parametrize(
    ("cause", "lift", "not_by"),
    [
        (lambda s: s.tell(Pause(match=M)), lambda s: s.tell(Resume(match=M)), lambda s: sound(s)),
        (lambda s: s.tell(Pause()), lambda s: s.tell(Resume()), lambda s: s.tell(Resume(match=M))),
        (
            lambda s: s.tell(Kill(by="operator")),
            lambda s: s.tell(Rearm(word="RESUME", reason="looked")),
            lambda s: (s.tell(Resume()), s.tell(Resume(match=M))),
        ),
    ],
    ids=["pause", "pause of all", "kill"],
)
def test_causes_of_the_operator_are_lifted_by_the_operator_only(
    cause: Deed, lift: Deed, not_by: Deed
) -> None:
    story = quoting()
    cause(story)
    story.wait(1)
    assert (stage(story), story.resting()) == (Stage.PAUSED, 0)
    sound(story)
    not_by(story)
    assert story.all(PlaceOrder, story.wait(120)) == []
    lift(story)
    story.wait(8)
    assert stage(story) is Stage.QUOTING


# ---- the end


@pytest.mark.parametrize(
    ("stop_s", "in_play", "seconds", "phase"),
    [
        (60, False, 539, Phase.PREMATCH),
        (60, False, 541, Phase.STOP_QUOTING),
        (900, False, 1, Phase.STOP_QUOTING),
        (900, True, 599, Phase.PREMATCH),  # what stops before the start does not stop whoever goes on
        (900, True, 601, Phase.INPLAY),
        (60, True, 600 + 7200 - 601, Phase.INPLAY),
        (60, True, 600 + 7200 - 599, Phase.STOP_QUOTING),  # ten minutes before the scheduled end
    ],
)
def test_the_clock_moves_the_phase(stop_s: int, in_play: bool, seconds: int, phase: Phase) -> None:
    start = Nanos(NOON + 10 * MINUTE)
    settings = with_values(SETTINGS, stop_before_start_s=stop_s, in_play=in_play)
    story = match(settings, start=start, end=Nanos(start + 120 * MINUTE))
    assert story.state.desks[M].phase_at(Nanos(NOON + seconds * SECOND)) is phase


def test_at_its_stop_time_a_match_pulls_everything_and_is_done_for_good() -> None:
    story = quoting(with_values(SETTINGS, stop_before_start_s=60), start=Nanos(NOON + 90 * SECOND))
    sent = story.wait(26)
    assert len(story.all(CancelOrder, sent)) == 2
    assert stage(story) is Stage.DONE
    sound(story)
    assert story.all(PlaceOrder, story.wait(300)) == []
    story.tell(Resume(match=M))
    assert story.all(PlaceOrder, story.wait(30)) == []


@pytest.mark.parametrize("event", [GameStarted(match=M), GameEnded(match=M)], ids=["started", "ended"])
def test_what_the_venue_or_feed_says_stops_it_whatever_our_clock_says(event: GameStarted | GameEnded) -> None:
    story = quoting(start=Nanos(NOON + 60 * MINUTE))
    assert len(story.all(CancelOrder, story.tell(event))) == 2
    story.wait(1)
    assert stage(story) is Stage.DONE


def test_our_clock_stops_it_whatever_the_venue_says() -> None:
    story = quoting(start=Nanos(NOON + 70 * SECOND))
    story.wait(5)
    assert story.resting() == 0
    assert stage(story) is Stage.DONE


def test_in_play_it_goes_on_from_the_first_minute_to_the_end() -> None:
    settings = with_values(SETTINGS, in_play=True, frozen_inplay_s=10_000)
    story = quoting(settings, start=Nanos(NOON + 20 * SECOND), end=Nanos(NOON + 20 * MINUTE))
    story.wait(20)
    assert (story.state.desks[M].phase, stage(story)) == (Phase.INPLAY, Stage.QUOTING)
    story.wait(9 * 60)
    assert stage(story) is Stage.QUOTING
    story.wait(40)
    assert stage(story) is Stage.DONE
