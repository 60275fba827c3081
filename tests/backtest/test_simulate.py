"""Seeded runs: nothing is broken, and the same seed is the same run, byte for byte, wherever it runs."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from console.backtest.plan import plan_of
from console.backtest.simulate import (
    Report,
    Violation,
    render_json,
    render_text,
    seeds_of,
    simulate,
    simulate_many,
    simulate_plan,
)

EVENTS = 2000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_breaks_in_a_calm_world(seed):
    report = simulate(seed, EVENTS, faults=False)
    assert report.violations == ()
    assert report.events >= EVENTS
    assert report.orders > 0
    assert report.restarts == report.kills == 0
    assert report.misfortunes == {}


@pytest.mark.parametrize("seed", [11, 12, 13, 14, 15, 16])
def test_nothing_breaks_in_a_stormy_world(seed):
    report = simulate(seed, EVENTS)
    assert report.violations == (), render_text(report)
    assert report.misfortunes


def test_an_exit_decided_after_a_quote_counts_on_top_of_the_open_orders():
    report = simulate(
        1724, 3000
    )  # at event 2965 the limit is reached by a quote, and a flatten order follows
    assert report.violations == (), render_text(report)


def test_storms_bring_kills_crashes_and_fills():
    plan = msgspec.structs.replace(
        plan_of(21), matches=3, scale=3.0, whims_per_hour=600.0, crashes_per_hour=100.0
    )
    report = simulate_plan(plan, 10 * EVENTS)
    assert report.violations == (), render_text(report)
    assert report.kills > 0
    assert report.restarts > 1
    assert report.fills > 0


def test_the_same_seed_is_the_same_run():
    one, two = simulate(5, EVENTS), simulate(5, EVENTS)
    same = {"seconds": 0.0, "events_per_s": 0}
    assert msgspec.structs.replace(one, **same) == msgspec.structs.replace(two, **same)
    assert simulate(6, EVENTS).digest != one.digest


def test_a_run_does_not_depend_on_the_hash_seed():
    program = f"from console.backtest.simulate import simulate; print(simulate(7, {EVENTS}).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hash_seed in ("0", "1", "4242")
    }
    assert digests == {f"{simulate(7, EVENTS).digest}\n"}


def test_other_processes_come_to_the_same():
    alone = [report.digest for report in simulate_many([3, 4], 1000)]
    assert [report.digest for report in simulate_many([3, 4], 1000, jobs=2)] == alone


# ---- what is said


REPORT = Report(
    seed=4,
    events=1000,
    seconds=0.5,
    events_per_s=2000,
    simulated_s=31,
    digest="d" * 64,
    violations=(Violation(4, 1000, 31.5, "killed", "an order left", ("{one}", "{two}")),),
    orders=12,
    fills=3,
    pnl=-1.5,
    max_worst=20.0,
    misfortunes={"gap": 2, "crash": 1},
    kills=1,
    restarts=1,
)


def test_a_report_reads_like_this():
    assert render_text(REPORT) == "\n".join(
        [
            "seed 4: BROKEN  1000 events in 0.5 s (2000/s), 31 s simulated",
            "  orders 12  fills 3  P&L -1.50  worst case at most 20.00  kills 1  restarts 1",
            "  misfortunes crash 1  gap 2",
            f"  digest {'d' * 64}",
            "  killed: an order left",
            "  at event 1000, 31.500 s; the last records:",
            "    {one}",
            "    {two}",
        ]
    )


def test_a_report_goes_through_json():
    assert msgspec.json.decode(render_json(REPORT), type=Report) == REPORT


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("1..4", [1, 2, 3, 4])])
def test_seeds_are_a_number_or_a_range(text, seeds):
    assert list(seeds_of(text)) == seeds


@pytest.mark.parametrize("text", ["", "a", "1..", "9..3", "1,2"])
def test_other_seeds_are_refused_in_one_line(text):
    with pytest.raises(ValueError, match="seeds: "):
        seeds_of(text)
