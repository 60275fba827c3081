"""The commands `replay` and `simulate`: what a person typed, made into runs, progress and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from console.backtest import shrink as shrinking
from console.backtest import simulate as simulation
from console.backtest.plan import plan_of
from console.backtest.replay import ReplayError
from console.backtest.replay import replay as replay_files
from console.backtest.report import as_json as json_of
from console.backtest.report import as_text
from console.backtest.totals import Ledger, words
from console.core.complaint import Complaint
from console.core.events import Mode
from console.core.odds import parse_odds
from console.folders import state_folder

ACCOUNT = "tape"  # the paper account of every replay
JOURNALS_KEPT = 20
EXIT_UNCLEAN = 1


class SimulateError(Complaint):
    """A simulation that cannot begin as asked."""


def replay(
    files: Sequence[str],
    *,
    theo: str | None,
    odds: Sequence[str] | None,
    settings: Sequence[str],
    as_json: bool,
) -> int:
    """Replay recordings as fast as possible and print a summary; status 1 when something was not clean."""
    journals = state_folder(os.environ, Mode.REPLAY, ACCOUNT) / "journal"
    journals.mkdir(mode=0o700, exist_ok=True)
    _prune(journals)
    tty = sys.stderr.isatty()
    report = replay_files(
        [Path(name) for name in files],
        theo=probability(theo),
        odds=[parse_odds(text) for text in odds or ()],
        settings=settings,
        journal=journals,
        progress=_counting("events") if tty else _silent,
    )
    if tty:
        print("\r\x1b[K", end="", file=sys.stderr)
    print(json_of(report) if as_json else as_text(report))
    return 0 if report.clean else EXIT_UNCLEAN


def probability(text: str | None) -> float | None:
    """A probability as typed, ``0.55`` or ``55%``; raises ReplayError."""
    if text is None:
        return None
    try:
        return float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
    except ValueError:
        raise ReplayError(f"theo: {text!r} is not a probability, for example 0.55") from None


def simulate(
    *,
    seed: int,
    seeds: str | None,
    events: int,
    jobs: int,
    faults: bool,
    as_json: bool,
    resume: str | None = None,
    shrink: bool = False,
) -> int:
    """Simulate one seed or a range of them; status 1 when an invariant was broken."""
    if events < 1 or jobs < 1:
        raise SimulateError("simulate: events and jobs are at least 1")
    try:
        chosen = simulation.seeds_of(seeds) if seeds is not None else range(seed, seed + 1)
    except ValueError as error:
        raise SimulateError(f"simulate: {error}") from None
    ledger = Ledger(Path(resume), events) if resume is not None else None
    left = ledger.open_seeds(chosen) if ledger is not None else list(chosen)
    counter = Counter(len(chosen), len(chosen) - len(left), sys.stderr.isatty() and len(chosen) > 1)
    broken = 0
    for report in simulation.simulate_many(left, events, faults, jobs):
        if ledger is not None:
            ledger.add(report)
        if ledger is None or report.violations:
            counter.write(simulation.render_json(report) if as_json else simulation.render_text(report))
        broken += len(report.violations)
        counter.advance()
        if shrink and report.violations:
            counter.write("\n".join(_shrunk(report, faults)))
    counter.end()
    if ledger is not None:
        totals = ledger.totals()
        print(msgspec.json.encode(totals).decode() if as_json else words(totals))
        broken = totals.violations
    return EXIT_UNCLEAN if broken else 0


def _shrunk(report: simulation.Report, faults: bool) -> list[str]:
    """The short story of a failing seed."""

    def tried(count: int) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[Kshrinking seed {report.seed}: {count} plans tried", end="", file=sys.stderr)

    plan, violation = shrinking.shrink(plan_of(report.seed, faults), report.violations[0], tried)
    return shrinking.story(plan, violation)


class Counter:
    """Lines on the output with a progress bar below them, where somebody looks."""

    def __init__(self, total: int, done: int, shown: bool) -> None:
        self._total = total
        self._done = done
        self._shown = shown

    def write(self, text: str) -> None:
        """Print above the bar."""
        self.end()
        print(text, flush=True)

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if self._shown:
            line = f"\r\x1b[K{bar(self._done, self._total)} seeds"
            print(line, end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the bar away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr)


def bar(done: int, total: int) -> str:
    """A progress bar of fixed width."""
    full = 30 * done // total
    return f"[{'#' * full}{'.' * (30 - full)}] {done}/{total}"


def _counting(what: str) -> Callable[[int], None]:
    def say(count: int) -> None:
        print(f"\r{count:,} {what}", end="", file=sys.stderr, flush=True)

    return say


def _silent(_: int) -> None:
    """Nobody watches."""


def _prune(folder: Path) -> None:
    """Keep the newest journals of replays only: a replay can be had again."""
    for old in sorted(folder.glob("replay-*.sqlite"))[:-JOURNALS_KEPT]:
        old.unlink()
