from __future__ import annotations

import msgspec
import pytest

from console.core.instruments import Instrument, Venue
from console.core.matches import Listing
from console.core.presets import PRESETS
from console.core.units import CENT, ONE, Nanos, Size
from console.tui.draft import Draft, DraftError, draft_of, parse_instruments, parse_start, read
from tests.tui.fakes import SYMBOLS
from tests.tui.views import WALL

GOOD = Draft(
    title="Alcaraz v Sinner",
    outcomes="Alcaraz / Sinner",
    instruments="kalshi:KX-ALC = Alcaraz\nkalshi:KX-SIN = sinner",
    start="2026-07-14 18:30",
    odds="-110 +100",
)
MINUTE = 60 * 10**9


def changed(**fields: str) -> Draft:
    return msgspec.structs.replace(GOOD, **fields)


def test_good_draft_becomes_the_event() -> None:
    reading = read(GOOD, None, WALL, PRESETS)
    assert reading.wrong == {}
    assert reading.event is not None
    spec = reading.event.spec
    assert spec.id == "alcaraz-v-sinner"
    assert spec.outcomes == ("Alcaraz", "Sinner")
    assert spec.listings == (
        Listing(Instrument(Venue.KALSHI, "KX-ALC"), (0,)),
        Listing(Instrument(Venue.KALSHI, "KX-SIN"), (1,)),
    )
    assert spec.start == 1_784_053_800 * 10**9
    assert reading.event.odds == pytest.approx((1.9090909, 2.0))


def test_fair_values_come_with_the_odds() -> None:
    reading = read(GOOD, None, WALL, PRESETS)
    assert reading.fair is not None
    first = next(iter(reading.fair.probabilities.values()))
    assert first == pytest.approx((0.5116, 0.4884), abs=1e-4)
    assert read(changed(odds=""), None, WALL, PRESETS).fair is None


@pytest.mark.parametrize(
    ("field", "text", "wrong"),
    [
        ("title", " ", "title: the match needs a name"),
        ("outcomes", "Alcaraz", "outcomes: a match has 2 or 3, not 1"),
        (
            "instruments",
            "kalshi KX = Alcaraz",
            "instruments: 'kalshi KX = Alcaraz' is not venue:SYMBOL = outcome",
        ),
        ("instruments", "", "instruments: at least one line such as kalshi:SYMBOL = outcome"),
        (
            "instruments",
            "bourse:KX = Alcaraz",
            "instruments: 'bourse' is not a venue; they are kalshi, polymarket, prophetx",
        ),
        (
            "instruments",
            "kalshi:KX = Nadal",
            "instruments: 'Nadal' is not one of the outcomes Alcaraz / Sinner",
        ),
        ("start", "tomorrow", "start: 'tomorrow' is not 2026-07-14 18:30, 18:30 (UTC) or +90m"),
        ("start", "25:61", "start: '25:61' is not 2026-07-14 18:30, 18:30 (UTC) or +90m"),
        ("odds", "-110", "odds: 1 prices for 2 outcomes"),
        ("odds", "-110 0.9x", "odds: '0.9x' is not a price; type -110, +150, 1.91 or 52.4%"),
        ("preset", "tob", f"preset: 'tob' is not one of {', '.join(PRESETS)}"),
        ("edge_min", "one", "edge_min: 'one' is not a number from 0 (four decimals) in cents"),
        ("contracts", "-5", "contracts: '-5' is not a number from 0 in contracts"),
        ("other", "retest_s", "other: 'retest_s' is not key = value"),
        ("other", "retset_s = 5", "retset_s: no such setting"),
    ],
)
def test_each_mistake_is_one_line_at_its_field(field: str, text: str, wrong: str) -> None:
    reading = read(changed(**{field: text}), None, WALL, PRESETS)
    assert reading.event is None
    assert reading.wrong.get(field) == wrong


def test_settings_are_judged_together() -> None:
    alone = read(changed(contracts="80"), None, WALL, PRESETS)
    assert alone.wrong["contracts"].startswith("contracts 80 is more than inventory_max 50")
    both = read(changed(contracts="80", inventory_max="90"), None, WALL, PRESETS)
    assert both.wrong == {}
    assert both.settings.contracts == 80 * ONE


def test_profiles_are_those_of_the_engines_settings() -> None:
    mine = msgspec.structs.replace(PRESETS["canary"], preset="mine", contracts=Size(3 * ONE))
    reading = read(changed(preset="mine"), None, WALL, {"mine": mine})
    assert reading.event is not None
    assert reading.event.settings.contracts == 3 * ONE
    assert read(changed(preset="canary"), None, WALL, {"mine": mine}).wrong["preset"].endswith("one of mine")


def test_empty_setting_is_the_presets() -> None:
    reading = read(
        changed(preset="soccer", edge_min="1.5", other="retest_s = 45; in_play = false"), None, WALL, PRESETS
    )
    assert reading.settings.contracts == 25 * ONE
    assert reading.settings.edge_min == 3 * CENT // 2
    assert reading.settings.retest_s == 45
    assert reading.settings.in_play is False


def test_listed_match_keeps_what_the_form_does_not_show() -> None:
    spec = SYMBOLS[1].spec
    draft = draft_of(spec)
    reading = read(draft, spec, WALL, PRESETS)
    assert reading.wrong == {}
    assert reading.event is not None
    assert reading.event.spec == msgspec.structs.replace(spec, start=Nanos(spec.start // MINUTE * MINUTE))
    assert reading.event.odds == ()  # those of a feed go on by themselves


def test_one_instrument_may_pay_on_two_of_three() -> None:
    assert parse_instruments("kalshi:KX = Away + Draw", ("Home", "Draw", "Away")) == (
        Listing(Instrument(Venue.KALSHI, "KX"), (1, 2)),
    )


def test_time_of_day_means_the_next_one_to_come() -> None:
    assert parse_start("21:30", WALL) // MINUTE == WALL // MINUTE + 26
    assert parse_start("20:30", WALL) - WALL > 23 * 60 * MINUTE
    assert parse_start("+90m", WALL) // MINUTE == WALL // MINUTE + 90
    assert parse_start("+2h", WALL) // MINUTE == WALL // MINUTE + 120
    assert parse_start("", WALL) == 0


def test_unknown_outcome_says_which_there_are() -> None:
    with pytest.raises(DraftError, match="none yet"):
        parse_instruments("kalshi:KX = A", ())
