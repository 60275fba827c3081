"""The books the pretended venue publishes: worst first, both tokens out of one, hashed after each change."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from console.core.events import AnyEvent, BookDelta, BookSnapshot, Trade
from console.core.instruments import BookSide
from console.core.units import ONE
from console.sandbox.polymarket.listing import Listing
from console.sandbox.polymarket.spelling import text, three

MIN_SIZE = "5"
HASHED = (
    "market",
    "asset_id",
    "timestamp",
    "hash",
    "bids",
    "asks",
    "min_order_size",
    "tick_size",
    "neg_risk",
    "last_trade_price",
)


class Publisher:
    """The books of all markets, and the frames that tell of them."""

    def __init__(self, listings: list[Listing]) -> None:
        self._by_symbol = {listing.slug: listing for listing in listings}
        self._bids: dict[str, dict[int, int]] = {}
        self._asks: dict[str, dict[int, int]] = {}
        for listing in listings:
            self._replace(listing, listing.market.snapshot())

    def book(self, listing: Listing, outcome: int) -> dict[str, Any]:
        """A token's whole book as REST tells it, hash included."""
        bids, asks = self._levels(listing, outcome)
        told: dict[str, Any] = {
            "market": listing.condition,
            "asset_id": listing.tokens[outcome],
            "timestamp": str(listing.stamp),
            "hash": "",
            "bids": bids,
            "asks": asks,
            "min_order_size": MIN_SIZE,
            "tick_size": text(listing.tick),
            "neg_risk": listing.neg_risk,
            "last_trade_price": listing.last_trade,
        }
        told["hash"] = _hash(told)
        return told

    def frame(self, listing: Listing, outcome: int) -> dict[str, Any]:
        """The same as the stream tells it: without what REST alone has."""
        told = self.book(listing, outcome)
        kept = ("market", "asset_id", "timestamp", "hash", "bids", "asks", "tick_size")
        frame = {key: told[key] for key in kept}
        return {**frame, "event_type": "book", "last_trade_price": told["last_trade_price"]}

    def best(self, listing: Listing) -> tuple[int | None, int | None]:
        """Best bid and offer of the first token."""
        bids, asks = self._bids[listing.slug], self._asks[listing.slug]
        return max(bids, default=None), min(asks, default=None)

    def take(self, events: list[AnyEvent], now_ms: int, other_leg: bool) -> list[dict[str, Any]]:
        """Follow what happened at the exchange, and tell it in frames.

        The hash of a change already has the price of the trade behind it, which is told after it, as the
        venue does. `other_leg`: takers come with the second token.
        """
        frames: list[dict[str, Any]] = []
        for at, event in enumerate(events):
            following = events[at + 1] if at + 1 < len(events) else None
            if isinstance(event, BookDelta):
                frames += self._changed(event, following, now_ms, other_leg)
            elif isinstance(event, Trade):
                frames += self._traded(event, now_ms, other_leg)
            elif isinstance(event, BookSnapshot):
                listing = self._by_symbol[event.instrument.symbol]
                self._replace(listing, event)
                listing.stamp = now_ms
                frames += [self.frame(listing, 0), self.frame(listing, 1)]
        return frames

    def _replace(self, listing: Listing, snapshot: BookSnapshot) -> None:
        self._bids[listing.slug] = dict(snapshot.bids)
        self._asks[listing.slug] = dict(snapshot.asks)

    def _changed(
        self, delta: BookDelta, following: AnyEvent | None, now_ms: int, other_leg: bool
    ) -> list[dict[str, Any]]:
        listing = self._by_symbol[delta.instrument.symbol]
        levels = (self._bids if delta.side is BookSide.BID else self._asks)[listing.slug]
        size = levels.get(delta.price, 0) + delta.change
        if size:
            levels[delta.price] = size
        else:
            levels.pop(delta.price, None)
        listing.stamp = now_ms
        if isinstance(following, Trade) and following.price == delta.price:
            listing.last_trade = three(ONE - following.price if other_leg else following.price)
        side = "BUY" if delta.side is BookSide.BID else "SELL"
        mirrored = "SELL" if side == "BUY" else "BUY"
        changes = [
            self._entry(listing, 0, delta.price, size, side),
            self._entry(listing, 1, ONE - delta.price, size, mirrored),
        ]
        return [
            {
                "market": listing.condition,
                "price_changes": changes,
                "timestamp": str(now_ms),
                "event_type": "price_change",
            }
        ]

    def _entry(self, listing: Listing, outcome: int, price: int, size: int, side: str) -> dict[str, Any]:
        bids, asks = self._levels(listing, outcome)
        return {
            "asset_id": listing.tokens[outcome],
            "price": text(price),
            "size": text(size),
            "side": side,
            "hash": self.book(listing, outcome)["hash"],
            "best_bid": bids[-1]["price"] if bids else "0",
            "best_ask": asks[-1]["price"] if asks else "1",
        }

    def _traded(self, trade: Trade, now_ms: int, other_leg: bool) -> list[dict[str, Any]]:
        listing = self._by_symbol[trade.instrument.symbol]
        buys = (trade.taker is BookSide.BID) is not other_leg
        price = ONE - trade.price if other_leg else trade.price
        listing.last_trade, listing.stamp = three(price), now_ms
        told = {
            "market": listing.condition,
            "asset_id": listing.tokens[1 if other_leg else 0],
            "price": text(price),
            "size": text(trade.size),
            "fee_rate_bps": "0",
            "side": "BUY" if buys else "SELL",
            "timestamp": str(now_ms),
            "event_type": "last_trade_price",
            "transaction_hash": "",
        }
        return [told, self.frame(listing, 0), self.frame(listing, 1)]

    def _levels(self, listing: Listing, outcome: int) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """(bids, asks) of a token, worst first."""
        bids, asks = self._bids[listing.slug], self._asks[listing.slug]
        if outcome == 1:
            bids, asks = {ONE - p: n for p, n in asks.items()}, {ONE - p: n for p, n in bids.items()}
        return (
            [{"price": text(p), "size": text(bids[p])} for p in sorted(bids)],
            [{"price": text(p), "size": text(asks[p])} for p in sorted(asks, reverse=True)],
        )


def _hash(book: dict[str, Any]) -> str:
    plain = {key: "" if key == "hash" else book[key] for key in HASHED}
    return hashlib.sha1(  # the venue's own choice
        json.dumps(plain, separators=(",", ":")).encode(), usedforsecurity=False
    ).hexdigest()
