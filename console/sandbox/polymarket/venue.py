"""The venue itself: orders in, trades out, its timers and its moods, in real time."""

from __future__ import annotations

import base64
import hashlib
import time
from collections import ChainMap
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Any

from msgspec.structs import replace

from console.core.commands import (
    Basis,
    CancelOrder,
    CeilingKind,
    PlaceOrder,
    TimeInForce,
)
from console.core.events import (
    AnyEvent,
    BookDelta,
    BookSnapshot,
    MarketStatus,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    RejectReason,
    Settled,
    Trade,
)
from console.core.instruments import Action, ClientOrderId, Instrument, MarketState, Side, VenueOrderId
from console.core.matches import MatchId
from console.core.units import CENT, ONE, SECOND, Price, Size, cost_of
from console.sandbox.floor import Floor
from console.sandbox.polymarket.books import Publisher
from console.sandbox.polymarket.crypto import key_address, wallets
from console.sandbox.polymarket.entry import NOT_READY, Posted, Refusal, read_order
from console.sandbox.polymarket.faults import Faults
from console.sandbox.polymarket.ledger import FEES, Ledger, Order, Part, Stage
from console.sandbox.polymarket.ledger import Trade as OwnTrade
from console.sandbox.polymarket.listing import PROGRAMME, Listing, P, near_end
from console.sandbox.polymarket.spelling import text
from console.sim.listings import TENTHS, Card
from console.sim.world import World

CASH = 1000 * ONE
BEAT_S, SWEEP_S = 10.0, 5.0
MINED_S, CONFIRMED_S = (1.5, 4.0), (2.0, 5.0)
RESTART_S, POST_ONLY_S, CANCEL_ONLY_S = 6.0, 12.0, 10.0
EARLY_NS, LATE_NS = 90 * SECOND, 20 * SECOND
_NO_BASIS = Basis(0, 0, 0, 0, 0, "")
_CROSSES = "invalid post-only order: order crosses book"
_FAK_MISS = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
)
_FOK_MISS = "order couldn't be fully filled. FOK orders are fully filled or killed."

Frames = Callable[[list[dict[str, Any]]], None]


class Venue:
    """One trader's Polymarket. Whoever serves it listens to `to_market` and `to_user`."""

    def __init__(
        self,
        seed: int,
        faults: Faults,
        *,
        programme: tuple[Card, ...] = PROGRAMME,
        scale: float = 1.0,
        cash: int = CASH,
        monotonic: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
        world: World | None = None,
    ) -> None:
        """`world` is one shared with other sandboxes; it has a programme of its own."""
        self.faults = faults
        self._monotonic = monotonic
        self._wall = wall
        self.floor = Floor(
            P, seed, scale=scale, programme=programme, monotonic=monotonic, wall=wall, world=world
        )
        self.floor.exchange.account.money.pay_in(10**9 * ONE)  # the ledger here says what is affordable
        self.listings = self._list()
        self.by_token = {token: listing for listing in self.listings for token in listing.tokens}
        self.by_condition = {listing.condition: listing for listing in self.listings}
        self.by_slug = {listing.slug: listing for listing in self.listings}
        self.publisher = Publisher(self.listings)
        self.ledger = Ledger(cash)
        self.key, self.credentials = _identity(seed)
        self.address = key_address(self.key)
        self.wallets = wallets(self.address)
        self.to_market: Frames = _nobody
        self.to_user: Frames = _nobody
        self.mode = ""  # restarting | post_only | cancel_only
        self.beats = 0
        self.expired_beats = 0
        self._beat = ""
        self._beat_until = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._turn = 0
        self._events: list[AnyEvent] = []
        self._wiping = "CANCELED"
        self.floor.listen(self._events.append)
        self._plan()

    # ---- time

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self._monotonic() / 1e9

    @property
    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self._wall() // 1_000_000

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while."""
        self._turn += 1
        heappush(self._agenda, (self.now + seconds, self._turn, action))

    def step(self) -> None:
        """Let everything happen that is due, and tell of it."""
        self.floor.step()
        self._tell()
        while self._agenda and self._agenda[0][0] <= self.now:
            _, _, action = heappop(self._agenda)
            action()
            self._tell()

    def _plan(self) -> None:
        self.later(1.0, self._each_second)
        for name, action in (("restart", self._restart), ("cancel_only", self._cancels_only)):
            pause = self.faults.every(name)
            if pause is not None:
                self.later(pause, action)
        for name, once in (("tick", self._finer_somewhere), ("rules", self._reword)):
            pause = self.faults.every(name)
            if pause is not None:
                self.later(pause, once)

    def _each_second(self) -> None:
        self.later(1.0, self._each_second)
        if self._beat and self.now > self._beat_until:
            self._beat = ""
            self.expired_beats += 1
            self.cancel_all("CANCELED")
        for listing in self.listings:
            if not listing.cleared and self._wall() >= listing.starts:
                listing.cleared = True
                late = LATE_NS / 1e9 if self.faults.on("late_clear") else 0.0
                self.later(late, partial(self._clear, listing))
            bid, ask = self.publisher.best(listing)
            if listing.tick == CENT and listing.state is MarketState.OPEN and near_end(bid, ask):
                self.refine(listing)
        for order in self.ledger.uncovered():
            self._pull(order, "CANCELED_NOT_ENOUGH_BALANCE")

    # ---- the account

    def place(self, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Take up to 15 orders; each answered for itself."""
        self.step()
        return [self._answer(body) for body in bodies]

    def place_one(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take one order; raises Refusal."""
        self.step()
        return self._take(self._read(body))

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            if self.faults.strikes("refusals"):
                raise Refusal(400, "not enough balance / allowance")
            return self._take(self._read(body))
        except Refusal as refusal:
            return _reply("", "", error=refusal.words)

    def _read(self, body: dict[str, Any]) -> Posted:
        return read_order(
            body,
            owner=self.credentials["apiKey"],
            address=self.address,
            listings=self.by_token,
            known=ChainMap(self.ledger.open, self.ledger.ended),
            now_s=self.now_ms // 1000,
        )

    def _take(self, posted: Posted) -> dict[str, Any]:
        order, listing = posted.order, posted.order.listing
        marketable = self._crosses(order)
        if marketable and posted.post_only:
            raise Refusal(400, _CROSSES)
        fee = self._most_fee(order) if marketable else 0
        words = self.ledger.refusal(order, self.now, fee)
        if words:
            raise Refusal(400, words)
        if order.kind in ("FAK", "FOK") and not marketable:
            raise Refusal(400, _FAK_MISS if order.kind == "FAK" else _FOK_MISS)
        if marketable and order.side == "BUY" and cost_of(order.price, order.size) < ONE:
            dollars = text(cost_of(order.price, order.size))
            raise Refusal(400, f"invalid amount for a marketable BUY order (${dollars}), min size: $1")
        self.ledger.open[order.digest] = order
        if marketable and listing.delay_s:
            order.status = "DELAYED"
            self.later(float(listing.delay_s), partial(self._after_delay, order))
            return _reply(order.digest, "delayed")
        return self._match(order, posted.post_only)

    def _after_delay(self, order: Order) -> None:
        """The checks run again; then it matches, rests, or is gone."""
        words = self.ledger.refusal(order, self.now, self._most_fee(order))
        if order.listing.state is not MarketState.OPEN or words:
            self._ended(order, f"CANCELED_{words or NOT_READY}")
            return
        order.status = "LIVE"
        if order.kind in ("FAK", "FOK") and not self._crosses(order):
            self._ended(order, f"CANCELED_{_FAK_MISS}")
        else:
            self._match(order)

    def _match(self, order: Order, post_only: bool = False) -> dict[str, Any]:
        """Put an order on the floor and tell what became of it."""
        taking = order.kind in ("FAK", "FOK")
        size = self._affordable(order) if taking and order.side == "BUY" else order.size
        command = PlaceOrder(
            order_id=ClientOrderId(order.digest),
            match=MatchId("sandbox"),
            instrument=self._instrument(order),
            action=Action[order.side],
            price=Price(order.price),
            size=Size(size),
            ceiling=Price(order.price),
            ceiling_kind=CeilingKind.QUOTE,
            basis=_NO_BASIS,
            time_in_force=TimeInForce.IOC if taking else TimeInForce.GTC,
            post_only=post_only,
        )
        answers = self.floor.ask(command)
        refused = next((a for a in answers if isinstance(a, OrderRejected)), None)
        if refused is not None:
            self.ledger.open.pop(order.digest, None)
            moved = refused.reason is RejectReason.POST_ONLY_CROSS
            raise Refusal(400, _CROSSES if moved else NOT_READY)
        fills = [answer for answer in answers if isinstance(answer, OrderFilled)]
        trades = [self._took(order, fills)] if fills else []
        self._tell()
        if taking or order.left == 0:
            self._ended(order, "MATCHED" if fills else f"CANCELED_{_FAK_MISS}")
        elif not fills:
            self._order_event(order, "PLACEMENT")
        if not fills:
            return _reply(order.digest, "live")
        cost = sum(fill.cost for fill in fills)
        amounts = (cost, order.matched) if order.side == "BUY" else (order.matched, cost)
        return _reply(order.digest, "matched", amounts, trades)

    def _crosses(self, order: Order) -> bool:
        bid, ask = self.publisher.best(order.listing)
        if order.outcome == 1:
            bid, ask = None if ask is None else ONE - ask, None if bid is None else ONE - bid
        if order.side == "BUY":
            return ask is not None and ask <= order.price
        return bid is not None and bid >= order.price

    def _most_fee(self, order: Order) -> int:
        """The largest taker fee a purchase may cost."""
        if order.side == "SELL":
            return 0
        price = min(order.price, ONE // 2)
        return FEES.taker_rate * price * (ONE - price) // ONE * order.size // (ONE * ONE)

    def _affordable(self, order: Order) -> int:
        """Contracts that the dollars of a purchase buy at the prices there are."""
        dollars = int(cost_of(order.price, order.size))
        bids, asks = self._sides(order)
        levels = sorted((bids if order.outcome == 1 else asks).items(), reverse=order.outcome == 1)
        shares = 0
        for price, size in levels:
            paid = ONE - price if order.outcome == 1 else price
            if paid > order.price:
                break
            taken = min(size, dollars * ONE // paid)
            shares += taken
            dollars -= cost_of(paid, taken)
        return max(CENT, shares // CENT * CENT)

    def _sides(self, order: Order) -> tuple[dict[int, int], dict[int, int]]:
        snapshot = order.listing.market.snapshot()
        return dict(snapshot.bids), dict(snapshot.asks)

    def _instrument(self, order: Order) -> Instrument:
        return Instrument(P, order.listing.slug, Side.YES if order.outcome == 0 else Side.NO)

    # ---- cancelling

    def cancel(self, digests: list[str]) -> dict[str, Any]:
        """Take orders out; a held one cannot be."""
        self.step()
        canceled, not_canceled = [], {}
        for digest in digests:
            order = self.ledger.open.get(digest)
            if order is None:
                known = digest in self.ledger.ended
                words = "already canceled or matched" if known else "Order not found or already canceled"
                not_canceled[digest] = words
            elif order.status == "DELAYED":
                not_canceled[digest] = "the order is delayed and cannot be canceled"
            else:
                self._pull(order, "CANCELED")
                canceled.append(digest)
        return {"canceled": canceled, "not_canceled": not_canceled}

    def cancel_all(self, status: str = "CANCELED", of: Callable[[Order], bool] = lambda _: True) -> list[str]:
        """Take every order out that is not held; returns their ids."""
        gone = [o for o in self.ledger.open.values() if o.status != "DELAYED" and of(o)]
        for order in gone:
            self._pull(order, status)
        self._tell()
        return [order.digest for order in gone]

    def _pull(self, order: Order, status: str) -> None:
        self._wiping = status
        command = CancelOrder(
            order_id=ClientOrderId(order.digest),
            venue_order_id=VenueOrderId(""),
            instrument=self._instrument(order),
        )
        self.floor.ask(command)
        self._tell()
        if order.digest in self.ledger.open:
            self._ended(order, status)

    def _ended(self, order: Order, status: str) -> None:
        if self.ledger.open.pop(order.digest, None) is None:
            return
        order.status = status
        self.ledger.ended[order.digest] = order
        self._order_event(order, "UPDATE" if status == "MATCHED" else "CANCELLATION")

    # ---- fills

    def _filled(self, fill: OrderFilled) -> None:
        """Somebody took from an order of ours that rests."""
        order = self.ledger.open.get(fill.order_id)
        if order is None:
            return
        stranger = self.faults.uuid()
        mint = self.faults.between(0.0, 1.0) < 0.4  # met by the same side of the other token
        taker = Part(
            "0x" + self.faults.token() * 2,
            stranger,
            1 - order.outcome if mint else order.outcome,
            order.side if mint else ("SELL" if order.side == "BUY" else "BUY"),
            ONE - order.price if mint else order.price,
            fill.size,
        )
        mine = Part(
            order.digest, self.credentials["apiKey"], order.outcome, order.side, order.price, fill.size
        )
        self._traded(order, OwnTrade(self.faults.uuid(), order.listing, taker, [mine], order, self.now_ms))

    def _took(self, order: Order, fills: list[OrderFilled]) -> str:
        """An order of ours took from others."""
        makers = []
        for fill in fills:
            mint = self.faults.between(0.0, 1.0) < 0.4
            makers.append(
                Part(
                    "0x" + self.faults.token() * 2,
                    self.faults.uuid(),
                    1 - order.outcome if mint else order.outcome,
                    order.side if mint else ("SELL" if order.side == "BUY" else "BUY"),
                    ONE - fill.price if mint else fill.price,
                    fill.size,
                )
            )
        size = sum(fill.size for fill in fills)
        owner = self.credentials["apiKey"]
        taker = Part(order.digest, owner, order.outcome, order.side, fills[-1].price, size)
        trade = OwnTrade(self.faults.uuid(), order.listing, taker, makers, order, self.now_ms)
        self._traded(order, trade)
        return trade.id

    def _traded(self, order: Order, trade: OwnTrade) -> None:
        order.matched += sum(p.size for p in trade.makers if trade.is_taker or p.digest == order.digest)
        order.trades.append(trade.id)
        self.ledger.trades[trade.id] = trade
        frames = [self._order_frame(order, "UPDATE"), trade.told(rest=False)]
        if order.left == 0 and not trade.is_taker:
            del self.ledger.open[order.digest]
            order.status = "MATCHED"
            self.ledger.ended[order.digest] = order
            frames[0] = self._order_frame(order, "UPDATE")
        if self.faults.strikes("disordered"):
            frames.reverse()
        self.to_user(frames)
        self.later(self.faults.between(*MINED_S), partial(self._goes_on, trade))

    def _goes_on(self, trade: OwnTrade) -> None:
        """A trade takes its next step towards the chain."""
        trade.updated_ms = self.now_ms
        if trade.stage is Stage.MATCHED and self.faults.strikes("retrying"):
            trade.stage = Stage.RETRYING
        elif trade.stage in (Stage.MATCHED, Stage.RETRYING) and self.faults.strikes("failed"):
            trade.stage = Stage.FAILED
        elif trade.stage in (Stage.MATCHED, Stage.RETRYING):
            trade.stage, trade.hash = Stage.MINED, "0x" + self.faults.token() * 2
            self.ledger.mined(trade, self.now, stale=self.faults.on("stale_balance"))
        else:
            trade.stage = Stage.CONFIRMED
        self.to_user([trade.told(rest=False)])
        if trade.stage not in (Stage.CONFIRMED, Stage.FAILED):
            self.later(self.faults.between(*CONFIRMED_S), partial(self._goes_on, trade))

    # ---- telling

    def _tell(self) -> None:
        """Whatever the floor has done since: private first, then the books."""
        events, public = list(self._events), list[AnyEvent]()
        self._events.clear()
        for event in events:
            match event:
                case OrderFilled():
                    self._filled(event)
                case OrderCanceled():
                    order = self.ledger.open.get(event.order_id)
                    if order is not None:
                        self._ended(order, self._wiping)
                case BookDelta() | BookSnapshot() | Trade():
                    public.append(event)
                case MarketStatus():
                    if event.state is MarketState.CLOSED:
                        self._wiping = "CANCELED_MARKET_RESOLVED"
                case Settled():
                    self._resolved(event)
                case _:
                    pass
        if public:
            leg = self.faults.between(0.0, 1.0) < 0.5
            self.to_market(self.publisher.take(public, self.now_ms, leg))

    def _order_event(self, order: Order, kind: str) -> None:
        self.to_user([self._order_frame(order, kind)])

    def _order_frame(self, order: Order, kind: str) -> dict[str, Any]:
        owner = self.credentials["apiKey"]
        told = order.listed(owner)
        killed = order.status.startswith("CANCELED_no orders") or order.status.startswith("CANCELED_order")
        if killed:  # as the venue tells of a killed order
            told |= {"size_matched": "", "outcome": "", "created_at": "", "associate_trades": None}
        else:
            told["created_at"] = str(order.created_s)
        stamp = {"timestamp": str(self.now_ms), "event_type": "order"}
        return {**told, "order_owner": owner, "type": kind, **stamp}

    # ---- moods

    def heartbeat(self, last: str) -> tuple[bool, str]:
        """(accepted, the id to send next): a wrong id is answered with the one expected."""
        if self._beat and last != self._beat:
            return False, self._beat
        if not self._beat and last:
            return False, ""
        self._beat = self.faults.uuid()
        self.beats += 1
        self._beat_until = self.now + BEAT_S + self.faults.between(0.0, SWEEP_S)
        return True, self._beat

    def _restart(self) -> None:
        self.faults.struck("restart")
        self.mode = "restarting"
        self.later(RESTART_S, lambda: self._set_mode("post_only"))
        self.later(RESTART_S + POST_ONLY_S, lambda: self._set_mode(""))
        pause = self.faults.every("restart")
        if pause is not None:
            self.later(RESTART_S + POST_ONLY_S + pause, self._restart)

    def _cancels_only(self) -> None:
        self.faults.struck("cancel_only")
        self.mode = "cancel_only"
        self.later(CANCEL_ONLY_S, lambda: self._set_mode(""))
        pause = self.faults.every("cancel_only")
        if pause is not None:
            self.later(CANCEL_ONLY_S + pause, self._cancels_only)

    def _set_mode(self, mode: str) -> None:
        self.mode = mode

    def _clear(self, listing: Listing) -> None:
        """The game begins: its book is emptied, and trading goes on."""
        if listing.state is MarketState.OPEN:
            self._wiping = "CANCELED"
            self.floor.exchange.set_state(listing.slug, MarketState.OPEN, wipe=True)
            self.floor.step()
            self._tell()

    def refine(self, listing: Listing) -> None:
        """The tick becomes a tenth of a cent; what rests stays."""
        if listing.tick != CENT:
            return
        listing.tick = CENT // 10
        if listing.market.spec.bands[0].step == CENT:
            listing.market.regrid(replace(listing.market.spec, bands=TENTHS))
        for outcome, token in enumerate(listing.tokens):
            told = {
                "market": listing.condition,
                "asset_id": token,
                "old_tick_size": "0.01",
                "new_tick_size": "0.001",
                "timestamp": str(self.now_ms),
                "event_type": "tick_size_change",
            }
            listing.stamp = self.now_ms
            self.to_market([told, self.publisher.frame(listing, outcome)])

    def _finer_somewhere(self) -> None:
        listing = next((x for x in self.listings if x.tick == CENT), None)
        if listing is not None:
            self.faults.struck("tick")
            self.refine(listing)

    def _reword(self) -> None:
        self.faults.struck("rules")
        for listing in self.listings:
            listing.wording = " Amended: overtime counts."

    def _resolved(self, event: Settled) -> None:
        listing = self.by_slug[event.instrument.symbol]
        winner = {ONE: 0, 0: 1}.get(event.payout)
        told = {
            "id": listing.condition[2:10],
            "market": listing.condition,
            "assets_ids": list(listing.tokens),
            "winning_asset_id": "" if winner is None else listing.tokens[winner],
            "winning_outcome": "" if winner is None else listing.outcomes[winner],
            "timestamp": str(self.now_ms),
            "event_type": "market_resolved",
            "tags": [],
        }
        self.to_market([told])

    # ---- opening

    def _list(self) -> list[Listing]:
        listings = []
        for number, match in enumerate(self.floor.matches):
            for item in (one for one in match.listings if one.instrument.venue is P):
                market = self.floor.market(item.instrument.symbol)
                assert market is not None, "every listed symbol has a market"
                last = number == len(self.floor.matches) - 1
                listing = Listing(market, match, delay_s=number % 2, protocol_v2=last)
                market.regrid(replace(market.spec, size_min=Size(CENT)))  # its minimum is checked here
                listing.stamp = self.now_ms
                if self.faults.on("early_start"):
                    listing.starts = match.start - EARLY_NS
                listings.append(listing)
        return listings


def _reply(
    digest: str,
    status: str,
    amounts: tuple[int, int] | None = None,
    trades: list[str] | None = None,
    error: str = "",
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "errorMsg": error,
        "orderID": digest,
        "takingAmount": "" if amounts is None else text(amounts[1]),
        "makingAmount": "" if amounts is None else text(amounts[0]),
        "status": status,
        "success": True,
    }
    return told if trades is None else {**told, "transactionsHashes": [], "tradeIDs": trades}


def _identity(seed: int) -> tuple[str, dict[str, str]]:
    """The trader's invented key and API key, the same for a seed every time."""
    secret = hashlib.sha256(f"polymarket sandbox {seed}".encode()).hexdigest()
    raw = hashlib.sha256(f"api {seed}".encode()).hexdigest()
    api = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:32]}"
    hidden = base64.urlsafe_b64encode(hashlib.sha256(f"secret {seed}".encode()).digest()).decode()
    return "0x" + secret, {"apiKey": api, "secret": hidden, "passphrase": raw[32:]}


def _nobody(_frames: list[dict[str, Any]]) -> None:
    return
