from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from kalshi_samples import BOS, EXAMPLES, LAL, T1, Json, example, raw

from console.core.fees import KALSHI_UNIT_BROKER, FeeKind, FeeModel
from console.core.instruments import MarketState, VoidRule
from console.core.ladders import Band
from console.core.units import Price
from console.venues.kalshi import grids
from console.venues.kalshi.listings import (
    FeeTerms,
    Listing,
    Result,
    parse_event,
    parse_market,
    parse_markets,
    parse_series,
)
from console.venues.kalshi.wire import ParseError

MARKETS = sorted(path.name for path in (EXAMPLES / "rest").glob("market_*.json"))
EVENT = (EXAMPLES / "rest/event_two_outcome.json").read_bytes()


def market(name: str, terms: FeeTerms | None = None) -> Listing:
    body = (EXAMPLES / "rest" / name).read_bytes()
    return parse_market(body) if terms is None else parse_market(body, terms)


def nanos(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1_000_000) * 1_000  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("name", MARKETS)
def test_every_example_market_is_read(name: str) -> None:
    listing = market(name)
    assert listing.spec.ladder()
    assert (listing.spec.two_sided, listing.spec.amendable) == (True, True)
    assert listing.spec.void_rule is VoidRule.FAIR
    assert (listing.spec.size_min, listing.spec.size_step) == (10_000, 10_000)


def test_active_market() -> None:
    listing = market("market_active.json")
    assert listing.instrument == LAL
    assert listing.event == "KXNBAGAME-26NOV20LALBOS"
    assert listing.title == "Will Los Angeles L win the Los Angeles at Boston pro basketball game?"
    assert listing.outcome == "Los Angeles L"
    assert listing.state is MarketState.OPEN
    assert (listing.result, listing.payout) == (Result.UNKNOWN, None)
    assert listing.shard == 3
    assert listing.occurs_wall == nanos(2026, 11, 21, 0, 30)
    assert listing.close_wall == nanos(2026, 12, 5, 0, 30)
    assert listing.settled_wall == 0
    assert listing.spec.bands == (Band(0, 1_000_000, 10_000),)


@pytest.mark.parametrize(
    ("name", "result", "payout"),
    [
        ("market_settled_yes.json", Result.YES, 1_000_000),
        ("market_settled_no.json", Result.NO, 0),
        ("market_settled_scalar_void.json", Result.SCALAR, 470_000),
    ],
)
def test_settled_market_tells_what_it_paid(name: str, result: Result, payout: int) -> None:
    listing = market(name)
    assert listing.state is MarketState.RESOLVED
    assert (listing.result, listing.payout) == (result, payout)
    assert listing.settled_wall == nanos(2026, 11, 21, 3, 5, 2, 498576)


def test_price_ranges_are_the_grid() -> None:
    assert market("market_tapered_deci_cent.json").spec.bands == (
        Band(0, 100_000, 1_000),
        Band(100_000, 900_000, 10_000),
        Band(900_000, 1_000_000, 1_000),
    )
    halves = market("market_subcent_esports.json")
    assert halves.instrument == T1
    assert halves.spec.bands == (Band(0, 1_000_000, 5_000),)


def test_page_of_markets() -> None:
    listings = parse_markets((EXAMPLES / "rest/markets_list.json").read_bytes())
    assert [listing.instrument for listing in listings] == [LAL, BOS]


def test_event_with_its_markets_beside_or_nested() -> None:
    beside = parse_event(EVENT)
    assert beside.ticker == "KXNBAGAME-26NOV20LALBOS"
    assert beside.series == "KXNBAGAME"
    assert beside.title == "Los Angeles L at Boston"
    assert beside.exclusive
    assert [listing.instrument for listing in beside.listings] == [LAL, BOS]
    body = example("rest/event_two_outcome.json")
    body["event"]["markets"] = body.pop("markets")
    assert parse_event(raw(body)) == beside


def test_rules_hash_changes_with_the_wording() -> None:
    body = example("rest/market_active.json")
    before = parse_market(raw(body)).spec.rules_hash
    assert before == market("market_active.json").spec.rules_hash
    body["market"]["rules_secondary"] += " Overtime counts."
    assert parse_market(raw(body)).spec.rules_hash != before


# ---- fees


def test_fees_of_a_series() -> None:
    terms = parse_series((EXAMPLES / "rest/series_nba.json").read_bytes())
    assert terms == FeeTerms("quadratic_with_maker_fees", Decimal(1))
    assert market("market_active.json", terms).spec.fees == FeeModel(
        FeeKind.QUADRATIC, maker_rate=17_500, taker_rate=70_000, unit=100
    )


@pytest.mark.parametrize(
    ("fee_type", "multiplier", "maker", "taker"),
    [
        ("quadratic", "1", 0, 70_000),
        ("quadratic", "0.5", 0, 35_000),
        ("quadratic_with_maker_fees", "0.5", 8_750, 35_000),
        ("quadratic_with_combo_maker_fees", "1", 35_000, 70_000),
        ("quadratic_with_maker_fees", "0", 0, 0),
        ("quadratic_with_maker_fees", "0.33333", 5_834, 23_334),  # against us: 5833.275 and 23333.1
    ],
)
def test_rates_of_the_fee_schedule(fee_type: str, multiplier: str, maker: int, taker: int) -> None:
    model = FeeTerms(fee_type, Decimal(multiplier)).model()
    assert (model.maker_rate, model.taker_rate) == (maker, taker)


def test_account_behind_a_broker_pays_by_the_cent_and_order() -> None:
    model = FeeTerms(unit=KALSHI_UNIT_BROKER).model()
    assert (model.unit, model.per_order) == (10_000, True)
    assert not FeeTerms().model().per_order


def test_event_overrides_its_series_and_a_multiplier_of_zero_counts() -> None:
    body = example("rest/event_two_outcome.json")
    body["event"] |= {"fee_type_override": "quadratic_with_maker_fees", "fee_multiplier_override": 0}
    for listing in parse_event(raw(body)).listings:
        assert (listing.spec.fees.maker_rate, listing.spec.fees.taker_rate) == (0, 0)
        assert listing.terms == FeeTerms()
    body["event"]["fee_multiplier_override"] = None
    for listing in parse_event(raw(body)).listings:
        assert (listing.spec.fees.maker_rate, listing.spec.fees.taker_rate) == (17_500, 70_000)


@pytest.mark.parametrize("terms", [FeeTerms("flat"), FeeTerms(multiplier=Decimal(-1))])
def test_fees_nobody_explains_are_refused(terms: FeeTerms) -> None:
    with pytest.raises(ParseError, match=f"market listing of {LAL.symbol}: fee_type: "):
        market("market_active.json", terms)


# ---- strictness


@pytest.mark.parametrize(
    "field",
    [
        *("ticker", "event_ticker", "status", "result", "yes_sub_title"),
        *("rules_primary", "rules_secondary", "price_ranges", "close_time"),
    ],
)
def test_missing_field_of_a_market_is_named(field: str) -> None:
    body = example("rest/event_two_outcome.json")
    del body["markets"][1][field]
    with pytest.raises(ParseError, match=f"`{field}`"):
        parse_event(raw(body))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "settled"),
        ("status", ""),
        ("result", "maybe"),
        ("settlement_value_dollars", "1.5000"),
        ("settlement_value_dollars", ""),
        ("price_ranges", []),
        ("price_ranges", [{"start": "0.0000", "end": "1.0000", "step": "0.0300"}]),
        ("close_time", "tomorrow"),
        ("close_time", 1795230161),
    ],
)
def test_malformed_field_of_a_market_is_refused(field: str, value: Any) -> None:
    body: Json = copy.deepcopy(example("rest/market_settled_yes.json"))
    body["market"][field] = value
    with pytest.raises(ParseError, match=field) as caught:
        parse_market(raw(body))
    assert "\n" not in str(caught.value)


def test_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(ParseError, match="kalshi event listing of an unnamed market: "):
        parse_event(b"<html>502 Bad Gateway</html>")


# ---- grids told from prices


@pytest.mark.parametrize(
    ("prices", "name"),
    [
        (set(), "linear_cent"),
        ({10_000, 990_000}, "linear_cent"),
        ({15_000}, "center_whole_edge_half_cent"),
        ({455_000}, "center_half_edge_half_cent"),
        ({12_000}, "center_whole_edge_quint_cent"),
        ({71_000}, "tapered_deci_cent"),
        ({71_000, 455_000}, "center_half_edge_deci_cent"),
        ({452_000}, "center_quint_edge_quint_cent"),
        ({451_000}, "deci_cent"),
        ({451_000, 100}, "center_deci_edge_centi_cent"),
        ({450_100}, "center_centi_edge_centi_cent"),
    ],
)
def test_coarsest_grid_that_holds_the_prices(prices: set[int], name: str) -> None:
    assert grids.smallest(prices) == grids.named(name).bands


def test_no_grid_holds_a_price_between_all_ticks() -> None:
    assert grids.smallest({450_050}) is None


def test_grids_are_listed_from_coarse_to_fine() -> None:
    rungs = [len(grids.named(name).prices) for name in grids.NAMED]
    assert rungs == sorted(rungs)
    assert all(Price(500_000) in grids.named(name).prices for name in grids.NAMED)
