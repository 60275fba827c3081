"""What a simulated venue does with our requests as they arrive, and what it answers."""

from __future__ import annotations

from typing import assert_never

from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    KeepAlive,
    Latch,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Resync,
    Subscribe,
    TimeInForce,
    Unsubscribe,
    UnwatchOdds,
    WatchOdds,
)
from console.core.events import (
    AmendRejected,
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderRejected,
    RejectReason,
)
from console.core.instruments import BID, NO, SELL, MarketState, VenueOrderId, book_side
from console.core.units import Size
from console.sim.exchange import Exchange
from console.sim.market import Market
from console.sim.orders import OwnOrder


def execute(exchange: Exchange, command: AnyCommand) -> list[AnyEvent]:
    """Carry out a request and return the answers to it."""
    match command:
        case PlaceOrder():
            return _place(exchange, command)
        case AmendOrder():
            return [_amend(exchange, command)]
        case CancelOrder():
            return [_cancel(exchange, command)]
        case CancelAll():
            return _cancel_all(exchange)
        case Lookup():
            return _look_up(exchange, command)
        case Reconcile():
            return [*exchange.settlements(), *exchange.habits.verdicts(), exchange.listed()]
        case Resync():
            market = exchange.markets.get(command.instrument.symbol)
            return [] if market is None else [market.snapshot()]
        case Subscribe():
            exchange.subscribe(command.instrument)
        case Unsubscribe():
            exchange.unsubscribe(command.instrument)
        case KeepAlive():
            exchange.keep_alive(command.until)
        case Latch() | Alert() | Refuse() | WatchOdds() | UnwatchOdds():
            pass
        case _:
            assert_never(command)
    return []


def _place(exchange: Exchange, command: PlaceOrder) -> list[AnyEvent]:
    assert command.order_id, "an order of ours has a client order id"
    market = exchange.markets.get(command.instrument.symbol)
    if market is None:
        return [_rejected(command, RejectReason.MARKET, "no such symbol")]
    if exchange.account.knows(command.order_id):
        return [_rejected(command, RejectReason.DUPLICATE, "")]
    order = OwnOrder(
        command.order_id,
        VenueOrderId(f"{exchange.venue.value}-{exchange.taken + 1}"),
        command.instrument,
        command.action,
        command.price,
        _allowed(exchange, command),
        market.spec,
    )
    if command.reduce_only and order.size < command.size and order.size < market.spec.size_min:
        return [_rejected(command, RejectReason.OTHER, "nothing to reduce")]
    if order.size < market.spec.size_min:
        return [_rejected(command, RejectReason.SIZE, "below the minimum")]
    refusal = _refusal(exchange, market, order, None, command.post_only)
    if refusal is not None:
        return [_rejected(command, *refusal)]
    exchange.taken += 1
    accepted = OrderAccepted(order_id=order.order_id, venue_order_id=order.venue_order_id)
    exchange.habits.ends(order.order_id, command.expires)
    fills = [] if command.post_only else exchange.cross(order)
    return [accepted, *fills, *_rest(exchange, market, order, command.time_in_force)]


def _allowed(exchange: Exchange, command: PlaceOrder) -> Size:
    """The size asked for; of a reduce-only order no more than what it would close."""
    if not command.reduce_only:
        return command.size
    net = exchange.account.money.positions.get(command.instrument.symbol, 0)
    long = book_side(command.instrument.side, command.action) is BID
    return Size(min(command.size, max(0, -net if long else net)))


def _rest(exchange: Exchange, market: Market, order: OwnOrder, time_in_force: TimeInForce) -> list[AnyEvent]:
    """What is left of an order after it took what it could: it rests, or is over."""
    crosses = market.opposite(order.side).reaches(market.ladder.index[order.yes_price])
    if order.left and time_in_force is TimeInForce.GTC and not crosses:
        if not exchange.rest_later(order):
            exchange.put_up(order)
        return []
    exchange.pass_by(order)
    return [OrderCanceled(order_id=order.order_id)] if order.left else []


def _rejected(command: PlaceOrder, reason: RejectReason, text: str) -> OrderRejected:
    return OrderRejected(order_id=command.order_id, reason=reason, text=text)


def _amend(exchange: Exchange, command: AmendOrder) -> AnyEvent:
    """A total below what has filled already comes to: keep what filled, take the rest out."""
    order = exchange.account.find(command.order_id, command.venue_order_id)
    if order is None:
        return AmendRejected(order_id=command.order_id, amend=command.ts, reason=RejectReason.NOT_FOUND)
    if not order.spec.amendable:
        return AmendRejected(
            order_id=command.order_id, amend=command.ts, reason=RejectReason.OTHER, text="not amendable here"
        )
    size = Size(max(command.size, order.filled))
    wanted = order.version(command.price, size)
    market = exchange.markets[order.instrument.symbol]
    refusal = _refusal(exchange, market, wanted, order, post_only=True)
    if refusal is not None:
        return AmendRejected(order_id=command.order_id, amend=command.ts, reason=refusal[0], text=refusal[1])
    exchange.change(order, command.price, size)
    return OrderAmended(order_id=order.order_id, price=command.price, size=size, amend=command.ts)


def _cancel(exchange: Exchange, command: CancelOrder) -> AnyEvent:
    order = exchange.account.find(command.order_id, command.venue_order_id)
    if order is None:
        return OrderCancelRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)
    exchange.end(order)
    return OrderCanceled(order_id=order.order_id)


def _cancel_all(exchange: Exchange) -> list[AnyEvent]:
    orders = list(exchange.account.open.values())
    for order in orders:
        exchange.end(order)
    return [OrderCanceled(order_id=order.order_id) for order in orders]


def _look_up(exchange: Exchange, command: Lookup) -> list[AnyEvent]:
    """Fills first, so that they are booked before the order is seen to stand or to have ended."""
    account = exchange.account
    if exchange.habits.persona.read_lag_ms:
        return _look_up_in_lists(exchange, command)
    if not account.knows(command.order_id):
        return [OrderRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)]
    told: list[AnyEvent] = [*account.fills_of(command.order_id)]
    order = account.open.get(command.order_id)
    if order is None:
        return [*told, OrderCanceled(order_id=command.order_id)]
    standing = OrderAccepted(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        price=order.price,
        size=Size(order.size),
    )
    return [*told, standing]


def _look_up_in_lists(exchange: Exchange, command: Lookup) -> list[AnyEvent]:
    """What lists that lag say of an order; one they do not know yet is not found."""
    lists = exchange.listed()
    told: list[AnyEvent] = [fill for fill in lists.fills if fill.order_id == command.order_id]
    for order in lists.orders:
        if order.order_id == command.order_id:
            standing = OrderAccepted(
                order_id=order.order_id,
                venue_order_id=order.venue_order_id,
                price=order.price,
                size=order.size,
            )
            return [*told, standing]
    if not exchange.account.knows(command.order_id) or command.order_id in exchange.account.open:
        return [OrderRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)]
    return [*told, OrderCanceled(order_id=command.order_id)]


def _refusal(
    exchange: Exchange, market: Market, order: OwnOrder, replaced: OwnOrder | None, post_only: bool
) -> tuple[RejectReason, str] | None:
    """Why an order cannot rest (in place of `replaced`), or None."""
    spec = market.spec
    if market.state is not MarketState.OPEN:
        return RejectReason.MARKET, market.state.value
    if order.instrument.side is NO and not spec.two_sided:
        return RejectReason.OTHER, "no NO leg here"
    if order.action is SELL and not spec.sellable:
        return RejectReason.OTHER, "bets cannot be sold"
    rung = market.ladder.index.get(order.yes_price)
    if rung is None:
        return RejectReason.PRICE, "off the price ladder"
    if order.size % spec.size_step:
        return RejectReason.SIZE, "off the size step"
    if post_only and order.left and market.opposite(order.side).reaches(rung):
        return RejectReason.POST_ONLY_CROSS, ""
    if not exchange.account.affords(order, replaced):
        return RejectReason.BALANCE, ""
    return None
