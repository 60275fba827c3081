"""The journal of a replay: its commands and account events, written in batches while it runs.

Market data is not written again: the recording is the tape.
"""

from __future__ import annotations

import time
from pathlib import Path

from console.backtest.outbox import UNRECORDED
from console.core.commands import AnyCommand
from console.core.events import AnyEvent, Event
from console.core.instruments import RunId
from console.journal import Journal, JournalError

BATCH = 4096  # records handed over at once; the writer syncs the disk for every handful it finds waiting
PATIENCE_S = 60.0
PAUSE_S = 0.001  # between two looks at a writer that has fallen behind


class Decisions:
    """Records of one replay in a journal file of its own in `folder`; raises JournalError."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder, RunId(f"replay-{time.time_ns()}"), _ignore, _ignore, whole=False)
        self._batch: list[AnyEvent | AnyCommand] = []

    @property
    def path(self) -> Path:
        """The file."""
        return self._journal.path

    @property
    def waiting(self) -> int:
        """Records the disk is behind by."""
        return self._journal.waiting

    def event(self, event: AnyEvent) -> None:
        """Record what happened to us or was ordered; market data and ticks are left out."""
        if type(event) not in UNRECORDED:
            self._batch.append(event)

    def command(self, command: AnyCommand) -> None:
        """Record a command."""
        self._batch.append(command)
        if len(self._batch) >= BATCH:
            self._hand_over()

    def close(self) -> None:
        """Write what is left."""
        self._hand_over()
        self._journal.close(PATIENCE_S)
        if self._journal.failed:
            raise JournalError(self._journal.failed)

    def _hand_over(self) -> None:
        # A replay is faster than a slow disk: it waits, or what is not written yet would fill the memory.
        while self.waiting > BATCH and not self._journal.failed:
            time.sleep(PAUSE_S)
        for record in self._batch:
            if isinstance(record, Event):
                self._journal.event(record)
            else:
                self._journal.command(record)
        self._batch.clear()


def _ignore(_: object) -> None:
    """A replay waits for no commit, and looks for failures at its end."""
