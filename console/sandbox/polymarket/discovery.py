"""Gamma and the Data API of the pretended venue: what is listed, and, late, what is held."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from console.core.instruments import MarketState
from console.core.units import ONE
from console.sandbox.polymarket.listing import Listing, event_slug, gamma_event, gamma_market
from console.sandbox.polymarket.venue import Venue

LAG_S = 4.0  # the Data API tells what was so long ago


class Discovery:
    """Both hosts. Positions are remembered, so that they can be told late."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._history: list[tuple[float, dict[str, int]]] = []

    def routes(self) -> list[web.RouteDef]:
        """Every address they answer."""
        return [
            web.get("/gamma/markets", self._markets),
            web.get("/gamma/markets/slug/{slug}", self._market),
            web.get("/gamma/events/slug/{slug}", self._event),
            web.get("/gamma/public-search", self._search),
            web.get("/data-api/positions", self._positions),
        ]

    def remember(self) -> None:
        """Note what is held now."""
        self._history.append((self._venue.now, dict(self._venue.ledger.tokens)))
        while len(self._history) > 1 and self._history[1][0] <= self._venue.now - LAG_S:
            self._history.pop(0)

    # ---- Gamma

    async def _markets(self, request: web.Request) -> web.Response:
        slugs = request.query.getall("slug", [])
        some = [m for m in self._venue.listings if not slugs or m.slug in slugs]
        if request.query.get("closed") == "false":
            some = [m for m in some if m.state in (MarketState.OPEN, MarketState.PAUSED)]
        limit = request.query.get("limit", "20")
        if not limit.isdigit():
            told = {"type": "validation error", "error": "limit must be an integer"}
            return web.json_response(told, status=422)
        return web.json_response([gamma_market(listing) for listing in some[: min(100, int(limit))]])

    async def _market(self, request: web.Request) -> web.Response:
        listing = self._venue.by_slug.get(request.match_info["slug"])
        if listing is None:
            return web.json_response({"type": "not found error", "error": "slug not found"}, status=404)
        return web.json_response(gamma_market(listing))

    async def _event(self, request: web.Request) -> web.Response:
        members = self._of_event(request.match_info["slug"])
        if not members:
            return web.json_response({"type": "not found error", "error": "slug not found"}, status=404)
        return web.json_response(gamma_event(members[0].match, members))

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query.get("q", "").lower().split()
        found: dict[str, list[Listing]] = {}
        for listing in self._venue.listings:
            about = f"{listing.slug} {listing.match.title} {listing.match.sport}".lower()
            if words and all(word in about for word in words):
                found[event_slug(listing)] = self._of_event(event_slug(listing))
        events = [gamma_event(members[0].match, members) for members in found.values()]
        return web.json_response({"events": events or None, "pagination": {"hasMore": False}})

    def _of_event(self, slug: str) -> list[Listing]:
        return [listing for listing in self._venue.listings if event_slug(listing) == slug]

    # ---- Data API

    async def _positions(self, request: web.Request) -> web.Response:
        """Small ones are hidden unless asked for."""
        wallet = request.query.get("user", "").lower()
        mine = {w.lower() for kinds in self._venue.wallets.values() for w in kinds}
        least = float(request.query.get("sizeThreshold", "1")) * ONE
        offset, limit = int(request.query.get("offset", "0")), int(request.query.get("limit", "100"))
        held = self._history[0][1] if self._history and wallet in mine else {}
        rows = [self._row(token, size) for token, size in sorted(held.items()) if size > 0 and size >= least]
        return web.json_response(rows[offset : offset + min(limit, 500)])

    def _row(self, token: str, size: int) -> dict[str, Any]:
        listing = self._venue.by_token[token]
        outcome = listing.outcome_of(token)
        payout = listing.payout
        price = ONE // 2 if payout is None else payout if outcome == 0 else ONE - payout
        other = self._venue.ledger.tokens.get(listing.tokens[1 - outcome], 0)
        return {
            "proxyWallet": self._venue.wallets[0][0],
            "asset": token,
            "conditionId": listing.condition,
            "size": size / ONE,
            "avgPrice": 0.5,
            "curPrice": price / ONE,
            "redeemable": payout is not None,
            "mergeable": payout is None and other > 0,
            "title": listing.title(),
            "slug": listing.slug,
            "eventSlug": event_slug(listing),
            "outcome": listing.outcomes[outcome],
            "outcomeIndex": outcome,
            "oppositeOutcome": listing.outcomes[1 - outcome],
            "oppositeAsset": listing.tokens[1 - outcome],
            "negativeRisk": listing.neg_risk,
        }
