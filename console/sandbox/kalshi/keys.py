"""Test keys of both kinds, kept in files of mode 600, and the check of what they sign."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from console.core.complaint import Complaint
from console.sandbox.kalshi.errors import ApiError
from console.sandbox.kalshi.spelling import named

LATE_MS: Final = 10_000  # how old a stamp may be
EARLY_MS: Final = 30_000  # and how far ahead
_PSS: Final = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
_Private = RSAPrivateKey | Ed25519PrivateKey


class KeysError(Complaint):
    """Test keys that cannot be kept or read."""


class TestKey:
    """One key pair and the id it is known by."""

    __test__ = False

    def __init__(self, private: _Private, path: Path) -> None:
        self.path = path
        self._public = private.public_key()
        public = self._public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key_id = named("key", public.hex())
        self.kind = "rsa" if isinstance(private, RSAPrivateKey) else "ed25519"

    def signed(self, signature: bytes, text: bytes) -> bool:
        """Whether the signature is ours over the text; any salt length will do."""
        try:
            if isinstance(self._public, rsa.RSAPublicKey):
                self._public.verify(signature, text, _PSS, hashes.SHA256())
            else:
                self._public.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Gatekeeper:
    """Knows the keys and lets in what they signed."""

    def __init__(self, folder: Path, now_ms: Callable[[], int]) -> None:
        """Keys found in the folder are used again, so that a client keeps its own over restarts."""
        self._now_ms = now_ms
        self.keys = [_kept(folder / "rsa.pem", _make_rsa), _kept(folder / "ed25519.pem", _make_ed25519)]
        self._by_id = {key.key_id: key for key in self.keys}

    def check(self, headers: Mapping[str, str], method: str, path: str) -> str:
        """The id of the key that signed; raises ApiError 401 as the venue words it."""
        key_id = headers.get("KALSHI-ACCESS-KEY", "")
        stamp = headers.get("KALSHI-ACCESS-TIMESTAMP", "")
        signature = headers.get("KALSHI-ACCESS-SIGNATURE", "")
        if not (key_id and stamp and signature):
            raise ApiError(401, "signature_is_missing_from_headers")
        key = self._by_id.get(key_id)
        if key is None:
            raise ApiError(401, "authentication_error", "NOT_FOUND")
        if not stamp.isdigit() or not -EARLY_MS <= self._now_ms() - int(stamp) <= LATE_MS:
            raise ApiError(401, "header_timestamp_expired")
        try:
            raw = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not key.signed(raw, f"{stamp}{method}{path}".encode()):
            raise ApiError(401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE")
        return key_id


def _kept(path: Path, make: Callable[[], bytes]) -> TestKey:
    try:
        if not path.is_file():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(make())
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeysError(f"{path}: test keys cannot be kept there: {error}") from error
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise KeysError(f"{path}: neither an RSA nor an Ed25519 key")
    return TestKey(private, path)


def _make_rsa() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,  # as the venue hands them out
        serialization.NoEncryption(),
    )


def _make_ed25519() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
