"""Invariants of exits, leases, failing fills and partial kills catch what they are there for."""

from __future__ import annotations

import msgspec
import pytest

from console.backtest.broken import Broken
from console.backtest.driver import Driver
from console.core.commands import AnyCommand, CeilingKind, KeepAlive, PlaceOrder, TimeInForce
from console.core.events import AnyEvent, FillReversed, Flatten, Kill, Rearm, Tick
from console.core.instruments import SELL, Venue
from console.core.units import CENT, ONE, SECOND, Nanos, Price, Size
from tests.backtest.test_planted import FIRST_TS, PLAN, Tampered, deaf_to, telling

TRAITS = msgspec.structs.replace(PLAN, personas=True)
HELD = "mlb-sea-hou"
AT_S = 60.0


def saying(engine, *said: tuple[float, AnyEvent], plan=PLAN) -> Driver:
    driver = Driver(plan, engine)
    for delay, event in said:
        driver.say(event, delay)
    return driver


def broken(driver: Driver, events: int = 20_000) -> Broken:
    with pytest.raises(Broken) as found:
        driver.run(events)
    return found.value


def exits(change):
    """An engine whose exits are changed on their way out."""

    def after(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
        return [
            change(c) if isinstance(c, PlaceOrder) and c.ceiling_kind is CeilingKind.FLATTEN else c
            for c in commands
        ]

    return lambda: Tampered(after)


def below_the_floor(place: PlaceOrder) -> PlaceOrder:
    worse = -CENT if place.action is SELL else CENT
    return msgspec.structs.replace(place, price=Price(place.price + worse))


def resting(place: PlaceOrder) -> PlaceOrder:
    return msgspec.structs.replace(place, time_in_force=TimeInForce.GTC)


def too_much(place: PlaceOrder) -> PlaceOrder:
    return msgspec.structs.replace(place, size=Size(place.size + 10 * ONE))


@pytest.mark.parametrize(
    ("change", "invariant"), [(below_the_floor, "floor"), (resting, "flatten"), (too_much, "flatten")]
)
def test_exits_that_were_not_asked_for(change, invariant):
    flatten = Flatten(match=HELD, floor=Price(20 * CENT))
    assert broken(saying(exits(change), (AT_S, flatten))).invariant == invariant


def test_nobody_objects_to_an_exit_that_is_left_alone():
    driver = saying(Tampered, (AT_S, Flatten(match=HELD, floor=Price(20 * CENT))))
    driver.run(20_000)
    assert driver.check.scene.standing.floors == {HELD: 20 * CENT}


def test_quotes_although_re_armed_for_getting_out_only():
    def forget(event: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
        if isinstance(event, Tick):
            engine.state.reduce_only = False
        return commands

    engine = Tampered(forget)
    out = Rearm(word="RESUME", reason="out", reduce_only=True)
    driver = saying(lambda: engine, (20.0, Kill(by="operator")), (26.0, out))
    assert broken(driver).invariant == "reduce_only"


def test_a_kill_of_one_venue_that_is_not_heard():
    driver = saying(telling(deaf_to(Kill)), (20.0, Kill(by="operator", venue=Venue.KALSHI)))
    assert broken(driver).invariant == "killed"


def test_a_failed_fill_that_stays_in_the_books():
    plan = msgspec.structs.replace(TRAITS, matches=5)
    driver = Driver(plan, telling(deaf_to(FillReversed)))
    habits = driver.world.exchange(Venue.POLYMARKET).habits
    habits.persona = msgspec.structs.replace(habits.persona, fails=1.0)
    assert broken(driver, 60_000).invariant in ("cash", "position")


def without_an_end(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
    return [
        msgspec.structs.replace(c, expires=Nanos(0)) if isinstance(c, PlaceOrder) else c for c in commands
    ]


def for_an_hour(_: AnyEvent, commands: list[AnyCommand]) -> list[AnyCommand]:
    return [
        msgspec.structs.replace(c, until=Nanos(c.until + 3600 * SECOND)) if isinstance(c, KeepAlive) else c
        for c in commands
    ]


@pytest.mark.parametrize("change", [without_an_end, for_an_hour])
def test_orders_that_would_outlive_their_engine(change):
    assert broken(Driver(TRAITS, lambda: Tampered(change))).invariant == "lease"


def test_what_a_dead_engine_left_is_gone_when_its_time_is_over(monkeypatch):
    """The exchange itself forgets to end orders."""
    monkeypatch.setattr("console.backtest.driver._DOWN_MEAN_NS", 200 * SECOND)
    plan = msgspec.structs.replace(TRAITS, seed=1, crashes_per_hour=100.0)
    driver = Driver(plan)
    habits = driver.world.exchange(Venue.KALSHI).habits
    habits.ends = lambda order_id, at: None
    habits.end_of = lambda order_id: 0
    assert "outlived their engine" in broken(driver).line
    assert driver.world.now > FIRST_TS
