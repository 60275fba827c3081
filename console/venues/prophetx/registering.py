"""Where the push service is, and how each dialect registers what a socket wants to hear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from console.core.events import RejectReason
from console.venues.base.lane import Reply
from console.venues.base.protocol import Refused
from console.venues.prophetx.dialects import Dialect, failure
from console.venues.prophetx.neutral import ConnectionConfig, Envelope, Registration, Unreadable
from console.venues.prophetx.session import Session

PRIVATE: Final = "-user="  # in the name of the channel that tells of our own orders
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


async def read_config(session: Session, dialect: Dialect) -> ConnectionConfig:
    """The address of the push service; raises Refused, Unanswered and Unreadable."""
    reply = await session.send("GET", dialect.paths.connection)
    _must(reply)
    return dialect.read(reply.body, ConnectionConfig)


def register_request(
    dialect: Dialect, socket_id: str, events: Iterable[int], tournaments: Iterable[int]
) -> tuple[bytes, Mapping[str, str]]:
    """Body and extra headers. The set is declarative: it replaces the one before. Ids are strings."""
    wanted: list[dict[str, object]] = [{"type": "tournament", "ids": [str(one) for one in tournaments]}]
    if not dialect.lists_signin:
        said = msgspec.json.encode(wanted).decode()
        return urlencode({"socket_id": socket_id}).encode(), {**FORM, "header-subscriptions": said}
    named = [str(event) for event in events]
    if named:
        wanted.append({"type": "event", "ids": named})
    fields = {"socket_id": socket_id, "service": "pusher", "subscriptions": wanted}
    return msgspec.json.encode(fields), {}


async def register(
    session: Session, dialect: Dialect, socket_id: str, events: Iterable[int], tournaments: Iterable[int]
) -> Registration:
    """What the socket may join now; raises Refused, Unanswered and Unreadable."""
    body, headers = register_request(dialect, socket_id, events, tournaments)
    reply = await session.send("POST", dialect.paths.register, body, **headers)
    _must(reply)
    return dialect.read(reply.body, Envelope[Registration]).data


def _must(reply: Reply) -> None:
    if reply.status != 200:
        said = failure(reply.body)
        raise Refused(RejectReason.OTHER, f"HTTP {reply.status} {said.message or said.error}")


def check_channels(told: Registration) -> None:
    """A registration that lets us into nothing of our own is of no use; raises Unreadable."""
    if not any(PRIVATE in channel.channel_name for channel in told.authorized_channel):
        raise Unreadable("no private channel is authorized")
