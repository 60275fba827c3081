"""Reads of the account: orders, fills, positions, settlements, balance, as they stood a moment ago."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from console.core.units import CENT, SECOND
from console.sandbox.kalshi.catalogue import event_of
from console.sandbox.kalshi.errors import ApiError, bad_parameter
from console.sandbox.kalshi.house import House
from console.sandbox.kalshi.paging import page, whole
from console.sandbox.kalshi.spelling import Json, count, money, price
from console.sandbox.kalshi.tickets import Status

Reply = tuple[int, Json | None]
STATUSES: Final = ("resting", "canceled", "executed")
FAR_TS: Final = 10**11


class AccountReads:
    """Handlers of the reads below ``/portfolio``."""

    def __init__(self, house: House) -> None:
        self._house = house

    def table(self) -> list[tuple[str, str, Callable[[web.Request], Awaitable[Reply]]]]:
        """Method, path and handler of each."""
        return [
            ("GET", "/portfolio/balance", self.balance),
            ("GET", "/portfolio/orders", self.orders),
            ("GET", "/portfolio/orders/queue_positions", self.queue_positions),
            ("GET", "/portfolio/orders/{order_id}", self.order),
            ("GET", "/portfolio/orders/{order_id}/queue_position", self.queue_position),
            ("GET", "/portfolio/fills", self.fills),
            ("GET", "/portfolio/positions", self.positions),
            ("GET", "/portfolio/settlements", self.settlements),
        ]

    async def balance(self, request: web.Request) -> Reply:
        """Free cash in all and by shard."""
        shown = self._house.shown
        shown.settle()
        index = whole(request, "exchange_index", 0, 99, -1)
        rows = {shard: cash for shard, cash in shown.balances.items() if index in (-1, shard)}
        total = sum(rows.values())
        held = sum(self._house.bank.costs.values())
        return 200, {
            "balance": total // CENT,
            "balance_dollars": price(total // 100 * 100),
            "portfolio_value": held // CENT,
            "updated_ts": int(shown.as_of()),
            "balance_breakdown": [
                {"exchange_index": shard, "balance": price(cash // 100 * 100)} for shard, cash in rows.items()
            ],
        }

    async def orders(self, request: web.Request) -> Reply:
        """Orders, newest first."""
        shown, query = self._house.shown, request.query
        shown.settle()
        low = whole(request, "min_ts", 0, FAR_TS, 0)
        known = self._house.tickets
        rows = [
            row
            for row in reversed(shown.orders.values())
            if known[str(row["order_id"])].created >= low * SECOND
        ]
        status = query.get("status")
        if status:
            if status not in STATUSES:
                raise bad_parameter("status")
            rows = [row for row in rows if row["status"] == status]
        if "ticker" in query:
            rows = [row for row in rows if row["ticker"] == query["ticker"]]
        listed, cursor = page(request, rows, most=1000)
        return 200, {"orders": listed, "cursor": cursor}

    async def order(self, request: web.Request) -> Reply:
        """One order."""
        shown = self._house.shown
        shown.settle()
        row = shown.orders.get(request.match_info["order_id"])
        if row is None:
            raise ApiError(404, "not_found")
        return 200, {"order": row}

    async def queue_positions(self, request: web.Request) -> Reply:
        """How many contracts rest ahead of each resting order."""
        wanted = request.query.get("market_tickers", "").split(",")
        rows: list[Json] = [
            {
                "order_id": ticket.order_id,
                "market_ticker": ticket.ticker,
                "queue_position_fp": count(self._ahead(ticket.order_id)),
            }
            for ticket in self._house.resting()
            if wanted == [""] or ticket.ticker in wanted
        ]
        return 200, {"queue_positions": rows}

    async def queue_position(self, request: web.Request) -> Reply:
        """How many contracts rest ahead of one order."""
        ticket = self._house.tickets.get(request.match_info["order_id"])
        if ticket is None or ticket.status is not Status.RESTING:
            raise ApiError(404, "not_found")
        return 200, {"queue_position_fp": count(self._ahead(ticket.order_id))}

    def _ahead(self, order_id: str) -> int:
        ticket = self._house.tickets[order_id]
        market = self._house.catalogue.market(ticket.ticker)
        ahead = 0
        for resting in market.half(ticket.side).orders():
            if resting.order_id == ticket.inner:
                break
            if market.prices[resting.rung] == ticket.price:
                ahead += resting.left
        return ahead

    async def fills(self, request: web.Request) -> Reply:
        """Fills, newest first; they do not tell the client order id."""
        shown, query = self._house.shown, request.query
        shown.settle()
        low = whole(request, "min_ts", 0, FAR_TS, 0)
        rows = [row for row in reversed(shown.fills) if _at(row) >= low]
        if "order_id" in query:
            rows = [row for row in rows if row["order_id"] == query["order_id"]]
        if "ticker" in query:
            rows = [row for row in rows if row["ticker"] in query["ticker"].split(",")]
        listed, cursor = page(request, rows, most=1000)
        return 200, {"fills": listed, "cursor": cursor}

    async def positions(self, request: web.Request) -> Reply:
        """Net positions by market, and by event."""
        shown = self._house.shown
        shown.settle()
        rows = [row for row in shown.positions.values() if row["position_fp"] != "0.00"]
        listed, cursor = page(request, rows, most=1000)
        return 200, {
            "market_positions": listed,
            "event_positions": [self._event(event) for event in {event_of(str(r["ticker"])) for r in listed}],
            "cursor": cursor,
        }

    def _event(self, event: str) -> Json:
        bank = self._house.bank
        tickers = [ticker for ticker in bank.nets if event_of(ticker) == event]
        cost = sum(bank.costs[ticker] for ticker in tickers)
        return {
            "event_ticker": event,
            "total_cost_dollars": money(cost),
            "total_cost_shares_fp": count(sum(abs(bank.nets[ticker]) for ticker in tickers)),
            "event_exposure_dollars": money(cost),
            "realized_pnl_dollars": money(sum(bank.realized[ticker] for ticker in tickers)),
            "fees_paid_dollars": money(sum(bank.fees[ticker] for ticker in tickers)),
        }

    async def settlements(self, request: web.Request) -> Reply:
        """What has paid, newest first."""
        shown = self._house.shown
        shown.settle()
        listed, cursor = page(request, list(reversed(shown.settlements)), most=1000)
        return 200, {"settlements": listed, "cursor": cursor}


def _at(row: Json) -> int:
    at = row["ts"]
    return at if isinstance(at, int) else 0
