"""Orders on their way out and what is said of them: bodies, answers, and what each refusal means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from console.core.american import stake_within, winnings
from console.core.commands import CancelOrder, PlaceOrder, TimeInForce
from console.core.events import RejectReason
from console.core.instruments import Action, ClientOrderId, Side, VenueOrderId
from console.core.ladders import american_of_price
from console.core.units import CENT, ONE
from console.venues.base.lane import Reply
from console.venues.base.protocol import Refused
from console.venues.prophetx.catalogue import side_of
from console.venues.prophetx.dialects import Dialect, dollars, failure
from console.venues.prophetx.neutral import Bet, Cancelled, Envelope, Failure, Placed, PlacedBatch, Unreadable

BATCH_MAX: Final = 20
STAKE_MAX: Final = 100_000_000 * ONE
ADD_ONLY: Final = "ALO"
FILL_OR_KILL: Final = "fillOrKill"  # cancelled by the venue when it is not matched within two seconds

_REASONS: Final[Mapping[str, RejectReason]] = {
    "invalid_price": RejectReason.PRICE,
    "wager_invalid_odds": RejectReason.PRICE,
    "invalid_quantity": RejectReason.SIZE,
    "invalid_stake": RejectReason.SIZE,
    "order_quantity_exceeds_max": RejectReason.SIZE,
    "wager_stake_exceeds_max": RejectReason.SIZE,
    "order_invalid_profit": RejectReason.SIZE,
    "insufficient_amount": RejectReason.BALANCE,
    "event_not_available": RejectReason.MARKET,
    "sport_event_is_not_booked": RejectReason.MARKET,
    "sport_event_not_found": RejectReason.MARKET,
    "supplemental_market_pre_match_only": RejectReason.MARKET,
    "invalid_strike_id": RejectReason.MARKET,
    "strike_id_invalid": RejectReason.MARKET,
    "invalid_line_id": RejectReason.MARKET,
    "market_invalid_event": RejectReason.MARKET,
    "rate_limit_reached": RejectReason.RATE_LIMITED,
    "too_many_delayed_requests": RejectReason.RATE_LIMITED,
}
USED_BEFORE: Final = frozenset(
    {"order_external_id_existed", "wager_external_id_existed", "order_ref_id_existed"}
)
GONE: Final = frozenset(
    {
        "order_already_cancelled",
        "wager_already_cancelled",
        "order_already_filled",
        "wager_already_matched",
        "order_is_invalid",
        "no_cancellable_orders",
        "data_not_found",
    }
)
IN_A_MOMENT: Final = frozenset({"order_opened_retry", "opened_retry"})  # locked: again after 300 ms
PLACING: Final = frozenset({"order_is_placing", "wager_is_placing"})  # live events: for about five seconds
NO_ADD_ONLY: Final = "err_add_liquidity_only_disabled"
NOTHING_OPEN: Final = "no_cancellable_orders"


# ---- out


class Bid(Struct, frozen=True):
    """An order as it will leave."""

    external_id: ClientOrderId
    side_id: str
    odds: int
    stake: int  # whole cents, in millionths
    strategy: str

    def fields(self) -> dict[str, object]:
        """In neutral words; a normal order has no strategy, not an empty one."""
        fields: dict[str, object] = {
            "external_id": self.external_id,
            "side_id": self.side_id,
            "odds": self.odds,
            "stake": dollars(self.stake),
        }
        return {**fields, "strategy": self.strategy} if self.strategy else fields


def bid_of(command: PlaceOrder, adds_only: bool) -> Bid:
    """A place as a bet; raises Refused for what cannot be one. `adds_only`: the venue knows the word."""
    side = side_of(command.instrument)
    if side is None or command.instrument.side is not Side.YES:
        raise Refused(RejectReason.MARKET, "no such side of a line")
    if command.action is not Action.BUY:
        raise Refused(RejectReason.OTHER, "bets cannot be sold: bet on the other side")
    odds = american_of_price(command.price)
    stake = command.stake or stake_within(command.size, odds)  # never a cent more than the limits allowed
    if stake % CENT:
        raise Refused(RejectReason.SIZE, "stakes are whole cents")
    if stake < CENT or winnings(stake, odds) < CENT:
        raise Refused(RejectReason.SIZE, "stake and winnings are at least a cent each")
    if stake > STAKE_MAX:
        raise Refused(RejectReason.SIZE, "more than a hundred million dollars")
    strategy = ""
    if command.time_in_force is TimeInForce.IOC:
        strategy = FILL_OR_KILL
    elif command.post_only and adds_only:
        strategy = ADD_ONLY
    return Bid(command.order_id, side.side_id, odds, stake, strategy)


def place_body(dialect: Dialect, bids: Sequence[Bid]) -> tuple[str, bytes]:
    """Path and body of one order or a batch of at most twenty."""
    if len(bids) == 1:
        return dialect.paths.place, dialect.write(bids[0].fields())
    assert len(bids) <= BATCH_MAX, f"{len(bids)} orders in a batch of {BATCH_MAX}"
    return dialect.paths.place_many, dialect.write_many([bid.fields() for bid in bids])


def cancel_body(dialect: Dialect, cancels: Sequence[tuple[CancelOrder, VenueOrderId]]) -> tuple[str, bytes]:
    """Path and body of one cancel or a batch; both ids must belong together."""
    entries: list[dict[str, object]] = [
        {"external_id": command.order_id, "order_id": venue_id} for command, venue_id in cancels
    ]
    if len(entries) == 1:
        return dialect.paths.cancel, dialect.write(entries[0])
    assert len(entries) <= BATCH_MAX, f"{len(entries)} cancels in a batch of {BATCH_MAX}"
    return dialect.paths.cancel_many, dialect.write_many(entries)


def cancel_event_body(dialect: Dialect, event: int) -> tuple[str, bytes]:
    """Path and body of a cancel of everything on one event."""
    return dialect.paths.cancel_event, dialect.write({"event_id": event})


def cancel_market_body(dialect: Dialect, event: int, market: int, side_id: str = "") -> tuple[str, bytes]:
    """Path and body of a cancel of everything on one market, or on one side of a line of it."""
    fields: dict[str, object] = {"event_id": event, "market_id": market}
    return dialect.paths.cancel_market, dialect.write({**fields, "side_id": side_id} if side_id else fields)


# ---- in


class Outcome(Struct, frozen=True):
    """What became of one request: an order as told, a certain refusal, or (neither) nobody knows."""

    order: Bet | None = None
    refused: Failure | None = None
    reason: RejectReason = RejectReason.OTHER


def placed(dialect: Dialect, bids: Sequence[Bid], reply: Reply) -> dict[ClientOrderId, Outcome]:
    """The outcome of every order of a request; raises Unreadable, then all are unknown."""
    if reply.status != 200:
        outcome = refusal(reply.status, failure(reply.body))
        return dict.fromkeys((bid.external_id for bid in bids), outcome)
    if len(bids) == 1:
        return {bids[0].external_id: Outcome(dialect.read(reply.body, Envelope[Placed]).data.order)}
    told = dialect.read(reply.body, Envelope[PlacedBatch]).data
    outcomes: dict[ClientOrderId, Outcome] = {bid.external_id: Outcome() for bid in bids}
    for order in told.succeeded or ():
        if order.external_id in outcomes:
            outcomes[ClientOrderId(order.external_id)] = Outcome(order)
    for failed in told.failed or ():
        ours = failed.request.get("external_id")
        if ours is None and failed.index is not None and 0 <= failed.index < len(bids):
            ours = bids[failed.index].external_id
        if isinstance(ours, str) and ours in outcomes:
            said = Failure(failed.error, failed.message)
            outcomes[ClientOrderId(ours)] = refusal(400, said)
    return outcomes


def refusal(status: int, said: Failure) -> Outcome:
    """What a refusal of a place means. An id used before is no refusal: its first use did arrive.

    A server's error proves nothing either way.
    """
    if said.error in USED_BEFORE or status >= 500 or status == 408:
        return Outcome()
    reason = _REASONS.get(said.error, RejectReason.OTHER)
    if status == 429:
        reason = RejectReason.RATE_LIMITED
    return Outcome(refused=said, reason=reason)


class CancelOutcome(Struct, frozen=True):
    """What became of one cancel: done, gone before (NOT_FOUND), not now (OTHER), or unknown."""

    done: bool = False
    reason: RejectReason | None = None
    again: bool = False
    text: str = ""


UNKNOWN_CANCEL: Final = CancelOutcome()


def cancelled(
    dialect: Dialect, order_ids: Sequence[ClientOrderId], reply: Reply
) -> dict[ClientOrderId, CancelOutcome]:
    """The outcome of every cancel of a request; raises Unreadable, then all are unknown."""
    if reply.status != 200:
        return dict.fromkeys(order_ids, _cancel_outcome(reply.status, failure(reply.body)))
    if len(order_ids) == 1:
        return {order_ids[0]: CancelOutcome(done=True) if _succeeded(dialect, reply) else UNKNOWN_CANCEL}
    outcomes = dict.fromkeys(order_ids, UNKNOWN_CANCEL)
    for entry in dialect.read(reply.body, Envelope[tuple[Cancelled, ...]]).data:
        ours = entry.order.external_id
        if ours in outcomes:
            if not entry.success and entry.error is None:
                raise Unreadable(f"cancel of {ours} failed without `error`")
            outcomes[ClientOrderId(ours)] = _cancel_outcome(200 if entry.success else 400, entry.error)
    return outcomes


def _cancel_outcome(status: int, said: Failure | None) -> CancelOutcome:
    if said is None:
        return CancelOutcome(done=True)
    if said.error in GONE or status == 404:
        return CancelOutcome(reason=RejectReason.NOT_FOUND, text=said.error)
    if said.error in IN_A_MOMENT:
        return CancelOutcome(reason=RejectReason.OTHER, again=True, text=said.error)
    if said.error in PLACING:
        return CancelOutcome(reason=RejectReason.OTHER, text="still being placed")
    if status == 429:
        return CancelOutcome(reason=RejectReason.RATE_LIMITED, text=said.error)
    if status >= 500 or status == 408:
        return UNKNOWN_CANCEL
    return CancelOutcome(reason=RejectReason.OTHER, text=said.message or said.error)


def _succeeded(dialect: Dialect, reply: Reply) -> bool:
    """Whether a plain answer says success, which an older server spells with a capital."""
    said = dialect.read(reply.body, Envelope[dict[str, object]]).data
    return any(key.lower() == "success" and value is True for key, value in said.items())


def swept(dialect: Dialect, reply: Reply) -> bool:
    """Whether a cancel of everything was taken: having nothing to cancel is success."""
    return (reply.status == 200 and _succeeded(dialect, reply)) or (
        reply.status == 404 and failure(reply.body).error == NOTHING_OPEN
    )
