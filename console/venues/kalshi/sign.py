"""Signatures of requests: RSA-PSS or Ed25519 over time, method and path, ahead of time where possible."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from console.core.complaint import Complaint

KEY_ID: Final = "KALSHI_KEY_ID"
KEY_FILE: Final = "KALSHI_PRIVATE_KEY_PATH"
READY_MAX_AGE_MS: Final = 1500  # the venue takes 5 s; older than this, a signature is made anew
READY: Final = 8  # signatures kept ready for the path of new orders
_PSS: Final = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class KeyUnusable(Complaint):
    """The private key cannot sign; one line."""


class Signer:
    """One key, loaded once. `now_ms` is the venue's clock as well as we know it."""

    def __init__(self, key_id: str, pem: bytes, now_ms: Callable[[], int]) -> None:
        """`pem`: PKCS#1 or PKCS#8, RSA or Ed25519; raises KeyUnusable for anything else."""
        self.key_id = key_id
        self._now_ms = now_ms
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyUnusable(f"{KEY_FILE}: not an unencrypted private key in PEM form") from None
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise KeyUnusable(f"{KEY_FILE}: the key is neither RSA nor Ed25519")
        self._key = key
        self.slow = isinstance(key, RSAPrivateKey)  # a quarter of a millisecond: not on the loop

    def headers(self, method: str, path: str) -> dict[str, str]:
        """The headers that sign a request; `path` from the root, its query is not signed."""
        stamp = str(self._now_ms())
        signed = (stamp + method + path.partition("?")[0]).encode()
        if isinstance(self._key, RSAPrivateKey):
            signature = self._key.sign(signed, _PSS, hashes.SHA256())
        else:
            signature = self._key.sign(signed)
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    async def signed(self, method: str, path: str) -> dict[str, str]:
        """The same off the event loop where the key is slow."""
        if not self.slow:
            return self.headers(method, path)
        return await asyncio.get_running_loop().run_in_executor(None, self.headers, method, path)


class Ready:
    """Signatures for one method and path, made before they are needed; each is used once."""

    def __init__(self, signer: Signer, method: str, path: str, now_ms: Callable[[], int]) -> None:
        self._signer = signer
        self._method = method
        self._path = path
        self._now_ms = now_ms
        self._made: deque[tuple[int, Mapping[str, str]]] = deque()
        self._wake = asyncio.Event()

    def take(self) -> Mapping[str, str] | None:
        """One that is fresh, None when there is none left."""
        now = self._now_ms()
        while self._made:
            stamp, headers = self._made.popleft()
            if 0 <= now - stamp <= READY_MAX_AGE_MS:
                self._wake.set()
                return headers
        self._wake.set()
        return None

    async def run(self) -> None:
        """Keep some ready until cancelled."""
        while True:
            now = self._now_ms()
            while self._made and not 0 <= now - self._made[0][0] <= READY_MAX_AGE_MS // 2:
                self._made.popleft()
            while len(self._made) < READY:
                headers = await self._signer.signed(self._method, self._path)
                self._made.append((int(headers["KALSHI-ACCESS-TIMESTAMP"]), headers))
            self._wake.clear()
            try:
                async with asyncio.timeout(READY_MAX_AGE_MS / 4000):
                    await self._wake.wait()
            except TimeoutError:
                continue
