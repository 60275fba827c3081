"""OddsPapi v4: its answers as lines of books, and its client.

Oddities (facts sheet of 2026-11): every total has a market id of its own; the price sits four levels down
at `players["0"]`; prices of suspended markets stay in place, so every flag on the way must say that it is
open; `changedAt` is a real age of the price, but nothing says when they last looked; odds by tournament
take one bookmaker and lack names; a cooldown and a used-up quota are both HTTP 429.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from pydantic import ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic.alias_generators import to_camel

from console.config.tables import FeedTable
from console.core.commands import AnyCommand
from console.core.matches import Kind
from console.core.units import SECOND, Nanos
from console.keys import Secret
from console.venues.base.protocol import Put
from console.venues.feeds.credits import Credits, utc
from console.venues.feeds.leagues import League, Tournaments
from console.venues.feeds.lines import Fixture, Line, Parsed, Side, Trouble, handicap, nanos, unfit
from console.venues.feeds.pairing import Paired, pair
from console.venues.feeds.polling import Asked, Polling
from console.venues.feeds.shapes import Shape, Unreadable, as_list, document, read
from console.venues.feeds.shelf import Shelf
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
    seconds,
)

NAME = "oddspapi"
ADDRESS = "https://api.oddspapi.io/v4"
MONTH = 250  # requests of the free plan
DAY_S = 24 * 3600.0
FIXTURES_S = 6 * 3600.0  # how long names and starts are believed ...
MISSING_S = 3600.0  # ... and how long while a match of ours is not among them
PAST_S, AHEAD_S = 6 * 3600, 9 * 24 * 3600  # a sport is asked for under ten days
FEW = 3  # tournaments of a league that are asked for one by one
MAIN = "0"  # the "player" under whom the price of a market without players is kept
LIVE, FINISHED, CANCELLED = 1, 2, 3
COOLDOWN_S = 1.2
_WHOLE = frozenset({"", "fulltime", "full time", "full-time", "match", "result", "game"})  # periods
_PARTIAL = re.compile(r"team|player|corner|card|booking|set|map|quarter|half|period|inning|odd|race")
_KINDS = (
    (Kind.TOTAL, re.compile(r"\btotals?\b|over.?under")),
    (Kind.SPREAD, re.compile(r"handicap|spread")),
    (Kind.H2H, re.compile(r"1x2|moneyline|winner|full time result|match result")),
)
_SIDES = {
    **dict.fromkeys(("1", "home", "participant1"), Side.HOME),
    **dict.fromkeys(("x", "draw"), Side.DRAW),
    **dict.fromkeys(("2", "away", "participant2"), Side.AWAY),
    "over": Side.OVER,
    "under": Side.UNDER,
}
_QUOTA = re.compile(r"request limit|REQUEST_LIMIT_EXCEEDED", re.IGNORECASE)


class Market(Struct, frozen=True):
    """What one market id means: a kind, its line as the home side writes it, and the side of each outcome."""

    kind: Kind
    line: str
    sides: dict[str, Side]


def _winner(market: int) -> Market:
    return Market(Kind.H2H, "", {str(market): Side.HOME, str(market + 1): Side.AWAY})


def _total(market: int, line: str) -> Market:
    return Market(Kind.TOTAL, line, {str(market): Side.OVER, str(market + 1): Side.UNDER})


# Seen in public code and confirmed; everything else comes from the feed's own catalogue.
KNOWN: dict[str, Market] = {
    "101": Market(Kind.H2H, "", {"101": Side.HOME, "102": Side.DRAW, "103": Side.AWAY}),
    "106": _total(106, "0.5"),
    "108": _total(108, "1.5"),
    "1010": _total(1010, "2.5"),
    "1012": _total(1012, "3.5"),
    "171": _winner(171),
}


# ---- what it says


class _Camel(Shape):
    """The feed writes fixtureId where we write fixture_id."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class _CatalogueOutcome(_Camel):
    outcome_id: StrictInt
    outcome_name: StrictStr


class _CatalogueMarket(_Camel):
    market_id: StrictInt
    market_name: StrictStr
    market_type: StrictStr = ""
    period: StrictStr = ""
    handicap: StrictFloat | None = None
    player_prop: StrictBool = False
    outcomes: list[_CatalogueOutcome]


class _Tournament(_Camel):
    tournament_id: StrictInt
    tournament_slug: StrictStr
    category_slug: StrictStr = ""


class _Fixture(_Camel):
    fixture_id: StrictStr
    participant1_id: StrictInt
    participant2_id: StrictInt
    participant1_name: StrictStr | None = None
    participant2_name: StrictStr | None = None
    tournament_id: StrictInt
    status_id: StrictInt
    start_time: datetime
    bookmaker_odds: dict[str, object] | None = None


class _Book(_Camel):
    bookmaker_is_active: StrictBool
    suspended: StrictBool
    markets: dict[str, object]


class _Market(_Camel):
    market_active: StrictBool
    outcomes: dict[str, object]


class _Players(_Camel):
    players: dict[str, object]


class _Price(_Camel):
    active: StrictBool
    price: StrictFloat
    changed_at: datetime | None = None
    bookmaker_changed_at: datetime | None = None


class _Subscription(Shape):
    request_count: StrictInt
    request_limit: StrictInt


class _Account(Shape):
    subscriptions: list[_Subscription]


class _Error(_Camel):
    code: StrictStr = ""
    message: StrictStr = ""
    retry_ms: float | None = None
    retry_after: str | float | None = None


def parse_account(body: bytes) -> tuple[int, int]:
    """(requests left, requests used) of the month; raises Unreadable."""
    subscriptions = read(_Account, document(body)).subscriptions
    if not subscriptions:
        raise Unreadable("no subscription")
    current = subscriptions[0]
    return max(0, current.request_limit - current.request_count), current.request_count


def parse_tournaments(body: bytes, wanted: Tournaments) -> tuple[int, ...]:
    """Ids of the tournaments that belong to a league; what cannot be read is none of them."""
    found: list[int] = []
    for part in as_list(document(body)):
        try:
            one = read(_Tournament, part)
        except Unreadable:
            continue
        fits = not wanted.slugs or one.tournament_slug in wanted.slugs
        if fits and (not wanted.categories or one.category_slug in wanted.categories):
            found.append(one.tournament_id)
    return tuple(found)


def parse_catalogue(body: bytes) -> dict[str, Market]:
    """What every market id means, as far as it is a winner, a handicap or a total of the whole match."""
    known: dict[str, Market] = {}
    for part in as_list(document(body)):
        try:
            entry = read(_CatalogueMarket, part)
        except Unreadable:
            continue
        market = _meaning(entry)
        if market is not None:
            known[str(entry.market_id)] = market
    return {**known, **KNOWN}


def _meaning(entry: _CatalogueMarket) -> Market | None:
    said = f"{entry.market_type} {entry.market_name}".lower()
    if entry.player_prop or entry.period.lower() not in _WHOLE or _PARTIAL.search(said):
        return None
    kind = next((kind for kind, words in _KINDS if words.search(said)), None)
    sides = {str(one.outcome_id): _SIDES.get(one.outcome_name.lower().split()[0]) for one in entry.outcomes}
    known = {outcome: side for outcome, side in sides.items() if side is not None}
    if kind is None or len(known) < len(sides) or len(set(known.values())) < len(sides):
        return None
    if kind is Kind.H2H:
        return Market(kind, "", known)
    return None if entry.handicap is None else Market(kind, handicap(entry.handicap), known)


def parse_fixtures(body: bytes, tournaments: Container[int] | None) -> Parsed:
    """Read `/fixtures`; `tournaments` None: all of them. Finished and cancelled ones are no fixtures."""
    fixtures: list[Fixture] = []
    troubles: list[Trouble] = []
    for part in as_list(document(body)):
        try:
            one = read(_Fixture, part)
            if tournaments is None or one.tournament_id in tournaments:
                fixture = _fixture(one, None)
                fixtures += [fixture] if fixture is not None else []
        except Unreadable as error:
            troubles.append(Trouble(_id_of(part), "", "", str(error)))
    return Parsed(tuple(fixtures), (), tuple(troubles))


def parse_odds(
    body: bytes, received: Nanos, fixtures: Mapping[str, Fixture], catalogue: Mapping[str, Market]
) -> Parsed:
    """Read `/odds` or `/odds-by-tournaments`; the latter lacks names, which come from `fixtures`.

    What cannot be read is a trouble, never a number. Raises Unreadable when nothing of it can be.
    """
    reader = _Reader(received, fixtures, catalogue)
    for part in as_list(document(body)):
        reader.event(part)
    return Parsed(tuple(reader.fixtures), tuple(reader.lines), tuple(reader.troubles))


def _fixture(one: _Fixture, known: Fixture | None) -> Fixture | None:
    """An event with its names; None when it is over. Raises Unreadable without names."""
    if one.status_id in (FINISHED, CANCELLED):
        return None
    home = one.participant1_name or (known.home if known is not None else "")
    away = one.participant2_name or (known.away if known is not None else "")
    if not home or not away:
        raise Unreadable("participant names are missing")
    return Fixture(
        feed=NAME,
        id=one.fixture_id,
        home=home,
        away=away,
        start=nanos(one.start_time),
        key=str(one.tournament_id),
        started=one.status_id == LIVE,
    )


def _id_of(part: object) -> str:
    return str(part.get("fixtureId", "")) if isinstance(part, dict) else ""


class _Reader:
    """Goes through one answer and keeps what it finds."""

    def __init__(
        self, received: Nanos, fixtures: Mapping[str, Fixture], catalogue: Mapping[str, Market]
    ) -> None:
        self.fixtures: list[Fixture] = []
        self.lines: list[Line] = []
        self.troubles: list[Trouble] = []
        self._received = received
        self._known = fixtures
        self._catalogue = catalogue

    def event(self, part: object) -> None:
        try:
            one = read(_Fixture, part)
            fixture = _fixture(one, self._known.get(one.fixture_id))
            if one.bookmaker_odds is None:
                raise Unreadable("bookmakerOdds is missing")
        except Unreadable as error:
            self.troubles.append(Trouble(_id_of(part), "", "", str(error)))
            return
        if fixture is None:
            return
        self.fixtures.append(fixture)
        for book, each in one.bookmaker_odds.items():
            self._book(fixture.id, book, each)

    def _book(self, event: str, name: str, part: object) -> None:
        try:
            book = read(_Book, part)
        except Unreadable as error:
            self.troubles.append(Trouble(event, name, "", str(error)))
            return
        if book.suspended or not book.bookmaker_is_active:
            self.troubles.append(Trouble(event, name, "", "suspended", broken=False))
            return
        for market_id, each in book.markets.items():
            meaning = self._catalogue.get(market_id)
            if meaning is None:
                continue
            label = f"{meaning.kind.value} {meaning.line}".strip()
            try:
                why = self._market(event, name, meaning, each)
                if why:
                    self.troubles.append(Trouble(event, name, label, why, broken=False))
            except Unreadable as error:
                self.troubles.append(Trouble(event, name, label, str(error)))

    def _market(self, event: str, book: str, meaning: Market, part: object) -> str | None:
        """Keep a line, or say why the market is closed."""
        market = read(_Market, part)
        if not market.market_active:
            return "suspended"
        odds: dict[Side, float] = {}
        changed = Nanos(0)
        for outcome, each in market.outcomes.items():
            side = meaning.sides.get(outcome)
            if side is None:
                raise Unreadable(f"outcome {outcome} is none of this market")
            price = read(_Price, read(_Players, each).players.get(MAIN))
            if not price.active:
                return f"{side.value} is suspended"
            odds[side] = price.price
            moment = price.bookmaker_changed_at or price.changed_at
            changed = max(changed, nanos(moment) if moment is not None else Nanos(0))
        why = unfit(meaning.kind, odds)
        if why is None:
            self.lines.append(
                Line(
                    feed=NAME,
                    book=book,
                    event=event,
                    kind=meaning.kind,
                    line=meaning.line,
                    odds=odds,
                    changed_wall=changed,
                    provider_wall=Nanos(0),
                    received_wall=self._received,
                )
            )
        return why


def judge(reply: Reply) -> FeedFailed | None:
    """What an answer that is no success means. A cooldown and a used-up quota are both 429."""
    try:
        whole = document(reply.body)
    except Unreadable as unreadable:
        if reply.status == 200:
            return FeedFailed(str(unreadable))
        whole = None
    wrapped = isinstance(whole, dict) and "error" in whole
    if reply.status == 200 and not wrapped:
        return None
    inner = whole.get("error") if isinstance(whole, dict) and wrapped else whole
    try:
        error = read(_Error, inner if isinstance(inner, dict) else {"message": str(inner or "")})
    except Unreadable:
        error = _Error()
    said = " ".join(filter(None, (error.code, error.message))) or f"status {reply.status}"
    if reply.status == 429 and _QUOTA.search(said):
        return Spent("the month's requests are used up", until_month=False)
    if reply.status == 429:
        told = (
            error.retry_ms / 1000.0 if error.retry_ms is not None else seconds(str(error.retry_after or ""))
        )
        return Slow(told or seconds(reply.headers.get("retry-after")) or COOLDOWN_S, said)
    if reply.status == 401 or "API_KEY" in error.code:
        return Denied(said)
    return FeedFailed(said) if reply.status >= 500 else Wrong(said)


def quota(_headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    """Its answers say nothing of the quota."""
    return None, None, None


# ---- the client


class OddsPapi:
    """OddsPapi as a feed. Names come from `/fixtures`, prices from one request per book."""

    name = NAME
    learn_s = DAY_S

    def __init__(self, table: FeedTable, key: Secret, folder: Path, clock: Clock | None = None) -> None:
        """`folder` is where credits are counted and catalogues are kept."""
        clock = clock or SystemClock()
        self._clock = clock
        self.books = tuple(table.books)
        self._purse = Credits(folder, NAME, table, MONTH)
        self._shelf = Shelf(folder / NAME)
        self.wire = Wire(manner(table.address or ADDRESS), key, self._purse, clock)
        self._watch = Watch(NAME, self.books)
        self._polling = Polling(self, self.wire, self._watch, self._purse, table, clock)
        self._catalogues: dict[int, dict[str, Market]] = {}  # by sport
        self._listed: dict[str, tuple[Nanos, Parsed]] = {}  # fixtures by league, and when they were read

    async def run(self, put: Put) -> None:
        """Bring odds until cancelled."""
        await self._polling.run(put)

    def send(self, command: AnyCommand) -> None:
        """Take `WatchOdds` and `UnwatchOdds`."""
        self._polling.send(command)

    # ---- what it costs and how it is asked

    def covers(self, league: League) -> bool:
        """It has its sport."""
        return league.oddspapi is not None

    def cost(self, asked: Asked) -> int:
        """One request for each book, and one for the names where they are old."""
        return len(self.books) + (self._fixtures_kept(asked) is None)

    async def learn(self) -> None:
        """What is left of the month. The account of an unknown plan is that of the smallest."""
        reply = await self.wire.get("/account", {}, cost=1)
        with contextlib.suppress(Unreadable):
            left, used = parse_account(reply.body)
            self._purse.told(reply.received, left, used)

    async def fetch(self, asked: Asked) -> Parsed:
        """Names, then the prices of the tournaments in which a match of ours is played."""
        where = asked.league.oddspapi
        assert where is not None, "only leagues that are covered are asked for"
        listed = await self._fixtures(asked, where)
        ours = [found.fixture for found in _found(asked, listed)]
        keys = list(dict.fromkeys(fixture.key for fixture in ours))
        if not keys:
            return listed
        catalogue = await self._catalogue(where.sport)
        known = {fixture.id: fixture for fixture in listed.fixtures}
        whole = listed
        for book in self.books:
            reply = await self.wire.get(
                "/odds-by-tournaments",
                {
                    "tournamentIds": ",".join(keys),
                    "bookmaker": book,  # two clients found that it must be this word ...
                    "bookmakers": book,  # ... where the documents say this one
                    "oddsFormat": "decimal",
                    "verbosity": "3",
                },
                cost=1,
            )
            whole = whole.merged(parse_odds(reply.body, reply.received, known, catalogue))
        return whole

    # ---- what stays true for a while

    def _fixtures_kept(self, asked: Asked) -> Parsed | None:
        """Fixtures read lately; for a match that is not among them they are read again sooner."""
        kept = self._listed.get(asked.league.id)
        if kept is None:
            return None
        read_at, listed = kept
        complete = len(_found(asked, listed)) == len(asked.matches)
        age_s = (self._clock.wall() - read_at) / SECOND
        return listed if age_s < (FIXTURES_S if complete else MISSING_S) else None

    async def _fixtures(self, asked: Asked, where: Tournaments) -> Parsed:
        kept = self._fixtures_kept(asked)
        if kept is not None:
            return kept
        wanted = await self._tournaments(where) if where.slugs or where.categories else None
        if wanted is not None and not wanted:
            raise Wrong(f"no tournament of {asked.league.title} is listed there")
        now = self._clock.wall()
        whole = Parsed()
        if wanted is not None and len(wanted) <= FEW:
            for tournament in wanted:
                reply = await self.wire.get("/fixtures", {"tournamentId": str(tournament)}, cost=1)
                whole = whole.merged(parse_fixtures(reply.body, wanted))
        else:
            window = {"from": _iso(Nanos(now - PAST_S * SECOND)), "to": _iso(Nanos(now + AHEAD_S * SECOND))}
            reply = await self.wire.get("/fixtures", {"sportId": str(where.sport), **window}, cost=1)
            whole = parse_fixtures(reply.body, wanted)
        self._listed[asked.league.id] = now, whole
        return whole

    async def _tournaments(self, where: Tournaments) -> tuple[int, ...]:
        name, now = f"tournaments-{where.sport}", self._clock.wall()
        body = self._shelf.find(name, now, DAY_S)
        if body is None:
            body = (await self.wire.get("/tournaments", {"sportId": str(where.sport)}, cost=1)).body
            parse_tournaments(body, where)  # what cannot be read is not kept
            self._shelf.keep(name, self.wire.scrub(body.decode()).encode(), now)
        return parse_tournaments(body, where)

    async def _catalogue(self, sport: int) -> dict[str, Market]:
        """What market ids mean; without a catalogue only those that are known anyway."""
        if sport not in self._catalogues:
            name, now = f"markets-{sport}", self._clock.wall()
            body = self._shelf.find(name, now, 7 * DAY_S)
            if body is None:
                body = (await self.wire.get("/markets", {"sportId": str(sport)}, cost=1)).body
                parse_catalogue(body)  # what cannot be read is not kept
                self._shelf.keep(name, self.wire.scrub(body.decode()).encode(), now)
            self._catalogues[sport] = parse_catalogue(body)
        return self._catalogues[sport]


def manner(address: str) -> Manner:
    """How OddsPapi wants to be spoken to: about one request a second, free or not."""
    return Manner(NAME, address, Place.QUERY, judge, quota, per_s=1.0 / COOLDOWN_S, burst=1.0)


def _found(asked: Asked, listed: Parsed) -> list[Paired]:
    found = (pair(spec, asked.league, NAME, listed.fixtures) for spec in asked.matches)
    return [one for one in found if isinstance(one, Paired)]


def _iso(moment: Nanos) -> str:
    return f"{utc(moment):%Y-%m-%dT%H:%M:%SZ}"
