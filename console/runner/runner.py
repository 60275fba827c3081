"""The engine process: one inbox, one clock, one engine; what ends it, and the proof that nothing rests."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from console.config.read import Config
from console.core import checkpoint, closing, overrides, picture
from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    Latch,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Severity,
    Subscribe,
)
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    AnyEvent,
    ConsoleBack,
    ConsoleLost,
    Kill,
    MassStatus,
    Mode,
    OnConsoleLost,
    OperatorEvent,
    Pause,
    SetTheo,
    Started,
    StartGateFailed,
    StartGatePassed,
    Stop,
    Sweeping,
    Tick,
)
from console.core.instruments import RunId, Venue
from console.core.matches import MatchId
from console.core.settings import AccountSettings
from console.core.sources import MANUAL
from console.core.state import State
from console.core.units import ONE, SECOND, Nanos
from console.core.view import View
from console.folders import Latches
from console.journal import Journal, mark_latest
from console.link.messages import Ack, Answer, Ask, Role, SetDryRun, Welcome
from console.link.server import LinkServer
from console.runner.answers import answer
from console.runner.clock import RunClock
from console.runner.inbox import Done, Inbox
from console.runner.outbox import Outbox
from console.runner.peek import Peek
from console.runner.persist import change_of, keep
from console.runner.source import Source
from console.runner.sweep import Sweep
from console.runner.watching import Watching
from console.venues.base.protocol import Check

SLICE_S = 0.002  # how long the loop works through the inbox before it lets others in
STOP_PATIENCE_S = 10.0
SWEEP_PATIENCE_S = 12.0
PROOF_PAUSE = 2 * SECOND

_T = TypeVar("_T")
_Task = asyncio.Task[Any]

LIVE_WORD = "LIVE"
LATCH_PATIENCE_S = 0.020
GATE_PAUSE_S = 30.0
EXIT_CRASHED = 70
EXIT_UNPROVEN = 74
EXIT_DIFFERS = 75  # orders, positions or cash are not where they should be
SIGNALS = ("SIGHUP", "SIGTERM", "SIGINT", "SIGQUIT")
SIGNALLED = tuple(128 + getattr(signal, name) for name in SIGNALS)


Gate = Callable[[], Awaitable[Sequence[Check]]]
Errand = Callable[["Runner"], Awaitable[int]]


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
    errand: Errand | None = None  # what this run is for: its result ends it
    alarm: Callable[[Severity, str], None] | None = None  # calls somebody; must return at once


class Runner:
    """One run of the engine. `say` gets lines for whoever watches the process."""

    def __init__(
        self,
        config: Config,
        beginning: Beginning,
        source: Source,
        latches: Latches,
        say: Callable[[str], None],
        clock: RunClock,
    ) -> None:
        self._config = config
        self._beginning = beginning
        self._source = source
        self._latches = latches
        self._latch_writer = ThreadPoolExecutor(1, thread_name_prefix="latch")
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="settings")
        self._say = say
        self._clock = clock
        self._engine = Engine()
        self._inbox = Inbox()
        self._outbox = Outbox(latches, source.send, self._inbox.put)
        self._peek = Peek(self._inbox.put, source.send)
        self._journal: Journal | None = None
        self._policy = OnConsoleLost.KEEP if beginning.keep_without_console else config.on_console_lost
        self._exit_code: int | None = None  # set when the run is to end
        self._stop_by = 0.0
        self._listed: dict[Venue, tuple[Nanos, int]] = {}  # last list of our orders by venue
        self._proof_asked: Nanos | None = None
        self._unproven = False
        self._proof_repeated = Nanos(0)
        self._kept_ts = Nanos(0)
        self._refusal = ""
        self._watching: Watching | None = None
        if beginning.spawn_watchdog is not None:
            self._watching = Watching(beginning.folder, beginning.spawn_watchdog)
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
        try:
            mark_latest(begin.journals, begin.run_id)
        except OSError as error:
            self._tell(Severity.WARN, f"the run cannot be marked as the latest: {error}")
        for name in SIGNALS:
            number = getattr(signal, name)
            loop.add_signal_handler(number, self.stop, name, 128 + number)
        self._start()
        link = LinkServer(self, begin.socket, self._config.console_lost_s)
        tasks = [
            asyncio.create_task(self._source.run(self._peek.put), name="source"),
            asyncio.create_task(self._tick(), name="clock"),
            asyncio.create_task(self._work(), name="engine"),
            asyncio.create_task(link.run(ready), name="link"),
            asyncio.create_task(self._ended.wait(), name="end"),
        ]
        if begin.gate is not None:
            tasks.append(asyncio.create_task(self._pass_gate(begin.gate), name="gate"))
        if begin.errand is not None:
            tasks.append(asyncio.create_task(self._run_errand(begin.errand), name="errand"))
        gc.collect()
        gc.freeze()
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        broken = [task for task in done if not task.cancelled() and task.exception() is not None]
        code = await self._after(broken, tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=2.0)
        await self._source.close()
        await asyncio.to_thread(self._keeper.shutdown)
        self._journal.close()
        if self._journal.failed:
            self._say(f"journal: {self._journal.failed}")
        code = self._report(code, sound=not broken)
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
    def state(self) -> State:
        """What the engine knows; for looking at."""
        return self._engine.state

    async def tell(self, event: OperatorEvent) -> str:
        """Give the engine an operator event; returns the refusal, empty when it was taken."""
        taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._inbox.put_first(event, taken.set_result)
        return await taken

    async def _run_errand(self, errand: Errand) -> None:
        code = await errand(self)
        self.stop("done", code)
        await self._ended.wait()

    @property
    def account(self) -> AccountSettings:
        """The settings of the account as they stand."""
        return overrides.lasting_account(self._engine.state)

    def carried(self) -> list[OperatorEvent]:
        """What the next run begins with: matches, prices by hand, pauses; positions stay in their ledger."""
        state = self._engine.state
        events: list[OperatorEvent] = [Pause()] if state.paused else []
        for desk in state.desks.values():
            match, written, settings = desk.spec.id, desk.configured_odds, overrides.lasting(state, desk)
            events.append(AddMatch(spec=desk.spec, settings=settings, odds=written))
            manual = desk.board.sources.get(MANUAL)
            odds, typed = (manual.odds, manual.provider_wall) if manual is not None else ((), Nanos(0))
            if odds or written:
                pinned = desk.board.pinned
                events.append(SetTheo(match=match, odds=odds, pinned=pinned, typed_wall=typed))
            if desk.paused:
                events.append(Pause(match=desk.spec.id))
        return events

    def _start(self) -> None:
        begin, config = self._beginning, self._config
        started = Started(
            run_id=begin.run_id,
            mode=config.mode,
            account=config.account_name,
            settings=config.account,
            venues=self._source.venues,
            latched=self._latches.all.reason(),
            latched_venues=tuple((v, it.reason()) for v, it in self._latches.of.items() if it.engaged()),
            checkpoint=begin.checkpoint,
            gated=begin.gate is not None,
            ledger=config.ledger,
        )
        self._take(started, None)
        for event in begin.first:
            self._take(event, lambda refusal: self._say(f"configured match: {refusal}") if refusal else None)

    async def _after(self, broken: Sequence[_Task], tasks: Sequence[_Task]) -> int:
        """A clean end, or the emergency: a task broke, or the engine could not prove that nothing rests."""
        if not broken and not self._unproven:
            return self._exit_code if self._exit_code is not None else 0
        for task in broken:
            error = task.exception()
            assert error is not None, "only broken tasks are here"
            self._say(f"task {task.get_name()} broke: {''.join(traceback.format_exception(error))}")
            what = f"task {task.get_name()} broke ({type(error).__name__}): everything is cancelled"
            self._alarm(Severity.ERROR, what)
        for task in tasks:
            if task.get_name() in ("engine", "clock"):
                task.cancel()
        if await self._sweep():
            return EXIT_UNPROVEN
        return EXIT_CRASHED if broken else self._exit_code or 0

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
        self._record(event)
        self._refusal = ""
        commands = self._engine.on_event(event)
        for command in commands:
            self._dispatch(command, self._journal.command(command))
        if any(isinstance(command, Alert) and command.severity is not Severity.INFO for command in commands):
            self._keep()  # a halt that no record can bring back
        if done is not None:
            done(self._refusal)
        if isinstance(event, MassStatus):
            self._listed[event.venue] = (event.ts, self._ours(event))
        elif isinstance(event, Tick):
            self._each_tick(event.ts)

    def _record(self, event: AnyEvent) -> None:
        """Stamp an event as it is taken, and journal it."""
        assert self._journal is not None, "a run has a journal"
        msgspec.structs.force_setattr(event, "ts", self._clock.now())
        msgspec.structs.force_setattr(event, "wall", self._clock.wall())
        self._journal.event(event)

    def _ours(self, status: MassStatus) -> int:
        """How many orders of a list are ours: those of this run or an earlier one."""
        runs, blotter = self._engine.state.runs, self._engine.state.blotter
        return sum(
            RunId(opened.order_id.rpartition("-")[0]) in runs
            or blotter.find(status.venue, opened.order_id, opened.venue_order_id) is not None
            for opened in status.orders
        )

    def _dispatch(self, command: AnyCommand, number: int) -> None:
        match command:
            case PlaceOrder() | AmendOrder():
                self._outbox.hold(number, command)
            case CancelAll():
                self._outbox.drop(command.venue)
                self._source.send(command)
            case CancelOrder():
                if not self._outbox.withdraw(command.order_id):
                    self._source.send(command)
            case Lookup():
                if not self._outbox.holds(command.order_id):
                    self._source.send(command)
            case Latch():
                self._write_latch(command)
            case Alert():
                self._tell(command.severity, f"{command.match + ': ' if command.match else ''}{command.text}")
            case Refuse():
                self._refusal = command.text
            case Subscribe():
                self._peek.subscribes(command.instrument)
                self._source.send(command)
            case _:
                self._source.send(command)

    def _tell(self, severity: Severity, text: str) -> None:
        """Say it here, and to whoever is called when nobody looks."""
        mark = "" if severity is Severity.INFO else f"{severity.value.upper()} "
        self._say(f"{mark}{text}")
        self._alarm(severity, text)

    def _alarm(self, severity: Severity, text: str) -> None:
        if self._beginning.alarm is not None:
            self._beginning.alarm(severity, text)

    def _write_latch(self, command: Latch) -> None:
        """Overwrite the latch file; cancels wait for it no longer than 20 ms, and not at all if it fails."""
        latch = self._latches.find(command.venue)
        written = self._latch_writer.submit(latch.write, command.reason)
        try:
            written.result(LATCH_PATIENCE_S)
        except TimeoutError:
            self._tell(Severity.WARN, "writing the kill latch takes more than 20 ms; it holds in memory")
        except OSError as error:
            self._tell(Severity.ERROR, f"the kill latch cannot be written: {error}; it holds in memory only")
            return
        self._latch_writer.submit(latch.sync)

    def _journal_failed(self, why: str) -> None:
        self._tell(Severity.ERROR, f"journal: {why}: no order leaves, cancels do")
        self._outbox.broken(why)
        self._inbox.put_first(Pause())

    # ---- every tick

    def _each_tick(self, ts: Nanos) -> None:
        if ts - self._kept_ts >= checkpoint.EVERY:
            self._keep()
        state = self._engine.state
        if self._watching is not None:
            self._watching.tick(self._inbox.put)
        self._heed_latches()
        if state.stopping and self._exit_code is None:  # the operator stopped it, or a lost console did
            self._exit_code = 0
            self._stop_by = time.monotonic() + STOP_PATIENCE_S
        if self._exit_code is not None:
            self._prove(ts)

    def _heed_latches(self) -> None:
        """A latch that somebody else engaged is a kill, whether or not he could tell us."""
        state = self._engine.state
        if state.kill is None and self._latches.all.engaged():
            self._inbox.put_first(Kill(by=self._latches.all.reason() or "the kill latch"))
        for venue, latch in self._latches.of.items():
            if not state.connections[venue].killed and latch.engaged():
                self._inbox.put_first(Kill(by=latch.reason() or "its kill latch", venue=venue))

    def _keep(self) -> None:
        """Write a checkpoint; the trades are in the records."""
        assert self._journal is not None, "a run has a journal"
        state = self._engine.state
        self._kept_ts = state.ts
        self._journal.checkpoint(checkpoint.encode(state, with_trades=False))

    def _prove(self, ts: Nanos) -> None:
        """End once every venue has listed none of our orders after the last one was gone, or sweep."""
        state = self._engine.state
        if time.monotonic() > self._stop_by:
            why = "the venues did not prove in time that nothing rests: cancelling by account"
            self._tell(Severity.ERROR, why)
            self._unproven = True
            self._keep()
            self._ended.set()
        elif not state.blotter.live:
            if self._proof_asked is None:
                self._proof_asked = ts
                self._ask_proof(ts)
            elif all(
                self._listed.get(venue, (0, -1))[0] > self._proof_asked and self._listed[venue][1] == 0
                for venue in self._source.venues
            ):
                self._keep()
                self._ended.set()
            elif ts - self._proof_repeated >= PROOF_PAUSE:
                self._ask_proof(ts)  # a list may be older than the cancels, or lost

    def _ask_proof(self, ts: Nanos) -> None:
        self._proof_repeated = ts
        for venue in self._source.venues:
            self._source.send(Reconcile(venue=venue))

    async def _sweep(self) -> list[Venue]:
        """Without the engine: cancel everything by account until every venue's list is proven empty."""

        def send(command: AnyCommand) -> None:
            if isinstance(command, CancelAll):
                self._outbox.drop(command.venue)
            self._source.send(command)

        def look() -> None:
            while (waiting := self._inbox.take()) is not None:
                event = waiting[0]
                self._record(event)  # heard, not decided upon
                sweep.take(event)
                if isinstance(event, MassStatus):
                    self._listed[event.venue] = (event.ts, len(event.orders))

        self._record(Sweeping())
        sweep = Sweep(self._source.venues, send, lambda _, __: None)
        return await sweep.run(SWEEP_PATIENCE_S, look)

    def _report(self, code: int, *, sound: bool) -> int:
        """Say what is left and whether it ties out; returns the exit code, which a difference changes."""
        state = self._engine.state
        if not sound:  # an engine that broke is asked nothing more than what venues said
            for venue in self._source.venues:
                seen = self._listed.get(venue)
                self._say(f"{venue.value}: {'never told us' if seen is None else f'{seen[1]} orders rest'}")
            self._say(f"the engine broke: nothing is tied out; ended with status {code}")
            return code
        ended = closing.closing(state, {venue: count for venue, (_, count) in self._listed.items()})
        for line in closing.words(ended):
            self._say(line)
        if code == 0 and not ended.ties_out:
            code = EXIT_DIFFERS
        money = sum(picture.pnl(state, desk).net for desk in state.desks.values())
        self._say(f"profit and loss {money / ONE:+.2f} dollars; ended with status {code}")
        if code not in (0, *SIGNALLED):
            self._alarm(Severity.ERROR, f"the engine ended with status {code}")
        return code

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
            profiles=self._config.profiles,
            note=note,
        )

    def operate(self, event: OperatorEvent, done: Callable[[Ack], None], request: int) -> None:
        """Put an operator event at the front of the inbox; `done` gets what became of it."""

        def taken(refusal: str) -> None:
            done(Ack(request=request, ok=not refusal, text=refusal))
            change = None if refusal else change_of(self._config, self._engine.state, event)
            if change is not None:
                self._keeper.submit(keep, self._config, change, self._say)

        self._inbox.put_first(event, taken)

    async def ask(self, question: Ask) -> Answer:
        """Answer a question outside the engine."""
        return await answer(question, self._engine.state, self._source, self._peek)

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
        checks = await self._beginning.checks()
        failed = [check for check in checks if check.needed and not check.passed]
        if not any(check.needed for check in checks):
            return "start gate: nothing was checked"
        return f"start gate: {failed[0].name}: {failed[0].seen}; {failed[0].remedy}" if failed else ""

    async def _pass_gate(self, gate: Gate) -> None:
        """Check what real orders need, again and again until all of it passes; then wait for the end."""
        told: tuple[str, ...] = ()
        while True:
            checks = await gate()
            failed = tuple(f"{c.name}: {c.seen}; {c.remedy}" for c in checks if c.needed and not c.passed)
            if not any(check.needed for check in checks):
                failed = ("nothing was checked",)
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
