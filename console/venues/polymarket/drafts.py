"""Commands as orders: amounts, signature and digest, all of them following from the command alone."""

from __future__ import annotations

from console.core.commands import Lookup, PlaceOrder, TimeInForce
from console.core.events import RejectReason
from console.core.instruments import Instrument, Side
from console.core.units import ONE
from console.venues.base.protocol import Refused
from console.venues.polymarket.amounts import (
    AmountError,
    Amounts,
    accepted_buy,
    limit_amounts,
    market_buy_amounts,
    market_sell_amounts,
    resting_amounts,
)
from console.venues.polymarket.discovery import Facts
from console.venues.polymarket.feed import MarketFeed
from console.venues.polymarket.hashing import exchange_for
from console.venues.polymarket.orders import OrderType, post_body, salt_of, timestamp_ms
from console.venues.polymarket.rest import Rest
from console.venues.polymarket.signing import OrderSide, Unsigned, Wallet


class Drafts:
    """Writes orders for one wallet, on the markets a feed knows."""

    def __init__(self, rest: Rest, feed: MarketFeed, wallet: Wallet) -> None:
        self._rest = rest
        self._feed = feed
        self._wallet = wallet

    def order(self, command: PlaceOrder) -> tuple[str, str]:
        """The JSON of an order, and its digest."""
        facts = self._facts(command.instrument)
        if self._rest.l2 is None:
            raise Refused(RejectReason.NOT_CONNECTED, "no API key yet")
        taking = command.time_in_force is TimeInForce.IOC
        order = self._unsigned(command, facts, self._amounts(command, facts))
        exchange = exchange_for(
            neg_risk=facts.neg_risk, protocol_v2=facts.protocol_v2, chain=self._wallet.chain
        )
        signed = self._wallet.sign(order, exchange)
        body = post_body(
            self._wallet,
            order,
            signed,
            owner=self._rest.l2.owner,
            order_type=(OrderType.FAK if taking else OrderType.GTC).value,
            post_only=command.post_only and not taking,
        )
        return body, signed.order_id

    def _facts(self, instrument: Instrument) -> Facts:
        facts = self._feed.facts(instrument.symbol)
        if facts is None:
            raise Refused(RejectReason.MARKET, f"{instrument.symbol} is not listed yet")
        return facts

    def _amounts(self, command: PlaceOrder, facts: Facts) -> Amounts:
        side = OrderSide[command.action.name]
        try:
            if command.time_in_force is TimeInForce.GTC:
                return limit_amounts(side, command.price, command.size, facts.tick)
            if side is OrderSide.SELL:
                return market_sell_amounts(command.price, command.size, facts.tick)
            spend = command.size * self._cheapest(command) // ONE
            return accepted_buy(market_buy_amounts(command.price, spend, facts.tick))
        except AmountError as error:
            raise Refused(RejectReason.PRICE, str(error)) from error

    def _cheapest(self, command: PlaceOrder) -> int:
        """What a purchase that takes is reckoned at: it is sized in dollars, and must not buy more contracts
        than asked for where the best offer is better than its limit.
        """
        book = self._feed.book(command.instrument.symbol)
        yes = command.instrument.side is Side.YES
        best = None if book is None else book.best_ask() if yes else book.best_bid()
        if best is None:
            raise Refused(RejectReason.OTHER, "nobody offers any")
        return min(command.price, best if yes else ONE - best)

    def _unsigned(self, command: PlaceOrder | Lookup, facts: Facts, amounts: Amounts) -> Unsigned:
        """What is signed follows from the command alone, so that its digest can be found again."""
        return Unsigned(
            salt=salt_of(command.order_id),
            token=int(facts.tokens[0 if command.instrument.side is Side.YES else 1]),
            maker_amount=amounts.maker,
            taker_amount=amounts.taker,
            side=OrderSide[command.action.name],
            timestamp_ms=timestamp_ms(command.wall, self._rest.clock.now_ms()),
        )

    def digest_of(self, command: Lookup) -> str:
        """The digest of an order an earlier process sent; raises Refused while its market is not known."""
        facts = self._facts(command.instrument)
        if not command.wall or not command.size:
            raise Refused(RejectReason.NOT_FOUND, "nothing is known of what was asked for")
        try:
            amounts = resting_amounts(OrderSide[command.action.name], command.price, command.size)
        except AmountError as error:
            raise Refused(RejectReason.OTHER, str(error)) from error
        exchange = exchange_for(
            neg_risk=facts.neg_risk, protocol_v2=facts.protocol_v2, chain=self._wallet.chain
        )
        return self._wallet.order_id(self._unsigned(command, facts, amounts), exchange)
