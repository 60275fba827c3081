from __future__ import annotations

from typing import Any

import pytest
from kalshi_samples import BOS, LAL, T1, Json, delta, example, raw, snapshot, trade

from console.core.events import BookDelta, BookSnapshot, BookStale
from console.core.instruments import BookSide
from console.venues.kalshi.feed import Feed, Sequence
from console.venues.kalshi.frames import Parser, PublicEvent


def feed(*, extract: bool = False) -> Feed:
    return Feed(Parser(use_yes_price=False), Sequence(extract=extract))


def run(connection: Feed, *frames: Json) -> list[PublicEvent]:
    return [event for frame in frames for event in connection.read(raw(frame))]


def stale(events: list[PublicEvent]) -> list[tuple[Any, str]]:
    return [(event.instrument, event.why) for event in events if isinstance(event, BookStale)]


# ---- numbers


def test_every_frame_of_a_subscription_counts_whatever_its_type() -> None:
    events = run(
        feed(),
        example("ws/resp_subscribed_orderbook.json"),
        snapshot(1),
        {"id": 5, "type": "ok", "sid": 1, "seq": 2, "msg": {"market_tickers": [LAL.symbol]}},
        snapshot(3, BOS),
        {"type": "something_new", "sid": 1, "seq": 4},
        delta(5),
        {"id": 8, "sid": 1, "seq": 6, "type": "unsubscribed"},
    )
    assert stale(events) == [
        (LAL, "subscription 1 is over"),
        (BOS, "subscription 1 is over"),
    ]


def test_gap_makes_every_book_of_the_subscription_stale_before_its_frame_counts() -> None:
    connection = feed()
    run(connection, snapshot(1), snapshot(2, BOS), snapshot(1, T1, sid=7))
    events = run(connection, delta(4))
    assert stale(events) == [
        (LAL, "subscription 1: frame 3 was due, 4 came"),
        (BOS, "subscription 1: frame 3 was due, 4 came"),
    ]
    assert isinstance(events[-1], BookDelta)
    assert stale(run(connection, delta(5), delta(2, T1, sid=7))) == []


@pytest.mark.parametrize("seq", [2, 1])
def test_number_that_repeats_or_runs_backwards_is_a_gap(seq: int) -> None:
    connection = feed()
    run(connection, snapshot(1), delta(2))
    assert stale(run(connection, delta(seq))) == [
        (LAL, f"subscription 1: frame 3 was due, {seq} came"),
    ]


def test_lost_trades_leave_the_books_alone() -> None:
    connection = feed()
    run(connection, snapshot(1))
    assert stale(run(connection, trade(1), trade(9))) == []


def test_sequence_returns_the_instruments_of_the_gap() -> None:
    sequence = Sequence()
    sequence.hold(1, LAL)
    sequence.hold(2, BOS)
    assert sequence.check(1, 1) is None
    gap = sequence.check(1, 3)
    assert gap is not None
    assert gap.instruments == (LAL,)
    assert sequence.check(1, 4) is None
    assert sequence.books() == (LAL, BOS)


def test_first_frame_of_a_subscription_has_number_one() -> None:
    assert Sequence().check(1, 1) is None
    assert Sequence().check(1, 2) is not None


def test_extract_may_begin_anywhere_and_have_holes() -> None:
    events = run(feed(extract=True), snapshot(30_636_330), delta(30_636_344), snapshot(30_636_360, BOS))
    assert stale(events) == []


@pytest.mark.parametrize("seq", [900, 899])
def test_extract_whose_numbers_repeat_or_run_backwards_is_faulty(seq: int) -> None:
    connection = feed(extract=True)
    run(connection, snapshot(880), snapshot(881, BOS), delta(900), snapshot(1, T1, sid=2))
    assert stale(run(connection, delta(seq))) == [
        (LAL, f"subscription 1: frame 901 was due, {seq} came"),
        (BOS, f"subscription 1: frame 901 was due, {seq} came"),
    ]
    assert stale(run(connection, delta(902))) == []


def test_subscription_that_begins_anew_counts_from_one_again() -> None:
    for connection in (feed(), feed(extract=True)):
        run(connection, snapshot(1), delta(2))
        again = run(connection, example("ws/resp_subscribed_orderbook.json"), snapshot(1), delta(2))
        assert stale(again) == [(LAL, "subscription 1 began anew")]
        assert isinstance(again[1], BookSnapshot)


# ---- ends


def test_terminal_error_ends_its_subscription() -> None:
    for code in (10, 25):
        connection = feed()
        run(connection, snapshot(1), snapshot(1, BOS, sid=2))
        frame = {"type": "error", "sid": 1, "seq": 2, "msg": {"code": code, "msg": "overflow"}}
        assert stale(run(connection, frame)) == [(LAL, f"subscription 1 is dead: error {code} overflow")]
        assert connection.sequence.books() == (BOS,)


def test_terminal_error_without_a_subscription_ends_all() -> None:
    connection = feed()
    run(connection, snapshot(1), snapshot(1, BOS, sid=2))
    events = run(connection, {"type": "error", "msg": {"code": 10, "msg": "channel error"}})
    assert [instrument for instrument, _ in stale(events)] == [LAL, BOS]


def test_refused_command_ends_nothing() -> None:
    connection = feed()
    run(connection, snapshot(1))
    assert run(connection, example("ws/resp_error_unknown_channel.json")) == []


# ---- what cannot be read


def test_unreadable_frame_makes_its_market_stale_and_still_counts() -> None:
    connection = feed()
    run(connection, snapshot(1), snapshot(2, BOS))
    events = run(connection, delta(3, change="x"), delta(4, BOS))
    assert stale(events) == [
        (LAL, f"kalshi orderbook_delta of {LAL.symbol}: delta_fp: not a decimal number: 'x'"),
    ]


def test_frame_without_a_market_makes_every_book_of_its_subscription_stale() -> None:
    connection = feed()
    run(connection, snapshot(1), snapshot(2, BOS), snapshot(1, T1, sid=2))
    nameless = delta(3)
    del nameless["msg"]["market_ticker"]
    assert [instrument for instrument, _ in stale(run(connection, nameless))] == [LAL, BOS]


def test_frame_that_is_no_json_makes_every_book_stale() -> None:
    connection = feed()
    run(connection, snapshot(1), snapshot(1, T1, sid=2))
    events = list(connection.read(b'{"type": "orderbook_del'))
    assert [instrument for instrument, _ in stale(events)] == [LAL, T1]


def test_unreadable_frame_after_a_gap_says_both() -> None:
    connection = feed()
    run(connection, snapshot(1), snapshot(2, BOS))
    said = stale(run(connection, delta(5, price="1.0000")))
    assert [instrument for instrument, _ in said] == [LAL, BOS, LAL]
    assert said[0][1] == "subscription 1: frame 3 was due, 5 came"
    assert "price_dollars" in said[2][1]


# ---- a whole exchange of frames


def test_recorded_example_replays_to_its_expected_book() -> None:
    story = example("ws/replay_no_leg.json")
    sizes: dict[tuple[BookSide, int], int] = {}
    connection = feed()
    for event in run(connection, *story["frames"]):
        match event:
            case BookSnapshot():
                sizes = {(BookSide.BID, price): size for price, size in event.bids}
                sizes |= {(BookSide.ASK, price): size for price, size in event.asks}
            case BookDelta():
                level = (event.side, event.price)
                sizes[level] = sizes.get(level, 0) + event.change
            case _:
                pytest.fail(f"unexpected {event}")
    assert {level: size for level, size in sizes.items() if size} == {
        (BookSide.BID, 460_000): 1_260_000_000,
        (BookSide.BID, 450_000): 850_500_000,
        (BookSide.BID, 440_000): 2_000_000_000,
        (BookSide.ASK, 470_000): 12_340_000,
        (BookSide.ASK, 490_000): 1_500_000_000,
        (BookSide.ASK, 500_000): 640_250_000,
    }
    assert stale(run(connection, story["gap_example_next_frame"])) == [
        (LAL, "subscription 1: frame 6 was due, 7 came"),
    ]
