"""The wallets that belong to a key, by the addresses their factories give them (CREATE2)."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from console.venues.polymarket.hashing import address_word, checksummed, keccak256

_PROXY_FACTORY: Final = bytes.fromhex("aB45c5A4B0c941a2F231C04C3f49182e1A254052")
_PROXY_CODE: Final = bytes.fromhex("d21df8dc65880a8606f09fe0ce3df9b8869287ab0b058be05aa9e8af6330a00b")
_SAFE_FACTORY: Final = bytes.fromhex("aacFeEa03eb1561C4e67d661e40682Bd20E3541b")
_SAFE_CODE: Final = bytes.fromhex("2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf")
_DEPOSIT_FACTORY: Final = bytes.fromhex("00000000000Fb5C9ADea0298D729A0CB3823Cc07")
_BEACON_CODE: Final = bytes.fromhex(
    "6100923d8160233d3973"
    "7A18EDfe055488A3128f01F563e5B479D92ffc3a"
    "60195155f3363d3d373d3d363d602036600436635c60da"
    "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)
_UUPS_CODE: Final = bytes.fromhex(
    "61007d3d8160233d3973"
    "58CA52ebe0DadfdF531Cde7062e76746de4Db1eB"
    "6009"
    "5155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076"
    "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3"
)


class Wallets(Struct, frozen=True):
    """Every wallet a key may own; which deposit wallet is current only the chain can tell."""

    proxy: str
    safe: str
    deposit_beacon: str
    deposit_uups: str


def wallets_of(owner: str) -> Wallets:
    """The addresses derived from an owner's address."""
    padded = address_word(owner)
    arguments = bytes(12) + _DEPOSIT_FACTORY + padded
    salt = keccak256(arguments)
    return Wallets(
        proxy=_create2(_PROXY_FACTORY, keccak256(padded[12:]), _PROXY_CODE),
        safe=_create2(_SAFE_FACTORY, keccak256(padded), _SAFE_CODE),
        deposit_beacon=_create2(_DEPOSIT_FACTORY, salt, keccak256(_BEACON_CODE + arguments)),
        deposit_uups=_create2(_DEPOSIT_FACTORY, salt, keccak256(_UUPS_CODE + arguments)),
    )


def _create2(factory: bytes, salt: bytes, code_hash: bytes) -> str:
    return checksummed(keccak256(b"\xff" + factory + salt + code_hash)[12:])
