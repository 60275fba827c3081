"""What the push channels say: a frame is decoded three times, and `change_type` tells what is inside.

Event names say little: on the shared channel one name carries every kind of message of a tournament.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.venues.prophetx.dialects import Dialect
from console.venues.prophetx.neutral import (
    BetMessage,
    BetUpdate,
    EventUpdate,
    MarketUpdate,
    Match,
    MatchUpdate,
    SelectionsUpdate,
    SportEvent,
    Unreadable,
)
from console.venues.prophetx.pusher import Frame, inner

DELETED: Final = "d"


class Envelope(Struct, frozen=True):
    """The second layer."""

    change_type: str
    payload: str
    op: str = "u"


class EventChanged(Struct, frozen=True):
    """A fixture was created, changed or (`event` None) taken down."""

    event_id: int
    event: SportEvent | None


class Health(Struct, frozen=True):
    """The private channel lives: every five seconds."""


News = SelectionsUpdate | MarketUpdate | EventChanged | BetUpdate | Match | Health


def parse(dialect: Dialect, frame: Frame) -> News | None:
    """What a frame of a channel says; None for what nobody needs. Raises Unreadable."""
    try:
        envelope = msgspec.json.decode(inner(frame), type=Envelope)
    except UNREADABLE as error:
        raise Unreadable(f"{frame.event}: {error}") from error
    match envelope.change_type:
        case "market_selections":
            return _read(dialect, envelope, SelectionsUpdate)
        case "wager" | "order":
            return _read(dialect, envelope, BetMessage).info
        case "matched_bet" | "matched_order":
            return _read(dialect, envelope, MatchUpdate).info
        case "market":
            return _read(dialect, envelope, MarketUpdate)
        case "sport_event":
            return _event(dialect, envelope)
        case "private_system_signal":
            return Health()
        case _:
            return None


T = TypeVar("T")


def _payload(envelope: Envelope) -> bytes:
    try:
        return base64.b64decode(envelope.payload, validate=True)
    except binascii.Error as error:
        raise Unreadable(f"{envelope.change_type}: payload is not base64") from error


def _read(dialect: Dialect, envelope: Envelope, kind: type[T]) -> T:
    try:
        return dialect.read(_payload(envelope), kind)
    except Unreadable as error:
        raise Unreadable(f"{envelope.change_type}: {error}") from error


def _event(dialect: Dialect, envelope: Envelope) -> EventChanged:
    told = _read(dialect, envelope, EventUpdate)
    event_id = int(told.id) if str(told.id).isdecimal() else 0
    if not event_id:
        raise Unreadable(f"sport_event: id {told.id!r}")
    if envelope.op == DELETED or not told.info or told.info.get("event_id") == 0:
        return EventChanged(event_id, None)
    return EventChanged(event_id, dialect.convert(told.info, SportEvent))
