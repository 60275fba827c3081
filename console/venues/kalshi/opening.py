"""How a run opens Kalshi: for its public data, to rehearse, to trade, or to be examined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.config.read import Config
from console.keys import Keys
from console.venues.base.protocol import Check
from console.venues.kalshi.client import Kalshi
from console.venues.kalshi.doctor import Doctor
from console.venues.kalshi.hosts import hosts
from console.venues.kalshi.rest import Rest
from console.venues.kalshi.sign import KEY_FILE, KEY_ID, Signer


def public(config: Config, keys: Keys) -> Kalshi:
    """What anybody can see; by the stream where there is a key, since it asks for one, else by polling."""
    table = config.venues.kalshi
    signer = signer_of(keys) if keys.find(KEY_ID) is not None else None
    return Kalshi(hosts(config.mode, table), table, signer, trading=False)


def rehearsing(config: Config, keys: Keys) -> Kalshi:
    """What anybody can see, and requests built to the byte; raises KeyMissing."""
    table = config.venues.kalshi
    return Kalshi(hosts(config.mode, table), table, signer_of(keys), trading=False)


def trading(config: Config, keys: Keys) -> Kalshi:
    """Everything; raises KeyMissing."""
    table = config.venues.kalshi
    return Kalshi(hosts(config.mode, table), table, signer_of(keys), trading=True)


async def examine(config: Config, keys: Keys) -> Sequence[Check]:
    """Every check that real orders wait for."""
    found, signer = key_check(keys)
    rest = Rest(hosts(config.mode, config.venues.kalshi), signer)
    await rest.open()
    try:
        return await Doctor(rest, config, found).examine()
    finally:
        await rest.close()


def signer_of(keys: Keys) -> Callable[[Callable[[], int]], Signer]:
    """Load the key once; raises KeyMissing, KeyFileError and KeyUnusable."""
    key_id, pem = keys.need(KEY_ID).reveal(), keys.need_file(KEY_FILE)
    Signer(key_id, pem, lambda: 0)  # an unusable key is told at once
    return lambda now_ms: Signer(key_id, pem, now_ms)


def key_check(keys: Keys) -> tuple[Check, Callable[[Callable[[], int]], Signer] | None]:
    """The key as it is on this machine."""
    from console.core.complaint import Complaint

    try:
        signer = signer_of(keys)
    except Complaint as error:
        remedy = (
            f"make a key at kalshi.com, put its id into {KEY_ID} and the path of its file into {KEY_FILE}"
        )
        return Check("kalshi key", False, str(error), remedy), None
    kind = "RSA" if signer(lambda: 0).slow else "Ed25519"
    return Check("kalshi key", True, f"{kind}, file of mode 600"), signer
