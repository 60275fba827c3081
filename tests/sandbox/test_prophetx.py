"""The pretended ProphetX from the inside: whole cents, one pool a line, the life of a wager, the door."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from console.sandbox.command import SandboxError
from console.sandbox.prophetx.crowd import Crowd, ladder
from console.sandbox.prophetx.entry import Entry, KeyPair
from console.sandbox.prophetx.exchange import FOK_S, PLACING_S, Exchange, Turned
from console.sandbox.prophetx.faults import FAULTS, Faults, described
from console.sandbox.prophetx.luck import Luck
from console.sandbox.prophetx.pool import State, odds_ratio, other_side, profit
from console.sandbox.prophetx.programme import programme
from console.sandbox.prophetx.push import Signer
from console.sandbox.prophetx.reports import Reports
from console.sandbox.prophetx.words import LEGACY, V4, balance, row, selections, update

EXAMPLES = Path(__file__).parents[1] / "venues" / "prophetx" / "examples"
VECTORS = json.loads((EXAMPLES / "maker_taker_vectors.json").read_text())["cases"]


class Venue:
    """An exchange without a crowd, on a clock of its own."""

    def __init__(self, cash=10_000_00, events=3):
        self.now = 1_795_204_800.0
        self.exchange = Exchange(programme(7, events, self.now), ladder(), Luck(7), lambda: self.now)
        self.user = self.exchange.user("us", cash)
        self.told = []
        self.exchange.on_wager.append(
            lambda wager, kind: self.told.append((wager.external_id, kind, wager.state))
        )
        pool = next(iter(self.exchange.pools.values()))
        self.pool = pool
        self.home, self.away = (side.side_id for side in pool.line.sides)
        self.count = 0

    def later(self, seconds):
        self.now += seconds
        self.exchange.step()

    def place(self, odds=120, stake=100.0, side=None, strategy=None, external=None):
        self.count += 1
        external = external or f"o{self.count}"
        return self.exchange.place(self.user, external, side or self.home, odds, stake, strategy)

    def open(self, *arguments, **changes):
        wager = self.place(*arguments, **changes)
        self.later(1.0)
        return wager


def refused(call, *arguments, **changes):
    with pytest.raises(Turned) as turned:
        call(*arguments, **changes)
    return turned.value.status, turned.value.code


# ---- arithmetic


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['maker_odds']:+d}")
def test_maker_and_taker_of_the_vectors(case):
    venue = Venue()
    maker = venue.open(int(case["maker_odds"]), case["maker_stake"])
    assert maker.open == round(case["maker_stake"] * 100)
    assert profit(maker.stake, maker.odds) == round(case["maker_profit"] * 100)
    assert other_side(maker.odds) == case["taker_odds"]
    shown = venue.pool.shown(1)[0]
    assert (shown.odds, shown.risks) == (case["taker_odds"], round(case["taker_stake_to_fill_all"] * 100))
    staked = venue.exchange.take(venue.away, round(case["taker_stake"] * 100))
    assert staked == round(case["taker_stake"] * 100)
    assert maker.filled == round(case["maker_stake_matched"] * 100)
    assert maker.winnings == round(case["maker_profit_matched"] * 100)


def test_a_pot_is_never_more_or_less_than_was_put_into_it():
    venue, luck = Venue(10**9), Luck(3)
    for number in range(40):
        odds = venue.exchange.ladder[int(luck.between(0, len(venue.exchange.ladder)))]
        venue.place(odds, round(luck.between(0.5, 90.0), 2), side=(venue.home, venue.away)[number % 2])
        venue.later(1.0)
    wagers = list(venue.exchange.wagers.values())
    for side in (0, 1):
        mine = [w for w in wagers if w.side == side]
        other = [w for w in wagers if w.side != side]
        assert sum(w.winnings for w in mine) == sum(w.filled for w in other)
    assert venue.user.cash == 10**9 - sum(w.filled for w in wagers)
    assert sum(w.filled for w in wagers) > 0


def test_the_ladder_is_longer_than_the_old_one_and_negates():
    rungs = ladder()
    old = json.loads((EXAMPLES / "odds_ladder_291_response.json").read_text())["data"]
    assert set(old) <= set(rungs)
    assert len(rungs) > 400
    assert {-odds for odds in rungs if odds != 100} <= set(rungs)
    assert -100 not in rungs


# ---- the book


def test_a_lone_wager_shows_on_the_other_side_at_the_opposite_odds():
    venue = Venue()
    venue.open(110, 100.0, side=venue.away)
    venue.open(100, 100.0, side=venue.home)
    told = selections(V4, venue.pool, venue.now)
    assert [(level["price"], level["quantity"]) for level in told[0]] == [(-110, 100.0)]
    assert [(level["price"], level["quantity"]) for level in told[1]] == [(100, 100.0)]


def test_a_side_nobody_offers_holds_one_level_without_odds():
    venue = Venue()
    for words, odds, stake, side in (
        (V4, "price", "quantity", "strike_id"),
        (LEGACY, "odds", "stake", "line_id"),
    ):
        (level,) = selections(words, venue.pool, venue.now)[0]
        assert (level[odds], level[stake], level[side]) == (None, 0.0, venue.home)


def test_the_best_come_first_and_of_them_the_earliest():
    venue = Venue()
    for odds in (130, 120, 125, 120):
        venue.open(odds, 10.0)
    assert [(w.odds, w.external_id) for w in venue.pool.makers(0)] == [
        (120, "o2"),
        (120, "o4"),
        (125, "o3"),
        (130, "o1"),
    ]
    venue.exchange.take(venue.away, 15_00)
    assert [w.filled for w in venue.user.externals.values()] == [0, 10_00, 0, 2_50]


def test_ten_prices_are_shown_and_no_more():
    venue = Venue()
    for odds in range(120, 144, 2):
        venue.open(odds, 10.0)
    assert len(venue.pool.shown(1)) == 10
    assert len(venue.pool.all()) == 12


def test_an_order_that_crosses_trades_at_the_resting_price():
    venue = Venue()
    resting = venue.open(120, 100.0)
    taking = venue.open(-130, 60.0, side=venue.away)  # asks -130, gets -120
    assert (taking.filled, taking.fill_odds, taking.winnings) == (60_00, -120, 50_00)
    assert (resting.filled, resting.fill_odds) == (50_00, 120)


def test_one_that_only_adds_and_would_cross_is_cancelled():
    venue = Venue()
    venue.open(120, 100.0)
    assert venue.open(-130, 60.0, side=venue.away, strategy="ALO").state is State.CANCELED
    assert venue.open(-110, 60.0, side=venue.away, strategy="ALO").resting


def test_one_that_must_fill_has_two_seconds():
    venue = Venue()
    venue.open(120, 10.0)
    taking = venue.open(-130, 60.0, side=venue.away, strategy="fillOrKill")
    assert taking.resting
    venue.later(FOK_S + 0.1)
    assert (taking.state, taking.stake, taking.matching) == (State.OPEN, 12_00, "fully_matched")
    lonely = venue.open(-130, 60.0, side=venue.away, strategy="fillOrKill")
    venue.later(FOK_S + 0.1)
    assert lonely.state is State.CANCELED


# ---- the life of a wager


def test_it_is_inactive_before_it_is_open():
    venue = Venue()
    wager = venue.place()
    assert (wager.state, venue.pool.all()) == (State.INACTIVE, [])
    venue.later(1.0)
    assert wager.resting
    assert venue.told == [("o1", "status", State.OPEN)]


def test_money_leaves_on_a_match_and_comes_back_less_the_commission():
    venue = Venue()
    wager = venue.open(120, 100.0)
    assert venue.user.cash == 10_000_00
    venue.exchange.take(venue.away, 48_00)
    assert (wager.filled, venue.user.cash) == (40_00, 9_960_00)
    venue.exchange.settle(wager.pool.fixture.event_id, home_wins=True)
    assert venue.user.cash == 9_960_00 + 88_00 - 96  # 2 % of 48 dollars
    assert [state for _, _, state in venue.told][-3:] == [State.OPEN, State.SETTLED, State.CLOSED]
    assert [t["transaction_type"] for t in venue.user.transactions] == ["PAY", "COMMISSION"]


@pytest.mark.parametrize("how", ["push", "void"])
def test_a_push_and_a_void_return_the_stake(how):
    venue = Venue()
    wager = venue.open(120, 100.0)
    venue.exchange.take(venue.away, 48_00)
    if how == "push":
        venue.exchange.settle(wager.pool.fixture.event_id, home_wins=None)
    else:
        venue.exchange.void(wager.pool.fixture.event_id)
    assert venue.user.cash == 10_000_00
    assert wager.state is (State.CLOSED if how == "push" else State.VOID)


def test_a_lost_wager_is_closed_at_once():
    venue = Venue()
    wager = venue.open(120, 100.0)
    venue.exchange.take(venue.away, 120_00)
    venue.exchange.settle(wager.pool.fixture.event_id, home_wins=False)
    assert (wager.state, venue.user.cash) == (State.CLOSED, 9_900_00)


def test_a_part_matched_wager_that_is_cancelled_stays_open_and_shrinks():
    venue = Venue()
    wager = venue.open(120, 100.0)
    venue.exchange.take(venue.away, 48_00)
    venue.exchange.cancel(wager)
    told = row(V4, wager)
    assert (told["status"], told["matching_status"], told["quantity"], told["open_quantity"]) == (
        "open",
        "fully_matched",
        40.0,
        0.0,
    )
    assert refused(venue.exchange.cancel, wager) == (400, "order_already_filled")


def test_what_waits_for_its_activation_survives_a_cancel_of_everything():
    venue = Venue()
    resting, waiting = venue.open(), venue.place(130)
    assert venue.exchange.cancel_many(venue.user.live.values()) == 1
    assert (resting.state, waiting.state) == (State.CANCELED, State.INACTIVE)
    venue.later(1.0)
    assert waiting.resting


def test_when_a_game_begins_everything_is_wiped():
    venue = Venue()
    part, untaken = venue.open(120, 10.0), venue.open(130, 10.0)
    venue.exchange.take(venue.away, 6_00)
    venue.later(1201)
    assert part.pool.fixture.status == "live"
    assert (part.state, part.stake, untaken.state) == (State.OPEN, 5_00, State.WIPED)
    assert venue.pool.all() == []
    untouched = venue.open(140, 10.0)
    assert untouched.state is State.INACTIVE


def test_in_a_live_game_an_order_is_placing_for_five_seconds():
    venue = Venue()
    venue.exchange.go_live(venue.pool.fixture)
    wager = venue.place()
    assert refused(venue.exchange.cancel, wager) == (409, "order_is_placing")
    venue.later(PLACING_S + 0.1)
    venue.exchange.cancel(wager)
    assert wager.state is State.CANCELED
    assert refused(venue.exchange.cancel, wager) == (400, "order_already_cancelled")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"odds": 1337}, "invalid_price"),
        ({"odds": "120"}, "invalid_price"),
        ({"stake": 0}, "invalid_quantity"),
        ({"stake": 1.234}, "invalid_quantity"),
        ({"stake": "100"}, "invalid_quantity"),
        ({"stake": 0.01, "odds": -10_000}, "order_invalid_profit"),
        ({"stake": 2_000_000_000}, "order_quantity_exceeds_max"),
        ({"side": "nobody"}, "invalid_strike_id"),
        ({"external": "x" * 101}, "invalid_external_id"),
        ({"strategy": ""}, "invalid_param"),
    ],
)
def test_what_cannot_be_placed_is_refused_by_name(changes, code):
    assert refused(Venue().place, **changes) == (400, code)


def test_an_external_id_is_taken_once_for_ever():
    venue = Venue()
    venue.exchange.cancel(venue.open(external="mine"))
    assert refused(venue.place, external="mine") == (400, "order_external_id_existed")


def test_ten_times_the_cash_may_rest():
    venue = Venue(cash=10_00)
    venue.open(120, 90.0)
    venue.open(120, 10.0)
    assert refused(venue.place, 120, 0.02) == (403, "insufficient_amount")
    venue.user.cash = 1_00
    assert refused(venue.place, 120, 0.02) == (429, "too_many_delayed_requests")


def test_one_seed_makes_one_world():
    def world(seed):
        venue = Exchange(programme(seed, 10, 0.0), ladder(), Luck(seed, "v"), lambda: 0.0)
        crowd = Crowd(venue, Luck(seed, "c"))
        crowd.open()
        for _ in range(100):
            crowd.step()
        return [[(w.odds, w.open) for w in pool.all()] for pool in venue.pools.values()]

    assert world(7) == world(7)
    assert world(7) != world(8)


def test_the_programme_has_more_events_than_are_picked_and_every_sport():
    fixtures = programme(7, now=0.0)
    assert len(fixtures) > 30
    assert {f.league.name for f in fixtures} == {"MLB", "NBA", "NFL", "NHL", "WTA Doha"}
    assert all([m.kind for m in f.markets] == ["moneyline", "spread", "total"] for f in fixtures)
    sides = [side.side_id for f in fixtures for m in f.markets for line in m.lines for side in line.sides]
    assert len(set(sides)) == len(sides)
    assert all(len(side) == 32 for side in sides)


# ---- words


def test_a_message_says_the_latest_part_and_the_total():
    venue = Venue()
    wager = venue.open(120, 100.0)
    for _ in range(2):
        venue.exchange.take(venue.away, 24_00)
    told = update(V4, wager, "matching", 5)["info"]
    assert (told["filled_quantity"], told["total_filled_quantity"], told["open_quantity"]) == (
        20.0,
        40.0,
        60.0,
    )
    legacy = update(LEGACY, wager, "matching", 5)["info"]
    assert (legacy["matched_stake"], legacy["totally_matched_stake"], legacy["id"]) == (
        20.0,
        40.0,
        wager.wager_id,
    )


def test_the_balance_is_told_in_both_vocabularies():
    venue = Venue()
    venue.open(120, 100.0)
    assert balance(V4, venue.user, 0, 0.0, known=True)["unmatched_order_balance"] == 100.0
    assert balance(LEGACY, venue.user, 0, 0.0, known=False)["unmatched_wager_balance_status"] == "failed"


def test_a_channel_is_signed_as_the_vector_has_it():
    vector = json.loads((EXAMPLES / "ws_signature_vector.json").read_text())
    signer = Signer(vector["app_key"], vector["app_secret"])
    assert signer.sign(vector["socket_id"], vector["channel"]) == vector["channel_auth"]
    assert signer.sign(vector["socket_id"], f":user::{vector['user_data']}") == vector["signin_auth"]


# ---- lists and the door


def test_a_list_lags_and_says_by_how_much():
    venue = Venue()
    faults = Faults((), Luck(1))
    reports = Reports(venue.exchange, faults, (V4, LEGACY), lambda: venue.now)
    wager = venue.place()
    reports.heard(wager)
    window = {"from": str(int(venue.now) - 60), "to": str(int(venue.now) + 60)}
    assert reports.page(V4, "us", window)["data"]["orders"] == []
    assert refused(reports.one, V4, "us", wager.wager_id) == (404, "data_not_found")
    venue.later(1.5)
    (told,) = reports.page(V4, "us", window)["data"]["orders"]
    assert told["status"] == "inactive"  # it is open by now, and the copy does not know
    venue.later(1.5)
    (told,) = reports.page(LEGACY, "us", window)["data"]["wagers"]
    assert (told["status"], told["wager_id"]) == ("open", wager.wager_id)


def test_lists_come_in_pages_and_their_windows_are_checked():
    venue = Venue(10**9)
    reports = Reports(venue.exchange, Faults((), Luck(1)), (V4, LEGACY), lambda: venue.now)
    for _ in range(230):
        reports.heard(venue.place(stake=1.0))
    venue.later(3.0)
    window = {"from": str(int(venue.now) - 60), "to": str(int(venue.now) + 60)}
    seen, cursor = [], ""
    for _ in range(3):
        page = reports.page(V4, "us", {**window, "next_cursor": cursor})
        seen += [one["external_id"] for one in page["data"]["orders"]]
        cursor = page["data"]["next_cursor"]
    assert (len(set(seen)), cursor) == (230, "")
    assert refused(reports.page, V4, "us", {}) == (400, "missing_date_range")
    week = {"from": "0", "to": str(8 * 24 * 3600)}
    assert refused(reports.page, V4, "us", week) == (400, "invalid_from_to_range")
    assert refused(reports.page, V4, "us", {"from": "9", "to": "8"}) == (
        400,
        "from_date_greater_than_to_date",
    )


def door(now=lambda: 1000.0):
    return Entry((KeyPair("a", "s", "us"),), Luck(1), now)


def test_the_door_counts_sessions_and_tokens_end_when_they_say():
    clock = [1000.0]
    entry = door(lambda: clock[0])
    told = entry.login("a", "s")
    assert entry.user_of(f"Bearer {told['access_token']}") == "us"
    assert refused(entry.user_of, told["access_token"]) == (401, "unauthorized")  # without the word Bearer
    clock[0] = told["access_expire_time"]
    assert refused(entry.user_of, f"Bearer {told['access_token']}") == (401, "unauthorized")
    fresh = entry.refresh(told["refresh_token"])
    assert entry.user_of(f"Bearer {fresh['access_token']}") == "us"
    assert refused(entry.refresh, "x") == (401, "unauthorized")
    assert refused(entry.login, "a", "wrong") == (401, "unauthorized")
    for _ in range(19):
        entry.login("a", "s")
    assert refused(entry.login, "a", "s") == (403, "session_num_exceed")


def test_fifty_requests_a_second_and_one_query():
    clock = [1000.0]
    entry = door(lambda: clock[0])
    for _ in range(50):
        entry.count("us", query=False)
    assert refused(entry.count, "us", query=False) == (429, "rate_limit_reached")
    clock[0] += 1.01
    for _ in range(3):
        entry.count("us", query=True)
    assert refused(entry.count, "us", query=True) == (429, "rate_limit_reached")
    clock[0] += 1.0
    entry.count("us", query=True)


def test_faults_have_names_and_others_are_refused():
    assert all(name in described() for name in FAULTS)
    with pytest.raises(SandboxError, match="no fault 'rain'"):
        Faults(("rain",), Luck(1))
    faults = Faults(("lost_news",), Luck(1))
    assert sum(faults.strikes("lost_news", 0.5) for _ in range(100)) == faults.counts["lost_news"]
    assert not faults.strikes("cut", 1.0)


def test_longer_odds_win_more():
    assert [odds_ratio(o) for o in (-200, 100, 250)] == [Fraction(1, 2), Fraction(1), Fraction(5, 2)]
