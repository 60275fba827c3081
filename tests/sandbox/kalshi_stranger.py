"""A stranger at the pretended Kalshi, who read the published schema and nothing else."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from console.sandbox.kalshi.server import Sandbox

EXAMPLES = Path(__file__).parents[1] / "venues" / "kalshi_examples"
API = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"


class Stranger:
    """Signs by the book and speaks JSON."""

    def __init__(self, sandbox, session, kind="ed25519") -> None:
        self.sandbox, self.session = sandbox, session
        self.key = next(key for key in sandbox.gate.keys if key.kind == kind)
        self.private = serialization.load_pem_private_key(self.key.path.read_bytes(), None)
        self.base = f"http://127.0.0.1:{sandbox.port}"
        events = sandbox.house.catalogue.matches
        self.event = next(e for e in events if e.startswith("KXNBAGAME"))
        self.ticker, self.other = sandbox.house.catalogue.tickers(self.event)
        self.shard0 = sandbox.house.catalogue.tickers(next(e for e in events if e.startswith("KXNHL")))[0]

    def headers(self, method, path, at_ms=None, signed_path=None):
        stamp = str(at_ms or int(time.time() * 1000))
        text = f"{stamp}{method}{signed_path or path.partition('?')[0]}".encode()
        if isinstance(self.private, RSAPrivateKey):
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
            signature = self.private.sign(text, pss, hashes.SHA256())
        else:
            signature = self.private.sign(text)
        return {
            "KALSHI-ACCESS-KEY": self.key.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    async def ask(self, method, path, body=None, headers=None):
        signed = self.headers(method, API + path) if headers is None else headers
        async with self.session.request(method, self.base + API + path, json=body, headers=signed) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text else None

    def order(self, **changes):
        body = {
            "ticker": self.ticker,
            "client_order_id": uuid.uuid4().hex,
            "side": "bid",
            "count": "5.00",
            "price": "0.1000",
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
            "post_only": True,
        }
        return {key: value for key, value in {**body, **changes}.items() if value is not None}

    async def place(self, **changes):
        status, body = await self.ask("POST", ORDERS, self.order(**changes))
        assert status == 201, body
        return body

    def best(self, ticker=None):
        book = self.sandbox.floor.market(ticker or self.ticker).snapshot()
        return book.bids[0][0], book.asks[0][0]

    async def listed(self, path):
        """A read once it has caught up."""
        end = time.monotonic() + 5
        while self.sandbox.house.shown._coming and time.monotonic() < end:
            await asyncio.sleep(0.05)
            self.sandbox.house.shown.settle()
        return (await self.ask("GET", path))[1]


@asynccontextmanager
async def open_sandbox(tmp_path, faults=(), kind="ed25519", scale=0.02):
    sandbox = Sandbox(7, tuple(faults), keys=tmp_path / "keys", scale=scale)
    await sandbox.open()
    sandbox.floor._monotonic = lambda: time.monotonic_ns() + 1_200_000_000
    sandbox.floor.step()
    living = asyncio.create_task(sandbox.live())
    async with aiohttp.ClientSession() as session:
        try:
            yield Stranger(sandbox, session, kind)
        finally:
            living.cancel()
            await asyncio.wait([living])
            await sandbox.close()


def run(story):
    asyncio.run(story())


def shape(value):
    """Types all the way down; lists by their first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def example(name):
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def assert_like(told, name, lacking=(), more=()):
    """What is told has the fields of an example, and their types."""
    ours, theirs = shape(told), shape(example(name))

    def compare(a, b, at):
        if "NoneType" in (a, b):
            return
        if isinstance(b, dict):
            missing = {k for k in b if k not in a} - set(lacking)
            extra = {k for k in a if k not in b} - set(more)
            assert not missing, f"{at}: lacks {missing}"
            assert not extra, f"{at}: has {extra}"
            for key in set(a) & set(b):
                if key not in more:
                    compare(a[key], b[key], f"{at}.{key}")
        elif isinstance(b, list):
            if a and b:
                compare(a[0], b[0], f"{at}[]")
        else:
            assert a == b or "NoneType" in (a, b), f"{at}: {a}, not {b}"

    compare(ours, theirs, name)
