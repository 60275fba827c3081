"""C37: what a fill was charged is compared with what its series said; a difference stops the series."""

from __future__ import annotations

import msgspec
import pytest

from console.core.events import InstrumentDefined, Resume
from console.core.fees import KALSHI_MAKER, KALSHI_UNIT_BROKER, KALSHI_UNIT_DIRECT, FeeModel
from console.core.feetruth import FeeTally
from console.core.picture import view
from console.core.reasons import Reason
from tests.core.story import KALSHI, A, B, M, Story, game

DIRECT = FeeModel(maker_rate=KALSHI_MAKER, unit=KALSHI_UNIT_DIRECT)
HALF = FeeModel(maker_rate=KALSHI_MAKER // 2, unit=KALSHI_UNIT_DIRECT)


def charging(model: FeeModel = DIRECT) -> Story:
    """A match whose venue says it charges `model`; our bid of 10 on A rests at 48.5."""
    story = game()
    define(story, model)
    story.wait(70)  # by then it is no change any more
    return story


def define(story: Story, model: FeeModel) -> None:
    for leg in (A, B):
        story.tell(InstrumentDefined(instrument=leg, spec=msgspec.structs.replace(KALSHI, fees=model)))


def fee_of(story: Story, model: FeeModel, count: float) -> float:
    """The exact fee of our bid on A in dollars, up to the next $0.0001."""
    price = story.rests(A)[0][0] / 100
    return -(-round(model.maker_rate * price * (1 - price) * count, 6) // 100) / 10_000


def test_fees_as_predicted_stop_nothing() -> None:
    story = charging()
    for _ in range(4):
        story.fill(story.order(A), 2, fee_of(story, DIRECT, 2))
        story.wait(6)
    assert story.state.fee_halts == {}
    assert story.state.fee_tallies["kalshi:GAME"].fills == 4


@pytest.mark.parametrize("factor", [0.5, 2.0, 0.0])
def test_a_series_that_charges_another_rate_is_pulled_and_says_so(factor: float) -> None:
    story = charging()
    story.fill(story.order(A), 8, factor * fee_of(story, DIRECT, 8))
    story.wait(2)
    assert story.state.desks[M].reason is Reason.FEES
    assert story.resting() == 0
    (said,) = [text for text in story.alerts() if "FEES" in text]
    assert said.startswith("FEES of kalshi:GAME are not as predicted: charged $")
    assert "charged $" in view(story.state, M).matches[0].limit


def test_only_the_operator_lifts_it_and_a_restart_does_not() -> None:
    story = charging()
    story.fill(story.order(A), 8, 0.0)
    story.wait(60)
    assert story.resting() == 0
    later = story.restart()
    later.wait(20)
    assert later.state.desks[M].reason is Reason.FEES
    later.tell(Resume(match=M))
    assert later.state.fee_halts == {}


def test_a_fill_from_before_a_change_of_fees_is_judged_by_the_old_ones() -> None:
    story = charging()
    fee = fee_of(story, DIRECT, 8)
    define(story, HALF)
    story.fill(story.order(A), 8, fee)
    story.wait(2)
    assert story.state.fee_halts == {}


def test_roundings_and_their_repayment_are_no_difference() -> None:
    story = charging(FeeModel(maker_rate=KALSHI_MAKER, unit=KALSHI_UNIT_BROKER, per_order=True))
    for fee in (0.02, 0.0, 0.0):  # the whole cent once, then paid back
        story.fill(story.order(A), 1, fee)
        story.wait(1)
    assert story.state.fee_halts == {}
    assert FeeTally().defect() == ""
