"""What the venue recomputes of an order: its digest, and the address whose key signed it."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak
from msgspec import Struct

CHAIN = 137
ORDER = (
    "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    "uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
TYPED = (
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,"
    f"bytes32 salt){ORDER}"
)
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
AUTH_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId)"
AUTH = "ClobAuth(address address,string timestamp,uint256 nonce,string message)"
ATTEST = "This message attests that I control the given wallet"
CONTRACTS = {  # by (neg risk, protocol v2)
    (False, False): ("2", "0xE111180000d2663C0091e4f400237545B87B996B"),
    (True, False): ("2", "0xe2222d279d744050d28e00520010520000310F59"),
    (False, True): ("3", "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
    (True, True): ("3", "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
}
PROXY = "aB45c5A4B0c941a2F231C04C3f49182e1A254052"
PROXY_CODE = "d21df8dc65880a8606f09fe0ce3df9b8869287ab0b058be05aa9e8af6330a00b"
SAFE = "aacFeEa03eb1561C4e67d661e40682Bd20E3541b"
SAFE_CODE = "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"
DEPOSIT = "00000000000Fb5C9ADea0298D729A0CB3823Cc07"
BEACON = (
    "6100923d8160233d39737A18EDfe055488A3128f01F563e5B479D92ffc3a"
    "60195155f3363d3d373d3d363d602036600436635c60da1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)
UUPS = (
    "61007d3d8160233d397358CA52ebe0DadfdF531Cde7062e76746de4Db1eB"
    "60095155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076"
    "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3"
)


class BadSignature(Exception):
    """A signature that is none, or of somebody else."""


class Wire(Struct, frozen=True, rename="camel"):
    """An order as it is posted."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: str
    expiration: str
    signature_type: int
    timestamp: str
    metadata: str
    builder: str
    signature: str


def k256(data: bytes | str) -> bytes:
    """Keccak-256."""
    text = data.encode() if isinstance(data, str) else data
    return keccak.new(digest_bits=256).update(text).digest()


def u256(value: int | str) -> bytes:
    """A number, or hexadecimal text, as one word."""
    number = int(value, 16) if isinstance(value, str) else value
    return number.to_bytes(32, "big")


def address(public: bytes) -> str:
    """The address of a public key of 65 bytes, mixed case."""
    return mixed(k256(public[1:])[-20:])


def mixed(raw: bytes) -> str:
    """An address in the spelling that proves itself."""
    low = raw.hex()
    marks = k256(low).hex()
    return "0x" + "".join(c.upper() if m in "89abcdef" else c for c, m in zip(low, marks, strict=False))


def domain(neg_risk: bool, protocol_v2: bool) -> bytes:
    """The domain separator of the contract a token trades on."""
    version, contract = CONTRACTS[neg_risk, protocol_v2]
    head = k256(DOMAIN) + k256("Polymarket CTF Exchange") + k256(version)
    return k256(head + u256(CHAIN) + u256(contract))


def struct_hash(order: Wire) -> bytes:
    """The order without its domain; raises ValueError for fields that are no numbers."""
    words = [
        u256(order.salt),
        u256(order.maker),
        u256(order.signer),
        u256(int(order.token_id)),
        u256(int(order.maker_amount)),
        u256(int(order.taker_amount)),
        u256({"BUY": 0, "SELL": 1}[order.side]),
        u256(order.signature_type),
        u256(int(order.timestamp)),
        u256(order.metadata),
        u256(order.builder),
    ]
    return k256(k256(ORDER) + b"".join(words))


def digest(order: Wire, separator: bytes) -> bytes:
    """What names an order."""
    return k256(b"\x19\x01" + separator + struct_hash(order))


def signer_of(order: Wire, separator: bytes) -> str:
    """The address whose key signed an order, by whichever way its wallet signs; raises BadSignature."""
    try:
        raw = bytes.fromhex(order.signature.removeprefix("0x"))
        if order.signature_type != 3:
            return recovered(k256(b"\x19\x01" + separator + struct_hash(order)), raw)
        return recovered(*_nested(order, separator, raw))
    except (ValueError, KeyError) as error:
        raise BadSignature(str(error)) from error


def _nested(order: Wire, separator: bytes, raw: bytes) -> tuple[bytes, bytes]:
    """(what was signed, signature) of a deposit wallet's order, a session signer's wrapping taken off."""
    if raw.endswith(bytes.fromhex("6492" * 16)):
        length = int.from_bytes(raw[96:128], "big")
        raw = raw[128 : 128 + length]
    contents = struct_hash(order)
    tail = separator + contents + ORDER.encode() + len(ORDER).to_bytes(2, "big")
    if raw[65:] != tail:
        raise BadSignature("the order type does not stand behind the signature")
    names = k256("DepositWallet") + k256("1")
    inner = k256(k256(TYPED) + contents + names + u256(CHAIN) + u256(order.maker) + bytes(32))
    return k256(b"\x19\x01" + separator + inner), raw[:65]


def recovered(signed: bytes, signature: bytes) -> str:
    """The address behind a signature of 65 bytes; raises BadSignature."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise BadSignature("not 65 bytes that end in 27 or 28")
    try:
        key = PublicKey.from_signature_and_message(
            signature[:64] + bytes((signature[64] - 27,)), signed, hasher=None
        )
    except ValueError as error:
        raise BadSignature(str(error)) from error
    return address(key.format(compressed=False))


def attested(headers: Mapping[str, str]) -> str:
    """The address that L1 headers prove; raises BadSignature."""
    claimed = headers.get("POLY_ADDRESS", "")
    try:
        separator = k256(k256(AUTH_DOMAIN) + k256("ClobAuthDomain") + k256("1") + u256(CHAIN))
        struct = k256(
            k256(AUTH)
            + u256(claimed)
            + k256(headers.get("POLY_TIMESTAMP", ""))
            + u256(int(headers.get("POLY_NONCE", "0")))
            + k256(ATTEST)
        )
        raw = bytes.fromhex(headers.get("POLY_SIGNATURE", "").removeprefix("0x"))
    except ValueError as error:
        raise BadSignature(str(error)) from error
    found = recovered(k256(b"\x19\x01" + separator + struct), raw)
    if found.lower() != claimed.lower():
        raise BadSignature("signed by another key")
    return found


def hmac_text(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """What POLY_SIGNATURE must be; raises ValueError for a secret that is none."""
    try:
        key = base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    made = hmac.new(key, f"{timestamp}{method}{path}".encode() + body, "sha256")
    return base64.urlsafe_b64encode(made.digest()).decode()


def key_address(secret: str) -> str:
    """The address of a private key in hexadecimal."""
    return address(PrivateKey(bytes.fromhex(secret.removeprefix("0x"))).public_key.format(compressed=False))


def wallets(owner: str) -> dict[int, tuple[str, ...]]:
    """The wallets an owner may have, by signature type."""
    raw = bytes.fromhex(owner[2:])
    padded = raw.rjust(32, b"\0")
    arguments = bytes.fromhex(DEPOSIT).rjust(32, b"\0") + padded

    codes = [bytes.fromhex(code) for code in (BEACON, UUPS)]

    def create2(factory: str, salt: bytes, code: bytes) -> str:
        return mixed(k256(b"\xff" + bytes.fromhex(factory) + salt + code)[-20:])

    return {
        0: (owner,),
        1: (create2(PROXY, k256(raw), bytes.fromhex(PROXY_CODE)),),
        2: (create2(SAFE, k256(padded), bytes.fromhex(SAFE_CODE)),),
        3: tuple(create2(DEPOSIT, k256(arguments), k256(code + arguments)) for code in codes),
    }
