"""Stories of what nobody answered: lost replies, orders long unheard of, and what an earlier run left."""

from __future__ import annotations

import os
import random
from itertools import pairwise

import msgspec
import pytest

from console.core.commands import AnyCommand, CancelOrder, Lookup, PlaceOrder
from console.core.events import (
    AddMatch,
    AnyEvent,
    MassStatus,
    OpenOrder,
    OrderAccepted,
    OrderCanceled,
    OutcomeUnknown,
    Resume,
    SetTheo,
)
from console.core.instruments import Action, ClientOrderId, Instrument, VenueOrderId
from console.core.matches import MatchId
from console.core.orders import OrderState
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import MILLISECOND, Size

from .story import A, B, Clerk, K, M, Story, cents, contracts, game

LOST = 10_000 if os.environ.get("TEST_LONG") else 2_000
SEES_ORDERS = (PlaceOrder, CancelOrder, Lookup)

# ---- C17: lost replies


class Forgetful(Clerk):
    """A venue whose way is bad: of two requests about orders one gets lost, going or coming back."""

    dice = random.Random("lost replies")
    lost = 0

    def answer(self, command: AnyCommand) -> list[AnyEvent]:
        order_id = getattr(command, "order_id", None)
        if order_id is None or self.dice.random() < 0.5:
            return super().answer(command)
        self.lost += 1
        if self.dice.random() < 0.5:
            super().answer(command)  # taken, and we never hear of it
        return [OutcomeUnknown(order_id=order_id, text="no answer in time")]


def doubles(clerk: Clerk) -> list[tuple[Instrument, Action, int]]:
    places = [(o.place.instrument, o.place.action, o.price) for o in clerk.orders.values()]
    return [place for place in places if places.count(place) > 1]


def test_of_thousands_of_lost_replies_none_makes_a_double_and_none_an_order_we_do_not_count() -> None:
    story = Story(account=AccountSettings(pending_deadline_s=1, not_found_grace_s=1, open_orders=500))
    clerk = story.clerks[K] = Forgetful(K)
    story.up()
    matches = [MatchId(f"m{n}") for n in range(12)]
    for match in matches:
        one, other = Instrument(K, f"{match}-A"), Instrument(K, f"{match}-B")
        story.add(match, pays={one: (0,), other: (1,)}, settings=MatchSettings(refill_min_ms=0, warm_up_s=0))
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    shift = 0
    while clerk.lost < LOST:
        shift += 1
        for match in matches:
            fair = 0.525 + (shift % 5) / 100
            story.fair(fair, 1.0 - fair, match=match)
        story.wait(0.5)
        assert doubles(clerk) == []
        assert set(clerk.orders) <= set(story.state.blotter.live)
    clerk.dice = random.Random("")
    clerk.dice.random = lambda: 0.0  # from here on everything arrives
    story.wait(30)
    live = story.state.blotter.live
    assert set(clerk.orders) == set(live)
    assert not any(order.in_flight for order in live.values())
    ids = [place.order_id for place in story.all(PlaceOrder)]
    assert len(ids) == len(set(ids))


# ---- C18: a place whose answer never comes


def test_an_order_without_an_answer_is_looked_up_and_not_sent_again() -> None:
    story = game()
    story.answering = False
    story.fill(story.order(A), 10)
    story.wait(1)
    place = next(p for p in story.all(PlaceOrder, story.unanswered) if bought(p))
    story.unanswered.clear()
    story.wait(20)
    asked = [lookup for lookup in story.all(Lookup) if lookup.order_id == place.order_id]
    assert len(asked) >= 3
    assert [p for p in story.all(PlaceOrder, story.unanswered) if bought(p)] == []


def bought(place: PlaceOrder) -> bool:
    return place.instrument == A and place.action is Action.BUY


# ---- C26: orders nobody has heard of for long


def quiet(account: AccountSettings) -> Story:
    """A game whose accounts of us list nothing any more, though fills would be heard of."""
    story = game(account=account)
    story.wait(30)
    return story


def unheard_of(story: Story, seconds: float) -> list[AnyCommand]:
    """Time passes, and what the venue says of itself proves that it sees us, but names no order."""
    before = len(story.sent)
    story.talking = False
    for _ in range(round(seconds)):
        story.wait(1)
        connection = story.state.connections[K]
        connection.private_ts = connection.cash_ts = story.ts
    return story.sent[before:]


PATIENT = AccountSettings(order_proof_max_s=60)


def test_an_order_not_heard_of_for_long_is_looked_up_and_keeps_its_place() -> None:
    story = quiet(PATIENT)
    resting = set(story.clerks[K].orders)
    sent = unheard_of(story, 50)
    assert story.all(Lookup, sent) == []
    sent = unheard_of(story, 15)
    assert {lookup.order_id for lookup in story.all(Lookup, sent)} == resting
    assert story.all(CancelOrder, sent) == []
    assert set(story.clerks[K].orders) == resting  # proven, and where it was in the queue
    assert story.all(Lookup, unheard_of(story, 50)) == []


def test_an_order_that_cannot_be_proven_is_taken_out() -> None:
    story = quiet(PATIENT)
    story.clerks[K].answer = lambda command: (
        []
        if isinstance(command, Lookup)
        else Clerk.answer(  # type: ignore[method-assign]
            story.clerks[K], command
        )
    )
    cancelled = story.all(CancelOrder, unheard_of(story, 70))
    assert len(cancelled) == 2


def test_orders_the_venue_lists_need_no_looking_up() -> None:
    story = quiet(PATIENT)
    assert story.all(Lookup, story.wait(300)) == []


# ---- C19: ghosts


def test_an_order_live_for_us_and_not_listed_is_counted() -> None:
    story = game()
    order_id = story.order(A)
    story.clerks[K].orders.pop(order_id)
    story.clerks[K].gone.add(order_id)
    story.wait(16)
    assert story.state.connections[K].ghosts == 1
    assert order_id not in story.state.blotter.live


# ---- C16: what an earlier run left


def orphan(story: Story, instrument: Instrument = A) -> OpenOrder:
    run = story.state.runs[0]
    return OpenOrder(
        ClientOrderId(f"{run}-77"),
        VenueOrderId("v-77"),
        instrument,
        Action.BUY,
        cents(49),
        Size(contracts(10)),
        Size(0),
    )


def test_nothing_is_quoted_while_an_orphan_still_rests() -> None:
    """Its cancel was sent; only a list without it proves that it is gone."""
    later = game().restart()
    clerk = later.clerks[K]
    left = orphan(later)

    def listing() -> MassStatus:
        told = Clerk.status(clerk)
        return msgspec.structs.replace(told, orders=(*told.orders, left))

    clerk.status = listing  # type: ignore[assignment,method-assign]
    later.up()
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    later.wait(30)
    assert left.order_id in [cancel.order_id for cancel in later.all(CancelOrder)]
    assert later.all(PlaceOrder) == []
    assert later.state.connections[K].reconciling
    del clerk.status
    later.wait(12)
    assert later.all(PlaceOrder)


def test_an_orphan_that_turns_up_in_the_routine_pulls_the_quotes_until_it_is_gone() -> None:
    """An order of an earlier run that was under way for long arrives while we quote."""
    later = game().restart()
    later.up()
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    later.wait(8)
    assert later.resting() == 2
    clerk, left = later.clerks[K], orphan(later)

    def listing() -> MassStatus:
        told = Clerk.status(clerk)
        return msgspec.structs.replace(told, orders=(*told.orders, left))

    clerk.status = listing  # type: ignore[assignment,method-assign]
    later.wait(20)
    assert later.state.connections[K].reconciling
    assert later.resting() == 0
    assert left.order_id in [cancel.order_id for cancel in later.all(CancelOrder)]
    del clerk.status
    later.wait(12)
    assert later.resting() == 2


def test_a_list_older_than_the_end_of_an_order_it_names_pulls_nothing() -> None:
    story = game()
    told = story.clerks[K].status()
    story.answering = False
    order_id = story.order(A)
    story.tell(OrderCanceled(order_id=order_id))
    story.tell(told)
    assert not story.state.connections[K].reconciling


# ---- C3: the operator's finger slips, and the line repeats itself


def test_a_key_pressed_twice_makes_one_order_and_a_filled_quote_comes_back() -> None:
    story = game()
    spec, settings = story.state.desks[M].spec, story.state.desks[M].settings
    before = len(story.all(PlaceOrder))
    for event in (
        AddMatch(spec=spec, settings=settings),
        AddMatch(spec=spec, settings=settings),
        Resume(match=M),
        Resume(match=M),
        SetTheo(match=M, odds=(1 / 0.525, 1 / 0.475), pinned=True),
        SetTheo(match=M, odds=(1 / 0.525, 1 / 0.475), pinned=True),
    ):
        story.tell(event)
    story.wait(10)
    assert len(story.all(PlaceOrder)) == before
    story.fill(story.order(A), 10)
    story.wait(5)
    assert [bought(p) for p in story.all(PlaceOrder)[before:]].count(True) == 1
    assert len(story.rests(A)) == 1


def test_answers_that_come_twice_change_nothing() -> None:
    story = game()
    order_id = story.order(A)
    order = story.state.blotter.live[order_id]
    before = len(story.all(PlaceOrder))
    for _ in range(3):
        story.tell(OrderAccepted(order_id=order_id, venue_order_id=order.venue_order_id))
    assert order.state is OrderState.ACCEPTED
    story.clerks[K].orders.pop(order_id)
    for _ in range(3):
        story.tell(OrderCanceled(order_id=order_id))
    story.wait(3)
    assert len(story.all(PlaceOrder)) == before + 1


@pytest.mark.parametrize("pause_ms", [250, 2000])
def test_a_quote_filled_again_and_again_is_not_placed_faster_than_it_may(pause_ms: int) -> None:
    story = game(
        MatchSettings(
            refill_min_ms=pause_ms,
            repeated_fills=1_000,
            inventory_max=contracts(1_000),
            max_position=contracts(1_000),
        )
    )
    for _ in range(60):
        if story.rests(A):
            story.fill(story.order(A), 10)
        story.wait(0.1)
    placed: dict[int, list[int]] = {}
    for place in story.all(PlaceOrder):
        if bought(place):
            placed.setdefault(place.price, []).append(place.ts)
    gaps = [later - earlier for stamps in placed.values() for earlier, later in pairwise(stamps)]
    assert gaps
    assert min(gaps) >= pause_ms * MILLISECOND
