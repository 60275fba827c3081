"""The Odds API v4 as its pages describe it: paths, answers, errors and quota headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from console.sandbox.odds.card import Event, Quote
from console.sandbox.odds.moments import whole

KEYS = {
    "nba": "basketball_nba",
    "nhl": "icehockey_nhl",
    "mlb": "baseball_mlb",
    "nfl": "americanfootball_nfl",
    "epl": "soccer_epl",
    "laliga": "soccer_spain_la_liga",
    "atp": "tennis_atp_us_open",
    "wta": "tennis_wta_us_open",
}
IDLE = ("tennis_atp_wimbledon",)  # out of season
MARKETS = {"h2h": "h2h", "spreads": "spread", "totals": "total"}
ALTERNATES = {"alternate_spreads": "spread", "alternate_totals": "total"}
LAY = "h2h_lay"
DETAILS = "https://the-odds-api.com/liveapi/guides/v4/api-error-codes.html#"


class Answer(Struct, frozen=True):
    """A status, a document, and what it cost."""

    status: int
    document: object
    cost: int = 0


def error(status: int, code: str, message: str) -> Answer:
    """An error as the feed writes one."""
    details = DETAILS + code.lower().replace("_", "-")
    return Answer(status, {"message": message, "error_code": code, "details_url": details})


def answer(path: str, params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    """What the feed says to a request, the key and the quota apart."""
    steps = [step for step in path.split("/") if step]
    if steps == ["sports"]:
        return Answer(200, _sports())
    league = next((league for league, key in KEYS.items() if steps[1:2] == [key]), None)
    if steps[:1] != ["sports"] or league is None:
        return error(404, "UNKNOWN_SPORT", "Unknown sport")
    ours = [event for event in events if event.league == league and not event.over]
    match steps[2:]:
        case ["events"]:
            return Answer(200, [_event(event) for event in ours])
        case ["odds"]:
            return _odds(params, ours)
        case ["events", event_id, "odds"]:
            return _event_odds(params, [event for event in ours if event.hex_id == event_id])
        case _:
            return error(404, "NOT_FOUND", "Not found")


def _sports() -> list[dict[str, object]]:
    keys = [(key, True) for key in KEYS.values()] + [(key, False) for key in IDLE]
    return [
        {
            "key": key,
            "group": key.partition("_")[0].title(),
            "title": key,
            "description": "",
            "active": active,
            "has_outrights": False,
        }
        for key, active in keys
    ]


def _event(event: Event) -> dict[str, object]:
    return {
        "id": event.hex_id,
        "sport_key": KEYS[event.league],
        "sport_title": event.league.upper(),
        "commence_time": whole(event.start_ns),
        "home_team": event.home,
        "away_team": event.away,
    }


def _odds(params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    books, markets = _listed(params, "bookmakers"), _listed(params, "markets") or ["h2h"]
    if not books and not params.get("regions"):
        return error(422, "MISSING_REGION", "Missing regions or bookmakers key")
    wrong = [market for market in markets if market not in (*MARKETS, LAY)]
    if wrong:
        return error(422, "INVALID_MARKET", f"Markets not supported by this endpoint: {wrong[0]}")
    regions = -(-len(books) // 10) if books else len(_listed(params, "regions"))
    said = [{**_event(event), "bookmakers": _bookmakers(event, books, MARKETS, markets)} for event in events]
    return Answer(200, said, cost=regions * len(markets) if said else 0)


def _event_odds(params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    if not events:
        return error(404, "EVENT_NOT_FOUND", "Event not found")
    markets = _listed(params, "markets")
    known = {**MARKETS, **ALTERNATES}
    books = _listed(params, "bookmakers")
    said = {**_event(events[0]), "bookmakers": _bookmakers(events[0], books, known, markets, bare=True)}
    return Answer(200, said, cost=max(1, -(-len(books) // 10)) * len(markets))


def _bookmakers(
    event: Event,
    books: Sequence[str],
    known: Mapping[str, str],
    markets: Sequence[str],
    *,
    bare: bool = False,
) -> list[dict[str, object]]:
    """Books by name; `bare`: without a stamp of their own, as on the event endpoint."""
    said: list[dict[str, object]] = []
    for book in dict.fromkeys(quote.book for quote in event.quotes if not books or quote.book in books):
        quotes = [quote for quote in event.quotes if quote.book == book and quote.open]
        offered = [
            _market(event, market, quote)
            for market in markets
            for quote in quotes
            if quote.kind == known.get(market)
        ]
        if offered:
            stamp: dict[str, object] = (
                {} if bare else {"last_update": whole(max(quote.seen_ns for quote in quotes))}
            )
            said.append({"key": book, "title": book.title(), **stamp, "markets": offered})
    return said


def _market(event: Event, market: str, quote: Quote) -> dict[str, object]:
    outcomes: list[dict[str, object]] = []
    names = {"home": event.home, "away": event.away, "draw": "Draw", "over": "Over", "under": "Under"}
    for side, price in quote.sides.items():
        outcome: dict[str, object] = {"name": names[side], "price": price}
        if quote.kind != "h2h":
            outcome["point"] = -quote.line if side == "away" else quote.line
        outcomes.append(outcome)
    outcomes.sort(key=lambda outcome: str(outcome["name"]))  # by name, as captured: often the visitors first
    return {"key": market, "last_update": whole(quote.seen_ns), "outcomes": outcomes}


def _listed(params: Mapping[str, str], name: str) -> list[str]:
    return [word for word in params.get(name, "").split(",") if word]
