"""The sandbox of the odds feeds: the documented shapes, costs and errors, misfortunes, and a recording."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from console.__main__ import main
from console.sandbox.command import SandboxError
from console.sandbox.odds.card import WorldCard
from console.sandbox.odds.faults import Faults
from console.sandbox.odds.moments import nanos, thousandths, whole
from console.sandbox.odds.recorded import Change, Game, RecordedCard, read_games
from console.sandbox.odds.server import PATHS, OddsServer, Quotas
from console.sim.world import World

EXAMPLES = Path(__file__).parents[1] / "venues" / "feeds" / "examples"
SECOND = 1_000_000_000
TOA, PAPI, SGO = PATHS["the_odds_api"], PATHS["oddspapi"], PATHS["sportsgameodds"]


def example(name):
    return json.loads((EXAMPLES / f"{name}.json").read_bytes())


def server(*faults, quotas=None, cooldowns=False):
    world = World(7, wall=time.time_ns(), ts=time.monotonic_ns())
    return OddsServer(WorldCard(world), Faults(faults), quotas, cooldowns=cooldowns)


@asynccontextmanager
async def asking(made):
    """A function that asks the server: path with a query -> (status, document, headers)."""
    runner = web.AppRunner(made.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async with aiohttp.ClientSession() as session:

        async def ask(path, method="GET"):
            async with session.request(method, base + path) as response:
                text = await response.text()
                return response.status, json.loads(text) if text[:1] in "[{" else text, response.headers

        try:
            yield ask
        finally:
            await runner.cleanup()


def story(made, path, method="GET"):
    async def one():
        async with asking(made) as ask:
            return await ask(path, method)

    return asyncio.run(one())


# ---- documented shapes


def test_odds_of_the_odds_api_have_the_documented_shape():
    status, said, headers = story(
        server(),
        f"{TOA}/sports/basketball_nba/odds?apiKey=k&bookmakers=pinnacle,draftkings&markets=h2h,totals",
    )
    assert status == 200
    documented = example("toa_odds_nba_decimal_response")[0]
    assert set(said[0]) == set(documented)
    book, shown = said[0]["bookmakers"][0], documented["bookmakers"][0]
    assert set(book) == set(shown)
    assert set(book["markets"][0]) == set(shown["markets"][0])
    assert [set(outcome) for outcome in book["markets"][0]["outcomes"]] == [{"name", "price"}] * 2
    names = [outcome["name"] for outcome in book["markets"][0]["outcomes"]]
    assert names == sorted(names)  # by name: the visitors of this match come first
    assert names[0] == said[0]["away_team"]
    assert {name: headers[name] for name in headers if name.startswith("x-requests")} == {
        "x-requests-remaining": "498",
        "x-requests-used": "2",
        "x-requests-last": "2",
    }


def test_odds_by_tournament_have_the_documented_shape():
    status, said, _ = story(
        server(),
        f"{PAPI}/odds-by-tournaments?apiKey=k&tournamentIds=132&bookmaker=pinnacle&bookmakers=pinnacle",
    )
    assert status == 200
    documented = example("oddspapi_odds_by_tournaments_response")[0]
    assert set(said[0]) <= set(documented) | set(example("oddspapi_fixtures_response")[0])
    book, shown = said[0]["bookmakerOdds"]["pinnacle"], documented["bookmakerOdds"]["pinnacle"]
    assert set(book) <= set(shown)
    market = book["markets"]["171"]
    assert set(market) <= set(shown["markets"]["101"])
    price = market["outcomes"]["171"]["players"]["0"]
    assert set(price) <= set(shown["markets"]["101"]["outcomes"]["101"]["players"]["0"])
    assert "participant1Name" not in said[0]  # names are elsewhere


def test_events_of_sportsgameodds_have_the_documented_shape():
    status, said, _ = story(server(), f"{SGO}/events?apiKey=k&leagueID=NBA&bookmakerID=pinnacle&limit=5")
    assert status == 200
    documented = example("sgo_events_response")
    assert set(said) <= set(documented)
    event, shown = said["data"][0], documented["data"][0]
    assert set(event) <= set(shown)
    assert set(event["status"]) <= set(shown["status"])
    odd, known = event["odds"]["points-home-game-ml-home"], shown["odds"]["points-home-game-ml-home"]
    assert set(odd) <= set(known)
    assert set(odd["byBookmaker"]["pinnacle"]) <= set(known["byBookmaker"]["pinnacle"])
    assert odd["byBookmaker"]["pinnacle"]["odds"][0] in "+-"


def test_the_account_of_sportsgameodds_has_the_documented_shape():
    _, said, _ = story(server(), f"{SGO}/account/usage?apiKey=k")
    shown = example("sgo_account_usage_response")["data"]["rateLimits"]
    told = said["data"]["rateLimits"]
    assert {window: set(limits) for window, limits in told.items()} == {
        window: set(limits) for window, limits in shown.items()
    }


# ---- rules


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/sports", 401, "MISSING_KEY"),
        ("/sports/basketball_nba/odds?apiKey=k", 422, "MISSING_REGION"),
        ("/sports/basketball_nba/odds?apiKey=k&regions=eu&markets=player_points", 422, "INVALID_MARKET"),
        ("/sports/korfball/odds?apiKey=k&regions=eu", 404, "UNKNOWN_SPORT"),
        ("/sports/basketball_nba/events/none/odds?apiKey=k", 404, "EVENT_NOT_FOUND"),
    ],
)
def test_what_makes_no_sense_to_the_odds_api_is_answered_as_it_would(path, status, code):
    found, said, _ = story(server(), TOA + path)
    assert (found, said["error_code"]) == (status, code)
    assert set(said) == {"message", "error_code", "details_url"}


@pytest.mark.parametrize(
    ("books", "markets", "cost"), [(1, 1, 1), (10, 1, 1), (11, 1, 2), (11, 3, 6), (0, 2, 4)]
)
def test_a_request_costs_markets_times_started_groups_of_ten_books(books, markets, cost):
    named = ",".join(f"b{n}" for n in range(books))
    where = f"bookmakers={named}" if books else "regions=us,eu"
    wanted = ",".join(["h2h", "spreads", "totals"][:markets])
    _, _, headers = story(server(), f"{TOA}/sports/baseball_mlb/odds?apiKey=k&{where}&markets={wanted}")
    assert headers["x-requests-last"] == str(cost)


def test_a_quota_ends_with_401_and_the_headers_still_tell():
    made = server(quotas=Quotas(the_odds_api=2))

    async def twice():
        async with asking(made) as ask:
            path = f"{TOA}/sports/baseball_mlb/odds?apiKey=k&regions=eu&markets=h2h,totals"
            return await ask(path), await ask(path)

    (first, _, _), (second, said, headers) = asyncio.run(twice())
    assert (first, second) == (200, 401)
    assert said["error_code"] == "OUT_OF_USAGE_CREDITS"
    assert headers["x-requests-remaining"] == "0"


def test_both_kinds_of_429_of_oddspapi():
    made = server(cooldowns=True)

    async def thrice():
        async with asking(made) as ask:
            path = f"{PAPI}/tournaments?apiKey=k&sportId=11"
            first, second = await ask(path), await ask(path)
            made.faults.set(["spent"])
            return first, second, await ask(path)

    first, second, third = asyncio.run(thrice())
    assert first[0] == 200
    assert (second[0], second[1]["error"]["retryMs"]) == (429, 880)
    assert (third[0], third[1]["error"]["code"]) == (429, "REQUEST_LIMIT_EXCEEDED")


def test_oddspapi_wants_one_bookmaker_and_less_than_ten_days():
    made = server()
    for path in (
        "/odds-by-tournaments?apiKey=k&tournamentIds=132&bookmakers=pinnacle",
        "/odds-by-tournaments?apiKey=k&tournamentIds=132&bookmaker=pinnacle,bet365",
        "/fixtures?apiKey=k&sportId=11",
        "/fixtures?apiKey=k&sportId=11&from=2026-11-01&to=2026-11-12",
    ):
        assert story(made, PAPI + path)[0] == 400, path


def test_sportsgameodds_pages_and_counts_objects():
    made = server()

    async def pages():
        async with asking(made) as ask:
            _, first, _ = await ask(f"{SGO}/events?apiKey=k&leagueID=NBA&limit=1")
            return first

    first = asyncio.run(pages())
    assert len(first["data"]) == 1
    assert "nextCursor" not in first  # one match of that league
    assert made.quotas.used["sportsgameodds"] == 1


# ---- misfortunes


def test_faults_are_switched_while_it_runs_and_unknown_ones_are_explained():
    made = server()

    async def switching():
        async with asking(made) as ask:
            set_, _, _ = await ask("/sandbox/faults?set=stale,busy", "POST")
            wrong, text, _ = await ask("/sandbox/faults?set=nonsense", "POST")
            _, shown, _ = await ask("/sandbox")
            return set_, wrong, text, shown

    set_, wrong, text, shown = asyncio.run(switching())
    assert (set_, wrong) == (200, 400)
    assert "'nonsense' is none of" in text
    assert "double-header" in text
    assert shown["faults"] == ["busy", "stale"]
    assert len(shown["events"]) == 9


def prices(made, book="pinnacle"):
    status, said, _ = story(made, f"{TOA}/sports/basketball_nba/odds?apiKey=k&bookmakers={book}&markets=h2h")
    assert status == 200
    books = said[0]["bookmakers"]
    return {o["name"]: o["price"] for o in books[0]["markets"][0]["outcomes"]} if books else {}


def test_lines_are_spoilt_as_named():
    plain = prices(server())
    one, other = plain
    swapped = prices(server("swapped"))
    assert (swapped[one], swapped[other]) == pytest.approx((plain[other], plain[one]), abs=0.1)
    assert len(prices(server("one-sided"))) == 1
    assert 1.0 in prices(server("price-one")).values()
    assert prices(server("suspended")) == {}
    assert prices(server("missing-book")) == {}
    assert prices(server("suspended"), "draftkings") != {}


def test_an_exchange_lists_its_own_prices_as_the_real_ones_do():
    assert prices(server(), "prophetx") != {}


# ---- moments and recordings


def test_moments_are_written_as_the_feeds_do():
    moment = 1_795_204_721_123_000_000
    assert whole(moment) == "2026-11-20T19:58:41Z"
    assert thousandths(moment) == "2026-11-20T19:58:41.123Z"
    assert nanos(thousandths(moment)) == 1_795_204_721 * SECOND
    assert nanos("2026-11-20") == nanos("2026-11-20T00:00:00Z")


def recorded(speed=1.0):
    changes = (
        Change(1_000, (-110, 102), None, None),
        Change(2_000, (-120, 111), (1.5, -209, 191), (6.5, 100, -110)),
    )
    return RecordedCard([Game(1, "St. Louis", "Pittsburgh", 5_000, changes, (1, 4))], 0, speed)


def test_a_recording_passes_as_fast_as_it_is_told_and_moves_its_start_with_it():
    card = recorded(speed=10.0)
    (first,) = card.events(50 * SECOND)  # 500 s of the recording later
    assert [quote.kind for quote in first.quotes] == ["h2h"]
    assert first.quotes[0].sides == {"home": 2.02, "away": 1.909}
    assert first.start_ns == 400 * SECOND
    (second,) = card.events(100 * SECOND)
    assert {quote.kind: quote.line for quote in second.quotes} == {"h2h": 0.0, "spread": -1.5, "total": 6.5}
    assert second.quotes[0].changed_ns == 100 * SECOND
    assert not second.started
    (played,) = card.events(400 * SECOND)
    assert played.started
    assert not any(quote.open for quote in played.quotes)
    assert card.events(2_000 * SECOND) == []


def test_what_is_no_recording_is_one_clear_line(tmp_path):
    with pytest.raises(SandboxError, match="not a season of lines and games"):
        read_games(tmp_path)


def test_the_recorded_season_is_read_to_its_last_change():
    folder = os.environ.get("MMCONSOLE_RECORDINGS")
    if folder is None:
        pytest.skip("MMCONSOLE_RECORDINGS is not set")
    games = read_games(Path(folder) / "pinnacle_mlb_2016")
    assert len(games) == 1_566
    assert sum(len(game.changes) for game in games) == 178_447


# ---- the command


@pytest.mark.parametrize("names", ["nothing", "odds,nothing", ","])
def test_an_unknown_sandbox_is_one_clear_line(names, capsys):
    assert main(["sandbox", names]) == 2
    assert "is not one of kalshi, odds, polymarket, prophetx" in capsys.readouterr().err


def test_the_command_says_where_it_listens_and_ends_when_told():
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "sandbox", "odds", "--faults", "credits=77"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().split()[1]
        with urllib.request.urlopen(f"{address}/sports?apiKey=k") as response:
            assert response.headers["x-requests-remaining"] == "77"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
