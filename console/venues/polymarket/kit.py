"""Polymarket from settings and keys: its public side, a trading key, and the two ends of a dry run."""

from __future__ import annotations

from collections.abc import Sequence

from console.config.read import Config
from console.keys import Keys
from console.venues.base.protocol import Check
from console.venues.polymarket.auth import credentials_of, wallet_of
from console.venues.polymarket.client import Polymarket, PolymarketPublic
from console.venues.polymarket.doctor import Doctor
from console.venues.polymarket.feed import MarketFeed
from console.venues.polymarket.rest import Addresses, Rest


def addresses(config: Config) -> Addresses:
    """The venue's own addresses, or those written in the settings."""
    table, own = config.venues.polymarket, Addresses()
    return Addresses(
        rest=table.rest or own.rest,
        gamma=table.gamma or own.gamma,
        positions=table.data or own.positions,
        market=table.stream or own.market,
        user=table.user_stream or own.user,
        geoblock=table.geoblock or own.geoblock,
    )


def public(config: Config) -> PolymarketPublic:
    """Market data alone."""
    where = addresses(config)
    rest = Rest(where)
    return PolymarketPublic(rest, MarketFeed(rest, where.market))


def trading(config: Config, keys: Keys) -> Polymarket:
    """A key that trades; raises KeyMissing and CredentialError."""
    table, where = config.venues.polymarket, addresses(config)
    wallet = wallet_of(keys, table.signature_type, session=table.session_signer)
    rest = Rest(where)
    return Polymarket(rest, MarketFeed(rest, where.market), wallet, credentials_of(keys), where)


def dry(config: Config, keys: Keys) -> tuple[PolymarketPublic, Polymarket]:
    """Market data, and what writes orders on those markets without sending them."""
    trader = trading(config, keys)
    return PolymarketPublic(trader.rest, trader.feed, trader.prepare), trader


async def examine(config: Config, keys: Keys) -> Sequence[Check]:
    """Everything that real orders wait for."""
    return await Doctor(config.venues.polymarket, addresses(config), keys).examine()
