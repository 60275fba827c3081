"""`mmconsole simulate`: seeded runs under every misfortune, and what they found."""

from __future__ import annotations

import gc
import multiprocessing
import time
import traceback
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec
from msgspec import Struct

from console.backtest.broken import Broken
from console.backtest.driver import Driver
from console.backtest.plan import Plan, plan_of
from console.core.units import ONE, SECOND

LAST_RECORDS = 30
_COLLECT = (50_000, 20, 20)  # objects until a collection, and so on: nearly nothing here is a cycle


class Violation(Struct, frozen=True):
    """One broken invariant, and the records before it; the run ended there."""

    seed: int
    event: int
    at_s: float  # simulated seconds since the beginning
    invariant: str
    line: str
    records: tuple[str, ...]


class Report(Struct, frozen=True, kw_only=True):
    """One seed. Money in dollars; `seconds` were needed for `simulated_s` of simulated time."""

    seed: int
    events: int
    seconds: float
    events_per_s: int
    simulated_s: int
    digest: str
    violations: tuple[Violation, ...]
    orders: int
    fills: int
    pnl: float
    max_worst: float
    misfortunes: dict[str, int]
    kills: int
    restarts: int


def simulate(seed: int, events: int, faults: bool = True) -> Report:
    """Run one seed for so many events, then until everything is at rest."""
    return simulate_plan(plan_of(seed, faults), events)


def simulate_plan(plan: Plan, events: int) -> Report:
    """Run one plan."""
    began = time.perf_counter()
    gc.set_threshold(*_COLLECT)
    driver = Driver(plan)
    violations: tuple[Violation, ...] = ()
    try:
        driver.run(events)
        driver.come_to_rest()
    except Broken as broken:
        violations = (_violation(driver, broken),)
    return _report(driver, violations, time.perf_counter() - began)


def simulate_many(seeds: Iterable[int], events: int, faults: bool = True, jobs: int = 1) -> Iterator[Report]:
    """Run several seeds, `jobs` at a time; reports come in the order of the seeds."""
    one = partial(simulate, events=events, faults=faults)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(one, seeds)


def seeds_of(text: str) -> range:
    """Read `7` or `1..50`; raises ValueError saying what would be right."""
    first, dots, last = text.partition("..")
    try:
        seeds = range(int(first), int(last if dots else first) + 1)
    except ValueError:
        raise ValueError(f"seeds: {text!r} is neither a number nor a range like 1..50") from None
    if not seeds:
        raise ValueError(f"seeds: {text!r} is empty; the smaller number comes first")
    return seeds


# ---- what it says


def render_json(report: Report) -> str:
    """One line of JSON."""
    return msgspec.json.encode(report).decode()


def render_text(report: Report) -> str:
    """A few lines for people; a violation comes with its last records."""
    verdict = "BROKEN" if report.violations else "ok"
    lines = [
        f"seed {report.seed}: {verdict}  {report.events} events in {report.seconds:.1f} s "
        f"({report.events_per_s}/s), {report.simulated_s} s simulated",
        f"  orders {report.orders}  fills {report.fills}  P&L {report.pnl:+.2f}  "
        f"worst case at most {report.max_worst:.2f}  kills {report.kills}  restarts {report.restarts}",
        "  misfortunes " + "  ".join(f"{name} {n}" for name, n in sorted(report.misfortunes.items())),
        f"  digest {report.digest}",
    ]
    for violation in report.violations:
        lines += [
            f"  {violation.invariant}: {violation.line}",
            f"  at event {violation.event}, {violation.at_s:.3f} s; the last records:",
            *(f"    {record}" for record in violation.records),
        ]
    return "\n".join(lines)


def _violation(driver: Driver, broken: Broken) -> Violation:
    line = broken.line
    if broken.__cause__ is not None:
        frame = traceback.extract_tb(broken.__cause__.__traceback__)[-1]
        line += f" ({frame.name}, line {frame.lineno})"
    return Violation(
        seed=driver.plan.seed,
        event=driver.events,
        at_s=driver.now / SECOND,
        invariant=broken.invariant,
        line=line,
        records=driver.chain.last(LAST_RECORDS),
    )


def _report(driver: Driver, violations: tuple[Violation, ...], seconds: float) -> Report:
    check = driver.check
    misfortunes = driver.world.counts()
    misfortunes["crash"] = driver.restarts
    misfortunes["clock_jump"] = driver.jumps
    misfortunes["together"] = driver.together
    return Report(
        seed=driver.plan.seed,
        events=driver.events,
        seconds=round(seconds, 3),
        events_per_s=round(driver.events / seconds),
        simulated_s=driver.now // SECOND,
        digest=driver.chain.digest(),
        violations=violations,
        orders=check.orders,
        fills=len(check.scene.ledger.trades),
        pnl=check.profit / ONE,
        max_worst=check.money.worst_max / ONE,
        misfortunes={name: count for name, count in misfortunes.items() if count},
        kills=check.scene.standing.kills,
        restarts=driver.restarts,
    )
