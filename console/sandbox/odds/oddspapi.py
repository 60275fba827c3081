"""OddsPapi v4 as public code knows it: paths, rules of parameters, nested prices, both kinds of 429."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from console.sandbox.odds.card import Event, Quote
from console.sandbox.odds.moments import nanos, thousandths

SPORTS = {
    "epl": 10,
    "laliga": 10,
    "nba": 11,
    "atp": 12,
    "wta": 12,
    "mlb": 13,
    "nfl": 14,
    "nhl": 15,
    "cs2": 17,
}
TOURNAMENTS = {  # league: (id, slug, category)
    "epl": (17, "premier-league", "england"),
    "laliga": (8, "laliga", "spain"),
    "nba": (132, "nba", "usa"),
    "atp": (2555, "atp-us-open", "atp"),
    "wta": (2595, "wta-us-open", "wta"),
    "mlb": (109, "mlb", "usa"),
    "nfl": (31, "nfl", "usa"),
    "nhl": (234, "nhl", "usa"),
    "cs2": (40111, "example-major", "international"),
}
THREE_WAY = frozenset({"epl", "laliga"})
DAY_NS = 86_400 * 1_000_000_000


class Answer(Struct, frozen=True):
    """A status and a document."""

    status: int
    document: object


def error(status: int, code: str, message: str, **more: object) -> Answer:
    """An error as the feed wraps one."""
    return Answer(status, {"error": {"code": code, "message": message, **more}})


def fixture_id(event: Event) -> str:
    """Text that begins with id, the same for the same event for ever."""
    return f"id{SPORTS[event.league]:02d}{event.number:014d}"


def answer(path: str, params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    """What the feed says to a request, the key and the quota apart."""
    ours = [event for event in events if event.league in SPORTS]
    match path.strip("/"):
        case "sports":
            return Answer(
                200, [{"sportId": n, "sportName": str(n), "slug": str(n)} for n in set(SPORTS.values())]
            )
        case "tournaments":
            return Answer(200, _tournaments(params.get("sportId", ""), ours))
        case "markets":
            return Answer(200, _catalogue())
        case "fixtures":
            return _fixtures(params, ours)
        case "odds":
            found = [event for event in ours if fixture_id(event) == params.get("fixtureId")]
            return Answer(200, _priced(found[0], params.get("bookmakers", ""))) if found else _missing()
        case "odds-by-tournaments":
            return _by_tournaments(params, ours)
        case _:
            return _missing()


def _missing() -> Answer:
    return error(404, "NOT_FOUND", "Not found")


def _tournaments(sport: str, events: Sequence[Event]) -> list[dict[str, object]]:
    return [
        {
            "tournamentId": number,
            "tournamentSlug": slug,
            "tournamentName": slug.replace("-", " ").title(),
            "categorySlug": category,
            "categoryName": category.title(),
            "futureFixtures": 0,
            "upcomingFixtures": sum(event.league == league for event in events),
            "liveFixtures": 0,
        }
        for league, (number, slug, category) in TOURNAMENTS.items()
        if str(SPORTS[league]) == sport
    ]


def _fixtures(params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    """`tournamentId` may stand alone; a sport needs both ends of less than ten days."""
    if "tournamentId" in params:
        wanted = [e for e in events if str(TOURNAMENTS[e.league][0]) == params["tournamentId"]]
        return Answer(200, [_fixture(event, named=True) for event in wanted])
    try:
        first, last = nanos(params["from"]), nanos(params["to"])
    except (KeyError, ValueError):
        return error(400, "INVALID_PARAMETERS", "sportId needs from and to")
    if not 0 <= last - first < 10 * DAY_NS:
        return error(400, "INVALID_PARAMETERS", "from and to must be less than 10 days apart")
    wanted = [
        event
        for event in events
        if str(SPORTS[event.league]) == params.get("sportId") and first <= event.start_ns <= last
    ]
    return Answer(200, [_fixture(event, named=True) for event in wanted])


def _by_tournaments(params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    """One bookmaker, in the singular; without names."""
    book = params.get("bookmaker", "")
    if not book or "," in book:
        return error(400, "INVALID_PARAMETERS", "bookmaker is required, exactly one")
    wanted = params.get("tournamentIds", "").split(",")
    ours = [event for event in events if str(TOURNAMENTS[event.league][0]) in wanted]
    return Answer(200, [_priced(event, book) for event in ours])


def _fixture(event: Event, *, named: bool) -> dict[str, object]:
    names = {"participant1Name": event.home, "participant2Name": event.away} if named else {}
    return {
        "fixtureId": fixture_id(event),
        "participant1Id": event.number * 10 + 1,
        "participant2Id": event.number * 10 + 2,
        "sportId": SPORTS[event.league],
        "tournamentId": TOURNAMENTS[event.league][0],
        "seasonId": 140022,
        "statusId": 2 if event.over else 1 if event.started else 0,
        "hasOdds": bool(event.quotes),
        "startTime": thousandths(event.start_ns),
        "externalProviders": {"pinnacleId": event.number},
        **names,
    }


def _priced(event: Event, books: str) -> dict[str, object]:
    wanted = books.split(",") if books else list(dict.fromkeys(quote.book for quote in event.quotes))
    said: dict[str, object] = {}
    for book in wanted:
        quotes = [quote for quote in event.quotes if quote.book == book]
        if quotes:
            said[book] = {
                "bookmakerIsActive": True,
                "bookmakerFixtureId": str(event.number),
                "suspended": not any(quote.open for quote in quotes),
                "markets": dict(_market(event, quote) for quote in quotes),
            }
    return {**_fixture(event, named=False), "bookmakerOdds": said}


def _market(event: Event, quote: Quote) -> tuple[str, dict[str, object]]:
    market, outcomes = _ids(event, quote)
    priced: dict[str, object] = {}
    for side, price in quote.sides.items():
        told: dict[str, object] = {
            "active": quote.open,
            "price": price,
            "bookmakerChangedAt": thousandths(quote.changed_ns),
            "changedAt": thousandths(quote.changed_ns + 400_000_000),
            "bookmakerOutcomeId": side,
            "limit": 5000,
            "mainLine": True,
        }
        priced[str(outcomes[side])] = {"players": {"0": told}}
    return str(market), {"marketActive": quote.open, "outcomes": priced}


def _ids(event: Event, quote: Quote) -> tuple[int, dict[str, int]]:
    """Market and outcome ids: every line is a market of its own."""
    if quote.kind == "total":
        market = 20_000 + round(quote.line * 20)
        return market, {"over": market, "under": market + 1}
    if quote.kind == "spread":
        market = 30_000 + round((quote.line + 50) * 20)
        return market, {"home": market, "away": market + 1}
    if event.league in THREE_WAY:
        return 101, {"home": 101, "draw": 102, "away": 103}
    return 171, {"home": 171, "away": 172}


def _catalogue() -> list[dict[str, object]]:
    """Totals up to 15 and handicaps up to 5, by halves."""
    listed: list[dict[str, object]] = []
    for halves in range(1, 31):
        market = 20_000 + halves * 10
        listed.append(_entry(market, "Over Under", "totals", halves / 2, ("Over", "Under")))
    for halves in range(-10, 11):
        market = 30_000 + (halves + 100) * 10
        listed.append(_entry(market, "Asian Handicap", "spreads", halves / 2, ("1", "2")))
    return listed


def _entry(market: int, name: str, kind: str, line: float, words: Sequence[str]) -> dict[str, object]:
    return {
        "marketId": market,
        "marketName": f"{name} {line:g}",
        "marketType": kind,
        "period": "fulltime",
        "handicap": line,
        "playerProp": False,
        "outcomes": [{"outcomeId": market + n, "outcomeName": word} for n, word in enumerate(words)],
    }
