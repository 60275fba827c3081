"""The WebSocket side: subscriptions numbered by channel, each with one sequence over all its markets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from aiohttp import WSMsgType, web

from console.core.events import AnyEvent, BookDelta, BookSnapshot, Trade
from console.core.instruments import BookSide
from console.core.units import ONE
from console.sandbox.kalshi.errors import ApiError
from console.sandbox.kalshi.house import House
from console.sandbox.kalshi.keys import Gatekeeper
from console.sandbox.kalshi.rest import trade_row
from console.sandbox.kalshi.spelling import Json, count, iso, named, price

PATH: Final = "/trade-api/ws/v2"
BOOK, TRADE, TICKER, LIFECYCLE = "orderbook_delta", "trade", "ticker", "market_lifecycle_v2"
PRIVATE: Final = ("fill", "user_orders", "market_positions", "order_group_updates")
CHANNELS: Final = (BOOK, TRADE, TICKER, LIFECYCLE, *PRIVATE)
NUMBERED: Final = frozenset({BOOK, TRADE, LIFECYCLE, "order_group_updates"})
HEARTBEAT_S: Final = 10.0
QUEUE_MAX: Final = 50_000
ERRORS: Final = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs are required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market ticker required",
    15: "Action required",
    25: "Subscription buffer overflow",
}


class Subscription:
    """One channel of one session; `markets` None: all of them."""

    def __init__(self, channel: str, sid: int, markets: dict[str, None] | None, *, yes_price: bool) -> None:
        self.channel = channel
        self.sid = sid
        self.markets = markets
        self.yes_price = yes_price
        self.seq = 0

    def wants(self, ticker: str) -> bool:
        """Whether a market is part of it."""
        return self.markets is None or ticker in self.markets

    def next_seq(self) -> int:
        """The number of the next frame."""
        self.seq += 1
        return self.seq


class Refusal(Exception):
    """A command that is answered with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(ERRORS[code])
        self.code = code


class Session:
    """One connection. `frozen`: it says nothing, though its pings go on; `dead`: not even those."""

    def __init__(self, streams: Streams, socket: web.WebSocketResponse) -> None:
        self._streams = streams
        self.socket = socket
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_MAX)
        self.subscriptions: dict[int, Subscription] = {}
        self._next_sid = 1
        self.frozen = False
        self.dead = False

    # ---- commands

    def command(self, text: str) -> None:
        """Take one command."""
        if self.frozen or self.dead:
            return
        try:
            message = json.loads(text)
        except json.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            self.say({"type": "error", "msg": {"code": 1, "msg": ERRORS[1]}})
            return
        number = message.get("id", 0)
        try:
            self._obey(number, message.get("cmd"), message.get("params"))
        except Refusal as refusal:
            error: Json = {"type": "error", "msg": {"code": refusal.code, "msg": ERRORS[refusal.code]}}
            self.say({"id": number, **error} if number else error)

    def _obey(self, number: int, name: object, params: object) -> None:
        if name == "list_subscriptions":
            rows = [{"channel": s.channel, "sid": s.sid} for s in self.subscriptions.values()]
            self.say({"id": number, "type": "ok", "msg": rows})
            return
        if name not in ("subscribe", "unsubscribe", "update_subscription"):
            raise Refusal(5)
        if not isinstance(params, dict):
            raise Refusal(2)
        if name == "subscribe":
            self._subscribe(number, params)
        elif name == "unsubscribe":
            self._unsubscribe(number, params)
        else:
            self._update(number, params)

    def _subscribe(self, number: int, params: dict[str, Any]) -> None:
        channels = params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise Refusal(3)
        if any(channel not in CHANNELS for channel in channels):
            raise Refusal(8)
        tickers = _tickers(params)
        self._check(tickers)
        if BOOK in channels and not tickers:
            raise Refusal(14)
        for channel in channels:
            present = next((s for s in self.subscriptions.values() if s.channel == channel), None)
            if present is None:
                everywhere = channel == LIFECYCLE or not tickers
                markets = None if everywhere else dict.fromkeys(tickers)
                present = Subscription(
                    channel, self._next_sid, markets, yes_price=bool(params.get("use_yes_price", False))
                )
                self.subscriptions[present.sid] = present
                self._next_sid += 1
            elif present.markets is not None:
                present.markets.update(dict.fromkeys(tickers))
            self.say({"id": number, "type": "subscribed", "msg": {"channel": channel, "sid": present.sid}})
            if channel == BOOK:
                for ticker in tickers:
                    self.snapshot(present, ticker)

    def _unsubscribe(self, number: int, params: dict[str, Any]) -> None:
        sids = params.get("sids")
        if not isinstance(sids, list) or not sids:
            raise Refusal(4)
        for sid in sids:
            present = self.subscriptions.pop(sid, None)
            if present is None:
                raise Refusal(7)
            self.say({"id": number, "sid": sid, "seq": present.next_seq(), "type": "unsubscribed"})

    def _update(self, number: int, params: dict[str, Any]) -> None:
        sids = params.get("sids", [params["sid"]] if "sid" in params else [])
        if not isinstance(sids, list) or len(sids) != 1:
            raise Refusal(12)
        present = self.subscriptions.get(sids[0])
        if present is None:
            raise Refusal(7)
        tickers, action = _tickers(params), params.get("action")
        if action is None:
            raise Refusal(15)
        if not tickers:
            raise Refusal(14)
        self._check(tickers)
        if action == "get_snapshot":
            for ticker in tickers:
                self.snapshot(present, ticker, number)
            return
        if action not in ("add_markets", "delete_markets"):
            raise Refusal(13)
        markets = present.markets if present.markets is not None else {}
        fresh = [ticker for ticker in tickers if ticker not in markets]
        for ticker in tickers:
            if action == "add_markets":
                markets[ticker] = None
            else:
                markets.pop(ticker, None)
        present.markets = markets
        answer: Json = {"id": number, "sid": present.sid, "type": "ok", "msg": {"market_tickers": [*markets]}}
        if present.channel in NUMBERED:
            answer["seq"] = present.next_seq()
        self.say(answer)
        if action == "add_markets" and present.channel == BOOK:
            for ticker in fresh:
                self.snapshot(present, ticker)

    def _check(self, tickers: list[str]) -> None:
        if any(self._streams.house.floor.market(ticker) is None for ticker in tickers):
            raise Refusal(11)

    # ---- what is told

    def snapshot(self, subscription: Subscription, ticker: str, number: int = 0) -> None:
        """The whole book of a market; the key of an empty side is missing."""
        market = self._streams.house.catalogue.market(ticker)
        msg: Json = {"market_ticker": ticker, "market_id": named("market", ticker)}
        msg |= _ladders(market.snapshot(), yes_price=subscription.yes_price)
        frame: Json = {
            "type": "orderbook_snapshot",
            "sid": subscription.sid,
            "seq": subscription.next_seq(),
            "msg": msg,
        }
        self.say({**frame, "id": number} if number else frame)

    def publish(self, channel: str, kind: str, ticker: str, msg: Callable[[Subscription], Json]) -> None:
        """Tell a message to the subscription of its channel, if there is one that wants it."""
        for subscription in list(self.subscriptions.values()):
            if subscription.channel != channel or not subscription.wants(ticker):
                continue
            frame: Json = {"type": kind, "sid": subscription.sid}
            if channel in NUMBERED:
                frame["seq"] = subscription.next_seq()
            frame["msg"] = msg(subscription)
            if channel == BOOK and self._streams.house.evil.strikes("gap"):
                continue  # its number is used up all the same
            self.say(frame)
            if (
                channel in PRIVATE
                and channel not in NUMBERED
                and self._streams.house.evil.strikes("duplicate")
            ):
                self.say(frame)
                late_s = self._streams.house.evil.between(0.2, 3.0)
                asyncio.get_running_loop().call_later(late_s, self.say, frame)

    def say(self, frame: Json) -> None:
        """Send a frame, unless the connection is frozen."""
        if self.frozen or self.dead:
            return
        if self.queue.full():
            self.dead = True  # a reader that slow is cut off
            return
        self.queue.put_nowait(json.dumps(frame, separators=(",", ":")))

    def overflow(self) -> None:
        """A subscription dies of a full buffer."""
        book = next((s for s in self.subscriptions.values() if s.channel == BOOK), None)
        if book is not None:
            seq = book.next_seq()
            del self.subscriptions[book.sid]
            self.say({"sid": book.sid, "seq": seq, "type": "error", "msg": {"code": 25, "msg": ERRORS[25]}})


class Streams:
    """Every connection; the voice of the house."""

    def __init__(self, house: House, gate: Gatekeeper, traded: Callable[[Json], None]) -> None:
        self.house = house
        self._gate = gate
        self._traded = traded
        self.sessions: list[Session] = []
        self.opened = 0
        self.refused = False  # nobody gets in
        house.voice = self

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection until it ends; 401 for one that is not signed."""
        try:
            if self.refused:
                raise ApiError(503, "exchange_is_paused")
            self._gate.check(request.headers, "GET", PATH)
        except ApiError as error:
            return web.json_response(error.body(), status=error.status)
        socket = web.WebSocketResponse(autoping=True, max_msg_size=4 * 1024 * 1024)
        try:
            await socket.prepare(request)
        except ConnectionError:
            return web.Response()  # it is gone already
        session = Session(self, socket)
        self.sessions.append(session)
        self.opened += 1
        tasks = [asyncio.create_task(self._write(session)), asyncio.create_task(self._beat(session))]
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    session.command(message.data)
        finally:
            for task in tasks:
                task.cancel()
            self.sessions.remove(session)
        return socket

    async def _write(self, session: Session) -> None:
        while not session.dead or not session.queue.empty():
            text = await session.queue.get()
            try:
                await session.socket.send_str(text)
            except (ConnectionError, RuntimeError):
                return
        await session.socket.close()

    async def _beat(self, session: Session) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if not session.dead:
                try:
                    await session.socket.ping(b"heartbeat")
                except (ConnectionError, RuntimeError):
                    return

    async def close_all(self, code: int = 1001) -> None:
        """Close every connection, as on Thursdays."""
        for session in list(self.sessions):
            await session.socket.close(code=code, message=b"scheduled maintenance")

    # ---- the voice

    def public(self, event: AnyEvent, mine: str, trade_id: str) -> None:
        """A change of a book, a trade, an emptied book."""
        match event:
            case BookDelta():
                self._delta(event, mine)
            case Trade():
                self._trade(event, trade_id)
            case BookSnapshot():
                self._emptied(event)
            case _:
                pass

    def _delta(self, event: BookDelta, mine: str) -> None:
        ticker, wall = event.instrument.symbol, self.house.wall()
        yes = event.side is BookSide.BID

        def msg(subscription: Subscription) -> Json:
            shown = event.price if yes or subscription.yes_price else ONE - event.price
            body: Json = {
                "market_ticker": ticker,
                "market_id": named("market", ticker),
                "price_dollars": price(shown),
                "delta_fp": count(event.change),
                "side": "yes" if yes else "no",
                "ts": iso(wall),
                "ts_ms": wall // 1_000_000,
            }
            return {**body, "client_order_id": mine, "subaccount": 0} if mine else body

        for session in self.sessions:
            session.publish(BOOK, "orderbook_delta", ticker, msg)

    def _trade(self, event: Trade, trade_id: str) -> None:
        ticker, wall, taker = event.instrument.symbol, self.house.wall(), event.taker.value
        row = trade_row(ticker, trade_id, event.price, event.size, taker, wall)
        self._traded(row)
        body: Json = {key: value for key, value in row.items() if key not in ("ticker", "created_time")}
        body |= {"market_ticker": ticker, "ts": wall // 1_000_000_000, "ts_ms": wall // 1_000_000}
        for session in self.sessions:
            session.publish(TRADE, "trade", ticker, lambda _: body)

    def _emptied(self, event: BookSnapshot) -> None:
        """A wiped book shows level by level on the real stream; a fresh snapshot says as much."""
        ticker = event.instrument.symbol
        for session in self.sessions:
            for subscription in session.subscriptions.values():
                if subscription.channel == BOOK and subscription.wants(ticker):
                    session.snapshot(subscription, ticker)

    def tell(self, channel: str, kind: str, msg: Json) -> None:
        """A private or lifecycle message."""
        ticker = str(msg.get("market_ticker") or msg.get("ticker") or "")
        for session in self.sessions:
            session.publish(channel, kind, ticker, lambda _: msg)


def _ladders(book: BookSnapshot, *, yes_price: bool) -> Json:
    sides: Json = {}
    if book.bids:
        sides["yes_dollars_fp"] = [[price(at), count(size)] for at, size in sorted(book.bids)]
    if book.asks:
        worst_first = sorted(book.asks, reverse=True)
        sides["no_dollars_fp"] = [
            [price(at if yes_price else ONE - at), count(size)] for at, size in worst_first
        ]
    return sides


def _tickers(params: dict[str, Any]) -> list[str]:
    one, many = params.get("market_ticker"), params.get("market_tickers")
    if one is not None and many is not None:
        raise Refusal(11)
    if isinstance(one, str):
        return [one]
    if many is None:
        return []
    if not isinstance(many, list) or not all(isinstance(ticker, str) for ticker in many):
        raise Refusal(11)
    return many
