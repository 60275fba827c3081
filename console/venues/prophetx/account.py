"""The venue's own account of us: lists from a copy that lags, cash, and the whole of it as MassStatus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from console.core.events import CashAdjusted, MassStatus
from console.core.instruments import Venue
from console.core.units import Cash
from console.venues.prophetx.bets import Bets, Record
from console.venues.prophetx.books import cash
from console.venues.prophetx.dialects import Dialect, query
from console.venues.prophetx.neutral import (
    Balance,
    Bet,
    BetPage,
    Envelope,
    Status,
    Transaction,
    TransactionPage,
    Unreadable,
)

PAGE: Final = 100  # more is accepted by some versions only
PAGES_MAX: Final = 200
CREATED_S: Final = 7 * 24 * 3600 - 3600  # the venue allows seven days between from and to
UPDATED_S: Final = 2 * 24 * 3600 - 3600  # and two days here
LAG_MARGIN_S: Final = 2.0  # how far the copy may trail its own stamp
FRESH_ENOUGH: Final = "succeed"
PAID_IN: Final = {"DEPOSIT": 1, "ADJUSTMENT_INCREASE": 1, "WITHDRAW": -1, "ADJUSTMENT_REDUCE": -1}


class Page(Struct, frozen=True):
    """One page of a list: its rows, how old the copy is (epoch seconds), and where the next one begins."""

    bets: tuple[Bet, ...]
    synced_s: float
    cursor: str


def history_path(dialect: Dialect, *, cursor: str = "", **window: object) -> str:
    """A page of the history; windows are epoch seconds: from and to, or updated_at_from and updated_at_to."""
    named = {key.rstrip("_"): value for key, value in window.items()}
    return query(dialect.paths.history, **named, limit=PAGE, next_cursor=cursor or None)


def parse_page(dialect: Dialect, body: bytes) -> Page:
    """A page of the history; raises Unreadable."""
    told = dialect.read(body, Envelope[BetPage])
    return Page(told.data.orders or (), synced_s(told.last_synced_at), told.data.next_cursor or "")


def synced_s(stamp: str) -> float:
    """Epoch seconds of `last_synced_at`, which has up to nine decimals; raises Unreadable."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise Unreadable(f"`last_synced_at` is {stamp!r}") from error
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def parse_balance(dialect: Dialect, body: bytes) -> Balance:
    """Cash; raises Unreadable."""
    return dialect.read(body, Envelope[Balance]).data


class Purse(Struct, frozen=True):
    """Cash that may be reckoned with, and what resting orders hold of it: None while that is not known."""

    free: Cash
    held: Cash | None


def purse(balance: Balance, *, on_match: bool) -> Purse:
    """Nothing may be reckoned with while the venue's figure of what is unmatched is stale.

    Where cash leaves when a bet is matched (`on_match`), one that rests holds nothing.
    """
    if balance.unmatched_status != FRESH_ENOUGH or balance.unmatched is None:
        return Purse(Cash(0), None)
    return Purse(cash(balance.balance), Cash(0) if on_match else cash(balance.unmatched))


def parse_transactions(dialect: Dialect, body: bytes) -> tuple[Transaction, ...]:
    """Movements of cash; raises Unreadable."""
    return dialect.read(body, Envelope[TransactionPage]).data.transactions or ()


def adjusted(transactions: Iterable[Transaction], venue: Venue = Venue.PROPHETX) -> list[CashAdjusted]:
    """Cash that came in or went out and is no result of trading."""
    return [
        CashAdjusted(
            venue=venue,
            amount=Cash(PAID_IN[one.transaction_type] * abs(cash(one.amount))),
            why=one.transaction_type.lower(),
        )
        for one in transactions
        if one.transaction_type in PAID_IN and one.id != ""
    ]


def mass_status(bets: Bets, gone: Iterable[Record], cash_there: Purse) -> MassStatus:
    """The account as the venue has it; `gone` are bets that its own list no longer has."""
    missing = {id(record) for record in gone}
    return MassStatus(
        venue=Venue.PROPHETX,
        orders=tuple(record.listed() for record in bets.resting() if id(record) not in missing),
        fills=(),  # told as they are learnt, each once
        positions=tuple((instrument, net) for instrument, net in bets.positions().items() if net),
        cash=cash_there.free,
        held=cash_there.held,
    )


def missing(bets: Bets, listed: Iterable[Bet], synced: float) -> list[Record]:
    """Bets that we take to rest but an up-to-date list has not: they ended unseen, or will be looked up."""
    keys = {bet.key for bet in listed if bet.status in (Status.OPEN, Status.INACTIVE)}
    return [
        record
        for record in bets.resting()
        if record.key not in keys and record.seen_s < synced - LAG_MARGIN_S
    ]
