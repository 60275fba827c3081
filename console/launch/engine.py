"""The engine's side: what a run begins with, and the loop it runs in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from console.config.read import Config
from console.core.events import AddMatch, Mode, OperatorEvent
from console.core.instruments import RunId
from console.core.recovery import recover
from console.folders import KillLatch, Lock, SignOfLife
from console.journal import JournalError, Reader, latest
from console.launch.place import Place
from console.launch.sources import connected, examine, watchdog_check
from console.launch.spawn import spawn
from console.runner.clock import RunClock, SystemClock
from console.runner.runner import Beginning, Gate, Runner
from console.runner.source import Source
from console.runner.watching import HEARTBEAT, TRADING
from console.venues.base.protocol import Check
from console.venues.simulated import SimulatedVenues

WATCHDOG_PATIENCE_S = 8.0
WATCHDOG_LOOKS = 10  # in a row at which it watches: it takes a moment to notice us
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def run_engine(place: Place, headless: bool) -> int:
    """Run the engine in this process until it ends; returns its exit status.

    When the operator changes between dry run and real orders, one run ends and the next begins on the
    other ledger, with the same matches and settings.
    """
    lock = Lock(place.folder)
    config, carried = place.config, list[OperatorEvent]()
    while True:
        books = _books(place.folder, config)
        source = _source(config, place.folder, books)
        watchdog = partial(_spawn_watchdog, place) if _is_real(config) else None
        if watchdog is not None:
            _await_watchdog(place, watchdog)
        beginning = Beginning(
            run_id=new_run_id(),
            folder=place.folder,
            journals=books / "journal",
            socket=place.socket,
            checkpoint=_recovered(books / "journal", config.ledger),
            first=carried or _configured(config, source),
            keep_without_console=headless,
            gate=_gate(config, place.folder) if _is_real(config) else None,
            checks=_gate(config, None) if config.dry_run else None,
            spawn_watchdog=watchdog,
        )
        status, runner = run_once(config, beginning, source, SystemClock())
        if not runner.switched:
            lock.release()
            return status
        carried = runner.carried()
        config = msgspec.structs.replace(config, dry_run=not config.dry_run, account=runner.account)


def run_once(config: Config, beginning: Beginning, source: Source, clock: RunClock) -> tuple[int, Runner]:
    """Run one run on the fastest loop there is; returns its exit status and what ran."""
    latch = KillLatch(beginning.folder)
    runner = Runner(config, beginning, source, latch, say, clock)
    run = runner.run(ready=lambda: say(f"engine ready, pid {os.getpid()}"))
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as loop:
        status = loop.run(run)
    latch.close()
    return status, runner


def _is_real(config: Config) -> bool:
    return config.mode in (Mode.DEMO, Mode.LIVE) and not config.dry_run


def _books(folder: Path, config: Config) -> Path:
    """Where one ledger is kept: that of a dry run apart from the real one."""
    books = folder / "dry" if config.dry_run else folder
    books.mkdir(mode=0o700, exist_ok=True)
    return books


def _source(config: Config, folder: Path, books: Path) -> Source:
    if config.mode is Mode.SIM:
        return SimulatedVenues(config.sim_seed, folder / "world", scale=config.sim_pace)
    return connected(config, books)


def _gate(config: Config, watched: Path | None) -> Gate:
    """What real orders wait for; `watched` is the folder in which a watchdog must give signs of life."""
    real = msgspec.structs.replace(config, dry_run=False)

    async def checks() -> list[Check]:
        found = await examine(real)
        return found if watched is None else [*found, watchdog_check(watched)]

    return checks


def _spawn_watchdog(place: Place) -> None:
    """One that finds another at work ends by itself. Ours is reaped when it ends, never waited for."""
    spawn(place.watch, place.folder / "watch.log")


def _await_watchdog(place: Place, spawn_one: Callable[[], None]) -> None:
    """Start the watchdog unless there is one, and give it a moment: nothing real leaves without it.

    It connects when an engine gives signs of life; so this one does already.
    """
    until = time.monotonic() + WATCHDOG_PATIENCE_S
    if not watchdog_check(place.folder).passed:
        spawn_one()
    sign = SignOfLife(place.folder, HEARTBEAT)
    reached = 0
    while time.monotonic() < until and reached < WATCHDOG_LOOKS:
        sign.beat(time.monotonic_ns(), TRADING)
        time.sleep(0.1)
        reached = reached + 1 if watchdog_check(place.folder).passed else 0
    sign.close()


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


def _recovered(journals: Path, ledger: str) -> bytes:
    """What the last run left, as a checkpoint; empty when there was none.

    Records of another mode, account or ledger are refused (C32).
    """
    path = latest(journals) if journals.is_dir() else None
    if path is None:
        return b""
    reader = Reader(path)
    try:
        started, after = reader.started(), 0
        if started.ledger not in ("", ledger):
            raise JournalError(f"{path}: of {started.ledger}, not of {ledger}; move it away")
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


def _configured(config: Config, source: Source) -> list[OperatorEvent]:
    """The matches to begin with: those of the file, and in the simulation those of its world."""
    events: list[OperatorEvent] = [
        AddMatch(spec=match.spec, settings=match.settings, odds=match.odds) for match in config.matches
    ]
    if not isinstance(source, SimulatedVenues):
        return events
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
