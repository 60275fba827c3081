"""A recorded day of baseball: what The Odds API said of it, held against what Kalshi listed and showed."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console.core.devig import Method, devig
from console.core.events import OddsPaired, OddsSuspended, OddsUnpaired, OddsUpdate
from console.core.matches import Kind, MatchSpec
from console.core.pairing import Verdict, judge
from console.core.units import SECOND
from console.venues.feeds import the_odds_api
from console.venues.feeds.leagues import need_league
from console.venues.feeds.lines import Parsed
from console.venues.feeds.watch import Watch

from .samples import match, total
from .test_pairing import KALSHI_MLB

FOLDER = os.environ.get("MMCONSOLE_RECORDINGS")
ROOT = Path(FOLDER or "no-recordings") / "kalshi_sports_fixtures"
pytestmark = pytest.mark.skipif(FOLDER is None, reason="MMCONSOLE_RECORDINGS is not set")

MLB = need_league("mlb")
SHORT = {full: short for short, full in KALSHI_MLB.items()}
CODES = {
    "ARIZ": "Arizona",
    "AZ": "Arizona",
    "ATH": "A's",
    "ATL": "Atlanta",
    "BAL": "Baltimore",
    "BOS": "Boston",
    "CHC": "Chicago C",
    "CWS": "Chicago WS",
    "CIN": "Cincinnati",
    "CLE": "Cleveland",
    "COL": "Colorado",
    "DET": "Detroit",
    "HOU": "Houston",
    "KC": "Kansas City",
    "LAA": "Los Angeles A",
    "LAD": "Los Angeles D",
    "MIA": "Miami",
    "MIL": "Milwaukee",
    "MIN": "Minnesota",
    "NYM": "New York M",
    "NYY": "New York Y",
    "PHI": "Philadelphia",
    "PIT": "Pittsburgh",
    "SD": "San Diego",
    "SF": "San Francisco",
    "SEA": "Seattle",
    "STL": "St. Louis",
    "TB": "Tampa Bay",
    "TEX": "Texas",
    "TOR": "Toronto",
    "WSH": "Washington",
}


@pytest.fixture(scope="module")
def recorded() -> Parsed:
    whole = json.loads((ROOT / "odds_mlb_h2h_spreads_totals.json").read_bytes())
    received = whole["captured_ms"] * 1_000_000
    return the_odds_api.parse_odds(json.dumps(whole["events"]).encode(), received, key="baseball_mlb")


def told(parsed: Parsed, *specs: MatchSpec, books: tuple[str, ...] = ("pinnacle",)) -> list:
    watch = Watch("the_odds_api", books)
    for spec in specs:
        watch.add(spec)
    return watch.answer(MLB, parsed, 60)


def text(moment: int) -> str:
    """A moment of the wall clock as `match` reads it."""
    return f"{datetime.fromtimestamp(moment // SECOND, tz=ZoneInfo('UTC')):%Y-%m-%d %H:%M}"


def as_kalshi_lists(parsed: Parsed) -> list[MatchSpec]:
    """Every game of the answer as Kalshi would list it: short names, visitors first, its own start."""
    return [
        match(
            SHORT[fixture.away],
            SHORT[fixture.home],
            id=f"{number}",
            league="mlb",
            start=text(fixture.start - 60 * SECOND),
        )
        for number, fixture in enumerate(parsed.fixtures)
    ]


def test_the_whole_answer_is_read(recorded: Parsed) -> None:
    assert len(recorded.fixtures) == 15
    assert len({line.book for line in recorded.lines}) == 30
    assert len(recorded.lines) == 425 + 303 + 290  # every market but the exchange's lay prices
    assert recorded.troubles == ()


def test_every_game_is_paired_and_those_without_the_sharp_line_are_explained(recorded: Parsed) -> None:
    events = told(recorded, *as_kalshi_lists(recorded))
    paired = [e for e in events if isinstance(e, OddsPaired)]
    assert [e.doubt for e in paired] == [""] * 15
    assert [e.event for e in paired] == [fixture.id for fixture in recorded.fixtures]
    assert [e.names for e in paired] == [(f.away, f.home) for f in recorded.fixtures]
    assert len([e for e in events if isinstance(e, OddsUpdate)]) == 13
    assert [e.why for e in events if isinstance(e, OddsSuspended)] == ["no h2h offered"] * 2


def test_a_book_that_has_every_game_prices_every_game(recorded: Parsed) -> None:
    events = told(recorded, *as_kalshi_lists(recorded), books=("betfair_ex_eu", "matchbook"))
    assert len([e for e in events if isinstance(e, OddsUpdate)]) == 30


def test_run_lines_and_totals_are_priced_where_kalshis_line_is_the_books_main_one(recorded: Parsed) -> None:
    """Kalshi lists totals at every half run; a book's main line is one of them, or a whole number."""
    specs = [
        total(
            f"{halves / 2}",
            title=f"{SHORT[fixture.away]} vs {SHORT[fixture.home]}: Total Runs",
            id=f"{number}-{halves}",
            league="mlb",
            start=text(fixture.start),
        )
        for number, fixture in enumerate(recorded.fixtures)
        for halves in range(13, 24, 2)
    ]
    events = told(recorded, *specs)
    priced = {
        e.match.partition("-")[0]: e.match.partition("-")[2] for e in events if isinstance(e, OddsUpdate)
    }
    mains = {
        str(n): line.line
        for n, fixture in enumerate(recorded.fixtures)
        for line in recorded.lines
        if line.event == fixture.id and line.book == "pinnacle" and line.kind is Kind.TOTAL
    }
    halves = {n: str(round(2 * float(line))) for n, line in mains.items() if float(line) % 1 == 0.5}
    assert priced == halves
    assert 0 < len(priced) < 13  # the rest stand on whole runs, where a push would be settled differently
    whys = Counter(re.sub(r"[-\d.]+", "N", e.why) for e in events if isinstance(e, OddsSuspended))
    assert set(whys) == {"no line N: it offers N", "no total offered"}


def kalshi_games(tickers: set[str]) -> dict[str, tuple[str, ...]]:
    """Events of Kalshi's that were recorded: ticker -> codes of the two teams, visitors first."""
    found: dict[str, tuple[str, ...]] = {}
    for ticker in tickers:
        series, event, _ = ticker.split("-")
        if series == "KXMLBGAME":
            teams = event[11:]
            (pair,) = [
                (a, teams[len(a) :]) for a in CODES if teams.startswith(a) and teams[len(a) :] in CODES
            ]
            found[event] = pair
    return found


def kalshi_start(event: str) -> datetime:
    """26AUG071840 in New York."""
    return datetime.strptime(event[:11], "%y%b%d%H%M").replace(tzinfo=ZoneInfo("America/New_York"))


def test_kalshis_own_listing_of_that_night_pairs_and_its_books_prove_the_orientation(
    recorded: Parsed,
) -> None:
    """Books were recorded seven hours before the odds: prices had moved, the right way round shows still."""
    stream = json.loads((ROOT / "ws_orderbook_stream.json").read_bytes())
    games = kalshi_games(set(stream["tickers"]))
    assert len(games) == 9
    specs = []
    for event, codes in games.items():
        start = kalshi_start(event).astimezone(ZoneInfo("UTC"))
        names = (CODES[codes[0]], CODES[codes[1]])
        specs.append(match(*names, id=event, league="mlb", start=f"{start:%Y-%m-%d %H:%M}"))
    events = told(recorded, *specs)
    assert {e.match for e in events if isinstance(e, OddsPaired) and not e.doubt} == set(games)
    mids = {}
    for frame in (row["frame"] for row in stream["frames"]):
        if frame["type"] == "orderbook_snapshot":
            book = frame["msg"]
            bid = max(float(price) for price, _ in book["yes_dollars_fp"])
            ask = 1.0 - max(float(price) for price, _ in book["no_dollars_fp"])
            mids[book["market_ticker"]] = (bid + ask) / 2.0
    verdicts = Counter()
    for update in (e for e in events if isinstance(e, OddsUpdate)):
        fair = devig(update.odds).probabilities[Method.MULTIPLICATIVE]
        for outcome, code in enumerate(games[update.match]):
            mid = mids.get(f"KXMLBGAME-{update.match}-{code}")
            if mid is not None:
                reference = (mid, 1.0 - mid) if outcome == 0 else (1.0 - mid, mid)
                verdicts[judge(fair, [reference], ("away", "home"))] += 1
                crossed = judge(fair[::-1], [reference], ("away", "home"))
                assert crossed is not Verdict.AGREE
    assert set(verdicts) <= {Verdict.AGREE, Verdict.EVEN}
    assert verdicts[Verdict.AGREE] >= 5


def test_the_next_days_listing_finds_no_event_of_today(recorded: Parsed) -> None:
    later = 2 * 86_400 * SECOND
    tomorrow = [
        match(*spec.outcomes, id=spec.id, league="mlb", start=text(spec.start + later))
        for spec in as_kalshi_lists(recorded)
    ]
    events = told(recorded, *tomorrow)
    assert len(events) == 15
    assert all(isinstance(e, OddsUnpaired) and "h or more apart" in e.why for e in events)
