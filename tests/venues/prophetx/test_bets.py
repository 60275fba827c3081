"""News of a bet comes twice, late and out of order; what it means to the core comes once."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.american import contracts_of
from console.core.events import (
    MarketStatus,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
)
from console.core.instruments import MarketState
from console.core.ladders import price_of_american
from console.core.units import CENT, ONE
from console.venues.prophetx.bets import FORGET_S, Bets, News, news_of
from console.venues.prophetx.catalogue import Side
from console.venues.prophetx.dialects import LEGACY, V4
from console.venues.prophetx.neutral import Matching, Status, Unreadable, Winning
from console.venues.prophetx.push import parse
from console.venues.prophetx.pusher import parse_frame

from .samples import CELTICS, ORDER, OURS, example, raw

SIDE = Side(20021871, 219, "93c3f94974543f570ecca97909a67532")


def news(filled=0.0, stake=100.0, status=Status.OPEN, winning=Winning.TBD, **changes):
    filled, stake = round(filled * 100) * CENT, round(stake * 100) * CENT
    matching = Matching.UNMATCHED
    if filled:
        matching = Matching.FULLY if filled == stake else Matching.PARTIALLY
    ended = status in (Status.CANCELED, Status.INVALID, Status.WIPED, Status.CLOSED, Status.SETTLED)
    facts = {
        "key": ORDER,
        "external_id": OURS,
        "side": SIDE,
        "odds": 120,
        "stake": stake,
        "filled": filled,
        "open": 0 if ended else stake - filled,
        "matching": matching,
        "winning": winning,
        "status": status,
    }
    return News(**{**facts, **changes})


def sent(odds=120, stake=100.0):
    bets = Bets()
    bets.sent(OURS, SIDE, odds, round(stake * 100) * CENT, 1000.0)
    return bets


def learn(bets, *told):
    return [event for one in told for event in bets.learn(one, 1001.0)]


def fills(events):
    return [(e.cost / ONE, e.size / ONE, e.trade_id) for e in events if isinstance(e, OrderFilled)]


@pytest.mark.parametrize(
    ("dialect", "name"), [(V4, "ws_v4_order_lifecycle"), (LEGACY, "ws_legacy_wager_lifecycle")]
)
def test_the_life_of_a_bet(dialect, name):
    """Activated, matched in part, the rest cancelled, won: 40 dollars at +120."""
    bets = sent()
    told = [news_of(parse(dialect, parse_frame(raw(step["frame"])))) for step in example(name)]
    activated = bets.learn(told[0], 1.0)
    assert activated == [
        OrderAccepted(order_id=OURS, venue_order_id=ORDER, price=454_545, size=220 * ONE)  # 100 to win 120
    ]
    (filled,) = bets.learn(told[1], 2.0)
    assert (filled.cost, filled.size, filled.price, filled.fee) == (40 * ONE, 88 * ONE, 454_545, 0)
    assert (filled.order_id, filled.venue_order_id, filled.instrument) == (OURS, ORDER, CELTICS)
    assert bets.positions() == {CELTICS: 88 * ONE}
    assert bets.learn(told[2], 3.0) == [OrderCanceled(order_id=OURS)]  # it stays `open` over there
    assert bets.resting() == []
    assert bets.learn(told[3], 4.0) == [
        MarketStatus(instrument=CELTICS, state=MarketState.RESOLVED),
        Settled(instrument=CELTICS, payout=ONE),
    ]
    assert bets.positions() == {}


def test_a_taken_order_is_accepted_when_it_is_visible():
    bets = sent()
    assert learn(bets, news(status=Status.INACTIVE)) == []
    assert [type(e) for e in learn(bets, news())] == [OrderAccepted]
    assert learn(bets, news(), news(status=Status.INACTIVE)) == []


def test_an_order_that_never_becomes_visible_is_refused():
    bets = sent()
    (refused,) = learn(bets, news(status=Status.INACTIVE), news(status=Status.INVALID))
    assert isinstance(refused, OrderRejected)
    assert refused.reason is RejectReason.BALANCE
    assert bets.resting() == []


def test_a_fill_that_overtakes_the_answer_is_counted_once():
    bets = sent()
    told = learn(bets, news(40), news(status=Status.INACTIVE), news(), news(40))
    assert [type(e) for e in told] == [OrderAccepted, OrderFilled]
    assert fills(told) == [(40.0, 88.0, f"{ORDER}:4000")]


def test_totals_are_told_never_latest_amounts():
    bets = sent()
    told = learn(bets, news(10), news(25.5), news(25.5), news(10), news(100))
    assert fills(told) == [
        (10.0, 22.0, f"{ORDER}:1000"),
        (15.5, 34.1, f"{ORDER}:2550"),
        (74.5, 163.9, f"{ORDER}:10000"),
    ]
    assert isinstance(told[-1], OrderCanceled)  # the cent that rounding left of it does not rest


@settings(max_examples=200)
@given(
    st.lists(st.integers(1, 9_999), min_size=1, max_size=6, unique=True), st.integers(0, 10_000), st.data()
)
def test_whatever_arrives_in_whatever_order_the_cash_is_exact(totals, seed, data):
    odds = data.draw(st.integers(100, 1000) | st.integers(-1000, -101))
    bets = sent(odds)
    truth = [news(cents / 100, odds=odds) for cents in sorted(totals)]
    told = [news(status=Status.INACTIVE, odds=odds), news(odds=odds), *truth]
    mixed = [*told, *random.Random(seed).sample(told, len(told) // 2 + 1)]  # some come twice
    random.Random(seed).shuffle(mixed)
    events = learn(bets, *mixed)
    filled = [e for e in events if isinstance(e, OrderFilled)]
    assert sum(e.cost for e in filled) == max(totals) * CENT
    assert sum(e.size for e in filled) == contracts_of(max(totals) * CENT, odds)
    assert len({e.trade_id for e in filled}) == len(filled)
    assert sum(isinstance(e, OrderAccepted) for e in events) == 1
    assert bets.positions() == {CELTICS: contracts_of(max(totals) * CENT, odds)}


def test_a_better_price_than_asked_is_booked_as_it_was():
    bets = sent()
    (accepted, filled, over) = learn(bets, news(100, fill_odds=130))
    assert (accepted.price, filled.price) == (price_of_american(120), price_of_american(130))
    assert (filled.cost, filled.size, filled.maker) == (100 * ONE, 230 * ONE, False)
    assert isinstance(over, OrderCanceled)


def test_a_cancelled_order_is_over_once():
    bets = sent()
    assert [
        type(e) for e in learn(bets, news(), news(status=Status.CANCELED), news(status=Status.CANCELED))
    ] == [
        OrderAccepted,
        OrderCanceled,
    ]


def test_what_the_venue_wipes_is_over():
    bets = sent()
    assert isinstance(learn(bets, news(), news(status=Status.WIPED))[-1], OrderCanceled)


# ---- settlement


@pytest.mark.parametrize(
    ("winning", "status", "expected"),
    [
        (Winning.WON, Status.CLOSED, (ONE, False)),
        (Winning.PROFIT, Status.SETTLED, (ONE, False)),
        (Winning.MANUALLY_WON, Status.MANUALLY_SETTLED, (ONE, False)),
        (Winning.LOST, Status.CLOSED, (0, False)),
        (Winning.LOSS, Status.CLOSED, (0, False)),
        (Winning.PUSH, Status.CLOSED, (0, True)),
        (Winning.DRAW, Status.CLOSED, (0, True)),
        (Winning.NO_RESULT, Status.CLOSED, (0, True)),
        (Winning.TBD, Status.VOID, (0, True)),
        (Winning.TBD, Status.CLOSED, None),
    ],
)
def test_a_side_pays_what_its_bets_did(winning, status, expected):
    bets = sent()
    learn(bets, news(100))
    told = [e for e in learn(bets, news(100, status=status, winning=winning)) if isinstance(e, Settled)]
    assert [(e.payout, e.refund) for e in told] == ([] if expected is None else [expected])


def two_bets():
    bets = sent()
    learn(bets, news(100))
    bets.sent("other", SIDE, 130, 50 * ONE, 1000.0)
    return bets, {"key": "second", "external_id": "other", "odds": 130}


def test_a_side_pays_when_all_its_bets_have():
    bets, second = two_bets()
    learn(bets, news(50, 50, **second))
    won = {"status": Status.CLOSED, "winning": Winning.WON}
    assert learn(bets, news(100, **won)) == []
    assert [type(e) for e in learn(bets, news(50, 50, **won, **second))] == [MarketStatus, Settled]
    assert learn(bets, news(100, **won)) == []


def test_one_bet_taken_back_leaves_the_others_and_shows_as_a_difference():
    bets, second = two_bets()
    learn(bets, news(50, 50, **second), news(50, 50, status=Status.VOID, **second))
    assert bets.positions() == {CELTICS: 220 * ONE}  # the engine still holds 335: the operator will be asked
    (_, paid) = learn(bets, news(100, status=Status.CLOSED, winning=Winning.WON))
    assert (paid.payout, paid.refund) == (ONE, False)


# ---- earlier runs and other people


def test_a_bet_of_an_earlier_run_is_news_only_beyond_what_was_booked():
    bets = Bets()
    assert learn(bets, news(40)) == []  # the engine may know all of it
    record = bets.find(OURS)
    assert [o.filled for o in (record.listed(),)] == [88 * ONE]
    told = bets.adopt(record, contracts_of(15 * ONE, 120))
    assert fills(told) == [(25.0, 55.0, f"{ORDER}:4000")]
    assert bets.adopt(record, 0) == []
    assert fills(learn(bets, news(41))) == [(1.0, 2.2, f"{ORDER}:4100")]


def test_what_filled_before_it_is_looked_up_is_told_once():
    bets = Bets()
    learn(bets, news(10), news(40))  # pushed before the engine asks
    record = bets.find(OURS)
    assert fills(bets.adopt(record, contracts_of(10 * ONE, 120))) == [(30.0, 66.0, f"{ORDER}:4000")]


def test_a_bet_by_hand_counts_from_when_it_was_first_seen():
    bets = Bets()
    by_hand = {"key": "hand", "external_id": ""}
    assert learn(bets, news(40, **by_hand)) == []
    (filled,) = learn(bets, news(60, **by_hand))
    assert (filled.order_id, filled.cost) == ("", 20 * ONE)
    assert bets.positions() == {CELTICS: contracts_of(60 * ONE, 120)}


def test_what_is_over_and_left_nothing_is_forgotten():
    bets = sent()
    learn(bets, news(status=Status.CANCELED))
    bets.sent("filled", SIDE, 120, 100 * ONE, 1000.0)
    learn(bets, news(100, key="k2", external_id="filled"))
    bets.forget(1001.0 + FORGET_S + 1)
    assert bets.find(OURS) is None
    assert bets.find("filled") is not None


def test_a_refused_order_leaves_no_trace_and_a_taken_one_stays():
    bets = sent()
    bets.refused(OURS)
    assert bets.find(OURS) is None
    bets = sent()
    learn(bets, news(status=Status.INACTIVE))
    bets.refused(OURS)
    assert bets.find(OURS) is not None


def test_an_order_without_an_id_is_unreadable():
    step = example("ws_v4_order_lifecycle")[0]
    told = parse(V4, parse_frame(raw(step["frame"])))
    with pytest.raises(Unreadable, match="order_id"):
        news_of(msgspec.structs.replace(told, order_id=""))
    with pytest.raises(Unreadable, match="odds"):
        news_of(msgspec.structs.replace(told, odds=0))


def test_every_status_has_its_place():
    for before, after in itertools.permutations(Status, 2):
        bets = sent()
        learn(bets, news(status=before), news(status=after))
        assert bets.find(OURS).status in (before, after)
