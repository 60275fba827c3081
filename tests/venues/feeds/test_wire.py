"""Requests over real sockets: what goes wrong and what is done about it, and where the key never shows."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from urllib.parse import quote

import httpx
import pytest

from console.core.commands import WatchOdds
from console.core.events import FeedStatus, OddsUpdate
from console.core.units import SECOND
from console.keys import Secret
from console.sandbox.odds.card import Quote
from console.sandbox.odds.faults import KNOWN, Faults
from console.sandbox.odds.server import PATHS, OddsServer, Quotas
from console.venues.feeds import oddspapi, sportsgameodds, the_odds_api
from console.venues.feeds.credits import Credits
from console.venues.feeds.oddspapi import OddsPapi
from console.venues.feeds.sportsgameodds import SportsGameOdds
from console.venues.feeds.the_odds_api import TheOddsApi
from console.venues.feeds.wire import (
    IN_FLIGHT,
    Denied,
    FeedFailed,
    Keyed,
    KeyUnfit,
    Place,
    Reply,
    Slow,
    Spent,
    SystemClock,
    Wire,
    Wrong,
)

from .samples import example, match
from .worlds import KEY, Listed, event, key, running, served, table

CANARIES = (KEY, quote(KEY, safe=""), "canary")
FEEDS = {
    "the_odds_api": (TheOddsApi, the_odds_api),
    "oddspapi": (OddsPapi, oddspapi),
    "sportsgameodds": (SportsGameOdds, sportsgameodds),
}
SIDES = {"home": 1.8, "away": 2.1}


class QuickClock(SystemClock):
    """Waits a hundredth of what it is asked to."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds / 100.0)


def server(*faults: str) -> OddsServer:
    start = time.time_ns() + 3600 * SECOND
    card = Listed(
        event(
            1,
            "nba",
            "Boston Celtics",
            "Denver Nuggets",
            start,
            Quote("pinnacle", "h2h", 0.0, SIDES, start - 10**13, 0),
        )
    )
    plenty = Quotas(the_odds_api=100_000, oddspapi=100_000, sportsgameodds=100_000)
    return OddsServer(card, Faults(faults), plenty, cooldowns=False)


def spec():
    start = time.time_ns() + 3600 * SECOND
    import msgspec

    return msgspec.structs.replace(match("Denver", "Boston"), start=start)


def wire(name: str, base: str, tmp_path, clock=None, **options) -> Wire:
    module = FEEDS[name][1]
    manner = module.manner(base + PATHS[name])
    purse = Credits(tmp_path, name, table(credits_day=100_000), 100_000)
    return Wire(manner, key(), purse, clock or QuickClock(), **options)


async def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)


# ---- every feed brings its line


@pytest.mark.parametrize("name", FEEDS)
def test_a_feed_pairs_and_brings_its_line_over_a_socket(name: str, tmp_path) -> None:
    async def story() -> None:
        made, seen = server(), []
        async with served(made) as base:
            feed = FEEDS[name][0](
                table(address=base + PATHS[name], credits_day=100_000), key(), tmp_path, QuickClock()
            )
            assert feed.name == name
            feed.send(WatchOdds(spec=spec()))
            async with running(feed, seen):
                await until(lambda: any(isinstance(e, OddsUpdate) for e in seen))
        (update, *_) = [e for e in seen if isinstance(e, OddsUpdate)]
        assert update.odds == pytest.approx((2.1, 1.8), abs=0.003)
        assert (update.source, update.feed, update.poll_s) == ("pinnacle", name, 60)
        if name == "oddspapi":
            assert update.changed_wall > 0
            assert update.provider_wall == 0
        else:
            assert abs(update.provider_wall - time.time_ns()) < 30 * SECOND
        assert made.keys == {KEY}

    asyncio.run(story())


def test_at_most_ten_requests_are_under_way_at_once() -> None:
    assert sum(IN_FLIGHT.values()) <= 10


def test_a_feeds_own_requests_are_bounded(tmp_path) -> None:
    async def story() -> None:
        under_way, most = 0, 0

        async def answer(request: httpx.Request) -> httpx.Response:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.02)
            under_way -= 1
            return httpx.Response(200, json=[])

        line = wire("the_odds_api", "http://feed", tmp_path, transport=httpx.MockTransport(answer))
        async with line:
            await asyncio.gather(*(line.get("/sports", {}, cost=0) for _ in range(30)))
        assert most == IN_FLIGHT["the_odds_api"]

    asyncio.run(story())


# ---- what goes wrong


def said(name: str, status: int, document: object, **headers: str) -> FeedFailed | None:
    import msgspec

    return FEEDS[name][1].judge(Reply(status, headers, msgspec.json.encode(document), 0))


def test_each_recorded_error_of_the_odds_api_means_what_it_says() -> None:
    meant = [type(said("the_odds_api", one["http"], one["body"])) for one in example("toa_errors")]
    assert meant == [Denied, Spent, Wrong, Wrong, Wrong, Slow]
    spent = example("toa_errors")[1]["body"]
    for status in (401, 429):  # whichever it is, the code counts
        assert isinstance(said("the_odds_api", status, spent), Spent)


def test_each_recorded_error_of_oddspapi_means_what_it_says() -> None:
    found = [said("oddspapi", one["http"], one["body"]) for one in example("oddspapi_errors")]
    assert [type(one) for one in found] == [Denied, Wrong, Slow, Spent]
    assert isinstance(found[2], Slow)
    assert found[2].wait_s == 0.88


@pytest.mark.parametrize(
    ("document", "headers", "wait_s"),
    [
        ({"retryMs": 1500}, {}, 1.5),
        ({"error": {"retryAfter": "3"}}, {}, 3.0),
        ({"retryAfter": 2}, {}, 2.0),
        ({"message": "slow down"}, {"retry-after": "7"}, 7.0),
        ({}, {}, 1.2),
        ("too many", {}, 1.2),
    ],
)
def test_a_cooldown_is_waited_out_wherever_it_is_written(document, headers, wait_s) -> None:
    slow = said("oddspapi", 429, document, **headers)
    assert isinstance(slow, Slow)
    assert slow.wait_s == wait_s


def test_each_recorded_error_of_sportsgameodds_means_what_it_says() -> None:
    found = [said("sportsgameodds", one["http"], one["body"]) for one in example("sgo_error_responses")]
    assert [type(one) for one in found] == [Denied, Slow]
    assert isinstance(found[1], Slow)
    assert found[1].wait_s == 60.0


def failing(name: str, fault: str, tmp_path, **options) -> tuple[Exception, list[float], OddsServer]:
    """What a request ends in, the waits on the way, and the server."""
    made = server(fault)
    clock = QuickClock()

    async def story() -> Exception:
        async with served(made) as base, wire(name, base, tmp_path, clock, **options) as line:
            path = {"the_odds_api": "/sports", "oddspapi": "/tournaments", "sportsgameodds": "/leagues"}[name]
            try:
                await line.get(path, {}, cost=1)
            except FeedFailed as error:
                return error
        raise AssertionError("it did not fail")

    return asyncio.run(story()), clock.slept, made


def test_a_server_that_is_down_is_tried_three_times_with_pauses(tmp_path) -> None:
    error, slept, made = failing("the_odds_api", "down", tmp_path)
    assert str(error) == "status 503"
    assert made.quotas.asked["the_odds_api"] == 0  # it never got so far as to be counted there
    assert len(slept) == 2
    assert 0.1 <= slept[0] <= 1.0
    assert 0.2 <= slept[1] <= 2.0


def test_silence_ends_after_the_time_allowed(tmp_path) -> None:
    error, _, _ = failing("oddspapi", "silent", tmp_path, timeout_s=0.1)
    assert str(error) == "no answer within 0.1 s"


def test_a_connection_cut_half_way_is_no_answer(tmp_path) -> None:
    error, slept, _ = failing("sportsgameodds", "cut", tmp_path)
    assert str(error) == "no answer: RemoteProtocolError"
    assert len(slept) >= 2


def test_a_redirect_is_not_followed(tmp_path) -> None:
    error, _, made = failing("the_odds_api", "redirect", tmp_path)
    assert str(error) == "status 302: it sends us elsewhere"
    assert made.quotas.asked == {}


def test_a_spent_quota_stops_everything_at_once(tmp_path) -> None:
    error, slept, made = failing("the_odds_api", "spent", tmp_path)
    assert isinstance(error, Spent)
    assert slept == []
    assert made.quotas.asked["the_odds_api"] == 1


@pytest.mark.parametrize("name", FEEDS)
def test_too_fast_is_waited_out(name: str, tmp_path) -> None:
    made = server("busy")
    clock = QuickClock()

    async def story() -> int:
        path = {"the_odds_api": "/sports", "oddspapi": "/tournaments", "sportsgameodds": "/leagues"}[name]
        async with served(made) as base, wire(name, base, tmp_path, clock) as line:
            return (await line.get(path, {}, cost=1)).status

    assert asyncio.run(story()) == 200
    pause = {"the_odds_api": 2.0, "oddspapi": 0.88, "sportsgameodds": 60.0}[name]
    assert any(pause <= slept <= 1.5 * pause for slept in clock.slept)


def test_every_try_is_counted_before_it_leaves(tmp_path) -> None:
    failing("the_odds_api", "down", tmp_path)
    purse = Credits(tmp_path, "the_odds_api", table(credits_day=100_000), 100_000)
    assert purse.account(time.time_ns()).spent == 3


# ---- the key


def test_a_key_with_odd_characters_is_refused_without_being_shown() -> None:
    for text in ("with space", "line\nbreak", "ключ"):
        with pytest.raises(KeyUnfit) as refused:
            Wire(the_odds_api.manner("http://x"), Secret("ODDS_API_KEY", text), None, SystemClock())
        assert text not in str(refused.value)
        assert str(refused.value) == "ODDS_API_KEY: has characters that no key has"


def test_the_key_is_on_the_request_that_leaves_and_on_no_other() -> None:
    async def story() -> None:
        left: list[httpx.Request] = []

        def inner(request: httpx.Request) -> httpx.Response:
            left.append(request)
            return httpx.Response(200)

        for place in Place:
            keyed = Keyed(httpx.MockTransport(inner), key(), place)
            async with httpx.AsyncClient(transport=keyed) as client:
                response = await client.get("http://feed/odds", params={"markets": "h2h"})
                assert "canary" not in str(response.url)
                assert "canary" not in repr(response.request.headers)
        assert left[0].url.params["apiKey"] == KEY
        assert left[0].url.params["markets"] == "h2h"
        assert left[1].headers["x-api-key"] == KEY

    asyncio.run(story())


class Everything(logging.Handler):
    """Every log line of every library."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged():
    handler = Everything()
    root = logging.getLogger()
    names = [root, *(logging.getLogger(name) for name in ("httpx", "httpcore", "asyncio"))]
    before = [logger.level for logger in names]
    for logger in names:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler.lines
    root.removeHandler(handler)
    for logger, level in zip(names, before, strict=True):
        logger.setLevel(level)


def clean(*texts: str) -> None:
    for text in texts:
        assert not any(canary in text for canary in CANARIES), text


@pytest.mark.parametrize("fault", ["", *KNOWN])
@pytest.mark.parametrize("name", FEEDS)
def test_the_key_shows_in_no_log_no_exception_and_no_event(name: str, fault: str, tmp_path, logged) -> None:
    """Every misfortune of the sandbox, with debug logs of all libraries on; the server repeats the key."""

    async def story() -> list[object]:
        made, seen = server(*filter(None, [fault])), []
        async with served(made) as base:
            feed = FEEDS[name][0](
                table(address=base + PATHS[name], credits_day=100_000), key(), tmp_path, QuickClock()
            )
            feed.wire._timeout_s = 0.2
            feed.send(WatchOdds(spec=spec()))
            async with running(feed, seen):
                await until(lambda: any(isinstance(e, FeedStatus) for e in seen))
        assert made.keys == {KEY}
        return seen

    seen = asyncio.run(story())
    clean(*logged, *map(repr, seen))
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    clean(*kept)


@pytest.mark.parametrize("fault", ["down", "html", "silent", "cut", "spent", "denied", "redirect"])
@pytest.mark.parametrize("name", FEEDS)
def test_no_traceback_of_a_failed_request_holds_the_key(name: str, fault: str, tmp_path) -> None:
    made = server(fault)

    async def story() -> BaseException:
        async with served(made) as base, wire(name, base, tmp_path, timeout_s=0.1) as line:
            try:
                reply = await line.get("/nowhere", {}, cost=1)
                return FeedFailed(str(reply.status))
            except FeedFailed as error:
                return error

    error = asyncio.run(story())
    chain: BaseException | None = error
    while chain is not None:
        told = "".join(traceback.format_exception(chain, chain=True))
        clean(told, repr(chain), repr(chain.args))
        chain = chain.__context__ or chain.__cause__


@pytest.mark.parametrize(
    "exception", [httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL, httpx.ProxyError]
)
def test_what_the_library_raises_is_told_by_its_kind_only(exception, tmp_path) -> None:
    async def story() -> None:
        def fail(request: httpx.Request) -> httpx.Response:
            raise exception(f"GET {request.url} failed")

        line = wire("the_odds_api", "http://feed", tmp_path, transport=httpx.MockTransport(fail))
        async with line:
            with pytest.raises(FeedFailed) as failed:
                await line.get("/sports", {}, cost=0)
        error = failed.value
        clean(str(error), repr(error), "".join(traceback.format_exception(error)))
        assert error.__context__ is None

    asyncio.run(story())
