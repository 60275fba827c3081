"""The Odds API v4: its answers as lines of books, and its client.

Oddities (facts sheet of 2026-11): the stamp is when they last *saw* the book, not when the price moved;
the order of outcomes is not fixed; a suspended price is 1.0 or missing; a used-up quota is HTTP 401 with
`OUT_OF_USAGE_CREDITS`; `/sports` and `/events` are free, `/odds` costs markets times started groups of
ten bookmakers; tennis has one key per tournament; alternate lines are on the event endpoint only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import httpx
from pydantic import StrictBool, StrictFloat, StrictStr

from console.config.tables import FeedTable
from console.core.commands import AnyCommand
from console.core.matches import Kind, MatchSpec
from console.core.units import Nanos
from console.keys import Secret
from console.venues.base.protocol import Put
from console.venues.feeds.credits import Credits
from console.venues.feeds.leagues import League
from console.venues.feeds.lines import Fixture, Line, Parsed, Side, Trouble, handicap, nanos, unfit
from console.venues.feeds.pairing import Paired, line_for, pair
from console.venues.feeds.polling import Asked, Polling
from console.venues.feeds.shapes import Shape, Unreadable, as_list, document, read
from console.venues.feeds.watch import Watch
from console.venues.feeds.wire import (
    Clock,
    Denied,
    FeedFailed,
    Manner,
    Place,
    Reply,
    Slow,
    Spent,
    SystemClock,
    Wire,
    Wrong,
)

NAME = "the_odds_api"
ADDRESS = "https://api.the-odds-api.com/v4"
DRAW = "Draw"
MARKETS = {
    "h2h": Kind.H2H,
    "h2h_3_way": Kind.H2H,
    "spreads": Kind.SPREAD,
    "alternate_spreads": Kind.SPREAD,
    "totals": Kind.TOTAL,
    "alternate_totals": Kind.TOTAL,
}
FEATURED = {Kind.H2H: "h2h", Kind.SPREAD: "spreads", Kind.TOTAL: "totals"}
ALTERNATE = {Kind.SPREAD: "alternate_spreads", Kind.TOTAL: "alternate_totals"}
BOOKS_PER_REGION = 10  # every started group of ten bookmakers costs as much as one region
MONTH = 500  # credits of the free plan


# ---- what it says


class _Sport(Shape):
    key: StrictStr
    active: StrictBool
    has_outrights: StrictBool = False


class _Event(Shape):
    id: StrictStr
    commence_time: datetime
    home_team: StrictStr
    away_team: StrictStr
    bookmakers: list[object] | None = None  # not where only events are listed


class _Bookmaker(Shape):
    key: StrictStr
    last_update: datetime | None = None  # not on the event endpoint
    markets: list[object]


class _Market(Shape):
    key: StrictStr
    last_update: datetime | None = None  # not in old answers
    outcomes: list[object]


class _Outcome(Shape):
    name: StrictStr
    price: StrictFloat
    point: StrictFloat | None = None


class _Error(Shape):
    error_code: StrictStr = ""
    message: StrictStr = ""


def parse_sports(body: bytes) -> tuple[str, ...]:
    """Keys of the sports in season that are matches and no outrights; raises Unreadable."""
    sports = [read(_Sport, part) for part in as_list(document(body))]
    return tuple(sport.key for sport in sports if sport.active and not sport.has_outrights)


def parse_events(body: bytes, received: Nanos, *, key: str = "") -> Parsed:
    """Read `/events`: names and starts without prices; raises Unreadable."""
    reader = _Reader(received, key, american=False, priced=False)
    for part in as_list(document(body)):
        reader.event(part)
    return Parsed(tuple(reader.fixtures), (), tuple(reader.troubles))


def parse_odds(body: bytes, received: Nanos, *, key: str = "", american: bool = False) -> Parsed:
    """Read `/odds` or the odds of one event; `american`: prices are American whole numbers.

    What cannot be read is a trouble, never a number. Raises Unreadable when nothing of it can be.
    """
    reader = _Reader(received, key, american=american, priced=True)
    for part in as_list(document(body)):
        reader.event(part)
    return Parsed(tuple(reader.fixtures), tuple(reader.lines), tuple(reader.troubles))


class _Reader:
    """Goes through one answer and keeps what it finds."""

    def __init__(self, received: Nanos, key: str, *, american: bool, priced: bool) -> None:
        self.fixtures: list[Fixture] = []
        self.lines: list[Line] = []
        self.troubles: list[Trouble] = []
        self._received = received
        self._key = key
        self._american = american
        self._priced = priced

    def event(self, part: object) -> None:
        try:
            event = read(_Event, part)
        except Unreadable as error:
            named = part.get("id") if isinstance(part, dict) else None
            self.troubles.append(Trouble(str(named or ""), "", "", str(error)))
            return
        self.fixtures.append(
            Fixture(
                feed=NAME,
                id=event.id,
                home=event.home_team,
                away=event.away_team,
                start=nanos(event.commence_time),
                key=self._key,
            )
        )
        if self._priced and event.bookmakers is None:
            self.troubles.append(Trouble(event.id, "", "", "bookmakers is missing"))
        for each in event.bookmakers or ():
            self._bookmaker(event, each)

    def _bookmaker(self, event: _Event, part: object) -> None:
        try:
            book = read(_Bookmaker, part)
        except Unreadable as error:
            named = part.get("key") if isinstance(part, dict) else None
            self.troubles.append(Trouble(event.id, str(named or ""), "", str(error)))
            return
        for each in book.markets:
            try:
                market = read(_Market, each)
                kind = MARKETS.get(market.key)
                if kind is not None:
                    self._market(event, book, market, kind)
            except Unreadable as error:
                named = each.get("key") if isinstance(each, dict) else None
                self.troubles.append(Trouble(event.id, book.key, str(named or ""), str(error)))

    def _market(self, event: _Event, book: _Bookmaker, market: _Market, kind: Kind) -> None:
        """One market of one book: a line for every handicap or total in it."""
        stamp = market.last_update or book.last_update
        if stamp is None:
            raise Unreadable("last_update is missing: nobody knows how old it is")
        by_line: dict[str, dict[Side, float]] = defaultdict(dict)
        for part in market.outcomes:
            outcome = read(_Outcome, part)
            side, line = _side(event, outcome, kind)
            if side in by_line[line]:
                raise Unreadable(f"{outcome.name} is priced twice")
            by_line[line][side] = self._price(outcome.price)
        for line, odds in by_line.items():
            why = unfit(kind, odds)
            if why is not None:
                self.troubles.append(
                    Trouble(event.id, book.key, f"{market.key} {line}".strip(), why, broken=False)
                )
                continue
            self.lines.append(
                Line(
                    feed=NAME,
                    book=book.key,
                    event=event.id,
                    kind=kind,
                    line=line,
                    odds=odds,
                    changed_wall=Nanos(0),
                    provider_wall=nanos(stamp),
                    received_wall=self._received,
                )
            )

    def _price(self, price: float) -> float:
        if not self._american:
            return price
        if abs(price) < 100.0:
            raise Unreadable(f"price {price:g} is not American odds")
        return 1.0 + (price / 100.0 if price > 0.0 else 100.0 / -price)


def _side(event: _Event, outcome: _Outcome, kind: Kind) -> tuple[Side, str]:
    """Whose price it is, by its name and never by its place; and its line as the home side would write it."""
    if kind is Kind.TOTAL:
        sides = {"over": Side.OVER, "under": Side.UNDER}
        side = sides.get(outcome.name.lower())
    elif outcome.name == DRAW and kind is Kind.H2H:
        side = Side.DRAW
    else:
        side = {event.home_team: Side.HOME, event.away_team: Side.AWAY}.get(outcome.name)
    if side is None:
        raise Unreadable(f"{outcome.name!r} names no side of {event.home_team} v {event.away_team}")
    if kind is Kind.H2H:
        return side, ""
    if outcome.point is None:
        raise Unreadable("point is missing")
    return side, handicap(-outcome.point if side is Side.AWAY else outcome.point)


def judge(reply: Reply) -> FeedFailed | None:
    """What an answer that is no success means; the code counts, not the status."""
    if reply.status == 200:
        return None
    try:
        error = read(_Error, document(reply.body))
    except Unreadable:
        error = _Error()
    code = error.error_code
    if code == "OUT_OF_USAGE_CREDITS":
        return Spent("the month's quota is used up", until_month=True)
    if code == "EXCEEDED_FREQ_LIMIT" or reply.status == 429:
        return Slow(2.0, "too many requests at once")
    said = f"{code or reply.status}: {error.message}".rstrip(": ")
    if reply.status in (401, 403):
        return Denied(said)
    return Wrong(said) if 400 <= reply.status < 500 else FeedFailed(f"status {reply.status}")


def quota(headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    """Credits left, used, and the cost of this call; None where it does not say. Old accounts have halves."""

    def number(name: str) -> int | None:
        try:
            return int(float(headers[name]))
        except (KeyError, ValueError):
            return None

    return number("x-requests-remaining"), number("x-requests-used"), number("x-requests-last")


# ---- the client


class TheOddsApi:
    """The Odds API as a feed. Events are looked up for free before odds are paid for."""

    name = NAME
    learn_s = 3 * 3600.0

    def __init__(
        self,
        table: FeedTable,
        key: Secret,
        folder: Path,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`folder` is where credits are counted; `table.address` may be a local server's."""
        clock = clock or SystemClock()
        self.books = tuple(table.books)
        self._alternates = table.alternates
        self._purse = Credits(folder, NAME, table, MONTH)
        self.wire = Wire(manner(table.address or ADDRESS), key, self._purse, clock, transport=transport)
        self._watch = Watch(NAME, self.books)
        self._polling = Polling(self, self.wire, self._watch, self._purse, table, clock)
        self._in_season: tuple[str, ...] = ()
        self._apart: dict[str, int] = {}  # matches of a league whose line is only among the alternates

    async def run(self, put: Put) -> None:
        """Bring odds until cancelled."""
        await self._polling.run(put)

    def send(self, command: AnyCommand) -> None:
        """Take `WatchOdds` and `UnwatchOdds`."""
        self._polling.send(command)

    # ---- what it costs and how it is asked

    def covers(self, league: League) -> bool:
        """It has a key for it, or looks for one."""
        return bool(league.the_odds_api or league.the_odds_api_prefix)

    def cost(self, asked: Asked) -> int:
        """Markets times started groups of ten bookmakers; alternate lines cost the same per event."""
        return self._group() * (len(_kinds(asked)) + self._apart.get(asked.league.id, 0))

    async def learn(self) -> None:
        """Which sports are in season, and what is left of the month; free."""
        self._in_season = parse_sports((await self.wire.get("/sports", {}, cost=0)).body)

    async def fetch(self, asked: Asked) -> Parsed:
        """All keys of the league that hold a match of ours."""
        keys = self._keys(asked)
        if not keys:
            raise Wrong(f"{asked.league.title} is out of season there")
        whole = Parsed()
        for key in keys:
            whole = whole.merged(await self._key(asked, key))
        return whole

    def _keys(self, asked: Asked) -> list[str]:
        league = asked.league
        prefix = league.the_odds_api_prefix
        return [
            key
            for key in self._in_season
            if key in league.the_odds_api or (prefix and key.startswith(prefix))
        ]

    async def _key(self, asked: Asked, key: str) -> Parsed:
        known = set(filter(None, asked.events.values()))
        if not known or len(self._keys(asked)) > 1:
            reply = await self.wire.get(f"/sports/{key}/events", {}, cost=0)
            listed = parse_events(reply.body, reply.received, key=key)
            if not any(_found(spec, asked, listed) for spec in asked.matches):
                return listed
        kinds = _kinds(asked)
        reply = await self.wire.get(
            f"/sports/{key}/odds",
            self._params([FEATURED[kind] for kind in kinds]),
            cost=self._group() * len(kinds),
        )
        parsed = parse_odds(reply.body, reply.received, key=key)
        return await self._with_alternates(asked, key, parsed) if self._alternates else parsed

    async def _with_alternates(self, asked: Asked, key: str, parsed: Parsed) -> Parsed:
        """Ask once more for the events whose line the sharpest book does not have as its main one."""
        self._apart[asked.league.id] = 0
        for spec in asked.matches:
            found = _found(spec, asked, parsed)
            if found is None or spec.kind not in ALTERNATE:
                continue
            event = found.fixture.id
            mine = [line for line in parsed.lines if line.event == event and line.book == self.books[0]]
            if isinstance(line_for(spec, found, mine), Line):
                continue
            self._apart[asked.league.id] += 1
            path = f"/sports/{key}/events/{event}/odds"
            reply = await self.wire.get(path, self._params([ALTERNATE[spec.kind]]), cost=self._group())
            parsed = parsed.merged(parse_odds(reply.body, reply.received, key=key))
        return parsed

    def _group(self) -> int:
        return -(-len(self.books) // BOOKS_PER_REGION)

    def _params(self, markets: Iterable[str]) -> dict[str, str]:
        return {
            "bookmakers": ",".join(self.books),
            "markets": ",".join(markets),
            "oddsFormat": "decimal",
            "dateFormat": "iso",
        }


def manner(address: str) -> Manner:
    """How The Odds API wants to be spoken to: thirty requests a second are too many, bursts of eight too."""
    return Manner(NAME, address, Place.QUERY, judge, quota, per_s=4.0, burst=4.0)


def _kinds(asked: Asked) -> list[Kind]:
    return [kind for kind in FEATURED if any(spec.kind is kind for spec in asked.matches)]


def _found(spec: MatchSpec, asked: Asked, parsed: Parsed) -> Paired | None:
    found = pair(spec, asked.league, NAME, parsed.fixtures)
    return found if isinstance(found, Paired) else None
