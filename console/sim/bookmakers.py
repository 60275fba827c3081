"""The sportsbooks of the pretended world: lines that follow what the public knows, with a margin."""

from __future__ import annotations

from console.core.events import OddsSuspended, OddsUpdate
from console.core.matches import MatchId
from console.core.units import Nanos
from console.sim.dice import Dice
from console.sim.games import Game, Stage

ODDS_PLACES = 3


class Bookmaker:
    """One book. Its line stands until the public is `step` away from it, in probability."""

    __slots__ = ("_dice", "_down", "_lines", "error", "margin", "source", "step")

    def __init__(self, source: str, margin: float, step: float, error: float, dice: Dice) -> None:
        self.source = source
        self.margin = margin
        self.step = step
        self.error = error  # standard deviation of its opinion, in probability
        self._dice = dice
        self._lines: dict[MatchId, list[float]] = {}
        self._down: dict[MatchId, bool] = {}

    def open_line(self, game: Game) -> None:
        """Make the first line of a match; everything else asks for one."""
        self._move(game)

    def odds(self, game: Game) -> tuple[float, ...]:
        """Its decimal odds on a match as they stand, margin included."""
        line = self._lines[game.fixture.match.id]
        return tuple(max(1.001, round(1.0 / (p * (1.0 + self.margin)), ODDS_PLACES)) for p in line)

    def down(self, game: Game) -> bool:
        """Something has just happened, or all is over: nobody is offered a price."""
        return game.shocked or game.stage in (Stage.ENDED, Stage.SETTLED)

    def poll(self, game: Game, wall: Nanos) -> OddsUpdate | OddsSuspended | None:
        """What a poll of this book returns now; None while its line is down and known to be."""
        match = game.fixture.match.id
        down = self.down(game)
        was_down, self._down[match] = self._down.get(match, False), down
        if down:
            return None if was_down else OddsSuspended(match=match, source=self.source)
        if was_down or self._off(self._lines[match], game):
            self._move(game)
        return OddsUpdate(match=match, source=self.source, odds=self.odds(game), provider_wall=wall)

    def _off(self, line: list[float], game: Game) -> bool:
        return any(abs(p - seen) > self.step for p, seen in zip(line, game.believed, strict=True))

    def _move(self, game: Game) -> None:
        """Make a new line, its error shifted from the first outcome to the last."""
        line = list(game.believed)
        error = self._dice.gauss(0.0, self.error)
        if min(line[0], line[-1]) > 4.0 * abs(error):
            line[0] += error
            line[-1] -= error
        self._lines[game.fixture.match.id] = line
