"""Stories of the preset sharp_copy: others are shown the sharp book's own price."""

from __future__ import annotations

import msgspec
import pytest

from console.core.american import opposite, stake_of
from console.core.commands import CancelOrder, PlaceOrder
from console.core.events import OddsSuspended
from console.core.fees import FeeKind, FeeModel
from console.core.instruments import Instrument, InstrumentSpec, VoidRule
from console.core.ladders import american_of_price, from_american
from console.core.presets import ACCOUNT_PRESETS, PRESETS
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import ONE

from .story import M, Story, X, cents, contracts, dollars, with_values
from .test_american import LADDER

FAVOURITE, OTHER = Instrument(X, "favourite"), Instrument(X, "other")
COPY = PRESETS["sharp_copy"]
EXCHANGE = InstrumentSpec(
    prices=from_american("odds", LADDER).prices,
    size_min=contracts(2),
    size_step=contracts(0.01),
    fees=FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000, taker_rate=20_000),
    void_rule=VoidRule.REFUND,
    sellable=False,
)


def decimal(american: int) -> float:
    return 1 + (american / 100 if american > 0 else 100 / -american)


def copying(*line: int, settings: MatchSettings = COPY, rate: int = 20_000) -> Story:
    """One match at a betting exchange with an empty book, and the sharp book's line on it."""
    fees = msgspec.structs.replace(EXCHANGE.fees, maker_rate=rate)
    spec = msgspec.structs.replace(EXCHANGE, fees=fees)
    story = Story(X, account=ACCOUNT_PRESETS["sharp_copy"])
    story.up()
    pays = {FAVOURITE: (0,), OTHER: (1,)}
    story.add(pays=pays, settings=settings, specs=dict.fromkeys(pays, spec))
    for instrument in pays:
        story.book(instrument, {}, {})
    story.odds(*map(decimal, line))
    story.wait(6)
    return story


def quoted(story: Story) -> list[tuple[str, int, float]]:
    """(symbol, American odds we bet at, dollars staked) of what rests."""
    return [
        (i.symbol, odds, stake_of(contracts(count), odds) / ONE)
        for i in (FAVOURITE, OTHER)
        for price, count in story.rests(i)
        for odds in (american_of_price(round(price * 10_000)),)
    ]


def reason(story: Story, gained: int = 0b01) -> Reason:
    return story.state.desks[M].verdicts[gained].reason


def test_a_line_of_minus_110_and_plus_100_is_bought_at_plus_100_and_plus_110() -> None:
    story = copying(-110, +100)
    assert quoted(story) == [("favourite", 100, 100.0), ("other", 110, 100.0)]
    assert reason(story) is reason(story, 0b10) is Reason.COPIED


def test_others_are_shown_the_sharp_books_own_price() -> None:
    story = copying(-110, +100)
    shown = {symbol: opposite(odds) for symbol, odds, _ in quoted(story)}
    assert shown == {"favourite": 100, "other": -110}  # taking our bet on the favourite is a bet on the other


def test_the_gross_edge_and_the_commission_are_those_of_the_trading_rules() -> None:
    story = copying(-110, +100)
    favourite, other = story.all(PlaceOrder)
    assert favourite.basis.fair - favourite.price == pytest.approx(11_628, abs=2)  # 1.16 cents
    assert other.basis.fair - other.price == pytest.approx(12_182, abs=2)  # 1.22 cents
    assert favourite.basis.fee == pytest.approx(5_116, abs=2)  # 2 % of 0.5116 * 0.50: 0.51 cents
    assert other.basis.fee == pytest.approx(5_116, abs=2)  # 2 % of 0.4884 * 0.5238
    assert (favourite.basis.edge, other.basis.edge) == (0, 0)


def test_the_crossed_variant_cannot_be_placed() -> None:
    """A feed with its sides swapped still never buys through fair, and the two bids never cross."""
    for line in ((-110, +100), (+100, -110), (-400, +340), (+340, -400)):
        placed = copying(*line).all(PlaceOrder)
        assert len(placed) == 2
        assert all(order.price + order.basis.fee <= order.basis.fair_lo for order in placed)
        assert sum(order.price for order in placed) < ONE


def test_a_commission_that_eats_the_margin_leaves_the_side_unquoted() -> None:
    story = copying(-110, +100, rate=50_000)  # 5 %: 1.28 cents against 1.16 and 1.22
    assert quoted(story) == []
    assert reason(story) is reason(story, 0b10) is Reason.THIN_MARGIN


def test_a_price_between_two_rungs_is_moved_to_the_longer_one() -> None:
    story = copying(-131, +121)  # rungs go 130, 132 and 120, 122
    assert [(symbol, odds) for symbol, odds, _ in quoted(story)] == [("favourite", -120), ("other", 132)]


def test_without_a_line_of_the_sharp_book_nothing_is_copied() -> None:
    story = copying(-110, +100)
    story.odds(decimal(-112), decimal(102), source="softbook")
    story.tell(OddsSuspended(match=M, source="pinnacle"))
    del story.lines[M, "pinnacle"]
    story.wait(3)
    assert quoted(story) == []
    assert reason(story) is Reason.NO_SHARP


def test_a_line_typed_by_hand_is_copied_when_pinned() -> None:
    story = copying(-110, +100)
    story.fair(1 / decimal(-120), 1 / decimal(+110))
    story.wait(3)
    assert quoted(story) == [("favourite", -110, 100.0), ("other", 120, 100.0)]


# ---- following the line


def test_a_change_below_two_percent_is_not_followed_where_it_would_only_improve() -> None:
    story = copying(-110, +100)
    sent = story.odds(decimal(-111), decimal(+101)) + story.wait(5)
    # the other side could be bid at +111, which is longer: a retreat, so at once; the favourite at -101
    cancelled = [c.instrument for c in story.all(CancelOrder, sent)]
    assert cancelled == [OTHER]
    assert quoted(story) == [("favourite", 100, 100.0), ("other", 111, 100.0)]


def test_a_change_of_two_percent_is_followed() -> None:
    story = copying(-110, +100)
    story.odds(decimal(-115), decimal(+105))
    story.wait(5)
    assert quoted(story) == [("favourite", -105, 100.0), ("other", 115, 100.0)]


def test_a_retreat_is_never_held_back() -> None:
    story = copying(-110, +100)
    story.odds(decimal(-109), decimal(-101))
    sent = story.wait(0.3)
    assert quoted(story)[0] == ("favourite", 101, 100.0)
    assert [c.instrument for c in story.all(CancelOrder, sent) if c.instrument == FAVOURITE] == []  # at once


def test_a_far_offer_of_others_is_left_alone_and_a_near_one_is_not_crossed() -> None:
    story = copying(-110, +100)
    story.book(FAVOURITE, {}, {49.0196: 500})  # somebody offers the favourite at +104
    story.wait(5)
    assert quoted(story)[0] == ("favourite", 105, 100.0)


# ---- limits


def test_the_other_side_is_bought_when_one_is_full() -> None:
    settings = with_values(COPY, inventory_max=contracts(200), contracts=contracts(200))
    story = copying(-110, +100, settings=settings)
    story.fill(story.order(FAVOURITE), 200)
    story.wait(3)
    # the commission leaves an exposure of 198: two contracts more fit in
    story.fill(story.order(FAVOURITE), 2)
    story.wait(3)
    assert story.rests(FAVOURITE) == []
    assert reason(story) is Reason.OVEREXPOSED
    assert quoted(story)[0][1] <= 110  # the other side is bid no lower than the sharp line says
    assert story.state.desks[M].verdicts[0b10].bid is not None


def test_quoting_stops_a_quarter_of_an_hour_before_the_start() -> None:
    story = copying(-110, +100)
    spec = msgspec.structs.replace(story.state.desks[M].spec, start=story.wall + 901 * 1_000_000_000)
    story.state.desks[M].spec = spec
    assert len(quoted(story)) == 2
    story.wait(2)
    assert quoted(story) == []
    assert reason(story) is Reason.STOP_TIME


def test_the_preset_stakes_a_hundred_dollars_a_side_and_at_most_five_hundred_an_event() -> None:
    assert COPY.notional == dollars(100)
    assert COPY.exposure_event == dollars(500)
    assert COPY.requote_odds_bp == 200
    assert COPY.stop_before_start_s == 15 * 60
    assert COPY.defect() is None
    assert ACCOUNT_PRESETS["sharp_copy"].exposure_total == dollars(2000)
    assert cents(0) == COPY.edge_min
