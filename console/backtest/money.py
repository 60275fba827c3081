"""Invariants of fills, positions and cash: ours against a second count, both against the exchange's."""

from __future__ import annotations

from console.backtest.broken import Broken, Patience
from console.backtest.ledger import Ledger, Leg
from console.backtest.resting import SEEN_NS
from console.backtest.scene import Scene, legs_of
from console.core.commands import FLATTEN
from console.core.desk import Desk
from console.core.events import (
    FillReversed,
    MassStatus,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    Settled,
)
from console.core.instruments import ClientOrderId, Instrument, TradeId, Venue
from console.core.matches import MatchId
from console.core.units import CENT, SECOND

FEE_ROUNDING = 2 * CENT  # fills in pieces are charged more roundings than one fill would be
_SURPRISED_NS = 3 * SECOND
_LANDED_NS = 10 * SECOND  # an order has come to rest by then, and was looked at


class Money:
    """Counts what the engine is told, and what really happened, as it happens."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._truth = Ledger(scene.specs.__getitem__)
        self._read = dict.fromkeys(scene.world.venues, 0)  # fills of the exchange taken into `_truth`
        self._unseen: Patience[tuple[Venue, TradeId]] = Patience(SEEN_NS)
        self._surprised: dict[MatchId, int] = {}
        self._lasting: dict[MatchId, None] = {}  # of these, as of the last look, and since
        self._gone: dict[ClientOrderId, None] = {}
        self.worst_max = 0
        self._before: dict[MatchId, tuple[int, int]] = {}  # worst case and limit, at the last look
        self._left: dict[MatchId, tuple[int, int]] = {}  # under which limit orders left of late, and when

    # ---- what the engine is told

    def told(self, turn: int, event: OrderFilled | MassStatus | Settled | FillReversed) -> None:
        """Count an event and compare the matches it touched."""
        scene = self._scene
        touched: dict[MatchId, None] = {}
        if isinstance(event, FillReversed):
            match = scene.ledger.reverse(turn, (event.venue, event.trade_id))
            if match is not None and match in scene.state.desks:
                touched[match] = None
                self._surprise(match, event.ts)
        elif isinstance(event, Settled):
            for desk in scene.state.on_market.get(event.instrument, ()):
                scene.ledger.settle(turn, desk.spec.id, event)
                touched[desk.spec.id] = None
        else:
            for fill in (event,) if isinstance(event, OrderFilled) else event.fills:
                match = self._match_of(fill)
                if match is not None and scene.ledger.fill(turn, match, fill):
                    touched[match] = None
                    order = scene.state.blotter.orders.get(fill.order_id)
                    exits = order is not None and order.ceiling_kind is FLATTEN  # costs before it pays
                    if exits or fill.order_id in self._gone:  # filled before it was cancelled, and told after
                        self._surprise(match, event.ts)
        for match in touched:
            self.compare(scene.state.desks[match])

    def leaving(self, match: MatchId, ts: int) -> None:
        """An order of a match leaves, under the limit it has now; by the time it rests that may be lower."""
        limit = self._scene.state.desks[match].settings.exposure_match
        under, left_ts = self._left.get(match, (0, 0))
        if limit >= under or ts - left_ts >= _LANDED_NS:
            self._left[match] = limit, ts

    def ended(self, event: OrderCanceled | OrderExpired | OrderRejected) -> None:
        """An order was told to be gone: no fill of it is expected any more."""
        self._gone[event.order_id] = None

    def removed(self, turn: int, match: MatchId) -> None:
        """A match was removed, which holds nothing: it is counted afresh if it ever comes back."""
        self._read_truth()
        self._truth.drop(turn, match)
        self._scene.ledger.drop(turn, match)

    def restarted(self, lost: list[int]) -> None:
        """A new run began without the records of these turns."""
        self._truth.forget(lost)
        self._scene.ledger.forget(lost)
        self._unseen.restart()
        self._read_truth()
        for desk in self._scene.state.desks.values():
            self.compare(desk)
            # Whatever filled since the last look, an exit perhaps, is what it begins with.
            before, limit = self._before.get(desk.spec.id, (0, desk.settings.exposure_match))
            self._before[desk.spec.id] = max(before, self._held(desk)), limit

    def _match_of(self, fill: OrderFilled) -> MatchId | None:
        sent = self._scene.sent.get(fill.order_id)
        if sent is None:
            raise Broken("fills", f"fill {fill.trade_id} of {fill.order_id}, an order never sent")
        if sent.match in self._scene.state.desks:
            return sent.match
        desks = self._scene.state.on_market.get(fill.instrument.yes, ())
        return desks[0].spec.id if desks else None

    def compare(self, desk: Desk) -> None:
        """Positions and cash of a match are those of its fills, each counted once."""
        accounts = self._scene.ledger.of_match(desk.spec.id)
        cash = sum(position.cash for position in desk.groups())
        counted = sum(account.cash for account in accounts.values())
        if cash != counted:
            raise Broken("cash", f"{desk.spec.id}: our cash is {cash}, its fills come to {counted}")
        for instrument in desk.pays:
            net = desk.positions[instrument.venue].holdings[instrument].net
            account = accounts.get(instrument)
            if net != (account.net if account is not None else 0):
                told = account.net if account is not None else 0
                raise Broken("position", f"{instrument}: we hold {net}, the fills come to {told}")

    # ---- what really happened

    def truth(self, ts: int) -> None:
        """No fill stays unseen, and the worst that can really happen is never worse than we think."""
        self._read_truth()
        unseen = [key for key in self._truth.trades if key not in self._scene.ledger.trades]
        # What was undone and is still counted: to be told as soon as a fill is.
        undone = [key for key in self._scene.ledger.trades if key in self._truth.undone]
        for key in undone:
            self._surprise(self._scene.sent[self._scene.ledger.trades[key].order_id].match, ts)
        connected = [key for key in (*unseen, *undone) if self._scene.world.wire(key[0]).connected]
        late = self._unseen.look(connected, ts)
        if late is not None:
            what = "taken back" if late in self._truth.undone else "booked"
            raise Broken("fills", f"fill {late} has not been {what} after {SEEN_NS // SECOND} s")
        total = 0
        fills = [self._truth.trades[key] for key in unseen]
        for fill in fills:
            if self._surprising(fill):
                self._surprise(self._scene.sent[fill.order_id].match, ts)
        for desk in self._scene.state.desks.values():
            surprised = ts - self._surprised.get(desk.spec.id, -_SURPRISED_NS) < _SURPRISED_NS
            orders = self._scene.state.blotter.of_match(desk.spec.id)
            if not surprised and desk.spec.id in self._lasting:
                surprised = any(o.in_flight or o.retry_ts is not None for o in orders)  # which cannot go yet
            if surprised:
                self._lasting[desk.spec.id] = None
            else:
                self._lasting.pop(desk.spec.id, None)
            total += self._worst(desk, surprised)
        self.worst_max = max(self.worst_max, total)
        self._profit()

    def _surprise(self, match: MatchId, ts: int) -> None:
        """From now on for a while, or for as long as an engine that dies of it needs to do anything again."""
        self._surprised[match] = ts
        self._lasting[match] = None

    def _surprising(self, fill: OrderFilled) -> bool:
        """A fill still to be told of an order that, as far as was told, is gone or rests elsewhere."""
        order = self._scene.state.blotter.live.get(fill.order_id)
        return order is None or fill.price not in (order.price, order.to_price)

    def _read_truth(self) -> None:
        scene = self._scene
        for venue in scene.world.venues:
            exchange = scene.world.exchange(venue)
            fills = exchange.account.fills
            for fill in fills[self._read[venue] :]:
                self._truth.fill(0, scene.sent[fill.order_id].match, fill)
            self._read[venue] = len(fills)
            for trade_id in exchange.account.undone:
                self._truth.reverse(0, (venue, trade_id))
        for (match, instrument), account in self._truth.accounts.items():
            settled = scene.world.exchange(instrument.venue).markets[instrument.symbol].settled
            if settled is not None and not account.settled:
                self._truth.settle(0, match, settled)

    def _worst(self, desk: Desk, surprised: bool) -> int:
        """Worst case by the exchange's own books; never above ours, nor growing above the limit.

        But for a match lately `surprised` by a fill that is told after what became of its order later, that
        is taken back, or of an exit; what is over the limit then is what is held, and the orders above it are
        pulled.
        """
        scene = self._scene
        real = self._truth.of_match(desk.spec.id)
        legs = [
            Leg(order.instrument, order.action, ((order.price, order.left),))
            for venue in desk.venues
            for order in scene.world.exchange(venue).account.open.values()
            if scene.sent[order.order_id].match == desk.spec.id
        ]
        truth = scene.worst(desk, real, legs, None)
        orders = scene.state.blotter.of_match(desk.spec.id)
        ours = scene.worst(desk, scene.ledger.of_match(desk.spec.id), legs_of(orders), None)
        limit = desk.settings.exposure_match
        before, limit_before = self._before.get(desk.spec.id, (0, limit))
        self._before[desk.spec.id] = truth, limit
        under, left_ts = self._left.get(desk.spec.id, (0, 0))
        most = max(limit, limit_before, under if scene.state.ts - left_ts < _LANDED_NS else 0)
        if surprised:
            self._before[desk.spec.id] = self._held(desk), limit
            return truth
        if truth > ours + FEE_ROUNDING:
            raise Broken("worst_case", f"{desk.spec.id}: {truth} can be lost, we count {ours}")
        if desk.flattening is not None or "flatten" in desk.paused:  # it costs money before it pays
            return truth
        if truth > max(most, before) + FEE_ROUNDING:
            raise Broken("exposure_match", f"{desk.spec.id}: {truth} can be lost, the limit is {limit}")
        return truth

    def _held(self, desk: Desk) -> int:
        """Worst case of what is really held alone."""
        return self._scene.worst(desk, self._truth.of_match(desk.spec.id), [], None)

    def _profit(self) -> None:
        state = self._scene.state
        retired = state.account.baseline.retired
        if retired != self._scene.ledger.retired:
            counted = self._scene.ledger.retired
            raise Broken("profit", f"matches removed brought {counted}, the account keeps {retired}")

    # ---- at rest

    def quiet(self) -> str:
        """Why ours and the exchange's need not agree yet; empty when they must."""
        scene = self._scene
        self._read_truth()
        for connection in scene.state.connections.values():
            if not connection.up or connection.reconciling:
                return f"{connection.venue.value} is not reconciled"
        if scene.state.blotter.live:
            return f"{len(scene.state.blotter.live)} orders are out"
        if self._truth.trades.keys() != scene.ledger.trades.keys():
            return "a fill is unseen"
        for key, account in self._truth.accounts.items():
            told = scene.ledger.accounts.get(key)
            if told is not None and account.settled and not told.settled:
                return f"the settlement of {key[1]} is unseen"
        return ""

    def settled(self) -> None:
        """When quiet: positions and cash are the exchange's, to the millionth."""
        scene = self._scene
        held: dict[Instrument, int] = {}
        cash = scene.ledger.retired
        for desk in scene.state.desks.values():
            self.compare(desk)
            for position in desk.groups():
                cash += position.cash
                for instrument, holding in position.holdings.items():
                    held[instrument] = held.get(instrument, 0) + holding.net
        for venue in scene.world.venues:
            self._positions(venue, held)
        cash += sum(min(0, net) for net in held.values())  # the rest of the dollar of every NO held
        moved = sum(self._moved(venue) for venue in scene.world.venues)
        if cash != moved:
            raise Broken("conservation", f"our cash moved by {cash}, the venues' by {moved}")

    def _positions(self, venue: Venue, held: dict[Instrument, int]) -> None:
        theirs = self._scene.world.positions(venue)
        for instrument in {**theirs, **held}:
            if instrument.venue is venue and theirs.get(instrument, 0) != held.get(instrument, 0):
                raise Broken(
                    "position",
                    f"{instrument}: we hold {held.get(instrument, 0)}, the venue {theirs.get(instrument, 0)}",
                )

    def _moved(self, venue: Venue) -> int:
        account = self._scene.world.exchange(venue).account
        return account.money.cash - account.money.paid_in
