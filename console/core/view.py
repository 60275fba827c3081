"""The frozen picture of the engine that people look at; built by `core.picture`, shown by the console.

Money, prices and sizes are millionths as everywhere; ages are milliseconds, -1 when there is nothing to
be old; None means unknown, never zero.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from console.core.commands import CeilingKind, Severity
from console.core.events import Mode
from console.core.instruments import Action, ClientOrderId, Instrument, MarketState, Venue
from console.core.matches import MatchId, Phase, State
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.core.units import Cash, Nanos, Price, Size


class OutcomeView(Struct, frozen=True, array_like=True):
    """One outcome of a match: fair value, the market around it, our quote on it.

    `best_bid` and `best_ask` are the best over the venues without our own orders; `quote` is our best
    buying price of the outcome (a sale of its complement counts as one minus its price).
    """

    name: str
    theo: int | None
    fair_lo: int | None
    best_bid: Price | None
    best_ask: Price | None
    quote: Price | None
    quote_size: Size
    ceiling: Price | None
    ceiling_kind: CeilingKind
    reason: Reason
    limit: str  # which limit, when the reason is one
    position: int  # net contracts that pay on this outcome
    average: Price | None  # average cost of the unpaired contracts, fees included
    payout: Cash  # profit if this outcome wins: the entry of the profit vector


class SourceView(Struct, frozen=True, array_like=True):
    """One source of a match's theo."""

    name: str
    probabilities: tuple[int, ...]
    weight: int  # share of the blend, millionths
    confirmed_age_ms: int
    change_age_ms: int
    note: str  # why it does not count, or empty


class PnlView(Struct, frozen=True, array_like=True):
    """Profit and loss; `net` is realised plus unrealised at theo, fees inside."""

    net: Cash
    realised: Cash
    at_theo: Cash | None
    at_mid: Cash | None
    at_liquidation: Cash | None
    locked: Cash
    locked_conditional: Cash
    fees: Cash
    worst: Cash  # the most that can still be lost, resting and in-flight orders counted as filled


class MatchView(Struct, frozen=True, array_like=True):
    """One match, as a line of the matches pane and more."""

    id: MatchId
    title: str
    sport: str
    event: str
    state: State
    phase: Phase
    start: Nanos  # wall clock, 0 unknown
    reason: Reason  # the one that most needs a human
    limit: str
    outcomes: tuple[OutcomeView, ...]
    exposure: int  # net contracts: first outcome against the rest
    inventory_max: Size
    rebalancing: bool
    edge: Price | None  # least edge of our live quotes below theo
    pnl: PnlView
    orders: int
    fills: int
    theo_age_ms: int
    book_age_ms: int
    halts: tuple[str, ...]
    venues: tuple[Venue, ...]


class LevelView(Struct, frozen=True, array_like=True):
    """One price of a ladder, YES leg: others' sizes and ours."""

    price: Price
    bid: Size
    ask: Size
    own_bid: Size
    own_ask: Size
    hedge: tuple[Cash, ...]  # profit per outcome if the position were closed here; empty when flat


class LadderView(Struct, frozen=True, array_like=True):
    """The book of one symbol around its middle, best prices first cut to the levels asked for."""

    instrument: Instrument
    outcome: str
    status: MarketState
    levels: tuple[LevelView, ...]  # descending prices
    best_bid: Price | None
    best_ask: Price | None
    theo: int | None
    ceiling: Price | None  # of buying YES
    floor: Price | None  # of selling YES (or buying NO)
    breakeven: Price | None
    age_ms: int
    tick: Price
    stale: str  # why the book is not trusted, or empty


class OrderView(Struct, frozen=True, array_like=True):
    """One of our orders, live or recently ended."""

    order_id: ClientOrderId
    match: MatchId
    instrument: Instrument
    outcome: str
    action: Action
    price: Price
    size: Size
    filled: Size
    state: OrderState
    pending: str  # the operation in flight, or empty
    ahead: Size | None  # contracts before it at its price, as the venue last said
    ceiling: Price
    kind: CeilingKind
    age_ms: int


class FillView(Struct, frozen=True, array_like=True):
    """One fill."""

    wall: Nanos
    match: MatchId
    instrument: Instrument
    outcome: str
    action: Action
    price: Price
    size: Size
    fee: Cash
    edge: Price | None  # theo at the fill against the price, in our favour when positive
    locked: Cash  # profit this fill locked in


class LogLine(Struct, frozen=True, array_like=True):
    """One line of the engine's log."""

    wall: Nanos
    severity: Severity
    match: MatchId
    text: str


class VenueView(Struct, frozen=True, array_like=True):
    """One venue's health."""

    venue: Venue
    up: bool
    halt: str  # RECONCILING, MISMATCH ..., or empty
    stream_age_ms: int  # since the last message of its market data
    cash: Cash | None
    orders: int
    write_tokens: int
    write_burst: int
    clock_offset_ms: int | None  # of the venue's clock ahead of ours
    dead_man: bool  # the venue takes our orders out when it no longer hears of us
    killed: str = ""  # by whom, when this venue alone is killed
    proven: bool = False  # and that nothing rests there is proven


class FeedView(Struct, frozen=True, array_like=True):
    """One odds feed's health; None where the feed does not tell."""

    name: str
    up: bool
    why: str
    credits_left: int | None
    credits_used: int | None
    budget_left: int | None  # of our own daily budget
    next_poll_ms: int  # from now, -1 unknown


class LimitView(Struct, frozen=True, array_like=True):
    """One limit and how much of it is used."""

    name: str
    used: Cash
    limit: Cash


class KillPhase(enum.Enum):
    """How far a kill has come."""

    KILLING = "KILLING"
    KILLED = "KILLED"
    INCOMPLETE = "KILL INCOMPLETE"


class KillView(Struct, frozen=True, array_like=True):
    """What the venues have proven since the kill; shown until re-armed."""

    phase: KillPhase
    by: str
    wall: Nanos
    at_kill: int  # orders resting or in flight when the kill came
    left: int  # orders not proven gone
    unproven: tuple[Venue, ...]


class View(Struct, frozen=True):
    """Everything the console shows, at one moment."""

    ts: Nanos
    wall: Nanos
    mode: Mode
    account: str
    run_id: str
    started_wall: Nanos
    kill: KillView | None
    paused: str  # why everything is paused, or empty
    stopping: str  # why the run is ending, or empty
    gated: bool  # real orders wait for the start gate
    pnl: PnlView
    rewards: Cash  # paid for providing liquidity, inside the profit
    day: Cash | None  # profit since the day began, at the loss marks
    drawdown: Cash | None  # below the peak
    orders_open: int
    fills: int
    rejects: int
    limits: tuple[LimitView, ...]
    venues: tuple[VenueView, ...]
    feeds: tuple[FeedView, ...]
    matches: tuple[MatchView, ...]
    watched: MatchId  # whose sources and ladders these are, empty if it is unknown
    sources: tuple[SourceView, ...]
    ladders: tuple[LadderView, ...]
    orders: tuple[OrderView, ...]
    recent_fills: tuple[FillView, ...]  # newest first
    log: tuple[LogLine, ...]  # newest first
    curve: tuple[Cash, ...]  # day profit, one sample a second, oldest first
    unwatched: str = ""  # why no watchdog watches over the engine; empty when one does or none is needed
