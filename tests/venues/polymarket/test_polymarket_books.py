"""Books: worst first, totals into changes, the hash that proves them, and what happens when it does not."""

import json

import pytest
from polymarket_samples import CONDITION, NO, SLUG, VECTORS, YES, as_bytes, example, loaded

from console.core.events import BookDelta, BookSnapshot, BookStale, Trade
from console.core.instruments import BookSide, Instrument, Venue
from console.core.units import CENT, ONE, micros
from console.venues.polymarket.books import TokenBook, book_hash, parse_book, parse_books, parse_frame
from console.venues.polymarket.wire import ParseError

HOME = Instrument(Venue.POLYMARKET, SLUG)


def levels(side):
    return [(level["price"], level["size"]) for level in side]


@pytest.mark.parametrize("vector", VECTORS["order_book_hash"], ids=lambda v: v["note"][:40])
def test_a_book_hashes_as_the_venue_hashes_it(vector):
    book = vector["book"]
    ours = book_hash(
        book["market"],
        book["asset_id"],
        book["timestamp"],
        levels(book["bids"]),
        levels(book["asks"]),
        book["min_order_size"],
        book["tick_size"],
        book["neg_risk"],
        book["last_trade_price"],
    )
    assert ours == vector["expected_hash"]


@pytest.mark.parametrize("which", ["rest_book_response", "rest_book_empty_side_response"])
def test_books_of_the_examples_hash(which):
    book = loaded(which)
    assert book["hash"] == book_hash(
        book["market"],
        book["asset_id"],
        book["timestamp"],
        levels(book["bids"]),
        levels(book["asks"]),
        book["min_order_size"],
        book["tick_size"],
        book["neg_risk"],
        book["last_trade_price"],
    )


def book(tick=CENT):
    """The book of the examples as it stands after the dump and one read."""
    ours = TokenBook(HOME, CONDITION, YES, NO, tick)
    rest = next(b for b in parse_books(example("rest_books_response")) if b.asset_id == YES)
    ours.compare(rest)
    for message in parse_frame(example("ws_market_book_initial_dump")):
        ours.take(message)
    return ours


def change(**fields):
    message = loaded("ws_market_price_change")
    message.update(fields)
    return message


def applied(ours, message):
    (parsed,) = parse_frame(as_bytes(message))
    return ours.change(parsed)


def test_the_dump_is_the_book_of_the_first_token():
    snapshot = book().snapshot()
    assert snapshot.bids == ((470_000, 100 * ONE), (460_000, micros("12.5")), (450_000, 30 * ONE))
    assert snapshot.asks == ((490_000, 250 * ONE), (510_000, micros("7.25")), (520_000, 44 * ONE))


def test_a_new_total_becomes_a_change_and_proves_the_book():
    ours = book()
    (delta,) = applied(ours, change())
    assert delta == BookDelta(instrument=HOME, side=BookSide.ASK, price=490_000, change=-20 * ONE)
    assert ours.sound


def test_a_removed_level_is_a_change_to_nothing():
    ours = book()
    applied(ours, change())
    (delta,) = applied(ours, loaded("ws_market_price_change_level_removed"))
    assert delta == BookDelta(instrument=HOME, side=BookSide.ASK, price=510_000, change=-micros("7.25"))
    assert ours.sound


def test_a_hash_that_does_not_fit_distrusts_the_book():
    ours = book()
    message = change()
    message["price_changes"][0]["hash"] = "f" * 40
    *_, stale = applied(ours, message)
    assert isinstance(stale, BookStale)
    assert "hash" in stale.why
    assert not ours.sound
    assert applied(ours, change()) == []  # nothing is believed before a whole book


def test_a_change_that_was_missed_shows_in_the_next_hash():
    ours = book()
    assert any(
        isinstance(e, BookStale) for e in applied(ours, loaded("ws_market_price_change_level_removed"))
    )


def test_a_hash_that_never_fits_says_something_of_the_hash():
    """The formula may change: then books are proven by their best prices, not stale for ever."""
    ours = book()
    stale = 0
    for _ in range(6):
        message = change()
        message["price_changes"][0]["hash"] = "f" * 40
        stale += any(isinstance(event, BookStale) for event in applied(ours, message))
        if not ours.sound:
            ours.compare(next(b for b in parse_books(example("rest_books_response")) if b.asset_id == YES))
    assert stale == 3
    message = change()
    message["price_changes"][0].update(hash="f" * 40, best_bid="0.46")
    assert any(isinstance(event, BookStale) for event in applied(ours, message))


def test_without_a_hash_the_best_prices_are_the_proof():
    ours = book()
    message = change()
    message["price_changes"][0].update(hash="", best_ask="0.50")
    assert any(isinstance(event, BookStale) for event in applied(ours, message))


def test_entries_of_the_other_token_are_not_ours():
    ours = book()
    message = change()
    message["price_changes"] = message["price_changes"][1:]
    assert applied(ours, message) == []
    assert ours.sound


def test_a_trade_is_told_in_prices_of_the_first_token():
    ours = book()
    (message,) = parse_frame(example("ws_market_last_trade_price"))
    assert ours.trade(message) == [Trade(instrument=HOME, price=490_000, size=20 * ONE, taker=BookSide.BID)]
    other = loaded("ws_market_last_trade_price")
    other.update(asset_id=NO, price="0.53", side="BUY", timestamp="1790000001999")
    (message,) = parse_frame(as_bytes(other))
    assert ours.trade(message) == [Trade(instrument=HOME, price=470_000, size=20 * ONE, taker=BookSide.ASK)]


def test_a_trade_told_of_both_tokens_happened_once():
    ours = book()
    (first,) = parse_frame(example("ws_market_last_trade_price"))
    other = loaded("ws_market_last_trade_price")
    other.update(asset_id=NO, price="0.51", side="SELL")
    (second,) = parse_frame(as_bytes(other))
    assert len(ours.trade(first)) == 1
    assert ours.trade(second) == []
    assert len(ours.trade(first)) == 1  # the same size again at the same price is another trade


def test_a_new_tick_size_empties_the_book_until_it_is_told():
    ours = book()
    (stale,) = ours.regrid(1_000, "0.001")
    assert isinstance(stale, BookStale)
    assert applied(ours, change()) == []
    for message in parse_frame(example("ws_market_book_initial_dump")):
        if message.asset_id == YES:
            assert isinstance(ours.take(message)[0], BookSnapshot)
    assert ours.sound


def test_levels_off_the_grid_count_on_the_rung_that_is_worse():
    ours = TokenBook(HOME, CONDITION, YES, NO, CENT)
    body = loaded("rest_book_response")
    body["bids"].append({"price": "0.475", "size": "4"})
    body["asks"].append({"price": "0.485", "size": "6"})
    (snapshot,), _ = ours.compare(parse_book(as_bytes(body)))
    assert snapshot.bids[0] == (470_000, 104 * ONE)
    assert snapshot.asks[0] == (490_000, 256 * ONE)


def test_a_read_that_agrees_confirms_and_one_that_is_ahead_accuses_the_stream():
    ours = book()
    rest = next(b for b in parse_books(example("rest_books_response")) if b.asset_id == YES)
    assert ours.compare(rest) == ([ours.snapshot()], False)
    ahead = loaded("rest_book_response")
    ahead["timestamp"] = "1790000009000"
    ahead["bids"][-1]["size"] = "55"
    events, owes = ours.compare(parse_book(as_bytes(ahead)))
    assert owes
    assert events[0].bids[0] == (470_000, 55 * ONE)
    assert applied(ours, change()) == []  # older than what was read


def test_a_read_that_is_behind_changes_nothing():
    ours = book()
    applied(ours, change())
    old = next(b for b in parse_books(example("rest_books_response")) if b.asset_id == YES)
    events, owes = ours.compare(old)
    assert not owes
    assert events[0].asks[0] == (490_000, 230 * ONE)


@pytest.mark.parametrize("bad", ["", "a lot", "1e3", "0.1234567"])
def test_a_level_that_is_no_number_is_refused(bad):
    message = loaded("ws_market_book_after_trade")
    message["bids"][0]["size"] = bad
    ours = book()
    (parsed,) = parse_frame(json.dumps(message))
    with pytest.raises(ParseError, match="book"):
        ours.take(parsed)
    assert not ours.sound
