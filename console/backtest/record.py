"""The journal of a replay: its commands and account events, written in batches while it runs.

Market data is not written again: the recording is the tape. Another process writes, so that neither the disk
nor the digest of every record takes the engine any time.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from console.backtest.child import Child, ChildError, parent
from console.backtest.outbox import UNRECORDED
from console.core.events import AnyEvent
from console.core.instruments import RunId
from console.journal import Journal, JournalError

BATCH = 4096  # records handed over at once; the writer syncs the disk for every handful it finds waiting
BATCH_BYTES = 512 * 1024  # ... or so much of them: a list of all that is held takes kilobytes
PATIENCE_S = 60.0
PAUSE_S = 0.001  # between two looks at a disk that has fallen behind

_EVENT, _COMMAND, _OVER = b"E", b"C", b""  # what a line begins with; the last of all is empty
_KINDS = {_EVENT[0]: "event", _COMMAND[0]: "command"}


class Decisions:
    """Records of one replay in a journal file of its own in `folder`; raises JournalError."""

    def __init__(self, folder: Path) -> None:
        run_id = RunId(f"replay-{time.time_ns()}")
        self.path = folder / f"{run_id}.sqlite"
        self._encode = msgspec.json.Encoder().encode
        self._batch: list[bytes] = []
        self._bytes = 0
        self._writer = Child("console.backtest.record")
        self._writer.send((folder, run_id))

    @property
    def writer(self) -> int:
        """Number of the process that writes."""
        return self._writer.pid

    def event(self, event: AnyEvent) -> None:
        """Record what happened to us or was ordered; market data and ticks are left out."""
        if type(event) not in UNRECORDED:
            self._add(_EVENT + self._encode(event))

    def command(self, body: bytes) -> None:
        """Record a command, which is encoded already."""
        self._add(_COMMAND + body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close it; where something else ended the replay that is said, and what was decided is kept."""
        if kind is None:
            self.close()
        else:
            with suppress(JournalError):
                self.close()

    def close(self) -> None:
        """Write what is left, and wait until it is on disk."""
        self._hand_over()
        self._send(_OVER)
        failed = self._ended()
        if failed:
            raise JournalError(failed)

    def _add(self, record: bytes) -> None:
        self._batch.append(record)
        self._bytes += len(record)
        if len(self._batch) >= BATCH or self._bytes >= BATCH_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._batch:
            self._send(b"\n".join(self._batch))
            self._batch.clear()
            self._bytes = 0

    def _send(self, lines: bytes) -> None:
        """A replay is faster than a slow disk: it waits, or what is not written yet would fill the memory."""
        try:
            self._writer.send_bytes(lines)
        except ChildError:
            raise JournalError(self._ended()) from None

    def _ended(self) -> str:
        """What the writer says at its end: why the journal is not whole, empty when it is."""
        try:
            said: str = self._writer.receive()
        except ChildError:
            said = f"{self.path}: the process that writes it ended early"
        self._writer.end()
        return said


# ---- in the writer


def main() -> None:
    """Write what is handed over until it is nothing, or nobody hands over any more; say what failed."""
    handed, told = parent()
    folder, run_id = handed.recv()
    try:
        journal = Journal(folder, run_id, _ignore, _ignore, whole=False)
    except JournalError as error:
        told.send(str(error))
        return
    try:
        while lines := handed.recv_bytes():
            while journal.waiting > BATCH and not journal.failed:
                time.sleep(PAUSE_S)
            for line in lines.split(b"\n"):
                journal.encoded(_KINDS[line[0]], line[1:])
    except (EOFError, OSError):
        pass  # whoever handed over was ended, perhaps half way: what came whole is kept
    journal.close(PATIENCE_S)
    with suppress(BrokenPipeError):  # nobody is left to be told
        told.send(journal.failed)


def _ignore(_: object) -> None:
    """A replay waits for no commit, and looks for failures at its end."""
