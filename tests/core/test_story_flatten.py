"""Flatten: out of a match by taking liquidity, bound by the floor that was typed and nothing else (C13)."""

from __future__ import annotations

import pytest

from console.core.commands import CancelOrder, CeilingKind, PlaceOrder, TimeInForce
from console.core.events import (
    BookSnapshot,
    Flatten,
    GameStarted,
    Kill,
    MarketStatus,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    Pause,
    Rearm,
    RejectReason,
    Resume,
    SetInventory,
    SetTheo,
    VenueUp,
)
from console.core.instruments import Action, MarketState, TradeId, VenueOrderId
from console.core.matches import State as Stage
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import ONE, SECOND, Nanos, Price, Size, cost_of, proceeds_of
from tests.core.story import NOON, PA, PB, A, B, K, M, P, Story, cents, contracts, game, levels


def exits(story: Story, commands=None) -> list[PlaceOrder]:
    return [c for c in story.all(PlaceOrder, commands) if c.time_in_force is TimeInForce.IOC]


def held(long: float = 30, settings: MatchSettings | None = None) -> Story:
    """Quoting, and long A by so many contracts at 49."""
    story = game(settings)
    filled = 0.0
    while filled < long:
        count = min(10.0, long - filled)
        story.fill(story.order(A), count)
        filled += count
        story.wait(3)
    story.answering = False
    return story


def flatten(story: Story, floor: float = 40) -> list:
    return story.tell(Flatten(match=M, floor=cents(floor)))


def gone(story: Story) -> None:
    """Every resting order is proven cancelled."""
    for order in list(story.state.blotter.live.values()):
        story.clerks[K].orders.pop(order.order_id, None)
        story.tell(OrderCanceled(order_id=order.order_id))
    story.tell(story.clerks[K].snapshot(A))
    story.wait(0.2)


def answered(story: Story, out: PlaceOrder, count: float, price: float) -> list:
    """The venue took the out and found `count` contracts at `price` cents."""
    venue_id, size = VenueOrderId(f"v-{out.order_id}"), contracts(count)
    story.tell(OrderAccepted(order_id=out.order_id, venue_order_id=venue_id))
    said = []
    if count:
        bought, at = out.action is Action.BUY, cents(price)
        said += story.tell(
            OrderFilled(
                venue_order_id=venue_id,
                trade_id=TradeId(f"t-{out.order_id}"),
                instrument=out.instrument,
                action=out.action,
                price=Price(at),
                size=Size(size),
                cost=cost_of(at, size) if bought else proceeds_of(at, size),
                fee=0,
                maker=False,
                order_id=out.order_id,
            )
        )
        net = size if out.instrument == A.no and bought else -size
        story.clerks[K].positions[A] = story.clerks[K].positions.get(A, 0) + (-net if bought else net)
    if size < out.size:
        said += story.tell(OrderCanceled(order_id=out.order_id))
    return said


def unpaired(story: Story) -> float:
    return sum(lot.count for group in story.state.desks[M].groups() for lot in group.lots.lots.values()) / ONE


def test_quotes_go_first_and_nothing_is_taken_before_they_are_proven_gone() -> None:
    story = held()
    said = flatten(story)
    assert story.all(CancelOrder, said)
    assert exits(story, said) == exits(story, story.wait(2)) == []
    gone(story)
    assert len(exits(story)) == 1


def test_an_exit_is_immediate_reduce_only_and_bound_by_the_floor() -> None:
    story = held()
    flatten(story, floor=42)
    gone(story)
    (out,) = exits(story)
    assert (out.instrument, out.action) == (A, Action.SELL)
    assert (out.price, out.ceiling, out.ceiling_kind) == (cents(42), cents(42), CeilingKind.FLATTEN)
    assert (out.size, out.post_only, out.reduce_only) == (contracts(30), False, True)


def test_it_goes_on_in_rounds_until_flat_and_then_the_match_is_done() -> None:
    story = held()
    flatten(story)
    gone(story)
    (first,) = exits(story)
    answered(story, first, 12, 48)
    assert unpaired(story) == 18
    second = exits(story, story.wait(1.5))[-1]
    assert second.size == contracts(18)
    answered(story, second, 18, 47)
    story.wait(1)
    desk = story.state.desks[M]
    assert (unpaired(story), desk.stage, desk.flattening) == (0, Stage.DONE, None)
    assert exits(story, story.wait(30)) == []
    assert "flattened" in story.alerts()


def test_what_no_order_is_small_enough_for_is_left_and_said() -> None:
    story = held()
    flatten(story)
    gone(story)
    (out,) = exits(story)
    answered(story, out, 29.5, 48)
    story.wait(1.5)
    assert story.state.desks[M].stage is Stage.DONE
    assert "flattened, but for 0.5 contracts that no order is small enough for" in story.alerts()


def test_nobody_at_the_floor_is_waited_for_without_a_storm() -> None:
    story = held()
    story.tell(BookSnapshot(instrument=B, bids=levels({43: 100}), asks=levels({60: 100})))
    flatten(story, floor=49)  # the best bid is 48, the other side asks 60
    gone(story)
    assert exits(story, story.wait(10)) == []
    story.tell(BookSnapshot(instrument=A, bids=levels({50: 100}), asks=levels({56: 100})))
    assert len(exits(story, story.wait(2))) == 1


def test_an_exit_that_finds_nothing_is_tried_again_a_second_later() -> None:
    story = held()
    flatten(story)
    gone(story)
    answered(story, exits(story)[-1], 0, 48)
    assert exits(story, story.wait(0.5)) == []
    assert len(exits(story, story.wait(1))) == 1


def test_a_refused_way_out_does_not_stop_the_others() -> None:
    """The sale of A is refused: NO of A is bought instead, and never both at once."""
    story = held()
    flatten(story)
    gone(story)
    (first,) = exits(story)
    said = story.tell(OrderRejected(order_id=first.order_id, reason=RejectReason.OTHER, text="no"))
    (second,) = exits(story, said + story.wait(1.5))
    assert (second.instrument, second.action) == (A.no, Action.BUY) or second.instrument == B
    assert second.price <= ONE - cents(40)


def test_an_exit_without_an_answer_is_looked_up_and_never_sent_twice() -> None:
    story = held()
    flatten(story)
    gone(story)
    (first,) = exits(story)
    story.tell(OutcomeUnknown(order_id=first.order_id))
    assert exits(story, story.wait(20)) == []


def test_kill_takes_no_liquidity_and_ends_a_flatten() -> None:
    story = held()
    flatten(story)
    gone(story)
    (out,) = exits(story)
    story.tell(Kill(by="me"))
    answered(story, out, 0, 48)
    assert exits(story, story.wait(30)) == []
    assert story.refusals(flatten(story)) == [
        "flatten: the kill latch is engaged; re-arm to reduce only first"
    ]


def test_re_armed_to_reduce_only_it_gets_out_and_quotes_nothing() -> None:
    story = held()
    story.tell(Kill(by="me"))
    story.answering = True
    story.answer()
    story.wait(6)
    story.tell(Rearm(word="RESUME", reason="get out", reduce_only=True))
    story.wait(10)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.REDUCE_ONLY
    story.answering = False
    assert len(exits(story, flatten(story) + story.wait(1))) == 1
    later = story.restart()
    later.up()
    assert later.state.reduce_only
    later.tell(Rearm(word="RESUME", reason="all is well"))
    assert not later.state.reduce_only


def test_paused_or_resumed_it_stops_taking() -> None:
    for stop in (Pause(match=M), Resume(match=M)):
        story = held()
        flatten(story, floor=49)
        gone(story)
        story.tell(stop)
        story.tell(BookSnapshot(instrument=A, bids=levels({50: 100}), asks=levels({56: 100})))
        assert exits(story, story.wait(3)) == []


def test_interrupted_by_a_restart_the_match_stays_paused() -> None:
    story = held()
    flatten(story)
    later = story.restart()
    later.up()
    later.wait(10)
    desk = later.state.desks[M]
    assert (desk.reason, desk.limit) == (Reason.PAUSED, "its flattening was interrupted by a restart")
    assert any("flatten again or resume" in text for text in later.alerts())
    assert exits(later) == []


def test_resumed_after_it_was_flattened_the_match_is_quoted_again() -> None:
    story = held(10)
    flatten(story)
    gone(story)
    answered(story, exits(story)[-1], 10, 48)
    story.wait(1)
    story.answering = True
    story.tell(Resume(match=M))
    story.wait(8)
    assert story.state.desks[M].stage is Stage.QUOTING


@pytest.mark.parametrize("floor", [0, 100])
def test_a_floor_is_a_price(floor: float) -> None:
    story = held(10)
    (refusal,) = story.refusals(flatten(story, floor))
    assert "between 0 and 100" in refusal


def test_nothing_held_is_nothing_to_flatten() -> None:
    story = game()
    assert story.refusals(flatten(story)) == ["match: has no position to flatten"]


# ---- by the setting, from the stop time to the start


def nearing(stop_flatten: float | None = 5, long: float = 20) -> Story:
    """Long A, and three seconds past the stop time, a minute before the start."""
    below = None if stop_flatten is None else cents(stop_flatten)
    story = Story().up()
    story.add(settings=MatchSettings(stop_flatten=below), start=Nanos(NOON + 100 * SECOND))
    story.book(A, {48: 100, 47: 100}, {56: 100, 57: 100})
    story.book(B, {43: 100, 42: 100}, {51: 100, 52: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    for _ in range(int(long) // 10):
        story.fill(story.order(A), 10)
        story.wait(3)
    story.wait(NOON / SECOND + 41 - story.wall / SECOND)
    story.answering = False
    story.wait(2)
    story.alive = True
    return story


def test_from_the_stop_time_what_is_held_is_sold_near_fair_where_the_setting_says_so() -> None:
    out = exits(nearing())[-1]
    assert (out.instrument, out.action, out.price) == (A, Action.SELL, cents(48))  # 52.5 less 5, a tick up
    assert exits(nearing(None)) == []


def test_it_begins_at_once_where_nothing_rests() -> None:
    story = Story().up()
    story.add(settings=MatchSettings(stop_flatten=cents(5)), start=Nanos(NOON + 100 * SECOND))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 10)
    for gained in (1, 2):
        story.state.desks[M].pause_side(gained, Reason.TOXIC, Nanos(story.ts + 600 * SECOND))
    story.wait(NOON / SECOND + 39.9 - story.wall / SECOND)
    assert story.resting() == 0
    assert exits(story, story.wait(0.5))


def test_its_floor_follows_the_fair_value_of_each_lot() -> None:
    story = nearing(2)  # 50.5 is more than anybody bids
    assert exits(story) == []
    story.fair(0.49, 0.51)
    (out,) = exits(story, story.wait(2))
    assert out.price == cents(47)


def test_every_lot_has_the_floor_of_its_own_fair_value() -> None:
    """A held at one venue, B at another that does not net with it: 47.5 and 42.5 at least."""
    story = Story(K, P).up()
    story.add(
        pays={A: (0,), B: (1,), PA: (0,), PB: (1,)},
        settings=MatchSettings(stop_flatten=cents(5)),
        start=Nanos(NOON + 100 * SECOND),
    )
    story.fair(0.525, 0.475)
    for instrument in (A, PB):
        story.clerks[instrument.venue].positions[instrument] = 10 * ONE
        story.tell(SetInventory(match=M, instrument=instrument, size=10 * ONE, cost=5 * ONE, why="by hand"))
    for first, second in ((A, B), (PA, PB)):
        story.book(first, {40: 100}, {60: 100})
        story.book(second, {40: 100}, {60: 100})
    story.wait(43)
    story.answering = False
    story.book(PB, {42: 100}, {60: 100})
    story.wait(2)
    assert exits(story) == []
    story.book(PB, {43: 100}, {60: 100})
    story.wait(2)
    (out,) = exits(story)
    assert (out.instrument, out.action, out.price) == (PB, Action.SELL, cents(43))


def test_it_takes_nothing_while_there_is_no_fair_value() -> None:
    story = nearing(2)
    story.tell(SetTheo(match=M, odds=()))
    story.book(A, {60: 100}, {70: 100})
    assert exits(story, story.wait(3)) == []
    assert story.state.desks[M].limit == "no theo"


@pytest.mark.parametrize("started", [True, False])
def test_it_ends_when_the_game_starts_by_its_clock_or_by_word(started: bool) -> None:
    story = nearing(2)
    story.tell(GameStarted(match=M)) if started else story.wait(58)
    story.book(A, {60: 100}, {70: 100})
    assert exits(story, story.wait(3)) == []
    desk = story.state.desks[M]
    assert (desk.flattening, desk.stage) == (None, Stage.DONE)
    assert desk.paused == "not flat at the start: 20.00 contracts left, they are held"


# ---- a venue that takes nothing which rests


def test_a_venue_that_is_held_lets_exits_leave_and_no_quote_until_it_is_up_again() -> None:
    story = held(10)
    story.answering = True
    story.tell(VenueUp(venue=K, held="order group fired"))
    story.wait(3)
    assert story.state.desks[M].reason is Reason.VENUE_HELD
    assert not story.state.blotter.live  # what rested was pulled
    assert any("takes nothing that rests: order group fired" in alert for alert in story.alerts())
    story.answering = False
    (way_out,) = exits(story, [*flatten(story), *story.wait(1)])
    assert (way_out.action, way_out.size) == (Action.SELL, contracts(10))
    story.answering = True
    quotes = [c for c in story.wait(20) if isinstance(c, PlaceOrder) and c.post_only]
    assert quotes == []


def test_a_venue_held_no_longer_is_quoted_once_its_account_agrees() -> None:
    story = game()
    story.tell(VenueUp(venue=K, held="order group fired"))
    story.wait(10)
    assert not story.state.blotter.live
    story.tell(VenueUp(venue=K))
    story.wait(10)  # the warm-up
    assert {order.instrument for order in story.state.blotter.live.values()} == {A, B}


# ---- markets that are over


def over(story: Story, instrument, state: MarketState = MarketState.CLOSED) -> list:
    return story.tell(MarketStatus(instrument=instrument, state=state))


@pytest.mark.parametrize("state", [MarketState.CLOSED, MarketState.RESOLVED])
def test_markets_that_are_over_are_left_out_of_a_flatten_and_that_is_said_once(state) -> None:
    story = held()
    story.tell(BookSnapshot(instrument=B, bids=levels({43: 100}), asks=levels({60: 100})))
    flatten(story, floor=49)  # nobody is there
    gone(story)
    for instrument in (A, B):
        over(story, instrument, state)
    story.tell(BookSnapshot(instrument=A, bids=levels({50: 100}), asks=levels({56: 100})))
    assert exits(story, story.wait(30)) == []
    desk = story.state.desks[M]
    assert (desk.flattening is not None, desk.limit) == (True, "waits for settlement")
    said = [text for text in story.alerts() if "waits for settlement" in text]
    assert said == ["flattening leaves out 30.00 contracts of markets that are over: waits for settlement"]


def test_a_way_out_over_an_open_market_is_still_taken() -> None:
    story = held()
    flatten(story)
    over(story, A)
    gone(story)
    (out,) = exits(story)
    assert (out.instrument, out.action) == (B, Action.BUY)
    assert not [text for text in story.alerts() if "waits for settlement" in text]


def test_no_flatten_begins_where_everything_waits_for_settlement() -> None:
    story = held()
    for instrument in (A, B):
        over(story, instrument)
    assert story.refusals(flatten(story)) == [
        "match: what is held waits for settlement: its markets are over"
    ]


def test_a_market_that_opens_again_is_flattened_after_all() -> None:
    story = held()
    story.tell(BookSnapshot(instrument=B, bids=levels({43: 100}), asks=levels({60: 100})))
    flatten(story, floor=49)
    gone(story)
    for instrument in (A, B):
        over(story, instrument)
        story.wait(2)
    over(story, A, MarketState.OPEN)
    story.tell(BookSnapshot(instrument=A, bids=levels({50: 100}), asks=levels({56: 100})))
    (out,) = exits(story, story.wait(2))
    assert (out.instrument, out.action) == (A, Action.SELL)
