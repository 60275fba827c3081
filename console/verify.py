"""`mmconsole verify`: reads a journal back and proves it, or says where it is wrong."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.audit import Auditor, Finding
from console.core.commands import AnyCommand
from console.core.complaint import UNREADABLE, line_of
from console.core.engine import REFUSED
from console.core.events import AnyEvent
from console.journal import Reader, Record

FINDINGS_MAX = 100
PROGRESS_EVERY = 10_000


class Verdict(Struct, frozen=True):
    """What verifying a journal found; `replayed` says that every event was followed to the end, or where
    the run was `swept` up without the engine, to that moment.

    A journal that keeps no market data (`whole` False) cannot be followed: its orders are tested alone.
    """

    journal: str
    records: int
    events: int
    orders: int
    replayed: bool
    swept: bool
    whole: bool
    findings: tuple[Finding, ...]


def verify(path: Path, progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Prove a journal; raises JournalError when it cannot be read at all."""
    reader = Reader(path)
    proof = _Proof(reader.whole)
    for record in reader.all():
        proof.take(record)
        if proof.records % PROGRESS_EVERY == 0:
            progress(proof.records)
    proof.finish()
    reader.close()
    auditor = proof.auditor
    return Verdict(
        journal=path.name,
        records=proof.records,
        events=auditor.events,
        orders=auditor.orders,
        replayed=auditor.follows,
        swept=auditor.swept,
        whole=reader.whole,
        findings=tuple(auditor.findings[:FINDINGS_MAX]),
    )


def run(journal: str, as_json: bool) -> int:
    """The command: prints what was found; status 1 when something was."""
    tty = sys.stderr.isatty()
    verdict = verify(Path(journal), _progress if tty else lambda _: None)
    if tty:
        print("\r\x1b[K", end="", file=sys.stderr)
    if as_json:
        print(msgspec.json.encode(verdict).decode())
    else:
        for finding in verdict.findings:
            print(f"record {finding.number}: {finding.text}")
        print(
            f"{verdict.journal}: {verdict.records} records, {verdict.events} events, "
            f"{verdict.orders} orders, {_followed(verdict)}: {len(verdict.findings) or 'nothing'} wrong"
        )
    return 1 if verdict.findings else 0


def _followed(verdict: Verdict) -> str:
    if not verdict.whole:
        return "each tested by itself (the market data is not in this journal)"
    if not verdict.replayed:
        return "not replayed to the end"
    until = " until the emergency sweep" if verdict.swept else ""
    return f"every event{until} replayed to the same commands"


def _progress(records: int) -> None:
    print(f"\r{records} records", end="", file=sys.stderr, flush=True)


class _Proof:
    """Groups records into events with their commands, and checks numbers and digest on the way."""

    def __init__(self, whole: bool) -> None:
        self.auditor = Auditor(follow=whole)
        self.records = 0
        self._chain = hashlib.sha256()
        self._unbroken = self._numbered = True
        self._last = 0
        self._event: tuple[int, AnyEvent] | None = None
        self._commands: list[tuple[int, AnyCommand]] = []

    def take(self, record: Record) -> None:
        self.records += 1
        if record.number != self._last + 1 and self._numbered:
            self._find(record.number, f"records {self._last + 1} to {record.number - 1} are missing")
            self._numbered = self.auditor.follows = False
        self._last = record.number
        self._chain.update(record.body)
        if self._unbroken and record.chain and record.chain != self._chain.digest():
            self._find(record.number, "the running digest breaks: a record up to here was changed")
            self._unbroken = False
        try:
            if record.kind == "event":
                event = record.event()
                self._close(last=False)
                self._event = (record.number, event)
            else:
                self._commands.append((record.number, record.command()))
        except UNREADABLE as error:
            self._find(record.number, f"not a record of this program: {line_of(error)}")
            self.auditor.follows = False

    def finish(self) -> None:
        self._close(last=True)

    def _close(self, last: bool) -> None:
        if self._event is not None:
            number, event = self._event
            try:
                self.auditor.take(number, event, self._commands, cut_short=last)
            except REFUSED as error:
                why = f"{type(error).__name__}: {line_of(error)}"
                self._find(number, f"{type(event).__name__} makes no sense: {why}")
                self.auditor.follows = False
        self._event, self._commands = None, []

    def _find(self, number: int, text: str) -> None:
        self.auditor.findings.append(Finding(number, text))
