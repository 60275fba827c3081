"""Prints how fast recordings are replayed with the journal on, and how much memory a longer one needs.

usage: python -m tests.bench.bench_replay [--events 600000] [--theo 0.5]
The tapes are made up; with MMCONSOLE_RECORDINGS the recordings in that folder are taken instead. The anchor
is plain JSON decoding of the same lines, in the same process, before and after. Target: 100,000 events a
second on recordings (a made up market never ends and is quoted all the time: about half of that); a tape ten
times as long needs at most 1.2 times the memory.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from console.backtest.replay import replay
from tests.backtest.tapes import made_up

LONGER = 10
GROWTH_MAX = 1.2
ANCHOR_LINES = 100_000


# ---- in the child


def anchor_per_s(paths: list[Path]) -> float:
    """Lines a second that are merely decoded."""
    decoded, spent = 0, 0.0
    for path in paths:
        with gzip.open(path) as stream:
            while decoded < ANCHOR_LINES and (lines := stream.readlines(1 << 18)):
                began = time.perf_counter()
                for line in lines:
                    msgspec.json.decode(line)
                spent += time.perf_counter() - began
                decoded += len(lines)
    return decoded / spent


def measure(paths: list[Path], theo: float | None) -> None:
    """Replay in this process, and print what it took."""
    before = anchor_per_s(paths)
    with tempfile.TemporaryDirectory() as folder:
        report = replay(paths, theo=theo, journal=Path(folder))
    anchor = (before + anchor_per_s(paths)) / 2
    facts = {
        "events": report.events,
        "orders": report.orders + report.amends,
        "per_s": report.events / report.seconds,
        "anchor_per_s": anchor,
        "peak_mb": (_peak_kb(resource.RUSAGE_SELF) + _peak_kb(resource.RUSAGE_CHILDREN)) / 1024,
        "clean": report.clean,
    }
    print(json.dumps(facts))


def _peak_kb(whose: int) -> int:
    """Most memory of this process, or of the largest of its children: the one that reads ahead."""
    return resource.getrusage(whose).ru_maxrss


# ---- in the parent


def measured(paths: list[Path], theo: float | None) -> dict[str, float]:
    """What a replay of these tapes takes in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_replay", "--measure", *map(str, paths)]
    command += [] if theo is None else ["--theo", str(theo)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    facts: dict[str, float] = json.loads(done.stdout)
    return facts


def tapes(folder: Path, events: int) -> tuple[list[Path], list[Path]]:
    """A short tape and a long one."""
    recorded = os.environ.get("MMCONSOLE_RECORDINGS")
    if recorded:
        files = sorted((Path(recorded) / "kalshi_gold15m/events").glob("*/*.gz"))
        whole, short = sum(file.stat().st_size for file in files), list[Path]()
        while sum(file.stat().st_size for file in short) * LONGER < whole:
            short.append(files[len(short)])
        return short, files
    return [made_up(folder / "short.gz", events // LONGER)], [made_up(folder / "long.gz", events)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--theo", type=float)
    parser.add_argument("--measure", type=Path, nargs="+")
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure, asked.theo)
        return
    with tempfile.TemporaryDirectory() as folder:
        short, long = (measured(paths, asked.theo) for paths in tapes(Path(folder), asked.events))
    for name, facts in (("short", short), ("long", long)):
        print(
            f"{name:<6} {facts['events']:>10,.0f} events {facts['orders']:>8,.0f} orders"
            f" {facts['per_s']:>9,.0f} events/s  {facts['per_s'] / facts['anchor_per_s']:.4f} x anchor"
            f"  {facts['peak_mb']:6.1f} MB{'' if facts['clean'] else '  NOT CLEAN'}"
        )
    growth = long["peak_mb"] / short["peak_mb"]
    met = "within" if growth <= GROWTH_MAX else "OVER"
    times = long["events"] / short["events"]
    print(f"memory {growth:.2f} x for {times:.1f} x the events, {met} {GROWTH_MAX}")


if __name__ == "__main__":
    main()
