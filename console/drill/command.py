"""`mmconsole drill [NAME ...]`: rehearse failures, print time to safe and what rested meanwhile."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.complaint import Complaint
from console.drill.processes import PROCESS_DRILLS, EngineProcess
from console.drill.rehearsals import REHEARSALS, Rehearsed
from console.drill.stage import LIFE, SHORT, DrillError, Pace, Stage
from console.verify import verify

ALL = "all"
EXIT_UNSAFE = 1


class UnknownDrill(Complaint):
    """A drill that is none."""


class Drilled(Struct, frozen=True):
    """One drill: what came of it, and what its journals say."""

    name: str
    passed: bool
    went: Rehearsed | None
    journals: int
    records: int
    findings: tuple[str, ...]
    why: str = ""


def drill(names: Sequence[str], *, short: bool, as_json: bool) -> int:
    """Run drills one after the other; status 1 when one did not become safe or its journal is not clean."""
    chosen = _chosen(names)
    outcomes = []
    for name in chosen:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{name} ...", end="", file=sys.stderr, flush=True)
        outcome = one(name, SHORT if short else LIFE)
        outcomes.append(outcome)
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr)
        if not as_json:
            print(line(outcome), flush=True)
    if as_json:
        print(msgspec.json.encode(outcomes).decode())
    return 0 if all(outcome.passed for outcome in outcomes) else EXIT_UNSAFE


def _chosen(names: Sequence[str]) -> list[str]:
    known = [*REHEARSALS, *PROCESS_DRILLS]
    if not names or ALL in names:
        return known
    for name in names:
        if name not in known:
            raise UnknownDrill(f"drill: {name!r} is not one of {', '.join(known)} or {ALL}")
    return list(names)


def one(name: str, pace: Pace) -> Drilled:
    """Rehearse one failure in a folder of its own, and verify what was written."""
    with tempfile.TemporaryDirectory(prefix="mmconsole-drill-") as folder:
        root = Path(folder)
        went, why = None, ""
        try:
            went = asyncio.run(_rehearsed(name, pace, root) if name in REHEARSALS else _broken(name, root))
        except DrillError as error:
            why = str(error)
        verdicts = [verify(path) for path in sorted(root.rglob("*.sqlite"))]
        findings = tuple(finding.text for verdict in verdicts for finding in verdict.findings)
        return Drilled(
            name=name,
            passed=went is not None and not findings and bool(verdicts),
            went=went,
            journals=len(verdicts),
            records=sum(verdict.records for verdict in verdicts),
            findings=findings,
            why=why,
        )


async def _rehearsed(name: str, pace: Pace, root: Path) -> Rehearsed:
    async with Stage(root, pace).playing() as stage:
        return await REHEARSALS[name](stage)


async def _broken(name: str, root: Path) -> Rehearsed:
    engine = EngineProcess(root)
    try:
        return await PROCESS_DRILLS[name](engine)
    finally:
        await engine.close()


def line(outcome: Drilled) -> str:
    """One drill in one line."""
    verdict = "safe" if outcome.passed else "FAIL"
    if outcome.went is None:
        return f"{outcome.name:<20}{verdict}  {outcome.why}"
    went = outcome.went
    proof = f"journal {outcome.records} records, {_found(outcome.findings)}"
    return (
        f"{outcome.name:<20}{verdict}  in {went.safe_s:5.1f} s (limit {went.limit_s:g})  meanwhile "
        f"{went.orders} orders, ${went.dollars:.2f}; {went.note}; {proof}"
    )


def _found(findings: Iterable[str]) -> str:
    first = next(iter(findings), "")
    return f"NOT CLEAN: {first}" if first else "verified"
