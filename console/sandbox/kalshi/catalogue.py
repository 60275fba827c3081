"""What the pretended venue lists: series, events and markets of its floor, as REST words them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from console.core.fees import KALSHI_MAKER, KALSHI_TAKER, FeeModel
from console.core.instruments import BookSide, Instrument, InstrumentSpec, MarketState, Venue
from console.core.matches import MatchSpec
from console.core.units import ONE, SECOND
from console.sandbox.floor import Floor
from console.sandbox.kalshi.spelling import Json, count, iso, named, price
from console.sim.market import Market

DAY_NS: Final = 86_400 * SECOND
FAR_NS: Final = 14 * DAY_NS  # sports close early: `close_time` is a far backstop
WITH_MAKER: Final = "quadratic_with_maker_fees"
SHARDS: Final = {0: "Default", 1: "Combos", 2: "Crypto & Commodities", 3: "Tennis, Baseball, Basketball"}
SHARD_OF: Final = {"KXNBAGAME": 3, "KXMLBGAME": 3, "KXATPMATCH": 3, "KXWTAMATCH": 3}
STATES: Final = {
    MarketState.OPEN: "active",
    MarketState.PAUSED: "inactive",
    MarketState.CLOSED: "closed",
    MarketState.RESOLVED: "finalized",
}
FILTERS: Final = {"unopened": (), "open": ("active",), "paused": ("inactive",), "closed": ("closed",)}
STRUCTURES: Final = {
    ((0, ONE, 10_000),): "linear_cent",
    ((0, ONE, 5_000),): "center_half_edge_half_cent",
    ((0, ONE, 1_000),): "deci_cent",
    ((0, 100_000, 1_000), (100_000, 900_000, 10_000), (900_000, ONE, 1_000)): "tapered_deci_cent",
}


class Fees(msgspec.Struct, frozen=True):
    """A fee type and its multiplier, as stated."""

    fee_type: str
    multiplier: float

    def model(self) -> FeeModel:
        """What is charged by it."""
        maker = KALSHI_MAKER if self.fee_type == WITH_MAKER else 0
        return FeeModel(
            maker_rate=round(maker * self.multiplier),
            taker_rate=round(KALSHI_TAKER * self.multiplier),
            unit=100,
        )


class Catalogue:
    """Everything listed, and what is told of it. Prices and states are those of the floor."""

    def __init__(self, floor: Floor, wall: Callable[[], int]) -> None:
        self._floor = floor
        self._wall = wall
        self._opened = wall()
        self.matches: dict[str, MatchSpec] = {}  # by event ticker
        self.overrides: dict[str, Fees] = {}  # by event
        self.closes: dict[str, int] = {}  # by event, once it is closed early
        self.updated: dict[str, int] = {}
        self.volumes: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self._series: dict[str, Fees] = {}
        for match in floor.matches:
            self._enter(match)

    def _enter(self, match: MatchSpec) -> None:
        symbols = [one.instrument.symbol for one in match.listings if one.instrument.venue is Venue.KALSHI]
        event = event_of(symbols[0])
        self.matches[event] = match
        spec = self.market(symbols[0]).spec
        maker = WITH_MAKER if spec.fees.maker_rate else "quadratic"
        self._series[series_of(event)] = Fees(maker, 1)
        multiplier = spec.fees.taker_rate / KALSHI_TAKER
        if multiplier != 1:
            self.overrides[event] = Fees(maker, multiplier)

    # ---- asking

    def market(self, ticker: str) -> Market:
        """A market; raises KeyError."""
        market = self._floor.market(ticker)
        if market is None:
            raise KeyError(ticker)
        return market

    def tickers(self, event: str) -> list[str]:
        """The markets of an event, as listed."""
        return [
            one.instrument.symbol
            for one in self.matches[event].listings
            if one.instrument.venue is Venue.KALSHI
        ]

    def fees_of(self, event: str) -> Fees:
        """Fees as they are stated now."""
        return self.overrides.get(event, self._series[series_of(event)])

    def status(self, ticker: str) -> str:
        """The word of the venue for a market's state."""
        return STATES[self.market(ticker).state]

    # ---- bodies

    def series(self) -> Iterator[Json]:
        """Every series."""
        return (self.one_series(ticker) for ticker in self._series)

    def one_series(self, ticker: str) -> Json:
        """A series; raises KeyError."""
        fees = self._series[ticker]
        return {
            "ticker": ticker,
            "frequency": "custom",
            "title": ticker.removeprefix("KX").title(),
            "category": "Sports",
            "categories": ["Sports"],
            "tags": None,
            "settlement_sources": [{"name": "The pretended league", "url": "https://example.org/results"}],
            "contract_url": "https://example.org/contract.pdf",
            "contract_terms_url": "https://example.org/terms.pdf",
            "fee_type": fees.fee_type,
            "fee_multiplier": fees.multiplier,
            "additional_prohibitions": [],
            "last_updated_ts": iso(self._opened),
            "exchange_index": SHARD_OF.get(ticker, 0),
        }

    def event(self, event: str) -> Json:
        """An event without its markets; raises KeyError."""
        match = self.matches[event]
        body: Json = {
            "event_ticker": event,
            "series_ticker": series_of(event),
            "title": match.title,
            "sub_title": match.title,
            "collateral_return_type": "MECNET",
            "mutually_exclusive": True,
            "category": "Sports",
            "strike_period": "",
            "product_metadata": {"competition": match.sport, "competition_scope": "Game"},
            "settlement_sources": [{"name": "The pretended league", "url": "https://example.org/results"}],
            "last_updated_ts": iso(self._opened),
            "exchange_index": SHARD_OF.get(series_of(event), 0),
        }
        fees = self.overrides.get(event)
        if fees is not None:
            body["fee_type_override"] = fees.fee_type
            body["fee_multiplier_override"] = fees.multiplier
        return body

    def listing(self, ticker: str) -> Json:
        """A market; raises KeyError."""
        market, event = self.market(ticker), event_of(ticker)
        match = self.matches[event]
        outcome = self._outcome(match, ticker)
        closes = self.closes.get(event, match.start + FAR_NS)
        body: Json = {
            "ticker": ticker,
            "event_ticker": event,
            "market_type": "binary",
            "title": f"Will {outcome} win {match.title}?",
            "yes_sub_title": outcome,
            "no_sub_title": outcome,
            "created_time": iso(self._opened),
            "updated_time": iso(self.updated.get(ticker, self._opened)),
            "open_time": iso(self._opened),
            "close_time": iso(closes),
            "expected_expiration_time": iso(match.end),
            "expiration_time": iso(match.start + FAR_NS),
            "latest_expiration_time": iso(match.start + FAR_NS),
            "occurrence_datetime": iso(match.start),
            "settlement_timer_seconds": 30,
            "status": STATES[market.state],
            **self._prices(market),
            "can_close_early": True,
            "notional_value_dollars": "1.0000",
            "settlement_bounds_type": "default",
            "early_close_condition": "This market closes early once a winner is declared.",
            "strike_type": "structured",
            "custom_strike": {"team": named("team", outcome)},
            "rules_primary": f"Resolves to Yes if {outcome} wins {match.title}.",
            "rules_secondary": "A cancelled game resolves to a fair price.",
            "exchange_index": SHARD_OF.get(series_of(ticker), 0),
            **grid_words(market.spec),
        }
        return {**body, **self._result(market)}

    def _prices(self, market: Market) -> Json:
        book, ticker = market.snapshot(), market.instrument.symbol
        bid, ask = (book.bids or ((0, 0),))[0], (book.asks or ((ONE, 0),))[0]
        last = self.last.get(ticker, (bid[0] + ask[0]) // 20_000 * 10_000)
        volume = self.volumes.get(ticker, 0)
        return {
            "yes_bid_dollars": price(bid[0]),
            "yes_bid_size_fp": count(bid[1]),
            "yes_ask_dollars": price(ask[0]),
            "yes_ask_size_fp": count(ask[1]),
            "no_bid_dollars": price(ONE - ask[0]),
            "no_ask_dollars": price(ONE - bid[0]),
            "last_price_dollars": price(last),
            "volume_fp": count(volume),
            "volume_24h_fp": count(volume),
            "open_interest_fp": count(volume // 2 // 10_000 * 10_000),
            "previous_yes_bid_dollars": price(bid[0]),
            "previous_yes_ask_dollars": price(ask[0]),
            "previous_price_dollars": price(last),
        }

    def _result(self, market: Market) -> Json:
        settled = market.settled
        if settled is None:
            return {"result": "", "expiration_value": ""}
        word = {0: "no", ONE: "yes"}.get(settled.payout, "scalar")
        ticker = market.instrument.symbol
        return {
            "result": word,
            "expiration_value": self._outcome(self.matches[event_of(ticker)], ticker),
            "settlement_ts": iso(self.updated.get(ticker, self._wall())),
            "settlement_value_dollars": price(settled.payout),
        }

    def _outcome(self, match: MatchSpec, ticker: str) -> str:
        (outcome,) = match.pays(Instrument(Venue.KALSHI, ticker))
        return match.outcomes[outcome]


def book_fp(market: Market) -> Json:
    """Both ladders as bids of their own leg, ascending: the best bid is the last."""
    book = market.snapshot()
    return {
        "yes_dollars": [[price(at), count(size)] for at, size in sorted(book.bids)],
        "no_dollars": [[price(ONE - at), count(size)] for at, size in sorted(book.asks, reverse=True)],
    }


def grid_words(spec: InstrumentSpec) -> Json:
    """The price grid: its name, and its bands, which are the only truth."""
    bands = tuple((band.start, band.end, band.step) for band in spec.bands)
    return {
        "price_level_structure": STRUCTURES.get(bands, ""),
        "price_ranges": [
            {"start": price(start), "end": price(end), "step": price(step)} for start, end, step in bands
        ],
    }


def event_of(ticker: str) -> str:
    """The event of one of our own tickers."""
    return ticker.rpartition("-")[0]


def series_of(ticker: str) -> str:
    """The series of one of our own tickers."""
    return ticker.partition("-")[0]


def shard_of(ticker: str) -> int:
    """The shard a market lives on."""
    return SHARD_OF.get(series_of(ticker), 0)


def book_word(side: BookSide) -> str:
    """Bid or ask."""
    return side.value
