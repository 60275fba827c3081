"""The user channel: our orders as they change, and our trades from the match to the chain.

Orders and trades of one fill come in any order and several times. A trade is taken by its id and status,
and never goes back from where it ended.
"""

from __future__ import annotations

import enum
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.events import AnyEvent, FillConfirmed, FillReversed, OrderFilled
from console.core.fees import FeeModel, fee_of_fill
from console.core.instruments import Action, ClientOrderId, Instrument, TradeId, Venue, VenueOrderId
from console.core.units import ONE, Cash, Price, Size, cost_of, proceeds_of
from console.venues.polymarket.wire import ParseError, amount

TRADES_REMEMBERED: Final = 20_000
ROUNDING: Final = 10_000  # a fill may be a hundredth of a share off what was ordered


class OrderMessage(Struct, frozen=True, tag="order", tag_field="event_type"):
    """An order was placed, filled or ended; in the last case much of it may be empty."""

    id: str
    type: str
    status: str
    market: str
    asset_id: str
    side: str
    original_size: str
    price: str
    size_matched: str | None = None
    associate_trades: tuple[str, ...] | None = None
    order_type: str = ""


class MakerOrder(Struct, frozen=True):
    """The part of a trade that one resting order had; old ones do not say their side."""

    order_id: str
    owner: str
    matched_amount: str
    price: str
    asset_id: str
    side: str = ""


class TradeRecord(Struct, frozen=True):
    """A trade as it stands, of ``GET /data/trades``; at the top it is the taker's."""

    id: str
    status: str
    taker_order_id: str
    market: str
    asset_id: str
    side: str
    size: str
    price: str
    owner: str
    maker_orders: tuple[MakerOrder, ...] = ()


class TradeMessage(TradeRecord, frozen=True, tag="trade", tag_field="event_type"):
    """The same from the stream."""


UserMessage = OrderMessage | TradeMessage

_ONE_MESSAGE: Final[msgspec.json.Decoder[UserMessage]] = msgspec.json.Decoder(UserMessage)
_KIND: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Lives(enum.Enum):
    """What the status of an order says of it."""

    RESTS = "rests"
    HELD = "held"  # a marketable order waits out the delay of a sports market
    ENDED = "ended"
    UNSURE = "unsure"


class Trades(enum.Enum):
    """What the status of a trade says of it."""

    OPEN = "open"  # matched, mined or tried again: it may still fail
    FINAL = "final"
    FAILED = "failed"


def parse_user_frame(frame: str | bytes) -> list[UserMessage]:
    """The messages of one frame; plain words are none. Raises ParseError for one of ours it cannot read."""
    text = frame if isinstance(frame, bytes) else frame.encode()
    if text[:1] == b"{":
        parts: tuple[bytes, ...] = (text,)
    elif text[:1] == b"[":
        try:
            parts = tuple(bytes(raw) for raw in msgspec.json.decode(text, type=tuple[msgspec.Raw, ...]))
        except UNREADABLE as error:
            raise ParseError("user frame", "", str(error)) from error
    else:
        return []
    return [found for part in parts if (found := _message(part)) is not None]


def _message(text: bytes) -> UserMessage | None:
    try:
        return _ONE_MESSAGE.decode(text)
    except UNREADABLE as error:
        try:
            kind = msgspec.json.decode(_KIND.decode(text).get("event_type", b'""'), type=str)
        except UNREADABLE:
            raise ParseError("user message", "", str(error)) from error
        if kind in ("order", "trade", ""):
            raise ParseError(f"{kind or 'user'} message", "", str(error)) from error
        return None


def life(status: str) -> Lives:
    """Read an order status: ``CANCELED`` comes with all kinds of tails, REST puts a prefix before it."""
    bare = status.removeprefix("ORDER_STATUS_")
    if bare == "LIVE":
        return Lives.RESTS
    if bare == "DELAYED":
        return Lives.HELD
    if bare in ("MATCHED", "INVALID") or bare.startswith("CANCELED"):
        return Lives.ENDED
    return Lives.UNSURE


def stage(status: str) -> Trades:
    """Read a trade status; raises ParseError for one we do not know: it may mean anything."""
    bare = status.removeprefix("TRADE_STATUS_")
    if bare in ("MATCHED", "MATCHED_NOT_BROADCASTED", "MINED", "RETRYING"):
        return Trades.OPEN
    if bare == "CONFIRMED":
        return Trades.FINAL
    if bare == "FAILED":
        return Trades.FAILED
    raise ParseError("trade", "", f"status {status!r} is none we know")


class Leg(Struct, frozen=True):
    """A token as the engine knows it, and what its taker pays."""

    instrument: Instrument
    fees: FeeModel


Resolve = Callable[[str], Leg | None]  # by token id
Name = Callable[[str], ClientOrderId]  # our id of an order by its digest, empty if unknown


def fills_of(
    trade: TradeRecord, owner: str, leg: Resolve, name: Name, *, provisional: bool
) -> list[OrderFilled]:
    """Our part of a trade: what our resting orders gave, or what our order took.

    Nothing for tokens that are on no market of ours: what is traded by hand elsewhere is not for the
    engine. Raises ParseError for numbers it cannot read.
    """
    found: list[OrderFilled] = []
    try:
        makers = [order for order in trade.maker_orders if order.owner == owner]
        for order in makers:
            known = leg(order.asset_id)
            if known is not None:
                found.append(_made(trade, order, known, name, provisional))
        taken = leg(trade.asset_id) if not makers and trade.owner == owner else None
        if taken is not None:
            found.append(_taken(trade, taken, name, provisional))
    except ValueError as error:
        raise ParseError("trade", trade.id, str(error)) from error
    return found


def _made(trade: TradeRecord, order: MakerOrder, known: Leg, name: Name, provisional: bool) -> OrderFilled:
    price, size = amount(order.price), amount(order.matched_amount)
    side = order.side or _opposing(trade, order)
    action = Action.BUY if side == "BUY" else Action.SELL
    return OrderFilled(
        venue_order_id=VenueOrderId(order.order_id),
        trade_id=TradeId(f"{trade.id}/{order.order_id[2:12]}"),
        instrument=known.instrument,
        action=action,
        price=Price(price),
        size=Size(size),
        cost=cost_of(price, size) if action is Action.BUY else proceeds_of(price, size),
        fee=fee_of_fill(known.fees, price, size, maker=True),
        maker=True,
        order_id=name(order.order_id),
        provisional=provisional,
    )


def _opposing(trade: TradeRecord, order: MakerOrder) -> str:
    """The side of a maker who does not say it: a sale meets a purchase, on the other token its like."""
    if order.asset_id != trade.asset_id:
        return trade.side
    return "SELL" if trade.side == "BUY" else "BUY"


def _taken(trade: TradeRecord, known: Leg, name: Name, provisional: bool) -> OrderFilled:
    """Our order took: each maker was met at its own price, on the other token at its complement."""
    size = amount(trade.size)
    action = Action.BUY if trade.side == "BUY" else Action.SELL
    parts = [
        (amount(m.price) if m.asset_id == trade.asset_id else ONE - amount(m.price), amount(m.matched_amount))
        for m in trade.maker_orders
    ]
    if sum(part for _, part in parts) != size:
        parts = [(amount(trade.price), size)]
    paid = cost_of if action is Action.BUY else proceeds_of
    cost = sum(paid(price, part) for price, part in parts)
    return OrderFilled(
        venue_order_id=VenueOrderId(trade.taker_order_id),
        trade_id=TradeId(trade.id),
        instrument=known.instrument,
        action=action,
        price=Price(cost * ONE // size),
        size=Size(size),
        cost=Cash(cost),
        fee=Cash(sum(fee_of_fill(known.fees, price, part, maker=False) for price, part in parts)),
        maker=False,
        order_id=name(trade.taker_order_id),
        provisional=provisional,
    )


class TradeLog:
    """What became of every trade of ours, as far as this process was told. Bounded: the oldest go."""

    def __init__(self, owner: str, leg: Resolve, name: Name) -> None:
        """`owner` is our API key, by which our part of a trade is told from others'."""
        self.owner = owner
        self._leg = leg
        self._name = name
        self._stages: OrderedDict[str, Trades] = OrderedDict()
        self._matched: OrderedDict[str, int] = OrderedDict()
        self.unmined: dict[str, tuple[OrderFilled, ...]] = {}  # matched, but not on chain yet
        self.moves: Counter[Instrument] = Counter()  # how often a trade of a leg was told or mined

    def take(self, trade: TradeRecord) -> list[AnyEvent]:
        """What a trade says that was not said before. Raises ParseError and then remembers nothing."""
        now, before = stage(trade.status), self._stages.get(trade.id)
        if before in (Trades.FINAL, Trades.FAILED):
            return []
        if now is not Trades.OPEN or is_mined(trade.status):
            self._move(self.unmined.pop(trade.id, ()))
        if before is now:
            return []
        fills = fills_of(trade, self.owner, self._leg, self._name, provisional=now is Trades.OPEN)
        if not fills:
            return []  # not remembered: its market may become one of ours
        self._remember(trade, now, fills, first=before is None)
        if now is Trades.OPEN:
            return list(fills)
        if now is Trades.FINAL:
            told: list[AnyEvent] = list(fills) if before is None else []
            # Also where its match was told by an earlier process.
            return told + [FillConfirmed(venue=Venue.POLYMARKET, trade_id=fill.trade_id) for fill in fills]
        why = "the settlement failed on chain"
        return [FillReversed(venue=Venue.POLYMARKET, trade_id=fill.trade_id, why=why) for fill in fills]

    def matched(self, digest: str) -> int:
        """Contracts of an order that were matched as far as we were told, whatever became of them."""
        return self._matched.get(digest, 0)

    def knows(self, trade_id: str) -> bool:
        """Whether a trade was told."""
        return trade_id in self._stages

    def _move(self, fills: Iterable[OrderFilled]) -> None:
        self.moves.update(fill.instrument for fill in fills)

    def _remember(self, trade: TradeRecord, now: Trades, fills: list[OrderFilled], *, first: bool) -> None:
        self._stages[trade.id] = now
        self._move(fills)
        if now is Trades.OPEN and not is_mined(trade.status):
            self.unmined[trade.id] = tuple(fills)
        if first:
            for fill in fills:
                digest = fill.venue_order_id
                self._matched[digest] = self._matched.get(digest, 0) + fill.size
        for kept in (self._stages, self._matched):
            while len(kept) > TRADES_REMEMBERED:
                kept.popitem(last=False)


def is_mined(status: str) -> bool:
    """Whether the chain has it: then it is in the balances."""
    return status.removeprefix("TRADE_STATUS_") in ("MINED", "CONFIRMED")


def own_tokens(trade: TradeRecord, owner: str) -> set[str]:
    """The tokens of which a trade changes what we hold."""
    made = {order.asset_id for order in trade.maker_orders if order.owner == owner}
    return made | {trade.asset_id} if trade.owner == owner else made


def user_subscription(key: str, secret: str, passphrase: str) -> str:
    """The first message of a user connection: all markets."""
    auth = {"apiKey": key, "secret": secret, "passphrase": passphrase}
    return msgspec.json.encode({"auth": auth, "type": "user", "markets": []}).decode()
