"""Stories of quoting: from the first quote to fills, rivals, retreats and refills."""

from __future__ import annotations

import pytest

from console.core.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    CeilingKind,
    PlaceOrder,
    Resync,
    Subscribe,
)
from console.core.events import BookDelta, InstrumentDefined, RejectReason, SetInventory
from console.core.instruments import Action, BookSide, Instrument, InstrumentSpec, Side
from console.core.ladders import Band
from console.core.matches import State as Stage
from console.core.reasons import Reason
from console.core.settings import BackOff, MatchSettings, Placement

from .story import (
    PA,
    PB,
    A,
    B,
    C,
    K,
    M,
    P,
    Story,
    cents,
    contracts,
    dollars,
    game,
    with_values,
)

NO_A = Instrument(A.venue, A.symbol, Side.NO)
SETTINGS = MatchSettings()


def reason(story: Story, gained: int = 0b01) -> Reason:
    return story.state.desks[M].verdicts[gained].reason


# ---- the first quote


def test_the_first_quotes_come_after_the_warm_up_and_not_before() -> None:
    story = Story()
    story.up()
    story.add()
    story.book(A, {48: 100, 47: 100}, {56: 100})
    story.book(B, {43: 100, 42: 100}, {51: 100})
    story.fair(0.525, 0.475)
    early = story.wait(4.9)
    assert story.all(PlaceOrder, early) == []
    assert story.state.desks[M].reason is Reason.WARM_UP
    assert story.state.desks[M].stage is Stage.WAIT_DATA
    first, second = story.all(PlaceOrder, story.wait(0.2))
    assert (first.instrument, first.action, first.price, first.size) == (
        A,
        Action.BUY,
        cents(49),
        contracts(10),
    )
    assert (second.instrument, second.price, second.size) == (B, cents(44), contracts(10))
    assert (first.ceiling, first.ceiling_kind) == (cents(51), CeilingKind.QUOTE)
    assert first.basis.fair == first.basis.fair_lo == pytest.approx(525_000, abs=1)
    assert (first.basis.edge, first.basis.fee, first.basis.breakeven) == (cents(1), 0, 0)
    assert first.basis.sources == "manual:1.00"
    assert (first.order_id, second.order_id) == ("run1-1", "run1-2")
    assert story.state.desks[M].stage is Stage.QUOTING


def test_adding_a_match_subscribes_its_symbols_once() -> None:
    story = Story()
    story.up()
    assert [c.instrument for c in story.all(Subscribe, story.add())] == [A, B]
    assert story.all(Subscribe, story.add("second")) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("venue", Reason.VENUE_DOWN),
        ("book", Reason.NO_BOOK),
        ("theo", Reason.NO_THEO),
        ("status", Reason.RECONCILING),
    ],
)
def test_nothing_is_quoted_while_anything_is_missing(missing: str, expected: Reason) -> None:
    story = Story()
    story.talking = missing != "status"
    if missing != "venue":
        story.up()
    story.add()
    if missing != "book":
        story.book(A, {48: 100}, {56: 100})
        story.book(B, {43: 100}, {51: 100})
    if missing != "theo":
        story.fair(0.525, 0.475)
    assert story.all(PlaceOrder, story.wait(20)) == []
    assert story.state.desks[M].reason is expected


def test_a_symbol_the_venue_has_not_defined_does_not_stop_the_other() -> None:
    story = Story()
    story.up()
    story.add(undefined=(B,))
    story.book(A, {48: 100}, {56: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A) == [(49, 10)]
    assert reason(story, 0b10) is Reason.NO_BOOK


# ---- rivals


def test_outbid_it_bids_one_tick_more_up_to_the_ceiling() -> None:
    story = game()
    story.book(A, {49: 100}, {56: 100})
    story.wait(0.2)
    assert story.rests(A) == [(50, 10)]
    story.book(A, {50: 100}, {56: 100})
    story.wait(0.2)
    assert story.rests(A) == [(51, 10)]
    story.book(A, {51: 100}, {56: 100})
    story.wait(0.2)
    assert (story.rests(A), reason(story)) == ([(51, 10)], Reason.JOINED)
    story.book(A, {52: 100}, {56: 100})
    story.wait(0.2)
    assert (story.rests(A), reason(story)) == ([(51, 10)], Reason.OUTBID)


def test_outbid_above_the_ceiling_it_may_leave_the_market() -> None:
    story = game(with_values(SETTINGS, back_off=BackOff.OUT))
    story.book(A, {52: 100}, {56: 100})
    story.wait(0.2)
    assert story.rests(A) == []
    assert story.rests(B) == [(44, 10)]


def test_our_own_order_in_the_public_book_is_not_outbid() -> None:
    story = game()
    sent = story.wait(60)
    assert story.all(PlaceOrder, sent) == story.all(AmendOrder, sent) == story.all(CancelOrder, sent) == []


def test_a_fast_market_is_answered_no_more_often_than_the_fast_interval() -> None:
    story = game()
    before = len(story.sent)
    for n in range(50):  # 50 changes of the rival within one tick
        story.tell(
            BookDelta(
                instrument=A, side=BookSide.BID, price=cents(49), change=contracts(20 if n % 2 == 0 else -20)
            )
        )
    assert len(story.all(AmendOrder, story.sent[before:])) <= 1


def test_an_amend_is_used_where_the_venue_has_it_else_cancel_and_place() -> None:
    story = game()
    sent = story.book(A, {49: 100}, {56: 100}) + story.wait(0.5)
    assert [type(c) for c in sent if isinstance(c, AmendOrder | CancelOrder | PlaceOrder)] == [AmendOrder]
    other = Story(P)
    other.up()
    other.add(pays={PA: (0,), PB: (1,)})
    other.book(PA, {48: 100}, {56: 100})
    other.book(PB, {43: 100}, {51: 100})
    other.fair(0.525, 0.475)
    other.wait(6)
    sent = other.book(PA, {49: 100}, {56: 100}) + other.wait(0.5)
    orders = [type(c) for c in sent if isinstance(c, AmendOrder | CancelOrder | PlaceOrder)]
    assert orders == [CancelOrder, PlaceOrder]
    assert other.rests(PA) == [(50, 10)]


def test_nothing_is_raised_while_an_answer_is_missing() -> None:
    story = game()
    story.answering = False
    story.book(A, {49: 100}, {56: 100})
    story.wait(0.2)
    assert len(story.all(AmendOrder)) == 1
    story.book(A, {50: 100}, {56: 100})
    story.wait(3)
    assert len(story.all(AmendOrder)) == 1
    assert len(story.all(CancelOrder)) == 0


# ---- retreats


def test_a_lower_fair_value_pulls_the_quote_back_at_once() -> None:
    story = game()
    story.book(A, {50: 100}, {56: 100})
    story.wait(0.2)
    assert story.rests(A) == [(51, 10)]
    sent = story.fair(0.505, 0.495)
    assert [c.price for c in story.all(AmendOrder, sent) if c.instrument == A] == [cents(49)]


def test_a_retreat_passes_thresholds_and_resting_times() -> None:
    settings = with_values(SETTINGS, requote_threshold=cents(10), rest_min_ms=3_600_000)
    story = game(settings)
    assert story.rests(A) == [(49, 10)]
    story.book(A, {50: 100}, {56: 100})
    story.wait(1)
    assert story.rests(A) == [(49, 10)]  # an improvement waits
    sent = story.fair(0.497, 0.503)
    assert [c.price for c in story.all(AmendOrder, sent) if c.instrument == A] == [cents(48)]


def test_a_fair_value_out_of_range_pulls_the_quotes() -> None:
    story = game()
    story.fair(0.96, 0.04)
    story.wait(30)  # the jump is a shock for a while
    assert story.rests(A) == story.rests(B) == []
    assert reason(story) is Reason.PRICE_RANGE


def test_an_ask_that_comes_down_is_not_crossed() -> None:
    story = game()
    story.book(A, {48: 100}, {49: 5, 56: 100})  # an offer at our own bid: the venue would have matched
    story.wait(0.3)
    assert all(price < 49 for price, _ in story.rests(A))


# ---- fills and refills


def test_a_filled_quote_is_replenished_but_not_faster_than_the_refill_pause() -> None:
    def bids(commands: list[AnyCommand]) -> list[float]:
        placed = [c for c in story.all(PlaceOrder, commands) if c.instrument == A]
        return [c.size / contracts(1) for c in placed if c.action is Action.BUY]

    story = game()
    assert bids(story.fill(story.order(A), 10)) == [10]
    assert bids(story.fill(story.order(A), 10)) == []  # a double would leave here
    assert bids(story.wait(0.2)) == []
    assert bids(story.wait(2.5)) == [10]
    assert story.state.desks[M].positions[K].held(A) == contracts(20)


def test_it_does_not_outbid_what_the_public_book_still_shows_of_itself() -> None:
    story = game()
    story.lag_s = 0.4
    story.fill(story.order(A), 10)
    story.wait(5)
    assert story.rests(A) == [(49, 10)]
    assert all(c.price <= cents(49) for c in story.all(PlaceOrder) if c.action is Action.BUY)


def test_a_retest_does_not_climb_over_its_own_shadow() -> None:
    story = Story(P)
    story.up()
    story.add(pays={PA: (0,), PB: (1,)})
    story.book(PA, {48: 100}, {56: 100})
    story.book(PB, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.lag_s = 0.4
    story.book(PA, {40: 100}, {56: 100})
    story.wait(50)
    assert story.rests(PA) == [(41, 10)]


def test_what_is_held_is_offered_too() -> None:
    story = game()
    story.fill(story.order(A), 10)
    assert story.rests(A, Action.SELL) == [(55, 10)]  # one below the rival offer, above the floor of 53.1
    assert story.rests(B) == [(44, 10)]


def test_a_small_partial_fill_keeps_its_place_in_the_queue() -> None:
    story = game()
    story.fill(story.order(A), 4)
    sent = story.wait(5)
    assert [c for c in sent if isinstance(c, PlaceOrder | AmendOrder | CancelOrder)] == []
    assert story.rests(A) == [(49, 6)]


def test_an_order_almost_filled_is_topped_up() -> None:
    story = game()
    story.fill(story.order(A), 6)
    story.wait(3)
    assert sum(size for _, size in story.rests(A)) == 10


def test_long_of_a_the_ceiling_of_a_falls_by_the_skew() -> None:
    story = game()
    story.fill(story.order(A), 10)
    story.wait(3)
    # 10 of 50 contracts: skew 0.4; ceiling 52.5 - 1 - .4 = 51.1; of B 47.5 - 1 + .4 = 46.9
    assert story.state.desks[M].verdicts[0b01].ceiling == cents(51)
    assert story.state.desks[M].verdicts[0b10].ceiling == cents(46)
    story.fill(story.order(A), 10)
    story.wait(3)
    assert story.state.desks[M].verdicts[0b01].ceiling == cents(50)  # 50.7
    assert story.state.desks[M].verdicts[0b10].ceiling == cents(47)  # 47.3


def test_an_order_too_large_for_the_room_left_shrinks_though_a_better_price_must_wait() -> None:
    settings = with_values(SETTINGS, requote_threshold=cents(5), contracts=contracts(30))
    story = game(settings)
    story.book(A, {50: 100}, {56: 100})  # two cents more would be best: less than the threshold
    story.wait(3)
    assert story.rests(A) == [(49, 30)]
    story.clerks[K].positions[A] = contracts(35)
    story.tell(
        SetInventory(match=M, instrument=A, size=contracts(35), cost=dollars(17), why="bought by hand")
    )
    story.wait(3)
    assert sum(size for _, size in story.rests(A)) <= 15


# ---- other shapes of match


def test_a_match_on_one_ticker_is_bid_on_both_legs_and_sold_when_held() -> None:
    story = Story()
    story.up()
    story.add(pays={A: (0,)})
    story.book(A, {48: 100, 47: 100}, {56: 100, 57: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A) == [(49, 10)]
    assert story.rests(NO_A) == [(45, 10)]  # one over the rival offer of 56
    story.fill(story.order(A), 10)
    story.wait(3)
    assert story.rests(A, Action.SELL) == [(55, 10)]  # selling what is held ties up no cash
    assert story.resting() == 3


def test_two_venues_alike_share_the_room_without_preference() -> None:
    story = Story(K, P)
    story.up()
    settings = with_values(SETTINGS, inventory_max=contracts(15))
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=settings)
    for instrument in (A, PA):
        story.book(instrument, {48: 100}, {56: 100})
    for instrument in (B, PB):
        story.book(instrument, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A) == [(49, 10)]
    assert story.rests(PA) == [(49, 5)]
    assert story.rests(B) == [(44, 10)]
    assert story.rests(PB) == [(44, 5)]


def test_three_outcomes_are_bid_on_their_own_tickers() -> None:
    story = Story()
    story.up()
    story.add(pays={A: (0,), B: (1,), C: (2,)}, names=("home", "draw", "away"))
    for instrument, middle in ((A, 45), (B, 28), (C, 27)):
        story.book(instrument, {middle - 5: 100}, {middle + 5: 100})
    story.fair(0.455, 0.285, 0.26)
    story.wait(6)
    assert (story.rests(A), story.rests(B), story.rests(C)) == ([(41, 10)], [(24, 10)], [(23, 10)])


def test_a_signal_listing_is_never_traded() -> None:
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, signals=(PA, PB))
    for instrument in (A, PA):
        story.book(instrument, {48: 100}, {52: 100})
    for instrument in (B, PB):
        story.book(instrument, {48: 100}, {52: 100})
    story.wait(10)
    assert story.rests(A)
    assert story.rests(PA) == story.rests(PB) == []
    desk = story.state.desks[M]
    assert desk.theo is not None
    assert desk.theo.why is None  # Polymarket prices it: we do not quote there


def test_placement_ceiling_rests_a_ladder_at_the_half_spread() -> None:
    settings = with_values(SETTINGS, placement=Placement.CEILING, levels=2, contracts=contracts(5))
    story = game(settings)
    assert story.rests(A) == [(49, 5), (48, 5)]  # 52.5 - 3
    assert story.rests(B) == [(44, 5), (43, 5)]  # 47.5 - 3


def test_a_tick_that_gets_finer_is_used_at_once() -> None:
    story = game()
    fine = InstrumentSpec(bands=(Band(0, 1_000_000, 1_000),), two_sided=True, amendable=True)
    story.tell(InstrumentDefined(instrument=A, spec=fine))
    story.wait(35)  # sticky until the retest
    assert story.rests(A) == [(48.5, 10)]


# ---- refusals


def refused(why: RejectReason) -> Story:
    """A venue that takes no order on A."""
    story = Story()
    story.up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.clerks[K].refusing[A] = why
    story.wait(20)
    return story


def test_three_refusals_within_a_minute_pause_the_side() -> None:
    story = refused(RejectReason.SIZE)
    tries = [c for c in story.all(PlaceOrder) if c.instrument == A]
    assert len(tries) == 3
    assert reason(story) is Reason.REJECTED
    assert story.rests(B) == [(44, 10)]
    story.clerks[K].refusing.clear()
    story.wait(60)
    assert story.rests(A) == [(49, 10)]  # by itself, when the pause is over


def test_post_only_refusals_ask_for_the_book_again() -> None:
    assert Resync(instrument=A) in refused(RejectReason.POST_ONLY_CROSS).all(Resync)
    assert refused(RejectReason.SIZE).all(Resync) == []


def test_a_429_empties_the_bucket_and_pauses_no_side() -> None:
    story = refused(RejectReason.RATE_LIMITED)
    assert len([c for c in story.all(PlaceOrder) if c.instrument == A]) < 60
    assert reason(story) is not Reason.REJECTED
