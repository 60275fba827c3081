"""A venue as it outlives the process: every order, ours and everybody else's, and the ledger, exactly."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from console.core.events import OrderFilled, Settled
from console.core.instruments import BID, Action, ClientOrderId, Instrument, MarketState, VenueOrderId
from console.core.units import Price
from console.sim.exchange import Exchange
from console.sim.market import Resting
from console.sim.orders import OwnOrder

# (symbol, owner, is a bid, YES price, contracts left, turn, our order id or empty), in turn by level
SavedResting = tuple[str, str, bool, int, int, int, ClientOrderId]


class SavedOwn(Struct, frozen=True, array_like=True):
    """An order of ours."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    instrument: Instrument
    action: Action
    price: Price
    size: int
    filled: int
    fee: int
    fee_weight: int


class SavedExchange(Struct, frozen=True, array_like=True):
    """A venue. `money`: cash, fees, others, house, paid in."""

    turn: int
    taken: int
    money: tuple[int, int, int, int, int]
    positions: dict[str, int]
    commissions: dict[str, int]
    stakes: dict[str, int]
    own: list[SavedOwn]
    markets: list[tuple[str, MarketState, Settled | None]]
    resting: list[SavedResting]
    fills: msgspec.Raw
    ended: msgspec.Raw


def save_exchange(exchange: Exchange) -> SavedExchange:
    """Write down a venue."""
    account = exchange.account
    money = account.money
    return SavedExchange(
        exchange.turn,
        exchange.taken,
        (
            money.cash,
            money.fees,
            money.others,
            money.house,
            money.paid_in,
        ),
        money.positions,
        money.commissions,
        money.stakes,
        [_saved_own(order) for order in account.open.values()],
        [(m.instrument.symbol, m.state, m.settled) for m in exchange.markets.values()],
        [
            (o.symbol, o.owner, half.side is BID, prices[o.rung], o.left, o.number, o.order_id)
            for market in exchange.markets.values()
            for half, prices in ((market.bids, market.prices), (market.asks, market.prices))
            for o in half.orders()
        ],
        exchange.fill_tape.raw(),
        exchange.ended_tape.raw(),
    )


def restore_exchange(exchange: Exchange, saved: SavedExchange) -> None:
    """Make a fresh venue, with its markets open and nothing else done, what was saved."""
    account = exchange.account
    money = account.money
    exchange.turn, exchange.taken = saved.turn, saved.taken
    money.cash, money.fees, money.others, money.house, money.paid_in = saved.money
    money.positions.update(saved.positions)
    money.commissions.update(saved.commissions)
    money.stakes.update(saved.stakes)
    for fill in msgspec.msgpack.decode(saved.fills, type=list[OrderFilled]):
        account.remember(fill)
        exchange.fill_tape.append(fill)
    for order_id in msgspec.msgpack.decode(saved.ended, type=list[ClientOrderId]):
        account.ended[order_id] = None
        exchange.ended_tape.append(order_id)
    for symbol, state, settled in saved.markets:
        exchange.markets[symbol].state, exchange.markets[symbol].settled = state, settled
    for row in saved.own:
        account.open[row.order_id] = _own(row, exchange)
    for line in saved.resting:
        _put_back(line, exchange)
    for symbol in exchange.markets:
        account.relock(symbol)


def _saved_own(order: OwnOrder) -> SavedOwn:
    return SavedOwn(
        order.order_id,
        order.venue_order_id,
        order.instrument,
        order.action,
        order.price,
        order.size,
        order.filled,
        order.fee,
        order.fee_weight,
    )


def _own(row: SavedOwn, exchange: Exchange) -> OwnOrder:
    spec = exchange.markets[row.instrument.symbol].spec
    order = OwnOrder(row.order_id, row.venue_order_id, row.instrument, row.action, row.price, row.size, spec)
    order.filled = row.filled
    order.fee, order.fee_weight = row.fee, row.fee_weight
    return order


def _put_back(line: SavedResting, exchange: Exchange) -> None:
    symbol, owner, is_bid, price, left, number, order_id = line
    market = exchange.markets[symbol]
    half = market.bids if is_bid else market.asks
    resting = Resting(number, owner, symbol, half, market.ladder.index[price], left, order_id)
    half.add(resting)
    if order_id:
        exchange.account.open[order_id].resting = resting
