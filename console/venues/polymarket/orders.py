"""Placing and cancelling: the requests to the byte, and what each answer proves.

Three things an answer can prove of an order: it is in, it is certainly not, or neither. Only the first
two end anything; whatever cannot be read, and every 5xx that is not a known sentence, proves nothing.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.events import RejectReason
from console.core.instruments import ClientOrderId
from console.core.units import Nanos
from console.venues.polymarket.signing import Signed, Unsigned, Wallet
from console.venues.polymarket.wire import ParseError, amount, read

BATCH_MAX: Final = 15
CANCELS_MAX: Final = 60  # ids in one request: below the burst of the smallest tier, which a batch must fit
_SALT_BITS: Final = 53  # JSON numbers of others are exact up to there


class OrderType(enum.Enum):
    """How long an order lives."""

    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"


def salt_of(order_id: ClientOrderId) -> int:
    """The salt of an order, from its client order id: whoever knows what was asked can find its digest."""
    digest = hashlib.sha256(order_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _SALT_BITS)


def post_body(
    wallet: Wallet,
    order: Unsigned,
    signed: Signed,
    *,
    owner: str,
    order_type: str,
    expiration_s: int = 0,
    post_only: bool = True,
) -> str:
    """One order as ``POST /order`` takes it, and ``POST /orders`` in an array; compact, as it is signed."""
    return (
        f'{{"order":{{"salt":{order.salt},"maker":"{wallet.maker}","signer":"{wallet.signer}",'
        f'"tokenId":"{order.token}","makerAmount":"{order.maker_amount}",'
        f'"takerAmount":"{order.taker_amount}","side":"{order.side.name}","expiration":"{expiration_s}",'
        f'"signatureType":{wallet.kind.value},"timestamp":"{order.timestamp_ms}",'
        f'"metadata":"0x{order.metadata.hex()}","builder":"0x{order.builder.hex()}",'
        f'"signature":"{signed.signature}"}},"owner":"{owner}","orderType":"{order_type}",'
        f'"deferExec":false,"postOnly":{"true" if post_only else "false"}}}'
    )


def batch_body(bodies: Sequence[str]) -> bytes:
    """Up to 15 orders in one request."""
    assert 0 < len(bodies) <= BATCH_MAX, f"{len(bodies)} orders in a batch"
    return f"[{','.join(bodies)}]".encode()


def cancel_body(digests: Sequence[str]) -> bytes:
    """``DELETE /orders``: a bare array of ids."""
    return msgspec.json.encode(list(digests))


# ---- what became of a place


class Placed(Struct, frozen=True):
    """The venue has the order. `matched` is what traded at once; `resting` tells whether the rest rests."""

    digest: str
    status: str
    making: int
    taking: int
    trades: tuple[str, ...]


class NotPlaced(Struct, frozen=True):
    """The order was certainly not taken."""

    reason: RejectReason
    text: str


class Doubtful(Struct, frozen=True):
    """The answer proves nothing: look the order up."""

    text: str


Outcome = Placed | NotPlaced | Doubtful


class PlaceReply(Struct, frozen=True, rename="camel"):
    """One entry of an answer to placing."""

    success: bool
    order_id: str | None = msgspec.field(name="orderID")
    error_msg: str | None = None
    status: str | None = None
    making_amount: str | None = None
    taking_amount: str | None = None
    trade_ids: tuple[str, ...] | None = msgspec.field(name="tradeIDs", default=None)


class ErrorReply(Struct, frozen=True):
    """An error body."""

    error: str = ""
    error_msg: str = msgspec.field(name="errorMsg", default="")
    code: str = ""
    retry_after_seconds: float | None = None


_IN: Final = frozenset({"live", "matched", "delayed"})
_REASONS: Final = (  # by substring, as the wire spells it
    ("not enough balance / allowance", RejectReason.BALANCE),
    ("order crosses book", RejectReason.POST_ONLY_CROSS),
    ("breaks minimum tick size rule", RejectReason.PRICE),
    ("lower than the minimum", RejectReason.SIZE),
    ("min size: $", RejectReason.SIZE),
    ("invalid amounts", RejectReason.SIZE),
    ("fully filled or killed", RejectReason.OTHER),
    ("no orders found to match", RejectReason.OTHER),
    ("not yet ready to process new orders", RejectReason.MARKET),
    ("No orderbook exists", RejectReason.MARKET),
    ("market not found", RejectReason.MARKET),
    ("cancel-only", RejectReason.MARKET),
    ("Trading is currently disabled", RejectReason.MARKET),
    ("post-only mode", RejectReason.MARKET),
)
_ALREADY_THERE: Final = "Duplicated"
_UNSURE_4XX: Final = (408, 499)  # somebody on the way gave up waiting: the request may have arrived
_REFUSING_5XX: Final = ("cancel-only", "Trading is currently disabled", "post-only mode")


def parse_place(status: int, body: bytes, digest: str) -> Outcome:
    """What the answer to ``POST /order`` proves of the order `digest`."""
    if status == 200:
        try:
            return _outcome(read(body, PlaceReply, "answer to an order"), digest)
        except ParseError as error:
            return Doubtful(str(error))
    return parse_refusal(status, body)


def parse_batch(status: int, body: bytes, digests: Sequence[str]) -> list[Outcome]:
    """What the answer to ``POST /orders`` proves of each order, in the order they were sent."""
    if status != 200:
        return [parse_refusal(status, body)] * len(digests)
    try:
        entries = read(body, tuple[msgspec.Raw, ...], "answer to a batch")
    except ParseError as error:
        return [Doubtful(str(error))] * len(digests)
    if len(entries) != len(digests):
        return [Doubtful(f"{len(entries)} answers to {len(digests)} orders")] * len(digests)
    return [parse_place(200, bytes(entry), digest) for entry, digest in zip(entries, digests, strict=True)]


def _outcome(reply: PlaceReply, digest: str) -> Outcome:
    error, status = reply.error_msg or "", reply.status or ""
    if not reply.order_id or error or not reply.success:
        return refusal(error or "refused without a word") if not reply.order_id or error else Doubtful(status)
    if reply.order_id.lower() != digest.lower():
        return Doubtful(f"answered for order {reply.order_id}, not for {digest}")
    if status not in _IN:
        return Doubtful(f"status {status!r}")
    try:
        making, taking = amount(reply.making_amount or "0"), amount(reply.taking_amount or "0")
    except ValueError as wrong:
        return Doubtful(str(wrong))
    return Placed(digest, status, making, taking, reply.trade_ids or ())


def refusal(text: str) -> Outcome:
    """What an error text says; one that says the order is there already proves nothing of our request."""
    if _ALREADY_THERE in text:
        return Doubtful(text)
    return NotPlaced(next((reason for words, reason in _REASONS if words in text), RejectReason.OTHER), text)


def parse_refusal(status: int, body: bytes) -> Outcome:
    """What an error answer proves: 4xx are refusals, 5xx only where their sentence says so."""
    text = error_text(body) or f"HTTP status {status}"
    if status == 425:
        return NotPlaced(RejectReason.NOT_CONNECTED, "the matching engine restarts")
    if status == 429:
        return NotPlaced(RejectReason.RATE_LIMITED, text)
    if status in _UNSURE_4XX:
        return Doubtful(text)
    if 400 <= status < 500:
        return refusal(text)
    if status == 503 and any(words in text for words in _REFUSING_5XX):
        return refusal(text)
    return Doubtful(text)


def error_text(body: bytes) -> str:
    """The sentence of an error body, empty when there is none."""
    try:
        reply = msgspec.json.decode(body, type=ErrorReply)
    except UNREADABLE:
        return ""
    return reply.error or reply.error_msg


def pause_s(status: int, body: bytes, headers: Mapping[str, str]) -> float | None:
    """How long a refusal asks us to wait, in seconds; None when it does not say."""
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        if told is not None:
            return max(0.0, float(told))
        return msgspec.json.decode(body, type=ErrorReply).retry_after_seconds if status >= 400 else None
    except (ValueError, *UNREADABLE):
        return None


# ---- what became of a cancel


class Cancels(Struct, frozen=True):
    """Ids proven out, and those that were not there to be cancelled, with the venue's words."""

    canceled: tuple[str, ...]
    not_canceled: dict[str, str] = {}


def parse_cancels(body: bytes) -> Cancels:
    """Read the answer to any of the cancelling requests; raises ParseError."""
    return read(body, Cancels, "answer to a cancel")


def cancel_refusal(text: str) -> RejectReason:
    """Why an id was not cancelled: gone already, or held (a delayed order cannot be)."""
    gone = ("already canceled or matched", "not found")
    return RejectReason.NOT_FOUND if any(words in text.lower() for words in gone) else RejectReason.OTHER


class Heartbeat(Struct, frozen=True):
    """``POST /v1/heartbeats``: the id to send next time, also when the one sent was wrong."""

    heartbeat_id: str


def parse_heartbeat(body: bytes) -> str:
    """The id of the next heartbeat; raises ParseError."""
    return read(body, Heartbeat, "answer to a heartbeat").heartbeat_id


def heartbeat_body(last: str) -> bytes:
    """The first has an empty id."""
    return msgspec.json.encode({"heartbeat_id": last})


def timestamp_ms(wall: Nanos, fallback_ms: int) -> int:
    """The stamp of an order: when it was decided, so that its digest can be found again."""
    return wall // 1_000_000 if wall else fallback_ms
