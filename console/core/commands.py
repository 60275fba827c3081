"""Everything the engine can ask for: imperatives, the only output of the engine."""

from __future__ import annotations

import enum

from msgspec import Struct

from console.core.instruments import Action, ClientOrderId, Instrument, Venue, VenueOrderId
from console.core.matches import MatchId, MatchSpec
from console.core.units import Cash, Nanos, Price, Size


class CeilingKind(enum.Enum):
    """Which ceiling bounds an order; the collar, the audit and the simulator test that one."""

    QUOTE = "quote"
    REDUCE = "reduce"
    FLATTEN = "flatten"  # the floor the operator typed, whatever the theo


QUOTE, REDUCE, FLATTEN = CeilingKind


class TimeInForce(enum.Enum):
    """How long an order may wait for its other side."""

    GTC = "good till cancelled"
    IOC = "immediate or cancel"


class Basis(Struct, frozen=True, array_like=True, gc=False):
    """Why an order was allowed, in millionths of a dollar per contract, for the audit.

    `fair` is the probability (theo) of the paying set and `fair_lo` its lowest over the ceiling methods,
    both of what the order makes us long; `edge` the whole margin asked below `fair_lo` (wanted edge,
    buffers and skew); `fee` the expected fee; `breakeven` the highest reducing price that still locks
    `lock_min` (0 when not reducing; of an exit the highest the typed floor allows); `sources` what the
    theo was made of.
    """

    fair: int
    fair_lo: int
    edge: int
    fee: int
    breakeven: int
    sources: str


class Command(Struct, frozen=True, tag=True, omit_defaults=True):
    """A request to the world around the engine."""


class PlaceOrder(Command, frozen=True, kw_only=True):
    """Rest a post-only limit order, or (`IOC`, never post-only) take what is there now.

    `ceiling` bounds it in prices of `instrument`: the highest price of a buy, the lowest (floor) of a
    sale. `ts` is the moment it was decided, on the clock of its run, `wall` the same by the wall clock.
    `expires`: wall-clock nanoseconds at which the venue takes it out by itself unless kept alive, 0 for
    never. `reduce_only`: it may only lessen what is held, where the venue knows the word. `stake` is what it
    costs as a whole where the venue takes round sums, 0 where that is price times size.
    """

    order_id: ClientOrderId
    match: MatchId
    instrument: Instrument
    action: Action
    price: Price
    size: Size
    ceiling: Price
    ceiling_kind: CeilingKind
    basis: Basis
    ts: Nanos = Nanos(0)
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = True
    reduce_only: bool = False
    expires: Nanos = Nanos(0)
    wall: Nanos = Nanos(0)
    stake: Cash = Cash(0)


class AmendOrder(Command, frozen=True, kw_only=True):
    """Change price and total size (what has filled included) of a resting order."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    match: MatchId
    instrument: Instrument
    action: Action
    price: Price
    size: Size
    ceiling: Price
    ceiling_kind: CeilingKind
    basis: Basis
    ts: Nanos = Nanos(0)


ORDERS = (PlaceOrder, AmendOrder)  # all that can rest or trade afterwards


class CancelOrder(Command, frozen=True, kw_only=True):
    """Take an order out of the market."""

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    instrument: Instrument


class CancelAll(Command, frozen=True, kw_only=True):
    """Take every order of the account out of the venue, known to us or not; used by kill only."""

    venue: Venue


class Lookup(Command, frozen=True, kw_only=True):
    """Find out what became of an order whose outcome is unknown or late.

    `filled` is what we have booked of it: where a venue tells totals, the rest of them is a fill we missed.
    The rest is what was asked for and when: a venue that names orders by what they say finds them by it.
    """

    order_id: ClientOrderId
    venue_order_id: VenueOrderId
    instrument: Instrument
    filled: Size = Size(0)
    action: Action = Action.BUY
    price: Price = Price(0)
    size: Size = Size(0)
    wall: Nanos = Nanos(0)


class Reconcile(Command, frozen=True, kw_only=True):
    """Read the venue's whole account of us; it answers with `MassStatus`, and before it with `Settled` for
    whatever has paid meanwhile, so that a position that is gone is not taken for a mismatch.
    """

    venue: Venue


class Resync(Command, frozen=True, kw_only=True):
    """Read a book afresh; the venue answers with `BookSnapshot`."""

    instrument: Instrument


class Subscribe(Command, frozen=True, kw_only=True):
    """Begin to stream a symbol: its facts, status, book and trades."""

    instrument: Instrument


class Unsubscribe(Command, frozen=True, kw_only=True):
    """Stop streaming a symbol."""

    instrument: Instrument


class WatchOdds(Command, frozen=True, kw_only=True):
    """Begin to bring the odds of a match; repeated when its facts change."""

    spec: MatchSpec


class UnwatchOdds(Command, frozen=True, kw_only=True):
    """No longer bring the odds of a match."""

    match: MatchId


class KeepAlive(Command, frozen=True, kw_only=True):
    """The engine is healthy: whatever stands between our orders and their end is wound up again.

    Orders may rest until `until` (wall-clock nanoseconds) where the venue takes an end; a heartbeat goes
    out where the venue listens for one. Nothing but a healthy engine sends it.
    """

    venue: Venue
    until: Nanos


class Latch(Command, frozen=True, kw_only=True):
    """Write the kill latch to disk (or lift it when `reason` is empty), that of all or of one venue."""

    reason: str
    venue: Venue | None = None


class Severity(enum.Enum):
    """How loud an alert is."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class Alert(Command, frozen=True, kw_only=True):
    """Tell the operator."""

    severity: Severity
    text: str
    match: MatchId = MatchId("")


class Refuse(Command, frozen=True, kw_only=True):
    """The operator event that was just given cannot be taken; `text` says what would be right."""

    text: str


AnyCommand = (
    PlaceOrder
    | AmendOrder
    | CancelOrder
    | CancelAll
    | Lookup
    | Reconcile
    | Resync
    | Subscribe
    | Unsubscribe
    | WatchOdds
    | UnwatchOdds
    | KeepAlive
    | Latch
    | Alert
    | Refuse
)
