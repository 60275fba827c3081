"""Every number a trader can set, with its default, and how its text form is read.

The annotation of a field is its unit in `markets.toml` and on the screen: `Price` in cents, `Size` in
contracts, `Cash` in dollars, `int` in the unit its name ends with, `float` a plain number.
"""

from __future__ import annotations

import enum
import functools
import math
import typing
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from console.core.complaint import Complaint
from console.core.devig import Method
from console.core.instruments import Venue
from console.core.units import CENT, ONE, Cash, Price, Size, micros, plain

S = TypeVar("S", bound=Struct)


LEVELS_MOST = 50  # of a ladder, or legs: each is looked at in every evaluation


class Placement(enum.Enum):
    """Where a quote rests."""

    TOP = "top"  # best bid, as cheaply as possible
    CEILING = "ceiling"  # at the ceiling
    COPY = "copy"  # what the sharp book shows is what others are shown


TOP, CEILING, COPY = Placement  # by themselves: an enum's attributes are slow to find


class BackOff(enum.Enum):
    """What to do when a rival bids above our ceiling."""

    CEILING = "ceiling"  # rest at the ceiling
    BEHIND = "behind"  # one step over the next rival we can afford
    OUT = "out"  # leave the market


class MatchSettings(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one match is quoted; the defaults are the preset `top_of_book`."""

    preset: str = "top_of_book"
    placement: Placement = Placement.TOP
    in_play: bool = False
    no_legs: bool = False
    quote_on: Venue | None = None  # the only venue to quote on; what is held elsewhere is still worked off

    # Edge and ceiling
    edge_min: Price = Price(1 * CENT)
    edge_floor: Price = Price(0)
    half_spread: Price = Price(3 * CENT)
    half_spread_inplay: Price = Price(6 * CENT)
    spread_usual: Price | None = None  # both sides together at the usual volatility, instead of the above
    spread_min: Price = Price(2 * CENT)
    spread_max: Price = Price(10 * CENT)
    ceiling_methods: tuple[Method, ...] = (Method.MULTIPLICATIVE, Method.POWER)
    adverse_prematch: Price = Price(0)
    adverse_inplay: Price = Price(0)
    inventory_skew_max: Price = Price(2 * CENT)
    collar: Price = Price(10 * CENT)
    price_min: Price = Price(5 * CENT)
    price_max: Price = Price(95 * CENT)

    # Placement `top`
    improve_step: Price = Price(CENT // 2)
    empty_book_edge: Price = Price(3 * CENT)
    quote_empty: bool = False
    rival_size_min: Size = Size(5 * ONE)
    back_off: BackOff = BackOff.CEILING
    retest_s: int = 30
    retest_max_s: int = 300
    retest_watch_s: int = 5

    # Placement `ceiling`
    levels: int = 1
    level_step: Price = Price(CENT)

    # Churn
    requote_threshold: Price = Price(0)  # never less than a tick
    requote_odds_bp: int = 0  # of the decimal odds; like the threshold, for improving only
    rest_min_ms: int = 0
    refill_below_pct: int = 50  # of the wanted size: less than that left is topped up
    refill_min_ms: int = 250
    normal_ms: int = 2000
    fast_ms: int = 100
    sleep_ms: int = 5000
    quiet_s: int = 60

    # Size
    contracts: Size = Size(10 * ONE)
    notional: Cash | None = None
    legs_max: int = 2
    depth_share_pct: int | None = None
    depth_span: Price = Price(5 * CENT)
    kelly_pct: int | None = None
    bankroll: Cash | None = None

    # Inventory and rebalancing
    inventory_max: Size = Size(50 * ONE)
    max_position: Size = Size(100 * ONE)
    lock_min: Price = Price(1 * CENT)
    lock_leg_premium: Price = Price(CENT // 2)
    rebalance_over_fair_max: Price = Price(2 * CENT)
    void_probability_bp: int | None = None  # off: by sport
    fills_expected: int = 10

    # Theo
    age_max_book_s: int = 10
    age_max_book_inplay_s: int = 3
    age_max_odds_s: int = 180
    frozen_s: int = 6 * 3600
    frozen_inplay_s: int = 60
    shock_score: float = 3.0
    shock_pause_s: int = 10
    shock_weight_min: float = 0.25
    manual_ttl_s: int = 0

    # Buffers
    vol_factor: float = 1.0
    toxicity_warn: float = 0.4
    toxicity_pause: float = 0.6
    toxicity_pause_s: int = 60

    # Life
    warm_up_s: int = 5
    stop_before_start_s: int = 60
    stop_before_end_s: int = 600
    stop_theo: Price = Price(95 * CENT)
    stop_flatten: Price | None = None  # from stop time to start: so far below fair it is sold

    # Limits of the match
    order_size_max: Size = Size(100 * ONE)
    order_cash_max: Cash = Cash(100 * ONE)
    max_loss_match: Cash = Cash(50 * ONE)
    exposure_match: Cash = Cash(500 * ONE)
    exposure_event: Cash = Cash(500 * ONE)
    fill_rate: Cash | None = None
    fill_rate_pause_s: int = 120
    repeated_fills: int = 6
    repeated_fills_s: int = 10
    repeated_fills_move: Price = Price(CENT // 2)  # theo that moved less did not move
    repeated_fills_pause_s: int = 30
    error_cooldown_s: int = 60

    def defect(self) -> str | None:
        """Say in one line which values contradict each other, or None."""
        if self.edge_min < 0 or self.edge_floor < 0:
            return "edge_min and edge_floor: an edge is never negative"
        if self.contracts <= 0 or self.inventory_max <= 0 or self.max_position <= 0:
            return "contracts, inventory_max and max_position must be above zero"
        if self.contracts > self.order_size_max:
            return (
                f"contracts {plain(self.contracts)} is more than order_size_max "
                f"{plain(self.order_size_max)}: no quote could ever be placed"
            )
        if self.contracts > self.inventory_max:
            return (
                f"contracts {plain(self.contracts)} is more than inventory_max "
                f"{plain(self.inventory_max)}: one fill would pass the limit"
            )
        if self.inventory_max > self.max_position:
            return "inventory_max is more than max_position: the position limit would stop rebalancing"
        if not 0 <= self.spread_min <= self.spread_max:
            return "spread_min and spread_max: not below zero, the smaller first"
        if not self.ceiling_methods:
            return "ceiling_methods: name at least one de-vig method"
        if not 0 < self.price_min < self.price_max < ONE:
            return "price_min and price_max must be between 0 and 100 cents, the minimum first"
        if self.kelly_pct is not None and self.bankroll is None:
            return 'kelly_pct: set bankroll (dollars) too, or kelly_pct = "off"'
        if not (1 <= self.levels <= LEVELS_MOST and 1 <= self.legs_max <= LEVELS_MOST):
            return f"levels and legs_max are from 1 to {LEVELS_MOST}"
        return None


class AccountSettings(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Limits and timings of the whole account."""

    exposure_venue: Cash = Cash(500 * ONE)
    exposure_total: Cash = Cash(500 * ONE)
    daily_loss: Cash = Cash(50 * ONE)
    drawdown: Cash | None = Cash(50 * ONE)
    stop_loss_pct: int | None = None
    open_orders: int = 200
    day_start_utc_s: int = 0
    pending_deadline_s: int = 5
    not_found_grace_s: int = 5
    order_proof_max_s: int = 300  # a resting order not heard of for so long is looked up, then cancelled
    reconcile_s: int = 30
    fills_blind_s: int = 15
    balance_age_max_s: int = 60
    cash_reserve: Cash = Cash(0)  # at each venue (in each of its pockets), never spent on quotes
    write_tokens_per_s: int = 100
    write_burst: int = 100
    cancel_reserve_pct: int = 25
    read_probe_s: int = 2
    clock_offset_max_ms: int = 2000
    keep_alive_s: int = 5
    expiry_s: int = 60

    def defect(self) -> str | None:
        """Say in one line which values contradict each other, or None."""
        if self.cancel_reserve_pct >= 100:
            return "cancel_reserve_pct: a share of the write budget from 0 to 99"
        if self.stop_loss_pct is not None and not 0 < self.stop_loss_pct < 100:
            return 'stop_loss_pct: a share of the equity at start from 1 to 99, or "off"'
        if self.write_tokens_per_s < 1 or self.open_orders < 1:
            return "write_tokens_per_s and open_orders are at least 1"
        return None


class SettingError(Complaint):
    """A setting a person typed that cannot be taken; the message is one line saying what would be right."""


def unit_of(settings: type[Struct], key: str) -> str:
    """The unit a person types `key` in: cents, contracts, dollars, seconds, milliseconds or empty."""
    kind, _ = _kind_of(settings, key)
    if kind in _UNITS:
        return _UNITS[kind]
    return "seconds" if key.endswith("_s") else "milliseconds" if key.endswith("_ms") else ""


def parse_setting(settings: type[Struct], key: str, text: str) -> object:
    """Read what a person typed for `key`; raises SettingError saying what would be right."""
    kind, optional = _kind_of(settings, key)
    text = text.strip()
    if optional and text.lower() == "off":
        return None
    try:
        return _parse(kind, text)
    except (ValueError, KeyError) as error:
        unit = unit_of(settings, key)
        wanted = _wanted(kind) + (f" in {unit}" if unit else "") + (' or "off"' if optional else "")
        raise SettingError(f"{key}: {text!r} is not {wanted}") from error


def format_setting(settings: Struct, key: str) -> str:
    """Write the value of `key` the way a person would type it."""
    kind, _ = _kind_of(type(settings), key)
    value = getattr(settings, key)
    if value is None:
        return "off"
    if kind is Price:
        return plain(value * _CENTS)
    if kind in (Size, Cash):
        return plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(member.value for member in value)
    return str(value.value) if isinstance(value, enum.Enum) else str(value)


def with_setting(settings: S, key: str, text: str) -> S:
    """Copy `settings` with one value changed as typed; raises SettingError if the result makes no sense."""
    changed = msgspec.structs.replace(settings, **{key: parse_setting(type(settings), key, text)})
    defect = changed.defect() if isinstance(changed, MatchSettings | AccountSettings) else None
    if defect is not None:
        raise SettingError(defect)
    return changed


_CENTS = 100
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_UNITS: dict[Any, str] = {Price: "cents", Size: "contracts", Cash: "dollars"}


@functools.cache
def _hints(settings: type[Struct]) -> dict[str, Any]:
    return typing.get_type_hints(settings)


def _kind_of(settings: type[Struct], key: str) -> tuple[Any, bool]:
    hints = _hints(settings)
    if key not in hints:
        close = [name for name in hints if name[:4] == key[:4]]
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise SettingError(f"{key}: no such setting{hint}")
    arms = [arm for arm in typing.get_args(hints[key]) if arm is not type(None)]
    if len(arms) == 1 and typing.get_origin(hints[key]) is not tuple:
        return arms[0], True
    return hints[key], False


def _parse(kind: Any, text: str) -> object:
    if kind is Price:
        cents, lost = divmod(micros(text.removesuffix("¢").strip()), _CENTS)
        if lost:
            raise ValueError(text)
        return Price(_not_negative(cents))
    if kind in (Size, Cash):
        return kind(_not_negative(micros(text.removeprefix("$"))))
    if kind is bool:
        return _FLAGS[text.lower()]
    if kind is int:
        return _not_negative(int(text))
    if kind is float:
        value = float(text)
        if not math.isfinite(value) or value < 0:
            raise ValueError(text)
        return value
    if kind is str:
        return text
    if typing.get_origin(kind) is tuple:
        member = typing.get_args(kind)[0]
        return tuple(member(word.strip()) for word in text.split(",") if word.strip())
    return kind(text.lower())


def _wanted(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return "a list of " + ", ".join(member.value for member in typing.get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "one of " + ", ".join(member.value for member in kind)
    words = {bool: "true or false", int: "a whole number from 0", Price: "a number from 0 (four decimals)"}
    return words.get(kind, "a number from 0")


def _not_negative(value: int) -> int:
    if value < 0:
        raise ValueError(value)
    return value
