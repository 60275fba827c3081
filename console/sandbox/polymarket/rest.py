"""The order book host of the pretended venue: who may ask, what is answered, and how answers get lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from console.core.units import ONE
from console.sandbox.polymarket.crypto import BadSignature, attested, hmac_text
from console.sandbox.polymarket.entry import NO_BOOK, Refusal
from console.sandbox.polymarket.listing import Listing, clob_market, long_market
from console.sandbox.polymarket.spelling import text
from console.sandbox.polymarket.venue import RESTART_S, Venue

PAGE = 100
SKEW_S = 300
UNLIMITED = str(2**256 - 1)
SPENDERS = (
    "0xE111180000d2663C0091e4f400237545B87B996B",
    "0xe2222d279d744050d28e00520010520000310F59",
    "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
)
CANCEL_ONLY = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
POST_ONLY = "post-only mode: only post-only orders and cancels are allowed"
ORDERS, CANCELS = (40.0, 60.0), (80.0, 120.0)  # of the standard tier: a second, at once

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bucket:
    """A token bucket of one signer."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at = burst, time.monotonic()

    def take(self, cost: float) -> bool:
        """Whether a request passes; a batch passes whole or not at all."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if cost > self._tokens:
            return False
        self._tokens -= cost
        return True


class Books:
    """Everything under the root of the order book host."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._faults = venue.faults
        self._orders = Bucket(*ORDERS)
        self._cancels = Bucket(*CANCELS)
        self.requests: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        """Every address it answers."""
        public: dict[str, Handler] = {
            "/time": self._time,
            "/ok": self._ok,
            "/version": self._version,
            "/api/geoblock": self._geoblock,
            "/book": self._book,
            "/midpoint": self._midpoint,
            "/price": self._price,
            "/spread": self._spread,
            "/tick-size": self._tick_size,
            "/neg-risk": self._neg_risk,
            "/fee-rate": self._fee_rate,
            "/last-trade-price": self._last_trade,
            "/markets-by-token/{token}": self._by_token,
            "/clob-markets/{condition}": self._clob_market,
            "/markets/{condition}": self._long_market,
        }
        private: dict[tuple[str, str], Handler] = {
            ("GET", "/auth/api-keys"): self._keys,
            ("GET", "/auth/ban-status/closed-only"): self._closed_only,
            ("GET", "/data/orders"): self._open_orders,
            ("GET", "/data/order/{digest}"): self._open_order,
            ("GET", "/data/trades"): self._trades,
            ("GET", "/balance-allowance"): self._balance,
            ("GET", "/balance-allowance/update"): self._update,
            ("GET", "/rewards/user"): self._rewards,
            ("POST", "/v1/heartbeats"): self._heartbeat,
        }
        writes: dict[tuple[str, str], Handler] = {
            ("POST", "/order"): self._post_order,
            ("POST", "/orders"): self._post_orders,
            ("DELETE", "/order"): self._delete_order,
            ("DELETE", "/orders"): self._delete_orders,
            ("DELETE", "/cancel-all"): self._cancel_all,
            ("DELETE", "/cancel-market-orders"): self._cancel_market,
        }
        return [
            *(web.get(path, handler) for path, handler in public.items()),
            web.post("/books", self._books),
            web.post("/auth/api-key", self._derive),
            web.get("/auth/derive-api-key", self._derive),
            *(web.route(m, path, self._signed(h)) for (m, path), h in private.items()),
            *(web.route(m, path, self._unlucky(self._signed(h))) for (m, path), h in writes.items()),
        ]

    # ---- who asks, and what becomes of it

    def _signed(self, handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            self.requests[request.path] = self.requests.get(request.path, 0) + 1
            if not await self._proves(request):
                return _error(401, "Unauthorized/Invalid api key")
            return await handler(request)

        return checked

    async def _proves(self, request: web.Request) -> bool:
        given, creds = request.headers, self._venue.credentials
        stamp = given.get("POLY_TIMESTAMP", "")
        if not stamp.isdigit() or abs(int(stamp) - time.time()) > SKEW_S:
            return False
        body = await request.read()
        wanted = hmac_text(creds["secret"], stamp, request.method, request.path, body)
        return (
            given.get("POLY_API_KEY") == creds["apiKey"]
            and given.get("POLY_PASSPHRASE") == creds["passphrase"]
            and given.get("POLY_ADDRESS", "").lower() == self._venue.address.lower()
            and given.get("POLY_SIGNATURE") == wanted
        )

    def _unlucky(self, handler: Handler) -> Handler:
        """Requests about orders may get lost on either way, be late, or be too many."""

        async def tried(request: web.Request) -> web.StreamResponse:
            await request.read()
            if self._faults.strikes("lost_requests"):
                return _cut(request)
            if self._faults.strikes("limits"):
                return _limited()
            if self._faults.strikes("slow"):
                await asyncio.sleep(self._faults.between(0.2, 2.0))
            answer = await handler(request)
            return _cut(request) if self._faults.strikes("lost_answers") else answer

        return tried

    # ---- orders

    async def _post_order(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        closed = self._closed([body])
        if closed is not None:
            return closed
        if not self._orders.take(1.0):
            return _limited()
        fails = self._faults.strikes("errors")
        if fails and self._faults.between(0.0, 1.0) < 0.5:
            return _error(500, "could not insert order")
        try:
            told = self._venue.place_one(body)
        except Refusal as refusal:
            return _error(refusal.status, refusal.words)
        return _error(500, "could not insert order") if fails else _ok(told)

    async def _post_orders(self, request: web.Request) -> web.StreamResponse:
        bodies = json.loads(await request.read())
        if len(bodies) > 15:
            return _error(400, f"Too many orders in payload: {len(bodies)}, max allowed: 15")
        closed = self._closed(bodies)
        if closed is not None:
            return closed
        if not self._orders.take(float(len(bodies))):
            return _limited()
        return _ok(self._venue.place(bodies))

    def _closed(self, bodies: list[dict[str, Any]]) -> web.Response | None:
        """Why no order is taken now, in the venue's words."""
        mode = self._venue.mode
        if mode == "restarting":
            return _error(425, "Too Early")
        if mode == "cancel_only":
            return _error(503, CANCEL_ONLY)
        if mode == "post_only" and not all(body.get("postOnly") for body in bodies):
            told = {"error": POST_ONLY, "code": "post_only_mode", "retry_after_seconds": RESTART_S}
            return web.json_response(told, status=503, headers={"Retry-After": str(int(RESTART_S))})
        return None

    async def _delete_order(self, request: web.Request) -> web.StreamResponse:
        return self._cancelled([json.loads(await request.read())["orderID"]])

    async def _delete_orders(self, request: web.Request) -> web.StreamResponse:
        return self._cancelled(json.loads(await request.read()))

    def _cancelled(self, digests: list[str]) -> web.Response:
        if not self._cancels.take(float(len(digests))):
            return _limited()
        return _ok(self._venue.cancel(digests))

    async def _cancel_all(self, _request: web.Request) -> web.StreamResponse:
        self._venue.step()
        return _ok({"canceled": self._venue.cancel_all(), "not_canceled": {}})

    async def _cancel_market(self, request: web.Request) -> web.StreamResponse:
        told = json.loads(await request.read())
        market, token = told.get("market"), told.get("asset_id")
        gone = self._venue.cancel_all(
            of=lambda o: (not market or o.listing.condition == market) and (not token or o.token == token)
        )
        return _ok({"canceled": gone, "not_canceled": {}})

    async def _heartbeat(self, request: web.Request) -> web.StreamResponse:
        self._venue.step()
        accepted, following = self._venue.heartbeat(json.loads(await request.read()).get("heartbeat_id", ""))
        if accepted:
            return _ok({"heartbeat_id": following})
        told = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": following}
        return web.json_response(told, status=400)

    # ---- the account

    async def _derive(self, request: web.Request) -> web.StreamResponse:
        try:
            who = attested(request.headers)
        except BadSignature:
            return _error(401, "Invalid L1 Request headers")
        if who.lower() != self._venue.address.lower():
            return _error(401, "Invalid L1 Request headers")
        if request.method == "POST":
            return _error(400, "Could not create api key")  # it has one: derive it
        return _ok(self._venue.credentials)

    async def _keys(self, _request: web.Request) -> web.StreamResponse:
        return _ok({"apiKeys": [self._venue.credentials["apiKey"]]})

    async def _closed_only(self, _request: web.Request) -> web.StreamResponse:
        return _ok({"closed_only": self._faults.on("closed_only")})

    async def _open_orders(self, request: web.Request) -> web.StreamResponse:
        self._venue.step()
        wanted = request.query
        orders = [
            order.listed(self._venue.credentials["apiKey"])
            for order in self._venue.ledger.open.values()
            if wanted.get("market", order.listing.condition) == order.listing.condition
            and wanted.get("asset_id", order.token) == order.token
            and wanted.get("id", order.digest) == order.digest
        ]
        return _page(orders, wanted.get("next_cursor", ""))

    async def _open_order(self, request: web.Request) -> web.StreamResponse:
        self._venue.step()
        order = self._venue.ledger.open.get(request.match_info["digest"])
        return _ok(None if order is None else order.listed(self._venue.credentials["apiKey"]))

    async def _trades(self, request: web.Request) -> web.StreamResponse:
        self._venue.step()
        wanted = request.query
        trades = [
            trade.told(rest=True)
            for trade in reversed(self._venue.ledger.trades.values())
            if wanted.get("id", trade.id) == trade.id
            and wanted.get("market", trade.listing.condition) == trade.listing.condition
            and trade.matched_ms // 1000 >= int(wanted.get("after", "0"))
        ]
        return _page(trades, wanted.get("next_cursor", ""))

    async def _balance(self, request: web.Request) -> web.StreamResponse:
        self._venue.step()
        held = self._venue.ledger.cash
        if request.query.get("asset_type") != "COLLATERAL":
            held = self._venue.ledger.believed(request.query.get("token_id", ""), self._venue.now)
        most = "0" if self._faults.on("no_allowance") else UNLIMITED
        return _ok({"balance": str(held), "allowances": dict.fromkeys(SPENDERS, most)})

    async def _update(self, request: web.Request) -> web.StreamResponse:
        self._venue.ledger.read_chain(request.query.get("token_id", ""))
        return _ok("")

    async def _rewards(self, _request: web.Request) -> web.StreamResponse:
        return _page([], "")

    # ---- public

    async def _time(self, _request: web.Request) -> web.StreamResponse:
        return _ok(int(time.time()))

    async def _ok(self, _request: web.Request) -> web.StreamResponse:
        return _ok("OK")

    async def _version(self, _request: web.Request) -> web.StreamResponse:
        return _ok({"version": 2})

    async def _geoblock(self, _request: web.Request) -> web.StreamResponse:
        blocked = self._faults.on("geoblock")
        return _ok(
            {"blocked": blocked, "ip": "127.0.0.1", "country": "US" if blocked else "CH", "region": ""}
        )

    async def _book(self, request: web.Request) -> web.StreamResponse:
        listing = self._listed(request)
        if listing is None:
            return _error(404, NO_BOOK)
        self._venue.step()
        return _ok(self._venue.publisher.book(listing, listing.outcome_of(request.query["token_id"])))

    async def _books(self, request: web.Request) -> web.StreamResponse:
        self._venue.step()
        wanted = [entry["token_id"] for entry in json.loads(await request.read())][:500]
        known = [token for token in sorted(wanted) if token in self._venue.by_token]  # in an order of its own
        listings = [self._venue.by_token[token] for token in known]
        told = zip(known, listings, strict=True)
        return _ok([self._venue.publisher.book(listing, listing.outcome_of(t)) for t, listing in told])

    def _best(self, request: web.Request) -> tuple[int, int] | None:
        listing = self._listed(request)
        if listing is None:
            return None
        bid, ask = self._venue.publisher.best(listing)
        bid, ask = bid or 0, ONE if ask is None else ask
        return (bid, ask) if request.query["token_id"] == listing.tokens[0] else (ONE - ask, ONE - bid)

    async def _midpoint(self, request: web.Request) -> web.StreamResponse:
        best = self._best(request)
        return _error(404, NO_BOOK) if best is None else _ok({"mid": text(sum(best) // 2)})

    async def _price(self, request: web.Request) -> web.StreamResponse:
        best = self._best(request)
        if best is None:
            return _error(404, NO_BOOK)
        return _ok({"price": text(best[0 if request.query.get("side") == "BUY" else 1])})

    async def _spread(self, request: web.Request) -> web.StreamResponse:
        best = self._best(request)
        return _error(404, NO_BOOK) if best is None else _ok({"spread": text(best[1] - best[0])})

    async def _tick_size(self, request: web.Request) -> web.StreamResponse:
        listing = self._listed(request)
        return _error(404, NO_BOOK) if listing is None else _ok({"minimum_tick_size": listing.tick / ONE})

    async def _neg_risk(self, request: web.Request) -> web.StreamResponse:
        listing = self._listed(request)
        return _error(404, NO_BOOK) if listing is None else _ok({"neg_risk": listing.neg_risk})

    async def _fee_rate(self, _request: web.Request) -> web.StreamResponse:
        return _ok({"base_fee": 1000})

    async def _last_trade(self, request: web.Request) -> web.StreamResponse:
        listing = self._listed(request)
        if listing is None:
            return _error(404, NO_BOOK)
        told = listing.last_trade
        return _ok({"price": told or "0.5", "side": "BUY" if told else ""})

    async def _by_token(self, request: web.Request) -> web.StreamResponse:
        listing = self._venue.by_token.get(request.match_info["token"])
        if listing is None:
            return _error(404, "market not found")
        first, second = listing.tokens
        return _ok(
            {"condition_id": listing.condition, "primary_token_id": first, "secondary_token_id": second}
        )

    async def _clob_market(self, request: web.Request) -> web.StreamResponse:
        listing = self._venue.by_condition.get(request.match_info["condition"])
        return _error(404, "market not found") if listing is None else _ok(clob_market(listing))

    async def _long_market(self, request: web.Request) -> web.StreamResponse:
        listing = self._venue.by_condition.get(request.match_info["condition"])
        return _error(404, "market not found") if listing is None else _ok(long_market(listing))

    def _listed(self, request: web.Request) -> Listing | None:
        return self._venue.by_token.get(request.query.get("token_id", ""))


def _ok(told: Any) -> web.Response:
    return web.json_response(told, headers={"Poly-RateLimit-Tier": "standard"})


def _error(status: int, words: str) -> web.Response:
    return web.json_response({"error": words}, status=status)


def _limited() -> web.Response:
    headers = {"Retry-After": "1", "Poly-RateLimit-Remaining": "0", "Poly-RateLimit-Tier": "standard"}
    return web.json_response({"error": "Too Many Requests"}, status=429, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """Nothing comes back."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _page(rows: list[dict[str, Any]], cursor: str) -> web.Response:
    """Some rows and where the next begin; the cursor is a number in disguise."""
    start = int(cursor.removeprefix("c")) if cursor.startswith("c") else 0
    some = rows[start : start + PAGE]
    following = f"c{start + PAGE}" if start + PAGE < len(rows) else "LTE="
    return _ok({"limit": PAGE, "count": len(some), "next_cursor": following, "data": some})
