from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from kalshi_samples import BOS, EXAMPLES, LAL, Json, delta, example, lifecycle, raw, snapshot, trade

from console.core.events import (
    BookDelta,
    BookSnapshot,
    BookStale,
    InstrumentDefined,
    MarketStatus,
    Settled,
    Trade,
)
from console.core.instruments import BookSide, Instrument, MarketState, Venue
from console.core.units import Price, Size
from console.venues.kalshi import grids
from console.venues.kalshi.frames import PublicEvent
from console.venues.kalshi.listings import FeeTerms
from console.venues.recording import RecordingError, metadata, read

T0 = 1_795_217_400_000  # milliseconds
Timed = tuple[int, Json]
Writer = Callable[[Path, Iterable[Timed]], Path]


def as_lines(path: Path, frames: Iterable[Timed]) -> Path:
    path.write_text("".join(json.dumps({"recv_ms": ms, "event": frame}) + "\n" for ms, frame in frames))
    return path


def as_document(path: Path, frames: Iterable[Timed]) -> Path:
    listed = [{"received_ms": ms, "frame": frame} for ms, frame in frames]
    path.write_text(
        json.dumps({"note": 'é [{ "frames": 1', "counts": {"frames": 3}, "frames": listed, "end": 1})
    )
    return path


def as_pretty_document(path: Path, frames: Iterable[Timed]) -> Path:
    listed = [{"received_ms": ms, "frame": frame} for ms, frame in frames]
    path.write_text(json.dumps({"captured_ms": 17860852478, "frames": listed}, indent=1))
    return path


def as_bare_frames(path: Path, frames: Iterable[Timed]) -> Path:
    lines = []
    for ms, frame in frames:
        if frame["type"] in ("orderbook_delta", "trade"):
            frame["msg"]["ts_ms"] = ms
        lines.append(json.dumps(frame) + "\n")
    path.write_text("".join(lines))
    return path


def packed(path: Path) -> Path:
    path.write_bytes(gzip.compress(path.read_bytes()))
    return path


def replayed(*paths: Path, **how: Any) -> list[PublicEvent]:
    return list(read(paths, **how))


def books(events: Iterable[PublicEvent]) -> list[PublicEvent]:
    """The events but for the two that introduce a market."""
    return [
        event
        for event in events
        if not isinstance(event, InstrumentDefined)
        and not (isinstance(event, MarketStatus) and event.state is MarketState.OPEN)
    ]


def kinds(events: Iterable[PublicEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


# ---- formats


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("write", [as_lines, as_document, as_pretty_document, as_bare_frames])
def test_every_format_gives_the_same_events(tmp_path: Path, write: Writer, zipped: bool) -> None:
    path = write(tmp_path / "r", [(T0, snapshot(10)), (T0 + 5, delta(11)), (T0 + 7, trade(3))])
    events = list(read([packed(path) if zipped else path]))
    first = T0 + 5 if write is as_bare_frames else T0  # a bare snapshot has the time of the next frame
    assert [event.wall // 1_000_000 for event in events] == [first, first, first, T0 + 5, T0 + 7]
    assert all(event.wall == event.ts for event in events)
    assert [type(event) for event in events[:2]] == [InstrumentDefined, MarketStatus]
    assert events[3:] == [
        BookDelta(
            ts=events[3].ts,
            wall=events[3].wall,
            instrument=LAL,
            side=BookSide.BID,
            price=Price(460_000),
            change=Size(10_000_000),
        ),
        Trade(
            ts=events[4].ts,
            wall=events[4].wall,
            instrument=LAL,
            price=Price(480_000),
            size=Size(25_000_000),
            taker=BookSide.BID,
        ),
    ]


@pytest.mark.parametrize("write", [as_document, as_pretty_document, as_lines])
def test_long_recording_is_read_to_its_last_frame(tmp_path: Path, write: Writer) -> None:
    levels = tuple((f"0.{tick:02d}00", "123456.78") for tick in range(1, 50))
    story = [(T0 + n, snapshot(n, yes=levels, no=levels)) for n in range(1, 200)]
    events = books(replayed(write(tmp_path / "long.json", story)))
    assert len(events) == 199
    assert all(isinstance(event, BookSnapshot) and len(event.asks) == 49 for event in events)


def test_blank_lines_and_unknown_frames_pass(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "r", [(T0, {"type": "new_type", "sid": 9, "seq": 1}), (T0, snapshot(1))])
    path.write_text("\n" + path.read_text() + "\n\n")
    assert kinds(books(replayed(path))) == ["BookSnapshot"]


def test_first_frames_without_a_time_get_the_first_time_known(tmp_path: Path) -> None:
    story = [(T0, example("ws/resp_subscribed_orderbook.json")), (T0, snapshot(1)), (T0, snapshot(2, BOS))]
    path = as_bare_frames(tmp_path / "r", [*story, (T0 + 3, delta(3)), (T0, snapshot(4)), (T0 + 9, delta(5))])
    assert [event.wall // 1_000_000 - T0 for event in books(read([path]))] == [3, 3, 3, 3, 9]


@pytest.mark.parametrize(
    "content",
    {
        "empty": b"",
        "table": b"time,bid,ask\n1,2,3\n",
        "list": b"[1, 2]",
        "list of words": b'["frames"]',
        "answer of REST": b'{"markets": [{"ticker": "X"}], "cursor": ""}',
        "frames are no list": b'{"frames": {"type": "ticker"}}',
        "document cut off before its frames": b'{"note": "cut off',
        "document cut off after a frame": b'{"frames": [{"received_ms": 1, "frame": {"type": "ticker"}}',
        "document of bare frames": b'{"frames": [{"type": "ticker"}]}',
        "line without a frame": b'{"recv_ms": 1, "frame": {"type": "ticker"}}\n',
        "time in words": b'{"recv_ms": "1", "event": {"type": "ticker"}}\n',
        "line cut off": b'{"recv_ms": 1, "event": {"type": "ticker"}}\n{"recv_ms": 2, "event": {"ty',
        "bare frames without a time": b'{"type": "ticker", "sid": 1}\n',
        "bare frame cut off": b'{"type": "ticker", "msg": {"ts_ms": 5}}\n{"type": ',
        "gzip cut off": gzip.compress(b'{"recv_ms": 1, "event": {"type": "ticker"}}\n' * 99)[:-20],
        "no gzip": b"\x1f\x8b and no more",
        "no text": b'{"\xff\xfe": 1}',
        "too deep": b'{"a": ' + b"[" * 100_000,
    }.items(),
    ids=lambda case: case[0],
)
def test_what_is_no_recording_is_named_with_what_would_be_right(
    tmp_path: Path, content: tuple[str, bytes]
) -> None:
    path = tmp_path / "quotes.csv"
    path.write_bytes(content[1])
    with pytest.raises(RecordingError) as caught:
        replayed(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "expected" in text
    assert "\n" not in text


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere\.ndjson: .*No such file"):
        replayed(tmp_path / "nowhere.ndjson")


def test_line_that_cannot_be_read_is_numbered(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "r", [(T0, snapshot(1))])
    path.write_text(path.read_text() + "oops\n")
    with pytest.raises(RecordingError, match=r"r, line 2: .*malformed"):
        replayed(path)


def test_frame_broken_over_two_lines_is_no_line(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "r", [(T0, snapshot(1)), (T0 + 1, delta(2))])
    path.write_text(path.read_text().replace('"event": {', '"event":\n{'))
    with pytest.raises(RecordingError, match=r"r, line 1: "):
        replayed(path)


def test_unusual_line_leaves_those_around_it_as_they_are(tmp_path: Path) -> None:
    story = [(T0, snapshot(1)), *((T0 + n, delta(n, change="1.00")) for n in range(2, 400))]
    plain = replayed(as_lines(tmp_path / "plain", story))
    story.insert(200, (T0 + 200, {"type": "new_type", "sid": 9, "seq": 1}))
    assert replayed(as_lines(tmp_path / "unusual", story)) == plain


@pytest.mark.parametrize("write", [as_lines, as_document, as_bare_frames])
def test_memory_stays_flat(tmp_path: Path, write: Writer) -> None:
    def peak(frames: int) -> int:
        story = [(T0, snapshot(1)), *((T0 + n, delta(n, note="x" * 200)) for n in range(2, frames))]
        path = packed(write(tmp_path / "r", story))
        del story
        tracemalloc.start()
        try:
            for _ in read([path]):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(8_000) < peak(1_000) + 200_000


# ---- time


def test_several_files_are_one_story_in_time_order(tmp_path: Path) -> None:
    lal = as_lines(tmp_path / "lal", [(T0, snapshot(1)), (T0 + 20, delta(3)), (T0 + 40, delta(5))])
    bos = as_document(
        tmp_path / "bos", [(T0 + 10, snapshot(2, BOS)), (T0 + 30, delta(4, BOS, price="0.4700"))]
    )
    told = [(event.wall // 1_000_000 - T0, event.instrument) for event in books(read([lal, bos]))]
    assert told == [(0, LAL), (10, BOS), (20, LAL), (30, BOS), (40, LAL)]


def test_clock_that_runs_backwards_is_held(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "r", [(T0 + 9, snapshot(1)), (T0 + 4, delta(2)), (T0 + 12, delta(3))])
    events = books(replayed(path))
    assert [event.ts // 1_000_000 - T0 for event in events] == [9, 9, 12]
    assert [event.wall // 1_000_000 - T0 for event in events] == [9, 4, 12]


def test_clock_is_held_however_long_the_file(tmp_path: Path) -> None:
    story = [(T0, snapshot(1)), (T0, delta(2)), (T0 + 9, delta(3)), *((T0, delta(n)) for n in range(4, 2000))]
    events = books(replayed(as_lines(tmp_path / "r", story)))
    assert [event.ts // 1_000_000 - T0 for event in events] == [0, 0, *[9] * 1997]


def test_of_one_moment_the_first_file_comes_first_however_long_both_are(tmp_path: Path) -> None:
    numbers = range(1, 2000)
    bos = as_lines(tmp_path / "bos", [(T0 + n // 2, snapshot(n, BOS)) for n in numbers])
    lal = as_lines(tmp_path / "lal", [(T0 + n // 3, snapshot(n)) for n in numbers])
    told = [(event.wall, event.instrument) for event in books(replayed(bos, lal))]
    assert len(told) == 2 * len(numbers)
    assert told == sorted(told, key=lambda event: (event[0], event[1] == LAL))


# ---- trust


def test_deltas_before_the_first_snapshot_are_skipped_and_said_once(tmp_path: Path) -> None:
    story = [(T0, delta(1)), (T0, delta(2)), (T0, trade(1)), (T0, snapshot(3)), (T0, delta(4))]
    events = books(replayed(as_lines(tmp_path / "r", story)))
    assert kinds(events) == ["BookStale", "Trade", "BookSnapshot", "BookDelta"]


def test_trust_goes_on_into_the_next_file_of_a_market(tmp_path: Path) -> None:
    monday = as_lines(tmp_path / "monday", [(T0, snapshot(1)), (T0 + 1, delta(2))])
    tuesday = as_lines(tmp_path / "tuesday", [(T0 + 2, delta(3)), (T0 + 3, delta(4))])
    assert kinds(books(replayed(tuesday, monday))) == ["BookSnapshot", "BookDelta", "BookDelta", "BookDelta"]


def test_unreadable_frame_makes_the_book_stale_until_its_next_snapshot(tmp_path: Path) -> None:
    broken = delta(3)
    del broken["msg"]["delta_fp"]
    story = [(T0, snapshot(1)), (T0, snapshot(2, BOS)), (T0, broken), (T0, delta(4, change="x"))]
    story += [(T0, delta(5)), (T0, delta(6, BOS)), (T0, snapshot(7)), (T0, delta(8))]
    events = books(replayed(as_lines(tmp_path / "r", story)))[2:]
    assert [(type(event), event.instrument) for event in events] == [
        (BookStale, LAL),
        (BookDelta, BOS),
        (BookSnapshot, LAL),
        (BookDelta, LAL),
    ]
    assert isinstance(events[0], BookStale)
    assert "`delta_fp`" in events[0].why


def test_holes_are_losses_only_in_a_whole_recording(tmp_path: Path) -> None:
    story = [(T0, snapshot(1)), (T0, delta(2)), (T0, delta(5)), (T0, delta(6)), (T0, snapshot(7))]
    path = as_lines(tmp_path / "r", story)
    assert "BookStale" not in kinds(replayed(path))
    assert kinds(books(replayed(path, whole=True))) == [
        "BookSnapshot",
        "BookDelta",
        "BookStale",
        "BookSnapshot",
    ]


def test_market_recorded_twice_at_once_is_not_believed(tmp_path: Path) -> None:
    story = [(T0, snapshot(1)), (T0 + 1, delta(2)), (T0 + 2, delta(3)), (T0 + 3, snapshot(4))]
    twice = [as_lines(tmp_path / name, story) for name in ("a", "b")]
    events = books(replayed(*twice))
    assert kinds(events) == ["BookSnapshot", "BookSnapshot", "BookStale", "BookSnapshot"]
    assert isinstance(events[2], BookStale)
    assert events[2].why == "two files recorded it at once"


def test_reconnection_in_one_file_leaves_the_books_of_another_alone(tmp_path: Path) -> None:
    lal = as_lines(tmp_path / "lal", [(T0, snapshot(1)), (T0 + 2, delta(3))])
    subscribed = example("ws/resp_subscribed_orderbook.json")
    bos = as_lines(tmp_path / "bos", [(T0 + 1, subscribed), (T0 + 1, snapshot(1, BOS))])
    assert kinds(books(replayed(lal, bos))) == ["BookSnapshot", "BookSnapshot", "BookDelta"]


def test_recorded_reconnection_begins_anew(tmp_path: Path) -> None:
    story = [(T0, snapshot(5)), (T0, delta(6)), (T0, example("ws/resp_subscribed_orderbook.json"))]
    story += [(T0, delta(1)), (T0, snapshot(2)), (T0, delta(3))]
    events = books(replayed(as_lines(tmp_path / "r", story)))
    assert kinds(events) == ["BookSnapshot", "BookDelta", "BookStale", "BookSnapshot", "BookDelta"]


def test_no_levels_of_the_recording_are_in_the_prices_it_was_subscribed_with(tmp_path: Path) -> None:
    path = as_lines(tmp_path / "r", [(T0, example("ws/orderbook_snapshot_yes_leg.json"))])
    (event,) = books(replayed(path, use_yes_price=True))
    assert isinstance(event, BookSnapshot)
    assert min(price for price, _ in event.asks) == 480_000


# ---- grids without metadata


def bands_told(events: Iterable[PublicEvent]) -> list[Any]:
    return [event.spec.bands for event in events if isinstance(event, InstrumentDefined)]


def test_market_is_defined_by_the_coarsest_grid_before_anything_else(tmp_path: Path) -> None:
    terms = FeeTerms("quadratic_with_maker_fees")
    path = as_lines(tmp_path / "r", [(T0, snapshot(1, yes=(("0.0710", "5.00"),)))])
    events = replayed(path, terms=terms)
    assert kinds(events) == ["InstrumentDefined", "MarketStatus", "BookSnapshot"]
    assert isinstance(events[0], InstrumentDefined)
    assert events[0].spec.bands == grids.named("tapered_deci_cent").bands
    assert events[0].spec.fees == terms.model()
    assert (events[0].spec.two_sided, events[0].spec.amendable) == (True, True)


def test_price_off_the_grid_makes_it_finer_and_keeps_every_rung(tmp_path: Path) -> None:
    story = [
        (T0, snapshot(1)),
        (T0, delta(2, price="0.4550")),
        (T0, delta(3, price="0.4650")),
        (T0, delta(4, price="0.0420")),
        (T0, snapshot(5, yes=(("0.4510", "1.00"),))),
    ]
    events = replayed(as_lines(tmp_path / "r", story))
    assert bands_told(events) == [
        grids.named(name).bands
        for name in ("linear_cent", "center_half_edge_half_cent", "center_half_edge_deci_cent", "deci_cent")
    ]
    assert kinds(events)[2:6] == ["BookSnapshot", "InstrumentDefined", "BookDelta", "BookDelta"]


def test_price_on_no_grid_leaves_the_book_stale(tmp_path: Path) -> None:
    story = [(T0, snapshot(1)), (T0, delta(2, price="0.45005")), (T0, delta(3)), (T0, snapshot(4))]
    assert kinds(books(replayed(as_lines(tmp_path / "r", story)))) == [
        "BookSnapshot",
        "BookStale",
        "BookSnapshot",
    ]


def test_recorded_change_of_the_grid_is_followed(tmp_path: Path) -> None:
    ranges = [{"start": "0.0000", "end": "1.0000", "step": "0.0001"}]
    change = lifecycle("price_level_structure_updated", price_ranges=ranges)
    story = [(T0, snapshot(1)), (T0, change), (T0, delta(2, price="0.4501"))]
    events = replayed(as_lines(tmp_path / "r", story))
    assert bands_told(events) == [grids.named("linear_cent").bands, ((0, 1_000_000, 100),)]
    assert kinds(events)[-2:] == ["InstrumentDefined", "BookDelta"]


def test_life_of_markets_that_were_not_recorded_is_left_out(tmp_path: Path) -> None:
    story = [(T0, lifecycle("deactivated", BOS)), (T0, snapshot(1)), (T0, lifecycle("deactivated"))]
    events = replayed(as_lines(tmp_path / "r", story))
    assert {event.instrument for event in events} == {LAL}
    assert kinds(events)[-1] == "MarketStatus"


# ---- metadata beside the recording

GOLD = Instrument(Venue.KALSHI, "KXGOLD15M-26AUG102115-15")
CLOSE_MS = 1_795_230_161_000  # 2026-11-21T03:02:41Z
SETTLED_US = 1_795_230_302_498_576


def archive(root: Path, story: list[Timed], **changes: Any) -> Path:
    """A recording of GOLD with its sidecar: the example market under that name."""
    market = {**example("rest/market_settled_yes.json")["market"], "ticker": GOLD.symbol, **changes}
    event = {**example("rest/event_two_outcome.json")["event"], "event_ticker": "KXGOLD15M-26AUG102115"}
    (root / "metadata").mkdir(parents=True)
    body = {"fetched_at_ms": 5, "response": {"event": event, "markets": [market]}, "status": 200}
    (root / "metadata" / "KXGOLD15M-26AUG102115.json").write_text(json.dumps(body))
    (root / "events" / GOLD.symbol).mkdir(parents=True)
    return packed(as_lines(root / "events" / GOLD.symbol / "2026-08-11.ndjson.gz", story))


def test_metadata_gives_grid_close_and_payout_at_their_times(tmp_path: Path) -> None:
    ranges = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
    story = [(CLOSE_MS - 10, snapshot(1, GOLD)), (CLOSE_MS + 5, snapshot(2, GOLD, yes=(), no=()))]
    events = replayed(archive(tmp_path, story, price_ranges=ranges))
    assert bands_told(events) == [((0, 1_000_000, 1_000),)]
    assert kinds(events) == [
        *("InstrumentDefined", "MarketStatus", "BookSnapshot", "MarketStatus", "BookSnapshot"),
        *("MarketStatus", "Settled"),
    ]
    assert events[3] == MarketStatus(
        ts=events[3].wall, wall=events[3].wall, instrument=GOLD, state=MarketState.CLOSED
    )
    assert events[3].wall == CLOSE_MS * 1_000_000
    assert isinstance(events[-1], Settled)
    assert events[-1].payout == 1_000_000
    assert events[-1].wall == SETTLED_US * 1_000
    assert [event.ts for event in events] == sorted(event.ts for event in events)


def test_metadata_of_an_open_market_tells_no_end(tmp_path: Path) -> None:
    path = archive(
        tmp_path, [(T0, snapshot(1, GOLD))], status="active", result="", settlement_value_dollars=None
    )
    assert kinds(replayed(path)) == ["InstrumentDefined", "MarketStatus", "BookSnapshot"]


def test_market_is_paid_once_by_recording_or_metadata(tmp_path: Path) -> None:
    story = [(CLOSE_MS, snapshot(1, GOLD))]
    story += [(CLOSE_MS, lifecycle("determined", GOLD, settlement_value="0.4700"))]
    story += [(CLOSE_MS + 60_000, lifecycle("settled", GOLD)), (SETTLED_US // 1_000 + 1, trade(2, GOLD))]
    paid = [event.payout for event in replayed(archive(tmp_path, story)) if isinstance(event, Settled)]
    assert paid == [470_000]


def test_metadata_can_be_asked_for(tmp_path: Path) -> None:
    path = archive(tmp_path, [(T0, snapshot(1, GOLD))])
    event = metadata(path)
    assert event is not None
    assert [listing.instrument for listing in event.listings] == [GOLD]
    assert metadata(tmp_path / "elsewhere.ndjson") is None


@pytest.mark.parametrize(
    "content", ["", "{}", '{"response": {}}', '{"response": {"event": {}, "markets": []}}']
)
def test_broken_metadata_is_named(tmp_path: Path, content: str) -> None:
    path = archive(tmp_path, [(T0, snapshot(1, GOLD))])
    sidecar = tmp_path / "metadata" / "KXGOLD15M-26AUG102115.json"
    sidecar.write_text(content)
    with pytest.raises(RecordingError) as caught:
        replayed(path)
    assert str(caught.value).startswith(f"{sidecar}: ")
    assert "expected" in str(caught.value)


def test_every_example_frame_can_be_replayed(tmp_path: Path) -> None:
    names = sorted(
        path.name for path in (EXAMPLES / "ws").glob("*.json") if path.name != "replay_no_leg.json"
    )
    path = tmp_path / "r"
    path.write_bytes(b"".join(raw({"recv_ms": T0, "event": example(f"ws/{name}")}) + b"\n" for name in names))
    assert kinds(replayed(path))
