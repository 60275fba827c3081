"""Failures of the engine as a process: killed, stopped, hung up on, and its disk full."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from console.core.events import Mode
from console.core.view import View
from console.drill.rehearsals import Rehearsed
from console.drill.stage import DrillError
from console.folders import socket_path, state_folder
from console.link.client import LinkClient, LinkError
from console.link.messages import Role

START_S = 40.0
QUOTING = 10  # orders that rest before something is broken
COMMAND_S = 60.0
QUICK = {"MMCONSOLE_PROFILES_PRACTICE_WARM_UP_S": "1", "MMCONSOLE_SIM_PACE": "8"}


class EngineProcess:
    """`mmconsole run --headless` on a state folder of its own, and a line to it."""

    def __init__(self, root: Path) -> None:
        runtime = root / "run"
        runtime.mkdir(mode=0o700)
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ
        }
        self.environment = {
            **kept,
            **QUICK,
            "XDG_STATE_HOME": str(root / "state"),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(root / "config"),
        }
        self.folder = state_folder(self.environment, Mode.SIM, "main")
        self.output = self.folder / "output"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "console", "run", "--headless"],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.client = LinkClient(socket_path(self.environment, Mode.SIM, "main"), Role.VIEW, ())

    async def quoting(self) -> View:
        """Attach, and wait until it quotes."""
        until = time.monotonic() + START_S
        while True:
            try:
                await self.client.attach()
                break
            except LinkError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise DrillError(f"the engine did not start: {self.output.read_text()[-300:]}") from None
                await asyncio.sleep(0.1)
        return await self.seen(lambda view: view.orders_open >= QUOTING, START_S, "quotes")

    async def seen(self, condition: Callable[[View], bool], seconds: float, what: str) -> View:
        """The first view that satisfies a condition; raises DrillError."""
        until = time.monotonic() + seconds
        while True:
            view = self.client.view
            if view is not None and condition(view):
                return view
            if time.monotonic() > until:
                raise DrillError(f"not within {seconds:g} s: {what}")
            await asyncio.sleep(0.02)

    async def command(self, *words: str) -> tuple[int, str]:
        """Run a command of `mmconsole` beside it; its status and what it said."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console", *words, env=self.environment, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(child.communicate(), COMMAND_S)
        return child.returncode or 0, said.decode()

    async def ended(self, seconds: float) -> int:
        """Wait for its end and return its status."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > until:
                raise DrillError(f"the engine did not end within {seconds:g} s")
            await asyncio.sleep(0.02)
        return self.process.returncode

    async def close(self) -> None:
        """Leave nothing behind."""
        await self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


ProcessDrill = Callable[[EngineProcess], Awaitable[Rehearsed]]


def _dollars(view: View) -> float:
    return sum(order.price * (order.size - order.filled) for order in view.orders) / 1e12


async def sigkill(engine: EngineProcess) -> Rehearsed:
    """The engine is killed outright; `mmconsole kill` empties the venues without it."""
    view = await engine.quoting()
    begun = time.monotonic()
    engine.process.send_signal(signal.SIGKILL)
    status, said = await engine.command("kill")
    if status:
        raise DrillError(said.strip().splitlines()[-1])
    note = "emptied by `mmconsole kill`; at a venue leases and heartbeats end it besides"
    return Rehearsed(time.monotonic() - begun, 15.0, view.orders_open, _dollars(view), note)


async def sigstop(engine: EngineProcess) -> Rehearsed:
    """The engine hangs; the latch is engaged meanwhile and heeded when it wakes."""
    view = await engine.quoting()
    begun = time.monotonic()
    engine.process.send_signal(signal.SIGSTOP)
    status, said = await engine.command("kill")
    if not status or ("does not answer" not in said and "silent" not in said):
        raise DrillError(f"the hung engine was not told: {said.strip()}")
    engine.process.send_signal(signal.SIGCONT)
    await engine.seen(lambda v: v.kill is not None and v.orders_open == 0, 20.0, "the latch heeded")
    note = "hung until told; nothing left once the latch was written"
    return Rehearsed(time.monotonic() - begun, 30.0, view.orders_open, _dollars(view), note)


async def sighup(engine: EngineProcess) -> Rehearsed:
    """The terminal is gone: cancel, prove, report, end."""
    view = await engine.quoting()
    begun = time.monotonic()
    engine.process.send_signal(signal.SIGHUP)
    status = await engine.ended(15.0)
    safe_s = time.monotonic() - begun
    said = engine.output.read_text()
    if status != 128 + signal.SIGHUP or said.count(": 0 orders rest") != len(view.venues):
        raise DrillError(f"ended with status {status}: {said[-200:]}")
    tied = next((line for line in said.splitlines() if "tie-out" in line), "")
    if not tied.endswith("difference 0.000000"):
        raise DrillError(tied or "no tie-out")
    return Rehearsed(
        safe_s, 10.0, view.orders_open, _dollars(view), "cancelled, proven, tied out to 0.000000"
    )


async def disk_full(engine: EngineProcess) -> Rehearsed:
    """The disk takes nothing more: no order leaves, cancels do."""
    view = await engine.quoting()
    begun = time.monotonic()
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
    await engine.seen(lambda v: v.orders_open == 0 and bool(v.paused), 20.0, "quotes pulled")
    return Rehearsed(
        time.monotonic() - begun, 20.0, view.orders_open, _dollars(view), "paused; the latch still works"
    )


PROCESS_DRILLS: dict[str, ProcessDrill] = {
    "sigkill": sigkill,
    "sigstop": sigstop,
    "sighup": sighup,
    "disk-full": disk_full,
}
