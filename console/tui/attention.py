"""How much a match needs a person: what the list of matches is sorted by, and how loud a reason is."""

from __future__ import annotations

import enum

from console.core.reasons import Reason
from console.core.view import MatchView
from console.tui.ink import Ink

FULL_PCT = 90  # of the inventory limit, from which a match is as good as full


class Need(enum.IntEnum):
    """Who acts next, the most urgent first."""

    PERSON = 0  # nothing goes on without the operator
    TROUBLE = 1  # quotes are pulled or hampered; it may heal, but look
    LIMITED = 2  # a limit or the inventory holds back one side
    QUOTED = 3  # as it should be
    WAITING = 4  # becomes good by itself
    STANDING = 5  # somebody or the clock stopped it
    OVER = 6


_NEEDS: dict[Reason, Need] = {
    **dict.fromkeys((Reason.MISMATCH, Reason.FEES, Reason.LOSS, Reason.UNVALUED), Need.PERSON),
    **dict.fromkeys(
        (
            Reason.LIMIT,
            Reason.OVEREXPOSED,
            Reason.REBALANCING,
            Reason.CONDITIONAL_LOCK,
            Reason.KELLY,
            Reason.THIN_MARGIN,
            Reason.PRICE_RANGE,
            Reason.FLATTENING,
            Reason.RATE_LIMITED,
        ),
        Need.LIMITED,
    ),
    **dict.fromkeys(
        (
            Reason.TOP,
            Reason.JOINED,
            Reason.AT_CEILING,
            Reason.COPIED,
            Reason.OUTBID,
            Reason.RETESTING,
            Reason.STICKY,
            Reason.EMPTY_BOOK,
            Reason.WAITING,
        ),
        Need.QUOTED,
    ),
    **dict.fromkeys((Reason.WARM_UP, Reason.RECONCILING, Reason.NOT_OPEN), Need.WAITING),
    **dict.fromkeys(
        (
            Reason.PAUSED,
            Reason.KILLED,
            Reason.STOPPED,
            Reason.START_GATE,
            Reason.STARTED,
            Reason.STOP_TIME,
            Reason.REDUCE_ONLY,
        ),
        Need.STANDING,
    ),
    Reason.DONE: Need.OVER,
}
_INKS = {
    Need.PERSON: Ink.ALARM,
    Need.TROUBLE: Ink.WARN,
    Need.LIMITED: Ink.NOTICE,
    Need.QUOTED: Ink.PLAIN,
    Need.WAITING: Ink.DIM,
    Need.STANDING: Ink.NOTICE,
    Need.OVER: Ink.DIM,
}


def need_of(reason: Reason) -> Need:
    """What a reason asks for; every other reason is trouble with data, the venue or those who trade."""
    return _NEEDS.get(reason, Need.TROUBLE)


def need(match: MatchView) -> Need:
    """What a match asks for; something held with nothing quoted comes before what looks after itself."""
    found = need_of(match.reason)
    full = match.inventory_max > 0 and 100 * abs(match.exposure) >= FULL_PCT * match.inventory_max
    unattended = found is Need.STANDING and match.exposure != 0
    return min(found, Need.LIMITED) if full or unattended else found


def urgency(match: MatchView) -> tuple[int, int, int, str]:
    """What to sort matches by; nothing in it flickers, so that rows stand still while nothing happens."""
    found = need(match)
    rank = 0 if found is Need.QUOTED else -match.reason.rank
    return found, rank, match.start or 2**63, match.title


def loudness(reason: Reason) -> Ink:
    """How loud a reason is written."""
    return _INKS[need_of(reason)]


def mark(reason: Reason) -> str:
    """The same without colour: an exclamation mark before what needs a look."""
    return "!" if need_of(reason) <= Need.TROUBLE else " "
