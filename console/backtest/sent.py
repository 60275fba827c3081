"""Invariants of orders as they leave: ceilings, limits, freshness, duplicates, our own bids."""

from __future__ import annotations

from itertools import combinations

from console.backtest.broken import Broken
from console.backtest.exits import check_exit
from console.backtest.ledger import Leg
from console.backtest.scene import Leaving, Scene, SentOrder, bid_of, leg_of, legs_of, yes_price_of
from console.core.commands import FLATTEN, AmendOrder, CeilingKind, PlaceOrder
from console.core.desk import Desk
from console.core.fees import FeeKind, FeeModel, fee_per_contract
from console.core.instruments import BID, BUY, SELL, MarketState, book_side, opposite_side
from console.core.matches import MatchId
from console.core.orders import Order
from console.core.units import ONE, SECOND

ROUNDING = 20  # millionths lost to rounding between two ways of counting the same
_NEVER_QUOTED = "leaves although"
_OPEN = MarketState.OPEN


def check_sent(scene: Scene, leaving: list[Leaving], ts: int) -> None:
    """Check every place and amend that one event led to; raises Broken."""
    for order in leaving:
        desk = scene.state.desks.get(order.match)
        if desk is None:
            raise Broken("match", f"{order.order_id} is of {order.match}, which is not quoted")
        _identified(scene, order)
        if order.ceiling_kind is FLATTEN:
            assert isinstance(order, PlaceOrder), "an exit is never amended"
            check_exit(scene, desk, order)
            continue
        _priced(scene, desk, order)
        _allowed(scene, desk, order)
        _fresh(scene, desk, order, ts)
        _behind_the_ask(scene, order)
        _alone(scene, order)
        _covered(scene, desk, order)
        _sized(scene, desk, order, leaving)
    quotes = [order for order in leaving if order.ceiling_kind is not FLATTEN]
    for match in dict.fromkeys(order.match for order in quotes):
        mine = [order for order in quotes if order.match == match]
        later: dict[MatchId, list[Leaving]] = {}
        for order in leaving[leaving.index(mine[-1]) + 1 :]:  # exits too
            if order.match != match:
                later.setdefault(order.match, []).append(order)
        _exposed(scene, scene.state.desks[match], mine, later)


def _say(order: Leaving, why: str) -> str:
    verb = "place" if isinstance(order, PlaceOrder) else "amend"
    return (
        f"{verb} {order.order_id} {order.action.value} {order.instrument} {order.size}@{order.price} "
        f"ceiling {order.ceiling} {order.ceiling_kind.value}: {why}"
    )


def _identified(scene: Scene, order: Leaving) -> None:
    """Client ids are unique for ever, and of this run."""
    known = scene.sent.get(order.order_id)
    if isinstance(order, PlaceOrder):
        if known is not None:
            raise Broken("client_id", _say(order, "the id was used before"))
        if order.order_id.rpartition("-")[0] != scene.state.run_id:
            raise Broken("client_id", _say(order, f"the id is not of run {scene.state.run_id}"))
        scene.sent[order.order_id] = SentOrder(order.match, order.price)
    elif known is None:
        raise Broken("client_id", _say(order, "amends an order that was never placed"))
    else:
        known.prices.append(order.price)


# ---- price


def _priced(scene: Scene, desk: Desk, order: Leaving) -> None:
    """Never above its ceiling, a ceiling that follows from its basis, never far through theo (C2)."""
    spec, basis, settings = scene.specs[order.instrument.yes], order.basis, desk.settings
    bid, ceiling = bid_of(order.action, order.price), bid_of(order.action, order.ceiling)
    if bid > ceiling:
        raise Broken("ceiling", _say(order, "above its ceiling"))
    ladder = scene.ladders[order.instrument.yes]
    if yes_price_of(order.instrument, order.price) not in ladder:
        raise Broken("ladder", _say(order, "no legal price"))
    limit = basis.fair_lo - basis.edge
    fits = ceiling + fee_per_contract(spec.fees, ceiling, basis.fair) <= limit
    if order.ceiling_kind is CeilingKind.QUOTE and not fits:
        raise Broken("basis", _say(order, f"ceiling with its fee is above {limit}"))
    most = min(basis.breakeven, basis.fair + settings.rebalance_over_fair_max)
    if order.ceiling_kind is CeilingKind.REDUCE and not fits and ceiling > most:
        raise Broken("basis", _say(order, f"reducing ceiling above {most}"))
    if basis.edge < settings.edge_floor:
        raise Broken("basis", _say(order, f"edge {basis.edge} is below the floor"))
    if bid > basis.fair + settings.collar:
        raise Broken("collar", _say(order, f"too far through theo {basis.fair}"))


def _behind_the_ask(scene: Scene, order: Leaving) -> None:
    """Post-only: it does not cross what others show."""
    instrument = order.instrument.yes
    side = book_side(order.instrument.side, order.action)
    opposite = opposite_side(side)
    others = scene.seen.opposing(instrument, side, scene.state.blotter.own_sizes(instrument, opposite))
    price = yes_price_of(order.instrument, order.price)
    if others is not None and (price >= others if side is BID else price <= others):
        raise Broken("post_only", _say(order, f"crosses {others}, which we had seen"))


def _alone(scene: Scene, order: Leaving) -> None:
    """C3: no other order of ours on the same leg, action and price."""
    for other in scene.state.blotter.on_book(order.instrument):
        same = other.instrument == order.instrument and other.action is order.action
        if same and other.order_id != order.order_id and order.price in (other.price, other.to_price):
            raise Broken("duplicate", _say(order, f"{other.order_id} is already there"))


def _covered(scene: Scene, desk: Desk, order: Leaving) -> None:
    """Bids of ours never cost together, fees in, what they can pay at most less a tick: no sure loss.

    An exit of unknown fate is no bid: it gives up what its own floor allows, whatever is bid beside it.
    """
    best: dict[int, int] = {}
    for other in scene.state.blotter.of_match(desk.spec.id):
        if other.ceiling_kind is FLATTEN:
            continue
        fees = scene.specs[other.instrument.yes].fees
        gained = scene.gained(desk, other.instrument, other.action)
        for price, left in other.versions():
            if left > 0:
                bid = bid_of(other.action, price)
                best[gained] = max(best.get(gained, 0), bid + _certain_fee(fees, bid))
    tick = min(ladder.tick_at(order.price) for ladder in (scene.ladders[i] for i in desk.pays))
    ours = scene.gained(desk, order.instrument, order.action)
    others = [mask for mask in best if mask != ours]
    for count in range(1, len(others) + 1):
        for masks in combinations(others, count):
            total = best.get(ours, 0) + sum(best[mask] for mask in masks)
            paid = max(sum(m >> o & 1 for m in (ours, *masks)) for o in range(desk.outcomes))
            if total > paid * ONE - tick:
                raise Broken("covering_bids", _say(order, f"with {masks} costs {total} for {paid} at most"))


def _certain_fee(fees: FeeModel, bid: int) -> int:
    return fee_per_contract(fees, bid, 0) if fees.kind is FeeKind.QUADRATIC else 0


# ---- whether at all


def _allowed(scene: Scene, desk: Desk, order: Leaving) -> None:
    """Nothing leaves under a kill, pause, stop, loss limit, or past the end of quoting."""
    standing, state, match = scene.standing, scene.state, desk.spec.id
    if standing.killed(order.instrument.venue):
        raise Broken("killed", _say(order, f"{_NEVER_QUOTED} killed"))
    if standing.reduce_only:
        raise Broken("reduce_only", _say(order, f"{_NEVER_QUOTED} re-armed for getting out only"))
    if standing.stopping:
        raise Broken("stopped", _say(order, f"{_NEVER_QUOTED} the run is stopping"))
    if standing.paused or match in standing.paused_matches:
        raise Broken("paused", _say(order, f"{_NEVER_QUOTED} paused"))
    why = past_quoting(scene, desk, state.wall)
    if why:
        raise Broken("phase", _say(order, f"{_NEVER_QUOTED} {why}"))
    halt = (state.account.halt and scene.halted) or (desk.loss_halt and scene.halted_matches.get(match, ""))
    if halt:
        raise Broken("loss_limit", _say(order, f"{_NEVER_QUOTED} {halt} is reached"))


def past_quoting(scene: Scene, desk: Desk, wall: int) -> str:
    """Why the match is past its quoting time, empty if it is not."""
    spec, settings, seen = desk.spec, desk.settings, scene.seen
    if spec.id in seen.over:
        return "the game is over"
    if settings.in_play:
        stop = spec.end - settings.stop_before_end_s * SECOND
        return "it is the stop time" if spec.end and wall >= stop else ""
    if spec.id in seen.begun:
        return "the game has begun"
    stop = spec.start - settings.stop_before_start_s * SECOND
    return "it is the stop time" if spec.start and wall >= stop else ""


def _fresh(scene: Scene, desk: Desk, order: Leaving, ts: int) -> None:
    """Nothing leaves on a venue, a book or a theo that is not known to stand."""
    why = stale_market(scene, desk, order, ts) or stale_theo(scene, desk, ts)
    if why:
        raise Broken("stale", _say(order, f"{_NEVER_QUOTED} {why}"))


def stale_market(scene: Scene, desk: Desk, order: Leaving | Order, ts: int) -> str:
    """Why nothing may rest on a symbol, as far as its venue has told; empty if something may."""
    seen, settings = scene.seen, scene.state.settings
    instrument = order.instrument.yes
    venue = instrument.venue
    if not seen.up.get(venue, False):
        return "the venue is down"
    if not seen.agreed.get(venue, False):
        return "the venue has not told our account"
    if ts - seen.account_ts[venue] > settings.balance_age_max_s * SECOND:
        return "the balance is old"
    if seen.states.get(instrument, _OPEN) is not _OPEN:
        return "the market is not open"
    confirmed, most = seen.confirmed_ts(instrument), desk.age_max_book_s() * SECOND
    if ts - confirmed > most:
        seen.fold()  # what was told of other books proves the stream of this one
        confirmed = seen.confirmed_ts(instrument)
    if ts - confirmed > most:
        return f"the book was last confirmed at {confirmed}"
    return ""


def stale_theo(scene: Scene, desk: Desk, ts: int) -> str:
    """Why no source outside the venues we quote on can give a theo; empty if one can."""
    sources = scene.seen.sources.get(desk.spec.id, {})
    if "manual" in sources:
        return ""
    settings, inplay = desk.settings, desk.phase.value == "INPLAY"
    oldest_s = min(60, settings.age_max_odds_s) if inplay else settings.age_max_odds_s
    frozen_s = settings.frozen_inplay_s if inplay else settings.frozen_s
    for source in sources.values():
        confirmed, moved = ts - source.confirmed_ts, ts - source.changed_ts
        if confirmed < oldest_s * SECOND and moved <= frozen_s * SECOND:
            return ""
    return "no source is fresh"


# ---- how much


def _sized(scene: Scene, desk: Desk, order: Leaving, leaving: list[Leaving]) -> None:
    """Inventory, position and order limits, everything resting or in flight counted."""
    settings, spec = desk.settings, scene.specs[order.instrument.yes]
    size = _wanted(scene, order)
    if size > settings.order_size_max:
        raise Broken("order_size_max", _say(order, f"{size} contracts"))
    if order.size % spec.size_step or order.size < spec.size_min:
        raise Broken("size_step", _say(order, "no legal size"))
    later = [other for other in leaving[leaving.index(order) + 1 :] if isinstance(other, PlaceOrder)]
    out = len(scene.state.blotter.live) - len(later)  # an exit decided after it counts on top
    if isinstance(order, PlaceOrder) and out > scene.state.settings.open_orders:
        raise Broken("open_orders", _say(order, f"{out} orders are out"))
    renewed = {other.order_id: _wanted(scene, other) for other in leaving}
    gained = scene.gained(desk, order.instrument, order.action)
    longer = same = 0
    for other in scene.state.blotter.of_match(desk.spec.id):
        left = renewed.get(other.order_id, other.remaining)
        if scene.gained(desk, other.instrument, other.action) == gained:
            longer += left
        if other.instrument == order.instrument and other.action is order.action:
            same += left
    exposure = _exposure(scene, desk, gained)
    if exposure + longer > settings.inventory_max + ROUNDING:
        raise Broken("inventory_max", _say(order, f"exposure {exposure} and {longer} to come"))
    held = _held(scene, desk, order)
    if order.action is BUY and held + same > settings.max_position:
        raise Broken("max_position", _say(order, f"{held} held and {same} to come"))
    if order.action is SELL and same > held:
        raise Broken("oversold", _say(order, f"{held} held and {same} for sale"))


def _wanted(scene: Scene, order: Leaving) -> int:
    """Contracts an order still wants."""
    if isinstance(order, AmendOrder):
        return order.size - scene.state.blotter.orders[order.order_id].filled
    return order.size


def _held(scene: Scene, desk: Desk, order: Leaving) -> int:
    """Contracts of this leg held for this match, or for all when they are to be sold."""
    accounts = [
        account
        for (match, instrument), account in scene.ledger.accounts.items()
        if instrument == order.instrument.yes and match == desk.spec.id
    ]
    net = sum(account.net for account in accounts)
    return max(0, net if order.instrument == order.instrument.yes else -net)


def _exposure(scene: Scene, desk: Desk, gained: int) -> int:
    """Expected payout inside the set less that outside it, over all venues."""
    theo = desk.theo.outcomes if desk.theo is not None else (1,) * desk.outcomes
    total = 0
    for profits in scene.profits(desk):
        inside = [(theo[o], p) for o, p in enumerate(profits) if gained >> o & 1]
        outside = [(theo[o], p) for o, p in enumerate(profits) if not gained >> o & 1]
        total += _mean(inside) - _mean(outside)
    return total


def _mean(weighted: list[tuple[int, int]]) -> int:
    return sum(w * p for w, p in weighted) // max(1, sum(w for w, _ in weighted))


def _exposed(scene: Scene, desk: Desk, leaving: list[Leaving], later: dict[MatchId, list[Leaving]]) -> None:
    """C4: no order takes the worst case of match, event, venue or account above its limit.

    What leaves of other matches after it, `later`, has to fit on top of it, not the other way round. What
    another match can lose may have been valued anew since, where it was looked at in the same step.
    """
    state, orders = scene.state, scene.state.blotter.of_match(desk.spec.id)
    accounts = scene.ledger.of_match(desk.spec.id)
    fair = desk.theo.fair if desk.theo is not None else None
    worst = scene.worst(desk, accounts, legs_of(orders), fair)
    others = [other for other in state.desks.values() if other is not desk]
    lost = {o.spec.id: _worst_before(scene, o, later.get(o.spec.id)) for o in others}
    slack = ROUNDING * len(orders)
    slack += sum(lost[o.spec.id] // 10 for o in others if o.evaluated_ts == state.ts)
    event = worst + sum(
        lost[o.spec.id] for o in others if desk.spec.event and o.spec.event == desk.spec.event
    )
    used = [
        ("exposure_match", desk.settings.exposure_match, worst),
        ("exposure_event", desk.settings.exposure_event, event),
        ("exposure_total", state.settings.exposure_total, worst + sum(lost.values())),
    ]
    for venue in desk.venues:
        there = worst + sum(lost[o.spec.id] for o in others if venue in o.quoted_venues)
        used.append(("exposure_venue", state.settings.exposure_venue, there))
    for name, limit, amount in used:
        if amount > limit + slack:
            added = worst - scene.worst(desk, accounts, _before(orders, leaving), fair)
            if added > ROUNDING:
                raise Broken(name, _say(leaving[-1], f"worst case {amount}, {added} more, above {limit}"))


def _worst_before(scene: Scene, desk: Desk, leaving: list[Leaving] | None) -> int:
    """Worst case of a match without what leaves after the orders looked at."""
    if not leaving:
        return desk.worst
    orders = scene.state.blotter.of_match(desk.spec.id)
    fair = desk.theo.fair if desk.theo is not None else None
    return scene.worst(desk, scene.ledger.of_match(desk.spec.id), _before(orders, leaving), fair)


def _before(orders: list[Order], leaving: list[Leaving]) -> list[Leg]:
    """The orders as they were before these left."""
    fresh = {order.order_id for order in leaving if isinstance(order, PlaceOrder)}
    changed = {order.order_id for order in leaving if isinstance(order, AmendOrder)}
    return [
        leg_of(o, [(o.price, o.size - o.filled)] if o.order_id in changed else o.versions())
        for o in orders
        if o.order_id not in fresh
    ]
