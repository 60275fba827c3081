"""American odds in whole numbers: what a stake wins, what the other side is shown, contracts as stakes.

A bet at odds o risks its stake to win stake times b, where b is o/100 above zero and 100/-o below. As
contracts of $1 it is stake plus winnings, at the price stake over that. Money is in whole cents, as a
betting exchange pays it: winnings are rounded down, so that none are counted which are not paid.
"""

from __future__ import annotations

from console.core.units import CENT, Cash, Size

EVEN = 100  # the only spelling of even money on a ladder: there is no -100


def ratio(odds: int) -> tuple[int, int]:
    """Profit for each unit staked as a fraction: +150 -> (150, 100), -110 -> (100, 110)."""
    if abs(odds) < EVEN:
        raise ValueError(f"American odds are at most -100 or at least +100, not {odds:+d}")
    return (odds, EVEN) if odds > 0 else (EVEN, -odds)


def opposite(odds: int) -> int:
    """The odds a bet shows to those who would take the other side: the sign turned, even money as +100."""
    return EVEN if abs(odds) == EVEN else -odds


def winnings(stake: int, odds: int) -> Cash:
    """What a stake of whole cents wins at these odds, in millionths, down to the cent."""
    profit, unit = ratio(odds)
    return Cash(stake * profit // (unit * CENT) * CENT)


def contracts_of(stake: int, odds: int) -> Size:
    """A stake as contracts of $1: what is paid if it wins, stake included."""
    return Size(stake + winnings(stake, odds))


def stake_within(size: int, odds: int, step: int = CENT) -> Cash:
    """The largest stake of whole cents (or `step`) that costs no more than `size` contracts at these odds."""
    profit, unit = ratio(odds)
    return Cash(size * unit // ((profit + unit) * step) * step)


def stake_of(size: int, odds: int) -> Cash:
    """The largest stake of whole cents that is no more than `size` contracts."""
    stake: int = stake_within(size, odds)
    while contracts_of(stake + CENT, odds) <= size:  # winnings rounded down may leave room for a cent more
        stake += CENT
    return Cash(stake)


def american_of_decimal(decimal: float) -> int:
    """The nearest American odds to decimal odds above 1: 1.909 -> -110, 2.0 -> +100."""
    if decimal >= 2.0:
        return max(EVEN, round((decimal - 1.0) * 100.0))
    odds = -round(100.0 / (decimal - 1.0))
    return EVEN if odds == -EVEN else odds
