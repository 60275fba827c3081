"""Which event is which match: names in every spelling, days, double-headers, kinds and lines."""

from __future__ import annotations

import json

import pytest

from console.core.matches import Kind
from console.venues.feeds import the_odds_api
from console.venues.feeds.leagues import LEAGUES, UnknownLeague, league_of, need_league
from console.venues.feeds.lines import Line, Side
from console.venues.feeds.names import alike
from console.venues.feeds.pairing import Paired, Unpaired, line_for, pair, prices
from console.venues.kalshi.discovery import SERIES

from .samples import RECEIVED, body, example, fixture, match, total

HOME, DRAW, AWAY, OVER, UNDER = Side.HOME, Side.DRAW, Side.AWAY, Side.OVER, Side.UNDER
NBA = need_league("nba")


def found(spec, *fixtures, league=None) -> Paired:
    answer = pair(spec, league or need_league(spec.league), "f", fixtures)
    assert isinstance(answer, Paired), answer
    return answer


def refused(spec, *fixtures) -> str:
    answer = pair(spec, need_league(spec.league), "f", fixtures)
    assert isinstance(answer, Unpaired), answer
    return answer.why


# ---- names

KALSHI_MLB = {
    "A's": "Athletics",
    "Arizona": "Arizona Diamondbacks",
    "Atlanta": "Atlanta Braves",
    "Baltimore": "Baltimore Orioles",
    "Boston": "Boston Red Sox",
    "Chicago C": "Chicago Cubs",
    "Chicago WS": "Chicago White Sox",
    "Cincinnati": "Cincinnati Reds",
    "Cleveland": "Cleveland Guardians",
    "Colorado": "Colorado Rockies",
    "Detroit": "Detroit Tigers",
    "Houston": "Houston Astros",
    "Kansas City": "Kansas City Royals",
    "Los Angeles A": "Los Angeles Angels",
    "Los Angeles D": "Los Angeles Dodgers",
    "Miami": "Miami Marlins",
    "Milwaukee": "Milwaukee Brewers",
    "Minnesota": "Minnesota Twins",
    "New York M": "New York Mets",
    "New York Y": "New York Yankees",
    "Philadelphia": "Philadelphia Phillies",
    "Pittsburgh": "Pittsburgh Pirates",
    "San Diego": "San Diego Padres",
    "San Francisco": "San Francisco Giants",
    "Seattle": "Seattle Mariners",
    "St. Louis": "St. Louis Cardinals",
    "Tampa Bay": "Tampa Bay Rays",
    "Texas": "Texas Rangers",
    "Toronto": "Toronto Blue Jays",
    "Washington": "Washington Nationals",
}


@pytest.mark.parametrize("short", KALSHI_MLB)
def test_a_venues_short_name_is_its_own_team_and_no_other(short: str) -> None:
    assert alike(short, KALSHI_MLB[short]) >= 95
    others = [alike(short, full) for name, full in KALSHI_MLB.items() if name != short]
    assert max(others) < 60


@pytest.mark.parametrize(
    ("one", "other", "at_least"),
    [
        ("J. Novotny", "Jan Novotny", 95),
        ("Novotny", "Novotny J.", 95),
        ("Michigan St.", "Michigan State Spartans", 95),
        ("Man City", "Manchester City", 100),
        ("Atlético Madrid", "Atletico Madrid", 100),
        ("Team Liquid", "Liquid", 100),
        ("NAVI", "Natus Vincere", 100),
        ("Sheffield Utd", "Sheffield United", 100),
        ("Karlovic", "Karlovich", 85),
        ("Alvarado", "R. Alvarado", 95),
        ("B. Smith", "Smith", 95),
        ("Leeds", "Leeds United", 95),
    ],
)
def test_spellings_of_one_name(one: str, other: str, at_least: int) -> None:
    assert alike(one, other) >= at_least
    assert alike(other, one) == alike(one, other)


@pytest.mark.parametrize(
    ("one", "other", "below"),
    [
        ("F. Cerundolo", "Juan Manuel Cerundolo", 65),
        ("New York G", "New York Jets", 65),
        ("Real Madrid", "Atletico Madrid", 65),
        ("Manchester United", "Manchester City", 85),
        ("Oklahoma", "Oklahoma State Cowboys", 85),
        ("Kansas", "Kansas City Roos", 85),
        ("South Carolina", "North Carolina", 85),
        ("Barcelona", "Barcelona Women", 85),
        ("Nordlys", "Nordlys Academy", 85),
    ],
)
def test_somebody_else_is_never_certain(one: str, other: str, below: int) -> None:
    assert alike(one, other) < below


# ---- orientation by names


def test_the_order_comes_from_the_names_never_from_home_and_away() -> None:
    spec = match("Boston", "New York")
    paired = found(spec, fixture("New York Knicks", "Boston Celtics"))
    assert paired.sides == (AWAY, HOME)
    assert paired.names == ("Boston Celtics", "New York Knicks")
    assert (paired.confidence, paired.doubt) == (95, "")
    assert found(spec, fixture("Boston Celtics", "New York Knicks")).sides == (HOME, AWAY)


def test_a_neutral_venue_changes_nothing() -> None:
    """The label home means nothing there; both listings of the same final give the same order of names."""
    spec = match("Dallas", "Green Bay", league="nfl")
    for names in (("Dallas Cowboys", "Green Bay Packers"), ("Green Bay Packers", "Dallas Cowboys")):
        assert found(spec, fixture(*names)).names == ("Dallas Cowboys", "Green Bay Packers")


def test_two_teams_of_one_city_are_told_apart_by_their_initials() -> None:
    spec = match("Los Angeles C", "Los Angeles L")
    paired = found(spec, fixture("Los Angeles Lakers", "Los Angeles Clippers"))
    assert paired.sides == (AWAY, HOME)
    assert paired.doubt == ""


def test_names_that_do_not_tell_which_is_which_are_a_doubt() -> None:
    spec = match("Los Angeles", "Los Angeles II")
    paired = found(spec, fixture("Los Angeles Lakers", "Los Angeles Clippers"))
    assert paired.doubt == "names do not tell Los Angeles Lakers from Los Angeles Clippers"


def test_names_only_somewhat_alike_are_a_doubt_and_others_no_event() -> None:
    spec = match("Oklahoma", "Texas", league="ncaaf")
    state = fixture("Oklahoma State Cowboys", "Texas Longhorns")
    assert found(spec, state).doubt == "names only 80 alike: Oklahoma v Texas"
    assert found(spec, state, fixture("Oklahoma Sooners", "Texas Longhorns")).doubt == ""
    why = refused(spec, fixture("Iowa Hawkeyes", "Nebraska Cornhuskers"))
    assert why.startswith("no event with these names; nearest is Iowa Hawkeyes v Nebraska")


def test_three_ways_keep_the_draw_where_it_is() -> None:
    spec = match("Chelsea", "Tie", "Arsenal", league="epl", start="2026-11-22 15:00")
    parsed = the_odds_api.parse_odds(body("toa_odds_epl_three_way_response"), RECEIVED)
    paired = found(spec, *parsed.fixtures)
    assert paired.sides == (AWAY, DRAW, HOME)
    line = line_for(spec, paired, [line for line in parsed.lines if line.book == "pinnacle"])
    assert isinstance(line, Line)
    assert prices(line, paired) == (4.21, 3.67, 1.9)
    assert refused(match("Chelsea", "Neither", "Arsenal", league="epl"), *parsed.fixtures) == (
        "no outcome is called Draw or Tie"
    )


# ---- which day


def test_a_series_of_days_is_told_apart_by_the_start() -> None:
    days = [fixture("Boston Red Sox", "Athletics", f"2026-08-{day:02} 23:10") for day in (6, 7, 8)]
    spec = match("A's", "Boston", league="mlb", start="2026-08-07 23:10")
    assert found(spec, *days).fixture is days[1]
    assert found(match("A's", "Boston", league="mlb", start="2026-08-08 02:10"), *days).fixture is days[1]


def test_a_double_header_is_refusesunless_its_event_is_named() -> None:
    games = [
        fixture("Boston Red Sox", "Athletics", f"2026-08-07 {hour}", named=hour)
        for hour in ("17:05", "22:35")
    ]
    spec = match("A's", "Boston", league="mlb", start="2026-08-07 17:05")
    assert refused(spec, *games) == "double-header: events at 17:05 and 22:35; name one in odds_events"
    named = match("A's", "Boston", league="mlb", start="2026-08-07 17:05", odds_events=("f:22:35",))
    assert found(named, *games).fixture is games[1]


def test_an_event_on_another_day_is_not_ours() -> None:
    spec = match("A's", "Boston", league="mlb", start="2026-08-07 23:10")
    why = refused(spec, fixture("Boston Red Sox", "Athletics", "2026-08-09 23:10"))
    assert why == "events with these names start 48 h or more apart from ours"


def test_without_a_start_of_ours_there_is_doubt_and_with_two_events_no_pairing() -> None:
    spec = match("A's", "Boston", league="mlb", start="")
    one = fixture("Boston Red Sox", "Athletics", "2026-08-07 23:10")
    assert found(spec, one).doubt == "the match has no start to tell the day by"
    other = fixture("Boston Red Sox", "Athletics", "2026-08-08 23:10")
    assert refused(spec, one, other) == "2 events with these names, and the match has no start"


def test_players_wait_for_the_court_teams_do_not() -> None:
    late = "2026-11-21 12:00"
    tennis = match("Novotny", "Alvarado", league="atp")
    assert found(tennis, fixture("Jan Novotny", "Rafael Alvarado", late))
    why = refused(match("Boston", "Denver"), fixture("Boston Celtics", "Denver Nuggets", late))
    assert why == "events with these names start 11 h or more apart from ours"


def test_an_event_named_outright_needs_one_certain_name() -> None:
    spec = match("Kestrel", "Qx", league="cs2", odds_events=("f:e7", "other:e1"))
    paired = found(spec, fixture("Team Kestrel", "Something Else", named="e7"))
    assert (paired.sides, paired.doubt) == ((HOME, AWAY), "")
    assert (
        refused(spec, fixture("Team Kestrel", "Something Else", named="e8")) == "no event e7 is listed there"
    )
    assert found(spec, fixture("Nobody", "Something Else", named="e7")).doubt


# ---- kinds and lines


def nba():
    parsed = the_odds_api.parse_odds(body("toa_odds_nba_decimal_response"), RECEIVED)
    return parsed, [line for line in parsed.lines if line.book == "pinnacle"]


@pytest.mark.parametrize(
    ("outcomes", "line", "said"),
    [
        (("New York -2.5", "Boston +2.5"), "-2.5", (1.892, 1.952)),
        (("Boston +2.5", "New York -2.5"), "2.5", (1.952, 1.892)),
        (("Boston +2.5", "New York -2.5"), "+2.5", (1.952, 1.892)),
        (("New York wins by over 2.5 points", "Boston"), "-2.5", (1.892, 1.952)),
        (("New York -1.5", "Boston +1.5"), "-1.5", "no line -1.5: it offers -2.5"),
        (("Boston -2.5", "New York +2.5"), "-2.5", "no line 2.5: it offers -2.5"),
    ],
)
def test_a_spread_is_paired_on_equal_lines_only(outcomes, line, said) -> None:
    parsed, ours = nba()
    spec = match(*outcomes, kind=Kind.SPREAD, line=line)
    paired = found(spec, *parsed.fixtures)
    offered = line_for(spec, paired, ours)
    assert (prices(offered, paired) if isinstance(offered, Line) else offered) == said


def test_a_total_finds_its_teams_in_the_title_and_its_sides_by_their_words() -> None:
    parsed, ours = nba()
    spec = total("226.5", title="Boston at New York: Total Points")
    paired = found(spec, *parsed.fixtures)
    assert paired.sides == (OVER, UNDER)
    offered = line_for(spec, paired, ours)
    assert isinstance(offered, Line)
    assert prices(offered, paired) == (1.917, 1.926)
    assert line_for(total("230.5"), paired, ours) == "no line 230.5: it offers 226.5"
    assert refused(total("226.5", title="Total points"), *parsed.fixtures).startswith(
        "a total needs its teams"
    )


@pytest.mark.parametrize("line", ["226", "226.25", "226.75", "8", "0", "-0"])
def test_a_line_that_can_push_is_refused(line: str) -> None:
    parsed, _ = nba()
    assert "a push would be settled differently" in refused(total(line), *parsed.fixtures)


def test_a_line_that_is_no_number_is_refused() -> None:
    parsed, _ = nba()
    assert refused(total("high"), *parsed.fixtures) == "line: 'high' is not a number such as -2.5"


def test_two_way_and_three_way_prices_are_never_mixed() -> None:
    soccer = the_odds_api.parse_odds(body("toa_odds_epl_three_way_response"), RECEIVED)
    two_way = match("Arsenal", "Chelsea", league="epl", start="2026-11-22 15:00", may_none=False)
    paired = found(two_way, *soccer.fixtures)
    assert line_for(two_way, paired, soccer.lines) == "its prices are 3-way, the match is 2-way"
    parsed, ours = nba()
    three_way = match("Boston", "Draw", "New York")
    paired = found(three_way, *parsed.fixtures)
    assert line_for(three_way, paired, ours) == "its prices are 2-way, the match is 3-way"


@pytest.mark.parametrize(
    ("outcomes", "may_none", "refuses"),
    [
        (("Arsenal", "Chelsea"), True, True),  # at a draw both pay nothing, where the book's bets are back
        (("Arsenal", "Chelsea"), False, False),  # stakes come back at a draw, as at the book
        (("Arsenal", "not Arsenal"), False, True),  # "not" has the draw in it
        (("Arsenal", "Draw", "Chelsea"), True, False),
    ],
)
def test_where_draws_happen_two_way_prices_are_for_bets_that_come_back_only(
    outcomes, may_none, refuses
) -> None:
    """A book's 1.53 without the draw is 63 %, where Arsenal wins in 47 of 100 games."""
    soccer = the_odds_api.parse_odds(body("toa_odds_epl_three_way_response"), RECEIVED)
    facts = {"league": "epl", "start": "2026-11-22 15:00", "may_none": may_none}
    named = [f"the_odds_api:{fixture.id}" for fixture in soccer.fixtures]
    for spec in (match(*outcomes, **facts), match(*outcomes, odds_events=tuple(named), **facts)):
        answer = pair(spec, need_league("epl"), "the_odds_api", soccer.fixtures)
        assert isinstance(answer, Unpaired) is refuses
        if refuses:
            assert answer.why == "Premier League has draws: name Draw among the outcomes"


def test_a_book_that_gives_both_gives_the_one_that_fits() -> None:
    answer = example("toa_odds_epl_three_way_response")
    markets = answer[0]["bookmakers"][0]["markets"]
    two = [{"name": "Arsenal", "price": 1.5}, {"name": "Chelsea", "price": 2.6}]
    markets.append({"key": "h2h", "last_update": "2026-11-20T19:59:41Z", "outcomes": two})
    parsed = the_odds_api.parse_odds(json.dumps(answer).encode(), RECEIVED)
    spec = match("Arsenal", "Draw", "Chelsea", league="epl", start="2026-11-22 15:00")
    offered = line_for(spec, found(spec, *parsed.fixtures), parsed.lines)
    assert isinstance(offered, Line)
    assert len(offered.odds) == 3


# ---- leagues


def test_leagues_have_names_of_their_own() -> None:
    assert len({league.id for league in LEAGUES}) == len(LEAGUES)
    assert league_of("NBA") is NBA
    assert league_of("") is None
    known = [league_of(name) for _, name in SERIES.values() if name != "ATP Challenger"]
    assert None not in known  # every league Kalshi's discovery names
    assert league_of("Serie A") is need_league("seriea")
    assert league_of("KXNBATOTAL") is NBA
    assert league_of("premier-league-2026") is need_league("epl")  # as Polymarket writes it
    assert league_of("nba-2025-26") is NBA
    assert league_of("ATP Challenger") is league_of("g league") is None
    with pytest.raises(UnknownLeague, match="league: 'nbaa' is not one of nba"):
        need_league("nbaa")
