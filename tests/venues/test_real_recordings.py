"""Other people's recordings, where there are any: MMCONSOLE_RECORDINGS names the folder that holds them."""

from __future__ import annotations

import copy
import gzip
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from kalshi_samples import Json, raw

from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    Settled,
    Trade,
)
from console.core.instruments import BookSide, MarketState
from console.core.units import ONE
from console.venues.kalshi.feed import Feed, Sequence
from console.venues.kalshi.frames import Parser
from console.venues.kalshi.listings import Result, parse_event, parse_markets, parse_series
from console.venues.kalshi.wire import ParseError, instrument
from console.venues.recording import metadata, read

FOLDER = os.environ.get("MMCONSOLE_RECORDINGS")
ROOT = Path(FOLDER or "no-recordings")
GOLD = sorted((ROOT / "kalshi_gold15m/events").glob("*")) if FOLDER else [ROOT]
SPORTS = ROOT / "kalshi_sports_fixtures/ws_orderbook_stream.json"

pytestmark = pytest.mark.skipif(FOLDER is None, reason="MMCONSOLE_RECORDINGS is not set")

KINDS = {
    b'"type":"orderbook_delta"': BookDelta,
    b'"type":"orderbook_snapshot"': BookSnapshot,
    b'"type":"trade"': Trade,
}
Levels = dict[tuple[str, str, Decimal], Decimal]  # (ticker, leg, price in that leg) -> size


def naive_fold(frames: Iterable[Json]) -> Levels:
    """The same books by the plainest arithmetic there is."""
    levels: Levels = defaultdict(Decimal)
    for frame in frames:
        if frame["type"] == "orderbook_snapshot":
            msg = frame["msg"]
            for key in [key for key in levels if key[0] == msg["market_ticker"]]:
                del levels[key]
            for leg in ("yes", "no"):
                for price, size in msg.get(f"{leg}_dollars_fp", []):
                    levels[msg["market_ticker"], leg, Decimal(price)] = Decimal(size)
        elif frame["type"] == "orderbook_delta":
            msg = frame["msg"]
            levels[msg["market_ticker"], msg["side"], Decimal(msg["price_dollars"])] += Decimal(
                msg["delta_fp"]
            )
    return {key: size for key, size in levels.items() if size}


class Books:
    """Books folded from events, which complains of a negative level or a crossed book at once."""

    def __init__(self) -> None:
        self.bids: dict[str, dict[int, int]] = defaultdict(dict)
        self.asks: dict[str, dict[int, int]] = defaultdict(dict)

    def apply(self, event: BookSnapshot | BookDelta) -> None:
        ticker = event.instrument.symbol
        if isinstance(event, BookSnapshot):
            self.bids[ticker], self.asks[ticker] = dict(event.bids), dict(event.asks)
        else:
            side = (self.bids if event.side is BookSide.BID else self.asks)[ticker]
            size = side.get(event.price, 0) + event.change
            assert size >= 0, f"negative level: {event}"
            side[event.price] = size
            if not size:
                del side[event.price]
        bids, asks = self.bids[ticker], self.asks[ticker]
        assert not (bids and asks) or max(bids) < min(asks), f"crossed book: {event}"

    def levels(self) -> Levels:
        yes = {
            (ticker, "yes", Decimal(price) / ONE): Decimal(size) / ONE
            for ticker, side in self.bids.items()
            for price, size in side.items()
        }
        no = {
            (ticker, "no", Decimal(ONE - price) / ONE): Decimal(size) / ONE
            for ticker, side in self.asks.items()
            for price, size in side.items()
        }
        return yes | no


def lines_of(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with gzip.open(path) as lines:
            yield from lines


def counted(paths: list[Path]) -> tuple[Counter[type], int]:
    """How many events of each kind there must be, and how many lines up to the last delta.

    What comes after the last delta is the emptied book at close.
    """
    kinds: Counter[type] = Counter({InstrumentDefined: 1, MarketStatus: 3, Settled: 1})
    last = 0
    for number, line in enumerate(lines_of(paths), 1):
        kind = next(kind for name, kind in KINDS.items() if name in line)
        kinds[kind] += 1
        if kind is BookDelta:
            last = number
    return kinds, last


@pytest.mark.parametrize("folder", GOLD, ids=lambda folder: folder.name)
def test_every_message_of_a_market_from_open_to_settlement(folder: Path) -> None:
    paths = sorted(folder.glob("*.ndjson.gz"))
    listed = metadata(paths[0])
    assert listed is not None
    (listing,) = listed.listings
    kinds, last = counted(paths)
    final = naive_fold(json.loads(line)["event"] for line in islice(lines_of(paths), last))
    assert final

    books, seen, ts = Books(), Counter[type](), 0
    state = None
    for event in read(paths):
        assert event.instrument == listing.instrument
        assert event.ts == max(ts, event.wall)
        assert seen or isinstance(event, InstrumentDefined)
        ts = event.ts
        seen[type(event)] += 1
        if isinstance(event, BookSnapshot | BookDelta):
            books.apply(event)
            if isinstance(event, BookDelta) and seen[BookDelta] == kinds[BookDelta]:
                assert books.levels() == final
        elif isinstance(event, MarketStatus):
            state = event.state
        elif isinstance(event, Settled):
            assert event.payout == listing.payout
    assert seen == kinds
    assert state is MarketState.RESOLVED
    assert books.levels() == {}


def test_whole_sports_connection_has_no_gap_and_the_naive_books() -> None:
    recorded = json.loads(SPORTS.read_text())
    frames = [stored["frame"] for stored in recorded["frames"]]
    books, kinds = Books(), Counter[type]()
    for event in read([SPORTS], whole=True):
        kinds[type(event)] += 1
        if isinstance(event, BookSnapshot | BookDelta):
            books.apply(event)
    assert kinds == {InstrumentDefined: 12, MarketStatus: 12, BookSnapshot: 12, BookDelta: 245}
    assert books.levels() == naive_fold(frames)
    assert len(books.levels()) > 500


def test_lost_frame_of_a_whole_connection_is_noticed(tmp_path: Path) -> None:
    recorded = json.loads(SPORTS.read_text())
    del recorded["frames"][100]
    cut = tmp_path / "cut.json"
    cut.write_text(json.dumps(recorded))
    stale = [event for event in read([cut], whole=True) if isinstance(event, BookStale)]
    assert len(stale) == 12
    assert "was due" in stale[0].why


FIELDS = {
    "orderbook_snapshot": "sid seq msg msg.market_ticker",
    "orderbook_delta": "sid seq msg msg.market_ticker msg.price_dollars msg.delta_fp msg.side",
    "trade": "sid msg msg.market_ticker msg.yes_price_dollars msg.count_fp msg.taker_book_side",
}


REQUIRED = (
    *("ticker", "event_ticker", "status", "result", "yes_sub_title", "rules_primary", "rules_secondary"),
    *("price_ranges", "close_time"),
)


def recorded_frames() -> Iterator[list[Json]]:
    """Every frame of the sports connection; the first and the last of each file of the others."""
    if FOLDER is None:
        return
    yield [stored["frame"] for stored in json.loads(SPORTS.read_text())["frames"]]
    for folder in GOLD:
        for path in sorted(folder.glob("*.ndjson.gz")):
            lines = [json.loads(line)["event"] for line in islice(lines_of([path]), 2000)]
            firsts = [frame for n, frame in enumerate(lines) if n < 40 or frame["type"] == "trade"]
            yield firsts[:100]


def test_a_required_field_dropped_from_any_recorded_frame_stops_the_market_with_a_message() -> None:
    cuts = 0
    for frames in recorded_frames():
        parser, sequence = Parser(use_yes_price=False), Sequence(extract=True)
        for frame in frames:
            for field in FIELDS.get(frame["type"], "").split():
                cut = json.loads(json.dumps(frame))
                *above, last = field.split(".")
                del (cut[above[0]] if above else cut)[last]
                feed = Feed(parser, copy.deepcopy(sequence))
                feed.sequence.hold(frame["sid"], instrument(frame["msg"]["market_ticker"]))
                told = feed.read(raw(cut))
                stale = [event for event in told if isinstance(event, BookStale)]
                assert told == tuple(stale)
                assert instrument(frame["msg"]["market_ticker"]) in [event.instrument for event in stale]
                assert all(f"`{last}`" in event.why and "\n" not in event.why for event in stale)
                cuts += 1
            Feed(parser, sequence).read(raw(frame))
    print(f"{cuts} cut frames")
    assert cuts > 1500


def test_a_required_field_dropped_from_a_recorded_market_is_a_message() -> None:
    bodies = json.loads((SPORTS.parent / "markets_settled.json").read_bytes())["markets"]
    for market in bodies:
        for field in REQUIRED:
            cut = {key: value for key, value in market.items() if key != field}
            with pytest.raises(ParseError, match=f"`{field}`"):
                parse_markets(raw({"markets": [cut]}))


def test_recorded_listings_are_read() -> None:
    folder = SPORTS.parent
    events = json.loads(gzip.decompress((folder / "events_sports_nested.json.gz").read_bytes()))
    for event in events:
        listed = parse_event(raw({"event": event}))
        assert len(listed.listings) == len(event["markets"])
        assert all(listing.state is MarketState.OPEN for listing in listed.listings)
    settled = parse_markets((folder / "markets_settled.json").read_bytes())
    assert Counter((listing.result, listing.payout) for listing in settled) == {
        (Result.YES, ONE): 21,
        (Result.NO, 0): 21,
        (Result.UNKNOWN, None): 2,
    }


def test_recorded_fees_of_series() -> None:
    recorded = json.loads((SPORTS.parent / "series_fee_fields.json").read_text())["payloads"]
    rates = {name: parse_series(raw(body)).model() for name, body in recorded.items()}
    assert {name: (model.maker_rate, model.taker_rate) for name, model in rates.items()} == {
        "KXMLBGAME": (8_750, 35_000),
        "KXMLBSPREAD": (0, 35_000),
        "KXATPDOUBLES": (0, 70_000),
        "KXWNBAGAME": (17_500, 70_000),
    }
