"""Another user of the venue, who speaks plain HTTP and shares no line with the client."""

from __future__ import annotations

import asyncio
import itertools

import aiohttp

WORDS = {
    "v4": {
        "markets": "/v4/mm/get_markets",
        "place": "/v4/mm/submit_order",
        "order": "order",
        "lines": "market_strikes",
        "line": "strike",
        "side": "strike_id",
        "odds": "price",
        "stake": "quantity",
        "filled": "filled_quantity",
        "get": "/v4/mm/get_order/",
    },
    "legacy": {
        "markets": "/v2/mm/get_markets",
        "place": "/mm/place_wager",
        "order": "wager",
        "lines": "market_lines",
        "line": "line",
        "side": "line_id",
        "odds": "odds",
        "stake": "stake",
        "filled": "matched_stake",
        "get": "/mm/get_wager/",
    },
}
_numbers = itertools.count(1)


class Stranger:
    """He is shown what the venue shows everybody, and bets at that."""

    def __init__(self, venue, dialect="v4"):
        self.base = venue.base
        self.words = WORDS[dialect]
        self._line = None

    async def __aenter__(self):
        self._line = aiohttp.ClientSession()
        keys = {"access_key": "sandbox-other-access", "secret_key": "sandbox-other-secret"}
        told = await self._ask("POST", "/auth/login", keys)
        self._line.headers["Authorization"] = f"Bearer {told['access_token']}"
        return self

    async def __aexit__(self, *_):
        await self._line.close()

    async def _ask(self, method, path, body=None):
        while True:
            async with self._line.request(method, self.base + path, json=body) as reply:
                if reply.status == 429:
                    await asyncio.sleep(0.2)
                    continue
                said = await reply.json()
                assert reply.status == 200, said
                return said["data"]

    async def shown(self, event_id, kind="moneyline", line=None):
        """Of each side: its id, and the levels (odds, what can be won, what can be risked) he may take."""
        words = self.words
        told = await self._ask("GET", f"{words['markets']}?event_id={event_id}")
        market = next(market for market in told["markets"] if market["type"] == kind)
        listed = [market] if "selections" in market else market[words["lines"]]
        sides = next(one for one in listed if line in (None, one.get(words["line"])))["selections"]
        return [
            (
                side[0][words["side"]],
                [
                    (level[words["odds"]], level[words["stake"]], level["value"])
                    for level in side
                    if level[words["odds"]]
                ],
            )
            for side in sides
        ]

    async def bet(self, side_id, odds, stake):
        """Bet; returns the order's id."""
        words = self.words
        fields = {
            "external_id": f"stranger-{next(_numbers)}",
            words["side"]: side_id,
            words["odds"]: odds,
            words["stake"]: stake,
        }
        told = (await self._ask("POST", words["place"], fields))[words["order"]]
        return told.get("order_id") or told["wager_id"]
