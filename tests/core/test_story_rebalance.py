"""Stories of inventory: when only the reducing side is quoted, how much it may pay, and what locks."""

from __future__ import annotations

import pytest

from console.core.commands import AmendOrder, CeilingKind, PlaceOrder
from console.core.events import SetInventory, SetSetting, VenueDown
from console.core.instruments import Action, Instrument, InstrumentSpec, Side
from console.core.presets import PRESETS
from console.core.reasons import Reason
from console.core.settings import MatchSettings

from .story import KALSHI, PA, PB, A, B, C, K, M, P, Story, cents, contracts, dollars, game, with_values

SETTINGS = MatchSettings(repeated_fills=1_000)
NO_A = Instrument(A.venue, A.symbol, Side.NO)
ONE_WAY = InstrumentSpec(sellable=False)


def long_of_a(count: float, settings: MatchSettings = SETTINGS, average: float = 49) -> Story:
    """Quoting while long of A."""
    story = game(settings)
    hold(story, A, count, average)
    story.wait(3)
    return story


def hold(story: Story, instrument: Instrument, count: float, average: float) -> None:
    clerk = story.clerks[instrument.venue]
    net = contracts(count) if instrument.side is Side.YES else -contracts(count)
    clerk.positions[instrument.yes] = net
    cost = dollars(count * average / 100)
    story.tell(SetInventory(match=M, instrument=instrument, size=net, cost=cost, why="test"))


def reasons(story: Story) -> tuple[Reason, Reason]:
    verdicts = story.state.desks[M].verdicts
    return verdicts[0b01].reason, verdicts[0b10].reason


def reducing(story: Story) -> list[PlaceOrder | AmendOrder]:
    orders = [c for c in story.sent if isinstance(c, PlaceOrder | AmendOrder)]
    return [c for c in orders if c.ceiling_kind is CeilingKind.REDUCE]


# ---- entering and leaving


def test_at_the_maximum_only_the_reducing_side_is_quoted_until_half_of_it() -> None:
    story = long_of_a(50)
    assert story.rests(A) == []
    assert reasons(story)[0] is Reason.OVEREXPOSED
    assert story.rests(A, Action.SELL) or story.rests(B)
    hold(story, A, 26, 49)
    story.wait(3)
    assert story.rests(A) == []
    hold(story, A, 25, 49)
    story.wait(3)
    assert story.rests(A)


def test_below_the_maximum_nothing_is_rebalanced() -> None:
    story = long_of_a(49)
    assert story.rests(A) == [(49, 1)]  # the room left
    assert reducing(story) == []


def test_the_other_direction_rebalances_the_same() -> None:
    story = game(SETTINGS)
    hold(story, B, 50, 45)
    story.wait(3)
    assert story.rests(B) == []
    assert reasons(story)[1] is Reason.OVEREXPOSED


# ---- what the reducing side may pay


def test_the_reducing_side_bids_up_to_breakeven_near_fair() -> None:
    # long 50 at 49: breakeven of the other side is 100 - 49 - 1 = 50; fair 47.5 + 2 = 49.5 -> 49
    story = long_of_a(50)
    desk = story.state.desks[M]
    assert desk.verdicts[0b10].ceiling == cents(49)
    story.book(A, {40: 100}, {52: 100, 57: 100})  # a rival offers A at 52: bids 48 for the rest
    story.book(B, {48: 100}, {53: 100})
    story.wait(3)
    assert story.rests(B) == [(49, 10)]
    assert story.rests(A, Action.SELL) == [(51, 10)]  # the floor: 1 - 49
    assert {c.ceiling_kind for c in reducing(story)} == {CeilingKind.REDUCE}
    assert reasons(story)[1] is Reason.REBALANCING


def test_it_does_not_pay_what_would_lock_a_loss() -> None:
    # long 50 at 60: breakeven 39, below the normal ceiling of 47.5 - 1 + 2 = 48.5 -> 48
    story = long_of_a(50, average=60)
    assert story.state.desks[M].verdicts[0b10].ceiling == cents(47)
    assert reducing(story) == []


def test_the_distance_from_fair_is_a_setting() -> None:
    settings = with_values(SETTINGS, rebalance_over_fair_max=cents(99))
    story = long_of_a(50, settings)
    assert story.state.desks[M].verdicts[0b10].ceiling == cents(50)


def test_every_reducing_order_says_its_breakeven() -> None:
    story = long_of_a(50)
    story.book(B, {48: 100}, {53: 100})
    story.wait(3)
    found = [c for c in reducing(story) if c.instrument == B]
    assert found
    assert {c.basis.breakeven for c in found} == {cents(50)}
    assert all(c.price <= c.ceiling <= cents(49) for c in found)


def test_reducing_orders_never_close_more_than_there_is() -> None:
    settings = with_values(SETTINGS, contracts=contracts(50))
    story = long_of_a(50, settings)
    story.book(A, {40: 100}, {52: 100})
    story.book(B, {48: 100}, {53: 100})
    story.wait(3)
    out = sum(size for _, size in story.rests(B)) + sum(size for _, size in story.rests(A, Action.SELL))
    assert out == 50


def test_a_reducing_fill_locks_a_profit() -> None:
    story = long_of_a(50)
    story.book(B, {48: 100}, {53: 100})
    story.wait(3)
    story.fill(story.order(B), 10)
    position = story.state.desks[M].positions[K]
    assert position.locked == dollars(0.2)  # 10 * (1 - .49 - .49)
    assert story.state.recent_fills[0].locked == dollars(0.2)


# ---- guaranteed and conditional locks


def test_where_neither_may_win_the_other_teams_yes_must_be_cheaper() -> None:
    story = Story()
    story.up()
    story.add(settings=with_values(SETTINGS, contracts=contracts(50)), may_none=True)
    story.book(A, {40: 100}, {52: 100})
    story.book(B, {48: 100}, {53: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    hold(story, A, 50, 49)
    story.wait(3)
    # selling A at 51 and buying B at 49 cost the same: the sale, which locks for sure, takes all
    assert story.rests(A, Action.SELL) == [(51, 50)]
    assert story.rests(B) == []


def test_where_nothing_can_be_sold_the_other_side_is_bought() -> None:
    story = Story(P)
    story.up()
    story.add(pays={PA: (0,), PB: (1,)}, settings=SETTINGS, specs={PA: ONE_WAY, PB: ONE_WAY})
    story.book(PA, {48: 100}, {56: 100})
    story.book(PB, {48: 100}, {53: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    hold(story, PA, 50, 49)
    story.wait(3)
    assert story.rests(PA, Action.SELL) == []
    assert story.rests(PB) == [(49, 10)]


# ---- locks on condition


def conditional(bid_for_b: float) -> Story:
    """Long 50 of A at 49 where all may settle at nothing; A can be sold a cent under 56."""
    story = Story().up()
    story.add(settings=SETTINGS, may_none=True)
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {bid_for_b: 100}, {53: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    hold(story, A, 50, 49)
    story.wait(3)
    return story


def test_the_other_teams_yes_reduces_only_where_it_is_cheaper_by_the_premium() -> None:
    dear = conditional(44)  # 45, as much as the sale at 55 gives up
    assert dear.rests(A, Action.SELL) == [(55, 10)]
    assert dear.rests(B) == []
    cheap = conditional(43)  # 44: a cent cheaper, half a cent is asked
    assert cheap.rests(B) == [(44, 10)]
    assert cheap.rests(A, Action.SELL) == [(55, 10)]


def test_where_nothing_can_be_locked_for_certain_a_lock_on_condition_is_better_than_none() -> None:
    story = Story().up()
    story.add(settings=SETTINGS, may_none=True, specs=dict.fromkeys((A, B), ONE_WAY))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {44: 100}, {53: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    hold(story, A, 50, 49)
    story.wait(3)
    assert story.rests(B) == [(45, 10)]


def test_a_sale_of_a_no_leg_held_is_no_lock_on_condition() -> None:
    """NO of A was bought: selling it gives the cash back, as certain as any sale."""
    story = Story().up()
    story.add(settings=SETTINGS, may_none=True)
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {40: 100}, {58: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    hold(story, NO_A, 50, 46)
    story.wait(3)
    assert story.rests(NO_A, Action.SELL)
    assert story.state.desks[M].verdicts[0b01].reason is not Reason.CONDITIONAL_LOCK


# ---- three outcomes


def three(specs: dict[Instrument, InstrumentSpec] | None = None, settings: MatchSettings = SETTINGS) -> Story:
    story = Story()
    story.up()
    story.add(
        pays={A: (0,), B: (1,), C: (2,)}, names=("home", "draw", "away"), settings=settings, specs=specs
    )
    for instrument, middle in ((A, 40), (B, 30), (C, 30)):
        story.book(instrument, {middle - 4: 100}, {middle + 4: 100})
    story.fair(0.40, 0.30, 0.30)
    story.wait(6)
    return story


def test_three_way_home_is_reduced_by_its_sale_or_its_no() -> None:
    story = three()
    hold(story, A, 50, 38)
    story.wait(3)
    assert story.rests(A) == []
    assert story.rests(A, Action.SELL)
    assert story.rests(NO_A)
    assert all(c.instrument.yes == A for c in reducing(story))


def test_three_way_another_outcome_alone_is_never_bid_up_as_a_lock() -> None:
    story = three()
    for instrument, middle in ((A, 80), (B, 10), (C, 10)):
        story.book(instrument, {middle - 4: 100}, {middle + 4: 100})
    story.fair(0.80, 0.10, 0.10)
    story.wait(60)
    hold(story, A, 60, 65)  # so likely that draw and away look as short as home is long
    story.wait(3)
    assert story.state.desks[M].rebalancing == {0b001: 1, 0b010: -1, 0b100: -1}
    assert reducing(story)
    assert not [c for c in reducing(story) if c.instrument in (B, C)]


def test_three_way_without_sale_or_no_an_equal_basket_of_the_others_reduces() -> None:
    specs = dict.fromkeys((A, B, C), ONE_WAY)
    story = three(specs)
    hold(story, A, 50, 30)
    story.wait(3)
    # draw may cost 100 - 30 - 34 (the ask of away) - 1 = 35, capped at fair + 2 = 32
    assert {c.ceiling for c in reducing(story) if c.instrument == B} <= {cents(32), cents(31)}
    desk = story.state.desks[M]
    assert desk.verdicts[0b010].ceiling == desk.verdicts[0b100].ceiling
    story.book(C, {26: 100}, {})  # nobody offers away: one missing leg is never a lock
    story.wait(3)
    assert desk.verdicts[0b010].kind is CeilingKind.QUOTE


def test_a_leg_offered_only_where_nothing_nets_makes_no_basket() -> None:
    """Away is offered at Polymarket, whose rules nobody confirmed: draw is not bid up as part of a lock."""
    story, elsewhere = Story(K, P).up(), Instrument(P, "token-c")
    pays = {A: (0,), B: (1,), C: (2,), elsewhere: (2,)}
    story.add(
        pays=pays, names=("home", "draw", "away"), settings=SETTINGS, specs=dict.fromkeys(pays, ONE_WAY)
    )
    for instrument, middle in ((A, 40), (B, 30)):
        story.book(instrument, {middle - 4: 100}, {middle + 4: 100})
    story.book(C, {26: 100}, {})
    story.book(elsewhere, {26: 100}, {34: 100})
    story.fair(0.40, 0.30, 0.30)
    story.wait(6)
    hold(story, A, 50, 30)
    story.wait(3)
    desk = story.state.desks[M]
    assert desk.rebalancing[0b001] == 1
    assert desk.verdicts[0b010].kind is CeilingKind.QUOTE
    story.book(C, {26: 100}, {34: 100})
    story.wait(3)
    assert desk.verdicts[0b010].kind is CeilingKind.REDUCE


@pytest.mark.parametrize("outcomes", [2, 3])
def test_rebalancing_ends_where_it_should_and_quotes_go_on(outcomes: int) -> None:
    story = long_of_a(50) if outcomes == 2 else three()
    if outcomes == 3:
        hold(story, A, 50, 38)
        story.wait(3)
    for _ in range(12):
        for order_id in list(story.clerks[K].orders):
            if order_id in story.clerks[K].orders:
                left = story.clerks[K].orders[order_id].left / contracts(1)
                story.fill(order_id, left)
        story.wait(3)
    desk = story.state.desks[M]
    assert abs(desk.exposure(0b01)) <= contracts(60)
    assert KALSHI.two_sided
    assert story.resting() > 0


# ---- legs that are as good


def joined(queue_a: float, queue_pa: float) -> Story:
    """A can be bought on two venues for the same net edge: at 45, behind those who are there."""
    story = Story(K, P).up()
    settings = with_values(SETTINGS, legs_max=1)
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=settings)
    for instrument, queue in ((A, queue_a), (PA, queue_pa)):
        story.book(instrument, {45: queue}, {46: 100})
    for instrument in (B, PB):
        story.book(instrument, {48: 100}, {55: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    return story


@pytest.mark.parametrize(("queue_a", "queue_pa", "chosen", "left"), [(100, 20, PA, A), (20, 100, A, PA)])
def test_of_two_legs_as_good_the_one_with_the_shorter_queue_is_chosen(
    queue_a: float, queue_pa: float, chosen: Instrument, left: Instrument
) -> None:
    story = joined(queue_a, queue_pa)
    assert story.rests(chosen) == [(45, 10)]
    assert story.rests(left) == []


def test_a_place_in_a_queue_is_kept_when_the_other_queue_becomes_shorter() -> None:
    story = joined(20, 100)
    story.book(PA, {45: 5}, {46: 100})
    story.wait(6)
    assert story.rests(A) == [(45, 10)]
    assert story.rests(PA) == []


# ---- one venue to quote on


def test_a_match_held_to_one_venue_works_off_what_it_holds_elsewhere() -> None:
    settings = with_values(SETTINGS, quote_on=K)
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=settings)
    for instrument in (A, PA):
        story.book(instrument, {48: 100}, {56: 100})
    for instrument in (B, PB):
        story.book(instrument, {43: 100}, {53: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A)
    assert not story.rests(PA)
    assert not story.rests(PB)
    hold(story, PA, 50, 49)
    story.wait(6)
    assert story.rests(PA, Action.SELL)


def test_a_match_held_to_a_venue_it_has_nothing_on_is_refused() -> None:
    story = Story(P).up()
    said = story.add(pays={PA: (0,), PB: (1,)}, settings=PRESETS["canary"])
    assert story.refusals(said) == [f"{M}: quote_on is kalshi (canary), where no instrument of it is quoted"]


def held_to_kalshi() -> Story:
    """A match listed on two venues and held to one; no line but those of the two books."""
    story = Story(K, P).up()
    settings = with_values(SETTINGS, quote_on=K)
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=settings)
    for instrument in (A, PA):
        story.book(instrument, {48: 100}, {56: 100})
    for instrument in (B, PB):
        story.book(instrument, {43: 100}, {53: 100})
    story.wait(6)
    return story


def test_the_book_of_a_venue_that_is_listed_and_not_quoted_on_is_a_fair_value_of_others() -> None:
    story = held_to_kalshi()
    assert story.rests(A)
    assert not story.rests(PA)


def test_a_match_held_to_one_venue_warms_up_again_when_that_venue_was_gone() -> None:
    story = held_to_kalshi()
    story.tell(VenueDown(venue=K, why="gone"))
    story.wait(3)
    assert story.state.desks[M].reason is Reason.VENUE_DOWN
    story.up(K)
    assert story.all(PlaceOrder, story.wait(4)) == []
    assert story.all(PlaceOrder, story.wait(3))


def test_settings_refused_for_a_match_that_is_made_pause_it() -> None:
    """Those it has were to be left: it does not go on by wider limits."""
    story = Story(P).up()
    story.add(pays={PA: (0,), PB: (1,)}, settings=SETTINGS)
    story.book(PA, {48: 100}, {56: 100})
    story.book(PB, {43: 100}, {53: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(PA)
    story.add(pays={PA: (0,), PB: (1,)}, settings=PRESETS["canary"])
    story.wait(6)
    assert story.state.desks[M].reason is Reason.PAUSED
    assert not story.rests(PA)


def test_a_venue_nothing_is_listed_on_cannot_be_the_only_one() -> None:
    story = Story(P).up()
    story.add(pays={PA: (0,), PB: (1,)}, settings=SETTINGS)
    said = story.tell(SetSetting(match=M, key="quote_on", value="kalshi"))
    assert len(story.refusals(said)) == 1
    assert story.state.desks[M].settings.quote_on is None
