"""The engine's side of being watched: it gives signs of life and looks for the watchdog's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from console.core.events import AnyEvent, Watched
from console.folders import SignOfLife

HEARTBEAT: Final = "heartbeat"  # the engine's sign of life
WATCH: Final = "watch"  # the watchdog's
TRADING: Final = "trading"
ENDED: Final = "ended"  # everything was taken out and proven: nobody needs to look after this engine
BEAT_S: Final = 0.5
GONE_S: Final = 5.0  # without a sign of its life the watchdog counts as gone
RESPAWN_S: Final = 20.0


class Watching:
    """For runs with real orders. `spawn` starts another watchdog when there is none."""

    def __init__(self, folder: Path, spawn: Callable[[], None]) -> None:
        self._spawn = spawn
        self._ours = SignOfLife(folder, HEARTBEAT)
        self._theirs = SignOfLife(folder, WATCH)
        self._beat_due = 0.0
        self._spawned = time.monotonic()
        self._told: str | None = None

    def tick(self, put: Callable[[AnyEvent], None]) -> None:
        """Ten times a second, on the engine's own loop: a loop that hangs gives no sign."""
        now = time.monotonic()
        if now < self._beat_due:
            return
        self._beat_due = now + BEAT_S
        self._ours.beat(time.monotonic_ns(), TRADING)
        why = missing(self._theirs)
        if why != self._told:
            self._told = why
            put(Watched(why=why))
        if why and now - self._spawned > RESPAWN_S:
            self._spawned = now
            self._spawn()

    def ended(self) -> None:
        """Nothing rests, and that is proven."""
        self._ours.beat(time.monotonic_ns(), ENDED)

    def close(self) -> None:
        """Let go of the files."""
        self._ours.close()
        self._theirs.close()


def missing(sign: SignOfLife) -> str:
    """Why no watchdog watches; empty when one does and reaches every venue."""
    pulse = sign.read()
    if pulse is None or pulse.word == ENDED:
        return "no watchdog runs"
    age = (time.monotonic_ns() - pulse.ts) / 1e9
    if not 0.0 <= age <= GONE_S:
        return f"the watchdog gives no sign of life (pid {pulse.pid})"
    return pulse.word
