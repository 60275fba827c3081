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

from console.alerts import KEY, Webhook
from console.config.read import Config
from console.core.checkpoint import decode, with_trades
from console.core.commands import Severity
from console.core.complaint import UNREADABLE, Complaint, line_of
from console.core.engine import REFUSED
from console.core.events import AddMatch, Mode, OperatorEvent, Pause, RemoveMatch, Started
from console.core.instruments import RunId
from console.core.operating import UNWANTED
from console.core.recovery import recover
from console.folders import Latches, Lock, SignOfLife
from console.journal import JournalError, Reader, newest_first
from console.launch.place import Place
from console.launch.sources import connected, examine, keys_of, watchdog_check
from console.launch.spawn import spawn
from console.runner.clock import RunClock, SystemClock
from console.runner.runner import Beginning, Errand, Gate, Runner
from console.runner.source import Source
from console.runner.watching import HEARTBEAT, TRADING
from console.venues.base.protocol import Check
from console.venues.simulated import SimulatedVenues

WATCHDOG_PATIENCE_S = 8.0
WATCHDOG_LOOKS = 10  # in a row at which it watches: it takes a moment to notice us
BEGUN_PAUSED = "begun paused"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def run_engine(place: Place, headless: bool, paused: bool = False) -> int:
    """Run the engine in this process until it ends; returns its exit status. `paused`: until resumed.

    When the operator changes between dry run and real orders, one run ends and the next begins on the
    other ledger, with the same matches and settings.
    """
    lock = Lock(place.folder)
    config, carried = place.config, list[OperatorEvent]()
    webhook = _webhook(config)
    while True:
        books = _books(place.folder, config)
        source = source_of(config, place.folder, books)
        beginning = _beginning(place, config, books, webhook)
        beginning.first = carried or _first(config, source, beginning.checkpoint)
        if paused:
            beginning.first = [Pause(why=BEGUN_PAUSED), *beginning.first]
            paused = False  # a switch of the ledger is the operator's, who is here
        beginning.keep_without_console = headless
        beginning.checks = _gate(config, None) if config.dry_run else None
        if _is_real(config):
            beginning.gate = _gate(config, place.folder)
            beginning.spawn_watchdog = partial(_spawn_watchdog, place)
            _await_watchdog(place, beginning.spawn_watchdog)
        status, runner = run_once(config, beginning, source, SystemClock())
        if not runner.switched or status:  # orders not proven gone are nobody's other ledger
            lock.release()
            if webhook is not None:
                webhook.close()
            return status
        carried = runner.carried()
        config = msgspec.structs.replace(config, dry_run=not config.dry_run, account=runner.account)


def run_with(place: Place, first: list[OperatorEvent], errand: Errand) -> int:
    """Run an engine for one errand, on the records and with the lock (held by the caller) of every run."""
    config = place.config
    books = _books(place.folder, config)
    webhook = _webhook(config)
    source = source_of(config, place.folder, books)
    beginning = _beginning(place, config, books, webhook)
    beginning.first = first
    beginning.errand = errand
    status, _ = run_once(config, beginning, source, SystemClock())
    if webhook is not None:
        webhook.close()
    return status


def _beginning(place: Place, config: Config, books: Path, webhook: Webhook | None) -> Beginning:
    """What every run begins with, the matches left out; it goes on without a console."""
    return Beginning(
        run_id=new_run_id(),
        folder=place.folder,
        journals=books / "journal",
        socket=place.socket,
        checkpoint=_recovered(books / "journal", config.ledger),
        first=[],
        keep_without_console=True,
        gate=_gate(config, None) if _is_real(config) else None,
        alarm=webhook.tell if webhook is not None else None,
    )


def run_once(config: Config, beginning: Beginning, source: Source, clock: RunClock) -> tuple[int, Runner]:
    """Run one run on the fastest loop there is; returns its exit status and what ran."""
    latches = Latches(beginning.folder, source.venues)
    keys = keys_of(config)
    runner = Runner(config, beginning, source, latches, lambda line: say(keys.hide(line)), clock)
    run = runner.run(ready=lambda: say(f"engine ready, pid {os.getpid()}"))
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as loop:
        status = loop.run(run)
    latches.close()
    return status, runner


def _webhook(config: Config) -> Webhook | None:
    """Whoever is called when nobody looks; raises KeyMissing when it is wanted and has no address."""
    if not config.alerts.webhook:
        return None
    name = f"{config.mode.value}/{config.account_name}"
    return Webhook(keys_of(config).need(KEY), name, Severity(config.alerts.severity), say)


def _is_real(config: Config) -> bool:
    return config.mode in (Mode.DEMO, Mode.LIVE) and not config.dry_run


def _books(folder: Path, config: Config) -> Path:
    """Where one ledger is kept: that of a dry run apart from the real one."""
    books = folder / "dry" if config.dry_run else folder
    books.mkdir(mode=0o700, exist_ok=True)
    return books


def source_of(config: Config, folder: Path, books: Path) -> Source:
    """What a mode trades on."""
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
    with contextlib.suppress(OSError):  # a full disk must not end what has to cancel
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
    for path in newest_first(journals) if journals.is_dir() else ():
        reader = Reader(path)
        try:
            started = reader.started()
            if started is not None:  # a run that ended before its first record left nothing
                return _last(reader, started, ledger)
        except Complaint:
            raise
        except (*UNREADABLE, *REFUSED) as error:
            why = f"{type(error).__name__}: {line_of(error)}"
            raise JournalError(f"{path}: cannot be read back: {why}; move it away") from error
        finally:
            reader.close()
    return b""


def _last(reader: Reader, started: Started, ledger: str) -> bytes:
    """What one run came to."""
    if started.ledger not in ("", ledger):
        raise JournalError(f"{reader.path}: of {started.ledger}, not of {ledger}; move it away")
    trades = list(decode(started.checkpoint).trades) if started.checkpoint else []
    after, kept = 0, reader.latest_checkpoint()
    if kept is not None:
        after, body = kept
        told = with_trades(body, [*trades, *reader.trades(until=after)])
        started = msgspec.structs.replace(started, checkpoint=told)
    records = (r.event() if r.kind == "event" else r.command() for r in reader.account(after))
    return recover(started, records)


def _first(config: Config, source: Source, checkpoint: bytes) -> list[OperatorEvent]:
    """The matches to begin with, and what to do about those that only the last run knows.

    Nobody wants these any more: they are forgotten, or while they still hold something, paused.
    """
    events = _configured(config, source)
    wanted = {event.spec.id for event in events if isinstance(event, AddMatch)}
    for match in decode(checkpoint).matches if checkpoint else ():
        if match.spec.id not in wanted:
            say(f"{match.spec.id}: is not configured any more")
            events += [Pause(match=match.spec.id, why=UNWANTED), RemoveMatch(match=match.spec.id)]
    return events


def _configured(config: Config, source: Source) -> list[OperatorEvent]:
    """The matches to begin with: those of the file, and in the simulation those of its world."""
    events: list[OperatorEvent] = [
        AddMatch(spec=match.spec, settings=match.settings, odds=match.odds, configured=True)
        for match in config.matches
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
