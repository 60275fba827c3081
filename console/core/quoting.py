"""What to bid: ceilings, and where between the rivals and the ceiling a quote rests.

Everything here is in bid prices: what one pays per contract of the side a route becomes long. A sale of
YES at y is a bid of 1 - y for the rest; so one formula serves buying and selling, YES and NO.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from console.core.american import american_of_decimal, opposite
from console.core.book import NEVER, Face
from console.core.fees import FeeModel, fee_per_contract
from console.core.instruments import BUY, Action, Instrument, book_side
from console.core.ladders import price_of_american
from console.core.reasons import Reason
from console.core.rivals import Rivals
from console.core.settings import BackOff, MatchSettings
from console.core.units import BASIS_POINTS, ONE, SECOND, Nanos, Price

# Members by themselves: an enum's attributes are slow to find.
TOP, AT_CEILING, OUTBID = Reason.TOP, Reason.AT_CEILING, Reason.OUTBID
OUT, AT_THE_CEILING = BackOff.OUT, BackOff.CEILING


class Route:
    """One way to become long an outcome set: an instrument, bought or sold; made once and never changed.

    `gained` is the outcome mask it makes us long, `safe` says that it also gains when no listed
    outcome wins (a sale of YES, a purchase of NO). Its orders rest on `side` of the book of `yes`.
    """

    __slots__ = ("action", "gained", "instrument", "safe", "side", "yes")

    def __init__(self, instrument: Instrument, action: Action, gained: int, *, safe: bool) -> None:
        self.instrument = instrument
        self.action = action
        self.gained = gained
        self.safe = safe
        self.yes = instrument.yes
        self.side = book_side(instrument.side, action)

    def price_of(self, bid: int) -> Price:
        """The instrument's price for a bid price, and the other way round."""
        return Price(bid if self.action is BUY else ONE - bid)


class Edge(Struct, frozen=True, array_like=True, gc=False):
    """What is asked below the low fair value of a set, in millionths per contract, and what it leaves.

    `sober` is the low fair value less adverse selection and uncertainty (for Kelly); `limit` is R of the
    trading rules: the highest price plus fee that still leaves the edge.
    """

    fair: int
    fair_lo: int
    sober: int
    margin: int
    limit: int


def edge_of(
    fair: int, fair_lo: int, sober: int, wanted: int, buffers: int, skew: int, settings: MatchSettings
) -> Edge:
    """R = fair_lo - max(edge_floor, wanted edge + buffers - skew); skew is negative when we are long."""
    margin = wanted + buffers - skew
    if margin < settings.edge_floor:
        margin = settings.edge_floor
    return Edge(fair, fair_lo, sober, margin, fair_lo - margin)


def skew_of(exposure: int, settings: MatchSettings) -> int:
    """-skew_max * clip(exposure / inventory_max, -1, 1), rounded down: never towards a higher bid."""
    most = settings.inventory_max
    bounded = most if exposure > most else -most if exposure < -most else exposure
    return -settings.inventory_skew_max * bounded // most


def highest_bid(face: Face, fees: FeeModel, limit: int, fair: int) -> Price | None:
    """Largest legal x with x + fee(x) <= limit; None if there is none."""
    bid = face.down(limit)
    if not fees.maker_rate:
        return bid
    while bid is not None and bid + fee_per_contract(fees, bid, fair) > limit:
        bid = face.down(bid - 1)
    return bid


class Memory:
    """What placement `top` remembers of one route between evaluations."""

    __slots__ = ("dropped", "retest_s", "rival_near_ts", "rivals", "watch_until")

    def __init__(self, retest_s: int) -> None:
        self.retest_s = retest_s
        self.rival_near_ts = NEVER
        self.watch_until: Nanos | None = None  # a retest is being watched until then
        self.dropped = Price(0)  # where the retest went down to
        self.rivals = Rivals()


class Situation(Struct, frozen=True, gc=False):
    """What placement looks at, in bid prices.

    `ceiling` bounds the bid, `live` is our own resting bid on this route (None if none), `opposing` our
    best bid on the other side of the same book, `held_back` that an order of ours on this instrument
    is in flight: the public book may not show it yet, so nothing is raised.
    """

    face: Face
    opposite_own: Mapping[int, int]
    ceiling: Price
    live: Price | None
    opposing: Price | None
    held_back: bool


class Placed(Struct, frozen=True, array_like=True, gc=False):
    """Where to bid (None: nowhere) and why; `rival` is the best rival seen."""

    bid: Price | None
    reason: Reason
    rival: Price | None


def place_top(now: Situation, memory: Memory, settings: MatchSettings, ts: Nanos) -> Placed:
    """Best bid as cheaply as possible, never above the ceiling; sticky, with retests."""
    seen = now.face.rival(settings.rival_size_min)
    rival = seen[0] if seen is not None else None
    memory.rivals.look(now.live, rival, ts)
    cap = cap_of(now)
    if cap is None:
        return Placed(None, Reason.PRICE_RANGE, rival)
    bid, reason = _target(now, rival, cap, settings)
    placed = _sticky(now, Placed(bid, reason, rival), cap, memory, settings, ts)
    if now.held_back and now.live is not None and placed.bid is not None and placed.bid > now.live:
        return Placed(now.live, Reason.WAITING, rival)
    return placed


def cap_of(now: Situation) -> Price | None:
    """min(ceiling, best rival ask - tick, 1 - our own opposing bid - tick); None if no price is left."""
    face, ceiling, opposing = now.face, now.ceiling, now.opposing
    cap: int = ceiling
    ask = face.opposing(now.opposite_own)
    if ask is not None and ask <= cap:
        cap = ask - 1
    if opposing is not None and ONE - opposing <= cap:
        cap = ONE - opposing - 1
    return ceiling if cap == ceiling else face.down(cap)  # a ceiling is a legal price


def _target(
    now: Situation, rival: Price | None, cap: Price, settings: MatchSettings
) -> tuple[Price | None, Reason]:
    """The cheapest bid that is best, before stickiness."""
    face, ceiling = now.face, now.ceiling
    if rival is None:
        return face.down(min(cap, ceiling - settings.empty_book_edge)), Reason.EMPTY_BOOK
    if rival < cap:
        bid = _step_over(face, rival, cap, settings)
        return bid, AT_CEILING if bid == ceiling else TOP
    if rival == cap:
        return cap, Reason.JOINED
    if rival <= ceiling:
        return cap, AT_CEILING
    back_off = settings.back_off
    if back_off is OUT:
        return None, OUTBID
    if back_off is AT_THE_CEILING:
        return cap, OUTBID
    behind = face.rival_below(ceiling + 1, settings.rival_size_min)
    if behind is None:
        return face.down(min(cap, ceiling - settings.empty_book_edge)), OUTBID
    return (cap if behind[0] >= cap else _step_over(face, behind[0], cap, settings)), OUTBID


def _step_over(face: Face, rival: Price, cap: Price, settings: MatchSettings) -> Price:
    """One improve step (at least a tick) over `rival`, at most `cap`, which is above it."""
    step = max(face.tick_at(rival), settings.improve_step)
    if rival + step >= cap:  # legal, and above the rival
        return cap
    stepped = face.down(rival + step)
    if stepped is None or stepped <= rival:
        stepped = face.up(rival + 1)
    assert stepped is not None, f"no legal bid between rival {rival} and cap {cap}"
    return min(stepped, cap)


def _sticky(
    now: Situation, target: Placed, cap: Price, memory: Memory, settings: MatchSettings, ts: Nanos
) -> Placed:
    """Stay where we are when the rival drops away; now and then drop too and watch what it does."""
    live, rival = now.live, target.rival
    if target.bid is None or (live is not None and live > cap):
        memory.watch_until = None
        return target
    if memory.watch_until is not None:
        return _watch(target, target.bid, memory, settings, ts)
    if live is None:
        memory.rival_near_ts = ts
        return target
    if target.bid >= live:
        memory.rival_near_ts = ts
        return target
    step = max(now.face.tick_at(live), settings.improve_step)
    if rival is not None and rival >= live - step:
        memory.rival_near_ts = ts
    if memory.rival_near_ts == NEVER:
        memory.rival_near_ts = ts
    if ts - memory.rival_near_ts < memory.retest_s * SECOND:
        return Placed(live, Reason.STICKY, rival)
    memory.watch_until = Nanos(ts + settings.retest_watch_s * SECOND)
    memory.dropped = target.bid
    return Placed(target.bid, Reason.RETESTING, rival)


def _watch(target: Placed, bid: Price, memory: Memory, settings: MatchSettings, ts: Nanos) -> Placed:
    """After a drop: if the rival comes back, climb and wait twice as long; else the cheap bid stands.

    Where orders are not amended there is no live quote for a while: the watch goes on without it.
    """
    assert memory.watch_until is not None, "a watch has an end"
    returned = target.rival is not None and target.rival > memory.dropped
    if not returned and ts < memory.watch_until:
        return Placed(min(bid, memory.dropped), Reason.RETESTING, target.rival)
    memory.watch_until = None
    memory.retest_s = min(2 * memory.retest_s, settings.retest_max_s) if returned else settings.retest_s
    memory.rival_near_ts = ts
    return target


def copied_bid(odds: Sequence[float], gained: int) -> Price:
    """The bid that shows others the sharp book's own price of everything but `gained` (an outcome mask).

    Of two outcomes it is the opposite of the American price of the other one, which is what its decimal
    odds were made of; of three the sharp prices of the others are added up.
    """
    others = [price for outcome, price in enumerate(odds) if not gained >> outcome & 1]
    if len(others) == 1:
        return price_of_american(opposite(american_of_decimal(others[0])))
    return Price(math.floor(ONE * (1.0 - sum(1.0 / price for price in others))))


def place_copy(now: Situation, copied: Price | None, settings: MatchSettings) -> Placed:
    """Rest where the sharp book's line is shown to others, snapped to the next longer rung.

    `copied` None: there is no line to copy. Above the ceiling its margin would not pay the commission.
    """
    seen = now.face.rival(settings.rival_size_min)
    rival = seen[0] if seen is not None else None
    if copied is None:
        return Placed(None, Reason.NO_SHARP, rival)
    wanted, cap = now.face.down(copied), cap_of(now)
    if wanted is None or cap is None:
        return Placed(None, Reason.PRICE_RANGE, rival)
    if wanted > now.ceiling:
        return Placed(None, Reason.THIN_MARGIN, rival)
    bid, live = min(wanted, cap), now.live
    if live is not None and bid > live:
        if now.held_back:
            return Placed(live, Reason.WAITING, rival)
        if (bid - live) * BASIS_POINTS < settings.requote_odds_bp * bid:  # of the decimal odds, 1 / bid
            bid = live
    return Placed(bid, Reason.COPIED, rival)


def place_ceiling(now: Situation, settings: MatchSettings, level: int) -> Placed:
    """Rest at the ceiling, level n a step times n below it."""
    seen = now.face.rival(settings.rival_size_min)
    rival = seen[0] if seen is not None else None
    cap = cap_of(now)
    bid = None if cap is None else now.face.down(min(cap, now.ceiling - level * settings.level_step))
    if bid is None:
        return Placed(None, Reason.PRICE_RANGE, rival)
    if now.held_back and now.live is not None and bid > now.live:
        return Placed(now.live, Reason.WAITING, rival)
    return Placed(bid, Reason.AT_CEILING, rival)
