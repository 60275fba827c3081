"""Order groups: a rolling limit on what may fill, which takes out a group's orders when it is passed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.core.units import SECOND
from console.sandbox.kalshi.errors import ApiError
from console.sandbox.kalshi.spelling import Json, named
from console.sandbox.kalshi.spelling import count as fp
from console.sandbox.kalshi.tickets import OrderGroup, Ticket

if TYPE_CHECKING:
    from console.sandbox.kalshi.house import House

GROUP_WINDOW_NS: Final = 15 * SECOND


class Groups:
    """Every group of the account."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.known: dict[str, OrderGroup] = {}

    def make(self, limit: int, shard: int) -> Json:
        """Make an order group."""
        if shard not in self._house.bank.cash:
            raise ApiError(404, "user_not_found")
        group = OrderGroup(named("group", self._house.wall(), len(self.known)), shard, limit, [])
        self.known[group.group_id] = group
        self._news(group, "created", limit=True)
        return {"order_group_id": group.group_id, "subaccount": 0, "exchange_index": shard}

    def find(self, group_id: str, shard: int | None = None) -> OrderGroup:
        """A group on the shard the request is routed to; raises ApiError."""
        group = self.known.get(group_id)
        if group is None or (shard is not None and group.shard != shard):
            raise ApiError(404, "order_group_not_found")
        return group

    def limit(self, group: OrderGroup, limit: int) -> None:
        """Another limit; one below what has filled fires at once."""
        group.limit = limit
        self._news(group, "limit_updated", limit=True)
        self.count(group, 0)

    def reset(self, group: OrderGroup) -> None:
        """Forget what filled, and that it fired."""
        group.fills, group.triggered = [], False
        self._news(group, "reset")

    def trigger(self, group: OrderGroup) -> None:
        """Cancel everything in it; nothing new is taken until it is reset."""
        group.triggered = True
        for ticket in [t for t in self._house.resting() if t.group == group.group_id]:
            self._house.end(ticket, "Decrease")
        self._news(group, "triggered")

    def delete(self, group: OrderGroup) -> None:
        """Cancel everything in it and forget it."""
        for ticket in [t for t in self._house.resting() if t.group == group.group_id]:
            self._house.end(ticket, "Decrease")
        del self.known[group.group_id]
        self._news(group, "deleted")

    def joined(self, ticket: Ticket) -> OrderGroup | None:
        """The group an order asks to join, None for none; raises ApiError when it may not."""
        if not ticket.group:
            return None
        group = self.known.get(ticket.group)
        if group is None or group.shard != ticket.shard:
            raise ApiError(404, "order_group_not_found")
        if group.triggered:
            raise ApiError(409, "order_group_triggered")
        return group

    def count(self, group: OrderGroup, size: int) -> None:
        """Count what filled; more than the limit within the window fires the group."""
        now = self._house.now()
        if size:
            group.fills.append((now, size))
        group.fills = [fill for fill in group.fills if now - fill[0] < GROUP_WINDOW_NS]
        if not group.triggered and sum(amount for _, amount in group.fills) > group.limit:
            self.trigger(group)

    def _news(self, group: OrderGroup, what: str, *, limit: bool = False) -> None:
        msg: Json = {
            "event_type": what,
            "order_group_id": group.group_id,
            "ts_ms": self._house.wall() // 1_000_000,
        }
        if limit:
            msg["contracts_limit_fp"] = fp(group.limit)
        self._house.tell("order_group_updates", "order_group_updates", msg)
