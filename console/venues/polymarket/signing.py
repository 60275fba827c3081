"""Signed orders: four kinds of wallet, one digest that is the order's id before it is sent."""

from __future__ import annotations

import enum
from typing import Final

from coincurve import PrivateKey
from msgspec import Struct

from console.venues.polymarket.hashing import (
    ORDER_TYPE,
    ORDER_TYPE_HASH,
    POLYGON,
    ZERO,
    Exchange,
    address_word,
    checksummed,
    clob_auth_digest,
    keccak256,
    nested_digest,
    word,
)

_TAIL: Final = ORDER_TYPE + len(ORDER_TYPE).to_bytes(2, "big")
_ERC6492: Final = bytes.fromhex("6492" * 16)
_PREFIX: Final = b"\x19\x01"


class SignatureType(enum.IntEnum):
    """How the venue checks a signature."""

    EOA = 0  # the wallet is the key itself
    PROXY = 1  # old e-mail wallets
    SAFE = 2  # old browser-wallet accounts
    DEPOSIT = 3  # deposit wallets, what new accounts have


class OrderSide(enum.IntEnum):
    """Of an order, as it is hashed; its name is what the wire says."""

    BUY = 0
    SELL = 1


class Unsigned(Struct, frozen=True, gc=False):
    """An order but for whose it is. Amounts in millionths; `salt` below 2^53: it travels as a JSON number."""

    salt: int
    token: int
    maker_amount: int
    taker_amount: int
    side: OrderSide
    timestamp_ms: int
    metadata: bytes = ZERO
    builder: bytes = ZERO


class Signed(Struct, frozen=True, gc=False):
    """A signed order: its id (the digest) and the signature as the wire carries it, both with ``0x``."""

    order_id: str
    signature: str


class Wallet:
    """A key and the wallet it trades for. Everything that does not change between orders is kept."""

    def __init__(
        self,
        secret: str,
        kind: SignatureType,
        funder: str = "",
        *,
        session: bool = False,
        chain: int = POLYGON,
    ) -> None:
        """`secret`: private key in hex. `funder`: the wallet that pays, the key's own address if empty.

        `session`: the key is a session signer registered for the deposit wallet `funder`.
        Raises ValueError for a key or address that is none.
        """
        plain = bytes.fromhex(secret.removeprefix("0x"))
        if len(plain) != 32:
            raise ValueError("a private key has 32 bytes")
        self._key = PrivateKey(plain)
        self.address = address_of(self._key.public_key.format(compressed=False))
        self.kind = kind
        self.chain = chain
        self.maker = checksummed(address_word(funder)[12:]) if funder else self.address
        self.signer = self.maker if kind is SignatureType.DEPOSIT else self.address
        self._maker_word = address_word(self.maker)
        self._owners = self._maker_word + address_word(self.signer)
        self._kind_word = word(kind)
        self._session = (bytes(12) + address_word(self.address)[12:]) if session else b""

    def order_id(self, order: Unsigned, exchange: Exchange) -> str:
        """The id the venue will know an order by, without signing it."""
        return "0x" + keccak256(_PREFIX + exchange.separator + self._struct(order)).hex()

    def sign(self, order: Unsigned, exchange: Exchange) -> Signed:
        """Sign an order for a contract."""
        contents = self._struct(order)
        digest = keccak256(_PREFIX + exchange.separator + contents)
        if self.kind is not SignatureType.DEPOSIT:
            return Signed("0x" + digest.hex(), "0x" + self._sign(digest).hex())
        nested = self._sign(nested_digest(exchange, contents, self._maker_word))
        wire = nested + exchange.separator + contents + _TAIL
        return Signed("0x" + digest.hex(), "0x" + (self._wrapped(wire) if self._session else wire).hex())

    def sign_auth(self, timestamp_s: int, nonce: int) -> str:
        """The signature of the L1 headers, which make or derive an API key."""
        return "0x" + self._sign(clob_auth_digest(self.address, timestamp_s, nonce, self.chain)).hex()

    def _struct(self, order: Unsigned) -> bytes:
        return keccak256(
            b"".join(
                (
                    ORDER_TYPE_HASH,
                    order.salt.to_bytes(32, "big"),
                    self._owners,
                    order.token.to_bytes(32, "big"),
                    order.maker_amount.to_bytes(32, "big"),
                    order.taker_amount.to_bytes(32, "big"),
                    order.side.to_bytes(32, "big"),
                    self._kind_word,
                    order.timestamp_ms.to_bytes(32, "big"),
                    order.metadata,
                    order.builder,
                )
            )
        )

    def _sign(self, digest: bytes) -> bytes:
        """r, s and v (27 or 28): deterministic (RFC 6979), s low."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((27 + signature[64],))

    def _wrapped(self, wire: bytes) -> bytes:
        """The signature of a session signer: ABI-encoded with who it is, marked at the end."""
        padded = wire + bytes(-len(wire) % 32)
        return self._session + ZERO + word(96) + word(len(wire)) + padded + _ERC6492


def address_of(public_key: bytes) -> str:
    """The address of an uncompressed public key of 65 bytes."""
    return checksummed(keccak256(public_key[1:])[12:])
