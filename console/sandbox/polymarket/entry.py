"""Order entry: everything the venue checks of a posted order, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from console.core.instruments import MarketState
from console.core.units import CENT, ONE
from console.sandbox.polymarket.crypto import BadSignature, Wire, digest, domain, signer_of, wallets
from console.sandbox.polymarket.ledger import Order
from console.sandbox.polymarket.listing import Listing, on_grid
from console.sandbox.polymarket.spelling import text

SIZE_MIN = 5 * ONE
AMOUNT_DECIMALS = {100_000: 3, 10_000: 4, 5_000: 5, 2_500: 6, 1_000: 5, 100: 6}
KINDS = ("GTC", "GTD", "FOK", "FAK")
PAYLOAD = "Invalid order payload"
OWNER = "the order owner has to be the owner of the API KEY"
SIGNER = "the order signer address has to be the address of the API KEY"
NO_BOOK = "No orderbook exists for the requested token id"
NOT_READY = "the market is not yet ready to process new orders"
MARKET_BUY = (
    "invalid amounts, the market buy orders maker amount supports a max accuracy of 2 decimals, "
    "taker amount a max of 4 decimals"
)


class Refusal(Exception):
    """An order that is not taken."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Posted(msgspec.Struct, frozen=True):
    """What one entry of a request says."""

    order: Order
    post_only: bool


def read_order(
    body: dict[str, Any],
    *,
    owner: str,
    address: str,
    listings: dict[str, Listing],
    known: Mapping[str, Order],
    now_s: int,
) -> Posted:
    """Check one posted order as far as it stands by itself; raises Refusal."""
    try:
        wire = msgspec.convert(body["order"], Wire)
        kind, post_only = str(body["orderType"]), bool(body.get("postOnly", False))
        deferred = body.get("deferExec", False)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise Refusal(400, PAYLOAD) from error
    if kind not in KINDS or deferred or (post_only and kind in ("FOK", "FAK")) or not 0 <= wire.salt < 2**53:
        raise Refusal(400, PAYLOAD)
    if body.get("owner") != owner:
        raise Refusal(400, OWNER)
    listing = listings.get(wire.token_id)
    if listing is None:
        raise Refusal(404, NO_BOOK)
    _check_signer(wire, address, listing)
    name = "0x" + digest(wire, domain(listing.neg_risk, listing.protocol_v2)).hex()
    if name in known:
        raise Refusal(400, f"order {name} is invalid. Duplicated.")
    if listing.state is not MarketState.OPEN:
        raise Refusal(400, NOT_READY)
    if kind == "GTD" and int(wire.expiration) < now_s + 60:
        raise Refusal(400, "invalid expiration")
    price, size = _priced(wire, kind, name, listing)
    outcome = listing.outcome_of(wire.token_id)
    return Posted(Order(name, listing, outcome, wire.side, price, size, kind, now_s, wire.maker), post_only)


def _check_signer(wire: Wire, address: str, listing: Listing) -> None:
    expected = wire.maker if wire.signature_type == 3 else address
    if wire.signer.lower() != expected.lower():
        raise Refusal(400, SIGNER)
    mine = {wallet.lower() for wallet in wallets(address).get(wire.signature_type, ())}
    try:
        signer = signer_of(wire, domain(listing.neg_risk, listing.protocol_v2))
    except BadSignature as error:
        raise Refusal(400, PAYLOAD) from error
    if wire.maker.lower() not in mine or signer.lower() != address.lower():
        raise Refusal(400, PAYLOAD)


def _priced(wire: Wire, kind: str, name: str, listing: Listing) -> tuple[int, int]:
    """Price and size out of the two amounts, in the accuracy the venue allows; raises Refusal."""
    try:
        maker, taker = int(wire.maker_amount), int(wire.taker_amount)
    except ValueError as error:
        raise Refusal(400, PAYLOAD) from error
    if maker <= 0 or taker <= 0 or wire.side not in ("BUY", "SELL"):
        raise Refusal(400, PAYLOAD)
    dollars, shares = (maker, taker) if wire.side == "BUY" else (taker, maker)
    market = kind in ("FOK", "FAK")
    if wire.side == "BUY" and market:
        if dollars % CENT or shares % 100:
            raise Refusal(400, MARKET_BUY)
        price = -(-dollars * ONE // shares) // listing.tick * listing.tick  # cut shares lift it a hair
    else:
        price = _exact_price(wire.side, dollars, shares, listing)
    if not on_grid(price, listing.tick):
        words = f"Price ({text(price)}) breaks minimum tick size rule: {text(listing.tick)}"
        raise Refusal(400, f"order {name} is invalid. {words}")
    if not market and shares < SIZE_MIN:
        raise Refusal(400, f"order {name} is invalid. Size ({text(shares)}) lower than the minimum: 5")
    return price, shares


def _exact_price(side: str, dollars: int, shares: int, listing: Listing) -> int:
    decimals = AMOUNT_DECIMALS[listing.tick]
    if side == "BUY" and (shares % CENT or dollars % 10 ** (6 - decimals)):
        raise Refusal(
            400,
            f"invalid amounts, the buy orders maker amount supports a max accuracy of {decimals} decimals, "
            "taker amount a max of 2 decimals",
        )
    price = round(dollars * ONE / shares)
    if dollars * ONE != price * shares:
        size = shares // CENT * CENT
        raise Refusal(
            400,
            f"invalid amounts, the taker amount for a ${text(price)} order of size {text(size)} should be "
            f"'{text(size * price // ONE)}' but the value submited is '{text(dollars)}'.",
        )
    return price
