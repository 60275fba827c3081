"""Polymarket as a venue: its public side alone, and a key that trades."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from console.core.commands import AnyCommand, Reconcile, Resync, Subscribe, Unsubscribe
from console.core.events import (
    AnyEvent,
    Claimable,
    MassStatus,
    OpenOrder,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Action, Instrument, Side, Venue
from console.link.messages import SymbolView
from console.venues.base.backoff import Backoff
from console.venues.base.lane import Request
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.base.stream import Dead, Line, Stream
from console.venues.polymarket.account import (
    RestPosition,
    claimable,
    net_positions,
    open_order,
    parse_balance,
    parse_open_orders,
    parse_positions,
    parse_trades,
)
from console.venues.polymarket.auth import L2, CredentialError, Credentials, l1_headers, parse_api_key
from console.venues.polymarket.feed import MarketFeed
from console.venues.polymarket.rest import OK, Addresses, Rest, Unread, parsed
from console.venues.polymarket.rewards import newly_paid, parse_earnings
from console.venues.polymarket.signing import Wallet
from console.venues.polymarket.trading import Trading
from console.venues.polymarket.user import (
    OrderMessage,
    TradeLog,
    TradeMessage,
    is_mined,
    own_tokens,
    parse_user_frame,
    user_subscription,
)
from console.venues.polymarket.wire import ParseError, floor_number

P: Final = Venue.POLYMARKET
CLOCK_S: Final = 15.0
PING_S: Final = 10.0
SILENCE_S: Final = 30.0
LISTING_PATIENCE_S: Final = 5.0  # fills on a market that is not listed yet would be nobody's
TRADES_FIRST_S: Final = 24 * 3600  # how far back the first account goes: an engine may have died long ago
TRADES_AGAIN_S: Final = 900
TRADED_LATELY_S: Final = 120.0  # the venue's cached balance of a token is asked to be read anew
REWARDS_S: Final = 1800.0
POSITIONS_MAX: Final = 500
BALANCES_READ: Final = 3  # times at most, while trades of ours move them
FRESHENED_KEPT: Final = 1000


class PolymarketPublic:
    """Books, listings and results; needs no key."""

    def __init__(
        self,
        rest: Rest,
        feed: MarketFeed,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`prepare` runs beside it: what a dry run needs to build its orders."""
        self._rest = rest
        self._feed = feed
        self._prepare = prepare

    @property
    def venue(self) -> Venue:
        """Which one it is."""
        return P

    async def run(self, put: Put) -> None:
        """Put events until cancelled."""
        await self._rest.open()
        put(VenueLimits(venue=P, write_per_s=40, write_burst=60, place=1, amend=1, cancel=0))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed.run(put))
                group.create_task(_stay(self._rest, put))
                if self._prepare is not None:
                    group.create_task(self._prepared(self._prepare))
        finally:
            await self._rest.close()

    async def _prepared(self, prepare: Callable[[], Awaitable[None]]) -> None:
        await prepare()

    def send(self, command: AnyCommand) -> None:
        """Take what concerns market data."""
        _to_feed(self._feed, command)

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches listed there; raises LookupFailed."""
        return await self._feed.find(text)


def _to_feed(feed: MarketFeed, command: AnyCommand) -> bool:
    match command:
        case Subscribe():
            feed.subscribe(command.instrument.yes)
        case Unsubscribe():
            feed.unsubscribe(command.instrument.yes)
        case Resync():
            feed.resync(command.instrument.yes)
        case _:
            return False
    return True


async def _stay(rest: Rest, put: Put) -> None:
    """Up while the venue tells the time; down when it does not twice in a row."""
    up, failures = False, 0
    while True:
        try:
            put(await rest.measure())
            failures = 0
            if not up:
                up = True
                put(VenueUp(venue=P))
        except Unread as error:
            failures += 1
            if up and failures > 1:
                up = False
                put(VenueDown(venue=P, why=str(error)))
        await asyncio.sleep(CLOCK_S if failures == 0 else 2.0)


class Polymarket:
    """A key that trades: orders, fills and balances beside the market data."""

    def __init__(
        self,
        rest: Rest,
        feed: MarketFeed,
        wallet: Wallet,
        credentials: Credentials | None,
        addresses: Addresses,
    ) -> None:
        """Without `credentials` an API key is made or derived from the wallet's."""
        self.rest = rest
        self.feed = feed
        self._wallet = wallet
        self._addresses = addresses
        self._trading = Trading(rest, feed, wallet)
        self._put: Put | None = None
        self._group: asyncio.TaskGroup | None = None
        self._early: list[AnyCommand] = []  # commands that came while it did not run
        self._stream = Stream(
            self._user_address,
            _no_headers,
            self._opened,
            self._took,
            self._closed,
            silence_s=SILENCE_S,
            ping_s=None,
        )
        self._heard = False  # of the present connection of the user channel
        self._reading: asyncio.Task[None] | None = None
        self._read_again = False
        self._first_read = True
        self._traded: dict[str, float] = {}  # when a token was last traded by us, monotonic
        self._freshened: dict[str, None] = {}  # mined trades of which the venue read the balances anew
        self._held: dict[str, int] = {}  # last balance of a token read, where it was not 0
        self._paid: dict[tuple[str, str], int] | None = None
        self._claim = ""
        if credentials is not None:
            self._use(credentials)

    def _use(self, credentials: Credentials) -> None:
        self.rest.l2 = L2(self._wallet.address, credentials)
        self._trading.log = TradeLog(credentials.key, self.feed.leg, self._trading.name)

    @property
    def venue(self) -> Venue:
        """Which one it is."""
        return P

    # ---- life

    async def run(self, put: Put) -> None:
        """Put events until cancelled."""
        self._put = put
        await self.rest.open()
        put(self._trading.limits())
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._trading.start(put, group)
                early, self._early = self._early, []
                for command in early:
                    self.send(command)
                group.create_task(self.feed.run(put))
                group.create_task(self._trade(group))
        finally:
            self._group = None
            self._trading.went_down()
            await self.rest.close()

    async def _trade(self, group: asyncio.TaskGroup) -> None:
        """First who we are, then the private stream and what hangs on it."""
        await self.prepare()
        group.create_task(self._stream.run())
        group.create_task(self._keep_stream())
        group.create_task(self._clock())
        group.create_task(self._rewards())

    async def prepare(self) -> None:
        """Make or derive the API key, until it is there."""
        backoff = Backoff()
        while self.rest.l2 is None:
            try:
                self._use(await self.derive())
            except (Unread, CredentialError):
                await asyncio.sleep(backoff.next_s())

    async def derive(self) -> Credentials:
        """An API key of the wallet: a new one, else the one it has. Raises Unread and CredentialError."""
        for method, path in (("POST", "/auth/api-key"), ("GET", "/auth/derive-api-key")):
            headers = l1_headers(self._wallet, self.rest.clock.now_s())
            try:
                reply = await self.rest.plain(Request(method, path, headers))
            except (Refused, Unanswered) as error:
                raise Unread(f"{path}: {error}") from error
            if reply.status == OK:
                return parse_api_key(reply.body)
        raise Unread(f"the venue gives no API key: HTTP status {reply.status}")

    def send(self, command: AnyCommand) -> None:
        """Take one command."""
        if _to_feed(self.feed, command):
            return
        if self._group is None:
            self._early.append(command)
        elif isinstance(command, Reconcile):
            self._reconcile()
        else:
            self._trading.send(command)

    def build(self, command: AnyCommand) -> Request:
        """The request a command is sent as; raises Refused for one that cannot be."""
        return self._trading.build(command)

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches listed there; raises LookupFailed."""
        return await self.feed.find(text)

    async def _clock(self) -> None:
        assert self._put is not None, "the clock is read while it runs"
        while True:
            with contextlib.suppress(Unread):  # an order would fail likewise, and say so
                self._put(await self.rest.measure())
            await asyncio.sleep(CLOCK_S)

    # ---- the user channel

    def _user_address(self) -> str:
        return self._addresses.user

    async def _opened(self, line: Line) -> None:
        self._heard = False
        l2 = self.rest.l2
        assert l2 is not None, "the stream is opened with an API key"
        c = l2.credentials
        await line.send(user_subscription(c.key, c.secret, c.passphrase))
        await line.send("PING")  # its answer proves that we were not thrown out

    def _took(self, frame: str | bytes) -> None:
        if not self._heard:
            self._heard = self._trading.up = True
            self._say(VenueUp(venue=P))
        try:
            for message in parse_user_frame(frame):
                if isinstance(message, OrderMessage):
                    self._trading.learn_order(message)
                else:
                    self._took_trade(message)
        except (ParseError, Unread) as error:
            raise Dead(str(error)) from error  # fills we cannot read are fills we do not know

    def _took_trade(self, trade: TradeMessage) -> None:
        """A trade of ours took a step. What is mined can be sold once the venue reads its balances anew."""
        assert self._group is not None, "the stream is read while it runs"
        own = own_tokens(trade, self._trading.log.owner)
        self._traded.update(dict.fromkeys(own, time.monotonic()))
        self._trading.learn_trades([trade])
        if is_mined(trade.status) and trade.id not in self._freshened:
            self._freshened[trade.id] = None
            while len(self._freshened) > FRESHENED_KEPT:
                del self._freshened[next(iter(self._freshened))]
            for token in own & self.feed.tokens().keys():
                self._group.create_task(self._freshen(token))

    async def _freshen(self, token: str) -> None:
        """Have the venue read a balance from the chain; a failure shows as a refused sale at worst."""
        with contextlib.suppress(Unread):
            await self.rest.account("/balance-allowance/update", self._balance_query(token))

    def _closed(self, why: str) -> None:
        self._trading.went_down()
        if self._heard:
            self._heard = False
            self._say(VenueDown(venue=P, why=f"user stream: {why}"))

    async def _keep_stream(self) -> None:
        """The words that keep the connection, and doubt of one that answers and tells nothing."""
        spoken = time.monotonic()
        while True:
            await asyncio.sleep(1.0)
            if self._trading.unheard():
                self._trading.went_down()
                self._stream.drop()
            if time.monotonic() - spoken >= PING_S:
                spoken = time.monotonic()
                try:
                    await self._stream.send("PING")
                except Dead:
                    continue

    # ---- the venue's account of us

    def _reconcile(self) -> None:
        """Read it; asked again meanwhile, once more after."""
        if self._reading is not None and not self._reading.done():
            self._read_again = True
            return
        assert self._group is not None, "the account is read while it runs"
        self._reading = self._group.create_task(self._read_account())

    async def _read_account(self) -> None:
        while True:
            self._read_again = False
            try:
                status = await self._account()
            except Unread:
                return  # an incomplete account is none; the engine asks again
            for settled in self.feed.settlements():
                self._say(settled)
            self._say(status)
            if not self._read_again:
                return

    async def _account(self) -> MassStatus:
        """Everything or nothing: raises Unread. Orders are read first: a fill after that shows as a fill."""
        await self.feed.listed(LISTING_PATIENCE_S)
        orders = await self._open_orders()
        await self._recent_trades()
        positions = await self._positions()
        held = await self._balances(positions)
        status = MassStatus(
            venue=P,
            orders=orders,
            fills=(),  # told one by one just now
            positions=net_positions(held),
            cash=await self._trading.cash(),
        )
        self._tell_claims(positions)
        self._first_read = False
        return status

    async def _open_orders(self) -> tuple[OpenOrder, ...]:
        found: list[OpenOrder] = []
        cursor = ""
        while True:
            query = f"next_cursor={cursor}" if cursor else ""
            page, cursor = parsed(parse_open_orders, await self.rest.account("/data/orders", query))
            try:
                found += [open_order(order, self.feed.leg, self._trading.name) for order in page]
            except ParseError as error:
                raise Unread(str(error)) from error
            if not cursor:
                return tuple(found)

    async def _recent_trades(self) -> None:
        """Tell of every trade that the stream has not told of."""
        back = TRADES_FIRST_S if self._first_read else TRADES_AGAIN_S
        query, cursor = f"after={self.rest.clock.now_s() - back}", ""
        while True:
            page = f"{query}&next_cursor={cursor}" if cursor else query
            trades, cursor = parsed(parse_trades, await self.rest.account("/data/trades", page))
            self._trading.learn_trades(trades)
            if not cursor:
                return

    async def _positions(self) -> tuple[RestPosition, ...]:
        found: list[RestPosition] = []
        while True:
            query = f"user={self._wallet.maker}&sizeThreshold=0&limit={POSITIONS_MAX}&offset={len(found)}"
            page = parsed(parse_positions, await self.rest.positions(query))
            found += page
            if len(page) < POSITIONS_MAX:
                return tuple(found)

    async def _balances(self, positions: tuple[RestPosition, ...]) -> list[tuple[Instrument, int]]:
        """What is held of every token: the venue's balance of ours, what lags behind of all others.

        A balance is read where anything says that there may be one; the first time everywhere. Fills that
        are not on chain yet are added: they are ours.
        """
        listed = {position.asset: position for position in positions}
        now, sizes = time.monotonic(), dict[Instrument, int]()
        wanted = {
            token: leg.instrument
            for token, leg in self.feed.tokens().items()
            if self._first_read
            or token in listed
            or token in self._held
            or now - self._traded.get(token, -TRADES_AGAIN_S) < TRADES_AGAIN_S
        }
        moves = self._trading.log.moves
        for _ in range(BALANCES_READ):
            seen = dict[Instrument, int]()
            for token, leg in wanted.items():
                seen[leg] = moves[leg]
                sizes[leg] = self._held[token] = await self._balance(token)
                if not sizes[leg]:
                    del self._held[token]
            # What was traded or mined since would be missing, or count twice: read once more.
            wanted = {token: leg for token, leg in wanted.items() if moves[leg] != seen[leg]}
        held = list(sizes.items())
        for fills in list(self._trading.log.unmined.values()):
            for fill in fills:
                bought = fill.action is Action.BUY
                held.append((fill.instrument, fill.size if bought else -fill.size))
        for token, position in listed.items():
            if self.feed.leg(token) is None:
                side = Side.YES if position.outcome_index == 0 else Side.NO
                held.append((Instrument(P, position.slug, side), floor_number(position.size)))
        return held

    def _balance_query(self, token: str) -> str:
        leg = self.feed.leg(token)
        facts = self.feed.facts(leg.instrument.symbol) if leg is not None else None
        kind = "CONDITIONAL-V2" if facts is not None and facts.protocol_v2 else "CONDITIONAL"
        return f"asset_type={kind}&token_id={token}&signature_type={self._wallet.kind.value}"

    async def _balance(self, token: str) -> int:
        query = self._balance_query(token)
        if time.monotonic() - self._traded.get(token, -TRADED_LATELY_S) < TRADED_LATELY_S:
            await self.rest.account("/balance-allowance/update", query)
        return parsed(parse_balance, await self.rest.account("/balance-allowance", query))[0]

    def _tell_claims(self, positions: tuple[RestPosition, ...]) -> None:
        """What a merge or a redemption would bring: shown, never done by us."""
        amount, words = claimable(positions, self._held.get)
        if words != self._claim:
            self._claim = words
            self._say(Claimable(venue=P, amount=amount, why=words))

    # ---- rewards

    async def _rewards(self) -> None:
        """What is paid for liquidity from now on; what was paid before has been counted or never will be."""
        while True:
            day = time.strftime("%Y-%m-%d", time.gmtime(self.rest.clock.now_s() - 86_400))
            try:
                paid = parsed(parse_earnings, await self.rest.account("/rewards/user", f"date={day}"))
            except Unread:
                paid = None
            if paid is not None:
                for event in newly_paid(self._paid, paid) if self._paid is not None else ():
                    self._say(event)
                self._paid = paid
            await asyncio.sleep(REWARDS_S)

    def _say(self, event: AnyEvent) -> None:
        assert self._put is not None, "events come while it runs"
        self._put(event)


async def _no_headers() -> Mapping[str, str]:
    return {}
