"""The same events give the same commands, in any process; and thinking needs neither a loop nor a screen."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import console.core

from .test_chaos import Chaos

ROOT = Path(__file__).parents[2]
STORY = """
from tests.core.test_determinism import fingerprint
print(fingerprint(7))
"""
IMPORTS = """
import importlib, pkgutil, sys
import console.core
for module in pkgutil.iter_modules(console.core.__path__, "console.core."):
    importlib.import_module(module.name)
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"asyncio", "textual", "socket", "sqlite3", "logging"}))
"""


def fingerprint(seed: int) -> str:
    """A hash of every command of one random world."""
    world = Chaos(seed)
    world.story.answering = False
    for _ in range(80):
        world.step()
    return hashlib.sha256(msgspec.json.encode(world.story.sent)).hexdigest()


def run(code: str, hash_seed: str) -> str:
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_same_events_give_the_same_commands() -> None:
    assert fingerprint(3) == fingerprint(3)
    assert fingerprint(3) != fingerprint(4)


@pytest.mark.parametrize("hash_seed", ["0", "1", "2"])
def test_no_hash_order_reaches_a_command(hash_seed: str) -> None:
    assert run(STORY, hash_seed) == fingerprint(7)


def test_importing_the_core_loads_neither_a_loop_nor_a_screen() -> None:
    assert run(IMPORTS, "0") == "[]"
    assert console.core.__doc__
