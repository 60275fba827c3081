"""The commands as a trader runs them: sandbox, engine, watchdog and console, each a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

from tests.tui.terminal import Terminal

KEYS = {
    "PROPHETX_ACCESS_KEY": "sandbox-access",
    "PROPHETX_SECRET_KEY": "sandbox-secret",
    "WATCH_PROPHETX_ACCESS_KEY": "sandbox-watch-access",
    "WATCH_PROPHETX_SECRET_KEY": "sandbox-watch-secret",
    "ODDS_API_KEY": "any",
}
SETTINGS = """
[engine]
mode = "demo"
dry_run = false
on_console_lost = "keep"
[account]
preset = "sharp_copy"
[venues.prophetx]
enabled = true
rest = "{rest}"
dialect = "{dialect}"
max_unattended_exposure = {unattended}
[venues.prophetx.select]
enabled = true
profile = "quick"
events_max = {events}
[feeds.the_odds_api]
enabled = true
address = "{odds}"
poll_s = 5
[profiles.quick]
based_on = "{preset}"
warm_up_s = 1
"""


class SandboxProcess:
    """`mmconsole sandbox prophetx`, or several on one world, and its levers."""

    def __init__(self, places, names="prophetx", *flags):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", "sandbox", names, *flags],
            env={**places, "PYTHONPATH": os.getcwd()},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = []
        wanted = 2 if "odds" in names else 1
        while len([line for line in self.said if "levers" in line or "faults:" in line]) < wanted:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said.append(line)
        text = "".join(self.said)
        self.rest = re.search(r'rest = "([^"]+)"', text)[1]
        apart = re.search(r"^the_odds_api: (\S+)", text, re.MULTILINE)
        self.odds = apart[1] if apart else re.search(r'address = "([^"]+)"', text)[1]
        self.root = self.rest.removesuffix("/partner")

    def state(self):
        with urllib.request.urlopen(f"{self.root}/sandbox/state", timeout=10) as answer:
            return json.load(answer)

    def pull(self, lever, **fields):
        request = urllib.request.Request(f"{self.root}/sandbox/{lever}", json.dumps(fields).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    @property
    def resting(self):
        return len(self.state()["resting"])

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class Session:
    """A settings file, and the processes that use it."""

    def __init__(self, venue, places, folder, dialect="v4", events=30, preset="sharp_copy", unattended=500):
        self.venue = venue
        self.environment = {**places, **KEYS, "PYTHONPATH": os.getcwd()}
        self.config = folder / "markets.toml"
        self.config.write_text(
            SETTINGS.format(
                rest=venue.rest,
                odds=venue.odds,
                dialect=dialect,
                events=events,
                preset=preset,
                unattended=unattended,
            )
        )
        self.terminals = []

    def console(self, width=180, height=50):
        terminal = Terminal(["-m", "console", "--config", str(self.config)], width, height, self.environment)
        self.terminals.append(terminal)
        terminal.until(lambda: terminal.shows("1 Matches"), 60, "the console")
        return terminal

    def leave(self, terminal):
        """The console is gone, the engine goes on."""
        self.terminals.remove(terminal)
        terminal.close()

    def headless(self):
        return subprocess.Popen(
            [sys.executable, "-m", "console", "run", "--headless", "--config", str(self.config)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=(self.config.parent / "engine.out").open("ab"),
            stderr=subprocess.STDOUT,
        )

    def pids(self, *words):
        """Processes of ours with these words in their command line."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        line = file.read().split(b"\0")
                except OSError:
                    continue
                if str(self.config).encode() in line and all(word.encode() in line for word in words):
                    found.append(int(entry))
        return found

    def folder(self):
        (found,) = (self.config.parent / "state").rglob("demo-*")
        return found

    def watch_log(self):
        return (self.folder() / "watch.log").read_text()

    def close(self):
        for terminal in self.terminals:
            terminal.close()
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
        end = time.monotonic() + 40
        while self.pids():
            if time.monotonic() > end:
                for pid in self.pids():
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


def wait(condition, seconds, what):
    """Wait for something; how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, what
        time.sleep(0.05)
    return time.monotonic() - began
