"""The engine on odds that come over feed clients from the sandbox: quoting, and every way it loses them."""

from __future__ import annotations

import asyncio

import pytest

from console.core.events import AddMatch, FeedStatus, OddsPaired, OddsUpdate
from console.core.matches import State as Stage
from console.core.pairing import Proof
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import ONE

from .trading import FEEDS, Trading

GONE = (Reason.NO_THEO, Reason.STALE_THEO)


def told(trading: Trading, kind) -> list:
    return [event for event, _ in trading.records if isinstance(event, kind)]


@pytest.mark.parametrize("feed", FEEDS)
def test_a_match_is_paired_proven_and_quoted_on_a_feed(feed: str, tmp_path) -> None:
    trading = Trading(tmp_path, feed, speed=10.0)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            source = trading.source()
            assert source is not None
            assert (source.feed, source.note) == (feed, "")
            assert source.weight > 500_000
            assert len(source.methods) == 6
            (status,) = trading.view.feeds
            assert (status.name, status.up) == (feed, True)
            assert status.budget_left is not None
            fair = trading.desk().theo.outcomes[0] / ONE
            assert fair == pytest.approx(trading.world.truth("nba-bos-den")[0], abs=0.04)
            assert trading.desk().pairings[feed].names == ("Boston Celtics", "Denver Nuggets")

    asyncio.run(story())
    (pairing,) = told(trading, OddsPaired)
    assert pairing.confidence == 95


def test_three_outcomes_are_quoted_on_three_way_prices(tmp_path) -> None:
    trading = Trading(tmp_path, "the_odds_api", matches=("epl-nor-ash",))

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 3)
            assert len(trading.source().odds) == 3

    asyncio.run(story())


def test_three_feeds_of_one_book_are_one_source_and_one_may_fail(tmp_path) -> None:
    trading = Trading(tmp_path, *FEEDS, poll_s=10)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: {e.feed for e in told(trading, OddsUpdate)} == set(FEEDS))
            await trading.until(lambda: trading.resting >= 2)
            await trading.until(lambda: {e.feed for e in told(trading, FeedStatus) if e.up} == set(FEEDS))
            names = [source.name for source in trading.view.sources]
            assert names.count("pinnacle") == 1

    asyncio.run(story())


def test_the_venues_own_prices_inside_a_feed_are_no_source(tmp_path) -> None:
    trading = Trading(tmp_path, "sportsgameodds")

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.source() is not None)
            names = {source.name for source in trading.view.sources}
            assert names == {"pinnacle", "kalshi"}

    asyncio.run(story())


def test_prices_at_the_wrong_names_are_refused_until_somebody_looks(tmp_path) -> None:
    """The inverted pairing that cost others money: nothing is ever placed on it."""
    trading = Trading(tmp_path, "the_odds_api", poll_s=10)
    trading.server.faults.set(["swapped"])

    async def story() -> None:
        async with trading.running():
            await trading.until(
                lambda: (
                    (p := trading.desk().pairings.get("the_odds_api")) is not None
                    and p.proof is Proof.DOUBTED
                )
            )
            assert "prices say the reverse of Boston Celtics / Denver Nuggets" in trading.source().note
            assert trading.placed() == []
            assert trading.desk().reason in GONE

    asyncio.run(story())


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ("suspended", "no h2h offered"),
        ("one-sided", "h2h only away is offered"),
        ("price-one", "h2h the price of home is 1"),
        ("missing-book", "no h2h offered"),
        ("missing-field", "h2h price is missing"),
        ("ahead", "stamp ahead of our clock"),
    ],
)
def test_a_line_that_is_taken_down_pulls_the_quotes_with_its_reason(fault: str, note: str, tmp_path) -> None:
    trading = Trading(tmp_path, "the_odds_api", poll_s=5)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            trading.server.faults.set([fault])
            await trading.until(lambda: trading.resting == 0)
            assert trading.source().note.startswith(note)
            assert trading.desk().reason in GONE
            trading.server.faults.set([])
            await trading.until(lambda: trading.resting >= 2)

    asyncio.run(story())


@pytest.mark.parametrize("fault", ["stale", "down", "silent", "html", "cut", "denied"])
def test_a_feed_that_falls_silent_lets_the_theo_age_and_then_stops(fault: str, tmp_path) -> None:
    settings = MatchSettings(age_max_odds_s=40)
    trading = Trading(tmp_path, "the_odds_api", poll_s=5, settings=settings)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            for feed in trading.feeds:
                feed.wire._timeout_s = 0.3
            trading.server.faults.set([fault])
            await trading.until(lambda: trading.resting == 0)
            source = trading.source()
            assert source.note == "stale"
            assert 40_000 <= source.confirmed_age_ms < 60_000
            if fault != "stale":
                await trading.until(lambda: not trading.view.feeds[0].up)

    asyncio.run(story())


def test_an_unlisted_match_pulls_its_quotes(tmp_path) -> None:
    trading = Trading(tmp_path, "the_odds_api", poll_s=5)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            trading.server.faults.set(["unlisted"])
            await trading.until(lambda: trading.resting == 0)
            assert trading.source("the_odds_api").note == "no events of NBA there"

    asyncio.run(story())


def test_a_double_header_that_appears_stops_the_match(tmp_path) -> None:
    trading = Trading(tmp_path, "the_odds_api", poll_s=5)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            trading.server.faults.set(["double-header"])
            await trading.until(lambda: trading.resting == 0)
            assert trading.source("the_odds_api").note.startswith("double-header: events at")

    asyncio.run(story())


def test_a_day_whose_quota_runs_out_slows_down_stops_and_leaves_the_theo_to_age(tmp_path) -> None:
    """The last hour of a day with thirty credits left of it: a look every ten seconds is wanted."""
    trading = Trading(
        tmp_path,
        "the_odds_api",
        speed=40.0,
        begins="2026-11-21 23:00",
        poll_s=10,
        credits_day=30,
        settings=MatchSettings(age_max_odds_s=60),
    )

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            await trading.until(
                lambda: any(e.why == "slowed by the budget" for e in told(trading, FeedStatus))
            )
            await trading.until(lambda: len(told(trading, OddsUpdate)) >= 4)
            assert 100 <= told(trading, OddsUpdate)[-1].poll_s <= 150  # twelve times slower than wanted
            assert trading.resting > 0  # three such polls may pass before the line is too old
            trading.server.quotas.used["the_odds_api"] = 100_000  # somebody else spends the month
            await trading.until(lambda: not trading.view.feeds[0].up)
            (feed,) = trading.view.feeds
            assert feed.why == "the month's quota is used up"
            assert (feed.credits_left, feed.budget_left) == (0, 0)
            assert trading.resting > 0  # the line is as good as it was: it ages
            await trading.until(lambda: trading.resting == 0)
            assert 300_000 <= trading.source().confirmed_age_ms < 500_000
            assert trading.source().note == "stale"
            assert trading.desk().reason in GONE
            asked = trading.server.quotas.asked["the_odds_api"]
            await asyncio.sleep(2.0)  # more than a minute of its time
            assert trading.server.quotas.asked["the_odds_api"] == asked

    asyncio.run(story())


def test_an_event_that_starts_early_stops_the_match(tmp_path) -> None:
    settings = MatchSettings(stop_before_start_s=100 * 60)
    trading = Trading(tmp_path, "the_odds_api", poll_s=5, settings=settings)  # starts in 150 minutes

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            trading.server.faults.set(["early"])  # in 90 minutes, says the feed
            await trading.until(lambda: trading.desk().stage is Stage.DONE)
            assert trading.resting == 0
            asked = trading.server.quotas.asked["the_odds_api"]
            await asyncio.sleep(1.5)
            assert trading.server.quotas.asked["the_odds_api"] <= asked + 1  # nothing more is paid for

    asyncio.run(story())


def test_a_watch_of_the_same_facts_asks_nothing_more(tmp_path) -> None:
    trading = Trading(tmp_path, "the_odds_api", poll_s=600)

    async def story() -> None:
        async with trading.running():
            await trading.until(lambda: trading.resting >= 2)
            asked = trading.server.quotas.asked["the_odds_api"]
            trading._tell(AddMatch(spec=trading.desk().spec, settings=trading.settings))
            await asyncio.sleep(0.5)
            assert trading.server.quotas.asked["the_odds_api"] == asked

    asyncio.run(story())
