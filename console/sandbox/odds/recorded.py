"""Every line change of a recorded baseball season, replayed as the books of the sandbox."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from console.sandbox.command import SandboxError
from console.sandbox.odds.card import SHARP, Event, Quote

SECOND = 1_000_000_000
LEAGUE = "mlb"
PLAYED_S = 4 * 3600  # a game leaves the list so long after its first pitch


class Change(Struct, frozen=True, array_like=True):
    """What the book offered from one moment on, in American odds; None where it offered nothing."""

    at_s: int
    money: tuple[int, int] | None  # away, home
    spread: tuple[float, int, int] | None  # away's handicap, away, home
    total: tuple[float, int, int] | None  # runs, over, under


class Game(Struct, frozen=True):
    """One game: who, when by the recording's clock, every change of its line, and how it came out."""

    number: int
    away: str
    home: str
    start_s: int
    changes: tuple[Change, ...]
    runs: tuple[int, int] | None  # away, home

    @property
    def first_s(self) -> int:
        """When its first line came."""
        return self.changes[0].at_s

    def line_at(self, moment_s: float) -> Change | None:
        """The line that stood at a moment, None before the first."""
        place = bisect_right(self.changes, moment_s, key=lambda change: change.at_s)
        return self.changes[place - 1] if place else None


def read_games(folder: Path) -> tuple[Game, ...]:
    """`games.csv.gz` and `lines.csv.gz` of a season; raises SandboxError for anything else."""
    try:
        lines = _changes(folder / "lines.csv.gz")
        return tuple(
            Game(
                number=int(row["game_no"]),
                away=row["AwayTeam"],
                home=row["HomeTeam"],
                start_s=int(float(row["EventDateTimeUTC"])),
                changes=tuple(lines[int(row["game_no"])]),
                runs=_runs(row),
            )
            for row in _rows(folder / "games.csv.gz")
            if int(row["game_no"]) in lines
        )
    except (OSError, KeyError, ValueError) as error:
        raise SandboxError(f"recording: {folder}: not a season of lines and games: {error}") from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _changes(path: Path) -> dict[int, list[Change]]:
    found: dict[int, list[Change]] = defaultdict(list)
    for row in _rows(path):
        change = Change(
            at_s=int(row["EnteredUTC_fixed"]),
            money=_pair(row["MoneyUS1"], row["MoneyUS2"]),
            spread=_line(row["SpreadTeam1"], row["SpreadUS1"], row["SpreadUS2"]),
            total=_line(row["TotalPoints"], row["TotalUSOver"], row["TotalUSUnder"]),
        )
        found[int(row["game_no"])].append(change)
    for changes in found.values():
        changes.sort(key=lambda change: change.at_s)
    return found


def _pair(one: str, other: str) -> tuple[int, int] | None:
    return (int(float(one)), int(float(other))) if one and other else None


def _line(line: str, one: str, other: str) -> tuple[float, int, int] | None:
    prices = _pair(one, other)
    return (float(line), *prices) if line and prices is not None else None


def _runs(row: dict[str, str]) -> tuple[int, int] | None:
    away, home = row["FinalScoreAway"], row["FinalScoreHome"]
    return (int(float(away)), int(float(home))) if away and home else None


class RecordedCard:
    """A season that began when the sandbox was opened and passes `speed` times as fast as it was.

    Starts are moved with it: a game 120 minutes away is 2 minutes away at 60x.
    """

    def __init__(
        self, games: Sequence[Game], began_ns: int, speed: float = 1.0, from_s: int | None = None
    ) -> None:
        """`from_s`: the moment of the recording to begin at, its first line if None."""
        self._games = games
        self._began_ns = began_ns
        self._speed = speed
        self._from_s = min(game.first_s for game in games) if from_s is None else from_s

    def recorded_s(self, now_ns: int) -> float:
        """The recording's clock at a moment of ours."""
        return self._from_s + (now_ns - self._began_ns) / SECOND * self._speed

    def wall_ns(self, moment_s: float) -> int:
        """Our clock at a moment of the recording."""
        return self._began_ns + round((moment_s - self._from_s) / self._speed * SECOND)

    def events(self, now_ns: int) -> Sequence[Event]:
        """Games that have a line and are not over, by the recording's clock."""
        moment = self.recorded_s(now_ns)
        return [
            self._event(game, line, moment, now_ns)
            for game in self._games
            if game.first_s <= moment < game.start_s + PLAYED_S and (line := game.line_at(moment)) is not None
        ]

    def _event(self, game: Game, line: Change, moment: float, now_ns: int) -> Event:
        started = moment >= game.start_s
        return Event(
            number=game.number,
            league=LEAGUE,
            home=game.home,
            away=game.away,
            start_ns=self.wall_ns(game.start_s),
            quotes=tuple(_quotes(line, self.wall_ns(line.at_s), now_ns, not started)),
            started=started,
        )


def _quotes(line: Change, changed: int, seen: int, is_open: bool) -> Iterator[Quote]:
    if line.money is not None:
        away, home = (decimal(price) for price in line.money)
        yield Quote(SHARP, "h2h", 0.0, {"home": home, "away": away}, changed, seen, is_open)
    if line.spread is not None:
        handicap, *prices = line.spread
        away, home = (decimal(price) for price in prices)
        yield Quote(SHARP, "spread", -handicap, {"home": home, "away": away}, changed, seen, is_open)
    if line.total is not None:
        runs, *prices = line.total
        over, under = (decimal(price) for price in prices)
        yield Quote(SHARP, "total", runs, {"over": over, "under": under}, changed, seen, is_open)


def decimal(american: float) -> float:
    """Decimal odds of an American price, to the thousandth as feeds write them."""
    return round(1.0 + (american / 100.0 if american > 0 else 100.0 / -american), 3)
