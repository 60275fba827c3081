"""Fair value: how much each source counts, how they are pooled, and when there is none."""

from __future__ import annotations

import math

import pytest

from console.core.devig import Method
from console.core.instruments import Venue
from console.core.matches import Phase
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.sources import MANUAL, SourceKind
from console.core.theo import Board, Theo
from console.core.units import SECOND, Nanos

from .story import cents, with_values

T0 = 1_000
SETTINGS = MatchSettings()
PRE, LIVE = Phase.PREMATCH, Phase.INPLAY
KALSHI, POLY = Venue.KALSHI, Venue.POLYMARKET


def at(seconds: float) -> Nanos:
    return Nanos(round((T0 + seconds) * SECOND))


def fair_odds(*chances: float) -> tuple[float, ...]:
    return tuple(1.0 / p for p in chances)


def board(outcomes: int = 2) -> Board:
    return Board(outcomes, SETTINGS.ceiling_methods)


def line(made: Board, name: str, *chances: float, s: float = 0.0) -> None:
    made.odds(name, SourceKind.ODDS, fair_odds(*chances), at(s), Nanos(0))


def blend(
    made: Board,
    s: float = 0.0,
    phase: Phase = PRE,
    settings: MatchSettings = SETTINGS,
    ours: tuple[Venue, ...] = (),
) -> Theo:
    theo = made.blend(settings, phase, at(s), ours)
    assert theo is not None
    return theo


def weights(theo: Theo) -> dict[str, float]:
    return {source.name: source.weight for source in theo.sources}


def notes(theo: Theo) -> dict[str, str]:
    return {source.name: source.note for source in theo.sources}


# ---- weights


def test_the_sharp_book_counts_one_and_every_other_book_a_fifth() -> None:
    made = board()
    line(made, "pinnacle", 0.6, 0.4)
    line(made, "book1", 0.6, 0.4)
    assert weights(blend(made)) == {"pinnacle": 1.0, "book1": 0.2}


def test_other_books_together_count_at_most_two_fifths() -> None:
    made = board()
    line(made, "pinnacle", 0.6, 0.4)
    for number in range(4):
        line(made, f"book{number}", 0.6, 0.4)
    found = weights(blend(made))
    assert found["pinnacle"] == 1.0
    assert [found[f"book{number}"] for number in range(4)] == pytest.approx([0.1] * 4)


@pytest.mark.parametrize(
    ("venue", "phase", "spread", "weight"),
    [
        (POLY, PRE, 3, 0.70),
        (POLY, LIVE, 3, 0.85),
        (KALSHI, PRE, 3, 0.30),
        (KALSHI, LIVE, 3, 0.15),
        (POLY, PRE, 2, 0.70 * 1.05),
        (POLY, PRE, 2.1, 0.70),
        (POLY, PRE, 4.9, 0.70),
        (POLY, PRE, 5, 0.70 * 0.90),
        (POLY, PRE, 15, 0.70 * 0.90),
        (POLY, PRE, 15.1, 0.0),
    ],
)
def test_an_exchange_book_counts_by_venue_phase_and_spread(
    venue: Venue, phase: Phase, spread: float, weight: float
) -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    made.book(venue, (0.5, 0.5), cents(spread), at(0))
    assert weights(blend(made, phase=phase))[venue.value] == pytest.approx(weight)


def test_weight_falls_with_confirmed_age_to_nothing_at_the_limit() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    made.book(POLY, (0.5, 0.5), cents(3), at(0))
    theo = blend(made, s=4)  # 4 of 10 s, 4 of 180 s
    assert weights(theo) == pytest.approx({"polymarket": 0.7 * 0.6, "pinnacle": 1 - 4 / 180})
    assert weights(blend(made, s=9.999))["polymarket"] > 0.0
    assert weights(blend(made, s=10))["polymarket"] == 0.0
    assert notes(blend(made, s=10))["polymarket"] == "stale"
    assert weights(blend(made, s=2.9, phase=LIVE))["polymarket"] > 0.0
    assert weights(blend(made, s=3, phase=LIVE))["polymarket"] == 0.0


def test_odds_older_than_60_s_in_play_and_180_s_before_count_nothing() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    assert weights(blend(made, s=179.9))["pinnacle"] > 0.0
    assert blend(made, s=180).why is Reason.STALE_THEO
    assert weights(blend(made, s=59.9, phase=LIVE))["pinnacle"] > 0.0
    assert blend(made, s=60, phase=LIVE).why is Reason.STALE_THEO


@pytest.mark.parametrize(
    ("prices", "note"),
    [
        ((0.5, None), "one-sided book"),
        ((0.5, 0.43), "prices do not add up"),
        ((0.55, 0.52), "prices do not add up"),
        ((0.47, 0.47), ""),
        ((0.53, 0.53), ""),
    ],
)
def test_microprices_count_only_complete_and_adding_up(prices: tuple[float | None, ...], note: str) -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    made.book(POLY, prices, cents(3), at(0))
    assert notes(blend(made))["polymarket"] == note


def test_microprices_are_normalised() -> None:
    made = board()
    made.book(POLY, (0.45, 0.50), cents(3), at(0))
    assert blend(made).fair[0b01] == math.floor(0.45 / 0.95 * 1e6)


def test_an_underround_or_overpriced_line_counts_nothing() -> None:
    made = board()
    made.odds("pinnacle", SourceKind.ODDS, (2.05, 2.02), at(0), Nanos(0))
    assert notes(blend(made))["pinnacle"] == "underround"
    made.odds("pinnacle", SourceKind.ODDS, (1.6, 1.6), at(1), Nanos(0))
    assert notes(blend(made, s=1))["pinnacle"] == "margin too large"
    made.odds("pinnacle", SourceKind.ODDS, (1.9, 1.9), at(2), Nanos(0))
    assert notes(blend(made, s=2))["pinnacle"] == ""


# ---- the pool


def test_sources_are_pooled_in_log_space() -> None:
    made = board()
    line(made, "pinnacle", 0.6, 0.4)
    line(made, "book1", 0.55, 0.45)
    # logit = (1.0 * 0.405465 + 0.2 * 0.200671) / 1.2 = 0.371333 -> 0.591781
    assert blend(made).fair[0b01] == pytest.approx(591_781, abs=1)


def test_probabilities_leave_as_floored_millionths() -> None:
    made = board(3)
    line(made, "pinnacle", 1 / 3, 1 / 3, 1 / 3)
    theo = blend(made)
    assert theo.outcomes == (333_333,) * 3
    assert theo.fair[0b011] == 666_666
    assert set(theo.fair) == set(theo.low) == {1, 2, 3, 4, 5, 6}


def test_the_low_fair_value_is_the_least_method_never_one_minus_the_complements() -> None:
    made = board()
    made.odds("pinnacle", SourceKind.ODDS, (1.04, 13.0), at(0), Nanos(0))
    low = blend(made).low
    assert low[0b01] == 925_925  # multiplicative; power says .954
    assert low[0b10] == pytest.approx(46_000, abs=100)  # power; multiplicative says .0741
    assert 1_000_000 - low[0b10] == pytest.approx(954_000, abs=100)


def test_one_ceiling_method_is_enough() -> None:
    plain = with_values(SETTINGS, ceiling_methods=(Method.MULTIPLICATIVE,))
    made = Board(2, plain.ceiling_methods)
    made.odds("pinnacle", SourceKind.ODDS, (1.04, 13.0), at(0), Nanos(0))
    assert blend(made, settings=plain).low[0b10] == 74_074


def test_a_new_ceiling_method_is_worked_out_from_what_is_known() -> None:
    made = board()
    made.odds("pinnacle", SourceKind.ODDS, (1.04, 13.0), at(0), Nanos(0))
    made.book(POLY, (0.93, 0.07), cents(3), at(0))
    made.use((Method.SHIN,))
    shin = with_values(SETTINGS, ceiling_methods=(Method.SHIN,))
    made.withdraw("polymarket")
    assert blend(made, settings=shin).low[0b10] == pytest.approx(57_692, abs=2)


# ---- when there is no theo


def test_nothing_said_is_no_theo() -> None:
    assert board().blend(SETTINGS, PRE, at(0), ()) is None


def test_our_own_market_alone_is_no_theo() -> None:
    made = board()
    made.book(KALSHI, (0.5, 0.5), cents(3), at(0))
    assert blend(made, ours=(KALSHI,)).why is Reason.NO_THEO
    assert blend(made).why is None
    made.book(POLY, (0.5, 0.5), cents(3), at(0))
    assert blend(made, ours=(KALSHI,)).why is None
    assert blend(made, ours=(KALSHI, POLY)).why is Reason.NO_THEO
    line(made, "pinnacle", 0.5, 0.5)
    assert blend(made, ours=(KALSHI, POLY)).why is None


def test_a_suspended_line_counts_nothing_until_it_is_back() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    made.suspend("pinnacle")
    assert blend(made).why is Reason.STALE_THEO
    line(made, "pinnacle", 0.5, 0.5, s=1)
    assert blend(made, s=1).why is None


def test_a_line_unchanged_too_long_is_frozen() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    for s in (30, 60, 61):
        line(made, "pinnacle", 0.5, 0.5, s=s)  # a stamp that advances proves a poll, not a price
    assert notes(blend(made, s=60, phase=LIVE))["pinnacle"] == ""
    assert notes(blend(made, s=61, phase=LIVE))["pinnacle"] == "frozen"
    assert notes(blend(made, s=61))["pinnacle"] == ""
    six_hours = 6 * 3600
    line(made, "pinnacle", 0.5, 0.5, s=six_hours + 1)
    assert notes(blend(made, s=six_hours + 1))["pinnacle"] == "frozen"


# ---- suspicion


def watched(move: float, *, lasting: int = 11, ours: tuple[Venue, ...] = ()) -> Theo:
    """Pinnacle stands still; after five calm minutes the other exchange moves by `move` cents and stays."""
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    for s in range(301 + lasting):
        p = 0.5 + (move / 100.0 if s > 300 else 0.0)
        made.book(POLY, (p, 1.0 - p), cents(3), at(s))
        if s % 60 == 0:
            line(made, "pinnacle", 0.5, 0.5, s=s)
        made.sample(at(s), SETTINGS.shock_score)
    return blend(made, s=300 + lasting, ours=ours)


def test_a_line_unchanged_while_another_moved_is_suspect() -> None:
    assert notes(watched(2.0))["pinnacle"].startswith("suspect")
    assert weights(watched(-2.0))["pinnacle"] == 0.0


def test_a_book_we_quote_on_is_no_evidence_against_the_sharp_line() -> None:
    """Else any rival there could stop us for as long as the line stands, ten minutes and more."""
    assert notes(watched(2.0, ours=(POLY,)))["pinnacle"] == ""


def test_a_small_move_or_a_flicker_of_another_is_no_evidence() -> None:
    assert notes(watched(0.9))["pinnacle"] == ""
    assert notes(watched(2.0, lasting=3))["pinnacle"] == ""


def test_a_line_that_moves_too_is_trusted_again() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    for s in range(320):
        p = 0.5 + (0.02 if s > 300 else 0.0)
        made.book(POLY, (p, 1.0 - p), cents(3), at(s))
        made.sample(at(s), SETTINGS.shock_score)
        if s % 60 == 0:
            line(made, "pinnacle", 0.5, 0.5, s=s)
    assert notes(blend(made, s=319))["pinnacle"].startswith("suspect")
    line(made, "pinnacle", 0.52, 0.48, s=320)
    assert notes(blend(made, s=320))["pinnacle"] == ""


# ---- by hand


def test_a_pinned_value_silences_every_other_source() -> None:
    made = board()
    line(made, "pinnacle", 0.4, 0.6)
    made.odds(MANUAL, SourceKind.MANUAL, fair_odds(0.525, 0.475), at(0), Nanos(0))
    made.pinned = True
    theo = blend(made, s=5000)  # and never grows old
    assert weights(theo) == {"pinnacle": 0.0, MANUAL: 1.0}
    assert theo.fair[0b01] == pytest.approx(525_000, abs=1)
    assert theo.age == 0


def test_an_unpinned_value_is_blended_and_can_expire() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    made.odds(MANUAL, SourceKind.MANUAL, fair_odds(0.6, 0.4), at(0), Nanos(0))
    # logit(.6) / 2 = .2027326 -> .550510
    assert blend(made).fair[0b01] == pytest.approx(550_510, abs=1)
    short = with_values(SETTINGS, manual_ttl_s=100)
    assert weights(blend(made, s=50, settings=short))[MANUAL] == pytest.approx(0.5)
    assert weights(blend(made, s=100, settings=short))[MANUAL] == 0.0
    made.withdraw(MANUAL)
    assert weights(blend(made)) == {"pinnacle": 1.0}


# ---- buffers


@pytest.mark.parametrize(
    ("other", "uncertainty", "why"),
    [
        (0.50, 0.0, None),
        (0.52, 1.0, None),  # half of the widest difference
        (0.5599, 2.995, None),
        (0.561, 3.0, Reason.DISAGREEMENT),
        (0.70, 3.0, Reason.DISAGREEMENT),
    ],
)
def test_disagreement_widens_then_stops(other: float, uncertainty: float, why: Reason | None) -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    line(made, "book1", other, 1.0 - other)
    theo = blend(made)
    assert theo.uncertainty == pytest.approx(cents(uncertainty), abs=1)
    assert theo.why is why


def test_a_source_that_hardly_counts_has_no_say_in_disagreement() -> None:
    made = board()
    line(made, "book1", 0.7, 0.3)
    line(made, "pinnacle", 0.5, 0.5, s=100)
    theo = blend(made, s=100)  # .2 * (1 - 100/180) = .089
    assert theo.uncertainty == 0
    assert theo.why is None


@pytest.mark.parametrize(("s", "buffer"), [(0, 0.0), (90, 0.0), (135, 0.5), (179, 0.989)])
def test_the_age_buffer_grows_through_the_second_half_of_the_limit(s: float, buffer: float) -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5)
    assert blend(made, s=s).age == pytest.approx(cents(buffer), abs=2)


def test_the_age_buffer_weighs_sources_by_what_they_count() -> None:
    made = board()
    line(made, "pinnacle", 0.5, 0.5, s=135)
    line(made, "book1", 0.5, 0.5)
    # at 135 s: pinnacle 1.0 and young, book1 .2 * .25 = .05 and half late: .05 * .5 / 1.05 cents
    assert blend(made, s=135).age == pytest.approx(cents(0.05 * 0.5 / 1.05), abs=1)


# ---- shocks


def test_only_a_source_that_counts_enough_can_shock() -> None:
    made = board()
    for s in range(30):
        made.book(KALSHI, (0.5, 0.5), cents(3), at(s))
        line(made, "pinnacle", 0.5, 0.5, s=s)
        made.sample(at(s), SETTINGS.shock_score)
    made.book(KALSHI, (0.55, 0.45), cents(3), at(30))
    made.sample(at(30), SETTINGS.shock_score)
    assert blend(made, s=30).shocked_ts == at(30)  # .30 counts
    assert blend(made, s=30, phase=LIVE).shocked_ts is None  # .15 does not
