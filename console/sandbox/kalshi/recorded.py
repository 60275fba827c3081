"""A recorded public stream played again over the real wire: its books and trades, at the pace they had."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web

from console.core.units import ONE, micros
from console.sandbox.command import Opening, SandboxError
from console.sandbox.kalshi.spelling import Json, count, iso, named, price

PREFIX: Final = "/trade-api/v2"
PATH: Final = "/trade-api/ws/v2"
BOOK, TRADE = "orderbook_delta", "trade"
FAR_S: Final = 14 * 86_400
FINE: Final = {"start": "0.0000", "end": "1.0000", "step": "0.0010"}


class Recording:
    """Frames of a file, each `{"recv_ms", "event"}` on a line, and the books they have led to so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.tickers = sorted({_ticker(frame) for _, frame in self.frames()} - {""})
        if not self.tickers:
            raise SandboxError(f"sandbox: {path}: no frames of a market stream in it")
        self.books: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: {"yes": {}, "no": {}})

    def frames(self) -> Iterator[tuple[float, Json]]:
        """Seconds since the first one, and the frame."""
        began: float | None = None
        try:
            opened = gzip.open if self._path.suffix == ".gz" else open
            with opened(self._path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    at = row["recv_ms"] / 1000.0
                    began = at if began is None else began
                    yield at - began, row["event"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SandboxError(f"sandbox: {self._path}: not a recording: {error}") from error

    def fold(self, frame: Json) -> None:
        """Take a frame into the books."""
        msg: Any = frame["msg"]
        book = self.books[_ticker(frame)]
        if frame["type"] == "orderbook_snapshot":
            for side in ("yes", "no"):
                book[side] = {at: micros(size) for at, size in msg.get(f"{side}_dollars_fp", [])}
        elif frame["type"] == "orderbook_delta":
            levels = book[msg["side"]]
            levels[msg["price_dollars"]] = levels.get(msg["price_dollars"], 0) + micros(msg["delta_fp"])
            if levels[msg["price_dollars"]] <= 0:
                del levels[msg["price_dollars"]]

    def ladder(self, ticker: str, side: str, *, yes_price: bool) -> list[list[str]]:
        """One side of a book, ascending in its own prices."""
        mirrored = yes_price and side == "no"
        levels = sorted(self.books[ticker][side].items())
        return [[price(ONE - micros(at)) if mirrored else at, count(size)] for at, size in levels]


class Player:
    """Serves a recording to whoever connects; orders are refused."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._sessions: list[_Listening] = []
        self._begun = asyncio.Event()

    async def play(self, say: Callable[[str], None]) -> None:
        """Let the recording happen once, from when the first one listens."""
        await self._begun.wait()
        began, number = time.monotonic(), 0
        for at, frame in self._recording.frames():
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            self._recording.fold(frame)
            number += 1
            for session in self._sessions:
                session.tell(frame)
        say(f"the recording is over: {number} frames; its last books stay")
        await asyncio.Event().wait()

    def routes(self) -> list[web.RouteDef]:
        """What a client needs to follow the stream."""
        return [
            web.get(PATH, self._stream),
            web.get(f"{PREFIX}/exchange/status", self._status),
            web.get(f"{PREFIX}/series/fee_changes", self._no_changes),
            web.get(f"{PREFIX}/series/{{ticker}}", self._series),
            web.get(f"{PREFIX}/events/{{ticker}}", self._event),
            web.get(f"{PREFIX}/markets/orderbooks", self._books),
            web.get(f"{PREFIX}/markets/{{ticker}}", self._market),
            web.route("*", f"{PREFIX}/{{tail:.*}}", self._closed),
        ]

    # ---- REST

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"exchange_active": True, "trading_active": True, "exchange_index_statuses": []}
        )

    async def _no_changes(self, _: web.Request) -> web.Response:
        return web.json_response({"series_fee_change_arr": []})

    async def _series(self, request: web.Request) -> web.Response:
        ticker = request.match_info["ticker"]
        return web.json_response({"series": {"ticker": ticker, "fee_type": "quadratic", "fee_multiplier": 1}})

    async def _event(self, request: web.Request) -> web.Response:
        event = request.match_info["ticker"]
        markets = [_listing(t) for t in self._recording.tickers if t.rpartition("-")[0] == event]
        if not markets:
            return _not_found()
        body = {
            "event_ticker": event,
            "series_ticker": event.partition("-")[0],
            "title": event,
            "mutually_exclusive": len(markets) > 1,
        }
        return web.json_response({"event": body, "markets": markets})

    async def _market(self, request: web.Request) -> web.Response:
        ticker = request.match_info["ticker"]
        known = ticker in self._recording.tickers
        return web.json_response({"market": _listing(ticker)}) if known else _not_found()

    async def _books(self, request: web.Request) -> web.Response:
        rows = [
            {
                "ticker": ticker,
                "orderbook_fp": {
                    f"{side}_dollars": self._recording.ladder(ticker, side, yes_price=False)
                    for side in ("yes", "no")
                },
            }
            for ticker in request.query.getall("tickers", [])
            if ticker in self._recording.tickers
        ]
        return web.json_response({"orderbooks": rows})

    async def _closed(self, _: web.Request) -> web.Response:
        body = {"error": {"code": "trading_is_paused", "message": "a recording takes no orders"}}
        return web.json_response(body, status=409)

    # ---- stream

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = _Listening(socket, self._recording)
        self._sessions.append(session)
        self._begun.set()
        writer = asyncio.create_task(session.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    session.command(json.loads(message.data))
        finally:
            writer.cancel()
            self._sessions.remove(session)
        return socket


class _Listening:
    """One connection to the recording."""

    def __init__(self, socket: web.WebSocketResponse, recording: Recording) -> None:
        self._socket = socket
        self._recording = recording
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._sids: dict[str, int] = {}
        self._seq: dict[str, int] = defaultdict(int)
        self._tickers: set[str] = set()
        self._yes_price = False

    async def write(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            await self._socket.send_str(await self._queue.get())

    def command(self, message: Any) -> None:
        """Subscribe, add markets, tell a book again; anything else is acknowledged."""
        params, number = message.get("params", {}), message.get("id", 0)
        if message.get("cmd") == "subscribe":
            for channel in params.get("channels", []):
                sid = self._sids.setdefault(channel, len(self._sids) + 1)
                self._say({"id": number, "type": "subscribed", "msg": {"channel": channel, "sid": sid}})
            if BOOK in params.get("channels", []):
                self._yes_price = bool(params.get("use_yes_price"))
                self._snapshots(params.get("market_tickers", []))
        elif message.get("cmd") == "update_subscription" and BOOK in self._sids:
            mine = params.get("sids") == [self._sids[BOOK]]
            if mine and params.get("action") in ("add_markets", "get_snapshot"):
                self._snapshots(params.get("market_tickers", []))
        else:
            rows = [{"channel": channel, "sid": sid} for channel, sid in self._sids.items()]
            self._say({"id": number, "type": "ok", "msg": rows})

    def _snapshots(self, tickers: list[str]) -> None:
        for ticker in tickers:
            self._tickers.add(ticker)
            msg: Json = {"market_ticker": ticker, "market_id": named("market", ticker)}
            for side in ("yes", "no"):
                levels = self._recording.ladder(ticker, side, yes_price=self._yes_price)
                if levels:
                    msg[f"{side}_dollars_fp"] = levels
            self._numbered(BOOK, "orderbook_snapshot", msg)

    def tell(self, frame: Json) -> None:
        """Pass on a recorded frame of a market that was subscribed to."""
        kind, ticker = str(frame["type"]), _ticker(frame)
        channel = TRADE if kind == "trade" else BOOK
        if channel not in self._sids or ticker not in self._tickers:
            return
        if kind == "orderbook_snapshot":
            self._snapshots([ticker])
            return
        msg = dict(frame["msg"]) if isinstance(frame["msg"], dict) else {}
        if kind == "orderbook_delta" and msg["side"] == "no" and self._yes_price:
            msg["price_dollars"] = price(ONE - micros(msg["price_dollars"]))
        if kind == "trade":
            msg.setdefault("taker_book_side", "bid" if msg.get("taker_side") == "yes" else "ask")
        self._numbered(channel, kind, msg)

    def _numbered(self, channel: str, kind: str, msg: Json) -> None:
        self._seq[channel] += 1
        self._say({"type": kind, "sid": self._sids[channel], "seq": self._seq[channel], "msg": msg})

    def _say(self, frame: Json) -> None:
        self._queue.put_nowait(json.dumps(frame))


async def serve_recording(opening: Opening, say: Callable[[str], None]) -> None:
    """Play a recording on a port until cancelled."""
    player = Player(Recording(Path(opening.recording)))
    app = web.Application()
    app.router.add_routes(player.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", opening.port).start()
    except OSError as error:
        raise SandboxError(f"sandbox: port {opening.port}: {error.strerror}") from error
    base = f"127.0.0.1:{runner.addresses[0][1]}"
    say(f"kalshi recording {opening.recording} on http://{base}/trade-api/v2 and ws://{base}{PATH}")
    say("it plays once, from when a stream connects; no key is asked for, no order is taken")
    try:
        await player.play(say)
    finally:
        await runner.cleanup()


def _ticker(frame: Json) -> str:
    msg = frame.get("msg")
    return str(msg.get("market_ticker", "")) if isinstance(msg, dict) else ""


def _listing(ticker: str) -> Json:
    now = time.time_ns()
    return {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "status": "active",
        "result": "",
        "yes_sub_title": ticker.rpartition("-")[2],
        "rules_primary": "",
        "rules_secondary": "",
        "price_ranges": [FINE],
        "close_time": iso(now + FAR_S * 1_000_000_000),
    }


def _not_found() -> web.Response:
    return web.json_response({"error": {"code": "not_found", "message": "not found"}}, status=404)
