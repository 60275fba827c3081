"""What ProphetX says, in words of our own: the one model inside, whichever dialect is spoken outside.

Odds are American whole numbers, stakes dollars with cents, `side_id` names one side of one line of a market.
Every required field that a message lacks makes it unreadable; fields nobody needs are not listed.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Unreadable(Exception):
    """A message that lacks or garbles what it must say; one line naming what and where."""


class Envelope(Struct, Generic[T], frozen=True):
    """What an answer is wrapped in; `last_synced_at` says how old a read of the reporting copy is."""

    data: T
    last_synced_at: str = ""


class Failure(Struct, frozen=True):
    """The body of a refusal."""

    error: str
    message: str = ""


# ---- session


class Tokens(Struct, frozen=True):
    """Answer to a login or refresh; times are epoch seconds, as a rule."""

    access_token: str
    access_expire_time: int | None = None
    refresh_token: str = ""
    refresh_expire_time: int | None = None


# ---- what is listed


class Sport(Struct, frozen=True):
    """A sport."""

    name: str


class Tournament(Struct, frozen=True):
    """A league, or one draw of a tennis tournament."""

    id: int
    name: str
    sport: Sport


class Tournaments(Struct, frozen=True):
    """Container."""

    tournaments: tuple[Tournament, ...] | None


class Competitor(Struct, frozen=True):
    """One side of an event."""

    id: int
    name: str
    side: str


class SportEvent(Struct, frozen=True):
    """One fixture; anything but `not_started` is closed to pre-match quoting."""

    event_id: int
    name: str
    type: str
    status: str
    scheduled: str
    sport_name: str
    tournament_id: int
    tournament_name: str
    competitors: tuple[Competitor, ...] | None
    sub_type: str | None = None


class SportEvents(Struct, frozen=True):
    """Container; null for a tournament without events."""

    sport_events: tuple[dict[str, object], ...] | None  # each a SportEvent


class Level(Struct, frozen=True):
    """A price of a side as a taker sees it; `odds` null or 0 and no stake where nobody offers anything.

    `stake` is what the taker can win: the stake of the makers on the other side.
    """

    outcome_id: int
    side_id: str
    odds: int | None
    stake: Decimal | None
    name: str = ""
    competitor_id: int | None = None
    line: Decimal | None = None


Sides = tuple[tuple[Level, ...] | None, ...]


class Line(Struct, frozen=True):
    """One line of a spread or total."""

    line: Decimal
    selections: Sides | None
    favourite: bool = False
    name: str = ""
    status: str = "active"


class Market(Struct, frozen=True):
    """A market: sides directly, or one list of them for every line."""

    id: int
    name: str
    type: str
    status: str
    event_id: int | None = None
    sub_type: str | None = None
    selections: Sides | None = None
    lines: tuple[Line, ...] | None = None
    line: Decimal | None = None


class EventMarkets(Struct, frozen=True):
    """The markets of one event; null when it is closed."""

    event_id: int
    markets: tuple[dict[str, object], ...] | None  # each a Market


# ---- our orders


class Status(enum.Enum):
    """Where an order stands."""

    INACTIVE = "inactive"  # received, not visible
    OPEN = "open"
    INVALID = "invalid"  # never became visible
    CANCELED = "canceled"  # nothing of it was matched
    VOID = "void"  # taken back by the venue
    WIPED = "wiped"  # taken out by the venue, as when a game goes live
    MANUALLY_SETTLED = "manually_settled"
    SETTLED = "settled"  # won, being paid
    CLOSED = "closed"


class Matching(enum.Enum):
    """How much of it is matched."""

    UNMATCHED = "unmatched"
    PARTIALLY = "partially_matched"
    FULLY = "fully_matched"


class Winning(enum.Enum):
    """How it came out; `profit` and `loss` are the newer words for won and lost."""

    TBD = "tbd"
    WON = "won"
    LOST = "lost"
    PROFIT = "profit"
    LOSS = "loss"
    PUSH = "push"
    DRAW = "draw"
    NO_RESULT = "no_result"
    MANUALLY_WON = "manually_won"
    MANUALLY_LOST = "manually_lost"


class Bet(Struct, frozen=True, kw_only=True):
    """One order of ours as an answer or a list of the venue has it; `filled` is what was matched in all."""

    sport_event_id: int
    market_id: int
    side_id: str
    odds: int
    stake: Decimal
    filled: Decimal
    open: Decimal
    matching_status: Matching
    winning_status: Winning
    status: Status
    id: str = ""
    order_id: str = ""
    external_id: str | None = None
    created_at: str = ""
    updated_at: str = ""

    @property
    def key(self) -> str:
        """The venue's id, whichever of its names it came under."""
        return self.order_id or self.id


class BetUpdate(Struct, frozen=True, kw_only=True):
    """A private message about an order: `filled` is the latest fill alone, `total_filled` all of them."""

    sport_event_id: int
    market_id: int
    side_id: str
    odds: int
    stake: Decimal
    fill_odds: int | None
    total_filled: Decimal
    open: Decimal
    matching_status: Matching
    winning_status: Winning
    status: Status
    sequence_number: int
    id: str = ""
    order_id: str = ""
    external_id: str | None = None


class Placed(Struct, frozen=True):
    """Answer to a single order."""

    order: Bet
    success: bool = True


class FailedBet(Struct, frozen=True):
    """One order of a batch that was refused."""

    error: str
    index: int | None = None
    request: dict[str, object] = {}
    message: str = ""


class PlacedBatch(Struct, frozen=True):
    """Answer to a batch: an order in neither list has an unknown outcome."""

    succeeded: tuple[Bet, ...] | None
    failed: tuple[FailedBet, ...] | None


class BetNamed(Struct, frozen=True):
    """An order as a cancel answer names it."""

    id: str = ""
    order_id: str = ""
    external_id: str | None = None


class Cancelled(Struct, frozen=True):
    """One entry of the answer to a batch of cancels."""

    success: bool
    order: BetNamed
    error: Failure | None = None


class BetPage(Struct, frozen=True):
    """One page of the history."""

    orders: tuple[Bet, ...] | None
    next_cursor: str | None = None


# ---- money


class Balance(Struct, frozen=True):
    """Cash and what of it is bound; the unmatched figure is stale unless its status is `succeed`."""

    balance: Decimal
    unmatched: Decimal | None = None
    unmatched_status: str = ""


class Transaction(Struct, frozen=True):
    """One movement of cash."""

    transaction_type: str
    amount: Decimal
    id: str | int = ""


class TransactionPage(Struct, frozen=True):
    """One page of movements."""

    transactions: tuple[Transaction, ...] | None
    next_cursor: str | None = None


# ---- push


class ConnectionConfig(Struct, frozen=True):
    """Where the push service is: flat, without an envelope."""

    key: str
    cluster: str = ""
    ws_host: str = ""
    app_id: str = ""


class Binding(Struct, frozen=True):
    """An event name of a channel."""

    name: str
    type: str = ""


class Scope(Struct, frozen=True):
    """What a channel is about."""

    event_id: int | None = None
    sub_type: str = ""


class Channel(Struct, frozen=True):
    """A channel we may join on this socket; `auth` dies with it."""

    channel_name: str
    auth: str
    binding_events: tuple[Binding, ...] = ()
    scope: Scope | None = None


class SignIn(Struct, frozen=True):
    """What signs the user in."""

    auth: str
    user_data: str


class Registration(Struct, frozen=True):
    """What a socket may see."""

    authorized_channel: tuple[Channel, ...]
    authenticated: SignIn | None = None
    channel_limit: int | None = None
    rejected: tuple[dict[str, object], ...] | None = None


class Selections(Struct, frozen=True):
    """Both sides of one line, ten levels each at most: a whole picture, not a change."""

    selections: Sides | None
    sequence_number: int
    id: int
    line: Decimal | None = None


class SelectionsUpdate(Struct, frozen=True):
    """`market_selections`: key is event, market and line."""

    sport_event_id: int
    market_id: int
    info: Selections


class MarketInfo(Struct, frozen=True):
    """A market's own standing."""

    id: int
    sport_event_id: int
    status: str
    sequence_number: int = 0


class MarketUpdate(Struct, frozen=True):
    """`market`."""

    info: MarketInfo


class EventUpdate(Struct, frozen=True):
    """`sport_event`: only ids when it is taken down."""

    id: str | int
    info: dict[str, object] | None = None


class Match(Struct, frozen=True):
    """A public trade: `filled` is what the taker of this side risked."""

    sport_event_id: int
    market_id: int
    side_id: str
    fill_odds: int
    filled: Decimal
    sequence_number: int = 0


class MatchUpdate(Struct, frozen=True):
    """`matched_bet` or `matched_order`."""

    info: Match


class BetMessage(Struct, frozen=True):
    """`wager` or `order`."""

    info: BetUpdate
