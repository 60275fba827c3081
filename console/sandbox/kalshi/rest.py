"""The REST side: routes, signatures, budgets, and the misfortunes that befall requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiohttp import web

from console.core.units import SECOND
from console.sandbox.kalshi.account import AccountReads
from console.sandbox.kalshi.buckets import Bucket
from console.sandbox.kalshi.calls import Body, Calls
from console.sandbox.kalshi.catalogue import FILTERS, SHARDS, book_fp, event_of, series_of
from console.sandbox.kalshi.errors import ApiError, bad_field, bad_parameter, too_many
from console.sandbox.kalshi.house import House
from console.sandbox.kalshi.keys import Gatekeeper
from console.sandbox.kalshi.paging import page, whole
from console.sandbox.kalshi.spelling import Json, count, iso, price, read_count

PREFIX: Final = "/trade-api/v2"
COSTS: Final = {
    ("DELETE", "/portfolio/events/orders/{order_id}"): 2,
    ("GET", "/portfolio/orders/{order_id}"): 2,
}
DEFAULT_COST: Final = 10
CANCEL_COST: Final = 2
PUBLIC: Final = ("/exchange", "/series", "/events", "/markets", "/account/endpoint_costs")
Reply = tuple[int, Json | None]


class Rest:
    """Handlers of every call; each returns a status and a body."""

    def __init__(self, house: House, gate: Gatekeeper) -> None:
        self._house = house
        self._gate = gate
        self._calls = Calls(house)
        self._reads = AccountReads(house)
        small = house.evil.has("basic")
        self.read = Bucket(200, 400) if small else Bucket(300, 600)
        self.write = Bucket(100, 100) if small else Bucket(300, 600)
        self._tier = "basic" if small else "advanced"
        self.storm_until = 0.0
        self.dead_until = 0.0  # nothing is answered
        self.requests: list[tuple[float, str, str, int]] = []  # when, method, path, status
        self._trades: list[Json] = []

    def routes(self) -> Iterable[web.RouteDef]:
        """Everything there is."""
        table: list[tuple[str, str, Callable[[web.Request], Awaitable[Reply]]]] = [
            ("GET", "/exchange/status", self.status),
            ("GET", "/exchange/schedule", self.schedule),
            ("GET", "/exchange/user_data_timestamp", self.as_of),
            ("GET", "/series", self.series_list),
            ("GET", "/series/fee_changes", self.series_fee_changes),
            ("GET", "/series/{ticker}", self.series),
            ("GET", "/events", self.events),
            ("GET", "/events/fee_changes", self.event_fee_changes),
            ("GET", "/events/{ticker}", self.event),
            ("GET", "/markets", self.markets),
            ("GET", "/markets/orderbooks", self.orderbooks),
            ("GET", "/markets/trades", self.trades),
            ("GET", "/markets/{ticker}", self.market),
            ("GET", "/markets/{ticker}/orderbook", self.orderbook),
            ("GET", "/account/limits", self.limits),
            ("GET", "/account/endpoint_costs", self.costs),
            ("GET", "/api_keys", self.api_keys),
            ("POST", "/portfolio/events/orders", self.create),
            ("DELETE", "/portfolio/events/orders", self.cancel_all),
            ("POST", "/portfolio/events/orders/batched", self.create_batch),
            ("DELETE", "/portfolio/events/orders/batched", self.cancel_batch),
            ("POST", "/portfolio/events/orders/{order_id}/amend", self.amend),
            ("POST", "/portfolio/events/orders/{order_id}/decrease", self.decrease),
            ("DELETE", "/portfolio/events/orders/{order_id}", self.cancel),
            ("POST", "/portfolio/order_groups/create", self.make_group),
            ("GET", "/portfolio/order_groups", self.group_list),
            ("GET", "/portfolio/order_groups/{group_id}", self.group),
            ("PUT", "/portfolio/order_groups/{group_id}/{what}", self.change_group),
            ("DELETE", "/portfolio/order_groups/{group_id}", self.delete_group),
            ("POST", "/portfolio/intra_exchange_instance_transfer", self.transfer),
            *self._reads.table(),
        ]
        for method, path, handler in table:
            yield web.route(method, PREFIX + path, self._wrapped(handler))
        for method in ("POST", "DELETE"):
            for path in ("/portfolio/orders", "/portfolio/orders/{tail:.*}"):
                yield web.route(method, PREFIX + path, self._wrapped(_gone))

    # ---- around every request

    def _wrapped(
        self, handler: Callable[[web.Request], Awaitable[Reply]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if time.monotonic() < self.dead_until:
                await asyncio.sleep(self.dead_until - time.monotonic())
            try:
                if self._house.evil.strikes("lose") and _writes(request):
                    return await _unanswered(request)
                await self._admit(request)
                status, body = await handler(request)
            except ApiError as error:
                status, body = error.status, error.body()
            self._remember(request, status)
            return await self._answer(request, status, body)

        return handle

    async def _admit(self, request: web.Request) -> None:
        """Signature first, then the budget."""
        path = request.path.removeprefix(PREFIX)
        if not path.startswith(PUBLIC):
            self._gate.check(request.headers, request.method, request.path)
        if time.monotonic() < self.storm_until:
            raise too_many()
        route = request.match_info.route.resource
        pattern = route.canonical.removeprefix(PREFIX) if route is not None else path
        if pattern == "/portfolio/events/orders/batched":
            entries = (await _body(request)).get("orders")
            each = DEFAULT_COST if request.method == "POST" else CANCEL_COST
            self.write.take(each * (len(entries) if isinstance(entries, list) else 1))
            return
        cost = COSTS.get((request.method, pattern), DEFAULT_COST)
        (self.read if request.method == "GET" else self.write).take(cost)

    async def _answer(self, request: web.Request, status: int, body: Json | None) -> web.StreamResponse:
        evil = self._house.evil
        if _writes(request) and evil.strikes("drop"):
            return await _unanswered(request)
        if evil.strikes("unavailable"):
            return web.json_response({"code": "service_unavailable", "message": "try again"}, status=503)
        if evil.strikes("slow"):
            await asyncio.sleep(evil.between(0.5, 4.0))
        if body is None:
            return web.Response(status=status)
        return web.json_response(body, status=status)

    def _remember(self, request: web.Request, status: int) -> None:
        self.requests.append((time.monotonic(), request.method, request.path, status))
        if len(self.requests) > 100_000:
            del self.requests[:50_000]

    # ---- the exchange and what it lists

    async def status(self, _: web.Request) -> Reply:
        """Whether it trades, by shard."""
        trading = not self._house.paused
        rows = [
            {
                "exchange_index": index,
                "description": words,
                "exchange_active": True,
                "trading_active": trading,
                "intra_exchange_transfers_active": True,
            }
            for index, words in SHARDS.items()
        ]
        return 200, {
            "exchange_active": True,
            "trading_active": trading,
            "intra_exchange_transfers_active": True,
            "exchange_index_statuses": rows,
        }

    async def schedule(self, _: web.Request) -> Reply:
        """Every day round the clock, but for two hours on Thursdays."""
        whole_day = [{"open_time": "00:00", "close_time": "00:00"}]
        days: Json = dict.fromkeys(
            ("monday", "tuesday", "wednesday", "friday", "saturday", "sunday"), whole_day
        )
        days["thursday"] = [
            {"open_time": "00:00", "close_time": "03:00"},
            {"open_time": "05:00", "close_time": "00:00"},
        ]
        hours = {"start_time": "2026-01-01T05:00:00Z", "end_time": "2027-01-01T05:00:00Z", **days}
        return 200, {"schedule": {"standard_hours": [hours], "maintenance_windows": []}}

    async def as_of(self, _: web.Request) -> Reply:
        """How fresh reads of the account are."""
        return 200, {"as_of_time": iso(int(self._house.shown.as_of() * SECOND))}

    async def series_list(self, _: web.Request) -> Reply:
        """Every series."""
        return 200, {"series": list(self._house.catalogue.series())}

    async def series(self, request: web.Request) -> Reply:
        """One series."""
        return 200, {"series": _found(self._house.catalogue.one_series, request.match_info["ticker"])}

    async def series_fee_changes(self, _: web.Request) -> Reply:
        """Nothing is planned for a series."""
        return 200, {"series_fee_change_arr": []}

    async def event_fee_changes(self, request: web.Request) -> Reply:
        """What is planned for events: half the rate ends when the game begins."""
        catalogue = self._house.catalogue
        rows: list[Json] = [
            {
                "id": f"efc-{event}",
                "event_ticker": event,
                "series_ticker": series_of(event),
                "fee_type_override": fees.fee_type,
                "fee_multiplier_override": 1,
                "scheduled_ts": iso(catalogue.matches[event].start),
            }
            for event, fees in catalogue.overrides.items()
            if fees.multiplier != 1
        ]
        listed, cursor = page(request, rows, most=1000)
        return 200, {"event_fee_changes": listed, "cursor": cursor}

    async def events(self, request: web.Request) -> Reply:
        """Events by series and state."""
        catalogue = self._house.catalogue
        wanted, status = request.query.get("series_ticker"), request.query.get("status")
        rows: list[Json] = []
        for event in catalogue.matches:
            if wanted and series_of(event) != wanted:
                continue
            states = {catalogue.status(ticker) for ticker in catalogue.tickers(event)}
            if status and not states & set(_states(status)):
                continue
            body = catalogue.event(event)
            if request.query.get("with_nested_markets") == "true":
                body["markets"] = [catalogue.listing(ticker) for ticker in catalogue.tickers(event)]
            rows.append(body)
        listed, cursor = page(request, rows, most=200, usual=200)
        return 200, {"events": listed, "cursor": cursor}

    async def event(self, request: web.Request) -> Reply:
        """One event with its markets."""
        catalogue, ticker = self._house.catalogue, request.match_info["ticker"]
        event = _found(catalogue.event, ticker)
        return 200, {"event": event, "markets": [catalogue.listing(one) for one in catalogue.tickers(ticker)]}

    async def markets(self, request: web.Request) -> Reply:
        """Markets by series, event, tickers and state."""
        catalogue, query = self._house.catalogue, request.query
        tickers = [ticker for event in catalogue.matches for ticker in catalogue.tickers(event)]
        if "tickers" in query:
            wanted = query["tickers"].split(",")
            tickers = [ticker for ticker in tickers if ticker in wanted]
        if "event_ticker" in query:
            tickers = [ticker for ticker in tickers if event_of(ticker) == query["event_ticker"]]
        if "series_ticker" in query:
            tickers = [ticker for ticker in tickers if series_of(ticker) == query["series_ticker"]]
        if "status" in query:
            tickers = [t for t in tickers if catalogue.status(t) in _states(query["status"])]
        listed, cursor = page(request, [catalogue.listing(ticker) for ticker in tickers], most=1000)
        return 200, {"markets": listed, "cursor": cursor}

    async def market(self, request: web.Request) -> Reply:
        """One market."""
        return 200, {"market": _found(self._house.catalogue.listing, request.match_info["ticker"])}

    async def orderbook(self, request: web.Request) -> Reply:
        """One book, whole or its best levels; the best is the last."""
        market = _found(self._house.catalogue.market, request.match_info["ticker"])
        depth = whole(request, "depth", 0, 100, 0)
        book = book_fp(market)
        if depth:
            book = {side: list(levels)[-depth:] for side, levels in book.items() if isinstance(levels, list)}
        return 200, {"orderbook_fp": book}

    async def orderbooks(self, request: web.Request) -> Reply:
        """Many books; the parameter is repeated, a list with commas is one name that nobody knows."""
        tickers = request.query.getall("tickers", [])
        if not 1 <= len(tickers) <= 100:
            raise bad_parameter("tickers")
        books: list[Json] = []
        for ticker in tickers:
            market = self._house.floor.market(ticker)
            if market is not None:
                books.append({"ticker": ticker, "orderbook_fp": book_fp(market)})
        return 200, {"orderbooks": books}

    async def trades(self, request: web.Request) -> Reply:
        """Public trades, newest first."""
        rows = list(reversed(self._trades))
        if "ticker" in request.query:
            rows = [row for row in rows if row["ticker"] == request.query["ticker"]]
        listed, cursor = page(request, rows, most=1000)
        return 200, {"trades": listed, "cursor": cursor}

    def traded(self, row: Json) -> None:
        """Keep a public trade for the list."""
        self._trades = [*self._trades[-4999:], row]

    # ---- the account

    async def limits(self, _: web.Request) -> Reply:
        """Budgets of the account."""
        return 200, {
            "usage_tier": self._tier,
            "read": {"refill_rate": self.read.per_s, "bucket_capacity": self.read.capacity},
            "write": {"refill_rate": self.write.per_s, "bucket_capacity": self.write.capacity},
            "grants": [{"exchange_instance": "event_contract", "level": self._tier, "source": "manual"}],
        }

    async def costs(self, _: web.Request) -> Reply:
        """What requests cost where it is not the usual."""
        rows = [
            {"method": method, "path": PREFIX + path.replace("{order_id}", ":order_id"), "cost": cost}
            for (method, path), cost in COSTS.items()
        ]
        rows.append(
            {"method": "DELETE", "path": f"{PREFIX}/portfolio/events/orders/batched", "cost": CANCEL_COST}
        )
        return 200, {"default_cost": DEFAULT_COST, "endpoint_costs": rows}

    async def api_keys(self, _: web.Request) -> Reply:
        """The keys, what they may do, and until when the location is attested."""
        keys = [
            {"api_key_id": key.key_id, "name": key.kind, "scopes": ["read", "write"]}
            for key in self._gate.keys
        ]
        return 200, {"api_keys": keys, "api_key_region_expiration_ts": int(time.time()) + 90 * 86_400}

    # ---- orders

    async def create(self, request: web.Request) -> Reply:
        """One order."""
        return 201, self._calls.create(await _body(request))

    async def create_batch(self, request: web.Request) -> Reply:
        """Many orders, each by itself."""
        answers: list[Json] = []
        for entry in await _entries(request):
            try:
                answers.append(self._calls.create(entry))
            except ApiError as error:
                answers.append({"client_order_id": entry.get("client_order_id", ""), "error": error.entry()})
        return 201, {"orders": answers}

    async def amend(self, request: web.Request) -> Reply:
        """Another price, total or end."""
        return 200, self._calls.amend(request.match_info["order_id"], await _body(request))

    async def decrease(self, request: web.Request) -> Reply:
        """Fewer contracts."""
        return 200, self._calls.decrease(request.match_info["order_id"], await _body(request))

    async def cancel(self, request: web.Request) -> Reply:
        """One order out."""
        index = whole(request, "exchange_index", -1, 99, -1)
        ticker = request.query.get("market_ticker", "")
        return 200, self._calls.cancel(request.match_info["order_id"], index, ticker)

    async def cancel_batch(self, request: web.Request) -> Reply:
        """Many orders out, each by itself."""
        answers: list[Json] = []
        for entry in await _entries(request):
            order_id = str(entry.get("order_id", ""))
            index, ticker = entry.get("exchange_index", -1), entry.get("market_ticker", "")
            try:
                answers.append(self._calls.cancel(order_id, index, ticker))
            except ApiError as error:
                answers.append({"order_id": order_id, "reduced_by": "0.00", "error": error.entry()})
        return 200, {"orders": answers}

    async def cancel_all(self, _: web.Request) -> Reply:
        """Everything out: 204 and no body."""
        self._calls.cancel_all()
        return 204, None

    # ---- groups and money

    async def make_group(self, request: web.Request) -> Reply:
        """A new order group."""
        body = await _body(request)
        return 201, self._house.groups.make(_limit(body), int(body.get("exchange_index", 0)))

    async def group_list(self, _: web.Request) -> Reply:
        """Every group."""
        return 200, {"order_groups": [group.told() for group in self._house.groups.known.values()]}

    async def group(self, request: web.Request) -> Reply:
        """One group and its orders."""
        group = self._house.groups.find(request.match_info["group_id"])
        orders = [t.order_id for t in self._house.resting() if t.group == group.group_id]
        return 200, {
            "is_auto_cancel_enabled": not group.triggered,
            "contracts_limit_fp": count(group.limit),
            "orders": orders,
            "exchange_index": group.shard,
        }

    async def change_group(self, request: web.Request) -> Reply:
        """Its limit, its reset, its trigger."""
        groups = self._house.groups
        group = groups.find(request.match_info["group_id"], whole(request, "exchange_index", 0, 99, 0))
        match request.match_info["what"]:
            case "limit":
                groups.limit(group, _limit(await _body(request)))
            case "reset":
                groups.reset(group)
            case "trigger":
                groups.trigger(group)
            case _:
                raise ApiError(404, "not_found")
        return 200, {}

    async def delete_group(self, request: web.Request) -> Reply:
        """A group and its orders out."""
        groups = self._house.groups
        groups.delete(groups.find(request.match_info["group_id"], whole(request, "exchange_index", 0, 99, 0)))
        return 200, {}

    async def transfer(self, request: web.Request) -> Reply:
        """Collateral from shard to shard, in centi-cents."""
        body = await _body(request)
        amount, source, target = (
            body.get(key) for key in ("amount", "source_exchange_shard", "destination_exchange_shard")
        )
        if not (isinstance(amount, int) and isinstance(source, int) and isinstance(target, int)):
            raise bad_field("amount and shards must be integers")
        self._house.bank.move(amount, source, target)
        balances = self._house.bank.balances()
        self._house.shown.later(lambda: self._house.shown.balances.update(balances))
        return 200, {"transfer_id": str(body.get("client_transfer_id", "transfer"))}


async def _gone(_: web.Request) -> Reply:
    raise ApiError(410, "deprecated_v1_order_endpoint", "Please switch to the V2 endpoints")


async def _unanswered(request: web.Request) -> web.StreamResponse:
    """Cut the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _body(request: web.Request) -> Body:
    try:
        body = json.loads(await request.read() or b"{}")
    except json.JSONDecodeError as error:
        raise bad_field(str(error)) from error
    if not isinstance(body, dict):
        raise bad_field("the body must be an object")
    return body


async def _entries(request: web.Request) -> list[dict[str, Any]]:
    entries = (await _body(request)).get("orders")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise bad_field("orders must be a list of objects")
    return entries


def _limit(body: Body) -> int:
    whole_number, text = body.get("contracts_limit"), body.get("contracts_limit_fp")
    if isinstance(whole_number, int) and not isinstance(whole_number, bool) and whole_number >= 1:
        return whole_number * 1_000_000
    limit = read_count(text)
    if limit is None:
        raise ApiError(400, "invalid_parameters", "contracts_limit")
    return limit


def _found(find: Callable[[str], Any], ticker: str) -> Any:
    try:
        return find(ticker)
    except KeyError:
        raise ApiError(404, "not_found") from None


def _states(status: str) -> tuple[str, ...]:
    if status == "settled":
        return ("finalized",)
    if status not in FILTERS:
        raise bad_parameter("status")
    return FILTERS[status]


def _writes(request: web.Request) -> bool:
    return request.method != "GET"


def trade_row(ticker: str, trade_id: str, at: int, size: int, taker: str, wall: int) -> Json:
    """A public trade as the list tells it."""
    side = "yes" if taker == "bid" else "no"
    return {
        "trade_id": trade_id,
        "ticker": ticker,
        "count_fp": count(size),
        "yes_price_dollars": price(at),
        "no_price_dollars": price(1_000_000 - at),
        "taker_side": side,
        "taker_outcome_side": side,
        "taker_book_side": taker,
        "created_time": iso(wall),
        "is_block_trade": False,
    }
