"""A feed through its days: polls by time to start, inside its budget, stopped and begun again."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import httpx
import msgspec

from console.core.commands import UnwatchOdds, WatchOdds
from console.core.events import FeedStatus, OddsPaired, OddsSuspended, OddsUnpaired, OddsUpdate
from console.core.units import SECOND, Nanos
from console.sandbox.odds import the_odds_api as toa
from console.sandbox.odds.card import Quote
from console.sandbox.odds.faults import Faults
from console.sandbox.odds.server import PATHS, OddsServer, Quotas
from console.venues.feeds.the_odds_api import TheOddsApi

from .samples import match, total, wall
from .worlds import Listed, VirtualClock, event, key, table, unwired

MIDNIGHT = wall("2026-11-21 00:00")
HOUR = 3600 * SECOND
TEAMS = (
    ("nba", "Boston Celtics", "Denver Nuggets"),
    ("nba", "New York Knicks", "Miami Heat"),
    ("nhl", "Toronto Maple Leafs", "Calgary Flames"),
    ("nfl", "Green Bay Packers", "Dallas Cowboys"),
    ("mlb", "Houston Astros", "Seattle Mariners"),
)
SHARP = {"home": 1.8, "away": 2.1}


def at(hours: float) -> Nanos:
    return Nanos(MIDNIGHT + round(hours * HOUR))


def iso(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // SECOND, tz=UTC):%Y-%m-%d %H:%M:%S}"


class Day:
    """The Odds API over a day that takes a moment."""

    def __init__(self, tmp_path, starts: dict[int, float], *, left: int = 20_000, **facts) -> None:
        self.clock = VirtualClock(MIDNIGHT)
        listed = [event(n, *TEAMS[n], at(hours)) for n, hours in starts.items()]
        self.card = Listed(*listed)
        self.server = OddsServer(self.card, Faults(), Quotas(the_odds_api=left), wall=self.clock.wall)
        self.specs = {
            n: match(TEAMS[n][2], TEAMS[n][1], id=f"m{n}", league=TEAMS[n][0], start=iso(at(hours)))
            for n, hours in starts.items()
        }
        self.seen: list[tuple[int, object]] = []
        self.polls: list[tuple[int, str]] = []
        self.transport = unwired(self.server, self.clock.wall)
        address = "http://feed" + PATHS["the_odds_api"]
        self.feed = TheOddsApi(
            table(address=address, **facts), key(), tmp_path, self.clock, transport=self.transport
        )
        for spec in self.specs.values():
            self.feed.send(WatchOdds(spec=spec))

    def live(self, *moments: float, between=None) -> None:
        """Let the feed run up to each moment (hours after midnight), doing something in between."""

        async def story() -> None:
            task = asyncio.create_task(self.feed.run(lambda e: self.seen.append((self.clock.now, e))))
            for number, moment in enumerate(moments):
                await self.clock.run_until(at(moment))
                if between is not None:
                    between(number)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(story())

    def of(self, kind, match_id: str = "") -> list:
        return [e for _, e in self.seen if isinstance(e, kind) and (not match_id or e.match == match_id)]

    def times(self, match_id: str) -> list[float]:
        """Hours at which odds of a match came."""
        return [
            (t - MIDNIGHT) / HOUR for t, e in self.seen if isinstance(e, OddsUpdate) and e.match == match_id
        ]

    @property
    def used(self) -> int:
        return self.server.quotas.used["the_odds_api"]


def gaps(times: list[float], first: float, last: float) -> list[float]:
    """Minutes between odds in a window of hours."""
    inside = [t for t in times if first <= t < last]
    return [60 * (b - a) for a, b in pairwise(inside)]


# ---- a day


def test_a_day_within_its_means_is_polled_by_the_time_to_start(tmp_path) -> None:
    day = Day(tmp_path, {0: 20.0, 2: 23.0}, credits_day=5_000, poll_s=240)
    day.live(24.0)
    times = day.times("m0")
    assert max(gaps(times, 14.2, 24.0)) < 4.1  # within six hours of the start and in play: every four minutes
    assert 7.9 < max(gaps(times, 1.0, 13.9)) < 8.1  # before that every eight
    assert day.used <= 5_000
    assert {e.poll_s for e in day.of(OddsUpdate)} == {240, 480}


def test_a_day_beyond_its_means_stays_inside_its_budget_and_never_stops_dead(tmp_path) -> None:
    """Four leagues all day: wanted are about 4,000 credits."""
    day = Day(tmp_path, {0: 18.0, 2: 19.0, 3: 20.5, 4: 23.0}, credits_day=300)
    day.live(24.0)
    assert 270 < day.used <= 300  # spent, not hoarded
    for name in ("m0", "m2", "m3", "m4"):
        assert max(gaps(day.times(name), 12.0, 23.9)) < 45.0
    assert max(day.times("m4")) > 23.2
    assert any(s.why == "slowed by the budget" for s in day.of(FeedStatus))


def test_a_match_is_near_by_the_feeds_start_too(tmp_path) -> None:
    """Ours may be hours late; the feed's is what it prices by."""
    day = Day(tmp_path, {0: 3.0}, credits_day=5_000, poll_s=240)
    day.feed.send(WatchOdds(spec=msgspec.structs.replace(day.specs[0], start=at(6.9))))
    day.live(0.9)
    assert max(gaps(day.times("m0"), 0.2, 0.9)) < 4.1


def test_one_request_serves_all_matches_of_a_league(tmp_path) -> None:
    day = Day(tmp_path, {0: 3.0, 1: 3.0}, credits_day=5_000)
    day.live(1.0)
    assert len(day.times("m0")) == len(day.times("m1"))
    assert day.used == len(day.times("m0"))  # one credit for h2h of one group of books


def test_a_league_without_a_match_of_ours_costs_nothing(tmp_path) -> None:
    day = Day(tmp_path, {0: 3.0}, credits_day=5_000)
    day.card.listed[:] = [event(1, *TEAMS[1], at(3.0))]
    day.live(1.0)
    assert day.used == 0
    (told,) = day.of(OddsUnpaired)
    assert told.why.startswith("no event with these names; nearest is New York Knicks v Miami Heat")


def test_a_match_that_is_over_or_no_longer_wanted_is_not_asked_for(tmp_path) -> None:
    day = Day(tmp_path, {0: 1.0, 2: 5.0}, credits_day=5_000)

    def drop(_: int) -> None:
        day.feed.send(UnwatchOdds(match="m2"))

    day.live(2.0, 12.0, between=drop)
    assert max(day.times("m2")) < 2.01
    assert max(day.times("m0")) < 7.1  # six hours after its start
    before = day.used
    assert before == len(day.times("m0")) + len(day.times("m2"))


def test_more_kinds_of_market_and_more_books_cost_more(tmp_path) -> None:
    many = [f"book{n}" for n in range(10)]
    day = Day(tmp_path, {0: 3.0}, credits_day=5_000, books=["pinnacle", *many])
    spec = total("7.5", title="Denver Nuggets at Boston Celtics", id="t", start=iso(at(3.0)))
    quotes = (
        Quote("pinnacle", "h2h", 0.0, SHARP, 1, 0),
        Quote("pinnacle", "total", 7.5, {"over": 1.9, "under": 1.95}, 1, 0),
    )
    day.card.listed[:] = [event(0, *TEAMS[0], at(3.0), *quotes)]
    day.feed.send(WatchOdds(spec=spec))
    day.live(0.5)
    assert day.used == 4 * len(day.times("t"))  # two markets, two groups of ten books
    assert day.of(OddsUpdate, "t")[0].odds == (1.9, 1.95)


# ---- stopped, and begun again


def test_the_days_budget_used_up_stops_hard_and_midnight_begins_anew(tmp_path) -> None:
    day = Day(tmp_path, {0: 30.0}, credits_day=30)
    spent: list[int] = []
    day.live(23.99, 27.0, 47.99, between=lambda _: spent.append(day.used))
    assert 25 <= spent[0] <= 30
    (said, *_) = [s for s in day.of(FeedStatus) if not s.up and "credits" in s.why] or [None]
    assert said is not None
    assert said.why.startswith("today's credits are used up")
    assert (said.budget_left, said.next_poll_wall) == (0, at(24.0))
    assert spent[0] < spent[1] < spent[2] <= 60


def test_a_quota_that_ends_in_mid_day_stops_until_the_first_of_the_month(tmp_path) -> None:
    """Somebody else uses the same key: 401 with OUT_OF_USAGE_CREDITS comes out of the blue."""
    day = Day(tmp_path, {0: 30.0}, left=2_000, credits_day=2_000)

    def drain(number: int) -> None:
        if number == 0:
            day.server.quotas.used["the_odds_api"] = 2_000

    day.live(1.0, 20.0, 49.0, between=drain)
    down = day.of(FeedStatus)[-1]
    assert (down.up, down.why) == (False, "the month's quota is used up")
    assert down.next_poll_wall == wall("2026-12-01 00:00")
    assert day.server.quotas.asked["the_odds_api"] < 75  # asked about it once, not for two days
    assert max(day.times("m0")) < 1.1


def test_a_reserve_is_left_to_others(tmp_path) -> None:
    day = Day(tmp_path, {0: 23.0}, left=100, credits_day=1_000, reserve=60)
    day.live(23.99)
    assert day.used <= 40
    status = day.of(FeedStatus)[-1]
    assert status.credits_left >= 60
    assert status.budget_left == status.credits_left - 60


def test_a_denied_key_is_asked_about_once(tmp_path) -> None:
    day = Day(tmp_path, {0: 3.0})
    asked = Counter()

    def deny(request: httpx.Request) -> httpx.Response:
        asked["all"] += 1
        said = toa.error(401, "INVALID_KEY", "API key is not valid")
        return httpx.Response(said.status, json=said.document)

    day.transport.handler = deny
    day.live(5.0)
    assert asked["all"] == 1
    (status,) = day.of(FeedStatus)
    assert not status.up
    assert status.why == "the key is not taken: INVALID_KEY: API key is not valid"


def test_a_feed_that_is_down_is_tried_again_more_and_more_rarely_and_comes_back(tmp_path) -> None:
    day = Day(tmp_path, {0: 10.0}, credits_day=5_000)
    whole = day.transport.handler
    down = Counter()

    def fail(request: httpx.Request) -> httpx.Response:
        down["asked"] += 1
        return httpx.Response(503, text="try later")

    def switch(number: int) -> None:
        day.transport.handler = fail if number == 0 else whole

    day.live(1.0, 2.0, 3.0, between=switch)
    assert 60 < down["asked"] < 400
    statuses = [s for s in day.of(FeedStatus) if not s.up]
    assert "status 503" in {s.why for s in statuses}
    assert max(day.times("m0")) > 2.9
    assert day.of(FeedStatus)[-1].up


# ---- what comes of an answer


def test_a_pairing_is_told_once_and_again_when_the_match_changes(tmp_path) -> None:
    day = Day(tmp_path, {0: 10.0}, credits_day=5_000)

    def change(number: int) -> None:
        if number == 0:
            day.feed.send(WatchOdds(spec=day.specs[0]))  # settings were edited: the same facts
        if number == 1:
            later = match(*day.specs[0].outcomes, id="m0", league="nba", start=iso(at(10.5)), title="other")
            day.feed.send(WatchOdds(spec=later))

    day.live(1.0, 2.0, 3.0, between=change)
    told = day.of(OddsPaired)
    assert [pairing.names for pairing in told] == [("Denver Nuggets", "Boston Celtics")] * 3
    assert told[0].start == at(10.0)


def test_a_line_that_goes_is_told_with_its_reason_and_one_that_comes_back_is_told(tmp_path) -> None:
    day = Day(tmp_path, {0: 10.0}, credits_day=5_000)

    def spoil(number: int) -> None:
        day.server.faults.set([("price-one",), ("missing-book",), ("renamed",), ()][number])

    day.live(0.1, 0.2, 0.3, 0.4, 0.5, between=lambda n: spoil(n) if n < 4 else None)
    assert [e.why for e in day.of(OddsSuspended)] == [
        "h2h the price of home is 1: suspended or not offered",
        "no h2h offered",
    ]
    assert "no event with these names" in day.of(OddsUnpaired)[0].why
    assert max(day.times("m0")) > 0.48


def test_a_format_that_changed_is_said_aloud(tmp_path) -> None:
    day = Day(tmp_path, {0: 10.0}, credits_day=5_000)
    whole = day.transport.handler

    def renamed(request: httpx.Request) -> httpx.Response:
        answer = whole(request)
        return httpx.Response(
            answer.status_code, content=answer.content.replace(b'"price"', b'"cost"'), headers=answer.headers
        )

    day.live(0.1, 0.2, between=lambda n: setattr(day.transport, "handler", renamed) if n == 0 else None)
    assert day.of(OddsSuspended)[0].why == "h2h price is missing"
    status = day.of(FeedStatus)[-1]
    assert status.up
    assert status.why.startswith("unreadable: ")
    assert status.why.endswith("pinnacle h2h: price is missing (1)")


def test_a_match_of_no_league_says_so(tmp_path) -> None:
    day = Day(tmp_path, {0: 3.0})
    day.feed.send(WatchOdds(spec=match("A", "B", id="x", league="")))
    day.feed.send(WatchOdds(spec=match("A", "B", id="y", league="korfball")))
    day.feed.send(WatchOdds(spec=match("A", "B", id="z", league="cs2")))
    day.live(0.1)
    whys = {e.match: e.why for e in day.of(OddsUnpaired)}
    assert whys == {
        "x": "the match has no league",
        "y": "league 'korfball' is not known",
        "z": "Counter-Strike 2 is not there",
    }
