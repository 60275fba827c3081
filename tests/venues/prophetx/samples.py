"""The example messages beside this file: read, changed, and walked through."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from console.core.instruments import Instrument, Venue

EXAMPLES = Path(__file__).parent / "examples"
KNICKS = Instrument(Venue.PROPHETX, "20021871-219-16168ec20ba1f801300d9aff814e6fcf")
CELTICS = Instrument(Venue.PROPHETX, "20021871-219-93c3f94974543f570ecca97909a67532")
ORDER = "0193a1b2-7c3d-7e4f-8a9b-0c1d2e3f4a5b"
OURS = "mm-20261120-000001"

Json = Any


def example(name: str) -> Json:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def raw(message: Json) -> bytes:
    return json.dumps(message).encode()


def dropped(message: Json, keys: set[str]) -> Iterator[tuple[str, Json]]:
    """The message with one occurrence of one of the keys taken out, for every occurrence."""
    for path in _paths(message, keys, ()):
        changed = copy.deepcopy(message)
        place = changed
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        yield ".".join(map(str, path)), changed


def _paths(message: Json, keys: set[str], so_far: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(message, dict):
        for key, value in message.items():
            if key in keys:
                yield (*so_far, key)
            yield from _paths(value, keys, (*so_far, key))
    elif isinstance(message, list):
        for number, value in enumerate(message):
            yield from _paths(value, keys, (*so_far, number))
