"""The ends of our resting orders: prolonged while the engine is healthy, a few at each sign of life."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from console.core.events import RejectReason
from console.core.units import SECOND
from console.venues.base.protocol import Refused, Unanswered
from console.venues.kalshi.orders import ORDERS, parse_changed, render_renewal
from console.venues.kalshi.own import OwnOrder, OwnOrders

SIGN_S: Final = 5  # between two signs of life
EARLY: Final = 0.75  # of a lease left: from here an order may be renewed

Write = Callable[[str, str, bytes], Awaitable[bytes]]


class Leases:
    """Renews the orders that end soonest, so that each is renewed about twice in a lease."""

    def __init__(
        self,
        own: OwnOrders,
        write: Write,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        unanswered: Callable[[OwnOrder, str], None],
    ) -> None:
        """`unanswered` is told of a renewal without an answer: how the order stands must be looked up."""
        self._own = own
        self._write = write
        self._spawn = spawn
        self._unanswered = unanswered
        self.renewed = 0

    def keep_alive(self, until_ns: int) -> None:
        """The engine is healthy: orders may rest until then (wall clock)."""
        now, until = time.time(), until_ns // SECOND
        lease = until - now
        ending = sorted((o for o in self._own.resting() if o.ends_s), key=_end)
        most = -(-2 * len(ending) * SIGN_S // max(1, int(lease)))
        early = [order for order in ending if order.ends_s - now <= EARLY * lease]
        for order in [order for order in early if not (order.busy or order.doubtful)][:most]:
            order.busy = True
            self._spawn(self._renew(order, until))

    async def _renew(self, order: OwnOrder, ends_s: int) -> None:
        """Move the end of one order. Price and total go with it: nothing else may be asked meanwhile."""
        try:
            body = render_renewal(
                order.order_id,
                order.instrument.symbol,
                order.side,
                order.yes_price,
                order.size,
                ends_s,
                order.shard,
            )
            told = parse_changed(await self._write("POST", f"{ORDERS}/{order.venue_order_id}/amend", body))
            order.ends_s = ends_s
            self.renewed += 1
            if told.venue_order_id != order.venue_order_id:
                self._own.name(order, told.venue_order_id)
        except Refused as refused:
            if refused.reason is RejectReason.NOT_FOUND:
                order.ends_s = 0  # it is gone: its own news say how
        except Unanswered as error:
            order.doubtful = True  # it may arrive after whatever is asked next
            self._unanswered(order, f"its lease was being renewed: {error}")
        finally:
            order.busy = False


def _end(order: OwnOrder) -> int:
    return order.ends_s
