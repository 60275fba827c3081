"""The example messages beside this file, and Kalshi frames made up for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console.core.instruments import Instrument, Venue

EXAMPLES = Path(__file__).parent / "kalshi_examples"
LAL = Instrument(Venue.KALSHI, "KXNBAGAME-26NOV20LALBOS-LAL")
BOS = Instrument(Venue.KALSHI, "KXNBAGAME-26NOV20LALBOS-BOS")
T1 = Instrument(Venue.KALSHI, "KXLOLGAME-26NOV21T1GEN-T1")

Json = dict[str, Any]


def example(name: str) -> Json:
    frame: Json = json.loads((EXAMPLES / name).read_text())
    return frame


def raw(frame: Any) -> bytes:
    return json.dumps(frame).encode()


def snapshot(
    seq: int,
    market: Instrument = LAL,
    yes: tuple[tuple[str, str], ...] = (("0.4600", "1200.00"),),
    no: tuple[tuple[str, str], ...] = (("0.5200", "900.00"),),
    sid: int = 1,
) -> Json:
    msg: Json = {"market_ticker": market.symbol}
    if yes:
        msg["yes_dollars_fp"] = [list(level) for level in yes]
    if no:
        msg["no_dollars_fp"] = [list(level) for level in no]
    return {"type": "orderbook_snapshot", "sid": sid, "seq": seq, "msg": msg}


def delta(
    seq: int,
    market: Instrument = LAL,
    price: str = "0.4600",
    change: str = "10.00",
    side: str = "yes",
    sid: int = 1,
    **more: Any,
) -> Json:
    msg = {"market_ticker": market.symbol, "price_dollars": price, "delta_fp": change, "side": side, **more}
    return {"type": "orderbook_delta", "sid": sid, "seq": seq, "msg": msg}


def trade(seq: int, market: Instrument = LAL, sid: int = 2, **more: Any) -> Json:
    msg = {"market_ticker": market.symbol, "yes_price_dollars": "0.4800", "count_fp": "25.00"}
    return {"type": "trade", "sid": sid, "seq": seq, "msg": {**msg, "taker_book_side": "bid", **more}}


def lifecycle(event_type: str, market: Instrument = LAL, **more: Any) -> Json:
    msg = {"market_ticker": market.symbol, "event_type": event_type, **more}
    return {"type": "market_lifecycle_v2", "sid": 4, "seq": 1, "msg": msg}
