"""The other caller of the engine: simulated time, a pretended world, an operator, crashes and restarts."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import msgspec

from console.backtest.broken import Broken
from console.backtest.chain import Chain
from console.backtest.invariants import Invariants
from console.backtest.outbox import UNRECORDED
from console.backtest.plan import Plan
from console.backtest.process import Disk, Process
from console.backtest.whims import Operator, Said
from console.core import checkpoint
from console.core.commands import AmendOrder, AnyCommand, CancelAll, CancelOrder, KeepAlive, PlaceOrder
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    AnyEvent,
    ConfirmRules,
    FillConfirmed,
    FillReversed,
    Flatten,
    Kill,
    MarketStatus,
    MassStatus,
    OddsUpdate,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    SetSetting,
    SetTheo,
    Settled,
    Tick,
    VenueDown,
    VenueUp,
)
from console.core.units import MILLISECOND, SECOND, Nanos
from console.sim.clock import Action, Agenda, Clock
from console.sim.dice import next_in_ns, wait_ns
from console.sim.habits import PERSONAS
from console.sim.world import BEGINNING, World

TICK_NS = 100 * MILLISECOND
_FIRST_TS = 1000 * SECOND  # the machine has been up for a while
_DOWN_MEAN_NS = 4 * SECOND
_RECONNECT_NS = 150 * MILLISECOND
_AFTER_NS = 8 * MILLISECOND  # a crash aimed at an event falls at most so long after it
_AIMED = 0.8  # share of such crashes
_AIMS: tuple[tuple[type, ...], ...] = (  # what they are aimed at: an order that leaves, or news
    (PlaceOrder, AmendOrder),
    (PlaceOrder, AmendOrder),
    (CancelOrder, CancelAll),
    (OrderFilled, FillReversed, FillConfirmed),
    (OrderAccepted, OrderRejected, OrderAmended, OrderCanceled, OutcomeUnknown),
    (MassStatus, VenueUp, VenueDown),
    (Kill, Rearm, Pause, Resume, Flatten, SetSetting, SetTheo, AddMatch, RemoveMatch, ConfirmRules),
    (Settled, OddsUpdate, MarketStatus),
)
_STOPPED_NS = 20 * SECOND  # from a stop to the end of the process
_AGAIN_NS = 2 * SECOND  # the operator tries again while no engine runs
_LONG_DOWN = 0.15  # share of crashes after which nobody starts it again for a while ...
_LONG_DOWN_MEAN_NS = 45 * SECOND  # ... of about so long
_TOGETHER_MEAN_NS = 10 * SECOND
_JUMP_NS = 90 * SECOND
_REST_NS = 600 * SECOND  # how long everything may take to come to rest
_REST_EVENTS = 500


class Driver:
    """One simulated run: feeds the engine, sends what it asks for, breaks it, and checks every step."""

    def __init__(self, plan: Plan, engine: Callable[[], Engine] = Engine) -> None:
        """Prepare a run of `plan`; `engine` makes the engine of each of its processes."""
        self.plan = plan
        self._new_engine = engine
        self.world = World(
            plan.seed,
            plan.dials,
            ts=_FIRST_TS,
            wall=BEGINNING,
            scale=plan.scale,
            matches=plan.matches,
            cash=plan.cash,
            personas=PERSONAS if plan.personas else None,
        )
        self.check = Invariants(self.world)
        self.chain = Chain()
        self.events = 0
        self.restarts = 0
        self.jumps = 0
        self.together = 0
        self._process: Process | None = None
        self._disk = Disk(f"s{plan.seed}", plan.account)
        self._clock = Clock(_FIRST_TS, BEGINNING)
        self._agenda = Agenda(self._clock)
        self._dice = random.Random(f"simulate/{plan.seed}/driver")  # noqa: S311 - games, not secrets
        whims = random.Random(f"simulate/{plan.seed}/operator")  # noqa: S311 - games, not secrets
        self._operator = Operator(self.world, plan.settings, whims)
        self._shift = 0  # by how much our wall clock is wrong
        self._lost: list[int] = []  # turns whose records the last crash lost
        self._dead_ts = _FIRST_TS  # when the last process ended
        self._aim: tuple[type, ...] = ()  # the next of these brings a crash
        self._closing = False
        self._plan_everything()

    # ---- the loop

    @property
    def now(self) -> int:
        """Simulated time since the beginning, nanoseconds."""
        return self.world.now - _FIRST_TS

    @property
    def process(self) -> Process | None:
        """The run in progress; None while the process is down."""
        return self._process

    def run(self, events: int) -> None:
        """Go on until so many events were fed in all; raises Broken."""
        world, agenda = self.world, self._agenda
        while self.events < events:
            mine = agenda.next_ts
            arrived = world.wait(mine)
            for event in arrived:
                self._feed(event)
            if not arrived:
                agenda.run(mine)

    def come_to_rest(self) -> None:
        """Pull everything, break nothing more, and wait until ours and theirs must agree; then compare."""
        self._closing = True
        deadline, why = self.world.now + _REST_NS, "nothing was tried"
        while why:
            if self._process is not None and not self._process.state.paused:
                self.say(Pause())  # again, where no engine ran to hear it or somebody resumed
            if self.world.now > deadline:
                raise Broken("rest", f"{why}, {_REST_NS // SECOND} s after the last quote was pulled")
            self.run(self.events + _REST_EVENTS)
            why = "no engine runs" if self._process is None else self.check.at_rest()

    def _feed(self, event: AnyEvent) -> None:
        """Give the engine one event, carry out what it answers, and check both."""
        process = self._process
        if process is None:
            return
        if self._shift:
            event = msgspec.structs.replace(event, wall=Nanos(event.wall + self._shift))
        self.events += 1
        commands: list[AnyCommand] = []
        try:
            commands = process.decide(event)
        finally:
            self.chain.add(event, commands)
        if commands or type(event) not in UNRECORDED:
            self._carry_out(process, event, commands)
        self.check.after(self.events, event, commands, process.outbox.unsent)

    def _carry_out(self, process: Process, event: AnyEvent, commands: list[AnyCommand]) -> None:
        stopping = process.state.stopping
        if self._aim and any(isinstance(record, self._aim) for record in (event, *commands)):
            self._aim = ()
            self._agenda.at(event.ts + int(_AFTER_NS * self._dice.random()), partial(self._crash, process))
        for answer in process.carry_out(self.events, event, commands):
            self._agenda.at(event.ts + MILLISECOND, partial(self._answer, process, answer))
        if stopping and not process.ending:
            process.ending = True
            self._agenda.at(event.ts + _STOPPED_NS, partial(self._crash, process))

    def _answer(self, process: Process, answer: AnyEvent, now: int) -> None:
        if process is self._process:
            self._feed(self._stamped(answer, now))

    def _stamped(self, event: AnyEvent, now: int) -> AnyEvent:
        return msgspec.structs.replace(event, ts=Nanos(now), wall=Nanos(now + self._clock.wall_offset))

    # ---- in its own time

    def _plan_everything(self) -> None:
        now = self._clock.now
        self._agenda.at(now, self._start)
        for said in self._operator.opening(self.plan.confirm_rules, self.plan.twin):
            self._hear(said, now)
        self._agenda.at(now + TICK_NS, self._tick)
        self._agenda.at(now + checkpoint.EVERY, self._checkpoint)
        self._again(self.plan.whims_per_hour, self._whim, now)
        self._again(self.plan.looks_per_hour, self._look, now)
        self._again(self.plan.crashes_per_hour, self._break, now)
        self._again(self.plan.clock_jumps_per_hour, self._jump, now)
        self._again(self.plan.together_per_hour, self._fail_together, now)

    def _again(self, per_hour: float, action: Action, now: int) -> None:
        delay = next_in_ns(self._dice, per_hour)
        if delay is not None and not self._closing:
            self._agenda.at(now + delay, action)

    def _tick(self, now: int) -> None:
        self._feed(Tick(Nanos(now), Nanos(now + self._clock.wall_offset)))
        self._agenda.at(now + TICK_NS, self._tick)

    def _checkpoint(self, now: int) -> None:
        if self._process is not None:
            self._process.checkpoint(now)
        self._agenda.at(now + checkpoint.EVERY, self._checkpoint)

    def _jump(self, now: int) -> None:
        """The wall clock goes wrong, forward or back, or is set right again."""
        if not self._closing:
            self.jumps += 1
            self._shift = 0 if self._shift else int((2.0 * self._dice.random() - 1.0) * _JUMP_NS)
            self._again(self.plan.clock_jumps_per_hour, self._jump, now)

    def _fail_together(self, now: int) -> None:
        """Two venues or more are gone, or fall silent, at the same moment."""
        if self._closing:
            return
        self.together += 1
        count = self._dice.randrange(2, len(self.world.venues) + 1) if len(self.world.venues) > 1 else 1
        for venue in self._dice.sample(self.world.venues, count):
            wire, lasts = self.world.wire(venue), wait_ns(self._dice, _TOGETHER_MEAN_NS)
            if self._dice.random() < 0.5:
                wire.cut(now, lasts)
            else:
                wire.freeze(now, lasts)
        self._again(self.plan.together_per_hour, self._fail_together, now)

    def _submit(self, command: AnyCommand, now: int) -> None:
        """Send a command; ends of orders are stated by the venue's clock, whatever ours says."""
        if self._shift and isinstance(command, PlaceOrder) and command.expires:
            command = msgspec.structs.replace(command, expires=Nanos(command.expires - self._shift))
        elif self._shift and isinstance(command, KeepAlive):
            command = msgspec.structs.replace(command, until=Nanos(command.until - self._shift))
        self.world.submit(command, now)

    # ---- the operator

    def _whim(self, now: int) -> None:
        if not self._closing:
            for said in self._operator.whim():
                self._hear(said, now)
            self._again(self.plan.whims_per_hour, self._whim, now)

    def _look(self, now: int) -> None:
        if not self._closing:
            for said in [] if self._process is None else self._operator.looks(self._process.state):
                self._hear(said, now)
            self._again(self.plan.looks_per_hour, self._look, now)

    def _hear(self, said: Said, now: int) -> None:
        delay_s, event = said
        self._agenda.at(now + int(delay_s * SECOND), partial(self._speak, event))

    def _speak(self, event: AnyEvent, now: int) -> None:
        if self._closing:
            return
        if self._process is None:
            self._agenda.at(now + _AGAIN_NS, partial(self._speak, event))
        else:
            self._feed(self._stamped(event, now))

    def say(self, event: AnyEvent, delay_s: float = 0.0) -> None:
        """Have something said after a while, again until an engine hears it, even while closing."""

        def speak(now: int) -> None:
            if self._process is None:
                self._agenda.at(now + _AGAIN_NS, speak)
            else:
                self._feed(self._stamped(event, now))

        self._agenda.at(self.world.now + int(delay_s * SECOND), speak)

    # ---- crash and restart

    def _break(self, now: int) -> None:
        if self._closing:
            return
        if self._dice.random() < _AIMED:
            self._aim = self._dice.choice(_AIMS)
        elif self._process is not None:
            self._crash(self._process, now)
        self._again(self.plan.crashes_per_hour, self._break, now)

    def _crash(self, process: Process, now: int) -> None:
        """The process is gone; what it has sent still reaches the venues."""
        if process is not self._process:
            return
        self._lost, alive, again = process.crash()
        self.check.recovered(alive, again)
        self._process = None
        self.restarts += 1
        long = self._dice.random() < _LONG_DOWN
        down = wait_ns(self._dice, _LONG_DOWN_MEAN_NS if long else _DOWN_MEAN_NS)
        self._dead_ts = now
        self._cut(now, down + 2 * SECOND)
        self._agenda.at(now + down, self._start)

    def _start(self, now: int) -> None:
        """A process begins with what it finds on the disk, and connects."""
        self._cut(now, _RECONNECT_NS)
        self.world.advance(now)
        self.check.dead(now - self._dead_ts, self._disk.settings.expiry_s)
        wall = now + self._clock.wall_offset + self._shift
        process = Process(
            self._disk, self._new_engine(), self.world, self._submit, self._agenda, self._dice, wall
        )
        self.events += 1
        commands: list[AnyCommand] = []
        try:
            commands = process.decide(process.started)
        finally:
            self.chain.add(process.started, commands)
        self._process = process
        self.check.started(process.state, self._lost)
        self._lost = []
        self._carry_out(process, process.started, commands)
        self.check.after(self.events, process.started, commands, process.outbox.unsent)
        for said in self._operator.again(process.state.desks) if self._disk.runs > 1 else ():
            self._hear(said, now)

    def _cut(self, now: int, down_ns: int) -> None:
        """Every connection that stands breaks, and comes back after a while."""
        for venue in self.world.venues:
            self.world.wire(venue).cut(now, down_ns)
