"""Stories of a Polymarket condition: both tokens in one book, cash by market, rules that change."""

from __future__ import annotations

from console.core.commands import Lookup, PlaceOrder, TimeInForce
from console.core.events import (
    ConfirmRules,
    FillConfirmed,
    FillReversed,
    Flatten,
    InstrumentDefined,
    OrderFilled,
    Resume,
    SetInventory,
)
from console.core.instruments import (
    Action,
    Instrument,
    InstrumentSpec,
    RewardTerms,
    Side,
    TradeId,
    VenueOrderId,
    VoidRule,
)
from console.core.matches import MatchId
from console.core.presets import PRESETS
from console.core.reasons import Reason
from console.core.rules import pair_hash, rules_hash
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import CENT, ONE, Cash, Price, Size

from .story import KALSHI, A, B, K, M, P, Story, cents, contracts, dollars

TOKEN = Instrument(P, "cs2-faze-ill-2026-04-05")
OTHER = TOKEN.no
SPEC = InstrumentSpec(
    two_sided=True, kept_apart=True, void_rule=VoidRule.HALF, size_min=Size(5 * ONE), size_step=Size(CENT)
)
SETTINGS = MatchSettings(repeated_fills=1_000)


def condition(settings: MatchSettings = SETTINGS, account: AccountSettings | None = None) -> Story:
    """One market of two teams, fair 52.5 / 47.5, quoting both tokens."""
    story = Story(P, account=account)
    story.up()
    story.add(pays={TOKEN: (0,)}, settings=settings, specs={TOKEN: SPEC})
    story.book(TOKEN, {48: 100, 47: 100}, {56: 100, 57: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    return story


def held(story: Story, net: int) -> None:
    story.clerks[P].positions[TOKEN] = contracts(net)
    story.tell(
        SetInventory(match=M, instrument=TOKEN, size=contracts(net), cost=dollars(abs(net) / 2), why="test")
    )
    story.wait(3)


# ---- both outcomes


def test_both_tokens_are_bid_in_the_one_book() -> None:
    story = condition()
    assert story.rests(TOKEN) == [(49, 10)]
    assert story.rests(OTHER) == [(45, 10)]  # an offer of the first token at 55
    assert story.resting() == 2


def test_what_is_held_is_sold_instead_of_buying_the_other_token() -> None:
    story = condition()
    held(story, 10)
    assert story.rests(TOKEN) == [(49, 10)]
    assert story.rests(TOKEN, Action.SELL) == [(55, 10)]  # no cash tied up
    assert story.rests(OTHER) == []


def test_the_other_token_held_is_sold_to_become_long_of_the_first() -> None:
    story = condition()
    held(story, -10)
    assert story.rests(OTHER, Action.SELL) == [(51, 10)]
    assert story.rests(TOKEN) == []
    assert story.rests(OTHER) == [(45, 10)]


def test_less_held_than_wanted_is_sold_and_the_rest_bought_for_the_same_contracts() -> None:
    story = condition(with_contracts(20))
    held(story, 8)
    assert story.rests(TOKEN, Action.SELL) == [(55, 8)]
    assert story.rests(OTHER) == [(45, 12)]


def test_a_rest_below_the_minimum_is_left_alone() -> None:
    story = condition()
    held(story, 8)
    assert story.rests(TOKEN, Action.SELL) == [(55, 8)]
    assert story.rests(OTHER) == []  # two contracts: below the venue's five


def bought(number: int, size: int) -> OrderFilled:
    return OrderFilled(
        venue_order_id=VenueOrderId(f"0x{number}"),
        trade_id=TradeId(f"b{number}"),
        instrument=TOKEN,
        action=Action.BUY,
        price=Price(490_000),
        size=contracts(size),
        cost=dollars(0.49 * size),
        fee=Cash(0),
        maker=True,
        provisional=True,
    )


def test_what_was_bought_is_sold_only_once_it_has_settled() -> None:
    story = condition()
    story.tell(bought(1, 10))
    story.wait(3)
    assert story.rests(OTHER) == [(45, 10)]  # the venue would refuse a sale: the tokens are not there yet
    assert story.rests(TOKEN, Action.SELL) == []
    story.tell(FillConfirmed(venue=P, trade_id=TradeId("b1")))
    story.wait(3)
    assert story.rests(TOKEN, Action.SELL) == [(55, 10)]
    assert story.rests(OTHER) == []


def test_a_flatten_sells_nothing_that_has_not_settled() -> None:
    """What was bought a moment ago would be refused: the other token gets us out at the same price."""
    for settled, way in ((False, (OTHER, Action.BUY, 52)), (True, (TOKEN, Action.SELL, 48))):
        story = condition()
        story.tell(bought(1, 10))
        if settled:
            story.tell(FillConfirmed(venue=P, trade_id=TradeId("b1")))
        story.tell(Flatten(match=M, floor=cents(48)))
        story.wait(6)
        out = next(order for order in story.all(PlaceOrder) if order.time_in_force is TimeInForce.IOC)
        assert (out.instrument, out.action, out.price / CENT) == way


def test_of_what_is_held_only_the_settled_part_is_sold() -> None:
    story = condition(with_contracts(20))
    story.tell(bought(1, 12))
    story.tell(FillConfirmed(venue=P, trade_id=TradeId("b1")))
    story.tell(bought(2, 8))
    story.wait(3)
    assert story.rests(TOKEN, Action.SELL) == [(55, 12)]
    assert story.rests(OTHER) == [(45, 8)]


def with_contracts(count: int) -> MatchSettings:
    return MatchSettings(repeated_fills=1_000, contracts=contracts(count))


# ---- cash


def test_one_dollar_may_back_quotes_in_many_markets_but_each_only_once() -> None:
    story = Story(P)
    story.clerks[P].cash = dollars(8)
    story.up()
    for number in range(3):
        token, match = Instrument(P, f"market-{number}"), MatchId(f"m{number}")
        story.add(match, pays={token: (0,)}, settings=SETTINGS, specs={token: SPEC}, event=f"e{number}")
        story.book(token, {48: 100}, {56: 100})
        story.fair(0.525, 0.475, match=match)
    story.wait(6)
    for number in range(3):
        token = Instrument(P, f"market-{number}")
        first, second = story.rests(token), story.rests(token.no)
        assert first == [(49, 10)]  # 4.90 of the 8 dollars, in every market
        assert second == [(45, 6.88)]  # what the other 3.10 buy


# ---- orders


def test_a_lookup_says_all_that_the_order_said() -> None:
    story = condition()
    placed = story.all(PlaceOrder)[0]
    assert placed.wall == story.all(PlaceOrder)[0].wall > 0
    story.answering = False
    story.fair(0.40, 0.60)  # the bid must go, and nobody answers
    story.wait(7)
    asked = [lookup for lookup in story.all(Lookup) if lookup.order_id == placed.order_id]
    assert asked
    assert (asked[0].action, asked[0].price, asked[0].size, asked[0].wall) == (
        placed.action,
        placed.price,
        placed.size,
        placed.wall,
    )


def test_the_moment_of_an_order_outlives_the_process() -> None:
    story = condition()
    walls = sorted(order.placed_wall for order in story.state.blotter.live.values())
    later = story.restart()
    assert sorted(order.placed_wall for order in later.state.blotter.live.values()) == walls
    assert min(walls) > 0


# ---- rules


def told(text: str, of: InstrumentSpec) -> InstrumentSpec:
    return InstrumentSpec(
        two_sided=True,
        kept_apart=of.kept_apart,
        amendable=of.amendable,
        void_rule=of.void_rule,
        rules_hash=rules_hash(text),
    )


K_RULES, P_RULES = "Who wins the match, Kalshi.", "Who wins the match, Polymarket."


def pair() -> Story:
    """One match on both venues, whose rules were told."""
    story = Story(K, P)
    story.up()
    story.add(
        pays={A: (0,), B: (1,), TOKEN: (0,)},
        settings=SETTINGS,
        specs={A: told(K_RULES, KALSHI), B: told(K_RULES, KALSHI), TOKEN: told(P_RULES, SPEC)},
    )
    for instrument, bid, ask in ((A, 48, 56), (B, 43, 51), (TOKEN, 48, 56)):
        story.book(instrument, {bid: 100}, {ask: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    return story


def confirm(story: Story, words: str) -> list[str]:
    return story.refusals(story.tell(ConfirmRules(match=M, rules_hash=words)))


def bought_other(*, provisional: bool) -> OrderFilled:
    return OrderFilled(
        venue_order_id=VenueOrderId("0xabc"),
        trade_id=TradeId("t1"),
        instrument=OTHER,
        action=Action.BUY,
        price=Price(450_000),
        size=Size(10 * ONE),
        cost=Cash(4_500_000),
        fee=Cash(0),
        maker=True,
        provisional=provisional,
    )


def right() -> str:
    return pair_hash({A: rules_hash(K_RULES), B: rules_hash(K_RULES), TOKEN: rules_hash(P_RULES)})


def test_rules_are_the_same_whatever_their_spacing_and_capitals() -> None:
    assert rules_hash("Who  wins\n the MATCH?") == rules_hash("who wins the match?")
    assert rules_hash("Who wins?") != rules_hash("Who wins after extra time?")


def test_a_pair_nets_only_after_the_hash_of_its_rules_was_repeated() -> None:
    story = pair()
    assert len(story.state.desks[M].groups()) == 2
    assert "hash" in confirm(story, "0" * 64)[0]
    assert "hash" in confirm(story, right()[:6])[0]  # too short to mean it
    assert len(story.state.desks[M].groups()) == 2
    assert confirm(story, right()[:12]) == []
    assert len(story.state.desks[M].groups()) == 1
    assert story.state.desks[M].rules_confirmed == right()


def test_a_confirmation_may_say_why() -> None:
    story = pair()
    assert "hash" in confirm(story, f"{right()[:6]}+{right()[6:]}")[0]
    assert confirm(story, f"{right()}+read both on 13 July") == []
    assert story.state.desks[M].rules_confirmed == right()


def test_rules_that_change_end_the_netting_with_an_alert() -> None:
    story = pair()
    confirm(story, right())
    story.fill(story.order(A), 10)
    story.tell(bought_other(provisional=False))
    desk = story.state.desks[M]
    (merged,) = desk.groups()
    locked, cash = merged.locked, merged.cash
    assert locked > 0
    changed = told("Who wins the match, Polymarket, extra time included.", SPEC)
    story.tell(InstrumentDefined(instrument=TOKEN, spec=changed))
    kalshi, polymarket = desk.positions[K], desk.positions[P]
    assert kalshi is not polymarket
    assert kalshi.cash + polymarket.cash == cash  # not a cent lost or found
    assert (kalshi.holdings[A].net, polymarket.holdings[TOKEN].net) == (contracts(10), -contracts(10))
    assert kalshi.profits()[1] == -dollars(4.9)  # if the first outcome loses
    assert polymarket.profits()[0] == -dollars(4.5)
    assert desk.worst >= dollars(9.4)  # the venues may now disagree
    words = f"settlement rules changed: {right()[:12]} was confirmed, "
    assert any(text.startswith(words) for text in story.alerts())
    story.wait(2)
    assert story.resting() == 0
    assert desk.paused == "settlement rules changed"
    story.tell(Resume(match=M))
    assert len(desk.groups()) == 2


def test_a_fill_that_may_still_fail_can_be_taken_back_after_the_rules_changed() -> None:
    story = pair()
    confirm(story, right())
    story.fill(story.order(A), 10)
    story.tell(bought_other(provisional=True))
    story.tell(InstrumentDefined(instrument=TOKEN, spec=told("Other rules.", SPEC)))
    desk = story.state.desks[M]
    assert desk.positions[P].holdings[TOKEN].net == -contracts(10)
    story.tell(FillReversed(venue=P, trade_id=TradeId("t1")))
    assert desk.positions[P].holdings[TOKEN].net == 0
    assert desk.positions[P].cash == 0
    assert desk.positions[K].cash == -dollars(4.9)
    assert desk.unsettled == {}


def test_the_same_rules_told_again_change_nothing() -> None:
    story = pair()
    confirm(story, right())
    story.tell(InstrumentDefined(instrument=TOKEN, spec=told(P_RULES, SPEC)))
    assert len(story.state.desks[M].groups()) == 1
    assert not story.state.desks[M].paused


def test_confirmed_rules_are_checked_again_by_the_next_run() -> None:
    story = pair()
    confirm(story, right())
    later = story.restart()
    assert len(later.state.desks[M].groups()) == 1
    later.up()
    later.tell(InstrumentDefined(instrument=TOKEN, spec=told("New wording.", SPEC)))
    assert len(later.state.desks[M].groups()) == 2


def apart(*, confirmed: bool) -> Story:
    """Long one side at one venue and the other side at the other."""
    story = pair()
    if confirmed:
        confirm(story, right())
    story.clerks[K].positions[A] = contracts(50)
    story.clerks[P].positions[TOKEN] = -contracts(50)
    for instrument, net in ((A, 50), (TOKEN, -50)):
        story.tell(
            SetInventory(match=M, instrument=instrument, size=contracts(net), cost=dollars(25), why="test")
        )
    story.wait(4)
    return story


def resting(story: Story) -> dict[str, list[tuple[float, float]]]:
    legs = (A, A.no, B, B.no, TOKEN, OTHER)
    found = {
        f"{action.value} {leg}": story.rests(leg, action)
        for leg in legs
        for action in (Action.BUY, Action.SELL)
    }
    return {what: orders for what, orders in found.items() if orders}


def test_unconfirmed_what_is_held_apart_does_not_offset_and_is_worked_off_at_each_venue() -> None:
    story = apart(confirmed=False)
    desk = story.state.desks[M]
    assert desk.exposure(1) == 0  # in sum nothing, but the venues may disagree
    assert set(desk.rebalancing.values()) == {1, -1}
    assert resting(story) == {
        f"sell {A}": [(55, 10)],  # Kalshi has too much of the first, and only gets rid of it
        f"buy {B}": [(44, 10)],
        f"sell {OTHER}": [(51, 10)],  # Polymarket of the second
    }


def test_confirmed_they_offset_and_both_sides_are_quoted() -> None:
    story = apart(confirmed=True)
    assert not any(story.state.desks[M].rebalancing.values())
    assert resting(story) == {
        f"buy {A}": [(49, 10)],
        f"sell {A}": [(55, 10)],
        f"buy {B}": [(44, 10)],
        f"sell {OTHER}": [(51, 10)],
    }


# ---- a cancelled soccer match is a draw


HOME, DRAW, AWAY = (Instrument(P, f"epl-ars-che-{name}") for name in ("ars", "draw", "che"))
SOCCER = InstrumentSpec(two_sided=True, kept_apart=True, void_rule=VoidRule.DRAW, size_min=Size(5 * ONE))


def test_a_void_soccer_match_pays_the_draw() -> None:
    story = Story(P)
    story.up()
    story.add(
        pays={HOME: (0,), DRAW: (1,), AWAY: (2,)},
        names=("home", "draw", "away"),
        settings=SETTINGS,
        specs=dict.fromkeys((HOME, DRAW, AWAY), SOCCER),
    )
    story.tell(SetInventory(match=M, instrument=DRAW, size=contracts(10), cost=dollars(3), why="test"))
    story.tell(SetInventory(match=M, instrument=HOME, size=contracts(10), cost=dollars(4), why="test"))
    desk = story.state.desks[M]
    rules = {instrument: terms.void_rule for instrument, terms in desk.terms().items()}
    assert desk.groups()[0].void_profit(rules, None) == dollars(10 - 7)


# ---- a signal


def test_polymarket_prices_a_kalshi_soccer_match_and_is_never_traded() -> None:
    kalshi = tuple(Instrument(K, f"KXEPLGAME-{name}") for name in ("ARS", "TIE", "CHE"))
    story = Story(K, P)
    story.up()
    story.add(
        pays={
            **{i: (n,) for n, i in enumerate(kalshi)},
            **{i: (n,) for n, i in enumerate((HOME, DRAW, AWAY))},
        },
        names=("Arsenal", "Draw", "Chelsea"),
        signals=(HOME, DRAW, AWAY),
        settings=PRESETS["soccer"],
        specs={**dict.fromkeys(kalshi, KALSHI), **dict.fromkeys((HOME, DRAW, AWAY), SOCCER)},
    )
    for instrument, bid, ask in zip(kalshi, (40, 25, 25), (50, 33, 33), strict=True):
        story.book(instrument, {bid: 200}, {ask: 200})
    for instrument, bid, ask in ((HOME, 47, 49), (DRAW, 26, 28), (AWAY, 24, 26)):
        story.book(instrument, {bid: 500}, {ask: 500})
    story.wait(6)
    desk = story.state.desks[M]
    assert desk.theo is not None
    home, draw, away = desk.theo.outcomes
    # 70 parts Polymarket (48, 27, 25), 30 parts Kalshi itself (45, 29, 29 normalised)
    assert abs(home - cents(46.8)) < CENT // 2
    assert abs(draw - cents(27.4)) < CENT // 2
    assert abs(away - cents(25.8)) < CENT // 2
    assert all(story.rests(instrument) for instrument in kalshi)
    assert not any(order.instrument.venue is P for order in story.all(PlaceOrder))
    assert {source.name: source.weight > 0 for source in desk.theo.sources}["polymarket"]


def test_without_its_signal_the_soccer_match_is_not_quoted() -> None:
    kalshi = tuple(Instrument(K, f"KXEPLGAME-{name}") for name in ("ARS", "TIE", "CHE"))
    story = Story(K, P)
    story.up()
    story.add(
        pays={
            **{i: (n,) for n, i in enumerate(kalshi)},
            **{i: (n,) for n, i in enumerate((HOME, DRAW, AWAY))},
        },
        names=("Arsenal", "Draw", "Chelsea"),
        signals=(HOME, DRAW, AWAY),
        settings=SETTINGS,
        specs={**dict.fromkeys(kalshi, KALSHI), **dict.fromkeys((HOME, DRAW, AWAY), SOCCER)},
    )
    for instrument, bid, ask in zip(kalshi, (40, 25, 25), (50, 33, 33), strict=True):
        story.book(instrument, {bid: 200}, {ask: 200})
    story.wait(6)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.NO_THEO


def test_reward_terms_do_not_touch_the_ceiling() -> None:
    plain = condition()
    rewarded = Story(P)
    rewarded.up()
    spec = InstrumentSpec(
        two_sided=True,
        kept_apart=True,
        void_rule=VoidRule.HALF,
        size_min=Size(5 * ONE),
        size_step=Size(CENT),
        rewards=RewardTerms(Size(200 * ONE), Price(35_000)),
    )
    rewarded.add(pays={TOKEN: (0,)}, settings=SETTINGS, specs={TOKEN: spec})
    rewarded.book(TOKEN, {48: 100, 47: 100}, {56: 100, 57: 100})
    rewarded.fair(0.525, 0.475)
    rewarded.wait(6)
    assert [p.ceiling for p in rewarded.all(PlaceOrder)] == [p.ceiling for p in plain.all(PlaceOrder)]


def test_a_leg_of_the_condition_is_one_token() -> None:
    assert (TOKEN.side, OTHER.side) == (Side.YES, Side.NO)
