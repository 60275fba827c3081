"""The frozen picture of the engine that people look at; built by `core.picture`, shown by the console.

Money, prices and sizes are millionths as everywhere; ages are milliseconds, -1 when there is nothing to
be old; None means unknown, never zero.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from console.core.attribution import Parts
from console.core.commands import CeilingKind, Severity
from console.core.events import Mode
from console.core.instruments import (
    Action,
    ClientOrderId,
    Instrument,
    MarketState,
    RewardTerms,
    Venue,
    VoidRule,
)
from console.core.margin import Margin
from console.core.matches import MatchId, Phase, State
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.core.regime import Motion
from console.core.units import ONE, Cash, Nanos, Price, Size


class OutcomeView(Struct, frozen=True, array_like=True):
    """One outcome of a match: fair value, the market around it, our quote on it.

    `best_bid` and `best_ask` are the best over the venues without our own orders; `quote` is our best
    buying price of the outcome (a sale of its complement counts as one minus its price), `rank` says how
    many prices others bid above it, plus one.
    """

    name: str
    theo: int | None
    fair_lo: int | None
    best_bid: Price | None
    best_ask: Price | None
    quote: Price | None
    quote_size: Size
    rank: int | None
    ceiling: Price | None
    ceiling_kind: CeilingKind
    reason: Reason
    limit: str  # which limit, when the reason is one
    position: int  # net contracts that pay on this outcome
    average: Price | None  # average cost of the unpaired contracts, fees included
    payout: Cash  # profit if this outcome wins: the entry of the profit vector


class SourceView(Struct, frozen=True, array_like=True):
    """One source of a match's theo, or a line that is kept out of it.

    Three stamps: `change_age_ms` since its price moved, `stamp_age_ms` since the provider last saw it,
    `received_age_ms` since it reached us; `confirmed_age_ms` is what gates quoting.
    """

    name: str
    probabilities: tuple[int, ...]
    weight: int  # share of the blend, millionths
    confirmed_age_ms: int
    change_age_ms: int
    note: str  # why it does not count, or empty
    feed: str = ""  # who brings it, where that is not the source itself
    stamp_age_ms: int = -1
    received_age_ms: int = -1
    odds: tuple[float, ...] = ()  # its own price, decimal
    methods: tuple[tuple[str, tuple[int, ...]], ...] = ()  # probabilities by every de-vig method


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


class FlattenView(Struct, frozen=True, array_like=True):
    """How far a match being flattened has come, in unpaired contracts."""

    floor: Price
    open: Size  # when it began
    left: Size
    rounds: int


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
    reason_age_ms: int  # how long it has stood, to the second
    outcomes: tuple[OutcomeView, ...]
    exposure: int  # net contracts: first outcome against the rest
    inventory_max: Size
    rebalancing: bool
    edge: Price | None  # least edge of our live quotes below theo
    pnl: PnlView
    parts: Parts  # what `pnl.net` is made of
    orders: int
    fills: int
    theo_age_ms: int
    book_age_ms: int
    halts: tuple[str, ...]
    flatten: FlattenView | None
    venues: tuple[Venue, ...]


class LevelView(Struct, frozen=True, array_like=True):
    """One price of a ladder, YES leg: others' sizes and ours."""

    price: Price
    bid: Size
    ask: Size
    own_bid: Size
    own_ask: Size
    ahead: Size | None  # contracts before ours at this price, as the venue last said
    hedge: tuple[Cash, ...]  # profit per outcome if the position were closed here; empty when flat


class LadderView(Struct, frozen=True, array_like=True):
    """The book of one symbol around its middle, best prices first cut to the levels asked for."""

    instrument: Instrument
    outcome: str
    status: MarketState
    levels: tuple[LevelView, ...]  # descending prices
    best_bid: Price | None
    best_ask: Price | None
    micro: Price | None  # microprice of others' best prices
    imbalance: int | None  # (bid size - ask size) / both there, millionths
    theo: int | None
    ceiling: Price | None  # of buying YES
    floor: Price | None  # of selling YES (or buying NO)
    breakeven: Price | None
    age_ms: int
    tick: Price
    stale: str  # why the book is not trusted, or empty
    rewards: RewardTerms | None = None  # what the venue pays resting liquidity for
    scoring: Size = Size(0)  # our contracts that meet them


class ListingView(Struct, frozen=True, array_like=True):
    """One symbol the watched match is listed on, and what its venue's rules say."""

    instrument: Instrument
    outcome: str
    quoted: bool  # False: watched as a signal only
    void_rule: VoidRule | None  # None until the venue has defined it
    rules_hash: str


class HoldingView(Struct, frozen=True, array_like=True):
    """What is held of one symbol of the watched match: net YES contracts, NO held counting negative."""

    instrument: Instrument
    outcome: str
    net: int
    average: Price | None  # per contract of the leg held, fees in
    worth: Cash | None  # at theo
    profit: Cash | None  # unrealised, at theo


class SignalView(Struct, frozen=True, array_like=True):
    """What the estimators say of one outcome of the watched match, and the margin that comes of it.

    `limit` is the most that price and fee together may cost; `imbalance` of taker flow and `toxicity` are
    shares in millionths, `fills` how many fills the latter was judged by.
    """

    name: str
    margin: Margin
    limit: int
    imbalance: int
    toxicity: int
    fills: int


class Leg(Struct, frozen=True, array_like=True):
    """One purchase of a basket: what is bought, at which price, in millionths."""

    instrument: Instrument
    price: Price


class Basket(Struct, frozen=True, array_like=True):
    """The cheapest purchase, at once, of contracts that together pay a dollar whatever happens.

    `cost` in millionths with taker fees. `across` says that it takes several venues, whose settlement rules
    may differ.
    """

    cost: int
    legs: tuple[Leg, ...]
    across: bool

    @property
    def profit(self) -> int:
        """What a set would earn, in millionths; negative when it costs more than it pays."""
        return ONE - self.cost


class Rivalry(Struct, frozen=True, array_like=True):
    """How often a rival followed within ten seconds when we took the top, and how fast."""

    taken: int
    answered: int
    median_ms: int | None


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
    cash_age_ms: int
    private_age_ms: int  # since it last proved that fills reach us
    orders: int
    rejects: int
    write_tokens: int
    write_burst: int
    clock_offset_ms: int | None  # of the venue's clock ahead of ours
    round_trip_ms: int | None
    answer_ms: int | None  # from deciding to place to its acknowledgement: the middle of the last ones ...
    answer_late_ms: int | None  # ... and what one in twenty takes longer than
    dead_man: bool  # the venue takes our orders out when it no longer hears of us
    killed: str = ""  # by whom, when this venue alone is killed
    proven: bool = False  # and that nothing rests there is proven
    claimable: Cash = Cash(0)  # waits for us to merge pairs or redeem what has won
    pockets: tuple[tuple[str, Cash], ...] = ()  # what the cash lies in where it does not mix: what is in use


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
    """One limit and how much of it is used, in millionths of its unit."""

    name: str
    used: int
    limit: int
    unit: str = "$"  # "" for contracts and orders


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
    parts: Parts  # what `pnl.net` is made of, rewards apart
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
    watched: MatchId  # whose close-up follows, empty if it is unknown
    sources: tuple[SourceView, ...]
    ladders: tuple[LadderView, ...]
    listings: tuple[ListingView, ...]
    rules_confirmed: str  # the settlement rules that were confirmed to agree, empty for none
    holdings: tuple[HoldingView, ...]
    signals: tuple[SignalView, ...]
    basket: Basket | None
    rivalry: Rivalry
    motion: Motion | None
    markouts: tuple[int | None, ...]  # gained per contract after 1, 5, 30 and 300 s, millionths
    match_limits: tuple[LimitView, ...]
    orders: tuple[OrderView, ...]
    recent_fills: tuple[FillView, ...]  # newest first
    log: tuple[LogLine, ...]  # newest first
    curve: tuple[Cash, ...]  # day profit, `curve_step_s` apart, oldest first
    curve_step_s: int
    unwatched: str = ""  # why no watchdog watches over the engine; empty when one does or none is needed
