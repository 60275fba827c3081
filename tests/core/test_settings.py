"""Every number a trader can set: read as typed, written the way it is typed, refused in one line."""

from __future__ import annotations

import typing

import pytest
from msgspec import Struct
from msgspec.structs import fields

from console.core.devig import Method
from console.core.settings import (
    AccountSettings,
    BackOff,
    MatchSettings,
    Placement,
    SettingError,
    format_setting,
    parse_setting,
    unit_of,
    with_setting,
)

from .story import cents, contracts, dollars

MATCH, ACCOUNT = MatchSettings(), AccountSettings()
ALL = [(settings, field.name) for settings in (MATCH, ACCOUNT) for field in fields(settings)]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("edge_min", "1", cents(1)),
        ("edge_min", "0.5", cents(0.5)),
        ("edge_min", "1.25¢", cents(1.25)),
        ("contracts", "25", contracts(25)),
        ("contracts", "0.01", 10_000),
        ("exposure_match", "$30", dollars(30)),
        ("exposure_match", "30.50", dollars(30.5)),
        ("notional", "off", None),
        ("notional", "3", dollars(3)),
        ("in_play", "on", True),
        ("in_play", "no", False),
        ("retest_s", "45", 45),
        ("shock_score", "2.5", 2.5),
        ("placement", "Ceiling", Placement.CEILING),
        ("back_off", "out", BackOff.OUT),
        ("ceiling_methods", "power, shin", (Method.POWER, Method.SHIN)),
        ("kelly_pct", "OFF", None),
    ],
)
def test_what_a_person_types_is_read(key: str, text: str, value: object) -> None:
    assert parse_setting(MatchSettings, key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("edge_min", "-1", "edge_min: '-1' is not a number from 0 (four decimals) in cents"),
        ("edge_min", "0.00001", "edge_min: '0.00001' is not a number from 0 (four decimals) in cents"),
        ("edge_min", "one", "edge_min: 'one' is not a number from 0 (four decimals) in cents"),
        ("contracts", "1e3", "contracts: '1e3' is not a number from 0 in contracts"),
        ("retest_s", "1.5", "retest_s: '1.5' is not a whole number from 0 in seconds"),
        ("fast_ms", "", "fast_ms: '' is not a whole number from 0 in milliseconds"),
        ("in_play", "maybe", "in_play: 'maybe' is not true or false"),
        ("placement", "middle", "placement: 'middle' is not one of top, ceiling, copy"),
        ("notional", "x", "notional: 'x' is not a number from 0 in dollars or \"off\""),
        ("shock_score", "nan", "shock_score: 'nan' is not a number from 0"),
        (
            "retets_s",
            "5",
            "retets_s: no such setting; did you mean retest_s or retest_max_s or retest_watch_s?",
        ),
        ("zzz", "5", "zzz: no such setting"),
    ],
)
def test_what_is_no_value_is_refused_in_one_line(key: str, text: str, says: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_setting(MatchSettings, key, text)
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("settings", "key"), ALL, ids=lambda v: v if isinstance(v, str) else type(v).__name__
)
def test_every_default_is_written_as_it_is_typed_and_read_back(settings: Struct, key: str) -> None:
    text = format_setting(settings, key)
    assert parse_setting(type(settings), key, text) == getattr(settings, key)
    assert unit_of(type(settings), key) in ("cents", "contracts", "dollars", "seconds", "milliseconds", "")


def test_no_binary_float_touches_money() -> None:
    for settings in (MATCH, ACCOUNT):
        hints = typing.get_type_hints(type(settings))
        floats = {key for key, kind in hints.items() if kind is float}
        assert floats <= {"shock_score", "shock_weight_min", "vol_factor", "toxicity_warn", "toxicity_pause"}


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("contracts", "0", "contracts, inventory_max and max_position must be above zero"),
        (
            "contracts",
            "101",
            "contracts 101 is more than order_size_max 100: no quote could ever be placed",
        ),
        (
            "contracts",
            "51",
            "contracts 51 is more than inventory_max 50: one fill would pass the limit",
        ),
        (
            "max_position",
            "49",
            "inventory_max is more than max_position: the position limit would stop rebalancing",
        ),
        ("ceiling_methods", "", "ceiling_methods: name at least one de-vig method"),
        ("price_min", "96", "price_min and price_max must be between 0 and 100 cents, the minimum first"),
        ("price_max", "100", "price_min and price_max must be between 0 and 100 cents, the minimum first"),
        ("kelly_pct", "25", 'kelly_pct: set bankroll (dollars) too, or kelly_pct = "off"'),
        ("levels", "0", "levels and legs_max are from 1 to 50"),
        ("levels", "1000000", "levels and legs_max are from 1 to 50"),
        (
            "contracts",
            "100.125",
            "contracts 100.125 is more than order_size_max 100: no quote could ever be placed",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(key: str, text: str, says: str) -> None:
    with pytest.raises(SettingError) as refused:
        with_setting(MATCH, key, text)
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("cancel_reserve_pct", "100"),
        ("stop_loss_pct", "0"),
        ("write_tokens_per_s", "0"),
        ("open_orders", "0"),
    ],
)
def test_account_values_that_make_no_sense_are_refused(key: str, text: str) -> None:
    with pytest.raises(SettingError):
        with_setting(ACCOUNT, key, text)


def test_one_value_changes_and_the_rest_stays() -> None:
    changed = with_setting(MATCH, "edge_min", "2")
    assert changed.edge_min == cents(2)
    assert with_setting(changed, "edge_min", "1") == MATCH
