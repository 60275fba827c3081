"""SportsGameOdds v2: its answers as lines of books, and its client.

Oddities (facts sheet of 2026-11): every number is a string, odds are American; the start is inside
`status`; a book that offers a line no longer stays in the answer with `available: false`; a spread may be
written under `overUnder`; `points` is the main score of every sport; an event costs one object.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from pydantic import Field, StrictBool, StrictInt, StrictStr

from console.config.tables import FeedTable
from console.core.commands import AnyCommand
from console.core.matches import Kind
from console.core.units import SECOND, Nanos
from console.keys import Secret
from console.venues.base.protocol import Put
from console.venues.feeds.credits import Credits, utc
from console.venues.feeds.leagues import League
from console.venues.feeds.lines import (
    Fixture,
    Line,
    Parsed,
    Side,
    Trouble,
    decimal_odds,
    handicap,
    nanos,
    unfit,
)
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
    SystemClock,
    Wire,
    Wrong,
    seconds,
)

NAME = "sportsgameodds"
ADDRESS = "https://api.sportsgameodds.com/v2"
MONTH = 2500  # objects of the free plan
PAGES_MOST = 5
PAGE = 50
GUESS = 15  # events of a league before anything is known of it
AHEAD_S, PAST_S = 3 * 24 * 3600, 6 * 3600
MAIN_SCORE, WHOLE = "points", frozenset({"game", "reg"})
KINDS = {"ml": Kind.H2H, "ml3way": Kind.H2H, "sp": Kind.SPREAD, "ou": Kind.TOTAL}
NO_LIMIT = 1_000_000_000
_AMERICAN = re.compile(r"[+-]?\d+")
_MINUTE = 60.0  # its limits are per minute


# ---- what it says


class _Names(Shape):
    long: StrictStr


class _Team(Shape):
    names: _Names


class _Teams(Shape):
    home: _Team
    away: _Team


class _Status(Shape):
    starts_at: datetime = Field(alias="startsAt")
    started: StrictBool
    ended: StrictBool
    cancelled: StrictBool


class _Event(Shape):
    event_id: StrictStr = Field(alias="eventID")
    teams: _Teams
    status: _Status
    odds: dict[str, object]


class _Odd(Shape):
    stat: StrictStr = Field(alias="statID")
    period: StrictStr = Field(alias="periodID")
    bet: StrictStr = Field(alias="betTypeID")
    side: StrictStr = Field(alias="sideID")
    ended: StrictBool
    cancelled: StrictBool
    by_book: dict[str, object] = Field(alias="byBookmaker")


class _Price(Shape):
    odds: StrictStr
    available: StrictBool
    spread: StrictStr | None = None
    over_under: StrictStr | None = Field(default=None, alias="overUnder")
    updated: datetime = Field(alias="lastUpdatedAt")
    alternates: list[object] = Field(default_factory=list, alias="altLines")


class _Envelope(Shape):
    success: StrictBool
    data: object = None
    error: StrictStr = ""
    cursor: StrictStr | None = Field(default=None, alias="nextCursor")


class _Window(Shape):
    most: StrictInt | StrictStr = Field(alias="max-entities")
    used: StrictInt = Field(alias="current-entities")


class _Limits(Shape):
    per_month: _Window = Field(alias="per-month")


class _Usage(Shape):
    limits: _Limits = Field(alias="rateLimits")


class _Quote(Struct, frozen=True):
    """One side of a market at one book."""

    side: Side
    odds: float
    stamp: Nanos


def parse_usage(body: bytes) -> tuple[int, int]:
    """(objects left, objects used) of the month; raises Unreadable."""
    month = read(_Usage, read(_Envelope, document(body)).data).limits.per_month
    if isinstance(month.most, str):  # "unlimited"
        return NO_LIMIT, month.used
    return max(0, month.most - month.used), month.used


def parse_objects(body: bytes) -> int:
    """What an answer cost: an object for each event in it, at least one."""
    return max(1, len(as_list(read(_Envelope, document(body)).data)))


def parse_cursor(body: bytes) -> str:
    """Where the next page begins, empty on the last."""
    return read(_Envelope, document(body)).cursor or ""


def parse_events(body: bytes, received: Nanos) -> Parsed:
    """Read one page of `/events`; what cannot be read is a trouble, never a number. Raises Unreadable."""
    reader = _Reader(received)
    for part in as_list(read(_Envelope, document(body)).data):
        reader.event(part)
    return Parsed(tuple(reader.fixtures), tuple(reader.lines), tuple(reader.troubles))


class _Reader:
    """Goes through one answer and keeps what it finds."""

    def __init__(self, received: Nanos) -> None:
        self.fixtures: list[Fixture] = []
        self.lines: list[Line] = []
        self.troubles: list[Trouble] = []
        self._received = received

    def event(self, part: object) -> None:
        try:
            event = read(_Event, part)
        except Unreadable as error:
            named = part.get("eventID") if isinstance(part, dict) else None
            self.troubles.append(Trouble(str(named or ""), "", "", str(error)))
            return
        status = event.status
        if status.ended or status.cancelled:
            return
        self.fixtures.append(
            Fixture(
                feed=NAME,
                id=event.event_id,
                home=event.teams.home.names.long,
                away=event.teams.away.names.long,
                start=nanos(status.starts_at),
                started=status.started,
            )
        )
        self._odds(event)

    def _odds(self, event: _Event) -> None:
        """Collect the sides of every market, which lie apart, then keep those that are whole."""
        markets: dict[tuple[str, str, str], dict[Side, _Quote]] = defaultdict(dict)
        kinds: dict[tuple[str, str, str], Kind] = {}
        spoiled: set[tuple[str, str]] = set()
        for name, part in event.odds.items():
            try:
                odd = read(_Odd, part)
            except Unreadable as error:
                self.troubles.append(Trouble(event.event_id, "", name, str(error)))
                continue
            kind = KINDS.get(odd.bet)
            if kind is None or odd.stat != MAIN_SCORE or odd.period not in WHOLE:
                continue
            if odd.ended or odd.cancelled:
                self.troubles.append(Trouble(event.event_id, "", name, "closed", broken=False))
                continue
            for book, each in odd.by_book.items():
                try:
                    for line, quote in _quotes(odd, kind, each):
                        key = book, f"{odd.bet}-{odd.period}", line
                        markets[key][quote.side] = quote
                        kinds[key] = kind
                except Unreadable as error:
                    spoiled.add((book, f"{odd.bet}-{odd.period}"))
                    self.troubles.append(Trouble(event.event_id, book, name, str(error)))
        for key, quotes in markets.items():
            if key[:2] not in spoiled:
                self._market(event.event_id, key, kinds[key], quotes)

    def _market(self, event: str, key: tuple[str, str, str], kind: Kind, quotes: dict[Side, _Quote]) -> None:
        book, bet, line = key
        odds = {side: quote.odds for side, quote in quotes.items()}
        why = unfit(kind, odds)
        if why is not None:
            self.troubles.append(Trouble(event, book, f"{bet} {line}".strip(), why, broken=False))
            return
        self.lines.append(
            Line(
                feed=NAME,
                book=book,
                event=event,
                kind=kind,
                line=line,
                odds=odds,
                changed_wall=Nanos(0),
                provider_wall=Nanos(min(quote.stamp for quote in quotes.values())),
                received_wall=self._received,
            )
        )


def _quotes(odd: _Odd, kind: Kind, part: object) -> Iterator[tuple[str, _Quote]]:
    """A book's price of one side, and its alternate lines; nothing where it is not offered now."""
    price = read(_Price, part)
    for each in (price, *(read(_Price, alternate) for alternate in price.alternates)):
        if each.available:
            side = _side(odd)
            yield _line(each, kind, side), _Quote(side, _decimal(each.odds), nanos(each.updated))


def _side(odd: _Odd) -> Side:
    try:
        return Side(odd.side)
    except ValueError:
        raise Unreadable(f"side {odd.side!r} is none of a match") from None


def _line(price: _Price, kind: Kind, side: Side) -> str:
    """The line as the home side writes it. A spread may stand where totals do."""
    if kind is Kind.H2H:
        return ""
    text = price.over_under if kind is Kind.TOTAL else price.spread or price.over_under
    if text is None:
        raise Unreadable("overUnder is missing" if kind is Kind.TOTAL else "spread is missing")
    try:
        line = float(text)
    except ValueError:
        raise Unreadable(f"line {text!r} is not a number") from None
    return handicap(-line if side is Side.AWAY else line)


def _decimal(american: str) -> float:
    if not _AMERICAN.fullmatch(american):
        raise Unreadable(f"odds {american!r} are not American")
    try:
        return decimal_odds(american)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def judge(reply: Reply) -> FeedFailed | None:
    """What an answer that is no success means."""
    try:
        envelope = read(_Envelope, document(reply.body))
    except Unreadable:
        envelope = _Envelope(success=reply.status == 200)
    if reply.status == 200 and envelope.success:
        return None
    said = envelope.error or f"status {reply.status}"
    if reply.status == 429:  # until the window resets; a used-up month is seen in the account
        return Slow(seconds(reply.headers.get("retry-after")) or _MINUTE, said)
    if reply.status in (401, 403):
        return Denied(said)
    return FeedFailed(said) if reply.status >= 500 or reply.status == 200 else Wrong(said)


def quota(_headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    """Its answers say nothing of the quota."""
    return None, None, None


# ---- the client


class SportsGameOdds:
    """SportsGameOdds as a feed. Once the events of our matches are known, only they are asked for."""

    name = NAME
    learn_s = 3600.0

    def __init__(self, table: FeedTable, key: Secret, folder: Path, clock: Clock | None = None) -> None:
        """`folder` is where objects are counted."""
        clock = clock or SystemClock()
        self._clock = clock
        self.books = tuple(table.books)
        self._alternates = table.alternates
        self._purse = Credits(folder, NAME, table, MONTH)
        self.wire = Wire(manner(table.address or ADDRESS), key, self._purse, clock)
        self._watch = Watch(NAME, self.books)
        self._polling = Polling(self, self.wire, self._watch, self._purse, table, clock)
        self._listed: dict[str, int] = {}  # events of a league, as counted last

    async def run(self, put: Put) -> None:
        """Bring odds until cancelled."""
        await self._polling.run(put)

    def send(self, command: AnyCommand) -> None:
        """Take `WatchOdds` and `UnwatchOdds`."""
        self._polling.send(command)

    # ---- what it costs and how it is asked

    def covers(self, league: League) -> bool:
        """It has a name for it."""
        return bool(league.sportsgameodds)

    def cost(self, asked: Asked) -> int:
        """One object for each event that comes back."""
        if all(asked.events.values()):
            return len(set(asked.events.values()))
        return self._listed.get(asked.league.id, GUESS)

    async def learn(self) -> None:
        """What is left of the month."""
        reply = await self.wire.get("/account/usage", {}, cost=1)
        left, used = parse_usage(reply.body)
        self._purse.told(reply.received, left, used)

    async def fetch(self, asked: Asked) -> Parsed:
        """All pages of the league, or just the events that are ours."""
        known = sorted(set(asked.events.values())) if all(asked.events.values()) else []
        params = {"eventIDs": ",".join(known)} if known else self._window(asked.league.sportsgameodds)
        params["bookmakerID"] = ",".join(self.books)
        if self._alternates:
            params["includeAltLines"] = "true"
        counted, whole = self.cost(asked), Parsed()
        for page in range(PAGES_MOST):
            cost = counted if page == 0 else 1
            reply = await self.wire.get("/events", {**params, "limit": str(PAGE)}, cost=cost)
            parsed = parse_events(reply.body, reply.received)
            self._purse.told(reply.received, None, None, parse_objects(reply.body), cost)
            whole = whole.merged(parsed)
            cursor = parse_cursor(reply.body)
            if not cursor or known:
                break
            params["cursor"] = cursor
        if not known:
            self._listed[asked.league.id] = max(1, len(whole.fixtures))
        return whole

    def _window(self, league: str) -> dict[str, str]:
        now = self._clock.wall()
        return {
            "leagueID": league,
            "oddsAvailable": "true",
            "startsAfter": f"{utc(Nanos(now - PAST_S * SECOND)):%Y-%m-%dT%H:%M:%SZ}",
            "startsBefore": f"{utc(Nanos(now + AHEAD_S * SECOND)):%Y-%m-%dT%H:%M:%SZ}",
        }


def manner(address: str) -> Manner:
    """How SportsGameOdds wants to be spoken to: ten requests a minute on the free plan."""
    return Manner(NAME, address, Place.HEADER, judge, quota, per_s=10.0 / _MINUTE, burst=5.0)
