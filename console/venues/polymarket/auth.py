"""Who we are to the venue: headers signed by the wallet (L1) to get an API key, and by the API key (L2)."""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE, Complaint
from console.keys import Keys
from console.venues.polymarket.hashing import address_word
from console.venues.polymarket.signing import SignatureType, Wallet
from console.venues.polymarket.wallets import wallets_of


class CredentialError(Complaint):
    """A key, address or secret that cannot be used; never shows it."""


class Credentials(Struct, frozen=True):
    """An API key. Its repr shows nothing of it."""

    key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "<API key>"


class ApiKeyReply(Struct, frozen=True, rename="camel"):
    """``POST /auth/api-key`` and ``GET /auth/derive-api-key``."""

    api_key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "<API key>"


class L2:
    """Signs requests about the account. The HMAC key is decoded once."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        """`address` is the signing key's own, for every kind of wallet; raises CredentialError."""
        self.owner = credentials.key
        self.credentials = credentials
        self._address = address
        self._secret = _decoded(credentials.secret)

    def headers(self, timestamp_s: int, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        """Headers for one request; `path` without its query, `body` to the byte as it is sent."""
        text = f"{timestamp_s}{method}{path}".encode() + body
        signature = base64.urlsafe_b64encode(hmac.digest(self._secret, text, "sha256")).decode()
        return {
            "POLY_ADDRESS": self._address,
            "POLY_SIGNATURE": signature,
            "POLY_TIMESTAMP": str(timestamp_s),
            "POLY_API_KEY": self.owner,
            "POLY_PASSPHRASE": self.credentials.passphrase,
        }


def l1_headers(wallet: Wallet, timestamp_s: int, nonce: int = 0) -> dict[str, str]:
    """Headers signed by the wallet's key."""
    return {
        "POLY_ADDRESS": wallet.address,
        "POLY_SIGNATURE": wallet.sign_auth(timestamp_s, nonce),
        "POLY_TIMESTAMP": str(timestamp_s),
        "POLY_NONCE": str(nonce),
    }


def parse_api_key(body: bytes) -> Credentials:
    """Read a made or derived API key; raises CredentialError without showing the answer."""
    try:
        reply = msgspec.json.decode(body, type=ApiKeyReply)
    except UNREADABLE:
        raise CredentialError("polymarket: the answer to the request for an API key cannot be read") from None
    return Credentials(reply.api_key, reply.secret, reply.passphrase)


def wallet_of(keys: Keys, kind: int, *, session: bool = False) -> Wallet:
    """The wallet that POLY_PRIVATE_KEY and POLY_FUNDER name; raises KeyMissing and CredentialError.

    Proxies and Safes are derived where POLY_FUNDER is not set; a deposit wallet must be named, because two
    generations of them are derived and only the chain knows which is current.
    """
    secret, funder = keys.need("POLY_PRIVATE_KEY"), keys.find("POLY_FUNDER")
    wanted = SignatureType(kind)
    if funder is None and wanted is SignatureType.DEPOSIT:
        keys.need("POLY_FUNDER")
    try:
        address = funder.reveal() if funder is not None else ""
        if address:
            address_word(address)
    except ValueError:
        raise CredentialError("POLY_FUNDER is not an address: 0x and 40 hexadecimal digits") from None
    try:
        wallet = Wallet(secret.reveal(), wanted, address, session=session)
        if not address and wanted in (SignatureType.PROXY, SignatureType.SAFE):
            derived = wallets_of(wallet.address)
            wallet = Wallet(
                secret.reveal(), wanted, derived.proxy if wanted is SignatureType.PROXY else derived.safe
            )
    except ValueError:
        raise CredentialError("POLY_PRIVATE_KEY is not a private key: 64 hexadecimal digits") from None
    return wallet


def credentials_of(keys: Keys) -> Credentials | None:
    """The API key kept beside the wallet's, or None when it is to be derived from it."""
    parts = [keys.find(name) for name in ("POLY_API_KEY", "POLY_API_SECRET", "POLY_PASSPHRASE")]
    key, secret, passphrase = parts
    if key is None and secret is None and passphrase is None:
        return None
    if key is None or secret is None or passphrase is None:
        raise CredentialError(
            "POLY_API_KEY, POLY_API_SECRET and POLY_PASSPHRASE belong together: set all or none of them"
        )
    return Credentials(key.reveal(), secret.reveal(), passphrase.reveal())


def _decoded(secret: str) -> bytes:
    """Some secrets are stored without their padding."""
    try:
        return base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))
    except (binascii.Error, ValueError):
        raise CredentialError("POLY_API_SECRET is not base64url text") from None
