"""What the picture tells of the engine: ranks, queues, holdings, margins, limits, ages, the day's curve."""

from __future__ import annotations

import time

import msgspec
import pytest

from console.core import picture
from console.core.account import DAY
from console.core.commands import PlaceOrder
from console.core.curve import POINTS_MAX, Curve
from console.core.events import ClockMeasured, OrderRejected, Pause, QueuePosition, RejectReason
from console.core.matches import MatchId, Phase
from console.core.presets import PRESETS
from console.core.reasons import Reason
from console.core.settings import MatchSettings, Placement
from console.core.units import MILLISECOND, ONE, SECOND, Nanos, Price, Size
from console.core.view import FlattenView, LimitView, MatchView, View
from tests.bench.bench_view import story_of

from .story import NOON, PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, game, with_values
from .test_story_flatten import answered, exits, flatten, gone, held


def look(story: Story) -> View:
    return picture.view(story.state, M)


def the_match(story: Story) -> MatchView:
    return look(story).matches[0]


# ---- matches


def test_rank_counts_the_prices_others_bid_above_ours() -> None:
    story = game()
    assert [outcome.rank for outcome in the_match(story).outcomes] == [1, 1]
    story.book(A, {54: 5, 53: 30, 52: 4, 48: 100}, {56: 100})  # our ceiling is 51
    story.wait(3)
    home = the_match(story).outcomes[0]
    assert (home.quote, home.rank) == (cents(51), 4)


def test_no_quote_has_no_rank() -> None:
    story = game()
    story.tell(Pause(match=M))
    story.wait(1)
    assert [outcome.rank for outcome in the_match(story).outcomes] == [None, None]


def test_reason_tells_since_when_it_stands() -> None:
    story = game()
    story.tell(Pause(match=M))
    story.wait(1)
    assert the_match(story).reason is Reason.PAUSED
    before = the_match(story).reason_age_ms
    story.wait(7)
    assert the_match(story).reason_age_ms == before + 7_000


def test_flattening_tells_how_far_it_is() -> None:
    story = held(20)
    flatten(story, floor=30)
    assert the_match(story).flatten == FlattenView(cents(30), contracts(20), contracts(20), 0)
    gone(story)
    answered(story, exits(story)[-1], 5, 48)
    assert the_match(story).flatten == FlattenView(cents(30), contracts(20), contracts(15), 1)


# ---- the close-up


def test_ladder_tells_the_queue_before_our_orders() -> None:
    story = game()
    (order,) = [o for o in story.state.blotter.live.values() if o.instrument == A]
    story.tell(QueuePosition(order_id=order.order_id, ahead=contracts(7)))
    ladder = look(story).ladders[0]
    assert {level.price: level.ahead for level in ladder.levels if level.ahead is not None} == {
        order.price: contracts(7)
    }


def test_ladder_tells_microprice_and_imbalance_of_others() -> None:
    story = game()
    story.book(A, {48: 300}, {56: 100})
    ladder = look(story).ladders[0]
    assert ladder.micro == cents(54)  # (48 x 100 + 56 x 300) / 400
    assert ladder.imbalance == 500_000


def test_holdings_are_told_by_symbol_at_cost_and_theo() -> None:
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    story.book(A, {48: 100}, {56: 100})
    story.book(PB, {43: 100}, {51: 100})
    story.fair(0.5, 0.5)
    story.wait(6)
    story.fill(story.order(A), 10, fee=0.05)
    held = look(story).holdings
    assert [(h.instrument, h.outcome, h.net) for h in held] == [(A, "home", contracts(10))]
    paid = story.state.desks[M].positions[K].holdings[A].basis
    assert held[0].average == paid // 10
    assert held[0].worth == 10 * story.state.desks[M].theo.fair[1]
    assert held[0].profit == held[0].worth - paid


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("phase", [Phase.PREMATCH, Phase.INPLAY])
def test_margin_shown_is_the_one_the_orders_were_made_with(preset: str, phase: Phase) -> None:
    """The planner reckons it for itself: the screen must not explain another number."""
    settings = with_values(
        PRESETS[preset], in_play=True, price_min=Price(1), edge_floor=Price(0), adverse_prematch=cents(0.3)
    )
    story = Story().up()
    start = NOON - SECOND if phase is Phase.INPLAY else NOON + 7_200 * SECOND
    story.add(settings=settings, start=Nanos(start), end=Nanos(NOON + 10_800 * SECOND))
    story.book(A, {40: 100, 39: 100}, {60: 100})
    story.book(B, {38: 100}, {62: 100})
    story.odds(1.97, 1.95)
    story.odds(2.02, 1.90, source="another")
    story.wait(7)
    placed = story.all(PlaceOrder)
    shown = {signal.name: signal for signal in look(story).signals}
    orders = [o for o in story.state.blotter.live.values() if o.instrument in (A, B)]
    assert orders or not placed
    story.tell(Pause(match=M))
    for order in orders:
        signal = shown["home" if order.instrument == A else "away"]
        asked = order.basis
        assert (signal.margin.fair, signal.margin.fair_lo) == (asked.fair, asked.fair_lo)
        buffers = 0 if settings.placement is Placement.COPY else signal.margin.buffers
        assert max(0, signal.margin.wanted + buffers - signal.margin.skew) == asked.edge
        assert signal.limit == asked.fair_lo - asked.edge


def test_match_limits_tell_what_is_used() -> None:
    story = game(MatchSettings(contracts=Size(20 * ONE)))
    story.fill(story.order(A), 20)
    story.wait(1)
    limits = {limit.name: limit for limit in look(story).match_limits}
    assert limits["inventory"] == LimitView("inventory", contracts(20), contracts(50), "")
    assert limits["match exposure"].used == story.state.desks[M].worst
    assert limits["event exposure"].used == story.state.desks[M].worst


def test_account_limits_tell_every_venue() -> None:
    story = game()
    names = [limit.name for limit in look(story).limits]
    assert names == ["exposure total", "daily loss", "drawdown", "exposure kalshi", "open orders"]


# ---- venues


def test_venue_tells_how_long_its_answers_take() -> None:
    story = game()
    venue = look(story).venues[0]
    assert (venue.answer_ms, venue.answer_late_ms) == (0, 0)
    story.answering = False
    story.fill(story.order(A), 10)
    story.wait(0.1)
    assert story.unanswered, "it quotes anew"
    story.wait(0.3)
    story.answering = True
    story.answer()
    assert look(story).venues[0].answer_late_ms == 400


def test_venue_tells_its_clock_and_what_it_refused() -> None:
    story = game()
    story.tell(ClockMeasured(venue=K, offset=Nanos(12 * MILLISECOND), round_trip=Nanos(44 * MILLISECOND)))
    order = story.order(A)
    story.tell(OrderRejected(order_id=order, reason=RejectReason.OTHER))
    venue = look(story).venues[0]
    assert (venue.clock_offset_ms, venue.round_trip_ms, venue.rejects) == (12, 44, 1)
    assert venue.private_age_ms >= 0
    assert venue.cash_age_ms >= 0


# ---- the day


def test_curve_takes_a_sample_a_second_and_grows_coarser_instead_of_longer() -> None:
    curve = Curve()
    for tenth in range(100):
        curve.add(tenth, Nanos(tenth * SECOND // 10))
    assert curve.points == list(range(0, 100, 10))
    for second in range(10, 3 * POINTS_MAX):
        curve.add(second * 10, Nanos(second * SECOND))
    assert len(curve.points) <= POINTS_MAX
    assert curve.step_s == 4
    assert [later - sooner for sooner, later in zip(curve.points, curve.points[1:], strict=False)] == [40] * (
        len(curve.points) - 1
    )


def test_curve_begins_anew_with_the_day_and_survives_a_restart() -> None:
    story = game()
    story.wait(3)
    points = list(story.state.account.curve.points)
    assert len(points) >= 9
    later = story.restart()
    assert list(later.state.account.curve.points) == points
    later.wall = Nanos(later.wall + DAY)
    later.wait(1)
    assert len(later.state.account.curve.points) == 1


def test_fifty_matches_are_pictured_in_milliseconds() -> None:
    story = story_of(50)
    took = []
    for _ in range(30):
        began = time.perf_counter()
        view = picture.view(story.state, MatchId("match0"))
        took.append(time.perf_counter() - began)
    assert len(view.matches) == 50
    assert dollars(0) <= view.pnl.worst
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(view), type=View) == view
    assert min(took) < 0.025, took  # 2.7 ms on a quiet machine
