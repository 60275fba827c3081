"""A replay holds no more of a long tape than of a short one."""

import os
import subprocess
import sys
from pathlib import Path

from tapes import made_up

ROOT = Path(__file__).parents[2]
GROWTH_MAX = 1.2
PROGRAM = """
import resource, sys
from pathlib import Path
from console.backtest.replay import replay
report = replay([Path(sys.argv[1])], settings=sys.argv[2:])
print(report.orders + report.amends, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
KEENLY = ("edge_min=0", "vol_factor=0", "improve_step=0", "rival_size_min=0", "max_loss_match=100000")
LIMITLESS = ("daily_loss=100000", "drawdown=off", "toxicity_pause=2", "repeated_fills=1000")


def peak_kb(path: Path) -> tuple[int, int]:
    """Orders sent and the peak of memory of a replay in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), *KEENLY, *LIMITLESS],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    orders, peak = done.stdout.split()
    return int(orders), int(peak)


def test_ten_times_the_tape_needs_no_more_memory(tmp_path):
    short = peak_kb(made_up(tmp_path / "short.gz", 10_000))
    long = peak_kb(made_up(tmp_path / "long.gz", 100_000))
    assert long[0] > 5 * short[0] > 0  # it did ten times the work
    assert long[1] <= GROWTH_MAX * short[1]
