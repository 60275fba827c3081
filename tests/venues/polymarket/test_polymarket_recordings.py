"""Other people's recordings of Polymarket: MMCONSOLE_RECORDINGS names the folder that holds them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
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


# The recorder kept neither the venue's stamp of a book nor the last trade price in it. Both can be searched
# for: the stamp is the millisecond of the book's last change, which may be many minutes before it was sent,
# the price a text of three decimals, shared by both tokens, or nothing. The search found these.
BEGUN = 1_768_858_449_000
STAMPS = [
    BEGUN + after
    for after in (
        *(-1066828, -1066826, -852000, -643516, -643514, -407997, -404999, -385000, -376997, -376501),
        *(-369999, -353519, -353518, -136076, -106996, -3000, -2676, 0, 1, 2, 3, 151, 158, 233, 235, 247),
        *(269, 321, 2593674, 2593675, 2593676, 2600977, 2608501, 2609000, 2609001, 2609003, 2609004),
        *(2609005, 2609006, 2609079, 2609375, 2609404, 2609534, 2609535, 2609552, 2612593, 2614132),
        *(2614332, 2614547, 2614557, 2614802, 2614804, 2615046, 2615075, 2615166, 2615223, 2615229, 2615261),
    )
]
LASTS = [
    "",
    *(
        f"{mills / 1000:.3f}"
        for mills in (1, 10, 20, 60, 100, 120, 230, 270, 310, 400, 410, 450, 460, 470, 490)
    ),
    *(f"{mills / 1000:.3f}" for mills in (500, 510, 520, 530, 550, 600, 660, 670, 680, 690, 760, 999)),
]
CENTS = ["", *(f"{cents / 100:.3f}" for cents in range(1, 100))]


def spelled(levels: list[list[float]]) -> list[tuple[str, str]]:
    return [(repr(price).removesuffix(".0"), repr(size).removesuffix(".0")) for price, size in levels]


def hashed_books() -> list[dict]:
    books = [json.loads(line)["data"] for line in NBA.read_text().splitlines()]
    return [book for book in books if "hash" in book]


def search(book: dict, stamps: Iterable[int], lasts: list[str]) -> tuple[int, str, str] | None:
    """The stamp, last trade price and tick that give a book its hash; None when none of these do."""
    wanted = bytes.fromhex(book["hash"])
    head = hashlib.sha1(
        f'{{"market":"{book["market"]}","asset_id":"{book["asset_id"]}","timestamp":"'.encode()
    )
    bids, asks = (
        ",".join(f'{{"price":"{price}","size":"{size}"}}' for price, size in spelled(book[side]))
        for side in ("bids", "asks")
    )
    levels = f'"bids":[{bids}],"asks":[{asks}]'
    middles = {
        tick: f'","hash":"",{levels},"min_order_size":"5","tick_size":"{tick}","neg_risk":false,'.encode()
        for tick in ("0.01", "0.001")
    }
    tails = [(last, f'"last_trade_price":"{last}"}}'.encode()) for last in lasts]
    for stamp in stamps:
        for tick, middle in middles.items():
            body = head.copy()
            body.update(f"{stamp}".encode() + middle)
            for last, tail in tails:
                whole = body.copy()
                whole.update(tail)
                if whole.digest() == wanted:
                    return stamp, last, tick
    return None


def proven(book: dict, found: tuple[int, str, str]) -> bool:
    stamp, last, tick = found
    bids, asks = spelled(book["bids"]), spelled(book["asks"])
    ours = book_hash(book["market"], book["asset_id"], str(stamp), bids, asks, "5", tick, False, last)
    return ours == book["hash"]


def test_recorded_books_hash_as_the_venue_hashed_them() -> None:
    books = hashed_books()
    found = [(book, facts) for book in books if (facts := search(book, STAMPS, LASTS))]
    assert (len(found), len(books)) == (264, 264)
    assert all(proven(*each) for each in found)
    by_market: dict[tuple[str, int], set[str]] = {}
    for book, (_, last, _) in found:
        by_market.setdefault((book["market"], book["timestamp"] // 2_000), set()).add(last)
    assert all(len(lasts) == 1 for lasts in by_market.values())  # one last trade for both tokens
    for book, _ in found[::10]:  # and not because anything would do
        side = "bids" if book["bids"] else "asks"
        (price, size), *others = book[side]
        assert not search({**book, side: [[price, size + 1], *others]}, STAMPS, LASTS)


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not os.environ.get("TEST_LONG"), reason="minutes of hashing: TEST_LONG is not set")
def test_a_search_that_knows_nothing_finds_what_changed_within_the_last_seconds() -> None:
    found = 0
    for book in {book["market"]: book for book in hashed_books()}.values():
        sent = book["timestamp"]
        facts = search(book, range(sent, sent - 4_000, -1), CENTS)
        found += facts is not None and proven(book, facts)
    assert found == 21  # of 44 markets; the others changed earlier


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
