"""Flatten: get out of a match by taking liquidity, in rounds, never below the floor the operator typed (C13).

Never part of kill. The quotes of the match go first and must be proven gone; then one exit at a time closes
what stands unpaired: pairs are locked already and pay by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.core.commands import Basis, CeilingKind, PlaceOrder, Severity, TimeInForce
from console.core.desk import Desk, Flattening
from console.core.fees import fee_per_contract
from console.core.instruments import Action, BookSide, Side, opposite_side
from console.core.markets import Market
from console.core.matches import State as Stage
from console.core.orders import OrderState, yes_price
from console.core.positions import Position
from console.core.quoting import Route
from console.core.reasons import Reason
from console.core.state import State
from console.core.units import CENT, ONE, SECOND, Nanos, Price, Size, decimal

ROUND = 1 * SECOND  # between two exits when the first found nobody
REFUSED = 5 * SECOND  # a way out that was refused is not tried again before
DRAWBACK = CENT
NOBODY = "nobody at the floor"
WAITS = "waits for settlement"  # a market that is over, or tokens bought a moment ago
FLATTENING = "flattening"  # why a match is paused meanwhile


def begin(state: State, desk: Desk, floor: Price) -> None:
    """Start."""
    _start(state, desk, Flattening(floor, unpaired(desk)), f"not below {floor / CENT:g}¢")


def begin_below_fair(state: State, desk: Desk, below: Price) -> bool:
    """Start by the setting, before the game has: every lot at most `below` under its own fair value.

    False when there is nothing to sell or no time left for it.
    """
    if unpaired(desk) == waiting(desk) or _over(state, desk):
        return False
    way = Flattening(Price(0), unpaired(desk), below)
    _start(state, desk, way, f"not further than {below / CENT:g}¢ below fair, until the game starts")
    return True


def _start(state: State, desk: Desk, way: Flattening, words: str) -> None:
    desk.flattening = way
    desk.paused = FLATTENING
    desk.urge(state.ts)
    state.alert(Severity.WARN, f"flattening, {words}", desk.spec.id)


def _over(state: State, desk: Desk) -> bool:
    """Too late to sell near fair: a fair value from before the start is none once the game is on."""
    if desk.settings.in_play:
        return desk.ended or 0 < desk.spec.end <= state.wall
    return desk.ended or desk.started or 0 < desk.start <= state.wall


def end(state: State, desk: Desk, why: str, stage: Stage) -> None:
    """Stop taking; the match stays as it is until the operator resumes it."""
    desk.flattening = None
    desk.paused = why
    desk.stage = stage
    state.alert(Severity.WARN, why, desk.spec.id)


def abandon(state: State, desk: Desk, why: str, stage: Stage = Stage.PAUSED) -> None:
    """Stop before it is flat, if it is being flattened, and say what is left."""
    if desk.flattening is not None:
        left = unpaired(desk) / ONE
        end(state, desk, f"{why}: flattening ended, {left:.2f} contracts left", stage)


def interrupted(state: State, desk: Desk) -> None:
    """An earlier run ended in the middle of it: nothing is taken any more until it is asked for again."""
    if desk.paused == FLATTENING:
        desk.paused = "its flattening was interrupted by a restart"
        state.alert(Severity.WARN, f"paused: {desk.paused}; flatten again or resume", desk.spec.id)


def round_of(state: State, desk: Desk) -> None:
    """One look: pull what rests, wait for what is in flight, or send the next exit."""
    flattening = desk.flattening
    assert flattening is not None, "a match is flattened that is being flattened"
    desk.stage = Stage.FLATTENING
    for verdict in desk.verdicts.values():
        verdict.say(Reason.FLATTENING, "")
        verdict.ceiling = None
    if desk.reason is not Reason.FLATTENING:
        desk.reason, desk.limit = Reason.FLATTENING, ""
    if state.blotter.of_match(desk.spec.id):
        state.cancel_match(desk)
        return
    _judge(state, flattening)
    if flattening.below is not None and _over(state, desk) and unpaired(desk):
        left = unpaired(desk) / ONE
        end(state, desk, f"not flat at the start: {left:.2f} contracts left, they are held", Stage.DONE)
    elif not unpaired(desk):
        end(state, desk, f"flattened{_dust(desk)}", Stage.DONE)
    elif state.ts >= flattening.next_ts:
        _exit(state, desk, flattening)


def _judge(state: State, flattening: Flattening) -> None:
    """What the last exit says about its way out."""
    last = flattening.last
    if last is None:
        return
    flattening.last = None
    order = state.blotter.orders.get(last.order_id)
    if order is not None and order.state is OrderState.REJECTED:
        flattening.refused[last.instrument] = Nanos(state.ts + REFUSED)
    elif order is None or not order.filled:
        flattening.next_ts = Nanos(state.ts + ROUND)


def unpaired(desk: Desk) -> int:
    """Contracts that stand alone and could still be traded."""
    return sum(size for _, _, size in _open(desk))


def waiting(desk: Desk) -> int:
    """Contracts of them that every way out is closed to for good: their markets are over."""
    return sum(
        size
        for position, mask, size in _open(desk)
        if all(desk.markets[route.instrument.yes].over for route in _ways(desk, position, mask))
    )


def _say_waiting(state: State, desk: Desk, flattening: Flattening) -> None:
    """Say once what is left out."""
    left = waiting(desk)
    if left > flattening.waiting:
        words = f"flattening leaves out {left / ONE:.2f} contracts of markets that are over: {WAITS}"
        state.alert(Severity.WARN, words, desk.spec.id)
    flattening.waiting = left


def _dust(desk: Desk) -> str:
    """What stands alone for good, in words: less than the venue's smallest order."""
    left = sum(lot.count for position in desk.groups() for lot in position.lots.lots.values())
    size = decimal(left).rstrip("0").rstrip(".")
    return f", but for {size} contracts that no order is small enough for" if left else ""


def _open(desk: Desk) -> Iterator[tuple[Position, int, int]]:
    """(netting group, outcome set we stand long of, contracts) of what is unpaired and could be traded."""
    for position in desk.groups():
        for mask, lot in position.lots.lots.items():
            if any(lot.count >= _step(desk, route) for route in _ways(desk, position, mask)):
                yield position, mask, lot.count


def _ways(desk: Desk, position: Position, mask: int) -> Iterator[Route]:
    """Routes that become long everything else, on venues that net with what is held.

    At the same cost sales of what is held come first (they return the cash), then the other leg of a symbol
    (paid out at once), then the other side's own symbol, whose pair is only paid at the settlement.
    """
    routes = [route for route in desk.keys.values() if route.gained == desk.full ^ mask]
    routes.sort(key=_rank)
    for route in routes:
        spec = desk.markets[route.instrument.yes].spec
        if spec is None or desk.positions[route.instrument.venue] is not position:
            continue
        if route.action is Action.SELL:
            if spec.sellable and desk.held(route.instrument):
                yield route
        elif spec.two_sided or route.instrument.side is Side.YES:
            yield route


def _rank(route: Route) -> tuple[bool, bool]:
    return route.action is not Action.SELL, not route.safe


def _drawback(desk: Desk, route: Route) -> int:
    """By how much a way out must be cheaper than a plain sale to be taken instead, per contract.

    A sale returns the cash at once and cannot pass through flat; the other side's own symbol ties cash up
    until the settlement, and pays nothing if all settle at nothing.
    """
    if route.action is Action.SELL:
        return 0
    if route.safe:
        return DRAWBACK
    return 2 * DRAWBACK + (desk.settings.lock_leg_premium if desk.spec.may_none else 0)


def _step(desk: Desk, route: Route) -> int:
    spec = desk.markets[route.instrument.yes].spec
    assert spec is not None, "only defined symbols are ways out"
    return max(spec.size_min, spec.size_step)


def _exit(state: State, desk: Desk, flattening: Flattening) -> None:
    """Send the best exit there is; what is refused or has nobody on the other side waits its turn."""
    desk.limit = ""
    waits = False
    _say_waiting(state, desk, flattening)
    for position, mask, count in _open(desk):
        floor = _floor(desk, mask, flattening)
        if floor is None:
            desk.limit = desk.limit or Reason.NO_THEO.value
            continue
        ways: list[tuple[int, int, Route]] = []
        for number, route in enumerate(_ways(desk, position, mask)):
            barred = _barred(state, desk, route, flattening)
            if barred == WAITS:
                waits = True
                continue
            cost = None if barred else _cost(state, desk, route, floor)
            if cost is not None:
                ways.append((cost + _drawback(desk, route), number, route))
            desk.limit = desk.limit or barred or ("" if cost is not None else NOBODY)
        if ways:
            *_, route = min(ways)
            flattening.rounds += 1
            flattening.last = _send(state, desk, route, count, floor)
            desk.limit = ""
            return
    desk.limit = desk.limit or (WAITS if waits else "")
    flattening.next_ts = Nanos(state.ts + ROUND)


def _floor(desk: Desk, mask: int, flattening: Flattening) -> Price | None:
    """The least a contract long `mask` may bring now: as typed, or so far below its present fair value.

    None while there is no fair value to go by.
    """
    if flattening.below is None:
        return flattening.floor
    theo = desk.theo
    if theo is None or theo.why is not None:
        return None
    flattening.floor = Price(max(1, theo.fair[mask] - flattening.below))
    return flattening.floor


def _barred(state: State, desk: Desk, route: Route, flattening: Flattening) -> str:
    """Why nothing may be taken by a route now; empty when it may.

    What would stop a quote stops an exit: we take from a book only while it is believed, and at a venue
    only while its account of us agrees with ours.
    """
    market = desk.markets[route.instrument.yes]
    if market.over or (route.action is Action.SELL and desk.sellable(route.instrument) < _step(desk, route)):
        return WAITS
    connection = state.connections[route.instrument.venue]
    trouble = connection.trouble(state.settings, state.ts)
    trouble = trouble or market.trouble(state.ts, desk.age_max_book_s(), quote_empty=True)
    if trouble is not None:
        return trouble.value
    if flattening.refused.get(route.instrument, Nanos(0)) > state.ts:
        return Reason.REJECTED.value
    if not connection.budget.allows(connection.budget.costs.place, state.ts):
        return Reason.RATE_LIMITED.value
    return ""


def _cost(state: State, desk: Desk, route: Route, floor: Price) -> int | None:
    """What becoming long by a route would cost now, taker fee in; None where nobody offers it so."""
    market = desk.markets[route.instrument.yes]
    assert market.spec is not None, "a route that is not barred is defined"
    opposite = opposite_side(route.side)
    own = state.blotter.own_sizes(market.instrument, opposite)  # gone, but the book may show them yet
    asked = market.face(state.blotter, route.side).opposing(own)
    if asked is None or asked > _highest(state, route, floor):
        return None
    return asked + fee_per_contract(market.spec.fees, asked, _fair(desk, route), maker=False)


def _highest(state: State, route: Route, floor: Price) -> int:
    """The most an exit may bid: by the floor, and below what another match of ours offers there (C21)."""
    most = ONE - floor
    for order in state.blotter.on_book(route.instrument):
        if order.book_side is not route.side:
            for price, _ in order.versions():
                at = yes_price(order.instrument.side, price)
                most = min(most, (at if route.side is BookSide.BID else ONE - at) - 1)
    return most


def _fair(desk: Desk, route: Route) -> int:
    return desk.theo.fair[route.gained] if desk.theo is not None else 0


def _send(state: State, desk: Desk, route: Route, count: int, floor: Price) -> PlaceOrder | None:
    """Take what is there, down to the floor and no further than flat."""
    market: Market = desk.markets[route.instrument.yes]
    connection = state.connections[route.instrument.venue]
    limit = market.face(state.blotter, route.side).down(_highest(state, route, floor))
    step = _step(desk, route)
    most = min(count, desk.settings.order_size_max)  # no order is larger (C1): more goes in the next round
    if route.action is Action.SELL:
        most = min(most, desk.sellable(route.instrument))
    if limit is None or most < step or market.spec is None:
        return None
    price, size = route.price_of(limit), Size(most // step * step)
    command = PlaceOrder(
        order_id=state.new_order_id(),
        match=desk.spec.id,
        instrument=route.instrument,
        action=route.action,
        price=price,
        size=size,
        ceiling=price,
        ceiling_kind=CeilingKind.FLATTEN,
        basis=Basis(_fair(desk, route), 0, 0, 0, ONE - floor, "flatten"),
        ts=state.ts,
        time_in_force=TimeInForce.IOC,
        post_only=False,
        reduce_only=route.action is Action.SELL,
        wall=state.wall,
        stake=market.spec.stake(route.action, price, size),
    )
    state.blotter.placed(command, 0, state.ts)
    connection.budget.take(connection.budget.costs.place, state.ts)
    state.send(command)
    state.remeasure(desk)
    return command
