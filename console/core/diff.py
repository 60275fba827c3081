"""Wanted against live: the fewest operations that bring the orders of a match to what is wanted."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from console.core.instruments import Action, Instrument
from console.core.markets import Market
from console.core.orders import Order
from console.core.planner import Wanted
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import ONE, Nanos


class Cancel(Struct, frozen=True, array_like=True, gc=False):
    """Take the order out."""

    order: Order


class Amend(Struct, frozen=True, array_like=True, gc=False):
    """Change the order to what is wanted; `retreat` when it must go whatever limits say."""

    order: Order
    wanted: Wanted
    retreat: bool


class Refill(Struct, frozen=True, array_like=True, gc=False):
    """Top an order up at its price, if the limits allow enough more of it."""

    order: Order
    wanted: Wanted
    amendable: bool


class Place(Struct, frozen=True, array_like=True, gc=False):
    """Rest a new order."""

    wanted: Wanted


Step = Cancel | Amend | Refill | Place


def diff(
    wanted: Iterable[Wanted],
    live: Iterable[Order],
    markets: dict[Instrument, Market],
    settings: MatchSettings,
    ts: Nanos,
) -> tuple[list[Step], bool]:
    """Steps in the order to take them: cancels, then amends, then places; and whether they are all there is
    to do: once they are taken every order is as wanted.

    One operation in flight per order: an order that waits for an answer is left alone. An order past
    its present ceiling goes at once; thresholds and resting times hold back improvements only.
    """
    slots: dict[tuple[Instrument, Action, int], Wanted] = {
        (w.route.instrument, w.route.action, w.level): w for w in wanted
    }
    cancels: list[Step] = []
    amends: list[Step] = []
    settled = True
    for order in live:
        slot = (order.instrument, order.action, order.level)
        want = slots.pop(slot, None)
        if order.in_flight:
            settled = False
            continue
        if want is None:
            cancels.append(Cancel(order))
            continue
        step = _adjust(order, want, markets[want.route.yes], settings, ts)
        if isinstance(step, Cancel):
            cancels.append(step)
            settled = False  # it is to be placed anew
        elif step is not None:
            amends.append(step)
        elif order.price != want.route.price_of(want.bid) or order.remaining != want.size:
            settled = False
    return [*cancels, *amends, *[Place(want) for want in slots.values()]], settled


def _adjust(order: Order, want: Wanted, market: Market, settings: MatchSettings, ts: Nanos) -> Step | None:
    """What to do about one resting order, if anything."""
    bid, left = want.route.price_of(order.price), order.remaining
    if bid > want.ceiling or left > want.size:  # a limit left less room: no threshold holds it
        return _changed(order, want, market, bid, retreat=True)
    if bid == want.bid:
        if left * 100 < want.size * settings.refill_below_pct and _rested(order, settings, ts):
            return Refill(order, want, _is_amendable(order, want, market, bid))
        return None
    if want.bid < bid and want.reason is Reason.COPIED:  # the sharp book moved away: so do we, at once
        return _changed(order, want, market, bid, retreat=True)
    tick = market.book.ladder.tick_at(order.price) if market.book is not None else ONE
    if abs(bid - want.bid) < max(tick, settings.requote_threshold) or not _rested(order, settings, ts):
        return None
    return _changed(order, want, market, bid, retreat=want.bid < bid)


def _changed(order: Order, want: Wanted, market: Market, bid: int, retreat: bool) -> Step:
    """Amend where the venue can, else cancel and place anew later."""
    if _is_amendable(order, want, market, bid):
        return Amend(order, want, retreat)
    return Cancel(order)


def _is_amendable(order: Order, want: Wanted, market: Market, bid: int) -> bool:
    spec = market.spec
    if spec is None or not spec.amendable or not order.venue_order_id:
        return False
    return not spec.amend_takes or want.bid <= bid


def _rested(order: Order, settings: MatchSettings, ts: Nanos) -> bool:
    return ts - order.rest_since >= settings.rest_min_ms * 1_000_000
