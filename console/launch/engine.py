"""The engine's side: what a run begins with, and the loop it runs in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from pathlib import Path

import msgspec

from console.config import Config
from console.core.events import AddMatch, OperatorEvent
from console.core.instruments import RunId
from console.core.recovery import recover
from console.folders import KillLatch, Lock
from console.journal import JournalError, Reader, latest
from console.launch.place import Place
from console.runner.clock import RunClock, SystemClock
from console.runner.runner import Beginning, Runner
from console.runner.source import Source
from console.venues.simulated import SimulatedVenues

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def run_engine(place: Place, headless: bool) -> int:
    """Run the engine in this process until it ends; returns its exit status."""
    lock = Lock(place.folder)
    config = place.config
    source = SimulatedVenues(config.sim_seed, place.folder / "world")
    beginning = Beginning(
        run_id=new_run_id(),
        folder=place.folder,
        socket=place.socket,
        checkpoint=_recovered(place.folder),
        first=_configured(config, source),
        keep_without_console=headless,
    )
    return run_until_ended(config, beginning, source, lock, SystemClock())


def run_until_ended(config: Config, beginning: Beginning, source: Source, lock: Lock, clock: RunClock) -> int:
    """Run one run on the fastest loop there is; lets go of the lock and returns the exit status."""
    latch = KillLatch(beginning.folder)
    runner = Runner(config, beginning, source, latch, say, clock)
    run = runner.run(ready=lambda: say(f"engine ready, pid {os.getpid()}"))
    with contextlib.suppress(ImportError):
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            return _ended(loop.run(run), lock, latch)
    with asyncio.Runner() as loop:
        return _ended(loop.run(run), lock, latch)


def _ended(status: int, lock: Lock, latch: KillLatch) -> int:
    latch.close()
    lock.release()
    return status


def say(line: str) -> None:
    """Write a line to whoever keeps the engine's output."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    print(f"{moment} {line}", flush=True)


def new_run_id() -> RunId:
    """Start time in milliseconds in base 36 and four random characters: unique at every venue for ever."""
    number, digits = time.time_ns() // 1_000_000, ""
    while number:
        number, digit = divmod(number, 36)
        digits = BASE36[digit] + digits
    return RunId(digits + "".join(secrets.choice(BASE36) for _ in range(4)))


def _recovered(folder: Path) -> bytes:
    """What the last run left, as a checkpoint; empty when there was none."""
    journals = folder / "journal"
    path = latest(journals) if journals.is_dir() else None
    if path is None:
        return b""
    reader = Reader(path)
    try:
        started, after = reader.started(), 0
        kept = reader.latest_checkpoint()
        if kept is not None:
            after, body = kept
            started = msgspec.structs.replace(started, checkpoint=body)
        records = (r.event() if r.kind == "event" else r.command() for r in reader.account(after))
        return recover(started, records)
    except (msgspec.DecodeError, AssertionError) as error:
        raise JournalError(f"{path}: cannot be read back: {error}; move it away to begin afresh") from error
    finally:
        reader.close()


def _configured(config: Config, source: SimulatedVenues) -> list[OperatorEvent]:
    """The matches to begin with: those of the file, and in the simulation those of its world."""
    events: list[OperatorEvent] = [
        AddMatch(spec=match.spec, settings=match.settings, odds=match.odds) for match in config.matches
    ]
    profile = config.profiles[config.sim_profile]
    listed = source.listings
    wanted = config.sim_matches
    if wanted is None:
        wanted = tuple(spec.id for spec in listed[: max(1, len(listed) - 2)])
    events.extend(
        AddMatch(spec=spec, settings=config.sim_settings.get(spec.id, profile))
        for spec in listed
        if spec.id in wanted
    )
    return events
