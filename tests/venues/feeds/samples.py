"""Examples of the feeds' answers, and matches to pair them with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from console.core.instruments import Instrument, Venue
from console.core.matches import Kind, Listing, MatchSpec
from console.core.units import SECOND, Nanos
from console.venues.feeds.lines import Fixture

EXAMPLES = Path(__file__).parent / "examples"
RECEIVED = Nanos(1_795_204_800 * SECOND)  # 2026-11-20 20:00 UTC, a minute after the stamps in the examples


def body(name: str) -> bytes:
    return (EXAMPLES / f"{name}.json").read_bytes()


def example(name: str):
    return json.loads(body(name))


def wall(text: str) -> Nanos:
    """ "2026-11-21 00:40" in UTC."""
    return Nanos(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND)


def match(*outcomes: str, league: str = "nba", start: str = "2026-11-21 00:40", **facts) -> MatchSpec:
    """A match whose outcomes each have a ticker."""
    listings = tuple(
        Listing(Instrument(Venue.KALSHI, f"T-{number}"), (number,)) for number in range(len(outcomes))
    )
    told = {"id": "m", "title": " v ".join(outcomes), **facts}
    return MatchSpec(
        outcomes=outcomes, listings=listings, league=league, start=wall(start) if start else Nanos(0), **told
    )


def total(line: str, title: str = "Boston at New York: Total Points", **facts) -> MatchSpec:
    return match(f"Over {line}", f"Under {line}", kind=Kind.TOTAL, line=line, title=title, **facts)


def fixture(home: str, away: str, start: str = "2026-11-21 00:40", named: str = "", **facts) -> Fixture:
    return Fixture(
        feed="f", id=named or f"{home}-{away}-{start}", home=home, away=away, start=wall(start), **facts
    )
