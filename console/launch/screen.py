"""The console's side: start the engine unless it runs, and attach a console to it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

from console.launch.place import LaunchError, Place
from console.launch.spawn import spawn
from console.link.client import LinkClient
from console.link.messages import Role

START_PATIENCE_S = 15.0


def open_console(place: Place, mouse: bool, bell: bool = True) -> int:
    """Start the engine unless it runs, and attach the console to it."""
    if not answers(place.socket):
        start_engine(place)
    return show(place, Role.CONTROL, mouse, bell)


def attach(place: Place, view_only: bool, mouse: bool, bell: bool = True) -> int:
    """Attach the console to the engine that runs."""
    if not answers(place.socket):
        mode = place.config.mode.value
        raise LaunchError(f"attach: no engine of mode {mode} runs; `mmconsole` starts one")
    return show(place, Role.VIEW if view_only else Role.CONTROL, mouse, bell)


def show(place: Place, role: Role, mouse: bool, bell: bool = True) -> int:
    """Run the console on this terminal until its operator leaves; returns its exit status."""
    from console.tui.run import run_console

    async def showing() -> int:
        client = LinkClient(place.socket, role, place.kill)
        await client.attach()
        try:
            return await run_console(client, mouse=mouse, bell=bell, taste=place.folder / "console.json")
        finally:
            await client.drained()
            await client.close()

    return asyncio.run(showing())


def answers(path: Path) -> bool:
    """Whether an engine listens at a socket."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(1.0)
    try:
        probe.connect(os.fspath(path))
    except OSError:
        return False
    finally:
        probe.close()
    return True


def start_engine(place: Place) -> None:
    """Start the engine in a session of its own, so that the terminal's end is not its end."""
    log = place.folder / "engine.log"
    begin = log.stat().st_size if log.exists() else 0
    process = spawn(place.start, log)
    print("starting the engine ...", end="", flush=True, file=sys.stderr)
    until = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < until:
        if answers(place.socket):
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    print(file=sys.stderr)
    said = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    raise LaunchError(f"the engine did not start: {said[-1] if said else 'it said nothing'} (see {log})")
