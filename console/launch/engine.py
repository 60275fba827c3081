"""Starting the engine process, finding the one that runs, and attaching a console to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from console.config import Config, find, load
from console.core.complaint import Complaint
from console.core.events import AddMatch, Kill, OperatorEvent
from console.core.instruments import RunId
from console.core.recovery import recover
from console.core.view import KillPhase
from console.folders import KillLatch, Lock, LockedError, socket_path, state_folder
from console.journal import JournalError, Reader, latest
from console.link.client import LinkClient, LinkError
from console.link.messages import Role
from console.runner.runner import Beginning, Runner
from console.venues.simulated import SimulatedVenues

START_PATIENCE_S = 15.0
KILL_PATIENCE_S = 20.0
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
EXIT_UNPROVEN = 74


class LaunchError(Complaint):
    """The engine did not start; the message says what it said."""


class _Place(Struct, frozen=True):
    """Where the engine of a configuration lives."""

    config: Config
    folder: Path
    socket: Path
    command: tuple[str, ...]  # `mmconsole` with what is needed to find the same engine again


def _place(config_file: str | None) -> _Place:
    path = find(config_file, os.environ)
    config = load(path, os.environ)
    folder = state_folder(os.environ, config.mode, config.account_name)
    extra = ("--config", str(path.resolve())) if path is not None else ()
    command = (sys.executable, "-m", "console")
    return _Place(
        config=config,
        folder=folder,
        socket=socket_path(os.environ, config.mode, config.account_name),
        command=(*command, *extra),
    )


# ---- the engine's side


def run_engine(config_file: str | None, headless: bool) -> int:
    """Run the engine in this process until it ends; returns its exit status."""
    place = _place(config_file)
    lock = Lock(place.folder)
    latch = KillLatch(place.folder)
    config = place.config
    source = SimulatedVenues(config.sim_seed, _world_file(place.folder))
    beginning = Beginning(
        run_id=new_run_id(),
        folder=place.folder,
        socket=place.socket,
        checkpoint=_recovered(place.folder),
        first=_configured(config, source),
        keep_without_console=headless,
    )
    runner = Runner(config, beginning, source, latch, _say)
    run = runner.run(ready=lambda: _say(f"engine ready, pid {os.getpid()}"))
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


def _say(line: str) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    print(f"{moment} {line}", flush=True)


def new_run_id() -> RunId:
    """Start time in milliseconds in base 36 and four random characters: unique at every venue for ever."""
    number, digits = time.time_ns() // 1_000_000, ""
    while number:
        number, digit = divmod(number, 36)
        digits = BASE36[digit] + digits
    return RunId(digits + "".join(secrets.choice(BASE36) for _ in range(4)))


def _world_file(folder: Path) -> Path:
    return folder / "world"


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


# ---- the console's side


def open_console(config_file: str | None, mouse: bool) -> int:
    """Start the engine unless it runs, and attach the console to it."""
    place = _place(config_file)
    if not _answers(place.socket):
        _start_engine(place)
    return _show(place, Role.CONTROL, mouse)


def attach(config_file: str | None, view_only: bool, mouse: bool) -> int:
    """Attach the console to the engine that runs."""
    place = _place(config_file)
    if not _answers(place.socket):
        mode = place.config.mode.value
        raise LaunchError(f"attach: no engine of mode {mode} runs; `mmconsole` starts one")
    return _show(place, Role.VIEW if view_only else Role.CONTROL, mouse)


def _show(place: _Place, role: Role, mouse: bool) -> int:
    from console.tui.run import run_console

    async def show() -> int:
        client = LinkClient(place.socket, role, (*place.command, "kill"))
        await client.attach()
        try:
            return await run_console(client, mouse=mouse)
        finally:
            await client.drained()
            await client.close()

    return asyncio.run(show())


def _answers(path: Path) -> bool:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(1.0)
    try:
        probe.connect(os.fspath(path))
    except OSError:
        return False
    finally:
        probe.close()
    return True


def _start_engine(place: _Place) -> None:
    """Start the engine in a session of its own, so that the terminal's end is not its end."""
    log = place.folder / "engine.log"
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        begin = output.tell()
        process = subprocess.Popen(  # noqa: S603 our own command
            [*place.command[:3], "run", "--detached", *place.command[3:]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    print("starting the engine ...", end="", flush=True, file=sys.stderr)
    until = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < until:
        if _answers(place.socket):
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    print(file=sys.stderr)
    said = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    raise LaunchError(f"the engine did not start: {said[-1] if said else 'it said nothing'} (see {log})")


# ---- kill


def kill(config_file: str | None) -> int:
    """Engage the latch, have the engine cancel everything, and wait until that is proven."""
    place = _place(config_file)
    latch = KillLatch(place.folder)
    latch.write("mmconsole kill")
    latch.close()
    try:
        return asyncio.run(_kill(place))
    except LinkError:
        print("no engine answers; the kill latch is engaged: nothing is sent until it is re-armed")
        return 0 if _nobody_home(place) else EXIT_UNPROVEN


def _nobody_home(place: _Place) -> bool:
    try:
        Lock(place.folder).release()
    except LockedError:
        return False
    return True


async def _kill(place: _Place) -> int:
    client = LinkClient(place.socket, Role.VIEW, ())
    await client.attach()
    ack = await client.operate(Kill(by="mmconsole kill"))
    print("killing" if ack.ok else f"refused: {ack.text}")
    until = time.monotonic() + KILL_PATIENCE_S
    left = -1
    while time.monotonic() < until:
        await asyncio.sleep(0.1)
        killed = client.view.kill if client.view is not None else None
        if killed is not None and killed.left != left:
            left = killed.left
            print(f"{left} of {killed.at_kill} orders not proven gone")
        if killed is not None and killed.phase is KillPhase.KILLED:
            print("KILLED: every venue has proven that nothing rests")
            await client.close()
            return 0
    print("KILL INCOMPLETE: see the console")
    await client.close()
    return EXIT_UNPROVEN
