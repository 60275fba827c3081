"""What the feeds say, read: every example, and every field it cannot do without."""

from __future__ import annotations

import copy
import json

import pytest

from console.core.matches import Kind
from console.core.units import SECOND
from console.venues.feeds import oddspapi, sportsgameodds, the_odds_api
from console.venues.feeds.lines import Parsed, Side
from console.venues.feeds.shapes import Unreadable

from .samples import RECEIVED, body, example, fixture, wall

HOME, DRAW, AWAY, OVER, UNDER = Side.HOME, Side.DRAW, Side.AWAY, Side.OVER, Side.UNDER


def lines(parsed: Parsed, book: str = "pinnacle") -> dict[tuple[Kind, str], dict[Side, float]]:
    return {(line.kind, line.line): line.odds for line in parsed.lines if line.book == book}


def toa(part: object, **options) -> Parsed:
    return the_odds_api.parse_odds(json.dumps(part).encode(), RECEIVED, **options)


def papi(part: object) -> Parsed:
    known = {"id1000001761301153": fixture("Brentford", "Chelsea", named="id1000001761301153")}
    return oddspapi.parse_odds(json.dumps(part).encode(), RECEIVED, known, oddspapi.KNOWN)


def sgo(part: object) -> Parsed:
    return sportsgameodds.parse_events(json.dumps(part).encode(), RECEIVED)


# ---- The Odds API


def test_outcomes_are_told_by_name_and_lines_written_as_the_home_side_would() -> None:
    parsed = the_odds_api.parse_odds(body("toa_odds_nba_decimal_response"), RECEIVED)
    (event,) = parsed.fixtures
    assert (event.home, event.away, event.start) == (
        "New York Knicks",
        "Boston Celtics",
        wall("2026-11-21 00:40"),
    )
    assert lines(parsed) == {  # the visitors come first in the answer
        (Kind.H2H, ""): {HOME: 1.763, AWAY: 2.14},
        (Kind.SPREAD, "-2.5"): {HOME: 1.892, AWAY: 1.952},
        (Kind.TOTAL, "226.5"): {OVER: 1.917, UNDER: 1.926},
    }
    assert parsed.troubles == ()
    line = parsed.lines[0]
    assert (line.changed_wall, line.provider_wall, line.received_wall) == (
        0,
        wall("2026-11-20 19:58") + 41 * SECOND,
        RECEIVED,
    )


def test_lay_prices_of_an_exchange_are_no_book_of_its_own() -> None:
    parsed = the_odds_api.parse_odds(body("toa_odds_nba_decimal_response"), RECEIVED)
    assert lines(parsed, "prophetx") == {(Kind.H2H, ""): {HOME: 1.8, AWAY: 2.16}}


def test_american_prices_are_converted_and_never_taken_for_decimal_ones() -> None:
    american = the_odds_api.parse_odds(body("toa_odds_nba_american_response"), RECEIVED, american=True)
    assert lines(american)[Kind.H2H, ""] == pytest.approx({HOME: 1 + 100 / 131, AWAY: 2.14})
    taken_for_decimal = the_odds_api.parse_odds(body("toa_odds_nba_american_response"), RECEIVED)
    assert taken_for_decimal.lines == ()
    assert len(taken_for_decimal.troubles) == 3


def test_three_ways_have_a_draw() -> None:
    parsed = the_odds_api.parse_odds(body("toa_odds_epl_three_way_response"), RECEIVED)
    assert lines(parsed)[Kind.H2H, ""] == {HOME: 1.9, DRAW: 3.67, AWAY: 4.21}


def test_one_side_or_a_price_of_one_is_no_line_and_says_so() -> None:
    parsed = the_odds_api.parse_odds(body("toa_odds_partial_book_response"), RECEIVED)
    assert parsed.lines == ()
    assert [(t.market, t.text, t.broken) for t in parsed.troubles] == [
        ("h2h", "only away is offered", False),
        ("totals 226.5", "the price of over is 1: suspended or not offered", False),
    ]


def test_alternate_lines_are_paired_by_their_points() -> None:
    parsed = the_odds_api.parse_odds(body("toa_event_odds_response"), RECEIVED)
    assert lines(parsed) == {
        (Kind.SPREAD, "-1.5"): {HOME: 1.704, AWAY: 2.21},
        (Kind.SPREAD, "-3.5"): {HOME: 2.16, AWAY: 1.735},
    }


def test_events_sports_and_quotas_are_read() -> None:
    events = the_odds_api.parse_events(body("toa_events_response"), RECEIVED)
    assert [event.title for event in events.fixtures] == ["New York Knicks v Boston Celtics"]
    assert the_odds_api.parse_sports(body("toa_sports_response")) == (
        "basketball_nba",
        "basketball_ncaab",
        "icehockey_nhl",
        "soccer_epl",
    )
    headers = example("toa_headers")
    assert the_odds_api.quota(headers["ok_odds_2_markets_1_region"]) == (19876, 124, 2)
    assert the_odds_api.quota(headers["quota_exhausted"]) == (0, 500, 0)
    assert the_odds_api.quota({"x-requests-remaining": "19876.5"}) == (19876, None, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Boston"}, "'Boston' names no side of New York Knicks v Boston Celtics"),
        ({"name": "New York Knicks"}, "New York Knicks is priced twice"),
        ({"price": "2.14"}, "price input should be a valid number"),
        ({"price": True}, "price input should be a valid number"),
        ({"price": None}, "price input should be a valid number"),
        ({"price": 1.05}, "the prices add up to"),
        ({"price": 30.0}, "the prices add up to"),
    ],
)
def test_an_outcome_that_makes_no_sense_stops_its_market_alone(changes: dict, said: str) -> None:
    answer = example("toa_odds_nba_decimal_response")
    answer[0]["bookmakers"][0]["markets"][0]["outcomes"][0].update(changes)
    parsed = toa(answer)
    assert set(lines(parsed)) == {(Kind.SPREAD, "-2.5"), (Kind.TOTAL, "226.5")}
    assert len(lines(parsed, "draftkings")) == 3
    assert any(said in str(trouble) for trouble in parsed.troubles), parsed.troubles


# ---- OddsPapi


def test_prices_four_levels_down_are_found_with_their_real_age() -> None:
    parsed = papi(example("oddspapi_odds_by_tournaments_response"))
    assert lines(parsed) == {
        (Kind.H2H, ""): {HOME: 1.9, DRAW: 3.67, AWAY: 4.21},
        (Kind.TOTAL, "2.5"): {OVER: 1.847, UNDER: 2.05},
        (Kind.TOTAL, "3.5"): {OVER: 2.71, UNDER: 1.497},
    }
    line = parsed.lines[0]
    assert line.changed_wall == wall("2026-11-20 19:57") + 58 * SECOND + 990_000_000
    assert line.provider_wall == 0  # nothing says when they looked
    assert parsed.fixtures[0].title == "Brentford v Chelsea"  # names carried over from the fixtures


def test_odds_without_names_known_from_elsewhere_are_no_event() -> None:
    answer = json.dumps(example("oddspapi_odds_by_tournaments_response")).encode()
    parsed = oddspapi.parse_odds(answer, RECEIVED, {}, oddspapi.KNOWN)
    assert (parsed.lines, parsed.fixtures) == ((), ())
    assert str(parsed.troubles[0]) == "id1000001761301153: participant names are missing"


def test_one_object_stands_for_a_list_and_suspended_books_keep_their_prices_to_themselves() -> None:
    parsed = papi(example("oddspapi_odds_valorant_response"))
    assert lines(parsed) == {(Kind.H2H, ""): {HOME: 1.729, AWAY: 2.11}}
    assert lines(parsed, "bet365") == {}
    assert [(t.book, t.text, t.broken) for t in parsed.troubles] == [("bet365", "suspended", False)]


@pytest.mark.parametrize(
    "close",
    [
        lambda book: book.update(suspended=True),
        lambda book: book.update(bookmakerIsActive=False),
        lambda book: book["markets"]["171"].update(marketActive=False),
        lambda book: book["markets"]["171"]["outcomes"]["171"]["players"]["0"].update(active=False),
        lambda book: book["markets"]["171"]["outcomes"]["171"]["players"]["0"].update(price=1.0),
        lambda book: book["markets"]["171"]["outcomes"].pop("172"),
    ],
)
def test_any_flag_on_the_way_down_closes_the_line(close) -> None:
    answer = example("oddspapi_odds_valorant_response")
    close(answer["bookmakerOdds"]["pinnacle"])
    parsed = papi(answer)
    assert lines(parsed) == {}
    assert [trouble for trouble in parsed.troubles if trouble.book == "pinnacle"]


def test_fixtures_and_tournaments_and_catalogues_are_read() -> None:
    listed = oddspapi.parse_fixtures(body("oddspapi_fixtures_response"), None)
    assert [(f.id, f.title, f.key, f.started) for f in listed.fixtures] == [
        ("id6100051261998877", "Team Alpha v Team Bravo", "51260", False)
    ]
    assert oddspapi.parse_fixtures(body("oddspapi_fixtures_response"), (1,)).fixtures == ()
    tournaments = [
        {"tournamentId": 132, "tournamentSlug": "nba", "categorySlug": "usa", "futureFixtures": 9},
        {"tournamentId": 7, "tournamentSlug": "nba", "categorySlug": "philippines"},
        {"tournamentId": 9, "tournamentSlug": "wnba", "categorySlug": "usa"},
    ]
    wanted = oddspapi.Tournaments(11, ("nba",), ("usa",))
    assert oddspapi.parse_tournaments(json.dumps(tournaments).encode(), wanted) == (132,)
    account = {"subscriptions": [{"request_count": 88, "request_limit": 250}]}
    assert oddspapi.parse_account(json.dumps(account).encode()) == (162, 88)


def catalogue_entry(market: int, name: str, kind: str, *outcomes: str, **facts: object) -> dict:
    return {
        "marketId": market,
        "marketName": name,
        "marketType": kind,
        "outcomes": [{"outcomeId": market + n, "outcomeName": word} for n, word in enumerate(outcomes)],
        **facts,
    }


def test_a_catalogue_names_winners_handicaps_and_totals_of_the_whole_match_and_nothing_else() -> None:
    said = [
        catalogue_entry(111, "Winner", "moneyline", "1", "2", period="fulltime"),
        catalogue_entry(1068, "Asian Handicap -0.5", "spreads", "1", "2", handicap=-0.5, period="fulltime"),
        catalogue_entry(1014, "Over Under Full Time 4.5", "totals", "Over", "Under", handicap=4.5),
        catalogue_entry(301, "First half winner", "moneyline", "1", "2", period="p1"),
        catalogue_entry(401, "Team total", "totals", "Over", "Under", handicap=1.5),
        catalogue_entry(501, "Total points of a player", "totals", "Over", "Under", playerProp=True),
        catalogue_entry(601, "Correct score", "other", "1:0", "0:1"),
        {"marketId": "broken"},
    ]
    known = oddspapi.parse_catalogue(json.dumps(said).encode())
    assert set(known) - set(oddspapi.KNOWN) == {"111", "1068", "1014"}
    assert known["1068"].sides == {"1068": HOME, "1069": AWAY}
    assert (known["1014"].kind, known["1014"].line) == (Kind.TOTAL, "4.5")


# ---- SportsGameOdds


def test_american_strings_lying_apart_are_brought_together_by_book_and_line() -> None:
    parsed = sportsgameodds.parse_events(body("sgo_events_response"), RECEIVED)
    (event,) = parsed.fixtures
    assert (event.title, event.started) == ("New York Knicks v Boston Celtics", False)
    assert lines(parsed) == {(Kind.H2H, ""): pytest.approx({HOME: 1 + 100 / 131, AWAY: 2.14})}
    assert "only home is offered" in str(parsed.troubles[0])  # the example has one side of the spread


def with_spreads() -> dict:
    """The example with the visitors' side of the spread."""
    answer = example("sgo_events_response")
    odds = answer["data"][0]["odds"]
    away = copy.deepcopy(odds["points-home-game-sp-home"])
    away.update(statEntityID="away", sideID="away")
    away["byBookmaker"]["pinnacle"].update(odds="-105", spread="+2.5")
    away["byBookmaker"]["draftkings"].update(odds="-110", spread="+2.5")
    away["byBookmaker"]["draftkings"]["altLines"][0].update(odds="-140", spread="+4.5")
    odds["points-away-game-sp-away"] = away
    return answer


def test_spreads_of_both_sides_meet_and_alternates_stand_beside_them() -> None:
    parsed = sgo(with_spreads())
    assert lines(parsed)[Kind.SPREAD, "-2.5"] == pytest.approx({HOME: 1 + 100 / 112, AWAY: 1 + 100 / 105})
    assert lines(parsed, "draftkings")[Kind.SPREAD, "-4.5"] == pytest.approx({HOME: 2.2, AWAY: 1 + 100 / 140})


def test_a_spread_written_where_totals_stand_is_read_too() -> None:
    answer = with_spreads()
    for side in ("points-home-game-sp-home", "points-away-game-sp-away"):
        entry = answer["data"][0]["odds"][side]["byBookmaker"]["pinnacle"]
        entry["overUnder"] = entry.pop("spread")
    assert (Kind.SPREAD, "-2.5") in lines(sgo(answer))


def test_a_book_that_stays_in_the_answer_without_offering_is_closed() -> None:
    answer = example("sgo_events_response")
    answer["data"][0]["odds"]["points-home-game-ml-home"]["byBookmaker"]["pinnacle"]["available"] = False
    assert lines(sgo(answer)) == {}


@pytest.mark.parametrize("odds", ["1.72", "-99", "+50", "even", "", "1e3"])
def test_what_is_not_american_is_not_guessed_at(odds: str) -> None:
    answer = example("sgo_events_response")
    answer["data"][0]["odds"]["points-home-game-ml-home"]["byBookmaker"]["pinnacle"]["odds"] = odds
    parsed = sgo(answer)
    assert lines(parsed) == {}
    assert any("American" in str(trouble) for trouble in parsed.troubles)


def test_the_older_of_two_stamps_is_that_of_the_line() -> None:
    answer = example("sgo_events_response")
    entry = answer["data"][0]["odds"]["points-away-game-ml-away"]["byBookmaker"]["pinnacle"]
    entry["lastUpdatedAt"] = "2026-11-20T19:40:00.000Z"
    line = next(line for line in sgo(answer).lines if line.book == "pinnacle")
    assert line.provider_wall == wall("2026-11-20 19:40")


def test_pages_objects_and_the_account_are_read() -> None:
    assert sportsgameodds.parse_cursor(body("sgo_events_response")) == "eyJleGFtcGxlIjoxfQ"
    assert sportsgameodds.parse_objects(body("sgo_events_response")) == 1
    assert sportsgameodds.parse_usage(body("sgo_account_usage_response")) == (2160, 340)
    unlimited = example("sgo_account_usage_response")
    unlimited["data"]["rateLimits"]["per-month"]["max-entities"] = "unlimited"
    left, used = sportsgameodds.parse_usage(json.dumps(unlimited).encode())
    assert left >= 1_000_000_000
    assert used == 340


# ---- nothing missing is ever read as something


def paths(part: object, prefix: tuple = ()) -> list[tuple]:
    """Every key of every object in a document."""
    if isinstance(part, dict):
        return [(*prefix, key) for key in part] + [p for k, v in part.items() for p in paths(v, (*prefix, k))]
    if isinstance(part, list):
        return [p for n, v in enumerate(part) for p in paths(v, (*prefix, n))]
    return []


def without(part: object, path: tuple) -> object:
    """A copy with one key taken out."""
    copied = copy.deepcopy(part)
    holder = copied
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return copied


FREE = {  # keys whose absence changes nothing, because nothing is read from them
    "toa_odds_nba_decimal_response": {"sport_key", "sport_title", "title"},
    "toa_odds_epl_three_way_response": {"sport_key", "sport_title", "title"},
    "toa_event_odds_response": {"sport_key", "sport_title", "title", "description"},
    "oddspapi_odds_by_tournaments_response": {
        *("participant1Name", "seasonId", "sportId", "hasOdds", "trueStartTime", "trueEndTime", "updatedAt"),
        *("bookmakerFixtureId", "fixturePath", "bookmakerMarketId", "betslip", "bookmakerOutcomeId"),
        *("limit", "playerName", "priceAmerican", "priceFractional", "mainLine", "exchangeMeta"),
    },
    "sgo_events_response": {
        *("sportID", "leagueID", "type", "teamID", "medium", "short", "statEntityID", "live", "completed"),
        *("finalized", "delayed", "hardStart", "oddsPresent", "oddsAvailable", "displayShort", "displayLong"),
        *("currentPeriodID", "previousPeriodID", "periods", "oddID", "opposingOddID", "marketName"),
        *("bookOddsAvailable", "fairOddsAvailable", "fairOdds", "bookOdds", "scoringSupported", "players"),
        *("bookmakerID", "isMainLine", "fairSpread", "bookSpread", "fairOverUnder", "bookOverUnder"),
        *("nextCursor", "results"),
    },
}
# One of two stamps is enough, so that taking out either changes no price.
STAMPS = {"last_update", "changedAt", "bookmakerChangedAt", "altLines"}


@pytest.mark.parametrize("name", FREE)
def test_each_field_taken_out_stops_its_line_with_a_message_or_changes_nothing(name: str) -> None:
    read = {"t": toa, "o": papi, "s": sgo}[name[0]]
    whole = example(name) if name != "sgo_events_response" else with_spreads()
    full = read(whole)
    before = {(line.event, line.book, line.kind, line.line): line.odds for line in full.lines}
    assert before
    tried = 0
    for path in paths(whole):
        field = path[-1]
        if not isinstance(field, str) or any(str(step) in FREE[name] for step in path):
            continue
        if path[2:3] == ("odds",) and field == "started":  # the event's own word counts
            continue
        try:
            parsed = read(without(whole, path))
        except Unreadable:
            tried += 1
            continue
        after = {(line.event, line.book, line.kind, line.line): line.odds for line in parsed.lines}
        assert after.items() <= before.items(), path  # never another price, never a line that was not there
        if len(after) < len(before):
            assert _is_a_whole_part(path) or set(parsed.troubles) - set(full.troubles), path
            tried += 1
        elif field not in STAMPS and not _is_a_whole_part(path):
            assert not _holds_a_line(read, whole, path, before), path
    assert tried > 20


def _is_a_whole_part(path: tuple) -> bool:
    """A book, market or odd that is not there is not offered; nothing is missing from what remains."""
    return any(step in ("bookmakerOdds", "markets", "odds", "byBookmaker") for step in path[-2:-1])


def _holds_a_line(read, whole: object, path: tuple, before: dict) -> bool:
    """Whether the part around a field makes any line at all."""
    parsed = read(without(whole, path[:-1]))
    return {(line.event, line.book, line.kind, line.line) for line in parsed.lines} != set(before)
