"""Proof that a feed's event is our match the right way round: by its names, and by prices of others."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from itertools import permutations

from msgspec import Struct

from console.core.events import OddsUpdate
from console.core.units import Nanos

AGREES = 0.06  # prices of one outcome further apart than this are not of one event at one time
DECIDES = 0.04  # by so much one order of the outcomes must fit better than the others to be told apart
DRAWS = frozenset({"draw", "tie", "x"})


class Verdict(enum.Enum):
    """What prices say of an order of outcomes."""

    AGREE = "agree"  # this order fits, and no other does
    EVEN = "even"  # this order fits, but so does another: the prices cannot tell
    APART = "apart"  # no order fits
    REVERSED = "reversed"  # another order fits better


class Proof(enum.Enum):
    """How far a pairing has been proven."""

    WAITING = "waiting"  # for a price to prove it by
    NAMES = "names"  # names are certain and prices agree, but would agree reversed
    PROVEN = "proven"  # names and prices
    CONFIRMED = "confirmed"  # by the operator
    DOUBTED = "doubted"  # until the operator looks


COUNTING = frozenset({Proof.NAMES, Proof.PROVEN, Proof.CONFIRMED})


class Confirmed(Struct, frozen=True, array_like=True):
    """A pairing the operator looked at."""

    feed: str
    event: str
    names: tuple[str, ...]


class Pairing:
    """One feed's event of a match, and the lines it brought that wait for their proof."""

    __slots__ = (
        "absent",
        "against",
        "confidence",
        "doubt",
        "event",
        "feed",
        "latest",
        "names",
        "proof",
        "start",
        "why",
    )

    def __init__(
        self, feed: str, event: str, names: tuple[str, ...], confidence: int, doubt: str, start: Nanos
    ) -> None:
        self.feed = feed
        self.event = event
        self.names = names
        self.confidence = confidence
        self.doubt = doubt  # of the names
        self.start = start
        self.proof = Proof.WAITING
        self.why = "orientation: no price to prove it by yet"
        self.against = 0  # polls in a row whose prices said the reverse
        self.latest: dict[str, OddsUpdate] = {}  # its lines by source, believed or not
        self.absent: dict[str, str] = {}  # why a source has no line there

    @property
    def counts(self) -> bool:
        """Its lines may be believed."""
        return self.proof in COUNTING

    @property
    def facts(self) -> Confirmed:
        """What the operator would confirm."""
        return Confirmed(self.feed, self.event, self.names)

    def settle(self, proof: Proof, why: str = "") -> None:
        """Take what is known of it now."""
        self.proof, self.why = proof, why


def judge(
    said: Sequence[float], references: Iterable[Sequence[float]], outcomes: Sequence[str]
) -> Verdict | None:
    """Hold probabilities against those of other sources; None when there is nothing to hold them against.

    A draw is known by its name: only the other outcomes can have been confused.
    """
    known = list(references)
    if not known:
        return None
    middle = [sum(ps) / len(known) for ps in zip(*known, strict=True)]
    straight = _distance(said, middle)
    others = min(_distance([said[o] for o in order], middle) for order in _confusions(outcomes))
    if others < straight - DECIDES and others <= AGREES:
        return Verdict.REVERSED
    if straight > AGREES:
        return Verdict.APART
    return Verdict.AGREE if straight < others - DECIDES else Verdict.EVEN


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return max(abs(p - q) for p, q in zip(one, other, strict=True))


def _confusions(outcomes: Sequence[str]) -> list[tuple[int, ...]]:
    """Every other order of the outcomes that leaves a draw where it is."""
    fixed = {o for o, name in enumerate(outcomes) if name.strip().lower() in DRAWS}
    straight = tuple(range(len(outcomes)))
    return [
        order for order in permutations(straight) if order != straight and all(order[o] == o for o in fixed)
    ]
