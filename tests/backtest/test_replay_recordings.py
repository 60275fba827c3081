"""Replays of other people's recordings: MMCONSOLE_RECORDINGS names the folder that holds them.

With MMCONSOLE_RECORDINGS_ALL set as well every file is replayed, otherwise two of them.
"""

import gzip
import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from console.backtest.replay import Replay, overridden, replay
from console.backtest.tape import Tape
from console.core.commands import AmendOrder, PlaceOrder
from console.core.instruments import Instrument, Venue
from console.core.settings import AccountSettings
from console.core.units import MILLISECOND, ONE, micros

FOLDER = os.environ.get("MMCONSOLE_RECORDINGS")
ROOT = Path(FOLDER or "no-recordings")
GOLD = sorted((ROOT / "kalshi_gold15m/events").glob("*/*.gz")) if FOLDER else []
SPORTS = ROOT / "kalshi_sports_fixtures/ws_orderbook_stream.json"
FEW = GOLD if "MMCONSOLE_RECORDINGS_ALL" in os.environ else GOLD[1:3]
LIMITLESS = ("max_loss_match=100000", "daily_loss=100000", "drawdown=off")
KEENLY = (*LIMITLESS, "edge_min=0", "vol_factor=0")

pytestmark = pytest.mark.skipif(FOLDER is None, reason="MMCONSOLE_RECORDINGS is not set")


def naive_fold(frames, until_ms):
    """Books by the plainest arithmetic there is: {(ticker, leg): {cents of the leg: size}}."""
    books = defaultdict(dict)
    for received_ms, frame in frames:
        msg = frame["msg"]
        if received_ms > until_ms:
            break
        if frame["type"] == "orderbook_snapshot":
            for leg in ("yes", "no"):
                books[msg["market_ticker"], leg] = {
                    micros(price): micros(size) for price, size in msg.get(f"{leg}_dollars_fp", [])
                }
        elif frame["type"] == "orderbook_delta":
            levels, price = books[msg["market_ticker"], msg["side"]], micros(msg["price_dollars"])
            levels[price] = levels.get(price, 0) + micros(msg["delta_fp"])
    return {key: {price: size for price, size in book.items() if size} for key, book in books.items()}


def frames_of(path):
    if path.suffix == ".gz":
        with gzip.open(path) as lines:
            stored = [json.loads(line) for line in lines]
        return [(each["recv_ms"], each["event"]) for each in stored]
    return [(each["received_ms"], each["frame"]) for each in json.loads(path.read_text())["frames"]]


def assert_books_are_the_fold(running, folded):
    """The public book is the naive fold; the engine's is that, less what we took, and our own orders."""
    for (ticker, leg), levels in folded.items():
        instrument = Instrument(Venue.KALSHI, ticker)
        market = running.tape.exchange.markets[instrument]
        half, sign = (market.bids, 1) if leg == "yes" else (market.asks, -1)
        public = {price: size for price, size in half.sizes.items() if size}
        assert public == {(p if sign > 0 else ONE - p): size for p, size in levels.items()}
        book = running.engine.state.markets[instrument].book
        sizes = book.bid_sizes if leg == "yes" else book.ask_sizes
        seen = {p: size for p, size in zip(book.ladder.prices, sizes, strict=True) if size}
        assert seen == dict(half.levels())


def test_books_are_the_naive_fold_all_along():
    path = GOLD[1]
    frames = frames_of(path)
    first, last = frames[0][0], frames[-1][0]
    running = Replay(Tape([path], overridden(KEENLY)[0]), AccountSettings())
    for tenth in range(1, 11):
        until_ms = first + (last - first) * tenth // 10
        while running.tape.next_ts() <= until_ms * MILLISECOND:
            running.step()
        assert_books_are_the_fold(running, naive_fold(frames, running.tape.now // MILLISECOND))


def test_sports_books_are_the_naive_fold():
    running = Replay(Tape([SPORTS], overridden(())[0], whole=True), AccountSettings())
    running.run()
    folded = naive_fold(frames_of(SPORTS), 1 << 62)
    assert len(folded) == 24
    assert_books_are_the_fold(running, folded)


@pytest.mark.parametrize("path", FEW, ids=lambda path: path.parent.name)
def test_recorded_market_is_made_cleanly(path):
    tape = Tape([path], overridden(KEENLY)[0])
    running = Replay(tape, overridden(KEENLY)[1])
    submit = tape.submit

    def watched(command, ts):
        if isinstance(command, PlaceOrder | AmendOrder):
            bought = command.action.value == "buy"
            assert command.price <= command.ceiling if bought else command.price >= command.ceiling
        submit(command, ts)

    tape.submit = watched
    running.run()
    report = running.report(1, 1.0, "")
    assert report.clean, report
    assert report.orders > 10
    assert report.stale_books == 0
    assert report.resting == 0
    assert report.pnl == tape.exchange.wallet.money.cash - tape.exchange.wallet.money.paid_in


def test_sports_fixture_is_made_cleanly():
    report = replay([SPORTS], whole=True)
    assert report.clean
    assert len(report.markets) == 12
    assert report.orders > 0
    assert report.stale_books == 0


def test_recorded_market_has_the_same_decisions_again():
    assert replay([GOLD[1]]).digest == replay([GOLD[1]]).digest
