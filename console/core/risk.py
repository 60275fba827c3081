"""The last look at an order before it leaves: every limit, each with a reason of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import combinations

from msgspec import Struct

from console.core.book import Face
from console.core.commands import FLATTEN, REDUCE
from console.core.connection import Connection, Purse
from console.core.desk import Desk
from console.core.exposure import Fair, Risked, TermsOf, WorstCase, cash_at_risk, worst_loss
from console.core.fees import fee_per_contract
from console.core.instruments import ASK, BUY, Instrument, InstrumentSpec, opposite_side
from console.core.orders import Blotter, Order, yes_price
from console.core.planner import Wanted
from console.core.quoting import Route
from console.core.reasons import Reason
from console.core.settings import AccountSettings
from console.core.units import ONE, Nanos, Price

UNATTENDED = "max_unattended_exposure"
_CAUSES = {"inventory_max": Reason.OVEREXPOSED, "kelly": Reason.KELLY}
TAPER_PCT = 30  # of an exposure limit
ROUNDING = 4  # millionths by which the parts of an order's loss may round up


class Verdict(Struct, frozen=True, array_like=True, gc=False):
    """How much of an order may leave (0: nothing), and if not all, why."""

    size: int
    reason: Reason = Reason.LIMIT
    limit: str = ""


Measure = Callable[[WorstCase], int]


class Books(Struct, frozen=True, gc=False):
    """What the limits above one match are measured on: worst losses now, in cash.

    `event_most` is the tightest limit that any match of the event has for all of it.
    """

    event: int
    venue: int
    total: int
    event_most: int = 2**62


def allow(
    desk: Desk,
    wanted: Wanted,
    replaces: Order | None,
    blotter: Blotter,
    connection: Connection,
    account: AccountSettings,
    books: Callable[[Measure], Books],
    ts: Nanos,
    attended: bool = True,
) -> Verdict:
    """Bound one place (or amend of `replaces`) by every limit; retreats do not pass through here.

    `books` adds up the worst losses of matches by the measure it is given; it is asked only about an order
    that no other limit has held back.
    """
    market = desk.markets[wanted.route.yes]
    assert market.spec is not None, "an order is wanted only where the symbol is defined"
    price = wanted.route.price_of(wanted.bid)
    face = market.face(blotter, wanted.route.side)
    refused = (
        _collared(desk, wanted, face, blotter)
        or _duplicate(desk, wanted, price, replaces, blotter, ts)
        or _crosses_ours(desk, wanted, replaces, face, blotter)
    )
    if refused is not None:
        return refused
    if replaces is None and len(blotter.live) >= account.open_orders:
        return Verdict(0, Reason.LIMIT, "open_orders")
    costs = connection.budget.costs
    cost = costs.place if replaces is None else costs.amend
    if not connection.budget.allows(cost, ts):
        return Verdict(0, Reason.RATE_LIMITED)
    size, reason, limit = wanted.size, Reason.LIMIT, ""
    per_contract = _loses_at_most(market.spec, wanted, ONE, wanted.edge.fair)
    for most, name in _caps(desk, wanted, per_contract, replaces, blotter):
        if most < size:
            size, reason, limit = most, _CAUSES.get(name, Reason.LIMIT), name
    if connection.cash is not None and wanted.route.action is BUY:
        purse = connection.purse_of(wanted.route.instrument)
        cash = purse.cash - account.cash_reserve
        if market.spec.kept_apart:
            free = cash - purse.spent - _reserved_on(wanted.route.instrument, replaces, blotter)
        else:
            free = _free(connection, purse, cash, replaces, blotter)
        if free * ONE // per_contract < size:
            size, reason, limit = free * ONE // per_contract, Reason.NO_BALANCE, ""
    if not attended and connection.unattended_max is not None:
        room = connection.unattended_max - at_rest(connection, blotter)
        if room * ONE // max(1, per_contract) < size:
            size, reason, limit = room * ONE // max(1, per_contract), Reason.LIMIT, UNATTENDED
    step = market.spec.size_step
    size = max(0, size) // step * step
    size, name = _exposed(
        desk, wanted, size, per_contract, replaces, blotter, account, books, market.spec.size_min
    )
    if name:
        size, reason, limit = size // step * step, Reason.LIMIT, name
    if size < market.spec.size_min:
        return Verdict(0, reason, limit)
    return Verdict(size, reason, limit)


def _collared(desk: Desk, wanted: Wanted, face: Face, blotter: Blotter) -> Verdict | None:
    """C2: never above the ceiling, never far through theo, never across the book."""
    if wanted.bid > wanted.ceiling or wanted.bid > wanted.edge.fair + desk.settings.collar:
        return Verdict(0, Reason.LIMIT, "collar")
    opposite = opposite_side(wanted.route.side)
    ask = face.opposing(blotter.own_sizes(wanted.route.yes, opposite))
    return Verdict(0, Reason.LIMIT, "collar") if ask is not None and wanted.bid >= ask else None


def _duplicate(
    desk: Desk, wanted: Wanted, price: Price, replaces: Order | None, blotter: Blotter, ts: Nanos
) -> Verdict | None:
    """C3: one order per instrument, action and price, and a pause before it is placed again."""
    route = wanted.route
    for order in blotter.on_book(route.instrument):
        if price not in (order.price, order.to_price) or order is replaces:
            continue
        if order.instrument == route.instrument and order.action is route.action:
            return Verdict(0, Reason.WAITING)
    placed = desk.placed_at.get((route.instrument, route.action, price))
    if placed is not None and ts - placed < desk.settings.refill_min_ms * 1_000_000:
        return Verdict(0, Reason.WAITING)
    return None


def _crosses_ours(
    desk: Desk, wanted: Wanted, replaces: Order | None, face: Face, blotter: Blotter
) -> Verdict | None:
    """Our bids never cost together, fees in, more than they can pay at most, less a tick: a sure loss.

    Usually they cover every outcome once and pay a dollar; the NO legs of three outcomes pay two. Bids on
    some of the outcomes could only do so where one of them stands on an older fair value. Also across
    matches on one symbol: our bid stays below our own offer there.
    """
    gained, cost = wanted.route.gained, wanted.bid + wanted.fee
    best: dict[int, int] = {}
    for order in blotter.of_match(desk.spec.id):
        route = desk.keys[order.instrument, order.action]
        if order is replaces or route.gained == gained:
            continue
        spec = desk.markets[route.yes].spec
        for version, _ in order.versions():
            bid = route.price_of(version)
            theirs = bid + fee_per_contract(spec.fees, bid, ONE) if spec is not None else bid
            if theirs > best.get(route.gained, 0):
                best[route.gained] = theirs
    tick = face.tick_at(wanted.bid)
    if cost + sum(best.values()) > ONE - tick:  # else they cost less than anything could pay
        for count in range(1, len(best) + 1):
            for masks in combinations(best, count):
                paid = _paid_at_most((gained, *masks), desk.outcomes)
                if cost + sum([best[mask] for mask in masks]) > paid * ONE - tick:
                    return Verdict(0, Reason.WAITING)
    for order in blotter.on_book(wanted.route.instrument):
        if order.match != desk.spec.id and order.book_side is not wanted.route.side:
            for version, _ in order.versions():
                at = yes_price(order.instrument.side, version)
                if wanted.bid + (ONE - at if order.book_side is ASK else at) > ONE - tick:
                    return Verdict(0, Reason.WAITING)
    return None


@lru_cache(maxsize=4096)  # there are few combinations, asked for at every order
def _paid_at_most(masks: tuple[int, ...], outcomes: int) -> int:
    """How many dollars one contract of each set pays in the outcome in which they pay most."""
    return max(sum(mask >> outcome & 1 for mask in masks) for outcome in range(outcomes))


def _caps(
    desk: Desk, wanted: Wanted, per_contract: int, replaces: Order | None, blotter: Blotter
) -> Iterable[tuple[int, str]]:
    """Sizes that single limits allow, with the limit's name."""
    settings, route = desk.settings, wanted.route
    yield settings.order_size_max, "order_size_max"
    yield settings.order_cash_max * ONE // max(1, per_contract), "order_cash_max"
    others = [order for order in blotter.of_match(desk.spec.id) if order is not replaces]
    resting = held = 0
    for order in others:
        if desk.gained_by(order) == route.gained:  # as does whatever is on the same leg, the same way
            left = order.remaining
            resting += left
            if order.instrument == route.instrument and order.action is route.action:
                held += left
    if desk.outcomes == 2 and len(desk.groups()) == 1:
        yield settings.inventory_max - desk.exposure(route.gained) - resting, "inventory_max"
    else:
        yield from _inventory_caps(desk, route, others)
    if wanted.kelly is not None:
        yield wanted.kelly - desk.taken(route.gained, route.instrument.venue, others), "kelly"
    if wanted.kind is REDUCE:  # what rests may fill too: together they never pass through flat
        yield wanted.closes - resting, "closing"
    if route.action is BUY:
        yield settings.max_position - desk.held(route.instrument) - held, "max_position"
    else:
        yield desk.sellable(route.instrument) - held, "held"


def _inventory_caps(desk: Desk, route: Route, others: Sequence[Order]) -> Iterable[tuple[int, str]]:
    """Sizes until an outcome set that a contract makes us longer of is at its limit."""
    for mask in desk.sets():  # with three outcomes one contract makes us longer of several sets
        share = desk.raises(route.gained, mask)
        if share > 0:
            room = desk.settings.inventory_max - desk.taken(mask, route.instrument.venue, others)
            yield room * ONE // share, "inventory_max"


def _free(connection: Connection, purse: Purse, cash: int, replaces: Order | None, blotter: Blotter) -> int:
    """Cash that a new order may tie up, where the venue reserves it for all that is paid from one purse.

    What has filled since the cash was told is gone, but for orders for which it was set aside already.
    """
    if not connection.resting_multiple:
        return cash - purse.spent_anew - _reserved(connection, purse, replaces, blotter)
    resting = sum(
        order.owed
        for order in blotter.live.values()
        if order.instrument.venue is connection.venue
        and order is not replaces
        and order.action is BUY
        and connection.purse_of(order.instrument) is purse
    )
    return (cash - purse.spent) * connection.resting_multiple - resting


def _reserved(connection: Connection, purse: Purse, replaces: Order | None, blotter: Blotter) -> int:
    """Cash our orders in flight will tie up beyond what the venue's free balance already excludes.

    One placed at the very moment the balance was told is none of those.
    """
    return sum(
        order.owed
        for order in blotter.live.values()
        if order.placed_ts >= connection.cash_ts
        and order.instrument.venue is connection.venue
        and order is not replaces
        and order.action is BUY
        and connection.purse_of(order.instrument) is purse
    )


def _reserved_on(instrument: Instrument, replaces: Order | None, blotter: Blotter) -> int:
    """Cash our purchases of either leg of one symbol tie up, where the venue reserves it by symbol."""
    return sum(
        order.owed for order in blotter.on_book(instrument) if order is not replaces and order.action is BUY
    )


def at_rest(connection: Connection, blotter: Blotter) -> int:
    """What our orders at a venue could cost if all of them were taken.

    Those being cancelled or replaced are included: until the venue proves otherwise they may fill.
    """
    return sum(stake(o) for o in blotter.live.values() if o.instrument.venue is connection.venue)


def stake(order: Order) -> int:
    """What an order that is taken as a whole puts at risk, fees aside.

    Of one being amended the worse of both versions, or the old one first and the rest of the new one after.
    """
    if order.stake:
        return order.owed
    (price, left), (new, new_left) = order.versions()[0], order.versions()[-1]
    if order.action is not BUY:
        price, new = Price(ONE - price), Price(ONE - new)
    worst = max(new * new_left, price * left + new * max(0, new_left - left))
    return -(-worst // ONE)


def _exposed(
    desk: Desk,
    wanted: Wanted,
    size: int,
    per_contract: int,
    replaces: Order | None,
    blotter: Blotter,
    account: AccountSettings,
    books: Callable[[Measure], Books],
    least: int,
) -> tuple[int, str]:
    """C4: the worst case with this order in it, on the match, its event, its venue and the account.

    What does not add to the worst case is never held back; over a limit, where orders are being taken out,
    nor may it add to what is held, or it would hide behind one that is to go. A contract adds at most what it
    can lose by itself, so the size that fits is that much of the room left. In the last part before a limit
    sizes shrink with the room, down to the smallest the venue takes (C27).
    """
    if size <= 0:
        return size, ""
    spec = desk.markets[wanted.route.yes].spec
    assert spec is not None, "an order is wanted only where the symbol is defined"
    alone = _loses_at_most(spec, wanted, size, ONE)  # the highest commission paid
    match_most = desk.settings.exposure_match
    if match_most - desk.at_most >= max(alone, _soft(match_most)) and _roomy(
        _limits(desk, account, books, WorstCase.bounded), alone
    ):
        return size, ""  # so much room that the worst cases need not be measured
    limits = _limits(desk, account, books, WorstCase.measured)
    if _roomy(limits, alone):
        return size, ""  # there is room even if all of it were lost on top of the worst case
    added = worst_with(desk, wanted, size, replaces, blotter.of_match(desk.spec.id)) - desk.worst
    if added <= 0:
        over = next((limit_name for limit_name, limit, used in limits if used > limit), "")
        return (0, over) if over and _adds_to_held(desk, wanted, size, replaces) else (size, "")
    name = ""
    for limit_name, limit, used in limits:
        room = max(0, limit - used)
        fits = room * ONE // max(1, per_contract)
        if added > room and fits < size:
            size, name = fits, limit_name
        soft = _soft(limit)
        if room < soft:
            tapered = max(desk.settings.contracts * room // soft, min(fits, least))
            if tapered < size:
                size, name = tapered, limit_name
    return size, name


def _adds_to_held(desk: Desk, wanted: Wanted, size: int, replaces: Order | None) -> bool:
    """Whether an order adds to the worst case of what is held, or of that and the order it replaces."""
    orders = () if replaces is None else (replaces,)
    return worst_with(desk, wanted, size, replaces, orders) > worst_of(desk, orders)


def _limits(
    desk: Desk, account: AccountSettings, books: Callable[[Measure], Books], measure: Measure
) -> tuple[tuple[str, int, int], ...]:
    """Name, limit and use of every exposure limit; where two are as tight, the wider one is named."""
    used = books(measure)
    return (
        ("exposure_total", account.exposure_total, used.total),
        ("exposure_venue", account.exposure_venue, used.venue),
        ("exposure_event", min(desk.settings.exposure_event, used.event_most), used.event),
        ("exposure_match", desk.settings.exposure_match, measure(desk.worst_case)),
    )


def _roomy(limits: Iterable[tuple[str, int, int]], alone: int) -> bool:
    """Whether every limit has room for `alone` and is not in its last part yet."""
    for _, limit, used in limits:
        room = limit - used
        if room < alone or room < limit * TAPER_PCT // 100:
            return False
    return True


def _soft(limit: int) -> int:
    """The last part of an exposure limit, in which sizes shrink."""
    return limit * TAPER_PCT // 100


def _loses_at_most(spec: InstrumentSpec, wanted: Wanted, size: int, fair: int) -> int:
    """Most that an order can add to any worst case: what it loses by itself.

    A stake follows from odds, whose price may be rounded down: a millionth more is never too little.
    """
    price = wanted.route.price_of(wanted.bid) + (1 if spec.cost_step else 0)
    return cash_at_risk(wanted.route.action, price, size, spec.fees, fair)


def risked(orders: Iterable[Order]) -> list[Risked]:
    """Orders as exposure sees them."""
    return [
        Risked(
            order.instrument,
            order.action,
            order.versions(),
            order.owed if order.stake else 0,
            order.ceiling_kind is FLATTEN,
        )
        for order in orders
    ]


def worst_now(desk: Desk, blotter: Blotter) -> int:
    """Worst loss of a match as it stands."""
    return worst_by(desk, blotter, desk.terms(), fair_of(desk))


def worst_by(desk: Desk, blotter: Blotter, terms: TermsOf, fair: Fair) -> int:
    """Worst loss of a match with the orders it has, by these terms and this fair value."""
    return _worst(desk, risked(blotter.of_match(desk.spec.id)), terms, fair)


def bound_of(desk: Desk, blotter: Blotter) -> int:
    """No less than the worst loss of a match, whatever theo and fees: all that is held pays nothing, and all
    that rests is lost, a dollar a contract: price and fee come to no more at a rate up to 1. A stake is a sum
    of its own, and the dollar stands for its fees.
    """
    rates = [max(told.fees.maker_rate, told.fees.taker_rate) for told in desk.terms().values()]
    if max(rates, default=0) > ONE:
        return worst_now(desk, blotter)
    total = 0
    for position in desk.groups():
        least = position.cash
        for holding in position.holdings.values():
            least += (holding.net if holding.net < 0 else 0) - holding.commission
        if least < 0:
            total -= least
    for order in blotter.of_match(desk.spec.id):
        total += order.remaining + (order.owed if order.stake else 0) + ROUNDING
    return total


def worst_of(desk: Desk, orders: Iterable[Order]) -> int:
    """Worst loss of a match if these orders of it were out."""
    return _worst(desk, risked(orders), desk.terms(), fair_of(desk))


def worst_with(desk: Desk, wanted: Wanted, size: int, replaces: Order | None, beside: Iterable[Order]) -> int:
    """Worst loss of a match if one more order rested beside these (an amend counts both versions)."""
    price = int(wanted.route.price_of(wanted.bid))
    orders = risked(order for order in beside if order is not replaces)
    versions: tuple[tuple[int, int], ...] = ((price, size),)
    spec, owed = desk.markets[wanted.route.yes].spec, 0
    if replaces is not None:
        versions = (*((int(p), n) for p, n in replaces.versions()), *versions)
    elif spec is not None:
        owed = spec.stake(wanted.route.action, price, size)
    orders.append(Risked(wanted.route.instrument, wanted.route.action, versions, owed))
    return _worst(desk, orders, desk.terms(), fair_of(desk))


def fair_of(desk: Desk) -> Fair:
    """Fair value by outcome mask, as exposure takes it; None while there is none."""
    return desk.theo.fair if desk.theo is not None else None


def _worst(desk: Desk, orders: list[Risked], terms: TermsOf, fair: Fair) -> int:
    total = 0
    for position in desk.groups():
        mine = [order for order in orders if order.instrument.yes in position.holdings]
        if mine or not position.flat or position.cash:
            total += worst_loss(position, mine, terms, fair)
    return total
