"""Other people's recordings of Polymarket: MMCONSOLE_RECORDINGS names the folder that holds them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from console.venues.polymarket.account import parse_positions
from console.venues.polymarket.books import book_hash, parse_frame
from console.venues.polymarket.discovery import parse_market
from console.venues.polymarket.orders import parse_cancels, parse_refusal
from console.venues.polymarket.user import parse_user_frame
from console.venues.polymarket.wire import ParseError

FOLDER = os.environ.get("MMCONSOLE_RECORDINGS")
ROOT = Path(FOLDER or "no-recordings")
MESSAGES = ROOT / "polymarket_messages"
NBA = ROOT / "polymarket_nba_books/wgdth2/events.jsonl"

pytestmark = pytest.mark.skipif(FOLDER is None, reason="MMCONSOLE_RECORDINGS is not set")


def spelled(number: float) -> str:
    return repr(number).removesuffix(".0")


def proven(book: dict) -> bool:
    """Whether some stamp and last trade price give the hash: the recorder kept neither.

    It stamped each book when it had it, half a second after the venue.
    """
    bids, asks = ([(spelled(p), spelled(s)) for p, s in book[side]] for side in ("bids", "asks"))
    lasts = ["", *(f"{cents / 100:.3f}" for cents in (1, 31, 51, 67))]
    return any(
        book_hash(
            book["market"], book["asset_id"], str(book["timestamp"] - ago), bids, asks, "5", tick, False, last
        )
        == book["hash"]
        for ago in range(503, 508)
        for tick in ("0.01", "0.001")
        for last in lasts
    )


def test_recorded_books_hash_as_the_venue_hashed_them() -> None:
    books = [json.loads(line)["data"] for line in NBA.read_text().splitlines()]
    hashed = [book for book in books if "hash" in book]
    assert len(hashed) == 264
    found = [book for book in hashed if proven(book)]
    assert len(found) == 18  # of the others the last trade price, spelled as the venue does, is not known
    for book in found:  # and not because anything would do
        side = "bids" if book["bids"] else "asks"
        price, size = book[side][0]
        assert not proven({**book, side: [[price, size + 1], *book[side][1:]]})


@pytest.mark.parametrize("name", ["ws_market_*", "ws_user_*_msg", "ws_user_order_fok_killed"])
def test_recorded_frames_are_read(name: str) -> None:
    files = sorted(MESSAGES.glob(f"{name}.json"))
    assert files
    for file in files:
        parse = parse_user_frame if "user" in file.name else parse_frame
        assert parse(file.read_bytes()), file.name


def test_recorded_answers_and_listings_are_read() -> None:
    for file in sorted(MESSAGES.glob("gamma_market_*.json")):
        assert parse_market(file.read_bytes()).spec.size_min > 0
    assert parse_cancels((MESSAGES / "http_cancel_response_ok.json").read_bytes()).canceled
    assert parse_cancels((MESSAGES / "http_cancel_response_failed.json").read_bytes()).not_canceled
    assert parse_refusal(500, (MESSAGES / "http_order_response_error_500.json").read_bytes())


def test_frames_without_their_kind_are_refused() -> None:
    for name in ("ws_book_snapshot", "ws_last_trade", "ws_quotes", "ws_tick_size_change"):
        with pytest.raises(ParseError, match="event_type"):
            parse_frame((MESSAGES / f"{name}.json").read_bytes())
    with pytest.raises(ParseError):
        parse_positions((MESSAGES / "data_api_trades_response.json").read_bytes())
