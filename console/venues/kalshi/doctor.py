"""What real orders on Kalshi wait for: each check in one line with what to do, and the dead man proven."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct
from rapidfuzz import fuzz

from console.config.read import Config
from console.core.commands import Basis, CeilingKind, PlaceOrder
from console.core.instruments import Action, ClientOrderId, Instrument, MarketState, Venue
from console.core.matches import MatchId
from console.core.units import CENT, ONE, SECOND, Nanos, Price, Size, decimal
from console.venues.base.protocol import Check, Refused, Unanswered
from console.venues.kalshi.account import parse_balance, parse_limits, parse_order
from console.venues.kalshi.discovery import SERIES, Discovery
from console.venues.kalshi.errors import EXPIRED, check
from console.venues.kalshi.facts import Facts
from console.venues.kalshi.groups import GROUPS, parse_group, render_group
from console.venues.kalshi.listings import Listing
from console.venues.kalshi.orders import (
    ORDERS,
    CancelEntry,
    cancel_path,
    parse_changed,
    parse_created,
    render_create,
)
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.status import parse_status
from console.venues.kalshi.wire import UNREADABLE, ParseError

CLOCK_MAX_S: Final = 2.0
ALIKE_MIN: Final = 60.0  # of 100: how much an outcome's name must look like the venue's
LEASE_S: Final = 6
LEASE_PATIENCE_S: Final = 30.0
POLL_S: Final = 0.5
DEEP_CENTS: Final = 1

TROUBLE = (Refused, Unanswered, ParseError)


class _Key(Struct, frozen=True):
    api_key_id: str
    scopes: tuple[str, ...] = ()


class _Keys(Struct, frozen=True):
    api_keys: tuple[_Key, ...]
    api_key_region_expiration_ts: int | None = None


class Doctor:
    """Examines the venue and our account with it."""

    def __init__(self, rest: Rest, config: Config, key: Check) -> None:
        self._rest = rest
        self._config = config
        self._key = key
        self._facts = Facts(rest, config.venues.kalshi)
        self._discovery = Discovery(rest, self._facts)
        self._listings: dict[Instrument, Listing] = {}
        self._shards: dict[int, bool] = {}
        self._funded: list[int] = []  # of those our markets are on

    async def examine(self) -> list[Check]:
        """Every check, in the order in which failures make the later ones moot."""
        checks = [await self._guarded("kalshi reached", self._reached), self._key]
        if not checks[0].passed:
            return checks
        checks.append(self._clock())
        checks += await self._markets()
        if not self._key.passed:
            return checks
        signed = await self._guarded("kalshi signature", self._signature)
        checks.append(signed)
        if not signed.passed:
            return checks
        checks.append(await self._guarded("kalshi key scopes", self._scopes))
        checks.append(await self._guarded("kalshi funds", self._funds))
        if all(one.passed for one in checks if one.needed):
            checks.append(await self._guarded("kalshi order group", self._group))
            checks.append(await self._guarded("kalshi dead man", self._dead_man))
        else:
            skipped = "not tried: a check before it failed"
            checks.append(Check("kalshi dead man", False, skipped, "mend the others first"))
        return checks

    async def _guarded(self, name: str, examine: Callable[[], Awaitable[Check]]) -> Check:
        try:
            return await examine()
        except TROUBLE as error:
            return Check(name, False, str(error), "see the message; try again when the venue answers")

    # ---- the venue

    async def _reached(self) -> Check:
        self._shards = parse_status(await self._rest.get("/exchange/status"))
        shut = [str(shard) for shard, trades in self._shards.items() if not trades]
        if not shut:
            return Check("kalshi reached", True, f"{len(self._shards)} shards trade")
        seen = f"shards {', '.join(shut)} do not trade now"
        return Check("kalshi reached", True, f"{seen} (Thursdays 03:00-05:00 New York time is a pause)")

    def _clock(self) -> Check:
        clock = self._rest.clock
        if not clock.measured:
            return Check("kalshi clock", False, "the venue told no time", "check the network")
        seen = f"the venue is {clock.offset_s:+.1f} s ahead, answers take {clock.round_trip_s * 1000:.0f} ms"
        remedy = "set this machine's clock (systemctl enable --now systemd-timesyncd)"
        return Check("kalshi clock", abs(clock.offset_s) <= CLOCK_MAX_S, seen, remedy)

    async def _markets(self) -> list[Check]:
        """Every configured market: it exists, its fees are explained, and it is the outcome it should be."""
        wanted = [
            (match.spec, listing)
            for match in self._config.matches
            for listing in match.spec.listings
            if listing.instrument.venue is Venue.KALSHI
        ]
        checks: list[Check] = []
        for spec, listing in wanted:
            ticker = listing.instrument.symbol
            name = f"kalshi market {ticker}"
            try:
                found = await self._facts.market(ticker)
            except TROUBLE as error:
                remedy = f"look at the instruments of match {spec.id}, or remove it"
                checks.append(Check(name, False, str(error), remedy, needed=False))
                continue
            self._listings[listing.instrument] = found
            ours = " or ".join(spec.outcomes[outcome] for outcome in listing.pays)
            alike = fuzz.token_set_ratio(ours.lower(), found.outcome.lower())
            fees = found.spec.fees
            seen = (
                f"{found.outcome!r} as {ours!r}, {found.state.value}, shard {found.shard}, "
                f"maker {fees.maker_rate / ONE:g}, taker {fees.taker_rate / ONE:g} of P(1-P)"
            )
            tie = ticker.endswith("-TIE")
            remedy = f"match {spec.id}: the outcome of {ticker} seems to be another one"
            checks.append(Check(name, tie or alike >= ALIKE_MIN, seen, remedy))
        if not wanted:
            checks.append(
                Check(
                    "kalshi markets", False, "no match is configured", "add one with the key a", needed=False
                )
            )
        return checks

    # ---- the account

    async def _signature(self) -> Check:
        name = "kalshi signature"
        try:
            limits = parse_limits(await self._rest.get("/account/limits"))
        except Refused as refused:
            remedy = "the key id and the key file must belong together and to this environment"
            if EXPIRED in refused.text:
                remedy = "set this machine's clock"
            return Check(name, False, refused.text, remedy)
        self._rest.told(limits)
        seen = (
            f"accepted; tier {limits.tier}: {limits.write_per_s} write and {limits.read_per_s} read tokens/s"
        )
        return Check(name, True, seen)

    async def _scopes(self) -> Check:
        name = "kalshi key scopes"
        body = await self._rest.get("/api_keys")
        try:
            told = msgspec.json.decode(body, type=_Keys)
        except UNREADABLE as error:
            raise ParseError("api keys listing", "", str(error)) from error
        assert self._rest.signer is not None, "there is a key"
        ours = next((key for key in told.api_keys if key.api_key_id == self._rest.signer.key_id), None)
        scopes = () if ours is None else ours.scopes
        writes = not scopes or any(scope == "write" or scope == "write::trade" for scope in scopes)
        if not writes:
            seen = f"scopes {', '.join(scopes)}: no orders"
            return Check(name, False, seen, "make a key with the scopes read and write")
        words, ends = ", ".join(scopes) or "all scopes", told.api_key_region_expiration_ts
        remedy = "attest your location in the venue's app: sports cannot be traded without it"
        if ends is None:
            return Check(name, False, f"{words}; location never attested", remedy, needed=False)
        until = datetime.fromtimestamp(ends, tz=UTC).isoformat()
        if ends <= time.time():
            return Check(name, False, f"location attestation ended {until}", remedy)
        return Check(name, True, f"{words}; location attested until {until}")

    async def _funds(self) -> Check:
        shards = parse_balance(await self._rest.get("/portfolio/balance"))
        used = sorted({listing.shard for listing in self._listings.values()}) or sorted(shards)
        seen = ", ".join(f"shard {shard}: ${decimal(shards.get(shard, 0), 6)[:-4]}" for shard in used)
        empty = [str(shard) for shard in used if shards.get(shard, 0) <= 0]
        self._funded = [shard for shard in used if shards.get(shard, 0) > 0]
        remedy = f"transfer collateral to shard {', '.join(empty)}: each shard stands alone"
        passed = not empty and bool(used)
        seen = seen or "no balance at all"
        return Check("kalshi funds", passed, seen, remedy, needed=not self._funded)

    async def _group(self) -> Check:
        """An order group can be made and removed: the backstop."""
        contracts = self._config.venues.kalshi.fill_backstop
        if not contracts:
            seen, remedy = "off (fill_backstop = 0)", "set venues.kalshi.fill_backstop"
            return Check("kalshi order group", False, seen, remedy, needed=False)
        shard = min(self._funded, default=0)
        group = parse_group(
            await self._rest.write("POST", f"{GROUPS}/create", render_group(contracts, shard))
        )
        await self._rest.write("DELETE", f"{GROUPS}/{group}?exchange_index={shard}")
        return Check("kalshi order group", True, f"pulls everything beyond {contracts} contracts in 15 s")

    async def _dead_man(self) -> Check:
        """A deep order rests and is cancelled; a second one, left alone, is gone by its end."""
        name = "kalshi dead man"
        found = await self._open_market()
        if found is None:
            return Check(name, False, "no market is open to prove it on", "try again when the venue trades")
        market, shard = found.instrument, found.shard
        first = await self._deep(market, shard, 60)
        if not await self._becomes(first.venue_order_id, rests=True):
            return Check(name, False, "a deep order was taken but is not listed", "look at the venue's site")
        await self._take_out(first)
        if not await self._becomes(first.venue_order_id, rests=False):
            return Check(name, False, "a cancelled order is still listed", "cancel it on the venue's site")
        second = await self._deep(market, shard, LEASE_S)
        began = time.monotonic()
        gone = await self._becomes(second.venue_order_id, rests=False)
        took = time.monotonic() - began
        if not gone:
            await self._take_out(second)
            seen = f"an order of {LEASE_S} s still rested after {took:.0f} s; it is cancelled now"
            return Check(name, False, seen, "do not leave orders alone there")
        seen = f"a deep order on {market.symbol} was cancelled; one left alone was gone after {took:.0f} s"
        return Check(name, True, seen)

    async def _open_market(self) -> Listing | None:
        """A market a deep order may rest on: a configured one, else any of the well-known series."""
        shards = parse_balance(await self._rest.get("/portfolio/balance"))

        def fits(market: Listing) -> bool:
            funded = shards.get(market.shard, 0) > 0
            return market.state is MarketState.OPEN and self._trades(market.shard) and funded

        for market in self._listings.values():
            if fits(market):
                return market
        for series in SERIES:
            for event in await self._discovery.open_events(series):
                for market in event.listings:
                    if fits(market):
                        return market
        return None

    def _trades(self, shard: int) -> bool:
        return self._shards.get(shard, True)

    async def _deep(self, market: Instrument, shard: int, lease_s: int) -> CancelEntry:
        """One contract bid at one cent, post-only."""
        command = PlaceOrder(
            order_id=ClientOrderId(f"doctor-{secrets.token_hex(8)}"),
            match=MatchId("doctor"),
            instrument=market,
            action=Action.BUY,
            price=Price(DEEP_CENTS * CENT),
            size=Size(ONE),
            ceiling=Price(DEEP_CENTS * CENT),
            ceiling_kind=CeilingKind.QUOTE,
            basis=Basis(0, 0, 0, 0, 0, "doctor"),
            expires=Nanos(self._rest.clock.now_ms() * 1_000_000 + lease_s * SECOND),
        )
        created = parse_created(await self._rest.write("POST", ORDERS, render_create(command, shard)))
        return CancelEntry(created.venue_order_id, market.symbol, shard)

    async def _take_out(self, entry: CancelEntry) -> None:
        request = await self._rest.prepared("DELETE", cancel_path(entry), b"")
        parse_changed(check(await self._rest.send(request, cancel=True)))

    async def _becomes(self, venue_order_id: str, *, rests: bool) -> bool:
        """Wait until the order is listed as resting, or as over."""
        until = time.monotonic() + LEASE_PATIENCE_S
        while time.monotonic() < until:
            try:
                body = await self._rest.get(f"/portfolio/orders/{venue_order_id}", cost=2)
                if parse_order(body).rests is rests:
                    return True
            except Refused:
                pass  # not listed yet: reads lag
            await asyncio.sleep(POLL_S)
        return False
