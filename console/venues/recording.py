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
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from console.core.complaint import Complaint
from console.core.units import MILLISECOND, Nanos
from console.venues.kalshi.feed import Feed, Sequence
from console.venues.kalshi.frames import Frame, KnownFrame, Parser, PublicEvent
from console.venues.kalshi.listings import STANDARD_TERMS, EventListing, FeeTerms, parse_event
from console.venues.kalshi.replay import Replay
from console.venues.kalshi.wire import UNREADABLE, ParseError

Came = Frame | ParseError
Received = tuple[Nanos, Came]  # receive time, what came
Timed = tuple[Nanos, int, Nanos, Came]  # time to merge by, number of the file, receive time, what came

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
    files = list(paths)
    known = [event for event in (metadata(path, terms) for path in files) if event is not None]
    listings = {listing.instrument: listing for event in known for listing in event.listings}
    parser = Parser(use_yes_price=use_yes_price)
    connection = Feed(parser, Sequence())
    feeds = [connection if whole else Feed(parser, Sequence(extract=True)) for _ in files]
    replay = Replay(parser, feeds, listings, terms)
    frames = heapq.merge(*(_timed(path, number, parser) for number, path in enumerate(files)))
    for at, source, wall, came in frames:
        yield from replay.take(came, source, at, wall)
    yield from replay.finish()


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


def _timed(path: Path, number: int, parser: Parser) -> Iterator[Timed]:
    """What came, with a time that never runs backwards before it."""
    now = Nanos(0)
    for wall, came in _stored(path, parser):
        if wall > now:
            now = wall
        yield now, number, wall, came


def _stored(path: Path, parser: Parser) -> Iterator[Received]:
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


def _frame(parser: Parser, raw: bytes | msgspec.Raw) -> Came:
    try:
        return parser.decode(raw)
    except ParseError as error:
        return error


class _Line(Struct, frozen=True, gc=False):
    recv_ms: int
    event: KnownFrame


class _OpenLine(Struct, frozen=True):
    recv_ms: int
    event: msgspec.Raw


def _lines(path: Path, stream: BinaryIO, parser: Parser) -> Iterator[Received]:
    decoder = msgspec.json.Decoder(_Line)
    number = 1
    while lines := stream.readlines(_CHUNK):
        try:
            batch = decoder.decode_lines(b"".join(lines))
        except UNREADABLE:
            batch = []
        if len(batch) == len(lines):  # nearly always, and quicker than one by one
            for stored in batch:
                yield Nanos(stored.recv_ms * MILLISECOND), stored.event
        else:
            yield from _one_by_one(path, number, lines, decoder, parser)
        number += len(lines)


def _one_by_one(
    path: Path, first: int, lines: list[bytes], decoder: msgspec.json.Decoder[_Line], parser: Parser
) -> Iterator[Received]:
    for number, line in enumerate(lines, first):
        try:
            stored = decoder.decode(line)
        except UNREADABLE:
            if line.strip():
                yield _unusual_line(f"{path}, line {number}", line, parser)
        else:
            yield Nanos(stored.recv_ms * MILLISECOND), stored.event


def _unusual_line(place: str, line: bytes, parser: Parser) -> Received:
    """A frame of a type we do not know or that lacks a field; the line around it must be right."""
    try:
        stored = msgspec.json.decode(line, type=_OpenLine)
    except UNREADABLE as error:
        raise RecordingError(
            f'{place}: {error}; expected {{"recv_ms": milliseconds, "event": frame}}'
        ) from error
    return Nanos(stored.recv_ms * MILLISECOND), _frame(parser, stored.event)


class _Bare(Struct, frozen=True):
    msg: Any = None


def _bare_lines(path: Path, stream: BinaryIO, parser: Parser) -> Iterator[Received]:
    """Frames without a receive time; those before the first time known get that one."""
    wall, untimed = Nanos(0), list[Came]()
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        stated = _stated_ms(f"{path}, line {number}", line) * MILLISECOND
        wall = Nanos(stated) if stated else wall
        untimed.append(_frame(parser, line))
        if wall:
            yield from ((wall, came) for came in untimed)
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


def _document(path: Path, stream: BinaryIO, parser: Parser) -> Iterator[Received]:
    for number, element in enumerate(_Document(path, stream).elements("frames"), 1):
        try:
            stored = msgspec.json.decode(element, type=_Element)
        except UNREADABLE as error:
            expected = '{"received_ms": milliseconds, "frame": frame}'
            raise RecordingError(f"{path}, frame {number}: {error}; expected {expected}") from error
        yield Nanos(stored.received_ms * MILLISECOND), _frame(parser, stored.frame)


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
