"""What a fill costs: fee models of the venues, per contract and per fill, rounded against us."""

from __future__ import annotations

import enum

from msgspec import Struct

from console.core.units import ONE, Cash, ceil_div


class FeeKind(enum.Enum):
    """The shape of a fee."""

    QUADRATIC = "quadratic"  # rate * size * (price * (1 - price)) ** exponent, charged when filled
    WINNINGS = "winnings"  # rate * net winnings, charged when the bet wins


QUADRATIC, WINNINGS = FeeKind
ONE_SQUARED = ONE * ONE


class FeeModel(Struct, frozen=True, array_like=True):
    """Rates in millionths of the formula of `kind`; `unit` is the cash that what is charged is rounded up to.

    `per_order` says that the rounding happens once an order, not once a fill (Kalshi behind a broker);
    `bound` that the rates are the most there may be, chosen with care, not what the venue states.
    """

    kind: FeeKind = FeeKind.QUADRATIC
    maker_rate: int = 0
    taker_rate: int = 0
    unit: int = 1
    per_order: bool = False
    bound: bool = False
    exponent: int = 1  # of a quadratic fee


NO_FEES = FeeModel()
KALSHI_UNIT_DIRECT = 100  # $0.0001: rounding of direct members since 2026-05-28
KALSHI_UNIT_BROKER = 10_000  # $0.01: customers behind a broker
KALSHI_TAKER = 70_000  # 0.07, fee schedule effective 2026-07-07
KALSHI_MAKER = 17_500  # 0.0175, `quadratic_with_maker_fees`
KALSHI_MAKER_COMBO = 35_000  # 0.035, `quadratic_with_combo_maker_fees`


def fee_per_contract(model: FeeModel, price: int, fair: int, maker: bool = True) -> int:
    """Expected fee of one contract in millionths of a dollar, rounded up (phi of the trading rules).

    `fair` is the probability that the contract pays, used only by commissions on winnings.
    """
    rate = model.maker_rate if maker else model.taker_rate
    if rate == 0:
        return 0
    if model.exponent == 1:
        weight = price if model.kind is QUADRATIC else fair
        return -(-rate * weight * (ONE - price) // ONE_SQUARED)
    power: int = model.exponent
    return ceil_div(rate * (price * (ONE - price)) ** power, ONE_SQUARED**power)


def fee_of_fill(model: FeeModel, price: int, size: int, maker: bool) -> Cash:
    """Fee charged when `size` contracts fill at `price`, rounded up to the model's unit.

    A commission on winnings is not charged at the fill: 0; see `commission_of`.
    """
    rate = model.maker_rate if maker else model.taker_rate
    if rate == 0 or model.kind is WINNINGS:
        return Cash(0)
    power: int = model.exponent
    weight, scale = (price * (ONE - price)) ** power, (ONE * ONE) ** power
    return Cash(ceil_div(rate * weight * size, scale * ONE * model.unit) * model.unit)


def commission_of(model: FeeModel, size: int, cost: int) -> Cash:
    """Commission taken from the winnings of `size` contracts bought for `cost` in all, when they pay.

    Rounded up to the model's unit: a venue that rounds it otherwise takes no more than this.
    """
    if model.kind is not WINNINGS:
        return Cash(0)
    return Cash(ceil_div(model.maker_rate * (size - cost), ONE * model.unit) * model.unit)


def worst_fee_per_contract(model: FeeModel, price: int, fair: int, size: int, fills: int) -> int:
    """Fee per contract when `size` contracts arrive in `fills` pieces: the model plus one rounding unit each.

    This is the fee a lock must survive (breakeven of a rebalancing bid): never less than what any
    fragmentation into `fills` pieces is charged.
    """
    expected = fee_per_contract(model, price, fair)
    if expected == 0 or model.kind is WINNINGS:
        return expected
    roundings = 1 if model.per_order else max(1, fills)
    return expected + ceil_div(model.unit * roundings * ONE, size)
