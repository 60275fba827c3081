"""EIP-712 by hand: every field is one 32-byte word, so a struct is Keccak-256 of a row of words."""

from __future__ import annotations

from typing import Final

from Crypto.Hash import keccak
from msgspec import Struct

ORDER_TYPE: Final = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
    b"uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AUTH_DOMAIN_TYPE: Final = b"EIP712Domain(string name,string version,uint256 chainId)"
_AUTH_TYPE: Final = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_NESTED_TYPE: Final = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,"
    b"address verifyingContract,bytes32 salt)" + ORDER_TYPE
)
_EXCHANGE_NAME: Final = b"Polymarket CTF Exchange"
_AUTH_MESSAGE: Final = b"This message attests that I control the given wallet"
ZERO: Final = bytes(32)

POLYGON: Final = 137
AMOY: Final = 80002


def keccak256(text: bytes) -> bytes:
    """Keccak-256, which is not the SHA3-256 of hashlib."""
    return keccak.new(digest_bits=256, data=text).digest()


def word(number: int) -> bytes:
    """A number as 32 bytes, big end first."""
    return number.to_bytes(32, "big")


def address_word(address: str) -> bytes:
    """An address as a word; raises ValueError for text that is none."""
    plain = bytes.fromhex(address.removeprefix("0x"))
    if len(plain) != 20:
        raise ValueError(f"not an address: {address!r}")
    return bytes(12) + plain


def checksummed(address: bytes) -> str:
    """20 bytes as the mixed-case text that the venue compares with (EIP-55)."""
    plain = address.hex()
    digest = keccak256(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(plain, digest, strict=False))


ORDER_TYPE_HASH: Final = keccak256(ORDER_TYPE)
NESTED_TYPE_HASH: Final = keccak256(_NESTED_TYPE)
_AUTH_TYPE_HASH: Final = keccak256(_AUTH_TYPE)
_NESTED_NAME: Final = keccak256(b"DepositWallet") + keccak256(b"1")


def domain_separator(version: str, chain: int, contract: str) -> bytes:
    """The exchange's EIP-712 domain: version ``2`` (two contracts) or ``3``."""
    return keccak256(
        keccak256(_DOMAIN_TYPE)
        + keccak256(_EXCHANGE_NAME)
        + keccak256(version.encode())
        + word(chain)
        + address_word(contract)
    )


def digest_of(separator: bytes, struct_hash: bytes) -> bytes:
    """What is signed: the struct within its domain."""
    return keccak256(b"\x19\x01" + separator + struct_hash)


def clob_auth_digest(address: str, timestamp_s: int, nonce: int, chain: int = POLYGON) -> bytes:
    """What the wallet signs to make or derive an API key."""
    separator = keccak256(
        keccak256(_AUTH_DOMAIN_TYPE) + keccak256(b"ClobAuthDomain") + keccak256(b"1") + word(chain)
    )
    struct = keccak256(
        _AUTH_TYPE_HASH
        + address_word(address)
        + keccak256(str(timestamp_s).encode())
        + word(nonce)
        + keccak256(_AUTH_MESSAGE)
    )
    return digest_of(separator, struct)


class Exchange(Struct, frozen=True):
    """One verifying contract: what orders for its tokens are signed for."""

    contract: str
    version: str
    chain: int
    separator: bytes


def _exchange(version: str, chain: int, contract: str) -> Exchange:
    return Exchange(contract, version, chain, domain_separator(version, chain, contract))


_EXCHANGES: Final = {  # by chain: V2, V2 neg risk, V3
    POLYGON: (
        _exchange("2", POLYGON, "0xE111180000d2663C0091e4f400237545B87B996B"),
        _exchange("2", POLYGON, "0xe2222d279d744050d28e00520010520000310F59"),
        _exchange("3", POLYGON, "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
    ),
    AMOY: (
        _exchange("2", AMOY, "0xE111180000d2663C0091e4f400237545B87B996B"),
        _exchange("2", AMOY, "0xe2222d279d744050d28e00520010520000310F59"),
        _exchange("3", AMOY, "0x9fE6e61422AdB6F610d8597F9684b16912D50C3D"),
    ),
}


def exchange_for(*, neg_risk: bool, protocol_v2: bool, chain: int = POLYGON) -> Exchange:
    """The contract a token trades on. Protocol V2 positions have one, whether neg risk or not."""
    plain, neg, third = _EXCHANGES[chain]
    return third if protocol_v2 else neg if neg_risk else plain


def nested_digest(exchange: Exchange, contents: bytes, wallet: bytes) -> bytes:
    """What the owner of a deposit wallet signs (ERC-7739); `wallet` is its address as a word."""
    inner = keccak256(NESTED_TYPE_HASH + contents + _NESTED_NAME + word(exchange.chain) + wallet + ZERO)
    return digest_of(exchange.separator, inner)


def is_protocol_v2(token: int) -> bool:
    """Whether a token id is a position of protocol V2: module, condition and outcome in one number."""
    return token & ((2**64 - 1) << 40) == 0


def position_parts(token: int) -> tuple[str, int]:
    """(condition id, outcome 0 or 1) of a protocol V2 position; raises ValueError for any other token."""
    text = word(token)
    if not is_protocol_v2(token) or text[0] not in (1, 2, 3) or text[31] > 1:
        raise ValueError(f"not a protocol V2 position: {token}")
    return "0x" + text[:31].hex(), text[31]
