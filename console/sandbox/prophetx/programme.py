"""What is on: fictional fixtures of five sports, each with a moneyline, two spreads and two totals."""

from __future__ import annotations

import time
from fractions import Fraction

from msgspec import Struct

from console.sandbox.prophetx.luck import Luck

EVENTS = 36
_MINUTE, _HOUR = 60, 3600


class League(Struct, frozen=True):
    """A tournament of theirs; `spreads` and `totals` are its usual lines."""

    tournament: int
    name: str
    sport: str
    sport_id: int
    country: str
    teams: tuple[str, ...]
    spreads: tuple[str, ...]
    totals: tuple[str, ...]


class Side(Struct):
    """One side of a line."""

    side_id: str
    outcome_id: int
    name: str
    competitor_id: int | None
    line: Fraction | None


class LineOf(Struct):
    """One line: the home (or over) side first. `fair` is the chance of that side when everything begins."""

    key: str
    line_id: int
    number: Fraction | None
    favourite: bool
    sides: tuple[Side, Side]
    fair: float


class MarketOf(Struct):
    """One market of a fixture."""

    market_id: int
    kind: str
    name: str
    lines: list[LineOf]
    status: str = "active"


class Fixture(Struct):
    """One game; `start` is epoch seconds."""

    event_id: int
    league: League
    home: str
    away: str
    home_id: int
    away_id: int
    start: int
    markets: list[MarketOf]
    status: str = "not_started"
    listed: bool = True

    @property
    def name(self) -> str:
        """Away at home, as the venue writes it."""
        return f"{self.away} at {self.home}"


LEAGUES = (
    League(
        109,
        "MLB",
        "Baseball",
        3,
        "USA",
        ("Harbor Pilots", "Mesa Larks", "Iron Foxes", "Delta Herons", "Summit Elk", "Prairie Owls"),
        ("-1.5", "1.5"),
        ("8.5", "9"),
    ),
    League(
        132,
        "NBA",
        "Basketball",
        2,
        "USA",
        ("Quay Kings", "Pine Rangers", "Bay Comets", "Granite Giants", "Lake Spirits", "Union Stags"),
        ("-3.5", "-4.5"),
        ("226.5", "227.5"),
    ),
    League(
        31,
        "NFL",
        "American Football",
        16,
        "USA",
        ("River Barons", "Coal Bulls", "Sand Vipers", "North Cranes", "Steel Otters", "Plains Bison"),
        ("-2.5", "-3"),
        ("44.5", "45.5"),
    ),
    League(
        234,
        "NHL",
        "Ice Hockey",
        4,
        "USA",
        ("Frost Wolves", "Gale Hawks", "Slate Bears", "Tundra Rams", "Cove Sharks", "Peak Ravens"),
        ("-1.5", "1.5"),
        ("5.5", "6.5"),
    ),
    League(
        2739,
        "WTA Doha",
        "Tennis",
        5,
        "N/A",
        ("M. Lindqvist", "S. Okafor", "E. Marchetti", "K. Varga", "L. Brandt", "A. Sorel"),
        ("-2.5", "-3.5"),
        ("21.5", "22.5"),
    ),
)
_MARKETS = {"moneyline": (219, "Moneyline"), "spread": (223, "Spread"), "total": (225, "Total")}
_OUTCOMES = {"moneyline": (4, 5), "spread": (1714, 1715), "total": (12, 13)}


def programme(seed: int, events: int = EVENTS, now: float | None = None) -> list[Fixture]:
    """The first games of the next day: two within half an hour, the others spread over twenty hours."""
    luck = Luck(seed, "programme")
    begin = int(time.time() if now is None else now)
    fixtures = []
    for number in range(events):
        league = LEAGUES[number % len(LEAGUES)]
        pair = (number // len(LEAGUES)) % (len(league.teams) - 1)
        start = begin + (20 * _MINUTE if number < 2 else _HOUR + number * 19 * _HOUR // max(1, events))
        fixtures.append(_fixture(luck, 20_021_000 + number, league, pair, start - start % _MINUTE))
    return fixtures


def _fixture(luck: Luck, event_id: int, league: League, pair: int, start: int) -> Fixture:
    home, away = league.teams[pair], league.teams[(pair + 1) % len(league.teams)]
    first = league.tournament * 100
    chance = luck.between(0.30, 0.70)
    fixture = Fixture(
        event_id=event_id,
        league=league,
        home=home,
        away=away,
        home_id=first + pair,
        away_id=first + (pair + 1) % len(league.teams),
        start=start,
        markets=[],
    )
    fixture.markets.append(_market(luck, fixture, "moneyline", ("",), (chance,)))
    spreads = tuple(luck.between(0.42, 0.58) for _ in league.spreads)
    fixture.markets.append(_market(luck, fixture, "spread", league.spreads, spreads))
    totals = tuple(luck.between(0.45, 0.55) for _ in league.totals)
    fixture.markets.append(_market(luck, fixture, "total", league.totals, totals))
    return fixture


def _market(
    luck: Luck, fixture: Fixture, kind: str, numbers: tuple[str, ...], fairs: tuple[float, ...]
) -> MarketOf:
    market_id, name = _MARKETS[kind]
    lines = []
    for index, (number, fair) in enumerate(zip(numbers, fairs, strict=True)):
        value = Fraction(number) if number else None
        lines.append(
            LineOf(
                key=f"{fixture.event_id}/{market_id}/{number}",
                line_id=88_000 + fixture.event_id % 1000 * 10 + index,
                number=value,
                favourite=index == 0,
                sides=_sides(luck, fixture, kind, value),
                fair=fair,
            )
        )
    return MarketOf(market_id, kind, name, lines)


def _sides(luck: Luck, fixture: Fixture, kind: str, number: Fraction | None) -> tuple[Side, Side]:
    first, second = _OUTCOMES[kind]
    if kind == "total":
        shown = _shown(number)
        return (
            Side(luck.digits(32), first, f"over {shown}", None, number),
            Side(luck.digits(32), second, f"under {shown}", None, number),
        )
    other = None if number is None else -number
    return (
        Side(luck.digits(32), first, _named(fixture.home, number), fixture.home_id, number),
        Side(luck.digits(32), second, _named(fixture.away, other), fixture.away_id, other),
    )


def _named(team: str, number: Fraction | None) -> str:
    return team if number is None else f"{team} {signed(number)}"


def _shown(number: Fraction | None) -> str:
    return "" if number is None else f"{float(number):g}"


def signed(number: Fraction) -> str:
    """A handicap with its sign."""
    return f"{float(number):+g}"
