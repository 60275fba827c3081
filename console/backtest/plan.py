"""What one seed simulates: the weather of the world, the settings in force, and how often things break."""

from __future__ import annotations

import random

import msgspec
from msgspec import Struct

from console.core.devig import Method
from console.core.settings import AccountSettings, BackOff, MatchSettings, Placement
from console.core.units import CENT, ONE, Cash, Price, Size
from console.sim.dials import CALM, STORMY, Dials
from console.sim.listings import PROGRAMME
from console.sim.world import CASH


class Plan(Struct, frozen=True, kw_only=True):
    """One simulated run. `scale` multiplies how often everybody in the world acts; rates are per hour."""

    seed: int
    dials: Dials = CALM
    matches: int = len(PROGRAMME)
    scale: float = 1.0
    cash: int = CASH
    account: AccountSettings = AccountSettings()
    settings: tuple[MatchSettings, ...] = (MatchSettings(),)  # by match, in turn
    confirm_rules: bool = False  # netting across venues is confirmed while everything is flat
    twin: bool = False  # a second match on the symbols of the first
    whims_per_hour: float = 0.0
    looks_per_hour: float = 0.0  # at the screen, by an operator who means to go on
    crashes_per_hour: float = 0.0
    clock_jumps_per_hour: float = 0.0
    together_per_hour: float = 0.0  # two venues or more fail at once
    personas: bool = False  # each venue with the traits of its own


def plan_of(seed: int, faults: bool = True) -> Plan:
    """The plan of a seed; without faults nothing breaks and the operator only adds matches."""
    dice = random.Random(f"simulate/{seed}/plan")  # noqa: S311 - games, not secrets
    return Plan(
        seed=seed,
        dials=_weather(dice) if faults else CALM,
        matches=dice.choice((3, 5, 6, 9, 9)),
        scale=dice.choice((0.7, 1.5, 3.0, 6.0)),
        cash=dice.choice((200, 1000, 1000)) * ONE,
        account=_account(dice),
        settings=tuple(_match(dice) for _ in range(dice.choice((1, 2, 3)))),
        confirm_rules=dice.random() < 0.5,
        twin=dice.random() < 0.3,
        whims_per_hour=500.0 if faults else 0.0,
        looks_per_hour=180.0 if faults else 0.0,
        crashes_per_hour=60.0 if faults else 0.0,
        clock_jumps_per_hour=10.0 if faults else 0.0,
        together_per_hour=10.0 if faults else 0.0,
        personas=dice.random() < 0.75,
    )


def _weather(dice: random.Random) -> Dials:
    """A storm, or one in which answers are lost, late and refused three times as often."""
    if dice.random() < 0.5:
        return STORMY
    return msgspec.structs.replace(
        STORMY,
        request_lost=3 * STORMY.request_lost,
        reply_lost=3 * STORMY.reply_lost,
        rejected=3 * STORMY.rejected,
        rate_limited=3 * STORMY.rate_limited,
        duplicated=3 * STORMY.duplicated,
        reordered=3 * STORMY.reordered,
        slow_cancel=3 * STORMY.slow_cancel,
        timeout_ms=dice.choice((500, 2000, 8000)),
    )


def _account(dice: random.Random) -> AccountSettings:
    """Limits of the account: loose, or so tight that they bind."""
    if dice.random() < 0.7:
        return AccountSettings(
            exposure_venue=Cash(2000 * ONE),
            exposure_total=Cash(2000 * ONE),
            expiry_s=dice.choice((12, 20, 60)),
        )
    return AccountSettings(
        exposure_venue=Cash(dice.choice((15, 40, 120)) * ONE),
        exposure_total=Cash(dice.choice((20, 60, 200)) * ONE),
        daily_loss=Cash(dice.choice((5, 15, 50)) * ONE),
        drawdown=dice.choice((None, Cash(5 * ONE), Cash(20 * ONE))),
        open_orders=dice.choice((6, 15, 200)),
        write_tokens_per_s=dice.choice((40, 100)),
        cash_reserve=Cash(dice.choice((0, 0, 50)) * ONE),
    )


def _match(dice: random.Random) -> MatchSettings:
    """Settings of a match: generous enough to be filled, in every placement."""
    contracts = dice.choice((3, 10, 25)) * ONE
    tight = dice.random() < 0.5
    kelly = 25 if dice.random() < 0.2 else None
    return MatchSettings(
        placement=dice.choice((Placement.TOP, Placement.TOP, Placement.CEILING)),
        in_play=dice.random() < 0.8,
        no_legs=dice.random() < 0.3,
        edge_min=Price(dice.choice((0, 0, CENT // 2, CENT))),
        half_spread=Price(dice.choice((0, CENT // 2, CENT))),
        half_spread_inplay=Price(dice.choice((CENT // 2, 3 * CENT))),
        ceiling_methods=dice.choice(((Method.MULTIPLICATIVE,), (Method.MULTIPLICATIVE, Method.POWER))),
        vol_factor=dice.choice((0.0, 0.0, 1.0)),
        warm_up_s=dice.choice((0, 1, 5)),
        levels=dice.choice((1, 1, 3)),
        back_off=dice.choice(tuple(BackOff)),
        quote_empty=dice.random() < 0.3,
        rest_min_ms=dice.choice((0, 0, 500)),
        contracts=Size(contracts),
        depth_share_pct=25 if dice.random() < 0.2 else None,
        kelly_pct=kelly,
        bankroll=Cash(500 * ONE) if kelly else None,
        inventory_max=Size(contracts * (1 if tight else 5)),
        max_position=Size(contracts * (2 if tight else 10)),
        exposure_match=Cash(dice.choice((8, 20, 500, 500)) * ONE),
        exposure_event=Cash(dice.choice((10, 25, 500, 500)) * ONE),
        max_loss_match=Cash(dice.choice((5, 15, 50)) * ONE),
        fill_rate=dice.choice((None, Cash(20 * ONE))),
    )
