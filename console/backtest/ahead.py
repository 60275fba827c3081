"""Reads recordings ahead, in a process of its own: unpacking and parsing take the engine no time.

The reader sends batches in the order of time. Of ten events nine are deltas of a book: these travel as plain
numbers, four each, and sides of a book by the number they were first named under; everything else is pickled.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from console.backtest.child import Child, ChildError, parent
from console.core.events import BookDelta
from console.core.instruments import BookSide, Instrument
from console.venues.kalshi.frames import PublicEvent
from console.venues.kalshi.listings import STANDARD_TERMS, FeeTerms
from console.venues.recording import RecordingError, read

BATCH: Final = 4_096  # events: 200 kB on the way, and few enough to wait for
AT_FIRST: Final = 2  # batches that are read here, while the reader starts
WORTHWHILE: Final = 256 * 1024  # bytes of recording, packed or not: a reader takes 0.2 s to start
_MOST: Final = 1 << 62  # numbers that travel plainly are smaller


class How(NamedTuple):
    """What `recording.read` wants to know beside the files."""

    use_yes_price: bool = False
    whole: bool = False
    terms: FeeTerms = STANDARD_TERMS


_Named = tuple[Instrument, BookSide]


class _Batch(NamedTuple):
    """Sides of books named here for the first time, deltas as numbers, and the others with their places."""

    named: list[_Named]
    deltas: bytes
    others: list[tuple[int, PublicEvent]]


def batches(paths: Sequence[Path], how: How) -> Iterator[list[PublicEvent]]:
    """The events of recordings, read ahead where there is a processor to spare and enough to read.

    Raises RecordingError.
    """
    if (os.cpu_count() or 1) < 2 or _bytes_of(paths) < WORTHWHILE:
        return here(paths, how)
    return _received_from(paths, how)


def here(paths: Sequence[Path], how: How, burst: int = 2 * BATCH) -> Iterator[list[PublicEvent]]:
    """The same by this process, `burst` events at a time.

    So the processor reads or trades for a while and does not change between the two all the time: that
    makes a replay 6 % faster.
    """
    recorded = _read(paths, how)
    return iter(lambda: list(islice(recorded, burst)), [])


def _read(paths: Sequence[Path], how: How) -> Iterator[PublicEvent]:
    return read(paths, use_yes_price=how.use_yes_price, whole=how.whole, terms=how.terms)


def _bytes_of(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


# ---- here


def _received_from(paths: Sequence[Path], how: How) -> Iterator[list[PublicEvent]]:
    reader = Child("console.backtest.ahead")
    named: list[_Named] = []
    try:
        reader.send((paths, how))
        yield from islice(here(paths, how, BATCH), AT_FIRST)
        while (batch := _received(reader)) is not None:
            named += batch.named
            yield _unpacked(batch, named)
    except ChildError:
        raise RecordingError("the process that reads the recordings ended early") from None
    finally:
        reader.end()


def _received(reader: Child) -> _Batch | None:
    """The next batch; None at the end of the recordings."""
    came: _Batch | str | None = reader.receive()
    if isinstance(came, str):
        raise RecordingError(came)
    return came


def _unpacked(batch: _Batch, named: Sequence[_Named]) -> list[PublicEvent]:
    numbers = array("q")
    numbers.frombytes(batch.deltas)
    columns: list[Any] = [numbers[field::4] for field in range(4)]  # of the types of an event's fields
    moments, books, prices, changes = columns
    found: list[PublicEvent] = [
        BookDelta(ts=ts, wall=ts, instrument=instrument, side=side, price=price, change=change)
        for ts, (instrument, side), price, change in zip(
            moments, map(named.__getitem__, books), prices, changes, strict=True
        )
    ]
    for place, event in batch.others:
        found.insert(place, event)
    return found


# ---- in the reader


def main() -> None:
    """Read what is asked for, and send it in batches, then None; a complaint takes the place of None."""
    asked, told = parent()
    paths, how = asked.recv()
    numbers: dict[_Named, int] = {}
    recorded, last = islice(_read(paths, how), AT_FIRST * BATCH, None), None
    with suppress(BrokenPipeError):  # nobody listens any more
        try:
            while batch := _packed(recorded, numbers):
                told.send(batch)
        except RecordingError as error:
            last = str(error)
        told.send(last)


def _packed(recorded: Iterator[PublicEvent], numbers: dict[_Named, int]) -> _Batch | None:
    """The next batch; None at the end. `numbers` are those of the sides named so far."""
    named: list[_Named] = []
    deltas: list[int] = []
    others: list[tuple[int, PublicEvent]] = []
    for place, event in enumerate(islice(recorded, BATCH)):
        if (
            type(event) is not BookDelta
            or event.wall != event.ts
            or max(abs(event.change), event.ts) >= _MOST
        ):
            others.append((place, event))
            continue
        book = (event.instrument, event.side)
        number = numbers.get(book)
        if number is None:
            number = numbers[book] = len(numbers)
            named.append(book)
        deltas += (event.ts, number, event.price, event.change)
    return _Batch(named, array("q", deltas).tobytes(), others) if deltas or others else None
