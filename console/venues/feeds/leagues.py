"""Leagues by names of our own, and where each feed and venue keeps them.

Spellings are from the vendors' pages and public code (facts sheet of 2026-11); tournaments of OddsPapi are
found in its own list by category and slug, tennis keys of The Odds API by their prefix in `/sports`.
"""

from __future__ import annotations

import re

from msgspec import Struct

from console.core.complaint import Complaint
from console.core.units import SECOND

HOUR = 3600 * SECOND


class UnknownLeague(Complaint):
    """A league nobody here has heard of; the message lists those that are known."""


class Tournaments(Struct, frozen=True, array_like=True):
    """OddsPapi: a sport, and the tournaments in it; no slugs or no categories: all of them."""

    sport: int
    slugs: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class League(Struct, frozen=True, kw_only=True):
    """One league. Empty where a feed does not have it.

    `slack` is how far a feed's start may be from ours: players wait for the court, teams do not. `series`
    are the words a venue lists its matches under. `draws`: a match can end in one, and books that leave it
    out of their prices give the stake back then.
    """

    id: str
    title: str
    the_odds_api: tuple[str, ...] = ()
    the_odds_api_prefix: str = ""
    oddspapi: Tournaments | None = None
    sportsgameodds: str = ""
    slack: int = 4 * HOUR
    series: tuple[str, ...] = ()
    draws: bool = False


_SOCCER, _BASKET, _TENNIS, _BASEBALL, _GRIDIRON, _HOCKEY = 10, 11, 12, 13, 14, 15
_DOTA, _CS, _LOL, _MMA, _TABLE_TENNIS, _COD, _VALORANT = 16, 17, 18, 20, 25, 56, 61
_LONG = 18 * HOUR
_USA = ("usa",)

LEAGUES = (
    League(
        id="nba",
        title="NBA",
        the_odds_api=("basketball_nba",),
        oddspapi=Tournaments(_BASKET, ("nba",), _USA),
        sportsgameodds="NBA",
        series=("KXNBAGAME", "KXNBASPREAD", "KXNBATOTAL"),
    ),
    League(
        id="wnba",
        title="WNBA",
        the_odds_api=("basketball_wnba",),
        oddspapi=Tournaments(_BASKET, ("wnba",), _USA),
        sportsgameodds="WNBA",
        series=("KXWNBAGAME", "KXWNBASPREAD", "KXWNBATOTAL"),
    ),
    League(
        id="ncaab",
        title="NCAA basketball",
        the_odds_api=("basketball_ncaab",),
        oddspapi=Tournaments(_BASKET, ("ncaa", "ncaa-regular", "ncaa-division-i"), _USA),
        sportsgameodds="NCAAB",
        series=("KXNCAAMBGAME",),
    ),
    League(
        id="nhl",
        title="NHL",
        the_odds_api=("icehockey_nhl",),
        oddspapi=Tournaments(_HOCKEY, ("nhl",), _USA),
        sportsgameodds="NHL",
        series=("KXNHLGAME", "KXNHLSPREAD", "KXNHLTOTAL"),
    ),
    League(
        id="mlb",
        title="MLB",
        the_odds_api=("baseball_mlb",),
        oddspapi=Tournaments(_BASEBALL, ("mlb",), _USA),
        sportsgameodds="MLB",
        series=("KXMLBGAME", "KXMLBSPREAD", "KXMLBTOTAL"),
    ),
    League(
        id="nfl",
        title="NFL",
        the_odds_api=("americanfootball_nfl",),
        oddspapi=Tournaments(_GRIDIRON, ("nfl",), _USA),
        sportsgameodds="NFL",
        series=("KXNFLGAME", "KXNFLSPREAD", "KXNFLTOTAL"),
    ),
    League(
        id="ncaaf",
        title="NCAA football",
        the_odds_api=("americanfootball_ncaaf",),
        oddspapi=Tournaments(_GRIDIRON, ("ncaa", "ncaa-regular", "ncaa-division-i-fbs"), _USA),
        sportsgameodds="NCAAF",
        series=("KXNCAAFGAME",),
    ),
    League(
        id="epl",
        title="Premier League",
        the_odds_api=("soccer_epl",),
        oddspapi=Tournaments(_SOCCER, ("premier-league",), ("england",)),
        sportsgameodds="EPL",
        series=("KXEPLGAME", "KXEPLTOTAL"),
        draws=True,
    ),
    League(
        id="laliga",
        title="La Liga",
        the_odds_api=("soccer_spain_la_liga",),
        oddspapi=Tournaments(_SOCCER, ("laliga", "la-liga"), ("spain",)),
        sportsgameodds="LA_LIGA",
        series=("KXLALIGAGAME", "KXLALIGATOTAL"),
        draws=True,
    ),
    League(
        id="bundesliga",
        title="Bundesliga",
        the_odds_api=("soccer_germany_bundesliga",),
        oddspapi=Tournaments(_SOCCER, ("bundesliga",), ("germany",)),
        sportsgameodds="BUNDESLIGA",
        series=("KXBUNDESLIGAGAME",),
        draws=True,
    ),
    League(
        id="seriea",
        title="Serie A",
        the_odds_api=("soccer_italy_serie_a",),
        oddspapi=Tournaments(_SOCCER, ("serie-a",), ("italy",)),
        series=("KXSERIEAGAME",),
        draws=True,
    ),
    League(
        id="ligue1",
        title="Ligue 1",
        the_odds_api=("soccer_france_ligue_one",),
        oddspapi=Tournaments(_SOCCER, ("ligue-1",), ("france",)),
        series=("KXLIGUE1GAME",),
        draws=True,
    ),
    League(
        id="ucl",
        title="Champions League",
        the_odds_api=("soccer_uefa_champs_league",),
        oddspapi=Tournaments(_SOCCER, ("uefa-champions-league",)),
        sportsgameodds="UEFA_CHAMPIONS_LEAGUE",
        series=("KXUCLGAME", "KXUCLTOTAL"),
        draws=True,
    ),
    League(
        id="uel",
        title="Europa League",
        the_odds_api=("soccer_uefa_europa_league",),
        oddspapi=Tournaments(_SOCCER, ("uefa-europa-league",)),
        series=("KXUELGAME",),
        draws=True,
    ),
    League(
        id="mls",
        title="MLS",
        the_odds_api=("soccer_usa_mls",),
        oddspapi=Tournaments(_SOCCER, ("mls",), _USA),
        sportsgameodds="MLS",
        series=("KXMLSGAME",),
        draws=True,
    ),
    League(
        id="ligamx",
        title="Liga MX",
        the_odds_api=("soccer_mexico_ligamx",),
        oddspapi=Tournaments(_SOCCER, ("liga-mx",), ("mexico",)),
        series=("KXLIGAMXGAME",),
        draws=True,
    ),
    League(
        id="atp",
        title="ATP tennis",
        the_odds_api_prefix="tennis_atp_",
        oddspapi=Tournaments(_TENNIS, (), ("atp",)),
        sportsgameodds="ATP",
        slack=_LONG,
        series=("KXATPMATCH",),
    ),
    League(
        id="wta",
        title="WTA tennis",
        the_odds_api_prefix="tennis_wta_",
        oddspapi=Tournaments(_TENNIS, (), ("wta",)),
        sportsgameodds="WTA",
        slack=_LONG,
        series=("KXWTAMATCH",),
    ),
    League(
        id="ufc",
        title="UFC",
        the_odds_api=("mma_mixed_martial_arts",),
        oddspapi=Tournaments(_MMA),
        sportsgameodds="UFC",
        slack=_LONG,
        series=("KXUFCFIGHT",),
    ),
    League(
        id="tabletennis",
        title="Table tennis",
        oddspapi=Tournaments(_TABLE_TENNIS),
        slack=1 * HOUR,  # the same two may meet again the same evening
        series=("KXTTELITEGAME",),
    ),
    League(id="cs2", title="Counter-Strike 2", oddspapi=Tournaments(_CS), series=("KXCS2GAME",)),
    League(id="valorant", title="Valorant", oddspapi=Tournaments(_VALORANT), series=("KXVALORANTGAME",)),
    League(id="lol", title="League of Legends", oddspapi=Tournaments(_LOL), series=("KXLOLGAME",)),
    League(id="dota2", title="Dota 2", oddspapi=Tournaments(_DOTA), series=("KXDOTA2GAME",)),
    League(id="cod", title="Call of Duty", oddspapi=Tournaments(_COD), series=("KXCODGAME",)),
)

_BY_ID = {league.id: league for league in LEAGUES}
_YEARS = re.compile(r"(?:[\s_-]+(?:19|20)?\d\d){1,2}$")  # premier-league-2026, nba-2025-26
_ALSO = {"callofduty": "cod", "ttelite": "tabletennis", "ttelitegame": "tabletennis"}


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


_BY_NAME = {
    **{_plain(word): league for league in LEAGUES for word in (league.title, *league.series)},
    **{word: _BY_ID[league] for word, league in _ALSO.items()},
    **_BY_ID,
}


def league_of(name: str) -> League | None:
    """A league by its id, its title or a venue's word for it; None for one nobody here has heard of."""
    return _BY_NAME.get(_plain(name)) or _BY_NAME.get(_plain(_YEARS.sub("", name.strip())))


def need_league(name: str) -> League:
    """A league by its id; raises UnknownLeague."""
    league = league_of(name)
    if league is None:
        raise UnknownLeague(f"league: {name!r} is not one of {', '.join(_BY_ID)}")
    return league
