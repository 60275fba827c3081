"""The order of a connection's frames: what was lost or cannot be read makes books stale, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from console.core.events import BookStale
from console.core.instruments import Instrument
from console.core.units import Nanos
from console.venues.kalshi.frames import (
    UNSTAMPED,
    DeltaFrame,
    ErrorFrame,
    Frame,
    Parser,
    PublicEvent,
    SnapshotFrame,
    SubscribedFrame,
    UnsubscribedFrame,
)
from console.venues.kalshi.wire import ParseError, instrument

TERMINAL_ERRORS: Final = frozenset({10, 25})  # channel error, buffer overflow: the subscription is dead


class Gap(NamedTuple):
    """A fault in the numbering of a subscription, and the books it makes worthless."""

    why: str
    instruments: tuple[Instrument, ...]


class Sequence:
    """The numbers of one connection's frames: per subscription (`sid`) from 1, rising by 1.

    `extract`: the frames are some markets cut out of wider subscriptions, so that the first number is any
    and holes are other markets' frames: only a number that repeats or runs backwards is a fault.
    """

    def __init__(self, *, extract: bool = False) -> None:
        self._extract = extract
        self._last: dict[int, int] = {}
        self._books: dict[int, dict[Instrument, None]] = {}

    def check(self, sid: int, seq: int) -> Gap | None:
        """Count a frame, whatever its type; None when it is the one that was due."""
        if self.follows(sid, seq):
            return None
        due = self._last.get(sid, 0) + 1
        self._last[sid] = seq
        return Gap(f"subscription {sid}: frame {due} was due, {seq} came", self.books(sid))

    def follows(self, sid: int, seq: int) -> bool:
        """Count a frame if it is the one that was due; if not, nothing is counted."""
        due = self._last.get(sid, 0) + 1
        if seq == due or (seq > due and self._extract):
            self._last[sid] = seq
            return True
        return False

    def hold(self, sid: int, market: Instrument) -> None:
        """Remember that this subscription feeds the book of `market`."""
        self._books.setdefault(sid, {})[market] = None

    def books(self, sid: int = 0) -> tuple[Instrument, ...]:
        """The books a subscription feeds; without one, those of all."""
        held = [self._books.get(sid, {})] if sid else [*self._books.values()]
        return tuple(market for books in held for market in books)

    def end(self, sid: int = 0) -> tuple[Instrument, ...]:
        """Forget a subscription (without one, all) that begins anew or is over; return its books."""
        orphans = self.books(sid)
        for ended in [sid] if sid else [*self._books]:
            self._books.pop(ended, None)
            self._last.pop(ended, None)
        return orphans


class Feed:
    """The frames of one connection, in order, as events; it never raises for what the wire holds."""

    def __init__(self, parser: Parser, sequence: Sequence) -> None:
        self.parser = parser
        self.sequence = sequence
        self.gapped: set[int] = set()  # subscriptions that lost frames; emptied by whoever mends them

    def read(self, raw: bytes, ts: Nanos = UNSTAMPED, wall: Nanos = UNSTAMPED) -> tuple[PublicEvent, ...]:
        """Events of one frame as it came off the wire."""
        try:
            frame = self.parser.decode(raw)
        except ParseError as error:
            return self.distrust(error, ts, wall)
        return self.take(frame, ts, wall)

    def take(self, frame: Frame, ts: Nanos = UNSTAMPED, wall: Nanos = UNSTAMPED) -> tuple[PublicEvent, ...]:
        """Events of one decoded frame: first what its number makes stale, then its own."""
        try:
            events = self.parser.translate(frame, ts, wall)
        except ParseError as error:
            return self.distrust(error, ts, wall)
        if frame.seq:
            gap = self.sequence.check(frame.sid, frame.seq)
            if gap is not None:
                self.gapped.add(frame.sid)
                events = _stale(gap.instruments, gap.why, ts, wall) + events
        if isinstance(frame, DeltaFrame):
            return events
        if isinstance(frame, SnapshotFrame):
            self.sequence.hold(frame.sid, events[-1].instrument)
            return events
        return events + self._ended(frame, ts, wall)

    def distrust(
        self, error: ParseError, ts: Nanos = UNSTAMPED, wall: Nanos = UNSTAMPED
    ) -> tuple[BookStale, ...]:
        """Books that an unreadable frame makes stale: its market's, or every one it may have concerned."""
        market = instrument(error.market) if error.market else None
        gap = self.sequence.check(error.sid, error.seq) if error.seq else None
        if gap is not None:
            self.gapped.add(error.sid)
        lost = () if gap is None else _stale(gap.instruments, gap.why, ts, wall)
        concerned = self.sequence.books(error.sid) if market is None else (market,)
        return lost + _stale(concerned, str(error), ts, wall)

    def _ended(self, frame: Frame, ts: Nanos, wall: Nanos) -> tuple[BookStale, ...]:
        """Books whose subscription begins anew or is over with this frame."""
        match frame:
            case SubscribedFrame():
                sid, why = frame.msg.sid, "began anew"
            case UnsubscribedFrame():
                sid, why = frame.sid, "is over"
            case ErrorFrame() if frame.msg.code in TERMINAL_ERRORS:
                sid, why = frame.sid, f"is dead: error {frame.msg.code} {frame.msg.msg}"
            case _:
                return ()
        return _stale(self.sequence.end(sid), f"subscription {sid} {why}", ts, wall)


def _stale(books: Iterable[Instrument], why: str, ts: Nanos, wall: Nanos) -> tuple[BookStale, ...]:
    return tuple(BookStale(ts=ts, wall=wall, instrument=book, why=why) for book in books)
