"""What really happens in a match: true probabilities, how far the public knows them, and the result."""

from __future__ import annotations

import enum
import math

from msgspec import Struct

from console.core.units import ONE, SECOND
from console.sim.dice import Dice
from console.sim.listings import Fixture

_PREMATCH_SIGMA = 0.0025  # of strength per square root of a second: about 0.8 ¢ a minute at even odds
_NEWS_PER_S = 3.0 / 3600.0
_NEWS_JUMP = 0.12
_LAG_S = 2.5  # time constant with which the public follows the truth
_SURE = 0.002  # nothing is ever more certain than this before the end
_SHOCK = 0.03  # the public is this far behind: something has just happened
_LAST_MOMENT = 1e-4  # share of the match from which nothing changes any more


class Stage(enum.Enum):
    """How far a match has come."""

    UPCOMING = "upcoming"
    LIVE = "live"
    ENDED = "ended"
    SETTLED = "settled"


class SavedGame(Struct, frozen=True, array_like=True):
    """A match as it outlives the process."""

    strength: float
    believed: tuple[float, ...]
    stage: Stage
    void: bool


class Game:
    """One match as it is played.

    The lead of the first outcome is a random walk with jumps, scaled so that a whole match has variance
    one; the probability of each result follows from the lead and the share of the match still to come,
    and is therefore a fair game that ends in certainty.
    """

    __slots__ = ("believed", "fair", "fixture", "stage", "strength", "void")

    def __init__(self, fixture: Fixture, form: float, void: bool) -> None:
        self.fixture = fixture
        self.strength = fixture.strength + form
        self.stage = Stage.UPCOMING
        self.void = void  # it will not be finished
        self.fair = self._probabilities(1.0)
        self.believed = list(self.fair)

    def step(self, wall: int, seconds: float, dice: Dice) -> None:
        """Let `seconds` pass; `wall` is the moment then."""
        live = self.stage is Stage.LIVE
        self.strength += self._move_live(seconds, dice) if live else self._move_before(seconds, dice)
        self.fair = self._probabilities(self._to_come(wall))
        share = -math.expm1(-seconds / _LAG_S)
        self.believed = [seen + (p - seen) * share for seen, p in zip(self.believed, self.fair, strict=True)]

    @property
    def result(self) -> int:
        """The outcome that has won, once ended."""
        band = self.fixture.tie_band
        if abs(self.strength) < band:
            return 1
        last = len(self.fixture.match.outcomes) - 1
        return 0 if self.strength >= band else last

    @property
    def shocked(self) -> bool:
        """Something has just happened that the public has not taken in."""
        return any(abs(p - seen) > _SHOCK for p, seen in zip(self.fair, self.believed, strict=True))

    def payout(self, pays: tuple[int, ...]) -> int:
        """What a YES contract on these outcomes is worth at the end."""
        return ONE if self.result in pays else 0

    def save(self) -> SavedGame:
        """What must outlive the process."""
        return SavedGame(self.strength, tuple(self.believed), self.stage, self.void)

    def restore(self, saved: SavedGame, wall: int) -> None:
        """Go on from where it stood."""
        self.strength, self.stage, self.void = saved.strength, saved.stage, saved.void
        self.believed = list(saved.believed)
        self.fair = self._probabilities(self._to_come(wall))

    def _move_before(self, seconds: float, dice: Dice) -> float:
        move = dice.gauss(0.0, _PREMATCH_SIGMA * math.sqrt(seconds))
        if dice.random() < _NEWS_PER_S * seconds:
            move += dice.gauss(0.0, _NEWS_JUMP)
        return move

    def _move_live(self, seconds: float, dice: Dice) -> float:
        fixture = self.fixture
        share = seconds * SECOND / (fixture.match.end - fixture.match.start)
        smooth = max(0.0, 1.0 - fixture.jumps * fixture.jump**2)
        move = dice.gauss(0.0, math.sqrt(smooth * share))
        throw = dice.random()
        if throw < fixture.jumps * share:
            move += fixture.jump if 2.0 * throw < fixture.jumps * share else -fixture.jump
        return move

    def _to_come(self, wall: int) -> float:
        match = self.fixture.match
        if self.stage is Stage.UPCOMING:
            return 1.0
        return max(_LAST_MOMENT, min(1.0, (match.end - wall) / (match.end - match.start)))

    def _probabilities(self, to_come: float) -> list[float]:
        scale, band = math.sqrt(to_come), self.fixture.tie_band
        first = _normal((self.strength - band) / scale)
        last = _normal((-self.strength - band) / scale)
        ways = [first, last] if len(self.fixture.match.outcomes) == 2 else [first, 1.0 - first - last, last]
        kept = [max(_SURE, p) for p in ways]
        total = math.fsum(kept)
        return [p / total for p in kept]


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
