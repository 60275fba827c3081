"""Credits and the pace they allow: counted before they are spent, over restarts, days and months."""

from __future__ import annotations

import math

import pytest

from console.core.units import SECOND, Nanos
from console.venues.feeds.credits import Credits, Unpaid, days_left, next_day, next_month
from console.venues.feeds.schedule import Demand, pace, wanted_gap

from .samples import wall
from .worlds import table

NOON = wall("2026-11-21 12:00")
DAY, HOUR = 86_400 * SECOND, 3600 * SECOND


def purse_of(tmp_path, month: int = 500, **facts) -> Credits:
    return Credits(tmp_path, "the_odds_api", table(**facts), month)


# ---- counting


def test_what_is_spent_is_counted_before_and_survives_a_restart(tmp_path) -> None:
    first = purse_of(tmp_path, credits_day=10)
    first.take(3, NOON)
    first.take(3, NOON)
    again = purse_of(tmp_path, credits_day=10)
    assert again.left_today(NOON) == 4
    again.take(4, NOON)
    with pytest.raises(Unpaid, match=r"today's credits are used up \(10\)") as unpaid:
        first.take(1, NOON)  # another engine with the same key has spent the rest
    assert unpaid.value.until == wall("2026-11-22 00:00")
    assert first.left_today(next_day(NOON)) == 10


def test_the_count_is_private(tmp_path) -> None:
    purse_of(tmp_path / "feeds").take(1, NOON)
    assert (tmp_path / "feeds").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "feeds" / "the_odds_api.json").stat().st_mode & 0o777 == 0o600


def test_the_provider_knows_better(tmp_path) -> None:
    purse = purse_of(tmp_path, credits_day=100)
    purse.take(3, NOON)
    purse.told(NOON, left=9_000, used=1_000, last=2, counted=3)
    account = purse.account(NOON)
    assert (account.left, account.used, account.spent) == (9_000, 1_000, 2)
    purse.take(3, NOON)
    assert purse.account(NOON).left == 8_997


def test_without_a_daily_budget_the_rest_of_the_month_is_shared_by_its_days(tmp_path) -> None:
    purse = purse_of(tmp_path, reserve=100)
    purse.told(NOON, left=1_100, used=0)
    assert days_left(NOON) == 10  # 21 to 30 November
    assert purse.left_today(NOON) == 100
    purse.take(40, NOON)
    assert purse.left_today(NOON) == 60  # the day's share stays what it was at its beginning
    assert purse.left_today(Nanos(NOON + DAY)) == (1_060 - 100) // 9


def test_an_untold_plan_is_taken_for_the_smallest(tmp_path) -> None:
    purse = purse_of(tmp_path, month=500)
    assert purse.left_today(NOON) == 50
    purse.take(50, NOON)
    with pytest.raises(Unpaid):
        purse.take(1, NOON)


def test_the_reserve_is_never_touched(tmp_path) -> None:
    purse = purse_of(tmp_path, credits_day=1_000, reserve=20)
    purse.told(NOON, left=25, used=475)
    assert purse.left_today(NOON) == 5
    purse.take(5, NOON)
    with pytest.raises(Unpaid, match="used up to the reserve") as unpaid:
        purse.take(1, NOON)
    assert unpaid.value.until == wall("2026-12-01 00:00")


def test_a_stop_holds_until_its_moment_and_free_requests_wait_too(tmp_path) -> None:
    purse = purse_of(tmp_path, credits_day=1_000)
    purse.stop(NOON, "the month's quota is used up", next_month(NOON))
    with pytest.raises(Unpaid, match="the month's quota is used up"):
        purse.take(0, NOON)
    assert purse.left_today(NOON) == 0
    purse.take(0, wall("2026-12-01 00:00"))


def test_a_file_nobody_can_read_is_begun_anew(tmp_path) -> None:
    (tmp_path / "the_odds_api.json").write_text("{half")
    purse = purse_of(tmp_path, credits_day=10)
    purse.take(1, NOON)
    assert purse.left_today(NOON) == 9


# ---- pace


def demand(*hours: float, league: str = "nba", cost: int = 3) -> Demand:
    return Demand(league, cost, tuple(Nanos(NOON + round(h * HOUR)) for h in hours))


@pytest.mark.parametrize(
    ("hours", "gap"),
    [
        ((1.0,), 60),
        ((6.0,), 60),
        ((6.1,), 120),
        ((24.1,), 300),
        ((100.0,), 3600),
        ((100.0, 3.0), 60),  # the soonest counts: one request serves them all
        ((-1.0,), 60),  # in play
        ((-7.0,), None),  # over
        ((-7.0, 10.0), 120),
    ],
)
def test_the_nearer_a_start_the_more_often(hours, gap) -> None:
    assert wanted_gap(demand(*hours), NOON, 60.0) == gap


def test_a_start_nobody_knows_is_looked_at_in_between() -> None:
    assert wanted_gap(Demand("nba", 3, (Nanos(0),)), NOON, 60.0) == 120


def test_enough_credits_slow_nothing() -> None:
    found = pace([demand(2.0)], NOON, next_day(NOON), 60.0, 10_000)
    assert found.gaps == {"nba": 60.0}
    assert (found.near, found.far) == (1.0, 1.0)


def test_too_few_stretch_the_whole_day_evenly() -> None:
    # A start in 2 h is near until it is over 8 h from now: 480 polls of 3 credits.
    found = pace([demand(2.0)], NOON, next_day(NOON), 60.0, 480)
    assert found.near == pytest.approx(3.0, rel=0.05)
    assert found.gaps["nba"] == pytest.approx(180.0, rel=0.05)


def test_far_starts_give_way_to_near_ones() -> None:
    near, far = demand(2.0), demand(30.0, league="nfl")
    needs = 480 * 3
    found = pace([near, far], NOON, next_day(NOON), 60.0, needs + 100)
    assert found.gaps["nba"] == pytest.approx(60.0, rel=0.05)
    assert found.gaps["nfl"] > 300.0
    broke = pace([near, far], NOON, next_day(NOON), 60.0, needs // 2)
    assert broke.gaps["nba"] == pytest.approx(120.0, rel=0.1)
    assert 1800.0 < broke.gaps["nfl"] < 36_000.0  # looked at now and then: is it there, and is it paired?


def test_a_start_just_beyond_six_hours_is_looked_at_before_it_comes_near() -> None:
    """All credits of the day would be wanted once it is: that is no reason to know nothing until then."""
    found = pace([demand(6.2, cost=1)], NOON, next_day(NOON), 20.0, 392)
    assert found.gaps["nba"] < 600.0


def test_nothing_left_asks_nothing() -> None:
    assert all(math.isinf(g) for g in pace([demand(2.0)], NOON, next_day(NOON), 60.0, 0).gaps.values())
