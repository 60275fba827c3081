"""Signatures: what is signed, by which kind of key, made ahead of time and used once."""

from __future__ import annotations

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.venues.kalshi.sign import READY, KeyUnusable, Ready, Signer

NOW_MS = 1_795_217_400_000
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = Ed25519PrivateKey.generate()


def pem(key, form=serialization.PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def signer(key=ED, form=serialization.PrivateFormat.PKCS8, now=lambda: NOW_MS) -> Signer:
    return Signer("the-key", pem(key, form), now)


def test_time_method_and_path_without_query_are_signed() -> None:
    headers = signer().headers("GET", "/trade-api/v2/portfolio/orders?limit=5")
    assert headers["KALSHI-ACCESS-KEY"] == "the-key"
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1795217400000"
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    ED.public_key().verify(signature, b"1795217400000GET/trade-api/v2/portfolio/orders")


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8]
)
def test_an_rsa_key_signs_with_pss_and_a_salt_of_the_digest_length(form) -> None:
    one = signer(RSA, form)
    assert one.slow
    signature = base64.b64decode(one.headers("POST", "/p")["KALSHI-ACCESS-SIGNATURE"])
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    RSA.public_key().verify(signature, b"1795217400000POST/p", pss, hashes.SHA256())


def test_what_is_no_key_is_refused_without_a_word_of_it() -> None:
    encrypted = RSA.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"canary"),
    )
    for text in (b"canary", encrypted, pem(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(KeyUnusable) as refused:
            Signer("k", text, lambda: 0)
        assert "canary" not in str(refused.value)
        assert "KALSHI_PRIVATE_KEY_PATH" in str(refused.value)


def test_signatures_made_ahead_are_fresh_and_used_once() -> None:
    async def story() -> None:
        now = [NOW_MS]
        ready = Ready(signer(now=lambda: now[0]), "POST", "/p", lambda: now[0])
        assert ready.take() is None
        task = asyncio.create_task(ready.run())
        await asyncio.sleep(0)
        taken = [ready.take() for _ in range(READY)]
        assert all(taken)
        assert ready.take() is None  # each was used once
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        now[0] += 1501
        assert ready.take() is None  # too old: the venue takes five seconds, we one and a half
        task.cancel()

    asyncio.run(story())
