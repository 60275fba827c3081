"""What an order gives and takes, in exact whole millionths: never through a float.

The official SDK's floats floor some sizes a cent too low and sign prices off the grid; whoever copies it
copies that. Here every number is an integer and every rounding is written down.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from console.core.units import CENT, ONE
from console.venues.polymarket.signing import OrderSide

# Decimals of an amount that is computed, by tick in millionths (SDK pmc 0.14.0)
AMOUNT_DECIMALS: Final = {100_000: 3, CENT: 4, 5_000: 5, 2_500: 6, 1_000: 5, 100: 6}
_HUNDRED: Final = 100  # millionths in the fourth decimal
_SPARE: Final = 10**4  # the SDK rounds up at four decimals more before it rounds down


class Amounts(Struct, frozen=True, array_like=True):
    """What the order gives (`maker`) and takes (`taker`): dollars and shares, or the other way round."""

    maker: int
    taker: int


class AmountError(ValueError):
    """An order that cannot be written in the venue's decimals; the message says why."""


def on_grid(price: int, tick: int) -> bool:
    """Whether a price is a multiple of the tick inside [tick, 1 - tick]."""
    return price % tick == 0 and tick <= price <= ONE - tick


def limit_amounts(side: OrderSide, price: int, size: int, tick: int) -> Amounts:
    """Of an order that rests: `size` in whole hundredths of a share, whatever is finer is cut off."""
    _check(price, tick)
    return resting_amounts(side, price, size)


def resting_amounts(side: OrderSide, price: int, size: int) -> Amounts:
    """The same on whatever grid the price was legal when the order was written."""
    shares = size // CENT * CENT
    dollars = shares * price // ONE  # exact: two decimals times at most four
    if shares <= 0:
        raise AmountError(f"{size} millionths of a share are less than a hundredth")
    return Amounts(dollars, shares) if side is OrderSide.BUY else Amounts(shares, dollars)


def market_sell_amounts(price: int, size: int, tick: int) -> Amounts:
    """Of a sale that takes what is there: shares given, and at least `price` for each."""
    return limit_amounts(OrderSide.SELL, price, size, tick)


def market_buy_amounts(price: int, spend: int, tick: int) -> Amounts:
    """Of a purchase that takes what is there: dollars in whole cents, and at most `price` for each share."""
    _check(price, tick)
    dollars = spend // CENT * CENT
    if dollars <= 0:
        raise AmountError(f"{spend} millionths of a dollar are less than a cent")
    unit = 10 ** AMOUNT_DECIMALS[tick]
    shares = -(-dollars * unit * _SPARE // price) // _SPARE * (ONE // unit)
    return Amounts(dollars, shares)


def accepted_buy(amounts: Amounts) -> Amounts:
    """The same purchase with shares in four decimals, which is all the venue takes at any tick."""
    return Amounts(amounts.maker, amounts.taker // _HUNDRED * _HUNDRED)


def spend_within(spend: int, price: int, most: int, rate: int, exponent: int, builder_rate: int = 0) -> int:
    """How much of `spend` may go into a purchase at `price` if it and its fees must not pass `most`.

    min(spend, most / (1 + rate * (p (1 - p))^e / p + builder rate)), rates in millionths, rounded down.
    """
    weight: int = (price * (ONE - price)) ** exponent
    scale: int = ONE ** (2 * exponent)
    # Over the common denominator scale * price * ONE: no fraction is ever rounded before the last step.
    one = scale * price * ONE
    total = one + rate * weight * ONE + builder_rate * scale * price
    return min(spend, most * one // total)


def _check(price: int, tick: int) -> None:
    if tick not in AMOUNT_DECIMALS:
        raise AmountError(f"a tick of {tick} millionths is none of the venue's")
    if not on_grid(price, tick):
        raise AmountError(f"price {price} millionths is off the grid of {tick}")
