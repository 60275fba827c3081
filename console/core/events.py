"""Everything that can happen: facts in the past tense, the only input of the engine.

Whoever translates a fact leaves `ts` and `wall` at 0; the runner stamps them as the event enters the
engine (the simulator and the replay set them). `ts` is monotonic and never runs backwards.
"""

from __future__ import annotations

from msgspec import Struct

from console.core.fact import Event as Event
from console.core.feed_events import FeedStatus as FeedStatus
from console.core.feed_events import OddsPaired as OddsPaired
from console.core.feed_events import OddsSuspended as OddsSuspended
from console.core.feed_events import OddsUnpaired as OddsUnpaired
from console.core.feed_events import OddsUpdate as OddsUpdate
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    InstrumentSpec,
    MarketState,
    RunId,
    TradeId,
    Venue,
    VenueOrderId,
)
from console.core.matches import MatchId, MatchSpec
from console.core.modes import Mode as Mode
from console.core.modes import OnConsoleLost as OnConsoleLost
from console.core.rejects import RejectReason as RejectReason
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import Cash, Nanos, Price, Size

# ---- time and the run


class Started(Event, frozen=True, kw_only=True):
    """The engine began a run; `checkpoint` holds what earlier runs left, encoded by `core.checkpoint`."""

    run_id: RunId
    mode: Mode
    account: str
    settings: AccountSettings
    venues: tuple[Venue, ...]
    latched: str = ""
    checkpoint: bytes = b""
    gated: bool = False  # nothing is quoted before `StartGatePassed`
    latched_venues: tuple[tuple[Venue, str], ...] = ()  # killed by themselves, and why
    ledger: str = ""  # mode, account and whether on paper: records of one are never read for another


class Tick(Event, frozen=True):
    """A tenth of a second passed; everything that depends on age is looked at."""


# ---- markets


class InstrumentDefined(Event, frozen=True, kw_only=True):
    """The venue stated, or changed, the facts of a symbol (`instrument` is its YES leg)."""

    instrument: Instrument
    spec: InstrumentSpec


class BookSnapshot(Event, frozen=True, kw_only=True):
    """The whole book of a symbol: (price, size) levels in any order, prices of the YES leg."""

    instrument: Instrument
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class BookDelta(Event, frozen=True, kw_only=True):
    """The size resting at one price changed by `change` (signed)."""

    instrument: Instrument
    side: BookSide
    price: Price
    change: Size


class BookStale(Event, frozen=True, kw_only=True):
    """The book can no longer be trusted (gap, hash, freeze) until its next snapshot."""

    instrument: Instrument
    why: str


class BooksConfirmed(Event, frozen=True, kw_only=True):
    """The subscription behind all books of the venue proved intact: the books stand as they are."""

    venue: Venue


class Trade(Event, frozen=True, kw_only=True):
    """Somebody took liquidity; `taker` is BID when the taker bought the YES leg."""

    instrument: Instrument
    price: Price
    size: Size
    taker: BookSide


class MarketStatus(Event, frozen=True, kw_only=True):
    """The venue opened, paused, closed or resolved a symbol."""

    instrument: Instrument
    state: MarketState


class GameStarted(Event, frozen=True, kw_only=True):
    """The match began, whatever the schedule says."""

    match: MatchId


class GameEnded(Event, frozen=True, kw_only=True):
    """The match is over; quoting stops for good."""

    match: MatchId


class VenueUp(Event, frozen=True, kw_only=True):
    """The venue is connected: nothing is sent there before its `MassStatus` agrees with our records, and
    nothing that would rest while `held` says why not.
    """

    venue: Venue
    held: str = ""


class VenueDown(Event, frozen=True, kw_only=True):
    """The connection to the venue is gone."""

    venue: Venue
    why: str


class VenueLimits(Event, frozen=True, kw_only=True):
    """The venue's own write budget and what requests cost there; from now on they govern.

    `dead_man`: the venue takes our orders out when `KeepAlive` stops. `renew` is what prolonging one resting
    order costs; 0 where orders do not carry an end. `resting_multiple`: cash leaves when an order is matched,
    all that rests may come to so many times it (0: it leaves when placed). `unattended_max` bounds what rests
    there while nobody watches.
    """

    venue: Venue
    write_per_s: int
    write_burst: int
    place: int
    amend: int
    cancel: int
    renew: int = 0
    dead_man: bool = False
    resting_multiple: int = 0
    unattended_max: Cash | None = None


class PrivateConfirmed(Event, frozen=True, kw_only=True):
    """The subscription behind our own orders proved intact: a fill would have reached us."""

    venue: Venue


class ClockMeasured(Event, frozen=True, kw_only=True):
    """How far the venue's clock is ahead of ours (behind: negative), half the round trip taken off."""

    venue: Venue
    offset: Nanos
    round_trip: Nanos


# ---- our orders


class OrderAccepted(Event, frozen=True, kw_only=True):
    """The venue has the order; it may also tell the price and total size it took (filled part included)."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    price: Price | None = None
    size: Size | None = None


class OrderRejected(Event, frozen=True, kw_only=True):
    """The order was certainly not taken."""

    order_id: ClientOrderId
    reason: RejectReason
    text: str = ""


class OrderAmended(Event, frozen=True, kw_only=True):
    """The order now has this price and total size (filled part included).

    `amend` is the `ts` of the AmendOrder it answers, 0 where the venue does not tell: a repeated answer to an
    earlier one is none to the one in flight.
    """

    order_id: ClientOrderId
    price: Price
    size: Size
    amend: Nanos = Nanos(0)


class AmendRejected(Event, frozen=True, kw_only=True):
    """The amend was certainly not taken; the order stands as it was, unless NOT_FOUND. `amend` as above."""

    order_id: ClientOrderId
    reason: RejectReason
    text: str = ""
    amend: Nanos = Nanos(0)


class OrderCanceled(Event, frozen=True, kw_only=True):
    """The venue proved that nothing of the order rests any more."""

    order_id: ClientOrderId


class OrderCancelRejected(Event, frozen=True, kw_only=True):
    """The cancel was certainly not taken; NOT_FOUND means that the order was gone already."""

    order_id: ClientOrderId
    reason: RejectReason
    text: str = ""


class OrderExpired(Event, frozen=True, kw_only=True):
    """The order ran out of time at the venue."""

    order_id: ClientOrderId


class OrderFilled(Event, frozen=True, kw_only=True):
    """Contracts changed hands. Complete in itself, so that it can be booked when its order is unknown.

    `cost` is the exact cash paid (buy) or received (sell) without `fee`, as the venue states it or as
    price times size rounded against us; `order_id` is empty when the venue does not tell.
    """

    venue_order_id: VenueOrderId
    trade_id: TradeId
    instrument: Instrument
    action: Action
    price: Price
    size: Size
    cost: Cash
    fee: Cash
    maker: bool
    order_id: ClientOrderId = ClientOrderId("")
    provisional: bool = False  # matched, not settled: `FillConfirmed` or `FillReversed` follows


class FillConfirmed(Event, frozen=True, kw_only=True):
    """A provisional fill is final."""

    venue: Venue
    trade_id: TradeId


class FillReversed(Event, frozen=True, kw_only=True):
    """A provisional fill failed to settle: it never happened."""

    venue: Venue
    trade_id: TradeId
    why: str = ""


class QueuePosition(Event, frozen=True, kw_only=True):
    """How many contracts rest ahead of an order at its price."""

    order_id: ClientOrderId
    ahead: Size


class OutcomeUnknown(Event, frozen=True, kw_only=True):
    """A request got no answer that proves anything; the order counts as in flight until looked up."""

    order_id: ClientOrderId
    text: str = ""


class OpenOrder(Struct, frozen=True, array_like=True):
    """One order resting at the venue, as the venue lists it."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    instrument: Instrument
    action: Action
    price: Price
    size: Size
    filled: Size


class MassStatus(Event, frozen=True, kw_only=True):
    """A venue's own account of us, complete: every resting order, position and the free cash.

    `positions`: net contracts by YES leg, NO negative. `fills`: since the time asked for. `held`: cash tied
    up or not collected; None: not told, none is compared. `rounded_to`: the unit of both, 0: exact.
    """

    venue: Venue
    orders: tuple[OpenOrder, ...]
    fills: tuple[OrderFilled, ...]
    positions: tuple[tuple[Instrument, int], ...]
    cash: Cash
    held: Cash | None = None
    rounded_to: Cash = Cash(10_000)
    pockets: tuple[tuple[str, Cash], ...] = ()


class BalanceUpdate(Event, frozen=True, kw_only=True):
    """Free cash at the venue; `pockets`: the parts it lies in where they do not mix (`InstrumentSpec`)."""

    venue: Venue
    cash: Cash
    pockets: tuple[tuple[str, Cash], ...] = ()


class CashAdjusted(Event, frozen=True, kw_only=True):
    """Cash moved in (or out, negative) that is not a result of trading."""

    venue: Venue
    amount: Cash
    why: str


class Claimable(Event, frozen=True, kw_only=True):
    """Cash at the venue that waits for us to merge pairs or redeem what has won; 0 when nothing does."""

    venue: Venue
    amount: Cash
    why: str


class RewardPaid(Event, frozen=True, kw_only=True):
    """The venue paid for providing liquidity: a rebate or a reward, which is profit."""

    venue: Venue
    amount: Cash
    why: str


class Settled(Event, frozen=True, kw_only=True):
    """The symbol paid `payout` per YES contract: 1 won, 0 lost, anything between a void or a dead heat.

    `refund`: the stake came back instead, `payout` says nothing.
    """

    instrument: Instrument
    payout: Price
    refund: bool = False


# ---- the operator


class Kill(Event, frozen=True, kw_only=True):
    """Cancel everything everywhere (or at one venue), prove it, and let nothing out until re-armed."""

    by: str
    venue: Venue | None = None


class Rearm(Event, frozen=True, kw_only=True):
    """Lift the kill latch; `word` must be the word RESUME, typed.

    `reduce_only`: nothing is quoted yet, but positions may be flattened.
    """

    word: str
    reason: str
    reduce_only: bool = False


class Pause(Event, frozen=True, kw_only=True):
    """Pull the quotes of a match, or of all when `match` is empty; state is kept."""

    match: MatchId = MatchId("")
    why: str = ""  # by the operator, when empty


class Resume(Event, frozen=True, kw_only=True):
    """Quote again after a pause, a loss halt or a mismatch accepted by the operator."""

    match: MatchId = MatchId("")


class Stop(Event, frozen=True, kw_only=True):
    """Pull everything by order id and close the run."""

    why: str


class AddMatch(Event, frozen=True, kw_only=True):
    """Begin to make a market on a match; of the same id again: replace its facts and settings.

    `configured`: it is read from the settings at a start. Its odds were typed when they were written there:
    those that were taken before are not taken again, whatever became of them on the screen.
    """

    spec: MatchSpec
    settings: MatchSettings
    odds: tuple[float, ...] = ()
    configured: bool = False


class RemoveMatch(Event, frozen=True, kw_only=True):
    """Forget a match; refused while it has a position or an order."""

    match: MatchId


class CancelMatch(Event, frozen=True, kw_only=True):
    """Cancel the orders of a match once; quoting goes on from the next evaluation."""

    match: MatchId


class Flatten(Event, frozen=True, kw_only=True):
    """Get out of a match by taking liquidity; no contract is sold below `floor`."""

    match: MatchId
    floor: Price


class SetSetting(Event, frozen=True, kw_only=True):
    """Change one value, typed as in `markets.toml`; of the account when `match` is empty.

    `for_s` seconds later it returns to what it was by itself; 0: it stays.
    """

    key: str
    value: str
    match: MatchId = MatchId("")
    why: str = ""
    by: str = ""
    for_s: int = 0


class SetTheo(Event, frozen=True, kw_only=True):
    """Fair value by hand as decimal odds; `pinned` silences every other source, empty odds withdraw it.

    `typed_wall` is when they were typed, where that is not now (0).
    """

    match: MatchId
    odds: tuple[float, ...]
    pinned: bool = False
    typed_wall: Nanos = Nanos(0)


class SetInventory(Event, frozen=True, kw_only=True):
    """Override the book-keeping of one symbol: net contracts (NO negative) and what they cost."""

    match: MatchId
    instrument: Instrument
    size: int
    cost: Cash
    why: str


class AcceptPosition(Event, frozen=True, kw_only=True):
    """The operator accepts the venue's account of us; the mismatch falls."""

    venue: Venue
    reason: str


class ConfirmPairing(Event, frozen=True, kw_only=True):
    """The operator looked: this event of a feed is this match, its names in the order of our outcomes."""

    match: MatchId
    feed: str
    event: str
    names: tuple[str, ...]


class ConfirmRules(Event, frozen=True, kw_only=True):
    """The settlement rules of the match's venues were read and agree: positions net across venues."""

    match: MatchId
    rules_hash: str


class ConsoleLost(Event, frozen=True, kw_only=True):
    """No controlling console has been heard of for the time allowed."""

    policy: OnConsoleLost


class Watched(Event, frozen=True, kw_only=True):
    """Whether the watchdog process watches over this run; `why` it does not, empty when it does."""

    why: str = ""


class Sweeping(Event, frozen=True, kw_only=True):
    """The emergency: all is cancelled without the engine; what follows was heard, not decided upon."""


class StartGatePassed(Event, frozen=True, kw_only=True):
    """Every check before real orders passed; `checks` names them."""

    checks: tuple[str, ...]


class StartGateFailed(Event, frozen=True, kw_only=True):
    """Checks before real orders did not pass: each in one line with what to do."""

    checks: tuple[str, ...]


class ConsoleBack(Event, frozen=True):
    """A controlling console is attached again."""


MarketEvent = (
    InstrumentDefined
    | BookSnapshot
    | BookDelta
    | BookStale
    | BooksConfirmed
    | Trade
    | OddsUpdate
    | OddsSuspended
    | OddsPaired
    | OddsUnpaired
    | FeedStatus
    | MarketStatus
    | GameStarted
    | GameEnded
)
OrderEvent = (
    OrderAccepted
    | OrderRejected
    | OrderAmended
    | AmendRejected
    | OrderCanceled
    | OrderCancelRejected
    | OrderExpired
    | OrderFilled
    | FillConfirmed
    | FillReversed
    | QueuePosition
    | OutcomeUnknown
)
AccountEvent = (
    MassStatus
    | BalanceUpdate
    | CashAdjusted
    | Claimable
    | RewardPaid
    | Settled
    | VenueUp
    | VenueDown
    | VenueLimits
    | PrivateConfirmed
    | ClockMeasured
    | Watched
    | Sweeping
)
OperatorEvent = (
    Kill
    | Rearm
    | Pause
    | Resume
    | Stop
    | AddMatch
    | RemoveMatch
    | CancelMatch
    | Flatten
    | SetSetting
    | SetTheo
    | SetInventory
    | AcceptPosition
    | ConfirmRules
    | ConfirmPairing
    | StartGatePassed
    | StartGateFailed
    | ConsoleLost
    | ConsoleBack
)
AnyEvent = Started | Tick | MarketEvent | OrderEvent | AccountEvent | OperatorEvent
