"""A crash after any record: what the journal gives back is what was known, to the millionth."""

from __future__ import annotations

from functools import cache

import msgspec
import pytest

from console.backtest.driver import Driver
from console.backtest.outbox import UNRECORDED
from console.backtest.plan import Plan
from console.core.checkpoint import Kept, OrderKept, decode, encode
from console.core.commands import AmendOrder, AnyCommand, PlaceOrder
from console.core.engine import Engine
from console.core.events import (
    AnyEvent,
    ConfirmRules,
    Kill,
    MassStatus,
    OrderFilled,
    Pause,
    Rearm,
    Resume,
    SetSetting,
    SetTheo,
    Settled,
    Started,
)
from console.core.instruments import RunId
from console.core.recovery import recover
from console.core.settings import MatchSettings, Placement
from console.core.units import ONE, Price, Size
from console.sim.dials import Dials

ROUGH = Dials(request_lost=0.03, reply_lost=0.05, rejected=0.02, duplicated=0.1, reordered=0.1, late_fill=0.2)
KEEN = MatchSettings(
    placement=Placement.CEILING,
    half_spread=Price(0),
    vol_factor=0.0,
    warm_up_s=0,
    levels=2,
    inventory_max=Size(500 * ONE),
    max_position=Size(900 * ONE),
    repeated_fills=100,
)
PLAN = Plan(seed=1, dials=ROUGH, matches=5, scale=3.0, settings=(KEEN,))
SAID: list[tuple[float, AnyEvent]] = [
    (3.0, SetTheo(match="nba-bos-den", odds=(1.5, 3.1), pinned=True)),
    (3.1, SetTheo(match="cs2-nrd-kes", odds=(1.6, 2.5), pinned=True)),
    (3.2, SetTheo(match="mlb-sea-hou", odds=(1.8, 2.2), pinned=True)),
    (4.0, SetSetting(key="contracts", value="7", match="nba-bos-den")),
    (5.0, Pause(match="cs2-nrd-kes")),
    (6.0, ConfirmRules(match="atp-nov-alv", rules_hash="too late")),
    (8.0, Kill(by="operator")),
    (9.0, Resume(match="cs2-nrd-kes")),
    (13.0, Rearm(word="RESUME", reason="all is well")),
    (20.0, Pause()),
    (21.0, Resume()),
]


class Step(msgspec.Struct):
    """One event as the engine saw it, what it led to, and everything known then."""

    event: AnyEvent
    commands: list[AnyCommand]
    known: bytes

    @property
    def records(self) -> list[AnyEvent | AnyCommand]:
        event = [] if type(self.event) in UNRECORDED else [self.event]
        return [*event, *(c for c in self.commands if isinstance(c, PlaceOrder | AmendOrder))]


class Watched(Engine):
    """An engine that keeps every step."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self.steps = steps

    def on_event(self, event: AnyEvent) -> list[AnyCommand]:
        commands = super().on_event(event)
        self.steps.append(Step(event, list(commands), encode(self.state)))
        return commands


@cache
def story() -> tuple[Step, ...]:
    """Trading for a while on bad lines, with an operator about who misjudges his matches."""
    steps: list[Step] = []
    driver = Driver(PLAN, lambda: Watched(steps))
    for delay_s, event in SAID:
        driver.say(event, delay_s)
    driver.run(3500)
    return tuple(steps)


def marks(kept: Kept) -> object:
    return kept.profit, kept.baseline, kept.account_halt, [(m.mark, m.loss_halt) for m in kept.matches]


def moments(kept: Kept) -> dict[str, OrderKept]:
    """Orders by id, their ages as moments."""
    return {
        order.order_id: msgspec.structs.replace(
            order, placed_ns=kept.ts - order.placed_ns, amended_ns=kept.ts - order.amended_ns
        )
        for order in kept.orders
    }


def facts(kept: Kept) -> object:
    """What must never be forgotten."""
    matches = [
        (
            m.spec,
            m.settings,
            m.positions,
            m.rules_confirmed,
            m.paused,
            m.started,
            m.ended,
            m.manual_odds,
            m.pinned,
        )
        for m in kept.matches
    ]
    return matches, kept.trades, kept.fills, kept.paused, kept.killed, kept.mismatches, kept.runs


def test_the_story_has_everything_in_it():
    steps = story()
    told = [type(step.event) for step in steps]
    assert told.count(OrderFilled) > 15
    assert {Started, MassStatus, Kill, Rearm, Pause, Resume, SetSetting, SetTheo} <= set(told)
    assert sum(isinstance(c, AmendOrder) for step in steps for c in step.commands) > 20


def test_a_crash_after_any_event_loses_nothing_that_was_written():
    steps = story()
    started = steps[0].event
    records: list[AnyEvent | AnyCommand] = []
    last = decode(steps[0].known)
    for step in steps[1:]:
        known = decode(step.known)
        records += step.records
        if marks(known) != marks(last):  # a checkpoint, as the real process takes one every second
            started, records = msgspec.structs.replace(started, checkpoint=step.known), []
        last = known
        if not step.records:
            continue
        again = decode(recover(started, records))
        assert facts(again) == facts(known)
        assert marks(again) == marks(known)
        assert moments(known).items() <= moments(again).items()


@pytest.mark.parametrize("first", [1, 40, 300])
def test_where_the_checkpoint_was_makes_no_difference(first):
    steps = story()
    at = msgspec.structs.replace(steps[0].event, checkpoint=steps[first].known)
    records = [record for step in steps[first + 1 :] for record in step.records]
    again = decode(recover(at, records))
    assert facts(again) == facts(decode(steps[-1].known))


def test_without_any_checkpoint_everything_comes_from_the_records():
    steps = story()
    records = [record for step in steps for record in step.records]
    assert facts(decode(recover(steps[0].event, records))) == facts(decode(steps[-1].known))


def test_a_crash_before_an_order_was_written_means_that_it_never_left():
    steps = story()
    at = next(n for n, step in enumerate(steps) if any(isinstance(c, PlaceOrder) for c in step.commands))
    placed = {c.order_id for c in steps[at].commands if isinstance(c, PlaceOrder)}
    before = [record for step in steps[:at] for record in step.records]
    without = decode(recover(steps[0].event, before))
    with_it = decode(recover(steps[0].event, [*before, *steps[at].records]))
    assert placed.isdisjoint(order.order_id for order in without.orders)
    assert placed <= {order.order_id for order in with_it.orders}


def test_the_next_run_begins_where_the_last_one_ended():
    steps = story()
    kept = recover(steps[0].event, [record for step in steps for record in step.records])
    engine = Engine()
    later = steps[-1].event.ts + 10**9
    engine.on_event(msgspec.structs.replace(steps[0].event, ts=later, run_id=RunId("later"), checkpoint=kept))
    now = decode(encode(engine.state))
    assert now.runs == (*decode(kept).runs, "later")
    assert facts(msgspec.structs.replace(now, runs=())) == facts(
        msgspec.structs.replace(decode(kept), runs=(), killed=now.killed)
    )
    assert all(order.in_flight for order in engine.state.blotter.live.values())


def test_a_settlement_is_not_paid_twice():
    steps = story()
    held = next(
        holding
        for match in decode(steps[-1].known).matches
        for position in match.positions
        for holding in position.holdings
        if holding.net
    )
    paid = Settled(
        ts=steps[-1].event.ts, wall=steps[-1].event.wall, instrument=held.instrument, payout=Price(ONE)
    )
    records = [record for step in steps for record in step.records]
    once = decode(recover(steps[0].event, [*records, paid]))
    assert facts(decode(recover(steps[0].event, [*records, paid, paid]))) == facts(once)
    assert facts(once) != facts(decode(steps[-1].known))
