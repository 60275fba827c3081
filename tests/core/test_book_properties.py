"""A bidder sees the same on both sides of a mirror, and no change that matters goes unnoticed."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.book import Book, Face, Stream, can_wait, guard
from console.core.instruments import BookSide
from console.core.ladders import Band, Ladder, banded, even
from console.core.units import ONE, Nanos, Price

CENTS = even("ten", 100_000)
TAPERED = banded(
    "tapered", [Band(0, 200_000, 50_000), Band(200_000, 800_000, 100_000), Band(800_000, ONE, 50_000)]
)
LOPSIDED = Ladder("odds", [90_909, 250_000, 400_000, 476_190, 500_000, 523_810, 700_000, 909_091])
LADDERS = st.sampled_from([CENTS, TAPERED, LOPSIDED])
SIZES = st.integers(0, 8)
BID, ASK = BookSide.BID, BookSide.ASK


@st.composite
def situations(draw: st.DrawFn) -> tuple[Book, dict[int, int], dict[int, int]]:
    """A sound book with our own sizes on both sides, sometimes more than the level shows."""
    ladder = draw(LADDERS)
    middle = draw(st.integers(0, len(ladder)))
    bids = [(price, draw(SIZES)) for price in ladder.prices[:middle]]
    asks = [(price, draw(SIZES)) for price in ladder.prices[middle:]]
    own_bids = {price: draw(SIZES) for price, _ in bids if draw(st.booleans())}
    own_asks = {price: draw(SIZES) for price, _ in asks if draw(st.booleans())}
    made = Book(ladder, Stream())
    made.snapshot(bids, asks, Nanos(1))
    return made, own_bids, own_asks


def mirror(book: Book) -> Book:
    made = Book(Ladder("mirror", [ONE - price for price in book.ladder.prices]), Stream())
    bids = [(ONE - price, ask) for price, _, ask in book.levels() if ask]
    asks = [(ONE - price, bid) for price, bid, _ in book.levels() if bid]
    made.snapshot(bids, asks, Nanos(1))
    return made


def flipped(own: dict[int, int]) -> dict[int, int]:
    return {ONE - price: size for price, size in own.items()}


@settings(max_examples=300)
@given(situations(), st.integers(1, 12), st.integers(0, 20).map(lambda n: n * 50_000))
def test_the_ask_side_is_the_bid_side_of_the_mirrored_book(
    situation: tuple[Book, dict[int, int], dict[int, int]], dust: int, price: int
) -> None:
    book, own_bids, own_asks = situation
    seen = Face(book, ASK, own_asks)
    same = Face(mirror(book), BID, flipped(own_asks))
    assert seen.rival(dust) == same.rival(dust)
    assert seen.rival_below(price, dust) == same.rival_below(price, dust)
    assert seen.opposing(own_bids) == same.opposing(flipped(own_bids))
    for enough in (1, 10, ONE * ONE):
        assert seen.depth(price // 4, enough) == same.depth(price // 4, enough)
    assert seen.down(price) == same.down(price)
    assert seen.up(price) == same.up(price)
    rung = seen.down(price)
    if rung is not None:
        assert seen.tick_at(rung) == same.tick_at(rung)


def answers(book: Book, own_bids: dict[int, int], own_asks: dict[int, int], dust: int) -> list[Price | None]:
    bids, asks = Face(book, BID, own_bids), Face(book, ASK, own_asks)
    rivals = [face.rival(dust) for face in (bids, asks)]
    return [
        *(rival[0] if rival is not None else None for rival in rivals),
        bids.opposing(own_asks),
        asks.opposing(own_bids),
    ]


def test_no_change_of_a_rival_or_an_opposing_price_goes_unnoticed() -> None:
    dice = random.Random(7)
    for _ in range(4_000):
        ladder, dust = dice.choice([CENTS, TAPERED, LOPSIDED]), dice.randint(0, 6)
        middle = dice.randint(0, len(ladder))
        bids = [(price, dice.randint(0, 8)) for price in ladder.prices[:middle]]
        asks = [(price, dice.randint(0, 8)) for price in ladder.prices[middle:]]
        own_bids = {price: dice.randint(0, 8) for price, _ in bids if dice.random() < 0.5}
        own_asks = {price: dice.randint(0, 8) for price, _ in asks if dice.random() < 0.5}
        book = Book(ladder, Stream())
        book.snapshot(bids, asks, Nanos(1))
        for _ in range(8):
            before = answers(book, own_bids, own_asks, dust)
            faces = Face(book, BID, own_bids), Face(book, ASK, own_asks)
            guard(book, *faces, dust, own_bids, own_asks)
            book.guarded = book.problem(True) is None
            rung, on_bid, size = dice.randrange(len(ladder)), dice.random() < 0.5, dice.randint(0, 8)
            change = size - (book.bid_sizes if on_bid else book.ask_sizes)[rung]
            (side, own), price = (BID, own_bids) if on_bid else (ASK, own_asks), ladder.prices[rung]
            asked = book.delta(side, price, change, Nanos(2))
            if asked and book.problem(True) is None:
                asked = not can_wait(book, side, price, change, own, dust)
            assert asked or answers(book, own_bids, own_asks, dust) == before


@given(situations(), st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(-8, 8)), max_size=12))
def test_deltas_lead_to_the_same_book_as_one_snapshot_of_their_sums(
    situation: tuple[Book, dict[int, int], dict[int, int]], deltas: list[tuple[bool, int, int]]
) -> None:
    book, _, _ = situation
    bids = {price: bid for price, bid, _ in book.levels() if bid}
    asks = {price: ask for price, _, ask in book.levels() if ask}
    for on_bid, at, change in deltas:
        price = book.ladder.prices[at % len(book.ladder)]
        sizes = bids if on_bid else asks
        sizes[price] = sizes.get(price, 0) + change
        book.delta(BID if on_bid else ASK, price, change, Nanos(2))
        if sizes[price] < 0:
            assert book.stale
            return
    fresh = Book(book.ladder, Stream())
    fresh.snapshot(bids.items(), asks.items(), Nanos(2))
    assert list(book.levels()) == list(fresh.levels())
    assert (book.best_bid, book.best_ask) == (fresh.best_bid, fresh.best_ask)
