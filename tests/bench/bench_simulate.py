"""Prints how many events a second a simulation of some seeds takes, every invariant checked.

usage: python -m tests.bench.bench_simulate [--events 20000] [--seeds 1..16]
Seeds differ by a factor of four (how many matches, which misfortunes, how tight the limits): sixteen of them
tell the mean. The anchor is a queue of moments worked off in plain Python, before and after each seed.
Target: 20,000 events a second.
"""

from __future__ import annotations

import argparse
import heapq
import random
import time

from console.backtest.simulate import seeds_of, simulate

ANCHOR_MOMENTS = 200_000


def anchor_per_s() -> float:
    """Moments a second that are taken off a heap, written down, and put back later."""
    dice = random.Random(1)
    moments = [(dice.random(), number) for number in range(1_000)]
    heapq.heapify(moments)
    last: dict[int, float] = {}
    began = time.perf_counter()
    for _ in range(ANCHOR_MOMENTS):
        moment, number = heapq.heappop(moments)
        last[number] = moment
        heapq.heappush(moments, (moment + dice.random(), number))
    return ANCHOR_MOMENTS / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seeds", type=seeds_of, default=range(1, 17))
    asked = parser.parse_args()
    events, seconds, ratios = 0, 0.0, []
    for seed in asked.seeds:
        before = anchor_per_s()
        report = simulate(seed, asked.events)
        anchor = (before + anchor_per_s()) / 2
        events, seconds = events + report.events, seconds + report.seconds
        ratios.append(report.events / report.seconds / anchor)
        broken = "" if not report.violations else f"  BROKEN {report.violations[0].invariant}"
        print(f"seed {seed:<4} {report.events_per_s:>9,} events/s  {ratios[-1]:.4f} x anchor{broken}")
    print(f"all       {events / seconds:>9,.0f} events/s  {sum(ratios) / len(ratios):.4f} x anchor")


if __name__ == "__main__":
    main()
