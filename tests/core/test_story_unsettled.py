"""Fills that are matched but not settled: booked at once, taken back exactly when they fail (C20)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core import checkpoint
from console.core.events import FillConfirmed, FillReversed, OrderFilled, Settled
from console.core.instruments import Action, TradeId, VenueOrderId
from console.core.positions import Position
from console.core.provisional import bring_back, kept
from console.core.units import ONE, Price, Size, cost_of, proceeds_of
from tests.core.story import PA, PB, M, P, Story, cents, contracts


def matched(number: int, instrument=PA, action=Action.BUY, price=50.0, size=10.0, provisional=True, fee=0):
    """A fill of an order placed by hand, as the venue tells it."""
    at, count = cents(price), contracts(size)
    cost = cost_of(at, count) if action is Action.BUY else proceeds_of(at, count)
    return OrderFilled(
        venue_order_id=VenueOrderId(f"v{number}"),
        trade_id=TradeId(f"t{number}"),
        instrument=instrument,
        action=action,
        price=Price(at),
        size=Size(count),
        cost=cost,
        fee=fee,
        maker=True,
        provisional=provisional,
    )


def story() -> Story:
    told = Story(P)
    told.up()
    told.add(pays={PA: (0,), PB: (1,)})
    return told


def position(told: Story) -> Position:
    return told.state.desks[M].positions[P]


def stands(told: Story):
    return kept(P, position(told))


def test_a_matched_fill_is_booked_at_once() -> None:
    told = story()
    told.tell(matched(1))
    assert position(told).holdings[PA].net == 10 * ONE
    assert told.state.fills == 1


def test_a_failed_fill_never_happened() -> None:
    told = story()
    before = stands(told)
    told.tell(matched(1))
    told.tell(FillReversed(venue=P, trade_id=TradeId("t1"), why="FAILED"))
    assert stands(told) == before
    assert any("fill reversed: FAILED" in text for text in told.alerts())
    assert told.state.desks[M].unsettled == {}


def test_a_failure_takes_back_its_own_fill_and_the_locks_that_hung_on_it() -> None:
    """A 10 @ 40, then B 10 @ 50 locks a dollar, then A 5 @ 45: without B nothing is locked."""
    told, plain = story(), story()
    told.tell(matched(1, PA, price=40))
    told.tell(matched(2, PB, price=50))
    assert position(told).locked == ONE
    told.tell(matched(3, PA, price=45, size=5))
    told.tell(FillReversed(venue=P, trade_id=TradeId("t2")))
    plain.tell(matched(1, PA, price=40))
    plain.tell(matched(3, PA, price=45, size=5))
    assert stands(told) == stands(plain)
    assert position(told).locked == 0


def test_a_confirmed_fill_can_no_longer_fail() -> None:
    told = story()
    told.tell(matched(1))
    told.tell(FillConfirmed(venue=P, trade_id=TradeId("t1")))
    assert told.state.desks[M].unsettled == {}
    before = stands(told)
    told.tell(FillReversed(venue=P, trade_id=TradeId("t1")))
    assert stands(told) == before
    assert any("after it counted as final" in text for text in told.alerts())


def test_a_trade_that_failed_before_we_heard_of_it_says_nothing() -> None:
    told = story()
    before = stands(told), told.alerts()
    told.tell(FillReversed(venue=P, trade_id=TradeId("never")))
    assert (stands(told), told.alerts()) == before


def test_a_final_fill_between_two_that_may_fail_stays() -> None:
    told = story()
    told.tell(matched(1, price=40))
    told.tell(matched(2, price=41, provisional=False))
    told.tell(matched(3, price=42))
    told.tell(FillConfirmed(venue=P, trade_id=TradeId("t1")))
    told.tell(FillReversed(venue=P, trade_id=TradeId("t3")))
    assert position(told).holdings[PA].net == 20 * ONE
    assert told.state.desks[M].unsettled == {}


def test_a_repeated_failure_changes_nothing() -> None:
    told = story()
    told.tell(matched(1))
    told.tell(matched(2))
    for _ in range(2):
        told.tell(FillReversed(venue=P, trade_id=TradeId("t1")))
    assert position(told).holdings[PA].net == 10 * ONE


def test_what_may_fail_is_known_after_a_restart() -> None:
    told = story()
    told.tell(matched(1, price=40))
    told.tell(matched(2, PB, price=50))
    later = told.restart()
    later.up()
    later.tell(FillReversed(venue=P, trade_id=TradeId("t2")))
    assert position(later).holdings[PB].net == 0
    assert position(later).locked == 0
    assert checkpoint.decode(checkpoint.encode(later.state)).matches[0].unsettled[0][1].open == ("t1",)


def test_what_has_paid_out_has_settled() -> None:
    told = story()
    told.tell(matched(1))
    told.tell(Settled(instrument=PA, payout=Price(ONE)))
    assert told.state.desks[M].unsettled == {}


FILLS = st.lists(
    st.tuples(
        st.sampled_from([PA, PB]),
        st.sampled_from([Action.BUY, Action.SELL]),
        st.integers(1, 99),
        st.integers(1, 30),
        st.booleans(),  # provisional
        st.booleans(),  # it fails in the end
    ),
    min_size=1,
    max_size=12,
)


@given(FILLS)
def test_whatever_fails_the_rest_stands_as_if_it_had_never_been(fills) -> None:
    told, plain = story(), story()
    failing = []
    for number, (instrument, action, price, size, provisional, fails) in enumerate(fills):
        fill = matched(number, instrument, action, price, size, provisional, fee=number * 7)
        told.tell(fill)
        if provisional and fails:
            failing.append(fill.trade_id)
        else:
            plain.tell(msgspec.structs.replace(fill, provisional=False))
    for trade_id in reversed(failing):
        told.tell(FillReversed(venue=P, trade_id=trade_id))
    assert stands(told) == stands(plain)


def test_a_position_comes_back_whole() -> None:
    told = story()
    told.tell(matched(1, price=40))
    before = stands(told)
    told.tell(matched(2, PB, price=50))
    bring_back(position(told), before)
    assert stands(told) == before
    assert position(told).profits() == pytest.approx((6 * ONE, -4 * ONE))
