"""Recorded time against ours: a tape played to people, at its own speed or a multiple of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from console.backtest.tape import Tape
from console.core.commands import AnyCommand
from console.core.complaint import Complaint
from console.core.events import AnyEvent
from console.core.instruments import Venue
from console.core.units import SECOND, Nanos
from console.link.messages import SymbolView

STEP_S = 0.02  # the longest the tape is left alone: commands may come at any time
SHORTEST_S = 0.001
TICK_S = 0.1  # of recorded time, as long as that is not too often of ours
TICK_SHORTEST_S = 0.005
EVENTS_PER_S = 20_000  # as many as an engine reads with ease; through a denser burst recorded time waits
SPEED_MAX = 100.0  # beyond it nobody could follow: a summary is meant


class SpeedError(Complaint):
    """A speed that is none; the message is one line saying what would be right."""


def parse_speed(text: str) -> float:
    """Times recorded time; raises SpeedError."""
    try:
        speed = float(text.strip().removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0.0 < speed <= SPEED_MAX:
        raise SpeedError(f"speed: {text!r} is neither max nor a number above 0 up to {SPEED_MAX:g}")
    return speed


class Tempo:
    """The recorded time that it is now, as the clock of a run. `monotonic` is ours, in nanoseconds."""

    def __init__(self, began: Nanos, speed: float, monotonic: Callable[[], int] = time.monotonic_ns) -> None:
        self._began = began
        self._speed = speed
        self._monotonic = monotonic
        self._started = monotonic()
        self.tick_s = max(TICK_S / speed, TICK_SHORTEST_S)

    def now(self) -> Nanos:
        """How far the tape should have come; it stands still while held."""
        return Nanos(self._began + max(0, int((self._monotonic() - self._started) * self._speed)))

    def wall(self) -> Nanos:
        """The time of day of the recording, whose receive times are both clocks at once."""
        return self.now()

    def hold(self, seconds: float) -> None:
        """Lose that much of our time."""
        self._started += int(seconds * SECOND)

    def wait_s(self, ts: int) -> float:
        """Seconds of ours until recorded time `ts`; below 0 when it has passed."""
        return (ts - self.now()) / self._speed / SECOND


class Playing:
    """A tape as what an engine process trades on."""

    def __init__(
        self, tape: Tape, tempo: Tempo, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._tape = tape
        self._tempo = tempo
        self._sleep = sleep

    @property
    def venues(self) -> tuple[Venue, ...]:
        """The venue of the recording."""
        return self._tape.venues

    async def run(self, put: Callable[[AnyEvent], None]) -> None:
        """Put what happens as its time comes, until cancelled: commands are answered after the end too."""
        tape, tempo = self._tape, self._tempo
        while True:
            now = tempo.now()
            events = tape.advance(now)
            for event in events:
                put(event)
            pause_s = len(events) / EVENTS_PER_S
            await self._sleep(max(pause_s, min(max(tempo.wait_s(tape.next_ts()), SHORTEST_S), STEP_S)))
            if pause_s > STEP_S:
                tempo.hold(pause_s)

    async def close(self) -> None:
        """Nothing runs by itself."""

    def send(self, command: AnyCommand) -> None:
        """Pass a command to the paper exchange."""
        self._tape.submit(command, self._tempo.now())

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches met so far whose title or symbol contains `text`."""
        wanted = text.strip().lower()
        return tuple(
            SymbolView(
                spec.listings[0].instrument, spec.title, spec, self._tape.odds_now(spec.id), added=False
            )
            for spec in self._tape.listings
            if wanted in f"{spec.id} {spec.title}".lower()
        )
