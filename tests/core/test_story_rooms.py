"""Room: every limit counts all that can fill, in every direction it fills in."""

from __future__ import annotations

import pytest

from console.core.commands import AmendOrder, PlaceOrder
from console.core.events import SetInventory
from console.core.instruments import Action, Instrument, InstrumentSpec, Venue
from console.core.matches import MatchId
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.reasons import Reason
from console.core.risk import at_rest, stake
from console.core.settings import MatchSettings
from console.core.units import ONE, Size
from tests.core.story import PA, PB, A, B, C, K, M, P, Story, X, cents, contracts, dollars, game, with_values

WIDE = MatchSettings(inventory_max=contracts(24), max_position=contracts(200), repeated_fills=1_000)
ONE_WAY = InstrumentSpec(sellable=False)


def three(**held: float) -> Story:
    """Home, draw and away; so many contracts held of each at its fair price."""
    story = Story().up()
    story.add(
        pays={A: (0,), B: (1,), C: (2,)},
        names=("home", "draw", "away"),
        settings=WIDE,
        specs=dict.fromkeys((A, B, C), ONE_WAY),
    )
    story.fair(0.40, 0.30, 0.30)
    for instrument, price, count in ((A, 40, held.get("a", 0)), (B, 30, held.get("b", 0))):
        story.clerks[K].positions[instrument] = contracts(count)
        cost = dollars(count * price / 100)
        story.tell(
            SetInventory(match=M, instrument=instrument, size=contracts(count), cost=cost, why="story")
        )
    for instrument, middle in ((A, 40), (B, 30), (C, 30)):
        story.book(instrument, {middle - 4: 100}, {middle + 4: 100})
    story.wait(8)
    return story


def test_a_contract_of_three_outcomes_needs_room_in_every_set_it_makes_us_longer_of() -> None:
    """24 home and 24 draw are 24 short of away: neither may become more, though each alone is only 12."""
    desk = three().state.desks[M]
    assert desk.raises(0b001, 0b001) == ONE
    assert desk.raises(0b001, 0b011) == 571_428  # P(home | home or draw)
    assert desk.raises(0b001, 0b110) == -ONE
    story = three(a=24, b=24)
    desk = story.state.desks[M]
    assert desk.exposure(0b001) < contracts(13)
    assert desk.exposure(0b011) == contracts(24)
    assert (story.rests(A), story.rests(B)) == ([], [])
    assert desk.verdicts[0b001].reason is Reason.OVEREXPOSED
    assert story.rests(C)


def test_what_rests_for_one_set_takes_room_of_the_other() -> None:
    """20 of each: 4 are left for both together, 7 of home or 9.33 of draw."""
    story = three(a=20, b=20)
    desk = story.state.desks[M]
    taken = desk.taken(0b011, K, story.state.blotter.of_match(M))
    assert desk.exposure(0b011) < taken <= contracts(24)


def test_what_is_held_the_other_way_where_nothing_nets_makes_no_room() -> None:
    """50 of A at Kalshi, 50 of B at Polymarket: flat if the venues netted, but their rules are not read."""
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=MatchSettings(repeated_fills=1_000))
    for instrument in (A, PB):
        story.clerks[instrument.venue].positions[instrument] = contracts(50)
        size, cost = contracts(50), dollars(25)
        story.tell(SetInventory(match=M, instrument=instrument, size=size, cost=cost, why="story"))
    for first, second in ((A, B), (PA, PB)):
        story.book(first, {48: 100}, {56: 100})
        story.book(second, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(8)
    assert story.state.desks[M].exposure(0b01) == 0
    assert (story.rests(A), story.rests(PB)) == ([], [])  # each venue has as much as the match may have
    assert story.rests(A, Action.SELL) or story.rests(B)
    assert story.rests(PB, Action.SELL) or story.rests(PA)


def test_a_fraction_of_kelly_bounds_all_legs_of_the_match_together() -> None:
    settings = MatchSettings(
        kelly_pct=25, bankroll=dollars(20), inventory_max=contracts(200), max_position=contracts(200)
    )
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=settings)
    for first, second in ((A, B), (PA, PB)):
        story.book(first, {48: 100}, {56: 100})
        story.book(second, {43: 100}, {51: 100})
    story.fair(0.60, 0.40)
    story.wait(8)
    together = sum(count for _, count in story.rests(A) + story.rests(PA))
    (most,) = {c.size for c in story.all(PlaceOrder) if c.instrument == A}
    # 25 % * 20 * (.60 - .49) / (.49 * .51) = 2.2 contracts
    assert (together, most) == (2, contracts(2))


def test_an_order_that_is_replaced_counts_in_both_versions_until_it_is_proven() -> None:
    story = game()
    order = story.state.blotter.orders[story.order(A)]
    assert stake(order) == 10 * 490_000
    story.answering = False
    story.book(A, {47: 100}, {56: 100})
    story.fair(0.50, 0.50)
    (amend,) = [c for c in story.all(AmendOrder, story.wait(3)) if c.instrument == A]
    assert amend.price < cents(49)
    assert stake(order) == 10 * 490_000  # the old one may fill yet
    connection = story.state.connections[K]
    assert at_rest(connection, story.state.blotter) >= 10 * 490_000
    order.to_price, order.to_size = cents(40), contracts(15)  # the old ten first, then five more
    assert stake(order) == 10 * 490_000 + 5 * 400_000
    order.to_price = cents(60)
    assert stake(order) == 15 * 600_000


@pytest.mark.parametrize("unattended", [dollars(4.9), dollars(9.8)])
def test_an_amend_needs_room_besides_the_order_it_replaces_while_nobody_watches(unattended: int) -> None:
    story = game()
    story.state.connections[K].unattended_max = unattended
    story.tell(SetInventory(match=M, instrument=B, size=0, cost=0, why="story"))
    story.wait(10)
    connection = story.state.connections[K]
    assert at_rest(connection, story.state.blotter) <= unattended
    story.book(A, {49: 100}, {56: 100})  # outbid: one cent more would be wanted
    story.answering = False
    story.wait(3)
    assert at_rest(connection, story.state.blotter) <= unattended


@pytest.mark.parametrize("venue", [K, P, X])
def test_the_smallest_profile_is_as_small_at_every_venue(venue: Venue) -> None:
    """Ten contracts or a dollar an order, ten dollars a match, wherever it is used."""
    pays = {Instrument(venue, "one"): (0,), Instrument(venue, "two"): (1,)}
    story = Story(venue, account=ACCOUNT_PRESETS["canary"]).up()
    cents_each = InstrumentSpec(size_min=Size(10_000), size_step=Size(10_000))
    smallest = with_values(PRESETS["canary"], quote_on=None)
    story.add(pays=pays, settings=smallest, specs=dict.fromkeys(pays, cents_each))
    for instrument, middle in zip(pays, (52, 47), strict=True):
        story.book(instrument, {middle - 4: 100}, {middle + 4: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    for _ in range(30):
        for order_id in list(story.clerks[venue].orders):
            story.fill(order_id, story.clerks[venue].orders[order_id].left / ONE)
        story.wait(20)
    orders = story.all(PlaceOrder)
    assert orders
    assert all(o.size <= contracts(10) for o in orders)
    assert all(o.price * o.size <= ONE * ONE for o in orders if o.action is Action.BUY)
    assert story.state.desks[M].worst <= dollars(10)


@pytest.mark.parametrize("tight", [0, 1])
def test_the_tightest_limit_of_an_event_holds_for_all_its_matches(tight: int) -> None:
    """Five dollars for one match of the event, fifty for the other: five for both together."""
    story, second = Story().up(), MatchId("second")
    limits = (dollars(5), dollars(50)) if tight == 0 else (dollars(50), dollars(5))
    one, two = Instrument(K, "X-A"), Instrument(K, "X-B")
    for match, pays, limit in (
        (M, {A: (0,), B: (1,)}, limits[0]),
        (second, {one: (0,), two: (1,)}, limits[1]),
    ):
        story.add(match, pays=pays, event="final", settings=MatchSettings(exposure_event=limit))
        for instrument, middle in zip(pays, (52, 47), strict=True):
            story.book(instrument, {middle - 4: 100}, {middle + 4: 100})
        story.fair(0.525, 0.475, match=match)
    story.wait(20)
    worst = sum(desk.worst for desk in story.state.desks.values())
    assert dollars(4) < worst <= dollars(5)
