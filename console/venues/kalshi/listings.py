"""What Kalshi's REST says of series, events and markets: the facts an instrument is defined by."""

from __future__ import annotations

import enum
import hashlib
import math
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from console.core.fees import (
    KALSHI_MAKER,
    KALSHI_MAKER_COMBO,
    KALSHI_TAKER,
    KALSHI_UNIT_BROKER,
    KALSHI_UNIT_DIRECT,
    FeeKind,
    FeeModel,
)
from console.core.instruments import Instrument, InstrumentSpec, MarketState, VoidRule
from console.core.ladders import Band
from console.core.units import ONE, Nanos, Price, Size
from console.venues.kalshi.wire import (
    UNREADABLE,
    Moment,
    ParseError,
    PriceRange,
    bands,
    instrument,
    nanos,
    payout,
)

T = TypeVar("T")

SIZE_STEP: Final = Size(ONE // 100)  # counts have two decimals on every market since 2026-03
MULTIPLIER_MOST: Final = 100  # of a fee schedule: above it no fee is a fee
MAKER_RATES: Final = {
    "quadratic": 0,
    "quadratic_with_maker_fees": KALSHI_MAKER,
    "quadratic_with_combo_maker_fees": KALSHI_MAKER_COMBO,
}
WORST: Final = 100_000  # 0.10: the setting `taker10`
STATES: Final = {
    "initialized": MarketState.PAUSED,
    "active": MarketState.OPEN,
    "inactive": MarketState.PAUSED,
    "closed": MarketState.CLOSED,
    "determined": MarketState.CLOSED,  # the result can still be disputed: resolved only when paid
    "disputed": MarketState.CLOSED,
    "amended": MarketState.CLOSED,
    "finalized": MarketState.RESOLVED,
}


class Result(enum.Enum):
    """How a market came out; SCALAR is a void paid at a fair price."""

    UNKNOWN = ""
    YES = "yes"
    NO = "no"
    SCALAR = "scalar"


class FeeTerms(Struct, frozen=True):
    """Fees as a series states them; `unit` is the cash precision of the account, in millionths.

    `worst`: reckon with ten per cent of P(1-P) whatever the series states.
    """

    fee_type: str = "quadratic"
    multiplier: Decimal = Decimal(1)
    unit: int = KALSHI_UNIT_DIRECT
    worst: bool = False

    def overridden(self, fee_type: str | None, multiplier: Decimal | None) -> FeeTerms:
        """The terms of an event: nulls leave the series' own, while a multiplier of 0 is meant."""
        return msgspec.structs.replace(
            self,
            fee_type=self.fee_type if fee_type is None else fee_type,
            multiplier=self.multiplier if multiplier is None else multiplier,
        )

    def model(self) -> FeeModel:
        """Rates of the fee schedule effective 2026-07-07; ValueError for a type it does not explain."""
        if self.fee_type not in MAKER_RATES:
            raise ValueError(f"{self.fee_type!r} is none of {', '.join(MAKER_RATES)}")
        if not self.multiplier.is_finite() or not 0 <= self.multiplier <= MULTIPLIER_MOST:
            raise ValueError(f"the multiplier {self.multiplier} is not between 0 and {MULTIPLIER_MOST}")
        broker = self.unit == KALSHI_UNIT_BROKER
        if self.worst:
            return FeeModel(maker_rate=WORST, taker_rate=WORST, unit=self.unit, per_order=broker, bound=True)
        return FeeModel(
            FeeKind.QUADRATIC,
            maker_rate=math.ceil(MAKER_RATES[self.fee_type] * self.multiplier),
            taker_rate=math.ceil(KALSHI_TAKER * self.multiplier),
            unit=self.unit,
            per_order=broker,
        )


STANDARD_TERMS: Final = FeeTerms()  # almost every series: takers pay 0.07, makers nothing


class Listing(Struct, frozen=True, kw_only=True):
    """A market as the venue lists it; `payout` per YES contract once known, times 0 when not stated.

    `terms` are the fees of its series, before the override of its event that `spec` includes.
    """

    instrument: Instrument
    spec: InstrumentSpec
    terms: FeeTerms = STANDARD_TERMS
    event: str = ""
    title: str = ""
    outcome: str = ""
    state: MarketState = MarketState.OPEN
    result: Result = Result.UNKNOWN
    payout: Price | None = None
    shard: int = 0
    occurs_wall: Nanos = Nanos(0)
    expires_wall: Nanos = Nanos(0)  # when it is expected to be over
    close_wall: Nanos = Nanos(0)
    settled_wall: Nanos = Nanos(0)


class EventListing(Struct, frozen=True, kw_only=True):
    """An event and its markets; `exclusive`: at most one of them resolves YES."""

    ticker: str
    series: str
    title: str
    exclusive: bool
    listings: tuple[Listing, ...]


class _Market(Struct, frozen=True, kw_only=True):
    ticker: str
    event_ticker: str
    status: str
    result: Result
    yes_sub_title: str
    rules_primary: str
    rules_secondary: str
    price_ranges: tuple[PriceRange, ...]
    close_time: Moment
    title: str = ""
    exchange_index: int = 0
    settlement_value_dollars: str | None = None
    settlement_ts: Moment | None = None
    occurrence_datetime: Moment | None = None
    expected_expiration_time: Moment | None = None


class _MarketBody(Struct, frozen=True):
    market: _Market


class _MarketsBody(Struct, frozen=True):
    markets: tuple[_Market, ...]


class _Event(Struct, frozen=True, kw_only=True):
    event_ticker: str
    series_ticker: str
    title: str
    mutually_exclusive: bool
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None
    markets: tuple[_Market, ...] = ()


class _EventBody(Struct, frozen=True):
    event: _Event
    markets: tuple[_Market, ...] = ()


class _Series(Struct, frozen=True):
    ticker: str
    fee_type: str
    fee_multiplier: Decimal


class _SeriesBody(Struct, frozen=True):
    series: _Series


def parse_market(body: bytes, terms: FeeTerms = STANDARD_TERMS) -> Listing:
    """Read ``GET /markets/{ticker}``; a market knows no fees, `terms` are those of its event or series."""
    return _listing(_read(body, "market", _MarketBody).market, terms, terms)


def parse_markets(body: bytes, terms: FeeTerms = STANDARD_TERMS) -> tuple[Listing, ...]:
    """Read one page of ``GET /markets``; `terms` as for one market."""
    return tuple(_listing(market, terms, terms) for market in _read(body, "markets", _MarketsBody).markets)


def parse_event(body: bytes, terms: FeeTerms = STANDARD_TERMS) -> EventListing:
    """Read ``GET /events/{ticker}``, its markets beside it or nested; `terms` are the fees of its series."""
    whole = _read(body, "event", _EventBody)
    event = whole.event
    own = terms.overridden(event.fee_type_override, event.fee_multiplier_override)
    return EventListing(
        ticker=event.event_ticker,
        series=event.series_ticker,
        title=event.title,
        exclusive=event.mutually_exclusive,
        listings=tuple(_listing(market, terms, own) for market in whole.markets or event.markets),
    )


def parse_series(body: bytes, unit: int = KALSHI_UNIT_DIRECT, *, worst: bool = False) -> FeeTerms:
    """Read the fees in ``GET /series/{ticker}``; `unit` is the cash precision of the account."""
    series = _read(body, "series", _SeriesBody).series
    return FeeTerms(series.fee_type, series.fee_multiplier, unit, worst)


def _read(body: bytes, kind: str, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        raise ParseError(f"{kind} listing", "", str(error)) from error


def _listing(market: _Market, series: FeeTerms, own: FeeTerms) -> Listing:
    field = "price_ranges"
    try:
        grid = bands(market.price_ranges)
        field = "settlement_value_dollars"
        paid = None if market.settlement_value_dollars is None else payout(market.settlement_value_dollars)
        field = "status"
        if market.status not in STATES:
            raise ValueError(f"{market.status!r} is none of {', '.join(STATES)}")
        field = "fee_type"
        fees = own.model()
    except ValueError as error:
        raise ParseError("market listing", market.ticker, f"{field}: {error}") from error
    return Listing(
        instrument=instrument(market.ticker),
        spec=spec(grid, fees, rules_hash=_rules_hash(market), pocket=pocket_of(market.exchange_index)),
        terms=series,
        event=market.event_ticker,
        title=market.title,
        outcome=market.yes_sub_title,
        state=STATES[market.status],
        result=market.result,
        payout=paid,
        shard=market.exchange_index,
        occurs_wall=nanos(market.occurrence_datetime),
        expires_wall=nanos(market.expected_expiration_time),
        close_wall=nanos(market.close_time),
        settled_wall=nanos(market.settlement_ts),
    )


def pocket_of(shard: int) -> str:
    """What the cash of a shard is called: it pays for nothing on another."""
    return f"shard {shard}"


def spec(grid: tuple[Band, ...], fees: FeeModel, rules_hash: str = "", pocket: str = "") -> InstrumentSpec:
    """The facts of a market: its own grid, fees and shard, and what is true of all of them."""
    return InstrumentSpec(
        bands=grid,
        size_min=SIZE_STEP,
        size_step=SIZE_STEP,
        fees=fees,
        void_rule=VoidRule.FAIR,
        two_sided=True,
        amendable=True,
        amend_takes=True,  # the schema has no post-only word for an amend, and it may cross and trade
        rules_hash=rules_hash,
        pocket=pocket,
    )


def _rules_hash(market: _Market) -> str:
    """A short name for the wording of the settlement rules: 64 bits of its SHA-256."""
    rules = f"{market.rules_primary}\0{market.rules_secondary}"
    return hashlib.sha256(rules.encode()).hexdigest()[:16]
