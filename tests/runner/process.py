"""A real engine process on its own state folder, and a client attached to it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

from console.core.events import Mode
from console.folders import socket_path, state_folder
from console.link.client import LinkClient, LinkError
from console.link.messages import Role

PATIENCE_S = 30


class EngineProcess:
    """`mmconsole run`, its output, and where it keeps things."""

    def __init__(self, places, *flags):
        self.places = places
        self.folder = state_folder(places, Mode.SIM, "main")
        self.socket = socket_path(places, Mode.SIM, "main")
        self.output = self.folder / "output"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", "run", *(flags or ("--headless",))],
            env=places,
            cwd=self.folder,  # no markets.toml there
            stdin=subprocess.DEVNULL,
            stdout=self.output.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE_S):
        return self.process.wait(seconds)

    def said(self):
        return self.output.read_text()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def journals(self):
        return sorted((self.folder / "journal").glob("*.sqlite"))

    @asynccontextmanager
    async def client(self, role=Role.CONTROL):
        client = LinkClient(self.socket, role, ("false",))
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                await client.attach()
                break
            except LinkError:
                assert self.process.poll() is None, self.said()
                assert time.monotonic() < until, self.said()
                await asyncio.sleep(0.05)
        try:
            yield client
        finally:
            await client.close()


async def seen(client, condition, seconds=PATIENCE_S):
    """Wait for a view that satisfies the condition, and return it."""
    until = time.monotonic() + seconds
    while client.view is None or not condition(client.view):
        assert time.monotonic() < until, client.view
        await asyncio.sleep(0.02)
    return client.view


def run(places, *arguments, cwd=None):
    """Run a command of `mmconsole` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        env=places,
        cwd=cwd or state_folder(places, Mode.SIM, "main"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def resting(said):
    """Orders left at each venue, from the last report of an engine."""
    return [int(count) for count in re.findall(r"(\d+) orders rest", said)]


def mode_of(path):
    return os.stat(Path(path)).st_mode & 0o777
