"""What real orders at Polymarket wait for: place, wallet, key, clock, money, allowances, and the dead man."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from console.config.tables import PolymarketTable
from console.core.complaint import UNREADABLE, Complaint
from console.core.units import ONE
from console.keys import Keys
from console.venues.base.lane import Lane, Request
from console.venues.base.protocol import Check, Refused, Unanswered
from console.venues.polymarket.account import parse_balance, parse_open_orders
from console.venues.polymarket.auth import L2, credentials_of, wallet_of
from console.venues.polymarket.client import Polymarket
from console.venues.polymarket.discovery import facts_of, parse_markets
from console.venues.polymarket.feed import MarketFeed
from console.venues.polymarket.hashing import Exchange, exchange_for
from console.venues.polymarket.orders import heartbeat_body, parse_heartbeat
from console.venues.polymarket.rest import OK, Addresses, Rest, Unread, parsed
from console.venues.polymarket.signing import SignatureType, Wallet
from console.venues.polymarket.wallets import wallets_of
from console.venues.polymarket.wire import ParseError, read

T = TypeVar("T")

OFFSET_MAX_S: Final = 2.0
ENOUGH: Final = ONE  # an allowance below a dollar is none
_EXCHANGES: Final = (
    ("exchange", exchange_for(neg_risk=False, protocol_v2=False), True),
    ("neg-risk exchange", exchange_for(neg_risk=True, protocol_v2=False), True),
    ("exchange V3", exchange_for(neg_risk=False, protocol_v2=True), False),
)


class Geoblock(Struct, frozen=True):
    """Whether orders are taken from where we are."""

    blocked: bool
    country: str = ""


class ClosedOnly(Struct, frozen=True):
    """Whether the account may only close what it holds."""

    closed_only: bool


class Version(Struct, frozen=True):
    """Which exchange orders are signed for."""

    version: int


class Doctor:
    """One examination; every check stands alone, so that all that is wrong is told at once."""

    def __init__(self, table: PolymarketTable, addresses: Addresses, keys: Keys) -> None:
        self._table = table
        self._addresses = addresses
        self._keys = keys
        self._rest = Rest(addresses)

    async def examine(self) -> list[Check]:
        """Every check, in the order in which a person would mend them."""
        await self._rest.open()
        try:
            checks = [await self._geoblock(), await self._version(), await self._clock()]
            wallet, told = self._wallet()
            checks.append(told)
            if wallet is None:
                return checks
            told = await self._key(wallet)
            checks.append(told)
            if not told.passed:
                return checks
            return [*checks, await self._closed_only(), *await self._money(wallet), await self._dead_man()]
        finally:
            await self._rest.close()

    # ---- what anybody can see

    async def _geoblock(self) -> Check:
        where = urlsplit(self._addresses.geoblock)
        lane = Lane(f"{where.scheme}://{where.netloc}")
        await lane.open()
        try:
            reply = await lane.send(Request("GET", where.path))
            told = read(reply.body, Geoblock, "geoblock")
        except (Refused, Unanswered, ParseError) as error:
            return _failed("place", str(error), "the check of where we are cannot be read; try again")
        finally:
            await lane.close()
        seen = f"orders are {'refused' if told.blocked else 'taken'} from {told.country or 'here'}"
        return Check("place", not told.blocked, seen, "Polymarket takes no orders from this country")

    async def _version(self) -> Check:
        return await self._asked(
            "exchange version",
            lambda: self._clob("/version", Version),
            lambda told: (told.version == 2, f"version {told.version}"),
            "orders are signed for version 2: get a newer mmconsole before trading",
        )

    async def _clock(self) -> Check:
        try:
            measured = await self._rest.measure()
        except Unread as error:
            return _failed("clock", str(error), "the venue does not tell the time; is the network there?")
        offset = measured.offset / 1e9
        seen = f"the venue's clock is {offset:+.1f} s off ours"
        return Check("clock", abs(offset) <= OFFSET_MAX_S, seen, "set the clock of this machine (ntp)")

    # ---- who we are

    def _wallet(self) -> tuple[Wallet | None, Check]:
        kind = SignatureType(self._table.signature_type)
        try:
            wallet = wallet_of(self._keys, kind, session=self._table.session_signer)
        except Complaint as error:
            return None, _failed("wallet", str(error), "see the keys in the documentation")
        derived = wallets_of(wallet.address)
        expected = {
            SignatureType.EOA: (wallet.address,),
            SignatureType.PROXY: (derived.proxy,),
            SignatureType.SAFE: (derived.safe,),
            SignatureType.DEPOSIT: (derived.deposit_beacon, derived.deposit_uups),
        }[kind]
        belongs = wallet.maker in expected or self._table.session_signer
        seen = f"{kind.name.lower()} wallet {wallet.maker}, signed by {wallet.address}"
        remedy = (
            f"POLY_FUNDER is none of the wallets of this key for signature_type {kind.value}: "
            + " or ".join(expected)
        )
        return wallet, Check("wallet", belongs, seen, "" if belongs else remedy)

    async def _key(self, wallet: Wallet) -> Check:
        try:
            credentials = credentials_of(self._keys)
            if credentials is None:
                feed = MarketFeed(self._rest, self._addresses.market)
                credentials = await Polymarket(self._rest, feed, wallet, None, self._addresses).derive()
            self._rest.l2 = L2(wallet.address, credentials)
            await self._rest.account("/data/orders")
        except (Complaint, Unread) as error:
            remedy = "check POLY_API_KEY, POLY_API_SECRET and POLY_PASSPHRASE, or leave all three out"
            return _failed("API key", str(error), remedy)
        return Check("API key", True, "accepted")

    async def _closed_only(self) -> Check:
        return await self._asked(
            "account",
            lambda: self._account("/auth/ban-status/closed-only", ClosedOnly),
            lambda told: (not told.closed_only, "may only close" if told.closed_only else "may trade"),
            "the venue lets this account close positions only",
        )

    # ---- money

    async def _money(self, wallet: Wallet) -> list[Check]:
        query = f"asset_type=COLLATERAL&signature_type={wallet.kind.value}"
        try:
            held, allowances = parsed(parse_balance, await self._rest.account("/balance-allowance", query))
        except Unread as error:
            return [_failed("balance", str(error), "the balance cannot be read")]
        checks = [Check("balance", held > 0, f"{held / ONE:.2f} dollars", "deposit pUSD, then wait a minute")]
        checks += [_allowance("buying", name, told, allowances, needed) for name, told, needed in _EXCHANGES]
        return [*checks, *await self._selling(wallet)]

    async def _selling(self, wallet: Wallet) -> list[Check]:
        """May the exchanges move our tokens? Any token tells: the approval is for all of them."""
        try:
            body = await self._rest.gamma("/markets", "limit=1&closed=false&active=true")
            markets = parsed(parse_markets, body) if body is not None else ()
            if not markets:
                return [_failed("selling", "no market is listed", "try again")]
            facts = facts_of(markets[0])
            kind = "CONDITIONAL-V2" if facts.protocol_v2 else "CONDITIONAL"
            query = f"asset_type={kind}&token_id={facts.tokens[0]}&signature_type={wallet.kind.value}"
            _, allowances = parsed(parse_balance, await self._rest.account("/balance-allowance", query))
        except (Unread, ParseError) as error:
            return [_failed("selling", str(error), "the allowance of tokens cannot be read")]
        return [_allowance("selling", name, told, allowances, needed) for name, told, needed in _EXCHANGES]

    # ---- the dead man

    async def _dead_man(self) -> Check:
        """A heartbeat arms the whole key: it is tried only while nothing rests on it."""
        name = "dead man"
        try:
            orders, _ = parsed(parse_open_orders, await self._rest.account("/data/orders"))
            if orders:
                seen = f"not tried: {len(orders)} orders rest on this key"
                return Check(name, False, seen, "cancel them first: a heartbeat arms the whole key")
            request = self._rest.signed("POST", "/v1/heartbeats", heartbeat_body(""))
            reply = await self._rest.cancel(request)
            parse_heartbeat(reply.body)
        except (Unread, Refused, Unanswered, ParseError) as error:
            return _failed(name, str(error), "heartbeats are not answered: orders would outlive a crash")
        seen = "a heartbeat is answered" if reply.status == OK else "somebody keeps this key alive already"
        return Check(name, reply.status in (OK, 400), seen, "heartbeats are refused")

    # ---- asking

    async def _clob(self, path: str, shape: type[T]) -> T:
        return msgspec.json.decode(await self._rest.clob(path), type=shape)

    async def _account(self, path: str, shape: type[T]) -> T:
        return msgspec.json.decode(await self._rest.account(path), type=shape)

    async def _asked(
        self,
        name: str,
        ask: Callable[[], Awaitable[T]],
        judge: Callable[[T], tuple[bool, str]],
        remedy: str,
    ) -> Check:
        try:
            passed, seen = judge(await ask())
        except (Unread, *UNREADABLE) as error:
            return _failed(name, str(error), "the venue's answer cannot be read")
        return Check(name, passed, seen, remedy)


def _allowance(what: str, name: str, exchange: Exchange, told: dict[str, int], needed: bool) -> Check:
    most = told.get(exchange.contract.lower(), 0)
    seen = "none" if most < ENOUGH else "unlimited" if most > 10**18 else f"{most / ONE:.2f}"
    remedy = f"approve {exchange.contract} once in the venue's own interface"
    return Check(f"{what}, {name}", most >= ENOUGH, f"allowance {seen}", remedy, needed=needed)


def _failed(name: str, seen: str, remedy: str) -> Check:
    return Check(name, False, seen, remedy)
