"""A long simulation in pieces: the reports of every seed in one file, and what they come to together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from console.backtest.simulate import Report
from console.core.complaint import UNREADABLE, Complaint


class TotalsError(Complaint):
    """A file of reports that cannot be gone on with."""


class Totals(Struct, frozen=True):
    """What many seeds came to. `seconds` are those of all processes together."""

    seeds: int
    events: int
    seconds: float
    simulated_s: int
    orders: int
    fills: int
    kills: int
    restarts: int
    violations: int
    misfortunes: dict[str, int]


class Ledger:
    """One line of JSON for each seed; a line cut short by a crash is left out and its seed run again."""

    def __init__(self, path: Path, events: int) -> None:
        """Reads what is there; raises TotalsError for a file of something else."""
        self._path = path
        self.reports: list[Report] = []
        if path.exists():
            self.reports = list(_read(path))
        odd = [report.seed for report in self.reports if report.events < events and not report.violations]
        if odd:
            raise TotalsError(
                f"{path}: seed {odd[0]} has fewer than {events} events; name another file or fewer events"
            )

    def open_seeds(self, seeds: Iterable[int]) -> list[int]:
        """The seeds that were not run to their end yet."""
        done = {report.seed for report in self.reports}
        return [seed for seed in seeds if seed not in done]

    def add(self, report: Report) -> None:
        """Keep one more."""
        self.reports.append(report)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(report) + b"\n")

    def totals(self) -> Totals:
        """All of them together."""
        misfortunes: dict[str, int] = {}
        for report in self.reports:
            for name, count in report.misfortunes.items():
                misfortunes[name] = misfortunes.get(name, 0) + count
        return Totals(
            seeds=len(self.reports),
            events=sum(report.events for report in self.reports),
            seconds=round(sum(report.seconds for report in self.reports), 1),
            simulated_s=sum(report.simulated_s for report in self.reports),
            orders=sum(report.orders for report in self.reports),
            fills=sum(report.fills for report in self.reports),
            kills=sum(report.kills for report in self.reports),
            restarts=sum(report.restarts for report in self.reports),
            violations=sum(len(report.violations) for report in self.reports),
            misfortunes=misfortunes,
        )


def words(totals: Totals) -> str:
    """The totals for people."""
    lucky = "  ".join(f"{name} {count:,}" for name, count in sorted(totals.misfortunes.items()))
    counts = ("orders", "fills", "kills", "restarts", "violations")
    hours = f"{totals.simulated_s / 3600:,.1f} hours simulated"
    told = [f"{getattr(totals, name):,} {name}" for name in counts]
    return (
        ", ".join([f"{totals.seeds:,} seeds", f"{totals.events:,} events", hours, *told])
        + f"\n  misfortunes {lucky}"
    )


def _read(path: Path) -> Iterable[Report]:
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise TotalsError(f"{path}: {error.strerror}") from error
    whole = b"".join(line for line in lines if line.endswith(b"\n"))
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            yield msgspec.json.decode(line, type=Report)
        except UNREADABLE as error:
            raise TotalsError(f"{path}, line {number}: no report of a simulation: {error}") from error
    if lines and not lines[-1].endswith(b"\n"):
        with contextlib.suppress(OSError):
            path.write_bytes(whole)
