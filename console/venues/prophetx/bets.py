"""Every bet of ours as far as it is known, and what each piece of news about one means to the core.

News comes twice, late and out of order: answers, private messages, lists. A bet only ever moves one way: more
of it is matched, less is open, its status goes forward. So the furthest of all that was said is what stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from console.core.american import contracts_of, stake_of
from console.core.events import (
    AnyEvent,
    MarketStatus,
    OpenOrder,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
)
from console.core.instruments import (
    Action,
    ClientOrderId,
    Instrument,
    MarketState,
    TradeId,
    VenueOrderId,
)
from console.core.ladders import price_of_american
from console.core.units import CENT, ONE, Cash, Price, Size
from console.venues.prophetx.books import cash
from console.venues.prophetx.catalogue import Side
from console.venues.prophetx.neutral import Bet, BetUpdate, Matching, Status, Unreadable, Winning

_RANK: Final = {
    Status.INACTIVE: 0,
    Status.OPEN: 1,
    Status.INVALID: 2,
    Status.CANCELED: 2,
    Status.WIPED: 2,
    Status.SETTLED: 3,
    Status.MANUALLY_SETTLED: 4,
    Status.CLOSED: 4,
    Status.VOID: 4,
}
_NEVER_MATCHED: Final = frozenset({Status.INVALID, Status.CANCELED, Status.WIPED})
_FINAL: Final = frozenset({Status.SETTLED, Status.MANUALLY_SETTLED, Status.CLOSED, Status.VOID})
_WON: Final = frozenset({Winning.WON, Winning.PROFIT, Winning.MANUALLY_WON})
_LOST: Final = frozenset({Winning.LOST, Winning.LOSS, Winning.MANUALLY_LOST})
FORGET_S: Final = 900.0  # after its end, a bet of which nothing was matched


class News(Struct, frozen=True):
    """What one message says of a bet; amounts in millionths of a dollar."""

    key: str
    external_id: str
    side: Side
    odds: int
    stake: int
    filled: int
    open: int
    matching: Matching
    winning: Winning
    status: Status
    fill_odds: int = 0  # of the latest fill, 0 when not told


def news_of(bet: Bet | BetUpdate) -> News:
    """A bet of an answer, a list or a message; raises Unreadable."""
    key = bet.order_id or bet.id
    if not key:
        raise Unreadable("an order without `order_id`")
    if abs(bet.odds) < 100:
        raise Unreadable(f"order {key} at odds of {bet.odds}")
    update = isinstance(bet, BetUpdate)
    return News(
        key=key,
        external_id=bet.external_id or "",
        side=Side(bet.sport_event_id, bet.market_id, bet.side_id),
        odds=bet.odds,
        stake=cash(bet.stake),
        filled=cash(bet.total_filled if isinstance(bet, BetUpdate) else bet.filled),
        open=cash(bet.open),
        matching=bet.matching_status,
        winning=bet.winning_status,
        status=bet.status,
        fill_odds=(bet.fill_odds or 0) if update and isinstance(bet, BetUpdate) else 0,
    )


class Record:
    """One bet. `told` of `filled` has been passed on as fills, which came to `held` contracts.

    Of a bet that this process did not place only what happens after it was first seen is news; of one of an
    earlier run (`adopted` False) nothing is, before the engine says what it has booked.
    """

    __slots__ = (
        "accepted",
        "adopted",
        "cancelled_s",
        "ended",
        "external_id",
        "filled",
        "held",
        "key",
        "odds",
        "open",
        "placed_s",
        "seen_s",
        "side",
        "stake",
        "status",
        "told",
        "winning",
    )

    def __init__(self, side: Side, odds: int, stake: int, external_id: str, seen_s: float) -> None:
        self.key = ""
        self.external_id = external_id
        self.side = side
        self.odds = odds
        self.stake = stake  # as placed
        self.open = stake
        self.filled = 0
        self.told = 0
        self.held = 0  # contracts of what was told
        self.status = Status.INACTIVE
        self.winning = Winning.TBD
        self.accepted = False
        self.adopted = True
        self.ended = False
        self.cancelled_s = 0.0  # when the venue took a cancel of it, 0 never
        self.placed_s = seen_s  # when it was sent, by the venue's clock, as far as we know
        self.seen_s = seen_s  # the last proof of how it stands

    @property
    def size(self) -> Size:
        """What was taken of it, in contracts."""
        return contracts_of(self.stake, self.odds)

    @property
    def price(self) -> Price:
        """Of a contract."""
        return price_of_american(self.odds)

    @property
    def may_rest(self) -> bool:
        """Something of it may be matched still."""
        return self.status in (Status.INACTIVE, Status.OPEN) and not self.ended

    def contracts(self) -> Size:
        """What is held by it: stake and winnings of all that was matched."""
        more = contracts_of(self.filled, self.odds) - contracts_of(self.told, self.odds)
        return Size(self.held + more)

    def listed(self) -> OpenOrder:
        """As the venue lists it."""
        return OpenOrder(
            ClientOrderId(self.external_id),
            VenueOrderId(self.key),
            self.side.instrument,
            Action.BUY,
            self.price,
            self.size,
            Size(min(self.contracts(), self.size)),
        )


class Bets:
    """All records, by the venue's id and by ours."""

    def __init__(self) -> None:
        self._by_key: dict[str, Record] = {}
        self._by_external: dict[str, Record] = {}
        self._paid: set[Instrument] = set()

    def __iter__(self) -> Iterator[Record]:
        seen = {id(record): record for record in self._by_external.values()}
        seen.update({id(record): record for record in self._by_key.values()})
        return iter(list(seen.values()))

    # ---- asking

    def find(self, external_id: str, key: str = "") -> Record | None:
        """A bet by our id, else by the venue's."""
        return self._by_external.get(external_id) or self._by_key.get(key)

    def positions(self) -> dict[Instrument, int]:
        """Contracts held by side, of all that has not paid."""
        held: dict[Instrument, int] = {}
        for record in self:
            instrument = record.side.instrument
            if record.filled and instrument not in self._paid and record.status is not Status.VOID:
                held[instrument] = held.get(instrument, 0) + record.contracts()
        return held

    def resting(self) -> list[Record]:
        """Bets something of which may rest, the venue having named them."""
        return [record for record in self if record.key and record.may_rest]

    # ---- learning

    def sent(self, external_id: ClientOrderId, side: Side, odds: int, stake: int, now_s: float) -> Record:
        """A bet of ours is about to leave."""
        record = Record(side, odds, stake, external_id, now_s)
        self._by_external[external_id] = record
        return record

    def refused(self, external_id: str) -> None:
        """It certainly was not taken."""
        record = self._by_external.get(external_id)
        if record is not None and not record.key:
            del self._by_external[external_id]

    def learn(self, news: News, now_s: float) -> list[AnyEvent]:
        """What a message means; nothing when all of it was known."""
        record = self._record(news, now_s)
        record.seen_s = max(record.seen_s, now_s)
        record.filled = max(record.filled, news.filled)
        record.stake = max(record.stake, news.stake)
        record.open = min(record.open, news.open)
        if _RANK[news.status] > _RANK[record.status]:
            record.status = news.status
        if news.winning is not Winning.TBD:
            record.winning = news.winning
        told: list[AnyEvent] = []
        if record.adopted:
            told += self._activated(record)
            told += self._filled(record, news.fill_odds)
        told += self._over(record, news)
        return [*told, *self._settled(record)]

    def adopt(self, record: Record, booked: int) -> list[AnyEvent]:
        """A bet of an earlier run, of which the engine has booked so many contracts: the rest is news."""
        if record.adopted:
            return []
        record.adopted = True
        record.told = min(stake_of(booked, record.odds), record.filled)
        record.held = booked
        return self._filled(record, 0)

    def standing(self, record: Record) -> list[AnyEvent]:
        """How a bet stands, told again to whoever looks it up; nothing while it is not visible yet."""
        order_id = ClientOrderId(record.external_id)
        if record.status is Status.INVALID:
            return [_invalid(record)]
        if record.ended:
            return [OrderCanceled(order_id=order_id)]
        if record.status is Status.INACTIVE:
            return []
        record.accepted = True
        return [_accepted(record)]

    def forget(self, now_s: float) -> None:
        """Drop what is over and left nothing."""
        for record in self:
            gone = record.ended or not record.key  # refused, or never heard of again
            if gone and not record.filled and now_s - record.seen_s > FORGET_S:
                self._by_key.pop(record.key, None)
                self._by_external.pop(record.external_id, None)

    # ---- one piece of news

    def _record(self, news: News, now_s: float) -> Record:
        record = self._by_key.get(news.key) or self._by_external.get(news.external_id)
        if record is None:
            record = Record(news.side, news.odds, news.stake, news.external_id, now_s)
            record.told = news.filled
            record.held = contracts_of(news.filled, news.odds)
            record.adopted = not news.external_id  # ours of an earlier run until looked up, else by hand
            if news.external_id:
                self._by_external[news.external_id] = record
        record.key = news.key
        self._by_key[news.key] = record
        return record

    def _activated(self, record: Record) -> list[AnyEvent]:
        if record.accepted or not record.external_id or record.status is Status.INACTIVE:
            return []
        if record.status is Status.INVALID:
            return []
        record.accepted = True
        return [_accepted(record)]

    def _filled(self, record: Record, fill_odds: int) -> list[AnyEvent]:
        more = record.filled - record.told
        if more <= 0:
            return []
        better = fill_odds if abs(fill_odds) >= 100 and fill_odds != record.odds else 0
        if better and price_of_american(better) < record.price:
            size = contracts_of(more, better)  # taken at a resting price better than asked
        else:
            better = 0
            size = Size(contracts_of(record.filled, record.odds) - contracts_of(record.told, record.odds))
        record.told = record.filled
        record.held += size
        return [
            OrderFilled(
                venue_order_id=VenueOrderId(record.key),
                trade_id=TradeId(f"{record.key}:{record.filled // CENT}"),  # totals are told, never twice
                instrument=record.side.instrument,
                action=Action.BUY,
                price=price_of_american(better or record.odds),
                size=size,
                cost=Cash(more),
                fee=Cash(0),
                maker=not better,
                order_id=ClientOrderId(record.external_id),
            )
        ]

    def _over(self, record: Record, news: News) -> list[AnyEvent]:
        """Nothing of it can be matched any more: ended, or matched as far as there is any of it."""
        matched = news.matching is Matching.FULLY and news.open == 0
        if record.ended or not (_RANK[record.status] > 1 or matched):
            return []
        record.ended = True
        if not record.external_id:
            return []
        if record.status is Status.INVALID and not record.accepted:
            return [_invalid(record)]
        return [OrderCanceled(order_id=ClientOrderId(record.external_id))]

    # ---- settlement

    def _settled(self, record: Record) -> list[AnyEvent]:
        """What a side paid, once every bet on it that was matched says the same."""
        instrument = record.side.instrument
        if instrument in self._paid or record.status not in _FINAL:
            return []
        matched = [r for r in self if r.filled and r.side.instrument == instrument]
        if not matched or not all(r.status in _FINAL for r in matched):
            return []
        verdicts = {_verdict(record) for record in matched}
        if len(verdicts - {None}) > 1:
            verdicts = {v for v in verdicts if v != _REFUND}  # one bet taken back: the difference shows red
        verdict = next(iter(verdicts))
        if len(verdicts) != 1 or verdict is None:
            return []
        self._paid.add(instrument)
        status = MarketStatus(instrument=instrument, state=MarketState.RESOLVED)
        payout, refund = verdict
        return [status, Settled(instrument=instrument, payout=Price(payout), refund=refund)]


Verdict = tuple[int, bool]
_REFUND: Final[Verdict] = (0, True)


def _verdict(record: Record) -> Verdict | None:
    if record.status is Status.VOID:
        return _REFUND
    if record.winning in _WON:
        return ONE, False
    if record.winning in _LOST:
        return 0, False
    return None if record.winning is Winning.TBD else _REFUND


def _accepted(record: Record) -> OrderAccepted:
    return OrderAccepted(
        order_id=ClientOrderId(record.external_id),
        venue_order_id=VenueOrderId(record.key),
        price=record.price,
        size=record.size,
    )


def _invalid(record: Record) -> OrderRejected:
    text = "the venue never made it visible (as a rule for lack of cash)"
    return OrderRejected(order_id=ClientOrderId(record.external_id), reason=RejectReason.BALANCE, text=text)
