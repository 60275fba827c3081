"""Reads of our account: the whole of it for a reconciliation, one order for a lookup, what a fill left."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from console.core.commands import Lookup
from console.core.events import (
    AnyEvent,
    BalanceUpdate,
    MassStatus,
    OpenOrder,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    Settled,
)
from console.core.instruments import Venue
from console.core.orders import yes_price
from console.core.units import SECOND, Cash, Size
from console.venues.base.protocol import Refused
from console.venues.kalshi.account import (
    Fill,
    ListedOrder,
    Page,
    parse_as_of,
    parse_balance,
    parse_fills,
    parse_order,
    parse_orders,
    parse_positions,
    parse_settlements,
)
from console.venues.kalshi.books import Books
from console.venues.kalshi.listings import pocket_of
from console.venues.kalshi.own import OwnOrder, OwnOrders, action_on, leg_of
from console.venues.kalshi.rest import Rest

FIRST_LOOK_S: Final = 24 * 3600  # how far back the first reconciliation looks: a night without an engine
OVERLAP_S: Final = 120  # later ones begin so much before the last one
LAG_TRIES: Final = 8
LAG_PAUSE_S, LAG_PAUSE_MAX_S = 0.25, 0.6
LAG_BELIEVED_S: Final = 30.0  # an order still not listed so long after it was sent was never taken
EXACT_WITHIN_S: Final = 3600.0  # how long the exact payout of a void market is waited for
ONE_ORDER: Final = 2  # tokens


class Reads:
    """Reads with what they mean; every method raises Refused, Unanswered and ParseError."""

    def __init__(self, rest: Rest, own: OwnOrders, books: Books) -> None:
        self._rest = rest
        self._own = own
        self._books = books
        self._fills_since = time.time() - FIRST_LOOK_S
        self._settled_since = time.time() - FIRST_LOOK_S

    async def account(self) -> list[AnyEvent]:
        """What has paid, then everything: orders, fills, positions and free cash."""
        began = time.time()
        await self.caught_up()
        settled = await self._settled()
        orders = [
            order
            for page in await self._rest.pages(
                "/portfolio/orders?status=resting&limit=1000", parse_orders, _cursor
            )
            for order in page.orders
            if order.rests
        ]
        fills = await self.fills(f"min_ts={int(self._fills_since)}")
        positions = await self._rest.pages("/portfolio/positions?limit=1000", parse_positions, _cursor)
        cash = await self.cash()
        for order in orders:
            self._adopt(order)
        status = MassStatus(
            venue=Venue.KALSHI,
            orders=tuple(self._open(order) for order in orders),
            fills=tuple(fills),
            positions=tuple(row for page in positions for row in page.positions if row[1]),
            cash=cash.cash,
            pockets=cash.pockets,
        )
        self._fills_since = began - OVERLAP_S
        return [*settled, status]

    async def fills(self, query: str) -> list[OrderFilled]:
        """Fills that concern us, oldest first, counted on their orders."""
        pages = await self._rest.pages(f"/portfolio/fills?{query}&limit=1000", parse_fills, _cursor)
        told = [fill for page in pages for fill in page.fills]
        return [self.booked(fill) for fill in reversed(told) if self.concerns(fill)]

    def booked(self, fill: Fill) -> OrderFilled:
        """A fill as an event, counted on its order."""
        known = self._own.find(fill.order_id, fill.venue_order_id)
        if known is not None:
            known.take(fill.trade_id, fill.size)
        return fill.event(self._own)

    def concerns(self, fill: Fill) -> bool:
        """Whether a fill is our affair: an order of ours, or a market of ours."""
        known = self._own.find(fill.order_id, fill.venue_order_id)
        return known is not None or fill.market in self._books.markets

    async def cash(self) -> BalanceUpdate:
        """Free cash in all, and on each shard: an order is paid from its own."""
        shards = parse_balance(await self._rest.get("/portfolio/balance"))
        pockets = tuple((pocket_of(shard), cash) for shard, cash in sorted(shards.items()))
        return BalanceUpdate(venue=Venue.KALSHI, cash=Cash(sum(shards.values())), pockets=pockets)

    async def caught_up(self) -> bool:
        """Wait until reads of the account tell what has happened by now; False when they do not for long.

        Nobody promises how closely that stamp follows: what is read goes on without it.
        """
        asked = self._rest.clock.now_ms() / 1000.0 + self._rest.doubt_s
        for _ in range(LAG_TRIES):
            behind = asked - await self._as_of()
            if behind <= 0:
                return True
            await asyncio.sleep(min(max(behind, LAG_PAUSE_S), LAG_PAUSE_MAX_S))
        return False

    async def _as_of(self) -> float:
        """The venue time up to which reads of the account are complete, seconds since 1970."""
        return parse_as_of(await self._rest.get("/exchange/user_data_timestamp")) / SECOND

    async def resting(self) -> list[ListedOrder]:
        """Every order that rests, whoever placed it."""
        pages = await self._rest.pages("/portfolio/orders?status=resting&limit=1000", parse_orders, _cursor)
        return [order for page in pages for order in page.orders if order.rests]

    # ---- one order

    async def lookup(self, command: Lookup, sent: float) -> list[AnyEvent]:
        """What became of an order: its fills, then whether it stands; unknown while reads lag behind."""
        order_id = command.order_id
        fresh = await self.caught_up()
        listed = await self._find(command, sent, fresh)
        if listed is None and fresh and command.venue_order_id and _old(command):
            return await self._vanished(command)
        if listed is None:
            return [OutcomeUnknown(order_id=order_id, text="reads lag behind")]
        if isinstance(listed, OrderRejected):
            return [listed]
        on_bid = listed.on_bid
        known = self._own.find(order_id, listed.venue_order_id)
        price = yes_price(command.instrument.side, listed.price)
        if known is None:
            action = action_on(command.instrument, on_bid)
            known = self._own.add(OwnOrder(order_id, command.instrument, action, price, 0, listed.shard))
        self._own.name(known, listed.venue_order_id)
        fills: list[AnyEvent] = []
        if listed.filled:
            fills = list(await self.fills(f"order_id={listed.venue_order_id}"))
        told = sum(fill.size for fill in fills if isinstance(fill, OrderFilled))
        if told < listed.filled:
            return [*fills, OutcomeUnknown(order_id=order_id, text="its fills are not listed yet")]
        size = Size(listed.filled + listed.left)
        if listed.rests:
            known.over, known.doubtful = False, False
            known.price, known.size, known.ends_s = price, size, listed.ends_s
            standing = OrderAccepted(
                order_id=order_id, venue_order_id=listed.venue_order_id, price=price, size=size
            )
            return [*fills, standing]
        self._own.end(known)
        return [*fills, OrderCanceled(order_id=order_id)]

    async def _find(self, command: Lookup, sent: float, fresh: bool) -> ListedOrder | OrderRejected | None:
        """The order as listed, the proof that there is none, or None while there is neither."""
        if command.venue_order_id:
            try:
                return parse_order(
                    await self._rest.get(f"/portfolio/orders/{command.venue_order_id}", cost=ONE_ORDER)
                )
            except Refused as refused:
                if refused.reason is not RejectReason.NOT_FOUND:
                    raise
                return None  # it had a name: it was there
        ticker = command.instrument.symbol
        path = f"/portfolio/orders?ticker={ticker}&min_ts={int(sent) - OVERLAP_S}&limit=1000"
        for page in await self._rest.pages(path, parse_orders, _cursor):
            for order in page.orders:
                if order.order_id == command.order_id:
                    return order
        if not fresh and time.time() - sent < LAG_BELIEVED_S:
            return None
        return OrderRejected(order_id=command.order_id, reason=RejectReason.NOT_FOUND)

    async def _vanished(self, command: Lookup) -> list[AnyEvent]:
        """An order the venue took and has forgotten (a demo account that was reset, an order of months ago).

        It rests nowhere, or the next reconciliation lists it; what it left are the fills that are listed.
        """
        known = self._own.find(command.order_id, command.venue_order_id)
        if known is not None:
            self._own.end(known)
        fills = await self.fills(f"order_id={command.venue_order_id}")
        return [*fills, OrderCanceled(order_id=command.order_id)]

    # ---- parts

    async def _settled(self) -> list[AnyEvent]:
        """What markets of ours have paid since the last look, to the last digit.

        A fair price whose listing cannot be read now is told later; an old one in the whole cents stated.
        """
        began = since = time.time()
        pages = await self._rest.pages(
            f"/portfolio/settlements?min_ts={int(self._settled_since)}&limit=1000", parse_settlements, _cursor
        )
        told: list[AnyEvent] = []
        for row in (row for page in pages for row in page.settlements):
            market = self._books.markets.get(row.market)
            if market is None or market.settled:
                continue
            exact = row.payout if row.exact else await self._books.payout(row.market)
            settled_s = row.settled_wall / SECOND
            if exact is None and began - settled_s < EXACT_WITHIN_S:
                since = min(since, settled_s)
                continue
            market.settled = True
            told.append(Settled(instrument=row.market, payout=row.payout if exact is None else exact))
        self._settled_since = since - OVERLAP_S
        return told

    def _adopt(self, order: ListedOrder) -> None:
        """An order of ours that this process did not place: an earlier run did."""
        known = self._own.find(order.order_id, order.venue_order_id)
        if known is None or known.venue_order_id:
            return
        self._own.name(known, order.venue_order_id)

    def _open(self, order: ListedOrder) -> OpenOrder:
        known = self._own.find(order.order_id, order.venue_order_id)
        leg, action = leg_of(order.market, order.on_bid, known)
        return OpenOrder(
            order.order_id,
            order.venue_order_id,
            leg,
            action,
            yes_price(leg.side, order.price),
            Size(order.filled + order.left),
            order.filled,
        )


def _cursor(page: Page) -> str:
    return page.cursor


def _old(command: Lookup) -> bool:
    """Whether its order is older than reads may lag behind."""
    return command.wall > 0 and time.time() - command.wall / SECOND > LAG_BELIEVED_S
