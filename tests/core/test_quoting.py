"""Ceilings and placement: the golden numbers, every branch of placement `top`, sticky quotes and retests."""

from __future__ import annotations

import pytest

from console.core.book import Book, Face, Stream
from console.core.devig import Method, devig
from console.core.fees import KALSHI_MAKER, NO_FEES, FeeKind, FeeModel
from console.core.instruments import BookSide
from console.core.ladders import Ladder, american_of_price, even, from_american
from console.core.quoting import (
    Memory,
    Placed,
    Situation,
    cap_of,
    edge_of,
    highest_bid,
    place_ceiling,
    place_top,
    skew_of,
)
from console.core.reasons import Reason
from console.core.settings import BackOff, MatchSettings
from console.core.units import SECOND, Nanos, Price

from .story import cents, contracts, levels, with_values

CENTS, DECI = even("cents", 10_000), even("deci", 1_000)
SETTINGS = MatchSettings()
TWO_PERCENT = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000)
MAKER = FeeModel(maker_rate=KALSHI_MAKER)


def face(
    bids: dict[float, float],
    asks: dict[float, float],
    *,
    ladder: Ladder = CENTS,
    own: dict[float, float] | None = None,
    side: BookSide = BookSide.BID,
) -> Face:
    book = Book(ladder, Stream())
    book.snapshot(levels(bids), levels(asks), Nanos(1))
    return Face(book, side, dict(levels(own or {})))


def situation(
    seen: Face,
    ceiling: float,
    *,
    live: float | None = None,
    opposing: float | None = None,
    held_back: bool = False,
) -> Situation:
    return Situation(
        face=seen,
        opposite_own={},
        ceiling=cents(ceiling),
        live=None if live is None else cents(live),
        opposing=None if opposing is None else cents(opposing),
        held_back=held_back,
    )


def top(
    now: Situation, settings: MatchSettings = SETTINGS, s: float = 0.0, memory: Memory | None = None
) -> Placed:
    return place_top(now, memory or Memory(settings.retest_s), settings, Nanos(round((1_000 + s) * SECOND)))


def bid(placed: Placed) -> float | None:
    return None if placed.bid is None else placed.bid / 10_000


# ---- edges and ceilings


def test_the_limit_is_the_low_fair_value_less_everything_asked() -> None:
    # fair_lo 52, wanted 1, buffers 0.7, long 25 of 50: skew -1
    edge = edge_of(cents(53), cents(52), cents(52), cents(1), cents(0.7), -cents(1), SETTINGS)
    assert edge.margin == cents(2.7)
    assert edge.limit == cents(49.3)


def test_skew_never_bids_above_fair() -> None:
    edge = edge_of(cents(53), cents(52), cents(52), cents(1), 0, cents(2), SETTINGS)
    assert edge.margin == 0
    assert edge.limit == cents(52)
    floored = with_values(SETTINGS, edge_floor=cents(0.5))
    assert edge_of(cents(53), cents(52), cents(52), cents(1), 0, cents(2), floored).limit == cents(51.5)


@pytest.mark.parametrize(
    ("exposure", "skew"),
    [(0, 0.0), (25, -1.0), (50, -2.0), (80, -2.0), (-25, 1.0), (-50, 2.0), (-500, 2.0)],
)
def test_skew_shifts_away_from_the_exposure_up_to_its_maximum(exposure: int, skew: float) -> None:
    assert skew_of(contracts(exposure), SETTINGS) == cents(skew)


@pytest.mark.parametrize("exposure", [1, -1])
def test_the_skew_is_rounded_to_the_lower_bid(exposure: int) -> None:
    assert skew_of(exposure, SETTINGS) == (-1 if exposure > 0 else 0)


@pytest.mark.parametrize(
    ("limit", "fees", "ladder", "ceiling"),
    [
        (51.5, NO_FEES, CENTS, 51),
        (51.0, NO_FEES, CENTS, 51),
        (51.5, NO_FEES, DECI, 51.5),
        (51.0, MAKER, CENTS, 50),  # 50 + .4375 fits, 51 + .4373 does not
        (50.5, MAKER, DECI, 50.0),  # 50.0 + .4375 = 50.4375; 50.1 + .4375 = 50.5375
        (51.5, FeeModel(maker_rate=100_000), CENTS, 49),  # 49 + 2.499 = 51.499
        (0.5, NO_FEES, CENTS, None),
        (-3.0, NO_FEES, CENTS, None),
    ],
)
def test_the_ceiling_is_the_highest_legal_price_that_leaves_room_for_its_fee(
    limit: float, fees: FeeModel, ladder: Ladder, ceiling: float | None
) -> None:
    found = highest_bid(face({}, {}, ladder=ladder), fees, cents(limit), cents(52))
    assert found == (None if ceiling is None else cents(ceiling))


def test_a_floor_is_the_ceiling_of_the_complement() -> None:
    # selling YES at y is bidding 1 - y for the rest: floor 57 when the rest is worth at most 43
    found = highest_bid(face({}, {}, side=BookSide.ASK), NO_FEES, cents(43.9), cents(45))
    assert found == cents(43)


# ---- the sign test: sharp -110 / +100


LISTED = (*range(-300, -100, 2), *range(100, 301, 2))
RUNGS = from_american("odds", (*LISTED, -110, -105, 105, 110))


def ceiling_of(outcome: int, edge_min: float = 0.0) -> Price:
    """Highest bid on a betting exchange for one side of a sharp -110 / +100 line."""
    answer = devig((1 + 100 / 110, 2.0))
    low = min(answer.probabilities[m][outcome] for m in (Method.MULTIPLICATIVE, Method.POWER))
    fair = answer.probabilities[Method.MULTIPLICATIVE][outcome]
    limit = int(low * 1_000_000) - cents(edge_min)
    found = highest_bid(face({}, {}, ladder=RUNGS), TWO_PERCENT, limit, int(fair * 1_000_000))
    assert found is not None
    return found


def test_the_favourite_may_be_bought_at_plus_100_and_the_other_side_at_plus_110() -> None:
    favourite, underdog = ceiling_of(0), ceiling_of(1)
    assert favourite >= RUNGS.down(500_000)  # +100 costs 50.00, fair 51.16, commission .51
    assert underdog >= RUNGS.down(476_190)  # +110 costs 47.62, fair 48.84, commission .51
    assert american_of_price(500_000) == 100
    assert american_of_price(476_190) == 110


def test_the_crossed_variant_is_impossible() -> None:
    assert ceiling_of(1) < 500_000  # -100 is 50.0 against 48.84
    assert ceiling_of(0) < 511_628
    assert ceiling_of(0) + ceiling_of(1) < 1_000_000


def test_the_wanted_edge_of_a_cent_still_allows_neither_side_through_fair() -> None:
    assert ceiling_of(0, 1.0) <= 500_000
    assert ceiling_of(1, 1.0) <= 478_372


# ---- placement `top`: one branch each


def test_a_rival_below_the_ceiling_is_outbid_by_a_tick() -> None:
    placed = top(situation(face({48: 100}, {56: 100}), 51))
    assert (bid(placed), placed.reason, placed.rival) == (49, Reason.TOP, cents(48))


def test_on_a_fine_grid_the_step_is_half_a_cent_not_a_tenth() -> None:
    assert bid(top(situation(face({48: 100}, {56: 100}, ladder=DECI), 51))) == 48.5


def test_a_step_past_the_ceiling_stops_at_it() -> None:
    placed = top(situation(face({50.8: 100}, {56: 100}, ladder=DECI), 51))
    assert (bid(placed), placed.reason) == (51, Reason.AT_CEILING)


def test_a_rival_at_the_ceiling_is_joined() -> None:
    placed = top(situation(face({51: 100}, {56: 100}), 51))
    assert (bid(placed), placed.reason) == (51, Reason.JOINED)


@pytest.mark.parametrize(
    ("back_off", "price"), [(BackOff.CEILING, 51), (BackOff.BEHIND, 49), (BackOff.OUT, None)]
)
def test_a_rival_above_the_ceiling_is_let_overpay(back_off: BackOff, price: float | None) -> None:
    settings = with_values(SETTINGS, back_off=back_off)
    placed = top(situation(face({52: 100, 48: 100}, {56: 100}), 51), settings)
    assert (bid(placed), placed.reason) == (price, Reason.OUTBID)


def test_behind_joins_the_next_rival_when_it_is_at_the_ceiling() -> None:
    settings = with_values(SETTINGS, back_off=BackOff.BEHIND)
    assert bid(top(situation(face({52: 100, 51: 100}, {56: 100}), 51), settings)) == 51


def test_behind_nobody_rests_below_the_ceiling() -> None:
    settings = with_values(SETTINGS, back_off=BackOff.BEHIND)
    assert bid(top(situation(face({52: 100}, {56: 100}), 51), settings)) == 48


def test_behind_counts_dust_only_below_the_ceiling() -> None:
    settings = with_values(SETTINGS, back_off=BackOff.BEHIND)
    # of the 102 contracts from the top only 2 are at prices we could beat
    placed = top(situation(face({52: 100, 50: 2, 40: 2, 39: 1}, {56: 100}), 51), settings)
    assert bid(placed) == 40


def test_with_nobody_there_the_bid_keeps_its_distance() -> None:
    placed = top(situation(face({}, {56: 100}), 51))
    assert (bid(placed), placed.reason) == (48, Reason.EMPTY_BOOK)


def test_dust_is_no_rival_but_its_sum_is() -> None:
    assert bid(top(situation(face({50: 4}, {56: 100}), 51))) == 48
    assert bid(top(situation(face({50: 3, 47: 2}, {56: 100}), 51))) == 48
    assert bid(top(situation(face({50: 5}, {56: 100}), 51))) == 51


def test_the_bid_never_reaches_the_best_ask() -> None:
    placed = top(situation(face({48: 100}, {49: 100}), 51))
    assert (bid(placed), placed.reason) == (48, Reason.JOINED)
    assert bid(top(situation(face({46: 100}, {47: 1}), 51))) == 46


def test_the_bid_never_meets_our_own_opposing_bid() -> None:
    assert bid(top(situation(face({48: 100}, {56: 100}), 51, opposing=52))) == 47
    assert bid(top(situation(face({48: 100}, {56: 100}), 51, opposing=50))) == 49


def test_no_price_is_left_between_the_floor_of_the_grid_and_a_cheap_ask() -> None:
    placed = top(situation(face({}, {1: 100}), 51))
    assert (placed.bid, placed.reason) == (None, Reason.PRICE_RANGE)


def test_our_own_size_is_not_outbid() -> None:
    seen = face({49: 10, 48: 100}, {56: 100}, own={49: 10})
    placed = top(situation(seen, 51, live=49))
    assert (bid(placed), placed.rival) == (49, cents(48))


def test_nothing_is_raised_while_an_order_is_in_flight() -> None:
    seen = face({50: 100}, {56: 100})
    placed = top(situation(seen, 51, live=49, held_back=True))
    assert (bid(placed), placed.reason) == (49, Reason.WAITING)
    assert bid(top(situation(seen, 51, live=49))) == 51
    assert bid(top(situation(face({46: 100}, {56: 100}), 47, live=49, held_back=True))) == 47  # lower it may


def test_the_cap_is_the_least_of_ceiling_ask_and_our_own_offer() -> None:
    assert cap_of(situation(face({}, {56: 1}), 51)) == cents(51)
    assert cap_of(situation(face({}, {50: 1}), 51)) == cents(49)
    assert cap_of(situation(face({}, {56: 1}), 51, opposing=55)) == cents(44)


@pytest.mark.parametrize("ladder", [CENTS, DECI], ids=["cents", "deci-cents"])
def test_the_ask_side_is_placed_as_the_mirrored_bid_side(ladder: Ladder) -> None:
    seen = face({40: 100}, {52: 100, 53: 40}, ladder=ladder, side=BookSide.ASK)
    same = face({48: 100, 47: 40}, {60: 100}, ladder=ladder)
    assert bid(top(situation(seen, 51))) == bid(top(situation(same, 51)))


# ---- sticky and retests


class Quote:
    """One sticky quote over time: what it wants becomes its live price."""

    def __init__(self, settings: MatchSettings = SETTINGS, live: float | None = None) -> None:
        self.settings = settings
        self.memory = Memory(settings.retest_s)
        self.live = live

    def at(self, s: float, rivals: dict[float, float], ceiling: float = 51) -> tuple[float | None, Reason]:
        placed = top(situation(face(rivals, {90: 1}), ceiling, live=self.live), self.settings, s, self.memory)
        self.live = bid(placed)
        return self.live, placed.reason


def test_a_quote_stays_when_its_rival_drops_away() -> None:
    quote = Quote()
    assert quote.at(0, {48: 100}) == (49, Reason.TOP)
    assert quote.at(1, {40: 100}) == (49, Reason.STICKY)
    assert quote.at(29.9, {40: 100}) == (49, Reason.STICKY)


def test_after_the_retest_time_it_drops_watches_and_stays_cheap() -> None:
    quote = Quote()
    quote.at(0, {48: 100})
    assert quote.at(30, {40: 100}) == (41, Reason.RETESTING)
    assert quote.at(34.9, {40: 100}) == (41, Reason.RETESTING)
    assert quote.at(35, {40: 100})[0] == 41
    assert quote.memory.retest_s == 30


def test_a_rival_that_comes_back_is_climbed_over_and_the_next_retest_waits_twice_as_long() -> None:
    quote = Quote()
    quote.at(0, {48: 100})
    s = 0.0
    for wait in (30, 60, 120, 240, 300, 300):
        assert quote.at(s + wait - 0.1, {40: 100})[0] == 49
        s += wait
        assert quote.at(s, {40: 100}) == (41, Reason.RETESTING)
        s += 1
        assert quote.at(s, {48: 100})[0] == 49
    assert quote.memory.retest_s == 300


def test_a_retest_nobody_answers_resets_the_waiting_time() -> None:
    quote = Quote()
    quote.at(0, {48: 100})
    quote.at(30, {40: 100})
    quote.at(31, {48: 100})
    assert quote.memory.retest_s == 60
    quote.at(91, {40: 100})
    quote.at(96, {40: 100})
    assert quote.memory.retest_s == 30


def test_a_rival_near_again_starts_the_waiting_anew() -> None:
    quote = Quote()
    quote.at(0, {48: 100})
    quote.at(29, {40: 100})
    assert quote.at(30, {48: 100})[0] == 49
    assert quote.at(59, {40: 100}) == (49, Reason.STICKY)
    assert quote.at(60, {40: 100}) == (41, Reason.RETESTING)


def test_a_lower_ceiling_overrides_stickiness_at_once() -> None:
    quote = Quote()
    quote.at(0, {48: 100})
    assert quote.at(1, {40: 100}, ceiling=47)[0] == 41


def test_a_watch_never_raises_before_the_rival_returns() -> None:
    quote = Quote()
    quote.at(0, {48: 100})
    quote.at(30, {40: 100})
    assert quote.at(31, {41: 100})[0] == 41  # it joined us: it did not come back over us
    assert quote.at(32, {42: 100})[0] == 43


def test_where_orders_cannot_be_amended_a_retest_still_learns() -> None:
    """Cancel and place again: while the old order goes there is no live quote, and the watch goes on."""
    quote = Quote()
    quote.at(0, {48: 100})
    assert quote.at(30, {40: 100}) == (41, Reason.RETESTING)
    quote.live = None  # cancelled, not yet placed again
    assert quote.at(30.2, {40: 100})[0] == 41
    assert quote.at(31, {48: 100})[0] == 49
    assert quote.memory.retest_s == 60
    quote.at(91, {40: 100})
    quote.live = None
    assert quote.at(92, {48: 100})[0] == 49  # it came back before we were even out
    assert quote.memory.retest_s == 120


# ---- placement `ceiling`


def test_placement_ceiling_rests_there_in_levels() -> None:
    settings = with_values(SETTINGS, levels=3)
    seen = face({40: 100}, {56: 100})
    assert [bid(place_ceiling(situation(seen, 51), settings, level)) for level in range(3)] == [51, 50, 49]


def test_placement_ceiling_does_not_cross() -> None:
    assert bid(place_ceiling(situation(face({40: 100}, {50: 1}), 51), SETTINGS, 0)) == 49
    placed = place_ceiling(situation(face({}, {1: 1}), 51), SETTINGS, 0)
    assert (placed.bid, placed.reason) == (None, Reason.PRICE_RANGE)


def test_placement_ceiling_waits_while_an_order_is_in_flight() -> None:
    now = situation(face({40: 100}, {56: 100}), 51, live=49, held_back=True)
    assert bid(place_ceiling(now, SETTINGS, 0)) == 49
