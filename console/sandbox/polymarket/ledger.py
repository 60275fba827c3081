"""The trader's account at the pretended venue: orders, trades on their way to the chain, and money."""

from __future__ import annotations

import enum
from typing import Any

from console.core.fees import FeeModel, fee_of_fill
from console.core.units import ONE, cost_of, proceeds_of
from console.sandbox.polymarket.listing import Listing
from console.sandbox.polymarket.spelling import text

FEES = FeeModel(taker_rate=50_000, unit=1)  # what the venue charges, before it cuts to five decimals
CACHED_S = 5.0  # how long the balance of a token is behind the chain


class Order:
    """One order of the trader; `outcome` is 0 for the first token, prices are the token's own."""

    def __init__(
        self,
        digest: str,
        listing: Listing,
        outcome: int,
        side: str,
        price: int,
        size: int,
        kind: str,
        created_s: int,
        maker: str,
    ) -> None:
        self.digest = digest
        self.listing = listing
        self.outcome = outcome
        self.side = side
        self.price = price
        self.size = size
        self.kind = kind
        self.created_s = created_s
        self.maker = maker
        self.matched = 0
        self.status = "LIVE"
        self.trades: list[str] = []

    @property
    def left(self) -> int:
        """Contracts that can still trade."""
        return self.size - self.matched

    @property
    def token(self) -> str:
        """The token it is about."""
        return self.listing.tokens[self.outcome]

    def listed(self, owner: str) -> dict[str, Any]:
        """The order as REST lists it."""
        return {
            "id": self.digest,
            "status": self.status,
            "owner": owner,
            "maker_address": self.maker,
            "market": self.listing.condition,
            "asset_id": self.token,
            "side": self.side,
            "original_size": text(self.size),
            "size_matched": text(self.matched),
            "price": text(self.price),
            "outcome": self.listing.outcomes[self.outcome],
            "expiration": "0",
            "order_type": self.kind,
            "associate_trades": list(self.trades),
            "created_at": self.created_s,
        }


class Stage(enum.Enum):
    """Where a trade is on its way."""

    MATCHED = "MATCHED"
    RETRYING = "RETRYING"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


class Part:
    """What one resting order gave to a trade."""

    def __init__(self, digest: str, owner: str, outcome: int, side: str, price: int, size: int) -> None:
        self.digest = digest
        self.owner = owner
        self.outcome = outcome
        self.side = side
        self.price = price
        self.size = size


class Trade:
    """One trade the trader is part of. At the top it is the taker's, as on the wire."""

    def __init__(
        self,
        trade_id: str,
        listing: Listing,
        taker: Part,
        makers: list[Part],
        ours: Order,
        matched_ms: int,
    ) -> None:
        self.id = trade_id
        self.listing = listing
        self.taker = taker
        self.makers = makers
        self.ours = ours
        self.is_taker = taker.digest == ours.digest
        self.matched_ms = matched_ms
        self.updated_ms = matched_ms
        self.stage = Stage.MATCHED
        self.hash = ""

    def moves(self) -> tuple[int, int, int]:
        """(dollars, contracts, fee) that the trader's account changes by."""
        size = sum(part.size for part in self._own())
        cash, fee = 0, 0
        for part in self._own():
            buys = self.ours.side == "BUY"
            cash += -int(cost_of(part.price, part.size)) if buys else int(proceeds_of(part.price, part.size))
            if self.is_taker:
                fee += int(fee_of_fill(FEES, part.price, part.size, maker=False)) // 10 * 10
        return cash - fee, size if self.ours.side == "BUY" else -size, fee

    def _own(self) -> list[Part]:
        """Our parts, in prices of our own token."""
        if not self.is_taker:
            return [part for part in self.makers if part.digest == self.ours.digest]
        mine = self.ours.outcome
        return [
            Part("", "", mine, self.ours.side, p.price if p.outcome == mine else ONE - p.price, p.size)
            for p in self.makers
        ]

    def told(self, *, rest: bool) -> dict[str, Any]:
        """The trade as REST lists it, or as the stream tells it."""
        listing, taker = self.listing, self.taker
        told: dict[str, Any] = {
            "id": self.id,
            "taker_order_id": taker.digest,
            "market": listing.condition,
            "asset_id": listing.tokens[taker.outcome],
            "side": taker.side,
            "size": text(taker.size),
            "fee_rate_bps": "0",
            "price": text(taker.price),
            "status": ("TRADE_STATUS_" if rest else "") + self.stage.value,
            "match_time": str(self.matched_ms // 1000),
            "last_update": str(self.updated_ms // 1000),
            "outcome": listing.outcomes[taker.outcome],
            "owner": taker.owner,
            "maker_address": self.ours.maker if self.is_taker else "0x" + "11" * 20,
            "transaction_hash": self.hash,
            "bucket_index": 0,
            "maker_orders": [self._maker(part) for part in self.makers],
            "trader_side": "TAKER" if self.is_taker else "MAKER",
        }
        if rest:
            return {**told, "match_time_nano": str(self.matched_ms * 1_000_000), "err_msg": ""}
        stamp = {"timestamp": str(self.updated_ms), "event_type": "trade"}
        return {"type": "TRADE", **told, "trade_owner": taker.owner, **stamp}

    def _maker(self, part: Part) -> dict[str, Any]:
        return {
            "order_id": part.digest,
            "owner": part.owner,
            "maker_address": self.ours.maker if part.digest == self.ours.digest else "0x" + "22" * 20,
            "matched_amount": text(part.size),
            "price": text(part.price),
            "fee_rate_bps": "0",
            "asset_id": self.listing.tokens[part.outcome],
            "outcome": self.listing.outcomes[part.outcome],
            "side": part.side,
        }


class Ledger:
    """What the chain says the trader has, what the venue believes of it, and what waits in between."""

    def __init__(self, cash: int) -> None:
        self.cash = cash
        self.tokens: dict[str, int] = {}
        self.open: dict[str, Order] = {}
        self.ended: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.fees = 0
        self._cached: dict[str, tuple[int, float]] = {}  # believed balance of a token, and until when

    # ---- what the trader may do

    def refusal(self, order: Order, now: float, fee: int = 0) -> str:
        """Why an order is not covered; empty when it is. Open orders of the same market reserve first."""
        if order.side == "BUY":
            wanted = int(cost_of(order.price, order.left)) + fee
            has = self.cash + sum(min(0, moves[0]) for moves in self._pending())
            reserved = sum(
                int(cost_of(o.price, o.left))
                for o in self.open.values()
                if o is not order and o.side == "BUY" and o.listing is order.listing
            )
        else:
            wanted = order.left
            has = self.believed(order.token, now) + sum(
                min(0, t.moves()[1]) for t in self._unmined() if t.ours.token == order.token
            )
            reserved = sum(
                o.left
                for o in self.open.values()
                if o is not order and o.side == "SELL" and o.token == order.token
            )
        if wanted <= has - reserved:
            return ""
        return (
            "not enough balance / allowance: the balance is not enough -> "
            f"balance: {has - reserved}, order amount: {wanted}"
        )

    def uncovered(self) -> list[Order]:
        """Orders that rest and are no longer covered, by what is reserved for themselves alone."""
        found = []
        for order in self.open.values():
            if order.side == "BUY":
                bare = cost_of(order.price, order.left) > self.cash + sum(
                    min(0, moves[0]) for moves in self._pending()
                )
            else:
                bare = order.left > self.tokens.get(order.token, 0) + self._coming(order.token)
            if bare:
                found.append(order)
        return found

    def believed(self, token: str, now: float) -> int:
        """The balance of a token as the venue has cached it."""
        held, until = self._cached.get(token, (0, 0.0))
        if now >= until:
            held = self.tokens.get(token, 0)
        return held

    def read_chain(self, token: str) -> None:
        """An update was asked for: the cache is what the chain says."""
        self._cached.pop(token, None)

    # ---- trades

    def mined(self, trade: Trade, now: float, stale: bool) -> None:
        """The chain has it; the venue's cache is behind, for ever if `stale`."""
        cash, contracts, fee = trade.moves()
        token = trade.ours.token
        before = self.believed(token, now)
        self.cash += cash
        self.fees += fee
        self.tokens[token] = self.tokens.get(token, 0) + contracts
        if contracts > 0:
            self._cached[token] = (before, now + (1e9 if stale else CACHED_S))

    def _unmined(self) -> list[Trade]:
        return [t for t in self.trades.values() if t.stage in (Stage.MATCHED, Stage.RETRYING)]

    def _pending(self) -> list[tuple[int, int, int]]:
        return [trade.moves() for trade in self._unmined()]

    def _coming(self, token: str) -> int:
        return sum(t.moves()[1] for t in self._unmined() if t.ours.token == token)

    def net(self, listing: Listing) -> int:
        """Contracts of the first token held, those of the second counting negative, as matched by now."""
        first, second = (self.tokens.get(t, 0) + self._coming(t) for t in listing.tokens)
        return first - second
