"""What the console costs: loop stalls, processor, bytes and time to the first frame, on a pty of its own.

usage: python -m tests.bench.bench_console [--seconds 60] [--matches 100] [--size 120x40]
Targets at 120x40 and 4 frames a second: a 10 ms timer late p99 <= 15 ms, max <= 60 ms; processor <= 10 %;
below 20 kB/s; first frame within twice the time of the smallest Textual app.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time

from console.link.messages import Frame
from console.link.wire import FRAME_MAX, frame, read_to_console
from tests.tui.child import second_sitting
from tests.tui.fakes import FakeEngine
from tests.tui.terminal import Terminal
from tests.tui.views import TS, many

TICK_S = 0.010
FEED_S = 0.25
SETTLE_S = 2.0
FRAMES_AHEAD = 40  # frames encoded before the start: here they are only decoded, as those of an engine
STARTS = 7  # of each, in turns; the quickest counts
SMALLEST = """
from textual.app import App
from textual.widgets import Static
class Smallest(App):
    def compose(self):
        yield Static("1 Matches ? help")
Smallest().run()
"""


# ---- in the child


async def _feed(engine: FakeEngine, matches: int) -> None:
    frames = [frame(Frame(view=many(matches, TS + number, number))) for number in range(FRAMES_AHEAD)]
    reader, number = asyncio.StreamReader(limit=FRAME_MAX), 0
    while True:
        reader.feed_data(frames[number % FRAMES_AHEAD])
        message = await read_to_console(reader)
        assert isinstance(message, Frame)
        engine.view = message.view
        number += 1
        await asyncio.sleep(FEED_S)


async def _measure(fd: int, seconds: float) -> None:
    await asyncio.sleep(SETTLE_S)
    late: list[float] = []
    worked: list[float] = []
    began, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        due, before = time.monotonic() + TICK_S, time.process_time()
        await asyncio.sleep(TICK_S)
        late.append((time.monotonic() - due) * 1000)
        worked.append((time.process_time() - before) * 1000)
    late.sort()
    facts = {
        "what": "measured",
        "p50": late[len(late) // 2],
        "p99": late[len(late) * 99 // 100],
        "max": late[-1],
        "worked": max(worked),
        "cpu": 100 * (time.process_time() - cpu) / (time.monotonic() - began),
    }
    os.write(fd, (json.dumps(facts) + "\n").encode())


async def _child(fd: int, seconds: float, matches: int) -> None:
    from console.tui.run import run_console

    engine = FakeEngine(many(matches))
    tasks = [asyncio.create_task(_feed(engine, matches)), asyncio.create_task(_measure(fd, seconds))]
    with second_sitting() as taste:
        await run_console(engine, taste=taste)
    for task in tasks:
        task.cancel()


# ---- in the parent


def _first_frame(command: list[str], size: tuple[int, int]) -> float:
    """Seconds from the start of the process to the first whole frame on the screen."""
    began = time.monotonic()
    terminal = Terminal(command, *size)
    try:
        terminal.until(lambda: terminal.shows("1 Matches") and terminal.shows("? help"), 20)
        return time.monotonic() - began
    finally:
        terminal.close()


def _run(seconds: float, matches: int, size: tuple[int, int]) -> None:
    command = ["-m", "tests.bench.bench_console", "--child", "{fd}", "--seconds", str(seconds)]
    terminal = Terminal([*command, "--matches", str(matches)], *size)
    try:
        terminal.until(lambda: terminal.shows("? help"), 20)
        time.sleep(SETTLE_S)
        before, began = len(terminal.received), time.monotonic()
        terminal.until(lambda: terminal.reported("measured"), seconds + 10)
        rate = (len(terminal.received) - before) / (time.monotonic() - began)
        frames = terminal.received[before:].count(b"\x1b[6n") / (time.monotonic() - began)
    finally:
        terminal.close()
    facts = {
        key: float(str(value)) for key, value in terminal.reported("measured")[0].items() if key != "what"
    }
    print(f"{size[0]}x{size[1]}, {matches} matches, {frames:.1f} frames/s, {seconds:.0f} s")
    print(f"  timer late   p50 {facts['p50']:.2f} ms   p99 {facts['p99']:.1f} ms   max {facts['max']:.1f} ms")
    print(f"  of that at most {facts['worked']:.1f} ms of our own work; the rest is a machine that is busy")
    print(f"  processor    {facts['cpu']:.1f} %")
    print(f"  terminal     {rate / 1000:.1f} kB/s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the console on a pty.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--matches", type=int, default=100)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        asyncio.run(_child(arguments.child, arguments.seconds, arguments.matches))
        return
    columns, _, rows = arguments.size.partition("x")
    size = (int(columns), int(rows))
    _run(arguments.seconds, arguments.matches, size)
    commands = (["-c", SMALLEST], ["-m", "tests.tui.child", "{fd}", "still"])
    pairs = [[_first_frame(command, size) for command in commands] for _ in range(STARTS)]
    smallest, console = (min(each) for each in zip(*pairs, strict=True))
    print(f"  first frame  {console:.2f} s (the smallest Textual app: {smallest:.2f} s)")


if __name__ == "__main__":
    sys.exit(main())
