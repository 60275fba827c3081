"""A sharp book on what this venue lists, as the odds feeds have it: whoever copies it finds it there."""

from __future__ import annotations

from collections.abc import Sequence

from console.sandbox.odds.card import SHARP, Event, Quote
from console.sandbox.prophetx.crowd import Crowd
from console.sandbox.prophetx.exchange import Exchange
from console.sandbox.prophetx.programme import Fixture, MarketOf

SECOND = 1_000_000_000
SIDES = {"total": ("over", "under")}


class FixtureCard:
    """Every fixture with its main lines, priced as the crowd sees them sharply."""

    def __init__(self, exchange: Exchange, crowd: Crowd) -> None:
        self._exchange = exchange
        self._crowd = crowd
        self._since: dict[str, tuple[tuple[float, float], int]] = {}  # by line: its price, and since when

    def events(self, now_ns: int) -> Sequence[Event]:
        """Everything listed at a moment of the wall clock."""
        return [self._event(fixture, now_ns) for fixture in self._exchange.fixtures.values()]

    def _event(self, fixture: Fixture, now_ns: int) -> Event:
        name = fixture.league.name.lower()
        return Event(
            number=fixture.event_id,
            league=name.partition(" ")[0],  # WTA Doha is one tournament of the league
            home=fixture.home,
            away=fixture.away,
            start_ns=fixture.start * SECOND,
            quotes=tuple(self._quote(market, now_ns) for market in fixture.markets),
            started=fixture.status != "not_started",
            over=fixture.status not in ("not_started", "live"),
        )

    def _quote(self, market: MarketOf, now_ns: int) -> Quote:
        line = market.lines[0]
        odds = self._crowd.sharp(line.key)
        known, since = self._since.get(line.key, ((0.0, 0.0), now_ns))
        if odds != known:
            since = now_ns
            self._since[line.key] = odds, since
        sides = SIDES.get(market.kind, ("home", "away"))
        return Quote(
            book=SHARP,
            kind="h2h" if market.kind == "moneyline" else market.kind,
            line=float(line.number or 0),
            sides={side: round(price, 4) for side, price in zip(sides, odds, strict=True)},
            changed_ns=since,
            seen_ns=now_ns,
            open=market.status == "active",
        )
