"""Invariants of exits: orders that take liquidity to get out, never below the floor typed (C13)."""

from __future__ import annotations

from console.backtest.broken import Broken
from console.backtest.scene import Scene, bid_of
from console.core.commands import PlaceOrder, TimeInForce
from console.core.desk import Desk
from console.core.instruments import BUY, SELL
from console.core.units import ONE

ROUNDING = 20


def check_exit(scene: Scene, desk: Desk, order: PlaceOrder) -> None:
    """Check one exit as it leaves; raises Broken."""
    standing, match = scene.standing, desk.spec.id
    floor = standing.floors.get(match)
    if floor is None:
        raise Broken("flatten", _say(order, "nobody asked for it"))
    if bid_of(order.action, order.price) > ONE - floor:
        raise Broken("floor", _say(order, f"below the floor {floor}"))
    if order.post_only or order.time_in_force is not TimeInForce.IOC:
        raise Broken("flatten", _say(order, "it would rest"))
    if order.action is SELL and not order.reduce_only:
        raise Broken("flatten", _say(order, "a sale that is not reduce-only"))
    if standing.killed(order.instrument.venue):
        raise Broken("killed", _say(order, "leaves although killed"))
    if standing.stopping:
        raise Broken("stopped", _say(order, "leaves although the run is stopping"))
    others = [o for o in scene.state.blotter.of_match(match) if o.order_id != order.order_id]
    if others:
        raise Broken("flatten", _say(order, f"{others[0].order_id} is not proven gone yet"))
    if order.size > _open(scene, desk, order) + ROUNDING:
        raise Broken("flatten", _say(order, "more than is held: it would pass through flat"))


def _open(scene: Scene, desk: Desk, order: PlaceOrder) -> int:
    """Contracts that an exit could close: of the leg it sells, or of what its purchase stands against."""
    if order.action is not BUY:
        accounts = scene.ledger.of_match(desk.spec.id)
        net = accounts[order.instrument.yes].net if order.instrument.yes in accounts else 0
        return max(0, net if order.instrument == order.instrument.yes else -net)
    gained = scene.gained(desk, order.instrument, order.action)
    most = 0
    for payouts in scene.payouts(desk, order.instrument.yes):
        inside = [payout for o, payout in enumerate(payouts) if gained >> o & 1]
        outside = [payout for o, payout in enumerate(payouts) if not gained >> o & 1]
        most = max(most, max(outside) - min(inside))
    return most


def _say(order: PlaceOrder, why: str) -> str:
    return f"exit {order.order_id} {order.action.value} {order.instrument} {order.size}@{order.price}: {why}"
