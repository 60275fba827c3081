"""What the sandbox's books offer now, before any feed's wire format is put on it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from console.core.matches import MatchSpec
from console.sim.world import World

SHARP, SOFT = "pinnacle", "draftkings"
EXCHANGES = ("prophetx", "novig")  # list their own prices inside a feed, as the real ones do
DRAW = "draw"
_BOOKS = {"pinnacle": SHARP, "softbook": SOFT}
_DRAWS = ("draw", "tie")

# The feeds' full names of the world's teams; all others get a word more, as feeds have it.
_FULL = {
    ("mlb", "Seattle"): "Seattle Mariners",
    ("mlb", "Houston"): "Houston Astros",
    ("nba", "Boston"): "Boston Celtics",
    ("nba", "Denver"): "Denver Nuggets",
    ("nhl", "Toronto"): "Toronto Maple Leafs",
    ("nhl", "Calgary"): "Calgary Flames",
    ("nfl", "Dallas"): "Dallas Cowboys",
    ("nfl", "Green Bay"): "Green Bay Packers",
    ("cs2", "Nordlys"): "Team Nordlys",
    ("cs2", "Kestrel"): "Kestrel Esports",
    ("laliga", "Valdoro"): "CD Valdoro",
    ("laliga", "Costa Brava"): "Costa Brava CF",
    ("epl", "Northgate"): "Northgate FC",
    ("epl", "Ashbourne"): "Ashbourne Town",
    ("atp", "Novotny"): "Jan Novotny",
    ("atp", "Alvarado"): "Rafael Alvarado",
    ("wta", "Lindqvist"): "Maja Lindqvist",
    ("wta", "Okafor"): "Sade Okafor",
}


class Quote(Struct, frozen=True):
    """One market of one book. `sides` are decimal odds by home, draw, away or over, under.

    `kind` is h2h, spread or total; `line` the home side's handicap or the total. `changed_ns` is when the
    price moved last, `seen_ns` when the feed looked last; both wall clock. `open` False: suspended.
    """

    book: str
    kind: str
    line: float
    sides: dict[str, float]
    changed_ns: int
    seen_ns: int
    open: bool = True


class Event(Struct, frozen=True):
    """One event with everything offered on it."""

    number: int
    league: str
    home: str
    away: str
    start_ns: int
    quotes: tuple[Quote, ...]
    started: bool = False
    over: bool = False

    @property
    def hex_id(self) -> str:
        """32 hexadecimal digits, the same for the same event for ever."""
        return hashlib.sha256(f"{self.number}/{self.league}".encode()).hexdigest()[:32]


class Card(Protocol):
    """Where events come from."""

    def events(self, now_ns: int) -> Sequence[Event]:
        """Everything listed at a moment of the wall clock."""


class Cards:
    """Several cards as one; `more` may grow while it is used."""

    def __init__(self, cards: Sequence[Card], more: Sequence[Card]) -> None:
        self._cards, self._more = cards, more

    def events(self, now_ns: int) -> Sequence[Event]:
        """Everything that any of them lists."""
        return [event for card in (*self._cards, *self._more) for event in card.events(now_ns)]


class WorldCard:
    """The matches of a seeded world as its books price them. `world` is moved along by somebody else."""

    def __init__(self, world: World, lag_ns: int = 0) -> None:
        """`lag_ns`: how long after looking a feed answers."""
        self._world = world
        self._lag_ns = lag_ns
        self._last: dict[tuple[str, str], tuple[tuple[float, ...], int]] = {}

    def events(self, now_ns: int) -> Sequence[Event]:
        """Every match of the world that is not settled."""
        return [self._event(number, spec, now_ns) for number, spec in enumerate(self._world.listings, 1001)]

    def _event(self, number: int, spec: MatchSpec, now_ns: int) -> Event:
        teams = [o for o, name in enumerate(spec.outcomes) if name.lower() not in _DRAWS]
        visitors_first = " at " in spec.title
        home, away = (teams[1], teams[0]) if visitors_first else (teams[0], teams[1])
        lines = self._world.lines_now(spec.id)
        seen = now_ns - self._lag_ns
        quotes: list[Quote] = []
        for source, odds in lines.items():
            book = _BOOKS[source]
            known, changed = self._last.get((spec.id, book), ((), seen))
            if odds is not None and odds != known:
                known, changed = odds, seen
                self._last[spec.id, book] = known, changed
            if not known:
                continue
            sides = {"home": known[home], "away": known[away]}
            if len(known) == 3:
                sides[DRAW] = known[3 - home - away]
            quotes.append(Quote(book, "h2h", 0.0, sides, changed, seen, odds is not None))
            if book == SHARP:
                quotes += _beside(sides, changed, seen, odds is not None)
        started = now_ns >= spec.start
        return Event(
            number=number,
            league=spec.league,
            home=_FULL.get((spec.league, spec.outcomes[home]), spec.outcomes[home]),
            away=_FULL.get((spec.league, spec.outcomes[away]), spec.outcomes[away]),
            start_ns=spec.start,
            quotes=tuple(quotes),
            started=started,
            over=now_ns >= spec.end,
        )


def _beside(sides: dict[str, float], changed: int, seen: int, is_open: bool) -> list[Quote]:
    """A run line and a total beside the winner, and the exchanges that list themselves."""
    chance = 1.0 / sides["home"]
    lay_points = max(0.05, min(0.95, 0.72 * chance))
    spread = {"home": _odds(lay_points), "away": _odds(1.0 - lay_points)}
    total = {"over": _odds(0.51), "under": _odds(0.49)}
    quotes = [
        Quote(SHARP, "spread", -1.5, spread, changed, seen, is_open),
        Quote(SHARP, "total", 7.5, total, changed, seen, is_open),
        Quote(SOFT, "total", 8.0, total, changed, seen, is_open),
    ]
    return quotes + [Quote(book, "h2h", 0.0, sides, changed, seen, is_open) for book in EXCHANGES]


def _odds(chance: float, margin: float = 0.03) -> float:
    return round(1.0 / (chance * (1.0 + margin)), 3)
