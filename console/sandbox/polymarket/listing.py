"""What the pretended venue lists: its programme, the ids of its markets, and their listings in JSON."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from console.core.instruments import Instrument, MarketState, Venue
from console.core.matches import Listing as Traded
from console.core.matches import MatchSpec
from console.core.units import CENT, ONE, SECOND
from console.sandbox.polymarket.spelling import text
from console.sim.listings import TENTHS, WHOLE_CENTS, Card
from console.sim.market import Market

P = Venue.POLYMARKET
_MINUTE, _HOUR = 60, 3600

PROGRAMME = (
    Card(
        "Counter-Strike 2",
        "KXCS2GAME",
        "Nordlys vs Kestrel",
        ("Nordlys", "Kestrel"),
        ("NRD", "KES"),
        (P,),
        6 * _MINUTE,
        9 * _MINUTE,
        strength=0.20,
        jumps=20,
        jump=0.18,
        bands=TENTHS,
        paired=True,
        soft_book=True,
    ),
    Card(
        "EPL",
        "KXEPLGAME",
        "Northgate vs. Ashbourne",
        ("Northgate", "Draw", "Ashbourne"),
        ("NOR", "TIE", "ASH"),
        (P,),
        45 * _MINUTE,
        115 * _MINUTE,
        strength=0.15,
        tie_band=0.35,
        jumps=2.8,
        jump=0.5,
        depth=500,
        bands=WHOLE_CENTS,
        paired=True,
    ),
    Card(
        "NBA",
        "KXNBAGAME",
        "Boston vs Denver",
        ("Boston", "Denver"),
        ("BOS", "DEN"),
        (P,),
        2 * _HOUR,
        150 * _MINUTE,
        strength=0.10,
        jumps=30,
        jump=0.08,
        pace=1.5,
        depth=800,
        bands=WHOLE_CENTS,
        paired=True,
        soft_book=True,
    ),
    Card(
        "Tennis",
        "KXATPMATCH",
        "Novotny vs Alvarado",
        ("Novotny", "Alvarado"),
        ("NOV", "ALV"),
        (P,),
        3 * _HOUR,
        120 * _MINUTE,
        strength=0.90,
        jumps=8,
        jump=0.28,
        bands=WHOLE_CENTS,
        paired=True,
    ),
)


class Listing:
    """One market of the venue: its ids, and what of it may change."""

    def __init__(self, market: Market, match: MatchSpec, delay_s: int, protocol_v2: bool) -> None:
        symbol = market.instrument.symbol
        self.market = market
        self.match = match
        self.slug = symbol
        self.protocol_v2 = protocol_v2
        self.condition, self.tokens = _ids(symbol, protocol_v2)
        self.pays = match.pays(Instrument(P, symbol))
        self.neg_risk = len(match.outcomes) > 2
        self.outcomes = ("Yes", "No") if self.neg_risk else (match.outcomes[0], match.outcomes[1])
        self.delay_s = delay_s
        self.tick = market.spec.bands[0].step
        self.listed_start = match.start
        self.starts: int = match.start  # when it really does
        self.cleared = False
        self.wording = ""
        self.last_trade = ""
        self.stamp = 0

    @property
    def state(self) -> MarketState:
        """The venue's word on whether it trades."""
        return self.market.state

    @property
    def payout(self) -> int | None:
        """What the first outcome has paid."""
        return self.market.settled.payout if self.market.settled is not None else None

    def outcome_of(self, token: str) -> int:
        """0 for the first token, 1 for the second."""
        return self.tokens.index(token)

    def title(self) -> str:
        """Its question."""
        if not self.neg_risk:
            return self.match.title
        if self.pays == (1,):
            return f"Will {self.match.title} end in a draw?"
        return f"Will {self.match.outcomes[self.pays[0]]} win?"

    def rules(self) -> str:
        """How it settles."""
        void = "the draw market" if self.neg_risk else "50-50"
        return f"{self.title()} By the official result; a cancelled match resolves {void}.{self.wording}"


def _ids(symbol: str, protocol_v2: bool) -> tuple[str, tuple[str, str]]:
    """Condition and tokens, the same for a symbol every time."""
    if not protocol_v2:
        tokens = [int(hashlib.sha256(f"{symbol} token {n}".encode()).hexdigest(), 16) for n in (0, 1)]
        return "0x" + hashlib.sha256(symbol.encode()).hexdigest(), (str(tokens[0]), str(tokens[1]))
    seed = hashlib.sha256(symbol.encode()).digest()
    head = b"\x01" + seed[:18] + bytes(8) + seed[18:22]
    first, second = (str(int.from_bytes(head + bytes((n,)), "big")) for n in (0, 1))
    return "0x" + head.hex(), (first, second)


def iso(wall: int) -> str:
    """A moment as most of the venue spells it."""
    return datetime.fromtimestamp(wall // SECOND, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def blank(wall: int) -> str:
    """A moment as `gameStartTime` spells it."""
    return datetime.fromtimestamp(wall // SECOND, tz=UTC).strftime("%Y-%m-%d %H:%M:%S+00")


def gamma_market(listing: Listing) -> dict[str, Any]:
    """One market as Gamma lists it."""
    payout, closed = listing.payout, listing.state in (MarketState.CLOSED, MarketState.RESOLVED)
    middle = payout if payout is not None else ONE // 2
    told: dict[str, Any] = {
        "id": str(int(listing.condition[2:10], 16)),
        "question": listing.title(),
        "conditionId": listing.condition,
        "slug": listing.slug,
        "groupItemTitle": _item(listing),
        "outcomes": _array(listing.outcomes),
        "outcomePrices": _array((text(middle), text(ONE - middle))),
        "version": "v2" if listing.protocol_v2 else "v1",
        "active": True,
        "closed": closed,
        "archived": False,
        "enableOrderBook": True,
        "acceptingOrders": listing.state is MarketState.OPEN,
        "orderPriceMinTickSize": listing.tick / ONE,
        "orderMinSize": 5,
        "gameStartTime": blank(listing.listed_start),
        "secondsDelay": listing.delay_s,
        "clearBookOnStart": True,
        "sportsMarketType": "moneyline",
        "negRisk": listing.neg_risk,
        "feesEnabled": True,
        "feeType": "sports_fees_v3",
        "feeSchedule": {"rate": 0.05, "exponent": 1, "takerOnly": True, "rebateRate": 0.15},
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "rewardsMinSize": 20,
        "rewardsMaxSpread": 3.5,
        "description": listing.rules(),
        "resolutionSource": "https://example.org/results",
        "line": None,
    }
    if listing.protocol_v2:
        told["positionIds"] = list(listing.tokens)
    else:
        told["clobTokenIds"] = _array(listing.tokens)
    return told


def gamma_event(match: MatchSpec, listings: list[Listing]) -> dict[str, Any]:
    """One event with its markets."""
    return {
        "id": str(abs(hash_of(match.id)) % 10**6),
        "slug": event_slug(listings[0]),
        "title": match.title,
        "startTime": iso(listings[0].listed_start),
        "negRisk": listings[0].neg_risk,
        "seriesSlug": match.sport.lower().replace(" ", "-"),
        "tags": [
            {"id": "1", "label": "Sports", "slug": "sports"},
            {"id": "2", "label": match.sport, "slug": match.sport.lower().replace(" ", "-")},
        ],
        "markets": [gamma_market(listing) for listing in listings],
    }


def event_slug(listing: Listing) -> str:
    """The slug of the event a market belongs to."""
    return listing.slug.rpartition("-")[0] if listing.neg_risk else listing.slug


def clob_market(listing: Listing) -> dict[str, Any]:
    """The short form of ``/clob-markets/{condition}``."""
    return {
        "c": listing.condition,
        "t": [{"t": t, "o": o} for t, o in zip(listing.tokens, listing.outcomes, strict=True)],
        "mts": listing.tick / ONE,
        "mos": 5,
        "nr": listing.neg_risk,
        "fd": {"r": 0.05, "e": 1, "to": True},
        "mbf": 1000,
        "tbf": 1000,
        "r": {"mi": 20, "ma": 3.5, "e": True, "moas": 30},
        "ao": listing.state is MarketState.OPEN,
        "sd": listing.delay_s,
        "gst": iso(listing.listed_start),
        "cbos": True,
    }


def long_market(listing: Listing) -> dict[str, Any]:
    """The long form of ``/markets/{condition}``."""
    payout = listing.payout
    return {
        "enable_order_book": True,
        "active": True,
        "closed": listing.state in (MarketState.CLOSED, MarketState.RESOLVED),
        "accepting_orders": listing.state is MarketState.OPEN,
        "minimum_order_size": 5,
        "minimum_tick_size": listing.tick / ONE,
        "condition_id": listing.condition,
        "question": listing.title(),
        "description": listing.rules(),
        "market_slug": listing.slug,
        "game_start_time": iso(listing.listed_start),
        "seconds_delay": listing.delay_s,
        "neg_risk": listing.neg_risk,
        "is_50_50_outcome": payout == ONE // 2,
        "tokens": [
            {"token_id": token, "outcome": outcome, "winner": payout == (ONE if n == 0 else 0)}
            for n, (token, outcome) in enumerate(zip(listing.tokens, listing.outcomes, strict=True))
        ],
    }


def settings_lines(listings: list[Listing]) -> list[str]:
    """What a trader puts into markets.toml to trade these matches.

    A match of another venue is traded there, and priced by what stands here.
    """
    lines: list[str] = []
    matches: dict[str, list[Listing]] = {}
    for listing in listings:
        matches.setdefault(event_slug(listing), []).append(listing)
    for slug, members in matches.items():
        match = members[0].match
        outcomes = ", ".join(f'"{name}"' for name in match.outcomes)
        elsewhere = any(one.instrument.venue is not P for one in match.listings)
        lines += ["", "[[match]]", f'id = "{slug}"', f'title = "{match.title}"', f"outcomes = [{outcomes}]"]
        lines += [f"start = {iso(members[0].listed_start)}", f"may_none = {str(match.may_none).lower()}"]
        lines += ["instruments = ["]
        for one in sorted(match.listings, key=lambda one: one.instrument.venue is P):
            lines.append(f"  {{ {_words(match, one, signal=elsewhere)} }},")
        lines += ["]"]
    return lines


def _words(match: MatchSpec, one: Traded, *, signal: bool) -> str:
    venue, pays = one.instrument.venue, match.outcomes[one.pays[0]]
    words = f'venue = "{venue.value}", symbol = "{one.instrument.symbol}", outcomes = ["{pays}"]'
    return f"{words}, quote = false" if signal and venue is P else words


def _item(listing: Listing) -> str:
    if not listing.neg_risk:
        return "Match Winner"
    if listing.pays == (1,):
        return f"Draw ({listing.match.title})"
    return listing.match.outcomes[listing.pays[0]]


def _array(words: tuple[str, ...]) -> str:
    """A JSON array within a string."""
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def hash_of(words: str) -> int:
    """A number that is the same in every process."""
    return int(hashlib.sha256(words.encode()).hexdigest()[:8], 16)


def on_grid(price: int, tick: int) -> bool:
    """Whether a price is legal on a grid."""
    return price % tick == 0 and tick <= price <= ONE - tick


def near_end(bid: int | None, ask: int | None) -> bool:
    """Whether a price is so near its end that the tick becomes finer."""
    return (bid is not None and bid > 96 * CENT) or (ask is not None and ask < 4 * CENT)
