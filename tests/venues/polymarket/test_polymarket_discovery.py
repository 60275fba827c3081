"""Listings turned into matches and facts, and liquidity scored."""

import msgspec
import pytest
from polymarket_samples import (
    DIGEST,
    NO,
    SLUG,
    VECTORS,
    YES,
    as_bytes,
    example,
    loaded,
)

from console.core.fees import FeeModel
from console.core.instruments import Action, Instrument, MarketState, Venue, VoidRule
from console.core.matches import Kind
from console.core.units import CENT, ONE, SECOND, micros
from console.venues.polymarket.account import (
    parse_trades,
)
from console.venues.polymarket.discovery import (
    GammaMarket,
    facts_of,
    matches_of,
    parse_event,
    parse_market,
    wanted,
)
from console.venues.polymarket.rewards import Quote, newly_paid, parse_earnings, score
from console.venues.polymarket.user import (
    Leg,
)
from console.venues.polymarket.wire import ParseError

P = Venue.POLYMARKET
HOME = Instrument(P, SLUG)
FEES = FeeModel(taker_rate=50_000, unit=10)


def leg(token):
    return {YES: Leg(HOME, FEES), NO: Leg(HOME.no, FEES)}.get(token)


def name(digest):
    return "k3x9-1" if digest == DIGEST else ""


def every_trade(body):
    return parse_trades(body)[0]


# ---- discovery


def test_a_market_of_two_teams_is_a_match():
    facts = parse_market(example("gamma_market_sports_two_team"))
    spec = facts.spec
    assert facts.outcomes == ("FaZe", "illwill")
    assert (facts.neg_risk, facts.protocol_v2, facts.delay_s, facts.clears_at_start) == (
        False,
        False,
        3,
        True,
    )
    assert facts.start == 1_775_401_800 * SECOND  # 2026-04-05 15:10:00+00
    assert (facts.tick, spec.size_min, spec.size_step) == (1_000, 5 * ONE, CENT)
    assert spec.fees == FeeModel(maker_rate=0, taker_rate=30_000, unit=10)
    assert (spec.void_rule, spec.two_sided, spec.kept_apart) == (VoidRule.HALF, True, True)
    assert (spec.rewards.size_min, spec.rewards.max_spread) == (200 * ONE, 35_000)
    assert facts.rebate_pct == 25
    assert facts.state is MarketState.OPEN
    assert len(spec.rules_hash) == 64


def test_a_soccer_event_is_one_match_of_three_outcomes():
    event = parse_event(example("gamma_event_soccer_three_way"))
    result, *others = matches_of(event)
    assert others == []
    assert result.outcomes == ("Arsenal FC", "Draw", "Chelsea FC")
    assert [listing.pays for listing in result.listings] == [(0,), (1,), (2,)]
    assert [listing.instrument.symbol.rsplit("-", 1)[1] for listing in result.listings] == [
        "ars",
        "draw",
        "che",
    ]
    assert (result.kind, result.sport, result.league) == (Kind.H2H, "EPL", "premier-league-2026")
    assert result.defect() is None
    assert not result.may_none
    facts = parse_market(example("gamma_market_sports_neg_risk"))
    assert (facts.neg_risk, facts.spec.void_rule) == (True, VoidRule.DRAW)


def test_which_team_is_at_home_is_never_guessed():
    event = loaded("gamma_event_soccer_three_way")
    event["title"] = "A special evening"
    assert all(len(spec.outcomes) == 2 for spec in matches_of(parse_event(as_bytes(event))))
    event = loaded("gamma_event_soccer_three_way")
    for market in event["markets"]:
        market["groupItemTitle"] = "Arsenal FC"
        market["question"] = "Will it be so?"
    assert all(len(spec.outcomes) == 2 for spec in matches_of(parse_event(as_bytes(event))))


def test_a_position_of_protocol_v2_is_told_by_its_ids():
    facts = parse_market(example("gamma_market_protocol_v2"))
    assert facts.protocol_v2
    assert facts.tokens == tuple(loaded("gamma_market_protocol_v2")["positionIds"])


def changed(**fields):
    return as_bytes({**loaded("gamma_market_sports_two_team"), **fields})


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"outcomes": '["FaZe"]'}, "outcomes"),
        ({"outcomes": "FaZe, illwill"}, "outcomes"),
        ({"clobTokenIds": '["1", "1"]'}, "clobTokenIds"),
        ({"clobTokenIds": '["x", "2"]'}, "clobTokenIds"),
        ({"orderPriceMinTickSize": 0.02}, "orderPriceMinTickSize"),
        ({"feeSchedule": None}, "feeSchedule"),
        ({"feeSchedule": {"rate": 0.05, "exponent": 0.5, "takerOnly": True}}, "feeSchedule"),
        ({"gameStartTime": "tomorrow"}, "gameStartTime"),
        ({"version": "v2"}, "clobTokenIds"),
    ],
)
def test_a_market_that_makes_no_sense_is_refused(fields, about):
    with pytest.raises(ParseError, match=about):
        parse_market(changed(**fields))


@pytest.mark.parametrize(
    ("fields", "state", "payout"),
    [
        ({}, MarketState.OPEN, None),
        ({"acceptingOrders": False}, MarketState.PAUSED, None),
        ({"closed": True, "outcomePrices": '["0.48", "0.52"]'}, MarketState.CLOSED, None),
        ({"closed": True, "outcomePrices": '["1", "0"]'}, MarketState.RESOLVED, ONE),
        ({"closed": True, "outcomePrices": '["0", "1"]'}, MarketState.RESOLVED, 0),
        ({"closed": True, "outcomePrices": '["0.5", "0.5"]'}, MarketState.RESOLVED, ONE // 2),
        ({"closed": False, "outcomePrices": '["1", "0"]'}, MarketState.OPEN, None),
    ],
)
def test_state_and_result_are_read_together(fields, state, payout):
    facts = parse_market(changed(**fields))
    assert (facts.state, facts.payout) == (state, payout)


def test_the_rules_of_a_market_are_hashed_with_their_source():
    plainly = parse_market(changed(description="Rules.")).spec.rules_hash
    assert parse_market(changed(description="  RULES. ")).spec.rules_hash == plainly
    assert parse_market(changed(description="Rules!")).spec.rules_hash != plainly
    assert parse_market(changed(description="Rules.", resolutionSource="x")).spec.rules_hash != plainly


@pytest.mark.parametrize(
    ("text", "slugs"),
    [
        ("https://polymarket.com/event/epl-ars-che-2026-09-19?tid=1", ("epl-ars-che-2026-09-19",)),
        (
            "polymarket.com/event/epl-ars-che-2026-09-19/epl-ars-che-2026-09-19-ars",
            ("epl-ars-che-2026-09-19-ars", "epl-ars-che-2026-09-19"),
        ),
        ("https://polymarket.com/sports/cs2/cs2-faze-ill-2026-04-05", ("cs2-faze-ill-2026-04-05",)),
        ("cs2-faze-ill-2026-04-05", ("cs2-faze-ill-2026-04-05",)),
        ("Arsenal Chelsea", ()),
    ],
)
def test_addresses_and_slugs_are_recognised(text, slugs):
    assert wanted(text).slugs == slugs
    assert wanted(text).words


def test_a_market_listed_without_numbers_as_floats_is_exact():
    market = msgspec.json.decode(changed(orderMinSize=0.1), type=GammaMarket)
    assert facts_of(market).spec.size_min == 100_000


# ---- rewards


@pytest.mark.parametrize(
    "vector", VECTORS["liquidity_reward_scores"], ids=lambda v: v["mid"] + v["max_spread_cents"]
)
def test_liquidity_is_scored_by_the_documented_formula(vector):
    quotes = [
        Quote(
            HOME.side if order["token"] == "YES" else HOME.no.side,
            Action[order["side"]],
            micros(order["price"]),
            micros(order["size"]),
        )
        for order in vector["orders"]
    ]
    scored = score(quotes, micros(vector["mid"]), micros(vector["max_spread_cents"]) // 100)
    expected = vector["expected"]
    for ours, theirs in ((scored.one, "q_one"), (scored.two, "q_two"), (scored.counts, "q_min")):
        assert float(ours) == pytest.approx(float(expected[theirs]), abs=1e-11)


def test_small_orders_do_not_score():
    quote = Quote(HOME.side, Action.BUY, 490_000, 199 * ONE)
    assert score([quote], 500_000, 30_000, size_min=200 * ONE).counts == 0


def test_only_what_is_new_counts_as_paid():
    before = parse_earnings(example("rest_rewards_user_response"))
    assert newly_paid(before, before) == []
    (paid,) = newly_paid({}, before)
    assert paid.amount == micros("1.237519")
    more_paid = {key: value + 5 for key, value in before.items()}
    assert newly_paid(before, more_paid)[0].amount == 5
