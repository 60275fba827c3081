"""The two vocabularies of the wire, and the one place where each is turned into `neutral` and back.

Only keys are translated, never values: `profit` is an amount in one field and a result in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.units import decimal
from console.venues.prophetx.neutral import Failure, Unreadable

DIGITS_MOST: Final = 20  # before or after the point
T = TypeVar("T")

_LEGACY: Final = {
    "line_id": "side_id",
    "market_lines": "lines",
    "matched_stake": "filled",
    "matched_odds": "fill_odds",
    "totally_matched_stake": "total_filled",
    "unmatched_stake": "open",
    "wager_id": "order_id",
    "wager": "order",
    "wagers": "orders",
    "succeed_wagers": "succeeded",
    "failed_wagers": "failed",
    "unmatched_wager_balance": "unmatched",
    "unmatched_wager_balance_status": "unmatched_status",
}
_V4: Final = {
    "price": "odds",
    "quantity": "stake",
    "strike": "line",
    "strike_id": "side_id",
    "market_strikes": "lines",
    "filled_quantity": "filled",
    "fill_price": "fill_odds",
    "total_filled_quantity": "total_filled",
    "open_quantity": "open",
    "succeed_orders": "succeeded",
    "failed_orders": "failed",
    "unmatched_order_balance": "unmatched",
    "unmatched_order_balance_status": "unmatched_status",
}


class Paths(Struct, frozen=True, kw_only=True):
    """Where each request goes, below the base."""

    ladder: str
    markets: str
    markets_of_many: str
    place: str
    place_many: str
    cancel: str
    cancel_many: str
    cancel_all: str
    cancel_event: str
    cancel_market: str
    order: str  # followed by its id
    history: str
    balance: str
    transactions: str
    register: str
    tournaments: str = "/mm/get_tournaments"
    events: str = "/mm/get_sport_events"
    login: str = "/auth/login"
    refresh: str = "/auth/refresh"
    connection: str = "/websocket/connection-config"


class Dialect(Struct, frozen=True, kw_only=True):
    """One vocabulary. `adds_liquidity`: an order can be told never to take."""

    name: Literal["legacy", "v4"]
    paths: Paths
    words: Mapping[str, str]  # of the wire -> neutral
    spoken: Mapping[str, str]  # neutral -> of the wire
    adds_liquidity: bool
    lists_signin: bool  # the registration signs the user in and names channels by event

    def read(self, body: bytes | str, kind: type[T]) -> T:
        """What a body says; raises Unreadable with one line."""
        try:
            return self.convert(_decode(body), kind)
        except (*UNREADABLE, NoNumber) as error:
            raise Unreadable(f"not JSON: {error}") from error

    def convert(self, raw: object, kind: type[T]) -> T:
        """What a decoded object says; raises Unreadable with one line, in the words of the wire."""
        try:
            return msgspec.convert(_renamed(raw, self.words), kind)
        except msgspec.ValidationError as error:
            raise Unreadable(_in_words(str(error), self.spoken)) from error

    def write(self, fields: Mapping[str, object]) -> bytes:
        """A body in the words of the wire."""
        return msgspec.json.encode(_renamed(fields, self.spoken))

    def write_many(self, entries: list[dict[str, object]]) -> bytes:
        """A batch."""
        return self.write({"data": entries})


def dollars(amount: int) -> msgspec.Raw:
    """Millionths as a JSON number of dollars with cents; raises ValueError for fractions of a cent."""
    return msgspec.Raw(decimal(amount, 2).encode())


def query(path: str, **values: object) -> str:
    """A path with its query; what is None is left out."""
    given = {key: value for key, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def failure(body: bytes) -> Failure:
    """What a refusal says; its first words where it is not one of theirs."""
    try:
        return msgspec.json.decode(body, type=Failure)
    except UNREADABLE:
        said = body[:80].decode(errors="replace").strip()
        return Failure(error="", message=said)


class NoNumber(ValueError):
    """A number no amount, line or price could be."""


def _number(text: str) -> Decimal:
    """A number as it is written, no cent of it lost; raises NoNumber beyond what anything here can be."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NoNumber(f"{text[:DIGITS_MOST]} is no number") from None
    if value and not -DIGITS_MOST <= value.adjusted() <= DIGITS_MOST:
        raise NoNumber(f"{value:.3e} is out of all proportion")
    return value


def _decode(body: bytes | str) -> object:
    return _DECODER.decode(body)


def _renamed(raw: Any, words: Mapping[str, str]) -> Any:
    if isinstance(raw, dict):
        return {words.get(key, key): _renamed(value, words) for key, value in raw.items()}
    return [_renamed(value, words) for value in raw] if isinstance(raw, list | tuple) else raw


def _in_words(complaint: str, spoken: Mapping[str, str]) -> str:
    """A complaint of the decoder, with the field as the wire calls it."""
    for ours, theirs in spoken.items():
        complaint = complaint.replace(f"`{ours}`", f"`{theirs}`").replace(f".{ours}", f".{theirs}")
    return complaint


_DECODER: Final = msgspec.json.Decoder(float_hook=_number)


def _turned(words: Mapping[str, str]) -> dict[str, str]:
    return {ours: theirs for theirs, ours in words.items()}


V4: Final = Dialect(
    name="v4",
    words=_V4,
    spoken={**_turned(_V4), "strategy": "order_strategy"},
    adds_liquidity=True,
    lists_signin=True,
    paths=Paths(
        ladder="/v4/mm/get_price_ladder",
        markets="/v4/mm/get_markets",
        markets_of_many="/v4/mm/get_multiple_markets",
        place="/v4/mm/submit_order",
        place_many="/v4/mm/submit_multiple_orders",
        cancel="/v4/mm/cancel_order",
        cancel_many="/v4/mm/cancel_multiple_orders",
        cancel_all="/v4/mm/cancel_all_orders",
        cancel_event="/v4/mm/cancel_orders_by_event",
        cancel_market="/v4/mm/cancel_orders_by_market",
        order="/v4/mm/get_order/",
        history="/v4/mm/get_order_history",
        balance="/v4/mm/get_balance",
        transactions="/v4/mm/get_transactions",
        register="/v4/mm/websocket",
    ),
)
LEGACY: Final = Dialect(
    name="legacy",
    words=_LEGACY,
    spoken={**_turned(_LEGACY), "strategy": "wager_strategy"},
    adds_liquidity=False,
    lists_signin=False,
    paths=Paths(
        ladder="/mm/get_odds_ladder",
        markets="/v2/mm/get_markets",
        markets_of_many="/v2/mm/get_multiple_markets",
        place="/mm/place_wager",
        place_many="/mm/place_multiple_wagers",
        cancel="/mm/cancel_wager",
        cancel_many="/mm/cancel_multiple_wagers",
        cancel_all="/mm/cancel_all_wagers",
        cancel_event="/mm/cancel_wagers_by_event",
        cancel_market="/mm/cancel_wagers_by_market",
        order="/mm/get_wager/",
        history="/v2/mm/get_wager_histories",
        balance="/mm/get_balance",
        transactions="/v2/mm/get_transactions",
        register="/mm/pusher",
    ),
)
DIALECTS: Final = {dialect.name: dialect for dialect in (V4, LEGACY)}
