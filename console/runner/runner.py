"""The engine process: one inbox, one clock, one engine; what ends it, and the proof that nothing rests."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from console.config.read import Config
from console.core import checkpoint, picture
from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    Latch,
    PlaceOrder,
    Reconcile,
    Refuse,
    Severity,
)
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    AnyEvent,
    ConsoleBack,
    ConsoleLost,
    MassStatus,
    Mode,
    OnConsoleLost,
    OperatorEvent,
    Pause,
    Started,
    StartGateFailed,
    StartGatePassed,
    Stop,
    Tick,
)
from console.core.instruments import RunId, Venue
from console.core.matches import MatchId
from console.core.settings import AccountSettings
from console.core.units import ONE, SECOND, Nanos
from console.core.view import View
from console.folders import KillLatch
from console.journal import Journal
from console.link.messages import Ack, Answer, Ask, Role, SetDryRun, Welcome
from console.link.server import LinkServer
from console.runner.answers import answer
from console.runner.clock import RunClock
from console.runner.inbox import Done, Inbox
from console.runner.outbox import Outbox
from console.runner.persist import persist
from console.runner.source import Source
from console.runner.watching import Watching
from console.venues.base.protocol import Check

SLICE_S = 0.002  # how long the loop works through the inbox before it lets others in
STOP_PATIENCE_S = 10.0
SWEEP_PATIENCE_S = 8.0
SWEEP_PAUSE_S = 0.5

_T = TypeVar("_T")
_Task = asyncio.Task[Any]

LIVE_WORD = "LIVE"
GATE_PAUSE_S = 30.0
EXIT_CRASHED = 70
EXIT_UNPROVEN = 74


Gate = Callable[[], Awaitable[Sequence[Check]]]


@dataclass
class Beginning:
    """What a run begins with."""

    run_id: RunId
    folder: Path  # of the latch
    journals: Path
    socket: Path
    checkpoint: bytes
    first: list[OperatorEvent]
    keep_without_console: bool
    gate: Gate | None = None  # real orders wait for these checks
    checks: Gate | None = None  # what they would wait for on the other ledger
    spawn_watchdog: Callable[[], None] | None = None  # real orders are watched over


class Runner:
    """One run of the engine. `say` gets lines for whoever watches the process."""

    def __init__(
        self,
        config: Config,
        beginning: Beginning,
        source: Source,
        latch: KillLatch,
        say: Callable[[str], None],
        clock: RunClock,
    ) -> None:
        self._config = config
        self._beginning = beginning
        self._source = source
        self._latch = latch
        self._say = say
        self._clock = clock
        self._engine = Engine()
        self._inbox = Inbox()
        self._outbox = Outbox(latch, source.send, self._inbox.put)
        self._journal: Journal | None = None
        self._policy = OnConsoleLost.KEEP if beginning.keep_without_console else config.on_console_lost
        self._exit_code: int | None = None  # set when the run is to end
        self._stop_by = 0.0
        self._listed: dict[Venue, tuple[Nanos, int]] = {}  # last list of our orders by venue
        self._proof_asked: Nanos | None = None
        self._kept = b""
        self._kept_ts = Nanos(0)
        self._refusal = ""
        self._watching: Watching | None = None
        if beginning.spawn_watchdog is not None:
            self._watching = Watching(beginning.folder, latch, beginning.spawn_watchdog)
        self.switched = False  # the operator wants the other ledger next
        self._ended = asyncio.Event()

    # ---- the life of a run

    async def run(self, ready: Callable[[], None]) -> int:
        """Run until stopped, killed by a signal or broken; returns the exit code."""
        loop = asyncio.get_running_loop()
        begin = self._beginning
        self._journal = Journal(
            begin.journals,
            begin.run_id,
            _on_loop(loop, self._outbox.committed),
            _on_loop(loop, self._journal_failed),
        )
        for name in ("SIGHUP", "SIGTERM", "SIGINT", "SIGQUIT"):
            number = getattr(signal, name)
            loop.add_signal_handler(number, self.stop, name, 128 + number)
        self._start()
        link = LinkServer(self, begin.socket, self._config.console_lost_s)
        tasks = [
            asyncio.create_task(self._source.run(self._inbox.put), name="source"),
            asyncio.create_task(self._tick(), name="clock"),
            asyncio.create_task(self._work(), name="engine"),
            asyncio.create_task(link.run(ready), name="link"),
            asyncio.create_task(self._ended.wait(), name="end"),
        ]
        if begin.gate is not None:
            tasks.append(asyncio.create_task(self._pass_gate(begin.gate), name="gate"))
        gc.collect()
        gc.freeze()
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        broken = [task for task in done if not task.cancelled() and task.exception() is not None]
        code = await self._after(broken, tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=2.0)
        self._journal.close()
        self._report(code)
        if self._watching is not None:
            if code != EXIT_UNPROVEN:
                self._watching.ended()
            self._watching.close()
        return code

    def stop(self, why: str, code: int) -> None:
        """Pull everything, prove it, and end with this exit code; a second call changes nothing."""
        if self._exit_code is None:
            self._exit_code = code
            self._stop_by = time.monotonic() + STOP_PATIENCE_S
            self._inbox.put_first(Stop(why=why))

    @property
    def account(self) -> AccountSettings:
        """The settings of the account as they stand."""
        return self._engine.state.settings

    def carried(self) -> list[OperatorEvent]:
        """What the next run begins with: the matches as they stand; positions stay in their ledger."""
        desks = self._engine.state.desks.values()
        return [AddMatch(spec=desk.spec, settings=desk.settings) for desk in desks]

    def _start(self) -> None:
        begin, config = self._beginning, self._config
        started = Started(
            run_id=begin.run_id,
            mode=config.mode,
            account=config.account_name,
            settings=config.account,
            venues=self._source.venues,
            latched=self._latch.reason(),
            checkpoint=begin.checkpoint,
            gated=begin.gate is not None,
            ledger=config.ledger,
        )
        self._take(started, None)
        for event in begin.first:
            self._take(event, lambda refusal: self._say(f"configured match: {refusal}") if refusal else None)

    async def _after(self, broken: Sequence[_Task], tasks: Sequence[_Task]) -> int:
        """A clean end, or the emergency: a task broke, so the engine is not to be trusted any more."""
        if not broken:
            return self._exit_code if self._exit_code is not None else 0
        for task in broken:
            error = task.exception()
            assert error is not None, "only broken tasks are here"
            self._say(f"task {task.get_name()} broke: {''.join(traceback.format_exception(error))}")
        for task in tasks:
            if task.get_name() in ("engine", "clock"):
                task.cancel()
        left = await self._sweep()
        return EXIT_UNPROVEN if left else EXIT_CRASHED

    # ---- the loop

    async def _tick(self) -> None:
        while True:
            self._inbox.put(Tick())
            await asyncio.sleep(self._clock.tick_s)

    async def _work(self) -> None:
        while True:
            await self._inbox.wait()
            until = time.monotonic() + SLICE_S
            while time.monotonic() < until:
                waiting = self._inbox.take()
                if waiting is None:
                    break
                self._take(*waiting)
            await asyncio.sleep(0)

    def _take(self, event: AnyEvent, done: Done | None) -> None:
        """Stamp one event, journal it, let the engine decide, and send what it says."""
        assert self._journal is not None, "a run has a journal"
        msgspec.structs.force_setattr(event, "ts", self._clock.now())
        msgspec.structs.force_setattr(event, "wall", self._clock.wall())
        self._journal.event(event)
        self._refusal = ""
        for command in self._engine.on_event(event):
            self._dispatch(command, self._journal.command(command))
        if done is not None:
            done(self._refusal)
        if isinstance(event, MassStatus):
            self._listed[event.venue] = (event.ts, len(event.orders))
        elif isinstance(event, Tick):
            self._each_tick(event.ts)

    def _dispatch(self, command: AnyCommand, number: int) -> None:
        match command:
            case PlaceOrder() | AmendOrder():
                self._outbox.hold(number, command)
            case CancelAll():
                self._outbox.drop(command.venue)
                self._source.send(command)
            case Latch():
                self._write_latch(command.reason)
            case Alert():
                mark = "" if command.severity is Severity.INFO else f"{command.severity.value.upper()} "
                self._say(f"{mark}{command.match + ': ' if command.match else ''}{command.text}")
            case Refuse():
                self._refusal = command.text
            case _:
                self._source.send(command)

    def _write_latch(self, reason: str) -> None:
        """Overwrite the latch file; if that fails or is slow, cancels have left or leave anyway."""
        started = time.monotonic()
        try:
            self._latch.write(reason)
        except OSError as error:
            self._say(f"ERROR the kill latch cannot be written: {error}; it holds in memory only")
            return
        if time.monotonic() - started > 0.020:
            self._say("WARN writing the kill latch took more than 20 ms")
        asyncio.get_running_loop().run_in_executor(None, self._latch.sync)

    def _journal_failed(self, why: str) -> None:
        self._say(f"ERROR journal: {why}: no order leaves, cancels do")
        self._outbox.broken(why)
        self._inbox.put_first(Pause())

    # ---- every tick

    def _each_tick(self, ts: Nanos) -> None:
        if ts - self._kept_ts >= SECOND:
            self._kept_ts = ts
            self._keep()
        state = self._engine.state
        if self._watching is not None:
            killed = state.kill is not None
            self._watching.tick(killed, self._inbox.put, self._inbox.put_first)
        if state.stopping and self._exit_code is None:  # the operator stopped it, or a lost console did
            self._exit_code = 0
            self._stop_by = time.monotonic() + STOP_PATIENCE_S
        if self._exit_code is not None:
            self._prove(ts)

    def _keep(self) -> None:
        """Write a checkpoint if anything in it changed."""
        assert self._journal is not None, "a run has a journal"
        body = checkpoint.encode(self._engine.state)
        if body != self._kept:
            self._kept = body
            self._journal.checkpoint(body)

    def _prove(self, ts: Nanos) -> None:
        """End once every venue has listed none of our orders after the last one was gone."""
        state = self._engine.state
        late = time.monotonic() > self._stop_by
        if late:
            self._exit_code = EXIT_UNPROVEN
            self._keep()
            self._ended.set()
        elif not state.blotter.live:
            if self._proof_asked is None:
                self._proof_asked = ts
                for venue in self._source.venues:
                    self._source.send(Reconcile(venue=venue))
            elif all(
                self._listed.get(venue, (0, -1))[0] > self._proof_asked and self._listed[venue][1] == 0
                for venue in self._source.venues
            ):
                self._keep()
                self._ended.set()

    async def _sweep(self) -> list[Venue]:
        """Without the engine: cancel everything by account until every venue's list is empty twice."""
        empties = dict.fromkeys(self._source.venues, 0)
        until = time.monotonic() + SWEEP_PATIENCE_S
        while time.monotonic() < until and min(empties.values(), default=2) < 2:
            for venue, seen in empties.items():
                if seen < 2:
                    self._outbox.drop(venue)
                    self._source.send(CancelAll(venue=venue))
                    self._source.send(Reconcile(venue=venue))
            await asyncio.sleep(SWEEP_PAUSE_S)
            while (waiting := self._inbox.take()) is not None:
                event = waiting[0]
                if isinstance(event, MassStatus):
                    empties[event.venue] = empties[event.venue] + 1 if not event.orders else 0
                    self._listed[event.venue] = (self._clock.now(), len(event.orders))
        return [venue for venue, seen in empties.items() if seen < 2]

    def _report(self, code: int) -> None:
        """What is left, in words: orders by venue and positions."""
        state = self._engine.state
        for venue in self._source.venues:
            seen = self._listed.get(venue)
            what = "never told us" if seen is None else f"{seen[1]} orders rest"
            self._say(f"{venue.value}: {what}")
        for desk in state.desks.values():
            if not desk.flat():
                self._say(f"position: {desk.spec.title}: {desk.exposure(1) / ONE:+g} contracts net")
        money = sum(picture.pnl(state, desk).net for desk in state.desks.values())
        self._say(f"profit and loss {money / ONE:+.2f} dollars; ended with status {code}")

    # ---- what the link asks of us

    def view(self, watched: MatchId) -> View:
        """The picture as it is now."""
        return picture.view(self._engine.state, watched)

    def welcome(self, role: Role, note: str) -> Welcome:
        """The greeting of a console that was let in."""
        return Welcome(
            role=role,
            mode=self._config.mode,
            account=self._config.account_name,
            pid=os.getpid(),
            run_id=self._beginning.run_id,
            on_console_lost=self._policy,
            console_lost_s=self._config.console_lost_s,
            dry_run=self._config.dry_run,
            note=note,
        )

    def operate(self, event: OperatorEvent, done: Callable[[Ack], None], request: int) -> None:
        """Put an operator event at the front of the inbox; `done` gets what became of it."""

        def taken(refusal: str) -> None:
            done(Ack(request=request, ok=not refusal, text=refusal))
            if not refusal:
                persist(self._config, self._engine.state, event, self._say)

        self._inbox.put_first(event, taken)

    async def ask(self, question: Ask) -> Answer:
        """Answer a question outside the engine."""
        return await answer(question, self._engine.state, self._source)

    async def set_dry_run(self, wanted: SetDryRun) -> Ack:
        """End this run and begin one on the other ledger, where there is another."""
        refusal = self._cannot_switch(wanted) or await self._closed_gate(wanted)
        if refusal:
            return Ack(request=wanted.request, ok=False, text=refusal)
        self.switched = True
        self.stop(f"dry run {'on' if wanted.dry_run else 'off'}", 0)
        return Ack(request=wanted.request, ok=True)

    def _cannot_switch(self, wanted: SetDryRun) -> str:
        mode = self._config.mode
        if mode not in (Mode.DEMO, Mode.LIVE):
            return f"dry run changes nothing in {mode.value}: no order leaves this machine"
        if wanted.dry_run is self._config.dry_run:
            return "it is a dry run already" if wanted.dry_run else "orders go to the venues already"
        if not wanted.dry_run and wanted.word != LIVE_WORD:
            return f"to send real orders type the word {LIVE_WORD}"
        if not wanted.dry_run and self._engine.state.kill is not None:
            return "the kill latch is engaged: re-arm first"
        return ""

    async def _closed_gate(self, wanted: SetDryRun) -> str:
        """The first check that real orders would wait for, in words; empty when all pass."""
        if wanted.dry_run or self._beginning.checks is None:
            return ""
        failed = [check for check in await self._beginning.checks() if check.needed and not check.passed]
        return f"start gate: {failed[0].name}: {failed[0].seen}; {failed[0].remedy}" if failed else ""

    async def _pass_gate(self, gate: Gate) -> None:
        """Check what real orders need, again and again until all of it passes; then wait for the end."""
        told: tuple[str, ...] = ()
        while True:
            checks = await gate()
            failed = tuple(f"{c.name}: {c.seen}; {c.remedy}" for c in checks if c.needed and not c.passed)
            if not failed:
                self._inbox.put_first(
                    StartGatePassed(checks=tuple(check.name for check in checks if check.passed))
                )
                await self._ended.wait()
                return
            if failed != told:
                told = failed
                self._inbox.put_first(StartGateFailed(checks=failed))
            await asyncio.sleep(GATE_PAUSE_S)

    def console_gone(self, policy: OnConsoleLost | None) -> None:
        """The controlling console is lost, or left with a wish."""
        if policy is not None:
            self._policy = policy
        if policy is OnConsoleLost.STOP:
            self.stop("the console stopped it", 0)
        else:
            self._inbox.put_first(ConsoleLost(policy=self._policy))

    def console_back(self) -> None:
        """A controlling console is there; what the setting says holds again for it."""
        if not self._beginning.keep_without_console:
            self._policy = self._config.on_console_lost
        self._inbox.put_first(ConsoleBack())


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[_T], None]) -> Callable[[_T], None]:
    """Make a callback of the loop callable from the journal's thread."""

    def deliver(value: _T) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call, value)

    return deliver
