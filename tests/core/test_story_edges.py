"""Stories of margins and sizes: what widens a quote, what makes it smaller, one cause at a time."""

from __future__ import annotations

import pytest

from console.core.events import GameStarted, Trade
from console.core.fees import KALSHI_MAKER, FeeModel
from console.core.instruments import BookSide, InstrumentSpec
from console.core.reasons import Reason
from console.core.settings import BackOff, MatchSettings, Placement
from console.core.units import ONE, Price, Size

from .story import PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, game, with_values

SETTINGS = MatchSettings()


def ceilings(story: Story) -> tuple[float, ...]:
    verdicts = story.state.desks[M].verdicts
    return tuple((verdicts[gained].ceiling or 0) / 10_000 for gained in (0b01, 0b10))


def fine(settings: MatchSettings = SETTINGS, fees: FeeModel | None = None) -> Story:
    """Kalshi with ticks of a tenth of a cent, so that every part of the margin can be seen."""
    story = Story()
    story.up()
    spec = InstrumentSpec(
        prices=tuple(range(1_000, ONE, 1_000)), two_sided=True, amendable=True, fees=fees or FeeModel()
    )
    story.add(settings=settings, specs={A: spec, B: spec})
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    return story


def pinned(settings: MatchSettings = SETTINGS, fees: FeeModel | None = None) -> Story:
    story = fine(settings, fees)
    story.fair(0.5251, 0.4749)
    story.wait(6)
    return story


# ---- margins


def test_calm_the_ceiling_is_fair_less_the_wanted_edge() -> None:
    assert ceilings(pinned()) == (51.5, 46.4)


def test_the_makers_fee_is_left_below_the_limit() -> None:
    # 51.51 - .4375: 51.0 + .437325 = 51.437 fits, 51.1 + .43728 = 51.537 does not
    assert ceilings(pinned(fees=FeeModel(maker_rate=KALSHI_MAKER, unit=100))) == (51.0, 46.0)


def test_inventory_skews_both_ceilings() -> None:
    story = pinned()
    story.fill(story.order(A), 10)
    story.wait(0.5)
    assert ceilings(story) == (51.1, 46.8)  # .4 cents each way


def test_selling_pressure_widens_the_side_that_would_buy_it() -> None:
    story = pinned()
    story.tell(Trade(instrument=A, price=Price(520_000), size=Size(30 * ONE), taker=BookSide.ASK))
    story.wait(3)
    # imbalance -1: two cents on A; buying pressure is none of B's business
    assert ceilings(story) == (49.5, 46.4)
    story.wait(66)  # a minute, and the pace of a quiet market
    assert ceilings(story) == (51.5, 46.4)


def test_a_restless_fair_value_widens_both_sides() -> None:
    story = pinned()
    for n in range(40):
        story.fair(0.5251 + 0.003 * (n % 2), 0.4749 - 0.003 * (n % 2))
        story.wait(1)
    a, b = ceilings(story)
    assert a < 51.3
    assert b < 46.3


def test_sources_apart_widen_both_sides_by_half() -> None:
    story = fine()
    story.odds(1 / 0.5251, 1 / 0.4749)
    story.wait(6)
    before = ceilings(story)
    story.odds(1 / 0.5451, 1 / 0.4549, source="book1")
    story.wait(0.5)
    a, b = ceilings(story)
    # two cents apart: one cent of uncertainty; theo moved a third of a cent towards the other book
    assert before[1] - b == pytest.approx(1.0 + 0.3, abs=0.25)
    assert a <= before[0] - 0.5


def test_an_ageing_line_widens_before_it_is_stale() -> None:
    story = fine()
    story.odds(1 / 0.5251, 1 / 0.4749)
    story.wait(14)
    story.lines.clear()
    before = ceilings(story)
    story.wait(130)
    a, b = ceilings(story)
    assert before[0] - a > 0.15
    assert before[1] - b > 0.15


def test_fills_that_lost_widen_their_side_and_toxic_ones_twice() -> None:
    settings = with_values(SETTINGS, contracts=contracts(1), repeated_fills=1_000, toxicity_pause=2.0)
    results = []
    for warn in (0.4, 2.0):
        story = pinned(with_values(settings, toxicity_warn=warn))
        for _ in range(10):
            story.fill(story.order(A), 1)
            story.wait(0.5)
        story.fair(0.5151, 0.4849)  # a cent against us
        story.wait(100)
        results.append(ceilings(story)[0])
    # adverse = 10 * 1 / (20 + ~9) = .33 cents, twice that when toxic
    assert results[1] - results[0] == pytest.approx(0.33, abs=0.12)


def test_in_play_the_half_spread_is_wider() -> None:
    settings = with_values(SETTINGS, placement=Placement.CEILING, in_play=True)
    story = pinned(settings)
    assert ceilings(story) == (49.5, 44.4)  # three cents
    story.tell(GameStarted(match=M))
    story.wait(3)
    assert ceilings(story) == (46.5, 41.4)  # six


def test_an_adaptive_spread_follows_volatility_between_its_bounds() -> None:
    settings = with_values(SETTINGS, placement=Placement.CEILING, spread_usual=cents(4))
    story = pinned(settings)
    assert ceilings(story) == (50.5, 45.4)  # two cents a side
    seen = []
    for ratio in (0.1, 1.5, 9.0):
        story.state.desks[M].volatility.ratio = ratio
        story.state.desks[M].urge(story.ts)
        story.wait(3)
        seen.append(ceilings(story))
    assert seen == [(51.5, 46.4), (49.5, 44.4), (47.5, 42.4)]  # one, three and five a side


# ---- sizes


def test_a_notional_cap_counts_dollars() -> None:
    story = game(with_values(SETTINGS, notional=dollars(3)))
    assert story.rests(A) == [(49, 6)]  # 3 / .49 = 6.1
    assert story.rests(B) == [(44, 6)]  # 3 / .44 = 6.8


def test_a_share_of_the_depth_bounds_the_size_but_not_below_the_minimum() -> None:
    settings = with_values(SETTINGS, depth_share_pct=25)
    story = Story()
    story.up()
    story.add(settings=settings)
    story.book(A, {48: 12, 45: 8, 40: 500}, {56: 100})  # 20 within five cents
    story.book(B, {43: 2, 42: 1}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A) == [(49, 5)]
    assert [size for _, size in story.rests(B)] == [1]


def test_kelly_bounds_the_position_on_the_increasing_side() -> None:
    settings = with_values(SETTINGS, kelly_pct=25, bankroll=dollars(20), contracts=contracts(10))
    story = game(settings)
    # A at 49 of 52.5: .25 * 20 * .035 / (.49 * .51) = .70 contracts: less than one
    assert story.rests(A) == []
    assert story.state.desks[M].verdicts[0b01].reason is Reason.KELLY
    richer = game(with_values(settings, bankroll=dollars(200)))
    assert richer.rests(A) == [(49, 7)]
    richer.fill(richer.order(A), 5)
    richer.wait(3)
    assert sum(size for _, size in richer.rests(A)) <= 2.5  # seven in all, five are held


def test_the_room_is_shared_by_legs_up_to_twice_the_quote() -> None:
    settings = with_values(SETTINGS, legs_max=1)
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, settings=settings)
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert len(story.rests(A)) + len(story.rests(PA)) == 1


def test_a_book_below_the_wanted_size_step_is_rounded_down() -> None:
    story = Story()
    story.up()
    spec = InstrumentSpec(two_sided=True, size_step=Size(5 * ONE), size_min=Size(5 * ONE))
    story.add(settings=with_values(SETTINGS, contracts=contracts(12)), specs={A: spec, B: spec})
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.rests(A) == [(49, 10)]


# ---- the edge of the market


@pytest.mark.parametrize(("fair", "quoted"), [(0.06, True), (0.049, False), (0.951, False), (0.94, True)])
def test_outcomes_outside_the_price_range_are_not_quoted(fair: float, quoted: bool) -> None:
    story = Story()
    story.up()
    story.add(settings=with_values(SETTINGS, back_off=BackOff.CEILING))
    middle = round(fair * 100)
    story.book(A, {max(1, middle - 3): 100}, {min(99, middle + 3): 100})
    story.book(B, {max(1, 97 - middle): 100}, {min(99, 103 - middle): 100})
    story.fair(fair, 1 - fair)
    story.wait(6)
    assert bool(story.rests(A)) is quoted
    assert cents(1) == 10_000
