"""Running estimates: shock, volatility, flow, adverse selection, toxicity, Kelly; checked by hand."""

from __future__ import annotations

import math
import random

import pytest

from console.core.estimators import Flow, Markouts, Shock, Volatility, cents, flow_buffer, kelly_size
from console.core.units import SECOND, Nanos

from .story import cents as price
from .story import contracts, dollars


def at(seconds: float) -> Nanos:
    return Nanos(round((1_000 + seconds) * SECOND))


def test_a_buffer_is_rounded_up_to_a_millionth() -> None:
    assert cents(1.0) == 10_000
    assert cents(0.00005) == 1
    assert cents(0.0) == 0


# ---- shock


def calm(seconds: int, shock: Shock, p: float = 0.5) -> None:
    for s in range(seconds):
        shock.sample(at(s), p, 3.0)


def test_a_calm_price_scores_nothing() -> None:
    shock = Shock()
    calm(60, shock)
    assert shock.score == 0.0
    assert shock.last_shock_ts is None


def test_a_move_is_scored_against_a_cent_at_least() -> None:
    shock = Shock()
    calm(60, shock)
    assert shock.sample(at(60), 0.529, 3.0) == pytest.approx(2.9)
    assert shock.last_shock_ts is None
    other = Shock()
    calm(60, other)
    assert other.sample(at(60), 0.53, 3.0) == pytest.approx(3.0)
    assert other.last_shock_ts == at(60)


def test_a_move_counts_as_long_as_it_is_within_ten_seconds() -> None:
    shock = Shock()
    calm(300, shock)
    for s in range(300, 320):
        shock.sample(at(s), 0.55, 3.0)
    # d stays 5 cents from second 300 to 309; at 310 the price of ten seconds ago is 55 too
    assert shock.last_shock_ts == at(309)
    assert shock.score == 0.0


def test_a_slow_drift_is_no_shock() -> None:
    shock = Shock()
    for s in range(300):
        shock.sample(at(s), 0.4 + 0.0005 * s, 3.0)  # half a cent in ten seconds
    assert shock.last_shock_ts is None


def test_a_restless_price_needs_more_to_shock() -> None:
    shock = Shock()
    for s in range(600):
        shock.sample(at(s), 0.5 + (0.02 if s % 20 < 10 else 0.0), 3.0)
    assert shock.sigma == pytest.approx(2.0, abs=0.05)
    assert shock.last_shock_ts is None
    assert shock.sample(at(600), 0.56, 3.0) == pytest.approx(3.0, abs=0.1)


def test_a_shocked_move_enters_the_average_clipped() -> None:
    shock = Shock()
    calm(300, shock)
    shock.sample(at(300), 0.9, 3.0)  # 40 cents, clipped at 3: sigma stays below a cent
    expected = math.sqrt(9.0 * (1 - math.exp(-1 / 300)) / (1 - math.exp(-300 / 300)))
    assert shock.sigma == pytest.approx(expected, rel=0.01)


def test_the_score_uses_sigma_before_the_move() -> None:
    shock = Shock()
    calm(2, shock)  # hardly anything seen: a move in its own sigma would never be a shock
    assert shock.sample(at(2), 0.56, 3.0) == pytest.approx(6.0)


def test_the_range_of_the_last_ten_seconds_is_kept() -> None:
    shock = Shock()
    assert shock.lately is None
    for s, p in ((0, 0.5), (5, 0.52), (9, 0.51)):
        shock.sample(at(s), p, 3.0)
    assert shock.lately == (0.5, 0.52)
    shock.sample(at(16), 0.51, 3.0)
    assert shock.lately == (0.51, 0.52)  # second 5 is what it was ten seconds ago, at 6


# ---- volatility


def test_a_price_that_stands_has_no_volatility() -> None:
    vol = Volatility()
    for s in range(100):
        vol.sample(at(s), 0.5)
    assert vol.buffer(1.0) == 0


def test_volatility_is_per_second_over_a_horizon_of_five() -> None:
    vol = Volatility()
    for s in range(600):
        vol.sample(at(s), 0.5 + (0.004 if s % 2 else 0.0))  # 0.4 cents every second
    assert vol.buffer(1.0) == pytest.approx(price(0.4 * math.sqrt(5)), abs=50)
    assert vol.buffer(2.0) == pytest.approx(price(0.8 * math.sqrt(5)), abs=100)


def test_the_volatility_buffer_has_a_floor_and_a_cap() -> None:
    quiet = Volatility()
    for s in range(300):
        quiet.sample(at(s), 0.5 + (0.0004 if s % 2 else 0.0))  # .04 * sqrt(5) = .089 cents
    assert quiet.buffer(1.0) == 0
    wild = Volatility()
    for s in range(300):
        wild.sample(at(s), 0.3 + (0.2 if s % 2 else 0.0))
    assert wild.buffer(1.0) == price(5)


def test_samples_closer_than_a_second_do_not_count() -> None:
    vol = Volatility()
    vol.sample(at(0), 0.5)
    for tenth in range(1, 10):
        vol.sample(at(tenth / 10), 0.9)
    vol.sample(at(1), 0.5)
    assert vol.buffer(1.0) == 0


def restless(vol: Volatility, begin_s: int, seconds: int, move: float) -> None:
    for s in range(begin_s, begin_s + seconds):
        vol.sample(at(s), 0.5 + (move if s % 2 else 0.0))


def test_what_is_usual_takes_half_an_hour_to_know() -> None:
    vol = Volatility()
    restless(vol, 0, 25 * 60, 0.002)
    restless(vol, 25 * 60, 120, 0.008)
    assert vol.ratio == 1.0
    restless(vol, 27 * 60, 15 * 60, 0.008)
    assert vol.ratio > 2.0


def test_a_market_as_restless_as_usual_is_usual_and_one_calmer_than_calm_is_calm() -> None:
    vol = Volatility()
    restless(vol, 0, 3600, 0.004)
    assert vol.ratio == pytest.approx(1.0, abs=0.01)
    still = Volatility()
    restless(still, 0, 3600, 0.0002)
    restless(still, 3600, 900, 0.0)
    assert still.ratio == 1.0


def test_what_is_usual_is_that_of_one_day() -> None:
    vol = Volatility()
    restless(vol, 0, 3600, 0.008)
    restless(vol, 3600, 26 * 3600, 0.002)
    assert vol.ratio == pytest.approx(1.0, abs=0.01)


# ---- flow


def test_selling_of_what_we_would_buy_widens() -> None:
    flow = Flow()
    flow.trade(at(0), 5.0, bought=True)
    flow.trade(at(1), 20.0, bought=False)
    imbalance = flow.imbalance(at(2))
    assert imbalance == pytest.approx(-0.6)
    assert flow_buffer(imbalance) == pytest.approx(price(2 * 0.45 / 0.85), abs=1)
    assert flow_buffer(-imbalance) == 0  # buyers of it do not hurt who bids for it


def test_balanced_or_thin_flow_does_not_widen() -> None:
    flow = Flow()
    flow.trade(at(0), 19.0, bought=False)
    assert flow.imbalance(at(1)) == 0.0
    flow.trade(at(1), 1.0, bought=False)
    assert flow.imbalance(at(1)) == -1.0
    assert flow_buffer(-1.0) == price(2)
    assert flow_buffer(-0.15) == 0


def test_flow_is_forgotten_after_a_minute() -> None:
    flow = Flow()
    flow.trade(at(0.5), 100.0, bought=False)
    assert flow.imbalance(at(59)) == -1.0
    assert flow.imbalance(at(61)) == 0.0


def test_flow_keeps_its_sums_right_over_a_long_time() -> None:
    dice = random.Random(1)
    flow, trades = Flow(), []
    for n in range(3000):
        s, size, bought = n * 0.2, float(dice.randint(1, 9)), dice.random() < 0.4
        flow.trade(at(s), size, bought)
        trades.append((int(1_000 + s), size if bought else -size))
    recent = [size for second, size in trades if second > 1_000 + 599 - 60]
    assert flow.imbalance(at(599.9)) == pytest.approx(sum(recent) / sum(map(abs, recent)))


# ---- mark-outs


def test_a_fill_is_marked_out_after_thirty_seconds() -> None:
    markouts = Markouts()
    markouts.filled(at(0), 0.50, 10.0)
    markouts.mature(at(29), 0.40, 1.0)
    assert markouts.waiting
    assert markouts.adverse(price(0)) == 0.0
    markouts.mature(at(30), 0.46, 1.0)
    assert not markouts.waiting
    # (20 * 0 + 10 * 4) / (20 + 10)
    assert markouts.adverse(price(0)) == pytest.approx(4 / 3)


def test_older_fills_count_less() -> None:
    markouts = Markouts()
    markouts.filled(at(0), 0.50, 10.0)
    markouts.filled(at(1), 0.50, 30.0)
    markouts.mature(at(31), 0.48, 1.0)
    # both lost 2 cents: (.97 * 10 * 2 + 30 * 2) / (20 + .97 * 10 + 30)
    assert markouts.adverse(price(0)) == pytest.approx(79.4 / 59.7)


def test_adverse_selection_stays_between_its_prior_and_five_cents() -> None:
    markouts = Markouts()
    markouts.filled(at(0), 0.50, 1000.0)
    markouts.mature(at(30), 0.70, 1.0)
    assert markouts.adverse(price(0.5)) == 0.5
    for _ in range(50):
        markouts.filled(at(40), 0.50, 1000.0)
    markouts.mature(at(70), 0.30, 1.0)
    assert markouts.adverse(price(0.5)) == 5.0


def test_toxicity_is_the_share_of_recent_fills_that_lost_half_a_tick() -> None:
    markouts = Markouts()
    for n in range(9):
        markouts.filled(at(n), 0.50, 1.0)
    markouts.mature(at(40), 0.40, 1.0)
    assert markouts.toxicity() == 0.0  # too few to tell
    markouts.filled(at(41), 0.50, 1.0)
    markouts.mature(at(71), 0.496, 1.0)  # less than half a tick
    assert markouts.toxicity() == pytest.approx(0.9)
    for n in range(50):
        markouts.filled(at(80 + n), 0.50, 1.0)
    markouts.mature(at(200), 0.50, 1.0)
    assert markouts.toxicity() == 0.0


# ---- kelly


def test_kelly_bets_a_share_of_the_bankroll() -> None:
    # .25 * 1000 * (.55 - .50) / (.50 * .50) = 50 contracts
    assert kelly_size(25, dollars(1000), price(55), price(50)) == pytest.approx(contracts(50), abs=2)
    assert kelly_size(25, dollars(1000), price(50), price(50)) == 0
    assert kelly_size(25, dollars(1000), price(40), price(50)) == 0
    assert kelly_size(25, dollars(1000), price(99), 0) == 0
