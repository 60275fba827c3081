"""Takes out one control at a time and shows the test that notices: `python -m tests.mutants [C4 C19 ...]`.

Each mutant patches named functions or values in a process of its own, in which pytest runs the tests named
for it; nothing of the tree is rewritten. A mutant is caught when a test fails; one that nobody notices, or
under which pytest cannot even run, ends the command with status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "MMCONSOLE_MUTANT"
CHOSEN = os.environ.get(VARIABLE)  # read before the tests clean their environment
PATIENCE_S = 600


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    caught: str  # the test that noticed; empty: nobody
    trouble: str = ""


def name(mutant: Mutant) -> str:
    return f"{mutant.control} {mutant.what}"


# ---- inside the process that is spoilt


def pytest_configure(config: Any) -> None:
    """Called by pytest where this file is loaded as a plugin: take out what the variable names."""
    for mutant in MUTANTS:
        if name(mutant) == CHOSEN:
            mutant.patch()


# ---- the command


def hunt(number: int) -> Outcome:
    """Run the tests of one mutant under it."""
    mutant = MUTANTS[number]
    command = [sys.executable, "-m", "pytest", "-p", "tests.mutants", "-n", "0", "-x", "-q", "--no-header"]
    try:
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", *mutant.tests],
            cwd=ROOT,
            env={**os.environ, VARIABLE: name(mutant)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(mutant, "", f"no end within {PATIENCE_S} s")
    failed = re.search(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    if done.returncode == 1 and failed is not None:
        return Outcome(mutant, failed.group(1))
    if done.returncode == 0:
        return Outcome(mutant, "")
    return Outcome(
        mutant, "", f"pytest ended with status {done.returncode}: {(done.stdout + done.stderr)[-300:]}"
    )


def table(outcomes: Iterable[Outcome]) -> str:
    rows = [("", "control", "start value", "taken out", "caught by")]
    rows += [(o.mutant.control, o.mutant.what, o.mutant.start, o.mutant.lost, _verdict(o)) for o in outcomes]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _verdict(outcome: Outcome) -> str:
    return outcome.caught.removeprefix("tests/") or f"NOBODY {' '.join(outcome.trouble.split())}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Take out each control in turn and name the test that notices."
    )
    parser.add_argument("controls", nargs="*", metavar="C4", help="only these; all without")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    chosen = [n for n, m in enumerate(MUTANTS) if not arguments.controls or m.control in arguments.controls]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = []
        for outcome in pool.map(hunt, chosen):
            outcomes.append(outcome)
            print(f"\r{len(outcomes)}/{len(chosen)}", end="", file=sys.stderr, flush=True)
    print("\r\x1b[K", end="", file=sys.stderr)
    if arguments.json:
        print(
            json.dumps(
                [[o.mutant.control, o.mutant.what, o.mutant.lost, o.caught, o.trouble] for o in outcomes]
            )
        )
    else:
        print(table(outcomes))
        escaped = sum(not outcome.caught for outcome in outcomes)
        print(f"\n{len(outcomes)} mutants, {escaped} nobody noticed")
    return 1 if any(not outcome.caught for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
