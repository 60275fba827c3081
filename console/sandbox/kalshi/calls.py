"""Order calls carried out on the exchange behind, checked as strictly as the venue does."""

from __future__ import annotations

import re
from typing import Any, Final

from console.core.commands import AmendOrder, Basis, CeilingKind, PlaceOrder, TimeInForce
from console.core.events import (
    AmendRejected,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RejectReason,
)
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    MarketState,
    VenueOrderId,
)
from console.core.matches import MatchId
from console.core.units import ONE, SECOND, Price, Size
from console.sandbox.kalshi.catalogue import shard_of
from console.sandbox.kalshi.errors import ApiError, bad_field
from console.sandbox.kalshi.house import House, cancel_of
from console.sandbox.kalshi.spelling import Json, count, named, price, read_count, read_price
from console.sandbox.kalshi.tickets import Status, Ticket
from console.sim.market import Market
from console.sim.orders import OwnOrder

CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
FORCES: Final = ("good_till_canceled", "immediate_or_cancel", "fill_or_kill")
STPS: Final = ("taker_at_cross", "maker")
SWEEP_NS: Final = 60 * SECOND
REASONS: Final = {
    RejectReason.POST_ONLY_CROSS: (400, "invalid_order", "post only cross"),
    RejectReason.PRICE: (400, "invalid_price", ""),
    RejectReason.SIZE: (400, "invalid_order_size", ""),
    RejectReason.BALANCE: (400, "insufficient_balance", ""),
    RejectReason.MARKET: (400, "market_inactive", ""),
}
_NO_BASIS: Final = Basis(0, 0, 0, 0, 0, "")
Body = dict[str, Any]


class Calls:
    """Create, amend, decrease, cancel: each returns the body of a success or raises ApiError."""

    def __init__(self, house: House) -> None:
        self._house = house

    # ---- create

    def create(self, body: Body) -> Json:
        """Carry out a create."""
        ticker, side, at, size, force = self._read_create(body)
        market = self._open_market(ticker, body)
        if at not in market.ladder.index:
            raise ApiError(400, "invalid_price")
        self._check_rules(body, force)
        ticket = self._ticket(body, ticker, side, at, size)
        self._house.bank.free(ticket.shard)
        group = self._house.groups.joined(ticket)
        if body.get("reduce_only"):
            ticket.left = self._reducible(ticker, side, size)
        if force == "fill_or_kill" and not self._fills_at_once(market, ticket):
            raise ApiError(409, "fill_or_kill_insufficient_resting_volume")
        if ticket.left:
            self._place(ticket, market, force, post_only=bool(body.get("post_only")))
        self._enter(ticket)
        if group is not None:
            self._house.groups.count(group, ticket.filled)
        return self._created(ticket)

    def _read_create(self, body: Body) -> tuple[str, BookSide, int, int, str]:
        for name in ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type"):
            if name not in body:
                raise bad_field(f"{name} is required")
            if not isinstance(body[name], str):
                raise bad_field(f"{name} must be a string")
        if body["side"] not in ("bid", "ask"):
            raise ApiError(400, "invalid_parameters", "side")
        if body["time_in_force"] not in FORCES:
            raise ApiError(400, "invalid_parameters", "time_in_force")
        if body["self_trade_prevention_type"] not in STPS:
            raise ApiError(400, "invalid_parameters", "self_trade_prevention_type")
        at, size = read_price(body["price"]), read_count(body["count"])
        if at is None:
            raise ApiError(400, "invalid_price")
        if size is None:
            raise ApiError(400, "invalid_order_size")
        return body["ticker"], BookSide(body["side"]), at, size, body["time_in_force"]

    def _open_market(self, ticker: str, body: Body) -> Market:
        """The market an order goes to, open, on the shard that is named."""
        try:
            market = self._house.catalogue.market(ticker)
        except KeyError:
            raise ApiError(404, "market_not_found") from None
        index = body.get("exchange_index", -1)
        if not isinstance(index, int) or isinstance(index, bool):
            raise bad_field("exchange_index must be an integer")
        if index >= 0 and index != shard_of(ticker):
            raise ApiError(404, "market_not_found")
        if self._house.paused or market.state is MarketState.PAUSED:
            raise ApiError(409, "trading_is_paused")
        if market.state is not MarketState.OPEN:
            raise ApiError(400, "market_inactive")
        return market

    def _check_rules(self, body: Body, force: str) -> None:
        for name in ("post_only", "reduce_only", "cancel_order_on_pause"):
            if not isinstance(body.get(name, False), bool):
                raise bad_field(f"{name} must be a boolean")
        ends = body.get("expiration_time")
        if ends is not None:
            if not isinstance(ends, int) or isinstance(ends, bool):
                raise bad_field("expiration_time must be an integer")
            if force != "good_till_canceled" or ends * SECOND <= self._house.wall():
                raise ApiError(400, "invalid_parameters", "expiration_time")
        if body.get("post_only") and force != "good_till_canceled":
            raise ApiError(400, "invalid_parameters", "post_only")
        if body.get("reduce_only") and force != "immediate_or_cancel":
            raise ApiError(400, "invalid_parameters", "reduce_only needs immediate_or_cancel")
        client = body.get("client_order_id", "")
        if not isinstance(client, str):
            raise bad_field("client_order_id must be a string")
        if client and not CLIENT_ID.fullmatch(client):
            raise ApiError(400, "invalid_parameters", "client_order_id")
        if client in self._house.client_ids:
            raise ApiError(409, "order_already_exists")

    def _ticket(self, body: Body, ticker: str, side: BookSide, at: int, size: int) -> Ticket:
        number, wall = next(self._house.numbers), self._house.wall()
        order_id = named("order", wall, number)
        return Ticket(
            order_id=order_id,
            client_order_id=body.get("client_order_id", ""),
            ticker=ticker,
            side=side,
            price=at,
            size=size,
            shard=shard_of(ticker),
            created=wall,
            updated=wall,
            inner=ClientOrderId(f"{number}"),
            expires_s=body.get("expiration_time") or 0,
            group=body.get("order_group_id", ""),
            stp=body["self_trade_prevention_type"],
            on_pause=bool(body.get("cancel_order_on_pause")),
            left=size,
        )

    def _reducible(self, ticker: str, side: BookSide, size: int) -> int:
        net = self._house.bank.nets[ticker]
        return min(size, max(0, -net if side is BookSide.BID else net))

    def _fills_at_once(self, market: Market, ticket: Ticket) -> bool:
        """Whether others offer enough; own orders in the way make a fill-or-kill an immediate-or-cancel."""
        half, left = market.opposite(ticket.side), ticket.left
        for resting in half.orders():
            if not half.reaches(market.ladder.index[ticket.price]) or left <= 0:
                break
            if (resting.rung - market.ladder.index[ticket.price]) * half.worse > 0:
                break
            if resting.order_id:
                return True
            left -= resting.left
        return left <= 0

    def _place(self, ticket: Ticket, market: Market, force: str, *, post_only: bool) -> None:
        """Put an order to the exchange; its fills are booked on the way."""
        if ticket.stp == "maker" and not post_only:
            self._clear_way(ticket, market)
        own = OwnOrder(
            ticket.inner,
            VenueOrderId(""),
            market.instrument,
            _action(ticket.side),
            Price(ticket.price),
            ticket.left,
            market.spec,
        )
        self._house.bank.afford(own)
        self._house.inner[ticket.inner] = ticket
        self._house.expect(ticket, ticket.left)
        answers = self._house.floor.ask(
            PlaceOrder(
                order_id=ticket.inner,
                match=MatchId("sandbox"),
                instrument=market.instrument,
                action=_action(ticket.side),
                price=Price(ticket.price),
                size=Size(ticket.left),
                ceiling=Price(ticket.price),
                ceiling_kind=CeilingKind.QUOTE,
                basis=_NO_BASIS,
                post_only=post_only,
                time_in_force=TimeInForce.GTC if force == "good_till_canceled" else TimeInForce.IOC,
            )
        )
        for event in answers:
            if isinstance(event, OrderRejected):
                del self._house.inner[ticket.inner]
                status, code, details = REASONS.get(event.reason, (400, "invalid_order", event.text))
                raise ApiError(status, code, details)
            if isinstance(event, OrderFilled):
                self._house.fill(ticket, event, taker=True)
            elif isinstance(event, OrderCanceled):
                ticket.status, ticket.left = Status.CANCELED, 0

    def _clear_way(self, ticket: Ticket, market: Market) -> None:
        """Self-trade prevention `maker`: our own orders in the way are taken out."""
        half, rung = market.opposite(ticket.side), market.ladder.index[ticket.price]
        for resting in list(half.orders()):
            blocks = resting.order_id in self._house.inner and (resting.rung - rung) * half.worse <= 0
            if blocks:
                self._house.end(self._house.inner[resting.order_id], "SelfTradeCancel")

    def _enter(self, ticket: Ticket) -> None:
        self._house.tickets[ticket.order_id] = ticket
        if ticket.client_order_id:
            self._house.client_ids.add(ticket.client_order_id)
        if ticket.status is Status.RESTING and ticket.left == 0:
            ticket.status = Status.EXECUTED if ticket.filled else Status.CANCELED
        self._house.changed(ticket, ticket.reason)

    def _created(self, ticket: Ticket) -> Json:
        answer: Json = {
            "order_id": ticket.order_id,
            "fill_count": count(ticket.filled),
            "remaining_count": count(ticket.left),
            "ts_ms": self._house.wall() // 1_000_000,
        }
        if ticket.client_order_id:
            answer["client_order_id"] = ticket.client_order_id
        if ticket.filled:
            yes_cost = ticket.taker_cost if ticket.side is BookSide.BID else ticket.filled - ticket.taker_cost
            average = yes_cost * ONE // ticket.filled // 100 * 100
            fee = ticket.taker_fees * ONE // ticket.filled // 100 * 100
            answer["average_fill_price"], answer["average_fee_paid"] = price(average), price(fee)
        return answer

    # ---- change and cancel

    def amend(self, order_id: str, body: Body) -> Json:
        """Carry out an amend: a new total at a price, or only another end."""
        if self._house.evil.has("noamend"):
            raise ApiError(400, "invalid_order", "amend refused")
        ticket = self._live(order_id, body.get("exchange_index", -1), body.get("ticker", ""))
        for name in ("ticker", "side", "price", "count"):
            if not isinstance(body.get(name), str):
                raise bad_field(f"{name} must be a string")
        if body["ticker"] != ticket.ticker:
            raise ApiError(400, "order_ticker_mismatch")
        if body["side"] != ticket.side.value:
            raise ApiError(400, "order_side_mismatch")
        if body.get("client_order_id", ticket.client_order_id) != ticket.client_order_id:
            raise ApiError(400, "order_id_and_client_order_id_mismatch")
        at, size = read_price(body["price"]), read_count(body["count"])
        market = self._open_market(ticket.ticker, body)
        if at is None or at not in market.ladder.index:
            raise ApiError(400, "invalid_price")
        if size is None or size < ticket.filled:
            raise ApiError(400, "invalid_order_size")
        self._rename(ticket, body.get("updated_client_order_id", ""))
        ends = body.get("expiration_time")
        if ends is not None:
            if not isinstance(ends, int) or (ends and ends * SECOND <= self._house.wall()):
                raise ApiError(400, "invalid_parameters", "expiration_time")
            ticket.expires_s = ends
        before = ticket.filled, ticket.left
        if (at, size) != (ticket.price, ticket.size):
            self._move(ticket, market, at, size)
        self._house.changed(ticket, "Amend")
        return self._amended(ticket, before)

    def _rename(self, ticket: Ticket, name: object) -> None:
        if not name:
            return
        if not isinstance(name, str) or not CLIENT_ID.fullmatch(name):
            raise ApiError(400, "invalid_parameters", "updated_client_order_id")
        if name in self._house.client_ids:
            raise ApiError(409, "order_already_exists")
        self._house.client_ids.add(name)
        ticket.client_order_id = name

    def _amended(self, ticket: Ticket, before: tuple[int, int]) -> Json:
        answer: Json = {"order_id": ticket.order_id, "ts_ms": self._house.wall() // 1_000_000}
        if ticket.client_order_id:
            answer["client_order_id"] = ticket.client_order_id
        if ticket.left != before[1]:
            answer["remaining_count"] = count(ticket.left)
        if ticket.filled != before[0]:
            answer["fill_count"] = count(ticket.filled)
        return answer

    def _move(self, ticket: Ticket, market: Market, at: int, size: int) -> None:
        """Another price or total. Where it would trade at once it does: an amend is never post-only."""
        rung = market.ladder.index[at]
        if size == ticket.filled:
            ticket.size = size
            self._house.end(ticket, "Amend")
            return
        crosses = market.opposite(ticket.side).reaches(rung)
        if crosses:
            self._house.floor.ask(cancel_of(ticket))
            self._house.inner.pop(ticket.inner, None)
            ticket.inner = ClientOrderId(f"{next(self._house.numbers)}")
            ticket.base, ticket.price, ticket.size = ticket.filled, at, size
            ticket.left = size - ticket.filled
            self._place(ticket, market, "good_till_canceled", post_only=False)
            if ticket.left == 0 and ticket.status is Status.RESTING:
                ticket.status = Status.EXECUTED
            return
        now = self._house.floor.exchange.account.open.get(ticket.inner)
        if now is not None:
            self._house.bank.afford(now.version(Price(at), size - ticket.base), now)
        (answer,) = self._house.floor.ask(
            AmendOrder(
                order_id=ticket.inner,
                venue_order_id=VenueOrderId(""),
                match=MatchId("sandbox"),
                instrument=market.instrument,
                action=_action(ticket.side),
                price=Price(at),
                size=Size(size - ticket.base),
                ceiling=Price(at),
                ceiling_kind=CeilingKind.QUOTE,
                basis=_NO_BASIS,
            )
        )
        if isinstance(answer, AmendRejected):
            status, code, details = REASONS.get(answer.reason, (400, "invalid_order", answer.text))
            raise ApiError(status, code, details)
        ticket.price, ticket.size, ticket.left = at, size, size - ticket.filled

    def decrease(self, order_id: str, body: Body) -> Json:
        """Carry out a decrease, by so many or to so many."""
        ticket = self._live(order_id, body.get("exchange_index", -1), body.get("market_ticker", ""))
        named_ways = [name for name in ("reduce_by", "reduce_to") if name in body]
        if len(named_ways) != 1:
            raise ApiError(400, "invalid_parameters", "exactly one of reduce_by and reduce_to")
        text = body[named_ways[0]]
        if not isinstance(text, str):
            raise bad_field(f"{named_ways[0]} must be a string")
        amount = read_count(text) if text.strip("0.") else 0
        if amount is None:
            raise ApiError(400, "invalid_order_size")
        left = ticket.left - amount if named_ways[0] == "reduce_by" else amount
        if left > ticket.left:
            raise ApiError(400, "invalid_order_size")
        if left <= 0:
            self._house.end(ticket, "Decrease")
        else:
            self._move(
                ticket, self._house.catalogue.market(ticket.ticker), ticket.price, ticket.filled + left
            )
            self._house.changed(ticket, "Decrease")
        return {
            "order_id": ticket.order_id,
            "client_order_id": ticket.client_order_id,
            "remaining_count": count(ticket.left),
            "ts_ms": self._house.wall() // 1_000_000,
        }

    def cancel(self, order_id: str, index: int, ticker: str) -> Json:
        """Carry out a cancel. Without a shard and a market it looks on shard 0."""
        ticket = self._live(order_id, index, ticker)
        if self._house.catalogue.market(ticket.ticker).state in (MarketState.CLOSED, MarketState.RESOLVED):
            raise ApiError(400, "market_inactive")
        reduced = ticket.left
        self._house.end(ticket, "Decrease")
        return {
            "order_id": ticket.order_id,
            "client_order_id": ticket.client_order_id,
            "reduced_by": count(reduced),
            "ts_ms": self._house.wall() // 1_000_000,
        }

    def cancel_all(self) -> None:
        """Everything on every shard; what is placed during the next minute may go too."""
        self._house.sweep_until = self._house.now() + SWEEP_NS
        for ticket in self._house.resting():
            self._house.end(ticket, "Decrease")

    def _live(self, order_id: str, index: object, ticker: object) -> Ticket:
        """A resting order on the shard the request is routed to; raises ApiError."""
        ticket = self._house.tickets.get(order_id)
        shard = index if isinstance(index, int) and index >= 0 else None
        if shard is None:
            shard = shard_of(ticker) if isinstance(ticker, str) and ticker else 0
        if ticket is None or ticket.status is not Status.RESTING or ticket.shard != shard:
            raise ApiError(404, "not_found")
        return ticket


def _action(side: BookSide) -> Action:
    return Action.BUY if side is BookSide.BID else Action.SELL
