"""The frames of Kalshi's public streams, and what each of them means to the core."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar, assert_never, get_args

import msgspec
from msgspec import Struct

from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    Settled,
    Trade,
)
from console.core.instruments import ASK, BID, NO, BookSide, Instrument, InstrumentSpec, MarketState, Side
from console.core.ladders import Band
from console.core.units import Nanos, Price, Size
from console.venues.kalshi.listings import Listing
from console.venues.kalshi.wire import (
    UNREADABLE,
    ParseError,
    PriceRange,
    bands,
    change,
    instrument,
    leg_price,
    mirrored_price,
    payout,
)

PublicEvent = InstrumentDefined | BookSnapshot | BookDelta | BookStale | Trade | MarketStatus | Settled
S = TypeVar("S")
T = TypeVar("T")

UNSTAMPED: Final = Nanos(0)
REMEMBERED: Final = 1 << 13  # strings kept parsed: 97 % of an hour's sizes came before; 0.04 µs against 0.6


class _SnapshotMsg(Struct, frozen=True):
    market_ticker: str
    yes_dollars_fp: tuple[tuple[str, str], ...] = ()
    no_dollars_fp: tuple[tuple[str, str], ...] = ()


class SnapshotFrame(Struct, frozen=True, tag="orderbook_snapshot", tag_field="type"):
    """The whole book; `msg` stays open so that its unknown keys can be looked at."""

    sid: int
    seq: int
    msg: dict[str, Any]


class _DeltaMsg(Struct, frozen=True, gc=False):
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: Side


class DeltaFrame(Struct, frozen=True, gc=False, tag="orderbook_delta", tag_field="type"):
    """A level changed by a signed size."""

    sid: int
    seq: int
    msg: _DeltaMsg


class _TradeMsg(Struct, frozen=True, gc=False):
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    taker_book_side: BookSide  # `taker_side` is deprecated
    is_block_trade: bool = False


class TradeFrame(Struct, frozen=True, gc=False, tag="trade", tag_field="type"):
    """A public trade; documented without `seq` before September 2026."""

    sid: int
    msg: _TradeMsg
    seq: int = 0


class _LifecycleMsg(Struct, frozen=True):
    market_ticker: str
    event_type: str  # says which of the others are there
    settlement_value: str | None = None
    price_ranges: tuple[PriceRange, ...] | None = None
    close_ts: int | None = None


class LifecycleFrame(Struct, frozen=True, tag="market_lifecycle_v2", tag_field="type"):
    """Something happened to a market; the channel reports every market of the exchange."""

    sid: int
    msg: _LifecycleMsg
    seq: int = 0


class _EventFeeMsg(Struct, frozen=True):
    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


class EventFeeFrame(Struct, frozen=True, tag="event_fee_update", tag_field="type"):
    """The fees of an event changed, as baseball's do when the game begins; nulls: back to the series' own."""

    sid: int
    msg: _EventFeeMsg
    seq: int = 0


class _SubscribedMsg(Struct, frozen=True):
    channel: str
    sid: int


class SubscribedFrame(Struct, frozen=True, tag="subscribed", tag_field="type"):
    """Acknowledges one channel of a subscribe command; the new number is in `msg`."""

    msg: _SubscribedMsg
    sid: int = 0
    seq: int = 0


class OkFrame(Struct, frozen=True, tag="ok", tag_field="type"):
    """Acknowledges another command; numbered when it belongs to a subscription."""

    sid: int = 0
    seq: int = 0


class UnsubscribedFrame(Struct, frozen=True, tag="unsubscribed", tag_field="type"):
    """The subscription is over."""

    sid: int
    seq: int = 0


class _ErrorMsg(Struct, frozen=True):
    code: int
    msg: str = ""


class ErrorFrame(Struct, frozen=True, tag="error", tag_field="type"):
    """Refuses a command, or ends the subscription `sid` when its code is terminal."""

    msg: _ErrorMsg
    sid: int = 0
    seq: int = 0
    id: int = 0  # of the command it refuses


class TickerFrame(Struct, frozen=True, tag="ticker", tag_field="type"):
    """Known and not used: the book says more."""

    sid: int = 0
    seq: int = 0


class OtherFrame(Struct, frozen=True):
    """A type unknown to public market data: only its number counts."""

    sid: int = 0
    seq: int = 0


KnownFrame = (
    DeltaFrame
    | SnapshotFrame
    | TradeFrame
    | LifecycleFrame
    | EventFeeFrame
    | SubscribedFrame
    | OkFrame
    | UnsubscribedFrame
    | ErrorFrame
    | TickerFrame
)
Frame = KnownFrame | OtherFrame


class Parser:
    """Turns frames of market data into events of the core.

    `use_yes_price` must say what the subscription said: whose prices NO levels carry. It remembers what it
    was told of markets (`define`), to restate them whole when the venue changes a part.
    """

    def __init__(self, *, use_yes_price: bool) -> None:
        self._decoder: msgspec.json.Decoder[KnownFrame] = msgspec.json.Decoder(KnownFrame)
        self._types = {kind.__struct_config__.tag for kind in get_args(KnownFrame)}
        self._instrument = lru_cache(REMEMBERED)(instrument)
        self._change = lru_cache(REMEMBERED)(change)
        self._yes_price = lru_cache(REMEMBERED)(leg_price)
        self._no_price = self._yes_price if use_yes_price else lru_cache(REMEMBERED)(mirrored_price)
        self._listings: dict[str, Listing] = {}
        self._payouts: dict[str, Price] = {}  # determined and not yet paid

    def define(self, listing: Listing) -> None:
        """Learn a market's facts, the base of later changes of its price grid and fees."""
        self._listings[listing.instrument.symbol] = listing

    def decode(self, raw: bytes | msgspec.Raw) -> Frame:
        """Read one frame; ParseError when it is not JSON or lacks a field that its type requires."""
        try:
            return self._decoder.decode(raw)
        except UNREADABLE as error:
            return self._unusual(raw, str(error))

    def _unusual(self, raw: bytes | msgspec.Raw, why: str) -> OtherFrame:
        try:
            frame = msgspec.json.decode(raw)
        except UNREADABLE as error:
            raise ParseError("frame", "", str(error)) from error
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise ParseError("frame", "", why)
        sid, seq = (number if isinstance(number, int) else 0 for number in map(frame.get, ("sid", "seq")))
        if frame["type"] in self._types:
            raise ParseError(frame["type"], _ticker(frame.get("msg")), why, sid, seq)
        return OtherFrame(sid, seq)

    def translate(
        self, frame: Frame, ts: Nanos = UNSTAMPED, wall: Nanos = UNSTAMPED
    ) -> tuple[PublicEvent, ...]:
        """Events of a frame, stamped as told; ParseError when a field holds what it cannot hold."""
        match frame:
            case DeltaFrame():
                return (self.delta(frame, ts, wall),)
            case SnapshotFrame():
                return (self._snapshot(frame, ts, wall),)
            case TradeFrame():
                return self._trade(frame, ts, wall)
            case LifecycleFrame():
                return self._lifecycle(frame, ts, wall)
            case EventFeeFrame():
                return self._event_fee(frame, ts, wall)
            case SubscribedFrame() | OkFrame() | UnsubscribedFrame() | ErrorFrame():
                return ()
            case TickerFrame() | OtherFrame():
                return ()
            case _:
                assert_never(frame)

    # ---- books and trades

    def delta(self, frame: DeltaFrame, ts: Nanos, wall: Nanos) -> BookDelta:
        """The event of the commonest frame; ParseError as `translate`."""
        msg, field = frame.msg, "price_dollars"
        on_no_leg = msg.side is NO
        try:
            price = (self._no_price if on_no_leg else self._yes_price)(msg.price_dollars)
            field = "delta_fp"
            size = self._change(msg.delta_fp)
        except ValueError as error:
            raise _refused("orderbook_delta", frame, msg.market_ticker, field, error) from error
        return BookDelta(
            ts=ts,
            wall=wall,
            instrument=self._instrument(msg.market_ticker),
            side=ASK if on_no_leg else BID,
            price=price,
            change=size,
        )

    def _snapshot(self, frame: SnapshotFrame, ts: Nanos, wall: Nanos) -> BookSnapshot:
        ticker, field = _ticker(frame.msg), "msg"
        try:
            msg = msgspec.convert(frame.msg, _SnapshotMsg)
            field = _strange_ladder(frame.msg)
            if field:
                raise ValueError("a ladder under a name we do not know")
            field = "yes_dollars_fp"
            bids = tuple((self._yes_price(price), self._resting(size)) for price, size in msg.yes_dollars_fp)
            field = "no_dollars_fp"
            asks = tuple((self._no_price(price), self._resting(size)) for price, size in msg.no_dollars_fp)
        except ValueError as error:
            raise _refused("orderbook_snapshot", frame, ticker, field, error) from error
        return BookSnapshot(ts=ts, wall=wall, instrument=self._instrument(ticker), bids=bids, asks=asks)

    def _trade(self, frame: TradeFrame, ts: Nanos, wall: Nanos) -> tuple[Trade, ...]:
        msg, field = frame.msg, "yes_price_dollars"
        try:
            price = self._yes_price(msg.yes_price_dollars)
            field = "count_fp"
            size = self._resting(msg.count_fp)
        except ValueError as error:
            raise _refused("trade", frame, msg.market_ticker, field, error) from error
        if msg.is_block_trade:  # agreed away from the book: nobody's resting order was taken
            return ()
        market, taker = self._instrument(msg.market_ticker), msg.taker_book_side
        return (Trade(ts=ts, wall=wall, instrument=market, price=price, size=size, taker=taker),)

    def _resting(self, text: str) -> Size:
        size = self._change(text)
        if size < 0:
            raise ValueError(f"{text!r} is below zero")
        return size

    # ---- the life of markets

    def _lifecycle(self, frame: LifecycleFrame, ts: Nanos, wall: Nanos) -> tuple[PublicEvent, ...]:
        msg = frame.msg
        market = self._instrument(msg.market_ticker)
        match msg.event_type:
            case "activated":
                return (MarketStatus(ts=ts, wall=wall, instrument=market, state=MarketState.OPEN),)
            case "deactivated":
                return (MarketStatus(ts=ts, wall=wall, instrument=market, state=MarketState.PAUSED),)
            case "determined":
                paid = _required(frame, "settlement_value", msg.settlement_value, payout)
                self._payouts[market.symbol] = paid
                return (MarketStatus(ts=ts, wall=wall, instrument=market, state=MarketState.CLOSED),)
            case "settled":
                return self._settled(market, ts, wall)
            case "price_level_structure_updated":
                grid = _required(frame, "price_ranges", msg.price_ranges, bands)
                return self._regrid(market.symbol, grid, ts, wall)
            case _:  # created, close_date_updated, metadata_updated: the listing is read by REST
                return ()

    def _settled(self, market: Instrument, ts: Nanos, wall: Nanos) -> tuple[PublicEvent, ...]:
        """The payout came with `determined`; whoever missed that reads it from the listing."""
        resolved = MarketStatus(ts=ts, wall=wall, instrument=market, state=MarketState.RESOLVED)
        paid = self._payouts.pop(market.symbol, None)
        if paid is None:
            return (resolved,)
        return resolved, Settled(ts=ts, wall=wall, instrument=market, payout=paid)

    def _regrid(
        self, ticker: str, grid: tuple[Band, ...], ts: Nanos, wall: Nanos
    ) -> tuple[InstrumentDefined, ...]:
        """Restate a market of ours; of any other we do not know the fees."""
        listing = self._listings.get(ticker)
        if listing is None:
            return ()
        return (self._restate(listing, msgspec.structs.replace(listing.spec, bands=grid), ts, wall),)

    def _event_fee(self, frame: EventFeeFrame, ts: Nanos, wall: Nanos) -> tuple[InstrumentDefined, ...]:
        msg = frame.msg
        restated = []
        for listing in [known for known in self._listings.values() if known.event == msg.event_ticker]:
            terms = listing.terms.overridden(msg.fee_type_override, msg.fee_multiplier_override)
            try:
                changed = msgspec.structs.replace(listing.spec, fees=terms.model())
            except ValueError as error:
                symbol = listing.instrument.symbol
                raise _refused("event_fee_update", frame, symbol, "fee_type_override", error) from error
            restated.append(self._restate(listing, changed, ts, wall))
        return tuple(restated)

    def _restate(
        self, listing: Listing, changed: InstrumentSpec, ts: Nanos, wall: Nanos
    ) -> InstrumentDefined:
        self.define(msgspec.structs.replace(listing, spec=changed))
        return InstrumentDefined(ts=ts, wall=wall, instrument=listing.instrument, spec=changed)


def _ticker(msg: object) -> str:
    ticker = msg.get("market_ticker") if isinstance(msg, dict) else None
    return ticker if isinstance(ticker, str) else ""


def _strange_ladder(msg: dict[str, Any]) -> str:
    """A key that looks like a renamed side of the book; empty when there is none."""
    known = ("yes_dollars_fp", "no_dollars_fp")
    return next((key for key in msg if key not in known and f"{key}_".startswith(("yes_", "no_"))), "")


def _refused(kind: str, frame: Frame, market: str, field: str, error: ValueError) -> ParseError:
    return ParseError(kind, market, f"{field}: {error}", frame.sid, frame.seq)


def _required(frame: LifecycleFrame, field: str, value: S | None, read: Callable[[S], T]) -> T:
    """Read a field that only this event type has; ParseError when it is missing or malformed."""
    kind, market = f"market_lifecycle_v2 {frame.msg.event_type}", frame.msg.market_ticker
    if value is None:
        raise ParseError(kind, market, f"missing required field `{field}`", frame.sid, frame.seq)
    try:
        return read(value)
    except ValueError as error:
        raise _refused(kind, frame, market, field, error) from error
