"""SportsGameOdds v2 as its client and pages describe it: envelopes, pages, strings for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from console.sandbox.odds.card import Event, Quote
from console.sandbox.odds.moments import nanos, thousandths

LEAGUES = {
    "nba": ("BASKETBALL", "NBA"),
    "nhl": ("HOCKEY", "NHL"),
    "mlb": ("BASEBALL", "MLB"),
    "nfl": ("FOOTBALL", "NFL"),
    "epl": ("SOCCER", "EPL"),
    "laliga": ("SOCCER", "LA_LIGA"),
    "atp": ("TENNIS", "ATP"),
    "wta": ("TENNIS", "WTA"),
}
PAGE_MOST = 100
_BETS = {"spread": "sp", "total": "ou"}


class Answer(Struct, frozen=True):
    """A status, a document, and how many objects it cost."""

    status: int
    document: object
    objects: int = 0


def error(status: int, text: str) -> Answer:
    """An error in its envelope."""
    return Answer(status, {"success": False, "error": text})


def event_id(event: Event) -> str:
    """Twenty letters and digits, the same for the same event for ever."""
    return event.hex_id[:20].upper()


def answer(path: str, params: Mapping[str, str], events: Sequence[Event], used: int, most: int) -> Answer:
    """What the feed says to a request; `used` and `most` objects of this month."""
    match path.strip("/"):
        case "events":
            return _events(params, [event for event in events if event.league in LEAGUES])
        case "leagues":
            return Answer(
                200, {"success": True, "data": [{"leagueID": one} for _, one in LEAGUES.values()]}, 1
            )
        case "account/usage":
            return Answer(200, {"success": True, "data": _usage(used, most)})
        case _:
            return error(404, "Not found")


def _events(params: Mapping[str, str], events: Sequence[Event]) -> Answer:
    if "eventIDs" in params:
        wanted = params["eventIDs"].split(",")
        found = [event for event in events if event_id(event) in wanted]
    elif "leagueID" in params:
        after = nanos(params["startsAfter"]) if "startsAfter" in params else 0
        before = nanos(params["startsBefore"]) if "startsBefore" in params else 2**63
        found = [
            event
            for event in events
            if LEAGUES[event.league][1] == params["leagueID"] and after <= event.start_ns <= before
        ]
    else:
        return error(400, "leagueID or eventIDs is required")
    size = min(PAGE_MOST, int(params.get("limit", "10")))
    begin = int(params.get("cursor", "0"))
    page = found[begin : begin + size]
    books = [book for book in params.get("bookmakerID", "").split(",") if book]
    said: dict[str, object] = {"success": True, "data": [_event(event, books) for event in page]}
    if begin + size < len(found):
        said["nextCursor"] = str(begin + size)
    return Answer(200, said, objects=max(1, len(page)))


def _event(event: Event, books: Sequence[str]) -> dict[str, object]:
    sport, league = LEAGUES[event.league]
    odds: dict[str, dict[str, object]] = {}
    for quote in event.quotes:
        if not books or quote.book in books:
            for side, price in quote.sides.items():
                _add(odds, quote, side, price)
    return {
        "eventID": event_id(event),
        "sportID": sport,
        "leagueID": league,
        "type": "match",
        "teams": {"home": _team(event.home, "home"), "away": _team(event.away, "away")},
        "status": {
            "startsAt": thousandths(event.start_ns),
            "started": event.started,
            "live": event.started and not event.over,
            "ended": event.over,
            "completed": event.over,
            "cancelled": False,
            "oddsPresent": bool(odds),
            "oddsAvailable": bool(odds),
        },
        "odds": odds,
    }


def _team(name: str, side: str) -> dict[str, object]:
    return {"teamID": name.upper().replace(" ", "_"), "statEntityID": side, "names": {"long": name}}


def _add(odds: dict[str, dict[str, object]], quote: Quote, side: str, price: float) -> None:
    """One side of one book; the sides of a market lie apart, keyed by oddID."""
    three = "draw" in quote.sides
    bet = ("ml3way" if three else "ml") if quote.kind == "h2h" else _BETS[quote.kind]
    entity = "all" if side in ("over", "under", "draw") else side
    name = f"points-{entity}-game-{bet}-{side}"
    entry = odds.setdefault(
        name,
        {
            "oddID": name,
            "statID": "points",
            "statEntityID": entity,
            "periodID": "game",
            "betTypeID": bet,
            "sideID": side,
            "started": False,
            "ended": False,
            "cancelled": False,
            "byBookmaker": {},
        },
    )
    told: dict[str, object] = {
        "bookmakerID": quote.book,
        "odds": _american(price),
        "available": quote.open,
        "lastUpdatedAt": thousandths(quote.seen_ns),
    }
    if quote.kind == "spread":
        told["spread"] = f"{-quote.line if side == 'away' else quote.line:+g}"
    elif quote.kind == "total":
        told["overUnder"] = f"{quote.line:g}"
    books = entry["byBookmaker"]
    assert isinstance(books, dict), "built above"
    books[quote.book] = told


def _american(price: float) -> str:
    if price <= 1.0:
        return "-100000"
    return f"+{round((price - 1) * 100)}" if price >= 2.0 else f"-{round(100 / (price - 1))}"


def _usage(used: int, most: int) -> dict[str, object]:
    free: dict[str, object] = {
        "max-requests": "unlimited",
        "current-requests": 1,
        "max-entities": "unlimited",
        "current-entities": 1,
    }
    month = {**free, "max-entities": most, "current-entities": used}
    windows = ("per-second", "per-minute", "per-hour", "per-day")
    return {"tier": "amateur", "rateLimits": {**dict.fromkeys(windows, free), "per-month": month}}
