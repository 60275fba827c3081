"""The watchdog: a process of its own that empties every venue when the engine gives no sign of life.

It has its own connections and, where there are some, its own keys (WATCH_...). It knows nothing of matches
or prices: all it can do is cancel everything, prove it, and engage the latch so that nothing follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from typing import Final

import msgspec

from console.core.commands import CancelAll, Reconcile
from console.core.events import AnyEvent, MassStatus
from console.core.instruments import Venue
from console.folders import KillLatch, Lock, Pulse, SignOfLife
from console.launch.place import LaunchError, Place
from console.launch.sources import enabled, watch_keys
from console.runner.watching import ENDED, HEARTBEAT, WATCH
from console.venues.base.protocol import VenueClient

SILENCE_S: Final = 6.0  # without a sign of life the engine counts as dead
LOOK_S: Final = 0.2
PROBE_S: Final = 15.0  # between two proofs that a venue can be reached
PROBE_PATIENCE_S: Final = 20.0
LINGER_S: Final = 600.0  # after an engine's end, for the next one
PAUSES_S: Final = (0.25, 0.5, 1.0, 2.0)
PROOF_GAP_S: Final = 2.0
ALARM_S: Final = 10.0
CONNECTING: Final = "still connecting"


class Guard:
    """One venue: reachable or not, and emptied when it has to be."""

    def __init__(self, client: VenueClient) -> None:
        self._client = client
        self.blind = CONNECTING
        self._listed: asyncio.Queue[int] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()

    @property
    def venue(self) -> Venue:
        """Which one."""
        return self._client.venue

    def open(self) -> None:
        """Connect, and go on proving that it can be reached."""
        self._task = asyncio.ensure_future(self._run())

    async def close(self) -> None:
        """Let go of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def broken(self) -> bool:
        """Its client ended, which no client does."""
        return self._task is not None and self._task.done()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._client.run(self._took))
            group.create_task(self._probe())

    def _took(self, event: AnyEvent) -> None:
        if isinstance(event, MassStatus):
            self.blind = ""
            self._answered.set()
            self._listed.put_nowait(len(event.orders))

    async def _probe(self) -> None:
        while True:
            self._answered.clear()
            self._client.send(Reconcile(venue=self.venue))
            try:
                async with asyncio.timeout(PROBE_PATIENCE_S):
                    await self._answered.wait()
            except TimeoutError:
                self.blind = f"no account of us within {PROBE_PATIENCE_S:g} s"
                continue
            await asyncio.sleep(PROBE_S)

    async def empty(self) -> None:
        """Cancel everything, again and again, until two lists two seconds apart show nothing."""
        first_empty, attempt = 0.0, 0
        while not self._listed.empty():
            self._listed.get_nowait()
        while True:
            self._client.send(CancelAll(venue=self.venue))
            self._client.send(Reconcile(venue=self.venue))
            pause = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
            attempt += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    while True:
                        resting = await self._listed.get()
                        now = time.monotonic()
                        first_empty = 0.0 if resting else first_empty or now
                        if first_empty and now - first_empty >= PROOF_GAP_S:
                            return


class Watchdog:
    """Looks at the engine's sign of life and gives its own."""

    def __init__(self, place: Place, linger_s: float) -> None:
        self._place = place
        self._linger_s = linger_s
        self._engine = SignOfLife(place.folder, HEARTBEAT)
        self._ours = SignOfLife(place.folder, WATCH)
        self._guards: list[Guard] = []
        self._handled: Pulse | None = None
        self._blind = ""
        self._idle_since = time.monotonic()

    async def run(self) -> None:
        """Watch until there has been no engine for long enough, or until cancelled."""
        try:
            while await self._look():
                self._ours.beat(time.monotonic_ns(), self._blindness())
                await asyncio.sleep(LOOK_S)
        finally:
            await self._close()
            self._ours.beat(time.monotonic_ns(), ENDED)

    async def _look(self) -> bool:
        """One look; False when nobody needs a watchdog any more."""
        pulse = self._engine.read()
        now = time.monotonic()
        if pulse is None or pulse.word == ENDED or pulse == self._handled:
            if self._guards:
                if self._handled is None:
                    say("the engine ended and proved that nothing rests")
                await self._close()
            return now - self._idle_since < self._linger_s
        self._handled = None
        self._idle_since = now
        if not self._guards:
            await self._open()
        silent = time.monotonic_ns() / 1e9 - pulse.ts / 1e9
        if not 0.0 <= silent <= SILENCE_S:
            await self._act(pulse, silent)
        return True

    async def _open(self) -> None:
        """Connect only while an engine trades: sessions are few at some venues."""
        keys = watch_keys(self._place.config)
        real = msgspec.structs.replace(self._place.config, dry_run=False)
        self._guards = [Guard(kit.trading(real, keys)) for _, kit in enabled(real)]
        for guard in self._guards:
            guard.open()
        say(f"watching over {', '.join(guard.venue.value for guard in self._guards)}")

    async def _close(self) -> None:
        for guard in self._guards:
            await guard.close()
        self._guards = []
        self._blind = ""

    def _blindness(self) -> str:
        """Why some venue cannot be reached, said aloud once for each reason."""
        for guard in self._guards:
            if guard.broken:
                guard.blind = "its client broke"
                guard.open()
        blind = "; ".join(f"it cannot reach {g.venue.value}: {g.blind}" for g in self._guards if g.blind)
        if blind != self._blind:
            self._blind = blind
            if not blind:
                say("every venue is reached")
            elif any(guard.blind not in ("", CONNECTING) for guard in self._guards):
                alarm(f"BLIND: {blind}")
        return blind

    async def _act(self, pulse: Pulse, silent: float) -> None:
        """The engine is dead or hangs: nothing may leave any more, and nothing may rest."""
        began = time.monotonic()
        alarm_due = began + ALARM_S
        alarm(f"the engine (pid {pulse.pid}) gave no sign of life for {silent:.1f} s: emptying every venue")
        latch = KillLatch(self._place.folder)
        with contextlib.suppress(OSError):
            latch.write(f"watchdog: the engine gave no sign of life for {silent:.1f} s")
        latch.close()
        emptying = {asyncio.ensure_future(guard.empty()): guard for guard in self._guards}
        while emptying:
            done, _ = await asyncio.wait(emptying, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                guard = emptying.pop(task)
                took = time.monotonic() - began
                say(f"{guard.venue.value}: nothing rests, proven {took:.1f} s after the alarm")
            self._ours.beat(time.monotonic_ns(), self._blindness())
            if emptying and time.monotonic() > alarm_due:
                alarm_due += ALARM_S
                left = ", ".join(guard.venue.value for guard in emptying.values())
                alarm(f"NOT PROVEN EMPTY: {left}; still trying")
        self._handled = self._engine.read()
        self._idle_since = time.monotonic()


def watch(place: Place, linger_s: float = LINGER_S) -> int:
    """Watch over the engine of a configuration until it is not needed any more; returns the exit status."""
    if not enabled(place.config):
        raise LaunchError("watch: no venue is enabled; see [venues] in markets.toml")
    lock = Lock(place.folder, "watch.lock", "a watchdog")
    asyncio.run(_until_interrupted(Watchdog(place, linger_s)))
    lock.release()
    return 0


async def _until_interrupted(watchdog: Watchdog) -> None:
    loop = asyncio.get_running_loop()
    watching = asyncio.ensure_future(watchdog.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, watching.cancel)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a terminal's end is not ours
    with contextlib.suppress(asyncio.CancelledError):
        await watching


def say(line: str) -> None:
    """Print a line with the time of day."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {line}", flush=True)


def alarm(line: str) -> None:
    """Say it, and ring where somebody may hear it."""
    say(f"ALARM {line}")
    if sys.stderr.isatty():
        print("\a", end="", flush=True, file=sys.stderr)
