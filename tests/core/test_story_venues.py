"""Stories of several venues and several matches: what nets, what is shared, what never passes a limit."""

from __future__ import annotations

from collections import deque

from console.core.commands import CeilingKind, Lookup, PlaceOrder
from console.core.events import ConfirmRules, Kill, SetInventory
from console.core.fees import FeeModel
from console.core.instruments import Action, Instrument, InstrumentSpec, Side, VoidRule
from console.core.matches import MatchId
from console.core.reasons import Reason
from console.core.risk import worst_now
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE

from .story import PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, with_values

NO_A = Instrument(K, A.symbol, Side.NO)
SETTINGS = MatchSettings(repeated_fills=1_000)
POLY = InstrumentSpec(void_rule=VoidRule.HALF)
RICH = AccountSettings(write_tokens_per_s=100_000, write_burst=100_000, open_orders=10_000)


def both(
    settings: MatchSettings = SETTINGS, *, confirmed: bool = False, fees: FeeModel | None = None
) -> Story:
    """One match on Kalshi and Polymarket, fair 52.5 / 47.5."""
    story = Story(K, P)
    story.up()
    kalshi = InstrumentSpec(two_sided=True, amendable=True, fees=fees or FeeModel())
    story.add(
        pays={A: (0,), B: (1,), PA: (0,), PB: (1,)},
        settings=settings,
        specs={A: kalshi, B: kalshi, PA: POLY, PB: POLY},
    )
    if confirmed:
        story.tell(ConfirmRules(match=M, rules_hash="same rules"))
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100, 47: 100}, {56: 100})
        story.book(other, {43: 100, 42: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    return story


def hold(story: Story, instrument: Instrument, count: float, average: float) -> None:
    story.clerks[instrument.venue].positions[instrument] = contracts(count)
    cost = dollars(count * average / 100)
    story.tell(SetInventory(match=M, instrument=instrument, size=contracts(count), cost=cost, why="test"))


# ---- netting


def test_without_confirmed_rules_nothing_nets_across_venues() -> None:
    story = both()
    story.fill(story.order(A), 10)
    story.fill(story.order(PB), 10)
    desk = story.state.desks[M]
    assert len(desk.groups()) == 2
    assert [position.locked for position in desk.groups()] == [0, 0]
    assert [min(position.profits()) for position in desk.groups()] == [-dollars(4.9), -dollars(4.4)]
    assert desk.worst >= dollars(9.3)  # both lost, whatever the two tickers mean


def test_with_confirmed_rules_the_venues_are_one_position() -> None:
    story = both(confirmed=True)
    story.fill(story.order(A), 10)
    story.fill(story.order(PB), 10)
    desk = story.state.desks[M]
    (position,) = desk.groups()
    assert position.locked == dollars(0.7)
    assert position.profits() == (dollars(0.7), dollars(0.7))


def test_a_void_match_that_venues_settle_differently_stays_in_the_worst_case() -> None:
    story = both(confirmed=True)
    story.tell(Kill(by="test"))  # no orders: the position alone
    story.wait(3)
    hold(story, A, 50, 80)
    hold(story, PB, 50, 15)
    desk = story.state.desks[M]
    # either outcome: 50 - 47.5 = 2.5 profit; void: A at fair 52.5, PB at 50: 26.25 + 25 - 47.5 = 3.75
    assert worst_now(desk, story.state.blotter) == 0
    story.fair(0.30, 0.70)
    story.wait(1)
    # A at fair 30: 15 + 25 - 47.5
    assert worst_now(desk, story.state.blotter) == dollars(7.5)


def test_a_lock_across_venues_asks_for_the_chance_of_a_void_match() -> None:
    story = both(with_values(SETTINGS, rebalance_over_fair_max=cents(99)), confirmed=True)
    hold(story, A, 50, 20)
    story.wait(3)
    # void pays A its fair value 52.5: 26.25 - 10 = 16.25 more than the 0 locked: nothing to ask for
    assert story.state.desks[M].verdicts[0b10].ceiling == cents(79)
    other = both(with_values(SETTINGS, rebalance_over_fair_max=cents(99)), confirmed=True)
    hold(other, PA, 50, 60)
    other.wait(3)
    # a half: 25 - 30 = -5; .5 % of 5 over 50 contracts is .05 cents: 100 - 60 - 1 - .05 = 38.95, which
    # is less than the normal ceiling: all of the skew, but never above fair
    assert other.state.desks[M].verdicts[0b10].ceiling == cents(47)


def test_the_venue_where_it_is_cheapest_after_fees_is_quoted_first() -> None:
    settings = with_values(SETTINGS, contracts=contracts(50))
    story = both(settings, fees=FeeModel(maker_rate=17_500, unit=100))
    assert story.rests(PA) == [(49, 50)]  # no fee there: the room of 50 goes to it
    assert story.rests(A) == []


def test_rules_confirmed_keep_the_fills_and_fees_of_before() -> None:
    story = both()
    story.fill(story.order(A), 10, fee=0.05)
    story.tell(Kill(by="test"))
    hold(story, A, 0, 0)
    fills = sum(position.fills for position in story.state.desks[M].groups())
    assert story.refusals(story.tell(ConfirmRules(match=M, rules_hash="same"))) == []
    desk = story.state.desks[M]
    assert len(desk.groups()) == 1
    assert sum(position.fills for position in desk.groups()) == fills == 1
    assert sum(position.fees for position in desk.groups()) == dollars(0.05)


# ---- many matches at one cap


def crowd(story: Story, matches: int, settings: MatchSettings, event: str = "") -> None:
    for n in range(matches):
        one, other = Instrument(K, f"M{n}-A"), Instrument(K, f"M{n}-B")
        match = MatchId(f"m{n}")
        story.add(match, pays={one: (0,), other: (1,)}, settings=settings, event=event)
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
        story.fair(0.525, 0.475, match=match)


def total_worst(story: Story) -> int:
    return sum(desk.worst for desk in story.state.desks.values())


def test_eight_matches_racing_at_the_cap_never_pass_it_though_acks_are_late() -> None:
    account = with_values_account(exposure_total=dollars(20))
    story = Story(account=account)
    story.up()
    crowd(story, 8, SETTINGS)
    story.answering = False
    limits = set()
    for _ in range(300):  # thirty seconds in which no place is acknowledged
        story.wait(0.1)
        late = [c for c in story.unanswered if isinstance(c, PlaceOrder)]
        story.unanswered = deque(c for c in story.unanswered if not isinstance(c, PlaceOrder | Lookup))
        story.answer()
        story.unanswered.extend(late)
        assert total_worst(story) <= dollars(20)
        limits |= {desk.limit for desk in story.state.desks.values()}
    placed = story.all(PlaceOrder)
    by_match: dict[str, int] = {}
    for order in placed:
        by_match[order.match] = max(by_match.get(order.match, 0), order.price * order.size // ONE)
    assert sum(by_match.values()) <= dollars(20)
    assert sum(by_match.values()) > dollars(19)  # and the room is used
    assert "exposure_total" in limits


def test_one_match_never_passes_its_cap_over_many_fills() -> None:
    settings = with_values(SETTINGS, exposure_match=dollars(7))
    story = both(settings)
    for _ in range(15):
        story.wait(2.5)
        assert story.state.desks[M].worst <= dollars(7)
        for clerk in story.clerks.values():
            for order_id, resting in list(clerk.orders.items()):
                if resting.place.action is Action.BUY and resting.place.instrument in (A, PA):
                    story.fill(order_id, resting.left / ONE)
                    assert story.state.desks[M].worst <= dollars(7)


def test_matches_of_one_event_share_its_cap() -> None:
    story = Story(account=RICH)
    story.up()
    crowd(story, 4, with_values(SETTINGS, exposure_event=dollars(10)), event="derby")
    story.wait(10)
    assert total_worst(story) <= dollars(10)
    other = Story(account=RICH)
    other.up()
    crowd(other, 4, with_values(SETTINGS, exposure_event=dollars(10)))
    other.wait(10)
    assert total_worst(other) > dollars(15)  # matches without an event stand alone


def test_the_cap_of_a_venue_counts_what_is_on_it_only() -> None:
    story = Story(K, P, account=with_values_account(exposure_venue=dollars(6)))
    story.up()
    story.add(MatchId("k"), pays={A: (0,), B: (1,)}, settings=SETTINGS)
    story.add(MatchId("p"), pays={PA: (0,), PB: (1,)}, settings=SETTINGS)
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    for match in ("k", "p"):
        story.fair(0.525, 0.475, match=MatchId(match))
    story.wait(8)
    assert story.rests(A) == [(49, 10)]
    assert story.rests(PA) == [(49, 10)]


# ---- two matches on one symbol


def test_two_matches_on_one_symbol_do_not_trade_with_each_other() -> None:
    story = Story(account=RICH)
    story.up()
    for name, fair in (("one", 0.60), ("two", 0.40)):  # they disagree: one would buy what the other sells
        story.add(MatchId(name), pays={A: (0,)}, settings=SETTINGS)
        story.fair(fair, 1 - fair, match=MatchId(name))
    story.book(A, {40: 100}, {60: 100})
    for _ in range(60):
        story.wait(0.5)
        bids = [p for p, _ in story.rests(A)]
        offers = [100 - p for p, _ in story.rests(NO_A)]
        assert not bids or not offers or max(bids) < min(offers)


def test_a_reducing_order_says_so() -> None:
    story = both(confirmed=True)
    hold(story, A, 50, 49)
    story.book(PB, {48: 100}, {53: 100})
    story.wait(3)
    found = [c for c in story.all(PlaceOrder) if c.ceiling_kind is CeilingKind.REDUCE]
    assert {c.instrument.venue for c in found} <= {K, P}
    assert story.state.desks[M].verdicts[0b01].reason is Reason.OVEREXPOSED


def with_values_account(**values: int) -> AccountSettings:
    return AccountSettings(
        write_tokens_per_s=100_000,
        write_burst=100_000,
        open_orders=10_000,
        **values,  # type: ignore[arg-type]
    )
