"""Every example of the feeds' answers is read by something, and none of its mandatory fields is guessed."""

from __future__ import annotations

import copy
import json

import pytest

from console.venues.feeds import oddspapi, sportsgameodds, the_odds_api
from console.venues.feeds.leagues import LEAGUES
from console.venues.feeds.lines import Parsed
from console.venues.feeds.shapes import Unreadable

from .samples import EXAMPLES, RECEIVED, body, example, fixture


def papi_odds(said: bytes) -> Parsed:
    known = {
        f"id{number}": fixture("Brentford", "Chelsea", named=f"id{number}")
        for number in ("1000001761301153", "6100051261998877")
    }
    return oddspapi.parse_odds(said, RECEIVED, known, oddspapi.KNOWN)


def toa_odds(said: bytes) -> Parsed:
    return the_odds_api.parse_odds(said, RECEIVED)


ODDS = {
    "oddspapi_odds_by_tournaments_response": papi_odds,
    "oddspapi_odds_valorant_response": papi_odds,
    "sgo_events_response": lambda said: sportsgameodds.parse_events(said, RECEIVED),
    "toa_event_odds_response": toa_odds,
    "toa_odds_epl_three_way_response": toa_odds,
    "toa_odds_nba_american_response": lambda said: the_odds_api.parse_odds(said, RECEIVED, american=True),
    "toa_odds_nba_decimal_response": toa_odds,
    "toa_odds_partial_book_response": toa_odds,
}
EVENTS = {
    "oddspapi_fixtures_response": lambda said: oddspapi.parse_fixtures(said, None),
    "toa_events_response": lambda said: the_odds_api.parse_events(said, RECEIVED),
    "toa_scores_response": lambda said: the_odds_api.parse_events(said, RECEIVED),  # the same events
}
# By whom the others are read, each in a test of its own: errors, headers, the account, the season's sports.
ELSEWHERE = {
    *("oddspapi_errors", "sgo_error_responses", "toa_errors", "toa_headers"),
    *("sgo_account_usage_response", "toa_sports_response", "oddspapi_sports_response"),
}
MANDATORY = {
    "oddspapi_fixtures_response": [
        *("fixtureId", "participant1Id", "participant2Id", "participant1Name", "participant2Name"),
        *("tournamentId", "statusId", "startTime"),
    ],
    "toa_events_response": ["id", "commence_time", "home_team", "away_team"],
    "toa_scores_response": ["id", "commence_time", "home_team", "away_team"],
}


def test_every_example_is_read_by_something() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == {*ODDS, *EVENTS, *ELSEWHERE}


@pytest.mark.parametrize("name", ODDS)
def test_every_example_of_odds_has_lines_and_what_is_no_line_says_why(name: str) -> None:
    parsed = ODDS[name](body(name))
    assert parsed.fixtures
    assert bool(parsed.lines) is (name != "toa_odds_partial_book_response")
    assert [str(trouble) for trouble in parsed.troubles if trouble.broken] == []
    for line in parsed.lines:
        assert min(line.odds.values()) > 1.0
        assert max(line.provider_wall, line.changed_wall) > 0


@pytest.mark.parametrize("name", EVENTS)
def test_every_example_of_events_is_read(name: str) -> None:
    parsed = EVENTS[name](body(name))
    assert len(parsed.fixtures) == len(example(name))
    assert parsed.troubles == ()


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name in MANDATORY for field in MANDATORY[name]]
)
def test_an_event_without_a_mandatory_field_is_no_event_and_says_so(name: str, field: str) -> None:
    document = copy.deepcopy(example(name))
    del document[0][field]
    parsed = EVENTS[name](json.dumps(document).encode())
    assert len(parsed.fixtures) == len(document) - 1
    (trouble,) = parsed.troubles
    assert "missing" in trouble.text or "name" in trouble.text, trouble


@pytest.mark.parametrize("field", ["max-entities", "current-entities"])
def test_an_account_without_its_numbers_is_unreadable_never_empty(field: str) -> None:
    document = copy.deepcopy(example("sgo_account_usage_response"))
    del document["data"]["rateLimits"]["per-month"][field]
    with pytest.raises(Unreadable, match=field):
        sportsgameodds.parse_usage(json.dumps(document).encode())


@pytest.mark.parametrize("field", ["key", "active"])
def test_a_sport_without_its_key_or_season_is_unreadable(field: str) -> None:
    document = copy.deepcopy(example("toa_sports_response"))
    del document[0][field]
    with pytest.raises(Unreadable, match=field):
        the_odds_api.parse_sports(json.dumps(document).encode())


def test_the_sports_our_leagues_are_asked_under_are_those_listed() -> None:
    """A number alone would bring another sport's matches, and pair none of them."""
    listed = {row["sportId"]: row["slug"] for row in example("oddspapi_sports_response")}
    asked = {league.id: league.oddspapi.sport for league in LEAGUES if league.oddspapi is not None}
    sports = {league: listed.get(sport) for league, sport in asked.items()}
    assert sports["epl"] == sports["ucl"] == "soccer"
    assert (sports["nba"], sports["nhl"], sports["mlb"]) == ("basketball", "ice-hockey", "baseball")
    assert (sports["nfl"], sports["atp"]) == ("american-football", "tennis")
    assert (sports["cs2"], sports["valorant"]) == ("esport-counter-strike", "esport-valorant")
