"""What ProphetX lists, as the core knows it: a match for each line, an instrument for each of its sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

from console.core.fees import FeeKind, FeeModel
from console.core.instruments import Instrument, InstrumentSpec, MarketState, Venue, VoidRule
from console.core.matches import Kind, Listing, MatchId, MatchSpec
from console.core.units import CENT, ONE, SECOND, Cash, Nanos, Size
from console.venues.prophetx.dialects import Dialect
from console.venues.prophetx.ladder import OddsLadder
from console.venues.prophetx.neutral import (
    Envelope,
    EventMarkets,
    Level,
    Line,
    Market,
    Sides,
    SportEvent,
    SportEvents,
    Tournament,
    Tournaments,
    Unreadable,
)

KINDS: Final = {"moneyline": Kind.H2H, "spread": Kind.SPREAD, "total": Kind.TOTAL}
OPEN_EVENT: Final = "not_started"
OPEN_MARKET: Final = "active"
STAKE_MIN: Final = Size(2 * ONE)  # contracts: about a dollar; the venue names no least stake
EVENTS_AT_ONCE: Final = 50


class Side(Struct, frozen=True):
    """Where one side of a line is: what an instrument's symbol spells as ``event-market-side``."""

    event: int
    market: int
    side_id: str

    @property
    def instrument(self) -> Instrument:
        """The side as an instrument."""
        return Instrument(Venue.PROPHETX, f"{self.event}-{self.market}-{self.side_id}")


def side_of(instrument: Instrument) -> Side | None:
    """What a symbol spells; None for one that is none of this venue."""
    event, _, rest = instrument.symbol.partition("-")
    market, _, side_id = rest.partition("-")
    if not (event.isdecimal() and market.isdecimal() and side_id):
        return None
    return Side(int(event), int(market), side_id)


class Offer(Struct, frozen=True):
    """One line of one market: its two sides, each a list of levels, and the match it makes.

    `main` is the line the venue calls the favourite one. `spec` is None where its sides cannot be told apart.
    """

    event: SportEvent
    market: Market
    line: Decimal | None
    sides: tuple[Side, Side]
    levels: tuple[tuple[Level, ...], tuple[Level, ...]]
    state: MarketState
    main: bool
    spec: MatchSpec | None
    why: str = ""  # there is no match


# ---- answers


def parse_tournaments(dialect: Dialect, body: bytes) -> tuple[Tournament, ...]:
    """Every tournament listed; raises Unreadable."""
    return dialect.read(body, Envelope[Tournaments]).data.tournaments or ()


def parse_events(dialect: Dialect, body: bytes, troubles: list[str] | None = None) -> tuple[SportEvent, ...]:
    """Events of a tournament, none when null.

    Raises Unreadable; where `troubles` is given, a single event that cannot be read is told there instead.
    """
    found: list[SportEvent] = []
    for raw in dialect.read(body, Envelope[SportEvents]).data.sport_events or ():
        try:
            found.append(dialect.convert(raw, SportEvent))
        except Unreadable as error:
            if troubles is None:
                raise
            troubles.append(f"event {raw.get('event_id')}: {error}")
    return tuple(found)


def parse_markets(
    dialect: Dialect, body: bytes, troubles: dict[int, str] | None = None
) -> dict[int, tuple[Market, ...]]:
    """Markets of the types we know by event, of one event or many; an event without any has none.

    Raises Unreadable; where `troubles` is given, an event of which something cannot be read is told there
    instead, and the rest of it is there.
    """
    raw = dialect.read(body, Envelope[dict[str, object] | list[object]]).data
    found: dict[int, tuple[Market, ...]] = {}
    if isinstance(raw, list):  # seen on the affiliate version: one flat list naming the event on each
        for market in _known(dialect, raw, None, {}):
            if market.event_id is None:
                raise Unreadable(f"market {market.id} of a flat list names no `event_id`")
            found[market.event_id] = (*found.get(market.event_id, ()), market)
        return found
    if "markets" in raw:
        one = dialect.convert(raw, EventMarkets)
        return {one.event_id: _known(dialect, one.markets, one.event_id, troubles)}
    for name, markets in raw.items():
        event = _event_id(name)
        found[event] = _known(dialect, markets, event, troubles)
    return found


def _known(
    dialect: Dialect, markets: object, event: int | None, troubles: dict[int, str] | None
) -> tuple[Market, ...]:
    """Those of types we quote: what the others look like is of no interest."""
    found: list[Market] = []
    for raw in dialect.convert(markets, tuple[dict[str, object], ...]) if markets is not None else ():
        if raw.get("type", "") not in ("", *KINDS):
            continue
        try:
            found.append(dialect.convert(raw, Market))
        except Unreadable as error:
            if troubles is None or event is None:
                raise
            troubles[event] = f"market {raw.get('id')}: {error}"
    return tuple(found)


def _event_id(text: str) -> int:
    if not text.isdecimal():
        raise Unreadable(f"markets by event: {text!r} is no event id")
    return int(text)


# ---- offers


def offers(event: SportEvent, markets: Iterable[Market]) -> list[Offer]:
    """Every two-sided line of the markets we know how to quote."""
    found: list[Offer] = []
    for market in markets:
        if market.type not in KINDS or market.sub_type not in (None, "", market.type):
            continue  # halves, periods and players are other questions
        for line, selections, main, status in _lines(market):
            offer = _offer(event, market, line, selections, main, status)
            if offer is not None:
                found.append(offer)
    return found


def _lines(market: Market) -> list[tuple[Decimal | None, Sides, bool, str]]:
    if market.lines is not None:
        listed = [line for line in market.lines if line.selections is not None]
        main = any(line.favourite for line in listed)
        return [
            (line.line, line.selections or (), line.favourite or not main, _worse(market, line))
            for line in listed
        ]
    return [(market.line, market.selections, True, market.status)] if market.selections else []


def _worse(market: Market, line: Line) -> str:
    return market.status if market.status != OPEN_MARKET else line.status


def _offer(
    event: SportEvent, market: Market, line: Decimal | None, selections: Sides, main: bool, status: str
) -> Offer | None:
    """A line as an offer, its home or over side first; None when it does not have two sides with ids."""
    if len(selections) != 2 or not (selections[0] and selections[1]):
        return None
    first, second = selections[0], selections[1]
    state = state_of(event, status)
    turned = _comes_second(event, market, first[0], second[0])
    if turned:
        first, second = second, first
    sides = (
        Side(event.event_id, market.id, first[0].side_id),
        Side(event.event_id, market.id, second[0].side_id),
    )
    if sides[0].side_id == sides[1].side_id:
        raise Unreadable(f"event {event.event_id} market {market.id}: both sides are {sides[0].side_id}")
    own_line = first[0].line if first[0].line is not None else line
    spec, why = None, "its sides cannot be told apart"
    if turned is not None:
        why = _line_defect(market, first[0].line, second[0].line)
        spec = None if why else _match(event, market, own_line, sides)
    return Offer(event, market, own_line, sides, (first, second), state, main, spec, why)


def _line_defect(market: Market, first: Decimal | None, second: Decimal | None) -> str:
    """Why a line cannot be believed: a handicap on the wrong side would be bought for half its worth."""
    if market.type == "spread" and (first is None or second is None or first != -second):
        return f"its sides say handicaps of {first} and {second}"
    if market.type == "total" and first != second:
        return f"its sides say totals of {first} and {second}"
    return ""


def state_of(event: SportEvent | None, status: str) -> MarketState:
    """Whether a market trades: only an active one of an event that has not started."""
    if event is not None and event.status != OPEN_EVENT:
        return MarketState.CLOSED
    return MarketState.OPEN if status == OPEN_MARKET else MarketState.PAUSED


def _comes_second(event: SportEvent, market: Market, first: Level, second: Level) -> bool | None:
    """Whether the home (or over) side is the second one; None when that cannot be told for certain."""
    if market.type == "total":
        words = [level.name.strip().lower().partition(" ")[0] for level in (first, second)]
        return {("over", "under"): False, ("under", "over"): True}.get((words[0], words[1]))
    home = [c.id for c in event.competitors or () if c.side == "home"]
    away = [c.id for c in event.competitors or () if c.side == "away"]
    if len(home) != 1 or len(away) != 1:
        return None
    sides = (first.competitor_id, second.competitor_id)
    return {(home[0], away[0]): False, (away[0], home[0]): True}.get((sides[0] or 0, sides[1] or 0))


def _match(
    event: SportEvent, market: Market, line: Decimal | None, sides: tuple[Side, Side]
) -> MatchSpec | None:
    kind = KINDS[market.type]
    names = {c.side: c.name for c in event.competitors or ()}
    home, away = names.get("home", ""), names.get("away", "")
    written = "" if kind is Kind.H2H or line is None else _number(line)
    if kind is not Kind.H2H and not written:
        return None
    outcomes, suffix = (home, away), ""
    if kind is Kind.TOTAL:
        outcomes, suffix = (f"Over {written}", f"Under {written}"), f": o/u {written}"
    elif kind is Kind.SPREAD and line is not None:
        outcomes = (f"{home} {line:+}", f"{away} {-line:+}")
        suffix = f": {line:+}"
    identity = f"px-{event.event_id}-{market.id}"
    return MatchSpec(
        id=MatchId(f"{identity}-{written}" if written else identity),
        title=f"{event.name}{suffix}",
        outcomes=outcomes,
        listings=(Listing(sides[0].instrument, (0,)), Listing(sides[1].instrument, (1,))),
        event=f"px-{event.event_id}",
        sport=event.sport_name,
        league=league_of(event),
        kind=kind,
        line=written,
        start=start_of(event),
        may_none=False,  # where no side wins, stakes come back
    )


def league_of(event: SportEvent) -> str:
    """The league as odds feeds are asked for it; tennis has one tournament for each draw."""
    name = event.tournament_name.lower()
    if event.sport_name.lower() != "tennis":
        return name
    if "wta" in name or "(w)" in name:
        return "wta"
    return "atp" if "atp" in name or "(m)" in name else name


def _number(line: Decimal) -> str:
    return f"{line.normalize():f}"


def start_of(event: SportEvent) -> Nanos:
    """When it starts (wall clock); raises Unreadable for a time that cannot be read."""
    try:
        moment = datetime.fromisoformat(event.scheduled)
    except ValueError as error:
        raise Unreadable(f"event {event.event_id}: `scheduled` is {event.scheduled!r}") from error
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return Nanos(int(aware.timestamp()) * SECOND)


# ---- facts of an instrument


def spec_of(
    ladder: OddsLadder, commission: int, other: Side, market: Market | None, sport: str
) -> InstrumentSpec:
    """The facts of one side; `commission` on net winnings in millionths."""
    question = market.type if market is not None else "unknown"
    return InstrumentSpec(
        prices=ladder.prices,
        size_min=STAKE_MIN,
        size_step=Size(CENT),
        fees=FeeModel(kind=FeeKind.WINNINGS, maker_rate=commission, taker_rate=commission, unit=CENT),
        void_rule=VoidRule.REFUND,
        sellable=False,
        mirror=other.instrument.symbol,
        rules_hash=f"prophetx-{sport.lower().replace(' ', '-')}-{question}",
        cost_step=Cash(CENT),
    )


def by_side(listed: Iterable[Offer]) -> Mapping[Instrument, Offer]:
    """Offers by each of their instruments."""
    return {side.instrument: offer for offer in listed for side in offer.sides}
