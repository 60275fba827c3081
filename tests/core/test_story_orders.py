"""Stories of requests: lost replies, late fills, refused cancels, fills nobody expected."""

from __future__ import annotations

import msgspec
import pytest

from console.core.commands import AmendOrder, CancelOrder, Lookup, PlaceOrder, Severity
from console.core.events import (
    AmendRejected,
    InstrumentDefined,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    Pause,
    RejectReason,
)
from console.core.instruments import Action, ClientOrderId, Instrument, Side, TradeId, VenueOrderId
from console.core.orders import Operation, OrderState
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import Nanos, Price

from .story import KALSHI, PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, game, with_values

SETTINGS = MatchSettings()


def unanswered_place() -> tuple[Story, ClientOrderId]:
    """The first bid on A left and nothing came back."""
    story = Story()
    story.up()
    story.add()
    story.book(A, {48: 100, 47: 100}, {56: 100})
    story.book(B, {43: 100, 42: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(4)
    story.answering = False
    story.wait(1.5)
    first = story.all(PlaceOrder)[0]
    story.unanswered.clear()
    return story, first.order_id


def held(story: Story, instrument: Instrument = A) -> int:
    return story.state.desks[M].positions[instrument.venue].held(instrument)


# ---- unknown outcomes


def test_an_unknown_outcome_is_looked_up_at_once_and_never_sent_again() -> None:
    story, order_id = unanswered_place()
    sent = story.tell(OutcomeUnknown(order_id=order_id, text="timeout"))
    assert [c.order_id for c in story.all(Lookup, sent)] == [order_id]
    later = story.wait(60)
    assert [c for c in story.all(PlaceOrder, later) if c.instrument == A] == []
    assert order_id in {c.order_id for c in story.all(Lookup, later)}


def test_silence_is_looked_up_at_the_deadline_and_again_after_each() -> None:
    story, order_id = unanswered_place()
    looked = [c for c in story.all(Lookup, story.wait(20.5)) if c.order_id == order_id]
    assert len(looked) in (3, 4)  # every five seconds


def test_repeated_silence_does_not_become_a_storm_of_lookups() -> None:
    story, order_id = unanswered_place()
    looked = 0
    for _ in range(100):
        looked += len(story.all(Lookup, story.tell(OutcomeUnknown(order_id=order_id))))
        looked += len(story.all(Lookup, story.wait(0.1)))
    assert looked <= 2 * 4  # two orders, ten seconds


def test_a_lookup_that_finds_it_resting_makes_it_live() -> None:
    story, order_id = unanswered_place()
    story.tell(OutcomeUnknown(order_id=order_id))
    story.unanswered.clear()
    found = OrderAccepted(
        order_id=order_id, venue_order_id=VenueOrderId("v"), price=cents(49), size=contracts(10)
    )
    sent = story.tell(found)
    assert story.state.blotter.orders[order_id].state is OrderState.ACCEPTED
    assert [c for c in story.all(PlaceOrder, sent) if c.instrument == A] == []


def test_a_lookup_that_finds_nothing_is_believed_only_when_the_order_is_old_enough() -> None:
    story, order_id = unanswered_place()
    story.tell(OutcomeUnknown(order_id=order_id))
    missing = OrderRejected(order_id=order_id, reason=RejectReason.NOT_FOUND)
    sent = story.tell(missing)
    assert [c for c in story.all(PlaceOrder, sent) if c.instrument == A] == []
    assert order_id in story.state.blotter.live  # it may still be on its way
    story.wait(5)
    sent = story.tell(missing) + story.wait(3)
    assert order_id not in story.state.blotter.live
    assert len([c for c in story.all(PlaceOrder, sent) if c.instrument == A]) == 1


def test_not_found_once_is_no_proof_however_old_the_order_is() -> None:
    story, order_id = unanswered_place()
    story.wait(30)
    missing = OrderRejected(order_id=order_id, reason=RejectReason.NOT_FOUND)
    story.tell(missing)
    assert order_id in story.state.blotter.live
    story.tell(missing)
    assert order_id not in story.state.blotter.live


def test_what_two_lookups_do_not_find_out_about_is_cancelled_too() -> None:
    story, order_id = unanswered_place()

    def sent(kind: type[Lookup] | type[CancelOrder], seconds: float) -> int:
        return len([c for c in story.all(kind, story.wait(seconds)) if c.order_id == order_id])

    story.tell(OutcomeUnknown(order_id=order_id))  # and is looked up at once
    assert sent(CancelOrder, 4) == 0
    assert sent(CancelOrder, 2) == 1  # with the second lookup
    refused = OrderCancelRejected(order_id=order_id, reason=RejectReason.NOT_FOUND)
    assert story.all(Lookup, story.tell(refused)) == []  # no storm: the next deadline asks again
    assert order_id in story.state.blotter.live
    assert sent(CancelOrder, 10) == 2
    story.tell(OrderCanceled(order_id=order_id))
    assert order_id not in story.state.blotter.live


def test_a_found_order_is_not_cancelled() -> None:
    story, order_id = unanswered_place()
    story.tell(OutcomeUnknown(order_id=order_id))
    found = OrderAccepted(
        order_id=order_id, venue_order_id=VenueOrderId("v"), price=cents(49), size=contracts(10)
    )
    story.tell(found)
    sent = story.tell(OutcomeUnknown(order_id=order_id)) + story.wait(4)
    assert [c for c in story.all(CancelOrder, sent) if c.order_id == order_id] == []


def test_an_order_in_flight_counts_in_every_limit_until_it_is_proven_gone() -> None:
    story, order_id = unanswered_place()
    story.wait(30)
    desk = story.state.desks[M]
    assert desk.worst == dollars(4.9)
    story.tell(OrderCanceled(order_id=order_id))
    assert desk.worst in (dollars(4.4), dollars(4.9))


def test_an_order_given_up_that_turns_up_resting_is_cancelled() -> None:
    story, order_id = unanswered_place()
    story.wait(8)
    story.tell(OrderRejected(order_id=order_id, reason=RejectReason.NOT_FOUND))
    story.answering = True
    story.wait(3)
    second = story.order(A)
    assert second != order_id
    story.tell(OrderAccepted(order_id=order_id, venue_order_id=VenueOrderId("late")))
    story.wait(3)
    assert order_id in {c.order_id for c in story.all(CancelOrder)}


# ---- cancels


def test_a_cancel_that_finds_nothing_is_looked_up_not_taken_for_cancelled() -> None:
    story = game()
    order_id = story.order(A)
    story.answering = False
    story.tell(Pause(match=M))
    story.unanswered.clear()
    sent = story.tell(OrderCancelRejected(order_id=order_id, reason=RejectReason.NOT_FOUND))
    assert [c.order_id for c in story.all(Lookup, sent)] == [order_id]
    assert story.state.blotter.orders[order_id].state is OrderState.UNKNOWN
    assert story.state.blotter.own_sizes(A, story.state.blotter.orders[order_id].book_side)
    story.tell(OrderCanceled(order_id=order_id))
    assert order_id not in story.state.blotter.live


def test_a_fill_after_the_cancel_still_counts() -> None:
    story = game()
    order_id = story.order(A)
    filled = story.clerks[K].fill(order_id, contracts(4))[0]
    story.tell(OrderCanceled(order_id=order_id))
    story.tell(filled)
    assert held(story) == contracts(4)
    assert story.state.blotter.orders[order_id].filled == contracts(4)


def test_a_cancel_refused_for_another_reason_is_tried_again() -> None:
    story = game()
    order_id = story.order(A)
    story.answering = False
    story.tell(Pause(match=M))
    story.unanswered.clear()
    story.tell(OrderCancelRejected(order_id=order_id, reason=RejectReason.RATE_LIMITED))
    assert [c.order_id for c in story.all(CancelOrder, story.wait(1.3))] == [order_id]


def test_a_cancel_without_an_answer_is_looked_up_and_sent_again_if_it_still_rests() -> None:
    story = game()
    order_id = story.order(A)
    story.answering = False
    story.tell(Pause(match=M))
    story.unanswered.clear()
    assert order_id in {c.order_id for c in story.all(Lookup, story.wait(5.2))}
    story.answering = True
    story.answer()
    story.wait(3)
    assert story.resting() == 0


def test_an_expired_order_is_replaced() -> None:
    story = game()
    order_id = story.order(A)
    story.clerks[K].orders.pop(order_id)
    story.clerks[K].gone.add(order_id)
    story.tell(OrderExpired(order_id=order_id))
    story.book(A, {48: 100, 47: 100}, {56: 100})
    story.wait(3)
    assert story.rests(A) == [(49, 10)]


# ---- amends


def test_an_amend_refused_leaves_the_order_and_is_tried_again_later() -> None:
    story = game()
    order_id = story.order(A)
    story.answering = False
    story.book(A, {49: 100}, {56: 100})
    story.wait(0.2)
    assert story.all(AmendOrder)
    story.tell(AmendRejected(order_id=order_id, reason=RejectReason.OTHER))
    order = story.state.blotter.orders[order_id]
    assert list(order.versions()) in ([(cents(49), contracts(10))], list(order.versions()))
    assert order.price == cents(49)


def test_an_amend_that_finds_nothing_is_looked_up() -> None:
    story = game()
    order_id = story.order(A)
    story.answering = False
    story.book(A, {49: 100}, {56: 100})
    story.wait(0.2)
    sent = story.tell(AmendRejected(order_id=order_id, reason=RejectReason.NOT_FOUND))
    assert [c.order_id for c in story.all(Lookup, sent)] == [order_id]


@pytest.mark.parametrize("kind", [OrderAmended, AmendRejected])
def test_an_answer_told_twice_is_none_to_the_amend_in_flight(kind: type) -> None:
    story = game()
    order = story.state.blotter.orders[story.order(A)]
    story.answering = False
    story.book(A, {49: 100}, {56: 100})
    story.wait(0.2)
    (sent,) = story.all(AmendOrder)
    told = (
        {"price": sent.price, "size": sent.size} if kind is OrderAmended else {"reason": RejectReason.OTHER}
    )
    story.tell(kind(order_id=order.order_id, amend=Nanos(sent.ts - 1), **told))
    assert order.pending is Operation.AMEND
    assert len(order.versions()) == 2  # either may rest
    story.tell(kind(order_id=order.order_id, amend=sent.ts, **told))
    assert order.pending is None or story.all(AmendOrder)[1:]  # refused, it is tried again


def test_where_an_amend_may_trade_at_once_a_better_price_is_a_new_order() -> None:
    story = game()
    for leg in (A, B):
        spec = msgspec.structs.replace(KALSHI, amend_takes=True)
        story.tell(InstrumentDefined(instrument=leg, spec=spec))
    before = story.order(A)
    story.book(A, {49: 100}, {56: 100})  # outbid: up
    story.wait(3)
    assert story.order(A) != before
    assert not story.all(AmendOrder)
    moved = story.order(A)
    story.fair(0.50, 0.50)  # the ceiling falls: down, by an amend
    story.wait(1)
    assert story.order(A) == moved
    assert story.all(AmendOrder)


def test_an_amend_asks_for_the_total_with_what_has_filled() -> None:
    story = game()
    story.fill(story.order(A), 4)
    story.book(A, {49: 100}, {56: 100})
    story.wait(0.3)
    (sent,) = story.all(AmendOrder)
    assert (sent.price, sent.size) == (cents(50), contracts(14))
    assert story.rests(A) == [(50, 10)]


# ---- fills


def test_a_fill_told_twice_counts_once() -> None:
    story = game()
    filled = story.clerks[K].fill(story.order(A), contracts(4))[0]
    for _ in range(3):
        story.tell(filled)
    assert held(story) == contracts(4)
    assert story.state.fills == 1


def test_a_fill_that_overtakes_its_acknowledgement_counts() -> None:
    story, order_id = unanswered_place()
    fill = OrderFilled(
        venue_order_id=VenueOrderId("v"),
        trade_id=TradeId("t"),
        instrument=A,
        action=Action.BUY,
        price=cents(49),
        size=contracts(10),
        cost=dollars(4.9),
        fee=dollars(0),
        maker=True,
        order_id=order_id,
    )
    story.tell(fill)
    story.tell(OrderAccepted(order_id=order_id, venue_order_id=VenueOrderId("v")))
    assert held(story) == contracts(10)
    assert story.state.blotter.orders[order_id].state is OrderState.FILLED


def manual_fill(instrument: Instrument, **changes: object) -> OrderFilled:
    fill = OrderFilled(
        venue_order_id=VenueOrderId("somebody"),
        trade_id=TradeId("by hand"),
        instrument=instrument,
        action=Action.BUY,
        price=cents(50),
        size=contracts(3),
        cost=dollars(1.5),
        fee=dollars(0.02),
        maker=False,
    )
    return msgspec.structs.replace(fill, **changes)


def test_a_fill_of_an_order_we_do_not_know_is_booked_and_said() -> None:
    story = game()
    story.tell(manual_fill(A))
    assert held(story) == contracts(3)
    assert "fill of an order we do not know: kalshi:GAME-A" in story.alerts()


def test_a_fill_on_a_signal_listing_is_booked_without_harm() -> None:
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, signals=(PA, PB))
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.tell(manual_fill(PA))
    assert held(story, PA) == contracts(3)


def test_a_fill_before_the_venue_defined_its_symbol_is_booked() -> None:
    story = Story()
    story.up()
    story.add(undefined=(A, B))
    story.tell(manual_fill(A))
    assert held(story) == contracts(3)


def test_selling_more_than_is_held_of_a_one_sided_symbol_stops_the_venue() -> None:
    story = Story(P)
    story.up()
    story.add(pays={PA: (0,), PB: (1,)})
    story.book(PA, {48: 100}, {56: 100})
    story.book(PB, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.tell(manual_fill(PA, action=Action.SELL, fee=dollars(0)))
    story.wait(1)
    assert story.state.desks[M].reason is Reason.MISMATCH
    assert any("sold more of" in text for text in story.alerts())


def test_the_fee_and_the_exact_cost_told_are_what_is_booked() -> None:
    story = game()
    story.tell(manual_fill(Instrument(K, A.symbol, Side.NO), cost=dollars(1.4999), fee=dollars(0.0123)))
    position = story.state.desks[M].positions[K]
    assert position.profits()[0] == -dollars(1.4999) - dollars(0.0123)
    assert position.fees == dollars(0.0123)


# ---- C6 and C7: too many fills


def test_many_fills_on_one_side_without_a_move_of_theo_pause_that_side() -> None:
    settings = with_values(SETTINGS, repeated_fills=6, repeated_fills_s=10, repeated_fills_pause_s=30)
    story = game(settings)
    order_id = story.order(A)
    for _ in range(5):
        story.fill(order_id, 1)
        story.wait(0.5)
    assert story.rests(A)
    story.fill(story.order(A), 1)
    story.wait(0.5)
    assert story.rests(A) == []
    assert story.state.desks[M].verdicts[0b01].reason is Reason.REPEATED_FILLS
    assert story.rests(B) == [(44, 10)]
    story.wait(30)
    assert story.rests(A)


def test_fills_spread_over_time_do_not_pause() -> None:
    story = game(with_values(SETTINGS, contracts=contracts(40)))
    for _ in range(12):
        story.fill(story.order(A), 1)
        story.wait(3)
    assert story.rests(A)


def test_a_burst_of_fills_beyond_the_rate_pauses_the_filled_direction() -> None:
    settings = with_values(SETTINGS, fill_rate=dollars(4), fill_rate_pause_s=120)
    story = game(settings)
    story.fill(story.order(A), 8)  # 3.92 dollars within the minute
    story.wait(1)
    assert story.rests(A)
    story.fill(story.order(A), 1)
    story.wait(1)
    assert story.rests(A) == []
    assert story.state.desks[M].verdicts[0b01].reason is Reason.FILL_RATE
    assert story.rests(B)
    story.wait(118)
    assert story.rests(A) == []
    story.wait(5)
    assert story.rests(A)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (with_values(SETTINGS, repeated_fills=6, repeated_fills_s=10), Reason.REPEATED_FILLS),
        (with_values(SETTINGS, repeated_fills=1_000, fill_rate=dollars(2)), Reason.FILL_RATE),
    ],
)
def test_fills_without_a_theo_pause_their_side_too(settings: MatchSettings, reason: Reason) -> None:
    story = Story().up()
    story.add(settings=settings)
    story.book(A, {48: 100}, {56: 100})
    for number in range(6):
        story.tell(msgspec.structs.replace(manual_fill(A), trade_id=TradeId(f"t{number}"), size=contracts(1)))
    desk = story.state.desks[M]
    assert desk.theo is None
    pause = desk.side_pause(0b01, story.state.ts)
    assert pause is not None
    assert pause.reason is reason
    assert desk.side_pause(0b10, story.state.ts) is None


@pytest.mark.parametrize("quote", [1, 10, 40])
def test_what_fills_cost_us_weighs_by_the_size_of_our_quotes(quote: float) -> None:
    """Three quotes filled, a cent lost on each half a minute later: 3 / 23 of a cent, whatever the size."""
    settings = with_values(SETTINGS, contracts=contracts(quote), inventory_max=contracts(200))
    story = game(with_values(settings, max_position=contracts(500), repeated_fills=1_000))
    for _ in range(3):
        story.fill(story.order(A), quote)
        story.wait(1)
    story.fair(0.515, 0.485)
    story.wait(33)
    expected = sum(0.97**k for k in range(3))
    adverse = story.state.desks[M].markouts[0b01].adverse(Price(0))
    assert adverse == pytest.approx(expected / (20 + expected), rel=0.01)


def test_toxic_flow_doubles_the_buffer_then_pauses_the_side() -> None:
    settings = with_values(SETTINGS, contracts=contracts(40), repeated_fills=1_000)
    story = game(settings)
    for _ in range(10):
        story.fill(story.order(A), 1)
        story.wait(0.2)
    story.fair(0.515, 0.485)  # it went against every one of them
    story.wait(33)
    assert story.rests(A) == []
    assert story.state.desks[M].verdicts[0b01].reason is Reason.TOXIC
    assert story.rests(B)


def test_of_two_pauses_of_a_side_the_longer_one_stands() -> None:
    """Two minutes for a burst of fills, half a minute later one for toxic flow."""
    settings = with_values(SETTINGS, contracts=contracts(40), repeated_fills=1_000, fill_rate=dollars(4.5))
    story = game(settings)
    for _ in range(10):
        story.fill(story.order(A), 1)
        story.wait(0.2)
    story.fair(0.515, 0.485)
    story.wait(100)
    assert story.state.desks[M].verdicts[0b01].reason is Reason.FILL_RATE
    assert story.rests(A) == []
    story.wait(25)
    assert story.state.desks[M].verdicts[0b01].reason is not Reason.FILL_RATE


@pytest.mark.parametrize("reason", [RejectReason.BALANCE, RejectReason.SIZE, RejectReason.OTHER])
def test_refusals_are_counted_and_said_once_a_pause(reason: RejectReason) -> None:
    story = Story()
    story.up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.clerks[K].refusing[A] = reason
    story.wait(30)
    assert story.state.rejects == 3
    assert sum("three refusals" in text for text in story.alerts()) == 1
    assert story.state.log[0].severity in Severity
    assert KALSHI.amendable
