"""Hashes, signatures, headers and wallets against the golden vectors, to the byte."""

import json

import pytest
from coincurve import PrivateKey
from polymarket_samples import VECTORS

from console.keys import KeyMissing, Keys
from console.venues.polymarket.auth import (
    L2,
    CredentialError,
    Credentials,
    credentials_of,
    l1_headers,
    wallet_of,
)
from console.venues.polymarket.hashing import (
    ORDER_TYPE,
    ORDER_TYPE_HASH,
    clob_auth_digest,
    digest_of,
    domain_separator,
    exchange_for,
    is_protocol_v2,
    keccak256,
    position_parts,
    word,
)
from console.venues.polymarket.orders import post_body
from console.venues.polymarket.signing import OrderSide, SignatureType, Unsigned, Wallet
from console.venues.polymarket.wallets import wallets_of

ORDERS = [order for order in VECTORS["orders"] if order["inputs"]["exchange_version"] > 1]
OLD_ORDERS = [order for order in VECTORS["orders"] if order["inputs"]["exchange_version"] == 1]


def named(orders):
    return pytest.mark.parametrize("vector", orders, ids=lambda vector: vector["id"])


def unsigned(inputs, expected):
    return Unsigned(
        salt=inputs["salt"],
        token=int(inputs["token_id"]),
        maker_amount=int(expected["maker_amount"]),
        taker_amount=int(expected["taker_amount"]),
        side=OrderSide[inputs["side"]],
        timestamp_ms=inputs["timestamp_ms"],
        metadata=bytes.fromhex(inputs["metadata"][2:]),
        builder=bytes.fromhex(inputs["builder_code"][2:]),
    )


def wallet(inputs):
    return Wallet(
        inputs["private_key"],
        SignatureType(inputs["signature_type"]),
        inputs["funder"],
        chain=inputs["chain_id"],
    )


def exchange(inputs):
    return exchange_for(
        neg_risk=inputs["neg_risk"],
        protocol_v2=inputs["exchange_version"] == 3,
        chain=inputs["chain_id"],
    )


@named(ORDERS)
def test_order_is_signed_as_the_venues_own_sdks_sign_it(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    ours, contract, order = wallet(inputs), exchange(inputs), unsigned(inputs, expected)
    signed = ours.sign(order, contract)
    assert (ours.maker, ours.signer) == (expected["maker"], expected["signer"])
    assert "0x" + contract.separator.hex() == expected["domain_separator"]
    assert contract.contract == expected["exchange"]
    assert signed.order_id == expected["order_id"] == ours.order_id(order, contract)
    assert signed.signature == expected["signature"]


@named([order for order in ORDERS if "l2_headers" in order["expected"]])
def test_body_and_headers_are_posted_as_the_sdk_posts_them(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    ours, order = wallet(inputs), unsigned(inputs, expected)
    owner = next(k for k in VECTORS["credentials"] if k["apiKey"] in expected["posted_body"])
    lane = L2(ours.address, Credentials(owner["apiKey"], owner["secret"], owner["passphrase"]))
    body = post_body(
        ours,
        order,
        ours.sign(order, exchange(inputs)),
        owner=lane.owner,
        order_type=inputs["order_type"],
        expiration_s=inputs["expiration"],
        post_only=inputs["post_only"],
    )
    assert body == expected["posted_body"]
    stamp = int(expected["l2_headers"]["POLY_TIMESTAMP"])
    assert lane.headers(stamp, "POST", "/order", body.encode()) == expected["l2_headers"]


@named([order for order in ORDERS if "posted_body" in order["expected"]])
def test_every_posted_body_is_ours_to_the_byte(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    ours, order = wallet(inputs), unsigned(inputs, expected)
    body = post_body(
        ours,
        order,
        ours.sign(order, exchange(inputs)),
        owner=json.loads(expected["posted_body"])["owner"],
        order_type=inputs["order_type"],
        expiration_s=inputs["expiration"],
        post_only=inputs["post_only"],
    )
    assert body == expected["posted_body"]


@named(OLD_ORDERS)
def test_the_encoder_also_hashes_what_the_venue_took_before_april_2026(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    kind = VECTORS["constants"]["order_type_string_v1"].encode()
    body = json.loads(expected["posted_body"])["order"]
    fields = (
        body["salt"],
        int(body["maker"], 16),
        int(body["signer"], 16),
        int(body["taker"], 16),
        int(body["tokenId"]),
        int(body["makerAmount"]),
        int(body["takerAmount"]),
        int(body["expiration"]),
        int(body["nonce"]),
        int(body["feeRateBps"]),
        int(body["side"] == "SELL"),
        body["signatureType"],
    )
    struct = keccak256(keccak256(kind) + b"".join(word(field) for field in fields))
    separator = domain_separator("1", inputs["chain_id"], expected["exchange"])
    assert "0x" + struct.hex() == expected["struct_hash"]
    digest = digest_of(separator, struct)
    assert "0x" + digest.hex() == expected["order_id"]
    key = PrivateKey(bytes.fromhex(inputs["private_key"][2:]))
    signature = key.sign_recoverable(digest, hasher=None)
    assert "0x" + (signature[:64] + bytes((27 + signature[64],))).hex() == expected["signature"]


def test_constants_are_the_venues():
    constants = VECTORS["constants"]
    assert ORDER_TYPE.decode() == constants["order_type_string_v2_v3"]
    assert len(ORDER_TYPE) == constants["order_type_string_length"] == 186
    assert "0x" + ORDER_TYPE_HASH.hex() == constants["order_type_hash_v2_v3"]
    for row in constants["domain_separators"]:
        separator = domain_separator(row["domain_version"], row["chain_id"], row["verifying_contract"])
        assert "0x" + separator.hex() == row["domain_separator"]


@pytest.mark.parametrize("vector", VECTORS["anchors"], ids=lambda vector: vector["what"])
def test_anchor_outside_the_sdks_holds(vector):
    if "expected_struct_hash" in vector:
        order = vector["order"]
        fields = [order[name] for name in ("salt", "makerAmount", "takerAmount", "side")]
        words = [
            word(order["salt"]),
            word(int(order["maker"], 16)),
            word(int(order["signer"], 16)),
            word(int(order["tokenId"])),
            *(word(field) for field in fields[1:]),
            word(order["signatureType"]),
            word(order["timestamp"]),
            bytes.fromhex(order["metadata"][2:]),
            bytes.fromhex(order["builder"][2:]),
        ]
        assert "0x" + keccak256(ORDER_TYPE_HASH + b"".join(words)).hex() == vector["expected_struct_hash"]
    elif vector["what"] == "ClobAuth signature":
        ours = Wallet(vector["private_key"], SignatureType.EOA, chain=vector["chain_id"])
        assert ours.sign_auth(vector["timestamp"], vector["nonce"]) == vector["expected_signature"]
    elif vector["what"] == "HMAC":
        lane = L2("0x", Credentials("key", vector["secret"], ""))
        headers = lane.headers(
            int(vector["timestamp"]), vector["method"], vector["path"], vector["body"].encode()
        )
        assert headers["POLY_SIGNATURE"] == vector["expected"]


@pytest.mark.parametrize("vector", VECTORS["clob_auth"], ids=lambda v: f"{v['address'][:8]}-{v['nonce']}")
def test_wallet_attests_itself(vector):
    expected = vector["expected"]
    digest = clob_auth_digest(vector["address"], vector["timestamp"], vector["nonce"], vector["chain_id"])
    assert "0x" + digest.hex() == expected["digest"]
    ours = Wallet(vector["private_key"], SignatureType.EOA, chain=vector["chain_id"])
    headers = l1_headers(ours, vector["timestamp"], vector["nonce"])
    assert headers["POLY_SIGNATURE"] == expected["signature"]
    assert headers["POLY_ADDRESS"] == vector["address"]


@pytest.mark.parametrize("vector", VECTORS["hmac"], ids=lambda v: f"{v['timestamp']}")
def test_api_key_signs_the_exact_text(vector):
    creds = next((c for c in VECTORS["credentials"] if c["secret"] == vector["secret"]), {})
    lane = L2(
        vector.get("headers", {}).get("POLY_ADDRESS", "0x"),
        Credentials(creds.get("apiKey", "key"), vector["secret"], creds.get("passphrase", "")),
    )
    body = (vector["body"] or "").encode()
    headers = lane.headers(vector["timestamp"], vector["method"], vector["request_path"], body)
    assert headers["POLY_SIGNATURE"] == vector["expected_poly_signature"]
    if creds and "headers" in vector:
        assert headers == vector["headers"]


def test_session_signer_wraps_its_signature():
    (vector,) = VECTORS["session_signer_wrap"]
    order = next(o for o in ORDERS if o["id"] == "gtc-buy-0.01-deposit-wallet")
    inputs, expected = order["inputs"], order["expected"]
    ours = Wallet(vector["session_private_key"], SignatureType.DEPOSIT, inputs["funder"], session=True)
    assert ours.address == vector["session_address"]
    signed = ours.sign(unsigned(inputs, expected), exchange(inputs))
    assert signed.order_id == expected["order_id"]
    assert vector["inner_signature"][2:] in signed.signature
    assert signed.signature == vector["expected_wire_signature"]


@pytest.mark.parametrize("vector", VECTORS["wallet_derivation"], ids=lambda v: v["owner"][:8])
def test_wallets_are_derived_from_their_owner(vector):
    derived = wallets_of(vector["owner"])
    assert derived.proxy == vector["POLY_PROXY"]
    assert derived.safe == vector["GNOSIS_SAFE"]
    assert derived.deposit_beacon == vector["DEPOSIT_WALLET_BEACON"]
    assert derived.deposit_uups == vector["DEPOSIT_WALLET_UUPS"]


@pytest.mark.parametrize("vector", VECTORS["position_ids"], ids=lambda v: v["asset_id"][-6:])
def test_position_ids_tell_their_protocol(vector):
    token = int(vector["asset_id"])
    assert is_protocol_v2(token) is vector["is_protocol_v2"]
    if vector.get("decode_error"):
        with pytest.raises(ValueError, match="not a protocol V2 position"):
            position_parts(token)
    else:
        assert position_parts(token) == (vector["condition_id"], vector["outcome_index"])


# ---- keys


KEY = VECTORS["wallet_derivation"][0]


def keys(**names):
    return Keys(names, None)


def test_proxy_and_safe_are_found_without_being_named():
    assert wallet_of(keys(POLY_PRIVATE_KEY=KEY["private_key"]), 1).maker == KEY["POLY_PROXY"]
    assert wallet_of(keys(POLY_PRIVATE_KEY=KEY["private_key"]), 2).maker == KEY["GNOSIS_SAFE"]
    assert wallet_of(keys(POLY_PRIVATE_KEY=KEY["private_key"]), 0).maker == KEY["owner"]


def test_a_deposit_wallet_must_be_named():
    with pytest.raises(KeyMissing, match="POLY_FUNDER"):
        wallet_of(keys(POLY_PRIVATE_KEY=KEY["private_key"]), 3)


@pytest.mark.parametrize("secret", ["", "0x12", "zz" * 32, "00" * 32])
def test_a_bad_key_is_refused_without_being_shown(secret):
    with pytest.raises((CredentialError, KeyMissing)) as refused:
        wallet_of(keys(POLY_PRIVATE_KEY=secret), 0)
    assert not secret or secret not in str(refused.value)


def test_half_an_api_key_is_refused():
    assert credentials_of(keys()) is None
    with pytest.raises(CredentialError, match="belong together"):
        credentials_of(keys(POLY_API_KEY="k", POLY_API_SECRET="s"))


def test_credentials_show_nothing_of_themselves():
    shown = repr(Credentials("key-1", "secret-1", "phrase-1"))
    assert not any(word in shown for word in ("key-1", "secret-1", "phrase-1"))
