"""When a feed is asked: the nearer a start the more often, slower before the credits run out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from console.core.units import SECOND, Nanos

HOUR = 3600
BANDS = ((6 * HOUR, 1.0), (24 * HOUR, 2.0), (72 * HOUR, 5.0))  # (seconds to the start, times the base gap)
FAR = 60.0  # times the base gap beyond that
PLAYED = 6 * HOUR  # after its start a match is over at the latest
GAP_MOST_S = HOUR  # whatever the base gap is, a match in the list is looked at this often ...
NEAR_S = BANDS[0][0]
FAR_SHARE = 0.05  # of the credits, for what is further away, where the near could use up all of them


class Demand(Struct, frozen=True):
    """One request that serves a league: what it costs, and when its matches start (0: unknown)."""

    league: str
    cost: int
    starts: tuple[Nanos, ...]


class Pace(Struct, frozen=True):
    """How often each league is asked, in seconds, and how much slower that is than wanted."""

    gaps: dict[str, float]
    near: float  # 1 or more: starts within six hours ...
    far: float  # ... and all others


def wanted_gap(demand: Demand, now: Nanos, poll_s: float) -> float | None:
    """Seconds between two requests for a league if credits were no matter; None when all is played."""
    gaps = [_gap(start, now, poll_s) for start in demand.starts]
    return min((gap for gap in gaps if gap is not None), default=None)


def pace(demands: Sequence[Demand], now: Nanos, until: Nanos, poll_s: float, left: int) -> Pace:
    """Gaps that make `left` credits last until `until`.

    What starts within six hours comes first: it is slowed only when it alone would need more than there is;
    everything further away shares what remains, and a little in any case: doubts about its pairing are better
    known before its time comes.
    """
    near, far = (_need(demands, now, until, poll_s, band) for band in (True, False))
    kept = min(far, FAR_SHARE * left)
    slow_near = max(1.0, near / (left - kept)) if left else math.inf
    spare = max(left - near, kept)
    slow_far = max(1.0, slow_near, far / spare if spare > 0.0 else 1.0)
    gaps: dict[str, float] = {}
    for demand in demands:
        gap = wanted_gap(demand, now, poll_s)
        if gap is not None:
            gaps[demand.league] = gap * (slow_near if gap <= poll_s * BANDS[0][1] else slow_far)
    return Pace(gaps, slow_near, slow_far)


def _gap(start: Nanos, now: Nanos, poll_s: float) -> float | None:
    if not start:
        return poll_s * BANDS[1][1]
    ahead = (start - now) / SECOND
    if ahead < -PLAYED:
        return None
    times = next((times for within, times in BANDS if ahead <= within), FAR)
    return min(poll_s * times, max(poll_s, GAP_MOST_S))


def _need(demands: Sequence[Demand], now: Nanos, until: Nanos, poll_s: float, near: bool) -> float:
    """Credits wanted from now until then, at a look every quarter of an hour; near starts or all others."""
    step = 900 * SECOND
    total, moment = 0.0, now
    while moment < until:
        ahead = min(step, until - moment)
        for demand in demands:
            gap = wanted_gap(demand, moment, poll_s)
            if gap is not None and (gap <= poll_s * BANDS[0][1]) is near:
                total += demand.cost * ahead / SECOND / gap
        moment = Nanos(moment + step)
    return total
