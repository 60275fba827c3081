"""The journal of a run: SQLite, append only; what happened, what we did, and why, in order.

Account records (everything but market data) are rows of the database. Market data and ticks go to
compressed hourly files beside it. Both carry one running number and one running SHA-256, so that the
stream can be read back in order and no line of it can be changed unseen.
"""

from __future__ import annotations

import gzip
import hashlib
import queue
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.commands import AnyCommand
from console.core.complaint import UNREADABLE, Complaint, line_of
from console.core.events import (
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    ClockMeasured,
    FeedStatus,
    MassStatus,
    OddsUpdate,
    OrderFilled,
    QueuePosition,
    Started,
    Tick,
    Trade,
)
from console.core.instruments import RunId, TradeId, Venue

SCHEMA = 1
TAPE_BYTES_MAX = 2 * 1024**3  # of one run; beyond it market data is no longer kept
PART_RECORDS = 1_000_000
ROWS_AT_ONCE = 200  # SQLite takes 999 values in a statement wherever it was built
COMPRESSION = 8  # what gzip makes of JSON events, about
_TAPE_KINDS = (
    BookDelta,
    Tick,
    Trade,
    BookSnapshot,
    BooksConfirmed,
    OddsUpdate,
    FeedStatus,
    ClockMeasured,
    QueuePosition,
)
_EVENTS: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_COMMANDS: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)
_ENCODER = msgspec.json.Encoder()

_CREATE = """
CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE records (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, chain BLOB NOT NULL
);
CREATE TABLE checkpoint (slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, body TEXT NOT NULL);
"""


UNREADABLE_DB = (sqlite3.Error, UnicodeDecodeError)  # a damaged file may hold text that is none
_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?)"
_AND_ANOTHER = ", (?, ?, ?, ?)"


class JournalError(Complaint):
    """A journal that cannot be written or read; one line naming the file."""


class Record(Struct, frozen=True, array_like=True):
    """One line of the stream: an event as the engine saw it, or a command it gave."""

    number: int
    kind: str  # "event" or "command"
    body: bytes
    chain: bytes  # running digest up to and including this record; empty for market data

    def event(self) -> AnyEvent:
        """Decode an event; raises msgspec.DecodeError."""
        return _EVENTS.decode(self.body)

    def command(self) -> AnyCommand:
        """Decode a command; raises msgspec.DecodeError."""
        return _COMMANDS.decode(self.body)


_Row = tuple[int, str, str, bytes]


class _Item(Struct, frozen=True, array_like=True):
    number: int
    kind: str  # also "checkpoint" and "close"
    body: bytes
    tape: bool


class Journal:
    """Writes in its own thread with group commit; nobody ever waits for the disk but orders that must.

    `on_commit(number)` is called from the writer thread: everything up to that record is on disk.
    `on_failure(text)` is called once if writing fails; nothing is written from then on.
    """

    def __init__(
        self,
        folder: Path,
        run_id: RunId,
        on_commit: Callable[[int], None],
        on_failure: Callable[[str], None],
        whole: bool = True,
    ) -> None:
        """`whole` False: market data is kept elsewhere, so the events alone do not lead to the commands."""
        self.path = folder / f"{run_id}.sqlite"
        self._folder = folder
        self._run_id = run_id
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._whole = whole
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._number = 0
        self._db: sqlite3.Connection | None = None
        self._tape = _Tape(folder, run_id)
        self._chain = hashlib.sha256()
        self.failed = ""
        self._closed = False
        self._create()
        self._thread = threading.Thread(target=self._live, name="journal", daemon=True)
        self._thread.start()

    # ---- the loop's side

    def event(self, event: AnyEvent) -> None:
        """Record an event as the engine is about to see it."""
        self._number += 1
        tape = isinstance(event, _TAPE_KINDS)
        self._queue.put(_Item(self._number, "event", _ENCODER.encode(event), tape))

    def command(self, command: AnyCommand) -> int:
        """Record a command; returns the number whose commit lets it leave."""
        return self.encoded("command", _ENCODER.encode(command))

    def encoded(self, kind: str, body: bytes) -> int:
        """Record an account event or a command that is encoded already."""
        self._number += 1
        self._queue.put(_Item(self._number, kind, body, tape=False))
        return self._number

    def checkpoint(self, body: bytes) -> None:
        """Keep a checkpoint of the state as it is after everything recorded so far."""
        self._queue.put(_Item(self._number, "checkpoint", body, tape=False))

    @property
    def waiting(self) -> int:
        """Records handed over that the writer has not taken up yet."""
        return self._queue.qsize()

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and close the files."""
        self._queue.put(_Item(self._number, "close", b"", tape=False))
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.failed = self.failed or f"{self.path.name}: not written within {timeout_s:g} s"

    # ---- the writer's side

    def _create(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self.path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_CREATE)
            self._db.execute("INSERT INTO header VALUES ('schema', ?)", (str(SCHEMA),))
            self._db.execute("INSERT INTO header VALUES ('run', ?)", (self._run_id,))
            self._db.execute("INSERT INTO header VALUES ('whole', ?)", (str(int(self._whole)),))
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{self.path}: cannot be created: {line_of(error)}") from error

    def _live(self) -> None:
        """Write until closed; a writer that dies of anything says so, since nobody waits for a thread."""
        try:
            self._write()
        finally:
            if not self._closed:
                self.failed = self.failed or f"{self.path.name}: the writer died"
                self._on_failure(self.failed)

    def _write(self) -> None:
        while True:
            batch = [self._queue.get()]
            while not self._queue.empty() and len(batch) < 5000:
                batch.append(self._queue.get())
            if not self.failed:
                try:
                    self._commit(batch)
                except (sqlite3.Error, OSError) as error:
                    self.failed = f"{self.path.name}: {line_of(error)}"
                    self._on_failure(self.failed)
            if batch[-1].kind == "close":
                self._shut()
                self._closed = True
                return

    def _commit(self, batch: list[_Item]) -> None:
        rows: list[_Row] = []
        kept: _Item | None = None
        for item in batch:
            if item.kind == "checkpoint":
                kept = item
            elif item.kind != "close":
                if item.tape and not self._tape.write(item.number, item.body):
                    continue  # the tape is full: what is not kept is not in the chain either
                self._chain.update(item.body)
                if not item.tape:
                    rows.append((item.number, item.kind, item.body.decode(), self._chain.digest()))
        self._tape.flush()
        assert self._db is not None, "the writer runs on an open journal"
        if rows or kept is not None:
            self._db.execute("BEGIN")
            for at in range(0, len(rows), ROWS_AT_ONCE):
                _insert(self._db, rows[at : at + ROWS_AT_ONCE])
            if kept is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?)", (kept.number, kept.body.decode())
                )
            self._db.execute("COMMIT")
        if rows:
            self._on_commit(rows[-1][0])

    def _shut(self) -> None:
        self._tape.close()
        if self._db is not None:
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._db.close()
            except sqlite3.Error as error:
                self.failed = self.failed or f"{self.path.name}: {line_of(error)}"


def _insert(db: sqlite3.Connection, rows: list[_Row]) -> None:
    """Add rows by one statement: SQLite lets go of the interpreter, and waits for it, once a statement."""
    db.execute(_INSERT + _AND_ANOTHER * (len(rows) - 1), list(chain(*rows)))


class _Tape:
    """Market data of a run in gzip files of a million records, each line a record number and an event."""

    def __init__(self, folder: Path, run_id: RunId) -> None:
        self._folder = folder
        self._run_id = run_id
        self._file: gzip.GzipFile | None = None
        self._part = -1
        self._written = 0
        self._lines = 0

    def write(self, number: int, body: bytes) -> bool:
        """Keep one event; False when the tape has reached its cap."""
        if self._written > TAPE_BYTES_MAX:
            return False
        part = number // PART_RECORDS
        if part != self._part or self._file is None:
            self.close()
            path = self._folder / f"{self._run_id}.{part:05d}.tape.gz"
            self._file = gzip.GzipFile(path, "ab", compresslevel=1)
            path.chmod(0o600)
            self._part = part
        self._file.write(b"%d %b\n" % (number, body))
        self._written += len(body) // COMPRESSION
        self._lines += 1
        return True

    def flush(self) -> None:
        if self._file is not None and self._lines:
            self._file.flush()
            self._lines = 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


# ---- reading


class Reader:
    """A journal read back; raises JournalError when it is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise JournalError(f"{path}: no such journal")
        try:
            self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            header = dict(self._db.execute("SELECT key, value FROM header"))
        except UNREADABLE_DB as error:
            raise JournalError(f"{path.name}: not a readable journal: {line_of(error)}") from error
        if header.get("schema") != str(SCHEMA):
            raise JournalError(f"{path.name}: schema {header.get('schema')}, this program reads {SCHEMA}")
        self.run_id = RunId(str(header.get("run", "")))
        self.whole = header.get("whole", "1") == "1"

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def account(self, after: int = 0) -> Iterator[Record]:
        """Account records in order, from the one after number `after`."""
        try:
            rows = self._db.execute(
                "SELECT number, kind, body, chain FROM records WHERE number > ? ORDER BY number", (after,)
            )
            for number, kind, body, chain in rows:
                if not (type(number) is int and type(kind) is type(body) is str and type(chain) is bytes):
                    raise JournalError(f"{self.path.name}: damaged: record {number} is of other types")
                yield Record(number, kind, body.encode(), chain)
        except UNREADABLE_DB as error:
            raise JournalError(f"{self.path.name}: damaged: {line_of(error)}") from error

    def all(self) -> Iterator[Record]:
        """Every record in order, market data included, as far as it was written."""
        tape = self.tape()
        waiting = next(tape, None)
        for record in self.account():
            while waiting is not None and waiting.number < record.number:
                yield waiting
                waiting = next(tape, None)
            yield record
        while waiting is not None:
            yield waiting
            waiting = next(tape, None)

    def tape(self) -> Iterator[Record]:
        """Market data in order; a file cut short by a crash ends where it was cut."""
        for path in sorted(self.path.parent.glob(f"{self.run_id}.*.tape.gz")):
            try:
                with gzip.open(path, "rb") as lines:
                    for line in lines:
                        if not line.endswith(b"\n"):
                            break
                        number, _, body = line[:-1].partition(b" ")
                        yield Record(int(number), "event", body, b"")
            except EOFError:
                return  # cut short
            except (OSError, ValueError, zlib.error) as error:  # its own checksum among them
                raise JournalError(f"{path.name}: damaged: {line_of(error)}") from error

    def trades(self, until: int) -> Iterator[tuple[Venue, TradeId]]:
        """Every trade of ours that was told in the run up to a record, in order."""
        try:
            rows = self._db.execute(
                "SELECT body FROM records WHERE number <= ? AND kind = 'event'"
                " AND (body LIKE '%\"OrderFilled\"%' OR body LIKE '%\"MassStatus\"%') ORDER BY number",
                (until,),
            )
            for (body,) in rows:
                if type(body) is not str:
                    raise JournalError(f"{self.path.name}: damaged: a record is no text")
                event = _EVENTS.decode(body)
                fills = event.fills if isinstance(event, MassStatus) else (event,)
                for fill in fills:
                    if isinstance(fill, OrderFilled):
                        yield fill.instrument.venue, fill.trade_id
        except (sqlite3.Error, *UNREADABLE) as error:
            raise JournalError(f"{self.path.name}: damaged: {line_of(error)}") from error

    def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """The last checkpoint and the record number it stands after; None before the first."""
        try:
            row = self._db.execute("SELECT number, body FROM checkpoint WHERE slot = 1").fetchone()
        except UNREADABLE_DB as error:
            raise JournalError(f"{self.path.name}: damaged: {line_of(error)}") from error
        if row is None:
            return None
        if type(row[0]) is not int or type(row[1]) is not str:
            raise JournalError(f"{self.path.name}: damaged: the checkpoint is of other types")
        return row[0], row[1].encode()

    def started(self) -> Started | None:
        """The first record: the run's beginning; None when the run ended before it was written."""
        for record in self.account():
            event = record.event()
            if isinstance(event, Started):
                return event
            raise JournalError(f"{self.path.name}: does not begin with Started")
        return None


def mark_latest(folder: Path, run_id: RunId) -> None:
    """Remember which run began last; raises OSError."""
    fresh = folder / "latest.new"
    fresh.write_text(f"{run_id}\n", encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(folder / "latest")


def newest_first(folder: Path) -> list[Path]:
    """The journals of a folder: first that of the run marked as the latest, then the others by name.

    Run ids begin with their start time, but a clock may have been wrong: the mark decides.
    """
    journals = sorted(folder.glob("*.sqlite"), reverse=True)
    mark = folder / "latest"
    marked = folder / f"{mark.read_text(encoding='utf-8').strip()}.sqlite" if mark.is_file() else None
    if marked in journals:
        journals.remove(marked)
        journals.insert(0, marked)
    return journals
