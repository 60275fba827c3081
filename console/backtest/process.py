"""One life of the simulated process: the engine, its journal, and what it finds on the disk."""

from __future__ import annotations

import random
from collections.abc import Callable

from console.backtest.broken import Broken
from console.backtest.outbox import Outbox
from console.core.checkpoint import Kept, decode, encode
from console.core.commands import Alert, AnyCommand, CancelAll, Latch
from console.core.engine import Engine
from console.core.events import AnyEvent, Mode, Started
from console.core.instruments import RunId, Venue
from console.core.overrides import lasting_account
from console.core.recovery import recover
from console.core.settings import AccountSettings
from console.core.state import State
from console.core.units import Nanos
from console.sim.clock import Agenda
from console.sim.world import World


class Disk:
    """What outlives a process: the latch, the settings of the account, the journal of the run before."""

    def __init__(self, run: str, settings: AccountSettings) -> None:
        self.run = run
        self.runs = 0
        self.latch = ""
        self.latches: dict[Venue, str] = {}
        self.settings = settings
        self.outbox: Outbox | None = None

    def checkpoint(self) -> bytes:
        """Where the run before left off; empty before the first."""
        return b"" if self.outbox is None else recover(self.outbox.started, self.outbox.written)


class Process:
    """A run of the engine, from `started` until it stops or is thrown away."""

    def __init__(
        self,
        disk: Disk,
        engine: Engine,
        world: World,
        send: Callable[[AnyCommand, int], None],
        agenda: Agenda,
        dice: random.Random,
        wall: int,
    ) -> None:
        disk.runs += 1
        self._disk = disk
        self._engine = engine
        self.ending = False  # it was told to stop and will end soon
        self.started = Started(
            ts=Nanos(agenda.clock.now),
            wall=Nanos(wall),
            run_id=RunId(f"{disk.run}x{disk.runs}"),
            mode=Mode.SIM,
            account="simulated",
            settings=disk.settings,
            venues=world.venues,
            latched=disk.latch,
            latched_venues=tuple((venue, why) for venue, why in disk.latches.items() if why),
            checkpoint=disk.checkpoint(),
        )
        self.outbox = disk.outbox = Outbox(send, agenda, dice, self.started)

    @property
    def state(self) -> State:
        """What the engine knows."""
        return self._engine.state

    def decide(self, event: AnyEvent) -> list[AnyCommand]:
        """Give the engine an event; raises Broken when it dies of it."""
        try:
            return self._engine.on_event(event)
        except Exception as error:  # whatever the engine dies of is a finding
            raise Broken("engine", f"{type(error).__name__}: {error}") from error

    def carry_out(self, turn: int, event: AnyEvent, commands: list[AnyCommand]) -> list[AnyEvent]:
        """Write and send; returns the answers to orders that a kill caught before they left."""
        answers: list[AnyEvent] = []
        for command in commands:
            if isinstance(command, Latch) and command.venue is not None:
                self._disk.latches[command.venue] = command.reason
            elif isinstance(command, Latch):
                self._disk.latch = command.reason
            elif isinstance(command, CancelAll):
                answers += self.outbox.drop(command.venue)
        self.outbox.step(turn, event, commands, event.ts)
        if commands and any(isinstance(command, Alert) for command in commands):
            self.checkpoint(event.ts)  # a halt that no record can bring back
        self._disk.settings = lasting_account(self.state)
        return answers

    def checkpoint(self, now: int) -> None:
        """Journal a checkpoint."""
        self.outbox.checkpoint(encode(self.state), now)

    def crash(self) -> tuple[list[int], Kept, Kept]:
        """End at once: the turns whose records are lost, what was known, and what all records bring back."""
        started, records, turns = self.outbox.crash()
        again = recover(started, records)
        return turns, decode(encode(self.state)), decode(again)
