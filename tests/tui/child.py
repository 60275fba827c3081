"""Runs the real console on a fake engine in a terminal of its own; reports through a pipe what happens.

usage: python -m tests.tui.child REPORT_FD PLAN...   with PLAN words such as `block` or `crash`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from console.core.events import OperatorEvent, Stop
from console.core.view import View
from console.link.messages import Ack, ToEngine
from console.tui.run import run_console
from tests.tui.fakes import FakeEngine
from tests.tui.views import TS, killed, many

MATCHES = 30
FEED_S = 0.25
PROBE_S = 0.005
SCHEDULED = Path("/proc/thread-self/schedstat")


class Reporter:
    """Writes what happens as lines of JSON."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def say(self, what: str, **facts: object) -> None:
        os.write(self._fd, (json.dumps({"what": what, "at": time.monotonic(), **facts}) + "\n").encode())


class ReportingEngine(FakeEngine):
    """A fake engine that tells the parent what it was told, and stops the way a real one does."""

    def __init__(self, first: View, reporter: Reporter) -> None:
        super().__init__(first)
        self._reporter = reporter
        self._tasks: set[asyncio.Task[None]] = set()
        self.broken = self.killed = False

    def send(self, message: ToEngine) -> None:
        if self.broken:
            raise RuntimeError("the line broke in a way nobody thought of")
        self._reporter.say("sent", message=type(message).__name__, facts=msgspec.to_builtins(message))

    async def operate(self, event: OperatorEvent) -> Ack:
        self._reporter.say("event", event=type(event).__name__)
        if isinstance(event, Stop):
            self._tasks.add(asyncio.create_task(self._stop()))
        return Ack(request=1, ok=True)

    async def _stop(self) -> None:
        for left in (20, 5, 0):
            await asyncio.sleep(0.2)
            assert self.view is not None
            self.view = msgspec.structs.replace(self.view, stopping="operator", orders_open=left)
        self.closed = "the run has ended"

    def kill(self) -> None:
        self.killed = True
        self._reporter.say("kill")


async def feed(engine: ReportingEngine, still: bool) -> None:
    number = 0
    while True:
        view = many(MATCHES, TS + number * 250_000_000, 0 if still else number)
        if engine.killed:
            view = msgspec.structs.replace(view, kill=killed().kill, orders_open=0)
        if not (engine.view is not None and engine.view.stopping):
            engine.view = view
        number += 1
        await asyncio.sleep(FEED_S)


def queued() -> float:
    """Seconds for which this thread could have run, but the machine had no processor for it."""
    try:
        return int(SCHEDULED.read_bytes().split()[1]) / 1e9
    except OSError:  # a kernel that does not count it
        return 0.0


async def probe(reporter: Reporter) -> None:
    """Report the longest time the loop did not run, in every quarter of a second.

    What the thread waited for a processor is the machine's doing, not the loop's, and is taken out.
    """
    worst, told, last, waited = 0.0, time.monotonic(), time.monotonic(), queued()
    while True:
        await asyncio.sleep(PROBE_S)
        now, before = time.monotonic(), waited
        waited = queued()
        worst, last = max(worst, now - last - PROBE_S - (waited - before)), now
        if now - told > 0.25:
            reporter.say("gap", ms=round(worst * 1000, 1), cpu=time.process_time())
            worst, told = 0.0, now


async def misbehave(plan: list[str], engine: ReportingEngine, reporter: Reporter) -> None:
    await asyncio.sleep(1.0)
    if "block" in plan:
        reporter.say("blocked")
        time.sleep(2.0)  # noqa: ASYNC251 - the fault under test
        reporter.say("unblocked")
    if "crash" in plan:
        reporter.say("crashing")
        engine.broken = True
    if "lose" in plan:
        reporter.say("losing")
        engine.closed = "the engine has ended"


@contextmanager
def second_sitting() -> Iterator[Path]:
    """The taste of somebody who has seen the tour."""
    with tempfile.TemporaryDirectory(prefix="mmconsole-test-") as folder:
        path = Path(folder) / "console.json"
        path.write_text('{"toured": true}')
        yield path


async def main(fd: int, plan: list[str]) -> int:
    if "deaf" in plan:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    reporter = Reporter(fd)
    engine = ReportingEngine(many(MATCHES), reporter)
    tasks = [asyncio.create_task(feed(engine, "still" in plan)), asyncio.create_task(probe(reporter))]
    tasks.append(asyncio.create_task(misbehave(plan, engine, reporter)))
    reporter.say("started")
    with second_sitting() as taste:
        code = await run_console(engine, taste=taste)
    reporter.say("returned", code=code)
    for task in tasks:
        task.cancel()
    return code


if __name__ == "__main__":
    os._exit(asyncio.run(main(int(sys.argv[1]), sys.argv[2:])))
