"""Every invariant catches what it is there for: an engine that goes wrong in one way, and is found out."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from console.backtest import outbox
from console.backtest.broken import Broken
from console.backtest.driver import Driver
from console.backtest.plan import Plan
from console.core.commands import AmendOrder, AnyCommand, Basis, CancelOrder, CeilingKind, PlaceOrder
from console.core.engine import Engine
from console.core.events import (
    AnyEvent,
    Kill,
    MassStatus,
    OddsUpdate,
    OrderFilled,
    Pause,
    Started,
    Stop,
    Tick,
    VenueDown,
)
from console.core.instruments import ClientOrderId, TradeId
from console.core.settings import AccountSettings, MatchSettings, Placement
from console.core.units import CENT, ONE, SECOND, Cash, Nanos, Price, Size
from console.sim.dials import Dials

KEEN = MatchSettings(
    in_play=True,
    placement=Placement.CEILING,
    half_spread=Price(0),
    vol_factor=0.0,
    warm_up_s=0,
    inventory_max=Size(1000 * ONE),
    max_position=Size(1000 * ONE),
)
LOOSE = AccountSettings(exposure_venue=Cash(9000 * ONE), exposure_total=Cash(9000 * ONE))
PLAN = Plan(seed=1, matches=2, scale=3.0, settings=(KEEN,), account=LOOSE)
FIRST_TS = 1000 * SECOND

Before = Callable[[AnyEvent], AnyEvent]
After = Callable[[AnyEvent, list[AnyCommand]], list[AnyCommand]]


class Tampered(Engine):
    """An engine with something between it and the world."""

    def __init__(self, after: After | None = None, before: Before | None = None) -> None:
        super().__init__()
        self.after, self.before = after, before

    def on_event(self, event: AnyEvent) -> list[AnyCommand]:
        commands = super().on_event(self.before(event) if self.before else event)
        return self.after(event, commands) if self.after else commands


def broken_by(engine: Callable[[], Engine], events: int = 6000, plan: Plan = PLAN) -> Broken:
    """Run until the invariants object."""
    with pytest.raises(Broken) as found:
        Driver(plan, engine).run(events)
    return found.value


def altered(**changes) -> Callable[[], Engine]:
    """An engine whose places leave with other values."""

    def after(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
        return [msgspec.structs.replace(c, **changes) if isinstance(c, PlaceOrder) else c for c in commands]

    return lambda: Tampered(after)


def each(change: Callable[[PlaceOrder], AnyCommand]) -> Callable[[], Engine]:
    """An engine whose places are changed one by one."""

    def after(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
        return [change(c) if isinstance(c, PlaceOrder) else c for c in commands]

    return lambda: Tampered(after)


def telling(before: Before) -> Callable[[], Engine]:
    """An engine that is told something else than what happened."""
    return lambda: Tampered(before=before)


def spoiled(spoil: Callable[[Engine], None], wanted: type = Tick, at_s: float = 30.0) -> Callable[[], Engine]:
    """An engine whose state is spoiled at every event of a kind from a moment on."""

    def make() -> Engine:
        engine = Tampered()

        def after(event: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
            if isinstance(event, wanted) and event.ts > FIRST_TS + at_s * SECOND:
                spoil(engine)
            return commands

        engine.after = after
        return engine

    return make


def test_nobody_objects_to_an_engine_that_is_left_alone():
    Driver(PLAN, Tampered).run(6000)


# ---- orders as they leave


def over_the_ceiling(place: PlaceOrder) -> PlaceOrder:
    return msgspec.structs.replace(place, price=Price(place.ceiling + CENT))


def with_a_generous_ceiling(place: PlaceOrder) -> PlaceOrder:
    return msgspec.structs.replace(place, ceiling=Price(place.ceiling + 5 * CENT))


def reducing_beyond_breakeven(place: PlaceOrder) -> PlaceOrder:
    return msgspec.structs.replace(
        place, ceiling=Price(place.ceiling + 5 * CENT), ceiling_kind=CeilingKind.REDUCE
    )


def across_the_book(place: PlaceOrder) -> PlaceOrder:
    basis = Basis(890_000, 990_000, 0, 0, 0, "")
    return msgspec.structs.replace(place, price=Price(90 * CENT), ceiling=Price(95 * CENT), basis=basis)


def far_through_theo(place: PlaceOrder) -> PlaceOrder:
    basis = msgspec.structs.replace(place.basis, fair=place.basis.fair - 30 * CENT)
    return msgspec.structs.replace(place, basis=basis)


def between_two_ticks(place: PlaceOrder) -> PlaceOrder:
    return msgspec.structs.replace(place, price=Price(place.price - 1))


@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        (over_the_ceiling, "ceiling"),
        (with_a_generous_ceiling, "basis"),
        (reducing_beyond_breakeven, "basis"),
        (far_through_theo, "collar"),
        (across_the_book, "post_only"),
        (between_two_ticks, "ladder"),
    ],
)
def test_a_price_that_was_not_allowed(change, invariant):
    assert broken_by(each(change)).invariant == invariant


@pytest.mark.parametrize(
    ("changes", "invariant"),
    [
        ({"order_id": ClientOrderId("s1x1-1")}, "client_id"),
        ({"order_id": ClientOrderId("another-1")}, "client_id"),
        ({"size": Size(ONE // 2)}, "size_step"),
        ({"size": Size(500 * ONE)}, "order_size_max"),
    ],
)
def test_an_order_that_is_not_ours_to_send(changes, invariant):
    assert broken_by(altered(**changes)).invariant == invariant


def repeated(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
    """Every place leaves twice, under another id."""
    twins = [
        msgspec.structs.replace(c, order_id=ClientOrderId(f"{c.order_id}9"))
        for c in commands
        if isinstance(c, PlaceOrder)
    ]
    return [*commands, *twins]


def test_an_order_sent_twice():
    assert broken_by(lambda: Tampered(repeated)).invariant == "duplicate"


@pytest.mark.parametrize(
    ("settings", "invariant"),
    [
        ({"inventory_max": Size(10 * ONE)}, "inventory_max"),
        ({"max_position": Size(10 * ONE), "inventory_max": Size(10 * ONE)}, "inventory_max"),
        ({"exposure_match": Cash(6 * ONE)}, "exposure_match"),
        ({"exposure_event": Cash(6 * ONE)}, "exposure_event"),
    ],
)
def test_limits_an_engine_does_not_know_of(settings, invariant):
    """The engine works by loose limits; those the invariants read are tight."""

    def tighten(engine: Engine) -> None:
        for desk in engine.state.desks.values():
            desk.settings = msgspec.structs.replace(KEEN, **settings)

    def loosen(engine: Engine) -> None:
        for desk in engine.state.desks.values():
            desk.settings = KEEN

    assert broken_by(lambda: Switching(loosen, tighten)).invariant == invariant


@pytest.mark.parametrize("name", ["exposure_venue", "exposure_total", "open_orders"])
def test_account_limits_an_engine_does_not_know_of(name):
    tight = msgspec.structs.replace(LOOSE, **{name: 3 if name == "open_orders" else Cash(6 * ONE)})

    def tighten(engine: Engine) -> None:
        engine.state.settings = tight

    def loosen(engine: Engine) -> None:
        engine.state.settings = LOOSE

    assert broken_by(lambda: Switching(loosen, tighten)).invariant == name


class Switching(Engine):
    """An engine that decides under one state of things and is looked at under another."""

    def __init__(self, before: Callable[[Engine], None], after: Callable[[Engine], None]) -> None:
        super().__init__()
        self.before, self.after = before, after

    def on_event(self, event: AnyEvent) -> list[AnyCommand]:
        if not isinstance(event, Started):
            self.before(self)
        commands = super().on_event(event)
        self.after(self)
        return commands


# ---- orders that should not be there


def deaf_to(*kinds: type) -> Before:
    """Nothing of these kinds is heard."""
    return lambda event: Tick(event.ts, event.wall) if isinstance(event, kinds) else event


def driver_with(engine: Callable[[], Engine], *said: AnyEvent) -> Driver:
    """A run in which somebody says something just before the tick after 30 seconds."""
    driver = Driver(PLAN, engine)
    for event in said:
        driver.say(event, 29.99)
    return driver


@pytest.mark.parametrize(
    ("said", "invariants"),
    [
        (Kill(by="operator"), {"killed", "stale_rest"}),
        (Pause(), {"paused", "stale_rest"}),
        (Pause(match="mlb-sea-hou"), {"paused", "stale_rest"}),
        (Stop(why="operator"), {"stopped", "stale_rest"}),
    ],
)
def test_an_operator_who_is_not_heard(said, invariants):
    with pytest.raises(Broken) as found:
        driver_with(telling(deaf_to(type(said))), said).run(6000)
    assert found.value.invariant in invariants


def test_quotes_on_odds_that_stopped():
    silent = Dials(odds_silences_per_hour=360.0, odds_silence_ms_mean=10**9)

    def believe(engine: Engine) -> None:
        for desk in engine.state.desks.values():
            for source in desk.board.sources.values():
                source.confirmed_ts = engine.state.ts

    hasty = msgspec.structs.replace(KEEN, age_max_odds_s=10)
    plan = msgspec.structs.replace(PLAN, seed=2, dials=silent, settings=(hasty,))
    assert broken_by(spoiled(believe, Tick, 0.0), 6000, plan).invariant in ("stale", "stale_rest")


def test_quotes_on_a_venue_that_is_down():
    def believe(engine: Engine) -> None:
        for connection in engine.state.connections.values():
            connection.up, connection.reconciling = True, False
            connection.private_ts = connection.cash_ts = engine.state.ts
        for market in engine.state.markets.values():
            if market.book is not None:
                market.book.stale = ""

    plan = msgspec.structs.replace(PLAN, dials=Dials(disconnects_per_hour=400.0))
    assert broken_by(spoiled(believe, VenueDown, 0.0), 20_000, plan).invariant == "stale"


def without_cancels(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
    return [command for command in commands if not isinstance(command, CancelOrder)]


def test_cancels_that_are_never_sent():
    plan = msgspec.structs.replace(PLAN, matches=1)
    assert broken_by(lambda: Tampered(without_cancels), 20_000, plan).invariant == "unanswered"


def test_an_order_the_engine_forgot():
    def forget(engine: Engine) -> None:
        live = engine.state.blotter.live
        if live:
            live.pop(next(iter(live)))

    assert broken_by(spoiled(forget)).invariant == "untracked"


def test_a_venue_believed_empty_after_a_kill():
    def believe(engine: Engine) -> None:
        for connection in engine.state.connections.values():
            if connection.sweep is not None:
                connection.sweep.proven = True

    with pytest.raises(Broken) as found:
        driver_with(spoiled(believe, Kill, 0.0), Kill(by="operator")).run(6000)
    assert found.value.invariant == "kill_proof"


def test_amends_larger_than_the_engine_thinks():
    def after(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
        return [
            msgspec.structs.replace(c, size=Size(4 * c.size)) if isinstance(c, AmendOrder) else c
            for c in commands
        ]

    assert broken_by(lambda: Tampered(after)).invariant in ("inventory_max", "oversold", "worst_case")


# ---- money


def twice(event: AnyEvent) -> AnyEvent:
    """Fills come under another trade id, and so once more with every account of us."""
    if isinstance(event, OrderFilled):
        return msgspec.structs.replace(event, trade_id=TradeId(f"{event.trade_id}-again"))
    return event


def unseen(event: AnyEvent) -> AnyEvent:
    """Fills are never told."""
    if isinstance(event, OrderFilled):
        return Tick(event.ts, event.wall)
    return msgspec.structs.replace(event, fills=()) if isinstance(event, MassStatus) else event


def cheaper(event: AnyEvent) -> AnyEvent:
    """Fills cost less than they did."""
    return (
        msgspec.structs.replace(event, cost=Cash(event.cost - 1)) if isinstance(event, OrderFilled) else event
    )


@pytest.mark.parametrize("before", [twice, unseen, cheaper])
def test_fills_that_are_counted_wrong(before):
    assert broken_by(telling(before), 20_000).invariant in ("cash", "position")


def test_money_from_nowhere():
    driver = Driver(PLAN)
    driver.run(1000)
    driver.world.exchange(driver.world.venues[0]).account.money.cash += 1
    with pytest.raises(Broken, match=r"appeared from nowhere|mismatch: kalshi: cash: 0\.000001 dollars"):
        driver.run(20_000)


def test_a_mismatch_with_the_venue():
    def differ(engine: Engine) -> None:
        next(iter(engine.state.connections.values())).mismatch = "3 contracts"

    assert broken_by(spoiled(differ)).invariant == "mismatch"


def test_a_peak_that_is_forgotten():
    def forget(engine: Engine) -> None:
        account = engine.state.account
        account.baseline = msgspec.structs.replace(account.baseline, peak=account.baseline.peak - 1)

    assert broken_by(spoiled(forget)).invariant == "baseline"


def test_a_loss_limit_nobody_feeds():
    plan = msgspec.structs.replace(PLAN, account=msgspec.structs.replace(LOOSE, drawdown=Cash(1)))

    def lift(engine: Engine) -> None:
        engine.state.account.halt = ""

    assert broken_by(spoiled(lift, object, 0.0), 20_000, plan).invariant == "loss_limit"


def test_an_engine_that_dies():
    def after(event: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
        if isinstance(event, OddsUpdate):
            raise KeyError("a source")
        return commands

    broken = broken_by(lambda: Tampered(after))
    assert (broken.invariant, broken.line) == ("engine", "KeyError: 'a source'")


def test_time_that_runs_backwards():
    def before(event: AnyEvent) -> AnyEvent:
        late = isinstance(event, Tick) and event.ts > FIRST_TS + 20 * SECOND
        return msgspec.structs.replace(event, ts=Nanos(FIRST_TS)) if late else event

    assert "time runs backwards" in broken_by(telling(before)).line


# ---- restarts


def crashing(seconds: int) -> Plan:
    return msgspec.structs.replace(PLAN, crashes_per_hour=3600.0 / seconds)


def test_a_halt_that_lives_in_memory_only():
    """A crash between two checkpoints, after which the engine knows less than before."""

    def halt(engine: Engine) -> None:
        for desk in engine.state.desks.values():
            desk.loss_halt = f"typed in memory only at {engine.state.ts}"

    broken = broken_by(spoiled(halt, at_s=20.0), 20_000, crashing(1))
    assert (broken.invariant, broken.line.split(":")[0]) == ("recovery", "MatchKept.loss_halt")


def test_a_journal_that_loses_a_position(monkeypatch):
    """Fills are counted and not written."""
    monkeypatch.setattr(outbox, "UNRECORDED", outbox.UNRECORDED | {OrderFilled})
    broken = broken_by(Engine, 40_000, crashing(5))
    assert (broken.invariant, broken.line.split(":")[0]) == ("recovery", "Kept.trades")
