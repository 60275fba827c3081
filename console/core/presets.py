"""Ready-made profiles: how a match is quoted, and the account limits that go with it."""

from __future__ import annotations

from console.core.instruments import Venue
from console.core.settings import AccountSettings, MatchSettings, Placement
from console.core.units import CENT, ONE, Cash, Price, Size

PRESETS: dict[str, MatchSettings] = {
    "top_of_book": MatchSettings(),
    "practice": MatchSettings(  # for the built-in world: the whole play within a minute
        preset="practice",
        edge_min=Price(CENT // 2),
        inventory_max=Size(10 * ONE),
    ),
    "soccer": MatchSettings(
        preset="soccer",
        placement=Placement.CEILING,
        in_play=True,
        half_spread=Price(3 * CENT),
        half_spread_inplay=Price(6 * CENT),
        adverse_prematch=Price(CENT // 2),
        adverse_inplay=Price(CENT),
        contracts=Size(25 * ONE),
        notional=Cash(3 * ONE),
        depth_share_pct=25,
        inventory_max=Size(100 * ONE),
        max_position=Size(200 * ONE),
        max_loss_match=Cash(25 * ONE),
        exposure_match=Cash(25 * ONE),
        exposure_event=Cash(25 * ONE),
        fill_rate=Cash(20 * ONE),
    ),
    "canary": MatchSettings(
        preset="canary",
        quote_on=Venue.KALSHI,
        contracts=Size(10 * ONE),
        notional=Cash(1 * ONE),
        inventory_max=Size(50 * ONE),
        max_position=Size(50 * ONE),
        max_loss_match=Cash(10 * ONE),
        exposure_match=Cash(10 * ONE),
        exposure_event=Cash(10 * ONE),
        fill_rate=Cash(20 * ONE),
        stop_before_start_s=900,
    ),
    "margin": MatchSettings(
        preset="margin",
        placement=Placement.CEILING,
        half_spread=Price(2 * CENT),
        half_spread_inplay=Price(2 * CENT),
        contracts=Size(20 * ONE),
        notional=Cash(5 * ONE),
        order_cash_max=Cash(10 * ONE),
        inventory_max=Size(100 * ONE),
        max_position=Size(200 * ONE),
        max_loss_match=Cash(100 * ONE),
        exposure_match=Cash(100 * ONE),
        exposure_event=Cash(100 * ONE),
        normal_ms=5000,
        stop_before_start_s=900,
    ),
    "sharp_copy": MatchSettings(
        preset="sharp_copy",
        placement=Placement.COPY,
        edge_min=Price(0),
        inventory_skew_max=Price(0),
        vol_factor=0.0,
        quote_empty=True,  # whoever is first at a betting exchange finds an empty book
        requote_odds_bp=200,
        contracts=Size(500 * ONE),
        notional=Cash(100 * ONE),
        order_size_max=Size(1000 * ONE),
        order_cash_max=Cash(200 * ONE),
        inventory_max=Size(500 * ONE),
        max_position=Size(1000 * ONE),
        max_loss_match=Cash(500 * ONE),
        exposure_match=Cash(500 * ONE),
        exposure_event=Cash(500 * ONE),
        stop_before_start_s=900,
    ),
    "adaptive": MatchSettings(
        preset="adaptive",
        placement=Placement.CEILING,
        spread_usual=Price(4 * CENT),
        vol_factor=0.0,  # the spread follows volatility already
        requote_threshold=Price(3 * CENT),
        kelly_pct=25,
        bankroll=Cash(500 * ONE),
        stop_before_start_s=900,
    ),
}

ACCOUNT_PRESETS: dict[str, AccountSettings] = {
    "top_of_book": AccountSettings(),
    "soccer": AccountSettings(exposure_total=Cash(125 * ONE), exposure_venue=Cash(125 * ONE)),
    "canary": AccountSettings(
        exposure_total=Cash(50 * ONE),
        exposure_venue=Cash(50 * ONE),
        daily_loss=Cash(10 * ONE),
        drawdown=Cash(10 * ONE),
        open_orders=10,
    ),
    "margin": AccountSettings(
        exposure_total=Cash(1000 * ONE),
        exposure_venue=Cash(1000 * ONE),
        daily_loss=Cash(500 * ONE),
        drawdown=None,
        stop_loss_pct=5,
        open_orders=50,
    ),
    "sharp_copy": AccountSettings(
        exposure_total=Cash(2000 * ONE),
        exposure_venue=Cash(2000 * ONE),
        daily_loss=Cash(500 * ONE),
        drawdown=Cash(500 * ONE),
        open_orders=400,
    ),
    "adaptive": AccountSettings(drawdown=None),
}
