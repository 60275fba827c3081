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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "MMCONSOLE_MUTANT"
CHOSEN = os.environ.get(VARIABLE)  # read before the tests clean their environment
PATIENCE_S = 240


@dataclass(frozen=True)
class Mutant:
    """One way to lose a control: `patch` takes it out, one of `tests` must notice."""

    control: str
    what: str
    start: str
    lost: str
    patch: Callable[[], None]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    mutant: Mutant
    caught: str  # the test that noticed; empty: nobody
    trouble: str = ""


# ---- how to take something out


def nothing(*_: Any, **__: Any) -> None:
    return None


def always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def put(target: str, value: Any) -> Callable[[], None]:
    """Patch `module:attribute` or `module:Class.attribute`."""

    def patch() -> None:
        module, _, path = target.partition(":")
        owner = __import__(module, fromlist=["_"])
        *owners, name = path.split(".")
        for step in owners:
            owner = getattr(owner, step)
        assert hasattr(owner, name), f"{target} is not there to be taken out"
        setattr(owner, name, value)

    return patch


def around(target: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[], None]:
    """Patch a function by one made of it."""

    def patch() -> None:
        module, _, path = target.partition(":")
        owner = __import__(module, fromlist=["_"])
        *owners, name = path.split(".")
        for step in owners:
            owner = getattr(owner, step)
        setattr(owner, name, wrap(getattr(owner, name)))

    return patch


def several(*patches: Callable[[], None]) -> Callable[[], None]:
    def patch() -> None:
        for each in patches:
            each()

    return patch


def deaf_to(*names: str) -> Callable[[], None]:
    """A connection that never gives one of these reasons for trouble."""

    def wrap(trouble: Callable[..., Any]) -> Callable[..., Any]:
        def quiet(*arguments: Any) -> Any:
            found = trouble(*arguments)
            return None if found is not None and found.name in names else found

        return quiet

    return around("console.core.connection:Connection.trouble", wrap)


def without_caps(*names: str) -> Callable[[], None]:
    """Limits on the size of one order that are not looked at."""

    def wrap(caps: Callable[..., Iterable[tuple[int, str]]]) -> Callable[..., Any]:
        return lambda *arguments: [cap for cap in caps(*arguments) if cap[1] not in names]

    return around("console.core.risk:_caps", wrap)


def no_pause_for(name: str) -> Callable[[], None]:
    """A reason that no longer pauses a side."""

    def wrap(pause: Callable[..., None]) -> Callable[..., None]:
        def maybe(state: Any, desk: Any, gained: int, reason: Any, seconds: int) -> None:
            if reason.name != name:
                pause(state, desk, gained, reason, seconds)

        return maybe

    return around("console.core.outcomes:_pause_side", wrap)


def old_books() -> None:
    """Books of any age."""
    from console.core.markets import Market

    trouble = Market.trouble
    Market.trouble = lambda self, ts, age_max_s, quote_empty: trouble(self, ts, 10**9, quote_empty)  # type: ignore[method-assign]


def old_lines() -> None:
    """Odds of any age."""
    from console.core import theo

    init = theo._Limits.__init__

    def endless(self: Any, settings: Any, phase: Any) -> None:
        init(self, settings, phase)
        self.age = dict.fromkeys(self.age, 10**18)

    theo._Limits.__init__ = endless  # type: ignore[method-assign]


def sound_books() -> None:
    """A crossed, gapped or empty book is as good as any."""
    from console.core.book import Book

    Book.problem = lambda self, quote_empty: None  # type: ignore[method-assign]
    Book.distrust = lambda self, why: None  # type: ignore[method-assign]


def forgetful_baseline() -> None:
    """A restart begins the losses anew."""
    from console.core import account, checkpoint, engine

    restore = checkpoint.restore

    def forget(state: Any, data: bytes) -> None:
        restore(state, data)
        state.account.baseline, state.account.halt = account.Baseline(), ""

    engine.restore = forget  # type: ignore[attr-defined]


def forgiving_losses() -> None:
    """A loss regained lifts its own halt."""
    from console.core import marks

    mark_all = marks.mark_all

    def forgive(state: Any) -> None:
        mark_all(state)
        if not state.account.breach():
            state.account.halt = ""

    marks.mark_all = forgive


def no_warm_up() -> None:
    """Data that came back is quoted on at once."""
    from console.core import quotes

    standing = quotes.standing

    def at_once(state: Any, desk: Any, *more: Any) -> Any:
        desk.good_since = -(10**18)
        return standing(state, desk, *more)

    quotes.standing = at_once


def floor_of_nothing() -> None:
    """Exits at any price."""
    from console.core import flatten

    begin = flatten.begin
    flatten.begin = lambda state, desk, _: begin(state, desk, 1)  # type: ignore[assignment]


def lost_means_refused() -> None:
    """A request without an answer counts as not taken."""
    from console.core.orders import Blotter, Fact

    def refused(self: Any, order: Any, ts: int) -> None:
        self.ended(order, Fact.REJECTED, ts)

    Blotter.unanswered = refused  # type: ignore[method-assign]


def fills_counted_again() -> None:
    """A fill told twice is two."""
    from console.core.orders import Blotter

    Blotter.is_new_trade = lambda self, venue, trade_id: True  # type: ignore[method-assign]


def missing_is_zero() -> None:
    """A position without a mark is worth what it cost."""
    from console.core import marks

    at_loss_marks = marks.at_loss_marks

    def zero(state: Any, desk: Any) -> int:
        return at_loss_marks(state, desk) or 0

    marks.at_loss_marks = zero  # type: ignore[assignment]


def deaf_latches() -> None:
    from console.folders import Latches

    Latches.engaged = lambda self, venue: False  # type: ignore[method-assign]


def latch_not_written() -> None:
    from console.core import killing

    killing.Latch = lambda **_: killing.Reconcile(venue=None)  # type: ignore[assignment,misc,arg-type,attr-defined]


def silent_settings() -> None:
    """Changes are made without a word."""
    from console.core.commands import Severity
    from console.core.state import State

    alert = State.alert

    def quiet(self: Any, severity: Severity, text: str, match: Any = "") -> None:
        if " -> " not in text:
            alert(self, severity, text, match)

    State.alert = quiet  # type: ignore[method-assign]


def any_ledger() -> None:
    """Records of one ledger are read for another."""
    import msgspec

    from console.journal import Reader

    started = Reader.started
    Reader.started = lambda self: msgspec.structs.replace(started(self), ledger="")  # type: ignore[method-assign]


def missing_reads_zero() -> None:
    """A field that is not there is nothing to complain about."""
    from console.venues.kalshi import frames

    frames.Parser._unusual = lambda self, raw, why: frames.OtherFrame("unknown")  # type: ignore[method-assign,call-arg]


def open_gate() -> None:
    """Checks are made and believed whatever they say."""
    from console.runner import runner

    class Passed:
        def __init__(self, name: str, passed: bool, seen: str, remedy: str = "", needed: bool = True) -> None:
            self.name, self.seen, self.remedy = name, seen, remedy
            self.passed, self.needed = True, False

    pass_gate = runner.Runner._pass_gate

    async def believe(self: Any, gate: Any) -> None:
        async def passed() -> Any:
            return [Passed(check.name, True, check.seen) for check in await gate()]

        await pass_gate(self, passed)

    runner.Runner._pass_gate = believe  # type: ignore[method-assign]


def orphans_ignored() -> None:
    from console.core import reconcile

    match_orders = reconcile._match_orders
    reconcile._match_orders = lambda *arguments: (match_orders(*arguments)[0], 0)


def sweep_once() -> None:
    from console.core import killing

    killing.sweep_on = nothing


def kill_from_memory() -> None:
    """Kill cancels the orders it knows of, by their ids."""
    from console.core import killing

    killing.CancelAll = lambda venue: killing.Reconcile(venue=venue)  # type: ignore[assignment,misc]


async def no_sweep(self: Any, patience_s: float, look: Any = None) -> list[Any]:
    return []


STORY = "tests/core/test_story_"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "C1",
        "order size in contracts and dollars",
        "100 c, $100",
        "both limits unread",
        without_caps("order_size_max", "order_cash_max"),
        ("tests/core/test_risk.py",),
    ),
    Mutant(
        "C2",
        "price collar",
        "10 ¢ through theo",
        "no collar",
        put("console.core.risk:_collared", nothing),
        ("tests/core/test_collar.py", "tests/core/test_risk.py"),
    ),
    Mutant(
        "C3",
        "duplicate guard",
        "250 ms",
        "no guard",
        put("console.core.risk:_duplicate", nothing),
        ("tests/core/test_risk.py", f"{STORY}lost.py"),
    ),
    Mutant(
        "C4",
        "worst case per match, event, venue, total",
        "$500",
        "exposure unread",
        put("console.core.risk:_exposed", lambda *a: (a[2], "")),
        (f"{STORY}venues.py",),
    ),
    Mutant(
        "C4",
        "in-flight orders counted at intent",
        "-",
        "only acknowledged orders counted",
        around(
            "console.core.risk:risked",
            lambda risked: lambda orders: risked([order for order in orders if order.pending is None]),
        ),
        (f"{STORY}venues.py",),
    ),
    Mutant(
        "C5",
        "message throttle",
        "25 % for cancels",
        "no throttle",
        put("console.core.connection:Budget.allows", always(True)),
        (f"{STORY}storm.py",),
    ),
    Mutant(
        "C6",
        "repeated fills without a move",
        "6 in 10 s",
        "no pause",
        no_pause_for("REPEATED_FILLS"),
        (f"{STORY}orders.py",),
    ),
    Mutant(
        "C7",
        "fill rate by direction",
        "per preset, 120 s",
        "no pause",
        no_pause_for("FILL_RATE"),
        (f"{STORY}orders.py",),
    ),
    Mutant(
        "C8",
        "losses: day, drawdown, stop-loss",
        "$50",
        "no breach is seen",
        put("console.core.account:Account.breach", always("")),
        (f"{STORY}loss.py",),
    ),
    Mutant(
        "C8",
        "the baseline survives a restart",
        "-",
        "a restart forgets it",
        forgetful_baseline,
        (f"{STORY}restart.py",),
    ),
    Mutant("C9", "stale books", "10 s / 3 s", "books of any age", old_books, (f"{STORY}stale.py",)),
    Mutant("C9", "stale odds", "180 s", "lines of any age", old_lines, (f"{STORY}stale.py",)),
    Mutant("C9", "blind to fills", "15 s", "blindness unread", deaf_to("FILLS_BLIND"), (f"{STORY}stale.py",)),
    Mutant("C9", "stale balance", "60 s", "any balance", deaf_to("NO_BALANCE"), (f"{STORY}stale.py",)),
    Mutant("C10", "unsound books", "-", "every book is sound", sound_books, (f"{STORY}stale.py",)),
    Mutant(
        "C11",
        "kill repeats until proven",
        "0.25 s .. 2 s",
        "one sweep only",
        sweep_once,
        (f"{STORY}kill.py",),
    ),
    Mutant(
        "C11",
        "kill by account, not by memory",
        "-",
        "no cancel-all leaves",
        kill_from_memory,
        (f"{STORY}kill.py",),
    ),
    Mutant(
        "C12",
        "latch read before each batch",
        "-",
        "latches unread",
        deaf_latches,
        ("tests/runner/test_runner.py",),
    ),
    Mutant(
        "C12",
        "latch written with the first cancel",
        "-",
        "not written",
        latch_not_written,
        (f"{STORY}kill.py",),
    ),
    Mutant(
        "C12",
        "the last line of the engine",
        "-",
        "no assertion",
        put("console.core.engine:_assert_nothing_past_the_latch", nothing),
        ("tests/core/test_last_line.py",),
    ),
    Mutant(
        "C13",
        "flatten is bound by the typed floor",
        "typed",
        "any price",
        floor_of_nothing,
        (f"{STORY}flatten.py",),
    ),
    Mutant(
        "C13",
        "flatten survives rejection of its exits",
        "5 s",
        "tried again at once",
        put("console.core.flatten:_judge", nothing),
        (f"{STORY}flatten.py",),
    ),
    Mutant(
        "C14",
        "an exception in the engine sweeps",
        "< 10 s",
        "no sweep",
        put("console.runner.sweep:Sweep.run", no_sweep),
        ("tests/runner/test_runner.py",),
    ),
    Mutant(
        "C15",
        "keep-alives from a healthy engine",
        "5 s",
        "none",
        put("console.core.keepalive:keep_alive", nothing),
        (f"{STORY}keepalive.py",),
    ),
    Mutant(
        "C15",
        "orders carry the end of their lease",
        "60 s",
        "no end",
        put("console.core.state:State.lease_until", always(0)),
        (f"{STORY}keepalive.py",),
    ),
    Mutant(
        "C16",
        "reconciled before quoting",
        "-",
        "quoting without",
        deaf_to("RECONCILING"),
        (f"{STORY}reconcile.py", f"{STORY}kill.py", f"{STORY}stale.py"),
    ),
    Mutant(
        "C16", "orphans proven gone first", "-", "orphans forgotten", orphans_ignored, (f"{STORY}lost.py",)
    ),
    Mutant(
        "C17", "unknown is not refused", "-", "silence is a refusal", lost_means_refused, (f"{STORY}lost.py",)
    ),
    Mutant(
        "C18",
        "pending deadlines",
        "5 s",
        "nobody asks again",
        put("console.core.outcomes:chase", nothing),
        (f"{STORY}lost.py",),
    ),
    Mutant("C18", "fills counted once", "-", "as often as told", fills_counted_again, (f"{STORY}orders.py",)),
    Mutant(
        "C19",
        "orders the venue does not list",
        "30 s",
        "left as they are",
        put("console.core.reconcile:_absent", nothing),
        (f"{STORY}reconcile.py",),
    ),
    Mutant(
        "C19",
        "positions compared",
        "two reads, 10 s",
        "not compared",
        put("console.core.reconcile:_differs", nothing),
        (f"{STORY}reconcile.py",),
    ),
    Mutant(
        "C19",
        "cash compared",
        "two reads, 10 s",
        "not compared",
        put("console.core.till:compare", always(True)),
        (f"{STORY}cash.py",),
    ),
    Mutant(
        "C20",
        "provisional fills are taken back",
        "-",
        "kept",
        put("console.core.outcomes:undone", lambda position, unsettled, trade, book: None),
        (f"{STORY}unsettled.py",),
    ),
    Mutant(
        "C21",
        "no trade with ourselves",
        "-",
        "not looked at",
        put("console.core.risk:_crosses_ours", nothing),
        (f"{STORY}venues.py", "tests/core/test_risk.py"),
    ),
    Mutant(
        "C22",
        "stop times and game status",
        "1 min before",
        "always before the match",
        around("console.core.desk:Desk.phase_at", lambda f: lambda self, wall: type(self.phase)("PREMATCH")),
        (f"{STORY}stale.py",),
    ),
    Mutant(
        "C23", "clock offset of a venue", "2 s", "offset unread", deaf_to("CLOCK"), (f"{STORY}keepalive.py",)
    ),
    Mutant(
        "C23",
        "a clock that jumped",
        "0.5 s / 2 s",
        "not noticed",
        put("console.core.engine:Engine._watch_clock", nothing),
        (f"{STORY}stale.py",),
    ),
    Mutant(
        "C24",
        "rejects classified and budgeted",
        "3 in 60 s",
        "not counted",
        put("console.core.outcomes:_count_reject", nothing),
        (f"{STORY}quoting.py",),
    ),
    Mutant(
        "C25",
        "a balance that fell",
        "20 %",
        "not told",
        put("console.core.till:_watch_drop", nothing),
        (f"{STORY}cash.py",),
    ),
    Mutant(
        "C25",
        "balance and reserve before orders",
        "-",
        "not looked at",
        put("console.core.risk:_reserved", always(-(10**15))),
        ("tests/core/test_risk.py", f"{STORY}cash.py"),
    ),
    Mutant(
        "C26",
        "orders unheard of",
        "300 s",
        "left alone",
        put("console.core.outcomes:_refresh", nothing),
        (f"{STORY}lost.py",),
    ),
    Mutant(
        "C27",
        "limits told when neared",
        "70 %",
        "not told",
        put("console.core.nearing:tell", nothing),
        (f"{STORY}limits.py",),
    ),
    Mutant(
        "C27",
        "sizes shrink towards a limit",
        "last 30 %",
        "whole to the end",
        put("console.core.risk:TAPER_PCT", 0),
        (f"{STORY}limits.py",),
    ),
    Mutant(
        "C27",
        "overrides return by themselves",
        "typed",
        "they stay",
        put("console.core.overrides:take_back", nothing),
        (f"{STORY}limits.py",),
    ),
    Mutant(
        "C28", "missing is not zero", "-", "a missing mark is zero", missing_is_zero, (f"{STORY}loss.py",)
    ),
    Mutant(
        "C29",
        "no way back by itself after a loss",
        "-",
        "regained lifts it",
        forgiving_losses,
        (f"{STORY}loss.py",),
    ),
    Mutant(
        "C29",
        "warm-up after a data outage",
        "5 s",
        "at once",
        no_warm_up,
        (f"{STORY}stale.py", f"{STORY}quoting.py"),
    ),
    Mutant("C30", "start gate", "-", "every check believed", open_gate, ("tests/runner/test_faults.py",)),
    Mutant(
        "C31",
        "key files of mode 600",
        "600",
        "any mode",
        put("console.keys:_must_be_private", nothing),
        ("tests/test_keys.py",),
    ),
    Mutant(
        "C31",
        "secrets are not shown",
        "-",
        "shown",
        put("console.keys:Secret.__repr__", lambda self: self.reveal()),
        ("tests/test_keys.py",),
    ),
    Mutant(
        "C32", "ledgers kept apart", "-", "any journal is read", any_ledger, ("tests/runner/test_faults.py",)
    ),
    Mutant(
        "C33", "settings changes journalled", "-", "made silently", silent_settings, (f"{STORY}limits.py",)
    ),
    Mutant(
        "C34",
        "strict parsing",
        "-",
        "what is missing passes",
        missing_reads_zero,
        ("tests/venues/test_kalshi_frames.py",),
    ),
    Mutant(
        "C35",
        "bounded memory: orders",
        "500 ended",
        "all kept",
        put("console.core.orders:ENDED_REMEMBERED", 10**9),
        ("tests/core/test_bounds.py",),
    ),
    Mutant(
        "C35",
        "bounded memory: inbox",
        "20,000",
        "books never given up",
        put("console.runner.inbox:BACKLOG_MAX", 10**9),
        ("tests/core/test_bounds.py",),
    ),
    Mutant(
        "C36",
        "audit",
        "-",
        "orders untested",
        put("console.core.audit:Auditor._test_order", nothing),
        ("tests/test_verify.py",),
    ),
    Mutant(
        "C38",
        "a broken journal stops quoting",
        "-",
        "nobody acts on it",
        put("console.runner.runner:Runner._journal_failed", nothing),
        ("tests/runner/test_faults.py",),
    ),
    Mutant(
        "C38",
        "no order leaves before its record is on disk",
        "-",
        "it leaves at once",
        put("console.runner.outbox:Outbox.hold", lambda self, number, command: self._send(command)),
        ("tests/runner/test_runner.py",),
    ),
    Mutant(
        "C39",
        "somebody is called",
        "5 s",
        "nobody",
        put("console.runner.runner:Runner._alarm", nothing),
        ("tests/runner/test_faults.py",),
    ),
    Mutant(
        "C40",
        "the session ties out",
        "0.000001",
        "every end is clean",
        put("console.core.closing:Closing.ties_out", True),
        (f"{STORY}closing.py",),
    ),
)


# ---- inside the process that is spoilt


def pytest_configure(config: Any) -> None:
    """Called by pytest where this file is loaded as a plugin: take out what the variable names."""
    if CHOSEN is not None:
        MUTANTS[int(CHOSEN)].patch()


# ---- the command


def hunt(number: int) -> Outcome:
    """Run the tests of one mutant under it."""
    mutant = MUTANTS[number]
    command = [sys.executable, "-m", "pytest", "-p", "tests.mutants", "-n", "0", "-x", "-q", "--no-header"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *mutant.tests],
        cwd=ROOT,
        env={**os.environ, VARIABLE: str(number)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
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
