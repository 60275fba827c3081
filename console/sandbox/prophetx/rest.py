"""The REST side: every path of both dialects, with their answers, refusals and limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from msgspec import Struct

from console.sandbox.prophetx.entry import Entry
from console.sandbox.prophetx.exchange import Exchange, Turned, User
from console.sandbox.prophetx.faults import Faults
from console.sandbox.prophetx.luck import Luck
from console.sandbox.prophetx.pool import Wager
from console.sandbox.prophetx.programme import Fixture
from console.sandbox.prophetx.push import APP_ID, KEY, PushServer
from console.sandbox.prophetx.reports import Reports
from console.sandbox.prophetx.words import (
    LEGACY,
    V4,
    Json,
    Words,
    balance,
    dollars,
    event,
    market,
    row,
    tournament,
)

BATCH_MAX = 20
EVENTS_MAX = 50
PREFIX = "/partner"
LEGACY_CODES = {
    "order_external_id_existed": "wager_external_id_existed",
    "invalid_price": "wager_invalid_odds",
    "invalid_strike_id": "invalid_line_id",
    "invalid_quantity": "invalid_stake",
    "order_limit_exceeded": "wager_limit_exceeded",
    "order_already_cancelled": "wager_already_cancelled",
    "order_already_filled": "wager_already_matched",
    "order_is_placing": "wager_is_placing",
    "order_quantity_exceeds_max": "wager_stake_exceeds_max",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = Callable[["Asked"], Json]


class Asked(Struct):
    """One request, and who asks in which words."""

    words: Words
    user: User
    request: web.Request
    body: Json


class Rest:
    """Routes requests to the exchange. Handlers answer at once; lateness and losses happen around them."""

    def __init__(
        self, exchange: Exchange, entry: Entry, push: PushServer, reports: Reports, faults: Faults, luck: Luck
    ) -> None:
        self._exchange = exchange
        self._entry = entry
        self._push = push
        self._reports = reports
        self._faults = faults
        self._luck = luck
        self.host = ""

    def routes(self) -> list[web.RouteDef]:
        """Every route."""
        made = [
            web.post(f"{PREFIX}/auth/login", self._login),
            web.post(f"{PREFIX}/auth/refresh", self._refresh),
            web.get(f"{PREFIX}/mm/get_tournaments", self._handler(V4, self._tournaments, query=True)),
            web.get(f"{PREFIX}/mm/get_sport_events", self._handler(V4, self._events, query=True)),
            web.get(f"{PREFIX}/websocket/connection-config", self._handler(V4, self._config)),
        ]
        for words, mm, v2 in ((V4, "/v4/mm", "/v4/mm"), (LEGACY, "/mm", "/v2/mm")):
            v4 = words.v4
            order, orders = ("order", "orders") if v4 else ("wager", "wagers")
            ladder = "get_price_ladder" if v4 else "get_odds_ladder"
            place = (
                ("submit_order", "submit_multiple_orders") if v4 else ("place_wager", "place_multiple_wagers")
            )
            history = "get_order_history" if v4 else "get_wager_histories"
            register = "/v4/mm/websocket" if v4 else "/mm/pusher"
            reads: list[tuple[str, Answer, bool]] = [
                (f"{mm}/{ladder}", self._ladder, True),
                (f"{v2}/get_markets", self._markets, True),
                (f"{v2}/get_multiple_markets", self._many_markets, True),
                (f"{mm}/get_{order}/{{id}}", self._one, False),
                (f"{v2}/{history}", self._history, False),
                (f"{mm}/get_balance", self._balance, False),
                (f"{v2}/get_transactions", self._transactions, False),
            ]
            writes: list[tuple[str, Answer]] = [
                (f"{mm}/{place[0]}", self._place),
                (f"{mm}/{place[1]}", self._place_many),
                (f"{mm}/cancel_{order}", self._cancel),
                (f"{mm}/cancel_multiple_{orders}", self._cancel_many),
                (f"{mm}/cancel_all_{orders}", self._cancel_all),
                (f"{mm}/cancel_{orders}_by_event", self._cancel_event),
                (f"{mm}/cancel_{orders}_by_market", self._cancel_market),
            ]
            made += [web.get(PREFIX + path, self._handler(words, act, query=q)) for path, act, q in reads]
            made += [web.post(PREFIX + path, self._handler(words, act, writes=True)) for path, act in writes]
            made.append(web.post(PREFIX + register, self._registers(words)))
        return made

    # ---- around every request

    def _handler(self, words: Words, act: Answer, *, query: bool = False, writes: bool = False) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                user = self._exchange.user(self._entry.user_of(request.headers.get("Authorization", "")))
                self._entry.count(user.user_id, query=query)
                if self._faults.strikes("busy", 0.05):
                    raise Turned(429, "rate_limit_reached")
                body = await _body(request)
                if self._faults.on("slow"):
                    await asyncio.sleep(self._luck.between(0.0, 1.5))
                if writes and self._faults.strikes("errors", 0.01):
                    raise Turned(500, "unknown_error")
                self._exchange.step()
                told = act(Asked(words, user, request, body))
            except Turned as turned:
                return _turned(words, turned)
            if writes and self._faults.strikes("errors", 0.01):
                return _turned(words, Turned(500, "unknown_error"))
            if writes and self._faults.strikes("lost_replies", 0.03) and request.transport is not None:
                request.transport.abort()
            return _json(told)

        return handle

    def _registers(self, words: Words) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                user = self._entry.user_of(request.headers.get("Authorization", ""))
                self._entry.count(user, query=False)
                if words.v4:
                    fields = await _body(request)
                    wanted = fields.get("subscriptions") or []
                else:
                    fields = dict(await request.post())
                    wanted = json.loads(request.headers.get("header-subscriptions", "[]"))
                return _json(self._push.register(user, fields.get("socket_id"), wanted, words))
            except Turned as turned:
                return _turned(words, turned)

        return handle

    async def _login(self, request: web.Request) -> web.StreamResponse:
        fields = await _body(request)
        try:
            self._entry.sessions_max = 3 if self._faults.on("few_sessions") else 20
            self._entry.life_s = 20.0 if self._faults.on("short_tokens") else self._entry.life_s
            return _json({"data": self._entry.login(fields.get("access_key"), fields.get("secret_key"))})
        except Turned as turned:
            return _turned(V4, turned)

    async def _refresh(self, request: web.Request) -> web.StreamResponse:
        fields = await _body(request)
        try:
            return _json({"data": self._entry.refresh(fields.get("refresh_token"))})
        except Turned as turned:
            return _turned(V4, turned)

    # ---- what is listed

    def _config(self, _: Asked) -> Json:
        return {"app_id": APP_ID, "key": KEY, "cluster": "us2", "ws_host": self.host, "service": "pusher"}

    def _tournaments(self, _: Asked) -> Json:
        seen = {f.league.tournament: f for f in self._exchange.fixtures.values()}
        return {"data": {"tournaments": [tournament(f, self._exchange.now()) for f in seen.values()]}}

    def _events(self, asked: Asked) -> Json:
        wanted = asked.request.query
        ids = [int(one) for one in wanted.get("event_ids", "").split(",") if one.isdecimal()]
        listed = [f for f in self._exchange.fixtures.values() if f.listed]
        if ids:
            listed = [f for f in listed if f.event_id in ids]
        elif wanted.get("tournament_id", "").isdecimal():
            listed = [f for f in listed if f.league.tournament == int(wanted["tournament_id"])]
        else:
            raise Turned(400, "invalid_param")
        return {"data": {"sport_events": [event(f, self._exchange.now()) for f in listed] or None}}

    def _ladder(self, _: Asked) -> Json:
        return {"data": self._exchange.ladder}

    def _markets(self, asked: Asked) -> Json:
        fixture = self._fixture(asked.request.query.get("event_id", ""))
        return {"data": {"event_id": fixture.event_id, "markets": self._of(asked.words, fixture)}}

    def _many_markets(self, asked: Asked) -> Json:
        ids = [one for one in asked.request.query.get("event_ids", "").split(",") if one]
        if len(ids) > EVENTS_MAX:
            raise Turned(400, "market_event_limit_exceeded")
        known = {str(f.event_id): f for f in self._exchange.fixtures.values()}
        return {"data": {one: self._of(asked.words, known[one]) for one in ids if one in known}}

    def _of(self, words: Words, fixture: Fixture) -> Json:
        if fixture.status == "finished" or not fixture.listed:
            return None
        now = self._exchange.now()
        return [market(words, fixture, one, self._exchange.pools, now) for one in fixture.markets]

    def _fixture(self, text: str) -> Fixture:
        fixture = self._exchange.fixtures.get(int(text)) if text.isdecimal() else None
        if fixture is None:
            raise Turned(404, "sport_event_not_found")
        return fixture

    # ---- orders

    def _place(self, asked: Asked) -> Json:
        return {
            "data": {
                "success": True,
                asked.words.order: row(asked.words, self._placed(asked.words, asked.user, asked.body)),
            }
        }

    def _placed(self, words: Words, user: User, fields: Json) -> Wager:
        if not isinstance(fields, dict):
            raise Turned(400, "invalid_request")
        strategy = fields.get(words.strategy)
        if strategy == "ALO" and (self._faults.on("no_add_only") or not words.v4):
            raise Turned(400, "err_add_liquidity_only_disabled")
        if self._faults.on("slow_activation"):
            self._exchange.delays.activation, self._exchange.delays.activation_spread = 2.0, 2.0
        wager = self._exchange.place(
            user,
            fields.get("external_id"),
            fields.get(words.line_id),
            fields.get(words.odds),
            fields.get(words.stake),
            strategy,
        )
        self._reports.heard(wager)
        return wager

    def _place_many(self, asked: Asked) -> Json:
        entries = _entries(asked.body)
        succeeded, failed = [], []
        for index, fields in enumerate(entries):
            try:
                succeeded.append(row(asked.words, self._placed(asked.words, asked.user, fields)))
            except Turned as turned:
                code = _code(asked.words, turned.code)
                said = {"index": index, "request": fields, "error": code, "message": turned.message}
                failed.append(said)
        return {"data": {asked.words.succeeded: succeeded, asked.words.failed: failed}}

    def _cancel(self, asked: Asked) -> Json:
        self._cancelled(asked.words, asked.user, asked.body)
        return {"data": {"success": True}}

    def _cancelled(self, words: Words, user: User, fields: Json) -> Wager:
        wager = self._exchange.wagers.get(str(fields.get(words.id)))
        if wager is None or wager.user != user.user_id:
            raise Turned(404, "data_not_found")
        if fields.get("external_id") not in (None, wager.external_id):
            raise Turned(400, "order_not_matching_external_id")
        if self._faults.strikes("locks", 0.2):
            raise Turned(425, "order_opened_retry")
        self._exchange.cancel(wager)
        return wager

    def _cancel_many(self, asked: Asked) -> Json:
        told: list[dict[str, Any]] = []
        for fields in _entries(asked.body):
            try:
                told.append(
                    {
                        "success": True,
                        asked.words.order: row(asked.words, self._cancelled(asked.words, asked.user, fields)),
                    }
                )
            except Turned as turned:
                said = {"error": _code(asked.words, turned.code), "message": turned.message}
                named = {asked.words.id: fields.get(asked.words.id), "external_id": fields.get("external_id")}
                told.append({"success": False, asked.words.order: named, "error": said})
        return {"data": told}

    def _cancel_all(self, asked: Asked) -> Json:
        return self._swept(list(asked.user.live.values()))

    def _cancel_event(self, asked: Asked) -> Json:
        if not isinstance(asked.body.get("event_id"), int):
            raise Turned(400, "invalid_event_id")
        return self._swept(
            [w for w in asked.user.live.values() if w.pool.fixture.event_id == asked.body["event_id"]]
        )

    def _cancel_market(self, asked: Asked) -> Json:
        side = asked.body.get(asked.words.line_id)
        wanted = [
            w
            for w in asked.user.live.values()
            if w.pool.fixture.event_id == asked.body.get("event_id")
            and str(w.pool.market.market_id) == str(asked.body.get("market_id"))
            and side in (None, w.pool.line.sides[w.side].side_id)
        ]
        return self._swept(wanted)

    def _swept(self, wagers: list[Wager]) -> Json:
        if not self._exchange.cancel_many(wagers):
            said = "Failed to cancel orders. No available orders to be cancelled"
            raise Turned(404, "no_cancellable_orders", said)
        return {"data": {"success": True}}

    # ---- lists and money

    def _one(self, asked: Asked) -> Json:
        return self._reports.one(asked.words, asked.user.user_id, asked.request.match_info["id"])

    def _history(self, asked: Asked) -> Json:
        return self._reports.page(asked.words, asked.user.user_id, dict(asked.request.query))

    def _balance(self, asked: Asked) -> Json:
        known = not self._faults.on("stale_balance")
        cents = self._exchange.balance(asked.user)
        return {"data": balance(asked.words, asked.user, cents, self._exchange.now(), known)}

    def _transactions(self, asked: Asked) -> Json:
        wanted = asked.request.query.get("transaction_type")
        told = [
            {"id": str(number), "amount": dollars(int(str(t["cents"]))), **t}
            for number, t in enumerate(asked.user.transactions)
            if wanted in (None, t["transaction_type"])
        ]
        return {"data": {"transactions": told[-1000:], "next_cursor": ""}}


async def _body(request: web.Request) -> Json:
    text = await request.text()
    try:
        return json.loads(text) if text else {}
    except ValueError:
        raise Turned(400, "invalid_request") from None


def _entries(body: Json) -> list[Json]:
    entries = body.get("data") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        raise Turned(400, "invalid_request")
    if len(entries) > BATCH_MAX:
        raise Turned(400, "order_limit_exceeded")
    return entries


def _code(words: Words, code: str) -> str:
    return code if words.v4 else LEGACY_CODES.get(code, code)


def _turned(words: Words, turned: Turned) -> web.Response:
    return _json({"error": _code(words, turned.code), "message": turned.message}, turned.status)


def _json(told: Json, status: int = 200) -> web.Response:
    return web.json_response(told, status=status)
