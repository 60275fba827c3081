"""Stories of odds feeds: one book over several, three ages, start, end and credits."""

from __future__ import annotations

import msgspec
import pytest

from console.core import checkpoint
from console.core.commands import CancelOrder, PlaceOrder, UnwatchOdds, WatchOdds
from console.core.events import (
    AddMatch,
    OddsSuspended,
    OddsUpdate,
    SetTheo,
)
from console.core.matches import State as Stage
from console.core.pairing import Proof
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import MILLISECOND, SECOND, Nanos

from .feed_story import SETTINGS, Feeds, market, tale
from .story import NOON, PA, PB, A, B, K, M, P, with_values

# ---- one book over two feeds


def two_feeds() -> Feeds:
    story = tale(50)
    for feed in ("feed1", "feed2"):
        story.pair(feed, event=f"{feed}-e")
        story.line(0.51, 0.49, feed=feed)
    story.wait(1)
    return story


def test_one_book_over_two_feeds_is_one_source() -> None:
    story = two_feeds()
    theo = story.state.desks[M].theo
    assert theo is not None
    assert sorted(s.name for s in theo.sources) == ["kalshi", "pinnacle"]


def test_the_fresher_look_counts_and_says_who_brought_it() -> None:
    story = two_feeds()
    story.wait(60)
    story.line(0.52, 0.48, feed="feed1", lag_s=5)
    story.line(0.51, 0.49, feed="feed2", lag_s=40)  # older than what is known
    assert story.source().probabilities == (520_000, 480_000)
    assert story.source().feed == "feed1"
    story.wait(30)
    story.line(0.53, 0.47, feed="feed2", lag_s=10)
    assert (story.source().probabilities, story.source().feed) == ((530_000, 470_000), "feed2")


def test_a_feed_without_stamps_that_lags_does_not_turn_the_price_back() -> None:
    story = two_feeds()
    story.wait(60)
    story.line(0.53, 0.47, feed="feed1")
    story.wait(10)
    story.line(0.51, 0.49, feed="feed2", stamped=False, changed_s=300)
    assert (story.source().probabilities, story.source().feed) == ((530_000, 470_000), "feed1")
    story.line(0.53, 0.47, feed="feed2", stamped=False, changed_s=20)  # it caught up: a fresh confirmation
    assert (story.source().confirmed_age_ms, story.source().feed) == (0, "feed2")


def test_one_price_rounded_by_another_feed_is_no_move() -> None:
    """American whole numbers differ from decimal odds by a tenth of a cent: the price still stands since."""
    story = two_feeds()
    story.wait(60)
    story.line(0.5095, 0.4905, feed="feed1")
    shown = story.source()
    assert (shown.feed, shown.confirmed_age_ms, shown.change_age_ms) == ("feed1", 0, 61_000)
    assert shown.probabilities == (510_000, 490_000)
    story.line(0.513, 0.487, feed="feed2")
    assert story.source().change_age_ms == 0


def test_when_one_feed_falls_silent_the_other_carries_on_from_the_price_that_is_known() -> None:
    story = two_feeds()
    story.line(0.53, 0.47, feed="feed1")
    for _ in range(8):  # its price is older than one that is known: it confirms nothing
        story.wait(30)
        story.line(0.51, 0.49, feed="feed2", stamped=False, changed_s=400)
    assert story.note() == "stale"
    story.line(0.53, 0.47, feed="feed2", stamped=False, changed_s=200)
    assert (story.note(), story.source().feed) == ("", "feed2")
    for _ in range(8):
        story.wait(30)
        story.line(0.53, 0.47, feed="feed2", stamped=False, changed_s=200)
    assert story.note() == ""


def test_a_feed_that_never_had_a_line_takes_nobody_elses_down() -> None:
    story = tale(62)
    story.pair()
    story.line(0.62, 0.38)
    story.wait(6)
    story.pair("feed2", event="e2")
    sent = story.tell(OddsSuspended(match=M, source="pinnacle", feed="feed2", why="no h2h offered"))
    assert story.all(CancelOrder, sent) == []
    assert story.note() == ""
    story.line(0.62, 0.38, feed="feed2", lag_s=-70)
    assert story.note() == ""


def test_a_book_that_is_not_offered_says_why_there_is_no_theo() -> None:
    story = tale(62)
    story.pair()
    story.tell(OddsSuspended(match=M, source="pinnacle", feed="feed1", why="its prices are 3-way"))
    assert (story.note(), story.source().feed) == ("its prices are 3-way", "feed1")
    story.line(0.62, 0.38)
    assert story.note() == ""


def test_a_doubt_about_names_that_goes_lets_prices_decide() -> None:
    """The operator gives the match its start: the same event, now beyond doubt."""
    story = tale(62)
    story.pair(doubt="the match has no start to tell the day by")
    story.line(0.62, 0.38)
    story.pair()
    story.line(0.62, 0.38)
    assert story.note() == ""
    story.pair(doubt="names only 70 alike")  # and the other way round
    story.wait(1)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
    assert story.resting() == 0


def test_a_line_one_feed_took_down_comes_back_by_what_another_saw_later() -> None:
    story = two_feeds()
    story.wait(10)
    story.tell(OddsSuspended(match=M, source="pinnacle", feed="feed1", why="suspended"))
    story.line(0.51, 0.49, feed="feed2", lag_s=5)  # seen before it was taken down
    assert story.note() == "suspended"
    story.wait(10)
    story.line(0.51, 0.49, feed="feed2", lag_s=5)
    assert story.note() == ""


def test_a_stamp_in_our_future_proves_nothing() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49)
    story.wait(6)
    story.line(0.51, 0.49, lag_s=-59)
    assert story.note() == ""
    story.line(0.51, 0.49, lag_s=-61)
    assert story.note() == "stamp ahead of our clock"
    assert story.resting() == 0


def test_a_price_seen_earlier_that_arrives_later_is_no_news() -> None:
    story = tale(50)
    story.pair()
    story.line(0.53, 0.47, lag_s=1)
    story.wait(20)
    story.line(0.51, 0.49, lag_s=30)  # overtaken on its way
    assert (story.source().probabilities, story.source().confirmed_age_ms) == ((530_000, 470_000), 21_000)
    story.wait(200)  # however long ago the newer one came
    story.line(0.51, 0.49, lag_s=240)
    assert story.source().probabilities == (530_000, 470_000)
    story.line(0.51, 0.49, lag_s=5)
    assert story.source().probabilities == (510_000, 490_000)


def test_one_feeds_late_price_does_not_turn_back_what_another_saw_after_it() -> None:
    story = two_feeds()
    story.line(0.53, 0.47, feed="feed1")
    story.wait(240)
    story.line(0.51, 0.49, feed="feed2", lag_s=241)
    assert (story.source().probabilities, story.source().feed) == ((530_000, 470_000), "feed1")


def test_a_clock_set_back_makes_no_line_younger_than_its_stamp_is_known() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49, lag_s=30)
    stamp = story.state.desks[M].board.sources["pinnacle"].provider_wall
    story.wait(100)
    story.wall = Nanos(story.wall - 80 * SECOND)
    repeated = OddsUpdate(
        match=M, source="pinnacle", odds=(1 / 0.51, 1 / 0.49), provider_wall=stamp, feed="feed1", poll_s=60
    )
    story.tell(repeated)
    assert story.wall - stamp < 60 * SECOND  # so old it seems now
    assert story.source().confirmed_age_ms == 100_000  # so long at least it has been known
    story.wait(81)
    story.tell(repeated)
    assert story.note() == "stale"


@pytest.mark.parametrize("name", ["kalshi", "polymarket", "prophetx", "novig", "manual"])
def test_odds_that_call_themselves_a_venue_or_the_operator_are_refused_with_one_line(name: str) -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49)
    story.wait(6)
    before = {each: board.primary for each, board in story.state.desks[M].board.sources.items()}
    for _ in range(3):
        story.line(0.70, 0.30, source=name)
        story.tell(OddsSuspended(match=M, source=name, feed="feed1"))
    board = story.state.desks[M].board
    assert {each: source.primary for each, source in board.sources.items()} == before
    assert {source.note for source in board.sources.values()} == {""}
    said = [line.text for line in story.state.log if "is no sportsbook" in line.text]
    assert said == [f"feed1: {name} is no sportsbook: its prices are not taken as odds"]
    assert story.resting() == 2


# ---- ages


def test_three_stamps_of_a_line_are_shown() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49, lag_s=20, changed_s=400)
    story.wait(5)
    shown = story.source()
    assert (shown.change_age_ms, shown.stamp_age_ms, shown.received_age_ms) == (405_000, 25_000, 5_000)
    assert shown.confirmed_age_ms == 25_000
    assert shown.odds == pytest.approx((1 / 0.51, 1 / 0.49))
    assert [name for name, _ in shown.methods] == [
        "multiplicative",
        "additive",
        "power",
        "shin",
        "odds_ratio",
        "probit",
    ]


@pytest.mark.parametrize(("poll_s", "limit_s"), [(60, 180), (100, 300), (300, 900), (3600, 900)])
def test_a_line_may_be_as_old_as_three_polls_but_never_older_than_a_quarter_of_an_hour(
    poll_s: int, limit_s: int
) -> None:
    story = tale(50)
    story.pair()
    update = OddsUpdate(
        match=M, source="pinnacle", odds=(2.0, 2.0), provider_wall=story.wall, feed="feed1", poll_s=poll_s
    )
    story.tell(update)
    story.wait(limit_s - 1)
    assert story.resting() == 2
    story.wait(2)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.NO_THEO  # the market we quote on is left


def signalled(settings: MatchSettings = SETTINGS) -> Feeds:
    """Quoted on Kalshi; Polymarket is only looked at. The sharp line comes over a feed."""
    story = Feeds(K, P)
    story.up()
    story.add(
        pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, signals=(PA, PB), settings=settings, start=Nanos(0)
    )
    market(story, 50)
    story.book(PA, {49: 500}, {51: 500})
    story.book(PB, {49: 500}, {51: 500})
    story.pair()
    story.line(0.50, 0.50)
    story.poll(20, 0.50, 0.50)
    assert story.resting() == 2
    return story


def drift(story: Feeds) -> None:
    """Polymarket's microprice goes from 50.0 to 51.6: no shock, but more than 1 ¢ and 3 sigma."""
    story.book(PA, {50: 400}, {52: 100})
    story.book(PB, {47: 700}, {49: 300})


def test_a_quiet_market_keeps_its_quotes_however_long_the_line_stands() -> None:
    story = signalled()
    cancels = len(story.all(CancelOrder))
    story.poll(240, 0.50, 0.50)  # two hours
    assert story.resting() == 2
    assert story.source().change_age_ms > 7_200_000
    assert len(story.all(CancelOrder)) == cancels


def test_stamps_that_advance_while_another_moved_make_a_line_suspect_on_schedule() -> None:
    story = signalled()
    drift(story)
    story.wait(9)
    story.line(0.50, 0.50)
    assert story.note() == ""  # a flicker of nine seconds is no evidence
    story.wait(2.5)
    assert story.note() == "suspect: others moved"
    story.line(0.50, 0.50)  # a fresh stamp proves a poll, not a price
    assert story.note() == "suspect: others moved"
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.STALE_THEO
    story.poll(20, 0.50, 0.50)
    assert story.resting() == 0
    story.line(0.516, 0.484)  # it moves too: trusted again, quoted after the warm-up
    story.wait(6)
    assert story.note() == ""
    assert story.resting() == 2


def test_one_soft_book_alone_does_not_talk_us_out_of_the_sharp_line() -> None:
    story = signalled()
    story.pair("feed3", event="e3")
    for chances, seconds in (((0.5, 0.5), 320), ((0.53, 0.47), 15)):
        for _ in range(seconds):
            story.wait(1)
            story.line(*chances, feed="feed3", source="softbook")
            if story.ts % (30 * SECOND) == 0:
                story.line(0.50, 0.50)
    assert story.note() == ""
    assert story.resting() == 2


def test_a_shock_over_a_feed_pauses_until_ten_seconds_after_the_last_shocked_sample() -> None:
    story = signalled()
    sent = story.line(0.535, 0.465)
    assert len(story.all(CancelOrder, sent)) == 2  # type: ignore[arg-type]
    assert story.state.desks[M].reason is Reason.SHOCK
    # the price of ten seconds ago differs in the samples 0 to 9 s after the jump; then ten seconds more
    assert story.all(PlaceOrder, story.wait(18.8)) == []
    story.wait(0.5)
    assert story.resting() == 2


# ---- start, end, credits


def test_a_feed_that_starts_earlier_than_we_thought_stops_us_earlier() -> None:
    hour = 3600 * SECOND
    story = tale(50, start=Nanos(NOON + 2 * hour))
    story.pair(start=Nanos(NOON + hour))
    story.line(0.51, 0.49)
    assert any("starts 60 min before our start time" in alert for alert in story.alerts())
    assert story.state.desks[M].start == NOON + hour
    story.pair(start=Nanos(NOON + 3 * hour))  # a later one moves nothing
    assert story.state.desks[M].start == NOON + 2 * hour


def test_an_unproven_event_does_not_move_the_start() -> None:
    story = tale(50, start=Nanos(NOON + 3600 * SECOND))
    story.pair(doubt="names only 70 alike", start=Nanos(NOON + 60 * SECOND))
    assert story.state.desks[M].start == NOON + 3600 * SECOND


def test_a_match_that_is_done_costs_no_more_credits() -> None:
    story = tale(50, start=Nanos(NOON + 100 * SECOND))
    story.pair()
    story.line(0.51, 0.49)
    sent = story.wait(45)
    assert story.state.desks[M].stage is Stage.DONE
    assert [c.match for c in story.all(UnwatchOdds, sent)] == [M]
    assert story.all(UnwatchOdds, story.wait(60)) == []
    desk = story.state.desks[M]
    postponed = msgspec.structs.replace(desk.spec, start=Nanos(NOON + 7200 * SECOND))
    sent = story.tell(AddMatch(spec=postponed, settings=desk.settings)) + story.wait(6)
    assert [c.spec.start for c in story.all(WatchOdds, sent)] == [postponed.start]


def test_a_value_typed_to_expire_is_not_renewed_by_a_restart() -> None:
    story = tale(50, settings=with_values(SETTINGS, manual_ttl_s=100))
    story.tell(SetTheo(match=M, odds=(2.0, 2.0)))
    story.wait(90)
    again = Feeds(kept=checkpoint.encode(story.state), run="run2")
    manual = again.state.desks[M].board.sources["manual"]
    assert (again.ts - manual.confirmed_ts) // MILLISECOND == 90_000
    later = Feeds(kept=checkpoint.encode(story.state), run="run2", wall=story.wall + 3600 * SECOND)
    manual = later.state.desks[M].board.sources["manual"]
    assert (later.ts - manual.confirmed_ts) // MILLISECOND == 3_690_000  # it was down for an hour


# ---- odds written in the settings

WRITTEN = (1.909091, 2.0)


def configured(odds: tuple[float, ...] = WRITTEN, story: Feeds | None = None) -> Feeds:
    """The start of an engine whose settings name the match; with `story`: the next one."""
    story = tale(50) if story is None else Feeds(kept=checkpoint.encode(story.state), run="run2")
    desk = story.state.desks[M]
    story.tell(AddMatch(spec=desk.spec, settings=desk.settings, odds=odds, configured=True))
    return story


def by_hand(story: Feeds) -> tuple[tuple[float, ...], bool]:
    board = story.state.desks[M].board
    manual = board.sources.get("manual")
    return (manual.odds if manual is not None else ()), board.pinned


def test_odds_of_the_settings_count_from_the_first_start() -> None:
    assert by_hand(configured()) == (WRITTEN, False)


def test_odds_of_the_settings_do_not_undo_at_a_restart_what_was_typed_since() -> None:
    story = configured()
    story.tell(SetTheo(match=M, odds=(1.7, 2.3), pinned=True))
    again = configured(story=story)
    assert by_hand(again) == ((1.7, 2.3), True)
    assert by_hand(configured(story=again)) == ((1.7, 2.3), True)  # nor at the one after it


def test_odds_of_the_settings_that_were_withdrawn_stay_withdrawn() -> None:
    story = configured()
    story.tell(SetTheo(match=M, odds=()))
    assert by_hand(configured(story=story)) == ((), False)


def test_odds_changed_in_the_settings_since_are_taken() -> None:
    story = configured()
    story.tell(SetTheo(match=M, odds=(1.7, 2.3), pinned=True))
    assert by_hand(configured((1.8, 2.1), story)) == ((1.8, 2.1), False)


def test_odds_taken_out_of_the_settings_go_and_those_typed_since_stay() -> None:
    assert by_hand(configured((), configured())) == ((), False)
    story = configured()
    story.tell(SetTheo(match=M, odds=(1.7, 2.3)))
    assert by_hand(configured((), story)) == ((1.7, 2.3), False)


def test_a_restart_does_not_renew_odds_of_the_settings_that_expire() -> None:
    story = tale(50, settings=with_values(SETTINGS, manual_ttl_s=100))
    desk = story.state.desks[M]
    story.tell(AddMatch(spec=desk.spec, settings=desk.settings, odds=WRITTEN, configured=True))
    story.wait(90)
    again = configured(story=story)
    manual = again.state.desks[M].board.sources["manual"]
    assert (again.ts - manual.confirmed_ts) // MILLISECOND == 90_000


def test_odds_typed_earlier_are_as_old_as_they_are() -> None:
    story = tale(50, settings=with_values(SETTINGS, manual_ttl_s=100))
    story.tell(SetTheo(match=M, odds=(2.0, 2.0), typed_wall=Nanos(story.wall - 90 * SECOND)))
    assert story.source("manual").confirmed_age_ms == 90_000
    story.wait(11)
    assert story.note("manual") == "stale"
