"""Which symbol pays on which side, proven twice: by the names, and by prices from somewhere else."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from msgspec import Struct

from console.core.instruments import Instrument, Venue
from console.core.matches import MatchSpec
from console.core.units import CENT, ONE
from console.core.view import LadderView, SourceView, View

_EXCHANGES = frozenset(venue.value for venue in Venue)
_DRAW = frozenset({"draw", "tie", "drw", "x"})
# A market of two sides at Polymarket names both in the order of its tokens: cs2-faze-ill-2026-04-05.
_PAIR = re.compile(r"[a-z0-9]+-([a-z]+)-([a-z]+)-\d{4}-\d{2}-\d{2}")
CLEAR = 3 * CENT  # how much better one way round must fit before a price says anything


class Sign(enum.Enum):
    """What one piece of evidence says."""

    FITS = "✓"
    TURNED = "✗"  # it fits the other side
    SILENT = "-"


class Reading(Struct, frozen=True):
    """One symbol: what it pays on, and what name and price say to that."""

    instrument: Instrument
    outcome: str
    name: Sign
    price: Sign


class Verdict(enum.Enum):
    """What all of them together say."""

    PROVEN = "proven twice: names and prices agree"
    NAMES = "by names only: no price from elsewhere tells the sides apart"
    PRICES = "by prices only: the symbols' names say nothing"
    OPEN = "NOT proven: neither names nor prices tell the sides apart; look at them"
    TURNED = "TURNED ROUND: names or prices fit the other side better; it is not added like this"


def readings(spec: MatchSpec, preview: View | None) -> list[Reading]:
    """The evidence for every symbol of a match."""
    ladders = {ladder.instrument: ladder for ladder in preview.ladders} if preview is not None else {}
    sources = preview.sources if preview is not None else ()
    found = []
    for listing in spec.listings:
        names = [spec.outcomes[outcome] for outcome in listing.pays]
        others = [name for name in spec.outcomes if name not in names]
        found.append(
            Reading(
                listing.instrument,
                "+".join(names),
                _by_name(listing.instrument.symbol, names, others),
                _by_price(ladders.get(listing.instrument), sources, listing.pays),
            )
        )
    return found


def verdict(found: Sequence[Reading]) -> Verdict:
    """One contradiction is enough against; every symbol must speak for."""
    if any(Sign.TURNED in (each.name, each.price) for each in found):
        return Verdict.TURNED
    names, prices = (_speaks([getattr(each, kind) for each in found]) for kind in ("name", "price"))
    if names and prices:
        return Verdict.PROVEN
    return Verdict.NAMES if names else Verdict.PRICES if prices else Verdict.OPEN


def _speaks(signs: Sequence[Sign]) -> bool:
    """All fit; of several one may be silent: it pays on what is left over."""
    fitting = signs.count(Sign.FITS)
    return fitting > 0 and fitting >= len(signs) - (len(signs) > 1)


def _by_name(symbol: str, names: Sequence[str], others: Sequence[str]) -> Sign:
    """The last part of a ticker abbreviates the side it pays on; of a pair the first is paid by the token."""
    pair = _PAIR.fullmatch(symbol)
    if pair is not None:
        sides = (names, others) if len(names) == len(others) == 1 else ((), ())
        fits = all(
            _abbreviates(short, name)
            for short, side in zip(pair.groups(), sides, strict=True)
            for name in side
        )
        return Sign.FITS if all(sides) and fits else Sign.SILENT
    _, dash, short = symbol.rpartition("-")
    if not dash or not short.isalpha() or len(short) > 6:
        return Sign.SILENT
    ours, theirs = (any(_abbreviates(short, name) for name in side) for side in (names, others))
    return Sign.SILENT if ours is theirs else Sign.FITS if ours else Sign.TURNED


def _abbreviates(short: str, name: str) -> bool:
    """The letters begin the name or one of its words and follow one another in it."""
    if name.lower() in _DRAW:
        return short.lower() in _DRAW
    letters = [c for c in name.lower() if c.isalpha()]
    wanted = short.lower()
    if not letters or not any(word.startswith(wanted[0]) for word in name.lower().split()):
        return False
    at = 0
    for letter in letters:
        at += at < len(wanted) and wanted[at] == letter
    return at == len(wanted)


def _by_price(ladder: LadderView | None, sources: Sequence[SourceView], pays: Sequence[int]) -> Sign:
    """The book against what somebody else says, this way round and the other."""
    if ladder is None or ladder.micro is None:
        return Sign.SILENT
    elsewhere = [
        source
        for source in sources
        if source.name != ladder.instrument.venue.value and len(source.probabilities) > max(pays)
    ]
    if not elsewhere:
        return Sign.SILENT
    best = min(elsewhere, key=lambda source: source.name in _EXCHANGES)  # a bookmaker before another exchange
    fair = sum(best.probabilities[outcome] for outcome in pays)
    straight, turned = abs(ladder.micro - fair), abs(ladder.micro - (ONE - fair))
    if straight + CLEAR <= turned:
        return Sign.FITS
    return Sign.TURNED if turned + CLEAR <= straight else Sign.SILENT
