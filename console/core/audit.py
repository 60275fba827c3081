"""Proof after the fact: every recorded order kept its ceiling and limits, and follows from the events.

The auditor replays the recorded events through a fresh engine. Each command must come out byte for byte
as recorded; each order is tested against its own basis, which needs no engine at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from console.core.checkpoint import decode
from console.core.commands import ORDERS, AmendOrder, AnyCommand, CeilingKind, PlaceOrder
from console.core.engine import Engine
from console.core.events import AnyEvent, InstrumentDefined, Started, Sweeping
from console.core.fees import fee_per_contract
from console.core.instruments import BUY, YES, Instrument, InstrumentSpec
from console.core.units import ONE

_ENCODER = msgspec.json.Encoder()


class Finding(Struct, frozen=True, array_like=True):
    """One thing that is not as it should be; `number` is the record's."""

    number: int
    text: str


class Auditor:
    """Takes a recorded stream in order; `findings` grows by what is wrong with it."""

    def __init__(self, follow: bool = True) -> None:
        """`follow` False: only the orders themselves are tested, the events are not replayed."""
        self.findings: list[Finding] = []
        self.events = 0
        self.orders = 0
        self.follows = follow  # nothing has kept it from following every event
        self.swept = False  # the engine was not asked from the emergency sweep on
        self._engine = Engine()
        self._specs: dict[Instrument, InstrumentSpec] = {}

    def take(
        self,
        number: int,
        event: AnyEvent,
        commands: Sequence[tuple[int, AnyCommand]],
        cut_short: bool = False,
    ) -> None:
        """One event and the commands recorded after it; `cut_short`: the last ones may be missing."""
        self.events += 1
        if isinstance(event, InstrumentDefined):
            self._specs[event.instrument] = event.spec
        if isinstance(event, Started):
            self._remember_specs(event)
        for command_number, command in commands:
            if isinstance(command, ORDERS):
                self.orders += 1
                self._test_order(command_number, command)
        self.swept = self.swept or isinstance(event, Sweeping)
        if self.swept and commands:
            self._find(number, f"{len(commands)} commands recorded after the engine was not asked any more")
        if self.follows and not self.swept:
            self._follow(number, event, [command for _, command in commands], cut_short)

    # ---- the orders by themselves

    def _remember_specs(self, event: Started) -> None:
        if event.checkpoint:
            self._specs.update(decode(event.checkpoint).specs)

    def _test_order(self, number: int, command: PlaceOrder | AmendOrder) -> None:
        """The price against the ceiling, and the ceiling against what it was made of."""
        buys = command.action is BUY
        bid = command.price if buys else ONE - command.price
        ceiling = command.ceiling if buys else ONE - command.ceiling
        basis = command.basis
        say = f"{command.order_id} {command.action.value} {command.instrument} @ {command.price}"
        if bid > ceiling:
            self._find(number, f"{say}: above its ceiling {command.ceiling}")
        if basis.edge < 0:
            self._find(number, f"{say}: asks a negative edge {basis.edge}")
        spec = self._specs.get(command.instrument.yes)
        if spec is None:
            self._find(number, f"{say}: on a symbol the venue never defined")
            return
        yes_price = command.price if command.instrument.side is YES else ONE - command.price
        if yes_price not in spec.ladder():
            self._find(number, f"{say}: not on the price ladder")
        fair_bound = basis.fair_lo - basis.edge
        normal = ceiling + fee_per_contract(spec.fees, ceiling, basis.fair) <= fair_bound
        reduces = command.ceiling_kind is CeilingKind.REDUCE and ceiling <= basis.breakeven
        leaves = command.ceiling_kind is CeilingKind.FLATTEN and ceiling <= basis.breakeven
        if not normal and not reduces and not leaves:
            self._find(number, f"{say}: its ceiling {command.ceiling} does not follow from its basis")

    # ---- the engine again

    def _follow(self, number: int, event: AnyEvent, recorded: list[AnyCommand], cut_short: bool) -> None:
        try:
            decided = self._engine.on_event(event)
        except AssertionError as error:
            self._find(number, f"the engine refuses event {type(event).__name__}: {error}")
            self.follows = False
            return
        for ours, theirs in zip(_encoded(decided), _encoded(recorded), strict=False):
            if ours != theirs:
                self._find(number, f"recorded {theirs.decode()}, but the event leads to {ours.decode()}")
                self.follows = False
                return
        if len(decided) != len(recorded) and not (cut_short and len(decided) > len(recorded)):
            self._find(number, f"{len(recorded)} commands recorded, but the event leads to {len(decided)}")
            self.follows = False
            return
        if any(isinstance(command, ORDERS) for command in decided):
            self._test_limits(number)

    def _test_limits(self, number: int) -> None:
        """Worst losses of all matches against the limits in force when an order has just left."""
        state = self._engine.state
        total = sum(desk.worst for desk in state.desks.values())
        if total > state.settings.exposure_total:
            self._find(number, f"exposure_total {total} above {state.settings.exposure_total}")
        for desk in state.desks.values():
            if desk.worst > desk.settings.exposure_match:
                self._find(number, f"{desk.spec.id}: exposure_match {desk.worst} above the limit")
            for gained in desk.sets():
                resting = sum(
                    o.remaining for o in state.blotter.of_match(desk.spec.id) if desk.gained_by(o) == gained
                )
                if resting and desk.exposure(gained) + resting > desk.settings.max_position:
                    self._find(number, f"{desk.spec.id}: position could pass max_position")

    def _find(self, number: int, text: str) -> None:
        self.findings.append(Finding(number, text))


def _encoded(commands: Iterable[AnyCommand]) -> list[bytes]:
    return [_ENCODER.encode(command) for command in commands]
