"""Fair probabilities from odds: golden vectors, properties, and what must be refused."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.core.devig import Method, OddsError, devig

VECTORS = json.loads((Path(__file__).parent / "data" / "devig_vectors.json").read_text())
SOLVABLE = [v for group in ("two_way", "three_way", "n_way", "edge_cases") for v in VECTORS[group]]


@st.composite
def books(draw: st.DrawFn, least: int = 2, most: int = 3, margin_max: float = 0.3) -> tuple[float, ...]:
    """Odds of a complete market with a margin, no outcome surer than 95 %."""
    weights = draw(st.lists(st.integers(2, 40), min_size=least, max_size=most))
    margin = draw(st.floats(1e-6, margin_max))
    implied = [weight / sum(weights) * (1.0 + margin) for weight in weights]
    assume(max(implied) < 0.99)
    return tuple(1.0 / pi for pi in implied)


@pytest.mark.parametrize("vector", SOLVABLE, ids=lambda v: str(v["id"]))
def test_golden_vectors_are_met_to_a_billionth(vector: dict[str, Any]) -> None:
    answer = devig(vector["odds"])
    for method in Method:
        golden = vector["methods"].get(method.value)
        if golden is None:
            continue
        if golden.get("invalid"):
            assert method in answer.refused
        else:
            assert answer.probabilities[method] == pytest.approx(golden["p"], abs=1e-9)
    assert answer.overround == pytest.approx(vector["booksum"] - 1.0, abs=1e-12)
    assert answer.underround is (vector["booksum"] < 1.0 - 1e-13)


@pytest.mark.parametrize("vector", VECTORS["invalid_inputs"], ids=lambda v: str(v["id"]))
def test_inputs_without_an_answer_are_refused(vector: dict[str, Any]) -> None:
    odds = [float(price) if isinstance(price, str) else price for price in vector["odds"]]
    with pytest.raises(OddsError, match="odds: "):
        devig(odds)


@pytest.mark.parametrize("odds", [(math.nan, 2.0), (math.inf, 2.0), (-110.0, 2.0), (2.0,), (0.0, 2.0)])
def test_what_is_no_decimal_odds_is_refused(odds: tuple[float, ...]) -> None:
    with pytest.raises(OddsError):
        devig(odds)


def test_the_longshot_of_104_against_1300_differs_by_method() -> None:
    longshot = {method: ps[1] for method, ps in devig((1.04, 13.0)).probabilities.items()}
    assert longshot[Method.MULTIPLICATIVE] == pytest.approx(0.0741, abs=5e-5)
    assert longshot[Method.ADDITIVE] == pytest.approx(0.0577, abs=5e-5)
    assert longshot[Method.SHIN] == pytest.approx(0.0577, abs=5e-5)
    assert longshot[Method.PROBIT] == pytest.approx(0.0551, abs=5e-5)
    assert longshot[Method.ODDS_RATIO] == pytest.approx(0.0546, abs=5e-5)
    assert longshot[Method.POWER] == pytest.approx(0.0460, abs=5e-5)


def test_the_sharp_line_of_minus_110_plus_100_is_fair_at_51_16() -> None:
    fair = devig((1 + 100 / 110, 2.0)).probabilities[Method.MULTIPLICATIVE]
    assert fair == pytest.approx((0.511628, 0.488372), abs=1e-6)


def test_a_negative_probability_is_refused_never_clipped() -> None:
    answer = devig((1.02, 21.0, 101.0))
    assert answer.refused == {Method.ADDITIVE: "negative probability for a longshot"}
    assert sum(answer.probabilities[Method.POWER]) == pytest.approx(1.0, abs=1e-12)


def test_odds_without_a_margin_come_back_unchanged() -> None:
    for ps in devig((3.0, 3.0, 3.0)).probabilities.values():
        assert ps == pytest.approx((1 / 3, 1 / 3, 1 / 3), abs=1e-15)


@given(books())
def test_every_method_sums_to_one_inside_the_unit_interval_and_keeps_the_order(
    odds: tuple[float, ...],
) -> None:
    favourites = sorted(range(len(odds)), key=lambda o: odds[o])
    for ps in devig(odds).probabilities.values():
        assert math.fsum(ps) == pytest.approx(1.0, abs=1e-12)
        assert all(0.0 < p < 1.0 for p in ps)
        ranked = [ps[o] for o in favourites]
        assert all(dearer >= cheaper - 1e-12 for dearer, cheaper in pairwise(ranked))


@given(books(3, 3), st.permutations([0, 1, 2]))
def test_the_order_of_outcomes_does_not_matter(odds: tuple[float, ...], order: list[int]) -> None:
    straight, shuffled = devig(odds), devig([odds[o] for o in order])
    for method, ps in straight.probabilities.items():
        assert shuffled.probabilities[method] == pytest.approx([ps[o] for o in order], abs=1e-9)


@given(books(2, 2))
def test_two_way_shin_is_additive(odds: tuple[float, ...]) -> None:
    answer = devig(odds).probabilities
    assert answer[Method.SHIN] == pytest.approx(answer[Method.ADDITIVE], abs=1e-9)


@given(books(2, 2))
def test_two_way_odds_ratio_has_its_closed_form(odds: tuple[float, ...]) -> None:
    roots = [math.sqrt(1.0 / (price - 1.0)) for price in odds]  # odds(pi) = pi / (1 - pi) = 1 / (o - 1)
    expected = [root / sum(roots) for root in roots]
    assert devig(odds).probabilities[Method.ODDS_RATIO] == pytest.approx(expected, abs=1e-9)


@given(books(2, 2))
def test_power_takes_most_from_the_longshot_and_multiplicative_least(odds: tuple[float, ...]) -> None:
    longshot = max(range(2), key=lambda o: odds[o])
    answer = devig(odds).probabilities
    power, ratio, plain = (
        answer[method][longshot] for method in (Method.POWER, Method.ODDS_RATIO, Method.MULTIPLICATIVE)
    )
    assert power <= ratio + 1e-9
    assert ratio <= plain + 1e-9


@given(st.floats(0.05, 0.95), st.floats(1e-9, 1e-6))
def test_answers_are_continuous_as_the_margin_vanishes(p: float, margin: float) -> None:
    odds = (1.0 / (p * (1.0 + margin)), 1.0 / ((1.0 - p) * (1.0 + margin)))
    if min(odds) <= 1.0:
        return
    for ps in devig(odds).probabilities.values():
        assert ps == pytest.approx((p, 1.0 - p), abs=3e-6)


@given(st.lists(st.floats(1.02, 50.0), min_size=2, max_size=3).map(tuple))
def test_any_odds_above_one_are_answered_or_refused_by_name(odds: tuple[float, ...]) -> None:
    answer = devig(odds)
    assert set(answer.probabilities) | set(answer.refused) == set(Method)
    assert Method.MULTIPLICATIVE in answer.probabilities
    assert Method.POWER in answer.probabilities
