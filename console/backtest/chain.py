"""The record stream of a run: its running digest, and its last lines for whoever reads a violation."""

from __future__ import annotations

import hashlib

import msgspec

from console.core.commands import AnyCommand
from console.core.events import AnyEvent

_BATCH = 512
_ENCODER = msgspec.json.Encoder()

Record = AnyEvent | AnyCommand


class Chain:
    """Every event and command in order, as JSON lines under one SHA-256."""

    __slots__ = ("_batch", "_before", "_sha")

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._batch: list[Record] = []
        self._before: list[Record] = []

    def add(self, event: AnyEvent, commands: list[AnyCommand]) -> None:
        """Append an event and what it led to."""
        batch = self._batch
        batch.append(event)
        if commands:
            batch += commands
        if len(batch) >= _BATCH:
            self._flush()

    def digest(self) -> str:
        """SHA-256 of everything so far, in hexadecimal."""
        self._flush()
        return self._sha.hexdigest()

    def last(self, lines: int) -> tuple[str, ...]:
        """The last records, as they are written."""
        recent = [*self._before, *self._batch][-lines:]
        return tuple(_ENCODER.encode(record).decode() for record in recent)

    def _flush(self) -> None:
        if self._batch:
            self._sha.update(_ENCODER.encode_lines(self._batch))
            self._before, self._batch = self._batch, []
