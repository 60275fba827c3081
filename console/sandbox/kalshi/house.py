"""The pretended Kalshi: our orders and money there, what happens to them, and what everybody is told."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from console.core.commands import (
    Basis,
    CancelOrder,
)
from console.core.events import (
    AnyEvent,
    BookDelta,
    MarketStatus,
    OrderCanceled,
    OrderFilled,
    RejectReason,
    Settled,
    Trade,
)
from console.core.instruments import (
    BookSide,
    ClientOrderId,
    Instrument,
    MarketState,
    Venue,
    VenueOrderId,
)
from console.core.units import ONE, SECOND, Size
from console.sandbox.floor import Floor
from console.sandbox.kalshi.bank import Bank
from console.sandbox.kalshi.catalogue import Catalogue, Fees, event_of, shard_of
from console.sandbox.kalshi.faults import Mischief
from console.sandbox.kalshi.groups import Groups
from console.sandbox.kalshi.lagging import Lagging
from console.sandbox.kalshi.spelling import Json, count, iso, money, named, price
from console.sandbox.kalshi.tickets import USER, Status, Ticket

CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
FORCES: Final = ("good_till_canceled", "immediate_or_cancel", "fill_or_kill")
STPS: Final = ("taker_at_cross", "maker")
GROUP_WINDOW_NS: Final = 15 * SECOND
SWEEP_NS: Final = 60 * SECOND
REASONS: Final = {
    RejectReason.POST_ONLY_CROSS: (400, "invalid_order", "post only cross"),
    RejectReason.PRICE: (400, "invalid_price", ""),
    RejectReason.SIZE: (400, "invalid_order_size", ""),
    RejectReason.BALANCE: (400, "insufficient_balance", ""),
    RejectReason.MARKET: (400, "market_inactive", ""),
}
_NO_BASIS: Final = Basis(0, 0, 0, 0, 0, "")
Body = dict[str, Any]


COUNT_STEP: Final = Size(ONE // 100)


class Voice(Protocol):
    """Whoever carries news to the streams."""

    def public(self, event: AnyEvent, mine: str, trade_id: str) -> None:
        """A public event; `mine` is the client order id that caused it, else empty."""

    def tell(self, channel: str, kind: str, msg: Json) -> None:
        """A private or lifecycle message."""


class House:
    """One account's Kalshi: its orders, its money, and whatever happens to them by itself."""

    def __init__(self, floor: Floor, wall: Callable[[], int], now: Callable[[], int], evil: Mischief) -> None:
        """`wall` and `now`: both clocks in nanoseconds."""
        self.floor = floor
        for market in floor.exchange.markets.values():  # counts have two decimals on every market
            market.spec = msgspec.structs.replace(market.spec, size_min=COUNT_STEP, size_step=COUNT_STEP)
        self.catalogue = Catalogue(floor, wall)
        self.bank = Bank(floor, funded=not evil.has("unfunded"))
        self.evil = evil
        self.wall = wall
        self.now = now
        low, high = (3.0, 6.0) if evil.has("slowreads") else (0.3, 1.0)
        self.shown = Lagging(lambda: wall() / 1e9, lambda: evil.between(low, high))
        self.shown.balances = self.bank.balances()
        self.voice: Voice | None = None
        self.tickets: dict[str, Ticket] = {}
        self.groups = Groups(self)
        self.client_ids: set[str] = set()
        self.paused = False  # trading on the whole exchange
        self.inner: dict[ClientOrderId, Ticket] = {}
        self.numbers = itertools.count(1)
        self._trades: list[tuple[str, int, int, str]] = []  # public trades not yet met by a fill of ours
        self._expected: list[tuple[str, BookSide, int, int, str]] = []
        self.sweep_until = 0
        floor.listen(self._heard)

    # ---- orders

    def end(self, ticket: Ticket, reason: str) -> None:
        """Take what is left of an order out."""
        if ticket.status is Status.RESTING:
            self.expect(ticket, -ticket.left)
            self.floor.ask(cancel_of(ticket))
            self.inner.pop(ticket.inner, None)
            ticket.status = Status.EXECUTED if ticket.filled == ticket.size else Status.CANCELED
            ticket.left = 0
            self.changed(ticket, reason)

    # ---- what happens by itself

    def resting(self) -> list[Ticket]:
        """Orders that rest, oldest first."""
        return [ticket for ticket in self.inner.values() if ticket.status is Status.RESTING]

    def tick(self) -> None:
        """Ends that have come, sweeps that go on, fees that change when a game begins."""
        wall = self.wall()
        for ticket in self.resting():
            if ticket.expires_s and ticket.expires_s * SECOND <= wall:
                self.end(ticket, "ExpiryCancel")
            elif self.now() < self.sweep_until and self._swept(ticket, wall):
                self.end(ticket, "Decrease")
        for event, match in self.catalogue.matches.items():
            fees = self.catalogue.overrides.get(event)
            if fees is not None and fees.multiplier != 1 and match.start <= wall:
                self.change_fees(event, Fees(fees.fee_type, 1))

    def _swept(self, ticket: Ticket, wall: int) -> bool:
        """Every other order placed during the minute after a cancel-all goes too."""
        return wall - ticket.created > SECOND // 2 and int(ticket.order_id[-1], 16) % 2 == 1

    def change_fees(self, event: str, fees: Fees) -> None:
        """Override the fees of an event from now on."""
        self.catalogue.overrides[event] = fees
        self.charge(event, fees)
        msg: Json = {
            "event_ticker": event,
            "fee_type_override": fees.fee_type,
            "fee_multiplier_override": fees.multiplier,
        }
        self.tell("market_lifecycle_v2", "event_fee_update", msg)

    def charge(self, event: str, fees: Fees) -> None:
        """What is charged from now on, whatever is stated."""
        for ticker in self.catalogue.tickers(event):
            market = self.catalogue.market(ticker)
            market.spec = msgspec.structs.replace(market.spec, fees=fees.model())
            for own in self.floor.exchange.account.open.values():
                if own.instrument.symbol == ticker:
                    own.spec = market.spec

    def _heard(self, event: AnyEvent) -> None:
        match event:
            case OrderFilled():
                ticket = self.inner.get(event.order_id)
                if ticket is not None:
                    self.fill(ticket, event, taker=False)
                    group = self.groups.known.get(ticket.group)
                    if ticket.left == 0:
                        ticket.status = Status.EXECUTED
                        self.inner.pop(ticket.inner, None)
                    self.changed(ticket, "Trade")
                    if group is not None:
                        self.groups.count(group, event.size)
            case OrderCanceled():
                self._wiped(event.order_id)
            case MarketStatus():
                self._state_changed(event)
            case Settled():
                self._settled(event)
            case _:
                self._public(event)

    def _public(self, event: AnyEvent) -> None:
        mine, trade_id = "", ""
        if isinstance(event, BookDelta):
            key = (event.instrument.symbol, event.side, event.price, event.change)
            for expected in self._expected:
                if expected[:4] == key:
                    self._expected.remove(expected)
                    mine = expected[4]
                    break
        elif isinstance(event, Trade):
            ticker = event.instrument.symbol
            trade_id = named("trade", ticker, self.wall(), len(self._trades), event.price, event.size)
            self._trades = [*self._trades[-200:], (ticker, event.price, event.size, trade_id)]
            self.catalogue.volumes[ticker] = self.catalogue.volumes.get(ticker, 0) + event.size
            self.catalogue.last[ticker] = event.price
        if self.voice is not None:
            self.voice.public(event, mine, trade_id)

    def expect(self, ticket: Ticket, change: int) -> None:
        """A change of the book that our own request is about to cause."""
        mine = (ticket.ticker, ticket.side, ticket.price, change, ticket.client_order_id)
        self._expected = [*self._expected[-50:], mine]

    def fill(self, ticket: Ticket, event: OrderFilled, *, taker: bool) -> None:
        """Book a fill of ours, in prices of YES, and tell of it."""
        trade_id = self._trade_of(ticket.ticker, event)
        ticket.filled += event.size
        ticket.left = max(0, ticket.left - event.size)
        paid = event.price if ticket.side is BookSide.BID else ONE - event.price
        cost = paid * event.size // ONE
        if taker:
            ticket.taker_cost, ticket.taker_fees = ticket.taker_cost + cost, ticket.taker_fees + event.fee
        else:
            ticket.maker_cost, ticket.maker_fees = ticket.maker_cost + cost, ticket.maker_fees + event.fee
        self.bank.filled(event)
        wall = self.wall()
        yes = ticket.side is BookSide.BID
        common: Json = {
            "trade_id": trade_id,
            "order_id": ticket.order_id,
            "exchange_index": ticket.shard,
            "is_taker": taker,
            "yes_price_dollars": price(event.price),
            "count_fp": count(event.size),
            "fee_cost": money(event.fee),
            "side": "yes",
            "action": "buy" if yes else "sell",
            "outcome_side": "yes" if yes else "no",
            "book_side": ticket.side.value,
        }
        listed: Json = {
            **common,
            "fill_id": trade_id,
            "ticker": ticket.ticker,
            "market_ticker": ticket.ticker,
            "no_price_dollars": price(ONE - event.price),
            "created_time": iso(wall),
            "ts": wall // SECOND,
            "subaccount_number": 0,
        }
        news: Json = {
            **common,
            "market_ticker": ticket.ticker,
            "ts": wall // SECOND,
            "ts_ms": wall // 1_000_000,
            "post_position_fp": count(self.bank.nets[ticket.ticker]),
            "purchased_side": "yes" if yes else "no",
            "subaccount": 0,
        }
        if ticket.client_order_id:
            news["client_order_id"] = ticket.client_order_id
        self.shown.later(lambda: self.shown.fills.append(listed))
        self.tell("fill", "fill", news)
        self._show_position(ticket.ticker)

    def _trade_of(self, ticker: str, event: OrderFilled) -> str:
        """The public trade a fill belongs to, else one of its own."""
        for known in self._trades:
            if known[:3] == (ticker, event.price, event.size):
                self._trades.remove(known)
                return known[3]
        return named("trade", event.trade_id, self.wall())

    def _wiped(self, inner: ClientOrderId) -> None:
        ticket = self.inner.pop(inner, None)
        if ticket is not None:
            ticket.status, ticket.left = Status.CANCELED, 0
            closed = self.catalogue.market(ticket.ticker).state is MarketState.CLOSED
            self.changed(ticket, "CloseCancel" if closed else "HaltCancel")

    def changed(self, ticket: Ticket, reason: str) -> None:
        """An order changed: the stream tells at once, lists a little later."""
        ticket.updated, ticket.reason = self.wall(), reason
        listed = ticket.listed()
        balances = self.bank.balances()

        def show() -> None:
            self.shown.orders[ticket.order_id] = listed
            self.shown.balances = balances

        self.shown.later(show)
        self.tell("user_orders", "user_order", ticket.news())

    def _show_position(self, ticker: str) -> None:
        bank = self.bank
        row: Json = {
            "ticker": ticker,
            "exchange_index": shard_of(ticker),
            "total_traded_dollars": money(bank.traded[ticker]),
            "position_fp": count(bank.nets[ticker]),
            "market_exposure_dollars": money(bank.costs[ticker]),
            "realized_pnl_dollars": money(bank.realized[ticker]),
            "fees_paid_dollars": money(bank.fees[ticker]),
            "last_updated_ts": iso(self.wall()),
        }
        self.shown.later(lambda: self.shown.positions.update({ticker: row}))
        news: Json = {
            "user_id": USER,
            "market_ticker": ticker,
            "position_fp": count(bank.nets[ticker]),
            "position_cost_dollars": price(bank.costs[ticker] // 100 * 100),
            "realized_pnl_dollars": price(bank.realized[ticker] // 100 * 100),
            "fees_paid_dollars": price(bank.fees[ticker] // 100 * 100),
            "position_fee_cost_dollars": price(bank.fees[ticker] // 100 * 100),
            "volume_fp": count(abs(bank.nets[ticker])),
        }
        self.tell("market_positions", "market_position", news)

    # ---- the life of markets

    def _state_changed(self, event: MarketStatus) -> None:
        ticker = event.instrument.symbol
        self.catalogue.updated[ticker] = self.wall()
        match event.state:
            case MarketState.OPEN:
                self._lifecycle(ticker, "activated", is_deactivated=False)
            case MarketState.PAUSED:
                self._lifecycle(ticker, "deactivated", is_deactivated=True)
            case MarketState.CLOSED:
                self.catalogue.closes[event_of(ticker)] = self.wall()
                self._lifecycle(ticker, "close_date_updated", close_ts=self.wall() // SECOND)
            case MarketState.RESOLVED:
                pass  # `settled` follows with the payout

    def _settled(self, event: Settled) -> None:
        ticker, wall = event.instrument.symbol, self.wall()
        self.catalogue.updated[ticker] = wall
        word = {0: "no", ONE: "yes"}.get(event.payout, "scalar")
        self._lifecycle(
            ticker,
            "determined",
            determination_ts=wall // SECOND,
            result=word,
            settlement_value=price(event.payout),
        )
        row = self.bank.settled(ticker, event.payout)
        if row is not None:
            told: Json = {
                "ticker": ticker,
                "exchange_index": shard_of(ticker),
                "event_ticker": event_of(ticker),
                "market_result": word,
                "settled_time": iso(wall),
                **row,
            }
            balances = self.bank.balances()

            def show() -> None:
                self.shown.settlements.append(told)
                self.shown.positions.pop(ticker, None)
                self.shown.balances = balances

            self.shown.later(show)
        self._lifecycle(ticker, "settled", settled_ts=wall // SECOND)

    def _lifecycle(self, ticker: str, what: str, **more: object) -> None:
        msg: Json = {"market_ticker": ticker, "event_type": what, **more}
        self.tell("market_lifecycle_v2", "market_lifecycle_v2", msg)

    def regridded(self, ticker: str, words: Json) -> None:
        """The price grid of a market changed."""
        self.catalogue.updated[ticker] = self.wall()
        self._lifecycle(ticker, "price_level_structure_updated", **words)

    def tell(self, channel: str, kind: str, msg: Json) -> None:
        """Tell the streams."""
        if self.voice is not None:
            self.voice.tell(channel, kind, msg)


def cancel_of(ticket: Ticket) -> CancelOrder:
    """What takes an order out of the exchange behind."""
    return CancelOrder(
        order_id=ticket.inner,
        venue_order_id=VenueOrderId(""),
        instrument=Instrument(Venue.KALSHI, ticket.ticker),
    )
