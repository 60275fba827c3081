"""What can be traded: venues, instruments, and the facts a venue states about each of them."""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import NewType

from msgspec import Struct

from console.core.american import stake_within
from console.core.fees import NO_FEES, FeeModel
from console.core.ladders import Band, Ladder, american_of_price, banded
from console.core.units import CENT, ONE, Cash, Price, Size

ClientOrderId = NewType("ClientOrderId", str)  # "<run>-<n>", only [A-Za-z0-9_-], at most 36 characters
VenueOrderId = NewType("VenueOrderId", str)
TradeId = NewType("TradeId", str)
RunId = NewType("RunId", str)  # start time in base 36 and four random characters: unique for ever


class Venue(enum.Enum):
    """An exchange we can rest orders on."""

    KALSHI = "kalshi"
    POLYMARKET = "polymarket"
    PROPHETX = "prophetx"

    __hash__ = object.__hash__  # members are single: by identity, where Enum hashes the name in Python


class Side(enum.Enum):
    """Which leg of a symbol: YES pays when its outcomes win, NO when they do not."""

    YES = "yes"
    NO = "no"

    __hash__ = object.__hash__


class Action(enum.Enum):
    """What an order does with the instrument it names."""

    BUY = "buy"
    SELL = "sell"

    __hash__ = object.__hash__


class BookSide(enum.Enum):
    """A side of an order book, which is always in prices of the YES leg."""

    BID = "bid"
    ASK = "ask"

    __hash__ = object.__hash__


# Members by themselves: Python 3.11 takes 74 ns to find an attribute of an enum, 15 to find these.
YES, NO = Side
BUY, SELL = Action
BID, ASK = BookSide


class Instrument(Struct, frozen=True, array_like=True, cache_hash=True, order=True):
    """One tradable leg, paying $1 per contract when the result falls in its set of outcomes."""

    venue: Venue
    symbol: str
    side: Side = YES

    @property
    def yes(self) -> Instrument:
        """The YES leg of the same symbol: the one books and net positions are kept for."""
        return self if self.side is YES else _yes_leg(self)

    @property
    def no(self) -> Instrument:
        """The NO leg of the same symbol."""
        return self if self.side is NO else Instrument(self.venue, self.symbol, NO)

    def __str__(self) -> str:
        leg = "" if self.side is YES else " NO"
        return f"{self.venue.value}:{self.symbol}{leg}"


@lru_cache(maxsize=4096)  # asked for at every look at an order on a NO leg
def _yes_leg(no: Instrument) -> Instrument:
    return Instrument(no.venue, no.symbol, YES)


def book_side(side: Side, action: Action) -> BookSide:
    """Where an order rests: buying YES and selling NO are bids, the other two are asks."""
    return BID if (side is YES) is (action is BUY) else ASK


def opposite_side(side: BookSide) -> BookSide:
    """The side that orders on `side` trade with."""
    return ASK if side is BID else BID


class VoidRule(enum.Enum):
    """What a contract is worth when the match is void."""

    FAIR = "fair"  # a fair price set by the venue (Kalshi `scalar`)
    HALF = "half"  # an equal share of $1 for every outcome (Polymarket)
    DRAW = "draw"  # the middle outcome of three has won (Polymarket soccer)
    REFUND = "refund"  # the stake comes back (ProphetX)


FAIR, HALF, DRAW, REFUND = VoidRule


class MarketState(enum.Enum):
    """The venue's own word on whether an instrument trades."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    RESOLVED = "resolved"


class RewardTerms(Struct, frozen=True, array_like=True):
    """What a venue pays for resting liquidity: orders of at least `size_min`, at most `max_spread` from the
    middle, score.
    """

    size_min: Size
    max_spread: Price


class InstrumentSpec(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A venue's facts about one symbol, in prices of its YES leg.

    `bands` describe the price grid, or `prices` list its rungs where the venue has an odds ladder.
    `two_sided`: a NO leg exists, and YES and NO held together are paid out at once (Kalshi).
    `sellable`: contracts held can be sold again (not so at a betting exchange). `amendable`: an order can
    be changed in place; `amend_takes`: but one moved towards the market may trade at once there, post-only
    or not, so that it is cancelled and placed anew instead. `mirror` names the symbol whose bids are this
    one's asks at a dollar less the price: both sides of a bet lie in one pool, and an order of ours on one
    shows in the book of the other. `kept_apart` (Polymarket): the venue reserves cash by symbol, so that what
    rests elsewhere does not lessen it, and YES and NO held together wait to be merged. `cost_step`: what a
    purchase costs is a whole number of these (a stake in cents), never amended; 0: price times size. `pocket`
    names the part of our cash at the venue that pays for it, where that lies in several which do not mix.
    """

    bands: tuple[Band, ...] = (Band(0, ONE, CENT),)
    prices: tuple[int, ...] = ()
    size_min: Size = Size(ONE)
    size_step: Size = Size(ONE)
    fees: FeeModel = NO_FEES
    void_rule: VoidRule = VoidRule.FAIR
    two_sided: bool = False
    sellable: bool = True
    amendable: bool = False
    mirror: str = ""
    amend_takes: bool = False
    rules_hash: str = ""
    kept_apart: bool = False
    rewards: RewardTerms | None = None
    cost_step: Cash = Cash(0)
    pocket: str = ""

    def stake(self, action: Action, price: int, size: int) -> Cash:
        """What an order costs as a whole where the venue takes round sums: never more than its contracts.

        0 where it costs price times contracts.
        """
        step = self.cost_step
        if not step or action is not BUY:
            return Cash(0)
        if self.prices:  # of odds, which a price in millionths does not say to the last
            return stake_within(size, american_of_price(price), step)
        return Cash(price * size // (ONE * step) * step)

    def ladder(self) -> Ladder:
        """Build the price ladder; raises ValueError for a grid that makes no sense."""
        return _ladder(self.prices, self.bands)


@lru_cache(256)
def _ladder(prices: tuple[int, ...], bands: tuple[Band, ...]) -> Ladder:
    """Ladders never change: symbols with the same grid share one."""
    return Ladder("odds", prices) if prices else banded("grid", bands)
