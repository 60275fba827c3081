"""The least a client could do: one frame in, one durable commit, one pre-signed request out, on raw sockets.

Run by `bench_kalshi`; prints nothing. Arguments: port, key id, key file, ticker, price, folder.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import sqlite3
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

RENEW_S = 3.0
API = "/trade-api/v2/portfolio/events/orders"


def headers(private, key_id: str, method: str, path: str) -> str:
    stamp = str(int(time.time() * 1000))
    text = f"{stamp}{method}{path}".encode()
    if isinstance(private, RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = private.sign(text, pss, hashes.SHA256())
    else:
        signature = private.sign(text)
    return (
        f"KALSHI-ACCESS-KEY: {key_id}\r\nKALSHI-ACCESS-TIMESTAMP: {stamp}\r\n"
        f"KALSHI-ACCESS-SIGNATURE: {base64.b64encode(signature).decode()}\r\n"
    )


def connected(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def masked(text: bytes) -> bytes:
    mask = os.urandom(4)
    body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
    size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + size + mask + body


def subscribed(port: int, signed: str, ticker: str) -> socket.socket:
    stream = connected(port)
    nonce = base64.b64encode(os.urandom(16)).decode()
    stream.sendall(
        f"GET /trade-api/ws/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n{signed}\r\n".encode()
    )
    stream.recv(4096)
    params = {"channels": ["orderbook_delta"], "market_tickers": [ticker], "use_yes_price": True}
    stream.sendall(masked(json.dumps({"id": 1, "cmd": "subscribe", "params": params}).encode()))
    return stream


def main() -> None:
    port, key_id, key_file, ticker, price, folder = int(sys.argv[1]), *sys.argv[2:7]
    private = serialization.load_pem_private_key(Path(key_file).read_bytes(), None)
    kept = sqlite3.connect(f"{folder}/floor-{os.getpid()}.sqlite", isolation_level=None)
    kept.execute("PRAGMA journal_mode=WAL")
    kept.execute("PRAGMA synchronous=FULL")
    kept.execute("CREATE TABLE sent (number INTEGER, body BLOB)")
    stream = subscribed(port, headers(private, key_id, "GET", "/trade-api/ws/v2"), ticker)
    order = connected(port)
    number, signed, made = 0, headers(private, key_id, "POST", API), time.monotonic()
    gone = f'"price_dollars":"{price}","delta_fp":"-'.encode()
    while frame := stream.recv(1 << 16):
        if gone in frame:
            number += 1
            body = json.dumps(
                {
                    "ticker": ticker,
                    "client_order_id": f"floor-{os.getpid()}-{number}",
                    "side": "bid",
                    "count": "1.00",
                    "price": "0.0100",
                    "time_in_force": "good_till_canceled",
                    "self_trade_prevention_type": "taker_at_cross",
                    "post_only": True,
                }
            )
            kept.execute("INSERT INTO sent VALUES (?, ?)", (number, body))
            order.sendall(
                f"POST {API} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n{signed}\r\n{body}".encode()
            )
            order.recv(1 << 16)
        if time.monotonic() - made > RENEW_S:
            signed, made = headers(private, key_id, "POST", API), time.monotonic()


if __name__ == "__main__":
    main()
