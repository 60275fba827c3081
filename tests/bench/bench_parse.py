"""Prints what parsing a Kalshi order book delta costs, against plain JSON decoding of the same bytes.

Run as ``python tests/bench/bench_parse.py``. The frames are made up in the shape and size of recorded ones.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

import msgspec

from console.venues.kalshi.feed import Feed, Sequence
from console.venues.kalshi.frames import Parser

FRAMES = 50_000
ROUNDS = 7
TARGET_US = 2.0  # per frame, from bytes to BookDelta


def frames() -> list[bytes]:
    """Deltas of one market: 99 prices, sizes of which some 2,000 differ, as in an hour of a busy market."""
    rng = random.Random(1)
    sizes = [f"{rng.choice((-1, 1)) * rng.randrange(1, 200_000) / 100:.2f}" for _ in range(2_000)]
    made = []
    for seq in range(1, FRAMES + 1):
        msg = {
            "market_ticker": "KXGOLD15M-26AUG070800-00",
            "market_id": "c170279b-3d1f-4f17-84c8-ef63723c41d9",
            "price_dollars": f"0.{rng.randrange(1, 100):02d}00",
            "delta_fp": rng.choice(sizes),
            "side": rng.choice(("yes", "no")),
            "ts": "2026-08-07T11:46:20.577110Z",
            "ts_ms": 1_786_103_180_577 + seq,
        }
        frame = {"type": "orderbook_delta", "sid": 1, "seq": seq, "msg": msg}
        made.append(json.dumps(frame, separators=(",", ":")).encode())
    return made


def cost_us(make: Callable[[], Callable[[bytes], object]], wire: list[bytes]) -> float:
    """Microseconds per frame, the best of some rounds, each with a fresh reader."""
    best = float("inf")
    for _ in range(ROUNDS):
        read = make()
        started = time.perf_counter()
        for raw in wire:
            read(raw)
        best = min(best, time.perf_counter() - started)
    return best / len(wire) * 1e6


def parsing() -> Callable[[bytes], object]:
    """Bytes to BookDelta."""
    parser = Parser(use_yes_price=False)
    return lambda raw: parser.translate(parser.decode(raw))


def feeding() -> Callable[[bytes], object]:
    """Bytes to BookDelta, numbers checked."""
    return Feed(Parser(use_yes_price=False), Sequence()).read


def main() -> None:
    wire = frames()
    anchor = cost_us(lambda: msgspec.json.decode, wire)
    print(f"untyped decode (anchor)  {anchor:6.3f} µs")
    for name, make in (("delta parse", parsing), ("delta parse in its feed", feeding)):
        cost = cost_us(make, wire)
        met = "within" if cost <= TARGET_US else "OVER"
        print(f"{name:<24} {cost:6.3f} µs  {cost / anchor:4.2f} x anchor, {met} {TARGET_US} µs")


if __name__ == "__main__":
    main()
