"""Feeds every door coverage-guided noise: `python -m tests.fuzz [NAME ...] [--seconds 30] [--jobs 2]`.

By hand: it needs `pip install atheris`, which the suite does not. A door is a parser of a venue or feed, the
stream of market data, the control socket, typed odds or the settings file; example messages are its first
inputs. Each is fuzzed in a process of its own: anything that is neither an answer nor a complaint of ours
ends it with the input that did it.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60
RUNS = re.compile(r"Done (\d+) runs|#(\d+)\s")
COVERED = re.compile(r"cov: (\d+)")


# ---- the doors


def doors() -> dict[str, Callable[[bytes], object]]:
    """Everything that takes bytes from outside, by name."""
    from console.config.read import load
    from console.core.odds import parse_line
    from console.link.wire import read_to_console, read_to_engine
    from console.venues.kalshi.frames import Parser
    from tests.venues.test_hostile import PARSERS, arguments

    def parser_of(function: Callable[..., object]) -> Callable[[bytes], object] | None:
        try:
            arguments(function, b"")
        except pytest.skip.Exception:  # it asks for more than bytes
            return None
        return lambda body: function(*arguments(function, body))

    def market_data(body: bytes) -> object:
        parser = Parser(use_yes_price=True)
        return parser.translate(parser.decode(body), 1, 1)

    def socket_of(read: Callable[[asyncio.StreamReader], object]) -> Callable[[bytes], object]:
        async def door(body: bytes) -> object:
            reader = asyncio.StreamReader()
            reader.feed_data(len(body).to_bytes(4, "big") + body)
            reader.feed_eof()
            return await read(reader)  # type: ignore[misc]

        return lambda body: asyncio.run(door(body))

    def settings(body: bytes) -> object:
        with tempfile.NamedTemporaryFile(suffix=".toml") as file:
            file.write(body)
            file.flush()
            return load(Path(file.name), {})

    parsers = {name: parser_of(function) for name, function in PARSERS.items()}
    found = {name: door for name, door in parsers.items() if door is not None}
    found["market data"] = market_data
    found["socket to engine"] = socket_of(read_to_engine)
    found["socket to console"] = socket_of(read_to_console)
    found["odds"] = lambda body: parse_line(body.decode("utf-8", "replace"), 2)
    found["markets.toml"] = settings
    return found


def first_inputs(folder: Path) -> None:
    """The example messages of the tests, and the settings, as a corpus."""
    files = [ROOT / "markets.toml", *ROOT.glob("tests/venues/**/*examples*/**/*.json")]
    for number, file in enumerate(files):
        (folder / f"{number}").write_bytes(file.read_bytes())


# ---- one door


def fuzz(name: str, arguments: list[str]) -> None:
    """Feed one door in this process until libFuzzer's time is over; does not return."""
    import atheris

    with atheris.instrument_imports(include=["console"]):
        door = doors()[name]

    def feed(body: bytes) -> None:
        try:
            door(body)
        except Exception as error:
            if not type(error).__module__.startswith("console."):
                raise

    atheris.Setup([sys.argv[0], *arguments], feed)
    atheris.Fuzz()


def fuzzed(name: str, seconds: int) -> tuple[str, str, str]:
    """A door, what was tried, and what came out that should not (empty: nothing)."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        first_inputs(corpus)
        limits = [
            f"-max_total_time={seconds}",
            "-max_len=4096",
            "-verbosity=1",
            f"-artifact_prefix={folder}/",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--one", name, "--", *limits, str(corpus)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds + PATIENCE_S,
        )
        culprits = [file.read_bytes() for file in Path(folder).glob("crash-*")]
    runs = [int(a or b) for a, b in RUNS.findall(done.stderr)]
    covered = [int(each) for each in COVERED.findall(done.stderr)]
    tried = f"{max(runs, default=0):>10,} inputs  {max(covered, default=0):>6,} branches"
    if done.returncode == 0 and runs:
        return name, tried, ""
    told = [line for line in done.stderr.splitlines() if "Error" in line or "Exception" in line]
    return name, tried, f"{told[-1] if told else done.stderr[-300:]} of {culprits[:1]}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        fuzz(asked.one, asked.names)
        return 0
    chosen = asked.names or list(doors())
    strange = 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for name, tried, came in pool.map(lambda each: fuzzed(each, asked.seconds), chosen):
            strange += bool(came)
            print(f"{name:<48} {tried}  {came or 'fine'}", flush=True)
    print(f"{len(chosen)} doors, {strange} with something strange")
    return 1 if strange else 0


if __name__ == "__main__":
    sys.exit(main())
