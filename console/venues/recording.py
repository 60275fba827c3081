"""Reads recordings of Kalshi's public streams as events in time order, without holding a file in memory.

A recording is plain or gzipped, and one of these, told apart by its first key:

- one JSON object a line: ``{"recv_ms": ..., "event": frame}``;
- one JSON document: ``{..., "frames": [{"received_ms": ..., "frame": frame}, ...]}``;
- one frame a line, as it came; its time is then the venue's own (``ts_ms``), held until the next one.
"""

from __future__ import annotations

import codecs
import gzip
import heapq
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from console.core.complaint import Complaint
from console.core.units import MILLISECOND, Nanos
from console.venues.kalshi.feed import Feed, Sequence
from console.venues.kalshi.frames import Frame, Parser, PublicEvent
from console.venues.kalshi.listings import STANDARD_TERMS, EventListing, FeeTerms, parse_event
from console.venues.kalshi.replay import NEVER, Batch, Line, Received, Replay
from console.venues.kalshi.wire import UNREADABLE, ParseError

EXPECTED: Final = (
    'expected {"recv_ms", "event"} a line, {"frames": [{"received_ms", "frame"}]} or bare frames'
)
_GZIP_MAGIC: Final = b"\x1f\x8b"
_FIRST_KEY: Final = re.compile(rb'\s*\{\s*"([^"]*)"')
_CHUNK: Final = 1 << 16
_VALUE_MAX: Final = 1 << 24  # characters of one value of a document: a whole book has below a million
_UNTIMED_MAX: Final = 10_000  # frames held until the first one that says when it was


class RecordingError(Complaint):
    """A file that is no recording: one line naming it, the place in it and what would be right."""


def read(
    paths: Iterable[Path],
    *,
    use_yes_price: bool = False,
    whole: bool = False,
    terms: FeeTerms = STANDARD_TERMS,
) -> Iterator[PublicEvent]:
    """Yield the events of all files together, in time order.

    `use_yes_price` and `terms` are what the recorded subscription and the series had. `whole`: the files
    are pieces of one connection with every frame of it, so that holes in the numbering are losses and not
    other markets' frames. An event's `wall` is its receive time, and so is its `ts`, held while the
    receiver's clock runs back. Raises RecordingError.
    """
    return chain.from_iterable(_runs(list(paths), Parser(use_yes_price=use_yes_price), whole, terms))


def _runs(paths: list[Path], parser: Parser, whole: bool, terms: FeeTerms) -> Iterator[list[PublicEvent]]:
    """The events, as many at a time as come from one file before another's turn."""
    known = [event for event in (metadata(path, terms) for path in paths) if event is not None]
    listings = {listing.instrument: listing for event in known for listing in event.listings}
    connection = Feed(parser, Sequence())
    feeds = [connection if whole else Feed(parser, Sequence(extract=True)) for _ in paths]
    replay = Replay(parser, feeds, listings, terms)
    files = [_File(path, number, parser) for number, path in enumerate(paths)]
    turns = [(file.now, file.number) for file in files if file.more()]
    heapq.heapify(turns)
    while turns:
        number = turns[0][1]
        file = files[number]
        events, file.place, file.now = replay.run(file.batch, file.place, number, file.now, _until(turns))
        yield events
        if file.more():
            heapq.heapreplace(turns, (file.now, number))
        else:
            heapq.heappop(turns)
    yield list(replay.finish())


def _until(turns: list[tuple[Nanos, int]]) -> Nanos:
    """How long the first file of a heap may go on before it is another's turn."""
    if len(turns) == 1:
        return NEVER
    at, number = min(turns[1:3])
    return at if turns[0][1] < number else Nanos(at - 1)


class _Sidecar(Struct, frozen=True):
    response: msgspec.Raw


def metadata(path: Path, terms: FeeTerms = STANDARD_TERMS) -> EventListing | None:
    """Listing of the event that ``.../events/<TICKER>/<file>`` belongs to; None without a sidecar.

    The sidecar is ``.../metadata/<EVENT>.json``, the answer of ``GET /events/{ticker}`` in
    ``{"response": ...}``. Its name is the market's up to the last dash; its content decides what it lists.
    """
    folder = path.resolve().parent
    event = folder.name.rpartition("-")[0]
    sidecar = folder.parent.parent / "metadata" / f"{event}.json"
    if folder.parent.name != "events" or not sidecar.is_file():
        return None
    try:
        response = msgspec.json.decode(sidecar.read_bytes(), type=_Sidecar).response
        return parse_event(bytes(response), terms)
    except (*UNREADABLE, ParseError) as error:
        raise RecordingError(f'{sidecar}: {error}; expected {{"response": GET /events/{event}}}') from error


# ---- files


class _File:
    """A file on its way: what it holds next, at `now`, a time that never runs backwards."""

    __slots__ = ("_batches", "batch", "now", "number", "place")

    def __init__(self, path: Path, number: int, parser: Parser) -> None:
        self.number = number
        self.now = Nanos(0)
        self.batch: Batch = []
        self.place = 0
        self._batches = _stored(path, parser)

    def more(self) -> bool:
        """Look at the next frame; False at the end of the file."""
        while self.place == len(self.batch):
            batch = next(self._batches, None)
            if batch is None:
                return False
            self.batch, self.place = batch, 0
        self.now = Nanos(max(self.now, self.batch[self.place].recv_ms * MILLISECOND))
        return True


def _stored(path: Path, parser: Parser) -> Iterator[Batch]:
    try:
        with _opened(path) as stream:
            first = _FIRST_KEY.match(stream.peek(_CHUNK))
            if first is None:
                raise RecordingError(f"{path}: not a recording; {EXPECTED}")
            match first[1]:
                case b"recv_ms" | b"event":
                    yield from _lines(path, stream, parser)
                case b"type" | b"sid" | b"seq" | b"msg" | b"id":
                    yield from _bare_lines(path, stream, parser)
                case _:
                    yield from _document(path, stream, parser)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"{path}: {error}; {EXPECTED}, plain or gzipped and complete") from error


def _opened(path: Path) -> io.BufferedReader:
    """The bytes of the recording, unpacked when they are gzipped, whatever the file is called."""
    with path.open("rb") as start:
        packed = start.read(2) == _GZIP_MAGIC
    return io.BufferedReader(gzip.GzipFile(path), _CHUNK) if packed else path.open("rb")


def _frame(parser: Parser, raw: bytes | msgspec.Raw) -> Frame | ParseError:
    try:
        return parser.decode(raw)
    except ParseError as error:
        return error


class _OpenLine(Struct, frozen=True):
    recv_ms: int
    event: msgspec.Raw


def _lines(path: Path, stream: BinaryIO, parser: Parser) -> Iterator[Batch]:
    decoder = msgspec.json.Decoder(Line)
    number, size = 1, 1  # at first one line: a file may wait long for its turn
    while lines := stream.readlines(size):
        size = _CHUNK
        try:
            batch = decoder.decode_lines(b"".join(lines))
        except UNREADABLE:
            batch = []
        if len(batch) == len(lines):  # nearly always, and quicker than one by one
            yield batch
        else:
            yield from _one_by_one(path, number, lines, decoder, parser)
        number += len(lines)


def _one_by_one(
    path: Path, first: int, lines: list[bytes], decoder: msgspec.json.Decoder[Line], parser: Parser
) -> Iterator[Batch]:
    for number, line in enumerate(lines, first):
        try:
            stored = decoder.decode(line)
        except UNREADABLE:
            if line.strip():
                yield [_unusual_line(f"{path}, line {number}", line, parser)]
        else:
            yield [stored]


def _unusual_line(place: str, line: bytes, parser: Parser) -> Received:
    """A frame of a type we do not know or that lacks a field; the line around it must be right."""
    try:
        stored = msgspec.json.decode(line, type=_OpenLine)
    except UNREADABLE as error:
        raise RecordingError(
            f'{place}: {error}; expected {{"recv_ms": milliseconds, "event": frame}}'
        ) from error
    return Received(stored.recv_ms, _frame(parser, stored.event))


class _Bare(Struct, frozen=True):
    msg: Any = None


def _bare_lines(path: Path, stream: BinaryIO, parser: Parser) -> Iterator[Batch]:
    """Frames without a receive time; those before the first time known get that one."""
    now_ms, untimed = 0, list[Frame | ParseError]()
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        now_ms = _stated_ms(f"{path}, line {number}", line) or now_ms
        untimed.append(_frame(parser, line))
        if now_ms:
            yield [Received(now_ms, came) for came in untimed]
            untimed.clear()
        elif len(untimed) > _UNTIMED_MAX:
            break
    if untimed:
        raise RecordingError(f"{path}: no frame carries ts_ms, so nothing says when it was; {EXPECTED}")


def _stated_ms(place: str, line: bytes) -> int:
    """The venue's time of a frame in milliseconds; 0 for a frame that carries none."""
    try:
        msg = msgspec.json.decode(line, type=_Bare).msg
    except UNREADABLE as error:
        raise RecordingError(f"{place}: {error}; expected a frame a line") from error
    stated = msg.get("ts_ms") if isinstance(msg, dict) else None
    return stated if isinstance(stated, int) else 0


class _Element(Struct, frozen=True):
    received_ms: int
    frame: msgspec.Raw


def _document(path: Path, stream: BinaryIO, parser: Parser) -> Iterator[Batch]:
    for number, element in enumerate(_Document(path, stream).elements("frames"), 1):
        try:
            stored = msgspec.json.decode(element, type=_Element)
        except UNREADABLE as error:
            expected = '{"received_ms": milliseconds, "frame": frame}'
            raise RecordingError(f"{path}, frame {number}: {error}; expected {expected}") from error
        yield [Received(stored.received_ms, _frame(parser, stored.frame))]


class _Document:
    """A JSON object of any length, read one value at a time."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._text = ""
        self._at = 0
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._scan = json.JSONDecoder().raw_decode

    def elements(self, key: str) -> Iterator[str]:
        """The JSON text of each element of the list under `key`."""
        self._take("{")
        while json.loads(self._value()) != key:
            self._take(":")
            self._value()
            self._take(",")
        self._take(":")
        self._take("[")
        while self._next() != "]":
            yield self._value()
            if self._next() != "]":
                self._take(",")

    def _value(self) -> str:
        self._next()
        while True:
            try:
                end = self._scan(self._text, self._at)[1]
            except json.JSONDecodeError as error:
                if not self._more():
                    raise RecordingError(f"{self._path}: {error.msg}; {EXPECTED}") from error
            else:
                if end < len(self._text) or not self._more():  # a number may go on in the next chunk
                    value, self._at = self._text[self._at : end], end
                    return value

    def _take(self, char: str) -> None:
        if self._next() != char:
            raise RecordingError(f"{self._path}: no list of frames; {EXPECTED}")
        self._at += 1

    def _next(self) -> str:
        """The next character that is no space, empty at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _more(self) -> bool:
        """Read on, as much again as is held, so that a long value is not scanned too often."""
        held = self._text[self._at :]
        if len(held) > _VALUE_MAX:
            raise RecordingError(f"{self._path}: a value of more than {_VALUE_MAX} characters; {EXPECTED}")
        chunk = self._stream.read(max(_CHUNK, len(held)))
        self._text, self._at = held + self._decode(chunk, not chunk), 0
        return bool(chunk)
